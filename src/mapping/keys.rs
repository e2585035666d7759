//! The keys of a mapping as tables: what an editor can offer and check.
//!
//! The readers of the sections decide; a test holds these tables against what they know,
//! take and refuse, so that neither has a key or a word that the other has not.

use super::file_keys::{JOIN, LOOKUP, SOURCE};

/// A key.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The table cannot be without it.
    pub(super) is_needed: bool,
    /// What it is for, as an editor shows it.
    pub(super) about: &'static str,
}

/// What a value can be.
#[derive(Debug)]
pub(super) enum Kind {
    /// Any text.
    Text,
    /// Text of one character or more.
    SomeText,
    /// Text that has this form, of which there is an example.
    Formed(&'static str, &'static str),
    Flag,
    /// A whole number.
    Whole(u32, u32),
    /// A number above 0, and at most this one.
    Positive(f64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// The word for a system.
    System,
    /// The ending of a checksum's file.
    Checksum,
    /// A field by which accounts can be matched.
    Adoptable,
    /// A list of texts.
    Texts,
    /// A list of at least one text.
    SomeTexts,
    /// A list of fields.
    Fields,
    /// A list of at least one field.
    SomeFields,
    /// A list of roles.
    Roles,
    Table(&'static Keys),
    /// A table, or a list of them.
    Tables(&'static Keys),
    /// Where a field comes from.
    Field,
    /// Where each field comes from.
    AllFields,
    /// The value of each of some fields.
    SetFields,
    /// A text for each text.
    Map,
    /// A text that is the same for everybody; of a field that is true or false, also that.
    Constant,
    /// `false`.
    No,
    OneOf(&'static [Kind]),
}

/// The keys of a table.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) entries: &'static [Key],
    /// Of which the table has exactly one.
    pub(super) one_of: &'static [&'static str],
    /// It has at least one key.
    pub(super) is_never_empty: bool,
    /// A key, and the one that it requires.
    pub(super) pairs: &'static [(&'static str, &'static str)],
}

pub(super) const fn table(entries: &'static [Key]) -> Keys {
    Keys {
        entries,
        one_of: &[],
        is_never_empty: false,
        pairs: &[],
    }
}

pub(super) const fn key(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key {
        name,
        kind,
        is_needed: false,
        about,
    }
}

pub(super) const fn needed(name: &'static str, kind: Kind, about: &'static str) -> Key {
    Key {
        is_needed: true,
        ..key(name, kind, about)
    }
}

/// A number with a unit, or as in ISO 8601: only the program knows all units.
pub(super) const DURATION: Kind =
    Kind::Formed(r"^\s*\+?\s*([Pp].*[0-9]|[0-9.,].*[A-Za-zµμ:])", "30s");
const FOR_DAYS: Kind = Kind::Formed(r"^\s*\+?\s*([Pp].*[0-9]|[0-9.,].*[A-Za-zµμ:])", "90 days");
const SHARE: Kind = Kind::Formed(r"^\s*[+-]?[0-9.]+([eE][+-]?[0-9]+)?\s*%\s*$", "5%");
const DAY: Kind = Kind::Formed(r"^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}\s*$", "2027-01-31");
pub(super) const SIZE: Kind = Kind::Formed(r"^\s*\+?[0-9.]", "4 GiB");
pub(super) const WEB: Kind = Kind::Formed(r"^\s*[Hh][Tt][Tt][Pp][Ss]?:", "https://lms.example.com");
const E164: Kind = Kind::Formed(r"^[Ee]\.?164$", "E164");

const ANY_NUMBER: Kind = Kind::Whole(0, u32::MAX);

pub(super) const SECRET: Kind = Kind::Table(&Keys {
    one_of: &["env", "file"],
    ..table(&[
        key(
            "env",
            Kind::Text,
            "the variable of the environment that has the secret",
        ),
        key(
            "file",
            Kind::Text,
            "the file that has the secret; its path starts at the folder of the mapping",
        ),
    ])
});

/// A limit of one run.
const LIMIT: Kind = Kind::OneOf(&[SHARE, ANY_NUMBER]);

/// A limit that can be counted over several days.
const LIMIT_OVER_DAYS: Kind = Kind::OneOf(&[
    SHARE,
    ANY_NUMBER,
    Kind::Table(&Keys {
        one_of: &["share", "number"],
        ..table(&[
            key("share", SHARE, "a share, such as \"5%\""),
            key("number", ANY_NUMBER, "a number"),
            needed(
                "per",
                FOR_DAYS,
                "of how many days together, such as \"7 days\"",
            ),
        ])
    }),
]);

/// The whole mapping.
pub(super) const MAPPING: Keys = table(&[
    needed("target", Kind::Table(&TARGET), "which LMS, and where it is"),
    key(
        "source",
        Kind::Table(&SOURCE),
        "how the feed is read, where it does not show, and which rows count",
    ),
    key(
        "join",
        Kind::Tables(&JOIN),
        "another file, whose columns are added to the rows of the feed",
    ),
    needed(
        "fields",
        Kind::AllFields,
        "where each field of the LMS comes from",
    ),
    key(
        "unique",
        Kind::Table(&UNIQUE),
        "values that no two rows may share",
    ),
    key(
        "adopt",
        Kind::Table(&ADOPT),
        "how accounts without an external ID are linked to people of the feed",
    ),
    key(
        "identity",
        Kind::Table(&IDENTITY),
        "by what a person is recognised who comes under another external ID",
    ),
    key("protect", Kind::Table(&PROTECT), "whom no run touches"),
    key(
        "groups",
        Kind::Table(&GROUPS),
        "what becomes of the groups that the feed names; aNewSpring only",
    ),
    key(
        "leavers",
        Kind::Table(&LEAVERS),
        "what happens to people who leave",
    ),
    key("guards", Kind::Table(&GUARDS), "the limits of a run"),
    key(
        "journal",
        Kind::Table(&JOURNAL),
        "how long runs stay in the journal",
    ),
    key("notify", Kind::Table(&NOTIFY), "who hears of each import"),
]);

const TARGET: Keys = table(&[
    needed("system", Kind::System, "the LMS"),
    needed(
        "base_url",
        WEB,
        "the address of the LMS, https://…; http:// only for this computer",
    ),
    needed(
        "api_key",
        SECRET,
        "where the API key is, never the key itself",
    ),
    key(
        "api_secret",
        SECRET,
        "where the API secret is, never the secret itself; KMI LMS only",
    ),
    key(
        "allow_roles",
        Kind::Roles,
        "powerful roles that the feed may give; aNewSpring only",
    ),
    key(
        "requests_per_second",
        Kind::Positive(100_000.0),
        "requests in any one second, reads and retries included",
    ),
    key(
        "share_rate",
        Kind::Flag,
        "all runs of this user and machine on this host keep one rate together",
    ),
    key(
        "max_in_flight",
        Kind::Whole(1, 1000),
        "requests at the same time",
    ),
    key(
        "connect_timeout",
        DURATION,
        "how long a connection may take",
    ),
    key("timeout", DURATION, "how long one request may take"),
    key(
        "max_outage",
        DURATION,
        "how long the LMS may be down before the run ends with exit code 5",
    ),
    key(
        "settle_after",
        DURATION,
        "how long after its timeout a request without an answer may still be carried out",
    ),
    key(
        "api_key_expires",
        DAY,
        "the day on which the API key expires; hrfeed warns 14 days before",
    ),
]);

const UNIQUE: Keys = table(&[
    key(
        "fields",
        Kind::Fields,
        "fields of which no two rows may share a value; the external ID is always one",
    ),
    key(
        "duplicates",
        Kind::Word(&["reject", "first", "last"]),
        "what becomes of rows that share a value",
    ),
    key(
        "variants",
        Kind::Word(&["same", "distinct"]),
        "whether `E7` and `e 7` are one value",
    ),
]);

const ADOPT: Keys = table(&[needed(
    "by",
    Kind::Adoptable,
    "the field that tells whose account it is",
)]);

const IDENTITY: Keys = table(&[
    key("by", Kind::SomeFields, "fields that identify a person"),
    key(
        "renumbered",
        Kind::Word(&["hold", "rekey", "reject"]),
        "what happens when a known person comes under another external ID",
    ),
]);

const PROTECT: Keys = Keys {
    is_never_empty: true,
    ..table(&[
        key("ids", Kind::Texts, "external IDs, spelled as they are sent"),
        key(
            "where",
            Kind::Text,
            "an expression that is asked of each row",
        ),
    ])
};

const GROUPS: Keys = table(&[
    key(
        "create",
        Kind::Flag,
        "true: a group that is missing is created",
    ),
    key(
        "remove_unused",
        Kind::Flag,
        "true: a group that hrfeed created is deleted once it is empty and not in the feed",
    ),
    key(
        "type",
        Kind::Field,
        "the role that all members of the group have",
    ),
    key("name", Kind::Field, "the name of the group"),
    key("parent", Kind::Field, "the external ID of the group above"),
]);

const LEAVERS: Keys = table(&[
    key(
        "action",
        Kind::Word(&["ignore", "set", "deactivate", "delete"]),
        "what happens to leavers; \"deactivate\" is for aNewSpring only",
    ),
    key(
        "deactivate_by",
        Kind::Word(&["active", "archived"]),
        "whether the account is switched off or put into the archive; aNewSpring only",
    ),
    key(
        "among",
        Kind::Word(&["journal", "lms"]),
        "who can be a leaver: people whom hrfeed knows, or everybody with an external ID in the LMS",
    ),
    key(
        "grace",
        Kind::Formed(r"^\s*\+?\s*([Pp].*[0-9]|[0-9.,].*[A-Za-zµμ:])", "3 feeds"),
        "how long somebody who is missing from the feed stays: \"3 feeds\" or \"7 days\"",
    ),
    key(
        "when",
        Kind::Text,
        "the people of these rows are leavers: an expression, such as \"row['Status'] == 'Terminated'\"",
    ),
    key(
        "set",
        Kind::SetFields,
        "the fields that action = \"set\" writes",
    ),
]);

const GUARDS: Keys = table(&[
    key(
        "max_leavers",
        LIMIT_OVER_DAYS,
        "leavers of several days together",
    ),
    key("max_creates", LIMIT_OVER_DAYS, "people to create"),
    key("max_updates", LIMIT_OVER_DAYS, "people to change"),
    key("max_lost", LIMIT, "known people whom the LMS does not show"),
    key(
        "max_identities",
        LIMIT,
        "people whose login, e-mail address and name change together",
    ),
    key(
        "max_shrink",
        LIMIT,
        "rows that are missing, compared with the last good feeds",
    ),
    key(
        "max_mails",
        LIMIT,
        "people whom the LMS would mail because of the run",
    ),
    key("max_rejected", LIMIT, "rejected rows, of all rows"),
    key(
        "max_emptied",
        SHARE,
        "empty cells of a mapped column that was filled",
    ),
    key("max_age", DURATION, "the age of the file, such as \"36 h\""),
    key("min_rows", ANY_NUMBER, "rows that the feed must have"),
    key(
        "tolerate",
        Kind::OneOf(&[SHARE, ANY_NUMBER, Kind::Formed(r"^\s*\+?[0-9]+\s*$", "3")]),
        "up to this many rejected rows do not change the exit code",
    ),
]);

const JOURNAL: Keys = table(&[
    key("keep", FOR_DAYS, "how long runs stay, such as \"90d\""),
    key(
        "keep_undo",
        FOR_DAYS,
        "how long a run of `import --undoable` can be undone, such as \"14d\"",
    ),
]);

const NOTIFY: Keys = Keys {
    is_never_empty: true,
    pairs: &[("timeout", "command")],
    ..table(&[
        key(
            "command",
            Kind::OneOf(&[Kind::SomeText, Kind::Texts]),
            "a program that gets the JSON of each import, or a list of it and its arguments",
        ),
        key(
            "url",
            SECRET,
            "where the address is that is pinged, never the address itself",
        ),
        key("timeout", DURATION, "how long the command may take"),
    ])
};

/// Where one field comes from, where more than the name of a column is said.
pub(super) const FIELD: Keys = Keys {
    one_of: &["column", "template", "value"],
    ..table(&[
        key("column", Kind::Text, "the column of the feed"),
        key(
            "template",
            Kind::Text,
            "computed from several columns: \"{{ row['First'] }} {{ row['Last'] }}\"",
        ),
        key("value", Kind::Constant, "the same for everybody"),
        key("lower", Kind::Flag, "in lower case"),
        key("upper", Kind::Flag, "in upper case"),
        key(
            "title",
            Kind::Flag,
            "names in capitals as people write them",
        ),
        key(
            "ascii",
            Kind::OneOf(&[Kind::Flag, Kind::Word(&["german"])]),
            "in ASCII, for logins",
        ),
        key(
            "map",
            Kind::Map,
            "replaces values; case and white space do not count",
        ),
        key(
            "lookup",
            Kind::Table(&LOOKUP),
            "replaces values by a table in a file",
        ),
        key("date", Kind::Text, "the format of dates: \"%d-%m-%Y\""),
        key(
            "zone",
            Kind::Text,
            "the time zone of dates with a time of day: \"Europe/Amsterdam\"",
        ),
        key(
            "phone",
            Kind::OneOf(&[
                E164,
                Kind::Table(&table(&[
                    needed("form", E164, "the form: \"E164\", as in +31612345678"),
                    key(
                        "region",
                        Kind::OneOf(&[
                            Kind::Text,
                            Kind::Table(&table(&[
                                needed("column", Kind::Text, "the column with the country"),
                                key("default", Kind::Text, "the country where that is empty"),
                            ])),
                        ]),
                        "the country of numbers without one: \"NL\", or its column",
                    ),
                ])),
            ]),
            "phone numbers in one form",
        ),
        key(
            "empty",
            Kind::Word(&["clear", "keep"]),
            "whether an empty cell clears the field in the LMS",
        ),
        key("default", Kind::Constant, "the value of an empty cell"),
        key(
            "split",
            Kind::OneOf(&[Kind::SomeText, Kind::SomeTexts]),
            "what separates several values in a cell",
        ),
        key(
            "all",
            Kind::Flag,
            "true: the values of all rows of the person",
        ),
    ])
};

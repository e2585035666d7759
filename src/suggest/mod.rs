//! A feed becomes a first mapping: each field of the LMS gets the column that
//! it probably comes from, and each decision that is a person's a line to
//! choose.
//!
//! # Invariants
//!
//! - The text is a mapping that fits the feed, once the lines marked `# ?` are
//!   filled in.
//! - Who may do what is never guessed: roles, groups and passwords are lines
//!   behind a `#`.
//! - Nobody is removed by it: a filter leaves people out, and they are left alone.
//! - No value of a person is in it, only shapes, and the words of short lists.

mod columns;
mod fields;
mod genders;
mod keys;
mod left_over;
mod names;
mod places;
mod quote;
mod recognise;
mod settings;
mod shape;
mod status;
mod systems;
mod words;

use std::fmt::{self, Write as _};

use serde::Serialize;

use self::quote::{listed, quoted, remark};
use self::recognise::{Origin, recognise};
use self::status::Filter;
use crate::feed::{Feed, FeedError, FeedOptions, Format};
use crate::headers;
use crate::model::{NoPerson, Remark};
use crate::report::sanitize;
use crate::schema::System;
use crate::validate::is_email;

/// What a first mapping is written from, apart from the feed.
#[derive(Clone, Debug)]
pub struct DraftOptions {
    /// The LMS to feed.
    pub system: System,
    /// The feed's name for people: that of its file.
    pub feed_name: String,
    /// How the feed was opened.
    pub source: FeedOptions,
}

/// A first mapping, and remarks on it.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The mapping.
    pub text: String,
    /// What was decided about each field that has a column or needs one.
    pub proposals: Vec<Proposal>,
    /// Columns that no field uses.
    pub unused: Vec<Unused>,
    /// Required fields that were not recognised.
    pub missing: Vec<&'static str>,
    /// Lines that a person must look at, each with the field.
    pub checks: Vec<String>,
    /// The system that exported the feed, such as `a Workday report`.
    pub exported_by: Option<&'static str>,
    /// Remarks for the person who will use it.
    pub notes: Vec<String>,
}

/// Where a field's value comes from, and why.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Proposal {
    /// The field of the LMS.
    pub field: &'static str,
    /// What the mapping says behind the `=`; nothing where a person must fill it in.
    pub setting: Option<String>,
    /// The columns that it is about.
    pub columns: Vec<String>,
    /// Why, for a person.
    pub why: String,
    /// What the first column's cells look like.
    pub shapes: Vec<String>,
    /// Settings that a person could prefer.
    pub others: Vec<String>,
}

/// A column that no field uses.
#[derive(Clone, Debug, Serialize)]
pub struct Unused {
    /// Its name.
    pub column: String,
    /// Why, where that is not plain.
    pub why: Option<String>,
}

/// Whether the row that was taken for a header is a person: a header has no addresses.
#[must_use]
pub fn lacks_header(feed: &Feed) -> bool {
    let is_number = |name: &String| name.bytes().all(|byte| byte.is_ascii_digit());
    let columns = feed.columns();
    let is_known = columns.iter().any(|name| headers::is_known(name));
    let has_address = columns.iter().any(|name| is_email(name));
    !is_known
        && columns.len() > 1
        && (has_address || columns.iter().filter(|it| is_number(it)).count() >= 2)
}

impl Draft {
    /// Reads the first rows of a feed and writes a mapping for it.
    ///
    /// # Errors
    /// The feed cannot be read.
    pub fn of(feed: &mut Feed, options: &DraftOptions) -> Result<Self, FeedError> {
        let sample = columns::read(feed)?;
        let system = options.system;
        let found = recognise(system, &sample);
        let email = system.spec().email;
        let has_email =
            (found.choices.iter()).any(|it| it.field.name == email && it.origin != Origin::Nothing);
        let mut draft = Self {
            exported_by: systems::of(&sample.columns),
            ..Self::default()
        };
        // Writing into a String cannot fail.
        let _infallible = draft
            .head(feed, options)
            .and_then(|()| draft.source(feed, &options.source, found.filter.as_ref()))
            .and_then(|()| draft.fields(system, &sample, &found))
            .and_then(|()| draft.left_over(&sample, &found))
            .and_then(|()| draft.unique(system))
            .and_then(|()| settings::write(&mut draft.text, system, has_email));
        if sample.columns.iter().all(|column| column.rows == 0) {
            draft
                .notes
                .push("the feed has no rows, so its columns were recognised by name only".into());
        }
        // What the mapping itself says is not said again.
        let said = |remark: &Remark| {
            matches!(remark, Remark::Encoding { .. } | Remark::OtherSheets { .. })
        };
        let remarks = feed.remarks().into_iter();
        let unsaid = remarks.filter(|it| !said(&it.remark));
        draft
            .notes
            .extend(unsaid.map(|it| format!("note: {}", sanitize(&it.to_string()))));
        Ok(draft)
    }

    fn head(&mut self, feed: &Feed, options: &DraftOptions) -> fmt::Result {
        let (text, system) = (&mut self.text, options.system);
        let name = sanitize(&options.feed_name);
        let format = feed.format().to_string();
        writeln!(text, "# How hrfeed reads `{name}` for {system}.")?;
        let format = sanitize(&format);
        if options.source.has_no_header {
            writeln!(text, "# Found: {format}, no header.")?;
        } else {
            writeln!(
                text,
                "# Found: {format}, header in row {}.",
                feed.header_row()
            )?;
        }
        let labels = feed.remarks().into_iter();
        let labels = labels.filter_map(|it| match it.remark {
            Remark::NoPerson {
                what: NoPerson::Labels,
            } => it.rows.first().copied(),
            _ => None,
        });
        let two_rows =
            labels.map(|row| format!(" The header has two rows: row {row} is left out."));
        let two_rows = two_rows.collect::<String>();
        if let Some(title) = self.exported_by {
            text.push_str(&remark(&format!("This looks like {title}.{two_rows}")));
        } else {
            text.push_str(&if two_rows.is_empty() {
                two_rows
            } else {
                remark(&two_rows)
            });
        }
        let word = system.word();
        writeln!(
            text,
            "\n[target]\n\
             system = \"{word}\"\n\
             # The address of your LMS.\n\
             base_url = \"https://lms.example.com\""
        )?;
        let name = word.to_uppercase();
        if system.spec().secret_header.is_some() {
            writeln!(
                text,
                "# The environment variables that hold key and secret, never these themselves;\n\
                 # or {{ file = \"…\" }}.\n\
                 api_key = {{ env = \"{name}_API_KEY\" }}\n\
                 api_secret = {{ env = \"{name}_API_SECRET\" }}"
            )?;
        } else {
            writeln!(
                text,
                "# The environment variable that holds the key, never the key itself;\n\
                 # or {{ file = \"…\" }}.\n\
                 api_key = {{ env = \"{name}_API_KEY\" }}"
            )?;
        }
        writeln!(text, "requests_per_second = 10  # never exceeded")?;
        writeln!(
            text,
            "max_in_flight = 8\n\
             # How long a request may take, and how much later one without an answer may\n\
             # still be carried out.\n\
             # timeout = \"60s\"\n\
             # settle_after = \"30s\""
        )
    }

    /// Where the table is in the file, if that was given or is ambiguous, and which rows
    /// belong to the feed.
    fn source(&mut self, feed: &Feed, asked: &FeedOptions, filter: Option<&Filter>) -> fmt::Result {
        let others = feed.other_sheets();
        let found = match feed.format() {
            Format::Workbook { sheet } if !others.is_empty() => Some(sheet),
            _ => None,
        };
        let mut lines = String::new();
        if let Some(encoding) = &asked.encoding {
            writeln!(lines, "encoding = {}", quoted(encoding))?;
        }
        if let Some(sheet) = &asked.sheet {
            writeln!(lines, "sheet = {}", quoted(sheet))?;
        } else if let Some(sheet) = found {
            let others = listed(others.iter().map(String::as_str));
            writeln!(lines, "# Other sheets contain tables, too: {others}.")?;
            writeln!(lines, "sheet = {}", quoted(sheet))?;
            self.notes.push(format!(
                "note: this is sheet {}; other sheets contain tables, too: {others} \
                 (choose one with `--sheet`)",
                sanitize(&quoted(sheet))
            ));
        }
        if let Some(row) = asked.header_row {
            writeln!(lines, "header_row = {row}")?;
        }
        if asked.has_no_header {
            writeln!(
                lines,
                "# No row names the columns: they are called as in a spreadsheet.\n\
                 header = false"
            )?;
        }
        let is_active = !lines.is_empty() || filter.is_some_and(|it| it.is_certain);
        if let Some(filter) = filter {
            lines.push_str(&filter.lines(is_active));
            if filter.is_certain {
                self.checks.push(format!(
                    "where: it leaves out {} of {} rows",
                    filter.leaves_out, filter.rows
                ));
            }
        }
        match (is_active, lines.is_empty()) {
            (_, true) => Ok(()),
            (true, false) => write!(self.text, "\n[source]\n{lines}"),
            (false, false) => write!(self.text, "\n{lines}"),
        }
    }

    fn unique(&mut self, system: System) -> fmt::Result {
        writeln!(self.text, "\n[unique]")?;
        let fields = listed(system.spec().unique.iter().copied());
        writeln!(self.text, "fields = [{fields}]")?;
        writeln!(
            self.text,
            "duplicates = \"reject\"  # sends neither of two such rows; or \"first\", \"last\""
        )
    }
}

#[cfg(test)]
mod measure_tests;
#[cfg(test)]
mod recognise_tests;

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::feed::FeedSource;

    fn draft(system: System, feed: &str) -> Draft {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(feed.as_bytes()).unwrap();
        let source = FeedOptions::default();
        let mut feed = Feed::open(&FeedSource::from_argument(file.path()), &source).unwrap();
        let options = DraftOptions {
            system,
            feed_name: "people.csv".into(),
            source,
        };
        Draft::of(&mut feed, &options).unwrap()
    }

    const FEED: &str = "Nr;Voornaam;Achternaam;E-mail;Land;Rol;Rang\n\
                        1;Ann;de Boer;ann@example.com;Nederland;Baas;3\n\
                        1;Bo;Jansen;bo@example.com;België;Learner;4\n";

    #[test]
    fn a_first_mapping_says_what_was_found() {
        let kmi = draft(System::Kmi, FEED);
        insta::assert_snapshot!(kmi.text, @r#"
        # How hrfeed reads `people.csv` for KMI LMS.
        # Found: CSV, semicolon, header in row 1.

        [target]
        system = "kmi"
        # The address of your LMS.
        base_url = "https://lms.example.com"
        # The environment variables that hold key and secret, never these themselves;
        # or { file = "…" }.
        api_key = { env = "KMI_API_KEY" }
        api_secret = { env = "KMI_API_SECRET" }
        requests_per_second = 10  # never exceeded
        max_in_flight = 8
        # How long a request may take, and how much later one without an answer may
        # still be carried out.
        # timeout = "60s"
        # settle_after = "30s"

        # Field of the LMS = where its value comes from. Above each: why, and what the
        # cells look like (0 is a digit, a and A are letters).
        [fields]
        # No column was recognised as the HR system's ID for a person: the e-mail
        # address is used; like aaa@aaaaaaa.aaa
        # A person whose address changes becomes a new person: name a better column if
        # there is one.
        externalId = { column = "E-mail", lower = true }
        # By name, all filled; like aaa@aaaaaaa.aaa
        email = { column = "E-mail", lower = true }
        # By name, all filled; like Aaa | Aa
        firstName = "Voornaam"
        # By name, all filled; like aa Aaaa | Aaaaaa
        lastName = "Achternaam"
        # No column of its own: the e-mail address is used; like aaa@aaaaaaa.aaa
        loginName = { column = "E-mail", lower = true }
        # By name, all filled; like Aaaaaaaaa | Aaaaaa
        country = "Land"

        # Columns of the feed that are not used:
        #   "Nr": a key, but one value is in several rows
        #   "Rol"
        #   "Rang"
        # Fields of the LMS that are not set:
        #   address, address2, city, state, zip, expirationDate

        [unique]
        fields = ["externalId", "loginName"]
        duplicates = "reject"  # sends neither of two such rows; or "first", "last"

        # Accounts created manually have no external ID: the account with the login of a
        # row gets the row's ID, instead of a second account being created.
        # [adopt]
        # by = "loginName"

        # How hrfeed recognises the same person under another external ID. "hold" waits for
        # your approval, "rekey" changes the ID of the account, "reject" rejects the row.
        # A value that several people share identifies nobody.
        # [identity]
        # by = ["loginName", "email"]
        # renumbered = "hold"

        # People whom no import changes or removes, by external ID. A condition can name more:
        # for example where = "row['Department'] == 'Board'".
        # [protect]
        # ids = ["E1", "E2"]

        # People who are no longer in the feed: "delete" deletes them for good,
        # "ignore" leaves them alone, the default.
        # [leavers]
        # action = "ignore"

        # Safety limits, with their defaults. A share is of the people known. Beyond one of the
        # first five, these changes wait for your approval, and everything else goes on. Beyond
        # one of the others, the file is probably damaged, and nothing is sent.
        # [guards]
        # max_leavers = "5%"  # people to remove, in 7 days; or { share = "5%", per = "30 days" }
        # max_creates = "25%"  # people to create, once 100 are known
        # max_updates = "50%"  # people to change, once 100 are known
        # max_lost = "1%"  # known people whom the LMS does not show
        # max_identities = "2%"  # people whose login, e-mail address and name change together
        # max_rejected = "10%"  # rejected rows
        # max_shrink = "20%"  # rows fewer than in the files before
        # max_emptied = "20%"  # empty cells of a column that was filled
        # min_rows = 1  # rows at least
        # max_age = "36 h"  # age of the file; not checked without this line
        # tolerate = 0  # rejected rows up to this number end with exit code 0
        "#);
        insta::assert_snapshot!(kmi.notes.join("\n"), @"no column was recognised for externalId: the e-mail address is used, so a person whose address changes becomes a new person");
        assert!(kmi.missing.is_empty());
    }

    #[test]
    fn a_first_mapping_says_what_a_person_can_choose() {
        let anewspring = draft(System::ANewSpring, FEED);
        insta::assert_snapshot!(anewspring.text, @r#"
        # How hrfeed reads `people.csv` for aNewSpring.
        # Found: CSV, semicolon, header in row 1.

        [target]
        system = "anewspring"
        # The address of your LMS.
        base_url = "https://lms.example.com"
        # The environment variable that holds the key, never the key itself;
        # or { file = "…" }.
        api_key = { env = "ANEWSPRING_API_KEY" }
        requests_per_second = 10  # never exceeded
        max_in_flight = 8
        # How long a request may take, and how much later one without an answer may
        # still be carried out.
        # timeout = "60s"
        # settle_after = "30s"

        # Field of the LMS = where its value comes from. Above each: why, and what the
        # cells look like (0 is a digit, a and A are letters).
        [fields]
        # No column was recognised as the HR system's ID for a person: the e-mail
        # address is used; like aaa@aaaaaaa.aaa
        # A person whose address changes becomes a new person: name a better column if
        # there is one.
        userID = { column = "E-mail", lower = true }
        # No column of its own: the e-mail address is used; like aaa@aaaaaaa.aaa
        login = { column = "E-mail", lower = true }
        # By name, all filled; like Aaa | Aa
        firstName = "Voornaam"
        # By name, all filled; like aa Aaaa | Aaaaaa
        lastName = "Achternaam"
        # By name, all filled; like aaa@aaaaaaa.aaa
        email = { column = "E-mail", lower = true }
        # By name, all filled; like Aaaaaaaaa | Aaaaaa
        country = "Land"

        # The feed does not decide what follows: remove the # from the lines that you want.

        # The password of a new person: aNewSpring generates one, which it probably mails,
        # and it must be changed at the first sign-in. Not with single sign-on.
        # generatePassword = true
        # forcePasswordChange = true

        # Roles: Learner, Instructor, Observer, Author, Designer; `split` separates several in
        # one cell, and `map` translates: check each word. No role is ever taken away.
        # role = { column = "Rol", map = { Baas = "Learner" }, default = "Learner" }

        # User groups, by their external ID; see [groups] below. An empty cell removes the
        # person from the groups that hrfeed added him or her to.
        # group = { value = "Everybody" }

        # Columns of the feed that are not used:
        #   "Nr": a key, but one value is in several rows
        #   "Rol"
        #   "Rang"
        # Fields of the LMS that are not set:
        #   middleName, gender, title, initials, function, company, dateOfBirth,
        #   telephoneNumber, faxNumber, cellPhoneNumber, address, zip, residence, invoiceAddress,
        #   invoiceZip, invoiceResidence, invoiceCountry, custom1, custom2, custom3, custom4,
        #   custom5, locale, timeZoneGroup, timeZone, active, renewable

        [unique]
        fields = ["userID", "login"]
        duplicates = "reject"  # sends neither of two such rows; or "first", "last"

        # Groups that do not exist are created; without this section their rows are rejected.
        # People need the role of the group's type. The lines `name` and `parent` may name
        # columns for the group's name and the group above it.
        # [groups]
        # create = true
        # type = { value = "Learner" }

        # Accounts created manually have no external ID: the account with the login of a
        # row gets the row's ID, instead of a second account being created.
        # [adopt]
        # by = "login"

        # How hrfeed recognises the same person under another external ID. "hold" waits for
        # your approval, "rekey" changes the ID of the account, "reject" rejects the row.
        # A value that several people share identifies nobody.
        # [identity]
        # by = ["login", "email"]
        # renumbered = "hold"

        # People whom no import changes or removes, by external ID. A condition can name more:
        # for example where = "row['Department'] == 'Board'".
        # [protect]
        # ids = ["E1", "E2"]

        # People who are no longer in the feed: "deactivate" keeps them from signing
        # in, "delete" deletes them for good, "ignore" leaves them alone, the
        # default.
        # [leavers]
        # action = "deactivate"

        # Safety limits, with their defaults. A share is of the people known. Beyond one of the
        # first five, these changes wait for your approval, and everything else goes on. Beyond
        # one of the others, the file is probably damaged, and nothing is sent.
        # [guards]
        # max_leavers = "5%"  # people to remove, in 7 days; or { share = "5%", per = "30 days" }
        # max_creates = "25%"  # people to create, once 100 are known
        # max_updates = "50%"  # people to change, once 100 are known
        # max_lost = "1%"  # known people whom the LMS does not show
        # max_identities = "2%"  # people whose login, e-mail address and name change together
        # max_rejected = "10%"  # rejected rows
        # max_shrink = "20%"  # rows fewer than in the files before
        # max_emptied = "20%"  # empty cells of a column that was filled
        # min_rows = 1  # rows at least
        # max_age = "36 h"  # age of the file; not checked without this line
        # tolerate = 0  # rejected rows up to this number end with exit code 0
        "#);
        assert!(anewspring.missing.is_empty());
    }

    #[test]
    fn people_are_identified_by_fields_that_the_mapping_has() {
        let by = |system, csv| {
            let draft = draft(system, csv);
            let mut lines = draft.text.lines();
            lines
                .find(|line| line.starts_with("# by = ["))
                .unwrap()
                .to_owned()
        };
        let without = "Nr,Login,First name,Last name\n1,ann,Ann,Lee\n2,bo,Bo,Kay\n";
        assert_eq!(by(System::ANewSpring, without), "# by = [\"login\"]");
        assert_eq!(
            by(System::ANewSpring, FEED),
            "# by = [\"login\", \"email\"]"
        );
        assert_eq!(by(System::Kmi, FEED), "# by = [\"loginName\", \"email\"]");
    }

    #[test]
    fn a_field_that_is_required_and_not_recognised_is_marked() {
        let draft = draft(System::Kmi, "Rank,Given name\n3,Ann\n4,Bo\n");
        assert_eq!(
            draft.missing,
            ["externalId", "email", "lastName", "loginName"]
        );
        for field in draft.missing {
            let line = format!("\n# ? {field} = ");
            assert!(draft.text.contains(&line), "{}", draft.text);
        }
    }
}

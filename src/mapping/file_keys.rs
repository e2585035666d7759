//! The keys of a mapping that say where files are and how they are read: `[source]`,
//! `[join]` and `lookup`.

use super::keys::{DURATION, Keys, Kind, SECRET, SIZE, WEB, key, needed, table};

const FINGERPRINT: Kind = Kind::Formed(
    r"^SHA256:[A-Za-z0-9+/]{43}=*$",
    "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
);

/// How a file is read as a table, where its content does not show it.
macro_rules! reading {
    ($($more:expr,)*) => {
        &[
            key("encoding", Kind::Text, "the encoding of a CSV file, where it does not show: \"windows-1252\""),
            key("delimiter", Kind::Word(&[",", ";", "|", "\t", "tab", "\\t"]), "what separates the cells of a CSV file"),
            key("sheet", Kind::Text, "the sheet of a workbook"),
            key("header_row", Kind::Whole(1, u32::MAX), "the row of the header, counted as in an editor or in Excel"),
            $($more,)*
        ]
    };
}

const PICK: Kind = Kind::Table(&table(&[
    key(
        "column",
        Kind::Text,
        "the column that decides which row counts",
    ),
    needed(
        "order",
        Kind::Word(&["latest", "earliest", "highest", "lowest", "first", "last"]),
        "which row counts: by the date or the number in `column`, or by its place in the file",
    ),
    key(
        "date",
        Kind::Text,
        "the format of the dates in `column`: \"%d-%m-%Y\"",
    ),
]));

pub(super) const SOURCE: Keys = table(reading![
    key(
        "header",
        Kind::Flag,
        "false: the feed has no header, and its columns are called A, B, C"
    ),
    key(
        "fill_merged",
        Kind::Flag,
        "true: every cell of merged cells has their value"
    ),
    key(
        "max_feed",
        SIZE,
        "how large a file may be, such as \"4 GiB\""
    ),
    key(
        "where",
        Kind::Text,
        "which rows count, as an expression: \"row['Status'] == 'Active'\""
    ),
    key(
        "files",
        Kind::OneOf(&[Kind::Word(&["newest", "all"]), Kind::SomeTexts]),
        "which files of a folder are the feed",
    ),
    key(
        "unchanged_for",
        DURATION,
        "a file is whole once nobody has written to it for so long"
    ),
    key(
        "done_file",
        Kind::SomeText,
        "a file is whole once this one is beside it: a name, or an ending such as \".done\""
    ),
    key("wait", DURATION, "how long the feed is waited for"),
    key(
        "checksum",
        Kind::OneOf(&[Kind::Checksum, Kind::No]),
        "the ending of the file that has the checksum; false: none is read"
    ),
    key(
        "remote",
        Kind::Table(&REMOTE),
        "how other machines let hrfeed in"
    ),
    key(
        "merge",
        Kind::Table(&table(&[
            needed(
                "on",
                Kind::Text,
                "the column that is the same in all rows of a person"
            ),
            key("pick", PICK, "which of several rows of a person counts"),
        ])),
        "several rows of a person are one",
    ),
    key(
        "openpgp",
        Kind::Table(&Keys {
            is_never_empty: true,
            ..table(&[
                key("key", SECRET, "where the private keys are"),
                key("passphrase", SECRET, "where the passphrase is"),
                key(
                    "signed_by",
                    Kind::Text,
                    "a file of certificates: the feed has to be signed by one of them"
                ),
            ])
        }),
        "how a feed is decrypted, and by whom it has to be signed",
    ),
    key(
        "feed",
        Kind::Word(&["full", "delta", "leavers"]),
        "whom the feed names: everybody, who is new or changed, or who leaves"
    ),
]);

const REMOTE: Keys = Keys {
    pairs: &[
        ("access_key", "secret_key"),
        ("secret_key", "access_key"),
        ("passphrase", "private_key"),
        ("session_token", "access_key"),
    ],
    ..table(&[
        key("user", Kind::SomeText, "the user of SFTP or HTTPS"),
        key("password", SECRET, "where the user's password is"),
        key("private_key", SECRET, "where the private key of SFTP is"),
        key(
            "passphrase",
            SECRET,
            "where the passphrase of the private key is",
        ),
        key(
            "host_key",
            Kind::OneOf(&[
                FINGERPRINT,
                Kind::Texts,
                Kind::Table(&table(&[needed(
                    "file",
                    Kind::Text,
                    "a file such as known_hosts",
                )])),
            ]),
            "the fingerprint of the SFTP server's key, as `ssh-keygen -lf` shows it; several of them; or a file",
        ),
        key("access_key", SECRET, "where the access key of S3 is"),
        key("secret_key", SECRET, "where the secret key of S3 is"),
        key("session_token", SECRET, "where the session token of S3 is"),
        key("region", Kind::SomeText, "the region of S3"),
        key(
            "endpoint",
            WEB,
            "the address of the store, if it is not the provider's own",
        ),
        key("account", Kind::SomeText, "the storage account of Azure"),
        key(
            "account_key",
            SECRET,
            "where the key of the storage account is",
        ),
        key(
            "sas",
            SECRET,
            "where the shared access signature of Azure is",
        ),
        key(
            "credential",
            SECRET,
            "where the service account of Google is",
        ),
        key("bearer", SECRET, "where the token of HTTPS is"),
        key(
            "header",
            Kind::Table(&table(&[
                needed(
                    "name",
                    Kind::Formed("^[A-Za-z0-9_-]+$", "X-Api-Key"),
                    "the name of the header",
                ),
                needed("value", SECRET, "where its value is"),
            ])),
            "a header of HTTPS that has a secret",
        ),
        key(
            "connect_timeout",
            DURATION,
            "how long a connection may take",
        ),
        key(
            "timeout",
            DURATION,
            "how long the other machine may say nothing",
        ),
    ])
};

pub(super) const JOIN: Keys = table(reading![
    needed(
        "file",
        Kind::SomeText,
        "the file; its path starts at the folder of the mapping"
    ),
    needed(
        "on",
        Kind::OneOf(&[
            Kind::Text,
            Kind::Table(&table(&[
                needed("feed", Kind::Text, "the column of the feed"),
                needed("file", Kind::Text, "the column of the file"),
            ])),
        ]),
        "the column that both files have, or its two names",
    ),
    key(
        "name",
        Kind::SomeText,
        "what the names of its columns begin with where that is needed"
    ),
    key(
        "where",
        Kind::Text,
        "which rows of the file count, as an expression"
    ),
    key("pick", PICK, "which of several rows of a person counts"),
    key(
        "header",
        Kind::Flag,
        "false: the file has no header, and its columns are called A, B, C"
    ),
    key(
        "fill_merged",
        Kind::Flag,
        "true: every cell of merged cells has their value"
    ),
    key(
        "max_feed",
        SIZE,
        "how large the file may be, such as \"4 GiB\""
    ),
]);

pub(super) const LOOKUP: Keys = table(reading![
    needed(
        "file",
        Kind::Text,
        "the file; its path starts at the folder of the mapping"
    ),
    needed("key", Kind::Text, "the column of what is replaced"),
    needed("value", Kind::Text, "the column of what replaces it"),
]);

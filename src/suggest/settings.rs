//! The parts of a first mapping that no feed decides: lines behind a `#` that a
//! person chooses from.
//!
//! # Invariants
//!
//! - Without the `# ` of its settings the mapping is still valid and fits the
//!   feed.

use std::collections::HashSet;
use std::fmt::{self, Write as _};

use super::columns::Column;
use super::quote::{key, listed, quoted, remark};
use super::recognise::suggest_columns;
use crate::mapping::fold;
use crate::schema::{Part, Role, System, SystemSpec};

/// Words of a column that are listed to be translated.
const MAX_WORDS: usize = 8;

/// Writes the lines that belong into [fields].
pub(super) fn write_fields(text: &mut String, system: System, columns: &[Column]) -> fmt::Result {
    let spec = system.spec();
    let suggested = |field| {
        let field = spec.field(field);
        field.map_or_else(Vec::new, |field| suggest_columns(field, columns))
    };
    let column_of = |field| suggested(field).first().copied();
    let column = |field| column_of(field).map(|column| quoted(&column.name));
    if spec.fields.iter().all(|field| field.part == Part::Details) {
        return Ok(());
    }
    writeln!(
        text,
        "\n# The feed does not decide what follows: remove the # from the lines that you\n# want."
    )?;
    if spec.field("password").is_some() {
        let forced = column("forcePasswordChange");
        passwords(text, system, forced)?;
    }
    if let Some(name) = column("avatar") {
        writeln!(
            text,
            "\n# Pictures: the names of files in the folder of the feed.\n\
             # avatar = {name}"
        )?;
    }
    if let [least, ..] = spec.roles {
        text.push('\n');
        text.push_str(&remark(&format!(
            "Roles: {}; `split` separates several in one cell, and `map` translates: check each \
             word. No role is ever taken away.",
            Role::titles(spec.roles).join(", ")
        )));
        match column_of("role") {
            Some(column) => roles(text, column, spec.roles, least)?,
            None => writeln!(text, "# role = {{ value = \"{}\" }}", least.title)?,
        }
    }
    if spec.field("group").is_none() {
        return Ok(());
    }
    writeln!(
        text,
        "\n# User groups, by their external ID; see [groups] below. An empty cell removes\n\
         # the person from the groups that hrfeed added him or her to."
    )?;
    match suggested("group")[..] {
        [first, ref others @ ..] => {
            if !others.is_empty() {
                let others = listed(others.iter().map(|it| it.name.as_str()));
                text.push_str(&remark(&format!(
                    "Other columns that could name groups: {others}."
                )));
            }
            writeln!(
                text,
                "# group = {{ column = {}, split = \";\", empty = \"clear\" }}",
                quoted(&first.name)
            )
        }
        [] => writeln!(text, "# group = {{ value = \"Everybody\" }}"),
    }
}

/// The line for a column of roles. Another word becomes the role with the fewest
/// rights, until a person decides otherwise.
fn roles(text: &mut String, column: &Column, roles: &[Role], least: &Role) -> fmt::Result {
    let separator = [';', '|', ',', '/']
        .into_iter()
        .find(|separator| column.samples.iter().any(|cell| cell.contains(*separator)));
    let mut seen = HashSet::new();
    let mut words: Vec<_> = column
        .samples
        .iter()
        .flat_map(|cell| cell.split(|char| Some(char) == separator))
        .map(str::trim)
        .filter(|word| !word.is_empty() && Role::named(word, roles).is_none())
        .filter(|word| seen.insert(fold(word)))
        .collect();
    words.sort_unstable();
    let name = quoted(&column.name);
    write!(text, "# role = {{ column = {name}")?;
    if let Some(separator) = separator {
        write!(text, ", split = \"{separator}\"")?;
    }
    if !words.is_empty() {
        let map: Vec<_> = words
            .iter()
            .take(MAX_WORDS)
            .map(|word| format!("{} = \"{}\"", key(word), least.title))
            .collect();
        write!(text, ", map = {{ {} }}", map.join(", "))?;
    }
    writeln!(text, ", default = \"{}\" }}", least.title)
}

fn passwords(text: &mut String, system: System, forced: Option<String>) -> fmt::Result {
    let forced = forced.unwrap_or_else(|| "true".into());
    writeln!(
        text,
        "\n# The password of a new person: {system} generates one, which it probably\n\
         # mails, and it must be changed at the first sign-in. Not with single sign-on.\n\
         # generatePassword = true\n\
         # forcePasswordChange = {forced}"
    )
}

/// Writes the parts behind [unique], for a mapping that has the e-mail address or
/// not.
pub(super) fn write(text: &mut String, system: System, has_email: bool) -> fmt::Result {
    let spec = system.spec();
    if let ([_, ..], [least, ..]) = (spec.of_group, spec.roles) {
        writeln!(
            text,
            "\n# Groups that do not exist are created; without this section their rows are\n\
             # rejected. People need the role of the group's type. The lines `name` and\n\
             # `parent` may name columns for the group's name and the group above it.\n\
             # [groups]\n\
             # create = true\n\
             # type = {{ value = \"{}\" }}",
            least.title
        )?;
    }
    let by = spec.adoptable.first().copied().unwrap_or_default();
    writeln!(
        text,
        "\n# Accounts created manually have no external ID: the account with the login of\n\
         # a row gets the row's ID, instead of a second account being created.\n\
         # [adopt]\n\
         # by = \"{by}\""
    )?;
    identity(text, spec, has_email)?;
    let (choice, action) = if spec.can_deactivate {
        (
            "\"deactivate\" keeps them from signing\n\
             # in, \"delete\" deletes them for good, \"ignore\" leaves them alone, the\n\
             # default.",
            "deactivate",
        )
    } else {
        (
            "\"delete\" deletes them for good,\n\
             # \"ignore\" leaves them alone, the default.",
            "ignore",
        )
    };
    writeln!(
        text,
        "\n# People who are no longer in the feed: {choice}\n\
         # [leavers]\n\
         # action = \"{action}\""
    )?;
    text.write_str(GUARDS)
}

/// Writes [identity] and [protect].
fn identity(text: &mut String, spec: &SystemSpec, has_email: bool) -> fmt::Result {
    let login = spec.login;
    let by = if has_email {
        format!("\"{login}\", \"{}\"", spec.email)
    } else {
        format!("\"{login}\"")
    };
    writeln!(
        text,
        "\n# How hrfeed recognises the same person under another external ID. \"hold\"\n\
         # waits for your approval, \"rekey\" changes the ID of the account, \"reject\"\n\
         # rejects the row. A value that several people share identifies nobody.\n\
         # [identity]\n\
         # by = [{by}]\n\
         # renumbered = \"hold\""
    )?;
    text.write_str(
        "\n# People whom no import changes or removes, by external ID. A condition can\n\
         # name more: for example where = \"row['Department'] == 'Board'\".\n\
         # [protect]\n\
         # ids = [\"E1\", \"E2\"]\n",
    )
}

/// [guards] with its defaults.
const GUARDS: &str = r#"
# Safety limits, with their defaults. A share is of the people known. Beyond
# one of the first five, these changes wait for your approval, and everything
# else goes on. Beyond one of the others, the file is probably damaged, and
# nothing is sent.
# [guards]
# A period of its own: { share = "5%", per = "30 days" }
# max_leavers = "5%"  # people to remove, in 7 days
# max_creates = "25%"  # people to create, once 100 are known
# max_updates = "50%"  # people to change, once 100 are known
# max_lost = "1%"  # known people whom the LMS does not show
# max_identities = "2%"  # people whose login, e-mail and name change together
# max_rejected = "10%"  # rejected rows
# max_shrink = "20%"  # rows fewer than in the files before
# max_emptied = "20%"  # empty cells of a column that was filled
# min_rows = 1  # rows at least
# max_age = "36 h"  # age of the file; not checked without this line
# tolerate = 0  # rejected rows up to this number end with exit code 0
"#;

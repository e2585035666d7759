//! The parts of a first mapping that no feed can tell: lines behind a `#` that
//! a person chooses from.
//!
//! # Invariants
//!
//! - With the `# ` of its settings taken away the mapping is still one, and
//!   fits the feed.

use std::collections::HashSet;
use std::fmt::{self, Write as _};

use super::super::recognise::{Column, perhaps};
use super::{key, quoted};
use crate::mapping::fold;
use crate::schema::{Role, System};

/// Words of a column that are offered to be translated.
const MAX_WORDS: usize = 8;

/// Writes the lines that belong into [fields].
pub(super) fn write_fields(text: &mut String, system: System, columns: &[Column]) -> fmt::Result {
    if system != System::ANewSpring {
        return Ok(());
    }
    let column = |field| perhaps(field, columns).map(|column| quoted(&column.name));
    writeln!(
        text,
        "\n# No feed tells what follows: take the # away from the lines that you want."
    )?;
    passwords(text, column("password"), column("forcePasswordChange"))?;
    if let Some(name) = column("avatar") {
        writeln!(
            text,
            "\n# Pictures: the names of files that stand in the folder of the feed.\n\
             # avatar = {name}"
        )?;
    }
    writeln!(
        text,
        "\n# Roles: Learner, Instructor, Observer, Author, Designer; `split` parts several in\n\
         # one cell, and `map` translates: look at each word. No role is ever taken away."
    )?;
    match perhaps("role", columns) {
        Some(column) => roles(text, column)?,
        None => writeln!(text, "# role = {{ value = \"Learner\" }}")?,
    }
    writeln!(
        text,
        "\n# User groups, by their external ID; see [groups] below. An empty cell takes the\n\
         # person out of the groups that hrfeed put him or her into."
    )?;
    match column("group") {
        Some(name) => writeln!(
            text,
            "# group = {{ column = {name}, split = \";\", empty = \"clear\" }}"
        ),
        None => writeln!(text, "# group = {{ value = \"Everybody\" }}"),
    }
}

/// The line for a column of roles. What is no role is one that gives no right
/// beyond learning, until a person says otherwise.
fn roles(text: &mut String, column: &Column) -> fmt::Result {
    let separator = [';', '|', ',', '/']
        .into_iter()
        .find(|separator| column.samples.iter().any(|cell| cell.contains(*separator)));
    let mut seen = HashSet::new();
    let mut words: Vec<_> = column
        .samples
        .iter()
        .flat_map(|cell| cell.split(|char| Some(char) == separator))
        .map(str::trim)
        .filter(|word| {
            !word.is_empty() && Role::named(word, System::ANewSpring.spec().roles).is_none()
        })
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
            .map(|word| format!("{} = \"Learner\"", key(word)))
            .collect();
        write!(text, ", map = {{ {} }}", map.join(", "))?;
    }
    writeln!(text, ", default = \"Learner\" }}")
}

fn passwords(text: &mut String, column: Option<String>, forced: Option<String>) -> fmt::Result {
    let forced = forced.unwrap_or_else(|| "true".into());
    match column {
        Some(name) => writeln!(
            text,
            "\n# The password of somebody new; hrfeed writes it down nowhere. Or else let\n\
             # aNewSpring make one up for everybody, with generatePassword in its place.\n\
             # password = {name}\n\
             # forcePasswordChange = {forced}"
        ),
        None => writeln!(
            text,
            "\n# The password of somebody new: aNewSpring makes one up, which it probably mails,\n\
             # and it must be changed at the first sign-in. Not with single sign-on.\n\
             # generatePassword = true\n\
             # forcePasswordChange = {forced}"
        ),
    }
}

/// Writes the parts behind [unique].
pub(super) fn write(text: &mut String, system: System) -> fmt::Result {
    if system == System::ANewSpring {
        writeln!(
            text,
            "\n# Groups that are not there are made; without this part their rows are refused.\n\
             # People need the role of the group's type. The lines `name` and `parent` may name\n\
             # columns for the group's name and the group above it.\n\
             # [groups]\n\
             # create = true\n\
             # type = {{ value = \"Learner\" }}"
        )?;
    }
    let by = system.spec().adoptable.first().copied().unwrap_or_default();
    writeln!(
        text,
        "\n# People whom somebody made by hand have no external ID: whoever has the login of a\n\
         # row gets the row's ID instead of being made a second time.\n\
         # [adopt]\n\
         # by = \"{by}\""
    )?;
    let (choice, action) = if system.spec().can_deactivate {
        (
            "\"deactivate\" keeps them from signing\n\
             # in, \"delete\" deletes them for good, \"ignore\" leaves them alone, as without this\n\
             # part.",
            "deactivate",
        )
    } else {
        (
            "\"delete\" deletes them for good,\n\
             # \"ignore\" leaves them alone, as without this part.",
            "ignore",
        )
    };
    writeln!(
        text,
        "\n# People whom the feed names no more: {choice}\n\
         # [leavers]\n\
         # action = \"{action}\""
    )?;
    writeln!(
        text,
        "\n# What must be an accident. More leavers than that are kept until you approve; more\n\
         # wrong rows, or fewer rows at all, and nothing is sent. These are the figures that\n\
         # hold without this part, where a small feed may have a few more.\n\
         # [guards]\n\
         # max_leavers = \"5%\"\n\
         # max_rejected = \"10%\"\n\
         # min_rows = 1"
    )
}

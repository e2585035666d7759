//! The lines of [fields].

use std::collections::HashSet;
use std::fmt::{self, Write as _};

use super::columns::{Column, Sample};
use super::dates;
use super::genders::Genders;
use super::places::country_to_translate;
use super::quote::{cell, key, listed, quoted, remark};
use super::recognise::{Choice, Origin, Recognised, serves_as_id};
use super::shape::shapes;
use super::{Draft, Proposal, settings};
use crate::headers::Meaning;
use crate::mapping::{fold, means_nothing};
use crate::schema::{Field, FieldKind, System};

/// What is right of the `=`.
#[derive(Debug, Default)]
struct Setting {
    text: String,
    /// A part of its own below the other fields, in place of a line.
    below: Option<String>,
    /// What a person must look at.
    check: Option<String>,
    /// Why it says more than where the value comes from.
    why: Option<&'static str>,
}

impl Draft {
    pub(super) fn fields(
        &mut self,
        system: System,
        sample: &Sample,
        found: &Recognised,
    ) -> fmt::Result {
        self.text.push('\n');
        self.text.push_str(&remark(
            "Field of the LMS = where its value comes from. Above each: why, and what the \
             cells look like (0 is a digit, a and A are letters).",
        ));
        writeln!(self.text, "[fields]")?;
        let mut below = String::new();
        for choice in &found.choices {
            let (field, columns) = (choice.field, choice.columns());
            let [at, ..] = columns else {
                self.not_found(choice, sample, found)?;
                continue;
            };
            let first = &sample.columns[*at];
            let is_email = Some(*at) == found.column_of(FieldKind::Email);
            let setting = setting(choice, first, sample, is_email);
            let shapes = shapes(first);
            self.text
                .push_str(&remark(&with_shapes(&choice.why, &shapes)));
            if let Some(check) = &setting.check {
                self.text.push_str(&remark(&format!("Check: {check}.")));
            }
            if let Some(why) = setting.why {
                self.text.push_str(&remark(why));
            }
            match &setting.below {
                Some(part) => {
                    writeln!(self.text, "# See [fields.{}] below.", field.name)?;
                    below.push_str(part);
                }
                None => writeln!(self.text, "{} = {}", field.name, setting.text)?,
            }
            for (other, speaks_for) in &choice.others {
                self.text.push_str(&remark(&format!("Or: {speaks_for}.")));
                writeln!(self.text, "# or {} = {other}", field.name)?;
            }
            let checks = choice.check.iter().chain(&setting.check);
            self.checks
                .extend(checks.map(|it| format!("{}: {it}", field.name)));
            let names = columns.iter().map(|it| sample.columns[*it].name.clone());
            self.proposals.push(Proposal {
                field: field.name,
                setting: Some(setting.text),
                columns: names.collect(),
                why: choice.why.clone(),
                shapes,
                others: choice.others.iter().map(|(text, _)| text.clone()).collect(),
            });
        }
        settings::write_fields(&mut self.text, system, &sample.columns)?;
        self.text.push_str(&below);
        Ok(())
    }

    /// The line of the ID where no column is one: something else that differs between people.
    fn instead_of_id(
        &mut self,
        choice: &Choice,
        column: &Column,
        what: &str,
        setting: String,
    ) -> fmt::Result {
        let name = choice.field.name;
        let is_used = match what {
            "address" => "the e-mail address is used",
            _ => "the login is used",
        };
        let why = match choice.why.as_str() {
            "" => format!("no column was recognised as the HR system's ID for a person: {is_used}"),
            why => why.to_owned(),
        };
        let shapes = shapes(column);
        self.text.push_str(&remark(&with_shapes(&why, &shapes)));
        self.text.push_str(&remark(&format!(
            "A person whose {what} changes becomes a new person: name a better column if there is \
             one."
        )));
        writeln!(self.text, "{name} = {setting}")?;
        self.checks.push(format!(
            "{name}: {why}, so a person whose {what} changes becomes a new person"
        ));
        self.proposals.push(Proposal {
            field: name,
            setting: Some(setting),
            columns: vec![column.name.clone()],
            why,
            shapes,
            ..Proposal::default()
        });
        Ok(())
    }

    /// A field without a column: the line that a person must fill in, if any.
    fn not_found(&mut self, choice: &Choice, sample: &Sample, found: &Recognised) -> fmt::Result {
        let (field, name) = (choice.field, choice.field.name);
        if !field.required {
            return Ok(());
        }
        let column = |kind| Some(&sample.columns[found.column_of(kind)?]);
        let mut proposal = Proposal {
            field: name,
            why: "no column was recognised".into(),
            ..Proposal::default()
        };
        match (
            field.kind,
            column(FieldKind::Email),
            column(FieldKind::ExternalId),
        ) {
            (FieldKind::ExternalId, Some(email), _) if serves_as_id(email) => {
                return self.instead_of_id(choice, email, "address", lower(email));
            }
            (FieldKind::ExternalId, None, _)
                if column(FieldKind::Login).is_some_and(is_filled_and_distinct) =>
            {
                let login = found.column_of(FieldKind::Login).unwrap_or_default();
                let login = &sample.columns[login];
                return self.instead_of_id(choice, login, "login", quoted(&login.name));
            }
            (FieldKind::Email, _, Some(id)) => {
                let template = format!("{{{{ {}|lower }}}}@example.com", cell(&id.name));
                let setting = format!("{{ template = {} }}", quoted(&template));
                writeln!(
                    self.text,
                    "# Required, and no column has addresses. For example:\n# ? {name} = {setting}"
                )?;
                proposal.others.push(setting);
            }
            _ => match whole_name(field, sample, found) {
                Some(column) => {
                    let setting = quoted(&column.name);
                    self.text.push_str(&remark(&format!(
                        "Required, and {setting} has one name in most cells. For example:"
                    )));
                    writeln!(self.text, "# ? {name} = {setting}")?;
                    proposal.others.push(setting);
                }
                None => writeln!(
                    self.text,
                    "# ? {name} = \"…\"  # required, and no column was recognised"
                )?,
            },
        }
        self.missing.push(name);
        self.proposals.push(proposal);
        Ok(())
    }
}

/// Whether nearly every row has a value of its own.
fn is_filled_and_distinct(column: &Column) -> bool {
    column.rows > 0 && column.is_filled(95) && column.is_distinct(99)
}

/// The column of names for a field of names, if it has names that cannot be cut in two.
fn whole_name<'s>(field: &Field, sample: &'s Sample, found: &Recognised) -> Option<&'s Column> {
    let is_name = matches!(field.name, "firstName" | "lastName");
    let is_free = |index: usize| !found.choices.iter().any(|it| it.columns().contains(&index));
    let is_whole = |column: &Column| {
        let mut readings = column.readings().into_iter();
        column.filled > 0 && readings.any(|it| it.meaning == Meaning::FullName)
    };
    let columns = sample.columns.iter().enumerate();
    let mut columns = columns.filter(|(index, it)| is_name && is_free(*index) && is_whole(it));
    columns.next().map(|(_, column)| column)
}

/// A remark on a column, with what its cells look like.
pub(super) fn with_shapes(why: &str, shapes: &[String]) -> String {
    let mut chars = why.chars();
    let first = chars.next().map(char::to_uppercase).into_iter().flatten();
    let why: String = first.chain(chars).collect();
    if shapes.is_empty() {
        return format!("{why}.");
    }
    format!("{why}; like {}", shapes.join(" | "))
}

fn lower(column: &Column) -> String {
    format!("{{ column = {}, lower = true }}", quoted(&column.name))
}

/// The setting for a field that comes from a column, which may be that of the e-mail
/// addresses.
fn setting(choice: &Choice, column: &Column, sample: &Sample, is_email: bool) -> Setting {
    let field = choice.field;
    if let Origin::Template { text, .. } = &choice.origin {
        return Setting {
            text: format!("{{ template = {} }}", quoted(text)),
            ..Setting::default()
        };
    }
    match field.kind {
        FieldKind::Country => country(field, column),
        FieldKind::Gender => gender(column),
        FieldKind::Login if is_email || column.is_mostly_emails() => Setting {
            text: lower(column),
            ..Setting::default()
        },
        _ => plain(field, column, sample),
    }
}

/// The country's setting; a map of some length has a part of its own below the other
/// fields.
fn country(field: &Field, column: &Column) -> Setting {
    const ON_ONE_LINE: usize = 3;
    let mut words: Vec<_> = column
        .samples
        .iter()
        .filter_map(|word| {
            if means_nothing(word) {
                return Some((word, ""));
            }
            Some((word, country_to_translate(word)?))
        })
        .filter(|(word, code)| word != code)
        .collect();
    words.sort_unstable();
    let mut seen = HashSet::new();
    // Case does not count in a map.
    words.retain(|(word, _)| seen.insert(fold(word)));
    let name = quoted(&column.name);
    let map = words
        .iter()
        .map(|(word, code)| format!("{} = \"{code}\"", quoted(word)));
    let map: Vec<_> = map.collect();
    let mut setting = Setting::default();
    if words.is_empty() {
        setting.text.clone_from(&name);
    } else {
        setting.text = format!("{{ column = {name}, map = {{ {} }} }}", map.join(", "));
    }
    if words.len() > ON_ONE_LINE {
        let name_of_field = field.name;
        setting.below = Some(format!(
            "\n[fields.{name_of_field}]\ncolumn = {name}\n\n[fields.{name_of_field}.map]\n{}\n",
            map.join("\n")
        ));
    }
    setting
}

/// The gender's setting, with a translation for the words of the feed that hrfeed does
/// not know by itself.
fn gender(column: &Column) -> Setting {
    // More words than that are not meant as a gender.
    const MAX_WORDS: usize = 8;
    let genders = Genders::of(&column.name, &column.samples);
    let mut setting = Setting::default();
    if !genders.neither.is_empty() {
        let words = listed(genders.neither.iter().take(MAX_WORDS).map(String::as_str));
        setting.check = Some(format!(
            "neither female nor male, so such rows are rejected: {words}; to send no gender \
             for a word, map it to \"\""
        ));
    } else if genders.is_guessed {
        setting.check = Some("whether the words of the map mean that".into());
    }
    let name = quoted(&column.name);
    if genders.map.is_empty() {
        setting.text = name;
        return setting;
    }
    let map: Vec<_> = genders
        .map
        .iter()
        .map(|(word, meant)| format!("{} = \"{meant}\"", key(word)))
        .collect();
    setting.text = format!("{{ column = {name}, map = {{ {} }} }}", map.join(", "));
    setting
}

/// What is said of an empty column of dates.
const UNKNOWN_FORM: &str = "the column is empty, so nothing shows how its dates are written: if \
     not as 2026-12-31, write it, such as date = \"%d-%m-%Y\"";

/// Why an empty cell clears the last day of a person.
const WHY_CLEARED: &str = "The last day on which a person can sign in. A new contract without an \
     end has an empty cell, which must clear the old date.";

fn plain(field: &Field, column: &Column, sample: &Sample) -> Setting {
    let name = quoted(&column.name);
    let mut settings = Vec::new();
    let (mut check, mut why) = (None, None);
    let nothing = words_for_nothing(field, column);
    match field.kind {
        FieldKind::Email => settings.push("lower = true".to_owned()),
        FieldKind::Date | FieldKind::BirthDate => {
            let dates = dates::form_of(column, sample);
            settings.extend(dates.written.map(|form| format!("date = \"{form}\"")));
            if dates.is_ambiguous {
                check = Some("day and month could be swapped".into());
            }
            if dates.is_unknown {
                check = Some(UNKNOWN_FORM.into());
            }
            if field.kind == FieldKind::Date {
                settings.push("empty = \"clear\"".to_owned());
                why = Some(WHY_CLEARED);
            }
        }
        _ => {}
    }
    if !nothing.is_empty() {
        let map: Vec<_> = nothing
            .iter()
            .map(|it| format!("{} = \"\"", key(it)))
            .collect();
        settings.push(format!("map = {{ {} }}", map.join(", ")));
    }
    let text = if settings.is_empty() {
        name
    } else {
        format!("{{ column = {name}, {} }}", settings.join(", "))
    };
    Setting {
        text,
        check,
        why,
        ..Setting::default()
    }
}

/// The words of a column that mean nothing. A field that nobody can be without gets none:
/// somebody may be called so.
fn words_for_nothing<'c>(field: &Field, column: &'c Column) -> Vec<&'c str> {
    if field.required {
        return Vec::new();
    }
    let words = column.samples.iter().filter(|it| means_nothing(it));
    let mut words: Vec<_> = words.map(String::as_str).collect();
    words.sort_unstable();
    let mut seen = HashSet::new();
    // Case does not count in a map.
    words.retain(|word| seen.insert(fold(word)));
    words
}

//! The lines of [fields].

use std::collections::HashSet;
use std::fmt::{self, Write as _};

use super::columns::Column;
use super::quote::{key, listed, quoted};
use super::recognise::{Genders, date_form, is_plausible};
use super::{Draft, Found, settings};
use crate::mapping::{fold, means_nothing};
use crate::schema::{Field, FieldKind, System};
use crate::validate::country_meant;

impl Draft {
    pub(super) fn fields(
        &mut self,
        system: System,
        columns: &[Column],
        found: &Found,
    ) -> fmt::Result {
        writeln!(
            self.text,
            "\n# Field of the LMS = where its value comes from."
        )?;
        writeln!(self.text, "[fields]")?;
        let email = found
            .iter()
            .find(|(field, _)| field.kind == FieldKind::Email)
            .and_then(|(_, column)| column.and_then(|index| columns.get(index)));
        let mut below = String::new();
        for (field, column) in found {
            let name = field.name;
            let column = column.and_then(|index| columns.get(index));
            match (column, field.kind, email) {
                (Some(column), FieldKind::Country, _) => {
                    country(&mut self.text, &mut below, name, column)?;
                }
                (Some(column), FieldKind::Gender, _) => gender(&mut self.text, name, column)?,
                (Some(column), ..) => writeln!(self.text, "{}", line(field, column))?,
                // Most organisations let people sign in with their address.
                (None, FieldKind::Login, Some(email)) => writeln!(
                    self.text,
                    "# No column of its own: the e-mail address is used.\n\
                     {name} = {{ column = {}, lower = true }}",
                    quoted(&email.name)
                )?,
                (None, FieldKind::ExternalId, Some(email)) if is_plausible(field, email) => {
                    writeln!(
                        self.text,
                        "# No column was recognised as the HR system's ID for a person, so the\n\
                         # e-mail address is used. A person whose address changes becomes a new person:\n\
                         # name a better column if there is one.\n\
                         {name} = {{ column = {}, lower = true }}",
                        quoted(&email.name)
                    )?;
                    self.notes.push(format!(
                        "no column was recognised for {name}: the e-mail address is used, \
                         so a person whose address changes becomes a new person"
                    ));
                }
                (None, ..) if field.required => {
                    self.missing.push(name);
                    writeln!(
                        self.text,
                        "# ? {name} = \"…\"  # required, and no column was recognised"
                    )?;
                }
                (None, ..) => {}
            }
        }
        settings::write_fields(&mut self.text, system, columns)?;
        self.text.push_str(&below);
        Ok(())
    }
}

/// The country's line; a map of some length has a part of its own below the
/// other fields.
fn country(text: &mut String, below: &mut String, field: &str, column: &Column) -> fmt::Result {
    const ON_ONE_LINE: usize = 3;
    let mut words: Vec<_> = column
        .samples
        .iter()
        .filter_map(|word| {
            if means_nothing(word) {
                return Some((word, ""));
            }
            Some((word, country_meant(word)?))
        })
        .filter(|(word, code)| word != code)
        .collect();
    words.sort_unstable();
    let mut seen = HashSet::new();
    // Case does not count in a map.
    words.retain(|(word, _)| seen.insert(fold(word)));
    let name = quoted(&column.name);
    let mut map = words
        .iter()
        .map(|(word, code)| format!("{} = \"{code}\"", quoted(word)));
    if words.is_empty() {
        writeln!(text, "{field} = {name}")
    } else if words.len() <= ON_ONE_LINE {
        let map = map.collect::<Vec<_>>().join(", ");
        writeln!(text, "{field} = {{ column = {name}, map = {{ {map} }} }}")
    } else {
        writeln!(below, "\n[fields.{field}]\ncolumn = {name}")?;
        writeln!(below, "\n[fields.{field}.map]")?;
        map.try_for_each(|line| writeln!(below, "{line}"))
    }
}

/// The gender's line, with a translation for the words of the feed that hrfeed
/// does not know by itself.
fn gender(text: &mut String, field: &str, column: &Column) -> fmt::Result {
    // More words than that are not meant as a gender.
    const MAX_WORDS: usize = 8;
    let genders = Genders::of(&column.samples);
    if !genders.neither.is_empty() {
        let words = listed(genders.neither.iter().take(MAX_WORDS).map(String::as_str));
        writeln!(
            text,
            "# Neither female nor male, so such rows are rejected: {words}. To send no\n\
             # gender for a word, map it to \"\"."
        )?;
    }
    let name = quoted(&column.name);
    if genders.map.is_empty() {
        return writeln!(text, "{field} = {name}");
    }
    let map: Vec<_> = genders
        .map
        .iter()
        .map(|(word, meant)| format!("{} = \"{meant}\"", key(word)))
        .collect();
    let map = map.join(", ");
    writeln!(text, "{field} = {{ column = {name}, map = {{ {map} }} }}")
}

fn line(field: &Field, column: &Column) -> String {
    let name = quoted(&column.name);
    let (mut settings, mut remark) = (Vec::new(), "");
    let nothing = words_for_nothing(field, column);
    match field.kind {
        FieldKind::Email => settings.push("lower = true".to_owned()),
        FieldKind::Date | FieldKind::BirthDate => {
            let dates = column.date_samples().iter().filter(|it| !means_nothing(it));
            if let Some((form, is_ambiguous)) = date_form(dates) {
                settings.push(format!("date = \"{form}\""));
                if is_ambiguous {
                    remark = "  # check: day and month could be swapped";
                }
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
    if settings.is_empty() {
        return format!("{} = {name}", field.name);
    }
    let settings = settings.join(", ");
    format!("{} = {{ column = {name}, {settings} }}{remark}", field.name)
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

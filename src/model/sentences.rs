//! The sentences of rules that depend on what the row has.

use std::fmt;

use super::{DuplicateFate, QuoteProblem, RowNumber, ShortRow, counted};

pub(super) fn too_few_cells(cells: u32, columns: u32, short: ShortRow) -> String {
    let cells = counted(u64::from(cells), "cell", "cells");
    format!(
        "the row has {cells}, but the header has {columns}: {}",
        short.text()
    )
}

pub(super) fn quotes(
    line: RowNumber,
    last_line: RowNumber,
    column: &str,
    problem: QuoteProblem,
) -> String {
    let next = line.row().saturating_add(1);
    let more = match last_line.row().saturating_sub(line.row()) {
        0 => String::new(),
        1 => format!("; line {last_line} is not read either"),
        _ => format!("; lines {next} to {last_line} are not read either"),
    };
    format!("line {line}, column {column}: {}{more}", problem.text())
}

pub(super) fn login_taken(by: Option<&str>, row: Option<RowNumber>) -> String {
    let who = match (by, row) {
        (Some(id), Some(row)) => format!("{id} (row {row})"),
        (Some(id), None) => format!("{id}, who is not in this feed"),
        (None, Some(row)) => format!("the person in row {row}"),
        (None, None) => "another account in the LMS".into(),
    };
    format!("the login belongs to {who} and does not become free in this run: nothing was sent")
}

pub(super) fn external_id_in_use(known_as: Option<&str>) -> String {
    let who = match known_as {
        Some(id) => format!("seems to be {id} under an external ID that is still another person's"),
        None => "the external ID is still another person's, whose row is not sent".into(),
    };
    format!("{who}: correct the external ID, or change the other person's in the LMS")
}

pub(super) fn external_ids_exchanged(known_as: Option<&str>) -> String {
    let who = known_as.map_or_else(
        || "comes".to_owned(),
        |id| format!("seems to be {id}, who comes"),
    );
    format!(
        "{who} in exchange for another external ID of this feed, and no order of changes leaves \
         each with one: correct them, or change one in the LMS"
    )
}

pub(super) fn renumbered(known_as: Option<&str>, how: Option<&str>) -> String {
    let who = match known_as {
        Some(id) => format!("{id} under another external ID"),
        None => "somebody with an account without an external ID".into(),
    };
    let how = how.map(|how| format!(" ({how})")).unwrap_or_default();
    format!(
        "seems to be {who}{how}: correct the external ID, or set renumbered = \"rekey\" in [identity]"
    )
}

pub(super) fn country(meant: Option<&str>) -> String {
    match meant {
        None => "is not a known country: use a two-letter code (NL, US), or add the name to the \
                 field's `map`"
            .into(),
        Some(code) => format!(
            "is not a two-letter country code: did you mean {code}? Add the value to the field's \
             `map`"
        ),
    }
}

pub(super) fn state(meant: Option<&str>) -> String {
    match meant {
        None => "is not a US state or territory: use its two-letter code, such as OH".into(),
        Some(code) => format!(
            "is not the two-letter code of a US state or territory: did you mean {code}? Add the \
             value to the field's `map`"
        ),
    }
}

pub(super) fn duplicate(other: RowNumber, variant: bool, fate: DuplicateFate) -> String {
    let what = if variant {
        format!("matches row {other} except for case or spaces")
    } else {
        format!("duplicate of row {other}")
    };
    match fate {
        DuplicateFate::AllRejected => format!("{what}; neither row is imported"),
        DuplicateFate::OtherWins => format!("{what}; only row {other} is imported"),
    }
}

/// The last day of 2026 in a date form, also as a spreadsheet's number; the form itself
/// where it has no such day.
pub(super) struct DateExample<'a>(pub(super) &'a str);

impl fmt::Display for DateExample<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == "serial" {
            return f.write_str("46387");
        }
        let day = jiff::civil::Date::constant(2026, 12, 31);
        let day = day.to_zoned(jiff::tz::TimeZone::UTC);
        match day.and_then(|day| jiff::fmt::strtime::format(self.0, &day)) {
            Ok(example) => f.write_str(&example),
            Err(_) => f.write_str(self.0),
        }
    }
}

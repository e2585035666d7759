//! Rows that go back to the HR department and come round: the columns that are added to
//! them, and how their cells are written so that the way back is exact.

use std::borrow::Cow;

/// The column that says what is wrong with a row.
pub const PROBLEM: &str = "hrfeed: problem";
/// The column that says what to do about it.
pub const ADVICE: &str = "hrfeed: what to do";
/// The column that says which row of which run it was.
pub const PLACE: &str = "hrfeed: row";
/// The column that says why a row is listed with a hold.
pub const REASON: &str = "hrfeed: reason";

/// What a cell says whose value nobody could read, and which must not come back empty.
pub const TO_ENTER: &str = "hrfeed: enter the value";

/// Whether hrfeed added the column to a copy of rows. No feed has such a column of its own.
#[must_use]
pub fn is_added(column: &str) -> bool {
    [PROBLEM, ADVICE, PLACE, REASON].contains(&column)
}

/// Whether a cell still waits for its value.
#[must_use]
pub fn is_to_enter(text: &str) -> bool {
    text.trim_start().starts_with(TO_ENTER)
}

/// Letters beside each row, by which the encoding is known that a program saved it in.
pub const LETTERS: &str = "éßŽłğķαЖ";
/// What is before them.
pub const BEFORE_LETTERS: &str = "; letters ";

/// Where a copied row was: `run 5, row 17; letters éßŽłğķαЖ; ID 007`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The run that read the feed.
    pub run: Cow<'a, str>,
    /// The row of the feed.
    pub row: Cow<'a, str>,
    /// The feed is a workbook, whose dates are dates.
    pub is_of_workbook: bool,
    /// The person's external ID, where the run could read it.
    pub external_id: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// What is behind the row where the feed is a workbook.
    const WORKBOOK: &'static str = "; workbook";
    /// What is before the external ID.
    const ID: &'static str = "; ID ";

    /// What a cell says.
    #[must_use]
    pub fn read(cell: &'a str) -> Option<Self> {
        let cell = cell.trim();
        let (cell, external_id) = match cell.split_once(Self::ID) {
            Some((cell, id)) => (cell, Some(id)),
            None => (cell, None),
        };
        let cell = cell.split_once(BEFORE_LETTERS).map_or(cell, |it| it.0);
        let place = cell.strip_suffix(Self::WORKBOOK);
        let (run, row) = place
            .unwrap_or(cell)
            .strip_prefix("run ")?
            .split_once(", row ")?;
        Some(Self {
            run: run.into(),
            row: row.into(),
            is_of_workbook: place.is_some(),
            external_id,
        })
    }

    /// What the cell says in an encoding that has those letters of [`LETTERS`] that `has`
    /// says.
    #[must_use]
    pub fn cell(&self, has: impl Fn(char) -> bool) -> String {
        let letters = LETTERS.chars();
        let letters: String = letters
            .map(|char| if has(char) { char } else { '?' })
            .collect();
        let workbook = if self.is_of_workbook {
            Self::WORKBOOK
        } else {
            ""
        };
        let id = self.external_id.map(|id| format!("{}{id}", Self::ID));
        let (run, row, id) = (&self.run, &self.row, id.unwrap_or_default());
        format!("run {run}, row {row}{workbook}{BEFORE_LETTERS}{letters}{id}")
    }
}

/// What a cell begins with that a spreadsheet takes for a formula.
const FORMULAS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Whether a text is a formula, any apostrophes before it left out.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(FORMULAS)
}

/// A text as a cell of a text file that no spreadsheet runs as a formula: it gets one
/// apostrophe more in front.
#[must_use]
pub fn defused(text: &str) -> Cow<'_, str> {
    if is_formula(text) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// A text as a cell of a workbook, which runs no text: only what would read as [`defused`]
/// gets an apostrophe more, so that both ways back are one.
#[must_use]
pub fn kept_apart(text: &str) -> Cow<'_, str> {
    if text.starts_with('\'') {
        defused(text)
    } else {
        Cow::Borrowed(text)
    }
}

/// The text that a cell of a copy stands for, be it of a text file or of a workbook.
#[must_use]
pub fn restored(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_formula(text) => text,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_a_spreadsheet_runs_is_changed() {
        for (text, in_text, in_workbook) in [
            ("007", "007", "007"),
            ("+31 6", "'+31 6", "+31 6"),
            ("-", "'-", "-"),
            ("=1+1", "'=1+1", "=1+1"),
            ("'=1+1", "''=1+1", "''=1+1"),
            ("'t Hart", "'t Hart", "'t Hart"),
            ("O'-x", "O'-x", "O'-x"),
            ("", "", ""),
        ] {
            assert_eq!(defused(text), in_text);
            assert_eq!(kept_apart(text), in_workbook);
            assert_eq!(restored(in_text), text);
            assert_eq!(restored(in_workbook), text);
        }
    }

    #[test]
    fn a_row_says_of_which_run_it_is() {
        for (is_of_workbook, external_id, expected) in [
            (false, None, "run 5, row 17 of file 2; letters éßŽ?????"),
            (
                true,
                Some("a; ID b"),
                "run 5, row 17 of file 2; workbook; letters éßŽ?????; ID a; ID b",
            ),
        ] {
            let place = Place {
                run: "5".into(),
                row: "17 of file 2".into(),
                is_of_workbook,
                external_id,
            };
            assert_eq!(place.cell(|char| "éßŽ".contains(char)), expected);
            assert_eq!(Place::read(expected), Some(place));
        }
        assert_eq!(Place::read("17"), None);
    }

    proptest! {
        #[test]
        fn any_text_comes_back_as_it_was(text in "('{0,3}[-=+@\t\r\n＝a ]{0,2}.{0,4}|.*)") {
            let in_text = defused(&text);
            let in_workbook = kept_apart(&text);
            prop_assert_eq!(restored(&in_text), &text);
            prop_assert_eq!(restored(&in_workbook), &text);
            prop_assert!(!in_text.starts_with(FORMULAS), "{:?}", in_text);
        }
    }
}

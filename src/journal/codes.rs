//! The small integers that encode words in the file. A number is never given
//! another meaning: old journals contain it. The SQL of this module spells
//! some of them out; a test holds the two together.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;

use crate::model::{Action, HoldKind, HoldState, Outcome, RowNumber, RunState};
use crate::schema::Part;

/// How a person is on the target, as far as the journal knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PersonState {
    /// There.
    Active,
    /// There, and inactive because of hrfeed.
    Inactive,
    /// There, with fields that were written since the person left.
    Set,
    /// Deleted by hrfeed. Neither remote id nor fingerprint is kept.
    Deleted,
    /// The target showed more than one person with the external ID. None of
    /// them is touched until an audit has seen only one.
    Ambiguous,
}

/// The row number of leavers: one more than any row of a feed can have, so
/// leavers come last. The SQL of this module spells it out.
pub(super) const LEAVER: i64 = 4_294_967_296;

/// One list gives both directions.
macro_rules! codes {
    ($word:ty, $encode:ident, $decode:ident: $($name:ident = $code:literal)*) => {
        pub(super) const fn $encode(word: $word) -> i64 {
            match word {
                $(<$word>::$name => $code,)*
            }
        }

        pub(super) const fn $decode(code: i64) -> Option<$word> {
            match code {
                $($code => Some(<$word>::$name),)*
                _ => None,
            }
        }
    };
}

codes!(Outcome, outcome, to_outcome: Created = 1 Updated = 2 Unchanged = 3 Rejected = 4 Failed = 5
    Unknown = 6 Pending = 7 Deactivated = 8 Deleted = 9 Held = 10 Set = 11);
codes!(Action, action, to_action: Create = 1 Update = 2 Deactivate = 3 Delete = 4 Adopt = 5
    Rekey = 6 Set = 7);
codes!(RunState, run_state, to_run_state: Running = 1 Finished = 2 Interrupted = 3 Failed = 4
    Superseded = 5);
codes!(PersonState, person_state, to_person_state: Active = 1 Inactive = 2 Deleted = 3
    Ambiguous = 4 Set = 5);

codes!(HoldKind, hold_kind, to_hold_kind: Leavers = 1 Creates = 2 Updates = 3 Renumbered = 4
    Lost = 5 Identities = 6);
codes!(HoldState, hold_state, to_hold_state: Open = 1 Approved = 2 Refused = 3 CarriedOut = 4
    Lapsed = 5 Replaced = 6);

/// The sets of a person, by their codes from 1 on.
const SETS: [Part; 4] = [
    Part::Roles,
    Part::AuthorLibraries,
    Part::DesignerLibraries,
    Part::Groups,
];

/// The code of a set; `None` for another part.
pub(super) fn set(part: Part) -> Option<i64> {
    (1..)
        .zip(SETS)
        .find_map(|(code, it)| (it == part).then_some(code))
}

pub(super) fn to_set(code: i64) -> Option<Part> {
    (1..)
        .zip(SETS)
        .find_map(|(it, part)| (it == code).then_some(part))
}

/// Texts as one column keeps them; nothing for none.
pub(super) fn from_texts(texts: &[String]) -> Option<String> {
    let is_any = !texts.is_empty();
    is_any.then(|| serde_json::json!(texts).to_string())
}

/// The texts of such a column.
pub(super) fn texts(kept: Option<String>) -> Vec<String> {
    let texts = kept.and_then(|json| serde_json::from_str(&json).ok());
    texts.unwrap_or_default()
}

pub(super) fn row_number(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<RowNumber>> {
    let number: i64 = row.get(column)?;
    Ok(RowNumber::try_from(number).ok())
}

/// A column that holds a code.
pub(super) fn coded<T>(
    row: &Row<'_>,
    column: usize,
    decode: impl Fn(i64) -> Option<T>,
) -> rusqlite::Result<T> {
    let code: i64 = row.get(column)?;
    decode(code).ok_or_else(|| unreadable(column, code))
}

pub(super) fn optional<T>(
    row: &Row<'_>,
    column: usize,
    decode: impl Fn(i64) -> Option<T>,
) -> rusqlite::Result<Option<T>> {
    let code: Option<i64> = row.get(column)?;
    code.map(|code| decode(code).ok_or_else(|| unreadable(column, code)))
        .transpose()
}

fn unreadable(column: usize, code: i64) -> rusqlite::Error {
    let what = format!("{code} means nothing here");
    rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, what.into())
}

pub(super) fn time(micros: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(micros).ok()
}

pub(super) fn natural(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

pub(super) fn millis(number: i64) -> Duration {
    Duration::from_millis(natural(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back_from_its_code() {
        for it in Outcome::ALL.into_iter().chain([Outcome::Held]) {
            assert_eq!(to_outcome(outcome(it)), Some(it));
        }
        for it in [
            Action::Create,
            Action::Update,
            Action::Deactivate,
            Action::Delete,
            Action::Adopt,
            Action::Rekey,
            Action::Set,
        ] {
            assert_eq!(to_action(action(it)), Some(it));
        }
        for it in [
            RunState::Running,
            RunState::Finished,
            RunState::Interrupted,
            RunState::Failed,
            RunState::Superseded,
        ] {
            assert_eq!(to_run_state(run_state(it)), Some(it));
        }
        for it in [
            Part::Roles,
            Part::AuthorLibraries,
            Part::DesignerLibraries,
            Part::Groups,
        ] {
            assert_eq!(set(it).and_then(to_set), Some(it));
        }
        for it in HoldKind::ALL {
            assert_eq!(to_hold_kind(hold_kind(it)), Some(it));
        }
        for it in HoldState::ALL {
            assert_eq!(to_hold_state(hold_state(it)), Some(it));
        }
        for it in [
            PersonState::Active,
            PersonState::Inactive,
            PersonState::Deleted,
            PersonState::Ambiguous,
            PersonState::Set,
        ] {
            assert_eq!(to_person_state(person_state(it)), Some(it));
        }
    }

    #[test]
    fn the_numbers_that_the_sql_spells_out_are_these() {
        assert_eq!(outcome(Outcome::Unknown), 6);
        assert_eq!(outcome(Outcome::Pending), 7);
        assert_eq!(set(Part::Groups), Some(4));
        assert_eq!(outcome(Outcome::Created), 1);
        assert_eq!(outcome(Outcome::Updated), 2);
        assert_eq!(outcome(Outcome::Deactivated), 8);
        assert_eq!(outcome(Outcome::Deleted), 9);
        assert_eq!(outcome(Outcome::Held), 10);
        assert_eq!(outcome(Outcome::Set), 11);
        assert_eq!(hold_state(HoldState::Approved), 2);
        assert_eq!(hold_state(HoldState::CarriedOut), 4);
        assert_eq!(LEAVER, i64::from(u32::MAX) + 1);
        assert_eq!(outcome(Outcome::Rejected), 4);
        assert_eq!(outcome(Outcome::Failed), 5);
        assert_eq!(run_state(RunState::Running), 1);
        assert_eq!(run_state(RunState::Interrupted), 3);
        assert_eq!(run_state(RunState::Failed), 4);
        assert_eq!(person_state(PersonState::Active), 1);
        assert_eq!(person_state(PersonState::Inactive), 2);
        assert_eq!(person_state(PersonState::Deleted), 3);
        assert_eq!(person_state(PersonState::Ambiguous), 4);
        assert_eq!(person_state(PersonState::Set), 5);
    }
}

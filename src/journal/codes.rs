//! The small integers that stand for words in the file. A number is never
//! given another meaning: old journals hold it. The SQL of this module spells
//! some of them out; a test holds the two together.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;

use crate::model::{Action, Outcome, RowNumber, RunState};
use crate::schema::Part;

/// How a person stands at the target, as far as the journal knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PersonState {
    /// There.
    Active,
    /// There, and made inactive.
    Inactive,
    /// Deleted by hrfeed. Neither remote id nor fingerprint is kept.
    Deleted,
    /// The target showed more than one person with the external ID: none of
    /// them is touched until an audit has seen it stand once.
    Ambiguous,
}

/// The row number that stands for "no row of the feed": one more than any row
/// can have, so leavers come last. The SQL of this module spells it out.
pub(super) const LEAVER: i64 = 4_294_967_296;

pub(super) const fn outcome(outcome: Outcome) -> i64 {
    match outcome {
        Outcome::Created => 1,
        Outcome::Updated => 2,
        Outcome::Unchanged => 3,
        Outcome::Rejected => 4,
        Outcome::Failed => 5,
        Outcome::Unknown => 6,
        Outcome::Pending => 7,
        Outcome::Deactivated => 8,
        Outcome::Deleted => 9,
    }
}

pub(super) fn to_outcome(code: i64) -> Option<Outcome> {
    Outcome::ALL.into_iter().find(|&it| outcome(it) == code)
}

pub(super) const fn action(action: Action) -> i64 {
    match action {
        Action::Create => 1,
        Action::Update => 2,
        Action::Deactivate => 3,
        Action::Delete => 4,
        Action::Adopt => 5,
    }
}

pub(super) const fn to_action(code: i64) -> Option<Action> {
    match code {
        1 => Some(Action::Create),
        2 => Some(Action::Update),
        3 => Some(Action::Deactivate),
        4 => Some(Action::Delete),
        5 => Some(Action::Adopt),
        _ => None,
    }
}

pub(super) const fn run_state(state: RunState) -> i64 {
    match state {
        RunState::Running => 1,
        RunState::Finished => 2,
        RunState::Interrupted => 3,
        RunState::Failed => 4,
        RunState::Superseded => 5,
    }
}

pub(super) const fn to_run_state(code: i64) -> Option<RunState> {
    match code {
        1 => Some(RunState::Running),
        2 => Some(RunState::Finished),
        3 => Some(RunState::Interrupted),
        4 => Some(RunState::Failed),
        5 => Some(RunState::Superseded),
        _ => None,
    }
}

pub(super) const fn person_state(state: PersonState) -> i64 {
    match state {
        PersonState::Active => 1,
        PersonState::Inactive => 2,
        PersonState::Deleted => 3,
        PersonState::Ambiguous => 4,
    }
}

pub(super) const fn to_person_state(code: i64) -> Option<PersonState> {
    match code {
        1 => Some(PersonState::Active),
        2 => Some(PersonState::Inactive),
        3 => Some(PersonState::Deleted),
        4 => Some(PersonState::Ambiguous),
        _ => None,
    }
}

/// The sets of a person; `None` for a part that is none.
pub(super) const fn set(part: Part) -> Option<i64> {
    match part {
        Part::Roles => Some(1),
        Part::AuthorLibraries => Some(2),
        Part::DesignerLibraries => Some(3),
        Part::Groups => Some(4),
        Part::Details | Part::Instruction | Part::Picture | Part::OfGroup => None,
    }
}

pub(super) const fn to_set(code: i64) -> Option<Part> {
    match code {
        1 => Some(Part::Roles),
        2 => Some(Part::AuthorLibraries),
        3 => Some(Part::DesignerLibraries),
        4 => Some(Part::Groups),
        _ => None,
    }
}

pub(super) fn row_number(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<RowNumber>> {
    let number: i64 = row.get(column)?;
    Ok(u32::try_from(number).ok().map(RowNumber))
}

pub(super) fn action_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Action>> {
    optional(row, column, to_action)
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
        for it in Outcome::ALL {
            assert_eq!(to_outcome(outcome(it)), Some(it));
        }
        for it in [
            Action::Create,
            Action::Update,
            Action::Deactivate,
            Action::Delete,
            Action::Adopt,
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
        for it in [
            PersonState::Active,
            PersonState::Inactive,
            PersonState::Deleted,
        ] {
            assert_eq!(to_person_state(person_state(it)), Some(it));
        }
    }

    #[test]
    fn the_numbers_that_the_sql_spells_out_are_these() {
        assert_eq!(outcome(Outcome::Unknown), 6);
        assert_eq!(outcome(Outcome::Pending), 7);
        assert_eq!(set(Part::Groups), Some(4));
        assert_eq!(LEAVER, i64::from(u32::MAX) + 1);
        assert_eq!(outcome(Outcome::Rejected), 4);
        assert_eq!(outcome(Outcome::Failed), 5);
        assert_eq!(run_state(RunState::Running), 1);
        assert_eq!(run_state(RunState::Interrupted), 3);
        assert_eq!(run_state(RunState::Failed), 4);
        assert_eq!(person_state(PersonState::Active), 1);
        assert_eq!(person_state(PersonState::Deleted), 3);
        assert_eq!(person_state(PersonState::Ambiguous), 4);
    }
}

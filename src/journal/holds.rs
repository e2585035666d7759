//! Holds: changes that a guard kept back until a person decides.
//!
//! A hold is a set of people and of what was wanted for each. It keeps its
//! number as long as it is the same set. Which state may follow which,
//! [`HoldState::may_become`] says; nothing else changes a state.

use std::ops::ControlFlow;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::model::{ExternalId, HoldKind, HoldState, RowNumber};

use super::codes::{self, coded, natural, optional, time};
use super::error::JournalError;
use super::ids::{HoldId, RunId, Scope};
use super::open::Journal;
use super::read::VisitError;
use super::store::execute;

/// A hold as the journal holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its name.
    pub id: HoldId,
    /// The scope.
    pub scope: Scope,
    /// The target's system.
    pub system: String,
    /// The target's base URL.
    pub base_url: String,
    /// Where the mapping was read from.
    pub mapping_path: String,
    /// What is held back.
    pub kind: HoldKind,
    /// Its state.
    pub state: HoldState,
    /// The bound, as the mapping writes it.
    pub bound: String,
    /// Why: a sentence without full stop and without a person's data.
    pub why: String,
    /// How many people.
    pub people: u64,
    /// How many of them the run before did not hold.
    pub new: u64,
    /// The first run that held this set.
    pub since_run: RunId,
    /// The last run that held it, or found it decided.
    pub last_run: RunId,
    /// It is what a decision about some of a hold left over.
    pub is_remainder: bool,
    /// When the set was held first.
    pub opened: Timestamp,
    /// The decision, if there is one.
    pub decided: Option<Decision>,
    /// The run that carried it out, or, while it is approved, that began to.
    pub carried_out_by: Option<RunId>,
    /// The hold that is in its place.
    pub replaced_by: Option<HoldId>,
    /// When it was carried out, lapsed or was replaced.
    pub closed: Option<Timestamp>,
}

/// Who decided about a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// Who: the user and the machine.
    pub by: String,
    /// Why, in the person's words.
    pub reason: Option<String>,
}

/// One of the people of a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPerson {
    /// The person.
    pub external_id: ExternalId,
    /// The row in the feed, if there is one.
    pub row: Option<RowNumber>,
    /// Another external ID of the person.
    pub known_as: Option<String>,
    /// A digest of what is wanted.
    pub digest: u64,
    /// Why: a sentence without the person's data.
    pub reason: String,
}

/// A hold to be opened.
#[derive(Clone, Debug)]
pub struct NewHold {
    /// The run that holds.
    pub run: RunId,
    /// What is held back.
    pub kind: HoldKind,
    /// The bound, as the mapping writes it.
    pub bound: String,
    /// Why: a sentence without full stop and without a person's data.
    pub why: String,
    /// The people, each once.
    pub people: Vec<HeldPerson>,
    /// How many of them the run before did not hold.
    pub new: u64,
    /// The open holds in whose place it is. One about which somebody decided in
    /// the meantime stays as it is.
    pub replaces: Vec<HoldId>,
    /// When.
    pub opened: Timestamp,
}

/// Which holds are wanted; everything that is not said counts for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HoldFilter {
    /// Of this scope.
    pub scope: Option<Scope>,
    /// Of this mapping.
    pub mapping_path: Option<String>,
    /// In one of these states; empty for all.
    pub states: Vec<HoldState>,
    /// That this run held, or found decided, as the last one.
    pub last_run: Option<RunId>,
}

/// The one list of a hold's columns, completed by `WHERE` and `ORDER BY`.
macro_rules! select_holds {
    ($rest:literal) => {
        concat!(
            "SELECT holds.id, digest, coalesce(system, ''), coalesce(base_url, ''), mapping_path,
                    kind, state, bound, why, people, new, since_run, last_run, remainder, opened,
                    decided, decided_by, decided_reason, carried_out_by, replaced_by, closed
             FROM holds JOIN scopes ON scopes.id = holds.scope ",
            $rest
        )
    };
}

impl Journal {
    /// The holds that `filter` wants, newest first.
    pub fn holds(&self, filter: &HoldFilter) -> Result<Vec<Hold>, JournalError> {
        let states = match filter.states.as_slice() {
            [] => -1,
            some => some
                .iter()
                .fold(0_i64, |mask, &it| mask | 1 << codes::hold_state(it)),
        };
        self.all(
            select_holds!(
                "WHERE (?1 & (1 << state)) <> 0 AND (?2 IS NULL OR digest = ?2)
                       AND (?3 IS NULL OR mapping_path = ?3) AND (?4 IS NULL OR last_run = ?4)
                 ORDER BY holds.id DESC"
            ),
            (
                states,
                filter.scope.as_ref().map(Scope::bytes),
                &filter.mapping_path,
                filter.last_run.map(|run| run.0),
            ),
            read_hold,
        )
    }

    /// That hold, or `None` if the journal does not have it.
    pub fn hold(&self, hold: HoldId) -> Result<Option<Hold>, JournalError> {
        read_one(&self.conn, hold).map_err(|error| self.sql(error))
    }

    /// Hands out the people of a hold by external ID until `each` breaks off. A
    /// hold that was replaced has none any more.
    pub fn held_people<E: From<JournalError>>(
        &self,
        hold: HoldId,
        mut each: impl FnMut(HeldPerson) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        self.visit(
            "SELECT external_id, row, known_as, digest, coalesce(message, '')
             FROM held LEFT JOIN reasons ON reasons.id = held.reason
             WHERE hold = ?1 ORDER BY external_id",
            [hold.0],
            |row| {
                let number: Option<i64> = row.get(1)?;
                let person = HeldPerson {
                    external_id: ExternalId::known(&row.get::<_, String>(0)?),
                    row: number.and_then(|it| u32::try_from(it).ok()).map(RowNumber),
                    known_as: row.get(2)?,
                    digest: row.get::<_, i64>(3)?.cast_unsigned(),
                    reason: row.get(4)?,
                };
                each(person).map_err(VisitError::Visitor)
            },
        )
    }

    /// The holds of a mapping that a run must heed, oldest first, each with its
    /// people: open, approved and refused.
    pub fn holds_of(
        &self,
        scope: &Scope,
        mapping_path: &str,
    ) -> Result<Vec<(Hold, Vec<HeldPerson>)>, JournalError> {
        let holds = self.holds(&HoldFilter {
            scope: Some(*scope),
            mapping_path: Some(mapping_path.to_owned()),
            states: vec![HoldState::Open, HoldState::Approved, HoldState::Refused],
            last_run: None,
        })?;
        let with_people = holds.into_iter().rev().map(|hold| {
            let mut people = Vec::new();
            self.held_people(hold.id, |person| {
                people.push(person);
                Ok::<_, JournalError>(ControlFlow::Continue(()))
            })?;
            Ok((hold, people))
        });
        with_people.collect()
    }
}

pub(super) fn read_one(conn: &Connection, hold: HoldId) -> rusqlite::Result<Option<Hold>> {
    conn.prepare_cached(select_holds!("WHERE holds.id = ?1"))?
        .query_row([hold.0], read_hold)
        .optional()
}

fn read_hold(row: &Row<'_>) -> rusqlite::Result<Hold> {
    let decided = match optional(row, 15, time)? {
        Some(at) => Some(Decision {
            at,
            by: row.get(16)?,
            reason: row.get(17)?,
        }),
        None => None,
    };
    Ok(Hold {
        id: HoldId(row.get(0)?),
        scope: Scope::from_bytes(row.get(1)?),
        system: row.get(2)?,
        base_url: row.get(3)?,
        mapping_path: row.get(4)?,
        kind: coded(row, 5, codes::to_hold_kind)?,
        state: coded(row, 6, codes::to_hold_state)?,
        bound: row.get(7)?,
        why: row.get(8)?,
        people: natural(row.get(9)?),
        new: natural(row.get(10)?),
        since_run: RunId(row.get(11)?),
        last_run: RunId(row.get(12)?),
        is_remainder: row.get(13)?,
        opened: coded(row, 14, time)?,
        decided,
        carried_out_by: row.get::<_, Option<i64>>(18)?.map(RunId),
        replaced_by: row.get::<_, Option<i64>>(19)?.map(HoldId),
        closed: optional(row, 20, time)?,
    })
}

/// Opens a hold without its people.
pub(super) fn open(tx: &Connection, scope: i64, hold: &NewHold) -> rusqlite::Result<HoldId> {
    tx.prepare_cached(
        "INSERT INTO holds (scope, mapping_path, kind, state, bound, why, people, new, since_run,
                            last_run, remainder, opened)
         SELECT ?1, mapping_path, ?3, ?4, ?5, ?6, ?7, ?8, id, id, 0, ?9 FROM runs WHERE id = ?2",
    )?
    .execute(params![
        scope,
        hold.run.0,
        codes::hold_kind(hold.kind),
        codes::hold_state(HoldState::Open),
        hold.bound,
        hold.why,
        i64::try_from(hold.people.len()).unwrap_or(i64::MAX),
        i64::try_from(hold.new).unwrap_or(i64::MAX),
        hold.opened.as_microsecond(),
    ])?;
    let id = HoldId(tx.last_insert_rowid());
    for &before in &hold.replaces {
        if change_state(tx, before, HoldState::Replaced, hold.opened)? {
            let sql = "UPDATE holds SET replaced_by = ?2 WHERE id = ?1";
            execute(tx, sql, (before.0, id.0))?;
            // They are in the new one, or nothing is wanted of them.
            execute(tx, "DELETE FROM held WHERE hold = ?1", [before.0])?;
        }
    }
    Ok(id)
}

/// Adds a person to a hold. `reason` is an id in `reasons`.
pub(super) fn add(
    tx: &Connection,
    hold: HoldId,
    person: &HeldPerson,
    reason: Option<i64>,
) -> rusqlite::Result<()> {
    execute(
        tx,
        "INSERT OR REPLACE INTO held (hold, external_id, row, known_as, digest, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (
            hold.0,
            person.external_id.as_str(),
            person.row.map(|row| row.0),
            &person.known_as,
            person.digest.cast_signed(),
            reason,
        ),
    )
}

/// Puts a hold into another state. False if it may not go there from where it
/// is.
pub(super) fn change_state(
    tx: &Connection,
    hold: HoldId,
    state: HoldState,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    let now = tx
        .prepare_cached("SELECT state FROM holds WHERE id = ?1")?
        .query_row([hold.0], |row| coded(row, 0, codes::to_hold_state))
        .optional()?;
    if !now.is_some_and(|now| now.may_become(state)) {
        return Ok(false);
    }
    let is_closed = !HoldState::ALL
        .into_iter()
        .any(|next| state.may_become(next));
    execute(
        tx,
        "UPDATE holds SET state = ?2, closed = ?3 WHERE id = ?1",
        (
            hold.0,
            codes::hold_state(state),
            is_closed.then_some(at.as_microsecond()),
        ),
    )?;
    Ok(true)
}

/// Notes that a run found the same set.
pub(super) fn note_seen(tx: &Connection, hold: HoldId, run: RunId) -> rusqlite::Result<()> {
    execute(
        tx,
        "UPDATE holds SET new = iif(last_run = ?2, new, 0), last_run = ?2 WHERE id = ?1",
        (hold.0, run.0),
    )
}

/// Notes that a run is about to carry out an approved hold. False if it is not
/// approved.
pub(super) fn claim(tx: &Connection, hold: HoldId, run: RunId) -> rusqlite::Result<bool> {
    let changed = tx
        .prepare_cached(
            "UPDATE holds SET carried_out_by = ?2, last_run = ?2 WHERE id = ?1 AND state = 2",
        )?
        .execute((hold.0, run.0))?;
    Ok(changed > 0)
}

//! Holds: changes that a guard kept back until a person decides.
//!
//! A hold is a set of people and of what was wanted for each. It keeps its
//! number as long as it is the same set. Which state may follow which,
//! [`HoldState::may_become`] says; nothing else changes a state.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::model::{ExternalId, HoldKind, HoldState, Outcome, RowNumber, counted};

use super::codes::{self, coded, natural, optional, time};
use super::decide::Verdict;
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
    /// The hold of which a decision about some of its people left these over, or this
    /// one, once its refusal was taken back: its people wait until somebody decides.
    pub remainder_of: Option<HoldId>,
    /// When the set was held first.
    pub opened: Timestamp,
    /// What was decided last, if anything was.
    pub verdict: Option<Verdict>,
    /// Who decided it.
    pub decided: Option<Decision>,
    /// The run that carried it out, or, while it is approved, that began to.
    pub carried_out_by: Option<RunId>,
    /// The hold that is in its place.
    pub replaced_by: Option<HoldId>,
    /// When it was carried out, lapsed or was replaced.
    pub closed: Option<Timestamp>,
}

/// How long an approval is good that no import used.
pub const APPROVAL_VALID_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Hold {
    /// The state at that time: an approval lapses although no run notes it.
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> HoldState {
        let is_old = |decided: &Decision| now.duration_since(decided.at) > APPROVAL_VALID_FOR;
        match self.state {
            HoldState::Approved if self.decided.as_ref().is_some_and(is_old) => HoldState::Lapsed,
            state => state,
        }
    }
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
    /// Renumbered people are other people than they seem to be: to be created.
    pub as_joiners: bool,
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
    pub reason: Arc<str>,
    /// The names of the fields that change, with commas, where that is known.
    pub changed: Option<Arc<str>>,
}

/// What is said of people of a hold, each text once: most are held for the same
/// reason.
#[derive(Debug, Default)]
pub struct SharedTexts(HashSet<Arc<str>>);

impl SharedTexts {
    /// The person, with the texts that others have already.
    #[must_use]
    pub fn share(&mut self, mut person: HeldPerson) -> HeldPerson {
        person.reason = self.one(person.reason);
        person.changed = person.changed.map(|text| self.one(text));
        person
    }

    fn one(&mut self, text: Arc<str>) -> Arc<str> {
        if let Some(known) = self.0.get(&text) {
            return Arc::clone(known);
        }
        self.0.insert(Arc::clone(&text));
        text
    }
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
    pub people: Arc<[HeldPerson]>,
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

/// What became of a row whose change was carried out.
const DONE: [Outcome; 5] = [
    Outcome::Created,
    Outcome::Updated,
    Outcome::Deactivated,
    Outcome::Deleted,
    Outcome::Set,
];

/// The one list of a hold's columns, completed by `WHERE` and `ORDER BY`.
macro_rules! select_holds {
    ($rest:literal) => {
        concat!(
            "SELECT holds.id, digest, coalesce(system, ''), coalesce(base_url, ''), mapping_path,
                    kind, state, bound, why, people, new, since_run, last_run, remainder_of,
                    opened, decided, decided_by, decided_reason, carried_out_by, replaced_by,
                    closed, verdict, as_joiners
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

    /// The people of a hold whose change runs have carried out: of all or, after a run
    /// that was cut off or refused by the LMS, of some.
    pub fn done_of(&self, hold: &Hold) -> Result<HashSet<ExternalId>, JournalError> {
        // A run claims the hold before it sends anything.
        if hold.carried_out_by.is_none() {
            return Ok(HashSet::new());
        }
        let [created, updated, deactivated, deleted, set] = DONE.map(codes::outcome);
        // A decision about some of the people gives the others another number.
        let done = self.all(
            "WITH RECURSIVE numbers (id) AS (
                 SELECT ?1
                 UNION SELECT remainder_of FROM holds JOIN numbers USING (id)
                       WHERE remainder_of IS NOT NULL
             )
             SELECT held.external_id FROM held
             WHERE hold = ?1 AND external_id IN (
                 SELECT iif(leaver = '', external_id, leaver) FROM rows
                 WHERE run BETWEEN ?2 AND ?3 AND hold IN numbers
                       AND outcome IN (?4, ?5, ?6, ?7, ?8))",
            (
                hold.id.0,
                hold.since_run.0,
                hold.last_run.0,
                created,
                updated,
                deactivated,
                deleted,
                set,
            ),
            |row| row.get::<_, String>(0),
        )?;
        Ok(done.iter().map(|id| ExternalId::known(id)).collect())
    }

    /// The last run that did something of what a hold approved.
    pub fn carried_out(&self, hold: &Hold) -> Result<Option<RunId>, JournalError> {
        let [created, updated, deactivated, deleted, set] = DONE.map(codes::outcome);
        let sql = "SELECT max(run) FROM rows
                   WHERE run >= ?1 AND hold = ?2 AND outcome IN (?3, ?4, ?5, ?6, ?7)";
        self.conn
            .prepare_cached(sql)
            .and_then(|mut statement| {
                let (since, id) = (hold.since_run.0, hold.id.0);
                let wanted = (since, id, created, updated, deactivated, deleted, set);
                statement.query_row(wanted, |row| row.get::<_, Option<i64>>(0))
            })
            .map(|run| run.map(RunId))
            .map_err(|error| self.sql(error))
    }

    /// Hands out the people of a hold by external ID until `each` breaks off. A
    /// hold that was replaced has none any more.
    pub fn held_people<E: From<JournalError>>(
        &self,
        hold: HoldId,
        mut each: impl FnMut(HeldPerson) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        self.visit(
            "SELECT external_id, row, known_as, digest, coalesce(reasons.message, ''),
                    fields.message
             FROM held LEFT JOIN reasons ON reasons.id = held.reason
                  LEFT JOIN reasons AS fields ON fields.id = held.changed
             WHERE hold = ?1 ORDER BY external_id",
            [hold.0],
            |row| {
                let number: Option<i64> = row.get(1)?;
                let person = HeldPerson {
                    external_id: ExternalId::known(&row.get::<_, String>(0)?),
                    row: number.and_then(|it| RowNumber::try_from(it).ok()),
                    known_as: row.get(2)?,
                    digest: row.get::<_, i64>(3)?.cast_unsigned(),
                    reason: row.get(4)?,
                    changed: row.get(5)?,
                };
                each(person).map_err(VisitError::Visitor)
            },
        )
    }

    /// The external IDs that holds of a mapping said to be somebody known under another
    /// one, with that, whatever became of the hold; not those whom a person called
    /// somebody else.
    pub fn renumbered_in_holds(
        &self,
        scope: &Scope,
        mapping_path: &str,
    ) -> Result<Vec<(ExternalId, String)>, JournalError> {
        let rows = self.all(
            "SELECT held.external_id, held.known_as, as_joiners
             FROM held JOIN holds ON holds.id = held.hold JOIN scopes ON scopes.id = holds.scope
             WHERE scopes.digest = ?1 AND mapping_path = ?2 AND kind = ?3 AND known_as IS NOT NULL
             ORDER BY holds.id",
            (
                scope.bytes(),
                mapping_path,
                codes::hold_kind(HoldKind::Renumbered),
            ),
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        let mut latest: HashMap<String, String> = HashMap::new();
        for (external_id, known_as, as_joiners) in rows {
            if as_joiners {
                latest.remove(&external_id);
            } else {
                latest.insert(external_id, known_as);
            }
        }
        let known = latest.into_iter();
        Ok(known
            .map(|(id, known_as)| (ExternalId::known(&id), known_as))
            .collect())
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
        let mut texts = SharedTexts::default();
        let with_people = holds.into_iter().rev().map(|hold| {
            let mut people = Vec::new();
            self.held_people(hold.id, |person| {
                people.push(texts.share(person));
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
            as_joiners: row.get(22)?,
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
        remainder_of: row.get::<_, Option<i64>>(13)?.map(HoldId),
        opened: coded(row, 14, time)?,
        verdict: optional(row, 21, codes::to_hold_state)?.and_then(Verdict::of),
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
                            last_run, opened)
         SELECT ?1, mapping_path, ?3, ?4, ?5, ?6, ?7, ?8, id, id, ?9 FROM runs WHERE id = ?2",
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

/// Adds a person to a hold. `reason` and `changed` are ids in `reasons`.
pub(super) fn add(
    tx: &Connection,
    hold: HoldId,
    person: &HeldPerson,
    (reason, changed): (Option<i64>, Option<i64>),
) -> rusqlite::Result<()> {
    execute(
        tx,
        "INSERT OR REPLACE INTO held (hold, external_id, row, known_as, digest, reason, changed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            hold.0,
            person.external_id.as_str(),
            person.row.map(i64::from),
            &person.known_as,
            person.digest.cast_signed(),
            reason,
            changed,
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

/// Notes that a run found the same set, some of it in other rows.
pub(super) fn note_seen(
    tx: &Connection,
    (hold, run): (HoldId, RunId),
    moved: &[(ExternalId, Option<RowNumber>)],
) -> rusqlite::Result<()> {
    for (person, row) in moved {
        let sql = "UPDATE held SET row = ?3 WHERE hold = ?1 AND external_id = ?2";
        let row = row.map(i64::from);
        execute(tx, sql, (hold.0, person.as_str(), row))?;
    }
    execute(
        tx,
        "UPDATE holds SET new = iif(last_run = ?2, new, 0), last_run = ?2 WHERE id = ?1",
        (hold.0, run.0),
    )
}

/// Why people stay held about whom nothing was decided.
#[must_use]
pub fn undecided(people: u64, of: HoldId) -> String {
    let who = counted(people, "person", "people");
    let verb = if people == 1 { "is" } else { "are" };
    format!("{who} of hold {of} {verb} still to be decided")
}

/// Takes people out of a hold.
pub(super) fn release(
    tx: &Connection,
    hold: HoldId,
    people: &[ExternalId],
) -> rusqlite::Result<()> {
    for person in people {
        let sql = "DELETE FROM held WHERE hold = ?1 AND external_id = ?2";
        execute(tx, sql, (hold.0, person.as_str()))?;
    }
    count_people(tx, hold)
}

/// Counts the people of a hold again.
pub(super) fn count_people(tx: &Connection, hold: HoldId) -> rusqlite::Result<()> {
    execute(
        tx,
        "UPDATE holds SET people = (SELECT count(*) FROM held WHERE hold = holds.id),
                          new = min(new, (SELECT count(*) FROM held WHERE hold = holds.id))
         WHERE id = ?1",
        [hold.0],
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

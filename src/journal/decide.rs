//! A person decides about a hold, also while a run is under way.
//!
//! The decision is one transaction of a connection of its own: SQLite's lock
//! keeps it apart from what a run writes.

use std::path::PathBuf;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::model::{ExternalId, HoldState, RunState};

use super::codes::{self, natural};
use super::error::JournalError;
use super::holds::{self, Decision, Hold};
use super::ids::{HoldId, RunId};
use super::open::Journal;

/// What a person decides about a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The next import carries it out.
    Approved,
    /// Its people stay as they are.
    Refused,
    /// The refusal is taken back: nobody has decided.
    Reopened,
}

impl Verdict {
    /// The decision that brings a hold into that state.
    pub(super) const fn of(state: HoldState) -> Option<Self> {
        match state {
            HoldState::Approved => Some(Self::Approved),
            HoldState::Refused => Some(Self::Refused),
            HoldState::Open => Some(Self::Reopened),
            _ => None,
        }
    }

    /// The state into which it brings a hold.
    #[must_use]
    pub const fn state(self) -> HoldState {
        match self {
            Self::Approved => HoldState::Approved,
            Self::Refused => HoldState::Refused,
            Self::Reopened => HoldState::Open,
        }
    }
}

/// What a decision led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The hold, as it is now.
    pub hold: Hold,
    /// The hold with the people about whom nothing was decided now.
    pub rest: Option<HoldId>,
}

/// Why a decision could not be recorded. Nothing is.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HoldError {
    /// There is no such hold.
    #[error("journal `{}` has no hold {}", .0.display(), .1)]
    NoHold(PathBuf, HoldId),
    /// It is too late, or it is decided so already.
    #[error("hold {} {}", .0.id, state_of(.0))]
    NotOpen(Box<Hold>),
    /// An approval cannot be taken back while a run carries it out.
    #[error("run {run} is carrying out hold {hold}")]
    UnderWay {
        /// The hold.
        hold: HoldId,
        /// The run.
        run: RunId,
    },
    /// Some people of the decision are not in the hold.
    #[error("not in hold {hold}: {}", listed(external_ids))]
    NotInHold {
        /// The hold.
        hold: HoldId,
        /// The people.
        external_ids: Vec<ExternalId>,
    },
    /// The journal could not be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl HoldError {
    /// What a person can do about it.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::NoHold(..) | Self::NotOpen(_) => {
                "`hrfeed holds` lists the holds that wait for a decision"
            }
            Self::UnderWay { .. } => {
                "wait until the run has ended, or stop it; what it has sent cannot be taken back"
            }
            Self::NotInHold { .. } => "`hrfeed hold HOLD` lists its people",
            Self::Journal(error) => error.help(),
        }
    }
}

/// What became of a hold that is not open.
fn state_of(hold: &Hold) -> String {
    match hold.state {
        HoldState::Open => "is open".into(),
        HoldState::Approved => "is already approved".into(),
        HoldState::Refused => "was refused".into(),
        HoldState::CarriedOut => match hold.carried_out_by {
            Some(run) => format!("was carried out by run {run}"),
            None => "was carried out".into(),
        },
        HoldState::Lapsed => "has lapsed".into(),
        HoldState::Replaced => match hold.replaced_by {
            Some(by) => format!("was replaced by hold {by}, since the people or changes differ"),
            None => "was replaced".into(),
        },
    }
}

/// The first of some external IDs.
fn listed(external_ids: &[ExternalId]) -> String {
    const MAX: usize = 5;
    let named: Vec<_> = external_ids
        .iter()
        .take(MAX)
        .map(ExternalId::as_str)
        .collect();
    match external_ids.len().checked_sub(MAX) {
        None | Some(0) => named.join(", "),
        Some(more) => format!("{} and {more} more", named.join(", ")),
    }
}

impl Journal {
    /// Records a decision about a hold; durable when it returns.
    ///
    /// With `only`, it is about these people of the hold. The others become a hold
    /// of their own, in the state in which this one was.
    ///
    /// # Errors
    /// Why nothing was recorded.
    pub fn decide(
        &self,
        hold: HoldId,
        verdict: Verdict,
        only: &[ExternalId],
        decision: &Decision,
    ) -> Result<Decided, HoldError> {
        // An older journal has no holds, and is not upgraded for this.
        if self.hold(hold)?.is_none() {
            return Err(HoldError::NoHold(self.path().into(), hold));
        }
        if self.for_reading {
            return self.again()?.decide(hold, verdict, only, decision);
        }
        let sql = |error| HoldError::Journal(self.sql(error));
        // Dropped without a commit, it is rolled back.
        let tx =
            Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate).map_err(sql)?;
        let Some(before) = holds::read_one(&tx, hold).map_err(sql)? else {
            return Err(HoldError::NoHold(self.path().into(), hold));
        };
        if let (HoldState::Approved, Some(run)) = (before.state, before.carried_out_by)
            && verdict == Verdict::Refused
            && self.is_carrying_out(&before, run)?
        {
            return Err(HoldError::UnderWay { hold, run });
        }
        let state = before.state_at(decision.at);
        if state != before.state {
            return Err(HoldError::NotOpen(Box::new(Hold { state, ..before })));
        }
        if !holds::change_state(&tx, hold, verdict.state(), decision.at).map_err(sql)? {
            return Err(HoldError::NotOpen(Box::new(before)));
        }
        let rest = if only.is_empty() {
            None
        } else {
            split(&tx, &before, only)
                .map_err(sql)?
                .map_err(|external_ids| HoldError::NotInHold { hold, external_ids })?
        };
        note_decision(&tx, hold, decision).map_err(sql)?;
        if verdict == Verdict::Reopened {
            await_decision(&tx, hold).map_err(sql)?;
        }
        let after = holds::read_one(&tx, hold).map_err(sql)?;
        tx.commit().map_err(sql)?;
        Ok(Decided {
            hold: after.unwrap_or(before),
            rest,
        })
    }

    /// Whether the run that began to carry out a hold is still at it. A killed run
    /// says that it is, and holds no lock.
    fn is_carrying_out(&self, hold: &Hold, run: RunId) -> Result<bool, JournalError> {
        let running = codes::run_state(RunState::Running);
        let is_running = self
            .conn
            .prepare_cached("SELECT 1 FROM runs WHERE id = ?1 AND state = ?2")
            .and_then(|mut statement| statement.exists((run.0, running)))
            .map_err(|error| self.sql(error))?;
        Ok(is_running && self.is_under_way(&hold.scope))
    }
}

fn note_decision(tx: &Connection, hold: HoldId, decision: &Decision) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE holds SET verdict = state, decided = ?2, decided_by = ?3, decided_reason = ?4,
                          as_joiners = ?5
         WHERE id = ?1",
        (
            hold.0,
            decision.at.as_microsecond(),
            &decision.by,
            &decision.reason,
            decision.as_joiners,
        ),
    )
    .map(drop)
}

/// Keeps the people of a hold in it until somebody decides, however few they are.
fn await_decision(tx: &Connection, hold: HoldId) -> rusqlite::Result<()> {
    let sql = "UPDATE holds SET remainder_of = coalesce(remainder_of, id) WHERE id = ?1";
    tx.execute(sql, [hold.0]).map(drop)
}

/// Leaves `only` in a hold and puts the others into one of their own, about which
/// is decided what was decided `before`. `None` if there are no others; an error
/// names who is not in the hold.
fn split(
    tx: &Connection,
    before: &Hold,
    only: &[ExternalId],
) -> rusqlite::Result<Result<Option<HoldId>, Vec<ExternalId>>> {
    let hold = before.id;
    tx.execute(
        "INSERT INTO holds (scope, mapping_path, kind, state, bound, why, people, new, since_run,
                            last_run, remainder_of, opened, verdict, decided, decided_by,
                            decided_reason, as_joiners, carried_out_by)
         SELECT scope, mapping_path, kind, ?2, bound, ?3, 0, 0, since_run, last_run, id, opened,
                verdict, decided, decided_by, decided_reason, as_joiners, carried_out_by
         FROM holds WHERE id = ?1",
        (
            hold.0,
            codes::hold_state(before.state),
            format!("these people were in hold {hold}"),
        ),
    )?;
    let rest = HoldId(tx.last_insert_rowid());
    tx.execute(
        "UPDATE held SET hold = ?2 WHERE hold = ?1",
        (hold.0, rest.0),
    )?;
    let mut strangers = Vec::new();
    {
        let mut is_chosen =
            tx.prepare("SELECT 1 FROM held WHERE hold = ?1 AND external_id = ?2")?;
        let mut choose =
            tx.prepare("UPDATE held SET hold = ?1 WHERE hold = ?2 AND external_id = ?3")?;
        for person in only {
            let id = person.as_str();
            if choose.execute((hold.0, rest.0, id))? == 0 && !is_chosen.exists((hold.0, id))? {
                strangers.push(person.clone());
            }
        }
    }
    if !strangers.is_empty() {
        return Ok(Err(strangers));
    }
    for it in [hold, rest] {
        holds::count_people(tx, it)?;
    }
    if before.state == HoldState::Open {
        let sql = "SELECT people FROM holds WHERE id = ?1";
        let people = tx.query_row(sql, [rest.0], |row| row.get(0))?;
        let why = holds::undecided(natural(people), hold);
        let sql = "UPDATE holds SET why = ?2 WHERE id = ?1";
        tx.execute(sql, (rest.0, why))?;
    }
    let is_nobody = "DELETE FROM holds WHERE id = ?1 AND people = 0";
    let is_nobody_left = tx.execute(is_nobody, [rest.0])? > 0;
    Ok(Ok((!is_nobody_left).then_some(rest)))
}

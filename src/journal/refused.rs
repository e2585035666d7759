//! Whom the LMS refused when the person was sent last: later runs send the others
//! first.

use rusqlite::Connection;

use crate::model::{ExternalId, Outcome};

use super::codes::coded;
use super::error::JournalError;
use super::ids::{RunId, Scope};
use super::open::Journal;
use super::records::{Settled, Work};
use super::store::{execute, has_rows};
use super::write::Writer;

/// How the LMS refused a person, or gave no usable answer about one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusedBefore {
    /// With others in turn, which ended the run.
    WithOthers,
    /// Alone: others were answered.
    Alone,
}

const fn code(refused: RefusedBefore) -> i64 {
    match refused {
        RefusedBefore::WithOthers => 0,
        RefusedBefore::Alone => 1,
    }
}

const fn to_refused(code: i64) -> Option<RefusedBefore> {
    match code {
        0 => Some(RefusedBefore::WithOthers),
        1 => Some(RefusedBefore::Alone),
        _ => None,
    }
}

impl Journal {
    /// Whom the LMS refused when the person was sent last, by external ID.
    pub fn refused(&self, scope: &Scope) -> Result<Vec<(ExternalId, RefusedBefore)>, JournalError> {
        self.all(
            "SELECT external_id, alone FROM refused
             WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) ORDER BY external_id",
            [scope.bytes()],
            |row| {
                let id = ExternalId::known(&row.get::<_, String>(0)?);
                Ok((id, coded(row, 1, to_refused)?))
            },
        )
    }
}

impl Writer {
    /// Records that the LMS refused a person together with others, which ends the run:
    /// nothing was done for the person.
    pub fn refused_with_others(
        &self,
        run: RunId,
        external_id: &ExternalId,
    ) -> Result<(), JournalError> {
        self.send(Work::Refused(run, external_id.clone()), None)
    }
}

/// Records that the LMS refused a person. What is known to be about the person alone
/// stays so until the person is accepted.
fn note(
    tx: &Connection,
    scope: i64,
    external_id: &str,
    refused: RefusedBefore,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO refused (scope, external_id, alone) VALUES (?1, ?2, ?3)
               ON CONFLICT DO UPDATE SET alone = max(alone, excluded.alone)";
    execute(tx, sql, (scope, external_id, code(refused)))
}

/// Records that the LMS refused a person together with others.
pub(super) fn with_others(
    tx: &Connection,
    scope: i64,
    external_id: &ExternalId,
) -> rusqlite::Result<()> {
    note(tx, scope, external_id.as_str(), RefusedBefore::WithOthers)
}

/// Takes in how a row or a leaver ended for which requests were sent. `are_any` says
/// whether anybody was refused, if that is known.
pub(super) fn take_in(
    tx: &Connection,
    (scope, external_id): (i64, &str),
    settled: &Settled,
    are_any: &mut Option<bool>,
) -> rusqlite::Result<()> {
    match settled.outcome {
        _ if settled.attempts == 0 => Ok(()),
        Outcome::Rejected | Outcome::Failed => {
            *are_any = Some(true);
            note(tx, scope, external_id, RefusedBefore::Alone)
        }
        Outcome::Unknown | Outcome::Pending | Outcome::Held => Ok(()),
        Outcome::Created
        | Outcome::Updated
        | Outcome::Unchanged
        | Outcome::Deactivated
        | Outcome::Deleted
        | Outcome::Set => {
            if !has_rows(tx, "refused", are_any)? {
                return Ok(());
            }
            let sql = "DELETE FROM refused WHERE scope = ?1 AND external_id = ?2";
            execute(tx, sql, (scope, external_id))
        }
    }
}

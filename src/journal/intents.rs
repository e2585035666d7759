//! What is about to be done, and of whose outcome nothing is known.

use rusqlite::Connection;

use crate::model::{Action, ExternalId, RowNumber, SetFields};

use super::codes::{self, coded, row_number};
use super::error::JournalError;
use super::ids::{HoldId, RunId};
use super::open::Journal;
use super::records::Intent;
use super::set_fields;
use super::store::key;

/// A row that may have been sent, with an unknown outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenIntent {
    /// The row in the feed; `None` for a leaver.
    pub row: Option<RowNumber>,
    /// The person.
    pub external_id: ExternalId,
    /// What was to be done.
    pub action: Action,
    /// The external ID that the person had before, where the action changes it.
    pub from: Option<ExternalId>,
    /// The target's id of the account without an external ID that was to get this
    /// one, where the action went by it.
    pub account: Option<String>,
    /// The hold whose approval was to carry it out.
    pub hold: Option<HoldId>,
    /// How many requests were recorded for it.
    pub attempts: u32,
    /// The fields that were to be written, for [`Action::Set`].
    pub set: Option<SetFields>,
}

impl Journal {
    /// The rows of `run` whose outcome must be looked up at the target before
    /// anything is sent again, in row order, leavers last: intents without an
    /// outcome, and rows settled as unknown.
    pub fn open_intents(&self, run: RunId) -> Result<Vec<OpenIntent>, JournalError> {
        self.all(
            "SELECT row, coalesce(rows.external_id, leaver), action, attempts,
                    iif(action = 5, NULL, former), iif(action = 5, former, NULL), hold,
                    fields, fingerprint
             FROM rows LEFT JOIN set_intents
                  ON action = 7 AND set_intents.run = rows.run
                     AND set_intents.external_id = leaver
             WHERE rows.run = ?1 AND coalesce(outcome, 6) = 6 AND action IS NOT NULL
             ORDER BY row, leaver",
            [run.0],
            |row| {
                Ok(OpenIntent {
                    row: row_number(row, 0)?,
                    external_id: ExternalId::known(&row.get::<_, String>(1)?),
                    action: coded(row, 2, codes::to_action)?,
                    attempts: row.get(3)?,
                    from: row
                        .get::<_, Option<String>>(4)?
                        .as_deref()
                        .map(ExternalId::known),
                    account: row.get(5)?,
                    hold: row.get::<_, Option<i64>>(6)?.map(HoldId),
                    set: set_fields::of_intent(row, 7)?,
                })
            },
        )
    }
}

/// Writes what is about to be done. Earlier attempts stay counted.
pub(super) fn write(tx: &Connection, run: RunId, intents: &[Intent]) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO rows (run, row, leaver, external_id, action, attempts, former, hold)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7)
         ON CONFLICT DO UPDATE SET external_id = excluded.external_id,
             action = excluded.action, outcome = NULL, status = NULL, reason = NULL, at = NULL,
             former = excluded.former, hold = excluded.hold",
    )?;
    for intent in intents {
        let id = intent.external_id.as_str();
        let (row, leaver, external_id) = key(intent.row, Some(id));
        let from = intent.from.as_ref().map(ExternalId::as_str);
        let former = from.or(intent.account.as_deref());
        let action = codes::action(intent.action);
        let hold = intent.hold.map(|hold| hold.0);
        statement.execute((run.0, row, leaver, external_id, action, former, hold))?;
        if let Some(set) = intent.set {
            set_fields::intend(tx, run, id, set)?;
        }
    }
    Ok(())
}

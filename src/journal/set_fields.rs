//! Fields that were written for people as leavers, and must be taken back when these return.
//!
//! # Invariants
//!
//! - What may have been written is noted as what was: an intent says which fields it is about
//!   before the first request, and an outcome that is not known for certain keeps them.

use rusqlite::{Connection, Row};

use crate::model::{ExternalId, Outcome, SetFields};

use super::codes::PersonState;
use super::error::JournalError;
use super::ids::{RunId, Scope};
use super::open::Journal;
use super::records::Settled;
use super::store::{execute, has_rows};

impl Journal {
    /// The fields that were written for a person of `scope` as a leaver, or may have been,
    /// as [`Known::set_fields`](super::Known::set_fields) has them.
    pub fn set_fields_of(&self, scope: &Scope, external_id: &str) -> Result<u64, JournalError> {
        let fields = self.all(
            "SELECT fields FROM set_fields
             WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) AND external_id = ?2",
            (scope.bytes(), external_id),
            |row| bits(row, 0),
        )?;
        Ok(fields.into_iter().next().unwrap_or(0))
    }
}

/// The fields of a column; none where it is empty.
pub(super) fn bits(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let fields: Option<i64> = row.get(column)?;
    Ok(fields.map_or(0, i64::cast_unsigned))
}

/// The fields of an intent, and their fingerprint in the next column.
pub(super) fn of_intent(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<SetFields>> {
    let fingerprint: Option<[u8; 16]> = row.get(column + 1)?;
    let fields = bits(row, column)?;
    Ok(fingerprint.map(|fingerprint| SetFields {
        fields,
        fingerprint: u128::from_le_bytes(fingerprint),
    }))
}

/// Notes what is about to be written for a leaver.
pub(super) fn intend(
    tx: &Connection,
    run: RunId,
    external_id: &str,
    set: SetFields,
) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO set_intents (run, external_id, fields, fingerprint)
               VALUES (?1, ?2, ?3, ?4)";
    let fields = set.fields.cast_signed();
    execute(
        tx,
        sql,
        (run.0, external_id, fields, set.fingerprint.to_le_bytes()),
    )
}

/// Notes fields that were written for a person, or may have been.
pub(super) fn add(
    tx: &Connection,
    scope: i64,
    external_id: &str,
    fields: u64,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO set_fields (scope, external_id, fields) VALUES (?1, ?2, ?3)
               ON CONFLICT DO UPDATE SET fields = fields | excluded.fields";
    execute(tx, sql, (scope, external_id, fields.cast_signed()))
}

/// Nothing is to be taken back of the person any more.
pub(super) fn forget(tx: &Connection, scope: i64, external_id: &str) -> rusqlite::Result<()> {
    let sql = "DELETE FROM set_fields WHERE scope = ?1 AND external_id = ?2";
    execute(tx, sql, (scope, external_id))
}

/// What was written for a person is known under another external ID.
pub(super) fn rekey(tx: &Connection, scope: i64, from: &str, to: &str) -> rusqlite::Result<()> {
    forget(tx, scope, to)?;
    let sql = "UPDATE set_fields SET external_id = ?3 WHERE scope = ?1 AND external_id = ?2";
    execute(tx, sql, (scope, from, to))
}

/// What an outcome says: fields were written for a leaver, or may have been, or what was
/// written is taken back. `are_any` is asked unless it is known.
pub(super) fn take_in(
    tx: &Connection,
    (scope, run): (i64, RunId),
    settled: &Settled,
    are_any: &mut Option<bool>,
) -> rusqlite::Result<()> {
    let Some(id) = settled.external_id.as_ref().map(ExternalId::as_str) else {
        return Ok(());
    };
    let state = settled.person.as_ref().map(|person| person.state);
    let is_set = match settled.outcome {
        Outcome::Set => state == Some(PersonState::Set),
        Outcome::Unknown => settled.row.is_none(),
        _ => false,
    };
    if is_set {
        *are_any = None;
        let sql = "INSERT INTO set_fields (scope, external_id, fields)
                   SELECT ?1, ?2, fields FROM set_intents WHERE run = ?3 AND external_id = ?2
                   ON CONFLICT DO UPDATE SET fields = fields | excluded.fields";
        execute(tx, sql, (scope, id, run.0))?;
    }
    let is_over = matches!(
        state,
        Some(PersonState::Active | PersonState::Deleted | PersonState::Ambiguous)
    );
    if is_over && has_rows(tx, "set_fields", are_any)? {
        forget(tx, scope, id)?;
    }
    if settled.row.is_none() && settled.outcome != Outcome::Unknown {
        forget_intent(tx, run, id)?;
    }
    Ok(())
}

/// Nothing is about to be written for the person any more.
pub(super) fn forget_intent(
    tx: &Connection,
    run: RunId,
    external_id: &str,
) -> rusqlite::Result<()> {
    let sql = "DELETE FROM set_intents WHERE run = ?1 AND external_id = ?2";
    execute(tx, sql, (run.0, external_id))
}

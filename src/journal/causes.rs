//! Why rows were rejected, failed or are unknown, grouped for people.

use std::collections::HashMap;

use rusqlite::Row;

use crate::model::{Cause, Causes, RowNumber};

use super::codes::{self, coded, natural, row_number};
use super::error::JournalError;
use super::ids::RunId;
use super::open::Journal;

/// The most causes that are handed out.
const MAX_CAUSES: usize = 100;

/// The most outcomes with their status and reason whose causes are remembered: where every
/// reason differs, most are met once.
const MAX_KNOWN: usize = 10_000;

impl Journal {
    /// The remarks on rows of `run` that succeeded: the sentence, how many rows,
    /// and the first of them.
    pub fn remarks(&self, run: RunId) -> Result<Vec<(String, u64, RowNumber)>, JournalError> {
        self.all(
            "SELECT message, count(*), min(row)
             FROM rows JOIN reasons ON reasons.id = reason
             WHERE run = ?1 AND outcome IN (1, 2, 3) AND row < 4294967296
                   AND message IS NOT NULL
             GROUP BY message ORDER BY count(*) DESC, min(row) LIMIT 20",
            [run.0],
            |row| {
                let first = row_number(row, 2)?.unwrap_or(RowNumber::default());
                Ok((row.get(0)?, natural(row.get(1)?), first))
            },
        )
    }

    /// Why rows of `run` were rejected, failed or are unknown; the most
    /// frequent first, at most a hundred.
    pub fn causes(&self, run: RunId) -> Result<Vec<Cause>, JournalError> {
        let mut causes = Causes::default();
        let mut read = || {
            let mut known = HashMap::new();
            let mut reasons = self
                .conn
                .prepare_cached("SELECT code, message FROM reasons WHERE id = ?1")?;
            let mut statement = self.conn.prepare_cached(
                "SELECT row, coalesce(outcome, 6), status, reason FROM rows
                 WHERE run = ?1 AND coalesce(outcome, 6) IN (4, 5, 6) ORDER BY row",
            )?;
            let mut rows = statement.query([run.0])?;
            while let Some(row) = rows.next()? {
                let of: (i64, Option<u16>, Option<i64>) = (row.get(1)?, row.get(2)?, row.get(3)?);
                if !known.contains_key(&of) {
                    let outcome = coded(row, 1, codes::to_outcome)?;
                    let texts = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
                    let texts = of.2.map(|reason| reasons.query_row([reason], texts));
                    let (code, message): (Option<String>, Option<String>) =
                        texts.unwrap_or(Ok((None, None)))?;
                    let texts = (code.as_deref(), message.as_deref());
                    let places = causes.places_of((outcome, of.1), texts);
                    if known.len() >= MAX_KNOWN {
                        known.clear();
                    }
                    known.insert(of, places);
                }
                let number = row_number(row, 0)?;
                for &place in known.get(&of).into_iter().flatten() {
                    causes.count(place, number);
                }
            }
            Ok(())
        };
        read().map_err(|error| self.sql(error))?;
        let mut causes = causes.sorted();
        causes.truncate(MAX_CAUSES);
        Ok(causes)
    }
}

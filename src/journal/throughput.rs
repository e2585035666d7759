//! How many rows were settled when, for a chart.

use std::time::Duration;

use crate::model::Counts;

use super::codes;
use super::error::JournalError;
use super::ids::RunId;
use super::open::Journal;
use super::read::{coded, natural};

/// What was settled in one stretch of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Where it begins; measured in time that the run was under way, so the
    /// days between an interrupted run and its resume take no room.
    pub from: Duration,
    /// How long it is; the same for all buckets of a run.
    pub width: Duration,
    /// Rows and leavers settled in it, by outcome.
    pub counts: Counts,
}

impl Journal {
    /// The settled rows and leavers of `run` over time, in at most `buckets`
    /// stretches of equal length without gaps. Empty if nothing is settled.
    pub fn throughput(&self, run: RunId, buckets: usize) -> Result<Vec<Bucket>, JournalError> {
        let most = i64::try_from(buckets).unwrap_or(i64::MAX);
        if most == 0 {
            return Ok(Vec::new());
        }
        let read = || {
            let tx = self.conn.unchecked_transaction()?;
            let last: Option<i64> = tx
                .prepare_cached("SELECT max(at) FROM rows WHERE run = ?1 AND outcome IS NOT NULL")?
                .query_row([run.0], |row| row.get(0))?;
            let Some(last) = last else {
                return Ok(Vec::new());
            };
            // Whole milliseconds, and wide enough that `last` falls inside.
            let width = last / most + 1;
            let bucket = |index: i64| Bucket {
                from: Duration::from_millis(natural(index * width)),
                width: Duration::from_millis(natural(width)),
                counts: Counts::default(),
            };
            let mut filled: Vec<Bucket> = (0..=last / width).map(bucket).collect();
            let mut statement = tx.prepare_cached(
                "SELECT at / ?2, outcome, count(*) FROM rows
                 WHERE run = ?1 AND outcome IS NOT NULL AND at IS NOT NULL GROUP BY 1, 2",
            )?;
            let mut groups = statement.query([run.0, width])?;
            while let Some(group) = groups.next()? {
                let index = usize::try_from(group.get::<_, i64>(0)?).unwrap_or(usize::MAX);
                if let Some(bucket) = filled.get_mut(index) {
                    let outcome = coded(group, 1, codes::to_outcome)?;
                    *bucket.counts.of_mut(outcome) += natural(group.get(2)?);
                }
            }
            Ok(filled)
        };
        read().map_err(|error| self.sql(error))
    }
}

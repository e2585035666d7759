//! What earlier runs of a feed did, and what its good feeds looked like.

use jiff::Timestamp;
use rusqlite::Connection;

use super::codes::{coded, natural, time};
use super::error::JournalError;
use super::ids::{FeedKey, RunId, Scope};
use super::open::Journal;
use super::store::execute;

/// How many profiles of a feed are kept.
const MAX_PROFILES: i64 = 5;

/// What the runs of a feed did to people, without what a person approved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// People created.
    pub created: u64,
    /// People updated.
    pub updated: u64,
    /// Leavers deactivated or deleted.
    pub left: u64,
}

impl Journal {
    /// What the runs of the mapping at `mapping_path` did since then. The rows of
    /// a run that was resumed count as of its end.
    pub fn left_within(
        &self,
        scope: &Scope,
        mapping_path: &str,
        since: Timestamp,
    ) -> Result<Past, JournalError> {
        let groups = self.all(
            "SELECT outcome, count(*)
             FROM runs CROSS JOIN rows ON rows.run = runs.id
             WHERE runs.scope = (SELECT id FROM scopes WHERE digest = ?1) AND mapping_path = ?2
                   AND outcome IN (1, 2, 8, 9) AND rows.hold IS NULL
                   AND max(started + at * 1000, iif(resumed, coalesce(ended, 0), 0)) >= ?3
             GROUP BY outcome",
            (scope.bytes(), mapping_path, since.as_microsecond()),
            |row| Ok((row.get::<_, i64>(0)?, natural(row.get(1)?))),
        )?;
        let mut past = Past::default();
        for (outcome, count) in groups {
            match outcome {
                1 => past.created += count,
                2 => past.updated += count,
                _ => past.left += count,
            }
        }
        Ok(past)
    }

    /// What the good feeds of `feed` looked like, each with the start of its run:
    /// newest first, at most five, and none from before one that was let pass
    /// as the new measure.
    pub fn profiles(
        &self,
        scope: &Scope,
        feed: FeedKey,
    ) -> Result<Vec<(Timestamp, Vec<u8>)>, JournalError> {
        let profiles = self.all(
            "SELECT started, profile, resets FROM profiles JOIN runs ON runs.id = profiles.run
             WHERE profiles.scope = (SELECT id FROM scopes WHERE digest = ?1)
                   AND profiles.feed = ?2
             ORDER BY profiles.run DESC",
            (scope.bytes(), feed.0),
            |row| Ok((coded(row, 0, time)?, row.get(1)?, row.get::<_, bool>(2)?)),
        )?;
        let resets = profiles.iter().position(|(_, _, resets)| *resets);
        let count = resets.map_or(profiles.len(), |at| at + 1);
        let counted = profiles.into_iter().take(count);
        Ok(counted.map(|(at, profile, _)| (at, profile)).collect())
    }
}

/// Records what the feed of a run looked like, in place of what that run said
/// before. Older profiles than the newest five go.
pub(super) fn write_profile(
    tx: &Connection,
    (scope, feed, run): (i64, FeedKey, RunId),
    profile: &[u8],
    resets: bool,
) -> rusqlite::Result<()> {
    execute(
        tx,
        "INSERT OR REPLACE INTO profiles (scope, feed, run, resets, profile)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        (scope, feed.0, run.0, resets, profile),
    )?;
    execute(
        tx,
        "DELETE FROM profiles
         WHERE scope = ?1 AND feed = ?2 AND run NOT IN
               (SELECT run FROM profiles WHERE scope = ?1 AND feed = ?2
                ORDER BY run DESC LIMIT ?3)",
        (scope, feed.0, MAX_PROFILES),
    )
}

//! What earlier runs of a feed did, and what its good feeds looked like.

use std::ops::ControlFlow;

use jiff::Timestamp;
use rusqlite::Connection;

use super::codes::{self, coded, natural, time};
use super::error::JournalError;
use super::ids::{FeedKey, RunId, Scope};
use super::open::Journal;
use super::read::VisitError;
use super::store::execute;

/// How many profiles of a feed are kept.
const MAX_PROFILES: i64 = 5;

/// What the runs of a feed did to people, without what a person approved, and without
/// the external IDs that accounts got since their API key was replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// People created.
    pub created: u64,
    /// People updated.
    pub updated: u64,
    /// Leavers deactivated, deleted or set.
    pub left: u64,
}

impl Journal {
    /// What the runs of the mapping at `mapping_path` did since then. The rows of
    /// a run that was resumed count as of its end.
    pub fn done_within(
        &self,
        scope: &Scope,
        mapping_path: &str,
        since: Timestamp,
    ) -> Result<Past, JournalError> {
        self.past(scope, mapping_path, since, 0)
    }

    /// How many people left in the runs of the mapping at `mapping_path` since
    /// then; cheaper than all that they did.
    pub fn left_within(
        &self,
        scope: &Scope,
        mapping_path: &str,
        since: Timestamp,
    ) -> Result<u64, JournalError> {
        let past = self.past(scope, mapping_path, since, codes::LEAVER)?;
        Ok(past.left)
    }

    /// Of rows from that number on; nothing is read of runs that ended before.
    fn past(
        &self,
        scope: &Scope,
        mapping_path: &str,
        since: Timestamp,
        first_row: i64,
    ) -> Result<Past, JournalError> {
        let past = self.all(
            "SELECT count(*) FILTER (WHERE outcome = 1),
                    count(*) FILTER (WHERE outcome = 2
                                     AND NOT (replaces_key AND action IS 5 AND former IS NOT NULL)),
                    count(*) FILTER (WHERE outcome IN (8, 9, 11))
             FROM runs CROSS JOIN rows ON rows.run = runs.id
             WHERE runs.scope = (SELECT id FROM scopes WHERE digest = ?1) AND mapping_path = ?2
                   AND (ended IS NULL OR ended >= ?3) AND rows.row >= ?4
                   AND outcome IN (1, 2, 8, 9, 11) AND rows.hold IS NULL
                   AND max(started + at * 1000, iif(resumed, coalesce(ended, 0), 0)) >= ?3",
            (
                scope.bytes(),
                mapping_path,
                since.as_microsecond(),
                first_row,
            ),
            |row| {
                Ok(Past {
                    created: natural(row.get(0)?),
                    updated: natural(row.get(1)?),
                    left: natural(row.get(2)?),
                })
            },
        )?;
        Ok(past.into_iter().next().unwrap_or_default())
    }

    /// Hands out the external IDs of the people whom runs of the mapping at
    /// `mapping_path` created or updated since then, until `each` breaks off. A person who was
    /// changed twice comes twice.
    pub fn changed_since<E: From<JournalError>>(
        &self,
        scope: &Scope,
        mapping_path: &str,
        since: Timestamp,
        mut each: impl FnMut(&str) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        self.visit(
            "SELECT external_id FROM runs CROSS JOIN rows ON rows.run = runs.id
             WHERE runs.scope = (SELECT id FROM scopes WHERE digest = ?1) AND mapping_path = ?2
                   AND (ended IS NULL OR ended >= ?3) AND external_id IS NOT NULL
                   AND outcome IN (1, 2)
                   AND max(started + at * 1000, iif(resumed, coalesce(ended, 0), 0)) >= ?3",
            (scope.bytes(), mapping_path, since.as_microsecond()),
            |row| {
                let id = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
                each(id).map_err(VisitError::Visitor)
            },
        )
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

/// A mapping has another path: its people, holds and groups, what its runs did, and
/// what its feeds looked like are those of the new one.
pub(super) fn rename(tx: &Connection, scope: i64, from: &str, to: &str) -> rusqlite::Result<()> {
    let keys = (FeedKey::of_mapping(from).0, FeedKey::of_mapping(to).0);
    for sql in [
        "UPDATE people SET feed = ?3 WHERE scope = ?1 AND feed = ?2",
        "UPDATE people SET other_feed = ?3 WHERE scope = ?1 AND other_feed = ?2",
        "UPDATE groups SET feed = ?3 WHERE scope = ?1 AND feed = ?2",
        "UPDATE profiles SET feed = ?3 WHERE scope = ?1 AND feed = ?2",
        "UPDATE doubts SET feed = ?3 WHERE scope = ?1 AND feed = ?2",
        "UPDATE absences SET feed = ?3 WHERE scope = ?1 AND feed = ?2",
    ] {
        execute(tx, sql, (scope, keys.0, keys.1))?;
    }
    for sql in [
        "UPDATE holds SET mapping_path = ?3 WHERE scope = ?1 AND mapping_path = ?2",
        "UPDATE runs SET mapping_path = ?3 WHERE scope = ?1 AND mapping_path = ?2",
    ] {
        execute(tx, sql, (scope, from, to))?;
    }
    Ok(())
}

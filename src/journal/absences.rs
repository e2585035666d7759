//! Whom a feed no longer names, and since which run: a mapping may give them time before
//! they leave.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::Connection;

use crate::model::ExternalId;

use super::codes::{coded, time};
use super::error::JournalError;
use super::ids::{FeedKey, RunId, Scope};
use super::open::Journal;
use super::records::Work;
use super::store::execute;
use super::write::Writer;

/// A finished import of a good feed that was not the same file as the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoodFeed {
    /// The run that imported it.
    pub run: RunId,
    /// When that started.
    pub started: Timestamp,
}

/// Which file a feed is: two that agree in all of it are one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedFile {
    /// Where it was read from.
    pub path: String,
    /// Its digest.
    pub sha256: Option<[u8; 32]>,
    /// That of the files that are joined to it.
    pub joined_sha256: Option<[u8; 32]>,
    /// When it was changed last; unknown for a feed from standard input.
    pub modified: Option<Timestamp>,
}

/// Who is missing from a feed, as of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Absences {
    /// People who were not missing before.
    pub new: Vec<ExternalId>,
    /// People who were, and no longer are.
    pub over: Vec<ExternalId>,
}

impl Journal {
    /// Who is missing from `feed`, each with the first run of an unbroken row that came
    /// without the person.
    pub fn absences(
        &self,
        scope: &Scope,
        feed: FeedKey,
    ) -> Result<HashMap<ExternalId, RunId>, JournalError> {
        let absences = self.all(
            "SELECT external_id, since FROM absences
             WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) AND feed = ?2",
            (scope.bytes(), feed.0),
            |row| {
                let id = ExternalId::known(&row.get::<_, String>(0)?);
                Ok((id, RunId(row.get(1)?)))
            },
        )?;
        Ok(absences.into_iter().collect())
    }

    /// The good feeds of the mapping at `mapping_path` from that run on, oldest first.
    pub fn good_feeds(
        &self,
        scope: &Scope,
        mapping_path: &str,
        from: RunId,
    ) -> Result<Vec<GoodFeed>, JournalError> {
        self.all(
            "SELECT id, started FROM runs
             WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) AND mapping_path = ?2
                   AND id >= ?3 AND good_feed
             ORDER BY id",
            (scope.bytes(), mapping_path, from.0),
            |row| {
                Ok(GoodFeed {
                    run: RunId(row.get(0)?),
                    started: coded(row, 1, time)?,
                })
            },
        )
    }

    /// The file of the last good feed of the mapping at `mapping_path`.
    pub fn last_good_feed(
        &self,
        scope: &Scope,
        mapping_path: &str,
    ) -> Result<Option<FeedFile>, JournalError> {
        let last = self.all(
            "SELECT feed_path, feed_sha256, joined_sha256, feed_modified FROM runs
             WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) AND mapping_path = ?2
                   AND good_feed
             ORDER BY id DESC LIMIT 1",
            (scope.bytes(), mapping_path),
            |row| {
                let modified: Option<i64> = row.get(3)?;
                Ok(FeedFile {
                    path: row.get(0)?,
                    sha256: row.get(1)?,
                    joined_sha256: row.get(2)?,
                    modified: modified.and_then(time),
                })
            },
        )?;
        Ok(last.into_iter().next())
    }

    /// Where `file` is the one of an earlier good feed, and older than that of the last one:
    /// the two runs.
    pub fn imported_before(
        &self,
        scope: &Scope,
        mapping_path: &str,
        file: &FeedFile,
    ) -> Result<Option<[RunId; 2]>, JournalError> {
        let Some((sha256, modified)) = file.sha256.zip(file.modified) else {
            return Ok(None);
        };
        let runs = self.all(
            "WITH good AS (SELECT id, feed_sha256, joined_sha256, feed_modified FROM runs
                           WHERE scope = (SELECT id FROM scopes WHERE digest = ?1)
                                 AND mapping_path = ?2 AND good_feed)
             SELECT earlier.id, last.id FROM good AS earlier, good AS last
             WHERE last.id = (SELECT max(id) FROM good) AND last.feed_modified > ?5
                   AND (last.feed_sha256 IS NOT ?3 OR last.joined_sha256 IS NOT ?4)
                   AND earlier.feed_sha256 = ?3 AND earlier.joined_sha256 IS ?4
             ORDER BY earlier.id DESC LIMIT 1",
            (
                scope.bytes(),
                mapping_path,
                sha256,
                file.joined_sha256,
                modified.as_microsecond(),
            ),
            |row| Ok([RunId(row.get(0)?), RunId(row.get(1)?)]),
        )?;
        Ok(runs.into_iter().next())
    }
}

impl Writer {
    /// Records who is missing from `feed` as of that run, and who no longer is; `None` if
    /// its mapping gives nobody time.
    pub fn absences(
        &self,
        scope: &Scope,
        feed: FeedKey,
        absences: Option<(RunId, Absences)>,
    ) -> Result<(), JournalError> {
        self.send(Work::Absences(*scope, feed, absences), None)
    }
}

/// Writes who is missing, and who no longer is.
pub(super) fn write(
    tx: &Connection,
    scope: i64,
    feed: FeedKey,
    absences: Option<&(RunId, Absences)>,
) -> rusqlite::Result<()> {
    let Some((run, Absences { new, over })) = absences else {
        let sql = "DELETE FROM absences WHERE scope = ?1 AND feed = ?2";
        return execute(tx, sql, (scope, feed.0));
    };
    for id in over {
        let sql = "DELETE FROM absences WHERE scope = ?1 AND feed = ?2 AND external_id = ?3";
        execute(tx, sql, (scope, feed.0, id.as_str()))?;
    }
    for id in new {
        // Recorded twice, as by a run that is resumed, it is the first time that counts.
        let sql = "INSERT INTO absences (scope, feed, external_id, since) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT DO NOTHING";
        execute(tx, sql, (scope, feed.0, id.as_str(), run.0))?;
    }
    Ok(())
}

//! Writes whose outcome nobody knows: for whom, and when they may have gone out.
//!
//! A doubt lasts from the end of the run that sent the write until a later one has
//! found out what became of it. While a run is under way, its own intents say it. That
//! a create was sent twice is recorded before the second one goes out. A change that
//! got no answer and was sent again may land although the second one was acknowledged.

use jiff::Timestamp;
use rusqlite::Connection;

use crate::model::{ExternalId, Outcome};

use super::alive::ALIVE_FOR;
use super::codes::{coded, time};
use super::error::JournalError;
use super::ids::{FeedKey, RunId, Scope};
use super::open::Journal;
use super::records::Settled;
use super::store::{execute, has_rows};

/// A person for whom a write of unknown outcome may still land.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The person.
    pub external_id: ExternalId,
    /// When the write went out, at the latest.
    pub sent: Timestamp,
    /// What it may do.
    pub kind: DoubtKind,
    /// The feed whose run sent it, which named the person; `None` where an older hrfeed
    /// recorded it.
    pub feed: Option<FeedKey>,
}

/// What a write of unknown outcome may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DoubtKind {
    /// Change or remove a person, or give somebody an external ID: a newer change waits
    /// for it, or it would undo that. It may have been sent again meanwhile, and only the
    /// second one acknowledged.
    Change,
    /// Create the person.
    Create,
}

/// A person whose create was sent a second time: each of the two may have created an
/// account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentTwice {
    /// The person.
    pub external_id: ExternalId,
    /// The first create went out by then. One of the same run did before that.
    pub since: Timestamp,
}

/// What is recorded of doubts.
#[derive(Debug)]
pub(super) enum Doubts {
    /// Writes for these people may still land.
    New(Scope, Vec<Doubt>),
    /// A write goes out for a person for whom an earlier one may still land.
    Again(RunId, SentAgain),
    /// What became of the writes for these people is known.
    Over(Scope, Vec<String>),
    /// Nobody looks any more whether these people are there twice.
    NotTwice(Scope, Vec<String>),
}

/// A write that goes out although an earlier one may still land.
#[derive(Clone, Debug)]
pub struct SentAgain {
    /// The person.
    pub external_id: ExternalId,
    /// When.
    pub at: Timestamp,
    /// It creates the person, as the earlier one may do.
    pub creates_twice: bool,
}

const fn code(kind: DoubtKind) -> i64 {
    match kind {
        DoubtKind::Change => 0,
        DoubtKind::Create => 1,
    }
}

const fn to_kind(code: i64) -> Option<DoubtKind> {
    match code {
        0 => Some(DoubtKind::Change),
        1 => Some(DoubtKind::Create),
        _ => None,
    }
}

impl Journal {
    /// The doubts of `scope`.
    pub fn doubts(&self, scope: &Scope) -> Result<Vec<Doubt>, JournalError> {
        self.all(
            "SELECT external_id, sent, kind, feed FROM doubts
             WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) ORDER BY external_id",
            [scope.bytes()],
            |row| {
                Ok(Doubt {
                    external_id: ExternalId::known(&row.get::<_, String>(0)?),
                    sent: coded(row, 1, time)?,
                    kind: coded(row, 2, to_kind)?,
                    feed: row.get::<_, Option<i64>>(3)?.map(FeedKey),
                })
            },
        )
    }

    /// The people of `scope` whose create was sent twice.
    pub fn sent_twice(&self, scope: &Scope) -> Result<Vec<SentTwice>, JournalError> {
        self.all(
            "SELECT external_id, since FROM sent_twice
             WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) ORDER BY external_id",
            [scope.bytes()],
            |row| {
                Ok(SentTwice {
                    external_id: ExternalId::known(&row.get::<_, String>(0)?),
                    since: coded(row, 1, time)?,
                })
            },
        )
    }
}

/// Records doubts. Of two of one person the later time, the graver kind and the later
/// feed stand.
pub(super) fn note(tx: &Connection, scope: i64, doubts: &[Doubt]) -> rusqlite::Result<()> {
    let sql = "INSERT INTO doubts (scope, external_id, sent, kind, feed)
               VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT DO UPDATE SET sent = max(sent, excluded.sent),
                                         kind = max(kind, excluded.kind),
                                         feed = coalesce(excluded.feed, feed)";
    for doubt in doubts {
        let (id, sent) = (doubt.external_id.as_str(), doubt.sent.as_microsecond());
        let feed = doubt.feed.map(|feed| feed.0);
        execute(tx, sql, (scope, id, sent, code(doubt.kind), feed))?;
    }
    Ok(())
}

/// Keeps the time of what a run left unknown before another process goes on with it:
/// from then on it is that one which gives signs of life. An earlier doubt of somebody
/// for whom nothing was sent since is as old as it was.
pub(super) fn keep_of_interrupted(
    tx: &Connection,
    run: RunId,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let mapping: String = tx
        .prepare_cached("SELECT mapping_path FROM runs WHERE id = ?1")?
        .query_row([run.0], |row| row.get(0))?;
    let sql = "INSERT INTO doubts (scope, external_id, sent, kind, feed)
               SELECT runs.scope, external_id, coalesce(alive + ?2, ended, ?3),
                      action = 1, ?4
               FROM rows JOIN runs ON runs.id = rows.run
               WHERE run = ?1 AND row < 4294967296 AND coalesce(outcome, 6) = 6
                     AND action IS NOT NULL AND external_id IS NOT NULL
               ON CONFLICT DO UPDATE SET kind = max(kind, excluded.kind), feed = excluded.feed";
    let feed = FeedKey::of_mapping(&mapping).0;
    execute(tx, sql, (run.0, ALIVE_FOR, now.as_microsecond(), feed))
}

/// A write for a person goes out although an earlier one may still land.
pub(super) fn sent_again(tx: &Connection, scope: i64, sent: &SentAgain) -> rusqlite::Result<()> {
    let (id, at) = (sent.external_id.as_str(), sent.at.as_microsecond());
    if sent.creates_twice {
        // Of several times the first counts.
        let sql = "INSERT INTO sent_twice (scope, external_id, since)
                   SELECT ?1, ?2, min(?3, coalesce((SELECT sent FROM doubts
                                                    WHERE scope = ?1 AND external_id = ?2), ?3))
                   WHERE true ON CONFLICT DO NOTHING";
        execute(tx, sql, (scope, id, at))?;
    }
    let sql = "UPDATE doubts SET sent = ?3 WHERE scope = ?1 AND external_id = ?2";
    execute(tx, sql, (scope, id, at))
}

/// Takes in how a row or a leaver ended for which requests were sent. `are_any` says
/// whether there are doubts, if that is known.
pub(super) fn take_in(
    tx: &Connection,
    (scope, feed, external_id): (i64, FeedKey, &str),
    settled: &Settled,
    are_any: &mut Option<bool>,
) -> rusqlite::Result<()> {
    let is_open = matches!(
        settled.outcome,
        Outcome::Pending | Outcome::Unknown | Outcome::Held
    );
    if is_open || settled.attempts == 0 {
        return Ok(());
    }
    if has_rows(tx, "doubts", are_any)? {
        self::settled(tx, scope, external_id)?;
    }
    if let Some(sent) = settled.may_land {
        let doubt = Doubt {
            external_id: ExternalId::known(external_id),
            sent,
            kind: DoubtKind::Change,
            feed: Some(feed),
        };
        note(tx, scope, &[doubt])?;
        *are_any = Some(true);
    }
    Ok(())
}

/// What became of the write for a person is known.
pub(super) fn settled(tx: &Connection, scope: i64, external_id: &str) -> rusqlite::Result<()> {
    let sql = "DELETE FROM doubts WHERE scope = ?1 AND external_id = ?2";
    execute(tx, sql, (scope, external_id))
}

/// Nobody looks any more whether a person is there twice.
pub(super) fn not_twice(tx: &Connection, scope: i64, external_id: &str) -> rusqlite::Result<()> {
    let sql = "DELETE FROM sent_twice WHERE scope = ?1 AND external_id = ?2";
    execute(tx, sql, (scope, external_id))
}

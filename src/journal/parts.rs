//! The parts of a person that have calls of their own, and user groups.
//!
//! A person who takes several calls is one row with one outcome. Each call
//! that the target acknowledged is written down by itself, so that what is
//! left can be derived at any moment: a resumed run repeats none of them.

use std::ops::ControlFlow;

use rusqlite::{Connection, OptionalExtension as _};

use crate::model::{ExternalId, Parts};
use crate::schema::Part;

use super::codes::{self, PersonState, coded};
use super::error::JournalError;
use super::ids::{FeedKey, Scope};
use super::open::Journal;
use super::read::VisitError;

/// What the target acknowledged of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acknowledged {
    /// The person was created: nothing that was known before holds.
    Created,
    /// The details have this fingerprint now.
    Details(u128),
    /// The picture has this fingerprint now.
    Picture(u128),
    /// Details and picture may be what a run wrote of which nobody heard.
    Invalidated,
    /// These values of a set are there.
    Added(Part, Vec<String>),
    /// These values of a set are there no more.
    Removed(Part, Vec<String>),
    /// All is done but the groups; once they are, the content has this
    /// fingerprint.
    PendingGroups(u128),
}

/// A user group as the journal knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownGroup {
    /// Its external ID.
    pub id: String,
    /// hrfeed created it.
    pub is_created: bool,
    /// The feed that named it first.
    pub feed: Option<FeedKey>,
    /// The fingerprint of name and parent that the target acknowledged.
    pub fingerprint: Option<u128>,
}

/// What became of a user group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupNow {
    /// It is there.
    There {
        /// hrfeed created it just now.
        created: bool,
        /// The fingerprint of name and parent, if they were sent.
        fingerprint: Option<u128>,
    },
    /// It is not there.
    Gone,
}

impl Journal {
    /// What was acknowledged of a person's parts.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn parts(&self, scope: &Scope, person: &ExternalId) -> Result<Parts, JournalError> {
        let read = || {
            let id = person.as_str();
            let mut parts = self
                .conn
                .prepare_cached(
                    "SELECT state, details, picture FROM people
                     WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) AND external_id = ?2",
                )?
                .query_row((scope.bytes(), id), |row| {
                    let state = coded(row, 0, codes::to_person_state)?;
                    let fingerprint = |column| {
                        let bytes: Option<[u8; 16]> = row.get(column)?;
                        Ok::<_, rusqlite::Error>(bytes.map(u128::from_le_bytes))
                    };
                    Ok(Parts {
                        is_inactive: state == PersonState::Inactive,
                        details: fingerprint(1)?,
                        picture: fingerprint(2)?,
                        given: Vec::new(),
                    })
                })
                .optional()?
                .unwrap_or_default();
            parts.given = self
                .conn
                .prepare_cached(
                    "SELECT part, item FROM given
                     WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) AND external_id = ?2
                     ORDER BY part, item",
                )?
                .query_map((scope.bytes(), id), |row| {
                    Ok((coded(row, 0, codes::to_set)?, row.get(1)?))
                })?
                .collect::<rusqlite::Result<_>>()?;
            Ok(parts)
        };
        read().map_err(|error| self.sql(error))
    }

    /// The user groups that `scope` knows.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn groups(&self, scope: &Scope) -> Result<Vec<KnownGroup>, JournalError> {
        let read = || {
            self.conn
                .prepare_cached(
                    "SELECT id, made, fingerprint, feed FROM groups
                     WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) ORDER BY id",
                )?
                .query_map([scope.bytes()], |row| {
                    let bytes: Option<[u8; 16]> = row.get(2)?;
                    Ok(KnownGroup {
                        id: row.get(0)?,
                        is_created: row.get(1)?,
                        fingerprint: bytes.map(u128::from_le_bytes),
                        feed: row.get::<_, Option<i64>>(3)?.map(FeedKey),
                    })
                })?
                .collect::<rusqlite::Result<_>>()
        };
        read().map_err(|error| self.sql(error))
    }

    /// Hands out who is in which group, as far as hrfeed put them there: the
    /// group, and the person.
    ///
    /// # Errors
    /// The journal cannot be read, or what `each` said.
    pub fn members<E: From<JournalError>>(
        &self,
        scope: &Scope,
        mut each: impl FnMut((&str, &str)) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        self.visit(
            "SELECT item, external_id FROM given
             WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) AND part = 4
             ORDER BY item, external_id",
            [scope.bytes()],
            |row| {
                let text = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()?);
                each((text(0)?, text(1)?)).map_err(VisitError::Visitor)
            },
        )
    }
}

/// Writes down what the target acknowledged of a person, whom `people` holds.
pub(super) fn acknowledge(
    tx: &Connection,
    scope: i64,
    external_id: &str,
    acknowledged: &[Acknowledged],
) -> rusqlite::Result<()> {
    for it in acknowledged {
        match it {
            Acknowledged::Created => forget(tx, scope, external_id)?,
            Acknowledged::Invalidated => {
                tx.prepare_cached(
                    "UPDATE people SET details = NULL, picture = NULL, awaited = NULL
                     WHERE scope = ?1 AND external_id = ?2",
                )?
                .execute((scope, external_id))?;
            }
            Acknowledged::Details(fingerprint) => {
                tx.prepare_cached(
                    "UPDATE people SET details = ?3 WHERE scope = ?1 AND external_id = ?2",
                )?
                .execute((scope, external_id, fingerprint.to_le_bytes()))?;
            }
            Acknowledged::Picture(fingerprint) => {
                tx.prepare_cached(
                    "UPDATE people SET picture = ?3 WHERE scope = ?1 AND external_id = ?2",
                )?
                .execute((scope, external_id, fingerprint.to_le_bytes()))?;
            }
            Acknowledged::PendingGroups(fingerprint) => {
                tx.prepare_cached(
                    "UPDATE people SET awaited = ?3 WHERE scope = ?1 AND external_id = ?2",
                )?
                .execute((scope, external_id, fingerprint.to_le_bytes()))?;
            }
            Acknowledged::Added(part, items) => {
                let mut statement = tx.prepare_cached(
                    "INSERT INTO given (scope, external_id, part, item) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO NOTHING",
                )?;
                for item in items {
                    statement.execute((scope, external_id, codes::set(*part), item))?;
                }
            }
            Acknowledged::Removed(part, items) => {
                let mut statement = tx.prepare_cached(
                    "DELETE FROM given
                     WHERE scope = ?1 AND external_id = ?2 AND part = ?3 AND item = ?4",
                )?;
                for item in items {
                    statement.execute((scope, external_id, codes::set(*part), item))?;
                }
            }
        }
    }
    Ok(())
}

/// Nothing that was known of the person's parts holds any more.
pub(super) fn forget(tx: &Connection, scope: i64, external_id: &str) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM given WHERE scope = ?1 AND external_id = ?2")?
        .execute((scope, external_id))?;
    tx.prepare_cached(
        "UPDATE people SET details = NULL, picture = NULL, awaited = NULL
         WHERE scope = ?1 AND external_id = ?2",
    )?
    .execute((scope, external_id))
    .map(drop)
}

/// Writes down what became of a user group.
pub(super) fn group(
    tx: &Connection,
    scope: i64,
    feed: FeedKey,
    id: &str,
    now: &GroupNow,
) -> rusqlite::Result<()> {
    match now {
        GroupNow::There {
            created,
            fingerprint,
        } => tx
            .prepare_cached(
                "INSERT INTO groups (scope, id, made, fingerprint, feed) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET made = max(made, excluded.made),
                     fingerprint = coalesce(excluded.fingerprint, fingerprint)",
            )?
            .execute((
                scope,
                id,
                created,
                fingerprint.map(u128::to_le_bytes),
                feed.0,
            )),
        GroupNow::Gone => {
            // Whoever was in it is no longer as the feed says.
            tx.prepare_cached(
                "UPDATE people SET fingerprint = NULL, awaited = NULL
                 WHERE scope = ?1 AND external_id IN
                       (SELECT external_id FROM given WHERE scope = ?1 AND part = 4 AND item = ?2)",
            )?
            .execute((scope, id))?;
            tx.prepare_cached("DELETE FROM given WHERE scope = ?1 AND part = 4 AND item = ?2")?
                .execute((scope, id))?;
            tx.prepare_cached("DELETE FROM groups WHERE scope = ?1 AND id = ?2")?
                .execute((scope, id))
        }
    }
    .map(drop)
}

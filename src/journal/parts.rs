//! The parts of a person that have calls of their own, and user groups.
//!
//! A person who takes several calls is one row with one outcome. Each call
//! that the target acknowledged is recorded by itself, so that the rest can be
//! derived at any moment: a resumed run repeats none of them.

use std::ops::ControlFlow;

use rusqlite::{Connection, OptionalExtension as _};

use crate::model::{ExternalId, Parts};
use crate::schema::Part;

use super::codes::{self, PersonState, coded};
use super::error::JournalError;
use super::ids::{FeedKey, Scope};
use super::open::Journal;
use super::people;
use super::read::VisitError;
use super::set_fields;
use super::store::execute;

/// What the target acknowledged about a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acknowledged {
    /// The person was created: nothing that was known before holds.
    Created,
    /// The details have this fingerprint now.
    Details(u128),
    /// The picture has this fingerprint now.
    Picture(u128),
    /// Details and picture may have changed: the outcome of a write is unknown.
    Invalidated,
    /// These fields may have been written for the person as a leaver, as
    /// [`SetFields::fields`](crate::model::SetFields::fields) has them.
    MayBeSet(u64),
    /// These values of a set are there.
    Added(Part, Vec<String>),
    /// These values of a set are gone.
    Removed(Part, Vec<String>),
    /// Only the groups are left; then the content has this fingerprint.
    PendingGroups(u128),
    /// The person had this external ID until now. Said once: here, or in
    /// [`Settled::rekeyed_from`](super::Settled::rekeyed_from).
    Rekeyed(ExternalId),
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

/// The state of a user group.
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
    /// The parts of a person that were acknowledged.
    pub fn parts(&self, scope: &Scope, person: &ExternalId) -> Result<Parts, JournalError> {
        let id = person.as_str();
        let read = || {
            self.conn
                .prepare_cached(
                    "SELECT state, details, picture FROM people
                     WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) AND external_id = ?2",
                )?
                .query_row((scope.bytes(), id), |row| {
                    let state = coded(row, 0, codes::to_person_state)?;
                    Ok(Parts {
                        is_inactive: state == PersonState::Inactive,
                        details: fingerprint(row, 1)?,
                        picture: fingerprint(row, 2)?,
                        given: Vec::new(),
                    })
                })
                .optional()
        };
        let parts = read().map_err(|error| self.sql(error))?;
        let given = self.all(
            "SELECT part, item FROM given
             WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) AND external_id = ?2
             ORDER BY part, item",
            (scope.bytes(), id),
            |row| Ok((coded(row, 0, codes::to_set)?, row.get(1)?)),
        )?;
        Ok(Parts {
            given,
            ..parts.unwrap_or_default()
        })
    }

    /// The user groups of `scope`.
    pub fn groups(&self, scope: &Scope) -> Result<Vec<KnownGroup>, JournalError> {
        self.all(
            "SELECT id, made, fingerprint, feed FROM groups
             WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) ORDER BY id",
            [scope.bytes()],
            |row| {
                Ok(KnownGroup {
                    id: row.get(0)?,
                    is_created: row.get(1)?,
                    fingerprint: fingerprint(row, 2)?,
                    feed: row.get::<_, Option<i64>>(3)?.map(FeedKey),
                })
            },
        )
    }

    /// Hands out the members that hrfeed added to groups: the group, and the
    /// person.
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

fn fingerprint(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<u128>> {
    let bytes: Option<[u8; 16]> = row.get(column)?;
    Ok(bytes.map(u128::from_le_bytes))
}

/// Records that these people are in a group, or no longer.
pub(super) fn members(
    tx: &Connection,
    scope: i64,
    (group, are_in): (&str, bool),
    people: &[ExternalId],
) -> rusqlite::Result<()> {
    let group = vec![group.to_owned()];
    let acknowledged = [if are_in {
        Acknowledged::Added(Part::Groups, group)
    } else {
        Acknowledged::Removed(Part::Groups, group)
    }];
    for person in people {
        acknowledge(tx, scope, person.as_str(), &acknowledged)?;
    }
    Ok(())
}

/// Records what the target acknowledged about a person who is in `people`.
pub(super) fn acknowledge(
    tx: &Connection,
    scope: i64,
    external_id: &str,
    acknowledged: &[Acknowledged],
) -> rusqlite::Result<()> {
    for it in acknowledged {
        let (sql, fingerprint) = match it {
            Acknowledged::Created => {
                forget(tx, scope, external_id)?;
                continue;
            }
            Acknowledged::Invalidated => {
                invalidate(tx, scope, external_id)?;
                continue;
            }
            Acknowledged::MayBeSet(fields) => {
                set_fields::add(tx, scope, external_id, *fields)?;
                continue;
            }
            // Before everything else: see `rekey`.
            Acknowledged::Rekeyed(_) => continue,
            Acknowledged::Added(part, items) | Acknowledged::Removed(part, items) => {
                let sql = match it {
                    Acknowledged::Added(..) => {
                        "INSERT INTO given (scope, external_id, part, item)
                         VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING"
                    }
                    _ => {
                        "DELETE FROM given
                         WHERE scope = ?1 AND external_id = ?2 AND part = ?3 AND item = ?4"
                    }
                };
                for item in items {
                    execute(tx, sql, (scope, external_id, codes::set(*part), item))?;
                }
                continue;
            }
            Acknowledged::Details(it) => (
                "UPDATE people SET details = ?3 WHERE scope = ?1 AND external_id = ?2",
                it,
            ),
            Acknowledged::Picture(it) => (
                "UPDATE people SET picture = ?3 WHERE scope = ?1 AND external_id = ?2",
                it,
            ),
            Acknowledged::PendingGroups(it) => (
                "UPDATE people SET awaited = ?3 WHERE scope = ?1 AND external_id = ?2",
                it,
            ),
        };
        execute(tx, sql, (scope, external_id, fingerprint.to_le_bytes()))?;
    }
    Ok(())
}

/// Records the change of an external ID, if it is among what was acknowledged.
/// Comes first: what else there is to record is about the new ID.
pub(super) fn rekey(
    tx: &Connection,
    scope: i64,
    external_id: &str,
    acknowledged: &[Acknowledged],
) -> rusqlite::Result<()> {
    for it in acknowledged {
        if let Acknowledged::Rekeyed(from) = it {
            people::rekey(tx, scope, from.as_str(), external_id)?;
        }
    }
    Ok(())
}

/// Forgets what was acknowledged about the person's parts.
pub(super) fn forget(tx: &Connection, scope: i64, external_id: &str) -> rusqlite::Result<()> {
    let sql = "DELETE FROM given WHERE scope = ?1 AND external_id = ?2";
    execute(tx, sql, (scope, external_id))?;
    invalidate(tx, scope, external_id)
}

fn invalidate(tx: &Connection, scope: i64, external_id: &str) -> rusqlite::Result<()> {
    execute(
        tx,
        "UPDATE people SET details = NULL, picture = NULL, awaited = NULL
         WHERE scope = ?1 AND external_id = ?2",
        (scope, external_id),
    )
}

/// Records the state of a user group.
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
        } => {
            let fingerprint = fingerprint.map(u128::to_le_bytes);
            execute(
                tx,
                "INSERT INTO groups (scope, id, made, fingerprint, feed) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET made = max(made, excluded.made),
                     fingerprint = coalesce(excluded.fingerprint, fingerprint)",
                (scope, id, created, fingerprint, feed.0),
            )
        }
        GroupNow::Gone => {
            // Its members are no longer as the feed says.
            for sql in [
                "UPDATE people SET fingerprint = NULL, awaited = NULL
                 WHERE scope = ?1 AND external_id IN
                       (SELECT external_id FROM given WHERE scope = ?1 AND part = 4 AND item = ?2)",
                "DELETE FROM given WHERE scope = ?1 AND part = 4 AND item = ?2",
                "DELETE FROM groups WHERE scope = ?1 AND id = ?2",
            ] {
                execute(tx, sql, (scope, id))?;
            }
            Ok(())
        }
    }
}

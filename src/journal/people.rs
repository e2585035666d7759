//! Whom a scope knows.

use std::ops::ControlFlow;

use jiff::Timestamp;
use rusqlite::types::ValueRef;

use super::codes::{self, PersonState};
use super::error::JournalError;
use super::ids::{FeedKey, Scope};
use super::open::Journal;
use super::parts::Acknowledged;
use super::read::VisitError;

/// One person whom the journal knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known<'a> {
    /// The HR system's key.
    pub external_id: &'a str,
    /// The target's key, where it has one.
    pub remote_id: Option<&'a str>,
    /// The mapped content that the target last acknowledged; `None` for
    /// somebody who was only seen there.
    pub fingerprint: Option<u128>,
    /// How the person stands.
    pub state: PersonState,
    /// The feed that named the person last.
    pub feed: Option<FeedKey>,
    /// Another feed that named the person before.
    pub other_feed: Option<FeedKey>,
}

/// What an outcome says of the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonNow {
    /// The target's key; `None` keeps the one that is known.
    pub remote_id: Option<String>,
    /// The mapped content that the target acknowledged; `None` where the
    /// person is there and the content is not known, so that a later run
    /// compares anew.
    pub fingerprint: Option<u128>,
    /// How the person stands now.
    pub state: PersonState,
    /// What the target acknowledged of the person's parts.
    pub acknowledged: Vec<Acknowledged>,
}

/// A person whom the target listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenPerson {
    /// The HR system's key.
    pub external_id: String,
    /// The target's key; `None` keeps the one that is known.
    pub remote_id: Option<String>,
    /// The mapped content, if the listing proves it; `None` keeps the one that
    /// is known.
    pub fingerprint: Option<u128>,
    /// It is not the only one with the external ID.
    pub is_ambiguous: bool,
}

impl Journal {
    /// Hands out everybody whom `scope` knows, in no order that is promised,
    /// until `each` breaks off.
    ///
    /// # Errors
    /// The journal cannot be read, an entry is damaged, or what `each` said.
    pub fn people<E: From<JournalError>>(
        &self,
        scope: &Scope,
        mut each: impl FnMut(Known<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        self.visit(
            "SELECT external_id, remote_id, fingerprint, state, feed, other_feed FROM people
             WHERE scope = (SELECT id FROM scopes WHERE digest = ?1)",
            [scope.bytes()],
            |row| {
                let damaged = || self.damaged("a person's entry is not readable").into();
                let person = known(row).ok_or_else(|| VisitError::Visitor(damaged()))?;
                each(person).map_err(VisitError::Visitor)
            },
        )
    }

    /// The mappings with which `scope` was fed since, by their paths.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn mappings_since(
        &self,
        scope: &Scope,
        since: Timestamp,
    ) -> Result<Vec<String>, JournalError> {
        let read = || {
            self.conn
                .prepare_cached(
                    "SELECT DISTINCT mapping_path FROM runs
                     WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) AND started >= ?2",
                )?
                .query_map((scope.bytes(), since.as_microsecond()), |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()
        };
        read().map_err(|error| self.sql(error))
    }

    /// How many people are known at the same address under other keys than that
    /// of `scope`, of which nobody is known yet; 0 where somebody is.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn people_under_other_keys(
        &self,
        scope: &Scope,
        system: &str,
        base_url: &str,
    ) -> Result<u64, JournalError> {
        if self.people_count(scope)? > 0 {
            return Ok(0);
        }
        self.conn
            .query_row(
                "SELECT count(*) FROM people JOIN scopes ON scopes.id = people.scope
                 WHERE system = ?1 AND rtrim(base_url, '/') = rtrim(?2, '/') AND digest <> ?3
                       AND state <> 3",
                (system, base_url, scope.bytes()),
                |row| row.get::<_, i64>(0),
            )
            .map(|count| u64::try_from(count).unwrap_or(0))
            .map_err(|error| self.sql(error))
    }

    /// How many people `scope` knows, those deleted not counted.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn people_count(&self, scope: &Scope) -> Result<u64, JournalError> {
        self.conn
            .query_row(
                "SELECT count(*) FROM people
                 WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) AND state <> 3",
                [scope.bytes()],
                |row| row.get::<_, i64>(0),
            )
            .map(|count| u64::try_from(count).unwrap_or(0))
            .map_err(|error| self.sql(error))
    }
}

fn known<'a>(row: &'a rusqlite::Row<'_>) -> Option<Known<'a>> {
    Some(Known {
        external_id: row.get_ref(0).ok()?.as_str().ok()?,
        remote_id: row.get_ref(1).ok()?.as_str_or_null().ok()?,
        fingerprint: match row.get_ref(2).ok()? {
            ValueRef::Null => None,
            value => Some(u128::from_le_bytes(value.as_blob().ok()?.try_into().ok()?)),
        },
        state: codes::to_person_state(row.get_ref(3).ok()?.as_i64().ok()?)?,
        feed: row.get_ref(4).ok()?.as_i64_or_null().ok()?.map(FeedKey),
        other_feed: row.get_ref(5).ok()?.as_i64_or_null().ok()?.map(FeedKey),
    })
}

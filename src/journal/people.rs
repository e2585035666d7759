//! The people of a scope.

use std::ops::ControlFlow;

use jiff::Timestamp;
use rusqlite::types::ValueRef;

use super::codes::{self, PersonState, natural};
use super::error::JournalError;
use super::ids::{FeedKey, Scope};
use super::open::Journal;
use super::parts::Acknowledged;
use super::read::VisitError;

/// A person that the journal knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known<'a> {
    /// The HR system's key.
    pub external_id: &'a str,
    /// The target's key, where it has one.
    pub remote_id: Option<&'a str>,
    /// The fingerprint of the content that the target last acknowledged; `None`
    /// for a person who was only seen there.
    pub fingerprint: Option<u128>,
    /// The person's state.
    pub state: PersonState,
    /// The feed that named the person last.
    pub feed: Option<FeedKey>,
    /// Another feed that named the person before.
    pub other_feed: Option<FeedKey>,
}

/// What an outcome says about the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonNow {
    /// The target's key; `None` keeps the one that is known.
    pub remote_id: Option<String>,
    /// The fingerprint of the content that the target acknowledged; `None` where
    /// the content is not known, so that a later run compares again.
    pub fingerprint: Option<u128>,
    /// The person's state now.
    pub state: PersonState,
    /// The parts that the target acknowledged.
    pub acknowledged: Vec<Acknowledged>,
}

/// A person that the target listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenPerson {
    /// The HR system's key.
    pub external_id: String,
    /// The target's key; `None` keeps the one that is known.
    pub remote_id: Option<String>,
    /// The fingerprint of the content, if the listing proves it; `None` keeps the
    /// one that is known.
    pub fingerprint: Option<u128>,
    /// Another person has the same external ID.
    pub is_ambiguous: bool,
}

impl Journal {
    /// Hands out the people of `scope`, in no particular order, until `each`
    /// breaks off.
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
                let person = known(row).ok_or_else(|| {
                    let what = "a person's entry cannot be read".to_owned();
                    let damaged = JournalError::Damaged(self.path().into(), what);
                    VisitError::Visitor(damaged.into())
                })?;
                each(person).map_err(VisitError::Visitor)
            },
        )
    }

    /// The paths of the mappings of the runs of `scope` since then.
    pub fn mappings_since(
        &self,
        scope: &Scope,
        since: Timestamp,
    ) -> Result<Vec<String>, JournalError> {
        self.all(
            "SELECT DISTINCT mapping_path FROM runs
             WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) AND started >= ?2",
            (scope.bytes(), since.as_microsecond()),
            |row| row.get(0),
        )
    }

    /// How many people are known at the same address under other API keys, while
    /// `scope` has nobody; 0 if it has somebody.
    pub fn people_under_other_keys(
        &self,
        scope: &Scope,
        system: &str,
        base_url: &str,
    ) -> Result<u64, JournalError> {
        if self.people_count(scope)? > 0 {
            return Ok(0);
        }
        self.count(
            "SELECT count(*) FROM people JOIN scopes ON scopes.id = people.scope
             WHERE system = ?1 AND rtrim(base_url, '/') = rtrim(?2, '/') AND digest <> ?3
                   AND state <> 3",
            (system, base_url, scope.bytes()),
        )
    }

    /// How many people `scope` has, without those deleted.
    pub(super) fn people_count(&self, scope: &Scope) -> Result<u64, JournalError> {
        self.count(
            "SELECT count(*) FROM people
             WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) AND state <> 3",
            [scope.bytes()],
        )
    }

    fn count(&self, sql: &str, params: impl rusqlite::Params) -> Result<u64, JournalError> {
        let count = self.conn.query_row(sql, params, |row| row.get(0));
        count.map(natural).map_err(|error| self.sql(error))
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

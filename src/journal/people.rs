//! The people of a scope.

use std::ops::ControlFlow;

use jiff::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _};

use crate::model::PersonFingerprints;

use super::codes::{self, PersonState, coded, natural};
use super::error::JournalError;
use super::ids::{FeedKey, Scope};
use super::open::Journal;
use super::parts::{self, Acknowledged};
use super::read::VisitError;
use super::set_fields;
use super::store::execute;

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
    /// The fingerprint is made with the journal's secret. One of an older hrfeed
    /// is not.
    pub is_keyed: bool,
    /// No run changes or removes the person.
    pub is_protected: bool,
    /// The fingerprints of the person's fields are known.
    pub has_fields: bool,
    /// The feed that named the person last, where it has come without the person
    /// since.
    pub absent_from: Option<FeedKey>,
    /// What was written for the person as a leaver, or may have been, and was not taken back:
    /// [`SetFields::fields`](crate::model::SetFields::fields).
    pub set_fields: u64,
}

/// Who a known person is, as far as fingerprints say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownIdentity<'a> {
    /// The HR system's key.
    pub external_id: &'a str,
    /// The target's key, where it has one.
    pub remote_id: Option<&'a str>,
    /// The person's state.
    pub state: PersonState,
    /// The feed that named the person last.
    pub feed: Option<FeedKey>,
    /// Another feed that named the person before.
    pub other_feed: Option<FeedKey>,
    /// The feed that named the person last, where it has come without the person
    /// since.
    pub absent_from: Option<FeedKey>,
    /// The fingerprints of the mapped fields, packed; empty where none are known.
    pub fields: &'a [u8],
    /// The fingerprints of the fields that identify the person, packed; empty
    /// where none are known.
    pub identity: &'a [u8],
}

/// A person whom another API key knows at the same address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfOtherKey<'a> {
    /// Which key: the same number for the same key, a higher one for a newer key.
    pub key: i64,
    /// The HR system's key, under that API key.
    pub external_id: &'a str,
    /// The target's key, where it has one.
    pub remote_id: Option<&'a str>,
    /// The scope that asks knows the same account by the same external ID.
    pub is_taken_over: bool,
    /// As [`Known::set_fields`] has them.
    pub set_fields: u64,
    /// The fingerprints of the mapped fields, packed; empty where none are known.
    pub fields: &'a [u8],
    /// The fingerprints of the fields that identify the person, packed; empty
    /// where none are known.
    pub identity: &'a [u8],
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
    /// The fingerprints of the fields, made with the journal's secret as
    /// `fingerprint` is; `None` keeps those that are known.
    pub fingerprints: Option<PersonFingerprints>,
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
    /// The fingerprints of the fields, made with the journal's secret as
    /// `fingerprint` is; `None` keeps those that are known.
    pub fingerprints: Option<PersonFingerprints>,
}

/// The fingerprints of a person as an older hrfeed did not make them. The
/// person is unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refreshed {
    /// The HR system's key.
    pub external_id: String,
    /// The fingerprint of the content, made with the journal's secret.
    pub fingerprint: u128,
    /// That of the details. It is recorded where one was acknowledged.
    pub details: Option<u128>,
    /// That of the picture. It is recorded where one was acknowledged.
    pub picture: Option<u128>,
    /// Those of the fields.
    pub fingerprints: PersonFingerprints,
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
            "SELECT external_id, remote_id, fingerprint, state, feed, other_feed, keyed, protected,
                    people.fields IS NOT NULL, absent, set_fields.fields
             FROM people LEFT JOIN set_fields USING (scope, external_id)
             WHERE scope = (SELECT id FROM scopes WHERE digest = ?1)",
            [scope.bytes()],
            |row| {
                let person =
                    known(row).ok_or_else(|| VisitError::Visitor(self.unreadable().into()))?;
                each(person).map_err(VisitError::Visitor)
            },
        )
    }

    /// Hands out who the people of `scope` are, in no particular order, until
    /// `each` breaks off; without those deleted.
    pub fn identities<E: From<JournalError>>(
        &self,
        scope: &Scope,
        mut each: impl FnMut(KnownIdentity<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        self.visit(
            "SELECT external_id, remote_id, state, feed, other_feed, fields, identity, absent
             FROM people
             WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) AND state <> 3",
            [scope.bytes()],
            |row| {
                let person =
                    identity(row).ok_or_else(|| VisitError::Visitor(self.unreadable().into()))?;
                each(person).map_err(VisitError::Visitor)
            },
        )
    }

    /// What is known of the fields of a person of `scope`; `None` for somebody who is
    /// unknown or deleted.
    pub fn fingerprints_of(
        &self,
        scope: &Scope,
        external_id: &str,
    ) -> Result<Option<PersonFingerprints>, JournalError> {
        let read = || {
            self.conn
                .prepare_cached(
                    "SELECT fields, identity FROM people
                     WHERE scope = (SELECT id FROM scopes WHERE digest = ?1)
                           AND external_id = ?2 AND state <> 3",
                )?
                .query_row((scope.bytes(), external_id), |row| {
                    let fields: Option<_> = row.get(0)?;
                    let identity: Option<_> = row.get(1)?;
                    Ok(PersonFingerprints {
                        fields: fields.unwrap_or_default(),
                        identity: identity.unwrap_or_default(),
                    })
                })
                .optional()
        };
        read().map_err(|error| self.sql(error))
    }

    /// The state of a person of `scope`; `None` for somebody who is unknown.
    pub fn state_of(
        &self,
        scope: &Scope,
        external_id: &str,
    ) -> Result<Option<PersonState>, JournalError> {
        let states = self.all(
            "SELECT state FROM people
             WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) AND external_id = ?2",
            (scope.bytes(), external_id),
            |row| coded(row, 0, codes::to_person_state),
        )?;
        Ok(states.into_iter().next())
    }

    /// Whether people of `scope` have fingerprints that a release without a secret
    /// made.
    pub fn has_unkeyed(&self, scope: &Scope) -> Result<bool, JournalError> {
        let people = self.count(
            "SELECT EXISTS (SELECT 1 FROM people INDEXED BY people_unkeyed
                            WHERE scope = (SELECT id FROM scopes WHERE digest = ?1)
                                  AND keyed = 0 AND fingerprint IS NOT NULL)",
            [scope.bytes()],
        )?;
        Ok(people > 0)
    }

    /// Whether `scope` has people whom `feed` named last.
    pub fn has_people_of(&self, scope: &Scope, feed: FeedKey) -> Result<bool, JournalError> {
        let people = self.count(
            "SELECT EXISTS (SELECT 1 FROM people
                            WHERE scope = (SELECT id FROM scopes WHERE digest = ?1) AND feed = ?2)",
            (scope.bytes(), feed.0),
        )?;
        Ok(people > 0)
    }

    fn unreadable(&self) -> JournalError {
        let what = "a person's entry cannot be read".to_owned();
        JournalError::Damaged(self.path().into(), what)
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

    /// Hands out the people whom other API keys know at the same address, until
    /// `each` breaks off; without those deleted. An external ID that several keys gave
    /// comes several times.
    pub fn under_other_keys<E: From<JournalError>>(
        &self,
        scope: &Scope,
        (system, base_url): (&str, &str),
        mut each: impl FnMut(OfOtherKey<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        self.visit(
            "SELECT people.external_id, remote_id, people.fields, identity, people.scope,
                    EXISTS (SELECT 1 FROM people AS own
                            WHERE own.scope = (SELECT id FROM scopes WHERE digest = ?3)
                                  AND own.external_id = people.external_id
                                  AND own.remote_id = people.remote_id),
                    set_fields.fields
             FROM people JOIN scopes ON scopes.id = people.scope
                  LEFT JOIN set_fields USING (scope, external_id)
             WHERE system = ?1 AND rtrim(base_url, '/') = rtrim(?2, '/') AND digest <> ?3
                   AND state <> 3",
            (system, base_url, scope.bytes()),
            |row| {
                let person = of_other_key(row);
                let person = person.ok_or_else(|| VisitError::Visitor(self.unreadable().into()))?;
                each(person).map_err(VisitError::Visitor)
            },
        )
    }

    fn count(&self, sql: &str, params: impl rusqlite::Params) -> Result<u64, JournalError> {
        let count = self.conn.query_row(sql, params, |row| row.get(0));
        count.map(natural).map_err(|error| self.sql(error))
    }
}

fn known<'a>(row: &'a rusqlite::Row<'_>) -> Option<Known<'a>> {
    let is_absent = row.get_ref(9).ok()?.as_i64().ok()? != 0;
    Some(Known {
        external_id: row.get_ref(0).ok()?.as_str().ok()?,
        remote_id: row.get_ref(1).ok()?.as_str_or_null().ok()?,
        fingerprint: match row.get_ref(2).ok()? {
            ValueRef::Null => None,
            value => Some(u128::from_le_bytes(value.as_blob().ok()?.try_into().ok()?)),
        },
        state: codes::to_person_state(row.get_ref(3).ok()?.as_i64().ok()?)?,
        feed: feed(row, 4).ok()?,
        other_feed: feed(row, 5).ok()?,
        is_keyed: row.get_ref(6).ok()?.as_i64().ok()? != 0,
        is_protected: row.get_ref(7).ok()?.as_i64().ok()? != 0,
        has_fields: row.get_ref(8).ok()?.as_i64().ok()? != 0,
        absent_from: feed(row, 4).ok()?.filter(|_| is_absent),
        set_fields: set_fields::bits(row, 10).ok()?,
    })
}

fn of_other_key<'a>(row: &'a rusqlite::Row<'_>) -> Option<OfOtherKey<'a>> {
    Some(OfOtherKey {
        external_id: row.get_ref(0).ok()?.as_str().ok()?,
        remote_id: row.get_ref(1).ok()?.as_str_or_null().ok()?,
        fields: bytes(row, 2)?,
        identity: bytes(row, 3)?,
        key: row.get_ref(4).ok()?.as_i64().ok()?,
        is_taken_over: row.get_ref(5).ok()?.as_i64().ok()? != 0,
        set_fields: set_fields::bits(row, 6).ok()?,
    })
}

/// The feed of a column, if it names one.
fn feed(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<FeedKey>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(FeedKey))
}

/// The bytes of a column; none where it is empty.
fn bytes<'a>(row: &'a rusqlite::Row<'_>, column: usize) -> Option<&'a [u8]> {
    let value = row.get_ref(column).ok()?;
    Some(value.as_blob_or_null().ok()?.unwrap_or(&[]))
}

fn identity<'a>(row: &'a rusqlite::Row<'_>) -> Option<KnownIdentity<'a>> {
    let is_absent = row.get_ref(7).ok()?.as_i64().ok()? != 0;
    Some(KnownIdentity {
        external_id: row.get_ref(0).ok()?.as_str().ok()?,
        remote_id: row.get_ref(1).ok()?.as_str_or_null().ok()?,
        state: codes::to_person_state(row.get_ref(2).ok()?.as_i64().ok()?)?,
        feed: feed(row, 3).ok()?,
        other_feed: feed(row, 4).ok()?,
        fields: bytes(row, 5)?,
        identity: bytes(row, 6)?,
        absent_from: feed(row, 3).ok()?.filter(|_| is_absent),
    })
}

/// The person's fingerprints as two columns.
fn packed(fingerprints: Option<&PersonFingerprints>) -> (Option<&[u8]>, Option<&[u8]>) {
    let columns = fingerprints.map(|it| (it.fields.as_slice(), it.identity.as_slice()));
    columns.unzip()
}

/// Records people that the target listed.
pub(super) fn seen(tx: &Connection, scope: i64, people: &[SeenPerson]) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO people (scope, external_id, remote_id, fingerprint, state, keyed, fields,
                             identity)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT DO UPDATE SET
             remote_id = coalesce(excluded.remote_id, remote_id),
             keyed = iif(excluded.fingerprint IS NULL, keyed, excluded.keyed),
             fingerprint = coalesce(excluded.fingerprint, fingerprint),
             fields = coalesce(excluded.fields, fields),
             identity = coalesce(excluded.identity, identity),
             state = CASE WHEN excluded.state = 4 THEN 4
                          WHEN state = 3 THEN 1 ELSE state END",
    )?;
    for person in people {
        let state = codes::person_state(if person.is_ambiguous {
            PersonState::Ambiguous
        } else {
            PersonState::Active
        });
        let (fields, identity) = packed(person.fingerprints.as_ref());
        statement.execute((
            scope,
            &person.external_id,
            &person.remote_id,
            person.fingerprint.map(u128::to_le_bytes),
            state,
            // No release without a secret writes this.
            person.fingerprint.is_some(),
            fields,
            identity,
        ))?;
    }
    Ok(())
}

/// Notes people who are on the target once, after it had shown them several
/// times.
pub(super) fn single(tx: &Connection, scope: i64, people: &[String]) -> rusqlite::Result<()> {
    let sql = "UPDATE people SET state = 1, fingerprint = NULL
               WHERE scope = ?1 AND external_id = ?2 AND state = 4";
    for external_id in people {
        execute(tx, sql, (scope, external_id))?;
    }
    Ok(())
}

/// Notes that a feed names these people.
pub(super) fn named(
    tx: &Connection,
    scope: i64,
    feed: FeedKey,
    people: &[String],
) -> rusqlite::Result<()> {
    let sql = "UPDATE people SET feed = ?3, absent = 0,
                   other_feed = CASE WHEN feed <> ?3 AND NOT absent THEN feed
                                ELSE other_feed END
               WHERE scope = ?1 AND external_id = ?2";
    for external_id in people {
        execute(tx, sql, (scope, external_id, feed.0))?;
    }
    Ok(())
}

/// Notes that a feed no longer names these people, whether it named them last or
/// before another one.
pub(super) fn dropped(
    tx: &Connection,
    scope: i64,
    feed: FeedKey,
    people: &[String],
) -> rusqlite::Result<()> {
    let sql = "UPDATE people SET feed = iif(feed = ?3, other_feed, feed), other_feed = NULL,
                   absent = iif(feed = ?3, 0, absent)
               WHERE scope = ?1 AND external_id = ?2 AND ?3 IN (feed, other_feed)";
    for external_id in people {
        execute(tx, sql, (scope, external_id, feed.0))?;
    }
    Ok(())
}

/// Notes that the feed which named these people last has come without them, and no
/// other feed names them.
pub(super) fn absent(
    tx: &Connection,
    scope: i64,
    feed: FeedKey,
    people: &[String],
) -> rusqlite::Result<()> {
    let sql = "UPDATE people SET absent = 1
               WHERE scope = ?1 AND external_id = ?2 AND feed = ?3";
    for external_id in people {
        execute(tx, sql, (scope, external_id, feed.0))?;
    }
    Ok(())
}

/// Notes people whom the target shows no longer.
pub(super) fn gone(tx: &Connection, scope: i64, people: &[String]) -> rusqlite::Result<()> {
    let sql = "UPDATE people SET state = 3, fingerprint = NULL
               WHERE scope = ?1 AND external_id = ?2";
    for external_id in people {
        execute(tx, sql, (scope, external_id))?;
        set_fields::forget(tx, scope, external_id)?;
    }
    Ok(())
}

/// Records fingerprints of people who are unchanged.
pub(super) fn refresh(tx: &Connection, scope: i64, people: &[Refreshed]) -> rusqlite::Result<()> {
    let sql = "UPDATE people SET fingerprint = ?3, keyed = 1, fields = ?6, identity = ?7,
                   details = iif(details IS NULL, NULL, coalesce(?4, details)),
                   picture = iif(picture IS NULL, NULL, coalesce(?5, picture))
               WHERE scope = ?1 AND external_id = ?2";
    for person in people {
        let (fields, identity) = packed(Some(&person.fingerprints));
        let row = (
            scope,
            &person.external_id,
            person.fingerprint.to_le_bytes(),
            person.details.map(u128::to_le_bytes),
            person.picture.map(u128::to_le_bytes),
            fields,
            identity,
        );
        execute(tx, sql, row)?;
    }
    Ok(())
}

/// Notes who is protected and who is not.
pub(super) fn protect(
    tx: &Connection,
    scope: i64,
    people: &[(String, bool)],
) -> rusqlite::Result<()> {
    let sql = "UPDATE people SET protected = ?3 WHERE scope = ?1 AND external_id = ?2";
    for (external_id, is_protected) in people {
        execute(tx, sql, (scope, external_id, is_protected))?;
    }
    Ok(())
}

/// The person of one external ID becomes the person of another, with all that
/// was given. A person who had the other one is forgotten.
pub(super) fn rekey(tx: &Connection, scope: i64, from: &str, to: &str) -> rusqlite::Result<()> {
    let is_known = tx
        .prepare_cached("SELECT 1 FROM people WHERE scope = ?1 AND external_id = ?2")?
        .exists((scope, from))?;
    // Recorded twice, it happens once.
    if from == to || !is_known {
        return Ok(());
    }
    for sql in [
        "DELETE FROM given WHERE scope = ?1 AND external_id = ?2",
        "DELETE FROM people WHERE scope = ?1 AND external_id = ?2",
    ] {
        execute(tx, sql, (scope, to))?;
    }
    for sql in [
        "UPDATE given SET external_id = ?3 WHERE scope = ?1 AND external_id = ?2",
        "UPDATE people SET external_id = ?3 WHERE scope = ?1 AND external_id = ?2",
    ] {
        execute(tx, sql, (scope, from, to))?;
    }
    set_fields::rekey(tx, scope, from, to)
}

/// Makes sure that a person about whom a run acknowledged something is in
/// `people`.
pub(super) fn ensure(
    tx: &Connection,
    scope: i64,
    feed: FeedKey,
    external_id: &str,
) -> rusqlite::Result<()> {
    execute(
        tx,
        "INSERT INTO people (scope, external_id, state, feed) VALUES (?1, ?2, 1, ?3)
         ON CONFLICT DO UPDATE SET fingerprint = NULL, feed = excluded.feed, absent = 0,
             other_feed = CASE WHEN feed <> excluded.feed AND NOT absent THEN feed
                          ELSE other_feed END,
             state = CASE state WHEN 3 THEN 1 ELSE state END",
        (scope, external_id, feed.0),
    )
}

/// Records what an outcome says about a person.
pub(super) fn write(
    tx: &Connection,
    scope: i64,
    feed: FeedKey,
    external_id: &str,
    person: &PersonNow,
) -> rusqlite::Result<()> {
    // Nothing is kept of a deleted person: the next one with that external ID
    // starts without it.
    let gone = person.state == PersonState::Deleted;
    let (fields, identity) = packed(person.fingerprints.as_ref().filter(|_| !gone));
    let fingerprint = person.fingerprint.filter(|_| !gone).map(u128::to_le_bytes);
    execute(
        tx,
        "INSERT INTO people (scope, external_id, remote_id, fingerprint, state, feed, keyed,
                             fields, identity)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT DO UPDATE SET
             remote_id = CASE excluded.state WHEN 3 THEN NULL
                         ELSE coalesce(excluded.remote_id, remote_id) END,
             keyed = max(excluded.keyed, keyed),
             fingerprint = excluded.fingerprint, state = excluded.state, feed = excluded.feed,
             other_feed = CASE WHEN feed <> excluded.feed AND NOT absent THEN feed
                          ELSE other_feed END,
             absent = iif(excluded.state IN (2, 5), absent, 0),
             fields = iif(excluded.state = 3, NULL, coalesce(excluded.fields, fields)),
             identity = iif(excluded.state = 3, NULL, coalesce(excluded.identity, identity))",
        (
            scope,
            external_id,
            person.remote_id.as_deref().filter(|_| !gone),
            fingerprint,
            codes::person_state(person.state),
            feed.0,
            // No release without a secret writes this.
            fingerprint.is_some(),
            fields,
            identity,
        ),
    )?;
    if gone {
        parts::forget(tx, scope, external_id)?;
    }
    parts::acknowledge(tx, scope, external_id, &person.acknowledged)
}

//! One person leaves the journal, as after a request for erasure.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::model::HoldState;

use super::codes::natural;
use super::error::JournalError;
use super::holds;
use super::ids::{HoldId, Scope};
use super::lock::ScopeLock;
use super::open::Journal;
use super::prune::AllLocks;

/// A scope that has runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownScope {
    /// The scope.
    pub scope: Scope,
    /// The target's system.
    pub system: String,
    /// The target's base URL.
    pub base_url: String,
}

/// What the journal has of a person in one scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfPerson {
    /// The external IDs of the person: that one, and earlier or later ones.
    pub external_ids: Vec<String>,
    /// External IDs that were the person's, and that somebody known has now.
    pub of_others: Vec<String>,
    /// Entries of the person: what the LMS has acknowledged, groups and roles, and so on.
    pub entries: u64,
    /// Rows of runs.
    pub rows: u64,
    /// Places in holds.
    pub held: u64,
    /// Texts that name the person: messages, and what was read back after runs.
    pub texts: u64,
    /// What became of a write for the person is not known yet.
    pub is_unknown: bool,
}

impl OfPerson {
    /// Whether there is nothing.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.entries + self.rows + self.held + self.texts == 0
    }
}

/// The tables with an entry for each person of a scope.
const ENTRIES: [&str; 7] = [
    "people",
    "given",
    "doubts",
    "sent_twice",
    "refused",
    "absences",
    "set_fields",
];

/// The tables with an entry for each person of a run, beside its rows.
const OF_RUNS: [&str; 2] = ["set_intents", "earlier"];
const OF_RUN: &str = "WHERE run IN (SELECT id FROM runs WHERE scope = ?1) AND external_id = ?2";

/// What is written in a text where an external ID was.
const GONE: &str = "…";

impl Journal {
    /// The scopes that have people or runs.
    pub fn scopes(&self) -> Result<Vec<KnownScope>, JournalError> {
        self.all(
            "SELECT digest, coalesce(system, ''), coalesce(base_url, '') FROM scopes
             WHERE id IN (SELECT scope FROM runs UNION SELECT scope FROM people) ORDER BY id",
            (),
            |row| {
                Ok(KnownScope {
                    scope: Scope::from_bytes(row.get(0)?),
                    system: row.get(1)?,
                    base_url: row.get(2)?,
                })
            },
        )
    }

    /// What the journal has of the person with that external ID.
    pub fn of_person(&self, scope: &Scope, external_id: &str) -> Result<OfPerson, JournalError> {
        let read = || {
            // One snapshot for all that is read.
            let tx = self.conn.unchecked_transaction()?;
            of_person(&tx, scope, external_id)
        };
        read().map_err(|error| self.sql(error))
    }

    /// Removes what the journal has of a person, with that external ID and with the other
    /// ones. Rows stay, without saying whose they were, so that the counts of runs add up.
    /// What is removed may be in the file still until it is packed.
    pub fn forget(
        &self,
        scope: &Scope,
        of: &OfPerson,
        at: Timestamp,
        locks: &AllLocks,
    ) -> Result<(), JournalError> {
        self.overwrite_deleted()?;
        let locks: &[ScopeLock] = locks.each();
        self.in_one(locks, |tx| {
            let Some(id) = scope_id(tx, scope)? else {
                return Ok(());
            };
            of.external_ids
                .iter()
                .try_for_each(|external_id| forget(tx, id, external_id, at))
        })
    }
}

fn scope_id(conn: &Connection, scope: &Scope) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT max(id) FROM scopes WHERE digest = ?1";
    conn.query_row(sql, [scope.bytes()], |row| row.get(0))
}

fn of_person(conn: &Connection, scope: &Scope, external_id: &str) -> rusqlite::Result<OfPerson> {
    let Some(scope) = scope_id(conn, scope)? else {
        return Ok(OfPerson::default());
    };
    let (external_ids, of_others) = all_ids(conn, scope, external_id)?;
    let mut of = OfPerson {
        of_others: of_others.into_iter().collect(),
        ..OfPerson::default()
    };
    for id in &external_ids {
        let count = |sql: &str| {
            let count = conn.query_row(sql, (scope, id), |row| row.get(0));
            count.map(natural)
        };
        for table in ENTRIES {
            let sql = format!("SELECT count(*) FROM {table} WHERE scope = ?1 AND external_id = ?2");
            of.entries += count(&sql)?;
        }
        of.entries += count(&format!("SELECT count(*) FROM earlier {OF_RUN}"))?;
        of.rows += count(&format!("SELECT count(*) FROM rows {ROWS_OF}"))?;
        of.held += count(&format!("SELECT count(*) FROM held {HELD_OF}"))?;
        of.texts += count(&format!(
            "SELECT (SELECT count(*) FROM reasons {REASONS_OF})
                    + (SELECT count(*) FROM runs {RUNS_OF})"
        ))?;
        let unknown = "SELECT EXISTS (SELECT 1 FROM doubts WHERE scope = ?1 AND external_id = ?2)
                    OR EXISTS (SELECT 1 FROM sent_twice WHERE scope = ?1 AND external_id = ?2)
                    OR EXISTS (SELECT 1 FROM rows JOIN runs ON runs.id = rows.run
                               WHERE runs.scope = ?1 AND state IN (1, 3, 4)
                                     AND coalesce(outcome, 6) = 6 AND action IS NOT NULL
                                     AND ?2 IN (external_id, leaver, former))";
        of.is_unknown |= count(unknown)? > 0;
    }
    of.external_ids = external_ids.into_iter().collect();
    Ok(of)
}

/// Rows of a person. An account that is adopted has an ID of the LMS as the former one.
const ROWS_OF: &str = "WHERE run IN (SELECT id FROM runs WHERE scope = ?1)
     AND (external_id = ?2 OR leaver = ?2 OR (former = ?2 AND action IS NOT 5))";
const HELD_OF: &str = "WHERE hold IN (SELECT id FROM holds WHERE scope = ?1)
     AND (external_id = ?2 OR known_as = ?2)";
/// Messages quote an external ID. Rows of several scopes may share one, so the scope plays
/// no part.
const REASONS_OF: &str = "WHERE ?1 IS NOT NULL AND instr(message, '`' || ?2 || '`') > 0";
/// What was read back is JSON.
const RUNS_OF: &str = "WHERE scope = ?1 AND proof IS NOT NULL
     AND instr(proof, json_quote(?2)) > 0";

/// The external IDs that the person had, as rows and holds say, and those of them that are
/// somebody else's now.
fn all_ids(
    conn: &Connection,
    scope: i64,
    external_id: &str,
) -> rusqlite::Result<(BTreeSet<String>, BTreeSet<String>)> {
    let mut next = conn.prepare(
        "SELECT former FROM rows WHERE run IN (SELECT id FROM runs WHERE scope = ?1)
                AND external_id = ?2 AND former IS NOT NULL AND action IS NOT 5
                AND outcome IN (1, 2)
         UNION SELECT external_id FROM rows WHERE run IN (SELECT id FROM runs WHERE scope = ?1)
                AND former = ?2 AND external_id IS NOT NULL AND action IS NOT 5
                AND outcome IN (1, 2)
         UNION SELECT known_as FROM held JOIN holds ON holds.id = hold
                WHERE scope = ?1 AND external_id = ?2 AND known_as IS NOT NULL AND NOT as_joiners
                      AND state = 4
         UNION SELECT external_id FROM held JOIN holds ON holds.id = hold
                WHERE scope = ?1 AND known_as = ?2 AND NOT as_joiners AND state = 4",
    )?;
    let mut is_known =
        conn.prepare("SELECT 1 FROM people WHERE scope = ?1 AND external_id = ?2")?;
    let mut own = BTreeSet::from([external_id.to_owned()]);
    let (mut others, mut left) = (BTreeSet::new(), vec![external_id.to_owned()]);
    while let Some(id) = left.pop() {
        let found = next.query_map((scope, &id), |row| row.get::<_, String>(0))?;
        for found in found.collect::<rusqlite::Result<Vec<_>>>()? {
            if own.contains(&found) || others.contains(&found) {
                continue;
            }
            // It was given to somebody else since, or this one was.
            let both =
                is_known.exists((scope, &found))? && is_known.exists((scope, external_id))?;
            if both {
                others.insert(found);
            } else {
                own.insert(found.clone());
                left.push(found);
            }
        }
    }
    Ok((own, others))
}

fn forget(tx: &Connection, scope: i64, id: &str, at: Timestamp) -> rusqlite::Result<()> {
    for table in ENTRIES {
        let sql = format!("DELETE FROM {table} WHERE scope = ?1 AND external_id = ?2");
        tx.execute(&sql, (scope, id))?;
    }
    for table in OF_RUNS {
        let sql = format!("DELETE FROM {table} {OF_RUN}");
        tx.execute(&sql, (scope, id))?;
    }
    // A leaver's name is a part of the key of the row.
    let nobody = format!("{GONE} {:08x}", fastrand::u32(..));
    tx.execute(
        &format!(
            "UPDATE rows SET external_id = iif(external_id = ?2, NULL, external_id),
                             leaver = iif(leaver = ?2, ?3, leaver),
                             former = iif(former = ?2, NULL, former) {ROWS_OF}"
        ),
        (scope, id, nobody),
    )?;
    let mut holds = tx.prepare(&format!("SELECT DISTINCT hold FROM held {HELD_OF}"))?;
    let holds = holds.query_map((scope, id), |row| row.get(0).map(HoldId))?;
    let holds = holds.collect::<rusqlite::Result<Vec<_>>>()?;
    tx.execute(&format!("DELETE FROM held {HELD_OF}"), (scope, id))?;
    for hold in holds {
        holds::count_people(tx, hold)?;
        let people: i64 =
            tx.query_row("SELECT people FROM holds WHERE id = ?1", [hold.0], |row| {
                row.get(0)
            })?;
        if people == 0 {
            holds::change_state(tx, hold, HoldState::Lapsed, at)?;
        }
    }
    tx.execute(
        &format!(
            "UPDATE reasons SET message = replace(message, '`' || ?2 || '`', '`' || ?3 || '`')
             {REASONS_OF}"
        ),
        (scope, id, GONE),
    )?;
    let mut runs = tx.prepare(&format!("SELECT id, message FROM runs {RUNS_OF}"))?;
    let runs = runs.query_map((scope, id), |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?))
    })?;
    for (run, message) in runs.collect::<rusqlite::Result<Vec<_>>>()? {
        let message = message.map(|message| without(&message, id));
        let values = [
            Value::from(run),
            id.to_owned().into(),
            GONE.to_owned().into(),
            message.into(),
        ];
        tx.execute(
            "UPDATE runs SET proof = replace(proof, json_quote(?2), json_quote(?3)), message = ?4
             WHERE id = ?1",
            params_from_iter(values),
        )?;
    }
    Ok(())
}

/// The text without that word.
fn without(text: &str, word: &str) -> String {
    let is_of_word = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(word) {
        done.push_str(before);
        let is_longer = is_of_word(done.chars().next_back()) || is_of_word(after.chars().next());
        done.push_str(if is_longer { word } else { GONE });
        rest = after;
    }
    done + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_loses_a_word_and_no_part_of_a_longer_one() {
        assert_eq!(without("E7, E77 and E7", "E7"), "…, E77 and …");
        assert_eq!(without("xE7 is not E8", "E7"), "xE7 is not E8");
        assert_eq!(without("E7", "E7"), "…");
    }
}

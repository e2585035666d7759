//! Why rows were rejected, failed or are unknown, grouped for people.

use std::collections::HashMap;

use crate::model::{Outcome, RowNumber};

use super::codes::{self, coded, natural, row_number};
use super::error::JournalError;
use super::ids::RunId;
use super::open::Journal;

/// The most causes that are handed out.
const MAX_CAUSES: usize = 100;

/// The most kinds of message that are kept apart; further ones of an outcome,
/// code and status count as one. Keeps memory flat when every message differs.
const MAX_SHAPES: usize = 10_000;

/// Rows that were rejected, failed or are unknown for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// How they ended.
    pub outcome: Outcome,
    /// The rule's code.
    pub code: Option<String>,
    /// The HTTP status of the last answer.
    pub status: Option<u16>,
    /// The sentence, with `…` in place of words with a digit (row numbers, IDs)
    /// in which the rows' sentences differ.
    pub message: Option<String>,
    /// How many rows and leavers.
    pub rows: u64,
    /// The first of the rows; `None` if all are leavers.
    pub first: Option<RowNumber>,
}

type Key = (i64, Option<u16>, Option<String>, Option<String>);

impl Journal {
    /// The remarks on rows of `run` that succeeded: the sentence, how many rows,
    /// and the first of them.
    pub fn remarks(&self, run: RunId) -> Result<Vec<(String, u64, RowNumber)>, JournalError> {
        self.all(
            "SELECT message, count(*), min(row)
             FROM rows JOIN reasons ON reasons.id = reason
             WHERE run = ?1 AND outcome IN (1, 2, 3) AND row < 4294967296
                   AND message IS NOT NULL
             GROUP BY message ORDER BY count(*) DESC, min(row) LIMIT 20",
            [run.0],
            |row| {
                let first = row_number(row, 2)?.unwrap_or(RowNumber::default());
                Ok((row.get(0)?, natural(row.get(1)?), first))
            },
        )
    }

    /// Why rows of `run` were rejected, failed or are unknown; the most
    /// frequent first, at most a hundred.
    pub fn causes(&self, run: RunId) -> Result<Vec<Cause>, JournalError> {
        let mut causes: HashMap<Key, Cause> = HashMap::new();
        let mut read = || {
            // First by reason, which is an integer: a few groups remain.
            let mut statement = self.conn.prepare_cached(
                "SELECT rows, first, outcome, status, code, message
                 FROM (SELECT count(*) AS rows, min(row) AS first, coalesce(outcome, 6) AS outcome,
                              status, reason
                       FROM rows WHERE run = ?1 AND coalesce(outcome, 6) IN (4, 5, 6)
                       GROUP BY coalesce(outcome, 6), status, reason)
                 LEFT JOIN reasons ON reasons.id = reason
                 ORDER BY first",
            )?;
            let mut groups = statement.query([run.0])?;
            while let Some(group) = groups.next()? {
                let rows = natural(group.get(0)?);
                let message: Option<String> = group.get(5)?;
                let code: Option<String> = group.get(4)?;
                let status = group.get(3)?;
                let outcome = coded(group, 2, codes::to_outcome)?;
                let shape = message.as_deref().map(shape);
                let mut key = (codes::outcome(outcome), status, code, shape);
                if causes.len() >= MAX_SHAPES && !causes.contains_key(&key) {
                    key.3 = None;
                }
                let shape = key.3.clone();
                let cause = causes.entry(key).or_insert_with_key(|key| Cause {
                    outcome,
                    code: key.2.clone(),
                    status,
                    message: key.3.as_ref().and(message.clone()),
                    rows: 0,
                    first: None,
                });
                if cause.message != message {
                    cause.message = shape;
                }
                if cause.first.is_none() {
                    cause.first = row_number(group, 1)?;
                }
                cause.rows += rows;
            }
            Ok(())
        };
        read().map_err(|error| self.sql(error))?;
        let mut causes: Vec<Cause> = causes.into_values().collect();
        causes.sort_by(|a, b| {
            let order = |it: &Cause| (it.first.is_none(), it.first, codes::outcome(it.outcome));
            (b.rows.cmp(&a.rows))
                .then_with(|| order(a).cmp(&order(b)))
                .then_with(|| (a.status, &a.code, &a.message).cmp(&(b.status, &b.code, &b.message)))
        });
        causes.truncate(MAX_CAUSES);
        Ok(causes)
    }
}

/// `message` with `…` for each word that holds a digit, so that messages which
/// differ only in a row number or an ID are one.
fn shape(message: &str) -> String {
    let mut shape = String::with_capacity(message.len());
    let mut word = String::new();
    let end_word = |word: &mut String, shape: &mut String| {
        if word.chars().any(char::is_numeric) {
            shape.push('…');
        } else {
            shape.push_str(word);
        }
        word.clear();
    };
    for c in message.chars() {
        if c.is_alphanumeric() || matches!(c, '-' | '_') {
            word.push(c);
        } else {
            end_word(&mut word, &mut shape);
            shape.push(c);
        }
    }
    end_word(&mut word, &mut shape);
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_a_digit_do_not_make_another_cause() {
        assert_eq!(
            shape("the same as in row 12, which wins: `ID10-05113` is not sent"),
            "the same as in row …, which wins: `…` is not sent"
        );
        assert_eq!(shape("column `City`: empty"), "column `City`: empty");
        assert_eq!(shape(""), "");
    }
}

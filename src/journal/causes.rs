//! Why rows were rejected, failed or are unknown, grouped for people.

use std::collections::HashMap;

use rusqlite::Row;

use crate::model::{MAX_NAMED_ROWS, Outcome, RowNumber};

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
    /// The first of the rows; none if all are leavers.
    pub first: Vec<RowNumber>,
}

/// Causes while the rows are read, in the order in which they come.
#[derive(Default)]
struct Causes {
    all: Vec<Cause>,
    by_key: HashMap<Key, usize>,
    /// The causes of rows that ended so, with that status and for that reason.
    known: HashMap<(i64, Option<u16>, Option<i64>), usize>,
}

impl Causes {
    /// The place of the cause with that code and message.
    fn place(
        &mut self,
        (number, outcome, status): (i64, Outcome, Option<u16>),
        code: Option<String>,
        message: Option<String>,
    ) -> usize {
        let shape = message.as_deref().map(shape);
        let mut key = (number, status, code, shape);
        if self.by_key.len() >= MAX_SHAPES && !self.by_key.contains_key(&key) {
            key.3 = None;
        }
        if let Some(&place) = self.by_key.get(&key) {
            if let Some(cause) = self.all.get_mut(place).filter(|it| it.message != message) {
                cause.message = key.3;
            }
            return place;
        }
        let place = self.all.len();
        self.all.push(Cause {
            outcome,
            code: key.2.clone(),
            status,
            message: key.3.as_ref().and(message),
            rows: 0,
            first: Vec::new(),
        });
        self.by_key.insert(key, place);
        place
    }
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
        let mut causes = Causes::default();
        let mut read = || {
            let mut reasons = self
                .conn
                .prepare_cached("SELECT code, message FROM reasons WHERE id = ?1")?;
            let mut statement = self.conn.prepare_cached(
                "SELECT row, coalesce(outcome, 6), status, reason FROM rows
                 WHERE run = ?1 AND coalesce(outcome, 6) IN (4, 5, 6) ORDER BY row",
            )?;
            let mut rows = statement.query([run.0])?;
            while let Some(row) = rows.next()? {
                let (number, status, reason) = (row.get(1)?, row.get(2)?, row.get(3)?);
                let known = causes.known.get(&(number, status, reason)).copied();
                let place = if let Some(place) = known {
                    place
                } else {
                    let outcome = coded(row, 1, codes::to_outcome)?;
                    let texts = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
                    let texts = reason.map(|reason: i64| reasons.query_row([reason], texts));
                    let (code, message) = texts.unwrap_or(Ok((None, None)))?;
                    let place = causes.place((number, outcome, status), code, message);
                    // Where every reason differs, most are met once.
                    if causes.known.len() < MAX_SHAPES {
                        causes.known.insert((number, status, reason), place);
                    }
                    place
                };
                if let Some(cause) = causes.all.get_mut(place) {
                    cause.rows += 1;
                    if cause.first.len() < MAX_NAMED_ROWS {
                        cause.first.extend(row_number(row, 0)?);
                    }
                }
            }
            Ok(())
        };
        read().map_err(|error| self.sql(error))?;
        let mut causes = causes.all;
        causes.sort_by(|a, b| {
            let order = |it: &Cause| {
                let first = it.first.first().copied();
                (first.is_none(), first, codes::outcome(it.outcome))
            };
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

//! A line of the log as JSON.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

/// How important a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For who looks for a mistake.
    Trace,
    /// Every request.
    Debug,
    /// What happens.
    Info,
    /// What a person should know.
    Warn,
    /// Why it ended.
    Error,
}

/// What a line has besides its message.
pub type LogFields = Map<String, Value>;

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine<'a> {
    /// How important it is.
    pub level: Level,
    /// What happened, in a word that stays the same.
    pub event: &'a str,
    /// The same for people; the words may change.
    pub message: &'a str,
    /// More about it.
    pub fields: LogFields,
}

#[derive(Serialize)]
struct Whole<'a> {
    time: String,
    level: Level,
    event: &'a str,
    message: &'a str,
    #[serde(flatten)]
    fields: &'a LogFields,
}

impl LogLine<'_> {
    /// The line as one JSON object, with its line break.
    #[must_use]
    pub fn to_json(&self, time: Timestamp) -> String {
        let whole = Whole {
            time: format!("{time:.3}"),
            level: self.level,
            event: self.event,
            message: self.message.trim_end(),
            fields: &self.fields,
        };
        // Every key is text and every value serializes, so there is nothing to fail.
        super::to_json(&whole).unwrap_or_default() + "\n"
    }
}

/// Fields of a line: `fields([("rows", 7.into())])`.
#[must_use]
pub fn log_fields<const N: usize>(fields: [(&str, Value); N]) -> LogFields {
    let fields = fields.into_iter();
    fields
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_object_on_one_line_whatever_is_in_it() {
        let line = LogLine {
            level: Level::Warn,
            event: "note",
            message: "two\nlines and \u{202e}\n",
            fields: log_fields([("rows", 7.into()), ("run", "12".into())]),
        };
        let time = "2026-11-21T01:00:55.5Z".parse().unwrap();
        insta::assert_snapshot!(line.to_json(time), @r#"{"time":"2026-11-21T01:00:55.500Z","level":"warn","event":"note","message":"two\nlines and \u202e","rows":7,"run":"12"}"#);
    }
}

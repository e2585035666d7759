//! How an error is shown: once, at the edge.

use std::error::Error;

use super::{Ink, Style, sanitize};

/// What failed, where, and what to do.
///
/// `place` holds the sentences below the first one, outermost first: a file
/// and a line, a cause. Text of several lines (a mapping's line with its caret)
/// keeps its lines.
///
/// ```text
/// error: the mapping cannot be read
///   mappings/kmi.toml:12:5: unknown key `colum`
/// help: did you mean `column`?
/// ```
#[must_use]
pub fn error(what: &str, place: &[String], help: Option<&str>, style: &Style) -> String {
    let mut out = style.paint(Ink::Bad, "error:");
    out.push(' ');
    push_lines(&mut out, what, "       ");
    for sentence in place {
        out.push_str("  ");
        push_lines(&mut out, sentence, "  ");
    }
    if let Some(help) = help {
        out.push_str(&style.paint(Ink::Help, "help:"));
        out.push(' ');
        push_lines(&mut out, help, "      ");
    }
    out
}

/// Tells an error with its causes. A cause that the error above it already
/// quotes is not shown again.
#[must_use]
pub fn error_chain(failure: &dyn Error, help: Option<&str>, style: &Style) -> String {
    let what = failure.to_string();
    let mut place: Vec<String> = Vec::new();
    let mut cause = failure.source();
    while let Some(under) = cause {
        let sentence = under.to_string();
        let above = place.last().unwrap_or(&what);
        if !sentence.is_empty() && !above.contains(&sentence) {
            place.push(sentence);
        }
        cause = under.source();
    }
    error(&what, &place, help, style)
}

/// Adds `text`, its lines below the first indented, each of them sanitized.
fn push_lines(out: &mut String, text: &str, indent: &str) {
    for (at, line) in text.trim_end().lines().enumerate() {
        if at > 0 {
            out.push_str(indent);
        }
        out.push_str(&sanitize(line));
        out.push('\n');
    }
    if text.trim_end().is_empty() {
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    enum Sample {
        #[error("failed to open feed `people.csv`")]
        Open(#[source] std::io::Error),
        #[error("failed to read the mapping: {0}")]
        Quoting(#[source] std::io::Error),
        #[error("failed to start")]
        Start(#[source] Box<Sample>),
    }

    fn missing() -> std::io::Error {
        std::io::Error::new(std::io::ErrorKind::NotFound, "no such file")
    }

    #[test]
    fn an_error_has_its_causes_below_it_and_help_last() {
        let failure = Sample::Start(Box::new(Sample::Open(missing())));
        let out = error_chain(&failure, Some("check the path"), &Style::piped());
        insta::assert_snapshot!(out, @"
        error: failed to start
          failed to open feed `people.csv`
          no such file
        help: check the path
        ");
    }

    #[test]
    fn a_cause_that_is_quoted_already_is_told_once() {
        let out = error_chain(&Sample::Quoting(missing()), None, &Style::piped());
        insta::assert_snapshot!(out, @"error: failed to read the mapping: no such file");
    }

    #[test]
    fn text_of_several_lines_keeps_them_and_loses_its_escapes() {
        let place =
            ["mappings/kmi.toml:12:5\n  |\n12| colum = \"\x1b[2JID\"\n  | ^^^^^".to_owned()];
        let out = error(
            "the mapping is wrong",
            &place,
            Some("did you mean `column`?"),
            &Style::piped(),
        );
        insta::assert_snapshot!(out, @r#"
        error: the mapping is wrong
          mappings/kmi.toml:12:5
            |
          12| colum = "\u{1b}[2JID"
            | ^^^^^
        help: did you mean `column`?
        "#);
    }

    #[test]
    fn colour_marks_the_word_and_not_the_sentence() {
        let style = Style {
            color: true,
            ..Style::piped()
        };
        let out = error("no feed", &[], None, &style);
        assert_eq!(out, "\x1b[1;31merror:\x1b[0m no feed\n");
    }
}

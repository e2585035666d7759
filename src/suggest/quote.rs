//! Names from a feed as TOML keys, values and remarks.

use std::fmt::Write as _;

/// A TOML key: in quotes only where it needs them.
pub(super) fn key(word: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !word.is_empty() && word.bytes().all(is_bare) {
        word.to_owned()
    } else {
        quoted(word)
    }
}

/// A cell of the row, as templates and conditions name it: `row['Name']`.
pub(super) fn cell(column: &str) -> String {
    format!("row[{}]", literal(column))
}

/// A text in a template or a condition.
pub(super) fn literal(text: &str) -> String {
    let mut literal = String::from('\'');
    for char in text.chars() {
        match char {
            '\'' => literal.push_str("\\'"),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            _ => literal.push(char),
        }
    }
    literal.push('\'');
    literal
}

/// A remark of any length: lines behind a `#`, as long as a terminal is wide.
pub(super) fn remark(text: &str) -> String {
    wrapped(text, "#", "#")
}

/// The same for what is listed below a remark.
pub(super) fn item(text: &str) -> String {
    wrapped(text, "#  ", "#    ")
}

/// Lines behind a start, which the first has of its own.
fn wrapped(text: &str, first: &str, next: &str) -> String {
    const WIDTH: usize = 79;
    let mut lines = String::new();
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in text.split_whitespace() {
        let word: String = word.chars().filter(|char| !char.is_control()).collect();
        let is_full = line.chars().count() + 1 + word.chars().count() > WIDTH;
        if is_full && !is_empty {
            lines.push_str(&line);
            lines.push('\n');
            next.clone_into(&mut line);
        }
        line.push(' ');
        line.push_str(&word);
        is_empty = false;
    }
    lines.push_str(&line);
    lines.push('\n');
    lines
}

/// Names in a row, each in quotes.
pub(super) fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(quoted).collect::<Vec<_>>().join(", ")
}

/// A TOML string on one line, which is a key and a remark as well: headers of
/// spreadsheets hold line breaks.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for char in text.chars() {
        match char {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ if char.is_control() => {
                // Writing into a String cannot fail.
                let _infallible = write!(quoted, "\\u{:04X}", u32::from(char));
            }
            _ => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_name_is_a_key_a_value_and_a_remark_on_one_line(name in "\\PC*|[\\x00-\\x7f]*") {
            let quoted = quoted(&name);
            prop_assert!(!quoted.contains(['\n', '\r']));
            let table: toml::Table = format!("# {quoted}\n{quoted} = {quoted}").parse().unwrap();
            prop_assert_eq!(table.get(&name).and_then(toml::Value::as_str), Some(name.as_str()));
        }
    }
}

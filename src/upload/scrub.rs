//! What a target says, without the person it says it of.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::Content;

/// Replaces the person's own values in a server's message by the names of
/// their fields, whatever their case, longest first, and e-mail addresses, which may be
/// anybody's.
///
/// The external ID stays: it is what the journal knows a row by. Values of one
/// or two letters stay too, since they name a country or a state, and would
/// tear words apart.
pub(super) fn scrub(message: &str, content: &Content) -> String {
    // The message is one line, whatever the values are.
    let one_line = |value: &str| value.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut values: Vec<_> = content
        .fields
        .iter()
        .chain(&content.instructions)
        .map(|(name, value)| (name, one_line(value)))
        .filter(|(_, value)| value.chars().count() > 2 && value != content.external_id.as_str())
        .collect();
    values.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
    let mut scrubbed = message.to_owned();
    for (name, value) in &values {
        // As a web address has it, too.
        let encoded = utf8_percent_encode(value, RESERVED).to_string();
        for value in [value, &encoded] {
            let by = format!("<{name}>");
            scrubbed = replace_ignoring_case(&scrubbed, (value, Within::Anything), &by);
        }
    }
    // Once whole values are out of it.
    for (name, value) in &values {
        let mailbox = value.split_once('@').map_or("", |(mailbox, _)| mailbox);
        if mailbox.chars().count() > 2 {
            let by = format!("<{name}>");
            scrubbed = replace_ignoring_case(&scrubbed, (mailbox, Within::Words), &by);
        }
    }
    without_addresses(&scrubbed)
}

/// What a web address never has as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What a value that is replaced may be within.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Whatever is around it.
    Anything,
    /// It is a word of its own.
    Words,
}

/// A text in which e-mail addresses, as they are or as a web address has them, are replaced.
fn without_addresses(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((at, length)) = next_at(rest) {
        let is_in_name = |char: char| char.is_alphanumeric() || "._%+-'".contains(char);
        let is_in_domain = |char: char| char.is_alphanumeric() || ".-".contains(char);
        let (before, behind) = (
            rest.get(..at).unwrap_or(""),
            rest.get(at + length..).unwrap_or(""),
        );
        let name = before.trim_end_matches(is_in_name).len();
        let after = behind.trim_start_matches(is_in_domain);
        let domain = behind.get(..behind.len() - after.len()).unwrap_or("");
        if name < before.len() && domain.trim_end_matches('.').contains('.') {
            out.push_str(before.get(..name).unwrap_or(""));
            out.push_str("<e-mail>");
            out.push_str(if domain.ends_with('.') { "." } else { "" });
            rest = after;
        } else {
            out.push_str(rest.get(..at + length).unwrap_or(""));
            rest = behind;
        }
    }
    out + rest
}

/// The next `@`, as it is or as `%40`, and its length.
fn next_at(text: &str) -> Option<(usize, usize)> {
    let found = ["@", "%40"].map(|at| text.find(at).map(|place| (place, at.len())));
    found.into_iter().flatten().min()
}

/// The longest message that is kept, in characters.
const MOST: usize = 300;

/// A message of bearable length. Cut only after it was scrubbed, or the first
/// half of a value would stay.
pub(super) fn shorten(message: &str) -> String {
    match message.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", message.get(..at).unwrap_or("")),
        None => message.to_owned(),
    }
}

fn replace_ignoring_case(text: &str, (value, within): (&str, Within), by: &str) -> String {
    let wanted: Vec<char> = value.chars().flat_map(char::to_lowercase).collect();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let found = match_len(rest, &wanted).filter(|length| {
            let behind = rest.get(*length..).and_then(|rest| rest.chars().next());
            let is_in_word = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
            within == Within::Anything
                || !is_in_word(out.chars().next_back()) && !is_in_word(behind)
        });
        if let Some(len) = found {
            out.push_str(by);
            rest = rest.get(len..).unwrap_or("");
        } else {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or("");
        }
    }
    out
}

/// How many bytes of `text` spell `wanted`, which is in lower case.
fn match_len(text: &str, wanted: &[char]) -> Option<usize> {
    let mut wanted = wanted.iter();
    for (at, char) in text.char_indices() {
        if wanted.as_slice().is_empty() {
            return Some(at);
        }
        for lower in char.to_lowercase() {
            if wanted.next() != Some(&lower) {
                return None;
            }
        }
    }
    wanted.as_slice().is_empty().then_some(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::ExternalId;

    fn content(fields: &[(&'static str, &str)]) -> Content {
        Content {
            fields: fields
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
            ..Content::only(ExternalId::known("E7"))
        }
    }

    #[test]
    fn a_refusal_names_the_field_instead_of_the_value() {
        let jane = content(&[
            ("email", "jane@example.com"),
            ("firstName", "Jane"),
            ("country", "US"),
            ("city", ""),
        ]);
        assert_eq!(
            scrub("JANE@example.com is in use (Jane, US, E7)", &jane),
            "<email> is in use (<firstName>, US, E7)"
        );
        let address = content(&[("address", "12 Main St\nApt  4")]);
        assert_eq!(scrub("no 12 main St Apt 4", &address), "no <address>");
        assert_eq!(shorten(&"é".repeat(301)).chars().count(), 301);
        assert_eq!(
            scrub("Überall", &content(&[("lastName", "überall")])),
            "<lastName>"
        );
    }

    #[test]
    fn addresses_of_anybody_and_names_of_mailboxes_are_replaced() {
        let jane = content(&[("email", "jane.lee@example.com"), ("loginName", "jlee")]);
        for (message, expected) in [
            (
                "login is used by Ann <ann.po@other.example.org>.",
                "login is used by Ann <<e-mail>>.",
            ),
            (
                "/users/?email=jane.lee%40example.com: invalid",
                "/users/?email=<email>: invalid",
            ),
            ("see x%2by%40other.org.", "see <e-mail>."),
            ("user JANE.LEE exists", "user <email> exists"),
            ("@ home, a@b, 5 @ 3", "@ home, a@b, 5 @ 3"),
            ("jleeward", "<loginName>ward"),
        ] {
            assert_eq!(scrub(message, &jane), expected);
        }
        let info = content(&[("email", "info@example.com")]);
        let said = "more information about info";
        assert_eq!(scrub(said, &info), "more information about <email>");
    }

    proptest! {
        #[test]
        fn no_value_of_the_person_stays(value in "[a-zß-žİ]{3,12}", before in "\\PC{0,8}", after in "\\PC{0,8}") {
            let person = content(&[("email", &value)]);
            let scrubbed = scrub(&format!("{before}{value}{after}"), &person);
            prop_assume!(!"<email>".contains(&value) && !before.contains(&value) && !after.contains(&value));
            prop_assert!(scrubbed.contains("<email>"));
        }
    }
}

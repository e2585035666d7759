//! What a target says, without the person it says it of.

use crate::model::Content;

/// Replaces the person's own values in a server's message by the names of
/// their fields, whatever their case, longest first.
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
    for (name, value) in values {
        scrubbed = replace_ignoring_case(&scrubbed, &value, &format!("<{name}>"));
    }
    scrubbed
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

fn replace_ignoring_case(text: &str, value: &str, by: &str) -> String {
    let wanted: Vec<char> = value.chars().flat_map(char::to_lowercase).collect();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(len) = match_len(rest, &wanted) {
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

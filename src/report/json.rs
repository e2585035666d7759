//! JSON as scripts read it and people see it in a terminal.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use super::text::deceives;

/// Writes a value as one line of JSON, without a line break at its end. What could
/// deceive a reader is escaped as `\u202e`: to a program it is the same text.
///
/// # Errors
/// `out` takes no more, or the value has keys that are not text.
pub fn write_json(value: &impl Serialize, out: impl Write) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, Harmless))
}

/// [`write_json`] into a text.
///
/// # Errors
/// The value has keys that are not text.
pub fn to_json(value: &impl Serialize) -> serde_json::Result<String> {
    let mut line = Vec::new();
    write_json(value, &mut line)?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// The compact form, in which no character acts on its surroundings.
struct Harmless;

impl Formatter for Harmless {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        let mut plain = fragment;
        while let Some((at, char)) = plain.char_indices().find(|(_, char)| deceives(*char)) {
            let (before, rest) = plain.split_at(at);
            CompactFormatter.write_string_fragment(writer, before)?;
            for unit in char.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain = rest.strip_prefix(char).unwrap_or_default();
        }
        CompactFormatter.write_string_fragment(writer, plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_deceives_a_reader_is_escaped_and_the_same_to_a_program() {
        let json = to_json(&["a\u{202e}b\u{e0041}\x1b\u{7f}é\"\n"]).unwrap();
        assert_eq!(json, r#"["a\u202eb\udb40\udc41\u001b\u007fé\"\n"]"#);
    }

    proptest! {
        #[test]
        fn any_text_comes_back_as_it_was(text in any::<String>()) {
            let json = to_json(&text).unwrap();
            prop_assert!(!json.chars().any(deceives), "{}", json);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}

//! What the content of a cell is, whatever format it is in.

use crate::feed::CellKind;

/// No error of a spreadsheet has a longer name.
const MAX_ERROR: usize = 24;

/// A number as workbooks write it, which `inf` and `nan` are not.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let may_be = |first: &u8| first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.');
    let is_finite = |value: &f64| value.is_finite();
    text.as_bytes().first().filter(|first| may_be(first))?;
    text.parse().ok().filter(is_finite)
}

pub(super) fn push_bool(is_true: bool, text: &mut String) -> CellKind {
    text.push_str(if is_true { "true" } else { "false" });
    CellKind::Bool
}

/// The name of an error is shown to people, so it must not be anything else.
pub(super) fn push_error(cell: &str, text: &mut String) -> CellKind {
    text.push_str(if is_error(cell) { cell } else { "#ERROR!" });
    CellKind::Error
}

/// The error that binary workbooks write as this number.
pub(super) fn push_error_code(code: u8, text: &mut String) -> CellKind {
    let name = match code {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x0f => "#VALUE!",
        0x17 => "#REF!",
        0x1d => "#NAME?",
        0x24 => "#NUM!",
        0x2a => "#N/A",
        0x2b => "#GETTING_DATA",
        _ => "#ERROR!",
    };
    push_error(name, text)
}

/// A number in 30 bits: a whole one, or the first of a double; both may be hundredths.
pub(super) fn rk(bits: u32) -> f64 {
    let value = if bits & 2 == 0 {
        f64::from_bits(u64::from(bits & !3) << 32)
    } else {
        f64::from(bits.cast_signed() >> 2)
    };
    if bits & 1 == 0 { value } else { value / 100.0 }
}

/// Whether the text that a formula results in is an error, and no word that begins so,
/// such as `#HR`.
pub(super) fn is_error_in_text(text: &str) -> bool {
    let is_no_word = text.ends_with(['!', '?']) || text.starts_with("Err:");
    is_error(text) && (is_no_word || text == "#N/A" || text == "#GETTING_DATA")
}

/// Whether a text is the name of an error: `#SPILL!`, `#N/A`, `Err:508`.
fn is_error(text: &str) -> bool {
    let is_name = |name: &str| {
        let is_letter = |it: u8| it.is_ascii_uppercase() || matches!(it, b'_' | b'/' | b'0');
        let word = name.strip_suffix(['!', '?']).unwrap_or(name);
        word.len() >= 2 && word.bytes().all(is_letter)
    };
    let is_number = |code: &str| !code.is_empty() && code.bytes().all(|it| it.is_ascii_digit());
    text.len() <= MAX_ERROR
        && (text.strip_prefix('#').is_some_and(is_name)
            || text.strip_prefix("Err:").is_some_and(is_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_known_by_their_form() {
        for name in [
            "#N/A",
            "#REF!",
            "#DIV/0!",
            "#NAME?",
            "#NULL!",
            "#NUM!",
            "#VALUE!",
            "#SPILL!",
            "#CALC!",
            "#FIELD!",
            "#BLOCKED!",
            "#GETTING_DATA",
            "#ERROR!",
            "Err:508",
        ] {
            assert!(is_error(name), "{name}");
        }
        for text in [
            "", "#", "#1", "# 12", "#Ann", "Err:", "Err:x", "Error", "#A",
        ] {
            assert!(!is_error(text), "{text}");
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "these are the numbers that are written")]
    fn numbers_in_thirty_bits_are_whole_or_doubles_or_hundredths() {
        for (bits, expected) in [
            (0x3ff0_0000, 1.0),
            (0x3ff0_0001, 0.01),
            (1523 << 2 | 2, 1523.0),
            (1523 << 2 | 3, 15.23),
            ((-7_i32).cast_unsigned() << 2 | 2, -7.0),
            (0, 0.0),
        ] {
            assert_eq!(rk(bits), expected, "{bits:x}");
        }
    }
}

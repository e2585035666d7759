//! Which code of two letters was meant by a slip.

use crate::mapping::{Codes, nearest};

/// The code that was probably meant: by a code or a name, or by a small slip in the
/// English name.
pub(super) fn meant(codes: &Codes, text: &str) -> Option<&'static str> {
    codes.named(text).or_else(|| {
        let english = || codes.lines().filter_map(|mut line| line.nth(1));
        let near = nearest(text, english())?;
        let slips = strsim::levenshtein(&near.to_lowercase(), &text.to_lowercase());
        (slips <= 2).then(|| codes.named(near)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{COUNTRIES, STATES};

    #[test]
    fn a_small_slip_is_answered_with_the_code_that_was_meant() {
        for (text, code) in [
            ("Germny", Some("DE")),
            ("Netherland", Some("NL")),
            ("Nederland", Some("NL")),
            ("Atlantis", None),
            ("Sales", None),
            ("X", None),
            ("", None),
        ] {
            assert_eq!(meant(&COUNTRIES, text), code, "{text}");
        }
        assert_eq!(meant(&STATES, "Massachusets"), Some("MA"));
        assert_eq!(meant(&STATES, "Bavaria"), None);
    }
}

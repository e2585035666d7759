//! US states and territories by their two letters (INCITS 38).

use super::letters::TwoLetters;
use crate::mapping::nearest;

/// Whether `text` is a code, in capitals.
pub(super) fn is_code(text: &str) -> bool {
    CODES.contains(text)
}

const CODES: &TwoLetters = &{
    let (mut codes, mut index) = (TwoLetters::EMPTY, 0);
    while index < STATES.len() {
        codes = codes.with(STATES[index].0);
        index += 1;
    }
    codes
};

/// The code that was probably meant.
pub(super) fn meant(text: &str) -> Option<&'static str> {
    let code_of = |wanted: &str| {
        STATES
            .iter()
            .find(|(_, name)| *name == wanted)
            .map(|(code, _)| *code)
    };
    STATES
        .iter()
        .find(|(code, name)| code.eq_ignore_ascii_case(text) || name.eq_ignore_ascii_case(text))
        .map(|(code, _)| *code)
        .or_else(|| {
            let near = nearest(text, STATES.iter().map(|(_, name)| *name))?;
            (strsim::levenshtein(&near.to_lowercase(), &text.to_lowercase()) <= 2)
                .then(|| code_of(near))?
        })
}

const STATES: &[(&str, &str)] = &[
    ("AL", "Alabama"),
    ("AK", "Alaska"),
    ("AS", "American Samoa"),
    ("AZ", "Arizona"),
    ("AR", "Arkansas"),
    ("CA", "California"),
    ("CO", "Colorado"),
    ("CT", "Connecticut"),
    ("DE", "Delaware"),
    ("DC", "District of Columbia"),
    ("FM", "Federated States of Micronesia"),
    ("FL", "Florida"),
    ("GA", "Georgia"),
    ("GU", "Guam"),
    ("HI", "Hawaii"),
    ("ID", "Idaho"),
    ("IL", "Illinois"),
    ("IN", "Indiana"),
    ("IA", "Iowa"),
    ("KS", "Kansas"),
    ("KY", "Kentucky"),
    ("LA", "Louisiana"),
    ("ME", "Maine"),
    ("MH", "Marshall Islands"),
    ("MD", "Maryland"),
    ("MA", "Massachusetts"),
    ("MI", "Michigan"),
    ("MN", "Minnesota"),
    ("MS", "Mississippi"),
    ("MO", "Missouri"),
    ("MT", "Montana"),
    ("NE", "Nebraska"),
    ("NV", "Nevada"),
    ("NH", "New Hampshire"),
    ("NJ", "New Jersey"),
    ("NM", "New Mexico"),
    ("NY", "New York"),
    ("NC", "North Carolina"),
    ("ND", "North Dakota"),
    ("MP", "Northern Mariana Islands"),
    ("OH", "Ohio"),
    ("OK", "Oklahoma"),
    ("OR", "Oregon"),
    ("PW", "Palau"),
    ("PA", "Pennsylvania"),
    ("PR", "Puerto Rico"),
    ("RI", "Rhode Island"),
    ("SC", "South Carolina"),
    ("SD", "South Dakota"),
    ("TN", "Tennessee"),
    ("TX", "Texas"),
    ("UM", "U.S. Minor Outlying Islands"),
    ("UT", "Utah"),
    ("VT", "Vermont"),
    ("VA", "Virginia"),
    ("VI", "Virgin Islands"),
    ("WA", "Washington"),
    ("WV", "West Virginia"),
    ("WI", "Wisconsin"),
    ("WY", "Wyoming"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_small_slips_are_answered_with_their_code() {
        assert_eq!(meant("Ohio"), Some("OH"));
        assert_eq!(meant("oh"), Some("OH"));
        assert_eq!(meant("Massachusets"), Some("MA"));
        assert_eq!(meant("Bavaria"), None);
        assert!(is_code("OH") && !is_code("oh") && !is_code("XX") && !is_code("Ohio"));
    }

    #[test]
    fn the_table_is_sorted_by_name_and_holds_no_code_twice() {
        let mut codes: Vec<_> = STATES.iter().map(|(code, _)| code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), STATES.len());
        assert_eq!(
            STATES.len(),
            50 + 1 + 6 + 3,
            "states, DC, territories, freely associated states"
        );
    }
}

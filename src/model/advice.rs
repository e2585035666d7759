//! What to do about a row, for somebody who knows the people and not hrfeed.

/// What to do about a row that breaks the rule with this code.
#[must_use]
pub fn advice(code: &str) -> &'static str {
    match code {
        "too-many-cells" => {
            "Move each value back under its heading, and empty the cells to the right of the table."
        }
        "too-few-cells" | "cut-off" => {
            "Complete the row: what is marked was not in the file. Delete the row if it is only a \
             piece of another one."
        }
        "quotes" => "Enter what is marked: quotes in the file hid these values.",
        "not-text" | "cell-error" | "uncalculated" | "zero-for-nothing" => "Enter the value.",
        "undecided" => {
            "Enter the value that is right. If several rows here are about this person, enter it in \
             each of them."
        }
        "required" => "Enter the value that is missing.",
        "external-id-missing" | "external-id-nothing" | "external-id-dots" => {
            "Enter the ID that the HR system has for this person."
        }
        "external-id-scientific" | "external-id-damaged" | "external-id-look-alike" => {
            "Enter the ID exactly as the HR system has it, in a cell that is formatted as text."
        }
        "control-character" => "Write the value on one line.",
        "too-long" => "Shorten the value.",
        "email" => "Enter one complete address, such as ann@example.com.",
        "phone" => "Enter one complete phone number with its country code, such as +31 20 1234567.",
        "no-ascii" => "Write the value with the letters A to Z.",
        "lookup" | "role" | "role-not-allowed" | "group-type" | "bool" | "gender" => {
            "Enter one of the values that are in use, spelled as usual."
        }
        "country" => "Enter the country's code of two letters, such as NL.",
        "state" => "Enter the state's code of two letters, such as OH.",
        "date" | "date-serial" => "Enter the date in the form that the other rows have.",
        "weekday" | "date-too-early" | "born-in-future" => "Correct the date.",
        "password" => "Enter a password of at least 8 characters.",
        "picture" => "Name another picture, or leave the cell empty.",
        "no-such-group" => {
            "Name a group that the LMS has, or ask for this one to be created there."
        }
        "duplicate" => {
            "Correct what two rows have in common, or delete the row that is wrong: each person has \
             one row."
        }
        "login-taken" => "Give one of the two people another login.",
        "known-as-variant" => "Write the ID exactly as it was written before.",
        "renumbered" | "external-id-in-use" | "external-ids-exchanged" => {
            "Enter the ID that this person had before. If the person really has a new one, ask \
             the administrator."
        }
        "adopt-ambiguous" | "adopt-variant" | "ambiguous-on-target" => {
            "Nothing can be corrected here: ask the administrator of the LMS."
        }
        _ => "Correct what the problem names.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_one_or_two_sentences_for_the_cells_of_a_sheet() {
        for code in ["email", "duplicate", "too-few-cells", "something-new"] {
            let advice = advice(code);
            assert!(advice.ends_with('.') && advice.len() < 200, "{advice}");
        }
    }
}

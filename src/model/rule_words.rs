//! What the sentence of a rule says about the rule.

use super::Rule;
use super::finding::QuoteProblem;

/// What is said of several rows that break the rule with this code, where its sentence names
/// other people or what only one row has.
pub(super) fn general_sentence(code: &str, sentence: &str) -> Option<String> {
    Some(match code {
        "login-taken" => {
            "the login belongs to somebody else and does not become free in this run: nothing was \
             sent"
                .into()
        }
        "renumbered" => {
            "seems to be somebody known under another external ID: correct the external ID, or set \
             renumbered = \"rekey\" in [identity]"
                .into()
        }
        "known-as-variant" => {
            "differs only in case or spaces from an external ID that is known already: use the \
             same spelling, or set variants = \"distinct\" in [unique]"
                .into()
        }
        "external-id-in-use" => Rule::ExternalIdInUse { known_as: None }.to_string(),
        "external-ids-exchanged" => Rule::ExternalIdsExchanged { known_as: None }.to_string(),
        "other-external-id" => {
            "an account that is this person's has another external ID: correct it in the LMS \
             (nobody was created)"
                .into()
        }
        "account-not-found" => {
            "the LMS shows the account and does not find it by its external ID (nobody was \
             created): if it is deleted, restore it in the LMS, or create these N people again \
             with `--allow lost=N`"
                .into()
        }
        "undecided" => {
            "several rows are about the person, or one that cannot be read, so that the value is \
             not certain"
                .into()
        }
        "quotes" => {
            let problem = QuoteProblem::ALL.map(QuoteProblem::text).into_iter();
            let mut problem = problem.filter(|text| sentence.contains(text));
            problem.next()?.into()
        }
        _ => return None,
    })
}

/// How the sentences of rules begin that are about a column or a field.
const BEGINNINGS: &[(&str, &str)] = &[
    ("is not text in the feed's encoding", "not-text"),
    ("contains the error ", "cell-error"),
    ("is a formula without its result", "uncalculated"),
    ("shows 0 because its formula", "zero-for-nothing"),
    ("is empty; the LMS requires", "required"),
    ("has no external ID", "external-id-missing"),
    ("Excel rounded this number", "external-id-scientific"),
    (
        "is a word for nothing and not an external ID",
        "external-id-nothing",
    ),
    ("mixes Latin letters with", "external-id-look-alike"),
    ("`.` and `..` cannot be external IDs", "external-id-dots"),
    (
        "contains a line break or another control",
        "control-character",
    ),
    ("is not an e-mail address", "email"),
    ("is not a phone number", "phone"),
    ("is a phone number without a country code", "phone"),
    ("has several phone numbers", "phone"),
    ("has characters that cannot be written in ASCII", "no-ascii"),
    ("is not in column `", "lookup"),
    ("could be ", "country"),
    ("is not a known country", "country"),
    ("is not a two-letter country code", "country"),
    ("is not a US state or territory", "state"),
    ("is not the two-letter code of a US state", "state"),
    ("is not a valid date", "date"),
    ("is a bare number and not a date", "date-serial"),
    ("names a day of the week", "weekday"),
    ("is a date before 1900", "date-too-early"),
    ("is a date of birth in the future", "born-in-future"),
    ("is neither yes nor no", "bool"),
    ("is neither male nor female", "gender"),
    ("is too short: a password", "password"),
    ("is not a role", "role"),
    ("the role ", "role-not-allowed"),
    ("is not a type of group", "group-type"),
    ("cannot be sent as a picture", "picture"),
    ("the LMS has no group `", "no-such-group"),
    ("duplicate of row ", "duplicate"),
    ("matches row ", "duplicate"),
    ("the login belongs to ", "login-taken"),
    ("differs only in case or spaces from ", "known-as-variant"),
    ("the template failed", "template"),
];

/// The code of the rule with this sentence, as far as a sentence tells it.
pub(super) fn rule_of(sentence: &str) -> Option<&'static str> {
    if sentence.starts_with("has ") && sentence.contains(" characters; the LMS accepts") {
        return Some("too-long");
    }
    let mut of = BEGINNINGS.iter();
    of.find(|(begin, _)| sentence.starts_with(begin))
        .map(|(_, code)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DuplicateFate, RowNumber};

    #[test]
    fn the_sentence_of_a_rule_about_a_cell_tells_the_rule() {
        let rules = [
            Rule::NotText,
            Rule::CellError {
                shown: "#N/A".into(),
            },
            Rule::Uncalculated,
            Rule::ZeroForNothing,
            Rule::Required,
            Rule::ExternalIdMissing,
            Rule::ExternalIdScientific,
            Rule::ExternalIdNothing,
            Rule::ExternalIdLookAlike,
            Rule::ExternalIdDots,
            Rule::ControlCharacter,
            Rule::TooLong { max: 50, chars: 60 },
            Rule::Email,
            Rule::Phone {
                problem: "is not a phone number that its country has",
            },
            Rule::NoAscii,
            Rule::Lookup {
                file: "units.csv".into(),
                column: "Unit".into(),
            },
            Rule::CountryOfTwo {
                either: "Congo (CG) or (CD)",
            },
            Rule::Country { meant: None },
            Rule::Country { meant: Some("NL") },
            Rule::State { meant: None },
            Rule::State { meant: Some("OH") },
            Rule::Date { form: "%d".into() },
            Rule::DateSerial,
            Rule::Weekday,
            Rule::DateTooEarly,
            Rule::BornInFuture,
            Rule::Bool,
            Rule::Gender,
            Rule::Password,
            Rule::Role,
            Rule::RoleNotAllowed { role: "ADMIN" },
            Rule::GroupType,
            Rule::Picture {
                problem: "it is too large",
            },
            Rule::NoSuchGroup { group: "A".into() },
            Rule::Duplicate {
                other: RowNumber::new(3),
                variant: false,
                fate: DuplicateFate::AllRejected,
            },
            Rule::Duplicate {
                other: RowNumber::new(3),
                variant: true,
                fate: DuplicateFate::OtherWins,
            },
            Rule::LoginTaken {
                by: None,
                row: None,
            },
            Rule::KnownAsVariant {
                known_as: "e1".into(),
            },
            Rule::Template {
                what: "the template failed",
                problem: "no such column".into(),
            },
        ];
        for rule in rules {
            assert_eq!(rule_of(&rule.to_string()), Some(rule.code()), "{rule}");
        }
        assert_eq!(rule_of("is green"), None);
    }
}

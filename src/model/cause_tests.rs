use super::*;
use crate::model::Rule;

fn finding(row: u32, rule: Rule, value: &str) -> Finding {
    Finding {
        row: RowNumber::new(row),
        cell: None,
        external_id: None,
        column: Some("Land".into()),
        field: Some("country".into()),
        rule,
        value: Some(value.into()),
    }
}

fn of_values(values: &[(&str, u32)]) -> Causes {
    let mut causes = Causes::default();
    let mut row = 1;
    for (value, times) in values {
        for _ in 0..*times {
            row += 1;
            causes.add_finding(&finding(row, Rule::Country { meant: None }, value));
        }
    }
    causes
}

fn sentences(causes: &Causes) -> Vec<(u64, String)> {
    let all = causes.sorted().into_iter();
    all.map(|it| (it.count, it.sentence().unwrap_or_default()))
        .collect()
}

#[test]
fn words_with_a_digit_do_not_make_another_cause() {
    assert_eq!(
        shape("the same as in row 12, which wins: `ID10-05113` is not sent"),
        "the same as in row …, which wins: `…` is not sent"
    );
    assert_eq!(shape("column `City`: empty"), "column `City`: empty");
    assert_eq!(shape(""), "");
}

#[test]
fn only_the_words_are_left_out_in_which_the_sentences_of_a_cause_differ() {
    let mut causes = Causes::default();
    for chars in [51, 66] {
        let rule = Rule::TooLong { max: 50, chars };
        causes.add_finding(&finding(chars, rule, "x"));
    }
    let said = "column `Land` (country): has … characters; the LMS accepts at most 50";
    assert_eq!(sentences(&causes), [(2, said.to_owned())]);
}

#[test]
fn a_row_of_the_journal_has_a_cause_for_each_of_its_faults() {
    let mut causes = Causes::default();
    let faults = "column `Mail` (email): is empty; the LMS requires a value; column `Land` \
                  (country): is not a known country: use a two-letter code (NL, US), or add the \
                  name to the field's `map`; loginName: has 60 characters; the LMS accepts at most 50";
    let places = causes.places_of((Outcome::Rejected, None), (Some("required"), Some(faults)));
    for place in places {
        causes.count(place, Some(RowNumber::new(7)));
    }
    causes.add_finding(&finding(8, Rule::Country { meant: None }, "7"));
    let all = causes.sorted();
    let all: Vec<_> = all
        .iter()
        .map(|it| (it.count, it.rule.as_deref(), it.place()))
        .collect();
    assert_eq!(
        all,
        [
            (2, Some("country"), (Some("Land"), Some("country"))),
            (1, Some("required"), (Some("Mail"), Some("email"))),
            (1, Some("too-long"), (None, Some("loginName"))),
        ]
    );
}

#[test]
fn a_fault_that_no_rule_is_known_by_is_wrong_in_the_feed_even_so() {
    let mut causes = Causes::default();
    let faults = "column `Mail` (email): is empty; the LMS requires a value; column `Size` (size): \
                  is what an older release said";
    let places = causes.places_of((Outcome::Rejected, None), (Some("required"), Some(faults)));
    for place in places {
        causes.count(place, Some(RowNumber::new(7)));
    }
    let all = causes.sorted();
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|it| !it.is_refused), "{all:?}");
}

#[test]
fn what_the_lms_says_is_one_cause_whatever_is_in_it() {
    let mut causes = Causes::default();
    let said = Some("not saved; email: taken");
    for (status, code) in [(Some(422), None), (None, None)] {
        let places = causes.places_of((Outcome::Rejected, status), (code, said));
        assert_eq!(places.len(), 1);
        causes.count(places[0], None);
    }
    let all = causes.sorted();
    assert!(
        all.iter()
            .all(|it| it.is_refused && it.place() == (None, None))
    );
    assert_eq!(all.len(), 2);
}

#[test]
fn rows_that_name_other_people_are_one_cause() {
    let mut causes = Causes::default();
    for by in ["anna", "bert"] {
        let rule = Rule::LoginTaken {
            by: Some(by.into()),
            row: None,
        };
        causes.add_finding(&finding(2, rule, by));
    }
    let [(2, said)] = &sentences(&causes)[..] else {
        panic!("{:?}", sentences(&causes))
    };
    assert!(said.starts_with("column `Land` (country): the login belongs to somebody else"));
}

#[test]
fn a_wrong_value_is_named_if_it_is_a_word_that_several_rows_of_a_good_column_share() {
    let values = [
        ("Neverland", 12),
        ("Narnia", 2),
        ("ann@example.com", 5),
        ("06 1234", 4),
    ];
    let mut causes = of_values(&values);
    causes.keep_values(|column| (column == "Land").then_some(100));
    let said = sentences(&causes);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0]
            .1
            .starts_with("column `Land` (country): `Neverland` is not a known country")
    );
    assert_eq!((said[0].0, said[1].0), (12, 11));
    assert!(
        !said[1].1.contains("Narnia") && !said[1].1.contains('@'),
        "{said:?}"
    );
}

#[test]
fn no_value_is_named_of_a_column_that_may_be_another_one() {
    for filled in [Some(20), None] {
        let mut causes = of_values(&[("Smith", 12)]);
        causes.keep_values(|_| filled);
        let said = sentences(&causes);
        assert!(!said[0].1.contains("Smith"), "{said:?}");
    }
}

#[test]
fn no_value_of_a_rule_without_a_list_is_named() {
    let mut causes = Causes::default();
    for row in 2..9 {
        causes.add_finding(&finding(row, Rule::Email, "Smith"));
    }
    causes.keep_values(|_| Some(1_000));
    assert!(!sentences(&causes)[0].1.contains("Smith"));
}

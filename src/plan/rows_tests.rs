//! What people and the target say of rows.

use super::*;
use crate::mapping::Variants;

fn rows(ids: &[&str]) -> RowTable {
    let comparison = Comparison::new(1, Variants::Same);
    let mut rows = RowTable::new(1, comparison, 0, true);
    rows.extend(Batch {
        numbers: (2..).take(ids.len()).collect(),
        rejected: vec![false; ids.len()],
        fingerprints: (0..ids.len() as u128).collect(),
        shapes: vec![3; ids.len()],
        keys: vec![ids.iter().map(|id| Some(comparison.key(id))).collect()],
        ..Batch::default()
    });
    rows.settle_duplicates(Duplicates::Reject);
    rows
}

#[test]
fn who_is_known_with_the_same_content_costs_no_call() {
    let mut rows = rows(&["a", "b", "c"]);
    assert!(
        rows.note_known("a", KnownAs::Acknowledged(0)) == Some(0)
            && rows.note_known("b", KnownAs::Acknowledged(9)) == Some(1)
            && rows.note_known("z", KnownAs::Acknowledged(1)).is_none()
    );
    let states: Vec<_> = (0..3).map(|row| rows.state(row)).collect();
    assert_eq!(
        states,
        [RowState::Unchanged, RowState::Changed, RowState::New]
    );
}

#[test]
fn who_is_known_under_a_variant_of_the_id_is_not_made_again() {
    let mut rows = rows(&["e7", "f1"]);
    assert_eq!(rows.note_known("E7", KnownAs::Acknowledged(0)), None);
    // The list shows both; whether they are the same people is found out after it.
    assert_eq!(rows.note_found("E7", "11", |_| None), None);
    assert_eq!(rows.note_found("F1", "12", |_| None), Some(Found::Variant));
    assert_eq!(
        (rows.state(0), rows.state(1)),
        (RowState::New, RowState::New)
    );
    // Nobody is known to be the same person.
    assert_eq!(rows.reject_variants(), ["E7".into(), "F1".into()]);
    assert_eq!(
        (rows.state(0), rows.state(1)),
        (RowState::Rejected, RowState::Rejected)
    );
    assert_eq!(
        rows.faults(0).map(|(_, rule)| rule).collect::<Vec<_>>(),
        [Rule::KnownAsVariant {
            known_as: "E7".into()
        }]
    );
}

#[test]
fn a_variant_of_an_id_on_the_list_leaves_it_open_whether_it_is_the_same_person() {
    let mut rows = rows(&["e7"]);
    assert_eq!(rows.note_known("E7", KnownAs::Acknowledged(0)), None);
    assert_eq!(rows.note_found("E 7", "12", |_| None), None);
    assert_eq!(rows.state(0), RowState::New);
    assert_eq!(
        rows.detail(0).and_then(|it| it.variant_of.as_deref()),
        Some("E7"),
        "the known person comes first"
    );
}

#[test]
fn two_people_on_the_target_with_one_id_are_not_touched() {
    let mut rows = rows(&["a", "b"]);
    assert_eq!(rows.note_found("a", "12", |_| None), Some(Found::Differs));
    assert_eq!(rows.note_found("a", "12", |_| None), None, "pages overlap");
    assert_eq!(rows.state(0), RowState::Changed);
    assert_eq!(rows.note_found("a", "13", |_| None), Some(Found::Several));
    assert_eq!(rows.state(0), RowState::Rejected);
}

#[test]
fn who_is_found_as_the_feed_says_is_unchanged() {
    let mut rows = rows(&["a", "b"]);
    assert_eq!(
        rows.note_found("b", "12", |shape| (shape == 3).then_some(1)),
        Some(Found::Same(1))
    );
    assert_eq!(rows.state(1), RowState::Unchanged);
}

#[test]
fn a_row_that_loses_is_never_new_again() {
    let mut rows = rows(&["a", "a"]);
    rows.note_known("a", KnownAs::Acknowledged(0));
    assert_eq!(
        (rows.state(0), rows.state(1)),
        (RowState::Rejected, RowState::Rejected)
    );
    assert_eq!(rows.count(RowState::Rejected), 2);
}

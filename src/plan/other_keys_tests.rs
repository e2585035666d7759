use super::*;
use crate::schema::System;

fn tag(name: &str) -> FieldTag {
    FieldTag::of(System::named("kmi").unwrap(), name).unwrap()
}

/// Login, e-mail, first and last name; 0 says nothing.
fn person([login, email, first, last]: [u64; 4]) -> FieldFingerprints {
    let own = [("loginName", login), ("email", email)];
    let all = [("firstName", first), ("lastName", last)];
    let all = own.into_iter().chain(all).filter(|(_, value)| *value > 0);
    FieldFingerprints::new(
        all.map(|(name, value)| (tag(name), value)),
        (own.into_iter())
            .filter(|(_, value)| *value > 0)
            .map(|(name, value)| (tag(name), u128::from(value))),
    )
}

fn none_yet() -> OtherKeys {
    OtherKeys::new(Traits {
        own: ["loginName", "email"].map(tag).to_vec(),
        names: ["firstName", "lastName"].map(tag).to_vec(),
    })
}

/// Rows, each with what the keys know by its external ID: the key, the LMS's id, and
/// the person.
type Case<'a> = ([u64; 4], &'a [(i64, &'a str, [u64; 4])]);

fn judged(cases: &[Case<'_>]) -> Vec<(UnderOtherKey, Vec<String>, usize)> {
    let mut keys = none_yet();
    for (row, (wanted, accounts)) in (0..).zip(cases) {
        keys.note_row(row, person(*wanted));
        for (key, id, known) in *accounts {
            let account = OtherAccount {
                key: *key,
                remote_id: Some((*id).into()),
                fingerprints: person(*known),
            };
            keys.note_account(row, account);
        }
    }
    let judged = keys.judge().into_iter().map(|(_, it)| {
        let accounts = it.accounts.iter().map(ToString::to_string).collect();
        (
            it.who,
            accounts,
            it.changed.map_or(0, |changed| changed.len()),
        )
    });
    judged.collect()
}

const ANN: [u64; 4] = [1, 11, 21, 31];
const BEN: [u64; 4] = [2, 12, 22, 32];
const CY: [u64; 4] = [3, 13, 23, 33];
const UNKNOWN: [u64; 4] = [0; 4];

fn same(id: &str, changed: usize) -> (UnderOtherKey, Vec<String>, usize) {
    (UnderOtherKey::SamePerson, vec![id.to_owned()], changed)
}

fn somebody_else() -> (UnderOtherKey, Vec<String>, usize) {
    (UnderOtherKey::SomebodyElse, Vec::new(), 0)
}

#[test]
fn whose_login_or_email_is_the_same_is_the_same_and_who_differs_is_somebody_else() {
    let cases: &[Case<'_>] = &[
        (ANN, &[(7, "1", ANN)]),
        ([2, 90, 91, 92], &[(7, "2", BEN)]),
        ([93, 13, 94, 95], &[(7, "3", CY)]),
        ([4, 14, 24, 34], &[(7, "4", [5, 15, 25, 35])]),
    ];
    let expected = [same("1", 0), same("2", 3), same("3", 3), somebody_else()];
    assert_eq!(judged(cases), expected);
}

#[test]
fn of_several_keys_the_one_that_fits_is_chosen_in_whatever_order_they_come() {
    for accounts in [
        [(7, "1", BEN), (8, "2", ANN)],
        [(8, "2", ANN), (7, "1", BEN)],
    ] {
        assert_eq!(judged(&[(ANN, &accounts)]), [same("2", 0)]);
    }
    // One whom nobody can judge is passed over.
    assert_eq!(
        judged(&[(ANN, &[(7, "1", UNKNOWN), (8, "2", ANN)])]),
        [same("2", 0)]
    );
    assert_eq!(
        judged(&[(ANN, &[(7, "1", UNKNOWN), (8, "2", BEN)])]),
        [same("1", 0)]
    );
}

#[test]
fn a_name_alone_is_believed_only_where_most_of_the_key_are_the_same_by_more() {
    let married = [90, 91, 21, 92];
    let with = |others: [[u64; 4]; 2]| {
        let cases: &[Case<'_>] = &[
            (married, &[(7, "1", ANN)]),
            (BEN, &[(7, "2", others[0])]),
            (CY, &[(7, "3", others[1])]),
        ];
        judged(cases)
    };
    assert_eq!(with([BEN, CY])[0], same("1", 3));
    let with_one = with([BEN, [4, 14, 24, 34]]);
    assert_eq!(with_one, [somebody_else(), same("2", 0), somebody_else()]);
    assert_eq!(judged(&[(married, &[(7, "1", ANN)])]), [somebody_else()]);
    // Those who have the external ID under this key by now count, too.
    let mut keys = none_yet();
    let account = OtherAccount {
        key: 7,
        remote_id: Some("1".into()),
        fingerprints: person(ANN),
    };
    keys.note_account(0, account);
    keys.note_row(0, person(married));
    keys.note_taken_over(8);
    assert_eq!(keys.judge()[0].1.who, UnderOtherKey::SomebodyElse);
    keys.note_taken_over(7);
    assert_eq!(keys.judge()[0].1.who, UnderOtherKey::SomebodyElse);
    keys.note_taken_over(7);
    assert_eq!(keys.judge()[0].1.who, UnderOtherKey::SamePerson);
}

#[test]
fn what_several_people_have_proves_nothing() {
    // A mailbox for those who have none, on the one side or on the other.
    let shared = 19;
    let cases: &[Case<'_>] = &[
        ([1, shared, 21, 31], &[(7, "1", [91, shared, 92, 93])]),
        ([2, shared, 22, 32], &[(7, "2", [94, 95, 96, 97])]),
    ];
    assert_eq!(judged(cases), [somebody_else(), somebody_else()]);
    let cases: &[Case<'_>] = &[
        ([1, shared, 21, 31], &[(7, "1", [91, shared, 92, 93])]),
        (BEN, &[(7, "2", [94, shared, 96, 97])]),
    ];
    assert_eq!(judged(cases), [somebody_else(), somebody_else()]);
}

#[test]
fn whom_the_journal_cannot_compare_the_lms_must_show_with_the_login_or_the_email() {
    let mut keys = none_yet();
    let account = OtherAccount {
        key: 7,
        remote_id: Some("1".into()),
        fingerprints: FieldFingerprints::default(),
    };
    keys.note_account(0, account);
    keys.note_row(0, person(ANN));
    let (_, it) = keys.judge().remove(0);
    let proof = it.proof.unwrap();
    assert!(proof.is_given_by(&person([1, 90, 91, 92])));
    assert!(proof.is_given_by(&person([90, 11, 91, 92])));
    assert!(!proof.is_given_by(&person([90, 91, 21, 31])));
    assert!(!proof.is_given_by(&person(UNKNOWN)));
}

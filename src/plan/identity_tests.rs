//! The table of who somebody is, and what holds for any rows and people.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::schema::System;

fn tag(name: &str) -> FieldTag {
    let name = match name {
        "login" => "loginName",
        "first" => "firstName",
        "last" => "lastName",
        name => name,
    };
    FieldTag::of(System::Kmi, name).unwrap()
}

fn tags() -> IdentityTags {
    IdentityTags {
        login: Some(tag("login")),
        names: vec![tag("first"), tag("last")],
    }
}

/// Login, e-mail, first and last name; 0 for none.
fn values([login, email, first, last]: [u64; 4]) -> FieldFingerprints {
    let some = |(name, value): (&str, u64)| (value != 0).then(|| (tag(name), value));
    FieldFingerprints::new(
        [("first", first), ("last", last), ("login", login)]
            .into_iter()
            .filter_map(some),
        [("login", login), ("email", email)]
            .into_iter()
            .filter_map(some)
            .map(|(tag, value)| (tag, u128::from(value))),
    )
}

fn subject(row: RowIndex, id: &str, is_new: bool, of: [u64; 4]) -> Subject {
    Subject {
        row,
        external_id: id.into(),
        standing: if is_new {
            Standing::New
        } else {
            Standing::Known
        },
        fingerprints: values(of),
    }
}

fn known(id: Option<&str>, place: Place, of: [u64; 4]) -> Known {
    Known {
        external_id: id.map(str::to_owned),
        remote_id: Some("77".into()),
        fingerprints: values(of),
        place,
    }
}

fn in_words(who: &Who) -> String {
    match who {
        Who::AsTheIdSays => "a joiner".into(),
        Who::Renumbered(it) => {
            let from = it.from.as_deref().unwrap_or("an account without an ID");
            let damage = it
                .damage
                .map(|it| format!(" ({})", it.clause()))
                .unwrap_or_default();
            let after = if it.after.is_some() { ", later" } else { "" };
            format!("{from} renumbered{damage}{after}")
        }
        Who::TakesOver { after, .. } => format!("takes the ID over after row {after}"),
        Who::LoginTaken { by, row } => format!(
            "rejected: the login is {}'s{}",
            by.as_deref().unwrap_or("an account"),
            row.map_or(String::new(), |row| format!(" in row {row}"))
        ),
        Who::AfterRow(row) => format!("after row {row}"),
        Who::AfterLeaver(id) => format!("after {id} has left"),
    }
}

#[test]
fn who_is_it_and_what_is_done() {
    let places = [
        ("a row that stays", 0),
        ("a row with another login", 1),
        ("a row of another human", 2),
        ("another feed", 3),
        ("nowhere, leaves", 4),
        ("nowhere, stays", 5),
        ("the LMS only, with an ID", 6),
        ("the LMS only, without an ID", 7),
    ];
    let shared = [
        ("login and e-mail", [1, 2]),
        ("login", [1, 9]),
        ("e-mail", [8, 2]),
    ];
    let names = [
        ("same names", [3, 4]),
        ("one name", [3, 6]),
        ("other names", [5, 6]),
        ("no names", [0, 0]),
    ];
    let mut table = String::new();
    for (where_, place) in places {
        for (what, [login, email]) in shared {
            for (named, [first, last]) in names {
                // Row 0 is the new one, row 1 that of the known E1.
                let mut subjects = vec![subject(0, "E9", true, [login, email, first, last])];
                let is_sent = matches!(place, 1 | 2);
                match place {
                    1 => subjects.push(subject(1, "E1", false, [21, 2, 3, 4])),
                    2 => subjects.push(subject(1, "E1", false, [21, 22, 23, 24])),
                    _ => {}
                }
                let place = match place {
                    0..=2 => Place::Row { row: 1, is_sent },
                    3 => Place::Elsewhere,
                    4 => Place::Nowhere { leaves: true },
                    5 => Place::Nowhere { leaves: false },
                    _ => Place::OnTarget,
                };
                let id = (where_ != "the LMS only, without an ID").then_some("E1");
                let mut identification = Identification::new(tags(), subjects);
                identification.note(known(id, place, [1, 2, 3, 4]));
                let verdicts = identification.verdicts();
                let who = verdicts.get(&0).map_or_else(|| "a joiner".into(), in_words);
                let other = verdicts
                    .get(&1)
                    .map_or_else(String::new, |who| format!("; row 1 {}", in_words(who)));
                writeln!(table, "{where_:27} {what:16} {named:11} {who}{other}").unwrap();
            }
        }
    }
    insta::assert_snapshot!("who_is_it", table);
}

#[test]
fn a_value_that_several_people_have_identifies_nobody() {
    let gone = Place::Nowhere { leaves: true };
    let mut shared = Identification::new(tags(), vec![subject(0, "E9", true, [8, 2, 3, 4])]);
    shared.note(known(Some("E1"), gone, [1, 2, 3, 4]));
    shared.note(known(Some("E2"), gone, [5, 2, 3, 4]));
    assert!(shared.verdicts().is_empty());
    let new = [
        subject(0, "E8", true, [8, 2, 3, 4]),
        subject(1, "E9", true, [9, 2, 3, 4]),
    ];
    let mut twice = Identification::new(tags(), new.into());
    twice.note(known(Some("E1"), gone, [1, 2, 3, 4]));
    assert!(twice.verdicts().is_empty());
}

#[test]
fn ids_that_move_down_a_row_are_renumbered_one_after_the_other() {
    // E1 comes as E2, E2 as E3, E3 as E4.
    let human = |of: u64| [of, 10 + of, 20 + of, 30 + of];
    let subjects = vec![
        subject(0, "E2", false, human(1)),
        subject(1, "E3", false, human(2)),
        subject(2, "E4", true, human(3)),
    ];
    let mut moved = Identification::new(tags(), subjects);
    moved.note(known(Some("E1"), Place::Nowhere { leaves: true }, human(1)));
    for (row, id) in [(0, "E2"), (1, "E3")] {
        let is_sent = true;
        moved.note(known(
            Some(id),
            Place::Row { row, is_sent },
            human(u64::from(row) + 2),
        ));
    }
    let verdicts = moved.verdicts();
    let after = |row| match &verdicts[&row] {
        Who::Renumbered(it) => (it.from.clone().unwrap(), it.after),
        other => panic!("{other:?}"),
    };
    assert_eq!(after(0), ("E1".into(), Some(1)));
    assert_eq!(after(1), ("E2".into(), Some(2)));
    assert_eq!(after(2), ("E3".into(), None));
}

#[test]
fn two_who_swap_logins_wait_for_each_other() {
    let subjects = vec![
        subject(0, "E1", false, [2, 11, 21, 31]),
        subject(1, "E2", false, [1, 12, 22, 32]),
    ];
    let mut swap = Identification::new(tags(), subjects);
    for (row, id, of) in [(0, "E1", [1, 11, 21, 31]), (1, "E2", [2, 12, 22, 32])] {
        swap.note(known(Some(id), Place::Row { row, is_sent: true }, of));
    }
    let verdicts = swap.verdicts();
    assert_eq!(verdicts[&0], Who::AfterRow(1));
    assert_eq!(verdicts[&1], Who::AfterRow(0));
    assert_eq!(swap.changed_fields(0), Some(vec![tag("login")]));
}

#[test]
fn a_damaged_id_is_recognized_where_nothing_else_is_known() {
    let gone = Place::Nowhere { leaves: true };
    let of = |known_values| {
        let mut it = Identification::new(tags(), vec![subject(0, "123", true, [1, 2, 3, 4])]);
        it.note(known(Some("00123"), gone, known_values));
        it.verdicts().get(&0).map_or_else(String::new, in_words)
    };
    assert_eq!(
        of([0, 0, 0, 0]),
        "00123 renumbered (the leading zeros differ)"
    );
    assert_eq!(
        of([9, 2, 3, 4]),
        "00123 renumbered (the leading zeros differ)"
    );
    // Another human, whose ID only looks alike.
    assert_eq!(of([6, 7, 8, 9]), "");
}

#[test]
fn whom_a_rejected_row_may_mean_does_not_leave() {
    let gone = Place::Nowhere { leaves: true };
    let rejected = |row, id, of| Subject {
        standing: Standing::Rejected,
        ..subject(row, id, true, of)
    };
    // Twice the same row, one with another ID, and a mailbox that many share.
    let mut it = Identification::new(
        tags(),
        vec![
            rejected(0, "N1", [1, 2, 3, 4]),
            rejected(1, "N1", [1, 2, 3, 4]),
            rejected(2, "7", [0, 0, 0, 0]),
            rejected(3, "N3", [0, 9, 30, 31]),
        ],
    );
    let people = [
        ("E1", [1, 2, 3, 4]),
        ("E2", [5, 6, 7, 8]),
        ("007", [10, 11, 12, 13]),
        ("E4", [20, 9, 21, 22]),
        ("E5", [30, 9, 30, 32]),
    ];
    for (id, of) in people {
        it.note(known(Some(id), gone, of));
    }
    assert_eq!(it.meant_by_rejected(), BTreeSet::from(["007", "E1", "E5"]));
    assert!(it.verdicts().is_empty(), "a rejected row is nobody");
}

#[test]
fn a_row_waits_for_the_one_that_an_interrupted_run_began_to_send() {
    let human = |of: u64| [of, 10 + of, 20 + of, 30 + of];
    let under_way = |from: Option<&str>, row, id, of| Subject {
        standing: Standing::UnderWay {
            from: from.map(str::to_owned),
        },
        ..subject(row, id, true, of)
    };
    // E1's human moves to N1, and another one comes under E1.
    let joiner = subject(1, "E1", false, human(2));
    let mover = under_way(Some("E1"), 0, "N1", human(1));
    let mut chain = Identification::new(tags(), vec![mover, joiner]);
    let row = |row| Place::Row { row, is_sent: true };
    chain.note(known(Some("E1"), row(1), human(1)));
    assert_eq!(
        chain.verdicts()[&1],
        Who::TakesOver {
            after: 0,
            login_after: None,
        }
    );
    assert!(!chain.verdicts().contains_key(&0), "it was decided before");
    // E5 gives its login up, and a joiner gets it.
    let gives_up = under_way(None, 0, "E5", [9, 15, 25, 35]);
    let joiner = subject(1, "N2", true, [5, 16, 26, 36]);
    let mut login = Identification::new(tags(), vec![gives_up, joiner]);
    login.note(known(Some("E5"), row(0), human(5)));
    assert_eq!(login.verdicts()[&1], Who::AfterRow(0));
}

/// Rows and people with few values, so that they often meet.
fn world() -> impl Strategy<Value = (Vec<Subject>, Vec<Known>)> {
    let person = || prop::array::uniform4(0_u64..5);
    let rows = prop::collection::vec((any::<bool>(), person(), person()), 1..6);
    let others = prop::collection::vec((0_usize..4, person()), 0..5);
    (rows, others).prop_map(|(rows, others)| {
        let (mut subjects, mut people) = (Vec::new(), Vec::new());
        for (row, (is_new, wanted, was)) in (0..).zip(rows) {
            let id = format!("R{row}");
            subjects.push(subject(row, &id, is_new, wanted));
            if !is_new {
                people.push(known(Some(&id), Place::Row { row, is_sent: true }, was));
            }
        }
        for (number, (place, of)) in others.into_iter().enumerate() {
            let id = format!("K{number}");
            people.push(match place {
                0 => known(Some(&id), Place::Elsewhere, of),
                1 => known(Some(&id), Place::Nowhere { leaves: true }, of),
                2 => known(Some(&id), Place::Nowhere { leaves: false }, of),
                _ => known(None, Place::OnTarget, of),
            });
        }
        (subjects, people)
    })
}

fn verdicts(subjects: &[Subject], people: &[Known]) -> HashMap<RowIndex, Who> {
    let mut it = Identification::new(tags(), subjects.to_vec());
    people.iter().cloned().for_each(|person| it.note(person));
    it.verdicts()
}

proptest! {
    #[test]
    fn a_verdict_does_not_depend_on_the_order((subjects, people) in world()) {
        let (mut rows, mut others) = (subjects.clone(), people.clone());
        rows.reverse();
        others.reverse();
        let strip = |of: HashMap<RowIndex, Who>| {
            let mut all: Vec<_> = (of.into_iter())
                .map(|(row, who)| match who {
                    Who::Renumbered(it) => (row, format!("{:?}", (it.from, it.after))),
                    Who::LoginTaken { .. } => (row, "taken".into()),
                    who => (row, format!("{who:?}")),
                })
                .collect();
            all.sort();
            all
        };
        prop_assert_eq!(strip(verdicts(&subjects, &people)), strip(verdicts(&rows, &others)));
    }

    #[test]
    fn nobody_is_two_rows_at_once((subjects, people) in world()) {
        let of = verdicts(&subjects, &people);
        let mut from: Vec<_> = (of.values())
            .filter_map(|who| match who {
                Who::Renumbered(it) => it.from.clone(),
                _ => None,
            })
            .collect();
        let all = from.len();
        from.sort();
        from.dedup();
        prop_assert_eq!(from.len(), all);
    }

    #[test]
    fn whom_rejected_rows_mean_is_what_a_walk_from_each_of_them_finds(
        (mut subjects, people) in world()
    ) {
        for it in subjects.iter_mut().filter(|it| it.standing == Standing::New) {
            it.standing = Standing::Rejected;
        }
        let mut wanted = BTreeSet::new();
        for it in subjects.iter().filter(|it| it.standing == Standing::Rejected) {
            for value in it.fingerprints.identity() {
                let has = |person: &&Known| person.fingerprints.has_identity(value);
                let all: Vec<_> = people.iter().filter(has).collect();
                let has_name = |person: &&&Known| {
                    tags().names.iter().any(|tag| {
                        let name = it.fingerprints.field(*tag);
                        name.is_some() && name == person.fingerprints.field(*tag)
                    })
                };
                let meant = all.iter().filter(|person| all.len() == 1 || has_name(person));
                wanted.extend(meant.filter_map(|person| person.external_id.as_deref()));
            }
        }
        let mut found = Identification::new(tags(), subjects);
        people.iter().cloned().for_each(|person| found.note(person));
        prop_assert_eq!(found.meant_by_rejected(), wanted);
    }

    #[test]
    fn where_all_keep_who_they_are_nobody_else_changes_a_verdict(
        (mut subjects, people) in world()
    ) {
        subjects.retain(|it| it.standing != Standing::New);
        // Half of the worlds are such that it holds for every row.
        if subjects.len() % 2 == 0 {
            for it in &mut subjects {
                let own = people.iter().find(|person| {
                    matches!(person.place, Place::Row { row, .. } if row == it.row)
                });
                it.fingerprints = own.map_or_else(FieldFingerprints::default, |it| it.fingerprints.clone());
            }
        }
        let mut it = Identification::new(tags(), subjects.clone());
        for person in &people {
            if let Place::Row { row, .. } = person.place {
                it.note_own(row, person.fingerprints.clone());
            }
        }
        if it.all_keep_who_they_are() {
            prop_assert_eq!(verdicts(&subjects, &people), HashMap::new());
        }
    }

    #[test]
    fn no_login_is_given_to_a_second_person((subjects, people) in world()) {
        let of = verdicts(&subjects, &people);
        let login = |it: &FieldFingerprints| {
            it.identity().find(|(of, _)| *of == tag("login"))
        };
        for it in subjects.iter().filter(|it| !of.contains_key(&it.row)) {
            let Some(wanted) = login(&it.fingerprints) else { continue };
            for person in &people {
                let own = matches!(person.place, Place::Row { row, .. } if row == it.row);
                if !own && login(&person.fingerprints) == Some(wanted) {
                    // Then it is the row's own login already.
                    let keeps = people.iter().any(|other| {
                        matches!(other.place, Place::Row { row, .. } if row == it.row)
                            && login(&other.fingerprints) == Some(wanted)
                    });
                    prop_assert!(keeps, "{:?} {:?}", it, person);
                }
            }
        }
    }
}

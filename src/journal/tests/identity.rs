//! Who the known people are: fingerprints of fields, protected people, people
//! under other API keys, and people whose external ID changes.

use super::*;
use crate::model::PersonFingerprints;
use crate::schema::Part;

fn fingerprints(seed: u8) -> PersonFingerprints {
    PersonFingerprints {
        fields: vec![seed; 120],
        identity: vec![seed; 36],
    }
}

/// A created person with fingerprints of the fields.
fn with_fields(row: u32, seed: u8) -> Settled {
    let mut settled = created(row);
    if let Some(person) = &mut settled.person {
        person.fingerprints = Some(fingerprints(seed));
    }
    settled
}

/// A known person: what the journal says of the fingerprints.
#[derive(Debug, PartialEq)]
struct Flags {
    is_keyed: bool,
    is_protected: bool,
    has_fields: bool,
}

fn flags(journal: &Journal, who: u32) -> Option<Flags> {
    let mut found = None;
    let id = id(who);
    let each = |person: Known<'_>| {
        if person.external_id == id.as_str() {
            found = Some(Flags {
                is_keyed: person.is_keyed,
                is_protected: person.is_protected,
                has_fields: person.has_fields,
            });
        }
        go_on()
    };
    journal.people(&scope(), each).unwrap();
    found
}

/// Everybody who is not deleted, with the packed fingerprints.
fn identities(journal: &Journal) -> Vec<(String, Vec<u8>, Vec<u8>)> {
    let mut people = Vec::new();
    journal
        .identities(&scope(), |it| {
            let (fields, identity) = (it.fields.to_vec(), it.identity.to_vec());
            people.push((it.external_id.to_owned(), fields, identity));
            go_on()
        })
        .unwrap();
    people.sort();
    people
}

fn of(row: u32, seed: u8) -> (String, Vec<u8>, Vec<u8>) {
    let it = fingerprints(seed);
    (id(row).as_str().into(), it.fields, it.identity)
}

#[test]
fn fingerprints_of_fields_are_read_back_and_stay_where_an_outcome_says_none() {
    let world = World::new();
    let run = world.start(2);
    world.settle(run, with_fields(1, 7));
    world.settle(run, created(2));
    world.flush();
    let nothing = (id(2).as_str().to_owned(), Vec::new(), Vec::new());
    assert_eq!(identities(&world.journal), [of(1, 7), nothing.clone()]);
    let keyed = |is_keyed, has_fields| Flags {
        is_keyed,
        is_protected: false,
        has_fields,
    };
    assert_eq!(flags(&world.journal, 1), Some(keyed(true, true)));
    assert_eq!(flags(&world.journal, 2), Some(keyed(true, false)));

    // A leaver who is deactivated can still be recognised.
    let mut left = leaver(1, Outcome::Deactivated);
    left.person = Some(PersonNow {
        remote_id: None,
        fingerprint: None,
        state: PersonState::Inactive,
        acknowledged: Vec::new(),
        fingerprints: None,
    });
    world.settle(run, left);
    world.flush();
    assert_eq!(identities(&world.journal), [of(1, 7), nothing.clone()]);
    assert_eq!(flags(&world.journal, 1), Some(keyed(true, true)));

    // Of a deleted person nothing is kept.
    let mut deleted = leaver(1, Outcome::Deleted);
    deleted.person = Some(PersonNow {
        remote_id: None,
        fingerprint: Some(5),
        state: PersonState::Deleted,
        acknowledged: Vec::new(),
        fingerprints: Some(fingerprints(9)),
    });
    world.settle(run, deleted);
    world.flush();
    assert_eq!(identities(&world.journal), [nothing]);
    assert!(!flags(&world.journal, 1).unwrap().has_fields);
}

#[test]
fn a_fingerprint_says_whether_it_is_made_with_the_secret() {
    let world = World::new();
    let seen = |fingerprint, fingerprints| {
        let person = SeenPerson {
            external_id: "E1".into(),
            remote_id: None,
            fingerprint,
            is_ambiguous: false,
            fingerprints,
        };
        let commit = world.writer.seen(&scope(), vec![person]);
        commit.wait_blocking().unwrap();
        flags(&world.journal, 1).unwrap().is_keyed
    };
    // Somebody who was only seen has none.
    assert!(!seen(None, Some(fingerprints(1))));
    // No release without a secret writes one any more.
    assert!(seen(Some(1), None));
    assert!(seen(Some(2), Some(fingerprints(2))));
    assert!(seen(None, None));
    assert_eq!(identities(&world.journal), [of(1, 2)]);
}

#[test]
fn a_fingerprint_that_awaits_groups_is_of_the_kind_that_came_with_it() {
    let world = World::new();
    let run = world.start(1);
    let mut settled = with_fields(1, 3);
    settled.awaits_groups = true;
    if let Some(person) = &mut settled.person {
        person.fingerprint = None;
        person.acknowledged = vec![Acknowledged::PendingGroups(42)];
    }
    world.settle(run, settled);
    world
        .writer
        .joined(run, RowNumber::new(1), &id(1), None)
        .unwrap();
    world.flush();
    assert_eq!(people(&world.journal)[0].2, Some(42));
    assert!(flags(&world.journal, 1).unwrap().is_keyed);
}

#[test]
fn the_first_night_after_an_upgrade_makes_fingerprints_without_an_outcome() {
    let world = World::new();
    let run = world.start(1);
    let mut settled = created(1);
    if let Some(person) = &mut settled.person {
        person.acknowledged = vec![Acknowledged::Created, Acknowledged::Details(1)];
    }
    world.settle(run, settled);
    let refreshed = |who: u32| Refreshed {
        external_id: id(who).as_str().into(),
        fingerprint: 100,
        details: Some(101),
        picture: Some(102),
        fingerprints: fingerprints(4),
    };
    let people_now = vec![refreshed(1), refreshed(2)];
    let commit = world.writer.fingerprints(&scope(), people_now);
    commit.wait_blocking().unwrap();
    // Nobody is invented, and no picture that was never sent.
    assert_eq!(identities(&world.journal), [of(1, 4)]);
    assert_eq!(people(&world.journal)[0].2, Some(100));
    let parts = world.journal.parts(&scope(), &id(1)).unwrap();
    assert_eq!((parts.details, parts.picture), (Some(101), None));
    let is_all = flags(&world.journal, 1).unwrap();
    assert!(is_all.is_keyed && is_all.has_fields);
    assert_eq!(world.rows(run).len(), 1);
}

#[test]
fn people_are_protected_until_it_is_taken_back() {
    let world = World::new();
    let run = world.start(1);
    world.settle(run, created(1));
    let protect = |is_protected| {
        let people = vec![("E1".to_owned(), is_protected), ("E2".to_owned(), true)];
        world.writer.protect(&scope(), people).unwrap();
        world.settle(run, created(1));
        world.flush();
        assert_eq!(flags(&world.journal, 2), None, "nobody is invented");
        flags(&world.journal, 1).unwrap().is_protected
    };
    assert!(protect(true));
    assert!(!protect(false));
}

#[test]
fn people_of_other_keys_are_handed_out_one_by_one() {
    let world = World::new();
    let other = Scope::new("kmi", "https://lms.example.com", "an older key");
    let run = world.start(3);
    for row in 1..=3 {
        world.settle(run, created(row));
    }
    let mut deleted = leaver(3, Outcome::Deleted);
    deleted.person = Some(PersonNow {
        remote_id: None,
        fingerprint: None,
        state: PersonState::Deleted,
        acknowledged: Vec::new(),
        fingerprints: None,
    });
    world.settle(run, deleted);
    world.flush();
    let found = |scope: &Scope, system: &str, base_url: &str| {
        let mut found = Vec::new();
        world
            .journal
            .under_other_keys(scope, (system, base_url), |it| {
                found.push((it.external_id.to_owned(), it.remote_id.map(str::to_owned)));
                go_on()
            })
            .unwrap();
        found
    };
    let expected = [1, 2].map(|who| (format!("E{who}"), Some(format!("r{who}"))));
    assert_eq!(found(&other, "kmi", "https://lms.example.com/"), expected);
    assert!(found(&scope(), "kmi", "https://lms.example.com").is_empty());
    assert!(found(&other, "kmi", "https://lms2.example.com").is_empty());
    assert!(found(&other, "anewspring", "https://lms.example.com").is_empty());
}

/// A row that gave the person of `from` the ID of `row`.
fn rekeyed(from: &str, row: u32) -> Settled {
    Settled {
        action: Some(Action::Rekey),
        outcome: Outcome::Updated,
        may_land: None,
        rekeyed_from: Some(ExternalId::known(from)),
        person: Some(PersonNow {
            remote_id: None,
            fingerprint: Some(u128::from(row) + 1_000),
            state: PersonState::Active,
            acknowledged: Vec::new(),
            fingerprints: None,
        }),
        ..settled(row, Outcome::Updated)
    }
}

/// A person with a role, under the ID of `row`.
fn give(world: &World, run: RunId, row: u32) {
    let mut settled = with_fields(row, u8::try_from(row).unwrap());
    if let Some(person) = &mut settled.person {
        let role = format!("role{row}");
        person.acknowledged = vec![
            Acknowledged::Created,
            Acknowledged::Details(7),
            Acknowledged::Added(Part::Roles, vec![role]),
        ];
    }
    world.settle(run, settled);
}

fn roles(world: &World, who: u32) -> Vec<String> {
    let parts = world.journal.parts(&scope(), &id(who)).unwrap();
    parts.of(Part::Roles).map(str::to_owned).collect()
}

#[test]
fn a_new_external_id_takes_over_all_that_is_known_and_given() {
    let world = World::new();
    let run = world.start(9);
    give(&world, run, 1);
    let intent = Intent {
        action: Action::Rekey,
        from: Some(id(1)),
        ..intent(9)
    };
    let commit = world.writer.intend(run, vec![intent]);
    commit.wait_blocking().unwrap();
    let open = world.journal.open_intents(run).unwrap();
    assert_eq!(
        (open[0].action, &open[0].from),
        (Action::Rekey, &Some(id(1)))
    );

    world.settle(run, rekeyed("E1", 9));
    world.flush();
    let known = people(&world.journal);
    let expected = (
        "E9".to_owned(),
        Some("r1".to_owned()),
        Some(1_009),
        PersonState::Active,
    );
    assert_eq!(known, [expected]);
    assert_eq!(identities(&world.journal)[0].1, fingerprints(1).fields);
    assert_eq!(roles(&world, 9), ["role1"]);
    assert!(roles(&world, 1).is_empty());
    let row = world.rows(run).pop().unwrap();
    assert_eq!(
        (row.action, row.from.as_deref()),
        (Some(Action::Rekey), Some("E1"))
    );
    // Recorded again, as a resumed run may do it, nothing changes.
    world.settle(run, rekeyed("E1", 9));
    world.flush();
    assert_eq!(roles(&world, 9), ["role1"]);
    assert_eq!(people(&world.journal), known);
}

#[test]
fn an_intent_keeps_the_account_that_it_is_about_until_its_outcome_is_known() {
    let world = World::new();
    let run = world.start(9);
    let adopt = |account: &str| Intent {
        action: Action::Adopt,
        account: Some(account.into()),
        ..intent(9)
    };
    let account = || {
        let mut open = world.journal.open_intents(run).unwrap();
        open.pop().and_then(|intent| intent.account)
    };
    for name in ["1523", "1524"] {
        let commit = world.writer.intend(run, vec![adopt(name)]);
        commit.wait_blocking().unwrap();
        assert_eq!(account().as_deref(), Some(name));
    }
    let unknown = Settled {
        row: Some(RowNumber::new(9)),
        ..Settled::new(Some(id(9)), Outcome::Unknown)
    };
    world.settle(run, unknown);
    world.flush();
    assert_eq!(account().as_deref(), Some("1524"));
}

#[test]
fn chains_and_swaps_of_external_ids_end_with_everybody_under_the_right_one() {
    let world = World::new();
    let run = world.start(9);
    for who in 1..=3 {
        give(&world, run, who);
    }
    // 2 gets 4, and then 1 gets 2.
    world.settle(run, rekeyed("E2", 4));
    world.settle(run, rekeyed("E1", 2));
    // 3 and 4 swap, over an ID that nobody has.
    world.settle(run, rekeyed("E3", 9));
    world.settle(run, rekeyed("E4", 3));
    world.settle(run, rekeyed("E9", 4));
    world.flush();
    let roles: Vec<_> = (1..=9).map(|who| roles(&world, who).concat()).collect();
    let expected = ["", "role1", "role2", "role3", "", "", "", "", ""];
    assert_eq!(roles, expected);
    let known: Vec<_> = people(&world.journal).into_iter().map(|it| it.0).collect();
    assert_eq!(known, ["E2", "E3", "E4"]);
}

#[test]
fn an_id_of_somebody_deleted_can_be_given_to_another_person() {
    let world = World::new();
    let run = world.start(2);
    give(&world, run, 1);
    give(&world, run, 2);
    let mut deleted = leaver(2, Outcome::Deleted);
    deleted.person = Some(PersonNow {
        remote_id: None,
        fingerprint: None,
        state: PersonState::Deleted,
        acknowledged: Vec::new(),
        fingerprints: None,
    });
    world.settle(run, deleted);
    world.settle(run, rekeyed("E1", 2));
    world.flush();
    assert_eq!(people(&world.journal).len(), 1);
    assert_eq!(roles(&world, 2), ["role1"]);
    assert_eq!(people(&world.journal)[0].1.as_deref(), Some("r1"));
}

#[test]
fn a_new_external_id_is_recorded_with_the_call_that_gave_it() {
    let world = World::new();
    let run = world.start(2);
    give(&world, run, 1);
    let acknowledged = vec![
        Acknowledged::Rekeyed(id(1)),
        Acknowledged::Details(8),
        Acknowledged::Added(Part::Roles, vec!["author".into()]),
    ];
    world.writer.acknowledge(run, &id(2), acknowledged).unwrap();
    world.flush();
    assert_eq!(roles(&world, 2), ["author", "role1"]);
    let parts = world.journal.parts(&scope(), &id(2)).unwrap();
    assert_eq!(parts.details, Some(8));
    // The row is still open; the person's content is not known until it is not.
    let known = people(&world.journal);
    assert_eq!((known.len(), &*known[0].0, known[0].2), (1, "E2", None));
    assert_eq!(known[0].1.as_deref(), Some("r1"));
}

//! In which order a run sends what it has to send.

use std::sync::{Mutex, MutexGuard};

use crate::support::System::Kmi;
use crate::support::gate::Gate;
use crate::support::{Feed, Person, World};

/// What came to the gate, in order: the first line of each request.
static CAME: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// One test after the other looks at it.
static GATE: Mutex<()> = Mutex::new(());

fn note(head: &str) -> Option<u16> {
    let line = head.lines().next().unwrap_or_default();
    CAME.lock().unwrap().push(line.to_owned());
    None
}

/// A world whose requests are noted one by one.
fn world(parts: &str) -> (World, Gate, MutexGuard<'static, ()>) {
    let alone = GATE.lock().unwrap();
    let world = World::new(Kmi).target("max_in_flight = 1").parts(parts);
    let gate = Gate::of(&world);
    let world = world.at(gate.url());
    gate.answer(note);
    (world, gate, alone)
}

/// What was written, a letter for each: a removal, a create, an update.
fn written(feed: &Feed, world: &World) -> String {
    CAME.lock().unwrap().clear();
    world.import_feed(feed).exits(0);
    let came = CAME.lock().unwrap();
    let letter = |line: &String| match line.split(' ').next() {
        Some("DELETE") => Some('-'),
        Some("POST") if line.contains("external_id") => Some('~'),
        Some("POST") => Some('+'),
        _ => None,
    };
    came.iter().filter_map(letter).collect()
}

/// A feed of people who change, with a joiner behind each tenth of them; the last one of
/// before is missing.
fn next(before: &Feed) -> Feed {
    let mut people = Vec::new();
    let stay = before.people.len() - 1;
    for (at, person) in before.people[..stay].iter().enumerate() {
        people.push(Person {
            city: "Delft".into(),
            ..person.clone()
        });
        if at % 10 == 9 {
            people.push(Person::new(100_000 + at));
        }
    }
    Feed { people }
}

const UNBOUND: &str = "[leavers]\naction = \"delete\"\n[guards]\nmax_updates = \"100%\"\n\
                       max_creates = \"100%\"";

#[test]
fn leavers_go_first_then_joiners_then_changes() {
    let (world, _gate, _alone) = world(UNBOUND);
    let before = Feed::of(31);
    world.import_feed(&before).exits(0);
    let order = format!("-{}{}", "+".repeat(3), "~".repeat(30));
    assert_eq!(written(&next(&before), &world), order);
}

#[test]
fn so_they_do_where_more_people_change_than_are_kept_in_memory() {
    let (world, _gate, _alone) = world(UNBOUND);
    let before = Feed::of(2_201);
    world.import_feed(&before).exits(0);
    let order = format!("-{}{}", "+".repeat(220), "~".repeat(2_200));
    assert!(written(&next(&before), &world) == order);
}

#[test]
fn a_joiner_who_waits_for_a_login_comes_when_it_is_free() {
    let (world, _gate, _alone) = world(UNBOUND);
    let before = Feed::of(4);
    world.import_feed(&before).exits(0);
    let mut feed = before.clone();
    // The first one gives the login up to somebody new, and another one joins besides.
    feed.people[0].login = "another".into();
    let mut heir = Person::new(50);
    heir.login = before.people[0].login.clone();
    feed.people.insert(0, heir);
    feed.people.push(Person::new(60));
    assert_eq!(written(&feed, &world), "+~+");
    world.assert_everyone_once(&feed);
}

//! What an audit finds, and that it ends.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use hrfeed::sandbox::Faults;
use serde_json::{Value, json};

use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::{Feed, World, on_each_system};

const AUDIT: &[&str] = &["audit", "-m", "mapping.toml", "--json"];

/// A world in which several people can have one login.
fn with_shared_logins(system: System) -> World {
    let faults = Faults {
        shared_logins: true,
        ..Faults::default()
    };
    World::failing(system, faults)
}

fn own_id(world: &World, external_id: &str) -> Value {
    let person = world.lms.person(external_id);
    match world.system {
        Kmi => json!(person["id"].to_string()),
        AnewSpring => person["uid"].clone(),
    }
}

#[test]
fn logins_that_appear_twice_are_found_by_ids_and_are_not_named() {
    on_each_system(|system| {
        let world = with_shared_logins(system);
        let feed = Feed::of(5);
        world.import_feed(&feed).exits(0);
        world.run(AUDIT).exits(0);
        let login = feed.people[2].login.to_uppercase();
        world.lms.create(world.key, &login, "OTHER");
        let ran = world.run(AUDIT).exits(3);
        let found = ran.json();
        let people = json!([own_id(&world, "E00003"), own_id(&world, "OTHER")]);
        assert_eq!(
            found["duplicate_logins"],
            json!([{"external_ids": ["E00003", "OTHER"], "people": people}])
        );
        assert_eq!(found["duplicates"], json!([]));
        let text = world.run(&["audit", "-m", "mapping.toml"]).exits(3);
        assert!(text.stdout.contains("Duplicate logins"), "{text:#?}");
        for ran in [ran, text] {
            assert!(!ran.said().to_lowercase().contains("quimby"), "{ran:#?}");
        }
    });
}

#[test]
fn people_of_no_feed_are_counted_and_listed() {
    on_each_system(|system| {
        let world = World::new(system);
        world.import_feed(&Feed::of(5)).exits(0);
        world.lms.create(world.key, "somebody", "X1");
        world.lms.by_hand("by-hand", "by-hand@example.com");
        let ran = world.run(AUDIT).exits(3);
        assert_eq!(ran.json()["in_no_feed"], json!(["X1"]));
        let message = ran.json()["message"].clone();
        assert_eq!(message, "1 person with an external ID is in no feed.");
        let text = world.run(&["audit", "-m", "mapping.toml"]).exits(3).stdout;
        assert!(
            text.contains("In no feed") && text.contains("  X1\n"),
            "{text}"
        );
    });
}

#[test]
fn a_journal_that_knows_nobody_names_nobody_as_in_no_feed() {
    let world = World::new(Kmi);
    world.lms.create(world.key, "somebody", "X1");
    assert_eq!(world.run(AUDIT).exits(0).json()["in_no_feed"], json!([]));
}

#[test]
fn a_known_person_under_another_external_id_is_found_and_not_called_missing() {
    let world = World::new(Kmi);
    world.import_feed(&Feed::of(5)).exits(0);
    let rename = |external_id: &str, now: &str| {
        let path = format!("/api/v2/users/external_id/{external_id}/");
        let body = json!({"externalId": now}).to_string();
        assert_eq!(world.lms.ask("POST", &path, world.key, &body).0, 200);
    };
    let (second, third) = (own_id(&world, "E00002"), own_id(&world, "E00003"));
    rename("E00002", "2");
    rename("E00003", "");
    world.lms.delete(world.key, "E00004");
    let found = world.run(AUDIT).exits(3).json();
    assert_eq!(
        found["renumbered"],
        json!([
            {"external_id": "E00002", "now": "2", "person": second},
            {"external_id": "E00003", "now": null, "person": third},
        ])
    );
    assert_eq!(found["lost"], json!(["E00004"]));
    assert_eq!(found["in_no_feed"], json!([]));
    let text = world.run(&["audit", "-m", "mapping.toml"]).exits(3).stdout;
    assert!(text.contains("E00002: now 2 (person"), "{text}");
    assert!(
        text.contains("E00003: now no external ID (person"),
        "{text}"
    );
}

#[test]
fn a_list_that_never_ends_ends_the_audit() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Whatever is asked for, a full page of people who were not there before.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4_096];
            let Ok(length) = stream.read(&mut request) else {
                continue;
            };
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let number = |name: &str| -> u64 {
                let rest = request.split_once(name).unwrap().1;
                let digits = rest.split(|char: char| !char.is_ascii_digit());
                digits.into_iter().next().unwrap().parse().unwrap()
            };
            let (offset, limit) = (number("offset="), number("limit="));
            let people = (offset..offset + limit).map(|id| json!({"id": id}));
            let body = people.collect::<Value>().to_string();
            let length = body.len();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
            // A client that has gone is no failure.
            write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{body}").ok();
        }
    });
    let world = World::new(Kmi).at(&format!("http://127.0.0.1:{port}/"));
    let ran = world.run(AUDIT).exits(7);
    assert!(
        ran.stderr.contains("list of people does not end"),
        "{ran:#?}"
    );
    assert_eq!(ran.json()["exit_code"], 7);
}

//! What a run proves at its end: nobody is there twice, everybody is there, and
//! what was written is as it was written.

use hrfeed::sandbox::Faults;
use serde_json::{Value, json};

use crate::support::System::{AnewSpring, Kmi};
use crate::support::gate::Gate;
use crate::support::{Feed, Ran, World, calls, on_each_system, wait_until};

/// What a clean proof says.
fn assert_clean(proof: &Value, checked: u64) {
    assert_eq!(proof["checked"], checked, "{proof:#}");
    for kind in ["twice", "missing", "differ"] {
        assert_eq!(proof[kind], json!([]), "{proof:#}");
    }
}

fn proof(ran: &Ran) -> Value {
    ran.json()["proof"].clone()
}

fn login(world: &World) -> &'static str {
    match world.system {
        Kmi => "loginName",
        AnewSpring => "login",
    }
}

/// The LMS's own ids of everybody, in its order.
fn ids(world: &World) -> Vec<String> {
    let id = |person: &Value| match world.system {
        Kmi => person["id"].to_string(),
        AnewSpring => person["uid"].as_str().unwrap().to_owned(),
    };
    world.lms.everybody().iter().map(id).collect()
}

#[test]
fn a_run_that_created_people_proves_that_they_are_there_once_in_one_or_two_requests() {
    on_each_system(|system| {
        let world = World::new(system);
        let ran = world.import_feed(&Feed::of(100)).exits(0);
        assert_clean(&proof(&ran), 100);
        let (list, before, requests) = match system {
            // Whether the full first page was the last shows the second one; and where
            // nobody is shown, the end is asked for twice, as is a whole list.
            Kmi => ("GET users/", 2, 2),
            AnewSpring => ("GET getUsers", 2, 1),
        };
        assert_eq!(proof(&ran)["requests"], requests);
        // Before, the same call said that nobody is there.
        assert_eq!(world.lms.stats().calls(list), requests + before);
        let line = format!(
            "Verified: all 100 new people are in the LMS, no duplicates ({requests} request"
        );
        let shown = world.run(&["show"]).exits(0).stdout;
        assert!(shown.contains(&line), "{shown}");
        assert_eq!(
            world.run(&["show", "--json"]).exits(0).json()["proof"],
            proof(&ran)
        );
        world.run(&["report", "-o", "page.html"]).exits(0);
        let page = std::fs::read_to_string(world.path("page.html")).unwrap();
        assert!(page.contains(&line), "{page}");
    });
}

#[test]
fn a_run_that_created_nobody_reads_nothing_back() {
    on_each_system(|system| {
        let world = World::new(system);
        let feed = Feed::of(20);
        world.import_feed(&feed).exits(0);
        world.lms.reset_stats();
        assert_eq!(proof(&world.import().exits(0)), Value::Null);
        let changed = feed.change(3, |person| person.city = "Zutphen".into());
        assert_eq!(proof(&world.import_feed(&changed).exits(0)), Value::Null);
        let stats = world.lms.stats();
        assert_eq!(stats.requests(), 1, "{stats:#?}");
    });
}

#[test]
fn a_proof_of_a_thousand_new_people_takes_one_request_in_a_hundred() {
    let world = World::new(Kmi);
    let ran = world.import_feed(&Feed::of(950)).exits(0);
    assert_clean(&proof(&ran), 950);
    assert_eq!(proof(&ran)["requests"], 10);
}

#[test]
fn a_person_whom_the_lms_itself_created_twice_is_named_and_the_exit_code_is_3() {
    let faults = Faults {
        twins: 1.0,
        ..Faults::default()
    };
    let world = World::failing(Kmi, faults);
    let ran = world.import_feed(&Feed::of(2)).exits(3);
    let found = proof(&ran);
    let ids = ids(&world);
    // Both went out at the same time.
    let twice = found["twice"].as_array().unwrap();
    let named = |field: &str, id: &str| {
        let is_it = |it: &&Value| it["field"] == field && it["external_id"] == id;
        let people = &twice.iter().find(is_it).unwrap()["people"];
        let pairs = [json!([ids[0], ids[1]]), json!([ids[2], ids[3]])];
        assert!(pairs.contains(people), "{found:#}");
    };
    for id in ["E00001", "E00002"] {
        named("externalId", id);
        named("loginName", id);
    }
    assert_eq!(twice.len(), 4, "{found:#}");
    assert_eq!(found["missing"], json!([]));
    let says = "2 people in the LMS have the external ID E00001";
    assert!(ran.json()["message"].as_str().unwrap().contains(says));
    assert!(ran.stderr.contains(says), "{ran:#?}");
    assert!(!ran.said().to_lowercase().contains("zquimby"), "{ran:#?}");
    let show = world.run(&["show"]).exits(0);
    assert!(show.stdout.contains(says), "{show:#?}");
    assert_eq!(world.run(&["show", "--json"]).json()["proof"], found);
    world.run(&["report", "-o", "page.html"]).exits(0);
    let page = std::fs::read_to_string(world.path("page.html")).unwrap();
    assert!(page.contains(says), "{page}");
}

#[test]
fn a_login_that_a_colleague_gave_somebody_else_meanwhile_is_found_by_both_ids() {
    on_each_system(|system| {
        let faults = Faults {
            shared_logins: true,
            latency: std::time::Duration::from_millis(40),
            ..Faults::default()
        };
        let world = World::failing(system, faults).target("max_in_flight = 1");
        let feed = Feed::of(20);
        world.feed(&feed);
        let run = world.start_import();
        wait_until("the first person is created", || {
            world.lms.stats().creates() > 1
        });
        // On aNewSpring no call of a colleague creates a login that is in use.
        let key = "another-key";
        let login_name = feed.people[0].login.to_uppercase();
        world.lms.create(key, &login_name, "COLLEAGUE");
        let ran = run.wait().exits(3);
        let found = proof(&ran);
        let twice = found["twice"].as_array().unwrap();
        assert_eq!(twice.len(), 1, "{found:#}");
        assert_eq!(twice[0]["field"], login(&world));
        assert_eq!(twice[0]["people"].as_array().unwrap().len(), 2);
        let external_ids = match system {
            // The other key's external ID is not shown.
            Kmi => json!(["E00001"]),
            AnewSpring => json!(["COLLEAGUE", "E00001"]),
        };
        assert_eq!(twice[0]["external_ids"], external_ids);
        assert!(!ran.said().to_lowercase().contains("quimby"), "{ran:#?}");
    });
}

#[test]
fn a_twin_of_somebody_known_whom_a_colleague_created_during_the_run_is_found() {
    let faults = Faults {
        latency: std::time::Duration::from_millis(40),
        ..Faults::default()
    };
    let world = World::failing(Kmi, faults).target("max_in_flight = 1");
    let mut feed = Feed::of(50);
    let joiners = feed.people.split_off(35);
    world.import_feed(&feed).exits(0);
    let known = ids(&world)[4].clone();
    feed.people.extend(joiners);
    world.feed(&feed);
    world.lms.reset_stats();
    let run = world.start_import();
    wait_until("somebody is created", || world.lms.stats().creates() > 0);
    let twin = world.lms.create(world.key, "somebody-else", "E00005")["id"].to_string();
    let ran = run.wait().exits(3);
    assert_eq!(
        proof(&ran)["twice"],
        json!([{
            "external_id": "E00005", "field": "externalId", "people": [known, twin],
            "external_ids": ["E00005"],
        }])
    );
}

#[test]
fn strangers_of_the_same_minute_are_nobodys_business() {
    let world = World::failing(
        Kmi,
        Faults {
            shared_logins: true,
            ..Faults::default()
        },
    );
    for _ in 0..2 {
        world.lms.by_hand("same-login", "same@example.com");
    }
    let ran = world.import_feed(&Feed::of(3)).exits(0);
    assert_clean(&proof(&ran), 3);
}

#[test]
fn a_clock_that_is_an_hour_off_hides_nobody() {
    for skew in [3_600, -3_600] {
        let faults = Faults {
            clock_skew: skew,
            twins: 0.5,
            ..Faults::default()
        };
        let world = World::failing(Kmi, faults);
        let ran = world.import_feed(&Feed::of(40)).exits(3);
        let found = proof(&ran);
        assert_eq!(found["missing"], json!([]), "{found:#}");
        let twins = ids(&world).len() as u64 - 40;
        assert!(twins > 0);
        let of_ids = found["twice"].as_array().unwrap().iter();
        let of_ids = of_ids.filter(|it| it["field"] == "externalId").count() as u64;
        assert_eq!(of_ids, twins, "{skew}: {found:#}");
    }
}

#[test]
fn an_lms_that_filters_by_another_clock_is_not_believed_blindly() {
    // Its answers are dated by a proxy whose clock is right.
    let world = World::failing(
        Kmi,
        Faults {
            clock_skew: 7_200,
            ..Faults::default()
        },
    );
    world.import_feed(&Feed::of(2)).exits(0);
    // From now on the people that it creates seem to be two hours old.
    let slow = Faults {
        latency: std::time::Duration::from_millis(100),
        ..Faults::default()
    };
    let world = World::failing(Kmi, slow).target("max_in_flight = 1");
    world.feed(&Feed::of(12));
    let run = world.start_import();
    wait_until("it has answered", || world.lms.stats().creates() > 0);
    world.lms.set_faults(&json!({"clock_skew": -7_200}));
    let ran = run.wait().exits(0);
    assert_eq!(proof(&ran), Value::Null);
    let notes = ran.json()["notes"].to_string();
    assert!(
        notes.contains("not verified: the list of the LMS does not show"),
        "{notes}"
    );
}

#[test]
fn people_who_are_gone_at_the_end_are_named_as_missing() {
    on_each_system(|system| {
        let faults = Faults {
            latency: std::time::Duration::from_millis(40),
            ..Faults::default()
        };
        let world = World::failing(system, faults).target("max_in_flight = 1");
        world.feed(&Feed::of(20));
        let run = world.start_import();
        wait_until("two are created", || world.lms.people().len() > 1);
        world.lms.delete(world.key, "E00001");
        let ran = run.wait().exits(3);
        assert_eq!(proof(&ran)["missing"], json!(["E00001"]));
        assert!(ran.stderr.contains("not in the LMS: E00001"), "{ran:#?}");
    });
}

#[test]
fn who_is_found_missing_is_named_although_the_lms_does_not_answer_about_somebody_else() {
    on_each_system(|system| {
        let faults = Faults {
            latency: std::time::Duration::from_millis(40),
            ..Faults::default()
        };
        let world = World::failing(system, faults);
        let gate = Gate::of(&world);
        let world = world.at(gate.url());
        let world = world.target("max_in_flight = 1\nmax_outage = \"1s\"");
        world.feed(&Feed::of(20));
        let run = world.start_import();
        wait_until("three are created", || world.lms.people().len() > 2);
        world.lms.delete(world.key, "E00001");
        world.lms.delete(world.key, "E00002");
        gate.answer(|head| {
            let is_look_up = head.starts_with("GET") && head.contains("E00001");
            is_look_up.then_some(500)
        });
        let ran = run.wait().exits(3);
        let found = proof(&ran);
        assert_eq!(found["missing"], json!(["E00002"]), "{ran:#?}");
        assert_eq!(found["checked"], 19);
        assert!(ran.stderr.contains("not in the LMS: E00002"), "{ran:#?}");
        let notes = ran.json()["notes"].to_string();
        let why = "not verified: the list of the LMS does not show 2 new people";
        assert!(notes.contains(why), "{notes}");
    });
}

#[test]
fn verify_finds_who_was_edited_or_deleted_meanwhile_and_names_fields_only() {
    on_each_system(|system| {
        let world = World::new(system);
        let feed = Feed::of(12);
        world.import_feed(&feed).exits(0);
        let mut changed = feed.clone();
        for person in &mut changed.people {
            person.city = "Zutphen".into();
        }
        world.lms.set_faults(&json!({"latency": 0.04}));
        let world = world.target("max_in_flight = 1");
        world.feed(&changed);
        world.lms.reset_stats();
        let run = world.start(&[
            "import",
            "people.csv",
            "-m",
            "mapping.toml",
            "--json",
            "--verify",
        ]);
        wait_until("three are updated", || world.lms.stats().updates() > 3);
        match system {
            Kmi => {
                let path = "/api/v2/users/external_id/E00001/";
                let body = json!({"city": "Elsewhere", "externalId": "E00001"}).to_string();
                assert_eq!(world.lms.ask("POST", path, world.key, &body).0, 200);
            }
            AnewSpring => {
                let form = "residence=Elsewhere&archived=true";
                world.lms.call("updateUser/E00001", form);
            }
        }
        world.lms.delete(world.key, "E00002");
        let ran = run.wait().exits(3);
        let fields: &[&str] = match system {
            Kmi => &["city"],
            AnewSpring => &["residence", "archived"],
        };
        let found = proof(&ran);
        assert_eq!(
            found["differ"],
            json!([{"external_id": "E00001", "fields": fields}])
        );
        assert_eq!(found["missing"], json!(["E00002"]));
        assert_eq!(
            (&found["checked"], &found["read_back"]),
            (&json!(12), &json!(12))
        );
        assert!(!ran.said().contains("Elsewhere") && !ran.said().contains("Zutphen"));
        // Each was asked about once, and nobody is new.
        assert_eq!(
            (found["requests"].as_u64(), world.lms.stats().look_ups()),
            (Some(12), 12)
        );
    });
}

#[test]
fn a_mismatch_is_told_although_the_lms_does_not_answer_about_somebody_else() {
    on_each_system(|system| {
        let world = World::new(system);
        let gate = Gate::of(&world);
        let world = world.at(gate.url()).target("max_outage = \"1s\"");
        let mut feed = Feed::of(4);
        world.import_feed(&feed).exits(0);
        for person in &mut feed.people {
            person.city = "Zutphen".into();
        }
        world.feed(&feed);
        gate.answer(|head| match head {
            it if !it.starts_with("GET") => None,
            it if it.contains("E00001") => Some(500),
            it if it.contains("E00003") => Some(404),
            _ => None,
        });
        let ran = world.import_with(&["--verify"]).exits(3);
        let found = proof(&ran);
        assert_eq!(found["missing"], json!(["E00003"]), "{ran:#?}");
        let read_back = (&found["checked"], &found["read_back"]);
        assert_eq!(read_back, (&json!(3), &json!(3)));
        let notes = ran.json()["notes"].to_string();
        let about_the_rest = "not verified: the LMS did not answer about 1 person";
        assert!(notes.contains(about_the_rest), "{notes}");
        assert!(ran.stderr.contains("not in the LMS: E00003"), "{ran:#?}");
    });
}

#[test]
fn verify_reads_a_sample_back_or_everything_and_what_is_right_is_right() {
    on_each_system(|system| {
        let world = World::new(system);
        let feed = Feed::of(30);
        world.feed(&feed);
        let ran = world.import_with(&["--verify=7"]).exits(0);
        assert_clean(&proof(&ran), 30);
        assert_eq!(proof(&ran)["read_back"], 7);
        // Beside the sample of those whom the list did not show.
        assert_eq!(world.lms.stats().look_ups(), 20 + 7);
        let mut next = feed.clone();
        next.people[0].city = "Zutphen".into();
        next.people[1].city = "Zutphen".into();
        world.feed(&next);
        world.lms.reset_stats();
        let ran = world.import_with(&["--verify=200"]).exits(0);
        assert_clean(&proof(&ran), 2);
        assert_eq!(world.lms.stats().look_ups(), 2);
        let shown = world.run(&["show"]).exits(0).stdout;
        assert!(
            shown.contains("Verified: 2 changes read back (2 requests)"),
            "{shown}"
        );
        // Nothing was written, so nothing is read.
        world.lms.reset_stats();
        assert_eq!(
            proof(&world.import_with(&["--verify"]).exits(0)),
            Value::Null
        );
        assert_eq!(world.lms.stats().requests(), 0);
        let wrong = world.import_with(&["--verify=some"]);
        assert!(wrong.stderr.contains("--verify=200"), "{wrong:#?}");
        wrong.exits(2);
    });
}

#[test]
fn verify_looks_at_leavers_too() {
    let leavers = |action: &str| {
        format!(
            "[leavers]\naction = \"{action}\"\n\n[guards]\nmax_leavers = \"90%\"\nmax_shrink = \"90%\""
        )
    };
    for (system, action) in [
        (Kmi, "delete"),
        (AnewSpring, "delete"),
        (AnewSpring, "deactivate"),
    ] {
        let world = World::new(system).parts(&leavers(action));
        let mut feed = Feed::of(10);
        world.import_feed(&feed).exits(0);
        feed.people.truncate(7);
        world.feed(&feed);
        world.lms.reset_stats();
        let ran = world.import_with(&["--verify"]).exits(0);
        assert_clean(&proof(&ran), 3);
        assert_eq!(world.lms.stats().look_ups(), 3);
    }
    let world = World::new(AnewSpring)
        .parts(&leavers("deactivate"))
        .target("max_in_flight = 1");
    let mut feed = Feed::of(10);
    world.import_feed(&feed).exits(0);
    feed.people.truncate(4);
    world.feed(&feed);
    world.lms.set_faults(&json!({"latency": 0.05}));
    let run = world.start(&[
        "import",
        "people.csv",
        "-m",
        "mapping.toml",
        "--json",
        "--verify",
    ]);
    let is_inactive = || world.lms.person("E00005")["active"] == json!(false);
    wait_until("somebody is deactivated", is_inactive);
    world.lms.call("updateUser/E00005", "active=true");
    let ran = run.wait().exits(3);
    assert_eq!(
        proof(&ran)["differ"],
        json!([{"external_id": "E00005", "fields": ["deactivated"]}])
    );
    assert!(
        ran.stderr
            .contains("E00005 was deactivated and can still sign in")
    );
}

#[test]
fn a_proof_that_cannot_be_made_fails_no_run_and_is_noted() {
    let world = World::new(Kmi);
    world.import_feed(&Feed::of(3)).exits(0);
    world.feed(&Feed::of(12));
    world.lms.set_faults(&json!({"latency": 0.05}));
    let world = world.target("max_in_flight = 1\nmax_outage = \"1s\"");
    let run = world.start_import();
    wait_until("the last is created", || world.lms.people().len() == 12);
    world.lms.set_faults(&json!({"errors": 1.0}));
    let ran = run.wait().exits(0);
    assert_eq!((proof(&ran), ran.count("created")), (Value::Null, 9));
    let notes = ran.json()["notes"].to_string();
    assert!(notes.contains("not verified: the LMS went down"), "{notes}");
    assert_eq!(world.run(&["show", "--json"]).json()["exit_code"], 0);
}

#[test]
fn a_resumed_run_proves_what_it_did_before_the_interruption_too() {
    on_each_system(|system| {
        let world = World::failing(
            system,
            Faults {
                twins: 1.0,
                latency: std::time::Duration::from_millis(30),
                ..Faults::default()
            },
        )
        .target("max_in_flight = 1");
        world.feed(&Feed::of(10));
        let run = world.start_import();
        wait_until("some are created", || world.lms.stats().creates() > 3);
        run.kill();
        world.lms.set_faults(&json!({"twins": 0.0, "latency": 0.0}));
        let ran = world.resume().exits(3);
        let found = proof(&ran);
        let field = if system == Kmi { "externalId" } else { "login" };
        let twice = found["twice"].as_array().unwrap().iter();
        let of_field: Vec<_> = twice.filter(|it| it["field"] == field).collect();
        let twins = ids(&world).len() - 10;
        assert!(twins > 0 && of_field.len() == twins, "{twins}: {found:#}");
    });
}

#[test]
fn somebody_who_got_an_external_id_by_hand_is_held_against_the_new_people_too() {
    let world = World::new(Kmi).parts("[adopt]\nby = \"loginName\"");
    let feed = Feed::of(2);
    world.import_feed(&feed).exits(0);
    let feed = Feed::of(3);
    world.by_hand(&feed.people[2]);
    world.lms.reset_stats();
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!(ran.count("updated"), 1);
    let found = proof(&ran);
    assert_eq!(
        (&found["new_people"], &found["twice"]),
        (&json!(0), &json!([]))
    );
    assert_eq!(
        world.lms.stats().by_call(),
        calls(&[
            ("GET users/", 3 + found["requests"].as_u64().unwrap()),
            ("GET users/external_id/{external_id}/", 1),
            ("POST users/{id}/", 1)
        ])
    );
}

//! Rows that the LMS always refuses, in ways that are mostly about the key, the
//! address or the rate: they end alone, and block nobody on any night. When
//! everybody is refused, the run stops instead.

use serde_json::{Value, json};

use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::{Feed, Ran, World, on_each_system, side_by_side, wait_until};

/// The person of line 101.
const ODD: &str = "E00100";

/// A world that waits no longer for a row than these tests can.
fn hasty(system: System) -> World {
    World::new(system).target("max_outage = \"5s\"")
}

/// Answers each change of these people with that status.
fn odd_rows(world: &World, ids: &[&str], status: u16) {
    let rows: Value = ids
        .iter()
        .map(|id| ((*id).to_owned(), json!(status)))
        .collect();
    world.lms.set_faults(&json!({ "odd_rows": rows }));
}

#[track_caller]
fn only_one_is_left(ran: Ran, outcome: &str) -> Ran {
    let ran = ran.exits(3);
    assert_eq!(ran.json()["state"], "finished", "{ran:#?}");
    assert_eq!(ran.count(outcome), 1, "{ran:#?}");
    assert_eq!(ran.count("pending") + ran.count("unknown"), 0, "{ran:#?}");
    ran
}

/// One of 200 rows is answered with that status, on this night and on the next.
fn one_odd_row(system: System, status: u16, outcome: &str, words: &str) {
    let world = hasty(system);
    let feed = Feed::of(200);
    odd_rows(&world, &[ODD], status);
    let ran = only_one_is_left(world.import_feed(&feed), outcome);
    assert_eq!(ran.count("created"), 199, "{status}: {ran:#?}");
    let row = world.row(101);
    assert_eq!(
        (&row["outcome"], &row["external_id"]),
        (&json!(outcome), &json!(ODD))
    );
    let message = row["message"].as_str().unwrap();
    assert!(message.contains(words), "{status}: {message}");

    // The next night has work behind the odd row, which is tried again.
    let mut next = feed.change(150, |person| person.city = "Meppel".into());
    next.people.push(Feed::of(201).people.remove(200));
    world.lms.reset_stats();
    let ran = only_one_is_left(world.import_feed(&next), outcome);
    let done = (
        ran.count("created"),
        ran.count("updated"),
        ran.count("unchanged"),
    );
    assert_eq!(done, (1, 1, 198), "{status}: {ran:#?}");
    assert!(
        world.lms.stats().played("odd_rows") > 0,
        "it is tried again"
    );

    world.lms.set_faults(&json!({"odd_rows": {}}));
    assert_eq!(world.import().exits(0).count("created"), 1);
    world.assert_everyone_once(&next);
}

#[test]
fn a_row_that_is_answered_like_a_wrong_key_is_rejected_alone_and_blocks_no_night() {
    let refused = "refuses this and answers other requests (HTTP ";
    let each = [401, 403, 404, 405].into_iter().flat_map(|status| {
        [Kmi, AnewSpring].map(|system| {
            move || one_odd_row(system, status, "rejected", &format!("{refused}{status})"))
        })
    });
    side_by_side(each);
}

#[test]
fn a_row_that_is_redirected_is_read_back_and_fails_alone() {
    on_each_system(|system| {
        one_odd_row(system, 302, "failed", "redirects to another address (302)");
    });
}

#[test]
fn a_row_that_is_always_answered_429_goes_behind_the_others_and_fails_alone() {
    on_each_system(|system| one_odd_row(system, 429, "failed", "HTTP 429"));
}

#[test]
fn a_row_that_is_always_answered_500_fails_alone_and_blocks_no_night() {
    on_each_system(|system| one_odd_row(system, 500, "failed", "HTTP 500"));
}

#[test]
fn a_feed_of_one_row_with_a_403_is_judged_by_a_probe() {
    on_each_system(|system| {
        let world = one_row(system, 403, "rejected");
        assert_eq!(world.lms.stats().creates(), 1, "it was sent again");
    });
}

#[test]
fn a_feed_of_one_row_that_is_always_answered_429_ends_in_time() {
    on_each_system(|system| drop(one_row(system, 429, "failed")));
}

/// Nobody else shows whose trouble the status is.
fn one_row(system: System, status: u16, outcome: &str) -> World {
    let world = hasty(system);
    odd_rows(&world, &["E00001"], status);
    only_one_is_left(world.import_feed(&Feed::of(1)), outcome);
    world
}

#[test]
fn several_odd_rows_of_different_kinds_end_in_one_night() {
    on_each_system(|system| {
        let world = hasty(system);
        let statuses = [
            ("E00010", 403),
            ("E00050", 429),
            ("E00051", 500),
            ("E00090", 429),
        ];
        let rows: Value = statuses
            .iter()
            .map(|(id, it)| ((*id).to_owned(), json!(it)))
            .collect();
        world.lms.set_faults(&json!({ "odd_rows": rows }));
        let ran = world.import_feed(&Feed::of(100)).exits(3);
        let counts = ["created", "rejected", "failed"].map(|it| ran.count(it));
        assert_eq!(counts, [96, 1, 3], "{ran:#?}");
    });
}

#[test]
fn a_leaver_whose_removal_is_always_refused_is_named_and_blocks_no_night() {
    let each = [401, 403, 405, 429, 500]
        .into_iter()
        .flat_map(|status| [Kmi, AnewSpring].map(|system| move || odd_leaver(system, status)));
    side_by_side(each);
}

fn odd_leaver(system: System, status: u16) {
    let world = hasty(system).parts("[leavers]\naction = \"delete\"");
    let feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    let mut fewer = feed.change(0, |person| person.city = "Meppel".into());
    fewer.people.truncate(39);
    odd_rows(&world, &["E00040"], status);
    for updated in [1, 0] {
        let ran = world.import_feed(&fewer).exits(3);
        assert_eq!(ran.json()["state"], "finished", "{status}: {ran:#?}");
        assert_eq!((ran.count("updated"), ran.count("deleted")), (updated, 0));
        let rows = world.rows();
        let leaver = rows.iter().find(|row| row["external_id"] == "E00040");
        let outcome = leaver.map(|row| row["outcome"].clone());
        let is_named = outcome == Some(json!("rejected")) || outcome == Some(json!("failed"));
        assert!(is_named, "{status}: {rows:#?}");
    }
    world.lms.set_faults(&json!({"odd_rows": {}}));
    assert_eq!(world.import().exits(0).count("deleted"), 1);
}

/// Revokes the right for changes in the middle of a run. Returns how it ended, and
/// how many changes were refused.
fn revoked_in_mid_run(world: &World, people: usize) -> (Ran, u64) {
    world.feed(&Feed::of(people));
    world.lms.set_faults(&json!({"latency": 0.02}));
    let run = world.start_import();
    wait_until("some are created", || world.lms.stats().creates() > 20);
    let everybody = Feed::of(people).people;
    let ids: Vec<_> = everybody.iter().map(|person| person.id.as_str()).collect();
    odd_rows(world, &ids, 401);
    (run.wait(), world.lms.stats().played("odd_rows"))
}

#[test]
fn a_key_that_is_revoked_in_mid_run_stops_it_at_once_and_resume_goes_on_after_the_repair() {
    on_each_system(|system| {
        let world = hasty(system);
        let (ran, refused) = revoked_in_mid_run(&world, 400);
        let ran = ran.exits(7);
        // Those in flight, and what was sent until the third refusal.
        assert!(refused <= 8 + 3, "{refused} changes were refused");
        assert_eq!((ran.count("rejected"), ran.count("failed")), (0, 0));
        let (created, pending) = (ran.count("created"), ran.count("pending"));
        assert_eq!(
            (created + pending, ran.count("unknown")),
            (400, 0),
            "{ran:#?}"
        );
        assert_eq!(ran.json()["state"], "interrupted");
        assert!(ran.stderr.contains("rejected the API key"), "{ran:#?}");
        assert!(ran.stderr.contains("help: check the API key"), "{ran:#?}");
        let shown = world.run(&["show"]).exits(0).stdout;
        assert!(shown.contains("hrfeed resume 1"), "{shown}");
        assert!(shown.contains("after the repair"), "{shown}");
        world.lms.set_faults(&json!({"odd_rows": {}, "latency": 0}));
        assert_eq!(world.resume().exits(0).count("created"), 400);
        world.assert_everyone_once(&Feed::of(400));
    });
}

#[test]
fn what_ends_before_the_first_change_is_not_interrupted_and_a_later_run_takes_its_place() {
    on_each_system(|system| {
        let mut world = World::new(system);
        world.key = "expired";
        world.feed(&Feed::of(40));
        let ran = world.import().exits(7);
        assert_eq!(
            (&ran.json()["state"], ran.count("pending")),
            (&json!("failed"), 40)
        );
        assert_eq!(ran.json()["exit_code"], 7);
        let shown = world.run(&["show"]).exits(0).stdout;
        assert!(
            shown.contains("Stopped before anything was changed (40 rows)."),
            "{shown}"
        );
        assert!(shown.contains("start again after the repair"), "{shown}");
        assert!(!shown.contains("hrfeed resume"), "{shown}");
        // The key was repaired in the LMS: nothing speaks against a resume.
        let again = world.resume().exits(7);
        assert_eq!(again.json()["state"], "failed");
        // Another key is another scope.
        world.key = "test-key";
        let refused = world.resume().exits(2);
        assert!(
            refused.stderr.contains("another LMS address or API key"),
            "{refused:#?}"
        );
        assert!(
            refused.stderr.contains("nothing is left of it"),
            "{refused:#?}"
        );
        world.import().exits(0);
        let runs = world.run(&["runs", "--json"]).exits(0).json();
        let first = &runs["runs"][1];
        assert_eq!(
            (&first["run"], &first["state"]),
            (&json!("1"), &json!("superseded"))
        );
        assert_eq!(first["exit_code"], 7, "{runs:#}");
    });
}

#[test]
fn a_key_that_may_change_nothing_ends_the_run_before_anything_was_changed() {
    on_each_system(|system| {
        let world = World::new(system);
        let feed = Feed::of(40);
        let ids: Vec<_> = feed
            .people
            .iter()
            .map(|person| person.id.as_str())
            .collect();
        odd_rows(&world, &ids, 403);
        let ran = world.import_feed(&feed).exits(7);
        assert_eq!(
            (&ran.json()["state"], ran.count("pending")),
            (&json!("failed"), 40)
        );
        assert!(
            ran.stderr
                .contains("does not allow this API key to call `POST "),
            "{ran:#?}"
        );
        world.lms.set_faults(&json!({"odd_rows": {}}));
        assert_eq!(world.resume().exits(0).count("created"), 40);
    });
}

/// The IDs of these people of a feed.
fn ids(people: impl Iterator<Item = usize>) -> Vec<String> {
    people.map(|at| format!("E{at:05}")).collect()
}

fn odd(world: &World, ids: &[String], status: u16) {
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    odd_rows(world, &ids, status);
}

/// Every second one of 140 people is refused each night, and nobody else is left the
/// next time but those who are new.
fn odd_every_night(system: System, status: u16, exit_code: i32) {
    let world = hasty(system);
    let all = Feed::of(145);
    let mut feed = all.clone();
    feed.people.truncate(140);
    let odd_ones = ids((2..=140).step_by(2));
    odd(&world, &odd_ones, status);
    let ran = world.import_feed(&feed).exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (70, 70));
    for count in 141..=145 {
        feed.people = all.people[..count].to_vec();
        let ran = world.import_feed(&feed).exits(exit_code);
        assert_eq!(ran.count("created"), 1, "{status}, {count}: {ran:#?}");
        let rest = ran.count("rejected") + ran.count("pending");
        assert_eq!(rest, 70, "{status}, {count}: {ran:#?}");
    }
    world.lms.set_faults(&json!({"odd_rows": {}}));
    assert_eq!(world.import().exits(0).count("created"), 70);
    world.assert_everyone_once(&feed);
}

#[test]
fn rows_that_are_refused_every_night_come_after_those_that_are_new() {
    // 403 is about the rows, since the others were answered; 50 in turn with the same
    // words end the run behind all others.
    let each = [(403, 4), (422, 4)]
        .into_iter()
        .flat_map(|(status, exit_code)| {
            [Kmi, AnewSpring].map(|system| move || odd_every_night(system, status, exit_code))
        });
    side_by_side(each);
}

#[test]
fn three_rows_that_are_refused_every_night_are_not_the_key() {
    on_each_system(|system| {
        let world = hasty(system);
        odd(&world, &ids([3, 50, 97].into_iter()), 401);
        let feed = Feed::of(100);
        for created in [97, 0, 0] {
            let ran = world.import_feed(&feed).exits(3);
            let counts = (ran.count("created"), ran.count("rejected"));
            assert_eq!(counts, (created, 3), "{ran:#?}");
            assert_eq!(ran.json()["state"], "finished");
        }
    });
}

#[test]
fn a_block_of_odd_rows_keeps_the_others_waiting_for_a_few_nights_and_not_for_ever() {
    on_each_system(|system| {
        let world = hasty(system);
        odd(&world, &ids(1..=30), 403);
        let feed = Feed::of(60);
        let nights: Vec<_> = (0..8)
            .map(|_| {
                let ran = world.import_feed(&feed);
                (ran.code, ran.count("created") + ran.count("unchanged"))
            })
            .take_while(|night| night.0 == 7)
            .collect();
        // Each of them has tried three more at least, and eight or so in fact.
        assert!(nights.len() <= 6, "{nights:?}");
        let ran = world.import_feed(&feed).exits(3);
        let counts = (ran.count("unchanged"), ran.count("rejected"));
        assert_eq!(counts, (30, 30), "{ran:#?}");
    });
}

#[test]
fn leavers_who_can_never_be_removed_do_not_keep_the_others_waiting() {
    on_each_system(|system| {
        let world =
            hasty(system).parts("[leavers]\naction = \"delete\"\n[guards]\nmax_leavers = \"100%\"");
        world.import_feed(&Feed::of(40)).exits(0);
        odd(&world, &ids(38..=40), 403);
        let mut feed = Feed::of(45);
        feed.people.drain(37..40);
        // They are refused in turn, as if it were the key.
        let ran = world.import_feed(&feed).exits(7);
        assert_eq!((ran.count("created"), ran.count("pending")), (0, 5));
        // They come last from then on.
        let ran = world.import_feed(&feed).exits(7);
        assert_eq!((ran.count("created"), ran.count("pending")), (5, 0));
        // Somebody else can be removed: so it is they.
        feed.people.remove(36);
        for deleted in [1, 0] {
            let ran = world.import_feed(&feed).exits(3);
            assert_eq!(ran.count("deleted"), deleted, "{ran:#?}");
        }
        world.lms.set_faults(&json!({"odd_rows": {}}));
        assert_eq!(world.import().exits(0).count("deleted"), 3);
    });
}

#[test]
fn when_everybody_is_refused_in_the_same_words_the_run_stops_and_says_what_it_looks_like() {
    on_each_system(|system| {
        let world = World::new(system).target("max_in_flight = 4");
        let feed = Feed::of(300);
        for (words, looks, help) in [
            (
                "licence limit reached",
                "licences of the LMS are used up",
                "free or buy licences",
            ),
            (
                "user 4711 already exists",
                "have accounts already",
                "[adopt]",
            ),
            (
                "computer says no",
                "nobody else would be accepted",
                "correct the cause",
            ),
        ] {
            world.lms.set_faults(&json!({ "refuse_all": words }));
            world.lms.reset_stats();
            let ran = world.import_feed(&feed).exits(4);
            let refused = ran.count("rejected");
            assert!((50..50 + 4).contains(&refused), "{ran:#?}");
            assert_eq!(ran.count("pending"), 300 - refused);
            assert_eq!(world.lms.stats().played("refuse_all"), refused);
            assert_eq!(ran.json()["state"], "interrupted");
            assert!(ran.stderr.contains(looks), "{ran:#?}");
            assert!(ran.stderr.contains(help), "{ran:#?}");
        }
        let shown = world.run(&["show"]).exits(0).stdout;
        assert!(shown.contains("hrfeed resume 3"), "{shown}");
        world.lms.set_faults(&json!({"refuse_all": null}));
        let ran = world.resume().exits(3);
        assert_eq!(
            ran.count("created") + ran.count("rejected"),
            300,
            "{ran:#?}"
        );
        world.import().exits(0);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn fewer_than_fifty_refusals_are_rejected_rows() {
    on_each_system(|system| {
        let world = World::new(system);
        world
            .lms
            .set_faults(&json!({"refuse_all": "licence limit reached"}));
        let ran = world.import_feed(&Feed::of(49)).exits(3);
        assert_eq!(ran.count("rejected"), 49, "{ran:#?}");
    });
}

#[test]
fn a_plan_and_an_audit_that_a_person_must_repair_end_with_7() {
    on_each_system(|system| {
        let mut world = World::new(system);
        world.key = "expired";
        world.feed(&Feed::of(3));
        let ran = world.plan().exits(7);
        assert_eq!(
            (&ran.json()["state"], &ran.json()["exit_code"]),
            (&json!("failed"), &json!(7))
        );
        let ran = world
            .run(&["audit", "-m", "mapping.toml", "--json"])
            .exits(7);
        assert_eq!(ran.json()["exit_code"], 7);
    });
}

//! What an import would do, by other names and without an LMS.

use crate::support::{Feed, KEY, Ran, SECRET, World, on_each_system};

/// The output without what differs from run to run.
fn lasting(ran: &Ran) -> (i32, serde_json::Value) {
    let mut json = ran.json();
    for field in ["started", "ended", "elapsed_seconds"] {
        json[field] = serde_json::Value::Null;
    }
    (ran.code, json)
}

#[test]
fn a_dry_import_says_what_a_plan_says_and_changes_nothing() {
    on_each_system(|system| {
        let world = World::new(system).parts("[leavers]\naction = \"delete\"");
        let feed = Feed::of(12);
        world.import_feed(&feed).exits(0);
        let mut next = (feed.clone()).change(2, |person| person.email = "nobody".into());
        next.people.remove(9);
        let next = next.change(4, |person| person.city = "Delft".into());
        world.feed(&next);
        let dry = world.changes_nothing(|world| world.import_with(&["--dry-run"]));
        assert_eq!(dry.code, 3, "{dry:#?}");
        assert_eq!(lasting(&dry), lasting(&world.plan()));
        let text = |command: &[&str]| {
            let more = ["people.csv", "-m", "mapping.toml"];
            world.run(&[command, &more].concat()).exits(3).stdout
        };
        let without_time = |text: String| text.lines().filter(|it| !it.contains(" s")).count();
        assert_eq!(
            without_time(text(&["import", "--dry-run"])),
            without_time(text(&["plan"]))
        );
        assert_eq!(
            world.run(&["runs", "--json"]).json()["runs"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        // A plan sends nothing, so there is nothing to approve, to verify or to wait for.
        for option in ["--verify", "--wait=1s", "--deadline=1s", "--metrics=f"] {
            let said = world.import_with(&["--dry-run", option]).exits(2).stderr;
            assert!(said.contains("cannot be used with"), "{said}");
        }
    });
}

#[test]
fn a_plan_for_the_sandbox_needs_no_key_and_no_lms() {
    on_each_system(|system| {
        let world = World::new(system);
        let nowhere = world.at("http://127.0.0.1:9");
        nowhere.feed(&Feed::of(12));
        for arguments in [
            &[
                "plan",
                "people.csv",
                "-m",
                "mapping.toml",
                "--sandbox",
                "--json",
            ][..],
            &[
                "import",
                "people.csv",
                "-m",
                "mapping.toml",
                "--sandbox",
                "--dry-run",
                "--json",
            ],
        ] {
            let mut command = nowhere.command(arguments);
            command.env_remove(KEY).env_remove(SECRET);
            let ran = Ran::of(command.output().unwrap()).exits(0);
            assert_eq!(
                (ran.count("created"), ran.json()["command"].as_str()),
                (12, Some("plan"))
            );
        }
        assert!(
            !nowhere.path("journal.db").exists(),
            "a plan writes nothing"
        );
    });
}

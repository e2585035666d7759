//! The figures of a run, as Prometheus reads them.

use std::collections::BTreeMap;
use std::fs;

use crate::support::System::Kmi;
use crate::support::{Feed, Ran, World, on_each_system};

const IMPORT: &[&str] = &[
    "import",
    "people.csv",
    "-m",
    "mapping.toml",
    "--metrics",
    "hrfeed.prom",
    "--json",
];

/// The figures in the file by name, without the labels that all have.
fn figures(world: &World) -> BTreeMap<String, String> {
    let text = fs::read_to_string(world.path("hrfeed.prom")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let of_line = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = name.split_once('{').unwrap();
        assert!(labels.starts_with("scope=\""), "{line}");
        let last = labels.trim_end_matches('}').rsplit(',').next().unwrap();
        let own = Some(last).filter(|it| !it.starts_with("mapping="));
        let name = own.map_or(name.to_owned(), |own| format!("{name} {own}"));
        (name, value.to_owned())
    };
    lines.map(of_line).collect()
}

fn import(world: &World) -> Ran {
    world.run(IMPORT)
}

#[test]
fn a_monitor_reads_from_a_file_how_the_night_went() {
    on_each_system(|system| {
        let world = World::new(system);
        let feed = Feed::of(20).change(4, |person| person.email = "nobody".into());
        world.feed(&feed);
        let ran = import(&world).exits(3);
        let first = figures(&world);
        assert_eq!(first["hrfeed_exit_code"], "3");
        assert_eq!(first["hrfeed_rows"], "20");
        assert_eq!(first["hrfeed_outcomes outcome=\"created\""], "19");
        assert_eq!(first["hrfeed_outcomes outcome=\"rejected\""], "1");
        assert_eq!(first["hrfeed_rejected why=\"invalid\""], "1");
        assert_eq!(first["hrfeed_rejected why=\"refused\""], "0");
        assert_eq!(first["hrfeed_holds state=\"open\""], "0");
        let age: f64 = first["hrfeed_feed_age_seconds"].parse().unwrap();
        assert!((0.0..60.0).contains(&age));
        let calls = ran.json()["calls"]["total"].to_string();
        assert_eq!(first["hrfeed_calls_total"], calls);
        assert_eq!(
            first["hrfeed_last_success_timestamp_seconds"],
            first["hrfeed_last_run_timestamp_seconds"]
        );
        // A feed that looks sick is no success, and the last one stays known.
        world.feed(&Feed::of(3));
        import(&world).exits(4);
        let second = figures(&world);
        assert_eq!(second["hrfeed_exit_code"], "4");
        let success = "hrfeed_last_success_timestamp_seconds";
        assert_eq!(second[success], first[success]);
        assert_ne!(second["hrfeed_last_run_timestamp_seconds"], second[success]);
    });
}

#[test]
fn whoever_waits_for_a_decision_is_counted() {
    let world = World::new(Kmi).parts("[leavers]\naction = \"delete\"\n[guards]\nmax_leavers = 1");
    world.import_feed(&Feed::of(20)).exits(0);
    world.feed(&Feed::of(17));
    import(&world).exits(4);
    assert_eq!(figures(&world)["hrfeed_holds state=\"open\""], "1");
}

#[test]
fn a_file_of_somebody_else_is_not_replaced_by_figures() {
    let world = World::new(Kmi);
    world.feed(&Feed::of(3));
    world.write("hrfeed.prom", "node_load1 0.5\n");
    let ran = import(&world).exits(2);
    assert!(ran.stderr.contains("not a file of metrics"), "{ran:#?}");
    assert_eq!(world.lms.stats().requests(), 0);
    // A folder that is gone once the run is over does not change how it ended.
    fs::remove_file(world.path("hrfeed.prom")).unwrap();
    let elsewhere = [&IMPORT[..5], &["nowhere/hrfeed.prom"]].concat();
    let ran = world.run(&elsewhere).exits(0);
    assert!(
        ran.stderr.contains("cannot write `nowhere/hrfeed.prom`"),
        "{ran:#?}"
    );
    assert_eq!(world.lms.people().len(), 3);
}

#[cfg(unix)]
#[test]
fn the_collector_may_read_the_figures() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new(Kmi);
    world.feed(&Feed::of(3));
    import(&world).exits(0);
    let about = fs::metadata(world.path("hrfeed.prom")).unwrap();
    assert_eq!(about.permissions().mode() & 0o777, 0o644);
}

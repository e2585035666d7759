//! A simulated year: each night the feed of an organisation is imported, some
//! nights something is wrong with it. Every accident must be stopped or held, no
//! ordinary night may be, and at the end the LMS is as the last sound feed.
//!
//! A seed decides what happens. `cargo test --test year` lives through some weeks of
//! a small organisation, with each accident once:
//!
//! ```sh
//! HRFEED_YEAR_SEED=17 cargo test --test year some_weeks -- --nocapture
//! cargo test --release --test year a_year -- --ignored --nocapture
//! ```

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[expect(dead_code, reason = "the tests of the program use the rest")]
#[path = "../support/mod.rs"]
mod support;

mod accidents;
mod lms;
mod organisation;
mod patience;
mod pruned;
mod simulation;
mod verdicts;
mod world;

use crate::organisation::{A_YEAR, SOME_WEEKS};
use crate::patience::Case;
use crate::simulation::{Plan, Simulation};
use crate::support::System::{self, AnewSpring, Kmi};
use crate::world::Renumbered;

/// Names the seed.
const SEED: &str = "HRFEED_YEAR_SEED";

const WEEKS_OF_300: Plan = Plan {
    people: 300,
    nights: 70,
    times: 1,
    leak: 8,
    pace: SOME_WEEKS,
    renumbered: Renumbered::Rekey,
};

const YEAR_OF_2000: Plan = Plan {
    people: 2000,
    nights: 365,
    times: 3,
    leak: 20,
    pace: A_YEAR,
    renumbered: Renumbered::Rekey,
};

/// Renumbered people wait for the administrator.
const fn held(plan: Plan) -> Plan {
    Plan {
        renumbered: Renumbered::Hold,
        ..plan
    }
}

#[test]
fn some_weeks_with_every_accident_once_leave_the_lms_as_the_last_sound_feed() {
    Simulation::run(Kmi, WEEKS_OF_300, seed(1));
}

#[test]
fn some_weeks_where_the_lms_keeps_logins_unique_and_renumbered_people_wait_end_alike() {
    Simulation::run(AnewSpring, held(WEEKS_OF_300), seed(2));
}

/// The nights of `patience.rs`, with the system and the grace of each.
const PATIENCE: [(System, bool, Option<u32>); 4] = [
    (Kmi, false, Some(3)),
    (Kmi, true, None),
    (AnewSpring, false, None),
    (AnewSpring, true, None),
];

/// Lives through that number of nights in each of these ways.
fn patience(nights: usize, seed: u64) {
    let ways = (0..).zip(PATIENCE);
    let cases = ways.map(|(more, (system, is_delta, grace))| {
        move || {
            let case = Case {
                system,
                is_delta,
                grace,
                nights,
            };
            patience::run(case, seed + more);
        }
    });
    support::side_by_side(cases);
}

#[test]
fn nights_of_grace_marks_deltas_and_set_fields_with_kills_leave_the_lms_as_counted() {
    patience(26, seed(3));
}

#[test]
#[ignore = "takes some minutes"]
fn a_year_of_grace_marks_deltas_and_set_fields_with_kills_leaves_the_lms_as_counted() {
    patience(365, seed(fastrand::u64(..1_000_000)));
}

#[test]
#[ignore = "a night of the tests above, in a process that can be killed"]
fn a_night_in_a_process_of_its_own() {
    patience::of_environment();
}

#[test]
#[ignore = "takes some minutes"]
fn a_year_of_two_thousand_people_leaves_the_lms_as_the_last_sound_feed() {
    Simulation::run(Kmi, YEAR_OF_2000, seed(fastrand::u64(..1_000_000)));
}

#[test]
#[ignore = "takes some minutes"]
fn a_year_where_the_lms_keeps_logins_unique_and_renumbered_people_wait_ends_alike() {
    Simulation::run(
        AnewSpring,
        held(YEAR_OF_2000),
        seed(fastrand::u64(..1_000_000)),
    );
}

/// What two mappings say of leavers and limits, and how long earlier runs count for it.
const REMEMBERED: [&str; 4] = [
    "[leavers]\naction = \"delete\"\n",
    "[leavers]\naction = \"delete\"\ngrace = \"12 feeds\"\n",
    "[leavers]\naction = \"delete\"\ngrace = \"20 days\"\n[guards]\n\
     max_leavers = { share = \"8%\", per = \"30 days\" }\n",
    "[leavers]\naction = \"delete\"\ngrace = \"2 feeds\"\n[guards]\n\
     max_creates = { number = 6, per = \"14 days\" }\n\
     max_updates = { number = 9, per = \"10 days\" }\n",
];

#[test]
fn a_journal_that_is_pruned_each_night_decides_as_one_that_is_not() {
    let seed = seed(11);
    std::thread::scope(|scope| {
        for (number, more) in (0..).zip(REMEMBERED) {
            scope.spawn(move || pruned::run(Kmi, more, 60, seed + number));
        }
    });
}

#[test]
#[ignore = "takes some minutes"]
fn a_journal_that_is_pruned_each_night_of_a_year_decides_as_one_that_is_not() {
    let seed = seed(fastrand::u64(..1_000_000));
    for (number, more) in (0..).zip(REMEMBERED) {
        for system in [Kmi, AnewSpring] {
            pruned::run(system, more, 365, seed + number);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the environment is the program's in one file, and this is no part of the program"
)]
fn seed(unless_named: u64) -> u64 {
    std::env::var(SEED).map_or(unless_named, |seed| seed.parse().unwrap())
}

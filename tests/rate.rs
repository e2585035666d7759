//! The rate is never exceeded: counted by the one who is asked. These tests have
//! a binary of their own, since others would take the processors from a request
//! that is due, and it would arrive with the next ones.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "support/network.rs"]
mod network;
#[expect(dead_code, reason = "the other tests of the program use the rest")]
mod support;

use std::time::Duration;

use hrfeed::sandbox::Faults;

use crate::network::{Delays, Network};
use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::{Feed, Person, World, side_by_side, wait_until};

const MS: Duration = Duration::from_millis(1);

/// Imports `people` people at that rate and returns the fullest second.
fn peak(system: System, rate: u64, people: usize, faults: Faults) -> u64 {
    let world = World::failing(system, faults).target(&format!(
        "requests_per_second = {rate}\nmax_in_flight = 50\ntimeout = \"2s\""
    ));
    let ran = world.import_feed(&Feed::of(people));
    assert!(matches!(ran.code, 0 | 3 | 5), "{ran:?}");
    let stats = world.lms.stats();
    assert!(stats.requests() >= people as u64 / 2, "{stats:?}");
    stats.number("peak_per_second")
}

#[test]
fn no_second_holds_more_requests_than_the_rate() {
    side_by_side([(5, 15), (20, 60), (50, 150)].map(|(rate, people)| {
        move || {
            let peak = peak(Kmi, rate, people, Faults::default());
            assert!(peak <= rate, "{peak} in a second at a rate of {rate}");
            // And the rate is used.
            assert!(peak * 10 >= rate * 8, "only {peak} at a rate of {rate}");
        }
    }));
}

/// Imports `seconds` seconds of people at that rate over such a network, and returns the
/// fullest second and the share of the rate that was used.
fn peak_and_share(rate: u32, seconds: u32, delays: Delays) -> (u64, f64) {
    let world = World::new(Kmi);
    let network = Network::of(&world, delays);
    let world = world.at(network.url()).target(&format!(
        "requests_per_second = {rate}\nmax_in_flight = 250"
    ));
    let people = rate * seconds;
    let ran = world
        .import_feed(&Feed::of(people.try_into().unwrap()))
        .exits(0);
    assert_eq!(ran.count("created"), u64::from(people));
    let peak = world.lms.stats().number("peak_per_second");
    (peak, network.share(f64::from(rate)))
}

#[test]
fn no_second_at_the_lms_holds_more_than_the_rate_over_a_network_whose_delay_varies() {
    let delays = Delays {
        there: 200 * MS,
        back: 50 * MS,
    };
    side_by_side([5, 20, 60].map(|rate| {
        move || {
            let (peak, share) = peak_and_share(rate, 5, delays);
            assert!(
                peak <= u64::from(rate),
                "{peak} in a second at a rate of {rate}"
            );
            assert!(share > 0.7, "{share} of a rate of {rate}");
        }
    }));
}

/// One after the other, on a machine that has nothing else to do.
#[expect(clippy::print_stderr, reason = "it is run for its figures")]
#[test]
#[ignore = "takes two minutes and a quiet machine: see docs/operations.md"]
fn the_rate_is_used_and_no_second_holds_more() {
    let steady = [(0, 0, 0.99), (50, 0, 0.9)];
    // At 1,000 a second, such delays are taken for an LMS that is slow to answer, and fewer
    // requests are under way than the rate allows.
    let varying = [(200, 0, 0.7), (200, 200, 0.6)];
    let all = [10, 100].map(|rate| (rate, [&steady[..], &varying].concat()));
    for (rate, delays) in all.into_iter().chain([(1000, steady.to_vec())]) {
        for (there, back, least) in delays {
            let delays = Delays {
                there: there * MS,
                back: back * MS,
            };
            let (peak, share) = peak_and_share(rate, 9, delays);
            eprintln!(
                "{rate}/s, up to {there} ms there and {back} ms back: {:.1} % used, \
                 {peak} in a second",
                share * 100.0
            );
            assert!(peak <= u64::from(rate), "{peak} at {rate}");
            assert!(share >= least, "{share} at {rate}");
        }
    }
}

#[test]
fn retries_and_look_ups_count_as_well() {
    let worlds = [
        (Kmi, 5, 8),
        (Kmi, 20, 40),
        (Kmi, 50, 100),
        (AnewSpring, 20, 40),
    ];
    side_by_side(worlds.map(|(system, rate, people)| {
        move || {
            let faults = Faults {
                lost_after: 0.1,
                lost_before: 0.05,
                errors: 0.1,
                garbage: 0.05,
                latency_jitter: 30 * MS,
                ..Faults::default()
            };
            let peak = peak(system, rate, people, faults);
            assert!(peak <= rate, "{peak} in a second at a rate of {rate}");
        }
    }));
}

#[test]
fn a_target_that_turns_requests_away_is_not_asked_faster_for_it() {
    side_by_side([(20, 7, 20), (50, 20, 60)].map(|(rate, bearable, people)| {
        move || {
            let faults = Faults {
                requests_per_second: Some(bearable),
                unavailable: 0.05,
                ..Faults::default()
            };
            let peak = peak(Kmi, rate, people, faults);
            assert!(peak <= rate, "{peak} in a second at a rate of {rate}");
        }
    }));
}

#[test]
fn throttled_requests_are_counted_and_reported() {
    let world = World::failing(
        Kmi,
        Faults {
            requests_per_second: Some(20),
            ..Faults::default()
        },
    )
    .target("requests_per_second = 60\nmax_in_flight = 8");
    let ran = world.import_feed(&Feed::of(30)).exits(0);
    let turned_away = world.lms.stats().played("requests_per_second");
    assert!(turned_away > 0);
    assert_eq!(ran.json()["calls"]["throttled"], turned_away);
    assert_eq!(ran.json()["calls"]["total"], world.lms.stats().requests());
}

#[test]
fn a_rate_above_what_the_target_bears_comes_down_to_it() {
    let feeds = [(60, 20, 160), (2000, 40, 300)];
    side_by_side(feeds.map(|(rate, bearable, people)| {
        move || {
            let world = World::failing(
                Kmi,
                Faults {
                    requests_per_second: Some(bearable),
                    ..Faults::default()
                },
            )
            .target(&format!("requests_per_second = {rate}\nmax_in_flight = 8"));
            let ran = world.import_feed(&Feed::of(people)).exits(0);
            let stats = world.lms.stats();
            let turned_away = stats.played("requests_per_second");
            // The first time a few are under way; from then on hardly one.
            assert!(turned_away >= 1, "{stats:?}");
            assert!(
                turned_away * 20 <= stats.requests(),
                "{turned_away} of {} calls turned away",
                stats.requests()
            );
            assert_eq!(ran.json()["calls"]["throttled"], turned_away);
            assert_eq!(ran.stderr.matches("Slowed down to").count(), 1, "{ran:?}");
            assert!(ran.stderr.contains("the LMS limits requests"), "{ran:?}");
        }
    }));
}

#[test]
fn a_retry_after_holds_everybody() {
    // A request that did not wait would be turned away again, and be counted.
    let world = World::failing(
        Kmi,
        Faults {
            requests_per_second: Some(10),
            latency: 20 * MS,
            ..Faults::default()
        },
    )
    .target("requests_per_second = 500\nmax_in_flight = 50");
    world.import_feed(&Feed::of(40)).exits(0);
    let stats = world.lms.stats();
    let turned_away = stats.played("requests_per_second");
    assert!((1..=20).contains(&turned_away), "{stats:?}");
}

#[test]
fn a_refusal_now_and_then_leaves_an_import_most_of_its_speed() {
    let seconds = |throttled: f64| {
        let faults = Faults {
            throttled,
            latency: 10 * MS,
            ..Faults::default()
        };
        let world = World::failing(Kmi, faults).target("requests_per_second = 200");
        let ran = world.import_feed(&Feed::of(500)).exits(0);
        assert_eq!(ran.count("created"), 500);
        let played = world.lms.stats().played("throttled");
        assert_eq!(played > 0, throttled > 0.0, "{played}");
        assert_eq!(ran.json()["calls"]["throttled"], played);
        ran.json()["elapsed_seconds"].as_f64().unwrap()
    };
    let (calm, disturbed) = (seconds(0.0), seconds(0.02));
    // A few seconds, on a machine that may be busy; it took a minute when each
    // refusal halved the rate.
    assert!(disturbed < calm * 3.0, "{disturbed} s instead of {calm} s");
}

#[test]
fn an_lms_whose_clock_is_an_hour_off_is_waited_for_as_long_as_it_means() {
    side_by_side([-3600, 0, 3600].map(|clock_skew| {
        move || {
            let faults = Faults {
                requests_per_second: Some(10),
                dated_waits: true,
                clock_skew,
                ..Faults::default()
            };
            let world = World::failing(Kmi, faults)
                .target("requests_per_second = 100\nmax_in_flight = 2\nmax_outage = \"20s\"");
            let ran = world.import_feed(&Feed::of(25)).exits(0);
            assert_eq!(ran.count("created"), 25);
            // Ahead, it does not stop the run; behind, it is not ignored: the mock LMS
            // asks for two seconds, and nobody is refused in them.
            let turned_away = world.lms.stats().played("requests_per_second");
            assert!(
                (1..=8).contains(&turned_away),
                "{turned_away} at {clock_skew}"
            );
            let seconds = ran.json()["elapsed_seconds"].as_f64().unwrap();
            assert!(seconds >= 2.0, "{seconds} s at {clock_skew}");
        }
    }));
}

/// Two imports at once into one LMS, each with its own key, journal and mapping, that
/// share the rate; returns the fullest second.
fn peak_of_two(rates: [u32; 2]) -> u64 {
    let [rate, other_rate] =
        rates.map(|rate| format!("requests_per_second = {rate}\nshare_rate = true"));
    let one = World::new(Kmi).target(&rate);
    let mut other = World::new(Kmi).at(&one.lms.base_url()).target(&other_rate);
    other.key = "another-key";
    one.feed(&Feed::of(90));
    let people = (1000..1090).map(Person::new).collect();
    other.feed(&Feed { people });
    let runs = [&one, &other].map(World::start_import);
    for ran in runs.map(|run| run.wait().exits(0)) {
        assert_eq!(ran.count("created"), 90);
        let notes = ran.json()["notes"].to_string();
        assert!(notes.contains("shared the rate"), "{ran:?}");
    }
    one.lms.stats().number("peak_per_second")
}

#[test]
fn imports_that_share_the_rate_of_a_host_keep_it_together() {
    let peak = peak_of_two([40, 40]);
    assert!((30..=40).contains(&peak), "{peak} in a second");
    // Whoever is left alone may use its own rate.
    let peak = peak_of_two([60, 30]);
    assert!((25..=60).contains(&peak), "{peak} in a second");
}

#[test]
fn a_lowered_rate_and_its_return_are_reported_once_each() {
    let world = World::failing(
        Kmi,
        Faults {
            unavailable: 1.0,
            ..Faults::default()
        },
    )
    .target("requests_per_second = 40\nmax_in_flight = 8");
    world.feed(&Feed::of(150));
    let import = world.start_import();
    wait_until("the first is turned away", || {
        world.lms.stats().played("unavailable") >= 1
    });
    world
        .lms
        .set_faults(&serde_json::json!({"unavailable": 0.0}));
    let ran = import.wait().exits(0);
    for words in [
        "Slowed down to 20.0 requests per second: the LMS is overloaded",
        "Back to full speed",
    ] {
        assert_eq!(ran.stderr.matches(words).count(), 1, "{ran:?}");
    }
}

#[test]
fn no_more_are_under_way_than_the_target_works_on() {
    let capacity = 4;
    let world = World::failing(
        Kmi,
        Faults {
            capacity: Some(capacity),
            latency: 80 * MS,
            ..Faults::default()
        },
    )
    .target("requests_per_second = 5000\nmax_in_flight = 60");
    let ran = world.import_feed(&Feed::of(200)).exits(0);
    assert_eq!(ran.count("created"), 200);
    let peak = world.lms.stats().number("peak_in_flight");
    assert!(
        (u64::from(capacity)..=3 * u64::from(capacity)).contains(&peak),
        "{peak} under way at a target that works on {capacity}"
    );
}

#[test]
fn no_more_requests_are_under_way_than_allowed() {
    side_by_side([1, 3, 20].map(|most| {
        move || {
            let world = World::failing(
                Kmi,
                Faults {
                    latency: 20 * MS,
                    latency_jitter: 20 * MS,
                    errors: 0.03,
                    ..Faults::default()
                },
            )
            .target(&format!(
                "requests_per_second = 5000\nmax_in_flight = {most}"
            ));
            let ran = world.import_feed(&Feed::of(25 * most));
            assert!(matches!(ran.code, 0 | 3 | 5), "{ran:?}");
            let peak = world.lms.stats().number("peak_in_flight");
            assert!(peak <= most as u64, "{peak} under way of {most}");
            assert!(peak * 2 >= most as u64, "only {peak} under way of {most}");
        }
    }));
}

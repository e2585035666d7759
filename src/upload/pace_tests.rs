//! The pace, held against a simulated network and target.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use governor::clock::FakeRelativeClock;
use proptest::prelude::*;

use super::*;

const KIND: Kind = ("POST users/", 201);

/// How long one request takes there, and until its answer is back. Microseconds.
#[derive(Clone, Copy, Debug)]
struct Trip {
    there: u64,
    back: u64,
    /// No answer ever comes.
    is_lost: bool,
}

impl Trip {
    fn new(there: u64, back: u64) -> Self {
        let is_lost = false;
        Self {
            there,
            back,
            is_lost,
        }
    }
}

/// What went out and what arrived, in the order of each. Microseconds.
#[derive(Debug, Default)]
struct Traffic {
    sent: Vec<u64>,
    arrived: Vec<u64>,
}

impl Traffic {
    /// The share of the rate that was used once enough answers were seen.
    fn share(&self, per_second: f64) -> f64 {
        let later: Vec<_> = (self.sent.iter()).filter(|at| **at >= 6 * SECOND).collect();
        let (first, last) = (later[0], later[later.len() - 1]);
        (later.len() - 1) as f64 / ((last - first) as f64 / 1e6) / per_second
    }
}

const SECOND: u64 = 1_000_000;

/// Sends as fast as the pace lets it, over a network where requests take one trip after
/// the other. What it waits for wakes it late by one of `wakes` after the other.
fn traffic(per_second: f64, mut trip: impl FnMut() -> Trip, wakes: &[u64], until: u64) -> Traffic {
    let clock = FakeRelativeClock::default();
    let mut pace = Pace::with_clock(per_second, clock.clone());
    let mut answers = BinaryHeap::new();
    let mut departures = Vec::new();
    let mut traffic = Traffic::default();
    let mut wakes = wakes.iter().copied().cycle();
    let mut now = 0;
    while now < until {
        let next = match pace.take() {
            Ok(departure) => {
                let Trip {
                    there,
                    back,
                    is_lost,
                } = trip();
                traffic.sent.push(now);
                traffic.arrived.push(now + there);
                answers.push(Reverse((now + there + back, is_lost, departures.len())));
                departures.push(departure);
                continue;
            }
            Err(wait) => now + whole_micros(wait) + wakes.next().unwrap_or(0),
        };
        let answer = answers.peek().map(|Reverse((at, ..))| *at);
        let next = answer.map_or(next, |at| at.min(next)).max(now);
        clock.advance(Duration::from_micros(next - now));
        now = next;
        while let Some(Reverse((at, is_lost, number))) = answers.peek().copied()
            && at <= now
        {
            answers.pop();
            pace.returned(departures[number], (!is_lost).then_some(KIND));
        }
    }
    traffic.arrived.sort_unstable();
    traffic
}

/// Like [`traffic`] with answers at once, and with a change of the rate after each
/// request or wait that has one.
fn sent_at_changing_rates(per_second: f64, steps: &[(u64, Option<f64>)], until: u64) -> Vec<u64> {
    let clock = FakeRelativeClock::default();
    let mut pace = Pace::with_clock(per_second, clock.clone());
    let mut now = 0;
    let mut sent = Vec::new();
    for (micros, rate) in steps.iter().cycle() {
        if now >= until {
            break;
        }
        if let Some(rate) = rate {
            pace.change(*rate);
        }
        let waits = match pace.take() {
            Ok(departure) => {
                pace.returned(departure, Some(KIND));
                sent.push(now);
                Duration::ZERO
            }
            // Or it asks again long before it is due.
            Err(wait) if micros % 2 == 0 => wait,
            Err(wait) => wait / 2,
        };
        let step = whole_micros(waits) + micros;
        clock.advance(Duration::from_micros(step));
        now += step;
    }
    sent
}

fn whole_micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1000)).unwrap()
}

/// The fullest second.
fn most_in_a_second(arrived: &[u64]) -> usize {
    let within = |first: usize| {
        let end = arrived[first] + SECOND;
        arrived[first..].iter().take_while(|at| **at < end).count()
    };
    (0..arrived.len()).map(within).max().unwrap_or(0)
}

fn cycle<T: Copy>(items: &[T]) -> impl FnMut() -> T + '_ {
    let mut items = items.iter().copied().cycle();
    move || items.next().unwrap()
}

prop_compose! {
    /// Trips of less than a second, some of them as fast as the network and the target can be.
    fn trips()(
        there in 0..100_000_u64,
        back in 0..300_000_u64,
        late in prop::collection::vec((0..=200_000_u64, 0..350_000_u64, 0..20_u8), 0..60),
    ) -> Vec<Trip> {
        let late = late.into_iter().map(|(out, home, dice)| Trip {
            is_lost: dice == 0,
            ..Trip::new(there + out, back + home)
        });
        std::iter::once(Trip::new(there, back)).chain(late).collect()
    }
}

proptest! {
    #[test]
    fn no_second_at_the_target_holds_more_than_the_rate_however_late_requests_arrive(
        per_second in 1_u32..300,
        trips in trips(),
        wakes in prop::collection::vec(prop_oneof![Just(0), 0..2000_u64, 0..2_000_000_u64], 1..20),
    ) {
        let traffic = traffic(f64::from(per_second), cycle(&trips), &wakes, 5 * SECOND);
        let most = most_in_a_second(&traffic.arrived);
        prop_assert!(most <= per_second as usize, "{most} at {per_second}");
    }

    #[test]
    fn no_second_holds_more_than_the_rate_however_the_rate_changes(
        per_second in 1_u32..300,
        steps in prop::collection::vec(
            (prop_oneof![1..2000_u64, 1..500_000_u64], prop::option::of(0.1..400.0_f64)),
            1..30,
        ),
    ) {
        let sent = sent_at_changing_rates(f64::from(per_second), &steps, 4 * SECOND);
        prop_assert!(most_in_a_second(&sent) <= per_second as usize);
    }

    #[test]
    fn changing_the_rate_again_and_again_gains_nothing(
        rates in prop::collection::vec(2.0..20.0_f64, 2..30),
    ) {
        let steps: Vec<_> = rates.iter().map(|rate| (1000, Some(*rate))).collect();
        let sent = sent_at_changing_rates(300.0, &steps, 4 * SECOND);
        // One more than the fastest of them, which lies on both ends.
        prop_assert!(most_in_a_second(&sent) <= 21, "{}", most_in_a_second(&sent));
    }
}

/// A network on which every request and every answer is late by up to so much, each
/// as likely as the other, from the first one on.
fn jittery(seed: u64, there: u64, back: u64) -> impl FnMut() -> Trip {
    let mut random = fastrand::Rng::with_seed(seed);
    move || {
        let mut up_to = |most: u64| 5_000 + random.u64(0..=most);
        Trip::new(up_to(there), up_to(back))
    }
}

#[test]
fn a_network_that_delays_by_up_to_200_ms_brings_no_second_more_than_the_rate() {
    let wakes = [0, 700];
    for (per_second, seeds) in [(2.0, 300), (10.0, 100), (100.0, 10), (1000.0, 1)] {
        let fullest = |seed| {
            let trips = jittery(seed, 200_000, 200_000);
            most_in_a_second(&traffic(per_second, trips, &wakes, 20 * SECOND).arrived)
        };
        let above: Vec<_> = (0..seeds)
            .map(|seed| (seed, fullest(seed)))
            .filter(|(_, most)| *most as f64 > per_second)
            .collect();
        assert_eq!(above, [], "at {per_second}");
    }
}

#[test]
fn a_quiet_network_uses_the_rate_though_wake_ups_are_late() {
    for per_second in [10.0, 100.0, 1000.0] {
        // Beside the target, across a continent, and one that works for long.
        for (there, back) in [(60, 200), (20_000, 80_000), (40_000, 1_500_000)] {
            let mut random = fastrand::Rng::with_seed(7);
            let trip = || Trip::new(there + random.u64(0..200), back + random.u64(0..2_000));
            let traffic = traffic(per_second, trip, &[0, 900, 1_100], 20 * SECOND);
            let share = traffic.share(per_second);
            assert!(share > 0.99, "{share} of {per_second}/s, {there} + {back}");
            assert!(most_in_a_second(&traffic.arrived) as f64 <= per_second);
        }
    }
}

#[test]
fn what_a_network_delays_costs_about_as_much_as_it_delays_on_average() {
    for (there, back, least) in [
        (200_000, 0, 0.89),
        (50_000, 0, 0.96),
        (200_000, 200_000, 0.83),
    ] {
        let traffic = traffic(100.0, jittery(3, there, back), &[0, 900], 60 * SECOND);
        let share = traffic.share(100.0);
        assert!(share > least, "{share} at {there} + {back}");
    }
}

#[test]
fn a_target_that_works_for_seconds_costs_no_more_than_a_quarter_second_a_request() {
    let mut random = fastrand::Rng::with_seed(9);
    let trip = || Trip::new(10_000, random.u64(50_000..5_000_000));
    let share = traffic(50.0, trip, &[0, 900], 60 * SECOND).share(50.0);
    assert!(share > 0.79, "{share}");
}

#[test]
fn a_lower_rate_holds_from_the_next_request_on_and_the_old_one_comes_back() {
    let clock = FakeRelativeClock::default();
    let mut pace = Pace::with_clock(100.0, clock.clone());
    let mut in_two_seconds = |rate| {
        pace.change(rate);
        let mut sent = 0;
        for _ in 0..2000 {
            if let Ok(departure) = pace.take() {
                pace.returned(departure, Some(KIND));
                sent += 1;
            }
            clock.advance(Duration::from_millis(1));
        }
        (sent, pace.sent_lately())
    };
    assert!((197..=200).contains(&in_two_seconds(100.0).0));
    assert_eq!(in_two_seconds(5.0), (10, 5));
    assert_eq!(in_two_seconds(0.5).0, 1);
    assert!((197..=200).contains(&in_two_seconds(1000.0).0));
}

#[test]
fn a_change_of_the_rate_does_not_forget_a_request_that_went_out_seconds_ago() {
    let clock = FakeRelativeClock::default();
    let mut pace = Pace::with_clock(100.0, clock.clone());
    let departure = pace.take().unwrap();
    pace.returned(departure, Some(KIND));
    pace.change(0.5);
    clock.advance(Duration::from_millis(1400));
    assert!(pace.take().is_err());
    pace.change(0.6);
    let wait = pace.take().unwrap_err();
    assert!(wait > Duration::from_millis(250), "{wait:?}");
}

#[test]
fn less_than_one_a_second_is_a_pace_too() {
    let sent = traffic(0.2, || Trip::new(0, 0), &[0], 16 * SECOND).sent;
    assert_eq!(sent.len(), 4);
}

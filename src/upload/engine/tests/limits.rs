//! How fast a run is where an LMS turns requests away: because it has a bound,
//! or now and then, whatever the rate.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::scripted::{Answer, Asked, Rig};
use super::{SECOND, reads};

/// What an LMS bears.
#[derive(Clone, Copy, Debug)]
enum Bound {
    Nothing,
    /// A bucket of tokens that is filled so fast.
    Bucket {
        per_second: f64,
        depth: f64,
    },
    /// So many in each window of this length.
    Windows {
        length: Duration,
        most: u32,
    },
}

/// Whether a refusal says how long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Nothing,
    Zero,
    How,
}

/// An LMS that turns requests away.
#[derive(Clone, Copy, Debug)]
struct Lms {
    bound: Bound,
    /// The share of requests that is turned away whatever the rate.
    sporadic: f64,
    says: Says,
    status: u16,
    latency: u64,
}

const CALM: Lms = Lms {
    bound: Bound::Nothing,
    sporadic: 0.0,
    says: Says::Zero,
    status: 429,
    latency: 20,
};

/// When each request came, and whether it was turned away.
type Seen = Arc<Mutex<Vec<(Duration, bool)>>>;

impl Lms {
    fn script(
        self,
        bound_at: fn(Duration, Bound) -> Bound,
        seen: &Seen,
    ) -> impl FnMut(Asked<'_>) -> Answer + Send + 'static {
        let seen = Arc::clone(seen);
        let mut random = fastrand::Rng::with_seed(7);
        let (mut tokens, mut filled) = (f64::INFINITY, Duration::ZERO);
        let (mut window, mut used) = (u128::MAX, 0);
        move |asked| {
            let wait = match bound_at(asked.at, self.bound) {
                Bound::Nothing => None,
                Bound::Bucket { per_second, depth } => {
                    tokens = (tokens + asked.at.saturating_sub(filled).as_secs_f64() * per_second)
                        .min(depth);
                    filled = asked.at;
                    let is_full = tokens < 1.0;
                    tokens -= f64::from(u8::from(!is_full));
                    is_full.then(|| (1.0 - tokens) / per_second)
                }
                Bound::Windows { length, most } => {
                    let now = asked.at.as_nanos() / length.as_nanos();
                    if now != window {
                        (window, used) = (now, 0);
                    }
                    let is_full = used >= most;
                    used += u32::from(!is_full);
                    let into = Duration::from_nanos(
                        u64::try_from(asked.at.as_nanos() % length.as_nanos()).unwrap(),
                    );
                    is_full.then(|| length.saturating_sub(into).as_secs_f64())
                }
            };
            let is_hit = random.f64() < self.sporadic;
            let wait = wait.or(is_hit.then_some(0.0));
            seen.lock().unwrap().push((asked.at, wait.is_some()));
            let answer = match (wait, self.says) {
                (None, _) => Answer::status(200),
                (Some(_), Says::Nothing) => Answer::status(self.status),
                (Some(_), Says::Zero) => Answer::wait(self.status, "0"),
                (Some(wait), Says::How) => Answer::wait(self.status, &format!("{}", wait.ceil())),
            };
            answer.after(self.latency)
        }
    }
}

/// What became of the requests.
#[derive(Debug)]
struct Measured {
    /// Served a second, once the first seconds are over.
    served: f64,
    /// Turned away in a minute, once the first seconds are over.
    refused: f64,
    /// Turned away in the first seconds.
    refused_first: usize,
}

const FIRST: Duration = Duration::from_secs(20);

fn measure(
    per_second: u32,
    lms: Lms,
    seconds: u32,
    bound_at: fn(Duration, Bound) -> Bound,
) -> Measured {
    let seen = Seen::default();
    let rig = Rig {
        per_second: per_second.into(),
        max_in_flight: 50,
        stop_after: Some(SECOND * seconds),
        ..Rig::default()
    };
    let count = (per_second * seconds).min(25_000) as usize;
    rig.run(reads(count), lms.script(bound_at, &seen));
    let seen = seen.lock().unwrap();
    let count = |from: Duration, to: Duration, refused: bool| {
        seen.iter()
            .filter(|(at, was)| *at >= from && *at < to && *was == refused)
            .count()
    };
    let (end, first) = (SECOND * seconds, FIRST.min(SECOND * seconds / 2));
    let rest = end.saturating_sub(first).as_secs_f64();
    Measured {
        served: count(first, end, false) as f64 / rest,
        refused: count(first, end, true) as f64 * 60.0 / rest,
        refused_first: count(Duration::ZERO, first, true),
    }
}

fn same(_: Duration, bound: Bound) -> Bound {
    bound
}

/// How long so many requests take, in seconds.
fn seconds(per_second: f64, lms: Lms, count: usize) -> f64 {
    let rig = Rig {
        per_second,
        max_in_flight: 50,
        ..Rig::default()
    };
    let ran = rig.run(reads(count), lms.script(same, &Seen::default()));
    let (end, _) = ran.happened.last().unwrap();
    end.as_secs_f64()
}

/// Which share of its speed a run keeps where that share of its requests is turned
/// away, whatever the rate.
#[track_caller]
fn keeps(status: u16, says: Says, (per_second, count): (f64, usize)) {
    let lms = Lms {
        says,
        status,
        ..CALM
    };
    let calm = seconds(per_second, lms, count);
    for (sporadic, least) in [(0.01, 2.0 / 3.0), (0.03, 0.5)] {
        let kept = calm / seconds(per_second, Lms { sporadic, ..lms }, count);
        assert!(
            kept >= least,
            "{kept} of the speed is left at {per_second} a second with {sporadic} refused ({lms:?})"
        );
    }
}

#[test]
fn a_refusal_now_and_then_leaves_a_run_most_of_its_speed() {
    for says in [Says::Zero, Says::Nothing] {
        keeps(429, says, (20.0, 800));
        keeps(429, says, (200.0, 2000));
        keeps(429, says, (2000.0, 3000));
    }
    keeps(429, Says::Zero, (2000.0, 8_000));
    for at in [(20.0, 800), (200.0, 2000), (2000.0, 3000)] {
        keeps(503, Says::Zero, at);
    }
}

/// A bound that an LMS has, as a share of the rate that the mapping allows.
fn bounds(rate: u32) -> [Bound; 2] {
    [
        Bound::Bucket {
            per_second: rate.into(),
            depth: rate.into(),
        },
        Bound::Windows {
            length: SECOND,
            most: rate,
        },
    ]
}

#[test]
fn a_bound_is_found_within_seconds_and_used_and_hardly_run_against() {
    for (per_second, rate) in [(20, 10), (200, 100), (200, 20), (2000, 20)] {
        for bound in bounds(rate) {
            for says in [Says::Zero, Says::Nothing, Says::How] {
                let lms = Lms {
                    bound,
                    says,
                    ..CALM
                };
                let got = measure(per_second, lms, 80, same);
                let share = got.served / f64::from(rate);
                assert!(share > 0.75, "{share} of {rate} at {per_second}: {lms:?}");
                assert!(got.refused <= 20.0, "{got:?} at {per_second}: {lms:?}");
                assert!(got.refused_first <= 30, "{got:?} at {per_second}: {lms:?}");
            }
        }
    }
}

#[test]
fn a_quota_of_a_minute_is_used_up_and_waited_for_by_one_request_at_a_time() {
    for (per_second, rate) in [(20, 10), (200, 100)] {
        for says in [Says::Nothing, Says::How] {
            let bound = Bound::Windows {
                length: 60 * SECOND,
                most: 60 * rate,
            };
            let lms = Lms {
                bound,
                says,
                ..CALM
            };
            let got = measure(per_second, lms, 260, same);
            assert!(
                got.served / f64::from(rate) > 0.8,
                "{got:?} at {per_second}: {lms:?}"
            );
            assert!(got.refused <= 15.0, "{got:?} at {per_second}: {lms:?}");
        }
    }
}

#[test]
fn a_bound_that_changes_is_found_again_and_one_that_is_gone_is_forgotten() {
    let changes = |at: Duration, bound: Bound| match bound {
        Bound::Bucket { .. } if at < 60 * SECOND || at >= 120 * SECOND => bound,
        _ => Bound::Bucket {
            per_second: 25.0,
            depth: 25.0,
        },
    };
    for says in [Says::Zero, Says::How] {
        let [bound, _] = bounds(100);
        let got = measure(
            200,
            Lms {
                bound,
                says,
                ..CALM
            },
            180,
            changes,
        );
        // 40 seconds of 100, 60 of 25, and 60 of 100.
        assert!(got.served > 0.65 * 11_500.0 / 160.0, "{got:?}");
        assert!(got.refused < 30.0, "{got:?}");
        let gone = |at: Duration, bound: Bound| match at {
            at if at < 30 * SECOND => bound,
            _ => Bound::Nothing,
        };
        let got = measure(
            200,
            Lms {
                bound,
                says,
                ..CALM
            },
            120,
            gone,
        );
        assert!(got.served > 150.0, "{got:?}");
    }
}

#[test]
fn a_bound_is_kept_beside_refusals_that_have_nothing_to_do_with_it() {
    for (per_second, rate, least) in [(200, 100, 0.6), (2000, 200, 0.6), (20, 10, 0.4)] {
        let [bound, _] = bounds(rate);
        let lms = Lms {
            bound,
            sporadic: 0.01,
            ..CALM
        };
        let got = measure(per_second, lms, 100, same);
        assert!(
            got.served / f64::from(rate) > least,
            "{got:?} at {per_second}"
        );
        // One in a hundred has nothing to do with the rate.
        let more = got.refused - got.served * 0.6;
        assert!(more < 60.0, "{got:?} at {per_second}");
    }
}

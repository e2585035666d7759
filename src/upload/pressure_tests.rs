use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// A pressure, and a clock that moves when it is told to.
struct Rig {
    pressure: Pressure,
    now: Instant,
}

impl Rig {
    fn new(per_second: f64, most: usize) -> Self {
        Self {
            pressure: Pressure::new(per_second, most),
            now: Instant::now(),
        }
    }

    /// One answer after `took`, sent now, with as many under way as allowed.
    fn answer(&mut self, took: Duration, kind: Kind) {
        let sent = self.now;
        self.now += took;
        self.pressure.answered(Answer {
            kind,
            sent,
            now: self.now,
            in_flight: self.pressure.in_flight(),
        });
    }

    /// As many answers at once as are allowed under way.
    fn round(&mut self, took: Duration, kind: Kind) {
        let (sent, in_flight) = (self.now, self.pressure.in_flight());
        self.now += took;
        for _ in 0..in_flight {
            let now = self.now;
            self.pressure.answered(Answer {
                kind,
                sent,
                now,
                in_flight,
            });
        }
        self.now += MS;
    }

    /// Answers for so long; the rate after each second.
    fn clean(&mut self, seconds: u32) -> Vec<f64> {
        (0..seconds)
            .map(|_| {
                for _ in 0..10 {
                    self.answer(100 * MS, Kind::Write);
                }
                self.pressure.per_second()
            })
            .collect()
    }

    fn refuse(&mut self, lately: usize) {
        self.now += MS;
        let now = self.now;
        self.pressure.refused(Refusal::TooMany, now, now, lately);
    }
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-6
}

#[test]
fn a_refusal_halves_the_rate_at_once_and_clean_answers_bring_it_back() {
    let mut rig = Rig::new(100.0, 8);
    assert!(!rig.pressure.is_slowed());
    rig.refuse(100);
    assert!(near(rig.pressure.per_second(), 50.0));
    let seconds = rig.clean(30);
    assert!(seconds.is_sorted(), "{seconds:?}");
    // Fast at first, slowly where it was refused, and then it is over.
    assert!(seconds[2] > 70.0, "{seconds:?}");
    assert!((85.0..=90.0).contains(&seconds[7]), "{seconds:?}");
    assert!((90.0..=91.0).contains(&seconds[11]), "{seconds:?}");
    assert!(near(seconds[29], 100.0), "{seconds:?}");
    assert!(!rig.pressure.is_slowed());
}

#[test]
fn refusals_of_what_was_sent_before_the_first_count_as_one() {
    let mut rig = Rig::new(100.0, 8);
    rig.pressure.window.limit = 8.0;
    let sent = rig.now;
    for after in 1..=8 {
        rig.pressure
            .refused(Refusal::TooMany, sent, sent + after * MS, 100);
    }
    assert!(near(rig.pressure.per_second(), 50.0));
    assert_eq!(rig.pressure.in_flight(), 5);
    // What was sent after it counts anew.
    rig.now += SECOND;
    rig.refuse(50);
    assert!(near(rig.pressure.per_second(), 25.0));
    assert_eq!(rig.pressure.in_flight(), 3);
}

#[test]
fn a_rate_that_was_never_used_is_not_what_is_halved() {
    let mut rig = Rig::new(5000.0, 8);
    rig.refuse(22);
    assert!(near(rig.pressure.per_second(), 11.0));
    // But so few requests say nothing.
    let mut rig = Rig::new(100.0, 8);
    rig.refuse(1);
    assert!(near(rig.pressure.per_second(), 50.0));
}

#[test]
fn time_without_answers_brings_nothing_back() {
    let mut rig = Rig::new(100.0, 8);
    rig.refuse(100);
    rig.pressure.paused(rig.now + 60 * SECOND);
    rig.now += 30 * SECOND;
    rig.answer(10 * MS, Kind::Write);
    assert!(near(rig.pressure.per_second(), 50.0));
    // Nor does a long time before an answer count as a whole.
    rig.now += 1000 * SECOND;
    rig.answer(10 * MS, Kind::Write);
    assert!(rig.pressure.per_second() < 80.0);
}

#[test]
fn after_an_outage_it_begins_gently() {
    let mut rig = Rig::new(100.0, 8);
    rig.clean(2);
    assert_eq!(rig.pressure.in_flight(), 8);
    rig.pressure.back_up(rig.now);
    assert!(near(rig.pressure.per_second(), 10.0));
    assert_eq!(rig.pressure.in_flight(), 1);
    rig.now += MS;
    assert!(near(rig.clean(12)[11], 100.0));
    assert_eq!(rig.pressure.in_flight(), 8);
}

/// How an import fares at a target that bears so many requests in a second and
/// answers others with 429 and `Retry-After: 1`: the share refused, and the
/// share of the target's rate that was used.
fn at_a_limit(configured: f64, limit: usize, seconds: u32) -> (f64, f64) {
    let mut rig = Rig::new(configured, 8);
    let (start, end) = (rig.now, rig.now + seconds * SECOND);
    let (mut sent, mut admitted): (Vec<Instant>, Vec<Instant>) = (Vec::new(), Vec::new());
    let mut refused = 0;
    let within = |times: &[Instant], now: Instant| {
        times
            .iter()
            .rev()
            .take_while(|at| now - **at < SECOND)
            .count()
    };
    while rig.now < end {
        rig.now += SECOND.div_f64(rig.pressure.per_second());
        let lately = within(&sent, rig.now);
        sent.push(rig.now);
        if within(&admitted, rig.now) < limit {
            admitted.push(rig.now);
            let (sent, in_flight) = (rig.now, 1);
            let now = rig.now + MS / 10;
            rig.pressure.answered(Answer {
                kind: Kind::Write,
                sent,
                now,
                in_flight,
            });
        } else {
            refused += 1;
            rig.refuse(lately);
            rig.now += SECOND;
            rig.pressure.paused(rig.now);
        }
    }
    let rate = admitted.len() as f64 / (rig.now - start).as_secs_f64();
    (f64::from(refused) / sent.len() as f64, rate / limit as f64)
}

#[test]
fn it_settles_near_a_limit_lower_than_the_configured_rate() {
    for (configured, limit) in [
        (12.0, 10),
        (60.0, 20),
        (100.0, 99),
        (5000.0, 20),
        (5000.0, 400),
    ] {
        let (refused, used) = at_a_limit(configured, limit, 120);
        assert!(
            refused < 0.02,
            "{refused} refused at {configured} over {limit}"
        );
        assert!(used > 0.7, "{used} used at {configured} over {limit}");
    }
}

/// The number under way at a target that works on `capacity` at once, each for
/// `service`, after each round.
fn at_a_capacity(rig: &mut Rig, capacity: usize, service: Duration, rounds: usize) -> Vec<usize> {
    (0..rounds)
        .map(|_| {
            let load = rig.pressure.in_flight() as f64 / capacity as f64;
            rig.round(service.mul_f64(load.max(1.0)), Kind::Write);
            rig.pressure.in_flight()
        })
        .collect()
}

#[test]
fn the_number_under_way_settles_near_the_capacity() {
    for (capacity, service) in [(2, 100 * MS), (4, 200 * MS), (10, 100 * MS), (20, 300 * MS)] {
        let mut rig = Rig::new(5000.0, 100);
        let settled = &at_a_capacity(&mut rig, capacity, service, 2000)[100..];
        let mean = settled.iter().sum::<usize>() as f64 / settled.len() as f64 / capacity as f64;
        assert!(
            // Twice the base and the slack are borne.
            (0.9..=2.5).contains(&mean),
            "{mean} of {capacity}: {:?}",
            &settled[..50]
        );
        let most = settled.iter().max().copied().unwrap_or(0);
        assert!(most <= capacity * 3, "{most} of {capacity}");
    }
}

#[test]
fn a_fast_target_gets_all_that_may_be_under_way_at_once() {
    let mut rig = Rig::new(5000.0, 32);
    let rounds = at_a_capacity(&mut rig, 4, MS / 5, 12);
    assert_eq!(rounds.last(), Some(&32), "{rounds:?}");
}

#[test]
fn a_target_that_is_slower_at_night_is_measured_anew() {
    let mut rig = Rig::new(5000.0, 8);
    for _ in 0..50 {
        rig.round(100 * MS, Kind::Write);
    }
    assert_eq!(rig.pressure.in_flight(), 8);
    // Ten times slower, whatever is under way.
    let rounds: Vec<_> = (0..100)
        .map(|_| {
            rig.round(SECOND, Kind::Write);
            rig.pressure.in_flight()
        })
        .collect();
    assert_eq!(rounds.iter().min(), Some(&1), "{rounds:?}");
    assert_eq!(rounds.last(), Some(&8), "{rounds:?}");
    // A little slower is no reason to go down to one for it.
    let mut rig = Rig::new(5000.0, 8);
    for round in 0..500 {
        rig.round(if round < 50 { 100 * MS } else { 180 * MS }, Kind::Write);
    }
    assert_eq!(rig.pressure.in_flight(), 8);
    assert!(rig.pressure.window.write.base.unwrap().seconds > 0.17);
}

#[test]
fn one_slow_answer_and_slow_writes_after_fast_reads_are_no_queue() {
    let mut rig = Rig::new(5000.0, 8);
    for _ in 0..20 {
        rig.round(20 * MS, Kind::Read);
    }
    assert_eq!(rig.pressure.in_flight(), 8);
    for _ in 0..20 {
        rig.round(400 * MS, Kind::Write);
    }
    assert_eq!(rig.pressure.in_flight(), 8);
    rig.answer(20 * SECOND, Kind::Write);
    assert_eq!(rig.pressure.in_flight(), 8);
}

#[test]
fn a_timeout_halves_the_number_under_way_once_a_round_trip() {
    let mut rig = Rig::new(100.0, 8);
    rig.pressure.window.limit = 8.0;
    let sent = rig.now;
    for after in 1..=8 {
        rig.pressure.timed_out(sent, sent + after * MS);
    }
    assert_eq!(rig.pressure.in_flight(), 4);
    assert!(!rig.pressure.is_slowed());
}

#[derive(Clone, Debug)]
enum Step {
    Answer(u16, bool),
    Refuse(bool, u16),
    Timeout,
    BackUp,
    Pause(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..5000_u16, any::<bool>()).prop_map(|(took, write)| Step::Answer(took, write)),
        1 => (any::<bool>(), any::<u16>()).prop_map(|(limit, lately)| Step::Refuse(limit, lately)),
        1 => Just(Step::Timeout),
        1 => Just(Step::BackUp),
        1 => any::<u8>().prop_map(Step::Pause),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn it_stays_within_its_bounds_and_comes_back_whatever_happened(
        per_second in prop_oneof![0.01..5.0_f64, 5.0..100_000.0_f64],
        most in 1..100_usize,
        steps in prop::collection::vec(step(), 0..200),
    ) {
        let mut rig = Rig::new(per_second, most);
        for step in steps {
            let before = rig.pressure.per_second();
            match step {
                Step::Answer(took, write) => {
                    let kind = if write { Kind::Write } else { Kind::Read };
                    rig.answer(u32::from(took) * MS, kind);
                }
                Step::Refuse(too_many, lately) => {
                    rig.now += MS;
                    let why = if too_many { Refusal::TooMany } else { Refusal::Overloaded };
                    let now = rig.now;
                    rig.pressure.refused(why, now, now, lately.into());
                    prop_assert!(rig.pressure.per_second() <= (before / 2.0).max(rig.pressure.rate.floor) + 1e-9);
                }
                Step::Timeout => rig.pressure.timed_out(rig.now, rig.now + SECOND),
                Step::BackUp => rig.pressure.back_up(rig.now),
                Step::Pause(seconds) => {
                    rig.now += u32::from(seconds) * SECOND;
                    rig.pressure.paused(rig.now);
                }
            }
            let rate = rig.pressure.per_second();
            prop_assert!(rate <= per_second && rate >= per_second.min(0.5), "{rate}");
            prop_assert!((1..=most).contains(&rig.pressure.in_flight()));
        }
        // Never stuck: a quarter of an hour later nothing is left of it.
        rig.now += SECOND;
        rig.clean(900);
        prop_assert!(!rig.pressure.is_slowed());
        prop_assert!(near(rig.pressure.per_second(), per_second));
        prop_assert_eq!(rig.pressure.in_flight(), most);
    }
}

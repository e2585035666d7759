use proptest::prelude::*;

use std::time::Duration;

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

    /// What was sent just now is turned away, with a time to wait.
    fn refuse(&mut self, lately: usize) -> Waits {
        self.now += MS;
        self.turn_away(self.now, lately, true)
    }

    /// What was sent just now is turned away, without a time to wait.
    fn refuse_in_silence(&mut self, lately: usize) -> Waits {
        self.now += MS;
        self.turn_away(self.now, lately, false)
    }

    fn turn_away(&mut self, sent: Instant, lately: usize, says_how_long: bool) -> Waits {
        let in_flight = self.pressure.in_flight() - 1;
        self.pressure.refused(&TurnedAway {
            why: Refusal::TooMany,
            says_how_long,
            sent,
            now: self.now,
            lately,
            in_flight,
        })
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
        rig.now = sent + after * MS;
        rig.turn_away(sent, 100, true);
    }
    assert!(near(rig.pressure.per_second(), 50.0));
    assert_eq!(rig.pressure.in_flight(), 5);
    // What was sent after it counts anew, once somebody was served.
    rig.clean(9);
    rig.refuse(80);
    assert!(near(rig.pressure.per_second(), 40.0));
}

#[test]
fn a_refusal_now_and_then_costs_neither_rate_nor_number() {
    let mut rig = Rig::new(100.0, 8);
    rig.clean(2);
    for _ in 0..7 {
        assert_eq!(rig.refuse_in_silence(100), Waits::One);
        rig.clean(10);
    }
    assert!(!rig.pressure.is_slowed());
    assert_eq!(rig.pressure.in_flight(), 8);
}

#[test]
fn a_crowd_of_refusals_is_a_bound_and_holds_everybody() {
    let mut rig = Rig::new(100.0, 8);
    rig.clean(2);
    let waits: Vec<_> = (0..5).map(|_| rig.refuse_in_silence(100)).collect();
    assert_eq!(waits[..4], [Waits::One; 4]);
    assert_eq!(waits[4], Waits::All(1));
    assert!(near(rig.pressure.per_second(), 50.0));
    assert_eq!(rig.pressure.in_flight(), 5);
    // From now on one at the bound is enough.
    rig.now += SECOND;
    rig.clean(10);
    assert_eq!(rig.refuse_in_silence(80), Waits::All(1));
    assert!(near(rig.pressure.per_second(), 40.0));
}

#[test]
fn while_nobody_is_served_one_request_asks_again_and_the_rate_stays() {
    let mut rig = Rig::new(100.0, 8);
    rig.clean(2);
    for _ in 0..5 {
        rig.refuse_in_silence(100);
    }
    let sent_before = rig.now;
    for _ in 0..8 {
        rig.now += MS;
        rig.turn_away(sent_before, 100, false);
    }
    assert_eq!(rig.pressure.in_flight(), 1);
    for times in 2..6 {
        rig.now += SECOND;
        assert_eq!(rig.refuse_in_silence(1), Waits::All(times));
        assert_eq!(rig.pressure.in_flight(), 1);
        assert!(near(rig.pressure.per_second(), 50.0));
    }
    rig.now += SECOND;
    rig.answer(MS, Kind::Write);
    assert_eq!(rig.pressure.in_flight(), 5);
}

#[test]
fn many_single_refusals_lead_to_a_trial_which_refusals_end_and_their_absence_confirms() {
    let tried = || {
        let mut rig = Rig::new(100.0, 8);
        for _ in 0..8 {
            rig.clean(5);
            assert_eq!(rig.refuse_in_silence(100), Waits::One);
        }
        assert!(near(rig.pressure.per_second(), 70.0));
        rig
    };
    // Whatever the rate: the full one is taken again, and doubted less readily.
    let mut rig = tried();
    for _ in 0..3 {
        rig.clean(5);
        rig.refuse_in_silence(70);
    }
    assert!(!rig.pressure.is_slowed());
    for _ in 0..15 {
        rig.clean(5);
        rig.refuse_in_silence(100);
        assert!(!rig.pressure.is_slowed());
    }
    // Only at the full rate: it is a bound, and the next refusal there shows it.
    let mut rig = tried();
    rig.clean(39);
    assert!(near(rig.pressure.per_second(), 70.0));
    rig.clean(16);
    assert!(rig.pressure.per_second() > 90.0);
    assert_eq!(rig.refuse_in_silence(95), Waits::All(1));
    assert!(rig.pressure.per_second() < 50.0);
}

#[test]
fn refusals_well_below_a_bound_refute_it() {
    let mut rig = Rig::new(100.0, 8);
    rig.refuse(100);
    rig.clean(1);
    let before = rig.pressure.per_second();
    for _ in 0..3 {
        assert_eq!(rig.refuse_in_silence(60), Waits::One);
    }
    assert!(near(rig.pressure.per_second(), before));
    // It comes back in spite of more of them.
    for _ in 0..40 {
        rig.clean(1);
        assert_eq!(rig.refuse_in_silence(60), Waits::One);
    }
    assert!(!rig.pressure.is_slowed());
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
    Refuse(bool, bool, u16),
    Timeout,
    BackUp,
    Pause(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..5000_u16, any::<bool>()).prop_map(|(took, write)| Step::Answer(took, write)),
        2 => (any::<bool>(), any::<bool>(), any::<u16>())
            .prop_map(|(limit, says, lately)| Step::Refuse(limit, says, lately)),
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
                Step::Refuse(too_many, says_how_long, lately) => {
                    rig.now += MS;
                    let why = if too_many { Refusal::TooMany } else { Refusal::Overloaded };
                    let now = rig.now;
                    let in_flight = rig.pressure.in_flight();
                    let lately = lately.into();
                    let away = TurnedAway { why, says_how_long, sent: now, now, lately, in_flight };
                    rig.pressure.refused(&away);
                    prop_assert!(rig.pressure.per_second() <= before + 1e-9);
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

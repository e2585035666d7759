//! Whatever a target answers: an arbitrary script, and what must hold.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;

use super::scripted::{Answer, Happened, Ran, Rig, Work};
use super::{End, NoAnswer, SECOND, many_writes};

const MS: Duration = Duration::from_millis(1);

/// Anything that a target, or a network, may do with a call.
fn any_answer() -> impl Strategy<Value = Answer> {
    let status = prop::sample::select(vec![
        200, 200, 200, 302, 401, 403, 404, 408, 429, 500, 502, 503,
    ]);
    let wait = (
        prop::sample::select(vec![429, 503]),
        prop::sample::select(vec!["0", "1", "30", "400", "soon"]),
    );
    let latency = prop_oneof![4 => 0..300_u64, 1 => 0..5_000_u64, 1 => 0..50_000_u64];
    let answer = prop_oneof![
        8 => status.prop_map(Answer::status),
        2 => wait.prop_map(|(status, seconds)| Answer::wait(status, seconds)),
        2 => Just(Answer::not_sent()),
        1 => Just(Answer::none(NoAnswer::Timeout)),
        1 => Just(Answer::none(NoAnswer::Broken("reset".into()))),
        1 => prop::sample::select(vec!["unclear", "later", "denied"]).prop_map(Answer::body),
    ];
    (answer, latency).prop_map(|(answer, latency)| answer.after(latency))
}

/// A run against such a target, which is well again at some time or never.
fn any_run() -> impl Strategy<Value = (u32, usize, Ran)> {
    let rig = (
        1_u32..60,
        1_usize..8,
        20..700_u64,
        prop::option::of(0..100_u64),
    );
    let jobs = (0_usize..15, 0_usize..15);
    let answers = (prop::collection::vec(any_answer(), 1..50), any::<bool>());
    (rig, jobs, answers).prop_map(|(rig, (writes, reads_only), (answers, is_well_again))| {
        let (per_second, max_in_flight, max_outage, stop_after) = rig;
        let rig = Rig {
            per_second: f64::from(per_second),
            max_in_flight,
            max_outage: Duration::from_secs(max_outage),
            stop_after: stop_after.map(Duration::from_secs),
            ..Rig::default()
        };
        let jobs = many_writes(writes)
            .into_iter()
            .chain((0..reads_only).map(|n| Work::reads(format!("Q{n}"))));
        let mut next = 0;
        let ran = rig.run(jobs, move |_| {
            next += 1;
            match answers.get(next - 1) {
                Some(answer) => answer.clone(),
                None if is_well_again => Answer::status(200),
                None => Answer::not_sent(),
            }
        });
        (per_second, writes + reads_only, ran)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn whatever_is_answered_the_rate_the_pauses_and_the_ledger_hold(
        (per_second, count, ran) in any_run(),
    ) {
        let at = ran.calls_at();
        for (n, first) in at.iter().enumerate() {
            // The next second begins where this one ends.
            let within = at[n..].iter().take_while(|at| **at < *first + SECOND).count();
            prop_assert!(within <= per_second as usize, "{within} in a second\n{}", ran.lines);
        }
        let (mut paused_until, mut probed_until, mut busy_until) = Default::default();
        let mut last_calls = HashMap::new();
        let mut ends = HashMap::new();
        for (at, happened) in &ran.happened {
            match happened {
                Happened::Paused(wait) => paused_until = (*at + *wait).max(paused_until),
                Happened::Called(what, after) => {
                    prop_assert!(*at >= paused_until, "{what} in a pause\n{}", ran.lines);
                    prop_assert!(*at >= probed_until, "{what} beside a probe\n{}", ran.lines);
                    if what == "probe" {
                        prop_assert!(*at >= busy_until, "a probe beside others\n{}", ran.lines);
                        probed_until = *at + *after;
                    }
                    busy_until = (*at + *after).max(busy_until);
                    let name = what.split(' ').next().unwrap_or_default();
                    last_calls.insert(name.to_owned(), *at + *after);
                }
                Happened::Ended(name, end) => {
                    let before = ends.insert(name.clone(), end.clone());
                    prop_assert_eq!(before, None, "{} ends twice\n{}", name, ran.lines);
                }
                Happened::Continued | Happened::Other => {}
            }
        }
        let is_halted = ran.halt.is_some();
        prop_assert!(is_halted || ends.len() == count, "{}", ran.lines);
        prop_assert!(is_halted || ran.ended(&End::Halted) == 0, "{}", ran.lines);
        // Only what is still in flight is missing from a halted run.
        let end = ran.happened.last().map(|(at, _)| *at).unwrap_or_default();
        let in_flight = last_calls
            .iter()
            .filter(|(name, back)| **back + MS >= end && *name != "probe" && !ends.contains_key(*name));
        prop_assert_eq!(ends.len() + in_flight.count(), count, "{}", ran.lines);
    }
}

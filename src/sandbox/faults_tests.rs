//! What the dice throw.

use super::*;
use proptest::{collection::vec, prop_assert, prop_assert_eq, proptest};

fn dice(faults: Faults, seed: u64) -> Dice {
    Dice::new(faults, Rng::with_seed(seed))
}

#[test]
fn no_faults_leave_every_request_alone() {
    let mut dice = dice(Faults::default(), 1);
    for now in 0..1000 {
        let fate = dice.throw(now).unwrap();
        let twist = Twist {
            pick: fate.twist.pick,
            ..Twist::default()
        };
        assert_eq!(
            fate,
            Fate {
                twist,
                ..Fate::default()
            }
        );
    }
}

#[test]
fn one_seed_gives_one_mix_and_another_seed_another() {
    let faults = Faults {
        errors: 0.3,
        lost_after: 0.3,
        garbage: 0.5,
        latency_jitter: Duration::from_millis(5),
        ..Faults::default()
    };
    let mix = |seed| {
        let mut dice = dice(faults.clone(), seed);
        (0..200)
            .map(|now| dice.throw(now).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(mix(7), mix(7));
    assert_ne!(mix(7), mix(8));
}

#[test]
fn a_probability_is_met_on_the_long_run() {
    let mut dice = dice(
        Faults {
            errors: 0.2,
            ..Faults::default()
        },
        42,
    );
    let errors = (0..10_000)
        .filter(|&now| dice.throw(now).unwrap().instead == Some(Fault::Errors))
        .count();
    assert!((1_800..2_200).contains(&errors), "{errors}");
}

#[test]
fn more_requests_than_the_capacity_wait_for_each_other() {
    let mut dice = dice(
        Faults {
            capacity: Some(2),
            latency: Duration::from_nanos(10),
            ..Faults::default()
        },
        0,
    );
    let latencies: Vec<_> = [0, 1, 1, 3, 4, 100]
        .map(|now| dice.throw(now).unwrap().latency.as_nanos())
        .into();
    // Over at 10, 11, 20, 21, 30, 110.
    assert_eq!(latencies, [10, 10, 19, 18, 26, 10]);
}

#[test]
fn the_sandbox_goes_down_once_after_the_given_number_of_requests() {
    let mut dice = dice(
        Faults {
            down_after: Some(2),
            down_for: Duration::from_nanos(10),
            ..Faults::default()
        },
        0,
    );
    let up: Vec<bool> = (0..20).map(|now| dice.throw(now).is_ok()).collect();
    let expected: Vec<bool> = (0..20).map(|now| !(2..12).contains(&now)).collect();
    assert_eq!(up, expected);
}

#[test]
fn a_patch_changes_what_it_names_and_refuses_nonsense() {
    let faults = Faults {
        errors: 0.5,
        requests_per_second: Some(3),
        ..Faults::default()
    };
    let patched = faults
        .patched(br#"{"latency": 0.25, "requests_per_second": null}"#)
        .unwrap();
    assert_eq!(
        patched,
        Faults {
            errors: 0.5,
            latency: Duration::from_millis(250),
            ..Faults::default()
        }
    );
    for nonsense in [
        &b"[]"[..],
        b"{",
        br#"{"error": 1}"#,
        br#"{"errors": 1.5}"#,
        br#"{"errors": -0.1}"#,
        br#"{"latency": -1}"#,
        br#"{"capacity": 0}"#,
        br#"{"odd_rows": {"E1": 200}}"#,
        br#"{"latency": 1e300}"#,
        br#"{"down_for": 1e9}"#,
    ] {
        assert!(faults.patched(nonsense).is_err(), "{nonsense:?}");
    }
}

proptest! {
    #[test]
    fn no_window_of_one_second_admits_more_than_the_rate(
        rate in 0..20u32,
        gaps in vec(0..SECOND / 4, 0..200),
    ) {
        let mut dice = dice(Faults { requests_per_second: Some(rate), ..Faults::default() }, 0);
        let mut now = 0;
        let mut admitted = Vec::new();
        for gap in gaps {
            now += gap;
            match dice.throw(now) {
                Ok(_) => admitted.push(now),
                Err(refused) => {
                    prop_assert_eq!(refused, TurnedAway::TooFast { retry_after: 1 });
                    // Turned away only where the second really is full.
                    let recent = admitted.iter().filter(|&&at| now - at < SECOND).count();
                    prop_assert!(recent >= rate as usize);
                }
            }
        }
        for &from in &admitted {
            let window = admitted.iter().filter(|&&at| at >= from && at - from < SECOND).count();
            prop_assert!(window <= rate as usize);
        }
    }
}

//! Jobs that alone are refused or turned away, and a key that is refused to all.

use super::*;
use crate::journal::RefusedBefore;
use crate::upload::Halt;

/// How each job ended, and the probes.
fn gist(ran: &Ran) -> String {
    let keep = |line: &&str| {
        [" is ", "probe", "end"]
            .iter()
            .any(|word| line.contains(word))
    };
    let lines: Vec<_> = ran.lines.lines().filter(keep).collect();
    lines.join("\n")
}

#[test]
fn a_job_that_alone_is_refused_ends_alone_once_another_was_answered() {
    let rig = Rig {
        max_in_flight: 1,
        ..Rig::default()
    };
    for status in [401, 403, 405, 302] {
        let ran = rig.run(many_writes(9), move |asked| match asked.what {
            "P3 write" if status == 405 => Answer::body("denied"),
            "P3 write" => Answer::status(status),
            "P3 read" => Answer::status(404),
            _ => Answer::status(200),
        });
        assert_eq!(
            (ran.ended(&End::Done), &ran.halt),
            (if status == 302 { 9 } else { 8 }, &None)
        );
        // A redirect may follow what was done.
        let reads = ran.lines.matches("P3 read").count();
        assert_eq!(
            (ran.calls.total, reads),
            if status == 302 { (10, 1) } else { (9, 0) }
        );
    }
}

#[test]
fn a_probe_judges_where_nobody_else_is_left() {
    let refused = |probe: u16| {
        let ran = Rig::default().run(writes(["A", "B"]), move |asked| match asked.what {
            "probe" => Answer::status(probe),
            "B write" => Answer::status(200).after(10),
            _ => Answer::status(403),
        });
        gist(&ran)
    };
    insta::assert_snapshot!(refused(200), @"
    0.010 B is done
    0.020 probe: 200 after 0.020 s
    0.040 A is given up: the LMS does not allow this API key to do this (403)
    0.040 end
    ");
    insta::assert_snapshot!(refused(403), @"
    0.010 B is done
    0.020 probe: 403 after 0.020 s
    0.040 A is halted
    0.040 end: the LMS does not allow this API key to do this (403)
    ");
}

#[test]
fn three_jobs_that_are_refused_in_turn_end_the_run_and_those_in_flight_are_waited_for() {
    let ran = Rig::default().run(many_writes(40), |asked| {
        if asked.at < SECOND / 10 {
            Answer::status(200)
        } else {
            Answer::status(401)
        }
    });
    let refused = ran.lines.matches("write: 401").count();
    assert!((3..=4 + 3).contains(&refused), "{}", ran.lines);
    assert_eq!(ran.halt, Some(Halt::Fatal(Fatal::Unauthorized)));
    assert_eq!(ran.given_up(), 0, "they are pending");
}

#[test]
fn what_went_out_before_a_refusal_says_nothing_against_the_key() {
    let rig = Rig {
        max_in_flight: 3,
        ..Rig::default()
    };
    // The key is revoked while A is under way: its answer comes in between.
    let ran = rig.run(many_writes(9), |asked| match asked.what {
        "P0 write" => Answer::status(200).after(70),
        _ => Answer::status(401),
    });
    assert_eq!(
        (ran.ended(&End::Done), ran.given_up()),
        (1, 0),
        "{}",
        ran.lines
    );
    assert_eq!(ran.halt, Some(Halt::Fatal(Fatal::Unauthorized)));
}

#[test]
fn three_odd_jobs_side_by_side_are_no_key_where_others_in_flight_are_answered() {
    let rig = Rig {
        max_in_flight: 8,
        ..Rig::default()
    };
    let ran = rig.run(many_writes(20), |asked| match asked.what {
        "P1 write" | "P2 write" | "P3 write" => Answer::status(403),
        _ => Answer::status(200).after(50),
    });
    assert_eq!(
        (ran.ended(&End::Done), ran.given_up()),
        (17, 3),
        "{}",
        ran.lines
    );
}

#[test]
fn no_probe_goes_out_before_a_retry_after_is_over() {
    let ran = Rig::default().run(writes(["A", "B"]), |asked| {
        match (asked.what, asked.times) {
            ("A write", _) => Answer::status(403),
            ("B write", 1) => Answer::wait(429, "7"),
            _ => Answer::status(200),
        }
    });
    insta::assert_snapshot!(ran.lines, @"
    0.000 A write: 403 after 0.020 s
    0.000 B write: 429 (Retry-After: 7) after 0.020 s
    0.020 slowed to 50.0 a second: the LMS limits requests
    0.020 all wait 7.000 s: the LMS asked hrfeed to slow down
    7.020 all go on
    7.020 B write: 200 after 0.020 s
    7.040 A is given up: the LMS does not allow this API key to do this (403)
    7.040 B is done
    7.040 end
    ");
}

#[test]
fn a_job_that_is_always_turned_away_goes_behind_the_others_and_is_given_up_after_probes() {
    let rig = Rig {
        max_in_flight: 2,
        max_outage: 5 * SECOND,
        ..Rig::default()
    };
    let ran = rig.run(many_writes(12), |asked| match asked.what {
        "P3 write" => Answer::wait(429, "1"),
        _ => Answer::status(200),
    });
    insta::assert_snapshot!(gist(&ran), @"
    0.020 P0 is done
    0.020 P1 is done
    0.040 P2 is done
    3.319 P4 is done
    3.339 P5 is done
    3.359 P6 is done
    3.379 P7 is done
    3.399 P8 is done
    3.419 P9 is done
    3.439 P10 is done
    3.459 P11 is done
    4.479 probe: 200 after 0.020 s
    5.519 probe: 200 after 0.020 s
    7.400 probe: 200 after 0.020 s
    7.420 P3 is given up: HTTP 429
    7.420 end
    ");
    assert_eq!((ran.ended(&End::Done), ran.given_up()), (11, 1));
}

#[test]
fn writes_that_are_all_turned_away_are_no_fault_of_the_jobs() {
    let rig = Rig {
        max_outage: Duration::from_mins(1),
        ..Rig::default()
    };
    for status in [429, 503] {
        let ran = rig.run(many_writes(12), move |asked| match asked.what {
            "probe" => Answer::status(200),
            what if what.ends_with("read") => Answer::status(404),
            _ => Answer::wait(status, "1"),
        });
        assert_eq!(
            (ran.given_up(), ran.ended(&End::Halted)),
            (0, 12),
            "{}",
            ran.lines
        );
    }
}

#[test]
fn jobs_that_were_refused_alone_before_end_no_run_unless_a_probe_is_refused_too() {
    let refused = |before, probe: u16| {
        let rig = Rig {
            refused_before: before,
            max_in_flight: 4,
            ..Rig::default()
        };
        let ran = rig.run(many_writes(9), move |asked| match asked.what {
            "probe" => Answer::status(probe),
            _ => Answer::status(403),
        });
        (ran.given_up(), ran.halt.is_some(), ran.calls.total)
    };
    // Nine writes, and a probe for each four or so of them.
    assert_eq!(refused(Some(RefusedBefore::Alone), 200), (9, false, 12));
    assert_eq!(refused(Some(RefusedBefore::Alone), 403), (0, true, 5));
    // It has answered nobody in this run.
    assert_eq!(refused(Some(RefusedBefore::WithOthers), 200), (0, true, 4));
    assert_eq!(refused(None, 200), (0, true, 4));
}

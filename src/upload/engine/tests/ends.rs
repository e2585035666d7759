//! What ends a run early.

use super::*;

#[test]
fn a_retry_after_beyond_the_longest_outage_ends_the_run() {
    let rig = Rig {
        max_outage: Duration::from_mins(5),
        ..Rig::default()
    };
    let ran = rig.run(writes(["A"]), |_| Answer::wait(429, "301"));
    insta::assert_snapshot!(ran.lines, @"
    0.000 A write: 429 (Retry-After: 301) after 0.020 s
    0.020 slowed to 50.0 a second: the LMS limits requests
    0.020 A is halted
    0.020 end: the LMS went down and did not come back (it asks to wait another 301 s), down for 0.000 s
    ");
}

#[test]
fn a_request_to_stop_waits_for_what_is_in_flight_and_for_no_longer_than_the_grace() {
    let rig = Rig {
        stop_after: Some(SECOND),
        ..Rig::default()
    };
    let ran = rig.run(writes(["A", "B", "C"]), |asked| match asked.what {
        "A write" => Answer::status(200).after(3_000),
        _ => Answer::status(200).after(60_000),
    });
    // B may be done or not: it stands in no ledger, and its intent stays open.
    insta::assert_snapshot!(ran.lines, @r#"
     0.000 A write: 200 after 3.000 s
     0.000 B write: 200 after 60.000 s
     1.000 Stopping { why: "asked to stop", in_flight: 2 }
     3.000 A is done
    21.000 C is halted
    21.000 end: stopped on request
    "#);
}

#[test]
fn a_request_to_stop_ends_a_pause_at_once() {
    let rig = Rig {
        stop_after: Some(SECOND),
        ..Rig::default()
    };
    let ran = rig.run(writes(["A"]), |_| Answer::wait(429, "500"));
    insta::assert_snapshot!(ran.lines, @r#"
    0.000 A write: 429 (Retry-After: 500) after 0.020 s
    0.020 slowed to 50.0 a second: the LMS limits requests
    0.020 all wait 500.000 s: the LMS asked hrfeed to slow down
    1.000 Stopping { why: "asked to stop", in_flight: 0 }
    1.000 A is halted
    1.000 end: stopped on request
    "#);
}

#[test]
fn what_no_repetition_mends_halts_the_run_at_once() {
    let fatal = [
        Answer::status(407),
        Answer::fatal(Fatal::Certificate("expired".into())),
        Answer::fatal(Fatal::UnknownHost("no such name".into())),
    ];
    let ends: Vec<_> = fatal
        .into_iter()
        .map(|answer| {
            let ran = Rig::default().run(writes(["A", "B"]), move |asked| match asked.what {
                "A write" => answer.clone(),
                _ => Answer::status(200).after(40),
            });
            assert_eq!(
                (ran.calls.total, ran.ended(&End::Done)),
                (2, 1),
                "{}",
                ran.lines
            );
            let lines: Vec<_> = ran.lines.lines().collect();
            lines[lines.len() - 2..].join("\n")
        })
        .collect();
    insta::assert_snapshot!(ends.join("\n"), @"
    0.040 A is halted
    0.040 end: a proxy requires a password (407)
    0.040 A is halted
    0.040 end: the LMS's certificate is not valid (expired)
    0.040 A is halted
    0.040 end: the LMS's host name cannot be resolved (no such name)
    ");
}

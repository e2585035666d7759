//! Outages, and rows that fail alone.

use super::*;

#[test]
fn an_outage_is_probed_with_growing_waits_and_fails_no_job() {
    let rig = Rig {
        per_second: 10.0,
        ..Rig::default()
    };
    let ran = rig.run(many_writes(8), |asked| {
        if (300..90_000).contains(&asked.at.as_millis()) {
            Answer::not_sent()
        } else {
            Answer::status(200)
        }
    });
    insta::assert_snapshot!(ran.lines, @"
      0.000 P0 write: 200 after 0.020 s
      0.000 P1 write: 200 after 0.020 s
      0.020 P0 is done
      0.020 P1 is done
      0.100 P2 write: 200 after 0.020 s
      0.120 P2 is done
      0.200 P3 write: 200 after 0.020 s
      0.220 P3 is done
      0.300 P4 write: no connection: refused after 0.020 s
      0.400 P5 write: no connection: refused after 0.020 s
      0.500 P6 write: no connection: refused after 0.020 s
      0.600 P7 write: no connection: refused after 0.020 s
      0.700 P4 write: no connection: refused after 0.020 s
      0.800 probe: no connection: refused after 0.020 s
      0.820 all wait 0.305 s: the LMS is unavailable (no connection: refused)
      1.125 probe: no connection: refused after 0.020 s
      1.145 all wait 0.615 s: the LMS is unavailable (no connection: refused)
      1.761 probe: no connection: refused after 0.020 s
      1.781 all wait 1.152 s: the LMS is unavailable (no connection: refused)
      2.933 probe: no connection: refused after 0.020 s
      2.953 all wait 2.797 s: the LMS is unavailable (no connection: refused)
      5.750 probe: no connection: refused after 0.020 s
      5.770 all wait 7.336 s: the LMS is unavailable (no connection: refused)
     13.107 probe: no connection: refused after 0.020 s
     13.127 all wait 15.491 s: the LMS is unavailable (no connection: refused)
     28.618 probe: no connection: refused after 0.020 s
     28.638 all wait 27.601 s: the LMS is unavailable (no connection: refused)
     56.239 probe: no connection: refused after 0.020 s
     56.259 all wait 29.921 s: the LMS is unavailable (no connection: refused)
     86.180 probe: no connection: refused after 0.020 s
     86.200 all wait 17.037 s: the LMS is unavailable (no connection: refused)
    103.237 probe: 200 after 0.020 s
    103.257 all go on
    103.257 slowed to 1.0 a second: the LMS was down
    104.237 P4 write: 200 after 0.020 s
    104.257 P4 is done
    104.423 P7 write: 200 after 0.020 s
    104.443 P7 is done
    104.590 P6 write: 200 after 0.020 s
    104.610 P6 is done
    104.744 P5 write: 200 after 0.020 s
    104.764 P5 is done
    104.764 end
    ");
    assert_eq!((ran.ended(&End::Done), &ran.halt), (8, &None));
}

#[test]
fn a_job_at_its_last_attempt_in_an_outage_is_not_given_up() {
    let ran = Rig::default().run(reads(1), |asked| {
        if asked.at < 12 * SECOND {
            Answer::none(NoAnswer::Timeout).after(1_000)
        } else {
            Answer::status(200)
        }
    });
    insta::assert_snapshot!(ran.lines, @"
     0.000 P0 read: no answer in time after 1.000 s
     1.336 P0 read: no answer in time after 1.000 s
     3.069 P0 read: no answer in time after 1.000 s
     5.830 P0 read: no answer in time after 1.000 s
     6.830 all wait 2.442 s: the last request has no final answer yet
     9.273 all go on
     9.273 P0 read: no answer in time after 1.000 s
    10.273 probe: no answer in time after 1.000 s
    11.273 all wait 0.498 s: the LMS is unavailable (no answer in time)
    11.771 probe: no answer in time after 1.000 s
    12.771 all wait 0.609 s: the LMS is unavailable (no answer in time)
    13.381 probe: 200 after 0.020 s
    13.401 all go on
    13.401 slowed to 10.0 a second: the LMS was down
    13.481 P0 read: 200 after 0.020 s
    13.501 P0 is done
    13.501 end
    ");
}

#[test]
fn a_target_that_never_answered_is_given_up_after_the_first_contact_should_have_been() {
    let ran = Rig::default().run(many_writes(6), |_| Answer::not_sent());
    insta::assert_snapshot!(ran.lines, @"
     0.000 P0 write: no connection: refused after 0.020 s
     0.000 P1 write: no connection: refused after 0.020 s
     0.020 P2 write: no connection: refused after 0.020 s
     0.020 P3 write: no connection: refused after 0.020 s
     0.040 P4 write: no connection: refused after 0.020 s
     0.040 P5 write: no connection: refused after 0.020 s
     0.060 all wait 0.498 s: the LMS does not accept changes (no connection: refused)
     0.558 probe: no connection: refused after 0.020 s
     0.578 all wait 0.288 s: the LMS is unavailable (no connection: refused)
     0.866 probe: no connection: refused after 0.020 s
     0.886 all wait 0.699 s: the LMS is unavailable (no connection: refused)
     1.586 probe: no connection: refused after 0.020 s
     1.606 all wait 1.834 s: the LMS is unavailable (no connection: refused)
     3.441 probe: no connection: refused after 0.020 s
     3.461 all wait 3.873 s: the LMS is unavailable (no connection: refused)
     7.334 probe: no connection: refused after 0.020 s
     7.354 all wait 7.360 s: the LMS is unavailable (no connection: refused)
    14.715 probe: no connection: refused after 0.020 s
    14.735 all wait 0.285 s: the LMS is unavailable (no connection: refused)
    15.020 probe: no connection: refused after 0.020 s
    15.040 P0 is halted
    15.040 P1 is halted
    15.040 P2 is halted
    15.040 P3 is halted
    15.040 P4 is halted
    15.040 P5 is halted
    15.040 end: the LMS gives no usable answer (no connection: refused), down for 15.020 s
    ");
}

#[test]
fn an_outage_that_lasts_too_long_halts_the_run() {
    let rig = Rig {
        max_outage: Duration::from_mins(2),
        ..Rig::default()
    };
    let ran = rig.run(many_writes(8), |asked| match asked.what {
        "P0 write" => Answer::status(200),
        "probe" => Answer::body("<html>"),
        _ => Answer::status(502),
    });
    insta::assert_snapshot!(ran.lines, @"
      0.000 P0 write: 200 after 0.020 s
      0.000 P1 write: 502 after 0.020 s
      0.020 P0 is done
      0.020 P2 write: 502 after 0.020 s
      0.020 P3 write: 502 after 0.020 s
      0.040 P4 write: 502 after 0.020 s
      0.040 P5 write: 502 after 0.020 s
      0.060 all wait 0.498 s: the LMS does not accept changes (HTTP 502)
      0.558 probe: 200 <html> after 0.020 s
      0.578 all wait 0.308 s: the LMS is unavailable (the answer is a web page, not the API's)
      0.886 probe: 200 <html> after 0.020 s
      0.906 all wait 0.576 s: the LMS is unavailable (the answer is a web page, not the API's)
      1.482 probe: 200 <html> after 0.020 s
      1.502 all wait 1.398 s: the LMS is unavailable (the answer is a web page, not the API's)
      2.901 probe: 200 <html> after 0.020 s
      2.921 all wait 3.668 s: the LMS is unavailable (the answer is a web page, not the API's)
      6.590 probe: 200 <html> after 0.020 s
      6.610 all wait 7.745 s: the LMS is unavailable (the answer is a web page, not the API's)
     14.356 probe: 200 <html> after 0.020 s
     14.376 all wait 14.720 s: the LMS is unavailable (the answer is a web page, not the API's)
     29.097 probe: 200 <html> after 0.020 s
     29.117 all wait 29.921 s: the LMS is unavailable (the answer is a web page, not the API's)
     59.038 probe: 200 <html> after 0.020 s
     59.058 all wait 17.037 s: the LMS is unavailable (the answer is a web page, not the API's)
     76.095 probe: 200 <html> after 0.020 s
     76.115 all wait 28.420 s: the LMS is unavailable (the answer is a web page, not the API's)
    104.535 probe: 200 <html> after 0.020 s
    104.555 all wait 15.465 s: the LMS is unavailable (the answer is a web page, not the API's)
    120.020 probe: 200 <html> after 0.020 s
    120.040 P6 is halted
    120.040 P7 is halted
    120.040 P1 is halted, unknown
    120.040 P2 is halted, unknown
    120.040 P3 is halted, unknown
    120.040 P4 is halted, unknown
    120.040 P5 is halted, unknown
    120.040 end: the LMS went down and did not come back (the answer is a web page, not the API's), down for 120.020 s
    ");
    assert_eq!(ran.ended(&End::Halted), 7);
}

#[test]
fn writes_are_held_while_reads_work_and_fail_no_job() {
    let rig = Rig {
        max_in_flight: 2,
        ..Rig::default()
    };
    let ran = rig.run(many_writes(40), |asked| match asked.what {
        "probe" => Answer::status(200),
        what if what.ends_with("read") => Answer::status(404),
        _ if asked.at < 60 * SECOND => Answer::status(500),
        _ => Answer::status(200),
    });
    let held: Vec<_> = ran
        .lines
        .lines()
        .filter(|line| line.contains("all wait"))
        .collect();
    insta::assert_snapshot!(held.join("\n"), @"
     0.060 all wait 0.498 s: the LMS does not accept changes (HTTP 500)
     0.060 all wait 1.231 s: the LMS does not accept changes (HTTP 500)
     1.331 all wait 5.593 s: the LMS does not accept changes (HTTP 500)
     1.331 all wait 29.045 s: the LMS does not accept changes (HTTP 500)
    30.477 all wait 29.921 s: the LMS does not accept changes (HTTP 500)
    ");
    assert_eq!((ran.ended(&End::Done), &ran.halt), (40, &None));
    let in_vain = ran
        .calls_at()
        .iter()
        .filter(|at| **at < 60 * SECOND)
        .count();
    assert!(in_vain < 60, "{in_vain} calls are a storm");
}

#[test]
fn writes_that_fail_for_too_long_while_reads_work_halt_the_run() {
    let rig = Rig {
        max_outage: Duration::from_mins(1),
        ..Rig::default()
    };
    let ran = rig.run(many_writes(40), |asked| match asked.what {
        "probe" => Answer::status(200),
        what if what.ends_with("read") => Answer::status(404),
        _ => Answer::status(500),
    });
    let end = ran.lines.lines().last();
    insta::assert_snapshot!(end.unwrap_or_default().trim(), @"60.150 end: the LMS went down and did not come back (HTTP 500), down for 60.110 s");
    assert_eq!((ran.ended(&End::Halted), ran.given_up()), (40, 0));
}

#[test]
fn the_last_rows_whose_writes_fail_are_given_up_and_are_no_outage() {
    let ran = Rig::default().run(many_writes(4), |asked| match asked.what {
        "P2 write" | "P3 write" => Answer::status(500),
        "P2 read" | "P3 read" => Answer::status(404),
        _ => Answer::status(200),
    });
    insta::assert_snapshot!(ran.lines, @"
    0.000 P0 write: 200 after 0.020 s
    0.000 P1 write: 200 after 0.020 s
    0.020 P0 is done
    0.020 P1 is done
    0.020 P2 write: 500 after 0.020 s
    0.020 P3 write: 500 after 0.020 s
    0.376 P2 read: 404 after 0.020 s
    0.396 P2 has advanced
    0.396 P2 write: 500 after 0.020 s
    0.407 P3 read: 404 after 0.020 s
    0.427 P3 has advanced
    0.427 P3 write: 500 after 0.020 s
    1.058 P3 read: 404 after 0.020 s
    1.078 P3 has advanced
    1.078 P3 write: 500 after 0.020 s
    1.297 P2 read: 404 after 0.020 s
    1.317 P2 has advanced
    1.317 P2 write: 500 after 0.020 s
    2.556 P2 read: 404 after 0.020 s
    2.576 P2 has advanced
    2.576 P2 write: 500 after 0.020 s
    3.089 P3 read: 404 after 0.020 s
    3.109 P3 has advanced
    3.109 P3 write: 500 after 0.020 s
    5.058 P2 read: 404 after 0.020 s
    5.078 P2 has advanced
    5.078 P2 write: 500 after 0.020 s
    5.098 probe: 200 after 0.020 s
    5.118 all go on
    5.118 P2 read: 404 after 0.020 s
    5.138 P2 is done: not applied
    5.433 P3 read: 404 after 0.020 s
    5.453 P3 has advanced
    5.453 P3 write: 500 after 0.020 s
    5.473 probe: 200 after 0.020 s
    5.493 all go on
    5.493 P3 read: 404 after 0.020 s
    5.513 P3 is done: not applied
    5.513 end
    ");
}

#[test]
fn seven_rows_with_nobody_beside_them_are_given_up_once_an_outage_would_have_ended() {
    let rig = Rig {
        max_outage: Duration::from_mins(1),
        ..Rig::default()
    };
    let ran = rig.run(many_writes(7), |asked| match asked.what {
        "probe" => Answer::status(200),
        what if what.ends_with("read") => Answer::status(404),
        _ => Answer::status(500),
    });
    let not_applied = ran.lines.matches("done: not applied").count();
    assert_eq!((not_applied, &ran.halt), (7, &None), "{}", ran.lines);
    let first = ran
        .happened
        .iter()
        .find(|(_, happened)| matches!(happened, Happened::Ended(..)));
    assert!(first.is_some_and(|(at, _)| *at >= Duration::from_mins(1)));
}

#[test]
fn a_job_of_unknown_outcome_is_read_back_once_more_before_it_is_given_up() {
    let ran = Rig::default().run(writes(["A"]), |asked| match (asked.what, asked.times) {
        ("A write", _) => Answer::body("unclear"),
        ("A read", 1..=4) => Answer::status(404),
        _ => Answer::status(200),
    });
    insta::assert_snapshot!(ran.lines, @"
    0.000 A write: 200 unclear after 0.020 s
    0.356 A read: 404 after 0.020 s
    0.376 A has advanced
    0.376 A write: 200 unclear after 0.020 s
    1.129 A read: 404 after 0.020 s
    1.149 A has advanced
    1.149 A write: 200 unclear after 0.020 s
    2.930 A read: 404 after 0.020 s
    2.950 A has advanced
    2.950 A write: 200 unclear after 0.020 s
    2.970 all wait 2.442 s: the last request has no final answer yet
    5.413 all go on
    5.413 A read: 404 after 0.020 s
    5.433 A has advanced
    5.433 A write: 200 unclear after 0.020 s
    5.453 probe: 200 after 0.020 s
    5.473 all go on
    5.473 A read: 200 after 0.020 s
    5.493 A is done
    5.493 end
    ");
}

#[test]
fn a_host_name_that_was_known_before_is_an_outage() {
    let ran = Rig::default().run(reads(2), |asked| match (asked.what, asked.times) {
        ("P1 read", 1) => Answer::fatal(Fatal::UnknownHost("no such name".into())).after(30),
        _ => Answer::status(200),
    });
    insta::assert_snapshot!(ran.lines, @r#"
    0.000 P0 read: 200 after 0.020 s
    0.000 P1 read: UnknownHost("no such name") after 0.030 s
    0.020 P0 is done
    0.366 P1 read: 200 after 0.020 s
    0.386 P1 is done
    0.386 end
    "#);
}

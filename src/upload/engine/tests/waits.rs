//! Repetitions, refusals, and the rate.

use super::*;

#[test]
fn a_failed_call_is_repeated_after_a_wait_that_doubles() {
    let ran = Rig::default().run(vec![Work::reads("A")], |asked| match asked.times {
        1..=4 => Answer::status(500),
        _ => Answer::status(200),
    });
    insta::assert_snapshot!(ran.lines, @"
    0.000 A read: 500 after 0.020 s
    0.356 A read: 500 after 0.020 s
    1.109 A read: 500 after 0.020 s
    2.890 A read: 500 after 0.020 s
    2.910 all wait 2.442 s: the last request has no final answer yet
    5.353 all go on
    5.353 A read: 200 after 0.020 s
    5.373 A is done
    5.373 end
    ");
    assert_eq!((ran.calls.total, ran.calls.retried), (5, 4));
}

#[test]
fn a_write_without_an_answer_is_read_back_before_it_is_repeated() {
    let ran = Rig::default().run(writes(["A", "B", "C"]), |asked| match asked.what {
        "A write" if asked.times == 1 => Answer::none(NoAnswer::Timeout).after(30_000),
        "B write" if asked.times == 1 => Answer::none(NoAnswer::Broken("reset".into())),
        "C write" if asked.times == 1 => Answer::not_sent(),
        "A read" => Answer::status(404),
        _ => Answer::status(200),
    });
    insta::assert_snapshot!(ran.lines, @"
     0.000 A write: no answer in time after 30.000 s
     0.000 B write: the connection broke: reset after 0.020 s
     0.020 C write: no connection: refused after 0.020 s
     0.356 B read: 200 after 0.020 s
     0.376 B is done
     0.407 C write: 200 after 0.020 s
     0.427 C is done
    30.441 A read: 404 after 0.020 s
    30.461 A has advanced
    30.461 A write: 200 after 0.020 s
    30.481 A is done
    30.481 end
    ");
}

#[test]
fn a_retry_after_holds_everybody_for_exactly_so_long() {
    let rig = Rig {
        max_in_flight: 2,
        ..Rig::default()
    };
    let ran = rig.run(reads(5), |asked| match asked.what {
        "P1 read" if asked.times == 1 => Answer::wait(429, "7"),
        _ => Answer::status(200),
    });
    insta::assert_snapshot!(ran.lines, @"
    0.000 P0 read: 200 after 0.020 s
    0.000 P1 read: 429 (Retry-After: 7) after 0.020 s
    0.020 P0 is done
    0.020 slowed to 50.0 a second: the LMS limits requests
    0.020 all wait 7.000 s: the LMS asked hrfeed to slow down
    7.020 all go on
    7.020 P1 read: 200 after 0.020 s
    7.040 P1 is done
    7.040 P2 read: 200 after 0.020 s
    7.060 P2 is done
    7.060 P3 read: 200 after 0.020 s
    7.080 P3 is done
    7.080 P4 read: 200 after 0.020 s
    7.100 P4 is done
    7.100 end
    ");
    assert_eq!(ran.calls.throttled, 1);
}

#[test]
fn a_429_without_a_retry_after_is_waited_out_longer_each_time() {
    let rig = Rig {
        max_in_flight: 1,
        ..Rig::default()
    };
    let ran = rig.run(reads(6), |asked| match asked.at.as_secs() {
        0..3 => Answer::status(429),
        3..6 => Answer::wait(429, "0"),
        _ => Answer::status(200),
    });
    insta::assert_snapshot!(ran.lines, @"
     0.000 P0 read: 429 after 0.020 s
     0.020 P1 read: 429 after 0.020 s
     0.040 P2 read: 429 after 0.020 s
     0.060 P3 read: 429 after 0.020 s
     0.080 P4 read: 429 after 0.020 s
     0.100 slowed to 2.5 a second: the LMS limits requests
     0.100 all wait 4.876 s: the LMS asked hrfeed to slow down
     4.976 all go on
     4.976 P4 read: 429 (Retry-After: 0) after 0.020 s
     4.996 all wait 9.213 s: the LMS asked hrfeed to slow down
    14.209 all go on
    14.209 P4 read: 200 after 0.020 s
    14.229 P4 is done
    14.609 P3 read: 200 after 0.020 s
    14.629 P3 is done
    14.974 P2 read: 200 after 0.020 s
    14.994 P2 is done
    15.315 P1 read: 200 after 0.020 s
    15.335 P1 is done
    15.638 P0 read: 200 after 0.020 s
    15.658 P0 is done
    15.946 P5 read: 200 after 0.020 s
    15.966 P5 is done
    15.966 end
    ");
}

#[test]
fn a_retry_after_that_is_a_date_is_read_by_the_date_of_its_answer() {
    // Years behind, and years ahead: an hour is no different.
    for year in [2001, 2901] {
        let ran = Rig::default().run(reads(1), move |asked| {
            let date = |second| format!("21 Nov {year} 02:00:{second:02} GMT");
            let weekday = if year == 2001 { "Wed" } else { "Mon" };
            match asked.times {
                1 => Answer::wait(429, &format!("{weekday}, {}", date(9)))
                    .dated(&format!("{weekday}, {}", date(2))),
                _ => Answer::status(200),
            }
        });
        let called: Vec<_> = ran.calls_at().iter().map(Duration::as_millis).collect();
        assert_eq!(called, [0, 7020], "{year}: {}", ran.lines);
    }
    // Without a date of its own, it is this machine's clock that counts.
    let ran = Rig::default().run(reads(1), |asked| match asked.times {
        1 => Answer::wait(429, "Wed, 21 Nov 2001 02:00:09 GMT"),
        _ => Answer::status(200),
    });
    assert!(ran.calls_at()[1] < SECOND, "{}", ran.lines);
}

#[test]
fn a_503_with_a_retry_after_holds_everybody_and_a_write_is_read_back() {
    let ran = Rig::default().run(writes(["A", "B", "C"]), |asked| match asked.what {
        "A write" => Answer::wait(503, "3"),
        _ => Answer::status(200),
    });
    insta::assert_snapshot!(ran.lines, @"
    0.000 A write: 503 (Retry-After: 3) after 0.020 s
    0.000 B write: 200 after 0.020 s
    0.020 slowed to 50.0 a second: the LMS is overloaded
    0.020 all wait 3.000 s: the LMS asked hrfeed to slow down
    0.020 B is done
    3.020 all go on
    3.020 A read: 200 after 0.020 s
    3.040 A is done
    3.040 C write: 200 after 0.020 s
    3.060 C is done
    3.060 end
    ");
}

#[test]
fn a_refusal_halves_the_rate_which_then_comes_back() {
    let rig = Rig {
        per_second: 40.0,
        ..Rig::default()
    };
    let ran = rig.run(reads(900), |asked| match asked.what {
        "P120 read" if asked.times == 1 => Answer::wait(429, "1"),
        _ => Answer::status(200).after(50),
    });
    insta::assert_compact_debug_snapshot!(ran.calls_by_second(), @"[40, 40, 40, 2, 22, 25, 29, 30, 33, 34, 34, 35, 34, 35, 34, 34, 36, 35, 36, 38, 40, 40, 40, 40, 40, 40, 15]");
    let of_the_rate: Vec<_> = ran
        .lines
        .lines()
        .filter(|line| line.contains("low") || line.contains("Full"))
        .collect();
    insta::assert_snapshot!(of_the_rate.join("\n"), @"
     3.023 slowed to 20.0 a second: the LMS limits requests
     3.023 all wait 1.000 s: the LMS asked hrfeed to slow down
    20.339 FullSpeed
    ");
}

#[test]
fn a_job_that_waits_of_its_own_accord_holds_nobody_up() {
    let ran = Rig::default().run(reads(3), |asked| match (asked.what, asked.times) {
        ("P0 read", 1) => Answer::body("later"),
        _ => Answer::status(200),
    });
    insta::assert_snapshot!(ran.lines, @"
    0.000 P0 read: 200 later after 0.020 s
    0.000 P1 read: 200 after 0.020 s
    0.020 P0 has advanced
    0.020 P1 is done
    0.020 P2 read: 200 after 0.020 s
    0.040 P2 is done
    0.040 all wait 4.980 s: the last request has no final answer yet
    5.020 all go on
    5.020 P0 read: 200 after 0.020 s
    5.040 P0 is done
    5.040 end
    ");
}

//! Progress as plain lines: for a log, a cron mail, a pipe; or the same as JSON, for a
//! program that collects logs.
//!
//! A stage has a line at its beginning, one every [`EVERY`] while something moves,
//! and one at its end. Each begins with the time since the start, or in JSON with the date.

use std::io::Write;
use std::time::{Duration, Instant};

use super::Tally;
use super::fields::of_event;
use super::tally::Stage;
use crate::clock::Clock;
use crate::event::{Event, Listener};
use crate::model::{Counts, Effects};
use crate::report::effects::in_words;
use crate::report::log::{Level, LogFields, LogLine};
use crate::report::sanitize;
use crate::report::text::{bytes, count, counted, duration, percent, rate, rows, stopwatch};

/// What the line at the end of a stage is called.
const END: &str = "stage_ended";

/// How long a stage is silent while something moves.
const EVERY: Duration = Duration::from_secs(10);

/// What a line is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// A sentence.
    Text,
    /// An object, with the date of this clock.
    Json(Clock),
}

/// Writes plain lines; `clock` is an argument so that a test can move it.
pub(super) struct Lines<W, C> {
    out: W,
    form: Form,
    clock: C,
    tally: Tally,
    start: Instant,
    spoke: Instant,
    /// Whether stderr is closed. The run must not end for that.
    gone: bool,
}

impl<W: Write, C: Fn() -> Instant> Lines<W, C> {
    pub(super) fn new(out: W, form: Form, clock: C) -> Self {
        let now = clock();
        Self {
            out,
            form,
            clock,
            tally: Tally::default(),
            start: now,
            spoke: now,
            gone: false,
        }
    }

    fn say(&mut self, now: Instant, sentence: &str, about: (&str, Level, LogFields)) {
        self.spoke = now;
        if self.gone {
            return;
        }
        let line = match self.form {
            Form::Text => {
                let time = stopwatch(now.saturating_duration_since(self.start).as_secs());
                format!("{time}  {sentence}\n")
            }
            Form::Json(clock) => {
                let (event, level, fields) = about;
                let line = LogLine {
                    level,
                    event,
                    message: sentence,
                    fields,
                };
                line.to_json(clock.now())
            }
        };
        // In one piece: others write there, too.
        self.gone = (self.out.write_all(line.as_bytes()))
            .and_then(|()| self.out.flush())
            .is_err();
    }

    /// A line about the stage as it is.
    fn say_numbers(&mut self, now: Instant, sentence: &str, event: &str) {
        let numbers = self.tally.numbers(now);
        self.say(now, sentence, (event, Level::Info, numbers));
    }

    /// The line at the end of a stage that has no event for its end.
    fn end_stage(&mut self, now: Instant) {
        let tally = &self.tally;
        let took = duration(tally.seconds(now));
        let what = match tally.stage {
            Stage::Idle => return,
            Stage::Sending if tally.goal == 0 && tally.done == 0 => return,
            Stage::Reading => {
                let (rows, read) = (rows(tally.rows), tally.how_much_read());
                let sentence = format!("Stopped reading after {rows} ({read}, {took})");
                return self.say_numbers(now, &sentence, END);
            }
            Stage::Surveying => {
                let [people, requests] = tally.surveyed();
                let sentence = format!("Checked the LMS: {people} ({requests}, {took})");
                return self.say_numbers(now, &sentence, END);
            }
            Stage::Settling => "Checked",
            Stage::Sending => "Sent",
        };
        let (done, goal) = (count(tally.done), count(tally.goal));
        let mut parts = vec![format!("{what} {done} of {goal} in {took}")];
        let sent = tally.sent();
        if !sent.is_empty() {
            parts.push(sent.join(", "));
        }
        self.say_numbers(now, &parts.join(": "), END);
    }

    /// The line while a stage is in progress.
    fn moving(&mut self, now: Instant) {
        let tally = &self.tally;
        let done = |what| {
            let (done, goal) = (count(tally.done), count(tally.goal));
            let share = percent(tally.done, tally.goal);
            let mut parts = vec![format!("{what}: {done} of {goal} ({share})")];
            parts.extend(tally.sending(now));
            parts
        };
        let parts = match tally.stage {
            Stage::Idle => return,
            Stage::Reading => {
                let mut parts = vec![format!("Reading: {}", tally.how_much_read())];
                parts.extend(tally.reading(now));
                parts
            }
            Stage::Surveying => vec![format!("Checking the LMS: {}", tally.surveyed().join(", "))],
            Stage::Settling => done("Checking"),
            Stage::Sending => done("Sending"),
        };
        self.say_numbers(now, &parts.join(", "), "progress");
    }
}

/// `Planned: 940 to create, 12 to update`.
fn planned(counts: &Counts, effects: &Effects) -> String {
    let parts: Vec<_> = [
        (counts.created, "to create"),
        (counts.updated, "to update"),
        (counts.unchanged, "unchanged"),
        (counts.rejected, "rejected"),
        (counts.deactivated, "to deactivate"),
        (counts.deleted, "to delete"),
        (counts.set, "to set"),
        (counts.pending, "held"),
    ]
    .into_iter()
    .filter(|&(number, _)| number > 0)
    .map(|(number, what)| format!("{} {what}", count(number)))
    .collect();
    if parts.is_empty() {
        return "Planned: nothing to do".to_owned();
    }
    let line = format!("Planned: {}", parts.join(", "));
    match in_words(effects) {
        Some(words) => format!("{line}. This will {words}"),
        None => line,
    }
}

/// What is said while another run is using the LMS.
pub(super) fn awaiting(holder: Option<&str>) -> String {
    match holder {
        Some(holder) => format!(
            "Waiting for another run on this LMS to end: {}",
            sanitize(holder)
        ),
        None => "Waiting for another run on this LMS to end".to_owned(),
    }
}

/// What is said once a run was asked to stop.
pub(super) fn stopping(why: &str, in_flight: usize) -> String {
    let requests = counted(in_flight as u64, "request", "requests");
    let waiting = match in_flight {
        0 => String::new(),
        _ => format!(": waiting for {requests} to finish"),
    };
    format!("Stopping ({}){waiting}", sanitize(why))
}

/// The line for an event that has one of its own. `took` is the time of the
/// stage that the event ends.
fn line(event: &Event<'_>, took: &str) -> Option<String> {
    Some(match *event {
        Event::LockAwaited { holder } => awaiting(holder),
        Event::ReadStarted { bytes: None } => "Reading the feed".to_owned(),
        Event::ReadStarted { bytes: Some(size) } => format!("Reading the feed ({})", bytes(size)),
        Event::JoinStarted { file, bytes: None } => format!("Reading {}", sanitize(file)),
        Event::JoinStarted {
            file,
            bytes: Some(size),
        } => format!("Reading {} ({})", sanitize(file), bytes(size)),
        Event::ReadFinished {
            rows: all,
            skipped,
            rejected,
        } => {
            let mut line = format!("Read {} in {took}", rows(all));
            for (number, what) in [(rejected, "rejected"), (skipped, "skipped by the mapping")] {
                if number > 0 {
                    line.extend([", ", &count(number), " ", what]);
                }
            }
            line
        }
        Event::SurveyStarted { unknown_people: 0 } => "Checking the people in the LMS".to_owned(),
        Event::SurveyStarted { unknown_people: 1 } => {
            "Checking whether 1 new person already has an account".to_owned()
        }
        Event::SurveyStarted { unknown_people } => {
            let people = count(unknown_people);
            format!("Checking which of {people} new people already have an account")
        }
        Event::EarlierStarted { people } => {
            let people = counted(people, "person", "people");
            format!("Reading {people} before they are changed")
        }
        Event::SettleStarted { unknown } => {
            let rows = counted(unknown, "unknown outcome", "unknown outcomes");
            format!("Checking {rows} of an earlier run")
        }
        Event::Planned { counts, effects } => planned(counts, &effects),
        Event::SendStarted { run, changes } => {
            let what = match changes {
                0 => "Nothing to send".to_owned(),
                some => format!("Sending {}", counted(some, "change", "changes")),
            };
            format!("{what} (run {})", sanitize(run))
        }
        Event::VerifyStarted { people } => {
            format!("Reading back {}", counted(people, "change", "changes"))
        }
        Event::Continued => "Continuing".to_owned(),
        Event::Slowed { per_second, why } => {
            let (rate, why) = (rate(per_second), sanitize(why));
            format!("Slowed down to {rate} requests per second: {why}")
        }
        Event::FullSpeed => "Back to full speed".to_owned(),
        Event::Stopping { why, in_flight } => stopping(why, in_flight),
        Event::ReadProgress { .. }
        | Event::SurveyProgress { .. }
        | Event::SettleProgress { .. }
        | Event::Settled { .. }
        | Event::Called(_)
        | Event::Paused { .. }
        | Event::Finished => return None,
    })
}

impl<W: Write, C: Fn() -> Instant> Listener for Lines<W, C> {
    fn on_event(&mut self, event: &Event<'_>) {
        let now = (self.clock)();
        // A stage ends where the next one begins; reading has its own event.
        match event {
            Event::LockAwaited { .. }
            | Event::ReadStarted { .. }
            | Event::JoinStarted { .. }
            | Event::SurveyStarted { .. }
            | Event::EarlierStarted { .. }
            | Event::SettleStarted { .. }
            | Event::Planned { .. }
            | Event::SendStarted { .. }
            | Event::VerifyStarted { .. }
            | Event::Finished => self.end_stage(now),
            _ => {}
        }
        let took = duration(self.tally.seconds(now));
        self.tally.on_event(event, now);
        let pause = self.tally.pause.as_ref();
        let line = match event {
            Event::Paused { .. } => pause.map(|pause| pause.sentence(now)),
            event => line(event, &took),
        };
        if let Some(line) = line {
            self.say(now, &line, of_event(event));
        } else if now.saturating_duration_since(self.spoke) >= EVERY {
            self.moving(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;
    use crate::clock;
    use crate::model::{Action, Calls, ExternalId, Outcome, RowNumber};

    /// Lines with a clock that only the test moves.
    struct Rig {
        lines: Lines<Vec<u8>, Box<dyn Fn() -> Instant>>,
        time: Rc<Cell<Instant>>,
    }

    impl Rig {
        fn new() -> Self {
            let time = Rc::new(Cell::new(clock::monotonic()));
            let clock = Rc::clone(&time);
            let clock: Box<dyn Fn() -> Instant> = Box::new(move || clock.get());
            Self {
                lines: Lines::new(Vec::new(), Form::Text, clock),
                time,
            }
        }

        fn after(&mut self, millis: u64, event: &Event<'_>) {
            self.time
                .set(self.time.get() + Duration::from_millis(millis));
            self.lines.on_event(event);
        }

        fn settle(&mut self, number: u64, millis_each: u64, outcome: Outcome) {
            let person = ExternalId::known("E1");
            for _ in 0..number {
                let event = Event::Settled {
                    row: Some(RowNumber::new(2)),
                    external_id: &person,
                    action: Action::Create,
                    outcome,
                    instead_of: None,
                };
                self.after(millis_each, &event);
            }
        }

        fn text(&self) -> String {
            String::from_utf8(self.lines.out.clone()).unwrap()
        }
    }

    #[test]
    fn a_whole_import_in_plain_lines() {
        let mut rig = Rig::new();
        rig.after(
            0,
            &Event::ReadStarted {
                bytes: Some(24_800_000),
            },
        );
        for at in 1..=15_u32 {
            let progress = Event::ReadProgress {
                bytes: u64::from(at) * 1_240_000,
                rows: u64::from(at) * 10_000,
                rejected: u64::from(at / 3),
            };
            rig.after(1_000, &progress);
        }
        rig.after(
            5_000,
            &Event::ReadFinished {
                rows: 200_000,
                skipped: 2,
                rejected: 23,
            },
        );
        rig.after(
            0,
            &Event::SurveyStarted {
                unknown_people: 940,
            },
        );
        for (calls, people) in [(1, 100), (12, 1_200)] {
            rig.after(600, &Event::SurveyProgress { calls, people });
        }
        let counts = Counts {
            created: 940,
            updated: 12,
            unchanged: 199_025,
            rejected: 23,
            ..Counts::default()
        };
        let effects = Effects {
            mails: 940,
            passwords: 0,
            closed: 1,
        };
        rig.after(
            10,
            &Event::Planned {
                counts: &counts,
                effects,
            },
        );
        rig.after(
            10,
            &Event::SendStarted {
                run: "12",
                changes: 952,
            },
        );
        rig.settle(500, 50, Outcome::Created);
        rig.after(
            0,
            &Event::Called(&Calls {
                total: 520,
                retried: 3,
                throttled: 1,
            }),
        );
        let pause = Event::Paused {
            why: "the LMS asked hrfeed to slow down",
            wait: Duration::from_secs(30),
            down: None,
        };
        let (per_second, why) = (5.0, "the LMS is overloaded");
        rig.after(0, &Event::Slowed { per_second, why });
        rig.after(0, &pause);
        rig.after(30_000, &Event::Continued);
        rig.after(0, &Event::FullSpeed);
        rig.settle(2, 50, Outcome::Rejected);
        rig.settle(450, 50, Outcome::Updated);
        rig.after(0, &Event::Finished);
        insta::assert_snapshot!(rig.text(), @"
        0:00:00  Reading the feed (24.8 MB)
        0:00:10  Reading: 50 % of 24.8 MB, 100,000 rows, 3 rejected, 10,000 per second
        0:00:20  Read 200,000 rows in 20 s, 23 rejected, 2 skipped by the mapping
        0:00:20  Checking which of 940 new people already have an account
        0:00:21  Checked the LMS: 1,200 people (12 requests, 1.2 s)
        0:00:21  Planned: 940 to create, 12 to update, 199,025 unchanged, 23 rejected. This will make the LMS mail up to 940 people and close 1 account
        0:00:21  Sending 952 changes (run 12)
        0:00:31  Sending: 200 of 952 (21 %), 20.0 per second, 38 s left
        0:00:41  Sending: 400 of 952 (42 %), 20.0 per second, 28 s left
        0:00:46  Slowed down to 5.0 requests per second: the LMS is overloaded
        0:00:46  The LMS asked hrfeed to slow down; retrying in 30 s
        0:01:16  Continuing
        0:01:16  Back to full speed
        0:01:26  Sending: 700 of 952 (73 %), 20.0 per second, 2 rejected, 3 retries, 13 s left
        0:01:36  Sending: 900 of 952 (94 %), 20.0 per second, 2 rejected, 3 retries, 3 s left
        0:01:38  Sent 952 of 952 in 1 min 18 s: 500 created, 450 updated, 2 rejected, 3 retries
        ");
    }

    #[test]
    fn an_interrupted_import_says_how_far_it_came() {
        let mut rig = Rig::new();
        rig.after(0, &Event::SettleStarted { unknown: 1 });
        rig.after(200, &Event::SettleProgress { checked: 1 });
        rig.after(
            10,
            &Event::SendStarted {
                run: "13",
                changes: 1,
            },
        );
        rig.after(
            10,
            &Event::Stopping {
                why: "Ctrl-C",
                in_flight: 1,
            },
        );
        rig.settle(1, 50, Outcome::Pending);
        rig.after(0, &Event::Finished);
        insta::assert_snapshot!(rig.text(), @"
        0:00:00  Checking 1 unknown outcome of an earlier run
        0:00:00  Checked 1 of 1 in 0.2 s
        0:00:00  Sending 1 change (run 13)
        0:00:00  Stopping (Ctrl-C): waiting for 1 request to finish
        0:00:00  Sent 0 of 1 in 0.1 s
        ");
    }

    #[test]
    fn an_empty_feed_from_a_pipe() {
        let mut rig = Rig::new();
        rig.after(0, &Event::ReadStarted { bytes: None });
        rig.after(
            100,
            &Event::ReadFinished {
                rows: 0,
                skipped: 0,
                rejected: 0,
            },
        );
        rig.after(
            0,
            &Event::Planned {
                counts: &Counts::default(),
                effects: Effects::default(),
            },
        );
        rig.after(0, &Event::Finished);
        insta::assert_snapshot!(rig.text(), @"
        0:00:00  Reading the feed
        0:00:00  Read 0 rows in 0.1 s
        0:00:00  Planned: nothing to do
        ");
    }

    #[test]
    fn a_million_rows_in_a_minute_are_a_handful_of_lines() {
        let mut rig = Rig::new();
        rig.after(
            0,
            &Event::SendStarted {
                run: "1",
                changes: 60_000,
            },
        );
        rig.settle(60_000, 1, Outcome::Created);
        rig.after(0, &Event::Finished);
        assert_eq!(rig.text().lines().count(), 2 + 6);
    }

    #[test]
    fn the_same_as_json_has_the_numbers_as_fields() {
        let mut rig = Rig::new();
        rig.lines.form = Form::Json(Clock::system());
        let start = Event::SendStarted {
            run: "12",
            changes: 400,
        };
        rig.after(0, &start);
        rig.settle(300, 50, Outcome::Created);
        let pause = Event::Paused {
            why: "the LMS is down (HTTP 503)",
            wait: Duration::from_secs(20),
            down: None,
        };
        rig.after(0, &pause);
        rig.after(0, &Event::Finished);
        let of_line = |line: &str| {
            let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
            let time = line.as_object_mut().unwrap().remove("time").unwrap();
            time.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
            let counts = line.as_object_mut().unwrap().remove("counts");
            let created = counts.map(|counts| counts["created"].to_string());
            format!("{} {line}", created.unwrap_or_default())
        };
        let lines: Vec<_> = rig.text().lines().map(of_line).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
         {"changes":400,"event":"send_started","level":"info","message":"Sending 400 changes (run 12)","run":"12"}
        200 {"calls":{"retried":0,"throttled":0,"total":0},"done":200,"event":"progress","goal":400,"held":0,"level":"info","message":"Sending: 200 of 400 (50 %), 20.0 per second, 10 s left","per_second":20.0,"seconds_left":10.0,"stage":"sending","stage_seconds":10.0}
         {"down_seconds":null,"event":"paused","level":"warn","message":"The LMS is down (HTTP 503); retrying in 20 s","wait_seconds":20.0,"why":"the LMS is down (HTTP 503)"}
        300 {"calls":{"retried":0,"throttled":0,"total":0},"done":300,"event":"stage_ended","goal":400,"held":0,"level":"info","message":"Sent 300 of 400 in 15 s: 300 created","per_second":20.0,"seconds_left":5.0,"stage":"sending","stage_seconds":15.0}
        "#);
    }

    #[test]
    fn a_closed_stderr_does_not_end_the_run() {
        struct Closed(Rc<Cell<u32>>);
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                self.0.set(self.0.get() + 1);
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let tries = Rc::new(Cell::new(0));
        let mut lines = Lines::new(Closed(Rc::clone(&tries)), Form::Text, clock::monotonic);
        for _ in 0..3 {
            lines.on_event(&Event::ReadStarted { bytes: None });
        }
        assert_eq!(tries.get(), 1);
    }
}

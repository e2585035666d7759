//! A target that answers from a script, on a clock that stands still until
//! everybody waits.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::super::{End, Engine, Job, Ledger, Next, NoReply, Suspicion, Transport};
use crate::event::{Event, Listener};
use crate::journal::RefusedBefore;
use crate::model::Calls;
use crate::retry::{Fatal, NoAnswer};
use crate::schema::System;
use crate::targets::{self, Call, Method, Reply};
use crate::upload::pace::Pace;
use crate::upload::pressure::Pressure;
use crate::upload::{Halt, Stop, UploadError};

/// What the scripted target does with a call.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// How long it takes.
    pub(super) after: Duration,
    pub(super) result: Result<Reply, NoReply>,
}

impl Answer {
    pub(super) fn status(status: u16) -> Self {
        let reply = Reply {
            status,
            body: b"[]".to_vec(),
            ..Reply::default()
        };
        Self::of(Ok(reply))
    }

    pub(super) fn wait(status: u16, seconds: &str) -> Self {
        let mut answer = Self::status(status);
        if let Ok(reply) = &mut answer.result {
            reply.retry_after = Some(seconds.into());
        }
        answer
    }

    /// The answer has this date.
    pub(super) fn dated(mut self, date: &str) -> Self {
        if let Ok(reply) = &mut self.result {
            reply.date = Some(date.into());
        }
        self
    }

    pub(super) fn body(text: &str) -> Self {
        let mut answer = Self::status(200);
        if let Ok(reply) = &mut answer.result {
            reply.body = text.as_bytes().to_vec();
        }
        answer
    }

    pub(super) fn none(why: NoAnswer) -> Self {
        Self::of(Err(NoReply::NoAnswer(why)))
    }

    pub(super) fn not_sent() -> Self {
        Self::none(NoAnswer::NotSent("refused".into()))
    }

    pub(super) fn fatal(fatal: Fatal) -> Self {
        Self::of(Err(NoReply::Fatal(fatal)))
    }

    fn of(result: Result<Reply, NoReply>) -> Self {
        Self {
            after: Duration::from_millis(20),
            result,
        }
    }

    pub(super) fn after(mut self, milliseconds: u64) -> Self {
        self.after = Duration::from_millis(milliseconds);
        self
    }

    fn in_words(&self) -> String {
        match &self.result {
            Ok(reply) => {
                let mut words = reply.status.to_string();
                if let Some(wait) = &reply.retry_after {
                    write!(words, " (Retry-After: {wait})").unwrap();
                }
                if reply.body != b"[]" {
                    write!(words, " {}", String::from_utf8_lossy(&reply.body)).unwrap();
                }
                words
            }
            Err(NoReply::NoAnswer(why)) => why.why(),
            Err(NoReply::Fatal(fatal)) => format!("{fatal:?}"),
        }
    }
}

/// A call as a script sees it.
pub(super) struct Asked<'a> {
    pub(super) call: &'a Call,
    /// Behind `hrfeed/`: `A write`, `A read`; or `probe`.
    pub(super) what: &'a str,
    /// How often this was asked, from 1.
    pub(super) times: u32,
    /// Since the start.
    pub(super) at: Duration,
}

/// What happened, with its time.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Happened {
    /// What was asked, and how long the answer takes.
    Called(String, Duration),
    Paused(Duration),
    Continued,
    Ended(String, End),
    Other,
}

#[derive(Default)]
struct Log {
    lines: String,
    happened: Vec<(Duration, Happened)>,
}

/// Notes what happens, and when.
#[derive(Clone)]
pub(super) struct Recorder {
    start: Instant,
    log: Arc<Mutex<Log>>,
}

impl Recorder {
    fn note(&self, happened: Happened, words: &str) {
        let at = self.start.elapsed();
        let mut log = self.log.lock().unwrap();
        writeln!(log.lines, "{:>7.3} {words}", at.as_secs_f64()).unwrap();
        log.happened.push((at, happened));
    }
}

impl Listener for Recorder {
    fn on_event(&mut self, event: &Event<'_>) {
        match event {
            Event::Called(_) => {}
            Event::Paused { why, wait, .. } => self.note(
                Happened::Paused(*wait),
                &format!("all wait {:.3} s: {why}", wait.as_secs_f64()),
            ),
            Event::Continued => self.note(Happened::Continued, "all go on"),
            Event::Slowed { per_second, why } => self.note(
                Happened::Other,
                &format!("slowed to {per_second:.1} a second: {why}"),
            ),
            event => self.note(Happened::Other, &format!("{event:?}")),
        }
    }
}

impl Ledger<Work> for Recorder {
    fn advanced(&mut self, job: &mut Work) -> Result<(), UploadError> {
        self.note(Happened::Other, &format!("{} has advanced", job.name));
        Ok(())
    }

    fn ended(
        &mut self,
        job: Work,
        end: End,
        _: &Calls,
        _: &mut dyn Listener,
    ) -> Result<(), UploadError> {
        let words = match &end {
            End::Done if job.was_given_up && job.outcome == Outcome::None => {
                "done: not applied".to_owned()
            }
            End::Done => "done".to_owned(),
            End::GaveUp(why) => format!("given up: {}", why.why()),
            End::Halted | End::HaltedRefused => "halted".to_owned(),
        };
        let unknown = if job.outcome == Outcome::Unknown {
            ", unknown"
        } else {
            ""
        };
        let words = format!("{} is {words}{unknown}", job.name);
        self.note(Happened::Ended(job.name, end), &words);
        Ok(())
    }
}

type Script = Box<dyn FnMut(Asked<'_>) -> Answer + Send>;

/// Carries calls to a script.
#[derive(Clone)]
pub(super) struct Scripted {
    script: Arc<Mutex<(Script, HashMap<String, u32>)>>,
    recorder: Recorder,
}

impl Transport for Scripted {
    async fn send(&self, call: Call) -> Result<Reply, NoReply> {
        let answer = {
            let (script, asked) = &mut *self.script.lock().unwrap();
            let what = call.path.strip_prefix("hrfeed/").unwrap_or("probe");
            let times = asked.entry(what.to_owned()).or_default();
            *times += 1;
            let answer = script(Asked {
                call: &call,
                what,
                times: *times,
                at: self.recorder.start.elapsed(),
            });
            let (after, words) = (answer.after.as_secs_f64(), answer.in_words());
            self.recorder.note(
                Happened::Called(what.to_owned(), answer.after),
                &format!("{what}: {words} after {after:.3} s"),
            );
            answer
        };
        tokio::time::sleep(answer.after).await;
        answer.result
    }
}

/// One write, or one read. If the outcome of a write is unknown, it is read back
/// before it is repeated.
pub(super) struct Work {
    name: String,
    phase: Phase,
    outcome: Outcome,
    was_given_up: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Read,
    Write,
    ReadBack,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Nothing was done, as far as is known.
    None,
    Unknown,
    Applied,
}

impl Work {
    pub(super) fn writes(name: impl Into<String>) -> Self {
        Self::new(name.into(), Phase::Write)
    }

    pub(super) fn reads(name: impl Into<String>) -> Self {
        Self::new(name.into(), Phase::Read)
    }

    fn new(name: String, phase: Phase) -> Self {
        Self {
            name,
            phase,
            outcome: Outcome::None,
            was_given_up: false,
        }
    }
}

impl Job for Work {
    fn call(&mut self) -> Call {
        let (what, method) = if self.is_write() {
            ("write", Method::Post)
        } else {
            ("read", Method::Get)
        };
        Call {
            name: "scripted",
            method,
            path: format!("hrfeed/{} {what}", self.name),
            body: None,
            max_bytes: 1024,
        }
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        match &*reply.body {
            b"unclear" => return Next::Unclear("the answer is not the API's"),
            b"later" => return Next::Later(Duration::from_secs(5)),
            b"denied" => return Next::Fatal(Fatal::WrongAddress),
            _ => {}
        }
        if self.phase == Phase::ReadBack && reply.status == 404 {
            self.outcome = Outcome::None;
            if !self.was_given_up {
                self.phase = Phase::Write;
                return Next::Call;
            }
        } else if self.phase != Phase::Read {
            self.outcome = Outcome::Applied;
        }
        Next::Done
    }

    fn is_write(&self) -> bool {
        self.phase == Phase::Write
    }

    fn give_up(&mut self, _why: &NoAnswer) -> bool {
        let is_unknown = self.outcome == Outcome::Unknown;
        is_unknown && !std::mem::replace(&mut self.was_given_up, true)
    }

    fn unanswered(&mut self, may_have_applied: bool) {
        if may_have_applied && self.is_write() {
            (self.phase, self.outcome) = (Phase::ReadBack, Outcome::Unknown);
        }
    }
}

/// A run against a script.
pub(super) struct Rig {
    pub(super) per_second: f64,
    pub(super) max_in_flight: usize,
    pub(super) max_outage: Duration,
    /// When it is asked to stop.
    pub(super) stop_after: Option<Duration>,
    /// How the jobs were refused in an earlier run.
    pub(super) refused_before: Option<RefusedBefore>,
}

impl Default for Rig {
    fn default() -> Self {
        Self {
            per_second: 100.0,
            max_in_flight: 4,
            max_outage: Duration::from_mins(10),
            stop_after: None,
            refused_before: None,
        }
    }
}

/// How a run against a script went.
#[derive(Debug)]
pub(super) struct Ran {
    /// A line for each thing that happened: seconds, and what.
    pub(super) lines: String,
    pub(super) happened: Vec<(Duration, Happened)>,
    pub(super) halt: Option<Halt>,
    pub(super) calls: Calls,
}

impl Rig {
    /// Drives `jobs` on a paused clock, and notes how each of them ends.
    pub(super) fn run(
        &self,
        jobs: impl IntoIterator<Item = Work>,
        script: impl FnMut(Asked<'_>) -> Answer + Send + 'static,
    ) -> Ran {
        self.run_jobs(jobs, |recorder| recorder, script)
    }

    /// [`Rig::run`] for jobs of any kind, with their own ledger.
    pub(super) fn run_jobs<J: Job, L: Ledger<J>>(
        &self,
        jobs: impl IntoIterator<Item = J>,
        ledger: impl FnOnce(Recorder) -> L,
        script: impl FnMut(Asked<'_>) -> Answer + Send + 'static,
    ) -> Ran {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(self.drive(jobs, ledger, Box::new(script)))
    }

    async fn drive<J: Job, L: Ledger<J>>(
        &self,
        jobs: impl IntoIterator<Item = J>,
        ledger: impl FnOnce(Recorder) -> L,
        script: Script,
    ) -> Ran {
        let recorder = Recorder {
            start: Instant::now(),
            log: Arc::default(),
        };
        let stop = Stop::default();
        let mut engine = self.engine(script, recorder.clone(), stop.clone());
        let jobs: Vec<_> = jobs.into_iter().collect();
        let (sender, mut receiver) = mpsc::channel(jobs.len().max(1));
        for job in jobs {
            sender.try_send(job).unwrap_or_else(|_| unreachable!());
        }
        drop(sender);
        let mut listener = recorder.clone();
        let drive = engine.drive(&mut receiver, ledger(recorder.clone()), &mut listener);
        let stop_after = self.stop_after;
        let request_stop = async {
            if let Some(after) = stop_after {
                tokio::time::sleep(after).await;
                stop.request();
            }
            std::future::pending::<()>().await;
        };
        let driven = tokio::select! {
            driven = drive => driven,
            () = request_stop => unreachable!(),
        };
        let halt = match driven {
            Ok(()) => None,
            Err(UploadError::Halted(halt)) => Some(halt),
            Err(error) => panic!("{error}"),
        };
        recorder.note(
            Happened::Other,
            &halt.as_ref().map_or("end".into(), |halt| match halt {
                Halt::Outage { down, .. } => {
                    format!("end: {halt}, down for {:.3} s", down.as_secs_f64())
                }
                halt => format!("end: {halt}"),
            }),
        );
        let log = std::mem::take(&mut *recorder.log.lock().unwrap());
        Ran {
            lines: log.lines,
            happened: log.happened,
            halt,
            calls: engine.calls,
        }
    }

    fn engine(&self, script: Script, recorder: Recorder, stop: Stop) -> Engine<Scripted> {
        Engine {
            transport: Scripted {
                script: Arc::new(Mutex::new((script, HashMap::new()))),
                recorder,
            },
            pace: Pace::new(self.per_second, None),
            pressure: Pressure::new(self.per_second, self.max_in_flight),
            stop,
            max_in_flight: self.max_in_flight,
            max_outage: self.max_outage,
            target: targets::of(System::Kmi),
            calls: Calls::default(),
            contacted: false,
            may_have_written: false,
            suspicion: Suspicion::default(),
            refused_before: self.refused_before,
            jobs: 0,
            clock_skew: None,
            random: fastrand::Rng::with_seed(1),
        }
    }
}

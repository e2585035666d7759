//! Two journals live through the same nights, and one of them is pruned after each: both
//! must decide alike, to the last note.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use fastrand::Rng;
use hrfeed::clock::Clock;
use hrfeed::event::{Event, Listener};
use hrfeed::feed::{Feed, FeedSource};
use hrfeed::journal::{
    Decision, HoldFilter, Journal, JournalError, Pack, Pruning, RunRef, Verdict,
};
use hrfeed::mapping::Mapping;
use hrfeed::model::{HoldState, RunState};
use hrfeed::run::{self, RunRequest};
use hrfeed::sandbox::SandboxOptions;
use hrfeed::upload::{Credentials, Secret, Stop};
use jiff::SignedDuration;
use tempfile::TempDir;

use crate::lms::accounts;
use crate::organisation::{COLUMNS, DEPARTMENT, ID, LAST, Organisation, Row};
use crate::support::System::{self, Kmi};
use crate::support::lms::Lms;

/// Runs are kept for so many days: as few as a mapping can say.
const KEEP: i64 = 7;

/// What a night brings beside the feed.
#[derive(Clone, Copy, Debug)]
enum Night {
    Ordinary,
    /// The export did not run: the same file again.
    SameFile,
    /// A part of the people is missing.
    Leak(usize),
    /// Most of them are.
    Sick,
    /// The department of everybody has another name.
    Renamed,
    /// Somebody stops the run after so many rows.
    Stopped(u32),
    /// The same, and somebody resumes it.
    Resumed(u32),
    /// The second mapping runs as well.
    Both,
    /// Nothing runs for some days.
    Holidays(i64),
}

fn night(rng: &mut Rng) -> Night {
    match rng.u32(0..100) {
        0..=5 => Night::SameFile,
        6..=17 => Night::Leak(rng.usize(1..12)),
        18..=21 => Night::Sick,
        22..=24 => Night::Renamed,
        25..=29 => Night::Stopped(rng.u32(1..4)),
        30..=34 => Night::Resumed(rng.u32(1..4)),
        35..=44 => Night::Both,
        45..=48 => Night::Holidays(rng.i64(2..45)),
        _ => Night::Ordinary,
    }
}

/// Stops a run after so many rows.
struct Stopper {
    stop: Stop,
    rows: Option<u32>,
}

impl Listener for Stopper {
    fn on_event(&mut self, event: &Event<'_>) {
        if let (Event::Settled { .. }, Some(rows)) = (event, &mut self.rows) {
            *rows -= 1;
            if *rows == 0 {
                self.stop.request();
            }
        }
    }
}

/// One of the two: an LMS, a journal and two mappings.
struct Twin {
    system: System,
    folder: TempDir,
    lms: Lms,
    is_pruned: bool,
}

impl Twin {
    fn new(system: System, more: &str, is_pruned: bool) -> Self {
        let it = Self {
            system,
            folder: TempDir::new().unwrap(),
            lms: Lms::start(system, SandboxOptions::default()),
            is_pruned,
        };
        for name in ["first.toml", "second.toml"] {
            fs::write(it.path(name), it.mapping(more)).unwrap();
        }
        it
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn mapping(&self, more: &str) -> String {
        let (system, secret) = match self.system {
            Kmi => ("kmi", "api_secret = { env = \"UNUSED\" }"),
            System::AnewSpring => ("anewspring", ""),
        };
        let fields = crate::lms::fields(self.system).into_iter().zip(COLUMNS);
        let fields: Vec<_> = fields
            .map(|(field, column)| format!("{field} = \"{column}\"\n"))
            .collect();
        let fields = fields.concat();
        format!(
            "[target]\nsystem = \"{system}\"\nbase_url = \"{}\"\napi_key = {{ env = \"UNUSED\" }}\n\
             {secret}\nrequests_per_second = 100000\nmax_in_flight = 1\n[journal]\n\
             keep = \"{KEEP}d\"\n[fields]\n{fields}{more}",
            self.lms.base_url()
        )
    }

    /// Writes a feed of that moment.
    fn write(&self, name: &str, rows: &[Row], clock: Clock) {
        let path = self.path(name);
        let mut csv = csv::Writer::from_path(&path).unwrap();
        csv.write_record(COLUMNS).unwrap();
        for row in rows {
            csv.write_record(row).unwrap();
        }
        drop(csv);
        let file = File::options().append(true).open(&path).unwrap();
        file.set_modified(clock.now().into()).unwrap();
    }

    /// One run, and all that it said and did.
    fn run(&self, (mapping, feed): (&str, &str), clock: Clock, stop_after: Option<u32>) -> String {
        let mapping = Mapping::load(&self.path(mapping)).unwrap();
        self.execute(&mapping, feed, clock, (false, stop_after))
    }

    fn resume(&self, (mapping, feed): (&str, &str), clock: Clock) -> String {
        let mapping = Mapping::load(&self.path(mapping)).unwrap();
        self.execute(&mapping, feed, clock, (true, None))
    }

    fn execute(
        &self,
        mapping: &Mapping,
        feed: &str,
        clock: Clock,
        (is_resumed, stop_after): (bool, Option<u32>),
    ) -> String {
        let resumed = is_resumed.then(|| {
            let journal = self.journal();
            journal.run(RunRef::Latest).unwrap().unwrap()
        });
        if resumed
            .as_ref()
            .is_some_and(|run| run.state == RunState::Finished)
        {
            return "nothing to resume".to_owned();
        }
        let source = FeedSource::Path(self.path(feed));
        let stop = Stop::default();
        let mut listener = Stopper {
            stop: stop.clone(),
            rows: stop_after,
        };
        let result = run::execute(RunRequest {
            settings: mapping.target.clone(),
            credentials: Credentials {
                key: Secret::new("key".into()),
                secret: (self.system == Kmi).then(|| Secret::new("secret".into())),
            },
            feed: Feed::open(&source, &mapping.source).unwrap(),
            journal: self.path("journal.db"),
            verify: None,
            resumed,
            allowed: hrfeed::plan::Allowed::default(),
            replaces_key: false,
            known_as: None,
            kept: None,
            undo_key: None,
            way_back: None,
            by: "ann@host".into(),
            wait: Duration::ZERO,
            stop,
            clock,
            mapping,
            listener: &mut listener,
        });
        let result = match result {
            Ok(result) => result,
            Err(error) => return error.message(),
        };
        let (state, exit) = result.end.state_and_exit();
        let mut said = format!(
            "run {}: {state:?} {exit:?} {:?}\n{:?} {:?} {:?}\n",
            result.run.id,
            result.end.message(),
            result.run.counts,
            result.run.leavers,
            result.run.calls,
        );
        for note in &result.notes {
            writeln!(said, "note: {note}").unwrap();
        }
        for hold in result.journal.holds(&HoldFilter::default()).unwrap() {
            if matches!(
                hold.state,
                HoldState::Open | HoldState::Approved | HoldState::Refused
            ) {
                writeln!(
                    said,
                    "hold {}: {:?} {:?} {} {} {} since {}, last {}, done {:?}",
                    hold.id,
                    hold.kind,
                    hold.state,
                    hold.people,
                    hold.new,
                    hold.why,
                    hold.since_run,
                    hold.last_run,
                    result.journal.done_of(&hold).unwrap().len(),
                )
                .unwrap();
            }
        }
        // Half of the nights; on the others somebody prunes by hand, or nobody does.
        let is_even = result
            .run
            .id
            .to_string()
            .ends_with(['0', '2', '4', '6', '8']);
        if self.is_pruned && is_even && state == RunState::Finished {
            run::prune_after(mapping, &result.run, &result.journal, clock).unwrap();
        }
        said
    }

    fn journal(&self) -> Journal {
        Journal::open(&self.path("journal.db")).unwrap()
    }

    /// What is open, decided like that.
    fn decide(&self, verdict: Verdict, clock: Clock) -> String {
        let journal = self.journal();
        let states = match verdict {
            Verdict::Reopened => vec![HoldState::Refused],
            _ => vec![HoldState::Open],
        };
        let filter = HoldFilter {
            states,
            ..HoldFilter::default()
        };
        let mut said = String::new();
        for hold in journal.holds(&filter).unwrap() {
            // Now and then about one of them only.
            let mut only = Vec::new();
            if hold.people > 3 && hold.people % 2 == 0 {
                let each = |person: hrfeed::journal::HeldPerson| {
                    only.push(person.external_id);
                    Ok::<_, JournalError>(ControlFlow::Break(()))
                };
                journal.held_people(hold.id, each).unwrap();
            }
            let decision = Decision {
                at: clock.now(),
                by: "administrator@example".into(),
                reason: None,
                as_joiners: false,
            };
            let decided = journal.decide(hold.id, verdict, &only, &decision);
            writeln!(said, "{} {:?}", hold.id, decided.unwrap().rest).unwrap();
        }
        said
    }

    /// `hrfeed runs prune`.
    fn prune(&self, clock: Clock) {
        if !self.is_pruned {
            return;
        }
        let journal = self.journal();
        let locks = journal.lock_all().unwrap();
        let prunable = journal
            .prunable(&Pruning {
                before: clock.now() - SignedDuration::from_hours(24 * KEEP),
                now: clock.now(),
                only: None,
                needed: &run::needed,
            })
            .unwrap();
        journal.prune_all(&prunable, &locks).unwrap();
        journal.pack(Pack::Always, &locks).unwrap();
    }

    fn runs(&self) -> usize {
        self.journal().runs(10_000).unwrap().len()
    }
}

const FIRST: (&str, &str) = ("first.toml", "first.csv");
const SECOND: (&str, &str) = ("second.toml", "second.csv");

/// Lives through so many nights with both.
pub(crate) fn run(system: System, more: &str, nights: i64, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let twins = [false, true].map(|is_pruned| Twin::new(system, more, is_pruned));
    let mut pace = crate::organisation::SOME_WEEKS;
    pace.leavers *= 3.0;
    let mut organisation = Organisation::new(60, pace, rng.u64(..));
    let mut day = 0;
    let mut history = String::new();
    for number in 0..nights {
        let night = if number == 0 {
            Night::Both
        } else {
            night(&mut rng)
        };
        day += if let Night::Holidays(days) = night {
            days
        } else {
            1
        };
        let clock = Clock::shifted(SignedDuration::from_hours(24 * day));
        organisation.pass_a_day();
        let mut rows = organisation.rows();
        match night {
            Night::Leak(people) => rows.truncate(rows.len() - people),
            Night::Sick => rows.truncate(3),
            Night::Renamed => rows.iter_mut().for_each(|row| row[DEPARTMENT].push('x')),
            _ => {}
        }
        let others: Vec<Row> = (rows.iter().take(12)).map(of_second).collect();
        let (decides, verdict) = (
            rng.u32(0..3) == 0,
            *rng.choice(&[Verdict::Approved, Verdict::Refused, Verdict::Reopened])
                .unwrap(),
        );
        let prunes = rng.bool();
        let said = twins.each_ref().map(|twin| {
            if !matches!(night, Night::SameFile) {
                twin.write("first.csv", &rows, clock);
                twin.write("second.csv", &others, clock);
            }
            let stop_after = match night {
                Night::Stopped(rows) | Night::Resumed(rows) => Some(rows),
                _ => None,
            };
            let mut said = twin.run(FIRST, clock, stop_after);
            if let Night::Resumed(_) = night {
                said += &twin.resume(FIRST, clock);
            }
            if let Night::Both = night {
                said += &twin.run(SECOND, clock, None);
            }
            if decides {
                said += &twin.decide(verdict, clock);
            }
            if prunes {
                twin.prune(clock);
            }
            (said, accounts(&twin.lms, system))
        });
        let [whole, other] = said;
        assert_eq!(
            whole.0, other.0,
            "seed {seed}, night {number}, {night:?}: the pruned one decides otherwise, after\n{history}"
        );
        assert_eq!(whole.1, other.1, "seed {seed}, night {number}, {night:?}");
        history = whole.0;
    }
    let [kept, pruned] = twins.each_ref().map(Twin::runs);
    // Or nothing is shown.
    assert!(pruned + 8 < kept, "{pruned} of {kept} runs are left");
}

/// Somebody else, whom the second mapping names.
fn of_second(row: &Row) -> Row {
    let mut other = row.clone();
    for (column, value) in other.iter_mut().enumerate() {
        if (ID..=LAST + 2).contains(&column) {
            value.insert(0, 'z');
        }
    }
    other
}

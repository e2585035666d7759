//! Weeks of nights in which leavers have patience: `grace`, rows that mark leavers, deltas,
//! fields that are set instead of a removal and taken back, and nights with a wrong feed that
//! are undone. Some nights are killed with `kill -9`. A second count, which knows nothing of the journal, says after every night what
//! the LMS must hold.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use fastrand::Rng;
use hrfeed::event::NoListener;
use hrfeed::feed::{Feed, FeedSource};
use hrfeed::journal::{Journal, Run, RunRef};
use hrfeed::mapping::Mapping;
use hrfeed::model::RunState;
use hrfeed::run::{self, RunError, RunRequest, UndoKey, WayBack};
use hrfeed::sandbox::SandboxOptions;
use hrfeed::upload::{Credentials, Secret, Stop};
use serde_json::json;
use tempfile::TempDir;

use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::lms::Lms;
use crate::world::clock;

/// Names the folder of a night that another process lives through.
const FOLDER: &str = "HRFEED_YEAR_FOLDER";
/// Names the night, and whether an interrupted run is resumed.
const NIGHT: &str = "HRFEED_YEAR_NIGHT";

const PEOPLE: usize = 14;

/// What a simulation is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) system: System,
    /// The feeds name only some people.
    pub(crate) is_delta: bool,
    /// After how many feeds without a person that person leaves; none where the feeds are
    /// deltas.
    pub(crate) grace: Option<u32>,
    pub(crate) nights: usize,
}

/// What a feed says of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// Nothing.
    Missing,
    /// That the person leaves.
    Leaves,
    /// Where the person lives.
    Lives(usize),
}

/// What the LMS must hold of somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Held {
    city: String,
    end: String,
    label: String,
}

/// Somebody, as the second count has it.
#[derive(Clone, Debug, Default)]
struct Truth {
    held: Option<Held>,
    has_left: bool,
    /// How many feeds in a row came without the person.
    missing: u32,
}

struct Simulation {
    case: Case,
    seed: u64,
    rng: Rng,
    folder: TempDir,
    lms: Lms,
    truth: Vec<Truth>,
    /// What was said last of each.
    said: Vec<Said>,
    set: u64,
    kills: u64,
    undone: u64,
}

impl Case {
    const fn fields(self) -> [&'static str; 3] {
        match self.system {
            Kmi => ["city", "expirationDate", "address"],
            AnewSpring => ["residence", "dateOfBirth", "custom1"],
        }
    }

    fn mapping(self, base_url: &str) -> String {
        let [city, end, label] = self.fields();
        let (system, secret, id, login) = match self.system {
            Kmi => (
                "kmi",
                "api_secret = { env = \"UNUSED\" }",
                "externalId",
                "loginName",
            ),
            AnewSpring => ("anewspring", "", "userID", "login"),
        };
        let source = if self.is_delta {
            "feed = \"delta\""
        } else {
            ""
        };
        let grace = match self.grace {
            Some(feeds) => format!("grace = \"{feeds} feeds\""),
            None => String::new(),
        };
        format!(
            r#"[target]
system = "{system}"
base_url = "{base_url}"
api_key = {{ env = "UNUSED" }}
{secret}
requests_per_second = 100000
max_in_flight = 3
timeout = "1s"
settle_after = "1s"

[source]
{source}

[fields]
{id} = "ID"
{login} = "Login"
email = "Mail"
firstName = "First"
lastName = "Last"
{city} = "City"
{end} = "End"

[leavers]
action = "set"
set = {{ {end} = "today", {label} = "left" }}
when = "row['Status'] == 'gone'"
{grace}

[guards]
max_leavers = "100%"
max_creates = "100%"
max_updates = "100%"
max_shrink = "100%"
max_emptied = "100%"
min_rows = 0
"#
        )
    }
}

/// The day that the feed has of somebody; half of them have none.
fn end_of(person: usize) -> String {
    match person % 2 {
        0 => String::new(),
        _ => format!("1990-01-{:02}", person + 1),
    }
}

/// The day of a night.
fn day(night: usize) -> String {
    clock(night).today().to_string()
}

impl Simulation {
    fn begin(case: Case, seed: u64) -> Self {
        let lms = Lms::start(case.system, SandboxOptions::default());
        let folder = TempDir::new().unwrap();
        let mapping = case.mapping(&lms.base_url());
        fs::write(folder.path().join("mapping.toml"), mapping).unwrap();
        Self {
            case,
            seed,
            rng: Rng::with_seed(seed),
            folder,
            lms,
            truth: vec![Truth::default(); PEOPLE],
            said: vec![Said::Missing; PEOPLE],
            set: 0,
            kills: 0,
            undone: 0,
        }
    }

    /// Who is in the feed of a night, and how.
    fn draw(&mut self) -> Vec<Said> {
        let next: Vec<_> = (self.said.iter())
            .map(|before| match (self.rng.u8(..20), before) {
                (0 | 1, _) => Said::Leaves,
                (2 | 3, _) => Said::Missing,
                (4..=8, _) | (_, Said::Missing | Said::Leaves) if self.rng.bool() => {
                    Said::Lives(self.rng.usize(..3))
                }
                (_, before) => *before,
            })
            .collect();
        self.said.clone_from(&next);
        if self.case.is_delta {
            // It names some of them; the others are not said anything of.
            let some = next.iter().map(|said| {
                if self.rng.bool() {
                    *said
                } else {
                    Said::Missing
                }
            });
            return some.collect();
        }
        next
    }

    fn write(&self, feed: &[Said]) {
        let mut csv = csv::Writer::from_path(self.folder.path().join("people.csv")).unwrap();
        csv.write_record([
            "ID", "Login", "Mail", "First", "Last", "City", "End", "Status",
        ])
        .unwrap();
        for (person, said) in feed.iter().enumerate() {
            let (city, status) = match said {
                Said::Missing => continue,
                Said::Leaves => (0, "gone"),
                Said::Lives(city) => (*city, "here"),
            };
            let id = format!("E{person:03}");
            csv.write_record([
                &id,
                &format!("login{person}"),
                &format!("p{person}@example.com"),
                &format!("First{person}"),
                &format!("Last{person}"),
                ["Rome", "Oslo", "Bonn"][city],
                &end_of(person),
                status,
            ])
            .unwrap();
        }
        csv.flush().unwrap();
    }

    /// What a feed means, by the words of the documentation alone. Returns how many leave.
    fn count(&mut self, feed: &[Said], night: usize) -> u64 {
        let mut leave = 0;
        for (person, (truth, said)) in self.truth.iter_mut().zip(feed).enumerate() {
            let is_there = truth.held.is_some() && !truth.has_left;
            let leaves = match said {
                Said::Lives(city) => {
                    truth.missing = 0;
                    let before = truth.held.take().unwrap_or_default();
                    let end = end_of(person);
                    truth.held = Some(Held {
                        city: ["Rome", "Oslo", "Bonn"][*city].into(),
                        end: match (end.is_empty(), truth.has_left) {
                            (false, _) => end,
                            (true, true) => String::new(),
                            (true, false) => before.end,
                        },
                        label: if truth.has_left {
                            String::new()
                        } else {
                            before.label
                        },
                    });
                    truth.has_left = false;
                    false
                }
                Said::Leaves => is_there,
                Said::Missing => match self.case.grace {
                    Some(grace) if !self.case.is_delta => {
                        truth.missing += u32::from(is_there);
                        is_there && truth.missing >= grace
                    }
                    _ => is_there && !self.case.is_delta,
                },
            };
            if let (true, Some(held)) = (leaves, truth.held.as_mut()) {
                (held.end, held.label) = (day(night), "left".into());
                truth.has_left = true;
                leave += 1;
            }
        }
        leave
    }

    /// The process that lives through a night.
    fn process(&self, night: usize, how: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args([
                "--exact",
                "a_night_in_a_process_of_its_own",
                "--ignored",
                "--nocapture",
            ])
            .env(FOLDER, self.folder.path())
            .env(NIGHT, format!("{night} {how}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    #[track_caller]
    fn goes_well(&self, night: usize, how: &str) {
        let output = self.process(night, how).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "seed {}, night {night} {how}: {said}",
            self.seed
        );
    }

    fn journal(&self) -> Journal {
        Journal::open(&self.folder.path().join("journal.db")).unwrap()
    }

    fn latest(&self) -> Option<Run> {
        self.journal().run(RunRef::Latest).unwrap()
    }

    /// A wrong feed is imported and undone. Either can be killed on the way.
    fn live_through_a_mistake(&mut self, feed: &[Said], night: usize) {
        let wrong: Vec<_> = (feed.iter())
            .map(|said| match (said, self.rng.u8(..4)) {
                (_, 0) => Said::Missing,
                (Said::Lives(city), _) => Said::Lives((city + 1) % 3),
                (_, 1) => Said::Lives(1),
                (other, _) => *other,
            })
            .collect();
        self.write(&wrong);
        // A killed run that named somebody has ended the days of absence, or has not.
        let is_killed = if self.case.grace.is_none() && self.rng.bool() {
            !self.kill(night, "undoable")
        } else {
            self.goes_well(night, "undoable");
            false
        };
        // One that was killed before it was in the journal changed nothing.
        let Some(run) = self.latest() else { return };
        let before = self.truth.clone();
        if !is_killed {
            self.count(&wrong, night);
        }
        let undo = format!("undo {}", run.id);
        if self.rng.bool() {
            self.kill(night, &undo);
        }
        // Of a killed run it can be unknown until then whether it created somebody.
        let _first = self.process(night, &undo).output().unwrap();
        self.goes_well(night, &undo);
        self.undone += 1;
        let held: BTreeMap<_, _> = self.held();
        for (person, (truth, before)) in self.truth.iter_mut().zip(before).enumerate() {
            let is_there = held.get(&format!("E{person:03}"));
            let missing = truth.missing;
            if before.held.is_some() && !before.has_left {
                // Just as before.
                *truth = Truth { missing, ..before };
                continue;
            }
            // Nobody knows how far a killed run came; who came with it has left again.
            let as_left = |it: &Held| it.label == "left" && it.end == day(night);
            let is_as_before = is_there == before.held.as_ref();
            assert!(
                is_as_before || is_there.is_some_and(as_left),
                "seed {}, night {night}, E{person:03}: {is_there:?}",
                self.seed
            );
            *truth = Truth {
                held: is_there.cloned(),
                has_left: is_there.is_some(),
                missing,
            };
        }
        self.compare(night, &wrong);
    }

    /// Kills the run of a night after some time. Returns whether it was finished by then.
    fn kill(&mut self, night: usize, how: &str) -> bool {
        let before = self.latest().map(|run| run.id);
        self.lms.set_faults(&json!({"latency": 0.02}));
        let mut child = self.process(night, how).spawn().unwrap();
        let long = self.rng.u64(60..400);
        std::thread::park_timeout(Duration::from_millis(long));
        // One that has ended cannot be killed.
        let _ended = child.kill();
        let status = child.wait().unwrap();
        self.kills += u64::from(!status.success());
        self.lms.set_faults(&json!({"latency": 0.0}));
        let run = self.latest().filter(|run| Some(run.id) != before);
        run.is_some_and(|run| run.state == RunState::Finished)
    }

    fn live(&mut self, night: usize) {
        let feed = self.draw();
        self.write(&feed);
        if self.rng.u8(..6) == 0 {
            self.live_through_a_mistake(&feed, night);
            self.write(&feed);
        }
        let counted = match self.rng.u8(..6) {
            0 => {
                self.kill(night, "import");
                self.goes_well(night, "import");
                None
            }
            1 => {
                self.kill(night, "import");
                // Only in the next night, by the clock.
                self.goes_well(night + 1, "resume");
                None
            }
            2 if !self.case.is_delta => {
                // Another file takes its place, in which everybody lives elsewhere.
                let other: Vec<_> = (feed.iter())
                    .map(|said| match said {
                        Said::Lives(city) => Said::Lives((city + 1) % 3),
                        other => *other,
                    })
                    .collect();
                self.write(&other);
                if self.kill(night, "import") {
                    self.set += self.count(&other, night);
                }
                self.write(&feed);
                self.goes_well(night, "import");
                None
            }
            _ => {
                self.goes_well(night, "import");
                Some(())
            }
        };
        let leave = self.count(&feed, night);
        self.set += leave;
        if counted.is_some() {
            let run = self.journal().run(RunRef::Latest).unwrap().unwrap();
            assert_eq!(run.counts.set, leave, "seed {}, night {night}", self.seed);
        }
        self.compare(night, &feed);
    }

    /// What the LMS holds of each.
    fn held(&self) -> BTreeMap<String, Held> {
        let mut held = BTreeMap::new();
        for person in self.lms.people() {
            let [city, end, label] = self
                .case
                .fields()
                .map(|field| person[field].as_str().unwrap_or_default().to_owned());
            let id = person["externalId"].as_str().unwrap().to_owned();
            let twin = held.insert(id, Held { city, end, label });
            assert!(twin.is_none(), "seed {}: {twin:?}", self.seed);
        }
        held
    }

    fn compare(&self, night: usize, feed: &[Said]) {
        let held = self.held();
        let truth = self.truth.iter().enumerate();
        let wanted: BTreeMap<_, _> = truth
            .filter_map(|(person, truth)| Some((format!("E{person:03}"), truth.held.clone()?)))
            .collect();
        assert_eq!(
            held, wanted,
            "{:?}, seed {}, night {night}: {feed:?}",
            self.case, self.seed
        );
    }
}

/// Lives through all nights, and panics unless the LMS holds after each what it must.
#[expect(clippy::print_stdout, reason = "that is where tests talk")]
pub(crate) fn run(case: Case, seed: u64) {
    let mut it = Simulation::begin(case, seed);
    for night in 0..case.nights {
        it.live(night);
    }
    let Simulation {
        set, kills, undone, ..
    } = it;
    println!("{case:?}, seed {seed}: {set} people were set, {kills} runs killed, {undone} undone");
    assert!(
        set > 3 && kills > 0 && undone > 0,
        "nothing happened: {set}, {kills}, {undone}"
    );
}

/// A night in this process, if another one asks for it.
#[expect(
    clippy::disallowed_methods,
    reason = "this is a process of its own, with its own environment"
)]
pub(crate) fn of_environment() {
    if let Ok(folder) = std::env::var(FOLDER) {
        let wanted = std::env::var(NIGHT).unwrap();
        let (night, how) = wanted.split_once(' ').unwrap();
        import(Path::new(&folder), night.parse().unwrap(), how);
    }
}

/// The key by which nights are undone.
fn undo_key() -> UndoKey {
    UndoKey::new(Secret::new("a year is long enough for a key".repeat(2))).unwrap()
}

/// Imports the feed of a night, goes on with the run that was killed, or undoes a run.
fn import(folder: &Path, night: usize, how: &str) {
    let path = |name: &str| -> PathBuf { folder.join(name) };
    let mut mapping = Mapping::load(&path("mapping.toml")).unwrap();
    let journal = path("journal.db");
    let goes_on = how == "resume";
    // A run that was killed too early or too late is imported again.
    let known = Journal::open(&journal).unwrap();
    let latest = known.run(RunRef::Latest).unwrap();
    let resumed = latest.filter(|run| goes_on && run::resumable(run).is_ok());
    // That night is over by now.
    let is_over = goes_on && resumed.is_none();
    let night = if is_over { night - 1 } else { night };
    let undone = how.strip_prefix("undo ").map(|run| {
        let run = known.run(RunRef::Id(run.parse().unwrap())).unwrap();
        let with = (mapping.target.system, mapping.leavers);
        WayBack::read(&known, &run.unwrap(), &undo_key(), with)
    });
    let way_back = match undone {
        // It was killed before it changed anything.
        Some(Err(RunError::NotUndoable(_))) => return,
        Some(way_back) => Some(way_back.unwrap()),
        None => None,
    };
    if way_back.is_some() {
        let leaves = mapping.leavers;
        mapping = mapping.into_way_back(leaves).unwrap();
    }
    drop(known);
    let feed = match &way_back {
        Some(way_back) => way_back.source.clone(),
        None => FeedSource::Path(path("people.csv")),
    };
    let result = run::execute(RunRequest {
        settings: mapping.target.clone(),
        credentials: Credentials {
            key: Secret::new("year-key".into()),
            secret: (mapping.target.system == hrfeed::schema::System::Kmi)
                .then(|| Secret::new("secret".into())),
        },
        feed: Feed::open(&feed, &mapping.source).unwrap(),
        journal,
        verify: None,
        resumed,
        allowed: hrfeed::plan::Allowed::default(),
        replaces_key: false,
        known_as: None,
        kept: None,
        undo_key: (how == "undoable").then(undo_key),
        way_back,
        by: "ann@host".into(),
        wait: Duration::ZERO,
        stop: Stop::default(),
        clock: clock(night),
        mapping: &mapping,
        listener: &mut NoListener,
    })
    .unwrap();
    let (_, exit) = result.end.state_and_exit();
    assert_eq!(exit.code(), 0, "{:?}", result.end.message());
}

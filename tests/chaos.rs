//! Everything at once: faults of every kind, kills at any moment, whatever is
//! done next. At the end the LMS agrees with the feed, and the journal with
//! both.
//!
//! A seed decides the faults, the kills and what is done after them. The
//! machine decides which request meets which fault, so a seed that failed may
//! need a few runs to fail again:
//!
//! ```sh
//! HRFEED_CHAOS_SEED=17 cargo test --test chaos twenty_seeds
//! cargo test --release --test chaos five_hundred_seeds -- --ignored
//! cargo test --release --test chaos a_hundred_thousand_people -- --ignored
//! ```

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod support;

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use hrfeed::sandbox::{Faults, SandboxOptions};
use serde_json::{Value, json};

use crate::support::feed::Person;
use crate::support::{Feed, Ran, World, side_by_side};

/// Names the only seed to be run.
const SEED: &str = "HRFEED_CHAOS_SEED";

const MS: Duration = Duration::from_millis(1);

/// Runs of the program that are let go to their end under faults; those that
/// come after them meet none.
const MOST_UNDER_FAULTS: u32 = 4;

/// How much a run has to bear.
#[derive(Clone, Copy)]
struct Load {
    people: usize,
    /// How likely a fault of one kind is for a request, at most.
    worst: f64,
    /// How likely one is that holds up everybody, at most.
    worst_pause: f64,
    /// What the LMS admits in a second when it is in that mood.
    bearable: u32,
    /// How long a request of a calm LMS takes, at most.
    latency: Duration,
}

/// So many that a run has a beginning, a middle and an end.
const USUAL: Load = Load {
    people: 500,
    worst: 0.025,
    worst_pause: 0.002,
    bearable: 100,
    latency: Duration::from_millis(8),
};

/// So many that intents, commits and pages come in many groups.
const LARGE: Load = Load {
    people: 100_000,
    worst: 0.002,
    worst_pause: 0.0001,
    bearable: 1000,
    latency: Duration::from_millis(1),
};

#[test]
fn twenty_seeds_of_chaos_leave_everyone_there_once() {
    match only_seed() {
        Some(seed) => drop(chaos(seed, USUAL)),
        None => many(0..20, 20).assert_all_was_there(),
    }
}

#[test]
#[ignore = "takes a quarter of an hour"]
fn five_hundred_seeds_of_chaos_leave_everyone_there_once() {
    // As many at once as there is waiting to be done beside the work.
    many(1000..1500, 24).assert_all_was_there();
}

#[test]
#[ignore = "takes some minutes"]
fn a_hundred_thousand_people_are_there_once_after_chaos() {
    drop(chaos(only_seed().unwrap_or(1), LARGE));
}

#[expect(
    clippy::disallowed_methods,
    reason = "the environment is the program's in one file, and this is no part of the program"
)]
fn only_seed() -> Option<u64> {
    let seed = std::env::var(SEED).ok()?;
    Some(seed.parse().unwrap())
}

/// What happened, over some seeds.
#[derive(Default)]
struct Happened {
    /// Kills that met a run, and runs that were resumed or superseded.
    kills: u64,
    resumed: u64,
    superseded: u64,
    /// How often each fault was played.
    faults: BTreeMap<String, u64>,
}

impl Happened {
    fn add(&mut self, other: Self) {
        self.kills += other.kills;
        self.resumed += other.resumed;
        self.superseded += other.superseded;
        for (fault, times) in other.faults {
            *self.faults.entry(fault).or_default() += times;
        }
    }

    /// Or the test would show nothing.
    fn assert_all_was_there(&self) {
        let Self {
            kills,
            resumed,
            superseded,
            faults,
        } = self;
        assert!(
            *kills >= 10 && *resumed >= 3 && *superseded >= 3,
            "{kills} kills, {resumed} runs resumed, {superseded} superseded"
        );
        for fault in [
            "lost_before",
            "lost_after",
            "cut",
            "garbage",
            "wrong_person",
            "errors",
            "unavailable",
            "slow",
            "requests_per_second",
        ] {
            let times = faults.get(fault).copied().unwrap_or_default();
            assert!(times >= 3, "{fault} was played {times} times");
        }
    }
}

/// Runs these seeds, so many at once.
fn many(seeds: std::ops::Range<u64>, at_once: usize) -> Happened {
    let next = AtomicU64::new(seeds.start);
    let happened = Mutex::new(Happened::default());
    let (next, all) = (&next, &happened);
    let last = seeds.end;
    side_by_side((0..at_once).map(|_| {
        move || {
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= last {
                    break;
                }
                let happened = chaos(seed, USUAL);
                all.lock().unwrap().add(happened);
            }
        }
    }));
    happened.into_inner().unwrap()
}

/// Two nights of one LMS, as `seed` has it.
fn chaos(seed: u64, load: Load) -> Happened {
    let mut rng = Rng::with_seed(seed);
    let world = World::with(SandboxOptions {
        seed,
        // Strangers fill pages and are nobody's business.
        people: if rng.bool() { rng.u64(1..300) } else { 0 },
        ..SandboxOptions::default()
    })
    .target(&format!(
        "requests_per_second = 5000\nmax_in_flight = {}\ntimeout = \"1s\"\nmax_outage = \"20s\"",
        [4, 8, 32][rng.usize(..3)]
    ));
    let mut chaos = Chaos {
        seed,
        begun: Instant::now(),
        world,
        rng,
        load,
        story: Vec::new(),
        happened: Happened::default(),
    };

    let first = Feed::of(load.people);
    chaos.world.feed(&first);
    // The second night finds the first one done, or cut off in the middle.
    let done = chaos.rng.u8(..4) > 0;
    if done {
        chaos.carry_through();
        chaos.assert_agree(&first);
    } else {
        chaos.cut_off();
    }
    if !done || chaos.rng.bool() {
        let second = chaos.night_after(first);
        chaos.world.feed(&second);
        chaos.carry_through();
        chaos.assert_agree(&second);
    }
    std::mem::take(&mut chaos.happened)
}

struct Chaos {
    seed: u64,
    begun: Instant,
    world: World,
    rng: Rng,
    load: Load,
    /// What was done, told where the test panics.
    story: Vec<String>,
    happened: Happened,
}

#[expect(clippy::print_stderr, reason = "that is where tests talk")]
impl Drop for Chaos {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let (seed, story) = (self.seed, self.story.join("\n"));
            eprintln!(
                "seed {seed} failed after this:\n{story}\nto run just this one (several times, \
                 since the machine has a say too):\n  \
                 {SEED}={seed} cargo test --test chaos twenty_seeds"
            );
        }
    }
}

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Import,
    Resume,
}

impl Chaos {
    /// The feed of another night: some people have changed, some are new.
    fn night_after(&mut self, feed: Feed) -> Feed {
        let mut feed = feed;
        for person in &mut feed.people {
            match self.rng.u8(..20) {
                0 => person.city = "Groningen".into(),
                1 => person.last.push_str("-Vries"),
                2 => person.end = Some((1, 2, 2031)),
                _ => {}
            }
        }
        let joiners = self.load.people / 10;
        let first = self.load.people + 1;
        feed.people
            .extend((first..first + joiners).map(Person::new));
        self.rng.shuffle(&mut feed.people);
        feed
    }

    /// Some of all faults, some of them not at all.
    fn faults(&mut self) -> Faults {
        let Load {
            worst,
            worst_pause,
            bearable,
            latency,
            ..
        } = self.load;
        let rng = &mut self.rng;
        let mut some = |worst: f64| {
            if rng.bool() { worst * rng.f64() } else { 0.0 }
        };
        Faults {
            lost_before: some(worst),
            lost_after: some(worst),
            cut: some(worst),
            garbage: some(worst),
            wrong_person: some(worst),
            errors: some(worst),
            unavailable: some(worst_pause),
            slow: some(worst / 4.0),
            // Longer than the timeout.
            slow_for: 1300 * MS,
            requests_per_second: (rng.u8(..4) == 0).then_some(bearable),
            latency_jitter: latency.mul_f64(rng.f64()),
            ..Faults::default()
        }
    }

    fn tell(&mut self, what: &str) {
        let at = self.begun.elapsed();
        self.story
            .push(format!("{:8.3} s: {what}", at.as_secs_f64()));
    }

    fn set_faults(&mut self, faults: &Faults) {
        self.tell(&json!(faults).to_string());
        self.world.lms.set_faults(&json!(faults));
    }

    /// Starts an import and kills it.
    fn cut_off(&mut self) {
        let faults = self.faults();
        self.set_faults(&faults);
        let ran = self.run_and_kill(What::Import);
        self.next(What::Import, ran.as_ref());
    }

    /// Runs the program until nothing is left to be done: killed some times,
    /// then let go, and as a person or a cron job would go on.
    fn carry_through(&mut self) {
        let mut kills = self.rng.u32(..3);
        let mut what = What::Import;
        for let_go in 0.. {
            assert!(let_go < 2 * MOST_UNDER_FAULTS, "it never came to an end");
            let faults = if let_go < MOST_UNDER_FAULTS {
                self.faults()
            } else {
                Faults::default()
            };
            self.set_faults(&faults);
            while kills > 0 {
                kills -= 1;
                let ran = self.run_and_kill(what);
                match self.next(what, ran.as_ref()) {
                    Some(next) => what = next,
                    None => return,
                }
            }
            let ran = self.run(what);
            match self.next(what, Some(&ran)) {
                Some(next) => what = next,
                None => return,
            }
        }
    }

    fn arguments(what: What) -> &'static [&'static str] {
        match what {
            What::Import => &["import", "people.csv", "-m", "mapping.toml", "--json"],
            What::Resume => &["resume", "--json"],
        }
    }

    fn run(&mut self, what: What) -> Ran {
        self.tell(&format!("{what:?}"));
        self.world.run(Self::arguments(what))
    }

    /// Kills the program after some requests or after some time. Returns how
    /// it ended, if it was faster.
    fn run_and_kill(&mut self, what: What) -> Option<Ran> {
        let before = self.world.lms.stats().requests();
        let mut run = self.world.start(Self::arguments(what));
        if self.rng.u8(..4) == 0 {
            // In the middle of whatever it may be that it does by then.
            let begun = Instant::now();
            let moment = MS * self.rng.u32(..400);
            self.tell(&format!("{what:?}, to be killed after {moment:?}"));
            while begun.elapsed() < moment && run.is_running() {
                std::thread::park_timeout(moment.saturating_sub(begun.elapsed()));
            }
        } else {
            let some = self.rng.u64(1..self.load.people as u64 * 5 / 4);
            self.tell(&format!("{what:?}, to be killed after {some} requests"));
            let enough = before + some;
            while run.is_running() && self.world.lms.stats().requests() < enough {
                std::thread::park_timeout(5 * MS);
            }
        }
        let ran = run.kill_unless_ended();
        self.happened.kills += u64::from(ran.is_none());
        ran
    }

    /// What comes after a run that ended like that, or was killed: nothing, if
    /// all is done.
    fn next(&mut self, what: What, ran: Option<&Ran>) -> Option<What> {
        self.happened.resumed +=
            u64::from(what == What::Resume && ran.is_none_or(|it| it.code != 2));
        self.assert_nobody_twice();
        let told = self.told();
        self.tell(&match (ran, &told) {
            (Some(ran), _) => format!("it ended with {}: {}{}", ran.code, ran.stdout, ran.stderr),
            (None, Some(told)) => format!("it was killed: {told}"),
            (None, None) => "it was killed, and left no journal".to_owned(),
        });
        if let Some(ran) = ran {
            assert!(!ran.said().contains("panicked"), "{ran:#?}");
        }
        match ran.map(|ran| ran.code) {
            Some(0) => return None,
            // Killed, or ended to be resumed.
            None | Some(5) => {}
            Some(3) => return Some(What::Import),
            // A run that was killed before it stood in the journal, or after
            // all was done, cannot be resumed.
            Some(2) if what == What::Resume => {
                let resumable = told.is_some_and(|told| told["state"] == "interrupted");
                assert!(!resumable, "{ran:#?}");
                return Some(What::Import);
            }
            Some(_) => panic!("{ran:#?}"),
        }
        Some(if self.rng.u8(..3) == 0 {
            What::Import
        } else {
            What::Resume
        })
    }

    /// What the journal says of the latest run, if there is one, and that it
    /// adds up.
    fn told(&self) -> Option<Value> {
        let ran = self.world.run(&["show", "--json"]);
        if ran.code == 2 || ran.code == 1 {
            return None;
        }
        let told = ran.exits(0).json();
        let rows = told["feed"]["rows"].as_u64().unwrap();
        assert!(rows == 0 || rows == sum(&told), "{told}");
        Some(told)
    }

    fn assert_nobody_twice(&self) -> Vec<Value> {
        let there = self.world.lms.people();
        let mut ids: Vec<_> = there.iter().map(|person| &person["externalId"]).collect();
        ids.sort_by_key(|id| id.as_str());
        for two in ids.windows(2) {
            assert_ne!(two[0], two[1], "somebody stands twice");
        }
        there
    }

    /// The LMS holds the people of the feed and nobody else, once and with the
    /// right content, and the journal knows each of them as made once.
    fn assert_agree(&mut self, feed: &Feed) {
        self.set_faults(&Faults::default());
        let stats = self.world.lms.stats();
        for (fault, times) in stats.0["faults"].as_object().unwrap() {
            *self.happened.faults.entry(fault.clone()).or_default() += times.as_u64().unwrap();
        }
        let there = self.assert_nobody_twice();
        let by_id: HashMap<_, _> = there
            .iter()
            .map(|person| (person["externalId"].as_str().unwrap(), person))
            .collect();
        for person in &feed.people {
            let found = by_id
                .get(person.id.as_str())
                .unwrap_or_else(|| panic!("{} is not there", person.id));
            for (field, wanted) in person.wanted() {
                assert_eq!(found[field], *wanted, "{field} of {}", person.id);
            }
        }
        assert_eq!(there.len(), feed.people.len(), "somebody else is there");

        self.happened.superseded = self.assert_journal_agrees(feed, &there);
        self.world
            .run(&["audit", "-m", "mapping.toml", "--json"])
            .exits(0);

        // Everything that was done is known to have been done.
        self.world.lms.reset_stats();
        let ran = self.world.import().exits(0);
        assert_eq!(ran.count("unchanged"), feed.people.len() as u64, "{ran:#?}");
        assert_eq!(self.world.lms.stats().requests(), 0);
    }

    /// The journal's counts and its rows are those of the LMS. Returns how many
    /// runs another one took the place of.
    fn assert_journal_agrees(&self, feed: &Feed, there: &[Value]) -> u64 {
        let told = self.told().unwrap();
        assert_eq!(told["state"], "finished", "{told}");
        assert_eq!(told["feed"]["rows"], feed.people.len(), "{told}");
        for none in ["rejected", "failed", "unknown", "pending"] {
            assert_eq!(told["counts"][none], 0, "{told}");
        }

        let runs = self
            .world
            .run(&["runs", "--most", "1000", "--json"])
            .exits(0);
        let mut made: BTreeMap<String, u32> = BTreeMap::new();
        let runs = runs.json()["runs"].as_array().unwrap().clone();
        let superseded = runs.iter().filter(|run| run["state"] == "superseded");
        for run in &runs {
            let run = run["run"].as_str().unwrap();
            let told = self.world.run(&["show", run, "--json"]).exits(0).json();
            assert_eq!(told["counts"]["unknown"], 0, "{told}");
            let rows = self
                .world
                .run(&["rows", run, "--json"])
                .exits(0)
                .json_lines();
            for outcome in ["created", "updated", "rejected", "failed"] {
                let listed = rows.iter().filter(|row| row["outcome"] == outcome);
                assert_eq!(
                    told["counts"][outcome],
                    listed.count(),
                    "{outcome} of run {run}"
                );
            }
            for row in rows.iter().filter(|row| row["outcome"] == "created") {
                let id = row["external_id"].as_str().unwrap();
                *made.entry(id.to_owned()).or_default() += 1;
            }
        }
        for (id, times) in &made {
            assert_eq!(*times, 1, "the journal says that {id} was made so often");
        }
        for person in there {
            let id = person["externalId"].as_str().unwrap();
            assert!(made.contains_key(id), "the journal did not see {id} made");
        }
        assert_eq!(made.len(), there.len());
        superseded.count() as u64
    }
}

/// All rows that the counts speak of.
fn sum(told: &Value) -> u64 {
    [
        "created",
        "updated",
        "unchanged",
        "rejected",
        "failed",
        "unknown",
        "pending",
    ]
    .iter()
    .map(|outcome| told["counts"][outcome].as_u64().unwrap())
    .sum()
}

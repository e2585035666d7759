//! Everything at once, on either system: faults of every kind, kills at any
//! moment, whatever is done next. At the end the LMS agrees with the feed, and
//! the journal with both.
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

#[expect(dead_code, reason = "the other tests of the program use the rest")]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use hrfeed::clock;
use hrfeed::sandbox::{Faults, SandboxOptions};
use serde_json::{Value, json};

use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::feed::strings;
use crate::support::{Feed, IMPORT, Person, Ran, World, side_by_side};

/// Names the only seed to be run.
const SEED: &str = "HRFEED_CHAOS_SEED";

const MS: Duration = Duration::from_millis(1);

/// Runs of the program that are let go to their end under faults; those that
/// come after them meet none.
const MAX_UNDER_FAULTS: u32 = 4;

/// People who are there by hand where the mapping adopts them.
const BY_HAND: usize = 10;

/// How much a run has to bear.
#[derive(Clone, Copy)]
struct Load {
    system: System,
    people: usize,
    /// Calls for somebody new, roughly.
    calls: usize,
    /// How likely a fault of one kind is for a request, at most.
    worst: f64,
    /// How likely one is that holds up everybody, at most.
    worst_pause: f64,
    /// What the LMS admits in a second when it is in that mood.
    bearable: u32,
    /// How long a request of a calm LMS takes, at most.
    latency: Duration,
}

/// Enough for a run to have a beginning, a middle and an end.
const ON_KMI: Load = Load {
    system: Kmi,
    people: 500,
    calls: 1,
    worst: 0.025,
    worst_pause: 0.002,
    bearable: 100,
    latency: Duration::from_millis(8),
};

/// Fewer, but with roles, rights and groups: a person takes several calls.
const ON_ANEWSPRING: Load = Load {
    system: AnewSpring,
    people: 60,
    calls: 2,
    worst: 0.03,
    worst_pause: 0.004,
    bearable: 100,
    latency: Duration::from_millis(10),
};

/// Enough for intents, commits and pages to come in many groups.
const LARGE: Load = Load {
    system: Kmi,
    people: 100_000,
    calls: 1,
    worst: 0.002,
    worst_pause: 0.0001,
    bearable: 1000,
    latency: Duration::from_millis(1),
};

#[test]
fn twenty_seeds_of_chaos_leave_everyone_there_once() {
    match only_seed() {
        Some(seed) => drop(chaos(seed, ON_KMI)),
        None => many(0..20, ON_KMI, 20).assert_all_was_there(Kmi, 10, 3),
    }
}

#[test]
fn after_chaos_everyone_is_there_once_with_every_part() {
    match only_seed() {
        Some(seed) => drop(chaos(seed, ON_ANEWSPRING)),
        None => many(0..12, ON_ANEWSPRING, 12).assert_all_was_there(AnewSpring, 5, 1),
    }
}

#[test]
#[ignore = "takes a quarter of an hour"]
fn five_hundred_seeds_of_chaos_leave_everyone_there_once() {
    // A run waits most of the time, so 24 of them share the machine.
    many(1000..1500, ON_KMI, 24).assert_all_was_there(Kmi, 10, 3);
}

#[test]
#[ignore = "takes some minutes"]
fn five_hundred_seeds_of_chaos_leave_everyone_there_once_with_every_part() {
    many(1000..1500, ON_ANEWSPRING, 24).assert_all_was_there(AnewSpring, 10, 3);
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

    /// Or the test would show nothing: at least `least_kills` kills, and `least`
    /// of everything else.
    fn assert_all_was_there(&self, system: System, least_kills: u64, least: u64) {
        let Self {
            kills,
            resumed,
            superseded,
            faults,
        } = self;
        assert!(
            *kills >= least_kills && *resumed >= least && *superseded >= least,
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
            "late",
            "lag",
            "short_lists",
        ] {
            // aNewSpring shows nobody but in answer to a look-up, and has few lists: that
            // is rare.
            if system == AnewSpring && ["wrong_person", "short_lists"].contains(&fault) {
                continue;
            }
            let times = faults.get(fault).copied().unwrap_or_default();
            assert!(times >= least, "{fault} was played {times} times");
        }
    }
}

/// Runs these seeds, `at_once` of them at the same time.
fn many(seeds: std::ops::Range<u64>, load: Load, at_once: usize) -> Happened {
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
                let happened = chaos(seed, load);
                all.lock().unwrap().add(happened);
            }
        }
    }));
    happened.into_inner().unwrap()
}

/// Two nights of one LMS, as `seed` has it.
fn chaos(seed: u64, load: Load) -> Happened {
    let mut rng = Rng::with_seed(seed);
    // Only aNewSpring's people are worth the dear calls every time.
    let (adopts, deletes) = (rng.bool(), load.system == AnewSpring || rng.bool());
    let world = World::with(
        load.system,
        SandboxOptions {
            seed,
            // Strangers fill pages and are nobody's business.
            people: if rng.bool() { rng.u64(1..300) } else { 0 },
            ..SandboxOptions::default()
        },
    );
    let max_in_flight = [4, 8, 32][rng.usize(..3)];
    let world = world
        .target(&format!(
            "max_in_flight = {max_in_flight}\ntimeout = \"1s\"\nsettle_after = \"2s\"\nmax_outage = \"20s\""
        ))
        .fields(match load.system {
            Kmi => "",
            AnewSpring => "generatePassword = true\nnotify = true",
        })
        .parts(&parts(load, adopts, deletes));
    let mut chaos = Chaos {
        seed,
        begun: clock::monotonic(),
        world,
        rng,
        load,
        deletes,
        by_hand: BTreeSet::new(),
        story: Vec::new(),
        happened: Happened::default(),
    };

    let mut first = Feed::of(load.people);
    if load.system == AnewSpring {
        for person in &mut first.people {
            chaos.reassign(person);
        }
    }
    if adopts {
        for person in &first.people[..BY_HAND] {
            chaos.world.by_hand(person);
            chaos.by_hand.insert(person.id.clone());
        }
    }
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
        let second = chaos.night_after(first, done);
        chaos.world.feed(&second);
        chaos.carry_through();
        chaos.assert_agree(&second);
    }
    std::mem::take(&mut chaos.happened)
}

/// The sections of the mapping next to the fields.
fn parts(load: Load, adopts: bool, deletes: bool) -> String {
    let adopt = match load.system {
        _ if !adopts => "",
        Kmi => "[adopt]\nby = \"loginName\"\n\n",
        AnewSpring => "[adopt]\nby = \"login\"\n\n",
    };
    let groups = match load.system {
        Kmi => "",
        AnewSpring => "[groups]\ncreate = true\ntype = { value = \"Learner\" }\n\n",
    };
    let leavers = if deletes {
        "[leavers]\naction = \"delete\"\n\n"
    } else {
        ""
    };
    // This is about faults, not about guards: nothing waits for a person.
    let most = 2 * load.people;
    let guards = format!(
        "[guards]\nmax_leavers = {most}\nmax_creates = {most}\nmax_updates = {most}\n\
         max_lost = {most}\nmax_identities = {most}\nmax_shrink = \"100%\"\n\
         max_emptied = \"100%\"\n"
    );
    format!("{adopt}{groups}{leavers}{guards}")
}

struct Chaos {
    seed: u64,
    begun: Instant,
    world: World,
    rng: Rng,
    load: Load,
    /// Whether people who are no longer in the feed are deleted.
    deletes: bool,
    /// Whom the first night links with an account that is there by hand.
    by_hand: BTreeSet<String>,
    /// What was done, printed where the test panics.
    story: Vec<String>,
    happened: Happened,
}

#[expect(clippy::print_stderr, reason = "that is where tests talk")]
impl Drop for Chaos {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let (seed, story) = (self.seed, self.story.join("\n"));
            let test = match self.load.system {
                Kmi => "twenty_seeds",
                AnewSpring => "after_chaos",
            };
            eprintln!(
                "seed {seed} failed after this:\n{story}\nto run just this one (several times, \
                 since the machine has a say too):\n  \
                 {SEED}={seed} cargo test --test chaos {test}"
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
    /// Gives somebody other roles, rights and groups.
    fn reassign(&mut self, person: &mut Person) {
        let mut some = |prefix: &str, most: usize| -> Vec<String> {
            (0..most)
                .filter(|_| self.rng.u8(..3) == 0)
                .map(|it| format!("{prefix}{it}"))
                .collect()
        };
        let it = &mut person.parts;
        (it.author, it.designer, it.groups) = (some("A", 3), some("D", 2), some("G", 4));
        // A role never goes, so that one that was given may be wanted for good.
        if self.rng.bool() && !it.roles.contains(&"Observer".to_owned()) {
            it.roles.push("Observer".into());
        }
    }

    /// The feed of another night: some people have changed, some are new, and
    /// some may be gone.
    fn night_after(&mut self, feed: Feed, done: bool) -> Feed {
        let mut feed = feed;
        let has_parts = self.load.system == AnewSpring;
        // No call shows which rights somebody has: what a killed run gave
        // without hearing of it, no other feed can take back.
        let may_take_back = has_parts && done;
        for person in &mut feed.people {
            match self.rng.u8(..20) {
                0 => person.city = "Groningen".into(),
                1 => person.last.push_str("-Vries"),
                2 => person.end = Some((1, 2, 2031)),
                3..8 if may_take_back => self.reassign(person),
                _ => {}
            }
        }
        if self.deletes {
            for _ in 0..self.load.people / 12 {
                // People that no run adopted yet would remain.
                let gone = self.rng.usize(BY_HAND..feed.people.len());
                feed.people.swap_remove(gone);
            }
        }
        let joiners = self.load.people / 10;
        let first = self.load.people + 1;
        feed.people
            .extend((first..first + joiners).map(Person::new));
        if has_parts {
            for joiner in &mut feed.people[self.load.people - self.load.people / 12..] {
                joiner.parts.groups = strings(&["G1"]);
            }
        }
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
        let lags = rng.bool();
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
            // Both together are less than what is lost is waited for.
            late: some(worst),
            late_for: 1200 * MS,
            short_lists: some(4.0 * worst),
            lag: if lags { 600 * MS } else { Duration::ZERO },
            // Nothing but hrfeed keeps people from being there twice.
            shared_logins: true,
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
            assert!(let_go < 2 * MAX_UNDER_FAULTS, "it never came to an end");
            let faults = if let_go < MAX_UNDER_FAULTS {
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
            // What is begun in peace leaves no row behind.
            let in_peace = let_go >= MAX_UNDER_FAULTS && what == What::Import;
            assert!(!in_peace || ran.code != 3, "{ran:#?}");
            match self.next(what, Some(&ran)) {
                Some(next) => what = next,
                None => return,
            }
        }
    }

    fn arguments(what: What) -> &'static [&'static str] {
        match what {
            What::Import => IMPORT,
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
            let begun = clock::monotonic();
            let moment = MS * self.rng.u32(..400);
            self.tell(&format!("{what:?}, to be killed after {moment:?}"));
            while begun.elapsed() < moment && run.is_running() {
                std::thread::park_timeout(moment.saturating_sub(begun.elapsed()));
            }
        } else {
            let some = self
                .rng
                .usize(1..self.load.people * self.load.calls * 5 / 4) as u64;
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
        let report = self.latest_run();
        self.tell(&match (ran, &report) {
            (Some(ran), _) => format!("it ended with {}: {}{}", ran.code, ran.stdout, ran.stderr),
            (None, Some(report)) => format!("it was killed: {report}"),
            (None, None) => "it was killed, and left no journal".to_owned(),
        });
        if let Some(ran) = ran {
            assert!(!ran.said().contains("panicked"), "{ran:#?}");
            if ran.code != 2 {
                let report = ran.json();
                assert_eq!(report["feed"]["rows"], sum(&report), "{report}");
            }
        }
        match ran.map(|ran| ran.code) {
            Some(0) => return None,
            // Killed, or ended to be resumed.
            None | Some(5) => {}
            Some(3) => return Some(What::Import),
            // A run that was killed before it was in the journal, or after
            // all was done, cannot be resumed.
            Some(2) if what == What::Resume => {
                let resumable = report.is_some_and(|report| report["state"] == "interrupted");
                assert!(!resumable, "{ran:#?}");
                return Some(What::Import);
            }
            Some(_) => panic!("{ran:#?}"),
        }
        Some(if self.rng.bool() {
            What::Import
        } else {
            What::Resume
        })
    }

    /// What the journal says of the latest run, if there is one, and that it
    /// adds up.
    fn latest_run(&self) -> Option<Value> {
        let ran = self.world.run(&["show", "--json"]);
        if ran.code == 2 || ran.code == 1 {
            return None;
        }
        let report = ran.exits(0).json();
        let rows = report["feed"]["rows"].as_u64().unwrap();
        assert!(rows == 0 || rows == sum(&report), "{report}");
        Some(report)
    }

    fn assert_nobody_twice(&self) -> Vec<Value> {
        let there = self.world.lms.people();
        let mut ids: Vec<_> = there.iter().map(|person| &person["externalId"]).collect();
        ids.sort_by_key(|id| id.as_str());
        for two in ids.windows(2) {
            assert_ne!(two[0], two[1], "somebody is there twice");
        }
        there
    }

    /// The LMS holds the people of the feed and nobody else, once and with the
    /// right content, and the journal knows each of them as created or adopted
    /// once.
    fn assert_agree(&mut self, feed: &Feed) {
        self.set_faults(&Faults::default());
        let stats = self.world.lms.stats();
        for (fault, times) in stats.json["faults"].as_object().unwrap() {
            *self.happened.faults.entry(fault.clone()).or_default() += times.as_u64().unwrap();
        }
        self.world.assert_everyone_once(feed);
        let there = self.assert_nobody_twice();
        for person in &there {
            assert_ne!(person["firstName"], "By", "adopted in part: {person:#}");
        }
        if self.load.system == AnewSpring {
            for person in &there {
                let mails = person["mails"].as_u64().unwrap();
                let passwords = person["passwords_set"].as_u64().unwrap();
                assert!(passwords <= 1 && mails >= passwords, "{person:#}");
            }
        }

        self.happened.superseded = self.assert_journal_agrees(feed, &there);
        self.world
            .run(&["audit", "-m", "mapping.toml", "--json"])
            .exits(0);

        // Everything that was done is known to have been done, and that nobody came
        // twice.
        self.world.import().exits(0);
        self.world.lms.reset_stats();
        let ran = self.world.import().exits(0);
        assert_eq!(ran.count("unchanged"), feed.people.len() as u64, "{ran:#?}");
        assert_eq!(self.world.lms.stats().requests(), 0);
    }

    /// The journal's counts and its rows are those of the LMS. Returns how many
    /// runs another one took the place of.
    fn assert_journal_agrees(&self, feed: &Feed, there: &[Value]) -> u64 {
        let report = self.latest_run().unwrap();
        assert_eq!(report["state"], "finished", "{report}");
        assert_eq!(report["feed"]["rows"], feed.people.len(), "{report}");
        for none in ["rejected", "failed", "unknown", "pending"] {
            assert_eq!(report["counts"][none], 0, "{report}");
        }

        let runs = self
            .world
            .run(&["runs", "--most", "1000", "--json"])
            .exits(0);
        let mut came: BTreeMap<String, u32> = BTreeMap::new();
        let (mut went, mut changed) = (BTreeSet::new(), BTreeSet::new());
        let runs = runs.json()["runs"].as_array().unwrap().clone();
        let superseded = runs.iter().filter(|run| run["state"] == "superseded");
        for run in &runs {
            let run = run["run"].as_str().unwrap();
            let report = self.world.run(&["show", run, "--json"]).exits(0).json();
            assert_eq!(report["counts"]["unknown"], 0, "{report}");
            let rows = self
                .world
                .run(&["rows", run, "--json"])
                .exits(0)
                .json_lines();
            for outcome in ["created", "updated", "rejected", "failed", "deleted"] {
                let listed = rows.iter().filter(|row| row["outcome"] == outcome);
                assert_eq!(
                    report["counts"][outcome],
                    listed.count(),
                    "{outcome} of run {run}"
                );
            }
            for row in &rows {
                let id = row["external_id"].as_str().unwrap_or_default().to_owned();
                let (outcome, action) = (&row["outcome"], &row["action"]);
                if outcome == "created" || outcome == "updated" && action == "adopt" {
                    *came.entry(id).or_default() += 1;
                } else if outcome == "updated" {
                    changed.insert(id);
                } else if outcome == "deleted" {
                    went.insert(id);
                }
            }
        }
        for (id, times) in &came {
            assert_eq!(*times, 1, "the journal says that {id} came so often");
        }
        let there: BTreeSet<_> = there
            .iter()
            .map(|person| person["externalId"].as_str().unwrap().to_owned())
            .collect();
        let superseded = superseded.count();
        let unseen: BTreeSet<_> = (there.iter())
            .filter(|id| !came.contains_key(*id))
            .collect();
        match self.load.system {
            Kmi => {
                // An account that a killed run linked so late that the next one finds it
                // linked is unchanged there.
                let is_linked_late = |id: &&String| superseded > 0 && self.by_hand.contains(*id);
                assert!(unseen.iter().all(is_linked_late), "missing: {unseen:?}");
                went.retain(|id| came.contains_key(id));
                let came = came.len() + unseen.len();
                assert_eq!(came, there.len() + went.len(), "{went:?} went");
            }
            // A person that a killed run created in part is changed by the next.
            AnewSpring => {
                let is_changed = |id: &&String| changed.contains(*id);
                assert!(unseen.iter().all(is_changed), "{changed:?}");
            }
        }
        superseded as u64
    }
}

/// All rows that the counts speak of.
fn sum(report: &Value) -> u64 {
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
    .map(|outcome| report["counts"][outcome].as_u64().unwrap())
    .sum()
}

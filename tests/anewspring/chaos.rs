//! Faults of every kind and kills at any moment, for people of many parts.

use std::sync::atomic::{AtomicU32, Ordering};

use fastrand::Rng;
use serde_json::{Value, json};

use crate::school::{School, pupil, strings};
use crate::support::{Ran, side_by_side, wait_until};

const PEOPLE: usize = 60;

const IMPORT: &[&str] = &["import", "people.csv", "-m", "mapping.toml", "--json"];

/// Runs that meet faults before the LMS is left in peace.
const MOST_UNDER_FAULTS: u32 = 3;

#[test]
fn after_chaos_everyone_is_there_once_with_every_part() {
    let kills = AtomicU32::new(0);
    side_by_side((0..8).map(|seed| {
        let kills = &kills;
        move || {
            kills.fetch_add(Chaos::new(seed).two_nights(), Ordering::Relaxed);
        }
    }));
    // Or it would show nothing.
    assert!(kills.into_inner() >= 5);
}

struct Chaos {
    seed: u64,
    rng: Rng,
    school: School,
    kills: u32,
}

impl Chaos {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let adopts = rng.bool();
        let adopt = if adopts {
            "[adopt]\nby = \"login\"\n\n"
        } else {
            ""
        };
        let school = School::of(PEOPLE)
            .target("timeout = \"1s\"\nmax_outage = \"20s\"")
            .fields("generatePassword = true\nnotify = true")
            .parts(&format!(
                "{adopt}[groups]\ncreate = true\ntype = {{ value = \"Learner\" }}\n\n\
                 [leavers]\naction = \"delete\"\n\n[guards]\nmax_leavers = 30"
            ));
        let mut it = Self {
            seed,
            rng,
            school,
            kills: 0,
        };
        for number in 0..PEOPLE {
            it.reassign(number);
        }
        if adopts {
            for number in 1..=10 {
                it.school.by_hand(&format!("pupil{number}@example.com"));
            }
        }
        it
    }

    /// Gives somebody other roles, rights and groups.
    fn reassign(&mut self, number: usize) {
        let mut some = |prefix: &str, most: usize| -> Vec<String> {
            (0..most)
                .filter(|_| self.rng.u8(..3) == 0)
                .map(|it| format!("{prefix}{it}"))
                .collect()
        };
        let (author, designer, groups) = (some("A", 3), some("D", 2), some("G", 4));
        let it = &mut self.school.pupils[number];
        (it.author, it.designer, it.groups) = (author, designer, groups);
        // A role never goes, so that one that was given may be wanted for good.
        if self.rng.bool() && !it.roles.contains(&"Observer".to_owned()) {
            it.roles.push("Observer".into());
        }
    }

    fn two_nights(mut self) -> u32 {
        self.carry_through();
        for number in 0..PEOPLE {
            match self.rng.u8(..4) {
                0 => self.reassign(number),
                1 => self.school.pupils[number].first = format!("Anna{number}"),
                _ => {}
            }
        }
        for _ in 0..5 {
            let gone = self.rng.usize(..self.school.pupils.len());
            self.school.pupils.remove(gone);
        }
        for number in 1..=5 {
            let mut joiner = pupil(PEOPLE + number);
            joiner.groups = strings(&["G1"]);
            self.school.pupils.push(joiner);
        }
        self.carry_through();
        self.kills
    }

    fn weather(&mut self) {
        let mut share = |most: f64| self.rng.f64() * most;
        let faults = json!({
            "lost_before": share(0.03), "lost_after": share(0.03), "cut": share(0.02),
            "errors": share(0.02), "garbage": share(0.01), "wrong_person": share(0.01),
            "unavailable": share(0.004), "latency": share(0.01),
        });
        self.school.world.lms.set_faults(&faults);
    }

    fn calm(&self) {
        self.school.world.lms.set_faults(&json!({
            "lost_before": 0.0, "lost_after": 0.0, "cut": 0.0, "errors": 0.0, "garbage": 0.0,
            "wrong_person": 0.0, "unavailable": 0.0, "latency": 0.0,
        }));
    }

    /// Runs until a run goes through in peace, whatever comes between.
    fn carry_through(&mut self) {
        self.school.write();
        let mut command = IMPORT.to_vec();
        for attempt in 0.. {
            let in_peace = attempt >= MOST_UNDER_FAULTS;
            if in_peace {
                self.calm();
            } else {
                self.weather();
            }
            let before = self.school.world.lms.stats().requests();
            let mut started = self.school.world.start(&command);
            if !in_peace && self.rng.bool() {
                let moment = before + self.rng.u64(5..150);
                wait_until("it is there, or over", || {
                    !started.is_running() || self.school.world.lms.stats().requests() >= moment
                });
                if started.is_running() {
                    started.kill();
                    self.kills += 1;
                    if self.rng.bool() {
                        command = vec!["resume", "--json"];
                    } else {
                        command = IMPORT.to_vec();
                    }
                    continue;
                }
            }
            let ran: Ran = started.wait();
            assert_adds_up(&ran);
            if ran.code == 0 {
                break;
            }
            assert!(!in_peace || ran.code == 5, "seed {}: {ran:#?}", self.seed);
            assert!(attempt < 8, "seed {}: {ran:#?}", self.seed);
            command = IMPORT.to_vec();
        }
        self.calm();
        self.school.assert_as_wanted();
        for person in self.school.people() {
            let adopted = person["firstName"] == "By";
            let mails = person["mails"].as_u64().unwrap();
            let made = person["passwords_set"].as_u64().unwrap();
            assert!(made <= 1 && !adopted, "seed {}: {person:#}", self.seed);
            assert!(mails >= made, "seed {}: {person:#}", self.seed);
        }
        self.school.world.lms.reset_stats();
        let again = self.school.world.import().exits(0);
        let people = self.school.pupils.len() as u64;
        assert_eq!(again.count("unchanged"), people, "seed {}", self.seed);
        assert_eq!(self.school.world.lms.stats().requests(), 0);
        let audit = ["audit", "-m", "mapping.toml", "--json"];
        self.school.world.run(&audit).exits(0);
    }
}

/// Every row has one outcome.
fn assert_adds_up(ran: &Ran) {
    let told = ran.json();
    let counts = &told["counts"];
    let sum: u64 = [
        "created",
        "updated",
        "unchanged",
        "rejected",
        "failed",
        "unknown",
        "pending",
    ]
    .iter()
    .map(|outcome| counts[*outcome].as_u64().unwrap())
    .sum();
    assert_eq!(Value::from(sum), told["feed"]["rows"], "{ran:#?}");
}

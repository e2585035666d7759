//! Night after night: what happens, what hrfeed does, and whether it was right.

use std::collections::VecDeque;

use fastrand::Rng;
use hrfeed::model::HoldKind;

use crate::accidents::{Accident, Calendar, Leak, Night};
use crate::lms::{Accounts, Difference, Owners, last_number};
use crate::organisation::{Organisation, Pace, Row};
use crate::support::System;
use crate::verdicts::Verdicts;
use crate::world::{Ended, Renumbered, Tonight, World};

/// How long a simulation is, and how much happens in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) people: usize,
    pub(crate) nights: usize,
    /// How often each accident happens.
    pub(crate) times: usize,
    /// How many nights each leak takes.
    pub(crate) leak: usize,
    pub(crate) pace: Pace,
    pub(crate) renumbered: Renumbered,
}

const KEY: &str = "year-key";
const OTHER_KEY: &str = "year-key-replaced";

/// The nights over which leavers are counted: this one and six before it.
const BUDGET_NIGHTS: usize = 7;

/// How old an old file is.
const OLD: usize = 10;

/// The most people who may leave of so many within a budget: 5 %, but 5 in a
/// small organisation.
fn most_leavers(of: usize) -> usize {
    (of / 20).max(5).min(of / 2)
}

/// What a night was, all of it.
struct Happened {
    ended: Ended,
    difference: Difference,
    /// The leavers of this night and the six before it, if all went who should.
    wanted_leavers: usize,
    /// The accounts that were removed in these nights.
    removed: usize,
    /// How many may be.
    most_leavers: usize,
    /// For whoever reads what went wrong.
    text: String,
}

pub(crate) struct Simulation {
    seed: u64,
    plan: Plan,
    calendar: Calendar,
    organisation: Organisation,
    rng: Rng,
    world: World,
    owners: Owners,
    accounts: Accounts,
    leak: Leak,
    /// The feeds of the last nights, as they should have been.
    feeds: VecDeque<Vec<Row>>,
    /// How many accounts were removed, a number for each night.
    removed: Vec<usize>,
    /// Whether the night before was an accident.
    was_accident: bool,
    /// How the night before ended, for whoever reads what went wrong.
    before: String,
    verdicts: Verdicts,
}

impl Simulation {
    /// Lives through all nights, prints what happened, and panics unless all went as
    /// it must.
    pub(crate) fn run(system: System, plan: Plan, seed: u64) {
        let mut rng = Rng::with_seed(seed);
        let mut it = Self {
            seed,
            plan,
            calendar: Calendar::draw(&plan, &Accident::on(system), &mut rng),
            organisation: Organisation::new(plan.people, plan.pace, rng.u64(..)),
            rng,
            world: World::new(system, plan.renumbered),
            owners: Owners::default(),
            accounts: Accounts::default(),
            leak: Leak::default(),
            feeds: VecDeque::new(),
            removed: Vec::new(),
            was_accident: false,
            before: String::new(),
            verdicts: Verdicts::default(),
        };
        it.begin(0);
        for night in 1..plan.nights {
            it.live(night);
        }
        it.report();
    }

    /// The first load.
    fn begin(&mut self, night: usize) {
        let rows = self.organisation.rows();
        let ended = self.world.import(&Tonight {
            rows: &rows,
            night,
            age: 0,
            key: KEY,
            unseen: 0,
        });
        let difference = self.compare();
        assert!(
            ended.code == 0 && difference.is_none(),
            "seed {}: the first load: {ended}, {difference:?}",
            self.seed
        );
        self.removed.clear();
        self.was_accident = false;
    }

    fn live(&mut self, night: usize) {
        let kind = self.calendar.nights[night];
        self.pass_a_day(kind);
        let happened = self.import(kind, night);
        let is_right = match kind {
            Night::Accident(accident) => self.judge_accident(accident, &happened),
            Night::Merger => self.judge_merger(&happened, night),
            Night::Ordinary | Night::DepartmentRenamed => self.judge_ordinary(&happened, night),
        };
        self.was_accident = matches!(kind, Night::Accident(_));
        if !is_right {
            // What is said of later nights must be about them alone.
            self.world = self.world.again();
            (self.owners, self.accounts) = (Owners::default(), Accounts::default());
            self.begin(night);
        }
    }

    fn pass_a_day(&mut self, kind: Night) {
        // Nobody joins by a key that is another one tomorrow.
        if kind != Night::Accident(Accident::NewKey) {
            self.organisation.pass_a_day();
        }
        match kind {
            // A key that sees nobody harms only those who changed.
            Night::DepartmentRenamed | Night::Accident(Accident::BlindKey) => {
                self.organisation.rename_a_department();
            }
            Night::Merger => self.organisation.merge(self.plan.people * 3 / 10),
            _ => {}
        }
        self.feeds.push_back(self.organisation.rows());
        if self.feeds.len() > OLD {
            self.feeds.pop_front();
        }
    }

    /// Imports the feed of the night and measures what it did.
    fn import(&mut self, kind: Night, night: usize) -> Happened {
        let accident = match kind {
            Night::Accident(accident) => Some(accident),
            _ => None,
        };
        let swallowed = accident.and_then(Accident::swallows);
        if swallowed.is_none() {
            // Who was missing is back.
            self.leak = Leak::default();
        }
        let members = &self.organisation.members;
        let mut rows = match (accident, swallowed) {
            (_, Some(share)) => self.leak.swallow(share, members, &mut self.rng),
            (Some(Accident::OldFile), _) => self.feeds.front().cloned().unwrap_or_default(),
            _ => self.organisation.rows(),
        };
        if let Some(accident) = accident {
            accident.befall(&mut rows, &mut self.organisation);
        }
        let known = self.accounts.len();
        let ended = self.world.import(&Tonight {
            rows: &rows,
            night,
            age: match accident {
                Some(Accident::OldFile) => OLD,
                _ => 0,
            },
            key: match accident {
                Some(Accident::NewKey) => OTHER_KEY,
                _ => KEY,
            },
            unseen: match accident {
                Some(Accident::BlindKey) => last_number(&self.accounts),
                _ => 0,
            },
        });
        let difference = self.compare();
        let lately = self.removed.iter().rev().take(BUDGET_NIGHTS - 1);
        let lately = lately.sum::<usize>();
        let removed = difference.removed_members + difference.removed_leavers;
        self.removed.push(removed);
        Happened {
            wanted_leavers: lately + removed + difference.not_removed,
            removed: lately + removed,
            most_leavers: most_leavers(known + lately),
            text: format!(
                "night {night}: {ended}; {difference:?}\n    after {:?}: {}",
                self.calendar.nights[night - 1],
                std::mem::replace(&mut self.before, ended.to_string()),
            ),
            ended,
            difference,
        }
    }

    fn compare(&mut self) -> Difference {
        let after = self.world.accounts();
        let members = &self.organisation.members;
        let difference = self.owners.compare(&self.accounts, &after, members);
        self.accounts = after;
        difference
    }

    /// An accident must be stopped or held, and nobody may come to harm beyond the
    /// bounds.
    fn judge_accident(&mut self, accident: Accident, happened: &Happened) -> bool {
        let (ended, difference) = (&happened.ended, &happened.difference);
        let verdict = self.verdicts.accidents.entry(accident).or_default();
        verdict.nights += 1;
        // An LMS that shows nobody who must be there ends the run before it sends.
        let is_blind = accident == Accident::BlindKey && ended.is_blind();
        let is_noticed = ended.code == 4 || is_blind;
        verdict.stopped += u64::from(is_noticed && (ended.is_stopped || is_blind));
        verdict.held += u64::from(is_noticed && !ended.is_stopped && !is_blind);
        verdict.removed += difference.removed_members as u64;
        verdict.created_wrong += difference.created_wrong as u64;
        // Nights of a leak may be within the budget of a week, and so may whom they
        // take.
        let is_right = if accident.swallows().is_some() {
            (is_noticed || ended.code == 0)
                && happened.removed <= happened.most_leavers
                && difference.harm() == difference.removed_members
        } else {
            is_noticed && difference.harm() == 0
        };
        if !is_right {
            verdict.wrong.push(happened.text.clone());
        }
        is_right
    }

    /// A merger is one hold of new people, approved once, and the rest goes on.
    fn judge_merger(&mut self, happened: &Happened, night: usize) -> bool {
        let waiting = self.what_waits(happened, true);
        let is_one = |kinds: &Vec<HoldKind>| {
            let holds = happened.ended.holds.iter();
            let creates = holds.filter(|hold| hold.kind == HoldKind::Creates);
            kinds.contains(&HoldKind::Creates) && creates.count() == 1
        };
        let is_right = waiting.is_some_and(|kinds| is_one(&kinds));
        let verdict = &mut self.verdicts.merger;
        verdict.nights += 1;
        verdict.held += u64::from(is_right);
        if is_right {
            self.world.approve(&happened.ended, night);
        } else {
            verdict.wrong.push(happened.text.clone());
        }
        is_right
    }

    /// On an ordinary night everything is done.
    fn judge_ordinary(&mut self, happened: &Happened, night: usize) -> bool {
        let waiting = self.what_waits(happened, false);
        let verdict = if self.was_accident {
            &mut self.verdicts.after
        } else {
            &mut self.verdicts.ordinary
        };
        verdict.nights += 1;
        let Some(waiting) = waiting else {
            verdict.wrong.push(happened.text.clone());
            return false;
        };
        verdict.held += u64::from(!waiting.is_empty());
        self.verdicts.over_budget += u64::from(waiting.contains(&HoldKind::Leavers));
        self.verdicts.renumbered += u64::from(waiting.contains(&HoldKind::Renumbered));
        self.world.approve(&happened.ended, night);
        true
    }

    /// The kinds of change that wait after a sound feed. `None` where anything is
    /// held that must not be, or is not done and not held. What may be: leavers,
    /// where the budget of the week is used; renumbered people, where the mapping says
    /// so; the new people of a merger.
    fn what_waits(&self, happened: &Happened, is_merger: bool) -> Option<Vec<HoldKind>> {
        let (ended, difference) = (&happened.ended, &happened.difference);
        let mut rest = difference.clone();
        let (mut kinds, mut handed_over) = (Vec::new(), 0);
        if happened.wanted_leavers > happened.most_leavers && rest.not_removed > 0 {
            rest.not_removed = 0;
            // Whoever takes over a login waits for the leaver, and in no hold.
            handed_over = std::mem::take(&mut rest.waiting_for_login);
            kinds.push(HoldKind::Leavers);
        }
        if self.plan.renumbered == Renumbered::Hold && rest.not_rekeyed > 0 {
            rest.not_rekeyed = 0;
            kinds.push(HoldKind::Renumbered);
        }
        if is_merger && rest.not_created > 0 {
            rest.not_created = 0;
            kinds.push(HoldKind::Creates);
        }
        let waiting = difference.waiting() - rest.waiting() - handed_over;
        let is_right = if waiting == 0 {
            ended.code == 0 && ended.holds.is_empty()
        } else {
            ended.code == 4 && ended.held_as(&kinds) == Some(waiting)
        };
        (rest.is_none() && is_right).then_some(kinds)
    }

    /// Prints what happened, and panics where something went wrong.
    #[expect(clippy::print_stdout, reason = "that is where tests talk")]
    fn report(&self) {
        let Plan {
            people,
            nights,
            times,
            leak,
            renumbered,
            ..
        } = self.plan;
        println!(
            "{:?}, renumbered: {renumbered:?}, seed {}: {people} people, {nights} nights, each \
             accident {times} times, leaks of {leak} nights\n{:?}\n{}",
            self.world.system, self.seed, self.organisation.happened, self.verdicts
        );
        let accidents = Accident::on(self.world.system);
        let (wrong, never) = (
            self.verdicts.wrong(),
            self.verdicts.never_noticed(&accidents),
        );
        assert!(
            wrong.is_empty() && never.is_empty(),
            "seed {}: never noticed: {never:?}\n{}",
            self.seed,
            wrong.join("\n")
        );
        // The last nights were ordinary ones, so all of it is as the last feed.
        assert_eq!(self.accounts.len(), self.organisation.members.len());
    }
}

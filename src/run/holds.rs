//! What waits for a person: earlier decisions are applied, the guards are
//! asked, and what they hold is listed by person.
//!
//! # Invariants
//!
//! - What a person approved goes as far as it is still wanted, and is exactly the
//!   set of people and changes that the hold listed.
//! - What is held is neither sent nor forgotten: each of its people is in the
//!   journal with the number of the hold.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::SignedDuration;

use super::decisions::{Earlier, EarlierHold};
use super::known::Compared;
use super::row_changes::{
    approve, arrange, count, held_person, note_exchanged, rekey_all, rows_of,
};
use super::{RunError, Stages};
use crate::journal::{Decision, HeldPerson, Hold, HoldId, RunId, SharedTexts, Verdict, undecided};
use crate::mapping::{FeedKind, Leavers, Renumbered};
use crate::model::{ExternalId, HoldKind, HoldState, counted};
use crate::plan::guards::{self, Allowed, Numbers, Past, Whom};
use crate::plan::{
    self, Asked, Change, Held, Item, RowDetail, RowState, RowTable, Wanted, replay_as,
};

/// A hold as a run leaves it.
#[derive(Clone, Debug)]
pub struct HoldNow {
    /// Its number; a plan has none for what it would hold.
    pub id: Option<HoldId>,
    /// The run since which the same set is held; `None` in a plan, for a new one.
    pub since_run: Option<RunId>,
    /// Why, and what approves it at once.
    pub held: Held,
    /// Who; empty once the run has ended.
    pub people: Arc<[HeldPerson]>,
    /// How many of them the run before did not hold.
    pub new: u64,
}

impl HoldNow {
    /// The same, without the people: there may be many.
    pub(super) fn without_people(mut self) -> Self {
        self.people = Arc::default();
        self
    }
}

impl Stages<'_> {
    /// Applies what people decided and what the mapping says, before anything else is
    /// found out about rows of which nothing is sent.
    pub(super) fn decide_earlier(
        &self,
        rows: &mut RowTable,
        compared: &mut Compared,
        earlier: &mut Earlier,
    ) -> Result<(), RunError> {
        let mapping = self.bound.mapping();
        if mapping.leavers == Leavers::Ignore {
            compared.leavers.clear();
        }
        note_exchanged(rows);
        if mapping.identity.renumbered == Renumbered::Rekey {
            rekey_all(rows);
        }
        self.apply_decisions(rows, compared, earlier)
    }

    /// Asks the guards, and marks and lists what they hold.
    pub(super) fn hold(
        &mut self,
        rows: &mut RowTable,
        compared: &mut Compared,
        earlier: &mut Earlier,
        with_time: u64,
        unidentified: u64,
    ) -> Result<Vec<HoldNow>, RunError> {
        let there = [RowState::Unchanged, RowState::Changed, RowState::LeftAlone];
        let mut numbers = Numbers {
            there: there.map(|state| rows.count(state)).iter().sum(),
            known: compared.named_before,
            present: compared.present,
            unfinished: self.unfinished(compared.named_before)?,
            rows: rows.counted(),
            unidentified,
            leavers: compared.leavers.len() as u64,
            marked: (compared.leavers.len() - compared.missing_leavers().count()) as u64,
            with_time,
            kind: self.bound.mapping().kind,
            is_way_back: self.bound.mapping().is_way_back(),
            past: self.past()?,
            refused_identities: earlier.refused_identities(),
            waiting: earlier.waiting(),
            ..Numbers::default()
        };
        let displacing = count(rows, &mut numbers);
        let (judged, let_pass) = self.judge(numbers, displacing);
        let is_identities = |held: &Held| held.kind == HoldKind::Identities;
        let (identities, others): (Vec<_>, _) = let_pass.into_iter().partition(is_identities);
        // Whose account is changed is not renumbered, nor held for another reason.
        self.record_let_pass(rows, &identities, compared, earlier)?;
        let mut leavers = Vec::new();
        for held in &judged {
            if held.kind == HoldKind::Leavers {
                let all = std::mem::take(&mut compared.leavers);
                leavers = self.held_leavers(all, &compared.marked);
            } else {
                for row in rows_of(rows, held, earlier) {
                    rows.hold(row, held.kind);
                }
            }
        }
        self.record_let_pass(rows, &others, compared, earlier)?;
        let approved = &earlier.approved_leavers;
        arrange(rows, |id| {
            compared.is_leaver(id) || approved.contains_key(&ExternalId::known(id))
        });
        self.list_held(rows, &judged, leavers, earlier)
    }

    /// What guards hold, and what of it `--allow` lets pass: identities first, since
    /// what they hold is neither an update nor renumbered.
    fn judge(&self, mut numbers: Numbers, displacing: u64) -> (Vec<Held>, Vec<Held>) {
        let mapping = self.bound.mapping();
        let judge = |numbers: &Numbers, allowed: &Allowed| {
            guards::judge(&mapping.guards, allowed, mapping.leavers, numbers)
        };
        let all = judge(&numbers, &Allowed::default());
        if all.iter().any(|held| held.kind == HoldKind::Identities) {
            numbers.renumbered = numbers.renumbered.saturating_sub(displacing);
        }
        let mut judged = judge(&numbers, &self.allowed);
        judged.sort_by_key(|held| held.kind != HoldKind::Identities);
        let mut let_pass = judge(&numbers, &Allowed::default());
        let_pass.retain(|held| self.allowed.covers(&held.allow()));
        (judged, let_pass)
    }

    /// How many of the known people were created since the last finished run of
    /// this mapping.
    fn unfinished(&self, known: u64) -> Result<u64, RunError> {
        let Some(journal) = &self.journal else {
            return Ok(0);
        };
        let mapping = self.mapping_path();
        let last = journal.last_finished_run(&self.scope, &mapping)?;
        match last.and_then(|run| run.ended) {
            Some(since) => {
                // What it did itself is over.
                let since = since + SignedDuration::from_micros(1);
                let past = journal.done_within(&self.scope, &mapping, since)?;
                Ok(past.created.min(known))
            }
            None => Ok(known),
        }
    }

    /// What earlier runs of this mapping did, within the days of each limit.
    fn past(&self) -> Result<Past, RunError> {
        let mut past = Past::default();
        let Some(journal) = &self.journal else {
            return Ok(past);
        };
        let limits = &self.bound.mapping().guards;
        let (scope, mapping) = (&self.scope, self.mapping_path());
        let since = |days: u32| self.clock.now() - SignedDuration::from_hours(24 * i64::from(days));
        if let Some(days) = limits.max_leavers.days {
            past.left = journal.left_within(scope, &mapping, since(days))?;
        }
        if let Some(days) = limits.max_creates.days {
            past.created = journal.done_within(scope, &mapping, since(days))?.created;
        }
        if let Some(days) = limits.max_updates.days {
            past.updated = journal.done_within(scope, &mapping, since(days))?.updated;
        }
        Ok(past)
    }

    /// Records what `--allow` lets pass as holds that are approved at once: the
    /// journal says who let whom pass, and later runs do not count it.
    fn record_let_pass(
        &mut self,
        rows: &mut RowTable,
        let_pass: &[Held],
        compared: &Compared,
        earlier: &mut Earlier,
    ) -> Result<(), RunError> {
        for held in let_pass {
            let is_of_leavers = held.kind == HoldKind::Leavers;
            let (mut of_kind, mut people) = (Vec::new(), Vec::new());
            let mut texts = SharedTexts::default();
            if is_of_leavers {
                people = self.held_leavers(compared.leavers.clone(), &compared.marked);
            } else {
                of_kind = rows_of(rows, held, earlier);
                let asked = Asked {
                    rows,
                    wanted: Wanted::These,
                    these: &of_kind,
                };
                let person = |change, detail: &RowDetail| held_person(held.kind, change, detail);
                self.visit(&asked, person, |person| people.push(texts.share(person)))?;
            }
            let id = self.let_pass(held, &people.into(), earlier)?;
            for row in of_kind {
                approve(rows, row, held.kind, id);
            }
            if let Some(id) = id {
                let ids = compared.leavers.iter().filter(|_| is_of_leavers);
                let of_hold = ids.map(|leaver| (leaver.clone(), id));
                earlier.approved_leavers.extend(of_hold);
                earlier.let_pass.push(id);
            }
        }
        Ok(())
    }

    /// A hold that is approved at once, in the place of the open ones of its kind.
    pub(super) fn let_pass(
        &self,
        held: &Held,
        people: &Arc<[HeldPerson]>,
        earlier: &Earlier,
    ) -> Result<Option<HoldId>, RunError> {
        let replaces = earlier.open(held.kind).map(|it| it.hold.id).collect();
        let id = self.notes.open_hold(held, people, (replaces, 0))?;
        if let (Some(id), Some(journal)) = (id, &self.journal) {
            let decision = Decision {
                at: self.clock.now(),
                by: self.by.clone(),
                reason: Some(guards::allow_option([&held.allow()])),
                as_joiners: false,
            };
            journal.decide(id, Verdict::Approved, &[], &decision)?;
            self.notes.claim(id)?;
        }
        Ok(id)
    }

    /// Reads rows again that something is to be done for. `make` says what is kept
    /// of each.
    fn visit<T: Send>(
        &mut self,
        asked: &Asked<'_>,
        make: impl Fn(Change, &RowDetail) -> T + Sync + Send,
        mut each: impl FnMut(T),
    ) -> Result<(), RunError> {
        let none = RowDetail::default();
        let of_change = |item| match item {
            Item::Change(change) => {
                let detail = asked.rows.detail(change.index).unwrap_or(&none);
                Some(make(*change, detail))
            }
            _ => None,
        };
        replay_as(&mut self.feed, &self.bound, asked, of_change, |kept| {
            kept.into_iter().flatten().for_each(&mut each);
            Ok(())
        })
    }

    /// Lists who is held, and gives each hold its number.
    fn list_held(
        &mut self,
        rows: &RowTable,
        judged: &[Held],
        leavers: Vec<HeldPerson>,
        earlier: &Earlier,
    ) -> Result<Vec<HoldNow>, RunError> {
        let mut by_kind: HashMap<HoldKind, Vec<HeldPerson>> = HashMap::new();
        by_kind.insert(HoldKind::Leavers, leavers);
        if rows.count(RowState::Held) > 0 {
            let mut texts = SharedTexts::default();
            let asked = Asked {
                rows,
                wanted: Wanted::Held,
                these: &[],
            };
            let held = |change: Change, detail: &RowDetail| {
                let kind = detail.held?;
                let is_new = !earlier.is_remaining(kind, &change.content.external_id);
                is_new.then(|| (kind, held_person(kind, change, detail)))
            };
            self.visit(&asked, held, |held| {
                if let Some((kind, person)) = held {
                    let people = by_kind.entry(kind).or_default();
                    people.push(texts.share(person));
                }
            })?;
        }
        let remainders = earlier.remainders();
        let mut holds: Vec<_> = remainders
            .map(|(it, of)| HoldNow::of_remainder(it, of))
            .chain(earlier.keeping().map(HoldNow::of_kept))
            .collect();
        self.remark_on_silent(earlier);
        for kind in HoldKind::ALL {
            let people = by_kind.remove(&kind).unwrap_or_default();
            let held = judged.iter().find(|held| held.kind == kind).cloned();
            if !people.is_empty() {
                let held = held.unwrap_or_else(|| plan::along_with(kind, people.len() as u64));
                holds.push(self.number(held, people, earlier)?);
            }
        }
        self.lapse(earlier, &holds, |kind| kind != HoldKind::Lost)?;
        self.release_returners(rows, earlier)?;
        Ok(holds)
    }

    /// Says which approved holds need an earlier delta to be carried out.
    fn remark_on_silent(&mut self, earlier: &Earlier) {
        let of_full_feed = self.bound.mapping().corrections_of() == Some(FeedKind::Full);
        let approved = |it: &&EarlierHold| it.hold.state == HoldState::Approved;
        for EarlierHold { hold, .. } in earlier.silent().filter(approved) {
            self.remarks.push(if of_full_feed {
                format!(
                    "hold {} is approved, and the rows that came back do not name all of its \
                     people: the next feed does the rest",
                    hold.id
                )
            } else {
                format!(
                    "hold {} is approved, and this delta does not name all of its people: import \
                     the feed of run {} again",
                    hold.id, hold.since_run
                )
            });
        }
    }

    /// Who may not be removed and is back in the feed leaves the hold: a later
    /// absence is another one.
    fn release_returners(&self, rows: &RowTable, earlier: &Earlier) -> Result<(), RunError> {
        for it in earlier.refused(HoldKind::Leavers) {
            let is_back = |id: &&ExternalId| rows.named(id.as_str()).is_some();
            let ids = it.people.iter().map(|person| &person.external_id);
            let back: Vec<_> = ids.filter(is_back).cloned().collect();
            if !back.is_empty() {
                self.notes.release(it.hold.id, back)?;
            }
        }
        Ok(())
    }

    /// Leavers as people of a hold.
    fn held_leavers(
        &self,
        leavers: BTreeSet<ExternalId>,
        marked: &HashMap<ExternalId, bool>,
    ) -> Vec<HeldPerson> {
        let digest = plan::digest_of_leaver(self.bound.mapping());
        let missing: Arc<str> = if self.bound.mapping().lists_leavers() {
            "on the list of leavers".into()
        } else {
            plan::reason(HoldKind::Leavers, &RowDetail::default(), &[]).into()
        };
        let is_marked: Arc<str> = self.bound.mapping().why_marked().into();
        let reason = |id: &ExternalId| {
            let why = if marked.contains_key(id) {
                &is_marked
            } else {
                &missing
            };
            Arc::clone(why)
        };
        let held = leavers.into_iter().map(|external_id| HeldPerson {
            reason: reason(&external_id),
            external_id,
            row: None,
            known_as: None,
            digest,
            changed: None,
        });
        held.collect()
    }

    /// Gives a hold its number: the one that it has while it is the same set.
    pub(super) fn number(
        &self,
        mut held: Held,
        people: Vec<HeldPerson>,
        earlier: &Earlier,
    ) -> Result<HoldNow, RunError> {
        held.people = people.len() as u64;
        let people: Arc<[HeldPerson]> = people.into();
        let sum = sum_of(&people);
        let same = (earlier.open(held.kind))
            .find(|it| it.people.len() == people.len() && sum_of(&it.people) == sum);
        if let Some(same) = same {
            self.notes.hold_seen(same)?;
            return Ok(HoldNow {
                id: Some(same.hold.id),
                since_run: Some(same.hold.since_run),
                held,
                people,
                new: 0,
            });
        }
        let before: HashSet<_> = (earlier.open(held.kind))
            .flat_map(|it| it.people.iter().map(|person| &person.external_id))
            .collect();
        let is_new = |person: &&HeldPerson| !before.contains(&person.external_id);
        let new = people.iter().filter(is_new).count() as u64;
        let replaces = earlier.open(held.kind).map(|it| it.hold.id).collect();
        Ok(HoldNow {
            id: self.notes.open_hold(&held, &people, (replaces, new))?,
            since_run: self.notes.recorder().map(|recorder| recorder.run),
            held,
            people,
            new,
        })
    }

    /// Holds of which nothing is wanted any more lapse with a healthy feed.
    pub(super) fn lapse(
        &self,
        earlier: &Earlier,
        now: &[HoldNow],
        is_judged: impl Fn(HoldKind) -> bool,
    ) -> Result<(), RunError> {
        // Those of another set were replaced when that got its number.
        let is_held = |kind| now.iter().any(|hold| hold.held.kind == kind);
        for it in &earlier.holds {
            let is_over = if it.is_open() {
                !is_held(it.hold.kind)
            } else {
                it.wanted.is_empty() && !it.is_begun
            };
            if is_over && !it.is_silent && is_judged(it.hold.kind) {
                self.note_over(&it.hold)?;
            }
        }
        Ok(())
    }

    /// Notes how a hold ended of which nothing is wanted any more: a run that was cut
    /// off may have carried it out.
    fn note_over(&self, hold: &Hold) -> Result<(), RunError> {
        let by = match (&self.journal, hold.state) {
            (Some(journal), HoldState::Approved) => journal.carried_out(hold)?,
            _ => None,
        };
        match by {
            Some(run) => self.notes.was_carried_out(hold.id, run)?,
            None => self.notes.lapses(hold.id)?,
        }
        Ok(())
    }
}

impl HoldNow {
    /// An open hold that keeps whom rows that came back name.
    fn of_kept(it: &EarlierHold) -> Self {
        let is_wanted = |person: &&HeldPerson| it.wanted.contains(&person.external_id);
        let people: Arc<[_]> = it.people.iter().filter(is_wanted).cloned().collect();
        let why = counted(people.len() as u64, "person waits", "people wait");
        let why = format!("{why} for a decision about them and others");
        Self {
            people: Arc::clone(&people),
            ..Self::of_earlier(it, people.len() as u64, why)
        }
    }

    /// An open hold of which the feed, a delta, does not name everybody.
    pub(super) fn of_silent(it: &EarlierHold) -> Option<Self> {
        let people = it.people.iter().filter(|person| person.row.is_none());
        let people = people.count() as u64;
        let why = || {
            // Rows that came back are of a feed of any kind.
            let of = if it.keeps { "" } else { "the delta of " };
            format!(
                "{} of {of}run {}, whom this one does not name, {} for a decision",
                counted(people, "person", "people"),
                it.hold.since_run,
                if people == 1 { "waits" } else { "wait" }
            )
        };
        // What is kept has said so.
        let is_open = it.is_silent && it.hold.state == HoldState::Open && !it.keeps();
        is_open.then(|| Self::of_earlier(it, people, why()))
    }

    /// What stays of a hold of which a person decided about some people only.
    fn of_remainder(it: &EarlierHold, of: HoldId) -> Self {
        let is_wanted = |person: &&HeldPerson| it.wanted.contains(&person.external_id);
        let people = it.wanted.len() as u64;
        Self {
            people: it.people.iter().filter(is_wanted).cloned().collect(),
            ..Self::of_earlier(it, people, undecided(people, of))
        }
    }

    /// An earlier hold as it is now, without its people.
    fn of_earlier(it: &EarlierHold, people: u64, why: String) -> Self {
        Self {
            id: Some(it.hold.id),
            since_run: Some(it.hold.since_run),
            held: Held {
                kind: it.hold.kind,
                whom: Whom::All,
                people,
                bound: it.hold.bound.clone(),
                why,
            },
            people: Arc::default(),
            new: 0,
        }
    }
}

/// A sum over a set of people and changes: equal for equal sets, in whatever
/// order.
fn sum_of(people: &[HeldPerson]) -> u128 {
    let hash = |person: &HeldPerson| {
        let id = person.external_id.as_str().as_bytes();
        xxhash_rust::xxh3::xxh3_128_with_seed(id, person.digest)
    };
    (people.iter().map(hash)).fold(0, u128::wrapping_add)
}

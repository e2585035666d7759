//! What keeps an accident from the LMS: a feed that looks sick sends nothing
//! ([`feed`]), and a kind of change beyond its limit waits for a person
//! ([`judge`], [`lost()`]).
//!
//! Exactly the limit passes. A share is of the people whom the mapping knows; over
//! days, of those known now and those who left within them. A share has a floor,
//! and the floor is never more than half of the people known
//! ([`crate::mapping::Limit::most`]).

mod allowed;
mod closings;
mod feed;
mod lost;
mod mails;

use crate::mapping::{Allowance, FeedKind, Guards, Leavers, Limit};
use crate::model::{HoldKind, count, counted};

pub use self::allowed::{Allow, AllowError, Allowed, allow_option};
use self::closings::closings;
pub use self::feed::{FeedFacts, Sick, feed, is_cut_off};
pub use self::lost::{lost, lost_by_plan};
use self::mails::with_mails;

/// How many people a mapping knows before `max_creates` and `max_updates` count:
/// its first feeds create and update nearly everybody.
const KNOWS_MANY: u64 = 100;

/// What a run would change, and whom the mapping knows. People whose change was
/// approved or refused and people who are protected are in none of the figures
/// but `known`, `present` and `rows`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// People whom this mapping names or named and who are on the LMS, leavers
    /// included.
    pub known: u64,
    /// Those of them whom the feed names.
    pub present: u64,
    /// People of rows who are on the LMS, known before or not.
    pub there: u64,
    /// Those of them who were created since the last finished run of this mapping,
    /// all of them if none has finished: a load that was interrupted goes on, and
    /// is judged as a whole.
    pub unfinished: u64,
    /// Rows of the feed.
    pub rows: u64,
    /// Rows without a readable external ID.
    pub unidentified: u64,
    /// People to create.
    pub new: u64,
    /// Those of them who were acknowledged at this address under another API key.
    pub new_under_other_keys: u64,
    /// Those of them with whose external IDs another API key knows somebody else, it
    /// seems.
    pub new_of_others: u64,
    /// People who get back their external IDs, since the API key was replaced: they
    /// are known, too.
    pub relinked: u64,
    /// People to update or to link.
    pub changed: u64,
    /// People to create whom the LMS may mail.
    pub new_mailed: u64,
    /// The same of those to update or to link.
    pub changed_mailed: u64,
    /// Those of them whose accounts would be closed.
    pub changed_closed: u64,
    /// People who are missing from the feed and would be removed.
    pub leavers: u64,
    /// Those of them whom rows of the feed mark as leavers.
    pub marked: u64,
    /// Others who are missing from the feed, and have time left before they are removed.
    pub with_time: u64,
    /// Whom the feed names.
    pub kind: FeedKind,
    /// The leavers are those whom a run created that is undone.
    pub is_way_back: bool,
    /// People who would change in every field that identifies them, and those who
    /// would get another external ID.
    pub identities: u64,
    /// People who would change in any field that identifies them, or get another
    /// external ID.
    pub identity_changes: u64,
    /// Known people under another external ID, where that is held.
    pub renumbered: u64,
    /// People whom the feed still takes for others although a person refused that,
    /// or let only a part of it pass.
    pub refused_identities: u64,
    /// What earlier runs did, without what a person approved.
    pub past: Past,
    /// An open hold of creates that is not due to a number.
    pub waiting: Waiting,
}

/// What earlier runs did to people of this mapping, each within the days of its
/// own limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// People created, within the days of `max_creates`.
    pub created: u64,
    /// People updated, within the days of `max_updates`.
    pub updated: u64,
    /// People removed, within the days of `max_leavers`.
    pub left: u64,
}

/// An open hold of creates whose bound is [`NONE`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many people are in it.
    pub people: u64,
    /// How many of them are still to be created, exactly as the hold listed them.
    pub new: u64,
}

/// The bound of a hold that is not due to a number: none passes.
pub const NONE: &str = "0";

/// A kind of change that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What it is.
    pub kind: HoldKind,
    /// Whom of the kind it holds.
    pub whom: Whom,
    /// How many people.
    pub people: u64,
    /// The limit as the mapping has it, or [`NONE`].
    pub bound: String,
    /// Why, as a sentence without its full stop and without a person's data.
    pub why: String,
}

/// Whom of a kind of change a hold holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// All of them.
    All,
    /// Only people whose external IDs another API key knows, some of them for the
    /// same people.
    UnderOtherKeys,
    /// Only people whose external IDs another API key knows, for others.
    OthersUnderOtherKeys,
    /// Only those whom an open hold has already.
    Waiting,
    /// Only people whom the LMS would mail.
    Mailed,
    /// Only people whose accounts would be closed.
    Closed,
}

impl Held {
    /// What a person types to let it through at once.
    #[must_use]
    pub fn allow(&self) -> Allow {
        Allow::Held(self.kind, self.people)
    }

    /// What an import does not do because of it, as the end of a sentence: it may do
    /// the same to others, whom a person approved.
    #[must_use]
    pub fn not_done(&self) -> String {
        match self.kind {
            HoldKind::Leavers => "they were not removed".into(),
            HoldKind::Creates | HoldKind::Lost => "they were not created".into(),
            HoldKind::Updates => "they were not updated".into(),
            HoldKind::Renumbered => "their external IDs were not changed".into(),
            HoldKind::Identities => {
                let people = counted(self.people, "person", "people");
                format!("the names, logins and e-mail addresses of {people} were not changed")
            }
        }
    }
}

/// What must wait for a person, but what a person allowed: each kind of change
/// as a whole, or not at all.
#[must_use]
pub fn judge(guards: &Guards, allowed: &Allowed, action: Leavers, numbers: &Numbers) -> Vec<Held> {
    let is_held = |held: &Held| held.people > 0 && !allowed.covers(&held.allow());
    let leavers = match action {
        Leavers::Ignore => None,
        _ => leavers(guards, numbers).filter(is_held),
    };
    // A person who has time left is as much missing.
    let all_missing = Numbers {
        leavers: numbers.leavers + numbers.with_time,
        ..*numbers
    };
    let are_many_missing = match action {
        Leavers::Ignore => false,
        _ if numbers.with_time == 0 => leavers.is_some(),
        _ => self::leavers(guards, &all_missing).is_some(),
    };
    let creates = creates(guards, &all_missing, are_many_missing);
    let updates = updates(guards, numbers).or_else(|| closings(guards, numbers));
    let others = [
        with_mails(creates, HoldKind::Creates, guards, numbers),
        with_mails(updates, HoldKind::Updates, guards, numbers),
        Some(renumbered(numbers)),
        identities(guards, numbers),
    ];
    let others = others.into_iter().flatten().filter(is_held);
    let mut held: Vec<_> = leavers.into_iter().chain(others).collect();
    if mistakes_people(guards, numbers, &held) {
        for all in in_doubt(guards, action, numbers)
            .into_iter()
            .filter(is_held)
        {
            // Not only those who wait for another reason.
            if held
                .iter()
                .all(|it| it.kind != all.kind || it.whom != Whom::All)
            {
                held.retain(|it| it.kind != all.kind);
                held.push(all);
            }
        }
    }
    held.sort_by_key(|it| it.kind);
    held
}

/// Whether the feed takes many people for others, beyond the limit: then nobody
/// knows what its columns hold, and it is not believed about anybody else either.
fn mistakes_people(guards: &Guards, numbers: &Numbers, held: &[Held]) -> bool {
    let base = whose_identities(numbers);
    let most = guards.max_identities.most(base, Guards::FLOOR);
    let most = most.max(Guards::FLOOR);
    let is_of = |kind| held.iter().any(|it| it.kind == kind);
    is_of(HoldKind::Identities) && numbers.identities > most
        || is_of(HoldKind::Renumbered) && numbers.renumbered > most
        || numbers.refused_identities > most
}

/// Of how many people it shows whether a feed takes them for others: of those known,
/// under this API key or the one that it replaced, or found on the LMS. Where that is nobody, the feed is all there is to compare with.
fn whose_identities(numbers: &Numbers) -> u64 {
    match (numbers.known.saturating_add(numbers.relinked)).max(numbers.there) {
        0 => numbers.rows,
        people => people,
    }
}

/// Whom a feed would create and remove that takes many others for somebody else.
/// They are held for as long as it does.
fn in_doubt(guards: &Guards, action: Leavers, numbers: &Numbers) -> Vec<Held> {
    let others = (numbers.identity_changes)
        .max(numbers.renumbered)
        .max(numbers.refused_identities);
    let others = counted(others, "other", "others");
    let held = |kind, people: u64, what: &str| {
        let who = counted(people, "person", "people");
        let why = format!(
            "{who} would be {what} by a feed that seems to mistake {others} for somebody else"
        );
        Held {
            bound: guards.max_identities.to_string(),
            ..unconditional(kind, people, why)
        }
    };
    let mut both = vec![held(HoldKind::Creates, numbers.new, "created")];
    if action != Leavers::Ignore {
        both.push(held(HoldKind::Leavers, numbers.leavers, "removed"));
    }
    both
}

/// A leaver could be in a row that nobody can read.
fn leavers(guards: &Guards, numbers: &Numbers) -> Option<Held> {
    let (people, past) = (numbers.leavers, numbers.past.left);
    let tally = Tally::of(HoldKind::Leavers, guards.max_leavers, people, numbers.known);
    let missing = people.saturating_sub(numbers.marked);
    let why = match (numbers.kind, numbers.marked) {
        _ if numbers.is_way_back => "new with the run that is undone",
        (FeedKind::Leavers, _) => "on the list of leavers",
        (_, 0) => "missing from the feed",
        _ if missing == 0 => "marked as leavers by the feed",
        _ => "missing from the feed or marked as leavers by it",
    };
    let beyond = tally.after(past, past).held(people).map(|held| Held {
        why: held.why.replace("missing from the feed", why),
        ..held
    });
    beyond.or_else(|| {
        (numbers.unidentified > 0 && missing > 0).then(|| {
            let who = counted(people, "person is", "people are");
            let rows = counted(numbers.unidentified, "row", "rows");
            let why = format!(
                "{who} missing from the feed, but could be in {rows} without a readable external ID"
            );
            unconditional(HoldKind::Leavers, people, why)
        })
    })
}

fn creates(guards: &Guards, numbers: &Numbers, are_many_missing: bool) -> Option<Held> {
    let new = numbers.new;
    let knew = knew(numbers);
    let tally = Tally::of(HoldKind::Creates, guards.max_creates, new, knew);
    // A first load within the days of the limit is not a flood of joiners.
    let created = numbers.past.created;
    let past = match numbers.known.saturating_sub(created) {
        KNOWS_MANY.. => created,
        _ => 0,
    };
    let beyond = (knew >= KNOWS_MANY)
        .then(|| tally.after(past, 0).going_on(numbers.unfinished).held(new))
        .flatten();
    // Who writes that all may be new has a feed of new people.
    let may_all_be_new =
        matches!(guards.max_creates.bound, Allowance::Percent(percent) if percent >= 100.0);
    let of_all = beyond.or_else(|| {
        let why = other_population(numbers, are_many_missing).filter(|_| !may_all_be_new)?;
        Some(unconditional(HoldKind::Creates, new, why))
    });
    let under_other_keys = under_other_keys(numbers);
    match (of_all, under_other_keys) {
        (Some(mut held), Some(other)) => {
            held.why = format!("{}; {}", held.why, other.why);
            Some(held)
        }
        (of_all, other) => of_all.or(other).or_else(|| waiting(numbers.waiting)),
    }
}

/// Why the people of a feed look like other people than before, if they do: most
/// of them are unknown and most of those who are known are missing, or as many are
/// new as are missing.
fn other_population(numbers: &Numbers, are_many_missing: bool) -> Option<String> {
    if numbers.kind == FeedKind::Delta {
        // It may name new people and nobody else.
        return None;
    }
    let Numbers {
        known,
        present,
        new,
        leavers,
        rows,
        ..
    } = *numbers;
    let half = known / 2;
    let (new_people, known_people) = (
        counted(new, "person", "people"),
        counted(known, "person", "people"),
    );
    let is_mostly_unknown = known > Guards::FLOOR && present <= half && new > rows / 2;
    if is_mostly_unknown && new > half.min(Guards::FLOOR_CREATES) {
        let rows = counted(rows, "row", "rows");
        let present = count(present);
        return Some(format!(
            "{new_people} would be created, most of the feed's {rows}, and only {present} of \
             {known_people} known are in the feed: the external IDs could have changed"
        ));
    }
    let few = half.min(Guards::FLOOR);
    let is_exchanged = u128::from(new) * 5 >= u128::from(leavers) * 4 && new > few && leavers > few;
    (are_many_missing && is_exchanged).then(|| {
        let leavers = counted(leavers, "other is", "others are");
        format!(
            "{new_people} would be created while {leavers} missing from the feed: these could be \
             the same people with other external IDs"
        )
    })
}

/// External IDs belong to a key: under another one, people exist already.
fn under_other_keys(numbers: &Numbers) -> Option<Held> {
    let (same, others) = (numbers.new_under_other_keys, numbers.new_of_others);
    let are_same = (same > 0).then(|| {
        let who = counted(same, "new person was", "new people were");
        format!(
            "{who} imported before under another API key of this LMS and could exist already \
             (external IDs belong to a key; if this key replaced that one, import with \
             `--replaces-key`)"
        )
    });
    let are_others = (others > 0).then(|| {
        let who = counted(others, "new person has", "new people have");
        let ids = if others == 1 {
            "an external ID"
        } else {
            "external IDs"
        };
        format!("{who} {ids} that another API key of this LMS has for somebody else, it seems")
    });
    let whom = match are_same {
        Some(_) => Whom::UnderOtherKeys,
        None => Whom::OthersUnderOtherKeys,
    };
    let why: Vec<_> = are_same.into_iter().chain(are_others).collect();
    (!why.is_empty()).then(|| Held {
        whom,
        ..unconditional(
            HoldKind::Creates,
            same.saturating_add(others),
            why.join("; "),
        )
    })
}

/// People who looked like others under other external IDs are not created because
/// something else was decided meanwhile. A hold that has mostly come to nothing
/// was for an accident that is over.
fn waiting(Waiting { people, new }: Waiting) -> Option<Held> {
    let are_still_wanted = u128::from(new) * 5 >= u128::from(people) * 4;
    (new > 0 && are_still_wanted).then(|| {
        let verb = if new == 1 { "is" } else { "are" };
        let who = counted(new, "new person", "new people");
        let why = format!("{who} from an earlier run {verb} waiting for a decision");
        Held {
            whom: Whom::Waiting,
            ..unconditional(HoldKind::Creates, new, why)
        }
    })
}

/// How many people the mapping knew when its last run had finished.
fn knew(numbers: &Numbers) -> u64 {
    numbers.known.saturating_sub(numbers.unfinished)
}

fn updates(guards: &Guards, numbers: &Numbers) -> Option<Held> {
    let (changed, known) = (numbers.changed, numbers.known);
    let tally = Tally::of(HoldKind::Updates, guards.max_updates, changed, known);
    (knew(numbers) >= KNOWS_MANY)
        .then(|| tally.after(numbers.past.updated, 0).held(changed))
        .flatten()
}

fn renumbered(numbers: &Numbers) -> Held {
    let people = numbers.renumbered;
    let who = counted(people, "person seems", "people seem");
    let why =
        format!("{who} to be known under another external ID, or to have an account without one");
    unconditional(HoldKind::Renumbered, people, why)
}

/// Beyond the limit, every change of a field that identifies somebody is held:
/// whose columns were shifted is not only who changed in all of them.
fn identities(guards: &Guards, numbers: &Numbers) -> Option<Held> {
    let (limit, people) = (guards.max_identities, numbers.identities);
    let base = whose_identities(numbers);
    let tally = Tally::of(HoldKind::Identities, limit, people, base);
    tally.held(numbers.identity_changes.max(people))
}

/// A hold that is not due to a number.
fn unconditional(kind: HoldKind, people: u64, why: String) -> Held {
    Held {
        kind,
        whom: Whom::All,
        people,
        bound: NONE.into(),
        why,
    }
}

/// Changes of a kind, counted against their limit.
#[derive(Clone, Copy)]
struct Tally {
    kind: HoldKind,
    limit: Limit,
    people: u64,
    known: u64,
    /// What earlier runs did within the days of the limit.
    past: u64,
    /// What a load that was interrupted did.
    unfinished: u64,
    /// People who left within them, and are part of the whole.
    left: u64,
}

impl Tally {
    fn of(kind: HoldKind, limit: Limit, people: u64, known: u64) -> Self {
        Self {
            kind,
            limit,
            people,
            known,
            past: 0,
            unfinished: 0,
            left: 0,
        }
    }

    /// The same as the rest of a load that was interrupted.
    fn going_on(mut self, unfinished: u64) -> Self {
        self.unfinished = unfinished;
        self
    }

    /// What was done already, and when.
    fn before(self) -> (u64, String) {
        let days = match self.limit.days {
            Some(1) => "in the last day".into(),
            Some(days) => format!("in the last {days} days"),
            None => String::new(),
        };
        if self.unfinished > self.past {
            return (self.unfinished, "since the last finished import".into());
        }
        (self.past, days)
    }

    /// The same over the days of the limit, if it has any.
    fn after(mut self, past: u64, left: u64) -> Self {
        if self.limit.days.is_some() {
            (self.past, self.left) = (past, left);
        }
        self
    }

    /// A hold of `people`, if the changes are beyond the limit.
    fn held(self, people: u64) -> Option<Held> {
        let base = self.known.saturating_add(self.left);
        let floor = match self.kind {
            HoldKind::Creates => Guards::FLOOR_CREATES,
            _ => Guards::FLOOR,
        };
        let most = self.limit.most(base, floor);
        let is_beyond = self.people > 0 && self.people.saturating_add(self.before().0) > most;
        is_beyond.then(|| Held {
            kind: self.kind,
            whom: Whom::All,
            people,
            bound: self.limit.to_string(),
            why: format!(
                "{}; the limit is {}",
                self.what(),
                limit_of(self.key(), self.limit, most, base)
            ),
        })
    }

    fn key(self) -> &'static str {
        match self.kind {
            HoldKind::Leavers => "max_leavers",
            HoldKind::Creates => "max_creates",
            HoldKind::Updates => "max_updates",
            HoldKind::Lost => "max_lost",
            HoldKind::Identities | HoldKind::Renumbered => "max_identities",
        }
    }

    /// What would happen to how many of how many, and what happened before where
    /// that counts.
    fn what(self) -> String {
        let (kind, people, (past, when)) = (self.kind, self.people, self.before());
        let known = counted(self.known, "person", "people");
        let of = format!("{} of {known}", count(people));
        let was = if past == 1 { "was" } else { "were" };
        let before = |what: &str| match past {
            0 => String::new(),
            _ => format!(", and {} {what} {when}", count(past)),
        };
        match kind {
            HoldKind::Leavers => {
                let verb = if people == 1 { "is" } else { "are" };
                let before = before("more left");
                format!("{of} {verb} missing from the feed{before}")
            }
            HoldKind::Creates => {
                let verb = if self.known == 1 { "is" } else { "are" };
                let new = counted(people, "person", "people");
                let before = before(&format!("{was} created"));
                format!("{new} would be created{before} ({known} {verb} known)")
            }
            HoldKind::Updates => {
                let before = before(&format!("{was} updated"));
                format!("{of} would be updated{before}")
            }
            HoldKind::Lost => format!("{of} cannot be found on the LMS and would be created again"),
            HoldKind::Identities | HoldKind::Renumbered => {
                format!("{of} would change in every field that identifies them")
            }
        }
    }
}

/// A limit as a person reads it: the number that passes, and what it comes from.
fn limit_of(key: &str, limit: Limit, most: u64, base: u64) -> String {
    let number = count(most);
    // A number explains itself.
    if limit.days.is_none() && limit.to_string() == most.to_string() {
        return format!("{number} (`{key}`)");
    }
    let is_floor = most > limit.most(base, 0);
    let floor = if is_floor {
        format!(", but at least {number}")
    } else {
        String::new()
    };
    format!("{number} (`{key}` is {limit}{floor})")
}

#[cfg(test)]
#[path = "guards/tests.rs"]
mod tests;

//! The scope's known people, compared with the rows of the feed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::Path;

use jiff::SignedDuration;
use xxhash_rust::xxh3::xxh3_64;

use super::decisions::Earlier;
use super::left_over::LeftOvers;
use super::notes::Notes;
use super::{RunError, Stages};
use crate::journal::{FeedKey, Journal, JournalError, Known, PersonState};
use crate::mapping::{Among, FeedKind, FieldSet, Protect, Variants, fold};
use crate::model::ExternalId;
use crate::plan::{KnownAs, LeftAlone, RowState, RowTable, UnderOtherKey};
use crate::validate::unique::RowIndex;

/// How many people are noted at a time who are new to this feed.
const AT_ONCE: usize = 1_000;

/// How long a feed counts as active after its last run.
const FEED_ACTIVE_FOR: SignedDuration = SignedDuration::from_hours(31 * 24);

/// What the comparison found apart from the rows.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// People whom the journal knows in this scope, without those deleted.
    pub(super) known: u64,
    /// Known people who are missing from the feed, whichever feed named them
    /// before.
    pub(super) not_in_feed: u64,
    /// Those of them that this feed named before.
    pub(super) leavers: BTreeSet<ExternalId>,
    /// People who would be leavers, and stay since they may be somebody in the feed.
    kept: BTreeSet<ExternalId>,
    /// People that this feed named before, leavers included.
    pub(super) named_before: u64,
    /// Those of them whom the feed names now.
    pub(super) present: u64,
    /// People that this feed no longer names and another one does: not leavers.
    pub(super) named_elsewhere: u64,
    /// Leavers that the mapping protects.
    pub(super) protected_leavers: u64,
    /// The feed is a list of leavers.
    lists_leavers: bool,
    /// Rows of a list of leavers that name nobody who is known.
    pub(super) listed_unknown: Vec<RowIndex>,
    /// Leavers without fingerprints in the journal, since an older hrfeed made none: it
    /// cannot be seen whether they come under another external ID.
    pub(super) without_fingerprints: u64,
    /// Changed rows of whose people the same is so: it cannot be seen what changes.
    pub(super) changed_without_fingerprints: HashSet<RowIndex>,
    /// People whom hrfeed deleted: if the LMS still shows them, they are written
    /// again.
    pub(super) deleted: HashSet<ExternalId>,
    /// People whom hrfeed deactivated as leavers, or for whom it set fields as such, and whom
    /// the feed names.
    pub(super) left: Vec<ExternalId>,
    /// Changed rows whose people the LMS has acknowledged with other content.
    pub(super) acknowledged: HashSet<RowIndex>,
    /// Known people who are missing from the feed and stay even so: another
    /// feed names them, or they are protected.
    pub(super) staying: HashSet<ExternalId>,
    /// Those of them who are protected.
    protected: HashSet<ExternalId>,
    /// A hash of the external ID of each known person who is missing from the feed,
    /// deleted people left out.
    missing: HashSet<u64>,
    /// People who stay since a row that marks a leaver spells the external ID otherwise,
    /// each with that spelling.
    pub(super) marked_otherwise: Vec<(ExternalId, ExternalId)>,
    /// Whom rows of the feed mark as leavers, and whether the mapping protects them.
    pub(super) marked: HashMap<ExternalId, bool>,
    /// The other feeds of the scope that are active.
    pub(super) others: HashSet<FeedKey>,
    /// By other feed, a hash of the external ID of each person whom it named last and
    /// this one before, and whose row here is not what was acknowledged since.
    pub(super) changed_elsewhere: HashMap<FeedKey, HashSet<u64>>,
}

impl Compared {
    /// Whether the person is known and the feed has no row of the person.
    pub(super) fn is_missing(&self, external_id: &str) -> bool {
        self.missing.contains(&xxh3_64(external_id.as_bytes()))
    }

    /// Why leavers are leavers, as the end of a sentence.
    pub(super) fn why_leavers(&self) -> &'static str {
        if self.lists_leavers {
            "on the list of leavers"
        } else if self.marked.is_empty() {
            "missing from the feed"
        } else {
            "missing from the feed or marked as leavers by it"
        }
    }

    /// The leavers whom no row of the feed marks as such.
    pub(super) fn missing_leavers(&self) -> impl Iterator<Item = &ExternalId> {
        let leavers = self.leavers.iter();
        leavers.filter(|id| !self.marked.contains_key(id.as_str()))
    }

    /// Whether the feed no longer names the person, and nobody else does.
    pub(super) fn is_leaver(&self, external_id: &str) -> bool {
        self.leavers.contains(external_id)
    }

    /// Whether no run changes the person, whom the feed does not name.
    pub(super) fn is_protected(&self, external_id: &str) -> bool {
        self.protected.contains(&ExternalId::known(external_id))
    }

    /// These people stay after all. Returns how many of them would have left.
    pub(super) fn keep<'a>(&mut self, external_ids: impl Iterator<Item = &'a str>) -> u64 {
        let mut stay = 0;
        for id in external_ids {
            stay += u64::from(self.leavers.remove(id));
            self.kept.remove(id);
        }
        stay
    }

    /// These people stay as long as they may be somebody in the feed.
    pub(super) fn keep_renumbered<'a>(&mut self, external_ids: impl Iterator<Item = &'a str>) {
        let kept = external_ids.filter_map(|id| self.leavers.take(id));
        self.kept.extend(kept);
    }

    /// These people leave after all, if they would have before.
    pub(super) fn keep_no_longer(&mut self, external_ids: &[String]) {
        let kept = external_ids
            .iter()
            .filter_map(|id| self.kept.take(id.as_str()));
        self.leavers.extend(kept);
    }

    /// The people of rows whom the LMS shows count as known.
    pub(super) fn note_listed(&mut self, rows: &RowTable) {
        let there = rows.count(RowState::Unchanged) + rows.count(RowState::Changed);
        let unknown = there.saturating_sub(self.present);
        self.present += unknown;
        self.named_before += unknown;
    }

    /// These people on the LMS, whom no row names, leave, too, unless they are known
    /// to stay.
    pub(super) fn add_leavers(&mut self, people: Vec<ExternalId>, protect: &Protect) {
        for id in people {
            let is_protected = protect.has_id(id.as_str()) || self.marked.get(&id) == Some(&true);
            let stays = self.staying.contains(&id) || is_protected;
            if !stays && self.leavers.insert(id) {
                self.named_before += 1;
            }
        }
    }

    /// These people leave, too: a person approved it.
    pub(super) fn take_in<'a>(&mut self, approved: impl Iterator<Item = &'a ExternalId>) {
        self.leavers.extend(approved.cloned());
    }
}

/// Leaves alone the rows of protected people whom only the LMS shows, and of those
/// who are known under another external ID, or under another API key.
pub(super) fn protect(rows: &mut RowTable, compared: &Compared) {
    let states = [
        RowState::New,
        RowState::Changed,
        RowState::Adopt,
        RowState::Rekey,
    ];
    let is_protected = |row: &RowIndex| {
        let is_there = rows.state(*row) != RowState::New;
        let detail = rows.detail(*row).and_then(|it| it.renumbered.as_deref());
        let is_of_protected = detail.is_some_and(|renumbered| {
            let from = renumbered.from.as_deref();
            rows.is_protected(*row) || from.is_some_and(|from| compared.is_protected(from))
        });
        let of_other_key = rows.detail(*row).map(|it| it.under_other_key);
        let is_known = is_there || of_other_key == Some(UnderOtherKey::SamePerson);
        is_known && rows.is_protected(*row) || is_of_protected
    };
    let protected: Vec<_> = rows.rows_in(&states).filter(is_protected).collect();
    for row in protected {
        rows.leave_alone(row, LeftAlone::Protected);
    }
}

impl Stages<'_> {
    /// Compares the scope's people with the rows, and notes which feed names them.
    pub(super) fn compare(
        &self,
        rows: &mut RowTable,
        marked: HashMap<ExternalId, bool>,
        earlier: &Earlier,
        left_overs: &mut LeftOvers,
    ) -> Result<Compared, RunError> {
        let kind = self.bound.mapping().kind;
        let marked_before = match kind {
            FeedKind::Delta if self.bound.mapping().corrections_of().is_none() => {
                earlier.leavers().cloned().collect()
            }
            FeedKind::Full | FeedKind::Delta | FeedKind::Leavers => HashSet::new(),
        };
        let spellings = match self.bound.mapping().unique.variants {
            Variants::Same => marked
                .keys()
                .map(|id| (any_spelling(id), id.clone()))
                .collect(),
            Variants::Distinct => HashMap::new(),
        };
        let mut comparison = Comparison {
            spellings,
            marked_known: HashSet::new(),
            this: self.mapping_key,
            marked_before,
            rows,
            notes: &self.notes,
            compared: Compared {
                marked,
                ..Compared::default()
            },
            claimed: Vec::new(),
            dropped: Vec::new(),
            absent: Vec::new(),
            protect: Vec::new(),
            ids: &self.bound.mapping().protect,
            kind,
            is_among_lms: self.bound.mapping().among == Among::Lms,
        };
        if let Some(journal) = &self.journal {
            comparison.compared.others = self.other_feeds(journal)?;
            journal.people(&self.scope, |person| {
                comparison.add(left_overs.apply(person))?;
                Ok::<_, JournalError>(ControlFlow::Continue(()))
            })?;
        }
        for person in left_overs.rest() {
            comparison.add(person)?;
        }
        Ok(comparison.finish()?)
    }

    /// The other feeds of the scope that are active: run not long ago, and
    /// their mappings exist.
    fn other_feeds(&self, journal: &Journal) -> Result<HashSet<FeedKey>, JournalError> {
        let mappings = journal.mappings_since(&self.scope, self.clock.now() - FEED_ACTIVE_FOR)?;
        Ok(mappings
            .into_iter()
            .filter(|other| Path::new(other).exists())
            .map(|other| FeedKey::of_mapping(&other))
            .filter(|other| *other != self.mapping_key)
            .collect())
    }
}

/// What all spellings of an external ID have in common that a person may take for one: case,
/// white space and zeros in front do not count.
fn any_spelling(id: &ExternalId) -> String {
    fold(id.as_str()).trim_start_matches('0').to_owned()
}

/// A comparison under way.
struct Comparison<'a> {
    this: FeedKey,
    /// Whom the mapping protects.
    ids: &'a Protect,
    rows: &'a mut RowTable,
    notes: &'a Notes,
    /// Whom the feed names.
    kind: FeedKind,
    /// Everybody on the LMS can be a leaver.
    is_among_lms: bool,
    /// Whom an earlier delta marked as leavers, where that waits.
    marked_before: HashSet<ExternalId>,
    compared: Compared,
    /// The external IDs of marked rows, by all that they may be spelled as.
    spellings: HashMap<String, ExternalId>,
    /// Those of them that are known so.
    marked_known: HashSet<ExternalId>,
    /// People that are new to this feed, or back in it.
    claimed: Vec<String>,
    /// People that this feed no longer names and another one does.
    dropped: Vec<String>,
    /// People that only this feed named and no longer names, where that is new.
    absent: Vec<String>,
    /// People with whether the mapping protects them now, where that changes.
    protect: Vec<(String, bool)>,
}

impl Comparison<'_> {
    fn add(&mut self, person: Known<'_>) -> Result<(), JournalError> {
        if self.kind == FeedKind::Leavers {
            self.judge_listed(&person);
            return Ok(());
        }
        if !self.spellings.is_empty() {
            self.note_spelling(&person);
        }
        let was_set = person.set_fields != 0;
        let known = match (person.state, person.fingerprint) {
            // Not there: if the feed names the person, it is a joiner.
            (PersonState::Deleted, _) => {
                if self.rows.named(person.external_id).is_some() {
                    let id = ExternalId::known(person.external_id);
                    self.compared.deleted.insert(id);
                }
                return Ok(());
            }
            (PersonState::Ambiguous, _) => KnownAs::SeveralPeople,
            (PersonState::Active, Some(fingerprint)) if person.is_keyed && !was_set => {
                KnownAs::Acknowledged(fingerprint)
            }
            (PersonState::Active, Some(fingerprint)) if !was_set => {
                KnownAs::AcknowledgedUnkeyed(fingerprint)
            }
            // What was done to a leaver who is named again must be taken back.
            (PersonState::Active | PersonState::Inactive | PersonState::Set, _) => KnownAs::There,
        };
        self.compared.known += 1;
        let is_of_this_feed = person.feed == Some(self.this);
        let row = self.rows.note_known(person.external_id, known);
        let is_active = person.state == PersonState::Active;
        self.compared.named_before += u64::from(is_of_this_feed && is_active);
        let Some(row) = row else {
            self.missing(&person, is_of_this_feed && is_active);
            return Ok(());
        };
        self.compared.present += u64::from(is_of_this_feed && is_active);
        if person.state == PersonState::Inactive || was_set {
            let id = ExternalId::known(person.external_id);
            self.compared.left.push(id);
        }
        let is_acknowledged = person.fingerprint.is_some() && is_active && !was_set;
        if is_acknowledged && self.rows.state(row) == RowState::Changed {
            self.compared.acknowledged.insert(row);
        }
        self.named(row, &person, is_of_this_feed)
    }

    /// Judges a known person; a list of leavers may have a row for each. Which feed names the
    /// person stays as it is.
    fn judge_listed(&mut self, person: &Known<'_>) {
        let is_active = person.state == PersonState::Active;
        self.compared.known += u64::from(is_active);
        self.compared.named_before += u64::from(is_active);
        let known = match person.state {
            PersonState::Ambiguous => KnownAs::SeveralPeople,
            _ => KnownAs::There,
        };
        let row = self.rows.note_known(person.external_id, known);
        let Some(row) = row.filter(|_| is_active) else {
            self.compared.present += u64::from(is_active);
            return;
        };
        let is_protected = person.is_protected
            || self.rows.is_protected(row)
            || self.ids.has_id(person.external_id);
        if is_protected {
            self.compared.present += 1;
            self.compared.protected_leavers += 1;
            let id = ExternalId::known(person.external_id);
            self.compared.staying.insert(id);
        } else if self.rows.state(row) != RowState::Rejected {
            let id = ExternalId::known(person.external_id);
            self.compared.leavers.insert(id);
        }
    }

    /// The feed names the person.
    fn named(
        &mut self,
        row: RowIndex,
        person: &Known<'_>,
        is_of_this_feed: bool,
    ) -> Result<(), JournalError> {
        match self.rows.state(row) {
            RowState::Unchanged if !person.has_fields => self.rows.note_without_fingerprints(row),
            RowState::Changed if !person.has_fields => {
                self.compared.changed_without_fingerprints.insert(row);
            }
            _ => {}
        }
        if person.set_fields != 0 {
            self.rows.detail_mut(row).take_back = FieldSet::of_bits(person.set_fields);
        }
        let is_protected = self.rows.is_protected(row);
        if let Some(feed) = person
            .feed
            .filter(|feed| self.compared.others.contains(feed))
            && person.other_feed == Some(self.this)
            && person.fingerprint.is_some()
            && !is_protected
            && self.rows.state(row) == RowState::Changed
        {
            let id = xxh3_64(person.external_id.as_bytes());
            let changed = &mut self.compared.changed_elsewhere;
            changed.entry(feed).or_default().insert(id);
        }
        if is_protected && self.rows.state(row) == RowState::Changed {
            self.rows.leave_alone(row, LeftAlone::Protected);
        }
        if is_protected != person.is_protected {
            self.protect
                .push((person.external_id.to_owned(), is_protected));
        }
        if !is_of_this_feed || person.absent_from.is_some() {
            self.claimed.push(person.external_id.to_owned());
            if self.claimed.len() >= AT_ONCE {
                self.notes.named(std::mem::take(&mut self.claimed))?;
            }
        }
        Ok(())
    }

    /// Notes whether a marked row may mean the person by another spelling of the external ID.
    fn note_spelling(&mut self, person: &Known<'_>) {
        let id = ExternalId::known(person.external_id);
        if self.compared.marked.contains_key(&id) {
            self.marked_known.insert(id);
        } else if person.state == PersonState::Active
            && !self.rows.names(person.external_id)
            && let Some(spelling) = self.spellings.get(&any_spelling(&id))
        {
            let noted = &mut self.compared.marked_otherwise;
            noted.push((id, spelling.clone()));
        }
    }

    /// The feed does not name the person.
    fn missing(&mut self, person: &Known<'_>, was_named: bool) {
        self.compared.not_in_feed += u64::from(person.state == PersonState::Active);
        let id = ExternalId::known(person.external_id);
        (self.compared.missing).insert(xxh3_64(person.external_id.as_bytes()));
        // Two feeds can name one person, who leaves only when both drop the name.
        let is_of =
            |feed: Option<FeedKey>| feed.is_some_and(|feed| self.compared.others.contains(&feed));
        let is_elsewhere = is_of(person.feed) || is_of(person.other_feed);
        let marked = self.compared.marked.get(&id).copied();
        // A row says more than earlier ones did.
        let is_protected =
            self.ids.has_id(person.external_id) || marked.unwrap_or(person.is_protected);
        if is_protected != person.is_protected && marked.is_some() {
            self.protect
                .push((person.external_id.to_owned(), is_protected));
        }
        let is_marked = marked.is_some() || self.marked_before.contains(&id);
        if is_protected {
            self.compared.protected.insert(id.clone());
        }
        if self.is_among_lms && person.state == PersonState::Set {
            // The list of the LMS does not tell that the person has left already.
            self.compared.staying.insert(id.clone());
        }
        if self.kind == FeedKind::Delta && !is_marked {
            // Nothing is said of the person.
            if is_elsewhere || is_protected {
                self.compared.staying.insert(id);
            }
            return;
        }
        // Who is marked leaves, whichever feed named the person, unless one still does.
        let is_active = person.state == PersonState::Active;
        let leaves = was_named || is_marked && is_active;
        if !is_elsewhere && person.feed == Some(self.this) && person.absent_from.is_none() {
            self.absent.push(person.external_id.to_owned());
        }
        if is_elsewhere || is_protected {
            self.compared.staying.insert(id);
            // Forgotten at once: whom the other feed lets go, too, was not left to
            // this one.
            let is_let_go = was_named || person.other_feed == Some(self.this);
            if is_elsewhere && is_let_go {
                self.dropped.push(person.external_id.to_owned());
            }
            self.compared.protected_leavers += u64::from(leaves && !is_elsewhere);
        } else if leaves {
            self.compared.without_fingerprints += u64::from(!person.has_fields);
            if is_marked {
                self.compared.marked.entry(id.clone()).or_insert(false);
            }
            self.compared.leavers.insert(id);
        }
    }

    fn finish(mut self) -> Result<Compared, JournalError> {
        if self.kind == FeedKind::Leavers {
            self.compared.lists_leavers = true;
            self.compared.listed_unknown = self.rows.leave_to_leavers();
        }
        // Where somebody is known so, the row means that person.
        let Compared {
            marked_otherwise,
            leavers,
            ..
        } = &mut self.compared;
        marked_otherwise.retain(|(_, spelling)| !self.marked_known.contains(spelling));
        for (id, _) in marked_otherwise {
            leavers.remove(id);
        }
        self.compared.named_elsewhere = self.dropped.len() as u64;
        self.notes.protect(self.protect)?;
        self.notes.named(self.claimed)?;
        self.notes.dropped(self.dropped)?;
        self.notes.absent(self.absent)?;
        Ok(self.compared)
    }
}

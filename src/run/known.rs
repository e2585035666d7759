//! The scope's known people, compared with the rows of the feed.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::Path;

use jiff::SignedDuration;

use super::left_over::LeftOvers;
use super::notes::Notes;
use super::{RunError, Stages};
use crate::journal::{FeedKey, Journal, JournalError, Known, PersonState};
use crate::model::{ExternalId, counted};
use crate::plan::{KnownAs, RowTable};

/// How many people are noted at a time who are new to this feed.
const AT_ONCE: usize = 1_000;

/// How long a feed counts as active after its last run.
const FEED_ACTIVE_FOR: SignedDuration = SignedDuration::from_hours(31 * 24);

/// What the comparison found apart from the rows.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// Known people who are missing from the feed, whichever feed named them
    /// before.
    pub(super) not_in_feed: u64,
    /// Those of them that this feed named before.
    pub(super) leavers: Vec<ExternalId>,
    /// People that this feed named before, leavers included.
    pub(super) named_before: u64,
    /// People that this feed no longer names and another one does: not leavers.
    pub(super) named_elsewhere: u64,
}

impl Stages<'_> {
    /// Compares the scope's people with the rows, and notes which feed names them.
    pub(super) fn compare(
        &self,
        rows: &mut RowTable,
        left_overs: &mut LeftOvers,
    ) -> Result<Compared, RunError> {
        let mut comparison = Comparison {
            this: self.mapping_key,
            others: HashSet::new(),
            rows,
            notes: &self.notes,
            compared: Compared::default(),
            claimed: Vec::new(),
            dropped: Vec::new(),
        };
        if let Some(journal) = &self.journal {
            comparison.others = self.other_feeds(journal)?;
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

    /// How many people the journal has at this address under other API keys, while
    /// it has nobody under this one; 0 where external IDs do not belong to a key.
    pub(super) fn under_other_keys(&self, left_overs: &LeftOvers) -> Result<u64, JournalError> {
        let system = self.settings.system;
        match &self.journal {
            Some(journal) if system.spec().ids_belong_to_key && !left_overs.anybody_is_there() => {
                let base_url = self.settings.base_url.as_str();
                journal.people_under_other_keys(&self.scope, system.word(), base_url)
            }
            _ => Ok(0),
        }
    }
}

/// A comparison under way.
struct Comparison<'a> {
    this: FeedKey,
    others: HashSet<FeedKey>,
    rows: &'a mut RowTable,
    notes: &'a Notes,
    compared: Compared,
    /// People that are new to this feed.
    claimed: Vec<String>,
    /// People that this feed no longer names and another one does.
    dropped: Vec<String>,
}

impl Comparison<'_> {
    fn add(&mut self, person: Known<'_>) -> Result<(), JournalError> {
        let known = match (person.state, person.fingerprint) {
            // Not there: if the feed names the person, it is a joiner.
            (PersonState::Deleted, _) => return Ok(()),
            (PersonState::Ambiguous, _) => KnownAs::SeveralPeople,
            (PersonState::Active, Some(fingerprint)) => KnownAs::Acknowledged(fingerprint),
            // An inactive person who is named again must be brought back.
            (PersonState::Active, None) | (PersonState::Inactive, _) => KnownAs::There,
        };
        let is_of_this_feed = person.feed == Some(self.this);
        let is_named = self.rows.note_known(person.external_id, known);
        let is_active = person.state == PersonState::Active;
        self.compared.named_before += u64::from(is_of_this_feed && is_active);
        if !is_named {
            self.compared.not_in_feed += u64::from(is_active);
            if !is_of_this_feed || !is_active {
                return Ok(());
            }
            // Two feeds can name one person, who leaves only when both drop the
            // name.
            if person
                .other_feed
                .is_some_and(|it| self.others.contains(&it))
            {
                self.dropped.push(person.external_id.to_owned());
            } else {
                let id = ExternalId::known(person.external_id);
                self.compared.leavers.push(id);
            }
        } else if !is_of_this_feed {
            self.claimed.push(person.external_id.to_owned());
            if self.claimed.len() >= AT_ONCE {
                self.notes.named(std::mem::take(&mut self.claimed))?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Compared, JournalError> {
        self.compared.named_elsewhere = self.dropped.len() as u64;
        self.notes.named(self.claimed)?;
        self.notes.dropped(self.dropped)?;
        Ok(self.compared)
    }
}

/// A remark on people that another feed names.
pub(super) fn named_elsewhere(people: u64) -> Option<String> {
    let who = counted(people, "person is", "people are");
    (people > 0).then(|| format!("{who} missing here, but named by another feed: left alone"))
}

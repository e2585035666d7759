//! Who is missing from the feed and has time left, by `grace` in [leavers].

use std::collections::{BTreeMap, HashMap};

use super::known::Compared;
use super::prepare::modified;
use super::{RunError, Stages};
use crate::journal::{Absences, FeedFile, GoodFeed, RunId};
use crate::mapping::Grace;
use crate::model::{ExternalId, count, counted};
use crate::plan::{Absence, TimeLeft, time_left};

/// Who is missing from the feed and stays for now, with what must come before they leave.
pub type Waiting = BTreeMap<ExternalId, TimeLeft>;

impl Stages<'_> {
    /// Leaves alone for now who is missing and has time left, and notes since when.
    pub(super) fn give_time(&mut self, compared: &mut Compared) -> Result<Waiting, RunError> {
        if self.bound.mapping().corrections_of().is_some() {
            // Rows that came back say nothing of who is missing, and since when.
            return Ok(Waiting::new());
        }
        let Some(grace) = self.bound.mapping().grace else {
            self.notes.absences(None)?;
            return Ok(Waiting::new());
        };
        let known = match &self.journal {
            Some(journal) => journal.absences(&self.scope, self.mapping_key)?,
            None => HashMap::new(),
        };
        let past = self.good_feeds(known.values().min().copied())?;
        let is_new = u32::from(self.is_new_feed()?);
        let now = self.clock.now();
        let absence_since = |first: Option<RunId>| {
            let mut feeds = past.iter().filter(|feed| Some(feed.run) >= first);
            let first = feeds.next().filter(|_| first.is_some());
            match first {
                None => Absence {
                    feeds: is_new,
                    since: now,
                },
                Some(first) => Absence {
                    feeds: u32::try_from(1 + feeds.count()).unwrap_or(u32::MAX) + is_new,
                    since: first.started,
                },
            }
        };
        let mut left: HashMap<Option<RunId>, Option<TimeLeft>> = HashMap::new();
        let (mut waiting, mut new) = (Waiting::new(), Vec::new());
        for id in compared.missing_leavers() {
            let since = known.get(id).copied();
            if since.is_none() {
                new.push(id.clone());
            }
            let left = left
                .entry(since)
                .or_insert_with(|| time_left(grace, absence_since(since), now));
            if let Some(left) = left {
                waiting.insert(id.clone(), *left);
            }
        }
        // A person who is missing and stays for another reason is missing even so.
        let is_over = |id: &&ExternalId| {
            !compared.is_leaver(id.as_str()) && !compared.is_missing(id.as_str())
        };
        let over = known.keys().filter(is_over).cloned().collect();
        self.notes.absences(Some(Absences { new, over }))?;
        compared.keep(waiting.keys().map(ExternalId::as_str));
        self.remarks.extend(on_waiting(grace, &waiting));
        Ok(waiting)
    }

    /// The good feeds of this mapping from a run on.
    fn good_feeds(&self, from: Option<RunId>) -> Result<Vec<GoodFeed>, RunError> {
        match (&self.journal, from) {
            (Some(journal), Some(from)) => {
                Ok(journal.good_feeds(&self.scope, &self.mapping_path(), from)?)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Whether the feed is another file than the one that a good import read last. That of a
    /// run which is resumed is judged as it began.
    pub(super) fn is_new_feed(&self) -> Result<bool, RunError> {
        let last = match &self.journal {
            Some(journal) => journal.last_good_feed(&self.scope, &self.mapping_path())?,
            None => None,
        };
        Ok(last != Some(self.feed_file()))
    }

    pub(super) fn feed_file(&self) -> FeedFile {
        FeedFile {
            path: super::begin::whole_path(self.feed.source()),
            sha256: self.feed.sha256(),
            joined_sha256: self.feed.joined_sha256(),
            modified: modified(&self.feed),
        }
    }
}

/// A remark on people who are missing and have time left.
fn on_waiting(grace: Grace, waiting: &Waiting) -> Option<String> {
    let first = waiting.values().min()?;
    let next = waiting.values().filter(|left| *left == first).count() as u64;
    let all = waiting.len() as u64;
    let who = counted(all, "person is", "people are");
    let stay = if all == 1 { "stays" } else { "stay" };
    let next = match next {
        1 if all == 1 => "that person leaves".to_owned(),
        1 => "the next one leaves".to_owned(),
        _ if next == all => "they leave".to_owned(),
        _ => format!("the next {} leave", count(next)),
    };
    Some(format!(
        "{who} missing from the feed and {stay} for now (`grace` is {grace}): {next} {first}, \
         unless named again"
    ))
}

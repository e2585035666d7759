//! Everything before the first write: what an import does first, and all that
//! a plan does.

use super::{RunError, Stages, known};
use crate::feed::{Attachments, Feed, FeedSource};
use crate::mapping::{Bound, Mapping, MappingError};
use crate::model::{ExternalId, RowNumber};
use crate::plan::guards::{self, Circumstances};
use crate::plan::{self, FindingKind, Held, Plan, RowTable, Scan};
use crate::run::seed;
use crate::upload::GroupPlan;

/// What must be done, decided before anything is sent.
#[derive(Debug)]
pub struct Prepared {
    /// The rows of the feed, with their states.
    pub rows: RowTable,
    /// What is to be done, and what a guard holds.
    pub plan: Plan,
    /// What is to be done with user groups.
    pub groups: GroupPlan,
    /// All that is wrong with the feed, by kind.
    pub kinds: Vec<FindingKind>,
    /// Rows that the mapping's filter left out.
    pub skipped: u64,
    /// Rows about whose people the target gave no answer: nothing is sent for
    /// them.
    pub unanswered: Vec<Unanswered>,
    /// Known people who are missing from the feed, whichever feed named them
    /// before.
    pub not_in_feed: u64,
}

/// A row about whose person the target gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// The row.
    pub row: RowNumber,
    /// The person.
    pub external_id: ExternalId,
    /// Requests sent.
    pub attempts: u32,
    /// Why, as a sentence without its full stop and without the person's data.
    pub why: String,
}

impl Stages<'_> {
    /// Decides what must be done. A plan goes on with a feed that looks wrong, to
    /// show what would be done with it.
    pub(super) fn prepare(&mut self) -> Result<Prepared, RunError> {
        let mut scan = self.scan()?;
        let sick = self.judge_feed(&scan.rows)?;
        // Dropped before anything is sent: a bad feed has many.
        scan.findings = Vec::new();
        self.mark_resumed(&mut scan.rows)?;
        let mut left_overs = self.settle_older_runs()?;
        let under_other_keys = self.under_other_keys(&left_overs)?;
        let mut compared = self.compare(&mut scan.rows, &mut left_overs)?;
        self.remarks
            .extend(known::named_elsewhere(compared.named_elsewhere));
        let mut unanswered = hold_back(&mut scan.rows, left_overs.unanswered);
        self.notes.unanswered(&unanswered)?;
        unanswered.extend(self.survey(&mut scan.rows)?);
        let groups = self.plan_groups(scan.groups, &mut scan.rows)?;
        let mapping = self.bound.mapping();
        let mut held = guards::hold(
            &mapping.guards,
            &self.allowed,
            &mut scan.rows,
            &mut Circumstances {
                leavers: &mut compared.leavers,
                action: mapping.leavers,
                named_before: compared.named_before,
                unidentified: scan.unidentified,
                under_other_keys,
            },
        );
        held.extend(sick);
        Ok(Prepared {
            plan: Plan::of(&scan.rows, compared.leavers, mapping.leavers, held),
            rows: scan.rows,
            groups,
            kinds: scan.kinds,
            skipped: scan.skipped,
            unanswered,
            not_in_feed: compared.not_in_feed,
        })
    }

    /// Reads the whole feed. A run is resumed with the feed that it began with.
    fn scan(&mut self) -> Result<Scan, RunError> {
        let announced = self.feed.format().other_encoding();
        let stop = self.stop.clone();
        let scan = plan::scan(
            &mut self.feed,
            &self.bound,
            seed(),
            true,
            &move || stop.is_requested(),
            self.listener,
        )?;
        self.encoding_note = encoding_note(&self.feed, self.bound.mapping(), announced);
        if let Some(run) = &self.resumed
            && run.feed_sha256.is_some()
            && run.feed_sha256 != self.feed.sha256()
        {
            return Err(RunError::OtherFeed {
                feed: self.feed.path().to_path_buf(),
                run: run.id,
            });
        }
        self.notes.scanned(&scan, self.feed.sha256())?;
        Ok(scan)
    }

    /// Stops a run whose feed looks wrong; a plan only shows it.
    fn judge_feed(&self, rows: &RowTable) -> Result<Option<Held>, RunError> {
        match guards::feed(&self.bound.mapping().guards, &self.allowed, rows) {
            Some(held) if self.notes.recorder().is_some() => Err(RunError::SickFeed(held)),
            held => Ok(held),
        }
    }
}

/// Holds back the rows of people that an interrupted run may have created.
fn hold_back(rows: &mut RowTable, people: Vec<ExternalId>) -> Vec<Unanswered> {
    let mut unanswered = Vec::new();
    for external_id in people {
        if let Some(row) = rows.hold_back(external_id.as_str()) {
            unanswered.push(Unanswered {
                row,
                external_id,
                attempts: 0,
                why: "an interrupted run may have created this person, and the LMS could not \
                      confirm it"
                    .into(),
            });
        }
    }
    unanswered
}

/// Ties the mapping to the feed's columns and to the files in its folder.
///
/// # Errors
/// The mapping names a column that the feed does not have, or has twice.
pub fn bind<'m>(mapping: &'m Mapping, feed: &Feed) -> Result<Bound<'m>, MappingError> {
    let attachments = match feed.source() {
        FeedSource::Path(path) => Some(Attachments::of(path)),
        FeedSource::Stdin => None,
    };
    let duplicates: Vec<_> = feed
        .duplicate_columns()
        .into_iter()
        .map(|(name, _)| name.to_owned())
        .collect();
    Ok(mapping
        .bind(feed.columns(), &duplicates)?
        .with_files(attachments))
}

/// Says in which encoding a feed is read if it was guessed and is not UTF-8, since
/// letters could be wrong. `announced` is what was said when the feed was opened:
/// the encoding may show only later.
#[must_use]
pub fn encoding_note(
    feed: &Feed,
    mapping: &Mapping,
    announced: Option<&'static str>,
) -> Option<String> {
    let found = feed
        .format()
        .other_encoding()
        .filter(|_| mapping.source.encoding.is_none() && announced.is_none());
    found.map(|encoding| {
        format!(
            "the feed is read as {encoding} text (if names look wrong, set `encoding` in [source])"
        )
    })
}

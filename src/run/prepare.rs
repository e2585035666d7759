//! Everything before the first write: what an import does first, and all that
//! a plan does.

use super::{RunError, Stages, known};
use crate::feed::{Attachments, Feed, FeedSource};
use crate::mapping::{Bound, Leavers, Mapping, MappingError};
use crate::model::{ExternalId, HoldKind, RowNumber};
use crate::plan::guards::{self, FeedFacts, Numbers};
use crate::plan::{self, FindingKind, Held, Plan, RowState, RowTable, Scan, Sick};
use crate::run::seed;
use crate::upload::GroupPlan;

/// What must be done, decided before anything is sent.
#[derive(Debug)]
pub struct Prepared {
    /// The rows of the feed, with their states.
    pub rows: RowTable,
    /// What is to be done, and what a guard holds.
    pub plan: Plan,
    /// What makes the feed look sick: an import would send nothing.
    pub sick: Vec<Sick>,
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
        let sick = self.judge_feed(&scan)?;
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
        let numbers = Numbers {
            known: compared.named_before,
            rows: scan.rows.len() as u64,
            unidentified: scan.unidentified,
            new: scan.rows.count(RowState::New),
            new_under_other_keys: match under_other_keys {
                0 => 0,
                _ => scan.rows.count(RowState::New),
            },
            changed: scan.rows.count(RowState::Changed) + scan.rows.count(RowState::Adopt),
            leavers: compared.leavers.len() as u64,
            ..Numbers::default()
        };
        let held = guards::judge(&mapping.guards, &self.allowed, mapping.leavers, &numbers);
        hold(&held, &mut scan.rows, &mut compared.leavers);
        if mapping.leavers == Leavers::Ignore {
            compared.leavers.clear();
        }
        Ok(Prepared {
            plan: Plan::of(&scan.rows, compared.leavers, mapping.leavers, held),
            sick,
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

    /// Stops a run whose feed looks sick; a plan only shows it.
    fn judge_feed(&self, scan: &Scan) -> Result<Vec<Sick>, RunError> {
        let facts = FeedFacts {
            rows: scan.rows.len() as u64,
            rejected: scan.rows.count(RowState::Rejected),
            profile: &scan.profile,
            before: &[],
            age: None,
        };
        let sick = guards::feed(&self.bound.mapping().guards, &self.allowed, &facts);
        if sick.is_empty() || self.notes.recorder().is_none() {
            return Ok(sick);
        }
        Err(RunError::SickFeed(sick))
    }
}

/// Marks what is held, and removes the leavers who are.
fn hold(held: &[Held], rows: &mut RowTable, leavers: &mut Vec<ExternalId>) {
    for held in held {
        match held.kind {
            HoldKind::Leavers => leavers.clear(),
            HoldKind::Creates => rows.hold(RowState::New),
            HoldKind::Updates => {
                rows.hold(RowState::Changed);
                rows.hold(RowState::Adopt);
            }
            HoldKind::Renumbered | HoldKind::Lost | HoldKind::Identities => {}
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

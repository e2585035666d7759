//! Whom the scope knows, held against the rows of the feed.

use std::collections::HashSet;
use std::path::Path;

use jiff::SignedDuration;
use url::Url;

use super::begin::absolute;
use super::exit::Failure;
use crate::clock;
use crate::journal::{FeedKey, Journal, JournalError, PersonState, Scope};
use crate::model::ExternalId;
use crate::plan::{KnownAs, RowTable};
use crate::report;
use crate::schema::System;

/// As many people are handed over at a time whom this feed had not named
/// before.
const AT_ONCE: usize = 1_000;

/// What the comparison found beside the rows.
#[derive(Debug, Default)]
pub(super) struct Compared {
    /// People whom the scope knows and the feed does not name, whichever feed
    /// named them before.
    pub(super) not_in_feed: u64,
    /// Those of them whom this feed named before.
    pub(super) leavers: Vec<ExternalId>,
    /// People whom this feed named before, leavers included.
    pub(super) named_before: u64,
    /// People whom this feed names no more and another one does: no leavers.
    pub(super) named_elsewhere: u64,
}

/// Which feeds a scope is fed with.
#[derive(Debug)]
pub(super) struct Feeds {
    pub(super) this: FeedKey,
    /// The others that are alive: run not long ago, and their mappings exist.
    others: HashSet<FeedKey>,
}

impl Feeds {
    /// The feed of that mapping, and the others of the scope.
    pub(super) fn of(
        journal: &Journal,
        scope: &Scope,
        mapping: &Path,
    ) -> Result<Self, JournalError> {
        let path = absolute(mapping);
        let since = clock::now() - FEED_ACTIVE_FOR;
        let others = journal
            .mappings_since(scope, since)?
            .into_iter()
            .filter(|other| *other != path && Path::new(other).exists())
            .map(|other| FeedKey::of_mapping(&other))
            .collect();
        Ok(Self {
            this: FeedKey::of_mapping(&path),
            others,
        })
    }
}

/// So long a feed that was not run again is still taken for one that will be.
const FEED_ACTIVE_FOR: SignedDuration = SignedDuration::from_hours(31 * 24);

/// What is noted of people while they are compared.
pub(super) enum Note {
    /// This feed names them, and another one, or none, did before.
    Named(Vec<String>),
    /// This feed names them no more, and another one does.
    Dropped(Vec<String>),
}

/// Holds the scope's people against the rows; `note` is told which feed names
/// whom.
pub(super) fn compare(
    journal: &Journal,
    scope: &Scope,
    feeds: &Feeds,
    rows: &mut RowTable,
    note: &mut dyn FnMut(Note) -> Result<(), JournalError>,
) -> Result<Compared, Failure> {
    let mut compared = Compared::default();
    let (mut claims, mut dropped) = (Vec::new(), Vec::new());
    let mut failed = None;
    journal.people(scope, &mut |person| {
        let known = match (person.state, person.fingerprint) {
            // Nobody is there, so whoever the feed names is a joiner.
            (PersonState::Deleted, _) => return,
            (PersonState::Ambiguous, _) => KnownAs::SeveralPeople,
            (PersonState::Active, Some(print)) => KnownAs::Acknowledged(print),
            // Whoever was made inactive and is named again must be brought back.
            (PersonState::Active, None) | (PersonState::Inactive, _) => KnownAs::There,
        };
        let is_of_this_feed = person.feed == Some(feeds.this);
        let is_named = rows.note_known(person.external_id, known);
        let is_active = person.state == PersonState::Active;
        compared.named_before += u64::from(is_of_this_feed && is_active);
        if !is_named {
            compared.not_in_feed += u64::from(is_active);
            if !is_of_this_feed || !is_active {
                return;
            }
            // Two departments can name one person: only the last of them lets
            // the person go.
            if person
                .other_feed
                .is_some_and(|it| feeds.others.contains(&it))
            {
                dropped.push(person.external_id.to_owned());
            } else {
                compared.leavers.push(ExternalId::known(person.external_id));
            }
        } else if !is_of_this_feed {
            claims.push(person.external_id.to_owned());
            if claims.len() >= AT_ONCE && failed.is_none() {
                failed = note(Note::Named(std::mem::take(&mut claims))).err();
            }
        }
    })?;
    compared.named_elsewhere = dropped.len() as u64;
    for left in [Note::Named(claims), Note::Dropped(dropped)] {
        if failed.is_none() {
            failed = note(left).err();
        }
    }
    failed.map_or(Ok(compared), |error| Err(error.into()))
}

/// What a person should know of people whom another feed names.
pub(super) fn named_elsewhere(people: u64) -> String {
    format!(
        "{} no longer named here, but by another feed: left alone",
        report::counted(people, "person is", "people are")
    )
}

/// How many people the journal knows at this address under other keys, where it
/// knows nobody under this one; 0 where external IDs do not belong to the key.
pub(super) fn under_other_keys(
    journal: &Journal,
    scope: &Scope,
    system: System,
    base_url: &Url,
) -> Result<u64, JournalError> {
    if system.spec().ids_belong_to_key {
        journal.people_under_other_keys(scope, system.word(), base_url.as_str())
    } else {
        Ok(0)
    }
}

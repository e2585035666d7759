//! Whom the scope knows, held against the rows of the feed.

use super::exit::Failure;
use crate::journal::{FeedKey, Journal, JournalError, PersonState, Scope};
use crate::model::ExternalId;
use crate::plan::{KnownAs, Rows};

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
}

/// Holds the scope's people against the rows. `claim` gets those whom the feed
/// names and another feed, or none, named before.
pub(super) fn compare(
    journal: &Journal,
    scope: &Scope,
    feed: FeedKey,
    rows: &mut Rows,
    claim: &mut dyn FnMut(Vec<String>) -> Result<(), JournalError>,
) -> Result<Compared, Failure> {
    let mut compared = Compared::default();
    let mut claims = Vec::new();
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
        let is_of_this_feed = person.feed == Some(feed);
        let is_named = rows.known(person.external_id, known);
        let is_active = person.state == PersonState::Active;
        compared.named_before += u64::from(is_of_this_feed && is_active);
        if !is_named {
            compared.not_in_feed += u64::from(is_active);
            if is_of_this_feed && is_active {
                compared.leavers.push(ExternalId::known(person.external_id));
            }
        } else if !is_of_this_feed {
            claims.push(person.external_id.to_owned());
            if claims.len() >= AT_ONCE && failed.is_none() {
                failed = claim(std::mem::take(&mut claims)).err();
            }
        }
    })?;
    if !claims.is_empty() && failed.is_none() {
        failed = claim(claims).err();
    }
    failed.map_or(Ok(compared), |error| Err(error.into()))
}

//! What can be written.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Action, Calls, ExternalId, HoldState, Outcome, RowNumber, RunState, SetFields};

use super::absences::Absences;
use super::doubts::Doubts;
use super::earlier::Earlier;
use super::holds::NewHold;
use super::ids::{FeedKey, HoldId, RunId, Scope};
use super::parts::{Acknowledged, GroupNow};
use super::people::{PersonNow, Refreshed, SeenPerson};

/// How a run starts: as running.
#[derive(Clone, Debug)]
pub struct RunStart {
    /// The scope that it is for.
    pub scope: Scope,
    /// The target's system.
    pub system: String,
    /// The target's base URL, without user name or password.
    pub base_url: String,
    /// The command: `import`.
    pub command: String,
    /// Where the feed is read from.
    pub feed_path: String,
    /// Of a feed of several files: the files, in their order.
    pub feed_files: Vec<String>,
    /// Whether the feed comes from standard input.
    pub from_stdin: bool,
    /// Where the mapping was read from.
    pub mapping_path: String,
    /// The digest of the mapping.
    pub mapping_sha256: [u8; 32],
    /// A person said that its API key replaces an earlier one.
    pub replaces_key: bool,
    /// When it starts.
    pub started: Timestamp,
    /// The process.
    pub pid: u32,
    /// The machine.
    pub host: String,
}

/// What changes of a run; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct RunChange {
    /// Its state.
    pub state: Option<RunState>,
    /// The digest of the feed.
    pub feed_sha256: Option<[u8; 32]>,
    /// The digest of the files that are joined to it.
    pub joined_sha256: Option<[u8; 32]>,
    /// When the file of the feed was changed last.
    pub feed_modified: Option<Timestamp>,
    /// Whether it imported a good feed that was not the same file as the one before.
    pub good_feed: Option<bool>,
    /// Rows of the feed.
    pub rows: Option<u64>,
    /// Rows that the mapping left out.
    pub skipped: Option<u64>,
    /// Unchanged rows that are not settled one by one.
    pub unchanged: Option<u64>,
    /// All requests of the run, those before a resume included.
    pub calls: Option<Calls>,
    /// When the target was asked who exists.
    pub surveyed_at: Option<Timestamp>,
    /// All the time that it was under way, that before a resume included.
    pub elapsed: Option<Duration>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// The exit code.
    pub exit_code: Option<u8>,
    /// Its message at the end.
    pub message: Option<String>,
    /// What was read back after it, as JSON.
    pub proof: Option<String>,
    /// Another process resumes it: it is running again and has not ended, and
    /// what it held is pending again. The other changes come after that.
    pub resumed: Option<Resumption>,
}

/// The process that resumes a run.
#[derive(Clone, Debug)]
pub struct Resumption {
    /// This process.
    pub pid: u32,
    /// This machine.
    pub host: String,
    /// When it begins to.
    pub at: Timestamp,
}

/// A change that is about to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The row in the feed; `None` for a leaver.
    pub row: Option<RowNumber>,
    /// The person.
    pub external_id: ExternalId,
    /// What is to be done.
    pub action: Action,
    /// The external ID until now, where the action changes it.
    pub from: Option<ExternalId>,
    /// The target's id of the account without an external ID that gets this one,
    /// where the action goes by it.
    pub account: Option<String>,
    /// The hold whose approval carries it out.
    pub hold: Option<HoldId>,
    /// The fields that are written, for [`Action::Set`].
    pub set: Option<SetFields>,
}

/// The outcome of a row or a leaver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The row in the feed; `None` for a leaver.
    pub row: Option<RowNumber>,
    /// The person, if the row says who. `None` keeps what an intent said.
    pub external_id: Option<ExternalId>,
    /// What was to be done. `None` keeps what an intent said.
    pub action: Option<Action>,
    /// The outcome. [`Outcome::Pending`] takes the row back, as
    /// [`Writer::not_sent`](super::Writer::not_sent) does.
    pub outcome: Outcome,
    /// The HTTP status of the last answer.
    pub status: Option<u16>,
    /// How many requests were sent for it, those before a resume included.
    pub attempts: u32,
    /// The rule's code.
    pub code: Option<&'static str>,
    /// Why, as a sentence without a person's data.
    pub message: Option<String>,
    /// The row's own calls are done and its groups are not: it stays pending
    /// until [`Writer::joined`](super::Writer::joined).
    pub awaits_groups: bool,
    /// The names of the fields that changed, with commas. `None` keeps what was
    /// said before.
    pub changed: Option<String>,
    /// The hold that keeps the row back, or whose approval carried it out.
    pub hold: Option<HoldId>,
    /// An earlier write for the person got no answer and was sent again: when it went out,
    /// at the latest. It may still land.
    pub may_land: Option<Timestamp>,
    /// The person had this external ID until now, and the target has acknowledged
    /// the change: all that is known of the person goes over to `external_id` in
    /// the same transaction. `None` where it was recorded before, as
    /// [`Acknowledged::Rekeyed`].
    pub rekeyed_from: Option<ExternalId>,
    /// What it says about the person: written to `people` in the same
    /// transaction. Needs `external_id`.
    pub person: Option<PersonNow>,
}

impl Settled {
    /// An outcome of which nothing else is known.
    #[must_use]
    pub const fn new(external_id: Option<ExternalId>, outcome: Outcome) -> Self {
        Self {
            row: None,
            external_id,
            action: None,
            outcome,
            status: None,
            attempts: 0,
            code: None,
            message: None,
            awaits_groups: false,
            changed: None,
            hold: None,
            may_land: None,
            rekeyed_from: None,
            person: None,
        }
    }

    /// Finds an outcome that makes no sense.
    pub(super) const fn check(&self) -> Result<(), &'static str> {
        let leaver = matches!(
            self.outcome,
            Outcome::Deactivated | Outcome::Deleted | Outcome::Set
        );
        match (self.row, &self.external_id) {
            (None, None) => Err("it has neither a row nor an external ID"),
            (Some(_), _) if leaver => Err("a row of the feed ended as only leavers can"),
            (_, None) if self.person.is_some() || self.rekeyed_from.is_some() => {
                Err("it says something about a person without an external ID")
            }
            _ => Ok(()),
        }
    }
}

/// A single thing to write.
#[derive(Debug)]
pub(super) enum Work {
    /// `id` is filled in when it is written.
    StartRun {
        run: Box<RunStart>,
        id: Option<RunId>,
    },
    UpdateRun(RunId, Box<RunChange>),
    Intend(RunId, Vec<Intent>),
    Alive(RunId, Timestamp),
    Doubts(Doubts),
    /// What is kept for the way back.
    Earlier(RunId, Earlier),
    Settle(RunId, Box<Settled>),
    SettleAll(RunId, Vec<Settled>),
    NotSent(RunId, Option<RowNumber>, ExternalId),
    /// The target refused the person, together with others.
    Refused(RunId, ExternalId),
    Seen(Scope, Vec<SeenPerson>),
    Single(Scope, Vec<String>),
    Named(Scope, FeedKey, Vec<String>),
    Acknowledged(RunId, ExternalId, Vec<Acknowledged>),
    /// People added to a group, or removed from it.
    Members {
        run: RunId,
        group: String,
        people: Vec<ExternalId>,
        are_in: bool,
    },
    Joined(RunId, RowNumber, ExternalId, Option<(Outcome, String)>),
    Dropped(Scope, FeedKey, Vec<String>),
    Gone(Scope, Vec<String>),
    Absent(Scope, FeedKey, Vec<String>),
    /// Who is missing from a feed as of a run, and who no longer is; `None`: nobody counts as
    /// missing.
    Absences(Scope, FeedKey, Option<(RunId, Absences)>),
    /// A mapping has another path.
    Renamed {
        scope: Scope,
        from: String,
        to: String,
    },
    Group(Scope, FeedKey, String, GroupNow),
    Fingerprints(Scope, Vec<Refreshed>),
    Protect(Scope, Vec<(String, bool)>),
    Profile {
        run: RunId,
        profile: Vec<u8>,
        resets: bool,
    },
    /// `id` is filled in when it is written.
    OpenHold {
        hold: Box<NewHold>,
        id: Option<HoldId>,
    },
    /// The hold is there still, and these people of it are in other rows.
    HoldSeen(HoldId, RunId, Vec<(ExternalId, Option<RowNumber>)>),
    /// These people are in the hold no longer.
    Released(HoldId, Vec<ExternalId>),
    /// `is_claimed` is filled in when it is written.
    ClaimHold {
        hold: HoldId,
        run: RunId,
        is_claimed: bool,
    },
    HoldState {
        hold: HoldId,
        state: HoldState,
        run: Option<RunId>,
        at: Timestamp,
    },
    Flush,
}

impl Work {
    /// How many rows of the database it writes, about.
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Intend(_, intents) => intents.len(),
            Self::Earlier(_, Earlier::Keep(people)) => people.len(),
            Self::Seen(_, people) => people.len(),
            Self::Single(_, people)
            | Self::Named(_, _, people)
            | Self::Dropped(_, _, people)
            | Self::Absent(_, _, people)
            | Self::Gone(_, people)
            | Self::Doubts(Doubts::Over(_, people) | Doubts::NotTwice(_, people)) => people.len(),
            Self::Doubts(Doubts::New(_, doubts)) => doubts.len(),
            Self::Absences(_, _, Some((_, it))) => it.new.len() + it.over.len(),
            Self::Members { people, .. } | Self::Released(_, people) => people.len(),
            Self::SettleAll(_, rows) => rows.len(),
            Self::Fingerprints(_, people) => people.len(),
            Self::Protect(_, people) => people.len(),
            Self::OpenHold { hold, .. } => hold.people.len(),
            Self::HoldSeen(_, _, moved) => moved.len() + 1,
            Self::Flush => 0,
            _ => 1,
        }
    }
}

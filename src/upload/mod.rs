//! Changes become outcomes: pace, retries, unknown outcomes, recording.
//!
//! [`Uploader::everybody`] and [`Uploader::ask_each`] ask the target who exists,
//! [`Uploader::send`] makes the changes. All run through one engine, so that rate, pauses
//! and outages are decided in one place for reads and writes alike.
//!
//! # Invariants
//!
//! - An intent is on disk before its first write goes out.
//! - A write whose outcome is unknown is followed by a read-back, never by the
//!   same write again.
//! - A journal that cannot be written stops the run.

mod change;
mod departures;
mod doubt;
mod engine;
mod group_jobs;
mod groups;
mod http;
mod intents;
mod kept;
mod lateness;
mod memberships;
mod leavers;
mod left_over;
mod look_up;
mod lost;
mod members;
mod pace;
mod phase;
mod pressure;
mod proof;
mod reach;
mod recorder;
mod refused_all;
mod scrub;
mod send;
mod shared_rate;
mod stop;
mod strays;
mod survey;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Runtime;
use url::Url;

use self::doubt::{Controls, Patience, Trust};
use self::engine::{Engine, Suspicion};
use self::http::Http;
use self::pace::Pace;
use self::pressure::Pressure;
use self::refused_all::RefusedInTurn;
use self::shared_rate::SharedRate;
use crate::journal::{JournalError, RefusedBefore};
use crate::model::{Calls, ExternalId};
use crate::retry::Fatal;
use crate::schema::System;
use crate::targets::{self, Target};

pub use self::groups::{GroupPlan, GroupsDone};
pub use self::http::{Credentials, HttpError};
pub use self::kept::Kept;
pub use self::leavers::{Leaver, LeaverAction};
pub use self::left_over::{IsSet, LeftOver, Settlement};
pub use self::lost::{AccountCheck, LostAccount, LostCheck, LostPerson, sample};
pub use self::memberships::Memberships;
pub use self::proof::NewPeople;
pub use self::reach::{Reach, reach};
pub use self::recorder::{RunRecorder, record_not_answered};
pub use self::refused_all::{Looks, SameRefusal};
pub use self::send::{SendResult, Work};
pub use self::shared_rate::SharedRateError;
pub use self::stop::Stop;
pub use self::survey::{Known, Listed, Question};
pub use crate::model::Secret;

/// Why sending or asking ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// In order: everything is recorded, and the run can be resumed.
    #[error(transparent)]
    Halted(#[from] Halt),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The client cannot be set up.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The rate that runs share cannot be kept.
    #[error(transparent)]
    SharedRate(#[from] SharedRateError),
    /// The runtime cannot be set up.
    #[error("cannot start the network runtime")]
    Runtime(#[source] std::io::Error),
    /// The people of the LMS cannot be kept in a temporary file.
    #[error("cannot keep the people of the LMS in a temporary file")]
    Kept(#[source] std::io::Error),
    /// A request ended in a way that none should.
    #[error("a request ended abnormally: {0}")]
    Task(String),
}

/// Why a run was halted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// Ctrl-C or SIGTERM.
    #[error("stopped on request")]
    Requested,
    /// The time that a person gave it is up.
    #[error("stopped at the deadline")]
    Deadline,
    /// The target was down for too long.
    #[error("the LMS {} ({why})", if *.ever_up { "went down and did not come back" } else { "gives no usable answer" })]
    Outage {
        /// What the last attempt met.
        why: String,
        /// For how long.
        down: Duration,
        /// Whether it had answered before.
        ever_up: bool,
    },
    /// The target does not show people who are there: it says nothing of others.
    #[error("the LMS does not show everybody: {0}")]
    Blind(String),
    /// Nothing will succeed until a person has repaired something.
    #[error("{}", .0.why())]
    Fatal(Fatal),
    /// The target refused one row after the other in the same words.
    #[error(transparent)]
    RefusedAll(SameRefusal),
}

impl Halt {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::Requested => return None,
            Self::Deadline => {
                "`hrfeed resume`, or the next import of a whole feed, goes on from here; \
                 `--deadline` says how long a run may take"
            }
            Self::Outage { ever_up: false, .. } => {
                "check `base_url` in the mapping, and whether the LMS is up"
            }
            Self::Outage { .. } => "check whether the LMS is up",
            Self::Blind(_) => {
                "check in the LMS what the account behind the API key may see; nobody was created"
            }
            Self::Fatal(Fatal::Unauthorized) => "check the API key and secret; keys can expire",
            Self::Fatal(Fatal::Forbidden(_)) => {
                "check the permissions of the API key in the LMS, and whether it is restricted to certain addresses or calls"
            }
            Self::Fatal(Fatal::ProxyAuthentication) => {
                "put the proxy's user name and password into the environment variable HTTPS_PROXY, or exempt the LMS's host from the proxy"
            }
            Self::Fatal(Fatal::Redirect(_)) => {
                "set `base_url` to the final address: hrfeed does not follow redirects, so that the key never reaches another host"
            }
            Self::Fatal(Fatal::WrongAddress) => "check `base_url`: it must end before `/api/`",
            Self::Fatal(Fatal::WebPage) => {
                "check `base_url`, and whether this network shows a sign-in page or the LMS a \
                 maintenance page"
            }
            Self::Fatal(Fatal::Certificate(_)) => {
                "check `base_url` and this machine's clock; an internal certificate authority must be \
                 trusted by the operating system"
            }
            Self::Fatal(Fatal::UnknownHost(_)) => {
                "check `base_url` for typing errors, and check the network"
            }
            Self::Fatal(Fatal::EndlessList) => {
                "check `base_url` in the mapping, and ask the LMS's vendor"
            }
            Self::Fatal(Fatal::Machine { help, .. }) => help,
            Self::RefusedAll(refusal) => refusal.help(),
        };
        Some(text.into())
    }
}

/// Where an LMS is, and how fast it may be asked.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Which API it speaks.
    pub system: System,
    /// Its address.
    pub base_url: Url,
    /// Requests in any one-second window, reads and retries included.
    pub requests_per_second: f64,
    /// Where the runs of this machine keep the rate that they share on a host: a folder.
    /// `None` if this one keeps its own.
    pub shared_rates: Option<PathBuf>,
    /// Requests in flight at once.
    pub max_in_flight: usize,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long a whole request may take, the answer's body included.
    pub timeout: Duration,
    /// How long a request without an answer may still be carried out after that.
    pub settle_after: Duration,
    /// How long the LMS may be down before the run ends, to be resumed.
    pub max_outage: Duration,
}

/// Sends, for the length of a run.
pub struct Uploader {
    runtime: Runtime,
    engine: Engine<Http>,
    target: Arc<dyn Target>,
    trust: Trust,
    /// Over all that a run sends, since people are sent in waves.
    refused_in_turn: RefusedInTurn,
}

impl std::fmt::Debug for Uploader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Uploader").finish_non_exhaustive()
    }
}

impl Uploader {
    /// Sets everything up; sends nothing yet.
    ///
    /// # Errors
    /// The client or its runtime cannot be set up.
    pub fn new(
        connection: &Connection,
        credentials: &Credentials,
        stop: Stop,
        seed: u64,
    ) -> Result<Self, UploadError> {
        let target = targets::of(connection.system);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(UploadError::Runtime)?;
        let random = fastrand::Rng::with_seed(seed);
        let per_second = connection.requests_per_second;
        let shared = (connection.shared_rates.as_deref())
            .map(|folder| SharedRate::new(folder, &connection.base_url, per_second, seed))
            .transpose()?;
        let engine = Engine {
            transport: Http::new(connection, credentials, &*target)?,
            pace: Pace::new(connection.requests_per_second, shared),
            pressure: Pressure::new(connection.requests_per_second, connection.max_in_flight),
            stop,
            max_in_flight: connection.max_in_flight,
            max_outage: connection.max_outage,
            target: Arc::clone(&target),
            calls: Calls::default(),
            contacted: false,
            may_have_written: false,
            suspicion: Suspicion::default(),
            refused_before: None,
            jobs: 0,
            clock_skew: None,
            random,
        };
        let patience = Patience {
            window: connection.timeout + connection.settle_after,
            settle_after: connection.settle_after,
        };
        Ok(Self {
            runtime,
            engine,
            target,
            trust: Trust {
                patience,
                controls: Controls::default(),
            },
            refused_in_turn: RefusedInTurn::default(),
        })
    }

    /// These people are known and not changed: the LMS must show them.
    pub fn must_show(&self, known: Vec<ExternalId>) {
        self.trust.controls.set_known(known);
    }

    /// Says how the LMS refused those in an earlier run who are sent from now on, if it
    /// did: the same few must not end each run.
    pub const fn sends(&mut self, refused_before: Option<RefusedBefore>) {
        self.engine.refused_before = refused_before;
    }

    /// How long what was sent may take until it can have no effect any more.
    #[must_use]
    pub fn window(&self) -> Duration {
        self.trust.patience.window
    }

    /// What time it is by the LMS's clock, as its first dated answer showed it: too
    /// early by at most the time that this answer took.
    pub fn lms_now(&self) -> Timestamp {
        self.engine.target_now()
    }

    /// Whether the LMS has changed anything for this run, or may have.
    pub const fn may_have_written(&self) -> bool {
        self.engine.may_have_written
    }

    /// What a person should know about a rate that is shared with other runs, if anything:
    /// a sentence without its full stop.
    pub fn shared_rate(&self) -> Option<String> {
        self.engine.pace.shared_in_words()
    }

    /// The calls made so far.
    pub fn calls(&self) -> Calls {
        self.engine.calls
    }
}

#[cfg(test)]
mod tests;

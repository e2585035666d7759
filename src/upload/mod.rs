//! Changes become outcomes: pace, retries, unknown outcomes, recording.
//!
//! [`Uploader::survey`] asks the target who exists, [`Uploader::send`] makes
//! the changes. Both run through one engine, so that rate, pauses and outages
//! are decided in one place for reads and writes alike.
//!
//! # Invariants
//!
//! - An intent is on disk before its first write goes out.
//! - A write whose outcome is not known is followed by a look at the target,
//!   never by the same write again.
//! - A journal that cannot be written stops the run.

mod change;
mod engine;
mod group_jobs;
mod groups;
mod http;
mod intents;
mod memberships;
mod leavers;
mod left_over;
mod look_up;
mod members;
mod pace;
mod phase;
mod pressure;
mod recorder;
mod scrub;
mod send;
mod stop;
mod survey;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use url::Url;

use self::engine::Engine;
use self::http::Http;
use self::pace::Pace;
use self::pressure::Pressure;
use crate::journal::JournalError;
use crate::model::Calls;
use crate::retry::Fatal;
use crate::schema::System;
use crate::targets::{self, Target};

pub use self::groups::{GroupPlan, GroupsDone};
pub use self::http::{Credentials, HttpError, Secret};
pub use self::left_over::{LeftOver, Settlement};
pub use self::memberships::Memberships;
pub use self::recorder::{RunRecorder, record_not_answered};
pub use self::send::Work;
pub use self::stop::Stop;
pub use self::survey::{Known, Listed, Question};

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
    /// The runtime cannot be set up.
    #[error("cannot start the network runtime: {0}")]
    Runtime(std::io::Error),
    /// A request ended in a way that none should.
    #[error("a request ended abnormally: {0}")]
    Task(String),
}

/// Why a run was halted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// Somebody asked for it.
    #[error("stopped on request")]
    Requested,
    /// The target was down for too long.
    #[error("the target {} ({why})", if *.ever_up { "went down and did not come back" } else { "does not answer" })]
    Outage {
        /// What the last attempt met.
        why: String,
        /// For how long.
        down: Duration,
        /// Whether it had answered before.
        ever_up: bool,
    },
    /// Nothing will succeed until a person has repaired something.
    #[error("{}", fatal(.0))]
    Fatal(Fatal),
}

fn fatal(cause: &Fatal) -> String {
    match cause {
        Fatal::Unauthorized => "the target does not accept the API key and secret (401)".into(),
        Fatal::Forbidden("") => "the target does not allow this key to do this (403)".into(),
        Fatal::Forbidden(call) => {
            format!("the target does not allow this key to make the call `{call}`")
        }
        Fatal::ProxyAuthentication => "a proxy on the way wants a password (407)".into(),
        Fatal::Redirect(status) => format!("the target points to another address ({status})"),
        Fatal::WrongAddress => "the target does not know this API at this address".into(),
        Fatal::Certificate(why) => format!("the target's certificate does not fit ({why})"),
        Fatal::UnknownHost(why) => format!("the target's host name is not known ({why})"),
    }
}

impl Halt {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::Requested => return None,
            Self::Outage { ever_up: false, .. } => {
                "check `base_url` in the mapping, and whether the LMS is up"
            }
            Self::Outage { .. } => "see whether the LMS is up",
            Self::Fatal(Fatal::Unauthorized) => {
                "check the API key and secret; a key has an expiry date"
            }
            Self::Fatal(Fatal::Forbidden(_)) => {
                "have the rights of the API key checked in the LMS, and whether it is limited to some addresses or calls"
            }
            Self::Fatal(Fatal::ProxyAuthentication) => {
                "put name and password into the environment variable HTTPS_PROXY, or have the LMS's host exempted"
            }
            Self::Fatal(Fatal::Redirect(_)) => {
                "put the final address into `base_url`: redirects are not followed, so that the key reaches no other host"
            }
            Self::Fatal(Fatal::WrongAddress) => "check `base_url`: it ends where `/api/` begins",
            Self::Fatal(Fatal::Certificate(_)) => {
                "check `base_url` and this machine's clock; a company's own certificate authority \
                 must be known to the operating system"
            }
            Self::Fatal(Fatal::UnknownHost(_)) => {
                "check `base_url` for a typing mistake, and the network"
            }
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
    /// Requests in flight at once.
    pub max_in_flight: usize,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long a whole request may take, the answer's body included.
    pub timeout: Duration,
    /// How long the LMS may be down before the run ends, to be resumed.
    pub max_outage: Duration,
}

/// Sends, for the length of a run.
pub struct Uploader {
    runtime: Runtime,
    engine: Engine<Http>,
    target: Arc<dyn Target>,
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
        let engine = Engine {
            transport: Http::new(connection, credentials, &*target)?,
            pace: Pace::new(connection.requests_per_second),
            pressure: Pressure::new(connection.requests_per_second, connection.max_in_flight),
            stop,
            max_in_flight: connection.max_in_flight,
            max_outage: connection.max_outage,
            target: Arc::clone(&target),
            calls: Calls::default(),
            contacted: false,
            random: fastrand::Rng::with_seed(seed),
        };
        Ok(Self {
            runtime,
            engine,
            target,
        })
    }

    /// The calls made so far.
    pub fn calls(&self) -> Calls {
        self.engine.calls
    }
}

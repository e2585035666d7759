//! Why a run, or its plan, failed: what, where, and what to do.

use std::error::Error;
use std::path::PathBuf;

use super::seal::CannotSeal;
use crate::feed::FeedError;
use crate::journal::{HoldError, JournalError, LockError, RunId};
use crate::mapping::MappingError;
use crate::model::Limit;
use crate::plan::ScanError;
use crate::plan::guards::Sick;
use crate::run::held::{sick_help, sick_in_words};
use crate::upload::{Halt, HttpError, UploadError};

/// Why a run, or its plan, ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The feed cannot be read, or has changed.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The mapping does not fit the feed.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The run kept nothing of what people were like before it.
    #[error("run {0} cannot be undone: it kept nothing of what people were like before it")]
    NotUndoable(RunId),
    /// What the run kept is sealed with another key.
    #[error("run {0} kept what it changed under another HRFEED_UNDO_KEY")]
    OtherUndoKey(RunId),
    /// What people are like cannot be sealed.
    #[error(transparent)]
    Seal(#[from] CannotSeal),
    /// Another run holds the scope.
    #[error(transparent)]
    Busy(LockError),
    /// Sending was halted in order: everything is recorded.
    #[error(transparent)]
    Halted(#[from] Halt),
    /// The run was stopped while the feed was being read.
    #[error("stopped while the feed was being read")]
    StoppedReading,
    /// The HTTP client cannot be set up.
    #[error(transparent)]
    Client(#[from] HttpError),
    /// Something in the machine failed while sending.
    #[error(transparent)]
    Upload(UploadError),
    /// The feed looks sick, so nothing more was sent.
    #[error("{}", sick_in_words(.0))]
    SickFeed(Vec<Sick>),
    /// The feed is not the one that the run to resume began with.
    #[error("the feed `{}` is not the one that run {run} began with", feed.display())]
    OtherFeed {
        /// The feed that was given.
        feed: PathBuf,
        /// The run.
        run: RunId,
    },
    /// A file that is joined to the feed is not the one that the run to resume began
    /// with.
    #[error(
        "{} changed since run {run} began: the feed is another one",
        listed(files)
    )]
    OtherJoined {
        /// The joined files.
        files: Vec<String>,
        /// The run.
        run: RunId,
    },
    /// The plan that the run was to carry out is not what would be done now.
    #[error("the plan is not what an import would do now, so nothing was sent: {}", .0.join("; "))]
    PlanMoved(Vec<String>),
    /// The run to resume has finished.
    #[error("run {0} has finished: there is nothing to resume")]
    HasFinished(RunId),
    /// The run to resume was superseded.
    #[error("run {0} cannot be resumed: a later run replaced it")]
    Superseded(RunId),
    /// A newer run of the scope has changed something: the old feed would undo
    /// that.
    #[error("run {run} cannot be resumed: run {later} has imported a newer feed")]
    NotNewest {
        /// The run to resume.
        run: RunId,
        /// The newer one.
        later: RunId,
    },
    /// A decision about a hold could not be recorded.
    #[error(transparent)]
    Hold(HoldError),
    /// The journal no longer has the run.
    #[error("the journal no longer has the run")]
    Lost,
}

impl RunError {
    /// What failed and where, with the causes, in one line.
    #[must_use]
    pub fn message(&self) -> String {
        let mut text = self.to_string();
        let mut source = self.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text.push_str(": ");
                text.push_str(&cause_text);
            }
            source = cause.source();
        }
        text
    }

    /// What to do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        if let Some(limit) = Limit::of(self) {
            return Some(limit.help().into());
        }
        let text = match self {
            Self::Feed(error) => return error.help(),
            Self::Mapping(error) => return error.help(),
            Self::Halted(halt) => return halt.help(),
            Self::SickFeed(all) => return Some(sick_help(all)),
            Self::HasFinished(run) => {
                return Some(format!(
                    "`hrfeed show {run}` shows its summary; `hrfeed import` starts a new run"
                ));
            }
            Self::Upload(UploadError::Kept(_)) => {
                "check the free space of the folder for temporary files"
            }
            Self::StoppedReading | Self::Upload(_) | Self::Lost | Self::Seal(_) => return None,
            Self::Journal(error) => error.help(),
            Self::Hold(error) => error.help(),
            Self::Busy(_) => {
                "wait for it to finish, or stop it first: only one run at a time, to prevent duplicates"
            }
            Self::Client(HttpError::Setup(_)) => {
                "check the certificates that this machine trusts, and how many files this process may open (`ulimit -n`)"
            }
            Self::Client(HttpError::Secret { .. }) => {
                "check the file or environment variable that the mapping names"
            }
            Self::OtherFeed { .. } | Self::OtherJoined { .. } => {
                "import the new feed with `hrfeed import`: it settles the old run first"
            }
            Self::PlanMoved(_) => {
                "make a new plan with `hrfeed plan --out`, look at it, and import that"
            }
            Self::NotUndoable(_) => {
                "only a run that was imported with `--undoable` can be undone, and only for as many \
                 days as `keep_undo` in [journal] says"
            }
            Self::OtherUndoKey(_) => {
                "set HRFEED_UNDO_KEY or HRFEED_UNDO_KEY_FILE to the key with which the run began"
            }
            Self::Superseded(_) => "`hrfeed runs` lists all runs",
            Self::NotNewest { .. } => {
                "import the newest feed with `hrfeed import`: it settles the rest of the old run"
            }
        };
        Some(text.into())
    }
}

impl From<HoldError> for RunError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::Journal(error) => error.into(),
            error => Self::Hold(error),
        }
    }
}

impl From<LockError> for RunError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Journal(error) => error.into(),
            held => Self::Busy(held),
        }
    }
}

impl From<ScanError> for RunError {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Feed(error) => error.into(),
            ScanError::Mapping(error) => error.into(),
            ScanError::Stopped => Self::StoppedReading,
        }
    }
}

impl From<UploadError> for RunError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Halted(halt) => halt.into(),
            UploadError::Journal(error) => error.into(),
            UploadError::Http(error) => error.into(),
            error => Self::Upload(error),
        }
    }
}

/// `` `a.csv` ``, `` `a.csv` or `b.csv` ``.
fn listed(files: &[String]) -> String {
    let files: Vec<_> = files.iter().map(|file| format!("`{file}`")).collect();
    files.join(" or ")
}

//! How a command fails: printed once, at the edge.

use crate::feed::FeedError;
use crate::journal::{JournalError, LockError};
use crate::mapping::{JoinError, MappingError};
pub(super) use crate::model::Exit;
use crate::pickup::PickUpError;
use crate::plan::ScanError;
use crate::run::{RunEnd, RunError};
use crate::upload::UploadError;

/// Why a command failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// The exit code.
    pub(super) exit: Exit,
    /// What failed, and where.
    pub(super) what: String,
    /// What to do.
    pub(super) help: Option<String>,
}

impl Failure {
    /// A failure of the machine or the program.
    pub(super) fn machine(what: impl Into<String>) -> Self {
        Self {
            exit: Exit::Machine,
            what: what.into(),
            help: None,
        }
    }

    /// A mistake of the caller.
    pub(super) fn usage(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            what: what.into(),
            help: Some(help.into()),
        }
    }
}

impl From<RunEnd> for Failure {
    /// The failure of an end that has a message.
    fn from(end: RunEnd) -> Self {
        let (_, exit) = end.state_and_exit();
        Self {
            exit,
            what: end.message().unwrap_or_default(),
            help: end.help(),
        }
    }
}

impl From<PickUpError> for Failure {
    fn from(error: PickUpError) -> Self {
        let exit = match &error {
            PickUpError::Remote { problem, .. } => problem.exit(),
            PickUpError::Several { .. }
            | PickUpError::Address { .. }
            | PickUpError::NotBuilt(_)
            | PickUpError::EquallyNew(_)
            | PickUpError::OtherDate(_)
            | PickUpError::NotAFolder(_)
            | PickUpError::Pattern { .. } => Exit::Usage,
            PickUpError::Stopped { .. } => Exit::Interrupted,
            _ => Exit::Machine,
        };
        Self {
            exit,
            what: error.to_string(),
            help: error.help(),
        }
    }
}

impl From<JoinError> for Failure {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Feed(error) => error.into(),
            JoinError::Mapping(error) => error.into(),
            JoinError::Stopped => ScanError::Stopped.into(),
        }
    }
}

/// A failure of the library goes through the one table of [`RunEnd`].
macro_rules! failures {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                RunEnd::from(RunError::from(error)).into()
            }
        }
    )*};
}

failures!(
    RunError,
    FeedError,
    MappingError,
    ScanError,
    JournalError,
    LockError,
    UploadError
);

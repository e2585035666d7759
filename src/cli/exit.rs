//! How a command fails: printed once, at the edge.

use crate::feed::FeedError;
use crate::journal::{JournalError, LockError};
use crate::mapping::MappingError;
pub use crate::model::Exit;
use crate::plan::ScanError;
use crate::run::{RunEnd, RunError};
use crate::upload::UploadError;

/// Why a command did not come to its end: printed once, in three parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What failed, and where.
    pub what: String,
    /// What to do.
    pub help: Option<String>,
}

impl Failure {
    /// A failure of the machine or the program.
    pub fn machine(what: impl Into<String>) -> Self {
        Self {
            exit: Exit::Machine,
            what: what.into(),
            help: None,
        }
    }

    /// A mistake of the caller.
    pub fn usage(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            what: what.into(),
            help: Some(help.into()),
        }
    }
}

impl From<RunEnd> for Failure {
    /// For an end that says something.
    fn from(end: RunEnd) -> Self {
        let (_, exit) = end.state_and_exit();
        Self {
            exit,
            what: end.message().unwrap_or_default(),
            help: end.help(),
        }
    }
}

/// A failure of the library goes through the one table of
/// [`RunEnd`].
macro_rules! failures {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                RunEnd::Failed(error.into()).into()
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

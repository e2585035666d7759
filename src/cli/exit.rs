//! How the process ends: a contract with whoever drives it.

use std::process::ExitCode;

use crate::feed::FeedError;
use crate::journal::{JournalError, LockError};
use crate::mapping::MappingError;
use crate::plan::ScanError;
use crate::upload::UploadError;

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done: every row applied or unchanged.
    Done = 0,
    /// The program or the machine failed.
    Machine = 1,
    /// Wrong usage or a wrong mapping; nothing was done.
    Usage = 2,
    /// Done, and some rows were rejected or failed.
    RowsRefused = 3,
    /// A guard stopped the run before its first write, or held a part of it.
    Guard = 4,
    /// Interrupted, can be resumed.
    Interrupted = 5,
    /// Another run holds this target.
    Held = 6,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command did not come to its end: told once, in three parts.
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

impl Failure {
    /// A guard held something.
    pub fn guard(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            exit: Exit::Guard,
            what: what.into(),
            help: Some(help.into()),
        }
    }
}

/// What went wrong, with its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
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

impl From<FeedError> for Failure {
    fn from(error: FeedError) -> Self {
        let exit = if error.is_usage() {
            Exit::Usage
        } else {
            Exit::Machine
        };
        Self {
            exit,
            what: chain(&error),
            help: error.help(),
        }
    }
}

impl From<MappingError> for Failure {
    fn from(error: MappingError) -> Self {
        Self {
            exit: Exit::Usage,
            what: chain(&error),
            help: error.help(),
        }
    }
}

impl From<ScanError> for Failure {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Feed(error) => error.into(),
            ScanError::Mapping(error) => error.into(),
            ScanError::Stopped => Self {
                exit: Exit::Interrupted,
                what: error.to_string(),
                help: None,
            },
        }
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self {
            exit: Exit::Machine,
            what: chain(&error),
            help: Some(error.help().to_owned()),
        }
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Journal(error) => error.into(),
            held => Self {
                exit: Exit::Held,
                what: held.to_string(),
                help: Some("wait until it is done, or stop it first: one run at a time keeps people single".into()),
            },
        }
    }
}

impl From<UploadError> for Failure {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Halted(halt) => Self {
                exit: Exit::Interrupted,
                what: halt.to_string(),
                help: halt.help(),
            },
            UploadError::Journal(error) => error.into(),
            UploadError::Scan(error) => error.into(),
            UploadError::Http(error) => Self {
                exit: Exit::Usage,
                what: chain(&error),
                help: Some("check the file or variable that the mapping names".into()),
            },
            error => Self::machine(chain(&error)),
        }
    }
}

//! How the process ends: a contract with scripts.

use std::process::ExitCode;

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
    /// A guard stopped the run before its first write, or held a part of it, or
    /// stopped it when the LMS refused everybody.
    Guard = 4,
    /// Interrupted: to be tried again later.
    Interrupted = 5,
    /// Another run holds this target.
    Busy = 6,
    /// Nothing will succeed until a person has repaired something: credentials, a
    /// right, the address, a certificate, a redirect.
    Repair = 7,
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

//! The private copy of a file of another machine.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::super::{Fetched, Problem};
use crate::files;

/// How many bytes of a copy are written before it is asked again how much room is left.
const STEP: u64 = 16 << 20;

/// A copy that is being made.
pub(super) struct CopyBeingMade {
    file: File,
    length: u64,
    max: u64,
    /// Up to this length there was room when it was last asked.
    asked_up_to: u64,
    digest: Sha256,
}

impl CopyBeingMade {
    /// Begins a copy of a file that should have `expected` bytes, and may have `max`.
    pub(super) fn new(expected: Option<u64>, max: u64) -> Result<Self, Problem> {
        if expected.is_some_and(|expected| expected > max) {
            return Err(Problem::TooLarge(max));
        }
        files::room_for(expected.unwrap_or_default()).map_err(Problem::NoRoom)?;
        Ok(Self {
            file: tempfile::tempfile().map_err(Problem::Copy)?,
            length: 0,
            max,
            asked_up_to: STEP,
            digest: Sha256::new(),
        })
    }

    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.length += bytes.len() as u64;
        if self.length > self.max {
            return Err(Problem::TooLarge(self.max));
        }
        if self.length > self.asked_up_to {
            files::room_for(STEP).map_err(Problem::NoRoom)?;
            self.asked_up_to = self.length + STEP;
        }
        self.digest.update(bytes);
        self.file.write_all(bytes).map_err(Problem::Copy)
    }

    /// The copy, to be read from its start.
    pub(super) fn finish(mut self, modified: Option<Timestamp>) -> Result<Fetched, Problem> {
        self.file.seek(SeekFrom::Start(0)).map_err(Problem::Copy)?;
        Ok(Fetched {
            file: self.file,
            length: self.length,
            sha256: self.digest.finalize().into(),
            modified,
        })
    }
}

//! Where jobs are recorded.

use super::End;
use crate::event::Listener;
use crate::model::Calls;
use crate::upload::{Halt, UploadError};

/// Where jobs are recorded. Only the loop calls it, one call after the other.
pub(in crate::upload) trait Ledger<J> {
    /// A write of the job is about to go out.
    ///
    /// # Errors
    /// The journal cannot be written: the run ends.
    fn writes(&mut self, _job: &J) -> Result<(), UploadError> {
        Ok(())
    }

    /// An answer has brought the job further, and it is not over: what it has
    /// acknowledged is recorded before its next call goes out.
    ///
    /// # Errors
    /// The journal cannot be written: the run ends.
    fn advanced(&mut self, _job: &mut J) -> Result<(), UploadError> {
        Ok(())
    }

    /// The job is over.
    ///
    /// # Errors
    /// The run ends.
    fn ended(
        &mut self,
        job: J,
        end: End,
        calls: &Calls,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError>;

    /// Why nothing more is to be sent, if what has ended shows that.
    fn stops(&self) -> Option<Halt> {
        None
    }
}

impl<J, F> Ledger<J> for F
where
    F: FnMut(J, End, &Calls, &mut dyn Listener) -> Result<(), UploadError>,
{
    fn ended(
        &mut self,
        job: J,
        end: End,
        calls: &Calls,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError> {
        self(job, end, calls, listener)
    }
}

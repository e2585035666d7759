//! Intents before calls: what is about to be sent is on disk before it is.

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::SendError;

use super::UploadError;
use super::engine::End;
use super::recorder::RunRecorder;
use crate::journal::Intent;

/// A job whose intent is committed before its first call.
pub(super) trait Intended {
    /// What is about to be done.
    fn intent(&self) -> Intent;

    /// Whether something of it was done, or may have been: then its intent
    /// stays when the run ends first.
    fn may_have_applied(&self) -> bool;
}

/// Commits the intents of `jobs`, at most `ahead` at a time, and passes each job
/// on once its own is on disk. Returns `false` where the engine has halted and
/// takes no more: the intents of what it did not take are taken back.
///
/// # Errors
/// The journal cannot be written.
pub(super) async fn send_intended<J: Intended>(
    jobs: impl IntoIterator<Item = J>,
    ahead: usize,
    sender: &Sender<J>,
    recorder: &RunRecorder,
) -> Result<bool, UploadError> {
    let mut jobs = jobs.into_iter().peekable();
    while jobs.peek().is_some() {
        let chunk: Vec<_> = jobs.by_ref().take(ahead).collect();
        let intents = chunk.iter().map(Intended::intent).collect();
        recorder.writer.intend(recorder.run, intents).await?;
        let mut chunk = chunk.into_iter();
        while let Some(job) = chunk.next() {
            if let Err(SendError(job)) = sender.send(job).await {
                for job in std::iter::once(job).chain(chunk) {
                    recorder.take_back(&job, &End::Halted)?;
                }
                return Ok(false);
            }
        }
    }
    Ok(true)
}

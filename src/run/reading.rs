//! The feed is read again in a thread of its own, while its rows are sent or
//! asked about.

use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::RunError;
use crate::feed::FeedError;
use crate::plan::ScanError;
use crate::upload::Stop;

/// Lets `read` hand over what it reads, at most `ahead` pieces ahead, and
/// `consume` take it. What ended `consume` counts before what `read` says, whose
/// channel is closed because of it.
pub(super) fn read_while<T: Send, R>(
    ahead: usize,
    stop: &Stop,
    read: impl FnOnce(Sender<T>) -> Result<(), RunError> + Send,
    consume: impl FnOnce(Receiver<T>) -> Result<R, RunError>,
) -> Result<R, RunError> {
    std::thread::scope(|scope| {
        let (sender, receiver) = channel(ahead);
        let reader = std::thread::Builder::new()
            .spawn_scoped(scope, move || read(sender))
            .map_err(|source| FeedError::Threads { source })?;
        let consumed = consume(receiver);
        let read = match reader.join() {
            Ok(read) => read,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let consumed = consumed?;
        match read {
            Err(RunError::StoppedReading) if stop.is_requested() => Err(stop.why().into()),
            read => read.map(|()| consumed),
        }
    })
}

/// Hands a piece over.
pub(super) fn hand_over<T>(sender: &Sender<T>, piece: T) -> Result<(), RunError> {
    let sent = sender.blocking_send(piece);
    sent.map_err(|_| ScanError::Stopped.into())
}

//! Batches pass three stages that overlap: one thread fills them in the order
//! of the file, rayon's threads work on them, the calling thread takes the
//! results in the order of the file, each with its batch.
//!
//! # Invariants
//!
//! - Results are taken in the order in which batches were filled, and nothing
//!   is taken after an error.
//! - The number of batches in the world is fixed: a slow taker holds up the
//!   reader, so memory does not grow with the file.
//! - A panic in any stage reaches the caller as a panic; it never hangs.
//! - It may be called from a thread of the pool, and with a pool of one thread.

use std::any::Any;
use std::collections::BTreeMap;
use std::error::Error as _;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::Duration;

use super::{FeedError, Progress};

/// What the reading stage made of a batch.
pub(super) enum Filled {
    /// It holds records, or nothing but blank ones.
    Batch(Progress),
    /// The file has ended, and the batch holds nothing.
    End,
}

/// What becomes of one batch.
enum Parcel<B, T> {
    Done(B, T, Progress),
    End,
    Failed(FeedError),
    Panicked(Box<dyn Any + Send>),
}

/// Runs one pass; see the module.
pub(super) fn run<B, T, E>(
    mut fill: impl FnMut(&mut B) -> Result<Filled, FeedError> + Send,
    work: impl Fn(&mut B) -> T + Sync + Send,
    mut take: impl FnMut(&mut B, T, Progress) -> Result<(), E>,
) -> Result<(), E>
where
    B: Default + Send,
    T: Send,
    E: From<FeedError>,
{
    start_pool()?;
    // One batch is being filled, one taken, and each worker has one and finds
    // the next one waiting.
    let batches = 2 * rayon::current_num_threads() + 2;
    let stopped = AtomicBool::new(false);
    let (work, stopped) = (&work, &stopped);

    rayon::in_place_scope(|pool| {
        std::thread::scope(|threads| {
            let (free_sender, free) = channel::<B>();
            let (sender, parcels) = channel::<(u64, Parcel<B, T>)>();
            for _ in 0..batches {
                put(&free_sender, B::default());
            }

            let reader = std::thread::Builder::new();
            let reader = reader.spawn_scoped(threads, move || {
                // Ends when the taking side has gone: nobody gives batches back.
                for (number, mut batch) in (0_u64..).zip(free) {
                    let filled = catch_unwind(AssertUnwindSafe(|| fill(&mut batch)));
                    let last = match filled {
                        Ok(Ok(Filled::Batch(progress))) => {
                            let sender = sender.clone();
                            pool.spawn(move |_| {
                                if stopped.load(Ordering::Relaxed) {
                                    return;
                                }
                                let result = catch_unwind(AssertUnwindSafe(|| work(&mut batch)));
                                let parcel = match result {
                                    Ok(result) => Parcel::Done(batch, result, progress),
                                    Err(panic) => Parcel::Panicked(panic),
                                };
                                put(&sender, (number, parcel));
                            });
                            continue;
                        }
                        Ok(Ok(Filled::End)) => Parcel::End,
                        Ok(Err(error)) => Parcel::Failed(error),
                        Err(panic) => Parcel::Panicked(panic),
                    };
                    put(&sender, (number, last));
                    return;
                }
            });

            reader.map_err(|source| FeedError::Threads { source })?;
            let result = take_in_order(&parcels, &free_sender, &mut take);
            stopped.store(true, Ordering::Relaxed);
            // `free_sender` falls here, which ends a reader that waits for it.
            result.unwrap_or_else(|panic| resume_unwind(panic))
        })
    })
}

/// Starts rayon's threads, unless they are there: later it would panic where the
/// machine refuses one.
fn start_pool() -> Result<(), FeedError> {
    if rayon::current_thread_index().is_some() {
        return Ok(());
    }
    match rayon::ThreadPoolBuilder::new().build_global() {
        Ok(()) => Ok(()),
        Err(error) => {
            let source = error.source().and_then(|it| it.downcast_ref::<io::Error>());
            // Without one, the pool has been there before.
            source.map_or(Ok(()), |source| {
                let source = io::Error::from(source.kind());
                Err(FeedError::Threads { source })
            })
        }
    }
}

/// Hands results on in order and batches back, until the end, an error or a
/// panic of another stage.
fn take_in_order<B, T, E: From<FeedError>>(
    parcels: &Receiver<(u64, Parcel<B, T>)>,
    free: &Sender<B>,
    take: &mut impl FnMut(&mut B, T, Progress) -> Result<(), E>,
) -> Result<Result<(), E>, Box<dyn Any + Send>> {
    let mut early = BTreeMap::new();
    let mut next = 0;
    loop {
        let parcel = match early.remove(&next) {
            Some(parcel) => parcel,
            None => match receive(parcels) {
                Some((number, parcel)) if number == next => parcel,
                Some((number, parcel)) => {
                    early.insert(number, parcel);
                    continue;
                }
                // Every sender is gone, which only an end or a panic brings
                // about, and those are sent.
                None => return Ok(Ok(())),
            },
        };
        next += 1;
        match parcel {
            Parcel::Done(mut batch, result, progress) => {
                if let Err(error) = take(&mut batch, result, progress) {
                    return Ok(Err(error));
                }
                put(free, batch);
            }
            Parcel::End => return Ok(Ok(())),
            Parcel::Failed(error) => return Ok(Err(error.into())),
            Parcel::Panicked(panic) => return Err(panic),
        }
    }
}

/// The next message. On a thread of the pool, waiting would take that thread
/// from the very work that is waited for, so it works until there is one.
fn receive<M>(messages: &Receiver<M>) -> Option<M> {
    /// Only the rare call from inside the pool checks again this often.
    const PATIENCE: Duration = Duration::from_millis(1);
    if rayon::current_thread_index().is_none() {
        return messages.recv().ok();
    }
    loop {
        match messages.try_recv() {
            Ok(message) => return Some(message),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {}
        }
        if rayon::yield_now() != Some(rayon::Yield::Executed) {
            match messages.recv_timeout(PATIENCE) {
                Ok(message) => return Some(message),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// Sends to a stage that may have ended early; then the message is of no use.
fn put<M>(sender: &Sender<M>, message: M) {
    drop(sender.send(message));
}

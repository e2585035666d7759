//! How much of a message is read at a time, and altogether.
//!
//! The library holds some packets whole, and some of each kind: signatures, session keys,
//! padding. What it may read in one step is bounded here, so that memory is; and how much a
//! packet may unpack to.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What one step may read of each layer, in bytes: more than the library buffers, and a block
/// of BZip2.
const MAX_STEP: u64 = 8 << 20;

/// What may be before the content of a layer, in bytes: signatures, session keys for many
/// recipients.
const MAX_HEAD: u64 = 1 << 20;

/// The steps in which all layers of a message are read.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps(Arc<State>);

#[derive(Debug, Default)]
struct State {
    number: AtomicU64,
    is_head: AtomicBool,
    /// A layer has more than it may have altogether.
    is_too_long: AtomicBool,
}

impl Steps {
    /// Begins to read what is before the content of a layer.
    pub(super) fn head(&self) {
        self.next();
        self.0.is_head.store(true, Ordering::Relaxed);
    }

    /// Begins to read on in the content.
    pub(super) fn next(&self) {
        self.0.number.fetch_add(1, Ordering::Relaxed);
        self.0.is_head.store(false, Ordering::Relaxed);
    }

    /// Whether a layer has more than it may have.
    pub(super) fn is_too_long(&self) -> bool {
        self.0.is_too_long.load(Ordering::Relaxed)
    }
}

/// A layer that is read in steps.
#[derive(Debug)]
pub(super) struct Bounded<R> {
    inner: R,
    steps: Steps,
    step: u64,
    /// What this step may still read.
    left_of_step: u64,
    /// What may still be read altogether.
    left: u64,
}

impl<R: BufRead> Bounded<R> {
    /// `max` is what may be read altogether.
    pub(super) fn new(inner: R, steps: &Steps, max: u64) -> Self {
        Self {
            inner,
            steps: steps.clone(),
            step: u64::MAX,
            left_of_step: 0,
            left: max,
        }
    }

    /// Whether more follows.
    pub(super) fn has_more(&mut self) -> io::Result<bool> {
        Ok(!self.inner.fill_buf()?.is_empty())
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let state = &self.steps.0;
        let step = state.number.load(Ordering::Relaxed);
        if step != self.step {
            self.step = step;
            let is_head = state.is_head.load(Ordering::Relaxed);
            self.left_of_step = if is_head { MAX_HEAD } else { MAX_STEP };
        }
        let bytes = self.inner.fill_buf()?;
        let left = self.left_of_step.min(self.left);
        if left == 0 && !bytes.is_empty() {
            if self.left == 0 {
                state.is_too_long.store(true, Ordering::Relaxed);
            }
            return Err(io::Error::other("a part of the message is too long"));
        }
        let length = usize::try_from(left).unwrap_or(usize::MAX);
        Ok(bytes.get(..length).unwrap_or(bytes))
    }

    fn consume(&mut self, amount: usize) {
        self.left_of_step = self.left_of_step.saturating_sub(amount as u64);
        self.left = self.left.saturating_sub(amount as u64);
        self.inner.consume(amount);
    }
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

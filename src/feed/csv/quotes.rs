//! Which bytes are inside quotes, 64 at a time.

use super::step::below;

/// What two quotation marks in turn are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Twice {
    /// One of them, inside quotes.
    MeansOne,
    /// For other code to read.
    IsOdd,
}

/// The quotation marks of what begins as a record does, each a bit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quotes {
    twice: Twice,
    /// All bits if what follows is inside quotes, else none.
    open: u64,
    /// Whether the next byte has to be behind a cell, or the same mark again.
    has_to_end: u64,
}

impl Quotes {
    pub(super) const fn new(twice: Twice) -> Self {
        Self {
            twice,
            open: 0,
            has_to_end: 0,
        }
    }

    /// Whether what follows is inside quotes.
    #[inline]
    pub(super) const fn are_open(&self) -> bool {
        self.open != 0
    }

    /// Which of the bytes are inside quotes, the opening one among them, if each mark opens or
    /// closes.
    #[inline]
    pub(super) const fn inside(&self, marks: u64) -> u64 {
        let mut inside = marks;
        inside ^= inside << 1;
        inside ^= inside << 2;
        inside ^= inside << 4;
        inside ^= inside << 8;
        inside ^= inside << 16;
        inside ^= inside << 32;
        inside ^ self.open
    }

    /// Adds the bytes before `stop`. Cells have these `ends`, and one may begin with the first
    /// byte. Returns whether each mark is right before or right behind a whole cell, which
    /// ends at `stop` as well.
    #[inline]
    pub(super) fn add(&mut self, marks: u64, (ends, begins): (u64, bool), stop: u32) -> bool {
        let inside = self.inside(marks);
        let marks = marks & below(stop);
        let (opens, closes) = (marks & inside, marks & !inside);
        let behind = closes << 1 | self.has_to_end;
        let (mut may_open, mut may_follow) = (ends << 1 | u64::from(begins), ends);
        if self.twice == Twice::MeansOne {
            may_open |= behind;
            may_follow |= opens;
        }
        self.has_to_end = closes >> (u64::BITS - 1);
        if let Some(last) = stop.checked_sub(1) {
            self.open = 0_u64.wrapping_sub(inside >> last & 1);
        }
        opens & !may_open == 0 && behind & !may_follow & below(stop) == 0
    }
}

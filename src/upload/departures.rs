//! What went out lately, and whether one more may: the window of a second, as the
//! target sees it.
//!
//! Requests that leave a second apart arrive closer together if the first of them
//! is late. So a request counts for a second after it left, and for as much longer as
//! it may have been late ([`Lateness`]).
//!
//! # Invariants
//!
//! - As many requests count at once as fit in a second, at most. So no second in which
//!   requests arrive holds more, as long as [`Lateness`] is right.
//! - One that is not answered is as late as any other; one that never will be is as late
//!   as any can be.

use std::collections::VecDeque;
use std::time::Duration;

use super::lateness::{self, Kind, Lateness, Took};

const SECOND: Duration = Duration::from_secs(1);

/// A request that went out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Departure {
    number: u64,
    at: Duration,
}

/// The requests that count, in the order in which they went out. Instants are given from
/// outside, as the time since some fixed one.
#[derive(Debug)]
pub(super) struct Departures {
    /// How many may count at once.
    most: usize,
    gone: VecDeque<Gone>,
    /// The number of the first of these.
    first: u64,
    /// When the last one went out, whether or not it still counts.
    last: Option<Duration>,
    lateness: Lateness,
}

#[derive(Clone, Copy, Debug)]
struct Gone {
    at: Duration,
    answer: Answer,
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Awaited,
    Came(Took),
    /// Nobody waits for it any more.
    Never,
}

impl Departures {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            gone: VecDeque::new(),
            first: 0,
            last: None,
            lateness: Lateness::default(),
        }
    }

    /// Whether one more may go out now; or how long it waits at least, as far as is known.
    pub(super) fn admit(&mut self, now: Duration) -> Result<(), Duration> {
        while let Some(gone) = self.gone.front()
            && self.counts_until(gone) <= now
        {
            self.gone.pop_front();
            self.first += 1;
        }
        let mut counting = self.gone.len();
        if counting < self.most {
            return Ok(());
        }
        let mut next = None;
        for gone in &self.gone {
            if next.is_some_and(|next| gone.at + SECOND >= next) {
                // Neither this one nor a later one ends before.
                break;
            }
            let until = self.counts_until(gone);
            if until <= now {
                counting -= 1;
            } else {
                next = Some(next.map_or(until, |next: Duration| next.min(until)));
            }
        }
        match next {
            Some(next) if counting >= self.most => Err(next.saturating_sub(now)),
            _ => Ok(()),
        }
    }

    /// One goes out.
    pub(super) fn add(&mut self, now: Duration) -> Departure {
        let number = self.first + self.gone.len() as u64;
        let answer = Answer::Awaited;
        self.last = Some(now);
        self.gone.push_back(Gone { at: now, answer });
        Departure { number, at: now }
    }

    /// An answer of that kind came, or none ever will.
    pub(super) fn returned(&mut self, departure: Departure, kind: Option<Kind>, now: Duration) {
        let Departure { number, at } = departure;
        let answer = kind.map_or(Answer::Never, |kind| {
            Answer::Came(self.lateness.note(kind, now.saturating_sub(at), now))
        });
        let place = number.checked_sub(self.first);
        let place = place.and_then(|place| usize::try_from(place).ok());
        if let Some(gone) = place.and_then(|place| self.gone.get_mut(place)) {
            gone.answer = answer;
        }
    }

    /// When the last one went out.
    pub(super) const fn last(&self) -> Option<Duration> {
        self.last
    }

    /// How many went out in the last second.
    pub(super) fn lately(&self, now: Duration) -> usize {
        let is_late = |gone: &&Gone| gone.at + SECOND > now;
        self.gone.iter().rev().take_while(is_late).count()
    }

    fn counts_until(&self, gone: &Gone) -> Duration {
        let late = match gone.answer {
            Answer::Awaited => self.lateness.of_unanswered(),
            Answer::Came(took) => self.lateness.of(took),
            Answer::Never => lateness::MAX,
        };
        gone.at + SECOND + late
    }
}

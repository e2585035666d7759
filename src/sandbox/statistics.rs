//! Counts what arrived, so that a rehearsal or a test can say what was really
//! sent. Time is nanoseconds since the sandbox started, given from outside.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
};

use serde::Serialize;

const SECOND: u64 = 1_000_000_000;

/// A fault that was played. The names are those of `Faults`' fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Played {
    /// 429.
    RequestsPerSecond,
    /// 500 before acting.
    Errors,
    /// 503 before acting.
    Unavailable,
    /// Connection closed before acting.
    LostBefore,
    /// Connection closed after acting.
    LostAfter,
    /// Answer cut in half.
    Cut,
    /// A proxy's page.
    Garbage,
    /// Another person's record.
    WrongPerson,
    /// A slow answer.
    Slow,
    /// A refused person.
    Refuse,
    /// 503 since the sandbox is down.
    DownAfter,
}

impl Played {
    const ALL: [Self; 11] = [
        Self::RequestsPerSecond,
        Self::Errors,
        Self::Unavailable,
        Self::LostBefore,
        Self::LostAfter,
        Self::Cut,
        Self::Garbage,
        Self::WrongPerson,
        Self::Slow,
        Self::Refuse,
        Self::DownAfter,
    ];
}

/// The counts since the start, or since they were reset.
#[derive(Debug)]
pub(super) struct Statistics {
    requests: u64,
    keys_in_urls: u64,
    by_call: BTreeMap<&'static str, u64>,
    statuses: BTreeMap<u16, u64>,
    faults: BTreeMap<Played, u64>,
    /// When the requests of the last second arrived.
    arrivals: VecDeque<u64>,
    peak_per_second: usize,
    in_flight: u64,
    peak_in_flight: u64,
}

/// The counts as `GET /sandbox/stats` answers them.
#[derive(Debug, Serialize)]
pub(super) struct Counts<'a> {
    requests: u64,
    keys_in_urls: u64,
    by_call: &'a BTreeMap<&'static str, u64>,
    statuses: &'a BTreeMap<u16, u64>,
    peak_per_second: usize,
    peak_in_flight: u64,
    in_flight: u64,
    people: u64,
    faults: &'a BTreeMap<Played, u64>,
}

impl Statistics {
    pub(super) fn new() -> Self {
        Self {
            requests: 0,
            keys_in_urls: 0,
            by_call: BTreeMap::new(),
            statuses: BTreeMap::new(),
            faults: Played::ALL.into_iter().map(|played| (played, 0)).collect(),
            arrivals: VecDeque::new(),
            peak_per_second: 0,
            in_flight: 0,
            peak_in_flight: 0,
        }
    }

    /// Forgets everything but what is in flight.
    pub(super) fn reset(&mut self) {
        let in_flight = self.in_flight;
        drop(mem::replace(
            self,
            Self {
                in_flight,
                peak_in_flight: in_flight,
                ..Self::new()
            },
        ));
    }

    /// A request arrived. [`Self::leaves`] must follow.
    pub(super) fn arrives(&mut self, call: &'static str, now: u64) {
        self.requests += 1;
        *self.by_call.entry(call).or_default() += 1;
        while self
            .arrivals
            .front()
            .is_some_and(|&at| now.saturating_sub(at) >= SECOND)
        {
            self.arrivals.pop_front();
        }
        self.arrivals.push_back(now);
        self.peak_per_second = self.peak_per_second.max(self.arrivals.len());
        self.in_flight += 1;
        self.peak_in_flight = self.peak_in_flight.max(self.in_flight);
    }

    /// A request carried an API key in its URL.
    pub(super) fn has_key_in_url(&mut self) {
        self.keys_in_urls += 1;
    }

    /// A request was answered, or given up by the client.
    pub(super) fn leaves(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// An answer with this status is sent, whole or in part.
    pub(super) fn answered(&mut self, status: u16) {
        *self.statuses.entry(status).or_default() += 1;
    }

    /// A fault was played.
    pub(super) fn played(&mut self, fault: Played) {
        *self.faults.entry(fault).or_default() += 1;
    }

    /// The counts, to be written as JSON.
    pub(super) fn to_json(&self, people: u64) -> Counts<'_> {
        Counts {
            requests: self.requests,
            keys_in_urls: self.keys_in_urls,
            by_call: &self.by_call,
            statuses: &self.statuses,
            peak_per_second: self.peak_per_second,
            peak_in_flight: self.peak_in_flight,
            in_flight: self.in_flight,
            people,
            faults: &self.faults,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_reset_keeps_what_is_in_flight() {
        let mut statistics = Statistics::new();
        statistics.arrives("GET users/", 0);
        statistics.arrives("GET users/", 0);
        statistics.leaves();
        statistics.reset();
        let counts = statistics.to_json(0);
        assert_eq!(
            (counts.requests, counts.in_flight, counts.peak_in_flight),
            (0, 1, 1)
        );
        assert_eq!(counts.peak_per_second, 0);
    }

    proptest! {
        #[test]
        fn the_peak_is_the_fullest_second(gaps in prop::collection::vec(0..SECOND, 0..100)) {
            let mut statistics = Statistics::new();
            let mut now = 0;
            let mut times = Vec::new();
            for gap in gaps {
                now += gap;
                times.push(now);
                statistics.arrives("GET users/", now);
            }
            let fullest = times
                .iter()
                .map(|&from| times.iter().filter(|&&at| at >= from && at - from < SECOND).count())
                .max()
                .unwrap_or(0);
            prop_assert_eq!(statistics.to_json(0).peak_per_second, fullest);
        }
    }
}

//! Counts what arrived, so that a rehearsal or a test can say what was really
//! sent. Time is nanoseconds since the sandbox started, given from outside.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use super::faults::Fault;

/// One second.
pub(super) const SECOND: u64 = 1_000_000_000;

/// When the requests of the last second came.
#[derive(Debug, Default)]
pub(super) struct LastSecond(VecDeque<u64>);

impl LastSecond {
    /// The last second before `now`.
    pub(super) fn before(&mut self, now: u64) -> &mut VecDeque<u64> {
        let is_over = |&at: &u64| now.saturating_sub(at) >= SECOND;
        while self.0.front().is_some_and(is_over) {
            self.0.pop_front();
        }
        &mut self.0
    }
}

/// The counts since the start, or since they were reset, as
/// `GET /sandbox/stats` answers them.
#[derive(Debug, Default, Serialize)]
pub(super) struct Statistics {
    requests: u64,
    /// Requests with an API key in the URL.
    pub(super) keys_in_urls: u64,
    by_call: BTreeMap<String, u64>,
    statuses: BTreeMap<u16, u64>,
    peak_per_second: usize,
    peak_in_flight: u64,
    in_flight: u64,
    /// How many people there are when the counts are asked for.
    pub(super) people: u64,
    faults: BTreeMap<Fault, u64>,
    #[serde(skip)]
    arrivals: LastSecond,
}

impl Statistics {
    pub(super) fn new() -> Self {
        Self {
            faults: Fault::ALL.map(|fault| (fault, 0)).into(),
            ..Self::default()
        }
    }

    /// Forgets everything but what is in flight.
    pub(super) fn reset(&mut self) {
        *self = Self {
            in_flight: self.in_flight,
            peak_in_flight: self.in_flight,
            ..Self::new()
        };
    }

    /// A request arrived. [`Self::leaves`] must follow.
    pub(super) fn arrives(&mut self, call: String, now: u64) {
        self.requests += 1;
        *self.by_call.entry(call).or_default() += 1;
        let arrivals = self.arrivals.before(now);
        arrivals.push_back(now);
        self.peak_per_second = self.peak_per_second.max(arrivals.len());
        self.in_flight += 1;
        self.peak_in_flight = self.peak_in_flight.max(self.in_flight);
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
    pub(super) fn played(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_reset_keeps_what_is_in_flight() {
        let mut statistics = Statistics::new();
        statistics.arrives("GET users/".to_owned(), 0);
        statistics.arrives("GET users/".to_owned(), 0);
        statistics.leaves();
        statistics.reset();
        let counts = (
            statistics.requests,
            statistics.in_flight,
            statistics.peak_in_flight,
        );
        assert_eq!(counts, (0, 1, 1));
        assert_eq!(statistics.peak_per_second, 0);
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
                statistics.arrives("GET users/".to_owned(), now);
            }
            let fullest = times
                .iter()
                .map(|&from| times.iter().filter(|&&at| at >= from && at - from < SECOND).count())
                .max()
                .unwrap_or(0);
            prop_assert_eq!(statistics.peak_per_second, fullest);
        }
    }
}

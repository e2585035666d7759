//! The engine against a scripted target: hours in milliseconds.

use std::time::Duration;

use self::scripted::{Answer, Happened, Ran, Rig, Work};
use super::End;
use crate::retry::{Fatal, NoAnswer};

mod alone;
mod any_job;
mod ends;
mod limits;
mod lost;
mod outage;
mod property;
mod read_back;
mod rekey;
mod scripted;
mod waits;

const SECOND: Duration = Duration::from_secs(1);

fn writes(names: impl IntoIterator<Item = &'static str>) -> Vec<Work> {
    names.into_iter().map(Work::writes).collect()
}

fn reads(count: usize) -> Vec<Work> {
    (0..count).map(|n| Work::reads(format!("P{n}"))).collect()
}

fn many_writes(count: usize) -> Vec<Work> {
    (0..count).map(|n| Work::writes(format!("P{n}"))).collect()
}

impl Ran {
    fn ended(&self, end: &End) -> usize {
        let is_so = |happened: &Happened| matches!(happened, Happened::Ended(_, how) if how == end);
        self.happened
            .iter()
            .filter(|(_, happened)| is_so(happened))
            .count()
    }

    fn given_up(&self) -> usize {
        let is_so = |happened: &Happened| matches!(happened, Happened::Ended(_, End::GaveUp(_)));
        self.happened
            .iter()
            .filter(|(_, happened)| is_so(happened))
            .count()
    }

    /// When each call went out.
    fn calls_at(&self) -> Vec<Duration> {
        let called = |(at, happened): &(Duration, Happened)| {
            matches!(happened, Happened::Called(..)).then_some(*at)
        };
        self.happened.iter().filter_map(called).collect()
    }

    /// Calls in each second.
    fn calls_by_second(&self) -> Vec<usize> {
        let mut seconds = Vec::new();
        for at in self.calls_at() {
            let second = usize::try_from(at.as_secs()).unwrap();
            seconds.resize(seconds.len().max(second + 1), 0);
            seconds[second] += 1;
        }
        seconds
    }
}

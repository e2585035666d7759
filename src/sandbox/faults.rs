//! What goes wrong in a sandbox, and when.
//!
//! [`Faults`] says how often, [`Dice`] draws the fate of one request. The
//! same seed and the same faults give the same draws, whatever the requests
//! are: each request takes the same number of draws.

use std::{collections::BTreeMap, time::Duration};

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    api::{Logins, Twist},
    statistics::{LastSecond, SECOND},
};

/// What goes wrong, and how often. The default is nothing.
///
/// A probability lies between 0 and 1 and holds for each request. In JSON a
/// duration is a number of seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// More than this many requests in any one second are answered with 429
    /// and `Retry-After`. Requests that were turned away do not count.
    pub requests_per_second: Option<u32>,
    /// Answers 429 with `Retry-After: 0` without acting, whatever the rate.
    pub throttled: f64,
    /// `Retry-After` is a date by the clock of the LMS, where it is more than 0.
    pub dated_waits: bool,
    /// How long the sandbox waits before it acts.
    #[serde(with = "seconds")]
    pub latency: Duration,
    /// Up to this much is added to the latency.
    #[serde(with = "seconds")]
    pub latency_jitter: Duration,
    /// That many requests are worked on at once, each for its latency; others
    /// wait for one of them to end.
    pub capacity: Option<u32>,
    /// Answers 500 without acting.
    pub errors: f64,
    /// Answers 503 with `Retry-After: 1` without acting.
    pub unavailable: f64,
    /// Closes the connection without acting.
    pub lost_before: f64,
    /// Acts, then closes the connection without an answer.
    pub lost_after: f64,
    /// Closes the connection without an answer, and acts `late_for` after that: calls
    /// that change something.
    pub late: f64,
    /// How late a call is acted upon that is late.
    #[serde(with = "seconds")]
    pub late_for: Duration,
    /// Acts, then closes the connection in the middle of the answer's body.
    /// An answer without a body is not sent at all.
    pub cut: f64,
    /// Acts or does not (a coin decides), then answers with a proxy's HTML
    /// page and status 200 or 502 (another coin).
    pub garbage: f64,
    /// Acts, but answers with the record of another person: wherever an API
    /// answers with the record of one person.
    pub wrong_person: f64,
    /// Acts, and waits for `slow_for` before it answers.
    pub slow: f64,
    /// How long a slow answer takes.
    #[serde(with = "seconds")]
    pub slow_for: Duration,
    /// Answers 400 without acting, with an error that quotes the person's
    /// e-mail address: creates and updates.
    pub refuse: f64,
    /// Answers each change of the person with that external ID with that status,
    /// without acting: 300 to 599. A 429 has `Retry-After: 1`.
    pub odd_rows: BTreeMap<String, u16>,
    /// Answers each change of anybody with 422 and these words, without acting.
    pub refuse_all: Option<String>,
    /// Creates the person a second time: on KMI with the same external ID and
    /// login, on aNewSpring with the same login and without an external ID.
    pub twins: f64,
    /// Lets several people have one login.
    pub shared_logins: bool,
    /// How far the clock of the LMS is ahead, in seconds; below 0 it is behind.
    /// It dates answers and people.
    pub clock_skew: i32,
    /// The account behind the key has lost sight of the people with the numbers up
    /// to this one: lists leave them out, calls about them are answered 404, and
    /// others can be created with their external IDs and logins.
    pub lost_sight: u32,
    /// Look-ups by external ID do not show people who were created less than this
    /// ago.
    #[serde(with = "seconds")]
    pub lag: Duration,
    /// Look-ups by external ID show nobody.
    pub blind_look_ups: bool,
    /// Shows only the first people of a list or of a page of it, fifty at most.
    pub short_lists: f64,
    /// What lists show.
    pub lists: Lists,
    /// After this many requests that were not turned away, the sandbox goes
    /// down once: it answers 503 for `down_for`.
    pub down_after: Option<u64>,
    /// How long the sandbox stays down.
    #[serde(with = "seconds")]
    pub down_for: Duration,
}

impl Faults {
    /// Says what makes no sense, if anything.
    pub(super) fn check(&self) -> Result<(), String> {
        let probabilities = [
            ("throttled", self.throttled),
            ("errors", self.errors),
            ("unavailable", self.unavailable),
            ("lost_before", self.lost_before),
            ("lost_after", self.lost_after),
            ("late", self.late),
            ("cut", self.cut),
            ("short_lists", self.short_lists),
            ("garbage", self.garbage),
            ("wrong_person", self.wrong_person),
            ("slow", self.slow),
            ("refuse", self.refuse),
            ("twins", self.twins),
        ];
        for (name, probability) in probabilities {
            if !(0.0..=1.0).contains(&probability) {
                return Err(format!(
                    "`{name}` is {probability}, but a probability is between 0 and 1"
                ));
            }
        }
        let mut odd = self.odd_rows.iter();
        if let Some((id, status)) = odd.find(|(_, it)| !(300..600).contains(*it)) {
            return Err(format!(
                "`odd_rows` has {status} for `{id}`, but such a status is from 300 to 599"
            ));
        }
        if self.capacity == Some(0) {
            return Err("`capacity` is 0, so no request would ever be answered".to_owned());
        }
        let durations = [
            ("latency", self.latency),
            ("latency_jitter", self.latency_jitter),
            ("slow_for", self.slow_for),
            ("late_for", self.late_for),
            ("lag", self.lag),
            ("down_for", self.down_for),
        ];
        for (name, duration) in durations {
            if duration > LONGEST {
                return Err(format!(
                    "`{name}` is {} seconds, but the maximum is one day ({} seconds)",
                    duration.as_secs_f64(),
                    LONGEST.as_secs()
                ));
            }
        }
        Ok(())
    }

    /// These faults with the fields of a JSON object put over them.
    pub(super) fn patched(&self, json: &[u8]) -> Result<Self, String> {
        let patch: Map<String, Value> = serde_json::from_slice(json)
            .map_err(|error| format!("the body is not a JSON object: {error}"))?;
        let Ok(Value::Object(mut all)) = serde_json::to_value(self) else {
            return Err("the faults in force cannot be written as JSON".to_owned());
        };
        all.extend(patch);
        let faults: Self =
            serde_json::from_value(Value::Object(all)).map_err(|error| error.to_string())?;
        faults.check()?;
        Ok(faults)
    }
}

/// What lists show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lists {
    /// Everybody.
    #[default]
    Whole,
    /// Nobody.
    Empty,
    /// Everybody, without external IDs.
    Nameless,
}

/// The longest wait, so that adding durations to a point in time cannot
/// overflow.
const LONGEST: Duration = Duration::from_hours(24);

mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(duration.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds)
            .map_err(|_| D::Error::custom(format!("{seconds} is not a number of seconds")))
    }
}

/// A fault that is played. Its name is that of the field of [`Faults`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fault {
    RequestsPerSecond,
    Throttled,
    Errors,
    Unavailable,
    LostBefore,
    LostAfter,
    Late,
    Cut,
    Garbage,
    WrongPerson,
    Slow,
    Refuse,
    OddRows,
    RefuseAll,
    Twins,
    LostSight,
    Lag,
    ShortLists,
    DownAfter,
}

impl Fault {
    pub(super) const ALL: [Self; 19] = [
        Self::RequestsPerSecond,
        Self::Throttled,
        Self::Errors,
        Self::Unavailable,
        Self::LostBefore,
        Self::LostAfter,
        Self::Late,
        Self::Cut,
        Self::Garbage,
        Self::WrongPerson,
        Self::Slow,
        Self::Refuse,
        Self::OddRows,
        Self::RefuseAll,
        Self::Twins,
        Self::LostSight,
        Self::Lag,
        Self::ShortLists,
        Self::DownAfter,
    ];
}

/// What is done with a request that was admitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fate {
    /// How long to wait before acting.
    pub(super) latency: Duration,
    /// What happens in place of acting.
    pub(super) instead: Option<Fault>,
    /// What the API plays.
    pub(super) twist: Twist,
    /// How long to wait after acting.
    pub(super) slow: Option<Duration>,
    /// What happens to the answer.
    pub(super) spoiled: Option<Fault>,
    /// The connection is closed at once, and the call acted upon so much later.
    pub(super) late: Option<Duration>,
    /// With [`Fault::Garbage`]: the call is not acted upon.
    pub(super) is_idle: bool,
    /// With [`Fault::Garbage`]: the page has status 502, not 200.
    pub(super) is_bad_gateway: bool,
}

/// Why a request was turned away at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TurnedAway {
    /// Too many in one second: 429.
    TooFast {
        /// How long until one is admitted again, in whole seconds.
        retry_after: u64,
    },
    /// The sandbox is down: 503.
    Down,
}

/// Decides the fate of requests.
///
/// Time is nanoseconds since the sandbox started, given from outside.
#[derive(Debug)]
pub(super) struct Dice {
    faults: Faults,
    rng: Rng,
    /// The requests that were admitted.
    admitted: LastSecond,
    /// Requests since `down_after` was set.
    since_armed: u64,
    /// Until when the sandbox is down.
    down_until: Option<u64>,
    /// When each request that is being worked on is over, where the capacity
    /// is bounded.
    busy_until: Vec<u64>,
}

impl Dice {
    pub(super) fn new(faults: Faults, rng: Rng) -> Self {
        Self {
            faults,
            rng,
            admitted: LastSecond::default(),
            since_armed: 0,
            down_until: None,
            busy_until: Vec::new(),
        }
    }

    /// The faults in force.
    pub(super) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Puts other faults in force. The count for `down_after` starts again,
    /// and a sandbox that is down comes up.
    pub(super) fn set(&mut self, faults: Faults) {
        self.faults = faults;
        self.since_armed = 0;
        self.down_until = None;
    }

    /// Decides the fate of a request that arrived at `now`.
    pub(super) fn throw(&mut self, now: u64) -> Result<Fate, TurnedAway> {
        self.admit(now)?;
        if let Some(after) = self.faults.down_after {
            if self.since_armed == after {
                let down_for = u64::try_from(self.faults.down_for.as_nanos()).unwrap_or(u64::MAX);
                self.down_until = Some(now.saturating_add(down_for));
            }
            self.since_armed = self.since_armed.saturating_add(1);
            if self.down_until.is_some_and(|until| now < until) {
                return Err(TurnedAway::Down);
            }
        }
        let mut fate = self.draw();
        if let Some(capacity) = self.faults.capacity {
            fate.latency = self.queue(capacity, fate.latency, now);
        }
        Ok(fate)
    }

    /// Takes the place that is free first. Returns the latency with the wait
    /// for it.
    fn queue(&mut self, capacity: u32, latency: Duration, now: u64) -> Duration {
        self.busy_until.retain(|&until| until > now);
        let begins = match self
            .busy_until
            .iter()
            .enumerate()
            .min_by_key(|(_, until)| **until)
        {
            Some((place, &until)) if self.busy_until.len() >= capacity as usize => {
                self.busy_until.swap_remove(place);
                until
            }
            _ => now,
        };
        let latency = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        let ends = begins.saturating_add(latency);
        self.busy_until.push(ends);
        Duration::from_nanos(ends - now)
    }

    fn admit(&mut self, now: u64) -> Result<(), TurnedAway> {
        let Some(most) = self.faults.requests_per_second else {
            return Ok(());
        };
        let admitted = self.admitted.before(now);
        if admitted.len() < most as usize {
            admitted.push_back(now);
            return Ok(());
        }
        let oldest = admitted.front().copied().unwrap_or(now);
        let wait = (oldest + SECOND).saturating_sub(now);
        Err(TurnedAway::TooFast {
            retry_after: wait.div_ceil(SECOND).max(1),
        })
    }

    fn draw(&mut self) -> Fate {
        let faults = &self.faults;
        let rng = &mut self.rng;
        // Every request takes the same draws in the same order, so that the
        // fate of the tenth does not depend on the fate of the first.
        let mut hit = |probability: f64| rng.f64() < probability;
        let lost_before = hit(faults.lost_before);
        let unavailable = hit(faults.unavailable);
        let errors = hit(faults.errors);
        let refuse = hit(faults.refuse);
        let wrong_person = hit(faults.wrong_person);
        let slow = hit(faults.slow);
        let lost_after = hit(faults.lost_after);
        let cut = hit(faults.cut);
        let garbage = hit(faults.garbage);
        let acted = hit(0.5);
        let ok = hit(0.5);
        let pick = rng.u32(..);
        let latency = faults.latency + faults.latency_jitter.mul_f64(rng.f64());
        // Faults without a draw of their own, which would change all others.
        let of_pick = |pick: u32, share: f64| f64::from(pick) < share * 4_294_967_296.0;
        let throttled = of_pick(pick.reverse_bits(), faults.throttled);
        let first = |faults: &[(bool, Fault)]| {
            let hit = faults.iter().find(|(is_hit, _)| *is_hit);
            hit.map(|(_, fault)| *fault)
        };
        let spoiled = first(&[
            (lost_after, Fault::LostAfter),
            (cut, Fault::Cut),
            (garbage, Fault::Garbage),
        ]);
        let is_garbage = spoiled == Some(Fault::Garbage);
        // Without draws of their own, which would change all others.
        let also =
            |number: u32, probability: f64| f64::from(number) < probability * 4_294_967_296.0;
        Fate {
            latency,
            instead: first(&[
                (lost_before, Fault::LostBefore),
                (throttled, Fault::Throttled),
                (unavailable, Fault::Unavailable),
                (errors, Fault::Errors),
            ]),
            twist: Twist {
                refuse,
                wrong_person,
                pick,
                twins: also(pick, faults.twins),
                lists: faults.lists,
                list_at_most: also(pick.rotate_left(8), faults.short_lists)
                    .then_some(1 + pick.rotate_left(24) as usize % 50),
                hidden_from: faults.blind_look_ups.then_some(0),
                logins: if faults.shared_logins {
                    Logins::Shared
                } else {
                    Logins::Unique
                },
                clock_skew: faults.clock_skew,
                lost_sight: faults.lost_sight,
            },
            slow: slow.then_some(faults.slow_for),
            late: also(pick.rotate_left(16), faults.late).then_some(faults.late_for),
            spoiled,
            is_idle: is_garbage && !acted,
            is_bad_gateway: is_garbage && !ok,
        }
    }
}

#[cfg(test)]
#[path = "faults_tests.rs"]
mod tests;

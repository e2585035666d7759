//! One rate for all runs of this machine on one host: `share_rate`.
//!
//! A small file for each host says when the next request may go out. A run
//! that sends locks it for a moment and takes the places of the next milliseconds;
//! places that are not used are lost. The system releases the lock of a process
//! that is killed.
//!
//! # Invariants
//!
//! - All runs together keep the lowest of their rates, in any one second.
//! - What one run is asked to wait holds them all.
//! - No run waits for the lock: it asks again a little later.
//!
//! The clock is the wall clock, the only one that all processes read alike. If it
//! jumps, a run waits for a second at most.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use url::Url;

use crate::clock;

/// For so long a place is good that was taken together with others.
const BATCH: Duration = Duration::from_millis(10);

/// So much of a late wake-up is made up for.
const LATE: i64 = 5_000;

/// How much longer than a second a second is. A place may be used late by [`BATCH`]
/// and [`LATE`], and a request may arrive a little later than another.
const MARGIN: f64 = 1.05;

/// The window, in microseconds.
const WINDOW: i64 = 1_050_000;

/// A run that has not sent for so long has no say in the rate, in microseconds.
const ACTIVE: i64 = 30_000_000;

/// When to ask again for a lock that somebody else holds for a moment.
const LOCKED: Duration = Duration::from_millis(2);

/// How often the lock is asked for where no later request would bring it: each time
/// others get the processor, and a hundred attempts can take a second on a busy machine.
const TRIES: u32 = 20;

/// More than this between two looks at both clocks is a jump, in microseconds.
const JUMP: i64 = 100_000;

/// The rate that runs share cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep the rate that runs share in `{}`: {source}", path.display())]
pub struct SharedRateError {
    /// The file.
    path: PathBuf,
    source: io::Error,
}

/// What the file of a host says. Instants are microseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Places {
    /// When the next request may go out.
    next: i64,
    /// Nothing goes out from the one to the other.
    held: Option<(i64, i64)>,
    runs: Vec<Sharer>,
}

/// A run that shares the rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Sharer {
    id: u64,
    rate: f64,
    /// When it last asked.
    seen: i64,
}

impl Places {
    /// Takes at most `wanted` places, which are good from `now` on for [`BATCH`];
    /// or says when to ask again.
    fn take(&mut self, me: Sharer, wanted: u32) -> Result<u32, Duration> {
        let now = me.seen;
        self.runs.retain(|run| {
            run.id != me.id && now.saturating_sub(run.seen).saturating_abs() < ACTIVE
        });
        self.runs.push(me);
        let rate = self.runs.iter().map(|run| run.rate).fold(me.rate, f64::min);
        // Of 2.5 a second, two go out in any one second.
        let rate = if rate >= 1.0 { rate.floor() } else { rate };
        let period = MARGIN * 1e6 / rate;
        if let Some((since, until)) = &mut self.held {
            if now < *since {
                // The clock was set back.
                (*since, *until) = (now, now.saturating_add(until.saturating_sub(*since)));
            }
            if now < *until {
                return Err(microseconds(until.saturating_sub(now)));
            }
            self.held = None;
        }
        // No more than one period or window ahead, unless the clock was set back.
        self.next = self.next.min(now + WINDOW.max(whole(period)));
        if self.next > now {
            return Err(microseconds(self.next - now));
        }
        let most = whole(rate * BATCH.as_secs_f64()).max(1);
        let places = i64::from(wanted).clamp(1, most);
        self.next = self.next.max(now - LATE) + whole((places as f64 * period).ceil());
        Ok(u32::try_from(places).unwrap_or(1))
    }

    /// Holds everybody from `now` on.
    fn hold(&mut self, now: i64, wait: Duration) {
        let until = now.saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX));
        if self.held.is_none_or(|(_, before)| before < until) {
            self.held = Some((now, until));
        }
    }
}

fn microseconds(count: i64) -> Duration {
    Duration::from_micros(u64::try_from(count).unwrap_or(0)) + Duration::from_micros(1)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "rates and periods that a mapping can have"
)]
fn whole(number: f64) -> i64 {
    number as i64
}

/// The part of one run in the rate of a host.
#[derive(Debug)]
pub(super) struct SharedRate {
    path: PathBuf,
    id: u64,
    rate: f64,
    /// Places that were taken and not used.
    places: u32,
    /// Until when they are good.
    good_until: Instant,
    /// Both clocks when they were last looked at.
    clocks: (i64, Instant),
    /// A hold that the file does not know yet, and until when.
    to_hold: Option<Instant>,
    is_shared: bool,
    /// Why the file cannot be used any more: the run goes on alone.
    lost: Option<String>,
}

impl SharedRate {
    /// Takes part in the rate of the host of `base_url`, as one that may send `per_second`
    /// requests a second.
    ///
    /// # Errors
    /// The file in `folder` cannot be written.
    pub(super) fn new(
        folder: &Path,
        base_url: &Url,
        per_second: f64,
        id: u64,
    ) -> Result<Self, SharedRateError> {
        let path = folder.join(file_name(base_url));
        let created = std::fs::create_dir_all(folder).and_then(|()| open(&path));
        match created {
            Ok(_) => Ok(Self {
                path,
                id,
                rate: per_second,
                places: 0,
                good_until: Instant::now(),
                clocks: (now(), Instant::now()),
                to_hold: None,
                is_shared: false,
                lost: None,
            }),
            Err(source) => Err(SharedRateError { path, source }),
        }
    }

    /// Takes a place for a request that goes out now, of a run that sends `per_second`
    /// by itself; or says when to ask again.
    pub(super) fn take(&mut self, per_second: f64) -> Result<(), Duration> {
        let has_place = self.places > 0 && Instant::now() < self.good_until;
        if has_place || self.lost.is_some() {
            self.places = self.places.saturating_sub(1);
            return Ok(());
        }
        let wanted = whole(per_second * BATCH.as_secs_f64()).max(1);
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        let granted = self.with_places(1, |places, me, jumped| {
            if jumped {
                // What was sent before the jump is nearer than it seems.
                places.next = places.next.max(me.seen + WINDOW);
            }
            let granted = places.take(me, wanted);
            (granted, places.runs.len() > 1)
        });
        match granted {
            Ok(Some((granted, is_shared))) => {
                self.is_shared |= is_shared;
                self.places = granted? - 1;
                self.good_until = Instant::now() + BATCH;
                Ok(())
            }
            Ok(None) => Err(LOCKED),
            Err(error) => {
                self.lost = Some(error.to_string());
                Ok(())
            }
        }
    }

    /// The target has asked to wait: all runs do.
    pub(super) fn hold(&mut self, wait: Duration) {
        self.places = 0;
        self.to_hold = Some(Instant::now() + wait);
        // If the file stays locked, the next request brings it there.
        let _later = self.with_places(TRIES, |_, _, _| ());
    }

    /// Whether another run has shared the rate.
    pub(super) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Why the rate is not shared any more.
    pub(super) fn lost(&self) -> Option<&str> {
        self.lost.as_deref()
    }

    /// Changes what the file says, or leaves it if somebody else has it each time.
    fn with_places<R>(
        &mut self,
        times: u32,
        change: impl FnOnce(&mut Places, Sharer, bool) -> R,
    ) -> io::Result<Option<R>> {
        if self.lost.is_some() {
            return Ok(None);
        }
        // By its path each time: a file that was swept away is written again.
        let mut file = open(&self.path)?;
        for left in (0..times).rev() {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if left == 0 => return Ok(None),
                Err(TryLockError::WouldBlock) => std::thread::yield_now(),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        let mut bytes = Vec::new();
        (&mut file).take(1 << 16).read_to_end(&mut bytes)?;
        let seen = now();
        // What a killed process left half written: the second may be used up.
        let mut places = serde_json::from_slice(&bytes).unwrap_or_else(|_| Places {
            next: if bytes.is_empty() { 0 } else { seen + WINDOW },
            ..Places::default()
        });
        let clocks = (seen, Instant::now());
        let elapsed = clocks.1.saturating_duration_since(self.clocks.1);
        let elapsed = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX);
        let jumped = seen - self.clocks.0 > elapsed.saturating_add(JUMP);
        self.clocks = clocks;
        if let Some(until) = self.to_hold.take() {
            places.hold(seen, until.saturating_duration_since(clocks.1));
        }
        let me = Sharer {
            id: self.id,
            rate: self.rate,
            seen,
        };
        let changed = change(&mut places, me, jumped);
        let bytes = serde_json::to_vec(&places)?;
        file.rewind()?;
        file.write_all(&bytes)?;
        file.set_len(bytes.len() as u64)?;
        file.unlock()?;
        Ok(Some(changed))
    }
}

impl Drop for SharedRate {
    fn drop(&mut self) {
        // Others go on at their own rate at once, not only when this one is forgotten.
        let _forgotten_later = self.with_places(TRIES, |places, me, _| {
            places.runs.retain(|run| run.id != me.id);
        });
    }
}

fn now() -> i64 {
    clock::now().as_microsecond()
}

/// The file of a host: one for each port.
fn file_name(base_url: &Url) -> String {
    let host = base_url.host_str().unwrap_or_default();
    let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-');
    let host: String = (host.chars())
        .map(|char| if plain(char) { char } else { '_' })
        .collect();
    let port = base_url.port_or_known_default().unwrap_or_default();
    format!("rate-{host}-{port}.json")
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000;
    const START: i64 = 1_700_000_000 * SECOND;

    fn sharer(id: u64, rate: f64, seen: i64) -> Sharer {
        Sharer { id, rate, seen }
    }

    /// The fullest second.
    fn most(sent: &mut [i64]) -> usize {
        sent.sort_unstable();
        let within = |from: i64| {
            let second = from..=from + SECOND;
            sent.iter().filter(|at| second.contains(at)).count()
        };
        sent.iter().map(|from| within(*from)).max().unwrap_or(0)
    }

    proptest! {
        #[test]
        fn no_second_holds_more_than_the_lowest_rate_however_many_share_it(
            rates in prop::collection::vec(1.0..400.0_f64, 1..5),
            asks in prop::collection::vec(
                (0..5_usize, 0..30_000_i64, prop::collection::vec(0..10_000_i64, 4)),
                1..400,
            ),
        ) {
            let lowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
            let mut places = Places::default();
            let mut now = START;
            // All of them are there from the beginning.
            for (id, rate) in rates.iter().enumerate() {
                let _taken = places.take(sharer(id as u64, *rate, now - 2 * SECOND), 1);
            }
            let mut sent = Vec::new();
            for (who, wait, late) in asks {
                now += wait;
                let who = who % rates.len();
                if let Ok(taken) = places.take(sharer(who as u64, rates[who], now), 4) {
                    let used = late.iter().take(taken as usize);
                    sent.extend(used.map(|late| now + late));
                }
            }
            let most = most(&mut sent);
            prop_assert!(most as f64 <= lowest, "{most} at {lowest}");
        }
    }

    #[test]
    fn two_that_always_want_use_the_whole_rate() {
        for rate in [5.0, 50.0, 2000.0] {
            let mut places = Places::default();
            let mut sent = [0_u32; 2];
            let mut now = START;
            let mut ready = [START; 2];
            while now < START + 10 * SECOND {
                let who = usize::from(ready[1] < ready[0]);
                now = ready[who];
                match places.take(sharer(who as u64, rate, now), 1000) {
                    Ok(taken) => {
                        sent[who] += taken;
                        // Half a millisecond for what was sent.
                        ready[who] += 500;
                    }
                    Err(wait) => ready[who] += i64::try_from(wait.as_micros()).unwrap() + 300,
                }
            }
            let share = f64::from(sent.iter().sum::<u32>()) / (10.0 * rate);
            assert!((0.93..=1.0).contains(&share), "{share} of {rate}: {sent:?}");
        }
    }

    #[test]
    fn a_run_that_was_killed_is_forgotten_and_its_rate_with_it() {
        let mut places = Places::default();
        places.take(sharer(1, 1.0, START), 1).unwrap();
        let wait = places.take(sharer(2, 100.0, START + 1), 1).unwrap_err();
        assert!(wait > Duration::from_secs(1), "{wait:?}");
        let later = START + ACTIVE + SECOND;
        places.take(sharer(2, 100.0, later), 1).unwrap();
        assert_eq!(places.runs.len(), 1);
        assert_eq!(places.next, later - LATE + 10_500);
    }

    #[test]
    fn what_one_is_asked_to_wait_holds_the_others() {
        let mut places = Places::default();
        places.take(sharer(1, 100.0, START), 1).unwrap();
        places.hold(START, Duration::from_secs(7));
        places.hold(START, Duration::from_secs(2));
        let wait = places
            .take(sharer(2, 100.0, START + SECOND), 1)
            .unwrap_err();
        assert_eq!(wait.as_secs(), 6);
        places
            .take(sharer(2, 100.0, START + 7 * SECOND), 1)
            .unwrap();
        // A clock that is set back an hour makes it no hour longer.
        places.hold(START, Duration::from_secs(7));
        let wait = places
            .take(sharer(2, 100.0, START - 3600 * SECOND), 1)
            .unwrap_err();
        assert_eq!(wait.as_secs(), 7);
    }

    #[test]
    fn a_clock_that_is_set_back_costs_a_second() {
        let mut places = Places::default();
        places.take(sharer(1, 100.0, START), 1).unwrap();
        let wait = places
            .take(sharer(1, 100.0, START - 3600 * SECOND), 1)
            .unwrap_err();
        assert!(wait <= Duration::from_millis(1051), "{wait:?}");
    }

    #[test]
    fn whatever_the_file_says_a_run_goes_on_and_writes_it_anew() {
        let folder = tempfile::tempdir().unwrap();
        let url = Url::parse("https://[::1]:8443/lms").unwrap();
        let path = folder.path().join("rate-___1_-8443.json");
        for text in [
            "",
            "{",
            "[]",
            "{\"next\": -5}",
            "{\"next\": 9223372036854775807}",
            "\u{0}",
        ] {
            std::fs::write(&path, text).unwrap();
            let mut rate = SharedRate::new(folder.path(), &url, 100.0, 1).unwrap();
            if let Err(wait) = rate.take(100.0) {
                assert!(wait <= Duration::from_millis(1051), "{text}: {wait:?}");
            }
            assert_eq!(rate.lost(), None, "{text}");
            let written: Places = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            assert_eq!(written.runs.len(), 1, "{text}");
            drop(rate);
            let written: Places = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            assert_eq!(written.runs, [], "{text}");
        }
    }

    #[test]
    fn a_locked_file_is_asked_for_again_and_one_that_is_gone_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let url = Url::parse("https://lms.example.com").unwrap();
        let mut rate = SharedRate::new(folder.path(), &url, 100.0, 1).unwrap();
        let path = folder.path().join("rate-lms.example.com-443.json");
        let file = open(&path).unwrap();
        file.lock().unwrap();
        assert_eq!(rate.take(100.0), Err(LOCKED));
        rate.hold(Duration::from_mins(1));
        file.unlock().unwrap();
        let taken = rate.take(100.0);
        let is_held = taken.is_err_and(|wait| wait > Duration::from_secs(30));
        assert!(is_held, "{taken:?}: {rate:?}");
        std::fs::remove_file(&path).unwrap();
        // A new file knows of no hold: the engine of this run does.
        assert_eq!(rate.take(100.0), Ok(()));
        assert!(path.exists());
    }
}

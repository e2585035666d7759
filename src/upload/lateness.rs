//! How late a request may have arrived, as its answer shows.
//!
//! Between departure and answer are the way there, the target's work and the way
//! back. The fastest answer of a kind had the least of all three. One that took
//! longer than that may have lost all of it on the way there, or before it left: so
//! much later than others it may have arrived, and no more.
//!
//! # Invariants
//!
//! - An answer is held against answers to the same call with the same status alone: the
//!   target's work on others takes another time.
//! - Before a kind has [`ENOUGH`] answers, the whole time to an answer may have been
//!   the way there.
//! - A target that works slowly costs no more than [`MAX`] a request.

use std::time::Duration;

/// What an answer is like others of: the call by its name, and the status.
pub(super) type Kind = (&'static str, u16);

/// No request is taken to be later than this. A network's delay varies by less, and
/// what takes longer is the target's work.
pub(super) const MAX: Duration = Duration::from_millis(250);

/// From this number of answers of a kind on, the fastest of them says something.
const ENOUGH: u32 = 40;

/// The fastest answer may not have been the fastest possible: this number of standard
/// errors of the time that answers take above it is allowed for, and a little for clocks.
const ERRORS: f64 = 4.0;
const TICK: Duration = Duration::from_millis(1);

/// Answers count for one to two of these: routes change, and so do targets.
const PERIOD: Duration = Duration::from_mins(1);

/// How long answers have taken lately.
#[derive(Debug, Default)]
pub(super) struct Lateness {
    kinds: Vec<Answers>,
    /// The latest that a request was in this period and in the one before.
    latest: [Option<Duration>; 2],
    /// When this period began.
    since: Duration,
}

/// An answer, as far as it says how late its request was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Took {
    /// The place of its kind.
    kind: usize,
    took: Duration,
}

/// The answers of one kind.
#[derive(Debug)]
struct Answers {
    kind: Kind,
    /// Those of this period and of the one before.
    times: [Times; 2],
    /// What none of them is faster than, if that can be said.
    fastest: Option<Duration>,
}

/// How long some answers took.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    count: u32,
    fastest: Option<Duration>,
    /// All together, each with no more than [`MAX`] above the fastest so far.
    total: Duration,
}

impl Lateness {
    /// Notes that an answer took so long.
    pub(super) fn note(&mut self, kind: Kind, took: Duration, now: Duration) -> Took {
        if now.saturating_sub(self.since) >= PERIOD {
            self.begin_period(now);
        }
        let known = self.kinds.iter().position(|it| it.kind == kind);
        let place = known.unwrap_or_else(|| {
            self.kinds.push(Answers::new(kind));
            self.kinds.len() - 1
        });
        let answer = Took { kind: place, took };
        if let Some(answers) = self.kinds.get_mut(place) {
            answers.times[0].add(took);
            answers.judge();
            if answers.fastest.is_some() {
                self.latest[0] = self.latest[0].max(Some(self.of(answer)));
            }
        }
        answer
    }

    /// How much later than the fastest of its kind that request may have arrived.
    pub(super) fn of(&self, answer: Took) -> Duration {
        let fastest = self.kinds.get(answer.kind).and_then(|it| it.fastest);
        let fastest = fastest.unwrap_or_default();
        answer.took.saturating_sub(fastest).min(MAX)
    }

    /// How late a request may be that has no answer yet: as late as any other.
    pub(super) fn of_unanswered(&self) -> Duration {
        self.latest.iter().flatten().max().copied().unwrap_or(MAX)
    }

    fn begin_period(&mut self, now: Duration) {
        self.since = now;
        self.latest = [None, self.latest[0]];
        for answers in &mut self.kinds {
            answers.times = [Times::default(), answers.times[0]];
            answers.judge();
        }
    }
}

impl Answers {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            times: [Times::default(); 2],
            fastest: None,
        }
    }

    /// Judges by all answers that count how fast one can be.
    fn judge(&mut self) {
        let [now, before] = self.times;
        let count = now.count.saturating_add(before.count);
        let fastest = now.fastest.into_iter().chain(before.fastest).min();
        self.fastest = fastest.filter(|_| count >= ENOUGH).map(|fastest| {
            let mean = now.total.saturating_add(before.total) / count;
            let above = mean.saturating_sub(fastest).as_secs_f64();
            let margin = ERRORS * above / f64::from(count).sqrt();
            fastest.saturating_sub(Duration::from_secs_f64(margin) + TICK)
        });
    }
}

impl Times {
    fn add(&mut self, took: Duration) {
        let fastest = self.fastest.map_or(took, |before| before.min(took));
        self.fastest = Some(fastest);
        self.count = self.count.saturating_add(1);
        self.total = self.total.saturating_add(took.min(fastest + MAX));
    }
}

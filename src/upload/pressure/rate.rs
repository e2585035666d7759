//! The share of the configured rate that is used.

use std::time::Duration;

use tokio::time::Instant;

use super::{Refusal, TurnedAway};

/// The rate. It is lowered where refusals show a bound, and comes back along a
/// cubic curve, as TCP's does (RFC 9438): fast at first, slowly around the goal,
/// which lies where the target last had too much, and faster again beyond it.
///
/// A refusal shows a bound if it is one of a crowd, if the target says how long
/// to wait, or if it comes at the rate at which a bound was found before. A
/// bound turns away what is above it and nothing else: refusals at a clearly
/// lower rate refute it. Single refusals at the full rate change nothing at
/// first; when there are many of them, a somewhat lower rate shows whether that
/// helps.
#[derive(Debug)]
pub(super) struct Rate {
    configured: f64,
    pub(super) floor: f64,
    slow: Option<Slow>,
    lowered: Option<Instant>,
    crowd: Crowd,
    bound: Option<Bound>,
    /// The last bound was none: until the rate has come back, only a crowd shows one.
    is_refuted: bool,
    /// Single refusals at a rate at which no bound is known.
    borne: u32,
    /// Answers meanwhile.
    answered: u32,
    /// After how many of them a lower rate is tried.
    patience: u32,
}

/// How a lowered rate comes back.
#[derive(Debug)]
struct Slow {
    from: f64,
    goal: f64,
    /// How long it takes from the one to the other.
    over: Duration,
    /// How long the target has borne it.
    quiet: Duration,
    /// Up to when that is counted.
    mark: Instant,
}

/// Whether refusals are many among the answers: a bucket that each refusal fills
/// and each answer empties a little. At 3 % of refusals, independent of each
/// other, it runs over once in 150,000 answers; at one half after nine.
#[derive(Debug, Default)]
struct Crowd(u32);

/// What the target seems to bear.
#[derive(Debug)]
struct Bound {
    /// The rate at which it turned requests away.
    level: f64,
    /// Refusals below it since one confirmed it.
    below: u32,
    /// Whether a lower rate helps is being tried: the number of answers left.
    trial: Option<u32>,
}

/// Where the rate is at a refusal.
enum Place {
    /// At the bound that is known.
    At,
    /// Around it: it may have been taken for more than it is.
    Around,
    /// Where the target would bear it.
    Below,
    /// No bound is known.
    Unknown,
}

/// What a refusal has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Nothing,
    /// The rate was lowered a little, to see whether that helps.
    Tried,
    /// The rate was lowered to below what the target bears.
    Lowered,
}

/// From the lowered rate to the goal: after a limit on the rate, which is likely
/// to stay, and after an overload or an outage, which are not.
const AFTER_LIMIT: Duration = Duration::from_secs(10);
const AFTER_OVERLOAD: Duration = Duration::from_secs(1);
const AFTER_OUTAGE: Duration = Duration::from_secs(5);

/// One answer speaks for no longer than this before it.
const SPEAKS_FOR: Duration = Duration::from_secs(3);

/// Fewer requests than this say nothing about what the target bears.
const TELLING: usize = 5;

/// From this share of a bound on, a refusal confirms it.
const SAME: f64 = 0.9;

/// From this share of a bound on, a refusal may be due to it: from a crowd of
/// refusals it is taken for up to a quarter more than it is.
const NEAR: f64 = 0.75;

/// The number of refusals below a bound that refute it, if none confirms it in between.
const REFUTING: u32 = 3;

/// The share of the rate that is tried, where the refusals are few.
const TRIAL: f64 = 0.7;

/// After this number of single refusals a lower rate is tried for the first time, and
/// each time that it has not helped after twice as many, up to the maximum.
const PATIENCE: u32 = 8;
const MAX_PATIENCE: u32 = 1024;

impl Crowd {
    /// How much of the bucket a refusal fills, in answers that empty it.
    const REFUSAL: u32 = 8;
    /// Five refusals, with no more answers than that in between.
    const FULL: u32 = 35;

    fn refused(&mut self) -> bool {
        self.0 += Self::REFUSAL;
        self.0 >= Self::FULL
    }

    fn answered(&mut self) {
        self.0 = self.0.saturating_sub(1);
    }
}

impl Rate {
    pub(super) fn new(configured: f64) -> Self {
        Self {
            configured,
            floor: (configured / 1000.0).max(0.5).min(configured),
            slow: None,
            lowered: None,
            crowd: Crowd::default(),
            bound: None,
            is_refuted: false,
            borne: 0,
            answered: 0,
            patience: PATIENCE,
        }
    }

    pub(super) fn allowed(&self) -> f64 {
        let Some(slow) = &self.slow else {
            return self.configured;
        };
        let x = slow.quiet.as_secs_f64() / slow.over.as_secs_f64() - 1.0;
        (slow.goal + (slow.goal - slow.from) * x.powi(3)).clamp(self.floor, self.configured)
    }

    pub(super) fn is_slowed(&self) -> bool {
        self.slow.is_some()
    }

    /// What was sent before the rate was lowered says nothing about the rate that
    /// it has now.
    pub(super) fn is_stale(&self, sent: Instant) -> bool {
        self.lowered.is_some_and(|at| sent <= at)
    }

    pub(super) fn paused(&mut self, until: Instant) {
        if let Some(slow) = &mut self.slow {
            slow.mark = slow.mark.max(until);
        }
    }

    pub(super) fn answered(&mut self, sent: Instant, now: Instant) {
        if self.is_on_trial(sent) {
            self.paused(now);
            return;
        }
        if !self.is_stale(sent) {
            self.crowd.answered();
            self.answered = self.answered.saturating_add(1);
        }
        if let Some(slow) = &mut self.slow {
            let since = now.saturating_duration_since(slow.mark);
            slow.quiet = slow.quiet.saturating_add(since.min(SPEAKS_FOR));
            slow.mark = slow.mark.max(now);
        }
        if self.allowed() >= self.configured {
            self.slow = None;
            self.is_refuted = false;
        }
    }

    pub(super) fn refused(&mut self, away: &TurnedAway) -> Change {
        if self.is_stale(away.sent) {
            return Change::Nothing;
        }
        if self.crowd.refused() {
            self.bound = None;
            return self.found(away);
        }
        match self.place_of_refusal() {
            Place::Around | Place::Below if self.is_refuted_by_one_more() => {
                self.refute();
                Change::Nothing
            }
            Place::At | Place::Around => self.found(away),
            Place::Below => Change::Nothing,
            Place::Unknown if self.is_refuted => Change::Nothing,
            Place::Unknown if away.says_how_long => self.found(away),
            Place::Unknown => self.bear(away),
        }
    }

    /// Where a refusal is that comes now. At the bound, it confirms it.
    fn place_of_refusal(&mut self) -> Place {
        let rate = self.allowed();
        match &mut self.bound {
            None => Place::Unknown,
            Some(bound) if rate >= bound.level * SAME => {
                bound.below = 0;
                Place::At
            }
            Some(bound) if rate >= bound.level * NEAR => Place::Around,
            Some(_) => Place::Below,
        }
    }

    fn is_refuted_by_one_more(&mut self) -> bool {
        self.bound.as_mut().is_some_and(|bound| {
            bound.below += 1;
            bound.below >= REFUTING
        })
    }

    /// The target does not bear this.
    fn found(&mut self, away: &TurnedAway) -> Change {
        let (level, over) = self.bore(away);
        let goal = match away.why {
            Refusal::TooMany => level * 0.9,
            Refusal::Overloaded => level,
        };
        let below = self.bound.take().map_or(0, |bound| bound.below);
        self.lower(level / 2.0, goal, over, away.now);
        self.bound = Some(Bound {
            level,
            below,
            trial: None,
        });
        Change::Lowered
    }

    /// Refusals come whatever the rate.
    fn refute(&mut self) {
        let was_trial = self.bound.take().is_some_and(|bound| bound.trial.is_some());
        if was_trial {
            self.slow = None;
        }
        self.is_refuted = self.slow.is_some();
        (self.borne, self.answered) = (0, 0);
        self.patience = (self.patience * 2).min(MAX_PATIENCE);
    }

    /// A single refusal at a rate at which no bound is known.
    fn bear(&mut self, away: &TurnedAway) -> Change {
        self.borne += 1;
        if self.borne < self.patience || self.slow.is_some() {
            return Change::Nothing;
        }
        let (level, answers) = (self.configured, self.answered);
        self.lower(level * TRIAL, level * 0.9, AFTER_LIMIT, away.now);
        self.bound = Some(Bound {
            level,
            below: 0,
            trial: Some(answers),
        });
        Change::Tried
    }

    /// Counts an answer while a lower rate is tried: if it is not refuted for as
    /// many answers as it took to doubt the higher one, it helps.
    fn is_on_trial(&mut self, sent: Instant) -> bool {
        let is_stale = self.is_stale(sent);
        let Some(Bound {
            trial: trial @ Some(_),
            ..
        }) = &mut self.bound
        else {
            return false;
        };
        if !is_stale {
            self.crowd.answered();
            *trial = trial.and_then(|left| left.checked_sub(1));
        }
        true
    }

    /// The rate at which the target has turned a request away, and how long it
    /// may take to come back to it.
    fn bore(&self, away: &TurnedAway) -> (f64, Duration) {
        let allowed = self.allowed();
        match away.why {
            // The allowed rate may be far above what was sent.
            Refusal::TooMany if away.lately >= TELLING => {
                (allowed.min(away.lately as f64), AFTER_LIMIT)
            }
            Refusal::TooMany => (allowed, AFTER_LIMIT),
            Refusal::Overloaded => (allowed, AFTER_OVERLOAD),
        }
    }

    pub(super) fn back_up(&mut self, now: Instant) {
        let bore = self.allowed();
        if let Some(bound) = &mut self.bound {
            bound.trial = None;
        }
        self.lower(bore / 10.0, bore, AFTER_OUTAGE, now);
    }

    fn lower(&mut self, from: f64, goal: f64, over: Duration, now: Instant) {
        let from = from.max(self.floor);
        self.lowered = Some(now);
        self.crowd = Crowd::default();
        (self.borne, self.answered) = (0, 0);
        self.is_refuted = false;
        self.slow = (from < self.configured).then(|| Slow {
            from,
            // Always above, or it would never rise.
            goal: goal.max(self.floor * 1.5),
            // Somebody's limit is not forgotten over an overload.
            over: self.slow.as_ref().map_or(over, |slow| slow.over.max(over)),
            quiet: Duration::ZERO,
            mark: now,
        });
    }
}

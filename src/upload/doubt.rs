//! When "nobody is there" is believed: the one rule.
//!
//! A write that got no answer may still be carried out, and a call that shows nobody
//! may not show anybody. So an absence counts only once whatever was sent has had
//! its time, and only beside a sign that the call would show a person: somebody
//! whom it must show.
//!
//! # Invariants
//!
//! - [`believe`] is the only place that decides it for the look of a job that may create
//!   the person. Of lists, and of looks before anything is sent, `run/believed.rs` does.
//! - Where there is somebody whom the call must show and it does not, nothing is
//!   believed, however often it is asked.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::ExternalId;

/// How long what was sent may take, and how long a look is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Patience {
    /// From the moment a write goes out until it can have no effect any more: the
    /// request's own time, and the time that a lost one still has to land.
    pub(super) window: Duration,
    /// How long an LMS is given that does not show somebody whom it must show.
    pub(super) settle_after: Duration,
}

/// Whom the same call must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// Somebody acknowledged later than the write of unknown outcome went out: a look that
    /// shows that person would show what the write did.
    Later,
    /// Somebody known: the call is not blind.
    Known,
    /// There is nobody. Time alone speaks.
    Nobody,
}

/// What the call showed of the one whom it must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// It was not asked yet.
    NotAsked,
    /// The person.
    Person,
    /// Nobody, once.
    Nobody,
    /// Nobody, again after a while.
    NobodyAgain,
}

/// How far an absence is to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Belief {
    /// Not before the window is over.
    Wait,
    /// Not before the call has shown somebody whom it must show.
    AskControl,
    /// It did not: it is given a while.
    AskControlLater,
    /// One more look decides.
    LookAgain,
    /// Nobody is there.
    Believed,
    /// The call shows nobody at all: it says nothing.
    Blind,
}

/// What to make of a look that showed nobody. `is_over`: nothing that was sent can
/// have an effect any more. `looked_since`: this look came after that, and after the
/// control.
pub(super) const fn believe(
    is_over: bool,
    control: Control,
    shown: Shown,
    looked_since: bool,
) -> Belief {
    match (control, shown) {
        _ if !is_over => Belief::Wait,
        (Control::Later | Control::Known, Shown::NotAsked) => Belief::AskControl,
        (Control::Later | Control::Known, Shown::Nobody) => Belief::AskControlLater,
        (Control::Later | Control::Known, Shown::NobodyAgain) => Belief::Blind,
        _ if !looked_since => Belief::LookAgain,
        (Control::Later | Control::Known, Shown::Person) | (Control::Nobody, _) => Belief::Believed,
    }
}

/// What the jobs of a run need to judge an absence by.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    pub(super) patience: Patience,
    pub(super) controls: Controls,
}

impl Trust {
    /// A minute for what is lost, and nobody to be shown.
    #[cfg(test)]
    pub(super) fn of_a_minute() -> Self {
        let settle_after = Duration::from_mins(1);
        Self {
            patience: Patience {
                window: settle_after + Duration::from_secs(2),
                settle_after,
            },
            controls: Controls::default(),
        }
    }

    /// From when on a write that went out then, at the latest, can have no effect any
    /// more; `None` where that is long ago.
    pub(super) fn over(&self, sent: Option<Instant>) -> Option<Instant> {
        Some(sent? + self.patience.window)
    }
}

/// People whom a look must show: shared by all that is sent in a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Controls(Arc<Mutex<People>>);

#[derive(Debug, Default)]
struct People {
    /// Whom the journal knows and the run does not change.
    known: Vec<ExternalId>,
    /// Who was acknowledged in this run and when, in that order: some of many.
    acknowledged: Vec<(Instant, ExternalId)>,
    /// The latest of all who were.
    latest: Option<(Instant, ExternalId)>,
    /// When a look showed somebody last who must be there, and when that person was
    /// acknowledged; `None` for somebody only known.
    shown: Option<(Instant, Option<Instant>)>,
}

/// How long it holds that a look has shown somebody who must be there.
const SHOWN_FOR: Duration = Duration::from_secs(1);

/// Of those acknowledged within this time one is kept: any of them shows as much.
const APART: Duration = Duration::from_secs(1);

/// How many are asked for before a call counts as one that shows nobody: some may have
/// been deleted by hand.
const MAX_ASKED: usize = 3;

/// How many of those acknowledged are kept.
const KEPT: usize = 1024;

impl Controls {
    /// Whom the journal knows.
    pub(super) fn set_known(&self, known: Vec<ExternalId>) {
        self.with(|people| people.known = known);
    }

    /// The LMS acknowledged that it has created this person.
    pub(super) fn acknowledged(&self, external_id: &ExternalId, now: Instant) {
        self.with(|people| {
            let entry = (now, external_id.clone());
            let is_apart = |(last, _): &(Instant, _)| now.duration_since(*last) >= APART;
            if people.acknowledged.last().is_none_or(is_apart) {
                if people.acknowledged.len() == KEPT {
                    // Every second one: what is old is rarely asked for.
                    let mut keeps = false;
                    people.acknowledged.retain(|_| {
                        keeps = !keeps;
                        keeps
                    });
                }
                people.acknowledged.push(entry.clone());
            }
            people.latest = Some(entry);
        });
    }

    /// Somebody whom a look must show that is to say what became of a write sent
    /// then; `None` for one sent before this process began. `nth`: who was picked
    /// before, counted from 0, was not shown and may be gone.
    pub(super) fn pick(&self, sent: Option<Instant>, nth: usize) -> (Control, Option<ExternalId>) {
        let (control, mut people) = self.candidates(sent);
        // By now there may be others than those who were asked for.
        let nth = if nth < people.len() { nth } else { 0 };
        let picked = (nth < people.len()).then(|| people.swap_remove(nth));
        (control, picked)
    }

    /// Whether there is an `nth` one to be picked.
    pub(super) fn has(&self, sent: Option<Instant>, nth: usize) -> bool {
        nth < self.candidates(sent).1.len()
    }

    /// A few people whom such a look must show.
    fn candidates(&self, sent: Option<Instant>) -> (Control, Vec<ExternalId>) {
        self.with(|people| {
            let all = people.acknowledged.iter().chain(&people.latest);
            let is_later = |(at, _): &&(Instant, _)| sent.is_none_or(|sent| *at > sent);
            let some = |of: &mut dyn Iterator<Item = &ExternalId>| {
                let mut some: Vec<_> = of.take(MAX_ASKED).cloned().collect();
                // The latest one may have been kept, too.
                some.dedup();
                some
            };
            let later = some(&mut all.clone().filter(is_later).map(|(_, id)| id));
            if !later.is_empty() {
                return (Control::Later, later);
            }
            let of_run = all.map(|(_, id)| id);
            let known = some(&mut people.known.iter().chain(of_run));
            if known.is_empty() {
                (Control::Nobody, known)
            } else {
                (Control::Known, known)
            }
        })
    }

    /// A look has shown this person, who must be there.
    pub(super) fn was_shown(&self, external_id: &ExternalId, now: Instant) {
        self.with(|people| {
            let all = people.acknowledged.iter().chain(&people.latest);
            let found = all.filter(|(_, id)| id == external_id).map(|(at, _)| *at);
            people.shown = Some((now, found.max()));
        });
    }

    /// Whether, shortly before `by`, a look has shown somebody who can say what became
    /// of a write sent then: one that goes out at `by` need not ask again.
    pub(super) fn was_shown_by(&self, by: Instant, sent: Option<Instant>) -> bool {
        let (control, _) = self.candidates(sent);
        self.with(|people| {
            people.shown.is_some_and(|(at, acknowledged)| {
                let is_later = |at: Instant| sent.is_none_or(|sent| at > sent);
                let is_fresh = (by.checked_duration_since(at)).is_some_and(|age| age < SHOWN_FOR);
                is_fresh && (control != Control::Later || acknowledged.is_some_and(is_later))
            })
        })
    }

    fn with<R>(&self, use_them: impl FnOnce(&mut People) -> R) -> R {
        // Nothing panics while it holds the lock.
        let mut people = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        use_them(&mut people)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    const CONTROLS: [Control; 3] = [Control::Later, Control::Known, Control::Nobody];
    const SHOWN: [Shown; 4] = [
        Shown::NotAsked,
        Shown::Person,
        Shown::Nobody,
        Shown::NobodyAgain,
    ];

    #[test]
    fn what_must_be_seen_before_nobody_is_believed() {
        let mut table = String::new();
        for is_over in [false, true] {
            writeln!(table, "window over: {is_over}").unwrap();
            for control in CONTROLS {
                for shown in SHOWN {
                    let beliefs =
                        [false, true].map(|since| believe(is_over, control, shown, since));
                    let words = match beliefs {
                        [one, other] if one == other => format!("{one:?}"),
                        [one, other] => format!("{one:?}; after a look since: {other:?}"),
                    };
                    let line = format!("  somebody {control:?}, shown {shown:?}: {words}");
                    writeln!(table, "{line}").unwrap();
                }
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn who_was_acknowledged_after_the_write_comes_before_who_is_only_known() {
        let controls = Controls::default();
        let id = ExternalId::known;
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(controls.pick(Some(start), 0), (Control::Nobody, None));
        controls.set_known(vec![id("K1"), id("K2")]);
        let known = |name| (Control::Known, Some(id(name)));
        assert_eq!(controls.pick(Some(start), 0), known("K1"));
        assert_eq!(controls.pick(Some(start), 1), known("K2"));
        for (name, seconds) in [("N1", 1), ("N3", 3), ("N9", 9)] {
            controls.acknowledged(&id(name), at(seconds));
        }
        let later = |name| (Control::Later, Some(id(name)));
        assert_eq!(controls.pick(Some(start), 0), later("N1"));
        assert_eq!(controls.pick(Some(start), 1), later("N3"));
        assert_eq!(controls.pick(Some(at(1)), 0), later("N3"));
        // Who is only known cannot say it in the place of somebody later.
        assert!(controls.has(Some(at(1)), 1) && !controls.has(Some(at(1)), 2));
        assert_eq!(controls.pick(Some(at(9)), 0), known("K1"));
        assert_eq!(controls.pick(Some(at(9)), 2), known("N1"));
        // A write of an earlier process is older than all of them.
        assert_eq!(controls.pick(None, 0), later("N1"));
    }

    #[test]
    fn a_look_counts_only_if_somebody_was_shown_before_it_went_out() {
        let controls = Controls::default();
        let (id, start) = (ExternalId::known("K1"), Instant::now());
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        controls.set_known(vec![id.clone()]);
        assert!(!controls.was_shown_by(at(0), None));
        controls.was_shown(&id, at(100));
        for (by, counts) in [
            (0, false),
            (99, false),
            (100, true),
            (1_099, true),
            (1_100, false),
        ] {
            assert_eq!(controls.was_shown_by(at(by), None), counts, "{by}");
        }
    }

    #[test]
    fn many_who_were_acknowledged_take_little_room_and_the_latest_is_among_them() {
        let controls = Controls::default();
        let start = Instant::now();
        for n in 0..10_000 {
            let id = ExternalId::known(&format!("E{n}"));
            controls.acknowledged(&id, start + Duration::from_secs(n));
        }
        controls.with(|people| assert!(people.acknowledged.len() <= KEPT));
        let (_, last) = controls.pick(Some(start + Duration::from_secs(9_998)), 0);
        assert_eq!(last, Some(ExternalId::known("E9999")));
    }

    proptest! {
        #[test]
        fn an_absence_is_believed_only_after_the_window_and_never_of_a_blind_call(
            steps in prop::collection::vec((any::<bool>(), any::<bool>()), 1..20),
            control in prop::sample::select(CONTROLS.to_vec()),
        ) {
            // What a look goes through, with whatever the LMS shows of the control.
            let (mut is_over, mut shown, mut since) = (false, Shown::NotAsked, false);
            let mut saw_control = false;
            for (window_ends, shows) in steps {
                is_over |= window_ends;
                match believe(is_over, control, shown, since) {
                    Belief::Wait => {}
                    Belief::AskControl | Belief::AskControlLater => {
                        saw_control = shows;
                        since = false;
                        shown = match (shows, shown) {
                            (true, _) => Shown::Person,
                            (false, Shown::NotAsked) => Shown::Nobody,
                            (false, _) => Shown::NobodyAgain,
                        };
                    }
                    Belief::LookAgain => since = true,
                    Belief::Believed => {
                        prop_assert!(is_over && since);
                        prop_assert!(saw_control || control == Control::Nobody);
                        break;
                    }
                    Belief::Blind => {
                        prop_assert!(!saw_control && control != Control::Nobody);
                        break;
                    }
                }
            }
        }
    }
}

//! The outcomes over time, in memory that does not grow with the run.

use crate::model::{Counts, Outcome};

/// The outcomes in each slot of time.
///
/// The slots are as short as a bounded number of them allows, so an hour and a
/// minute draw alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Throughput {
    /// A slot lasts 2 to the power of this, in seconds.
    doublings: u32,
    slots: Vec<Counts>,
}

impl Throughput {
    /// The most bars that the eye can still separate.
    const MAX_SLOTS: usize = 120;

    /// Adds one outcome; `seconds` count from the start of the run.
    pub fn add(&mut self, seconds: f64, outcome: Outcome) {
        let mut slot = seconds.max(0.0) / self.slot_seconds() as f64;
        // Beyond some billion years everything goes into the last slot.
        while slot >= Self::MAX_SLOTS as f64 && self.doublings < 60 {
            self.double();
            slot /= 2.0;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and `as` saturates; the bound follows"
        )]
        let slot = (slot as usize).min(Self::MAX_SLOTS - 1);
        if self.slots.len() <= slot {
            self.slots.resize(slot + 1, Counts::default());
        }
        if let Some(counts) = self.slots.get_mut(slot) {
            *counts.of_mut(outcome) += 1;
        }
    }

    /// How many seconds a slot lasts.
    pub(super) const fn slot_seconds(&self) -> u64 {
        1 << self.doublings
    }

    /// The slots, the first second of the run first.
    pub(super) fn slots(&self) -> &[Counts] {
        &self.slots
    }

    /// Makes each two slots one.
    fn double(&mut self) {
        self.doublings += 1;
        self.slots = self
            .slots
            .chunks(2)
            .map(|pair| {
                let mut sum = Counts::default();
                for counts in pair {
                    for outcome in Outcome::ALL {
                        *sum.of_mut(outcome) += counts.of(outcome);
                    }
                }
                sum
            })
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_slot_is_a_second_until_the_run_is_longer() {
        let mut throughput = Throughput::default();
        throughput.add(119.9, Outcome::Created);
        assert_eq!(
            (throughput.slot_seconds(), throughput.slots().len()),
            (1, 120)
        );
        throughput.add(120.0, Outcome::Created);
        assert_eq!(
            (throughput.slot_seconds(), throughput.slots().len()),
            (2, 61)
        );
        assert_eq!(throughput.slots()[59].created, 1);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_whatever_the_clock_did(
            times in prop::collection::vec(prop_oneof![-1e3..1e9f64, Just(f64::NAN), Just(f64::INFINITY)], 0..200),
        ) {
            let mut throughput = Throughput::default();
            for &time in &times {
                throughput.add(time, Outcome::Updated);
            }
            let sum: u64 = throughput.slots().iter().map(|slot| slot.updated).sum();
            prop_assert_eq!(sum, times.len() as u64);
            prop_assert!(throughput.slots().len() <= Throughput::MAX_SLOTS);
        }
    }
}

//! How many rows there are of each kind.

use super::{RowState, RowTable};
use crate::model::RowNumber;

impl RowTable {
    /// How many rows count: all but those that another row of the person stands for.
    pub fn counted(&self) -> u64 {
        self.len() as u64 - self.count(RowState::Superseded)
    }

    /// The rows that another row of the person stands for, in the order of the feed.
    pub(in crate::plan) fn superseded(&self) -> impl Iterator<Item = RowNumber> {
        let rows = self.states.iter().zip(self.numbers.iter());
        rows.filter(|(state, _)| **state == RowState::Superseded)
            .map(|(_, number)| number)
    }

    /// How many rows the mapping skips: those that its filter left out, and those that
    /// another row of the person stands for.
    pub fn skipped(&self, left_out: u64) -> u64 {
        left_out + self.count(RowState::Superseded)
    }

    /// How many rows are in `state`.
    pub fn count(&self, state: RowState) -> u64 {
        self.states.iter().filter(|it| **it == state).count() as u64
    }
}

//! Which rows a later pass over the feed is for.

use crate::plan::rows::{RowState, RowTable};
use crate::validate::unique::RowIndex;

/// Which rows a replay hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// People that the target may or may not have.
    New,
    /// Everything to send or to record: joiners, changed people, rejected rows and
    /// those that are left alone.
    Work {
        /// Only in this wave, counted from 0.
        wave: Option<u16>,
        /// Only these.
        of: WorkOf,
    },
    /// Rows that differ from what is known, sent or not, those that an interrupted run
    /// had begun to send, and these, sorted: their people are identified.
    Differing {
        /// Rejected rows, too, and those that are not done for another reason.
        rejected: bool,
    },
    /// Rows that are held back.
    Held,
    /// These rows, sorted.
    These,
}

/// Which part of the work a replay hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkOf {
    /// All of it.
    All,
    /// All but the changes of people who are there: joiners, and what is only recorded.
    AllButChanges,
    /// The changes of people who are there.
    Changes,
}

/// Which rows a replay is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What is known of the rows.
    pub rows: &'a RowTable,
    /// Which of them.
    pub wanted: Wanted,
    /// The rows that are named, sorted.
    pub these: &'a [RowIndex],
}

impl Asked<'_> {
    /// Whether it is for this row.
    pub(super) fn covers(&self, row: RowIndex) -> bool {
        let state = self.rows.state(row);
        match self.wanted {
            Wanted::New => state == RowState::New,
            Wanted::Work { wave, of } => {
                let of_row = self.rows.detail(row).map_or(0, |detail| detail.wave);
                let rests = matches!(
                    state,
                    RowState::Unchanged
                        | RowState::NotDone
                        | RowState::Settled
                        | RowState::Held
                        | RowState::Superseded
                );
                let is_of_part = match of {
                    WorkOf::All => true,
                    WorkOf::AllButChanges => !state.is_change(),
                    WorkOf::Changes => state.is_change(),
                };
                wave.is_none_or(|wave| wave == of_row) && is_of_part && !rests
            }
            Wanted::Differing { rejected } => match state {
                RowState::New | RowState::Changed | RowState::LeftAlone => true,
                RowState::Rejected | RowState::NotDone => rejected,
                _ => state.is_under_way() || self.these.binary_search(&row).is_ok(),
            },
            Wanted::Held => state == RowState::Held,
            Wanted::These => self.these.binary_search(&row).is_ok(),
        }
    }
}

//! What is learned about single rows after the first pass, and what is decided
//! about them.

use std::collections::HashSet;
use std::ops::Range;

use super::{RowState, RowTable};
use crate::model::{ExternalId, HoldKind, Rule};
use crate::plan::detail::{After, IdChange, LeftAlone, RowDetail};
use crate::plan::identity::Renumbered;
use crate::validate::unique::RowIndex;

impl RowTable {
    /// Holds a row back until a person approves.
    pub fn hold(&mut self, row: RowIndex, kind: HoldKind) {
        self.states[row as usize] = RowState::Held;
        self.detail_mut(row).held = Some(kind);
    }

    /// Leaves the person of a row as is.
    pub fn leave_alone(&mut self, row: RowIndex, why: LeftAlone) {
        self.states[row as usize] = RowState::LeftAlone;
        self.detail_mut(row).left_alone = Some(why);
    }

    /// The person of a row is as the row says after all.
    pub fn mark_unchanged(&mut self, row: RowIndex) {
        self.states[row as usize] = RowState::Unchanged;
    }

    /// Somebody known under another external ID gets the one of this row.
    pub fn rekey(&mut self, row: RowIndex) {
        self.states[row as usize] = RowState::Rekey;
        self.detail_mut(row).id_change = IdChange::Rekeyed;
    }

    /// The rows in one of these states.
    pub fn rows_in(&self, states: &[RowState]) -> impl Iterator<Item = RowIndex> {
        (0..)
            .zip(&self.states)
            .filter(|(_, state)| states.contains(state))
            .map(|(row, _)| row)
    }

    /// What is known of a row beyond its state.
    pub fn detail(&self, row: RowIndex) -> Option<&RowDetail> {
        self.details.get(row)
    }

    /// The same, to be changed.
    pub fn detail_mut(&mut self, row: RowIndex) -> &mut RowDetail {
        self.details.of_row(row)
    }

    /// Whether the mapping protects the person of a row.
    pub fn is_protected(&self, row: RowIndex) -> bool {
        self.protected.contains(&row)
    }

    /// What sending a row does, a bit each.
    pub(in crate::plan) fn effects_of(&self, row: RowIndex) -> u8 {
        self.effects.get(row as usize).copied().unwrap_or(0)
    }

    /// Notes that the journal lacks the fingerprints of a person whose row is
    /// unchanged.
    pub fn note_without_fingerprints(&mut self, row: RowIndex) {
        self.to_fingerprint.push(row);
    }

    /// The unchanged rows whose people lack fingerprints in the journal, sorted.
    pub fn to_fingerprint(&mut self) -> &[RowIndex] {
        self.to_fingerprint.sort_unstable();
        &self.to_fingerprint
    }

    /// Whether a row has this external ID, in whatever spelling.
    pub fn names(&self, external_id: &str) -> bool {
        self.find(external_id).is_some()
    }

    /// The row that has exactly this external ID.
    pub fn named(&self, external_id: &str) -> Option<RowIndex> {
        let found = self.find(external_id)?;
        found.is_spelled.then_some(found.row)
    }

    /// The rows are a list of leavers: nobody is created or changed for one. Returns those
    /// that name nobody who is known.
    pub fn leave_to_leavers(&mut self) -> Vec<RowIndex> {
        let unknown = self.rows_in(&[RowState::New]).collect();
        for state in &mut self.states {
            if matches!(state, RowState::New | RowState::Changed) {
                *state = RowState::Unchanged;
            }
        }
        unknown
    }

    /// Somebody must be created for a row.
    pub fn create(&mut self, row: RowIndex) {
        self.states[row as usize] = RowState::New;
        self.detail_mut(row).changed = None;
    }

    /// The run that is being resumed may have renumbered the person of a row.
    pub fn note_renumbered(&mut self, row: RowIndex, from: &str) {
        self.detail_mut(row).renumbered = Some(Box::new(Renumbered::known_as(from)));
    }

    /// The run that is being resumed may have given the account with this id on the
    /// LMS the external ID of a row.
    pub fn note_account_of(&mut self, row: RowIndex, remote_id: &str) {
        self.detail_mut(row).account = Some(remote_id.into());
    }

    /// The rows that are sent in a wave after the first.
    pub fn rows_of_wave(&self, wave: u16) -> Vec<RowIndex> {
        let is_in = |(_, detail): &(RowIndex, &RowDetail)| detail.wave == wave;
        let in_wave = self.details.iter().filter(is_in);
        let mut rows: Vec<_> = in_wave.map(|(row, _)| row).collect();
        rows.sort_unstable();
        rows
    }

    /// How many joiners and how many changes a wave has.
    pub fn work_of_wave(&self, wave: u16) -> (usize, usize) {
        let mut work = (0, 0);
        for (row, state) in (0..).zip(&self.states) {
            let is_sent = state.is_joiner() || state.is_change();
            if is_sent && self.detail(row).map_or(0, |detail| detail.wave) == wave {
                work.0 += usize::from(state.is_joiner());
                work.1 += usize::from(state.is_change());
            }
        }
        work
    }

    /// Gives these people's rows a wave behind all others, which may have none, but for
    /// rows that wait for others or that others wait for.
    pub fn put_last<'a>(&mut self, external_ids: impl Iterator<Item = &'a str>) -> Range<u16> {
        let last = self.waves();
        let is_bound = |(row, detail): (RowIndex, &RowDetail)| match detail.after {
            Some(After::Row(other)) => [Some(row), Some(other)],
            Some(After::Leaver(_)) => [Some(row), None],
            None => [None, None],
        };
        let bound: HashSet<RowIndex> = (self.details.iter().flat_map(is_bound)).flatten().collect();
        let mut is_empty = true;
        for id in external_ids {
            if let Some(row) = self.named(id).filter(|row| !bound.contains(row)) {
                self.detail_mut(row).wave = last;
                is_empty = false;
            }
        }
        last..last + u16::from(!is_empty)
    }

    /// The leavers for whose logins or external IDs rows wait.
    pub fn leavers_waited_for(&self) -> Vec<ExternalId> {
        let waited_for = self
            .details
            .iter()
            .filter_map(|(_, detail)| match &detail.after {
                Some(After::Leaver(id)) => Some(ExternalId::known(id)),
                _ => None,
            });
        waited_for.collect()
    }

    /// How many waves there are.
    pub fn waves(&self) -> u16 {
        let waves = self.details.iter().map(|(_, detail)| detail.wave);
        waves.max().unwrap_or(0) + 1
    }

    /// Rejects the new rows whose external IDs differ in case or spaces only from
    /// that of somebody known, who is not known to be the same person. Returns the
    /// known external IDs.
    pub fn reject_variants(&mut self) -> Vec<Box<str>> {
        let is_open = |(row, detail): &(RowIndex, &RowDetail)| {
            let is_renumbered = detail.renumbered.is_some();
            self.state(*row) == RowState::New && detail.variant_of.is_some() && !is_renumbered
        };
        let mut open: Vec<_> = (self.details.iter())
            .filter(is_open)
            .filter_map(|(row, detail)| Some((row, detail.variant_of.clone()?)))
            .collect();
        open.sort_unstable();
        for (row, known_as) in &open {
            let known_as = known_as.clone();
            self.reject(*row, Rule::KnownAsVariant { known_as });
        }
        open.into_iter().map(|(_, known_as)| known_as).collect()
    }
}

//! Accounts on the LMS without an external ID of this API key that get the one of a row.

use super::{RowState, RowTable, hash};
use crate::mapping::{FieldFingerprints, FieldSet};
use crate::plan::detail::{IdentityChange, RowDetail, UnderOtherKey};
use crate::plan::other_keys::{Acquaintance, Proof};
use crate::validate::unique::RowIndex;

/// An account that another API key knew by the external ID of a row.
#[derive(Debug)]
pub(super) struct OfOtherKey {
    row: RowIndex,
    /// The fields in which the row differs from what was acknowledged, where that is
    /// known.
    changed: Option<FieldSet>,
    identity_change: IdentityChange,
    /// What the account must show to be the row's, where the journal cannot tell.
    proof: Option<Proof>,
}

impl RowTable {
    /// Notes whom another API key of this LMS knows by the external ID of a new row, and
    /// how much of what tells who that is would change.
    pub fn note_other_key(
        &mut self,
        row: RowIndex,
        known: Acquaintance,
        identity_change: IdentityChange,
    ) {
        self.detail_mut(row).under_other_key = known.who;
        for id in known.accounts {
            let account = OfOtherKey {
                row,
                changed: (known.changed.as_ref()).map(|tags| tags.iter().copied().collect()),
                identity_change,
                proof: known.proof.clone(),
            };
            // What the journal shows goes before what the LMS must show.
            let before = self.of_other_key.get(&id);
            if before.is_none_or(|before| before.proof.is_some()) {
                self.of_other_key.insert(id, account);
            }
        }
        let of_others = known.of_others.iter().map(|id| (row, hash(id)));
        self.of_others.extend(of_others);
    }

    /// Whether an account is somebody else's, as far as another API key knew it by the
    /// external ID of the row.
    pub fn is_of_others(&self, row: RowIndex, remote_id: &str) -> bool {
        self.of_others.contains(&(row, hash(remote_id)))
    }

    /// The LMS shows an account without an external ID of this key, so: if it is one
    /// that another key knew, and the person of the row, it gets the external ID of its
    /// row. Of two accounts of a row, neither does.
    pub fn note_account(&mut self, remote_id: &str, listed: impl FnOnce() -> FieldFingerprints) {
        let Some(account) = self.of_other_key.get(remote_id) else {
            return;
        };
        let (row, change) = (account.row, account.identity_change);
        let is_shown = |proof: &Proof| proof.is_given_by(&listed());
        let is_of_row = account.proof.as_ref().is_none_or(is_shown);
        let changed = account.changed;
        let none = RowDetail::default();
        let has = self.detail(row).unwrap_or(&none).account.as_deref();
        match self.state(row) {
            RowState::New if !is_of_row => {
                self.detail_mut(row).under_other_key = UnderOtherKey::SomebodyElse;
                self.of_others.insert((row, hash(remote_id)));
            }
            RowState::New => {
                self.adopt_account(row, remote_id);
                let detail = self.detail_mut(row);
                detail.under_other_key = UnderOtherKey::SamePerson;
                (detail.changed, detail.identity_change) = (changed, change);
            }
            RowState::Adopt if is_of_row && has.is_some_and(|it| it != remote_id) => {
                self.create(row);
                self.detail_mut(row).account = None;
                self.detail_mut(row).identity_change = IdentityChange::None;
                self.of_other_key.retain(|_, account| account.row != row);
            }
            _ => {}
        }
    }

    /// The account with this id on the LMS gets the external ID of the row.
    pub fn adopt_account(&mut self, row: RowIndex, remote_id: &str) {
        self.states[row as usize] = RowState::Adopt;
        self.detail_mut(row).account = Some(remote_id.into());
    }
}

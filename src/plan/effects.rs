//! What changes do beside the LMS's data: mails, new passwords, accounts that are closed.

use super::rows::{RowState, RowTable};
use crate::mapping::{Bound, FieldTag, Mapping, Person};
use crate::model::Effects;
use crate::validate::unique::RowIndex;

/// The fields of a mapping whose values have effects, by their positions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EffectFields {
    mails: Option<usize>,
    generates: Option<usize>,
    active: Option<usize>,
}

/// A value makes the LMS mail the person.
const MAILS: u8 = 1;
/// A value makes the LMS generate a password.
const GENERATES: u8 = 1 << 1;
/// A value closes the account.
const CLOSES: u8 = 1 << 2;

impl EffectFields {
    /// Those of a mapping.
    pub(super) fn of(mapping: &Mapping) -> Self {
        let spec = mapping.target.system.spec();
        let position = |field: Option<&str>| field.and_then(|name| mapping.position(name));
        Self {
            mails: position(spec.mails),
            generates: position(spec.generates_password),
            active: position(spec.active),
        }
    }

    /// Whether there are any.
    pub(super) fn are_any(self) -> bool {
        self.mails.or(self.generates).or(self.active).is_some()
    }

    /// What the values of a person do, a bit each.
    pub(super) fn bits(self, person: &Person) -> u8 {
        let bit = |field: Option<usize>, value: &str, bit: u8| {
            let is = field.and_then(|field| person.text(field)) == Some(value);
            if is { bit } else { 0 }
        };
        bit(self.mails, "true", MAILS)
            | bit(self.generates, "true", GENERATES)
            | bit(self.active, "false", CLOSES)
    }
}

impl RowTable {
    /// Whether sending a row makes the LMS mail the person: a generated password is mailed,
    /// too, and is generated for new people only.
    #[must_use]
    pub fn mails(&self, row: RowIndex) -> bool {
        let bits = self.effects_of(row);
        bits & MAILS != 0 || bits & GENERATES != 0 && is_create(self.state(row))
    }

    /// Says which field closes accounts.
    pub(super) fn closed_by(&mut self, mapping: &Mapping) {
        let active = mapping.target.system.spec().active;
        self.active = active.and_then(|name| mapping.tag(name));
    }

    /// Whether sending a row closes the account of somebody who is there.
    #[must_use]
    pub fn closes(&self, row: RowIndex) -> bool {
        let has_value = self.effects_of(row) & CLOSES != 0;
        has_value && !is_create(self.state(row)) && self.changes(row, self.active)
    }

    /// What sending the rows does; `leavers` are people to remove.
    pub fn effects(&self, bound: &Bound<'_>, leavers: u64) -> Effects {
        let mut effects = Effects {
            closed: leavers,
            ..Effects::default()
        };
        let mapping = bound.mapping();
        if !EffectFields::of(mapping).are_any() {
            return effects;
        }
        for row in self.rows_in(&SENT) {
            let (bits, state) = (self.effects_of(row), self.state(row));
            effects.mails += u64::from(self.mails(row));
            effects.passwords += u64::from(bits & GENERATES != 0 && is_create(state));
            effects.closed += u64::from(self.closes(row));
        }
        effects
    }

    /// Whether a field of a row differs, as far as is known.
    fn changes(&self, row: RowIndex, field: Option<FieldTag>) -> bool {
        let changed = self.detail(row).and_then(|detail| detail.changed);
        match (changed, field) {
            (Some(changed), Some(field)) => changed.contains(field),
            _ => true,
        }
    }
}

/// The states of rows that are sent.
const SENT: [RowState; 8] = [
    RowState::New,
    RowState::Changed,
    RowState::Adopt,
    RowState::Rekey,
    RowState::UnknownCreate,
    RowState::UnknownAdopt,
    RowState::UnknownUpdate,
    RowState::UnknownRekey,
];

const fn is_create(state: RowState) -> bool {
    matches!(state, RowState::New | RowState::UnknownCreate)
}

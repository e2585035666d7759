//! New rows whose external IDs other API keys of the LMS know.

use std::collections::HashMap;
use std::ops::ControlFlow;

use super::identify::IdentityGroups;
use super::{RunError, Stages};
use crate::journal::JournalError;
use crate::mapping::{FieldFingerprints, FieldSet};
use crate::plan::{
    Item, OtherAccount, OtherKeys, RowState, RowTable, Traits, UnderOtherKey, Wanted, replay,
};
use crate::schema::ExternalIds;

impl Stages<'_> {
    /// Marks the new rows whose external IDs are known at this address under another
    /// API key: if this one replaced it, they would be created twice, and if not,
    /// they are other people's.
    pub(super) fn note_other_keys(&mut self, rows: &mut RowTable) -> Result<(), RunError> {
        let system = self.settings.system;
        let Some(journal) = &self.journal else {
            return Ok(());
        };
        if system.spec().external_ids != ExternalIds::OfTheKey || rows.count(RowState::New) == 0 {
            return Ok(());
        }
        let mut set = HashMap::new();
        let mut keys = OtherKeys::new(Traits::of(self.bound.mapping()));
        let at = (system.word(), self.settings.base_url.as_str());
        journal.under_other_keys(&self.scope, at, |person| {
            if person.is_taken_over {
                keys.note_taken_over(person.key);
            } else if let Some(row) = rows.named(person.external_id)
                && rows.state(row) == RowState::New
            {
                if person.set_fields != 0 {
                    set.insert(row, FieldSet::of_bits(person.set_fields));
                }
                let account = OtherAccount {
                    key: person.key,
                    remote_id: person.remote_id.map(Into::into),
                    fingerprints: FieldFingerprints::of_packed(person.fields, person.identity),
                };
                keys.note_account(row, account);
            }
            Ok::<_, JournalError>(ControlFlow::Continue(()))
        })?;
        let these = keys.rows();
        if these.is_empty() {
            return Ok(());
        }
        let (feed, bound) = (&mut self.feed, &self.bound);
        replay(feed, bound, rows, Wanted::These, &these, |items| {
            for item in items {
                if let Item::Change(change) = item {
                    keys.note_row(change.index, change.fingerprints);
                }
            }
            Ok::<_, RunError>(())
        })?;
        let identity = IdentityGroups::of(self.bound.mapping());
        for (row, known) in keys.judge() {
            let change = (known.changed.as_deref()).map(|changed| identity.change(changed));
            if known.who == UnderOtherKey::SamePerson
                && let Some(fields) = set.get(&row)
            {
                rows.detail_mut(row).take_back = *fields;
            }
            rows.note_other_key(row, known, change.unwrap_or_default());
        }
        Ok(())
    }
}

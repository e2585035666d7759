//! A mapping that was renamed: what the journal has of the old name is the new one's.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;

use jiff::Timestamp;

use super::{RunError, Stages};
use crate::journal::{FeedKey, JournalError, PersonState};
use crate::plan::RowTable;

/// A mapping whose file is gone, with its people.
struct Gone {
    path: String,
    people: u64,
    /// How many of them the feed names.
    named: u64,
}

impl Stages<'_> {
    /// Takes over what a mapping has whose new name this one is: people, holds, groups
    /// and what its runs did. A plan goes on under the old name, since it writes
    /// nothing.
    pub(super) fn take_over(&mut self, rows: &RowTable) -> Result<(), RunError> {
        let Some(former) = self.former_path(rows)? else {
            return Ok(());
        };
        self.remarks.push(format!(
            "the file of the mapping `{former}` is gone: this mapping, whose feed names its people, \
             takes over its people and its holds"
        ));
        self.notes.renamed(&former, &self.mapping_path())?;
        if self.notes.recorder().is_none() {
            self.mapping_key = FeedKey::of_mapping(&former);
            self.known_path = Some(former);
        }
        Ok(())
    }

    /// The old name of a mapping that never named anybody: that of a mapping whose file is
    /// gone, and of whose people this feed names most.
    fn former_path(&self, rows: &RowTable) -> Result<Option<String>, JournalError> {
        let Some(journal) = &self.journal else {
            return Ok(None);
        };
        let is_known = |key| journal.has_people_of(&self.scope, key);
        let mut gone: HashMap<_, _> = (journal.mappings_since(&self.scope, Timestamp::MIN)?)
            .into_iter()
            .filter(|path| !Path::new(path).exists())
            .map(|path| {
                let (people, named) = (0, 0);
                let key = FeedKey::of_mapping(&path);
                (
                    key,
                    Gone {
                        path,
                        people,
                        named,
                    },
                )
            })
            .collect();
        if gone.is_empty() || is_known(self.mapping_key)? {
            return Ok(None);
        }
        journal.people(&self.scope, |person| {
            let is_there = person.state != PersonState::Deleted;
            if let Some(gone) = person.feed.and_then(|feed| gone.get_mut(&feed))
                && is_there
            {
                gone.people += 1;
                gone.named += u64::from(rows.named(person.external_id).is_some());
            }
            Ok::<_, JournalError>(ControlFlow::Continue(()))
        })?;
        let most = gone.into_values().max_by_key(|gone| gone.named);
        let is_renamed = |gone: &Gone| 2 * gone.named > gone.people;
        Ok(most.filter(is_renamed).map(|gone| gone.path))
    }
}

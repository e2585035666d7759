//! The user groups of the feed, compared with those that are there.

use std::collections::{BTreeMap, BTreeSet};

use super::{RunError, Stages};
use crate::journal::{JournalError, KnownGroup};
use crate::mapping::FeedKind;
use crate::plan::{NamedGroup, NamedGroups, RowTable};
use crate::targets::Group;
use crate::upload::{GroupPlan, GroupsDone};

/// The groups of the feed, held against those that are there.
#[derive(Debug)]
pub(super) struct FeedGroups {
    named: NamedGroups,
    /// Those that are not there and may be created.
    absent: BTreeSet<String>,
    plan: GroupPlan,
}

impl FeedGroups {
    /// What is to be done, now that it is known which rows are sent.
    pub(super) fn planned(self, rows: &RowTable) -> GroupPlan {
        let Self {
            named,
            absent,
            mut plan,
        } = self;
        let needed = needed(&named, rows);
        let to_create = needed.into_iter().filter(|id| absent.contains(*id));
        plan.create = named
            .from_the_top(&to_create.collect())
            .into_iter()
            .filter_map(|id| Some(described(id, named.get(id)?)))
            .collect();
        plan
    }
}

impl Stages<'_> {
    /// Finds out which groups must be created, changed or deleted. Rows with a
    /// group that neither exists nor is to be created are rejected.
    pub(super) fn look_at_groups(
        &mut self,
        named: NamedGroups,
        rows: &mut RowTable,
    ) -> Result<FeedGroups, RunError> {
        let named = named.with_parents();
        let known = self.known_groups()?;
        let unknown: Vec<&str> = needed(&named, rows)
            .into_iter()
            .filter(|id| !known.contains_key(*id))
            .collect();
        let there = self
            .uploader
            .existing_groups(&unknown, &mut self.listener)?;

        let wanted = self.bound.mapping().groups;
        let mut plan = GroupPlan::default();
        let mut absent = BTreeSet::new();
        for (id, is_there) in unknown.iter().copied().zip(there) {
            let Some(group) = named.get(id) else {
                continue;
            };
            if is_there {
                self.notes.group_exists(id)?;
                if group.fingerprint().is_some() {
                    plan.change.push(described(id, group));
                }
            } else if wanted.create && group.kind.is_some() {
                absent.insert(id.to_owned());
            } else {
                rows.no_such_group(id, &group.rows);
            }
        }
        for (id, group) in named.iter() {
            if let (Some(known), Some(wanted)) = (known.get(id), group.fingerprint())
                && known.fingerprint != Some(wanted)
            {
                plan.change.push(described(id, group));
            }
        }
        // Whom a delta does not name may be in a group that it does not name.
        if wanted.remove_unused && self.bound.mapping().kind == FeedKind::Full {
            plan.delete = known
                .into_values()
                .filter(|group| group.is_created && group.feed == Some(self.mapping_key))
                .filter(|group| named.get(&group.id).is_none())
                .map(|group| group.id)
                .collect();
        }
        Ok(FeedGroups {
            named,
            absent,
            plan,
        })
    }

    /// The groups that the scope knows, by external ID.
    fn known_groups(&self) -> Result<BTreeMap<String, KnownGroup>, JournalError> {
        let groups = match &self.journal {
            Some(journal) => journal.groups(&self.scope)?,
            None => Vec::new(),
        };
        Ok(groups
            .into_iter()
            .map(|group| (group.id.clone(), group))
            .collect())
    }
}

/// The groups that must exist before something is sent, and their parents.
fn needed<'n>(named: &'n NamedGroups, rows: &RowTable) -> BTreeSet<&'n str> {
    let is_needed = |group: &NamedGroup| {
        let mut of_rows = group.rows.iter();
        of_rows.any(|row| rows.state(*row).needs_groups())
    };
    named
        .iter()
        .filter(|(_, group)| is_needed(group))
        .flat_map(|(id, group)| std::iter::once(id).chain(group.parent.as_deref()))
        .collect()
}

fn described(id: &str, group: &NamedGroup) -> Group {
    Group {
        id: id.to_owned(),
        kind: group.kind.clone().unwrap_or_default(),
        name: group.name.clone(),
        parent: group.parent.clone(),
    }
}

/// What was done with groups, a sentence for each kind of change.
pub(super) fn summarize(done: &GroupsDone) -> Vec<String> {
    let list = |ids: &[String]| {
        let shown: Vec<_> = ids.iter().take(5).map(|id| format!("`{id}`")).collect();
        match ids.len().saturating_sub(5) {
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    };
    let mut notes = Vec::new();
    for (what, ids) in [
        ("groups created", &done.created),
        ("groups with a new name or parent", &done.changed),
        (
            "groups deleted because the feed no longer names them",
            &done.deleted,
        ),
    ] {
        if !ids.is_empty() {
            notes.push(format!("{what}: {}", list(ids)));
        }
    }
    notes.extend(
        done.refused
            .iter()
            .map(|(id, why)| format!("group `{id}` is unchanged: {why}")),
    );
    notes
}

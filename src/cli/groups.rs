//! The user groups of the feed, held against those that are there.

use std::collections::{BTreeMap, BTreeSet};

use super::exit::Failure;
use crate::event::Listener;
use crate::journal::{FeedKey, GroupNow, Journal, KnownGroup, Scope, Writer};
use crate::mapping::Groups;
use crate::plan::{NamedGroup, NamedGroups, RowState, RowTable};
use crate::targets::Group;
use crate::upload::{GroupPlan, GroupsDone, Uploader};

/// Finds out which groups must be made, changed or deleted. Rows that name one
/// which is not there and is not to be made are rejected: nothing is sent for
/// them. What the target shows is noted where there is a writer.
pub(super) fn plan_groups(
    (journal, writer): (Option<&Journal>, Option<&Writer>),
    (scope, feed): (&Scope, FeedKey),
    wanted: Groups,
    named: NamedGroups,
    rows: &mut RowTable,
    uploader: &mut Uploader,
    listener: &mut dyn Listener,
) -> Result<GroupPlan, Failure> {
    let named = named.with_parents();
    let known: BTreeMap<String, KnownGroup> = journal
        .map(|journal| journal.groups(scope))
        .transpose()?
        .unwrap_or_default()
        .into_iter()
        .map(|group| (group.id.clone(), group))
        .collect();
    let is_needed = |group: &NamedGroup| {
        group.rows.iter().any(|row| {
            !matches!(
                rows.state(*row),
                RowState::Unchanged | RowState::Rejected | RowState::Settled
            )
        })
    };
    // Those above one that is needed are needed, too.
    let needed: BTreeSet<&str> = named
        .iter()
        .filter(|(_, group)| is_needed(group))
        .flat_map(|(id, group)| std::iter::once(id).chain(group.parent.as_deref()))
        .collect();
    let unknown: Vec<&str> = needed
        .into_iter()
        .filter(|id| !known.contains_key(*id))
        .collect();
    let there = uploader.existing_groups(&unknown, listener)?;

    let mut plan = GroupPlan::default();
    let mut to_make = BTreeSet::new();
    for (id, is_there) in unknown.iter().copied().zip(there) {
        let Some(group) = named.get(id) else {
            continue;
        };
        if is_there {
            if let Some(writer) = writer {
                let now = GroupNow::There {
                    made: false,
                    fingerprint: None,
                };
                writer.group(scope, feed, id, now)?;
            }
            if group.fingerprint().is_some() {
                plan.change.push(described(id, group));
            }
        } else if wanted.create && group.kind.is_some() {
            to_make.insert(id);
        } else {
            rows.no_such_group(id, &group.rows);
        }
    }
    plan.make = named
        .from_the_top(&to_make)
        .into_iter()
        .filter_map(|id| Some(described(id, named.get(id)?)))
        .collect();
    for (id, group) in named.iter() {
        let (Some(known), Some(said)) = (known.get(id), group.fingerprint()) else {
            continue;
        };
        if known.fingerprint != Some(said) {
            plan.change.push(described(id, group));
        }
    }
    if wanted.remove_unused {
        plan.delete = known
            .values()
            .filter(|group| group.is_made && group.feed == Some(feed))
            .filter(|group| named.get(&group.id).is_none())
            .map(|group| group.id.clone())
            .collect();
    }
    Ok(plan)
}

fn described(id: &str, group: &NamedGroup) -> Group {
    Group {
        id: id.to_owned(),
        kind: group.kind.clone().unwrap_or_default(),
        name: group.name.clone(),
        parent: group.parent.clone(),
    }
}

/// What was done with groups, a sentence for each kind of it.
pub(super) fn told(done: &GroupsDone) -> Vec<String> {
    let list = |ids: &[String]| {
        let shown: Vec<_> = ids.iter().take(5).map(|id| format!("`{id}`")).collect();
        match ids.len().saturating_sub(5) {
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    };
    let mut notes = Vec::new();
    for (what, ids) in [
        ("groups made", &done.made),
        ("groups with a new name or parent", &done.changed),
        (
            "groups deleted, since the feed no longer names them",
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
            .map(|(id, why)| format!("group `{id}` stays as it is: {why}")),
    );
    notes
}

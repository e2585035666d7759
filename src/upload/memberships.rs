//! Who comes into which group and who leaves which, gathered until many can be
//! done in one call.

use std::collections::{BTreeMap, HashMap};

use super::UploadError;
use super::recorder::RunRecorder;
use crate::event::{Event, Listener};
use crate::model::{Action, ExternalId, Outcome, RowNumber};

/// Somebody who comes into a group or leaves it.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) row: RowNumber,
    pub(super) external_id: ExternalId,
}

/// What is gathered; a row is done when all of its groups are.
#[derive(Debug, Default)]
pub struct Memberships {
    /// By whether the group is left, and its external ID: people come into
    /// groups before they leave others, so that nobody is in none meanwhile.
    queues: BTreeMap<(bool, String), Vec<Member>>,
    open: HashMap<RowNumber, Open>,
    refused: HashMap<RowNumber, (Outcome, String)>,
}

/// A row that is done but for its groups.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    /// How many of its groups are not done; [`Memberships::add`] counts them.
    pub(super) groups: u32,
    pub(super) action: Action,
    pub(super) outcome: Outcome,
    /// A listener knows the outcome already.
    pub(super) is_announced: bool,
}

impl Memberships {
    /// Takes the groups of a row that is done but for them.
    pub(super) fn add(
        &mut self,
        member: &Member,
        mut open: Open,
        groups_to_join: Vec<String>,
        groups_to_leave: Vec<String>,
    ) {
        let groups = groups_to_join.len() + groups_to_leave.len();
        open.groups = u32::try_from(groups).unwrap_or(u32::MAX);
        self.open.insert(member.row, open);
        let join = groups_to_join.into_iter().map(|group| (false, group));
        let leave = groups_to_leave.into_iter().map(|group| (true, group));
        for queue in join.chain(leave) {
            self.queues.entry(queue).or_default().push(member.clone());
        }
    }

    /// Takes over what later changes of the same run left.
    pub fn extend(&mut self, more: Self) {
        for (queue, members) in more.queues {
            self.queues.entry(queue).or_default().extend(members);
        }
        self.open.extend(more.open);
        self.refused.extend(more.refused);
    }

    /// Whether nobody comes into a group or leaves one.
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// The groups that somebody comes into.
    pub(super) fn joined(&self) -> impl Iterator<Item = &str> {
        self.queues
            .keys()
            .filter(|(leave, _)| !leave)
            .map(|(_, group)| group.as_str())
    }

    /// The next group with its people, and whether they leave it.
    pub(super) fn pop(&mut self) -> Option<(bool, String, Vec<Member>)> {
        let ((leave, group), members) = self.queues.pop_first()?;
        Some((leave, group, members))
    }

    /// One group of a row is done, or `refused` says how the row ends and why.
    pub(super) fn done(
        &mut self,
        member: &Member,
        refused: Option<(Outcome, String)>,
        record: &RunRecorder,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError> {
        if let Some(refused) = refused {
            self.refused.entry(member.row).or_insert(refused);
        }
        let Some(open) = self.open.get_mut(&member.row) else {
            return Ok(());
        };
        open.groups = open.groups.saturating_sub(1);
        if open.groups > 0 {
            return Ok(());
        }
        let Open {
            action,
            outcome: expected,
            is_announced,
            ..
        } = *open;
        self.open.remove(&member.row);
        let refused = self.refused.remove(&member.row);
        // The row counts as refused, and the LMS has the rest of it.
        let all_the_same = match expected {
            Outcome::Created => " (the person was created even so)",
            Outcome::Updated => " (the person was updated even so)",
            _ => "",
        };
        let refused = refused.map(|(outcome, why)| (outcome, why + all_the_same));
        let outcome = refused.as_ref().map_or(expected, |(outcome, _)| *outcome);
        let id = &member.external_id;
        record.writer.joined(record.run, member.row, id, refused)?;
        if !is_announced || outcome != expected {
            listener.on_event(&Event::Settled {
                row: Some(member.row),
                external_id: id,
                action,
                outcome,
                instead_of: is_announced.then_some(expected),
            });
        }
        Ok(())
    }
}

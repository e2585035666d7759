//! Who is sent first: whom the LMS refused in an earlier run comes after all others, or
//! the same few would end each run before the others are sent.

use std::collections::HashMap;

use super::prepare::Prepared;
use super::{RunError, Stages};
use crate::journal::RefusedBefore;
use crate::mapping::Leavers;
use crate::upload::RunRecorder;

/// The turns, by how the LMS refused those who are sent in them in an earlier run.
const TURNS: [Option<RefusedBefore>; 3] = [
    None,
    Some(RefusedBefore::WithOthers),
    Some(RefusedBefore::Alone),
];

impl Stages<'_> {
    /// Makes all changes, in turns.
    pub(super) fn send_in_turns(
        &mut self,
        prepared: &mut Prepared,
        recorder: &RunRecorder,
    ) -> Result<(), RunError> {
        let refused = self.journal()?.refused(&self.scope)?;
        let mut before: HashMap<_, _> = refused.into_iter().collect();
        // For some of them others wait, and lost people are judged together.
        for id in prepared.rows.leavers_waited_for() {
            before.remove(&id);
        }
        before.retain(|id, _| prepared.earlier.lost(id).is_none());
        let mut leavers = std::mem::take(&mut prepared.plan.leavers);
        if self.bound.mapping().leavers != Leavers::Ignore {
            self.leavers_due = Some(leavers.len() as u64);
        }
        let turns = TURNS.map(|turn| {
            let ids = before.iter().filter(|(_, before)| Some(**before) == turn);
            let waves = match turn {
                None => 0..prepared.rows.waves(),
                Some(_) => prepared.rows.put_last(ids.map(|(id, _)| id.as_str())),
            };
            (turn, waves)
        });
        for (turn, waves) in turns {
            self.uploader.sends(turn);
            // First those who leave: their logins are free then.
            let leaving = leavers.extract_if(.., |id| before.get(id).copied() == turn);
            self.send_leavers(leaving.collect(), prepared, recorder)?;
            let mut sent = self.send_changes(prepared, waves, recorder)?;
            let lost = std::mem::take(&mut sent.lost);
            if turn.is_none() || !lost.is_empty() {
                let more = self.send_lost(prepared, lost, recorder)?;
                sent.memberships.extend(more);
            }
            self.send_groups(&mut prepared.groups, sent.memberships, recorder)?;
        }
        Ok(())
    }
}

//! In which order rows are sent: the person who takes over a login or an external
//! ID comes after the one who gives it up.

use std::collections::HashMap;

use super::detail::After;
use super::rows::{RowState, RowTable};
use crate::validate::unique::RowIndex;

/// The most rows that wait for one another in one run. Each step reads the feed
/// once more; what waits longer is sent by the next runs.
const MAX_WAVES: u16 = 8;

/// Why a row cannot be sent in this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// What it waits for is held.
    Held,
    /// What it waits for is not going to be sent.
    NotSent,
    /// It waits for itself, by way of others.
    Cycle,
    /// Too many rows come before it.
    TooDeep,
}

/// Gives each row that waits its place. Returns the rows that cannot be sent.
pub fn arrange(rows: &mut RowTable, waiting: &[RowIndex]) -> Vec<(RowIndex, Blocked)> {
    let after: HashMap<RowIndex, Option<RowIndex>> = (waiting.iter())
        .filter_map(|row| match rows.detail(*row)?.after.as_ref()? {
            After::Row(other) => Some((*row, Some(*other))),
            // Leavers leave before anybody is sent.
            After::Leaver(_) => Some((*row, None)),
        })
        .collect();
    let mut blocked = Vec::new();
    for (&row, first) in &after {
        let (mut depth, mut next) = (1, *first);
        let place = loop {
            let Some(other) = next else { break Ok(depth) };
            match rows.state(other) {
                _ if other == row => break Err(Blocked::Cycle),
                RowState::Held => break Err(Blocked::Held),
                RowState::New | RowState::Changed | RowState::Adopt | RowState::Rekey => {}
                state if state.is_under_way() => {}
                RowState::Settled => break Ok(depth),
                _ => break Err(Blocked::NotSent),
            }
            if depth > MAX_WAVES {
                // A cycle that the row is not part of ends here, too.
                break Err(Blocked::TooDeep);
            }
            next = match after.get(&other) {
                Some(other) => {
                    depth += 1;
                    *other
                }
                None => break Ok(depth),
            };
        };
        match place {
            Ok(depth) => rows.detail_mut(row).wave = depth,
            Err(why) => blocked.push((row, why)),
        }
    }
    blocked.sort_unstable_by_key(|(row, _)| *row);
    blocked
}

/// Those of these rows, sorted, that wait for one another in a circle.
#[must_use]
pub fn in_cycles(rows: &RowTable, waiting: &[RowIndex]) -> Vec<RowIndex> {
    let after = |row: RowIndex| match rows.detail(row)?.after.as_ref()? {
        After::Row(other) => waiting.binary_search(other).ok().map(|_| *other),
        After::Leaver(_) => None,
    };
    let mut in_cycles = Vec::new();
    // By row: from which row it was reached first.
    let mut reached: HashMap<RowIndex, RowIndex> = HashMap::new();
    for &start in waiting {
        let mut row = start;
        while !reached.contains_key(&row) {
            reached.insert(row, start);
            match after(row) {
                Some(next) => row = next,
                None => break,
            }
        }
        // Only a circle leads back to a row of the same way.
        let is_back = reached.get(&row) == Some(&start) && after(row).is_some();
        if is_back {
            let first = row;
            loop {
                in_cycles.push(row);
                match after(row) {
                    Some(next) if next != first => row = next,
                    _ => break,
                }
            }
        }
    }
    in_cycles.sort_unstable();
    in_cycles
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mapping::{Duplicates, Variants};
    use crate::model::HoldKind;
    use crate::plan::rows::Batch;
    use crate::validate::unique::Comparison;

    /// That many new rows; the pairs say which waits for which.
    fn rows(count: u32, after: &[(RowIndex, RowIndex)]) -> (RowTable, Vec<RowIndex>) {
        let comparison = Comparison::new(1, Variants::Same);
        let mut rows = RowTable::new(1, comparison, 0, true);
        rows.extend(Batch {
            numbers: (2..).take(count as usize).collect(),
            rejected: vec![false; count as usize],
            fingerprints: (0..u128::from(count)).collect(),
            shapes: vec![3; count as usize],
            keys: vec![
                (0..count)
                    .map(|row| Some(comparison.key(&format!("R{row}"))))
                    .collect(),
            ],
            ..Batch::default()
        });
        rows.settle_duplicates(Duplicates::Reject);
        for (row, other) in after {
            rows.detail_mut(*row).after = Some(After::Row(*other));
        }
        let waiting = after.iter().map(|(row, _)| *row).collect();
        (rows, waiting)
    }

    fn wave(rows: &RowTable, row: RowIndex) -> u16 {
        rows.detail(row).map_or(0, |detail| detail.wave)
    }

    #[test]
    fn a_row_comes_after_the_one_that_it_waits_for() {
        let (mut rows, waiting) = rows(3, &[(0, 1), (1, 2)]);
        assert_eq!(arrange(&mut rows, &waiting), []);
        assert_eq!([0, 1, 2].map(|row| wave(&rows, row)), [2, 1, 0]);
        assert_eq!(rows.waves(), 3);
        assert_eq!(rows.rows_of_wave(1), [1]);
    }

    #[test]
    fn whoever_waits_for_a_leaver_comes_after_the_leavers() {
        let (mut rows, _) = rows(1, &[]);
        rows.detail_mut(0).after = Some(After::Leaver("E1".into()));
        assert_eq!(arrange(&mut rows, &[0]), []);
        assert_eq!(wave(&rows, 0), 1);
    }

    #[test]
    fn who_waits_for_each_other_is_not_sent() {
        let (mut rows, waiting) = rows(3, &[(0, 1), (1, 0), (2, 0)]);
        let blocked = arrange(&mut rows, &waiting);
        assert_eq!(blocked[..2], [(0, Blocked::Cycle), (1, Blocked::Cycle)]);
        assert_eq!(blocked[2].0, 2);
    }

    #[test]
    fn who_waits_for_somebody_held_is_held_and_for_somebody_rejected_is_not_sent() {
        let (mut held, waiting) = rows(2, &[(0, 1)]);
        held.hold(1, HoldKind::Updates);
        assert_eq!(arrange(&mut held, &waiting), [(0, Blocked::Held)]);
        let (mut rejected, waiting) = rows(2, &[(0, 1)]);
        rejected.reject(1, crate::model::Rule::Email);
        assert_eq!(arrange(&mut rejected, &waiting), [(0, Blocked::NotSent)]);
    }

    #[test]
    fn a_circle_is_found_and_not_what_leads_to_it() {
        let (rows, waiting) = rows(7, &[(0, 1), (1, 2), (2, 1), (3, 4), (5, 5)]);
        assert_eq!(in_cycles(&rows, &waiting), [1, 2, 5]);
    }

    proptest! {
        #[test]
        fn whoever_is_in_a_circle_comes_back_and_nobody_else_does(
            after in prop::collection::btree_map(0_u32..12, 0_u32..12, 0..12),
        ) {
            let pairs: Vec<_> = after.iter().map(|(row, other)| (*row, *other)).collect();
            let (rows, waiting) = rows(12, &pairs);
            let comes_back = |row: &RowIndex| {
                let ways = std::iter::successors(after.get(row), |it| after.get(it));
                ways.take(12).any(|it| it == row)
            };
            let expected: Vec<_> = (0..12).filter(comes_back).collect();
            prop_assert_eq!(in_cycles(&rows, &waiting), expected);
        }

        #[test]
        fn no_row_is_sent_before_the_one_that_it_waits_for(
            after in prop::collection::btree_map(0_u32..12, 0_u32..12, 0..12),
        ) {
            let after: Vec<_> = after.into_iter().collect();
            let (mut rows, waiting) = rows(12, &after);
            let blocked: Vec<_> = arrange(&mut rows, &waiting)
                .into_iter()
                .map(|(row, _)| row)
                .collect();
            for (row, other) in after {
                if blocked.contains(&row) {
                    continue;
                }
                prop_assert!(!blocked.contains(&other), "{} waits for {}", row, other);
                prop_assert!(wave(&rows, row) > wave(&rows, other));
            }
        }
    }
}

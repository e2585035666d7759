//! The guards as tables: what a run would change, against what the mapping
//! lets through.

use std::fmt::Write as _;

use super::*;
use crate::mapping::{Allowance, Duplicates, Variants};
use crate::model::Action;
use crate::plan::rows::Batch;
use crate::validate::unique::Comparison;

#[path = "guards_property_tests.rs"]
mod properties;

/// A limit of one run.
const fn limit(bound: Allowance) -> Limit {
    Limit { bound, days: None }
}

/// What a run would do with its rows, one count for each state.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    new: usize,
    changed: usize,
    adopt: usize,
    unchanged: usize,
    rejected: usize,
    /// In no state that a guard counts: an earlier run sent or settled them.
    earlier: usize,
}

impl Counts {
    fn rows(self) -> usize {
        self.new + self.changed + self.adopt + self.unchanged + self.rejected + self.earlier
    }

    /// Rows in these states, once people and target were held against them.
    fn table(self) -> RowTable {
        let ids: Vec<_> = (0..self.rows()).map(|number| number.to_string()).collect();
        let comparison = Comparison::new(1, Variants::Same);
        let mut table = RowTable::new(1, comparison, ids.len(), false);
        table.extend(Batch {
            numbers: (2..).take(ids.len()).collect(),
            rejected: (0..ids.len()).map(|row| row < self.rejected).collect(),
            keys: vec![ids.iter().map(|id| Some(comparison.key(id))).collect()],
            ..Batch::default()
        });
        table.settle_duplicates(Duplicates::Reject);
        let mut next = (0..).zip(&ids).skip(self.rejected);
        for (row, _) in next.by_ref().take(self.changed) {
            table.mark_present(row, false);
        }
        for (row, _) in next.by_ref().take(self.unchanged) {
            table.mark_present(row, true);
        }
        for (_, id) in next.by_ref().take(self.adopt) {
            table.note_candidate(0, id, id, id.clone());
        }
        for (row, _) in next.by_ref().take(self.earlier) {
            match row % 4 {
                0 => table.mark_settled(row),
                1 => table.mark_unknown(row, Action::Create),
                2 => table.mark_unknown(row, Action::Adopt),
                _ => table.mark_unknown(row, Action::Update),
            }
        }
        table.adopt();
        table
    }
}

/// All that [`hold`] decides from.
#[derive(Clone, Debug)]
struct Case {
    guards: Guards,
    allowed: Vec<Guard>,
    rows: Counts,
    /// People whom this feed named before, and how many of them it no longer
    /// names.
    named: u64,
    leavers: usize,
    action: Leavers,
    unidentified: u64,
    under_other_keys: u64,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            guards: Guards::default(),
            allowed: Vec::new(),
            rows: Counts::default(),
            named: 0,
            leavers: 0,
            action: Leavers::Delete,
            unidentified: 0,
            under_other_keys: 0,
        }
    }
}

/// What [`hold`] decided.
struct Decided {
    held: Vec<Held>,
    table: RowTable,
    leavers: usize,
}

impl Case {
    fn decide(&self) -> Decided {
        let mut table = self.rows.table();
        let mut leavers: Vec<_> = (0..self.leavers)
            .map(|number| ExternalId::known(&format!("L{number}")))
            .collect();
        let held = hold(
            &self.guards,
            &self.allowed,
            &mut table,
            &mut Circumstances {
                leavers: &mut leavers,
                action: self.action,
                named_before: self.named,
                unidentified: self.unidentified,
                under_other_keys: self.under_other_keys,
            },
        );
        Decided {
            held,
            table,
            leavers: leavers.len(),
        }
    }
}

/// Which guards hold how many changes, or that nothing is held.
fn in_short(held: &[Held]) -> String {
    if held.is_empty() {
        return "passes".into();
    }
    let guards: Vec<_> = held
        .iter()
        .map(|held| format!("{} holds {}", held.guard.word(), held.changes))
        .collect();
    guards.join(", ")
}

fn allowances(allowed: &[Guard]) -> String {
    let words: Vec<_> = allowed.iter().map(|guard| guard.word()).collect();
    words.join(",")
}

#[test]
fn a_feed_that_is_too_short_or_too_wrong_is_held_and_exactly_the_bound_passes() {
    let default = Guards::default();
    let min = |min_rows| Guards {
        min_rows,
        ..default
    };
    let max = |max_rejected| Guards {
        max_rejected: limit(max_rejected),
        is_max_rejected_written: true,
        ..default
    };
    let one_percent = max(Allowance::Percent(1.0));
    let none_wrong = max(Allowance::Number(0));
    let cases: &[(usize, usize, Guards, &[Guard])] = &[
        (0, 0, default, &[]),
        (0, 0, default, &[Guard::Rows]),
        (0, 0, min(0), &[]),
        (1, 0, default, &[]),
        (19, 0, min(20), &[]),
        (20, 0, min(20), &[]),
        (19, 0, min(20), &[Guard::Rejected]),
        (19, 0, min(20), &[Guard::Rows]),
        // The smaller evil is said first; approving it does not approve the other.
        (60, 55, min(100), &[]),
        (60, 55, min(100), &[Guard::Rows]),
        (60, 55, min(100), &[Guard::Rows, Guard::Rejected]),
        // By default 10%, and 50 rows in any case.
        (50, 50, default, &[]),
        (60, 51, default, &[]),
        (509, 51, default, &[]),
        (510, 51, default, &[]),
        (100, 1, one_percent, &[]),
        (99, 1, one_percent, &[]),
        (100, 2, one_percent, &[]),
        (100, 0, none_wrong, &[]),
        (100, 1, none_wrong, &[]),
        (100, 1, none_wrong, &[Guard::Rejected]),
        (100, 1, none_wrong, &[Guard::Leavers]),
    ];
    let mut table = String::from("rows wrong  min_rows max_rejected  allowed\n");
    for (rows, rejected, guards, allowed) in cases {
        let feed_of = Counts {
            new: rows - rejected,
            rejected: *rejected,
            ..Counts::default()
        };
        let held = feed(guards, allowed, &feed_of.table());
        let decision = held.map_or("passes".into(), |held| {
            format!("nothing is sent: {}", held.guard.word())
        });
        writeln!(
            table,
            "{rows:>4} {rejected:>5}  {:>8} {:>12}  {:<13}  {decision}",
            guards.min_rows,
            short(guards.max_rejected.bound),
            allowances(allowed),
        )
        .unwrap();
    }
    insta::assert_snapshot!(table, @"
    rows wrong  min_rows max_rejected  allowed
       0     0         1          10%                 nothing is sent: rows
       0     0         1          10%  rows           passes
       0     0         0          10%                 passes
       1     0         1          10%                 passes
      19     0        20          10%                 nothing is sent: rows
      20     0        20          10%                 passes
      19     0        20          10%  rejected       nothing is sent: rows
      19     0        20          10%  rows           passes
      60    55       100          10%                 nothing is sent: rows
      60    55       100          10%  rows           nothing is sent: rejected
      60    55       100          10%  rows,rejected  passes
      50    50         1          10%                 passes
      60    51         1          10%                 nothing is sent: rejected
     509    51         1          10%                 nothing is sent: rejected
     510    51         1          10%                 passes
     100     1         1           1%                 passes
      99     1         1           1%                 nothing is sent: rejected
     100     2         1           1%                 nothing is sent: rejected
     100     0         1            0                 passes
     100     1         1            0                 nothing is sent: rejected
     100     1         1            0  rejected       passes
     100     1         1            0  leavers        nothing is sent: rejected
    ");
}

/// A bound in few letters.
fn short(bound: Allowance) -> String {
    match bound {
        Allowance::Number(most) => most.to_string(),
        Allowance::Percent(percent) => format!("{percent}%"),
    }
}

#[test]
fn leavers_beyond_the_bound_stay_all_of_them_and_exactly_the_bound_goes() {
    let percent = Allowance::Percent;
    let number = Allowance::Number;
    let cases: &[(u64, usize, Allowance, u64, &[Guard])] = &[
        // People known, leavers, bound, rows without an ID, allowed.
        (100, 0, number(0), 0, &[]),
        (100, 1, number(0), 0, &[]),
        (100, 20, number(20), 0, &[]),
        (100, 21, number(20), 0, &[]),
        (100, 21, number(20), 0, &[Guard::Leavers]),
        (100, 21, number(20), 0, &[Guard::Creates, Guard::Rows]),
        (100, 5, percent(5.0), 0, &[]),
        (100, 6, percent(5.0), 0, &[]),
        (119, 6, percent(5.0), 0, &[]),
        (120, 6, percent(5.0), 0, &[]),
        (19, 1, percent(5.0), 0, &[]),
        (20, 1, percent(5.0), 0, &[]),
        (1_000, 4, percent(0.4), 0, &[]),
        (1_000, 5, percent(0.4), 0, &[]),
        (10, 10, percent(100.0), 0, &[]),
        (10, 1, percent(0.0), 0, &[]),
        // Five people in any case, but no more than half.
        (10, 5, percent(5.0), 0, &[]),
        (9, 5, percent(5.0), 0, &[]),
        (9, 4, percent(5.0), 0, &[]),
        // A row that nobody can read may be any of them.
        (100, 1, number(20), 1, &[]),
        (100, 2, number(20), 3, &[]),
        (100, 2, number(20), 3, &[Guard::Leavers]),
        (100, 2, number(20), 3, &[Guard::Rejected]),
        (100, 0, number(20), 3, &[]),
        (100, 21, number(20), 3, &[]),
    ];
    let mut table = String::from("known leavers  max_leavers unreadable  allowed       go\n");
    for &(named, leavers, max_leavers, unidentified, allowed) in cases {
        let decided = Case {
            guards: Guards {
                max_leavers: limit(max_leavers),
                ..Guards::default()
            },
            allowed: allowed.to_vec(),
            named,
            leavers,
            unidentified,
            ..Case::default()
        }
        .decide();
        writeln!(
            table,
            "{named:>5} {leavers:>7}  {:>11} {unidentified:>10}  {:<12}  {:>2}  {}",
            short(max_leavers),
            allowances(allowed),
            decided.leavers,
            in_short(&decided.held)
        )
        .unwrap();
    }
    insta::assert_snapshot!(table, @"
    known leavers  max_leavers unreadable  allowed       go
      100       0            0          0                 0  passes
      100       1            0          0                 0  leavers holds 1
      100      20           20          0                20  passes
      100      21           20          0                 0  leavers holds 21
      100      21           20          0  leavers       21  passes
      100      21           20          0  creates,rows   0  leavers holds 21
      100       5           5%          0                 5  passes
      100       6           5%          0                 0  leavers holds 6
      119       6           5%          0                 0  leavers holds 6
      120       6           5%          0                 6  passes
       19       1           5%          0                 1  passes
       20       1           5%          0                 1  passes
     1000       4         0.4%          0                 4  passes
     1000       5         0.4%          0                 5  passes
       10      10         100%          0                10  passes
       10       1           0%          0                 0  leavers holds 1
       10       5           5%          0                 5  passes
        9       5           5%          0                 0  leavers holds 5
        9       4           5%          0                 4  passes
      100       1           20          1                 0  leavers holds 1
      100       2           20          3                 0  leavers holds 2
      100       2           20          3  leavers        2  passes
      100       2           20          3  rejected       0  leavers holds 2
      100       0           20          3                 0  passes
      100      21           20          3                 0  leavers holds 21
    ");
}

#[test]
fn leavers_that_the_mapping_ignores_are_nobody_s_and_hold_nothing() {
    let case = |action| Case {
        named: 10,
        leavers: 10,
        unidentified: 1,
        action,
        ..Case::default()
    };
    let ignored = case(Leavers::Ignore).decide();
    assert_eq!((ignored.leavers, ignored.held), (0, Vec::new()));
    for action in [
        Leavers::Delete,
        Leavers::Deactivate { archive: false },
        Leavers::Deactivate { archive: true },
    ] {
        let decided = case(action).decide();
        assert_eq!((decided.leavers, decided.held.len()), (0, 1), "{action:?}");
    }
}

#[test]
fn creates_and_updates_beyond_their_bound_are_held_each_kind_for_itself() {
    let all = Allowance::Percent(100.0);
    let bounds = |creates: Option<_>, updates: Option<_>| Guards {
        max_creates: limit(creates.unwrap_or(all)),
        max_updates: limit(updates.unwrap_or(all)),
        ..Guards::default()
    };
    let rows = |new, changed, adopt, unchanged| Counts {
        new,
        changed,
        adopt,
        unchanged,
        ..Counts::default()
    };
    let (number, percent) = (Allowance::Number, Allowance::Percent);
    let ten = Some(number(10));
    let half = Some(percent(50.0));
    let cases: &[(Counts, Guards, u64, &[Guard])] = &[
        // Without a bound everybody may be new, or other.
        (rows(100, 0, 0, 0), bounds(None, None), 0, &[]),
        (rows(0, 90, 10, 0), bounds(None, None), 0, &[]),
        (rows(10, 0, 0, 0), bounds(ten, None), 0, &[]),
        (rows(11, 0, 0, 0), bounds(ten, None), 0, &[]),
        (rows(11, 0, 0, 0), bounds(ten, None), 0, &[Guard::Creates]),
        (rows(11, 0, 0, 0), bounds(ten, None), 0, &[Guard::Updates]),
        (rows(50, 0, 0, 50), bounds(half, None), 0, &[]),
        (rows(51, 0, 0, 49), bounds(half, None), 0, &[]),
        // Whoever is adopted is changed.
        (rows(0, 5, 5, 0), bounds(None, ten), 0, &[]),
        (rows(0, 5, 6, 0), bounds(None, ten), 0, &[]),
        (rows(0, 5, 6, 0), bounds(None, ten), 0, &[Guard::Updates]),
        (rows(40, 11, 0, 0), bounds(ten, ten), 0, &[]),
        (rows(40, 11, 0, 0), bounds(ten, ten), 0, &[Guard::Creates]),
        (rows(9, 11, 0, 0), bounds(ten, ten), 0, &[]),
        // The key may have replaced another.
        (rows(3, 2, 0, 1), bounds(None, None), 7, &[]),
        (rows(3, 2, 0, 1), bounds(None, None), 7, &[Guard::Creates]),
        (rows(0, 2, 0, 1), bounds(None, None), 7, &[]),
        (rows(40, 11, 0, 0), bounds(ten, ten), 7, &[]),
    ];
    let mut table = String::from(
        "new changed adopted same  max_creates max_updates other-key  allowed  wait\n",
    );
    for (rows, guards, under_other_keys, allowed) in cases {
        let decided = Case {
            guards: *guards,
            allowed: allowed.to_vec(),
            rows: *rows,
            under_other_keys: *under_other_keys,
            named: 100,
            ..Case::default()
        }
        .decide();
        writeln!(
            table,
            "{:>3} {:>7} {:>7} {:>4}  {:>11} {:>11} {under_other_keys:>9}  {:<7}  {:>4}  {}",
            rows.new,
            rows.changed,
            rows.adopt,
            rows.unchanged,
            short(guards.max_creates.bound),
            short(guards.max_updates.bound),
            allowances(allowed),
            decided.table.count(RowState::Held),
            in_short(&decided.held)
        )
        .unwrap();
    }
    insta::assert_snapshot!(table, @"
    new changed adopted same  max_creates max_updates other-key  allowed  wait
    100       0       0    0         100%        100%         0              0  passes
      0      90      10    0         100%        100%         0              0  passes
     10       0       0    0           10        100%         0              0  passes
     11       0       0    0           10        100%         0             11  creates holds 11
     11       0       0    0           10        100%         0  creates     0  passes
     11       0       0    0           10        100%         0  updates    11  creates holds 11
     50       0       0   50          50%        100%         0              0  passes
     51       0       0   49          50%        100%         0             51  creates holds 51
      0       5       5    0         100%          10         0              0  passes
      0       5       6    0         100%          10         0             11  updates holds 11
      0       5       6    0         100%          10         0  updates     0  passes
     40      11       0    0           10          10         0             51  creates holds 40, updates holds 11
     40      11       0    0           10          10         0  creates    11  updates holds 11
      9      11       0    0           10          10         0             11  updates holds 11
      3       2       0    1         100%        100%         7              3  creates holds 3
      3       2       0    1         100%        100%         7  creates     0  passes
      0       2       0    1         100%        100%         7              0  passes
     40      11       0    0           10          10         7             51  creates holds 40, updates holds 11
    ");
}

#[test]
fn whoever_must_approve_reads_how_many_of_how_many_and_which_bound() {
    let ten = Allowance::Number(10);
    let feed_of = |new, rejected| Counts {
        new,
        rejected,
        ..Counts::default()
    };
    let guards = Guards {
        min_rows: 2,
        max_creates: limit(ten),
        max_updates: limit(ten),
        ..Guards::default()
    };
    let too_short = feed(&guards, &[], &feed_of(1, 0).table());
    let too_wrong = feed(&guards, &[], &feed_of(9, 51).table());
    let beyond = Case {
        guards,
        rows: Counts {
            new: 11,
            changed: 12,
            ..Counts::default()
        },
        named: 110,
        leavers: 6,
        ..Case::default()
    };
    let unreadable = |unidentified| Case {
        named: 40,
        leavers: 2,
        unidentified,
        ..Case::default()
    };
    let other_key = Case {
        rows: feed_of(3, 0),
        under_other_keys: 7,
        ..Case::default()
    };
    let cases = [beyond, unreadable(1), unreadable(3), other_key];
    let held = cases.iter().flat_map(|case| case.decide().held);
    let sentences: Vec<_> = too_short
        .into_iter()
        .chain(too_wrong)
        .chain(held)
        .map(|held| format!("{}: {}", held.guard.word(), held.why))
        .collect();
    insta::assert_snapshot!(sentences.join("\n"), @"
    rows: the feed has 1 row; the minimum is 2 (`min_rows`)
    rejected: 51 of 60 rows are invalid; the limit is 10% (`max_rejected`)
    creates: 11 of 23 people would be created; the limit is 10 (`max_creates`)
    updates: 12 of 23 people would be updated; the limit is 10 (`max_updates`)
    leavers: 6 of 110 people are missing from the feed; the limit is 5% (`max_leavers`)
    leavers: 2 people are missing from the feed, but could be in 1 row without a readable external ID
    leavers: 2 people are missing from the feed, but could be in 3 rows without a readable external ID
    creates: the journal has 7 people for another API key of this LMS and nobody for this one; if this key replaced the other, 3 new people would be created twice (external IDs belong to a key)
    ");
}

#[test]
fn rows_that_an_earlier_run_sent_are_held_by_no_guard() {
    let none = limit(Allowance::Number(0));
    let decided = Case {
        guards: Guards {
            max_creates: none,
            max_updates: none,
            ..Guards::default()
        },
        rows: Counts {
            earlier: 8,
            ..Counts::default()
        },
        under_other_keys: 3,
        named: 100,
        ..Case::default()
    }
    .decide();
    assert_eq!(decided.held, []);
    assert_eq!(decided.table.count(RowState::Held), 0);
}

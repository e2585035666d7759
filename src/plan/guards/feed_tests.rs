//! Sick feeds as tables.

use std::fmt::Write as _;

use super::super::tests::{allowed, limit};
use super::*;
use crate::model::RowNumber;
use crate::plan::profile::ColumnProfile;

/// What makes a feed sick, or that nothing does.
fn sick_in_short(sick: &[Sick]) -> String {
    if sick.is_empty() {
        return "passes".into();
    }
    let sick: Vec<_> = sick.iter().map(|sick| sick.allow.to_string()).collect();
    format!("sick: {}", sick.join(", "))
}

pub(in crate::plan::guards) fn facts<'a>(
    rows: u64,
    rejected: u64,
    profile: &'a Profile,
    before: &'a [Profile],
) -> FeedFacts<'a> {
    FeedFacts {
        rows,
        rejected,
        profile,
        before,
        age: None,
        imported_before: None,
        last: None,
    }
}

/// A feed of which so many rows have a department.
pub(in crate::plan::guards) fn departments(rows: u64, filled: u64) -> Profile {
    Profile {
        rows,
        columns: vec![ColumnProfile {
            name: "Department".into(),
            filled,
            ..ColumnProfile::default()
        }],
        ..Profile::default()
    }
}

/// Rows, invalid ones, `min_rows`, `max_rejected`, what a person allowed.
const WRONG: &[(u64, u64, u64, &str, &str)] = &[
    (0, 0, 1, "", ""),
    (0, 0, 1, "", "rows=0"),
    (0, 0, 0, "", ""),
    (1, 0, 1, "", ""),
    (19, 0, 20, "", ""),
    (20, 0, 20, "", ""),
    (19, 0, 20, "", "rows=19"),
    (18, 0, 20, "", "rows=19"),
    (19, 0, 20, "", "rejected=19"),
    // One approval does not approve the other.
    (60, 55, 100, "", ""),
    (60, 55, 100, "", "rows=60"),
    (60, 55, 100, "", "rows=60,rejected=55"),
    // By default 10%, and ten rows in any case.
    (20, 10, 1, "", ""),
    (100, 10, 1, "", ""),
    (100, 11, 1, "", ""),
    (109, 11, 1, "", ""),
    (110, 11, 1, "", ""),
    (1_000, 100, 1, "", ""),
    (1_000, 101, 1, "", ""),
    // More than half of the feed, if these are more than five.
    (5, 5, 1, "", ""),
    (6, 6, 1, "", ""),
    (11, 6, 1, "", ""),
    (12, 6, 1, "", ""),
    (12, 7, 1, "", "rejected=7"),
    (12, 7, 1, "", "rejected=6"),
    (12, 7, 1, "10%", ""),
    (12, 7, 1, "6", ""),
    (12, 7, 1, "7", ""),
    (100, 1, 1, "1%", ""),
    (1_099, 11, 1, "1%", ""),
    (1_100, 11, 1, "1%", ""),
    (100, 0, 1, "0%", ""),
    (100, 1, 1, "0%", ""),
    (100, 0, 1, "0", ""),
    (100, 1, 1, "0", ""),
    (100, 1, 1, "0", "rejected=1"),
    (100, 2, 1, "0", "rejected=1"),
    (100, 1, 1, "0", "leavers=1"),
];

#[test]
fn a_feed_that_is_too_short_or_too_wrong_is_sick_and_exactly_the_bound_passes() {
    let mut table = String::from(" rows wrong  min_rows max_rejected  allowed\n");
    for &(rows, rejected, min_rows, max_rejected, typed) in WRONG {
        let mut guards = Guards {
            min_rows,
            ..Guards::default()
        };
        if !max_rejected.is_empty() {
            guards.max_rejected = limit(max_rejected);
            guards.is_max_rejected_written = true;
        }
        let profile = Profile::default();
        let sick = feed(
            &guards,
            &allowed(typed),
            &facts(rows, rejected, &profile, &[]),
        );
        writeln!(
            table,
            "{rows:>5} {rejected:>5}  {min_rows:>8} {max_rejected:>12}  {typed:<19}  {}",
            sick_in_short(&sick)
        )
        .unwrap();
    }
    insta::assert_snapshot!(table, @"
    rows wrong  min_rows max_rejected  allowed
       0     0         1                                    sick: rows=0
       0     0         1               rows=0               passes
       0     0         0                                    passes
       1     0         1                                    passes
      19     0        20                                    sick: rows=19
      20     0        20                                    passes
      19     0        20               rows=19              passes
      18     0        20               rows=19              sick: rows=18
      19     0        20               rejected=19          sick: rows=19
      60    55       100                                    sick: rows=60, rejected=55
      60    55       100               rows=60              sick: rejected=55
      60    55       100               rows=60,rejected=55  passes
      20    10         1                                    passes
     100    10         1                                    passes
     100    11         1                                    sick: rejected=11
     109    11         1                                    sick: rejected=11
     110    11         1                                    passes
    1000   100         1                                    passes
    1000   101         1                                    sick: rejected=101
       5     5         1                                    passes
       6     6         1                                    sick: rejected=6
      11     6         1                                    sick: rejected=6
      12     6         1                                    passes
      12     7         1               rejected=7           passes
      12     7         1               rejected=6           sick: rejected=7
      12     7         1          10%                       passes
      12     7         1            6                       sick: rejected=7
      12     7         1            7                       passes
     100     1         1           1%                       passes
    1099    11         1           1%                       sick: rejected=11
    1100    11         1           1%                       passes
     100     0         1           0%                       passes
     100     1         1           0%                       sick: rejected=1
     100     0         1            0                       passes
     100     1         1            0                       sick: rejected=1
     100     1         1            0  rejected=1           passes
     100     2         1            0  rejected=1           sick: rejected=2
     100     1         1            0  leavers=1            sick: rejected=1
    ");
}

#[test]
fn a_feed_that_shrank_is_sick_and_one_that_grew_is_not() {
    // Rows of the good feeds before, rows now, `max_shrink`, allowed.
    let cases: &[(&[u64], u64, &str, &str)] = &[
        (&[], 1, "20%", ""),
        (&[1_000], 800, "20%", ""),
        (&[1_000], 799, "20%", ""),
        (&[1_000], 799, "20%", "shrink=201"),
        (&[1_000], 798, "20%", "shrink=201"),
        (&[1_000], 799, "20%", "rows=799"),
        (&[1_000], 9_000, "20%", ""),
        (&[200], 3, "20%", ""),
        (&[1_000], 0, "20%", "rows=0"),
        // The median: one odd feed among five changes nothing.
        (&[1_000, 50, 1_000, 1_010, 990], 800, "20%", ""),
        (&[1_000, 50, 1_000, 1_010, 990], 799, "20%", ""),
        (&[1_000, 1_500], 1_000, "20%", ""),
        (&[1_000, 1_500], 999, "20%", ""),
        // Five rows in any case, but never more than half.
        (&[20], 15, "20%", ""),
        (&[20], 14, "20%", ""),
        (&[6], 3, "20%", ""),
        (&[6], 2, "20%", ""),
        (&[1], 0, "20%", "rows=0"),
        (&[1_000], 990, "10", ""),
        (&[1_000], 989, "10", ""),
        (&[1_000], 999, "0%", ""),
        (&[0], 0, "20%", "rows=0"),
    ];
    let mut table = String::from("before -> now  max_shrink  allowed\n");
    for (before, rows, max_shrink, typed) in cases {
        let guards = Guards {
            max_shrink: limit(max_shrink),
            ..Guards::default()
        };
        let profiles: Vec<_> = before.iter().map(|rows| departments(*rows, 0)).collect();
        let now = departments(*rows, 0);
        let sick = feed(&guards, &allowed(typed), &facts(*rows, 0, &now, &profiles));
        writeln!(
            table,
            "{before:?} -> {rows}  {max_shrink}  {typed}  {}",
            sick_in_short(&sick)
        )
        .unwrap();
    }
    insta::assert_snapshot!(table, @"
    before -> now  max_shrink  allowed
    [] -> 1  20%    passes
    [1000] -> 800  20%    passes
    [1000] -> 799  20%    sick: shrink=201
    [1000] -> 799  20%  shrink=201  passes
    [1000] -> 798  20%  shrink=201  sick: shrink=202
    [1000] -> 799  20%  rows=799  sick: shrink=201
    [1000] -> 9000  20%    passes
    [200] -> 3  20%    sick: shrink=197
    [1000] -> 0  20%  rows=0  sick: shrink=1000
    [1000, 50, 1000, 1010, 990] -> 800  20%    passes
    [1000, 50, 1000, 1010, 990] -> 799  20%    sick: shrink=201
    [1000, 1500] -> 1000  20%    passes
    [1000, 1500] -> 999  20%    sick: shrink=251
    [20] -> 15  20%    passes
    [20] -> 14  20%    sick: shrink=6
    [6] -> 3  20%    passes
    [6] -> 2  20%    sick: shrink=4
    [1] -> 0  20%  rows=0  sick: shrink=1
    [1000] -> 990  10    passes
    [1000] -> 989  10    sick: shrink=11
    [1000] -> 999  0%    sick: shrink=1
    [0] -> 0  20%  rows=0  passes
    ");
}

type Emptied = (
    &'static [(u64, u64)],
    (u64, u64),
    &'static str,
    &'static str,
);

/// Filled of rows in the good feeds before and now, `max_emptied`, allowed.
const EMPTIED: &[Emptied] = &[
    (&[], (0, 1_000), "20%", ""),
    (&[(1_000, 1_000)], (800, 1_000), "20%", ""),
    (&[(1_000, 1_000)], (799, 1_000), "20%", ""),
    (&[(1_000, 1_000)], (799, 1_000), "20%", "emptied=Department"),
    (&[(1_000, 1_000)], (0, 1_000), "20%", "emptied=Department"),
    (&[(1_000, 1_000)], (799, 1_000), "20%", "emptied=Country"),
    // Of those that were filled, not of all.
    (&[(500, 1_000)], (400, 1_000), "20%", ""),
    (&[(500, 1_000)], (399, 1_000), "20%", ""),
    // A shorter feed has fewer filled cells.
    (&[(1_000, 1_000)], (640, 800), "20%", ""),
    (&[(1_000, 1_000)], (639, 800), "20%", ""),
    // Joiners without a department empty nothing.
    (&[(1_000, 1_000)], (1_000, 2_000), "20%", ""),
    (&[(1_000, 1_000)], (800, 2_000), "20%", ""),
    (&[(1_000, 1_000)], (799, 2_000), "20%", ""),
    // The median.
    (
        &[(1_000, 1_000), (0, 1_000), (990, 1_000)],
        (800, 1_000),
        "20%",
        "",
    ),
    (
        &[(1_000, 1_000), (0, 1_000), (0, 1_000)],
        (0, 1_000),
        "20%",
        "",
    ),
    (&[(1_000, 1_000), (0, 0)], (0, 1_000), "20%", ""),
    // Filled in hardly any row: five cells in any case, in a small feed half.
    (&[(4, 1_000)], (0, 1_000), "20%", ""),
    (&[(5, 1_000)], (0, 1_000), "20%", ""),
    (&[(6, 1_000)], (0, 1_000), "20%", ""),
    (&[(8, 8)], (4, 8), "20%", ""),
    (&[(8, 8)], (3, 8), "20%", ""),
    (&[(1, 1)], (0, 1), "20%", ""),
    (&[(0, 1_000)], (0, 1_000), "20%", ""),
    (&[(0, 1_000)], (1_000, 1_000), "20%", ""),
    (&[(1_000, 1_000)], (999, 1_000), "0%", ""),
    (&[(1_000, 1_000)], (0, 1_000), "100%", ""),
];

#[test]
fn an_emptied_column_makes_a_feed_sick_and_a_few_cells_do_not() {
    let mut table = String::from("filled of rows before -> now  max_emptied  allowed\n");
    for (before, (filled, rows), max_emptied, typed) in EMPTIED {
        let guards = Guards {
            max_emptied: limit(max_emptied),
            max_shrink: limit("100%"),
            ..Guards::default()
        };
        let profiles: Vec<_> = before
            .iter()
            .map(|(filled, rows)| departments(*rows, *filled))
            .collect();
        let now = departments(*rows, *filled);
        let sick = feed(&guards, &allowed(typed), &facts(*rows, 0, &now, &profiles));
        writeln!(
            table,
            "{before:?} -> {:?}  {max_emptied}  {typed}  {}",
            (filled, rows),
            sick_in_short(&sick)
        )
        .unwrap();
    }
    insta::assert_snapshot!(table, @"
    filled of rows before -> now  max_emptied  allowed
    [] -> (0, 1000)  20%    passes
    [(1000, 1000)] -> (800, 1000)  20%    passes
    [(1000, 1000)] -> (799, 1000)  20%    sick: emptied=Department
    [(1000, 1000)] -> (799, 1000)  20%  emptied=Department  passes
    [(1000, 1000)] -> (0, 1000)  20%  emptied=Department  passes
    [(1000, 1000)] -> (799, 1000)  20%  emptied=Country  sick: emptied=Department
    [(500, 1000)] -> (400, 1000)  20%    passes
    [(500, 1000)] -> (399, 1000)  20%    sick: emptied=Department
    [(1000, 1000)] -> (640, 800)  20%    passes
    [(1000, 1000)] -> (639, 800)  20%    sick: emptied=Department
    [(1000, 1000)] -> (1000, 2000)  20%    passes
    [(1000, 1000)] -> (800, 2000)  20%    passes
    [(1000, 1000)] -> (799, 2000)  20%    sick: emptied=Department
    [(1000, 1000), (0, 1000), (990, 1000)] -> (800, 1000)  20%    passes
    [(1000, 1000), (0, 1000), (0, 1000)] -> (0, 1000)  20%    passes
    [(1000, 1000), (0, 0)] -> (0, 1000)  20%    sick: emptied=Department
    [(4, 1000)] -> (0, 1000)  20%    passes
    [(5, 1000)] -> (0, 1000)  20%    passes
    [(6, 1000)] -> (0, 1000)  20%    sick: emptied=Department
    [(8, 8)] -> (4, 8)  20%    passes
    [(8, 8)] -> (3, 8)  20%    sick: emptied=Department
    [(1, 1)] -> (0, 1)  20%    passes
    [(0, 1000)] -> (0, 1000)  20%    passes
    [(0, 1000)] -> (1000, 1000)  20%    passes
    [(1000, 1000)] -> (999, 1000)  0%    sick: emptied=Department
    [(1000, 1000)] -> (0, 1000)  100%    passes
    ");
}

#[test]
fn columns_that_only_one_feed_has_are_not_compared() {
    let mut now = departments(1_000, 1_000);
    now.columns[0].name = "Team".into();
    let before = [departments(1_000, 1_000)];
    let sick = feed(
        &Guards::default(),
        &Allowed::default(),
        &facts(1_000, 0, &now, &before),
    );
    assert_eq!(sick, []);
}

#[test]
fn an_old_feed_is_sick_only_where_the_mapping_says_how_old_it_may_be() {
    let hours = |hours| Duration::from_hours(hours);
    let judged = |age, max_age, typed| {
        let guards = Guards {
            max_age,
            ..Guards::default()
        };
        let profile = Profile::default();
        let facts = FeedFacts {
            age,
            ..facts(1, 0, &profile, &[])
        };
        sick_in_short(&feed(&guards, &allowed(typed), &facts))
    };
    assert_eq!(judged(Some(hours(9_000)), None, ""), "passes");
    assert_eq!(judged(None, Some(hours(36)), ""), "passes");
    assert_eq!(judged(Some(hours(36)), Some(hours(36)), ""), "passes");
    let older = hours(36) + Duration::from_millis(1);
    assert_eq!(judged(Some(older), Some(hours(36)), ""), "sick: age");
    assert_eq!(judged(Some(older), Some(hours(36)), "age"), "passes");
}

#[test]
fn a_feed_that_ends_in_a_short_row_is_sick_unless_good_feeds_end_so() {
    use FileEnd::{InRow, InShortRow, OfLine, Unknown};
    let judged = |end, before: &[FileEnd], typed| {
        let profile = Profile {
            rows: 990,
            ..Profile::default()
        };
        let before = before.iter().map(|end| Profile {
            rows: 1_000,
            end: *end,
            ..Profile::default()
        });
        let before: Vec<_> = before.collect();
        let last = LastRow {
            row: RowNumber::new(991),
            cells: 4,
            columns: 9,
            end,
        };
        let facts = FeedFacts {
            last: Some(last),
            ..facts(990, 0, &profile, &before)
        };
        sick_in_short(&feed(&Guards::default(), &allowed(typed), &facts))
    };
    for (end, before, expected) in [
        (OfLine, &[][..], "passes"),
        (Unknown, &[], "passes"),
        // A mapping's first feed is judged by itself.
        (InRow, &[], "passes"),
        (InShortRow, &[], "sick: cut"),
        (InShortRow, &[OfLine; 5], "sick: cut"),
        (InShortRow, &[InRow; 5], "sick: cut"),
        (InShortRow, &[Unknown; 5], "sick: cut"),
        // Somebody let such a feed pass.
        (InShortRow, &[InShortRow, OfLine], "passes"),
        // In its last cell.
        (InRow, &[OfLine, OfLine], "sick: cut"),
        (InRow, &[OfLine, Unknown], "sick: cut"),
        (InRow, &[InRow, OfLine], "passes"),
        (InRow, &[InShortRow], "passes"),
        (InRow, &[Unknown], "passes"),
    ] {
        assert_eq!(
            judged(end, before, ""),
            expected,
            "{end:?} after {before:?}"
        );
        assert_eq!(judged(end, before, "cut"), "passes");
    }
}

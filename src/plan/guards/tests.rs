//! The guards as tables: what a run would change, against what the mapping
//! lets through.

use std::fmt::Write as _;

use super::*;
use crate::mapping::Allowance;

#[path = "doubt_tests.rs"]
mod doubt;
#[path = "property_tests.rs"]
mod properties;
#[path = "wording_tests.rs"]
mod wording;

/// A limit as a mapping writes it: `5%`, `20`, `5% in 7 days`.
pub(super) fn limit(text: &str) -> Limit {
    let (bound, days) = match text.split_once(" in ") {
        Some((bound, days)) => (bound, Some(days.split_once(' ').unwrap().0)),
        None => (text, None),
    };
    Limit {
        bound: match bound.strip_suffix('%') {
            Some(percent) => Allowance::Percent(percent.parse().unwrap()),
            None => Allowance::Number(bound.parse().unwrap()),
        },
        days: days.map(|days| days.parse().unwrap()),
    }
}

pub(super) fn allowed(text: &str) -> Allowed {
    let items = text.split(',').filter(|item| !item.is_empty());
    items.map(|item| item.parse().unwrap()).collect()
}

/// What is held, or that nothing is.
fn in_short(held: &[Held]) -> String {
    if held.is_empty() {
        return "passes".into();
    }
    let held: Vec<_> = held
        .iter()
        .map(|held| match held.whom {
            Whom::All => format!("holds {}", held.allow()),
            whom => format!("holds {} {whom:?}", held.allow()),
        })
        .collect();
    held.join(", ")
}

/// Known, leavers, left before, `max_leavers`, rows without an ID, allowed.
const LEAVERS: &[(u64, u64, u64, &str, u64, &str)] = &[
    (100, 0, 0, "0", 0, ""),
    (100, 1, 0, "0", 0, ""),
    (100, 20, 0, "20", 0, ""),
    (100, 21, 0, "20", 0, ""),
    (100, 21, 0, "20", 0, "leavers=21"),
    (100, 22, 0, "20", 0, "leavers=21"),
    (100, 21, 0, "20", 0, "creates=21,rows=21"),
    (1_000, 50, 0, "5%", 0, ""),
    (1_000, 51, 0, "5%", 0, ""),
    (1_019, 51, 0, "5%", 0, ""),
    (1_020, 51, 0, "5%", 0, ""),
    (1_000, 7, 0, "0.7%", 0, ""),
    (1_000, 8, 0, "0.7%", 0, ""),
    (10, 10, 0, "100%", 0, ""),
    (10, 1, 0, "0%", 0, ""),
    // Five people in any case, but never more than half.
    (100, 5, 0, "5%", 0, ""),
    (100, 6, 0, "5%", 0, ""),
    (20, 5, 0, "1%", 0, ""),
    (10, 5, 0, "5%", 0, ""),
    (10, 6, 0, "5%", 0, ""),
    (7, 3, 0, "5%", 0, ""),
    (7, 4, 0, "5%", 0, ""),
    (2, 1, 0, "5%", 0, ""),
    (1, 1, 0, "5%", 0, ""),
    // Over days, with those who left within them. In one run, without.
    (990, 40, 10, "5% in 7 days", 0, ""),
    (990, 41, 10, "5% in 7 days", 0, ""),
    (990, 41, 10, "5%", 0, ""),
    (951, 1, 49, "5% in 7 days", 0, ""),
    (950, 1, 50, "5% in 7 days", 0, ""),
    (950, 1, 50, "5% in 7 days", 0, "leavers=1"),
    (5, 1, 5, "5% in 7 days", 0, ""),
    (100, 3, 18, "20 in 7 days", 0, ""),
    (100, 2, 18, "20 in 7 days", 0, ""),
    // A row that nobody can read may be any of them.
    (100, 1, 0, "20", 1, ""),
    (100, 2, 0, "20", 3, ""),
    (100, 2, 0, "20", 3, "leavers=2"),
    (100, 2, 0, "20", 3, "rejected=3"),
    (100, 0, 0, "20", 3, ""),
    (100, 21, 0, "20", 3, ""),
];

#[test]
fn leavers_beyond_the_bound_stay_all_of_them_and_exactly_the_bound_goes() {
    let mut table = String::from("known leavers left  max_leavers   unreadable  allowed\n");
    for &(known, leavers, left, max_leavers, unidentified, typed) in LEAVERS {
        let guards = Guards {
            max_leavers: limit(max_leavers),
            ..Guards::default()
        };
        let numbers = Numbers {
            known,
            rows: known,
            leavers,
            unidentified,
            past: Past {
                left,
                created: 999,
                updated: 999,
            },
            ..Numbers::default()
        };
        let held = judge(&guards, &allowed(typed), Leavers::Delete, &numbers);
        writeln!(
            table,
            "{known:>5} {leavers:>7} {left:>4}  {max_leavers:<12} {unidentified:>11}  {typed:<18}  {}",
            in_short(&held)
        )
        .unwrap();
    }
    insta::assert_snapshot!(table, @"
    known leavers left  max_leavers   unreadable  allowed
      100       0    0  0                      0                      passes
      100       1    0  0                      0                      holds leavers=1
      100      20    0  20                     0                      passes
      100      21    0  20                     0                      holds leavers=21
      100      21    0  20                     0  leavers=21          passes
      100      22    0  20                     0  leavers=21          holds leavers=22
      100      21    0  20                     0  creates=21,rows=21  holds leavers=21
     1000      50    0  5%                     0                      passes
     1000      51    0  5%                     0                      holds leavers=51
     1019      51    0  5%                     0                      holds leavers=51
     1020      51    0  5%                     0                      passes
     1000       7    0  0.7%                   0                      passes
     1000       8    0  0.7%                   0                      holds leavers=8
       10      10    0  100%                   0                      passes
       10       1    0  0%                     0                      holds leavers=1
      100       5    0  5%                     0                      passes
      100       6    0  5%                     0                      holds leavers=6
       20       5    0  1%                     0                      passes
       10       5    0  5%                     0                      passes
       10       6    0  5%                     0                      holds leavers=6
        7       3    0  5%                     0                      passes
        7       4    0  5%                     0                      holds leavers=4
        2       1    0  5%                     0                      passes
        1       1    0  5%                     0                      holds leavers=1
      990      40   10  5% in 7 days           0                      passes
      990      41   10  5% in 7 days           0                      holds leavers=41
      990      41   10  5%                     0                      passes
      951       1   49  5% in 7 days           0                      passes
      950       1   50  5% in 7 days           0                      holds leavers=1
      950       1   50  5% in 7 days           0  leavers=1           passes
        5       1    5  5% in 7 days           0                      holds leavers=1
      100       3   18  20 in 7 days           0                      holds leavers=3
      100       2   18  20 in 7 days           0                      passes
      100       1    0  20                     1                      holds leavers=1
      100       2    0  20                     3                      holds leavers=2
      100       2    0  20                     3  leavers=2           passes
      100       2    0  20                     3  rejected=3          holds leavers=2
      100       0    0  20                     3                      passes
      100      21    0  20                     3                      holds leavers=21
    ");
}

#[test]
fn leavers_that_the_mapping_ignores_are_held_by_nothing_and_hold_nothing() {
    let numbers = Numbers {
        known: 60,
        rows: 100,
        leavers: 50,
        new: 45,
        unidentified: 1,
        ..Numbers::default()
    };
    let decide = |action| {
        in_short(&judge(
            &Guards::default(),
            &Allowed::default(),
            action,
            &numbers,
        ))
    };
    assert_eq!(decide(Leavers::Ignore), "passes");
    for archive in [false, true] {
        let held = "holds leavers=50, holds creates=45";
        assert_eq!(decide(Leavers::Deactivate { archive }), held);
    }
}

type CreatesAndUpdates = (
    u64,
    u64,
    u64,
    (u64, u64),
    &'static str,
    &'static str,
    &'static str,
);

/// Known, new, changed, created and updated before, `max_creates`,
/// `max_updates`, allowed.
const CREATES_AND_UPDATES: &[CreatesAndUpdates] = &[
    // The first feeds of a mapping.
    (0, 5_000, 0, (0, 0), "25%", "50%", ""),
    (99, 99, 0, (0, 0), "25%", "50%", ""),
    (99, 0, 99, (0, 0), "25%", "50%", ""),
    (99, 0, 99, (0, 0), "25%", "10", ""),
    (100, 50, 0, (0, 0), "25%", "50%", ""),
    (100, 51, 0, (0, 0), "25%", "50%", ""),
    (100, 51, 0, (0, 0), "25%", "50%", "creates=51"),
    (100, 52, 0, (0, 0), "25%", "50%", "creates=51"),
    (100, 51, 0, (0, 0), "25%", "50%", "updates=51"),
    (100, 0, 50, (0, 0), "25%", "50%", ""),
    (100, 0, 51, (0, 0), "25%", "50%", ""),
    (1_000, 250, 500, (0, 0), "25%", "50%", ""),
    (1_000, 251, 501, (0, 0), "25%", "50%", ""),
    (1_000, 251, 501, (0, 0), "25%", "50%", "updates=501"),
    (
        1_000,
        251,
        501,
        (0, 0),
        "25%",
        "50%",
        "updates=501,creates=251",
    ),
    (1_000, 10, 10, (0, 0), "10", "10", ""),
    (1_000, 11, 11, (0, 0), "10", "10", ""),
    (1_000, 1, 1, (0, 0), "0%", "0%", ""),
    // A share has a floor, of 50 and of 5.
    (150, 50, 5, (0, 0), "1%", "1%", ""),
    (150, 51, 6, (0, 0), "1%", "1%", ""),
    // Over days.
    (
        1_000,
        10,
        10,
        (240, 490),
        "25% in 30 days",
        "50% in 7 days",
        "",
    ),
    (
        1_000,
        11,
        11,
        (240, 490),
        "25% in 30 days",
        "50% in 7 days",
        "",
    ),
    (1_000, 11, 11, (240, 490), "25%", "50%", ""),
    // The first load was within the days.
    (1_000, 11, 0, (901, 0), "25% in 30 days", "50%", ""),
    (1_000, 11, 0, (900, 0), "25% in 30 days", "50%", ""),
];

#[test]
fn creates_and_updates_beyond_their_bound_are_held_each_kind_for_itself() {
    let mut table =
        String::from("known  new changed  before      max_creates     max_updates    allowed\n");
    for &(known, new, changed, before, max_creates, max_updates, typed) in CREATES_AND_UPDATES {
        let (created, updated) = before;
        let guards = Guards {
            max_creates: limit(max_creates),
            max_updates: limit(max_updates),
            ..Guards::default()
        };
        let numbers = Numbers {
            known,
            rows: known + new,
            new,
            changed,
            past: Past {
                created,
                updated,
                left: 0,
            },
            ..Numbers::default()
        };
        let held = judge(&guards, &allowed(typed), Leavers::Delete, &numbers);
        writeln!(
            table,
            "{known:>5} {new:>4} {changed:>7}  {:<10}  {max_creates:<14}  {max_updates:<13}  {typed}  {}",
            format!("{created}/{updated}"),
            in_short(&held)
        )
        .unwrap();
    }
    insta::assert_snapshot!(table, @"
    known  new changed  before      max_creates     max_updates    allowed
        0 5000       0  0/0         25%             50%              passes
       99   99       0  0/0         25%             50%              passes
       99    0      99  0/0         25%             50%              passes
       99    0      99  0/0         25%             10               passes
      100   50       0  0/0         25%             50%              passes
      100   51       0  0/0         25%             50%              holds creates=51
      100   51       0  0/0         25%             50%            creates=51  passes
      100   52       0  0/0         25%             50%            creates=51  holds creates=52
      100   51       0  0/0         25%             50%            updates=51  holds creates=51
      100    0      50  0/0         25%             50%              passes
      100    0      51  0/0         25%             50%              holds updates=51
     1000  250     500  0/0         25%             50%              passes
     1000  251     501  0/0         25%             50%              holds creates=251, holds updates=501
     1000  251     501  0/0         25%             50%            updates=501  holds creates=251
     1000  251     501  0/0         25%             50%            updates=501,creates=251  passes
     1000   10      10  0/0         10              10               passes
     1000   11      11  0/0         10              10               holds creates=11, holds updates=11
     1000    1       1  0/0         0%              0%               holds creates=1, holds updates=1
      150   50       5  0/0         1%              1%               passes
      150   51       6  0/0         1%              1%               holds creates=51, holds updates=6
     1000   10      10  240/490     25% in 30 days  50% in 7 days    passes
     1000   11      11  240/490     25% in 30 days  50% in 7 days    holds creates=11, holds updates=11
     1000   11      11  240/490     25%             50%              passes
     1000   11       0  901/0       25% in 30 days  50%              passes
     1000   11       0  900/0       25% in 30 days  50%              holds creates=11
    ");
}

/// Known, of them in the feed, rows, new, of them under other keys, leavers, allowed.
const OTHERS: &[(u64, u64, u64, u64, u64, u64, &str)] = &[
    // A first load, and one after a few people to try it.
    (0, 0, 1_000, 1_000, 0, 0, ""),
    (5, 0, 1_000, 995, 0, 0, ""),
    (6, 0, 1_000, 994, 0, 0, ""),
    (6, 0, 1_000, 994, 0, 0, "creates=994"),
    // Most of the feed is unknown, and these are no few people.
    (200, 0, 200, 100, 0, 0, ""),
    (200, 0, 200, 101, 0, 0, ""),
    (200, 0, 60, 50, 0, 0, ""),
    (200, 0, 60, 51, 0, 0, ""),
    (10, 0, 6, 5, 0, 0, ""),
    (10, 0, 6, 6, 0, 0, ""),
    // Most of those who are known are in the feed: a load that was interrupted, or
    // a first load after a few people to try it.
    (6, 6, 1_000, 994, 0, 0, ""),
    (30, 30, 100, 70, 0, 0, ""),
    (200, 101, 250, 130, 0, 0, ""),
    (200, 100, 250, 130, 0, 0, ""),
    // As many are new as are missing, four fifths at least.
    (1_000, 949, 1_000, 51, 0, 51, ""),
    (1_000, 950, 1_000, 40, 0, 50, ""),
    (1_000, 900, 1_000, 80, 0, 100, ""),
    (1_000, 900, 1_000, 79, 0, 100, ""),
    (1_000, 900, 1_000, 80, 0, 100, "leavers=100"),
    (1_000, 900, 1_000, 80, 0, 100, "creates=80"),
    (1_000, 900, 1_000, 80, 0, 100, "creates=80,leavers=100"),
    (100, 94, 100, 5, 0, 6, ""),
    (100, 94, 100, 6, 0, 6, ""),
    (100, 94, 100, 6, 0, 6, "creates=5"),
    (5, 2, 5, 3, 0, 3, ""),
    (3, 1, 3, 1, 0, 2, ""),
    // Another key of this LMS knows them.
    (0, 0, 100, 100, 1, 0, ""),
    (500, 0, 600, 100, 40, 0, ""),
    (500, 0, 600, 100, 40, 0, "creates=40"),
    (500, 0, 600, 100, 40, 0, "creates=39"),
    (10, 0, 600, 590, 40, 0, ""),
    (10, 0, 600, 590, 40, 0, "creates=40"),
];

#[test]
fn people_who_could_be_others_under_other_external_ids_are_not_created() {
    let unbounded = Guards {
        max_creates: limit("1000000"),
        ..Guards::default()
    };
    let mut table = String::from("known present  rows  new  other-keys leavers  allowed\n");
    for &(known, present, rows, new, new_under_other_keys, leavers, typed) in OTHERS {
        let numbers = Numbers {
            known,
            present,
            rows,
            new,
            new_under_other_keys,
            leavers,
            ..Numbers::default()
        };
        let held = judge(&unbounded, &allowed(typed), Leavers::Delete, &numbers);
        writeln!(
            table,
            "{known:>5} {present:>7} {rows:>5} {new:>4} {new_under_other_keys:>11} {leavers:>7}  {typed:<22}  {}",
            in_short(&held)
        )
        .unwrap();
    }
    insta::assert_snapshot!(table, @"
    known present  rows  new  other-keys leavers  allowed
        0       0  1000 1000           0       0                          passes
        5       0  1000  995           0       0                          passes
        6       0  1000  994           0       0                          holds creates=994
        6       0  1000  994           0       0  creates=994             passes
      200       0   200  100           0       0                          passes
      200       0   200  101           0       0                          holds creates=101
      200       0    60   50           0       0                          passes
      200       0    60   51           0       0                          holds creates=51
       10       0     6    5           0       0                          passes
       10       0     6    6           0       0                          holds creates=6
        6       6  1000  994           0       0                          passes
       30      30   100   70           0       0                          passes
      200     101   250  130           0       0                          passes
      200     100   250  130           0       0                          holds creates=130
     1000     949  1000   51           0      51                          holds leavers=51, holds creates=51
     1000     950  1000   40           0      50                          passes
     1000     900  1000   80           0     100                          holds leavers=100, holds creates=80
     1000     900  1000   79           0     100                          holds leavers=100
     1000     900  1000   80           0     100  leavers=100             passes
     1000     900  1000   80           0     100  creates=80              holds leavers=100
     1000     900  1000   80           0     100  creates=80,leavers=100  passes
      100      94   100    5           0       6                          holds leavers=6
      100      94   100    6           0       6                          holds leavers=6, holds creates=6
      100      94   100    6           0       6  creates=5               holds leavers=6, holds creates=6
        5       2     5    3           0       3                          holds leavers=3, holds creates=3
        3       1     3    1           0       2                          holds leavers=2
        0       0   100  100           1       0                          holds creates=1 UnderOtherKeys
      500       0   600  100          40       0                          holds creates=40 UnderOtherKeys
      500       0   600  100          40       0  creates=40              passes
      500       0   600  100          40       0  creates=39              holds creates=40 UnderOtherKeys
       10       0   600  590          40       0                          holds creates=590
       10       0   600  590          40       0  creates=40              holds creates=590
    ");
}

#[test]
fn a_load_that_was_interrupted_is_judged_as_a_whole() {
    let decide = |known, unfinished, new, changed| {
        let numbers = Numbers {
            known,
            present: known,
            unfinished,
            rows: known + new,
            new,
            changed,
            ..Numbers::default()
        };
        in_short(&judge(
            &Guards::default(),
            &Allowed::default(),
            Leavers::Delete,
            &numbers,
        ))
    };
    // The first load: nothing was known when it began.
    assert_eq!(decide(300, 300, 700, 200), "passes");
    assert_eq!(decide(399, 300, 700, 300), "passes");
    assert_eq!(decide(400, 300, 0, 201), "holds updates=201");
    // A part of 250 joiners of 1,000 people is there already.
    assert_eq!(decide(1_150, 150, 100, 0), "passes");
    assert_eq!(decide(1_150, 150, 101, 0), "holds creates=101");
}

#[test]
fn who_waits_for_a_decision_is_not_created_because_something_else_was_decided() {
    // The leavers of the same night were refused: they count nowhere any more.
    let decide = |people, new, typed| {
        let numbers = Numbers {
            known: 1_000,
            rows: 1_000,
            new: 60,
            waiting: Waiting { people, new },
            ..Numbers::default()
        };
        in_short(&judge(
            &Guards::default(),
            &allowed(typed),
            Leavers::Delete,
            &numbers,
        ))
    };
    assert_eq!(decide(0, 0, ""), "passes");
    assert_eq!(decide(50, 50, ""), "holds creates=50 Waiting");
    assert_eq!(decide(50, 40, ""), "holds creates=40 Waiting");
    assert_eq!(decide(50, 40, "creates=40"), "passes");
    // The accident is over: who is new beside it was hired.
    assert_eq!(decide(50, 39, ""), "passes");
}

#[test]
fn identities_lost_and_renumbered_people_have_rules_of_their_own() {
    let decide = |numbers: Numbers, typed| {
        in_short(&judge(
            &Guards::default(),
            &allowed(typed),
            Leavers::Ignore,
            &numbers,
        ))
    };
    let identities = |known, identities, identity_changes| Numbers {
        known,
        rows: known,
        identities,
        identity_changes,
        ..Numbers::default()
    };
    // By default 2%, and five people in any case.
    assert_eq!(decide(identities(1_000, 20, 70), ""), "passes");
    assert_eq!(decide(identities(1_000, 21, 70), ""), "holds identities=70");
    assert_eq!(decide(identities(1_000, 21, 70), "identities=70"), "passes");
    assert_eq!(
        decide(identities(1_000, 21, 70), "identities=21"),
        "holds identities=70"
    );
    assert_eq!(decide(identities(100, 5, 5), ""), "passes");
    assert_eq!(decide(identities(100, 6, 6), ""), "holds identities=6");
    assert_eq!(decide(identities(4, 3, 3), ""), "holds identities=3");
    assert_eq!(decide(identities(1_000, 0, 900), ""), "passes");
    // Whom the LMS shows and the journal does not know is compared as well.
    let there = Numbers {
        there: 1_000,
        ..identities(3, 20, 20)
    };
    assert_eq!(decide(there, ""), "passes");
    let more = Numbers {
        identities: 21,
        ..there
    };
    assert_eq!(decide(more, ""), "holds identities=21");

    let renumbered = Numbers {
        known: 1_000,
        renumbered: 1,
        ..Numbers::default()
    };
    assert_eq!(decide(renumbered, ""), "holds renumbered=1");
    // A first load has nobody to compare with but its own rows.
    let first = |rows, renumbered| Numbers {
        rows,
        new: rows - renumbered,
        renumbered,
        ..Numbers::default()
    };
    assert_eq!(decide(first(5, 1), ""), "holds renumbered=1");
    assert_eq!(decide(first(1_000, 20), ""), "holds renumbered=20");
    assert_eq!(
        decide(first(1_000, 21), ""),
        "holds creates=979, holds renumbered=21"
    );
    assert_eq!(decide(renumbered, "renumbered=1"), "passes");

    // By default 1%, and five people in any case.
    let lost = |people, known| in_short(lost(&Guards::default(), people, known).as_slice());
    assert_eq!(lost(0, 0), "passes");
    assert_eq!(lost(5, 10), "passes");
    assert_eq!(lost(6, 100), "holds lost=6");
    assert_eq!(lost(10, 1_000), "passes");
    assert_eq!(lost(11, 1_000), "holds lost=11");
    assert_eq!(lost(1, 1), "holds lost=1");
}

#[test]
fn a_run_without_changes_holds_nothing_whatever_the_limits() {
    let none = limit("0");
    let guards = Guards {
        max_leavers: none,
        max_creates: none,
        max_updates: none,
        max_identities: none,
        ..Guards::default()
    };
    let numbers = Numbers {
        known: 1_000,
        rows: 1_000,
        unidentified: 3,
        past: Past {
            created: 9,
            updated: 9,
            left: 9,
        },
        ..Numbers::default()
    };
    assert_eq!(
        judge(&guards, &Allowed::default(), Leavers::Delete, &numbers),
        []
    );
}

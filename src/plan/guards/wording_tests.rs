//! What a person reads who must decide: every sentence.

use std::time::Duration;

use super::super::feed::tests::{departments, facts};
use super::*;
use crate::feed::{FileEnd, LastRow};
use crate::model::RowNumber;
use crate::plan::profile::Profile;

/// The default limits, and what a run with so many changes would do.
fn run_with(change: fn(&mut Numbers)) -> (Guards, Numbers) {
    let mut numbers = Numbers {
        known: 1_947,
        rows: 2_100,
        ..Numbers::default()
    };
    change(&mut numbers);
    (Guards::default(), numbers)
}

#[test]
fn whoever_must_approve_reads_how_many_of_how_many_and_which_bound() {
    let with = |mut run: (Guards, Numbers), change: fn(&mut Guards, &mut Past)| {
        change(&mut run.0, &mut run.1.past);
        run
    };
    let default = Guards::default();
    let cases = [
        run_with(|it| it.leavers = 975),
        with(run_with(|it| it.leavers = 40), |_, past| past.left = 61),
        run_with(|it| (it.leavers, it.known) = (1, 1)),
        run_with(|it| (it.leavers, it.known) = (6, 20)),
        with(run_with(|it| it.leavers = 21), |guards, _| {
            guards.max_leavers = limit("20");
        }),
        run_with(|it| (it.leavers, it.unidentified) = (1, 1)),
        run_with(|it| (it.leavers, it.unidentified) = (2, 3)),
        run_with(|it| it.new = 487),
        with(run_with(|it| it.new = 7), |guards, past| {
            guards.max_creates = limit("25% in 30 days");
            past.created = 480;
        }),
        run_with(|it| (it.new, it.unfinished) = (300, 200)),
        run_with(|it| (it.new, it.known, it.present) = (1_060, 40, 3)),
        run_with(|it| (it.leavers, it.new) = (120, 118)),
        run_with(|it| (it.new, it.new_under_other_keys) = (3, 1)),
        run_with(|it| (it.new, it.new_under_other_keys) = (90, 40)),
        run_with(|it| (it.new, it.new_under_other_keys) = (500, 40)),
        run_with(|it| (it.new, it.new_of_others) = (1, 1)),
        run_with(|it| (it.new, it.new_under_other_keys, it.new_of_others) = (90, 1, 40)),
        run_with(|it| (it.waiting.people, it.waiting.new) = (41, 40)),
        run_with(|it| (it.waiting.people, it.waiting.new) = (1, 1)),
        run_with(|it| it.changed = 1_000),
        with(run_with(|it| it.changed = 10), |guards, past| {
            guards.max_updates = limit("10 in 1 day");
            past.updated = 1;
        }),
        run_with(|it| it.renumbered = 1),
        run_with(|it| it.renumbered = 60),
        run_with(|it| (it.identities, it.identity_changes) = (39, 1_204)),
    ];
    let held = cases
        .iter()
        .flat_map(|(guards, numbers)| judge(guards, &Allowed::default(), Leavers::Delete, numbers))
        .chain(lost(&default, 1_000, 1_947))
        .chain(lost(&default, 1, 1));
    let sentences: Vec<_> = held
        .map(|held| {
            let (bound, why, not_done) = (&held.bound, &held.why, held.not_done());
            format!("{} [{bound}] {why}, so {not_done}", held.allow())
        })
        .collect();
    insta::assert_snapshot!(sentences.join("\n"), @"
    leavers=975 [5% in 7 days] 975 of 1,947 people are missing from the feed; the limit is 97 (`max_leavers` is 5% in 7 days), so they were not removed
    leavers=40 [5% in 7 days] 40 of 1,947 people are missing from the feed, and 61 more left in the last 7 days; the limit is 100 (`max_leavers` is 5% in 7 days), so they were not removed
    leavers=1 [5% in 7 days] 1 of 1 person is missing from the feed; the limit is 0 (`max_leavers` is 5% in 7 days), so they were not removed
    leavers=6 [5% in 7 days] 6 of 20 people are missing from the feed; the limit is 5 (`max_leavers` is 5% in 7 days, but at least 5), so they were not removed
    leavers=21 [20] 21 of 1,947 people are missing from the feed; the limit is 20 (`max_leavers`), so they were not removed
    leavers=1 [0] 1 person is missing from the feed, but could be in 1 row without a readable external ID, so they were not removed
    leavers=2 [0] 2 people are missing from the feed, but could be in 3 rows without a readable external ID, so they were not removed
    creates=487 [25%] 487 people would be created (1,947 people are known); the limit is 486 (`max_creates` is 25%), so they were not created
    creates=7 [25% in 30 days] 7 people would be created, and 480 were created in the last 30 days (1,947 people are known); the limit is 486 (`max_creates` is 25% in 30 days), so they were not created
    creates=300 [25%] 300 people would be created, and 200 were created since the last finished import (1,747 people are known); the limit is 436 (`max_creates` is 25%), so they were not created
    creates=1060 [0] 1,060 people would be created, most of the feed's 2,100 rows, and only 3 of 40 people known are in the feed: the external IDs could have changed, so they were not created
    leavers=120 [5% in 7 days] 120 of 1,947 people are missing from the feed; the limit is 97 (`max_leavers` is 5% in 7 days), so they were not removed
    creates=118 [0] 118 people would be created while 120 others are missing from the feed: these could be the same people with other external IDs, so they were not created
    creates=1 [0] 1 new person was imported before under another API key of this LMS and could exist already (external IDs belong to a key; if this key replaced that one, import with `--replaces-key`), so they were not created
    creates=40 [0] 40 new people were imported before under another API key of this LMS and could exist already (external IDs belong to a key; if this key replaced that one, import with `--replaces-key`), so they were not created
    creates=500 [25%] 500 people would be created (1,947 people are known); the limit is 486 (`max_creates` is 25%); 40 new people were imported before under another API key of this LMS and could exist already (external IDs belong to a key; if this key replaced that one, import with `--replaces-key`), so they were not created
    creates=1 [0] 1 new person has an external ID that another API key of this LMS has for somebody else, it seems, so they were not created
    creates=41 [0] 1 new person was imported before under another API key of this LMS and could exist already (external IDs belong to a key; if this key replaced that one, import with `--replaces-key`); 40 new people have external IDs that another API key of this LMS has for somebody else, it seems, so they were not created
    creates=40 [0] 40 new people from an earlier run are waiting for a decision, so they were not created
    creates=1 [0] 1 new person from an earlier run is waiting for a decision, so they were not created
    updates=1000 [50%] 1,000 of 1,947 people would be updated; the limit is 973 (`max_updates` is 50%), so they were not updated
    updates=10 [10 in 1 day] 10 of 1,947 people would be updated, and 1 was updated in the last day; the limit is 10 (`max_updates` is 10 in 1 day), so they were not updated
    renumbered=1 [0] 1 person seems to be known under another external ID, or to have an account without one, so their external IDs were not changed
    renumbered=60 [0] 60 people seem to be known under another external ID, or to have an account without one, so their external IDs were not changed
    identities=1204 [2%] 39 of 1,947 people would change in every field that identifies them; the limit is 38 (`max_identities` is 2%), so the names, logins and e-mail addresses of 1,204 people were not changed
    lost=1000 [1%] 1,000 of 1,947 people cannot be found on the LMS and would be created again; the limit is 19 (`max_lost` is 1%), so they were not created
    lost=1 [1%] 1 of 1 person cannot be found on the LMS and would be created again; the limit is 0 (`max_lost` is 1%), so they were not created
    ");
}

#[test]
fn whoever_must_look_at_a_sick_feed_reads_what_is_odd_about_it() {
    let before = [departments(1_000, 990)];
    let nothing = Profile::default();
    let written = |max_rejected| Guards {
        max_rejected: limit(max_rejected),
        is_max_rejected_written: true,
        min_rows: 20,
        max_age: Some(Duration::from_hours(36)),
        ..Guards::default()
    };
    let default = Guards::default();
    let minutes = |minutes| Some(Duration::from_mins(minutes));
    let at_age = |age| FeedFacts {
        age,
        ..facts(20, 0, &nothing, &[])
    };
    let again = FeedFacts {
        imported_before: Some(["12", "14"]),
        ..facts(20, 0, &nothing, &[])
    };
    let ended = [Profile {
        end: FileEnd::OfLine,
        ..Profile::default()
    }];
    let cut_off = |end| FeedFacts {
        last: Some(LastRow {
            row: RowNumber::new(991),
            cells: 4,
            columns: 9,
            end,
        }),
        ..facts(20, 0, &nothing, &ended)
    };
    let of_rows = [(612, 612), (1_100, 300), (3, 0)];
    let [shorter, emptied, cut] = of_rows.map(|(rows, filled)| departments(rows, filled));
    let cases = [
        (default, facts(0, 0, &nothing, &[])),
        (written("10%"), facts(1, 0, &nothing, &[])),
        (default, facts(1_947, 195, &nothing, &[])),
        (default, facts(60, 51, &nothing, &[])),
        (default, facts(12, 7, &nothing, &[])),
        (written("0"), facts(1_000, 1, &nothing, &[])),
        (default, facts(612, 0, &shorter, &before)),
        (default, facts(1_100, 0, &emptied, &before)),
        (default, facts(3, 0, &cut, &before)),
        (written("0"), at_age(minutes(36 * 60 + 1))),
        (
            written("0"),
            at_age(Some(Duration::from_secs(36 * 3_600 + 1))),
        ),
        (written("0"), at_age(minutes(2_000 * 60))),
        (
            Guards {
                max_age: minutes(45),
                ..default
            },
            at_age(minutes(50)),
        ),
        (default, again),
        (default, cut_off(FileEnd::InShortRow)),
        (default, cut_off(FileEnd::InRow)),
    ];
    let sentences: Vec<_> = cases
        .iter()
        .flat_map(|(guards, facts)| feed(guards, &Allowed::default(), facts))
        .map(|sick| format!("{}: {}", sick.allow, sick.why))
        .collect();
    insta::assert_snapshot!(sentences.join("\n"), @"
    rows=0: the feed has 0 rows; the minimum is 1 (`min_rows`)
    rows=1: the feed has 1 row; the minimum is 20 (`min_rows`)
    rejected=195: 195 of 1,947 rows are invalid; the limit is 194 (`max_rejected` is 10%)
    rejected=51: 51 of 60 rows are invalid; the limit is 10 (`max_rejected` is 10%, but at least 10)
    rejected=7: 7 of 12 rows are invalid, more than half of the feed (set `max_rejected` to allow that)
    rejected=1: 1 of 1,000 rows is invalid; the limit is 0 (`max_rejected`)
    shrink=388: the feed has 612 rows, 388 fewer than the last good feeds (1,000); the limit is 200 (`max_shrink` is 20%)
    emptied=Department: `Department` is filled in 300 of 1,100 rows, 690 fewer than the last good feeds suggest (990); the limit is 198 (`max_emptied` is 20%)
    shrink=997: the feed has 3 rows, 997 fewer than the last good feeds (1,000); the limit is 200 (`max_shrink` is 20%)
    age: the feed is 36 h 1 min old; the limit is 36 h (`max_age`)
    age: the feed is 36 h 1 min old; the limit is 36 h (`max_age`)
    age: the feed is 2,000 h old; the limit is 36 h (`max_age`)
    age: the feed is 50 min old; the limit is 45 min (`max_age`)
    age: the feed is the file of run 12 again, and older than the one of run 14, which was imported since
    cut: the feed is cut off in row 991, which has 4 cells of 9, fewer than every other row, and no line end
    cut: the feed may be cut off in row 991: the file ends without a line end, and the last good feeds had one
    ");
}

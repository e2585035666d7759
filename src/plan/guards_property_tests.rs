//! What the guards promise for whatever feed, bound and approval.

use proptest::prelude::*;

use super::*;

const ALL: [Guard; 5] = [
    Guard::Rows,
    Guard::Rejected,
    Guard::Leavers,
    Guard::Creates,
    Guard::Updates,
];

/// Whether the bound lets so many pass, counted without fractions.
fn lets_pass(count: u64, all: u64, bound: Allowance, floor: u64) -> bool {
    let share = |percent: f64| {
        // Whole numbers only: see `bound`.
        let percent: u64 = format!("{percent:.0}").parse().unwrap();
        count * 100 <= percent * all
    };
    match bound {
        Allowance::Number(most) => count <= most,
        Allowance::Percent(percent) => {
            share(percent) || percent > 0.0 && count <= floor && count * 2 <= all
        }
    }
}

fn bound() -> impl Strategy<Value = Allowance> {
    let percent = (0_u32..=100).prop_map(f64::from);
    prop_oneof![
        (0_u64..60).prop_map(Allowance::Number),
        percent.prop_map(Allowance::Percent),
    ]
}

prop_compose! {
    fn rows()(
        new in 0_usize..12, changed in 0_usize..12, adopt in 0_usize..6,
        unchanged in 0_usize..12, rejected in 0_usize..6, earlier in 0_usize..6,
    ) -> Counts {
        Counts { new, changed, adopt, unchanged, rejected, earlier }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn leavers_go_all_or_none_and_only_within_the_bound_or_with_approval(
        max_leavers in bound(),
        named in 0_u64..60, share in 0.0..=1.0, unidentified in 0_u64..3,
        allowed in proptest::sample::subsequence(ALL.to_vec(), 0..=5),
        action in proptest::sample::select(vec![
            Leavers::Ignore, Leavers::Delete, Leavers::Deactivate { archive: true },
        ]),
        rows in rows(),
    ) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 60")]
        let leavers = (named as f64 * share) as usize;
        let guards = Guards { max_leavers: limit(max_leavers), ..Guards::default() };
        let approved = allowed.contains(&Guard::Leavers);
        let case = Case {
            guards, allowed, rows, named, leavers, action, unidentified, under_other_keys: 0,
        };
        let decided = case.decide();
        let may_go = lets_pass(leavers as u64, named, max_leavers, Guards::FLOOR) && unidentified == 0 || approved;
        let goes = may_go && action != Leavers::Ignore;
        prop_assert_eq!(decided.leavers, if goes { leavers } else { 0 });
        let holds = action != Leavers::Ignore && leavers > 0 && !may_go;
        let held: Vec<_> = decided.held.iter().map(|held| (held.guard, held.changes)).collect();
        prop_assert_eq!(held, vec![(Guard::Leavers, leavers as u64); usize::from(holds)]);
    }

    #[test]
    fn a_guard_holds_all_rows_of_its_kind_or_none_and_touches_no_other(
        creates in bound(), updates in bound(),
        is_bounded in any::<bool>(), under_other_keys in 0_u64..2,
        allowed in proptest::sample::subsequence(ALL.to_vec(), 0..=5),
        rows in rows(),
    ) {
        let guards = Guards {
            max_creates: limit(creates),
            max_updates: limit(updates),
            ..Guards::default()
        };
        let named = if is_bounded { 100 } else { 99 };
        let case = Case {
            guards, allowed: allowed.clone(), rows, named, under_other_keys, ..Case::default()
        };
        let (new, other) = (rows.new as u64, (rows.changed + rows.adopt) as u64);
        let all = rows.rows() as u64;
        let too_many =
            |count, bound, floor| is_bounded && !lets_pass(count, all, bound, floor);
        let holds_new = !allowed.contains(&Guard::Creates)
            && (too_many(new, creates, Guards::FLOOR_CREATES) || under_other_keys > 0 && new > 0);
        let holds_other =
            !allowed.contains(&Guard::Updates) && too_many(other, updates, Guards::FLOOR);
        let decided = case.decide();
        let before = rows.table();
        for row in 0..u32::try_from(rows.rows()).unwrap() {
            let is_held = match before.state(row) {
                RowState::New => holds_new,
                RowState::Changed | RowState::Adopt => holds_other,
                _ => false,
            };
            let after = if is_held { RowState::Held } else { before.state(row) };
            prop_assert_eq!(decided.table.state(row), after);
        }
        let held: Vec<_> = decided.held.iter().map(|held| (held.guard, held.changes)).collect();
        let expected: Vec<_> = [
            (holds_new, Guard::Creates, new), (holds_other, Guard::Updates, other),
        ]
        .into_iter()
        .filter(|(holds, ..)| *holds)
        .map(|(_, guard, changes)| (guard, changes))
        .collect();
        prop_assert_eq!(held, expected);
    }
}

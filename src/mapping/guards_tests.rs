//! The limits as numbers: who passes, and what a mapping may say.

use proptest::prelude::*;

use super::*;

/// A limit of one run.
const fn limit(bound: Allowance) -> Limit {
    Limit { bound, days: None }
}

const fn percent(percent: f64) -> Limit {
    limit(Allowance::Percent(percent))
}

#[test]
fn a_number_is_a_number_of_whatever() {
    let limit = limit(Allowance::Number(3));
    assert_eq!([0, 3, 1_000].map(|base| limit.most(base, 5)), [3, 3, 3]);
}

#[test]
fn a_share_is_rounded_down_and_exactly_the_bound_passes() {
    for (share, base, most) in [
        (5.0, 100, 5),
        (5.0, 119, 5),
        (5.0, 120, 6),
        (0.4, 1_000, 4),
        (0.57, 10_000, 57),
        (0.28, 2_500, 7),
        (33.3, 1_000, 333),
        (100.0, 7, 7),
        (100.0, 0, 0),
    ] {
        assert_eq!(percent(share).most(base, 0), most, "{share}% of {base}");
    }
}

#[test]
fn a_floor_stops_nobody_small_and_empties_nobody_small() {
    let mosts =
        [0, 1, 2, 3, 9, 10, 11, 99, 100, 101, 119, 120, 121].map(|base| percent(5.0).most(base, 5));
    assert_eq!(mosts, [0, 0, 1, 1, 4, 5, 5, 5, 5, 5, 5, 6, 6]);
    // Whoever says zero wants none.
    assert_eq!(
        [1, 10, 1_000].map(|base| percent(0.0).most(base, 5)),
        [0; 3]
    );
}

fn any_limit() -> impl Strategy<Value = Limit> {
    prop_oneof![
        (0_u64..2_000).prop_map(Allowance::Number),
        (0.0..=100.0_f64).prop_map(Allowance::Percent),
        (0_u32..=1_000).prop_map(|tenths| Allowance::Percent(f64::from(tenths) / 10.0)),
    ]
    .prop_map(limit)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exactly_the_bound_passes_and_one_more_does_not(tenths in 0_u64..=1_000, base in 0_u64..1_000_000) {
        // In whole numbers: `most` people are within the share, one more is not.
        let most = percent(f64::from(u32::try_from(tenths).unwrap()) / 10.0).most(base, 0);
        prop_assert!(most * 1_000 <= tenths * base);
        prop_assert!((most + 1) * 1_000 > tenths * base);
    }

    #[test]
    fn a_floor_lets_pass_at_most_half_or_what_the_share_lets_pass_anyway(
        limit in any_limit(), base in 0_u64..1_000_000, floor in 0_u64..200,
    ) {
        let (with, without) = (limit.most(base, floor), limit.most(base, 0));
        prop_assert!(with >= without);
        prop_assert!(with == without || with <= floor && with * 2 <= base);
    }

    #[test]
    fn more_people_and_a_larger_limit_let_no_fewer_pass(
        limit in any_limit(), base in 0_u64..1_000_000, more in 0_u64..1_000, floor in 0_u64..200,
        raised in 0.0..=50.0_f64,
    ) {
        let most = limit.most(base, floor);
        prop_assert!(limit.most(base + more, floor) >= most);
        prop_assert!(limit.most(base, floor + more) >= most);
        if let Allowance::Percent(share) = limit.bound {
            prop_assert!(percent((share + raised).min(100.0)).most(base, floor) >= most);
            prop_assert!(limit.most(base, floor) <= base);
        }
    }
}

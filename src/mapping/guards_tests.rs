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

/// What a mapping with these lines says of its limits, or why it cannot.
fn guards_of(lines: &str) -> Result<Guards, String> {
    let text = format!(
        "[target]\nsystem = \"kmi\"\nbase_url = \"https://lms.example.com\"\n\
         api_key = {{ env = \"K\" }}\napi_secret = {{ env = \"S\" }}\n[fields]\n\
         externalId = \"ID\"\nemail = \"M\"\nfirstName = \"F\"\nlastName = \"L\"\n\
         loginName = \"M\"\n[guards]\n{lines}\n"
    );
    let mapping = crate::mapping::Mapping::parse(std::path::Path::new("m.toml"), &text);
    mapping.map(|mapping| mapping.guards).map_err(|error| {
        let message = error.to_string().replace("m.toml, line 13, ", "");
        format!("{message} | {}", error.help().unwrap_or_default())
    })
}

#[test]
fn without_a_line_the_limits_are_the_documented_ones() {
    let guards = guards_of("").unwrap();
    assert_eq!(guards, Guards::default());
    let limits = [
        guards.max_leavers,
        guards.max_creates,
        guards.max_updates,
        guards.max_lost,
        guards.max_identities,
        guards.max_rejected,
        guards.max_shrink,
        guards.max_emptied,
    ]
    .map(|limit| limit.to_string());
    assert_eq!(
        limits.join(", "),
        "5% in 7 days, 25%, 50%, 1%, 2%, 10%, 20%, 20%"
    );
    assert_eq!((guards.max_age, guards.min_rows), (None, 1));
    assert_eq!(guards.tolerate, Allowance::Number(0));
    assert!(!guards.is_max_rejected_written);
}

#[test]
fn a_limit_is_a_share_or_a_number_and_some_are_counted_over_days() {
    let limits = |value: &str| {
        let lines =
            ["max_leavers", "max_creates", "max_updates"].map(|key| format!("{key} = {value}"));
        let guards = guards_of(&lines.join("\n")).unwrap();
        [guards.max_leavers, guards.max_creates, guards.max_updates]
            .map(|it| it.to_string())
            .join(", ")
    };
    // Leavers are always counted over days.
    assert_eq!(limits("\"3%\""), "3% in 7 days, 3%, 3%");
    assert_eq!(limits("20"), "20 in 7 days, 20, 20");
    for (value, shown) in [
        ("{ share = \"5%\", per = \"7 days\" }", "5% in 7 days"),
        ("{ number = 20, per = \"7 days\" }", "20 in 7 days"),
        ("{ share = \" 0.5 % \", per = \"1 day\" }", "0.5% in 1 day"),
        ("{ number = 0, per = \"2 weeks\" }", "0 in 14 days"),
        ("{ number = 9, per = \"48h\" }", "9 in 2 days"),
        ("{ number = 9, per = \"1w 1d\" }", "9 in 8 days"),
    ] {
        assert_eq!(limits(value), [shown; 3].join(", "));
    }
}

#[test]
fn what_is_written_is_taken_as_written() {
    let guards = guards_of(
        "max_lost = 3\nmax_identities = \"1%\"\nmax_rejected = \"10%\"\nmax_shrink = 500\n\
         max_emptied = \"-0%\"\nmin_rows = 0\ntolerate = \"2%\"",
    )
    .unwrap();
    assert_eq!(guards.max_lost, limit(Allowance::Number(3)));
    assert_eq!(guards.max_identities, percent(1.0));
    assert_eq!(
        (guards.max_rejected, guards.is_max_rejected_written),
        (percent(10.0), true)
    );
    assert_eq!(guards.max_shrink, limit(Allowance::Number(500)));
    assert_eq!(guards.max_emptied.to_string(), "0%");
    assert_eq!(
        (guards.min_rows, guards.tolerate),
        (0, Allowance::Percent(2.0))
    );
    for tolerate in ["\"12\"", "12"] {
        let guards = guards_of(&format!("tolerate = {tolerate}")).unwrap();
        assert_eq!(guards.tolerate, Allowance::Number(12));
    }
    for (age, hours) in [
        ("36 h", 36),
        ("36h", 36),
        ("3 days", 72),
        ("1 week", 168),
        ("1d 6h", 30),
    ] {
        let guards = guards_of(&format!("max_age = \"{age}\"")).unwrap();
        assert_eq!(guards.max_age, Some(Duration::from_hours(hours)), "{age}");
    }
}

#[test]
fn whatever_makes_no_sense_says_where_and_what_to_write() {
    let errors: Vec<_> = [
        "max_leaver = 5",
        "max_lost = \"5\"",
        "max_leavers = \"5\"",
        "max_leavers = \"101%\"",
        "max_leavers = \"NaN%\"",
        "max_leavers = -1",
        "max_leavers = 1.5",
        "max_leavers = true",
        "max_leavers = {}",
        "max_leavers = { share = \"5%\" }",
        "max_leavers = { per = \"7 days\" }",
        "max_leavers = { share = \"5%\", number = 5, per = \"7 days\" }",
        "max_leavers = { share = 5, per = \"7 days\" }",
        "max_leavers = { share = \"5\", per = \"7 days\" }",
        "max_leavers = { number = \"5%\", per = \"7 days\" }",
        "max_leavers = { share = \"5%\", pre = \"7 days\" }",
        "max_leavers = { share = \"5%\", per = 7 }",
        "max_leavers = { share = \"5%\", per = \"7\" }",
        "max_leavers = { share = \"5%\", per = \"12 h\" }",
        "max_leavers = { share = \"5%\", per = \"0 days\" }",
        "max_leavers = { share = \"5%\", per = \"367 days\" }",
        "max_leavers = { share = \"5%\", per = \"1 month\" }",
        "max_lost = { share = \"1%\", per = \"7 days\" }",
        "max_emptied = 20",
        "max_emptied = { share = \"5%\", per = \"7 days\" }",
        "max_age = 36",
        "max_age = \"36\"",
        "max_age = \"0 h\"",
        "max_age = \"-2 h\"",
        "max_age = \"2 years\"",
        "min_rows = \"1\"",
        "tolerate = \"few\"",
    ]
    .into_iter()
    .map(|line| format!("{line}\n    {}", guards_of(line).unwrap_err()))
    .collect();
    insta::assert_snapshot!(errors.join("\n"));
}

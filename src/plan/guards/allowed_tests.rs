//! `--allow` as a person types it.

use proptest::prelude::*;

use super::*;

#[test]
fn each_form_is_read_and_a_wrong_one_shows_the_right_one() {
    let texts = [
        "leavers=40",
        " creates = 0 ",
        "updates=18446744073709551615",
        "renumbered=1",
        "lost=2",
        "identities=3",
        "rejected=4",
        "shrink=5",
        "rows=0",
        "emptied=Work Email",
        "emptied= Name,  \"first\" ",
        "emptied=a=b",
        "age",
        "leavers",
        "leavers=",
        "leavers=all",
        "leavers=-1",
        "leavers=+1",
        "leavers=1.5",
        "leavers=1_000",
        "leavers=4O",
        "leavers=٤",
        "leavers=18446744073709551616",
        "rows",
        "rejected=10%",
        "emptied",
        "emptied=",
        "age=3",
        "leaver=3",
        "Leavers=3",
        "everything",
        "",
        "=3",
    ];
    let lines: Vec<_> = texts
        .iter()
        .map(|text| match text.parse::<Allow>() {
            Ok(allow) => format!("{text:?} is {allow}"),
            Err(error) => format!("{text:?}: {error}"),
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    "leavers=40" is leavers=40
    " creates = 0 " is creates=0
    "updates=18446744073709551615" is updates=18446744073709551615
    "renumbered=1" is renumbered=1
    "lost=2" is lost=2
    "identities=3" is identities=3
    "rejected=4" is rejected=4
    "shrink=5" is shrink=5
    "rows=0" is rows=0
    "emptied=Work Email" is emptied=Work Email
    "emptied= Name,  \"first\" " is emptied=Name first
    "emptied=a=b" is emptied=a=b
    "age" is age
    "leavers": `leavers` requires the number that you have seen: write `--allow leavers=N` (`leavers=40` allows at most 40 people)
    "leavers=": `leavers` requires the number that you have seen: write `--allow leavers=N` (`leavers=40` allows at most 40 people)
    "leavers=all": `all` is not a number of rows or people: `leavers=40` allows at most 40 people
    "leavers=-1": `-1` is not a number of rows or people: `leavers=40` allows at most 40 people
    "leavers=+1": `+1` is not a number of rows or people: `leavers=40` allows at most 40 people
    "leavers=1.5": `1.5` is not a number of rows or people: `leavers=40` allows at most 40 people
    "leavers=1_000": `1_000` is not a number of rows or people: `leavers=40` allows at most 40 people
    "leavers=4O": `4O` is not a number of rows or people: `leavers=40` allows at most 40 people
    "leavers=٤": `٤` is not a number of rows or people: `leavers=40` allows at most 40 people
    "leavers=18446744073709551616": `18446744073709551616` is not a number of rows or people: `leavers=40` allows at most 40 people
    "rows": `rows` requires the number that you have seen: write `--allow rows=N` (`rows=40` allows a feed of 40 rows or more)
    "rejected=10%": `10%` is not a number of rows or people: `rejected=40` allows at most 40 invalid rows
    "emptied": `emptied` requires the name of the column: for example `emptied=Department`
    "emptied=": `emptied` requires the name of the column: for example `emptied=Department`
    "age=3": `age` takes no value: write `age`
    "leaver=3": `leaver` cannot be allowed (did you mean `leavers=N`?): possible values are leavers=N, creates=N, updates=N, renumbered=N, lost=N, identities=N, rejected=N, shrink=N, rows=N, files=N, emptied=COLUMN, age, cut, unfinished
    "Leavers=3": `Leavers` cannot be allowed (did you mean `leavers=N`?): possible values are leavers=N, creates=N, updates=N, renumbered=N, lost=N, identities=N, rejected=N, shrink=N, rows=N, files=N, emptied=COLUMN, age, cut, unfinished
    "everything": `everything` cannot be allowed: possible values are leavers=N, creates=N, updates=N, renumbered=N, lost=N, identities=N, rejected=N, shrink=N, rows=N, files=N, emptied=COLUMN, age, cut, unfinished
    "": `` cannot be allowed: possible values are leavers=N, creates=N, updates=N, renumbered=N, lost=N, identities=N, rejected=N, shrink=N, rows=N, files=N, emptied=COLUMN, age, cut, unfinished
    "=3": `` cannot be allowed: possible values are leavers=N, creates=N, updates=N, renumbered=N, lost=N, identities=N, rejected=N, shrink=N, rows=N, files=N, emptied=COLUMN, age, cut, unfinished
    "#);
}

#[test]
fn the_option_is_quoted_where_a_shell_would_divide_it() {
    let option = |items: &[Allow]| allow_option(items);
    let leavers = Allow::Held(HoldKind::Leavers, 40);
    assert_eq!(option(std::slice::from_ref(&leavers)), "--allow leavers=40");
    assert_eq!(option(&[leavers, Allow::Age]), "--allow leavers=40,age");
    let column = Allow::emptied("Salary, in $ \"net\"");
    assert_eq!(option(&[column]), "--allow \"emptied=Salary in net\"");
}

#[test]
fn an_approval_covers_what_was_seen_and_nothing_else() {
    use HoldKind::{Creates, Leavers};
    let cases = [
        ("leavers=40", Allow::Held(Leavers, 40), true),
        ("leavers=40", Allow::Held(Leavers, 3), true),
        ("leavers=40", Allow::Held(Leavers, 41), false),
        ("leavers=40", Allow::Held(Creates, 40), false),
        ("leavers=40", Allow::Rejected(40), false),
        ("rejected=40", Allow::Rejected(40), true),
        ("rejected=40", Allow::Rejected(41), false),
        ("shrink=40", Allow::Shrink(40), true),
        ("shrink=40", Allow::Shrink(41), false),
        // The feed that was seen had 40 rows.
        ("rows=40", Allow::Rows(40), true),
        ("rows=40", Allow::Rows(41), true),
        ("rows=40", Allow::Rows(3), false),
        ("emptied=Department", Allow::emptied("Department"), true),
        ("emptied=Department", Allow::emptied("Country"), false),
        ("emptied=City  state", Allow::emptied("City, state"), true),
        ("age", Allow::Age, true),
        ("age", Allow::Rows(0), false),
        ("cut", Allow::CutOff, true),
        ("cut", Allow::Rejected(1), false),
    ];
    for (text, needed, expected) in cases {
        let allowed: Allowed = [text.parse().unwrap()].into_iter().collect();
        assert_eq!(allowed.covers(&needed), expected, "{text} for {needed}");
        assert!(!Allowed::default().covers(&needed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_an_approval_or_an_error(text in ".{0,20}", word in 0..NUMBERS.len(), value in ".{0,6}") {
        let _either = text.parse::<Allow>();
        let _either = format!("{}={value}", NUMBERS[word].0).parse::<Allow>();
    }

    #[test]
    fn what_a_person_reads_can_be_typed(kind in 0..HoldKind::ALL.len(), number: u64, column in "[^\\p{C}]*\\w.{0,8}") {
        let shown = [
            Allow::Held(HoldKind::ALL[kind], number),
            Allow::Rejected(number), Allow::Shrink(number), Allow::Rows(number),
            Allow::emptied(&column), Allow::Age, Allow::CutOff,
        ];
        for allow in shown {
            let typed = allow.to_string();
            prop_assert!(!typed.contains(','), "{typed}");
            prop_assert_eq!(typed.parse::<Allow>().unwrap(), allow);
        }
    }
}

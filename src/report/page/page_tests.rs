//! What the page promises: escaped, self-contained, bounded, complete.

use super::super::cause::tests::cause as cause_of;
use super::super::run::tests::import;
use super::*;
use crate::model::{Action, Counts, RowNumber, RunState};
use crate::report::hold::tests::{leavers, renumbered};
use crate::report::{HeldCounts, NextKind, NextStep, next_steps};
use proptest::prelude::*;

fn line(row: u32, outcome: Outcome) -> RowLine {
    let messages = [
        "column `Work Email` (email): not an e-mail address",
        "column `Country` (country): not a country code of two letters (ISO 3166-1); meant is probably NL: add it to the field's `map`",
        "column `Employee ID` (externalId): a number in scientific notation: Excel shortened it and the digits are lost; format the column as text and export again",
        "the LMS says: loginName is already in use",
    ];
    let sent = row % 4 == 3 || outcome != Outcome::Rejected;
    RowLine {
        row: Some(RowNumber::new(row)),
        external_id: (!row.is_multiple_of(7)).then(|| format!("E10-{:05}", row * 7)),
        outcome,
        action: sent.then_some(Action::Create),
        status: sent.then_some(400),
        attempts: u32::from(sent) * (1 + row % 3),
        message: Some(messages[row as usize % 4].into()),
        ..RowLine::new(None, None, outcome)
    }
}

fn section(rows: std::ops::Range<u32>, outcome: Outcome) -> RowSection {
    let mut section = RowSection::default();
    rows.for_each(|row| section.push(line(row, outcome)));
    section
}

/// A run as nights are: most of it fine, some of it not.
fn data() -> PageData {
    let mut report = import();
    report.counts = Counts {
        created: 937,
        updated: 12,
        unchanged: 25,
        rejected: 23,
        refused: 3,
        failed: 2,
        unknown: 1,
        ..Counts::default()
    };
    report.exit_code = 3;
    report.message = headline(&report);
    report.causes = vec![
        cause_of(
            Outcome::Rejected,
            20,
            "column `Work Email` (email): not an e-mail address",
            &[17, 88, 113],
        ),
        cause_of(
            Outcome::Rejected,
            3,
            "the LMS says: loginName is already in use",
            &[5, 6, 7],
        ),
        cause_of(
            Outcome::Failed,
            2,
            "the LMS answered 500 five times",
            &[12, 13],
        ),
    ];
    let mut throughput = Throughput::default();
    for at in 0..950_u32 {
        let outcome = match at % 41 {
            0 => Outcome::Rejected,
            7 => Outcome::Updated,
            _ if at == 500 => Outcome::Unknown,
            _ if at % 401 == 400 => Outcome::Failed,
            _ => Outcome::Created,
        };
        // A pause between the 300th and the 301st.
        let pause = if at > 300 { 6.0 } else { 0.0 };
        throughput.add(f64::from(at) / 27.0 + pause, outcome);
    }
    let started: Zoned = "2026-11-21T02:00:14+01:00[Europe/Amsterdam]"
        .parse()
        .unwrap();
    PageData {
        target: Some("kmi at https://lms.example.com".into()),
        ended: Some(
            "2026-11-21T02:00:55+01:00[Europe/Amsterdam]"
                .parse()
                .unwrap(),
        ),
        started: Some(started),
        next: next_steps(&report),
        throughput,
        rejected: section(2..25, Outcome::Rejected),
        failed: section(30..32, Outcome::Failed),
        unknown: section(40..41, Outcome::Unknown),
        held: RowSection::default(),
        report,
    }
}

fn empty() -> PageData {
    let mut report = import();
    report.counts = Counts {
        unchanged: 1_000,
        ..Counts::default()
    };
    report.message = headline(&report);
    PageData {
        report,
        target: None,
        started: None,
        ended: None,
        next: Vec::new(),
        throughput: Throughput::default(),
        rejected: RowSection::default(),
        failed: RowSection::default(),
        unknown: RowSection::default(),
        held: RowSection::default(),
    }
}

/// How often the page contains `needle`.
fn count_of(page: &str, needle: &str) -> usize {
    page.matches(needle).count()
}

#[test]
fn hostile_names_stay_text() {
    const EVIL: &str =
        "<script>alert(1)</script>\"' onload=x <img src=x onerror=y>&amp;{{ 7*7 }}\u{202e}\u{0}";
    let mut data = data();
    data.report.feed.path = EVIL.into();
    data.report.feed.sha256 = Some(EVIL.into());
    data.report.run = Some(EVIL.into());
    data.report.message = EVIL.into();
    data.target = Some(EVIL.into());
    data.next = vec![NextStep {
        kind: NextKind::Rows,
        arguments: vec![EVIL.into()],
        purpose: EVIL,
    }];
    data.report.causes[0].message = EVIL.into();
    let mut row = line(3, Outcome::Rejected);
    row.external_id = Some(EVIL.into());
    row.message = Some(EVIL.into());
    data.rejected.push(row);
    let page = html_page(&data).unwrap();
    assert!(
        page.contains("&lt;script&gt;alert(1)"),
        "it is shown, as text"
    );
    assert_eq!(count_of(&page, "<script"), 0);
    assert_eq!(count_of(&page, "<img"), 0);
    assert!(page.contains("{{ 7*7 }}") && page.contains("\\u{202e}"));
    assert!(!page.contains(['\u{202e}', '\u{0}']));
}

#[test]
fn the_page_loads_nothing_and_says_so() {
    let page = html_page(&data()).unwrap();
    assert!(page.contains("default-src 'none'; style-src 'unsafe-inline'"));
    for forbidden in [
        "<script",
        "<link",
        "<img",
        "<iframe",
        "@import",
        "src=",
        "href=",
        "javascript:",
    ] {
        assert_eq!(count_of(&page, forbidden), 0, "{forbidden}");
    }
    // The one `url(…)` points into the page itself.
    assert_eq!(count_of(&page, "url("), count_of(&page, "url(#"));
}

#[test]
fn names_between_backticks_are_set_as_code() {
    let shown = |message: &str| -> Vec<(String, bool)> {
        let pieces = pieces(Some(message.to_owned())).into_iter().enumerate();
        let pieces = pieces.map(|(at, text)| (text, !at.is_multiple_of(2)));
        pieces.filter(|(text, _)| !text.is_empty()).collect()
    };
    assert_eq!(
        shown("column `Email`: wrong"),
        [
            ("column ".to_owned(), false),
            ("Email".to_owned(), true),
            (": wrong".to_owned(), false)
        ]
    );
    assert_eq!(shown("it`s `odd`"), [("it`s `odd`".to_owned(), false)]);
}

#[test]
fn a_full_page_has_every_part() {
    let page = html_page(&data()).unwrap();
    for part in [
        "Import finished. 974 people are up to date; 23 rows were rejected, 2 failed and 1 has an unknown outcome.",
        "run 12",
        "2026-11-21 02:00:14 CET",
        "41 s",
        "9f86d081884c7d659a2feaa0c55ad015",
        "Wrong in the feed",
        "Why rows failed",
        "(rows 17, 88, 113 …)",
        "Bar chart of 950 people over",
        "hrfeed rows 12 --outcome rejected",
        "list the rejected rows",
        "Rejected rows (23)",
        "Failed rows (2)",
        "Rows with an unknown outcome (1)",
        "create, HTTP 400, 2 requests",
    ] {
        let escaped = part.replace('/', "&#x2f;");
        assert!(page.contains(part) || page.contains(&escaped), "{part}");
    }
}

#[test]
fn what_is_worth_knowing_is_on_the_page() {
    let mut data = data();
    data.report.notes.clear();
    assert_eq!(count_of(&html_page(&data).unwrap(), "Worth knowing"), 0);
    data.report.notes = vec!["row 7: <b> stays `teacher`".into()];
    let page = html_page(&data).unwrap();
    assert_eq!(count_of(&page, "<h2>Worth knowing</h2>"), 1);
    assert_eq!(
        count_of(
            &page,
            "<li>row 7: &lt;b&gt; stays <code>teacher</code></li>"
        ),
        1
    );
}

#[test]
fn an_empty_page_says_of_each_part_that_it_is_empty() {
    let page = html_page(&empty()).unwrap();
    for part in [
        "No changes: all 1,000 people are already up to date.",
        "Nothing to report",
        "Nothing was sent, so there is no throughput to show.",
        "No rows were rejected.",
        "No rows failed.",
        "Every row has a known outcome.",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("Next steps"));
}

#[test]
fn rows_beyond_the_bound_are_counted_and_said_where_to_find() {
    let mut data = data();
    data.rejected = section(1..17_346, Outcome::Rejected);
    let page = html_page(&data).unwrap();
    assert!(page.contains("Rejected rows (17,345)"));
    assert!(page.contains("and 12,345 more: <code>hrfeed rows 12 --outcome rejected</code>"));
    assert_eq!(
        count_of(&page, "<td class=\"message\">"),
        RowSection::ROWS_SHOWN + 3
    );
}

#[test]
fn each_tone_has_a_mark_beside_its_colour() {
    let mut data = empty();
    assert!(html_page(&data).unwrap().contains("success:"));
    data.report.state = RunState::Interrupted;
    assert!(html_page(&data).unwrap().contains("needs attention:"));
    data.report.state = RunState::Failed;
    assert!(html_page(&data).unwrap().contains("failed:"));
}

/// For the eye: `cargo test -- --ignored pages_to_look_at`, then look into `target/pages`.
#[test]
#[ignore = "writes files to look at"]
fn pages_to_look_at() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pages");
    std::fs::create_dir_all(&folder).unwrap();
    let mut long = data();
    long.rejected = section(1..17_346, Outcome::Rejected);
    let mut failed = data();
    failed.report.state = RunState::Failed;
    failed.report.counts.pending = 500;
    failed.report.message =
        "failed to write the journal `/var/lib/hrfeed/journal.db`: the disk is full".into();
    for (name, data) in [
        ("full", data()),
        ("empty", empty()),
        ("long", long),
        ("failed", failed),
    ] {
        std::fs::write(
            folder.join(name).with_extension("html"),
            html_page(&data).unwrap(),
        )
        .unwrap();
    }
}

proptest! {
    #[test]
    fn no_text_can_open_a_tag_or_break_the_page(text in any::<String>()) {
        let mut data = empty();
        let tags = html_page(&data).unwrap().matches('<').count();
        data.report.feed.path.clone_from(&text);
        // Two cells of the same page hold the path; neither adds a tag.
        prop_assert_eq!(html_page(&data).unwrap().matches('<').count(), tags);
    }
}

#[test]
fn what_is_held_is_on_the_page_with_its_people_and_what_was_decided() {
    let mut data = data();
    data.report.exit_code = 4;
    data.report.counts.pending = 1;
    data.report.holds = vec![leavers(), renumbered()];
    data.report.held = HeldCounts {
        rows: 1,
        leavers: 40,
    };
    data.report.proof = Some(Proof {
        checked: 940,
        new_people: 940,
        searched_duplicates: true,
        ..Proof::default()
    });
    data.next = next_steps(&data.report);
    data.held = section(50..51, Outcome::Held);
    data.held.push(RowLine {
        row: None,
        known_as: Some("E4".into()),
        changed: vec!["email".into(), "lastName".into()],
        hold: Some(7),
        ..line(1, Outcome::Held)
    });
    let page = html_page(&data).unwrap();
    for part in [
        "<b>40</b>leavers held",
        "<b>1</b>held",
        "<h2>Held for approval</h2>",
        "<code>hrfeed approve 7</code> or <code>hrfeed refuse 7</code>",
        "(<code>max_leavers</code>)",
        "Held for approval: the people (2)",
        "(known as E4)",
        "(changes email, lastName)",
        "(hold 7)",
        "Verified: all 940 new people are in the LMS, no duplicates",
        "<dt>Mapping</dt><dd>kmi.toml</dd>",
    ] {
        assert!(page.contains(part), "{part} is missing:\n{page}");
    }
    let page = html_page(&empty()).unwrap();
    assert!(!page.contains("Held for approval"));
}

//! What people read of holds.

use super::super::lines::{Format, LinesWriter};
use super::super::run::tests::import;
use super::*;
use crate::model::{Counts, Proof};
use crate::report::{Command, HeldCounts, RunReport, headline, next_steps, summary};

fn time(text: &str) -> Zoned {
    format!("{text}[Europe/Amsterdam]").parse().unwrap()
}

/// Forty leavers who have been held for three nights.
pub(crate) fn leavers() -> HoldLine {
    HoldLine {
        undoes: None,
        id: Some(7),
        kind: HoldKind::Leavers,
        people: 40,
        carried_out: 0,
        new: 0,
        bound: "5% in 7 days".into(),
        since_run: Some("12".into()),
        last_run: Some("14".into()),
        state: HoldState::Open,
        why:
            "40 of 200 people are missing from the feed; the limit is 5% in 7 days (`max_leavers`)"
                .into(),
        mapping: Some("/srv/hr/kmi.toml".into()),
        opened: Some(time("2026-11-24T02:15:41+01:00")),
        decided: None,
        lapses: None,
        carried_out_by: None,
        replaced_by: None,
    }
}

/// One who came under another ID.
pub(crate) fn renumbered() -> HoldLine {
    HoldLine {
        id: Some(9),
        kind: HoldKind::Renumbered,
        people: 1,
        carried_out: 0,
        new: 1,
        bound: String::new(),
        since_run: Some("14".into()),
        why: "1 new row has the login or the e-mail of somebody known".into(),
        ..leavers()
    }
}

fn decided(state: HoldState) -> HoldLine {
    HoldLine {
        state,
        decided: Some(DecisionLine {
            at: time("2026-11-26T09:12:03+01:00"),
            by: "ann@hr1".into(),
            reason: Some("the site in Utrecht closed".into()),
            as_joiners: false,
            verdict: match state {
                HoldState::Refused => HoldState::Refused,
                _ => HoldState::Approved,
            },
        }),
        lapses: Some(time("2026-12-03T09:12:03+01:00")),
        ..leavers()
    }
}

/// One of each state.
fn all() -> Vec<HoldLine> {
    vec![
        renumbered(),
        HoldLine {
            id: Some(8),
            new: 3,
            ..leavers()
        },
        decided(HoldState::Approved),
        HoldLine {
            carried_out_by: Some("15".into()),
            ..decided(HoldState::CarriedOut)
        },
        decided(HoldState::Refused),
        decided(HoldState::Lapsed),
        HoldLine {
            state: HoldState::Lapsed,
            ..leavers()
        },
        HoldLine {
            state: HoldState::Replaced,
            replaced_by: Some(8),
            ..leavers()
        },
    ]
}

fn style(width: usize) -> Style {
    Style {
        width,
        ..Style::piped()
    }
}

#[test]
fn holds_as_a_table_at_80_and_120_columns() {
    insta::assert_snapshot!(holds_table(&all(), &style(80)), @"
    Hold  Kind        People  State        Since run  Why
    ────  ──────────  ──────  ───────────  ─────────  ──────────────────────────────
       9  renumbered       1  open                14  1 new row has the login or the
                                                      e-mail of somebody known
       8  leavers         40  open                12  40 of 200 people are missing
                                                      from the feed; the limit is 5%
                                                      in 7 days (`max_leavers`); 3
                                                      people are new since the hold
                                                      that this one replaced
       7  leavers         40  approved            12  40 of 200 people are missing
                                                      from the feed; the limit is 5%
                                                      in 7 days (`max_leavers`);
                                                      approved by ann@hr1 on 26
                                                      November 2026, 09:12 (the site
                                                      in Utrecht closed); valid
                                                      until 3 December 2026
       7  leavers         40  carried out         12  40 of 200 people are missing
                                                      from the feed; the limit is 5%
                                                      in 7 days (`max_leavers`);
                                                      approved by ann@hr1 on 26
                                                      November 2026, 09:12 (the site
                                                      in Utrecht closed); carried
                                                      out by run 15
       7  leavers         40  refused             12  40 of 200 people are missing
                                                      from the feed; the limit is 5%
                                                      in 7 days (`max_leavers`);
                                                      refused by ann@hr1 on 26
                                                      November 2026, 09:12 (the site
                                                      in Utrecht closed)
       7  leavers         40  lapsed              12  40 of 200 people are missing
                                                      from the feed; the limit is 5%
                                                      in 7 days (`max_leavers`);
                                                      approved by ann@hr1 on 26
                                                      November 2026, 09:12 (the site
                                                      in Utrecht closed); lapsed
       7  leavers         40  lapsed              12  40 of 200 people are missing
                                                      from the feed; the limit is 5%
                                                      in 7 days (`max_leavers`);
                                                      lapsed
       7  leavers         40  replaced            12  40 of 200 people are missing
                                                      from the feed; the limit is 5%
                                                      in 7 days (`max_leavers`);
                                                      replaced by hold 8
    ");
    insta::assert_snapshot!(holds_table(&all(), &style(120)), @"
    Hold  Kind        People  State        Since run  Why
    ────  ──────────  ──────  ───────────  ─────────  ──────────────────────────────────────────────────────────────────────
       9  renumbered       1  open                14  1 new row has the login or the e-mail of somebody known
       8  leavers         40  open                12  40 of 200 people are missing from the feed; the limit is 5% in 7 days
                                                      (`max_leavers`); 3 people are new since the hold that this one
                                                      replaced
       7  leavers         40  approved            12  40 of 200 people are missing from the feed; the limit is 5% in 7 days
                                                      (`max_leavers`); approved by ann@hr1 on 26 November 2026, 09:12 (the
                                                      site in Utrecht closed); valid until 3 December 2026
       7  leavers         40  carried out         12  40 of 200 people are missing from the feed; the limit is 5% in 7 days
                                                      (`max_leavers`); approved by ann@hr1 on 26 November 2026, 09:12 (the
                                                      site in Utrecht closed); carried out by run 15
       7  leavers         40  refused             12  40 of 200 people are missing from the feed; the limit is 5% in 7 days
                                                      (`max_leavers`); refused by ann@hr1 on 26 November 2026, 09:12 (the
                                                      site in Utrecht closed)
       7  leavers         40  lapsed              12  40 of 200 people are missing from the feed; the limit is 5% in 7 days
                                                      (`max_leavers`); approved by ann@hr1 on 26 November 2026, 09:12 (the
                                                      site in Utrecht closed); lapsed
       7  leavers         40  lapsed              12  40 of 200 people are missing from the feed; the limit is 5% in 7 days
                                                      (`max_leavers`); lapsed
       7  leavers         40  replaced            12  40 of 200 people are missing from the feed; the limit is 5% in 7 days
                                                      (`max_leavers`); replaced by hold 8
    ");
}

#[test]
fn one_hold_with_its_people() {
    let hold = HoldLine {
        id: Some(8),
        new: 3,
        ..leavers()
    };
    let target = "KMI LMS at https://lms.example.com";
    let mut out = hold_head(&hold, Some(target), &style(80)).into_bytes();
    let mut writer = LinesWriter::new(Format::Table, &mut out, &style(80));
    for line in people() {
        writer.write(&line).unwrap();
    }
    writer.finish().unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
    Hold 8: 40 removals, open

      why      40 of 200 people are missing from the feed; the limit is 5% in 7 days
               (`max_leavers`)
      limit    5% in 7 days
      since    run 12, 24 November 2026, 02:15; held again by run 14
      new      3 people are new since the hold that this one replaced
      mapping  /srv/hr/kmi.toml
      LMS      KMI LMS at https://lms.example.com

    Row  External ID  Known as     Reason
    ───  ───────────  ───────────  ─────────────────────────────────────────────────
         E40                       is no longer in the feed
     41  =E41         E4\u{202e}1  has the login of a person who is known under
                                   another external ID (in the feed: loginName
                                   `aberg`)
    ");
    insta::assert_snapshot!(hold_head(&decided(HoldState::Refused), None, &style(120)), @"
    Hold 7: 40 removals, refused

      why       40 of 200 people are missing from the feed; the limit is 5% in 7 days (`max_leavers`)
      limit     5% in 7 days
      since     run 12, 24 November 2026, 02:15; held again by run 14
      decision  refused by ann@hr1 on 26 November 2026, 09:12 (the site in Utrecht closed)
      mapping   /srv/hr/kmi.toml
    ");
}

fn people() -> Vec<HeldLine> {
    vec![
        HeldLine {
            external_id: "E40".into(),
            reason: "is no longer in the feed".into(),
            ..HeldLine::default()
        },
        HeldLine {
            row: Some(RowNumber::new(41)),
            external_id: "=E41".into(),
            known_as: Some("E4\u{202e}1".into()),
            reason: "has the login of a person who is known under another external ID".into(),
            values: BTreeMap::from([("loginName".into(), "aberg".into())]),
        },
    ]
}

#[test]
fn the_people_of_a_hold_as_csv_and_json() {
    let written = |format| {
        let mut out = Vec::new();
        let mut writer = LinesWriter::new(format, &mut out, &style(80));
        for line in people() {
            writer.write(&line).unwrap();
        }
        writer.finish().unwrap();
        String::from_utf8(out).unwrap()
    };
    insta::assert_snapshot!(written(Format::Csv), @r"
    row,external_id,known_as,reason,values,file
    ,E40,,is no longer in the feed,,
    41,'=E41,E4\u{202e}1,has the login of a person who is known under another external ID,loginName: aberg,
    ");
    insta::assert_snapshot!(written(Format::Json), @r#"
    {"row":null,"external_id":"E40","known_as":null,"reason":"is no longer in the feed"}
    {"row":41,"external_id":"=E41","known_as":"E4\u202e1","reason":"has the login of a person who is known under another external ID","values":{"loginName":"aberg"}}
    "#);
}

#[test]
fn a_hold_for_scripts() {
    insta::assert_snapshot!(serde_json::to_string(&decided(HoldState::Approved)).unwrap(), @r#"{"id":7,"kind":"leavers","people":40,"carried_out":0,"new":0,"bound":"5% in 7 days","since_run":"12","last_run":"14","state":"approved","why":"40 of 200 people are missing from the feed; the limit is 5% in 7 days (`max_leavers`)","mapping":"/srv/hr/kmi.toml","opened":"2026-11-24T01:15:41.000Z","decided":{"at":"2026-11-26T08:12:03.000Z","by":"ann@hr1","reason":"the site in Utrecht closed","as_joiners":false},"lapses":"2026-12-03T08:12:03.000Z","carried_out_by":null,"replaced_by":null}"#);
}

#[test]
fn what_a_hold_holds_is_said_in_the_words_of_its_kind() {
    let said: Vec<_> = HoldKind::ALL
        .into_iter()
        .map(|kind| format!("{} / {}", held_changes(kind, 1), held_changes(kind, 1_000)))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @"
    1 removal / 1,000 removals
    1 new person / 1,000 new people
    1 update / 1,000 updates
    1 person under another external ID / 1,000 people under other external IDs
    1 person missing from the LMS / 1,000 people missing from the LMS
    1 changed identity / 1,000 changed identities
    ");
}

#[test]
fn an_open_hold_is_to_be_decided_and_a_refusal_can_be_taken_back() {
    for hold in all() {
        let steps = match hold.state {
            HoldState::Open => 3,
            HoldState::Refused => 2,
            _ => 0,
        };
        assert_eq!(hold.next_steps().len(), steps, "{hold:?}");
    }
    let plan = HoldLine {
        id: None,
        ..leavers()
    };
    assert!(plan.next_steps().is_empty());
}

/// The summary as the commands show it.
fn summarized(report: &RunReport, width: usize) -> String {
    summary(report, &next_steps(report), &style(width))
}

/// A night on which two guards held something.
fn held() -> RunReport {
    let mut report = import();
    report.counts = Counts {
        created: 4,
        updated: 12,
        unchanged: 143,
        pending: 1,
        ..Counts::default()
    };
    report.exit_code = 4;
    report.holds = vec![leavers(), renumbered()];
    report.held = HeldCounts {
        rows: 1,
        leavers: 40,
    };
    report.message = headline(&report);
    report
}

#[test]
fn held_for_approval() {
    insta::assert_snapshot!(summarized(&held(), 80), @"
    Import finished, but 40 removals and 1 person under another external ID await approval.
    run 12 · 41 s

      created           4
      updated          12
      unchanged       143
      invalid           0
      held              1  not sent until somebody approves
      ───────────────────
      rows            160  in fixtures/people.csv (2 skipped by the mapping)
      leavers held     40  no longer in the feed; they stay until somebody approves
      requests      1,021  3 retries; rate-limited once

      Held for approval
      hold 7  40 removals: 40 of 200 people are missing from the feed; the limit is
              5% in 7 days (`max_leavers`)
      hold 9  1 person under another external ID: 1 new row has the login or the
              e-mail of somebody known

      Next
        hrfeed hold 7                     see who is held, and why
        hrfeed hold 9                     see who is held, and why
        hrfeed approve 7                  let the next import carry it out
        hrfeed refuse 7                   leave these people as they are
        hrfeed report 12 -o report.html   create an HTML report you can share
    ");
    insta::assert_snapshot!(summarized(&held(), 120), @"
    Import finished, but 40 removals and 1 person under another external ID await approval.
    run 12 · 41 s

      created           4
      updated          12
      unchanged       143
      invalid           0
      held              1  not sent until somebody approves
      ───────────────────
      rows            160  in fixtures/people.csv (2 skipped by the mapping)
      leavers held     40  no longer in the feed; they stay until somebody approves
      requests      1,021  3 retries; rate-limited once

      Held for approval
      hold 7  40 removals: 40 of 200 people are missing from the feed; the limit is 5% in 7 days (`max_leavers`)
      hold 9  1 person under another external ID: 1 new row has the login or the e-mail of somebody known

      Next
        hrfeed hold 7                     see who is held, and why
        hrfeed hold 9                     see who is held, and why
        hrfeed approve 7                  let the next import carry it out
        hrfeed refuse 7                   leave these people as they are
        hrfeed report 12 -o report.html   create an HTML report you can share
    ");
}

#[test]
fn a_plan_that_would_be_held() {
    let mut report = held();
    report.command = Command::Plan;
    report.run = None;
    for hold in &mut report.holds {
        hold.id = None;
        hold.since_run = None;
    }
    report.message = headline(&report);
    insta::assert_snapshot!(summarized(&report, 80), @"
    An import would hold back 40 removals and 1 person under another external ID.
    41 s

      would be created      4
      would be updated     12
      unchanged           143
      invalid               0
      would be held         1  not sent until somebody approves
      ───────────────────────
      rows                160  in fixtures/people.csv (2 skipped by the mapping)
      leavers held         40  no longer in the feed; they stay until somebody
                               approves
      requests          1,021  3 retries; rate-limited once

      Would be held for approval
      40  removals: 40 of 200 people are missing from the feed; the limit is 5% in 7
          days (`max_leavers`)
       1  person under another external ID: 1 new row has the login or the e-mail of
          somebody known
    ");
}

#[test]
fn held_and_decided_since_and_read_back() {
    let mut report = held();
    report.counts.created = 0;
    report.counts.updated = 0;
    report.holds.truncate(1);
    report.message = headline(&report);
    let first = headline(&report);
    report.command = Command::Show;
    report.proof = Some(Proof {
        checked: 5,
        missing: vec!["E7".into()],
        read_back: 5,
        ..Proof::default()
    });
    insta::assert_snapshot!(summarized(&report, 80), @"
    No person changed: 40 removals await approval.                     run 12 · 41 s

      created           0
      updated           0
      unchanged       143
      invalid           0
      held              1  not sent until somebody approves
      ───────────────────
      rows            144  in fixtures/people.csv (2 skipped by the mapping)
      leavers held     40  no longer in the feed; they stay until somebody approves
      requests      1,021  3 retries; rate-limited once

      Checked: 1 person is missing, 5 changes read back (0 requests)

      Held for approval
      hold 7  40 removals: 40 of 200 people are missing from the feed; the limit is
              5% in 7 days (`max_leavers`)

      Next
        hrfeed hold 7                     see who is held, and why
        hrfeed approve 7                  let the next import carry it out
        hrfeed refuse 7                   leave these people as they are
        hrfeed report 12 -o report.html   create an HTML report you can share
    ");
    assert!(first.contains("40 removals await approval"));
    report.holds[0].state = HoldState::Refused;
    assert_eq!(
        headline(&report),
        "Import finished. What it held back was decided since."
    );
}

#[test]
fn a_decision_says_what_comes_next() {
    let report = |holds| RunReport {
        holds,
        ..RunReport::new(Command::Approve, crate::report::FeedReport::default())
    };
    let next = NextStep::approved("/data/people.csv", "/srv/hr feeds/kmi.toml", "7");
    let rest = HoldLine {
        id: Some(8),
        people: 38,
        ..leavers()
    };
    let approved = report(vec![decided(HoldState::Approved), rest]);
    insta::assert_snapshot!(decision_text(&approved, Some(&next), &style(80)), @r#"
    Approved hold 7: 40 removals.
    The next import carries it out, until 3 December 2026.
    The other 38 people stay held: hold 8.

      Next
        hrfeed import /data/people.csv -m "/srv/hr feeds/kmi.toml" --approve 7
          carry it out now
    "#);
    let refused = report(vec![decided(HoldState::Refused)]);
    insta::assert_snapshot!(decision_text(&refused, None, &style(80)), @"
    Refused hold 7: 40 removals.
    These people stay as they are until the change differs.
    ");
}

//! A run of the journal, as a report.

use std::ops::ControlFlow;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::exit::Failure;
use crate::clock::Clock;
use crate::journal::{
    APPROVAL_VALID_FOR, Hold, HoldFilter, HoldId, Journal, JournalError, RowFilter, Run, RunId,
    RunRef, Verdict,
};
use crate::model::hex;
use crate::model::{Action, Aftermath, HoldState, Outage, Outcome, Proof, RowNumber, RunState};
use crate::plan::LeftAlone;
use crate::report::{
    self, CauseLine, Command, DecisionLine, FeedReport, HeldCounts, HoldLine, OutageLine,
    RunReport, TargetReport,
};
use crate::run::{HoldNow, WITH_PLAN, undo_again, undone_by};
use crate::schema::System;

/// A run of the journal as a report.
pub(super) fn of_run(run: &Run) -> RunReport {
    let feed = FeedReport {
        path: if run.start.from_stdin {
            "-".into()
        } else {
            run.start.feed_path.clone()
        },
        files: run.start.feed_files.clone(),
        sha256: run.feed_sha256.map(hex),
        joined_sha256: run.joined_sha256.map(hex),
        rows: run.rows.unwrap_or(0),
        skipped: run.skipped,
    };
    let aftermath = Aftermath::of(run.proof.as_deref());
    // No other command starts a run.
    let mut report = RunReport {
        run: Some(run.id.to_string()),
        state: run.state,
        counts: run.counts,
        calls: run.calls,
        elapsed_seconds: run.elapsed.as_secs_f64(),
        exit_code: run.exit_code.unwrap_or(0),
        proof: aftermath.proof,
        outages: outage_lines(aftermath.outages),
        leavers_left: aftermath.leavers_left,
        target: Some(TargetReport {
            system: run.start.system.clone(),
            base_url: run.start.base_url.clone(),
        }),
        mapping: Some(run.start.mapping_path.clone()),
        started: Some(run.start.started),
        ended: run.ended.filter(|_| run.state != RunState::Running),
        // The journal does not say it.
        names_leavers: None,
        undoes: undone_by(run).map(str::to_owned),
        plan: (run.start.command == WITH_PLAN).then(|| "FILE".to_owned()),
        ..RunReport::new(Command::Import, feed)
    };
    report.message = run
        .message
        .clone()
        .unwrap_or_else(|| report::headline(&report));
    report
}

/// A hold of the journal as it is now, as the reports show it.
pub(super) fn hold_line(journal: &Journal, hold: &Hold) -> Result<HoldLine, JournalError> {
    let state = hold.state_at(Clock::system().now());
    let decided = hold.decided.as_ref();
    let lapses = decided.filter(|_| state == HoldState::Approved);
    let lapses = lapses.and_then(|decided| decided.at.checked_add(APPROVAL_VALID_FOR).ok());
    let last = journal.run(RunRef::Id(hold.last_run))?;
    Ok(HoldLine {
        undoes: last.as_ref().and_then(undo_again).map(str::to_owned),
        id: Some(hold.id.number()),
        kind: hold.kind,
        people: hold.people,
        carried_out: journal.done_of(hold)?.len() as u64,
        new: hold.new,
        bound: hold.bound.clone(),
        since_run: Some(hold.since_run.to_string()),
        last_run: Some(hold.last_run.to_string()),
        state,
        why: hold.why.clone(),
        mapping: Some(hold.mapping_path.clone()),
        opened: Some(local(hold.opened)),
        decided: decided.map(|decision| DecisionLine {
            at: local(decision.at),
            by: decision.by.clone(),
            reason: decision.reason.clone(),
            as_joiners: decision.as_joiners,
            verdict: hold.verdict.map_or(hold.state, Verdict::state),
        }),
        lapses: lapses.map(local),
        // A run that began to carry it out may have been interrupted.
        carried_out_by: (hold.carried_out_by)
            .filter(|_| hold.state == HoldState::CarriedOut)
            .map(|run| run.to_string()),
        replaced_by: hold.replaced_by.map(HoldId::number),
    })
}

/// A hold as a plan would open it, or finds it.
pub(super) fn planned_hold(hold: &HoldNow) -> HoldLine {
    HoldLine {
        undoes: None,
        id: hold.id.map(HoldId::number),
        kind: hold.held.kind,
        people: hold.people.len() as u64,
        carried_out: 0,
        new: hold.new,
        bound: hold.held.bound.clone(),
        since_run: hold.since_run.map(|run| run.to_string()),
        last_run: None,
        state: HoldState::Open,
        why: hold.held.why.clone(),
        mapping: None,
        opened: None,
        decided: None,
        lapses: None,
        carried_out_by: None,
        replaced_by: None,
    }
}

/// Adds to the report of a run what waits for a person, and what was proved.
pub(super) fn add_holds(
    journal: &Journal,
    run: &Run,
    report: &mut RunReport,
) -> Result<(), Failure> {
    report.holds = holds(journal, run)?;
    report.held = held_counts(journal, run.id)?;
    let reasons = [LeftAlone::Protected, LeftAlone::Refused].map(LeftAlone::message);
    let remarks = journal.remarks(run.id)?;
    let left_alone = remarks.iter().filter(|it| reasons.contains(&it.0.as_str()));
    report.left_alone = left_alone.map(|(_, rows, _)| rows).sum();
    if run.message.is_none() {
        report.message = report::headline(report);
    }
    Ok(())
}

/// The holds of a run: what it held, and what it carried out. Each is as it is now.
fn holds(journal: &Journal, run: &Run) -> Result<Vec<HoldLine>, Failure> {
    let of_feed = journal.holds(&HoldFilter {
        scope: Some(run.start.scope),
        mapping_path: Some(run.start.mapping_path.clone()),
        ..HoldFilter::default()
    })?;
    let is_of_run = |hold: &&Hold| {
        let is_held = (hold.since_run..=hold.last_run).contains(&run.id);
        // A hold that somebody refused before has nothing to do with the run.
        let is_news = hold.state != HoldState::Refused
            || (hold.decided.as_ref()).is_some_and(|decided| decided.at >= run.start.started);
        is_held && is_news || hold.carried_out_by == Some(run.id)
    };
    let of_run = of_feed.iter().rev().filter(is_of_run);
    let lines: Result<_, _> = of_run.map(|hold| hold_line(journal, hold)).collect();
    Ok(lines?)
}

/// Whom a run held.
pub(super) fn held_counts(journal: &Journal, run: RunId) -> Result<HeldCounts, Failure> {
    let mut counts = HeldCounts::default();
    let held = RowFilter {
        outcomes: vec![Outcome::Held],
    };
    journal.rows(run, &held, |row| {
        let count = match row.row {
            Some(_) => &mut counts.rows,
            None => &mut counts.leavers,
        };
        *count += 1;
        Ok::<_, JournalError>(ControlFlow::Continue(()))
    })?;
    Ok(counts)
}

/// Outages in the reader's time zone.
pub(super) fn outage_lines(outages: Vec<Outage>) -> Vec<OutageLine> {
    let line = |outage: Outage| OutageLine {
        from: local(outage.from),
        seconds: outage.seconds,
        reason: outage.reason,
    };
    outages.into_iter().map(line).collect()
}

/// An LMS as people know it: `KMI LMS at https://lms.example.com`.
pub(super) fn lms(system: &str, base_url: &str) -> String {
    let title = System::named(system).map_or(system, |system| system.spec().title);
    format!("{title} at {base_url}")
}

/// The names of fields that the journal keeps as one text.
pub(super) fn field_names(changed: &str) -> Vec<String> {
    let names = changed.split(',').map(str::trim);
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A time in the reader's zone.
pub(super) fn local(time: Timestamp) -> Zoned {
    time.to_zoned(TimeZone::system())
}

/// Why rows of a run were not applied.
pub(super) fn causes(journal: &Journal, run: RunId) -> Result<Vec<CauseLine>, Failure> {
    Ok(journal.causes(run)?.iter().map(CauseLine::from).collect())
}

/// What a person should know about rows that went well, a sentence each. The
/// journal does not keep everything that the run itself reports at its end, such
/// as the groups that it created.
pub(super) fn remarks(journal: &Journal, run: RunId) -> Result<Vec<String>, Failure> {
    let remarks = journal.remarks(run)?;
    let adopted = adopted(journal, run)?;
    let adopted = (adopted > 0).then(|| {
        let was = "existing person without an external ID was";
        let were = "existing people without an external ID were";
        format!("{} linked", report::counted(adopted, was, were))
    });
    let remarked = (remarks.iter()).map(|(message, rows, first)| remark(message, *rows, *first));
    Ok(adopted.into_iter().chain(remarked).collect())
}

/// A remark on rows: how many there are, and the first of them.
pub(super) fn remark(message: &str, rows: u64, first: RowNumber) -> String {
    match rows {
        1 => format!("row {first}: {message}"),
        rows => format!(
            "{} rows (first: row {first}): {message}",
            report::count(rows)
        ),
    }
}

/// What a proof found, a sentence for each, where the run's message names something
/// else.
pub(super) fn mismatches(report: &RunReport) -> Vec<String> {
    let problems = report.proof.as_ref().map(Proof::problems);
    let mut problems = problems.unwrap_or_default();
    problems.retain(|problem| !report.message.contains(problem.as_str()));
    problems
}

/// How many people got their external ID in the run.
fn adopted(journal: &Journal, run: RunId) -> Result<u64, Failure> {
    let mut adopted = 0;
    let updated = RowFilter {
        outcomes: vec![Outcome::Updated],
    };
    journal.rows(run, &updated, |row| {
        adopted += u64::from(row.action == Some(Action::Adopt));
        Ok::<_, JournalError>(ControlFlow::Continue(()))
    })?;
    Ok(adopted)
}

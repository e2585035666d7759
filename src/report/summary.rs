//! The text at the end of a command.
//!
//! The first line alone says how it ended. The counts, the causes and the next
//! steps follow, for a reader who has never seen the tool.

use crate::mapping::NamesLeavers;

use super::headline::{Kind, Tone, detail, tone};
use super::hold::hold_lines;
use super::outage::outage_lines;
use super::table::{Column, Fit, Table};
use super::text::times;
use super::{
    CauseLine, HoldLine, Ink, NextStep, RunReport, Style, count, counted, duration, headline,
    sanitize,
};

/// How many causes are shown under one heading.
const CAUSES_SHOWN: usize = 10;

/// The text at the end of `check`, `plan`, `import`, `resume` and `show`.
///
/// `next` are the lines under "Next"; [`super::next_steps`] gives the usual ones.
#[must_use]
pub fn summary(report: &RunReport, next: &[NextStep], style: &Style) -> String {
    let mut lines = head(report, style);
    let heading = |text| [String::new(), format!("  {}", style.paint(Ink::Bold, text))];
    lines.push(String::new());
    lines.extend(figure_lines(&figures(report), style));
    if let Some(proof) = &report.proof {
        lines.push(String::new());
        lines.extend(flow("  ", &proof.summary(), style));
    }
    if !report.holds.is_empty() {
        let is_any_open = report.holds.iter().any(HoldLine::is_open);
        lines.extend(heading(match Kind::of(report) {
            Kind::Plan => "Would be held for approval",
            Kind::Check | Kind::Run if is_any_open => "Held for approval",
            Kind::Check | Kind::Run => "Decided holds",
        }));
        lines.extend(hold_lines(&report.holds, style));
    }
    for (title, group) in CauseLine::grouped(&report.causes) {
        lines.extend(heading(title));
        lines.extend(cause_lines(&group, style));
    }
    if !report.outages.is_empty() {
        lines.extend(heading("When the LMS kept the run waiting"));
        lines.extend(outage_lines(&report.outages, style));
    }
    if !report.notes.is_empty() {
        lines.extend(heading("Worth knowing"));
        for note in &report.notes {
            lines.extend(flow("    ", note, style));
        }
    }
    if let Some(would) = &report.would {
        lines.push(String::new());
        lines.extend(flow("  ", &would.sentences(), style));
    }
    if !next.is_empty() {
        lines.extend(heading("Next"));
        lines.extend(next_lines(next, style));
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// The headline with the run and its time at the right end of the line, and
/// below it what stopped the run.
fn head(report: &RunReport, style: &Style) -> Vec<String> {
    let head = headline(report);
    let run = report.run.as_ref();
    let run = run.map(|run| format!("run {}", sanitize(run)));
    let took = (report.elapsed_seconds > 0.0).then(|| duration(report.elapsed_seconds));
    let facts: Vec<_> = run.into_iter().chain(took).collect();
    let facts = facts.join(Style::DOT);
    let ink = match tone(report) {
        Tone::Good => Ink::Good,
        Tone::Attention => Ink::Warn,
        Tone::Bad => Ink::Bad,
    };
    let (inked, dim) = (style.paint(ink, &head), style.paint(Ink::Dim, &facts));
    let used = head.chars().count() + facts.chars().count();
    // Far from each other the two would not be read as one line.
    let edge = style.columns().min(80);
    let mut lines = if facts.is_empty() {
        vec![inked]
    } else if used + 3 <= edge {
        vec![format!("{inked}{}{dim}", " ".repeat(edge - used))]
    } else {
        vec![inked, dim]
    };
    if let Some(message) = detail(report, &head) {
        lines.extend(flow("", message, style));
    }
    lines
}

/// One line of the counts.
pub(super) struct Figure {
    pub(super) label: &'static str,
    pub(super) number: u64,
    pub(super) note: String,
}

impl Figure {
    /// The label of the sum, above which a line is drawn.
    pub(super) const SUM: &'static str = "rows";
    /// The label of the requests.
    pub(super) const REQUESTS: &'static str = "requests";
}

/// The counts worth showing: most of them only above zero.
pub(super) fn figures(report: &RunReport) -> Vec<Figure> {
    const INVALID: &str = "wrong in the feed, so nothing was sent";
    const WRONG: &str = "wrong in the feed";
    const WOULD_STAY: &str = "wrong in the feed, so nothing would be sent";
    const REFUSED: &str = "the LMS did not accept them";
    const RETRIED: &str = "the LMS could not process them; the next import retries";
    const UNCONFIRMED: &str = "sent but not confirmed; checked before any retry";
    const HELD: &str = "not sent until somebody approves";
    let gone = match report.names_leavers {
        Some(NamesLeavers::ByList) => "on the list of leavers",
        Some(NamesLeavers::ByAbsence) => "no longer in the feed",
        Some(NamesLeavers::ByWayBack) => "created by the run that is undone",
        Some(NamesLeavers::ByMark) => "marked as leavers by the feed",
        Some(NamesLeavers::ByAbsenceOrMark) | None => {
            "no longer in the feed, or named as leavers by it"
        }
    };
    let staying = format!("{gone}; they stay until somebody approves");
    let (kind, counts) = (Kind::of(report), &report.counts);
    // Held rows count as pending.
    let pending = counts.pending.saturating_sub(report.held.rows);
    let figure = |label, number, note: &str| Figure {
        label,
        number,
        note: if number > 0 { note } else { "" }.to_owned(),
    };
    let mut shown = match kind {
        Kind::Check => vec![
            figure("valid", counts.rows() - counts.rejected, ""),
            figure("invalid", counts.invalid(), WRONG),
        ],
        Kind::Plan => vec![
            figure("would be created", counts.created, ""),
            figure("would be updated", counts.updated, ""),
            figure("unchanged", counts.unchanged, ""),
            figure("invalid", counts.invalid(), WOULD_STAY),
            figure("would fail", counts.failed, RETRIED),
            figure("would be held", counts.pending, HELD),
        ],
        Kind::Run => vec![
            figure("created", counts.created, ""),
            figure("updated", counts.updated, ""),
            figure("unchanged", counts.unchanged, ""),
            figure("invalid", counts.invalid(), INVALID),
            figure("refused", counts.refused, REFUSED),
            figure("failed", counts.failed, RETRIED),
            figure("unknown", counts.unknown, UNCONFIRMED),
            figure("held", report.held.rows, HELD),
            figure("pending", pending, "not finished"),
        ],
    };
    shown.push(Figure {
        label: Figure::SUM,
        number: counts.rows(),
        note: from_feed(report),
    });
    // Leavers are not rows of the feed.
    let [deactivated, deleted, set] = match kind {
        Kind::Plan => ["would be deactivated", "would be deleted", "would be set"],
        Kind::Check | Kind::Run => ["deactivated", "deleted", "set"],
    };
    let written = format!("{gone}; `set` says which fields are written");
    let requests = about_requests(report);
    shown.extend([
        figure(deactivated, counts.deactivated, gone),
        figure(deleted, counts.deleted, gone),
        figure(set, counts.set, &written),
        figure("leavers held", report.held.leavers, &staying),
        figure(Figure::REQUESTS, report.calls.total, &requests),
    ]);
    let always = [
        "valid",
        "created",
        "updated",
        "unchanged",
        "invalid",
        Figure::SUM,
    ];
    let word = |label: &'static str| label.strip_prefix("would be ").unwrap_or(label);
    shown.retain(|figure| figure.number > 0 || always.contains(&word(figure.label)));
    shown
}

/// Which feed the rows are in.
fn from_feed(report: &RunReport) -> String {
    let path = match report.feed.path.as_str() {
        "" => return String::new(),
        "-" => "in the feed from stdin".to_owned(),
        path => format!("in {path}"),
    };
    match report.feed.skipped {
        0 => path,
        skipped => format!("{path} ({} skipped by the mapping)", count(skipped)),
    }
}

/// What was remarkable about the requests.
fn about_requests(report: &RunReport) -> String {
    let calls = &report.calls;
    let retries = counted(calls.retried, "retry", "retries");
    let limited = format!("rate-limited {}", times(calls.throttled));
    let parts = [(calls.retried, retries), (calls.throttled, limited)].into_iter();
    let parts = parts.filter_map(|(number, text)| (number > 0).then_some(text));
    parts.collect::<Vec<_>>().join("; ")
}

fn figure_lines(figures: &[Figure], style: &Style) -> Vec<String> {
    const COLUMNS: &[Column] = &[
        Column("", Fit::Text),
        Column("", Fit::Number),
        Column("", Fit::Rest),
    ];
    // The line above the sum is as wide as label, gap and number.
    let label = figures.iter().map(|figure| figure.label.len()).max();
    let number = figures
        .iter()
        .map(|figure| count(figure.number).len())
        .max();
    let rule = "─".repeat(label.unwrap_or(0) + 2 + number.unwrap_or(0));
    let cells = |figure: &Figure| {
        let note = sanitize(&figure.note).into_owned();
        vec![figure.label.to_owned(), count(figure.number), note]
    };
    let rows = figures.iter().map(cells).collect();
    let mut lines = Vec::new();
    for line in Table::lines(COLUMNS, style.indented(2), rows) {
        if line.split(' ').next() == Some(Figure::SUM) {
            lines.push(format!("  {}", style.paint(Ink::Dim, &rule)));
        }
        lines.push(format!("  {line}"));
    }
    lines
}

fn cause_lines(causes: &[&CauseLine], style: &Style) -> Vec<String> {
    const COLUMNS: &[Column] = &[Column("", Fit::Number), Column("", Fit::Rest)];
    let (shown, others) = causes.split_at(causes.len().min(CAUSES_SHOWN));
    let cells = |cause: &&CauseLine| vec![count(cause.count), cause.with_rows()];
    let mut rows: Vec<_> = shown.iter().map(cells).collect();
    if !others.is_empty() {
        let number = others.iter().map(|cause| cause.count).sum();
        let reasons = counted(others.len() as u64, "other reason", "other reasons");
        rows.push(vec![count(number), format!("for {reasons}")]);
    }
    let lines = Table::lines(COLUMNS, style.indented(2), rows).into_iter();
    lines.map(|line| format!("  {line}")).collect()
}

pub(super) fn next_lines(next: &[NextStep], style: &Style) -> Vec<String> {
    let commands = next
        .iter()
        .map(|step| sanitize(&step.command()).into_owned());
    let commands: Vec<_> = commands.collect();
    let chars = |text: &str| text.chars().count();
    let widest = commands.iter().map(|it| chars(it)).max().unwrap_or(0);
    let fits = |step: &NextStep| 4 + widest + 3 + chars(step.purpose) <= style.columns();
    let fits = next.iter().all(fits);
    let mut lines = Vec::new();
    for (step, command) in next.iter().zip(commands) {
        // A command is never wrapped, since it is there to be copied.
        if fits {
            lines.push(format!("    {command:widest$}   {}", step.purpose));
        } else {
            lines.push(format!("    {command}"));
            lines.extend(flow("      ", step.purpose, style));
        }
    }
    lines
}

/// Text from elsewhere, wrapped.
pub(super) fn flow(indent: &str, text: &str, style: &Style) -> Vec<String> {
    const COLUMNS: &[Column] = &[Column("", Fit::Rest)];
    let style = style.indented(indent.len());
    text.lines()
        .flat_map(|line| Table::lines(COLUMNS, style, vec![vec![sanitize(line).into_owned()]]))
        .map(|line| format!("{indent}{line}"))
        .collect()
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;

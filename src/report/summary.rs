//! The text at the end of a command.
//!
//! The first line alone says how it ended; the counts, the causes and what to
//! do next follow, for a reader who has never seen the tool.

use super::headline::{Kind, Tone, tone};
use super::table::{Column, Fit, Table};
use super::text::times;
use super::{
    CauseLine, Ink, NextStep, RunReport, Style, count, counted, duration, headline, sanitize,
};

/// How many causes are shown under one heading.
const CAUSES_SHOWN: usize = 10;

/// The text at the end of `check`, `plan`, `import`, `resume` and `show`.
///
/// `next` are the lines under "Next"; [`super::next_steps`] gives the usual ones.
#[must_use]
pub fn summary(
    report: &RunReport,
    causes: &[CauseLine],
    next: &[NextStep],
    style: &Style,
) -> String {
    let mut lines = head(report, style);
    let shown = figures(report);
    if !shown.is_empty() {
        lines.push(String::new());
        lines.extend(figure_lines(&shown, style));
    }
    for (heading, group) in CauseLine::grouped(causes) {
        lines.push(String::new());
        lines.push(format!("  {}", style.paint(Ink::Bold, heading)));
        lines.extend(cause_lines(&group, style));
    }
    if !report.notes.is_empty() {
        lines.push(String::new());
        lines.push(format!("  {}", style.paint(Ink::Bold, "Worth knowing")));
        for note in &report.notes {
            lines.extend(flow("    ", note, style));
        }
    }
    if !next.is_empty() {
        lines.push(String::new());
        lines.push(format!("  {}", style.paint(Ink::Bold, "Next")));
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
    let run = report
        .run
        .as_ref()
        .map(|run| format!("run {}", sanitize(run)));
    let took = (report.elapsed_seconds > 0.0).then(|| duration(report.elapsed_seconds));
    let facts: Vec<_> = run.into_iter().chain(took).collect();
    let facts = facts.join(style.dot());
    let ink = match tone(report) {
        Tone::Good => Ink::Good,
        Tone::Attention => Ink::Warn,
        Tone::Bad => Ink::Bad,
    };
    let used = head.chars().count() + facts.chars().count();
    let mut lines = Vec::new();
    // Far from each other the two would not be read as one line.
    let edge = style.columns().min(80);
    if facts.is_empty() {
        lines.push(style.paint(ink, &head));
    } else if used + 3 <= edge {
        let gap = " ".repeat(edge - used);
        lines.push(format!(
            "{}{gap}{}",
            style.paint(ink, &head),
            style.paint(Ink::Dim, &facts)
        ));
    } else {
        lines.push(style.paint(ink, &head));
        lines.push(style.paint(Ink::Dim, &facts));
    }
    let message = report.message.trim();
    if !message.is_empty() && message != head {
        lines.extend(flow("", message, style));
    }
    lines
}

/// One line of the counts.
pub(super) struct Figure {
    pub(super) label: &'static str,
    pub(super) number: u64,
    pub(super) note: String,
    /// Whether a line is drawn above it.
    pub(super) sum: bool,
}

/// The counts worth telling.
pub(super) fn figures(report: &RunReport) -> Vec<Figure> {
    let counts = &report.counts;
    let kind = Kind::of(report);
    let mut figures = Vec::new();
    let mut add = |label, number, note: &str, always: bool| {
        if always || number > 0 {
            figures.push(Figure {
                label,
                number,
                note: note.to_owned(),
                sum: false,
            });
        }
    };
    let rejected = counts.rejected;
    match kind {
        Kind::Check => {
            add("right", counts.rows() - rejected, "", true);
            add(
                "rejected",
                rejected,
                when(rejected, "wrong in the feed"),
                true,
            );
        }
        Kind::Plan | Kind::Run => {
            let would = kind == Kind::Plan;
            let name = |done, planned| if would { planned } else { done };
            add(
                name("created", "would be created"),
                counts.created,
                "",
                true,
            );
            add(
                name("updated", "would be updated"),
                counts.updated,
                "",
                true,
            );
            add(
                name("unchanged", "would stay as is"),
                counts.unchanged,
                "",
                true,
            );
            let why = if would {
                "wrong in the feed"
            } else {
                "wrong in the feed, or refused by the LMS"
            };
            add(
                name("rejected", "would be rejected"),
                rejected,
                when(rejected, why),
                true,
            );
            add(
                name("failed", "would fail"),
                counts.failed,
                "the LMS could not do it; another import may",
                false,
            );
            add(
                "unknown",
                counts.unknown,
                "may not be complete; looked up before anything is sent",
                false,
            );
            add(
                name("pending", "would be held"),
                counts.pending,
                "not sent",
                false,
            );
        }
    }
    figures.push(Figure {
        label: "rows",
        number: counts.rows(),
        note: from_feed(report),
        sum: true,
    });
    figures.extend(beside_rows(report));
    figures
}

/// What is no row of the feed: leavers, and calls.
fn beside_rows(report: &RunReport) -> impl Iterator<Item = Figure> + use<> {
    let counts = &report.counts;
    let leavers = "people whom the feed no longer names";
    let (deactivated, deleted) = match Kind::of(report) {
        Kind::Plan => ("would be deactivated", "would be deleted"),
        Kind::Check | Kind::Run => ("deactivated", "deleted"),
    };
    [
        (deactivated, counts.deactivated, leavers.to_owned()),
        (deleted, counts.deleted, leavers.to_owned()),
        ("calls", report.calls.total, about_calls(report)),
    ]
    .into_iter()
    .filter(|&(_, number, _)| number > 0)
    .map(|(label, number, note)| Figure {
        label,
        number,
        note,
        sum: false,
    })
}

fn when(number: u64, note: &str) -> &str {
    if number > 0 { note } else { "" }
}

/// Which feed the rows are of.
fn from_feed(report: &RunReport) -> String {
    let path = match report.feed.path.as_str() {
        "" => return String::new(),
        "-" => "of the feed on stdin".to_owned(),
        path => format!("of {path}"),
    };
    match report.feed.skipped {
        0 => path,
        skipped => format!("{path} ({} left out by the filter)", count(skipped)),
    }
}

/// What was remarkable about the calls.
fn about_calls(report: &RunReport) -> String {
    let calls = &report.calls;
    let mut parts = Vec::new();
    if calls.retried > 0 {
        parts.push(format!("{} of them repeated", count(calls.retried)));
    }
    if calls.throttled > 0 {
        parts.push(format!(
            "the LMS asked {} to slow down",
            times(calls.throttled)
        ));
    }
    parts.join("; ")
}

fn figure_lines(figures: &[Figure], style: &Style) -> Vec<String> {
    const COLUMNS: &[Column] = &[
        Column {
            title: "",
            fit: Fit::Text,
        },
        Column {
            title: "",
            fit: Fit::Number,
        },
        Column {
            title: "",
            fit: Fit::Rest,
        },
    ];
    // The line above the sum is as wide as label, gap and number.
    let label = figures
        .iter()
        .map(|figure| figure.label.len())
        .max()
        .unwrap_or(0);
    let number = figures
        .iter()
        .map(|figure| count(figure.number).len())
        .max()
        .unwrap_or(0);
    let rule = style.rule().repeat(label + 2 + number);
    let rows = figures
        .iter()
        .map(|figure| {
            vec![
                figure.label.to_owned(),
                count(figure.number),
                sanitize(&figure.note).into_owned(),
            ]
        })
        .collect();
    let sums = figures.iter().position(|figure| figure.sum);
    let mut lines = Vec::new();
    let mut at = 0;
    for line in Table::lines(COLUMNS, inner(style), rows) {
        // A line that goes on with the one above starts with a blank.
        if !line.starts_with(' ') {
            if Some(at) == sums {
                lines.push(format!("  {}", style.paint(Ink::Dim, &rule)));
            }
            at += 1;
        }
        lines.push(format!("  {line}"));
    }
    lines
}

fn cause_lines(causes: &[&CauseLine], style: &Style) -> Vec<String> {
    const COLUMNS: &[Column] = &[
        Column {
            title: "",
            fit: Fit::Number,
        },
        Column {
            title: "",
            fit: Fit::Rest,
        },
    ];
    let mut rows: Vec<_> = causes
        .iter()
        .take(CAUSES_SHOWN)
        .map(|cause| vec![cause.shown_count(), cause.tell(style)])
        .collect();
    if let Some(rest) = causes.get(CAUSES_SHOWN..).filter(|rest| !rest.is_empty()) {
        let number = rest.iter().map(|cause| cause.count).sum();
        let other = counted(rest.len() as u64, "other cause", "other causes");
        rows.push(vec![count(number), format!("for {other}")]);
    }
    indented(Table::lines(COLUMNS, inner(style), rows))
}

fn next_lines(next: &[NextStep], style: &Style) -> Vec<String> {
    let parted: Vec<_> = next
        .iter()
        .map(|step| {
            let command = sanitize(&step.command()).into_owned();
            (command, sanitize(step.purpose))
        })
        .collect();
    let widest = parted
        .iter()
        .filter(|(_, why)| !why.is_empty())
        .map(|(command, _)| command.chars().count())
        .max()
        .unwrap_or(0);
    let fits = parted
        .iter()
        .all(|(_, why)| 4 + widest + 3 + why.chars().count() <= style.columns());
    // A command is never wrapped, since it is there to be copied.
    parted
        .into_iter()
        .flat_map(|(command, why)| {
            if why.is_empty() {
                vec![format!("    {command}")]
            } else if fits {
                vec![format!("    {command:widest$}   {why}")]
            } else {
                let mut lines = vec![format!("    {command}")];
                lines.extend(flow("      ", &why, style));
                lines
            }
        })
        .collect()
}

/// Text from elsewhere, wrapped.
fn flow(indent: &str, text: &str, style: &Style) -> Vec<String> {
    const COLUMNS: &[Column] = &[Column {
        title: "",
        fit: Fit::Rest,
    }];
    let style = Style {
        width: style.columns().saturating_sub(indent.len()),
        ..*style
    };
    text.lines()
        .flat_map(|line| Table::lines(COLUMNS, style, vec![vec![sanitize(line).into_owned()]]))
        .map(|line| format!("{indent}{line}"))
        .collect()
}

/// The style for what stands two blanks in.
fn inner(style: &Style) -> Style {
    Style {
        width: style.columns() - 2,
        ..*style
    }
}

fn indented(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().map(|line| format!("  {line}")).collect()
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;

//! One run as one HTML page, to look at or to mail.
//!
//! # Invariants
//!
//! - The page is one file. It loads nothing and runs nothing, and its policy
//!   says so to the browser.
//! - What it shows of others (names, messages) is escaped by the template
//!   engine and sanitized before; none of it becomes an address.
//! - The rows on it are bounded, so a run with a million bad rows still is a
//!   page that opens.

mod chart;
mod throughput;

use jiff::Zoned;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::headline::{Tone, tone};
use super::summary::figures;
use super::text::{counted, times};
use super::{
    CauseLine, NextKind, NextStep, RowLine, RunReport, Style, count, duration, headline, sanitize,
};
use crate::model::{Action, Outcome};
use chart::{Chart, chart};
pub use throughput::Throughput;

/// Everything that the page shows.
#[derive(Clone, Debug)]
pub struct PageData {
    /// The run.
    pub report: RunReport,
    /// Whom the run wrote to: `kmi at https://lms.example.com`.
    pub target: Option<String>,
    /// When it started, in the reader's time zone.
    pub started: Option<Zoned>,
    /// When it ended, where it has.
    pub ended: Option<Zoned>,
    /// Why rows did not go through.
    pub causes: Vec<CauseLine>,
    /// What to do next, as for [`super::summary()`].
    pub next: Vec<NextStep>,
    /// How much was done when.
    pub throughput: Throughput,
    /// The rows that are wrong.
    pub rejected: RowSection,
    /// The rows that the target could not do.
    pub failed: RowSection,
    /// The rows of which it is not known what became.
    pub unknown: RowSection,
}

/// The rows of one outcome: the first of them, and how many there are.
#[derive(Clone, Debug, Default)]
pub struct RowSection {
    rows: Vec<RowLine>,
    total: u64,
}

impl RowSection {
    /// How many rows are shown: what a browser still scrolls with ease.
    pub const ROWS_SHOWN: usize = 5_000;

    /// Takes a row: keeps it if there is room, counts it in any case.
    pub fn push(&mut self, row: RowLine) {
        self.total += 1;
        if self.rows.len() < Self::ROWS_SHOWN {
            self.rows.push(row);
        }
    }
}

impl Extend<RowLine> for RowSection {
    fn extend<T: IntoIterator<Item = RowLine>>(&mut self, rows: T) {
        for row in rows {
            self.push(row);
        }
    }
}

impl FromIterator<RowLine> for RowSection {
    fn from_iter<T: IntoIterator<Item = RowLine>>(rows: T) -> Self {
        let mut section = Self::default();
        section.extend(rows);
        section
    }
}

/// Why the page could not be made. Only a mistake in hrfeed can cause it.
#[derive(Debug, thiserror::Error)]
#[error("failed to fill in the report page; this is a mistake in hrfeed, please report it")]
pub struct PageError(#[from] minijinja::Error);

/// The page as text.
pub fn html_page(data: &PageData) -> Result<String, PageError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()?,
    );
    // The name's ending turns escaping on.
    environment.add_template("page.html", include_str!("page.html"))?;
    let page = environment.get_template("page.html")?;
    Ok(page.render(Serde(View::of(data)))?)
}

/// What the template sees: text that is ready to be shown.
#[derive(Debug, Serialize)]
struct View {
    title: String,
    headline: String,
    message: Option<Vec<Piece>>,
    tone: &'static str,
    mark: &'static str,
    tone_word: &'static str,
    feed: String,
    run: Option<String>,
    when: Option<String>,
    took: Option<String>,
    tiles: Vec<Tile>,
    next: Vec<Step>,
    causes: Vec<CauseGroup>,
    notes: Vec<Vec<Piece>>,
    chart: Option<Chart>,
    facts: Vec<Fact>,
    sections: Vec<Section>,
    version: &'static str,
}

#[derive(Debug, Serialize)]
struct Tile {
    label: &'static str,
    number: String,
    note: String,
    /// Whether it is a number that somebody must do something about.
    flaw: bool,
    sum: bool,
}

#[derive(Debug, Serialize)]
struct Step {
    command: String,
    why: String,
}

#[derive(Debug, Serialize)]
struct CauseGroup {
    heading: &'static str,
    causes: Vec<Cause>,
}

#[derive(Debug, Serialize)]
struct Cause {
    count: String,
    message: Vec<Piece>,
    rows: Option<String>,
}

#[derive(Debug, Serialize)]
struct Fact {
    name: &'static str,
    value: String,
    code: bool,
}

#[derive(Debug, Serialize)]
struct Section {
    id: &'static str,
    heading: &'static str,
    hint: &'static str,
    none: &'static str,
    total: String,
    rows: Vec<Row>,
    more: Option<String>,
    command: Option<String>,
}

#[derive(Debug, Serialize)]
struct Row {
    number: Option<String>,
    external_id: Option<String>,
    tried: String,
    message: Vec<Piece>,
}

/// A part of a message: words, or a name that stood between backticks.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Piece {
    text: String,
    code: bool,
}

impl View {
    fn of(data: &PageData) -> Self {
        let report = &data.report;
        let headline = headline(report);
        let message = report.message.trim();
        let (tone, mark, tone_word) = match tone(report) {
            Tone::Good => ("good", "✓", "all is well"),
            Tone::Attention => ("attention", "!", "needs attention"),
            Tone::Bad => ("bad", "✕", "failed"),
        };
        let run = report.run.as_deref().map(clean);
        let style = Style::piped();
        Self {
            title: match &run {
                Some(run) => format!("Run {run}: {headline}"),
                None => headline.clone(),
            },
            message: (!message.is_empty() && message != headline).then(|| pieces(message)),
            headline,
            tone,
            mark,
            tone_word,
            feed: feed_name(report),
            when: data.started.as_ref().map(moment),
            took: (report.elapsed_seconds > 0.0).then(|| duration(report.elapsed_seconds)),
            tiles: tiles(report),
            next: data
                .next
                .iter()
                // Whoever reads this page has it already.
                .filter(|step| step.kind != NextKind::Report)
                .map(step_of)
                .collect(),
            causes: CauseLine::grouped(&data.causes)
                .into_iter()
                .map(|(heading, causes)| CauseGroup {
                    heading,
                    causes: causes
                        .into_iter()
                        .map(|cause| Cause {
                            count: cause.shown_count(),
                            message: pieces(&cause.message),
                            rows: cause.where_to_look(&style),
                        })
                        .collect(),
                })
                .collect(),
            notes: report.notes.iter().map(|note| pieces(note)).collect(),
            chart: chart(&data.throughput),
            facts: facts(data),
            sections: sections(data, run.as_deref()),
            run,
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

fn clean(text: &str) -> String {
    sanitize(text).into_owned()
}

/// A message with its names told from its words. A backtick without a partner
/// stays what it is.
fn pieces(message: &str) -> Vec<Piece> {
    let message = sanitize(message);
    let parts: Vec<_> = message.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return vec![Piece {
            text: message.into_owned(),
            code: false,
        }];
    }
    parts
        .into_iter()
        .enumerate()
        .filter(|(_, text)| !text.is_empty())
        .map(|(at, text)| Piece {
            text: text.to_owned(),
            code: !at.is_multiple_of(2),
        })
        .collect()
}

fn feed_name(report: &RunReport) -> String {
    match report.feed.path.as_str() {
        "-" => "stdin".to_owned(),
        path => clean(path),
    }
}

/// A time with its zone, as a person writes it.
fn moment(time: &Zoned) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

fn tiles(report: &RunReport) -> Vec<Tile> {
    let mut figures = figures(report);
    // The whole first, then its parts.
    figures.sort_by_key(|figure| !figure.sum);
    figures
        .into_iter()
        // The calls stand among the facts.
        .filter(|figure| figure.label != "calls")
        .map(|figure| Tile {
            flaw: figure.number > 0
                && ["rejected", "failed", "unknown", "pending"].contains(&figure.label),
            label: figure.label,
            number: count(figure.number),
            note: if figure.sum {
                String::new()
            } else {
                figure.note
            },
            sum: figure.sum,
        })
        .collect()
}

fn step_of(step: &NextStep) -> Step {
    Step {
        command: clean(&step.command()),
        why: clean(step.purpose),
    }
}

fn facts(data: &PageData) -> Vec<Fact> {
    let report = &data.report;
    let mut facts = Vec::new();
    let mut add = |name, value: Option<String>, code| {
        if let Some(value) = value {
            facts.push(Fact { name, value, code });
        }
    };
    let skipped = report.feed.skipped;
    let left_out = match skipped {
        0 => String::new(),
        _ => format!(", and {} left out by the mapping's filter", count(skipped)),
    };
    let all = counted(report.counts.rows(), "row", "rows");
    add("Feed", Some(feed_name(report)), false);
    add("Rows", Some(format!("{all}{left_out}")), false);
    add(
        "Digest (SHA-256)",
        report.feed.sha256.as_deref().map(clean),
        true,
    );
    add("Target", data.target.as_deref().map(clean), false);
    add("Started", data.started.as_ref().map(moment), false);
    add("Ended", data.ended.as_ref().map(moment), false);
    add("Took", Some(duration(report.elapsed_seconds)), false);
    let calls = &report.calls;
    add("Calls to the target", Some(count(calls.total)), false);
    add(
        "Calls that were repeated",
        Some(count(calls.retried)),
        false,
    );
    let asked = match calls.throttled {
        0 => "never".to_owned(),
        number => times(number),
    };
    add("Asked to slow down", Some(asked), false);
    facts
}

fn sections(data: &PageData, run: Option<&str>) -> Vec<Section> {
    let section = |outcome: Outcome, rows: &RowSection, heading, hint, none| {
        let left = rows.total - rows.rows.len() as u64;
        Section {
            id: outcome.word(),
            heading,
            hint,
            none,
            total: count(rows.total),
            rows: rows.rows.iter().map(row_of).collect(),
            more: (left > 0).then(|| count(left)),
            command: run.map(|run| format!("hrfeed rows {run} --outcome {}", outcome.word())),
        }
    };
    vec![
        section(
            Outcome::Rejected,
            &data.rejected,
            "Rejected rows",
            "Repair these in the HR system or in the mapping; the next import sends them again.",
            "No row was rejected.",
        ),
        section(
            Outcome::Failed,
            &data.failed,
            "Failed rows",
            "The rows may be right, but the LMS could not do them. The next import tries again.",
            "No row failed.",
        ),
        section(
            Outcome::Unknown,
            &data.unknown,
            "Rows of unknown outcome",
            "Begun, and not known to be complete. They are looked up in the LMS before anything is sent again.",
            "It is known of every row what became of it.",
        ),
    ]
}

fn row_of(line: &RowLine) -> Row {
    let mut tried = Vec::new();
    if let Some(action) = line.action {
        tried.push(Action::word(action).to_owned());
    }
    if let Some(status) = line.status {
        tried.push(format!("HTTP {status}"));
    }
    if line.attempts > 1 {
        tried.push(format!("sent {} times", line.attempts));
    }
    Row {
        number: line.row.map(|row| row.to_string()),
        external_id: line.external_id.as_deref().map(clean),
        tried: tried.join(", "),
        message: line.message.as_deref().map(pieces).unwrap_or_default(),
    }
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;

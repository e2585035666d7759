//! One run as one HTML page, to look at or to share.
//!
//! # Invariants
//!
//! - The page is one file. It loads nothing and runs nothing, and its policy
//!   says so to the browser.
//! - The one formatter of the template engine sanitizes and escapes whatever it
//!   writes; no foreign text becomes an address.
//! - The rows on it are bounded, so the page of a run with a million rejected
//!   rows still opens.

mod chart;
mod throughput;

use jiff::Zoned;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior, escape_formatter};
use serde::Serialize;

use super::headline::{Tone, detail, tone};
use super::summary::{Figure, figures};
use super::text::{counted, times};
use super::{
    CauseLine, HoldLine, NextKind, NextStep, OutageLine, RowLine, RunReport, count, duration,
    headline, sanitize,
};
use crate::model::{Outcome, Proof};
use chart::{Chart, chart};
pub use throughput::Throughput;

/// Everything that the page shows.
#[derive(Clone, Debug)]
pub struct PageData {
    /// The run.
    pub report: RunReport,
    /// The LMS: `KMI LMS at https://lms.example.com`.
    pub target: Option<String>,
    /// When the run started, in the reader's time zone.
    pub started: Option<Zoned>,
    /// When it ended, where it has.
    pub ended: Option<Zoned>,
    /// What to do next, as for [`super::summary()`].
    pub next: Vec<NextStep>,
    /// The outcomes over time.
    pub throughput: Throughput,
    /// The rows that are invalid or were refused.
    pub rejected: RowSection,
    /// The rows that the target could not process.
    pub failed: RowSection,
    /// The rows with an unknown outcome.
    pub unknown: RowSection,
    /// The rows and the leavers that a guard holds.
    pub held: RowSection,
}

/// The rows of one outcome: the first of them, and how many there are.
#[derive(Clone, Debug, Default)]
pub struct RowSection {
    rows: Vec<RowLine>,
    total: u64,
}

impl RowSection {
    /// How many rows are shown: what a browser still scrolls with ease.
    const ROWS_SHOWN: usize = 5_000;

    /// Counts a row, and keeps it if there is room.
    pub fn push(&mut self, row: RowLine) {
        self.total += 1;
        if self.rows.len() < Self::ROWS_SHOWN {
            self.rows.push(row);
        }
    }
}

/// Why the page could not be created. Only a mistake in hrfeed can cause it.
#[derive(Debug, thiserror::Error)]
#[error("failed to fill in the report page; this is a mistake in hrfeed, please report it")]
pub struct PageError(#[from] minijinja::Error);

/// Whether a file that begins so is a page that [`html_page`] made.
#[must_use]
pub fn is_page(start: &[u8]) -> bool {
    const BEGIN: &[u8] = b"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
        <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
        style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n";
    start.starts_with(BEGIN)
}

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
    environment.set_formatter(|out, state, value| match value.as_str() {
        Some(text) => escape_formatter(out, state, &Value::from(sanitize(text).as_ref())),
        None => escape_formatter(out, state, value),
    });
    environment.add_filter("count", count);
    environment.add_filter("pieces", pieces);
    // The name's ending turns escaping on.
    environment.add_template("page.html", include_str!("page.html"))?;
    let page = environment.get_template("page.html")?;
    Ok(page.render(Serde(View::of(data)))?)
}

/// What the template sees.
#[derive(Debug, Serialize)]
struct View<'a> {
    headline: String,
    message: Option<&'a str>,
    tone: &'static str,
    mark: &'static str,
    tone_word: &'static str,
    feed: &'a str,
    sha256: Option<&'a str>,
    run: Option<&'a str>,
    when: Option<String>,
    took: Option<String>,
    tiles: Vec<Tile>,
    next: Vec<Step>,
    holds: Vec<Hold>,
    is_any_open: bool,
    causes: Vec<CauseGroup<'a>>,
    outages: Vec<[String; 3]>,
    notes: &'a [String],
    chart: Option<Chart>,
    facts: Vec<Fact>,
    sections: Vec<Section<'a>>,
    version: &'static str,
}

#[derive(Debug, Serialize)]
struct Tile {
    label: &'static str,
    number: u64,
    note: String,
    class: &'static str,
}

#[derive(Debug, Serialize)]
struct Step {
    command: String,
    purpose: &'static str,
}

#[derive(Debug, Serialize)]
struct Hold {
    id: Option<i64>,
    changes: String,
    why: String,
    fate: String,
    is_open: bool,
}

#[derive(Debug, Serialize)]
struct CauseGroup<'a> {
    heading: &'static str,
    causes: Vec<Cause<'a>>,
}

#[derive(Debug, Serialize)]
struct Cause<'a> {
    count: u64,
    message: &'a str,
    rows: Option<String>,
}

#[derive(Debug, Serialize)]
struct Fact {
    name: &'static str,
    value: String,
}

#[derive(Debug, Serialize)]
struct Section<'a> {
    outcome: Outcome,
    heading: &'static str,
    hint: &'static str,
    none: &'static str,
    rows: &'a [RowLine],
    total: u64,
}

impl<'a> View<'a> {
    fn of(data: &'a PageData) -> Self {
        let report = &data.report;
        let headline = headline(report);
        let (tone, mark, tone_word) = match tone(report) {
            Tone::Good => ("good", "✓", "success"),
            Tone::Attention => ("attention", "!", "needs attention"),
            Tone::Bad => ("bad", "✕", "failed"),
        };
        let group = |(heading, causes): (_, Vec<&'a CauseLine>)| CauseGroup {
            heading,
            causes: causes.into_iter().map(cause).collect(),
        };
        Self {
            message: detail(report, &headline),
            headline,
            tone,
            mark,
            tone_word,
            feed: feed_name(report),
            sha256: report.feed.sha256.as_deref(),
            run: report.run.as_deref(),
            when: data.started.as_ref().map(moment),
            took: (report.elapsed_seconds > 0.0).then(|| duration(report.elapsed_seconds)),
            tiles: tiles(report),
            next: steps(&data.next),
            holds: report.holds.iter().map(hold).collect(),
            is_any_open: report.holds.iter().any(HoldLine::is_open),
            causes: CauseLine::grouped(&report.causes)
                .into_iter()
                .map(group)
                .collect(),
            outages: OutageLine::listed(&report.outages),
            notes: &report.notes,
            chart: chart(&data.throughput),
            facts: facts(data),
            sections: sections(data),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// The parts of a message: words, then a name between backticks, and so on. A
/// backtick without a partner stays.
fn pieces(message: Option<String>) -> Vec<String> {
    let message = message.unwrap_or_default();
    let parts: Vec<_> = message.split('`').map(str::to_owned).collect();
    if parts.len().is_multiple_of(2) {
        vec![message]
    } else {
        parts
    }
}

fn hold(hold: &HoldLine) -> Hold {
    Hold {
        id: hold.id,
        changes: hold.changes(),
        why: hold.why.clone(),
        fate: hold.fate(),
        is_open: hold.is_open(),
    }
}

fn cause(cause: &CauseLine) -> Cause<'_> {
    Cause {
        count: cause.count,
        message: &cause.message,
        rows: cause.row_numbers(),
    }
}

fn feed_name(report: &RunReport) -> &str {
    match report.feed.path.as_str() {
        "-" => "stdin",
        path => path,
    }
}

/// A time with its zone, as a person writes it.
fn moment(time: &Zoned) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

fn tiles(report: &RunReport) -> Vec<Tile> {
    let tile = |figure: Figure| Tile {
        class: match figure.label {
            Figure::SUM => "sum",
            "invalid" | "refused" | "failed" | "unknown" | "pending" | "held" | "leavers held"
                if figure.number > 0 =>
            {
                "flaw"
            }
            _ => "",
        },
        // The feed is named above the tiles.
        note: match figure.label {
            Figure::SUM => String::new(),
            _ => figure.note,
        },
        label: figure.label,
        number: figure.number,
    };
    let mut figures = figures(report);
    // The requests are among the facts.
    figures.retain(|figure| figure.label != Figure::REQUESTS);
    // The whole first, then its parts.
    figures.sort_by_key(|figure| figure.label != Figure::SUM);
    figures.into_iter().map(tile).collect()
}

/// The next steps, without the one that created this page.
fn steps(next: &[NextStep]) -> Vec<Step> {
    next.iter()
        .filter(|step| step.kind != NextKind::Report)
        .map(|step| Step {
            command: step.command(),
            purpose: step.purpose,
        })
        .collect()
}

fn facts(data: &PageData) -> Vec<Fact> {
    let report = &data.report;
    let skipped = match report.feed.skipped {
        0 => String::new(),
        skipped => format!(", {} skipped by the mapping", count(skipped)),
    };
    let rows = counted(report.counts.rows(), "row", "rows");
    let calls = &report.calls;
    let limited = match calls.throttled {
        0 => "never".to_owned(),
        number => times(number),
    };
    [
        ("Feed", Some(feed_name(report).to_owned())),
        ("Rows", Some(format!("{rows}{skipped}"))),
        ("Mapping", report.mapping.as_deref().map(name_of)),
        ("LMS", data.target.clone()),
        ("Started", data.started.as_ref().map(moment)),
        ("Ended", data.ended.as_ref().map(moment)),
        ("Duration", Some(duration(report.elapsed_seconds))),
        ("Requests to the LMS", Some(count(calls.total))),
        ("Retries", Some(count(calls.retried))),
        ("Rate-limited", Some(limited)),
        ("Proof", report.proof.as_ref().map(Proof::summary)),
    ]
    .into_iter()
    .filter_map(|(name, value)| value.map(|value| Fact { name, value }))
    .collect()
}

/// The name of a file without its folders, which a reader elsewhere has no use
/// for.
fn name_of(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned()
}

fn sections(data: &PageData) -> Vec<Section<'_>> {
    let held = Section {
        outcome: Outcome::Held,
        heading: "Held for approval: the people",
        hint: "Nothing was sent for them. A person approves or refuses each hold.",
        none: "Nobody is held.",
        rows: &data.held.rows,
        total: data.held.total,
    };
    let held = (held.total > 0).then_some(held);
    let of_rows = [
        Section {
            outcome: Outcome::Rejected,
            heading: "Rejected rows",
            hint: "Fix these in the HR system or in the mapping. The next import sends them again.",
            none: "No rows were rejected.",
            rows: &data.rejected.rows,
            total: data.rejected.total,
        },
        Section {
            outcome: Outcome::Failed,
            heading: "Failed rows",
            hint: "These rows may be valid, but the LMS could not process them. The next import retries.",
            none: "No rows failed.",
            rows: &data.failed.rows,
            total: data.failed.total,
        },
        Section {
            outcome: Outcome::Unknown,
            heading: "Rows with an unknown outcome",
            hint: "Sent, but not confirmed. hrfeed checks the LMS before it retries.",
            none: "Every row has a known outcome.",
            rows: &data.unknown.rows,
            total: data.unknown.total,
        },
    ];
    held.into_iter().chain(of_rows).collect()
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;

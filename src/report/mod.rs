//! What happened, for people and scripts.
//!
//! The readers are an administrator at seven in the morning, a cron mail, a
//! script behind a pipe, and the recipient of an HTML page. They get progress
//! on stderr ([`progress()`]), a [`summary()`], tables ([`RowsWriter`],
//! [`FindingsWriter`], [`runs_table`]), one JSON object ([`RunReport`]), one
//! page ([`html_page`]) and one form of [`error()`].
//!
//! # Invariants
//!
//! - Everything arrives as a value: an event, a count, a line. Nothing here
//!   opens a journal, a feed or a connection, or reads the clock of the day.
//! - Nothing here asks the terminal or the environment either: the caller
//!   hands in a [`Style`].
//! - Foreign text (a server's message, a column's name, an external ID) never
//!   reaches a terminal or a page raw: see [`sanitize`].
//! - Colour repeats what the words say; it never says anything alone.
//! - Numbers have thousands separators for people and none in CSV and JSON.

mod cause;
mod checkup;
mod effects;
mod error;
mod feed_copy;
mod headline;
mod hold;
mod json;
mod lines;
mod log;
mod metrics;
mod next;
mod object;
mod outage;
mod page;
mod plan_file;
mod planned;
mod progress;
mod pruned;
mod run;
mod runs;
mod summary;
mod table;
mod text;
mod workbook_copy;
mod would;

pub use cause::CauseLine;
pub use checkup::{Checked, Checkup, Health};
pub use effects::effects_note;
pub use error::error;
pub use feed_copy::{CopyCell, CopyError, CopyRow, CsvCopy, can_write};
pub use headline::headline;
pub use hold::{
    DecisionLine, HeldLine, HoldLine, decision_text, held_changes, hold_head, holds_table,
    next_lines,
};
pub use json::{to_json, write_json};
pub use lines::{
    FindingLine, FindingsWriter, Format, HoldsWriter, PlannedWriter, RowLine, RowsWriter, is_export,
};
pub use log::{Level, LogFields, LogLine, log_fields};
pub use metrics::{Metrics, is_metrics};
pub use next::{NextKind, NextStep, next_steps, shell_word};
pub use object::{Object, WRITTEN_BY, is_schema};
pub use outage::OutageLine;
pub use page::{PageData, PageError, RowSection, Throughput, html_page, is_page};
pub use plan_file::{
    PlanHeader, PlanWriter, PlannedFeed, PlannedHold, PlannedTarget, is_plan, read_plan,
};
pub use planned::PlannedLine;
pub use progress::{ProgressMode, progress};
pub use pruned::{JournalBytes, KeptLine, Pruned};
pub use run::{Command, FeedReport, HeldCounts, RunReport, TargetReport};
pub use runs::{RunLine, address, runs_table};
pub use summary::summary;
pub use text::{count, counted, duration, sanitize, sanitize_lines};
pub use workbook_copy::{XlsxCopy, XlsxLayout};
pub use would::{StoppedBy, Would};

/// How text is shown: decided once, from the flags, the environment and the
/// terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether colour may be used.
    pub color: bool,
    /// Columns to fill.
    pub width: usize,
}

impl Style {
    /// Between two facts of one line.
    const DOT: &'static str = " · ";

    /// Below this, columns would be torn apart: the terminal wraps instead.
    const MIN_WIDTH: usize = 40;

    /// What a pipe, a file or a mail gets, where nobody knows the width.
    #[must_use]
    pub const fn piped() -> Self {
        Self {
            color: false,
            width: 120,
        }
    }

    /// The width to lay text out for.
    fn columns(&self) -> usize {
        // Nobody reads a wider table; it also fits `u16`.
        self.width.clamp(Self::MIN_WIDTH, 1_000)
    }

    /// The style for text that is indented.
    fn indented(self, indent: usize) -> Self {
        Self {
            width: self.columns().saturating_sub(indent),
            ..self
        }
    }

    /// A text for this width: a line of it may become several. Each is sanitized.
    #[must_use]
    pub fn paragraph(&self, text: &str) -> Vec<String> {
        summary::flow("", text, self)
    }

    fn paint(&self, ink: Ink, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Bold => "1",
            Ink::Dim => "2",
            Ink::Good => "1;32",
            Ink::Warn => "1;33",
            Ink::Bad => "1;31",
            Ink::Help => "1;36",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// What a colour is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ink {
    Bold,
    Dim,
    Good,
    Warn,
    Bad,
    Help,
}

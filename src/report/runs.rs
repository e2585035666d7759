//! The list of runs.

use jiff::Zoned;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::summary::flow;
use super::table::{Column, Fit, Table};
use super::{Style, TargetReport, count, sanitize};
use crate::model::{Counts, Exit, RunState};

/// One run of the list: an entry of `runs` of `hrfeed runs --json`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunLine {
    /// The run's name.
    pub run: String,
    /// `import` or `resume`.
    pub command: String,
    /// Its state.
    pub state: RunState,
    /// When it started, in the reader's time zone.
    #[serde(serialize_with = "instant")]
    #[schemars(with = "jiff::Timestamp")]
    pub started: Zoned,
    /// How long it took, where it has ended.
    pub elapsed_seconds: Option<f64>,
    /// The feed's file.
    pub feed: String,
    /// The mapping's file.
    pub mapping: String,
    /// The LMS.
    pub target: TargetReport,
    /// How its rows ended.
    pub counts: Counts,
    /// Leavers who were not done, or not for certain, when it was interrupted.
    pub leavers_left: u64,
    /// The exit code of the process, 5 if it was killed; null while it is under way.
    pub exit_code: Option<u8>,
}

impl RunLine {
    /// Its state, and whether a guard stopped it or held a part.
    fn state_word(&self) -> &'static str {
        let is_guarded = self.exit_code == Some(Exit::Guard.code());
        match self.state {
            RunState::Finished if is_guarded => "needs approval",
            RunState::Failed if is_guarded => "stopped by limit",
            state => state.word(),
        }
    }
}

/// An instant for scripts: RFC 3339, UTC.
fn instant<S: Serializer>(time: &Zoned, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time.timestamp())
}

/// The columns of the list, and what is beside them if the terminal is wide enough. Else it
/// is in a line of its own.
const COLUMNS: &[Column] = &[
    Column("Run", Fit::Text),
    Column("Started", Fit::Text),
    Column("State", Fit::Text),
    Column("Rows", Fit::Number),
    Column("Changed", Fit::Number),
    Column("Invalid", Fit::Number),
    Column("Refused", Fit::Number),
    Column("Not done", Fit::Number),
    Column("Mapping", Fit::Text),
    Column("LMS", Fit::Text),
    Column("Feed", Fit::Rest),
];
const NARROW: &[Column] = &[
    Column("Run", Fit::Text),
    Column("Started", Fit::Text),
    Column("State", Fit::Text),
    Column("Rows", Fit::Number),
    Column("Changed", Fit::Number),
    Column("Not applied", Fit::Number),
];

/// The runs as a table, in the given order.
#[must_use]
pub fn runs_table(runs: &[RunLine], style: &Style) -> String {
    if runs.is_empty() {
        return "No runs yet. Start one with `hrfeed import FEED -m MAPPING`.\n".to_owned();
    }
    let rows: Vec<_> = runs.iter().map(|run| run.cells().to_vec()).collect();
    let widths = COLUMNS.iter().enumerate().map(|(at, column)| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        let widest = cells.map(|cell| cell.chars().count()).max();
        widest.unwrap_or(0).max(column.0.len()) + 2
    });
    let is_wide = widths.sum::<usize>() <= style.columns() + 2;
    let lines = if is_wide {
        Table::lines(COLUMNS, *style, rows)
    } else {
        narrow(runs, style)
    };
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// Two lines for each run: figures, and what it was about.
fn narrow(runs: &[RunLine], style: &Style) -> Vec<String> {
    let cells = |run: &RunLine| {
        let counts = &run.counts;
        let not_applied = counts.rejected + run.not_done();
        let [name, started, state, rows, changed, ..] = run.cells();
        vec![name, started, state, rows, changed, count(not_applied)]
    };
    // At this width no cell is wrapped, and so each run is one line.
    let unwrapped = Style {
        width: style.width.max(80),
        ..*style
    };
    let rows = runs.iter().map(cells).collect();
    let mut table = Table::lines(NARROW, unwrapped, rows).into_iter();
    let mut lines: Vec<_> = table.by_ref().take(2).collect();
    for (run, line) in runs.iter().zip(table) {
        lines.push(line);
        lines.extend(flow("     ", &run.about(), style));
    }
    lines
}

impl RunLine {
    /// The cells of the wide table, safe to show.
    fn cells(&self) -> [String; COLUMNS.len()] {
        let counts = &self.counts;
        [
            sanitize(&self.run).into_owned(),
            self.started.strftime("%Y-%m-%d %H:%M").to_string(),
            self.state_word().to_owned(),
            count(counts.rows()),
            count(counts.changed()),
            count(counts.invalid()),
            count(counts.refused),
            count(self.not_done()),
            sanitize(file_name(&self.mapping)).into_owned(),
            sanitize(address(&self.target.base_url)).into_owned(),
            sanitize(file_name(&self.feed)).into_owned(),
        ]
    }

    /// The rows and leavers that are not as they are to be, and not because they are wrong.
    const fn not_done(&self) -> u64 {
        let counts = &self.counts;
        counts.failed + counts.unknown + counts.pending + self.leavers_left
    }

    /// `people.csv · kmi.toml · lms.example.com · 20 invalid, 3 refused`.
    fn about(&self) -> String {
        let counts = &self.counts;
        let rejected = [(counts.invalid(), "invalid"), (counts.refused, "refused")];
        let rejected = rejected.into_iter().filter(|(number, _)| *number > 0);
        let rejected: Vec<_> = rejected
            .map(|(number, word)| format!("{} {word}", count(number)))
            .collect();
        let parts = [
            file_name(&self.feed),
            file_name(&self.mapping),
            address(&self.target.base_url),
            &rejected.join(", "),
        ];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join(Style::DOT)
    }
}

/// An address without its scheme: `lms.example.com`.
#[must_use]
pub fn address(url: &str) -> &str {
    let address = url.split_once("://").map_or(url, |(_, address)| address);
    address.trim_end_matches('/')
}

/// A list has room for the file's name only; the JSON has the folder.
fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\'])
        .next()
        .filter(|name| !name.is_empty())
        .unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs() -> Vec<RunLine> {
        let started: Zoned = "2026-11-21T02:00:14+01:00[Europe/Amsterdam]"
            .parse()
            .unwrap();
        let run = RunLine {
            run: "12".into(),
            command: "import".into(),
            state: RunState::Finished,
            started,
            elapsed_seconds: Some(41.0),
            feed: "/srv/hr/export/people.csv".into(),
            mapping: "/srv/hr/kmi.toml".into(),
            target: TargetReport {
                system: "kmi".into(),
                base_url: "https://lms.example.com/".into(),
            },
            counts: Counts {
                created: 940,
                updated: 12,
                unchanged: 25,
                rejected: 23,
                refused: 3,
                ..Counts::default()
            },
            leavers_left: 0,
            exit_code: Some(3),
        };
        let interrupted = RunLine {
            run: "11".into(),
            state: RunState::Interrupted,
            elapsed_seconds: None,
            counts: Counts {
                created: 120_000,
                pending: 880_000,
                ..Counts::default()
            },
            ..run.clone()
        };
        vec![run, interrupted]
    }

    #[test]
    fn runs_at_80_and_140_columns() {
        let narrow = Style {
            width: 80,
            ..Style::piped()
        };
        insta::assert_snapshot!(runs_table(&runs(), &narrow), @"
        Run  Started           State             Rows  Changed  Not applied
        ───  ────────────────  ───────────  ─────────  ───────  ───────────
        12   2026-11-21 02:00  finished         1,000      952           23
             people.csv · kmi.toml · lms.example.com · 20 invalid, 3 refused
        11   2026-11-21 02:00  interrupted  1,000,000  120,000      880,000
             people.csv · kmi.toml · lms.example.com
        ");
        let wide = Style {
            width: 140,
            ..Style::piped()
        };
        insta::assert_snapshot!(runs_table(&runs(), &wide), @"
        Run  Started           State             Rows  Changed  Invalid  Refused  Not done  Mapping   LMS              Feed
        ───  ────────────────  ───────────  ─────────  ───────  ───────  ───────  ────────  ────────  ───────────────  ──────────────
        12   2026-11-21 02:00  finished         1,000      952       20        3         0  kmi.toml  lms.example.com  people.csv
        11   2026-11-21 02:00  interrupted  1,000,000  120,000        0        0   880,000  kmi.toml  lms.example.com  people.csv
        ");
    }

    #[test]
    fn a_run_that_a_guard_held_or_stopped_says_so() {
        let held = RunLine {
            exit_code: Some(4),
            ..runs().remove(0)
        };
        let stopped = RunLine {
            state: RunState::Failed,
            ..held.clone()
        };
        let table = runs_table(&[held, stopped], &Style::piped());
        assert!(table.contains(" needs approval "), "{table}");
        assert!(table.contains(" stopped by limit "), "{table}");
    }

    #[test]
    fn no_runs_is_said_with_what_makes_one() {
        insta::assert_snapshot!(runs_table(&[], &Style::piped()), @"No runs yet. Start one with `hrfeed import FEED -m MAPPING`.");
    }

    #[test]
    fn a_script_gets_the_instant_in_utc() {
        insta::assert_snapshot!(serde_json::to_string(&runs()[0]).unwrap(), @r#"{"run":"12","command":"import","state":"finished","started":"2026-11-21T01:00:14Z","elapsed_seconds":41.0,"feed":"/srv/hr/export/people.csv","mapping":"/srv/hr/kmi.toml","target":{"system":"kmi","base_url":"https://lms.example.com/"},"counts":{"created":940,"updated":12,"unchanged":25,"rejected":23,"invalid":20,"refused":3,"failed":0,"unknown":0,"pending":0,"deactivated":0,"deleted":0,"set":0},"leavers_left":0,"exit_code":3}"#);
    }
}

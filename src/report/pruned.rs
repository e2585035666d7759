//! What left the journal.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::text::bytes;
use super::{Style, count, counted, sanitize};

/// What was removed from the journal, or would be: the fields of
/// `hrfeed runs prune --json`.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Pruned {
    /// Nothing was removed.
    pub dry_run: bool,
    /// Runs that ended before are old.
    #[serde(serialize_with = "instant")]
    pub before: jiff::Timestamp,
    /// How many runs.
    pub runs: u64,
    /// How many rows they had.
    pub rows: u64,
    /// How many holds.
    pub holds: u64,
    /// Old runs that stay.
    pub kept: Vec<KeptLine>,
    /// How large the file was and is, in bytes, where it was made smaller.
    pub journal_bytes: Option<JournalBytes>,
    /// Copies of the journal that still have all of it.
    pub copies: Vec<String>,
}

/// An old run that stays.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct KeptLine {
    /// The run.
    pub run: String,
    /// Why, in one word.
    pub why: &'static str,
}

/// The size of the journal.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct JournalBytes {
    /// Before.
    pub before: u64,
    /// Now.
    pub after: u64,
}

/// An instant for scripts: RFC 3339, UTC.
fn instant<S: Serializer>(time: &jiff::Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

/// Why runs stay: the word, and what people read after "which is" or "which are".
const WHY: [(&str, &str); 6] = [
    ("unfinished", "not finished"),
    ("latest", "the latest of their mapping"),
    ("limit", "counted by the limits of their mapping"),
    ("profile", "what the next feeds are compared with"),
    ("grace", "counted for people who are missing from the feed"),
    (
        "hold",
        "those of holds that are still open, approved or refused",
    ),
];

impl Pruned {
    /// What was removed, in one sentence.
    #[must_use]
    pub fn headline(&self) -> String {
        let day = self.before.strftime("%Y-%m-%d");
        if self.runs + self.holds == 0 {
            return format!("No runs from before {day} can go.");
        }
        let verb = if self.dry_run {
            "Would remove"
        } else {
            "Removed"
        };
        let runs = counted(self.runs, "run", "runs");
        let rows = counted(self.rows, "row", "rows");
        let holds = counted(self.holds, "hold", "holds");
        format!("{verb} {runs} from before {day}, with {rows} and {holds}.")
    }

    /// For people, a sentence or two a line.
    #[must_use]
    pub fn text(&self, style: &Style) -> String {
        let mut lines = vec![self.headline()];
        if let Some(size) = self.journal_bytes {
            let (before, after) = (bytes(size.before), bytes(size.after));
            lines.push(format!("The journal has {after} now; it had {before}."));
        }
        for (word, why) in WHY {
            let kept = self.kept.iter().filter(|line| line.why == word);
            let runs: Vec<_> = kept.map(|line| line.run.as_str()).collect();
            if !runs.is_empty() {
                let (it, verb) = match runs.len() {
                    1 => ("Run", "stays: it is"),
                    _ => ("Runs", "stay: they are"),
                };
                lines.push(format!("{it} {} {verb} {why}.", listed(&runs)));
            }
        }
        if !self.copies.is_empty() {
            let copies: Vec<_> = self.copies.iter().map(|it| sanitize(it)).collect();
            lines.push(format!(
                "Copies of the journal still have all of it: {}. Delete them when you no longer \
                 need them.",
                copies.join(", ")
            ));
        }
        let lines = lines.iter().flat_map(|line| style.paragraph(line));
        lines.fold(String::new(), |text, line| text + &line + "\n")
    }
}

/// The first of some runs.
fn listed(runs: &[&str]) -> String {
    const MAX: usize = 5;
    match runs.get(MAX..) {
        None | Some([]) => runs.join(", "),
        Some(more) => format!(
            "{} and {} more",
            runs.get(..MAX).unwrap_or_default().join(", "),
            count(more.len() as u64)
        ),
    }
}

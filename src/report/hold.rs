//! Holds: what waits for a person, and what a person decided.

use std::collections::BTreeMap;

use jiff::Zoned;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::lines::{Line, Place, place, shown, text};
use super::summary::{self, flow};
use super::table::{Column, Fit, Table};
use super::text::enumerate;
use super::{Ink, NextStep, RunReport, Style, count, counted, sanitize};
use crate::model::{HoldKind, HoldState, RowNumber};

/// A hold: an entry of `holds`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HoldLine {
    /// Its number; a plan's has none yet.
    pub id: Option<i64>,
    /// The run whose way back it is held of, with what a person said of that.
    #[serde(skip)]
    pub undoes: Option<String>,
    /// What it holds back.
    pub kind: HoldKind,
    /// How many people.
    pub people: u64,
    /// For how many of them the change was carried out.
    pub carried_out: u64,
    /// How many of them the run before did not hold.
    pub new: u64,
    /// The limit, as the mapping gives it.
    pub bound: String,
    /// The run that held these people first.
    pub since_run: Option<String>,
    /// The run that held them last.
    pub last_run: Option<String>,
    /// What became of it.
    pub state: HoldState,
    /// Why, as a sentence without its full stop.
    pub why: String,
    /// The mapping's file.
    pub mapping: Option<String>,
    /// When it was opened, in the reader's time zone.
    #[serde(serialize_with = "instant")]
    #[schemars(with = "Option<jiff::Timestamp>")]
    pub opened: Option<Zoned>,
    /// Who decided, and when.
    pub decided: Option<DecisionLine>,
    /// When an approval that nobody used lapses.
    #[serde(serialize_with = "instant")]
    #[schemars(with = "Option<jiff::Timestamp>")]
    pub lapses: Option<Zoned>,
    /// The run that carried it out.
    pub carried_out_by: Option<String>,
    /// The hold that took its place.
    pub replaced_by: Option<i64>,
}

/// A decision about a hold.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DecisionLine {
    /// When, in the reader's time zone.
    #[serde(serialize_with = "moment")]
    #[schemars(with = "jiff::Timestamp")]
    pub at: Zoned,
    /// Who: the user and the machine.
    pub by: String,
    /// Why, if the person said so.
    pub reason: Option<String>,
    /// They are other people than they seem to be, and are to be created.
    pub as_joiners: bool,
    /// What was decided: approved or refused.
    #[serde(skip)]
    pub verdict: HoldState,
}

/// A person of a hold: a line of `hrfeed hold --format json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HeldLine {
    /// The row in the feed of the run that held the person; a leaver has none.
    #[serde(flatten, serialize_with = "place")]
    #[schemars(with = "Place")]
    pub row: Option<RowNumber>,
    /// The person.
    pub external_id: String,
    /// The external ID by which hrfeed or the LMS knows the person, where it is
    /// another one.
    pub known_as: Option<String>,
    /// Why the person is held, without the person's data.
    pub reason: String,
    /// What the feed says of the person, by the names of the fields: personal
    /// data, only where somebody asked for it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
}

#[expect(clippy::ref_option, reason = "serde's signature")]
fn instant<S: Serializer>(time: &Option<Zoned>, serializer: S) -> Result<S::Ok, S::Error> {
    let time = time.as_ref().map(|time| format!("{:.3}", time.timestamp()));
    time.serialize(serializer)
}

fn moment<S: Serializer>(time: &Zoned, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{:.3}", time.timestamp()))
}

/// A day, as people write it: `3 December 2026`.
pub(super) fn day(time: &Zoned) -> String {
    time.strftime("%-d %B %Y").to_string()
}

/// A minute of a day: `26 November 2026, 09:12`.
pub(super) fn minute(time: &Zoned) -> String {
    time.strftime("%-d %B %Y, %H:%M").to_string()
}

/// What a hold holds back, counted: `40 removals`.
#[must_use]
pub fn held_changes(kind: HoldKind, people: u64) -> String {
    let (one, many) = match kind {
        HoldKind::Leavers => ("removal", "removals"),
        HoldKind::Creates => ("new person", "new people"),
        HoldKind::Updates => ("update", "updates"),
        HoldKind::Renumbered => (
            "person under another external ID",
            "people under other external IDs",
        ),
        HoldKind::Lost => ("person missing from the LMS", "people missing from the LMS"),
        HoldKind::Identities => ("changed identity", "changed identities"),
    };
    counted(people, one, many)
}

impl HoldLine {
    /// Whether it waits for a decision.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == HoldState::Open
    }

    /// What it holds back, counted: `40 removals`.
    #[must_use]
    pub fn changes(&self) -> String {
        held_changes(self.kind, self.people)
    }

    /// `hold 7`.
    #[must_use]
    pub fn name(&self) -> String {
        match self.id {
            Some(id) => format!("hold {id}"),
            None => "hold".to_owned(),
        }
    }

    /// What became of it, as a fragment of a sentence: `approved by ann@hr1 on
    /// 26 November 2026, 09:12 (seen by HR)`.
    #[must_use]
    pub fn fate(&self) -> String {
        let mut parts = vec![match (self.state, &self.decided) {
            (HoldState::CarriedOut | HoldState::Lapsed, Some(decision)) => match decision.verdict {
                HoldState::Open => "refusal taken back".to_owned(),
                verdict => state_word(verdict).to_owned(),
            },
            (HoldState::Open, _) => "waits for a decision".to_owned(),
            (HoldState::Replaced, _) => match self.replaced_by {
                Some(other) => format!("replaced by hold {other}"),
                None => "replaced".to_owned(),
            },
            (state, _) => state_word(state).to_owned(),
        }];
        if let Some(decision) = self.decided.as_ref().filter(|_| !self.is_open()) {
            let how = if decision.as_joiners {
                "as joiners "
            } else {
                ""
            };
            parts.push(format!(
                "{how}by {} on {}",
                decision.by,
                minute(&decision.at)
            ));
            if let Some(reason) = &decision.reason {
                parts.push(format!("({reason})"));
            }
        }
        let fate = parts.join(" ");
        match (self.state, &self.carried_out_by, &self.lapses) {
            (HoldState::CarriedOut, Some(run), _) => format!("{fate}; carried out by run {run}"),
            (HoldState::Lapsed, ..) if self.decided.is_some() => format!("{fate}; lapsed"),
            (HoldState::Approved, _, Some(until)) => {
                format!("{fate}; valid until {}", day(until))
            }
            _ => fate,
        }
    }

    /// Why it holds, and what became of it since.
    fn why_and_fate(&self) -> String {
        let more = match self.state {
            HoldState::Open => self.newcomers(),
            _ => Some(self.fate()),
        };
        let parts = [Some(self.why.clone()), more, self.progress()];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        parts.join("; ")
    }

    /// For how many people it was carried out, if that is not all of them or none, as a
    /// fragment of a sentence: `carried out for 3 people, 5 are left`.
    #[must_use]
    pub fn progress(&self) -> Option<String> {
        let rest = self.people.checked_sub(self.carried_out)?;
        if self.carried_out == 0 || rest == 0 {
            return None;
        }
        let done = counted(self.carried_out, "person", "people");
        let rest = match (self.state, rest) {
            (HoldState::CarriedOut, rest) => format!("not for {}", count(rest)),
            (_, 1) => "1 is left".to_owned(),
            (_, rest) => format!("{} are left", count(rest)),
        };
        Some(format!("carried out for {done}, {rest}"))
    }

    /// How many people were not in the hold that it replaced, if some were.
    fn newcomers(&self) -> Option<String> {
        let new = counted(self.new, "person is", "people are");
        (self.new > 0 && self.new < self.people)
            .then(|| format!("{new} new since the hold that this one replaced"))
    }

    /// How to see who is held, and how to decide.
    #[must_use]
    pub fn next_steps(&self) -> Vec<NextStep> {
        let Some(id) = self.id else { return Vec::new() };
        let id = id.to_string();
        let look = NextStep::of_hold("hold", &id, "see who is held, and why");
        match self.state {
            HoldState::Open => vec![
                look,
                NextStep::of_hold(
                    "approve",
                    &id,
                    match self.undoes {
                        None => "let the next import carry it out",
                        Some(_) => "let the next `hrfeed undo` carry it out",
                    },
                ),
                NextStep::of_hold("refuse", &id, "leave these people as they are"),
            ],
            HoldState::Refused => vec![look, NextStep::take_back(&id)],
            _ => Vec::new(),
        }
    }
}

/// The open ones in a few words: `40 removals and 12 new people`.
pub(super) fn awaiting(holds: &[HoldLine]) -> Option<(u64, String)> {
    let open = holds.iter().filter(|hold| hold.is_open());
    let people = open.clone().map(|hold| hold.people).sum();
    let changes: Vec<_> = open.map(HoldLine::changes).collect();
    (!changes.is_empty()).then(|| (people, enumerate(&changes)))
}

/// The holds of a run, for its summary: what, why, and what became of it.
pub(super) fn hold_lines(holds: &[HoldLine], style: &Style) -> Vec<String> {
    const COLUMNS: &[Column] = &[Column("", Fit::Number), Column("", Fit::Rest)];
    let cells = |hold: &HoldLine| {
        let text = format!("{}: {}", hold.changes(), hold.why_and_fate());
        let text = sanitize(&text).into_owned();
        match (hold.id, text.split_once(' ')) {
            (Some(id), _) => vec![format!("hold {id}"), text],
            // A plan's hold has no number but that of its people.
            (None, Some((people, what))) => vec![people.to_owned(), what.to_owned()],
            (None, None) => vec![String::new(), text],
        }
    };
    let rows = holds.iter().map(cells).collect();
    let lines = Table::lines(COLUMNS, style.indented(2), rows).into_iter();
    lines.map(|line| format!("  {line}")).collect()
}

/// The holds as a table, in the given order.
#[must_use]
pub fn holds_table(holds: &[HoldLine], style: &Style) -> String {
    const COLUMNS: &[Column] = &[
        Column("Hold", Fit::Number),
        Column("Kind", Fit::Text),
        Column("People", Fit::Number),
        Column("State", Fit::Text),
        Column("Since run", Fit::Number),
        Column("Why", Fit::Rest),
    ];
    let rows = holds
        .iter()
        .map(|hold| {
            vec![
                text(hold.id),
                hold.kind.word().to_owned(),
                count(hold.people),
                state_word(hold.state).to_owned(),
                shown(hold.since_run.as_deref()),
                sanitize(&hold.why_and_fate()).into_owned(),
            ]
        })
        .collect();
    let mut text = Table::lines(COLUMNS, *style, rows).join("\n");
    text.push('\n');
    text
}

const fn state_word(state: HoldState) -> &'static str {
    match state {
        HoldState::CarriedOut => "carried out",
        state => state.word(),
    }
}

/// What is known of one hold, above the list of its people.
#[must_use]
pub fn hold_head(hold: &HoldLine, target: Option<&str>, style: &Style) -> String {
    const COLUMNS: &[Column] = &[Column("", Fit::Text), Column("", Fit::Rest)];
    let title = format!(
        "{}: {}, {}",
        capitalized(&hold.name()),
        hold.changes(),
        state_word(hold.state)
    );
    let ink = if hold.is_open() { Ink::Warn } else { Ink::Bold };
    let since = hold.since_run.as_ref().map(|run| {
        let opened = hold.opened.as_ref();
        let opened = opened.map(|time| format!(", {}", minute(time)));
        let again = hold.last_run.as_ref().filter(|last| *last != run);
        let again = again.map(|last| format!("; held again by run {last}"));
        format!(
            "run {run}{}{}",
            opened.unwrap_or_default(),
            again.unwrap_or_default()
        )
    });
    let facts = [
        ("why", Some(hold.why.clone())),
        (
            "limit",
            // A kind of which none passes has no limit to speak of.
            Some(hold.bound.clone()).filter(|it| !matches!(it.as_str(), "" | "0")),
        ),
        ("since", since),
        ("decision", (!hold.is_open()).then(|| hold.fate())),
        ("so far", hold.progress()),
        ("new", hold.newcomers()),
        ("mapping", hold.mapping.clone()),
        ("LMS", target.map(str::to_owned)),
    ];
    let rows = facts
        .into_iter()
        .filter_map(|(name, value)| Some(vec![name.to_owned(), sanitize(&value?).into_owned()]))
        .collect();
    let mut lines = vec![style.paint(ink, &title), String::new()];
    let facts = Table::lines(COLUMNS, style.indented(2), rows).into_iter();
    lines.extend(facts.map(|line| format!("  {line}")));
    lines.push(String::new());
    lines.join("\n") + "\n"
}

/// What was decided about a hold, and what comes next. `next` is the import that
/// carries it out at once.
#[must_use]
pub fn decision_text(report: &RunReport, next: Option<&NextStep>, style: &Style) -> String {
    let [hold, rest @ ..] = report.holds.as_slice() else {
        return String::new();
    };
    let done = match hold.state {
        HoldState::Approved => "Approved",
        HoldState::Open => "Took back the refusal of",
        _ => "Refused",
    };
    let name = hold.name();
    let mut lines = vec![style.paint(Ink::Bold, &format!("{done} {name}: {}.", hold.changes()))];
    let by = match &hold.undoes {
        None => "The next import".to_owned(),
        Some(run) => format!("The next `hrfeed undo {run}`"),
    };
    let what = match (&hold.lapses, hold.state) {
        (Some(until), HoldState::Approved) => {
            format!("{by} carries it out, until {}.", day(until))
        }
        (None, HoldState::Approved) => format!("{by} carries it out."),
        (_, HoldState::Open) => "It waits for a decision again.".to_owned(),
        _ => "These people stay as they are until the change differs.".to_owned(),
    };
    lines.extend(flow("", &what, style));
    if let Some(progress) = hold.progress() {
        lines.extend(flow("", &format!("It is {progress}."), style));
    }
    for rest in rest {
        let (name, state) = (
            rest.name(),
            match rest.state {
                HoldState::Open => "held",
                state => state_word(state),
            },
        );
        let stays = match rest.people {
            1 => format!("The other person stays {state}: {name}."),
            some => format!("The other {} people stay {state}: {name}.", count(some)),
        };
        lines.extend(flow("", &stays, style));
    }
    let mut text = lines.join("\n") + "\n";
    if let Some(next) = next {
        text += &next_lines(std::slice::from_ref(next), style);
    }
    text
}

/// The next steps below a heading.
#[must_use]
pub fn next_lines(next: &[NextStep], style: &Style) -> String {
    if next.is_empty() {
        return String::new();
    }
    let heading = style.paint(Ink::Bold, "Next");
    let mut lines = vec![String::new(), format!("  {heading}")];
    lines.extend(summary::next_lines(next, style));
    lines.join("\n") + "\n"
}

/// The first letter as a capital.
fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|char| char.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

impl HeldLine {
    /// The reason, and what the feed says of the person where somebody asked.
    #[must_use]
    pub fn reason_with_values(&self) -> String {
        let values = self.values.iter();
        let values: Vec<_> = values
            .map(|(field, value)| format!("{field} `{value}`"))
            .collect();
        match values.as_slice() {
            [] => self.reason.clone(),
            values => format!("{} (in the feed: {})", self.reason, values.join(", ")),
        }
    }
}

impl Line for HeldLine {
    const COLUMNS: &'static [Column] = &[
        Column("Row", Fit::Number),
        Column("External ID", Fit::Text),
        Column("Known as", Fit::Text),
        Column("Reason", Fit::Rest),
    ];
    const FIELDS: &'static [&'static str] =
        &["row", "external_id", "known_as", "reason", "values", "file"];

    fn cells(&self) -> Vec<String> {
        vec![
            text(self.row),
            shown(Some(&self.external_id)),
            shown(self.known_as.as_deref()),
            sanitize(&self.reason_with_values()).into_owned(),
        ]
    }
}

#[cfg(test)]
#[path = "hold_tests.rs"]
pub(super) mod tests;

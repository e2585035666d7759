//! What to do next.

use super::RunReport;
use super::headline::{Kind, Tone, is_guarded, needs_repair, tone};
use crate::model::{Exit, Outcome, RunState};

/// What a file of rows is called that goes to the HR department.
const BACK: &str = "to-hr.xlsx";

/// A command that a reader would usually give next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextStep {
    /// What it does.
    pub kind: NextKind,
    /// The arguments of `hrfeed`.
    pub arguments: Vec<String>,
    /// What it is good for.
    pub purpose: &'static str,
}

/// What a next step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextKind {
    /// Resumes the run.
    Resume,
    /// Starts a new one.
    Import,
    /// Compares with the LMS and with earlier feeds.
    Plan,
    /// Lists rows.
    Rows,
    /// Writes the page about the run.
    Report,
    /// Lists the people of a hold, or decides about it.
    Hold,
}

impl NextStep {
    /// A step about one hold.
    pub(super) fn of_hold(command: &str, id: &str, purpose: &'static str) -> Self {
        Self {
            kind: NextKind::Hold,
            arguments: vec![command.to_owned(), id.to_owned()],
            purpose,
        }
    }

    /// The way back from a refusal.
    pub(super) fn take_back(hold: &str) -> Self {
        let arguments = ["refuse", hold, "--take-back"];
        Self {
            kind: NextKind::Hold,
            arguments: arguments.map(str::to_owned).into(),
            purpose: "take the refusal back, to decide again",
        }
    }

    /// The decision that renumbered people are other people than they seem to be.
    #[must_use]
    pub fn as_joiners(hold: &str) -> Self {
        let arguments = ["approve", hold, "--as-joiners"];
        Self {
            kind: NextKind::Hold,
            arguments: arguments.map(str::to_owned).into(),
            purpose: "they are other people: create them",
        }
    }

    /// The copy of the feed's rows that are held, for somebody who knows the people.
    #[must_use]
    pub fn look_through(feed: &str, hold: &str) -> Self {
        let file = format!("hold-{hold}.xlsx");
        let arguments = ["hold", hold, "--as-feed", feed, "-o", &file];
        Self {
            kind: NextKind::Hold,
            arguments: arguments.map(str::to_owned).into(),
            purpose: "write a workbook for HR to look through",
        }
    }

    /// The import that carries out an approved hold at once.
    #[must_use]
    pub fn approved(feed: &str, mapping: &str, hold: &str) -> Self {
        let arguments = ["import", feed, "-m", mapping, "--approve", hold];
        Self {
            kind: NextKind::Hold,
            arguments: arguments.map(str::to_owned).into(),
            purpose: "carry it out now",
        }
    }

    /// The undo that carries an approved hold out at once: `undo` is the run, and what a
    /// person said of it.
    #[must_use]
    pub fn approved_undo(undo: &str, hold: &str) -> Self {
        let undo = std::iter::once("undo").chain(undo.split(' '));
        let arguments = undo.chain(["--approve", hold]);
        Self {
            kind: NextKind::Hold,
            arguments: arguments.map(str::to_owned).collect(),
            purpose: "carry it out now",
        }
    }

    /// The plan of a feed that was checked.
    #[must_use]
    pub fn plan(feed: &str, mapping: &str) -> Self {
        let arguments = ["plan", feed, "-m", mapping];
        Self {
            kind: NextKind::Plan,
            arguments: arguments.map(str::to_owned).into(),
            purpose: "list who is new, changed or missing",
        }
    }

    /// The step with the journal named, where the command would not find it by
    /// itself.
    #[must_use]
    pub fn with_journal(mut self, path: &str) -> Self {
        let named = ["--journal".to_owned(), path.to_owned()];
        self.arguments.splice(0..0, named);
        self
    }

    /// The command as a shell takes it.
    #[must_use]
    pub fn command(&self) -> String {
        let mut command = "hrfeed".to_owned();
        for argument in &self.arguments {
            command.extend([" ", &shell_word(argument)]);
        }
        command
    }
}

/// An argument as a shell takes it: in quotes where it would be several words, or a
/// pattern that shells replace.
#[must_use]
pub fn shell_word(argument: &str) -> String {
    if argument.contains([' ', '*', '?', '[']) {
        format!("\"{argument}\"")
    } else {
        argument.to_owned()
    }
}

/// What a reader would usually do next.
#[must_use]
pub fn next_steps(report: &RunReport) -> Vec<NextStep> {
    let (Kind::Run, Some(run)) = (Kind::of(report), &report.run) else {
        return Vec::new();
    };
    let mut steps = about_holds(report);
    let mut add = |kind, arguments: &[&str], purpose| {
        let arguments = arguments.iter().map(|it| (*it).to_owned()).collect();
        steps.push(NextStep {
            kind,
            arguments,
            purpose,
        });
    };
    let needs_repair = needs_repair(report);
    let mut resume = vec!["resume", run];
    if let Some(plan) = &report.plan {
        resume.extend(["--plan", plan]);
    }
    // The purposes leave the commands on one line at 80 columns.
    match report.state {
        // Nothing was changed: nothing is left to resume.
        RunState::Failed if needs_repair || is_unread(report) => {
            let mapping = report.mapping.as_deref().unwrap_or("MAPPING");
            let arguments = ["import", &report.feed.path, "-m", mapping];
            add(NextKind::Import, &arguments, "start again after the repair");
        }
        // A guard stops a resumed run again; its message says what to do.
        RunState::Failed if is_guarded(report) => {}
        RunState::Interrupted if needs_repair => {
            let purpose = "continue after the repair";
            add(NextKind::Resume, &resume, purpose);
        }
        RunState::Running | RunState::Interrupted | RunState::Failed => {
            let purpose = "continue; no one is created twice";
            add(NextKind::Resume, &resume, purpose);
        }
        RunState::Finished | RunState::Superseded => {}
    }
    for (outcome, purpose) in [
        (Outcome::Rejected, "list the rejected rows"),
        (Outcome::Failed, "list the failed rows"),
        (Outcome::Unknown, "list rows with unknown outcomes"),
    ] {
        if report.counts.of(outcome) > 0 {
            let arguments = ["rows", run, "--outcome", outcome.word()];
            add(NextKind::Rows, &arguments, purpose);
        }
    }
    let is_kept =
        !report.feed.path.is_empty() && report.feed.path != "-" && report.undoes.is_none();
    let to_correct = report.counts.rejected + report.counts.failed;
    if to_correct > 0 && is_kept && report.state == RunState::Finished {
        let arguments = ["rows", run, "--as-feed", "-o", BACK];
        add(NextKind::Rows, &arguments, "write them for HR to correct");
    }
    if tone(report) != Tone::Good {
        let arguments = ["report", run, "-o", "report.html"];
        let purpose = "create an HTML report you can share";
        add(NextKind::Report, &arguments, purpose);
    }
    steps
}

/// Whether the run ended before its feed was read: what was wrong with a file or with the
/// mapping must be mended, and a run is resumed with the same.
fn is_unread(report: &RunReport) -> bool {
    let counts = &report.counts;
    report.exit_code != Exit::Interrupted.code()
        && !is_guarded(report)
        && counts.rows() + counts.left() + report.feed.rows == 0
}

/// What is to be done about open holds: each can be looked at, and the first is the
/// example of how to decide.
fn about_holds(report: &RunReport) -> Vec<NextStep> {
    let open: Vec<_> = report.holds.iter().filter(|hold| hold.is_open()).collect();
    let [first, others @ ..] = open.as_slice() else {
        return Vec::new();
    };
    let mut steps = first.next_steps();
    let looks = others
        .iter()
        .filter_map(|hold| hold.next_steps().into_iter().next());
    let at = steps.len().min(1);
    steps.splice(at..at, looks);
    steps
}

#[cfg(test)]
mod tests {
    use super::super::run::tests::import;
    use super::*;

    #[test]
    fn a_next_step_names_the_journal_that_the_command_would_not_find() {
        let mut report = import();
        report.state = RunState::Interrupted;
        let steps = next_steps(&report);
        assert_eq!(steps[0].command(), "hrfeed resume 12");
        let resume = steps[0].clone().with_journal("/home/hr feed/sandbox.db");
        assert_eq!(
            resume.command(),
            "hrfeed --journal \"/home/hr feed/sandbox.db\" resume 12"
        );
    }

    #[test]
    fn a_run_of_a_plan_is_resumed_with_the_plan() {
        let mut report = import();
        report.state = RunState::Interrupted;
        report.plan = Some("plan of tonight.json".into());
        assert_eq!(
            next_steps(&report)[0].command(),
            "hrfeed resume 12 --plan \"plan of tonight.json\""
        );
    }

    #[test]
    fn a_run_that_changed_nothing_is_started_again_after_the_repair_and_another_one_resumed() {
        let first = |state, exit: Exit| {
            let mut report = import();
            (report.state, report.exit_code) = (state, exit.code());
            report.feed.path = "people.csv".into();
            report.mapping = Some("kmi.toml".into());
            next_steps(&report)
                .first()
                .map(|step| format!("{}  {}", step.command(), step.purpose))
                .unwrap_or_default()
        };
        let steps = [
            first(RunState::Failed, Exit::Repair),
            first(RunState::Interrupted, Exit::Repair),
            // Everybody was refused.
            first(RunState::Interrupted, Exit::Guard),
            first(RunState::Interrupted, Exit::Interrupted),
        ];
        insta::assert_snapshot!(steps.join("\n"), @"
        hrfeed import people.csv -m kmi.toml  start again after the repair
        hrfeed resume 12  continue after the repair
        hrfeed resume 12  continue; no one is created twice
        hrfeed resume 12  continue; no one is created twice
        ");
    }
}

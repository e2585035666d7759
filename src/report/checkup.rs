//! What `hrfeed doctor` found.

use schemars::JsonSchema;
use serde::Serialize;

use super::run::TargetReport;
use super::{Ink, Style, counted, sanitize};
use crate::model::Exit;

/// How something is that was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// As it should be.
    Ok,
    /// Imports run; somebody should act some day.
    Warning,
    /// Imports will not run, or not safely.
    Problem,
    /// It could not be checked, or there was nothing to check.
    Skipped,
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Checked {
    /// What, in a word that stays the same.
    pub check: &'static str,
    /// How it is.
    pub health: Health,
    /// The same for people.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The exit code that a problem asks for.
    #[serde(skip)]
    pub exit: Exit,
}

impl Checked {
    /// It is as it should be.
    #[must_use]
    pub fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            health: Health::Ok,
            message: message.into(),
            help: None,
            exit: Exit::Done,
        }
    }

    /// It was not checked.
    #[must_use]
    pub fn skipped(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            health: Health::Skipped,
            ..Self::ok(check, message)
        }
    }

    /// Imports run; somebody should act some day.
    #[must_use]
    pub fn warning(
        check: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            health: Health::Warning,
            help: Some(help.into()),
            ..Self::ok(check, message)
        }
    }

    /// Imports will not run: they would end with `exit`.
    #[must_use]
    pub fn problem(
        check: &'static str,
        exit: Exit,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Self {
        Self {
            health: Health::Problem,
            help,
            exit,
            ..Self::ok(check, message)
        }
    }
}

/// All that was checked, in the object of `--json`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Checkup {
    /// The LMS, where a mapping names one.
    pub target: Option<TargetReport>,
    /// The mapping's file.
    pub mapping: Option<String>,
    /// The journal's file.
    pub journal: String,
    /// What was checked, in the order in which it was.
    pub checks: Vec<Checked>,
    /// How many requests it took.
    pub calls: u64,
    /// How long it took.
    pub elapsed_seconds: f64,
}

/// What counts if there are several problems: what is in the way of all imports comes first.
const BY_WEIGHT: [Exit; 4] = [Exit::Machine, Exit::Usage, Exit::Repair, Exit::Interrupted];

impl Checkup {
    /// All that was checked of this journal.
    #[must_use]
    pub const fn new(journal: String, checks: Vec<Checked>) -> Self {
        Self {
            target: None,
            mapping: None,
            journal,
            calls: 0,
            elapsed_seconds: 0.0,
            checks,
        }
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        exit_of(&self.checks)
    }

    /// All of it in one sentence.
    #[must_use]
    pub fn message(&self) -> String {
        headline(&self.checks)
    }

    /// For people: a line for each check, and what to do below it.
    #[must_use]
    pub fn text(&self, style: &Style) -> String {
        let wide = self.checks.iter().map(|it| it.check.len()).max();
        let wide = wide.unwrap_or_default();
        let mut text = String::new();
        for checked in &self.checks {
            let (word, ink) = match checked.health {
                Health::Ok => ("ok", Ink::Good),
                Health::Warning => ("warning", Ink::Warn),
                Health::Problem => ("problem", Ink::Bad),
                Health::Skipped => ("skipped", Ink::Dim),
            };
            let name = checked.check.replace('_', " ");
            let indent = "warning".len() + wide + 4;
            let said = style.indented(indent).paragraph(&checked.message);
            let advice = checked.help.as_deref().unwrap_or_default();
            let advice = match advice {
                "" => Vec::new(),
                help => style.indented(indent + 2).paragraph(help),
            };
            let advice = advice.into_iter().enumerate();
            let advice =
                advice.map(|(at, line)| if at == 0 { "→ " } else { "  " }.to_owned() + &line);
            for (at, line) in said.into_iter().chain(advice).enumerate() {
                let (word, name, ink) = if at == 0 {
                    (word, name.as_str(), ink)
                } else {
                    ("", "", Ink::Dim)
                };
                let word = style.paint(ink, word) + &" ".repeat("warning".len() - word.len());
                let line = format!("{word}  {name:wide$}  {line}");
                text.extend([line.trim_end(), "\n"]);
            }
        }
        text + "\n" + &sanitize(&self.message()) + "\n"
    }
}

fn exit_of(checks: &[Checked]) -> Exit {
    let is_met = |exit: &Exit| {
        let mut problems = checks.iter().filter(|it| it.health == Health::Problem);
        problems.any(|it| it.exit == *exit)
    };
    let mut by_weight = BY_WEIGHT.into_iter();
    by_weight.find(is_met).unwrap_or(Exit::Done)
}

fn headline(checks: &[Checked]) -> String {
    let number = |health| checks.iter().filter(|it| it.health == health).count() as u64;
    let warnings = counted(number(Health::Warning), "warning", "warnings");
    let problems = counted(number(Health::Problem), "problem", "problems");
    match (number(Health::Problem), number(Health::Warning)) {
        (0, 0) => "Everything that was checked is all right.".to_owned(),
        (0, _) => format!("Imports can run. {warnings}."),
        (_, 0) => format!("{problems}."),
        _ => format!("{problems}, {warnings}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkup() -> Checkup {
        Checkup::new(
            "/var/lib/hrfeed/journal.db".into(),
            vec![
                Checked::ok(
                    "journal",
                    "`/var/lib/hrfeed/journal.db` has format 10 and 1.2 MB",
                ),
                Checked::warning(
                    "journal_disk",
                    "`/var/lib/hrfeed` is on another machine (NFS)",
                    "put the journal on a local disk: a network disk may lock files in name only, and two runs would not see each other",
                ),
                Checked::problem(
                    "lms",
                    Exit::Repair,
                    "the LMS rejected the API key or secret (401)",
                    Some("check the API key and secret; keys can expire".into()),
                ),
                Checked::skipped("clock", "the LMS said no date"),
            ],
        )
    }

    #[test]
    fn each_check_is_a_line_with_what_to_do_below_it() {
        let style = Style {
            width: 80,
            ..Style::piped()
        };
        let text = checkup().text(&style);
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        insta::assert_snapshot!(text, @"
        ok       journal       `/var/lib/hrfeed/journal.db` has format 10 and 1.2 MB
        warning  journal disk  `/var/lib/hrfeed` is on another machine (NFS)
                               → put the journal on a local disk: a network disk may
                                 lock files in name only, and two runs would not see
                                 each other
        problem  lms           the LMS rejected the API key or secret (401)
                               → check the API key and secret; keys can expire
        skipped  clock         the LMS said no date

        1 problem, 1 warning.
        ");
    }

    #[test]
    fn the_json_has_each_check_by_a_word_that_stays() {
        let json = super::super::to_json(&checkup()).unwrap();
        insta::assert_snapshot!(json, @r#"{"target":null,"mapping":null,"journal":"/var/lib/hrfeed/journal.db","checks":[{"check":"journal","health":"ok","message":"`/var/lib/hrfeed/journal.db` has format 10 and 1.2 MB","help":null},{"check":"journal_disk","health":"warning","message":"`/var/lib/hrfeed` is on another machine (NFS)","help":"put the journal on a local disk: a network disk may lock files in name only, and two runs would not see each other"},{"check":"lms","health":"problem","message":"the LMS rejected the API key or secret (401)","help":"check the API key and secret; keys can expire"},{"check":"clock","health":"skipped","message":"the LMS said no date","help":null}],"calls":0,"elapsed_seconds":0.0}"#);
    }

    #[test]
    fn of_several_problems_the_one_in_the_way_of_all_imports_counts() {
        let exit = |exits: &[Exit]| {
            let problem = |exit: &Exit| Checked::problem("x", *exit, "x", None);
            exit_of(&exits.iter().map(problem).collect::<Vec<_>>())
        };
        assert_eq!(exit(&[]), Exit::Done);
        assert_eq!(exit(&[Exit::Interrupted]), Exit::Interrupted);
        assert_eq!(exit(&[Exit::Interrupted, Exit::Repair]), Exit::Repair);
        assert_eq!(exit(&[Exit::Repair, Exit::Usage]), Exit::Usage);
        assert_eq!(exit(&[Exit::Usage, Exit::Machine]), Exit::Machine);
        let warned = [Checked::warning("x", "x", "y")];
        assert_eq!(exit_of(&warned), Exit::Done);
    }
}

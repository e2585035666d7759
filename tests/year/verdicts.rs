//! What is said of the nights: which accidents were missed, what was held for
//! nothing, what did not heal.

use std::collections::BTreeMap;
use std::fmt;

use crate::accidents::Accident;

/// What is said of the nights of one kind.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) nights: u64,
    /// Nothing was sent.
    pub(crate) stopped: u64,
    /// A part was held, the rest went on.
    pub(crate) held: u64,
    /// People who are in the organisation and were removed: within the bounds.
    pub(crate) removed: u64,
    /// People who joined on that night and were created with a wrong value.
    pub(crate) created_wrong: u64,
    /// Nights that went wrong, each with what happened.
    pub(crate) wrong: Vec<String>,
}

/// All that is said at the end.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    pub(crate) accidents: BTreeMap<Accident, Verdict>,
    /// Wrong where something was held, or was not done.
    pub(crate) ordinary: Verdict,
    /// The nights after an accident. Wrong where the LMS was not as the feed again.
    pub(crate) after: Verdict,
    pub(crate) merger: Verdict,
    /// Nights on which renumbered people were held, as the mapping says.
    pub(crate) renumbered: u64,
    /// Nights on which leavers were held since the budget of the week was used.
    pub(crate) over_budget: u64,
}

impl Verdicts {
    /// Accidents that nobody noticed, or that harmed somebody.
    pub(crate) fn missed(&self) -> usize {
        self.accidents.values().map(|it| it.wrong.len()).sum()
    }

    /// Those of `accidents` that no run ever noticed.
    pub(crate) fn never_noticed(&self, accidents: &[Accident]) -> Vec<Accident> {
        let is_noticed = |accident: &Accident| {
            let verdict = self.accidents.get(accident);
            verdict.is_some_and(|it| it.stopped + it.held > 0)
        };
        let accidents = accidents.iter().copied();
        accidents.filter(|it| !is_noticed(it)).collect()
    }

    /// Everything that went wrong.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let accidents = self.accidents.iter().flat_map(|(accident, it)| {
            let wrong = it.wrong.iter();
            wrong.map(move |what| format!("{accident:?}: {what}"))
        });
        let others = [
            ("held for nothing, or not done", &self.ordinary),
            ("not healed after an accident", &self.after),
            ("merger", &self.merger),
        ];
        let others = others.into_iter().flat_map(|(name, it)| {
            let wrong = it.wrong.iter();
            wrong.map(move |what| format!("{name}: {what}"))
        });
        accidents.chain(others).collect()
    }
}

impl fmt::Display for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nights: u64 = self.accidents.values().map(|it| it.nights).sum();
        writeln!(f, "{nights} nights with an accident:")?;
        for (accident, it) in &self.accidents {
            let wrong = it.wrong.len();
            writeln!(
                f,
                "  {:20} {:3} nights, {:3} stopped, {:3} held, {wrong:3} missed, {:3} people \
                 removed, {:2} created with a wrong value",
                format!("{accident:?}"),
                it.nights,
                it.stopped,
                it.held,
                it.removed,
                it.created_wrong,
            )?;
        }
        writeln!(
            f,
            "{} ordinary nights, {} with a false hold or something not done; {} nights after an \
             accident, {} not healed; {} mergers, {} not one hold",
            self.ordinary.nights,
            self.ordinary.wrong.len(),
            self.after.nights,
            self.after.wrong.len(),
            self.merger.nights,
            self.merger.wrong.len(),
        )?;
        writeln!(
            f,
            "renumbered people held on {} nights, leavers beyond the budget of a week on {}",
            self.renumbered, self.over_budget
        )?;
        write!(f, "missed accidents: {}", self.missed())?;
        write!(f, ", false holds: {}", self.ordinary.wrong.len())
    }
}

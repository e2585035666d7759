//! `--verify`: the changes of a run are read back, one by one.

use std::num::NonZeroU64;
use std::ops::ControlFlow;
use std::str::FromStr;

use super::reading::{hand_over, read_while};
use super::{RunError, Stages, seed};
use crate::event::Event;
use crate::journal::{Journal, JournalError, RowEntry, RowFilter, Run};
use crate::model::{Content, Differs, ExternalId, Outcome, Proof, Step, counted};
use crate::plan::{Item, RowTable, Wanted, replay, roles};
use crate::targets::{Fit, WantedState};
use crate::upload::{Known, Question};
use crate::validate::unique::RowIndex;

/// Which changes of a run are read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// All of them.
    All,
    /// That number of them, drawn at random.
    Sample(NonZeroU64),
}

impl FromStr for Verify {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            number => number
                .parse()
                .map(Self::Sample)
                .map_err(|_| "use a number of changes, such as `--verify=200`".to_owned()),
        }
    }
}

/// What must be there.
#[derive(Debug)]
enum Expected {
    /// A person as the feed says.
    Person {
        content: Content,
        /// The run created the person.
        is_new: bool,
    },
    /// A leaver, after this step, with what was written.
    Leaver { step: Step, content: Content },
}

/// The changes that are read back.
#[derive(Debug, Default)]
struct Chosen {
    rows: Vec<RowIndex>,
    /// Those of the rows whose people the run created.
    created: Vec<RowIndex>,
    leavers: Vec<(ExternalId, Outcome)>,
}

impl Stages<'_> {
    /// Reads back changes of the run and compares them with the feed. What was found
    /// by then is in `proof`, whatever ends it.
    pub(super) fn verify(
        &mut self,
        journal: &Journal,
        run: &Run,
        rows: &RowTable,
        proof: &mut Proof,
    ) -> Result<Result<(), String>, RunError> {
        let chosen = choose(journal, run, rows, self.verify)?;
        let people = (chosen.rows.len() + chosen.leavers.len()) as u64;
        self.listener.on_event(&Event::VerifyStarted { people });
        let (feed, bound) = (&mut self.feed, &self.bound);
        let (uploader, listener) = (&mut self.uploader, &mut self.listener);
        let Chosen {
            rows: wanted,
            created,
            leavers,
        } = chosen;
        let read = move |sender| {
            if !wanted.is_empty() {
                replay(feed, bound, rows, Wanted::These, &wanted, |items| {
                    for item in items {
                        if let Item::Change(change) = item {
                            let content = change.content;
                            let row = rows.at(change.row);
                            let is_new = row.is_some_and(|it| created.binary_search(&it).is_ok());
                            let question = Question {
                                external_id: content.external_id.clone(),
                                about: Expected::Person { content, is_new },
                            };
                            hand_over(&sender, question)?;
                        }
                    }
                    Ok::<_, RunError>(())
                })?;
            }
            leavers.into_iter().try_for_each(|(external_id, outcome)| {
                let mut content = Content::only(external_id.clone());
                let step = match outcome {
                    // In the archive, nobody signs in either.
                    Outcome::Deactivated => Step::Deactivate { archive: false },
                    Outcome::Set => {
                        content.fields = bound.for_leavers();
                        Step::Set
                    }
                    _ => Step::Delete,
                };
                let about = Expected::Leaver { step, content };
                hand_over(&sender, Question { external_id, about })
            })
        };
        let mut unanswered = 0;
        let mut answer = |question: Question<Expected>, known: Known| {
            match known {
                Known::There(_) | Known::NotFound => {
                    // The search for duplicates has counted who is new.
                    let is_counted = proof.searched_duplicates
                        && matches!(question.about, Expected::Person { is_new: true, .. });
                    proof.checked += u64::from(!is_counted);
                    proof.read_back += 1;
                }
                Known::NotAnswered { .. } => unanswered += 1,
            }
            compare(&question, &known, proof);
            Ok(())
        };
        let ask = |questions| {
            let asked = uploader.hurried(|it| it.ask_each(questions, &mut answer, listener));
            Ok(asked?)
        };
        read_while(16, &self.stop, read, ask)?;
        Ok(match unanswered {
            0 => Ok(()),
            some => Err(format!(
                "the LMS did not answer about {}",
                counted(some, "person", "people")
            )),
        })
    }
}

/// Draws the changes that are read back.
fn choose(
    journal: &Journal,
    run: &Run,
    rows: &RowTable,
    verify: Option<Verify>,
) -> Result<Chosen, JournalError> {
    let mut sample = Sample {
        most: match verify {
            Some(Verify::Sample(most)) => usize::try_from(most.get()).unwrap_or(usize::MAX),
            _ => usize::MAX,
        },
        seen: 0,
        drawn: Vec::new(),
        random: fastrand::Rng::with_seed(seed()),
    };
    let changed = RowFilter {
        outcomes: vec![
            Outcome::Created,
            Outcome::Updated,
            Outcome::Deactivated,
            Outcome::Deleted,
            Outcome::Set,
        ],
    };
    journal.rows(run.id, &changed, |row| {
        sample.offer(|| Drawn::of(row, rows));
        Ok::<_, JournalError>(ControlFlow::Continue(()))
    })?;
    let mut chosen = Chosen::default();
    for row in sample.drawn {
        match row.who {
            Who::Row(index) => {
                chosen.rows.push(index);
                if row.outcome == Outcome::Created {
                    chosen.created.push(index);
                }
            }
            Who::Leaver(id) => chosen.leavers.push((id, row.outcome)),
            Who::Nobody => {}
        }
    }
    chosen.rows.sort_unstable();
    chosen.created.sort_unstable();
    Ok(chosen)
}

/// A change that is read back: no more than is needed, for there may be many.
struct Drawn {
    who: Who,
    outcome: Outcome,
}

enum Who {
    Row(RowIndex),
    Leaver(ExternalId),
    Nobody,
}

impl Drawn {
    fn of(row: RowEntry, rows: &RowTable) -> Self {
        let index = row.row.and_then(|number| rows.at(number));
        Self {
            who: match (index, row.external_id) {
                (Some(index), _) => Who::Row(index),
                (None, Some(id)) => Who::Leaver(ExternalId::known(&id)),
                (None, None) => Who::Nobody,
            },
            outcome: row.outcome,
        }
    }
}

/// A sample in which each change is with the same chance (algorithm R).
struct Sample<T> {
    most: usize,
    seen: usize,
    drawn: Vec<T>,
    random: fastrand::Rng,
}

impl<T> Sample<T> {
    fn offer(&mut self, change: impl FnOnce() -> T) {
        self.seen += 1;
        if self.drawn.len() < self.most {
            self.drawn.push(change());
        } else if let Some(place) = self.drawn.get_mut(self.random.usize(..self.seen)) {
            *place = change();
        }
    }
}

/// Holds a person against what must be there.
fn compare(question: &Question<Expected>, known: &Known, proof: &mut Proof) {
    let id = question.external_id.as_str();
    match (&question.about, known) {
        (_, Known::NotAnswered { .. }) | (Expected::Leaver { .. }, Known::NotFound) => {}
        (Expected::Person { .. }, Known::NotFound) => {
            if !proof.missing.iter().any(|missing| missing == id) {
                proof.add_missing(id);
            }
        }
        (Expected::Person { content, .. }, Known::There(person)) => {
            let fields = WantedState::by_row(content, &roles(content)).differing(person);
            if !fields.is_empty() {
                proof.add_differing(id, fields.into_iter().map(str::to_owned).collect());
            }
        }
        (Expected::Leaver { step, content }, Known::There(person)) => {
            let wanted = WantedState::after(step, content);
            let differing = match step {
                Step::Set => wanted.differing(person),
                _ if wanted.fit(person) == Fit::AsWanted => Vec::new(),
                Step::Delete => vec![Differs::NOT_DELETED],
                _ => vec![Differs::NOT_DEACTIVATED],
            };
            if !differing.is_empty() {
                proof.add_differing(id, differing.into_iter().map(str::to_owned).collect());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_changes_are_read_back_or_a_number_of_them() {
        assert_eq!("all".parse(), Ok(Verify::All));
        let some = NonZeroU64::new(200).unwrap();
        assert_eq!("200".parse(), Ok(Verify::Sample(some)));
        for wrong in ["0", "-1", "", "x", "2.5"] {
            assert!(wrong.parse::<Verify>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_leaver_who_does_not_show_what_was_written_differs_in_that() {
        let fields = |end: &str| vec![("city", "Bonn".to_owned()), ("expirationDate", end.into())];
        let id = ExternalId::known("E7");
        let content = Content {
            fields: vec![("expirationDate", "2026-11-27".into())],
            ..Content::only(id.clone())
        };
        let question = Question {
            external_id: id,
            about: Expected::Leaver {
                step: Step::Set,
                content,
            },
        };
        let differing = |end: &str| {
            let shown = crate::targets::Remote {
                id: "7".into(),
                external_id: Some("E7".into()),
                fields: fields(end),
                roles: None,
                is_archived: false,
            };
            let mut proof = Proof::default();
            compare(&question, &Known::There(shown), &mut proof);
            let differ = proof.differ.into_iter();
            differ.flat_map(|it| it.fields).collect::<Vec<_>>()
        };
        assert_eq!(differing("2026-11-27"), Vec::<String>::new());
        assert_eq!(differing(""), ["expirationDate"]);
    }

    #[test]
    fn a_sample_has_as_many_as_asked_for_and_each_change_has_its_chance() {
        let mut times = [0_u32; 20];
        for seed in 0..2_000 {
            let mut sample = Sample {
                most: 5,
                seen: 0,
                drawn: Vec::new(),
                random: fastrand::Rng::with_seed(seed),
            };
            (0..20).for_each(|number| sample.offer(|| number));
            assert_eq!(sample.drawn.len(), 5);
            for drawn in sample.drawn {
                times[drawn] += 1;
            }
        }
        assert!(times.iter().all(|&times| (400..600).contains(&times)));
    }
}

//! Rows that somebody else is in the way of, as far as the journal knows: the LMS is
//! asked whether that is still so. A person may have corrected it there.

use std::collections::{HashMap, HashSet};

use super::known::Compared;
use super::{RunError, Stages};
use crate::journal::SeenPerson;
use crate::mapping::FieldFingerprints;
use crate::model::ExternalId;
use crate::plan::identity::{Identification, Standing, Who};
use crate::plan::{RowTable, fields_of_listed};
use crate::targets::Remote;
use crate::upload::{Known, LostPerson, Question};
use crate::validate::unique::RowIndex;

/// How many people are asked for. If more are in the way, the feed is to blame, and not
/// what a few accounts say.
const MOST: usize = 10;

/// Somebody whom the LMS shows.
struct Shown {
    remote_id: String,
    fingerprints: FieldFingerprints,
}

/// By external ID, whom the LMS shows; `None` where it shows nobody.
type Said = HashMap<String, Option<Shown>>;

impl Stages<'_> {
    /// Takes back the verdicts that are not true any more: nobody has the login of a row
    /// any more, or the LMS has the person of the row as it says. Returns the latter rows.
    pub(super) fn look_again(
        &mut self,
        rows: &RowTable,
        compared: &Compared,
        identification: &Identification,
        verdicts: &mut HashMap<RowIndex, Who>,
    ) -> Result<HashSet<RowIndex>, RunError> {
        let people = in_the_way(compared, identification, verdicts);
        if people.is_empty() || people.len() > MOST {
            return Ok(HashSet::new());
        }
        let said = self.ask_for(people)?;
        let is_fit = |row: &RowIndex| {
            let subject = identification.subject(*row);
            let known = subject.filter(|it| it.standing == Standing::Known);
            let shown = known.and_then(|it| said.get(&it.external_id)?.as_ref());
            shown.is_some_and(|it| identification.is_human_of(*row, &it.fingerprints))
        };
        let mut fit: HashSet<_> = verdicts.keys().copied().filter(is_fit).collect();
        keep_whole(&mut fit, verdicts);
        let mut people = Vec::new();
        for row in &fit {
            verdicts.remove(row);
            people.extend(
                identification
                    .subject(*row)
                    .map(|it| it.external_id.clone()),
            );
        }
        for (row, by) in self.free_logins(rows, identification, verdicts, &said)? {
            verdicts.remove(&row);
            people.push(by);
        }
        let (mut seen, mut gone) = (Vec::new(), Vec::new());
        for id in people {
            match said.get(&id) {
                Some(Some(shown)) => seen.push(SeenPerson {
                    remote_id: Some(shown.remote_id.clone()),
                    fingerprint: None,
                    is_ambiguous: false,
                    fingerprints: Some(shown.fingerprints.packed()),
                    external_id: id,
                }),
                Some(None) => gone.push(id),
                None => {}
            }
        }
        self.notes.listed(seen)?;
        self.notes.gone(gone)?;
        Ok(fit)
    }

    /// The rows whose login nobody has any more, and who had it.
    fn free_logins(
        &mut self,
        rows: &RowTable,
        identification: &Identification,
        verdicts: &HashMap<RowIndex, Who>,
        said: &Said,
    ) -> Result<Vec<(RowIndex, String)>, RunError> {
        let (mut free, mut gone) = (Vec::new(), Vec::new());
        for (row, who) in verdicts {
            let Who::LoginTaken {
                by: Some(by),
                row: None,
            } = who
            else {
                continue;
            };
            // Another one may keep it.
            if !identification.is_login_of_one(*row) {
                continue;
            }
            match said.get(by) {
                Some(Some(it)) if identification.has_other_login(*row, &it.fingerprints) => {
                    free.push((*row, by.clone()));
                }
                Some(None) => gone.push((*row, by.clone())),
                Some(Some(_)) | None => {}
            }
        }
        free.extend(self.without_account(rows, identification, gone)?);
        Ok(free)
    }

    /// Those who are not on the LMS at all, or whose account has the external ID of the
    /// row now.
    fn without_account(
        &mut self,
        rows: &RowTable,
        identification: &Identification,
        mut gone: Vec<(RowIndex, String)>,
    ) -> Result<Vec<(RowIndex, String)>, RunError> {
        if gone.is_empty() {
            return Ok(gone);
        }
        let witnesses = self.witnesses(rows)?;
        // An LMS that shows nobody says nothing about anybody.
        if witnesses.is_empty() || self.uploader.shows_none_of(witnesses, &mut self.listener)? {
            return Ok(Vec::new());
        }
        let people = gone.iter().map(|(row, by)| LostPerson {
            row: rows.number(*row),
            index: *row,
            external_id: ExternalId::known(by),
            former: None,
        });
        let people: Vec<_> = people.collect();
        let check = self.check_accounts(rows, &people)?;
        gone.retain(|(row, by)| {
            let id = ExternalId::known(by);
            let mut accounts = check.there.iter().chain(&check.shown);
            let account = accounts.find(|(person, _)| *person == id);
            let is_own = |account: &Remote| {
                let row = identification.subject(*row);
                row.is_some_and(|it| account.external_id.as_deref() == Some(&it.external_id))
            };
            account.is_none_or(|(_, account)| is_own(account)) && !check.unanswered.contains(&id)
        });
        Ok(gone)
    }

    /// What the LMS says of these people; those about whom it gives no answer are not
    /// among them.
    fn ask_for(&mut self, people: Vec<String>) -> Result<Said, RunError> {
        let questions = people.into_iter().map(|id| Question {
            external_id: ExternalId::known(&id),
            about: id,
        });
        let bound = &self.bound;
        let mut said = HashMap::new();
        let mut answer = |question: Question<String>, known| {
            match known {
                Known::There(person) => {
                    let shown = Shown {
                        fingerprints: fields_of_listed(bound, |field| person.get(field)),
                        remote_id: person.id,
                    };
                    said.insert(question.about, Some(shown));
                }
                Known::NotFound => drop(said.insert(question.about, None)),
                Known::NotAnswered { .. } => {}
            }
            Ok(())
        };
        self.uploader
            .ask_all(questions.collect(), &mut answer, &mut self.listener)?;
        Ok(said)
    }
}

/// The external IDs of those who are in the way of each other or of a row: of known
/// people whose rows wait or are rejected, and of people who are missing from the feed
/// and have a login that a row needs.
fn in_the_way(
    compared: &Compared,
    identification: &Identification,
    verdicts: &HashMap<RowIndex, Who>,
) -> Vec<String> {
    let circles = circles(verdicts);
    let mut people = Vec::new();
    for (row, who) in verdicts {
        let is_stuck = match who {
            Who::LoginTaken { .. } => true,
            Who::Renumbered(it) => it.after.is_none() || circles.contains(row),
            Who::TakesOver { .. } | Who::AfterRow(_) => circles.contains(row),
            Who::AsTheIdSays | Who::AfterLeaver(_) => false,
        };
        let subject = identification.subject(*row);
        let known = subject.filter(|it| is_stuck && it.standing == Standing::Known);
        people.extend(known.map(|it| it.external_id.clone()));
        if let Who::LoginTaken {
            by: Some(by),
            row: None,
        } = who
            && compared.is_missing(by)
        {
            people.push(by.clone());
        }
    }
    people.sort_unstable();
    people.dedup();
    people
}

/// The row that a row waits for.
const fn after(who: &Who) -> Option<RowIndex> {
    match who {
        Who::Renumbered(it) => it.after,
        Who::TakesOver { after, .. } | Who::AfterRow(after) => Some(*after),
        Who::AsTheIdSays | Who::LoginTaken { .. } | Who::AfterLeaver(_) => None,
    }
}

/// The rows that wait for themselves, by way of others.
fn circles(verdicts: &HashMap<RowIndex, Who>) -> HashSet<RowIndex> {
    let next = |row: &RowIndex| verdicts.get(row).and_then(after);
    let comes_back = |row: &&RowIndex| {
        let mut at = next(row);
        for _step in 0..MOST {
            match at {
                Some(there) if there == **row => return true,
                Some(there) => at = next(&there),
                None => return false,
            }
        }
        false
    };
    verdicts.keys().filter(comes_back).copied().collect()
}

/// Keeps only rows for which no other row waits.
fn keep_whole(fit: &mut HashSet<RowIndex>, verdicts: &HashMap<RowIndex, Who>) {
    loop {
        let others = verdicts.iter().filter(|(row, _)| !fit.contains(row));
        let awaited: HashSet<_> = others.filter_map(|(_, who)| after(who)).collect();
        let before = fit.len();
        fit.retain(|row| !awaited.contains(row));
        if fit.len() == before {
            return;
        }
    }
}

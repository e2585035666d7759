//! Who is it? The person behind the external ID of a row.
//!
//! A row that is new, or that changes who its person seems to be, is held
//! against the people that hrfeed or the LMS knows: a person who has its login or
//! its e-mail address may be the same human under another external ID.
//!
//! # Invariants
//!
//! - Values never come in here, only their fingerprints.
//! - A value that several people have identifies nobody, but a login that
//!   somebody keeps is never given to somebody else.
//! - Nothing is decided by one row alone: the same rows and people give the same
//!   verdicts, in whatever order they come.

mod rejected;
mod who;

use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::xxh3_64;

use super::damage::{Damage, normal};
use crate::mapping::{FieldFingerprints, FieldTag};
use crate::validate::unique::RowIndex;

pub use self::who::{IdentityTags, Known, Place, Renumbered, Standing, Subject, Who};

/// That a subject is a known person under another external ID.
struct Claim {
    /// Its position among the people.
    person: usize,
    /// The fields that are the same; the login first.
    by: Vec<FieldTag>,
}

/// The subjects that have a value.
#[derive(Clone, Copy, Debug)]
struct Sharers {
    /// The position of the first of them.
    first: usize,
    are_several: bool,
}

/// Known people who may be a subject's.
#[derive(Debug)]
pub struct Identification {
    tags: IdentityTags,
    subjects: Vec<Subject>,
    /// By row, positions in `subjects`.
    by_row: HashMap<RowIndex, usize>,
    by_value: HashMap<(FieldTag, u128), Sharers>,
    /// The values of rejected rows.
    of_rejected: HashSet<(FieldTag, u128)>,
    /// By undamaged external ID, positions in `subjects`.
    by_normal: HashMap<String, Vec<usize>>,
    /// A hash of the external ID of each subject that is not new, and of each person
    /// of an earlier hold.
    known_ids: HashSet<u64>,
    /// By external ID of somebody known, the position in `subjects` of the row that a
    /// hold said to be that person.
    held_as: HashMap<String, usize>,
    /// Of each such subject, the position in `people` of that person.
    held_people: HashMap<usize, usize>,
    /// Known people that share something with a subject.
    people: Vec<Known>,
    /// Of each value, the positions in `people` of those who have it.
    carriers: HashMap<(FieldTag, u128), Vec<usize>>,
    /// The known person of each changed subject, by its external ID.
    own: HashMap<usize, FieldFingerprints>,
    /// Of each subject, the positions in `people` of those whose external ID
    /// differs by damage only.
    damaged: HashMap<usize, Vec<usize>>,
}

impl Identification {
    /// Looks for the people of these rows.
    #[must_use]
    pub fn new(tags: IdentityTags, subjects: Vec<Subject>) -> Self {
        let mut this = Self {
            tags,
            by_row: HashMap::with_capacity(subjects.len()),
            by_value: HashMap::new(),
            of_rejected: HashSet::new(),
            by_normal: HashMap::new(),
            known_ids: HashSet::new(),
            held_as: HashMap::new(),
            held_people: HashMap::new(),
            people: Vec::new(),
            carriers: HashMap::new(),
            own: HashMap::new(),
            damaged: HashMap::new(),
            subjects,
        };
        for (position, subject) in this.subjects.iter().enumerate() {
            this.by_row.insert(subject.row, position);
            let values = subject.fingerprints.identity();
            match subject.standing {
                Standing::LeftAlone => {}
                Standing::Rejected => this.of_rejected.extend(values),
                Standing::New | Standing::Known | Standing::UnderWay { .. } => {
                    for value in values {
                        (this.by_value.entry(value))
                            .and_modify(|sharers| sharers.are_several = true)
                            .or_insert(Sharers {
                                first: position,
                                are_several: false,
                            });
                    }
                }
            }
            if matches!(subject.standing, Standing::New | Standing::Rejected) {
                let normal = normal(&subject.external_id);
                this.by_normal.entry(normal).or_default().push(position);
            }
            if subject.standing != Standing::New {
                this.known_ids.insert(hash(&subject.external_id));
            }
        }
        this
    }

    /// Takes note that an earlier hold said the row to be somebody known under this
    /// external ID: that does not end because the row says something else now.
    pub fn held_as(&mut self, row: RowIndex, known_as: &str) {
        if let Some(&subject) = self.by_row.get(&row) {
            self.known_ids.insert(hash(known_as));
            self.held_as.insert(known_as.to_owned(), subject);
        }
    }

    /// The rows that are looked at.
    #[must_use]
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// The row, as it was handed in.
    #[must_use]
    pub fn subject(&self, row: RowIndex) -> Option<&Subject> {
        self.by_row
            .get(&row)
            .map(|subject| &self.subjects[*subject])
    }

    /// Whether somebody has all that tells in a row who the person is.
    #[must_use]
    pub fn is_human_of(&self, row: RowIndex, person: &FieldFingerprints) -> bool {
        self.subject(row).is_some_and(|it| {
            let mut identity = it.fingerprints.identity().peekable();
            identity.peek().is_some()
                && identity.all(|value| person.has_identity(value))
                && self.compared_names(it, person).all(|is_same| is_same)
        })
    }

    /// Whether exactly one known person has the login of a row.
    #[must_use]
    pub fn is_login_of_one(&self, row: RowIndex) -> bool {
        let login = self
            .subject(row)
            .and_then(|it| self.login(&it.fingerprints));
        let people = login.and_then(|login| self.carriers.get(&login));
        people.is_some_and(|people| people.len() == 1)
    }

    /// Whether somebody is known to have another login than a row says.
    #[must_use]
    pub fn has_other_login(&self, row: RowIndex, person: &FieldFingerprints) -> bool {
        let wanted = self
            .subject(row)
            .and_then(|it| self.login(&it.fingerprints));
        wanted.is_some()
            && self
                .login(person)
                .is_some_and(|login| Some(login) != wanted)
    }

    fn login(&self, of: &FieldFingerprints) -> Option<(FieldTag, u128)> {
        of.identity().find(|(tag, _)| Some(*tag) == self.tags.login)
    }

    /// Whether somebody known may have to do with any of the rows, by what the
    /// journal keeps: cheap, for there are many known people and few such rows.
    /// `is_missing`: the feed has no row of the person.
    pub fn may_concern(
        &self,
        external_id: &str,
        is_missing: impl FnOnce() -> bool,
        mut identity: impl Iterator<Item = (FieldTag, u128)>,
    ) -> bool {
        self.known_ids.contains(&hash(external_id))
            || identity.any(|value| self.concerns(value))
            || !self.by_normal.is_empty()
                && is_missing()
                && self.by_normal.contains_key(&normal(external_id))
    }

    /// Takes note of what is known by the external ID of a row.
    pub fn note_own(&mut self, row: RowIndex, fingerprints: FieldFingerprints) {
        if let Some(&subject) = self.by_row.get(&row) {
            self.own.insert(subject, fingerprints);
        }
    }

    /// Whether there is no verdict about any row, independently of who else is known:
    /// the person of each row keeps the login, and is no other human. Each must have been
    /// noted with [`note_own`](Self::note_own).
    #[must_use]
    pub fn all_keep_who_they_are(&self) -> bool {
        (0..self.subjects.len()).all(|subject| {
            let it = &self.subjects[subject];
            match it.standing {
                Standing::LeftAlone => true,
                Standing::Known => self.own.get(&subject).is_some_and(|own| {
                    let mut login = self.login(&it.fingerprints).into_iter();
                    login.all(|login| own.has_identity(login)) && !self.is_other_human(it, own)
                }),
                Standing::New | Standing::Rejected | Standing::UnderWay { .. } => false,
            }
        })
    }

    fn concerns(&self, value: (FieldTag, u128)) -> bool {
        self.by_value.contains_key(&value) || self.of_rejected.contains(&value)
    }

    /// Takes note of somebody known.
    pub fn note(&mut self, person: Known) {
        let own = match person.place {
            Place::Row { row, .. } => self.by_row.get(&row).copied(),
            _ => None,
        };
        if let Some(own) = own {
            self.own.insert(own, person.fingerprints.clone());
        }
        let of_others = |it: &Sharers| it.are_several || Some(it.first) != own;
        let is_shared = |value: &(FieldTag, u128)| {
            self.by_value.get(value).is_some_and(of_others) || self.of_rejected.contains(value)
        };
        let values: Vec<_> = (person.fingerprints.identity()).filter(is_shared).collect();
        let is_gone = matches!(person.place, Place::Nowhere { .. } | Place::OnTarget);
        let damaged = (person.external_id.as_deref().filter(|_| is_gone))
            .and_then(|id| self.by_normal.get(&normal(id)))
            .cloned()
            .unwrap_or_default();
        let held = (person.external_id.as_deref()).and_then(|id| self.held_as.get(id).copied());
        if values.is_empty() && damaged.is_empty() && held.is_none() {
            return;
        }
        let position = self.people.len();
        self.held_people
            .extend(held.map(|subject| (subject, position)));
        for value in values {
            self.carriers.entry(value).or_default().push(position);
        }
        for subject in damaged {
            self.damaged.entry(subject).or_default().push(position);
        }
        self.people.push(person);
    }

    /// Which fields of a row differ from what was acknowledged, as tags; `None`
    /// where that is not known.
    #[must_use]
    pub fn changed_fields(&self, row: RowIndex) -> Option<Vec<FieldTag>> {
        let subject = *self.by_row.get(&row)?;
        let own = self.own.get(&subject)?;
        own.fields().next()?;
        let wanted = self.subjects[subject].fingerprints.fields();
        let differs = wanted.filter(|(tag, value)| own.field(*tag) != Some(*value));
        Some(differs.map(|(tag, _)| tag).collect())
    }

    /// Whether a field of a row was never acknowledged for its person, although
    /// others were.
    #[must_use]
    pub fn is_gained(&self, row: RowIndex, field: FieldTag) -> bool {
        let subject = self.by_row.get(&row);
        let own = subject.and_then(|subject| self.own.get(subject));
        own.is_some_and(|own| own.fields().next().is_some() && own.field(field).is_none())
    }

    /// The verdict about each row for which there is one.
    #[must_use]
    pub fn verdicts(&self) -> HashMap<RowIndex, Who> {
        let claims = self.claims();
        let mut verdicts: HashMap<_, _> = (0..self.subjects.len())
            .filter(|subject| self.subjects[*subject].is_open())
            .filter_map(|subject| {
                let who = match claims.get(&subject) {
                    Some(claim) => Who::Renumbered(self.renumbered(subject, claim)),
                    None => self.under_the_login(subject),
                };
                (who != Who::AsTheIdSays).then(|| (self.subjects[subject].row, who))
            })
            .collect();
        self.follow_the_ids(&mut verdicts);
        verdicts
    }

    /// Which subject is which known person, under another external ID. Nobody is
    /// two: a login decides, and without it neither is.
    fn claims(&self) -> HashMap<usize, Claim> {
        let claims = (0..self.subjects.len()).filter_map(|subject| {
            let it = &self.subjects[subject];
            let own = self.own.get(&subject);
            let is_other = match it.standing {
                Standing::New => true,
                // A known person who keeps anything is still that person.
                Standing::Known => own.is_some_and(|own| self.is_other_human(it, own)),
                Standing::LeftAlone | Standing::Rejected | Standing::UnderWay { .. } => false,
            };
            let claim = || self.claim(subject).or_else(|| self.held_claim(subject));
            Some((subject, is_other.then(claim).flatten()?))
        });
        let mut claims: HashMap<_, _> = claims.collect();
        let mut by_person: HashMap<usize, Vec<usize>> = HashMap::new();
        for (subject, claim) in &claims {
            by_person.entry(claim.person).or_default().push(*subject);
        }
        for subjects in by_person.into_values().filter(|it| it.len() > 1) {
            let by_login = |subject: &usize| {
                let by = claims.get(subject).and_then(|claim| claim.by.first());
                by.is_some() && by == self.tags.login.as_ref()
            };
            let (winners, losers): (Vec<_>, Vec<_>) = subjects.into_iter().partition(by_login);
            let lose = if winners.len() == 1 {
                losers
            } else {
                [winners, losers].concat()
            };
            for subject in lose {
                claims.remove(&subject);
            }
        }
        claims
    }

    /// A row waits whose external ID belongs to a person that is renumbered.
    fn follow_the_ids(&self, verdicts: &mut HashMap<RowIndex, Who>) {
        let under_way = (self.subjects.iter()).filter_map(|subject| match &subject.standing {
            Standing::UnderWay { from } => Some((subject.row, from.clone()?)),
            _ => None,
        });
        let moved: Vec<_> = (verdicts.iter())
            .filter_map(|(row, who)| match who {
                Who::Renumbered(it) => Some((*row, it.from.clone()?)),
                _ => None,
            })
            .chain(under_way)
            .collect();
        let holders: HashMap<_, _> = (self.subjects.iter())
            .filter(|subject| subject.standing == Standing::Known)
            .map(|subject| (subject.external_id.as_str(), subject.row))
            .collect();
        for (row, from) in moved {
            let Some(&holder) = holders.get(from.as_str()) else {
                continue;
            };
            match verdicts.entry(holder).or_insert(Who::AsTheIdSays) {
                Who::Renumbered(it) => it.after = Some(row),
                other => {
                    let login_after = match other {
                        Who::AfterRow(row) => Some(*row),
                        _ => None,
                    };
                    *other = Who::TakesOver {
                        after: row,
                        login_after,
                    };
                }
            }
        }
    }

    /// What the login of a row says, where the person is the one of the external
    /// ID.
    fn under_the_login(&self, subject: usize) -> Who {
        let it = &self.subjects[subject];
        let own = self.own.get(&subject);
        let Some(login) = self.login(&it.fingerprints) else {
            return Who::AsTheIdSays;
        };
        if own.is_some_and(|own| own.has_identity(login)) {
            return Who::AsTheIdSays;
        }
        match self.carriers.get(&login).map_or(&[][..], Vec::as_slice) {
            [] => Who::AsTheIdSays,
            [person] => self.login_of(&self.people[*person], login),
            // Of several somebody keeps it, or who is first to give it up is open.
            several => {
                let people = several.iter().map(|person| &self.people[*person]);
                let first = people
                    .filter(|person| person.external_id.is_some())
                    .min_by_key(|person| person.external_id.as_deref());
                Who::LoginTaken {
                    by: first.and_then(|person| person.external_id.clone()),
                    row: first.and_then(|person| match person.place {
                        Place::Row { row, .. } => Some(row),
                        _ => None,
                    }),
                }
            }
        }
    }

    /// What it means that a known person has the login.
    fn login_of(&self, person: &Known, login: (FieldTag, u128)) -> Who {
        let in_use = |row| Who::LoginTaken {
            by: person.external_id.clone(),
            row,
        };
        match person.place {
            Place::Row { row, is_sent } => {
                let subject = self.by_row.get(&row).filter(|_| is_sent);
                let keeps = |subject: &usize| {
                    let wanted = &self.subjects[*subject].fingerprints;
                    // A row that says nothing of the login changes none.
                    let says = wanted.identity().any(|(tag, _)| tag == login.0);
                    !says || wanted.has_identity(login)
                };
                if subject.is_none_or(keeps) {
                    in_use(Some(row))
                } else {
                    Who::AfterRow(row)
                }
            }
            Place::Nowhere { leaves: true } => match &person.external_id {
                Some(id) => Who::AfterLeaver(id.clone()),
                None => in_use(None),
            },
            Place::Nowhere { leaves: false } | Place::Elsewhere | Place::OnTarget => in_use(None),
        }
    }

    /// The known person that the subject may be under another external ID, if there
    /// is exactly one.
    fn claim(&self, subject: usize) -> Option<Claim> {
        let it = &self.subjects[subject];
        let mut found: Option<(usize, Vec<FieldTag>)> = None;
        let is_login = |tag: FieldTag| Some(tag) == self.tags.login;
        let mut values: Vec<_> = it.fingerprints.identity().collect();
        values.sort_by_key(|(tag, _)| !is_login(*tag));
        for value in values {
            let people = self.carriers.get(&value).map_or(&[][..], Vec::as_slice);
            let are_several = (self.by_value.get(&value)).is_some_and(|it| it.are_several);
            // What several have identifies nobody.
            let ([person], false) = (people, are_several) else {
                continue;
            };
            if !self.may_be(it, &self.people[*person]) {
                continue;
            }
            match &mut found {
                None => found = Some((*person, vec![value.0])),
                Some((same, by)) if same == person => by.push(value.0),
                // The login of one and the e-mail of another: the login decides,
                // and without it nobody.
                Some((_, by)) if by.first().copied().is_some_and(is_login) => {}
                Some(_) => return None,
            }
        }
        let (person, by) = found.or_else(|| Some((self.undamaged(subject)?, Vec::new())))?;
        Some(Claim { person, by })
    }

    /// Whom an earlier hold said the subject to be, if that person is free still.
    fn held_claim(&self, subject: usize) -> Option<Claim> {
        let person = *self.held_people.get(&subject)?;
        self.is_free(&self.people[person]).then(|| Claim {
            person,
            by: Vec::new(),
        })
    }

    fn renumbered(&self, subject: usize, claim: &Claim) -> Renumbered {
        let known = &self.people[claim.person];
        let new = &self.subjects[subject].external_id;
        let damage = |id: &String| Damage::between(id, new);
        let it = &self.subjects[subject];
        let damage = known.external_id.as_ref().and_then(damage);
        let has_reason = !claim.by.is_empty() || damage.is_some();
        Renumbered {
            is_sure: has_reason && self.compared_names(it, &known.fingerprints).all(|it| it),
            from: known.external_id.clone(),
            remote_id: known.remote_id.clone(),
            by: claim.by.clone(),
            damage,
            after: None,
            has_login: (self.tags.login).is_some_and(|login| claim.by.contains(&login)),
            login_after: match self.under_the_login(subject) {
                Who::AfterRow(row) => Some(row),
                _ => None,
            },
        }
    }

    /// The one whose external ID differs by damage only. Nothing that is known speaks
    /// against it.
    fn undamaged(&self, subject: usize) -> Option<usize> {
        let it = &self.subjects[subject];
        let [person] = self.damaged.get(&subject)?.as_slice() else {
            return None;
        };
        let known = &self.people[*person];
        let says_nothing = known.fingerprints == FieldFingerprints::default();
        (says_nothing || !self.is_other_human(it, &known.fingerprints)).then_some(*person)
    }

    /// Whether a row may be a known person's although its external ID says
    /// otherwise: the person has no row that keeps the identity, and the names do
    /// not speak against it.
    fn may_be(&self, it: &Subject, person: &Known) -> bool {
        // Without an external ID of this key: a second account with this login must not
        // be created, whatever the names are.
        let has_no_id = person.place == Place::OnTarget && person.external_id.is_none();
        has_no_id || self.is_free(person) && self.names_agree(it, &person.fingerprints)
    }

    /// Whether nothing says that the person is still the one of the external ID.
    fn is_free(&self, person: &Known) -> bool {
        match person.place {
            Place::Row { row, is_sent } => {
                let holder = self.by_row.get(&row).filter(|_| is_sent);
                holder.is_some_and(|holder| {
                    self.is_other_human(&self.subjects[*holder], &person.fingerprints)
                })
            }
            Place::Elsewhere => false,
            Place::Nowhere { .. } | Place::OnTarget => true,
        }
    }

    /// Whether a name is the same, or none can be compared.
    fn names_agree(&self, it: &Subject, known: &FieldFingerprints) -> bool {
        let mut compared = self.compared_names(it, known).peekable();
        compared.peek().is_none() || compared.any(|is_same| is_same)
    }

    /// Of each name that both have, whether it is the same.
    fn compared_names(
        &self,
        it: &Subject,
        known: &FieldFingerprints,
    ) -> impl Iterator<Item = bool> {
        (self.tags.names.iter())
            .filter_map(|tag| Some(it.fingerprints.field(*tag)? == known.field(*tag)?))
    }

    /// Whether nothing that tells who somebody is has stayed.
    fn is_other_human(&self, it: &Subject, known: &FieldFingerprints) -> bool {
        let has = |value| known.has_identity(value);
        let mut names = self.compared_names(it, known);
        known.identity().next().is_some()
            && !it.fingerprints.identity().any(has)
            && !names.any(|is_same| is_same)
    }
}

fn hash(external_id: &str) -> u64 {
    xxh3_64(external_id.as_bytes())
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;

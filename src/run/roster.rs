//! Who is on the LMS, some sixty bytes a person: to see what several people have.

use crate::mapping::Variants;
use crate::model::Twice;
use crate::schema::System;
use crate::targets::Remote;
use crate::validate::unique::Comparison;

/// People of the LMS. They are added first, then it is sealed and asked.
#[derive(Debug)]
pub(crate) struct Roster {
    logins: Comparison,
    login_field: &'static str,
    /// The LMS's own ids and the external IDs, one after the other.
    texts: String,
    people: Vec<Entry>,
    by_external_id: Vec<u32>,
    by_login: Vec<u32>,
    by_id: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The hash of the login; 0 without one.
    login: u128,
    /// Where its texts begin.
    start: usize,
    id: u16,
    external_id: u16,
    is_marked: bool,
}

impl Roster {
    /// Nobody yet.
    pub(crate) fn new(system: System, seed: u64) -> Self {
        Self {
            // Case means nothing to those who sign in.
            logins: Comparison::new(seed, Variants::Same),
            login_field: system.spec().login,
            texts: String::new(),
            people: Vec::new(),
            by_external_id: Vec::new(),
            by_login: Vec::new(),
            by_id: Vec::new(),
        }
    }

    /// Adds a person. Somebody who is added twice counts once.
    pub(crate) fn add(&mut self, person: &Remote) {
        let external_id = person.external_id.as_deref().unwrap_or_default();
        // No ID of an LMS is longer; of one that were, nothing could be said.
        let (Ok(id), Ok(external)) = (
            u16::try_from(person.id.len()),
            u16::try_from(external_id.len()),
        ) else {
            return;
        };
        let login = person.get(self.login_field).unwrap_or_default();
        self.people.push(Entry {
            login: match login.trim() {
                "" => 0,
                login => self.logins.key(login).hash(),
            },
            start: self.texts.len(),
            id,
            external_id: external,
            is_marked: false,
        });
        self.texts.extend([person.id.as_str(), external_id]);
    }

    /// All people are added.
    pub(crate) fn seal(&mut self) {
        let all = 0..u32::try_from(self.people.len()).unwrap_or(u32::MAX);
        let mut by_id: Vec<u32> = all.collect();
        by_id.sort_by(|&one, &other| self.id(one).cmp(self.id(other)));
        by_id.dedup_by(|one, other| self.id(*one) == self.id(*other));
        let mut people = by_id.clone();
        people.sort_unstable();
        let mut external: Vec<_> = people.clone();
        external.retain(|&at| !self.external_id(at).is_empty());
        external.sort_by(|&one, &other| self.external_id(one).cmp(self.external_id(other)));
        people.retain(|&at| self.entry(at).login != 0);
        people.sort_by_key(|&at| self.entry(at).login);
        (self.by_id, self.by_external_id, self.by_login) = (by_id, external, people);
    }

    /// How many people there are.
    pub(crate) fn people(&self) -> u64 {
        self.by_id.len() as u64
    }

    /// How many of them have an external ID.
    pub(crate) fn with_external_id(&self) -> u64 {
        self.by_external_id.len() as u64
    }

    /// The LMS's own ids of the people with that external ID.
    pub(crate) fn ids_of(&self, external_id: &str) -> impl Iterator<Item = &str> {
        self.with(external_id).iter().map(|&at| self.id(at))
    }

    /// Marks the people with that external ID. Returns whether there is one.
    pub(crate) fn mark(&mut self, external_id: &str) -> bool {
        let found = self.range_of(external_id);
        for at in found.clone() {
            let marked = self.by_external_id.get(at).copied();
            if let Some(entry) = marked.and_then(|at| self.people.get_mut(at as usize)) {
                entry.is_marked = true;
            }
        }
        !found.is_empty()
    }

    /// The external ID of the person whom the LMS knows by that id; empty without
    /// one.
    pub(crate) fn external_id_of(&self, id: &str) -> Option<&str> {
        let found = self.by_id.binary_search_by(|&at| self.id(at).cmp(id));
        let at = *self.by_id.get(found.ok()?)?;
        Some(self.external_id(at))
    }

    /// The external IDs that nobody marked, each once.
    pub(crate) fn unmarked(&self) -> impl Iterator<Item = &str> {
        let same = |one: &u32, other: &u32| self.external_id(*one) == self.external_id(*other);
        let groups = self.by_external_id.chunk_by(same);
        let mut groups = groups.filter(|group| group.iter().all(|&at| !self.entry(at).is_marked));
        std::iter::from_fn(move || Some(self.external_id(*groups.next()?.first()?)))
    }

    /// The external IDs that several people have. One of the people is marked, unless
    /// `anybody` will do.
    pub(crate) fn external_ids_twice(&self, anybody: bool) -> impl Iterator<Item = Twice> {
        let same = |one: &u32, other: &u32| self.external_id(*one) == self.external_id(*other);
        let groups = self.by_external_id.chunk_by(same);
        groups
            .filter(move |group| group.len() > 1 && (anybody || self.has_marked(group)))
            .map(|group| self.twice(group, Twice::EXTERNAL_ID))
    }

    /// The logins that several people have. One of the people is marked; where
    /// `anybody` will do, it is enough that one has an external ID.
    pub(crate) fn logins_twice(&self, anybody: bool) -> impl Iterator<Item = Twice> {
        let same = |one: &u32, other: &u32| self.entry(*one).login == self.entry(*other).login;
        let is_ours = move |group: &[u32]| {
            let mut people = group.iter();
            self.has_marked(group) || anybody && people.any(|&at| !self.external_id(at).is_empty())
        };
        let groups = self.by_login.chunk_by(same);
        groups
            .filter(move |group| group.len() > 1 && is_ours(group))
            .map(|group| self.twice(group, self.login_field))
    }

    fn has_marked(&self, group: &[u32]) -> bool {
        group.iter().any(|&at| self.entry(at).is_marked)
    }

    fn twice(&self, group: &[u32], field: &str) -> Twice {
        let ids = group.iter().map(|&at| self.external_id(at).to_owned());
        let mut external_ids: Vec<_> = ids.filter(|id| !id.is_empty()).collect();
        external_ids.sort_unstable();
        external_ids.dedup();
        Twice {
            external_id: external_ids.first().cloned(),
            field: field.to_owned(),
            people: group.iter().map(|&at| self.id(at).to_owned()).collect(),
            external_ids,
        }
    }

    fn with(&self, external_id: &str) -> &[u32] {
        let range = self.range_of(external_id);
        self.by_external_id.get(range).unwrap_or_default()
    }

    fn range_of(&self, external_id: &str) -> std::ops::Range<usize> {
        let all = &self.by_external_id;
        let from = all.partition_point(|&at| self.external_id(at) < external_id);
        let to = all.partition_point(|&at| self.external_id(at) <= external_id);
        from..to
    }

    fn entry(&self, at: u32) -> Entry {
        // Every place comes from the list itself.
        self.people[at as usize]
    }

    fn id(&self, at: u32) -> &str {
        let Entry { start, id, .. } = self.entry(at);
        let end = start + usize::from(id);
        self.texts.get(start..end).unwrap_or_default()
    }

    fn external_id(&self, at: u32) -> &str {
        let entry = self.entry(at);
        let start = entry.start + usize::from(entry.id);
        let end = start + usize::from(entry.external_id);
        self.texts.get(start..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(people: &[(&str, &str, &str)]) -> Roster {
        let mut roster = Roster::new(System::named("kmi").unwrap(), 7);
        for &(id, external_id, login) in people {
            roster.add(&Remote {
                id: id.into(),
                external_id: Some(external_id.to_owned()).filter(|id| !id.is_empty()),
                fields: vec![("loginName", login.into())],
                roles: None,
                is_archived: false,
            });
        }
        roster.seal();
        roster
    }

    fn people(twice: impl Iterator<Item = Twice>) -> Vec<(Vec<String>, Vec<String>)> {
        twice.map(|it| (it.external_ids, it.people)).collect()
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn what_several_people_have_is_found_and_a_person_on_two_pages_is_one() {
        let roster = roster(&[
            ("30", "E1", "ann"),
            ("2", "E2", "ben"),
            ("2", "E2", "ben"),
            ("4", "E1", "other"),
            ("5", "", "BEN"),
            ("6", "", ""),
            ("7", "e1", ""),
            ("8", "", "di"),
            ("9", "", "di"),
        ]);
        assert_eq!((roster.people(), roster.with_external_id()), (8, 4));
        let ids = people(roster.external_ids_twice(true));
        // In the order of the list.
        assert_eq!(ids, [(strings(&["E1"]), strings(&["30", "4"]))]);
        let logins = people(roster.logins_twice(true));
        // Two of whom nobody has an external ID are nobody's business.
        assert_eq!(logins, [(strings(&["E2"]), strings(&["2", "5"]))]);
        assert_eq!(roster.ids_of("E1").collect::<Vec<_>>(), ["30", "4"]);
        assert_eq!(roster.ids_of("E").count(), 0);
        assert_eq!(roster.external_id_of("4"), Some("E1"));
        assert_eq!(roster.external_id_of("5"), Some(""));
        assert_eq!(roster.external_id_of("3"), None);
    }

    #[test]
    fn only_pairs_with_somebody_who_is_marked_count_unless_anybody_will_do() {
        let mut roster = roster(&[
            ("1", "E1", "a"),
            ("2", "E1", "b"),
            ("3", "E2", "c"),
            ("4", "E2", "d"),
            ("5", "E3", "e"),
            ("6", "", "e"),
        ]);
        assert_eq!(roster.external_ids_twice(false).count(), 0);
        assert_eq!(roster.logins_twice(false).count(), 0);
        assert!(roster.mark("E2") && roster.mark("E3") && !roster.mark("E4"));
        let ids = people(roster.external_ids_twice(false));
        assert_eq!(ids, [(strings(&["E2"]), strings(&["3", "4"]))]);
        let logins = people(roster.logins_twice(false));
        assert_eq!(logins, [(strings(&["E3"]), strings(&["5", "6"]))]);
        assert_eq!(roster.unmarked().collect::<Vec<_>>(), ["E1"]);
    }

    #[test]
    fn nobody_is_nobody() {
        let mut roster = roster(&[]);
        assert!(!roster.mark("E1"));
        assert_eq!((roster.people(), roster.unmarked().count()), (0, 0));
    }
}

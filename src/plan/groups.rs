//! The user groups that the feed names, and which rows name them.

use std::collections::{BTreeMap, BTreeSet};

use crate::mapping::{Bound, Person, fold, unkeyed_fingerprint};
use crate::model::{Joined, Remark};
use crate::schema::BETWEEN;
use crate::validate::unique::RowIndex;

/// How many groups a remark names.
const NAMED_GROUPS: usize = 5;

/// All groups of a feed, by external ID.
#[derive(Clone, Debug, Default)]
pub struct NamedGroups {
    groups: BTreeMap<String, NamedGroup>,
}

/// One group of a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedGroup {
    /// Its type, if the mapping sets one.
    pub kind: Option<String>,
    /// Its name, if a row has one.
    pub name: Option<String>,
    /// Its parent group, if a row has one.
    pub parent: Option<String>,
    /// The valid rows that name it.
    pub rows: Vec<RowIndex>,
    /// A row has a name or a parent for one of several groups, of which this is one.
    pub is_one_of_several: bool,
}

impl NamedGroup {
    /// The fingerprint of name and parent, if the feed has either.
    #[must_use]
    pub fn fingerprint(&self) -> Option<u128> {
        NamedGroups::fingerprint_of(self.name.as_deref(), self.parent.as_deref())
    }
}

impl NamedGroups {
    /// The fingerprint of a group with that name and parent, as
    /// [`NamedGroup::fingerprint`].
    #[must_use]
    pub fn fingerprint_of(name: Option<&str>, parent: Option<&str>) -> Option<u128> {
        let said: Vec<_> = [("name", name), ("parent", parent)]
            .into_iter()
            .filter_map(|(field, value)| Some((field, value?)))
            .collect();
        (!said.is_empty()).then(|| unkeyed_fingerprint(said.into_iter()))
    }

    /// Takes the groups of one person; `row` counts from the batch's first.
    pub(super) fn add(&mut self, bound: &Bound<'_>, person: &Person, row: usize, is_sound: bool) {
        let Some(field) = bound.groups() else {
            return;
        };
        let Some(text) = person.text(field) else {
            return;
        };
        if !is_sound {
            // A group of a rejected row counts as named, so that it is neither
            // deleted nor emptied.
            let parent = bound
                .of_group("groups.parent")
                .and_then(|field| person.text(field));
            for id in text.split(BETWEEN).chain(parent) {
                self.groups.entry(id.to_owned()).or_default();
            }
            return;
        }
        let row = RowIndex::try_from(row).unwrap_or(RowIndex::MAX);
        let alone = !text.contains(BETWEEN);
        for id in text.split(BETWEEN) {
            let group = self.groups.entry(id.to_owned()).or_default();
            group.rows.push(row);
            let of_group = |name| bound.of_group(name).and_then(|field| person.text(field));
            if group.kind.is_none() {
                group.kind = of_group("groups.type").map(str::to_owned);
            }
            let has = |name| of_group(name).is_some();
            group.is_one_of_several |= !alone && (has("groups.name") || has("groups.parent"));
            // In a row with several groups it is unclear which one is meant.
            if alone && group.name.is_none() {
                group.name = of_group("groups.name").map(str::to_owned);
            }
            if alone && group.parent.is_none() {
                group.parent = of_group("groups.parent")
                    .filter(|parent| *parent != id)
                    .map(str::to_owned);
            }
        }
    }

    /// Takes the groups of the next batch, whose first row is `first`.
    pub(super) fn extend(&mut self, batch: Self, first: usize) {
        let first = RowIndex::try_from(first).unwrap_or(RowIndex::MAX);
        for (id, of_batch) in batch.groups {
            let group = self.groups.entry(id).or_default();
            group.kind = group.kind.take().or(of_batch.kind);
            group.name = group.name.take().or(of_batch.name);
            group.parent = group.parent.take().or(of_batch.parent);
            group.is_one_of_several |= of_batch.is_one_of_several;
            let rows = of_batch.rows.iter().map(|row| row.saturating_add(first));
            group.rows.extend(rows);
        }
    }

    /// What looks as if the feed meant fewer groups: spellings of one, and
    /// several in one.
    #[must_use]
    pub fn remarks(&self) -> Vec<Remark> {
        let mut spellings: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for id in self.groups.keys() {
            spellings.entry(fold(id)).or_default().push(id);
        }
        let of_one = spellings.values().filter(|spelled| spelled.len() > 1);
        let of_one = of_one
            .take(NAMED_GROUPS)
            .map(|spelled| Remark::GroupSpellings {
                groups: spelled.iter().map(|id| (*id).into()).collect(),
            });
        let of_one = of_one.chain(self.several_in_one(&spellings));
        of_one.chain(self.unnamed()).collect()
    }

    /// Groups of which rows have a name or a parent, and none says that it is of this one.
    fn unnamed(&self) -> Option<Remark> {
        let is_unnamed = |group: &NamedGroup| {
            group.is_one_of_several && group.name.is_none() && group.parent.is_none()
        };
        let unnamed = self.groups.iter().filter(|(_, group)| is_unnamed(group));
        let named = unnamed.clone().take(NAMED_GROUPS);
        let groups: Box<[Box<str>]> = named.map(|(id, _)| id.as_str().into()).collect();
        let count = unnamed.count() as u64;
        (count > 0).then_some(Remark::Joined(Joined::GroupsUnnamed { groups, count }))
    }

    /// Groups that are several, since what divides them is not what `split` says: all parts
    /// of them are groups, too, or are the first of some and follow in others. What all
    /// have in the same place is a part of their names: `Sales / North`, `Sales / South`.
    fn several_in_one(&self, spellings: &BTreeMap<String, Vec<&str>>) -> Option<Remark> {
        const BETWEEN_GROUPS: [char; 5] = [',', ';', '|', '/', '\n'];
        let mut groups = BTreeSet::new();
        for separator in BETWEEN_GROUPS {
            let parts_of = |id: &str| -> Vec<String> {
                let parts = id.trim_matches(['[', ']', '{', '}']).split(separator);
                let parts = parts.map(|part| fold(part).trim_matches('"').to_owned());
                parts.filter(|part| !part.is_empty()).collect()
            };
            let divided = || self.groups.keys().filter(|id| id.contains(separator));
            let (mut first, mut behind) = (BTreeSet::new(), BTreeSet::new());
            for id in divided() {
                let mut parts = parts_of(id).into_iter();
                first.extend(parts.next());
                behind.extend(parts);
            }
            let is_group = |part: &String| {
                let moves = first.contains(part) && behind.contains(part);
                part.len() > 1 && (spellings.contains_key(part) || moves)
            };
            groups.extend(divided().filter(|id| {
                let parts = parts_of(id);
                parts.len() > 1 && parts.iter().all(is_group)
            }));
        }
        let groups: Box<[Box<str>]> = (groups.into_iter())
            .take(NAMED_GROUPS)
            .map(|id| id.as_str().into())
            .collect();
        (!groups.is_empty()).then_some(Remark::SeveralGroupsInOne { groups })
    }

    /// Adds the groups that are named only as parents. They have the same type.
    #[must_use]
    pub fn with_parents(mut self) -> Self {
        let parents: Vec<_> = self
            .groups
            .values()
            .filter_map(|group| Some((group.parent.clone()?, group.kind.clone())))
            .collect();
        for (id, kind) in parents {
            let parent = self.groups.entry(id).or_default();
            parent.kind = parent.kind.take().or(kind);
        }
        self
    }

    /// The group with that external ID.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&NamedGroup> {
        self.groups.get(id)
    }

    /// All of them, by external ID.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &NamedGroup)> {
        self.groups.iter().map(|(id, group)| (id.as_str(), group))
    }

    /// These groups, each after its parent. In a circle of parents one of them
    /// comes first.
    #[must_use]
    pub fn from_the_top<'g>(&'g self, wanted: &BTreeSet<&'g str>) -> Vec<&'g str> {
        let mut ordered = Vec::with_capacity(wanted.len());
        let mut placed = BTreeSet::new();
        for id in wanted {
            let mut way = vec![*id];
            let mut at = *id;
            while let Some(parent) = self.get(at).and_then(|group| group.parent.as_deref())
                && wanted.contains(parent)
                && !placed.contains(parent)
                && !way.contains(&parent)
            {
                way.push(parent);
                at = parent;
            }
            for id in way.into_iter().rev() {
                if placed.insert(id) {
                    ordered.push(id);
                }
            }
        }
        ordered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_above_comes_first_and_a_circle_ends() {
        let mut groups = NamedGroups::default();
        for (id, parent) in [
            ("a", Some("c")),
            ("b", None),
            ("c", Some("d")),
            ("d", None),
            ("x", Some("y")),
            ("y", Some("x")),
        ] {
            let parent = parent.map(str::to_owned);
            groups.groups.insert(
                id.into(),
                NamedGroup {
                    parent,
                    ..NamedGroup::default()
                },
            );
        }
        let wanted = groups.iter().map(|(id, _)| id).collect();
        assert_eq!(groups.from_the_top(&wanted), ["d", "c", "a", "b", "y", "x"]);
    }
}

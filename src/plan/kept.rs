//! A plan that is kept: what would be done, change by change, so that exactly that can be
//! done later, or nothing.
//!
//! A change is kept with a digest of all that would be sent for it, made with a key that
//! comes from the API key: without that nobody can find a value by trying all there are.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Change, Why};
use crate::mapping::{derived_key, fingerprint};
use crate::model::{Action, ExternalId, FingerprintKey, Picture, RowNumber, Secret, counted};
use crate::schema::Part;

/// For what the key of the digests is derived: another text is another key.
const PURPOSE: &str = "hrfeed 2026-11-27 contents of the changes of a plan";

/// The key with which the changes of a plan are digested.
#[must_use]
pub fn key_of_plan(api_key: &Secret) -> FingerprintKey {
    derived_key(PURPOSE, api_key.expose())
}

/// What a plan is bound to: digests of all from which its changes follow, but for the LMS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The release of hrfeed that made the plan.
    pub hrfeed: String,
    /// The feed.
    pub feed: String,
    /// The files that are joined to it.
    pub joined: Option<String>,
    /// The mapping, with the value lists that it reads.
    pub mapping: String,
    /// The system, the address and the API key.
    pub scope: String,
    /// What the journal knows because something was sent, and what was decided about holds.
    pub journal: String,
}

impl Binding {
    /// What of it is another thing `now`, as the beginnings of sentences.
    #[must_use]
    pub fn moved(&self, now: &Self) -> Vec<&'static str> {
        let pairs = [
            (
                self.hrfeed != now.hrfeed,
                "the release of hrfeed is another one",
            ),
            (self.feed != now.feed, "the feed has changed"),
            (
                self.joined != now.joined,
                "a file that is joined to the feed has changed",
            ),
            (self.mapping != now.mapping, "the mapping has changed"),
            (
                self.scope != now.scope,
                "the address of the LMS or the API key is another one",
            ),
            (
                self.journal != now.journal,
                "something was sent or decided about a hold since",
            ),
        ];
        let moved = pairs.into_iter().filter(|(is_moved, _)| *is_moved);
        moved.map(|(_, what)| what).collect()
    }
}

/// One change of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedChange {
    /// The row; a leaver has none.
    pub row: Option<RowNumber>,
    /// The person.
    pub external_id: ExternalId,
    /// What would be done.
    pub action: Action,
    /// Why.
    pub why: Why,
    /// The fields that differ, where that is known.
    pub changed: Vec<&'static str>,
    /// The external ID until then, where it is another one.
    pub known_as: Option<ExternalId>,
    /// The hold in which a person approved it.
    pub hold: Option<i64>,
    /// A digest of who it is, and of all that would be sent.
    pub digest: u128,
}

impl PlannedChange {
    /// The change of a row.
    #[must_use]
    pub fn of_row(change: &Change, key: &FingerprintKey) -> Self {
        Self {
            row: Some(change.row),
            action: change.action,
            why: change.why,
            changed: change.changed.clone(),
            known_as: change.rekey.as_ref().map(|rekey| rekey.from.clone()),
            hold: change.hold,
            digest: digest_of_row(change, key),
            external_id: change.content.external_id.clone(),
        }
    }

    /// What would be done with a leaver: `how` is a digest of it, and `set` are the fields
    /// that are written.
    #[must_use]
    pub fn of_leaver(
        external_id: ExternalId,
        (action, how): (Action, u64),
        set: &[(&'static str, String)],
        key: &FingerprintKey,
    ) -> Self {
        let how = how.to_string();
        let said = [("leaver", external_id.as_str()), ("how", &how)];
        let set = set.iter().map(|(name, value)| (*name, value.as_str()));
        Self {
            row: None,
            action,
            why: Why::Leaver,
            changed: Vec::new(),
            known_as: None,
            hold: None,
            digest: fingerprint(key, said.into_iter().chain(set)),
            external_id,
        }
    }

    /// What is compared with the change of a kept plan.
    #[must_use]
    pub const fn kept(&self) -> KeptChange {
        KeptChange {
            row: self.row,
            action: self.action,
            digest: self.digest,
        }
    }
}

/// All that would be sent, and for whom.
fn digest_of_row(change: &Change, key: &FingerprintKey) -> u128 {
    let content = &change.content;
    let row = change.row.to_string();
    let picture = match &content.picture {
        Some(Picture::File(file)) => format!("{:032x}", file.digest()),
        Some(Picture::Clear) => "clear".into(),
        None => String::new(),
    };
    let sets = content.sets.iter().flat_map(|(part, values)| {
        let values = values.iter().map(|value| (of_set(*part), value.as_str()));
        std::iter::once((of_set(*part), "")).chain(values)
    });
    let who = [
        ("row", row.as_str()),
        ("external ID", content.external_id.as_str()),
        ("known as", change.known_as().as_str()),
        ("account", change.adopt.as_deref().unwrap_or("")),
        ("picture", &picture),
    ];
    let fields = content.fields.iter().chain(&content.instructions);
    let fields = fields.map(|(name, value)| (*name, value.as_str()));
    fingerprint(key, who.into_iter().chain(fields).chain(sets))
}

/// What a set is called in a digest.
const fn of_set(part: Part) -> &'static str {
    match part {
        Part::Roles => "roles",
        Part::AuthorLibraries => "author libraries",
        Part::DesignerLibraries => "designer libraries",
        Part::Groups => "groups",
        Part::Details | Part::Instruction | Part::Picture | Part::OfGroup => "",
    }
}

/// A change of a kept plan, in a few words. Its reason and the fields that differ are for
/// people: they follow from what a run has seen, too, and change nothing of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptChange {
    /// The row; a leaver has none.
    pub row: Option<RowNumber>,
    /// What is done.
    pub action: Action,
    /// A digest of who it is, and of all that is sent.
    pub digest: u128,
}

impl KeptChange {
    const fn key(&self) -> (u128, Action) {
        (self.digest, self.action)
    }

    /// Which change it is, for a person: `row 7 (update)`.
    fn named(&self) -> String {
        match self.row {
            Some(row) => format!("row {row} ({})", self.action.word()),
            None => format!("a leaver ({})", self.action.word()),
        }
    }
}

/// A kept plan, as far as an import needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPlan {
    /// The day with which it is carried out: rows and fields that are what they are by the
    /// day are as they were planned.
    pub day: Date,
    /// What it is bound to.
    pub binding: Binding,
    /// What would be done with groups, an entry each.
    pub groups: Vec<String>,
    /// The changes.
    pub changes: Vec<KeptChange>,
}

/// How many changes are named that moved.
const NAMED: usize = 5;

impl KeptPlan {
    /// What an import that begins now would do otherwise, as sentences; empty where it is
    /// exactly the same.
    #[must_use]
    pub fn moved(&self, now: &[KeptChange], groups: &[String]) -> Vec<String> {
        let keys = |changes: &[KeptChange]| {
            let keys = changes.iter().map(KeptChange::key);
            keys.collect::<HashSet<_>>()
        };
        let (kept, wanted) = (keys(&self.changes), keys(now));
        let without = |all: &[KeptChange], others: &HashSet<_>| {
            let rest = all.iter().filter(|it| !others.contains(&it.key()));
            rest.map(KeptChange::named).collect::<Vec<_>>()
        };
        let mut moved = Vec::new();
        moved.extend(sentence(
            &without(&self.changes, &wanted),
            "of the plan would not be sent any more",
        ));
        moved.extend(sentence(&without(now, &kept), BEYOND));
        if moved.is_empty() && self.groups != groups {
            moved.push("something else would be done with groups".into());
        }
        moved
    }

    /// Which of what is left of a run the plan does not have, in words. A person who was
    /// created or given the external ID may need the rest of it.
    #[must_use]
    pub fn beyond(&self, left: &[KeptChange]) -> Vec<String> {
        let planned: HashMap<_, _> = (self.changes.iter())
            .map(|change| (change.digest, change.action))
            .collect();
        let is_planned = |change: &&KeptChange| {
            let action = planned.get(&change.digest);
            action.is_some_and(|action| *action == change.action || change.action == Action::Update)
        };
        let beyond = left.iter().filter(|change| !is_planned(change));
        let beyond: Vec<_> = beyond.map(KeptChange::named).collect();
        sentence(&beyond, BEYOND).into_iter().collect()
    }
}

/// Of changes that are wanted now.
const BEYOND: &str = "would be sent that the plan does not have";

/// How many changes that is about, with the first of them; `None` for nothing.
fn sentence(changes: &[String], what: &str) -> Option<String> {
    let first = changes.get(..NAMED.min(changes.len()))?;
    let more = if changes.len() > NAMED { ", …" } else { "" };
    let many = counted(changes.len() as u64, "change", "changes");
    (!first.is_empty()).then(|| format!("{many} {what}: {}{more}", first.join(", ")))
}

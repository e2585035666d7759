//! A plan that is kept: what would be done, change by change, so that exactly that can be
//! done later, or nothing.
//!
//! A change is kept with a digest of all that would be sent for it, made with a key that
//! comes from the API key: without that nobody can find a value by trying all there are.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::{Change, Why};
use crate::mapping::{derived_key, fingerprint};
use crate::model::{Action, ExternalId, FingerprintKey, Picture, RowNumber, Secret};
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

    /// What would be done with a leaver; `how` is a digest of it.
    #[must_use]
    pub fn of_leaver(
        external_id: ExternalId,
        (action, how): (Action, u64),
        key: &FingerprintKey,
    ) -> Self {
        let how = how.to_string();
        let said = [("leaver", external_id.as_str()), ("how", &how)];
        Self {
            row: None,
            action,
            why: Why::Leaver,
            changed: Vec::new(),
            known_as: None,
            hold: None,
            digest: fingerprint(key, said.into_iter()),
            external_id,
        }
    }

    /// What is compared with the change of a kept plan.
    #[must_use]
    pub fn kept(&self) -> KeptChange {
        KeptChange::new(
            self.row,
            self.action,
            self.digest,
            (self.why.word(), self.changed.iter().copied()),
        )
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

/// A change of a kept plan, in a few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptChange {
    row: Option<RowNumber>,
    action: Action,
    /// Who, and all that would be sent.
    digest: u128,
    /// That, with action and reason.
    exact: u128,
}

impl KeptChange {
    /// A change with its digest, reason and fields.
    pub fn new<'f>(
        row: Option<RowNumber>,
        action: Action,
        digest: u128,
        (why, changed): (&'f str, impl Iterator<Item = &'f str>),
    ) -> Self {
        let mut bytes = digest.to_le_bytes().to_vec();
        for word in [action.word(), why].into_iter().chain(changed) {
            bytes.extend_from_slice(word.as_bytes());
            bytes.push(0);
        }
        Self {
            row,
            action,
            digest,
            exact: xxh3_128(&bytes),
        }
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptPlan {
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
        let of = |changes: &[KeptChange]| {
            let each = changes.iter().map(|change| (change.exact, *change));
            each.collect::<HashMap<_, _>>()
        };
        let (kept, wanted) = (of(&self.changes), of(now));
        let without = |all: &[KeptChange], others: &HashMap<u128, KeptChange>| {
            let rest = all.iter().filter(|it| !others.contains_key(&it.exact));
            rest.map(KeptChange::named).collect::<Vec<_>>()
        };
        let mut moved = Vec::new();
        for (which, what) in [
            (
                without(&self.changes, &wanted),
                "of the plan would not be sent any more",
            ),
            (
                without(now, &kept),
                "would be sent that the plan does not have",
            ),
        ] {
            if let Some(who) = named(&which) {
                let many = if which.len() == 1 {
                    "change"
                } else {
                    "changes"
                };
                moved.push(format!("{} {many} {what}: {who}", which.len()));
            }
        }
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
        let who = named(&beyond);
        let sentence = |who| {
            let many = if beyond.len() == 1 {
                "change"
            } else {
                "changes"
            };
            format!(
                "{} {many} would be sent that the plan does not have: {who}",
                beyond.len()
            )
        };
        who.map(sentence).into_iter().collect()
    }
}

/// The first of them, with commas; `None` for nothing.
fn named(changes: &[String]) -> Option<String> {
    let first = changes.get(..NAMED.min(changes.len()))?;
    let more = if changes.len() > NAMED { ", …" } else { "" };
    (!first.is_empty()).then(|| format!("{}{more}", first.join(", ")))
}

//! Is it the same human? Whom another API key of the LMS knows by the external ID of
//! a new row: external IDs belong to a key, so the key may have been replaced, or be
//! that of another company with the same numbers.
//!
//! # Invariants
//!
//! - An account is never taken over that fits the row in nothing: it is another
//!   human's.
//! - A name alone is believed only where most of the key's people are the same by
//!   more than that.
//! - What the external ID makes, or several people have, proves nothing.

use std::collections::HashMap;

use super::detail::UnderOtherKey;
use crate::mapping::{FieldFingerprints, FieldTag, IdentityKind, Mapping};
use crate::validate::unique::RowIndex;

/// What tells who somebody is, as far as the external ID does not make it.
#[derive(Clone, Debug, Default)]
pub struct Traits {
    /// Login and e-mail address.
    own: Vec<FieldTag>,
    /// First and last name.
    names: Vec<FieldTag>,
}

/// Somebody whom another API key knows by the external ID of a row.
#[derive(Clone, Debug)]
pub struct OtherAccount {
    /// Which key it is.
    pub key: i64,
    /// The LMS's id, where it is known.
    pub remote_id: Option<Box<str>>,
    /// The fingerprints of what was acknowledged; none where an older hrfeed made
    /// none.
    pub fingerprints: FieldFingerprints,
}

/// New rows whose external IDs other keys know, with what the rows say and whom the
/// keys know. All are added first, then they are judged.
#[derive(Debug)]
pub struct OtherKeys {
    traits: Traits,
    accounts: HashMap<RowIndex, Vec<OtherAccount>>,
    rows: HashMap<RowIndex, FieldFingerprints>,
    /// How many accounts of each key have the same external ID under this one.
    taken_over: HashMap<i64, u64>,
}

/// Who has the external ID of a row under another key.
#[derive(Clone, Debug)]
pub struct Acquaintance {
    /// Whether it is the same human.
    pub who: UnderOtherKey,
    /// The LMS's ids of the accounts that may be the row's.
    pub accounts: Vec<Box<str>>,
    /// The LMS's ids of the accounts that are somebody else's.
    pub of_others: Vec<Box<str>>,
    /// The fields in which the row differs from what was acknowledged, where that is
    /// known.
    pub changed: Option<Vec<FieldTag>>,
    /// What an account must show to be the row's, where the journal does not know it.
    pub proof: Option<Proof>,
}

/// What shows that an account on the LMS is a row's.
#[derive(Clone, Debug)]
pub struct Proof {
    by: Vec<FieldTag>,
    fingerprints: FieldFingerprints,
}

impl Proof {
    /// Whether the account that the LMS shows so is the row's.
    #[must_use]
    pub fn is_given_by(&self, listed: &FieldFingerprints) -> bool {
        let is_same = |tag: &FieldTag| same(*tag, &self.fingerprints, listed) == Some(true);
        self.by.iter().any(is_same)
    }
}

/// How much an account fits a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// The login or the e-mail address is the same.
    Same,
    /// Only a name is.
    Name,
    /// Nothing is.
    Nothing,
    /// There is nothing to compare.
    Unknown,
}

/// The accounts of a row, by what they are.
#[derive(Default)]
struct Sorted<'a> {
    same: Vec<&'a OtherAccount>,
    /// Those of which the journal knows nothing to compare.
    open: Vec<&'a OtherAccount>,
    of_others: Vec<&'a OtherAccount>,
}

impl Traits {
    /// Those of a mapping.
    #[must_use]
    pub fn of(mapping: &Mapping) -> Self {
        let mut traits = Self::default();
        for field in mapping.identity_fields() {
            let tags = field.positions.iter().filter_map(|position| {
                let rule = mapping.fields().get(*position)?;
                mapping.tag(rule.field.name)
            });
            match field.kind {
                IdentityKind::Login | IdentityKind::Email => traits.own.extend(tags),
                IdentityKind::Name => traits.names.extend(tags),
            }
        }
        traits
    }
}

impl OtherKeys {
    /// Nobody yet.
    #[must_use]
    pub fn new(traits: Traits) -> Self {
        Self {
            traits,
            accounts: HashMap::new(),
            rows: HashMap::new(),
            taken_over: HashMap::new(),
        }
    }

    /// An account of a key has the same external ID under this one.
    pub fn note_taken_over(&mut self, key: i64) {
        *self.taken_over.entry(key).or_default() += 1;
    }

    /// Somebody whom another key knows by the external ID of that row.
    pub fn note_account(&mut self, row: RowIndex, account: OtherAccount) {
        self.accounts.entry(row).or_default().push(account);
    }

    /// What a row says.
    pub fn note_row(&mut self, row: RowIndex, fingerprints: FieldFingerprints) {
        self.rows.insert(row, fingerprints);
    }

    /// The rows whose external IDs other keys know, sorted.
    #[must_use]
    pub fn rows(&self) -> Vec<RowIndex> {
        let mut rows: Vec<_> = self.accounts.keys().copied().collect();
        rows.sort_unstable();
        rows
    }

    /// Who the people of these rows are, in the order of the feed.
    #[must_use]
    pub fn judge(&self) -> Vec<(RowIndex, Acquaintance)> {
        let carriers = self.carriers();
        let fits: HashMap<RowIndex, Vec<Fit>> = (self.accounts.iter())
            .map(|(row, accounts)| {
                let fit = |account: &OtherAccount| self.fit(*row, account, &carriers);
                (*row, accounts.iter().map(fit).collect())
            })
            .collect();
        // Of how many people of each key how many are the same.
        let taken_over = self
            .taken_over
            .iter()
            .map(|(key, people)| (*key, (*people, *people)));
        let mut by_key: HashMap<i64, (u64, u64)> = taken_over.collect();
        for (row, accounts) in &self.accounts {
            for (account, fit) in accounts.iter().zip(&fits[row]) {
                let (all, same) = by_key.entry(account.key).or_default();
                *all += u64::from(*fit != Fit::Unknown);
                *same += u64::from(*fit == Fit::Same);
            }
        }
        let is_believed = |account: &OtherAccount, fit: Fit| match fit {
            Fit::Same => true,
            Fit::Name => (by_key.get(&account.key)).is_some_and(|(all, it)| 2 * it > *all),
            Fit::Nothing | Fit::Unknown => false,
        };
        let judged = self.rows().into_iter().map(|row| {
            let mut accounts = Sorted::default();
            for (account, fit) in self.accounts[&row].iter().zip(&fits[&row]) {
                match fit {
                    Fit::Unknown => accounts.open.push(account),
                    fit if is_believed(account, *fit) => accounts.same.push(account),
                    _ => accounts.of_others.push(account),
                }
            }
            (row, self.acquaintance(row, &accounts, &carriers))
        });
        judged.collect()
    }

    fn acquaintance(
        &self,
        row: RowIndex,
        accounts: &Sorted<'_>,
        carriers: &HashMap<(Option<i64>, FieldTag, u128), u32>,
    ) -> Acquaintance {
        let Sorted {
            same,
            open,
            of_others,
        } = accounts;
        let ids = |accounts: &[&OtherAccount]| {
            let ids = accounts.iter().filter_map(|it| it.remote_id.clone());
            ids.collect()
        };
        let wanted = self.rows.get(&row);
        // What the newest key knows of the person.
        let known = same.iter().max_by_key(|it| it.key);
        let changed = known.zip(wanted).map(|(known, wanted)| {
            let is_other =
                |(tag, value): &(FieldTag, u64)| known.fingerprints.field(*tag) != Some(*value);
            let differs = wanted.fields().filter(is_other);
            differs.map(|(tag, _)| tag).collect()
        });
        let proof = wanted.filter(|_| same.is_empty()).map(|wanted| {
            let tells = |tag: &FieldTag| {
                let value = value(*tag, wanted);
                value.is_some_and(|it| carriers.get(&(None, *tag, it)) == Some(&1))
            };
            Proof {
                by: self.traits.own.iter().copied().filter(tells).collect(),
                fingerprints: wanted.clone(),
            }
        });
        Acquaintance {
            who: if same.is_empty() && open.is_empty() {
                UnderOtherKey::SomebodyElse
            } else {
                UnderOtherKey::SamePerson
            },
            accounts: if same.is_empty() {
                ids(open)
            } else {
                ids(same)
            },
            of_others: ids(of_others),
            changed,
            proof,
        }
    }

    /// How many rows, and how many people of each key, have a login or an e-mail
    /// address.
    fn carriers(&self) -> HashMap<(Option<i64>, FieldTag, u128), u32> {
        let of_rows = self.rows.values().map(|it| (None, it));
        let of_keys = self.accounts.values().flatten();
        let of_keys = of_keys.map(|it| (Some(it.key), &it.fingerprints));
        let mut carriers = HashMap::new();
        for (whose, fingerprints) in of_rows.chain(of_keys) {
            for tag in &self.traits.own {
                if let Some(value) = value(*tag, fingerprints) {
                    *carriers.entry((whose, *tag, value)).or_default() += 1;
                }
            }
        }
        carriers
    }

    fn fit(
        &self,
        row: RowIndex,
        account: &OtherAccount,
        carriers: &HashMap<(Option<i64>, FieldTag, u128), u32>,
    ) -> Fit {
        let Some(wanted) = self.rows.get(&row) else {
            return Fit::Unknown;
        };
        let known = &account.fingerprints;
        let has_one = |whose, tag, of: &FieldFingerprints| {
            let value = value(tag, of);
            value.is_none_or(|it| carriers.get(&(whose, tag, it)) == Some(&1))
        };
        let mut fit = Fit::Unknown;
        for tag in &self.traits.own {
            match same(*tag, wanted, known) {
                Some(true)
                    if has_one(None, *tag, wanted) && has_one(Some(account.key), *tag, known) =>
                {
                    return Fit::Same;
                }
                Some(_) => fit = Fit::Nothing,
                None => {}
            }
        }
        for tag in &self.traits.names {
            match same(*tag, wanted, known) {
                Some(true) => return Fit::Name,
                Some(false) => fit = Fit::Nothing,
                None => {}
            }
        }
        fit
    }
}

/// Whether a field is the same in both; `None` if one of them does not say.
fn same(tag: FieldTag, one: &FieldFingerprints, other: &FieldFingerprints) -> Option<bool> {
    match (identity(tag, one), identity(tag, other)) {
        (Some(one), Some(other)) => Some(one == other),
        _ => Some(one.field(tag)? == other.field(tag)?),
    }
}

/// A fingerprint of a field that is the same for the same value.
fn value(tag: FieldTag, of: &FieldFingerprints) -> Option<u128> {
    identity(tag, of).or_else(|| of.field(tag).map(u128::from))
}

fn identity(tag: FieldTag, of: &FieldFingerprints) -> Option<u128> {
    let mut identity = of.identity().filter(|(it, _)| *it == tag);
    identity.next().map(|(_, value)| value)
}

#[cfg(test)]
#[path = "other_keys_tests.rs"]
mod tests;

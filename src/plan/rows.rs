//! What is kept in memory of each row of the feed: a few words.

mod accounts;
mod counts;
mod marks;
mod numbers;
mod state;

use std::collections::{BTreeMap, HashMap, HashSet};

use self::accounts::OfOtherKey;
use self::numbers::RowNumbers;
use crate::mapping::{Bound, Duplicates, Fault, FieldTag};
use crate::model::{Action, BeforeGroups, DuplicateFate, RowNumber, Rule};
use crate::plan::detail::{Details, RowDetail};
use crate::validate::unique::{Comparison, Found as InFeed, Index, Keys, Loser, RowIndex, Values};

pub use self::state::RowState;

/// The rows of a feed after the first pass.
#[derive(Debug)]
pub struct RowTable {
    numbers: RowNumbers,
    states: Vec<RowState>,
    /// Empty unless a comparison with people is wanted.
    fingerprints: Vec<u128>,
    /// The same as releases without a secret made them; empty unless people are
    /// known by such.
    unkeyed: Vec<u128>,
    /// Index into `distinct_shapes`.
    shapes: Vec<u16>,
    distinct_shapes: Vec<u64>,
    comparison: Comparison,
    /// What must be unique, as long as rows come: the external ID first, then the mapping's
    /// other unique fields.
    values: Vec<Values>,
    /// The same, once there are no more.
    indices: Vec<Index>,
    losers: Vec<(usize, Loser)>,
    /// What the comparison with people found wrong.
    faults: BTreeMap<RowIndex, Rule>,
    /// The person that the target showed for a row: a hash of its id there.
    seen_ids: HashMap<RowIndex, u64>,
    /// The people without an external ID that could be a row's person.
    adoptable: HashMap<RowIndex, Adoptable>,
    /// Rows that await nothing but their groups in the run that is being resumed.
    awaiting_groups: HashMap<RowIndex, BeforeGroups>,
    /// Rows whose people the mapping protects.
    protected: HashSet<RowIndex>,
    /// What sending each row does; empty where the mapping has no such field.
    effects: Vec<u8>,
    pub(super) active: Option<FieldTag>,
    /// Unchanged rows whose people lack fingerprints in the journal.
    to_fingerprint: Vec<RowIndex>,
    details: Details,
    /// Accounts of new rows that another API key knew, by the LMS's id.
    of_other_key: HashMap<Box<str>, OfOtherKey>,
    /// Accounts that another key knew by the external ID of a row, and that are
    /// somebody else's: hashes of their ids on the LMS.
    of_others: HashSet<(RowIndex, u64)>,
}

/// How many others are kept who could be one person as well.
const MAX_OTHERS: usize = 99;

/// A person on the target without an external ID.
#[derive(Debug)]
struct Adoptable {
    /// The target's name for the person.
    handle: String,
    /// A hash of the value in small letters: only case may differ from the
    /// row's.
    case_hash: u64,
    /// A hash of the id there.
    remote: u64,
    /// The same of others who could be the person as well.
    others: Vec<u64>,
}

impl Adoptable {
    /// How many there are.
    fn people(&self) -> u32 {
        u32::try_from(self.others.len()).map_or(u32::MAX, |others| others.saturating_add(1))
    }
}

/// The rows of one batch, column by column.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The file of all of them, as [`RowNumber::file`] has it.
    pub(super) file: u16,
    pub(super) numbers: Vec<u32>,
    pub(super) rejected: Vec<bool>,
    pub(super) fingerprints: Vec<u128>,
    pub(super) unkeyed: Vec<u128>,
    /// Positions in the batch of protected people.
    pub(super) protected: Vec<usize>,
    pub(super) effects: Vec<u8>,
    pub(super) shapes: Vec<u64>,
    /// By unique field.
    pub(super) keys: Vec<Keys>,
}

impl Batch {
    /// Makes room for that number of rows.
    pub(super) fn reserve(&mut self, rows: usize, fingerprints: bool) {
        self.numbers.reserve(rows);
        self.rejected.reserve(rows);
        if fingerprints {
            self.fingerprints.reserve(rows);
            self.shapes.reserve(rows);
        }
    }
}

/// The shape of rows beyond a full table of shapes: equal to no other.
const NO_SHAPE: u16 = u16::MAX;

impl RowTable {
    pub(super) fn new(
        unique_fields: usize,
        comparison: Comparison,
        expected: usize,
        fingerprints: bool,
    ) -> Self {
        let with_fingerprints = if fingerprints { expected } else { 0 };
        Self {
            numbers: RowNumbers::with_capacity(expected),
            states: Vec::with_capacity(expected),
            fingerprints: Vec::with_capacity(with_fingerprints),
            unkeyed: Vec::new(),
            shapes: Vec::with_capacity(with_fingerprints),
            distinct_shapes: Vec::new(),
            comparison,
            values: (0..unique_fields)
                .map(|_| Values::with_capacity(expected))
                .collect(),
            indices: Vec::new(),
            losers: Vec::new(),
            faults: BTreeMap::new(),
            seen_ids: HashMap::new(),
            adoptable: HashMap::new(),
            awaiting_groups: HashMap::new(),
            protected: HashSet::new(),
            effects: Vec::new(),
            active: None,
            to_fingerprint: Vec::new(),
            details: Details::default(),
            of_other_key: HashMap::new(),
            of_others: HashSet::new(),
        }
    }

    pub(super) fn extend(&mut self, batch: Batch) {
        let from = self.numbers.len();
        let at = |row: usize| RowIndex::try_from(from + row).unwrap_or(RowIndex::MAX);
        self.protected.extend(batch.protected.into_iter().map(at));
        self.unkeyed.extend_from_slice(&batch.unkeyed);
        self.effects.extend_from_slice(&batch.effects);
        self.numbers.extend(batch.file, &batch.numbers);
        self.states
            .extend(batch.rejected.iter().map(|rejected| match rejected {
                true => RowState::Rejected,
                false => RowState::New,
            }));
        self.fingerprints.extend_from_slice(&batch.fingerprints);
        for shape in batch.shapes {
            let index = match self
                .distinct_shapes
                .iter()
                .position(|known| *known == shape)
            {
                Some(index) => u16::try_from(index).unwrap_or(NO_SHAPE),
                // Rows of more than a few hundred shapes are not a table: the
                // rest is sent without a comparison.
                None if self.distinct_shapes.len() >= 512 => NO_SHAPE,
                None => {
                    self.distinct_shapes.push(shape);
                    u16::try_from(self.distinct_shapes.len() - 1).unwrap_or(NO_SHAPE)
                }
            };
            self.shapes.push(index);
        }
        for (values, keys) in self.values.iter_mut().zip(batch.keys) {
            values.extend(&keys);
        }
    }

    /// After the last row: applies the policy for values that appear more than once. Of the
    /// rows of one person those that lose are left out, and have a part in nothing else.
    pub(super) fn settle_duplicates(&mut self, policy: Duplicates) {
        let values = std::mem::take(&mut self.values);
        self.indices = values.into_iter().map(Values::index).collect();
        let mut left_out = HashSet::new();
        for (field, index) in self.indices.iter_mut().enumerate() {
            let losers = index.losers(policy, |row| !left_out.contains(&row));
            for loser in losers {
                // The external ID is the first.
                if field == 0 && loser.other_wins {
                    left_out.insert(loser.row);
                    let state = self.states.get_mut(loser.row as usize);
                    if let Some(state) = state.filter(|it| **it == RowState::New) {
                        *state = RowState::Superseded;
                        continue;
                    }
                }
                self.losers.push((field, loser));
            }
        }
        self.losers
            .sort_by_key(|(field, loser)| (loser.row, *field));
        for (_, loser) in &self.losers {
            self.states[loser.row as usize] = RowState::Rejected;
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.numbers.len() == 0
    }

    /// The state of a row.
    pub fn state(&self, row: RowIndex) -> RowState {
        self.states
            .get(row as usize)
            .copied()
            .unwrap_or(RowState::Rejected)
    }

    /// Where a row is.
    pub fn number(&self, row: RowIndex) -> RowNumber {
        self.numbers.get(row as usize).unwrap_or_default()
    }

    /// The fingerprint of a row's person.
    pub fn fingerprint(&self, row: RowIndex) -> u128 {
        self.fingerprints.get(row as usize).copied().unwrap_or(0)
    }

    /// Why a row is not sent, apart from its own faults: positions in [`Unique::fields`](crate::mapping::Unique) and rules.
    pub fn faults(&self, row: RowIndex) -> impl Iterator<Item = (Option<usize>, Rule)> {
        let from = self.losers.partition_point(|(_, loser)| loser.row < row);
        self.losers[from..]
            .iter()
            .take_while(move |(_, loser)| loser.row == row)
            .map(|(field, loser)| (Some(*field), self.rule(loser)))
            .chain(self.faults.get(&row).map(|rule| (None, rule.clone())))
    }

    /// The rows that lose to another, or were rejected by the comparison with
    /// people.
    pub fn rejected_by_others(&self) -> impl Iterator<Item = RowIndex> {
        let mut rows: Vec<_> = self
            .losers
            .iter()
            .map(|(_, loser)| loser.row)
            .chain(self.faults.keys().copied())
            .collect();
        rows.sort_unstable();
        rows.dedup();
        rows.into_iter()
    }

    /// What the comparison with people and groups found wrong, in the order of the
    /// feed.
    pub fn later_faults(&self) -> impl Iterator<Item = (RowIndex, (Option<usize>, Rule))> {
        let faults = self.faults.iter();
        // These the scan itself found.
        let faults = faults.filter(|(_, rule)| !matches!(rule, Rule::TooFewCells { .. }));
        faults.map(|(row, rule)| (*row, (None, rule.clone())))
    }

    fn rule(&self, loser: &Loser) -> Rule {
        Rule::Duplicate {
            other: self.number(loser.other),
            variant: loser.variant,
            fate: if loser.other_wins {
                DuplicateFate::OtherWins
            } else {
                DuplicateFate::AllRejected
            },
        }
    }

    /// The run that is being resumed has an intent for this row and no outcome.
    pub fn mark_unknown(&mut self, row: RowIndex, action: Action) {
        if self.state(row) == RowState::New {
            self.states[row as usize] = match action {
                Action::Create => RowState::UnknownCreate,
                Action::Adopt => RowState::UnknownAdopt,
                Action::Rekey => RowState::UnknownRekey,
                Action::Update | Action::Deactivate | Action::Delete | Action::Set => {
                    RowState::UnknownUpdate
                }
            };
        }
    }

    /// Nothing is sent for this row, and it is recorded why.
    pub fn mark_not_done(&mut self, row: RowIndex) {
        self.states[row as usize] = RowState::NotDone;
    }

    /// The run that is being resumed has done what this row says.
    pub fn mark_settled(&mut self, row: RowIndex) {
        self.states[row as usize] = RowState::Settled;
    }

    /// Notes that the scope knows a person, and as what. Returns the row that names
    /// the person, if the feed has one.
    pub fn note_known(&mut self, external_id: &str, known: KnownAs) -> Option<RowIndex> {
        let InFeed { row, is_spelled } = self.find(external_id)?;
        if self.state(row) != RowState::New {
            return Some(row);
        }
        if !is_spelled {
            // Whether it is the same person is found out by more than the ID.
            self.detail_mut(row).variant_of = Some(external_id.into());
            return None;
        }
        let is_same = match known {
            KnownAs::Acknowledged(fingerprint) => fingerprint == self.fingerprint(row),
            KnownAs::AcknowledgedUnkeyed(fingerprint) => {
                self.unkeyed.get(row as usize) == Some(&fingerprint)
            }
            KnownAs::There => false,
            KnownAs::SeveralPeople => {
                self.reject(row, Rule::AmbiguousOnTarget { people: 2 });
                return Some(row);
            }
        };
        self.states[row as usize] = if is_same {
            RowState::Unchanged
        } else {
            RowState::Changed
        };
        Some(row)
    }

    /// Holds back the row of a person that an interrupted run may have created.
    /// Returns the row, if the feed has one that would be sent.
    pub fn hold_back(&mut self, external_id: &str) -> Option<RowNumber> {
        let InFeed { row, is_spelled } = self.find(external_id)?;
        if self.state(row) != RowState::New || !is_spelled {
            return None;
        }
        self.mark_not_done(row);
        Some(self.number(row))
    }

    /// Whether a list has shown the person of a row that is not under way.
    #[must_use]
    pub fn is_listed(&self, row: RowIndex) -> bool {
        self.seen_ids.contains_key(&row)
    }

    /// Notes that the target has a person with this external ID. `fingerprint`
    /// computes the fingerprint of the person's fields on the target that are among
    /// the bits of a shape, if all of them can be compared.
    ///
    /// Returns what the journal should remember, if anything.
    pub fn note_found(
        &mut self,
        external_id: &str,
        remote_id: &str,
        fingerprint: impl FnOnce(u64) -> Option<u128>,
    ) -> Option<Found> {
        let InFeed { row, is_spelled } = self.find(external_id)?;
        let state = self.state(row);
        if !is_spelled {
            if state != RowState::New {
                return None;
            }
            let detail = self.detail_mut(row);
            if detail.variant_of.is_some() {
                return None;
            }
            // As for somebody known.
            detail.variant_of = Some(external_id.into());
            return Some(Found::Variant);
        }
        if !matches!(
            state,
            RowState::New | RowState::Changed | RowState::Unchanged
        ) {
            return None;
        }
        let remote = hash(remote_id);
        match self.seen_ids.insert(row, remote) {
            // Pages overlap: the same person again.
            Some(before) if before == remote => return None,
            Some(_) => {
                self.reject(row, Rule::AmbiguousOnTarget { people: 2 });
                return Some(Found::Several);
            }
            None => {}
        }
        if state != RowState::New {
            return None;
        }
        let shape = self
            .shapes
            .get(row as usize)
            .and_then(|shape| self.distinct_shapes.get(*shape as usize));
        let same = shape.and_then(|shape| fingerprint(*shape)) == Some(self.fingerprint(row));
        self.mark_present(row, same);
        Some(if same {
            Found::Same(row)
        } else {
            Found::Differs
        })
    }

    /// Notes that a look-up found this row's person, and whether the person is as
    /// the feed says.
    pub fn mark_present(&mut self, row: RowIndex, same: bool) {
        if self.state(row) == RowState::New {
            self.states[row as usize] = if same {
                RowState::Unchanged
            } else {
                RowState::Changed
            };
        }
    }

    /// Notes that the target has a person without an external ID whose `field` (a
    /// position in the unique fields) is `value`. Returns whether a row has that value.
    pub fn note_candidate(
        &mut self,
        field: usize,
        value: &str,
        remote_id: &str,
        handle: String,
    ) -> bool {
        let key = self.comparison.key(value);
        let found = self.indices.get(field).and_then(|index| index.find(key));
        let Some(InFeed { row, .. }) = found else {
            return false;
        };
        let remote = hash(remote_id);
        match self.adoptable.get_mut(&row) {
            // Pages overlap, and lists are read twice: the same person again.
            Some(known) if known.remote == remote || known.others.contains(&remote) => {}
            Some(known) if known.others.len() < MAX_OTHERS => known.others.push(remote),
            Some(_) => {}
            None => {
                let known = Adoptable {
                    handle,
                    case_hash: case_hash(value),
                    remote,
                    others: Vec::new(),
                };
                self.adoptable.insert(row, known);
            }
        }
        true
    }

    /// Settles, after everybody was seen, who is to be adopted: where no person has
    /// the external ID, and exactly one without any could be it.
    pub fn adopt(&mut self) {
        let mut rows: Vec<_> = self.adoptable.keys().copied().collect();
        rows.sort_unstable();
        for row in rows {
            // The account is known by its id.
            let has_account = |detail: &RowDetail| detail.account.is_some();
            if self.detail(row).is_some_and(has_account) {
                self.adoptable.remove(&row);
                continue;
            }
            let found = self.adoptable.get(&row);
            // The login of a row can be made from the external ID.
            if found.is_some_and(|it| self.of_others.contains(&(row, it.remote))) {
                self.adoptable.remove(&row);
                continue;
            }
            let people = found.map_or(0, Adoptable::people);
            match (self.state(row), people) {
                (RowState::New, 1) => self.states[row as usize] = RowState::Adopt,
                // The external ID is looked up first.
                (RowState::UnknownCreate | RowState::UnknownAdopt, 1) => {}
                (RowState::New | RowState::UnknownCreate | RowState::UnknownAdopt, people) => {
                    self.reject(row, Rule::AdoptAmbiguous { people });
                }
                _ => {
                    self.adoptable.remove(&row);
                }
            }
        }
    }

    /// The target's name for the person to adopt for a row, whose own value is
    /// `value`.
    ///
    /// # Errors
    /// The two values differ in more than case: it could be another person.
    pub fn adopted(&self, row: RowIndex, value: &str) -> Result<Option<&str>, Rule> {
        match self.adoptable.get(&row) {
            Some(known) if known.case_hash != case_hash(value) => Err(Rule::AdoptVariant),
            known => Ok(known.map(|known| known.handle.as_str())),
        }
    }

    /// The run that is being resumed has done all for this row but its groups.
    pub fn await_groups(&mut self, row: RowIndex, done: BeforeGroups) {
        self.awaiting_groups.insert(row, done);
    }

    /// What the run that is being resumed has done for this row, if only the
    /// groups are left.
    pub fn before_groups(&self, row: RowIndex) -> Option<BeforeGroups> {
        self.awaiting_groups.get(&row).copied()
    }

    /// Rejects the rows that name a group which is not there.
    pub fn no_such_group(&mut self, group: &str, rows: &[RowIndex]) {
        for &row in rows {
            if self.state(row).needs_groups() {
                let group = group.into();
                self.reject(row, Rule::NoSuchGroup { group });
            }
        }
    }

    /// Rejects a row because of what is known of people.
    pub fn reject(&mut self, row: RowIndex, rule: Rule) {
        self.states[row as usize] = RowState::Rejected;
        self.faults.insert(row, rule);
    }

    fn find(&self, external_id: &str) -> Option<InFeed> {
        self.indices.first()?.find(self.comparison.key(external_id))
    }
}

fn case_hash(value: &str) -> u64 {
    hash(&value.to_lowercase())
}

fn hash(text: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(text.as_bytes())
}

/// What the journal knows about a person of the scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownAs {
    /// The target acknowledged content with this fingerprint.
    Acknowledged(u128),
    /// The same, with a fingerprint of a release without a secret.
    AcknowledgedUnkeyed(u128),
    /// The person is there, with whatever content.
    There,
    /// More than one person has the external ID.
    SeveralPeople,
}

/// What a person on the target, who was not in the journal, means for a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The person of this row, as the feed says.
    Same(RowIndex),
    /// The person of a row, but with other content.
    Differs,
    /// A second person with the external ID of a row.
    Several,
    /// A person whose external ID differs from that of a row in case or spaces.
    Variant,
}

/// The fault for a rule that was broken in a comparison with other rows, people
/// or groups.
pub(super) fn fault(bound: &Bound<'_>, (field, rule): (Option<usize>, Rule)) -> Fault {
    let mapping = bound.mapping();
    let unique = |position: usize| mapping.unique.fields.get(position).copied();
    Fault {
        field: match &rule {
            Rule::CutOff
            | Rule::TooFewCells { .. }
            | Rule::Undecided { .. }
            | Rule::NotUndone { .. } => None,
            Rule::NoSuchGroup { .. } => bound.groups(),
            Rule::AdoptAmbiguous { .. } | Rule::AdoptVariant => mapping.adopt.and_then(unique),
            Rule::LoginTaken { .. } => mapping.position(mapping.target.system.spec().login),
            _ => unique(field.unwrap_or(0)),
        },
        rule,
        value: None,
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;

//! Uniqueness over the whole feed: which other rows have this external ID or
//! login.
//!
//! The target does not check it, so hrfeed must, over a million rows in tens
//! of megabytes. What is kept of a value is 80 bits of a hash, with a seed of
//! its own for each run: with ten million people the chance that any two different
//! values share them is below 10⁻¹⁰, so equal bits count as equal values.
//!
//! The first eight of them choose one of [`PARTS`] lists, so that they need no room. The
//! lists are sorted once all rows are known, each in the cache of a core, and on all cores.

use std::collections::HashMap;

use rayon::prelude::*;
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

use super::small::Small;
use crate::mapping::{Duplicates, Variants, fold};

/// The position of a row among the rows of a feed, from 0.
pub type RowIndex = u32;

/// How values are compared.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    seed: u64,
    variants: Variants,
}

/// A value that must be unique, as it is kept: a hash that is equal for values that count
/// as one, and behind it one of how it is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(u128);

/// No value: the chance that one is kept like that is 2⁻¹²⁸.
const NONE: Key = Key(0);

/// How many bits of a key say how it is spelled.
const SPELLING: u32 = 24;
/// How many bits of an entry are its row.
const ROW: u32 = RowIndex::BITS;
/// The lists into which keys are parted by their first bits.
const PARTS: usize = 256;
const PART: u32 = PARTS.trailing_zeros();

impl Key {
    fn new(hash: u128, spelling: u128) -> Self {
        Self(hash >> SPELLING << SPELLING | low(spelling, SPELLING))
    }

    /// Equal for values that count as one, however they are spelled.
    pub const fn hash(self) -> u128 {
        self.0 >> SPELLING
    }

    /// Of which part it is.
    const fn part(self) -> usize {
        (self.0 >> (u128::BITS - PART)) as usize
    }

    /// The entry of a row in that part.
    const fn of_row(self, row: RowIndex) -> Entry {
        let hash = self.0 << PART >> (ROW + SPELLING);
        Entry((hash << ROW | row as u128) << SPELLING | low(self.0, SPELLING))
    }
}

const fn low(bits: u128, count: u32) -> u128 {
    bits & ((1 << count) - 1)
}

/// A value of a row in its part. In their order, equal values are side by side, and their
/// rows in the order of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry(u128);

impl Entry {
    /// What tells nearly all entries apart, and is compared at once.
    const fn first_bits(self) -> u64 {
        (self.0 >> u64::BITS) as u64
    }

    /// What equal values have in common.
    const fn hash(self) -> u128 {
        self.0 >> (ROW + SPELLING)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the bits of a row")]
    const fn row(self) -> RowIndex {
        (self.0 >> SPELLING) as RowIndex
    }

    const fn spelling(self) -> u128 {
        low(self.0, SPELLING)
    }
}

impl Comparison {
    /// A comparison with a seed of its own.
    pub fn new(seed: u64, variants: Variants) -> Self {
        Self { seed, variants }
    }

    /// What is kept of `text`.
    pub fn key(self, text: &str) -> Key {
        let hash = |text: &[u8]| xxh3_128_with_seed(text, self.seed);
        if self.variants == Variants::Distinct {
            let hash = hash(text.as_bytes());
            return Key::new(hash, hash);
        }
        // Which way a text is folded follows from the text alone, so one text has one spelling.
        if let Some(Small { bytes, capitals }) = Small::of(text) {
            let hash = hash(bytes.get(..text.len()).unwrap_or_default());
            return Key::new(hash, hash ^ spelled(capitals));
        }
        let spelling = xxh3_64_with_seed(text.as_bytes(), self.seed);
        Key::new(hash(fold(text).as_bytes()), spelling.into())
    }
}

/// Which letters are capitals, in the lowest bits of a spelling.
fn spelled(capitals: u64) -> u128 {
    // Multiplied, every bit has a say in the highest.
    (capitals.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - SPELLING)).into()
}

/// The values of one field in some rows, as they are kept.
#[derive(Debug, Default)]
pub struct Keys(Vec<Key>);

impl Keys {
    /// No values yet, and room for `rows`.
    pub fn with_capacity(rows: usize) -> Self {
        Self(Vec::with_capacity(rows))
    }

    /// Adds the value of the next row.
    pub fn push(&mut self, key: Option<Key>) {
        self.0.push(key.unwrap_or(NONE));
    }
}

impl FromIterator<Option<Key>> for Keys {
    fn from_iter<I: IntoIterator<Item = Option<Key>>>(keys: I) -> Self {
        let mut all = Self::default();
        keys.into_iter().for_each(|key| all.push(key));
        all
    }
}

/// The values of one field over the feed, as long as rows come.
#[derive(Debug)]
pub struct Values {
    parts: Vec<Vec<Entry>>,
    rows: RowIndex,
}

impl Values {
    /// No values yet, and room for about `rows`.
    pub fn with_capacity(rows: usize) -> Self {
        // Parts differ in length by chance.
        let of_part = rows / PARTS + rows.isqrt() / 8;
        Self {
            parts: (0..PARTS).map(|_| Vec::with_capacity(of_part)).collect(),
            rows: 0,
        }
    }

    /// Adds the values of the next rows, in their order.
    pub fn extend(&mut self, keys: &Keys) {
        for (row, &key) in (self.rows..).zip(&keys.0) {
            if key == NONE {
                continue;
            }
            let part = &mut self.parts[key.part()];
            if part.len() == part.capacity() {
                // To double it would cost twice the room where a few more come than expected.
                part.reserve_exact(part.len() / 8 + 8);
            }
            part.push(key.of_row(row));
        }
        // The feed refuses a file of more lines than a row number has.
        let rows = RowIndex::try_from(keys.0.len()).unwrap_or(RowIndex::MAX);
        self.rows = self.rows.saturating_add(rows);
    }

    /// All of them, once there are no more.
    pub fn index(mut self) -> Index {
        let parts = self.parts.par_iter_mut();
        parts.for_each_init(Sorter::default, |sorter, part| sorter.sort(part));
        Index {
            parts: self.parts,
            winners: HashMap::new(),
        }
    }
}

/// Sorts the entries of parts, one after the other.
///
/// Hashes are spread evenly, so that the first bits say nearly where each entry belongs, and
/// few are compared at all.
#[derive(Debug, Default)]
struct Sorter {
    unsorted: Vec<Entry>,
    /// For each beginning of a hash the place of the next entry that has it.
    places: Vec<usize>,
}

impl Sorter {
    fn sort(&mut self, part: &mut [Entry]) {
        let Some(bits) = part.len().checked_ilog2().map(|bits| bits + 1) else {
            return;
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "fewer bits than a place has"
        )]
        let beginning = |entry: &Entry| (entry.first_bits() >> (u64::BITS - bits)) as usize;
        self.unsorted.clear();
        self.unsorted.extend_from_slice(part);
        self.places.clear();
        self.places.resize(1 << bits, 0);
        for entry in &self.unsorted {
            self.places[beginning(entry)] += 1;
        }
        let mut before = 0;
        for place in &mut self.places {
            before += std::mem::replace(place, before);
        }
        for entry in &self.unsorted {
            let place = &mut self.places[beginning(entry)];
            part[*place] = *entry;
            *place += 1;
        }
        // Each place is the one behind the last entry now.
        let mut rest = part;
        let mut start = 0;
        for end in &self.places {
            let (same, behind) = rest.split_at_mut(end - start);
            if same.len() > 1 {
                same.sort_unstable();
            }
            (rest, start) = (behind, *end);
        }
    }
}

/// The values of one field over the feed.
#[derive(Debug)]
pub struct Index {
    /// Each of them sorted.
    parts: Vec<Vec<Entry>>,
    /// The row that wins, for a group whose first row does not.
    winners: HashMap<RowIndex, RowIndex>,
}

/// A row that has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The row: of several the one that wins, once [`Index::losers`] was asked, else the
    /// first.
    pub row: RowIndex,
    /// Whether the row spells the value just so.
    pub is_spelled: bool,
}

impl Index {
    /// The row that has this value.
    pub fn find(&self, key: Key) -> Option<Found> {
        let wanted = key.of_row(0);
        let part = self.parts.get(key.part())?;
        let from = first_of(part, wanted.hash());
        let of_value = part[from..].chunk_by(|one, other| one.hash() == other.hash());
        let of_value = of_value.take(1).flatten();
        let mut of_value = of_value.take_while(|entry| entry.hash() == wanted.hash());
        let first = of_value.next()?;
        let entry = match self.winners.get(&first.row()) {
            Some(row) => of_value.find(|entry| entry.row() == *row)?,
            None => first,
        };
        Some(Found {
            row: entry.row(),
            is_spelled: entry.spelling() == wanted.spelling(),
        })
    }

    /// Rows that lose by the policy, each with the other row of its finding, in
    /// the order of the feed. Rows that do not `count` neither win nor lose.
    pub fn losers(&mut self, policy: Duplicates, counts: impl Fn(RowIndex) -> bool) -> Vec<Loser> {
        let is_same = |one: &Entry, other: &Entry| one.hash() == other.hash();
        let parts = self.parts.par_iter();
        let groups = parts.flat_map_iter(|part| part.chunk_by(is_same).filter(|it| it.len() > 1));
        let groups: Vec<&[Entry]> = groups.collect();
        let mut losers = Vec::new();
        for group in groups {
            let found = group[0].row();
            let entries: Vec<_> = group.iter().filter(|it| counts(it.row())).collect();
            let (Some(&first), Some(&last)) = (entries.first(), entries.last()) else {
                continue;
            };
            let winner = match policy {
                Duplicates::Reject => None,
                Duplicates::First => Some(first),
                Duplicates::Last => Some(last),
            };
            let named = winner.unwrap_or(first);
            if named.row() != found {
                self.winners.insert(found, named.row());
            }
            let Some(&second) = entries.get(1) else {
                continue;
            };
            for entry in entries.into_iter().filter(|it| Some(*it) != winner) {
                let other = if entry == named { second } else { named };
                losers.push(Loser {
                    row: entry.row(),
                    other: other.row(),
                    variant: entry.spelling() != other.spelling(),
                    other_wins: winner.is_some(),
                });
            }
        }
        losers.sort_unstable_by_key(|loser| loser.row);
        losers
    }
}

/// The place of the first entry with this hash, or of the one that would be behind it.
///
/// Hashes are spread evenly, so a guess is near: a binary search would miss the cache of the
/// core at nearly every step.
fn first_of(part: &[Entry], hash: u128) -> usize {
    const HASH: u32 = u128::BITS - ROW - SPELLING;
    // Of the hash, what remains below this is not needed for a guess.
    const FINE: u32 = HASH - 32;
    let guess = ((hash >> FINE) * part.len() as u128) >> 32;
    let guess = usize::try_from(guess).unwrap_or(0);
    let is_before = |at: usize| part.get(at).is_some_and(|entry| entry.hash() < hash);
    let (mut from, mut to, mut step) = (guess, guess, 16);
    while from > 0 && !is_before(from) {
        from = from.saturating_sub(step);
        step *= 2;
    }
    step = 16;
    while is_before(to) {
        to = (to + step).min(part.len());
        step *= 2;
    }
    let near = part.get(from..to).unwrap_or_default();
    from + near.partition_point(|entry| entry.hash() < hash)
}

/// A row that shares a value which must be unique, and is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loser {
    /// The row.
    pub row: RowIndex,
    /// The other row, which the finding names.
    pub other: RowIndex,
    /// They differ in case or white space.
    pub variant: bool,
    /// The other row is sent.
    pub other_wins: bool,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn losers(values: &[&str], policy: Duplicates, variants: Variants) -> Vec<(u32, u32, bool)> {
        let comparison = Comparison::new(7, variants);
        let mut all = Values::with_capacity(0);
        let keys = values
            .iter()
            .map(|value| (!value.is_empty()).then(|| comparison.key(value)));
        all.extend(&keys.collect());
        all.index()
            .losers(policy, |_| true)
            .iter()
            .map(|loser| (loser.row, loser.other, loser.variant))
            .collect()
    }

    #[test]
    fn of_two_rows_with_one_value_neither_wins_and_each_names_the_other() {
        let same = Variants::Same;
        assert_eq!(
            losers(&["a", "b", "a"], Duplicates::Reject, same),
            [(0, 2, false), (2, 0, false)]
        );
        assert_eq!(
            losers(&["a", "a", "a"], Duplicates::Reject, same),
            [(0, 1, false), (1, 0, false), (2, 0, false)]
        );
    }

    #[test]
    fn the_first_or_the_last_wins_where_the_mapping_says_so() {
        let same = Variants::Same;
        assert_eq!(
            losers(&["a", "b", "a", "a"], Duplicates::First, same),
            [(2, 0, false), (3, 0, false)]
        );
        assert_eq!(
            losers(&["a", "b", "a", "a"], Duplicates::Last, same),
            [(0, 3, false), (2, 3, false)]
        );
    }

    #[test]
    fn variants_in_case_or_white_space_are_one_unless_the_mapping_says_otherwise() {
        let values = ["E7", "e7", "E 7", "É", "é"];
        assert_eq!(losers(&values, Duplicates::Reject, Variants::Distinct), []);
        assert_eq!(
            losers(&values, Duplicates::Reject, Variants::Same),
            [
                (0, 1, true),
                (1, 0, true),
                (2, 0, true),
                (3, 4, true),
                (4, 3, true)
            ]
        );
    }

    #[test]
    fn a_row_that_does_not_count_neither_wins_nor_loses() {
        let comparison = Comparison::new(7, Variants::Same);
        let lose = |policy, out: &[u32]| {
            let mut all = Values::with_capacity(0);
            all.extend(
                &["a", "a", "a"]
                    .map(|it| Some(comparison.key(it)))
                    .into_iter()
                    .collect(),
            );
            let mut index = all.index();
            let losers = index.losers(policy, |row| !out.contains(&row));
            let losers: Vec<_> = losers.iter().map(|it| (it.row, it.other)).collect();
            (losers, index.find(comparison.key("a")).map(|it| it.row))
        };
        assert_eq!(lose(Duplicates::Last, &[2]), (vec![(0, 1)], Some(1)));
        assert_eq!(lose(Duplicates::First, &[0]), (vec![(2, 1)], Some(1)));
        assert_eq!(
            lose(Duplicates::Reject, &[0]),
            (vec![(1, 2), (2, 1)], Some(1))
        );
        assert_eq!(lose(Duplicates::Reject, &[0, 1]), (vec![], Some(2)));
    }

    #[test]
    fn rows_without_a_value_do_not_clash() {
        assert_eq!(
            losers(&["", "", "a", ""], Duplicates::Reject, Variants::Same),
            []
        );
    }

    proptest! {
        #[test]
        fn entries_are_sorted_however_hashes_are_spread(
            entries in prop::collection::vec(
                prop_oneof![0..9_u128, any::<u128>(), u128::MAX - 9..u128::MAX, Just(1 << 90)],
                0..300,
            ),
        ) {
            let mut entries: Vec<_> = entries.into_iter().map(Entry).collect();
            let mut expected = entries.clone();
            expected.sort_unstable();
            Sorter::default().sort(&mut entries);
            prop_assert_eq!(entries, expected);
        }

        #[test]
        fn each_value_is_found_in_its_first_row_and_no_other_value_is(
            values in prop::collection::vec("[a-dA-B]{0,4}", 0..300),
        ) {
            let comparison = Comparison::new(11, Variants::Same);
            let mut all = Values::with_capacity(values.len() / 2);
            all.extend(&values.iter().map(|value| (!value.is_empty()).then(|| comparison.key(value))).collect());
            let index = all.index();
            let find = |value: &str| index.find(comparison.key(value));
            for value in values.iter().filter(|value| !value.is_empty()) {
                let first = values.iter().position(|it| fold(it) == fold(value)).unwrap();
                let is_spelled = values[first] == *value;
                prop_assert_eq!(find(value), Some(Found { row: u32::try_from(first).unwrap(), is_spelled }));
            }
            for other in ["x", "", "aaaaa"] {
                prop_assert_eq!(find(other), None);
            }
        }

        #[test]
        fn the_first_entry_is_found_however_hashes_are_spread(
            mut hashes in prop::collection::vec(prop_oneof![0..9_u128, 0..1_u128 << 72, (1_u128 << 72) - 9..1_u128 << 72], 0..200),
            other in 0..1_u128 << 72,
        ) {
            hashes.sort_unstable();
            let part: Vec<_> = hashes.iter().map(|hash| Entry(hash << (ROW + SPELLING))).collect();
            for hash in hashes.iter().copied().chain([other]) {
                prop_assert_eq!(first_of(&part, hash), hashes.partition_point(|it| *it < hash));
            }
        }

        #[test]
        fn texts_have_one_key_just_where_they_fold_to_one(
            one in "[a-bA-B \\t\u{b}é]{0,70}", other in "[a-bA-B \\t\u{b}é]{0,70}",
        ) {
            let comparison = Comparison::new(5, Variants::Same);
            let hash = |text: &str| comparison.key(text).hash();
            prop_assert_eq!(hash(&one) == hash(&other), fold(&one) == fold(&other));
            let spaced = format!(" {}\u{b}", one.to_uppercase());
            prop_assert_eq!(hash(&one) == hash(&spaced), fold(&one) == fold(&spaced));
        }

        #[test]
        fn exactly_the_rows_of_shared_values_lose(
            values in prop::collection::vec("[ab]{0,2}|[aA] ?[bB]", 0..60),
            cuts in prop::collection::vec(0..60_usize, 0..4),
            policy in prop::sample::select(vec![Duplicates::Reject, Duplicates::First, Duplicates::Last]),
        ) {
            let comparison = Comparison::new(3, Variants::Same);
            let mut all = Values::with_capacity(4);
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(values.len())).collect();
            cuts.sort_unstable();
            cuts.push(values.len());
            let mut from = 0;
            for cut in cuts {
                let keys = values[from..cut].iter().map(|value| (!value.is_empty()).then(|| comparison.key(value)));
                all.extend(&keys.collect());
                from = cut;
            }
            let mut groups: HashMap<String, Vec<u32>> = HashMap::new();
            for (row, value) in values.iter().enumerate().filter(|(_, value)| !value.is_empty()) {
                groups.entry(fold(value)).or_default().push(u32::try_from(row).unwrap());
            }
            let mut expected: Vec<u32> = groups
                .into_values()
                .filter(|rows| rows.len() > 1)
                .flat_map(|rows| {
                    let winner = match policy {
                        Duplicates::Reject => None,
                        Duplicates::First => rows.first().copied(),
                        Duplicates::Last => rows.last().copied(),
                    };
                    rows.into_iter().filter(move |row| Some(*row) != winner)
                })
                .collect();
            expected.sort_unstable();
            let found: Vec<u32> = all.index().losers(policy, |_| true).iter().map(|loser| loser.row).collect();
            prop_assert_eq!(found, expected);
        }
    }
}

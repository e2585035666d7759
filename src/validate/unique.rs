//! Uniqueness over the whole feed: which other rows have this external ID or
//! login.
//!
//! The target does not check it, so hrfeed must, over a million rows in tens
//! of megabytes. What is kept of a value is a hash of 128 bits, with a seed of
//! its own for each run: with ten million people the chance that any two different
//! values share one is below 10⁻²⁴, so equal hashes count as equal
//! values.

use std::collections::HashMap;

use hashbrown::HashTable;
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

use crate::mapping::{Duplicates, Variants, fold};

/// The position of a row among the rows of a feed, from 0.
pub type RowIndex = u32;

/// How values are compared.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    seed: u64,
    variants: Variants,
}

/// A value that must be unique, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Equal for values that count as one.
    pub hash: u128,
    /// Different for values that count as one and are spelled differently.
    pub spelling: u32,
}

impl Comparison {
    /// A comparison with a seed of its own.
    pub fn new(seed: u64, variants: Variants) -> Self {
        Self { seed, variants }
    }

    /// What is kept of `text`.
    #[expect(clippy::cast_possible_truncation, reason = "32 bits of a hash")]
    pub fn key(self, text: &str) -> Key {
        let folded = match self.variants {
            Variants::Same => self.folded(text),
            Variants::Distinct => None,
        };
        if let Some(hash) = folded {
            // Whether folding changes a text follows from the text alone, so one
            // text has one spelling, whichever way it is computed.
            let spelling = xxh3_64_with_seed(text.as_bytes(), self.seed) as u32;
            return Key { hash, spelling };
        }
        let hash = xxh3_128_with_seed(text.as_bytes(), self.seed);
        Key {
            hash,
            spelling: hash as u32,
        }
    }

    /// The hash of the folded text, where folding changes it.
    fn folded(self, text: &str) -> Option<u128> {
        let bytes = text.as_bytes();
        if !text.is_ascii() {
            return Some(xxh3_128_with_seed(fold(text).as_bytes(), self.seed));
        }
        // Most IDs are short and without white space, and this runs for every
        // row.
        let mut short = [0; 64];
        let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
        match short.get_mut(..bytes.len()) {
            Some(folded) if !bytes.iter().any(is_space) => {
                folded.copy_from_slice(bytes);
                folded.make_ascii_lowercase();
                (folded != bytes).then(|| xxh3_128_with_seed(folded, self.seed))
            }
            _ => Some(xxh3_128_with_seed(fold(text).as_bytes(), self.seed)),
        }
    }
}

/// The values of one field in some rows, as they are kept.
#[derive(Debug, Default)]
pub struct Keys {
    /// [`NONE`] where the row has no value.
    hashes: Vec<u128>,
    spellings: Vec<u32>,
}

impl Keys {
    /// No values yet, and room for `rows`.
    pub fn with_capacity(rows: usize) -> Self {
        Self {
            hashes: Vec::with_capacity(rows),
            spellings: Vec::with_capacity(rows),
        }
    }

    /// Adds the value of the next row.
    pub fn push(&mut self, key: Option<Key>) {
        let key = key.unwrap_or(Key {
            hash: NONE,
            spelling: 0,
        });
        self.hashes.push(key.hash);
        self.spellings.push(key.spelling);
    }
}

impl FromIterator<Option<Key>> for Keys {
    fn from_iter<I: IntoIterator<Item = Option<Key>>>(keys: I) -> Self {
        let mut all = Self::default();
        keys.into_iter().for_each(|key| all.push(key));
        all
    }
}

/// The values of one field over the feed.
#[derive(Debug)]
pub struct Index {
    /// By row; 0 where the row has no value.
    keys: Vec<u128>,
    spellings: Vec<u32>,
    first: HashTable<RowIndex>,
    repeats: Vec<(RowIndex, RowIndex)>,
    /// The row that wins, for a group whose first row does not.
    winners: HashMap<RowIndex, RowIndex>,
}

/// No value: the chance that a value hashes to it is 2⁻¹²⁸.
const NONE: u128 = 0;

/// The bits of a hash that the table sees. It takes its bucket from the low
/// bits and its tag from the top 7; the halves of XXH3 are independent, so the
/// low half serves for both.
#[expect(clippy::cast_possible_truncation, reason = "half of a hash")]
const fn bits(hash: u128) -> u64 {
    hash as u64
}

impl Index {
    /// An index for about `rows` rows.
    pub fn with_capacity(rows: usize) -> Self {
        Self {
            keys: Vec::with_capacity(rows),
            spellings: Vec::with_capacity(rows),
            first: HashTable::with_capacity(rows),
            repeats: Vec::new(),
            winners: HashMap::new(),
        }
    }

    /// Adds the values of the next rows, in their order.
    ///
    /// In one tight loop over a batch, so that the cache misses of neighbours
    /// overlap.
    pub fn extend(&mut self, keys: &Keys) {
        let from = self.keys.len();
        self.keys.extend_from_slice(&keys.hashes);
        self.spellings.extend_from_slice(&keys.spellings);
        for row in from..self.keys.len() {
            let hash = self.keys[row];
            if hash == NONE {
                continue;
            }
            // The feed refuses a file of more lines than a row number has.
            #[expect(clippy::cast_possible_truncation, reason = "see above")]
            let row = row as RowIndex;
            let keys = &self.keys;
            let entry = self.first.entry(
                bits(hash),
                |other| keys[*other as usize] == hash,
                |other| bits(keys[*other as usize]),
            );
            match entry {
                hashbrown::hash_table::Entry::Occupied(entry) => {
                    self.repeats.push((*entry.get(), row));
                }
                hashbrown::hash_table::Entry::Vacant(entry) => {
                    entry.insert(row);
                }
            }
        }
    }

    /// The row that has this value: of several the one that wins, once
    /// [`Index::losers`] was asked, else the first.
    pub fn find(&self, key: Key) -> Option<RowIndex> {
        let first = self
            .first
            .find(bits(key.hash), |row| self.keys[*row as usize] == key.hash)?;
        Some(*self.winners.get(first).unwrap_or(first))
    }

    /// Whether the row spells the value just so.
    pub fn is_spelled(&self, row: RowIndex, key: Key) -> bool {
        self.spellings.get(row as usize) == Some(&key.spelling)
    }

    /// Rows that lose by the policy, each with the other row of its finding, in
    /// the order of the feed. Rows that do not `count` neither win nor lose.
    pub fn losers(&mut self, policy: Duplicates, counts: impl Fn(RowIndex) -> bool) -> Vec<Loser> {
        let mut groups = self.repeats.clone();
        groups.sort_unstable();
        let mut losers = Vec::new();
        for group in groups.chunk_by(|one, other| one.0 == other.0) {
            let found = group[0].0;
            let rows = std::iter::once(found).chain(group.iter().map(|(_, row)| *row));
            let rows: Vec<_> = rows.filter(|row| counts(*row)).collect();
            let (Some(&first), Some(&last)) = (rows.first(), rows.last()) else {
                continue;
            };
            let winner = match policy {
                Duplicates::Reject => None,
                Duplicates::First => Some(first),
                Duplicates::Last => Some(last),
            };
            let named = winner.unwrap_or(first);
            if named != found {
                self.winners.insert(found, named);
            }
            let Some(&second) = rows.get(1) else {
                continue;
            };
            for row in rows.into_iter().filter(|row| Some(*row) != winner) {
                let other = if row == named { second } else { named };
                losers.push(Loser {
                    row,
                    other,
                    variant: self.spellings[row as usize] != self.spellings[other as usize],
                    other_wins: winner.is_some(),
                });
            }
        }
        losers.sort_unstable_by_key(|loser| loser.row);
        losers
    }
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
        let mut index = Index::with_capacity(0);
        let keys = values
            .iter()
            .map(|value| (!value.is_empty()).then(|| comparison.key(value)));
        index.extend(&keys.collect());
        index
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
            let mut index = Index::with_capacity(0);
            index.extend(
                &["a", "a", "a"]
                    .map(|it| Some(comparison.key(it)))
                    .into_iter()
                    .collect(),
            );
            let losers = index.losers(policy, |row| !out.contains(&row));
            let losers: Vec<_> = losers.iter().map(|it| (it.row, it.other)).collect();
            (losers, index.find(comparison.key("a")))
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
        fn texts_have_one_key_just_where_they_fold_to_one(
            one in "[a-bA-B \\t\u{b}é]{0,70}", other in "[a-bA-B \\t\u{b}é]{0,70}",
        ) {
            let comparison = Comparison::new(5, Variants::Same);
            let same = comparison.key(&one).hash == comparison.key(&other).hash;
            prop_assert_eq!(same, fold(&one) == fold(&other));
            let spaced = format!(" {}\u{b}", one.to_uppercase());
            prop_assert_eq!(comparison.key(&one).hash == comparison.key(&spaced).hash, fold(&one) == fold(&spaced));
        }

        #[test]
        fn exactly_the_rows_of_shared_values_lose(
            values in prop::collection::vec("[ab]{0,2}|[aA] ?[bB]", 0..60),
            cuts in prop::collection::vec(0..60_usize, 0..4),
            policy in prop::sample::select(vec![Duplicates::Reject, Duplicates::First, Duplicates::Last]),
        ) {
            let comparison = Comparison::new(3, Variants::Same);
            let mut index = Index::with_capacity(4);
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(values.len())).collect();
            cuts.sort_unstable();
            cuts.push(values.len());
            let mut from = 0;
            for cut in cuts {
                let keys = values[from..cut].iter().map(|value| (!value.is_empty()).then(|| comparison.key(value)));
                index.extend(&keys.collect());
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
            let found: Vec<u32> = index.losers(policy, |_| true).iter().map(|loser| loser.row).collect();
            prop_assert_eq!(found, expected);
        }
    }
}

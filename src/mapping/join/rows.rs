//! Rows by their keys: for each person one, in 16 bytes of memory. The rows themselves
//! are in a private file.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use rayon::prelude::*;

use super::keys::{self, folded, is_damaged, shape};
use super::packed::{Packed, Packing};
use super::resolve::{Resolving, Several};
use crate::feed::{FeedError, Store};
use crate::model::RowNumber;

/// A row, by a hash of its key, which it has in common with keys that may mean the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    hash: u64,
    /// Where it is: [`OF_SEVERAL`], or in the store of single rows.
    place: u64,
}

/// The place is among the rows that were made of several.
const OF_SEVERAL: u64 = 1 << 63;

/// How many bytes of rows that were made of several are put away at a time.
const AT_ONCE: usize = 1 << 20;

impl Entry {
    pub(super) fn new(key: &str, place: u64) -> Self {
        Self {
            hash: keys::hash(key),
            place,
        }
    }

    /// The same behind other rows.
    pub(super) const fn behind(self, first: u64) -> Self {
        Self {
            place: first + self.place,
            ..self
        }
    }
}

/// One row for each key.
#[derive(Debug)]
pub(super) struct Rows {
    entries: Vec<Entry>,
    of_one: Store,
    of_several: Store,
    /// A bit for each entry that was asked for.
    met: Vec<AtomicU64>,
    /// Entries whose keys may mean the same as one that was asked for, with their first rows.
    near: Mutex<Near>,
    /// What the first key that was asked for looks like.
    asked: OnceLock<String>,
}

/// Keys that may mean the same as others.
#[derive(Debug, Default)]
struct Near {
    /// They differ in case, white space or leading zeros.
    spelled: BTreeMap<usize, RowNumber>,
    /// One of both is damaged. By the row of the feed.
    damaged: BTreeMap<(RowNumber, usize), RowNumber>,
}

impl Rows {
    /// Makes one row of several that have one key.
    pub(super) fn of(
        mut entries: Vec<Entry>,
        rows: Store,
        of_several: Store,
        resolving: &Resolving<'_>,
    ) -> Result<Self, FeedError> {
        // Rows of one key stay in the order of the file.
        entries.par_sort_unstable_by_key(|entry| (entry.hash, entry.place));
        let has_several = entries.par_windows(2).any(|pair| match pair {
            [one, other] => one.hash == other.hash,
            _ => false,
        });
        let of_several = Mutex::new(of_several);
        if has_several {
            let one_each = entries
                .par_chunk_by(|one, other| one.hash == other.hash)
                .try_fold(Part::default, |mut part, group| {
                    part.add(group, (&rows, &of_several), resolving)?;
                    Ok::<_, FeedError>(part)
                })
                .map(|part| part?.finish(&of_several))
                .collect::<Result<Vec<_>, _>>()?;
            entries = one_each.concat();
        }
        let met = entries.chunks(64).map(|_| AtomicU64::new(0)).collect();
        Ok(Self {
            entries,
            of_one: rows,
            of_several: of_several
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner),
            met,
            near: Mutex::default(),
            asked: OnceLock::new(),
        })
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many keys nobody has asked for.
    pub(super) fn not_met(&self) -> u64 {
        let met = self.met.iter();
        let met = met.map(|bits| u64::from(bits.load(Ordering::Relaxed).count_ones()));
        self.len() as u64 - met.sum::<u64>()
    }

    /// Reads the row with that key into `row`, for row `of` of the feed. Returns whether
    /// there is one.
    pub(super) fn find(
        &self,
        key: &str,
        of: RowNumber,
        row: &mut Vec<u8>,
    ) -> Result<bool, FeedError> {
        self.asked.get_or_init(|| shape(key));
        let hash = keys::hash(key);
        let first = self.entries.partition_point(|entry| entry.hash < hash);
        let alike = self.entries.iter().enumerate().skip(first);
        let mut found = None;
        let mut is_at_hand = false;
        for (at, entry) in alike.take_while(|(_, entry)| entry.hash == hash) {
            read(&self.of_one, &self.of_several, *entry, row)?;
            let Some(packed) = Packed::of(row) else {
                continue;
            };
            is_at_hand = packed.key == key;
            if is_at_hand {
                found = Some(*entry);
                self.meet(at);
            } else if folded(packed.key) == folded(key) {
                self.note_near(at, &packed, (key, of));
            }
        }
        match found {
            Some(entry) if !is_at_hand => read(&self.of_one, &self.of_several, entry, row)?,
            _ => {}
        }
        Ok(found.is_some())
    }

    fn meet(&self, entry: usize) {
        if let Some(bits) = self.met.get(entry / 64) {
            bits.fetch_or(1 << (entry % 64), Ordering::Relaxed);
        }
    }

    fn is_met(&self, entry: usize) -> bool {
        let bits = self.met.get(entry / 64);
        bits.is_some_and(|bits| bits.load(Ordering::Relaxed) >> (entry % 64) & 1 == 1)
    }

    fn note_near(&self, entry: usize, row: &Packed<'_>, (key, of): (&str, RowNumber)) {
        let mut near = self.near.lock().unwrap_or_else(PoisonError::into_inner);
        if is_damaged(key) || is_damaged(row.key) {
            near.damaged.insert((of, entry), row.row);
        } else {
            near.spelled.insert(entry, row.row);
        }
    }

    /// The rows of the feed that a row with a damaged key may be about, each with that row.
    pub(super) fn may_mean(&self) -> Vec<(RowNumber, RowNumber)> {
        let near = self.near.lock().unwrap_or_else(PoisonError::into_inner);
        // What somebody in the feed has is that person's.
        let damaged = near.damaged.iter().filter(|((_, at), _)| !self.is_met(*at));
        damaged.map(|((of, _), row)| (*of, *row)).collect()
    }

    /// The rows of nobody whose keys are those of somebody but for case, white space and
    /// leading zeros.
    pub(super) fn spelled(&self) -> Vec<RowNumber> {
        let near = self.near.lock().unwrap_or_else(PoisonError::into_inner);
        let spelled = near.spelled.iter().filter(|(at, _)| !self.is_met(**at));
        let mut rows: Vec<_> = spelled.map(|(_, row)| *row).collect();
        rows.sort_unstable();
        rows
    }

    /// What the keys that were asked for look like.
    pub(super) fn asked(&self) -> &str {
        self.asked.get().map_or("", String::as_str)
    }

    /// Keeps only the rows that were made of several, or that are doubted.
    pub(super) fn only_of_several(&mut self) {
        self.entries.retain(|entry| entry.place & OF_SEVERAL != 0);
        self.entries.shrink_to_fit();
        self.met.clear();
    }
}

fn read(
    rows: &Store,
    of_several: &Store,
    entry: Entry,
    row: &mut Vec<u8>,
) -> Result<(), FeedError> {
    match entry.place & OF_SEVERAL {
        0 => rows.read(entry.place, row),
        _ => of_several.read(entry.place & !OF_SEVERAL, row),
    }
}

/// Some keys, with one entry each.
#[derive(Debug, Default)]
struct Part {
    entries: Vec<Entry>,
    /// Rows that were made of several and are not put away yet.
    packed: Vec<u8>,
    /// The first entry of one of them: its place is in `packed`.
    waiting: Vec<usize>,
    row: Vec<u8>,
    packing: Packing,
}

impl Part {
    /// Adds all rows whose keys have one hash.
    fn add(
        &mut self,
        group: &[Entry],
        (rows, of_several): (&Store, &Mutex<Store>),
        resolving: &Resolving<'_>,
    ) -> Result<(), FeedError> {
        if let [only] = group {
            self.entries.push(*only);
            return Ok(());
        }
        // Nearly always one.
        let mut keys: Vec<(Entry, u64, Several<'_>)> = Vec::new();
        for entry in group {
            rows.read(entry.place, &mut self.row)?;
            resolving.leave_short(&mut self.row, &mut self.packing);
            let key = Packed::of(&self.row).map(|row| row.key);
            let known = keys.iter().position(|(.., several)| several.key() == key);
            let at = known.unwrap_or(keys.len());
            if known.is_none() {
                keys.push((*entry, 0, resolving.begin()));
            }
            if let Some((_, count, several)) = keys.get_mut(at) {
                *count += 1;
                several.add(&self.row);
            }
        }
        if keys.len() > 1 {
            resolving.doubt(keys.iter_mut().map(|(.., several)| several));
        }
        for (entry, count, several) in keys {
            if count == 1 && !several.is_doubted() {
                self.entries.push(entry);
                continue;
            }
            several.finish(&mut self.packing);
            let place = Store::pack(&mut self.packed, self.packing.bytes());
            self.waiting.push(self.entries.len());
            self.entries.push(Entry { place, ..entry });
        }
        if self.packed.len() > AT_ONCE {
            self.put_away(of_several)?;
        }
        Ok(())
    }

    fn put_away(&mut self, of_several: &Mutex<Store>) -> Result<(), FeedError> {
        let mut store = of_several.lock().unwrap_or_else(PoisonError::into_inner);
        let first = store.append(&self.packed)?;
        for at in self.waiting.drain(..) {
            if let Some(entry) = self.entries.get_mut(at) {
                entry.place = (first + entry.place) | OF_SEVERAL;
            }
        }
        self.packed.clear();
        Ok(())
    }

    fn finish(mut self, of_several: &Mutex<Store>) -> Result<Vec<Entry>, FeedError> {
        self.put_away(of_several)?;
        Ok(self.entries)
    }
}

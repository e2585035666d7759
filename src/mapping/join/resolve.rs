//! One row is made of several of a person.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use super::keys::{folded, is_damaged};
use super::packed::{Packed, Packing};
use super::pick::{Picking, Rank, Tie};
use crate::feed::{Cell, CellKind};
use crate::mapping::value::{cell_value, clean};
use crate::model::RowNumber;
use crate::schema::{BETWEEN, FieldKind};

/// How one row is made of several.
#[derive(Debug)]
pub(super) struct Resolving<'a> {
    pub(super) picking: Picking<'a>,
    /// The position of the cell that `pick` names.
    pub(super) picked_by: Option<usize>,
    /// For each packed cell, whether a person has one value of it.
    pub(super) is_single: Vec<bool>,
    /// The positions of the cells of which all values count.
    pub(super) all: Vec<usize>,
    /// How a column is called, for a row of the feed that is undecided as a whole; empty
    /// where each cell says it by itself.
    pub(super) names: Vec<String>,
    /// Why rows are not whole.
    pub(super) short: HashMap<RowNumber, String>,
    /// The column of the keys.
    pub(super) key_name: &'a str,
    /// Rows of the feed whose keys differ from those of others only in their spelling.
    pub(super) alike: Mutex<BTreeSet<RowNumber>>,
}

/// The rows of one person so far.
#[derive(Debug)]
pub(super) struct Several<'a> {
    resolving: &'a Resolving<'a>,
    rank: Rank,
    best: Vec<u8>,
    rows: u64,
    /// For each cell that differs in a row as good as the best one: the rows.
    ties: Vec<Option<Tie>>,
    /// Rows that are neither before the best one nor behind it, nor like it.
    near: Vec<(Rank, Vec<u8>)>,
    /// Why it is not certain which row is the best one.
    unclear: Option<String>,
    /// A row with another key that may be about the same person.
    doubt: Option<RowNumber>,
    all: Vec<Union>,
}

/// All values of a cell.
#[derive(Debug, Default)]
struct Union {
    text: String,
    known: HashSet<String>,
    /// A value that is none.
    flawed: Option<(String, CellKind)>,
}

impl Union {
    fn add(&mut self, cell: Cell<'_>) {
        let is_flawed = !cell.kind.is_number()
            && !matches!(
                cell.kind,
                CellKind::Text | CellKind::Date | CellKind::Time | CellKind::Bool
            );
        if is_flawed {
            let flaw = || (cell.text.to_owned(), cell.kind);
            self.flawed.get_or_insert_with(flaw);
            return;
        }
        let value = cell_value(cell, false, FieldKind::Text, |_| ());
        for value in value.split(BETWEEN) {
            if !value.is_empty() && self.known.insert(value.to_owned()) {
                if !self.text.is_empty() {
                    self.text.push(BETWEEN);
                }
                self.text.push_str(value);
            }
        }
    }

    fn cell(&self) -> Cell<'_> {
        match &self.flawed {
            Some((text, kind)) => Cell { text, kind: *kind },
            None => Cell {
                text: &self.text,
                kind: CellKind::Text,
            },
        }
    }
}

/// A key of several that may mean the same.
struct Spelling {
    folded: String,
    is_damaged: bool,
    row: RowNumber,
}

impl Resolving<'_> {
    /// Doubts rows of the feed whose keys are the same but for what a program made of one
    /// of them: each may be about the person of the other. Of a joined file it shows once
    /// people are looked for, since what somebody in the feed has is that person's.
    pub(super) fn doubt<'s, 'r: 's>(&self, several: impl Iterator<Item = &'s mut Several<'r>>) {
        if self.names.is_empty() {
            return;
        }
        let mut several: Vec<_> = several.collect();
        let spellings = several.iter().filter_map(|it| {
            let best = Packed::of(&it.best)?;
            Some(Spelling {
                folded: folded(best.key),
                is_damaged: is_damaged(best.key),
                row: best.row,
            })
        });
        let spellings: Vec<_> = spellings.collect();
        self.note_alike(&spellings);
        let damaged: Vec<_> = spellings.iter().filter(|it| it.is_damaged).collect();
        for (it, one) in several.iter_mut().zip(&spellings) {
            let is_other = |other: &&Spelling| other.row != one.row && other.folded == one.folded;
            let other = if one.is_damaged {
                spellings.iter().find(is_other)
            } else {
                damaged.iter().copied().find(is_other)
            };
            it.doubt = other.map(|other| other.row);
        }
    }

    /// Notes the keys that differ only in case, white space or leading zeros.
    fn note_alike(&self, spellings: &[Spelling]) {
        let is_alike = |one: &&Spelling| {
            let mut others = spellings.iter().filter(|other| other.row != one.row);
            others.any(|other| !one.is_damaged && !other.is_damaged && other.folded == one.folded)
        };
        let rows = spellings.iter().filter(is_alike).map(|one| one.row);
        let mut alike = self.alike.lock().unwrap_or_else(PoisonError::into_inner);
        alike.extend(rows);
    }

    /// Leaves the cells of a row undecided that is not whole.
    pub(super) fn leave_short(&self, row: &mut Vec<u8>, packing: &mut Packing) {
        let packed = Packed::of(row);
        let short = packed.and_then(|it| Some((it, self.short.get(&it.row)?)));
        if let Some((packed, why)) = short {
            packing.undecided(&packed, why);
            row.clear();
            row.extend_from_slice(packing.bytes());
        }
    }

    /// No row of a person yet.
    pub(super) fn begin(&self) -> Several<'_> {
        Several {
            resolving: self,
            rank: Rank::Any,
            best: Vec::new(),
            rows: 0,
            ties: Vec::new(),
            near: Vec::new(),
            unclear: None,
            doubt: None,
            all: self.all.iter().map(|_| Union::default()).collect(),
        }
    }
}

impl Several<'_> {
    /// The key of the rows.
    pub(super) fn key(&self) -> Option<&str> {
        Packed::of(&self.best).map(|best| best.key)
    }

    /// Whether another row may be about the same person.
    pub(super) const fn is_doubted(&self) -> bool {
        self.doubt.is_some()
    }

    /// Why none of the rows can be believed.
    fn unclear(&self) -> Option<String> {
        let doubt = self.doubt.map(|row| {
            format!(
                "row {row} of {} may be about this person: its `{}` is the person's but for what a \
                 program made of one of them (decimals, thousands separators, quotes, look-alike \
                 letters); correct it",
                self.resolving.picking.words.file, self.resolving.key_name
            )
        });
        doubt.or_else(|| self.unclear.clone())
    }

    /// Takes in the next row, whose bytes are `bytes`.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        let Some(row) = Packed::of(bytes) else {
            return;
        };
        let resolving = self.resolving;
        for (union, &at) in self.all.iter_mut().zip(&resolving.all) {
            if let Some(cell) = row.cells().nth(at) {
                union.add(cell);
            }
        }
        let by = resolving.picked_by.and_then(|at| row.cells().nth(at));
        let rank = match resolving.picking.rank(row.row, by) {
            Ok(rank) => rank,
            Err(why) => {
                self.unclear.get_or_insert(why);
                self.rank
            }
        };
        self.rows += 1;
        let order = match self.rows {
            1 => Ordering::Greater,
            _ => rank.compare(self.rank),
        };
        match order {
            Ordering::Less => {}
            Ordering::Greater => {
                self.rank = rank;
                self.best.clear();
                self.best.extend_from_slice(bytes);
                self.ties.clear();
                // A whole day is neither before ten o'clock of that day nor before noon.
                let mut near = std::mem::take(&mut self.near);
                near.retain(|(of, _)| rank.compare(*of) == Ordering::Equal);
                for row in near.iter().filter_map(|(_, bytes)| Packed::of(bytes)) {
                    self.tie(&row, false);
                }
                self.near = near;
            }
            Ordering::Equal => {
                let is_same_rank = rank == self.rank;
                self.tie(&row, is_same_rank);
                if !is_same_rank {
                    self.near.push((rank, bytes.to_vec()));
                }
            }
        }
    }

    /// Another row is as good as the best one.
    fn tie(&mut self, row: &Packed<'_>, is_same_rank: bool) {
        let Some(best) = Packed::of(&self.best) else {
            return;
        };
        let cells = best.cells().zip(row.cells());
        for (at, (one, other)) in cells.enumerate() {
            if self.ties.len() <= at {
                self.ties.push(None);
            }
            let is_single = self.resolving.is_single.get(at) == Some(&true);
            let is_alike = one.kind == other.kind && clean(one.text) == clean(other.text);
            if is_single
                && !is_alike
                && let Some(tie) = self.ties.get_mut(at)
            {
                tie.get_or_insert(Tie {
                    one: best.row,
                    other: row.row,
                    is_same: is_same_rank,
                });
            }
        }
    }

    /// Writes the one row.
    pub(super) fn finish(&self, packing: &mut Packing) {
        let Some(best) = Packed::of(&self.best) else {
            return;
        };
        let names = &self.resolving.names;
        let tie = |at: usize| self.ties.get(at).copied().flatten();
        let order = &self.resolving.picking;
        let of_row = || {
            let at = (0..self.ties.len()).find(|at| tie(*at).is_some())?;
            Some(order.tie_in(tie(at)?, names.get(at)?))
        };
        // A row of the feed has no other cells than its own.
        let unclear = self.unclear();
        let why = if names.is_empty() {
            None
        } else {
            unclear.clone().or_else(of_row)
        };
        packing.start(best.row, best.key, true, why.as_deref());
        for (at, cell) in best.cells().enumerate() {
            let is_single = self.resolving.is_single.get(at) == Some(&true);
            let why = match (&unclear, tie(at)) {
                (Some(why), _) if is_single => Some(why.clone()),
                (_, Some(tie)) => Some(order.tie(tie)),
                _ => None,
            };
            packing.cell(match &why {
                Some(why) => Cell {
                    text: why,
                    kind: CellKind::Undecided,
                },
                None => cell,
            });
        }
        for union in &self.all {
            packing.cell(union.cell());
        }
    }
}

//! A row after mapping.

use super::date::Evidence;
use crate::model::{Remark, Signs};

/// A person as the feed has it: one value for each mapped field.
///
/// A value that is a cell's text as it is stays in the record. All others are in one buffer,
/// which is used again from row to row.
#[derive(Clone, Debug)]
pub struct Person<'r> {
    /// Values that are not a cell's text as it is, one after the other.
    text: String,
    slots: Vec<Stored<'r>>,
    /// What is among the cells of the record and in `text`.
    signs: Signs,
    is_protected: bool,
    remarks: Vec<(Option<usize>, Remark)>,
    dates: Vec<(usize, Evidence)>,
    id_cells: IdCells,
}

impl Default for Person<'_> {
    fn default() -> Self {
        Self {
            text: String::new(),
            slots: Vec::new(),
            signs: Signs::NONE,
            is_protected: false,
            remarks: Vec::new(),
            dates: Vec::new(),
            id_cells: IdCells::default(),
        }
    }
}

/// What an external ID is built of: a bit for each column that its template asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdCells {
    /// Date cells of a spreadsheet, as they are.
    pub dates: u64,
    /// Other cells that are not empty.
    pub others: u64,
}

#[derive(Clone, Copy, Debug)]
enum Stored<'r> {
    Absent,
    Clear,
    Invalid,
    Cell(&'r str),
    Own { start: u32, end: u32 },
}

/// What the feed says of one field of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot<'a> {
    /// Nothing: the field on the target is left alone.
    Absent,
    /// The field on the target is to be emptied.
    Clear,
    /// Something that is not a value; there is a finding for it.
    Invalid,
    /// The value.
    Text(&'a str),
}

impl<'r> Person<'r> {
    /// Forgets the row before.
    pub fn clear(&mut self) {
        self.text.clear();
        self.slots.clear();
        self.signs = Signs::NONE;
        self.is_protected = false;
        self.remarks.clear();
        self.dates.clear();
        self.id_cells = IdCells::default();
    }

    /// The same buffers for another record.
    #[must_use]
    pub fn emptied<'n>(mut self) -> Person<'n> {
        self.clear();
        // Nothing is left of them but their room, which stays where it is.
        let slots = self.slots.into_iter().map(|_| Stored::Absent).collect();
        Person {
            slots,
            text: self.text,
            signs: self.signs,
            is_protected: self.is_protected,
            remarks: self.remarks,
            dates: self.dates,
            id_cells: self.id_cells,
        }
    }

    /// Values may be cells of a record in which there is this.
    pub(super) fn expect(&mut self, signs: Signs) {
        self.signs = self.signs.or(signs);
    }

    /// Says what the external ID is built of.
    pub(super) fn build_id_of(&mut self, cells: IdCells) {
        self.id_cells = cells;
    }

    /// What the external ID is built of, where a template builds it.
    #[must_use]
    pub fn id_cells(&self) -> IdCells {
        self.id_cells
    }

    /// Says what was done to the row, or to the cell of a field.
    pub fn remark(&mut self, field: Option<usize>, remark: Remark) {
        self.remarks.push((field, remark));
    }

    /// What was done to the row, or to the cell of a field by its position in the
    /// mapping.
    pub fn remarks(&self) -> &[(Option<usize>, Remark)] {
        &self.remarks
    }

    /// Says what a cell shows of the dates of its column.
    pub(super) fn show_date(&mut self, field: usize, evidence: Evidence) {
        self.dates.push((field, evidence));
    }

    /// What the row shows of the dates of the feed, by the field's position in the
    /// mapping.
    pub fn dates(&self) -> &[(usize, Evidence)] {
        &self.dates
    }

    /// No run changes or removes this person.
    pub(super) fn protect(&mut self) {
        self.is_protected = true;
    }

    /// Whether no run changes or removes this person: the mapping's [protect]
    /// says so.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.is_protected
    }

    /// Adds the next field.
    #[inline]
    pub fn push(&mut self, slot: Slot<'_>) {
        let stored = match slot {
            Slot::Absent => Stored::Absent,
            Slot::Clear => Stored::Clear,
            Slot::Invalid => Stored::Invalid,
            Slot::Text(text) => self.store(text),
        };
        self.slots.push(stored);
    }

    /// Adds the next field: the text of a cell of the record, as it is.
    #[inline]
    pub(super) fn push_cell(&mut self, text: &'r str) {
        self.slots.push(Stored::Cell(text));
    }

    /// Adds the next field: a text of its own without any [`Signs`].
    #[inline]
    pub(super) fn push_plain(&mut self, text: &str) {
        let stored = self.keep(text);
        self.slots.push(stored);
    }

    /// Says something else of a field.
    pub(super) fn replace(&mut self, index: usize, slot: Slot<'_>) {
        self.push(slot);
        if let (Some(stored), Some(place)) = (self.slots.pop(), self.slots.get_mut(index)) {
            *place = stored;
        }
    }

    /// Adds the next field: `text`, changed by `change` to as many bytes.
    pub(super) fn push_with(&mut self, text: &str, change: impl FnOnce(&mut str)) {
        let start = self.text.len();
        let stored = self.store(text);
        self.slots.push(stored);
        if let Some(stored) = self.text.get_mut(start..) {
            change(stored);
        }
    }

    #[inline]
    fn store(&mut self, text: &str) -> Stored<'r> {
        self.signs = self.signs.or(Signs::of(text.as_bytes()));
        self.keep(text)
    }

    #[inline]
    fn keep(&mut self, text: &str) -> Stored<'r> {
        let start = self.text.len();
        self.text.push_str(text);
        // A row is bounded far below four gigabytes.
        match (u32::try_from(start), u32::try_from(self.text.len())) {
            (Ok(start), Ok(end)) => Stored::Own { start, end },
            _ => Stored::Invalid,
        }
    }

    /// What may be among the values. What divides the values of a set is a control
    /// character.
    pub(crate) fn signs(&self) -> Signs {
        self.signs
    }

    /// The field at a position of the mapping.
    #[inline]
    pub fn get(&self, index: usize) -> Slot<'_> {
        let stored = self.slots.get(index);
        stored.map_or(Slot::Absent, |stored| self.slot(stored))
    }

    #[inline]
    fn slot(&self, stored: &Stored<'r>) -> Slot<'_> {
        match *stored {
            Stored::Cell(text) => Slot::Text(text),
            Stored::Absent => Slot::Absent,
            Stored::Clear => Slot::Clear,
            Stored::Invalid => Slot::Invalid,
            Stored::Own { start, end } => self
                .text
                .get(start as usize..end as usize)
                .map_or(Slot::Absent, Slot::Text),
        }
    }

    /// The text at a position, if there is one.
    pub fn text(&self, index: usize) -> Option<&str> {
        match self.get(index) {
            Slot::Text(text) => Some(text),
            _ => None,
        }
    }

    /// All fields, in the order of the mapping.
    pub fn slots(&self) -> impl Iterator<Item = Slot<'_>> {
        self.slots.iter().map(|stored| self.slot(stored))
    }

    /// Which fields the feed says something of, as bits: position 0 is the
    /// lowest.
    pub fn shape(&self) -> u64 {
        self.slots()
            .zip(0..64)
            .fold(0, |shape, (slot, bit)| match slot {
                Slot::Absent | Slot::Invalid => shape,
                Slot::Clear | Slot::Text(_) => shape | 1 << bit,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_gives_back_what_was_put_in() {
        let mut person = Person::default();
        person.push(Slot::Text("Zoë"));
        person.push(Slot::Absent);
        person.push(Slot::Clear);
        person.push(Slot::Text(""));
        let slots: Vec<_> = person.slots().collect();
        assert_eq!(
            slots,
            [Slot::Text("Zoë"), Slot::Absent, Slot::Clear, Slot::Text("")]
        );
        assert_eq!(person.shape(), 0b1101);
    }
}

//! A row after mapping.

use super::date::Evidence;
use crate::model::{Remark, has_control};

/// A person as the feed has it: one value for each mapped field.
///
/// One buffer for all values, reused from row to row.
#[derive(Clone, Debug, Default)]
pub struct Person {
    text: String,
    slots: Vec<Stored>,
    is_protected: bool,
    remarks: Vec<(Option<usize>, Remark)>,
    dates: Vec<(usize, Evidence)>,
    id_cells: IdCells,
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
enum Stored {
    Absent,
    Clear,
    Invalid,
    Text { start: u32, end: u32 },
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

impl Person {
    /// Forgets the row before.
    pub fn clear(&mut self) {
        self.text.clear();
        self.slots.clear();
        self.is_protected = false;
        self.remarks.clear();
        self.dates.clear();
        self.id_cells = IdCells::default();
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
    fn store(&mut self, text: &str) -> Stored {
        let start = self.text.len();
        self.text.push_str(text);
        // A row is bounded far below four gigabytes.
        match (u32::try_from(start), u32::try_from(self.text.len())) {
            (Ok(start), Ok(end)) => Stored::Text { start, end },
            _ => Stored::Invalid,
        }
    }

    /// Whether no value holds a control character: asked once for all values,
    /// since nearly none does. What divides the values of a set is one.
    pub fn is_without_control(&self) -> bool {
        !has_control(&self.text)
    }

    /// All values, one after the other, for what nearly none has.
    pub(super) fn all_text(&self) -> &str {
        &self.text
    }

    /// The field at a position of the mapping.
    #[inline]
    pub fn get(&self, index: usize) -> Slot<'_> {
        match self.slots.get(index) {
            None | Some(Stored::Absent) => Slot::Absent,
            Some(Stored::Clear) => Slot::Clear,
            Some(Stored::Invalid) => Slot::Invalid,
            Some(&Stored::Text { start, end }) => self
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
        (0..self.slots.len()).map(|index| self.get(index))
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

//! The mapping of a way back: what a run changed becomes what it was.
//!
//! Its feed is hrfeed's own: a column for each field, and cells that say exactly what the
//! field was. What the LMS had needs no cleaning, and no rule judges it.

use super::file::{File, Table};
use super::person::{Person, Slot};
use super::template::{Condition, Templates};
use super::{
    Allowance, Among, Duplicates, Empty, FeedKind, FieldRule, Groups, Leavers, Limit, Mapping,
    MappingError, Origin, Spelling, Unique, Variants, Work,
};
use crate::feed::FeedOptions;
use crate::pickup::PickUpOptions;
use crate::schema::{self, Part};

/// The column that says what becomes of a person.
pub const WAY_BACK: &str = "hrfeed: way back";

/// What it says of somebody whom the run created.
pub const LEAVES: &str = "leaves";

/// What a cell begins with that has a value, be it an empty one.
const HAS_VALUE: char = '=';

/// The cell of a value; an empty cell says nothing of its field. No text file has a zero
/// byte.
#[must_use]
pub fn exact_cell(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('\0', "\\0");
    format!("{HAS_VALUE}{value}")
}

/// Reads such a cell.
pub(super) fn read_exact(cell: &str, person: &mut Person) {
    match cell.strip_prefix(HAS_VALUE) {
        None => person.push(Slot::Absent),
        Some("") => person.push(Slot::Clear),
        Some(value) if !value.contains('\\') => person.push(Slot::Text(value)),
        Some(value) => {
            let mut text = String::with_capacity(value.len());
            let mut chars = value.chars();
            while let Some(char) = chars.next() {
                text.push(match char {
                    '\\' if chars.next() == Some('0') => '\0',
                    char => char,
                });
            }
            person.push(Slot::Text(&text));
        }
    }
}

/// The fields that a way back can write: those that the LMS shows, and sets that hrfeed gave.
pub fn reversible(field: &schema::Field) -> bool {
    field.part == Part::Details || field.part.is_set()
}

impl Mapping {
    /// Makes this mapping the one of a way back: same LMS, limits and protected people, other
    /// fields. `leaves` is what happens to people whom the run created.
    ///
    /// # Errors
    /// None, as long as the condition below is one.
    pub fn into_way_back(self, leaves: Leavers) -> Result<Self, MappingError> {
        let system = self.target.system;
        let reversible = (system.spec().fields.iter()).filter(|field| reversible(field));
        // A person who is created again may need them.
        let instructions = self.fields.into_iter().filter(|rule| {
            rule.field.part == Part::Instruction && matches!(rule.origin, Origin::Constant(_))
        });
        let mut fields: Vec<_> = reversible.map(exact).chain(instructions).collect();
        fields.sort_by_key(|rule| {
            let mut all = system.spec().fields.iter();
            all.position(|field| field == rule.field)
        });
        let mut templates = Templates::new();
        if leaves != Leavers::Ignore {
            let text = format!("when = \"row['{WAY_BACK}'] == '{LEAVES}'\"");
            let path = &self.path;
            let file = File { path, text: &text };
            let when = Table::root(&file, file.parse()?).take("when");
            if let Some(when) = &when {
                templates.add_condition(Condition::Leaver, when)?;
            }
        }
        let mut guards = self.guards;
        (guards.min_rows, guards.max_age) = (0, None);
        guards.max_rejected = Limit {
            bound: Allowance::Percent(100.0),
            days: None,
        };
        guards.is_max_rejected_written = true;
        // Whatever is not as it was is said.
        guards.tolerate = Allowance::Number(0);
        let mut protect = self.protect;
        protect.has_where = false;
        let mut identity = self.identity;
        identity.by.clear();
        Ok(Self {
            source: FeedOptions {
                encoding: Some("utf-8".into()),
                delimiter: Some(b','),
                max_feed: Some(u64::MAX),
                ..FeedOptions::default()
            },
            pick_up: PickUpOptions::default(),
            openpgp: None,
            to_join: Vec::new(),
            merge: None,
            fields,
            templates,
            unique: Unique {
                fields: vec![0],
                duplicates: Duplicates::Reject,
                variants: Variants::Distinct,
            },
            adopt: None,
            identity,
            protect,
            groups: Groups::default(),
            leavers: leaves,
            among: Among::Journal,
            grace: None,
            guards,
            kind: FeedKind::Delta,
            corrections_of: Some(FeedKind::Full),
            is_way_back: true,
            ..self
        })
    }

    /// Why somebody leaves whom a row marks.
    pub fn why_marked(&self) -> &'static str {
        if self.is_way_back {
            "created by the run that is undone"
        } else {
            "marked as a leaver by the feed"
        }
    }

    /// Whether it is the mapping of a way back.
    pub fn is_way_back(&self) -> bool {
        self.is_way_back
    }
}

/// A field that becomes what the cell says.
fn exact(field: &'static schema::Field) -> FieldRule {
    FieldRule {
        field,
        origin: Origin::Column(field.name.to_owned()),
        spelling: Spelling::default(),
        values: std::collections::HashMap::new(),
        lookup: None,
        default: None,
        date: None,
        zone: None,
        phone: None,
        split: Vec::new(),
        all: false,
        empty: Empty::Keep,
        work: Work::Any,
        is_exact: true,
        line: 0,
        line_column: 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cell_says_exactly_what_the_field_was(value in "(\\PC|[\\\\0\\x00 =\n\r\"]){0,12}") {
            let mut person = Person::default();
            read_exact(&exact_cell(&value), &mut person);
            let read = match person.get(0) {
                Slot::Text(text) => text,
                Slot::Clear => "",
                Slot::Absent | Slot::Invalid => "absent",
            };
            prop_assert_eq!(read, value.as_str());
        }
    }
}

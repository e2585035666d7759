//! Cells to which little is to be done: nearly each of most feeds.

use super::Bound;
use crate::feed::{Cell, CellKind};
use crate::mapping::cleaning::{WRAPS, is_key, may_be_wrapped};
use crate::mapping::nothing::{BEGINNINGS, Beginnings, may_be_no_value};
use crate::mapping::value::push_date;
use crate::mapping::{COUNTRIES, Fault, FieldRule, Person, Work};
use crate::model::Signs;

impl Bound<'_> {
    /// Makes a cell the value of a field, as [`Self::read_cell`] does, if nothing is around
    /// its text and it is not a word for nothing. Returns whether it did.
    #[inline]
    pub(super) fn take_sound<'r>(
        &self,
        (field, rule): (usize, &FieldRule),
        cell: Cell<'r>,
        person: &mut Person<'r>,
        faults: &mut Vec<Fault>,
    ) -> bool {
        let Some(text) = sound_text(cell.text).filter(|_| cell.kind == CellKind::Text) else {
            return false;
        };
        let signs = person.signs();
        let is_ascii = || signs.is_ascii() || text.is_ascii();
        let is_latin =
            || signs.is_latin() || text.is_ascii() || Signs::of(text.as_bytes()).is_latin();
        match rule.work {
            Work::None if !is_key(rule.field.kind) && is_latin() => person.push_cell(text),
            Work::Country if COUNTRIES.contains(text) => person.push_cell(text),
            _ if !is_ascii() => return false,
            Work::None => person.push_cell(text),
            Work::Lower => {
                let is_capital = |byte: u8| byte.is_ascii_uppercase();
                if text.bytes().fold(false, |any, byte| any | is_capital(byte)) {
                    person.push_with(text, str::make_ascii_lowercase);
                } else {
                    person.push_cell(text);
                }
            }
            Work::Upper => person.push_with(text, str::make_ascii_uppercase),
            Work::Date => {
                push_date(field, rule, text, self.from(cell.kind), person, faults);
            }
            Work::Country | Work::Any => return false,
        }
        true
    }
}

/// How texts begin that may be words for nothing, or have something around them.
const ODD: Beginnings = BEGINNINGS.with(&WRAPS);

/// A text without white space around it; `None` if it is empty or may be a word for nothing,
/// or if there is something else around it.
#[inline]
fn sound_text(text: &str) -> Option<&str> {
    // As nearly each is.
    if let [first, .., last] = text.as_bytes()
        && *first > b' '
        && *last > b' '
        && !ODD.may_begin(text)
    {
        return Some(text);
    }
    let text = text.trim_ascii();
    let is_sound = !text.is_empty() && !may_be_no_value(text) && !may_be_wrapped(text);
    is_sound.then_some(text)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::civil::Date;
    use proptest::prelude::*;

    use super::*;
    use crate::mapping::Mapping;

    /// A mapping that fills fields from a cell in all ways that need little work.
    fn of_little_work() -> Mapping {
        let text = "[target]\nsystem = \"anewspring\"\nbase_url = \"https://lms.example.com\"\n\
             api_key = { env = \"K\" }\n[fields]\nuserID = { column = \"C\", upper = true }\n\
             login = \"C\"\nemail = { column = \"C\", lower = true }\n\
             function = { column = \"C\", default = \"?\" }\nfirstName = \"C\"\n\
             lastName = { column = \"C\", title = true }\ncompany = { column = \"C\", empty = \"clear\" }\n\
             dateOfBirth = { column = \"C\", date = \"%d-%m-%Y\" }\ncountry = \"C\"\n";
        Mapping::parse(Path::new("m.toml"), text).unwrap()
    }

    proptest! {
        #[test]
        fn a_sound_cell_becomes_what_any_cell_does(
            text in prop_oneof![
                "[ -~]{0,14}",
                "[ -~\u{c0}-\u{2ff}]{0,14}",
                " ?[0-3][0-9]-[01][0-9]-(19|20)[0-9]{2} ?",
                "#{1,24}|[A-Z]{2}|N/A|none|#REF!|='0?1'|\"7\"|tbd|nl",
            ],
        ) {
            let mapping = of_little_work();
            let bound = mapping.bind(&["C".into()], &[], Date::constant(2026, 11, 23)).unwrap();
            let cell = Cell { text: &text, kind: CellKind::Text };
            for (field, rule) in mapping.fields.iter().enumerate() {
                let (mut person, mut faults) = (Person::default(), Vec::new());
                person.expect(Signs::UNKNOWN);
                if bound.take_sound((field, rule), cell, &mut person, &mut faults) {
                    let (mut other, mut others) = (Person::default(), Vec::new());
                    bound.read_cell((field, rule), cell, &mut other, &mut others);
                    prop_assert_eq!(person.get(0), other.get(0), "{}", rule.field.name);
                    prop_assert_eq!(person.dates(), other.dates());
                    prop_assert_eq!(person.remarks(), other.remarks());
                    prop_assert_eq!(faults, others);
                }
            }
        }
    }
}

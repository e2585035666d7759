//! Where a person lives: a street and its number may be in several columns, and a country
//! may be written as on a car.

use super::quote::cell;
use super::recognise::{Origin, Work};
use crate::headers::Meaning;
use crate::mapping::COUNTRIES;
use crate::validate::country_meant;

/// The signs of cars that are no other code for their country.
const SIGNS: [(&str, &str); 13] = [
    ("A", "AT"),
    ("B", "BE"),
    ("D", "DE"),
    ("E", "ES"),
    ("F", "FR"),
    ("H", "HU"),
    ("I", "IT"),
    ("L", "LU"),
    ("N", "NO"),
    ("P", "PT"),
    ("S", "SE"),
    ("SLO", "SI"),
    ("FL", "LI"),
];

/// The code of two letters of a country that a mapping must translate: what is read by
/// itself has none.
pub(super) fn country_to_translate(text: &str) -> Option<&'static str> {
    let sign = || SIGNS.iter().find(|(sign, _)| *sign == text);
    country_meant(text).or_else(|| sign().map(|(_, code)| *code))
}

/// Whether a text is a country in any way.
pub(super) fn is_country(text: &str) -> bool {
    COUNTRIES.named(text).is_some() || country_to_translate(text).is_some()
}

impl Work<'_> {
    /// House number and addition, joined to the street.
    pub(super) fn places(&mut self) {
        let street = self.choice(|field| field.name == "address");
        let Some(Origin::Column(street)) = street.map(|it| it.origin.clone()) else {
            return;
        };
        let Some(&number) = self.named(&[Meaning::HouseNumber]).first() else {
            return;
        };
        let addition = self.named(&[Meaning::HouseAddition]).first().copied();
        let ends_in_number = |text: &str| {
            let last = text.split_whitespace().next_back().unwrap_or_default();
            text.contains(' ') && last.starts_with(|char: char| char.is_ascii_digit())
        };
        let column = self.column(street);
        if !column.samples.is_empty() && column.half(ends_in_number) {
            self.not(number, format!("`{}` has it already", column.name));
            return;
        }
        let columns: Vec<_> = [Some(street), Some(number), addition]
            .into_iter()
            .flatten()
            .collect();
        let cells = columns.iter().map(|index| cell(self.name(*index)));
        let cells: Vec<_> = cells.map(|cell| format!("{{{{ {cell} }}}}")).collect();
        for index in &columns {
            self.used[*index] = true;
        }
        let why = format!("{}; with the house number", self.by_name(street));
        if let Some(choice) = self.choice(|field| field.name == "address") {
            choice.origin = Origin::Template {
                text: cells.join(" "),
                columns,
            };
            choice.why = why;
        }
    }
}

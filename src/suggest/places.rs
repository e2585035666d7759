//! Where a person lives: a street and its number may be in several columns.

use super::quote::cell;
use super::recognise::{Origin, Work};
use crate::headers::Meaning;

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

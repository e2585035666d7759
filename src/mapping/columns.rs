//! The columns of a feed, found by the names that a mapping gives them.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use super::nearest;
use crate::model::{Remark, is_invisible};

/// The columns of a feed by their names.
pub(super) struct ColumnNames<'c> {
    columns: &'c [String],
    /// By names that one column has.
    exact: HashMap<&'c str, usize>,
    /// By names as [`folded`], the columns that have them.
    alike: HashMap<String, Vec<usize>>,
}

/// A column that a mapping names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Its position.
    pub(super) index: usize,
    /// How the feed spells it, if not as the mapping does.
    pub(super) spelling: Option<Spelling>,
}

/// A name of the mapping that the feed spells in another way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spelling {
    /// In the mapping.
    pub(super) name: String,
    /// In the feed.
    of_feed: String,
    /// What differs, as the end of a sentence.
    difference: &'static str,
}

impl<'c> ColumnNames<'c> {
    /// The names in `duplicates` appear more than once, so that they name no column.
    pub(super) fn new(columns: &'c [String], duplicates: &[String]) -> Self {
        let mut alike: HashMap<_, Vec<_>> = HashMap::new();
        for (index, name) in columns.iter().enumerate() {
            alike.entry(folded(name)).or_default().push(index);
        }
        let exact = columns.iter().enumerate();
        let exact = exact
            .filter(|(_, name)| !duplicates.contains(name))
            .map(|(index, name)| (name.as_str(), index))
            .collect();
        Self {
            columns,
            exact,
            alike,
        }
    }

    /// The names that one column has just so.
    pub(super) fn exact(&self) -> impl Iterator<Item = (&'c str, usize)> {
        self.exact.iter().map(|(name, index)| (*name, *index))
    }

    /// The column with this name: the one that has it just so, or else the only one whose
    /// name a person reads as the same.
    pub(super) fn find(&self, name: &str) -> Option<Found> {
        if let Some(&index) = self.exact.get(name) {
            let spelling = None;
            return Some(Found { index, spelling });
        }
        let &[index] = self.alike.get(&folded(name))?.as_slice() else {
            return None;
        };
        let of_feed = self.columns.get(index)?;
        let spelling = Some(Spelling {
            name: name.to_owned(),
            of_feed: of_feed.clone(),
            difference: difference(name, of_feed),
        });
        Some(Found { index, spelling })
    }
}

impl Spelling {
    pub(super) fn remark(&self) -> Remark {
        Remark::ColumnSpelling {
            name: shown(&self.name).into(),
            of_feed: shown(&self.of_feed).into(),
            difference: self.difference,
        }
    }
}

/// One name for all that a person reads as one: full width and the forms of Unicode,
/// what nobody sees, case, and how much white space is between words do not count.
fn folded(name: &str) -> String {
    single_spaced(&in_lower_case(&seen(&name.nfkc().collect::<String>())))
}

fn seen(name: &str) -> String {
    name.chars().filter(|char| !is_invisible(*char)).collect()
}

fn in_lower_case(name: &str) -> String {
    name.to_lowercase()
}

fn single_spaced(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What makes one name of two, if one thing does.
fn difference(one: &str, other: &str) -> &'static str {
    type Step = fn(&str) -> String;
    let steps: [(&'static str, Step); 4] = [
        ("upper and lower case", in_lower_case),
        ("white space", single_spaced),
        ("characters that cannot be seen", seen),
        ("the form of their characters", |name| name.nfkc().collect()),
    ];
    let alone = steps.iter().find(|(_, step)| step(one) == step(other));
    alone.map_or(
        "case, white space or the form of characters",
        |(what, _)| what,
    )
}

/// The name with what nobody sees written out.
fn shown(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for char in name.chars() {
        let is_seen = char == ' ' || !(char.is_whitespace() || is_invisible(char));
        if is_seen && !char.is_control() {
            shown.push(char);
        } else {
            shown.extend(char.escape_unicode());
        }
    }
    shown
}

/// Why a column is not found by its name, and what to do.
pub(super) fn why_not_found(name: &str, columns: &[String]) -> (String, String) {
    let is_same = |column: &&String| column.as_str() == name;
    let is_alike = |column: &&String| folded(column) == folded(name);
    let same = columns.iter().filter(is_same).count();
    let alike: Vec<_> = (1_usize..)
        .zip(columns)
        .filter(|(_, column)| {
            if same > 1 {
                is_same(column)
            } else {
                is_alike(column)
            }
        })
        .collect();
    let places: Vec<_> = alike.iter().map(|(place, _)| place.to_string()).collect();
    if same > 1 {
        return (
            format!(
                "column `{name}` appears more than once in the feed's header (columns {})",
                places.join(", ")
            ),
            "rename the columns in the feed".into(),
        );
    }
    if alike.len() > 1 {
        let names: Vec<_> = alike
            .iter()
            .map(|(_, name)| format!("`{}`", shown(name)))
            .collect();
        return (
            format!(
                "column `{name}` may be any of {} (columns {}), whose names differ only in case, \
                 white space or the form of characters",
                names.join(", "),
                places.join(", ")
            ),
            "spell the name as the feed spells one of them, or rename the columns in the feed"
                .into(),
        );
    }
    let listed = columns
        .iter()
        .take(60)
        .map(|column| format!("`{}`", shown(column)))
        .collect::<Vec<_>>()
        .join(", ");
    let more = match columns.len().saturating_sub(60) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let of_feed = match (columns, nearest(name, columns.iter().map(String::as_str))) {
        ([only], _) if only.contains([';', ',', '\t', '|']) => {
            "the header was read as one column, so check `delimiter` in [source]".to_owned()
        }
        (_, Some(near)) => format!("did you mean `{near}`? The feed's columns"),
        (_, None) => "the feed's columns".to_owned(),
    };
    (
        format!("the feed has no column `{name}`"),
        format!("{of_feed}: {listed}{more}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[track_caller]
    fn check(name: &str, of_feed: &str, difference: &str) {
        let columns = columns(&["City", of_feed, "Mail"]);
        let names = ColumnNames::new(&columns, &[]);
        let found = names.find(name).unwrap();
        assert_eq!(found.index, 1);
        assert_eq!(found.spelling.unwrap().difference, difference);
    }

    #[test]
    fn a_name_that_a_person_reads_as_the_same_is_found_and_what_differs_is_said() {
        let (case, space) = ("upper and lower case", "white space");
        let form = "the form of their characters";
        check("Employee ID", "EMPLOYEE id", case);
        check("Stra\u{df}e", "STRA\u{1e9e}E", case);
        check("Employee ID", "Employee\u{a0}ID", space);
        check("Employee ID", "Employee  ID", space);
        check("Employee ID", "Employee\r\nID", space);
        check(
            "Employee ID",
            "Employee\u{200b} ID",
            "characters that cannot be seen",
        );
        check("ID", "\u{ff29}\u{ff24}", form);
        check("\u{30ab}\u{30ca}", "\u{ff76}\u{ff85}", form);
        let several = "case, white space or the form of characters";
        check("Employee ID", "EMPLOYEE\u{a0}ID", several);
    }

    #[test]
    fn a_name_just_so_counts_for_more_and_two_that_are_alike_are_none() {
        let all = columns(&["id", "ID", "Name", "Phone", "Phone"]);
        let names = ColumnNames::new(&all, &columns(&["Phone"]));
        assert_eq!(
            names.find("ID"),
            Some(Found {
                index: 1,
                spelling: None
            })
        );
        for name in ["Id", "Phone", "phone", "Names", "First name"] {
            assert_eq!(names.find(name), None, "{name}");
        }
        let (what, help) = why_not_found("Id", &all);
        assert_eq!(
            what,
            "column `Id` may be any of `id`, `ID` (columns 1, 2), whose names differ only in \
             case, white space or the form of characters"
        );
        assert!(help.contains("spell the name"), "{help}");
    }

    #[test]
    fn words_written_together_and_apart_are_two_names() {
        let all = columns(&["FirstName", "Last_Name", "Employee-ID"]);
        let names = ColumnNames::new(&all, &[]);
        for name in ["First Name", "Last Name", "Employee ID"] {
            assert_eq!(names.find(name), None, "{name}");
        }
    }

    #[test]
    fn what_nobody_sees_in_a_name_is_written_out() {
        let all = columns(&["Employee\u{a0}ID"]);
        let found = ColumnNames::new(&all, &[]).find("Employee ID").unwrap();
        assert_eq!(
            found.spelling.unwrap().remark().to_string(),
            "column `Employee ID` of the mapping is read from `Employee\\u{a0}ID`: they differ in \
             white space"
        );
    }
}

//! The columns of a feed, found by the names that a mapping gives them.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

use super::{Mapping, Origin, nearest};
use crate::feed::JoinedColumns;
use crate::model::{Remark, is_invisible};

/// What the name of a feed's own column begins with where files are joined.
pub(super) const OWN: &str = "feed";

/// The columns of a feed, or of a file that is joined to one.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// All of them, those of joined files with the file's name in front.
    pub(super) names: Vec<String>,
    /// How many are the feed's own, which come first.
    pub(super) own: usize,
    /// Names that several of its own columns have, so that they name no column.
    duplicates: Vec<String>,
    joined: Vec<JoinedColumns>,
    /// Whose columns they are, as a person reads it.
    owner: Box<str>,
}

impl Columns {
    /// The columns of a feed.
    pub(super) fn of_feed(
        names: &[String],
        duplicates: &[String],
        joined: &[JoinedColumns],
    ) -> Self {
        let of_joined: usize = joined.iter().map(|file| file.columns.len()).sum();
        Self {
            names: names.to_vec(),
            own: names.len().saturating_sub(of_joined),
            duplicates: duplicates.to_vec(),
            joined: joined.to_vec(),
            owner: "the feed".into(),
        }
    }

    /// The columns of a file that is to be joined.
    pub(super) fn of_file(names: &[String], duplicates: &[String], file: &str) -> Self {
        Self {
            owner: format!("`{file}`").into(),
            ..Self::of_feed(names, duplicates, &[])
        }
    }

    /// The file that is joined at that position, as a person sees it.
    pub(super) fn joined_file(&self, position: usize) -> Option<&str> {
        self.joined.get(position).map(|joined| &*joined.file)
    }

    /// Where the columns of the file are that is joined at that position.
    pub(super) fn of_joined(&self, position: usize) -> Range<usize> {
        let before = self.joined.iter().take(position);
        let from = self.own + before.map(|file| file.columns.len()).sum::<usize>();
        let file = self.joined.get(position);
        from..from + file.map_or(0, |file| file.columns.len())
    }

    fn own_names(&self) -> &[String] {
        self.names.get(..self.own).unwrap_or_default()
    }

    /// Each name by which a column can be asked for. The names of several columns are
    /// among them.
    fn all_names(&self) -> Vec<(String, usize)> {
        let own = || self.own_names().iter().zip(0..);
        let mut all: Vec<_> = own().map(|(name, index)| (name.clone(), index)).collect();
        if self.joined.is_empty() {
            return all;
        }
        all.extend(own().map(|(name, index)| (format!("{OWN}.{name}"), index)));
        let mut from = self.own;
        for file in &self.joined {
            let plain = file.columns.iter().zip(from..).enumerate();
            // The same value as in the feed.
            let plain = plain.filter(|(at, _)| Some(*at) != file.same_key);
            all.extend(plain.map(|(_, (name, index))| (name.clone(), index)));
            all.extend(file.qualified().zip(from..));
            from += file.columns.len();
        }
        all
    }

    /// The files that have a column of that name, as a person reads them, and how to write
    /// the column of each.
    fn homes(&self, name: &str) -> Vec<(String, String)> {
        let has = |columns: &[String]| columns.iter().any(|column| column == name);
        let own = has(self.own_names()).then(|| (self.owner.to_string(), format!("{OWN}.{name}")));
        let joined = self.joined.iter().filter(|file| has(&file.columns));
        let joined =
            joined.map(|file| (format!("`{}`", file.file), format!("{}.{name}", file.name)));
        own.into_iter().chain(joined).collect()
    }
}

/// The columns of a feed by their names.
pub(super) struct ColumnNames {
    names: Vec<(String, usize)>,
    /// By names that one column has.
    exact: HashMap<String, usize>,
    /// By names as [`folded`], the columns that have them, by their places in `names`.
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

impl ColumnNames {
    pub(super) fn new(columns: &Columns) -> Self {
        let names = columns.all_names();
        let mut alike: HashMap<_, Vec<_>> = HashMap::new();
        let mut exact = HashMap::new();
        let mut several = HashSet::new();
        for (place, (name, index)) in names.iter().enumerate() {
            alike.entry(folded(name)).or_default().push(place);
            if exact.insert(name.clone(), *index).is_some() || columns.duplicates.contains(name) {
                several.insert(name.clone());
            }
        }
        exact.retain(|name, _| !several.contains(name));
        Self {
            names,
            exact,
            alike,
        }
    }

    /// The names that one column has just so.
    pub(super) fn exact(&self) -> impl Iterator<Item = (&str, usize)> {
        self.exact
            .iter()
            .map(|(name, index)| (name.as_str(), *index))
    }

    /// The column with this name: the one that has it just so, or else the only one whose
    /// name a person reads as the same.
    pub(super) fn find(&self, name: &str) -> Option<Found> {
        if let Some(&index) = self.exact.get(name) {
            let spelling = None;
            return Some(Found { index, spelling });
        }
        let &[place] = self.alike.get(&folded(name))?.as_slice() else {
            return None;
        };
        let (of_feed, index) = self.names.get(place)?;
        let spelling = Some(Spelling {
            name: name.to_owned(),
            of_feed: of_feed.clone(),
            difference: difference(name, of_feed),
        });
        let index = *index;
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
pub(super) fn why_not_found(name: &str, all: &Columns) -> (String, String) {
    let columns = all.own_names();
    if let Some(why) = why_not_certain(name, all) {
        return why;
    }
    let owner = &all.owner;
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
                "column `{name}` appears more than once in {} header (columns {})",
                possessive(owner),
                places.join(", ")
            ),
            format!("rename the columns in {owner}"),
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
            format!(
                "spell the name as {owner} spells one of them, or rename the columns in {owner}"
            ),
        );
    }
    let listed = all
        .names
        .iter()
        .take(60)
        .map(|column| format!("`{}`", shown(column)))
        .collect::<Vec<_>>()
        .join(", ");
    let more = match all.names.len().saturating_sub(60) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names = all.all_names();
    let near = nearest(name, names.iter().map(|(name, _)| name.as_str()));
    let its = possessive(owner);
    let of_feed = match (columns, near) {
        ([only], _) if only.contains([';', ',', '\t', '|']) => {
            "check `delimiter` in [source]; if whole lines are in quotes, export the file again and \
             do not save it as one column; the header was read as one"
                .to_owned()
        }
        (_, Some(near)) => format!("did you mean `{near}`? {} columns", capitalized(&its)),
        (_, None) => format!("{its} columns"),
    };
    let joined = all.joined.iter();
    let others: Vec<_> = joined.map(|file| format!("`{}`", file.file)).collect();
    let also = match others.as_slice() {
        [] => String::new(),
        others => format!(", and neither has {}", others.join(" or ")),
    };
    (
        format!("{owner} has no column `{name}`{also}"),
        format!("{of_feed}: {listed}{more}"),
    )
}

/// Why a name is that of several columns of different files, or of one joined file.
fn why_not_certain(name: &str, all: &Columns) -> Option<(String, String)> {
    let homes = all.homes(name);
    if let [(first, written), others @ .., (last, last_written)] = homes.as_slice() {
        let middle = others.iter().map(|(file, _)| format!(", {file}"));
        let middle: String = middle.collect();
        return Some((
            format!("column `{name}` is in {first}{middle} and in {last}"),
            format!("write `{written}` or `{last_written}`, whichever is meant"),
        ));
    }
    let in_joined = all.joined.iter().find(|file| {
        let own = name
            .strip_prefix(&*file.name)
            .and_then(|name| name.strip_prefix('.'));
        let is_of = |column: &String| column == name || Some(column.as_str()) == own;
        file.duplicates.iter().any(is_of)
    });
    in_joined.map(|file| {
        (
            format!(
                "column `{name}` appears more than once in the header of `{}`",
                file.file
            ),
            "rename the columns there".into(),
        )
    })
}

/// `the feed's`.
fn possessive(owner: &str) -> String {
    format!("{owner}'s")
}

fn capitalized(text: &str) -> String {
    text.replacen("the", "The", 1)
}

impl Mapping {
    /// The columns of which it asks, by the names that it says, those of joined files among
    /// them.
    pub(crate) fn feed_columns(&self) -> Vec<String> {
        let of_fields = self.fields.iter().filter_map(|rule| match &rule.origin {
            Origin::Column(name) => Some(name.as_str()),
            _ => None,
        });
        let all = of_fields.chain(self.templates.named_columns());
        all.map(str::to_owned).collect()
    }
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
        let names = ColumnNames::new(&Columns::of_feed(&columns, &[], &[]));
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
        let all = Columns::of_feed(&all, &columns(&["Phone"]), &[]);
        let names = ColumnNames::new(&all);
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
        let names = ColumnNames::new(&Columns::of_feed(&all, &[], &[]));
        for name in ["First Name", "Last Name", "Employee ID"] {
            assert_eq!(names.find(name), None, "{name}");
        }
    }

    #[test]
    fn what_nobody_sees_in_a_name_is_written_out() {
        let all = columns(&["Employee\u{a0}ID"]);
        let all = Columns::of_feed(&all, &[], &[]);
        let found = ColumnNames::new(&all).find("Employee ID").unwrap();
        assert_eq!(
            found.spelling.unwrap().remark().to_string(),
            "column `Employee ID` of the mapping is read from `Employee\\u{a0}ID`: they differ in \
             white space"
        );
    }
}

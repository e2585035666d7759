//! `lookup`: values translated by a table in a file of its own.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::columns::{ColumnNames, Columns, why_not_found};
use super::file::Node;
use super::value::{cell_value, clean, flaw};
use super::{MappingError, fold, found, settings};
use crate::feed::{
    Feed, FeedError, FeedOptions, FeedSource, FileEnd, Record, RowLengths, column_letters,
};
use crate::model::{Remark, Remarks, RowNumber, Rule, count};
use crate::schema::{Field, FieldKind};

/// The most rows of a table: it is kept in memory.
const MAX_ROWS: usize = 100_000;

/// The largest file, unpacked, in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// A table by which values are translated.
#[derive(Debug)]
pub(super) struct Lookup {
    /// By the folded key, see [`fold`].
    values: HashMap<String, String>,
    path: PathBuf,
    /// The file's name without its folders, for messages.
    file: Box<str>,
    /// The column of the keys.
    key: Box<str>,
    /// What was decided about the file, and a person should hear of.
    remarks: Vec<Remark>,
}

/// Why a table cannot be used.
enum Wrong {
    Feed(FeedError),
    /// Two rows translate one key in two ways.
    TwoValues([RowNumber; 2]),
    /// A cell is not text.
    Cell(RowNumber, Box<str>, Rule),
    /// A row has more cells than the header.
    Cells(RowNumber),
    TooManyRows,
    /// The file ends inside a row.
    CutOff(RowNumber),
}

impl From<FeedError> for Wrong {
    fn from(error: FeedError) -> Self {
        Self::Feed(error)
    }
}

impl Lookup {
    const EXAMPLE: &str =
        "lookup = { file = \"departments.csv\", key = \"Code\", value = \"Name\" }";

    /// Reads the `lookup` of a field, and its file.
    ///
    /// # Errors
    /// What is wrong with either, at its place in the mapping.
    pub(super) fn read(field: &Field, node: Node<'_>) -> Result<Self, MappingError> {
        let named = format!("`lookup` of field {}", field.name);
        let mut table = node.table(&named, Self::EXAMPLE)?;
        let help = format!("for example {}", Self::EXAMPLE);
        let file = table.need("file", &help)?;
        let key = table.need("key", &help)?;
        let value = table.need("value", &help)?;
        let options = FeedOptions {
            max_feed: Some(MAX_BYTES),
            ..settings::table_options(&mut table)?
        };
        table.finish()?;
        let path = file.path()?;
        let name = path.file_name().map(|name| name.to_string_lossy().into());
        let mut lookup = Self {
            values: HashMap::new(),
            file: name.unwrap_or_default(),
            path: path.clone(),
            key: clean(&key.text()?).into(),
            remarks: Vec::new(),
        };
        let mut feed = Feed::open(&FeedSource::Path(path), &options)
            .map_err(|error| lookup.unreadable(&file, &error))?;
        let columns = [lookup.column(&feed, &key)?, lookup.column(&feed, &value)?];
        let read = lookup.read_rows(&mut feed, columns);
        let left_out = read.map_err(|wrong| lookup.error(&file, wrong))?;
        if lookup.values.is_empty() {
            let message = format!("`{}` has no row with a key", lookup.file);
            return Err(file.error(message, Some("check that the file is complete".into())));
        }
        let remarks = feed.remarks().into_iter().chain(left_out);
        lookup.remarks = remarks
            .map(|remarked| Remark::OfLookup {
                file: lookup.file.clone(),
                said: remarked.to_string().into(),
            })
            .collect();
        Ok(lookup)
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What the table makes of a text.
    pub(super) fn value(&self, text: &str) -> Option<&str> {
        found(&self.values, text)
    }

    /// What is wrong with a text that is not a key of the table.
    pub(super) fn missing(&self) -> Rule {
        Rule::Lookup {
            file: self.file.clone(),
            column: self.key.clone(),
        }
    }

    pub(super) fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// Adds what the table says to a digest: not its other columns, nor its order.
    pub(super) fn add_to(&self, digest: &mut Sha256) {
        let mut pairs: Vec<_> = self.values.iter().collect();
        pairs.sort_unstable();
        for text in pairs.into_iter().flat_map(|(key, value)| [key, value]) {
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text);
        }
    }

    fn column(&self, feed: &Feed, node: &Node<'_>) -> Result<usize, MappingError> {
        let name = node.text()?;
        let name = clean(&name);
        let duplicates = feed.duplicate_columns().into_iter();
        let duplicates: Vec<_> = duplicates.map(|(name, _)| name.to_owned()).collect();
        let columns = Columns::of_file(feed.columns(), &duplicates, &self.file);
        if let Some(found) = ColumnNames::new(&columns).find(&name) {
            return Ok(found.index);
        }
        let (what, help) = why_not_found(&name, &columns);
        Err(node.error(what, Some(help)))
    }

    /// Reads the pairs, and returns which rows were left out.
    fn read_rows(&mut self, feed: &mut Feed, columns: [usize; 2]) -> Result<Remarks, Wrong> {
        let names = columns.map(|index| feed.columns().get(index).cloned().unwrap_or_default());
        let width = feed.columns().len();
        let mut rows: HashMap<String, RowNumber> = HashMap::new();
        let mut left_out = Remarks::default();
        let mut all_lengths = RowLengths::default();
        feed.read(
            |records| {
                let (mut pairs, mut lengths) = (Vec::new(), RowLengths::default());
                while let Some(record) = records.next_record() {
                    lengths.add(record);
                    pairs.push((record.row(), pair(record, columns, &names, width)));
                }
                (pairs, records.left_out().to_vec(), lengths)
            },
            |(pairs, others, lengths), _| {
                all_lengths.extend(&lengths);
                for (row, what) in others {
                    left_out.add(row, None, &Remark::NoPerson { what });
                }
                for (row, pair) in pairs {
                    let (key, value) = pair?;
                    if key.is_empty() {
                        continue;
                    }
                    match self.values.entry(key) {
                        Entry::Occupied(known) if *known.get() == value => {}
                        Entry::Occupied(known) => {
                            let first = rows.get(known.key()).copied().unwrap_or(row);
                            return Err(Wrong::TwoValues([first, row]));
                        }
                        Entry::Vacant(place) => {
                            rows.insert(place.key().clone(), row);
                            place.insert(value);
                        }
                    }
                    if rows.len() > MAX_ROWS {
                        return Err(Wrong::TooManyRows);
                    }
                }
                Ok(())
            },
        )?;
        match all_lengths.last_row(width, feed.ends_line(0)) {
            Some(last) if last.end == FileEnd::InShortRow => Err(Wrong::CutOff(last.row)),
            _ => Ok(left_out),
        }
    }

    fn unreadable(&self, node: &Node<'_>, error: &FeedError) -> MappingError {
        let help = match error {
            FeedError::NotFound(_) => {
                Some("check the path: it starts at the folder of the mapping".into())
            }
            FeedError::HeaderNotText { .. } | FeedError::EncodingUnclear { .. } => Some(
                "set the file's encoding in `lookup`, for example encoding = \"windows-1252\", or \
                 save the file again as `CSV UTF-8`"
                    .into(),
            ),
            FeedError::TooLarge { .. } => {
                Some("remove the rows that the feed does not need".into())
            }
            error => error
                .help()
                .map(|help| help.replace("[source]", "`lookup`")),
        };
        // Its path is that of the mapping, and a table is not a feed.
        let said = error.of_file("file");
        node.error(format!("cannot use `{}`: {said}", self.file), help)
    }

    fn error(&self, node: &Node<'_>, wrong: Wrong) -> MappingError {
        let file = &self.file;
        let (message, help) = match wrong {
            Wrong::Feed(error) => return self.unreadable(node, &error),
            Wrong::TwoValues([first, second]) => (
                format!(
                    "rows {first} and {second} of `{file}` have the same key and different values"
                ),
                "give each key one value; upper and lower case and white space do not count in \
                 keys"
                    .into(),
            ),
            Wrong::Cell(row, column, rule) => (
                format!("row {row} of `{file}`, column `{column}`: {rule}"),
                "correct the file".into(),
            ),
            Wrong::Cells(row) => (
                format!("row {row} of `{file}` has more cells than the header"),
                "quote the value that contains the delimiter".into(),
            ),
            Wrong::CutOff(row) => (
                format!("`{file}` ends inside row {row}: it was cut off"),
                "have the file exported or copied again".into(),
            ),
            Wrong::TooManyRows => (
                format!("`{file}` has more than {} keys", count(MAX_ROWS as u64)),
                "remove the rows that the feed does not need".to_owned(),
            ),
        };
        node.error(message, Some(help))
    }
}

/// The folded key and the value of a row.
fn pair(
    record: &Record,
    columns: [usize; 2],
    names: &[String; 2],
    width: usize,
) -> Result<(String, String), Wrong> {
    let row = record.row();
    if let Some(found) = record.flaw() {
        let column: Box<str> = column_letters(found.cell).into();
        let rule = Rule::Quotes {
            column: column.clone(),
            line: found.line,
            last_line: found.last_line,
            problem: found.problem,
        };
        return Err(Wrong::Cell(row, column, rule));
    }
    let overflows = |index| {
        record
            .cell(index)
            .is_some_and(|cell| !cell.text.trim().is_empty())
    };
    if (width..record.len()).any(overflows) {
        return Err(Wrong::Cells(row));
    }
    let text = |at: usize| {
        let Some(cell) = columns.get(at).and_then(|index| record.cell(*index)) else {
            return Ok(String::new());
        };
        if let Some(flaw) = flaw(cell) {
            let column = names.get(at).map_or("", String::as_str);
            return Err(Wrong::Cell(row, column.into(), flaw));
        }
        Ok(cell_value(cell, cell.text.is_ascii(), FieldKind::Text, |_| {}).into_owned())
    };
    Ok((fold(&text(0)?), text(1)?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::Mapping;
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn a_file_says_the_same_as_a_map(
            pairs in prop::collection::vec(("[a-c0-2]{1,3}", "[A-Z]{1,3}"), 1..8),
            asked in prop::collection::vec("[a-cA-C0-2 ]{1,4}", 8),
        ) {
            let pairs: BTreeMap<_, _> = pairs.into_iter().collect();
            let lines: Vec<_> = pairs.iter().map(|(key, value)| format!("{key};{value}")).collect();
            let map: Vec<_> = pairs.iter().map(|(key, value)| format!("{key:?} = {value:?}")).collect();
            let folder = tempfile::tempdir().unwrap();
            let file = format!("Code of center;Name of center\n{}\n", lines.join("\n"));
            std::fs::write(folder.path().join("centers.csv"), file).unwrap();
            let values = |setting: &str| {
                let text = format!(
                    "[target]\nsystem = \"anewspring\"\nbase_url = \"https://lms.example.com\"\n\
                     api_key = {{ env = \"K\" }}\n[fields]\nuserID = \"ID\"\nlogin = \"L\"\n\
                     firstName = \"F\"\nlastName = \"N\"\n\
                     company = {{ column = \"C\", {setting} }}\n"
                );
                let mapping = Mapping::parse(&folder.path().join("m.toml"), &text).unwrap();
                let field = mapping.position("company").unwrap();
                let rule = mapping.fields().get(field).unwrap();
                let keys = asked.iter().chain(pairs.keys());
                keys.map(|text| rule.listed(clean(text).as_ref()).map(str::to_owned)).collect::<Vec<_>>()
            };
            let of_file = values(
                "lookup = { file = \"centers.csv\", key = \"Code of center\", \
                 value = \"Name of center\" }",
            );
            prop_assert_eq!(of_file, values(&format!("map = {{ {} }}", map.join(", "))));
        }
    }
}

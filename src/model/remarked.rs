//! Where remarks apply: to which rows, of which column, of which file.

use std::collections::HashMap;
use std::fmt;

use super::{Remark, RowNumber, count, counted};

/// One kind of remark, and where it applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remarked {
    /// What was done.
    pub remark: Remark,
    /// The file that it is about, if it is not about the whole feed.
    pub file: Option<RemarkedFile>,
    /// The column whose cells it is about.
    pub column: Option<Box<str>>,
    /// How many rows it is about; 0 if it is about the feed as a whole.
    pub count: u64,
    /// The first of them.
    pub rows: Vec<RowNumber>,
}

/// A file that a remark is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemarkedFile {
    /// One of the files of the feed.
    OfFeed(Box<str>),
    /// A file that is joined to it.
    Joined(Box<str>),
}

impl Remarked {
    /// The same, of one of the files of the feed.
    #[must_use]
    pub fn of_file(self, file: &str) -> Self {
        Self {
            file: Some(RemarkedFile::OfFeed(file.into())),
            ..self
        }
    }

    /// The same, of a joined file.
    #[must_use]
    pub fn of_joined(self, file: &str) -> Self {
        Self {
            file: Some(RemarkedFile::Joined(file.into())),
            ..self
        }
    }

    /// Whether it is worth saying of a feed with that number of rows.
    #[must_use]
    pub fn is_exception_among(&self, rows: u64) -> bool {
        match self.remark {
            // Where most IDs have such letters, they are meant.
            Remark::LooksLatin => self.count * 2 < rows,
            _ => true,
        }
    }

    /// A remark on these rows, and their cells of a column.
    pub fn of_rows(
        remark: Remark,
        column: Option<&str>,
        rows: impl IntoIterator<Item = RowNumber>,
    ) -> Self {
        let mut rows = rows.into_iter();
        let named: Vec<_> = rows.by_ref().take(NAMED).collect();
        Self {
            remark,
            file: None,
            column: column.map(Into::into),
            count: (named.len() + rows.count()) as u64,
            rows: named,
        }
    }
}

impl fmt::Display for Remarked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use RemarkedFile::{Joined, OfFeed};
        if let Some(OfFeed(file) | Joined(file)) = &self.file {
            write!(f, "`{file}`: ")?;
        }
        if let Some(column) = &self.column {
            write!(f, "column `{column}`: ")?;
        }
        // What is said of a feed holds for a file, and the settings of a joined one are
        // elsewhere.
        let of_feed = self.remark.to_string();
        let of_file = |text: &str| text.replace("the feed is read as", "it is read as");
        match &self.file {
            None => f.write_str(&of_feed)?,
            Some(OfFeed(_)) => f.write_str(&of_file(&of_feed))?,
            Some(Joined(_)) => f.write_str(&of_file(&of_feed).replace("[source]", "[join]"))?,
        }
        let rows: Vec<_> = self.rows.iter().map(ToString::to_string).collect();
        match (self.count, rows.as_slice()) {
            (0, _) => Ok(()),
            (1, rows) => write!(f, " (row {})", rows.concat()),
            (all, rows) if rows.len() as u64 == all => write!(f, " (rows {})", rows.join(", ")),
            (all, rows) => {
                let more = count(all - rows.len() as u64);
                let all = counted(all, "row", "rows");
                write!(f, " ({all}: {} and {more} more)", rows.join(", "))
            }
        }
    }
}

/// How many rows of a kind of remark are named.
const NAMED: usize = 3;

/// How many kinds of remarks are kept: these say enough of a feed that has more.
const MAX_KINDS: usize = 100;

/// Remarks on rows, by kind and column, in the order in which they come.
#[derive(Clone, Debug, Default)]
pub struct Remarks {
    kinds: Vec<Remarked>,
    /// The last row of each kind.
    last: Vec<RowNumber>,
    places: HashMap<(Remark, Option<Box<str>>), usize>,
}

impl Remarks {
    /// Adds what was done to a row. It counts once, also if several fields come from the
    /// column: the rows come one after the other.
    pub fn add(&mut self, row: RowNumber, column: Option<&str>, remark: &Remark) {
        let kind = Remarked {
            remark: remark.clone(),
            file: None,
            column: column.map(Into::into),
            count: 1,
            rows: vec![row],
        };
        self.merge(kind, row);
    }

    /// Adds those of the rows that follow.
    pub fn extend(&mut self, later: Self) {
        for (kind, last) in later.kinds.into_iter().zip(later.last) {
            self.merge(kind, last);
        }
    }

    fn merge(&mut self, kind: Remarked, last: RowNumber) {
        let next = self.kinds.len();
        let key = (kind.remark.clone(), kind.column.clone());
        let place = match self.places.get(&key) {
            Some(&place) => place,
            None if next == MAX_KINDS => return,
            None => *self.places.entry(key).or_insert(next),
        };
        let known = self.kinds.get_mut(place).zip(self.last.get_mut(place));
        let Some((same, before)) = known else {
            self.kinds.push(kind);
            self.last.push(last);
            return;
        };
        if *before != last {
            *before = last;
            same.count += kind.count;
            let room = NAMED - same.rows.len();
            same.rows.extend(kind.rows.into_iter().take(room));
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }
}

impl IntoIterator for Remarks {
    type Item = Remarked;
    type IntoIter = std::vec::IntoIter<Remarked>;

    fn into_iter(mut self) -> Self::IntoIter {
        self.kinds
            .retain(|kind| kind.remark.is_worth_saying(kind.count));
        self.kinds.into_iter()
    }
}

/// A remark on the feed as a whole.
impl From<Remark> for Remarked {
    fn from(remark: Remark) -> Self {
        Self {
            remark,
            file: None,
            column: None,
            count: 0,
            rows: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUESSED: Remark = Remark::Encoding {
        encoding: "windows-1252",
    };

    #[test]
    fn a_row_counts_once_although_two_fields_come_from_its_column() {
        let mut remarks = Remarks::default();
        for (row, column) in [(2, "ID"), (2, "ID"), (2, "Login"), (5, "ID"), (5, "ID")] {
            remarks.add(RowNumber::new(row), Some(column), &GUESSED);
        }
        let what = GUESSED.to_string();
        let texts: Vec<_> = remarks.into_iter().map(|it| it.to_string()).collect();
        assert_eq!(
            texts,
            [
                format!("column `ID`: {what} (rows 2, 5)"),
                format!("column `Login`: {what} (row 2)"),
            ]
        );
    }

    #[test]
    fn a_kind_of_remark_names_its_first_rows_in_the_order_of_the_feed() {
        let (mut first, mut second) = (Remarks::default(), Remarks::default());
        for row in [2, 5] {
            first.add(RowNumber::new(row), Some("ID"), &GUESSED);
        }
        for row in 7..4_000 {
            second.add(RowNumber::new(row), Some("ID"), &GUESSED);
        }
        second.add(RowNumber::new(9), None, &GUESSED);
        first.extend(second);
        let what = GUESSED.to_string();
        let texts: Vec<_> = first.into_iter().map(|it| it.to_string()).collect();
        assert_eq!(
            texts,
            [
                format!("column `ID`: {what} (3,995 rows: 2, 5, 7 and 3,992 more)"),
                format!("{what} (row 9)"),
            ]
        );
        assert_eq!(Remarked::from(GUESSED).to_string(), what);
    }
}

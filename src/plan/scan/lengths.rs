//! How long the rows of each file are: whether it was cut off, and which are not whole.

use crate::feed::{Feed, LastRow, Record, RowLengths, RowWidths, TooShort};

/// How long the rows of a feed are, in its order.
#[derive(Default)]
pub(super) struct Lengths {
    files: Vec<OfFile>,
}

#[derive(Default)]
struct OfFile {
    /// As [`RowNumber::file`](crate::model::RowNumber::file) has it.
    file: u16,
    lengths: RowLengths,
    widths: RowWidths,
}

impl Lengths {
    /// Counts a record. `width` is the number of columns, if rows can be shorter by mistake;
    /// `row` the place of the row, and whether it is rejected, unless the mapping leaves it
    /// out.
    #[inline]
    pub(super) fn add(
        &mut self,
        record: &Record,
        width: Option<usize>,
        row: Option<(usize, bool)>,
    ) {
        let of_file = self.of(record.row().file());
        of_file.lengths.add(record);
        if let Some(width) = width {
            of_file.widths.add(record, width, row);
        }
    }

    /// Adds the records that follow, `rows` rows after the start of the feed.
    pub(super) fn extend(&mut self, next: Self, rows: usize) {
        for next in next.files {
            let of_file = self.of(next.file);
            of_file.lengths.extend(&next.lengths);
            of_file.widths.extend(next.widths, rows);
        }
    }

    /// What is known of a file: of the last one, or of one that begins.
    #[inline]
    fn of(&mut self, file: u16) -> &mut OfFile {
        let known = self.files.iter().rposition(|it| it.file == file);
        let place = known.unwrap_or(self.files.len());
        if known.is_none() {
            self.files.push(OfFile {
                file,
                ..OfFile::default()
            });
        }
        &mut self.files[place]
    }

    /// How many of several files have a row; 0 for a feed of one file.
    pub(super) fn files_with_rows(&self, feed: &Feed) -> u64 {
        match feed.source().several() {
            [] => 0,
            _ => self.files.len() as u64,
        }
    }

    /// The last row of the feed: of several files, of the one that most looks as if it was
    /// cut off.
    pub(super) fn last_row(&self, feed: &Feed) -> Option<LastRow> {
        let columns = feed.own_columns().len();
        let ends = self.files.iter().filter_map(|it| {
            let ends_line = feed.ends_line(it.file);
            it.lengths.last_row(columns, ends_line)
        });
        ends.max_by_key(|last| last.end)
    }

    /// The rows that have too few cells, by what all rows of their file show.
    pub(super) fn too_short(&self, feed: &Feed) -> impl Iterator<Item = TooShort> {
        let columns = feed.own_columns().len();
        self.files
            .iter()
            .flat_map(move |it| it.widths.judge(columns, feed.ends_line(it.file)))
    }
}

//! Rows that hrfeed gave to the HR department, come back: known by the columns that were
//! added to them.
//!
//! What the mapping says of the feed's layout does not hold for such a file. Its header is
//! the row with these columns, and its rows are what a spreadsheet saves.

use std::borrow::Cow;
use std::fs::Metadata;
use std::io::Read as _;
use std::path::Path;

use super::header::HeadRow;
use super::record::{Cell, CellKind, Record};
use super::{Feed, FeedOptions, FeedSource, START};
use crate::files;
use crate::model::corrections::{PLACE, Place, TO_ENTER, is_added, is_to_enter, restored};

/// How many rows may be above the header: hrfeed writes none.
const ABOVE: usize = 10;

/// What is known of a file of corrections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corrections {
    /// The run whose rows they are, as the first of them says.
    pub run: Option<u64>,
    /// The columns that were added, in ascending order.
    added: Vec<usize>,
    /// Which of them says where a row was.
    place: Option<usize>,
}

impl Corrections {
    /// Finds the header of such a file among its first rows, none of them blank.
    pub(super) fn find(rows: &[HeadRow]) -> Option<(usize, Self)> {
        let added = |row: &HeadRow| {
            let cells = row.cells.iter().enumerate();
            let added = cells.filter(|(_, cell)| is_added(cell)).map(|(at, _)| at);
            added.collect::<Vec<_>>()
        };
        let mut first = rows.iter().take(ABOVE).map(added).enumerate();
        let (index, added) = first.find(|(_, added)| !added.is_empty())?;
        let header = rows.get(index)?;
        let place = header.cells.iter().position(|cell| cell == PLACE);
        let places = rows.get(index + 1..).unwrap_or_default().iter();
        let mut places = places.filter_map(|row| Place::read(row.cells.get(place?)?));
        let run = places.find_map(|it| it.run.parse().ok());
        Some((index, Self { run, added, place }))
    }

    /// The columns that are not the feed's, in ascending order.
    #[must_use]
    pub fn added(&self) -> &[usize] {
        &self.added
    }

    /// The cells of the header as the feed has them.
    pub(super) fn header_cells(cells: &[String]) -> Vec<String> {
        cells.iter().map(|cell| restored(cell).to_owned()).collect()
    }

    /// Makes of a record what the feed has: without what hrfeed says of the row, and with the
    /// text that a cell stands for.
    pub(super) fn restore(&self, record: &mut Record) {
        let cell = self.place.and_then(|place| record.own_cell(place));
        let place = cell.and_then(|cell| Place::read(cell.text));
        // A text file has the dates of a workbook as texts.
        let has_dates =
            place.as_ref().is_some_and(|it| it.is_of_workbook) && !record.is_of_workbook();
        let noted = place.and_then(|it| it.external_id.map(Into::into));
        record.rewrite(|index, cell| {
            let Cell { text, kind } = cell;
            if self.added.binary_search(&index).is_ok() {
                return (CellKind::Text, Cow::Borrowed(""));
            }
            match kind {
                CellKind::Text if is_to_enter(text) => (
                    CellKind::Undecided,
                    Cow::Owned(format!("still says `{TO_ENTER}`: enter it")),
                ),
                CellKind::Text if has_dates && is_date(text) => {
                    (CellKind::Date, Cow::Borrowed(text))
                }
                CellKind::Text => (kind, Cow::Borrowed(restored(text))),
                kind => (kind, Cow::Borrowed(text)),
            }
        });
        record.noted_id = noted;
    }
}

/// Whether a text is a date as a copy has it, `2024-03-01` or `2024-03-01T08:30:00`.
fn is_date(text: &str) -> bool {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00";
    let is_as = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        _ => byte == shape,
    };
    matches!(text.len(), 10 | 19) && text.as_bytes().iter().zip(SHAPE).all(is_as)
}

/// Whether the file at `path` is probably such a file: before it is waited for as the feeds
/// are that a program writes. Certain is only [`Feed::corrections`].
#[must_use]
pub fn may_be_corrections(path: &Path) -> bool {
    let start = || {
        let mut start = Vec::new();
        let about = path.metadata().ok().filter(Metadata::is_file)?;
        let file = files::open(path, &about).ok()?;
        file.take(START).read_to_end(&mut start).ok()?;
        Some(start)
    };
    let is_packed = |start: &[u8]| start.starts_with(b"PK");
    start().is_some_and(|start| {
        if is_packed(&start) {
            let feed = Feed::open(&FeedSource::Path(path.into()), &FeedOptions::default());
            feed.is_ok_and(|feed| feed.corrections().is_some())
        } else {
            may_be_in(&start)
        }
    })
}

/// Whether the first bytes of a text are those of such a file, in whatever encoding that has
/// ASCII's letters.
pub(super) fn may_be_in(start: &[u8]) -> bool {
    let begin = start.get(..usize::try_from(START).unwrap_or(usize::MAX));
    // Of UTF-16 and UTF-32 the letters remain.
    let letters: Vec<u8> = begin
        .unwrap_or(start)
        .iter()
        .copied()
        .filter(|byte| *byte != 0)
        .collect();
    memchr::memmem::find(&letters, b"hrfeed: ").is_some()
}

/// How such a file is read, whatever the mapping says of the layout of its feed. Its delimiter
/// is tried, and so are others.
pub(super) fn options(of_feed: &FeedOptions) -> FeedOptions {
    FeedOptions {
        encoding: None,
        sheet: None,
        header_row: None,
        has_no_header: false,
        ..of_feed.clone()
    }
}

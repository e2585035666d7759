//! The cells of a line that is written as most are: nothing but cells, and quotes around whole
//! cells.

use super::quotes::{Quotes, Twice};
use super::step::{BITS, BYTES, Step, below};
use crate::feed::record::MAX_COLUMNS;
use crate::model::{Seen, Signs};

/// The cells of a line, and what is in them.
#[derive(Debug)]
pub(in crate::feed) struct LineCells {
    /// Where each begins and ends, counted from the start of the line, without quotes around
    /// it.
    pub(in crate::feed) cells: Vec<(usize, usize)>,
    /// Cells beyond [`MAX_COLUMNS`].
    pub(in crate::feed) beyond: usize,
    /// How many have quotes around them.
    pub(super) quoted: usize,
    pub(in crate::feed) signs: Signs,
}

impl Default for LineCells {
    fn default() -> Self {
        Self {
            cells: Vec::new(),
            beyond: 0,
            quoted: 0,
            signs: Signs::NONE,
        }
    }
}

/// What parts a line into cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signals {
    pub(super) delimiter: u8,
    /// The quotation mark, if there can be one in a line.
    pub(super) quote: Option<u8>,
}

impl LineCells {
    /// Finds the cells of the line that `data` begins with. Returns its length; `None` if it
    /// has a quotation mark that is not right before or right behind a whole cell, a line end
    /// between two of them, or nothing but one cell that is quoted.
    pub(super) fn find(&mut self, data: &[u8], signals: Signals) -> Option<usize> {
        self.cells.clear();
        (self.beyond, self.quoted) = (0, 0);
        let Signals { delimiter, quote } = signals;
        let mut quotes = Quotes::new(Twice::IsOdd);
        let mut seen = Seen::default();
        let (mut at, mut start, mut marked) = (0, 0, None);
        let mut has_delimiter_in_cell = false;
        loop {
            // What follows the data is not of it.
            let (bytes, length) = Step::at(data.get(at..).unwrap_or_default());
            let delimiters = bytes.places_of(delimiter);
            let (mut ends, mut breaks) = (delimiters, bytes.line_ends());
            let marks = quote.map_or(0, |quote| bytes.places_of(quote));
            if marks != 0 || marked.is_some() {
                let inside = quotes.inside(marks);
                let is_cut = breaks & inside;
                (breaks, ends) = (breaks & !inside, ends & !inside);
                let stop = breaks.trailing_zeros().min(length);
                has_delimiter_in_cell |= delimiters & inside & below(stop) != 0;
                if is_cut & below(stop) != 0 || !quotes.add(marks, (ends, start == at), stop) {
                    return None;
                }
                marked = quote;
            }
            let stop = breaks.trailing_zeros().min(length);
            let mut left = ends & below(stop);
            while left != 0 {
                let end = at + left.trailing_zeros() as usize;
                match marked {
                    Some(quote) => self.push_marked(data, (start, end), quote),
                    None => self.push((start, end)),
                }
                start = end + 1;
                left &= left - 1;
            }
            bytes.show(&mut seen, delimiter, stop);
            if stop < BITS {
                at += stop as usize;
                break;
            }
            at += BYTES;
        }
        match marked {
            Some(quote) => self.push_marked(data, (start, at), quote),
            None => self.push((start, at)),
        }
        self.signs = seen.signs();
        if has_delimiter_in_cell {
            self.signs = self.signs.or(Signs::of(&[delimiter]));
        }
        // That may be a line which is quoted as a whole.
        let is_alone = self.quoted == 1 && self.cells.len() == 1;
        (!quotes.are_open() && !is_alone).then_some(at)
    }

    /// The cells of a line without quotes, for the tests of others.
    #[cfg(test)]
    pub(in crate::feed) fn of(line: &[u8], delimiter: u8) -> Self {
        let mut found = Self::default();
        let quote = None;
        assert_eq!(
            found.find(line, Signals { delimiter, quote }),
            Some(line.len())
        );
        found
    }

    #[inline]
    fn push(&mut self, cell: (usize, usize)) {
        if self.cells.len() < MAX_COLUMNS {
            self.cells.push(cell);
        } else {
            self.beyond += 1;
        }
    }

    /// Adds a cell that may have quotes around it.
    #[inline]
    fn push_marked(&mut self, data: &[u8], (start, end): (usize, usize), quote: u8) {
        let is_quoted = start < end && data.get(start) == Some(&quote);
        self.quoted += usize::from(is_quoted);
        let around = usize::from(is_quoted);
        self.push((start + around, end - around));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::cells::{Cells, Extent};
    use super::super::quoting::Dialect;
    use super::*;

    /// The cells of a line as they are read one by one, if they are as most.
    fn one_by_one(data: &[u8], delimiter: u8) -> Option<(usize, Vec<Vec<u8>>)> {
        let mut cells = Cells::default();
        let extent = cells.read(data, Dialect::plain(delimiter), 0, true);
        let Extent { end, wrong: None } = extent? else {
            return None;
        };
        let mut start = 0;
        let texts = cells.ends.iter().map(|end| {
            let text = cells.text[start..*end].to_vec();
            start = *end;
            text
        });
        let texts = texts.collect();
        let is_as_most = !cells.facts.stray && !cells.facts.spaced && !cells.facts.doubled;
        let is_alone = cells.facts.quoted > 0 && cells.ends.len() == 1;
        let has_breaks = data[..end].iter().any(|byte| b"\r\n".contains(byte));
        (is_as_most && !is_alone && !has_breaks).then_some((end, texts))
    }

    proptest! {
        #[test]
        fn the_cells_of_a_line_are_those_that_are_read_one_by_one(
            parts in prop::collection::vec(prop::sample::select(vec![
                ",", ",", "\",\"", "\"", ",\"", "\",", "ab", " ", "\t", "Zo\u{eb}", "x", "twenty letters of it",
                "\n", "\r\n", "\"\"", ",,,",
            ]), 0..24),
            delimiter in prop::sample::select(b",\t".to_vec()),
        ) {
            let data = parts.concat().replace(',', &char::from(delimiter).to_string()).into_bytes();
            let mut found = LineCells::default();
            let signals = Signals { delimiter, quote: Some(b'"') };
            let length = found.find(&data, signals);
            let read = length.map(|length| {
                let texts = found.cells.iter().map(|(start, end)| data[*start..*end].to_vec());
                (length, texts.collect::<Vec<_>>())
            });
            if let Some((_, texts)) = &read {
                prop_assert_eq!(found.signs, Signs::of(&texts.concat()));
            }
            prop_assert_eq!(read, one_by_one(&data, delimiter));
        }

        #[test]
        fn cells_end_at_each_delimiter_before_the_end_of_the_line(
            line in prop::collection::vec(prop::sample::select(b",,;ab\0\t \xc3\xa9\xff".to_vec()), 0..90),
            delimiter in prop::sample::select(b",\t".to_vec()),
            behind in prop::sample::select(vec![&b""[..], b"\n", b"\r\na,b", b"\ra,,,\n,", b"\n\"a\",b"]),
        ) {
            let mut found = LineCells::default();
            let signals = Signals { delimiter, quote: Some(b'"') };
            let length = found.find(&[&line[..], behind].concat(), signals);
            prop_assert_eq!(length, Some(line.len()));
            let texts = found.cells.iter().map(|(start, end)| &line[*start..*end]);
            let texts: Vec<_> = texts.collect();
            let expected: Vec<_> = line.split(|byte| *byte == delimiter).collect();
            prop_assert_eq!(found.signs, Signs::of(&texts.concat()));
            prop_assert_eq!(texts, expected);
        }
    }
}

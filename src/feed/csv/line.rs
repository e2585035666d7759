//! The cells of a line without quotes: where they end.

use wide::u8x16;

use crate::feed::record::MAX_COLUMNS;

/// Where the cells of a line end, counted from its start.
#[derive(Debug, Default)]
pub(in crate::feed) struct CellEnds {
    pub(in crate::feed) ends: Vec<usize>,
    /// Cells beyond [`MAX_COLUMNS`].
    pub(in crate::feed) beyond: usize,
}

/// How many bytes are looked at together.
const STEP: usize = 16;

impl CellEnds {
    /// Finds the cells of the line that `data` begins with. Returns its length; `None` if
    /// `quote` is in it.
    pub(super) fn find(&mut self, data: &[u8], delimiter: u8, quote: Option<u8>) -> Option<usize> {
        self.ends.clear();
        self.beyond = 0;
        let (steps, rest) = data.as_chunks::<STEP>();
        let mut last = [0; STEP];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        let of_rest = (!rest.is_empty()).then_some(&last);
        let mut at = 0;
        for step in steps.iter().chain(of_rest) {
            let bytes = u8x16::new(*step);
            let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
            let breaks = (is(b'\n') | is(b'\r') | is(quote.unwrap_or(b'\n'))).to_bitmask();
            // What follows the data is not of it.
            let stop = (breaks.trailing_zeros() as usize).min(data.len() - at);
            let is_before = (1 << stop.min(STEP)) - 1;
            self.push_all(at, is(delimiter).to_bitmask() & is_before);
            at += stop.min(STEP);
            if stop < STEP {
                break;
            }
        }
        self.push(at);
        (quote.is_none() || data.get(at) != quote.as_ref()).then_some(at)
    }

    /// The cells of a line, for the tests of others.
    #[cfg(test)]
    pub(in crate::feed) fn of(line: &[u8], delimiter: u8) -> Self {
        let mut found = Self::default();
        assert_eq!(found.find(line, delimiter, None), Some(line.len()));
        found
    }

    /// Adds the ends that are bits, the first of which is at a place.
    #[inline]
    fn push_all(&mut self, at: usize, mut ends: u32) {
        while ends != 0 {
            self.push(at + ends.trailing_zeros() as usize);
            ends &= ends - 1;
        }
    }

    #[inline]
    fn push(&mut self, end: usize) {
        if self.ends.len() < MAX_COLUMNS {
            self.ends.push(end);
        } else {
            self.beyond += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cells_end_at_each_delimiter_before_the_end_of_the_line(
            line in prop::collection::vec(prop::sample::select(b",,;ab\0 \xc3\xa9\xff".to_vec()), 0..90),
            behind in prop::sample::select(vec![&b""[..], b"\n", b"\r\na,b", b"\ra,,,\n,", b"\"a\",b"]),
        ) {
            let mut found = CellEnds::default();
            let length = found.find(&[&line[..], behind].concat(), b',', Some(b'"'));
            let is_quoted = behind.starts_with(b"\"");
            prop_assert_eq!(length, (!is_quoted).then_some(line.len()));
            let delimiters = line.iter().enumerate().filter(|(_, byte)| **byte == b',');
            let ends: Vec<_> = delimiters.map(|(at, _)| at).chain([line.len()]).collect();
            prop_assert_eq!(&found.ends, &ends);
        }
    }
}

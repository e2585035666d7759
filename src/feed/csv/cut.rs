//! Where records end, without reading them.
//!
//! The reading stage cuts a file into batches, and each batch must hold whole
//! records as csv-core sees them: a quote opens a cell only as its first byte,
//! two quotes inside mean one, and after the closing quote further quotes
//! are text. `\r` and `\n` each end a record outside quotes.

use memchr::{memchr_iter, memrchr2};

/// What a scan found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scan {
    /// The end of the last whole record, its line end included; 0 if there is
    /// none.
    pub(super) end: usize,
    /// The quote that is still open at the end.
    pub(super) open: Option<usize>,
}

/// Scans bytes that begin where a record begins.
///
/// One walk from quote to quote: in exports that quote every cell, this is the
/// costliest work of the reading stage.
pub(super) fn scan(data: &[u8], delimiter: u8) -> Scan {
    let mut end = 0;
    let mut state = State::Outside { from: 0 };
    for at in memchr_iter(b'"', data) {
        let from = match state {
            State::Inside { open } => {
                state = State::Closed { open, at };
                continue;
            }
            // Two quotes mean one, and the cell goes on.
            State::Closed { open, at: before } if before + 1 == at => {
                state = State::Inside { open };
                continue;
            }
            State::Closed { at: before, .. } => before + 1,
            State::Outside { from } => from,
        };
        // Between `from` and here all is outside quotes.
        let opens = match at.checked_sub(1).and_then(|before| data.get(before)) {
            None => true,
            Some(&before) => before == delimiter || before == b'\n' || before == b'\r',
        };
        if opens {
            end = last_end(data, from, at).unwrap_or(end);
            state = State::Inside { open: at };
        } else {
            state = State::Outside { from };
        }
    }
    let from = match state {
        State::Inside { open } => {
            return Scan {
                end,
                open: Some(open),
            };
        }
        State::Closed { at, .. } => at + 1,
        State::Outside { from } => from,
    };
    Scan {
        end: last_end(data, from, data.len()).unwrap_or(end),
        open: None,
    }
}

/// Where a scan is.
enum State {
    Outside {
        from: usize,
    },
    Inside {
        open: usize,
    },
    /// Behind a quote that closes a cell, unless another follows at once.
    Closed {
        open: usize,
        at: usize,
    },
}

/// The end of the last line that ends in a stretch outside quotes.
fn last_end(data: &[u8], from: usize, to: usize) -> Option<usize> {
    /// Shorter stretches, such as the comma between two cells, are walked.
    const SHORT: usize = 8;
    let stretch = data.get(from..to)?;
    let at = if stretch.len() <= SHORT {
        stretch
            .iter()
            .rposition(|&byte| byte == b'\n' || byte == b'\r')
    } else {
        memrchr2(b'\n', b'\r', stretch)
    };
    Some(from + at? + 1)
}

/// The line ends in some bytes: `\n`, `\r\n` and a lone `\r` are one each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    /// All of them.
    pub(super) ends: usize,
    /// Those that are a lone `\r`.
    pub(super) lone_cr: usize,
}

/// Counts the line ends. A `\r` that is the last byte counts as a lone one.
pub(super) fn lines(data: &[u8]) -> Lines {
    let lone_cr = memchr_iter(b'\r', data)
        .filter(|&at| data.get(at + 1) != Some(&b'\n'))
        .count();
    Lines {
        ends: memchr_iter(b'\n', data).count() + lone_cr,
        lone_cr,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// csv-core, byte by byte.
    fn oracle(data: &[u8], delimiter: u8) -> usize {
        let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        let (mut output, mut ends) = ([0; 4], [0; 4]);
        // An empty read first, or a byte order mark would be swallowed.
        reader.read_record(&[], &mut output, &mut ends);
        let mut end = 0;
        let mut at = 0;
        while at < data.len() {
            let (result, read, _, _) = reader.read_record(&data[at..=at], &mut output, &mut ends);
            at += read;
            if result == csv_core::ReadRecordResult::Record {
                end = at;
            }
        }
        // Line ends after a record belong to no record; a cut may follow them.
        end
    }

    pub(super) fn csv_like() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(
            prop::sample::select(b"\"\"\"\",,;\n\n\r\rab \xc3\xa9\xff".to_vec()),
            0..120,
        )
    }

    proptest! {
        #[test]
        fn the_last_record_ends_where_csv_core_says(data in csv_like(), semicolon: bool) {
            let delimiter = if semicolon { b';' } else { b',' };
            let found = scan(&data, delimiter).end;
            let expected = oracle(&data, delimiter);
            prop_assert!(found >= expected);
            prop_assert!(data[expected..found].iter().all(|byte| matches!(byte, b'\r' | b'\n')));
            let rest = &data[found..];
            prop_assert!(!matches!(rest.first(), Some(b'\r' | b'\n')));
        }

        #[test]
        fn lines_are_those_of_an_editor(data in csv_like()) {
            let text: String = data.iter().map(|&byte| char::from(byte)).collect();
            let editor = text.replace("\r\n", "\n").replace('\r', "\n");
            prop_assert_eq!(lines(&data).ends, editor.matches('\n').count());
        }
    }

    #[test]
    fn a_quote_opens_a_cell_only_as_its_first_byte() {
        for (data, end, open) in [
            (&b"a\nb"[..], 2, None),
            (b"\"a\nb", 0, Some(0)),
            (b"x,\"a\nb\"\nc", 8, None),
            (b"5\" pipe\nb", 8, None),
            (b"\"a\"b\"c\nd", 7, None),
            (b"\"a\"\"\nb\"\nc", 8, None),
            (b"\"a\",\"b\n", 0, Some(4)),
            (b"a\n\"b\n", 2, Some(2)),
            (b"\"\"", 0, None),
            (b"\"a\"\"\nb\"\"", 0, Some(0)),
        ] {
            assert_eq!(scan(data, b','), Scan { end, open }, "{data:?}");
        }
    }
}

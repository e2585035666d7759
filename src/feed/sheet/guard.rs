//! What the parts of a workbook really unpack to, before they are taken into memory:
//! the shared strings are held as a whole, and so is every stretch of text.
//!
//! The directory of an archive may lie about sizes, so each part that could
//! do harm is unpacked once to nowhere. Parts that cannot, because they are
//! too short to, are not.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use flate2::read::DeflateDecoder;
use memchr::{memchr, memmem, memrchr};

use super::xml::Damage;
use crate::feed::FeedError;
use crate::feed::spool;
use crate::feed::zip::{Archive, Part};

/// The longest stretch without a tag, as long as the longest record of a CSV
/// file. Excel writes no cell longer than 32 KiB.
const MAX_STRETCH: usize = 16 << 20;
/// The longest stretch of a sheet in which no row ends, far beyond what links,
/// merged cells or a million empty rows take. Text in many pieces can make one
/// cell of it.
const MAX_ROW: usize = 128 << 20;
/// The most text that is held as a whole: several columns that differ in each
/// of the million rows of a sheet.
pub(super) const MAX_SHARED: u64 = 512 << 20;
/// The most that any other part that is held may unpack to: styles, themes and
/// lists of sheets have some kilobytes.
const MAX_HELD: u64 = 32 << 20;
/// DEFLATE cannot pack tighter than this.
const TIGHTEST: u64 = 1032;
/// What is read at once.
const CHUNK: usize = 1 << 16;

/// What is found where a row ends, unless it is empty.
const ROW_ENDS: &[u8] = b"row>";
/// The attribute that says how many shared strings there are. Who lies about it means
/// harm.
const SAID: &[u8] = b"uniqueCount";

/// Judges all parts of a workbook.
pub(super) fn judge(path: &Arc<Path>, file: &File, archive: &Archive) -> Result<(), FeedError> {
    for part in &archive.parts {
        let held = Held::of(&part.name);
        if part.unpacked > held.most() {
            return Err(FeedError::TooMuchHeld {
                path: path.clone(),
                part: part.name.clone(),
                max: held.most(),
            });
        }
        // Neither a long stretch nor a lie that matters.
        let harmless = part.packed.saturating_mul(TIGHTEST) <= MAX_STRETCH as u64;
        if harmless && held != Held::Strings {
            continue;
        }
        judge_part(path, file, part, held)?;
    }
    Ok(())
}

/// What is kept of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// One row at a time.
    Rows,
    /// Nothing: pictures and the like. It could still be called a sheet.
    Nothing,
    /// The shared strings, all of them.
    Strings,
    /// All of it.
    Whole,
}

impl Held {
    /// Judges by the names and the folder that everybody gives these parts.
    fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let ends = |end| name.ends_with(end);
        if ends("sharedstrings.xml") {
            Self::Strings
        } else if ends("styles.xml")
            || ends("workbook.xml")
            || ends("theme1.xml")
            || ends(".rels")
            || ends("[content_types].xml")
        {
            Self::Whole
        } else if name.contains("worksheets/") {
            Self::Rows
        } else {
            Self::Nothing
        }
    }

    fn most(self) -> u64 {
        match self {
            Self::Rows | Self::Nothing => u64::MAX,
            Self::Strings => MAX_SHARED,
            Self::Whole => MAX_HELD,
        }
    }
}

fn judge_part(path: &Arc<Path>, mut file: &File, part: &Part, held: Held) -> Result<(), FeedError> {
    let failed = |error| FeedError::read(path, part.offset)(error);
    let damaged = |what| FeedError::Workbook {
        path: path.clone(),
        row: None,
        source: Box::new(Damage::Unexpected(what)),
    };
    let packed = match part.seek(&mut file) {
        Ok(()) => BufReader::with_capacity(CHUNK, file.take(part.packed)),
        // Reading it says better what is wrong with it.
        Err(error) if is_damage(&error) => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    let mut unpacked: Box<dyn Read + '_> = match part.method {
        0 => Box::new(packed),
        8 => Box::new(DeflateDecoder::new(packed)),
        // It is not read either.
        _ => return Ok(()),
    };
    let mut chunk = vec![0; CHUNK];
    let (mut total, mut said) = (0, Said::default());
    let (mut stretch, mut row) = (Stretch::default(), Stretch::default());
    loop {
        let bytes = match spool::next_piece(&mut unpacked, &mut chunk) {
            Ok([]) => return Ok(()),
            Ok(bytes) => bytes,
            Err(error) if is_damage(&error) => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        let read = bytes.len();
        total += read as u64;
        if total > part.unpacked {
            return Err(FeedError::Bomb {
                path: path.clone(),
                packed: part.packed,
                unpacked: total,
            });
        }
        stretch.pass(memchr(b'<', bytes), memrchr(b'<', bytes), read);
        if stretch.longest > MAX_STRETCH {
            return Err(FeedError::CellTooLong {
                path: path.clone(),
                max: MAX_STRETCH,
            });
        }
        row.pass(
            memmem::find(bytes, ROW_ENDS),
            memmem::rfind(bytes, ROW_ENDS),
            read,
        );
        if held == Held::Rows && row.longest > MAX_ROW {
            return Err(damaged("a row of many megabytes"));
        }
        // `<si/>` is the shortest string.
        if held == Held::Strings && said.most(bytes) > part.unpacked / 5 + 1 {
            return Err(damaged("fewer shared strings than there are said to be"));
        }
    }
}

/// Whether the archive is at fault and not the disk.
fn is_damage(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof
    )
}

/// The length of the stretch without a mark, in text that comes in pieces.
#[derive(Debug, Default)]
struct Stretch {
    now: usize,
    longest: usize,
}

impl Stretch {
    /// Passes a piece of that length, with its first and its last mark at these
    /// places.
    fn pass(&mut self, first: Option<usize>, last: Option<usize>, length: usize) {
        self.longest = self.longest.max(self.now + first.unwrap_or(length));
        self.now = match last {
            Some(last) => length - last,
            None => self.now + length,
        };
    }
}

/// Finds what is said of the number of strings, in text that comes in pieces.
#[derive(Debug, Default)]
struct Said {
    /// The end of the pieces before.
    kept: Vec<u8>,
}

impl Said {
    /// As much of a piece as is kept for the next: an attribute with some white
    /// space in it.
    const KEPT: usize = 256;

    /// The largest number that is said in these pieces.
    fn most(&mut self, bytes: &[u8]) -> u64 {
        self.kept.extend_from_slice(bytes);
        let most = memmem::find_iter(&self.kept, SAID)
            .filter_map(|at| self.kept.get(at + SAID.len()..))
            .map(number)
            .max();
        let keep = self.kept.len().saturating_sub(Self::KEPT);
        self.kept.drain(..keep);
        most.unwrap_or(0)
    }
}

/// The number of `="123"`; 0 if it is something else.
fn number(text: &[u8]) -> u64 {
    text.iter()
        .skip_while(|byte| byte.is_ascii_whitespace() || matches!(byte, b'=' | b'"' | b'\''))
        .map_while(|&byte| char::from(byte).to_digit(10))
        .fold(0_u64, |number, digit| {
            number.saturating_mul(10).saturating_add(u64::from(digit))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_goes_on_from_piece_to_piece() {
        let mut stretch = Stretch::default();
        for piece in ["..x...", "....", ".x.x"] {
            stretch.pass(piece.find('x'), piece.rfind('x'), piece.len());
        }
        assert_eq!((stretch.now, stretch.longest), (1, 9));
    }

    #[test]
    fn a_number_is_found_across_pieces() {
        for text in [
            &b"<sst uniqueCount=\"1234\">"[..],
            b"<sst count=\"9\" uniqueCount = '1234'><si>",
        ] {
            for cut in 0..text.len() {
                let (one, two) = text.split_at(cut);
                let mut said = Said::default();
                let most = said.most(one).max(said.most(two));
                assert_eq!(most, 1234, "cut at {cut}");
            }
        }
    }
}

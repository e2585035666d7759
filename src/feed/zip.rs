//! The central directory of a ZIP archive: the names and sizes of its parts.
//!
//! This reads the directory alone, so that a bomb is refused and progress can be
//! reported. The sizes in a directory may be false; nothing here allocates by them.
//!
//! The `zip` crate does not do: it bounds neither the directory's size nor the number
//! of entries, and keeps only the last of entries with one name.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use memchr::memmem;

/// Spreadsheet XML packs 10 to 40 times; rows of empty, formatted cells more.
const MAX_RATIO: u64 = 200;
/// Below this a high ratio does no harm.
const SMALL: u64 = 256 << 20;
/// No workbook has a larger directory.
const MAX_DIRECTORY: u64 = 16 << 20;

/// What is read at once.
const CHUNK: usize = 1 << 16;

/// Not packed at all.
const STORED: u16 = 0;
/// Packed with DEFLATE, as nearly all archives are.
const DEFLATED: u16 = 8;

/// A part of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    /// Where its local header begins in the file.
    pub(super) offset: u64,
    /// How it is packed: [`STORED`], [`DEFLATED`], or in a way that is not read.
    pub(super) method: u16,
    /// Whether it opens with a password only.
    pub(super) is_encrypted: bool,
    /// The checksum of what it unpacks to.
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) unpacked: u64,
}

impl Part {
    pub(super) fn is_bomb(&self) -> bool {
        self.unpacked > SMALL && self.unpacked / MAX_RATIO > self.packed
    }

    /// Whether it is packed in a way that is read.
    pub(super) fn is_readable(&self) -> bool {
        matches!(self.method, STORED | DEFLATED)
    }

    /// Goes to where its data begin: behind its local header, whose names and
    /// extras may differ in length from those of the directory.
    fn seek(&self, file: &mut &File) -> io::Result<()> {
        let header = read_at(file, self.offset, 30)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(damaged());
        }
        let behind = u64::from(u16_at(&header, 26)?) + u64::from(u16_at(&header, 28)?);
        let start = self.offset.saturating_add(30 + behind);
        file.seek(SeekFrom::Start(start)).map(drop)
    }

    /// Reads what it holds, to the end and no further than the directory says, and
    /// compares the checksum there. `packed` counts its packed bytes as they are read.
    pub(super) fn unpack(&self, mut file: &File, packed: Arc<AtomicU64>) -> io::Result<Unpacked> {
        self.seek(&mut file)?;
        packed.store(0, Ordering::Relaxed);
        let counted = Counted {
            inner: file.try_clone()?.take(self.packed),
            packed,
        };
        let source = BufReader::with_capacity(CHUNK, counted);
        let inner: Box<dyn Read + Send> = match self.method {
            STORED => Box::new(source),
            DEFLATED => Box::new(DeflateDecoder::new(source)),
            _ => return Err(invalid("it is packed in another way than with DEFLATE")),
        };
        Ok(Unpacked {
            inner,
            crc: Crc::new(),
            expected: self.crc,
            left: self.unpacked,
        })
    }
}

/// Counts what is read of a packed part.
struct Counted<R> {
    inner: R,
    packed: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.packed.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// What a part holds.
pub(super) struct Unpacked {
    inner: Box<dyn Read + Send>,
    crc: Crc,
    expected: u32,
    /// How many bytes are still to come.
    left: u64,
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let is_end = read == 0 && !buffer.is_empty();
        let more = || invalid("it unpacks to more than the archive says");
        self.left = self.left.checked_sub(read as u64).ok_or_else(more)?;
        if is_end && self.left > 0 {
            return Err(invalid("it unpacks to less than the archive says"));
        }
        if is_end && self.crc.sum() != self.expected {
            return Err(invalid("its checksum is wrong"));
        }
        self.crc.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

/// The central directory of an archive.
#[derive(Debug)]
pub(super) struct Archive {
    pub(super) parts: Vec<Part>,
}

impl Archive {
    /// Reads the directory.
    pub(super) fn read(mut file: &File) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        // The end record is 22 bytes and a comment of up to 64 KiB; before it
        // are the 20 bytes that find the ZIP64 end record.
        let tail_length = length.min(22 + 65_535 + 20);
        let tail = read_at(file, length - tail_length, tail_length)?;
        let is_end = |at: &usize| {
            u16_at(&tail, at + 20).is_ok_and(|comment| at + 22 + usize::from(comment) <= tail.len())
        };
        let end = memmem::rfind_iter(&tail, b"PK\x05\x06").find(is_end);
        let end = end.ok_or_else(damaged)?;
        let record = tail.get(end..).ok_or_else(damaged)?;
        let mut behind = length - tail_length + end as u64;
        let (mut size, mut start) = (
            u64::from(u32_at(record, 12)?),
            u64::from(u32_at(record, 16)?),
        );
        let locator = end.checked_sub(20).and_then(|at| tail.get(at..end));
        if let Some(locator) = locator.filter(|it| it.starts_with(b"PK\x06\x07")) {
            let at = u64_at(locator, 8)?;
            let record = read_at(file, at, 56)?;
            if record.starts_with(b"PK\x06\x06") {
                size = u64_at(&record, 40)?;
                start = u64_at(&record, 48)?;
                behind = at;
            }
        }
        // In an archive behind another file, others find the parts in other places than
        // this does.
        if size > MAX_DIRECTORY || start.checked_add(size) != Some(behind) {
            return Err(damaged());
        }
        let directory = read_at(file, start, size)?;
        let mut parts = Vec::new();
        let mut rest = directory.as_slice();
        while rest.starts_with(b"PK\x01\x02") {
            let (part, length) = part(rest)?;
            parts.push(part);
            rest = rest.get(length..).ok_or_else(damaged)?;
        }
        parts.sort_by_key(|part| part.offset);
        Ok(Self { parts })
    }
}

/// One entry of the directory, and its length.
fn part(entry: &[u8]) -> io::Result<(Part, usize)> {
    let (mut packed, mut unpacked, mut offset) = (
        u64::from(u32_at(entry, 20)?),
        u64::from(u32_at(entry, 24)?),
        u64::from(u32_at(entry, 42)?),
    );
    let name_end = 46 + usize::from(u16_at(entry, 28)?);
    let extra_end = name_end + usize::from(u16_at(entry, 30)?);
    let end = extra_end + usize::from(u16_at(entry, 32)?);
    let name = entry.get(46..name_end).ok_or_else(damaged)?;
    let mut extra = entry.get(name_end..extra_end).ok_or_else(damaged)?;
    // ZIP64: the sizes that do not fit follow in this order.
    while let (Ok(id), Ok(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let end = 4 + usize::from(length);
        if id == 1 {
            let mut at = 4;
            for size in [&mut unpacked, &mut packed, &mut offset] {
                if *size == u64::from(u32::MAX) && at + 8 <= end {
                    *size = u64_at(extra, at)?;
                    at += 8;
                }
            }
        }
        extra = extra.get(end..).unwrap_or_default();
    }
    let part = Part {
        // Some writers take the separator of Windows.
        name: String::from_utf8_lossy(name).replace('\\', "/"),
        offset,
        method: u16_at(entry, 10)?,
        is_encrypted: u16_at(entry, 8)? & 1 == 1,
        crc: u32_at(entry, 16)?,
        packed,
        unpacked,
    };
    Ok((part, end))
}

fn read_at(mut file: &File, start: u64, length: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> io::Result<[u8; N]> {
    bytes
        .get(at..at + N)
        .and_then(|it| it.try_into().ok())
        .ok_or_else(damaged)
}

fn u16_at(bytes: &[u8], at: usize) -> io::Result<u16> {
    bytes_at(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> io::Result<u32> {
    bytes_at(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> io::Result<u64> {
    bytes_at(bytes, at).map(u64::from_le_bytes)
}

/// What is wrong with a part.
fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn damaged() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

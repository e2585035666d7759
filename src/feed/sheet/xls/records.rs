//! The records of an `.xls`, one after the other.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use crate::feed::encoding::{self, Charset};
use crate::feed::sheet::xml::Damage;

/// What is read at once.
const CHUNK: usize = 1 << 16;

/// More of the record before.
const CONTINUE: u16 = 0x003c;
const BOF: u16 = 0x0809;
const EOF: u16 = 0x000a;

/// How texts are written.
#[derive(Clone, Copy, Debug)]
pub(in crate::feed::sheet) enum Letters {
    /// As UTF-16, of which one byte may be left out: BIFF8.
    Wide,
    /// In a code page: BIFF5.
    Bytes(Charset),
}

impl Letters {
    /// What a code page of Windows or Macintosh means, as a workbook numbers it.
    pub(super) fn of_code_page(number: u16) -> Self {
        let label = match number {
            0x8000 | 10_000 => "macintosh".to_owned(),
            0x8001 => "windows-1252".to_owned(),
            number => format!("cp{number}"),
        };
        let charset = encoding::named(&label).or_else(|_| encoding::named("windows-1252"));
        charset.map_or(Self::Bytes(Charset::UTF_8), Self::Bytes)
    }
}

/// Reads one record after the other.
pub(super) struct Records {
    reader: BufReader<File>,
    /// Where the record begins that comes next.
    next: u64,
    /// Where records end.
    end: u64,
    /// What kind of record was read last.
    pub(super) kind: u16,
    body: Vec<u8>,
    /// Where in the body the next value is.
    at: usize,
    /// Substreams in one another, such as charts in a sheet.
    depth: usize,
    /// The substream has ended.
    is_ended: bool,
    /// The record that was read last comes once more.
    is_again: bool,
    /// UTF-16 on its way to text.
    units: Vec<u16>,
}

impl Records {
    /// Reads from `start` on, and not beyond `end`.
    pub(super) fn open(file: &File, start: u64, end: u64) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(CHUNK, file.try_clone()?);
        reader.seek(SeekFrom::Start(start))?;
        Ok(Self {
            reader,
            next: start,
            end,
            kind: 0,
            body: Vec::new(),
            at: 0,
            depth: 0,
            is_ended: false,
            is_again: false,
            units: Vec::new(),
        })
    }

    /// Where the next record begins.
    pub(super) fn position(&self) -> u64 {
        self.next
    }

    /// Goes to a record.
    pub(super) fn seek(&mut self, position: u64) -> io::Result<()> {
        let from = i64::try_from(self.next).unwrap_or(i64::MAX);
        let to = i64::try_from(position).unwrap_or(i64::MAX);
        // Within what is buffered nothing is read again.
        self.reader.seek_relative(to - from)?;
        self.next = position;
        (self.is_ended, self.is_again) = (false, false);
        Ok(())
    }

    /// Reads the next record; false where records end.
    fn read(&mut self) -> Result<bool, Damage> {
        if std::mem::take(&mut self.is_again) {
            self.at = 0;
            return Ok(true);
        }
        let Some(end) = self.next.checked_add(4).filter(|end| *end <= self.end) else {
            return Ok(false);
        };
        let mut header = [0; 4];
        self.reader.read_exact(&mut header)?;
        let [kind, kind_high, length, length_high] = header;
        self.kind = u16::from_le_bytes([kind, kind_high]);
        let length = u16::from_le_bytes([length, length_high]);
        if end + u64::from(length) > self.end {
            return Err(Damage::Unexpected("a record that is cut off"));
        }
        self.body.resize(usize::from(length), 0);
        self.reader.read_exact(&mut self.body)?;
        self.next = end + u64::from(length);
        self.at = 0;
        Ok(true)
    }

    /// Reads the beginning of a substream: its version, and what it is.
    pub(super) fn begin(&mut self) -> Result<Option<(u16, u16)>, Damage> {
        if !self.read()? || self.kind != BOF {
            return Ok(None);
        }
        self.depth = 0;
        Ok(Some((self.u16()?, self.u16()?)))
    }

    /// Reads the next record of the substream, and none of what is in it; false at its end.
    pub(super) fn next(&mut self) -> Result<bool, Damage> {
        while !self.is_ended {
            if !self.read()? {
                return Err(Damage::Unexpected("records without an end"));
            }
            match self.kind {
                BOF => self.depth += 1,
                EOF => match self.depth.checked_sub(1) {
                    Some(depth) => self.depth = depth,
                    None => self.is_ended = true,
                },
                _ if self.depth == 0 => return Ok(true),
                _ => {}
            }
        }
        Ok(false)
    }

    /// How many bytes of the record are still to be read.
    pub(super) fn left(&self) -> usize {
        self.body.len() - self.at
    }

    /// Whether there is something to take, be it in a record that continues this one.
    pub(super) fn goes_on(&mut self) -> Result<bool, Damage> {
        while self.left() == 0 {
            if !self.read()? {
                return Ok(false);
            }
            if self.kind != CONTINUE {
                self.is_again = true;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes sure that there is something to take.
    fn more(&mut self) -> Result<(), Damage> {
        let is_more = self.goes_on()?.then_some(());
        is_more.ok_or(Damage::Unexpected("a text without an end"))
    }

    /// Passes over bytes of the record and those that continue it.
    pub(super) fn skip(&mut self, mut bytes: usize) -> Result<(), Damage> {
        while bytes > 0 {
            self.more()?;
            let here = bytes.min(self.left());
            self.at += here;
            bytes -= here;
        }
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let bytes = self.body.get(self.at..self.at + N);
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        self.at += N;
        bytes.ok_or(Damage::Unexpected("a record that is too short"))
    }

    pub(super) fn u8(&mut self) -> Result<u8, Damage> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Damage> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Damage> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        self.array()
    }

    pub(super) fn f64(&mut self) -> Result<f64, Damage> {
        self.array().map(f64::from_le_bytes)
    }

    /// What of the record is still to be read.
    pub(super) fn rest(&self) -> &[u8] {
        self.body.get(self.at..).unwrap_or_default()
    }

    /// Appends a text, which begins with its length; `is_short` if that is one byte.
    pub(super) fn text(
        &mut self,
        letters: Letters,
        is_short: bool,
        text: &mut String,
    ) -> Result<(), Damage> {
        let length = if is_short {
            usize::from(self.u8()?)
        } else {
            usize::from(self.u16()?)
        };
        match letters {
            Letters::Wide => {
                let flags = if length == 0 && self.left() == 0 {
                    0
                } else {
                    self.u8()?
                };
                self.rich(length, flags, text)
            }
            Letters::Bytes(charset) => self.bytes_as_text(length, charset, text),
        }
    }

    /// Appends a text of that number of units, without what says how to show and pronounce it.
    fn rich(&mut self, length: usize, flags: u8, text: &mut String) -> Result<(), Damage> {
        let runs = if flags & 0x08 == 0 { 0 } else { self.u16()? };
        let extra = if flags & 0x04 == 0 { 0 } else { self.u32()? };
        let (mut left, mut is_wide) = (length, flags & 1 == 1);
        self.units.clear();
        while left > 0 {
            if self.left() == 0 {
                self.more()?;
                // Where a text goes on it says again how wide it is.
                is_wide = self.u8()? & 1 == 1;
                continue;
            }
            let width = if is_wide { 2 } else { 1 };
            let units = left.min(self.left() / width);
            if units == 0 {
                return Err(Damage::Unexpected("half a character"));
            }
            let bytes = self.body.get(self.at..self.at + units * width);
            let bytes = bytes.unwrap_or_default();
            if is_wide {
                let pairs = bytes.chunks_exact(2);
                let unit = |pair: &[u8]| pair.try_into().map_or(0, u16::from_le_bytes);
                self.units.extend(pairs.map(unit));
            } else {
                self.units.extend(bytes.iter().copied().map(u16::from));
            }
            self.at += units * width;
            left -= units;
        }
        let characters = char::decode_utf16(self.units.iter().copied());
        text.extend(characters.map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER)));
        self.skip(4 * usize::from(runs))?;
        self.skip(extra as usize)
    }

    fn bytes_as_text(
        &mut self,
        length: usize,
        charset: Charset,
        text: &mut String,
    ) -> Result<(), Damage> {
        let mut left = length;
        let mut utf8 = Vec::new();
        let mut decoder = charset.decoder();
        while left > 0 {
            self.more()?;
            let here = left.min(self.left());
            let bytes = self.body.get(self.at..self.at + here);
            decoder.decode(bytes.unwrap_or_default(), here == left, &mut utf8);
            self.at += here;
            left -= here;
        }
        text.push_str(&String::from_utf8_lossy(&utf8));
        Ok(())
    }
}

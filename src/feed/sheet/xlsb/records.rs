//! The records of a part of an `.xlsb`, one after the other.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::feed::sheet::xml::{Damage, MAX_PIECE};
use crate::feed::zip::{Part, Unpacked};

/// What is read at once.
const CHUNK: usize = 1 << 16;

/// Reads one record after the other.
pub(super) struct Records {
    reader: BufReader<Unpacked>,
    /// What kind of record was read last.
    pub(super) kind: u16,
    /// The bytes of its body that were not held.
    unread: u64,
    body: Vec<u8>,
    /// Where in the body the next value is.
    at: usize,
    /// UTF-16 on its way to text.
    units: Vec<u16>,
}

impl Records {
    /// Begins to read a part. `packed` counts its packed bytes as they are read.
    pub(super) fn open(file: &File, part: &Part, packed: Arc<AtomicU64>) -> io::Result<Self> {
        let unpacked = part.unpack(file, packed)?;
        Ok(Self {
            reader: BufReader::with_capacity(CHUNK, unpacked),
            kind: 0,
            unread: 0,
            body: Vec::new(),
            at: 0,
            units: Vec::new(),
        })
    }

    /// Goes to the next record whose kind `wants` says yes to; false at the end of the part.
    pub(super) fn next(&mut self, wants: impl Fn(u16) -> bool) -> Result<bool, Damage> {
        loop {
            self.pass_over()?;
            if self.reader.fill_buf()?.is_empty() {
                return Ok(false);
            }
            let first = self.byte()?;
            // Seven bits each, the lowest first; the highest bit says that more follow.
            self.kind = u16::from(first & 0x7f);
            if first & 0x80 != 0 {
                self.kind |= u16::from(self.byte()? & 0x7f) << 7;
            }
            let mut length = 0_u64;
            for shift in [0, 7, 14, 21] {
                let byte = self.byte()?;
                length |= u64::from(byte & 0x7f) << shift;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            self.unread = length;
            if wants(self.kind) {
                self.hold(length)?;
                return Ok(true);
            }
        }
    }

    /// Reads the body.
    fn hold(&mut self, length: u64) -> Result<(), Damage> {
        if length > MAX_PIECE as u64 {
            return Err(Damage::TooLong);
        }
        self.body.clear();
        self.at = 0;
        // No more is reserved than there is.
        let read = (&mut self.reader)
            .take(length)
            .read_to_end(&mut self.body)?;
        if read as u64 != length {
            return Err(Damage::Unexpected("a record that is cut off"));
        }
        self.unread = 0;
        Ok(())
    }

    fn pass_over(&mut self) -> Result<(), Damage> {
        let unread = std::mem::take(&mut self.unread);
        let passed = io::copy(&mut (&mut self.reader).take(unread), &mut io::sink())?;
        if passed != unread {
            return Err(Damage::Unexpected("a record that is cut off"));
        }
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, Damage> {
        let mut byte = [0];
        self.reader.read_exact(&mut byte)?;
        let [byte] = byte;
        Ok(byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let bytes = self.body.get(self.at..self.at + N);
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        self.at += N;
        bytes.ok_or(Damage::Unexpected("a record that is too short"))
    }

    pub(super) fn skip<const N: usize>(&mut self) -> Result<(), Damage> {
        self.array::<N>().map(drop)
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

    pub(super) fn f64(&mut self) -> Result<f64, Damage> {
        self.array().map(f64::from_le_bytes)
    }

    /// What of the record is still to be read.
    pub(super) fn rest(&self) -> &[u8] {
        self.body.get(self.at..).unwrap_or_default()
    }

    /// Appends a text, which begins with its length; one that is missing is empty.
    pub(super) fn text(&mut self, text: &mut String) -> Result<(), Damage> {
        let length = match self.u32()? {
            u32::MAX => 0,
            length => length as usize,
        };
        let end = length
            .checked_mul(2)
            .and_then(|bytes| bytes.checked_add(self.at));
        let bytes = end.and_then(|end| self.body.get(self.at..end));
        let bytes = bytes.ok_or(Damage::Unexpected("a text without an end"))?;
        self.units.clear();
        let unit = |pair: &[u8]| pair.try_into().map_or(0, u16::from_le_bytes);
        self.units.extend(bytes.chunks_exact(2).map(unit));
        self.at += bytes.len();
        let characters = char::decode_utf16(self.units.iter().copied());
        text.extend(characters.map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER)));
        Ok(())
    }
}

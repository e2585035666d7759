//! What is kept of people whom the LMS lists, where they are too many for memory.

use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write as _};

use tempfile::SpooledTempFile;

use super::UploadError;

/// How much is kept in memory, in bytes.
const IN_MEMORY: usize = 1 << 20;

/// Records of some texts each, one after the other: in memory, or from a megabyte on
/// in a file without a name, which vanishes when it is closed.
#[derive(Debug)]
pub struct Kept {
    file: SpooledTempFile,
    records: u64,
    failed: Option<io::Error>,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            file: SpooledTempFile::new(IN_MEMORY),
            records: 0,
            failed: None,
        }
    }
}

impl Kept {
    /// Adds a record. What cannot be written is an error of [`Kept::read`].
    pub fn add<const N: usize>(&mut self, texts: [&[u8]; N]) {
        self.records += 1;
        if self.failed.is_none() {
            self.failed = self.write(&texts).err();
        }
    }

    fn write(&mut self, texts: &[&[u8]]) -> io::Result<()> {
        let mut record = Vec::with_capacity(256);
        for text in texts {
            let length = u32::try_from(text.len()).map_err(io::Error::other)?;
            record.extend_from_slice(&length.to_le_bytes());
            record.extend_from_slice(text);
        }
        self.file.write_all(&record)
    }

    /// How many records there are.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// Hands all records out, in the order in which they were added.
    ///
    /// # Errors
    /// The file could not be written, or cannot be read.
    pub fn read<const N: usize>(
        self,
        mut each: impl FnMut([Vec<u8>; N]),
    ) -> Result<(), UploadError> {
        let read = || -> io::Result<()> {
            let mut file = self.failed.map_or(Ok(self.file), Err)?;
            file.seek(SeekFrom::Start(0))?;
            let mut file = BufReader::new(file);
            for _ in 0..self.records {
                let mut texts = [const { Vec::new() }; N];
                for text in &mut texts {
                    *text = read_text(&mut file)?;
                }
                each(texts);
            }
            Ok(())
        };
        read().map_err(UploadError::Kept)
    }
}

fn read_text(file: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    file.read_exact(&mut length)?;
    let length = u64::from(u32::from_le_bytes(length));
    let mut text = Vec::new();
    if file.take(length).read_to_end(&mut text)? as u64 == length {
        Ok(text)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_as_they_were_and_many_are_in_a_file() {
        let mut kept = Kept::default();
        let text = |number: u32| number.to_string().repeat(10);
        for number in 0..50_000 {
            kept.add([text(number).as_bytes(), b"", b"\0\n"]);
        }
        assert_eq!(kept.records(), 50_000);
        assert!(kept.file.is_rolled(), "they are in memory");
        let mut number = 0;
        let each = |record: [Vec<u8>; 3]| {
            assert_eq!(
                record,
                [text(number).into_bytes(), vec![], b"\0\n".to_vec()]
            );
            number += 1;
        };
        kept.read(each).unwrap();
        assert_eq!(number, 50_000);
    }

    #[test]
    fn what_was_cut_off_is_an_error() {
        let mut kept = Kept::default();
        kept.add([b"whole".as_slice(), b"text"]);
        kept.records += 1;
        let read = kept.read(|_: [Vec<u8>; 2]| {});
        assert!(matches!(read, Err(UploadError::Kept(_))), "{read:?}");
    }
}

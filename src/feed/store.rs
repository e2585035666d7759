//! Rows that are kept for later, each in a few bytes of memory: their bytes are in a
//! private file.
//!
//! The file has no name (or, on Windows, vanishes when it is closed) and is readable by
//! the user alone: it holds people's data.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::FeedError;
use super::spool::Copy;

/// The length of a row is in front of it.
const LENGTH: usize = size_of::<u32>();
/// Most rows are read at once.
const USUAL: usize = 512;

/// Rows in a private file.
#[derive(Debug)]
pub struct Store {
    /// The file that they are of, for messages.
    path: Arc<Path>,
    copy: Copy,
}

impl Store {
    /// An empty store for the rows of a file.
    ///
    /// # Errors
    /// No temporary file can be made.
    pub fn new(path: &Arc<Path>) -> Result<Self, FeedError> {
        Ok(Self {
            path: path.clone(),
            copy: Copy::new(path, 0)?,
        })
    }

    /// Puts a row behind others in `rows`, which go into a store together. Returns where
    /// it begins there.
    pub fn pack(rows: &mut Vec<u8>, row: &[u8]) -> u64 {
        let place = rows.len() as u64;
        // A row is bounded far below four gigabytes.
        let length = u32::try_from(row.len()).unwrap_or(u32::MAX);
        rows.extend_from_slice(&length.to_le_bytes());
        rows.extend_from_slice(row);
        place
    }

    /// Adds packed rows. Returns the place of the first.
    ///
    /// # Errors
    /// The file cannot be written, or the disk is nearly full.
    pub fn append(&mut self, rows: &[u8]) -> Result<u64, FeedError> {
        let place = self.copy.length();
        self.copy.write(rows)?;
        Ok(place)
    }

    /// Reads the row at a place.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&self, place: u64, row: &mut Vec<u8>) -> Result<(), FeedError> {
        let failed = |source| FeedError::read(&self.path, place)(source);
        row.resize(USUAL, 0);
        let read = read_at(self.copy.file(), row, place).map_err(failed)?;
        let length = row.first_chunk().copied().map(u32::from_le_bytes);
        let length = length.and_then(|length| usize::try_from(length).ok());
        let whole = LENGTH + length.unwrap_or(0);
        row.resize(whole, 0);
        if read < whole {
            let more = row.get_mut(read..).unwrap_or_default();
            let missing = more.len();
            let at = place + read as u64;
            if read_at(self.copy.file(), more, at).map_err(failed)? < missing {
                return Err(failed(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        row.drain(..LENGTH);
        Ok(())
    }
}

/// Reads at a place, without moving to it, as much as there is.
fn read_at(file: &File, buffer: &mut [u8], place: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match read_some(file, rest, place + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(unix)]
fn read_some(file: &File, buffer: &mut [u8], place: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, place)
}

#[cfg(windows)]
fn read_some(file: &File, buffer: &mut [u8], place: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_any_length_are_read_as_they_were_put_in() {
        let mut store = Store::new(&Arc::from(Path::new("f.csv"))).unwrap();
        let rows = [0, 1, USUAL - LENGTH, USUAL - LENGTH + 1, USUAL, 100_000];
        let rows = rows.map(|length| (0_u8..251).cycle().take(length).collect::<Vec<_>>());
        let mut places = Vec::new();
        for pair in rows.chunks(2) {
            let mut packed = Vec::new();
            let within = pair.iter().map(|row| Store::pack(&mut packed, row));
            let within: Vec<_> = within.collect();
            let first = store.append(&packed).unwrap();
            places.extend(within.into_iter().map(|place| first + place));
        }
        let mut read = Vec::new();
        for (row, place) in rows.iter().zip(places).rev() {
            store.read(place, &mut read).unwrap();
            assert_eq!(&read, row);
        }
    }
}

//! A feed that hrfeed writes itself: comma-separated, in UTF-8, in a file without a name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::source::FeedCopy;
use super::spool::{Copy, Opened};
use super::{FeedError, FeedSource};

/// How many bytes are written at a time, about.
const AT_ONCE: usize = 1 << 17;

/// A feed that is being written.
#[derive(Debug)]
pub struct OwnFeed {
    place: PathBuf,
    csv: csv::Writer<Vec<u8>>,
    copy: Copy,
    digest: Sha256,
    unwritten: usize,
}

impl OwnFeed {
    /// Begins a feed with these columns; `place` is what messages call it.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn new<'a>(
        place: PathBuf,
        columns: impl Iterator<Item = &'a str>,
    ) -> Result<Self, FeedError> {
        let path: Arc<Path> = place.as_path().into();
        let mut feed = Self {
            place,
            csv: csv::Writer::from_writer(Vec::new()),
            copy: Copy::new(&path, 0)?,
            digest: Sha256::new(),
            unwritten: 0,
        };
        feed.write(columns.map(str::to_owned))?;
        Ok(feed)
    }

    /// Adds a row, with a cell for each column.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn write(&mut self, cells: impl Iterator<Item = String>) -> Result<(), FeedError> {
        for cell in cells {
            self.unwritten += cell.len() + 1;
            self.csv
                .write_field(cell)
                .map_err(|error| self.failed(error.into()))?;
        }
        self.csv
            .write_record(None::<&[u8]>)
            .map_err(|error| self.failed(error.into()))?;
        if self.unwritten < AT_ONCE {
            return Ok(());
        }
        self.write_out()
    }

    /// The feed, to be read.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn finish(mut self) -> Result<FeedSource, FeedError> {
        self.write_out()?;
        let sha256 = self.digest.finalize().into();
        let Opened { file, length, .. } = self.copy.finish(Some(sha256))?;
        Ok(FeedSource::Copy(FeedCopy {
            address: self.place,
            file: Arc::new(file),
            length,
            sha256,
            modified: None,
        }))
    }

    fn write_out(&mut self) -> Result<(), FeedError> {
        let next = csv::Writer::from_writer(Vec::new());
        let written = std::mem::replace(&mut self.csv, next).into_inner();
        let bytes = written.map_err(|error| self.failed(error.into_error()))?;
        self.digest.update(&bytes);
        self.unwritten = 0;
        self.copy.write(&bytes)
    }

    fn failed(&self, source: std::io::Error) -> FeedError {
        FeedError::Spool {
            path: self.place.as_path().into(),
            folder: tempfile::env::temp_dir().into(),
            source,
        }
    }
}

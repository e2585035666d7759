//! What other files add to the records of a feed: cells, and whether the row counts.
//!
//! The columns of a feed that is extended are its own, and then those of each joined
//! file, with its name in front. The cells of all rows of one person are behind these, in the same order: see
//! [`Feed::all_of`].

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::last_row::FileEnd;
use super::{Feed, FeedError, Record};
use crate::model::{Remarked, RowNumber};

/// Adds to each record what is known of its person beside the row.
pub trait Extension: fmt::Debug + Send + Sync {
    /// Adds to a record whose own cells are read.
    ///
    /// # Errors
    /// What is kept of the other files cannot be read.
    fn extend(&self, record: &mut Record) -> Result<(), FeedError>;

    /// The facts of each joined file, known after a complete pass.
    fn joined(&self) -> Vec<JoinedFacts<'_>>;

    /// The rows of the feed about whose people a row of a joined file may be that has a
    /// damaged key, and why. Known after a complete pass.
    fn uncertain_rows(&self) -> Vec<(RowNumber, String)>;

    /// What a person should hear, known after a complete pass.
    fn remarks(&self) -> Vec<Remarked>;
}

/// The columns of a file that is joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedColumns {
    /// What the mapping calls the file: `contracts`.
    pub name: String,
    /// The file as a person sees it: `contracts.csv`.
    pub file: Arc<str>,
    /// Its columns.
    pub columns: Vec<String>,
    /// Names that several of them have.
    pub duplicates: Vec<String>,
    /// The column of the keys, if the feed's column of them has the same name.
    pub same_key: Option<usize>,
}

impl JoinedColumns {
    /// The names of its columns with its own in front: `contracts.Start`.
    pub fn qualified(&self) -> impl Iterator<Item = String> {
        let names = self.columns.iter();
        names.map(|column| format!("{}.{column}", self.name))
    }
}

/// What a joined file is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinedFacts<'a> {
    /// The file as a person sees it: `contracts.csv`.
    pub file: &'a Arc<str>,
    /// Where it is.
    pub path: &'a Arc<Path>,
    /// The names of the columns of keys: the feed's and its own.
    pub key: [&'a str; 2],
    /// How their first keys look: `A00000`, where `0` is a digit and `A` a letter.
    pub shapes: [&'a str; 2],
    /// Its rows that the mapping does not leave out.
    pub rows: u64,
    /// Those of them of which nobody can say whose they are.
    pub nobodys: u64,
    /// How it ends.
    pub end: FileEnd,
    /// Its digest.
    pub sha256: Option<[u8; 32]>,
}

impl JoinedFacts<'_> {
    /// Which keys the feed and the file have, as the end of a sentence.
    #[must_use]
    pub fn keys(&self) -> Box<str> {
        let [of_feed, of_file] = self.key;
        let [like, other] = self.shapes;
        format!(
            "no key of its column `{of_file}` is in column `{of_feed}` of the feed, where keys look \
             like `{like}`; in the file they look like `{other}`"
        )
        .into()
    }
}

/// How a feed is extended.
#[derive(Debug, Default)]
pub(super) struct Extended {
    files: Vec<JoinedColumns>,
    /// The feed's own columns and those of the files.
    columns: Vec<String>,
    by: Option<Arc<dyn Extension>>,
}

impl Feed {
    /// Adds the columns of other files. Their cells come with [`Feed::extend_by`].
    #[must_use]
    pub fn with_joined_columns(mut self, files: Vec<JoinedColumns>) -> Self {
        let own = self.own_columns().to_vec();
        let joined = files.iter().flat_map(JoinedColumns::qualified);
        self.extended.columns = own.into_iter().chain(joined).collect();
        self.extended.files = files;
        self
    }

    /// From now on, `extension` adds to each record.
    pub fn extend_by(&mut self, extension: Arc<dyn Extension>) {
        self.extended.by = Some(extension);
    }

    /// The columns of the joined files.
    pub fn joined_columns(&self) -> &[JoinedColumns] {
        &self.extended.files
    }

    /// The names of all columns: the feed's own and those of joined files.
    pub fn columns(&self) -> &[String] {
        if self.extended.files.is_empty() {
            return self.own_columns();
        }
        &self.extended.columns
    }

    /// Where the cells of all rows of a person are, for a column of that number.
    pub fn all_of(&self, column: usize) -> usize {
        self.columns().len() + column
    }

    /// What the joined files are like.
    pub fn joined(&self) -> Vec<JoinedFacts<'_>> {
        self.extended
            .by
            .as_ref()
            .map_or_else(Vec::new, |extension| extension.joined())
    }

    /// The rows about whose people a row of a joined file may be that has a damaged key, and
    /// why. Known after a complete pass.
    pub fn uncertain_rows(&self) -> Vec<(RowNumber, String)> {
        let extension = self.extended.by.as_ref();
        extension.map_or_else(Vec::new, |extension| extension.uncertain_rows())
    }

    /// What extends the records.
    pub(super) fn extension(&self) -> Option<Arc<dyn Extension>> {
        self.extended.by.clone()
    }

    /// The SHA-256 of the joined files: of several, that of their digests one after the
    /// other. `None` if nothing is joined.
    pub fn joined_sha256(&self) -> Option<[u8; 32]> {
        let joined = self.joined();
        let digests: Vec<_> = joined.iter().filter_map(|file| file.sha256).collect();
        match digests.as_slice() {
            [] => None,
            [only] => Some(*only),
            several => Some(Sha256::digest(several.concat()).into()),
        }
    }
}

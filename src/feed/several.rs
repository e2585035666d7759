//! Several files, one after the other, are one feed.
//!
//! They are of one program: the same columns in the same order. The header of the first
//! counts.

use std::path::Path;
use std::sync::Arc;

use super::file::FeedFile;
use super::{FeedError, FeedOptions, FeedSource, column_letters};
use crate::headers::normalized;
use crate::model::MAX_FEED_FILES;

/// Why several files are not one feed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeveralError {
    /// There are more than can be open at once.
    #[error("`{}` has {files} files; one feed has at most {MAX_FEED_FILES}", place.display())]
    TooMany {
        /// Their folder or pattern.
        place: Arc<Path>,
        /// How many there are.
        files: usize,
    },
    /// A file has other columns than the first one.
    #[error(
        "`{}` has other columns than `{}`: its column {column} is {}, not {}",
        path.display(), first.display(), named(name.as_deref()), named(expected.as_deref())
    )]
    OtherColumns {
        /// The file.
        path: Arc<Path>,
        /// The first file of the feed.
        first: Arc<Path>,
        /// The letters of the first column that differs: `C`.
        column: String,
        /// What the file calls it, if it has one.
        name: Option<Box<str>>,
        /// What the first file calls it, if it has one.
        expected: Option<Box<str>>,
    },
}

impl SeveralError {
    /// What to do about it, as a sentence without a full stop.
    pub(super) fn help(&self) -> String {
        match self {
            Self::TooMany { .. } => "let the HR system export fewer files, or join them".into(),
            Self::OtherColumns { path, .. } => {
                let path = path.display();
                format!(
                    "the files of one feed have the same columns in the same order: export them \
                     alike, or import `{path}` with a mapping of its own"
                )
            }
        }
    }
}

fn named(column: Option<&str>) -> String {
    column.map_or_else(|| "missing".into(), |name| format!("`{name}`"))
}

/// Opens the files of a feed: the first, and the others.
pub(super) fn open(
    place: &Arc<Path>,
    files: &[FeedSource],
    options: &FeedOptions,
) -> Result<(FeedFile, Vec<FeedFile>), FeedError> {
    let mut numbered = files.iter().zip(1..=MAX_FEED_FILES);
    let Some((source, number)) = numbered.next() else {
        return Err(FeedError::NotFound(place.clone()));
    };
    if files.len() > usize::from(MAX_FEED_FILES) {
        let (place, files) = (place.clone(), files.len());
        return Err(SeveralError::TooMany { place, files }.into());
    }
    let first = FeedFile::open(source, number, options)?;
    let mut others = Vec::new();
    for (source, number) in numbered {
        let file = FeedFile::open(source, number, options)?;
        same_columns(&first, &file)?;
        others.push(file);
    }
    Ok((first, others))
}

/// Makes sure that a file has the columns of the first one, in the same order.
fn same_columns(first: &FeedFile, file: &FeedFile) -> Result<(), FeedError> {
    let (one, other) = (first.columns(), file.columns());
    let is_same = |(one, other): (&String, &String)| {
        one == other || (normalized(one) == normalized(other) && !normalized(one).is_empty())
    };
    let same = one.iter().zip(other).take_while(|it| is_same(*it)).count();
    if same == one.len() && same == other.len() {
        return Ok(());
    }
    Err(SeveralError::OtherColumns {
        path: file.path.clone(),
        first: first.path.clone(),
        column: column_letters(same),
        name: other.get(same).map(|name| name.as_str().into()),
        expected: one.get(same).map(|name| name.as_str().into()),
    }
    .into())
}

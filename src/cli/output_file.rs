//! Files that commands write: whole or not at all, and over nothing that is not
//! their own.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::context::{Context, PrintError};
use super::exit::Failure;
use crate::report;

/// Where a command writes to, if not to stdout.
#[derive(Clone, Debug, Args)]
pub(super) struct OutputArgs {
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Replace that file, whatever it is
    #[arg(long, requires = "output")]
    pub(super) force: bool,
}

/// What a file is that a command writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The page about a run.
    Report,
    /// Rows or people.
    Export,
    /// A mapping, which a person edits.
    Mapping,
    /// The figures of a run, for a monitor.
    Metrics,
    /// A plan that is kept.
    Plan,
    /// A schema, which an editor reads.
    Schema,
}

impl Kind {
    /// Whether a file that begins so is one that hrfeed wrote, and nobody's work.
    fn is_own(self, start: &[u8]) -> bool {
        match self {
            Self::Report => report::is_page(start),
            Self::Export => report::is_export(start),
            Self::Mapping => false,
            Self::Metrics => report::is_metrics(start),
            Self::Plan => report::is_plan(start),
            Self::Schema => report::is_schema(start),
        }
    }

    const fn refusal(self) -> (&'static str, &'static str) {
        match self {
            Self::Report => (
                "exists and is not a report of hrfeed",
                "choose another file, or delete it first",
            ),
            Self::Export => (
                "exists, and hrfeed cannot see that it wrote this file",
                "choose another file, or add `--force` to replace it",
            ),
            Self::Metrics => (
                "exists and is not a file of metrics that hrfeed wrote",
                "choose another file, or delete it first",
            ),
            Self::Plan => (
                "exists and is not a plan that hrfeed wrote",
                "choose another file, or add `--force` to replace it",
            ),
            Self::Schema => (
                "exists and is not a schema that hrfeed wrote",
                "choose another file, or add `--force` to replace it",
            ),
            Self::Mapping => (
                "already exists",
                "choose another file, or add `--force` to overwrite it",
            ),
        }
    }
}

/// A file to write.
#[derive(Debug)]
pub(super) struct OutputFile<'a> {
    path: &'a Path,
    kind: Kind,
    force: bool,
    /// Never replaced, each with what it is.
    keep: Vec<(PathBuf, &'static str)>,
}

impl<'a> OutputFile<'a> {
    /// The file at `path`. What is there is replaced if hrfeed wrote it, or by `force`.
    pub(super) fn new(path: &'a Path, kind: Kind, force: bool) -> Self {
        Self {
            path,
            kind,
            force,
            keep: Vec::new(),
        }
    }

    /// The same, never over the file at `path`, which is `what`.
    pub(super) fn but(mut self, path: impl Into<PathBuf>, what: &'static str) -> Self {
        self.keep.push((path.into(), what));
        self
    }

    /// Makes sure that it may be written: before the work for it is done.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.place().map(drop)
    }

    /// Writes what `write` writes, and says so. A device or a pipe may take a part.
    pub(super) fn write(
        &self,
        context: &Context,
        write: impl FnOnce(&mut dyn Write) -> Result<(), PrintError>,
    ) -> Result<(), Failure> {
        let written = |result: Result<(), PrintError>| match result {
            Ok(()) | Err(PrintError::Enough) => Ok(()),
            Err(PrintError::Io(error)) => Err(self.failed(&error)),
            Err(PrintError::Failed(failure)) => Err(failure),
        };
        let place = self.place()?;
        if let Place::Stream = place {
            let mut stream = fs::OpenOptions::new()
                .write(true)
                .open(self.path)
                .map_err(|error| self.failed(&error))?;
            written(write(&mut stream))?;
        } else {
            // A link stays one, and what it leads to is written.
            let path = match self.path.canonicalize() {
                Ok(real) if place == Place::Replaced => real,
                _ => self.path.to_path_buf(),
            };
            let mut file = tempfile::Builder::new()
                .prefix(".hrfeed-")
                .tempfile_in(folder_of(&path))
                .map_err(|error| self.failed(&error))?;
            written(write(&mut file))?;
            let kept = file
                .as_file()
                .sync_all()
                .and_then(|()| self.open_to_readers(file.as_file()));
            kept.map_err(|error| self.failed(&error))?;
            let kept = if place == Place::New {
                match file.persist_noclobber(&path) {
                    Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
                        return Err(self.refused());
                    }
                    // Not every file system can do that.
                    Err(error) => error.file.persist(&path),
                    kept => kept,
                }
            } else {
                file.persist(&path)
            };
            // Where this fails, the temporary file goes with it.
            kept.map_err(|error| self.failed(&error.error))?;
        }
        context.note(&format!("Wrote {}", self.path.display()));
        Ok(())
    }

    fn place(&self) -> Result<Place, Failure> {
        let about = match fs::metadata(self.path) {
            Ok(about) => about,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Place::New),
            Err(error) => return Err(self.failed(&error)),
        };
        if about.is_dir() {
            return Err(self.failed(&io::Error::other("it is a folder")));
        }
        if is_disk(&about) {
            return Err(Failure::usage(
                format!("`{}` is a disk", self.path.display()),
                "give the path of a file",
            ));
        }
        if !about.is_file() {
            return Ok(Place::Stream);
        }
        let start = start_of(self.path).map_err(|error| self.failed(&error))?;
        self.keep_what_must_stay(&start)?;
        if self.force || self.kind.is_own(&start) {
            Ok(Place::Replaced)
        } else {
            Err(self.refused())
        }
    }

    /// Refuses what not even `--force` replaces.
    fn keep_what_must_stay(&self, start: &[u8]) -> Result<(), Failure> {
        let real = self.path.canonicalize().ok();
        let kept = self.keep.iter().find_map(|(path, what)| {
            let is_this = path.canonicalize().is_ok_and(|it| Some(it) == real);
            is_this.then_some(*what)
        });
        let is_of_journal = OF_JOURNALS.iter().any(|begin| start.starts_with(begin));
        match kept.or(is_of_journal.then_some("a part of a journal or another database")) {
            None => Ok(()),
            Some(what) => Err(Failure::usage(
                format!("`{}` is {what} and is not replaced", self.path.display()),
                "choose another file",
            )),
        }
    }

    fn refused(&self) -> Failure {
        let (what, help) = self.kind.refusal();
        Failure::usage(format!("`{}` {what}", self.path.display()), help)
    }

    fn failed(&self, error: &io::Error) -> Failure {
        let mut failure =
            Failure::machine(format!("cannot write `{}`: {error}", self.path.display()));
        failure.help = Some("check that the folder exists and can be written to".into());
        failure
    }

    /// A temporary file is for its owner alone, which is right for data of people; a
    /// mapping and figures are as readable as any other file.
    #[cfg(unix)]
    fn open_to_readers(&self, file: &File) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        match self.kind {
            Kind::Mapping | Kind::Metrics | Kind::Schema => {
                file.set_permissions(fs::Permissions::from_mode(0o644))
            }
            Kind::Report | Kind::Export | Kind::Plan => Ok(()),
        }
    }

    /// On Windows a file takes the rights of its folder.
    #[cfg(not(unix))]
    fn open_to_readers(&self, _file: &File) -> io::Result<()> {
        Ok(())
    }
}

/// How an SQLite file begins, and its log and the log's index beside it.
const OF_JOURNALS: [&[u8]; 4] = [
    b"SQLite format 3\0",
    b"\x37\x7f\x06\x82",
    b"\x37\x7f\x06\x83",
    b"\x18\xe2\x2d\0",
];

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing yet.
    New,
    /// A file that may be replaced.
    Replaced,
    /// A device or a pipe, which is written to.
    Stream,
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// As much of a file as shows what it is.
fn start_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    File::open(path)?.take(1 << 16).read_to_end(&mut start)?;
    Ok(start)
}

#[cfg(unix)]
fn is_disk(about: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    about.file_type().is_block_device()
}

/// A disk has a name of its own kind there, which is not a path of a file.
#[cfg(not(unix))]
fn is_disk(_about: &Metadata) -> bool {
    false
}

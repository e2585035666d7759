//! Files of other machines.
//!
//! A server is asked what is there, and a feed is copied to a private file of this
//! machine, from which it is read. Every wait for a server has an end, and a stop ends it
//! at once.

mod copy;
mod objects;
mod pattern;
mod sftp;
mod tls;
mod web;

use std::cell::RefCell;
use std::ffi::OsStr;
use std::future::Future;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Runtime;

use self::copy::CopyBeingMade;
use self::objects::Objects;
use self::sftp::Sftp;
use self::web::Web;
use super::access::Access;
use super::address::{Address, Scheme};
use super::store::{Look, Meant, Names, Store, is_pattern};
use super::{Fetched, PickUpError, Picked, Problem};
use crate::model::Secret;

/// How often a stop is asked for.
const STEP: Duration = Duration::from_millis(100);
/// How often a server is asked while a feed is waited for: it serves others too.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);
/// How often a file is fetched that changes while it is fetched.
const ATTEMPTS: usize = 3;
/// The most files to choose among, and the most folders that a pattern leads through.
const MAX_FILES: usize = 100_000;

/// What a server has.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// As [`Address::path`] is written.
    path: String,
    is_folder: bool,
    length: Option<u64>,
    modified: Option<Timestamp>,
    tag: Option<String>,
}

impl Entry {
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// Which entries of a folder are kept.
type Kept<'a> = &'a dyn Fn(&Entry) -> bool;

/// Who is asked.
enum Server {
    Sftp(Sftp),
    Objects(Objects),
    Web(Web),
}

impl Server {
    /// What is there under a path, links followed.
    async fn entry(&mut self, path: &str) -> Result<Option<Entry>, Problem> {
        match self {
            Self::Sftp(server) => server.entry(path).await,
            Self::Objects(server) => server.entry(path).await,
            Self::Web(server) => server.entry(path).await,
        }
    }

    async fn list(&mut self, folder: &str, kept: Kept<'_>) -> Result<Vec<Entry>, Problem> {
        match self {
            Self::Sftp(server) => server.list(folder, kept).await,
            Self::Objects(server) => server.list(folder, kept).await,
            Self::Web(_) => Err(Problem::Unsupported(
                "a web server has no list of its files",
            )),
        }
    }

    async fn read(&mut self, path: &str, into: &mut CopyBeingMade) -> Result<(), Problem> {
        match self {
            Self::Sftp(server) => server.read(path, into).await,
            Self::Objects(server) => server.read(path, into).await,
            Self::Web(server) => server.read(path, into).await,
        }
    }
}

/// The files of another machine, as far as one address leads.
pub(super) struct Remote<'a> {
    address: Address,
    server: RefCell<Server>,
    runtime: Runtime,
    max_bytes: u64,
    is_stopped: &'a dyn Fn() -> bool,
    /// The copies of the files of the feed, each with what it was when it was copied.
    fetched: RefCell<Vec<(Look, Fetched)>>,
}

impl<'a> Remote<'a> {
    pub(super) fn new(
        address: Address,
        access: &Access<Secret>,
        max_bytes: u64,
        is_stopped: &'a dyn Fn() -> bool,
    ) -> Result<Self, PickUpError> {
        let server = match address.scheme {
            Scheme::Sftp => Sftp::new(&address, access).map(Server::Sftp),
            Scheme::Web => Web::new(&address, access).map(Server::Web),
            Scheme::S3 | Scheme::Azure | Scheme::Google => {
                Objects::new(&address, access).map(Server::Objects)
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Problem::Machine(error.to_string()));
        let failed = |problem| PickUpError::Remote {
            path: address.shown(),
            problem,
        };
        let (server, runtime) = (server.map_err(failed)?, runtime.map_err(failed)?);
        Ok(Self {
            address,
            server: RefCell::new(server),
            runtime,
            max_bytes,
            is_stopped,
            fetched: RefCell::default(),
        })
    }

    /// What is asked for, without anything secret.
    pub(super) fn named(&self) -> PathBuf {
        self.address.shown()
    }

    /// The copies of these files.
    pub(super) fn into_picked(self, files: &[PathBuf]) -> Result<Vec<Picked>, PickUpError> {
        let mut fetched = self.fetched.into_inner();
        let picked = files.iter().map(|path| {
            let copy = fetched.iter().position(|(look, _)| look.path == *path);
            let copy = copy.map(|at| fetched.swap_remove(at).1);
            let path = path.clone();
            match copy {
                Some(copy) => Ok(Picked {
                    path,
                    copy: Some(copy),
                }),
                None => Err(PickUpError::Remote {
                    path,
                    problem: Problem::NotFound,
                }),
            }
        });
        picked.collect()
    }

    /// Carries out what is asked of the server, or ends it at a stop.
    fn ask<T>(
        &self,
        path: &Path,
        question: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, PickUpError> {
        let answer = self.runtime.block_on(async {
            tokio::select! {
                answer = question => answer,
                () = stopped(self.is_stopped) => Err(Problem::Stopped),
            }
        });
        answer.map_err(|problem| match problem {
            Problem::Stopped => PickUpError::Stopped {
                why: format!("`{}` was being asked for", path.display()),
            },
            problem => PickUpError::Remote {
                path: path.into(),
                problem,
            },
        })
    }

    fn entry(&self, path: &Path) -> Result<Option<Entry>, PickUpError> {
        let asked = self.address.path_of(path);
        let mut server = self.server.borrow_mut();
        self.ask(path, server.entry(&asked))
    }

    fn look_of(&self, entry: Entry) -> Look {
        Look {
            path: self.path(&entry.path),
            length: entry.length,
            modified: entry.modified,
            tag: entry.tag,
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("{}{path}", self.address.base))
    }

    fn looks(&self, entries: Vec<Entry>) -> Vec<Look> {
        let files = entries.into_iter().filter(|entry| !entry.is_folder);
        files.map(|entry| self.look_of(entry)).collect()
    }

    /// Copies a file, and says what was there afterwards.
    fn copy(&self, feed: &Look) -> Result<(Option<Look>, Fetched), PickUpError> {
        let asked = self.address.path_of(&feed.path);
        let failed = |problem| PickUpError::Remote {
            path: feed.path.clone(),
            problem,
        };
        let mut copy = CopyBeingMade::new(feed.length, self.max_bytes).map_err(failed)?;
        let mut server = self.server.borrow_mut();
        self.ask(&feed.path, server.read(&asked, &mut copy))?;
        drop(server);
        tracing::debug!(feed = %feed.path.display(), bytes = copy.length(), "copied the feed");
        let after = self.look(&feed.path)?;
        Ok((after, copy.finish(feed.modified).map_err(failed)?))
    }
}

async fn stopped(is_stopped: &dyn Fn() -> bool) {
    while !is_stopped() {
        tokio::time::sleep(STEP).await;
    }
}

/// The answer, if it comes in time.
async fn within<T>(
    patience: Duration,
    answer: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    tokio::time::timeout(patience, answer)
        .await
        .unwrap_or_else(|_| Err(silent_for(patience)))
}

fn silent_for(patience: Duration) -> Problem {
    Problem::NoAnswer(format!("nothing came for {} s", patience.as_secs_f64()))
}

impl Store for Remote<'_> {
    fn meant(&self, feed: &OsStr) -> Result<Meant, PickUpError> {
        let path = PathBuf::from(feed);
        if self.address.scheme == Scheme::Web {
            return Ok(Meant::File(path));
        }
        Ok(match self.entry(&path)? {
            Some(entry) if entry.is_folder => Meant::Folder(path),
            None if is_pattern(&self.address.path) => Meant::Pattern(path),
            _ => Meant::File(path),
        })
    }

    fn look(&self, path: &Path) -> Result<Option<Look>, PickUpError> {
        let entry = self.entry(path)?;
        Ok(entry.filter(|it| !it.is_folder).map(|it| self.look_of(it)))
    }

    fn list(&self, folder: &Path, wanted: Names<'_>) -> Result<Vec<Look>, PickUpError> {
        let asked = self.address.path_of(folder);
        let mut server = self.server.borrow_mut();
        let kept = |entry: &Entry| !entry.is_folder && wanted(Path::new(entry.name()));
        let entries = self.ask(folder, server.list(&asked, &kept))?;
        Ok(self.looks(entries))
    }

    fn matches(&self, pattern: &Path, wanted: Names<'_>) -> Result<Vec<Look>, PickUpError> {
        let asked = self.address.path_of(pattern);
        let pattern = pattern::Pattern::new(&asked).map_err(|why| PickUpError::Pattern {
            pattern: pattern.into(),
            why,
        })?;
        let mut server = self.server.borrow_mut();
        let wanted = |entry: &Entry| wanted(Path::new(entry.name()));
        let found = pattern.find(&mut server, &wanted);
        let entries = self.ask(&self.named(), found)?;
        Ok(self.looks(entries))
    }

    fn is_one_of(&self, _: &Path, _: &[PathBuf]) -> bool {
        false
    }

    fn child(&self, folder: &Path, name: &str) -> PathBuf {
        let folder = folder.to_string_lossy();
        PathBuf::from(format!("{}/{name}", folder.trim_end_matches('/')))
    }

    fn sibling(&self, path: &Path, name: &str) -> PathBuf {
        let path = path.to_string_lossy();
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        PathBuf::from(format!("{folder}/{name}"))
    }

    fn small(&self, path: &Path, max: u64) -> Result<Option<Vec<u8>>, PickUpError> {
        let Some(look) = self.look(path)? else {
            return Ok(None);
        };
        let asked = self.address.path_of(path);
        let failed = |problem| PickUpError::Remote {
            path: path.into(),
            problem,
        };
        let mut copy = CopyBeingMade::new(look.length, max).map_err(failed)?;
        let mut server = self.server.borrow_mut();
        self.ask(path, server.read(&asked, &mut copy))?;
        let mut bytes = Vec::new();
        let mut file = copy.finish(None).map_err(failed)?.file;
        file.read_to_end(&mut bytes)
            .map_err(PickUpError::read(path))?;
        Ok(Some(bytes))
    }

    fn fetch(&self, feed: &Look) -> Result<bool, PickUpError> {
        if self
            .fetched
            .borrow()
            .iter()
            .any(|(before, _)| before == feed)
        {
            return Ok(true);
        }
        let mut feed = feed.clone();
        for _ in 0..ATTEMPTS {
            let (after, copy) = self.copy(&feed)?;
            // What a web server makes as it is asked for it has a new time each time, and
            // HTTP itself says how long an answer is.
            let is_same = |after: &Look| match self.address.scheme {
                Scheme::Web => after.length == feed.length,
                _ => *after == feed && feed.length.is_none_or(|it| it == copy.length),
            };
            match after {
                Some(after) if is_same(&after) => {
                    let mut fetched = self.fetched.borrow_mut();
                    fetched.retain(|(before, _)| before.path != feed.path);
                    fetched.push((feed, copy));
                    return Ok(true);
                }
                Some(after) => feed = after,
                None => break,
            }
        }
        Ok(false)
    }

    fn content(&self, feed: &Look) -> io::Result<Box<dyn Read>> {
        let fetched = self.fetched.borrow();
        let copy = fetched.iter().find(|(before, _)| before == feed);
        let (_, copy) = copy.ok_or(io::ErrorKind::NotFound)?;
        let mut file = copy.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Box::new(file))
    }

    fn missing(&self, feed: &OsStr) -> Result<PathBuf, PickUpError> {
        Err(PickUpError::Remote {
            path: feed.into(),
            problem: Problem::NotFound,
        })
    }

    fn between_looks(&self) -> Duration {
        BETWEEN_LOOKS
    }
}

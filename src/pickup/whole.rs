//! Waiting until a file is whole.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::choose::choose;
use super::store::{Look, Store};
use super::{PickUpError, PickUpOptions, Waiting, Watcher, checksum};
use crate::clock::monotonic;

/// How often a stop is asked for.
const STEP: Duration = Duration::from_millis(100);

/// See [`super::pick_up`].
pub(super) fn wait_for(
    store: &dyn Store,
    feed: &OsStr,
    options: &PickUpOptions,
    watcher: &mut Watcher<'_>,
) -> Result<Vec<PathBuf>, PickUpError> {
    let began = monotonic();
    let mut watch = Watch::default();
    let mut announced: Option<String> = None;
    loop {
        let why = match watch.look(store, feed, options) {
            Ok(picked) => {
                if announced.is_some() {
                    (watcher.tell)(Waiting::Over(began.elapsed()));
                }
                return Ok(picked);
            }
            Err(NotYet::For(why)) => why,
            Err(NotYet::Failed(error)) if may_pass(&error) && !options.wait().is_zero() => {
                if began.elapsed() >= options.wait() {
                    return Err(error);
                }
                error.to_string()
            }
            Err(NotYet::Failed(error)) => return Err(error),
        };
        if began.elapsed() >= options.wait() {
            return Err(PickUpError::NotWhole {
                why,
                waited: jiff::SignedDuration::from_secs(began.elapsed().as_secs().cast_signed()),
            });
        }
        if announced.as_ref() != Some(&why) {
            (watcher.tell)(Waiting::For(why.clone()));
            announced = Some(why.clone());
        }
        let left = options.wait().saturating_sub(began.elapsed());
        pause(
            watch.pause(store, options).min(left),
            watcher.is_stopped,
            &why,
        )?;
    }
}

/// Waits so long, or until a stop.
#[expect(
    clippy::disallowed_methods,
    reason = "the feed is waited for before there is a run and its engine"
)]
fn pause(length: Duration, is_stopped: &dyn Fn() -> bool, why: &str) -> Result<(), PickUpError> {
    let began = monotonic();
    loop {
        if is_stopped() {
            return Err(PickUpError::Stopped { why: why.into() });
        }
        match length.checked_sub(began.elapsed()) {
            Some(rest) if !rest.is_zero() => thread::sleep(rest.min(STEP)),
            _ => return Ok(()),
        }
    }
}

/// Whether what is wrong now can be right once the upload has ended.
fn may_pass(error: &PickUpError) -> bool {
    use PickUpError::{Missing, NoChecksum, NoChecksumFile, Nothing, OtherContent, Remote};
    match error {
        Nothing { .. }
        | Missing(_)
        | NoChecksumFile(_)
        | NoChecksum { .. }
        | OtherContent { .. } => true,
        Remote { problem, .. } => problem.may_pass(),
        _ => false,
    }
}

enum NotYet {
    /// The feed is not whole.
    For(String),
    /// It cannot be said.
    Failed(PickUpError),
}

impl From<PickUpError> for NotYet {
    fn from(error: PickUpError) -> Self {
        Self::Failed(error)
    }
}

/// What is known of the files from one look to the next.
#[derive(Default)]
struct Watch {
    /// The files, and since when they are as they are.
    seen: Option<(Vec<Look>, Instant)>,
}

impl Watch {
    /// The files, if each is whole.
    fn look(
        &mut self,
        store: &dyn Store,
        feed: &OsStr,
        options: &PickUpOptions,
    ) -> Result<Vec<PathBuf>, NotYet> {
        let Some(looks) = choose(store, feed, options)? else {
            self.seen = None;
            if options.wait().is_zero() {
                return Ok(vec![store.missing(feed)?]);
            }
            let feed = Path::new(feed).display();
            return Err(NotYet::For(format!("`{feed}` is not there")));
        };
        let now = monotonic();
        let since = match &self.seen {
            Some((before, since)) if *before == looks => *since,
            _ => now,
        };
        self.seen = Some((looks.clone(), since));
        if let Some(unchanged_for) = options.unchanged_for
            && now.duration_since(since) < unchanged_for
        {
            let seconds = unchanged_for.as_secs_f64();
            let what = match looks.as_slice() {
                [look] => format!("`{}` has", look.path.display()),
                looks => format!(
                    "the {} files of `{}` have",
                    looks.len(),
                    Path::new(feed).display()
                ),
            };
            let why = format!("{what} to stay unchanged for {seconds} s");
            return Err(NotYet::For(why));
        }
        for look in &looks {
            if let Some(done_file) = &options.done_file {
                is_done(store, look, done_file)?;
            }
            if !store.fetch(look)? {
                self.seen = None;
                let path = look.path.display();
                let why = format!("`{path}` changed while it was fetched");
                return Err(NotYet::For(why));
            }
            checksum::verify(store, look, &options.checksum)?;
        }
        Ok(looks.into_iter().map(|look| look.path).collect())
    }

    /// How long until the next look can say something new.
    fn pause(&self, store: &dyn Store, options: &PickUpOptions) -> Duration {
        let between_looks = store.between_looks();
        let unchanged_for = options.unchanged_for.unwrap_or(between_looks);
        let since = self.seen.as_ref().map(|(_, since)| since.elapsed());
        let left = unchanged_for.saturating_sub(since.unwrap_or_default());
        left.clamp(STEP, between_looks)
    }
}

/// Whether the file that says so is there, and of this feed and not of one before.
fn is_done(store: &dyn Store, feed: &Look, done_file: &str) -> Result<(), NotYet> {
    let places = if done_file.starts_with('.') {
        let mut behind = feed.path.clone().into_os_string();
        behind.push(done_file);
        let stem = feed.path.file_stem().unwrap_or_default().to_string_lossy();
        let instead = store.sibling(&feed.path, &format!("{stem}{done_file}"));
        vec![PathBuf::from(behind), instead]
    } else {
        vec![store.sibling(&feed.path, done_file)]
    };
    let mut older = None;
    for place in &places {
        match store.look(place)? {
            Some(done) if done.modified >= feed.modified => return Ok(()),
            Some(done) => older = Some(done.path),
            None => {}
        }
    }
    let path = feed.path.display();
    Err(NotYet::For(match (older, places.first()) {
        (Some(older), _) => format!("`{}` is older than `{path}`", older.display()),
        (None, Some(first)) => format!("`{}` is not there", first.display()),
        (None, None) => format!("nothing says that `{path}` is whole"),
    }))
}

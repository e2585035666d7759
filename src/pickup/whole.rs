//! Waiting until a file is whole.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::choose::{Look, choose};
use super::{Files, PickUpError, PickUpOptions, PickedUp, Waiting, checksum};
use crate::clock::monotonic;

/// How often a stop is asked for.
const STEP: Duration = Duration::from_millis(100);
/// How often a file is looked at, at most.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// See [`super::pick_up`].
pub(super) fn wait_for(
    feed: &OsStr,
    options: &PickUpOptions,
    is_stopped: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(Waiting),
) -> Result<PickedUp, PickUpError> {
    let began = monotonic();
    let mut watch = Watch::default();
    let mut announced: Option<String> = None;
    loop {
        let why = match watch.look(feed, options) {
            Ok(picked) => {
                if announced.is_some() {
                    tell(Waiting::Over(began.elapsed()));
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
            tell(Waiting::For(why.clone()));
            announced = Some(why.clone());
        }
        let left = options.wait().saturating_sub(began.elapsed());
        pause(watch.pause(options).min(left), is_stopped, &why)?;
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
    use PickUpError::{Missing, NoChecksum, Nothing, OtherContent};
    matches!(
        error,
        Nothing { .. } | Missing(_) | NoChecksum { .. } | OtherContent { .. }
    )
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
    fn look(&mut self, feed: &OsStr, options: &PickUpOptions) -> Result<PickedUp, NotYet> {
        let Some(looks) = choose(feed, options)? else {
            self.seen = None;
            if options.wait().is_zero() {
                // Reading it says what is wrong.
                return Ok(picked_up(vec![feed.into()], options));
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
                is_done(look, done_file)?;
            }
            checksum::verify(look, &options.checksum)?;
        }
        let files = looks.into_iter().map(|look| look.path).collect();
        Ok(picked_up(files, options))
    }

    /// How long until the next look can say something new.
    fn pause(&self, options: &PickUpOptions) -> Duration {
        let unchanged_for = options.unchanged_for.unwrap_or(BETWEEN_LOOKS);
        let since = self.seen.as_ref().map(|(_, since)| since.elapsed());
        let left = unchanged_for.saturating_sub(since.unwrap_or_default());
        left.clamp(STEP, BETWEEN_LOOKS)
    }
}

fn picked_up(mut files: Vec<PathBuf>, options: &PickUpOptions) -> PickedUp {
    match options.files {
        None | Some(Files::Newest) if files.len() == 1 => PickedUp::One(files.remove(0)),
        _ => PickedUp::Several(files),
    }
}

/// Whether the file that says so is there, and of this feed and not of one before.
fn is_done(feed: &Look, done_file: &str) -> Result<(), NotYet> {
    let places = if done_file.starts_with('.') {
        let mut behind = feed.path.clone().into_os_string();
        behind.push(done_file);
        let instead = feed.path.with_extension(done_file.trim_start_matches('.'));
        vec![PathBuf::from(behind), instead]
    } else {
        vec![feed.path.with_file_name(done_file)]
    };
    let mut older = None;
    for place in &places {
        match Look::at(place)? {
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

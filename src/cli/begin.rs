//! How a run begins: what of it stands in the journal before anything is read.

use std::time::Instant;

use super::exit::Failure;
use crate::clock;
use crate::feed::{Feed, FeedSource};
use crate::journal::{Journal, NewRun, Resumption, Run, RunChange, RunId, RunRef, Scope, Writer};
use crate::mapping::{Mapping, TargetSettings};
use crate::plan::Held;

/// When a file of the journal was last written to.
pub(super) fn last_written(journal: &std::path::Path) -> Option<Instant> {
    let mut log = journal.as_os_str().to_owned();
    log.push("-wal");
    let age = |path: &std::path::Path| path.metadata().ok()?.modified().ok()?.elapsed().ok();
    let ages = age(journal).into_iter().chain(age(log.as_ref()));
    ages.min().and_then(|age| Instant::now().checked_sub(age))
}

/// Reads the run again now that nobody else can take it.
pub(super) fn still_resumable(journal: &Journal, run: RunId) -> Result<Run, Failure> {
    match journal.run(RunRef::Id(run))? {
        Some(run) => {
            super::resume::resumable(&run)?;
            super::resume::still_newest(journal, &run)?;
            Ok(run)
        }
        None => Err(Failure::machine("the journal lost the run")),
    }
}

pub(super) fn begin(
    writer: &Writer,
    scope: Scope,
    mapping: &Mapping,
    settings: &TargetSettings,
    feed: &Feed,
    resumed: Option<&Run>,
) -> Result<RunId, Failure> {
    let (pid, host) = (
        std::process::id(),
        gethostname::gethostname().to_string_lossy().into_owned(),
    );
    if let Some(run) = resumed {
        let resumed = Some(Resumption { pid, host });
        writer.update_run(
            run.id,
            RunChange {
                resumed,
                ..RunChange::default()
            },
        )?;
        return Ok(run.id);
    }
    let from_stdin = matches!(feed.source(), FeedSource::Stdin);
    Ok(writer.start_run(NewRun {
        scope,
        system: settings.system.word().into(),
        base_url: settings.base_url.as_str().into(),
        command: "import".into(),
        feed_path: if from_stdin {
            feed.path().display().to_string()
        } else {
            absolute(feed.path())
        },
        from_stdin,
        feed_sha256: None,
        mapping_path: absolute(mapping.path()),
        mapping_sha256: mapping.sha256(),
        rows: None,
        skipped: 0,
        unchanged: 0,
        started: clock::now(),
        pid,
        host,
    })?)
}

/// A path that means the same from every folder.
pub(super) fn absolute(path: &std::path::Path) -> String {
    std::path::absolute(path)
        .unwrap_or_else(|_| path.to_path_buf())
        .display()
        .to_string()
}

/// What is held, and the word that lets it through: the run's message must say
/// it, since scripts and `hrfeed show` see no more than that.
pub(super) fn held_in_words(held: &Held) -> String {
    format!("{} (`--allow {}`)", held.why, held.guard.word())
}

/// How a person approves of what is held.
pub(super) fn allow_help(held: &[Held]) -> String {
    let words: Vec<_> = held.iter().map(|held| held.guard.word()).collect();
    format!(
        "look at it with `hrfeed plan`; if it is meant, run the same import with `--allow {}`",
        words.join(",")
    )
}

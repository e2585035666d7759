//! How a run begins: what is in the journal before anything is read.

use std::path::Path;

use super::kept::WITH_PLAN;
use super::notes::Notes;
use super::seal::Sealer;
use super::way_back::UNDO;
use super::{RunError, Stages, read_run};
use crate::feed::FeedSource;
use crate::journal::{Journal, Resumption, Run, RunId, RunStart, ScopeLock, Writer};
use crate::model::{Exit, RunState};
use crate::upload::RunRecorder;

impl Stages<'_> {
    /// Opens the journal, takes the scope's lock, and records the start of the run, if it
    /// is a new one. The run's notes are kept from now on.
    pub(super) fn begin(&mut self, journal: &Path) -> Result<(RunRecorder, ScopeLock), RunError> {
        let journal = Journal::open(journal)?;
        let lock = self.lock(&journal)?;
        if let Some(run) = &mut self.resumed {
            // Read again now that no other run can resume it.
            *run = read_run(&journal, run.id)?;
            resumable(run)?;
            still_newest(&journal, run)?;
        }
        self.journal = Some(journal.again()?);
        let writer = journal.writer_under(&lock)?;
        let run = match &self.resumed {
            Some(run) => run.id,
            None => self.write_begin(&writer)?,
        };
        let clock = self.clock;
        let recorder = RunRecorder { writer, run, clock };
        self.notes = Notes::of(recorder.clone(), self.scope, self.mapping_key, self.clock);
        Ok((recorder, lock))
    }

    /// Records that the run to resume goes on. Until then its record is what the
    /// interruption left, also after a resume that is refused.
    pub(super) fn write_resumed(&mut self) -> Result<(), RunError> {
        if self.resumed.is_some() {
            let (pid, host) = this_process();
            let at = self.clock.now();
            self.notes.resumed(Resumption { pid, host, at })?;
            self.is_recorded = true;
        }
        Ok(())
    }

    fn write_begin(&mut self, writer: &Writer) -> Result<RunId, RunError> {
        let (pid, host) = this_process();
        let source = self.feed.source();
        let mapping = self.bound.mapping();
        let run = writer.start_run(RunStart {
            scope: self.scope,
            system: self.settings.system.word().into(),
            base_url: self.settings.base_url.as_str().into(),
            command: match (&self.kept, &self.undoes) {
                (Some(_), _) => WITH_PLAN.into(),
                (None, Some(undoes)) => format!("{UNDO} {undoes}"),
                (None, None) => "import".into(),
            },
            feed_path: whole_path(source),
            feed_files: source.several().iter().map(whole_path).collect(),
            from_stdin: matches!(source, FeedSource::Stdin),
            mapping_path: absolute(mapping.path()),
            mapping_sha256: mapping.sha256(),
            replaces_key: self.replaces_key,
            started: self.clock.now(),
            pid,
            host,
        })?;
        self.is_recorded = true;
        if let Some(key) = &self.undo_key {
            let (_, undoable) = Sealer::begin(key)?;
            writer.undoable(run, undoable).wait_blocking()?;
        }
        Ok(run)
    }
}

/// The process that is at work, and its machine.
fn this_process() -> (u32, String) {
    let host = gethostname::gethostname().to_string_lossy().into_owned();
    (std::process::id(), host)
}

/// Where a feed is, as the journal keeps it: of this machine a whole path.
pub fn whole_path(source: &FeedSource) -> String {
    match source {
        FeedSource::Stdin | FeedSource::Copy(_) => source.place().display().to_string(),
        FeedSource::Files { files, .. }
            if files.iter().any(|file| matches!(file, FeedSource::Copy(_))) =>
        {
            source.place().display().to_string()
        }
        FeedSource::Path(path) | FeedSource::Files { place: path, .. } => absolute(path),
    }
}

/// Judges whether a run can be resumed: it has neither finished nor been
/// superseded.
pub fn resumable(run: &Run) -> Result<(), RunError> {
    match run.state {
        RunState::Running | RunState::Interrupted | RunState::Failed => Ok(()),
        RunState::Finished => Err(RunError::HasFinished(run.id)),
        RunState::Superseded => Err(RunError::Superseded(run.id)),
    }
}

/// Whether a run ended before it had changed anything, since something must be
/// repaired first: nothing of it is left to go on with.
#[must_use]
pub fn has_changed_nothing(run: &Run) -> bool {
    run.state == RunState::Failed && run.exit_code == Some(Exit::Repair.code())
}

/// Judges whether the run is the newest in its scope: an older feed would undo
/// newer changes, and take new people for leavers.
fn still_newest(journal: &Journal, run: &Run) -> Result<(), RunError> {
    match journal.done_since(run.id)? {
        None => Ok(()),
        Some(later) => Err(RunError::NotNewest { run: run.id, later }),
    }
}

/// A path that is the same from every folder.
pub fn absolute(path: &Path) -> String {
    std::path::absolute(path)
        .unwrap_or_else(|_| path.to_path_buf())
        .display()
        .to_string()
}

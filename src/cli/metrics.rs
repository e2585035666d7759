//! `--metrics`: the figures of a run in a file for Prometheus.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::context::Context;
use super::exit::Failure;
use super::output_file::{Kind, OutputFile};
use crate::journal::HoldFilter;
use crate::model::HoldState;
use crate::report::Metrics;
use crate::run::RunResult;

/// Where figures are written.
#[derive(Debug, Args)]
pub(super) struct MetricsArgs {
    /// Write the figures of the run to this file, for the textfile collector of
    /// Prometheus
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
}

/// The states of holds that ask for attention.
const STATES: [HoldState; 3] = [HoldState::Open, HoldState::Approved, HoldState::Refused];

impl MetricsArgs {
    fn file(&self) -> Option<OutputFile<'_>> {
        let path = self.metrics.as_deref()?;
        Some(OutputFile::new(path, Kind::Metrics, false))
    }

    /// Makes sure that the file may be written, before the run begins.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.file().map_or(Ok(()), |file| file.check())
    }

    /// Writes the figures of a run that has ended, whichever way. If they cannot be
    /// written, an error on stderr says so, and the run has ended as it has.
    pub(super) fn write(&self, context: &Context, result: &RunResult) {
        let Some(file) = self.file() else {
            return;
        };
        let written = metrics(result).and_then(|metrics| {
            let text = metrics.to_text();
            file.write(context, |out| Ok(out.write_all(text.as_bytes())?))
        });
        if let Err(failure) = written {
            context.print_failure(&failure);
        }
    }
}

fn metrics(result: &RunResult) -> Result<Metrics, Failure> {
    let RunResult {
        run, journal, end, ..
    } = result;
    // What the journal has is older where it could not be written.
    let (_, exit) = end.state_and_exit();
    let (scope, mapping) = (&run.start.scope, &run.start.mapping_path);
    let holds = journal.holds(&HoldFilter {
        scope: Some(*scope),
        mapping_path: Some(mapping.clone()),
        ..HoldFilter::default()
    })?;
    let in_state = |state| holds.iter().filter(|hold| hold.state == state).count() as u64;
    let last = journal.last_finished_run(scope, mapping)?;
    let age = (run.feed_modified).map(|modified| run.start.started.duration_since(modified));
    Ok(Metrics {
        // Of the key, enough to tell two apart.
        scope: format!(
            "{} {} {:.8}",
            run.start.system,
            run.start.base_url,
            scope.hex()
        ),
        mapping: mapping.clone(),
        ended: run.ended.unwrap_or(run.start.started),
        exit_code: exit.code(),
        last_success: last.and_then(|run| run.ended),
        feed_age: age.and_then(|age| Duration::try_from(age).ok()),
        rows: run.rows,
        counts: run.counts,
        calls: run.calls,
        holds: STATES.map(|state| (state, in_state(state))).into(),
        elapsed: run.elapsed,
    })
}

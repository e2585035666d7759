//! `--wait` and `--deadline`: how much time a run has.

use std::time::Duration;

use clap::Args;

use super::context::Context;
use super::exit::Failure;
use crate::model::duration_of;
use crate::upload::Stop;

/// How much time a run has.
#[derive(Debug, Args)]
pub(super) struct TimeArgs {
    /// Wait up to this long for another run on this LMS to end, such as `10m`
    #[arg(long, value_name = "TIME", value_parser = duration)]
    wait: Option<Duration>,
    /// Stop after this long, such as `2h`; `resume` goes on, and so does the next import
    /// of a whole feed
    #[arg(long, value_name = "TIME", value_parser = duration)]
    deadline: Option<Duration>,
}

impl TimeArgs {
    /// How long the run waits for another one to end.
    pub(super) fn wait(&self) -> Duration {
        self.wait.unwrap_or_default()
    }

    /// What stops the run, also when its time is up. That begins now.
    ///
    /// # Errors
    /// The machine has no thread left that could watch the time.
    pub(super) fn stop(&self, context: &Context) -> Result<Stop, Failure> {
        let stop = context.stop();
        if let Some(deadline) = self.deadline {
            let at_deadline = stop.clone();
            let wait = move || {
                if !at_deadline.wait(deadline) {
                    at_deadline.request_at_deadline();
                }
            };
            let thread = std::thread::Builder::new().name("deadline".into());
            let watched = thread.spawn(wait);
            watched
                .map_err(|error| Failure::machine(format!("cannot watch the deadline: {error}")))?;
        }
        Ok(stop)
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = duration_of(text).filter(|time| !time.is_zero());
    duration.ok_or_else(|| "not a duration: write, for example, `90s`, `10m` or `2h`".to_owned())
}

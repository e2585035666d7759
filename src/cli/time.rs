//! `--wait` and `--deadline`: how much time a run has.

use std::time::Duration;

use clap::Args;

use super::context::Context;
use crate::model::duration_of;
use crate::upload::Stop;

/// How much time a run has.
#[derive(Debug, Args)]
pub(super) struct TimeArgs {
    /// Wait up to this long for another run on this LMS to end, such as `10m`
    #[arg(long, value_name = "TIME", value_parser = duration)]
    wait: Option<Duration>,
    /// Stop after this long, such as `2h`; `resume` or the next import goes on
    #[arg(long, value_name = "TIME", value_parser = duration)]
    deadline: Option<Duration>,
}

impl TimeArgs {
    /// How long the run waits for another one to end.
    pub(super) fn wait(&self) -> Duration {
        self.wait.unwrap_or_default()
    }

    /// What stops the run, also when its time is up. That begins now.
    pub(super) fn stop(&self, context: &Context) -> Stop {
        let stop = context.stop();
        if let Some(deadline) = self.deadline {
            let at_deadline = stop.clone();
            let wait = move || {
                if !at_deadline.wait(deadline) {
                    at_deadline.request_at_deadline();
                }
            };
            // A run without the thread ends later, and as well.
            let _thread = std::thread::Builder::new()
                .name("deadline".into())
                .spawn(wait);
        }
        stop
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = duration_of(text).filter(|time| !time.is_zero());
    duration.ok_or_else(|| "not a duration: write, for example, `90s`, `10m` or `2h`".to_owned())
}

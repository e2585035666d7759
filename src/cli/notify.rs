//! [notify] of the mapping: who hears that a run begins, and how it ended.

use std::path::Path;
use std::thread::{Builder, JoinHandle};

use super::context::Context;
use super::environment;
use super::exit::{Exit, Failure};
use crate::mapping::{Mapping, Notify};
use crate::notify::{PingError, Pinger, Program, ProgramError, Signal};
use crate::report::{self, RunReport};

/// Reads the mapping of a run, and notifies from now on, also where the mapping is wrong
/// elsewhere than in [notify].
pub(super) fn load_mapping(context: &Context, path: &Path) -> Result<Mapping, Failure> {
    let loaded = context.load_mapping(path);
    let settings = match &loaded {
        Ok(mapping) => mapping.notify.clone(),
        Err(_) => Notify::of_file(path),
    };
    context.notify(Notifier::new(context, settings));
    loaded
}

/// Who hears of a run.
#[derive(Debug)]
pub(super) struct Notifier {
    settings: Notify,
    pinger: Option<Pinger>,
    /// The ping that says that the run begins: the run does not wait for it.
    start: Option<JoinHandle<Result<(), PingError>>>,
}

impl Notifier {
    /// Reads where to ping, and says there that a run begins.
    fn new(context: &Context, settings: Notify) -> Self {
        let pinger = pinger(context, &settings);
        let start = pinger.clone().and_then(|pinger| {
            let ping = move || pinger.ping(Signal::Start, "");
            let thread = Builder::new().name("ping".into());
            // Where the machine has no thread left, the run itself says so.
            thread.spawn(ping).ok()
        });
        Self {
            settings,
            pinger,
            start,
        }
    }

    /// Says how the run ended. Returns what a person should know of those who did not hear it,
    /// a sentence each.
    pub(super) fn end(self, report: &RunReport, journal: Option<&Path>) -> Vec<String> {
        let mut missed = Vec::new();
        if let Some(pinger) = &self.pinger {
            // First, or it would arrive after the end.
            let started = self
                .start
                .map_or(Ok(()), |start| start.join().unwrap_or(Ok(())));
            if let Err(error) = started {
                missed.push(not_pinged("that the run began", &error));
            }
            if let Err(error) = pinger.ping(signal(report.exit_code), &text(report)) {
                missed.push(not_pinged("how the run ended", &error));
            }
        }
        if !self.settings.command.is_empty() {
            missed.extend(run_command(&self.settings, report, journal));
        }
        missed
    }
}

/// What the ping says of an exit code. Rows that were refused are an affair of the HR
/// department, night after night; all else needs somebody who looks after hrfeed.
const fn signal(exit_code: u8) -> Signal {
    if exit_code == Exit::Done.code() || exit_code == Exit::RowsRefused.code() {
        Signal::Success
    } else {
        Signal::Fail
    }
}

/// What a ping has in its body: counts, and nothing of a person.
fn text(report: &RunReport) -> String {
    let run = report.run.as_deref().map(|run| format!(", run {run}"));
    format!(
        "{}\nexit code {}{}\n",
        report::headline(report),
        report.exit_code,
        run.unwrap_or_default()
    )
}

fn pinger(context: &Context, settings: &Notify) -> Option<Pinger> {
    let source = settings.url.as_ref()?;
    let failed = |why: &str| {
        context.warn(format!("nothing is pinged (`url` in [notify]): {why}"));
    };
    match environment::notify_url(context, source) {
        Err(failure) => failed(&failure.what),
        Ok(address) => match Pinger::new(&address) {
            Ok(pinger) => return Some(pinger),
            Err(error) => failed(&error.to_string()),
        },
    }
    None
}

fn not_pinged(what: &str, error: &PingError) -> String {
    let error = error.to_string();
    let error = report::sanitize(&error);
    format!("the ping that says {what} (`url` in [notify]) did not arrive: {error}")
}

fn run_command(settings: &Notify, report: &RunReport, journal: Option<&Path>) -> Option<String> {
    let run = report.run.clone().unwrap_or_default();
    let is_new = |hold: &&report::HoldLine| hold.is_open() && hold.since_run == report.run;
    let new_holds = report.holds.iter().filter(is_new).count();
    let mut environment = vec![
        ("HRFEED_EXIT_CODE", report.exit_code.to_string()),
        ("HRFEED_RUN", run),
        ("HRFEED_STATE", report.state.word().to_owned()),
        ("HRFEED_MAPPING", report.mapping.clone().unwrap_or_default()),
        ("HRFEED_NEW_HOLDS", new_holds.to_string()),
    ];
    // `hrfeed holds` in the command is to find the same one.
    environment.extend(journal.map(|path| ("HRFEED_JOURNAL", crate::run::absolute(path))));
    let summary = report.to_json() + "\n";
    let program = Program {
        command: &settings.command,
        environment,
        without: &settings.secrets,
        input: &summary,
        timeout: settings.timeout,
    };
    let error = program.run().err()?;
    let has_blanks = settings.command.len() == 1
        && (settings.command.iter()).any(|program| program.trim().contains(' '));
    let help = match &error {
        ProgramError::Start(_) if has_blanks => {
            "; arguments are words of their own: command = [\"mail\", \"-s\", \"hrfeed\"]"
        }
        _ => "",
    };
    let error = error.to_string();
    let error = report::sanitize(&error);
    Some(format!(
        "the `command` in [notify] did not do its work: {error}{help}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_rows_are_no_alarm_and_all_other_ends_but_success_are() {
        let all = 0..=7;
        let success: Vec<_> = all
            .filter(|code| signal(*code) == Signal::Success)
            .collect();
        assert_eq!(success, [0, 3]);
    }
}

//! A program that gets the summary of a run.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::model::counted;

/// How much of what a program says at its end is kept.
const MAX_SAID: usize = 4 << 10;

/// The most of it that is shown, in characters.
const MAX_SHOWN: usize = 200;

/// How long what a program said is waited for once it has ended: something that it left behind
/// may keep the pipe open for ever.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A program and what it gets. No shell is between.
#[derive(Clone, Debug)]
pub struct Program<'a> {
    /// The program and its arguments.
    pub command: &'a [String],
    /// What its environment has besides.
    pub environment: Vec<(&'static str, String)>,
    /// What its environment does not have.
    pub without: &'a [String],
    /// What it reads on its standard input.
    pub input: &'a str,
    /// How long it may take.
    pub timeout: Duration,
}

/// Why a program did not do what it is for.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It cannot be started.
    #[error("it cannot be started: {0}")]
    Start(#[source] io::Error),
    /// Nobody knows how it ended.
    #[error("it cannot be watched: {0}")]
    Watch(#[source] io::Error),
    /// It says that it failed.
    #[error("it ended with {}{}", .0, after_colon(.1))]
    Failed(ExitStatus, String),
    /// It took too long and was ended.
    #[error("it took more than {} and was ended{}", seconds(*.0), after_colon(.1))]
    TooLong(Duration, String),
}

fn seconds(time: Duration) -> String {
    counted(time.as_secs(), "second", "seconds")
}

fn after_colon(said: &str) -> String {
    if said.is_empty() {
        String::new()
    } else {
        format!(": {said}")
    }
}

impl Program<'_> {
    /// Runs the program to its end, or ends it with all that it started. What it prints is
    /// not shown, but for its last line of errors where it fails.
    ///
    /// # Errors
    /// It did not do what it is for, as far as is known.
    pub fn run(&self) -> Result<(), ProgramError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ProgramError::Start)?;
        let ran = runtime.block_on(self.run_to_end());
        tracing::info!(ok = ran.is_ok(), "ran the command of [notify]");
        ran
    }

    async fn run_to_end(&self) -> Result<(), ProgramError> {
        let mut child = self.start().map_err(ProgramError::Start)?;
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let input = async {
            if let Some(mut stdin) = stdin {
                // It need not read what it gets.
                let _ended_before = stdin.write_all(self.input.as_bytes()).await;
            }
        };
        let said = Said::default();
        let listening = tokio::spawn(listen(stderr, said.clone()));
        let ended = timeout(self.timeout, async {
            let (ended, ()) = tokio::join!(child.wait(), input);
            ended
        });
        let ended = ended.await;
        if ended.is_err() {
            end(&mut child).await;
        }
        let _rest_is_lost = timeout(LAST_WORDS, listening).await;
        let last_words = last_line(&said.lock().unwrap_or_else(PoisonError::into_inner));
        match ended {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(ProgramError::Failed(status, last_words)),
            Ok(Err(error)) => Err(ProgramError::Watch(error)),
            Err(_) => Err(ProgramError::TooLong(self.timeout, last_words)),
        }
    }

    fn start(&self) -> io::Result<Child> {
        let (program, arguments) = self.command.split_first().ok_or(io::ErrorKind::NotFound)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::piped())
            // Standard output is the summary's.
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for name in self.without {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        // Its own group: what it starts is ended with it, and Ctrl-C is not its affair.
        #[cfg(unix)]
        command.process_group(0);
        command.spawn()
    }
}

/// Ends a program with all that it started.
#[cfg(unix)]
async fn end(child: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let group = child.id().and_then(|id| i32::try_from(id).ok());
    if let Some(group) = group.and_then(Pid::from_raw) {
        // It may have ended by itself in this moment.
        let _is_gone = kill_process_group(group, Signal::KILL);
    }
    let _is_gone = child.kill().await;
}

/// Ends a program. What it started is its own affair: Windows has no groups that end together.
#[cfg(not(unix))]
async fn end(child: &mut Child) {
    let _is_gone = child.kill().await;
}

/// The end of what a program said.
type Said = Arc<Mutex<Vec<u8>>>;

/// Reads to the end, and keeps the end.
async fn listen(from: Option<impl AsyncRead + Unpin>, said: Said) {
    let Some(mut from) = from else { return };
    let mut piece = [0; 1 << 10];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(piece.get(..length).unwrap_or_default());
        let too_many = said.len().saturating_sub(MAX_SAID);
        said.drain(..too_many);
    }
}

/// The last line that says something.
fn last_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let line = said.lines().map(str::trim).rfind(|line| !line.is_empty());
    line.unwrap_or_default().chars().take(MAX_SHOWN).collect()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::clock;

    fn run(script: &str, limit: Duration) -> Result<(), String> {
        let command = ["sh", "-c", script].map(str::to_owned);
        let program = Program {
            command: &command,
            environment: vec![("HRFEED_RUN", "7".into())],
            without: &["HOME".to_owned()],
            // More than a pipe holds.
            input: &"x".repeat(200_000),
            timeout: limit,
        };
        program.run().map_err(|error| error.to_string())
    }

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn a_program_reads_all_and_says_how_it_went() {
        let all = "test \"$(wc -c)\" -eq 200000 && test \"$HRFEED_RUN\" = 7 && test -z \"$HOME\"";
        assert_eq!(run(all, LONG), Ok(()));
        // It need not read anything.
        assert_eq!(run("exit 0", LONG), Ok(()));
        let failed = run("echo first >&2; echo 'no such list' >&2; exit 3", LONG);
        assert_eq!(
            failed.unwrap_err(),
            "it ended with exit status: 3: no such list"
        );
        // The end of a flood of errors.
        let flood = run(
            "yes | head -c 3000000 >&2; echo; echo end >&2; exit 1",
            LONG,
        );
        assert!(flood.unwrap_err().ends_with(": end"));
    }

    #[test]
    fn a_program_that_hangs_is_ended_with_what_it_started() {
        let begun = clock::monotonic();
        let hangs = "echo waiting >&2; sleep 1000 & echo $! >&2; wait";
        let error = run(hangs, Duration::from_secs(1)).unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(30));
        let (said, pid) = error.rsplit_once(": ").unwrap();
        assert_eq!(said, "it took more than 1 second and was ended");
        let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
        // Its parent is gone, so it may be a zombie until its new parent looks.
        let is_gone = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid()));
            stat.is_err() || stat.is_ok_and(|stat| stat.contains(") Z "))
        };
        // The system takes a moment over it on a busy machine.
        let waited = clock::monotonic();
        while cfg!(target_os = "linux") && !is_gone() {
            assert!(waited.elapsed() < Duration::from_secs(30));
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_a_program_leaves_behind_is_not_waited_for() {
        let begun = clock::monotonic();
        assert_eq!(run("sleep 20 & exit 0", LONG), Ok(()));
        assert!(begun.elapsed() < Duration::from_secs(15));
    }
}

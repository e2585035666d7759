//! A panic is a mistake of hrfeed: it ends the command with an exit code of the
//! table, and in words.
//!
//! What the panic says may quote a person, so only its place is shown.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};
use std::sync::{Mutex, PoisonError};

use super::exit::{Exit, Failure};
use crate::model::Limit;

/// What is kept of the last panic.
#[derive(Clone, Debug)]
struct Noted {
    place: String,
    /// The machine refused a thread where the library that asked for it panics.
    limit: Option<Limit>,
}

/// What libraries say when they panic since the machine refused them something.
const OF_THREADS: [&str; 3] = [
    "failed to spawn thread",
    "can't spawn",
    "ThreadPoolBuildError",
];
const OF_FILES: &str = "Too many open files";

static NOTED: Mutex<Option<Noted>> = Mutex::new(None);

/// Runs a command, and makes a failure of a panic.
pub(super) fn caught(run: impl FnOnce() -> Result<Exit, Failure>) -> Result<Exit, Failure> {
    set_hook(Box::new(note));
    catch(run)
}

fn catch(run: impl FnOnce() -> Result<Exit, Failure>) -> Result<Exit, Failure> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        let noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
        Err(failure(noted.as_ref()))
    })
}

fn note(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(
        || "at an unknown place".to_owned(),
        |at| format!("in {}, line {}", short(at.file()), at.line()),
    );
    let text = panic.payload_as_str().unwrap_or_default();
    let limit = if OF_THREADS.iter().any(|words| text.contains(words)) {
        Some(Limit::Threads)
    } else {
        text.contains(OF_FILES).then_some(Limit::Files)
    };
    tracing::error!(place, "panicked");
    let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    *noted = Some(Noted { place, limit });
}

/// The end of a path: its beginning is that of the machine that built hrfeed.
fn short(path: &str) -> String {
    let mut parts: Vec<_> = path.rsplit(['/', '\\']).take(3).collect();
    parts.reverse();
    parts.join("/")
}

fn failure(noted: Option<&Noted>) -> Failure {
    let (what, help) = match noted {
        Some(Noted {
            limit: Some(limit), ..
        }) => {
            let what = match limit {
                Limit::Files => "another file or connection cannot be opened",
                Limit::Threads => "another thread cannot be started",
            };
            (what.to_owned(), limit.help())
        }
        noted => {
            let place = noted.map_or("at an unknown place", |it| &it.place);
            let help = "nothing is lost: the next `hrfeed import` or `hrfeed resume` checks the \
                        LMS before it sends anything. Report this place to the authors of hrfeed";
            (format!("hrfeed made a mistake {place}"), help)
        }
    };
    Failure {
        help: Some(help.to_owned()),
        ..Failure::machine(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_of_the_program_and_quotes_nothing() {
        let panics = || -> Result<Exit, Failure> { std::panic::resume_unwind(Box::new("Ann")) };
        let failed = catch(panics).unwrap_err();
        assert_eq!(failed.exit, Exit::Machine);
        assert!(!format!("{failed:?}").contains("Ann"), "{failed:?}");
        assert_eq!(catch(|| Ok(Exit::Done)), Ok(Exit::Done));
    }

    #[test]
    fn a_thread_that_cannot_be_started_is_not_called_a_mistake() {
        let noted = Noted {
            place: "in std/src/thread.rs, line 1".into(),
            limit: Some(Limit::Threads),
        };
        let failed = failure(Some(&noted));
        assert_eq!(failed.what, "another thread cannot be started");
        assert!(failed.help.unwrap().contains("ulimit -u"));
        let place = short("/home/somebody/registry/tokio-1/src/runtime/pool.rs");
        assert_eq!(place, "src/runtime/pool.rs");
    }
}

//! One request that shows whether the LMS can be used: no repetition, no wait.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::engine::{NoReply, Transport as _};
use super::http::Http;
use super::{Connection, Credentials, Halt, UploadError};
use crate::retry::{Fatal, NoAnswer, Verdict, judge, parse_date};
use crate::targets::{self, Reply, Target, is_page};

/// What one request showed of an LMS.
#[derive(Clone, Debug)]
pub struct Reach {
    /// Why it cannot be used; `None` if it can.
    pub problem: Option<Halt>,
    /// What time it is by its clock.
    pub date: Option<Timestamp>,
    /// How long the answer took.
    pub took: Duration,
}

/// Sends one cheap read with the credentials.
///
/// # Errors
/// The client or its runtime cannot be set up.
pub fn reach(connection: &Connection, credentials: &Credentials) -> Result<Reach, UploadError> {
    let target = targets::of(connection.system);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(UploadError::Runtime)?;
    let http = Http::new(connection, credentials, &*target)?;
    let begun = Instant::now();
    let answer = runtime.block_on(http.send(target.probe()));
    let took = begun.elapsed();
    // A name that is still being looked up must not keep the process.
    runtime.shutdown_background();
    let date = |reply: &Reply| reply.date.as_deref().and_then(parse_date);
    Ok(Reach {
        date: answer.as_ref().ok().and_then(date),
        problem: match answer {
            Ok(reply) => problem(&*target, &reply),
            Err(NoReply::Fatal(fatal)) => Some(Halt::Fatal(fatal)),
            Err(NoReply::NoAnswer(why)) => Some(no_answer(why.why())),
        },
        took,
    })
}

fn problem(target: &dyn Target, reply: &Reply) -> Option<Halt> {
    let not_of_the_api = "the answer is not one of the API";
    // No wait follows, so a date in `Retry-After` does not matter.
    match judge(reply.status, None, Timestamp::UNIX_EPOCH) {
        Verdict::Answered if target.is_up(reply) => None,
        Verdict::Answered if matches!(reply.status, 404 | 405) => {
            Some(Halt::Fatal(Fatal::WrongAddress))
        }
        Verdict::Answered if is_page(&reply.body) => Some(Halt::Fatal(Fatal::WebPage)),
        Verdict::Answered if reply.status < 300 => Some(no_answer(not_of_the_api.into())),
        Verdict::Answered | Verdict::Throttled { .. } => {
            Some(no_answer(NoAnswer::Status(reply.status).why()))
        }
        Verdict::Fatal(Fatal::Forbidden(_)) => Some(Halt::Fatal(Fatal::Forbidden(reply.call))),
        Verdict::Fatal(fatal) => Some(Halt::Fatal(fatal)),
        Verdict::NoAnswer(why) => Some(no_answer(why.why())),
    }
}

const fn no_answer(why: String) -> Halt {
    Halt::Outage {
        why,
        down: Duration::ZERO,
        ever_up: false,
    }
}

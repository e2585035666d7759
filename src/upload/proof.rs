//! Who is new on the LMS, for the proof of a run.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::engine::{Job, Next};
use super::survey::Answered;
use super::{UploadError, Uploader};
use crate::event::Listener;
use crate::targets::{Call, Remote, Reply, Target};

/// How long a proof waits for an LMS that is down: the run is done, and nothing
/// depends on it.
const MAX_PROOF_OUTAGE: Duration = Duration::from_mins(1);

/// What became of a list of new people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewPeople {
    /// It was read.
    Listed {
        /// It shows nobody who was there before.
        is_recent: bool,
    },
    /// It is longer than it is worth.
    TooLong,
    /// The LMS does not answer with such a list.
    Refused {
        /// The HTTP status.
        status: u16,
    },
}

impl Uploader {
    /// Reads the people who were created after `since`, or everybody where the LMS
    /// has no such list. `each` gets page after page; a person who is on two pages
    /// is handed out twice. It is broken off before it takes more than `max_calls`.
    ///
    /// # Errors
    /// The run was halted, or what `each` said.
    pub fn created_since(
        &mut self,
        since: Timestamp,
        max_calls: u64,
        each: &mut dyn FnMut(&[Remote]) -> Result<(), UploadError>,
        listener: &mut dyn Listener,
    ) -> Result<NewPeople, UploadError> {
        self.hurried(|it| it.list_new(since, max_calls, each, listener))
    }

    /// Lets `ask` ask without much patience for an LMS that is down.
    pub fn hurried<R>(&mut self, ask: impl FnOnce(&mut Self) -> R) -> R {
        let patience = self.engine.max_outage;
        self.engine.max_outage = patience.min(MAX_PROOF_OUTAGE);
        let answer = ask(self);
        self.engine.max_outage = patience;
        answer
    }

    fn list_new(
        &mut self,
        since: Timestamp,
        max_calls: u64,
        each: &mut dyn FnMut(&[Remote]) -> Result<(), UploadError>,
        listener: &mut dyn Listener,
    ) -> Result<NewPeople, UploadError> {
        let page_size = self.target.system().spec().page_size;
        let mut pages = Pages::default();
        for _ in 0..max_calls {
            let job = NewPage {
                target: Arc::clone(&self.target),
                since,
                offset: pages.people,
                limit: page_size.unwrap_or(u32::MAX),
                is_recent: false,
                answer: Err(0),
            };
            let job = self.ask(job, listener)?;
            let is_recent = job.is_recent;
            let people = match job.answer {
                Ok(people) => people.hand_out(&*self.target, each)?,
                Err(status) => return Ok(NewPeople::Refused { status }),
            };
            if page_size.is_none() || pages.is_last(people) {
                return Ok(NewPeople::Listed { is_recent });
            }
        }
        Ok(NewPeople::TooLong)
    }
}

/// The pages of a list so far.
#[derive(Debug, Default)]
struct Pages {
    people: u64,
    longest: u64,
}

impl Pages {
    /// Counts a page of that many people. A page is the last one if it is shorter
    /// than another: that a short first page is not the server's own bound is
    /// nowhere stated.
    fn is_last(&mut self, people: u64) -> bool {
        self.people += people;
        let is_shorter = people < self.longest;
        self.longest = self.longest.max(people);
        people == 0 || is_shorter
    }
}

/// Asks for one page. A refusal is an answer, too: nothing depends on the list.
struct NewPage {
    target: Arc<dyn Target>,
    since: Timestamp,
    offset: u64,
    limit: u32,
    /// It asks for new people only.
    is_recent: bool,
    /// The people, or the status of a refusal.
    answer: Result<Answered, u16>,
}

impl Job for NewPage {
    fn call(&mut self) -> Call {
        let recent = self
            .target
            .created_since(self.since, self.offset, self.limit);
        self.is_recent = recent.is_some();
        recent.unwrap_or_else(|| self.target.page(self.offset, self.limit))
    }

    fn is_one_of_many(&self) -> bool {
        false
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        match Answered::of(&*self.target, reply) {
            Some(people) => self.answer = Ok(people),
            None if (400..500).contains(&reply.status) => self.answer = Err(reply.status),
            None => return Next::Unclear("the answer is not a list of users"),
        }
        Next::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_with_an_empty_page_or_one_that_is_shorter_than_another() {
        let ends_after = |sizes: &[u64]| {
            let mut pages = Pages::default();
            sizes.iter().position(|&people| pages.is_last(people))
        };
        assert_eq!(ends_after(&[0]), Some(0));
        // The server may give no more than three at a time.
        assert_eq!(ends_after(&[3, 0]), Some(1));
        assert_eq!(ends_after(&[3, 3, 3, 1]), Some(3));
        assert_eq!(ends_after(&[100, 100]), None);
        // A server may give more than was asked for.
        assert_eq!(ends_after(&[100, 250, 100]), Some(2));
    }
}

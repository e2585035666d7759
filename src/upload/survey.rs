//! Who is there already: everybody page by page, or one person after the other.

use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::engine::{End, Job, Next};
use super::look_up::LookUp;
use super::{Halt, UploadError, Uploader};
use crate::event::{Event, Listener};
use crate::model::{Calls, ExternalId};
use crate::retry::{Fatal, NoAnswer};
use crate::targets::{Call, Remote, Reply, Target};

/// How often a listing that shifted under the reader is begun again.
const MAX_LISTINGS: u32 = 3;

/// The most requests for a list that must be read: ten million people on KMI. One
/// that is longer has no end.
const MAX_LIST_CALLS: u64 = 100_000;

/// How many people such a list shows before it is found out whether it has an end,
/// which costs a request.
const SMALL_LIST: u64 = 10_000;

/// How many people of a list are handed out at once.
const AT_ONCE: usize = 1_000;

/// How a listing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Everybody was read.
    All,
    /// There are more people than are worth reading.
    TooMany,
    /// People were deleted meanwhile again and again: somebody may have been
    /// missed.
    Moved,
    /// It was read to its end, and leaves people out who are there.
    InPart,
    /// It was read to its end, and the LMS does not say whether those whom it leaves out
    /// are there.
    Unconfirmed,
}

/// A person to ask for. What is asked about comes back with the answer.
#[derive(Debug)]
pub struct Question<A> {
    /// The person.
    pub external_id: ExternalId,
    /// What is asked about.
    pub about: A,
}

impl Question<()> {
    /// Whether this person is there.
    #[must_use]
    pub const fn of(external_id: ExternalId) -> Self {
        Self {
            external_id,
            about: (),
        }
    }
}

/// The answer to a [`Question`].
#[derive(Debug)]
pub enum Known {
    /// The person is there.
    There(Remote),
    /// Nobody is there.
    NotFound,
    /// The LMS could not say.
    NotAnswered {
        /// What it answered instead.
        no_answer: NoAnswer,
        /// Calls made.
        attempts: u32,
    },
}

impl Uploader {
    /// Reads everybody on the LMS; `each` gets page after page. A person who is
    /// on two pages is handed out twice, and all of them again where a listing
    /// is begun again. It is broken off where it would cost more than `max_calls`;
    /// where it must be read whatever it costs, a list without an end is an error.
    ///
    /// # Errors
    /// The run was halted, or what `each` said.
    pub fn everybody(
        &mut self,
        max_calls: Option<u64>,
        each: &mut dyn FnMut(&[Remote]) -> Result<(), UploadError>,
        listener: &mut dyn Listener,
    ) -> Result<Listed, UploadError> {
        for _ in 0..MAX_LISTINGS {
            match self.pages(max_calls, each, listener)? {
                Listed::Moved => {}
                Listed::TooMany if max_calls.is_none() => {
                    return Err(Halt::Fatal(Fatal::EndlessList).into());
                }
                listed => return Ok(listed),
            }
        }
        Ok(Listed::Moved)
    }

    /// Asks for these people, one by one.
    ///
    /// # Errors
    /// The run was halted, or what `answer` said.
    pub fn ask_all<A: Send + 'static>(
        &mut self,
        questions: Vec<Question<A>>,
        answer: &mut dyn FnMut(Question<A>, Known) -> Result<(), UploadError>,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError> {
        let (sender, receiver) = mpsc::channel(questions.len().max(1));
        for question in questions {
            // There is room for all of them.
            let _sent = sender.try_send(question);
        }
        drop(sender);
        self.ask_each(receiver, answer, listener)
    }

    /// Asks for all people that come, one by one.
    ///
    /// # Errors
    /// The run was halted, or what `answer` said.
    pub fn ask_each<A: Send + 'static>(
        &mut self,
        questions: mpsc::Receiver<Question<A>>,
        answer: &mut dyn FnMut(Question<A>, Known) -> Result<(), UploadError>,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError> {
        let (target, engine) = (&self.target, &mut self.engine);
        let (sender, mut jobs) = mpsc::channel(2 * engine.max_in_flight);
        let mut asked = 0;
        let ledger = |job: LookUp<A>, end, calls: &Calls, listener: &mut dyn Listener| {
            let known = match end {
                End::Done => {
                    asked += 1;
                    listener.on_event(&Event::SurveyProgress {
                        calls: calls.total,
                        people: asked,
                    });
                    job.found.map_or(Known::NotFound, Known::There)
                }
                End::GaveUp(no_answer) => Known::NotAnswered {
                    no_answer,
                    attempts: job.attempts,
                },
                End::Halted | End::HaltedRefused => return Ok(()),
            };
            let question = Question {
                external_id: job.external_id,
                about: job.about,
            };
            answer(question, known)
        };
        self.runtime.block_on(async {
            let pass_on = async {
                let mut questions = questions;
                while let Some(question) = questions.recv().await {
                    let job = LookUp::new(target, question.external_id, question.about);
                    if sender.send(job).await.is_err() {
                        break;
                    }
                }
                drop(sender);
            };
            let drive = async {
                let driven = engine.drive(&mut jobs, ledger, listener).await;
                jobs.close();
                driven
            };
            tokio::join!(pass_on, drive).1
        })
    }

    /// One listing. `most` is the number of calls that are worth it.
    fn pages(
        &mut self,
        most: Option<u64>,
        each: &mut dyn FnMut(&[Remote]) -> Result<(), UploadError>,
        listener: &mut dyn Listener,
    ) -> Result<Listed, UploadError> {
        let Some(page_size) = self.target.system().spec().page_size else {
            return self.whole_list(each, listener);
        };
        let (mut offset, mut listed, mut sized_up) = (0, 0, false);
        // A list that must be read is judged only once it is long.
        let small = most.map_or(SMALL_LIST, |_| 0);
        let most = most.unwrap_or(MAX_LIST_CALLS);
        // Twice as many as they should be, since pages overlap and can be short.
        let mut pages_left = most.saturating_mul(2).saturating_add(3);
        let mut last: Option<String> = None;
        let mut ended_once = false;
        loop {
            // It has grown meanwhile, or has no end.
            pages_left = match pages_left.checked_sub(1) {
                Some(left) => left,
                None => return Ok(Listed::TooMany),
            };
            let people = self.page(offset, page_size, listener)?.into_page();
            // Each page begins with the last person of the one before: if it
            // does not, somebody was deleted meanwhile and others moved up past
            // the reader.
            if let Some(last) = &last
                && people.first().map(|person| &person.id) != Some(last)
            {
                return Ok(Listed::Moved);
            }
            let news = people.len().saturating_sub(usize::from(last.is_some())) as u64;
            // A page that is not full is not taken for the last one: that a
            // smaller page is not the server's own bound is nowhere stated. And one
            // page that comes short ends nothing.
            let Some(end) = people.last().filter(|_| news > 0) else {
                if ended_once {
                    return Ok(Listed::All);
                }
                ended_once = true;
                continue;
            };
            ended_once = false;
            last = Some(end.id.clone());
            listed += news;
            each(&people)?;
            listener.on_event(&Event::SurveyProgress {
                calls: self.engine.calls.total,
                people: listed,
            });
            // There are more pages: are they worth it? A server's own bound may be
            // lower than the page that was asked for.
            let is_long = people.len() >= page_size as usize || offset > 0;
            if !sized_up && is_long && listed > small {
                sized_up = true;
                let most = most.saturating_mul(people.len() as u64);
                if !self.page(most, 1, listener)?.into_page().is_empty() {
                    return Ok(Listed::TooMany);
                }
            }
            offset += people.len() as u64 - 1;
        }
    }

    /// A list that comes in one answer. One that is cut short looks whole, so it is asked
    /// for until two in turn show about as many people; `each` gets all of them.
    fn whole_list(
        &mut self,
        each: &mut dyn FnMut(&[Remote]) -> Result<(), UploadError>,
        listener: &mut dyn Listener,
    ) -> Result<Listed, UploadError> {
        let mut before: Option<u64> = None;
        for _ in 0..=MAX_LISTINGS {
            let everybody = self.page(0, u32::MAX, listener)?;
            let people = everybody.hand_out(&*self.target, each)?;
            listener.on_event(&Event::SurveyProgress {
                calls: self.engine.calls.total,
                people,
            });
            // Somebody may have registered meanwhile.
            let is_like = |before: u64| before.abs_diff(people) <= people / 100 + 2;
            if before.is_some_and(is_like) {
                return Ok(Listed::All);
            }
            before = Some(people);
        }
        Ok(Listed::Moved)
    }

    fn page(
        &mut self,
        offset: u64,
        limit: u32,
        listener: &mut dyn Listener,
    ) -> Result<Answered, UploadError> {
        let job = Page {
            target: Arc::clone(&self.target),
            offset,
            limit,
            answer: None,
        };
        Ok(self.ask(job, listener)?.answer.unwrap_or_default())
    }
}

/// The people of an answer.
#[derive(Debug)]
pub(super) enum Answered {
    /// Those of a page.
    Page(Vec<Remote>),
    /// A whole list, which has been read to its end once. It can be longer than
    /// memory.
    Whole(Reply),
}

impl Default for Answered {
    fn default() -> Self {
        Self::Page(Vec::new())
    }
}

impl Answered {
    /// Reads an answer; `None` where it is not a list.
    pub(super) fn of(target: &dyn Target, reply: &Reply) -> Option<Self> {
        if target.system().spec().page_size.is_some() {
            return target.people(reply).map(Self::Page);
        }
        let to_the_end = target.each_person(reply, &mut |_| ControlFlow::Continue(()));
        to_the_end.map(|()| Self::Whole(reply.clone()))
    }

    /// The people of a page.
    fn into_page(self) -> Vec<Remote> {
        match self {
            Self::Page(people) => people,
            Self::Whole(_) => Vec::new(),
        }
    }

    /// Hands out the people, a thousand at a time. Returns their number.
    pub(super) fn hand_out(
        self,
        target: &dyn Target,
        each: &mut dyn FnMut(&[Remote]) -> Result<(), UploadError>,
    ) -> Result<u64, UploadError> {
        let reply = match self {
            Self::Page(people) => {
                each(&people)?;
                return Ok(people.len() as u64);
            }
            Self::Whole(reply) => reply,
        };
        let (mut some, mut all, mut failed) = (Vec::with_capacity(AT_ONCE), 0, Ok(()));
        let read = target.each_person(&reply, &mut |person| {
            some.push(person);
            all += 1;
            if some.len() < AT_ONCE {
                return ControlFlow::Continue(());
            }
            failed = each(&some);
            some.clear();
            match failed {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        failed?;
        if read.is_none() {
            // It was whole when it came.
            return Err(Halt::Fatal(Fatal::Machine {
                what: "the LMS's answer cannot be read again from its temporary file".into(),
                help: "check the disk that has the folder for temporary files",
            })
            .into());
        }
        each(&some)?;
        Ok(all)
    }
}

struct Page {
    target: Arc<dyn Target>,
    offset: u64,
    limit: u32,
    answer: Option<Answered>,
}

impl Job for Page {
    fn call(&mut self) -> Call {
        self.target.page(self.offset, self.limit)
    }

    fn is_one_of_many(&self) -> bool {
        false
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        if matches!(reply.status, 404 | 405 | 410) {
            return Next::Fatal(Fatal::WrongAddress);
        }
        self.answer = Answered::of(&*self.target, reply);
        match self.answer {
            Some(_) => Next::Done,
            None => Next::Unclear("the answer is not a list of users"),
        }
    }
}

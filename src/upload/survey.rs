//! Who is there already? Asked before the first create, by the cheaper way:
//! page by page, or person by person.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::engine::{End, Job, Next};
use super::look_up::{LookUp, one, read_through};
use super::{Halt, UploadError, Uploader};
use crate::event::{Event, Listener};
use crate::feed::Feed;
use crate::mapping::{Bound, fingerprint};
use crate::model::{Calls, ExternalId, RowNumber};
use crate::plan::{Change, Found, Item, RowState, RowTable, ScanError, Wanted, replay};
use crate::retry::{Fatal, NoAnswer};
use crate::targets::{Call, Remote, Reply, Target};
use crate::validate::unique::RowIndex;

/// So few people are asked for one by one without a thought: a listing cannot
/// cost less.
const ASK_EACH_UP_TO: u64 = 1;

/// How often a listing that shifted under the reader is begun anew.
const MAX_LISTINGS: u32 = 3;

/// Somebody of the feed whom the target has and the journal did not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The external ID.
    pub external_id: String,
    /// The target's own id.
    pub remote_id: String,
    /// The fingerprint, where the person is as the feed says.
    pub fingerprint: Option<u128>,
    /// Somebody else has the external ID too.
    pub is_ambiguous: bool,
}

/// A row of whose person the target could not say whether it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAnswered {
    /// The row.
    pub row: RowNumber,
    /// The person.
    pub external_id: ExternalId,
    /// What the target answered instead.
    pub trouble: NoAnswer,
    /// Calls made.
    pub attempts: u32,
}

impl Uploader {
    /// Asks the target about everybody of whom the journal knows nothing, and
    /// notes in `rows` who is there. `seen` gets those to be remembered.
    ///
    /// Returns the rows of which the target could not say it; they are
    /// [`RowState::Settled`] then, since creating them might make a twin.
    ///
    /// # Errors
    /// The run was halted, or the feed cannot be read again, or what `seen`
    /// said.
    pub fn survey(
        &mut self,
        feed: &mut Feed,
        bound: &Bound<'_>,
        rows: &mut RowTable,
        seen: &mut dyn FnMut(Vec<Seen>) -> Result<(), UploadError>,
        listener: &mut dyn Listener,
    ) -> Result<Vec<NotAnswered>, UploadError> {
        let adopts = bound.mapping().adopt.is_some();
        let doubtful = rows.count(RowState::UnknownCreate) + rows.count(RowState::UnknownAdopt);
        let unknown = rows.count(RowState::New) + if adopts { doubtful } else { 0 };
        if unknown == 0 {
            return Ok(Vec::new());
        }
        listener.on_event(&Event::SurveyStarted {
            unknown_people: unknown,
        });
        if adopts {
            // Whoever has no external ID is seen in a list only.
            if !self.list(bound, rows, None, seen, listener)? {
                return Err(UploadError::Halted(Halt::Outage {
                    why: "people were deleted again and again while the target listed them".into(),
                    down: std::time::Duration::ZERO,
                    ever_up: true,
                }));
            }
            rows.adopt();
            return Ok(Vec::new());
        }
        if unknown > ASK_EACH_UP_TO && self.list(bound, rows, Some(unknown), seen, listener)? {
            return Ok(Vec::new());
        }
        self.ask_each(feed, bound, rows, seen, listener)
    }

    /// Holds all people of the target against the feed, page by page. Returns
    /// `false` where that would cost more than `most` calls, or the pages would
    /// not hold still.
    fn list(
        &mut self,
        bound: &Bound<'_>,
        rows: &mut RowTable,
        most: Option<u64>,
        seen: &mut dyn FnMut(Vec<Seen>) -> Result<(), UploadError>,
        listener: &mut dyn Listener,
    ) -> Result<bool, UploadError> {
        let target = Arc::clone(&self.target);
        let mut note_page = |people: &[Remote]| {
            seen(
                people
                    .iter()
                    .filter_map(|person| note(&*target, bound, rows, person))
                    .collect(),
            )
        };
        for _ in 0..MAX_LISTINGS {
            match self.pages(most, &mut note_page, listener)? {
                Pages::All => return Ok(true),
                Pages::TooMany => return Ok(false),
                Pages::Moved => {}
            }
        }
        Ok(false)
    }

    /// Reads everybody on the target; `each` gets page after page. Whoever
    /// stands on two pages is handed out twice.
    ///
    /// Returns `false` where people were deleted meanwhile again and again, so
    /// that somebody may have been missed.
    ///
    /// # Errors
    /// The run was halted, or what `each` said.
    pub fn everybody(
        &mut self,
        each: &mut dyn FnMut(&[Remote]) -> Result<(), UploadError>,
        listener: &mut dyn Listener,
    ) -> Result<bool, UploadError> {
        for _ in 0..MAX_LISTINGS {
            if self.pages(None, each, listener)? == Pages::All {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `most` is the number of calls that are worth it.
    fn pages(
        &mut self,
        most: Option<u64>,
        each: &mut dyn FnMut(&[Remote]) -> Result<(), UploadError>,
        listener: &mut dyn Listener,
    ) -> Result<Pages, UploadError> {
        let Some(page_size) = self.target.system().spec().page_size else {
            // One answer holds everybody.
            let people = self.page(0, u32::MAX, listener)?;
            each(&people)?;
            listener.on_event(&Event::SurveyProgress {
                calls: self.engine.calls.total,
                people: people.len() as u64,
            });
            return Ok(Pages::All);
        };
        let (mut offset, mut listed, mut sized_up) = (0, 0, most.is_none());
        let mut last: Option<String> = None;
        loop {
            let people = self.page(offset, page_size, listener)?;
            // Each page begins with the last person of the one before: if it
            // does not, somebody was deleted meanwhile and others moved up past
            // the reader.
            if let Some(last) = &last
                && people.first().map(|person| &person.id) != Some(last)
            {
                return Ok(Pages::Moved);
            }
            let news = people.len().saturating_sub(usize::from(last.is_some())) as u64;
            // A page that is not full is not taken for the last one: that a
            // smaller page is not the server's own bound is nowhere stated.
            let Some(end) = people.last().filter(|_| news > 0) else {
                return Ok(Pages::All);
            };
            last = Some(end.id.clone());
            listed += news;
            each(&people)?;
            listener.on_event(&Event::SurveyProgress {
                calls: self.engine.calls.total,
                people: listed,
            });
            // There are more pages: are they worth it? A server's own bound may be
            // lower than the page that was asked for.
            if !sized_up && (people.len() >= page_size as usize || offset > 0) {
                sized_up = true;
                let most = most.unwrap_or(u64::MAX).saturating_mul(people.len() as u64);
                if !self.page(most, 1, listener)?.is_empty() {
                    return Ok(Pages::TooMany);
                }
            }
            offset += people.len() as u64 - 1;
        }
    }

    fn page(
        &mut self,
        offset: u64,
        limit: u32,
        listener: &mut dyn Listener,
    ) -> Result<Vec<Remote>, UploadError> {
        let job = Page {
            target: Arc::clone(&self.target),
            offset,
            limit,
            people: None,
        };
        let mut people = Vec::new();
        self.runtime.block_on(one(
            &mut self.engine,
            job,
            listener,
            |page, end| match end {
                End::Done => {
                    people = page.people.unwrap_or_default();
                    Ok(())
                }
                // The probe was answered and this page is not, again and again:
                // for a list of everybody that is as good as down.
                End::GaveUp(trouble) => Err(UploadError::Halted(Halt::Outage {
                    why: trouble.why(),
                    down: std::time::Duration::ZERO,
                    ever_up: true,
                })),
                End::Halted => Ok(()),
            },
        ))?;
        Ok(people)
    }

    fn ask_each(
        &mut self,
        feed: &mut Feed,
        bound: &Bound<'_>,
        rows: &mut RowTable,
        seen: &mut dyn FnMut(Vec<Seen>) -> Result<(), UploadError>,
        listener: &mut dyn Listener,
    ) -> Result<Vec<NotAnswered>, UploadError> {
        let mut answers: Vec<(RowIndex, bool)> = Vec::new();
        let mut not_answered = Vec::new();
        let (target, engine, runtime) = (&self.target, &mut self.engine, &self.runtime);
        std::thread::scope(|scope| {
            let (sender, mut jobs) = mpsc::channel(2 * engine.max_in_flight);
            let (reading, stop) = (&*rows, engine.stop.clone());
            let reader = scope.spawn(move || {
                replay(feed, bound, reading, Wanted::New, &[], |items| {
                    for item in items {
                        if let Item::Change(change) = item {
                            let id = change.content.external_id.clone();
                            let look_up = LookUp::new(target, id);
                            let job = Question { look_up, change };
                            sender.blocking_send(job).map_err(|_| ScanError::Stopped)?;
                        }
                    }
                    Ok::<(), UploadError>(())
                })
            });
            let mut asked = 0;
            let driven = runtime.block_on(engine.drive(
                &mut jobs,
                |job: Question, end, calls: &Calls, listener: &mut dyn Listener| {
                    match end {
                        End::Done => {
                            asked += 1;
                            if let Some(person) = job.look_up.found {
                                let content = &job.change.content;
                                // The answer tells nothing of pictures, rights
                                // and groups, and hrfeed gave none of them.
                                let same = person.is_as(content)
                                    && content.sets.is_empty()
                                    && content.picture.is_none()
                                    && !person.is_archived;
                                seen(vec![Seen {
                                    external_id: job.change.content.external_id.as_str().to_owned(),
                                    remote_id: person.id,
                                    fingerprint: same.then_some(job.change.fingerprint),
                                    is_ambiguous: false,
                                }])?;
                                answers.push((job.change.index, same));
                            }
                            listener.on_event(&Event::SurveyProgress {
                                calls: calls.total,
                                people: asked,
                            });
                        }
                        End::GaveUp(trouble) => not_answered.push((
                            job.change.index,
                            NotAnswered {
                                row: job.change.row,
                                external_id: job.change.content.external_id,
                                trouble,
                                attempts: job.look_up.attempts,
                            },
                        )),
                        End::Halted => {}
                    }
                    Ok(())
                },
                listener,
            ));
            drop(jobs);
            read_through(reader, driven, &stop)
        })?;
        for (row, same) in answers {
            rows.mark_present(row, same);
        }
        Ok(not_answered
            .into_iter()
            .map(|(row, told)| {
                rows.mark_settled(row);
                told
            })
            .collect())
    }
}

/// Holds somebody of a page against the feed.
fn note(
    target: &dyn Target,
    bound: &Bound<'_>,
    rows: &mut RowTable,
    person: &Remote,
) -> Option<Seen> {
    let mapping = bound.mapping();
    let Some(external_id) = person.external_id.as_deref() else {
        if let (Some(field), Some(by)) = (mapping.adopt, mapping.adopt_by())
            && let Some(value) = person.get(by).filter(|value| !value.is_empty())
            && let Some(handle) = target.handle(person, by)
        {
            rows.note_candidate(field, value, &person.id, handle);
        }
        return None;
    };
    let found = rows.note_found(external_id, &person.id, |shape| print(bound, person, shape))?;
    Some(Seen {
        external_id: external_id.to_owned(),
        remote_id: person.id.clone(),
        fingerprint: match found {
            Found::Same(row) => Some(rows.fingerprint(row)),
            Found::Differs | Found::Several | Found::Variant => None,
        },
        is_ambiguous: found == Found::Several,
    })
}

/// The fingerprint of the person's fields in `shape`, if the answer holds all
/// of them.
fn print(bound: &Bound<'_>, person: &Remote, shape: u64) -> Option<u128> {
    let fields = bound.mapping().fields();
    let mut pairs = Vec::with_capacity(fields.len());
    for (rule, bit) in fields.iter().zip(0..64) {
        if shape & (1 << bit) != 0 && rule.field.part.is_compared() {
            let value = match rule.field.kind {
                crate::schema::FieldKind::ExternalId => person.external_id.as_deref(),
                _ => person.get(rule.field.name),
            };
            pairs.push((rule.field.name, value?));
        }
    }
    Some(fingerprint(pairs.into_iter()))
}

/// How a listing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pages {
    /// Everybody was read.
    All,
    /// There are more people than are worth reading.
    TooMany,
    /// The pages moved under the reader.
    Moved,
}

struct Page {
    target: Arc<dyn Target>,
    offset: u64,
    limit: u32,
    people: Option<Vec<Remote>>,
}

impl Job for Page {
    fn call(&mut self) -> Call {
        self.target.page(self.offset, self.limit)
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        if matches!(reply.status, 404 | 405 | 410) {
            return Next::Fatal(Fatal::WrongAddress);
        }
        self.people = self.target.people(reply);
        match self.people {
            Some(_) => Next::Done,
            None => Next::Unclear("the answer is no list of users"),
        }
    }

    fn unanswered(&mut self, _perhaps_done: bool) {}
}

/// Asks for the person of a row.
struct Question {
    look_up: LookUp,
    change: Box<Change>,
}

impl Job for Question {
    fn call(&mut self) -> Call {
        self.look_up.call()
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        self.look_up.answered(reply)
    }

    fn unanswered(&mut self, may_have_applied: bool) {
        self.look_up.unanswered(may_have_applied);
    }
}

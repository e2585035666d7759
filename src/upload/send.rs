//! The second pass: changes are intended, sent, settled.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::engine::{End, Job, Next};
use super::scrub::{scrub, shorten};
use super::survey::{LookUp, one, read_through};
use super::{UploadError, Uploader};
use crate::event::{Event, Listener};
use crate::feed::Feed;
use crate::journal::{Intent, OpenIntent, PersonNow, PersonState, RunId, Settled, Writer};
use crate::mapping::Bound;
use crate::model::{Action, ExternalId, Finding, Outcome, RowNumber};
use crate::plan::{Change, Item, LookError, Rows, Wanted, replay};
use crate::retry::{Fatal, Trouble};
use crate::target::{Call, LookedUp, Reply, Target, Written};

/// Where a run is recorded.
#[derive(Clone, Debug)]
pub struct Record {
    /// The journal's writer.
    pub writer: Writer,
    /// The run.
    pub run: RunId,
}

/// The most intents that are committed ahead of being sent. Each of them costs
/// a look-up after a crash.
const MOST_AHEAD: usize = 256;

/// After a timeout the target may still be at work: so long it is given before
/// "nobody there" is believed.
pub(super) const SECOND_LOOK: Duration = Duration::from_secs(5);

impl Uploader {
    /// Makes all changes of `rows`, and records the rejected rows.
    ///
    /// # Errors
    /// The run was halted, the journal cannot be written, or the feed cannot
    /// be read again.
    pub fn send(
        &mut self,
        feed: &mut Feed,
        bound: &Bound<'_>,
        rows: &Rows,
        record: &Record,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError> {
        let (target, engine, runtime) = (&self.target, &mut self.engine, &self.runtime);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounded by the clamp"
        )]
        let ahead = ((engine.pace.per_second() / 4.0) as usize)
            .clamp(engine.max_in_flight.min(MOST_AHEAD), MOST_AHEAD);
        std::thread::scope(|scope| {
            let (to_intend, mut items) = mpsc::channel::<Vec<Item>>(2);
            let (to_send, mut jobs) = mpsc::channel::<ChangeJob>(ahead);
            let stop = engine.stop.clone();
            let reader = scope.spawn(move || {
                replay(feed, bound, rows, Wanted::Work, &[], |items| {
                    to_intend
                        .blocking_send(items)
                        .map_err(|_| LookError::Stopped)
                })
            });
            let (intended, driven) = runtime.block_on(async {
                let intend = async {
                    let intended = intend(&mut items, &to_send, target, record, ahead).await;
                    drop(to_send);
                    drop(items);
                    intended
                };
                let drive = async {
                    let driven = engine
                        .drive(
                            &mut jobs,
                            |job, end, _, listener| settle(job, &end, record, listener),
                            listener,
                        )
                        .await;
                    // Or, where it ended early, the one above would wait for
                    // room in a queue that nobody empties.
                    jobs.close();
                    driven
                };
                tokio::join!(intend, drive)
            });
            let read = read_through(reader, driven, &stop);
            // A journal that failed comes first: everything else follows from it.
            intended?;
            read
        })
    }

    /// Settles what a run that is superseded left unknown, without its feed:
    /// whoever was to be created is looked up. Returns those of whom the target
    /// could not say whether they are there.
    ///
    /// # Errors
    /// The run was halted, or the journal cannot be written.
    pub fn settle_left_over(
        &mut self,
        intents: Vec<OpenIntent>,
        record: &Record,
        listener: &mut dyn Listener,
    ) -> Result<Vec<ExternalId>, UploadError> {
        listener.hear(&Event::SettleStarted {
            unknown: intents.len() as u64,
        });
        let mut not_answered = Vec::new();
        for intent in intents {
            // Whether an update came through cannot be seen without its content;
            // the next plan compares the person anew, which costs no look-up.
            if intent.action != Action::Create {
                left_over(&intent, Outcome::Pending, 0, Some(to_compare(None)), record)?;
                continue;
            }
            let job = LookUp::new(&self.target, intent.external_id.clone());
            let looked_up = one(&mut self.engine, job, listener, |job, end| match end {
                End::Done => {
                    let outcome = match job.found {
                        Some(_) => Outcome::Created,
                        None => Outcome::Pending,
                    };
                    let person = job.found.map(|person| to_compare(Some(person.id)));
                    left_over(&intent, outcome, job.attempts, person, record)
                }
                End::GaveUp(_) | End::Halted => {
                    not_answered.push(intent.external_id.clone());
                    Ok(())
                }
            });
            self.runtime.block_on(looked_up)?;
        }
        Ok(not_answered)
    }
}

/// Somebody who is there with whatever content: a later run compares it.
fn to_compare(remote_id: Option<String>) -> PersonNow {
    PersonNow {
        remote_id,
        fingerprint: None,
        state: PersonState::Active,
    }
}

/// Records what became of an intent of a run that another one takes the place
/// of.
fn left_over(
    intent: &OpenIntent,
    outcome: Outcome,
    attempts: u32,
    person: Option<PersonNow>,
    record: &Record,
) -> Result<(), UploadError> {
    record.writer.settle(
        record.run,
        Settled {
            row: intent.row,
            external_id: Some(intent.external_id.clone()),
            action: Some(intent.action),
            outcome,
            status: None,
            attempts: intent.attempts + attempts,
            code: None,
            message: None,
            person,
        },
    )?;
    Ok(())
}

/// Records a row of whose person the target could not say whether it exists:
/// nothing is sent for it. `why` is a sentence without the person's data.
///
/// # Errors
/// The journal cannot be written.
pub fn record_not_answered(
    row: RowNumber,
    external_id: ExternalId,
    attempts: u32,
    why: String,
    record: &Record,
) -> Result<(), UploadError> {
    record.writer.settle(
        record.run,
        Settled {
            row: Some(row),
            external_id: Some(external_id),
            action: Some(Action::Create),
            outcome: Outcome::Failed,
            status: None,
            attempts,
            code: Some("not-answered"),
            message: Some(why),
            person: None,
        },
    )?;
    Ok(())
}

/// Takes what the reader hands over, commits the intents, and passes the jobs
/// on.
async fn intend(
    items: &mut mpsc::Receiver<Vec<Item>>,
    to_send: &mpsc::Sender<ChangeJob>,
    target: &Arc<dyn Target>,
    record: &Record,
    ahead: usize,
) -> Result<(), UploadError> {
    while let Some(items) = items.recv().await {
        let mut changes = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Item::Change(change) => changes.push(change),
                Item::Rejected {
                    row,
                    external_id,
                    findings,
                } => {
                    record.writer.settle(
                        record.run,
                        Settled {
                            row: Some(row),
                            external_id,
                            action: None,
                            outcome: Outcome::Rejected,
                            status: None,
                            attempts: 0,
                            code: findings.first().map(|finding| finding.rule.code()),
                            message: Some(
                                findings
                                    .iter()
                                    .map(Finding::message)
                                    .collect::<Vec<_>>()
                                    .join("; "),
                            ),
                            person: None,
                        },
                    )?;
                }
            }
        }
        let mut changes = changes.into_iter().peekable();
        while changes.peek().is_some() {
            let chunk: Vec<_> = changes.by_ref().take(ahead).collect();
            let intents = chunk
                .iter()
                .map(|change| Intent {
                    row: Some(change.row),
                    external_id: change.content.external_id.clone(),
                    action: change.action,
                })
                .collect();
            record.writer.intend(record.run, intents).await?;
            let mut chunk = chunk.into_iter();
            for change in chunk.by_ref() {
                let job = ChangeJob::new(Arc::clone(target), change);
                if let Err(mpsc::error::SendError(job)) = to_send.send(job).await {
                    // The engine halted: what it will not take was never sent.
                    job.not_sent(record)?;
                    for change in chunk {
                        ChangeJob::new(Arc::clone(target), change).not_sent(record)?;
                    }
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// One person to be created or updated.
#[expect(
    clippy::struct_excessive_bools,
    reason = "what is known of a change are facts that do not follow from each other"
)]
struct ChangeJob {
    target: Arc<dyn Target>,
    change: Box<Change>,
    /// What the next write is: a create that turns out to exist goes on as an
    /// update, an update of somebody who is gone as a create.
    write: Action,
    /// A look comes before the next write.
    look: bool,
    /// A write went out, and it is not known what became of it.
    unsettled: bool,
    /// "Nobody there" is to be believed only at the second look.
    look_twice: bool,
    looked_twice: bool,
    /// The target did not let an update find the person.
    was_not_there: bool,
    created: bool,
    /// Why nothing more is written: only a look is left.
    given_up: Option<String>,
    attempts: u32,
    status: Option<u16>,
    result: Option<Result<String, String>>,
}

impl ChangeJob {
    fn new(target: Arc<dyn Target>, change: Box<Change>) -> Self {
        Self {
            target,
            write: change.action,
            look: change.doubtful,
            unsettled: change.doubtful,
            change,
            look_twice: false,
            looked_twice: false,
            was_not_there: false,
            created: false,
            given_up: None,
            attempts: 0,
            status: None,
            result: None,
        }
    }

    /// Takes back an intent of which nothing was sent.
    fn not_sent(self, record: &Record) -> Result<(), UploadError> {
        // What a killed run may have sent stays an open intent; so does somebody
        // who was made and is still to be changed, or would be made again.
        if !self.unsettled && !self.created {
            record.writer.not_sent(
                record.run,
                Some(self.change.row),
                &self.change.content.external_id,
            )?;
        }
        Ok(())
    }

    fn looked(&mut self, reply: &Reply) -> Next {
        match self
            .target
            .looked_up(&self.change.content.external_id, reply)
        {
            LookedUp::Found(person) => {
                // Nobody was there before this run's create, so the person is
                // its work.
                self.created |= self.unsettled && self.write == Action::Create;
                self.unsettled = false;
                self.look = false;
                if person.is_as(&self.change.content) {
                    self.result = Some(Ok(person.id));
                    return Next::Done;
                }
                self.write = Action::Update;
                if self.given_up.is_some() && !self.created {
                    return Next::Done;
                }
                Next::Call
            }
            LookedUp::Absent { plain } if self.look_twice || !plain && !self.looked_twice => {
                self.look_twice = false;
                self.looked_twice = true;
                Next::Later(SECOND_LOOK)
            }
            LookedUp::Absent { .. } => {
                self.unsettled = false;
                if self.given_up.is_some() {
                    return Next::Done;
                }
                self.look = false;
                self.write = Action::Create;
                Next::Call
            }
            LookedUp::Unclear { why } => Next::Unclear(why),
        }
    }
}

impl Job for ChangeJob {
    fn call(&mut self) -> Call {
        self.attempts += 1;
        if self.look {
            return self.target.look_up(&self.change.content.external_id);
        }
        match self.write {
            Action::Create => self.target.create(&self.change.content),
            Action::Update | Action::Deactivate | Action::Delete => {
                self.target.update(&self.change.content)
            }
        }
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        self.status = Some(reply.status);
        if self.look {
            return self.looked(reply);
        }
        match self.target.written(&self.change.content, reply) {
            Written::Applied(remote_id) => {
                self.created |= self.write == Action::Create;
                self.result = Some(Ok(remote_id));
                Next::Done
            }
            Written::Refused { message } => {
                self.result = Some(Err(message));
                Next::Done
            }
            Written::NotThere if self.write == Action::Update && self.was_not_there => {
                self.result = Some(Err(
                    "the LMS shows the person and does not find it for an update".into(),
                ));
                Next::Done
            }
            // Gone, or a proxy whose target is away for a moment: looked at
            // twice before the person is made anew.
            Written::NotThere if self.write == Action::Update => {
                self.was_not_there = true;
                self.look = true;
                self.look_twice = true;
                Next::Call
            }
            Written::NotThere | Written::WrongAddress => Next::Fatal(Fatal::WrongAddress),
            Written::Unclear { why } => Next::Unclear(why),
        }
    }

    fn is_write(&self) -> bool {
        !self.look
    }

    fn give_up(&mut self, trouble: &Trouble) -> bool {
        let first_time = self.given_up.is_none();
        self.given_up = Some(trouble.why());
        first_time && self.unsettled
    }

    fn unanswered(&mut self, perhaps_done: bool) {
        if perhaps_done && !self.look {
            self.unsettled = true;
            self.look = true;
            self.look_twice = self.write == Action::Create;
        }
    }
}

/// Records how a change ended.
fn settle(
    job: ChangeJob,
    end: &End,
    record: &Record,
    listener: &mut dyn Listener,
) -> Result<(), UploadError> {
    let action = job.change.action;
    let (outcome, message) = match (&job.result, end) {
        (Some(Ok(_)), _) => (
            if job.created {
                Outcome::Created
            } else {
                Outcome::Updated
            },
            None,
        ),
        (Some(Err(message)), _) => (
            Outcome::Rejected,
            Some(shorten(&scrub(message, &job.change.content))),
        ),
        (None, End::Halted) => return job.not_sent(record),
        (None, End::GaveUp(trouble)) if job.unsettled => (
            Outcome::Unknown,
            Some(format!(
                "sent, and it is not known what became of it: {}",
                trouble.why()
            )),
        ),
        (None, End::GaveUp(trouble)) => (
            Outcome::Failed,
            Some(format!(
                "given up after {} calls: {}",
                job.attempts,
                trouble.why()
            )),
        ),
        (None, End::Done) => (
            Outcome::Failed,
            Some(format!(
                "given up after {} calls: {}",
                job.attempts,
                job.given_up.as_deref().unwrap_or("no result")
            )),
        ),
    };
    let person = match job.result {
        Some(Ok(remote_id)) => Some(PersonNow {
            remote_id: Some(remote_id),
            fingerprint: Some(job.change.fingerprint),
            state: PersonState::Active,
        }),
        _ => None,
    };
    let id: ExternalId = job.change.content.external_id.clone();
    record.writer.settle(
        record.run,
        Settled {
            row: Some(job.change.row),
            external_id: Some(id.clone()),
            action: Some(action),
            outcome,
            status: job.status,
            attempts: job.attempts,
            code: None,
            message,
            person,
        },
    )?;
    listener.hear(&Event::Settled {
        row: Some(job.change.row),
        external_id: &id,
        action,
        outcome,
    });
    Ok(())
}

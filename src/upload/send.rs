//! The second pass: changes are intended, sent, settled.

use std::cell::RefCell;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::change::ChangeJob;
use super::engine::End;
use super::look_up::{LookUp, one, read_through};
use super::memberships::Memberships;
use super::recorder::{RunRecorder, left_over};
use super::scrub::{scrub, shorten};
use super::{UploadError, Uploader};
use crate::event::{Event, Listener};
use crate::feed::Feed;
use crate::journal::{
    Acknowledged, Intent, JournalError, OpenIntent, PersonNow, PersonState, Settled,
};
use crate::mapping::Bound;
use crate::model::{Action, Calls, ExternalId, Finding, Outcome, Parts};
use crate::plan::{Item, RowTable, ScanError, Wanted, replay};
use crate::targets::{Remote, Target};

/// The most intents that are committed ahead of being sent. Each of them costs
/// a look-up after a crash.
const MAX_AHEAD: usize = 256;

/// Says what was acknowledged of a person's parts.
pub type PartsOf<'p> = &'p mut (dyn FnMut(&ExternalId) -> Result<Parts, JournalError> + Send);

/// A row on its way from the reader: with what was acknowledged of the person.
type Work = (Item, Parts);

impl Uploader {
    /// Makes all changes of `rows`, and records the rejected rows. Returns who
    /// comes into which groups and leaves which: these calls are for many
    /// people at once, and come last.
    ///
    /// # Errors
    /// The run was halted, the journal cannot be written, or the feed cannot
    /// be read again.
    pub fn send(
        &mut self,
        feed: &mut Feed,
        bound: &Bound<'_>,
        rows: &RowTable,
        parts: PartsOf<'_>,
        record: &RunRecorder,
        listener: &mut dyn Listener,
    ) -> Result<Memberships, UploadError> {
        let (target, engine, runtime) = (&self.target, &mut self.engine, &self.runtime);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounded by the clamp"
        )]
        let ahead = ((engine.pace.per_second() / 4.0) as usize)
            .clamp(engine.max_in_flight.min(MAX_AHEAD), MAX_AHEAD);
        std::thread::scope(|scope| {
            let (to_intend, mut items) = mpsc::channel::<Vec<Work>>(2);
            let (to_send, mut jobs) = mpsc::channel::<ChangeJob>(ahead);
            let stop = engine.stop.clone();
            let reader = scope.spawn(move || {
                let has_parts = target.system().spec().has_parts;
                replay(feed, bound, rows, Wanted::Work, &[], |items| {
                    let with_parts = |item| {
                        let known = match &item {
                            Item::Change(change) if has_parts => {
                                parts(&change.content.external_id)?
                            }
                            _ => Parts::default(),
                        };
                        Ok((item, known))
                    };
                    let work = items
                        .into_iter()
                        .map(with_parts)
                        .collect::<Result<Vec<Work>, JournalError>>()?;
                    to_intend
                        .blocking_send(work)
                        .map_err(|_| UploadError::Scan(ScanError::Stopped))
                })
            });
            let joins = RefCell::new(Memberships::default());
            let (intended, driven) = runtime.block_on(async {
                let intend = async {
                    let intended =
                        intend(&mut items, &to_send, target, record, ahead, &joins).await;
                    drop(to_send);
                    drop(items);
                    intended
                };
                let drive = async {
                    let driven = engine
                        .drive(
                            &mut jobs,
                            |job: ChangeJob, end, _: &Calls, listener: &mut dyn Listener| {
                                settle(job, &end, record, &mut joins.borrow_mut(), Some(listener))
                            },
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
            read.map(|()| joins.into_inner())
        })
    }

    /// Settles what a run that is superseded left unknown, without its feed:
    /// whoever was to be created, adopted or to leave is looked up. Returns
    /// those of whom the target could not say whether they are there.
    ///
    /// # Errors
    /// The run was halted, or the journal cannot be written.
    pub fn settle_left_over(
        &mut self,
        intents: Vec<OpenIntent>,
        record: &RunRecorder,
        listener: &mut dyn Listener,
    ) -> Result<Vec<ExternalId>, UploadError> {
        listener.on_event(&Event::SettleStarted {
            unknown: intents.len() as u64,
        });
        let mut not_answered = Vec::new();
        for intent in intents {
            // Whether an update came through cannot be seen without its content;
            // the next plan compares the person anew, which costs no look-up.
            if intent.action == Action::Update {
                left_over(&intent, Outcome::Pending, 0, None, record)?;
                let (run, id) = (record.run, &intent.external_id);
                record
                    .writer
                    .acknowledge(run, id, vec![Acknowledged::Invalidated])?;
                continue;
            }
            let job = LookUp::new(&self.target, intent.external_id.clone());
            let looked_up = one(&mut self.engine, job, listener, |job, end| match end {
                End::Done => {
                    let (outcome, person) = became(intent.action, job.found);
                    if outcome == Outcome::Pending && intent.action.is_for_leaver() {
                        let (run, id) = (record.run, &intent.external_id);
                        record
                            .writer
                            .acknowledge(run, id, vec![Acknowledged::Invalidated])?;
                    }
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

/// What became of an intent whose person was looked up, and how the person
/// stands now. The content is not known: a later run compares it.
fn became(action: Action, found: Option<Remote>) -> (Outcome, Option<PersonNow>) {
    let now = |state, remote_id| {
        Some(PersonNow {
            remote_id,
            fingerprint: None,
            state,
            did: Vec::new(),
        })
    };
    match (action, found) {
        (Action::Create, Some(person)) => {
            let person = now(PersonState::Active, Some(person.id));
            (Outcome::Created, person)
        }
        (Action::Adopt, Some(person)) => {
            let person = now(PersonState::Active, Some(person.id));
            (Outcome::Updated, person)
        }
        (Action::Deactivate, Some(person)) if person.cannot_sign_in() => {
            let person = now(PersonState::Inactive, Some(person.id));
            (Outcome::Deactivated, person)
        }
        (Action::Deactivate, None) => (Outcome::Deactivated, now(PersonState::Deleted, None)),
        (Action::Delete, None) => (Outcome::Deleted, now(PersonState::Deleted, None)),
        (_, _) => (Outcome::Pending, None),
    }
}

/// Takes what the reader hands over, commits the intents, and passes the jobs
/// on. Whoever only comes into a group or leaves one takes no job.
async fn intend(
    items: &mut mpsc::Receiver<Vec<Work>>,
    to_send: &mpsc::Sender<ChangeJob>,
    target: &Arc<dyn Target>,
    record: &RunRecorder,
    ahead: usize,
    joins: &RefCell<Memberships>,
) -> Result<(), UploadError> {
    while let Some(items) = items.recv().await {
        let mut changes = Vec::with_capacity(items.len());
        for (item, parts) in items {
            match item {
                Item::Change(change) => {
                    let job = ChangeJob::new(Arc::clone(target), change, parts, record.clone());
                    if job.is_complete() {
                        settle(job, &End::Done, record, &mut joins.borrow_mut(), None)?;
                    } else {
                        changes.push(job);
                    }
                }
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
                            awaits_groups: false,
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
                .map(|job| Intent {
                    row: Some(job.change.row),
                    external_id: job.change.content.external_id.clone(),
                    action: job.change.action,
                })
                .collect();
            record.writer.intend(record.run, intents).await?;
            let mut chunk = chunk.into_iter();
            for job in chunk.by_ref() {
                if let Err(mpsc::error::SendError(job)) = to_send.send(job).await {
                    // The engine halted: what it will not take was never sent.
                    job.not_sent()?;
                    for job in chunk {
                        job.not_sent()?;
                    }
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Records how a change ended.
fn settle(
    mut job: ChangeJob,
    end: &End,
    record: &RunRecorder,
    joins: &mut Memberships,
    listener: Option<&mut dyn Listener>,
) -> Result<(), UploadError> {
    let action = job.change.action;
    let is_complete = job.is_complete();
    let (join, leave) = (
        std::mem::take(&mut job.groups_to_join),
        std::mem::take(&mut job.groups_to_leave),
    );
    let has_groups = is_complete && !job.is_refused_whole && !(join.is_empty() && leave.is_empty());
    let given_up = |why: &str| {
        let calls = match job.attempts {
            1 => "1 call".to_owned(),
            calls => format!("{calls} calls"),
        };
        Some(format!("given up after {calls}: {why}"))
    };
    let (outcome, message) = match (&job.refused, end) {
        (Some(message), _) if is_complete => (
            Outcome::Rejected,
            Some(shorten(&scrub(message, &job.change.content))),
        ),
        (None, End::Done) if is_complete => {
            // The run that is being resumed has changed whoever awaits groups, or
            // of whom nothing was left to do.
            let by_this_run = job.change.doubtful || job.change.awaits_groups.is_some();
            let changed = job.wrote || has_groups || by_this_run;
            let outcome = match (job.created, changed) {
                (true, _) => Outcome::Created,
                (false, true) => Outcome::Updated,
                (false, false) => Outcome::Unchanged,
            };
            (outcome, job.remark())
        }
        (_, End::Halted) => return job.not_sent(),
        (_, End::GaveUp(trouble)) if job.unsettled => (
            Outcome::Unknown,
            Some(format!(
                "sent, and it is not known what became of it: {}",
                trouble.why()
            )),
        ),
        (_, End::GaveUp(trouble)) => (Outcome::Failed, given_up(&trouble.why())),
        (_, End::Done) => (
            Outcome::Failed,
            given_up(job.given_up.as_deref().unwrap_or("no result")),
        ),
    };
    let (row, id) = (job.change.row, job.change.content.external_id.clone());
    let is_told = listener.is_some();
    if has_groups {
        joins.add((row, &id), (action, outcome, is_told), join, leave);
    }
    if let (true, Some(_)) = (has_groups && job.attempts == 0, job.change.awaits_groups) {
        // It stands in the journal as the interrupted run left it.
        return Ok(());
    }
    let fingerprint = job.change.fingerprint;
    let mut did = job.take_acknowledged();
    let is_done = is_complete && job.refused.is_none();
    if is_done && has_groups {
        did.push(Acknowledged::PendingGroups(fingerprint));
    }
    let person = (is_done || job.wrote || !did.is_empty()).then(|| PersonNow {
        remote_id: job.remote_id.take(),
        fingerprint: (is_done && !has_groups).then_some(fingerprint),
        state: job.state(),
        did,
    });
    let code =
        (outcome != Outcome::Rejected && message.is_some() && is_done).then_some("role-stays");
    record.writer.settle(
        record.run,
        Settled {
            row: Some(row),
            external_id: Some(id.clone()),
            action: Some(action),
            outcome,
            status: job.status,
            attempts: job.attempts,
            code,
            message,
            awaits_groups: has_groups,
            person,
        },
    )?;
    // Whoever still has groups to come is told of as if they were done: they are
    // a few calls for all.
    if let Some(listener) = listener {
        listener.on_event(&Event::Settled {
            row: Some(row),
            external_id: &id,
            action,
            outcome,
            instead_of: None,
        });
    }
    Ok(())
}

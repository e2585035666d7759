//! Changes are intended, sent, settled.

use std::cell::RefCell;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::change::{ChangeJob, Effect, Missing};
use super::doubt::Trust;
use super::engine::{End, Ledger};
use super::intents::{Intended, send_intended};
use super::lost::LostPerson;
use super::memberships::{Member, Memberships, Open};
use super::recorder::{RunRecorder, outcome_unknown};
use super::refused_all::RefusedInTurn;
use super::scrub::{scrub, shorten};
use super::{Halt, UploadError, Uploader};
use crate::event::{Event, Listener};
use crate::journal::{Acknowledged, HoldId, Intent, PersonNow, SentAgain, Settled};
use crate::model::{Calls, Outcome, Parts};
use crate::plan::Item;
use crate::retry::NoAnswer;
use crate::targets::Target;

/// The most intents that are committed ahead of being sent. Each of them costs
/// a look-up after a crash.
const MAX_AHEAD: usize = 256;

/// What is left of changes after they were sent.
#[derive(Debug, Default)]
pub struct SendResult {
    /// Who comes into which groups and leaves which: these calls are for many
    /// people at once, and come last.
    pub memberships: Memberships,
    /// Known people whom the LMS did not find for a change, in the order of the
    /// answers. Their rows are pending.
    pub lost: Vec<LostPerson>,
}

impl SendResult {
    /// Takes in what is left of more changes.
    pub fn extend(&mut self, more: Self) {
        self.memberships.extend(more.memberships);
        self.lost.extend(more.lost);
    }
}

/// Rows that something must be done for, each with what was acknowledged of its
/// person.
pub type Work = Vec<(Item, Parts)>;

impl Uploader {
    /// Makes the changes of all `work` that comes, and records the rejected
    /// rows. Returns what only the whole run can do or decide.
    ///
    /// # Errors
    /// The run was halted, or the journal cannot be written. Of both, what the
    /// journal says comes first: all else follows from it.
    pub fn send(
        &mut self,
        mut work: mpsc::Receiver<Work>,
        recorder: &RunRecorder,
        listener: &mut dyn Listener,
    ) -> Result<SendResult, UploadError> {
        let (target, trust, engine) = (&self.target, &self.trust, &mut self.engine);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounded by the clamp"
        )]
        let ahead = ((engine.pace.per_second() / 4.0) as usize)
            .clamp(engine.max_in_flight.min(MAX_AHEAD), MAX_AHEAD);
        let (sender, mut jobs) = mpsc::channel::<ChangeJob>(ahead);
        let left = RefCell::new(SendResult::default());
        let in_turn = RefCell::new(&mut self.refused_in_turn);
        let ledger = ChangeLedger {
            recorder,
            left: &left,
            in_turn: &in_turn,
        };
        let (intended, driven) = self.runtime.block_on(async {
            let intend = async {
                let intended = intend(&mut work, &sender, (target, trust), &ledger, ahead).await;
                drop(sender);
                // The thread that reads the feed is to stop, too.
                drop(work);
                intended
            };
            let drive = async {
                let driven = engine.drive(&mut jobs, ledger, listener).await;
                // Or, where it ended early, the one above would wait for room in
                // a queue that nobody empties.
                jobs.close();
                driven
            };
            tokio::join!(intend, drive)
        });
        intended?;
        driven?;
        Ok(left.into_inner())
    }
}

/// Takes what the reader hands over, commits the intents, and passes the jobs
/// on. Somebody who only comes into a group or leaves one takes no job.
async fn intend(
    work: &mut mpsc::Receiver<Work>,
    sender: &mpsc::Sender<ChangeJob>,
    (target, trust): (&Arc<dyn Target>, &Trust),
    ledger: &ChangeLedger<'_>,
    ahead: usize,
) -> Result<(), UploadError> {
    while let Some(items) = work.recv().await {
        let mut jobs = Vec::with_capacity(items.len());
        for (item, parts) in items {
            match item {
                Item::Change(change) => {
                    let job = ChangeJob::new(Arc::clone(target), trust.clone(), change, parts);
                    if job.is_complete() {
                        ledger.settle(job, &End::Done, None)?;
                    } else {
                        jobs.push(job);
                    }
                }
                Item::LeftAlone(left_alone) => ledger.recorder.leave_alone(*left_alone)?,
                Item::Rejected {
                    row,
                    external_id,
                    findings,
                    ..
                } => ledger.recorder.reject(row, external_id, &findings)?,
            }
        }
        if !send_intended(jobs, ahead, sender, ledger.recorder).await? {
            return Ok(());
        }
    }
    Ok(())
}

impl Intended for ChangeJob {
    fn intent(&self) -> Intent {
        Intent {
            row: Some(self.change.row),
            external_id: self.change.content.external_id.clone(),
            action: self.change.action,
            from: (self.change.rekey.as_ref()).map(|rekey| rekey.from.clone()),
            account: self.change.account().map(str::to_owned),
            hold: self.change.hold.map(HoldId::from_number),
            set: None,
        }
    }

    /// What a killed run may have sent stays an open intent; so does somebody
    /// for whom something was done, or it would be done again.
    fn may_have_applied(&self) -> bool {
        self.is_unknown() || self.effect != Effect::None
    }
}

/// Records changes, and gathers what is left of them.
#[derive(Clone, Copy)]
struct ChangeLedger<'a> {
    recorder: &'a RunRecorder,
    left: &'a RefCell<SendResult>,
    in_turn: &'a RefCell<&'a mut RefusedInTurn>,
}

impl Ledger<ChangeJob> for ChangeLedger<'_> {
    fn writes(&mut self, job: &ChangeJob) -> Result<(), UploadError> {
        let RunRecorder { writer, run, clock } = self.recorder;
        let creates_twice = job.creates_twice();
        if job.change.doubt.is_some() || creates_twice {
            // A run that is killed now must leave no doubt that is too old, and that two
            // creates went out.
            let sent = SentAgain {
                external_id: job.change.content.external_id.clone(),
                at: clock.now(),
                creates_twice,
            };
            writer.sent_again(*run, sent)?;
        }
        self.recorder.alive()
    }

    fn stops(&self) -> Option<Halt> {
        self.in_turn.borrow().stops().map(Halt::RefusedAll)
    }

    fn advanced(&mut self, job: &mut ChangeJob) -> Result<(), UploadError> {
        let acknowledged = job.take_acknowledged();
        if !acknowledged.is_empty() {
            let RunRecorder { writer, run, .. } = self.recorder;
            // With the outcome all of it goes over to a new external ID.
            writer.acknowledge(*run, job.change.known_as(), acknowledged)?;
        }
        Ok(())
    }

    fn ended(
        &mut self,
        job: ChangeJob,
        end: End,
        _: &Calls,
        listener: &mut dyn Listener,
    ) -> Result<(), UploadError> {
        self.settle(job, &end, Some(listener))
    }
}

impl ChangeLedger<'_> {
    /// Records how a change ended.
    fn settle(
        &self,
        mut job: ChangeJob,
        end: &End,
        listener: Option<&mut dyn Listener>,
    ) -> Result<(), UploadError> {
        if job.missing == Some(Missing::Lost) {
            return self.lost(&job);
        }
        let is_complete = job.is_complete();
        if end.is_halted() && !(is_complete && job.refused.is_some()) {
            return self.recorder.take_back(&job, end);
        }
        let groups_to_join = std::mem::take(&mut job.groups_to_join);
        let groups_to_leave = std::mem::take(&mut job.groups_to_leave);
        let has_groups = is_complete
            && !job.is_refused_whole()
            && !(groups_to_join.is_empty() && groups_to_leave.is_empty());
        let (outcome, message) = outcome_of(&job, end, has_groups);
        let action = job.change.action;
        let (row, id) = (job.change.row, job.change.content.external_id.clone());
        if job.attempts > 0 {
            let said = (message.as_deref()).filter(|_| job.is_refused_whole());
            let said = said.map(|words| (job.status, words));
            self.in_turn.borrow_mut().note(outcome, said, id.as_str());
        }
        if has_groups {
            let member = Member {
                row,
                external_id: id.clone(),
            };
            let open = Open {
                groups: 0,
                action,
                outcome,
                is_announced: listener.is_some(),
            };
            self.left
                .borrow_mut()
                .memberships
                .add(&member, open, groups_to_join, groups_to_leave);
        }
        if has_groups && job.attempts == 0 && job.change.before_groups.is_some() {
            // It is in the journal as the interrupted run left it.
            return Ok(());
        }
        let is_done = is_complete && job.refused.is_none();
        let code =
            (outcome != Outcome::Rejected && message.is_some() && is_done).then_some("role-stays");
        let settled = Settled {
            row: Some(row),
            external_id: Some(id.clone()),
            action: Some(action),
            outcome,
            status: job.status,
            attempts: job.attempts,
            code,
            message,
            awaits_groups: has_groups,
            changed: job.change.changed_in_words(),
            hold: job.change.hold.map(HoldId::from_number),
            may_land: job.stray().map(|sent| self.recorder.time_of(sent)),
            rekeyed_from: (job.change.rekey.as_ref().filter(|_| job.is_rekeyed))
                .map(|rekey| rekey.from.clone()),
            person: person_now(&mut job, is_done, has_groups),
        };
        let RunRecorder { writer, run, .. } = self.recorder;
        writer.settle(*run, settled)?;
        // A row that still awaits its groups is announced as if it were done: they
        // are a few calls for all.
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

    /// Hands somebody back who is known and was not found. Nothing was written, and
    /// nothing is left to be read back.
    fn lost(&self, job: &ChangeJob) -> Result<(), UploadError> {
        let (row, index) = (job.change.row, job.change.index);
        let external_id = job.change.content.external_id.clone();
        let RunRecorder { writer, run, .. } = self.recorder;
        writer.not_sent(*run, Some(row), &external_id)?;
        self.left.borrow_mut().lost.push(LostPerson {
            row,
            index,
            external_id,
            former: job.change.rekey.as_ref().map(|rekey| rekey.from.clone()),
        });
        Ok(())
    }
}

/// How a change ended, and why.
fn outcome_of(job: &ChangeJob, end: &End, has_groups: bool) -> (Outcome, Option<String>) {
    let given_up = |why: &str| {
        let calls = match job.attempts {
            1 => "1 call".to_owned(),
            calls => format!("{calls} calls"),
        };
        Some(format!("given up after {calls}: {why}"))
    };
    match (&job.refused, end) {
        (Some(refused), _) if job.is_complete() => {
            let message = scrub(refused.message(), &job.change.content);
            (Outcome::Rejected, Some(shorten(&message)))
        }
        (None, End::Done) if job.is_complete() => {
            // The run that is being resumed has changed people who await groups, or
            // for whom nothing was left to do.
            let by_this_run = job.change.may_have_applied || job.change.before_groups.is_some();
            let outcome = match job.effect {
                Effect::Created => Outcome::Created,
                Effect::None if !has_groups && !by_this_run => Outcome::Unchanged,
                Effect::None | Effect::Changed => Outcome::Updated,
            };
            (outcome, job.remark())
        }
        (_, End::GaveUp(no_answer)) if job.is_unknown() => {
            (Outcome::Unknown, Some(outcome_unknown(no_answer)))
        }
        (_, End::Done) if job.missing.is_some() => {
            let message = "sent, but not confirmed: the LMS shows neither this person nor another \
                           who must be there";
            (Outcome::Unknown, Some(message.into()))
        }
        (_, End::GaveUp(NoAnswer::NotMade(why))) => (Outcome::Failed, Some((*why).to_owned())),
        (_, End::GaveUp(no_answer)) => (Outcome::Failed, given_up(&no_answer.why())),
        (_, End::Done | End::Halted | End::HaltedRefused) => (
            Outcome::Failed,
            given_up(job.given_up.as_deref().unwrap_or("no result")),
        ),
    }
}

/// What the end of a change says of the person.
fn person_now(job: &mut ChangeJob, is_done: bool, has_groups: bool) -> Option<PersonNow> {
    let fingerprint = job.change.fingerprint;
    let mut acknowledged = job.take_acknowledged();
    if is_done && has_groups {
        acknowledged.push(Acknowledged::PendingGroups(fingerprint));
    }
    let says_something = is_done || job.effect != Effect::None || !acknowledged.is_empty();
    says_something.then(|| PersonNow {
        remote_id: job.remote_id.take(),
        fingerprint: (is_done && !has_groups).then_some(fingerprint),
        state: job.state(),
        acknowledged,
        fingerprints: is_done.then(|| job.change.fingerprints.packed()),
    })
}

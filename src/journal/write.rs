//! The one thread that writes, and the handles that send it work.
//!
//! Messages go through a bounded queue. The thread takes what is queued and
//! commits it as one group: at once if somebody waits, else when the group is
//! large enough or some milliseconds have passed. So durability costs a few
//! syncs of the disk a second, not one a row, and a burst of intents shares
//! one.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::clock;
use crate::model::{ExternalId, HoldState, Outcome, RowNumber};

use super::alive::Alive;
use super::doubts::{Doubt, Doubts, SentAgain};
use super::error::JournalError;
use super::holds::NewHold;
use super::ids::{FeedKey, HoldId, RunId, Scope};
use super::lock::ScopeLock;
use super::open::Journal;
use super::parts::{Acknowledged, GroupNow};
use super::people::{Refreshed, SeenPerson};
use super::records::{Intent, RunChange, RunStart, Settled, Work};
use super::store::Store;

/// A sender waits when this many messages are queued.
const QUEUE: usize = 4_096;

/// With this many rows a group is committed although nobody waits for it.
const GROUP_ROWS: usize = 256;

/// With this many rows a group is full, although more is queued.
const MAX_ROWS: usize = 512;

/// After this time a group is committed although nobody waits for it.
const GROUP_TIME: Duration = Duration::from_millis(20);

/// Sends work to the writer's thread. Clones share the thread, which writes in
/// the order of sending; when the last of them is dropped, the thread writes the
/// rest and ends.
///
/// # Errors
/// Every method fails once the journal could not be written, now or before:
/// after that nothing more is accepted.
#[derive(Clone, Debug)]
pub struct Writer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    // `None` only while it is being dropped.
    queue: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<()>>,
    fate: Arc<Fate>,
    alive: Alive,
}

/// The writer's file, and its failure.
#[derive(Debug)]
struct Fate {
    path: PathBuf,
    failure: OnceLock<JournalError>,
}

impl Fate {
    /// Why the writer takes nothing more.
    fn error(&self) -> JournalError {
        let failure = self.failure.get().cloned();
        failure.unwrap_or_else(|| JournalError::Stopped(self.path.clone()))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has dropped its waiters: they know.
            drop(thread.join());
        }
    }
}

struct Message {
    work: Work,
    waiter: Option<oneshot::Sender<Result<Written, JournalError>>>,
}

/// What a waiter learns.
#[derive(Clone, Copy, Debug)]
pub(super) enum Written {
    Run(RunId),
    Hold(HoldId),
    Claim(bool),
    /// Nothing but that it is durable.
    Done,
}

impl From<Work> for Written {
    fn from(work: Work) -> Self {
        match work {
            Work::StartRun { id: Some(id), .. } => Self::Run(id),
            Work::OpenHold { id: Some(id), .. } => Self::Hold(id),
            Work::ClaimHold { is_claimed, .. } => Self::Claim(is_claimed),
            _ => Self::Done,
        }
    }
}

impl Message {
    fn answer(self, result: Result<(), &JournalError>) {
        if let Some(waiter) = self.waiter {
            let written = result.map(|()| self.work.into());
            // Nobody need wait to the end.
            drop(waiter.send(written.map_err(Clone::clone)));
        }
    }
}

impl Journal {
    /// Starts the one thread that writes, and gives it this handle's
    /// connection. Keep a handle for reading with [`Journal::again`].
    pub fn writer(self) -> Result<Writer, JournalError> {
        self.writer_with(None)
    }

    /// [`Journal::writer`] of a run: nothing is taken for recorded once the run does
    /// not hold its lock any more.
    pub fn writer_under(self, lock: &ScopeLock) -> Result<Writer, JournalError> {
        self.writer_with(Some(lock.clone()))
    }

    fn writer_with(self, lock: Option<ScopeLock>) -> Result<Writer, JournalError> {
        let journal = if self.for_reading {
            self.again()?
        } else {
            self
        };
        let path = journal.path().to_path_buf();
        Writer::start(Store::new(journal.conn, journal.place, lock), path)
    }
}

impl Writer {
    fn start(store: Store, path: PathBuf) -> Result<Self, JournalError> {
        let fate = Arc::new(Fate {
            path,
            failure: OnceLock::new(),
        });
        let (queue, messages) = sync_channel(QUEUE);
        let thread = thread::Builder::new()
            .name("journal".into())
            .spawn({
                let fate = Arc::clone(&fate);
                move || run(store, &messages, &fate)
            })
            .map_err(|error| JournalError::Thread(fate.path.clone(), Arc::new(error)))?;
        Ok(Self {
            shared: Arc::new(Shared {
                queue: Some(queue),
                thread: Some(thread),
                fate,
                alive: Alive::default(),
            }),
        })
    }

    /// Records that a run has started. Durable when it returns.
    pub fn start_run(&self, run: RunStart) -> Result<RunId, JournalError> {
        let work = Work::StartRun {
            run: Box::new(run),
            id: None,
        };
        match block_on(self.send_and_wait(work))? {
            Written::Run(run) => Ok(run),
            _ => Err(self.shared.fate.error()),
        }
    }

    /// Changes the record of a run, after everything that was sent before.
    /// Durable when it returns.
    pub fn update_run(&self, run: RunId, change: RunChange) -> Result<(), JournalError> {
        block_on(self.send_and_wait(Work::UpdateRun(run, Box::new(change)))).map(drop)
    }

    /// Records what is about to be sent. Nothing of it may leave before the
    /// commit resolves.
    pub fn intend(&self, run: RunId, intents: Vec<Intent>) -> Commit {
        self.send_and_wait(Work::Intend(run, intents))
    }

    /// Records that the run is about to send a write, unless it did so less than a
    /// second ago. After a kill nobody knows what was sent; but nothing was later than
    /// a second after the last of these. Durable when it returns. `time` is now by the
    /// run's clock.
    pub fn alive(&self, run: RunId, time: Timestamp) -> Result<(), JournalError> {
        let commit = |time| self.send_and_wait(Work::Alive(run, time)).wait_blocking();
        self.shared.alive.renew(time, commit, clock::monotonic)
    }

    /// Records that a write goes out for a person for whom an earlier one may still land:
    /// the doubt is as young as this one. Durable when it returns.
    pub fn sent_again(&self, run: RunId, sent: SentAgain) -> Result<(), JournalError> {
        self.send_and_wait(Work::Doubts(Doubts::Again(run, sent)))
            .wait_blocking()
    }

    /// Records for whom a write of unknown outcome may still land.
    pub fn doubts(&self, scope: &Scope, doubts: Vec<Doubt>) -> Commit {
        self.send_and_wait(Work::Doubts(Doubts::New(*scope, doubts)))
    }

    /// Records that it is known what became of all that was sent for these people.
    pub fn no_doubts(&self, scope: &Scope, people: Vec<String>) -> Result<(), JournalError> {
        self.send(Work::Doubts(Doubts::Over(*scope, people)), None)
    }

    /// Records that nobody looks any more whether these people are there twice.
    pub fn not_twice(&self, scope: &Scope, people: Vec<String>) -> Result<(), JournalError> {
        self.send(Work::Doubts(Doubts::NotTwice(*scope, people)), None)
    }

    /// Records the outcome of a row, in place of an earlier one. Does not wait for
    /// the disk, but for room in the queue. An outcome that makes no sense is
    /// refused, and nothing is recorded.
    pub fn settle(&self, run: RunId, settled: Settled) -> Result<(), JournalError> {
        settled.check().map_err(JournalError::Misuse)?;
        self.send(Work::Settle(run, Box::new(settled)), None)
    }

    /// Records the outcomes of many rows in one transaction, as
    /// [`Writer::settle`] does for one. Durable when it returns.
    pub fn settle_all(&self, run: RunId, rows: Vec<Settled>) -> Result<(), JournalError> {
        let checked = rows.iter().try_for_each(Settled::check);
        checked.map_err(JournalError::Misuse)?;
        self.send_and_wait(Work::SettleAll(run, rows))
            .wait_blocking()
    }

    /// Takes back an intent whose request was certainly not sent: its row is
    /// pending again. Does nothing if the row has an outcome.
    pub fn not_sent(
        &self,
        run: RunId,
        row: Option<RowNumber>,
        external_id: &ExternalId,
    ) -> Result<(), JournalError> {
        self.send(Work::NotSent(run, row, external_id.clone()), None)
    }

    /// Records people that the target listed.
    pub fn seen(&self, scope: &Scope, people: Vec<SeenPerson>) -> Commit {
        self.send_and_wait(Work::Seen(*scope, people))
    }

    /// Notes that these external IDs, which the target had shown more than once,
    /// are on it once.
    pub fn single(&self, scope: &Scope, people: Vec<String>) -> Commit {
        self.send_and_wait(Work::Single(*scope, people))
    }

    /// Notes that a feed names these people of the scope.
    pub fn named(
        &self,
        scope: &Scope,
        feed: FeedKey,
        people: Vec<String>,
    ) -> Result<(), JournalError> {
        self.send(Work::Named(*scope, feed, people), None)
    }

    /// Notes that a feed no longer names these people, while another one does.
    pub fn dropped(
        &self,
        scope: &Scope,
        feed: FeedKey,
        people: Vec<String>,
    ) -> Result<(), JournalError> {
        self.send(Work::Dropped(*scope, feed, people), None)
    }

    /// Notes that the feed which named these people last has come without them, and no
    /// other one names them.
    pub fn absent(
        &self,
        scope: &Scope,
        feed: FeedKey,
        people: Vec<String>,
    ) -> Result<(), JournalError> {
        self.send(Work::Absent(*scope, feed, people), None)
    }

    /// Notes that the target shows these people of the scope no longer.
    pub fn gone(&self, scope: &Scope, people: Vec<String>) -> Result<(), JournalError> {
        self.send(Work::Gone(*scope, people), None)
    }

    /// Records what the target acknowledged about a person whose row is not
    /// settled yet.
    pub fn acknowledge(
        &self,
        run: RunId,
        external_id: &ExternalId,
        acknowledged: Vec<Acknowledged>,
    ) -> Result<(), JournalError> {
        let work = Work::Acknowledged(run, external_id.clone(), acknowledged);
        self.send(work, None)
    }

    /// Records that people are in a group now, or no longer.
    pub fn members(
        &self,
        run: RunId,
        group: &str,
        people: Vec<ExternalId>,
        are_in: bool,
    ) -> Result<(), JournalError> {
        let work = Work::Members {
            run,
            group: group.to_owned(),
            people,
            are_in,
        };
        self.send(work, None)
    }

    /// Gives a row that awaited its groups its outcome: the one that was recorded
    /// for it, or the one of `refused`, with the reason.
    pub fn joined(
        &self,
        run: RunId,
        row: RowNumber,
        external_id: &ExternalId,
        refused: Option<(Outcome, String)>,
    ) -> Result<(), JournalError> {
        self.send(Work::Joined(run, row, external_id.clone(), refused), None)
    }

    /// Records that a mapping has another path: all that the scope has of it goes over,
    /// at once.
    pub fn renamed(&self, scope: &Scope, from: &str, to: &str) -> Commit {
        let (scope, from, to) = (*scope, from.to_owned(), to.to_owned());
        self.send_and_wait(Work::Renamed { scope, from, to })
    }

    /// Records the state of a user group that `feed` names.
    pub fn group(
        &self,
        scope: &Scope,
        feed: FeedKey,
        id: &str,
        now: GroupNow,
    ) -> Result<(), JournalError> {
        self.send(Work::Group(*scope, feed, id.to_owned(), now), None)
    }

    /// Records the fingerprints of people who are unchanged, as a journal of an
    /// older hrfeed lacks them.
    pub fn fingerprints(&self, scope: &Scope, people: Vec<Refreshed>) -> Commit {
        self.send_and_wait(Work::Fingerprints(*scope, people))
    }

    /// Notes of known people whether they are protected.
    pub fn protect(&self, scope: &Scope, people: Vec<(String, bool)>) -> Result<(), JournalError> {
        self.send(Work::Protect(*scope, people), None)
    }

    /// Records what the feed of a run, a good one, looked like. With `resets`
    /// older ones do not count any more.
    pub fn profile(&self, run: RunId, profile: Vec<u8>, resets: bool) -> Result<(), JournalError> {
        let work = Work::Profile {
            run,
            profile,
            resets,
        };
        self.send(work, None)
    }

    /// Opens a hold with its people, and replaces others by it. Durable when it
    /// returns.
    pub fn open_hold(&self, hold: NewHold) -> Result<HoldId, JournalError> {
        let work = Work::OpenHold {
            hold: Box::new(hold),
            id: None,
        };
        match block_on(self.send_and_wait(work))? {
            Written::Hold(hold) => Ok(hold),
            _ => Err(self.shared.fate.error()),
        }
    }

    /// Notes that `run` found a hold with the same set of people and changes, and
    /// who is in another row than before.
    pub fn hold_seen(
        &self,
        hold: HoldId,
        run: RunId,
        moved: Vec<(ExternalId, Option<RowNumber>)>,
    ) -> Result<(), JournalError> {
        self.send(Work::HoldSeen(hold, run, moved), None)
    }

    /// Takes people out of a hold. The others stay in it.
    pub fn release(&self, hold: HoldId, people: Vec<ExternalId>) -> Result<(), JournalError> {
        self.send(Work::Released(hold, people), None)
    }

    /// Notes that `run` is about to carry out an approved hold: until the run has
    /// ended, nobody can take the approval back. False if the hold is not
    /// approved, or not any more. Durable when it returns.
    pub fn claim_hold(&self, hold: HoldId, run: RunId) -> Result<bool, JournalError> {
        let work = Work::ClaimHold {
            hold,
            run,
            is_claimed: false,
        };
        match block_on(self.send_and_wait(work))? {
            Written::Claim(is_claimed) => Ok(is_claimed),
            _ => Err(self.shared.fate.error()),
        }
    }

    /// Puts a hold into another state. `run` is the one that carried it out. Does
    /// nothing where [`HoldState::may_become`] says no, as when somebody decided
    /// in the meantime.
    pub fn hold_state(
        &self,
        hold: HoldId,
        state: HoldState,
        run: Option<RunId>,
        at: Timestamp,
    ) -> Result<(), JournalError> {
        let work = Work::HoldState {
            hold,
            state,
            run,
            at,
        };
        self.send(work, None)
    }

    /// Resolves when everything that was sent before it is durable.
    pub fn flush(&self) -> Commit {
        self.send_and_wait(Work::Flush)
    }

    pub(super) fn send(
        &self,
        work: Work,
        waiter: Option<oneshot::Sender<Result<Written, JournalError>>>,
    ) -> Result<(), JournalError> {
        if let Some(error) = self.shared.fate.failure.get() {
            return Err(error.clone());
        }
        self.shared
            .queue
            .as_ref()
            .and_then(|queue| queue.send(Message { work, waiter }).ok())
            .ok_or_else(|| self.shared.fate.error())
    }

    pub(super) fn send_and_wait(&self, work: Work) -> Commit {
        let (waiter, answer) = oneshot::channel();
        // If it cannot be sent, the waiter is dropped, and the commit resolves
        // with the failure.
        drop(self.send(work, Some(waiter)));
        Commit {
            answer,
            fate: Arc::clone(&self.shared.fate),
        }
    }
}

/// Resolves when what was sent is durable, or with the failure of the writer: to
/// be awaited, or waited for with [`Commit::wait_blocking`]. Dropping it takes
/// nothing back.
#[derive(Debug)]
#[must_use = "what was sent is durable only when the commit resolves"]
pub struct Commit {
    answer: oneshot::Receiver<Result<Written, JournalError>>,
    fate: Arc<Fate>,
}

impl Commit {
    /// Waits without an executor; allowed on any thread.
    pub fn wait_blocking(self) -> Result<(), JournalError> {
        block_on(self).map(drop)
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Result<Written, JournalError>> {
        Pin::new(&mut self.answer)
            .poll(cx)
            .map(|answer| answer.unwrap_or_else(|_| Err(self.fate.error())))
    }
}

impl Future for Commit {
    type Output = Result<(), JournalError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_written(cx).map_ok(drop)
    }
}

/// Waits for `commit` on this thread. Unlike tokio's own way it may be called
/// inside a runtime, where it holds up one thread for one commit.
fn block_on(mut commit: Commit) -> Result<Written, JournalError> {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    // Inside a task that used up its turn, tokio would answer `Pending`
    // forever.
    let mut answer = std::pin::pin!(tokio::task::unconstrained(std::future::poll_fn(|cx| {
        commit.poll_written(cx)
    })));
    loop {
        match answer.as_mut().poll(&mut cx) {
            Poll::Ready(written) => return written,
            Poll::Pending => thread::park(),
        }
    }
}

/// The writer's thread: until nobody can send any more, or the first failure.
fn run(mut store: Store, messages: &Receiver<Message>, fate: &Fate) {
    let mut group = Vec::new();
    while collect(messages, &mut group) {
        let result = store.write(group.iter_mut().map(|message| &mut message.work));
        if let Err(error) = &result {
            // Before anybody learns of it: later senders get the same failure.
            drop(fate.failure.set(error.clone()));
        }
        for message in group.drain(..) {
            message.answer(result.as_ref().copied());
        }
        if result.is_err() {
            // The rest of the queue is dropped with it: its waiters get the
            // failure, too.
            return;
        }
    }
    store.compact();
}

/// Fills `group` with what is committed together. False if there is nothing and
/// no sender is left.
fn collect(messages: &Receiver<Message>, group: &mut Vec<Message>) -> bool {
    let Ok(first) = messages.recv() else {
        return false;
    };
    let end = clock::monotonic() + GROUP_TIME;
    let mut next = Some(first);
    let (mut rows, mut waited_for) = (0, false);
    while let Some(message) = next {
        rows += message.work.rows();
        waited_for |= message.waiter.is_some();
        group.push(message);
        if rows >= MAX_ROWS {
            break;
        }
        next = match messages.try_recv() {
            Ok(message) => Some(message),
            Err(TryRecvError::Empty) if !waited_for && rows < GROUP_ROWS => {
                let left = end.saturating_duration_since(clock::monotonic());
                messages.recv_timeout(left).ok()
            }
            Err(_) => None,
        };
    }
    true
}

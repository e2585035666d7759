//! A gate in front of the LMS: it keeps calls of one kind under way, so that a run
//! is caught in the middle of one, or answers some in place of the LMS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use super::{IMPORT, Ran, Started, World, wait_until};

/// Which moment of a call the gate makes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The LMS has not heard of the call, and never will.
    BeforeItIsDone,
    /// The LMS has done what was called for, and its answer never comes.
    BeforeItIsAnswered,
}

/// What becomes of one call, and of no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Once {
    /// It is answered with this status, and the LMS does not hear of it.
    Answered(u16),
    /// Its connection breaks at this moment.
    Lost(Moment),
    /// The program is killed at this moment.
    Killed(Moment),
}

/// Whether a call is kept, by its head: the line with method and path comes first.
type Kind = fn(&str) -> bool;

#[derive(Default)]
struct Shared {
    kept: Mutex<Kept>,
    changed: Condvar,
    connections: Mutex<Connections>,
}

#[derive(Default)]
struct Connections {
    /// Those that have not ended.
    open: usize,
    /// Who connected last.
    last: Option<SocketAddr>,
}

#[derive(Default)]
struct Kept {
    /// `None` while the gate is open.
    kind: Option<(Kind, Moment)>,
    /// How many of these calls pass before.
    passing: usize,
    /// What becomes of a call of that kind, after so many of them.
    once: Option<(Kind, usize, Once)>,
    /// The status that a call is answered with, if not by the LMS.
    status: Option<fn(&str) -> Option<u16>>,
    /// Calls that are under way at the gate.
    calls: usize,
    /// Calls go on once the gate is open again.
    goes_on: bool,
}

/// A gate that is open unless it is catching a run.
pub(crate) struct Gate {
    url: String,
    shared: Arc<Shared>,
}

impl Gate {
    /// A gate in front of the LMS of this world, which must be asked by way of
    /// [`Gate::url`]. It lasts until the process ends.
    pub(crate) fn of(world: &World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let lms = world.lms.base_url();
        let lms = lms.trim_start_matches("http://").to_owned();
        let shared = Arc::new(Shared::default());
        let of_calls = Arc::clone(&shared);
        std::thread::spawn(move || {
            while let Ok((stream, from)) = listener.accept() {
                let (shared, lms) = (Arc::clone(&of_calls), lms.clone());
                {
                    let mut connections = shared.connections.lock().unwrap();
                    connections.open += 1;
                    connections.last = Some(from);
                }
                std::thread::spawn(move || {
                    // A connection that broke is the matter of the one who asked.
                    let _passed = pass(stream, &lms, &shared);
                    shared.connections.lock().unwrap().open -= 1;
                });
            }
        });
        Self { url, shared }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Answers calls in place of the LMS, each with the status that its head is given.
    pub(crate) fn answer(&self, status: fn(&str) -> Option<u16>) {
        self.shared.kept.lock().unwrap().status = Some(status);
    }

    /// Lets all calls pass again.
    pub(crate) fn answer_none(&self) {
        self.shared.kept.lock().unwrap().status = None;
    }

    /// Imports, and something becomes of one call, after `passing` of its kind. Says whether
    /// there was such a call: the import went to its end otherwise.
    pub(crate) fn import_with(
        &self,
        world: &World,
        (kind, passing): (Kind, usize),
        once: Once,
    ) -> bool {
        let Once::Killed(moment) = once else {
            self.shared.kept.lock().unwrap().once = Some((kind, passing, once));
            world.import();
            return self.shared.kept.lock().unwrap().once.take().is_none();
        };
        *self.shared.kept.lock().unwrap() = Kept {
            kind: Some((kind, moment)),
            passing,
            ..Kept::default()
        };
        let mut run = world.start_import();
        let mut is_caught = false;
        wait_until("the call is under way, or the run over", || {
            is_caught = self.shared.kept.lock().unwrap().calls > 0;
            is_caught || !run.is_running()
        });
        if is_caught {
            self.end(run);
        } else {
            *self.shared.kept.lock().unwrap() = Kept::default();
        }
        is_caught
    }

    /// Starts an import and kills it while a call of that kind is under way.
    pub(crate) fn kill_import(&self, world: &World, moment: Moment, kind: Kind) {
        self.kill(world, IMPORT, (moment, kind));
    }

    /// Starts the program and kills it while a call of that kind is under way.
    pub(crate) fn kill(&self, world: &World, arguments: &[&str], (moment, kind): (Moment, Kind)) {
        self.shared.kept.lock().unwrap().kind = Some((kind, moment));
        let run = world.start(arguments);
        wait_until("such a call is under way", || {
            self.shared.kept.lock().unwrap().calls > 0
        });
        self.end(run);
    }

    /// Kills a run of which calls are under way: the LMS never hears of these.
    pub(crate) fn end(&self, run: Started) {
        self.shared.kept.lock().unwrap().goes_on = false;
        run.kill();
        self.wait_for_stragglers();
        *self.shared.kept.lock().unwrap() = Kept::default();
        self.shared.changed.notify_all();
    }

    /// Waits until each request of a killed program is kept, or carried out: none
    /// that it had written reaches the LMS later on.
    fn wait_for_stragglers(&self) {
        let address = self.url.trim_start_matches("http://");
        let own = TcpStream::connect(address).unwrap();
        let here = own.local_addr().ok();
        // Connections are taken in their order.
        wait_until("all connections are taken", || {
            self.shared.connections.lock().unwrap().last == here
        });
        drop(own);
        wait_until("nothing is under way but what is kept", || {
            let open = self.shared.connections.lock().unwrap().open;
            open <= self.shared.kept.lock().unwrap().calls
        });
    }
}

impl Gate {
    /// Imports, and does something while a call of that kind is under way, which the
    /// LMS has not heard of by then.
    pub(crate) fn import_and_meanwhile(
        &self,
        world: &World,
        kind: Kind,
        meanwhile: impl FnOnce(),
    ) -> Ran {
        let run = self.start_import(world, (kind, 0));
        meanwhile();
        self.open();
        run.wait()
    }

    /// Starts an import and returns once a call of that kind is under way, after `passing` of
    /// its kind: the LMS hears of no more of them until the gate is opened, so that the run is
    /// not over before.
    pub(crate) fn start_import(&self, world: &World, (kind, passing): (Kind, usize)) -> Started {
        *self.shared.kept.lock().unwrap() = Kept {
            kind: Some((kind, Moment::BeforeItIsDone)),
            passing,
            goes_on: true,
            ..Kept::default()
        };
        let run = world.start_import();
        wait_until("such a call is under way", || {
            self.shared.kept.lock().unwrap().calls > 0
        });
        run
    }

    /// Lets the calls go on that [`Gate::start_import`] kept.
    pub(crate) fn open(&self) {
        self.shared.kept.lock().unwrap().kind = None;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    /// Keeps a call of that moment until the gate is open again, and says whether
    /// it did.
    fn keep(&self, request: &str, now: Moment) -> bool {
        let mut kept = self.kept.lock().unwrap();
        let is_kept = |kept: &Kept| {
            (kept.kind).is_some_and(|(is_of_kind, moment)| moment == now && is_of_kind(request))
        };
        if !is_kept(&kept) {
            return false;
        }
        if kept.passing > 0 {
            kept.passing -= 1;
            return false;
        }
        kept.calls += 1;
        while kept.kind.is_some() {
            kept = self.changed.wait(kept).unwrap();
        }
        !kept.goes_on
    }
}

impl Shared {
    /// What becomes of this call alone.
    fn once(&self, request: &str) -> Option<Once> {
        let mut kept = self.kept.lock().unwrap();
        let (kind, passing, once) = kept.once.as_mut()?;
        if !kind(request) {
            return None;
        }
        if *passing > 0 {
            *passing -= 1;
            return None;
        }
        let once = *once;
        kept.once = None;
        Some(once)
    }
}

/// Carries one request to the LMS and its answer back, and ends the connection.
fn pass(mut asking: TcpStream, lms: &str, shared: &Shared) -> std::io::Result<()> {
    let mut from = BufReader::new(asking.try_clone()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let lower = line.trim().to_ascii_lowercase();
        if lower.is_empty() {
            break;
        }
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if !lower.starts_with("connection:") {
            head += &line;
        }
    }
    if head.is_empty() {
        return Ok(());
    }
    let mut body = Vec::new();
    from.take(length).read_to_end(&mut body)?;
    if shared.keep(&head, Moment::BeforeItIsDone) {
        return Ok(());
    }
    let once = shared.once(&head);
    if once == Some(Once::Lost(Moment::BeforeItIsDone)) {
        return Ok(());
    }
    let answers = shared.kept.lock().unwrap().status;
    let answer = match once {
        Some(Once::Answered(status)) => Some(status),
        _ => answers.and_then(|status| status(&head)),
    };
    if let Some(status) = answer {
        let answer =
            format!("HTTP/1.1 {status} -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return asking.write_all(answer.as_bytes());
    }
    let mut to = TcpStream::connect(lms)?;
    to.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
    to.write_all(&body)?;
    let mut answer = Vec::new();
    to.read_to_end(&mut answer)?;
    let is_lost = once == Some(Once::Lost(Moment::BeforeItIsAnswered));
    if is_lost || shared.keep(&head, Moment::BeforeItIsAnswered) {
        return Ok(());
    }
    asking.write_all(&answer)
}

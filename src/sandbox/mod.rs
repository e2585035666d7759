//! A mock LMS to rehearse on.
//!
//! [`Sandbox::start`] opens a real HTTP server on loopback that speaks the
//! KMI users API v2 (below `/api/v2/`) and the aNewSpring API (`/api/CALL`) as
//! their documentation describes them, dangers included. It can fail in every
//! way in which a server and the network between fail ([`Faults`]). It counts
//! what arrives, so that a rehearsal or a test knows what was really sent.
//!
//! - `kmi` and `anewspring` answer calls, each for people of its own; they
//!   know no socket, no fault and no statistics. Each says in its first lines
//!   what it does where its documentation is silent. Another API is one more
//!   file next to them that implements `api::Api`.
//! - `server` carries calls to it, through `faults` and `statistics`.
//! - `connection` can break an answer off.
//! - `control` is what is outside the API: `/` and `/sandbox/…`.
//!
//! # Invariants
//!
//! - It listens on 127.0.0.1 only, and answers only a client that calls it by
//!   a loopback name.
//! - No fault applies to `/` and `/sandbox/…`.
//! - It shares no code with hrfeed's targets, or both would share a mistake.
//! - People live in memory and go with it.

mod anewspring;
mod api;
mod connection;
mod control;
mod faults;
mod kmi;
mod odd;
mod places;
mod server;
mod statistics;

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    sync::mpsc,
    thread,
};

use tokio::sync::watch;

pub use faults::{Faults, Lists};

/// How a sandbox is to be.
#[derive(Clone, Debug, Default)]
pub struct SandboxOptions {
    /// The port to listen on; 0 takes any that is free.
    pub port: u16,
    /// What goes wrong.
    pub faults: Faults,
    /// Faults and invented people are drawn with it: the same seed gives the
    /// same ones.
    pub seed: u64,
    /// How many invented people each API has already. They have no external
    /// ID. KMI's ids are 1, 2, 3, …; aNewSpring's people come into being with
    /// the first call to it.
    pub people: u64,
}

/// Why a sandbox could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// Something listens on the port already.
    #[error(
        "port {port} of 127.0.0.1 is in use: stop the program that uses it, or choose another port (0 for any free port)"
    )]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The port cannot be listened on.
    #[error("cannot listen on port {port} of 127.0.0.1: choose another port (0 for any free port)")]
    Listen {
        /// The port.
        port: u16,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No thread or no event queue could be had.
    #[error("cannot start the sandbox: the machine has no thread or file handle left")]
    Thread(#[source] io::Error),
    /// A fault is not valid.
    #[error("the sandbox's faults are not valid: {0}")]
    Faults(String),
    /// More invented people than can be held.
    #[error("{people} invented people are too many: the sandbox holds at most {most}")]
    TooManyPeople {
        /// How many were asked for.
        people: u64,
        /// How many there can be.
        most: u64,
    },
}

/// A running sandbox. Dropping it stops it: its connections are closed, and
/// its people are gone.
#[derive(Debug)]
pub struct Sandbox {
    port: u16,
    /// Dropping it stops the server.
    stop: Option<watch::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a sandbox on a thread of its own. When this returns, it listens.
    pub fn start(options: SandboxOptions) -> Result<Self, SandboxError> {
        options.faults.check().map_err(SandboxError::Faults)?;
        let people = match u32::try_from(options.people) {
            Ok(people) if people <= kmi::MAX_PEOPLE => people,
            _ => {
                return Err(SandboxError::TooManyPeople {
                    people: options.people,
                    most: u64::from(kmi::MAX_PEOPLE),
                });
            }
        };
        let (listener, port) = listen(options.port)?;
        let (stop, stopped) = watch::channel(());
        let (ready, started) = mpsc::sync_channel(1);
        let SandboxOptions { faults, seed, .. } = options;
        let thread = thread::Builder::new()
            .name("sandbox".to_owned())
            .spawn(move || {
                let shared = server::Shared::new(
                    vec![
                        Box::new(kmi::Kmi::with_invented_people(people, seed)),
                        Box::new(anewspring::ANewSpring::with_invented_people(people, seed)),
                    ],
                    faults,
                    fastrand::Rng::with_seed(seed),
                    port,
                );
                // The runtime is created here, since one that is dropped on a
                // thread of another runtime panics.
                run(listener, shared, stopped, &ready);
            })
            .map_err(SandboxError::Thread)?;
        // A thread that ends without a word has panicked.
        started
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("the thread panicked")))
            .map_err(SandboxError::Thread)?;
        Ok(Self {
            port,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The address to point a mapping at: `http://127.0.0.1:PORT`.
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread is on stderr by then.
            drop(thread.join());
        }
    }
}

/// Serves until `stopped`. Sends through `ready` whether it could begin.
fn run(
    listener: TcpListener,
    shared: server::Shared,
    stopped: watch::Receiver<()>,
    ready: &mpsc::SyncSender<io::Result<()>>,
) {
    let begun = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| {
            let _entered = runtime.enter();
            let listener = tokio::net::TcpListener::from_std(listener)?;
            Ok((runtime, listener))
        });
    match begun {
        Ok((runtime, listener)) => {
            // Nobody waits for it where the starter has panicked meanwhile.
            drop(ready.send(Ok(())));
            runtime.block_on(server::serve(listener, shared, stopped));
        }
        Err(error) => drop(ready.send(Err(error))),
    }
}

/// Binds before the thread starts, so that a port in use is the caller's
/// error and not a thread's last words.
fn listen(port: u16) -> Result<(TcpListener, u16), SandboxError> {
    let cannot = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => SandboxError::PortInUse { port },
        _ => SandboxError::Listen { port, source },
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(cannot)?;
    listener.set_nonblocking(true).map_err(cannot)?;
    let port = listener.local_addr().map_err(cannot)?.port();
    Ok((listener, port))
}

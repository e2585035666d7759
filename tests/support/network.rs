//! A network between the program and the LMS whose delay varies: real connections, on
//! which each request and each answer is held up before it goes on.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hrfeed::clock;

use crate::support::World;

/// A network that lasts until the process ends.
pub(crate) struct Network {
    url: String,
    /// When people arrived who are to be created: what is asked before and after them, one
    /// thing after the other, is not bound by the rate.
    arrived: Arc<Mutex<Vec<Instant>>>,
}

/// How long it holds something up, at most. Any time up to that is as likely as another.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Delays {
    pub(crate) there: Duration,
    pub(crate) back: Duration,
}

impl Network {
    /// A network in front of the LMS of this world, which must be asked by way of
    /// [`Network::url`].
    pub(crate) fn of(world: &World, delays: Delays) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let lms = world.lms.base_url();
        let lms = lms.trim_start_matches("http://").to_owned();
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let arrivals = Arc::clone(&arrived);
        std::thread::spawn(move || {
            for (seed, stream) in (0..).zip(listener.incoming()) {
                let there = TcpStream::connect(&lms).unwrap();
                carry(stream.unwrap(), there, delays, (seed, &arrivals));
            }
        });
        Self { url, arrived }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The share of the rate with which people arrived, but for the first second.
    pub(crate) fn share(&self, per_second: f64) -> f64 {
        let arrived = self.arrived.lock().unwrap();
        let start = arrived[0] + Duration::from_secs(1);
        let later: Vec<_> = arrived.iter().filter(|at| **at >= start).collect();
        let (first, last) = (later[0], later[later.len() - 1]);
        (later.len() - 1) as f64 / last.duration_since(*first).as_secs_f64() / per_second
    }
}

/// Carries one connection, by a thread for each way.
fn carry(
    asking: TcpStream,
    answering: TcpStream,
    delays: Delays,
    (seed, arrived): (u64, &Arc<Mutex<Vec<Instant>>>),
) {
    for stream in [&asking, &answering] {
        stream.set_nodelay(true).unwrap();
    }
    // A request or an answer may come in several pieces; the first of them is held up.
    let is_asked = Arc::new(AtomicBool::new(false));
    let was_asked = Arc::clone(&is_asked);
    let (requests, answers) = (asking.try_clone().unwrap(), answering.try_clone().unwrap());
    let arrived = Arc::clone(arrived);
    let mut random = fastrand::Rng::with_seed(seed);
    std::thread::spawn(move || {
        pass(requests, answering, |piece| {
            if !is_asked.swap(true, Ordering::SeqCst) {
                hold_up(&mut random, delays.there);
                if piece.starts_with(b"POST ") {
                    arrived.lock().unwrap().push(clock::monotonic());
                }
            }
        });
    });
    let mut random = fastrand::Rng::with_seed(!seed);
    std::thread::spawn(move || {
        pass(answers, asking, |_| {
            if was_asked.swap(false, Ordering::SeqCst) {
                hold_up(&mut random, delays.back);
            }
        });
    });
}

/// Passes on what comes, until one side ends.
fn pass(mut from: TcpStream, mut to: TcpStream, mut before: impl FnMut(&[u8])) {
    let mut piece = [0; 1 << 14];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        before(&piece[..length]);
        if to.write_all(&piece[..length]).is_err() {
            break;
        }
    }
    // A connection that broke is the matter of the one who asked.
    let _ended_before = to.shutdown(Shutdown::Both);
}

#[expect(
    clippy::disallowed_methods,
    reason = "a thread of its own is what delays a connection"
)]
fn hold_up(random: &mut fastrand::Rng, most: Duration) {
    if !most.is_zero() {
        std::thread::sleep(most.mul_f64(random.f64()));
    }
}

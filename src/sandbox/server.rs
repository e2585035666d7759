//! Carries calls to an API: counts them, plays the faults, sends the answers.
//!
//! Everything that is shared is behind one lock, which is never held
//! while waiting. All requests run on one thread, so it is never contended.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{Html, IntoResponse, Response},
};
use fastrand::Rng;
use jiff::SignedDuration;
use tokio::{net::TcpListener, sync::watch, time};

use crate::clock;

use super::{
    api::{Answer, Api, Call, JSON, OTHER, Twist},
    connection::{Loopback, Scissors},
    control,
    faults::{Dice, Fate, Fault, Faults, TurnedAway},
    odd::Odd,
    statistics::Statistics,
};

/// The longest body that is read where no API owns the path.
const LONGEST_BODY: usize = 1024 * 1024;

/// How long a stop waits for answers that are under way.
const GRACE: Duration = Duration::from_millis(300);

/// What all requests share.
pub(super) struct Shared {
    inside: Mutex<Inside>,
    start: Instant,
    /// The port, for the page that explains the sandbox.
    pub(super) port: u16,
}

/// What is behind the lock.
pub(super) struct Inside {
    /// The APIs; the first that owns a path answers.
    pub(super) apis: Vec<Box<dyn Api>>,
    /// What goes wrong.
    pub(super) dice: Dice,
    /// What arrived.
    pub(super) statistics: Statistics,
    /// Who came lately.
    fresh: Fresh,
}

/// When people were created: of some numbers the first that came then.
#[derive(Debug, Default)]
struct Fresh(VecDeque<(Instant, u32)>);

impl Fresh {
    /// The last number that was given.
    fn note(&mut self, last: u32) {
        let known = self.0.back().map_or(0, |(_, number)| *number);
        if last > known {
            self.0.push_back((clock::monotonic(), last));
        }
    }

    /// The first number of those that came within that time.
    fn first_within(&mut self, lag: Duration) -> Option<u32> {
        // The last of those before it tells where it begins.
        while self.0.get(1).is_some_and(|(at, _)| at.elapsed() >= lag) {
            self.0.pop_front();
        }
        let (at, first) = self.0.front()?;
        if at.elapsed() < lag {
            return Some(1);
        }
        (self.0.len() > 1).then_some(first + 1)
    }
}

impl Inside {
    /// How many people the APIs hold.
    pub(super) fn people(&self) -> u64 {
        self.apis.iter().map(|api| api.people()).sum()
    }
}

impl Shared {
    pub(super) fn new(apis: Vec<Box<dyn Api>>, faults: Faults, rng: Rng, port: u16) -> Self {
        Self {
            inside: Mutex::new(Inside {
                apis,
                dice: Dice::new(faults, rng),
                statistics: Statistics::new(),
                fresh: Fresh::default(),
            }),
            start: clock::monotonic(),
            port,
        }
    }

    /// The inside, for as long as no wait begins.
    pub(super) fn lock(&self) -> MutexGuard<'_, Inside> {
        // Nothing panics while it holds the lock. After a panic, the sandbox
        // would still do for a test that goes on.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nanoseconds since the start.
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Serves until `stopped`'s sender is dropped.
pub(super) async fn serve(listener: TcpListener, shared: Shared, stopped: watch::Receiver<()>) {
    let router = control::routes()
        .fallback(carry)
        .with_state(Arc::new(shared));
    let stop =
        |mut stopped: watch::Receiver<()>| async move { while stopped.changed().await.is_ok() {} };
    let graceful = axum::serve(
        Loopback(listener),
        Router::into_make_service_with_connect_info::<Scissors>(router),
    )
    .with_graceful_shutdown(stop(stopped.clone()));
    let at_last = async {
        stop(stopped).await;
        time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = graceful => drop::<io::Result<()>>(ended),
        () = at_last => {}
    }
}

/// Counts a request as in flight for as long as it lives, also where the
/// client gives up and the handler is dropped.
struct InFlight(Arc<Shared>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.lock().statistics.leaves();
    }
}

/// Handles every request that is not the sandbox's own.
async fn carry(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let longest_body = {
        let now = shared.now();
        let inside = &mut *shared.lock();
        let api = inside.apis.iter().find(|api| api.owns(path));
        let name = api.map_or(OTHER.to_owned(), |api| api.name(&head.method, path));
        let query = head.uri.query().unwrap_or_default();
        let has_key_in_url = api.is_some_and(|api| api.has_key_in_url(query));
        inside.statistics.keys_in_urls += u64::from(has_key_in_url);
        inside.statistics.arrives(name, now);
        api.map_or(LONGEST_BODY, |api| api.longest_body())
    };
    let _in_flight = InFlight(Arc::clone(&shared));
    // Read also where it is not needed: a body left behind would cost the
    // client its connection, and nobody asked for that fault.
    let Ok(body) = to_bytes(body, longest_body).await else {
        return shared.send((StatusCode::PAYLOAD_TOO_LARGE, "The body is too long.\n"));
    };
    if !is_loopback(&head.headers) {
        return shared.send(NOT_LOOPBACK);
    }
    let now = shared.now();
    let thrown = shared.lock().dice.throw(now);
    match thrown {
        Ok(fate) => shared.play(fate, &head, &body, &scissors).await,
        Err(TurnedAway::TooFast { retry_after }) => {
            shared.played(Fault::RequestsPerSecond);
            shared.turn_away(retry_after)
        }
        Err(TurnedAway::Down) => {
            shared.played(Fault::DownAfter);
            // A server that is down cannot say for how long.
            shared.send(unavailable(None))
        }
    }
}

impl Shared {
    /// Acts on an admitted request as its fate says.
    async fn play(
        self: &Arc<Self>,
        fate: Fate,
        head: &Parts,
        body: &[u8],
        scissors: &Scissors,
    ) -> Response {
        wait(fate.latency).await;
        if let Some(fault) = fate.instead {
            self.played(fault);
            return match fault {
                Fault::Throttled => self.turn_away(0),
                Fault::Unavailable => self.send(unavailable(Some(1))),
                Fault::Errors => {
                    self.send((StatusCode::INTERNAL_SERVER_ERROR, "Internal server error\n"))
                }
                _ => hang_up(scissors),
            };
        }
        let odd = Odd::of(
            self.lock().dice.faults(),
            &head.method,
            head.uri.path(),
            body,
        );
        if let Some(odd) = odd {
            self.played(odd.fault);
            return self.send(odd);
        }
        if let Some(late_for) = fate.late.filter(|_| head.method != Method::GET) {
            self.played(Fault::Late);
            let (shared, head, body) = (Arc::clone(self), head.clone(), body.to_vec());
            // The call is on its way though nobody waits for it any more.
            tokio::spawn(async move {
                wait(late_for).await;
                shared.answer(fate.twist, &head, &body);
            });
            return hang_up(scissors);
        }
        let answer = (!fate.is_idle).then(|| self.answer(fate.twist, head, body));
        if let Some(slow_for) = fate.slow {
            self.played(Fault::Slow);
            wait(slow_for).await;
        }
        if let Some(fault) = fate.spoiled {
            self.played(fault);
        }
        match (fate.spoiled, answer.flatten()) {
            (None, Some(answer)) => self.send(answer),
            (None, None) => self.send(NOT_FOUND),
            (Some(Fault::Garbage), _) => self.send(garbage(fate.is_bad_gateway)),
            (Some(Fault::Cut), Some(answer)) if !answer.body.is_empty() => {
                scissors.cut_after(answer.body.len() / 2);
                self.send(answer)
            }
            (Some(_), _) => hang_up(scissors),
        }
    }

    /// Asks the API that owns the path. `None` where none does.
    fn answer(&self, twist: Twist, head: &Parts, body: &[u8]) -> Option<Answer> {
        let inside = &mut *self.lock();
        let path = head.uri.path();
        let api = inside.apis.iter_mut().find(|api| api.owns(path))?;
        let call = Call {
            method: &head.method,
            path,
            query: head.uri.query().unwrap_or_default(),
            headers: &head.headers,
            body,
        };
        let lag = inside.dice.faults().lag;
        let twist = Twist {
            hidden_from: twist.hidden_from.or(inside.fresh.first_within(lag)),
            ..twist
        };
        let answer = api.answer(&call, twist);
        inside.fresh.note(api.last());
        if let Some(fault) = answer.twisted {
            inside.statistics.played(fault);
        }
        Some(answer)
    }

    /// Answers 429: to come again after `retry_after` seconds.
    fn turn_away(&self, retry_after: u64) -> Response {
        let (is_dated, skew) = {
            let inside = self.lock();
            let faults = inside.dice.faults();
            (faults.dated_waits && retry_after > 0, faults.clock_skew)
        };
        let value = if is_dated {
            // Dates have no fractions: one second more, to be no less.
            let wait = SignedDuration::from_secs(i64::try_from(retry_after).unwrap_or(i64::MAX));
            http_date(SignedDuration::from_secs(skew.into()) + wait + SignedDuration::from_secs(1))
        } else {
            Some(retry_after.into())
        };
        let mut response = self.send(too_fast());
        if let Some(value) = value {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }

    fn played(&self, fault: Fault) {
        self.lock().statistics.played(fault);
    }

    /// Counts the status of a response, and dates it where the clock is wrong.
    fn send(&self, response: impl IntoResponse) -> Response {
        let mut response = response.into_response();
        let inside = &mut *self.lock();
        inside.statistics.answered(response.status().as_u16());
        if let Some(date) = date(inside.dice.faults().clock_skew) {
            response.headers_mut().insert(header::DATE, date);
        }
        response
    }
}

/// The date of an answer by a clock that is ahead by `clock_skew` seconds; `None`
/// where it is not, since the server dates its answers itself.
fn date(clock_skew: i32) -> Option<HeaderValue> {
    let skew = SignedDuration::from_secs(clock_skew.into());
    if skew.is_zero() {
        None
    } else {
        http_date(skew)
    }
}

/// The date of so much later than now, as HTTP writes it.
fn http_date(later: SignedDuration) -> Option<HeaderValue> {
    let at = clock::now().checked_add(later).ok()?;
    let date = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    HeaderValue::from_str(&date).ok()
}

/// Closes the connection in place of sending the response, which is empty for
/// that reason.
fn hang_up(scissors: &Scissors) -> Response {
    scissors.hang_up();
    Response::new(Body::empty())
}

async fn wait(duration: Duration) {
    if !duration.is_zero() {
        time::sleep(duration).await;
    }
}

/// Whether the client calls the sandbox by a loopback name. A page in a
/// browser that had its own name point here would not, so it cannot read what
/// people the sandbox holds.
pub(super) fn is_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else {
        return true;
    };
    let Ok(host) = host.to_str() else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name == "127.0.0.1" || name == "[::1]" || name.eq_ignore_ascii_case("localhost")
}

/// The answer to a client that calls the sandbox by another name.
pub(super) const NOT_LOOPBACK: (StatusCode, &str) = (
    StatusCode::FORBIDDEN,
    "The sandbox answers only at 127.0.0.1 and localhost.\n",
);

/// The answer to a path that nobody owns.
pub(super) const NOT_FOUND: (StatusCode, &str) = (
    StatusCode::NOT_FOUND,
    "No API of this sandbox has this path. See / for a list.\n",
);

fn too_fast() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(JSON))];
    let body = r#"{"errors":[{"field":"","message":"too many requests"}]}"#;
    (StatusCode::TOO_MANY_REQUESTS, headers, body)
}

fn unavailable(retry_after: Option<u64>) -> impl IntoResponse {
    let header = retry_after.map(|seconds| [(header::RETRY_AFTER, HeaderValue::from(seconds))]);
    let page = "<html><body><h1>503 Service Unavailable</h1></body></html>\n";
    (StatusCode::SERVICE_UNAVAILABLE, header, Html(page))
}

/// A proxy's page.
fn garbage(is_bad_gateway: bool) -> impl IntoResponse {
    let status = if is_bad_gateway {
        StatusCode::BAD_GATEWAY
    } else {
        StatusCode::OK
    };
    let page = "<!DOCTYPE html>\n<html><head><title>Gateway</title></head>\
        <body><h1>Your request is being checked</h1></body></html>\n";
    (status, Html(page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_answered() {
        let called = |host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            is_loopback(&headers)
        };
        for host in [
            "127.0.0.1",
            "127.0.0.1:8080",
            "localhost:1",
            "LocalHost",
            "[::1]:80",
        ] {
            assert!(called(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:80",
            "127.0.0.1.evil.example",
            "127.0.0.1:80:80x",
        ] {
            assert!(!called(host), "{host}");
        }
        assert!(is_loopback(&HeaderMap::new()));
    }
}

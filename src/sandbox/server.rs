//! Carries calls to an API: counts them, plays the faults, sends the answers.
//!
//! Everything that is shared is behind one lock, which is never held
//! while waiting. All requests run on one thread, so it is never contended.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use fastrand::Rng;
use tokio::{net::TcpListener, sync::watch, time};

use crate::clock;

use super::{
    api::{Answer, Api, Call, HTML, JSON, TEXT, Twist, Twisted},
    connection::{Loopback, Scissors},
    control,
    faults::{Dice, Fate, Faults, Instead, Spoiled, TurnedAway},
    statistics::{Played, Statistics},
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
            }),
            start: clock::monotonic(),
            port,
        }
    }

    /// The inside, for as long as no wait begins.
    pub(super) fn lock(&self) -> MutexGuard<'_, Inside> {
        // Nothing panics while it holds the lock; if something did, the
        // sandbox would be none the worse for a test that goes on.
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
        let name = api.map_or("other", |api| api.name(&head.method, path));
        let query = head.uri.query().unwrap_or_default();
        if api.is_some_and(|api| api.has_key_in_url(query)) {
            inside.statistics.has_key_in_url();
        }
        inside.statistics.arrives(name, now);
        api.map_or(LONGEST_BODY, |api| api.longest_body())
    };
    let _in_flight = InFlight(Arc::clone(&shared));
    // Read also where it is not needed: a body left behind would cost the
    // client its connection, which is no fault that was asked for.
    let Ok(body) = to_bytes(body, longest_body).await else {
        return shared.send(Reply::Plain(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The body is too long.\n",
        ));
    };
    if !is_loopback(&head.headers) {
        return shared.send(Reply::Plain(StatusCode::FORBIDDEN, NOT_LOOPBACK));
    }
    let now = shared.now();
    let thrown = shared.lock().dice.throw(now);
    match thrown {
        Ok(fate) => shared.play(fate, &head, &body, &scissors).await,
        Err(TurnedAway::TooFast { retry_after }) => {
            shared.played(Played::RequestsPerSecond);
            shared.send(Reply::TooFast { retry_after })
        }
        Err(TurnedAway::Down) => {
            shared.played(Played::DownAfter);
            // A server that is down cannot say for how long.
            shared.send(Reply::Unavailable { retry_after: None })
        }
    }
}

impl Shared {
    /// Acts on an admitted request as its fate says.
    async fn play(&self, fate: Fate, head: &Parts, body: &[u8], scissors: &Scissors) -> Response {
        wait(fate.latency).await;
        match fate.instead {
            Some(Instead::Lost) => {
                self.played(Played::LostBefore);
                return hang_up(scissors);
            }
            Some(Instead::Unavailable) => {
                self.played(Played::Unavailable);
                return self.send(Reply::Unavailable {
                    retry_after: Some(1),
                });
            }
            Some(Instead::Error) => {
                self.played(Played::Errors);
                return self.send(Reply::Plain(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Internal server error\n",
                ));
            }
            None => {}
        }
        let acts = !matches!(fate.spoiled, Some(Spoiled::Garbage { acted: false, .. }));
        let answer = acts.then(|| self.answer(fate, head, body)).flatten();
        if let Some(slow_for) = fate.slow {
            self.played(Played::Slow);
            wait(slow_for).await;
        }
        match fate.spoiled {
            Some(Spoiled::Lost) => {
                self.played(Played::LostAfter);
                hang_up(scissors)
            }
            Some(Spoiled::Garbage { ok, .. }) => {
                self.played(Played::Garbage);
                self.send(Reply::Garbage { ok })
            }
            Some(Spoiled::Cut) => {
                self.played(Played::Cut);
                match answer {
                    Some(answer) if answer.body.is_empty() => hang_up(scissors),
                    Some(answer) => {
                        scissors.cut_after(answer.body.len() / 2);
                        self.send(Reply::Answer(answer))
                    }
                    None => hang_up(scissors),
                }
            }
            None => self.send(answer.map_or(
                Reply::Plain(StatusCode::NOT_FOUND, NOT_FOUND),
                Reply::Answer,
            )),
        }
    }

    /// Asks the API that owns the path. `None` where none does.
    fn answer(&self, fate: Fate, head: &Parts, body: &[u8]) -> Option<Answer> {
        let inside = &mut *self.lock();
        let api = inside
            .apis
            .iter_mut()
            .find(|api| api.owns(head.uri.path()))?;
        let call = Call {
            method: &head.method,
            path: head.uri.path(),
            query: head.uri.query().unwrap_or_default(),
            headers: &head.headers,
            body,
        };
        let twist = Twist {
            refuse: fate.refuse,
            wrong_person: fate.wrong_person,
            pick: fate.pick,
        };
        let answer = api.answer(&call, twist);
        match answer.twisted {
            Some(Twisted::Refused) => inside.statistics.played(Played::Refuse),
            Some(Twisted::WrongPerson) => inside.statistics.played(Played::WrongPerson),
            None => {}
        }
        Some(answer)
    }

    fn played(&self, fault: Played) {
        self.lock().statistics.played(fault);
    }

    /// Makes a reply a response, and counts its status.
    fn send(&self, reply: Reply) -> Response {
        let response = reply.into_response();
        self.lock().statistics.answered(response.status().as_u16());
        response
    }
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

/// What a client hears that calls the sandbox by another name.
pub(super) const NOT_LOOPBACK: &str = "The sandbox answers only at 127.0.0.1 and localhost.\n";

/// What a client hears of a path that nobody owns.
pub(super) const NOT_FOUND: &str = "No API of this sandbox has this path. See / for a list.\n";

/// What can be sent.
enum Reply {
    /// An API's answer.
    Answer(Answer),
    /// 429.
    TooFast { retry_after: u64 },
    /// 503, a page.
    Unavailable { retry_after: Option<u64> },
    /// A proxy's page.
    Garbage { ok: bool },
    /// A line of text.
    Plain(StatusCode, &'static str),
}

impl Reply {
    fn into_response(self) -> Response {
        match self {
            Self::Answer(answer) => {
                let mut response = if answer.body.is_empty() {
                    Response::new(Body::empty())
                } else {
                    typed(Body::from(answer.body), answer.content_type)
                };
                *response.status_mut() = answer.status;
                if let Some(allow) = answer.allow {
                    let allow = HeaderValue::from_static(allow);
                    response.headers_mut().insert(header::ALLOW, allow);
                }
                response
            }
            Self::TooFast { retry_after } => {
                let body = r#"{"errors":[{"field":"","message":"too many requests"}]}"#;
                let mut response = typed(Body::from(body), JSON);
                *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
                with_retry_after(response, Some(retry_after))
            }
            Self::Unavailable { retry_after } => {
                let page = "<html><body><h1>503 Service Unavailable</h1></body></html>\n";
                let mut response = typed(Body::from(page), HTML);
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                with_retry_after(response, retry_after)
            }
            Self::Garbage { ok } => {
                let page = "<!DOCTYPE html>\n<html><head><title>Gateway</title></head>\
                    <body><h1>Your request is being checked</h1></body></html>\n";
                let mut response = typed(Body::from(page), HTML);
                if !ok {
                    *response.status_mut() = StatusCode::BAD_GATEWAY;
                }
                response
            }
            Self::Plain(status, text) => {
                let mut response = typed(Body::from(text), TEXT);
                *response.status_mut() = status;
                response
            }
        }
    }
}

/// A response with status 200 and a content type.
pub(super) fn typed(body: Body, content_type: &'static str) -> Response {
    let mut response = Response::new(body);
    let content_type = HeaderValue::from_static(content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

fn with_retry_after(mut response: Response, seconds: Option<u64>) -> Response {
    if let Some(seconds) = seconds {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
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

//! What is outside the API: the page that explains the sandbox, what
//! arrived, the people, and the faults in force. No fault applies here, and
//! nothing of it is counted.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Query, Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_core::Stream;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    api::{JSON, TEXT},
    server::{NOT_FOUND, NOT_LOOPBACK, Shared, is_loopback, typed},
};

const JSON_LINES: &str = "application/x-ndjson";

/// How many people one piece of the list of people holds.
const PIECE: usize = 500;

/// The routes outside the API.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(page))
        .route("/sandbox/stats", get(stats))
        .route("/sandbox/reset-stats", post(reset_stats))
        .route("/sandbox/users", get(users))
        .route("/sandbox/groups", get(groups))
        .route("/sandbox/people", post(make_person))
        .route("/sandbox/faults", get(faults).post(set_faults))
        .route("/sandbox/{*rest}", axum::routing::any(not_found))
        .route_layer(middleware::from_fn(loopback_only))
}

async fn loopback_only(request: Request, next: Next) -> Response {
    if is_loopback(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, NOT_LOOPBACK).into_response()
    }
}

async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, NOT_FOUND).into_response()
}

fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => typed(Body::from(bytes), JSON),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn stats(State(shared): State<Arc<Shared>>) -> Response {
    let inside = shared.lock();
    json(&inside.statistics.to_json(inside.people()))
}

async fn reset_stats(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.lock().statistics.reset();
    StatusCode::NO_CONTENT
}

async fn faults(State(shared): State<Arc<Shared>>) -> Response {
    json(shared.lock().dice.faults())
}

async fn set_faults(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let inside = &mut *shared.lock();
    match inside.dice.faults().patched(&body) {
        Ok(faults) => {
            inside.dice.set(faults);
            json(inside.dice.faults())
        }
        Err(problem) => (StatusCode::BAD_REQUEST, format!("{problem}\n")).into_response(),
    }
}

/// The parameters of `/sandbox/users`.
#[derive(Debug, Deserialize)]
struct Whose {
    /// Only the people of the API with this label.
    api: Option<String>,
}

async fn users(State(shared): State<Arc<Shared>>, Query(whose): Query<Whose>) -> Response {
    let everybody = Everybody {
        shared,
        of: whose.api,
        api: 0,
        from: 0,
    };
    typed(Body::from_stream(everybody), JSON_LINES)
}

async fn groups(State(shared): State<Arc<Shared>>) -> Response {
    let mut lines = Vec::new();
    for api in &shared.lock().apis {
        api.dump_groups(&mut lines);
    }
    typed(Body::from(lines), JSON_LINES)
}

async fn make_person(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let inside = &mut *shared.lock();
    let mut apis = inside.apis.iter_mut();
    match apis.find_map(|api| api.make_by_hand(&body)) {
        Some(Ok(uid)) => (StatusCode::CREATED, json(&json!({ "uid": uid }))).into_response(),
        Some(Err(problem)) => (StatusCode::BAD_REQUEST, format!("{problem}\n")).into_response(),
        None => (StatusCode::NOT_FOUND, NOT_FOUND).into_response(),
    }
}

/// Everybody, piece by piece, so that a million people are never held as text
/// at once. The lock is free between two pieces.
struct Everybody {
    shared: Arc<Shared>,
    of: Option<String>,
    api: usize,
    from: u32,
}

impl Stream for Everybody {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let inside = this.shared.lock();
        let mut lines = Vec::new();
        while lines.is_empty() {
            let Some(api) = inside.apis.get(this.api) else {
                return Poll::Ready(None);
            };
            let asked_for = this.of.as_deref().is_none_or(|of| of == api.label());
            let next = asked_for.then(|| api.dump(this.from, PIECE, &mut lines));
            if let Some(next) = next.flatten() {
                this.from = next;
            } else {
                this.api += 1;
                this.from = 0;
            }
        }
        Poll::Ready(Some(Ok(lines.into())))
    }
}

async fn page(State(shared): State<Arc<Shared>>) -> Response {
    let port = shared.port;
    let people = shared.lock().people();
    let text = format!(
        "\
This is hrfeed's sandbox: a mock LMS. It speaks the KMI users API v2 under
/api/v2/, and the aNewSpring API (users and user groups) under /api/, each with
people of its own. Nothing here is real: all people are gone when the sandbox
stops, and only programs on this machine can reach it. It holds {people} people
now.

KMI. To use it in a mapping:

  [target]
  system = \"kmi\"
  base_url = \"http://127.0.0.1:{port}\"
  api_key = {{ env = \"KMI_API_KEY\" }}
  api_secret = {{ env = \"KMI_API_SECRET\" }}

Any key and secret work, but neither can be empty. External IDs belong to the
key: another key sees none of them. Two keys are special: \"expired\" is
answered with 401, and \"denied\" with 403.

As documented, it does not check that an external ID is unique: a person who is
created twice exists twice.

aNewSpring. To use it in a mapping:

  [target]
  system = \"anewspring\"
  base_url = \"http://127.0.0.1:{port}\"
  api_key = {{ env = \"ANEWSPRING_API_KEY\" }}

Any key works, and all keys see the same people. Some are special: \"expired\"
is answered with 401, and \"denied\" with 403. A key such as
\"denied:addUserRoles,deleteUser\" is denied these calls only; with
\"notlisted:\" in place of \"denied:\" they are answered with 400. A content
library is missing if its external ID begins with \"missing\"; all others exist.

Requests that need no key:

  GET  /sandbox/stats        the requests so far, as JSON; `keys_in_urls` counts
                             the requests with `_key` in the URL
  POST /sandbox/reset-stats  sets these counts back to 0
  GET  /sandbox/users        all people, one JSON object per line: for KMI with
                             the external IDs of all keys (a key is shown as
                             the start of its SHA-256), for aNewSpring with
                             what its API does not show: libraries, groups,
                             mails, passwords set. ?api=kmi or ?api=anewspring
                             lists the people of that API only
  GET  /sandbox/groups       aNewSpring's user groups, one JSON object per line
  POST /sandbox/people       creates an account in aNewSpring as if by hand,
                             without an external ID: send login, firstName,
                             lastName and other fields, roles, active and
                             archived as JSON
  GET  /sandbox/faults       the faults in force, as JSON
  POST /sandbox/faults       changes them: send the fields to change as JSON

Faults: requests_per_second (429 above it), latency and latency_jitter,
capacity (the number of requests answered at once; others wait), errors (500),
unavailable (503), lost_before and lost_after (no answer, before or after the
request took effect), cut (half an answer), garbage (a proxy's page),
wrong_person, slow and slow_for, refuse (400), down_after (a number of requests)
and down_for. Durations are in seconds. requests_per_second, capacity and
down_after are whole numbers. All others are probabilities between 0 and 1. For
example:

  curl -d '{{\"lost_after\": 0.05, \"latency\": 0.1}}' http://127.0.0.1:{port}/sandbox/faults
"
    );
    typed(Body::from(text), TEXT)
}

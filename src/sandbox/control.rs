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
    http::{StatusCode, header::CONTENT_TYPE},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    api::JSON,
    server::{NOT_FOUND, NOT_LOOPBACK, Shared, is_loopback},
};

const JSON_LINES: &str = "application/x-ndjson";

/// How many people one piece of the list of people holds.
const PIECE: u32 = 500;

/// The routes outside the API.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(page))
        .route("/sandbox/stats", get(stats))
        .route("/sandbox/reset-stats", post(reset_stats))
        .route("/sandbox/users", get(users))
        .route("/sandbox/groups", get(groups))
        .route("/sandbox/people", post(create_person))
        .route("/sandbox/faults", get(faults).post(set_faults))
        .route("/sandbox/{*rest}", any(async || NOT_FOUND))
        .route_layer(middleware::from_fn(loopback_only))
}

async fn loopback_only(request: Request, next: Next) -> Response {
    if is_loopback(request.headers()) {
        next.run(request).await
    } else {
        NOT_LOOPBACK.into_response()
    }
}

fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => ([(CONTENT_TYPE, JSON)], bytes).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn stats(State(shared): State<Arc<Shared>>) -> Response {
    let inside = &mut *shared.lock();
    inside.statistics.people = inside.people();
    json(&inside.statistics)
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
    ([(CONTENT_TYPE, JSON_LINES)], Body::from_stream(everybody)).into_response()
}

async fn groups(State(shared): State<Arc<Shared>>) -> Response {
    let mut lines = Vec::new();
    for api in &shared.lock().apis {
        api.dump_groups(&mut lines);
    }
    ([(CONTENT_TYPE, JSON_LINES)], lines).into_response()
}

async fn create_person(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let inside = &mut *shared.lock();
    let mut apis = inside.apis.iter_mut();
    match apis.find_map(|api| api.create_by_hand(&body)) {
        Some(Ok(uid)) => (StatusCode::CREATED, json(&json!({ "uid": uid }))).into_response(),
        Some(Err(problem)) => (StatusCode::BAD_REQUEST, format!("{problem}\n")).into_response(),
        None => NOT_FOUND.into_response(),
    }
}

/// Everybody, piece by piece, so that a million people are never held as text
/// at once. The lock is free between two pieces.
struct Everybody {
    shared: Arc<Shared>,
    of: Option<String>,
    api: usize,
    /// The number of the last person so far.
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
            let is_wanted = this.of.as_deref().is_none_or(|of| of == api.label());
            let last = api.last();
            if is_wanted && this.from < last {
                let until = last.min(this.from.saturating_add(PIECE));
                api.dump(this.from + 1..=until, &mut lines);
                this.from = until;
            } else {
                this.api += 1;
                this.from = 0;
            }
        }
        Poll::Ready(Some(Ok(lines.into())))
    }
}

async fn page(State(shared): State<Arc<Shared>>) -> String {
    let people = shared.lock().people();
    include_str!("page.txt")
        .replace("{port}", &shared.port.to_string())
        .replace("{people}", &people.to_string())
}

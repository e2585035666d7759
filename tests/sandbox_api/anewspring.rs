//! A client of the sandbox's aNewSpring, for the files next to this one.

use hrfeed::sandbox::{Faults, SandboxOptions};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use url::form_urlencoded::Serializer;

use crate::rehearsal::{self, Got, Rehearsal, got};

/// A sandbox, seen as aNewSpring.
pub(crate) struct Environment {
    pub(crate) it: Rehearsal,
    pub(crate) key: &'static str,
}

/// What every new person needs.
pub(crate) const JANE: [(&str, &str); 3] = [
    ("firstName", "Jane"),
    ("lastName", "Doe"),
    ("login", "jane@example.com"),
];

pub(crate) fn start(options: SandboxOptions) -> Environment {
    Environment {
        it: rehearsal::start(options),
        key: "rehearsal",
    }
}

pub(crate) fn empty() -> Environment {
    start(SandboxOptions::default())
}

pub(crate) fn failing(faults: Faults) -> Environment {
    start(SandboxOptions {
        faults,
        ..SandboxOptions::default()
    })
}

/// A value as a part of a path.
pub(crate) fn segment(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Parameters as a body.
pub(crate) fn encoded(parameters: &[(&str, &str)]) -> String {
    Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish()
}

impl Environment {
    /// A call with the key and nothing else.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.it.request(method, &format!("/api/{path}"));
        request.header("X-API-Key", self.key)
    }

    /// A call whose errors are JSON, with these parameters if it is a POST.
    pub(crate) fn call(
        &self,
        method: Method,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> RequestBuilder {
        let joint = if path.contains('?') { '&' } else { '?' };
        let reads = method == Method::GET;
        let request = self.request(method, &format!("{path}{joint}_formatErrors=true"));
        if reads {
            return request;
        }
        request
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(encoded(parameters))
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        got(self.call(Method::GET, path, &[])).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, parameters: &[(&str, &str)]) -> Got {
        got(self.call(Method::POST, path, parameters))
            .await
            .unwrap()
    }

    /// A POST that is done.
    pub(crate) async fn done(&self, path: &str, parameters: &[(&str, &str)]) {
        let got = self.post(path, parameters).await;
        assert_eq!((got.status, got.body.as_str()), (200, ""), "{path}");
    }

    /// A POST that is refused: the status and what is said.
    pub(crate) async fn refused(&self, path: &str, parameters: &[(&str, &str)]) -> (u16, String) {
        refusal(&self.post(path, parameters).await)
    }

    /// Adds a person whose login is the ID, with these roles.
    pub(crate) async fn add(&self, id: &str, roles: &[&str]) {
        let mut parameters = vec![("firstName", "Jane"), ("lastName", "Doe"), ("login", id)];
        parameters.extend(roles.iter().map(|role| ("role", *role)));
        self.done(&format!("addUser/{}", segment(id)), &parameters)
            .await;
    }

    /// Makes a person by hand and returns the UID.
    pub(crate) async fn make(&self, person: &Value) -> String {
        let request = self.it.request(Method::POST, "/sandbox/people");
        let got = got(request.body(person.to_string())).await.unwrap();
        assert_eq!(got.status, 201, "{got:?}");
        got.json()["uid"].as_str().unwrap().to_owned()
    }

    /// The lines of a control page.
    pub(crate) async fn lines(&self, path: &str) -> Vec<Value> {
        let got = got(self.it.request(Method::GET, path)).await.unwrap();
        assert_eq!(got.content_type.as_deref(), Some("application/x-ndjson"));
        got.body
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Everybody, with all that is known.
    pub(crate) async fn everybody(&self) -> Vec<Value> {
        self.lines("/sandbox/users?api=anewspring").await
    }

    /// The person with that ID, with all that is known.
    pub(crate) async fn person(&self, id: &str) -> Value {
        let everybody = self.everybody().await;
        let found = everybody.iter().find(|person| person["id"] == id);
        found
            .unwrap_or_else(|| panic!("no {id} in {everybody:#?}"))
            .clone()
    }
}

/// The status and the message of an error in JSON.
#[track_caller]
pub(crate) fn refusal(got: &Got) -> (u16, String) {
    assert_eq!(
        got.content_type.as_deref(),
        Some("application/json"),
        "{got:?}"
    );
    let error = &got.json()["error"];
    assert_eq!(error["status"], got.status, "{got:?}");
    (got.status, error["message"].as_str().unwrap().to_owned())
}

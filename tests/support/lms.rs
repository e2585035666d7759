//! The sandbox, as a test looks at it: over HTTP like everybody, but with a
//! client of its own that needs no runtime.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use hrfeed::sandbox::{Sandbox, SandboxOptions};
use serde_json::{Value, json};

/// A running sandbox.
pub(crate) struct Lms {
    sandbox: Sandbox,
}

/// What arrived at the sandbox.
#[derive(Debug)]
pub(crate) struct Stats(pub(crate) Value);

impl Stats {
    pub(crate) fn requests(&self) -> u64 {
        self.0["requests"].as_u64().unwrap()
    }

    /// Calls of that name.
    pub(crate) fn calls(&self, name: &str) -> u64 {
        self.0["by_call"][name].as_u64().unwrap_or(0)
    }

    pub(crate) fn creates(&self) -> u64 {
        self.calls("POST users/")
    }

    pub(crate) fn updates(&self) -> u64 {
        self.calls("POST users/external_id/{external_id}/")
    }

    pub(crate) fn look_ups(&self) -> u64 {
        self.calls("GET users/external_id/{external_id}/")
    }

    pub(crate) fn pages(&self) -> u64 {
        self.calls("GET users/")
    }

    pub(crate) fn peak_per_second(&self) -> u64 {
        self.0["peak_per_second"].as_u64().unwrap()
    }

    pub(crate) fn peak_in_flight(&self) -> u64 {
        self.0["peak_in_flight"].as_u64().unwrap()
    }

    /// How often that fault was played.
    pub(crate) fn played(&self, fault: &str) -> u64 {
        self.0["faults"][fault].as_u64().unwrap()
    }
}

impl Lms {
    pub(crate) fn start(options: SandboxOptions) -> Self {
        Self {
            sandbox: Sandbox::start(options).unwrap(),
        }
    }

    pub(crate) fn base_url(&self) -> String {
        self.sandbox.base_url()
    }

    pub(crate) fn stats(&self) -> Stats {
        let (status, body) = self.ask("GET", "/sandbox/stats", "", "");
        assert_eq!(status, 200);
        Stats(serde_json::from_str(&body).unwrap())
    }

    /// Counts anew from here.
    pub(crate) fn reset_stats(&self) {
        let (status, _) = self.ask("POST", "/sandbox/reset-stats", "", "");
        assert_eq!(status, 204);
    }

    /// Changes these faults and leaves the others.
    pub(crate) fn set_faults(&self, faults: &Value) {
        let (status, body) = self.ask("POST", "/sandbox/faults", "", &faults.to_string());
        assert_eq!(status, 200, "{body}");
    }

    /// Everybody who has an external ID of some key, with the first of these
    /// as `externalId`.
    pub(crate) fn people(&self) -> Vec<Value> {
        let mut people = self.everybody();
        people.retain_mut(|person| {
            let id = person["externalIds"]
                .get(0)
                .map(|id| id["externalId"].clone())
                .unwrap_or_default();
            let has_one = id.is_string();
            person["externalId"] = id;
            has_one
        });
        people
    }

    /// Everybody, with or without an external ID.
    pub(crate) fn everybody(&self) -> Vec<Value> {
        let (status, body) = self.ask("GET", "/sandbox/users", "", "");
        assert_eq!(status, 200);
        body.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The people with that external ID.
    pub(crate) fn with_id(&self, external_id: &str) -> Vec<Value> {
        let mut people = self.people();
        people.retain(|person| person["externalId"] == external_id);
        people
    }

    /// Creates somebody behind the program's back.
    pub(crate) fn create(&self, key: &str, login: &str, external_id: &str) -> Value {
        let user = json!({
            "email": format!("{login}@example.com"), "firstName": "Behind", "lastName": "Back",
            "loginName": login, "externalId": external_id,
        });
        let (status, body) = self.ask("POST", "/api/v2/users/", key, &user.to_string());
        assert_eq!(status, 201, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Deletes somebody behind the program's back.
    pub(crate) fn delete(&self, key: &str, external_id: &str) {
        let path = format!("/api/v2/users/external_id/{external_id}/");
        let (status, body) = self.ask("DELETE", &path, key, "");
        assert_eq!(status, 204, "{body}");
    }

    /// The lines of a dump.
    pub(crate) fn dump(&self, path: &str) -> Vec<Value> {
        let (status, body) = self.ask("GET", path, "", "");
        assert_eq!(status, 200, "{body}");
        body.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// A call with a form, behind the program's back.
    pub(crate) fn post_form(&self, path: &str, form: &str) -> (u16, String) {
        let kind = "application/x-www-form-urlencoded";
        self.ask_with("POST", path, "by-hand", kind, form)
    }

    /// One request with JSON.
    pub(crate) fn ask(&self, method: &str, path: &str, key: &str, body: &str) -> (u16, String) {
        self.ask_with(method, path, key, "application/json", body)
    }

    /// One request. HTTP/1.0, so that the end of the connection is the end of
    /// the answer.
    fn ask_with(
        &self,
        method: &str,
        path: &str,
        key: &str,
        kind: &str,
        body: &str,
    ) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.sandbox.port())).unwrap();
        let credentials = match key {
            "" => String::new(),
            key => format!("X-Api-Key: {key}\r\nX-Api-Secret: secret\r\n"),
        };
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n\
             {credentials}Content-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (status, body.to_owned())
    }
}

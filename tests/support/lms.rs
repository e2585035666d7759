//! The sandbox, as a test sees it: over HTTP like everybody, but with a
//! client of its own that needs no runtime.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use hrfeed::sandbox::{Sandbox, SandboxOptions};
use hrfeed::targets::{Body, Call, Method};
use serde_json::{Value, json};

use super::System::{self, AnewSpring, Kmi};

/// A running sandbox, seen as one system.
pub(crate) struct Lms {
    sandbox: Sandbox,
    system: System,
}

/// What arrived at the sandbox.
#[derive(Debug)]
pub(crate) struct Stats {
    pub(crate) json: Value,
    system: System,
}

impl Stats {
    pub(crate) fn requests(&self) -> u64 {
        self.number("requests")
    }

    /// Calls of that name.
    pub(crate) fn calls(&self, name: &str) -> u64 {
        self.json["by_call"][name].as_u64().unwrap_or(0)
    }

    /// All calls by name.
    pub(crate) fn by_call(&self) -> BTreeMap<String, u64> {
        let calls = self.json["by_call"].as_object().unwrap();
        calls
            .iter()
            .map(|(name, count)| (name.clone(), count.as_u64().unwrap()))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    pub(crate) fn creates(&self) -> u64 {
        match self.system {
            Kmi => self.calls("POST users/"),
            AnewSpring => {
                self.calls("POST addUser/{userID}") + self.calls("POST addOrUpdateUser/{userID}")
            }
        }
    }

    pub(crate) fn updates(&self) -> u64 {
        self.calls(match self.system {
            Kmi => "POST users/external_id/{external_id}/",
            AnewSpring => "POST updateUser/{userID}",
        })
    }

    /// Questions about one person.
    pub(crate) fn look_ups(&self) -> u64 {
        self.calls(match self.system {
            Kmi => "GET users/external_id/{external_id}/",
            AnewSpring => "GET getUser/{userID}",
        })
    }

    /// Pages of the list of all people.
    pub(crate) fn pages(&self) -> u64 {
        self.calls(match self.system {
            Kmi => "GET users/",
            AnewSpring => "GET getUsers",
        })
    }

    /// A number that the LMS counted, by its name on the page of statistics.
    pub(crate) fn number(&self, name: &str) -> u64 {
        self.json[name].as_u64().unwrap()
    }

    /// How often that fault was played.
    pub(crate) fn played(&self, fault: &str) -> u64 {
        self.json["faults"][fault].as_u64().unwrap()
    }
}

impl Lms {
    pub(crate) fn start(system: System, options: SandboxOptions) -> Self {
        Self {
            sandbox: Sandbox::start(options).unwrap(),
            system,
        }
    }

    pub(crate) fn base_url(&self) -> String {
        self.sandbox.base_url()
    }

    pub(crate) fn stats(&self) -> Stats {
        let (status, body) = self.ask("GET", "/sandbox/stats", "", "");
        assert_eq!(status, 200);
        let json: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(json["keys_in_urls"], 0, "the key goes in the header only");
        Stats {
            json,
            system: self.system,
        }
    }

    /// Counts from 0 again.
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
            let id = match self.system {
                Kmi => person["externalIds"]
                    .get(0)
                    .map(|id| id["externalId"].clone())
                    .unwrap_or_default(),
                AnewSpring => person["id"].clone(),
            };
            let has_one = id.is_string();
            person["externalId"] = id;
            has_one
        });
        people
    }

    /// Everybody, with or without an external ID.
    pub(crate) fn everybody(&self) -> Vec<Value> {
        self.dump(match self.system {
            Kmi => "/sandbox/users",
            AnewSpring => "/sandbox/users?api=anewspring",
        })
    }

    /// User groups, with who is in them.
    pub(crate) fn groups(&self) -> Vec<Value> {
        self.dump("/sandbox/groups")
    }

    /// The lines of a control page.
    fn dump(&self, path: &str) -> Vec<Value> {
        let (status, body) = self.ask("GET", path, "", "");
        assert_eq!(status, 200, "{body}");
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

    /// The one with that external ID.
    #[track_caller]
    pub(crate) fn person(&self, external_id: &str) -> Value {
        let mut found = self.with_id(external_id);
        assert_eq!(found.len(), 1, "{external_id}: {found:#?}");
        found.remove(0)
    }

    /// Creates somebody behind the program's back.
    pub(crate) fn create(&self, key: &str, login: &str, external_id: &str) -> Value {
        let email = format!("{login}@example.com");
        if self.system == AnewSpring {
            let form = format!("login={login}&email={email}&firstName=Behind&lastName=Back");
            self.call(&format!("addUser/{external_id}"), &form);
            return self.person(external_id);
        }
        let user = json!({
            "email": email, "firstName": "Behind", "lastName": "Back", "loginName": login,
            "externalId": external_id,
        });
        let (status, body) = self.ask("POST", "/api/v2/users/", key, &user.to_string());
        assert_eq!(status, 201, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Deletes somebody behind the program's back.
    pub(crate) fn delete(&self, key: &str, external_id: &str) {
        if self.system == AnewSpring {
            self.call(&format!("deleteUser/{external_id}"), "");
            return;
        }
        let path = format!("/api/v2/users/external_id/{external_id}/");
        let (status, body) = self.ask("DELETE", &path, key, "");
        assert_eq!(status, 204, "{body}");
    }

    /// Deletes whoever has that login and no external ID, as an administrator would
    /// by hand.
    pub(crate) fn delete_by_hand(&self, login: &str) {
        let (field, number) = match self.system {
            Kmi => ("loginName", "id"),
            AnewSpring => ("login", "uid"),
        };
        let mut people = self.everybody();
        people.retain(|person| {
            let has = person[field].as_str().unwrap_or_default();
            has.eq_ignore_ascii_case(login)
        });
        assert_eq!(people.len(), 1, "{people:#?}");
        let number = people[0][number].to_string();
        let number = number.trim_matches('"');
        if self.system == AnewSpring {
            self.call(&format!("deleteUser?userUID={number}"), "");
            return;
        }
        let path = format!("/api/v2/users/{number}/");
        let (status, body) = self.ask("DELETE", &path, "by-hand", "");
        assert_eq!(status, 204, "{body}");
    }

    /// Gives an account another external ID, or none, as an administrator would by hand.
    pub(crate) fn give_id(&self, key: &str, account: &Value, external_id: &str) {
        if self.system == AnewSpring {
            let uid = account["uid"].to_string();
            let uid = uid.trim_matches('"');
            self.call(
                &format!("updateUser?userUID={uid}"),
                &format!("id={external_id}"),
            );
            return;
        }
        let path = format!("/api/v2/users/{}/", account["id"]);
        let user = json!({"externalId": external_id}).to_string();
        let (status, body) = self.ask("POST", &path, key, &user);
        assert_eq!(status, 200, "{body}");
    }

    /// A person that an administrator created by hand: without an external ID.
    pub(crate) fn by_hand(&self, login: &str, email: &str) {
        let (path, login_field) = match self.system {
            Kmi => ("/api/v2/users/", "loginName"),
            AnewSpring => ("/sandbox/people", "login"),
        };
        let user = json!({
            login_field: login, "email": email, "firstName": "By", "lastName": "Hand",
        });
        let (status, body) = self.ask("POST", path, "by-hand", &user.to_string());
        assert_eq!(status, 201, "{body}");
    }

    /// Makes a group, as an administrator would by hand.
    pub(crate) fn group(&self, id: &str, kind: &str) {
        self.call(&format!("addGroup/{id}"), &format!("type={kind}&name={id}"));
    }

    /// A call of aNewSpring behind the program's back, with a form.
    pub(crate) fn call(&self, call: &str, form: &str) {
        assert_eq!(self.system, AnewSpring);
        let kind = "application/x-www-form-urlencoded";
        let path = format!("/api/{call}");
        let (status, body) = self.ask_with("POST", &path, "by-hand", kind, form);
        assert_eq!(status, 200, "{call}: {body}");
    }

    /// One request with JSON.
    pub(crate) fn ask(&self, method: &str, path: &str, key: &str, body: &str) -> (u16, String) {
        self.ask_with(method, path, key, "application/json", body)
    }

    /// One call of the program's, as it would make it. Pictures are for the program alone.
    pub(crate) fn send(&self, key: &str, call: &Call) -> (u16, String) {
        let method = match call.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        };
        let path = format!("/{}", call.path);
        match &call.body {
            None => self.ask(method, &path, key, ""),
            Some(Body::Json(body)) => {
                let body = str::from_utf8(body).unwrap();
                self.ask(method, &path, key, body)
            }
            Some(Body::Form(parameters)) => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                let form = form.extend_pairs(parameters).finish();
                let kind = "application/x-www-form-urlencoded";
                self.ask_with(method, &path, key, kind, &form)
            }
            Some(Body::Multipart { .. }) => panic!("{call:?}"),
        }
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

//! KMI LMS, users API v2.
//!
//! Facts are from the vendor's page "Operations with users by external
//! identifier" (last modified January 2025) and its sister pages on users,
//! authorization and paging. What they leave open is decided for the safe
//! side: an answer that is not plainly the person asked for is unclear.

use std::ops::ControlFlow;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::people::{self, Form};
use super::{
    Body, Call, GroupTarget, LookUpReply, Remote, Reply, Target, Written, details, is_detail,
    message, not_found, of_person, some_text,
};
use crate::model::{Content, ExternalId, Step};
use crate::schema::System;

/// The users API of a KMI LMS.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kmi;

impl Target for Kmi {
    fn system(&self) -> System {
        System::Kmi
    }

    /// The page calls `email`, `firstName`, `lastName` and `loginName`
    /// required although its example sends `city` alone: a mapping always has
    /// them, and all of the mapped content is sent. What is left out of an update stays, as
    /// in that example.
    fn write(&self, content: &Content, step: &Step) -> Call {
        let id = content.external_id.as_str();
        let (name, values): (_, &[&str]) = match step {
            Step::Create { .. } => ("POST users/", &[]),
            Step::Adopt { handle, .. }
            | Step::Rekey {
                handle: Some(handle),
                ..
            } => ("POST users/{id}/", &[handle]),
            Step::Rekey { from, handle: None } => {
                ("POST users/external_id/{external_id}/", &[from.as_str()])
            }
            Step::Delete => return call("DELETE users/external_id/{external_id}/", &[id]),
            // A person has no other part here: one call changes all there is.
            Step::Update { .. }
            | Step::BringBack
            | Step::AddRoles(_)
            | Step::Link(..)
            | Step::Unlink(..)
            | Step::Deactivate { .. }
            | Step::Set => ("POST users/external_id/{external_id}/", &[id]),
        };
        Call {
            body: Some(body(content)),
            ..call(name, values)
        }
    }

    fn written(&self, content: &Content, step: &Step, reply: &Reply) -> Written {
        match reply.status {
            // The page: 204 if the account was marked deleted.
            204 if *step == Step::Delete => Written::Applied(None),
            200..=299 => match of_person(&content.external_id, named(&reply.body)) {
                Ok(remote) => Written::Applied(Some(remote.id)),
                Err(why) => Written::Unclear { why },
            },
            404 | 410 => not_found(reply),
            405 => Written::WrongAddress,
            _ => Written::Refused {
                message: message::of_reply(reply),
            },
        }
    }

    fn conflict(&self, step: &Step, message: &str, _found: bool) -> String {
        match step {
            // The LMS does not check this: a look-up has shown it.
            Step::Rekey { .. } if message.is_empty() => {
                "another account has the new external ID".into()
            }
            _ => message.to_owned(),
        }
    }

    /// Page "Users": an update goes by the LMS's own id, too.
    fn handle(&self, person: &Remote, _by: &str) -> Option<String> {
        Some(person.id.clone())
    }

    fn adopting_updates(&self, _by: &str) -> bool {
        true
    }

    fn rekeying_needs_handle(&self) -> bool {
        true
    }

    /// The page calls them required in an update by external ID, too. Its example leaves
    /// them out, and nothing says what becomes of them then.
    fn carried_in_updates(&self) -> &'static [&'static str] {
        &["email", "firstName", "lastName", "loginName"]
    }

    fn look_up(&self, id: &ExternalId) -> Call {
        call("GET users/external_id/{external_id}/", &[id.as_str()])
    }

    fn looked_up(&self, id: &ExternalId, reply: &Reply) -> LookUpReply {
        super::looked_up(id, reply, user(&reply.body))
    }

    /// Page "Users".
    fn account(&self, remote_id: &str) -> Option<Call> {
        Some(call("GET users/{id}/", &[remote_id]))
    }

    fn account_shown(&self, remote_id: &str, reply: &Reply) -> LookUpReply {
        super::account_shown(remote_id, reply, user(&reply.body))
    }

    fn probe(&self) -> Call {
        self.page(0, 1)
    }

    fn is_up(&self, reply: &Reply) -> bool {
        self.people(reply).is_some()
    }

    /// Page "Pagination": `offset` and `limit`.
    fn page(&self, offset: u64, limit: u32) -> Call {
        let mut call = call("GET users/", &[]);
        call.path = format!("{}?offset={offset}&limit={limit}", call.path);
        call
    }

    /// Page "Users": `createdAfter`, ISO 8601, UTC.
    fn created_since(&self, since: Timestamp, offset: u64, limit: u32) -> Option<Call> {
        let mut call = self.page(offset, limit);
        let since = since.strftime("%Y-%m-%dT%H:%M:%SZ");
        call.path = format!("{}&createdAfter={since}", call.path);
        Some(call)
    }

    fn each_person(
        &self,
        reply: &Reply,
        each: &mut dyn FnMut(Remote) -> ControlFlow<()>,
    ) -> Option<()> {
        people::each(reply, &PEOPLE, each)
    }

    fn groups(&self) -> Option<&dyn GroupTarget> {
        None
    }
}

/// The page: an array of users.
const PEOPLE: Form<Remote> = Form {
    name: None,
    reads: |name| matches!(name, "id" | "externalId") || is_detail(name, System::Kmi),
    read: remote,
};

fn call(name: &'static str, values: &[&str]) -> Call {
    Call::named("api/v2/", name, values)
}

/// The page: "all external identifiers are specified in all API calls", so an
/// update carries its own.
fn body(content: &Content) -> Body {
    let mut user = Map::new();
    user.insert("externalId".into(), content.external_id.as_str().into());
    for (name, value) in &content.fields {
        user.insert((*name).into(), value.as_str().into());
    }
    Body::Json(Value::Object(user).to_string().into_bytes())
}

fn user(body: &[u8]) -> Option<Remote> {
    remote(&people::record(body, PEOPLE.reads)?)
}

/// Whose record it is, and nothing else of it.
fn named(body: &[u8]) -> Option<Remote> {
    let is_name = |name: &str| matches!(name, "id" | "externalId");
    remote(&people::record(body, is_name)?)
}

fn remote(user: &Map<String, Value>) -> Option<Remote> {
    Some(Remote {
        id: some_text(user.get("id"))?,
        external_id: some_text(user.get("externalId")),
        fields: details(user, System::Kmi),
        roles: None,
        is_archived: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::conformance::{Examples, suite};

    suite!(Examples {
        target: &Kmi,
        root: "api/v2/",
        calls: &[
            "GET users/",
            "GET users/{id}/",
            "GET users/external_id/{external_id}/",
            "POST users/",
            "POST users/{id}/",
            "POST users/external_id/{external_id}/",
            "DELETE users/external_id/{external_id}/",
        ],
        external_id: "externalId",
        person,
        list: Value::Array,
        acknowledged: |remote| person(remote).to_string(),
        conflict: |message| Written::Refused { message },
        up: "[]",
        no_person: &["{}", r#"{"id":1}"#, r#"{"externalId":"E7-plain"}"#],
        no_list: &["{}", r#"[{"email":"x"}]"#],
        groups: None,
    });

    fn person(remote: &Remote) -> Value {
        let mut user = Map::new();
        user.insert("id".into(), remote.id.as_str().into());
        user.insert("externalId".into(), remote.external_id.as_deref().into());
        for (name, value) in &remote.fields {
            user.insert((*name).into(), value.as_str().into());
        }
        Value::Object(user)
    }

    #[test]
    fn every_write_sends_the_whole_content_and_its_external_id() {
        let content = Content {
            fields: vec![
                ("email", "jsmith@example.com".into()),
                ("address2", String::new()),
            ],
            ..Content::only(ExternalId::known("E7"))
        };
        let create = Step::Create {
            again: false,
            roles: Vec::new(),
        };
        let update = Step::Update {
            details: true,
            picture: false,
            reactivate: false,
        };
        let adopt = Step::Adopt {
            by: "email",
            handle: "1523".into(),
        };
        for (step, path) in [
            (create, "api/v2/users/"),
            (update, "api/v2/users/external_id/E7/"),
            (adopt, "api/v2/users/1523/"),
        ] {
            let call = Kmi.write(&content, &step);
            assert_eq!(call.path, path);
            let expected = r#"{"address2":"","email":"jsmith@example.com","externalId":"E7"}"#;
            assert_eq!(call.body, Some(Body::Json(expected.into())));
        }
    }

    #[test]
    fn people_created_since_a_moment_are_asked_for_in_utc_and_whole_seconds() {
        let since = "2026-11-26T03:30:00.9+02:00".parse().unwrap();
        let call = Kmi.created_since(since, 100, 100).unwrap();
        let path = "api/v2/users/?offset=100&limit=100&createdAfter=2026-11-26T01:30:00Z";
        assert_eq!((call.name, call.path.as_str()), ("GET users/", path));
    }

    #[test]
    fn an_empty_external_id_is_none_and_a_field_that_is_absent_is_not_empty() {
        let reply = |body: &str| Reply {
            status: 200,
            body: body.into(),
            ..Reply::default()
        };
        let page = r#"[{"id":1523,"externalId":"","email":"a@b.example","address2":null}]"#;
        let people = Kmi.people(&reply(page)).unwrap();
        assert_eq!((&*people[0].id, &people[0].external_id), ("1523", &None));
        assert_eq!(people[0].get("email"), Some("a@b.example"));
        assert_eq!(people[0].get("address2"), Some(""));
        assert_eq!(people[0].get("city"), None);
    }
}

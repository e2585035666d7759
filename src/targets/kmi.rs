//! KMI LMS, users API v2.
//!
//! Facts are from the vendor's page "Operations with users by external
//! identifier" (last modified January 2025) and its sister pages on users,
//! authorization and paging. What they leave open is decided for the safe
//! side: an answer that is not plainly the person asked for is unclear.

use percent_encoding::utf8_percent_encode;
use serde_json::{Map, Value};

use super::{
    ANSWER_BYTES, Body, Call, GroupTarget, LookUpReply, Method, Remote, Reply, SEGMENT, Target,
    Written, message,
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
    /// them, and all of the mapped content is sent.
    fn write(&self, content: &Content, step: &Step) -> Call {
        let post = |name, path| Call {
            name,
            method: Method::Post,
            path,
            body: Some(body(content)),
            max_bytes: ANSWER_BYTES,
        };
        match step {
            Step::Create { .. } => post("POST users/", "api/v2/users/".into()),
            Step::Adopt { handle, .. } => post(
                "POST users/{id}/",
                format!("api/v2/users/{}/", utf8_percent_encode(handle, SEGMENT)),
            ),
            Step::Delete => Call {
                name: "DELETE users/external_id/{external_id}/",
                method: Method::Delete,
                path: by_external_id(&content.external_id),
                body: None,
                max_bytes: ANSWER_BYTES,
            },
            // A person has no other part here: one call changes all there is.
            Step::Update { .. }
            | Step::BringBack
            | Step::AddRoles(_)
            | Step::Link(..)
            | Step::Unlink(..)
            | Step::Deactivate { .. } => post(
                "POST users/external_id/{external_id}/",
                by_external_id(&content.external_id),
            ),
        }
    }

    fn written(&self, content: &Content, step: &Step, reply: &Reply) -> Written {
        // The page: 204 if the account was marked deleted.
        if *step == Step::Delete && reply.status == 204 {
            return Written::Applied(None);
        }
        match reply.status {
            200..=299 => match user(&reply.body) {
                Some(remote)
                    if remote.external_id.as_deref() == Some(content.external_id.as_str()) =>
                {
                    Written::Applied(Some(remote.id))
                }
                Some(_) => Written::Unclear {
                    why: "the answer is another person's record",
                },
                None => Written::Unclear {
                    why: "the answer is no user",
                },
            },
            404 | 410 => Written::NotFound,
            405 => Written::WrongAddress,
            status => {
                let message = message::of(&reply.body);
                Written::Refused {
                    message: if message.is_empty() {
                        format!("status {status} without a reason")
                    } else {
                        message
                    },
                }
            }
        }
    }

    fn conflict(&self, _step: &Step, message: &str, _found: bool) -> String {
        message.to_owned()
    }

    /// Page "Users": an update goes by the LMS's own id, too.
    fn handle(&self, person: &Remote, _by: &str) -> Option<String> {
        Some(person.id.clone())
    }

    fn adopting_updates(&self, _by: &str) -> bool {
        true
    }

    fn look_up(&self, id: &ExternalId) -> Call {
        Call {
            name: "GET users/external_id/{external_id}/",
            method: Method::Get,
            path: by_external_id(id),
            body: None,
            max_bytes: ANSWER_BYTES,
        }
    }

    fn looked_up(&self, id: &ExternalId, reply: &Reply) -> LookUpReply {
        super::looked_up(id, reply, user)
    }

    fn probe(&self) -> Call {
        self.page(0, 1)
    }

    fn is_up(&self, reply: &Reply) -> bool {
        self.people(reply).is_some()
    }

    /// Page "Pagination": `offset` and `limit`.
    fn page(&self, offset: u64, limit: u32) -> Call {
        Call {
            name: "GET users/",
            method: Method::Get,
            path: format!("api/v2/users/?offset={offset}&limit={limit}"),
            body: None,
            max_bytes: ANSWER_BYTES,
        }
    }

    fn people(&self, reply: &Reply) -> Option<Vec<Remote>> {
        if !(200..=299).contains(&reply.status) {
            return None;
        }
        let users: Vec<Map<String, Value>> = serde_json::from_slice(&reply.body).ok()?;
        users.into_iter().map(|user| remote(&user)).collect()
    }

    fn groups(&self) -> Option<&dyn GroupTarget> {
        None
    }
}

fn by_external_id(id: &ExternalId) -> String {
    format!(
        "api/v2/users/external_id/{}/",
        utf8_percent_encode(id.as_str(), SEGMENT)
    )
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
    remote(&serde_json::from_slice(body).ok()?)
}

fn remote(user: &Map<String, Value>) -> Option<Remote> {
    let id = match user.get("id")? {
        Value::Number(id) => id.to_string(),
        Value::String(id) if !id.is_empty() => id.clone(),
        _ => return None,
    };
    let external_id = user
        .get("externalId")
        .and_then(text)
        .filter(|id| !id.is_empty());
    let fields = System::Kmi
        .spec()
        .fields
        .iter()
        .filter(|field| field.name != "externalId")
        .filter_map(|field| Some((field.name, text(user.get(field.name)?)?)))
        .collect();
    Some(Remote {
        id,
        external_id,
        fields,
        roles: None,
        is_archived: false,
    })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => Some(String::new()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
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
            "GET users/external_id/{external_id}/",
            "POST users/",
            "POST users/{id}/",
            "POST users/external_id/{external_id}/",
            "DELETE users/external_id/{external_id}/",
        ],
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

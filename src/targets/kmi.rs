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
            most_bytes: ANSWER_BYTES,
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
                most_bytes: ANSWER_BYTES,
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
            most_bytes: ANSWER_BYTES,
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
            most_bytes: ANSWER_BYTES,
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
    use proptest::prelude::*;

    use super::*;

    fn content(id: &str) -> Content {
        Content {
            fields: vec![
                ("email", "jsmith@example.com".into()),
                ("address2", String::new()),
            ],
            ..Content::only(ExternalId::known(id))
        }
    }

    const CREATE: Step = Step::Create {
        again: false,
        roles: Vec::new(),
    };
    const UPDATE: Step = Step::Update {
        details: true,
        picture: false,
        reactivate: false,
    };

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status,
            body: body.into(),
            ..Reply::default()
        }
    }

    #[test]
    fn an_external_id_is_one_path_segment() {
        let path = |id: &str| Kmi.look_up(&ExternalId::known(id)).path;
        assert_eq!(path("ID10-05113"), "api/v2/users/external_id/ID10-05113/");
        assert_eq!(
            path("a/b?c#d%e f..é"),
            "api/v2/users/external_id/a%2Fb%3Fc%23d%25e%20f..%C3%A9/"
        );
    }

    #[test]
    fn every_call_names_the_external_id() {
        let sent = |step| match Kmi.write(&content("E7"), &step).body {
            Some(Body::Json(bytes)) => String::from_utf8(bytes).unwrap(),
            other => panic!("{other:?}"),
        };
        let expected = r#"{"address2":"","email":"jsmith@example.com","externalId":"E7"}"#;
        assert_eq!(sent(CREATE), expected);
        assert_eq!(sent(UPDATE), expected);
        let adopt = Step::Adopt {
            by: "email",
            handle: "1523".into(),
        };
        assert_eq!(Kmi.write(&content("E7"), &adopt).path, "api/v2/users/1523/");
        assert_eq!(sent(adopt), expected);
    }

    #[test]
    fn only_the_record_of_the_person_sent_counts_as_done() {
        let written = |status, body| Kmi.written(&content("E7"), &CREATE, &reply(status, body));
        assert_eq!(
            written(200, r#"{"id":1523,"externalId":"E7"}"#),
            Written::Applied(Some("1523".into()))
        );
        assert_eq!(
            written(201, r#"{"id":1523,"externalId":"E7"}"#),
            Written::Applied(Some("1523".into()))
        );
        for body in [
            r#"{"id":1,"externalId":"E8"}"#,
            r#"{"id":1}"#,
            r#"{"id":1,"exte"#,
            "<html>",
            "",
            "[]",
            r#"{"externalId":"E7"}"#,
        ] {
            assert!(
                matches!(written(200, body), Written::Unclear { .. }),
                "{body}"
            );
        }
        assert_eq!(written(404, ""), Written::NotFound);
        assert_eq!(
            written(400, r#"{"message":"no"}"#),
            Written::Refused {
                message: "no".into()
            }
        );
        assert_eq!(
            written(409, ""),
            Written::Refused {
                message: "status 409 without a reason".into()
            }
        );
    }

    #[test]
    fn a_look_up_that_is_not_answered_plainly_is_unclear() {
        let looked_up =
            |status, body| Kmi.looked_up(&ExternalId::known("E7"), &reply(status, body));
        assert!(matches!(
            looked_up(200, r#"{"id":1,"externalId":"E7","city":null}"#),
            LookUpReply::Found(_)
        ));
        assert_eq!(
            looked_up(404, " <html>"),
            LookUpReply::Absent { certain: false }
        );
        for body in ["", "{}", "Not found"] {
            assert_eq!(looked_up(404, body), LookUpReply::Absent { certain: true });
        }
        for (status, body) in [
            (200, "<html>"),
            (200, r#"{"id":1,"externalId":"e7"}"#),
            (200, "null"),
            (400, ""),
        ] {
            assert!(
                matches!(looked_up(status, body), LookUpReply::Unclear { .. }),
                "{status} {body}"
            );
        }
    }

    #[test]
    fn a_page_is_a_list_of_users_or_nothing() {
        let people = |body| Kmi.people(&reply(200, body));
        assert_eq!(people("[]"), Some(vec![]));
        let page = people(
            r#"[{"id":1,"externalId":"","email":"a@b.example"},{"id":2,"externalId":null}]"#,
        )
        .unwrap();
        assert_eq!(page[0].external_id, None);
        assert_eq!(page[0].get("email"), Some("a@b.example"));
        assert_eq!(page[0].get("city"), None);
        for body in ["{}", "<html>", "[1]", r#"[{"email":"x"}]"#, ""] {
            assert_eq!(people(body), None, "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_judged_without_a_panic(status in 100..600_u16, body in prop::collection::vec(any::<u8>(), 0..300)) {
            let reply = Reply { status, body, ..Reply::default() };
            let _judged = (Kmi.written(&content("E7"), &CREATE, &reply), Kmi.looked_up(&ExternalId::known("E7"), &reply), Kmi.people(&reply));
        }

        #[test]
        fn any_external_id_stays_one_segment_of_a_url(id in "\\PC{1,40}") {
            prop_assume!(!matches!(id.as_str(), "." | ".."));
            let call = Kmi.look_up(&ExternalId::known(&id));
            let url = url::Url::parse("https://lms.example.com/").unwrap().join(&call.path).unwrap();
            let segments: Vec<_> = url.path_segments().unwrap().collect();
            prop_assert_eq!(segments.len(), 6);
            let decoded = percent_encoding::percent_decode_str(segments[4]).decode_utf8().unwrap();
            prop_assert_eq!(decoded, id);
            prop_assert!(url.query().is_none() && url.fragment().is_none());
        }
    }
}

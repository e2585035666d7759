//! aNewSpring: users and user groups.
//!
//! Facts are from the vendor's support pages "API calls - Users" and "External
//! IDs", and from a public client of the API for what these leave open. An
//! external ID is a `userID`, a `groupID` or a `contentLabelID` here; unlike
//! other systems this one checks that it is unique. A call that succeeds
//! answers 200 with an empty body.

use percent_encoding::utf8_percent_encode;
use serde_json::{Map, Value};

use super::{
    ANSWER_BYTES, Body, Call, EVERYBODY_BYTES, Group, GroupCall, GroupTarget, LookedUp, Method,
    Remote, Reply, SEGMENT, Target, Written, message,
};
use crate::model::{Content, ExternalId, Picture, Step};
use crate::schema::{Part, System};

/// The API of an aNewSpring environment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ANewSpring;

type Parameters = Vec<(&'static str, String)>;

impl Target for ANewSpring {
    fn system(&self) -> System {
        System::ANewSpring
    }

    /// The URL parameter `_key` works too and is never used: addresses are
    /// logged.
    fn credential_headers(&self) -> (&'static str, Option<&'static str>) {
        ("x-api-key", None)
    }

    fn write(&self, content: &Content, step: &Step) -> Call {
        let id = content.external_id.as_str();
        let update = |parameters| {
            post(
                "POST updateUser/{userID}",
                &["updateUser", id],
                "",
                Body::Form(parameters),
            )
        };
        match step {
            Step::Create { again, roles } => create(content, *again, roles),
            Step::Update {
                details,
                picture,
                reactivate,
            } => {
                let mut parameters = match details {
                    true => content.fields.clone(),
                    false => Vec::new(),
                };
                if *reactivate && !parameters.iter().any(|(name, _)| *name == "active") {
                    parameters.push(("active", "true".into()));
                }
                parameters.push(notify(content));
                Call {
                    body: Some(with_picture(parameters, content, *picture)),
                    ..update(Vec::new())
                }
            }
            Step::BringBack => update(vec![("archived", "false".into()), notify(content)]),
            Step::Deactivate { archive: true } => {
                update(vec![("archived", "true".into()), notify(content)])
            }
            Step::Deactivate { archive: false } => {
                update(vec![("active", "false".into()), notify(content)])
            }
            Step::Adopt {
                by: "login",
                handle,
            } => post(
                "POST initializeId/{login}/{userID}",
                &["initializeId", handle, id],
                "",
                Body::Form(Vec::new()),
            ),
            // Whoever was recognised by something else is named by the UID,
            // and gets details and external ID at once.
            Step::Adopt { handle, .. } => {
                let mut parameters = vec![("id", id.to_owned())];
                parameters.extend(content.fields.iter().cloned());
                parameters.push(notify(content));
                post(
                    "POST updateUser?userUID={userUID}",
                    &["updateUser"],
                    &format!("userUID={}&", utf8_percent_encode(handle, SEGMENT)),
                    with_picture(parameters, content, content.picture.is_some()),
                )
            }
            Step::AddRoles(roles) => {
                let mut parameters = repeated("role", roles);
                parameters.push(("ignoreDuplicates", "true".into()));
                post(
                    "POST addUserRoles/{userID}",
                    &["addUserRoles", id],
                    "",
                    Body::Form(parameters),
                )
            }
            Step::Link(part, libraries) | Step::Unlink(part, libraries) => {
                let (name, call) = rights_call(*part, matches!(step, Step::Link(..)));
                let libraries = Body::Form(repeated("contentLabel", libraries));
                post(name, &[call, id], "", libraries)
            }
            Step::Delete => post(
                "POST deleteUser/{userID}",
                &["deleteUser", id],
                "",
                Body::Form(Vec::new()),
            ),
        }
    }

    fn written(&self, _content: &Content, _step: &Step, reply: &Reply) -> Written {
        self.done(reply)
    }

    fn conflict(&self, step: &Step, message: &str, found: bool) -> String {
        let says = |word| message.to_lowercase().contains(word);
        let reason = match step {
            Step::Create { .. } | Step::Update { .. } if says("login") => {
                "somebody else has this login"
            }
            Step::Create { .. } | Step::Update { .. } if says("password") => {
                "the LMS does not allow this password, or a forced change of it"
            }
            Step::Create { .. } if !found => {
                "nobody has this external ID, but somebody else has the login, or is in the archive"
            }
            Step::Adopt { .. } => "the account has another external ID, or the ID is taken",
            Step::Link(..) => "the person needs the role before the right for a content library",
            _ => "it does not go with what the LMS has",
        };
        if message.is_empty() {
            reason.to_owned()
        } else {
            format!("{reason}: {message}")
        }
    }

    fn handle(&self, person: &Remote, by: &str) -> Option<String> {
        match by {
            "login" => person.get("login").map(str::to_owned),
            _ => Some(person.id.clone()),
        }
    }

    fn adopting_updates(&self, by: &str) -> bool {
        by != "login"
    }

    fn look_up(&self, id: &ExternalId) -> Call {
        get("GET getUser/{userID}", &["getUser", id.as_str()])
    }

    fn looked_up(&self, id: &ExternalId, reply: &Reply) -> LookedUp {
        match reply.status {
            200..=299 => match user(&reply.body) {
                Some(remote) if remote.external_id.as_deref() == Some(id.as_str()) => {
                    LookedUp::Found(remote)
                }
                Some(_) => LookedUp::Unclear {
                    why: "the answer is another person's record",
                },
                None => LookedUp::Unclear {
                    why: "the answer is no user",
                },
            },
            404 | 410 => LookedUp::Absent {
                plain: !is_page(&reply.body),
            },
            _ => LookedUp::Unclear {
                why: "the target refused to look the person up",
            },
        }
    }

    /// Of somebody who need not be there: the answer is `true` or `false`.
    fn probe(&self) -> Call {
        get("GET userExists/{userID}", &["userExists", "hrfeed"])
    }

    fn is_up(&self, reply: &Reply) -> bool {
        self.truth(reply).is_some()
    }

    /// "Use this to get all users. This includes users without external IDs,
    /// inactive users and archived users."
    fn page(&self, _offset: u64, _limit: u32) -> Call {
        Call {
            most_bytes: EVERYBODY_BYTES,
            ..get("GET getUsers", &["getUsers"])
        }
    }

    fn page_size(&self) -> Option<u32> {
        None
    }

    fn people(&self, reply: &Reply) -> Option<Vec<Remote>> {
        if !(200..=299).contains(&reply.status) {
            return None;
        }
        users(&reply.body)?
            .iter()
            .map(|user| remote(user.as_object()?))
            .collect()
    }

    fn groups(&self) -> Option<&dyn GroupTarget> {
        Some(self)
    }
}

impl GroupTarget for ANewSpring {
    fn call(&self, call: GroupCall<'_>) -> Call {
        let described = |group: &Group, kind: bool| {
            let mut parameters = Vec::new();
            if kind {
                parameters.push(("type", group.kind.clone()));
                let name = group.name.clone().unwrap_or_else(|| group.id.clone());
                parameters.push(("name", name));
            } else if let Some(name) = &group.name {
                parameters.push(("name", name.clone()));
            }
            if let Some(parent) = &group.parent {
                parameters.push(("parent", parent.clone()));
            }
            Body::Form(parameters)
        };
        let people = |people: &[ExternalId], lenient| {
            let mut parameters: Parameters = people
                .iter()
                .map(|id| ("user", id.as_str().to_owned()))
                .collect();
            parameters.push((lenient, "true".into()));
            parameters
        };
        match call {
            GroupCall::Exists(id) => get("GET groupExists/{groupID}", &["groupExists", id]),
            GroupCall::Make(group) => post(
                "POST addGroup/{groupID}",
                &["addGroup", &group.id],
                "",
                described(group, true),
            ),
            GroupCall::Change(group) => post(
                "POST updateGroup/{groupID}",
                &["updateGroup", &group.id],
                "",
                described(group, false),
            ),
            // Never with `force`: what somebody else put into it stays.
            GroupCall::Delete(id) => post(
                "POST deleteGroup/{groupID}",
                &["deleteGroup", id],
                "",
                Body::Form(vec![("force", "false".into())]),
            ),
            GroupCall::Members(id) => get("GET getGroupUsers/{groupID}", &["getGroupUsers", id]),
            GroupCall::IsMember(id, person) => get(
                "GET groupUserExists/{groupID}/{userID}",
                &["groupUserExists", id, person.as_str()],
            ),
            GroupCall::Add(id, members) => {
                let mut parameters = people(members, "ignoreDuplicates");
                parameters.push(("notify", "false".into()));
                post(
                    "POST addGroupUsers/{groupID}",
                    &["addGroupUsers", id],
                    "",
                    Body::Form(parameters),
                )
            }
            GroupCall::Remove(id, members) => post(
                "POST deleteGroupUsers/{groupID}",
                &["deleteGroupUsers", id],
                "",
                Body::Form(people(members, "ignoreMissing")),
            ),
        }
    }

    fn done(&self, reply: &Reply) -> Written {
        let message = || {
            let message = message::of(&reply.body);
            if message.is_empty() {
                format!("status {} without a reason", reply.status)
            } else {
                message
            }
        };
        match reply.status {
            200..=299 if is_success(&reply.body) => Written::Applied(None),
            200..=299 => Written::Unclear {
                why: "the answer is not the API's",
            },
            _ if is_denial(&message()) => Written::Denied,
            404 | 410 => Written::NotThere,
            405 => Written::WrongAddress,
            409 => Written::Conflict { message: message() },
            _ => Written::Refused { message: message() },
        }
    }

    fn truth(&self, reply: &Reply) -> Option<bool> {
        match reply.status {
            200..=299 => match serde_json::from_slice(&reply.body).ok()? {
                Value::Object(answer) => match answer.get("result")? {
                    Value::Bool(result) => Some(*result),
                    Value::String(result) => result.parse().ok(),
                    _ => None,
                },
                _ => None,
            },
            404 | 410 if !is_page(&reply.body) => Some(false),
            _ => None,
        }
    }

    fn members(&self, reply: &Reply) -> Option<Vec<String>> {
        if !(200..=299).contains(&reply.status) {
            return None;
        }
        let users = users(&reply.body)?;
        Some(
            users
                .iter()
                .filter_map(|user| Some(user.get("id")?.as_str()?.to_owned()))
                .collect(),
        )
    }
}

/// The external ID and whatever else names something stand in the path, each
/// as one segment. Errors are asked for as JSON.
fn path(segments: &[&str], query: &str) -> String {
    let mut path = String::from("api");
    for segment in segments {
        path.push('/');
        path.extend(utf8_percent_encode(segment, SEGMENT));
    }
    format!("{path}?{query}_formatErrors=true")
}

fn get(name: &'static str, segments: &[&str]) -> Call {
    Call {
        name,
        method: Method::Get,
        path: path(segments, ""),
        body: None,
        most_bytes: ANSWER_BYTES,
    }
}

fn post(name: &'static str, segments: &[&str], query: &str, body: Body) -> Call {
    Call {
        name,
        method: Method::Post,
        path: path(segments, query),
        body: Some(body),
        most_bytes: ANSWER_BYTES,
    }
}

/// The call that gives or takes rights for content libraries: its documented
/// name, and how it stands in the path.
const fn rights_call(part: Part, give: bool) -> (&'static str, &'static str) {
    match (part, give) {
        (Part::DesignerLibraries, true) => (
            "POST linkDesignerToContentLabels/{userID}",
            "linkDesignerToContentLabels",
        ),
        (Part::DesignerLibraries, false) => (
            "POST unlinkDesignerFromContentLabels/{userID}",
            "unlinkDesignerFromContentLabels",
        ),
        (_, true) => (
            "POST linkAuthorToContentLabels/{userID}",
            "linkAuthorToContentLabels",
        ),
        (_, false) => (
            "POST unlinkAuthorFromContentLabels/{userID}",
            "unlinkAuthorFromContentLabels",
        ),
    }
}

/// After an attempt without an answer the upsert is the safer call: should the
/// first still be at work, there is no second person and no error. Where it
/// would mail the person again or change the password again, it is not.
fn create(content: &Content, again: bool, roles: &[String]) -> Call {
    let mut parameters: Parameters = content
        .fields
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .cloned()
        .collect();
    parameters.extend(
        content
            .instructions
            .iter()
            .filter(|(name, _)| *name != "notify")
            .cloned(),
    );
    parameters.push(notify(content));
    parameters.extend(repeated("role", roles));
    let is_asked =
        |name: &str, value: &str| parameters.iter().any(|it| it.0 == name && it.1 == value);
    let harmless = !is_asked("notify", "true") && !is_asked("generatePassword", "true");
    let id = content.external_id.as_str();
    let picture = matches!(content.picture, Some(Picture::File(_)));
    let (name, call) = if again && harmless {
        ("POST addOrUpdateUser/{userID}", "addOrUpdateUser")
    } else {
        ("POST addUser/{userID}", "addUser")
    };
    post(
        name,
        &[call, id],
        "",
        with_picture(parameters, content, picture),
    )
}

/// Nobody gets mail unless the mapping says so.
fn notify(content: &Content) -> (&'static str, String) {
    let asked = content
        .instructions
        .iter()
        .find(|(name, _)| *name == "notify");
    (
        "notify",
        asked.map_or_else(|| "false".into(), |(_, value)| value.clone()),
    )
}

fn repeated(name: &'static str, values: &[String]) -> Parameters {
    values.iter().map(|value| (name, value.clone())).collect()
}

fn with_picture(mut parameters: Parameters, content: &Content, picture: bool) -> Body {
    match &content.picture {
        Some(Picture::File(path)) if picture => Body::Multipart {
            parameters,
            name: "avatar",
            path: path.clone(),
        },
        Some(Picture::Clear) if picture => {
            parameters.push(("deleteAvatar", "true".into()));
            Body::Form(parameters)
        }
        _ => Body::Form(parameters),
    }
}

/// A page for a browser: a proxy's, or the web server's.
fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// An empty answer, or a message in JSON.
fn is_success(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    body.is_empty()
        || serde_json::from_slice::<Value>(body)
            .is_ok_and(|answer| answer.get("error").is_none() && answer.get("errors").is_none())
}

/// A key can be limited to some calls. How the API says so is nowhere stated,
/// beside that it is an error.
fn is_denial(message: &str) -> bool {
    let message = message.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| message.contains(word));
    message.contains("whitelist")
        || any(&["api key", "apikey", "api call"])
            && any(&[
                "not allowed",
                "not permitted",
                "permission",
                "no access",
                "denied",
            ])
}

fn user(body: &[u8]) -> Option<Remote> {
    let answer: Map<String, Value> = serde_json::from_slice(body).ok()?;
    match answer.get("user") {
        Some(user) => remote(user.as_object()?),
        None => remote(&answer),
    }
}

fn users(body: &[u8]) -> Option<Vec<Value>> {
    let mut answer: Map<String, Value> = serde_json::from_slice(body).ok()?;
    match answer.remove("users")? {
        Value::Array(users) => Some(users),
        _ => None,
    }
}

fn remote(user: &Map<String, Value>) -> Option<Remote> {
    let external_id = user.get("id").and_then(text).filter(|id| !id.is_empty());
    let id = user
        .get("uid")
        .and_then(text)
        .filter(|uid| !uid.is_empty())
        // An answer about one person may leave the UID out.
        .or_else(|| external_id.clone())?;
    let fields = System::ANewSpring
        .fields()
        .iter()
        .filter(|field| field.part == Part::Details && field.name != "userID")
        .filter_map(|field| Some((field.name, text(user.get(field.name)?)?)))
        .collect();
    let roles = user.get("roles").and_then(Value::as_array).map(|roles| {
        let word = |role: &Value| Some(role.as_str()?.to_owned());
        roles.iter().filter_map(word).collect()
    });
    Some(Remote {
        id,
        external_id,
        fields,
        roles,
        is_archived: user.get("archived").and_then(Value::as_bool) == Some(true),
    })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => Some(String::new()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UPDATE: Step = Step::Update {
        details: true,
        picture: true,
        reactivate: false,
    };

    fn zoe() -> Content {
        Content {
            fields: vec![("login", "zoe".into()), ("title", String::new())],
            ..Content::only(ExternalId::known("E 7/1"))
        }
    }

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status,
            body: body.into(),
            ..Reply::default()
        }
    }

    fn sent(content: &Content, step: &Step) -> (String, String) {
        let call = ANewSpring.write(content, step);
        let Some(Body::Form(parameters)) = call.body else {
            panic!("{call:?}");
        };
        let parameters: Vec<_> = parameters
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        (call.path, parameters.join("&"))
    }

    #[test]
    fn a_new_person_takes_one_call_with_roles_and_without_mail() {
        let create = |again| Step::Create {
            again,
            roles: vec!["mentor".into(), "student".into()],
        };
        let parameters = "login=zoe&notify=false&role=mentor&role=student";
        assert_eq!(
            sent(&zoe(), &create(false)),
            (
                "api/addUser/E%207%2F1?_formatErrors=true".into(),
                parameters.into()
            )
        );
        assert_eq!(
            sent(&zoe(), &create(true)),
            (
                "api/addOrUpdateUser/E%207%2F1?_formatErrors=true".into(),
                parameters.into()
            )
        );
    }

    #[test]
    fn what_would_mail_somebody_twice_is_never_an_upsert() {
        for instruction in ["notify", "generatePassword"] {
            let content = Content {
                instructions: vec![(instruction, "true".into())],
                ..zoe()
            };
            let create = Step::Create {
                again: true,
                roles: Vec::new(),
            };
            let (path, parameters) = sent(&content, &create);
            assert!(path.starts_with("api/addUser/"), "{path}");
            assert!(parameters.contains(&format!("{instruction}=true")));
        }
    }

    #[test]
    fn a_password_is_for_somebody_new_only_and_an_empty_text_clears() {
        let content = Content {
            instructions: vec![("password", "secret-word".into())],
            picture: Some(Picture::Clear),
            ..zoe()
        };
        assert_eq!(
            sent(&content, &UPDATE).1,
            "login=zoe&title=&notify=false&deleteAvatar=true"
        );
        let create = Step::Create {
            again: false,
            roles: Vec::new(),
        };
        assert!(sent(&content, &create).1.contains("password=secret-word"));
    }

    #[test]
    fn a_picture_goes_as_a_file() {
        let content = Content {
            picture: Some(Picture::File("zoe.png".into())),
            ..zoe()
        };
        let call = ANewSpring.write(&content, &UPDATE);
        assert!(matches!(
            call.body,
            Some(Body::Multipart { name: "avatar", .. })
        ));
    }

    #[test]
    fn whoever_is_adopted_is_named_by_login_or_uid() {
        let adopt = |by| Step::Adopt {
            by,
            handle: "zoë@example.com".into(),
        };
        assert_eq!(
            sent(&zoe(), &adopt("login")).0,
            "api/initializeId/zo%C3%AB%40example.com/E%207%2F1?_formatErrors=true"
        );
        let (path, parameters) = sent(&zoe(), &adopt("email"));
        assert_eq!(
            path,
            "api/updateUser?userUID=zo%C3%AB%40example.com&_formatErrors=true"
        );
        assert!(parameters.starts_with("id=E 7/1&login=zoe"));
    }

    #[test]
    fn only_an_empty_answer_or_the_api_s_own_counts_as_done() {
        let done = |status, body| ANewSpring.done(&reply(status, body));
        for body in ["", " \n", r#"{"success":{"message":"ok"}}"#] {
            assert_eq!(done(200, body), Written::Applied(None), "{body}");
        }
        for body in ["<html>", "ok", r#"{"error":"no"}"#, r#"{"succ"#] {
            assert!(matches!(done(200, body), Written::Unclear { .. }), "{body}");
        }
        assert_eq!(done(404, ""), Written::NotThere);
        assert_eq!(
            done(409, "<html><title>Login in use</title>"),
            Written::Conflict {
                message: "an HTML page titled `Login in use`".into()
            }
        );
        assert!(matches!(done(400, "bad"), Written::Refused { .. }));
    }

    #[test]
    fn a_call_that_the_key_may_not_make_is_told_from_a_bad_row() {
        let done = |body| ANewSpring.done(&reply(400, body));
        assert_eq!(
            done(r#"{"error":{"message":"API call addUserRoles is not whitelisted"}}"#),
            Written::Denied
        );
        assert_eq!(done("This API key has no permission"), Written::Denied);
        assert_ne!(
            done("A forced password change is not allowed"),
            Written::Denied
        );
    }

    #[test]
    fn a_list_of_users_names_those_without_external_id() {
        let people = ANewSpring
            .people(&reply(
                200,
                r#"{"users":[{"id":"E7","uid":"u1","login":"zoe","active":true},{"id":null,"uid":2,"email":"a@b.example","active":false}]}"#,
            ))
            .unwrap();
        assert_eq!(people[0].external_id.as_deref(), Some("E7"));
        assert_eq!(people[1].external_id, None);
        assert_eq!(people[1].id, "2");
        assert_eq!(people[1].get("active"), Some("false"));
        for body in [
            "[]",
            "{}",
            "<html>",
            r#"{"users":[1]}"#,
            r#"{"users":[{}]}"#,
        ] {
            assert_eq!(ANewSpring.people(&reply(200, body)), None, "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_judged_without_a_panic(status in 100..600_u16, body in prop::collection::vec(any::<u8>(), 0..300)) {
            let reply = Reply { status, body, ..Reply::default() };
            let _judged = (
                ANewSpring.done(&reply),
                ANewSpring.looked_up(&ExternalId::known("E7"), &reply),
                ANewSpring.people(&reply),
                ANewSpring.truth(&reply),
                ANewSpring.members(&reply),
            );
        }

        #[test]
        fn any_external_id_stays_one_segment_of_a_url(id in "\\PC{1,40}") {
            prop_assume!(!matches!(id.as_str(), "." | ".."));
            let call = ANewSpring.look_up(&ExternalId::known(&id));
            let url = url::Url::parse("https://lms.example.com/").unwrap().join(&call.path).unwrap();
            let segments: Vec<_> = url.path_segments().unwrap().collect();
            prop_assert_eq!(segments.len(), 3);
            let decoded = percent_encoding::percent_decode_str(segments[2]).decode_utf8().unwrap();
            prop_assert_eq!(decoded, id);
            prop_assert!(url.query() == Some("_formatErrors=true") && url.fragment().is_none());
        }
    }
}

//! aNewSpring: users and user groups.
//!
//! Facts are from the vendor's support pages "API calls - Users" and "External
//! IDs", and from a public client of the API for what these leave open. An
//! external ID is a `userID`, a `groupID` or a `contentLabelID` here; unlike
//! other systems this one checks that it is unique. A call that succeeds
//! answers 200 with an empty body.

mod groups;

use percent_encoding::utf8_percent_encode;
use serde_json::{Map, Value};

use super::{
    ANSWER_BYTES, Body, Call, EVERYBODY_BYTES, GroupTarget, LookUpReply, Method, Remote, Reply,
    SEGMENT, Target, Written,
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
                    // What the feed says itself comes first.
                    let said = content.fields.iter().find(|(name, _)| *name == "active");
                    let active = said.map_or("true", |(_, value)| value.as_str());
                    parameters.push(("active", active.to_owned()));
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

    fn looked_up(&self, id: &ExternalId, reply: &Reply) -> LookUpReply {
        super::looked_up(id, reply, user)
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
            max_bytes: EVERYBODY_BYTES,
            ..get("GET getUsers", &["getUsers"])
        }
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
        max_bytes: ANSWER_BYTES,
    }
}

fn post(name: &'static str, segments: &[&str], query: &str, body: Body) -> Call {
    Call {
        name,
        method: Method::Post,
        path: path(segments, query),
        body: Some(body),
        max_bytes: ANSWER_BYTES,
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
    let is_requested =
        |name: &str, value: &str| parameters.iter().any(|it| it.0 == name && it.1 == value);
    let harmless = !is_requested("notify", "true") && !is_requested("generatePassword", "true");
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
        .spec()
        .fields
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
mod tests;

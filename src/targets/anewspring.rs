//! aNewSpring: users and user groups.
//!
//! Facts are from the vendor's support pages "API calls - Users" and "External
//! IDs", and from a public client of the API for what these leave open. An
//! external ID is a `userID`, a `groupID` or a `contentLabelID` here; unlike
//! other systems this one checks that it is unique. A call that succeeds
//! answers 200 with an empty body.

mod groups;

use std::ops::ControlFlow;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::people::{self, Form};
use super::{
    Body, Call, EVERYBODY_BYTES, GroupTarget, LookUpReply, Remote, Reply, Target, Written, details,
    is_detail, some_text,
};
use crate::model::{Content, ExternalId, Picture, Step};
use crate::schema::{Part, System};

/// The API of an aNewSpring environment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ANewSpring;

type Parameters = Vec<(&'static str, String)>;

const UPDATE: &str = "POST updateUser/{userID}";

impl Target for ANewSpring {
    fn system(&self) -> System {
        System::ANewSpring
    }

    fn write(&self, content: &Content, step: &Step) -> Call {
        let id = content.external_id.as_str();
        let set = |name, value: bool| {
            let parameters = vec![(name, value.to_string()), notify(content)];
            form(UPDATE, &[id], parameters)
        };
        match step {
            Step::Create { again, roles } => create(content, *again, roles),
            Step::Update {
                details,
                picture,
                reactivate,
            } => {
                // What the feed says itself comes first.
                let (fields, active) = (&content.fields, |it: &&(&str, _)| it.0 == "active");
                let mut parameters = if *details { fields.clone() } else { Vec::new() };
                if *reactivate && !parameters.iter().any(|it| active(&it)) {
                    let said = fields.iter().find(active).cloned();
                    parameters.push(said.unwrap_or(("active", "true".into())));
                }
                parameters.push(notify(content));
                post(UPDATE, &[id], with_picture(parameters, content, *picture))
            }
            Step::BringBack => set("archived", false),
            Step::Deactivate { archive: true } => set("archived", true),
            Step::Deactivate { archive: false } => set("active", false),
            Step::Adopt {
                by: "login",
                handle,
            } => {
                let name = "POST initializeId/{login}/{userID}";
                form(name, &[handle, id], Vec::new())
            }
            // A person who was recognised by another field is named by the UID.
            Step::Adopt { handle, .. } => {
                let name = "POST updateUser?userUID={userUID}";
                post(name, &[handle], with_new_id(content))
            }
            Step::Rekey { from, .. } => post(UPDATE, &[from.as_str()], with_new_id(content)),
            Step::AddRoles(roles) => {
                let mut parameters = repeated("role", roles);
                parameters.push(("ignoreDuplicates", "true".into()));
                form("POST addUserRoles/{userID}", &[id], parameters)
            }
            Step::Link(part, libraries) | Step::Unlink(part, libraries) => {
                let name = rights_call(*part, matches!(step, Step::Link(..)));
                form(name, &[id], repeated("contentLabel", libraries))
            }
            Step::Set => {
                let mut parameters = content.fields.clone();
                parameters.push(notify(content));
                form(UPDATE, &[id], parameters)
            }
            Step::Delete => form("POST deleteUser/{userID}", &[id], Vec::new()),
        }
    }

    fn written(&self, _content: &Content, _step: &Step, reply: &Reply) -> Written {
        self.done(reply)
    }

    fn conflict(&self, step: &Step, message: &str, found: bool) -> String {
        let says = |word| message.to_lowercase().contains(word);
        let reason = match step {
            Step::Create { .. } | Step::Update { .. } | Step::Rekey { .. } if says("login") => {
                "another account has this login"
            }
            Step::Create { .. } | Step::Update { .. } | Step::Rekey { .. } if says("password") => {
                "the LMS does not allow this password, or a forced change of it"
            }
            Step::Rekey { .. } if found => "another account has the new external ID",
            Step::Create { .. } if !found => {
                "no account has this external ID, but another one has the login or is archived"
            }
            Step::Adopt { .. } => "the account has another external ID, or the ID is in use",
            Step::Link(..) => "the person needs the role before the right for a content library",
            _ => "it conflicts with what the LMS has",
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

    fn rekeying_needs_handle(&self) -> bool {
        false
    }

    /// Page "API calls - Users": `updateUser` changes what it is given.
    fn carried_in_updates(&self) -> &'static [&'static str] {
        &[]
    }

    fn look_up(&self, id: &ExternalId) -> Call {
        call("GET getUser/{userID}", &[id.as_str()])
    }

    fn looked_up(&self, id: &ExternalId, reply: &Reply) -> LookUpReply {
        super::looked_up(id, reply, user(&reply.body))
    }

    fn account(&self, _remote_id: &str) -> Option<Call> {
        None
    }

    fn account_shown(&self, remote_id: &str, reply: &Reply) -> LookUpReply {
        super::account_shown(remote_id, reply, user(&reply.body))
    }

    /// About a person who need not exist: the answer is `true` or `false`.
    fn probe(&self) -> Call {
        call("GET userExists/{userID}", &["hrfeed"])
    }

    fn is_up(&self, reply: &Reply) -> bool {
        self.truth(reply).is_some()
    }

    /// "Use this to get all users. This includes users without external IDs,
    /// inactive users and archived users."
    fn page(&self, _offset: u64, _limit: u32) -> Call {
        Call {
            max_bytes: EVERYBODY_BYTES,
            ..call("GET getUsers", &[])
        }
    }

    /// The API pages know no such list.
    fn created_since(&self, _since: Timestamp, _offset: u64, _limit: u32) -> Option<Call> {
        None
    }

    fn each_person(
        &self,
        reply: &Reply,
        each: &mut dyn FnMut(Remote) -> ControlFlow<()>,
    ) -> Option<()> {
        people::each(reply, &PEOPLE, each)
    }

    fn groups(&self) -> Option<&dyn GroupTarget> {
        Some(self)
    }
}

/// Everything that names something is one segment or value of the address.
/// Errors are asked for as JSON.
fn call(name: &'static str, values: &[&str]) -> Call {
    let mut call = Call::named("api/", name, values);
    call.path.push(if name.contains('?') { '&' } else { '?' });
    call.path.push_str("_formatErrors=true");
    call
}

fn post(name: &'static str, values: &[&str], body: Body) -> Call {
    Call {
        body: Some(body),
        ..call(name, values)
    }
}

fn form(name: &'static str, values: &[&str], parameters: Parameters) -> Call {
    post(name, values, Body::Form(parameters))
}

/// The call that gives or takes rights for content libraries.
const fn rights_call(part: Part, give: bool) -> &'static str {
    match (part, give) {
        (Part::DesignerLibraries, true) => "POST linkDesignerToContentLabels/{userID}",
        (Part::DesignerLibraries, false) => "POST unlinkDesignerFromContentLabels/{userID}",
        (_, true) => "POST linkAuthorToContentLabels/{userID}",
        (_, false) => "POST unlinkAuthorFromContentLabels/{userID}",
    }
}

/// After an attempt without an answer the upsert is the safer call: if the first
/// attempt is still in flight, there is neither a second person nor an error. It
/// is not where it would mail the person or change the password again.
fn create(content: &Content, again: bool, roles: &[String]) -> Call {
    let mut parameters: Parameters = content
        .fields
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .cloned()
        .collect();
    let instructions = content.instructions.iter();
    parameters.extend(instructions.filter(|it| it.0 != "notify").cloned());
    parameters.push(notify(content));
    parameters.extend(repeated("role", roles));
    let is_requested =
        |name: &str, value: &str| parameters.iter().any(|it| it.0 == name && it.1 == value);
    let harmless = !is_requested("notify", "true") && !is_requested("generatePassword", "true");
    let id = content.external_id.as_str();
    let picture = matches!(content.picture, Some(Picture::File(_)));
    let name = if again && harmless {
        "POST addOrUpdateUser/{userID}"
    } else {
        "POST addUser/{userID}"
    };
    post(name, &[id], with_picture(parameters, content, picture))
}

/// Details and external ID at once. The feed names the person, who therefore does
/// not stay in the archive: in it, the LMS would refuse the call.
fn with_new_id(content: &Content) -> Body {
    let mut parameters = vec![("id", content.external_id.as_str().to_owned())];
    parameters.extend(content.fields.iter().cloned());
    parameters.push(("archived", "false".into()));
    parameters.push(notify(content));
    with_picture(parameters, content, content.picture.is_some())
}

/// Nobody gets mail unless the mapping says so.
fn notify(content: &Content) -> (&'static str, String) {
    let mut instructions = content.instructions.iter();
    let said = instructions.find(|(name, _)| *name == "notify").cloned();
    said.unwrap_or(("notify", "false".into()))
}

fn repeated(name: &'static str, values: &[String]) -> Parameters {
    values.iter().map(|value| (name, value.clone())).collect()
}

fn with_picture(mut parameters: Parameters, content: &Content, picture: bool) -> Body {
    match &content.picture {
        Some(Picture::File(file)) if picture => Body::Multipart {
            parameters,
            name: "avatar",
            file: file.clone(),
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

/// A key can be limited to some calls. The API pages do not say how the API
/// refuses another call, only that it is an error.
fn is_denial(message: &str) -> bool {
    const KEY: [&str; 3] = ["api key", "apikey", "api call"];
    const NO: [&str; 5] = [
        "not allowed",
        "not permitted",
        "permission",
        "no access",
        "denied",
    ];
    let message = message.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| message.contains(word));
    message.contains("whitelist") || any(&KEY) && any(&NO)
}

fn user(body: &[u8]) -> Option<Remote> {
    let answer: Map<String, Value> = serde_json::from_slice(body).ok()?;
    match answer.get("user") {
        Some(user) => remote(user.as_object()?),
        None => remote(&answer),
    }
}

/// An object with the list of users.
const PEOPLE: Form<Remote> = Form {
    name: Some("users"),
    reads: |name| {
        matches!(name, "id" | "uid" | "roles" | "archived") || is_detail(name, System::ANewSpring)
    },
    read: remote,
};

fn remote(user: &Map<String, Value>) -> Option<Remote> {
    let external_id = some_text(user.get("id"));
    let roles = user.get("roles").and_then(Value::as_array).map(|roles| {
        let word = |role: &Value| Some(role.as_str()?.to_owned());
        roles.iter().filter_map(word).collect()
    });
    Some(Remote {
        // An answer about one person may leave the UID out.
        id: some_text(user.get("uid")).or_else(|| external_id.clone())?,
        external_id,
        fields: details(user, System::ANewSpring),
        roles,
        is_archived: user.get("archived").and_then(Value::as_bool) == Some(true),
    })
}

#[cfg(test)]
mod tests;

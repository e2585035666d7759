//! A change becomes calls, and a reply becomes a verdict.
//!
//! A target is pure translation: bytes out, bytes in. It opens no socket, asks
//! no clock, and knows neither journal nor feed, so it is tested with byte
//! strings. Pace, retries, waiting and recording are the uploader's, written
//! once for all targets.

mod anewspring;
mod kmi;
mod message;
mod people;
mod wanted;

use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

pub use self::people::Spooled;
use crate::files::SeenFile;
use crate::model::{Content, ExternalId, Step};
use crate::schema::{FieldKind, Part, System};

pub use self::wanted::{Fit, WantedState};

/// What a path segment may contain unescaped (RFC 3986, "unreserved").
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A request, but for the address of the LMS and the credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The call's name in the API's documentation, for messages.
    pub name: &'static str,
    /// The verb.
    pub method: Method,
    /// The path behind the base URL, with the query; percent-encoded.
    pub path: String,
    /// The body, if there is one.
    pub body: Option<Body>,
    /// The most bytes that the answer may have. What is beyond
    /// [`Reply::IN_MEMORY`] is kept in a file.
    pub max_bytes: usize,
}

/// The bound of an answer that lists everybody, with some 150 bytes each.
const EVERYBODY_BYTES: usize = 1 << 30;

/// The most people of one page: a hundred times as many as are asked for.
const MAX_PAGE: usize = 10_000;

impl Call {
    /// The call with that documented name: a verb, and below `root` a path in
    /// which `values` take the places of the parts in braces.
    fn named(root: &str, name: &'static str, values: &[&str]) -> Self {
        let (verb, template) = name.split_once(' ').unwrap_or(("", name));
        let mut pieces = template.split('{');
        let mut path = format!("{root}{}", pieces.next().unwrap_or_default());
        for (piece, value) in pieces.zip(values) {
            path.extend(utf8_percent_encode(value, SEGMENT));
            path.push_str(piece.split_once('}').map_or("", |(_, rest)| rest));
        }
        Self {
            name,
            method: match verb {
                "GET" => Method::Get,
                "DELETE" => Method::Delete,
                _ => Method::Post,
            },
            path,
            body: None,
            max_bytes: Reply::IN_MEMORY,
        }
    }
}

/// An HTTP verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates or updates.
    Post,
    /// Deletes.
    Delete,
}

/// What a request carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A JSON document.
    Json(Vec<u8>),
    /// Parameters, as `application/x-www-form-urlencoded`.
    Form(Vec<(&'static str, String)>),
    /// Parameters and a file, as `multipart/form-data`.
    Multipart {
        /// The parameters.
        parameters: Vec<(&'static str, String)>,
        /// The parameter that the file is.
        name: &'static str,
        /// The file.
        file: SeenFile,
    },
}

/// An answer, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The name of the call that it answers.
    pub call: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The header `Retry-After`, as it came.
    pub retry_after: Option<String>,
    /// The header `Date`, as it came.
    pub date: Option<String>,
    /// The bytes.
    pub body: Vec<u8>,
    /// Where the bytes are instead, if there are more than [`Reply::IN_MEMORY`].
    pub spooled: Option<Spooled>,
}

impl Reply {
    /// The most bytes of an answer that are kept in memory: the bound of an answer
    /// about one person or one page of them.
    pub const IN_MEMORY: usize = 2 << 20;

    /// Whether the status is one of success.
    const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

/// A person on the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// The target's own id.
    pub id: String,
    /// The external ID, if this key gave one.
    pub external_id: Option<String>,
    /// The fields that the answer holds, as texts.
    pub fields: Vec<(&'static str, String)>,
    /// The roles, where the answer holds them.
    pub roles: Option<Vec<String>>,
    /// The person is in the archive.
    pub is_archived: bool,
}

impl Remote {
    /// A field's value, if the answer holds the field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(field, _)| *field == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the person is inactive, or in the archive.
    pub fn cannot_sign_in(&self) -> bool {
        self.is_archived || self.get("active") == Some("false")
    }
}

/// The answer to a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// Done; the target's id for the person, if the answer has one.
    Applied(Option<String>),
    /// This row is wrong: sending it again is useless.
    Refused {
        /// The target's message, in one line. It may quote the person.
        message: String,
    },
    /// The row conflicts with what is there: the person must be looked up.
    Conflict {
        /// The target's message, as with `Refused`.
        message: String,
    },
    /// The person is not there (any more).
    NotFound {
        /// The answer is the API's own; a page for a browser may be a proxy's.
        certain: bool,
    },
    /// Not what the API answers: the write may have been applied.
    Unclear {
        /// Why, as a fragment of a sentence.
        why: &'static str,
    },
    /// The address is not this API: nothing will succeed.
    WrongAddress,
    /// The key does not allow this call: nothing of its kind will succeed.
    Denied,
}

/// The answer to a look-up of one external ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookUpReply {
    /// The person exists.
    Found(Remote),
    /// The person does not exist.
    Absent {
        /// The answer is the API's own; a page for a browser may be a proxy's.
        certain: bool,
    },
    /// Not what the API answers.
    Unclear {
        /// Why, as a fragment of a sentence.
        why: &'static str,
    },
}

/// An LMS's API.
pub trait Target: Send + Sync {
    /// Which system it is.
    fn system(&self) -> System;

    /// The call for one write.
    fn write(&self, content: &Content, step: &Step) -> Call;

    /// Judges the answer to [`Target::write`].
    fn written(&self, content: &Content, step: &Step, reply: &Reply) -> Written;

    /// Why a write conflicts, after the person was looked up: `found` says whether
    /// the row's external ID exists.
    fn conflict(&self, step: &Step, message: &str, found: bool) -> String;

    /// The name by which [`Step::Adopt`] addresses a person without an external
    /// ID, who was recognised by the mapped field `by`.
    fn handle(&self, person: &Remote, by: &str) -> Option<String>;

    /// Whether [`Step::Adopt`] by that field also writes the content.
    fn adopting_updates(&self, by: &str) -> bool;

    /// Whether [`Step::Rekey`] addresses a person by the target's own id.
    fn rekeying_needs_handle(&self) -> bool;

    /// The fields that an update of a person carries in any case, whatever it changes.
    fn carried_in_updates(&self) -> &'static [&'static str];

    /// Asks for one person.
    fn look_up(&self, id: &ExternalId) -> Call;

    /// Judges the answer to [`Target::look_up`].
    fn looked_up(&self, id: &ExternalId, reply: &Reply) -> LookUpReply;

    /// Asks for one person by the target's own id. `None` where one call lists
    /// everybody.
    fn account(&self, remote_id: &str) -> Option<Call>;

    /// Judges the answer to [`Target::account`].
    fn account_shown(&self, remote_id: &str, reply: &Reply) -> LookUpReply;

    /// A read that changes nothing and costs little: is the target up?
    fn probe(&self) -> Call;

    /// Judges the answer to [`Target::probe`].
    fn is_up(&self, reply: &Reply) -> bool;

    /// Asks for people from the `offset`th on, at most `limit` of them.
    fn page(&self, offset: u64, limit: u32) -> Call;

    /// Asks for the people who were created after `since`, from the `offset`th on,
    /// at most `limit` of them. `None` where the LMS lists everybody or nobody:
    /// then [`Target::page`] shows them, too.
    fn created_since(&self, since: Timestamp, offset: u64, limit: u32) -> Option<Call>;

    /// Reads the people of a list, one after the other, until `each` breaks off.
    /// `None` where the answer is not a list that is whole: the people that `each` got
    /// until then count for nothing.
    fn each_person(
        &self,
        reply: &Reply,
        each: &mut dyn FnMut(Remote) -> ControlFlow<()>,
    ) -> Option<()>;

    /// The people of a page, or `None` where the answer is none.
    fn people(&self, reply: &Reply) -> Option<Vec<Remote>> {
        let mut people = Vec::new();
        self.each_person(reply, &mut |person| {
            people.push(person);
            if people.len() > MAX_PAGE {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        (people.len() <= MAX_PAGE).then_some(people)
    }

    /// Its user groups, if it has any.
    fn groups(&self) -> Option<&dyn GroupTarget>;
}

/// Judges the answer to a look-up; `user` is the record that it holds. Only the
/// record of that person counts, and 404 for nobody.
fn looked_up(id: &ExternalId, reply: &Reply, user: Option<Remote>) -> LookUpReply {
    judged(reply, || of_person(id, user))
}

/// The same for a look-up by the target's own id.
fn account_shown(id: &str, reply: &Reply, user: Option<Remote>) -> LookUpReply {
    judged(reply, || {
        let remote = user.ok_or("the reply is not a user record")?;
        if remote.id == id {
            Ok(remote)
        } else {
            Err("the reply is another person's record")
        }
    })
}

fn judged(reply: &Reply, record: impl FnOnce() -> Result<Remote, &'static str>) -> LookUpReply {
    match reply.status {
        404 | 410 => LookUpReply::Absent {
            certain: !is_page(&reply.body),
        },
        _ if !reply.is_success() => LookUpReply::Unclear {
            why: "the LMS refused to look the person up",
        },
        _ => match record() {
            Ok(remote) => LookUpReply::Found(remote),
            Err(why) => LookUpReply::Unclear { why },
        },
    }
}

/// The record of an answer, if it is that person's; or else what is wrong with
/// it.
fn of_person(id: &ExternalId, user: Option<Remote>) -> Result<Remote, &'static str> {
    let remote = user.ok_or("the reply is not a user record")?;
    if remote.external_id.as_deref() == Some(id.as_str()) {
        Ok(remote)
    } else {
        Err("the reply is another person's record")
    }
}

/// Whether [`details`] reads the value of that name.
fn is_detail(name: &str, system: System) -> bool {
    let spec = system.spec();
    let mut fields = spec.fields.iter().map(|field| field.name);
    fields.any(|field| field == name) || spec.whole_name == Some(name)
}

/// The details of a person in a JSON record, and the whole name where there is one.
fn details(user: &Map<String, Value>, system: System) -> Vec<(&'static str, String)> {
    let spec = system.spec();
    (spec.fields.iter())
        .filter(|field| field.part == Part::Details && field.kind != FieldKind::ExternalId)
        .map(|field| field.name)
        .chain(spec.whole_name)
        .filter_map(|name| Some((name, text(user.get(name)?)?)))
        .collect()
}

/// A plain JSON value as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => Some(String::new()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// A JSON value as text that is not empty.
fn some_text(value: Option<&Value>) -> Option<String> {
    text(value?).filter(|text| !text.is_empty())
}

/// The answer to a write that finds nobody.
fn not_found(reply: &Reply) -> Written {
    Written::NotFound {
        certain: !is_page(&reply.body),
    }
}

/// What is said of a write that is refused in a way that is mostly about the key or
/// the address, while other calls are answered. The target's own words may quote the
/// person.
pub fn refused_alone(reply: &Reply) -> String {
    let status = reply.status;
    match message::of(&reply.body) {
        words if words.is_empty() => {
            format!("the LMS refuses this and answers other requests (HTTP {status})")
        }
        words => {
            format!("the LMS refuses this and answers other requests (HTTP {status}): {words}")
        }
    }
}

/// Whether it is a page for a browser: a proxy's, or the web server's.
#[must_use]
pub fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// A user group as a feed describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Its external ID.
    pub id: String,
    /// Its type: the role of its members.
    pub kind: String,
    /// Its name, if the feed says one.
    pub name: Option<String>,
    /// The external ID of the group above it, if the feed says one.
    pub parent: Option<String>,
}

/// What to do with a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupCall<'a> {
    /// Is there one of that external ID?
    Exists(&'a str),
    /// Create it.
    Create(&'a Group),
    /// Give it the name and the parent that the feed says.
    Change(&'a Group),
    /// Delete it, if it is empty.
    Delete(&'a str),
    /// Who is in it?
    Members(&'a str),
    /// Is the person in it?
    IsMember(&'a str, &'a ExternalId),
    /// Add people to it; its other members stay.
    Add(&'a str, &'a [ExternalId]),
    /// Remove people from it, members or not.
    Remove(&'a str, &'a [ExternalId]),
}

/// The user groups of an LMS.
pub trait GroupTarget: Send + Sync {
    /// The request for a call.
    fn call(&self, call: GroupCall<'_>) -> Call;

    /// Judges the answer to a call that writes.
    fn done(&self, reply: &Reply) -> Written;

    /// Reads `true` or `false`; a group that is not there is `false`.
    fn truth(&self, reply: &Reply) -> Option<bool>;

    /// Reads the external IDs of a group's members; `None` where the answer is not a
    /// whole list of them.
    fn members(&self, reply: &Reply) -> Option<Vec<String>>;
}

/// The one for `system`.
#[must_use]
pub fn of(system: System) -> Arc<dyn Target> {
    match system {
        System::Kmi => Arc::new(kmi::Kmi),
        System::ANewSpring => Arc::new(anewspring::ANewSpring),
    }
}

#[cfg(test)]
mod conformance;

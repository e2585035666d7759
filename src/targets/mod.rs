//! A change becomes calls, and a reply becomes a verdict.
//!
//! A target is pure translation: bytes out, bytes in. It opens no socket, asks
//! no clock, and knows neither journal nor feed, so it is tested with byte
//! strings. Pace, retries, waiting and recording are the uploader's, written
//! once for all targets.

mod anewspring;
mod kmi;
mod message;

use std::path::PathBuf;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

use crate::model::{Content, ExternalId, Step};
use crate::schema::System;

/// What may stand in a path segment unescaped (RFC 3986, "unreserved").
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
    /// The most bytes that the answer may have.
    pub max_bytes: usize,
}

/// What an answer may have about one person or one page of them.
const ANSWER_BYTES: usize = 16 << 20;

/// What an answer may have that holds everybody: a person takes some 150
/// bytes there.
const EVERYBODY_BYTES: usize = 1 << 30;

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
        /// Where the file is.
        path: PathBuf,
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
    /// The bytes.
    pub body: Vec<u8>,
}

/// Somebody on the target.
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

    /// Whether the person shows that a write of which nobody knows was done;
    /// `None` where a person does not show it.
    pub fn shows(&self, step: &Step, content: &Content) -> Option<bool> {
        match step {
            Step::Update { picture: true, .. } | Step::Link(..) | Step::Unlink(..) => None,
            // The feed may say itself whether the person is active.
            Step::Update {
                reactivate: true, ..
            } if !content.fields.iter().any(|(name, _)| *name == "active") => {
                Some(self.is_as(content) && self.get("active") == Some("true"))
            }
            Step::Create { .. } | Step::Update { .. } | Step::Adopt { .. } => {
                let reactivates = matches!(
                    step,
                    Step::Update {
                        reactivate: true,
                        ..
                    }
                ) && !content.fields.iter().any(|(name, _)| *name == "active");
                let is_active = !reactivates || self.get("active") == Some("true");
                Some(self.is_as(content) && is_active)
            }
            Step::BringBack => Some(!self.is_archived),
            Step::AddRoles(roles) => self
                .roles
                .as_ref()
                .map(|has| roles.iter().all(|role| has.contains(role))),
            Step::Deactivate { .. } => Some(self.cannot_sign_in()),
            Step::Delete => Some(false),
        }
    }

    /// Whether the person is inactive, or in the archive.
    pub fn cannot_sign_in(&self) -> bool {
        self.is_archived || self.get("active") == Some("false")
    }

    /// Whether the person is as `content` says, in every detail that it names.
    pub fn is_as(&self, content: &Content) -> bool {
        self.external_id.as_deref() == Some(content.external_id.as_str())
            && content
                .fields
                .iter()
                .all(|(name, value)| self.get(name) == Some(value))
    }
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// Done; the target's id for the person, if it said one.
    Applied(Option<String>),
    /// This row is wrong: sending it again is useless.
    Refused {
        /// What the target says, in one line, as it says it: it may quote the
        /// person.
        message: String,
    },
    /// The row does not go with what is there: who that is must be looked at.
    Conflict {
        /// What the target says, as with `Refused`.
        message: String,
    },
    /// The person is not there (any more).
    NotFound,
    /// Not what the API answers: it may have happened or not.
    Unclear {
        /// Why, as a fragment of a sentence.
        why: &'static str,
    },
    /// The address is not this API: nothing will succeed.
    WrongAddress,
    /// The key may not make this call: nothing of its kind will succeed.
    Denied,
}

/// What became of a look-up of one external ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookUpReply {
    /// There is somebody.
    Found(Remote),
    /// There is nobody.
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

    /// Makes one write for a person.
    fn write(&self, content: &Content, step: &Step) -> Call;

    /// Judges the answer to [`Target::write`].
    fn written(&self, content: &Content, step: &Step, reply: &Reply) -> Written;

    /// Why a write conflicts, in the words of the row, once the person was
    /// looked up: `found` is somebody with the row's external ID.
    fn conflict(&self, step: &Step, message: &str, found: bool) -> String;

    /// What [`Step::Adopt`] names somebody by who has no external ID, and whose
    /// mapped field `by` is the row's.
    fn handle(&self, person: &Remote, by: &str) -> Option<String>;

    /// Whether [`Step::Adopt`] by that field makes the person as the content
    /// says, too.
    fn adopting_updates(&self, by: &str) -> bool;

    /// Asks for one person.
    fn look_up(&self, id: &ExternalId) -> Call;

    /// Judges the answer to [`Target::look_up`].
    fn looked_up(&self, id: &ExternalId, reply: &Reply) -> LookUpReply;

    /// A read that changes nothing and costs little: is the target up?
    fn probe(&self) -> Call;

    /// Judges the answer to [`Target::probe`].
    fn is_up(&self, reply: &Reply) -> bool;

    /// Asks for people from the `offset`th on, at most `limit` of them.
    fn page(&self, offset: u64, limit: u32) -> Call;

    /// The people of a page, or `None` where the answer is none.
    fn people(&self, reply: &Reply) -> Option<Vec<Remote>>;

    /// Its user groups, if it has any.
    fn groups(&self) -> Option<&dyn GroupTarget>;
}

/// Judges the answer to a question for one person, whom `user` reads: only that
/// person's record counts, and 404 for nobody.
fn looked_up(id: &ExternalId, reply: &Reply, user: fn(&[u8]) -> Option<Remote>) -> LookUpReply {
    match reply.status {
        200..=299 => match user(&reply.body) {
            Some(remote) if remote.external_id.as_deref() == Some(id.as_str()) => {
                LookUpReply::Found(remote)
            }
            Some(_) => LookUpReply::Unclear {
                why: "the answer is another person's record",
            },
            None => LookUpReply::Unclear {
                why: "the answer is no user",
            },
        },
        404 | 410 => LookUpReply::Absent {
            certain: !is_page(&reply.body),
        },
        _ => LookUpReply::Unclear {
            why: "the target refused to look the person up",
        },
    }
}

/// A page for a browser: a proxy's, or the web server's.
fn is_page(body: &[u8]) -> bool {
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
    /// Delete it, if nobody is in it.
    Delete(&'a str),
    /// Who is in it?
    Members(&'a str),
    /// Is the person in it?
    IsMember(&'a str, &'a ExternalId),
    /// Put people into it; who is in it already stays.
    Add(&'a str, &'a [ExternalId]),
    /// Take people out of it; who is not in it does not matter.
    Remove(&'a str, &'a [ExternalId]),
}

/// The user groups of an LMS.
pub trait GroupTarget: Send + Sync {
    /// Makes a call.
    fn call(&self, call: GroupCall<'_>) -> Call;

    /// Judges the answer to a call that writes.
    fn done(&self, reply: &Reply) -> Written;

    /// Reads `true` or `false`; a group that is not there is `false`.
    fn truth(&self, reply: &Reply) -> Option<bool>;

    /// Reads the external IDs of a group's members; `None` where the answer is
    /// none.
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

//! A change becomes calls, and a reply becomes a verdict.
//!
//! A target is pure translation: bytes out, bytes in. It opens no socket, asks
//! no clock, and knows neither journal nor feed, so it is tested with byte
//! strings. Pace, retries, waiting and recording are the uploader's, written
//! once for all targets.

mod kmi;
mod message;

use crate::model::{Content, ExternalId};
use crate::schema::System;

pub use self::kmi::Kmi;

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
}

/// An HTTP verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates or updates.
    Post,
}

/// What a request carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Its media type.
    pub content_type: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// An answer, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
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
}

impl Remote {
    /// A field's value, if the answer holds the field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(field, _)| *field == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the person is as `content` says, in every field that it names.
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
    Applied(String),
    /// This row is wrong: sending it again is useless.
    Refused {
        /// What the target says, in one line, as it says it: it may quote the
        /// person.
        message: String,
    },
    /// The person is not there (any more).
    NotThere,
    /// Not what the API answers: it may have happened or not.
    Unclear {
        /// Why, as a fragment of a sentence.
        why: &'static str,
    },
    /// The address is not this API: nothing will succeed.
    WrongAddress,
}

/// What became of a look-up of one external ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookedUp {
    /// There is somebody.
    Found(Remote),
    /// There is nobody.
    Absent {
        /// The answer is the API's own; a page for a browser may be a proxy's.
        plain: bool,
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

    /// The names of the headers that carry the key and the secret.
    fn credential_headers(&self) -> (&'static str, &'static str);

    /// Creates a person.
    fn create(&self, content: &Content) -> Call;

    /// Makes an existing person as `content` says.
    fn update(&self, content: &Content) -> Call;

    /// Judges the answer to [`Target::create`] or [`Target::update`].
    fn written(&self, content: &Content, reply: &Reply) -> Written;

    /// Asks for one person.
    fn look_up(&self, id: &ExternalId) -> Call;

    /// Judges the answer to [`Target::look_up`].
    fn looked_up(&self, id: &ExternalId, reply: &Reply) -> LookedUp;

    /// Asks for people from the `offset`th on, at most `limit` of them.
    fn page(&self, offset: u64, limit: u32) -> Call;

    /// The most people that one page holds.
    fn page_size(&self) -> u32;

    /// The people of a page, or `None` where the answer is none.
    fn people(&self, reply: &Reply) -> Option<Vec<Remote>>;
}

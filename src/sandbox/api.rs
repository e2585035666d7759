//! What the server asks of an API: bytes in, an answer out.
//!
//! An API knows no socket, no fault but those that are about people ([`Twist`]),
//! and no statistics. It is asked by one request at a time.

use std::{borrow::Cow, ops::RangeInclusive};

use axum::{
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::faults::{Fault, Lists};

/// Content types.
pub(super) const JSON: &str = "application/json";
pub(super) const XML: &str = "application/xml";
pub(super) const HTML: &str = "text/html; charset=utf-8";
pub(super) const TEXT: &str = "text/plain; charset=utf-8";

/// The name in the statistics of a call that no API knows.
pub(super) const OTHER: &str = "other";

/// One call, its body read.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// The method.
    pub(super) method: &'a Method,
    /// The path as it was sent: still percent-encoded.
    pub(super) path: &'a str,
    /// The query as it was sent, without the question mark.
    pub(super) query: &'a str,
    /// The headers.
    pub(super) headers: &'a HeaderMap,
    /// The body.
    pub(super) body: &'a [u8],
}

/// Whether a login is taken once somebody has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Logins {
    /// It is.
    #[default]
    Unique,
    /// Others can have it, too.
    Shared,
}

/// Faults that only the API can play, since they are about people and their
/// dates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Twist {
    /// Refuse the person with an error that quotes the e-mail address.
    pub(super) refuse: bool,
    /// Act, but answer with the record of another person.
    pub(super) wrong_person: bool,
    /// A number drawn for it, to pick that other person.
    pub(super) pick: u32,
    /// Create the person a second time.
    pub(super) twins: bool,
    /// Whether several people can have one login.
    pub(super) logins: Logins,
    /// How far the clock is ahead, in seconds.
    pub(super) clock_skew: i32,
    /// The key does not see the people with the numbers up to this one.
    pub(super) lost_sight: u32,
    /// Look-ups by external ID do not show the people with the numbers from this one
    /// on.
    pub(super) hidden_from: Option<u32>,
    /// What a list shows.
    pub(super) lists: Lists,
    /// How many people a list, or a page of one, shows at most.
    pub(super) list_at_most: Option<usize>,
}

impl Twist {
    /// Whether a look-up by external ID shows a person.
    pub(super) fn hides(self, number: u32) -> bool {
        self.hidden_from.is_some_and(|from| number >= from)
    }

    /// Shortens a list as it says. Returns the fault that this is.
    pub(super) fn shorten<T>(self, people: &mut Vec<T>) -> Option<Fault> {
        let before = people.len();
        if self.lists == Lists::Empty {
            people.clear();
        } else if let Some(most) = self.list_at_most {
            people.truncate(most);
        }
        (people.len() < before).then_some(Fault::ShortLists)
    }
}

/// What an API says to a call.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The status.
    pub(super) status: StatusCode,
    /// The body.
    pub(super) body: Vec<u8>,
    /// What the body is, where it is not empty.
    pub(super) content_type: &'static str,
    /// The methods that the path allows, with a 405.
    pub(super) allow: Option<&'static str>,
    /// Which fault it has.
    pub(super) twisted: Option<Fault>,
}

impl Answer {
    /// An answer in JSON without anything unusual.
    pub(super) fn new(status: StatusCode, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            body: body.into(),
            content_type: JSON,
            allow: None,
            twisted: None,
        }
    }

    /// Notes that the key does not see everybody, where that may have mattered:
    /// what it read, or did not find.
    pub(super) fn seen_in_part(mut self, call: &Call<'_>, twist: Twist) -> Self {
        let matters = call.method == Method::GET || self.status == StatusCode::NOT_FOUND;
        if twist.lost_sight > 0 && matters {
            self.twisted = Some(Fault::LostSight);
        }
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let allow = self.allow.map(|methods| [(header::ALLOW, methods)]);
        if self.body.is_empty() {
            return (self.status, allow, ()).into_response();
        }
        let content_type = [(header::CONTENT_TYPE, self.content_type)];
        (self.status, allow, content_type, self.body).into_response()
    }
}

/// Appends a JSON line.
pub(super) fn push_line(value: &impl Serialize, lines: &mut Vec<u8>) {
    lines.extend(to_json(value));
    lines.push(b'\n');
}

/// Writes JSON into memory, which cannot fail for the sandbox's types.
pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// A text in a path, percent-decoded once. `None` where it is not UTF-8.
pub(super) fn decoded(text: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(text).decode_utf8().ok()
}

/// An LMS's API, with the people that it holds.
pub(super) trait Api: Send {
    /// What `/sandbox/…` calls the API.
    fn label(&self) -> &'static str;

    /// Whether the API answers under `path`.
    fn owns(&self, path: &str) -> bool;

    /// The call's name in the statistics: the method and the path with names
    /// in place of values, such as `GET users/{id}/`.
    fn name(&self, method: &Method, path: &str) -> String;

    /// Whether the query carries an API key, which would then appear in logs.
    fn has_key_in_url(&self, _query: &str) -> bool {
        false
    }

    /// The longest body that is read. A person has some hundred bytes.
    fn longest_body(&self) -> usize {
        1024 * 1024
    }

    /// Does what the call asks for.
    fn answer(&mut self, call: &Call<'_>, twist: Twist) -> Answer;

    /// How many people there are.
    fn people(&self) -> u64;

    /// The highest number that a person was ever given. The first is 1.
    fn last(&self) -> u32;

    /// Appends the people with these numbers as JSON lines.
    fn dump(&self, numbers: RangeInclusive<u32>, lines: &mut Vec<u8>);

    /// Appends all groups as JSON lines, where the API has groups.
    fn dump_groups(&self, _lines: &mut Vec<u8>) {}

    /// Creates a person as an administrator does by hand, from a JSON object.
    /// Returns the person's id, or what is wrong. `None` where the API itself
    /// can create all kinds of people.
    fn create_by_hand(&mut self, _person: &[u8]) -> Option<Result<String, String>> {
        None
    }
}

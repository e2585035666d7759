//! What the server asks of an API: bytes in, an answer out.
//!
//! An API knows no socket, no fault but the two that need its own words
//! ([`Twist`]), and no statistics. It is asked by one request at a time.

use axum::http::{HeaderMap, Method, StatusCode};

/// Content types.
pub(super) const JSON: &str = "application/json";
pub(super) const XML: &str = "application/xml";
pub(super) const HTML: &str = "text/html; charset=utf-8";
pub(super) const TEXT: &str = "text/plain; charset=utf-8";

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

/// Faults that only the API can play, since they are about people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Twist {
    /// Refuse the person with an error that quotes the e-mail address.
    pub(super) refuse: bool,
    /// Act, but answer with the record of another person.
    pub(super) wrong_person: bool,
    /// A number drawn for it, to pick that other person.
    pub(super) pick: u32,
}

/// Which part of a [`Twist`] an answer really has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Twisted {
    /// The person was refused on demand.
    Refused,
    /// The record is another person's.
    WrongPerson,
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
    pub(super) twisted: Option<Twisted>,
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
}

/// An LMS's API, with the people that it holds.
pub(super) trait Api: Send {
    /// What `/sandbox/…` calls the API.
    fn label(&self) -> &'static str;

    /// Whether the API answers under `path`.
    fn owns(&self, path: &str) -> bool;

    /// The call's name in the statistics: the method and the path with names
    /// in place of values, such as `GET users/{id}/`.
    fn name(&self, method: &Method, path: &str) -> &'static str;

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

    /// Appends up to `most` people as JSON lines, from the place `from` on
    /// (0 at first). Returns the place to go on from; `None` at the end.
    fn dump(&self, from: u32, most: usize, lines: &mut Vec<u8>) -> Option<u32>;

    /// Appends all groups as JSON lines, where the API has groups.
    fn dump_groups(&self, _lines: &mut Vec<u8>) {}

    /// Makes a person as an administrator does by hand, from a JSON object.
    /// Returns the person's id, or what is wrong. `None` where the API itself
    /// can make all kinds of people.
    fn make_by_hand(&mut self, _person: &[u8]) -> Option<Result<String, String>> {
        None
    }
}

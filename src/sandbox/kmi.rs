//! The KMI LMS users API v2, written from its documentation.
//!
//! What the documentation promises is kept, its dangers included: external
//! IDs are not checked for uniqueness, belong to the API key, and a create
//! that is sent twice makes two people. Where it is silent, this is what the
//! sandbox does, as an LMS probably would:
//!
//! - A login name is unique among the people who are not deleted, whatever
//!   its case: 400. A real LMS logs people in by it.
//! - A create answers 201, a delete 204 without a body, the rest 200. A
//!   missing or deleted person is 404, a failed check 400, both with
//!   `{"errors":[{"field":"…","message":"…"}]}`.
//! - Where several people have an external ID, a call by that ID meets the one
//!   with the lowest id.
//! - A field that is left out of an update stays, an empty text clears it;
//!   the four required fields cannot be cleared. `null` is not text.
//! - An e-mail address needs text on both sides of an `@`, a country two
//!   letters, a state two letters where the country is US. Dates are taken
//!   as they are. Unknown fields are ignored.
//! - A `limit` above 100 is taken for 100. `createdAfter` and `updatedAfter`
//!   are strict, on whole seconds. There are no groups, so `groupId` finds
//!   nobody.

mod body;
mod invented;
mod people;
mod user;

use std::borrow::Cow;

use axum::http::{HeaderMap, Method, StatusCode, header};
use fastrand::Rng;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::{Value, json};

use self::{
    body::Wanted,
    invented::invented,
    people::{EMAIL, FIELDS, Filter, Id, LOGIN_NAME, LONGEST, People, Person},
    user::{KeyedId, Second, User, errors_of},
};
use super::api::{Answer, Api, Call, Twist, Twisted};

/// More invented people than this are a slip of the finger.
pub(super) const MAX_PEOPLE: u32 = 10_000_000;

const BASE: &str = "/api/v2/";
/// The most people on a page, and how many there are unless asked otherwise.
const PAGE: u64 = 100;
/// When the invented people were created: 2024-01-15T14:58:41Z.
const INVENTED_AT: u32 = 1_705_330_721;

/// The API and its people.
#[derive(Debug)]
pub(super) struct Kmi {
    people: People,
}

/// What a path means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route<'a> {
    /// `users/`
    Users,
    /// `users/{id}/`
    User(&'a str),
    /// `users/external_id/{external_id}/`
    ExternalId(&'a str),
}

impl Route<'_> {
    fn of(path: &str) -> Option<Route<'_>> {
        let rest = path.strip_prefix(BASE)?.strip_prefix("users/")?;
        if rest.is_empty() {
            return Some(Route::Users);
        }
        let rest = rest.strip_suffix('/')?;
        let (external, segment) = match rest.strip_prefix("external_id/") {
            Some(segment) => (true, segment),
            None => (false, rest),
        };
        if segment.is_empty() || segment.contains('/') {
            return None;
        }
        Some(if external {
            Route::ExternalId(segment)
        } else {
            Route::User(segment)
        })
    }
}

/// An answer that ends the handling of a call early.
type Refusal = Answer;

fn refusal(status: StatusCode, field: &str, message: &str) -> Refusal {
    let errors = json!({"errors": [{"field": field, "message": message}]});
    Answer::new(status, errors.to_string())
}

fn not_found(field: &str, message: &str) -> Refusal {
    refusal(StatusCode::NOT_FOUND, field, message)
}

fn bad(field: &str, message: &str) -> Refusal {
    refusal(StatusCode::BAD_REQUEST, field, message)
}

/// Reads the body of a create or an update.
fn wanted<'a>(call: &Call<'a>) -> Result<Wanted<'a>, Refusal> {
    if !is_json(call.headers) {
        return Err(refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "",
            "the Content-Type must be application/json",
        ));
    }
    let Ok(wanted) = serde_json::from_slice::<Wanted<'_>>(call.body) else {
        return Err(bad("", "the body is not a JSON object"));
    };
    let error = |name| json!({"field": name, "message": "must be a string"});
    let errors: Vec<_> = wanted.no_texts.iter().map(error).collect();
    refused(&errors).map_or(Ok(wanted), Err)
}

/// A 400 that lists the errors, if there are any.
fn refused(errors: &[Value]) -> Option<Refusal> {
    (!errors.is_empty()).then(|| {
        let errors = json!({ "errors": errors });
        Answer::new(StatusCode::BAD_REQUEST, errors.to_string())
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// The API key of a call whose credentials are good.
fn key(headers: &HeaderMap) -> Result<&str, Refusal> {
    let text = |name: &str| {
        let text = headers.get(name)?.to_str().ok()?;
        (!text.is_empty()).then_some(text)
    };
    let denied = |status, message| Err(refusal(status, "", message));
    let unauthorized = StatusCode::UNAUTHORIZED;
    match (text("X-Api-Key"), text("X-Api-Secret")) {
        (None, _) => denied(unauthorized, "the header X-Api-Key is missing"),
        (_, None) => denied(unauthorized, "the header X-Api-Secret is missing"),
        (Some("expired"), _) => denied(unauthorized, "the API key has expired"),
        (Some("denied"), _) => denied(
            StatusCode::FORBIDDEN,
            "the API key may not use the users API",
        ),
        (Some(key), Some(_)) => Ok(key),
    }
}

/// A text in the path, percent-decoded once.
fn decoded(segment: &str) -> Result<Cow<'_, str>, Refusal> {
    percent_decode_str(segment)
        .decode_utf8()
        .map_err(|_| bad("", "the path is not UTF-8 after percent-decoding"))
}

/// Writes JSON into memory, which cannot fail for these types.
fn written(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

impl Kmi {
    /// An LMS with invented people who have no external ID.
    pub(super) fn with_invented_people(count: u32, seed: u64) -> Self {
        let mut people = People::default();
        let mut rng = Rng::with_seed(seed);
        for number in 1..=count {
            let texts = invented(number, &mut rng);
            let values = texts.each_ref().map(String::as_str);
            if let Some(person) = Person::new(&values, INVENTED_AT, INVENTED_AT) {
                people.insert(person);
            }
        }
        Self { people }
    }

    fn user(&self, key: &str, id: Id) -> Option<User<'_>> {
        let person = self.people.get(id)?;
        let mut user = User::new(id, person.values(), person.created, person.updated);
        user.external_id = Some(self.people.external_id(key, id));
        Some(user)
    }

    /// The answer that shows the person, or another one.
    fn shows(&self, status: StatusCode, key: &str, id: Id, twist: Twist) -> Answer {
        if !twist.wrong_person {
            return Answer::new(status, written(&self.user(key, id)));
        }
        let other = self.people.somebody_else(id, twist.pick);
        let body = if let Some(user) = other.and_then(|other| self.user(key, other)) {
            written(&user)
        } else {
            // Nobody else is there, so a stranger has to do.
            let number = self.people.last_id().wrapping_add(1);
            let texts = invented(number, &mut Rng::with_seed(twist.pick.into()));
            let values = texts.each_ref().map(String::as_str);
            let mut user = User::new(number, values, INVENTED_AT, INVENTED_AT);
            user.external_id = Some("");
            written(&user)
        };
        Answer {
            twisted: Some(Twisted::WrongPerson),
            ..Answer::new(status, body)
        }
    }

    /// The person that a path names.
    fn find(&self, key: &str, route: Route<'_>) -> Result<Option<Id>, Refusal> {
        match route {
            Route::Users => Ok(None),
            Route::User(segment) => segment
                .parse()
                .ok()
                .filter(|&id| self.people.get(id).is_some())
                .map(Some)
                .ok_or_else(|| not_found("id", "no user has this id")),
            Route::ExternalId(segment) => self
                .people
                .with_external_id(key, &decoded(segment)?)
                .map(Some)
                .ok_or_else(|| not_found("externalId", "no user has this external identifier")),
        }
    }

    fn respond(&mut self, call: &Call<'_>, twist: Twist) -> Result<Answer, Refusal> {
        let key = key(call.headers)?;
        let Some(route) = Route::of(call.path) else {
            return Err(not_found(
                "",
                "there is no such path (a path ends in a slash)",
            ));
        };
        match call.method.as_str() {
            "GET" => match self.find(key, route)? {
                None => self.list(key, call.query),
                Some(id) => Ok(self.shows(StatusCode::OK, key, id, twist)),
            },
            "POST" => {
                let wanted = wanted(call)?;
                let found = self.find(key, route)?;
                self.write(key, found, &wanted, twist)
            }
            "DELETE" if route != Route::Users => {
                if let Some(id) = self.find(key, route)? {
                    self.people.remove(id);
                }
                Ok(Answer::new(StatusCode::NO_CONTENT, []))
            }
            _ => Err(Answer {
                allow: Some(if route == Route::Users {
                    "GET, POST"
                } else {
                    "GET, POST, DELETE"
                }),
                ..refusal(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "",
                    "this path does not allow this method",
                )
            }),
        }
    }

    fn list(&self, key: &str, query: &str) -> Result<Answer, Refusal> {
        let (mut offset, mut limit) = (0, PAGE);
        let mut filter = Filter::default();
        let mut group = false;
        let number = |name, value: &str| {
            let parsed = value.parse::<u64>();
            parsed.map_err(|_| bad(name, "must be a whole number of at least 0"))
        };
        let second = |name, value: &str| match value.parse::<Timestamp>() {
            Ok(time) => Ok(Some(time.as_second())),
            Err(_) => Err(bad(name, "must be a time such as 2024-01-15T14:58:41Z")),
        };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "offset" => offset = number("offset", &value)?,
                "limit" => limit = number("limit", &value)?.min(PAGE),
                "createdAfter" => filter.created_after = second("createdAfter", &value)?,
                "updatedAfter" => filter.updated_after = second("updatedAfter", &value)?,
                "groupId" => group = true,
                _ => {}
            }
        }
        if group {
            limit = 0;
        }
        let limit = usize::try_from(limit).unwrap_or_default();
        let page: Vec<_> = self
            .people
            .page(offset, limit, filter)
            .into_iter()
            .filter_map(|id| self.user(key, id))
            .collect();
        Ok(Answer::new(StatusCode::OK, written(&page)))
    }

    /// Creates a person, or updates the one that was `found`.
    fn write(
        &mut self,
        key: &str,
        found: Option<Id>,
        wanted: &Wanted<'_>,
        twist: Twist,
    ) -> Result<Answer, Refusal> {
        let old = found.and_then(|id| self.people.get(id));
        let mut values = old.map(Person::values).unwrap_or_default();
        for (value, wanted) in values.iter_mut().zip(&wanted.values) {
            if let Some(wanted) = wanted {
                *value = wanted;
            }
        }
        if twist.refuse && !values[EMAIL].is_empty() {
            let message = format!("{} is not allowed here", values[EMAIL]);
            return Err(Answer {
                twisted: Some(Twisted::Refused),
                ..bad(FIELDS[EMAIL], &message)
            });
        }
        let mut errors = errors_of(&values);
        let login = values[LOGIN_NAME];
        let unchanged = old.is_some_and(|old| old.values()[LOGIN_NAME] == login);
        if !login.is_empty() && !unchanged {
            let holder = self.people.with_login(login);
            if holder.is_some() && holder != found {
                errors.push(json!({
                    "field": FIELDS[LOGIN_NAME], "message": "loginName is already in use",
                }));
            }
        }
        if let Some(refusal) = refused(&errors) {
            return Err(refusal);
        }
        let now = Second::now();
        let created = old.map_or(now, |old| old.created);
        let Some(person) = Person::new(&values, created, now) else {
            let message = format!("the record is longer than {LONGEST} bytes");
            return Err(bad("", &message));
        };
        let (status, id) = if let Some(id) = found {
            self.people.replace(id, person);
            (StatusCode::OK, id)
        } else {
            let id = self.people.insert(person);
            let full = || refusal(StatusCode::INSUFFICIENT_STORAGE, "", "no id is left");
            (StatusCode::CREATED, id.ok_or_else(full)?)
        };
        if let Some(external_id) = &wanted.external_id {
            self.people.set_external_id(key, id, external_id);
        }
        Ok(self.shows(status, key, id, twist))
    }
}

impl Api for Kmi {
    fn label(&self) -> &'static str {
        "kmi"
    }

    fn owns(&self, path: &str) -> bool {
        path.starts_with(BASE)
    }

    fn name(&self, method: &Method, path: &str) -> &'static str {
        match (method.as_str(), Route::of(path)) {
            ("GET", Some(Route::Users)) => "GET users/",
            ("POST", Some(Route::Users)) => "POST users/",
            ("GET", Some(Route::User(_))) => "GET users/{id}/",
            ("POST", Some(Route::User(_))) => "POST users/{id}/",
            ("DELETE", Some(Route::User(_))) => "DELETE users/{id}/",
            ("GET", Some(Route::ExternalId(_))) => "GET users/external_id/{external_id}/",
            ("POST", Some(Route::ExternalId(_))) => "POST users/external_id/{external_id}/",
            ("DELETE", Some(Route::ExternalId(_))) => "DELETE users/external_id/{external_id}/",
            _ => "other",
        }
    }

    fn answer(&mut self, call: &Call<'_>, twist: Twist) -> Answer {
        self.respond(call, twist).unwrap_or_else(|refusal| refusal)
    }

    fn people(&self) -> u64 {
        self.people.count() as u64
    }

    fn dump(&self, from: u32, most: usize, lines: &mut Vec<u8>) -> Option<u32> {
        let last = self.people.last_id();
        let first = from.checked_add(1).filter(|&first| first <= last)?;
        let until = last.min(from.saturating_add(u32::try_from(most).unwrap_or(u32::MAX)));
        for id in first..=until {
            let Some(person) = self.people.get(id) else {
                continue;
            };
            let mut user = User::new(id, person.values(), person.created, person.updated);
            let keyed = |(key, external_id)| KeyedId { key, external_id };
            user.external_ids = Some(self.people.external_ids(id).map(keyed).collect());
            lines.extend(written(&user));
            lines.push(b'\n');
        }
        Some(until)
    }
}

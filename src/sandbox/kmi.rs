//! The KMI LMS users API v2, written from its documentation.
//!
//! What the documentation promises is kept, its dangers included: external
//! IDs are not checked for uniqueness, belong to the API key, and a create
//! that is sent twice creates two people. Where it is silent, this is what the
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
//!   letters, a state two letters where the country is US. Dates are not
//!   checked. Unknown fields are ignored.
//! - A `limit` above 100 counts as 100. `createdAfter` and `updatedAfter`
//!   are strict, on whole seconds. There are no groups, so `groupId` finds
//!   nobody.

mod invented;
mod people;
mod user;

use std::ops::RangeInclusive;

use axum::http::{HeaderMap, Method, StatusCode, header};
use fastrand::Rng;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use self::{
    invented::invented,
    people::{EMAIL, FIELDS, Filter, Id, LOGIN_NAME, LONGEST, People, Person},
    user::{ExternalIds, KeyedId, User, errors_of},
};
use super::{
    api::{Answer, Api, Call, Logins, OTHER, Twist, decoded, push_line, to_json},
    faults::{Fault, Lists},
};

/// More invented people than this are a slip of the finger.
pub(super) const MAX_PEOPLE: u32 = 10_000_000;

const BASE: &str = "/api/v2/";
/// The field that belongs to a key.
const EXTERNAL_ID: &str = "externalId";
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
fn wanted(call: &Call<'_>) -> Result<Map<String, Value>, Refusal> {
    if !is_json(call.headers) {
        return Err(refusal(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "",
            "the Content-Type must be application/json",
        ));
    }
    let Ok(wanted) = serde_json::from_slice::<Map<_, _>>(call.body) else {
        return Err(bad("", "the body is not a JSON object"));
    };
    if wanted.values().all(Value::is_string) {
        return Ok(wanted);
    }
    let names = FIELDS.into_iter().chain([EXTERNAL_ID]);
    let is_text = |name| wanted.get(name).is_none_or(Value::is_string);
    let errors: Vec<_> = names
        .filter(|name| !is_text(*name))
        .map(|name| json!({"field": name, "message": "must be a string"}))
        .collect();
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
        let external_id = self.people.external_id(key, id);
        Some(person.shown(id, ExternalIds::Of(external_id)))
    }

    /// The answer that shows the person, or another one.
    fn shows(&self, status: StatusCode, key: &str, id: Id, twist: Twist) -> Answer {
        if !twist.wrong_person {
            return Answer::new(status, to_json(&self.user(key, id)));
        }
        let other = self.people.places.other_than(id, twist.pick);
        let body = if let Some(user) = other.and_then(|other| self.user(key, other)) {
            to_json(&user)
        } else {
            // Nobody else is there, so an invented person has to do.
            let number = self.people.places.last().wrapping_add(1);
            let texts = invented(number, &mut Rng::with_seed(twist.pick.into()));
            to_json(&User {
                id: number,
                values: texts.each_ref().map(String::as_str),
                created: INVENTED_AT,
                updated: INVENTED_AT,
                external_ids: ExternalIds::Of(""),
            })
        };
        Answer {
            twisted: Some(Fault::WrongPerson),
            ..Answer::new(status, body)
        }
    }

    /// The person that a path names.
    fn find(&self, key: &str, route: Route<'_>) -> Result<Option<Id>, Refusal> {
        let not_utf8 = || bad("", "the path is not UTF-8 after percent-decoding");
        match route {
            Route::Users => Ok(None),
            Route::User(segment) => segment
                .parse()
                .ok()
                .filter(|&id| self.people.is_seen(id))
                .map(Some)
                .ok_or_else(|| not_found("id", "no user has this id")),
            Route::ExternalId(segment) => self
                .people
                .with_external_id(key, &decoded(segment).ok_or_else(not_utf8)?)
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
                None => self.list(key, call.query, twist),
                Some(id) if twist.hides(id) && matches!(route, Route::ExternalId(_)) => {
                    let message = "no user has this external identifier";
                    Err(Answer {
                        twisted: Some(Fault::Lag),
                        ..not_found("externalId", message)
                    })
                }
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

    fn list(&self, key: &str, query: &str, twist: Twist) -> Result<Answer, Refusal> {
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
        // Nobody has an external ID of a key that no call can have.
        let key = if twist.lists == Lists::Nameless {
            ""
        } else {
            key
        };
        let mut page: Vec<_> = self
            .people
            .page(offset, limit, filter)
            .into_iter()
            .filter_map(|id| self.user(key, id))
            .collect();
        let shortened = twist.shorten(&mut page);
        Ok(Answer {
            twisted: shortened,
            ..Answer::new(StatusCode::OK, to_json(&page))
        })
    }

    /// Creates a person, or updates the one that was `found`.
    fn write(
        &mut self,
        key: &str,
        found: Option<Id>,
        wanted: &Map<String, Value>,
        twist: Twist,
    ) -> Result<Answer, Refusal> {
        let old = found.and_then(|id| self.people.get(id));
        let mut values = old.map(Person::values).unwrap_or_default();
        for (name, text) in wanted {
            let field = FIELDS.iter().position(|field| field == name);
            if let (Some(field), Some(text)) = (field, text.as_str()) {
                values[field] = text;
            }
        }
        if twist.refuse && !values[EMAIL].is_empty() {
            let message = format!("{} is not allowed here", values[EMAIL]);
            return Err(Answer {
                twisted: Some(Fault::Refuse),
                ..bad(FIELDS[EMAIL], &message)
            });
        }
        let mut errors = errors_of(&values);
        let login = values[LOGIN_NAME];
        let unchanged = old.is_some_and(|old| old.values()[LOGIN_NAME] == login);
        if !login.is_empty() && !unchanged && twist.logins == Logins::Unique {
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
        let now = user::now(twist.clock_skew);
        let created = old.map_or(now, |old| old.created);
        let person = || Person::new(&values, created, now);
        let Some(first) = person() else {
            let message = format!("the record is longer than {LONGEST} bytes");
            return Err(bad("", &message));
        };
        let twin = person().filter(|_| found.is_none() && twist.twins);
        let has_twin = twin.is_some();
        let (status, ids) = if let Some(id) = found {
            self.people.replace(id, first);
            (StatusCode::OK, [Some(id), None])
        } else {
            let ids = [Some(first), twin].map(|it| self.people.insert(it?));
            (StatusCode::CREATED, ids)
        };
        let full = || refusal(StatusCode::INSUFFICIENT_STORAGE, "", "no id is left");
        let id = ids[0].ok_or_else(full)?;
        if let Some(external_id) = wanted.get(EXTERNAL_ID).and_then(Value::as_str) {
            for id in ids.into_iter().flatten() {
                self.people.set_external_id(key, id, external_id);
            }
        }
        let mut answer = self.shows(status, key, id, twist);
        answer.twisted = answer.twisted.or(has_twin.then_some(Fault::Twins));
        Ok(answer)
    }
}

impl Api for Kmi {
    fn label(&self) -> &'static str {
        "kmi"
    }

    fn owns(&self, path: &str) -> bool {
        path.starts_with(BASE)
    }

    fn name(&self, method: &Method, path: &str) -> String {
        let rest = match Route::of(path) {
            Some(Route::Users) => "",
            Some(Route::User(_)) => "{id}/",
            Some(Route::ExternalId(_)) => "external_id/{external_id}/",
            None => return OTHER.to_owned(),
        };
        match method.as_str() {
            "DELETE" if rest.is_empty() => OTHER.to_owned(),
            "GET" | "POST" | "DELETE" => format!("{method} users/{rest}"),
            _ => OTHER.to_owned(),
        }
    }

    fn answer(&mut self, call: &Call<'_>, twist: Twist) -> Answer {
        self.people.unseen = twist.lost_sight;
        let answer = self.respond(call, twist).unwrap_or_else(|refusal| refusal);
        answer.seen_in_part(call, twist)
    }

    fn people(&self) -> u64 {
        self.people.count() as u64
    }

    fn last(&self) -> u32 {
        self.people.places.last()
    }

    fn dump(&self, numbers: RangeInclusive<u32>, lines: &mut Vec<u8>) {
        for id in numbers {
            if let Some(person) = self.people.get(id) {
                let keyed = |(key, external_id)| KeyedId { key, external_id };
                let ids = self.people.external_ids(id).map(keyed).collect();
                push_line(&person.shown(id, ExternalIds::All(ids)), lines);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn read(body: &[u8]) -> Result<Map<String, Value>, Value> {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        let call = Call {
            method: &Method::POST,
            path: "",
            query: "",
            headers: &headers,
            body,
        };
        wanted(&call).map_err(|refusal| serde_json::from_slice(&refusal.body).unwrap())
    }

    #[test]
    fn texts_are_taken_other_values_are_listed_and_other_fields_ignored() {
        let body =
            br#"{"email": "a", "city": "\u00e9", "zip": null, "state": 5, "country": [1, {}],
            "address": {"a": [2]}, "address2": true, "lastName": 1.5, "firstName": -1,
            "shoeSize": {"eu": 43}, "externalId": "E1"}"#;
        let errors = read(body).unwrap_err();
        let errors = errors["errors"].as_array().unwrap();
        let listed: Vec<_> = errors.iter().map(|error| &error["field"]).collect();
        assert_eq!(
            listed,
            [
                "firstName",
                "lastName",
                "address",
                "address2",
                "state",
                "zip",
                "country",
            ]
        );
        let wanted = read(br#"{"email": "a", "city": "\u00e9", "shoeSize": 43}"#).unwrap();
        assert_eq!(
            (&wanted["email"], &wanted["city"]),
            (&json!("a"), &json!("é"))
        );
        assert_eq!(
            read(br#"{"externalId": 1}"#).unwrap_err()["errors"][0]["field"],
            "externalId"
        );
        for body in ["", "[]", "5", "{", "{}x", r#"{"email": }"#] {
            let errors = read(body.as_bytes()).unwrap_err();
            let message = &errors["errors"][0]["message"];
            assert_eq!(message, "the body is not a JSON object", "{body}");
        }
    }
}

//! The aNewSpring API, users and user groups, written from its documentation.
//!
//! External IDs belong to the environment and are unique, whichever key asks;
//! roles can only be added; a login is unique in any case among all people,
//! archived ones included. Where the documentation is silent,
//! this is what the sandbox does, as an LMS probably would:
//!
//! Calling:
//!
//! - A path that no call has is 404, also without a key; a wrong method 405.
//! - Any key is good but an empty one and `expired` (401). `denied` may make
//!   no call (403), `denied:CALL,CALL` all but these; `notlisted:CALL,CALL`
//!   too, with 400 in place of 403, since the status is not documented.
//! - The URL parameter `_key` wins over the header, as documented, and is
//!   counted in the statistics.
//! - Errors are plain text and HTML by turns; with `_formatErrors=true` they
//!   are `{"error":{"status":409,"message":"…"}}`. Answers and these errors are JSON, XML
//!   or plain text, as `Accept` asks; who takes none of them gets 406.
//!   `_returnSuccessMessage=true` gives `{"message":"…"}`.
//! - A POST without body needs no content type. Parameters are read from the
//!   body only, but `userUID`. One that no call knows is ignored. One that is
//!   not an array and appears twice is 400, as is text that is not UTF-8.
//! - The state of things (404, 409) is checked before the parameters (400),
//!   as far as it does not hang on them.
//!
//! Users:
//!
//! - A UID is a text such as `U17`, and never used again. IDs tell case apart
//!   and have at most 255 letters.
//! - `addUser` refuses the parameters of `updateUser` alone (`id`,
//!   `archived`), and the other way round (`role`): 400. `addOrUpdateUser`
//!   refuses the parameters of the call that it does not work as.
//! - Without `role` a new person has no role; without `active` it is active.
//! - Of an archived person, `updateUser` is 409 unless it carries
//!   `archived=false`; all other calls go on as usual. Archiving does not
//!   change `active`. `getUsers` does not show who is archived.
//! - A forced password change is not allowed (409) where the call sets no
//!   password. `password` and `generatePassword` exclude each other, as
//!   `avatar` and `deleteAvatar` do. An avatar is PNG, JPEG or GIF.
//! - A call with `notify` or `generatePassword` mails the person once,
//!   whether there is an e-mail address or not. An update that says so twice
//!   does it twice.
//! - An empty text clears, but not the first name, the last name, the login
//!   or the ID: 400.
//! - Content libraries: every external ID exists that does not begin with
//!   `missing`. To link what is linked and to unlink what is not linked is
//!   fine, and unlinking needs no role.
//!
//! User groups:
//!
//! - `groupExists` says `false` of a group that is missing; `groupUserExists`
//!   is 404 where the group or the user is.
//! - A parent is of the same type, and not below its child: 409.
//! - A call that cannot be done for one person is done for nobody. To name a
//!   person twice in a call is to name the person once.
//! - `ignoreMissing` ignores people who do not exist, too; without it they are
//!   404, and those who are not in the group 409.
//! - `force` takes the members out of the group; the groups below it move up.
//!   `addToTeacherStudents` does nothing.
//!
//! People who were invented are there from the first call on, so that a
//! rehearsal of another API does not hold them.

mod answer_form;
mod calls;
mod form;
mod groups;
mod invented;
mod people;
mod person;
mod refusal;
mod shown;
mod users;

use std::{borrow::Cow, collections::HashMap, ops::RangeInclusive};

use axum::http::{HeaderMap, Method, StatusCode};
use fastrand::Rng;
use serde::Serialize;
use serde_json::json;

use self::{
    answer_form::AnswerForm,
    calls::Route,
    form::Form,
    groups::Groups,
    invented::invented,
    people::{People, Uid},
    refusal::{Form as ErrorForm, Refusal},
    shown::Details,
};
use super::{
    api::{Answer, Api, Call, OTHER, Twist, decoded, push_line, to_json},
    faults::Fault,
};

/// What `/sandbox/…` calls the API.
const NAME: &str = "anewspring";

/// The longest body: a picture may be in it.
const LONGEST_BODY: usize = 10 * 1024 * 1024;

/// The API, its people and their groups.
#[derive(Debug)]
pub(super) struct ANewSpring {
    people: People,
    groups: Groups,
    /// How many people to invent with which seed, once the API is used.
    to_invent: Option<(u32, u64)>,
    /// Whether the last error was HTML.
    last_error_was_html: bool,
}

/// What a call led to.
#[derive(Debug)]
struct Done {
    what: What,
    twisted: Option<Fault>,
}

/// What was done.
#[derive(Debug)]
enum What {
    /// It asked for something: JSON.
    Read(Vec<u8>),
    /// It changed something: a message.
    Success(String),
}

impl Done {
    fn json(value: &impl Serialize) -> Self {
        Self {
            what: What::Read(to_json(value)),
            twisted: None,
        }
    }

    fn success(message: impl Into<String>) -> Self {
        Self {
            what: What::Success(message.into()),
            twisted: None,
        }
    }

    fn twisted(self, by: Option<Fault>) -> Self {
        Self {
            twisted: by,
            ..self
        }
    }

    fn result(result: bool) -> Self {
        Self::json(&json!({ "result": result }))
    }
}

/// What the query says.
#[derive(Debug, Default)]
struct Query<'a> {
    key: Option<Cow<'a, str>>,
    user_uid: Option<Cow<'a, str>>,
    format_errors: bool,
    return_success_message: bool,
}

impl<'a> Query<'a> {
    fn of(query: &'a str) -> Self {
        let mut read = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "_key" => read.key = Some(value),
                "userUID" => read.user_uid = Some(value),
                "_formatErrors" => read.format_errors = value == "true",
                "_returnSuccessMessage" => read.return_success_message = value == "true",
                _ => {}
            }
        }
        read
    }
}

/// Checks that the key of a call may make it.
fn authenticate(headers: &HeaderMap, query: &Query<'_>, call: &str) -> Result<(), Refusal> {
    let in_header = || headers.get("X-API-Key")?.to_str().ok();
    let key = query.key.as_deref().or_else(in_header);
    let unauthorized = |message: &str| Refusal::new(StatusCode::UNAUTHORIZED, message);
    let key = match key {
        None | Some("") => return Err(unauthorized("The API key is missing")),
        Some("expired") => return Err(unauthorized("The API key has expired")),
        Some(key) => key,
    };
    let denied = || {
        Refusal::new(
            StatusCode::FORBIDDEN,
            format!("API call {call} is not allowed for this API key"),
        )
    };
    let is_in = |calls: &str| calls.split(',').any(|other| other == call);
    match key.split_once(':') {
        None if key == "denied" => Err(denied()),
        Some(("denied", calls)) if is_in(calls) => Err(denied()),
        Some(("notlisted", calls)) if is_in(calls) => Err(Refusal::bad(format!(
            "API call {call} is not whitelisted for this API key"
        ))),
        _ => Ok(()),
    }
}

/// A value of the path.
fn value(part: Option<&str>) -> Result<String, Refusal> {
    decoded(part.unwrap_or_default())
        .map(Cow::into_owned)
        .ok_or_else(|| Refusal::bad("The path is not UTF-8 after percent-decoding"))
}

impl ANewSpring {
    /// An environment where, from the first call on, invented people are.
    pub(super) fn with_invented_people(count: u32, seed: u64) -> Self {
        Self {
            people: People::default(),
            groups: Groups::new(),
            to_invent: Some((count, seed)),
            last_error_was_html: false,
        }
    }

    /// Invents the people, at the first call.
    fn invent(&mut self) {
        let Some((count, seed)) = self.to_invent.take() else {
            return;
        };
        let mut rng = Rng::with_seed(seed);
        for number in 1..=count {
            self.people.insert(invented(number, &mut rng));
        }
    }

    fn by_id(&self, id: &str) -> Result<Uid, Refusal> {
        let missing = || Refusal::missing(format!("There is no user with the ID {id}"));
        self.people.with_id(id).ok_or_else(missing)
    }

    /// The person of a call that takes the external ID or the UID.
    fn person_of(&self, route: Route<'_>, query: &Query<'_>) -> Result<Uid, Refusal> {
        if route.first.is_some() {
            return self.by_id(&value(route.first)?);
        }
        let Some(uid) = query.user_uid.as_deref() else {
            return Err(Refusal::bad("The user's ID or userUID is missing"));
        };
        let missing = || Refusal::missing(format!("There is no user with the UID {uid}"));
        self.people.with_uid(uid).ok_or_else(missing)
    }

    fn respond(
        &mut self,
        call: &Call<'_>,
        query: &Query<'_>,
        accept: Option<AnswerForm>,
        twist: Twist,
    ) -> Result<Done, Refusal> {
        let missing = || Refusal::missing("There is no such API call");
        let route = Route::of(call.path).ok_or_else(missing)?;
        if route.name(call.method).is_none() {
            return Err(Refusal::method(route.known.method));
        }
        authenticate(call.headers, query, route.known.call)?;
        let reads = call.method == Method::GET;
        if accept.is_none() && (reads || query.return_success_message) {
            let message = "This call answers with application/json, text/xml or text/plain";
            return Err(Refusal::new(StatusCode::NOT_ACCEPTABLE, message));
        }
        self.invent();
        let form = if reads {
            Form::default()
        } else {
            Form::read(call)?
        };
        let first = || value(route.first);
        let person = || self.person_of(route, query);
        match route.known.call {
            "userExists" => self.user_exists(route, query),
            "getUser" => {
                // By the UID everybody is shown at once.
                let hidden_from = twist.hidden_from.filter(|_| route.first.is_some());
                self.get_user(
                    person()?,
                    Twist {
                        hidden_from,
                        ..twist
                    },
                )
            }
            "getUsers" => Ok(self.get_users(twist)),
            "initializeId" => self.initialize_id(&first()?, &value(route.second)?),
            "addUser" => self.add_user(&first()?, &form, twist),
            "updateUser" => self.update_user(person()?, &form, twist),
            "addOrUpdateUser" => {
                let id = first()?;
                match self.people.with_id(&id) {
                    Some(uid) => self.update_user(uid, &form, twist),
                    None => self.add_user(&id, &form, twist),
                }
            }
            "addUserRoles" => self.add_user_roles(person()?, &form),
            "deleteUser" => Ok(self.delete_user(person()?)),
            "linkAuthorToContentLabels" => self.link(person()?, "author", &form),
            "linkDesignerToContentLabels" => self.link(person()?, "designer", &form),
            "unlinkAuthorFromContentLabels" => self.unlink(person()?, "author", &form),
            "unlinkDesignerFromContentLabels" => self.unlink(person()?, "designer", &form),
            "groupExists" => Ok(self.group_exists(&first()?)),
            "groupUserExists" => self.group_user_exists(&first()?, &value(route.second)?),
            "getGroupUsers" => self.get_group_users(&first()?),
            "addGroup" => self.add_group(&first()?, &form),
            "updateGroup" => self.update_group(&first()?, &form),
            "addGroupUsers" => self.add_group_users(&first()?, &form),
            "deleteGroupUsers" => self.delete_group_users(&first()?, &form),
            "deleteGroup" => self.delete_group(&first()?, &form),
            _ => Err(missing()),
        }
    }

    /// The form of the next error.
    fn error_form(&mut self, query: &Query<'_>, accept: Option<AnswerForm>) -> ErrorForm {
        if query.format_errors {
            return match accept {
                Some(AnswerForm::Xml) => ErrorForm::Xml,
                Some(AnswerForm::Text) => ErrorForm::Text,
                Some(AnswerForm::Json) | None => ErrorForm::Json,
            };
        }
        self.last_error_was_html = !self.last_error_was_html;
        if self.last_error_was_html {
            ErrorForm::Html
        } else {
            ErrorForm::Text
        }
    }
}

impl Api for ANewSpring {
    fn label(&self) -> &'static str {
        NAME
    }

    fn owns(&self, path: &str) -> bool {
        path.starts_with("/api/") && !path.starts_with("/api/v2/")
    }

    fn name(&self, method: &Method, path: &str) -> String {
        let name = Route::of(path).and_then(|route| route.name(method));
        name.unwrap_or_else(|| OTHER.to_owned())
    }

    fn has_key_in_url(&self, query: &str) -> bool {
        Query::of(query).key.is_some()
    }

    fn longest_body(&self) -> usize {
        LONGEST_BODY
    }

    fn answer(&mut self, call: &Call<'_>, twist: Twist) -> Answer {
        let query = Query::of(call.query);
        let accept = AnswerForm::of(call.headers);
        self.people.unseen = twist.lost_sight;
        let answer = match self.respond(call, &query, accept, twist) {
            Ok(Done { what, twisted }) => {
                let body = match what {
                    What::Read(json) => json,
                    What::Success(message) if query.return_success_message => {
                        to_json(&json!({ "message": message }))
                    }
                    What::Success(_) => Vec::new(),
                };
                let (content_type, body) = accept.unwrap_or(AnswerForm::Json).render(body);
                Answer {
                    content_type,
                    twisted,
                    ..Answer::new(StatusCode::OK, body)
                }
            }
            Err(refusal) => refusal.to_answer(self.error_form(&query, accept)),
        };
        answer.seen_in_part(call, twist)
    }

    fn people(&self) -> u64 {
        self.people.count() as u64
    }

    fn last(&self) -> u32 {
        self.people.places.last()
    }

    fn dump(&self, numbers: RangeInclusive<u32>, lines: &mut Vec<u8>) {
        // Of these people only: one group after the other, not one person
        // after the other in all groups.
        let mut groups_of: HashMap<Uid, Vec<&str>> = HashMap::new();
        for (id, group) in &self.groups {
            for &uid in group.users.range(numbers.clone()) {
                groups_of.entry(uid).or_default().push(id);
            }
        }
        for uid in numbers {
            if let Some(person) = self.people.get(uid) {
                let details = Details {
                    uid,
                    person,
                    groups: Some(groups_of.remove(&uid).unwrap_or_default()),
                };
                push_line(&details, lines);
            }
        }
    }

    fn dump_groups(&self, lines: &mut Vec<u8>) {
        for group in self.shown_groups() {
            push_line(&group, lines);
        }
    }

    fn create_by_hand(&mut self, person: &[u8]) -> Option<Result<String, String>> {
        self.invent();
        Some(self.create(person))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn every_call_of_the_table_does_something() {
        let mut lms = ANewSpring::with_invented_people(1, 0);
        let mut headers = HeaderMap::new();
        headers.insert("X-API-Key", HeaderValue::from_static("k"));
        for known in &calls::KNOWN {
            for path in ["", "/a", "/a/b"].map(|values| format!("/api/{}{values}", known.call)) {
                if Route::of(&path).is_none() {
                    continue;
                }
                let call = Call {
                    method: &known.method.parse().unwrap(),
                    path: &path,
                    query: "_formatErrors=true",
                    headers: &headers,
                    body: &[],
                };
                let answer = lms.answer(&call, Twist::default());
                let body = String::from_utf8(answer.body).unwrap();
                assert!(!body.contains("no such API call"), "{path}: {body}");
            }
        }
    }
}

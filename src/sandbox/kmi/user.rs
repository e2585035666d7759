//! A user's record: what is checked of it, and the JSON that shows it.

use jiff::Timestamp;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Value, json};

use super::people::{COUNTRY, EMAIL, FIELDS, Id, REQUIRED, STATE, Values};
use crate::clock;

/// What is wrong with a record.
pub(super) fn errors_of(values: &Values<'_>) -> Vec<Value> {
    let mut errors = Vec::new();
    let mut add = |field: usize, message: &str| {
        errors.push(json!({"field": FIELDS[field], "message": message}));
    };
    for (field, value) in values.iter().enumerate().take(REQUIRED) {
        if value.is_empty() {
            add(field, "is required");
        }
    }
    let email = values[EMAIL];
    let is_email = email
        .split_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        && !email.contains(char::is_whitespace);
    if !email.is_empty() && !is_email {
        add(EMAIL, "is not an e-mail address");
    }
    let two_letters =
        |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let (country, state) = (values[COUNTRY], values[STATE]);
    if !country.is_empty() && !two_letters(country) {
        add(COUNTRY, "must be a country code of two letters");
    }
    if country.eq_ignore_ascii_case("US") && !state.is_empty() && !two_letters(state) {
        add(STATE, "must be a state code of two letters");
    }
    errors
}

/// The current second since 1970, by a clock that is ahead by `clock_skew` seconds.
pub(super) fn now(clock_skew: i32) -> u32 {
    u32::try_from(clock::now().as_second() + i64::from(clock_skew)).unwrap_or(0)
}

/// `2024-01-15T14:58:41Z`.
fn time(second: u32) -> String {
    let time = Timestamp::from_second(i64::from(second));
    time.unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// The documentation's User object.
#[derive(Debug)]
pub(super) struct User<'a> {
    pub(super) id: Id,
    pub(super) values: Values<'a>,
    /// Seconds since 1970.
    pub(super) created: u32,
    /// Seconds since 1970.
    pub(super) updated: u32,
    pub(super) external_ids: ExternalIds<'a>,
}

/// The external IDs that a record shows.
#[derive(Debug)]
pub(super) enum ExternalIds<'a> {
    /// That of the key that asks.
    Of(&'a str),
    /// Those of all keys: not part of the API, only `/sandbox/users` shows it.
    All(Vec<KeyedId<'a>>),
}

/// One of a person's external IDs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeyedId<'a> {
    /// What the key is shown as: nobody needs to read the key itself.
    pub(super) key: String,
    pub(super) external_id: &'a str,
}

impl Serialize for User<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        for (field, value) in FIELDS.iter().zip(self.values) {
            map.serialize_entry(field, value)?;
        }
        if let ExternalIds::Of(id) = self.external_ids {
            map.serialize_entry("externalId", id)?;
        }
        map.serialize_entry("createdDate", &time(self.created))?;
        map.serialize_entry("updatedDate", &time(self.updated))?;
        if let ExternalIds::All(ids) = &self.external_ids {
            map.serialize_entry("externalIds", ids)?;
        }
        map.end()
    }
}

//! A user's record: what is checked of it, and the JSON that shows it.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
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

/// Seconds since 1970, written as `2024-01-15T14:58:41Z`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Second(u32);

impl Second {
    pub(super) fn now() -> u32 {
        u32::try_from(clock::now().as_second()).unwrap_or(0)
    }
}

impl Serialize for Second {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = Timestamp::from_second(i64::from(self.0)).unwrap_or(Timestamp::UNIX_EPOCH);
        serializer.collect_str(&time)
    }
}

/// The documentation's User object, in its order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User<'a> {
    id: Id,
    email: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    login_name: &'a str,
    address: &'a str,
    address2: &'a str,
    city: &'a str,
    state: &'a str,
    zip: &'a str,
    country: &'a str,
    expiration_date: &'a str,
    /// Left out where the external IDs of all keys are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) external_id: Option<&'a str>,
    created_date: Second,
    updated_date: Second,
    /// Not part of the API: only `/sandbox/users` shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) external_ids: Option<Vec<KeyedId<'a>>>,
}

/// One of a person's external IDs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeyedId<'a> {
    /// What the key is shown as: nobody needs to read the key itself.
    pub(super) key: String,
    pub(super) external_id: &'a str,
}

impl<'a> User<'a> {
    pub(super) fn new(id: Id, values: Values<'a>, created: u32, updated: u32) -> Self {
        let [
            email,
            first_name,
            last_name,
            login_name,
            address,
            address2,
            city,
            state,
            zip,
            country,
            expiration_date,
        ] = values;
        Self {
            id,
            email,
            first_name,
            last_name,
            login_name,
            address,
            address2,
            city,
            state,
            zip,
            country,
            expiration_date,
            external_id: None,
            created_date: Second(created),
            updated_date: Second(updated),
            external_ids: None,
        }
    }
}

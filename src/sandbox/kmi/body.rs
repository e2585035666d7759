//! What the body of a create or an update asks for.
//!
//! The texts are borrowed from the body where JSON allows it: benches run
//! against the sandbox, and it should cost them little.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::people::FIELDS;

/// The fields that a body names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted<'a> {
    /// One for each of [`FIELDS`].
    pub(super) values: [Option<Cow<'a, str>>; FIELDS.len()],
    /// `externalId`.
    pub(super) external_id: Option<Cow<'a, str>>,
    /// The fields whose value is not text.
    pub(super) no_texts: Vec<&'static str>,
}

impl<'de> Deserialize<'de> for Wanted<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(WantedVisitor)
    }
}

struct WantedVisitor;

impl<'de> Visitor<'de> for WantedVisitor {
    type Value = Wanted<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut wanted = Wanted::default();
        while let Some(Text(name)) = map.next_key()? {
            let name = name.unwrap_or_default();
            let mut fields = FIELDS.into_iter().zip(&mut wanted.values);
            let (field, place) = match fields.find(|(field, _)| *field == name) {
                Some(found) => found,
                None if name == "externalId" => ("externalId", &mut wanted.external_id),
                None => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            let Text(text) = map.next_value()?;
            if text.is_none() {
                wanted.no_texts.push(field);
            }
            *place = text;
        }
        Ok(wanted)
    }
}

/// A JSON value: the text that it is, or nothing where it is another thing.
struct Text<'a>(Option<Cow<'a, str>>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Some(Cow::Owned(text.to_owned()))))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Text(None))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Text(None))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Text(None))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Text(None))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Text(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_taken_other_values_are_listed_and_other_fields_ignored() {
        let body =
            br#"{"email": "a", "city": "\u00e9", "zip": null, "state": 5, "country": [1, {}],
            "address": {"a": [2]}, "address2": true, "lastName": 1.5, "firstName": -1,
            "shoeSize": {"eu": 43}, "externalId": "E1"}"#;
        let wanted: Wanted<'_> = serde_json::from_slice(body).unwrap();
        let mut expected = Wanted {
            external_id: Some("E1".into()),
            no_texts: vec![
                "zip",
                "state",
                "country",
                "address",
                "address2",
                "lastName",
                "firstName",
            ],
            ..Wanted::default()
        };
        expected.values[0] = Some("a".into());
        expected.values[6] = Some("é".into());
        assert_eq!(wanted, expected);
        assert!(matches!(wanted.values[0], Some(Cow::Borrowed(_))));
        for body in ["", "[]", "5", "{", "{}x", r#"{"email": }"#] {
            assert!(serde_json::from_str::<Wanted<'_>>(body).is_err(), "{body}");
        }
    }
}

//! Lists of people, read one after the other: a list can be longer than memory.
//!
//! # Invariants
//!
//! - Of each record only the values that are asked for are kept, and a record of
//!   more than [`MAX_RECORD`] bytes is none.
//! - Only a list that is whole counts: what ends early, goes on behind its end or
//!   holds the list twice is not one, whatever it has shown before.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::ops::ControlFlow;
use std::sync::Arc;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Value};

use super::Reply;

/// The longest record of a person in a list that is kept in a file, in bytes.
const MAX_RECORD: usize = 1 << 20;

/// The bytes of an answer that is too long to be kept in memory, in a file without a
/// name.
#[derive(Clone, Debug)]
pub struct Spooled(Arc<File>);

impl Spooled {
    /// Takes a file that holds the answer.
    pub fn new(file: File) -> Self {
        Self(Arc::new(file))
    }
}

impl PartialEq for Spooled {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Spooled {}

/// What a list of people looks like.
pub(super) struct Form<T> {
    /// The name of the list in the answer; `None` where the answer is the list.
    pub(super) name: Option<&'static str>,
    /// Whether the value of that name is read.
    pub(super) reads: fn(&str) -> bool,
    /// What a record says; `None` where it is not a person's.
    pub(super) read: fn(&Map<String, Value>) -> Option<T>,
}

/// Reads a list to its end, unless `each` breaks off. `None` where the answer is not
/// a whole list of people: what `each` got until then counts for nothing.
pub(super) fn each<T>(
    reply: &Reply,
    form: &Form<T>,
    each: &mut dyn FnMut(T) -> ControlFlow<()>,
) -> Option<()> {
    if !reply.is_success() {
        return None;
    }
    let (left, is_broken_off) = (Cell::new(MAX_RECORD), Cell::new(false));
    let list = List {
        form,
        each,
        left: &left,
        is_broken_off: &is_broken_off,
    };
    let read = match &reply.spooled {
        None => read_all(serde_json::Deserializer::from_slice(&reply.body), list),
        Some(spooled) => {
            let mut file = &*spooled.0;
            file.seek(SeekFrom::Start(0)).ok()?;
            let bounded = Bounded {
                bytes: BufReader::with_capacity(1 << 16, file),
                left: &left,
            };
            read_all(serde_json::Deserializer::from_reader(bounded), list)
        }
    };
    (read.is_ok() || is_broken_off.get()).then_some(())
}

/// Reads one record, of which only the values of these names are kept. `None` where the
/// answer is none.
pub(super) fn record(answer: &[u8], reads: fn(&str) -> bool) -> Option<Map<String, Value>> {
    let mut json = serde_json::Deserializer::from_slice(answer);
    let record = Record(reads).deserialize(&mut json).ok()?;
    json.end().ok().map(|()| record)
}

fn read_all<'de, R: serde_json::de::Read<'de>, T>(
    mut json: serde_json::Deserializer<R>,
    list: List<'_, T>,
) -> serde_json::Result<()> {
    list.deserialize(&mut json)?;
    json.end()
}

/// Bytes of which a limited number may be read until more is allowed.
struct Bounded<'l, R> {
    bytes: R,
    left: &'l Cell<usize>,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        let left = self.left.get().checked_sub(read);
        self.left.set(left.ok_or(io::ErrorKind::InvalidData)?);
        Ok(read)
    }
}

struct List<'l, T> {
    form: &'l Form<T>,
    each: &'l mut dyn FnMut(T) -> ControlFlow<()>,
    /// What the next record may still take.
    left: &'l Cell<usize>,
    is_broken_off: &'l Cell<bool>,
}

impl<T> List<'_, T> {
    const fn again(&mut self) -> List<'_, T> {
        List {
            form: self.form,
            each: self.each,
            left: self.left,
            is_broken_off: self.is_broken_off,
        }
    }
}

impl<'de, T> DeserializeSeed<'de> for List<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        match self.form.name {
            Some(_) => json.deserialize_map(self),
            None => json.deserialize_seq(self),
        }
    }
}

impl<'de, T> Visitor<'de> for List<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of people")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut lists = 0;
        while let Some(key) = map.next_key::<String>()? {
            if Some(key.as_str()) == self.form.name {
                lists += 1;
                map.next_value_seed(Items(self.again()))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        if lists == 1 {
            Ok(())
        } else {
            Err(A::Error::custom("not one list"))
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        Items(self).visit_seq(list)
    }
}

/// The records of the list.
struct Items<'l, T>(List<'l, T>);

impl<'de, T> DeserializeSeed<'de> for Items<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de, T> Visitor<'de> for Items<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of people")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let List {
            form,
            each,
            left,
            is_broken_off,
        } = self.0;
        while let Some(record) = list.next_element_seed(Record(form.reads))? {
            left.set(MAX_RECORD);
            let person = (form.read)(&record).ok_or_else(|| A::Error::custom("not a person"))?;
            if each(person).is_break() {
                is_broken_off.set(true);
                return Err(A::Error::custom("broken off"));
            }
        }
        Ok(())
    }
}

/// A record, of which only some values are kept.
pub(super) struct Record(pub(super) fn(&str) -> bool);

impl<'de> DeserializeSeed<'de> for Record {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Record {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a person")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut record = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if (self.0)(&key) {
                let value = map.next_value()?;
                record.insert(key, value);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    const FORM: Form<String> = Form {
        name: Some("users"),
        reads: |name| name == "id",
        read: |record| Some(record.get("id")?.as_str()?.to_owned()),
    };

    fn reply(body: &[u8], is_spooled: bool) -> Reply {
        let mut reply = Reply {
            status: 200,
            ..Reply::default()
        };
        if is_spooled {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(body).unwrap();
            reply.spooled = Some(Spooled::new(file));
        } else {
            reply.body = body.to_owned();
        }
        reply
    }

    /// The people of a list, the same from memory and from a file, and as often as
    /// it is read.
    fn read(body: &str) -> Option<Vec<String>> {
        let read = |reply: &Reply| {
            let mut people = Vec::new();
            let read = each(reply, &FORM, &mut |person| {
                people.push(person);
                ControlFlow::Continue(())
            });
            read.map(|()| people)
        };
        let (memory, file) = (reply(body.as_bytes(), false), reply(body.as_bytes(), true));
        let people = read(&memory);
        assert_eq!(read(&file), people, "{body}");
        assert_eq!(read(&file), people, "{body}");
        people
    }

    const WHOLE: &str = r#"{"total":2,"users":[{"id":"E1","x":[{"y":"}]"}]},{"id":"E2"}],"n":1}"#;

    #[test]
    fn only_a_list_that_is_whole_counts() {
        assert_eq!(read(WHOLE), Some(vec!["E1".into(), "E2".into()]));
        for cut in 0..WHOLE.len() {
            let cut: String = WHOLE.chars().take(cut).collect();
            assert_eq!(read(&cut), None, "{cut}");
        }
        for more in ["{}", "x", WHOLE] {
            assert_eq!(read(&format!("{WHOLE}{more}")), None, "{more}");
        }
        for body in [
            r#"{"users":[{"id":"E1"}],"users":[{"id":"E2"}]}"#,
            r#"{"users":[{"id":"E1"},{"id":7}]}"#,
            r#"{"users":[{"id":"E1"},null]}"#,
            r#"{"users":{"id":"E1"}}"#,
            r#"{"people":[]}"#,
            "[]",
        ] {
            assert_eq!(read(body), None, "{body}");
        }
        assert_eq!(read(r#"{"users":[]}"#), Some(Vec::new()));
    }

    #[test]
    fn a_list_can_be_broken_off() {
        let mut people = 0;
        let read = each(&reply(WHOLE.as_bytes(), true), &FORM, &mut |_| {
            people += 1;
            ControlFlow::Break(())
        });
        assert_eq!((read, people), (Some(()), 1));
    }

    #[test]
    fn a_record_or_a_name_without_an_end_is_read_no_further_than_its_bound() {
        for begin in [
            r#"{"users":[{"id":"E1"},{"id":""#,
            r#"{"users":[{"id":"E1"},{""#,
            r#"{""#,
            r#"{"users":[{"id":"E1","x":["#,
            "  ",
        ] {
            for filler in ["x", "1,", " "] {
                let body = format!("{begin}{}", filler.repeat((4 << 20) / filler.len()));
                let reply = reply(body.as_bytes(), true);
                let read = each(&reply, &FORM, &mut |_| ControlFlow::Continue(()));
                assert_eq!(read, None);
                let position = (&*reply.spooled.unwrap().0).stream_position().unwrap();
                assert!(position < 2 << 20, "{position} bytes of {begin}");
            }
        }
    }

    #[test]
    fn what_is_nested_too_deeply_is_no_list() {
        for deep in ["[", "{\"a\":"] {
            let deep = deep.repeat(100_000);
            assert_eq!(read(&deep), None);
            assert_eq!(read(&format!(r#"{{"users":[{{"id":{deep}"#)), None);
            assert_eq!(read(&format!(r#"{{"users":[{{"x":{deep}"#)), None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(bytes: Vec<u8>, at in 0..WHOLE.len(), byte: u8) {
            let mut changed = WHOLE.as_bytes().to_vec();
            changed[at] = byte;
            for body in [bytes, changed] {
                for is_spooled in [false, true] {
                    let reply = reply(&body, is_spooled);
                    let _read = each(&reply, &FORM, &mut |_| ControlFlow::Continue(()));
                }
            }
        }
    }
}

//! The form of an answer: JSON, XML or plain text, as `Accept` asks. The pages name the three
//! and show JSON alone: the elements of the XML are named after the JSON.

use std::fmt::Write as _;

use axum::http::{HeaderMap, header};
use serde_json::Value;

use super::refusal::escaped;
use crate::sandbox::api::{JSON, TEXT, XML};

/// A form of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerForm {
    Json,
    Xml,
    Text,
}

impl AnswerForm {
    /// The first of the three that the client takes; `None` if it takes none.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(header::ACCEPT).iter();
        let all: Vec<_> = values
            .filter_map(|value| value.to_str().ok())
            .map(str::to_ascii_lowercase)
            .collect();
        let names = |kinds: &[&str]| {
            let mut kinds = kinds.iter();
            kinds.any(|kind| all.iter().any(|value| value.contains(kind)))
        };
        if all.is_empty() || names(&["application/json", "application/*", "*/*"]) {
            Some(Self::Json)
        } else if names(&["xml"]) {
            Some(Self::Xml)
        } else if names(&["text/plain", "text/*"]) {
            Some(Self::Text)
        } else {
            None
        }
    }

    /// The content type, and an answer in this form.
    pub(super) fn render(self, json: Vec<u8>) -> (&'static str, Vec<u8>) {
        let read = || serde_json::from_slice::<Value>(&json).ok();
        match (self, read()) {
            (Self::Xml, Some(value)) => {
                let mut text = String::new();
                element("response", &value, &mut text);
                (XML, text.into_bytes())
            }
            (Self::Text, Some(value)) => {
                let mut text = String::new();
                line("", &value, &mut text);
                (TEXT, text.into_bytes())
            }
            // An empty answer has no form.
            _ => (JSON, json),
        }
    }
}

fn element(name: &str, value: &Value, out: &mut String) {
    // Writing into a String cannot fail.
    let _infallible = write!(out, "<{name}>");
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                element(name, value, out);
            }
        }
        Value::Array(items) => {
            let of_item = name.strip_suffix('s').unwrap_or("item");
            for item in items {
                element(of_item, item, out);
            }
        }
        Value::String(text) => out.push_str(&escaped(text)),
        Value::Null => {}
        other => {
            let _infallible = write!(out, "{other}");
        }
    }
    let _infallible = write!(out, "</{name}>");
}

/// A line for each text, number and truth: `users.0.id: E7`.
fn line(path: &str, value: &Value, out: &mut String) {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                line(&below(name), value, out);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                line(&below(&at.to_string()), item, out);
            }
        }
        Value::String(text) => {
            let _infallible = writeln!(out, "{path}: {text}");
        }
        other => {
            let _infallible = writeln!(out, "{path}: {other}");
        }
    }
}

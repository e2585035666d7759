//! What a target says when it refuses, in one line.
//!
//! The API pages do not state the form of an error, so JSON of any usual shape,
//! text and HTML are accepted.

use serde_json::Value;

use super::Reply;

/// The longest message that is read, in characters. It is scrubbed before it is
/// cut to what is kept.
const MAX_CHARS: usize = 4_000;

/// Why the target refused, in one line.
pub(super) fn of_reply(reply: &Reply) -> String {
    match of(&reply.body) {
        message if message.is_empty() => format!("HTTP {}, no reason given", reply.status),
        message => message,
    }
}

/// The gist of an error's body, in one line; empty where there is none.
pub(super) fn of(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let message = match serde_json::from_str::<Value>(text) {
        Ok(json) => {
            let mut parts = Vec::new();
            collect(&json, None, 0, &mut parts);
            parts.dedup();
            parts.join("; ")
        }
        Err(_) if text.starts_with('<') => title(text),
        Err(_) => text.to_owned(),
    };
    one_line(&message)
}

/// Gathers what sounds like a message, with the field it is about.
fn collect(json: &Value, field: Option<&str>, depth: usize, parts: &mut Vec<String>) {
    const SAYS: [&str; 8] = [
        "message",
        "error",
        "errors",
        "detail",
        "details",
        "title",
        "description",
        "error_description",
    ];
    // An error is shallow; what is deeper is not for people.
    if depth > 6 || parts.len() >= 10 {
        return;
    }
    match json {
        Value::String(text) => parts.push(match field {
            Some(field) => format!("{field}: {text}"),
            None => text.clone(),
        }),
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect(item, field, depth + 1, parts)),
        Value::Object(object) => {
            let about = object
                .get("field")
                .or_else(|| object.get("property"))
                .and_then(Value::as_str)
                .or(field);
            let said = SAYS
                .iter()
                .filter_map(|name| object.get(*name))
                .collect::<Vec<_>>();
            if said.is_empty() {
                // `{"email": ["is taken"]}`: the keys are the fields.
                for (name, value) in object {
                    collect(value, Some(name), depth + 1, parts);
                }
            } else {
                for value in said {
                    collect(value, about, depth + 1, parts);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Of an HTML page its title: the rest is for a browser.
fn title(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let inner = lower.find("<title>").and_then(|at| {
        let start = at + "<title>".len();
        let end = lower.get(start..)?.find('<')? + start;
        html.get(start..end)
    });
    match inner.map(str::trim) {
        Some(title) if !title.is_empty() => format!("an HTML page titled `{title}`"),
        _ => "an HTML page".into(),
    }
}

fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().filter(|char| !char.is_control()));
        if line.chars().count() > MAX_CHARS {
            line = line.chars().take(MAX_CHARS).collect();
            line.push('…');
            break;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::of;

    #[test]
    fn the_gist_of_every_usual_error_is_found() {
        for (body, gist) in [
            (r#"{"message":"Login is taken"}"#, "Login is taken"),
            (r#"{"error":{"message":"no"}}"#, "no"),
            (
                r#"{"errors":[{"field":"email","message":"is wrong"},{"field":"zip","message":"too long"}]}"#,
                "email: is wrong; zip: too long",
            ),
            (
                r#"{"email":["Enter a valid address."]}"#,
                "email: Enter a valid address.",
            ),
            (r#"{"detail":"Not found."}"#, "Not found."),
            (r#""plain""#, "plain"),
            ("Bad\r\n  Request", "Bad Request"),
            (
                "<html><head><Title>502 Bad Gateway</title></head>",
                "an HTML page titled `502 Bad Gateway`",
            ),
            ("<html>", "an HTML page"),
            ("", ""),
            ("{}", ""),
        ] {
            assert_eq!(of(body.as_bytes()), gist, "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_make_one_bounded_line(body in prop::collection::vec(any::<u8>(), 0..2000)) {
            let line = of(&body);
            prop_assert!(line.chars().count() <= super::MAX_CHARS + 1);
            prop_assert!(!line.chars().any(char::is_control));
        }
    }
}

//! The parameters of a POST.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
};
use percent_encoding::percent_decode_str;

use super::refusal::Refusal;
use crate::sandbox::api::Call;

const URL_ENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data";

/// The parameters, in their order.
#[derive(Debug, Default)]
pub(super) struct Form {
    parameters: Vec<(String, Value)>,
}

#[derive(Debug)]
enum Value {
    Text(String),
    File(Bytes),
}

impl Form {
    /// Reads the body of a POST. One without body and content type has no
    /// parameters.
    pub(super) fn read(call: &Call<'_>) -> Result<Self, Refusal> {
        let Some(content_type) = call.headers.get(header::CONTENT_TYPE) else {
            return if call.body.is_empty() {
                Ok(Self::default())
            } else {
                Err(unsupported())
            };
        };
        let content_type = content_type.to_str().map_err(|_| unsupported())?;
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case(URL_ENCODED) {
            Self::url_encoded(call.body)
        } else if kind.eq_ignore_ascii_case(MULTIPART) {
            Self::multipart(content_type, call.body)
        } else {
            Err(unsupported())
        }
    }

    fn url_encoded(body: &[u8]) -> Result<Self, Refusal> {
        let body = str::from_utf8(body).map_err(|_| not_utf8())?;
        let decoded = |text: &str| {
            let text = text.replace('+', " ");
            let text = percent_decode_str(&text).decode_utf8();
            text.map(String::from).map_err(|_| not_utf8())
        };
        let mut parameters = Vec::new();
        for pair in body.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            parameters.push((decoded(name)?, Value::Text(decoded(value)?)));
        }
        Ok(Self { parameters })
    }

    fn multipart(content_type: &str, body: &[u8]) -> Result<Self, Refusal> {
        let broken = |error: multer::Error| {
            Refusal::bad(format!("The body is not multipart/form-data: {error}"))
        };
        let boundary = multer::parse_boundary(content_type).map_err(broken)?;
        let stream = Body::from(Bytes::copy_from_slice(body)).into_data_stream();
        let reading = async {
            let mut parts = multer::Multipart::new(stream, boundary);
            let mut parameters = Vec::new();
            while let Some(part) = parts.next_field().await? {
                let name = part.name().unwrap_or_default().to_owned();
                let is_file = part.file_name().is_some();
                parameters.push((name, is_file, part.bytes().await?));
            }
            Ok(parameters)
        };
        let parts = at_once(reading)
            .unwrap_or(Err(multer::Error::IncompleteStream))
            .map_err(broken)?;
        let mut parameters = Vec::new();
        for (name, is_file, bytes) in parts {
            let value = if is_file {
                Value::File(bytes)
            } else {
                let text = str::from_utf8(&bytes).map_err(|_| not_utf8())?;
                Value::Text(text.to_owned())
            };
            parameters.push((name, value));
        }
        Ok(Self { parameters })
    }

    /// Whether the parameter is there at all.
    pub(super) fn has(&self, name: &str) -> bool {
        self.parameters.iter().any(|(other, _)| other == name)
    }

    /// All values of an array.
    pub(super) fn many(&self, name: &str) -> Result<Vec<&str>, Refusal> {
        let mut texts = Vec::new();
        for (other, value) in &self.parameters {
            match value {
                _ if other != name => {}
                Value::Text(text) => texts.push(&**text),
                Value::File(_) => return Err(Refusal::bad(format!("{name} must not be a file"))),
            }
        }
        Ok(texts)
    }

    /// The one value of a parameter that is not an array.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match *self.many(name)? {
            [] => Ok(None),
            [text] => Ok(Some(text)),
            _ => Err(Refusal::bad(format!("{name} must not be repeated"))),
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.one(name)? {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Refusal::bad(format!(
                "{name} does not contain a boolean value: it must be true or false"
            ))),
        }
    }

    /// The bytes of a file.
    pub(super) fn file(&self, name: &str) -> Result<Option<&[u8]>, Refusal> {
        let mut found = None;
        for (_, value) in self.parameters.iter().filter(|(other, _)| other == name) {
            let Value::File(bytes) = value else {
                return Err(Refusal::bad(format!(
                    "{name} must be a file in a multipart/form-data body"
                )));
            };
            if found.replace(&**bytes).is_some() {
                return Err(Refusal::bad(format!("{name} must not be repeated")));
            }
        }
        Ok(found)
    }
}

fn unsupported() -> Refusal {
    Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        format!("The Content-Type must be {URL_ENCODED} or {MULTIPART}"),
    )
}

fn not_utf8() -> Refusal {
    Refusal::bad("The body is not UTF-8")
}

/// Runs what never has to wait, since the whole body is there.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

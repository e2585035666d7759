//! Why a call is refused, and the answer that says so.

use axum::http::StatusCode;
use serde_json::json;

use crate::sandbox::{
    api::{Answer, HTML, JSON, TEXT, XML},
    faults::Fault,
};

/// Why a call is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    allow: Option<&'static str>,
    twisted: Option<Fault>,
}

/// The form of an error's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Xml,
    Html,
    Text,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            allow: None,
            twisted: None,
        }
    }

    /// 400.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// The person is there, and a look-up does not show it yet.
    pub(super) fn hidden(message: impl Into<String>) -> Self {
        Self {
            twisted: Some(Fault::Lag),
            ..Self::missing(message)
        }
    }

    /// 404.
    pub(super) fn missing(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 409.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// 405.
    pub(super) fn method(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                format!("This call allows {allow} only"),
            )
        }
    }

    /// Refused on demand.
    pub(super) fn demanded(message: impl Into<String>) -> Self {
        Self {
            twisted: Some(Fault::Refuse),
            ..Self::bad(message)
        }
    }

    /// 507.
    pub(super) fn full() -> Self {
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "No UID is left")
    }

    pub(super) fn is_missing(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    pub(super) fn into_message(self) -> String {
        self.message
    }

    pub(super) fn to_answer(&self, form: Form) -> Answer {
        let Self {
            status, message, ..
        } = self;
        let code = status.as_u16();
        let (content_type, body) = match form {
            Form::Json => {
                let error = json!({"error": {"status": code, "message": message}});
                (JSON, error.to_string())
            }
            Form::Xml => {
                let message = escaped(message);
                let error =
                    format!("<error><status>{code}</status><message>{message}</message></error>");
                (XML, error)
            }
            Form::Html => {
                let message = escaped(message);
                let page = format!(
                    "<html><head><title>Error {code}</title></head>\
                     <body><h1>Error {code}</h1><p>{message}</p></body></html>\n"
                );
                (HTML, page)
            }
            Form::Text => (TEXT, format!("{message}\n")),
        };
        Answer {
            content_type,
            allow: self.allow,
            twisted: self.twisted,
            ..Answer::new(*status, body)
        }
    }
}

pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            char => escaped.push(char),
        }
    }
    escaped
}

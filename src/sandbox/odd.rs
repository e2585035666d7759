//! What is always answered alike: the changes of one person, or all of them.

use axum::{
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    api::{JSON, decoded},
    faults::{Fault, Faults},
};

/// An answer in place of acting.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Odd {
    /// The fault that it is.
    pub(super) fault: Fault,
    status: StatusCode,
    message: String,
}

impl Odd {
    /// What these faults answer to a call, if they do.
    pub(super) fn of(faults: &Faults, method: &Method, path: &str, body: &[u8]) -> Option<Self> {
        if *method == Method::GET {
            return None;
        }
        if let Some(words) = &faults.refuse_all {
            return Some(Self {
                fault: Fault::RefuseAll,
                status: StatusCode::UNPROCESSABLE_ENTITY,
                message: words.clone(),
            });
        }
        if faults.odd_rows.is_empty() {
            return None;
        }
        let mut rows = faults.odd_rows.iter();
        let (_, status) = rows.find(|(id, _)| is_about(id, path, body))?;
        let status = StatusCode::from_u16(*status).ok()?;
        Some(Self {
            fault: Fault::OddRows,
            status,
            message: status.canonical_reason().unwrap_or("Odd").to_owned(),
        })
    }
}

impl IntoResponse for Odd {
    fn into_response(self) -> Response {
        let body = json!({"errors": [{"field": "", "message": self.message}]}).to_string();
        let content_type = [(header::CONTENT_TYPE, JSON)];
        let mut response = (self.status, content_type, body).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(1));
        }
        if self.status.is_redirection() {
            let elsewhere = HeaderValue::from_static("/elsewhere");
            headers.insert(header::LOCATION, elsewhere);
        }
        response
    }
}

/// Whether a call names the person in its path, or gives the external ID.
fn is_about(id: &str, path: &str, body: &[u8]) -> bool {
    let is_named = path
        .split('/')
        .any(|segment| decoded(segment).is_some_and(|segment| segment == id));
    let gives = || {
        let user: Option<Value> = serde_json::from_slice(body).ok();
        user.is_some_and(|user| user.get("externalId").and_then(Value::as_str) == Some(id))
    };
    is_named || gives()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_about_whom_it_names_and_a_read_about_nobody() {
        let faults = Faults {
            odd_rows: [("E 7".to_owned(), 403)].into(),
            ..Faults::default()
        };
        let post = &Method::POST;
        let fault = |method, path, body: &str| {
            let odd = Odd::of(&faults, method, path, body.as_bytes());
            odd.map(|odd| (odd.fault, odd.status.as_u16()))
        };
        let odd = Some((Fault::OddRows, 403));
        let path = "/api/v2/users/external_id/E%207/";
        assert_eq!(fault(post, path, ""), odd);
        assert_eq!(fault(&Method::DELETE, path, ""), odd);
        assert_eq!(fault(&Method::GET, path, ""), None);
        assert_eq!(
            fault(post, "/api/v2/users/", r#"{"externalId":"E 7"}"#),
            odd
        );
        assert_eq!(
            fault(post, "/api/v2/users/", r#"{"externalId":"E 70"}"#),
            None
        );
        assert_eq!(fault(post, "/api/addUser/E%207", "login=x"), odd);
        assert_eq!(fault(post, "/api/addUser/E%2070", "login=E+7"), None);
    }
}

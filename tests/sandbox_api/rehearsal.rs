//! A sandbox with a client of it, for all the files here.

use std::time::Duration;

use hrfeed::sandbox::{Faults, Sandbox, SandboxOptions};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

pub(crate) const DAY: Duration = Duration::from_hours(24);

/// A sandbox and a client of it.
pub(crate) struct Rehearsal {
    pub(crate) sandbox: Sandbox,
    pub(crate) client: Client,
    pub(crate) key: &'static str,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The field that the first error is about, and what it says.
    pub(crate) fn error(&self) -> (String, String) {
        let error = &self.json()["errors"][0];
        let text = |name| error[name].as_str().unwrap().to_owned();
        (text("field"), text("message"))
    }
}

pub(crate) fn with(faults: Faults) -> Rehearsal {
    start(SandboxOptions {
        faults,
        ..SandboxOptions::default()
    })
}

pub(crate) fn start(options: SandboxOptions) -> Rehearsal {
    // The second test finds it installed.
    drop(rustls::crypto::ring::default_provider().install_default());
    Rehearsal {
        sandbox: Sandbox::start(options).unwrap(),
        client: Client::builder().no_proxy().build().unwrap(),
        key: "rehearsal",
    }
}

impl Rehearsal {
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.sandbox.base_url()))
    }

    /// A call of the API, with credentials.
    pub(crate) fn api(&self, method: Method, path: &str, body: Option<&Value>) -> RequestBuilder {
        let request = self
            .request(method, &format!("/api/v2/{path}"))
            .header("X-Api-Key", self.key)
            .header("X-Api-Secret", "secret");
        match body {
            Some(body) => request
                .header("Content-Type", "application/json")
                .body(body.to_string()),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        got(self.api(Method::GET, path, None)).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Got {
        got(self.api(Method::POST, path, Some(body))).await.unwrap()
    }

    pub(crate) async fn delete(&self, path: &str) -> Got {
        got(self.api(Method::DELETE, path, None)).await.unwrap()
    }

    pub(crate) async fn create(&self, login: &str, external_id: &str) -> u64 {
        let got = self.post("users/", &person(login, external_id)).await;
        assert_eq!(got.status, 201, "{got:?}");
        got.json()["id"].as_u64().unwrap()
    }

    pub(crate) async fn stats(&self) -> Value {
        let got = got(self.request(Method::GET, "/sandbox/stats")).await;
        got.unwrap().json()
    }

    pub(crate) async fn people(&self) -> u64 {
        self.stats().await["people"].as_u64().unwrap()
    }

    pub(crate) async fn set_faults(&self, faults: &Value) -> Got {
        let request = self.request(Method::POST, "/sandbox/faults");
        got(request.body(faults.to_string())).await.unwrap()
    }
}

pub(crate) async fn got(request: RequestBuilder) -> reqwest::Result<Got> {
    let response = request.send().await?;
    let header = |name| {
        let value: Option<&reqwest::header::HeaderValue> = response.headers().get(name);
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    Ok(Got {
        status: response.status().as_u16(),
        retry_after: header("retry-after"),
        content_type: header("content-type"),
        body: response.text().await?,
    })
}

pub(crate) fn person(login: &str, external_id: &str) -> Value {
    json!({
        "email": format!("{login}@example.com"), "firstName": "John", "lastName": "Smith",
        "loginName": login, "externalId": external_id,
    })
}

pub(crate) fn by(external_id: &str) -> String {
    let segment = utf8_percent_encode(external_id, NON_ALPHANUMERIC);
    format!("users/external_id/{segment}/")
}

pub(crate) fn ids(page: &Got) -> Vec<u64> {
    let page = page.json();
    let users = page.as_array().unwrap().iter();
    users.map(|user| user["id"].as_u64().unwrap()).collect()
}

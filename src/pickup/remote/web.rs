//! A file of a web server.

use jiff::Timestamp;
use reqwest::header::{
    AUTHORIZATION, CONTENT_LENGTH, ETAG, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED,
    LOCATION,
};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use url::Url;

use super::super::address::Address;
use super::super::{Access, Problem};
use super::copy::CopyBeingMade;
use super::{Entry, tls};
use crate::model::{Secret, is_loopback};

pub(super) struct Web {
    client: Client,
    url: Url,
    path: String,
    access: Access<Secret>,
    /// It answers a question for what it knows of the file as it gives the file.
    answers_head: bool,
}

impl Web {
    pub(super) fn new(address: &Address, access: &Access<Secret>) -> Result<Self, Problem> {
        let Some(url) = address.url.clone() else {
            return Err(Problem::Setting(
                "the address is not of a web server".into(),
            ));
        };
        let mut headers = HeaderMap::new();
        if let Some(bearer) = &access.bearer {
            let value = secret_header("bearer", &format!("Bearer {}", bearer.expose()))?;
            headers.insert(AUTHORIZATION, value);
        }
        if let Some((name, value)) = &access.header {
            let name = HeaderName::try_from(name).map_err(|_| {
                Problem::Setting(format!("`{name}` cannot be the name of a header"))
            })?;
            headers.insert(name, secret_header("header", value.expose())?);
        }
        if access.bearer.is_some() && access.password.is_some() {
            return Err(Problem::Setting(
                "[source.remote] has `bearer` and `password`, of which a web server takes one"
                    .into(),
            ));
        }
        let loopback = is_loopback(&url);
        let client = tls::client(access, loopback)
            .https_only(!loopback)
            .default_headers(headers)
            .build()
            .map_err(|error| Problem::Machine(format!("cannot set up HTTPS: {error}")))?;
        Ok(Self {
            client,
            path: address.path.clone(),
            url,
            access: access.clone(),
            answers_head: true,
        })
    }

    /// The address of a file: of the feed, or of one beside it.
    fn url(&self, path: &str) -> Result<Url, Problem> {
        let mut url = self.url.clone();
        if path != self.path {
            if url.query().is_some() {
                return Err(Problem::Unsupported(
                    "an address with `?` names one file, and nothing is known of files beside it",
                ));
            }
            url.set_path(path);
        }
        Ok(url)
    }

    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.client.request(method, url);
        match (&self.access.user, &self.access.password) {
            (Some(user), password) if self.access.bearer.is_none() => {
                request.basic_auth(user, password.as_ref().map(Secret::expose))
            }
            _ => request,
        }
    }

    async fn send(&self, method: Method, path: &str) -> Result<Option<Response>, Problem> {
        let answer = self.request(method, self.url(path)?).send().await;
        let answer = answer.map_err(|error| tls::no_answer(&error.without_url(), &self.access))?;
        let status = answer.status();
        tracing::debug!(status = status.as_u16(), "asked a web server for the feed");
        if status.is_success() {
            return Ok(Some(answer));
        }
        match status {
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                Err(Problem::Login(status.to_string()))
            }
            StatusCode::FORBIDDEN => Err(Problem::Denied(status.to_string())),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                Err(Problem::NoAnswer(status.to_string()))
            }
            _ if status.is_redirection() => Err(Problem::Redirect(self.leads_to(&answer))),
            _ if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED => {
                Err(Problem::NoAnswer(status.to_string()))
            }
            _ => Err(Problem::Refused(status.to_string())),
        }
    }

    /// Where a redirect leads, without anything secret.
    fn leads_to(&self, answer: &Response) -> String {
        let location = answer.headers().get(LOCATION);
        let location = location.and_then(|it| self.url.join(it.to_str().ok()?).ok());
        let Some(mut location) = location else {
            return answer.status().to_string();
        };
        let query = if location.query().is_some() {
            "?…"
        } else {
            ""
        };
        location.set_query(None);
        location.set_fragment(None);
        // It can be set, or is not there.
        let (_no_user, _no_password) = (location.set_username(""), location.set_password(None));
        format!("{location}{query}")
    }

    fn about(path: &str, answer: &Response) -> Entry {
        let header = |name| answer.headers().get(name)?.to_str().ok();
        let modified = header(LAST_MODIFIED).and_then(|it| httpdate::parse_http_date(it).ok());
        Entry {
            path: path.to_owned(),
            is_folder: false,
            length: header(CONTENT_LENGTH).and_then(|it| it.parse().ok()),
            modified: modified.and_then(|it| Timestamp::try_from(it).ok()),
            tag: header(ETAG).map(str::to_owned),
        }
    }

    pub(super) async fn entry(&mut self, path: &str) -> Result<Option<Entry>, Problem> {
        if self.answers_head {
            match self.send(Method::HEAD, path).await {
                Ok(Some(answer)) => return Ok(Some(Self::about(path, &answer))),
                // An address that is signed is so for reading alone, and some servers know
                // nothing else.
                Err(Problem::Denied(_) | Problem::Refused(_)) | Ok(None) => {
                    self.answers_head = false;
                }
                Err(problem) => return Err(problem),
            }
        }
        let answer = self.send(Method::GET, path).await?;
        self.answers_head |= answer.is_none();
        Ok(answer.map(|answer| Self::about(path, &answer)))
    }

    pub(super) async fn read(
        &mut self,
        path: &str,
        into: &mut CopyBeingMade,
    ) -> Result<(), Problem> {
        let answer = self.send(Method::GET, path).await?;
        let mut answer = answer.ok_or(Problem::NotFound)?;
        loop {
            match answer.chunk().await {
                Ok(Some(bytes)) => into.write(&bytes)?,
                Ok(None) => return Ok(()),
                Err(error) => return Err(tls::no_answer(&error.without_url(), &self.access)),
            }
        }
    }
}

fn secret_header(what: &str, value: &str) -> Result<HeaderValue, Problem> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        Problem::Setting(format!(
            "the secret that `{what}` names holds a character that cannot be sent, such as a line \
             break"
        ))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

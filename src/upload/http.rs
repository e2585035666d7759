//! The one place that opens a socket to an LMS.

use std::error::Error as _;
use std::fs::File;
use std::io::Write as _;
use std::time::Duration;

use memchr::memmem;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::multipart::{Form, Part};
use tokio::time::Instant;

use super::Connection;
use super::engine::{NoReply, Transport};
use crate::files::SeenFile;
use crate::model::{Limit, Picture, Secret, is_loopback};
use crate::retry::{Fatal, NoAnswer};
use crate::targets::{Body, Call, Method, Reply, Spooled, Target};

/// What authenticates a run.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The API key.
    pub key: Secret,
    /// The API secret, where the system has one.
    pub secret: Option<Secret>,
}

/// A client for one LMS.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    base: String,
    credentials: Credentials,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// A key or secret that cannot be sent in a header.
    #[error("the {what} holds a character that cannot be sent, such as a line break")]
    Secret {
        /// `API key` or `API secret`.
        what: &'static str,
    },
    /// The client cannot be set up.
    #[error("cannot set up HTTPS")]
    Setup(#[source] reqwest::Error),
}

impl Http {
    /// Sets a client up.
    pub(super) fn new(
        connection: &Connection,
        credentials: &Credentials,
        target: &dyn Target,
    ) -> Result<Self, HttpError> {
        // Another caller may have installed one; either is as good.
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        let spec = target.system().spec();
        let mut headers = HeaderMap::new();
        let key = Some((spec.key_header, &credentials.key, "API key"));
        let secret = spec
            .secret_header
            .zip(credentials.secret.as_ref())
            .map(|(name, secret)| (name, secret, "API secret"));
        for (name, secret, what) in key.into_iter().chain(secret) {
            let mut value =
                HeaderValue::from_str(secret.expose()).map_err(|_| HttpError::Secret { what })?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
        }
        headers.insert(
            reqwest::header::ACCEPT,
            HeaderValue::from_static("application/json"),
        );
        let loopback = is_loopback(&connection.base_url);
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("hrfeed/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .https_only(!loopback)
            .connect_timeout(connection.connect_timeout)
            .timeout(connection.timeout)
            .pool_max_idle_per_host(connection.max_in_flight)
            // Shorter than the idle time of common servers and proxies: a
            // connection that the other side just closed loses a request.
            .pool_idle_timeout(Duration::from_secs(20));
        if loopback {
            // A proxy has no business between this machine and itself.
            builder = builder.no_proxy();
        }
        let mut base = connection.base_url.to_string();
        if !base.ends_with('/') {
            base.push('/');
        }
        Ok(Self {
            client: builder.build().map_err(HttpError::Setup)?,
            base,
            credentials: credentials.clone(),
        })
    }

    async fn exchange(&self, call: Call) -> Result<Reply, NoReply> {
        let url = format!("{}{}", self.base, call.path);
        let mut request = match call.method {
            Method::Get => self.client.get(url),
            Method::Post => self.client.post(url),
            Method::Delete => self.client.delete(url),
        };
        request = match call.body {
            None => request,
            Some(Body::Json(bytes)) => request.header(CONTENT_TYPE, "application/json").body(bytes),
            Some(Body::Form(parameters)) => request.form(&parameters),
            Some(Body::Multipart {
                parameters,
                name,
                file,
            }) => request.multipart(multipart(parameters, name, file).await?),
        };
        let mut response = request.send().await.map_err(no_reply)?;
        let header = |name| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let mut reply = Reply {
            call: call.name,
            status: response.status().as_u16(),
            retry_after: header(RETRY_AFTER),
            date: header(DATE),
            ..Reply::default()
        };
        let mut body = Received::default();
        while let Some(chunk) = response.chunk().await.map_err(no_reply)? {
            if body.length + chunk.len() > call.max_bytes {
                return Err(NoReply::NoAnswer(NoAnswer::Unclear(
                    "the answer is far too long",
                )));
            }
            body.add(&chunk).map_err(|error| {
                let limit = Limit::of(&error).map(Limit::help);
                NoReply::Fatal(Fatal::Machine {
                    what: format!("cannot keep the LMS's answer in a temporary file: {error}"),
                    help: limit.unwrap_or("check the free space of the folder for temporary files"),
                })
            })?;
        }
        reply.spooled = body.file.map(Spooled::new);
        reply.body = self.credentials.removed_from(body.memory);
        Ok(reply)
    }
}

impl Credentials {
    /// An answer without them: an LMS may quote what it refuses, and what it says is kept and
    /// shown.
    fn removed_from(&self, answer: Vec<u8>) -> Vec<u8> {
        let secrets = [Some(&self.key), self.secret.as_ref()];
        let secrets = secrets.into_iter().flatten();
        let secrets = secrets.map(|secret| secret.expose().as_bytes());
        let long = secrets.filter(|secret| secret.len() >= SHORTEST_REMOVED);
        long.fold(answer, without)
    }
}

/// Some bytes with stars in each place of a secret.
fn without(bytes: Vec<u8>, secret: &[u8]) -> Vec<u8> {
    let mut places = memmem::find_iter(&bytes, secret).peekable();
    if places.peek().is_none() {
        return bytes;
    }
    let (mut out, mut from) = (Vec::with_capacity(bytes.len()), 0);
    for at in places {
        out.extend_from_slice(bytes.get(from..at).unwrap_or_default());
        out.extend_from_slice(b"****");
        from = at + secret.len();
    }
    out.extend_from_slice(bytes.get(from..).unwrap_or_default());
    out
}

/// What is shorter may be a part of a word, and LMSs give longer keys.
const SHORTEST_REMOVED: usize = 8;

/// The bytes of an answer so far: in memory, or in a file without a name, which
/// vanishes when it is closed: they are people's data.
#[derive(Default)]
struct Received {
    memory: Vec<u8>,
    file: Option<File>,
    length: usize,
}

impl Received {
    fn add(&mut self, chunk: &[u8]) -> std::io::Result<()> {
        self.length += chunk.len();
        if let Some(file) = &mut self.file {
            return file.write_all(chunk);
        }
        if self.length <= Reply::IN_MEMORY {
            self.memory.extend_from_slice(chunk);
            return Ok(());
        }
        let file = self.file.insert(tempfile::tempfile()?);
        file.write_all(&std::mem::take(&mut self.memory))?;
        file.write_all(chunk)
    }
}

impl Transport for Http {
    async fn send(&self, call: Call) -> Result<Reply, NoReply> {
        let (name, begun) = (call.name, Instant::now());
        let result = self.exchange(call).await;
        // The call by its name in the documentation: the address holds an
        // external ID, and the bodies hold a person.
        let milliseconds = begun.elapsed().as_millis();
        match &result {
            Ok(reply) => tracing::debug!(call = name, status = reply.status, milliseconds),
            Err(NoReply::NoAnswer(why)) => {
                tracing::debug!(call = name, no_answer = why.why(), milliseconds);
            }
            Err(NoReply::Fatal(fatal)) => tracing::debug!(call = name, ?fatal, milliseconds),
        }
        result
    }
}

/// A form with a picture, if that is the one that the feed named: by now somebody
/// may have put another file in its place.
async fn multipart(
    parameters: Vec<(&'static str, String)>,
    name: &'static str,
    file: SeenFile,
) -> Result<Form, NoReply> {
    let changed = || {
        NoReply::NoAnswer(NoAnswer::NotMade(
            "the picture changed while the run was under way, so nothing was sent for this row; \
             the next import sends the picture that is there then",
        ))
    };
    // A disk can be slow, and this thread drives all requests.
    let read = tokio::task::spawn_blocking(move || file.read()).await;
    let bytes = read.ok().flatten().ok_or_else(changed)?;
    let kind = Picture::media_type(&bytes).ok_or_else(changed)?;
    // What the file is called here is nobody's business there.
    let extension = kind.rsplit('/').next().unwrap_or_default();
    let part = Part::bytes(bytes)
        .file_name(format!("{name}.{extension}"))
        .mime_str(kind)
        .map_err(|_| changed())?;
    let form = parameters
        .into_iter()
        .fold(Form::new(), |form, (name, value)| form.text(name, value));
    Ok(form.part(name, part))
}

/// What TLS has against the other side, however often it is wrapped: an
/// `io::Error` does not name the error in it as its source.
fn tls_error<'e>(mut error: &'e (dyn std::error::Error + 'static)) -> Option<&'e rustls::Error> {
    loop {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        error = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    }
}

fn no_reply(error: reqwest::Error) -> NoReply {
    // The address holds an external ID; messages name the call instead.
    let error = error.without_url();
    let mut why = String::new();
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(tls) = tls_error(cause) {
            return NoReply::Fatal(Fatal::Certificate(tls.to_string()));
        }
        why = cause.to_string();
        source = cause.source();
    }
    if let Some(limit) = Limit::of(&error) {
        return NoReply::Fatal(Fatal::Machine {
            what: format!("cannot connect to the LMS: {why}"),
            help: limit.help(),
        });
    }
    if error.is_dns() {
        return NoReply::Fatal(Fatal::UnknownHost(why));
    }
    NoReply::NoAnswer(if error.is_connect() {
        NoAnswer::NotSent(why)
    } else if error.is_timeout() {
        NoAnswer::Timeout
    } else {
        NoAnswer::Broken(why)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_removed_wherever_an_answer_has_it() {
        let removed = |key: &str, secret: Option<&str>, answer: &str| {
            let credentials = Credentials {
                key: Secret::new(key.into()),
                secret: secret.map(|secret| Secret::new(secret.into())),
            };
            String::from_utf8(credentials.removed_from(answer.into())).unwrap()
        };
        let said = "abcdefgh,12345678: abcdefghabcdefgh12345678";
        assert_eq!(
            removed("abcdefgh", Some("12345678"), said),
            "****,****: ************"
        );
        assert_eq!(removed("abcdefgh", None, "as before"), "as before");
        assert_eq!(removed("any", Some(""), "many"), "many");
        // Each place is looked at once, whatever is put there.
        let many = "********".repeat(100_000);
        assert_eq!(removed("********", None, &many).len(), many.len() / 2);
    }

    #[test]
    fn a_secret_is_never_shown() {
        let credentials = Credentials {
            key: Secret::new("k3y".into()),
            secret: Some(Secret::new("s3cret".into())),
        };
        assert_eq!(
            format!("{credentials:?}"),
            "Credentials { key: ****, secret: Some(****) }"
        );
    }
}

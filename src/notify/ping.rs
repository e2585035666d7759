//! Pings, as services that watch scheduled jobs take them.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use url::Url;

use crate::model::{Secret, is_loopback};

/// How long an attempt may take, with everything.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What is between two attempts.
const PAUSE: Duration = Duration::from_secs(2);

const ATTEMPTS: u32 = 2;

/// What a ping says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The job has begun: `/start`.
    Start,
    /// It is done: the address itself.
    Success,
    /// It is not done: `/fail`.
    Fail,
}

/// Why an address cannot be pinged.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// It is not an address.
    #[error("it is not a web address that begins with https://")]
    Address,
    /// It would be sent in the open.
    #[error("it must begin with https://: http:// would send the address unencrypted")]
    Unencrypted,
    /// The client cannot be set up.
    #[error("HTTPS cannot be set up: {0}")]
    Setup(String),
}

/// Why a ping did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum PingError {
    /// The service refused it.
    #[error("it was answered with HTTP {0}")]
    Refused(u16),
    /// Nothing came back.
    #[error("{0}")]
    NoAnswer(String),
}

/// Pings one address.
#[derive(Clone)]
pub struct Pinger {
    client: reqwest::Client,
    /// A secret.
    address: Url,
}

impl std::fmt::Debug for Pinger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pinger(****)")
    }
}

impl Pinger {
    /// Judges the address and sets a client up.
    ///
    /// # Errors
    /// The address cannot be pinged.
    pub fn new(address: &Secret) -> Result<Self, AddressError> {
        let address = Url::parse(address.expose()).map_err(|_| AddressError::Address)?;
        let loopback = is_loopback(&address);
        match address.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => return Err(AddressError::Unencrypted),
            _ => return Err(AddressError::Address),
        }
        // Another caller may have installed one; either is as good.
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("hrfeed/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .https_only(!loopback)
            .timeout(TIMEOUT);
        if loopback {
            // A proxy has no business between this machine and itself.
            builder = builder.no_proxy();
        }
        let client = builder.build();
        Ok(Self {
            client: client.map_err(|error| AddressError::Setup(innermost(&error)))?,
            address,
        })
    }

    /// Pings, and once more where that may help.
    ///
    /// # Errors
    /// It did not arrive, as far as is known.
    pub fn ping(&self, signal: Signal, text: &str) -> Result<(), PingError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| PingError::NoAnswer(error.to_string()))?;
        let pinged = runtime.block_on(async {
            let mut attempt = 1;
            loop {
                let result = self.attempt(signal, text).await;
                match result {
                    Err(error) if error.may_pass() && attempt < ATTEMPTS => {
                        attempt += 1;
                        tokio::time::sleep(PAUSE).await;
                    }
                    result => return result,
                }
            }
        });
        // A name that is still being looked up must not keep the process.
        runtime.shutdown_background();
        tracing::info!(?signal, ok = pinged.is_ok(), "pinged");
        pinged
    }

    async fn attempt(&self, signal: Signal, text: &str) -> Result<(), PingError> {
        let request = (self.client.post(of_signal(&self.address, signal)))
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(text.to_owned());
        let answer = request.send().await.map_err(|error| {
            let error = error.without_url();
            PingError::NoAnswer(if error.is_timeout() {
                format!("no answer within {} seconds", TIMEOUT.as_secs())
            } else {
                innermost(&error)
            })
        })?;
        let status = answer.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(PingError::Refused(status.as_u16()))
        }
    }
}

impl PingError {
    /// Whether another attempt may do better.
    fn may_pass(&self) -> bool {
        match self {
            Self::Refused(status) => {
                *status >= 500 || *status == StatusCode::TOO_MANY_REQUESTS.as_u16()
            }
            Self::NoAnswer(_) => true,
        }
    }
}

/// The address for a signal: `https://hc-ping.com/…/start`. What follows a `?` stays.
fn of_signal(address: &Url, signal: Signal) -> Url {
    let end = match signal {
        Signal::Start => "start",
        Signal::Fail => "fail",
        Signal::Success => return address.clone(),
    };
    let mut address = address.clone();
    if let Ok(mut path) = address.path_segments_mut() {
        path.pop_if_empty().push(end);
    }
    address
}

/// The last cause of an error says what happened; those before it say where, with the address.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(cause) = error.source() {
        error = cause;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_the_end_of_the_path() {
        let of = |address: &str, signal| {
            let address = Url::parse(address).unwrap();
            of_signal(&address, signal).to_string()
        };
        for (address, start) in [
            ("https://hc-ping.com/1a2b", "https://hc-ping.com/1a2b/start"),
            (
                "https://hc-ping.com/1a2b/",
                "https://hc-ping.com/1a2b/start",
            ),
            ("https://x.example", "https://x.example/start"),
            (
                "https://x.example/p?token=7",
                "https://x.example/p/start?token=7",
            ),
        ] {
            assert_eq!(of(address, Signal::Start), start);
            let fail = start.replace("/start", "/fail");
            assert_eq!(of(address, Signal::Fail), fail);
            let same = Url::parse(address).unwrap().to_string();
            assert_eq!(of(address, Signal::Success), same);
        }
    }

    #[test]
    fn an_address_is_encrypted_or_of_this_machine_and_never_shown() {
        let new = |address: &str| Pinger::new(&Secret::new(address.into()));
        for address in ["https://hc-ping.com/1a2b", "http://127.0.0.1:8000/1a2b"] {
            let pinger = new(address).unwrap();
            assert_eq!(format!("{pinger:?}"), "Pinger(****)");
        }
        for address in ["http://hc-ping.com/1a2b", "ftp://x/1a2b", "1a2b", ""] {
            let error = new(address).unwrap_err().to_string();
            assert!(!error.contains("1a2b"), "{error}");
        }
    }
}

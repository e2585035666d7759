//! Connections to web servers and storages.

use std::error::Error;
use std::io;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};

use super::super::{Access, Problem};
use super::silent_for;
use crate::model::{Limit, Secret};

/// What all clients have in common. Redirects are not followed: they could take a secret
/// to another host.
pub(super) fn client(access: &Access<Secret>, is_loopback: bool) -> ClientBuilder {
    // Another caller may have installed one; either is as good.
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("hrfeed/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(access.connect_timeout)
        .read_timeout(access.timeout);
    if is_loopback {
        // A proxy has no business between this machine and itself.
        builder.no_proxy()
    } else {
        builder
    }
}

/// Why there was no whole answer. Nothing of the address is in it.
pub(super) fn no_answer(error: &(dyn Error + 'static), access: &Access<Secret>) -> Problem {
    let mut why = String::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(tls) = tls_error(error) {
            return Problem::Certificate(tls.to_string());
        }
        if let Some(error) = error.downcast_ref::<reqwest::Error>() {
            if error.is_timeout() && !error.is_connect() {
                return silent_for(access.timeout);
            }
            if error.is_dns() {
                return Problem::UnknownHost(innermost(error));
            }
        } else {
            why = error.to_string();
        }
        cause = error.source();
    }
    match Limit::of(error) {
        Some(limit) => Problem::Machine(format!("{why}; {}", limit.help())),
        None if why.is_empty() => Problem::NoAnswer("the connection failed".into()),
        None => Problem::NoAnswer(why),
    }
}

fn innermost(error: &dyn Error) -> String {
    let mut why = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        why = error.to_string();
        cause = error.source();
    }
    why
}

/// What TLS has against the other side, however often it is wrapped: an `io::Error` does
/// not name the error in it as its source.
fn tls_error<'e>(mut error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    loop {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        error = error.downcast_ref::<io::Error>()?.get_ref()?;
    }
}

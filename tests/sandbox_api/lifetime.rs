//! Start and stop.

use std::{io::Read, net::TcpStream};

use hrfeed::sandbox::{Faults, Sandbox, SandboxError, SandboxOptions};
use reqwest::Method;
use serde_json::json;

use crate::rehearsal::{DAY, start, with};

#[test]
fn a_port_in_use_is_an_error_that_says_what_to_do() {
    let it = with(Faults::default());
    let port = it.sandbox.port();
    let error = Sandbox::start(SandboxOptions {
        port,
        ..SandboxOptions::default()
    })
    .unwrap_err();
    assert!(matches!(error, SandboxError::PortInUse { port: p } if p == port));
    assert!(error.to_string().contains("choose another port"), "{error}");
}

#[test]
fn options_that_make_no_sense_are_refused() {
    for errors in [-0.1, 1.1, f64::NAN] {
        let faults = Faults {
            errors,
            ..Faults::default()
        };
        let error = Sandbox::start(SandboxOptions {
            faults,
            ..SandboxOptions::default()
        })
        .unwrap_err();
        assert!(matches!(&error, SandboxError::Faults(text) if text.contains("`errors`")));
    }
    let people = u64::MAX;
    let error = Sandbox::start(SandboxOptions {
        people,
        ..SandboxOptions::default()
    });
    assert!(matches!(error, Err(SandboxError::TooManyPeople { .. })));
}

#[tokio::test]
async fn dropping_it_stops_it_whatever_connections_are_open() {
    let it = with(Faults::default());
    assert_eq!(it.get("users/").await.status, 200);
    it.set_faults(&json!({"latency": DAY.as_secs()})).await;
    let port = it.sandbox.port();
    // One that never said anything, and one that waits for its answer.
    let mut silent = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let waiting = tokio::spawn(it.api(Method::GET, "users/", None).send());
    while it.stats().await["in_flight"] != 1 {}
    drop(it.sandbox);
    assert!(waiting.await.unwrap().is_err());
    let mut rest = Vec::new();
    drop(silent.read_to_end(&mut rest));
    assert_eq!(rest, b"");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    // The port can be had again at once.
    let again = start(SandboxOptions {
        port,
        ..SandboxOptions::default()
    });
    assert_eq!(again.sandbox.base_url(), format!("http://127.0.0.1:{port}"));
    assert_eq!(again.get("users/").await.status, 200);
}

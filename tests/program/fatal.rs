//! What no repetition repairs: a certificate that does not fit, a redirect, a
//! host that nobody knows. The run stops at once and says what to do; nothing
//! is sent, and the key goes nowhere else.
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

use crate::support::System::Kmi;
use crate::support::{Feed, Ran, World};

/// Listens on loopback until the process ends; counts who comes.
fn listen(talk: impl Fn(TcpStream) + Send + 'static) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let came = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&came);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            talk(stream);
        }
    });
    (port, came)
}

/// Imports five people into the LMS at that address.
fn import(address: &str) -> (World, Ran) {
    let world = World::new(Kmi).at(address);
    let ran = world.import_feed(&Feed::of(5));
    (world, ran)
}

#[test]
fn a_certificate_that_does_not_fit_stops_the_run_at_once() {
    // Signed by itself, so nobody vouches for it.
    let signed = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).unwrap();
    let certificate = CertificateDer::from(signed.cert.der().to_vec());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let (port, came) = listen(move |mut stream| {
        let mut tls = ServerConnection::new(Arc::clone(&config)).unwrap();
        // The client goes away in the middle of it.
        let _broken = tls.complete_io(&mut stream);
    });
    let (_world, ran) = import(&format!("https://localhost:{port}"));
    let ran = ran.exits(7);
    assert!(
        ran.stderr.contains("the LMS's certificate is not valid"),
        "{ran:#?}"
    );
    assert!(ran.stderr.contains("help: check `base_url`"), "{ran:#?}");
    assert_eq!(ran.count("pending"), 5);
    assert_eq!(came.load(Ordering::SeqCst), 1, "it came again");
}

#[test]
fn a_redirect_is_not_followed_and_the_key_reaches_no_other_host() {
    let (elsewhere, came_there) = listen(drop);
    let (port, came) = listen(move |mut stream| {
        let mut request = [0; 4096];
        let _read = stream.read(&mut request);
        let answer = format!(
            "HTTP/1.1 308 Moved\r\nlocation: http://127.0.0.1:{elsewhere}/\r\n\
             content-length: 0\r\nconnection: close\r\n\r\n"
        );
        let _sent = stream.write_all(answer.as_bytes());
    });
    let (_world, ran) = import(&format!("http://127.0.0.1:{port}"));
    let ran = ran.exits(7);
    assert!(
        ran.stderr.contains("redirects to another address (308)"),
        "{ran:#?}"
    );
    assert!(
        ran.stderr.contains("set `base_url` to the final address"),
        "{ran:#?}"
    );
    assert_eq!(ran.count("pending"), 5);
    assert_eq!(came.load(Ordering::SeqCst), 1);
    assert_eq!(came_there.load(Ordering::SeqCst), 0);
}

#[test]
fn a_host_that_nobody_knows_stops_the_run_at_once() {
    // Never to be given to anybody (RFC 6761).
    let (_world, ran) = import("https://lms.invalid");
    let ran = ran.exits(7);
    assert!(
        ran.stderr.contains("host name cannot be resolved"),
        "{ran:#?}"
    );
    assert!(ran.stderr.contains("typing errors"), "{ran:#?}");
    assert_eq!((ran.count("pending"), ran.count("failed")), (5, 0));
}

#[test]
fn a_web_page_in_the_place_of_the_lms_is_not_an_outage() {
    let page = "<!DOCTYPE html><title>Sign in</title>";
    let (port, _) = listen(move |mut stream| {
        let _request = stream.read(&mut [0; 4096]);
        let _sent = write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{page}",
            page.len()
        );
    });
    let world = World::new(Kmi)
        .at(&format!("http://127.0.0.1:{port}"))
        .target("max_outage = \"1s\"");
    let ran = world.import_feed(&Feed::of(5)).exits(7);
    assert_eq!(ran.json()["state"], "failed", "{ran:#?}");
    for words in [
        "a web page answers at this address, not the LMS's API",
        "a sign-in page",
    ] {
        assert!(ran.stderr.contains(words), "{ran:#?}");
    }
}

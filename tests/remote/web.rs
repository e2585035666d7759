//! Feeds of web servers.

use std::io::{Read as _, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::support::{Feed, System::Kmi};
use crate::{csv, fails, import, read, run, world};

/// What a request is answered with, by its first line and headers.
type Answers = dyn Fn(&str) -> Vec<u8> + Send + Sync;

/// An answer with a body. HEAD gets none.
fn answer(request: &str, status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n",
        body.len()
    )
    .into_bytes();
    if !request.starts_with("HEAD") {
        bytes.extend_from_slice(body);
    }
    bytes
}

/// A web server, with TLS if there is a certificate. Returns its port, and all requests.
fn serve(tls: Option<Arc<ServerConfig>>, answers: Box<Answers>) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Arc::new(Mutex::new(Vec::new()));
    let log = requests.clone();
    let answers = Arc::new(answers);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (tls, answers, log) = (tls.clone(), answers.clone(), log.clone());
            thread::spawn(move || {
                let mut stream: Box<dyn ReadWrite> = match tls {
                    None => Box::new(stream.unwrap()),
                    Some(tls) => {
                        let connection = ServerConnection::new(tls).unwrap();
                        Box::new(StreamOwned::new(connection, stream.unwrap()))
                    }
                };
                let (mut request, mut byte) = (Vec::new(), [0]);
                while !request.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
                    request.push(byte[0]);
                }
                let request = String::from_utf8(request).unwrap();
                let bytes = answers(&request);
                log.lock().unwrap().push(request);
                // The client may be gone.
                let _sent = stream.write_all(&bytes).and_then(|()| stream.flush());
            });
        }
    });
    (port, requests)
}

trait ReadWrite: std::io::Read + Write {}
impl<T: std::io::Read + Write> ReadWrite for T {}

fn certificate() -> (String, Arc<ServerConfig>) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(cert.der().to_vec())], key)
        .unwrap();
    let pem = BASE64_STANDARD.encode(cert.der());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{pem}\n-----END CERTIFICATE-----\n");
    (pem, Arc::new(config))
}

#[test]
fn a_feed_is_read_from_a_web_server_with_what_it_asks_for() {
    let (pem, tls) = certificate();
    let (port, requests) = serve(
        Some(tls),
        Box::new(|request| {
            let is_known = [
                "authorization: Bearer s3cret",
                // hr:s3cret
                "authorization: Basic aHI6czNjcmV0",
                "x-hr-key: s3cret",
            ];
            match request.split(' ').nth(1) {
                Some("/none.csv") => answer(request, "404 Not Found", "", b""),
                Some("/no.csv") => answer(request, "403 Forbidden", "", b""),
                _ if !is_known.iter().any(|it| request.contains(it)) => {
                    answer(request, "401 Unauthorized", "", b"")
                }
                Some("/signed.csv?sig=s1gnature") if request.starts_with("HEAD") => {
                    answer(request, "403 Forbidden", "", b"")
                }
                _ => answer(request, "200 OK", "", &Feed::of(3).csv_gz(Kmi)),
            }
        }),
    );
    let address = |path: &str| format!("https://localhost:{port}{path}");
    let bearer = "bearer = { env = \"SECRET\" }";
    for settings in [
        bearer,
        "user = \"hr\"\npassword = { env = \"SECRET\" }",
        "header = { name = \"X-HR-Key\", value = { env = \"SECRET\" } }",
    ] {
        let world = world("", settings);
        let trust = world.write("ca.pem", &pem);
        let trust = ("SSL_CERT_FILE", trust.to_str().unwrap());
        let variables = [("SECRET", "s3cret"), trust];
        assert_eq!(
            read(&world, &address("/people.csv.gz"), &variables),
            address("/people.csv.gz")
        );
        // A part of the address that may be secret is shown and kept nowhere.
        let signed = address("/signed.csv?sig=s1gnature");
        let arguments = ["import", &signed, "-m", "mapping.toml", "-vvv"];
        let ran = run(&world, &arguments, &variables).exits(0);
        let said = ran.said() + &world.journal_text();
        assert!(
            !said.contains("s1gnature") && !said.contains("s3cret"),
            "{said}"
        );
        let wrong = [("SECRET", "wr0ng"), trust];
        fails(
            &world,
            &address("/people.csv"),
            &wrong,
            (7, "the login was refused (401"),
        );
        fails(
            &world,
            &address("/no.csv"),
            &variables,
            (7, "access was refused (403"),
        );
        fails(
            &world,
            &address("/none.csv"),
            &variables,
            (1, "it is not there"),
        );
        let line_break = [("SECRET", "s3c\u{1}ret"), trust];
        let ran = import(&world, &address("/people.csv"), &line_break);
        assert!(!ran.said().contains("s3c"), "{ran:#?}");
    }
    assert!(
        requests
            .lock()
            .unwrap()
            .iter()
            .all(|it| !it.contains("x-hr-key: s3cret\r\nauth"))
    );
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_not_accepted() {
    let (_, tls) = certificate();
    let (port, requests) = serve(Some(tls), Box::new(|it| answer(it, "200 OK", "", b"x")));
    let world = world("", "bearer = { env = \"SECRET\" }");
    let address = format!("https://localhost:{port}/people.csv");
    let secret = [("SECRET", "s3cret")];
    fails(
        &world,
        &address,
        &secret,
        (7, "the certificate is not accepted"),
    );
    assert!(
        requests
            .lock()
            .unwrap()
            .iter()
            .all(|it| !it.contains("s3cret"))
    );
    fails(
        &world,
        "http://example.com/x.csv",
        &secret,
        (2, "unencrypted"),
    );
}

#[test]
fn a_redirect_takes_no_secret_to_another_host() {
    let came = Arc::new(AtomicUsize::new(0));
    let counter = came.clone();
    let (elsewhere, _) = serve(
        None,
        Box::new(move |it| {
            counter.fetch_add(1, Ordering::SeqCst);
            answer(it, "200 OK", "", &csv(3))
        }),
    );
    let (port, _) = serve(
        None,
        Box::new(move |it| {
            let location = format!("location: http://127.0.0.1:{elsewhere}/x.csv?key=s3cret\r\n");
            answer(it, "302 Found", &location, b"")
        }),
    );
    let world = world("", "bearer = { env = \"SECRET\" }");
    let address = format!("http://127.0.0.1:{port}/people.csv");
    let leads_to = format!("sends to another address: http://127.0.0.1:{elsewhere}/x.csv?…");
    fails(&world, &address, &[("SECRET", "s3cret")], (7, &leads_to));
    assert_eq!(came.load(Ordering::SeqCst), 0);
}

#[test]
fn an_outage_of_a_web_server_is_waited_for_if_the_mapping_says_so() {
    let came = Arc::new(AtomicUsize::new(0));
    let counter = came.clone();
    let (port, _) = serve(
        None,
        Box::new(move |it| match counter.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => answer(it, "503 Service Unavailable", "", b""),
            // It can do no more than give files, and makes each anew.
            n if it.starts_with("HEAD") => {
                let headers = format!("etag: \"{n}\"\r\n");
                answer(it, "405 Method Not Allowed", &headers, b"")
            }
            n => answer(it, "200 OK", &format!("etag: \"{n}\"\r\n"), &csv(3)),
        }),
    );
    let address = format!("http://127.0.0.1:{port}/people.csv");
    fails(&world("", ""), &address, &[], (5, "no answer: 503"));
    let patient = world("wait = \"1m\"", "");
    let ran = import(&patient, &address, &[]).exits(0);
    assert!(ran.stderr.contains("Waiting for the feed"), "{ran:#?}");
    assert_eq!(ran.count("created"), 3);
}

#[test]
fn what_belongs_to_a_feed_of_a_web_server_is_beside_it() {
    let (port, _) = serve(
        None,
        Box::new(|it| match it.split(' ').nth(1) {
            Some("/out/people.csv") => answer(it, "200 OK", "", &csv(3)),
            Some("/out/people.csv.sha256") => answer(it, "200 OK", "", "0".repeat(64).as_bytes()),
            // For any name there is a page.
            _ => answer(it, "200 OK", "", b"<html>Welcome!"),
        }),
    );
    let address = format!("http://127.0.0.1:{port}/out/people.csv");
    read(&world("", ""), &address, &[]);
    let verified = world("checksum = \".sha256\"", "");
    fails(&verified, &address, &[], (1, "does not have the checksum"));
    fails(
        &verified,
        &format!("{address}?x=1"),
        &[],
        (2, "names one file"),
    );
    let folder = format!("http://127.0.0.1:{port}/out/");
    fails(&world("", ""), &folder, &[], (1, "HTML"));
}

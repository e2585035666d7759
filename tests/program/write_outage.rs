//! An LMS that reads and does not write: what the sandbox, which is up or down,
//! cannot play. The server here is a few lines over a real socket, and speaks
//! KMI's API.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::System::Kmi;
use crate::support::{Feed, Ran, World};

/// What is answered to a request line: a status and a body.
type Answer = dyn Fn(&str) -> (u16, &'static str) + Send + Sync;

/// Serves until the process ends; counts the writes.
fn serve(
    answer: impl Fn(&str) -> (u16, &'static str) + Send + Sync + 'static,
) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let writes = Arc::new(AtomicUsize::new(0));
    let (answer, counted): (Arc<Answer>, _) = (Arc::new(answer), Arc::clone(&writes));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (answer, counted) = (Arc::clone(&answer), Arc::clone(&counted));
            std::thread::spawn(move || talk(stream, &*answer, &counted));
        }
    });
    (address, writes)
}

/// One connection, request after request.
fn talk(stream: TcpStream, answer: &Answer, writes: &AtomicUsize) -> Option<()> {
    let mut out = stream.try_clone().ok()?;
    let mut lines = BufReader::new(stream);
    loop {
        let mut request = String::new();
        if lines.read_line(&mut request).ok()? == 0 {
            return None;
        }
        let mut length = 0;
        loop {
            let mut header = String::new();
            lines.read_line(&mut header).ok()?;
            let header = header.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        std::io::copy(&mut lines.by_ref().take(length), &mut std::io::sink()).ok()?;
        writes.fetch_add(usize::from(request.starts_with("POST")), Ordering::SeqCst);
        let (status, body) = answer(&request);
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        out.write_all(head.as_bytes()).ok()?;
    }
}

/// Imports that many people into the LMS at that address.
fn import(address: &str, people: usize) -> Ran {
    import_waiting(address, people, "2s")
}

/// [`import`] with that `max_outage`.
fn import_waiting(address: &str, people: usize, max_outage: &str) -> Ran {
    let world = World::new(Kmi).at(address).target(&format!(
        "requests_per_second = 500\nmax_outage = \"{max_outage}\""
    ));
    world.import_feed(&Feed::of(people))
}

/// It has nobody, and writes nobody.
fn reads_only(request: &str) -> (u16, &'static str) {
    match request {
        request if request.starts_with("POST") => (500, "{}"),
        request if request.contains("external_id") => (404, "{}"),
        _ => (200, "[]"),
    }
}

#[test]
fn an_lms_that_reads_and_does_not_write_is_down_and_fails_no_row() {
    let (address, writes) = serve(reads_only);
    let ran = import(&address, 200).exits(5);
    for none in ["failed", "rejected", "created"] {
        assert_eq!(ran.count(none), 0, "{ran:#?}");
    }
    assert_eq!(ran.count("pending") + ran.count("unknown"), 200);
    let writes = writes.load(Ordering::SeqCst);
    assert!(writes < 100, "{writes} writes are a storm");
}

#[test]
fn a_few_rows_that_the_lms_cannot_do_fail_alone_and_end_the_run() {
    let (address, _) = serve(reads_only);
    let ran = import(&address, 2).exits(3);
    assert_eq!(ran.count("failed"), 2, "{ran:#?}");
}

/// An LMS that has all these people with another e-mail address. It answers 500
/// to the update of a person where `fails` says so.
fn has_all(
    people: usize,
    fails: impl Fn(usize) -> bool + Send + Sync + 'static,
) -> (String, Arc<AtomicUsize>) {
    // The few texts live as long as the server, which is as long as the test.
    let person = |number: usize| {
        format!(r#"{{"id":{number},"externalId":"E{number:05}","email":"other@example.com"}}"#)
    };
    let each: Vec<&'static str> = (1..=people).map(|number| &*person(number).leak()).collect();
    let all: &'static str = format!("[{}]", each.join(",")).leak();
    let last: &'static str = format!("[{}]", each.last().unwrap_or(&"")).leak();
    serve(move |request| {
        let number = request
            .split_once("external_id/E")
            .and_then(|(_, rest)| rest.split('/').next()?.parse().ok());
        match number {
            Some(number) if request.starts_with("POST") && fails(number) => (500, "{}"),
            Some(number) => (200, each[number - 1]),
            None if request.contains("offset=0&") => (200, all),
            None => (200, last),
        }
    })
}

#[test]
fn rows_that_fail_while_others_are_written_fail_alone_however_many_they_are() {
    let (address, _) = has_all(90, |number| number % 10 == 3);
    let ran = import(&address, 90).exits(3);
    assert_eq!((ran.count("failed"), ran.count("updated")), (9, 81));
}

#[test]
fn several_rows_with_nobody_beside_them_fail_once_an_outage_would_have_lasted_too_long() {
    let (address, writes) = has_all(7, |_| true);
    let ran = import_waiting(&address, 7, "3s").exits(3);
    assert_eq!(ran.count("failed"), 7, "{ran:#?}");
    let writes = writes.load(Ordering::SeqCst);
    assert!((7 * 5..=7 * 7).contains(&writes), "{writes} writes");
}

#[test]
fn several_rows_with_nobody_beside_them_are_written_when_the_lms_writes_again() {
    let asked = AtomicUsize::new(0);
    let (address, _) = has_all(7, move |_| asked.fetch_add(1, Ordering::SeqCst) < 20);
    let ran = import_waiting(&address, 7, "1m").exits(0);
    assert_eq!(ran.count("updated"), 7, "{ran:#?}");
}

#[test]
fn an_outage_is_told_with_its_length_and_its_reason_now_and_later() {
    let begun = hrfeed::clock::monotonic();
    // Nothing is written for some seconds, and everything afterwards.
    let (address, _) = has_all(60, move |_| begun.elapsed().as_secs() < 9);
    let world = World::new(Kmi)
        .at(&address)
        .target("requests_per_second = 500\nmax_outage = \"1m\"");
    world.feed(&Feed::of(60));
    let text = world
        .run(&["import", "people.csv", "-m", "mapping.toml"])
        .exits(0)
        .stdout;
    let shown = world.run(&["show", "--json"]).exits(0).json();
    let outages = shown["outages"].as_array().unwrap();
    assert_eq!(outages.len(), 1, "{shown:#}");
    let seconds = outages[0]["seconds"].as_u64().unwrap();
    assert!((5..40).contains(&seconds), "{shown:#}");
    let why = "the LMS does not accept changes (HTTP 500)";
    assert_eq!(outages[0]["reason"], why);
    let moment = |value: &serde_json::Value| {
        let text = value.as_str().unwrap();
        text.parse::<jiff::Timestamp>().unwrap()
    };
    let from = moment(&outages[0]["from"]);
    assert!(moment(&shown["started"]) <= from && from < moment(&shown["ended"]));
    let page = world.arg("report.html");
    world.run(&["report", "-o", &page]).exits(0);
    let page = std::fs::read_to_string(page).unwrap();
    for told in [&text, &world.run(&["show"]).stdout, &page] {
        assert!(told.contains("When the LMS kept the run waiting"), "{told}");
        assert!(told.contains(&format!("for {seconds} s")), "{told}");
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn a_target_that_asks_to_wait_longer_than_an_outage_may_last_ends_the_run() {
    let (address, _) = serve(|_| (429, "{}"));
    let ran = import(&address, 3).exits(5);
    assert_eq!(ran.count("pending"), 3, "{ran:#?}");
}

#[test]
fn a_person_who_is_shown_and_not_found_for_an_update_ends_as_a_failed_row() {
    const THERE: &str = r#"{"id":1,"externalId":"E00001","email":"other@example.com"}"#;
    const LISTED: &str = r#"[{"id":1,"externalId":"E00001","email":"other@example.com"}]"#;
    let (address, writes) = serve(|request| match request {
        request if request.starts_with("POST") => (404, "{}"),
        request if request.contains("external_id") => (200, THERE),
        _ => (200, LISTED),
    });
    // So many may be lost, and whoever seems to be is looked up.
    let world = World::new(Kmi).at(&address).parts("[guards]\nmax_lost = 1");
    let ran = world.import_feed(&Feed::of(1)).exits(3);
    // Nobody refused what the row says, and nobody is created.
    assert_eq!(ran.count("failed"), 1, "{ran:#?}");
    let message = world.row(2)["message"].to_string();
    assert!(
        message.contains("shows the person and does not find it for an update"),
        "{message}"
    );
    assert_eq!(writes.load(Ordering::SeqCst), 2);
}

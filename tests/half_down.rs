//! An LMS that is half down: what the sandbox, which is one thing or the other,
//! cannot play. The server here is a few lines over a real socket.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

/// What is answered to a request line: a status and a body.
type Answer = dyn Fn(&str) -> (u16, &'static str) + Send + Sync;

/// Serves until the process ends; counts the writes.
fn serve(
    answer: impl Fn(&str) -> (u16, &'static str) + Send + Sync + 'static,
) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
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

/// Imports `people` people and returns the exit code and the JSON object.
fn import(folder: &Path, address: &str, people: u32) -> (Option<i32>, Value) {
    import_waiting(folder, address, people, "2s")
}

/// [`import`] with that `max_outage`.
fn import_waiting(
    folder: &Path,
    address: &str,
    people: u32,
    max_outage: &str,
) -> (Option<i32>, Value) {
    let rows: Vec<_> = (0..people)
        .map(|n| format!("E{n},p{n}@example.com,First,Last,login{n}"))
        .collect();
    std::fs::write(
        folder.join("people.csv"),
        format!("id,mail,first,last,login\n{}\n", rows.join("\n")),
    )
    .expect("a feed");
    let mapping = format!(
        "[target]\nsystem = \"kmi\"\nbase_url = \"{address}\"\napi_key = {{ env = \"HALF_KEY\" }}\n\
         api_secret = {{ env = \"HALF_KEY\" }}\nrequests_per_second = 500\nmax_outage = \"{max_outage}\"\n\
         [fields]\nexternalId = \"id\"\nemail = \"mail\"\nfirstName = \"first\"\nlastName = \"last\"\nloginName = \"login\"\n"
    );
    std::fs::write(folder.join("mapping.toml"), mapping).expect("a mapping");
    let output = Command::new(env!("CARGO_BIN_EXE_hrfeed"))
        .current_dir(folder)
        .args([
            "import",
            "people.csv",
            "-m",
            "mapping.toml",
            "--json",
            "--journal",
            "journal.db",
        ])
        .env("HALF_KEY", "key")
        .output()
        .expect("hrfeed runs");
    let json = serde_json::from_slice(&output.stdout).expect("one JSON object");
    (output.status.code(), json)
}

#[test]
fn an_lms_that_reads_and_does_not_write_is_down_and_fails_no_row() {
    let folder = tempfile::tempdir().expect("a folder");
    let (address, writes) = serve(|request| match request {
        request if request.starts_with("POST") => (500, "{}"),
        request if request.contains("external_id") => (404, "{}"),
        _ => (200, "[]"),
    });
    let (exit, report) = import(folder.path(), &address, 200);
    assert_eq!(exit, Some(5), "{report}");
    let count = |outcome: &str| report["counts"][outcome].as_u64();
    assert_eq!(
        (count("failed"), count("rejected"), count("created")),
        (Some(0), Some(0), Some(0))
    );
    let left = count("pending")
        .zip(count("unknown"))
        .map(|(pending, unknown)| pending + unknown);
    assert_eq!(left, Some(200));
    let writes = writes.load(Ordering::SeqCst);
    assert!(writes < 100, "{writes} writes are a storm");
}

#[test]
fn a_few_rows_that_the_lms_cannot_do_fail_alone_and_end_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let (address, _) = serve(|request| match request {
        request if request.starts_with("POST") => (500, "{}"),
        request if request.contains("external_id") => (404, "{}"),
        _ => (200, "[]"),
    });
    let (exit, report) = import(folder.path(), &address, 2);
    assert_eq!(
        (exit, &report["counts"]["failed"]),
        (Some(3), &Value::from(2)),
        "{report}"
    );
}

/// An LMS that has all these people with another e-mail address. It answers 500
/// to the update of those for whom `fails` says so.
fn has_all(
    people: u32,
    fails: impl Fn(u32) -> bool + Send + Sync + 'static,
) -> (String, Arc<AtomicUsize>) {
    // The few texts live as long as the server, which is as long as the test.
    let person = |number: u32| {
        format!(r#"{{"id":{number},"externalId":"E{number}","email":"other@example.com"}}"#)
    };
    let each: Vec<&'static str> = (0..people).map(|number| &*person(number).leak()).collect();
    let all: &'static str = format!("[{}]", each.join(",")).leak();
    let last: &'static str = format!("[{}]", each.last().unwrap_or(&"")).leak();
    serve(move |request| {
        let number = request
            .split_once("external_id/E")
            .and_then(|(_, rest)| rest.split('/').next()?.parse().ok());
        match number {
            Some(number) if request.starts_with("POST") && fails(number) => (500, "{}"),
            Some(number) => (200, each[number as usize]),
            None if request.contains("offset=0&") => (200, all),
            None => (200, last),
        }
    })
}

#[test]
fn rows_that_fail_while_others_are_written_fail_alone_however_many_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let (address, _) = has_all(90, |number| number % 10 == 3);
    let (exit, report) = import(folder.path(), &address, 90);
    let counts = &report["counts"];
    assert_eq!(
        (exit, &counts["failed"], &counts["updated"]),
        (Some(3), &Value::from(9), &Value::from(81)),
        "{report}"
    );
}

#[test]
fn several_rows_with_nobody_beside_them_fail_once_an_outage_would_have_lasted_too_long() {
    let folder = tempfile::tempdir().expect("a folder");
    let (address, writes) = has_all(7, |_| true);
    let (exit, report) = import_waiting(folder.path(), &address, 7, "3s");
    assert_eq!(
        (exit, &report["counts"]["failed"]),
        (Some(3), &Value::from(7)),
        "{report}"
    );
    let writes = writes.load(Ordering::SeqCst);
    assert!((7 * 5..=7 * 7).contains(&writes), "{writes} writes");
}

#[test]
fn several_rows_with_nobody_beside_them_are_written_when_the_lms_writes_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let asked = AtomicUsize::new(0);
    let (address, _) = has_all(7, move |_| asked.fetch_add(1, Ordering::SeqCst) < 20);
    let (exit, report) = import_waiting(folder.path(), &address, 7, "1m");
    assert_eq!(
        (exit, &report["counts"]["updated"]),
        (Some(0), &Value::from(7)),
        "{report}"
    );
}

#[test]
fn a_target_that_asks_to_wait_longer_than_an_outage_may_last_ends_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let (address, _) = serve(|_| (429, "{}"));
    let (exit, report) = import(folder.path(), &address, 3);
    assert_eq!(exit, Some(5), "{report}");
    assert_eq!(report["counts"]["pending"], Value::from(3));
}

#[test]
fn a_person_who_is_shown_and_not_found_for_an_update_ends_as_a_rejected_row() {
    let folder = tempfile::tempdir().expect("a folder");
    let (address, writes) = serve(|request| match request {
        request if request.starts_with("POST") => (404, "{}"),
        request if request.contains("external_id") => (
            200,
            r#"{"id":1,"externalId":"E0","email":"other@example.com"}"#,
        ),
        _ => (200, "[]"),
    });
    let (exit, report) = import(folder.path(), &address, 1);
    assert_eq!(
        (exit, &report["counts"]["rejected"]),
        (Some(3), &Value::from(1)),
        "{report}"
    );
    assert_eq!(writes.load(Ordering::SeqCst), 2);
}

//! Each fault does what it says, and nothing else.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use hrfeed::clock;
use hrfeed::sandbox::{Faults, SandboxOptions};
use reqwest::Method;
use serde_json::json;

use crate::rehearsal::{DAY, by, got, ids, person, start, with};

#[tokio::test]
async fn beyond_the_rate_429_says_when_to_come_back() {
    let it = with(Faults {
        requests_per_second: Some(0),
        ..Faults::default()
    });
    let got = it.post("users/", &person("a", "A")).await;
    assert_eq!((got.status, got.retry_after.as_deref()), (429, Some("1")));
    it.set_faults(&json!({"requests_per_second": 1_000_000}))
        .await;
    assert_eq!(it.get("users/").await.json(), json!([]));
    let stats = it.stats().await;
    assert_eq!(stats["faults"]["requests_per_second"], 1);
    assert_eq!(stats["statuses"], json!({"200": 1, "429": 1}));
}

#[tokio::test]
async fn faults_in_place_of_an_answer_do_not_act() {
    for (faults, status, retry_after, counted) in [
        (
            Faults {
                errors: 1.0,
                ..Faults::default()
            },
            500,
            None,
            "errors",
        ),
        (
            Faults {
                unavailable: 1.0,
                ..Faults::default()
            },
            503,
            Some("1"),
            "unavailable",
        ),
        (
            Faults {
                odd_rows: [("A".to_owned(), 429)].into(),
                ..Faults::default()
            },
            429,
            Some("1"),
            "odd_rows",
        ),
        (
            Faults {
                refuse_all: Some("no".to_owned()),
                ..Faults::default()
            },
            422,
            None,
            "refuse_all",
        ),
    ] {
        let it = with(faults);
        let got = it.post("users/", &person("a", "A")).await;
        assert_eq!(
            (got.status, got.retry_after.as_deref()),
            (status, retry_after)
        );
        let stats = it.stats().await;
        assert_eq!(
            (&stats["people"], &stats["faults"][counted]),
            (&json!(0), &json!(1))
        );
    }
}

#[tokio::test]
async fn a_lost_answer_closes_the_connection_before_or_after_acting() {
    for (faults, people, counted) in [
        (
            Faults {
                lost_before: 1.0,
                ..Faults::default()
            },
            0,
            "lost_before",
        ),
        (
            Faults {
                lost_after: 1.0,
                ..Faults::default()
            },
            1,
            "lost_after",
        ),
    ] {
        let it = with(faults);
        // On a connection that is new, and on one that is kept.
        it.set_faults(&json!({})).await;
        let body = person("a", "A");
        let lost = got(it.api(Method::POST, "users/", Some(&body))).await;
        let error = lost.unwrap_err();
        assert!(
            error.is_request() && !error.is_connect() && !error.is_timeout(),
            "{error:?}"
        );
        let stats = it.stats().await;
        assert_eq!(stats["people"], people);
        assert_eq!(stats["faults"][counted], 1);
        assert_eq!(
            (&stats["requests"], &stats["statuses"]),
            (&json!(1), &json!({}))
        );
    }
}

#[test]
fn of_a_lost_answer_not_one_byte_is_sent() {
    let it = with(Faults {
        lost_after: 1.0,
        ..Faults::default()
    });
    let mut stream = TcpStream::connect(("127.0.0.1", it.sandbox.port())).unwrap();
    stream
        .write_all(b"GET /api/v2/users/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut received = Vec::new();
    // Closed in order or reset: both are what a lost answer looks like.
    drop(stream.read_to_end(&mut received));
    assert_eq!(received, b"");
}

#[test]
fn a_cut_answer_ends_in_the_middle_of_its_body() {
    let it = start(SandboxOptions {
        faults: Faults {
            cut: 1.0,
            ..Faults::default()
        },
        people: 5_000,
        ..SandboxOptions::default()
    });
    for path in ["users/1/", "users/?offset=200"] {
        let mut stream = TcpStream::connect(("127.0.0.1", it.sandbox.port())).unwrap();
        let request = format!(
            "GET /api/v2/{path} HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: k\r\nX-Api-Secret: s\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut received = Vec::new();
        drop(stream.read_to_end(&mut received));
        let received = String::from_utf8_lossy(&received);
        let (top, body) = received.split_once("\r\n\r\n").unwrap();
        let top = top.to_lowercase();
        let length = top
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        assert!(top.starts_with("http/1.1 200"));
        // Names that are not ASCII may be cut in the middle of a letter.
        let length: usize = length.unwrap().parse().unwrap();
        assert!(
            body.len().abs_diff(length / 2) <= 2,
            "{} of {length}",
            body.len()
        );
    }
}

#[tokio::test]
async fn a_cut_answer_was_acted_upon() {
    let it = with(Faults {
        cut: 1.0,
        ..Faults::default()
    });
    let body = person("a", "A");
    let cut = got(it.api(Method::POST, "users/", Some(&body))).await;
    assert!(cut.is_err(), "{cut:?}");
    assert_eq!(it.people().await, 1);
    // A delete has no body to cut: nothing of its answer arrives.
    let cut = got(it.api(Method::DELETE, "users/1/", None)).await;
    assert!(cut.is_err(), "{cut:?}");
    let stats = it.stats().await;
    assert_eq!(
        (&stats["people"], &stats["faults"]["cut"]),
        (&json!(0), &json!(2))
    );
}

#[tokio::test]
async fn garbage_is_a_page_with_200_or_502_after_acting_or_not() {
    let it = with(Faults {
        garbage: 1.0,
        ..Faults::default()
    });
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..64 {
        let before = it.people().await;
        let got = it.post("users/", &person(&format!("p{number}"), "")).await;
        assert!(got.content_type.unwrap().starts_with("text/html"));
        assert!(got.body.contains("<html>"));
        seen.insert((got.status, it.people().await - before));
    }
    let all = [(200, 0), (200, 1), (502, 0), (502, 1)];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
}

#[tokio::test]
async fn wrong_person_acts_and_shows_somebody_else() {
    let it = with(Faults::default());
    it.create("a", "A").await;
    it.create("b", "B").await;
    it.set_faults(&json!({"wrong_person": 1})).await;
    for path in ["users/1/", &by("A")] {
        assert_eq!(it.get(path).await.json()["externalId"], "B");
        let updated = it.post(path, &json!({"city": "Dublin"})).await;
        assert_eq!(
            (updated.status, updated.json()["id"].clone()),
            (200, json!(2))
        );
    }
    let created = it.post("users/", &person("c", "C")).await;
    assert_eq!(created.status, 201);
    assert_ne!(created.json()["externalId"], "C");
    // A page and a delete show no one person.
    assert_eq!(ids(&it.get("users/").await), [1, 2, 3]);
    assert_eq!(it.delete("users/3/").await.status, 204);
    assert_eq!(it.delete("users/2/").await.status, 204);
    // Also where nobody else is there.
    let stranger = it.get("users/1/").await.json();
    assert_ne!(stranger["id"], 1);
    assert_eq!(stranger["externalId"], "");
    assert_eq!(it.stats().await["faults"]["wrong_person"], 6);
    it.set_faults(&json!({"wrong_person": 0})).await;
    assert_eq!(it.get("users/1/").await.json()["city"], "Dublin");
}

#[tokio::test]
async fn twins_are_two_people_with_one_external_id_and_one_login() {
    let it = with(Faults {
        twins: 1.0,
        ..Faults::default()
    });
    assert_eq!(it.post("users/", &person("a", "A")).await.status, 201);
    // An update makes nobody.
    it.post(&by("A"), &json!({"city": "Dublin"})).await;
    let people = it.get("users/").await.json();
    let cities = [&people[0]["city"], &people[1]["city"]];
    assert_eq!(cities, [&json!("Dublin"), &json!("")]);
    for field in ["externalId", "loginName"] {
        assert_eq!(people[0][field], people[1][field], "{field}");
    }
    assert_eq!(
        (it.people().await, &it.stats().await["faults"]["twins"]),
        (2, &json!(1))
    );
}

#[tokio::test]
async fn a_login_is_anybodys_where_logins_are_shared() {
    let it = with(Faults::default());
    it.create("a", "A").await;
    assert_eq!(it.post("users/", &person("A", "B")).await.status, 400);
    it.set_faults(&json!({"shared_logins": true})).await;
    assert_eq!(it.post("users/", &person("A", "B")).await.status, 201);
}

#[tokio::test]
async fn a_clock_that_is_ahead_dates_answers_and_people() {
    let it = with(Faults::default());
    it.create("early", "A").await;
    it.set_faults(&json!({"clock_skew": 3_600})).await;
    it.create("late", "B").await;
    let answer = it.api(Method::GET, "users/", None).send().await.unwrap();
    let date = answer.headers()["date"].to_str().unwrap().to_owned();
    let date = httpdate::parse_http_date(&date).unwrap();
    let ahead = jiff::Timestamp::try_from(date)
        .unwrap()
        .duration_since(hrfeed::clock::now());
    assert!((3_590..=3_600).contains(&ahead.as_secs()), "{ahead}");
    let since = hrfeed::clock::now() + jiff::SignedDuration::from_mins(30);
    let path = format!(
        "users/?createdAfter={}",
        since.strftime("%Y-%m-%dT%H:%M:%SZ")
    );
    assert_eq!(ids(&it.get(&path).await), [2]);
}

#[tokio::test]
async fn refuse_quotes_the_address_and_does_not_act() {
    let it = with(Faults::default());
    it.create("a", "A").await;
    it.set_faults(&json!({"refuse": 1})).await;
    let got = it.post("users/", &person("b", "B")).await;
    let (field, message) = got.error();
    assert_eq!((got.status, field.as_str()), (400, "email"));
    assert!(message.contains("b@example.com"));
    // Where the body has no address, the person's own is quoted.
    let got = it.post(&by("A"), &json!({"city": "Dublin"})).await;
    assert!(got.error().1.contains("a@example.com"));
    assert_eq!(it.get(&by("A")).await.json()["city"], "");
    let stats = it.stats().await;
    assert_eq!(
        (&stats["people"], &stats["faults"]["refuse"]),
        (&json!(1), &json!(2))
    );
}

#[tokio::test]
async fn latency_comes_before_acting_and_slow_after() {
    // Waits that never end, so that nothing here hangs on how fast it runs.
    for (faults, people) in [
        (
            Faults {
                latency: DAY,
                ..Faults::default()
            },
            0,
        ),
        (
            Faults {
                slow: 1.0,
                slow_for: DAY,
                ..Faults::default()
            },
            1,
        ),
    ] {
        let it = with(faults);
        let body = person("a", "A");
        let asking = tokio::spawn(it.api(Method::POST, "users/", Some(&body)).send());
        loop {
            let stats = it.stats().await;
            if stats["in_flight"] == 1 && stats["people"] == people {
                break;
            }
        }
        asking.abort();
        // A client that gives up is in flight no more.
        while it.stats().await["in_flight"] != 0 {}
        let stats = it.stats().await;
        assert_eq!(
            (&stats["people"], &stats["statuses"]),
            (&json!(people), &json!({}))
        );
        assert_eq!(stats["faults"]["slow"], people);
    }
}

#[tokio::test]
async fn latency_and_slow_take_at_least_as_long_as_they_say() {
    let wait = Duration::from_millis(30);
    for faults in [
        Faults {
            latency: wait,
            latency_jitter: wait,
            ..Faults::default()
        },
        Faults {
            slow: 1.0,
            slow_for: wait,
            ..Faults::default()
        },
    ] {
        let it = with(faults);
        let start = clock::monotonic();
        assert_eq!(it.get("users/").await.status, 200);
        assert!(start.elapsed() >= wait);
    }
}

#[tokio::test]
async fn after_so_many_requests_it_goes_down_until_it_comes_up() {
    let it = with(Faults {
        down_after: Some(2),
        down_for: DAY,
        ..Faults::default()
    });
    let ask = async || it.get("users/").await.status;
    assert_eq!(
        [ask().await, ask().await, ask().await, ask().await],
        [200, 200, 503, 503]
    );
    assert_eq!(it.stats().await["faults"]["down_after"], 2);
    // Down for no time at all is up again at once.
    it.set_faults(&json!({"down_for": 0})).await;
    assert_eq!([ask().await, ask().await, ask().await], [200, 200, 200]);
}

#[tokio::test]
async fn one_seed_gives_the_same_faults() {
    let statuses = async |seed| {
        let it = start(SandboxOptions {
            seed,
            faults: Faults {
                errors: 0.3,
                unavailable: 0.3,
                ..Faults::default()
            },
            ..SandboxOptions::default()
        });
        let mut statuses = Vec::new();
        for _ in 0..50 {
            statuses.push(it.get("users/").await.status);
        }
        statuses
    };
    let first = statuses(1).await;
    assert_eq!(first, statuses(1).await);
    assert_ne!(first, statuses(2).await);
    for status in [200, 500, 503] {
        assert!(first.contains(&status), "{status}");
    }
}

#[tokio::test]
async fn faults_are_shown_changed_and_refused_while_it_runs() {
    let it = with(Faults {
        errors: 1.0,
        ..Faults::default()
    });
    let shown = it.set_faults(&json!({"latency": 0.001})).await.json();
    assert_eq!(
        (&shown["errors"], &shown["latency"]),
        (&json!(1.0), &json!(0.001))
    );
    let refused = it.set_faults(&json!({"errors": 2})).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("errors"), "{}", refused.body);
    assert_eq!(it.set_faults(&json!({"eror": 1})).await.status, 400);
    let again = got(it.request(Method::GET, "/sandbox/faults")).await;
    assert_eq!(again.unwrap().json(), shown);
}

#[tokio::test]
async fn people_out_of_sight_are_found_by_no_call_and_can_be_created_again() {
    let it = with(Faults::default());
    for id in ["E1", "E2", "E3"] {
        it.create(id, id).await;
    }
    it.set_faults(&json!({"lost_sight": 2})).await;
    assert_eq!(ids(&it.get("users/").await), [3]);
    let update = json!({"city": "Utrecht"});
    for path in [by("E1"), "users/2/".to_owned()] {
        assert_eq!(it.get(&path).await.status, 404, "{path}");
        assert_eq!(it.post(&path, &update).await.status, 404, "{path}");
        assert_eq!(it.delete(&path).await.status, 404, "{path}");
    }
    assert_eq!(it.create("e1", "E1").await, 4, "the login is free as well");
    assert_eq!(it.get(&by("E1")).await.json()["id"], 4);
    it.set_faults(&json!({"lost_sight": 0})).await;
    assert_eq!(ids(&it.get("users/").await), [1, 2, 3, 4]);
    assert_eq!(it.get(&by("E1")).await.json()["id"], 1);
    assert_eq!(it.stats().await["faults"]["lost_sight"], 8);
}

#[tokio::test]
async fn an_account_gets_another_external_id_and_its_details_with_one_update() {
    let it = with(Faults::default());
    let id = it.create("a", "E1").await;
    let update = json!({"externalId": "N1", "city": "Utrecht"});
    let got = it.post(&format!("users/{id}/"), &update).await.json();
    assert_eq!(
        (&got["id"], &got["externalId"], &got["city"]),
        (&json!(id), &json!("N1"), &json!("Utrecht"))
    );
    assert_eq!(it.get(&by("E1")).await.status, 404);
    assert_eq!(it.get(&by("N1")).await.json()["id"], id);
    assert_eq!(it.people().await, 1);
}

#[tokio::test]
async fn a_late_call_is_acted_upon_after_its_connection_was_closed() {
    let it = with(Faults::default());
    it.set_faults(&json!({"late": 1.0, "late_for": 0.3})).await;
    let body = person("a", "A");
    got(it.api(Method::POST, "users/", Some(&body)))
        .await
        .unwrap_err();
    assert_eq!(it.people().await, 0);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(it.people().await, 1);
    // What is only read is answered at once.
    assert_eq!(it.get(&by("A")).await.status, 200);
    assert_eq!(it.stats().await["faults"]["late"], 1);
}

#[tokio::test]
async fn look_ups_that_lag_show_people_later_and_calls_by_the_lms_s_id_at_once() {
    let it = with(Faults::default());
    it.create("a", "A").await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    it.set_faults(&json!({"lag": 0.5})).await;
    let id = it.create("b", "B").await;
    assert_eq!(it.get(&by("A")).await.status, 200);
    assert_eq!(it.get(&by("B")).await.status, 404);
    assert_eq!(it.get(&format!("users/{id}/")).await.status, 200);
    assert_eq!(ids(&it.get("users/").await), [1, 2]);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(it.get(&by("B")).await.status, 200);
    it.set_faults(&json!({"lag": 0.0, "blind_look_ups": true}))
        .await;
    assert_eq!(it.get(&by("A")).await.status, 404);
    assert_eq!(it.stats().await["faults"]["lag"], 2);
}

#[tokio::test]
async fn lists_come_short_empty_or_without_external_ids() {
    let it = with(Faults::default());
    it.create("A", "A").await;
    for number in 0..60 {
        it.create(&format!("B{number}"), "B").await;
    }
    it.set_faults(&json!({"short_lists": 1.0})).await;
    let shown = ids(&it.get("users/?limit=100").await);
    assert!(
        (1..=50).contains(&shown.len()) && shown[0] == 1,
        "{shown:?}"
    );
    it.set_faults(&json!({"short_lists": 0.0, "lists": "empty"}))
        .await;
    assert_eq!(it.get("users/").await.json(), json!([]));
    it.set_faults(&json!({"lists": "nameless"})).await;
    let list = it.get("users/").await.json();
    assert_eq!(
        (&list[0]["id"], &list[0]["externalId"]),
        (&json!(1), &json!(""))
    );
    assert_eq!(it.get(&by("A")).await.json()["externalId"], "A");
    assert_eq!(it.stats().await["faults"]["short_lists"], 2);
}

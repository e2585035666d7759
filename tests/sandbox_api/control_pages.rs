//! The control pages, which are no part of the API.

use hrfeed::sandbox::{Faults, SandboxOptions};
use reqwest::Method;
use serde_json::{Value, json};

use crate::rehearsal::{by, got, start, with};

#[tokio::test]
async fn stats_count_the_calls_by_name_and_can_start_again() {
    let it = with(Faults::default());
    it.create("a", "A").await;
    it.get("users/").await;
    it.get("users/1/").await;
    it.get("users/2/").await;
    it.get(&by("A")).await;
    it.post(&by("A"), &json!({})).await;
    it.post("users/1/", &json!({})).await;
    it.get("users/1").await;
    it.delete(&by("A")).await;
    it.delete("users/1/").await;
    let stats = it.stats().await;
    assert_eq!(
        stats["by_call"],
        json!({
            "POST users/": 1, "GET users/": 1, "GET users/{id}/": 2,
            "GET users/external_id/{external_id}/": 1, "POST users/external_id/{external_id}/": 1,
            "POST users/{id}/": 1, "DELETE users/external_id/{external_id}/": 1,
            "DELETE users/{id}/": 1, "other": 1,
        })
    );
    assert_eq!(
        stats["statuses"],
        json!({"200": 5, "201": 1, "204": 1, "404": 3})
    );
    assert_eq!(
        (&stats["requests"], &stats["peak_in_flight"]),
        (&json!(10), &json!(1))
    );
    assert!(stats["peak_per_second"].as_u64().unwrap() >= 1);
    let reset = got(it.request(Method::POST, "/sandbox/reset-stats")).await;
    assert_eq!(reset.unwrap().status, 204);
    let stats = it.stats().await;
    assert_eq!(
        (&stats["requests"], &stats["by_call"]),
        (&json!(0), &json!({}))
    );
}

#[tokio::test]
async fn everybody_is_listed_one_a_line_and_no_fault_applies_there() {
    let it = start(SandboxOptions {
        people: 1_234,
        faults: Faults {
            lost_before: 1.0,
            ..Faults::default()
        },
        ..SandboxOptions::default()
    });
    let all = got(it.request(Method::GET, "/sandbox/users"))
        .await
        .unwrap();
    let mut count = 0;
    for (line, id) in all.body.lines().zip(1..) {
        let user: Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            (&user["id"], &user["externalIds"]),
            (&json!(id), &json!([]))
        );
        count += 1;
    }
    assert_eq!(count, 1_234);
    let page = got(it.request(Method::GET, "/")).await.unwrap();
    assert!(
        page.body
            .contains(&format!("base_url = \"{}\"", it.sandbox.base_url()))
    );
    for system in ["kmi", "anewspring"] {
        assert!(page.body.contains(&format!("system = \"{system}\"")));
    }
    assert_eq!(it.stats().await["requests"], 0);
}

#[tokio::test]
async fn the_same_seed_invents_the_same_people_and_they_are_good_records() {
    let everybody = async |seed| {
        let it = start(SandboxOptions {
            people: 50,
            seed,
            ..SandboxOptions::default()
        });
        let user = it.get("users/50/").await.json();
        assert_eq!(user["createdDate"], "2024-01-15T14:58:41Z");
        for id in 1..=50 {
            // An update that changes nothing passes all the checks.
            let got = it.post(&format!("users/{id}/"), &json!({})).await;
            assert_eq!(got.status, 200, "{got:?}");
        }
        it.get("users/").await.json()[0]["address"].clone()
    };
    assert_eq!(everybody(5).await, everybody(5).await);
}

#[tokio::test]
async fn another_name_than_loopback_gets_no_answer() {
    let it = start(SandboxOptions {
        people: 1,
        ..SandboxOptions::default()
    });
    for path in ["/", "/sandbox/users", "/sandbox/stats", "/api/v2/users/"] {
        let request = it.request(Method::GET, path).header("Host", "evil.example");
        assert_eq!(got(request).await.unwrap().status, 403, "{path}");
    }
}

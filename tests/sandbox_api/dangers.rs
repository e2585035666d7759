//! What makes the API dangerous.

use hrfeed::sandbox::Faults;
use proptest::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::rehearsal::{by, got, person, with};

#[tokio::test]
async fn two_creates_with_one_external_id_make_two_people_and_it_becomes_ambiguous() {
    let it = with(Faults::default());
    it.create("a", "E1").await;
    it.create("b", "E1").await;
    it.create("c", "E2").await;
    // Nor does an update check.
    it.post("users/3/", &json!({"externalId": "E1"})).await;
    let page = it.get("users/").await.json();
    let same = page.as_array().unwrap().iter();
    assert_eq!(same.filter(|user| user["externalId"] == "E1").count(), 3);
    // A call by the ID meets the first.
    assert_eq!(it.get(&by("E1")).await.json()["id"], 1);
    it.post(&by("E1"), &json!({"city": "Dublin"})).await;
    assert_eq!(it.get("users/1/").await.json()["city"], "Dublin");
    assert_eq!(it.get("users/2/").await.json()["city"], "");
    it.delete(&by("E1")).await;
    assert_eq!(it.get(&by("E1")).await.json()["id"], 2);
}

#[tokio::test]
async fn external_ids_belong_to_the_key() {
    let mut it = with(Faults::default());
    it.create("a", "E1").await;
    it.key = "another";
    assert_eq!(it.get(&by("E1")).await.status, 404);
    assert_eq!(it.delete(&by("E1")).await.status, 404);
    let user = it.get("users/1/").await.json();
    assert_eq!(
        (&user["loginName"], &user["externalId"]),
        (&json!("a"), &json!(""))
    );
    assert_eq!(it.get("users/").await.json()[0]["externalId"], "");
    // Each key has its own, and sees only that.
    it.post("users/1/", &json!({"externalId": "X1"})).await;
    assert_eq!(it.get(&by("X1")).await.json()["externalId"], "X1");
    it.key = "rehearsal";
    assert_eq!(it.get(&by("X1")).await.status, 404);
    assert_eq!(it.get(&by("E1")).await.json()["externalId"], "E1");
    // The sandbox itself shows both, and neither key.
    let all = got(it.request(Method::GET, "/sandbox/users"))
        .await
        .unwrap();
    assert!(!all.body.contains("rehearsal") && !all.body.contains("another"));
    let line: Value = serde_json::from_str(all.body.trim_end()).unwrap();
    let ids = line["externalIds"].as_array().unwrap();
    let mut ids: Vec<_> = ids.iter().map(|id| id["externalId"].clone()).collect();
    ids.sort_by_key(Value::to_string);
    assert_eq!(ids, ["E1", "X1"]);
}

#[tokio::test]
async fn a_login_name_is_unique_in_any_case_among_those_who_are_there() {
    let it = with(Faults::default());
    it.create("Ångström", "A").await;
    it.create("b", "B").await;
    let in_use = (
        "loginName".to_owned(),
        "loginName is already in use".to_owned(),
    );
    let got = it.post("users/", &person("ångSTRÖM", "C")).await;
    assert_eq!((got.status, got.error()), (400, in_use.clone()));
    let got = it.post(&by("B"), &json!({"loginName": "ångström"})).await;
    assert_eq!((got.status, got.error()), (400, in_use));
    // One's own name is not in use by another, in whatever case.
    let got = it.post(&by("A"), &json!({"loginName": "ÅNGSTRÖM"})).await;
    assert_eq!(got.json()["loginName"], "ÅNGSTRÖM");
    it.post(&by("A"), &json!({"loginName": "c"})).await;
    assert_eq!(
        it.post(&by("B"), &json!({"loginName": "ångström"}))
            .await
            .status,
        200
    );
}

#[test]
fn any_external_id_can_be_in_the_path() {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().unwrap();
    let it = with(Faults::default());
    let round_trip = |external_id: &str| {
        runtime.block_on(async {
            let login = format!("login.{}", it.people().await);
            let id = it.create(&login, external_id).await;
            let found = it.get(&by(external_id)).await;
            assert_eq!(found.status, 200, "{external_id:?}");
            assert_eq!(found.json()["externalId"], external_id);
            it.post(&by(external_id), &json!({"city": "Dublin"})).await;
            assert_eq!(
                it.get(&format!("users/{id}/")).await.json()["city"],
                "Dublin"
            );
            it.post(&format!("users/{id}/"), &json!({"externalId": ""}))
                .await;
        });
    };
    for external_id in [
        "a/b", "100%", "%2F", "%25", "a b", "a+b", "?x=1", "#1", "Zoë", "人事", "..x", "a;b&c=d",
        "\\",
    ] {
        round_trip(external_id);
    }
    let config = ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(external_id in "\\PC{1,40}")| {
        // No URL can carry these, even encoded.
        prop_assume!(external_id != "." && external_id != "..");
        round_trip(&external_id);
    });
}

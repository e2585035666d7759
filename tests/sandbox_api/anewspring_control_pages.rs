//! The control pages, which are no part of the API, as they show aNewSpring.

use hrfeed::sandbox::SandboxOptions;
use reqwest::Method;
use serde_json::json;

use crate::{
    anewspring::{empty, start},
    rehearsal::got,
};

#[tokio::test]
async fn stats_count_the_calls_by_name() {
    let it = empty();
    it.add("E1", &["student"]).await;
    it.get("getUser/E1").await;
    it.get("getUser?userUID=U1").await;
    it.post("initializeId/a/b", &[]).await;
    it.post("addGroup/G", &[]).await;
    it.get("groupUserExists/G/E1").await;
    it.get("getUser").await;
    it.get("addUser/E1").await;
    it.get("nothing").await;
    assert_eq!(
        it.it.stats().await["by_call"],
        json!({
            "POST addUser/{userID}": 1, "GET getUser/{userID}": 1,
            "GET getUser?userUID={userUID}": 2, "POST initializeId/{login}/{userID}": 1,
            "POST addGroup/{groupID}": 1, "GET groupUserExists/{groupID}/{userID}": 1, "other": 2,
        })
    );
}

#[tokio::test]
async fn people_can_be_created_by_hand_without_an_external_id() {
    let it = empty();
    let uid = it
        .make(&json!({
            "login": "ann", "firstName": "Ann", "lastName": "Lee", "email": "ann@example.com",
            "active": false, "archived": true, "roles": ["teacher", "author"],
        }))
        .await;
    let everybody = it.everybody().await;
    let ann = &everybody[0];
    for (name, expected) in [
        ("api", json!("anewspring")),
        ("id", json!(null)),
        ("uid", json!(uid)),
        ("login", json!("ann")),
        ("email", json!("ann@example.com")),
        ("active", json!(false)),
        ("archived", json!(true)),
        ("roles", json!(["teacher", "author"])),
        ("groups", json!([])),
        ("mails", json!(0)),
    ] {
        assert_eq!(ann[name], expected, "{name}");
    }
    for (person, said) in [
        (json!([]), "not a JSON object"),
        (json!({"login": "x", "firstName": "x"}), "lastName"),
        (
            json!({"login": "ANN", "firstName": "x", "lastName": "x"}),
            "already in use",
        ),
        (json!({"id": "E1"}), "`id`"),
        (json!({"login": 5}), "`login`"),
        (json!({"active": "true"}), "`active`"),
        (json!({"roles": ["boss"]}), "`roles`"),
        (json!({"email": "x"}), "email"),
    ] {
        let request = it.it.request(Method::POST, "/sandbox/people");
        let got = got(request.body(person.to_string())).await.unwrap();
        assert_eq!(got.status, 400, "{person}");
        assert!(got.body.contains(said), "{person}: {got:?}");
    }
    assert_eq!(it.everybody().await.len(), 1);
    assert_eq!(it.it.stats().await["requests"], 0);
}

#[tokio::test]
async fn invented_people_have_no_external_id_and_come_with_the_first_call() {
    let invented = async |seed| {
        let it = start(SandboxOptions {
            people: 600,
            seed,
            ..SandboxOptions::default()
        });
        // Another API's rehearsal does not hold them.
        assert_eq!(it.lines("/sandbox/users").await.len(), 600);
        let all = it.get("getUsers").await.json();
        let all = all["users"].as_array().unwrap().clone();
        assert_eq!(all.len(), 600);
        for user in &all {
            assert_eq!(
                (&user["id"], &user["login"]),
                (&json!(null), &user["email"])
            );
        }
        assert_eq!(it.everybody().await.len(), 600);
        assert_eq!(it.it.people().await, 1_200);
        let login = all[0]["login"].as_str().unwrap();
        it.done(&format!("initializeId/{login}/E1"), &[]).await;
        // An update that changes nothing passes all the checks.
        it.done("updateUser/E1", &[]).await;
        all
    };
    assert_eq!(invented(5).await, invented(5).await);
}

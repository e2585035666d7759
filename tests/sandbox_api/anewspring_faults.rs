//! Each fault, as aNewSpring plays it.

use hrfeed::sandbox::Faults;
use reqwest::Method;
use serde_json::json;

use crate::{
    anewspring::{JANE, empty, failing},
    rehearsal::got,
};

#[tokio::test]
async fn a_refused_person_is_not_created_and_the_error_quotes_the_address() {
    let it = failing(Faults {
        refuse: 1.0,
        ..Faults::default()
    });
    let mut parameters = JANE.to_vec();
    parameters.push(("email", "jane@work.example"));
    for call in ["addUser/E1", "addOrUpdateUser/E1"] {
        let (status, message) = it.refused(call, &parameters).await;
        assert_eq!(status, 400);
        assert!(message.contains("jane@work.example"), "{message}");
    }
    assert_eq!(it.everybody().await.len(), 0);
    it.it.set_faults(&json!({"refuse": 0})).await;
    it.done("addUser/E1", &parameters).await;
    it.it.set_faults(&json!({"refuse": 1})).await;
    let (status, message) = it.refused("updateUser/E1", &[("company", "A")]).await;
    assert_eq!(status, 400);
    assert!(message.contains("jane@work.example"), "{message}");
    assert_eq!(it.person("E1").await["company"], "");
    assert_eq!(it.it.stats().await["faults"]["refuse"], 3);
}

#[tokio::test]
async fn another_persons_record_is_sent_on_demand() {
    let it = failing(Faults {
        wrong_person: 1.0,
        ..Faults::default()
    });
    it.add("E1", &[]).await;
    let stranger = it.get("getUser/E1").await.json();
    assert_ne!(stranger["uid"], "U1");
    it.add("E2", &[]).await;
    assert_eq!(it.get("getUser/E1").await.json()["id"], "E2");
    assert_eq!(it.get("getUser/E3").await.status, 404);
    assert_eq!(it.it.stats().await["faults"]["wrong_person"], 2);
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_or_cut_was_done() {
    for faults in [json!({"lost_after": 1}), json!({"cut": 1})] {
        let it = empty();
        it.it.set_faults(&faults).await;
        let lost = got(it.call(Method::POST, "addUser/E1", &JANE)).await;
        assert!(lost.is_err(), "{lost:?}");
        it.it.set_faults(&json!({"lost_after": 0, "cut": 0})).await;
        assert_eq!(it.refused("addUser/E1", &JANE).await.0, 409);
    }
}

#[tokio::test]
async fn people_out_of_sight_are_found_by_no_call_and_can_be_created_again() {
    let it = empty();
    for id in ["E1", "E2", "E3"] {
        it.add(id, &["student"]).await;
    }
    it.done("addGroup/G", &[("type", "student"), ("name", "G")])
        .await;
    it.done("addGroupUsers/G", &[("user", "E1"), ("user", "E3")])
        .await;
    it.it.set_faults(&json!({"lost_sight": 2})).await;
    let listed = |got: serde_json::Value| got["users"].as_array().unwrap().len();
    assert_eq!(listed(it.get("getUsers").await.json()), 1);
    assert_eq!(listed(it.get("getGroupUsers/G").await.json()), 1);
    for path in ["getUser/E1", "getUser?userUID=U2"] {
        assert_eq!(it.get(path).await.status, 404, "{path}");
    }
    let exists = it.get("userExists/E1").await.json();
    assert_eq!(exists["result"], false);
    for call in ["updateUser/E1", "updateUser?userUID=U1", "deleteUser/E2"] {
        assert_eq!(it.refused(call, &[]).await.0, 404, "{call}");
    }
    let add = [("user", "E1")];
    assert_eq!(it.refused("addGroupUsers/G", &add).await.0, 404);
    it.add("E1", &[]).await;
    assert_eq!(it.get("getUser/E1").await.json()["uid"], "U4");
    assert_eq!(it.everybody().await.len(), 4, "and nobody is gone");
    it.it.set_faults(&json!({"lost_sight": 0})).await;
    assert_eq!(it.get("getUser/E2").await.json()["uid"], "U2");
    let stats = it.it.stats().await;
    assert_eq!(stats["people"], 4);
    assert!(stats["faults"]["lost_sight"].as_u64().unwrap() > 8);
}

#[tokio::test]
async fn an_account_gets_another_external_id_and_its_details_with_one_update() {
    let it = empty();
    it.add("E1", &["mentor"]).await;
    it.add("E2", &[]).await;
    it.done("updateUser/E1", &[("archived", "true")]).await;
    let details = [("id", "N1"), ("company", "A"), ("archived", "false")];
    it.done("updateUser/E1", &details).await;
    assert_eq!(it.refused("updateUser/E1", &details).await.0, 404);
    let person = it.person("N1").await;
    assert_eq!(
        (&person["uid"], &person["company"], &person["archived"]),
        (&json!("U1"), &json!("A"), &json!(false))
    );
    assert_eq!(person["roles"], json!(["mentor"]));
    let (status, message) = it.refused("updateUser/E2", &[("id", "N1")]).await;
    assert_eq!(status, 409);
    assert!(message.contains("in use"), "{message}");
    assert_eq!(it.everybody().await.len(), 2);
}

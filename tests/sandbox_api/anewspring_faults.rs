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

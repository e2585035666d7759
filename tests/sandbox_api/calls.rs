//! Each call, as documented.

use hrfeed::sandbox::{Faults, SandboxOptions};
use reqwest::Method;
use serde_json::{Value, json};

use crate::rehearsal::{by, got, ids, person, start, with};

#[tokio::test]
async fn a_created_user_is_answered_whole_and_found_by_both_ids() {
    let it = with(Faults::default());
    let mut sent = person("jsmith", "ID10-05113");
    sent["city"] = "Columbus".into();
    sent["state"] = "OH".into();
    sent["country"] = "US".into();
    sent["shoeSize"] = 43.into();
    let created = it.post("users/", &sent).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.content_type.as_deref(), Some("application/json"));
    let mut user = created.json();
    for name in ["createdDate", "updatedDate"] {
        let date = user[name].take();
        let date = date.as_str().unwrap();
        assert!(date.parse::<jiff::Timestamp>().is_ok(), "{date}");
        assert_eq!((date.len(), date.ends_with('Z')), (20, true), "{date}");
    }
    let expected = json!({
        "id": 1, "email": "jsmith@example.com", "firstName": "John", "lastName": "Smith",
        "loginName": "jsmith", "address": "", "address2": "", "city": "Columbus", "state": "OH",
        "zip": "", "country": "US", "expirationDate": "", "externalId": "ID10-05113",
        "createdDate": null, "updatedDate": null,
    });
    assert_eq!(user, expected);
    for path in ["users/1/", "users/external_id/ID10-05113/"] {
        let found = it.get(path).await;
        assert_eq!((found.status, found.body.as_str()), (200, &*created.body));
    }
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_an_empty_text_clears() {
    let it = with(Faults::default());
    let mut sent = person("jsmith", "E1");
    sent["city"] = "Columbus".into();
    sent["zip"] = "43215".into();
    it.post("users/", &sent).await;
    let updated = it.post(&by("E1"), &json!({"city": "Dublin"})).await;
    assert_eq!(updated.status, 200);
    let user = updated.json();
    assert_eq!(
        (&user["city"], &user["zip"]),
        (&json!("Dublin"), &json!("43215"))
    );
    assert_eq!(user["externalId"], "E1");
    let updated = it
        .post("users/1/", &json!({"zip": "", "lastName": "Jones"}))
        .await;
    let user = updated.json();
    assert_eq!(
        (&user["zip"], &user["lastName"]),
        (&json!(""), &json!("Jones"))
    );
    // The external ID is a field like any other.
    it.post("users/1/", &json!({"externalId": "E2"})).await;
    assert_eq!(it.get(&by("E1")).await.status, 404);
    assert_eq!(it.get(&by("E2")).await.json()["id"], 1);
    it.post(&by("E2"), &json!({"externalId": ""})).await;
    assert_eq!(it.get(&by("E2")).await.status, 404);
    assert_eq!(it.get("users/1/").await.json()["externalId"], "");
}

#[tokio::test]
async fn a_deleted_user_vanishes_and_frees_the_login_name() {
    let it = with(Faults::default());
    it.create("a", "A").await;
    it.create("b", "B").await;
    for path in ["users/1/".to_owned(), by("B")] {
        let deleted = it.delete(&path).await;
        assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
        assert_eq!(it.delete(&path).await.status, 404);
    }
    for path in ["users/1/", "users/2/", &by("A"), &by("B")] {
        let got = it.get(path).await;
        assert_eq!(got.status, 404);
        assert!(!got.error().1.is_empty());
        assert_eq!(it.post(path, &json!({})).await.status, 404);
    }
    assert_eq!(it.get("users/").await.json(), json!([]));
    assert_eq!(it.people().await, 0);
    // Ids are never used again.
    assert_eq!(it.create("a", "A").await, 3);
}

#[tokio::test]
async fn a_list_has_pages_of_at_most_100_in_the_order_of_ids() {
    let it = start(SandboxOptions {
        people: 2_500,
        ..SandboxOptions::default()
    });
    assert_eq!(ids(&it.get("users/").await), (1..=100).collect::<Vec<_>>());
    assert_eq!(ids(&it.get("users/?limit=1000").await).len(), 100);
    assert_eq!(ids(&it.get("users/?offset=7&limit=2").await), [8, 9]);
    for id in (1..=2_400).step_by(2) {
        it.delete(&format!("users/{id}/")).await;
    }
    let mut listed = Vec::new();
    loop {
        let page = ids(&it.get(&format!("users/?offset={}", listed.len())).await);
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    let left: Vec<u64> = (1..=2_500)
        .filter(|id| id % 2 == 0 || *id > 2_400)
        .collect();
    assert_eq!(listed, left);
    assert_eq!(it.get("users/?offset=x").await.error().0, "offset");
    assert_eq!(it.get("users/?limit=-1").await.error().0, "limit");
    assert_eq!(it.get("users/?groupId=5").await.json(), json!([]));
}

#[tokio::test]
async fn a_list_can_be_bounded_by_when_people_were_created_or_updated() {
    let it = start(SandboxOptions {
        people: 3,
        ..SandboxOptions::default()
    });
    it.create("new", "N").await;
    it.post("users/2/", &json!({"city": "Dublin"})).await;
    let year = "2025-01-01T00:00:00Z";
    let page = it.get(&format!("users/?createdAfter={year}")).await;
    assert_eq!(ids(&page), [4]);
    let page = it.get(&format!("users/?updatedAfter={year}")).await;
    assert_eq!(ids(&page), [2, 4]);
    let page = it
        .get(&format!("users/?updatedAfter={year}&offset=1"))
        .await;
    assert_eq!(ids(&page), [4]);
    let page = it
        .get("users/?createdAfter=2024-01-15T14:58:40Z&limit=2")
        .await;
    assert_eq!(ids(&page), [1, 2]);
    assert_eq!(
        ids(&it.get("users/?createdAfter=2024-01-15T14:58:41Z").await),
        [4]
    );
    assert_eq!(
        it.get("users/?createdAfter=soon").await.error().0,
        "createdAfter"
    );
}

#[tokio::test]
async fn credentials_are_asked_for_on_every_call() {
    let it = with(Faults::default());
    let ask = async |key: Option<&str>, secret: Option<&str>| {
        let mut request = it.request(Method::GET, "/api/v2/users/");
        for (name, value) in [("X-Api-Key", key), ("X-Api-Secret", secret)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let got = got(request).await.unwrap();
        if got.status != 200 {
            assert!(!got.error().1.is_empty());
        }
        got.status
    };
    assert_eq!(ask(None, None).await, 401);
    assert_eq!(ask(Some("k"), None).await, 401);
    assert_eq!(ask(None, Some("s")).await, 401);
    assert_eq!(ask(Some(""), Some("s")).await, 401);
    assert_eq!(ask(Some("k"), Some("")).await, 401);
    assert_eq!(ask(Some("expired"), Some("s")).await, 401);
    assert_eq!(ask(Some("denied"), Some("s")).await, 403);
    assert_eq!(ask(Some("k"), Some("s")).await, 200);
}

#[tokio::test]
async fn a_bad_record_is_refused_with_the_fields_that_are_wrong() {
    let it = with(Faults::default());
    let fields = async |path: &str, body: Value| {
        let got = it.post(path, &body).await;
        assert_eq!(got.status, 400, "{body}");
        let errors = got.json()["errors"].clone();
        let errors = errors.as_array().unwrap().iter();
        errors
            .map(|error| error["field"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let required = ["email", "firstName", "lastName", "loginName"];
    assert_eq!(fields("users/", json!({})).await, required);
    for field in required {
        let mut body = person("a", "A");
        body[field] = "".into();
        assert_eq!(fields("users/", body.clone()).await, [field]);
        body.as_object_mut().unwrap().remove(field);
        assert_eq!(fields("users/", body).await, [field]);
    }
    let changed = |name: &str, value: Value| {
        let mut body = person("a", "A");
        body[name] = value;
        body
    };
    for (name, value) in [
        ("email", json!("nobody")),
        ("country", json!("Netherlands")),
        ("country", json!("N1")),
        ("city", json!(5)),
        ("zip", json!(null)),
        ("externalId", json!(1523)),
    ] {
        assert_eq!(fields("users/", changed(name, value)).await, [name]);
    }
    let mut ohio = changed("country", json!("US"));
    ohio["state"] = "Ohio".into();
    assert_eq!(fields("users/", ohio.clone()).await, ["state"]);
    assert_eq!(it.people().await, 0);
    // A state elsewhere is any text, until the country becomes US.
    ohio["country"] = "NL".into();
    assert_eq!(it.post("users/", &ohio).await.status, 201);
    assert_eq!(
        fields("users/1/", json!({"country": "US"})).await,
        ["state"]
    );
    assert_eq!(fields("users/1/", json!({"email": ""})).await, ["email"]);
    assert_eq!(it.get("users/1/").await.json()["country"], "NL");
    // Too long for the sandbox, and too long to be read at all.
    assert_eq!(
        fields("users/1/", json!({"city": "x".repeat(70_000)})).await,
        [""]
    );
    let got = it
        .post("users/1/", &json!({"city": "x".repeat(2_000_000)}))
        .await;
    assert_eq!(got.status, 413);
}

#[tokio::test]
async fn a_body_must_be_a_json_object_and_say_so() {
    let it = with(Faults::default());
    let send = async |kind: Option<&str>, body: &str| {
        let mut request = it.api(Method::POST, "users/", None).body(body.to_owned());
        if let Some(kind) = kind {
            request = request.header("Content-Type", kind);
        }
        got(request).await.unwrap().status
    };
    let good = person("a", "A").to_string();
    assert_eq!(send(None, &good).await, 415);
    assert_eq!(send(Some("text/plain"), &good).await, 415);
    for body in ["", "{", "[]", "\"x\"", "email=a%40example.com"] {
        assert_eq!(send(Some("application/json"), body).await, 400, "{body}");
    }
    assert_eq!(
        send(Some("Application/JSON; charset=utf-8"), &good).await,
        201
    );
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused() {
    let it = with(Faults::default());
    it.create("a", "A").await;
    for path in [
        "users",
        "users/1",
        "users/external_id/A",
        "users/external_id/",
        "users/0/",
        "users/-1/",
        "users/x/",
        "users//",
        "users/1/2/",
        "users/external_id/A/B/",
        "groups/",
        "",
    ] {
        assert_eq!(it.get(path).await.status, 404, "{path}");
    }
    for path in [
        "/api/",
        "/api/v1/users/",
        "/users/",
        "/sandbox/",
        "/sandbox/x",
        "/x",
    ] {
        let got = got(it.request(Method::GET, path)).await.unwrap();
        assert_eq!(got.status, 404, "{path}");
    }
    for (method, path) in [
        (Method::DELETE, "users/"),
        (Method::PUT, "users/1/"),
        (Method::PATCH, "users/external_id/A/"),
    ] {
        assert_eq!(got(it.api(method, path, None)).await.unwrap().status, 405);
    }
    assert_eq!(it.get("users/external_id/%FF/").await.status, 400);
    assert_eq!(it.people().await, 1);
}

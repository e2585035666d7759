//! What all calls have in common: key, form, errors.

use reqwest::Method;
use serde_json::json;

use crate::{
    anewspring::{JANE, empty, encoded, refusal},
    rehearsal::got,
};

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_key_is_asked_for_on_every_call() {
    let it = empty();
    let ask = async |key: Option<&str>, path: &str| {
        let mut request = it
            .it
            .request(Method::GET, &format!("/api/{path}_formatErrors=true"));
        if let Some(key) = key {
            request = request.header("X-API-Key", key);
        }
        got(request).await.unwrap()
    };
    for key in [None, Some(""), Some("expired")] {
        assert_eq!(refusal(&ask(key, "getUsers?").await).0, 401, "{key:?}");
    }
    assert_eq!(refusal(&ask(Some("denied"), "getUsers?").await).0, 403);
    assert_eq!(ask(Some("k"), "getUsers?").await.status, 200);
    assert_eq!(it.it.stats().await["keys_in_urls"], 0);
    // A key in the URL wins, and is counted.
    assert_eq!(ask(None, "getUsers?_key=k&").await.status, 200);
    assert_eq!(ask(Some("k"), "getUsers?_key=expired&").await.status, 401);
    assert_eq!(it.it.stats().await["keys_in_urls"], 2);
}

#[tokio::test]
async fn all_keys_see_one_environment() {
    let mut it = empty();
    it.add("E1", &[]).await;
    it.key = "another";
    assert_eq!(
        it.get("userExists/E1").await.json(),
        json!({"result": true})
    );
    assert_eq!(it.refused("addUser/E1", &JANE).await.0, 409);
}

#[tokio::test]
async fn a_key_can_be_kept_from_some_calls() {
    let mut it = empty();
    it.add("E1", &[]).await;
    let role = [("role", "student")];
    it.key = "denied:addUserRoles,deleteUser";
    assert_eq!(
        it.refused("addUserRoles/E1", &role).await,
        (
            403,
            "API call addUserRoles is not allowed for this API key".to_owned()
        )
    );
    assert_eq!(it.refused("deleteUser/E1", &[]).await.0, 403);
    it.done("updateUser/E1", &[]).await;
    it.key = "notlisted:addUserRoles,deleteUser";
    assert_eq!(
        it.refused("addUserRoles/E1", &role).await,
        (
            400,
            "API call addUserRoles is not whitelisted for this API key".to_owned()
        )
    );
    it.done("updateUser/E1", &[]).await;
    it.key = "denied:";
    it.done("deleteUser/E1", &[]).await;
}

#[tokio::test]
async fn errors_are_text_or_html_unless_asked_for_otherwise() {
    let it = empty();
    let ask = async |query: &str, accept: &str| {
        let request = it
            .request(Method::GET, &format!("getUser/%3Cb%3E{query}"))
            .header("Accept", accept);
        let got = got(request).await.unwrap();
        assert_eq!(got.status, 404);
        (got.content_type.clone().unwrap(), got.body)
    };
    let mut kinds = Vec::new();
    for _ in 0..4 {
        let (kind, body) = ask("", "application/json").await;
        let quoted = if kind.starts_with("text/html") {
            "&lt;b&gt;"
        } else {
            "<b>"
        };
        assert!(body.contains(quoted), "{kind}: {body}");
        kinds.push(kind);
    }
    let (html, text) = ("text/html; charset=utf-8", "text/plain; charset=utf-8");
    assert_eq!(kinds, [html, text, html, text]);
    for (accept, kind) in [
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("text/xml, application/json", "application/json"),
    ] {
        assert_eq!(ask("?_formatErrors=true", accept).await.0, kind);
    }
    for (accept, kind, begin) in [
        ("text/xml", "application/xml", "<error><status>404</status>"),
        ("text/plain", text, "There is no user"),
    ] {
        let (got, body) = ask("?_formatErrors=true", accept).await;
        assert_eq!(got, kind);
        assert!(body.starts_with(begin), "{body}");
    }
}

#[tokio::test]
async fn answers_are_in_the_form_that_accept_asks_for() {
    let it = empty();
    it.done("addUser/E1", &JANE).await;
    let ask = async |accept: &str| {
        let request = it.request(Method::GET, "userExists/E1?_formatErrors=true");
        got(request.header("Accept", accept)).await.unwrap()
    };
    for (accept, kind, body) in [
        ("application/json", "application/json", "{\"result\":true}"),
        (
            "text/xml",
            "application/xml",
            "<response><result>true</result></response>",
        ),
        ("text/plain", "text/plain; charset=utf-8", "result: true\n"),
        (
            "text/xml, application/json",
            "application/json",
            "{\"result\":true}",
        ),
    ] {
        let got = ask(accept).await;
        assert_eq!(got.content_type.as_deref(), Some(kind), "{accept}");
        assert_eq!(got.body, body);
    }
    let got = ask("image/png").await;
    assert_eq!(got.status, 406);
    assert!(got.body.contains("\"status\":406"), "{got:?}");
}

#[tokio::test]
async fn success_is_silent_unless_a_message_is_asked_for() {
    let it = empty();
    it.done("addUser/E1", &JANE).await;
    let got = it
        .post("updateUser/E1?_returnSuccessMessage=true", &[])
        .await;
    assert_eq!(got.status, 200);
    assert_eq!(got.json(), json!({"message": "The user E1 was updated"}));
}

#[tokio::test]
async fn a_body_is_a_form_and_says_so() {
    let it = empty();
    let send = async |kind: Option<&str>, body: Vec<u8>| {
        let mut request = it
            .request(Method::POST, "addUser/E1?_formatErrors=true")
            .body(body);
        if let Some(kind) = kind {
            request = request.header("Content-Type", kind);
        }
        refusal(&got(request).await.unwrap())
    };
    let good = encoded(&JANE).into_bytes();
    for kind in [None, Some("application/json"), Some("text/plain")] {
        assert_eq!(send(kind, good.clone()).await.0, 415, "{kind:?}");
    }
    // Without a body it is the parameters that are missing.
    assert_eq!(send(None, Vec::new()).await.0, 400);
    let (status, message) = send(Some(FORM), b"firstName=%EBva".to_vec()).await;
    assert_eq!((status, &*message), (400, "The body is not UTF-8"));
    assert_eq!(send(Some(FORM), b"firstName=\xEBva".to_vec()).await.0, 400);
    let no_boundary = send(Some("multipart/form-data"), good.clone()).await;
    assert_eq!(no_boundary.0, 400);
    assert_eq!(it.everybody().await.len(), 0);
    let request = it
        .request(Method::POST, "addUser/E1")
        .header(
            "Content-Type",
            "Application/X-WWW-Form-URLEncoded; charset=UTF-8",
        )
        .body(b"&firstName=%C3%89va+M&lastName=D&&login=e%2Bva".to_vec());
    assert_eq!(got(request).await.unwrap().status, 200);
    let person = it.person("E1").await;
    assert_eq!(
        (&person["firstName"], &person["login"]),
        (&json!("Éva M"), &json!("e+va"))
    );
}

#[tokio::test]
async fn unknown_calls_and_methods_are_refused() {
    let it = empty();
    for path in ["getuser/E1", "getUsers/", "addUser", "v2", "initializeId/x"] {
        assert_eq!(it.get(path).await.status, 404, "{path}");
        assert_eq!(it.post(path, &[]).await.status, 404, "{path}");
    }
    assert_eq!(refusal(&it.get("addUser/E1").await).0, 405);
    assert_eq!(refusal(&it.post("getUsers", &[]).await).0, 405);
    let put = got(it.call(Method::PUT, "updateUser/E1", &[])).await;
    assert_eq!(put.unwrap().status, 405);
}

#[tokio::test]
async fn both_apis_answer_side_by_side() {
    let it = empty();
    it.add("E1", &[]).await;
    it.it.create("kmi", "E1").await;
    it.it.get("users/").await;
    it.get("getUsers").await;
    let lines = it.lines("/sandbox/users").await;
    let apis: Vec<_> = lines.iter().map(|line| line.get("api")).collect();
    assert_eq!(apis, [None, Some(&json!("anewspring"))]);
    assert_eq!(it.lines("/sandbox/users?api=kmi").await, lines[..1]);
    assert_eq!(it.lines("/sandbox/users?api=anewspring").await, lines[1..]);
    let stats = it.it.stats().await;
    assert_eq!(stats["people"], 2);
    assert_eq!(
        stats["by_call"],
        json!({
            "GET getUsers": 1, "GET users/": 1, "POST addUser/{userID}": 1, "POST users/": 1,
        })
    );
}

//! Each call about users, with each documented error.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    anewspring::{Environment, JANE, empty, refusal},
    rehearsal::got,
};

/// `JANE` with more parameters.
fn jane<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut parameters = JANE.to_vec();
    parameters.extend(more);
    parameters
}

async fn uid(it: &Environment, id: &str) -> String {
    let user = it.get(&format!("getUser/{id}")).await.json();
    user["uid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_added_user_is_shown_by_id_and_by_uid() {
    let it = empty();
    it.done(
        "addUser/E1",
        &jane(&[
            ("middleName", "van"),
            ("email", "jane@example.com"),
            ("gender", "female"),
            ("dateOfBirth", "1980-02-29"),
            ("custom5", "Łódź & co = 100%"),
            ("timeZone", "Europe/Amsterdam"),
            ("role", "student"),
            ("role", "author"),
            ("renewable", "true"),
            ("password", "correct horse"),
            ("forcePasswordChange", "true"),
            ("shoeSize", "43"),
        ]),
    )
    .await;
    let answer = it.get("getUser/E1").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.content_type.as_deref(), Some("application/json"));
    assert!(!answer.body.contains("horse"), "{answer:?}");
    let user = answer.json();
    let same = it
        .get(&format!("getUser?userUID={}", uid(&it, "E1").await))
        .await;
    assert_eq!(same.body, answer.body);
    for (name, expected) in [
        ("id", json!("E1")),
        ("login", json!("jane@example.com")),
        ("firstName", json!("Jane")),
        ("middleName", json!("van")),
        ("gender", json!("female")),
        ("dateOfBirth", json!("1980-02-29")),
        ("custom5", json!("Łódź & co = 100%")),
        ("timeZone", json!("Europe/Amsterdam")),
        ("company", json!("")),
        ("roles", json!(["student", "author"])),
        ("active", json!(true)),
        ("archived", json!(false)),
        ("renewable", json!(true)),
        ("forcePasswordChange", json!(true)),
        ("hasAvatar", json!(false)),
    ] {
        assert_eq!(user[name], expected, "{name}");
    }
    assert_eq!(
        it.get("getUsers").await.json(),
        json!({"users": [{
            "id": "E1", "uid": user["uid"], "name": "Jane van Doe", "login": "jane@example.com",
            "email": "jane@example.com", "active": true,
        }]})
    );
    let shown = it.person("E1").await;
    assert_eq!(
        (&shown["mails"], &shown["passwords_set"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(refusal(&it.get("getUser/e1").await).0, 404);
    assert_eq!(refusal(&it.get("getUser?userUID=U99").await).0, 404);
    assert_eq!(refusal(&it.get("getUser").await).0, 400);
}

#[tokio::test]
async fn who_exists_is_asked_by_id_and_by_uid() {
    let it = empty();
    it.add("a/b c", &[]).await;
    let uid = it.everybody().await[0]["uid"].as_str().unwrap().to_owned();
    for (path, expected) in [
        ("userExists/a%2Fb%20c".to_owned(), true),
        ("userExists/a".to_owned(), false),
        (format!("userExists?userUID={uid}"), true),
        ("userExists?userUID=1".to_owned(), false),
    ] {
        let got = it.get(&path).await;
        assert_eq!(got.json(), json!({"result": expected}), "{path}");
    }
    assert_eq!(refusal(&it.get("userExists").await).0, 400);
    assert_eq!(refusal(&it.get("userExists/%FF").await).0, 400);
}

#[tokio::test]
async fn a_user_is_added_once_and_a_login_belongs_to_one_person() {
    let it = empty();
    it.done("addUser/E1", &jane(&[])).await;
    let (status, message) = it.refused("addUser/E1", &jane(&[])).await;
    assert_eq!((status, &*message), (409, "A user with the ID E1 exists"));
    let login = [("login", "JANE@example.com")];
    let two = [("firstName", "J"), ("lastName", "D"), login[0]];
    let (status, message) = it.refused("addUser/E2", &two).await;
    assert_eq!(status, 409);
    assert!(
        message.contains("login JANE@example.com is already in use"),
        "{message}"
    );
    // An archived person keeps both.
    it.done("updateUser/E1", &[("archived", "true")]).await;
    assert_eq!(it.refused("addUser/E2", &two).await.0, 409);
    let (status, message) = it.refused("addUser/E1", &jane(&[])).await;
    assert_eq!((status, &*message), (409, "The user E1 is archived"));
    it.add("E2", &[]).await;
    assert_eq!(it.refused("updateUser/E2", &login).await.0, 409);
    // A person may keep the login, in another case too.
    it.done("updateUser/E2", &[("login", "e2")]).await;
    it.done("deleteUser/E1", &[]).await;
    it.done("updateUser/E2", &login).await;
    it.add("E1", &[]).await;
}

#[tokio::test]
async fn parameters_are_checked_and_nothing_is_done_where_one_is_wrong() {
    let it = empty();
    for name in ["firstName", "lastName", "login"] {
        let mut parameters = jane(&[]);
        parameters.retain(|(other, _)| *other != name);
        let (status, message) = it.refused("addUser/E1", &parameters).await;
        assert_eq!((status, message), (400, format!("{name} is mandatory")));
    }
    it.done("addUser/there", &[JANE[0], JANE[1], ("login", "there")])
        .await;
    let long = "x".repeat(256);
    for (name, value, status) in [
        ("gender", "m", 400),
        ("dateOfBirth", "1980-02-30", 400),
        ("dateOfBirth", "29-02-1980", 400),
        ("email", "nobody", 400),
        ("email", "@example.com", 400),
        ("active", "yes", 400),
        ("renewable", "", 400),
        ("notify", "1", 400),
        ("password", "seven77", 400),
        ("firstName", "twice", 400),
        ("avatar", "text", 400),
        ("forcePasswordChange", "true", 409),
    ] {
        let (got, message) = it.refused("addUser/E1", &jane(&[(name, value)])).await;
        assert_eq!(got, status, "{name}: {message}");
        if name == "firstName" {
            continue;
        }
        let (got, message) = it.refused("updateUser/there", &[(name, value)]).await;
        assert_eq!(got, status, "{name}: {message}");
    }
    let (_, message) = it
        .refused("updateUser/there", &[("dateOfBirth", "x")])
        .await;
    assert_eq!(message, "\"x\" does not contain an ISO8601 date value");
    for (name, value) in [("role", "Learner"), ("id", "E2"), ("archived", "false")] {
        let more = jane(&[(name, value)]);
        assert_eq!(it.refused("addUser/E1", &more).await.0, 400, "{name}");
    }
    for (name, value) in [
        ("role", "student"),
        ("id", ""),
        ("id", &*long),
        ("archived", "x"),
        ("login", ""),
        ("lastName", ""),
    ] {
        let got = it.refused("updateUser/there", &[(name, value)]).await;
        assert_eq!(got.0, 400, "{name}");
    }
    let both = jane(&[("password", "long enough"), ("generatePassword", "true")]);
    assert_eq!(it.refused("addUser/E1", &both).await.0, 400);
    assert_eq!(
        it.refused(&format!("addUser/{long}"), &jane(&[])).await.0,
        400
    );
    let everybody = it.everybody().await;
    assert_eq!(everybody.len(), 1);
    let there = &everybody[0];
    assert_eq!(
        (&there["lastName"], &there["mails"], &there["passwords_set"]),
        (&json!("Doe"), &json!(0), &json!(0))
    );
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_an_empty_text_clears() {
    let it = empty();
    let details = [
        ("company", "ACME"),
        ("gender", "male"),
        ("dateOfBirth", "1980-01-02"),
        ("email", "a@b"),
    ];
    it.done("addUser/E1", &jane(&details)).await;
    it.done("updateUser/E1", &[("function", "CEO")]).await;
    let user = it.get("getUser/E1").await.json();
    assert_eq!(
        (&user["company"], &user["function"]),
        (&json!("ACME"), &json!("CEO"))
    );
    let by_uid = format!("updateUser?userUID={}", uid(&it, "E1").await);
    let cleared = details.map(|(name, _)| (name, ""));
    it.done(&by_uid, &cleared).await;
    it.done(&by_uid, &[("active", "false"), ("id", "E2")]).await;
    assert_eq!(it.get("getUser/E1").await.status, 404);
    let user = it.get("getUser/E2").await.json();
    for (name, _) in details {
        assert_eq!(user[name], "", "{name}");
    }
    assert_eq!(
        (&user["active"], &user["function"]),
        (&json!(false), &json!("CEO"))
    );
    assert_eq!(it.get("getUsers").await.json()["users"][0]["active"], false);
    // The old ID is free, one in use is not, and one's own may be named.
    it.add("E1", &[]).await;
    assert_eq!(it.refused("updateUser/E1", &[("id", "E2")]).await.0, 409);
    it.done("updateUser/E1", &[("id", "E1")]).await;
    assert_eq!(it.refused("updateUser/E3", &[]).await.0, 404);
    assert_eq!(it.refused("updateUser?userUID=U9", &[]).await.0, 404);
}

#[tokio::test]
async fn an_archived_user_must_be_brought_back_first() {
    let it = empty();
    it.add("E1", &[]).await;
    it.done("updateUser/E1", &[("archived", "true"), ("company", "A")])
        .await;
    let user = it.get("getUser/E1").await.json();
    assert_eq!(
        (&user["archived"], &user["active"], &user["company"]),
        (&json!(true), &json!(true), &json!("A"))
    );
    for parameters in [&[("company", "B")], &[("archived", "true")]] {
        for call in ["updateUser/E1", "addOrUpdateUser/E1"] {
            let refused = it.refused(call, parameters).await;
            assert_eq!(refused, (409, "The user E1 is archived".to_owned()));
        }
    }
    // Everybody is in the list, archived people too.
    let all = it.get("getUsers").await.json();
    assert_eq!(all["users"].as_array().unwrap().len(), 1);
    it.done("updateUser/E1", &[("archived", "false"), ("company", "B")])
        .await;
    let user = it.get("getUser/E1").await.json();
    assert_eq!(
        (&user["archived"], &user["company"]),
        (&json!(false), &json!("B"))
    );
}

#[tokio::test]
async fn add_or_update_takes_the_parameters_of_what_it_works_as() {
    let it = empty();
    let call = "addOrUpdateUser/E1";
    assert_eq!(it.refused(call, &jane(&[("id", "E2")])).await.0, 400);
    it.done(call, &jane(&[("role", "student")])).await;
    let (status, message) = it.refused(call, &jane(&[("role", "student")])).await;
    assert_eq!(
        (status, &*message),
        (400, "role is not a parameter of updateUser")
    );
    it.done(call, &[("company", "ACME"), ("id", "E2")]).await;
    let user = it.get("getUser/E2").await.json();
    assert_eq!(
        (&user["company"], &user["roles"]),
        (&json!("ACME"), &json!(["student"]))
    );
    assert_eq!(it.post("addOrUpdateUser?userUID=U1", &[]).await.status, 404);
    assert_eq!(it.post("addUser?userUID=U1", &[]).await.status, 404);
}

#[tokio::test]
async fn mails_and_passwords_are_counted_for_each_person() {
    let it = empty();
    let generated = [("generatePassword", "true"), ("notify", "true")];
    it.done("addUser/E1", &jane(&generated)).await;
    it.done("addOrUpdateUser/E1", &[("notify", "true")]).await;
    it.done("updateUser/E1", &[("password", "long enough")])
        .await;
    it.done("updateUser/E1", &[("notify", "false")]).await;
    it.done(
        "updateUser/E1",
        &[
            ("generatePassword", "true"),
            ("forcePasswordChange", "true"),
        ],
    )
    .await;
    let user = it.person("E1").await;
    assert_eq!(
        (&user["mails"], &user["passwords_set"]),
        (&json!(3), &json!(3))
    );
    it.done("updateUser/E1", &[("forcePasswordChange", "false")])
        .await;
    assert_eq!(it.person("E1").await["forcePasswordChange"], false);
}

#[tokio::test]
async fn an_external_id_is_given_once_to_a_person_created_by_hand() {
    let it = empty();
    let person = json!({"firstName": "By", "lastName": "Hand", "login": "By.Hand@example.com"});
    let uid = it.make(&person).await;
    it.add("E1", &[]).await;
    assert_eq!(
        it.get("getUsers").await.json()["users"][0]["id"],
        Value::Null
    );
    let login = "by.hand%40example.com";
    let call = |login: &str, id: &str| format!("initializeId/{login}/{id}");
    assert_eq!(it.refused(&call("nobody", "E2"), &[]).await.0, 404);
    let (status, message) = it.refused(&call(login, "E1"), &[]).await;
    assert_eq!((status, &*message), (409, "The ID E1 is already in use"));
    it.done(&call(login, "E%2F2"), &[]).await;
    assert_eq!(it.get("getUser/E%2F2").await.json()["uid"], uid);
    let (status, message) = it.refused(&call(login, "E3"), &[]).await;
    assert_eq!(status, 409);
    assert!(message.ends_with("has an ID already: E/2"), "{message}");
}

#[tokio::test]
async fn roles_are_added_and_never_twice_unless_that_is_to_be_ignored() {
    let it = empty();
    it.add("E1", &["student"]).await;
    let call = "addUserRoles/E1";
    let roles = [("role", "teacher"), ("role", "student")];
    let (status, message) = it.refused(call, &roles).await;
    assert_eq!(
        (status, &*message),
        (409, "The user E1 has these roles already: student")
    );
    assert_eq!(it.person("E1").await["roles"], json!(["student"]));
    let ignoring = [roles[0], roles[1], ("ignoreDuplicates", "true")];
    it.done(call, &ignoring).await;
    it.done(call, &ignoring).await;
    let by_uid = format!("addUserRoles?userUID={}", uid(&it, "E1").await);
    let rest = [
        "mentor",
        "author",
        "designer",
        "administrator",
        "reseller",
        "tenant",
    ];
    it.done(&by_uid, &rest.map(|role| ("role", role))).await;
    assert_eq!(
        it.get("getUser/E1").await.json()["roles"],
        json!([
            "student",
            "teacher",
            "mentor",
            "author",
            "designer",
            "administrator",
            "reseller",
            "tenant"
        ])
    );
    assert_eq!(it.refused(call, &[]).await.0, 400);
    assert_eq!(it.refused(call, &[("role", "Instructor")]).await.0, 400);
    assert_eq!(it.refused("addUserRoles/E2", &roles).await.0, 404);
}

#[tokio::test]
async fn a_deleted_user_is_gone_and_the_uid_is_never_used_again() {
    let it = empty();
    it.add("E1", &[]).await;
    it.add("E2", &[]).await;
    let second = uid(&it, "E2").await;
    it.done("deleteUser/E1", &[]).await;
    it.done(&format!("deleteUser?userUID={second}"), &[]).await;
    assert_eq!(it.refused("deleteUser/E1", &[]).await.0, 404);
    let by_uid = format!("deleteUser?userUID={second}");
    assert_eq!(it.refused(&by_uid, &[]).await.0, 404);
    assert_eq!(it.get("getUsers").await.json(), json!({"users": []}));
    it.add("E2", &[]).await;
    assert_ne!(uid(&it, "E2").await, second);
}

#[tokio::test]
async fn content_libraries_are_linked_to_who_has_the_role() {
    let it = empty();
    it.add("E1", &[]).await;
    let by_uid = format!("?userUID={}", uid(&it, "E1").await);
    for (role, link, unlink, shown) in [
        (
            "author",
            "linkAuthorToContentLabels",
            "unlinkAuthorFromContentLabels",
            "authorContentLabels",
        ),
        (
            "designer",
            "linkDesignerToContentLabels",
            "unlinkDesignerFromContentLabels",
            "designerContentLabels",
        ),
    ] {
        let labels = [("contentLabel", "B"), ("contentLabel", "A")];
        let (status, message) = it.refused(&format!("{link}/E1"), &labels).await;
        assert_eq!(status, 409);
        assert!(message.contains(role), "{message}");
        it.done("addUserRoles/E1", &[("role", role)]).await;
        let missing = [labels[0], ("contentLabel", "missing-1")];
        for call in [link, unlink] {
            assert_eq!(it.refused(&format!("{call}/E2"), &labels).await.0, 404);
            assert_eq!(it.refused(&format!("{call}/E1"), &[]).await.0, 400);
            let (status, message) = it.refused(&format!("{call}/E1"), &missing).await;
            assert_eq!(status, 404);
            assert!(message.ends_with("the ID missing-1"), "{message}");
        }
        assert_eq!(it.person("E1").await[shown], json!([]));
        it.done(&format!("{link}/E1"), &labels).await;
        it.done(&format!("{link}{by_uid}"), &labels[..1]).await;
        assert_eq!(it.person("E1").await[shown], json!(["A", "B"]));
        it.done(&format!("{unlink}/E1"), &labels[..1]).await;
        it.done(&format!("{unlink}{by_uid}"), &labels[..1]).await;
        assert_eq!(it.person("E1").await[shown], json!(["A"]));
    }
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\r\n--not the boundary";

/// A multipart body with JANE's parameters and a file called `avatar`.
fn multipart(avatar: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in JANE {
        let part = format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}");
        body.extend(part.bytes());
        body.extend(b"\r\n");
    }
    body.extend(
        b"--X\r\nContent-Disposition: form-data; name=\"avatar\"; filename=\"j.png\"\r\n\
          Content-Type: image/png\r\n\r\n",
    );
    body.extend(avatar);
    body.extend(b"\r\n--X--\r\n");
    body
}

#[tokio::test]
async fn an_avatar_comes_as_a_file_and_goes_on_demand() {
    let it = empty();
    let send = async |path: &str, body: Vec<u8>| {
        let request = it
            .request(Method::POST, &format!("{path}?_formatErrors=true"))
            .header("Content-Type", "multipart/form-data; boundary=X")
            .body(body);
        got(request).await.unwrap()
    };
    let refused = send("addUser/E1", multipart(b"no picture")).await;
    assert_eq!(refusal(&refused).0, 400);
    // More than a megabyte.
    let mut picture = PNG.to_vec();
    picture.resize(3_000_000, 7);
    assert_eq!(send("addUser/E1", multipart(&picture)).await.status, 200);
    let user = it.person("E1").await;
    assert_eq!(
        (&user["avatar_bytes"], &user["lastName"]),
        (&json!(3_000_000), &json!("Doe"))
    );
    assert_eq!(it.get("getUser/E1").await.json()["hasAvatar"], true);
    assert_eq!(send("updateUser/E1", multipart(PNG)).await.status, 200);
    assert_eq!(it.person("E1").await["avatar_bytes"], PNG.len());
    it.done("updateUser/E1", &[("deleteAvatar", "false")]).await;
    assert_eq!(it.person("E1").await["avatar_bytes"], PNG.len());
    it.done("updateUser/E1", &[("deleteAvatar", "true")]).await;
    assert_eq!(it.person("E1").await["avatar_bytes"], 0);
    let mut cut = multipart(PNG);
    cut.truncate(cut.len() - 20);
    let mut latin = multipart(PNG);
    let place = latin.windows(3).position(|three| three == b"Doe").unwrap();
    latin[place] = 0xEB;
    for broken in [cut, latin, Vec::new(), b"x".to_vec()] {
        let got = send("updateUser/E1", broken).await;
        assert_eq!(refusal(&got).0, 400);
    }
}

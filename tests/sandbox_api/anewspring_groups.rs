//! Each call about user groups, with each documented error.

use serde_json::{Value, json};

use crate::anewspring::{Environment, empty, refusal};

/// Students A, B and C, and a group G of students.
async fn class() -> Environment {
    let it = empty();
    for id in ["C", "B", "A"] {
        it.add(id, &["student"]).await;
    }
    it.done("addGroup/G", &[("type", "student"), ("name", "Class")])
        .await;
    it
}

fn users<'a>(ids: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    ids.iter().map(|id| ("user", *id)).collect()
}

async fn members(it: &Environment, group: &str) -> Value {
    let groups = it.lines("/sandbox/groups").await;
    let found = groups.iter().find(|found| found["id"] == group);
    found.unwrap()["users"].clone()
}

#[tokio::test]
async fn groups_form_a_tree_for_each_type() {
    let it = class().await;
    it.add("T", &["teacher"]).await;
    for (id, parameters, status) in [
        ("G", &[("type", "student"), ("name", "x")][..], 409),
        ("H", &[("type", "learner"), ("name", "x")], 400),
        ("H", &[("name", "x")], 400),
        ("H", &[("type", "student")], 400),
        ("H", &[("type", "student"), ("name", "")], 400),
        (
            "H",
            &[("type", "student"), ("name", "x"), ("parent", "no")],
            404,
        ),
        (
            "H",
            &[("type", "mentor"), ("name", "x"), ("parent", "G")],
            409,
        ),
    ] {
        let refused = it.refused(&format!("addGroup/{id}"), parameters).await;
        assert_eq!(refused.0, status, "{parameters:?}: {refused:?}");
    }
    let below = [("type", "student"), ("name", "Below"), ("parent", "G")];
    it.done("addGroup/a%2Fb", &below).await;
    it.done("addGroup/M", &[("type", "mentor"), ("name", "M")])
        .await;
    for (id, parameters, status) in [
        ("no", &[("name", "x")][..], 404),
        ("G", &[("parent", "no")], 404),
        ("G", &[("parent", "G")], 409),
        ("G", &[("parent", "a/b")], 409),
        ("G", &[("parent", "M")], 409),
        ("G", &[("name", "")], 400),
        ("G", &[("type", "teacher")], 400),
    ] {
        let refused = it.refused(&format!("updateGroup/{id}"), parameters).await;
        assert_eq!(refused.0, status, "{parameters:?}: {refused:?}");
    }
    it.done("updateGroup/G", &[("name", "Class 1")]).await;
    assert_eq!(
        it.lines("/sandbox/groups").await,
        [
            json!({"id": "G", "type": "student", "name": "Class 1", "parent": null, "users": []}),
            json!({"id": "M", "type": "mentor", "name": "M", "parent": null, "users": []}),
            json!({"id": "a/b", "type": "student", "name": "Below", "parent": "G", "users": []}),
        ]
    );
    it.done("updateGroup/a%2Fb", &[("parent", "")]).await;
    it.done("updateGroup/G", &[("parent", "a/b")]).await;
    let groups = it.lines("/sandbox/groups").await;
    assert_eq!(
        (&groups[0]["parent"], &groups[2]["parent"]),
        (&json!("a/b"), &Value::Null)
    );
}

#[tokio::test]
async fn who_is_in_a_group_can_be_asked() {
    let it = class().await;
    it.done("addGroupUsers/G", &users(&["B", "A"])).await;
    for (path, expected) in [
        ("groupExists/G", true),
        ("groupExists/g", false),
        ("groupUserExists/G/A", true),
        ("groupUserExists/G/C", false),
    ] {
        let got = it.get(path).await;
        assert_eq!((got.status, got.json()), (200, json!({"result": expected})));
    }
    for path in [
        "groupUserExists/no/A",
        "groupUserExists/G/no",
        "getGroupUsers/no",
    ] {
        assert_eq!(refusal(&it.get(path).await).0, 404, "{path}");
    }
    let listed = it.get("getGroupUsers/G").await.json();
    let ids: Vec<_> = listed["users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| &user["id"])
        .collect();
    assert_eq!(ids, ["B", "A"]);
    assert_eq!(
        listed["users"][0],
        it.get("getUsers").await.json()["users"][1]
    );
    assert_eq!(it.person("A").await["groups"], json!(["G"]));
    assert_eq!(it.person("C").await["groups"], json!([]));
    // Who is deleted leaves the groups.
    it.done("deleteUser/A", &[]).await;
    assert_eq!(members(&it, "G").await, json!(["B"]));
}

#[tokio::test]
async fn people_are_added_all_or_none() {
    let it = class().await;
    it.add("T", &["teacher"]).await;
    it.add("N", &[]).await;
    let call = "addGroupUsers/G";
    assert_eq!(it.refused("addGroupUsers/no", &users(&["A"])).await.0, 404);
    assert_eq!(it.refused(call, &[]).await.0, 400);
    let (status, message) = it.refused(call, &users(&["A", "X", "B", "Y"])).await;
    assert_eq!(
        (status, &*message),
        (404, "There is no user with the ID X, Y")
    );
    let (status, message) = it.refused(call, &users(&["A", "T", "B", "N"])).await;
    assert_eq!(
        (status, &*message),
        (409, "These users do not have the role student: T, N")
    );
    assert_eq!(members(&it, "G").await, json!([]));
    it.done(call, &users(&["A"])).await;
    let (status, message) = it.refused(call, &users(&["B", "A"])).await;
    assert_eq!(
        (status, &*message),
        (409, "These users are in the user group G already: A")
    );
    assert_eq!(members(&it, "G").await, json!(["A"]));
    let mut more = users(&["C", "A", "B", "B"]);
    more.extend([
        ("ignoreDuplicates", "true"),
        ("notify", "true"),
        ("addToTeacherStudents", "false"),
    ]);
    it.done(call, &more).await;
    it.done(call, &more).await;
    assert_eq!(members(&it, "G").await, json!(["A", "B", "C"]));
    // Only people who are new in the group get a mail.
    assert_eq!(it.person("A").await["mails"], 0);
    assert_eq!(it.person("B").await["mails"], 1);
    let wrong = [("user", "A"), ("addToTeacherStudents", "x")];
    assert_eq!(it.refused(call, &wrong).await.0, 400);
}

#[tokio::test]
async fn people_are_removed_all_or_none() {
    let it = class().await;
    let call = "deleteGroupUsers/G";
    it.done("addGroupUsers/G", &users(&["A", "B"])).await;
    assert_eq!(
        it.refused("deleteGroupUsers/no", &users(&["A"])).await.0,
        404
    );
    assert_eq!(it.refused(call, &[]).await.0, 400);
    assert_eq!(it.refused(call, &users(&["A", "X"])).await.0, 404);
    let (status, message) = it.refused(call, &users(&["A", "C"])).await;
    assert_eq!(
        (status, &*message),
        (409, "These users are not in the user group G: C")
    );
    assert_eq!(members(&it, "G").await, json!(["A", "B"]));
    let mut more = users(&["A", "C", "X"]);
    more.push(("ignoreMissing", "true"));
    it.done(call, &more).await;
    assert_eq!(members(&it, "G").await, json!(["B"]));
    it.done(call, &users(&["B"])).await;
    assert_eq!(members(&it, "G").await, json!([]));
}

#[tokio::test]
async fn a_group_in_use_is_deleted_only_by_force() {
    let it = class().await;
    for (id, parent) in [("H", "G"), ("I", "H")] {
        let parameters = [("type", "student"), ("name", id), ("parent", parent)];
        it.done(&format!("addGroup/{id}"), &parameters).await;
    }
    it.done("addGroupUsers/I", &users(&["A"])).await;
    assert_eq!(it.refused("deleteGroup/no", &[]).await.0, 404);
    for id in ["H", "I"] {
        let call = format!("deleteGroup/{id}");
        assert_eq!(it.refused(&call, &[]).await.0, 409);
        assert_eq!(it.refused(&call, &[("force", "false")]).await.0, 409);
        assert_eq!(it.refused(&call, &[("force", "x")]).await.0, 400);
    }
    // The groups below move up.
    it.done("deleteGroup/H", &[("force", "true")]).await;
    let groups = it.lines("/sandbox/groups").await;
    assert_eq!(
        (&groups[1]["id"], &groups[1]["parent"]),
        (&json!("I"), &json!("G"))
    );
    it.done("deleteGroup/I", &[("force", "true")]).await;
    it.done("deleteGroup/G", &[]).await;
    assert_eq!(it.lines("/sandbox/groups").await, [] as [Value; 0]);
    assert_eq!(it.person("A").await["groups"], json!([]));
}

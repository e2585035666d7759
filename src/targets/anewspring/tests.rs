//! What is sent, and what an answer means.

use std::path::Path;

use serde_json::json;

use super::*;
use crate::files::{Folder, SeenFile};
use crate::targets::conformance::{Examples, GroupExamples, suite};
use crate::targets::{Fit, WantedState};

suite!(Examples {
    target: &ANewSpring,
    root: "api/",
    calls: &[
        "GET getUsers",
        "GET getUser/{userID}",
        "GET userExists/{userID}",
        "POST addUser/{userID}",
        "POST addOrUpdateUser/{userID}",
        "POST updateUser/{userID}",
        "POST updateUser?userUID={userUID}",
        "POST initializeId/{login}/{userID}",
        "POST deleteUser/{userID}",
        "POST addUserRoles/{userID}",
        "POST linkAuthorToContentLabels/{userID}",
        "POST unlinkAuthorFromContentLabels/{userID}",
        "POST linkDesignerToContentLabels/{userID}",
        "POST unlinkDesignerFromContentLabels/{userID}",
        "GET groupExists/{groupID}",
        "POST addGroup/{groupID}",
        "POST updateGroup/{groupID}",
        "POST deleteGroup/{groupID}",
        "GET getGroupUsers/{groupID}",
        "GET groupUserExists/{groupID}/{userID}",
        "POST addGroupUsers/{groupID}",
        "POST deleteGroupUsers/{groupID}",
    ],
    external_id: "id",
    person,
    list: |people| json!({ "users": people }),
    acknowledged: |_| r#"{"success":{"message":"ok"}}"#.into(),
    conflict: |message| Written::Conflict { message },
    up: r#"{"result":false}"#,
    no_person: &["{}", r#"{"uid":"U7"}"#, r#"{"user":1}"#],
    no_list: &["[]", "{}", r#"{"users":[1]}"#, r#"{"users":[{}]}"#],
    groups: Some(GroupExamples {
        truth: |truth| json!({ "result": truth }),
        members: |ids| {
            let users: Vec<_> = ids.iter().map(|id| json!({ "id": id })).collect();
            json!({ "users": users })
        },
    }),
});

fn person(remote: &Remote) -> Value {
    let mut user = Map::new();
    user.insert("uid".into(), remote.id.as_str().into());
    user.insert("id".into(), remote.external_id.as_deref().into());
    user.insert("roles".into(), remote.roles.clone().into());
    user.insert("archived".into(), remote.is_archived.into());
    for (name, value) in &remote.fields {
        user.insert((*name).into(), value.as_str().into());
    }
    Value::Object(user)
}

const UPDATE: Step = Step::Update {
    details: true,
    picture: true,
    reactivate: false,
};

fn zoe() -> Content {
    Content {
        fields: vec![("login", "zoe".into()), ("title", String::new())],
        ..Content::only(ExternalId::known("E 7/1"))
    }
}

fn reply(status: u16, body: &str) -> Reply {
    Reply {
        status,
        body: body.into(),
        ..Reply::default()
    }
}

fn sent(content: &Content, step: &Step) -> (String, String) {
    let call = ANewSpring.write(content, step);
    let Some(Body::Form(parameters)) = call.body else {
        panic!("{call:?}");
    };
    let parameters: Vec<_> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    (call.path, parameters.join("&"))
}

#[test]
fn a_new_person_takes_one_call_with_roles_and_without_mail() {
    let create = |again| Step::Create {
        again,
        roles: vec!["mentor".into(), "student".into()],
    };
    let parameters = "login=zoe&notify=false&role=mentor&role=student";
    assert_eq!(
        sent(&zoe(), &create(false)),
        (
            "api/addUser/E%207%2F1?_formatErrors=true".into(),
            parameters.into()
        )
    );
    assert_eq!(
        sent(&zoe(), &create(true)),
        (
            "api/addOrUpdateUser/E%207%2F1?_formatErrors=true".into(),
            parameters.into()
        )
    );
}

#[test]
fn what_would_mail_somebody_twice_is_never_an_upsert() {
    for instruction in ["notify", "generatePassword"] {
        let content = Content {
            instructions: vec![(instruction, "true".into())],
            ..zoe()
        };
        let create = Step::Create {
            again: true,
            roles: Vec::new(),
        };
        let (path, parameters) = sent(&content, &create);
        assert!(path.starts_with("api/addUser/"), "{path}");
        assert!(parameters.contains(&format!("{instruction}=true")));
    }
}

#[test]
fn a_password_is_for_somebody_new_only_and_an_empty_text_clears() {
    let content = Content {
        instructions: vec![("password", "secret-word".into())],
        picture: Some(Picture::Clear),
        ..zoe()
    };
    assert_eq!(
        sent(&content, &UPDATE).1,
        "login=zoe&title=&notify=false&deleteAvatar=true"
    );
    let create = Step::Create {
        again: false,
        roles: Vec::new(),
    };
    assert!(sent(&content, &create).1.contains("password=secret-word"));
}

#[test]
fn a_picture_goes_as_a_file() {
    let folder = Folder::open(Path::new(".")).unwrap();
    let picture = SeenFile::new(&folder, Path::new("zoe.png"), 1, 1);
    let content = Content {
        picture: Some(Picture::File(picture)),
        ..zoe()
    };
    let call = ANewSpring.write(&content, &UPDATE);
    assert!(matches!(
        call.body,
        Some(Body::Multipart { name: "avatar", .. })
    ));
}

#[test]
fn an_adopted_person_is_named_by_login_or_uid() {
    let adopt = |by| Step::Adopt {
        by,
        handle: "zoë@example.com".into(),
    };
    assert_eq!(
        sent(&zoe(), &adopt("login")).0,
        "api/initializeId/zo%C3%AB%40example.com/E%207%2F1?_formatErrors=true"
    );
    let (path, parameters) = sent(&zoe(), &adopt("email"));
    assert_eq!(
        path,
        "api/updateUser?userUID=zo%C3%AB%40example.com&_formatErrors=true"
    );
    let expected = "id=E 7/1&login=zoe&title=&archived=false&notify=false";
    assert_eq!(parameters, expected);
}

#[test]
fn somebody_who_gets_another_external_id_is_named_by_the_former_one() {
    let step = Step::Rekey {
        from: ExternalId::known("E 6"),
        handle: Some("U7".into()),
    };
    let (path, parameters) = sent(&zoe(), &step);
    assert_eq!(path, "api/updateUser/E%206?_formatErrors=true");
    let expected = "id=E 7/1&login=zoe&title=&archived=false&notify=false";
    assert_eq!(parameters, expected);
}

#[test]
fn nobody_in_the_archive_is_as_the_feed_says() {
    let content = Content {
        fields: vec![("login", "zoe".into())],
        ..Content::only(ExternalId::known("E7"))
    };
    for archived in [true, false] {
        let body = format!(r#"{{"id":"E7","uid":"U1","login":"zoe","archived":{archived}}}"#);
        let reply = reply(200, &body);
        let LookUpReply::Found(person) = ANewSpring.looked_up(&content.external_id, &reply) else {
            panic!("{body}");
        };
        let update = Step::Update {
            details: true,
            picture: false,
            reactivate: false,
        };
        let fit = WantedState::after(&update, &content).fit(&person);
        assert_eq!(fit == Fit::AsWanted, !archived);
    }
}

#[test]
fn only_an_empty_answer_or_the_api_s_own_counts_as_done() {
    let done = |status, body| ANewSpring.done(&reply(status, body));
    for body in ["", " \n", r#"{"success":{"message":"ok"}}"#] {
        assert_eq!(done(200, body), Written::Applied(None), "{body}");
    }
    for body in ["<html>", "ok", r#"{"error":"no"}"#, r#"{"succ"#] {
        assert!(matches!(done(200, body), Written::Unclear { .. }), "{body}");
    }
    assert_eq!(done(404, ""), Written::NotFound { certain: true });
    assert_eq!(
        done(409, "<html><title>Login in use</title>"),
        Written::Conflict {
            message: "an HTML page titled `Login in use`".into()
        }
    );
    assert!(matches!(done(400, "bad"), Written::Refused { .. }));
}

#[test]
fn a_call_that_the_key_may_not_make_is_no_fault_of_the_row() {
    let done = |body| ANewSpring.done(&reply(400, body));
    assert_eq!(
        done(r#"{"error":{"message":"API call addUserRoles is not whitelisted"}}"#),
        Written::Denied
    );
    assert_eq!(done("This API key has no permission"), Written::Denied);
    assert_ne!(
        done("A forced password change is not allowed"),
        Written::Denied
    );
}

#[test]
fn a_list_of_users_names_those_without_external_id() {
    let people = ANewSpring
        .people(&reply(
            200,
            r#"{"users":[{"id":"E7","uid":"u1","login":"zoe","active":true},{"id":null,"uid":2,"email":"a@b.example","active":false}]}"#,
        ))
        .unwrap();
    assert_eq!(people[0].external_id.as_deref(), Some("E7"));
    assert_eq!(people[1].external_id, None);
    assert_eq!(people[1].id, "2");
    assert_eq!(people[1].get("active"), Some("false"));
}

#[test]
fn a_reactivated_person_is_done_only_when_seen_active() {
    let step = Step::Update {
        details: false,
        picture: false,
        reactivate: true,
    };
    let id = ExternalId::known("E7");
    for (active, shown) in [("true", true), ("false", false), ("null", false)] {
        let body = format!(r#"{{"id":"E7","uid":"U1","active":{active}}}"#);
        let reply = Reply {
            status: 200,
            body: body.into(),
            ..Reply::default()
        };
        let LookUpReply::Found(person) = ANewSpring.looked_up(&id, &reply) else {
            panic!("{active}");
        };
        let content = Content::only(id.clone());
        let fit = WantedState::after(&step, &content).fit(&person);
        assert_eq!(fit == Fit::AsWanted, shown, "{active}");
    }
}

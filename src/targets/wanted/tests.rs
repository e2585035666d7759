use std::fmt::Write as _;

use super::*;
use crate::model::{ExternalId, Picture};

/// A person as the feed says, or with something else.
fn person(change: impl FnOnce(&mut Remote)) -> Remote {
    let mut person = Remote {
        id: "U7".into(),
        external_id: Some("E7".into()),
        fields: vec![("login", "zoe".into()), ("active", "true".into())],
        roles: Some(vec!["student".into()]),
        is_archived: false,
    };
    change(&mut person);
    person
}

fn set(person: &mut Remote, field: &str, to: Option<&str>) {
    person.fields.retain(|(name, _)| *name != field);
    let field = if field == "login" { "login" } else { "active" };
    (person.fields).extend(to.map(|value| (field, value.to_owned())));
}

/// The states in which a look may find somebody.
fn states() -> Vec<(&'static str, Remote)> {
    vec![
        ("as the feed says", person(|_| {})),
        (
            "another ID",
            person(|it| it.external_id = Some("E8".into())),
        ),
        ("another login", person(|it| set(it, "login", Some("zoe2")))),
        ("no login shown", person(|it| set(it, "login", None))),
        ("inactive", person(|it| set(it, "active", Some("false")))),
        ("active not shown", person(|it| set(it, "active", None))),
        ("archived", person(|it| it.is_archived = true)),
        (
            "archived, inactive",
            person(|it| {
                set(it, "active", Some("false"));
                it.is_archived = true;
            }),
        ),
        ("no role", person(|it| it.roles = Some(Vec::new()))),
        ("roles not shown", person(|it| it.roles = None)),
    ]
}

fn content() -> Content {
    Content {
        fields: vec![("login", "zoe".into())],
        ..Content::only(ExternalId::known("E7"))
    }
}

/// The content with a picture.
fn pictured() -> Content {
    Content {
        picture: Some(Picture::Clear),
        ..content()
    }
}

/// What rows want.
fn rows() -> Vec<(&'static str, Content)> {
    let with_set = |part, value: &str| Content {
        sets: vec![(part, vec![value.to_owned()])],
        ..content()
    };
    let emptied = Content {
        sets: vec![
            (Part::AuthorLibraries, Vec::new()),
            (Part::Groups, Vec::new()),
        ],
        ..content()
    };
    let cleared = Content {
        fields: vec![("login", String::new())],
        ..content()
    };
    vec![
        ("row", content()),
        ("row with role", with_set(Part::Roles, "student")),
        ("row with picture", pictured()),
        ("row with right", with_set(Part::AuthorLibraries, "L1")),
        ("row with group", with_set(Part::Groups, "G1")),
        ("row with empty sets", emptied),
        ("row that clears login", cleared),
    ]
}

/// What steps lead to.
fn steps() -> Vec<(&'static str, Content, Step)> {
    let roles = || vec!["student".to_owned()];
    let update = |details, picture, reactivate| Step::Update {
        details,
        picture,
        reactivate,
    };
    let create = || Step::Create {
        again: true,
        roles: roles(),
    };
    let adopt = Step::Adopt {
        by: "login",
        handle: "zoe".into(),
    };
    let rekey = Step::Rekey {
        from: ExternalId::known("E6"),
        handle: None,
    };
    let inactive = Content {
        fields: vec![("login", "zoe".into()), ("active", "false".into())],
        ..content()
    };
    let link = Step::Link(Part::AuthorLibraries, vec!["L1".into()]);
    let deactivate = |archive| Step::Deactivate { archive };
    vec![
        ("create with role", content(), create()),
        ("create with picture", pictured(), create()),
        ("update", content(), update(true, false, false)),
        (
            "update of a picture",
            pictured(),
            update(false, true, false),
        ),
        (
            "update, picture done",
            pictured(),
            update(true, false, false),
        ),
        ("return", content(), update(true, false, true)),
        (
            "return, inactive by feed",
            inactive,
            update(true, false, true),
        ),
        ("adopt", content(), adopt),
        ("rekey", content(), rekey),
        ("bring back", content(), Step::BringBack),
        ("add roles", content(), Step::AddRoles(roles())),
        ("link", content(), link),
        ("deactivate", content(), deactivate(false)),
        ("archive", content(), deactivate(true)),
        ("delete", content(), Step::Delete),
    ]
}

/// A line for each answer that the table gives.
fn add_lines(table: &mut String, name: &str, wanted: &WantedState<'_>) {
    for fit in [Fit::AsWanted, Fit::CannotSay, Fit::Differs] {
        let states = states().into_iter();
        let states = states.filter(|(_, person)| wanted.fit(person) == fit);
        let states: Vec<_> = states.map(|(state, _)| state).collect();
        if !states.is_empty() {
            let (fit, states) = (format!("{fit:?}"), states.join("; "));
            writeln!(table, "{name:24} {fit:9} {states}").unwrap();
        }
    }
}

#[test]
fn whether_a_person_is_as_wanted_is_one_table() {
    let mut table = String::new();
    for (name, content) in rows() {
        let roles = content.set(Part::Roles).unwrap_or_default();
        add_lines(&mut table, name, &WantedState::by_row(&content, roles));
    }
    for (name, content, step) in steps() {
        add_lines(&mut table, name, &WantedState::after(&step, &content));
    }
    insta::assert_snapshot!(table, @"
    row                      AsWanted  as the feed says; inactive; active not shown; no role; roles not shown
    row                      Differs   another ID; another login; no login shown; archived; archived, inactive
    row with role            AsWanted  as the feed says; inactive; active not shown
    row with role            CannotSay roles not shown
    row with role            Differs   another ID; another login; no login shown; archived; archived, inactive; no role
    row with picture         CannotSay as the feed says; inactive; active not shown; no role; roles not shown
    row with picture         Differs   another ID; another login; no login shown; archived; archived, inactive
    row with right           CannotSay as the feed says; inactive; active not shown; no role; roles not shown
    row with right           Differs   another ID; another login; no login shown; archived; archived, inactive
    row with group           CannotSay as the feed says; inactive; active not shown; no role; roles not shown
    row with group           Differs   another ID; another login; no login shown; archived; archived, inactive
    row with empty sets      AsWanted  as the feed says; inactive; active not shown; no role; roles not shown
    row with empty sets      Differs   another ID; another login; no login shown; archived; archived, inactive
    row that clears login    CannotSay no login shown
    row that clears login    Differs   as the feed says; another ID; another login; inactive; active not shown; archived; archived, inactive; no role; roles not shown
    create with role         AsWanted  as the feed says; inactive; active not shown
    create with role         CannotSay roles not shown
    create with role         Differs   another ID; another login; no login shown; archived; archived, inactive; no role
    create with picture      CannotSay as the feed says; inactive; active not shown; roles not shown
    create with picture      Differs   another ID; another login; no login shown; archived; archived, inactive; no role
    update                   AsWanted  as the feed says; inactive; active not shown; no role; roles not shown
    update                   Differs   another ID; another login; no login shown; archived; archived, inactive
    update of a picture      CannotSay as the feed says; inactive; active not shown; no role; roles not shown
    update of a picture      Differs   another ID; another login; no login shown; archived; archived, inactive
    update, picture done     AsWanted  as the feed says; inactive; active not shown; no role; roles not shown
    update, picture done     Differs   another ID; another login; no login shown; archived; archived, inactive
    return                   AsWanted  as the feed says; no role; roles not shown
    return                   CannotSay active not shown
    return                   Differs   another ID; another login; no login shown; inactive; archived; archived, inactive
    return, inactive by feed AsWanted  inactive
    return, inactive by feed Differs   as the feed says; another ID; another login; no login shown; active not shown; archived; archived, inactive; no role; roles not shown
    adopt                    AsWanted  as the feed says; inactive; active not shown; no role; roles not shown
    adopt                    Differs   another ID; another login; no login shown; archived; archived, inactive
    rekey                    AsWanted  as the feed says; inactive; active not shown; no role; roles not shown
    rekey                    Differs   another ID; another login; no login shown; archived; archived, inactive
    bring back               AsWanted  as the feed says; another login; no login shown; inactive; active not shown; no role; roles not shown
    bring back               Differs   another ID; archived; archived, inactive
    add roles                AsWanted  as the feed says; another login; no login shown; inactive; active not shown; archived; archived, inactive
    add roles                CannotSay roles not shown
    add roles                Differs   another ID; no role
    link                     CannotSay as the feed says; another login; no login shown; inactive; active not shown; archived; archived, inactive; no role; roles not shown
    link                     Differs   another ID
    deactivate               AsWanted  inactive; archived; archived, inactive
    deactivate               Differs   as the feed says; another ID; another login; no login shown; active not shown; no role; roles not shown
    archive                  AsWanted  archived; archived, inactive
    archive                  Differs   as the feed says; another ID; another login; no login shown; inactive; active not shown; no role; roles not shown
    delete                   Differs   as the feed says; another ID; another login; no login shown; inactive; active not shown; archived; archived, inactive; no role; roles not shown
    ");
}

#[test]
fn the_fields_that_differ_are_named_as_the_lms_names_them() {
    let content = Content {
        sets: vec![(Part::Roles, vec!["mentor".into()])],
        ..content()
    };
    let person = person(|it| {
        set(it, "login", Some("zoe2"));
        it.is_archived = true;
    });
    let roles = ["mentor".to_owned()];
    let differing = WantedState::by_row(&content, &roles).differing(&person);
    assert_eq!(differing, ["login", "role", "archived"]);
}

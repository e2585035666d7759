//! What every target promises, whatever its API looks like: one suite, which
//! each target passes with answers of its own.

mod examples;

use std::collections::BTreeSet;

use proptest::prelude::*;

pub(super) use self::examples::{Examples, GroupExamples};
use self::examples::{ID, OTHER_ID, PASSWORD, read, reply};
use super::{
    Call, EVERYBODY_BYTES, Fit, GroupCall, LookUpReply, Method, Remote, WantedState, Written,
};
use crate::model::{ExternalId, Step};

/// Runs the suite for the [`Examples`] of one target.
macro_rules! suite {
    ($examples:expr) => {
        suite!($examples,
            any_answer_is_judged_without_a_panic
            a_cut_answer_is_never_taken_for_a_whole_one
            an_id_is_one_segment_or_one_value_whatever_its_characters
            every_call_has_its_documented_name
            no_key_and_no_password_stands_in_an_address
            only_the_record_of_the_person_asked_for_counts
            a_page_for_a_browser_is_never_taken_for_the_api
            a_refusal_says_why
            an_acknowledged_write_is_applied
            a_rekey_is_one_update_of_the_same_account
            the_state_after_a_write_shows_it_and_the_state_before_does_not
            people_are_listed_page_by_page_or_at_once
            groups_are_asked_about_like_people
        );
    };
    ($examples:expr, $($promise:ident)*) => {
        $(
            #[test]
            fn $promise() {
                $crate::targets::conformance::$promise(&$examples);
            }
        )*
    };
}
pub(super) use suite;

/// Pages of a proxy, or of the web server.
const PAGES: [&str; 3] = [
    "<html><title>Sign in</title></html>",
    " \r\n<!DOCTYPE html><html>",
    "<?xml version=\"1.0\"?>",
];

fn cut_off(text: &str, at: usize) -> &str {
    text.get(..at).unwrap_or_default()
}

fn is_unclear(reply: &LookUpReply) -> bool {
    matches!(reply, LookUpReply::Unclear { .. })
}

pub(super) fn any_answer_is_judged_without_a_panic(it: &Examples) {
    let (content, steps) = (it.content(ID), it.steps(ID));
    proptest!(|(
        status in 100..600_u16,
        body in prop::collection::vec(any::<u8>(), 0..300),
        message in ".{0,40}",
    )| {
        let reply = reply(status, body);
        for step in &steps {
            let _written = it.target.written(&content, step, &reply);
            let reason = it.target.conflict(step, &message, status % 2 == 0);
            prop_assert!(reason.contains(&message));
        }
        let found = it.target.looked_up(&content.external_id, &reply);
        prop_assert!(!matches!(found, LookUpReply::Found(_)), "{found:?}");
        let found = it.target.account_shown(ID, &reply);
        prop_assert!(!matches!(found, LookUpReply::Found(_)), "{found:?}");
        let _people = (it.target.people(&reply), it.target.is_up(&reply));
        if let Some(groups) = it.target.groups() {
            let _judged = (groups.done(&reply), groups.truth(&reply), groups.members(&reply));
        }
    });
}

pub(super) fn a_cut_answer_is_never_taken_for_a_whole_one(it: &Examples) {
    let remote = it.remote(ID);
    let person = (it.person)(&remote).to_string();
    for cut in 0..person.len() {
        assert!(
            is_unclear(&it.looked_up(200, cut_off(&person, cut))),
            "{cut}"
        );
    }
    let list = (it.list)(vec![(it.person)(&remote)]).to_string();
    for cut in 0..list.len() {
        assert_eq!(it.people(cut_off(&list, cut)), None, "{cut}");
    }
    let done = (it.acknowledged)(&remote);
    for cut in 1..done.len() {
        let written = it.written(&it.steps(ID)[0], 200, cut_off(&done, cut));
        assert!(matches!(written, Written::Unclear { .. }), "{cut}");
    }
}

pub(super) fn an_id_is_one_segment_or_one_value_whatever_its_characters(it: &Examples) {
    let plain = it.calls_about(ID);
    proptest!(|(id in "\\PC{1,40}|[a-z./%?#&=+ \\\\]{1,8}")| {
        prop_assume!(!matches!(id.as_str(), "." | ".."));
        let odd = it.calls_about(&id);
        let swapped = |text: String| if text == ID { id.clone() } else { text };
        for (plain, odd) in plain.iter().zip(&odd) {
            prop_assert_eq!((plain.name, plain.method), (odd.name, odd.method));
            let (segments, values) = read(plain);
            prop_assert!(
                segments.iter().chain(values.iter().map(|(_, value)| value)).any(|text| text == ID),
                "{:?} names nobody", plain
            );
            let values: Vec<_> = values.into_iter().map(|(name, it)| (name, swapped(it))).collect();
            let segments: Vec<_> = segments.into_iter().map(swapped).collect();
            prop_assert_eq!((segments, values), read(odd));
        }
    });
}

pub(super) fn every_call_has_its_documented_name(it: &Examples) {
    let calls = it.calls();
    let named: BTreeSet<_> = calls.iter().map(|call| call.name).collect();
    assert_eq!(named, it.calls.iter().copied().collect());
    for call in &calls {
        let (verb, template) = call.name.split_once(' ').unwrap();
        let method = match call.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Delete => "DELETE",
        };
        assert_eq!(verb, method, "{call:?}");
        let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
        let (template, named) = template.split_once('?').unwrap_or((template, ""));
        let path: Vec<_> = path.strip_prefix(it.root).unwrap().split('/').collect();
        let template: Vec<_> = template.split('/').collect();
        assert_eq!(path.len(), template.len(), "{call:?}");
        for (part, name) in path.iter().zip(template) {
            assert!(name.starts_with('{') || *part == name, "{call:?}");
        }
        let parameter = named.split_once('{').map_or(named, |(name, _)| name);
        assert!(query.contains(parameter), "{call:?}");
        assert!((1..=EVERYBODY_BYTES).contains(&call.max_bytes), "{call:?}");
    }
}

pub(super) fn no_key_and_no_password_stands_in_an_address(it: &Examples) {
    let spec = it.spec();
    for header in [Some(spec.key_header), spec.secret_header]
        .into_iter()
        .flatten()
    {
        let is_token = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
        assert!(
            !header.is_empty() && header.bytes().all(is_token),
            "{header}"
        );
    }
    assert_ne!(spec.secret_header, Some(spec.key_header));
    let is_field = |name: &str| it.spec().field(name).is_some();
    for call in it.calls() {
        assert!(!call.path.contains(PASSWORD), "{call:?}");
        for (name, _) in read(&call).1.iter().filter(|(name, _)| !is_field(name)) {
            let name = name.to_lowercase();
            for word in ["key", "secret", "token", "credential"] {
                assert!(!name.contains(word), "{name} in {call:?}");
            }
        }
    }
    // A password is for a person who is created.
    for step in it.steps(ID) {
        let call = it.target.write(&it.content(ID), &step);
        let is_sent = read(&call).1.iter().any(|(_, value)| value == PASSWORD);
        let has_password = !it.content(ID).instructions.is_empty();
        let creates = matches!(step, Step::Create { .. });
        assert_eq!(is_sent, creates && has_password, "{call:?}");
    }
}

pub(super) fn only_the_record_of_the_person_asked_for_counts(it: &Examples) {
    let remote = it.remote(ID);
    assert_eq!(it.shown(&remote), remote);
    let mut others = vec![it.remote(OTHER_ID), it.remote(&ID.to_lowercase())];
    others.push(Remote {
        external_id: None,
        ..remote.clone()
    });
    let records = others.iter().map(|it_is| (it.person)(it_is).to_string());
    let bodies = it.no_person.iter().map(|body| (*body).to_owned());
    for body in records
        .chain(bodies)
        .chain(["", "null", "1", "[]", "\"E7-plain\""].map(str::to_owned))
    {
        assert!(is_unclear(&it.looked_up(200, &body)), "{body}");
    }
    // By its own id, the account counts whatever its external ID is.
    let account = |id: &str, status, body: &str| it.target.account_shown(id, &reply(status, body));
    for of_account in [&remote, &others[2]] {
        let body = (it.person)(of_account).to_string();
        let found = account(&remote.id, 200, &body);
        assert_eq!(found, LookUpReply::Found(of_account.clone()));
        assert!(is_unclear(&account("own-other", 200, &body)));
        assert!(is_unclear(&account(&remote.id, 500, &body)));
    }
    let absent = LookUpReply::Absent { certain: true };
    assert_eq!(account(&remote.id, 404, "{}"), absent);
    // Some systems answer a write with the person's record, too.
    if (it.acknowledged)(&others[0]) != (it.acknowledged)(&remote) {
        let records = others.iter().map(it.acknowledged);
        let bodies = it.no_person.iter().map(|body| (*body).to_owned());
        for body in records.chain(bodies).chain([String::new(), "[]".into()]) {
            for step in it.steps(ID) {
                let written = it.written(&step, 200, &body);
                assert!(
                    matches!(written, Written::Unclear { .. }),
                    "{step:?}: {body}"
                );
            }
        }
    }
}

pub(super) fn a_page_for_a_browser_is_never_taken_for_the_api(it: &Examples) {
    let not_certain = LookUpReply::Absent { certain: false };
    for page in PAGES {
        for status in [404, 410] {
            assert_eq!(it.looked_up(status, page), not_certain, "{page}");
        }
        for status in [200, 203, 400, 403] {
            assert!(is_unclear(&it.looked_up(status, page)), "{status} {page}");
        }
        assert_eq!(it.people(page), None, "{page}");
        assert!(!it.target.is_up(&reply(200, page)), "{page}");
        for step in it.steps(ID) {
            let written = it.written(&step, 200, page);
            assert!(
                matches!(written, Written::Unclear { .. }),
                "{step:?}: {page}"
            );
        }
        if let Some(groups) = it.target.groups() {
            for status in [200, 404, 410] {
                assert_eq!(groups.truth(&reply(status, page)), None, "{status} {page}");
            }
            assert_eq!(groups.members(&reply(200, page)), None, "{page}");
        }
    }
    for body in ["", "{}", "Not found"] {
        for status in [404, 410] {
            let found = it.looked_up(status, body);
            assert_eq!(found, LookUpReply::Absent { certain: true }, "{body}");
        }
        assert!(is_unclear(&it.looked_up(400, body)), "{body}");
    }
}

pub(super) fn a_refusal_says_why(it: &Examples) {
    for step in it.steps(ID) {
        let written = |status, body| it.written(&step, status, body);
        for (body, certain) in [("", true), ("Not found", true), ("<html>", false)] {
            assert_eq!(written(404, body), Written::NotFound { certain }, "{body}");
        }
        assert_eq!(written(405, ""), Written::WrongAddress);
        for (body, reason) in [
            (
                r#"{"message":"The login is in use"}"#,
                "The login is in use",
            ),
            ("Login in use", "Login in use"),
            (
                "<html><title>Login in use</title>",
                "an HTML page titled `Login in use`",
            ),
        ] {
            let message = reason.to_owned();
            assert_eq!(written(400, body), Written::Refused { message }, "{step:?}");
        }
        for (body, reason) in [
            (r#"{"message":"no"}"#, "no"),
            ("", "HTTP 409, no reason given"),
        ] {
            let conflict = (it.conflict)(reason.to_owned());
            assert_eq!(written(409, body), conflict, "{step:?}");
        }
        let message = "HTTP 400, no reason given".to_owned();
        assert_eq!(written(400, ""), Written::Refused { message });
    }
}

pub(super) fn an_acknowledged_write_is_applied(it: &Examples) {
    let done = (it.acknowledged)(&it.remote(ID));
    for step in it.steps(ID) {
        let answers = match step {
            Step::Delete => vec![(204, "")],
            _ => vec![(200, &*done), (201, &*done)],
        };
        for (status, body) in answers {
            match it.written(&step, status, body) {
                Written::Applied(None) => {}
                Written::Applied(Some(id)) => assert_eq!(id, it.remote(ID).id),
                other => panic!("{step:?}: {other:?}"),
            }
        }
    }
}

pub(super) fn a_rekey_is_one_update_of_the_same_account(it: &Examples) {
    let (content, former) = (it.content(ID), it.remote(OTHER_ID));
    for step in Examples::rekeys(OTHER_ID, &former.id) {
        let call = it.target.write(&content, &step);
        assert_eq!(call.method, Method::Post, "{call:?}");
        let (segments, values) = read(&call);
        let has_handle = matches!(
            step,
            Step::Rekey {
                handle: Some(_),
                ..
            }
        );
        let named = if has_handle && it.target.rekeying_needs_handle() {
            &former.id
        } else {
            OTHER_ID
        };
        assert!(segments.iter().any(|it| it == named), "{call:?}");
        assert!(!segments.iter().any(|it| it == ID), "{call:?}");
        let mut expected = vec![(it.external_id, ID)];
        expected.extend(content.fields.iter().map(|(name, it)| (*name, it.as_str())));
        for (name, value) in expected {
            let is_sent = |(of, it): &(String, String)| of == name && it == value;
            assert!(values.iter().any(is_sent), "{name}: {call:?}");
        }
        // Somebody under the former external ID does not show it, however alike.
        let wanted = WantedState::after(&step, &content);
        assert_eq!(wanted.fit(&former), Fit::Differs);
        assert_eq!(wanted.fit(&it.remote(ID)), Fit::AsWanted);
        let reason = it.target.conflict(&step, "", true);
        assert_eq!(reason, "another account has the new external ID");
    }
}

pub(super) fn the_state_after_a_write_shows_it_and_the_state_before_does_not(it: &Examples) {
    let set = |remote: &mut Remote, name: &str, to: &str| {
        for (field, value) in &mut remote.fields {
            if *field == name {
                to.clone_into(value);
            }
        }
    };
    let content = it.content(ID);
    for step in it.steps(ID) {
        let mut after = it.remote(ID);
        let mut before = after.clone();
        match &step {
            Step::Deactivate { archive: true } => after.is_archived = true,
            Step::Deactivate { archive: false } => set(&mut after, "active", "false"),
            Step::BringBack => before.is_archived = true,
            Step::AddRoles(roles) => after.roles = Some(roles.clone()),
            Step::Update {
                reactivate: true, ..
            } => set(&mut before, "active", "false"),
            Step::Delete => {
                let wanted = WantedState::after(&step, &content);
                assert_eq!(wanted.fit(&it.shown(&after)), Fit::Differs);
                continue;
            }
            _ => {
                for (name, _) in &content.fields {
                    set(&mut before, name, "older");
                }
            }
        }
        if let Step::Create { roles, .. } = &step
            && !roles.is_empty()
        {
            after.roles = Some(roles.clone());
        }
        let wanted = WantedState::after(&step, &content);
        let [before, after] = [&before, &after].map(|state| wanted.fit(&it.shown(state)));
        // A picture and rights are in no answer.
        let is_seen = matches!((before, after), (Fit::Differs, Fit::AsWanted));
        assert!(
            is_seen || after == Fit::CannotSay,
            "{step:?}: {before:?} {after:?}"
        );
    }
}

pub(super) fn people_are_listed_page_by_page_or_at_once(it: &Examples) {
    let mut people = vec![it.remote(ID), it.remote(OTHER_ID)];
    people[1].external_id = None;
    let list = |people: &[Remote]| (it.list)(people.iter().map(it.person).collect()).to_string();
    assert_eq!(it.people(&list(&people)), Some(people));
    assert_eq!(it.people(&list(&[])), Some(Vec::new()));
    for body in it.no_list.iter().chain(&["", "null", "1", "[1]"]) {
        assert_eq!(it.people(body), None, "{body}");
    }
    assert_eq!(it.target.people(&reply(400, list(&[]))), None);
    assert!(it.target.is_up(&reply(200, it.up)));
    assert!(!it.target.is_up(&reply(500, it.up)));

    let page = |offset, limit| it.target.page(offset, limit);
    match it.spec().page_size {
        Some(size) => {
            let asks_for = |call: &Call, number: String| {
                read(call).1.iter().any(|(_, value)| *value == number)
            };
            for offset in [u64::from(size), u64::MAX] {
                let call = page(offset, size);
                assert!(asks_for(&call, offset.to_string()), "{call:?}");
                assert!(asks_for(&call, size.to_string()), "{call:?}");
            }
        }
        None => assert_eq!(page(0, 100), page(u64::MAX, u32::MAX)),
    }
}

pub(super) fn groups_are_asked_about_like_people(it: &Examples) {
    let Some(groups) = it.target.groups() else {
        assert!(it.groups.is_none() && it.spec().of_group.is_empty());
        return;
    };
    assert!(!it.spec().of_group.is_empty());
    let examples = it.groups.as_ref().unwrap();
    for truth in [true, false] {
        let body = (examples.truth)(truth).to_string();
        assert_eq!(groups.truth(&reply(200, &*body)), Some(truth));
        for cut in 0..body.len() {
            assert_eq!(
                groups.truth(&reply(200, cut_off(&body, cut))),
                None,
                "{cut}"
            );
        }
    }
    for status in [404, 410] {
        assert_eq!(groups.truth(&reply(status, "Not found")), Some(false));
    }
    assert_eq!(groups.truth(&reply(400, "")), None);
    let body = (examples.members)(&[ID, OTHER_ID]).to_string();
    let members = vec![ID.to_owned(), OTHER_ID.to_owned()];
    assert_eq!(groups.members(&reply(200, &*body)), Some(members));
    for cut in 0..body.len() {
        assert_eq!(
            groups.members(&reply(200, cut_off(&body, cut))),
            None,
            "{cut}"
        );
    }
    assert_eq!(groups.members(&reply(404, "")), None);

    let people = [ExternalId::known(ID), ExternalId::known(OTHER_ID)];
    for call in [
        GroupCall::Add("G1", &people),
        GroupCall::Remove("G1", &people),
    ] {
        let call = groups.call(call);
        for person in &people {
            let mut values = read(&call).1.into_iter();
            assert!(
                values.any(|(_, value)| value == person.as_str()),
                "{call:?}"
            );
        }
    }
}

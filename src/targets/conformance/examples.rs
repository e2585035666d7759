//! What the suite must know of a target, and the people and calls that follow
//! from it.

use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use crate::model::{Content, ExternalId, Step};
use crate::schema::{Field, FieldKind, Part, SystemSpec};
use crate::targets::{Body, Call, Group, GroupCall, LookUpReply, Remote, Reply, Target, Written};

/// A target, and how its API answers.
pub(in crate::targets) struct Examples {
    pub(in crate::targets) target: &'static dyn Target,
    /// What every path begins with.
    pub(in crate::targets) root: &'static str,
    /// The names of all calls, as the API's documentation has them.
    pub(in crate::targets) calls: &'static [&'static str],
    /// The parameter that gives an account another external ID.
    pub(in crate::targets) external_id: &'static str,
    /// The answer to a look-up that finds this person.
    pub(in crate::targets) person: fn(&Remote) -> Value,
    /// The answer that lists people, each as `person` shows them.
    pub(in crate::targets) list: fn(Vec<Value>) -> Value,
    /// The answer to a write that was applied to this person.
    pub(in crate::targets) acknowledged: fn(&Remote) -> String,
    /// What status 409 means, with what it says.
    pub(in crate::targets) conflict: fn(String) -> Written,
    /// The answer to the probe of an LMS that is up.
    pub(in crate::targets) up: &'static str,
    /// JSON that is no record of the person [`ID`].
    pub(in crate::targets) no_person: &'static [&'static str],
    /// JSON that is no list of people.
    pub(in crate::targets) no_list: &'static [&'static str],
    /// How it answers about groups, if it has any.
    pub(in crate::targets) groups: Option<GroupExamples>,
}

/// How an API answers about groups.
pub(in crate::targets) struct GroupExamples {
    /// The answer to a question that is yes or no.
    pub(in crate::targets) truth: fn(bool) -> Value,
    /// The answer that lists members.
    pub(in crate::targets) members: fn(&[&str]) -> Value,
}

/// The external ID of the person in the examples.
pub(super) const ID: &str = "E7-plain";
pub(super) const OTHER_ID: &str = "E8-other";
pub(super) const PASSWORD: &str = "correct-horse";
impl Examples {
    pub(super) fn spec(&self) -> &'static SystemSpec {
        self.target.system().spec()
    }

    pub(super) fn details(&self) -> impl Iterator<Item = &'static str> {
        let details =
            |field: &&Field| field.part == Part::Details && field.kind != FieldKind::ExternalId;
        self.spec().fields.iter().filter(details).map(|it| it.name)
    }

    /// A feed says all there is, but whether the person is active.
    pub(super) fn content(&self, id: &str) -> Content {
        let said = self.details().filter(|name| *name != "active");
        let password = (self.spec().fields.iter())
            .filter(|field| field.kind == FieldKind::Password)
            .map(|field| (field.name, PASSWORD.to_owned()));
        Content {
            fields: said.map(|name| (name, format!("a {name}"))).collect(),
            instructions: password.collect(),
            ..Content::only(ExternalId::known(id))
        }
    }

    /// Somebody who is as the feed says.
    pub(super) fn remote(&self, id: &str) -> Remote {
        let value = |name: &'static str| match name {
            "active" => (name, "true".to_owned()),
            _ => (name, format!("a {name}")),
        };
        Remote {
            id: format!("own-{id}"),
            external_id: Some(id.to_owned()),
            fields: self.details().map(value).collect(),
            roles: (!self.spec().roles.is_empty()).then(Vec::new),
            is_archived: false,
        }
    }

    /// Every write that the system has a use for.
    pub(super) fn steps(&self, handle: &str) -> Vec<Step> {
        let spec = self.spec();
        let update = |details, picture, reactivate| Step::Update {
            details,
            picture,
            reactivate,
        };
        let create = |again, roles| Step::Create { again, roles };
        let mut steps = vec![
            create(false, Vec::new()),
            create(true, Vec::new()),
            update(true, false, false),
            Step::Delete,
            Step::Set,
        ];
        steps.extend(spec.adoptable.iter().map(|by| Step::Adopt {
            by,
            handle: handle.to_owned(),
        }));
        steps.extend(Self::rekeys(handle, handle));
        if let Some(role) = spec.roles.first() {
            let roles = vec![role.word.to_owned()];
            steps.push(create(false, roles.clone()));
            steps.push(Step::AddRoles(roles));
        }
        if spec.can_deactivate {
            steps.push(update(true, false, true));
            steps.push(update(false, false, true));
            steps.push(Step::BringBack);
            steps.extend([true, false].map(|archive| Step::Deactivate { archive }));
        }
        for field in spec.fields {
            let values = || vec!["Safety".to_owned()];
            match field.part {
                Part::Picture => steps.push(update(true, true, false)),
                Part::AuthorLibraries | Part::DesignerLibraries => {
                    steps.push(Step::Link(field.part, values()));
                    steps.push(Step::Unlink(field.part, values()));
                }
                _ => {}
            }
        }
        steps
    }

    /// The writes that give the account of somebody another external ID.
    pub(super) fn rekeys(from: &str, handle: &str) -> Vec<Step> {
        [None, Some(handle.to_owned())]
            .map(|handle| Step::Rekey {
                from: ExternalId::known(from),
                handle,
            })
            .into()
    }

    /// Every call that names `id`, as a person, as a group or as what the LMS
    /// knows the person by.
    pub(super) fn calls_about(&self, id: &str) -> Vec<Call> {
        let person = ExternalId::known(id);
        let content = self.content(id);
        let mut calls = vec![self.target.look_up(&person)];
        calls.extend(self.target.account(id));
        let steps = self.steps(id);
        calls.extend(steps.iter().map(|step| self.target.write(&content, step)));
        if let Some(groups) = self.target.groups() {
            let group = Group {
                id: id.to_owned(),
                kind: "student".into(),
                name: Some("Welders".into()),
                parent: Some(id.to_owned()),
            };
            let people = [person.clone(), ExternalId::known(OTHER_ID)];
            calls.extend(
                [
                    GroupCall::Exists(id),
                    GroupCall::Create(&group),
                    GroupCall::Change(&group),
                    GroupCall::Delete(id),
                    GroupCall::Members(id),
                    GroupCall::IsMember(id, &person),
                    GroupCall::Add(id, &people),
                    GroupCall::Remove(id, &people),
                ]
                .map(|call| groups.call(call)),
            );
        }
        calls
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        let mut calls = self.calls_about(ID);
        calls.extend([self.target.probe(), self.target.page(0, 100)]);
        calls.extend(self.target.created_since(Timestamp::UNIX_EPOCH, 0, 100));
        calls
    }

    pub(super) fn looked_up(&self, status: u16, body: &str) -> LookUpReply {
        let id = ExternalId::known(ID);
        self.target.looked_up(&id, &reply(status, body))
    }

    pub(super) fn written(&self, step: &Step, status: u16, body: &str) -> Written {
        let reply = reply(status, body);
        self.target.written(&self.content(ID), step, &reply)
    }

    pub(super) fn people(&self, body: &str) -> Option<Vec<Remote>> {
        self.target.people(&reply(200, body))
    }

    /// What the target reads in an answer that shows this person.
    pub(super) fn shown(&self, remote: &Remote) -> Remote {
        match self.looked_up(200, &(self.person)(remote).to_string()) {
            LookUpReply::Found(person) => person,
            other => panic!("{other:?} instead of {remote:?}"),
        }
    }
}

pub(super) fn reply(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply {
        status,
        body: body.into(),
        ..Reply::default()
    }
}

/// A call taken apart: the segments of its path, and names with values of its
/// query and its body, all as the LMS reads them.
pub(super) fn read(call: &Call) -> (Vec<String>, Vec<(String, String)>) {
    fn leaves(name: &str, value: &Value, into: &mut Vec<(String, String)>) {
        match value {
            Value::Object(object) => object.iter().for_each(|(name, it)| leaves(name, it, into)),
            Value::Array(items) => items.iter().for_each(|it| leaves(name, it, into)),
            Value::String(text) => into.push((name.to_owned(), text.clone())),
            other => into.push((name.to_owned(), other.to_string())),
        }
    }
    let url = Url::parse("https://lms.example.com/").unwrap();
    let url = url.join(&call.path).unwrap();
    assert_eq!(url.host_str(), Some("lms.example.com"), "{call:?}");
    assert_eq!(url.fragment(), None, "{call:?}");
    let segments = url.path_segments().unwrap().map(|segment| {
        let decoded = percent_encoding::percent_decode_str(segment).decode_utf8();
        decoded.unwrap().into_owned()
    });
    let mut values: Vec<_> = url.query_pairs().into_owned().collect();
    match &call.body {
        None => {}
        Some(Body::Json(bytes)) => {
            leaves("", &serde_json::from_slice(bytes).unwrap(), &mut values);
        }
        Some(Body::Form(parameters) | Body::Multipart { parameters, .. }) => {
            let owned = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone());
            values.extend(parameters.iter().map(owned));
        }
    }
    (segments.collect(), values)
}

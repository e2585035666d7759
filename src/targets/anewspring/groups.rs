//! User groups: three types, one for each role that can be in one, in a tree.

use std::ops::ControlFlow;

use serde_json::Value;

use super::{ANewSpring, Parameters, call, form, is_denial, is_success};
use crate::model::ExternalId;
use crate::targets::people::{self, Form};
use crate::targets::{
    Call, EVERYBODY_BYTES, Group, GroupCall, GroupTarget, Reply, Written, is_page, message,
    not_found,
};

impl GroupTarget for ANewSpring {
    fn call(&self, group_call: GroupCall<'_>) -> Call {
        match group_call {
            GroupCall::Exists(id) => call("GET groupExists/{groupID}", &[id]),
            GroupCall::Create(group) => {
                let name = group.name.as_ref().unwrap_or(&group.id);
                let mut parameters = vec![("type", group.kind.clone()), ("name", name.clone())];
                parameters.extend(parent(group));
                form("POST addGroup/{groupID}", &[&group.id], parameters)
            }
            GroupCall::Change(group) => {
                let name = group.name.clone().map(|name| ("name", name));
                let parameters = name.into_iter().chain(parent(group)).collect();
                form("POST updateGroup/{groupID}", &[&group.id], parameters)
            }
            // Never with `force`: the members whom others added stay.
            GroupCall::Delete(id) => {
                let parameters = vec![("force", "false".into())];
                form("POST deleteGroup/{groupID}", &[id], parameters)
            }
            GroupCall::Members(id) => Call {
                max_bytes: EVERYBODY_BYTES,
                ..call("GET getGroupUsers/{groupID}", &[id])
            },
            GroupCall::IsMember(id, person) => {
                let name = "GET groupUserExists/{groupID}/{userID}";
                call(name, &[id, person.as_str()])
            }
            GroupCall::Add(id, members) => {
                let mut parameters = people(members, "ignoreDuplicates");
                parameters.push(("notify", "false".into()));
                form("POST addGroupUsers/{groupID}", &[id], parameters)
            }
            GroupCall::Remove(id, members) => {
                let parameters = people(members, "ignoreMissing");
                form("POST deleteGroupUsers/{groupID}", &[id], parameters)
            }
        }
    }

    fn done(&self, reply: &Reply) -> Written {
        let message = message::of_reply(reply);
        match reply.status {
            200..=299 if is_success(&reply.body) => Written::Applied(None),
            200..=299 => Written::Unclear {
                why: "the reply did not come from the API",
            },
            _ if is_denial(&message) => Written::Denied,
            404 | 410 => not_found(reply),
            405 => Written::WrongAddress,
            409 => Written::Conflict { message },
            _ => Written::Refused { message },
        }
    }

    fn truth(&self, reply: &Reply) -> Option<bool> {
        match reply.status {
            200..=299 => match serde_json::from_slice::<Value>(&reply.body)
                .ok()?
                .get("result")?
            {
                Value::Bool(result) => Some(*result),
                Value::String(result) => result.parse().ok(),
                _ => None,
            },
            404 | 410 if !is_page(&reply.body) => Some(false),
            _ => None,
        }
    }

    fn members(&self, reply: &Reply) -> Option<Vec<String>> {
        let mut members = Vec::new();
        people::each(reply, &MEMBERS, &mut |member| {
            members.extend(member);
            ControlFlow::Continue(())
        })?;
        Some(members)
    }
}

/// As with the list of users. A member without an external ID is nobody's.
const MEMBERS: Form<Option<String>> = Form {
    name: Some("users"),
    reads: |name| name == "id",
    read: |user| {
        let id = user.get("id").and_then(Value::as_str);
        Some(id.map(str::to_owned))
    },
};

fn parent(group: &Group) -> Option<(&'static str, String)> {
    Some(("parent", group.parent.clone()?))
}

fn people(people: &[ExternalId], lenient: &'static str) -> Parameters {
    let users = people.iter().map(|id| ("user", id.as_str().to_owned()));
    users.chain([(lenient, "true".into())]).collect()
}

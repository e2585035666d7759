//! User groups: three types, one for each role that can be in one, in a tree.

use serde_json::Value;

use super::{ANewSpring, Parameters, get, is_denial, is_success, post, users};
use crate::model::ExternalId;
use crate::targets::{Body, Call, Group, GroupCall, GroupTarget, Reply, Written, is_page, message};

impl GroupTarget for ANewSpring {
    fn call(&self, call: GroupCall<'_>) -> Call {
        let described = |group: &Group, kind: bool| {
            let mut parameters = Vec::new();
            if kind {
                parameters.push(("type", group.kind.clone()));
                let name = group.name.clone().unwrap_or_else(|| group.id.clone());
                parameters.push(("name", name));
            } else if let Some(name) = &group.name {
                parameters.push(("name", name.clone()));
            }
            if let Some(parent) = &group.parent {
                parameters.push(("parent", parent.clone()));
            }
            Body::Form(parameters)
        };
        let people = |people: &[ExternalId], lenient| {
            let mut parameters: Parameters = people
                .iter()
                .map(|id| ("user", id.as_str().to_owned()))
                .collect();
            parameters.push((lenient, "true".into()));
            parameters
        };
        match call {
            GroupCall::Exists(id) => get("GET groupExists/{groupID}", &["groupExists", id]),
            GroupCall::Create(group) => post(
                "POST addGroup/{groupID}",
                &["addGroup", &group.id],
                "",
                described(group, true),
            ),
            GroupCall::Change(group) => post(
                "POST updateGroup/{groupID}",
                &["updateGroup", &group.id],
                "",
                described(group, false),
            ),
            // Never with `force`: what somebody else put into it stays.
            GroupCall::Delete(id) => post(
                "POST deleteGroup/{groupID}",
                &["deleteGroup", id],
                "",
                Body::Form(vec![("force", "false".into())]),
            ),
            GroupCall::Members(id) => get("GET getGroupUsers/{groupID}", &["getGroupUsers", id]),
            GroupCall::IsMember(id, person) => get(
                "GET groupUserExists/{groupID}/{userID}",
                &["groupUserExists", id, person.as_str()],
            ),
            GroupCall::Add(id, members) => {
                let mut parameters = people(members, "ignoreDuplicates");
                parameters.push(("notify", "false".into()));
                post(
                    "POST addGroupUsers/{groupID}",
                    &["addGroupUsers", id],
                    "",
                    Body::Form(parameters),
                )
            }
            GroupCall::Remove(id, members) => post(
                "POST deleteGroupUsers/{groupID}",
                &["deleteGroupUsers", id],
                "",
                Body::Form(people(members, "ignoreMissing")),
            ),
        }
    }

    fn done(&self, reply: &Reply) -> Written {
        let message = || {
            let message = message::of(&reply.body);
            if message.is_empty() {
                format!("status {} without a reason", reply.status)
            } else {
                message
            }
        };
        match reply.status {
            200..=299 if is_success(&reply.body) => Written::Applied(None),
            200..=299 => Written::Unclear {
                why: "the answer is not the API's",
            },
            _ if is_denial(&message()) => Written::Denied,
            404 | 410 => Written::NotFound,
            405 => Written::WrongAddress,
            409 => Written::Conflict { message: message() },
            _ => Written::Refused { message: message() },
        }
    }

    fn truth(&self, reply: &Reply) -> Option<bool> {
        match reply.status {
            200..=299 => match serde_json::from_slice(&reply.body).ok()? {
                Value::Object(answer) => match answer.get("result")? {
                    Value::Bool(result) => Some(*result),
                    Value::String(result) => result.parse().ok(),
                    _ => None,
                },
                _ => None,
            },
            404 | 410 if !is_page(&reply.body) => Some(false),
            _ => None,
        }
    }

    fn members(&self, reply: &Reply) -> Option<Vec<String>> {
        if !(200..=299).contains(&reply.status) {
            return None;
        }
        let users = users(&reply.body)?;
        Some(
            users
                .iter()
                .filter_map(|user| Some(user.get("id")?.as_str()?.to_owned()))
                .collect(),
        )
    }
}

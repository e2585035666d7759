//! Which calls there are, and how a path names one.

use axum::http::Method;

/// The path below which the API lives.
const BASE: &str = "/api/";

/// A call of the documentation.
#[derive(Debug)]
pub(super) struct Known {
    /// The one method that it takes.
    pub(super) method: &'static str,
    /// Its name.
    pub(super) call: &'static str,
    /// The values that follow the name in the path.
    values: &'static [&'static str],
    /// Whether `?userUID=` can take the place of the path's value.
    by_uid: bool,
}

const fn get(call: &'static str, values: &'static [&'static str]) -> Known {
    Known {
        method: "GET",
        call,
        values,
        by_uid: false,
    }
}

const fn post(call: &'static str, values: &'static [&'static str]) -> Known {
    Known {
        method: "POST",
        ..get(call, values)
    }
}

/// A call about one user: by the external ID or by the UID.
const fn of_user(method: &'static str, call: &'static str) -> Known {
    Known {
        method,
        by_uid: true,
        ..get(call, USER)
    }
}

const USER: &[&str] = &["userID"];
const GROUP: &[&str] = &["groupID"];

pub(super) const KNOWN: [Known; 21] = [
    of_user("GET", "userExists"),
    of_user("GET", "getUser"),
    get("getUsers", &[]),
    post("initializeId", &["login", "userID"]),
    post("addUser", USER),
    of_user("POST", "updateUser"),
    post("addOrUpdateUser", USER),
    of_user("POST", "addUserRoles"),
    of_user("POST", "deleteUser"),
    of_user("POST", "linkAuthorToContentLabels"),
    of_user("POST", "linkDesignerToContentLabels"),
    of_user("POST", "unlinkAuthorFromContentLabels"),
    of_user("POST", "unlinkDesignerFromContentLabels"),
    get("groupExists", GROUP),
    get("groupUserExists", &["groupID", "userID"]),
    get("getGroupUsers", GROUP),
    post("addGroup", GROUP),
    post("updateGroup", GROUP),
    post("addGroupUsers", GROUP),
    post("deleteGroupUsers", GROUP),
    post("deleteGroup", GROUP),
];

/// What a path means, its values still percent-encoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route<'a> {
    pub(super) known: &'static Known,
    /// The first value. `None` where the user's UID must be in the query.
    pub(super) first: Option<&'a str>,
    /// The second value, of the calls that have two.
    pub(super) second: Option<&'a str>,
}

impl<'a> Route<'a> {
    /// `None` where no call has this path.
    pub(super) fn of(path: &'a str) -> Option<Self> {
        let mut parts = path.strip_prefix(BASE)?.split('/');
        let call = parts.next()?;
        let known = KNOWN.iter().find(|known| known.call == call)?;
        let (first, second) = (parts.next(), parts.next());
        let values = usize::from(first.is_some()) + usize::from(second.is_some());
        let fits = values == known.values.len() || values == 0 && known.by_uid;
        let whole = first != Some("") && second != Some("") && parts.next().is_none();
        (fits && whole).then_some(Self {
            known,
            first,
            second,
        })
    }

    /// The call's name in the statistics.
    pub(super) fn name(self, method: &Method) -> Option<String> {
        let Known {
            method: of_call,
            call,
            values,
            ..
        } = self.known;
        if *of_call != method.as_str() {
            return None;
        }
        if self.first.is_none() && self.known.by_uid {
            return Some(format!("{method} {call}?userUID={{userUID}}"));
        }
        let values = values.iter().map(|value| format!("/{{{value}}}"));
        Some(format!("{method} {call}{}", values.collect::<String>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_call_only_with_the_values_that_the_call_takes() {
        let name = |method, path| Route::of(path).and_then(|route| route.name(&method));
        for (path, expected) in [
            ("/api/getUsers", Some("GET getUsers")),
            ("/api/getUser/a%2Fb", Some("GET getUser/{userID}")),
            ("/api/getUser", Some("GET getUser?userUID={userUID}")),
            (
                "/api/groupUserExists/g/u",
                Some("GET groupUserExists/{groupID}/{userID}"),
            ),
            ("/api/getUsers/x", None),
            ("/api/getUsers/", None),
            ("/api/getUser/", None),
            ("/api/getUser/a/b", None),
            ("/api/groupUserExists/g", None),
            ("/api/groupUserExists/g/u/x", None),
            ("/api/groupUserExists//u", None),
            ("/api/groupExists", None),
            ("/api/GetUsers", None),
            ("/api/addUser/a", None),
            ("/api/", None),
            ("/getUsers", None),
        ] {
            assert_eq!(name(Method::GET, path).as_deref(), expected, "{path}");
        }
        assert_eq!(
            name(Method::POST, "/api/initializeId/l/u").as_deref(),
            Some("POST initializeId/{login}/{userID}")
        );
        assert_eq!(name(Method::POST, "/api/addUser"), None);
    }
}

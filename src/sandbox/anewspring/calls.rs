//! Which calls there are, and how a path names one.

use axum::http::Method;
use percent_encoding::percent_decode_str;

/// The path below which the API lives.
const BASE: &str = "/api/";

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    UserExists,
    GetUser,
    GetUsers,
    InitializeId,
    AddUser,
    UpdateUser,
    AddOrUpdateUser,
    AddUserRoles,
    DeleteUser,
    LinkAuthor,
    LinkDesigner,
    UnlinkAuthor,
    UnlinkDesigner,
    GroupExists,
    GroupUserExists,
    GetGroupUsers,
    AddGroup,
    UpdateGroup,
    AddGroupUsers,
    DeleteGroupUsers,
    DeleteGroup,
}

/// A call of the documentation.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) what: What,
    /// The one method that it takes.
    pub(super) method: &'static str,
    /// Its name.
    pub(super) call: &'static str,
    /// How many values follow the name in the path.
    values: usize,
    /// Its name in the statistics.
    by_path: &'static str,
    /// Its name in the statistics where `?userUID=` takes the place of the
    /// path's value. `None` where it cannot.
    by_uid: Option<&'static str>,
}

/// A call about one user: by the external ID or by the UID.
macro_rules! of_user {
    ($what:ident, $method:literal, $call:literal) => {
        Known {
            what: What::$what,
            method: $method,
            call: $call,
            values: 1,
            by_path: concat!($method, " ", $call, "/{userID}"),
            by_uid: Some(concat!($method, " ", $call, "?userUID={userUID}")),
        }
    };
}

/// Any other call.
macro_rules! other {
    ($what:ident, $method:literal, $call:literal, $values:literal, $rest:literal) => {
        Known {
            what: What::$what,
            method: $method,
            call: $call,
            values: $values,
            by_path: concat!($method, " ", $call, $rest),
            by_uid: None,
        }
    };
}

const KNOWN: [Known; 21] = [
    of_user!(UserExists, "GET", "userExists"),
    of_user!(GetUser, "GET", "getUser"),
    other!(GetUsers, "GET", "getUsers", 0, ""),
    other!(InitializeId, "POST", "initializeId", 2, "/{login}/{userID}"),
    other!(AddUser, "POST", "addUser", 1, "/{userID}"),
    of_user!(UpdateUser, "POST", "updateUser"),
    other!(AddOrUpdateUser, "POST", "addOrUpdateUser", 1, "/{userID}"),
    of_user!(AddUserRoles, "POST", "addUserRoles"),
    of_user!(DeleteUser, "POST", "deleteUser"),
    of_user!(LinkAuthor, "POST", "linkAuthorToContentLabels"),
    of_user!(LinkDesigner, "POST", "linkDesignerToContentLabels"),
    of_user!(UnlinkAuthor, "POST", "unlinkAuthorFromContentLabels"),
    of_user!(UnlinkDesigner, "POST", "unlinkDesignerFromContentLabels"),
    other!(GroupExists, "GET", "groupExists", 1, "/{groupID}"),
    other!(
        GroupUserExists,
        "GET",
        "groupUserExists",
        2,
        "/{groupID}/{userID}"
    ),
    other!(GetGroupUsers, "GET", "getGroupUsers", 1, "/{groupID}"),
    other!(AddGroup, "POST", "addGroup", 1, "/{groupID}"),
    other!(UpdateGroup, "POST", "updateGroup", 1, "/{groupID}"),
    other!(AddGroupUsers, "POST", "addGroupUsers", 1, "/{groupID}"),
    other!(
        DeleteGroupUsers,
        "POST",
        "deleteGroupUsers",
        1,
        "/{groupID}"
    ),
    other!(DeleteGroup, "POST", "deleteGroup", 1, "/{groupID}"),
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
        let fits = values == known.values || values == 0 && known.by_uid.is_some();
        let whole = first != Some("") && second != Some("") && parts.next().is_none();
        (fits && whole).then_some(Self {
            known,
            first,
            second,
        })
    }

    /// The call's name in the statistics.
    pub(super) fn name(self, method: &Method) -> Option<&'static str> {
        let by_uid = self.known.by_uid.filter(|_| self.first.is_none());
        (self.known.method == method.as_str()).then_some(by_uid.unwrap_or(self.known.by_path))
    }
}

/// A value of the path, percent-decoded once. `None` where it is not UTF-8.
pub(super) fn decoded(value: &str) -> Option<String> {
    let decoded = percent_decode_str(value).decode_utf8().ok()?;
    Some(decoded.into_owned())
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
            assert_eq!(name(Method::GET, path), expected, "{path}");
        }
        assert_eq!(
            name(Method::POST, "/api/initializeId/l/u"),
            Some("POST initializeId/{login}/{userID}")
        );
        assert_eq!(name(Method::POST, "/api/addUser"), None);
    }
}

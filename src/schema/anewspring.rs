//! aNewSpring: users and user groups.

use super::{ExternalIds, Field, FieldKind, Part, Role, SystemSpec};
use super::{TEXT_CHARS, instruction, of_group, of_part, optional, required, role, set};

pub(super) static SPEC: SystemSpec = SystemSpec {
    word: "anewspring",
    title: "aNewSpring",
    fields: FIELDS,
    of_group: &[
        of_group("groups.type", FieldKind::GroupType(GROUP_TYPES)),
        of_group("groups.name", FieldKind::Text),
        of_group("groups.parent", FieldKind::Reference),
    ],
    roles: ROLES,
    set_by_target: &["id", "uid", "name", "roles", "archived", "deleteAvatar"],
    unique: &["userID", "login"],
    adoptable: &["login", "email"],
    login: "login",
    email: "email",
    names: &["firstName", "lastName"],
    whole_name: Some("name"),
    // The URL parameter `_key` works too and is never used: addresses are
    // logged.
    key_header: "x-api-key",
    secret_header: None,
    page_size: None,
    external_ids: ExternalIds::OfTheLms,
    has_parts: true,
    can_deactivate: true,
    mails: Some("notify"),
    generates_password: Some("generatePassword"),
    active: Some("active"),
};

/// The roles, page "API calls - Users": learners, instructors and observers
/// have older names in the API.
const ROLES: &[Role] = &[
    LEARNER,
    INSTRUCTOR,
    OBSERVER,
    role("author", "Author", false),
    role("designer", "Designer", false),
    role("administrator", "Administrator", true),
    role("reseller", "Reseller", true),
    role("tenant", "Tenant", true),
];

/// The types of user groups: one for each role that can be in one.
const GROUP_TYPES: &[Role] = &[LEARNER, INSTRUCTOR, OBSERVER];

const LEARNER: Role = role("student", "Learner", false);
const INSTRUCTOR: Role = role("teacher", "Instructor", false);
const OBSERVER: Role = role("mentor", "Observer", false);

/// The parameters of a user, pages "API calls - Users" and "Importing users":
/// first name, last name and login are mandatory for a new person.
const FIELDS: &[Field] = &[
    required("userID", FieldKind::ExternalId),
    required("login", FieldKind::Login),
    required("firstName", FieldKind::Text),
    optional("middleName", FieldKind::Text),
    required("lastName", FieldKind::Text),
    optional("email", FieldKind::Email),
    optional("gender", FieldKind::Gender),
    optional("title", FieldKind::Text),
    optional("initials", FieldKind::Text),
    optional("function", FieldKind::Text),
    optional("company", FieldKind::Text),
    optional("dateOfBirth", FieldKind::BirthDate),
    optional("telephoneNumber", FieldKind::Text),
    optional("faxNumber", FieldKind::Text),
    optional("cellPhoneNumber", FieldKind::Text),
    optional("address", FieldKind::Text),
    optional("zip", FieldKind::Text),
    optional("residence", FieldKind::Text),
    optional("country", FieldKind::Text),
    optional("invoiceAddress", FieldKind::Text),
    optional("invoiceZip", FieldKind::Text),
    optional("invoiceResidence", FieldKind::Text),
    optional("invoiceCountry", FieldKind::Text),
    optional("custom1", FieldKind::Text),
    optional("custom2", FieldKind::Text),
    optional("custom3", FieldKind::Text),
    optional("custom4", FieldKind::Text),
    optional("custom5", FieldKind::Text),
    optional("locale", FieldKind::Text),
    optional("timeZoneGroup", FieldKind::Text),
    optional("timeZone", FieldKind::Text),
    optional("active", FieldKind::Bool),
    optional("renewable", FieldKind::Bool),
    instruction("password", FieldKind::Password),
    instruction("generatePassword", FieldKind::Bool),
    instruction("forcePasswordChange", FieldKind::Bool),
    instruction("notify", FieldKind::Bool),
    of_part("avatar", FieldKind::Picture, Part::Picture, TEXT_CHARS),
    set("role", FieldKind::Role(ROLES), Part::Roles),
    set(
        "authorContentLabel",
        FieldKind::Reference,
        Part::AuthorLibraries,
    ),
    set(
        "designerContentLabel",
        FieldKind::Reference,
        Part::DesignerLibraries,
    ),
    set("group", FieldKind::Reference, Part::Groups),
];

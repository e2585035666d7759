//! KMI LMS, users API v2.

use super::{ExternalIds, Field, FieldKind, SystemSpec, optional, required};

pub(super) static SPEC: SystemSpec = SystemSpec {
    word: "kmi",
    title: "KMI LMS",
    fields: FIELDS,
    of_group: &[],
    roles: &[],
    set_by_target: &["id", "createdDate", "updatedDate"],
    unique: &["externalId", "loginName"],
    adoptable: &["loginName", "email"],
    login: "loginName",
    email: "email",
    names: &["firstName", "lastName"],
    whole_name: None,
    // Page "Authorization": two headers on every request.
    key_header: "x-api-key",
    secret_header: Some("x-api-secret"),
    // Page "Pagination": without a limit at most 100 come back; that more can
    // be had with one is not stated.
    page_size: Some(100),
    external_ids: ExternalIds::OfTheKey,
    has_parts: false,
    // The page knows no such state; what `expirationDate` takes is nowhere
    // stated.
    can_deactivate: false,
    mails: None,
    generates_password: None,
    active: None,
};

/// The User object of the KMI API, page "Operations with users by external
/// identifier": `email`, `firstName`, `lastName`, `loginName` are required.
const FIELDS: &[Field] = &[
    required("externalId", FieldKind::ExternalId),
    required("email", FieldKind::Email),
    required("firstName", FieldKind::Text),
    required("lastName", FieldKind::Text),
    required("loginName", FieldKind::Login),
    optional("address", FieldKind::Text),
    optional("address2", FieldKind::Text),
    optional("city", FieldKind::Text),
    optional("state", FieldKind::State),
    optional("zip", FieldKind::Text),
    optional("country", FieldKind::Country),
    optional("expirationDate", FieldKind::Date),
];

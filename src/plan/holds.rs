//! What a hold says of its people: why each is held, and a digest of exactly
//! what is wanted.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::detail::{IdChange, RowDetail, UnderOtherKey};
use super::guards::{Held, NONE, Whom};
use super::identity::Renumbered;
use crate::mapping::{Bound, FieldFingerprints, Leavers, Mapping, unkeyed_fingerprint};
use crate::model::{Action, HoldKind, counted};

/// A digest of what is to be done with a leaver: an approval to deactivate is none
/// to delete, and one to write a value is none to write another.
#[must_use]
pub fn digest_of_leaver(mapping: &Mapping) -> u64 {
    let word: &[u8] = match mapping.leavers {
        Leavers::Ignore => b"ignore",
        Leavers::Deactivate { archive: false } => b"deactivate",
        Leavers::Deactivate { archive: true } => b"archive",
        Leavers::Delete => b"delete",
        // The mapping's own words: tomorrow it is the same.
        Leavers::Set => {
            let fields = mapping.leaver_fields().as_written();
            return xxh3_64(&unkeyed_fingerprint(fields).to_le_bytes());
        }
    };
    xxh3_64(word)
}

/// A digest of exactly what is wanted for a row: of who gets the external ID, or of
/// all that the row says.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "half of a hash")]
pub fn digest_of_row(kind: HoldKind, fingerprint: u128, detail: &RowDetail) -> u64 {
    if kind == HoldKind::Renumbered {
        // Of all else of somebody known nobody must approve.
        return digest_of_renumbered(detail, detail.identity);
    }
    let content = fingerprint as u64;
    if detail.id_change == IdChange::Rekeyed {
        digest_of_renumbered(detail, content)
    } else {
        content
    }
}

/// A digest of who a row says that the person is: login, e-mail and names.
#[must_use]
pub fn digest_of_identity(bound: &Bound<'_>, of: &FieldFingerprints) -> u64 {
    let names = bound.mapping().target.system.spec().names;
    let mut bytes = Vec::with_capacity(64);
    for (_, value) in of.identity() {
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    for name in names {
        let tag = bound.mapping().tag(name);
        let value = tag.and_then(|tag| of.field(tag)).unwrap_or(0);
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    xxh3_64(&bytes)
}

/// A digest of the change of an external ID.
fn digest_of_renumbered(detail: &RowDetail, content: u64) -> u64 {
    let from = match detail.renumbered.as_deref() {
        Some(Renumbered { from: Some(id), .. }) => id.as_str(),
        Some(it) => it.remote_id.as_deref().unwrap_or(""),
        None => "takes over",
    };
    xxh3_64_with_seed(from.as_bytes(), content)
}

/// Why a person is held, as a sentence without the person's data.
#[must_use]
pub fn reason(kind: HoldKind, detail: &RowDetail, changed: &[&'static str]) -> String {
    let fields = || match changed {
        [] => "changes".to_owned(),
        changed => format!("changes {}", changed.join(", ")),
    };
    match kind {
        HoldKind::Leavers => "missing from the feed".into(),
        HoldKind::Creates => match detail.under_other_key {
            UnderOtherKey::SamePerson => "another API key of this LMS has this external ID".into(),
            UnderOtherKey::SomebodyElse => "another API key of this LMS has this external ID, for \
                                            somebody else, it seems: would be created"
                .into(),
            UnderOtherKey::Nobody => "not known yet: would be created".into(),
        },
        HoldKind::Updates => fields(),
        HoldKind::Identities if detail.id_change != IdChange::Rekeyed => {
            overwritten(detail, &fields())
        }
        HoldKind::Identities | HoldKind::Renumbered => renumbered(detail),
        HoldKind::Lost => "known, but the LMS does not show this person: would be created".into(),
    }
}

/// What becomes of the account of an external ID under which the feed names somebody
/// else, it seems.
fn overwritten(detail: &RowDetail, changes: &str) -> String {
    let of = detail
        .renumbered
        .as_deref()
        .and_then(|it| it.from.as_deref());
    match of {
        Some(id) => format!(
            "{changes} of this external ID's account, to what {id} was known by: approving \
             overwrites the account"
        ),
        None => changes.to_owned(),
    }
}

/// Who a renumbered person is, and by what that shows.
fn renumbered(detail: &RowDetail) -> String {
    let Some(it) = detail.renumbered.as_deref() else {
        return "would get the external ID of somebody who is known under another one now".into();
    };
    let who = match &it.from {
        Some(id) => format!("seems to be {id}"),
        None => "seems to have an account without an external ID".into(),
    };
    if detail.id_change == IdChange::Exchanged {
        return format!(
            "{who}, in exchange for another external ID of this feed: no order of changes leaves \
             each with one, so an approval cannot be carried out; change one in the LMS"
        );
    }
    let how = match (it.by.as_slice(), it.damage) {
        (_, Some(damage)) => format!(": {}", damage.clause()),
        ([], None) => String::new(),
        ([_], None) => " (the same login or e-mail address)".into(),
        (_, None) => " (the same login and e-mail address)".into(),
    };
    format!("{who}{how}")
}

/// A hold of rows that wait for others which are held, or for too many others.
#[must_use]
pub fn along_with(kind: HoldKind, people: u64) -> Held {
    let who = counted(people, "person waits", "people wait");
    Held {
        kind,
        whom: Whom::All,
        people,
        bound: NONE.into(),
        why: format!("{who} for a login or an external ID that does not become free in this run"),
    }
}

/// What would be done for the people of a hold; `None` where leavers stay.
#[must_use]
pub const fn action_of(kind: HoldKind, leaving: Leavers) -> Option<Action> {
    match kind {
        HoldKind::Leavers => match leaving {
            Leavers::Ignore => None,
            Leavers::Deactivate { .. } => Some(Action::Deactivate),
            Leavers::Delete => Some(Action::Delete),
            Leavers::Set => Some(Action::Set),
        },
        HoldKind::Creates | HoldKind::Lost => Some(Action::Create),
        HoldKind::Updates | HoldKind::Identities => Some(Action::Update),
        HoldKind::Renumbered => Some(Action::Rekey),
    }
}

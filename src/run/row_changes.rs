//! What becomes of the rows that guards and decisions are about.

use std::collections::HashSet;

use super::decisions::Earlier;
use crate::journal::{HeldPerson, HoldId};
use crate::model::{HoldKind, Rule};
use crate::plan::guards::{Numbers, Whom};
use crate::plan::{
    self, After, Blocked, Change, Held, IdChange, RowDetail, RowIndex, RowState, RowTable,
    UnderOtherKey,
};

/// The states of rows that something would be done for.
const CHANGES: [RowState; 4] = [
    RowState::New,
    RowState::Changed,
    RowState::Adopt,
    RowState::Rekey,
];

/// Whether a row waits because its person is known under another external ID, and
/// can have the one of the row, or because somebody else gives that up.
pub(super) fn is_renumbered(state: RowState, detail: &RowDetail) -> bool {
    match state {
        RowState::New => detail.renumbered.is_some(),
        RowState::Changed if is_stuck(state, detail) => false,
        // Once the ID is free, the row is that of a joiner.
        RowState::Changed => detail.renumbered.is_some() || detail.id_change == IdChange::TakesOver,
        _ => false,
    }
}

/// Whether the external ID of somebody renumbered is another human's, who keeps it.
fn is_stuck(state: RowState, detail: &RowDetail) -> bool {
    state == RowState::Changed && detail.renumbered.is_some() && detail.after.is_none()
}

/// Notes who would exchange external IDs. No order leaves each with one: they are
/// held, whatever the mapping says.
pub(super) fn note_exchanged(rows: &mut RowTable) {
    let gives_on = |row: &RowIndex| rows.detail(*row).is_some_and(|it| it.renumbered.is_some());
    let renumbered: Vec<_> = rows
        .rows_in(&[RowState::Changed])
        .filter(gives_on)
        .collect();
    for row in plan::in_cycles(rows, &renumbered) {
        rows.detail_mut(row).id_change = IdChange::Exchanged;
    }
}

/// Whether an account gets back its external ID, since a person said that its API key
/// was replaced. Guards count it as no update, only as an identity that changes.
fn is_moved(state: RowState, detail: &RowDetail) -> bool {
    let is_of_other_key = detail.under_other_key == UnderOtherKey::SamePerson;
    state == RowState::Adopt && is_of_other_key && detail.account.is_some()
}

/// Whether an account would get another external ID, or anything else that tells who
/// it is.
pub(super) fn changes_identity(state: RowState, detail: &RowDetail) -> bool {
    state == RowState::Rekey
        || (state == RowState::Changed || is_moved(state, detail))
            && detail.identity_change.is_any()
}

/// Adds what the rows are to `numbers`. Returns how many of those renumbered
/// would change who somebody else is, whose external ID they come under.
pub(super) fn count(rows: &RowTable, numbers: &mut Numbers) -> u64 {
    let none = RowDetail::default();
    let mut displacing = 0;
    for row in rows.rows_in(&CHANGES) {
        let detail = rows.detail(row).unwrap_or(&none);
        let state = rows.state(row);
        if detail.is_approved {
            continue;
        }
        let is_moved = is_moved(state, detail);
        numbers.relinked += u64::from(is_moved);
        let is_renumbered = is_renumbered(state, detail);
        let is_known = !matches!(state, RowState::New);
        numbers.renumbered += u64::from(is_renumbered);
        displacing += u64::from(is_renumbered && is_known);
        if is_known {
            let is_rekey = state == RowState::Rekey;
            numbers.identities += u64::from(is_rekey || detail.identity_change.is_whole());
            numbers.identity_changes += u64::from(is_rekey || detail.identity_change.is_any());
        }
        let is_mailed = rows.mails(row);
        if !is_renumbered && is_known && !is_moved {
            numbers.changed += 1;
            numbers.changed_mailed += u64::from(is_mailed);
            numbers.changed_closed += u64::from(rows.closes(row));
        }
        if !is_renumbered && !is_known {
            numbers.new += 1;
            numbers.new_mailed += u64::from(is_mailed);
            let of_other_key = detail.under_other_key;
            numbers.new_under_other_keys += u64::from(of_other_key == UnderOtherKey::SamePerson);
            numbers.new_of_others += u64::from(of_other_key == UnderOtherKey::SomebodyElse);
        }
    }
    displacing
}

/// The rows that a guard holds, or `--allow` lets pass.
pub(super) fn rows_of(rows: &RowTable, held: &Held, earlier: &Earlier) -> Vec<RowIndex> {
    let kind = held.kind;
    let waiting: HashSet<_> = match held.whom {
        Whom::Waiting => (earlier.open(kind))
            .flat_map(|it| &it.wanted)
            .filter_map(|id| rows.named(id.as_str()))
            .collect(),
        _ => HashSet::new(),
    };
    let none = RowDetail::default();
    let is_held = |row: &RowIndex| {
        let (state, detail) = (rows.state(*row), rows.detail(*row).unwrap_or(&none));
        let is_renumbered = is_renumbered(state, detail);
        let is_of_kind = match kind {
            HoldKind::Creates => state == RowState::New && !is_renumbered,
            HoldKind::Updates => {
                state != RowState::New && !is_renumbered && !is_moved(state, detail)
            }
            HoldKind::Identities => changes_identity(state, detail),
            HoldKind::Renumbered => is_renumbered,
            HoldKind::Leavers | HoldKind::Lost => false,
        };
        let is_among = match held.whom {
            Whom::All => true,
            Whom::UnderOtherKeys | Whom::OthersUnderOtherKeys => {
                detail.under_other_key != UnderOtherKey::Nobody
            }
            Whom::Waiting => waiting.contains(row),
            Whom::Mailed => rows.mails(*row),
            Whom::Closed => rows.closes(*row),
        };
        is_of_kind && is_among && !detail.is_approved
    };
    rows.rows_in(&CHANGES).filter(is_held).collect()
}

/// A person approved the change of a row, in a hold of that kind.
pub(super) fn approve(rows: &mut RowTable, row: RowIndex, kind: HoldKind, hold: Option<HoldId>) {
    let detail = rows.detail_mut(row);
    detail.is_approved = true;
    detail.hold = hold.map(HoldId::number);
    if detail.id_change == IdChange::Rekeyed {
        return;
    }
    match kind {
        // It was shown as a change of the account with this external ID.
        HoldKind::Identities => {
            detail.renumbered = None;
            detail.after = detail.login_after.map(After::Row);
            detail.id_change = IdChange::None;
        }
        HoldKind::Renumbered => rekey(rows, row),
        HoldKind::Leavers | HoldKind::Creates | HoldKind::Updates | HoldKind::Lost => {}
    }
}

/// A person said that somebody new is another human than it seems. A row whose
/// external ID somebody has is not that of a joiner: it stays held.
pub(super) fn approve_as_joiner(rows: &mut RowTable, row: RowIndex, hold: HoldId) {
    if rows.state(row) != RowState::New {
        return;
    }
    let detail = rows.detail_mut(row);
    let renumbered = detail.renumbered.take();
    detail.is_approved = true;
    detail.hold = Some(hold.number());
    detail.after = detail.login_after.map(After::Row);
    // Nobody gets a login that somebody keeps.
    if let Some(it) = renumbered.filter(|it| it.has_login) {
        detail.after = it.from.map(After::Leaver);
    }
}

/// Gives everybody known under another external ID the one of the feed. Who has an
/// account without any, and who may be somebody else, is given it only where a person
/// said so.
pub(super) fn rekey_all(rows: &mut RowTable) {
    let must_wait = |detail: &RowDetail| {
        let renumbered = detail.renumbered.as_deref();
        renumbered.is_some_and(|it| it.from.is_none() || !it.is_sure)
    };
    let is_open = |row: &RowIndex| {
        let detail = rows.detail(*row).filter(|detail| !must_wait(detail));
        detail.is_some_and(|detail| is_renumbered(rows.state(*row), detail))
    };
    let open: Vec<_> = rows.rows_in(&CHANGES).filter(is_open).collect();
    for row in open {
        rekey(rows, row);
    }
}

/// Gives a person the external ID of the row. A row whose external ID somebody else
/// gives up is a joiner's then.
fn rekey(rows: &mut RowTable, row: RowIndex) {
    let detail = rows.detail_mut(row);
    match detail.renumbered.as_deref() {
        Some(_) if detail.id_change == IdChange::Exchanged => {}
        Some(renumbered) => match (&renumbered.from, renumbered.remote_id.clone()) {
            (Some(_), _) => rows.rekey(row),
            (None, Some(account)) => rows.adopt_account(row, &account),
            (None, None) => {}
        },
        None if detail.id_change == IdChange::TakesOver => rows.create(row),
        None => {}
    }
}

/// Puts the rows in order that wait for others, and takes out those that cannot be
/// sent. `goes`: whether a leaver is removed in this run.
pub(super) fn arrange(rows: &mut RowTable, goes: impl Fn(&str) -> bool) {
    let is_in_vain = |row: &RowIndex| {
        let after = rows.detail(*row).and_then(|detail| detail.after.as_ref());
        matches!(after, Some(After::Leaver(id)) if !goes(id))
    };
    let in_vain: Vec<_> = rows.rows_in(&CHANGES).filter(is_in_vain).collect();
    for row in in_vain {
        take_out(rows, row, Blocked::NotSent);
    }
    // The account of the external ID is another human's.
    let is_renumbered =
        |row: &RowIndex| rows.detail(*row).is_some_and(|it| it.renumbered.is_some());
    let changed = rows.rows_in(&[RowState::Changed]);
    let renumbered: Vec<_> = changed.filter(is_renumbered).collect();
    for row in renumbered {
        reject(rows, row);
    }
    loop {
        let waits = |row: &RowIndex| rows.detail(*row).is_some_and(|it| it.after.is_some());
        let waiting: Vec<_> = rows.rows_in(&CHANGES).filter(waits).collect();
        let blocked = plan::arrange(rows, &waiting);
        if blocked.is_empty() {
            return;
        }
        for (row, why) in blocked {
            // Whose change was approved as it is is sent at any rate: the LMS may let two
            // people have one login.
            let is_out_of_order = matches!(why, Blocked::Cycle | Blocked::TooDeep);
            let is_approved = rows.detail(row).is_some_and(|it| {
                it.is_approved && it.login_after.is_some() && it.id_change == IdChange::None
            });
            if is_out_of_order && is_approved {
                rows.detail_mut(row).after = None;
            } else {
                take_out(rows, row, why);
            }
        }
    }
}

/// Takes out a row that waits in vain.
pub(super) fn take_out(rows: &mut RowTable, row: RowIndex, why: Blocked) {
    let (other, leaver) = match rows.detail(row).and_then(|detail| detail.after.as_ref()) {
        Some(After::Row(other)) => (Some(*other), None),
        Some(After::Leaver(id)) => (None, Some(id.clone())),
        None => (None, None),
    };
    let kind = other.and_then(|other| rows.detail(other)?.held);
    let waits_for_id = (rows.detail(row))
        .is_some_and(|it| matches!(it.id_change, IdChange::Rekeyed | IdChange::TakesOver));
    let row_of_other = other.map(|other| rows.number(other));
    match (why, kind) {
        (Blocked::Held, Some(kind)) => rows.hold(row, kind),
        // The next run goes on where this one ends.
        (Blocked::TooDeep, _) if waits_for_id => rows.hold(row, HoldKind::Renumbered),
        _ if waits_for_id => reject(rows, row),
        _ => rows.reject(
            row,
            Rule::LoginTaken {
                by: leaver,
                row: row_of_other,
            },
        ),
    }
}

/// Rejects a row whose external ID does not become free.
fn reject(rows: &mut RowTable, row: RowIndex) {
    let detail = rows.detail_mut(row);
    let renumbered = detail.renumbered.as_deref();
    let known_as = renumbered.and_then(|it| it.from.as_deref()).map(Into::into);
    let rule = if detail.id_change == IdChange::Exchanged {
        Rule::ExternalIdsExchanged { known_as }
    } else {
        Rule::ExternalIdInUse { known_as }
    };
    rows.reject(row, rule);
}

/// A person of a hold.
pub(super) fn held_person(kind: HoldKind, change: Change, detail: &RowDetail) -> HeldPerson {
    HeldPerson {
        row: Some(change.row),
        known_as: (detail.renumbered.as_deref()).and_then(|it| it.from.clone()),
        digest: plan::digest_of_row(kind, change.fingerprint, detail),
        reason: plan::reason(kind, detail, &change.changed).into(),
        changed: change.changed_in_words().map(Into::into),
        external_id: change.content.external_id,
    }
}

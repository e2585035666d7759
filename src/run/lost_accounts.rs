//! The accounts of lost people: somebody may have taken an account's external ID away
//! in the LMS, or changed it, or the LMS finds nobody by it today. Whom the LMS shows by
//! its own id is not created again, unless a person says so.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use super::{RunError, Stages};
use crate::journal::{JournalError, Settled};
use crate::mapping::{FieldFingerprints, FieldTag};
use crate::model::{Action, ExternalId, HoldKind, Outcome};
use crate::plan::guards::Allow;
use crate::plan::{self, RowDetail, RowTable};
use crate::targets::{self, Remote};
use crate::upload::{AccountCheck, Listed, LostAccount, LostPerson, RunRecorder, sample};

/// What the journal has of somebody lost.
#[derive(Default)]
struct KnownAccount {
    remote_id: Option<String>,
    fingerprints: FieldFingerprints,
}

impl Stages<'_> {
    /// Takes those out of `gone` whose accounts the LMS shows, under another external ID,
    /// none, or their own, and those about whom it could not say it: nobody is created for
    /// them. Returns the others, with those whose accounts may be deleted and whom a person
    /// approved.
    pub(super) fn without_accounts(
        &mut self,
        rows: &RowTable,
        gone: Vec<LostPerson>,
        recorder: &RunRecorder,
    ) -> Result<Vec<LostPerson>, RunError> {
        if gone.is_empty() {
            return Ok(gone);
        }
        let check = self.check_accounts(rows, &gone)?;
        let shown = check.shown.len() as u64;
        let is_approved = |person: &LostPerson| {
            let has_hold = |detail: &RowDetail| detail.hold.is_some();
            let is_allowed = || self.allowed.covers(&Allow::Held(HoldKind::Lost, shown));
            rows.detail(person.index).is_some_and(has_hold) || is_allowed()
        };
        let approved = gone.iter().filter(|person| is_approved(person));
        let approved: HashSet<_> = approved.map(|person| person.external_id.clone()).collect();
        let shown = check.shown.into_iter();
        let shown = shown.filter(|(id, _)| !approved.contains(id));
        let there: HashMap<_, _> = check.there.into_iter().chain(shown).collect();
        let unanswered: HashSet<_> = check.unanswered.into_iter().collect();
        let mut others = Vec::with_capacity(gone.len());
        for person in gone {
            if unanswered.contains(&person.external_id) {
                let why = "the LMS could not say whether the person's account exists";
                self.not_done(person, why, recorder)?;
                continue;
            }
            match there.get(&person.external_id) {
                Some(account) => self.reject_lost(&person, account, recorder)?,
                None => others.push(person),
            }
        }
        Ok(others)
    }

    /// Looks for the accounts of these people, whom the LMS does not show by their
    /// external IDs.
    pub(super) fn check_accounts(
        &mut self,
        rows: &RowTable,
        gone: &[LostPerson],
    ) -> Result<AccountCheck, RunError> {
        let known = self.known_accounts(gone)?;
        if targets::of(self.settings.system).account("").is_some() {
            self.asked_by_id(gone, known)
        } else {
            self.listed_accounts(rows, &known)
        }
    }

    /// What the journal has of these people.
    fn known_accounts(
        &self,
        gone: &[LostPerson],
    ) -> Result<HashMap<ExternalId, KnownAccount>, RunError> {
        // Who was to get another external ID is in the journal under the former one.
        let in_journal = |person: &'_ LostPerson| {
            let id = person.former.as_ref().unwrap_or(&person.external_id);
            (id.clone(), person.external_id.clone())
        };
        let people: HashMap<_, _> = gone.iter().map(in_journal).collect();
        let mut known = HashMap::with_capacity(people.len());
        if let Some(journal) = &self.journal {
            journal.identities(&self.scope, |person| {
                if let Some(id) = people.get(&ExternalId::known(person.external_id)) {
                    let account = KnownAccount {
                        remote_id: person.remote_id.map(str::to_owned),
                        fingerprints: FieldFingerprints::of_packed(person.fields, person.identity),
                    };
                    known.insert(id.clone(), account);
                }
                Ok::<_, JournalError>(ControlFlow::Continue(()))
            })?;
        }
        Ok(known)
    }

    /// Asks for a sample of the accounts, and for all where any of the sample is there.
    fn asked_by_id(
        &mut self,
        gone: &[LostPerson],
        mut known: HashMap<ExternalId, KnownAccount>,
    ) -> Result<AccountCheck, RunError> {
        let accounts: Vec<_> = (gone.iter())
            .filter_map(|person| {
                let known = known.remove(&person.external_id)?;
                Some(LostAccount {
                    external_id: person.external_id.clone(),
                    remote_id: known.remote_id?,
                })
            })
            .collect();
        let some = sample(&accounts);
        let is_all = some.len() == accounts.len();
        let check = self.uploader.accounts(some, &mut self.listener)?;
        if is_all || check.is_empty() {
            return Ok(check);
        }
        Ok(self.uploader.accounts(accounts, &mut self.listener)?)
    }

    /// Looks for the accounts in the list of everybody, which is one call: by the LMS's
    /// ids, and by the logins.
    fn listed_accounts(
        &mut self,
        rows: &RowTable,
        known: &HashMap<ExternalId, KnownAccount>,
    ) -> Result<AccountCheck, RunError> {
        let bound = &self.bound;
        let login = bound.mapping().target.system.spec().login;
        let login = bound.mapping().tag(login);
        let (mut by_id, mut by_login) = (HashMap::new(), HashMap::new());
        for (id, account) in known {
            by_id.extend(account.remote_id.as_deref().map(|remote| (remote, id)));
            by_login.extend(logins(&account.fingerprints, login).map(|value| (value, id)));
        }
        let mut check = AccountCheck::default();
        let whose = |person: &Remote| {
            if let Some(id) = by_id.get(person.id.as_str()) {
                return Some((*id).clone());
            }
            // Who has a row is somebody else, whatever the login is.
            let other = person.external_id.as_deref();
            if other.is_some_and(|other| rows.named(other).is_some()) {
                return None;
            }
            let shown = plan::fields_of_listed(bound, |field| person.get(field));
            let found = logins(&shown, login).find_map(|value| by_login.get(&value));
            found.map(|id| (*id).clone())
        };
        let mut each = |people: &[Remote]| {
            for account in people {
                if let Some(id) = whose(account) {
                    check.add(id, account.clone());
                }
            }
            Ok(())
        };
        let listed = self
            .uploader
            .everybody(None, &mut each, &mut self.listener)?;
        if listed != Listed::All {
            check.unanswered.extend(known.keys().cloned());
        }
        Ok(check)
    }

    /// Records that somebody's account has another external ID: only a person in the LMS
    /// can say whether it is to have the one of the row.
    fn reject_lost(
        &mut self,
        person: &LostPerson,
        account: &Remote,
        recorder: &RunRecorder,
    ) -> Result<(), RunError> {
        let LostPerson {
            row, external_id, ..
        } = person;
        let has = match &account.external_id {
            Some(own) if own == external_id.as_str() => None,
            Some(other) => Some(format!("the external ID {other}")),
            None => Some("no external ID".to_owned()),
        };
        let code = if has.is_some() {
            "other-external-id"
        } else {
            "account-not-found"
        };
        let message = match has {
            Some(has) => format!(
                "the account with the LMS's id {} is this person's and has {has}: give it \
                 {external_id} in the LMS (nobody was created)",
                account.id
            ),
            None => format!(
                "the LMS finds nobody by the external ID {external_id}, and shows the account with \
                 its own id {} that has it (nobody was created): if the account is deleted, \
                 restore it in the LMS, or create these N people again with `--allow lost=N`",
                account.id
            ),
        };
        let settled = Settled {
            row: Some(*row),
            action: Some(Action::Update),
            code: Some(code),
            message: Some(message),
            ..Settled::new(Some(external_id.clone()), Outcome::Rejected)
        };
        recorder.writer.settle(recorder.run, settled)?;
        self.announce_lost(person, Action::Update, Outcome::Rejected);
        Ok(())
    }
}

/// What a login may be recognised by.
fn logins(of: &FieldFingerprints, login: Option<FieldTag>) -> impl Iterator<Item = u128> {
    let is_login = move |tag: FieldTag| Some(tag) == login;
    let folded = of.identity().filter(move |(tag, _)| is_login(*tag));
    let exact = login.and_then(|tag| of.field(tag)).map(u128::from);
    folded.map(|(_, value)| value).chain(exact)
}

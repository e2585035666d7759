//! Known people whom the LMS does not show: the whole run decides what becomes of
//! them.
//!
//! An update that finds nobody creates nobody. Somebody deleted by hand looks the
//! same as somebody whom the account behind the key no longer sees, and a thousand
//! of the latter would become a thousand second people.

use tokio::sync::mpsc;

use super::engine::End;
use super::look_up::LookUp;
use super::survey::{Known, Question};
use super::{UploadError, Uploader};
use crate::event::Listener;
use crate::model::{Calls, ExternalId, RowNumber};
use crate::plan::RowIndex;
use crate::targets::Remote;

/// How many of those lost are looked up before any of them is created again.
const SAMPLE: usize = 20;

/// Somebody known whom the LMS did not find for a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostPerson {
    /// The row in the file.
    pub row: RowNumber,
    /// The row among the rows of the feed.
    pub index: RowIndex,
    /// The person.
    pub external_id: ExternalId,
    /// The external ID so far of somebody who was to get this one.
    pub former: Option<ExternalId>,
}

/// At most twenty of `lost`, spread evenly.
#[must_use]
pub fn sample<T: Clone>(lost: &[T]) -> Vec<T> {
    let count = lost.len().min(SAMPLE);
    (0..count)
        .filter_map(|n| lost.get(n * lost.len() / count).cloned())
        .collect()
}

/// The account that somebody lost had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostAccount {
    /// The person.
    pub external_id: ExternalId,
    /// The LMS's id.
    pub remote_id: String,
}

/// What a look for the accounts of lost people showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountCheck {
    /// The accounts that are there, without the external ID or with another one.
    pub there: Vec<(ExternalId, Remote)>,
    /// The accounts that are shown with the external ID, by which nobody is found: deleted, or
    /// there and not found.
    pub shown: Vec<(ExternalId, Remote)>,
    /// The LMS could not say.
    pub unanswered: Vec<ExternalId>,
}

impl AccountCheck {
    /// Whether none is there or shown, and nothing is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.there.is_empty() && self.shown.is_empty() && self.unanswered.is_empty()
    }

    /// Adds the account of somebody lost.
    pub fn add(&mut self, external_id: ExternalId, account: Remote) {
        let has_id = account.external_id.as_deref() == Some(external_id.as_str());
        let accounts = if has_id {
            &mut self.shown
        } else {
            &mut self.there
        };
        accounts.push((external_id, account));
    }
}

/// What a look for people who seem lost showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LostCheck {
    /// They are there after all.
    pub there: Vec<ExternalId>,
    /// The LMS could not say.
    pub unanswered: Vec<ExternalId>,
}

impl LostCheck {
    /// Whether nobody who was asked for is there.
    #[must_use]
    pub fn confirms_all(&self) -> bool {
        self.there.is_empty() && self.unanswered.is_empty()
    }
}

impl Uploader {
    /// Looks these accounts up by the LMS's ids.
    ///
    /// # Errors
    /// The run was halted.
    pub fn accounts(
        &mut self,
        accounts: Vec<LostAccount>,
        listener: &mut dyn Listener,
    ) -> Result<AccountCheck, UploadError> {
        let (sender, mut jobs) = mpsc::channel(accounts.len().max(1));
        for account in accounts {
            let LostAccount {
                external_id,
                remote_id,
            } = account;
            let job = LookUp::new(&self.target, external_id, remote_id).of_account();
            // There is room for all of them.
            let _sent = sender.try_send(job);
        }
        drop(sender);
        let mut check = AccountCheck::default();
        let ledger = |job: LookUp<String>, end, _: &Calls, _: &mut dyn Listener| {
            match end {
                End::Done => {
                    let id = job.external_id;
                    if let Some(person) = job.found {
                        check.add(id, person);
                    }
                }
                End::GaveUp(_) => check.unanswered.push(job.external_id),
                End::Halted | End::HaltedRefused => {}
            }
            Ok(())
        };
        let drive = self.engine.drive(&mut jobs, ledger, listener);
        self.runtime.block_on(drive)?;
        Ok(check)
    }

    /// Looks these people up, who seem lost: see [`sample`].
    ///
    /// # Errors
    /// The run was halted.
    pub fn confirm_lost(
        &mut self,
        people: Vec<ExternalId>,
        listener: &mut dyn Listener,
    ) -> Result<LostCheck, UploadError> {
        let questions = people.into_iter().map(Question::of).collect();
        let mut check = LostCheck::default();
        let mut answer = |question: Question<()>, known| {
            match known {
                Known::There(_) => check.there.push(question.external_id),
                Known::NotFound => {}
                Known::NotAnswered { .. } => check.unanswered.push(question.external_id),
            }
            Ok(())
        };
        self.ask_all(questions, &mut answer, listener)?;
        Ok(check)
    }
}

//! Known people whom the LMS does not show: the whole run decides what becomes of
//! them.
//!
//! An update that finds nobody creates nobody. Somebody deleted by hand looks the
//! same as somebody whom the account behind the key no longer sees, and a thousand
//! of the latter would become a thousand second people.

use tokio::sync::mpsc;

use super::survey::{Known, Question};
use super::{UploadError, Uploader};
use crate::event::Listener;
use crate::model::{ExternalId, RowNumber};
use crate::plan::RowIndex;

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
}

impl LostPerson {
    /// At most twenty of `lost`, spread evenly.
    #[must_use]
    pub fn sample(lost: &[Self]) -> Vec<ExternalId> {
        let count = lost.len().min(SAMPLE);
        (0..count)
            .filter_map(|n| lost.get(n * lost.len() / count))
            .map(|person| person.external_id.clone())
            .collect()
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
    /// Looks these people up, who seem lost: see [`LostPerson::sample`].
    ///
    /// # Errors
    /// The run was halted.
    pub fn confirm_lost(
        &mut self,
        people: Vec<ExternalId>,
        listener: &mut dyn Listener,
    ) -> Result<LostCheck, UploadError> {
        let (sender, questions) = mpsc::channel(people.len().max(1));
        for external_id in people {
            let about = ();
            // There is room for all of them.
            let _sent = sender.try_send(Question { external_id, about });
        }
        drop(sender);
        let mut check = LostCheck::default();
        let mut answer = |question: Question<()>, known| {
            match known {
                Known::There(_) => check.there.push(question.external_id),
                Known::NotFound => {}
                Known::NotAnswered { .. } => check.unanswered.push(question.external_id),
            }
            Ok(())
        };
        self.ask_each(questions, &mut answer, listener)?;
        Ok(check)
    }
}

//! What changes do beside the LMS's data, in words.

use super::counted;
use super::text::enumerate;
use crate::model::Effects;

/// What an import will do or would do, as the end of a sentence; `None` for nothing.
pub(super) fn in_words(effects: &Effects) -> Option<String> {
    let Effects {
        mails,
        passwords,
        closed,
    } = *effects;
    let mailed = counted(mails, "person", "people");
    let passwords_made = counted(passwords, "password", "passwords");
    let accounts = counted(closed, "account", "accounts");
    let parts: Vec<_> = [
        (mails, format!("make the LMS mail up to {mailed}")),
        (passwords, format!("make the LMS generate {passwords_made}")),
        (closed, format!("close {accounts}")),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(_, words)| words)
    .collect();
    (!parts.is_empty()).then(|| enumerate(&parts))
}

/// The same about an import that would come.
#[must_use]
pub fn effects_note(effects: &Effects) -> Option<String> {
    in_words(effects).map(|words| format!("an import would {words}"))
}

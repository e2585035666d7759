//! Is a person as the feed wants it? The one predicate, of all who ask: the survey of
//! people who are new to the journal, the read-back after an answer that was lost, the
//! proof, and `hrfeed audit`.
//!
//! # Invariants
//!
//! - Where it says [`Fit::AsWanted`], sending would change nothing.
//! - What an answer does not show is neither as wanted nor different.

use super::Remote;
use crate::model::{Content, Step};
use crate::schema::Part;

/// Whether a person is as wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// In every respect: sending would change nothing.
    AsWanted,
    /// Not in something that the answer shows.
    Differs,
    /// In all that the answer shows, and it does not show everything.
    CannotSay,
}

/// The state that is wanted of a person.
#[derive(Clone, Copy, Debug)]
pub struct WantedState<'a> {
    content: &'a Content,
    /// The details are those of the content.
    details: bool,
    /// So is something that no answer about a person shows: the picture, rights for content
    /// libraries, groups.
    unseen: bool,
    /// The person has at least these roles: no call takes one away.
    roles: &'a [String],
    account: Account,
}

/// What is wanted of a person's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Account {
    /// Nothing.
    Any,
    /// It is not in the archive. Whether it is active is not the feed's to say, unless
    /// that is one of the details.
    InUse,
    /// The same, and it is active: the person was deactivated as a leaver, and is back.
    Active,
    /// Nobody signs in with it.
    Inactive,
    /// It is in the archive.
    Archived,
    /// It is not there.
    Gone,
}

impl<'a> WantedState<'a> {
    /// What a row wants, of which nothing was acknowledged. `roles` are those that the
    /// person must have.
    #[must_use]
    pub fn by_row(content: &'a Content, roles: &'a [String]) -> Self {
        // Of an empty set nothing is taken away that hrfeed did not give.
        let is_unseen =
            |(part, values): &(Part, Vec<String>)| *part != Part::Roles && !values.is_empty();
        Self {
            content,
            details: true,
            unseen: content.picture.is_some() || content.sets.iter().any(is_unseen),
            roles,
            account: Account::InUse,
        }
    }

    /// What a write leads to. For one that addresses somebody by another name, `content`
    /// has the external ID that the person has afterwards.
    #[must_use]
    pub fn after(step: &'a Step, content: &'a Content) -> Self {
        let nothing = Self {
            content,
            details: false,
            unseen: false,
            roles: &[],
            account: Account::Any,
        };
        let whole = Self {
            details: true,
            unseen: content.picture.is_some(),
            account: Account::InUse,
            ..nothing
        };
        match step {
            Step::Create { roles, .. } => Self { roles, ..whole },
            Step::Adopt { .. } | Step::Rekey { .. } => whole,
            Step::Update {
                picture,
                reactivate,
                ..
            } => Self {
                unseen: *picture,
                account: if *reactivate && !says_active(content) {
                    Account::Active
                } else {
                    Account::InUse
                },
                ..whole
            },
            Step::BringBack => Self {
                account: Account::InUse,
                ..nothing
            },
            Step::AddRoles(roles) => Self { roles, ..nothing },
            Step::Link(..) | Step::Unlink(..) => Self {
                unseen: true,
                ..nothing
            },
            Step::Deactivate { archive } => Self {
                account: if *archive {
                    Account::Archived
                } else {
                    Account::Inactive
                },
                ..nothing
            },
            Step::Set => Self {
                details: true,
                ..nothing
            },
            Step::Delete => Self {
                account: Account::Gone,
                ..nothing
            },
        }
    }

    /// Whether a person is so.
    #[must_use]
    pub fn fit(&self, person: &Remote) -> Fit {
        let respects = self.respects(person);
        if respects.iter().any(|(_, fits)| *fits == Some(false)) {
            Fit::Differs
        } else if respects.iter().any(|(_, fits)| fits.is_none()) {
            Fit::CannotSay
        } else {
            Fit::AsWanted
        }
    }

    /// The fields in which a person is not so, by the names that the LMS has for them.
    #[must_use]
    pub fn differing(&self, person: &Remote) -> Vec<&'static str> {
        let respects = self.respects(person).into_iter();
        let differing = respects.filter(|(_, fits)| *fits == Some(false));
        differing.map(|(name, _)| name).collect()
    }

    /// Everything that is wanted, and whether the person has it; `None` where the answer
    /// does not show it.
    fn respects(&self, person: &Remote) -> Vec<(&'static str, Option<bool>)> {
        let content = self.content;
        let is_person = person.external_id.as_deref() == Some(content.external_id.as_str());
        let mut respects = vec![("external ID", Some(is_person))];
        if self.details {
            let fits = |name, value: &String| match person.get(name) {
                Some(shown) => Some(shown == value),
                // An answer may leave out what is empty.
                None if value.is_empty() => None,
                None => Some(false),
            };
            let details = content.fields.iter();
            respects.extend(details.map(|(name, value)| (*name, fits(name, value))));
        }
        if self.unseen {
            respects.push(("what no answer shows", None));
        }
        if !self.roles.is_empty() {
            let has_all = |has: &Vec<String>| self.roles.iter().all(|role| has.contains(role));
            respects.push(("role", person.roles.as_ref().map(has_all)));
        }
        let is_in_use = ("archived", Some(!person.is_archived));
        match self.account {
            Account::Any => {}
            Account::InUse => respects.push(is_in_use),
            Account::Active => {
                let is_active = person.get("active").map(|it| it == "true");
                respects.extend([is_in_use, ("active", is_active)]);
            }
            Account::Inactive => respects.push(("active", Some(person.cannot_sign_in()))),
            Account::Archived => respects.push(("archived", Some(person.is_archived))),
            Account::Gone => respects.push(("the account", Some(false))),
        }
        respects
    }
}

/// Whether the feed says itself if the person is active.
fn says_active(content: &Content) -> bool {
    content.fields.iter().any(|(name, _)| *name == "active")
}

#[cfg(test)]
mod tests;

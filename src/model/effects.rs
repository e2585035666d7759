//! What changes do beside the data of the LMS.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the changes of a run do to people, beside what the counts say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Effects {
    /// People whom the LMS may mail, since the mapping says so.
    pub mails: u64,
    /// People for whom the LMS generates a password.
    pub passwords: u64,
    /// People who can no longer sign in: leavers, and those whom the feed makes inactive.
    pub closed: u64,
}

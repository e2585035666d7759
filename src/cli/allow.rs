//! `--allow`: what a person approves.

use clap::Args;

use crate::plan::{Allow, Allowed};

/// What a person approves for this run.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct AllowArgs {
    /// Let this through for this run only: for example leavers=40 (at most 40
    /// people), rejected=200 (invalid rows) or emptied=COLUMN
    #[arg(long = "allow", value_delimiter = ',', value_name = "KIND=N")]
    items: Vec<Allow>,
}

impl AllowArgs {
    /// What was approved.
    pub(super) fn allowed(&self) -> Allowed {
        self.items.iter().cloned().collect()
    }
}

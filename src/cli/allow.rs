//! `--allow`: what a person approves.

use clap::Args;

use crate::plan::Guard;

/// The guards that a person overrides.
#[derive(Debug, Args)]
pub(super) struct AllowArgs {
    /// Override this guard (safety limit) for this run only
    #[arg(
        long = "allow",
        value_enum,
        value_delimiter = ',',
        value_name = "GUARD"
    )]
    pub(super) guards: Vec<Guard>,
}

//! `--verify`: which changes are read back at the end of a run.

use clap::Args;

use crate::run::Verify;

/// Whether changes are read back.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Read back every change at the end, or a random sample of N, and compare
    /// it with the feed
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "all"
    )]
    pub(super) verify: Option<Verify>,
}

//! `--replaces-key`: what a person says of the API key.

use clap::Args;

/// What a person says of the API key.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct KeyArgs {
    /// This API key replaces an earlier one of this LMS: give the accounts that
    /// the earlier one knew their external IDs under this one, after a look that
    /// they are there without
    #[arg(long)]
    pub(super) replaces_key: bool,
}

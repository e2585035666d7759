//! `--allow`: what a person approves of.

use clap::{Args, ValueEnum};

use crate::plan::Guard;

/// What a person approves of.
#[derive(Debug, Args)]
pub(super) struct AllowArgs {
    /// Let this through although a guard of the mapping holds it, this once
    #[arg(long, value_enum, value_delimiter = ',', value_name = "GUARD")]
    allow: Vec<GuardArg>,
}

/// A guard's word.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum GuardArg {
    Rows,
    Rejected,
    Leavers,
    Creates,
    Updates,
}

impl AllowArgs {
    /// The guards that do not count.
    pub(super) fn guards(&self) -> Vec<Guard> {
        let guard = |arg: &GuardArg| match arg {
            GuardArg::Rows => Guard::Rows,
            GuardArg::Rejected => Guard::Rejected,
            GuardArg::Leavers => Guard::Leavers,
            GuardArg::Creates => Guard::Creates,
            GuardArg::Updates => Guard::Updates,
        };
        self.allow.iter().map(guard).collect()
    }
}

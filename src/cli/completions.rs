//! `hrfeed completions`: a script that completes commands in a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use schemars::JsonSchema;
use serde::Serialize;

use super::context::Context;
use super::exit::{Exit, Failure};

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// Shell to generate the script for
    shell: Shell,
}

/// The script, in the object of `--json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Script {
    /// The shell.
    shell: String,
    /// Its text.
    script: String,
}

pub(super) fn run<C: CommandFactory>(
    context: &Context,
    args: &CompletionsArgs,
) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut C::command(), "hrfeed", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    if context.json {
        let shell = args.shell.to_string();
        let message = format!("The completion script for {shell}.");
        let script = Script { shell, script };
        context.print_object(script, Exit::Done, message)?;
    } else {
        context.print(&script)?;
    }
    Ok(Exit::Done)
}

//! `hrfeed man`: manual pages.

use std::fs;
use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_mangen::Man;
use schemars::JsonSchema;
use serde::Serialize;

use super::context::Context;
use super::exit::{Exit, Failure};
use crate::report;

/// Arguments of `man`.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Command to print the page of (default: hrfeed itself)
    command: Option<String>,
    /// Write the pages of all commands into this folder instead
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    dir: Option<PathBuf>,
}

/// The pages, in the object of `--json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Pages {
    /// The text of the page; null with `--dir`.
    page: Option<String>,
    /// The files that were written.
    files: Vec<String>,
}

pub(super) fn run<C: CommandFactory>(context: &Context, args: &ManArgs) -> Result<Exit, Failure> {
    let mut program = C::command().mut_subcommands(|it| it.after_help(super::EXIT_CODES));
    // Each command gets the options of all.
    program.build();
    if let Some(folder) = &args.dir {
        fs::create_dir_all(folder).map_err(|error| {
            Failure::machine(format!("cannot create `{}`: {error}", folder.display()))
        })?;
        let mut files = Vec::new();
        for command in all(&program) {
            let (name, page) = page(command)?;
            let path = folder.join(format!("{name}.1"));
            fs::write(&path, page).map_err(|error| {
                Failure::machine(format!("cannot write `{}`: {error}", path.display()))
            })?;
            files.push(path.display().to_string());
        }
        if context.json {
            let pages = report::counted(files.len() as u64, "manual page", "manual pages");
            let message = format!("Wrote {pages}.");
            context.print_object(Pages { page: None, files }, Exit::Done, message)?;
        }
        return Ok(Exit::Done);
    }
    let command = match &args.command {
        None => program,
        Some(name) => {
            let known = program.find_subcommand(name).cloned();
            known.ok_or_else(|| {
                Failure::usage(
                    format!("hrfeed has no command `{name}`"),
                    "`hrfeed --help` lists the commands",
                )
            })?
        }
    };
    let (name, page) = page(command)?;
    let page = String::from_utf8_lossy(&page).into_owned();
    if context.json {
        let pages = Pages {
            page: Some(page),
            files: Vec::new(),
        };
        context.print_object(pages, Exit::Done, format!("The manual page {name}(1)."))?;
    } else {
        context.print(&page)?;
    }
    Ok(Exit::Done)
}

/// The program and all its commands, with theirs.
fn all(command: &clap::Command) -> Vec<clap::Command> {
    let own = command
        .get_subcommands()
        .filter(|it| it.get_name() != "help");
    let below = own.flat_map(all);
    std::iter::once(command.clone()).chain(below).collect()
}

/// The page of a command, and its name: `hrfeed`, `hrfeed-import` or `hrfeed-runs-prune`.
fn page(command: clap::Command) -> Result<(String, Vec<u8>), Failure> {
    let name = command.get_display_name();
    let name = name.unwrap_or_else(|| command.get_name()).to_owned();
    let mut page = Vec::new();
    let version = format!("hrfeed {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command).title(name.to_uppercase()).source(version);
    let rendered = man.render(&mut page);
    rendered.map_err(|error| Failure::machine(format!("cannot make a manual page: {error}")))?;
    Ok((name, page))
}

//! What is printed where the arguments themselves are wrong, so that no command knows that
//! it is meant.

use std::io::Write;

use super::exit::Exit;
use super::log::{LogFormat, write_line};
use crate::model::RunState;
use crate::report::{Command, FeedReport, Level, LogLine, RunReport, log_fields};

/// Prints on stderr that the arguments are wrong, and with `--json` among them on stdout, too,
/// as the one object.
pub(super) fn print(error: &clap::Error, program: clap::Command) {
    let text = error.render().to_string();
    let (what, help) = text.split_once('\n').unwrap_or((&text, ""));
    let what = what.strip_prefix("error: ").unwrap_or(what);
    print_object(what, program);
    match LogFormat::of_arguments() {
        LogFormat::Json => write_line(&LogLine {
            level: Level::Error,
            event: "failed",
            message: what,
            fields: log_fields([
                ("help", help.trim().into()),
                ("exit_code", Exit::Usage.code().into()),
            ]),
        }),
        LogFormat::Text => {
            // With stderr closed there is nothing left to do.
            let _gone = error.print();
        }
    }
}

fn print_object(what: &str, program: clap::Command) {
    let arguments = std::env::args_os().skip(1);
    let words = arguments.map(|it| it.to_string_lossy().into_owned());
    // What follows is not an option.
    let words: Vec<_> = words.take_while(|it| it != "--").collect();
    let is_json = |it: &String| it == "--json" || it.starts_with("--json=");
    if !words.iter().any(is_json) {
        return;
    }
    let report = RunReport {
        state: RunState::Failed,
        exit_code: Exit::Usage.code(),
        message: what.to_owned(),
        ..RunReport::new(command_of(&words, program), FeedReport::default())
    };
    // The mistake is printed on stderr in any case.
    let _gone = writeln!(std::io::stdout().lock(), "{}", report.to_json());
}

/// The command that the words name, however wrong the others are.
fn command_of(words: &[String], mut program: clap::Command) -> Command {
    // Each command gets the options of all.
    program.build();
    let mut at = &program;
    let mut path = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word.starts_with('-') {
            if takes_next(at, word) {
                words.next();
            }
        } else if let Some(below) = at.find_subcommand(word) {
            path.push(below.get_name());
            at = below;
        } else {
            break;
        }
    }
    Command::named(&path.join(" "))
}

/// Whether an option has its value in the next word.
fn takes_next(command: &clap::Command, word: &str) -> bool {
    let is_it = |option: &&clap::Arg| match word.strip_prefix("--") {
        Some(long) => option.get_long() == Some(long),
        None => {
            option
                .get_short()
                .map(|short| format!("-{short}"))
                .as_deref()
                == Some(word)
        }
    };
    let found = command.get_arguments().find(is_it);
    found.is_some_and(|option| option.get_action().takes_values())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::super::Cli;
    use super::*;

    #[test]
    fn the_command_is_the_one_that_is_meant_and_no_value_of_an_option() {
        for (line, command) in [
            ("--bad runs", Command::Runs),
            ("runs --limit 3 prune", Command::RunsPrune),
            ("--journal runs check --bad", Command::Check),
            ("--journal=runs -v check runs", Command::Check),
            ("check -m plan", Command::Check),
            ("help nothing", Command::Unknown),
            ("chek runs", Command::Unknown),
            ("--journal", Command::Unknown),
            ("", Command::Unknown),
        ] {
            let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(command_of(&words, Cli::command()), command, "{line}");
        }
    }
}

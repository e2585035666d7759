//! The environment: secrets, the folder for state, what the terminal is.
//!
//! No other file reads an environment variable, but for clap, which reads
//! `HRFEED_JOURNAL`.
#![expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]

use std::path::PathBuf;

use directories::ProjectDirs;

use super::exit::Failure;
use crate::mapping::{SecretSource, TargetSettings};
use crate::upload::{Credentials, Secret};

/// The largest file that is read as a secret, in bytes.
const MAX_SECRET_BYTES: u64 = 64 << 10;

/// Whether the person turned colour off (<https://no-color.org>), or the terminal
/// has none.
pub(super) fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) || dumb_terminal()
}

/// Whether the terminal can only print.
pub(super) fn dumb_terminal() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// The default folder of journals: `~/.local/state/hrfeed` on Linux, the
/// application data folders on macOS and Windows.
pub(super) fn state_folder() -> Result<PathBuf, Failure> {
    let folders = ProjectDirs::from("", "", "hrfeed").ok_or_else(|| {
        Failure::usage(
            "no home folder found for the journal",
            "choose a journal with `--journal PATH`",
        )
    })?;
    Ok(folders
        .state_dir()
        .unwrap_or_else(|| folders.data_local_dir())
        .to_path_buf())
}

/// Who runs the program, as the system calls the user.
fn user() -> String {
    // A scheduler sets one of them, a shell most.
    let names = ["USER", "LOGNAME", "USERNAME"].into_iter();
    let mut users = names.filter_map(|name| std::env::var(name).ok());
    let user = users.find(|user| !user.is_empty());
    user.unwrap_or_else(|| "unknown".to_owned())
}

/// Who decides, as the journal records it: the user and the machine.
pub(super) fn user_at_host() -> String {
    let host = gethostname::gethostname();
    format!("{}@{}", user(), host.to_string_lossy())
}

/// Reads what authenticates a run.
pub(super) fn credentials(settings: &TargetSettings) -> Result<Credentials, Failure> {
    Ok(Credentials {
        key: secret("api_key", &settings.api_key)?,
        secret: settings
            .api_secret
            .as_ref()
            .map(|source| secret("api_secret", source))
            .transpose()?,
    })
}

fn secret(what: &str, source: &SecretSource) -> Result<Secret, Failure> {
    let (text, place) = match source {
        SecretSource::Env(name) => {
            let text = std::env::var(name).map_err(|problem| {
                let why = match problem {
                    std::env::VarError::NotPresent => "is not set",
                    std::env::VarError::NotUnicode(_) => "is not valid UTF-8",
                };
                Failure::usage(
                    format!("the environment variable {name} (`{what}` in the mapping) {why}"),
                    format!("set {name} for the user who runs hrfeed, or use a file: {what} = {{ file = \"…\" }}"),
                )
            })?;
            (text, format!("the environment variable {name}"))
        }
        SecretSource::File(path) => {
            let place = format!("the file `{}`", path.display());
            let text = std::fs::metadata(path)
                .and_then(|file| match file.len() {
                    0..=MAX_SECRET_BYTES => std::fs::read_to_string(path),
                    _ => Err(std::io::Error::other("it is too large for a secret")),
                })
                .map_err(|error| {
                    Failure::usage(
                        format!("cannot read {place} (`{what}` in the mapping): {error}"),
                        "check the path; it is relative to the mapping's folder",
                    )
                })?;
            (text, place)
        }
    };
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(Failure::usage(
            format!("{place} (`{what}` in the mapping) is empty"),
            "store the secret there",
        ));
    }
    Ok(Secret::new(text.to_owned()))
}

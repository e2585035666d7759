//! The environment: secrets, the folder for state, what the terminal is.
//!
//! No other file reads an environment variable, but for clap, which reads
//! `HRFEED_JOURNAL`.
#![expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]

use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use super::context::Context;
use super::exit::Failure;
use crate::clock::Clock;
use crate::feed::{Material, OpenPgpKeys};
use crate::files;
use crate::mapping::{OpenPgpSettings, SecretSource, TargetSettings};
use crate::model::{Limit, Secret};
use crate::pickup::Access;
use crate::run::{UNDO_KEY_CHARS, UndoKey};
use crate::upload::Credentials;

/// The largest file that is read as a secret, in bytes.
const MAX_SECRET_BYTES: u64 = 64 << 10;

/// The largest file that is read as keys of OpenPGP, in bytes.
const MAX_KEYS_BYTES: u64 = 4 << 20;

/// Whether the person turned colour off (<https://no-color.org>), or the terminal
/// has none.
pub(super) fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) || dumb_terminal()
}

/// Whether the terminal can only print.
pub(super) fn dumb_terminal() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Whether a variable is set and empty.
pub(super) fn is_empty(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| value.is_empty())
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

/// Reads what authenticates a run, with a word where others can read it too.
pub(super) fn credentials(
    context: &Context,
    settings: &TargetSettings,
) -> Result<Credentials, Failure> {
    Ok(Credentials {
        key: secret(context, "api_key", &settings.api_key)?,
        secret: settings
            .api_secret
            .as_ref()
            .map(|source| secret(context, "api_secret", source))
            .transpose()?,
    })
}

/// The variable with the key by which earlier values are sealed.
const UNDO_KEY: &str = "HRFEED_UNDO_KEY";
/// The variable with the path of a file with that key.
const UNDO_KEY_FILE: &str = "HRFEED_UNDO_KEY_FILE";

/// Reads the key by which earlier values are sealed.
pub(super) fn undo_key(context: &Context) -> Result<UndoKey, Failure> {
    let source = match (std::env::var_os(UNDO_KEY), std::env::var_os(UNDO_KEY_FILE)) {
        (Some(_), Some(_)) => {
            return Err(Failure::usage(
                format!("{UNDO_KEY} and {UNDO_KEY_FILE} are both set"),
                "set one of them, so that it is clear which key counts",
            ));
        }
        (_, Some(path)) => SecretSource::File(path.into()),
        (Some(_), None) => SecretSource::Env(UNDO_KEY.into()),
        (None, None) => {
            return Err(Failure::usage(
                format!("a run that can be undone needs a key, and {UNDO_KEY} is not set"),
                format!(
                    "set it, or {UNDO_KEY_FILE}, to any text of {UNDO_KEY_CHARS} characters or \
                     more, such as the output of `openssl rand -hex 32`, and keep it: nothing can \
                     be undone without it"
                ),
            ));
        }
    };
    let (text, place) = secret_text(context, UNDO_KEY, &source)?;
    UndoKey::new(Secret::new(text)).ok_or_else(|| {
        Failure::usage(
            format!("{place} has fewer than {UNDO_KEY_CHARS} characters"),
            "use a longer key, such as the output of `openssl rand -hex 32`",
        )
    })
}

/// Reads what messages are decrypted with, and by whom they have to be signed.
pub(super) fn openpgp(
    context: &Context,
    settings: Option<&OpenPgpSettings>,
) -> Result<OpenPgpKeys, Failure> {
    let Some(settings) = settings else {
        return Ok(OpenPgpKeys::default());
    };
    let key = |source: &SecretSource| match source {
        SecretSource::Env(name) => {
            let (text, place) = of_variable("key", name)?;
            Ok::<_, Failure>(Material::new(place, text.into_bytes()))
        }
        SecretSource::File(path) => {
            let (bytes, about, place) = of_file("key", path, MAX_KEYS_BYTES)?;
            warn_of_others(context, "key", &about, &place);
            Ok(Material::new(place, bytes))
        }
    };
    let passphrase = |source: &SecretSource| {
        let (text, place) = secret_text(context, "passphrase", source)?;
        Ok::<_, Failure>(Material::new(place, text.into_bytes()))
    };
    let certificates = |path: &PathBuf| {
        let (bytes, _, place) = of_file("signed_by", path, MAX_KEYS_BYTES)?;
        Ok::<_, Failure>(Material::new(place, bytes))
    };
    Ok(OpenPgpKeys {
        key: settings.key.as_ref().map(key).transpose()?,
        passphrase: settings.passphrase.as_ref().map(passphrase).transpose()?,
        signed_by: settings.signed_by.as_ref().map(certificates).transpose()?,
        now: Some(Clock::system().now()),
    })
}

/// Reads what authenticates hrfeed to another machine that has the feed.
pub(super) fn access(
    context: &Context,
    settings: &Access<SecretSource>,
) -> Result<Access<Secret>, Failure> {
    settings.try_map(|what, source| secret(context, what, source))
}

/// Reads the address that is pinged.
pub(super) fn notify_url(context: &Context, source: &SecretSource) -> Result<Secret, Failure> {
    secret(context, "url", source)
}

fn secret(context: &Context, what: &str, source: &SecretSource) -> Result<Secret, Failure> {
    secret_text(context, what, source).map(|(text, _)| Secret::new(text))
}

/// A secret, and what its place is called in messages.
fn secret_text(
    context: &Context,
    what: &str,
    source: &SecretSource,
) -> Result<(String, String), Failure> {
    let found = found_secret(what, source)?;
    if let Some(exposed) = found.exposed {
        context.warn(exposed);
    }
    Ok((found.text, found.place))
}

/// A secret where it was found.
pub(super) struct FoundSecret {
    text: String,
    /// What its place is called in messages.
    pub(super) place: String,
    /// That others can get at it, as a sentence.
    pub(super) exposed: Option<String>,
}

impl FoundSecret {
    pub(super) fn into_secret(self) -> Secret {
        Secret::new(self.text)
    }
}

/// Reads a secret, and says of its file what a person should know.
pub(super) fn found_secret(what: &str, source: &SecretSource) -> Result<FoundSecret, Failure> {
    let (text, place, exposed) = match source {
        SecretSource::Env(name) => {
            let (text, place) = of_variable(what, name)?;
            (text, place, None)
        }
        SecretSource::File(path) => {
            let (bytes, about, place) = of_file(what, path, MAX_SECRET_BYTES)?;
            let exposed = others_can(&about).map(|others| exposed(what, others, &place));
            let text = String::from_utf8(bytes).map_err(|_| {
                Failure::usage(
                    format!("cannot read {place} (`{what}` in the mapping): it is not UTF-8 text"),
                    "save it as UTF-8",
                )
            })?;
            (text, place, exposed)
        }
    };
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(Failure::usage(
            format!("{place} (`{what}` in the mapping) is empty"),
            "store the secret there",
        ));
    }
    Ok(FoundSecret {
        text: text.to_owned(),
        place,
        exposed,
    })
}

/// Finds a key of OpenPGP, which need not be text, and says the same of it.
pub(super) fn found_key(source: &SecretSource) -> Result<FoundSecret, Failure> {
    let SecretSource::File(path) = source else {
        return found_secret("key", source);
    };
    let (_, about, place) = of_file("key", path, MAX_KEYS_BYTES)?;
    Ok(FoundSecret {
        text: String::new(),
        exposed: others_can(&about).map(|others| exposed("key", others, &place)),
        place,
    })
}

/// The value of a variable, and what the variable is called in messages.
fn of_variable(what: &str, name: &str) -> Result<(String, String), Failure> {
    let text = std::env::var(name).map_err(|problem| {
        let why = match problem {
            std::env::VarError::NotPresent => "is not set",
            std::env::VarError::NotUnicode(_) => "is not valid UTF-8",
        };
        if !looks_like_a_name(name) {
            return Failure::usage(
                format!(
                    "the environment variable that `{what}` in the mapping names {why}; the name \
                     is not shown, since it looks like the secret itself"
                ),
                format!(
                    "write the variable's name there, for example {what} = {{ env = \"LMS_{}\" }}; \
                     if the mapping did contain the secret, have it replaced",
                    what.to_uppercase()
                ),
            );
        }
        Failure::usage(
            format!("the environment variable {name} (`{what}` in the mapping) {why}"),
            format!("set {name} for the user who runs hrfeed, or use a file: {what} = {{ file = \"…\" }}"),
        )
    })?;
    Ok((text, format!("the environment variable {name}")))
}

/// The content of a file, what the system knows of it, and what it is called in messages.
fn of_file(what: &str, path: &Path, max: u64) -> Result<(Vec<u8>, Metadata, String), Failure> {
    let place = format!("the file `{}`", path.display());
    let (content, about) = files::read(path, max).map_err(|error| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let place = if error.kind() == ErrorKind::NotFound && !looks_like_a_name(&name) {
            "the file that is named there, which is not shown, since it looks like the secret itself"
        } else {
            &place
        };
        let said = format!("cannot read {place} (`{what}` in the mapping): {error}");
        match Limit::of(&error) {
            Some(limit) => Failure {
                help: Some(limit.help().into()),
                ..Failure::machine(said)
            },
            None => Failure::usage(said, "check the path; it is relative to the mapping's folder"),
        }
    })?;
    Ok((content, about, place))
}

/// Says of a file with a secret that others can get at it.
fn warn_of_others(context: &Context, what: &str, about: &Metadata, place: &str) {
    if let Some(others) = others_can(about) {
        context.warn(exposed(what, others, place));
    }
}

fn exposed(what: &str, others: &str, place: &str) -> String {
    format!(
        "{place} (`{what}` in the mapping) can be {others} by other users of this machine; \
         make it private, for example with `chmod 600`"
    )
}

/// Whether people would call a variable or a file so, and nobody a key: words of one
/// case, with few digits at the end of a word.
fn looks_like_a_name(name: &str) -> bool {
    let is_word = |word: &str| {
        let letters = word.trim_end_matches(|char: char| char.is_ascii_digit());
        let is_of_one_case = letters.bytes().all(|it| it.is_ascii_lowercase())
            || letters.bytes().all(|it| it.is_ascii_uppercase());
        let is_capitalized = letters
            .strip_prefix(|first: char| first.is_ascii_uppercase())
            .is_some_and(|rest| rest.bytes().all(|it| it.is_ascii_lowercase()));
        (is_of_one_case || is_capitalized) && letters.len() <= 20 && word.len() - letters.len() <= 4
    };
    name.len() <= 80 && name.split(['_', '-', '.']).all(is_word)
}

/// What people who are neither the owner nor trusted by the owner can do with a
/// file. A group may read it: that is how a service gets a secret of root's.
#[cfg(unix)]
pub(super) fn others_can(file: &Metadata) -> Option<&'static str> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.permissions().mode();
    if !file.is_file() {
        return None;
    }
    match (mode & 0o004 != 0, mode & 0o022 != 0) {
        (true, true) => Some("read and changed"),
        (true, false) => Some("read"),
        (false, true) => Some("changed"),
        (false, false) => None,
    }
}

/// Windows has no such mode: there a file takes the rights of its folder.
#[cfg(not(unix))]
pub(super) fn others_can(_file: &Metadata) -> Option<&'static str> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_look_like_the_name_of_a_variable_or_a_file() {
        for name in [
            "KMI_API_KEY",
            "kmi_api_key",
            "KEY2",
            "PATH",
            "HR.Key",
            "kmi.key",
            "api-key-2027.txt",
            ".kmi_key",
        ] {
            assert!(looks_like_a_name(name), "{name}");
        }
        for key in [
            "9f86d081884c7d659a2feaa0c55ad015",
            "AKIA5XAMPLE7KEY",
            "c2VjcmV0IGtleQ==",
            "kq7Vd2LmZp0XtRsY",
            "8b5f1f8e-6c1d-4c3e-9f1b-2d6c1a0e7f55",
            "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
            "no name",
        ] {
            assert!(!looks_like_a_name(key), "{key}");
        }
    }
}

//! Why another machine does not give a feed.

use std::io;

use thiserror::Error;

use crate::files;
use crate::model::Exit;

/// Why another machine does not give a feed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Problem {
    /// A setting is missing, or cannot be what it is.
    #[error("{0}")]
    Setting(String),
    /// This kind of address has no folders or patterns, or something else.
    #[error("{0}")]
    Unsupported(&'static str),
    /// There is no such file.
    #[error("it is not there")]
    NotFound,
    /// The login was refused.
    #[error("the login was refused{}", in_brackets(.0))]
    Login(String),
    /// Access was refused.
    #[error("access was refused{}", in_brackets(.0))]
    Denied(String),
    /// Nothing says that this is the right host.
    #[error("the host key {0} is not known")]
    UnknownHostKey(String),
    /// The host has another key than the one that is known.
    #[error("the host has the key {0}, and not the one that is known")]
    OtherHostKey(String),
    /// TLS does not accept the certificate.
    #[error("the certificate is not accepted: {0}")]
    Certificate(String),
    /// The name of the host leads nowhere.
    #[error("the host was not found: {0}")]
    UnknownHost(String),
    /// The server sends to another address.
    #[error("the server sends to another address: {0}")]
    Redirect(String),
    /// The server does not do what it is asked to.
    #[error("the server answered: {0}")]
    Refused(String),
    /// The server cannot be reached, or fails, or breaks off.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// There are too many files to choose among.
    #[error("there are more than {0} files")]
    TooMany(usize),
    /// It has more bytes than a feed may have.
    #[error("it is larger than {}", files::size(*.0))]
    TooLarge(u64),
    /// There is no room for the copy.
    #[error("there is no room for a copy in `{}`: {} are free", .0.folder.display(), files::size(.0.available))]
    NoRoom(files::NoRoom),
    /// The copy cannot be written.
    #[error("cannot write a copy to a temporary file: {0}")]
    Copy(io::Error),
    /// The machine has no means left.
    #[error("{0}")]
    Machine(String),
    /// A signal came.
    #[error("stopped")]
    Stopped,
}

fn in_brackets(why: &str) -> String {
    if why.is_empty() {
        String::new()
    } else {
        format!(" ({why})")
    }
}

impl Problem {
    /// Whether it can be over soon, without a person.
    pub(super) const fn may_pass(&self) -> bool {
        matches!(self, Self::NoAnswer(_) | Self::NotFound)
    }

    /// How a command ends because of it.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Setting(_) | Self::Unsupported(_) | Self::TooMany(_) => Exit::Usage,
            Self::Login(_)
            | Self::Denied(_)
            | Self::UnknownHostKey(_)
            | Self::OtherHostKey(_)
            | Self::Certificate(_)
            | Self::UnknownHost(_)
            | Self::Redirect(_)
            | Self::Refused(_) => Exit::Repair,
            Self::NoAnswer(_) | Self::Stopped => Exit::Interrupted,
            Self::NotFound
            | Self::TooLarge(_)
            | Self::NoRoom(_)
            | Self::Copy(_)
            | Self::Machine(_) => Exit::Machine,
        }
    }

    pub(super) const fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::Setting(_) => "correct [source.remote] in the mapping",
            Self::Unsupported(_) => "name one file",
            Self::NotFound => {
                "check the address; if the file comes later, write how long to wait for it: \
                 `wait = \"2h\"` in [source]"
            }
            Self::Login(_) => {
                "check the user and the password or key that [source.remote] in the mapping names"
            }
            Self::Denied(_) => {
                "check what [source.remote] in the mapping names, and whether that user or key may \
                 read the file and list its folder"
            }
            Self::UnknownHostKey(_) => {
                "ask the server's administrator for its fingerprint; if it is this one, write it as \
                 `host_key` into [source.remote] of the mapping"
            }
            Self::OtherHostKey(_) => {
                "somebody may be posing as the server: ask its administrator whether its key was \
                 changed, and only then change `host_key` in [source.remote]"
            }
            Self::Certificate(_) => {
                "have the certificate of the server renewed, or its authority accepted by this \
                 machine"
            }
            Self::UnknownHost(_) => "check the name of the host in the address",
            Self::Redirect(_) => {
                "redirects are not followed, since they could take secrets to another host: give \
                 the address to which it leads"
            }
            Self::Refused(_) => "check the address and [source.remote] in the mapping",
            Self::NoAnswer(_) => {
                "nothing was read or sent; try again later, or write `wait = \"10m\"` in [source]: \
                 so long it is tried again"
            }
            Self::TooMany(_) => "write a pattern that names fewer",
            Self::TooLarge(_) => {
                "check that this is the right file; if it is, allow more with `max_feed` in \
                 [source], for example `max_feed = \"8 GiB\"`"
            }
            Self::NoRoom(_) | Self::Copy(_) => {
                "free some space there, or set TMPDIR (on Windows: TMP) to another folder"
            }
            Self::Machine(_) | Self::Stopped => return None,
        })
    }
}

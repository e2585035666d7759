//! The address of a feed on another machine.

use std::ffi::OsStr;
use std::path::PathBuf;

use url::{Host, Url};

use super::PickUpError;
use crate::model::is_loopback;

/// How the other machine is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// SFTP, over SSH.
    Sftp,
    /// S3, of Amazon or of anybody else.
    S3,
    /// Azure Blob Storage.
    Azure,
    /// Google Cloud Storage.
    Google,
    /// A file of a web server; unencrypted on this machine only.
    Web,
}

const SCHEMES: [(&str, Scheme); 6] = [
    ("sftp", Scheme::Sftp),
    ("s3", Scheme::S3),
    ("az", Scheme::Azure),
    ("gs", Scheme::Google),
    ("https", Scheme::Web),
    ("http", Scheme::Web),
];

/// Whether an argument of the command line is an address, and no path: `C:\people.csv`
/// is a path.
#[must_use]
pub fn is_address(argument: impl AsRef<OsStr>) -> bool {
    argument
        .as_ref()
        .to_str()
        .is_some_and(|it| parts(it).is_some())
}

/// The scheme, and what is behind `://`.
fn parts(argument: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = argument.split_once("://")?;
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|it: char| it.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"+-.".contains(&it));
    is_scheme.then_some((scheme, rest))
}

/// Where a feed is on another machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) scheme: Scheme,
    /// The host, or the name of the bucket or container.
    pub(super) host: String,
    pub(super) port: Option<u16>,
    /// What all addresses of this place begin with: `sftp://host:22`, `s3://bucket/`.
    pub(super) base: String,
    /// What is behind the base, as it is written.
    pub(super) path: String,
    /// Of a file of a web server: its whole address, which may have a secret.
    pub(super) url: Option<Url>,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// It is none that hrfeed can read, or has a secret. The message shows no secret.
    pub(super) fn parse(argument: &str) -> Result<Self, PickUpError> {
        let (scheme, rest) = parts(argument).unwrap_or(("", argument));
        let wrong = |why: String| PickUpError::Address {
            shown: shown(argument),
            why,
        };
        let known = SCHEMES
            .iter()
            .find(|(word, _)| scheme.eq_ignore_ascii_case(word));
        let Some((word, kind)) = known else {
            return Err(wrong(format!("hrfeed does not read from {scheme}://")));
        };
        match kind {
            Scheme::Web => Self::web(argument).map_err(wrong),
            Scheme::Sftp => Self::sftp(rest).map_err(wrong),
            Scheme::S3 | Scheme::Azure | Scheme::Google => {
                Self::objects(word, *kind, rest).map_err(wrong)
            }
        }
    }

    fn web(argument: &str) -> Result<Self, String> {
        let mut url = Url::parse(argument).map_err(|error| error.to_string())?;
        url.set_fragment(None);
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NO_USER.into());
        }
        if url.scheme() != "https" && !is_loopback(&url) {
            return Err("http:// would send people's data unencrypted; write https://".into());
        }
        let mut plain = url.clone();
        plain.set_query(None);
        let base = plain.as_str().strip_suffix(plain.path());
        let query = if url.query().is_some() { "?…" } else { "" };
        Ok(Self {
            scheme: Scheme::Web,
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port(),
            base: base.unwrap_or_default().to_owned(),
            path: format!("{}{query}", plain.path()),
            url: Some(url),
        })
    }

    fn sftp(rest: &str) -> Result<Self, String> {
        let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
        if place.contains('@') {
            return Err(NO_USER.into());
        }
        // The path is as it is written: a file may be called `100%.csv`.
        let url = Url::parse(&format!("ssh://{place}/"));
        let url = url.map_err(|error| error.to_string())?;
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_ascii_lowercase(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err("it has no host name".into()),
        };
        Ok(Self {
            scheme: Scheme::Sftp,
            host,
            port: url.port(),
            base: format!("sftp://{place}"),
            path: format!("/{path}"),
            url: None,
        })
    }

    fn objects(word: &str, scheme: Scheme, rest: &str) -> Result<Self, String> {
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.contains('@') {
            return Err(NO_USER.into());
        }
        let is_name = |it: u8| it.is_ascii_alphanumeric() || b"-._$".contains(&it);
        if bucket.is_empty() || !bucket.bytes().all(is_name) {
            return Err(format!(
                "it must be {word}:// with the name of a bucket or container, and a path"
            ));
        }
        // What reads them takes these away, and would find another file.
        let is_odd = |it: &str| it.is_empty() || it == "." || it == "..";
        let folder = key.strip_suffix('/').unwrap_or(key);
        if key.trim() != key || !folder.is_empty() && folder.split('/').any(is_odd) {
            return Err(
                "a path with `//`, `.`, `..`, or white space at an end is not supported".into(),
            );
        }
        Ok(Self {
            scheme,
            host: bucket.to_owned(),
            port: None,
            base: format!("{word}://{bucket}/"),
            path: key.to_owned(),
            url: None,
        })
    }

    /// The address without anything secret.
    pub(super) fn shown(&self) -> PathBuf {
        PathBuf::from(format!("{}{}", self.base, self.path))
    }

    /// The path of a file of this place.
    #[cfg(any(test, feature = "remote"))]
    pub(super) fn path_of(&self, file: &std::path::Path) -> String {
        let file = file.to_string_lossy();
        file.strip_prefix(&self.base).unwrap_or(&file).to_owned()
    }
}

const NO_USER: &str = "an address must not contain a user name or password: addresses are logged";

/// What of an argument may be shown: no user, no password, no query.
fn shown(argument: &str) -> PathBuf {
    let Some((scheme, rest)) = parts(argument) else {
        return argument.into();
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (place, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    // A password may have a slash: then its rest is taken for the path.
    if let Some((_, host)) = rest.rsplit_once('@') {
        let host = host.split(['/', '?', '#']).next().unwrap_or_default();
        return format!("{scheme}://…@{host}/…").into();
    }
    let path = match path.split_once('?') {
        Some((path, _)) if scheme.starts_with("http") => format!("{path}?…"),
        _ => path.to_owned(),
    };
    format!("{scheme}://{place}{path}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_not_taken_for_an_address() {
        for path in [
            "people.csv",
            r"C:\exports\people.csv",
            "C:/exports/people.csv",
            "c://exports",
            "exports/a://b",
            "-",
            "://people",
            "1a://people",
        ] {
            assert!(!is_address(path), "{path}");
        }
        for address in [
            "sftp://h/x",
            "SFTP://h/x",
            "s3://b/k",
            "ftp://h/x",
            "gs://b",
        ] {
            assert!(is_address(address), "{address}");
        }
    }

    #[test]
    fn an_address_says_where_and_what() {
        for (text, host, port, base, path) in [
            (
                "sftp://hr.example.com/out/100% #1?.csv",
                "hr.example.com",
                None,
                "sftp://hr.example.com",
                "/out/100% #1?.csv",
            ),
            (
                "sftp://[::1]:2222/~/x",
                "::1",
                Some(2222),
                "sftp://[::1]:2222",
                "/~/x",
            ),
            (
                "sftp://127.0.0.1",
                "127.0.0.1",
                None,
                "sftp://127.0.0.1",
                "/",
            ),
            (
                "S3://bucket/a b/c?d#e%20.csv",
                "bucket",
                None,
                "s3://bucket/",
                "a b/c?d#e%20.csv",
            ),
            ("az://$web", "$web", None, "az://$web/", ""),
            (
                "gs://b.example.com/exports/",
                "b.example.com",
                None,
                "gs://b.example.com/",
                "exports/",
            ),
            (
                "https://hr.example.com/x.csv?sig=s3cret#top",
                "hr.example.com",
                None,
                "https://hr.example.com",
                "/x.csv?…",
            ),
            (
                "http://127.0.0.1:8080/x",
                "127.0.0.1",
                Some(8080),
                "http://127.0.0.1:8080",
                "/x",
            ),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((&*address.host, address.port), (host, port), "{text}");
            assert_eq!((&*address.base, &*address.path), (base, path), "{text}");
            assert_eq!(address.path_of(&address.shown()), path, "{text}");
        }
    }

    #[test]
    fn a_secret_in_an_address_is_refused_and_not_shown() {
        for (text, why) in [
            ("sftp://hr:s3cret@host/x", "must not contain"),
            ("sftp://hr@host/x", "must not contain"),
            ("https://hr:s3cret@host/x?key=s3cret", "must not contain"),
            ("s3://key:s3cret@bucket/x", "must not contain"),
            ("ftp://hr:s3cret@host/x", "does not read from ftp"),
            ("sftp://hr:s3c/s3cret@host/x", ""),
            ("http://example.com/x?key=s3cret", "unencrypted"),
            ("s3:///x", "name of a bucket"),
            ("s3://bucket/a//b", "not supported"),
            ("s3://bucket/../b", "not supported"),
            ("sftp:///x", ""),
        ] {
            let error = Address::parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}

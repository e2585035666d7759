//! The parts of a mapping that are settings: [target] and [source].

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use url::Url;

use super::file::{Node, Table};
use super::join::{Merge, read_merge};
use super::openpgp::{OpenPgpSettings, openpgp};
use super::pick_up::pick_up;
use super::remote::read_remote;
use super::{FeedKind, MappingError};
use crate::feed::{FeedOptions, check_encoding};
use crate::model::is_loopback;
use crate::pickup::{Access, PickUpOptions};
use crate::schema::{Role, System};

/// Which LMS, where it is, and how fast it may be asked.
#[derive(Clone, Debug)]
pub struct TargetSettings {
    /// Which API it speaks.
    pub system: System,
    /// Its address, without a slash at the end: `https://lms.example.com`.
    pub base_url: Url,
    /// Where the API key is found.
    pub api_key: SecretSource,
    /// Where the API secret is found, if the system wants one.
    pub api_secret: Option<SecretSource>,
    /// Requests in any one-second window, reads and retries included.
    pub requests_per_second: f64,
    /// Whether all runs of this machine on this host keep one rate together.
    pub share_rate: bool,
    /// Where they keep it: no part of the mapping, a command names the folder. `None`
    /// shares nothing.
    pub shared_rates: Option<PathBuf>,
    /// Requests under way at once.
    pub max_in_flight: usize,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long a whole request may take, the answer's body included.
    pub timeout: Duration,
    /// How long the target may be down before the run ends, to be resumed.
    pub max_outage: Duration,
    /// How long a create that got no answer may still take effect.
    pub settle_after: Duration,
    /// The day on which the API key expires.
    pub api_key_expires: Option<jiff::civil::Date>,
    /// The powerful roles that this feed may hand out, in the API's words.
    pub allow_roles: Vec<&'static str>,
}

/// Where a secret is found. Never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file that holds nothing else; white space around it does not count.
    File(PathBuf),
}

pub(super) fn target(mut table: Table<'_>, mapping: &Path) -> Result<TargetSettings, MappingError> {
    let system_node = table.need("system", "system = \"kmi\"")?;
    let url_node = table.need("base_url", "base_url = \"https://lms.example.com\"")?;
    let key = table.need("api_key", "api_key = { env = \"KMI_API_KEY\" }")?;
    let words: Vec<_> = (System::ALL.iter().map(|system| (system.word(), *system))).collect();
    let system = system_node.word(&words)?;
    let spec = system.spec();
    let secret = if spec.secret_header.is_some() {
        Some(table.need("api_secret", "api_secret = { env = \"KMI_API_SECRET\" }")?)
    } else {
        if let Some(node) = table.take_misplaced("api_secret") {
            return Err(node.error(
                format!("{system} has an API key and no secret"),
                Some("remove the line `api_secret`".into()),
            ));
        }
        None
    };
    let allow_roles = match spec.roles {
        [] => None,
        _ => table.take("allow_roles"),
    };
    let rate = table.take("requests_per_second");
    let share_rate = table.take("share_rate");
    let in_flight = table.take("max_in_flight");
    let connect_timeout = table.take("connect_timeout");
    let timeout = table.take("timeout");
    let max_outage = table.take("max_outage");
    let settle_after = table.take("settle_after");
    let expires = table.take("api_key_expires");
    table.finish()?;

    Ok(TargetSettings {
        system,
        base_url: base_url(&url_node)?,
        api_key: secret_source(key, mapping, EXAMPLE)?,
        api_secret: secret
            .map(|node| secret_source(node, mapping, EXAMPLE))
            .transpose()?,
        requests_per_second: rate.map_or(Ok(10.0), |node| node.positive(100_000.0))?,
        share_rate: share_rate.map_or(Ok(false), |node| node.flag())?,
        shared_rates: None,
        max_in_flight: in_flight.map_or(Ok(8), |node| node.whole(1, 1000))? as usize,
        connect_timeout: duration(connect_timeout.as_ref(), Duration::from_secs(10))?,
        timeout: duration(timeout.as_ref(), Duration::from_mins(1))?,
        max_outage: duration(max_outage.as_ref(), Duration::from_mins(10))?,
        settle_after: duration(settle_after.as_ref(), Duration::from_secs(30))?,
        api_key_expires: expires.map(|node| node.day()).transpose()?,
        allow_roles: allow_roles.map_or(Ok(Vec::new()), |node| allowed_roles(node, spec.roles))?,
    })
}

/// Roles that take an environment over if the wrong person gets them: each
/// must be named here before a feed can hand it out.
fn allowed_roles(node: Node<'_>, roles: &[Role]) -> Result<Vec<&'static str>, MappingError> {
    let file = node.file;
    let texts = node.texts("[\"administrator\"]")?;
    let possible = || {
        let powerful = roles.iter().filter(|role| role.is_powerful);
        let words: Vec<_> = powerful.map(|role| format!("\"{}\"", role.word)).collect();
        format!("possible values: {}", words.join(", "))
    };
    let role = |(text, span): (String, _)| match Role::named(&text, roles) {
        Some(role) => Ok(role.word),
        None => Err(file.error(span, format!("`{text}` is not a role"), Some(possible()))),
    };
    texts.into_iter().map(role).collect()
}

fn base_url(node: &Node<'_>) -> Result<Url, MappingError> {
    let text = node.text()?;
    let example = Some("for example base_url = \"https://lms.example.com\"".to_owned());
    let url = Url::parse(&text).map_err(|problem| match problem {
        url::ParseError::RelativeUrlWithoutBase => {
            node.error("base_url must begin with https://", example.clone())
        }
        problem => node.error(
            format!("base_url is not a web address: {problem}"),
            example.clone(),
        ),
    })?;
    if url.host().is_none() {
        return Err(node.error("base_url has no host name", example));
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => {
            return Err(node.error(
                "base_url must begin with https://: http:// would send the API key unencrypted",
                example,
            ));
        }
        _ => return Err(node.error("base_url must begin with https://", example)),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(node.error(
            "base_url must not contain a user name or password: addresses are logged",
            Some("put secrets into `api_key` and `api_secret`".into()),
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(node.error(
            "base_url must end with the path, without `?` and `#`",
            example,
        ));
    }
    Ok(url)
}

pub(super) const EXAMPLE: &str = "{ env = \"KMI_API_KEY\" } or { file = \"kmi.key\" }";

/// Where a secret is found. `example` is how a person writes it.
pub(super) fn secret_source(
    node: Node<'_>,
    mapping: &Path,
    example: &str,
) -> Result<SecretSource, MappingError> {
    let name = node.name.clone();
    if node.as_text().is_some() {
        return Err(node.error(
            format!("{name} must say where the secret is, not contain it"),
            Some(format!(
                "write {example}; this secret was in a file, so have it replaced"
            )),
        ));
    }
    let mut table = node.table(&name, example)?;
    let (env, file) = (table.take("env"), table.take("file"));
    let one = table.error(
        format!("{name} needs either `env` or `file`"),
        Some(format!("write {example}")),
    );
    table.finish()?;
    match (env, file) {
        (Some(node), None) => Ok(SecretSource::Env(node.text()?)),
        // Like every path that a file names: from the folder of that file.
        (None, Some(node)) => {
            let folder = mapping.parent().unwrap_or(Path::new(""));
            Ok(SecretSource::File(folder.join(node.text()?)))
        }
        _ => Err(one),
    }
}

pub(super) fn duration(
    node: Option<&Node<'_>>,
    default: Duration,
) -> Result<Duration, MappingError> {
    let Some(node) = node else { return Ok(default) };
    node.as_text()
        .and_then(|text| text.parse::<jiff::SignedDuration>().ok())
        .and_then(|duration| Duration::try_from(duration).ok())
        .filter(|duration| {
            *duration >= Duration::from_millis(1) && *duration <= Duration::from_hours(24)
        })
        .ok_or_else(|| {
            node.error(
                format!("{} must be a duration of at most one day", node.name),
                Some("for example \"30s\", \"10m\" or \"2h\"".into()),
            )
        })
}

/// What [source] says. Its filter is still a node, since templates are compiled
/// elsewhere.
#[derive(Default)]
pub(super) struct Source<'a> {
    pub(super) options: FeedOptions,
    pub(super) filter: Option<Node<'a>>,
    pub(super) pick_up: PickUpOptions,
    pub(super) remote: Access<SecretSource>,
    pub(super) merge: Option<Merge>,
    pub(super) openpgp: Option<OpenPgpSettings>,
    /// Whom the feed names, and where it says so.
    pub(super) kind: Option<(Node<'a>, FeedKind)>,
}

/// Reads [source].
pub(super) fn source<'a>(mut table: Table<'a>, mapping: &Path) -> Result<Source<'a>, MappingError> {
    let options = reading(&mut table, "[source]")?;
    let filter = table.take("where");
    let pick_up = pick_up(&mut table)?;
    let remote = table.take("remote");
    let remote = remote.map_or(Ok(Access::default()), |node| read_remote(node, mapping))?;
    let merge = table.take("merge").map(read_merge).transpose()?;
    let messages = table.take("openpgp");
    let openpgp = messages.map(|node| openpgp(node, mapping)).transpose()?;
    let feed = table.take("feed");
    let kind = feed.map(|node| {
        let kind = node.word(&[
            ("full", FeedKind::Full),
            ("delta", FeedKind::Delta),
            ("leavers", FeedKind::Leavers),
        ])?;
        Ok((node, kind))
    });
    let kind = kind.transpose()?;
    table.finish()?;
    Ok(Source {
        options,
        filter,
        pick_up,
        remote,
        merge,
        openpgp,
        kind,
    })
}

/// How a file is read as a table, where its content does not show it.
pub(super) fn table_options(table: &mut Table<'_>) -> Result<FeedOptions, MappingError> {
    let mut options = FeedOptions::default();
    if let Some(node) = table.take("encoding") {
        let label = node.text()?;
        check_encoding(&label).map_err(|error| node.error(error.to_string(), error.help()))?;
        options.encoding = Some(label);
    }
    if let Some(node) = table.take("delimiter") {
        let text = node.text()?;
        let delimiter = match text.as_str() {
            "," | ";" | "|" | "\t" => text.as_bytes().first().copied(),
            "tab" | "\\t" => Some(b'\t'),
            _ => None,
        };
        options.delimiter = Some(delimiter.ok_or_else(|| {
            node.error(
                format!("{} cannot be \"{}\"", node.name, text.escape_debug()),
                Some("possible values: \",\", \";\", \"|\", \"tab\"".into()),
            )
        })?);
    }
    options.sheet = table.take("sheet").map(|node| node.text()).transpose()?;
    options.header_row = table
        .take("header_row")
        .map(|node| node.whole(1, u32::MAX))
        .transpose()?;
    Ok(options)
}

/// How a file is read, as the table `section` says.
pub(super) fn reading(table: &mut Table<'_>, section: &str) -> Result<FeedOptions, MappingError> {
    let mut options = table_options(table)?;
    if let Some(node) = table.take("header") {
        options.has_no_header = !node.flag()?;
        if options.has_no_header && options.header_row.is_some() {
            return Err(node.error(
                format!("{section} has `header = false` and `header_row`"),
                Some("a feed without a header has no row of it: remove one of the two".into()),
            ));
        }
    }
    options.fill_merged = table
        .take("fill_merged")
        .map(|node| node.flag())
        .transpose()?
        .unwrap_or_default();
    options.max_feed = table.take("max_feed").map(|node| size(&node)).transpose()?;
    Ok(options)
}

/// A number of bytes with its unit, from one kilobyte on.
fn size(node: &Node<'_>) -> Result<u64, MappingError> {
    node.as_text()
        .and_then(|text| text.parse::<ByteSize>().ok())
        .map(|size| size.as_u64())
        .filter(|size| *size >= 1000)
        .ok_or_else(|| {
            node.error(
                format!("{} must be a size of at least 1 kB", node.name),
                Some("for example \"500 MB\" or \"8 GiB\"".into()),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::super::Mapping;
    use super::*;

    fn target_of(lines: &str) -> TargetSettings {
        let text = format!(
            "[target]\nsystem = \"anewspring\"\nbase_url = \"https://school.example.com\"\n\
             api_key = {{ env = \"K\" }}\n{lines}\n[fields]\nuserID = \"ID\"\nlogin = \"L\"\n\
             firstName = \"F\"\nlastName = \"N\"\n"
        );
        Mapping::parse(Path::new("m.toml"), &text).unwrap().target
    }

    #[test]
    fn the_day_on_which_a_key_expires_is_a_date_or_the_same_in_quotes() {
        let day = jiff::civil::date(2027, 1, 31);
        for line in ["2027-01-31", "\"2027-01-31\"", "\" 2027-01-31 \""] {
            let target = target_of(&format!("api_key_expires = {line}"));
            assert_eq!(target.api_key_expires, Some(day), "{line}");
        }
        assert_eq!(target_of("").api_key_expires, None);
    }

    #[test]
    fn a_feed_may_be_as_large_as_the_mapping_says_with_a_unit() {
        let max_feed = |value: &str| {
            let text = format!(
                "[target]\nsystem = \"anewspring\"\nbase_url = \"https://school.example.com\"\n\
                 api_key = {{ env = \"K\" }}\n[source]\nmax_feed = {value}\n[fields]\nuserID = \"ID\"\n\
                 login = \"L\"\nfirstName = \"F\"\nlastName = \"N\"\n"
            );
            let mapping = Mapping::parse(Path::new("m.toml"), &text);
            mapping.map(|mapping| mapping.source.max_feed)
        };
        for (value, bytes) in [
            ("\"4 GiB\"", 4 << 30),
            ("\"500 MB\"", 500_000_000),
            ("\"1.5kB\"", 1500),
            ("\"20000\"", 20_000),
        ] {
            assert_eq!(max_feed(value).unwrap(), Some(bytes), "{value}");
        }
        for value in ["\"large\"", "\"0\"", "\"-1 GB\"", "4", "\"\""] {
            let error = max_feed(value).unwrap_err().to_string();
            let why = "`max_feed` in [source] must be a size of at least 1 kB";
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn each_run_keeps_its_own_rate_unless_the_mapping_says_otherwise() {
        assert!(!target_of("").share_rate);
        assert!(target_of("share_rate = true").share_rate);
    }

    #[test]
    fn a_lost_create_may_take_effect_for_half_a_minute_unless_the_mapping_says_otherwise() {
        assert_eq!(target_of("").settle_after, Duration::from_secs(30));
        let target = target_of("settle_after = \"2m\"");
        assert_eq!(target.settle_after, Duration::from_mins(2));
    }
}

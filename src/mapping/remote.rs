//! The settings of [source.remote]: how other machines let hrfeed in.

use std::path::Path;
use std::time::Duration;

use url::Url;

use super::MappingError;
use super::file::Node;
use super::settings::{SecretSource, duration, secret_source};
use crate::model::is_loopback;
use crate::pickup::{Access, HostKey};

/// How a person writes where a secret is.
const SECRET: &str = "{ env = \"HR_SECRET\" } or { file = \"hr.secret\" }";

pub(super) fn read_remote(
    node: Node<'_>,
    mapping: &Path,
) -> Result<Access<SecretSource>, MappingError> {
    let mut table = node.table("[source.remote]", "[source.remote]\nuser = \"hr\"")?;
    let mut secret = |key| {
        let node = table.take(key);
        node.map(|node| secret_source(node, mapping, SECRET))
            .transpose()
    };
    let mut access = Access {
        password: secret("password")?,
        private_key: secret("private_key")?,
        passphrase: secret("passphrase")?,
        access_key: secret("access_key")?,
        secret_key: secret("secret_key")?,
        session_token: secret("session_token")?,
        bearer: secret("bearer")?,
        account_key: secret("account_key")?,
        sas: secret("sas")?,
        credential: secret("credential")?,
        ..Access::default()
    };
    let one_of_two = [
        (
            "secret_key",
            access.access_key.is_some(),
            access.secret_key.is_some(),
        ),
        (
            "access_key",
            access.secret_key.is_some(),
            access.access_key.is_some(),
        ),
        (
            "private_key",
            access.passphrase.is_some(),
            access.private_key.is_some(),
        ),
        (
            "access_key",
            access.session_token.is_some(),
            access.access_key.is_some(),
        ),
    ];
    if let Some((key, ..)) = one_of_two
        .iter()
        .find(|(_, is_one, other)| *is_one && !other)
    {
        return Err(table.error(
            format!("[source.remote] has no `{key}`, which belongs to what is there"),
            Some(format!(
                "write {key} = {{ env = \"…\" }} or {{ file = \"…\" }}"
            )),
        ));
    }
    let mut text = |key| table.take(key).map(|node| some_text(&node)).transpose();
    access.user = text("user")?;
    access.region = text("region")?;
    access.account = text("account")?;
    let host_key = table.take("host_key");
    access.host_key = host_key.map(read_host_key).transpose()?;
    access.endpoint = table
        .take("endpoint")
        .map(|node| endpoint(&node))
        .transpose()?;
    access.header = table
        .take("header")
        .map(|node| header(node, mapping))
        .transpose()?;
    let unless_said = (access.connect_timeout, access.timeout);
    access.connect_timeout = patience(table.take("connect_timeout").as_ref(), unless_said.0)?;
    access.timeout = patience(table.take("timeout").as_ref(), unless_said.1)?;
    table.finish()?;
    Ok(access)
}

fn some_text(node: &Node<'_>) -> Result<String, MappingError> {
    let text = node.text()?;
    if text.trim().is_empty() || text.contains(char::is_control) {
        return Err(node.error(
            format!("{} is empty or has control characters", node.name),
            None,
        ));
    }
    Ok(text)
}

/// From a second on: SFTP counts no less.
fn patience(node: Option<&Node<'_>>, unless_said: Duration) -> Result<Duration, MappingError> {
    let patience = duration(node, unless_said)?;
    match node {
        Some(node) if patience < Duration::from_secs(1) => {
            Err(node.error(format!("{} must be at least one second", node.name), None))
        }
        _ => Ok(patience),
    }
}

fn read_host_key(node: Node<'_>) -> Result<HostKey, MappingError> {
    const EXAMPLE: &str =
        "\"SHA256:…\", as `ssh-keygen -lf` shows it, or { file = \"known_hosts\" }";
    if node.is_table() {
        let mut table = node.table("`host_key` in [source.remote]", EXAMPLE)?;
        let file = table.need("file", "host_key = { file = \"known_hosts\" }")?;
        table.finish()?;
        return Ok(HostKey::File(file.path()?));
    }
    let file = node.file;
    let texts = match node.as_text() {
        Some(text) => vec![(text.to_owned(), node.span.clone())],
        None => node.texts(EXAMPLE)?,
    };
    let fingerprint = |(text, span): (String, _)| {
        let digits = text.strip_prefix("SHA256:").unwrap_or_default();
        let is_digit = |it: u8| it.is_ascii_alphanumeric() || b"+/".contains(&it);
        let digits = digits.trim_end_matches('=');
        if digits.len() == 43 && digits.bytes().all(is_digit) {
            return Ok(format!("SHA256:{digits}"));
        }
        let message = format!("`{text}` is not the fingerprint of a host key");
        Err(file.error(span, message, Some(format!("write {EXAMPLE}"))))
    };
    let fingerprints: Vec<_> = texts
        .into_iter()
        .map(fingerprint)
        .collect::<Result<_, _>>()?;
    Ok(HostKey::Fingerprints(fingerprints))
}

/// The address of a storage that is not the provider's own.
fn endpoint(node: &Node<'_>) -> Result<Url, MappingError> {
    let example = Some("for example endpoint = \"https://storage.example.com\"".to_owned());
    let wrong = |why: &str| node.error(format!("{} {why}", node.name), example.clone());
    let url = Url::parse(&node.text()?).map_err(|_| wrong("is not a web address"))?;
    match url.scheme() {
        _ if url.host().is_none() => Err(wrong("has no host name")),
        "https" => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        "http" => Err(wrong(
            "must begin with https://: http:// would send people's data unencrypted",
        )),
        _ => Err(wrong("must begin with https://")),
    }?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not contain a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("must end with the path, without `?` and `#`"));
    }
    Ok(url)
}

fn header(node: Node<'_>, mapping: &Path) -> Result<(String, SecretSource), MappingError> {
    const EXAMPLE: &str = "header = { name = \"X-Api-Key\", value = { env = \"HR_KEY\" } }";
    let mut table = node.table("`header` in [source.remote]", EXAMPLE)?;
    let name_node = table.need("name", EXAMPLE)?;
    let value = table.need("value", EXAMPLE)?;
    table.finish()?;
    let name = name_node.text()?;
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || b"-_".contains(&it);
    if name.is_empty() || !name.bytes().all(is_letter) {
        return Err(name_node.error(
            format!("`{name}` cannot be the name of a header"),
            Some(format!("for example {EXAMPLE}")),
        ));
    }
    Ok((name, secret_source(value, mapping, SECRET)?))
}

#[cfg(test)]
mod tests {
    use super::super::Mapping;
    use super::*;

    fn read(lines: &str) -> Result<Access<SecretSource>, String> {
        let text = format!(
            "[target]\nsystem = \"anewspring\"\nbase_url = \"https://school.example.com\"\n\
             api_key = {{ env = \"K\" }}\n[source.remote]\n{lines}\n[fields]\nuserID = \"ID\"\n\
             login = \"L\"\nfirstName = \"F\"\nlastName = \"N\"\n"
        );
        let mapping = Mapping::parse(Path::new("folder/m.toml"), &text);
        mapping
            .map(|it| it.remote)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_mapping_says_how_other_machines_let_hrfeed_in() {
        assert_eq!(read("").unwrap(), Access::default());
        let fingerprint = format!("SHA256:{}", "a".repeat(43));
        let access = read(&format!(
            "user = \"hr\"\nprivate_key = {{ file = \"key\" }}\npassphrase = {{ env = \"P\" }}\n\
             host_key = [\"{fingerprint}=\"]\ntimeout = \"5s\"\n\
             header = {{ name = \"X-Key\", value = {{ env = \"H\" }} }}\n\
             endpoint = \"http://127.0.0.1:9000\""
        ))
        .unwrap();
        let expected = Access {
            user: Some("hr".into()),
            private_key: Some(SecretSource::File("folder/key".into())),
            passphrase: Some(SecretSource::Env("P".into())),
            host_key: Some(HostKey::Fingerprints(vec![fingerprint])),
            timeout: Duration::from_secs(5),
            header: Some(("X-Key".into(), SecretSource::Env("H".into()))),
            endpoint: Some(Url::parse("http://127.0.0.1:9000").unwrap()),
            ..Access::default()
        };
        assert_eq!(access, expected);
        let known_hosts = read("host_key = { file = \"known_hosts\" }").unwrap();
        assert_eq!(
            known_hosts.host_key,
            Some(HostKey::File("folder/known_hosts".into()))
        );
    }

    #[test]
    fn what_lets_nobody_in_is_a_mistake_in_the_mapping() {
        for (line, what) in [
            ("password = \"s3cret\"", "must say where the secret is"),
            ("pasword = { env = \"P\" }", "unknown key `pasword`"),
            ("access_key = { env = \"A\" }", "has no `secret_key`"),
            ("passphrase = { env = \"A\" }", "has no `private_key`"),
            ("host_key = \"MD5:aa:bb\"", "not the fingerprint"),
            ("host_key = { files = \"x\" }", "unknown key `files`"),
            ("endpoint = \"http://storage.example.com\"", "unencrypted"),
            ("endpoint = \"storage.example.com\"", "not a web address"),
            ("endpoint = \"https://a:b@example.com\"", "must not contain"),
            (
                "header = { name = \"X Key\", value = { env = \"H\" } }",
                "name of a header",
            ),
            ("header = { name = \"X-Key\" }", "has no `value`"),
            ("user = \"\"", "is empty"),
            ("timeout = \"10ms\"", "at least one second"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(what), "{line}: {error}");
            assert!(
                ["line 5", "line 6"].iter().any(|line| error.contains(line)),
                "{error}"
            );
        }
    }
}

//! How another machine lets hrfeed in.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

/// What authenticates hrfeed to another machine, and the other machine to hrfeed. `S`
/// is a secret, or says where one is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access<S> {
    /// The user, for SFTP and web servers.
    pub user: Option<String>,
    /// That user's password.
    pub password: Option<S>,
    /// The private key for SFTP, as a program such as `ssh-keygen` writes it.
    pub private_key: Option<S>,
    /// What the private key is encrypted with.
    pub passphrase: Option<S>,
    /// By what the host of SFTP is known; unless said, by the user's own `known_hosts`.
    pub host_key: Option<HostKey>,
    /// The ID of the access key for S3.
    pub access_key: Option<S>,
    /// The secret that belongs to it.
    pub secret_key: Option<S>,
    /// What temporary access keys have besides.
    pub session_token: Option<S>,
    /// The region of the bucket.
    pub region: Option<String>,
    /// Where the storage is, if it is not the provider's own.
    pub endpoint: Option<Url>,
    /// What a web server gets as `Authorization: Bearer …`.
    pub bearer: Option<S>,
    /// Another header that a web server wants.
    pub header: Option<(String, S)>,
    /// The storage account, for Azure.
    pub account: Option<String>,
    /// A key of that account.
    pub account_key: Option<S>,
    /// A shared access signature, instead.
    pub sas: Option<S>,
    /// The key of a service account, for Google.
    pub credential: Option<S>,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long nothing may come.
    pub timeout: Duration,
}

/// By what a host is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostKey {
    /// Its key has one of these fingerprints: `SHA256:…`.
    Fingerprints(Vec<String>),
    /// A file in the format of `known_hosts` has its key.
    File(PathBuf),
}

impl<S> Default for Access<S> {
    fn default() -> Self {
        Self {
            user: None,
            password: None,
            private_key: None,
            passphrase: None,
            host_key: None,
            access_key: None,
            secret_key: None,
            session_token: None,
            region: None,
            endpoint: None,
            bearer: None,
            header: None,
            account: None,
            account_key: None,
            sas: None,
            credential: None,
            connect_timeout: Duration::from_secs(20),
            timeout: Duration::from_mins(1),
        }
    }
}

impl<S> Access<S> {
    /// The same with what `read` makes of each secret, which gets its name too.
    ///
    /// # Errors
    /// What `read` says.
    pub fn try_map<T, E>(
        &self,
        mut read: impl FnMut(&'static str, &S) -> Result<T, E>,
    ) -> Result<Access<T>, E> {
        let mut of = |name: &'static str, secret: &Option<S>| {
            secret.as_ref().map(|secret| read(name, secret)).transpose()
        };
        Ok(Access {
            user: self.user.clone(),
            password: of("password", &self.password)?,
            private_key: of("private_key", &self.private_key)?,
            passphrase: of("passphrase", &self.passphrase)?,
            host_key: self.host_key.clone(),
            access_key: of("access_key", &self.access_key)?,
            secret_key: of("secret_key", &self.secret_key)?,
            session_token: of("session_token", &self.session_token)?,
            region: self.region.clone(),
            endpoint: self.endpoint.clone(),
            bearer: of("bearer", &self.bearer)?,
            account: self.account.clone(),
            account_key: of("account_key", &self.account_key)?,
            sas: of("sas", &self.sas)?,
            credential: of("credential", &self.credential)?,
            header: match &self.header {
                Some((name, secret)) => Some((name.clone(), read("value", secret)?)),
                None => None,
            },
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
        })
    }
}

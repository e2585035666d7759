//! Files of a server of SFTP.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use russh::client::{self, AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::known_hosts::known_host_keys_path;
use russh::keys::{
    HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate,
    decode_secret_key,
};
use russh::{Channel, Preferred};
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::client::fs::Metadata;
use russh_sftp::client::{Config as SftpConfig, RawSftpSession, SftpSession};
use russh_sftp::protocol::StatusCode;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::super::address::Address;
use super::super::{Access, HostKey, Problem};
use super::copy::CopyBeingMade;
use super::{Entry, Kept, MAX_FILES, silent_for, within};
use crate::model::{Limit, Secret};

const PORT: u16 = 22;
/// The most questions that a server may ask at a login.
const MAX_QUESTIONS: usize = 8;

/// A server of SFTP, and the connection to it while there is one.
pub(super) struct Sftp {
    host: String,
    port: u16,
    user: String,
    password: Option<Secret>,
    private_key: Option<Arc<PrivateKey>>,
    known: Known,
    connect_timeout: Duration,
    timeout: Duration,
    connection: Option<Connection>,
}

struct Connection {
    handle: Handle<Verifier>,
    files: SftpSession,
}

/// By what the host is known.
#[derive(Clone, Debug)]
enum Known {
    Fingerprints(Vec<String>),
    Keys(Vec<PublicKey>),
}

impl Sftp {
    pub(super) fn new(address: &Address, access: &Access<Secret>) -> Result<Self, Problem> {
        let user = access.user.clone().ok_or_else(|| {
            Problem::Setting(
                "[source.remote] in the mapping has no `user`, which SFTP needs".into(),
            )
        })?;
        if access.password.is_none() && access.private_key.is_none() {
            return Err(Problem::Setting(
                "[source.remote] in the mapping has neither `private_key` nor `password`, one of \
                 which SFTP needs"
                    .into(),
            ));
        }
        let port = address.port.unwrap_or(PORT);
        let private_key = access.private_key.as_ref();
        let passphrase = access.passphrase.as_ref().map(Secret::expose);
        let private_key = private_key
            .map(|key| private_key_of(key, passphrase))
            .transpose()?;
        Ok(Self {
            known: known(access.host_key.as_ref(), &address.host, port)?,
            host: address.host.clone(),
            port,
            user,
            password: access.password.clone(),
            private_key: private_key.map(Arc::new),
            connect_timeout: access.connect_timeout,
            timeout: access.timeout,
            connection: None,
        })
    }

    /// The connection, which is kept from one question to the next.
    async fn connection(&mut self) -> Result<&Connection, Problem> {
        let is_open = |it: &Connection| !it.handle.is_closed();
        if !self.connection.as_ref().is_some_and(is_open) {
            let connection = within(self.connect_timeout, self.connect()).await?;
            self.connection = Some(connection);
        }
        let gone = || Problem::NoAnswer("the connection is gone".into());
        self.connection.as_ref().ok_or_else(gone)
    }

    async fn connect(&self) -> Result<Connection, Problem> {
        let stream = TcpStream::connect((&*self.host, self.port)).await;
        let stream = stream.map_err(|error| not_connected(&error))?;
        let objection = Arc::new(Mutex::new(None));
        let verifier = Verifier {
            known: self.known.clone(),
            objection: objection.clone(),
        };
        let config = client::Config {
            preferred: preferred(&self.known),
            ..client::Config::default()
        };
        let handle = client::connect_stream(Arc::new(config), stream, verifier).await;
        let mut handle = handle.map_err(|error| {
            let objection = objection
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            objection.unwrap_or_else(|| ssh_problem(&error))
        })?;
        self.log_in(&mut handle).await?;
        let files = sftp_channel(&handle).await?.into_stream();
        let files = SftpSession::new_with_config(files, self.sftp_config()).await;
        tracing::debug!(host = self.host, "logged in to a server of SFTP");
        Ok(Connection {
            files: files.map_err(|error| self.problem(&error))?,
            handle,
        })
    }

    /// So much is asked for at once that a slow line brings it in time.
    fn sftp_config(&self) -> SftpConfig {
        SftpConfig {
            max_packet_len: 64 << 10,
            max_concurrent_reads: 8,
            request_timeout_secs: self.timeout.as_secs().max(1),
            ..SftpConfig::default()
        }
    }

    async fn log_in(&self, handle: &mut Handle<Verifier>) -> Result<(), Problem> {
        let refused = |problem: russh::Error| ssh_problem(&problem);
        let mut others = Vec::new();
        if let Some(key) = &self.private_key {
            // The newest way that the server knows to sign with an RSA key.
            let hash = handle.best_supported_rsa_hash().await.map_err(refused)?;
            let hash = hash.unwrap_or(Some(HashAlg::Sha512));
            let key = PrivateKeyWithHashAlg::new(key.clone(), hash);
            let answer = handle.authenticate_publickey(&self.user, key).await;
            match answer.map_err(refused)? {
                AuthResult::Success => return Ok(()),
                AuthResult::Failure {
                    remaining_methods, ..
                } => others = remaining_methods.iter().map(String::from).collect(),
            }
        }
        if let Some(password) = &self.password {
            let answer = handle
                .authenticate_password(&self.user, password.expose())
                .await;
            match answer.map_err(refused)? {
                AuthResult::Success => return Ok(()),
                AuthResult::Failure {
                    remaining_methods, ..
                } => others = remaining_methods.iter().map(String::from).collect(),
            }
            let asks = others
                .iter()
                .any(|it: &String| it == "keyboard-interactive");
            if asks
                && self
                    .answer_questions(handle, password)
                    .await
                    .map_err(refused)?
            {
                return Ok(());
            }
        }
        Err(Problem::Login(if others.is_empty() {
            String::new()
        } else {
            format!("the server accepts {}", others.join(", "))
        }))
    }

    /// Servers that ask for the password as a question of many.
    async fn answer_questions(
        &self,
        handle: &mut Handle<Verifier>,
        password: &Secret,
    ) -> Result<bool, russh::Error> {
        let mut answer = handle
            .authenticate_keyboard_interactive_start(&self.user, None)
            .await?;
        for _ in 0..MAX_QUESTIONS {
            let KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } = answer else {
                break;
            };
            let answers = prompts.iter().map(|_| password.expose().to_owned());
            let answers = answers.collect();
            answer = handle
                .authenticate_keyboard_interactive_respond(answers)
                .await?;
        }
        Ok(matches!(answer, KeyboardInteractiveAuthResponse::Success))
    }

    fn problem(&self, error: &SftpError) -> Problem {
        match error {
            SftpError::Status(status) => match status.status_code {
                StatusCode::NoSuchFile => Problem::NotFound,
                StatusCode::PermissionDenied => Problem::Denied(String::new()),
                StatusCode::NoConnection | StatusCode::ConnectionLost => {
                    Problem::NoAnswer(status.status_code.to_string())
                }
                code => Problem::Refused(code.to_string()),
            },
            SftpError::Timeout => silent_for(self.timeout),
            SftpError::IO(why) | SftpError::UnexpectedBehavior(why) => {
                tracing::debug!(why, "a server of SFTP broke off");
                Problem::NoAnswer("the connection broke off".into())
            }
            error => Problem::Refused(error.to_string()),
        }
    }

    /// Forgets a connection that does not work any more.
    fn ended<T>(&mut self, answer: Result<T, Problem>) -> Result<T, Problem> {
        if matches!(&answer, Err(Problem::NoAnswer(_))) {
            self.connection = None;
        }
        answer
    }

    pub(super) async fn entry(&mut self, path: &str) -> Result<Option<Entry>, Problem> {
        let about = self
            .connection()
            .await?
            .files
            .metadata(of_server(path))
            .await;
        let about = about.map_err(|error| self.problem(&error));
        match self.ended(about) {
            Ok(about) => Ok(Some(entry(path.to_owned(), &about))),
            Err(Problem::NotFound) => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    pub(super) async fn list(
        &mut self,
        folder: &str,
        kept: Kept<'_>,
    ) -> Result<Vec<Entry>, Problem> {
        let listed = self.read_folder(folder, kept).await;
        let mut entries = self.ended(listed)?;
        // Only what is kept is asked for once more: what a link leads to.
        for entry in &mut entries {
            if entry.tag.take().is_some() {
                let target = self.entry(&entry.path).await?;
                // A link to a folder could lead round in a circle.
                *entry = target
                    .filter(|it| !it.is_folder)
                    .unwrap_or_else(Entry::nothing);
            }
        }
        entries.retain(|entry| !entry.path.is_empty());
        Ok(entries)
    }

    /// Reads a folder in pieces, so that a huge one takes no memory for what is not kept.
    /// A link has a tag.
    async fn read_folder(&mut self, folder: &str, kept: Kept<'_>) -> Result<Vec<Entry>, Problem> {
        let timeout = self.timeout;
        let config = self.sftp_config();
        let channel = sftp_channel(&self.connection().await?.handle).await?;
        let raw = RawSftpSession::new_with_config(channel.into_stream(), config);
        let failed = |error: SftpError| self.problem(&error);
        within(timeout, async { raw.init().await.map_err(failed) }).await?;
        let handle = raw.opendir(of_server(folder)).await.map_err(failed)?.handle;
        let slash = if folder.ends_with('/') { "" } else { "/" };
        let mut entries = Vec::new();
        loop {
            let names = match raw.readdir(&*handle).await {
                Ok(names) => names.files,
                Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => break,
                Err(error) => return Err(self.problem(&error)),
            };
            for file in names {
                // A name is a name, whatever a server says.
                let name = file.filename;
                if matches!(&*name, "" | "." | "..") || name.contains(['/', '\0']) {
                    continue;
                }
                let mut entry = entry(format!("{folder}{slash}{name}"), &file.attrs);
                entry.tag = file.attrs.is_symlink().then(String::new);
                if (entry.is_folder || file.attrs.is_regular() || entry.tag.is_some())
                    && kept(&entry)
                {
                    entries.push(entry);
                }
            }
            if entries.len() > MAX_FILES {
                return Err(Problem::TooMany(MAX_FILES));
            }
        }
        raw.close(handle)
            .await
            .map_err(|error| self.problem(&error))?;
        raw.close_session().map_err(|error| self.problem(&error))?;
        Ok(entries)
    }

    pub(super) async fn read(
        &mut self,
        path: &str,
        into: &mut CopyBeingMade,
    ) -> Result<(), Problem> {
        let copied = self.copy(path, into).await;
        self.ended(copied)
    }

    async fn copy(&mut self, path: &str, into: &mut CopyBeingMade) -> Result<(), Problem> {
        let timeout = self.timeout;
        let file = self.connection().await?.files.open(of_server(path)).await;
        let mut file = file.map_err(|error| self.problem(&error))?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = file.read(&mut buffer).await.map_err(|error| {
                let inner = error
                    .get_ref()
                    .and_then(|it| it.downcast_ref::<SftpError>());
                match inner {
                    Some(inner) => self.problem(inner),
                    None if error.kind() == io::ErrorKind::TimedOut => silent_for(timeout),
                    None => Problem::NoAnswer(error.to_string()),
                }
            })?;
            match buffer.get(..read) {
                None | Some([]) => return Ok(()),
                Some(bytes) => into.write(bytes)?,
            }
        }
    }
}

impl Entry {
    fn nothing() -> Self {
        Self {
            path: String::new(),
            is_folder: false,
            length: None,
            modified: None,
            tag: None,
        }
    }
}

async fn sftp_channel(handle: &Handle<Verifier>) -> Result<Channel<client::Msg>, Problem> {
    let failed = |error: russh::Error| ssh_problem(&error);
    let channel = handle.channel_open_session().await.map_err(failed)?;
    channel
        .request_subsystem(true, "sftp")
        .await
        .map_err(failed)?;
    Ok(channel)
}

/// As the server is asked: `/~/exports` is below the folder in which a login ends.
fn of_server(path: &str) -> &str {
    match path.strip_prefix("/~") {
        Some("" | "/") => ".",
        Some(rest) => rest.strip_prefix('/').unwrap_or(path),
        None => path,
    }
}

fn entry(path: String, about: &Metadata) -> Entry {
    let modified = about.mtime.map(|it| Timestamp::from_second(i64::from(it)));
    Entry {
        path,
        is_folder: about.is_dir(),
        length: about.size,
        modified: modified.and_then(Result::ok),
        tag: None,
    }
}

fn private_key_of(key: &Secret, passphrase: Option<&str>) -> Result<PrivateKey, Problem> {
    // What reads it wants the end of its last line.
    let text = format!("{}\n", key.expose().replace("\r\n", "\n"));
    decode_secret_key(&text, passphrase).map_err(|error| {
        let why = match (error, passphrase) {
            (russh::keys::Error::KeyIsEncrypted, _) | (_, Some(_)) => {
                "it cannot be read with the `passphrase` in [source.remote]"
            }
            _ => "it is not a private key of SSH without a passphrase, or of a kind that is not supported",
        };
        Problem::Setting(format!("the `private_key` in [source.remote]: {why}"))
    })
}

fn known(host_key: Option<&HostKey>, host: &str, port: u16) -> Result<Known, Problem> {
    let wrong = |path: &Path, why: &str| {
        Problem::Setting(format!(
            "`host_key` in [source.remote]: `{}` {why}",
            path.display()
        ))
    };
    let keys_of = |path: &Path| {
        let keys = known_host_keys_path(host, port, path);
        let keys = keys.map_err(|_| wrong(path, "has a key of the host that cannot be read"))?;
        Ok(Known::Keys(keys.into_iter().map(|(_, key)| key).collect()))
    };
    match host_key {
        Some(HostKey::Fingerprints(fingerprints)) => Ok(Known::Fingerprints(fingerprints.clone())),
        Some(HostKey::File(path)) => {
            std::fs::metadata(path)
                .map_err(|error| wrong(path, &format!("cannot be read: {error}")))?;
            keys_of(path)
        }
        None => match directories::BaseDirs::new() {
            Some(folders) => keys_of(&folders.home_dir().join(".ssh").join("known_hosts")),
            None => Ok(Known::Keys(Vec::new())),
        },
    }
}

/// A server has keys of several kinds: it is asked for the one that is known.
fn preferred(known: &Known) -> Preferred {
    let mut preferred = Preferred::default();
    if let Known::Keys(keys) = known {
        let is_known = |algorithm: &russh::keys::Algorithm| {
            let is_same = |key: &PublicKey| {
                key.algorithm() == *algorithm
                    || (key.algorithm().is_rsa() && algorithm.clone().is_rsa())
            };
            keys.iter().any(is_same)
        };
        preferred
            .key
            .to_mut()
            .sort_by_key(|algorithm| !is_known(algorithm));
    }
    preferred
}

/// Looks at the key of the host.
struct Verifier {
    known: Known,
    objection: Arc<Mutex<Option<Problem>>>,
}

impl client::Handler for Verifier {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else {
            return Ok(false);
        };
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        let (is_right, is_other) = match &self.known {
            Known::Fingerprints(known) => (known.contains(&fingerprint), true),
            Known::Keys(known) => (
                known.iter().any(|it| it.key_data() == key.key_data()),
                !known.is_empty(),
            ),
        };
        if !is_right {
            let objection = if is_other {
                Problem::OtherHostKey(fingerprint)
            } else {
                Problem::UnknownHostKey(fingerprint)
            };
            *self
                .objection
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(objection);
        }
        Ok(is_right)
    }
}

fn not_connected(error: &io::Error) -> Problem {
    if let Some(limit) = Limit::of(error) {
        return Problem::Machine(format!("{error}; {}", limit.help()));
    }
    // What the system says of a name that leads nowhere has no kind of its own.
    let why = error.to_string();
    if why.contains("lookup") || error.raw_os_error().is_none() {
        return Problem::UnknownHost(why);
    }
    Problem::NoAnswer(why)
}

fn ssh_problem(error: &russh::Error) -> Problem {
    match error {
        russh::Error::IO(error) => Problem::NoAnswer(error.to_string()),
        russh::Error::NoCommonAlgo { kind, .. } => Problem::Refused(format!(
            "the server and hrfeed have no {kind:?} algorithm in common"
        )),
        russh::Error::ChannelOpenFailure(_) | russh::Error::RequestDenied => {
            Problem::Refused("the server gives no SFTP".into())
        }
        russh::Error::Version => Problem::Refused("it is not a server of SSH".into()),
        russh::Error::UnknownKey | russh::Error::WrongServerSig => {
            Problem::Refused("its host key is not accepted".into())
        }
        error => Problem::NoAnswer(error.to_string()),
    }
}

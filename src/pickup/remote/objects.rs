//! Files of a storage of objects: S3, Azure, Google.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::TryStreamExt as _;
use opendal::services::{Azblob, Gcs, S3};
use opendal::{EntryMode, Error, ErrorKind, HttpTransporter, Metadata, OperationContext, Operator};
use opendal_http_transport_reqwest::ReqwestTransport;

use super::super::address::{Address, Scheme};
use super::super::{Access, Problem};
use super::copy::CopyBeingMade;
use super::{Entry, Kept, MAX_FILES, tls};
use crate::model::{Secret, is_loopback};

/// The region of Amazon's that is one where no other is named.
const FIRST_REGION: &str = "us-east-1";

/// A bucket or a container.
pub(super) struct Objects {
    operator: Operator,
    access: Access<Secret>,
}

impl Objects {
    pub(super) fn new(address: &Address, access: &Access<Secret>) -> Result<Self, Problem> {
        let operator = match address.scheme {
            Scheme::S3 => Operator::new(s3(address, access)),
            Scheme::Azure => Operator::new(azure(address, access)?),
            Scheme::Google => Operator::new(google(address, access)?),
            Scheme::Sftp | Scheme::Web => {
                return Err(Problem::Setting("the address is of no storage".into()));
            }
        };
        let operator = operator.map_err(|error| match said(&error) {
            said if said.contains("region is missing") => Problem::Setting(
                "the region of the bucket is not known: [source.remote] in the mapping has no `region`"
                    .into(),
            ),
            said => Problem::Setting(said),
        })?;
        let loopback = access.endpoint.as_ref().is_some_and(is_loopback);
        let client = tls::client(access, loopback)
            .build()
            .map_err(|error| Problem::Machine(format!("cannot set up HTTPS: {error}")))?;
        let transport = HttpTransporter::new(ReqwestTransport::new(client));
        let context = OperationContext::new().with_http_transport(transport);
        Ok(Self {
            operator: operator.with_context(context),
            access: access.clone(),
        })
    }

    fn problem(&self, error: &Error) -> Problem {
        match error.kind() {
            ErrorKind::NotFound => Problem::NotFound,
            ErrorKind::PermissionDenied => Problem::Denied(said(error)),
            ErrorKind::ConfigInvalid => Problem::Refused(said(error)),
            ErrorKind::RateLimited => Problem::NoAnswer("there are too many requests".into()),
            _ => match std::error::Error::source(error) {
                Some(source) => tls::no_answer(source, &self.access),
                None if error.is_temporary() => Problem::NoAnswer(said(error)),
                None => Problem::Refused(said(error)),
            },
        }
    }

    pub(super) async fn entry(&mut self, path: &str) -> Result<Option<Entry>, Problem> {
        if path.is_empty() || path.ends_with('/') {
            return Ok(Some(folder(path)));
        }
        match self.operator.stat(path).await {
            Ok(about) => Ok(Some(entry(path.to_owned(), &about))),
            // A folder is there as long as something is in it.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let below = format!("{path}/");
                let listed = self.operator.lister_with(&below).limit(1).await;
                let mut listed = listed.map_err(|error| self.problem(&error))?;
                let first = listed.try_next().await;
                match first.map_err(|error| self.problem(&error)) {
                    Ok(first) => Ok(first.map(|_| folder(path))),
                    Err(Problem::NotFound) => Ok(None),
                    Err(problem) => Err(problem),
                }
            }
            Err(error) => Err(self.problem(&error)),
        }
    }

    pub(super) async fn list(
        &mut self,
        folder: &str,
        kept: Kept<'_>,
    ) -> Result<Vec<Entry>, Problem> {
        let below = match folder {
            "" => "/".to_owned(),
            folder if folder.ends_with('/') => folder.to_owned(),
            folder => format!("{folder}/"),
        };
        let failed = |error: Error| self.problem(&error);
        let mut listed = self.operator.lister(&below).await.map_err(failed)?;
        let mut entries = Vec::new();
        while let Some(found) = listed.try_next().await.map_err(failed)? {
            let (path, about) = found.into_parts();
            if path == below || path.is_empty() {
                continue;
            }
            let entry = entry(path.trim_end_matches('/').to_owned(), &about);
            if kept(&entry) {
                entries.push(entry);
            }
            if entries.len() > MAX_FILES {
                return Err(Problem::TooMany(MAX_FILES));
            }
        }
        Ok(entries)
    }

    pub(super) async fn read(
        &mut self,
        path: &str,
        into: &mut CopyBeingMade,
    ) -> Result<(), Problem> {
        let failed = |error: Error| self.problem(&error);
        let reader = self.operator.reader(path).await.map_err(failed)?;
        let mut stream = reader.into_stream(..).await.map_err(failed)?;
        while let Some(buffer) = stream.try_next().await.map_err(failed)? {
            for bytes in buffer {
                into.write(&bytes)?;
            }
        }
        Ok(())
    }
}

fn s3(address: &Address, access: &Access<Secret>) -> S3 {
    let mut service = S3::default().bucket(&address.host);
    if let (Some(key), Some(secret)) = (&access.access_key, &access.secret_key) {
        service = service
            .access_key_id(key.expose())
            .secret_access_key(secret.expose());
    }
    if let Some(token) = &access.session_token {
        service = service.session_token(token.expose());
    }
    // Storages of others mostly have one, and call it like Amazon's first.
    let unless_said = access.endpoint.as_ref().map(|_| FIRST_REGION);
    if let Some(region) = access.region.as_deref().or(unless_said) {
        service = service.region(region);
    }
    match &access.endpoint {
        Some(endpoint) => service.endpoint(endpoint.as_str().trim_end_matches('/')),
        // A name with a dot has no certificate of its own.
        None if address.host.contains('.') => service,
        None => service.enable_virtual_host_style(),
    }
}

fn azure(address: &Address, access: &Access<Secret>) -> Result<Azblob, Problem> {
    let mut service = Azblob::default().container(&address.host);
    let endpoint = match (&access.endpoint, &access.account) {
        (Some(endpoint), _) => endpoint.as_str().trim_end_matches('/').to_owned(),
        (None, Some(account)) => format!("https://{account}.blob.core.windows.net"),
        (None, None) => {
            return Err(Problem::Setting(
                "[source.remote] in the mapping has no `account`, which Azure needs".into(),
            ));
        }
    };
    service = service.endpoint(&endpoint);
    if let Some(account) = &access.account {
        service = service.account_name(account);
    }
    if let Some(key) = &access.account_key {
        service = service.account_key(key.expose());
    }
    if let Some(sas) = &access.sas {
        service = service.sas_token(sas.expose().trim_start_matches('?'));
    }
    Ok(service)
}

fn google(address: &Address, access: &Access<Secret>) -> Result<Gcs, Problem> {
    let mut service = Gcs::default().bucket(&address.host);
    if let Some(endpoint) = &access.endpoint {
        service = service.endpoint(endpoint.as_str().trim_end_matches('/'));
    }
    if let Some(credential) = &access.credential {
        // What reads it would silently look for another.
        if serde_json::from_str::<serde_json::Map<_, _>>(credential.expose())
            .ok()
            .is_none_or(|it| !it.contains_key("private_key") && !it.contains_key("refresh_token"))
        {
            return Err(Problem::Setting(
                "the `credential` in [source.remote] is not the JSON key of a service account"
                    .into(),
            ));
        }
        service = service
            .credential(&BASE64_STANDARD.encode(credential.expose()))
            .disable_config_load()
            .disable_vm_metadata();
        return Ok(service);
    }
    // Where the mapping says where the storage is and not who reads it, that is public.
    if access.endpoint.is_some() {
        service = service.skip_signature();
    }
    Ok(service)
}

fn folder(path: &str) -> Entry {
    Entry {
        path: path.trim_end_matches('/').to_owned(),
        is_folder: true,
        length: None,
        modified: None,
        tag: None,
    }
}

fn entry(path: String, about: &Metadata) -> Entry {
    if about.mode() == EntryMode::DIR {
        return folder(&path);
    }
    Entry {
        path,
        is_folder: false,
        length: Some(about.content_length()),
        modified: about.last_modified().map(Into::into),
        tag: about.etag().map(str::to_owned),
    }
}

/// What a storage says, without the context of the error: that has the address, which may
/// be signed.
fn said(error: &Error) -> String {
    const MAX: usize = 200;
    let message = error.message();
    // What OpenDAL read of an answer of S3 it shows as a structure.
    let part = |name: &str| {
        let (_, rest) = message.split_once(&format!("{name}: \""))?;
        Some(rest.split_once('"')?.0).filter(|it| !it.is_empty())
    };
    let text = match (part("code"), part("message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) if message.is_empty() => error.kind().to_string(),
        (None, None) => message.to_owned(),
    };
    text.chars().take(MAX).collect()
}

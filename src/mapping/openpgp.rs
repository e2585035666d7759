//! [source.openpgp]: how a feed is decrypted that is an OpenPGP message, and by whom it has
//! to be signed.

use std::path::{Path, PathBuf};

use super::MappingError;
use super::file::Node;
use super::settings::{SecretSource, secret_source};

/// Where the keys are found. Never the keys themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenPgpSettings {
    /// Private keys, armoured or not.
    pub key: Option<SecretSource>,
    /// What opens the private keys, or a message that is encrypted with a passphrase.
    pub passphrase: Option<SecretSource>,
    /// A file of certificates: a feed has to be signed by one of them.
    pub signed_by: Option<PathBuf>,
}

pub(super) fn openpgp(node: Node<'_>, mapping: &Path) -> Result<OpenPgpSettings, MappingError> {
    const KEY: &str = "{ file = \"hr.key\" } or { env = \"HR_KEY\" }";
    const PASSPHRASE: &str = "{ file = \"hr.passphrase\" } or { env = \"HR_PASSPHRASE\" }";
    let mut table = node.table("[source.openpgp]", "[source.openpgp]")?;
    let key = table.take("key");
    let passphrase = table.take("passphrase");
    let signed_by = table.take("signed_by");
    let nothing = table.error(
        "[source.openpgp] says nothing",
        Some(format!("name the private key, for example key = {KEY}")),
    );
    table.finish()?;
    if key.is_none() && passphrase.is_none() && signed_by.is_none() {
        return Err(nothing);
    }
    let folder = mapping.parent().unwrap_or(Path::new(""));
    Ok(OpenPgpSettings {
        key: key
            .map(|node| secret_source(node, mapping, KEY))
            .transpose()?,
        passphrase: passphrase
            .map(|node| secret_source(node, mapping, PASSPHRASE))
            .transpose()?,
        signed_by: signed_by
            .map(|node| node.text().map(|file| folder.join(file)))
            .transpose()?,
    })
}

//! The layers of a message: what is encrypted, packed and signed around the content.

use std::io::{BufRead, Read};
use std::path::Path;
use std::sync::Arc;

use pgp::composed::{
    CompressedDataReader, DebugBufRead, DecryptionOptions, Edata, Esk, Message, MessageReader,
    PlainSessionKey,
};
use pgp::types::Seipdv1ReadMode;

use super::bounded::{Bounded, Steps};
use super::packets::Packets;
use super::signed::{self, Signers};
use super::{Form, Material, OpenPgpError, OpenPgpKeys, Plaintext, Signature, session};
use crate::feed::FeedError;
use crate::feed::spool::{Bounds, Copy, MAX_RATIO, Opened, SMALL};

/// The most layers around a content: programs write three.
const MAX_LAYERS: usize = 8;
/// The most bytes that may follow packed content in its packet: some programs write one.
const MAX_PADDING: u64 = 16;
/// The most signatures of a message, each of which digests all of it.
const MAX_SIGNATURES: usize = 16;

/// A message as it was given.
pub(super) struct Given<'a> {
    pub(super) path: &'a Arc<Path>,
    pub(super) opened: &'a Opened,
    pub(super) form: Form,
    pub(super) bounds: Bounds,
}

/// Why reading a message ends early.
#[derive(Debug)]
pub(super) enum Stop {
    /// What was read makes no sense, or could not be read.
    Damaged,
    Why(OpenPgpError),
    /// The copy cannot be written.
    Feed(FeedError),
}

impl Stop {
    pub(super) fn behind() -> Self {
        Self::Why(OpenPgpError::Behind)
    }
}

impl From<std::io::Error> for Stop {
    fn from(_: std::io::Error) -> Self {
        Self::Damaged
    }
}

impl From<pgp::errors::Error> for Stop {
    /// What the library says can hold parts of the message.
    fn from(_: pgp::errors::Error) -> Self {
        Self::Damaged
    }
}

impl From<OpenPgpError> for Stop {
    fn from(why: OpenPgpError) -> Self {
        Self::Why(why)
    }
}

impl From<FeedError> for Stop {
    fn from(error: FeedError) -> Self {
        Self::Feed(error)
    }
}

/// Reads a message: decrypts it into a copy if it is encrypted, and unpacks that into another
/// one. So all of it is verified before anything in it is looked at.
pub(super) fn read(given: &Given<'_>, keys: &OpenPgpKeys) -> Result<Plaintext, FeedError> {
    let signers = keys
        .signed_by
        .as_ref()
        .map(|place| Signers::read(place, keys.now));
    let signers = signers.transpose().map_err(|why| given.error(why))?;
    let head = given
        .read(given.opened, given.form, |packets| head(packets))?
        .0;
    let (mut opened, signature) = match head {
        Head::Content => given.content(given.opened, given.form, signers.as_ref())?,
        Head::Encrypted { recipients } => {
            let decrypted = given.decrypted(&recipients, keys)?;
            let (opened, signature) = given.content(&decrypted, Form::Binary, signers.as_ref())?;
            (
                Opened {
                    sha256: decrypted.sha256,
                    ..opened
                },
                signature,
            )
        }
    };
    // The digest of what was given counts, where it was itself unpacked.
    opened.sha256 = given.opened.sha256.or(opened.sha256);
    opened.gzip = given.opened.gzip;
    Ok(Plaintext { opened, signature })
}

/// What a message begins with.
enum Head {
    Encrypted { recipients: Vec<Esk> },
    Content,
}

fn head(packets: &mut Packets<'_>) -> Result<Head, Stop> {
    let steps = Steps::default();
    steps.head();
    match Message::from_bytes(Bounded::new(packets, &steps, u64::MAX))? {
        Message::Encrypted { esk, edata, .. } => match edata {
            Edata::SymEncryptedData { .. } => Err(OpenPgpError::Unprotected.into()),
            Edata::SymEncryptedProtectedData { .. } | Edata::GnupgAeadData { .. } => {
                Ok(Head::Encrypted { recipients: esk })
            }
        },
        Message::Literal { .. } | Message::Compressed { .. } | Message::Signed { .. } => {
            Ok(Head::Content)
        }
    }
}

impl Given<'_> {
    fn error(&self, why: OpenPgpError) -> FeedError {
        FeedError::openpgp(self.path, why)
    }

    /// Reads the packets of a file, and hands out what comes behind them too.
    fn read<'f, T>(
        &self,
        opened: &'f Opened,
        form: Form,
        work: impl FnOnce(&mut Packets<'f>) -> Result<T, Stop>,
    ) -> Result<(T, Packets<'f>), FeedError> {
        let mut packets = Packets::of(&opened.file, form).map_err(FeedError::read(self.path, 0))?;
        match work(&mut packets) {
            Ok(done) => Ok((done, packets)),
            Err(stop) => Err(self.stopped(stop, packets.failure())),
        }
    }

    /// The same, of packets behind which nothing may be; with the digest of the file.
    fn read_all<'f, T>(
        &self,
        opened: &'f Opened,
        form: Form,
        work: impl FnOnce(&mut Packets<'f>) -> Result<T, Stop>,
    ) -> Result<(T, [u8; 32]), FeedError> {
        let (done, packets) = self.read(opened, form, work)?;
        let digest = packets.finish().map_err(|stop| self.stopped(stop, None))?;
        Ok((done, digest))
    }

    fn stopped(&self, stop: Stop, failure: Option<std::io::Error>) -> FeedError {
        match (stop, failure) {
            (Stop::Feed(error), _) => error,
            (_, Some(failure)) => FeedError::read(self.path, 0)(failure),
            (Stop::Why(why), None) => self.error(why),
            (Stop::Damaged, None) => self.error(OpenPgpError::Damaged),
        }
    }

    /// Decrypts the message into a copy.
    fn decrypted(&self, recipients: &[Esk], keys: &OpenPgpKeys) -> Result<Opened, FeedError> {
        let found = session::keys(recipients, keys).map_err(|why| self.error(why))?;
        let mut first = None;
        for key in found.keys {
            let copy = self.read_all(self.opened, self.form, |packets| {
                self.decrypt(packets, &key)
            });
            match copy {
                Ok((copy, sha256)) => return copy.finish(Some(sha256)),
                // Of several candidates the first is the likeliest.
                Err(FeedError::OpenPgp { why, .. }) => first = first.or(Some(why)),
                Err(error) => return Err(error),
            }
        }
        Err(self.error(match (first, &keys.passphrase) {
            (Some(OpenPgpError::Damaged), Some(Material { place, .. })) if found.are_guesses => {
                let place = place.clone();
                OpenPgpError::PassphraseOfMessage { place }
            }
            (first, _) => first.unwrap_or(OpenPgpError::Damaged),
        }))
    }

    fn decrypt(&self, packets: &mut Packets<'_>, key: &PlainSessionKey) -> Result<Copy, Stop> {
        let steps = Steps::default();
        steps.head();
        let Message::Encrypted { mut edata, .. } =
            Message::from_bytes(Bounded::new(packets, &steps, u64::MAX))?
        else {
            return Err(Stop::Damaged);
        };
        steps.next();
        // Nobody looks at the copy before the end, where its integrity shows.
        let streaming = Seipdv1ReadMode::Streaming;
        let options = DecryptionOptions::new().enable_gnupg_aead();
        edata.decrypt_with_options(key, options.set_seipdv1_read_mode(streaming))?;
        let mut copy = Copy::new(self.path, self.opened.length)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            steps.next();
            match edata.read(&mut buffer)? {
                0 => return Ok(copy),
                read => copy.write(buffer.get(..read).unwrap_or_default())?,
            }
        }
    }

    /// Unpacks what is in the packets of a file into a copy.
    fn content(
        &self,
        opened: &Opened,
        form: Form,
        signers: Option<&Signers>,
    ) -> Result<(Opened, Signature), FeedError> {
        let mut content = Content {
            given: self,
            copy: Copy::new(self.path, 0)?,
            packed: opened.length,
            steps: Steps::default(),
            signers,
        };
        let read = self.read_all(opened, form, |packets| content.layer(packets, 0));
        let (signature, sha256) = match read {
            Err(FeedError::OpenPgp { .. }) if content.steps.is_too_long() => {
                return Err(content.too_long(content.max_layer()));
            }
            read => read?,
        };
        Ok((content.copy.finish(Some(sha256))?, signature))
    }
}

/// What is in a message, on its way into its copy.
struct Content<'a> {
    given: &'a Given<'a>,
    copy: Copy,
    /// The length of all packets.
    packed: u64,
    steps: Steps,
    signers: Option<&'a Signers>,
}

impl Content<'_> {
    /// The most bytes that a layer may unpack to.
    fn max_layer(&self) -> u64 {
        let honest = self.packed.saturating_mul(MAX_RATIO).max(SMALL);
        // Beside the content there are its headers and signatures.
        honest.min(self.given.bounds.max.saturating_add(2 << 20))
    }

    fn too_long(&self, unpacked: u64) -> FeedError {
        let Given { path, bounds, .. } = *self.given;
        if unpacked > bounds.max {
            return bounds.too_large(path, true);
        }
        FeedError::Bomb {
            path: path.clone(),
            packed: self.packed,
            unpacked,
        }
    }

    /// Unpacks a layer, and those in it.
    fn layer(&mut self, packets: &mut dyn DebugBufRead, depth: usize) -> Result<Signature, Stop> {
        if depth == MAX_LAYERS {
            return Err(OpenPgpError::Nested.into());
        }
        let steps = self.steps.clone();
        let max = if depth == 0 {
            u64::MAX
        } else {
            self.max_layer()
        };
        let mut bounded = Bounded::new(packets, &steps, max);
        steps.head();
        let signature = match Message::from_bytes(&mut bounded)? {
            message @ Message::Literal { .. } => {
                self.copy(message)?;
                Signature::None
            }
            Message::Compressed { reader, .. } => self.packed_layer(reader, depth)?,
            Message::Signed { reader, is_nested } => {
                let is_content = matches!(reader.get_ref(), Message::Literal { .. });
                if !is_content || reader.num_signatures() > MAX_SIGNATURES {
                    return Err(OpenPgpError::Nested.into());
                }
                let message = self.copy(Message::Signed { reader, is_nested })?;
                signed::verify(&message, self.signers)?
            }
            Message::Encrypted { .. } => return Err(OpenPgpError::Nested.into()),
        };
        steps.next();
        if bounded.has_more()? {
            return Err(Stop::behind());
        }
        Ok(signature)
    }

    fn packed_layer(
        &mut self,
        reader: CompressedDataReader<MessageReader<'_>>,
        depth: usize,
    ) -> Result<Signature, Stop> {
        self.steps.next();
        let mut reader = reader.decompress()?;
        let signature = self.layer(&mut reader, depth + 1)?;
        let (mut rest, mut behind) = (reader.into_inner(), 0);
        loop {
            self.steps.next();
            match rest.fill_buf()?.len() {
                0 => return Ok(signature),
                read => {
                    rest.consume(read);
                    behind += read as u64;
                    if behind > MAX_PADDING {
                        return Err(Stop::behind());
                    }
                }
            }
        }
    }

    /// Copies what is left of a message that is the content, or signs it.
    fn copy<'m>(&mut self, mut message: Message<'m>) -> Result<Message<'m>, Stop> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            self.steps.next();
            let read = message.read(&mut buffer)?;
            if read == 0 {
                return Ok(message);
            }
            let length = self.copy.length() + read as u64;
            let is_bomb = length > SMALL && length / MAX_RATIO > self.packed;
            if is_bomb || length > self.given.bounds.max {
                return Err(self.too_long(length).into());
            }
            self.copy.write(buffer.get(..read).unwrap_or_default())?;
        }
    }
}

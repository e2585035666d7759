//! The packets of a message: the bytes of a file, or those that its armour holds.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom};
use std::sync::{Arc, Mutex};

use memchr::memmem;
use pgp::armor::{Dearmor, DearmorOptions};
use sha2::{Digest as _, Sha256};

use super::Form;
use super::message::Stop;

/// The most bytes that the lines around the armour may have.
const MAX_LINES: usize = 64 << 10;

const BUFFER: usize = 1 << 16;

/// The packets of a file.
#[derive(Debug)]
pub(super) struct Packets<'f> {
    inner: Inner<'f>,
    failure: Failure,
}

#[derive(Debug)]
enum Inner<'f> {
    Binary(BufReader<Source<'f>>),
    Armoured(Box<BufReader<Dearmor<BufReader<Source<'f>>>>>),
}

/// What the system said when it could not read on: the library does not hand it out as it was.
type Failure = Arc<Mutex<Option<io::Error>>>;

impl<'f> Packets<'f> {
    /// Begins with the first packet of a file.
    pub(super) fn of(file: &'f File, form: Form) -> io::Result<Self> {
        let failure = Failure::default();
        let mut source = Source {
            file,
            digest: Sha256::new(),
            failure: failure.clone(),
        };
        source.file.seek(SeekFrom::Start(0))?;
        let inner = match form {
            Form::Binary => Inner::Binary(BufReader::with_capacity(BUFFER, source)),
            Form::Armoured { at } => {
                let mut before = (&mut source).take(at as u64);
                io::copy(&mut before, &mut io::sink())?;
                let text = BufReader::with_capacity(BUFFER, source);
                let options = DearmorOptions::new().set_limit(MAX_LINES);
                let dearmor = Dearmor::with_options(text, options);
                Inner::Armoured(Box::new(BufReader::with_capacity(BUFFER, dearmor)))
            }
        };
        Ok(Self { inner, failure })
    }

    /// Why reading failed: the system could not read on, or what was read makes no sense.
    pub(super) fn failure(&self) -> Option<io::Error> {
        let mut failure = self.failure.lock().ok()?;
        failure.take()
    }

    /// Makes sure that nothing follows what was read, and says the digest of the whole file.
    pub(super) fn finish(mut self) -> Result<[u8; 32], Stop> {
        if !self.fill_buf()?.is_empty() {
            return Err(Stop::behind());
        }
        let source = match self.inner {
            Inner::Binary(source) => source.into_inner(),
            Inner::Armoured(dearmor) => {
                let (.., mut text) = dearmor.into_inner().into_parts();
                refuse_armour(&mut text)?;
                text.into_inner().into_inner()
            }
        };
        Ok(source.digest.finalize().into())
    }
}

/// Reads to the end, where any text may be but that of another message.
fn refuse_armour(text: &mut impl Read) -> Result<(), Stop> {
    const BEGIN: &[u8] = b"-----BEGIN PGP ";
    let (mut seen, mut buffer) = (Vec::new(), vec![0; BUFFER]);
    loop {
        let read = text.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        seen.extend_from_slice(buffer.get(..read).unwrap_or_default());
        if memmem::find(&seen, BEGIN).is_some() {
            return Err(Stop::behind());
        }
        seen.drain(..seen.len().saturating_sub(BEGIN.len()));
    }
}

impl BufRead for Packets<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match &mut self.inner {
            Inner::Binary(source) => source.fill_buf(),
            Inner::Armoured(source) => source.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        match &mut self.inner {
            Inner::Binary(source) => source.consume(amount),
            Inner::Armoured(source) => source.consume(amount),
        }
    }
}

impl Read for Packets<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.inner {
            Inner::Binary(source) => source.read(buffer),
            Inner::Armoured(source) => source.read(buffer),
        }
    }
}

/// A file whose digest is taken while it is read.
#[derive(Debug)]
struct Source<'f> {
    file: &'f File,
    digest: Sha256,
    failure: Failure,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = loop {
            match self.file.read(buffer) {
                // The library would not ask again.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let said = io::Error::from(error.kind());
                    if let Ok(mut failure) = self.failure.lock() {
                        *failure = Some(error);
                    }
                    return Err(said);
                }
                Ok(read) => break read,
            }
        };
        self.digest.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

//! Private copies of stdin and of compressed and encrypted feeds, so that they can be read
//! twice.
//!
//! The copy has no name (or, on Windows, vanishes when it is closed) and is
//! readable by the user alone: it holds people's data.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::Xxh3;

use super::compound::Compound;
use super::encoding::Charset;
use super::zip::Part;
use super::{FeedError, START, kind};
use crate::files;

/// No honest text packs this well. Below [`SMALL`] it does no harm.
pub(super) const MAX_RATIO: u64 = 1000;
pub(super) const SMALL: u64 = 1 << 30;
/// How many bytes of a copy are written before it is asked again how much room is
/// left.
const STEP: u64 = 16 << 20;

/// What a feed may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The encoding that the mapping names.
    pub(super) named: Option<Charset>,
    /// The most bytes, unpacked.
    pub(super) max: u64,
}

impl Bounds {
    pub(super) fn too_large(self, path: &Arc<Path>, is_unpacked: bool) -> FeedError {
        FeedError::TooLarge {
            path: path.clone(),
            max: self.max,
            is_unpacked,
        }
    }
}

/// A file that can be read twice: the feed itself, or a private copy.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) length: u64,
    /// Of what was unpacked: the digest of the bytes as they were given. That of others is
    /// the file's own, and made while it is read.
    pub(super) sha256: Option<[u8; 32]>,
    /// Whether what was given was packed.
    pub(super) gzip: bool,
}

/// A private copy that is being written.
#[derive(Debug)]
pub(super) struct Copy {
    path: Arc<Path>,
    file: File,
    length: u64,
    /// Up to this length there was room when it was last asked.
    asked_up_to: u64,
}

impl Copy {
    /// Begins a copy that will have about `expected` bytes; 0 if that is not known.
    pub(super) fn new(path: &Arc<Path>, expected: u64) -> Result<Self, FeedError> {
        if expected > STEP {
            ask_for_room(path, expected)?;
        }
        Ok(Self {
            path: path.clone(),
            file: tempfile::tempfile().map_err(|source| cannot_write(path, source))?,
            length: 0,
            asked_up_to: STEP,
        })
    }

    /// What is written so far, in bytes.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// What is written so far.
    pub(super) const fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), FeedError> {
        self.length += bytes.len() as u64;
        if self.length > self.asked_up_to {
            ask_for_room(&self.path, STEP)?;
            self.asked_up_to = self.length + STEP;
        }
        self.file
            .write_all(bytes)
            .map_err(|source| cannot_write(&self.path, source))
    }

    /// The copy, to be read from its start. `sha256` is the digest of what it was made of,
    /// if that is something else.
    pub(super) fn finish(mut self, sha256: Option<[u8; 32]>) -> Result<Opened, FeedError> {
        self.file
            .seek(SeekFrom::Start(0))
            .map_err(|source| cannot_write(&self.path, source))?;
        Ok(Opened {
            file: self.file,
            length: self.length,
            sha256,
            gzip: false,
        })
    }
}

fn ask_for_room(path: &Arc<Path>, bytes: u64) -> Result<(), FeedError> {
    files::room_for(bytes).map_err(|none| FeedError::NoRoom {
        path: path.clone(),
        folder: none.folder.into(),
        available: none.available,
    })
}

/// Whether these first bytes are gzip's.
pub(super) fn is_gzip(start: &[u8]) -> bool {
    start.starts_with(&[0x1f, 0x8b])
}

/// Copies `input` to its end, unpacked if it is gzip. What cannot be a table by its
/// first bytes, and what is too large, is refused there.
pub(super) fn spool(
    path: &Arc<Path>,
    input: impl Read,
    bounds: Bounds,
) -> Result<Opened, FeedError> {
    spool_with(path, input, bounds, SMALL)
}

fn spool_with(
    path: &Arc<Path>,
    mut input: impl Read,
    bounds: Bounds,
    small: u64,
) -> Result<Opened, FeedError> {
    let mut start = Vec::new();
    (&mut input)
        .take(2)
        .read_to_end(&mut start)
        .map_err(FeedError::read(path, 0))?;
    let gzip = is_gzip(&start);
    let counted = Counted::new(io::Cursor::new(start).chain(input), gzip);
    let mut spooled = Spooled {
        copy: Copy::new(path, 0)?,
        start: Vec::new(),
        bounds,
        gzip,
    };
    let mut buffer = vec![0; 1 << 17];
    let counted = if gzip {
        let mut source = MultiGzDecoder::new(BufReader::with_capacity(1 << 16, counted));
        loop {
            let piece = match next_piece(&mut source, &mut buffer) {
                Ok([]) => break,
                Ok(piece) => piece,
                Err(error) => {
                    let counted = source.get_ref().get_ref();
                    return Err(if counted.failed {
                        FeedError::read(path, counted.read)(error)
                    } else {
                        FeedError::Gzip {
                            path: path.clone(),
                            source: error,
                        }
                    });
                }
            };
            spooled.write(piece)?;
            let (packed, unpacked) = (source.get_ref().get_ref().read, spooled.copy.length);
            if unpacked > small && unpacked / MAX_RATIO > packed {
                return Err(FeedError::Bomb {
                    path: path.clone(),
                    packed,
                    unpacked,
                });
            }
        }
        source.into_inner().into_inner()
    } else {
        let mut source = counted;
        loop {
            let failed = FeedError::read(path, source.read);
            match next_piece(&mut source, &mut buffer).map_err(failed)? {
                [] => break,
                piece => spooled.write(piece)?,
            }
        }
        source
    };
    let sha256 = counted.digest.map(|digest| digest.finalize().into());
    Ok(Opened {
        gzip,
        ..spooled.copy.finish(sha256)?
    })
}

/// What was a message, unpacked if it is gzip.
pub(super) fn unzipped(
    path: &Arc<Path>,
    opened: Opened,
    bounds: Bounds,
) -> Result<Opened, FeedError> {
    let mut start = Vec::new();
    let mut file = &opened.file;
    let read = file.take(2).read_to_end(&mut start);
    read.and_then(|_| file.seek(SeekFrom::Start(0)))
        .map_err(FeedError::read(path, 0))?;
    if !is_gzip(&start) {
        return Ok(opened);
    }
    Ok(Opened {
        sha256: opened.sha256,
        ..spool(path, file, bounds)?
    })
}

/// Copies the only file of an archive, unpacked; also what is inside if that is gzip.
pub(super) fn member(
    path: &Arc<Path>,
    archive: &Opened,
    part: &Part,
    bounds: Bounds,
) -> Result<Opened, FeedError> {
    let sha256 = match archive.sha256 {
        Some(sha256) => sha256,
        None => sha256_of_file(&archive.file).map_err(FeedError::read(path, 0))?,
    };
    let damaged = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
            FeedError::not_a_table(path, "a damaged ZIP archive")
        }
        _ => FeedError::read(path, 0)(error),
    };
    let unpacked = part
        .unpack(&archive.file, Arc::default())
        .map_err(damaged)?;
    let copied = spool(path, unpacked, bounds).map_err(|error| match error {
        FeedError::Read { source, .. } => damaged(source),
        error => error,
    })?;
    Ok(Opened {
        sha256: Some(sha256),
        gzip: true,
        ..copied
    })
}

/// Copies a stream of a compound file.
pub(super) fn stream(
    path: &Arc<Path>,
    compound: &Opened,
    name: &str,
    bounds: Bounds,
) -> Result<Opened, FeedError> {
    let sha256 = match compound.sha256 {
        Some(sha256) => sha256,
        None => sha256_of_file(&compound.file).map_err(FeedError::read(path, 0))?,
    };
    let damaged = |error| Compound::damaged(path, error);
    let mut opened = Compound::open(compound).map_err(damaged)?;
    let copied = spool(path, opened.stream(name).map_err(damaged)?, bounds);
    let copied = copied.map_err(|error| match error {
        FeedError::Read { source, .. } => damaged(source),
        error => error,
    })?;
    Ok(Opened {
        sha256: Some(sha256),
        gzip: compound.gzip,
        ..copied
    })
}

/// A feed on its way into its copy.
struct Spooled {
    copy: Copy,
    /// What it begins with, until that was judged.
    start: Vec<u8>,
    bounds: Bounds,
    gzip: bool,
}

impl Spooled {
    fn write(&mut self, piece: &[u8]) -> Result<(), FeedError> {
        let path = &self.copy.path;
        if self.copy.length + piece.len() as u64 > self.bounds.max {
            return Err(self.bounds.too_large(path, self.gzip));
        }
        if self.copy.length < START {
            self.start.extend_from_slice(piece);
            if self.start.len() as u64 >= START {
                let start = std::mem::take(&mut self.start);
                kind::refuse_by_start(path, &start, self.bounds.named)?;
            }
        }
        self.copy.write(piece)
    }
}

fn cannot_write(path: &Arc<Path>, source: io::Error) -> FeedError {
    FeedError::Spool {
        path: path.clone(),
        folder: tempfile::env::temp_dir().into(),
        source,
    }
}

/// Counts what is read through it, and digests it if that is wanted.
struct Counted<R> {
    inner: R,
    digest: Option<Sha256>,
    read: u64,
    /// An error came from `inner`, not from what unpacks it.
    failed: bool,
}

impl<R> Counted<R> {
    fn new(inner: R, wants_digest: bool) -> Self {
        Self {
            inner,
            digest: wants_digest.then(Sha256::new),
            read: 0,
            failed: false,
        }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer).inspect_err(|error| {
            self.failed = error.kind() != io::ErrorKind::Interrupted;
        })?;
        if let Some(digest) = &mut self.digest {
            digest.update(buffer.get(..read).unwrap_or_default());
        }
        self.read += read as u64;
        Ok(read)
    }
}

/// The digest of a whole file; its position is at the end afterwards.
fn sha256_of_file(file: &File) -> io::Result<[u8; 32]> {
    let mut digest = Sha256::new();
    each_piece(file, |piece| digest.update(piece))?;
    Ok(digest.finalize().into())
}

/// The hash of a whole file, which shows whether it is still the same, and its digest if that
/// is wanted; its position is at the end afterwards.
pub(super) fn hashes_of_file(
    file: &File,
    wants_digest: bool,
) -> io::Result<(u64, Option<[u8; 32]>)> {
    let mut hash = Xxh3::new();
    let mut digest = wants_digest.then(Sha256::new);
    each_piece(file, |piece| {
        hash.update(piece);
        if let Some(digest) = &mut digest {
            digest.update(piece);
        }
    })?;
    let digest = digest.map(|digest| digest.finalize().into());
    Ok((hash.digest(), digest))
}

/// Reads a whole file.
fn each_piece(mut file: &File, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let mut buffer = vec![0; 1 << 17];
    loop {
        match next_piece(&mut file, &mut buffer)? {
            [] => return Ok(()),
            piece => take(piece),
        }
    }
}

/// Reads on into `buffer`; nothing comes at the end alone.
pub(super) fn next_piece<'b>(source: &mut impl Read, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read.map(|read| buffer.get(..read).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn path() -> Arc<Path> {
        Arc::from(Path::new("people.csv.gz"))
    }

    const BOUNDS: Bounds = Bounds {
        named: None,
        max: 1 << 40,
    };

    fn content(mut spooled: Opened) -> String {
        let mut text = String::new();
        spooled.file.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn members_of_a_gzip_file_are_read_one_after_the_other() {
        let packed = [gzip(b"id\n"), gzip(b"7\n")].concat();
        let spooled = spool(&path(), &packed[..], BOUNDS).unwrap();
        assert!(spooled.gzip);
        assert_eq!(spooled.length, 5);
        assert_eq!(spooled.sha256, Some(Sha256::digest(&packed).into()));
        assert_eq!(content(spooled), "id\n7\n");
    }

    #[test]
    fn what_is_not_packed_is_copied_as_it_is() {
        for text in ["", "i", "id\n7\n"] {
            let spooled = spool(&path(), text.as_bytes(), BOUNDS).unwrap();
            assert_eq!(spooled.length, text.len() as u64);
            let digest = Some(Sha256::digest(text).into());
            assert_eq!(hashes_of_file(&spooled.file, true).unwrap().1, digest);
            (&spooled.file).seek(SeekFrom::Start(0)).unwrap();
            assert_eq!(spooled.sha256, None);
            assert_eq!(content(spooled), text);
        }
    }

    #[test]
    fn a_gzip_file_that_ends_early_is_damaged() {
        let packed = gzip(b"id\n7\n");
        let error = spool(&path(), &packed[..packed.len() - 5], BOUNDS).unwrap_err();
        assert!(matches!(error, FeedError::Gzip { .. }), "{error:?}");
    }

    #[test]
    fn a_bomb_is_not_unpacked_to_its_end() {
        let packed = gzip(&vec![b'a'; 40 << 20]);
        let error = spool_with(&path(), &packed[..], BOUNDS, 1 << 20).unwrap_err();
        assert!(
            matches!(error, FeedError::Bomb { unpacked, .. } if unpacked < 40 << 20),
            "{error:?}"
        );
    }

    #[test]
    fn what_is_not_a_table_is_refused_at_its_first_bytes() {
        let endless = || io::repeat(0);
        let error = spool(&path(), endless(), BOUNDS).unwrap_err();
        assert!(matches!(error, FeedError::NotATable { .. }), "{error:?}");
        let packed = gzip(&vec![0; 8 << 20]);
        let error = spool(&path(), &packed[..], BOUNDS).unwrap_err();
        assert!(matches!(error, FeedError::NotATable { .. }), "{error:?}");
    }

    #[test]
    fn a_feed_has_no_byte_more_than_it_may() {
        let max = |max| Bounds { max, ..BOUNDS };
        let packed = gzip(b"id\n7\n");
        for (given, is_unpacked) in [(&b"id\n7\n"[..], false), (&packed[..], true)] {
            assert_eq!(spool(&path(), given, max(5)).unwrap().length, 5);
            let error = spool(&path(), given, max(4)).unwrap_err();
            let FeedError::TooLarge {
                is_unpacked: it, ..
            } = error
            else {
                panic!("{error:?}");
            };
            assert_eq!(it, is_unpacked);
        }
    }
}

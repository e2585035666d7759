//! Files that are read whole, each within a bound and none of them a device;
//! and files that are read twice, which must be the same both times.
//!
//! A feed is not read here: it is streamed.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use xxhash_rust::xxh3::xxh3_128;

/// Whether reading it could go on for ever, or could act on the machine.
#[must_use]
pub fn is_device(file: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        let kind = file.file_type();
        kind.is_char_device() || kind.is_block_device()
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

/// How long the writer of a pipe is waited for.
const PIPE_PATIENCE: Duration = Duration::from_secs(10);

/// Opens a file of which the system knows that. A pipe may be one, such as a shell's
/// `<(…)`; but to open one that nobody writes to would never end.
///
/// # Errors
/// It cannot be opened, or nobody writes to the pipe.
pub fn open(path: &Path, about: &Metadata) -> io::Result<File> {
    if !is_pipe(about) {
        return File::open(path);
    }
    let (sender, opened) = mpsc::channel();
    let path = path.to_path_buf();
    // Where nobody comes, the thread waits until the program ends.
    thread::Builder::new().spawn(move || sender.send(File::open(path)))?;
    let opened = opened.recv_timeout(PIPE_PATIENCE);
    opened.unwrap_or_else(|_| {
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "it is a pipe to which nobody writes",
        ))
    })
}

fn is_pipe(file: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        file.file_type().is_fifo()
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

/// Reads a file of at most `max` bytes whole, and says what the system knows of
/// it. A pipe will do: it is read once.
///
/// # Errors
/// It cannot be read, is a device, or is larger.
pub fn read(path: &Path, max: u64) -> io::Result<(Vec<u8>, Metadata)> {
    // Asked before opening, since opening a device can act on it.
    let about = std::fs::metadata(path)?;
    refuse_device(&about)?;
    let file = open(path, &about)?;
    let about = file.metadata()?;
    refuse_device(&about)?;
    Ok((read_at_most(&file, max)?, about))
}

/// Reads a text file, as [`read`] does.
///
/// # Errors
/// As [`read`], or [`io::ErrorKind::InvalidData`] where it is not UTF-8.
pub fn read_text(path: &Path, max: u64) -> io::Result<(String, Metadata)> {
    let (bytes, about) = read(path, max)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))?;
    Ok((text, about))
}

fn refuse_device(about: &Metadata) -> io::Result<()> {
    if is_device(about) {
        return Err(io::Error::other("it is a device, not a file"));
    }
    Ok(())
}

fn read_at_most(file: impl Read, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than {}", size(max)),
        ));
    }
    Ok(bytes)
}

/// A size as a person writes it: `4.0 GiB`, `500.0 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    let display = bytesize::ByteSize(bytes).display();
    if bytes.is_multiple_of(1024) {
        display.iec().to_string()
    } else {
        display.si().to_string()
    }
}

/// The bytes that are free on the disk of a folder.
///
/// # Errors
/// The system does not say.
pub fn free(folder: &Path) -> io::Result<u64> {
    Ok(fs4::statvfs(folder)?.available_space())
}

/// What the disk is on which a path is, where files do not stay or locks do not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OddDisk {
    /// Another machine's, by this protocol.
    Network(&'static str),
    /// Memory, or the layer of a container: gone with it.
    Passing(&'static str),
}

/// What is odd about the disk on which a path is, as far as the system says.
#[cfg(target_os = "linux")]
#[must_use]
pub fn odd_disk(path: &Path) -> Option<OddDisk> {
    // As in `linux/magic.h`.
    let kind = i128::from(rustix::fs::statfs(path).ok()?.f_type) & 0xffff_ffff;
    Some(match kind {
        0x6969 => OddDisk::Network("NFS"),
        0xff53_4d42 | 0xfe53_4d42 | 0x517b => OddDisk::Network("SMB"),
        0x6573_5546 => OddDisk::Network("FUSE"),
        0x0102_1997 => OddDisk::Network("9p"),
        0x00c3_6400 => OddDisk::Network("Ceph"),
        0x5346_414f | 0x6b41_4653 => OddDisk::Network("AFS"),
        0x0102_1994 | 0x8584_58f6 => OddDisk::Passing("memory"),
        0x794c_7630 => OddDisk::Passing("a container's own layer"),
        _ => return None,
    })
}

/// What is odd about the disk on which a path is: not known here.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn odd_disk(_: &Path) -> Option<OddDisk> {
    None
}

/// Whether this process may write there, as far as the system says without a try.
#[cfg(unix)]
#[must_use]
pub fn may_write(path: &Path) -> bool {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    use rustix::io::Errno;
    let access = accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS);
    // What an old kernel cannot say is not a refusal.
    !matches!(access, Err(Errno::ACCESS | Errno::ROFS))
}

/// Whether this process may write there, as far as the system says without a try.
#[cfg(not(unix))]
#[must_use]
pub fn may_write(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|about| about.is_dir() || !about.permissions().readonly())
}

/// The most that is left free for others, in bytes; of a small disk less.
const MAX_LEFT_FREE: u64 = 256 << 20;

/// The disk of temporary files has no room for what is to be written there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoRoom {
    /// The folder for temporary files.
    pub folder: PathBuf,
    /// The bytes that are free there.
    pub available: u64,
}

/// Makes sure that `bytes` more do not fill the disk of temporary files.
///
/// # Errors
/// They would.
pub fn room_for(bytes: u64) -> Result<(), NoRoom> {
    let folder = tempfile::env::temp_dir();
    // Where the system does not say, writing shows it.
    let Ok(disk) = fs4::statvfs(&folder) else {
        return Ok(());
    };
    let left_free = MAX_LEFT_FREE.min(disk.total_space() / 20);
    let available = disk.available_space();
    if available < bytes.saturating_add(left_free) {
        return Err(NoRoom { folder, available });
    }
    Ok(())
}

/// A folder, open: what is read in it stays in it, whatever links somebody puts
/// there, and whatever becomes of its name.
#[derive(Clone, Debug)]
pub struct Folder(Arc<Dir>);

impl Folder {
    /// Opens a folder.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let folder = Dir::open_ambient_dir(path, ambient_authority())?;
        Ok(Self(Arc::new(folder)))
    }

    /// Reads a file in the folder or below it: a regular one of at most `max`
    /// bytes. Does not wait for the writer of a pipe.
    ///
    /// # Errors
    /// Why not.
    pub fn read(&self, name: &Path, max: u64) -> Result<Vec<u8>, FileError> {
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        {
            use cap_std::fs::OpenOptionsExt as _;
            let flags = rustix::fs::OFlags::NONBLOCK.bits();
            options.custom_flags(flags.cast_signed());
        }
        let file = match self.0.open_with(name, &options) {
            Ok(file) => file.into_std(),
            // A socket cannot be opened, nor, on Windows, a folder.
            Err(_) if self.is_other_than_a_file(name) => return Err(FileError::NotAFile),
            Err(error) => return Err(error.into()),
        };
        let about = file.metadata()?;
        if !about.is_file() {
            return Err(FileError::NotAFile);
        }
        if about.len() > max {
            return Err(FileError::TooLarge);
        }
        Ok(read_at_most(file, max)?)
    }

    fn is_other_than_a_file(&self, name: &Path) -> bool {
        self.0.metadata(name).is_ok_and(|about| !about.is_file())
    }
}

/// Why a file in a folder was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileError {
    /// There is none.
    NotFound,
    /// The name leads out of the folder.
    Outside,
    /// It is a folder, a pipe or a device.
    NotAFile,
    /// It has more bytes than wanted.
    TooLarge,
    /// The system does not let it be read.
    Unreadable,
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotFound,
            io::ErrorKind::FileTooLarge => Self::TooLarge,
            // Not from the system: from the guard of the folder.
            io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => Self::Outside,
            _ => Self::Unreadable,
        }
    }
}

/// The digest by which a file is known again. Nobody who swaps a file chooses
/// the content of the one that must not be read, so it need not be a secret's.
#[must_use]
pub fn digest(bytes: &[u8]) -> u128 {
    xxh3_128(bytes)
}

/// A file as it was seen: what is read later is that, or nothing.
#[derive(Clone, Debug)]
pub struct SeenFile {
    folder: Folder,
    name: PathBuf,
    digest: u128,
    max: u64,
}

impl PartialEq for SeenFile {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.digest == other.digest
    }
}

impl Eq for SeenFile {}

impl SeenFile {
    /// The file of that name in `folder`, whose content had this [`digest`] and at
    /// most `max` bytes.
    #[must_use]
    pub fn new(folder: &Folder, name: &Path, digest: u128, max: u64) -> Self {
        Self {
            folder: folder.clone(),
            name: name.into(),
            digest,
            max,
        }
    }

    /// The digest of its content.
    #[must_use]
    pub const fn digest(&self) -> u128 {
        self.digest
    }

    /// Reads the file that was seen. `None` if it is not that file any more,
    /// whatever is there now. It may take as long as the disk takes.
    #[must_use]
    pub fn read(&self) -> Option<Vec<u8>> {
        let bytes = self.folder.read(&self.name, self.max).ok()?;
        (digest(&bytes) == self.digest).then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_bound_and_no_byte_further() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("some");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap().0, b"12345");
        let error = read(&path, 4).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than 4 B");
        std::fs::write(&path, b"\xff").unwrap();
        let error = read_text(&path, 5).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_not_read_by_whatever_name() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("kmi.toml");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        let error = read(&link, 1 << 40).unwrap_err();
        assert_eq!(error.to_string(), "it is a device, not a file");
    }

    #[test]
    fn a_file_that_was_seen_is_that_file_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let name = Path::new("1.png");
        let write = |text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let open = Folder::open(folder.path()).unwrap();
        write("one");
        let seen = SeenFile::new(&open, name, digest(b"one"), 3);
        assert_eq!(seen.read().as_deref(), Some(&b"one"[..]));
        for other in ["two", "", "one and more"] {
            write(other);
            assert_eq!(seen.read(), None, "{other}");
        }
        std::fs::remove_file(folder.path().join(name)).unwrap();
        assert_eq!(seen.read(), None);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_read_out_of_a_folder_nor_waited_for() {
        use std::os::unix::fs::symlink;
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("in");
        std::fs::create_dir_all(inner.join("photos")).unwrap();
        std::fs::write(outer.path().join("key"), "private").unwrap();
        std::fs::write(inner.join("photos/1"), "own").unwrap();
        symlink("../key", inner.join("up")).unwrap();
        symlink(outer.path().join("key"), inner.join("far")).unwrap();
        symlink("..", inner.join("folder")).unwrap();
        symlink("photos/1", inner.join("near")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            inner.join("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        let folder = Folder::open(&inner).unwrap();
        let read = |name: &str| folder.read(Path::new(name), 100);
        assert_eq!(read("near").as_deref(), Ok(&b"own"[..]));
        for out in ["up", "far", "folder/key", "../key"] {
            assert_eq!(read(out), Err(FileError::Outside), "{out}");
        }
        assert_eq!(read("pipe"), Err(FileError::NotAFile));
        assert_eq!(read("photos"), Err(FileError::NotAFile));
        assert_eq!(read("photos/2"), Err(FileError::NotFound));
        assert_eq!(read("near/x"), Err(FileError::NotFound));
        assert_eq!(folder.read(Path::new("near"), 2), Err(FileError::TooLarge));
    }
}

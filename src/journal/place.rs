//! The file that the journal's path leads to: that it has this one name, and that it
//! is still there.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::JournalError;
#[cfg(target_os = "linux")]
use crate::files;

/// Which file it is, whatever its names are.
///
/// Windows lets nobody delete, rename or replace a file that SQLite has open: there
/// all files count as the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    #[cfg(unix)]
    device: u64,
    #[cfg(unix)]
    inode: u64,
}

impl FileId {
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    #[cfg(not(unix))]
    pub(super) const fn of(_: &Metadata) -> Self {
        Self {}
    }
}

/// A path, and the file that it led to.
#[derive(Clone, Debug)]
pub(super) struct Place {
    path: PathBuf,
    file: FileId,
}

impl Place {
    /// The place of a file that is there.
    pub(super) fn at(path: &Path) -> Result<Self, JournalError> {
        Ok(Self {
            path: path.into(),
            file: FileId::of(&metadata(path)?),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    #[cfg(unix)]
    pub(super) const fn file(&self) -> FileId {
        self.file
    }

    /// Fails if the path leads to no file any more, or to another one.
    pub(super) fn check(&self) -> Result<(), JournalError> {
        if FileId::of(&metadata(&self.path)?) == self.file {
            return Ok(());
        }
        Err(self.is_replaced())
    }

    /// The failure where the path leads to another file.
    pub(super) fn is_replaced(&self) -> JournalError {
        JournalError::Displaced {
            path: self.path.clone(),
            is_replaced: true,
            kept: None,
        }
    }
}

/// Examines a file that was there.
fn metadata(path: &Path) -> Result<Metadata, JournalError> {
    // By its path: to open the file and close it again would take SQLite's locks away.
    fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => JournalError::Displaced {
            path: path.into(),
            is_replaced: false,
            kept: None,
        },
        _ => JournalError::File(path.into(), Arc::new(error)),
    })
}

/// Refuses a journal that can be reached in a way in which it has other companions:
/// SQLite puts the log of the latest changes beside the name by which the file was
/// opened, so that two names damage the journal.
pub(super) fn refuse_unsafe_names(path: &Path) -> Result<(), JournalError> {
    let failed = |error| JournalError::File(path.into(), Arc::new(error));
    let names = names(path).map_err(failed)?;
    if names > 1 {
        return Err(JournalError::ManyNames(path.into(), names));
    }
    if is_mounted_alone(path) {
        return Err(JournalError::MountedAlone(path.into()));
    }
    Ok(())
}

/// How many names the file has.
#[cfg(unix)]
fn names(path: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(fs::metadata(path)?.nlink())
}

/// How many names the file has.
#[cfg(windows)]
fn names(path: &Path) -> io::Result<u64> {
    let file = fs::File::open(path)?;
    Ok(winapi_util::file::information(&file)?.number_of_links())
}

/// How many names the file has: not known here.
#[cfg(not(any(unix, windows)))]
fn names(_: &Path) -> io::Result<u64> {
    Ok(1)
}

/// A list of mounts is not longer.
#[cfg(target_os = "linux")]
const MAX_MOUNTS: u64 = 16 << 20;

/// Whether the file was mounted without its folder, as a container's file can be.
#[cfg(target_os = "linux")]
fn is_mounted_alone(path: &Path) -> bool {
    let mounts = files::read(Path::new("/proc/self/mountinfo"), MAX_MOUNTS);
    let mounts = mounts.map(|(bytes, _)| bytes).unwrap_or_default();
    fs::canonicalize(path).is_ok_and(|path| is_mount_point(&mounts, &path))
}

/// Whether the file was mounted without its folder: other systems mount folders only.
#[cfg(not(target_os = "linux"))]
const fn is_mounted_alone(_: &Path) -> bool {
    false
}

/// Whether `mounts`, in the form of `/proc/self/mountinfo`, has this mount point.
#[cfg(target_os = "linux")]
fn is_mount_point(mounts: &[u8], path: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    let path = path.as_os_str().as_bytes();
    mounts.split(|byte| *byte == b'\n').any(|line| {
        // Number, parent, device, root, mount point.
        let point = line.split(|byte| *byte == b' ').nth(4);
        point.is_some_and(|point| unescaped(point) == path)
    })
}

/// White space and backslashes are octal there: `\040`.
#[cfg(target_os = "linux")]
fn unescaped(mut text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    while let Some((first, rest)) = text.split_first() {
        let octal = |digits: &[u8]| {
            let digits = str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 8).ok()
        };
        let escaped = (*first == b'\\')
            .then(|| rest.split_at_checked(3))
            .flatten()
            .and_then(|(digits, rest)| Some((octal(digits)?, rest)));
        let (byte, rest) = escaped.unwrap_or((*first, rest));
        plain.push(byte);
        text = rest;
    }
    plain
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
31 27 254:0 /srv/state /state rw - ext4 /dev/vda rw
32 27 254:0 /srv/one.db /data/journal.db rw - ext4 /dev/vda rw
33 27 254:0 /srv/two.db /data/HR\\040feed\\134\\011\\303\\251/journal.db rw - ext4 /dev/vda rw
";

    #[test]
    fn a_file_that_was_mounted_without_its_folder_is_recognised() {
        let is_alone = |path| is_mount_point(MOUNTS.as_bytes(), Path::new(path));
        assert!(is_alone("/data/journal.db"));
        assert!(is_alone("/data/HR feed\\\té/journal.db"));
        for other in [
            "/state/journal.db",
            "/srv/one.db",
            "/data/journal.db-wal",
            "journal.db",
            "",
        ] {
            assert!(!is_alone(other), "{other}");
        }
        assert!(!is_mount_point(b"", Path::new("")));
        assert!(!is_mount_point(b"\\ \\ \\ \\ \\0", Path::new("/j.db")));
    }

    #[test]
    fn what_the_system_itself_mounts_is_found() {
        assert!(is_mounted_alone(Path::new("/proc")));
        assert!(!is_mounted_alone(Path::new("/proc/self/status")));
    }
}

//! Files that a row names, such as a person's picture: they stand in the feed's
//! folder or below it, and nowhere else.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use crate::model::Picture;
use xxhash_rust::xxh3::Xxh3;

/// The largest picture that is sent, in bytes. No API page states a bound; a
/// portrait is a hundredth of it.
const MAX_BYTES: u64 = 10 << 20;

/// The folder of a feed.
#[derive(Clone, Debug)]
pub struct Attachments {
    folder: PathBuf,
}

impl Attachments {
    /// The folder that `feed` stands in.
    #[must_use]
    pub fn of(feed: &Path) -> Self {
        let folder = match feed.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        Self {
            folder: folder.into(),
        }
    }

    /// Where the file of that name stands, if that is in the folder: a feed
    /// must not be able to send the machine's other files to an LMS.
    ///
    /// # Errors
    /// Why there is none, as a fragment of a sentence.
    pub fn path(&self, name: &str) -> Result<PathBuf, &'static str> {
        // Exports from Windows name folders with a backslash.
        let relative = PathBuf::from(name.replace('\\', "/"));
        let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if !relative.components().all(inside) {
            return Err("it must stand in the feed's folder or below it");
        }
        let file = self.folder.join(relative);
        let (Ok(folder), Ok(real)) = (self.folder.canonicalize(), file.canonicalize()) else {
            return Err("there is no such file beside the feed");
        };
        if real.starts_with(folder) {
            Ok(real)
        } else {
            Err("it must stand in the feed's folder or below it")
        }
    }

    /// The digest of a picture.
    ///
    /// # Errors
    /// Why it is none, as a fragment of a sentence.
    pub fn picture(&self, name: &str) -> Result<u128, &'static str> {
        digest(&self.path(name)?).unwrap_or(Err("it cannot be read"))
    }
}

fn digest(path: &Path) -> io::Result<Result<u128, &'static str>> {
    // Asked of the path: Windows opens no folder.
    let about = path.metadata()?;
    if !about.is_file() {
        return Ok(Err("it is no file"));
    }
    if about.len() > MAX_BYTES {
        return Ok(Err("it is larger than 10 MiB"));
    }
    let mut file = File::open(path)?;
    let mut hasher = Xxh3::new();
    let (mut block, mut first) = (vec![0; 64 << 10], true);
    loop {
        let read = file.read(&mut block)?;
        let bytes = block.get(..read).unwrap_or_default();
        if first && Picture::media_type(bytes).is_none() {
            return Ok(Err("it is no JPEG, PNG or GIF picture"));
        }
        if read == 0 {
            return Ok(Ok(hasher.digest128()));
        }
        first = false;
        hasher.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_names_pictures_in_its_own_folder_only() {
        let folder = tempfile::tempdir().unwrap();
        let feed = folder.path().join("in/people.csv");
        std::fs::create_dir_all(folder.path().join("in/photos")).unwrap();
        std::fs::write(folder.path().join("secret.png"), b"\x89PNG\r\n\x1a\n").unwrap();
        std::fs::write(folder.path().join("in/photos/1.jpg"), b"\xff\xd8\xff1").unwrap();
        std::fs::write(folder.path().join("in/notes.jpg"), b"no picture").unwrap();
        let beside = Attachments::of(&feed);
        assert!(beside.picture("photos/1.jpg").is_ok());
        assert!(beside.picture("photos\\1.jpg").is_ok());
        let outside = Err("it must stand in the feed's folder or below it");
        assert_eq!(beside.picture("../secret.png"), outside);
        let absolute = folder.path().join("secret.png");
        assert_eq!(beside.picture(absolute.to_str().unwrap()), outside);
        assert_eq!(
            beside.picture("photos/2.jpg"),
            Err("there is no such file beside the feed")
        );
        assert_eq!(
            beside.picture("notes.jpg"),
            Err("it is no JPEG, PNG or GIF picture")
        );
        assert_eq!(beside.picture("photos"), Err("it is no file"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_does_not_lead_out_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        std::fs::write(folder.path().join("secret.png"), b"\x89PNG\r\n\x1a\n").unwrap();
        std::os::unix::fs::symlink("../secret.png", folder.path().join("in/me.png")).unwrap();
        assert!(
            Attachments::of(&folder.path().join("in/people.csv"))
                .path("me.png")
                .is_err()
        );
    }
}

//! Files that a row names, such as a person's picture. They are in the feed's
//! folder or below it, and nowhere else.

use std::path::{Component, Path, PathBuf};

use crate::files::{self, FileError, Folder, SeenFile};
use crate::model::Picture;

/// The largest picture that is sent, in bytes. No API page states a bound; a
/// portrait is a hundredth of it.
const MAX_BYTES: u64 = 10 << 20;

const OUTSIDE: &str = "it must be in the feed's folder or below it";

/// The folder of a feed.
#[derive(Clone, Debug)]
pub struct Attachments {
    /// `None` if it cannot be opened: then there is no file in it.
    folder: Option<Folder>,
}

impl Attachments {
    /// The folder that `feed` is in.
    #[must_use]
    pub fn of(feed: &Path) -> Self {
        let folder = match feed.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        Self {
            folder: Folder::open(folder).ok(),
        }
    }

    /// The digest of a picture. Reads the picture: a feed must not be able to send
    /// the machine's other files to an LMS.
    ///
    /// # Errors
    /// Why it is none, as a fragment of a sentence.
    pub fn picture(&self, name: &str) -> Result<u128, &'static str> {
        let name = relative(name);
        let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if !name.components().all(inside) {
            return Err(OUTSIDE);
        }
        let found = match &self.folder {
            Some(folder) => folder.read(&name, MAX_BYTES),
            None => Err(FileError::NotFound),
        };
        let bytes = found.map_err(|error| match error {
            FileError::NotFound => "the feed's folder has no such file",
            FileError::Outside => OUTSIDE,
            FileError::NotAFile => "it is not a file",
            FileError::TooLarge => "it is larger than 10 MiB",
            FileError::Unreadable => "it cannot be read",
        })?;
        if Picture::media_type(&bytes).is_none() {
            return Err("it is not a JPEG, PNG or GIF file");
        }
        Ok(files::digest(&bytes))
    }

    /// The picture of that name, whose digest was `digest`: for sending it later.
    #[must_use]
    pub fn seen(&self, name: &str, digest: u128) -> Option<SeenFile> {
        let folder = self.folder.as_ref()?;
        Some(SeenFile::new(folder, &relative(name), digest, MAX_BYTES))
    }
}

/// A name as the system writes it. Exports from Windows name folders with a
/// backslash.
fn relative(name: &str) -> PathBuf {
    PathBuf::from(name.replace('\\', "/"))
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
        let attachments = Attachments::of(&feed);
        assert!(attachments.picture("photos/1.jpg").is_ok());
        assert!(attachments.picture("photos\\1.jpg").is_ok());
        let outside = Err("it must be in the feed's folder or below it");
        assert_eq!(attachments.picture("../secret.png"), outside);
        let absolute = folder.path().join("secret.png");
        assert_eq!(attachments.picture(absolute.to_str().unwrap()), outside);
        assert_eq!(
            attachments.picture("photos/2.jpg"),
            Err("the feed's folder has no such file")
        );
        assert_eq!(
            attachments.picture("notes.jpg"),
            Err("it is not a JPEG, PNG or GIF file")
        );
        assert_eq!(attachments.picture("photos"), Err("it is not a file"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_does_not_lead_out_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        std::fs::write(folder.path().join("secret.png"), b"\x89PNG\r\n\x1a\n").unwrap();
        std::os::unix::fs::symlink("../secret.png", folder.path().join("in/me.png")).unwrap();
        let attachments = Attachments::of(&folder.path().join("in/people.csv"));
        assert_eq!(attachments.picture("me.png"), Err(OUTSIDE));
    }
}

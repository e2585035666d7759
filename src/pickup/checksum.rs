//! The checksum beside a feed.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use md5::Md5;
use sha2::{Digest, Sha256, Sha512};

use super::store::{Look, Store};
use super::{Checksum, PickUpError};

/// The most bytes of a file with checksums: thousands of lines.
const MAX_BYTES: u64 = 1 << 20;

/// How a checksum is made, by how its file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Sha256,
    Sha512,
    Md5,
}

const ENDINGS: [(&str, Algorithm); 4] = [
    (".sha256", Algorithm::Sha256),
    (".sha256sum", Algorithm::Sha256),
    (".sha512", Algorithm::Sha512),
    (".md5", Algorithm::Md5),
];

/// The endings that can be required, for the mapping.
pub(crate) fn endings() -> impl Iterator<Item = &'static str> {
    ENDINGS.iter().map(|(ending, _)| *ending)
}

/// Verifies the checksum of a feed, as far as it is wanted.
pub(super) fn verify(store: &dyn Store, feed: &Look, wanted: &Checksum) -> Result<(), PickUpError> {
    let wanted = match wanted {
        Checksum::Ignored => return Ok(()),
        Checksum::IfThere => None,
        Checksum::Required(ending) => Some(ending.as_str()),
    };
    for (ending, algorithm) in ENDINGS {
        if wanted.is_some_and(|wanted| wanted != ending) {
            continue;
        }
        let mut name = feed.path.clone().into_os_string();
        name.push(ending);
        let file = PathBuf::from(name);
        if let Some(text) = store.small(&file, MAX_BYTES)? {
            verify_with(store, feed, (&file, &text), algorithm)?;
        } else if wanted.is_some() {
            return Err(PickUpError::NoChecksumFile(file));
        }
    }
    Ok(())
}

fn verify_with(
    store: &dyn Store,
    feed: &Look,
    (file, text): (&Path, &[u8]),
    algorithm: Algorithm,
) -> Result<(), PickUpError> {
    let path = &feed.path;
    let name = path.file_name().map(|name| name.to_string_lossy());
    let named = checksum_in(&as_text(text), &name.unwrap_or_default(), algorithm);
    let named = named.ok_or_else(|| PickUpError::NoChecksum {
        feed: path.clone(),
        file: file.into(),
    })?;
    let is = store.content(feed).and_then(|content| match algorithm {
        Algorithm::Sha256 => digest::<Sha256>(content),
        Algorithm::Sha512 => digest::<Sha512>(content),
        Algorithm::Md5 => digest::<Md5>(content),
    });
    if is.map_err(PickUpError::read(path))? == named {
        return Ok(());
    }
    Err(PickUpError::OtherContent {
        feed: path.clone(),
        file: file.into(),
    })
}

/// PowerShell writes UTF-16 where a script sends its output into a file.
fn as_text(bytes: &[u8]) -> String {
    let (text, _, _) = encoding_rs::UTF_8.decode(bytes);
    text.into_owned()
}

impl Algorithm {
    /// Hexadecimal digits.
    fn digits(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
            Self::Md5 => 32,
        }
    }
}

/// The checksum of the file `name`: on the line that names it, as `sha256sum` and BSD's
/// `sha256` write it, or the only one of the text, as `certutil` does.
fn checksum_in(text: &str, name: &str, algorithm: Algorithm) -> Option<Vec<u8>> {
    let in_line = |line: &str| {
        let words = line.split(|it: char| !it.is_ascii_hexdigit());
        let mut words = words.filter(|word| word.len() == algorithm.digits());
        words.next_back().map(str::to_owned)
    };
    // An older `certutil` puts spaces between the bytes.
    let spaced = |line: &str| in_line(&line.replace(' ', ""));
    let lines = || {
        text.lines()
            .filter(|line| in_line(line).or_else(|| spaced(line)).is_some())
    };
    let of_feed = lines().find(|line| names(line, name));
    let only = || {
        let mut all = lines();
        all.next().filter(|_| all.next().is_none())
    };
    let line = of_feed.or_else(only)?;
    bytes_of(&in_line(line).or_else(|| spaced(line))?)
}

/// Whether a line is about the file `name`, whatever folder it was in.
fn names(line: &str, name: &str) -> bool {
    let is_end = |rest: &str| rest.is_empty() || rest.starts_with([')', '"']);
    line.match_indices(name).any(|(at, found)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        let starts = before.is_none_or(|it| it.is_whitespace() || "*(/\\\"".contains(it));
        starts && line.get(at + found.len()..).is_some_and(is_end)
    })
}

fn digest<D: Digest>(mut file: impl Read) -> io::Result<Vec<u8>> {
    let (mut digest, mut buffer) = (D::new(), vec![0; 1 << 17]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => digest.update(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(digest.finalize().to_vec())
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let byte = |at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    (0..hex.len()).step_by(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn found(text: &str) -> bool {
        let found = checksum_in(text, "people.csv", Algorithm::Sha256);
        assert!(found.is_none() || found == bytes_of(SUM), "{text}");
        found.is_some()
    }

    #[test]
    fn a_checksum_is_found_as_the_programs_of_all_systems_write_it() {
        let (upper, spaced) = (SUM.to_uppercase(), SUM.as_bytes().chunks(2));
        let spaced: Vec<_> = spaced.map(|it| std::str::from_utf8(it).unwrap()).collect();
        let spaced = spaced.join(" ");
        for text in [
            SUM.to_owned(),
            format!("{SUM}\n"),
            format!("{SUM}  people.csv\n"),
            format!("{SUM} *people.csv\r\n"),
            format!("{SUM}  ./out/people.csv\n"),
            format!("SHA256 (people.csv) = {SUM}\n"),
            format!("SHA256(people.csv)= {SUM}\n"),
            format!("SHA256 hash of people.csv:\r\n{SUM}\r\nCertUtil: done.\r\n"),
            format!("SHA256 hash of file people.csv:\r\n{spaced}\r\nCertUtil: done.\r\n"),
            format!("SHA256          {upper}   C:\\out\\people.csv\r\n"),
            format!("{}  others.csv\n{SUM}  people.csv\n", "0".repeat(64)),
            format!("{SUM}  export-of-the-day.csv\n"),
        ] {
            assert!(found(&text), "{text}");
        }
    }

    #[test]
    fn of_several_checksums_none_is_taken_for_that_of_another_file() {
        let other = "0".repeat(64);
        for text in [
            String::new(),
            "people.csv".into(),
            SUM.get(1..).unwrap().to_owned(),
            format!("{other}  a.csv\n{SUM}  b.csv\n"),
            format!("{other}  old-people.csv\n{SUM}  people.csv.bak\n"),
        ] {
            assert!(!found(&text), "{text}");
        }
    }
}

//! The checksum beside a feed.
//!
//! It is in a file that is called like the feed (`people.csv.sha256`, `people.sha256`), or in a
//! list of the checksums of a folder (`SHA256SUMS`).

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::store::{Local, Look, Store};
use super::{Checksum, PickUpError};

/// The most bytes of a file with checksums: thousands of lines.
const MAX_BYTES: u64 = 1 << 20;

/// How a checksum is made, by how its file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Sha256,
    Sha384,
    Sha512,
    Sha1,
    Md5,
}

const ENDINGS: [(&str, Algorithm); 9] = [
    (".sha256", Algorithm::Sha256),
    (".sha256sum", Algorithm::Sha256),
    (".sha384", Algorithm::Sha384),
    (".sha512", Algorithm::Sha512),
    (".sha512sum", Algorithm::Sha512),
    (".sha1", Algorithm::Sha1),
    (".sha1sum", Algorithm::Sha1),
    (".md5", Algorithm::Md5),
    (".md5sum", Algorithm::Md5),
];

/// The names of files with the checksums of all files of a folder.
const LISTS: [(&str, Algorithm); 5] = [
    ("SHA256SUMS", Algorithm::Sha256),
    ("SHA384SUMS", Algorithm::Sha384),
    ("SHA512SUMS", Algorithm::Sha512),
    ("SHA1SUMS", Algorithm::Sha1),
    ("MD5SUMS", Algorithm::Md5),
];

/// The endings that can be required, for the mapping.
pub(crate) fn endings() -> impl Iterator<Item = &'static str> {
    ENDINGS.iter().map(|(ending, _)| *ending)
}

/// Whether a file has checksums, by its name.
pub(super) fn has_checksums(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_lowercase();
    let name = name.strip_suffix(".txt").unwrap_or(&name);
    endings().any(|ending| name.ends_with(ending))
        || LISTS
            .iter()
            .any(|(list, _)| name.eq_ignore_ascii_case(list))
}

/// Whose checksums a file has, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// `people.csv.sha256`.
    Feed,
    /// `people.sha256`, which may be about `people.xlsx`.
    Stem,
    /// `SHA256SUMS`.
    Folder,
}

/// A file that may have the checksum of a feed.
struct Candidate {
    name: String,
    ending: &'static str,
    algorithm: Algorithm,
    scope: Scope,
}

impl Candidate {
    /// Whether it is worth a request to another machine.
    fn is_usual(&self) -> bool {
        [".sha256", ".sha512", ".md5"].contains(&self.ending)
            || self.scope == Scope::Feed && self.ending == ".sha256sum"
            || self.name == "SHA256SUMS"
    }
}

/// The files that may have the checksum of a feed of this name, as they are mostly called.
fn candidates(feed: &str) -> Vec<Candidate> {
    let stem = feed.rsplit_once('.').map(|(stem, _)| stem);
    let stem = stem.filter(|stem| !stem.is_empty());
    let of = |base: &str, scope| {
        let base = base.to_owned();
        ENDINGS.map(|(ending, algorithm)| Candidate {
            name: format!("{base}{ending}"),
            ending,
            algorithm,
            scope,
        })
    };
    let lists = LISTS.map(|(name, algorithm)| Candidate {
        name: name.to_owned(),
        ending: "",
        algorithm,
        scope: Scope::Folder,
    });
    let of_stem = stem.map(|stem| of(stem, Scope::Stem));
    let own = of(feed, Scope::Feed).into_iter();
    own.chain(of_stem.into_iter().flatten())
        .chain(lists)
        .collect()
}

/// The same as they are called in this folder, whatever the case of their ending is and
/// whether `.txt` is behind it.
fn found(names: &[String], candidates: Vec<Candidate>) -> Vec<Candidate> {
    let is_called = |name: &str, it: &Candidate| {
        let plain = name
            .len()
            .checked_sub(4)
            .and_then(|at| name.split_at_checked(at));
        let plain = plain.filter(|(_, end)| end.eq_ignore_ascii_case(".txt"));
        let name = plain.map_or(name, |(plain, _)| plain);
        let base = it.name.strip_suffix(it.ending).unwrap_or_default();
        match it.scope {
            Scope::Folder => name.eq_ignore_ascii_case(&it.name),
            Scope::Feed | Scope::Stem => name
                .strip_prefix(base)
                .is_some_and(|end| end.eq_ignore_ascii_case(it.ending)),
        }
    };
    let all = candidates.into_iter().flat_map(|it| {
        let called = names.iter().filter(|name| is_called(name, &it));
        let called = called.map(|name| Candidate {
            name: name.clone(),
            ..it
        });
        called.collect::<Vec<_>>()
    });
    all.collect()
}

/// Verifies the checksum of a feed, as far as it is wanted.
pub(super) fn verify(store: &dyn Store, feed: &Look, wanted: &Checksum) -> Result<(), PickUpError> {
    let wanted = match wanted {
        Checksum::Ignored => return Ok(()),
        Checksum::IfThere => None,
        Checksum::Required(ending) => Some(ending.as_str()),
    };
    let name = feed.path.file_name().unwrap_or_default().to_string_lossy();
    let mut candidates = candidates(&name);
    candidates.retain(|it| wanted.is_none_or(|wanted| it.ending == wanted));
    let missing = candidates
        .first()
        .map(|it| store.sibling(&feed.path, &it.name));
    if let Some(names) = store.names_beside(&feed.path, &|name| has_checksums(Path::new(name))) {
        candidates = found(&names, candidates);
    } else if wanted.is_none() {
        candidates.retain(Candidate::is_usual);
    }
    let mut is_verified = false;
    for candidate in candidates {
        let file = store.sibling(&feed.path, &candidate.name);
        if let Some(text) = store.small(&file, MAX_BYTES)? {
            is_verified |= verify_with(store, feed, (&file, &text), &candidate)?;
        }
        // One is required, and a web server may have an answer for every name.
        if is_verified && wanted.is_some() {
            break;
        }
    }
    match missing {
        Some(file) if wanted.is_some() && !is_verified => Err(PickUpError::NoChecksumFile(file)),
        _ => Ok(()),
    }
}

/// Verifies the checksums of files of this machine that the mapping names, where one has
/// one. Files that are not there are somebody else's to miss.
pub(super) fn verify_files(files: &[PathBuf], wanted: &Checksum) -> Result<(), PickUpError> {
    if *wanted == Checksum::Ignored {
        return Ok(());
    }
    for file in files {
        if let Some(look) = Local.look(file)? {
            verify(&Local, &look, &Checksum::IfThere)?;
        }
    }
    Ok(())
}

/// Whether the file has a checksum of the feed; it fits, then.
fn verify_with(
    store: &dyn Store,
    feed: &Look,
    (file, text): (&Path, &[u8]),
    candidate: &Candidate,
) -> Result<bool, PickUpError> {
    let path = &feed.path;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (text, algorithm) = (as_text(text), candidate.algorithm);
    let is_of_others = match candidate.scope {
        Scope::Feed => false,
        Scope::Stem => names_other(&text, &name),
        Scope::Folder => !text.lines().any(|line| names(line, &name)),
    };
    if is_of_others {
        return Ok(false);
    }
    let named = checksum_in(&text, &name, algorithm);
    let named = named.ok_or_else(|| PickUpError::NoChecksum {
        feed: path.clone(),
        file: file.into(),
    })?;
    let is = store.content(feed).and_then(|content| match algorithm {
        Algorithm::Sha256 => digest::<Sha256>(content),
        Algorithm::Sha384 => digest::<Sha384>(content),
        Algorithm::Sha512 => digest::<Sha512>(content),
        Algorithm::Sha1 => digest::<Sha1>(content),
        Algorithm::Md5 => digest::<Md5>(content),
    });
    if is.map_err(PickUpError::read(path))? == named {
        return Ok(true);
    }
    Err(PickUpError::OtherContent {
        feed: path.clone(),
        file: file.into(),
    })
}

/// Whether a text names files, and none of them is `name`.
fn names_other(text: &str, name: &str) -> bool {
    let is_file = |word: &str| {
        let parts = word.trim_end_matches(':').rsplit_once('.');
        parts.is_some_and(|(stem, end)| {
            !stem.is_empty() && !end.is_empty() && end.chars().all(char::is_alphanumeric)
        })
    };
    let between = |it: char| it.is_whitespace() || "*()/\\\"".contains(it);
    !text.contains(name) && text.split(between).any(is_file)
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
            Self::Sha384 => 96,
            Self::Sha512 => 128,
            Self::Sha1 => 40,
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

    fn has_sum(text: &str) -> bool {
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
            assert!(has_sum(&text), "{text}");
        }
    }

    #[test]
    fn files_with_checksums_are_known_by_their_names() {
        let folder = [
            "people.csv.sha256",
            "people.csv.SHA512",
            "people.sha256",
            "people.md5.txt",
            "sha256sums.txt",
            "people-old.sha256",
            "people.csv.sha256.bak",
            "people.csv",
        ];
        assert_eq!(
            folder
                .iter()
                .filter(|name| has_checksums(Path::new(name)))
                .count(),
            6
        );
        let names = folder.map(str::to_owned);
        let found = found(&names, candidates("people.csv"));
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.name.as_str(), it.scope))
            .collect();
        assert_eq!(
            found,
            [
                ("people.csv.sha256", Scope::Feed),
                ("people.csv.SHA512", Scope::Feed),
                ("people.sha256", Scope::Stem),
                ("people.md5.txt", Scope::Stem),
                ("sha256sums.txt", Scope::Folder),
            ]
        );
    }

    #[test]
    fn another_machine_is_asked_for_the_usual_files_only() {
        let mut asked = candidates("people.csv");
        asked.retain(Candidate::is_usual);
        let asked: Vec<_> = asked.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(
            asked.join(" "),
            "people.csv.sha256 people.csv.sha256sum people.csv.sha512 people.csv.md5 \
             people.sha256 people.sha512 people.md5 SHA256SUMS"
        );
    }

    #[test]
    fn a_checksum_of_another_file_with_the_same_stem_is_not_that_of_the_feed() {
        for (text, expected) in [
            (SUM.to_owned(), false),
            (format!("{SUM}  people.csv\n"), false),
            (format!("{SUM} *out/people.xlsx\n"), true),
            (
                format!("SHA256 hash of file people.xlsx:\r\n{SUM}\r\n"),
                true,
            ),
            (format!("{SUM}  people.xlsx\n{SUM}  people.csv\n"), false),
        ] {
            assert_eq!(names_other(&text, "people.csv"), expected, "{text}");
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
            assert!(!has_sum(&text), "{text}");
        }
    }
}

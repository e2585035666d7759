//! Which file, or files, a folder or a pattern means.

use std::cmp::Reverse;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::store::{Look, Meant, Store};
use super::{Files, PickUpError, PickUpOptions, checksum};
use crate::model::MAX_FEED_FILES;

/// How files end that can be feeds, packed or not. Only in a folder does a name count:
/// what a person names is looked at, whatever its name is.
const ENDINGS: [&str; 13] = [
    "csv", "txt", "tsv", "xlsx", "xlsm", "xlsb", "xls", "ods", "gz", "zip", "pgp", "gpg", "asc",
];
/// How files end that are on their way, or say something of another file.
const NO_FEEDS: [&str; 17] = [
    "tmp",
    "temp",
    "part",
    "partial",
    "filepart",
    "crdownload",
    "download",
    "swp",
    "bak",
    "old",
    "orig",
    "backup",
    "copy",
    "log",
    "processed",
    "done",
    "sig",
];

pub(super) fn endings() -> String {
    let (last, others) = ENDINGS.split_last().unwrap_or((&"csv", &[]));
    let others: Vec<_> = others.iter().map(|ending| format!(".{ending}")).collect();
    format!("{} or .{last}", others.join(", "))
}

/// The files that are the feed, as they are now; nothing if a named file is not there.
pub(super) fn choose(
    store: &dyn Store,
    feed: &OsStr,
    options: &PickUpOptions,
) -> Result<Option<Vec<Look>>, PickUpError> {
    let is_done_file = |path: &Path| {
        let name = path.file_name().map(|name| name.to_string_lossy());
        let done = options.done_file.as_deref();
        done.is_some_and(|done| name.is_some_and(|name| name == done || name.ends_with(done)))
    };
    let can_be =
        |path: &Path| !is_hidden(path) && !is_done_file(path) && !checksum::has_checksums(path);
    let (place, looks, is_folder) = match (store.meant(feed)?, &options.files) {
        (Meant::Folder(path), Some(Files::Named(names))) => {
            return named(store, &path, names).map(Some);
        }
        (Meant::File(path) | Meant::Pattern(path), Some(Files::Named(_))) => {
            return Err(PickUpError::NotAFolder(path));
        }
        (Meant::File(path), _) => return Ok(store.look(&path)?.map(|look| vec![look])),
        (Meant::Folder(path), _) => {
            // The files that can be feeds by their names.
            let looks = store.list(&path, &|it| can_be(it) && ends_in(it, &ENDINGS))?;
            (path, looks, true)
        }
        (Meant::Pattern(pattern), _) => {
            // Without those that are on their way.
            let looks = store.matches(&pattern, &|it| can_be(it) && !ends_in(it, &NO_FEEDS))?;
            (pattern, looks, false)
        }
    };
    let mut feeds = Vec::new();
    for look in looks {
        if !store.is_one_of(&look.path, &options.not_feeds) && !is_signature(store, &look.path)? {
            feeds.push(look);
        }
    }
    if feeds.is_empty() {
        return Err(PickUpError::Nothing { place, is_folder });
    }
    match options.files {
        Some(Files::All) => {
            not_too_many(&place, feeds.len())?;
            Ok(Some(by_name(feeds)))
        }
        Some(Files::Newest) => newest(feeds).map(Some),
        Some(Files::Named(_)) | None => only(place, feeds).map(Some),
    }
}

/// These files of a folder.
fn named(store: &dyn Store, folder: &Path, names: &[String]) -> Result<Vec<Look>, PickUpError> {
    not_too_many(folder, names.len())?;
    let looks = names.iter().map(|name| {
        let path = store.child(folder, name);
        store.look(&path)?.ok_or(PickUpError::Missing(path))
    });
    looks.collect()
}

/// Makes sure that a feed can have that number of files.
fn not_too_many(place: &Path, count: usize) -> Result<(), PickUpError> {
    if count <= usize::from(MAX_FEED_FILES) {
        return Ok(());
    }
    let place = place.to_owned();
    Err(PickUpError::TooMany { place, count })
}

/// In the order of their names.
fn by_name(mut looks: Vec<Look>) -> Vec<Look> {
    looks.sort_by(|one, other| one.path.cmp(&other.path));
    looks
}

/// The newest first.
fn by_time(mut looks: Vec<Look>) -> Vec<Look> {
    looks.sort_by(|a, b| (Reverse(a.modified), &a.path).cmp(&(Reverse(b.modified), &b.path)));
    looks
}

/// The only one.
fn only(place: PathBuf, looks: Vec<Look>) -> Result<Vec<Look>, PickUpError> {
    let count = looks.len();
    match by_time(looks).as_slice() {
        [newest, next, ..] => Err(PickUpError::Several {
            place,
            count,
            files: Box::new([newest.path.clone(), next.path.clone()]),
        }),
        looks => Ok(looks.to_vec()),
    }
}

/// The one that was written last, if all that is known says so.
fn newest(looks: Vec<Look>) -> Result<Vec<Look>, PickUpError> {
    let looks = by_time(looks);
    let Some((newest, others)) = looks.split_first() else {
        return Ok(Vec::new());
    };
    let two = |other: &Path| Box::new([newest.path.clone(), other.to_owned()]);
    if let Some(next) = others.first()
        && newest.modified == next.modified
    {
        return Err(PickUpError::EquallyNew(two(&next.path)));
    }
    let paths = others.iter().map(|look| look.path.clone());
    match later_by_name(&newest.path, paths) {
        Some(other) => Err(PickUpError::OtherDate(two(&other))),
        None => Ok(vec![newest.clone()]),
    }
}

/// The signature of a file beside it, `people.csv.asc`; a message ends so too.
fn is_signature(store: &dyn Store, path: &Path) -> Result<bool, PickUpError> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(ends_in(path, &["asc"]) && store.look(&store.sibling(path, &stem))?.is_some())
}

/// Hidden, or the lock that a spreadsheet program puts beside an open workbook.
fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.starts_with('.') || name.starts_with("~$"))
}

fn ends_in(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy());
    ending.is_some_and(|ending| endings.iter().any(|it| ending.eq_ignore_ascii_case(it)))
}

/// A file whose name has a later date than that of `newest`, where all else of the two
/// names is the same: an old export that was uploaded again is not today's. Day and month
/// may be in either order: each order that both names allow has to say so.
fn later_by_name(newest: &Path, mut others: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    let moments = dated(newest);
    others.find(|other| {
        let theirs = dated(other);
        let both = moments.iter().zip(&theirs).filter_map(|pair| match pair {
            (Some(one), Some(other)) if one.rest == other.rest => Some((one, other)),
            _ => None,
        });
        let mut both = both.peekable();
        both.peek().is_some() && both.all(|(one, other)| one.is_before(other))
    })
}

/// The orders of a date in a name, with the texts between its numbers.
const ORDERS: [[&str; 4]; 3] = [
    ["%Y-%m-%d", "%Y_%m_%d", "%Y.%m.%d", "%Y%m%d"],
    ["%d-%m-%Y", "%d_%m_%Y", "%d.%m.%Y", "%d%m%Y"],
    ["%m-%d-%Y", "%m_%d_%Y", "%m.%d.%Y", "%m%d%Y"],
];

/// What a name says of the time of its export.
#[derive(Debug, PartialEq, Eq)]
struct Moment {
    date: Date,
    /// The digits behind the date: a time of the day, as long as that of another export.
    behind: String,
    /// The name around them.
    rest: String,
}

impl Moment {
    fn is_before(&self, other: &Self) -> bool {
        let is_same_length = self.behind.len() == other.behind.len();
        self.date < other.date
            || (self.date == other.date && is_same_length && self.behind < other.behind)
    }
}

/// The date in a name, in each of [`ORDERS`]: `people-2026-11-26.csv`,
/// `people_26.11.2026_0200.csv`.
fn dated(path: &Path) -> [Option<Moment>; 3] {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    ORDERS.map(|forms| {
        (0..name.len()).find_map(|start| forms.iter().find_map(|form| moment(name, start, form)))
    })
}

/// The date of that form at that place of a name.
fn moment(name: &str, start: usize, form: &str) -> Option<Moment> {
    let length = if form.len() == 6 { 8 } else { 10 };
    let (before, text) = (name.get(..start)?, name.get(start..start + length)?);
    let behind = name.get(start + length..)?;
    if before.ends_with(|it: char| it.is_ascii_digit()) {
        return None;
    }
    let date = Date::strptime(form, text).ok()?;
    let (digits, others) = behind.chars().partition::<String, _>(char::is_ascii_digit);
    (1990..2100).contains(&date.year()).then(|| Moment {
        date,
        behind: digits,
        rest: format!("{before}\0{others}"),
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::{Duration, SystemTime};

    use tempfile::TempDir;

    use super::super::store::Local;
    use super::*;

    /// A folder with these files, each a minute newer than the one before.
    fn folder(names: &[&str]) -> TempDir {
        let folder = TempDir::new().unwrap();
        for (minute, name) in (0_u64..).zip(names) {
            let file = File::create(folder.path().join(name)).unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_mins(1_000_000 + minute);
            file.set_modified(time).unwrap();
        }
        folder
    }

    const NEWEST: Files = Files::Newest;

    fn chosen(feed: &Path, files: Option<Files>) -> Result<String, String> {
        let options = PickUpOptions {
            files,
            done_file: Some(".ready".into()),
            ..PickUpOptions::default()
        };
        match choose(&Local, feed.as_os_str(), &options) {
            Ok(looks) => {
                let looks = looks.into_iter().flatten();
                let name = |look: Look| look.path.file_name().unwrap().to_str().unwrap().to_owned();
                Ok(looks.map(name).collect::<Vec<_>>().join(" "))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn the_newest_file_of_a_folder_that_can_be_a_feed_is_chosen() {
        let folder = folder(&[
            "people-1.csv",
            "people-2.CSV",
            "people-3.csv.part",
            ".people-4.csv",
            "~$people.xlsx",
            "import.log",
            "people-2.CSV.ready",
            "people-2.csv.sha256",
            "people-2.CSV.asc",
            "people-2.CSV.sig",
        ]);
        std::fs::create_dir(folder.path().join("archive.csv")).unwrap();
        assert_eq!(chosen(folder.path(), Some(NEWEST)).unwrap(), "people-2.CSV");
    }

    #[test]
    fn of_several_files_none_is_chosen_unless_the_mapping_says_how() {
        let folder = folder(&["a.csv", "b.xlsx", "c.txt"]);
        let error = chosen(folder.path(), None).unwrap_err();
        assert!(error.contains("has 3 files, among them"), "{error}");
        let only = folder.path().join("*.xlsx");
        assert_eq!(chosen(&only, None).unwrap(), "b.xlsx");
    }

    #[test]
    fn all_files_are_the_feed_in_the_order_of_their_names_if_the_mapping_says_so() {
        let folder = folder(&[
            "nl.csv",
            "be.csv",
            "log.txt.done",
            "nl.csv.ready",
            "de.xlsx",
        ]);
        let all = chosen(folder.path(), Some(Files::All)).unwrap();
        assert_eq!(all, "be.csv de.xlsx nl.csv");
        let some = folder.path().join("*.csv");
        assert_eq!(chosen(&some, Some(Files::All)).unwrap(), "be.csv nl.csv");
        let these = |names: [&str; 2]| Some(Files::Named(names.map(String::from).to_vec()));
        let named = chosen(folder.path(), these(["nl.csv", "be.csv"])).unwrap();
        assert_eq!(named, "nl.csv be.csv");
        let error = chosen(folder.path(), these(["nl.csv", "fr.csv"])).unwrap_err();
        assert!(error.contains("fr.csv` is not there"), "{error}");
        let error = chosen(&some, these(["nl.csv", "be.csv"])).unwrap_err();
        assert!(error.contains("is not a folder"), "{error}");
    }

    #[test]
    fn more_files_than_a_feed_can_have_are_refused_before_one_is_fetched() {
        let names: Vec<_> = (0..=MAX_FEED_FILES)
            .map(|it| format!("{it:03}.csv"))
            .collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let error = chosen(folder(&names).path(), Some(Files::All)).unwrap_err();
        assert!(
            error.contains("has 201 files; one feed has at most 200"),
            "{error}"
        );
        let few = folder(&names[1..]);
        let all = chosen(few.path(), Some(Files::All)).unwrap();
        assert_eq!(all.split(' ').count(), 200);
    }

    #[test]
    fn a_pattern_names_files_of_any_ending_but_those_on_their_way() {
        let folder = folder(&[
            "people-1.dat",
            "people-2.dat",
            "people-3.dat.tmp",
            "others.dat",
        ]);
        let all = folder.path().join("people-*");
        assert_eq!(chosen(&all, Some(NEWEST)).unwrap(), "people-2.dat");
        let none = folder.path().join("nobody-*");
        assert!(
            chosen(&none, Some(NEWEST))
                .unwrap_err()
                .contains("no file matches")
        );
    }

    #[test]
    fn a_file_that_the_mapping_reads_beside_the_feed_is_not_the_feed() {
        let folder = folder(&["people.csv", "contracts.csv"]);
        let options = PickUpOptions {
            files: Some(NEWEST),
            not_feeds: vec![folder.path().join("./contracts.csv"), "gone.csv".into()],
            ..PickUpOptions::default()
        };
        for feed in [folder.path().to_owned(), folder.path().join("*")] {
            let chosen = choose(&Local, feed.as_os_str(), &options).unwrap().unwrap();
            assert_eq!(chosen[0].path.file_name().unwrap(), "people.csv");
        }
        // A person who names it means it.
        let named = folder.path().join("contracts.csv");
        let chosen = choose(&Local, named.as_os_str(), &options)
            .unwrap()
            .unwrap();
        assert_eq!(chosen[0].path, named);
    }

    #[test]
    fn a_file_whose_name_looks_like_a_pattern_is_that_file() {
        let folder = folder(&["people [1].csv", "people 1.csv"]);
        let named = folder.path().join("people [1].csv");
        assert_eq!(chosen(&named, None).unwrap(), "people [1].csv");
    }

    #[test]
    fn two_files_that_are_equally_new_are_not_chosen_between() {
        let folder = folder(&["a.csv"]);
        let time = folder
            .path()
            .join("a.csv")
            .metadata()
            .unwrap()
            .modified()
            .unwrap();
        let other = File::create(folder.path().join("b.csv")).unwrap();
        other.set_modified(time).unwrap();
        let error = chosen(folder.path(), Some(NEWEST)).unwrap_err();
        assert!(error.contains("at the same time"), "{error}");
    }

    #[test]
    fn an_older_export_that_was_uploaded_again_is_not_taken_for_todays() {
        for names in [
            ["people-2026-11-26.csv", "people-2026-11-25.csv"],
            ["20261126_people.csv", "20261125_people.csv"],
            ["hr_20261126T0200.csv", "hr_20261125T0315.csv"],
            ["hr_20261126T1400.csv", "hr_20261126T0200.csv"],
            ["people 26.11.2026.csv", "people 25.11.2026.csv"],
            ["people_01122026.csv", "people_30112026.csv"],
            ["11-26-2026.csv", "11-25-2026.csv"],
            ["02-03-2026.csv", "01-03-2026.csv"],
        ] {
            let error = chosen(folder(&names).path(), Some(NEWEST)).unwrap_err();
            assert!(error.contains("later date in its name"), "{error}");
        }
        for [older, newest] in [
            ["people-2026-11-25.csv", "people-2026-11-26.csv"],
            ["people-2026-11-26.csv", "corrected-2026-11-25.csv"],
            ["people-2026-11-26-0050.csv", "people-2026-11-26-0100.csv"],
            ["people-2026-11-26.csv", "people-2026-11-26 2.csv"],
            ["batch-99999999.csv", "batch-88888888.csv"],
            // The first of December, or the twelfth of January: who knows.
            ["01-12-2026.csv", "02-01-2026.csv"],
        ] {
            let folder = folder(&[older, newest]);
            assert_eq!(chosen(folder.path(), Some(NEWEST)).unwrap(), newest);
        }
    }
}

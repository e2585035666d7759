//! ARCHITECTURE.md is true: it names every folder, and what it names is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::sources::{is_of_word, names, sources};

const PAGE: &str = "ARCHITECTURE.md";

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE)).unwrap()
}

/// What the page says in backticks, with the line.
fn quoted(page: &str) -> Vec<(usize, &str)> {
    (1..)
        .zip(page.lines())
        .flat_map(|(number, line)| {
            line.split('`')
                .skip(1)
                .step_by(2)
                .map(move |word| (number, word))
        })
        .collect()
}

/// A path of the page, below the root or below `src/`, and the item of the file
/// that it names; `None` for what is not a path.
fn path(word: &str) -> Option<(&str, Option<&str>)> {
    let (path, item) = match word.split_once("::") {
        Some((path, item)) => (path, Some(item)),
        None => (word, None),
    };
    let is_path = (path.contains('/') || Path::new(path).extension().is_some())
        // A place for the reader's own name.
        && !path.contains("NAME")
        && path.chars().all(|it| is_of_word(it) || "/.-".contains(it));
    is_path.then_some((path, item))
}

#[test]
fn every_folder_of_the_source_is_on_the_map() {
    let page = page();
    let paths: Vec<_> = quoted(&page)
        .into_iter()
        .filter_map(|(_, word)| Some(path(word)?.0))
        .collect();
    let folders: BTreeSet<_> = sources()
        .iter()
        .filter(|source| !source.is_of_tests())
        .filter_map(|source| source.name.rsplit_once('/'))
        .map(|(folder, _)| format!("{folder}/"))
        .collect();
    assert!(folders.len() > 15, "only {} folders", folders.len());
    for folder in folders {
        assert!(
            paths.contains(&folder.as_str()),
            "{PAGE} does not name `{folder}`"
        );
    }
}

#[test]
fn every_file_at_the_root_of_the_source_is_on_the_map() {
    let page = page();
    let words: Vec<_> = quoted(&page).into_iter().map(|(_, word)| word).collect();
    for source in sources().iter().filter(|it| !it.name.contains('/')) {
        let whole = format!("src/{}", source.name);
        assert!(
            words.contains(&source.name.as_str()) || words.contains(&whole.as_str()),
            "{PAGE} does not name `{}`",
            source.name
        );
    }
}

#[test]
fn what_the_map_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = page();
    let (mut missing, mut n_paths, mut n_items) = (Vec::new(), 0, 0);
    for (number, word) in quoted(&page) {
        let Some((path, item)) = path(word) else {
            continue;
        };
        n_paths += 1;
        let in_source = root.join("src").join(path);
        if !in_source.exists() && !root.join(path).exists() {
            missing.push(format!("{PAGE}:{number}: no `{path}`"));
            continue;
        }
        let Some(item) = item else {
            continue;
        };
        n_items += 1;
        let source = sources().iter().find(|source| source.name == path);
        let is_there = source.is_some_and(|source| {
            let kinds = ["fn", "struct", "enum", "trait", "const", "static", "type"];
            kinds
                .iter()
                .any(|kind| names(&source.code, &format!("{kind} {item}")))
        });
        if !is_there {
            missing.push(format!("{PAGE}:{number}: no `{item}` in `{path}`"));
        }
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
    assert!(
        n_paths > 80 && n_items > 40,
        "{n_paths} paths, {n_items} items"
    );
}

#[test]
fn a_path_is_distinguished_from_other_words() {
    assert_eq!(path("run/end.rs::end"), Some(("run/end.rs", Some("end"))));
    assert_eq!(path("feed/csv/"), Some(("feed/csv/", None)));
    assert_eq!(path("event.rs"), Some(("event.rs", None)));
    assert_eq!(path("schema/NAME.rs"), None);
    assert_eq!(path("Retry-After"), None);
    assert_eq!(path("hrfeed init"), None);
}

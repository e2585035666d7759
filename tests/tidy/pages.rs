//! The pages that people read: how long they are, and that what they lead to and
//! name is there.

use std::fs;
use std::path::Path;

use crate::sources::name;

#[test]
fn the_tests_that_the_fault_table_names_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/faults.md")).unwrap();
    let faults = page
        .lines()
        .skip_while(|line| !line.starts_with("| Fault | What hrfeed does | Shown by |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let mut n_tests = 0;
    for fault in faults {
        let shown_by = fault.trim_end_matches([' ', '|']).rsplit(" | ").next();
        // What stands between backticks: a file, and the tests in it.
        let mut source = String::new();
        for word in shown_by.unwrap().split('`').skip(1).step_by(2) {
            if word.contains('/') {
                source = fs::read_to_string(root.join(word)).unwrap();
            } else {
                let test = format!("fn {word}(");
                assert!(
                    source.contains(&test),
                    "no `{word}` where docs/faults.md says: {fault}"
                );
                n_tests += 1;
            }
        }
    }
    assert!(n_tests >= 20, "only {n_tests} tests are named");
}

#[test]
fn the_files_and_tests_that_a_page_names_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        "tests/",
        "src/",
        "fixtures/",
        "mappings/",
        "docs/",
        "fuzz/",
        "benches/",
    ];
    let (mut missing, mut n_names) = (Vec::new(), 0);
    for page in pages() {
        for (number, line) in page.prose() {
            // The word list names what is not there any more.
            if line.starts_with("## Words") {
                break;
            }
            for word in line
                .split('`')
                .skip(1)
                .step_by(2)
                .flat_map(str::split_whitespace)
            {
                let is_there = if folders.iter().any(|folder| word.starts_with(folder)) {
                    root.join(word).exists()
                } else if page.name == "CONTRIBUTING.md" && is_name_of_test(word) {
                    is_name_in(&root.join("tests"), word) || is_name_in(&root.join("src"), word)
                } else {
                    continue;
                };
                n_names += 1;
                if !is_there {
                    missing.push(format!("{}:{number}: no `{word}`", page.name));
                }
            }
        }
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
    assert!(n_names >= 40, "only {n_names} names are found");
}

fn is_name_of_test(word: &str) -> bool {
    word.contains('_') && word.chars().all(|it| it.is_ascii_lowercase() || it == '_')
}

/// Whether a function below `folder` has a name that begins so.
fn is_name_in(folder: &Path, begin: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_name_in(&path, begin);
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        text.contains(&format!("fn {begin}"))
    })
}

/// The pages that people read and the most lines that each may have. Those of
/// docs/ have no bound, and a page that is not there has no mistakes.
const PAGES: &[(&str, usize)] = &[
    ("README.md", 130),
    ("CONTRIBUTING.md", 60),
    ("ARCHITECTURE.md", 130),
    ("CHANGELOG.md", usize::MAX),
];

/// A page, by its path in the project.
struct Page {
    name: String,
    text: String,
}

impl Page {
    /// The lines outside code blocks.
    fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut inside = false;
        (1..).zip(self.text.lines()).filter(move |(_, line)| {
            let is_fence = line.trim_start().starts_with("```");
            inside ^= is_fence;
            !inside && !is_fence
        })
    }

    /// The links with their lines.
    fn links(&self) -> impl Iterator<Item = (usize, &str)> {
        self.prose().flat_map(|(number, line)| {
            line.split("](")
                .skip(1)
                .filter_map(move |rest| Some((number, rest.split_once(')')?.0)))
        })
    }

    /// What a link to a heading of the page may say behind its `#`: the rule
    /// of code hosts, which mdBook shares.
    fn anchors(&self) -> Vec<String> {
        let mut anchors: Vec<String> = Vec::new();
        for (_, line) in self.prose() {
            let title = line.trim_start_matches('#');
            if title.len() == line.len() || !title.starts_with(' ') {
                continue;
            }
            let anchor: String = (title.trim().chars())
                .filter(|char| char.is_alphanumeric() || matches!(char, ' ' | '-' | '_'))
                .map(|char| if char == ' ' { '-' } else { char })
                .flat_map(char::to_lowercase)
                .collect();
            // The second heading of a name has a number behind it.
            let numbered = (1..).map(|number| format!("{anchor}-{number}"));
            let mut names = std::iter::once(anchor.clone()).chain(numbered);
            anchors.extend(names.find(|name| !anchors.contains(name)));
        }
        anchors
    }
}

fn pages() -> Vec<Page> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let of_docs = fs::read_dir(root.join("docs"))
        .unwrap()
        .map(|entry| name(root, &entry.unwrap().path()))
        .filter(|path| Path::new(path).extension().is_some_and(|it| it == "md"));
    let mut pages: Vec<_> = (PAGES.iter().map(|(name, _)| (*name).to_owned()))
        .chain(of_docs)
        .filter(|name| root.join(name).exists())
        .map(|name| Page {
            text: fs::read_to_string(root.join(&name)).unwrap(),
            name,
        })
        .collect();
    pages.sort_by(|one, other| one.name.cmp(&other.name));
    pages
}

/// The path that `link` on the page `from` names, if it stays in the project.
fn linked(from: &str, link: &str) -> Option<String> {
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[test]
fn every_link_leads_to_a_page_and_a_heading_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = pages();
    let (mut dead, mut n_links) = (Vec::new(), 0);
    for page in &pages {
        for (number, link) in page.links() {
            if link.contains("://") {
                continue;
            }
            n_links += 1;
            let (path, anchor) = match link.split_once('#') {
                Some((path, anchor)) => (path, Some(anchor)),
                None => (link, None),
            };
            let path = match path {
                "" => Some(page.name.clone()),
                path => linked(&page.name, path),
            };
            let is_there = path.as_ref().is_some_and(|path| {
                let page = pages.iter().find(|page| page.name == *path);
                root.join(path).exists()
                    && anchor.is_none_or(|anchor| {
                        page.is_some_and(|page| page.anchors().iter().any(|it| it == anchor))
                    })
            });
            // A book has no other files than the folder's own.
            let leaves_the_book = page.name.starts_with("docs/")
                && !path.is_some_and(|path| path.starts_with("docs/"));
            if !is_there || leaves_the_book {
                dead.push(format!("{}:{number}: {link}", page.name));
            }
        }
    }
    assert!(dead.is_empty(), "\n{}", dead.join("\n"));
    assert!(n_links >= 60, "only {n_links} links were found");
}

#[test]
fn every_page_of_the_docs_is_in_their_summary() {
    let pages = pages();
    let summary = pages.iter().find(|page| page.name == "docs/SUMMARY.md");
    let listed: Vec<_> = (summary.unwrap().links())
        .filter_map(|(_, link)| linked("docs/SUMMARY.md", link))
        .collect();
    let of_docs = pages.iter().filter(|page| page.name.starts_with("docs/"));
    for page in of_docs.filter(|page| page.name != "docs/SUMMARY.md") {
        assert!(listed.contains(&page.name), "{} is not listed", page.name);
    }
}

#[test]
fn no_page_to_begin_with_is_too_long_to_be_read() {
    for (name, most) in PAGES {
        let page = pages().into_iter().find(|page| page.name == *name);
        let lines = page.map_or(0, |page| page.text.lines().count());
        assert!(lines <= *most, "{name} has {lines} lines, more than {most}");
    }
}

#[test]
fn a_heading_has_the_anchor_that_code_hosts_give_it() {
    let page = Page {
        name: "docs/x.md".into(),
        text: "# A `--json` title\n```sh\n# a remark\n```\n## Ünder_score, twice\n\
               ## Ünder_score, twice\n#no heading\n[a](b) and [c](../d#e) `x`\n"
            .into(),
    };
    assert_eq!(
        page.anchors(),
        ["a---json-title", "ünder_score-twice", "ünder_score-twice-1"]
    );
    let links: Vec<_> = page.links().map(|(_, link)| link).collect();
    assert_eq!(links, ["b", "../d#e"]);
    assert_eq!(linked("docs/x.md", "../d").as_deref(), Some("d"));
    assert_eq!(linked("docs/x.md", "./y.md").as_deref(), Some("docs/y.md"));
    assert_eq!(linked("README.md", "../x"), None);
}

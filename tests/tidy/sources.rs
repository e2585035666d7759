//! Source files as a test reads them: program text, comments and strings kept
//! apart, tests left out, and paths written in full.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// A file of `src/`. Its three texts have the lines of the file; what belongs to
/// another of them is blank.
pub(crate) struct Source {
    /// The path below `src`, with `/` on every system.
    pub(crate) name: String,
    /// The whole file as it is.
    pub(crate) text: String,
    /// Program text without tests.
    pub(crate) code: String,
    /// Comments, those of tests left out.
    pub(crate) comments: String,
    /// What is between quotes, tests left out.
    pub(crate) strings: String,
    /// The lines of program text; after the line on which a `use` begins, each
    /// of its paths. `super` and `self` are written in full.
    pub(crate) code_lines: Vec<(usize, String)>,
}

impl Source {
    pub(crate) fn new(name: String, text: String) -> Self {
        let [code, comments, strings] = without_tests(split(&text));
        Self {
            code_lines: code_lines(&code, &module(&name)),
            name,
            text,
            code,
            comments,
            strings,
        }
    }

    pub(crate) fn is_of_tests(&self) -> bool {
        self.name.contains("/tests/")
            || self.name.ends_with("tests.rs")
            || self.name.contains("/conformance")
    }
}

fn code_lines(code: &str, module: &[&str]) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut open_use: Option<(usize, String)> = None;
    for (number, line) in (1..).zip(code.lines()) {
        lines.push((number, in_full(line, module)));
        let (begun, mut statement) = match open_use.take() {
            Some(open) => open,
            None if use_of(line).is_some() => (number, String::new()),
            None => continue,
        };
        statement.push_str(line);
        statement.push(' ');
        if let Some((whole, _)) = statement.split_once(';') {
            for path in expand(use_of(whole).unwrap_or_default()) {
                lines.push((begun, format!("use {}", in_full(&path, module))));
            }
        } else {
            open_use = Some((begun, statement));
        }
    }
    lines
}

/// The module that a file is, from the root of the crate.
fn module(name: &str) -> Vec<&str> {
    let mut parts: Vec<_> = name.trim_end_matches(".rs").split('/').collect();
    if let Some(&("mod" | "lib" | "main")) = parts.last() {
        parts.pop();
    }
    parts
}

/// All files of `src/`, by name.
pub(crate) fn sources() -> &'static [Source] {
    static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(read_all);
    &SOURCES
}

fn read_all() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push(Source::new(name(&root, &path), text));
            }
        }
    }
    sources.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(sources.len() > 50, "only {} files found", sources.len());
    sources
}

/// The path below `root`, with `/` on every system.
pub(crate) fn name(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap();
    let parts: Vec<_> = below
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

pub(crate) fn is_of_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// Whether `word` is in the line by itself and not as a part of a longer name.
pub(crate) fn names(line: &str, word: &str) -> bool {
    count(line, word) > 0
}

/// How often `word` is in the line by itself.
pub(crate) fn count(line: &str, word: &str) -> usize {
    if !line.contains(word) {
        return 0;
    }
    let (begins, ends) = (word.starts_with(is_of_word), word.ends_with(is_of_word));
    // The text before the first place, between the places, after the last.
    let between: Vec<_> = line.split(word).collect();
    let by_itself = |around: &&[&str]| {
        let longer_before = begins && around[0].ends_with(is_of_word);
        let longer_after = ends && around[1].starts_with(is_of_word);
        !longer_before && !longer_after
    };
    between.windows(2).filter(by_itself).count()
}

/// What a `use` names, if the line begins one.
fn use_of(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')')?.1.trim_start(),
        Some(rest) => rest.trim_start(),
        None => line,
    };
    line.strip_prefix("use ")
}

/// The paths of a tree: `a::{b, c::{d, e}}` is `a::b`, `a::c::d` and `a::c::e`.
fn expand(tree: &str) -> Vec<String> {
    let Some((prefix, rest)) = tree.split_once('{') else {
        return vec![tree.split_whitespace().collect::<Vec<_>>().join(" ")];
    };
    let (mut depth, mut inner, mut paths) = (1, String::new(), Vec::new());
    for char in rest.chars() {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if (depth == 1 && char == ',') || depth == 0 {
            let one = std::mem::take(&mut inner);
            if !one.trim().is_empty() {
                paths.extend(expand(one.trim()));
            }
        } else {
            inner.push(char);
        }
        if depth == 0 {
            break;
        }
    }
    let prefix = prefix.trim();
    paths.iter().map(|path| format!("{prefix}{path}")).collect()
}

/// The line with `crate::…` for each `super::…` and `self::…`.
fn in_full(line: &str, module: &[&str]) -> String {
    let mut full = String::new();
    let mut rest = line;
    while let Some(at) = ["super::", "self::"]
        .iter()
        .filter_map(|word| rest.find(word))
        .min()
    {
        let (before, path) = rest.split_at(at);
        full.push_str(before);
        let is_inside = before.ends_with(is_of_word) || before.ends_with(':');
        let mut module = module;
        rest = path;
        loop {
            if let Some(after) = rest.strip_prefix("super::") {
                module = module.split_last().map_or(module, |(_, above)| above);
                rest = after;
            } else if let Some(after) = rest.strip_prefix("self::") {
                rest = after;
            } else {
                break;
            }
        }
        if is_inside {
            full.push_str(path.strip_suffix(rest).unwrap_or_default());
            continue;
        }
        full.push_str("crate::");
        for part in module {
            full.push_str(part);
            full.push_str("::");
        }
    }
    full.push_str(rest);
    full
}

/// What a character belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Code,
    Comment,
    Text,
}

/// Program text, comments and strings, with blanks for one another.
fn split(text: &str) -> [String; 3] {
    let chars: Vec<char> = text.chars().collect();
    let mut of = vec![Of::Code; chars.len()];
    let at = |position: usize| chars.get(position).copied().unwrap_or('\0');
    let mut position = 0;
    while position < chars.len() {
        let begin = position;
        let kind = match at(position) {
            '/' if at(position + 1) == '/' => {
                while position < chars.len() && at(position) != '\n' {
                    position += 1;
                }
                Of::Comment
            }
            '/' if at(position + 1) == '*' => {
                let mut depth = 0;
                loop {
                    match (at(position), at(position + 1)) {
                        ('/', '*') => (depth, position) = (depth + 1, position + 2),
                        ('*', '/') => (depth, position) = (depth - 1, position + 2),
                        _ => position += 1,
                    }
                    if depth == 0 || position >= chars.len() {
                        break;
                    }
                }
                Of::Comment
            }
            'r' if matches!(at(position + 1), '"' | '#')
                && (position == 0 || !is_of_word(at(position - 1)) || at(position - 1) == 'b') =>
            {
                let hashes = chars[position + 1..]
                    .iter()
                    .take_while(|it| **it == '#')
                    .count();
                if at(position + 1 + hashes) == '"' {
                    position += 2 + hashes;
                    let is_end = |from: usize| {
                        at(from) == '"' && (1..=hashes).all(|hash| at(from + hash) == '#')
                    };
                    while position < chars.len() && !is_end(position) {
                        position += 1;
                    }
                    position += 1 + hashes;
                    Of::Text
                } else {
                    position += 1;
                    Of::Code
                }
            }
            '"' => {
                position += 1;
                while position < chars.len() && at(position) != '"' {
                    position += if at(position) == '\\' { 2 } else { 1 };
                }
                position += 1;
                Of::Text
            }
            // Without an end so near it is a lifetime.
            '\'' if at(position + 1) == '\\' => {
                position += 3;
                while position < chars.len() && at(position) != '\'' {
                    position += 1;
                }
                position += 1;
                Of::Text
            }
            '\'' if at(position + 2) == '\'' => {
                position += 3;
                Of::Text
            }
            _ => {
                position += 1;
                Of::Code
            }
        };
        let end = position.min(chars.len());
        of[begin..end].fill(kind);
    }
    let only = |wanted: Of| {
        chars
            .iter()
            .zip(&of)
            .map(|(char, of)| match char {
                '\n' => '\n',
                char if *of == wanted => *char,
                _ => ' ',
            })
            .collect()
    };
    [only(Of::Code), only(Of::Comment), only(Of::Text)]
}

/// Blanks the items behind `#[cfg(test)]`.
fn without_tests([code, comments, strings]: [String; 3]) -> [String; 3] {
    let mut texts = [code, comments, strings].map(|text| text.chars().collect::<Vec<_>>());
    let mark: Vec<char> = "#[cfg(test)]".chars().collect();
    let mut position = 0;
    while position + mark.len() <= texts[0].len() {
        if texts[0][position..position + mark.len()] != mark {
            position += 1;
            continue;
        }
        let begin = position;
        let mut depth = 0;
        while let Some(char) = texts[0].get(position) {
            match char {
                '{' | '[' | '(' => depth += 1,
                '}' | ']' | ')' => depth -= 1,
                _ => {}
            }
            position += 1;
            if depth == 0 && matches!(texts[0][position - 1], '}' | ';') {
                break;
            }
        }
        for text in &mut texts {
            for char in &mut text[begin..position] {
                if *char != '\n' {
                    *char = ' ';
                }
            }
        }
    }
    texts.map(|text| text.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::new("upload/engine/queue.rs".into(), text.into())
    }

    #[test]
    fn comments_and_strings_are_no_program_text() {
        let source = source(
            "let a = \"x // y\"; // told\nlet b = r#\"q\"w\"#; /* c\n/* d */ */ let c = '\"';\n\
             let d: &'a str = b\"e\"; let f = '\\'';\n",
        );
        let words = |text: &str| {
            let lines = text.lines();
            let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
            words.collect::<Vec<_>>().join("|")
        };
        assert_eq!(
            words(&source.code),
            "let a = ;|let b = ;|let c = ;|let d: &'a str = b ; let f = ;"
        );
        assert_eq!(words(&source.comments), "// told|/* c|/* d */ */|");
        assert!(source.strings.contains("x // y"));
    }

    #[test]
    fn what_is_behind_cfg_test_is_left_out_and_what_follows_it_is_not() {
        let source = source(
            "fn a() {}\n#[cfg(test)]\nmod tests;\nfn b() {}\n#[cfg(test)]\n#[path = \"x\"]\n\
             mod x {\n    fn c() { \"}\"; }\n}\nfn d() {}\n",
        );
        let code: Vec<_> = source.code.split_whitespace().collect();
        assert_eq!(code.join(" "), "fn a() {} fn b() {} fn d() {}");
    }

    #[test]
    fn a_path_is_seen_however_it_is_imported() {
        let source = source(
            "use crate::{\n    journal::{self, Run},\n    feed,\n};\npub(super) use super::super::Halt;\n\
             fn f() -> super::Job { self::g(super::super::stop::X) }\n",
        );
        let lines: Vec<_> = (source.code_lines.iter())
            .map(|(_, line)| line.as_str())
            .collect();
        for path in [
            "use crate::journal::self",
            "use crate::journal::Run",
            "use crate::feed",
            "use crate::upload::Halt",
        ] {
            assert!(lines.contains(&path), "{path}: {lines:#?}");
        }
        let inline = "fn f() -> crate::upload::engine::Job { \
                      crate::upload::engine::queue::g(crate::upload::stop::X) }";
        assert!(lines.contains(&inline), "{lines:#?}");
    }

    #[test]
    fn a_word_is_found_by_itself_and_not_inside_another() {
        assert!(names("use reqwest::Client;", "reqwest"));
        assert!(names("    std::env::var(\"X\")", "env::var"));
        assert!(!names("std::env::vars()", "env::var"));
        assert!(!names("my_reqwest::x", "reqwest"));
        assert!(names("println!(\"x\")", "println!"));
        assert!(!names("eprintln!(\"x\")", "println!"));
        assert_eq!(count("told told_as told", "told"), 2);
    }
}

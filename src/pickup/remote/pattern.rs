//! Patterns of files of another machine.

use std::collections::VecDeque;

use glob::MatchOptions;

use super::super::Problem;
use super::super::store::{is_pattern, pattern_options};
use super::{Entry, Kept, MAX_FILES, Server};

const OPTIONS: MatchOptions = pattern_options(true);

/// A pattern of paths.
#[derive(Debug)]
pub(super) struct Pattern {
    /// The folder in which the first name is a pattern, with its slash.
    start: String,
    whole: glob::Pattern,
    /// The patterns of the names below it.
    names: Vec<glob::Pattern>,
    /// One of them is `**`: any folders.
    is_deep: bool,
}

impl Pattern {
    pub(super) fn new(path: &str) -> Result<Self, String> {
        let new = |text: &str| glob::Pattern::new(text).map_err(|error| error.msg.to_owned());
        let mut names: Vec<_> = path.split('/').collect();
        let fixed = names.iter().position(|name| is_pattern(name));
        let below = names.split_off(fixed.unwrap_or(names.len().saturating_sub(1)));
        let start = if names.is_empty() {
            String::new()
        } else {
            format!("{}/", names.join("/"))
        };
        Ok(Self {
            start,
            whole: new(path)?,
            is_deep: below.contains(&"**"),
            names: below.into_iter().map(new).collect::<Result<_, _>>()?,
        })
    }

    /// The files that it names, as far as they are wanted.
    pub(super) async fn find(
        &self,
        server: &mut Server,
        wanted: Kept<'_>,
    ) -> Result<Vec<Entry>, Problem> {
        let mut folders = VecDeque::from([(self.start.clone(), 0)]);
        let (mut files, mut n_folders) = (Vec::new(), 1);
        while let Some((folder, depth)) = folders.pop_front() {
            let kept = |entry: &Entry| {
                if entry.is_folder {
                    self.leads_into(entry.name(), depth)
                } else {
                    self.whole.matches_with(&entry.path, OPTIONS) && wanted(entry)
                }
            };
            let found = server.list(&folder, &kept).await;
            let found = match found {
                // A folder that vanished meanwhile, or the one of a pattern of nothing.
                Err(Problem::NotFound) => continue,
                found => found?,
            };
            for entry in found {
                if entry.is_folder {
                    n_folders += 1;
                    folders.push_back((format!("{}/", entry.path), depth + 1));
                } else {
                    files.push(entry);
                }
            }
            if files.len() > MAX_FILES || n_folders > MAX_FILES {
                return Err(Problem::TooMany(MAX_FILES));
            }
        }
        Ok(files)
    }

    /// Whether files that it names can be in a folder of that name, so deep.
    fn leads_into(&self, name: &str, depth: usize) -> bool {
        if self.is_deep {
            return !name.starts_with('.');
        }
        let is_last = depth + 1 >= self.names.len();
        let pattern = self.names.get(depth);
        !is_last && pattern.is_some_and(|pattern| pattern.matches_with(name, OPTIONS))
    }
}

//! The settings of [source] that say where the feed is, and when it is whole.

use std::time::Duration;

use super::MappingError;
use super::file::{Node, Table};
use super::settings::duration;
use crate::pickup::{Checksum, Files, PickUpOptions, checksum_endings};

pub(super) fn pick_up(table: &mut Table<'_>) -> Result<PickUpOptions, MappingError> {
    let files = table.take("files");
    let unchanged_for = table.take("unchanged_for");
    let done_file = table.take("done_file");
    let wait = table.take("wait");
    let checksum = table.take("checksum");
    let some_duration = |node: &Node<'_>| duration(Some(node), Duration::ZERO);
    let options = PickUpOptions {
        files: files.map(which).transpose()?,
        unchanged_for: unchanged_for.as_ref().map(some_duration).transpose()?,
        done_file: done_file.as_ref().map(file_name).transpose()?,
        wait: wait.as_ref().map(some_duration).transpose()?,
        checksum: checksum.as_ref().map_or(Ok(Checksum::IfThere), whether)?,
        // Known once the whole mapping is read.
        not_feeds: Vec::new(),
    };
    match (&wait, options.wait, options.unchanged_for) {
        (Some(node), Some(wait), Some(unchanged_for)) if wait <= unchanged_for => Err(node.error(
            "`wait` is not longer than `unchanged_for`: no feed would ever be whole",
            Some("`wait` is how long the feed is waited for altogether".into()),
        )),
        _ => Ok(options),
    }
}

/// `"newest"`, `"all"`, or the names of the files.
fn which(node: Node<'_>) -> Result<Files, MappingError> {
    if node.as_text().is_some() {
        let is_all = node.word(&[("newest", false), ("all", true)])?;
        return Ok(if is_all { Files::All } else { Files::Newest });
    }
    let (file, span_of_all) = (node.file, node.span.clone());
    let names = node.texts("[\"be.csv\", \"nl.csv\"], \"all\" or \"newest\"")?;
    let is_name = |name: &str| !name.trim_matches('.').is_empty() && !name.contains(['/', '\\']);
    let mut seen = Vec::new();
    for (name, span) in names {
        if !is_name(&name) || seen.contains(&name) {
            return Err(file.error(
                span,
                format!("`{name}` in `files` must be the name of a file, once"),
                Some("the files are in the folder that the command line names".into()),
            ));
        }
        seen.push(name);
    }
    if seen.is_empty() {
        return Err(file.error(
            span_of_all,
            "`files` names no file",
            Some("write \"newest\", \"all\", or the names of the files".into()),
        ));
    }
    Ok(Files::Named(seen))
}

/// An ending or a name, but no path: the file is beside the feed.
fn file_name(node: &Node<'_>) -> Result<String, MappingError> {
    let name = node.text()?;
    if name.trim_matches('.').is_empty() || name.contains(['/', '\\']) {
        return Err(node.error(
            "`done_file` must be a name or an ending",
            Some("for example \".done\", behind the name of the feed, or \"READY\"".into()),
        ));
    }
    Ok(name)
}

fn whether(node: &Node<'_>) -> Result<Checksum, MappingError> {
    let wanted = match node.as_text() {
        Some(text) => checksum_endings().find(|ending| *ending == text),
        None if !node.flag().unwrap_or(true) => return Ok(Checksum::Ignored),
        None => None,
    };
    wanted
        .map(|ending| Checksum::Required(ending.to_owned()))
        .ok_or_else(|| {
            let endings: Vec<_> = checksum_endings().map(|it| format!("\"{it}\"")).collect();
            node.error(
                "`checksum` in [source] must be the ending of the file that has it, or false",
                Some(format!("possible values: {}, false", endings.join(", "))),
            )
        })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Mapping;
    use super::*;

    fn read(lines: &str) -> Result<PickUpOptions, String> {
        let text = format!(
            "[target]\nsystem = \"anewspring\"\nbase_url = \"https://school.example.com\"\n\
             api_key = {{ env = \"K\" }}\n[source]\n{lines}\n[fields]\nuserID = \"ID\"\n\
             login = \"L\"\nfirstName = \"F\"\nlastName = \"N\"\n"
        );
        let mapping = Mapping::parse(Path::new("m.toml"), &text);
        mapping
            .map(|it| it.pick_up)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_mapping_says_which_file_and_when_it_is_whole() {
        assert_eq!(read("").unwrap(), PickUpOptions::default());
        let lines = "files = \"newest\"\nunchanged_for = \"30s\"\ndone_file = \".done\"\n\
                     wait = \"2h\"\nchecksum = \".sha256\"";
        let expected = PickUpOptions {
            files: Some(Files::Newest),
            unchanged_for: Some(Duration::from_secs(30)),
            done_file: Some(".done".into()),
            wait: Some(Duration::from_hours(2)),
            checksum: Checksum::Required(".sha256".into()),
            not_feeds: Vec::new(),
        };
        assert_eq!(read(lines).unwrap(), expected);
        assert_eq!(
            read("checksum = false").unwrap().checksum,
            Checksum::Ignored
        );
    }

    #[test]
    fn what_can_make_no_file_whole_is_a_mistake_in_the_mapping() {
        for (line, what) in [
            ("files = \"oldest\"", "cannot be"),
            ("unchanged_for = \"1m\"\nwait = \"30s\"", "not longer than"),
            ("unchanged_for = 30", "must be a duration"),
            ("done_file = \"../done\"", "must be a name or an ending"),
            ("done_file = \"\"", "must be a name or an ending"),
            ("checksum = true", "must be the ending"),
            ("checksum = \".crc\"", "must be the ending"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(what), "{line}: {error}");
        }
    }
}

//! [notify]: who hears how a run ended.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file::{File, Node, Table, variables};
use super::settings::{SecretSource, duration, secret_source};
use super::{MAX_BYTES, MappingError};
use crate::files;

/// How long the command may take, unless the mapping says otherwise.
const COMMAND_TIMEOUT: Duration = Duration::from_mins(1);

const COMMAND: &str = "command = [\"/usr/local/bin/notify-hr\", \"--import\"]";
const URL: &str = "{ env = \"HRFEED_PING_URL\" } or { file = \"ping.url\" }";

/// Who hears how a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// A program and its arguments; empty without one. It gets no shell.
    pub command: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
    /// Where an address is found that is pinged. Who knows the address can say that all
    /// is well, so it is a secret.
    pub url: Option<SecretSource>,
    /// The environment variables that the mapping names for its secrets: nothing that the
    /// command needs.
    pub secrets: Vec<String>,
}

impl Notify {
    /// What a mapping says of it that is wrong elsewhere; nothing where that cannot be read.
    /// A mistake in it is heard of then, too.
    #[must_use]
    pub fn of_file(path: &Path) -> Self {
        let Ok((text, _)) = files::read_text(path, MAX_BYTES) else {
            return Self::default();
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let file = File { path, text };
        let read = || {
            let notify = Table::root(&file, file.parse()?).take("notify");
            read_notify(notify, path)
        };
        read().unwrap_or_else(|_: MappingError| Self::default())
    }
}

/// Reads [notify].
pub(super) fn read_notify(node: Option<Node<'_>>, mapping: &Path) -> Result<Notify, MappingError> {
    let Some(node) = node else {
        return Ok(Notify::default());
    };
    let secrets = variables(node.file.parse()?.get_ref());
    let mut table = node.table("[notify]", "[notify]")?;
    let (program, timeout) = (table.take("command"), table.take("timeout"));
    let url = table.take("url");
    let nothing = table.error(
        "[notify] has neither `command` nor `url`",
        Some(format!("for example {COMMAND} or url = {URL}")),
    );
    table.finish()?;
    if let (None, Some(node)) = (&program, &timeout) {
        return Err(node.error(
            "`timeout` in [notify] is for a `command`, and there is none",
            Some("a ping ends by itself: remove the line `timeout`".into()),
        ));
    }
    if program.is_none() && url.is_none() {
        return Err(nothing);
    }
    Ok(Notify {
        command: program.map_or(Ok(Vec::new()), |node| command(node, mapping))?,
        timeout: duration(timeout.as_ref(), COMMAND_TIMEOUT)?,
        url: url
            .map(|node| secret_source(node, mapping, URL))
            .transpose()?,
        secrets,
    })
}

/// A program with its arguments, or a program alone. No text is taken apart at its blanks:
/// what belongs together there is a shell's business.
fn command(node: Node<'_>, mapping: &Path) -> Result<Vec<String>, MappingError> {
    let empty = node.error(
        format!("{} names no program", node.name),
        Some(format!("for example {COMMAND}")),
    );
    let mut words = if let Some(program) = node.as_text() {
        vec![program.to_owned()]
    } else {
        let words = node.texts("[\"/usr/local/bin/notify-hr\", \"--import\"]")?;
        words.into_iter().map(|(word, _)| word).collect()
    };
    match words.first_mut() {
        Some(program) if !program.trim().is_empty() => {
            *program = place(program, mapping);
            Ok(words)
        }
        _ => Err(empty),
    }
}

/// A name alone is found as a shell finds it; a path begins, like every path of a mapping, at
/// the folder of that.
fn place(program: &str, mapping: &Path) -> String {
    let path = PathBuf::from(program);
    if path.components().count() < 2 {
        return program.to_owned();
    }
    let folder = mapping.parent().unwrap_or(Path::new(""));
    let place = folder.join(&path);
    let place = std::path::absolute(&place).unwrap_or(place);
    place.to_str().map_or(program.to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::Mapping;
    use super::*;

    fn notify(lines: &str) -> Result<Notify, String> {
        let text = format!(
            "[target]\nsystem = \"anewspring\"\nbase_url = \"https://school.example.com\"\n\
             api_key = {{ env = \"K\" }}\n[fields]\nuserID = \"ID\"\nlogin = \"L\"\n\
             firstName = \"F\"\nlastName = \"N\"\n[notify]\n{lines}\n"
        );
        let read = Mapping::parse(Path::new("/etc/hrfeed/m.toml"), &text);
        let said = |error: MappingError| format!("{error} ({})", error.help().unwrap_or_default());
        read.map(|mapping| mapping.notify).map_err(said)
    }

    #[test]
    fn a_command_is_a_list_of_words_or_a_program_alone() {
        let command = |value: &str| notify(&format!("command = {value}")).unwrap().command;
        assert_eq!(command("\"notify-hr\""), ["notify-hr"]);
        assert_eq!(
            command("[\"mail\", \"-s\", \"a b\"]"),
            ["mail", "-s", "a b"]
        );
        // Blanks divide nothing.
        assert_eq!(command("\"mail -s x\""), ["mail -s x"]);
        let notify = notify("command = \"x\"").unwrap();
        assert_eq!(notify.timeout, COMMAND_TIMEOUT);
        assert_eq!(notify.secrets, ["K"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_path_begins_at_the_folder_of_the_mapping_and_a_name_is_looked_up() {
        let program = |text: &str| place(text, Path::new("/etc/hrfeed/m.toml"));
        assert_eq!(program("mail"), "mail");
        assert_eq!(program("./tell.sh"), "/etc/hrfeed/tell.sh");
        assert_eq!(program("bin/tell.sh"), "/etc/hrfeed/bin/tell.sh");
        assert_eq!(program("/usr/bin/mail"), "/usr/bin/mail");
    }

    #[test]
    fn what_is_wrong_is_named_and_the_address_is_never_in_the_mapping() {
        let said = |lines: &str| notify(lines).unwrap_err();
        insta::assert_snapshot!(
            [
                "",
                "command = []",
                "command = \" \"",
                "command = [1]",
                "comand = \"x\"",
                "timeout = \"5s\"\nurl = { env = \"U\" }",
                "command = \"x\"\ntimeout = 5",
                "url = \"https://hc-ping.com/secret\"",
            ]
            .map(said)
            .join("\n"),
            @r#"
        /etc/hrfeed/m.toml, line 10, column 1: [notify] has neither `command` nor `url` (for example command = ["/usr/local/bin/notify-hr", "--import"] or url = { env = "HRFEED_PING_URL" } or { file = "ping.url" })
        /etc/hrfeed/m.toml, line 11, column 11: `command` in [notify] names no program (for example command = ["/usr/local/bin/notify-hr", "--import"])
        /etc/hrfeed/m.toml, line 11, column 11: `command` in [notify] names no program (for example command = ["/usr/local/bin/notify-hr", "--import"])
        /etc/hrfeed/m.toml, line 11, column 12: `command` in [notify] must contain only text in quotes, not a number (for example ["/usr/local/bin/notify-hr", "--import"])
        /etc/hrfeed/m.toml, line 11, column 1: unknown key `comand` in [notify] (did you mean `command`?)
        /etc/hrfeed/m.toml, line 11, column 11: `timeout` in [notify] is for a `command`, and there is none (a ping ends by itself: remove the line `timeout`)
        /etc/hrfeed/m.toml, line 12, column 11: `timeout` in [notify] must be a duration of at most one day (for example "30s", "10m" or "2h")
        /etc/hrfeed/m.toml, line 11, column 7: `url` in [notify] must say where the secret is, not contain it (write { env = "HRFEED_PING_URL" } or { file = "ping.url" }; this secret was in a file, so have it replaced)
        "#
        );
        assert!(!said("url = \"https://hc-ping.com/secret\"").contains("hc-ping"));
    }
}

//! A folder with a feed and a mapping, in which the program runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// How many people [`people`] has.
pub(crate) const PEOPLE: u64 = 20;

/// A feed of people.
pub(crate) fn people() -> Vec<u8> {
    let row = |number| format!("E{number:04},login{number},Anna{number},Müller\n");
    let rows: Vec<_> = (1..=PEOPLE).map(row).collect();
    format!("ID,Login,First,Last\n{}", rows.concat()).into_bytes()
}

pub(crate) struct Desk {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// What the program said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// The object on stdout.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|_| panic!("{}{}", self.stdout, self.stderr))
    }

    #[track_caller]
    pub(crate) fn assert_refused(&self, code: i32, why: &str) {
        let all = self.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(all.contains(why), "{why} is not in {all}");
        assert_eq!(self.code, code, "{all}");
    }
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            environment: Vec::new(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Writes a mapping with these lines about messages.
    pub(crate) fn map(&self, lines: &str) {
        let text = format!(
            "[target]\nsystem = \"anewspring\"\nbase_url = \"https://lms.example.com\"\n\
             api_key = {{ env = \"K\" }}\n{lines}\n[fields]\nuserID = \"ID\"\nlogin = \"Login\"\n\
             firstName = \"First\"\nlastName = \"Last\"\n"
        );
        self.write("mapping.toml", text.as_bytes());
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.into(), value.into()));
    }

    pub(crate) fn run(&self, arguments: &[&str], stdin: Option<&Path>) -> Said {
        let mut program = Command::new(env!("CARGO_BIN_EXE_hrfeed"));
        program.args(arguments).current_dir(self.folder.path());
        program.env("HRFEED_JOURNAL", self.path("journal.db"));
        program.envs(self.environment.iter().map(|(name, value)| (name, value)));
        program.stdin(match stdin {
            Some(file) => std::fs::File::open(file).unwrap().into(),
            None => Stdio::null(),
        });
        let Output {
            status,
            stdout,
            stderr,
        } = program.output().unwrap();
        Said {
            code: status.code().unwrap_or(-1),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Checks a feed.
    pub(crate) fn check(&self, feed: &[u8]) -> Said {
        self.write("feed", feed);
        self.run(&["--json", "check", "feed", "-m", "mapping.toml"], None)
    }

    /// Checks a feed from which all people are read, without a note.
    #[track_caller]
    pub(crate) fn assert_read(&self, feed: &[u8]) {
        assert_eq!(self.assert_read_with_notes(feed), Vec::<String>::new());
    }

    /// The notes on a feed from which all people are read.
    #[track_caller]
    pub(crate) fn assert_read_with_notes(&self, feed: &[u8]) -> Vec<String> {
        let said = self.check(feed);
        assert_eq!(said.code, 0, "{}", said.stderr);
        let json = said.json();
        assert_eq!(json["feed"]["rows"], PEOPLE, "{json}");
        let digest = Sha256::digest(feed);
        let digest: Vec<_> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let digest = digest.concat();
        assert_eq!(json["feed"]["sha256"], digest, "{json}");
        let notes = json["notes"].as_array().unwrap().iter();
        notes
            .map(|note| note.as_str().unwrap().to_owned())
            .collect()
    }
}

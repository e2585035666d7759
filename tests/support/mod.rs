//! A world for a test: a folder, an LMS, a feed, a mapping, and the program.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics; helpers are no tests to clippy"
)]

pub(crate) mod feed;
pub(crate) mod lms;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hrfeed::sandbox::{Faults, SandboxOptions};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) use self::feed::Feed;
pub(crate) use self::lms::Lms;

/// Where the mapping finds the key; no other program sets it.
pub(crate) const KEY: &str = "HRFEED_TEST_KEY";
pub(crate) const SECRET: &str = "HRFEED_TEST_SECRET";

/// All that a test needs, and nothing that another test can see.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) lms: Lms,
    pub(crate) key: &'static str,
    pub(crate) target: String,
    pub(crate) parts: String,
}

/// How the program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    fn of(output: std::process::Output) -> Self {
        Self {
            // A signal has no code.
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Panics with all that was said unless the exit code is `code`.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert!(
            !self.stderr.contains("panicked"),
            "the program panicked:\n{}",
            self.stderr
        );
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// The one JSON object on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.stdout.matches('\n').count(), 1, "{self:#?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// The JSON objects on stdout, one a line.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// One of the counts of the JSON object.
    #[track_caller]
    pub(crate) fn count(&self, outcome: &str) -> u64 {
        self.json()["counts"][outcome].as_u64().unwrap()
    }

    /// All that was said.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl World {
    /// A world whose LMS has no faults and nobody in it.
    pub(crate) fn new() -> Self {
        Self::with(SandboxOptions::default())
    }

    /// A world whose LMS plays these faults.
    pub(crate) fn failing(faults: Faults) -> Self {
        Self::with(SandboxOptions {
            faults,
            ..SandboxOptions::default()
        })
    }

    pub(crate) fn with(options: SandboxOptions) -> Self {
        let it = Self {
            folder: TempDir::new().unwrap(),
            lms: Lms::start(options),
            key: "test-key",
            target: "requests_per_second = 5000\nmax_in_flight = 8\n".into(),
            parts: String::new(),
        };
        it.write_mapping();
        it
    }

    /// The same world with other lines in `[target]`.
    pub(crate) fn target(mut self, lines: &str) -> Self {
        self.target = format!("{lines}\n");
        self.write_mapping();
        self
    }

    /// The same world with more parts in the mapping.
    pub(crate) fn parts(mut self, parts: &str) -> Self {
        self.parts = format!("{parts}\n");
        self.write_mapping();
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path of the world as an argument.
    pub(crate) fn arg(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The mapping's text.
    pub(crate) fn mapping(&self) -> String {
        mapping(&self.lms.base_url(), &self.target, &self.parts)
    }

    pub(crate) fn write_mapping(&self) {
        self.write("mapping.toml", self.mapping());
    }

    /// Writes the feed as `people.csv`.
    pub(crate) fn feed(&self, feed: &Feed) {
        self.write("people.csv", feed.csv());
    }

    /// The program, in this world and in no other.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_with(arguments, &self.path("journal.db"))
    }

    fn command_with(&self, arguments: &[&str], journal: &Path) -> Command {
        let mut command = program();
        command
            .args(arguments)
            .arg("--journal")
            .arg(journal)
            .env(KEY, self.key)
            .env(SECRET, "test-s3cret")
            .current_dir(self.folder.path());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(
            self.command(arguments)
                .stdin(Stdio::null())
                .output()
                .unwrap(),
        )
    }

    /// The program with `bytes` on its standard input.
    pub(crate) fn run_with_stdin(&self, arguments: &[&str], bytes: &[u8]) -> Ran {
        let input = self.write("stdin", bytes);
        let output = self
            .command(arguments)
            .stdin(File::open(input).unwrap())
            .output();
        Ran::of(output.unwrap())
    }

    /// `import people.csv` with `--json`.
    pub(crate) fn import(&self) -> Ran {
        self.run(&["import", "people.csv", "-m", "mapping.toml", "--json"])
    }

    /// `resume` with `--json`.
    pub(crate) fn resume(&self) -> Ran {
        self.run(&["resume", "--json"])
    }

    /// Writes the feed and imports it.
    pub(crate) fn import_feed(&self, feed: &Feed) -> Ran {
        self.feed(feed);
        self.import()
    }

    /// Starts the program and lets it run; what it says goes to files.
    pub(crate) fn start(&self, arguments: &[&str]) -> Started {
        self.start_with(arguments, &self.path("journal.db"))
    }

    /// [`World::start`] with another journal.
    pub(crate) fn start_with(&self, arguments: &[&str], journal: &Path) -> Started {
        let child = self
            .command_with(arguments, journal)
            .stdin(Stdio::null())
            .stdout(File::create(self.path("stdout")).unwrap())
            .stderr(File::create(self.path("stderr")).unwrap())
            .spawn()
            .unwrap();
        Started {
            child,
            stdout: self.path("stdout"),
            stderr: self.path("stderr"),
        }
    }

    /// `import people.csv` with `--json`, started.
    pub(crate) fn start_import(&self) -> Started {
        self.start(&["import", "people.csv", "-m", "mapping.toml", "--json"])
    }

    /// The lines of `rows --json`, of the latest run.
    pub(crate) fn rows(&self) -> Vec<Value> {
        self.run(&["rows", "--json"]).exits(0).json_lines()
    }

    /// What became of the row in that line of the feed.
    #[track_caller]
    pub(crate) fn row(&self, line: u64) -> Value {
        let rows = self.rows();
        let found = rows.iter().find(|row| row["row"] == line);
        found
            .unwrap_or_else(|| panic!("no row {line} in {rows:#?}"))
            .clone()
    }

    /// Every byte that the journal left on the disk, as lower-case text.
    pub(crate) fn journal_text(&self) -> String {
        let mut text = String::new();
        for entry in fs::read_dir(self.folder.path()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name().to_string_lossy().starts_with("journal") {
                let bytes = fs::read(entry.path()).unwrap();
                text.push_str(&String::from_utf8_lossy(&bytes).to_lowercase());
            }
        }
        assert!(!text.is_empty(), "there is no journal");
        text
    }

    /// Checks the promise of promises: everybody of the feed stands on the
    /// LMS once, with the right content, and nobody else is there.
    #[track_caller]
    pub(crate) fn assert_everyone_once(&self, feed: &Feed) {
        let there = self.lms.people();
        for person in &feed.people {
            let found: Vec<_> = there
                .iter()
                .filter(|there| there["externalId"] == person.id)
                .collect();
            assert_eq!(found.len(), 1, "{} stands {found:#?}", person.id);
            for (field, wanted) in person.wanted() {
                assert_eq!(
                    found[0][field], *wanted,
                    "{field} of {}: {:#?}",
                    person.id, found[0]
                );
            }
        }
        assert_eq!(there.len(), feed.people.len(), "somebody else is there");
    }
}

/// The mapping that fits [`Feed`].
pub(crate) fn mapping(base_url: &str, target: &str, parts: &str) -> String {
    format!(
        r#"[target]
system = "kmi"
base_url = "{base_url}"
api_key = {{ env = "{KEY}" }}
api_secret = {{ env = "{SECRET}" }}
{target}
[fields]
externalId = "Employee ID"
email = {{ column = "Work e-mail", lower = true }}
firstName = "First name"
lastName = "Last name"
loginName = {{ column = "Login", lower = true }}
city = "City"
country = {{ column = "Country", map = {{ Netherlands = "NL", Germany = "DE" }}, default = "US" }}
expirationDate = {{ column = "End date", date = "%d-%m-%Y" }}
{parts}"#
    )
}

/// The program with nothing of the caller's environment that could bend it.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hrfeed"));
    for name in [
        "HRFEED_JOURNAL",
        "NO_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "RUST_LOG",
        KEY,
        SECRET,
    ] {
        command.env_remove(name);
    }
    command
}

/// The program without a world.
pub(crate) fn run(arguments: &[&str]) -> Ran {
    Ran::of(
        program()
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap(),
    )
}

/// A program under way. Killed when it is dropped.
pub(crate) struct Started {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Started {
    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert!(!status.success(), "it had ended before it was killed");
    }

    /// `kill -9`, unless it has ended by then: returns how.
    pub(crate) fn kill_unless_ended(mut self) -> Option<Ran> {
        // One that has ended cannot be killed.
        let _ended = self.child.kill();
        let status = self.child.wait().unwrap();
        // Killed by a signal, or on Windows with this code.
        let killed = if cfg!(windows) { Some(1) } else { None };
        (status.code() != killed).then(|| self.wait())
    }

    /// Ctrl-C.
    #[cfg(unix)]
    pub(crate) fn interrupt(&self) {
        let sent = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Whether it has said that on stderr by now.
    pub(crate) fn has_said(&self, words: &str) -> bool {
        read(&self.stderr).contains(words)
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ran {
        let status = self.child.wait().unwrap();
        Ran {
            code: status.code().unwrap_or(-1),
            stdout: read(&self.stdout),
            stderr: read(&self.stderr),
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// Waits until `holds`, at most half a minute.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "it never came that {what}"
        );
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// Runs all of `tests` at once; panics if one of them does.
pub(crate) fn side_by_side<F: FnOnce() + Send>(tests: impl IntoIterator<Item = F>) {
    std::thread::scope(|scope| {
        let threads: Vec<_> = tests.into_iter().map(|test| scope.spawn(test)).collect();
        let failed = threads
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .filter(Result::is_err)
            .count();
        assert_eq!(failed, 0, "so many of them failed");
    });
}

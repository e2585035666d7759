//! A world for a test: a folder, an LMS, a feed, a mapping, and the program.

pub(crate) mod archive;
pub(crate) mod compound;
#[cfg(target_os = "linux")]
pub(crate) mod disk;
pub(crate) mod feed;
pub(crate) mod gate;
pub(crate) mod holds;
pub(crate) mod lms;
pub(crate) mod schemas;

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hrfeed::clock;
use hrfeed::sandbox::{Faults, SandboxOptions};
use serde_json::Value;
use tempfile::TempDir;

use self::System::{AnewSpring, Kmi};
use self::lms::Lms;

pub(crate) use self::feed::{Feed, Person};

/// Where the mapping finds the key; no other program sets it.
pub(crate) const KEY: &str = "HRFEED_TEST_KEY";
pub(crate) const SECRET: &str = "HRFEED_TEST_SECRET";
/// Where the program finds the key by which earlier values are sealed.
pub(crate) const UNDO_KEY: &str = "HRFEED_UNDO_KEY";

/// What the LMS of a world is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    Kmi,
    AnewSpring,
}

/// Shows that something holds for each system, side by side: most of the time
/// is waiting. The thread that panics is called after the system.
pub(crate) fn on_each_system(test: impl Fn(System) + Sync) {
    let test = &test;
    std::thread::scope(|scope| {
        let threads = [Kmi, AnewSpring].map(|system| {
            std::thread::Builder::new()
                .name(format!("{system:?}"))
                .spawn_scoped(scope, move || test(system))
                .unwrap()
        });
        let failed = threads.map(|thread| thread.join().is_err());
        assert_eq!(failed, [false, false], "it fails for [Kmi, AnewSpring]");
    });
}

/// The arguments of [`World::import`].
pub(crate) const IMPORT: &[&str] = &["import", "people.csv", "-m", "mapping.toml", "--json"];

/// All that a test needs, and nothing that another test can see.
pub(crate) struct World {
    pub(crate) system: System,
    pub(crate) folder: TempDir,
    pub(crate) lms: Lms,
    pub(crate) key: &'static str,
    /// Where the mapping says that the LMS is.
    base_url: String,
    /// Who is on the LMS without an external ID, and nobody's business.
    strangers: u64,
    target: String,
    fields: String,
    parts: String,
}

/// How the program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: std::process::Output) -> Self {
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

    /// The notes of the JSON object.
    #[track_caller]
    pub(crate) fn notes(&self) -> Vec<String> {
        let notes = self.json()["notes"].as_array().unwrap().clone();
        let text = |note: &Value| note.as_str().unwrap().to_owned();
        notes.iter().map(text).collect()
    }

    /// The one JSON object on stdout, which is as its schema says.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.stdout.matches('\n').count(), 1, "{self:#?}");
        let object = serde_json::from_str(&self.stdout);
        let object = object.unwrap_or_else(|error| panic!("{error}: {self:#?}"));
        schemas::assert_object(&object, self.code);
        object
    }

    /// The JSON objects on stdout, one a line, each as its schema says.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        let lines = self.stdout.lines();
        let lines: Vec<_> = lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        for line in &lines {
            schemas::assert_line(line, self.code);
        }
        lines
    }

    /// One of the counts of the JSON object.
    #[track_caller]
    pub(crate) fn count(&self, outcome: &str) -> u64 {
        self.json()["counts"][outcome].as_u64().unwrap()
    }

    /// The requests of the proof at the end of the run.
    #[track_caller]
    pub(crate) fn proof_requests(&self) -> u64 {
        self.json()["proof"]["requests"].as_u64().unwrap_or(0)
    }

    /// All that was said.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl World {
    /// A world whose LMS has no faults and nobody in it.
    pub(crate) fn new(system: System) -> Self {
        Self::with(system, SandboxOptions::default())
    }

    /// A world whose LMS plays these faults.
    pub(crate) fn failing(system: System, faults: Faults) -> Self {
        let options = SandboxOptions {
            faults,
            ..SandboxOptions::default()
        };
        Self::with(system, options)
    }

    pub(crate) fn with(system: System, options: SandboxOptions) -> Self {
        let strangers = options.people;
        let lms = Lms::start(system, options);
        let it = Self {
            system,
            folder: TempDir::new().unwrap(),
            key: "test-key",
            base_url: lms.base_url(),
            lms,
            strangers,
            target: String::new(),
            fields: String::new(),
            parts: String::new(),
        };
        it.target("")
    }

    /// The same world with these lines in `[target]`. Unless they say
    /// otherwise, nothing slows a run down.
    pub(crate) fn target(mut self, lines: &str) -> Self {
        self.target = [
            ("requests_per_second", "requests_per_second = 5000\n"),
            ("max_in_flight", "max_in_flight = 8\n"),
            // What was lost is waited for so long.
            ("timeout", "timeout = \"4s\"\n"),
            ("settle_after", "settle_after = \"1s\"\n"),
        ]
        .into_iter()
        .filter(|(key, _)| !lines.contains(key))
        .map(|(_, line)| line)
        .collect();
        if !lines.is_empty() {
            self.target += lines;
            self.target.push('\n');
        }
        self.write_mapping();
        self
    }

    /// The same world with more lines in `[fields]`.
    pub(crate) fn fields(mut self, fields: &str) -> Self {
        self.fields = format!("{fields}\n");
        self.write_mapping();
        self
    }

    /// The same world with more parts in the mapping.
    pub(crate) fn parts(mut self, parts: &str) -> Self {
        self.parts = format!("{parts}\n");
        self.write_mapping();
        self
    }

    /// The same world with a mapping that says another address of the LMS.
    pub(crate) fn at(mut self, base_url: &str) -> Self {
        base_url.clone_into(&mut self.base_url);
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
        mapping(
            self.system,
            &self.base_url,
            &self.target,
            &format!("{}{}", self.fields, self.parts),
        )
    }

    pub(crate) fn write_mapping(&self) {
        let path = self.write("mapping.toml", self.mapping());
        schemas::assert_mapping(&path, &self.mapping());
    }

    /// Writes the feed as `people.csv`.
    pub(crate) fn feed(&self, feed: &Feed) {
        self.write("people.csv", feed.csv(self.system));
    }

    /// The program, in this world and in no other.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_with(arguments, &self.path("journal.db"))
    }

    /// [`World::command`] with another journal.
    pub(crate) fn command_with(&self, arguments: &[&str], journal: &Path) -> Command {
        let mut command = program();
        command
            .args(arguments)
            .arg("--journal")
            .arg(journal)
            .env(KEY, self.key)
            .env(SECRET, "test-s3cret")
            .env(UNDO_KEY, "a key of which nobody knows anything")
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

    /// The program with another journal.
    pub(crate) fn run_with(&self, arguments: &[&str], journal: &Path) -> Ran {
        let mut command = self.command_with(arguments, journal);
        Ran::of(command.stdin(Stdio::null()).output().unwrap())
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
        self.import_with(&[])
    }

    /// [`World::import`] with more arguments.
    pub(crate) fn import_with(&self, more: &[&str]) -> Ran {
        self.run(&[IMPORT, more].concat())
    }

    /// `plan people.csv` with `--json`.
    pub(crate) fn plan(&self) -> Ran {
        self.run(&["plan", "people.csv", "-m", "mapping.toml", "--json"])
    }

    /// The LMS's own number of the account with that external ID.
    #[track_caller]
    pub(crate) fn account(&self, external_id: &str) -> String {
        self.lms.person(external_id)[self.number()].to_string()
    }

    /// What the LMS calls its own number of an account.
    fn number(&self) -> &'static str {
        match self.system {
            Kmi => "id",
            AnewSpring => "uid",
        }
    }

    /// Each account of the LMS, by the LMS's own number.
    pub(crate) fn accounts(&self) -> BTreeMap<String, Value> {
        let number = self.number();
        let everybody = self.lms.everybody().into_iter();
        everybody
            .map(|account| (account[number].to_string(), account))
            .collect()
    }

    /// Checks that a run changes nothing on the LMS, and returns how it ended.
    #[track_caller]
    pub(crate) fn changes_nothing(&self, run: impl FnOnce(&Self) -> Ran) -> Ran {
        let before = self.accounts();
        let ran = run(self);
        // All of them would be no message that anybody could read.
        assert!(before == self.accounts(), "the LMS changed: {ran:#?}");
        ran
    }

    /// `resume` with `--json`.
    pub(crate) fn resume(&self) -> Ran {
        self.run(&["resume", "--json"])
    }

    /// The journal is gone.
    pub(crate) fn forget(&self) {
        for file in ["journal.db", "journal.db-wal", "journal.db-shm"] {
            let _perhaps_none = fs::remove_file(self.path(file));
        }
    }

    /// Writes the feed and imports it.
    pub(crate) fn import_feed(&self, feed: &Feed) -> Ran {
        self.feed(feed);
        self.import()
    }

    /// Writes the feed, imports it, and returns the requests that it took, without
    /// those of the proof at its end.
    #[track_caller]
    pub(crate) fn cost(&self, feed: &Feed, code: i32) -> BTreeMap<String, u64> {
        self.lms.reset_stats();
        let proof_requests = self.import_feed(feed).exits(code).proof_requests();
        let mut calls = self.lms.stats().by_call();
        let list = match self.system {
            Kmi => "GET users/",
            AnewSpring => "GET getUsers",
        };
        *calls.entry(list.to_owned()).or_default() -= proof_requests;
        calls.retain(|_, number| *number > 0);
        calls
    }

    /// Starts the program and lets it run; what it says goes to files.
    pub(crate) fn start(&self, arguments: &[&str]) -> Started {
        self.start_with(arguments, &self.path("journal.db"))
    }

    /// [`World::start`] with another journal.
    pub(crate) fn start_with(&self, arguments: &[&str], journal: &Path) -> Started {
        // Two of them may run at a time.
        let said = tempfile::tempdir().unwrap();
        let file = |name| File::create(said.path().join(name)).unwrap();
        let child = self
            .command_with(arguments, journal)
            .stdin(Stdio::null())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .unwrap();
        Started { child, said }
    }

    /// `import people.csv` with `--json`, started.
    pub(crate) fn start_import(&self) -> Started {
        self.start(IMPORT)
    }

    /// The lines of `rows --json`, of the latest run.
    pub(crate) fn rows(&self) -> Vec<Value> {
        self.run(&["rows", "--json"]).exits(0).json_lines()
    }

    /// The outcome of the row in that line of the feed.
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

    /// An account that an administrator created by hand for this person: with the
    /// login and the e-mail address and without the external ID.
    pub(crate) fn by_hand(&self, person: &Person) {
        let (login, email) = (person.login.to_lowercase(), person.email.to_lowercase());
        self.lms.by_hand(&login, &email);
    }

    /// Checks the promise of promises: everybody of the feed is on the LMS
    /// once, as the feed says in every part, and nobody else is there.
    #[track_caller]
    pub(crate) fn assert_everyone_once(&self, feed: &Feed) {
        let there = self.lms.people();
        let mut by_id: HashMap<_, Vec<_>> = HashMap::new();
        for person in &there {
            let id = person["externalId"].as_str().unwrap();
            by_id.entry(id).or_default().push(person);
        }
        for person in &feed.people {
            let found = by_id.remove(person.id.as_str()).unwrap_or_default();
            assert_eq!(found.len(), 1, "{} is there as {found:#?}", person.id);
            person.assert_is(self.system, found[0]);
        }
        assert!(by_id.is_empty(), "somebody else is there: {by_id:#?}");
        let strangers = (self.lms.everybody().len() - there.len()) as u64;
        assert_eq!(strangers, self.strangers, "somebody has no external ID");
    }
}

/// The mapping that fits [`Feed`].
fn mapping(system: System, base_url: &str, target: &str, more: &str) -> String {
    match system {
        Kmi => format!(
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
{more}"#
        ),
        AnewSpring => format!(
            r#"[target]
system = "anewspring"
base_url = "{base_url}"
api_key = {{ env = "{KEY}" }}
{target}
[fields]
userID = "Employee ID"
email = {{ column = "Work e-mail", lower = true }}
firstName = "First name"
lastName = "Last name"
login = {{ column = "Login", lower = true }}
residence = "City"
role = {{ column = "Roles", split = ";" }}
authorContentLabel = {{ column = "Author", split = ";", empty = "clear" }}
designerContentLabel = {{ column = "Designer", split = ";", empty = "clear" }}
group = {{ column = "Groups", split = ";", empty = "clear" }}
{more}"#
        ),
    }
}

/// Calls as a test writes them.
pub(crate) fn calls(wanted: &[(&str, u64)]) -> BTreeMap<String, u64> {
    wanted
        .iter()
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect()
}

/// The program with nothing of the caller's environment that could bend it.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hrfeed"));
    // Where the program keeps what it has to keep, on Linux: not in the tester's home.
    command.env(
        "XDG_STATE_HOME",
        concat!(env!("CARGO_TARGET_TMPDIR"), "/state"),
    );
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
    /// What it says goes to files here.
    said: TempDir,
}

impl Started {
    /// `kill -9`.
    pub(crate) fn kill(self) {
        let ended = self.kill_unless_ended();
        assert!(ended.is_none(), "it ended before it was killed: {ended:#?}");
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
        self.signal("INT");
    }

    /// The signal of that name.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Whether it has said that on stderr by now.
    pub(crate) fn has_said(&self, words: &str) -> bool {
        self.read("stderr").contains(words)
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ran {
        let status = self.child.wait().unwrap();
        Ran {
            code: status.code().unwrap_or(-1),
            stdout: self.read("stdout"),
            stderr: self.read("stderr"),
        }
    }
}

impl Started {
    /// What it has written to `stdout` or `stderr` by now.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.said.path().join(name)).unwrap()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Waits until `holds`: much longer than it takes, since machines are busy.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = clock::monotonic();
    while !holds() {
        assert!(
            begun.elapsed() < Duration::from_mins(3),
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
        assert_eq!(failed, 0, "that many of them failed");
    });
}

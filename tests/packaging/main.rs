//! What is in `packaging/`, with the tools that it is for: the package is installed, the image
//! is built and run, and every scheduler's command imports people into a mock LMS.
//!
//! `.ci/packaging` installs the tools; one that is missing fails the tests that need it. They
//! run as root, as dpkg does.
//!
//! ```sh
//! .ci/packaging && cargo test --features packaging --test packaging
//! ```
//!
//! `HRFEED_PROGRAM=PATH` names another program than the one that cargo has just built, such as
//! one that is about to be released.

// The tools are those of Linux.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[expect(dead_code, reason = "the tests of the program use the rest")]
#[path = "../support/mod.rs"]
mod support;

mod authority;
mod confined;
mod debian;
mod image;
mod schedulers;
mod scripts;
mod units;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::System::Kmi;
use crate::support::{Feed, KEY, SECRET, World};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[expect(
    clippy::disallowed_methods,
    reason = "where the tools are, and which program is packed"
)]
fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}

/// A tool of `.ci/packaging`, as a command.
#[track_caller]
fn tool(name: &str) -> Command {
    let installed = Path::new(ROOT).join("target/packaging");
    let own = ["bin", "python/bin"].map(|folder| installed.join(folder).join(name));
    let path = variable("PATH").unwrap_or_default();
    let found = (own.into_iter())
        .chain(std::env::split_paths(&path).map(|folder| folder.join(name)))
        .find(|path| path.is_file());
    let found = found.unwrap_or_else(|| {
        panic!(
            "`{name}` is not here: install it, and all else that is needed, with `.ci/packaging`"
        )
    });
    let mut command = Command::new(found);
    command.current_dir(ROOT);
    command
}

/// A script of the project, as a command.
fn script(path: &str) -> Command {
    Command::new(Path::new(ROOT).join(path))
}

/// What a command prints to stdout, and to stderr. Panics with both unless it succeeds.
#[track_caller]
fn succeed(command: &mut Command) -> (String, String) {
    let output = command.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{stdout}{stderr}",
        output.status
    );
    (stdout, stderr)
}

/// The program that is packed, without what a debugger needs.
fn program() -> &'static Path {
    static STRIPPED: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
        let folder = TempDir::new().unwrap();
        let built = variable("HRFEED_PROGRAM");
        let built = built.unwrap_or_else(|| env!("CARGO_BIN_EXE_hrfeed").into());
        let path = folder.path().join("hrfeed");
        succeed(tool("strip").arg("-o").arg(&path).arg(built));
        (folder, path)
    });
    &STRIPPED.1
}

/// A file of the project.
#[track_caller]
fn read(path: &str) -> String {
    let read = fs::read_to_string(Path::new(ROOT).join(path));
    read.unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What this line of Python prints as JSON. `path`, a file of the project, is its first argument.
#[track_caller]
fn python(line: &str, path: &str) -> Value {
    let mut command = tool("python");
    let (json, _) = succeed(command.args(["-c", line]).arg(Path::new(ROOT).join(path)));
    serde_json::from_str(&json).unwrap()
}

/// A mock LMS with a feed of ten people and a mapping for it, `people.csv` and `mapping.toml`,
/// that everybody may read. The keys are files of these names.
fn world(key: &str, secret: &str) -> World {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new(Kmi);
    world.feed(&feed());
    let mapping = world.mapping();
    let mapping =
        [(KEY, key), (SECRET, secret)]
            .into_iter()
            .fold(mapping, |mapping, (variable, file)| {
                let (env, file) = (
                    format!("env = \"{variable}\""),
                    format!("file = \"{file}\""),
                );
                assert!(mapping.contains(&env), "{mapping}");
                mapping.replace(&env, &file)
            });
    world.write("mapping.toml", mapping);
    fs::set_permissions(world.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    world
}

fn feed() -> Feed {
    Feed::of(10)
}

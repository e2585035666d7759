//! Feeds from other machines: the program against real servers on this machine.
//!
//! `.ci/servers` installs them: OpenSSH, and below `target/servers` `AsyncSSH`, Moto (S3),
//! Azurite (Azure) and an emulator of Google's storage. A server that is missing fails
//! the tests that ask it.
//!
//! ```sh
//! .ci/servers && cargo test --features remote --test remote
//! ```

// The servers are those of Unix.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[expect(dead_code, reason = "the tests of the program use the rest")]
#[path = "../support/mod.rs"]
mod support;

mod broken;
mod objects;
mod servers;
mod sftp;
mod web;

use std::fmt::Write as _;
use std::fs;

use sha2::{Digest as _, Sha256};

use crate::support::System::Kmi;
use crate::support::{Feed, Ran, World};

/// A world whose mapping has these lines in `[source]` and in `[source.remote]`.
fn world(source: &str, remote: &str) -> World {
    let world = World::new(Kmi).parts(&format!("[source]\n{source}\n[source.remote]\n{remote}"));
    // No key of the user who runs the tests is one of a test.
    fs::create_dir(world.path("home")).unwrap();
    world
}

/// Runs the program with more variables: `NAME=value`.
fn run(world: &World, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = world.command(arguments);
    command.env("HOME", world.path("home"));
    command.envs(variables.iter().copied());
    Ran::of(command.output().unwrap())
}

fn import(world: &World, address: &str, variables: &[(&str, &str)]) -> Ran {
    run(
        world,
        &["import", address, "-m", "mapping.toml", "--json"],
        variables,
    )
}

/// Checks that the import of an address ends so, says that, and changes nothing.
#[track_caller]
fn fails(world: &World, address: &str, variables: &[(&str, &str)], (code, why): (i32, &str)) {
    let ran = world.changes_nothing(|world| import(world, address, variables));
    let ran = ran.exits(code);
    assert!(ran.stderr.contains(why), "not `{why}`: {ran:#?}");
}

/// Checks that an address can be read, and returns which file was.
#[track_caller]
fn read(world: &World, address: &str, variables: &[(&str, &str)]) -> String {
    let arguments = ["check", address, "-m", "mapping.toml", "--json"];
    let ran = run(world, &arguments, variables).exits(0);
    ran.json()["feed"]["path"].as_str().unwrap().to_owned()
}

fn csv(people: usize) -> Vec<u8> {
    Feed::of(people).csv(Kmi)
}

fn sha256_of(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

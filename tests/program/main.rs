//! The program, through its command line, against the sandbox: what it does to
//! the LMS, and what it says of it. A file for each topic, for both systems
//! where the topic has two.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../support/mod.rs"]
mod support;

mod adopting;
mod bad_input;
mod encodings;
mod fatal;
mod fixtures;
mod groups;
mod history;
mod hostile;
mod import;
mod leavers;
mod parts;
mod plan_after_kill;
mod refused;
mod resume;
mod unknown_outcomes;
mod unreadable_cells;
mod write_outage;

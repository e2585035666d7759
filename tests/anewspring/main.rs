//! aNewSpring, through the binary: each call of the API where it is due, and
//! not more of them.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics; helpers are no tests to clippy"
)]

#[path = "../support/mod.rs"]
mod support;

mod adopting;
mod chaos;
mod doubts;
mod groups;
mod interrupted;
mod leavers;
mod parts;
mod refused;
mod school;

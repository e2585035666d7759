//! The sandbox over real HTTP: each call, each danger, each fault.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod beside;
mod calls;
mod dangers;
mod faults;
mod lifetime;
mod rehearsal;

//! The sandbox over real HTTP: each call, each danger, each fault.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod anewspring;
mod anewspring_calling;
mod anewspring_control_pages;
mod anewspring_faults;
mod anewspring_groups;
mod anewspring_users;
mod calls;
mod control_pages;
mod dangers;
mod faults;
mod lifetime;
mod rehearsal;

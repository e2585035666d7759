//! Feeds that are OpenPGP messages, as GnuPG writes them, read by the program.
//!
//! `cargo test --features openpgp --test openpgp`; needs `gpg`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod desk;
mod encrypted;
mod gnupg;
mod hostile;
mod keys;
mod signed;

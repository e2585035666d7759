//! Whether this process may open as many files as a run needs: what fails later for
//! want of one seldom says so.

use std::fs::File;

use super::exit::Failure;
use crate::model::Limit;

/// What a run needs beside what is open at its start: the feed and copies of it, the
/// journal, connections and what the runtimes of these have for themselves.
const NEEDED: usize = 32;

/// A file that is always there.
const NOTHING: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// Opens that many files and closes them again.
///
/// # Errors
/// There are fewer.
pub(super) fn are_enough() -> Result<(), Failure> {
    let mut open = Vec::with_capacity(NEEDED);
    for more in 0..NEEDED {
        match File::open(NOTHING) {
            Ok(file) => open.push(file),
            Err(error) => {
                // Without that file nothing is known.
                return match Limit::of(&error) {
                    Some(limit) => Err(Failure {
                        help: Some(limit.help().into()),
                        ..Failure::machine(format!(
                            "this process may open only {more} more files, and a run can need {NEEDED}"
                        ))
                    }),
                    None => Ok(()),
                };
            }
        }
    }
    Ok(())
}

//! The command `hrfeed`.

use std::process::ExitCode;

fn main() -> ExitCode {
    hrfeed::cli::main()
}

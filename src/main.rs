//! The command `hrfeed`.

fn main() {}

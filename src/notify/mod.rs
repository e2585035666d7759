//! What other programs hear of a run: one that is started, and one that is pinged over HTTP.
//!
//! Neither changes how the run ends. Each takes a bounded time, and what went wrong with it is
//! a sentence for a person, without an address: who knows that can say that all is well.

mod ping;
mod program;

pub use self::ping::{AddressError, PingError, Pinger, Signal};
pub use self::program::{Program, ProgramError};

//! What happened, in SQLite: runs, their rows, and the people that a scope's
//! target acknowledged.
//!
//! [`Journal`] reads; [`Writer`] sends records to the one thread that owns the
//! writing connection and commits in groups. What remains to be done is derived
//! at the start of a run and never stored at its end, since a killed run writes
//! no summary.
//!
//! # Invariants
//!
//! - An intent is on disk when its [`Commit`] resolves; the request may leave
//!   only then.
//! - An outcome and what it says about the person are one transaction.
//! - A row that is intended and not settled counts as unknown. The counts of a
//!   run add up to its rows after a cut at any commit.
//! - A commit of a run resolves only while the run holds its lock, and the journal's
//!   path leads to the file that was written.
//! - After the first failure nothing more is accepted: everybody who waits gets
//!   the failure, and the run must stop.
//! - No person's data that it could read: external IDs, the target's ids, fingerprints made with
//!   the journal's secret, codes, and messages that the caller has scrubbed. An API key is only part of a
//!   digest.
//! - A file that is not a journal, or is one of a newer hrfeed, is not touched.
//!
//! On Unix the file, its `-wal` and its `-shm` are readable for their owner
//! only. Windows has no such mode: there the journal's default place, inside
//! the user's profile folder, keeps other users out.

mod absences;
mod alive;
mod backup;
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
mod byte_lock;
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
#[path = "no_byte_lock.rs"]
mod byte_lock;
mod causes;
mod codes;
mod decide;
mod doubts;
mod earlier;
mod error;
mod forget;
mod health;
mod holds;
mod ids;
mod intents;
mod lock;
mod open;
mod parts;
mod past;
mod people;
mod place;
mod prune;
mod read;
mod records;
mod refused;
mod schema;
mod sent;
mod set_fields;
mod store;
mod update;
mod write;

#[cfg(test)]
mod tests;

pub use absences::{Absences, FeedFile, GoodFeed};
pub use codes::PersonState;
pub use decide::{Decided, HoldError, Verdict};
pub use doubts::{Doubt, DoubtKind, SentAgain, SentTwice};
pub use earlier::Undoable;
pub use error::JournalError;
pub use forget::{KnownScope, OfPerson};
pub use health::{Health, examine};
pub use holds::{
    APPROVAL_VALID_FOR, Decision, HeldPerson, Hold, HoldFilter, NewHold, SharedTexts, undecided,
};
pub use ids::{FeedKey, HoldId, HoldIdError, RunId, RunIdError, RunRef, Scope};
pub use intents::OpenIntent;
pub use lock::{Holder, LockError, ScopeLock};
pub use open::Journal;
pub use parts::{Acknowledged, GroupNow, KnownGroup};
pub use past::Past;
pub use people::{Known, KnownIdentity, OfOtherKey, PersonNow, Refreshed, SeenPerson};
pub use prune::{AllLocks, KeptFor, Needed, Pack, Packed, Prunable, Pruning};
pub use read::{RowEntry, RowFilter, Run, SettledRow};
pub use records::{Intent, Resumption, RunChange, RunStart, Settled};
pub use refused::RefusedBefore;
pub use sent::STATE_OF_NONE;
pub use write::{Commit, Writer};

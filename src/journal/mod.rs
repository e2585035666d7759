//! What happened, in SQLite.

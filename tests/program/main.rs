//! The program, through its command line, against the sandbox: what it does to
//! the LMS, and what it says of it. A file for each topic, for both systems
//! where the topic has two.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "../support/mod.rs"]
mod support;

mod adopting;
mod approvals;
mod as_wanted;
mod audit;
mod bad_input;
mod books;
mod bounds;
mod closed_streams;
mod column_names;
mod corrected;
mod dates;
mod deciding;
mod deltas;
mod doctor;
mod dry_runs;
mod encodings;
mod fatal;
mod first_mappings;
mod fixtures;
mod forgetting;
mod groups;
mod history;
mod holds;
mod hostile;
mod identity;
mod ids;
mod import;
mod joined;
mod json_objects;
mod kept_plans;
mod key_expiry;
mod killed_approvals;
mod killed_rekeys;
mod known_people;
mod late;
mod leavers;
mod log_format;
mod lost;
mod lost_journals;
mod marked;
mod migrating;
mod metrics;
mod no_people;
mod notify;
mod odd_rows;
mod one_at_a_time;
mod order;
mod parts;
mod patience;
mod picked_up;
mod plan_after_kill;
mod proof;
mod pruning;
mod quotes;
mod read_files;
mod refused;
mod renamed_mapping;
mod replaced_key;
mod renumbered_leavers;
mod resume;
mod schemas;
mod set_aside;
mod several_files;
mod sent_back;
mod sent_back_cells;
mod sick_feeds;
mod taken_ids;
mod telling;
mod two_feeds;
mod undoing;
mod unknown_outcomes;
mod unlisted_accounts;
mod values;
mod unreadable_cells;
mod write_outage;
mod workbooks;
mod written_files;

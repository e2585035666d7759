//! hrfeed takes the people file that an HR system exports and makes an LMS
//! agree with it.
//!
//! The modules are in the order in which they are read. First the few that the
//! others share: [`model`] has the words of hrfeed as types, [`event`] says what
//! happens, [`clock`] what time it is, [`schema`] what differs between systems,
//! [`retry`] what an answer means, [`files`] what a file holds, [`headers`] what columns
//! are called.
//!
//! Then the way of a row: [`pickup`] finds the file, [`feed`] reads it, [`mapping`] turns a row into
//! a person, [`validate`] finds what is wrong with the person, [`plan`] decides
//! what must change, [`upload`] changes it, [`targets`] translates each change
//! for the LMS, [`journal`] remembers. [`run`] leads a feed through all of them.
//!
//! Last what is around a run: [`report`] shows it to people, [`notify`] says to other
//! programs how it ended, [`suggest`] writes a first mapping for a feed, [`sandbox`] is an
//! LMS to rehearse on, and [`cli`] ties everything to a command line. `ARCHITECTURE.md` is
//! the map.

pub mod model;
pub mod event;
pub mod clock;
pub mod schema;
pub mod retry;
pub mod files;
pub mod headers;

pub mod pickup;
pub mod feed;
pub mod mapping;
pub mod validate;
pub mod plan;
pub mod upload;
pub mod targets;
pub mod journal;
pub mod run;

pub mod report;
pub mod notify;
pub mod suggest;
pub mod sandbox;

pub mod cli;

//! hrfeed takes the people file that an HR system exports and makes an LMS
//! agree with it.
//!
//! The modules stand in the order in which a row passes them: [`feed`] reads
//! the file, [`mapping`] makes a row a person, [`validate`] says what is wrong
//! with it, [`plan`] decides what must change, [`upload`] does it through a
//! [`targets`], [`journal`] remembers. [`run`] leads a feed through all of
//! them, [`report`] tells people. [`sandbox`] is an LMS to rehearse on, and
//! [`cli`] ties all of it to a command line.

pub mod clock;
pub mod event;
pub mod model;

pub mod retry;
pub mod schema;

pub mod feed;
pub mod mapping;
pub mod validate;
pub mod plan;
pub mod upload;
pub mod targets;
pub mod journal;
pub mod run;
pub mod report;
pub mod sandbox;

pub mod cli;

//! How far a run is, on stderr.
//!
//! [`Tally`] adds up the events and puts them in words; [`bars`] and [`plain`]
//! only differ in how and when they show them.

mod bars;
mod fields;
mod plain;
mod tally;

use std::io;

use super::Style;
use crate::clock::{self, Clock};
use crate::event::{Listener, NoListener};
use plain::{Form, Lines};
use tally::Tally;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgressMode {
    /// Bars that move: for a terminal.
    Bars,
    /// A line now and then: for a log, a cron mail, a pipe.
    Lines,
    /// The same as JSON objects, with the date of this clock.
    Json(Clock),
    /// Not at all.
    Silent,
}

/// A listener that shows progress on stderr. It leaves nothing on a terminal
/// after [`crate::event::Event::Finished`] or once it is dropped: do either
/// before an error is printed.
#[must_use]
pub fn progress(mode: ProgressMode, style: &Style) -> Box<dyn Listener> {
    match mode {
        ProgressMode::Bars => Box::new(bars::Bars::on_stderr(*style)),
        ProgressMode::Lines => lines(Form::Text),
        ProgressMode::Json(clock) => lines(Form::Json(clock)),
        ProgressMode::Silent => Box::new(NoListener),
    }
}

fn lines(form: Form) -> Box<dyn Listener> {
    Box::new(Lines::new(io::stderr(), form, clock::monotonic))
}

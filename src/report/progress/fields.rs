//! Events as fields of the log.

use serde_json::{Value, to_value};

use crate::event::Event;
use crate::report::log::{Level, LogFields, log_fields};

/// What an event is called in the log, how important it is, and what it has to say. Those of
/// single rows and requests have no line of their own: their numbers are in those of the others.
pub(super) fn of_event(event: &Event<'_>) -> (&'static str, Level, LogFields) {
    let (word, fields) = match *event {
        Event::LockAwaited { holder } => ("lock_awaited", log_fields([("holder", holder.into())])),
        Event::ReadStarted { bytes } => ("read_started", log_fields([("bytes", bytes.into())])),
        Event::JoinStarted { file, bytes } => (
            "join_started",
            log_fields([
                ("file", file.trim_matches('`').into()),
                ("bytes", bytes.into()),
            ]),
        ),
        Event::ReadFinished {
            rows,
            skipped,
            rejected,
        } => (
            "read_finished",
            log_fields([
                ("rows", rows.into()),
                ("skipped", skipped.into()),
                ("rejected", rejected.into()),
            ]),
        ),
        Event::SurveyStarted { unknown_people } => (
            "survey_started",
            log_fields([("unknown_people", unknown_people.into())]),
        ),
        Event::SettleStarted { unknown } => {
            ("settle_started", log_fields([("unknown", unknown.into())]))
        }
        Event::Planned { counts, effects } => (
            "planned",
            log_fields([("counts", json(counts)), ("effects", json(&effects))]),
        ),
        Event::EarlierStarted { people } => {
            ("earlier_started", log_fields([("people", people.into())]))
        }
        Event::SendStarted { run, changes } => (
            "send_started",
            log_fields([("run", run.into()), ("changes", changes.into())]),
        ),
        Event::VerifyStarted { people } => {
            ("verify_started", log_fields([("people", people.into())]))
        }
        Event::Paused { why, wait, down } => {
            let fields = [
                ("why", why.into()),
                ("wait_seconds", wait.as_secs_f64().into()),
                ("down_seconds", down.map(|down| down.as_secs_f64()).into()),
            ];
            return ("paused", Level::Warn, log_fields(fields));
        }
        Event::Continued => ("continued", LogFields::new()),
        Event::Slowed { per_second, why } => {
            let fields = [("per_second", per_second.into()), ("why", why.into())];
            return ("slowed", Level::Warn, log_fields(fields));
        }
        Event::FullSpeed => ("full_speed", LogFields::new()),
        Event::Stopping { why, in_flight } => {
            let fields = [("why", why.into()), ("in_flight", in_flight.into())];
            return ("stopping", Level::Warn, log_fields(fields));
        }
        Event::ReadProgress { .. }
        | Event::SurveyProgress { .. }
        | Event::SettleProgress { .. }
        | Event::Settled { .. }
        | Event::Called(_)
        | Event::Finished => ("progress", LogFields::new()),
    };
    (word, Level::Info, fields)
}

/// A value of counts alone always is one of JSON.
pub(super) fn json(value: &impl serde::Serialize) -> Value {
    to_value(value).unwrap_or_default()
}

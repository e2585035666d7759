//! `--log-format` and `-v`: what stderr gets, line by line.

use std::fmt;
use std::io::Write;

use clap::ValueEnum;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Clock;
use crate::report::{Level, LogFields, LogLine};

/// What a line on stderr is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Sentences for people
    #[default]
    Text,
    /// One JSON object a line, for programs that collect logs
    Json,
}

impl LogFormat {
    /// What arguments ask for that are wrong otherwise.
    pub(super) fn of_arguments() -> Self {
        let arguments: Vec<_> = std::env::args_os().collect();
        let is_json = |pair: &[std::ffi::OsString]| match pair {
            [one] | [one, _] if one == "--log-format=json" => true,
            [option, value] => option == "--log-format" && value == "json",
            _ => false,
        };
        let last = arguments.last().map(std::slice::from_ref);
        if arguments.windows(2).any(is_json) || last.is_some_and(is_json) {
            Self::Json
        } else {
            Self::Text
        }
    }
}

/// Writes a line of the log to stderr.
pub(super) fn write_line(line: &LogLine<'_>) {
    let line = line.to_json(Clock::system().now());
    // With stderr closed there is nothing left to do. In one piece: others write there, too.
    let _gone = std::io::stderr().lock().write_all(line.as_bytes());
}

/// Begins to log what hrfeed does, as often as `-v` was given.
pub(super) fn begin(verbose: u8, format: LogFormat, color: bool) {
    let level = match verbose {
        0 => return,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let log = tracing_subscriber::fmt()
        .with_writer(|| Lossy(std::io::stderr()))
        .with_max_level(level)
        // It would be printed where the log itself cannot be, and panic.
        .log_internal_errors(false);
    // A second subscriber in one process is a test's, and the first is as good.
    let _set_before = match format {
        LogFormat::Text => log.with_ansi(color).with_target(false).try_init(),
        LogFormat::Json => log.with_ansi(false).event_format(Json).try_init(),
    };
}

/// The log's events as the other lines on stderr.
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut said = Said::default();
        event.record(&mut said);
        let line = LogLine {
            level: match *event.metadata().level() {
                tracing::Level::ERROR => Level::Error,
                tracing::Level::WARN => Level::Warn,
                tracing::Level::INFO => Level::Info,
                tracing::Level::DEBUG => Level::Debug,
                tracing::Level::TRACE => Level::Trace,
            },
            event: "log",
            message: &said.message,
            fields: said.fields,
        };
        writer.write_str(&line.to_json(Clock::system().now()))
    }
}

/// What an event of the log says.
#[derive(Default)]
struct Said {
    message: String,
    fields: LogFields,
}

impl Said {
    fn add(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(message)) => self.message = message,
            (name, value) => {
                self.fields.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        let short = u64::try_from(value).map(Value::from);
        self.add(field, short.unwrap_or_else(|_| value.to_string().into()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value.into());
    }
}

/// A writer that loses what it cannot write: the reader of a log may go away, or its disk
/// be full, and the run goes on.
struct Lossy<W>(W);

impl<W: Write> Write for Lossy<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(self.0.write(bytes).unwrap_or(bytes.len()))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        // What was lost stays lost.
        let _lost = self.0.flush();
        Ok(())
    }
}

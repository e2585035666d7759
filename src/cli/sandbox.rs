//! `hrfeed sandbox`: a local mock LMS with both APIs.

use std::time::Duration;

use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;

use super::context::Context;
use super::exit::{Exit, Failure};
use crate::sandbox::{Faults, Lists, Sandbox, SandboxError, SandboxOptions};

/// Arguments of `sandbox`.
#[derive(Debug, Args)]
pub(super) struct SandboxArgs {
    /// Listen on this port of 127.0.0.1 (0 for any free port)
    #[arg(long, default_value_t = 8087, value_name = "PORT")]
    port: u16,
    /// Start with this many people in each API, without external IDs
    #[arg(long, default_value_t = 0, value_name = "N")]
    people: u64,
    /// Seed the random faults and people (same number, same result)
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    #[command(
        flatten,
        next_help_heading = "Faults (SHARE of the requests, from 0 to 1)"
    )]
    faults: FaultArgs,
}

#[derive(Debug, Args)]
struct FaultArgs {
    /// Answer 429 above this many requests per second
    #[arg(long, value_name = "N")]
    rate_limit: Option<u32>,
    /// Answer 429 with `Retry-After: 0`, whatever the rate
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    throttled: f64,
    /// Write `Retry-After` as a date where it is more than 0
    #[arg(long)]
    dated_waits: bool,
    /// Delay every answer by this many milliseconds
    #[arg(long, default_value_t = 0, value_name = "MS")]
    latency: u64,
    /// Add a random delay of up to this many milliseconds
    #[arg(long, default_value_t = 0, value_name = "MS")]
    latency_jitter: u64,
    /// Process at most this many requests at once; others wait
    #[arg(long, value_name = "N")]
    capacity: Option<u32>,
    /// Answer 500 without doing anything
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    errors: f64,
    /// Answer 503 with `Retry-After: 1` without doing anything
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    unavailable: f64,
    /// Drop the connection without doing anything
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    lost_before: f64,
    /// Apply the change, then drop the connection without an answer
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    lost_answers: f64,
    /// Drop the connection, and apply the change later
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    late: f64,
    /// Apply late changes after this many milliseconds
    #[arg(long, default_value_t = 10_000, value_name = "MS")]
    late_for: u64,
    /// Apply the change, then cut off the answer
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    cut: f64,
    /// Answer with a proxy's HTML page, whether applied or not
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    garbage: f64,
    /// Answer with another person's record
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    wrong_person: f64,
    /// Refuse with 400
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    refuse: f64,
    /// Answer every change of one person with this status (repeatable)
    #[arg(long, value_name = "ID=STATUS", value_parser = odd_row)]
    odd_row: Vec<(String, u16)>,
    /// Refuse every change with 422 and these words
    #[arg(long, value_name = "WORDS")]
    refuse_all: Option<String>,
    /// Create the person a second time
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    twins: f64,
    /// Let several people have one login
    #[arg(long)]
    shared_logins: bool,
    /// Have a clock that is this many seconds ahead (below 0: behind)
    #[arg(
        long,
        default_value_t = 0,
        value_name = "SECONDS",
        allow_negative_numbers = true
    )]
    clock_skew: i32,
    /// Answer slowly
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    slow: f64,
    /// Delay slow answers by this many milliseconds
    #[arg(long, default_value_t = 5_000, value_name = "MS")]
    slow_for: u64,
    /// Hide the first N people from every API key, as though they were not there
    #[arg(long, default_value_t = 0, value_name = "N")]
    lost_sight: u32,
    /// Do not find people by external ID for this many milliseconds after they came
    #[arg(long, default_value_t = 0, value_name = "MS")]
    lag: u64,
    /// Find nobody by external ID
    #[arg(long)]
    blind_look_ups: bool,
    /// List only the first people of a page
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    short_lists: f64,
    /// List everybody, nobody, or everybody without external IDs
    #[arg(long, value_enum, default_value_t = ListsArg::Whole)]
    lists: ListsArg,
    /// Go down after this many requests
    #[arg(long, value_name = "N")]
    down_after: Option<u64>,
    /// Stay down for this many milliseconds
    #[arg(long, default_value_t = 30_000, value_name = "MS")]
    down_for: u64,
}

/// Where it is, in the object of `--json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Running {
    /// Its address.
    base_url: String,
    /// The port of this machine.
    port: u16,
}

/// What lists show.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ListsArg {
    Whole,
    Empty,
    Nameless,
}

/// Reads `ID=STATUS`.
fn odd_row(text: &str) -> Result<(String, u16), String> {
    let row = text.rsplit_once('=').and_then(|(id, status)| {
        let status = status.parse().ok()?;
        (!id.is_empty()).then(|| (id.to_owned(), status))
    });
    row.ok_or_else(|| "use an external ID and a status, such as `E7=403`".to_owned())
}

pub(super) fn run(context: &Context, args: &SandboxArgs) -> Result<Exit, Failure> {
    let faults = &args.faults;
    let sandbox = Sandbox::start(SandboxOptions {
        port: args.port,
        people: args.people,
        seed: args.seed,
        faults: Faults {
            requests_per_second: faults.rate_limit,
            throttled: faults.throttled,
            dated_waits: faults.dated_waits,
            latency: Duration::from_millis(faults.latency),
            latency_jitter: Duration::from_millis(faults.latency_jitter),
            capacity: faults.capacity,
            errors: faults.errors,
            unavailable: faults.unavailable,
            lost_before: faults.lost_before,
            lost_after: faults.lost_answers,
            late: faults.late,
            late_for: Duration::from_millis(faults.late_for),
            cut: faults.cut,
            garbage: faults.garbage,
            wrong_person: faults.wrong_person,
            slow: faults.slow,
            slow_for: Duration::from_millis(faults.slow_for),
            refuse: faults.refuse,
            odd_rows: faults.odd_row.iter().cloned().collect(),
            refuse_all: faults.refuse_all.clone(),
            twins: faults.twins,
            shared_logins: faults.shared_logins,
            clock_skew: faults.clock_skew,
            lost_sight: faults.lost_sight,
            lag: Duration::from_millis(faults.lag),
            blind_look_ups: faults.blind_look_ups,
            short_lists: faults.short_lists,
            lists: match faults.lists {
                ListsArg::Whole => Lists::Whole,
                ListsArg::Empty => Lists::Empty,
                ListsArg::Nameless => Lists::Nameless,
            },
            down_after: faults.down_after,
            down_for: Duration::from_millis(faults.down_for),
        },
    })
    .map_err(|error| match error {
        SandboxError::Faults(_) | SandboxError::TooManyPeople { .. } => Failure {
            exit: Exit::Usage,
            what: error.to_string(),
            help: None,
        },
        error => Failure::machine(error.to_string()),
    })?;
    let url = sandbox.base_url();
    if context.json {
        let message = format!("The mock LMS runs at {url}, until it is stopped.");
        let port = sandbox.port();
        let running = Running {
            base_url: url,
            port,
        };
        context.print_object(running, Exit::Done, message)?;
    } else {
        context.print(&format!(
            "Mock LMS running at {url} (stop it with Ctrl-C).\n\
             It serves the KMI and aNewSpring APIs; open the address for a description.\n\
             In a mapping:  base_url = \"{url}\" (any API key and secret will do)\n\
             Its people:    {url}/sandbox/users\n\
             Its requests:  {url}/sandbox/stats\n"
        ))?;
    }
    let stop = context.stop();
    while !stop.wait(Duration::from_hours(1)) {}
    drop(sandbox);
    Ok(Exit::Done)
}

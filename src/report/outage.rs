//! When the LMS kept a run waiting.

use jiff::Zoned;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::summary::flow;
use super::text::{counted, span};
use super::{Style, sanitize};

/// The most outages that a person reads: the longest.
const SHOWN: usize = 5;

/// A time in which the LMS let nothing be done: an entry of `outages`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OutageLine {
    /// When it began, in the reader's time zone.
    #[serde(serialize_with = "instant")]
    #[schemars(with = "jiff::Timestamp")]
    pub from: Zoned,
    /// How long it lasted.
    pub seconds: u64,
    /// Why, as a fragment of a sentence.
    pub reason: String,
}

/// An instant for scripts: RFC 3339, UTC, as those of the run.
fn instant<S: Serializer>(time: &Zoned, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{:.3}", time.timestamp()))
}

impl OutageLine {
    /// When it began and how long it lasted: `2026-11-27 02:14 for 12 min 05 s`.
    fn when(&self) -> [String; 2] {
        let from = self.from.strftime("%Y-%m-%d %H:%M");
        [from.to_string(), format!("for {}", span(self.seconds))]
    }

    /// The longest outages in the order of time, and how many others there are, as cells:
    /// when, how long, why.
    pub(super) fn listed(outages: &[Self]) -> Vec<[String; 3]> {
        let mut longest: Vec<_> = outages.iter().enumerate().collect();
        longest.sort_by_key(|(at, outage)| (std::cmp::Reverse(outage.seconds), *at));
        let others = longest.split_off(longest.len().min(SHOWN));
        longest.sort_by_key(|(at, _)| *at);
        let lines = longest.into_iter().map(|(_, outage)| {
            let [from, lasted] = outage.when();
            [from, lasted, sanitize(&outage.reason).into_owned()]
        });
        let mut lines: Vec<_> = lines.collect();
        if !others.is_empty() {
            let seconds = others.iter().map(|(_, outage)| outage.seconds).sum();
            let shorter = counted(others.len() as u64, "shorter one", "shorter ones");
            let lasted = format!("for {}", span(seconds));
            lines.push([String::new(), lasted, format!("{shorter} together")]);
        }
        lines
    }
}

/// The outages as lines of a summary.
pub(super) fn outage_lines(outages: &[OutageLine], style: &Style) -> Vec<String> {
    let listed = OutageLine::listed(outages).into_iter();
    let lines = listed.flat_map(|[from, lasted, why]| {
        let line = match from.as_str() {
            "" => format!("{why} {lasted}"),
            from => format!("{from} {lasted}: {why}"),
        };
        flow("    ", &line, style)
    });
    lines.collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn outage(minute: u32, seconds: u64) -> OutageLine {
        OutageLine {
            from: format!("2026-11-21T02:{minute:02}:00+01:00[Europe/Amsterdam]")
                .parse()
                .unwrap(),
            seconds,
            reason: "the LMS is unavailable (HTTP 503)".into(),
        }
    }

    #[test]
    fn the_longest_outages_are_listed_in_their_order_and_the_others_are_added_up() {
        let outages: Vec<_> = (1..=7)
            .map(|at| outage(at, 100 - 10 * u64::from(at % 3)))
            .collect();
        let style = Style {
            width: 80,
            ..Style::piped()
        };
        insta::assert_snapshot!(outage_lines(&outages, &style).join("\n"), @"
        2026-11-21 02:01 for 1 min 30 s: the LMS is unavailable (HTTP 503)
        2026-11-21 02:03 for 1 min 40 s: the LMS is unavailable (HTTP 503)
        2026-11-21 02:04 for 1 min 30 s: the LMS is unavailable (HTTP 503)
        2026-11-21 02:06 for 1 min 40 s: the LMS is unavailable (HTTP 503)
        2026-11-21 02:07 for 1 min 30 s: the LMS is unavailable (HTTP 503)
        2 shorter ones together for 2 min 40 s
        ");
        assert_eq!(
            serde_json::to_string(&outages[0]).unwrap(),
            r#"{"from":"2026-11-21T01:01:00.000Z","seconds":90,"reason":"the LMS is unavailable (HTTP 503)"}"#
        );
    }
}

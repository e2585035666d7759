//! The bars of the page, in the chart's own units.

use serde::Serialize;

use super::Throughput;
use crate::model::{Counts, Outcome};
use crate::report::text::{count, counted, duration, span};

/// The chart's width and height in its own units; the page stretches it.
const WIDTH: f64 = 1_000.0;
const HEIGHT: f64 = 200.0;

/// What the template draws.
#[derive(Debug, Serialize)]
pub(super) struct Chart {
    width: f64,
    height: f64,
    parts: Vec<Part>,
    /// Lines across, with their labels, the highest first.
    levels: Vec<Tick>,
    /// Times below, the start first.
    times: Vec<String>,
    /// The outcomes that occur, from the ground up.
    legend: Vec<Key>,
    /// What a bar counts.
    unit: String,
    /// The chart in words, for screen readers.
    alternative: String,
}

#[derive(Debug, Serialize)]
struct Part {
    kind: &'static str,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

#[derive(Debug, Serialize)]
struct Tick {
    label: String,
    y: f64,
}

#[derive(Debug, Serialize)]
struct Key {
    kind: &'static str,
    total: String,
}

/// The outcomes that a run arrives at, from the ground up.
const STACK: [Outcome; 9] = [
    Outcome::Created,
    Outcome::Updated,
    Outcome::Unchanged,
    Outcome::Deactivated,
    Outcome::Deleted,
    Outcome::Set,
    Outcome::Rejected,
    Outcome::Failed,
    Outcome::Unknown,
];

fn height_of(counts: &Counts) -> u64 {
    STACK.iter().map(|&outcome| counts.of(outcome)).sum()
}

/// Lays the bars out. `None` where nothing was sent.
pub(super) fn chart(throughput: &Throughput) -> Option<Chart> {
    let slots = throughput.slots();
    let busiest = slots.iter().map(height_of).max().filter(|&most| most > 0)?;
    let top = round_up(busiest);
    let step = WIDTH / slots.len() as f64;
    let scale = HEIGHT / top as f64;
    let mut parts = Vec::new();
    for (at, counts) in slots.iter().enumerate() {
        let mut below = 0;
        for outcome in STACK {
            let number = counts.of(outcome);
            below += number;
            if number > 0 {
                parts.push(Part {
                    kind: outcome.word(),
                    x: tidy(at as f64 * step + step * 0.06),
                    y: tidy(HEIGHT - below as f64 * scale),
                    width: tidy(step * 0.88),
                    height: tidy(number as f64 * scale),
                });
            }
        }
    }
    let seconds = throughput.slot_seconds();
    let whole = seconds.saturating_mul(slots.len() as u64);
    let total: u64 = slots.iter().map(height_of).sum();
    let key = |outcome: Outcome| {
        let number = slots.iter().map(|slot| slot.of(outcome)).sum();
        (number > 0).then(|| Key {
            kind: outcome.word(),
            total: count(number),
        })
    };
    let legend: Vec<Key> = STACK.into_iter().filter_map(key).collect();
    let slot = if seconds == 1 {
        "second".to_owned()
    } else {
        span(seconds)
    };
    let totals = legend
        .iter()
        .map(|key| format!("{} {}", key.total, key.kind));
    let totals: Vec<_> = totals.collect();
    Some(Chart {
        width: WIDTH,
        height: HEIGHT,
        parts,
        levels: [Some(top), top.is_multiple_of(2).then_some(top / 2), Some(0)]
            .into_iter()
            .flatten()
            .map(|level| Tick {
                label: count(level),
                y: tidy(HEIGHT - level as f64 * scale),
            })
            .collect(),
        times: vec![
            "start".to_owned(),
            duration(whole as f64 / 2.0),
            span(whole),
        ],
        unit: format!("people per {slot}"),
        alternative: format!(
            "Bar chart of {} over {}: {}. The busiest {slot} had {}.",
            counted(total, "person", "people"),
            span(whole),
            totals.join(", "),
            count(busiest)
        ),
        legend,
    })
}

/// The next number that reads well on an axis: 1, 2, 3, 4, 6, 8, 10, 20, …
fn round_up(number: u64) -> u64 {
    let mut power: u64 = 1;
    loop {
        for step in [1, 2, 3, 4, 6, 8] {
            let level = power.saturating_mul(step);
            if level >= number {
                return level;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// Two digits after the point are more than a screen shows.
fn tidy(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_sent_is_no_chart() {
        assert!(chart(&Throughput::default()).is_none());
        let mut throughput = Throughput::default();
        throughput.add(3.0, Outcome::Pending);
        assert!(chart(&throughput).is_none());
    }

    #[test]
    fn the_chart_is_described_in_words_too() {
        let mut throughput = Throughput::default();
        for at in 0..20 {
            throughput.add(f64::from(at) / 5.0, Outcome::Created);
        }
        throughput.add(3.0, Outcome::Rejected);
        let chart = chart(&throughput).unwrap();
        insta::assert_snapshot!(chart.alternative, @"Bar chart of 21 people over 4 s: 20 created, 1 rejected. The busiest second had 6.");
        insta::assert_snapshot!(chart.unit, @"people per second");
    }

    #[test]
    fn axes_end_at_numbers_that_read_well() {
        for (most, top) in [
            (1, 1),
            (3, 3),
            (5, 6),
            (21, 30),
            (100, 100),
            (u64::MAX, u64::MAX),
        ] {
            assert_eq!(round_up(most), top);
        }
    }

    proptest! {
        #[test]
        fn every_part_lies_inside_the_chart(
            slots in prop::collection::vec((0..500u64, 0..3u64), 1..60),
        ) {
            let mut throughput = Throughput::default();
            for (at, &(created, rejected)) in slots.iter().enumerate() {
                for _ in 0..created { throughput.add(at as f64, Outcome::Created); }
                for _ in 0..rejected { throughput.add(at as f64, Outcome::Rejected); }
            }
            for part in chart(&throughput).iter().flat_map(|chart| &chart.parts) {
                prop_assert!(part.x >= 0.0 && part.x + part.width <= WIDTH + 0.02);
                prop_assert!(part.y >= -0.02 && part.y + part.height <= HEIGHT + 0.02);
            }
        }
    }
}

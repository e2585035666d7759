//! Progress as bars that move: the only file that knows indicatif.
//!
//! One bar at a time. It is removed where its stage ends, when the run is
//! over, and when the listener is dropped, so nothing is ever left behind.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::Tally;
use super::plain::awaiting;
use super::tally::{Pause, Stage};
use crate::clock;
use crate::event::{Event, Listener};
use crate::report::effects::in_words;
use crate::report::text::counted;
use crate::report::{Style, sanitize};

/// How often a bar is drawn without an event, for the spinner and the rest of a
/// pause.
const TICK: Duration = Duration::from_millis(120);

/// How often the words behind a bar change: nobody reads faster.
const REWORD: Duration = Duration::from_millis(250);

/// The figures of a bar that counts what is done.
const DONE: &str = "{human_pos}/{human_len}{pause}";

/// Where a bar is drawn.
type Target = Box<dyn Fn() -> ProgressDrawTarget>;

pub(super) struct Bars {
    style: Style,
    target: Target,
    tally: Tally,
    bar: Option<ProgressBar>,
    worded: Option<Instant>,
    /// The one thing that changes without an event: read by the thread that
    /// draws.
    pause: Arc<Mutex<Option<Pause>>>,
}

impl Bars {
    pub(super) fn on_stderr(style: Style) -> Self {
        Self::new(style, Box::new(ProgressDrawTarget::stderr))
    }

    fn new(style: Style, target: Target) -> Self {
        Self {
            style,
            target,
            tally: Tally::default(),
            bar: None,
            worded: None,
            pause: Arc::default(),
        }
    }

    /// Puts a bar up; one without a `length` is a spinner.
    fn put(&mut self, title: String, length: Option<u64>, figures: &str) {
        self.take();
        let bar = ProgressBar::with_draw_target(length, (self.target)())
            .with_style(self.bar_style(length.is_some(), figures))
            .with_prefix(title);
        bar.enable_steady_tick(TICK);
        self.bar = Some(bar);
    }

    fn take(&mut self) {
        self.worded = None;
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Leaves a line above the bars.
    fn say(&self, line: &str) {
        let bar = ProgressBar::with_draw_target(None, (self.target)());
        bar.println(line);
        bar.finish_and_clear();
    }

    fn bar_style(&self, has_length: bool, figures: &str) -> ProgressStyle {
        let bar = match (has_length, self.style.color) {
            (false, _) => "",
            (true, false) => "{bar:24} ",
            (true, true) => "{bar:24.cyan/dim} ",
        };
        let template = format!("{{spinner}} {{prefix}} {bar}{figures}{{wide_msg}}");
        let pause = Arc::clone(&self.pause);
        // The text before it takes some 54 columns; a line that wraps leaves
        // debris behind.
        let room = self.style.width.saturating_sub(56).max(12);
        let show_pause = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
            let pause = pause.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(pause) = pause.as_ref() {
                let now = clock::monotonic();
                let sentence = pause.sentence(now);
                // Half a reason says less than none.
                let is_short = sentence.chars().count() <= room;
                let shown = is_short.then_some(sentence);
                let shown = shown.unwrap_or_else(|| pause.remaining(now));
                // A bar that cannot be drawn does not stop the run.
                write!(out, "  {shown}").ok();
            }
        };
        ProgressStyle::with_template(&template)
            // The templates are constants; a wrong one would still show a bar.
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━╸─")
            .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
            .with_key("pause", show_pause)
    }

    /// Moves the bar, and from time to time the words behind it.
    fn draw(&mut self, now: Instant, at_once: bool) {
        let Some(bar) = &self.bar else { return };
        let tally = &self.tally;
        bar.set_position(match tally.stage {
            Stage::Reading => tally.read,
            Stage::Surveying => tally.people,
            Stage::Idle | Stage::Settling | Stage::Sending => tally.done,
        });
        let due = self
            .worded
            .is_none_or(|then| now.saturating_duration_since(then) >= REWORD);
        if !due && !at_once {
            return;
        }
        let mut parts = match tally.stage {
            Stage::Idle => Vec::new(),
            Stage::Reading => tally.reading(now),
            Stage::Surveying => tally.surveyed().to_vec(),
            Stage::Settling | Stage::Sending => tally.sending(now),
        };
        if let Some(why) = &tally.slowed {
            // After the figures, which would be cut off otherwise.
            parts.push(if self.style.width < 100 {
                "slowed down".to_owned()
            } else {
                format!("slowed down ({why})")
            });
        }
        if let Some(why) = &tally.stopping {
            parts.insert(0, format!("stopping ({why})"));
        }
        bar.set_message(format!("  {}", parts.join(Style::DOT)));
        self.worded = Some(now);
    }

    fn set_pause(&self) {
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        pause.clone_from(&self.tally.pause);
    }
}

impl Listener for Bars {
    fn on_event(&mut self, event: &Event<'_>) {
        let now = clock::monotonic();
        self.tally.on_event(event, now);
        match *event {
            Event::LockAwaited { holder } => self.put(awaiting(holder), None, ""),
            Event::ReadStarted { bytes } => {
                let figures = bytes.map_or("", |_| "{percent:>3} %");
                self.put("Reading the feed".to_owned(), bytes, figures);
            }
            Event::JoinStarted { file, bytes } => {
                let figures = bytes.map_or("", |_| "{percent:>3} %");
                self.put(format!("Reading {}", sanitize(file)), bytes, figures);
            }
            Event::SurveyStarted { unknown_people: 0 } => {
                self.put("Checking the LMS".to_owned(), None, "{pause}");
            }
            Event::SurveyStarted { unknown_people } => {
                let people = counted(unknown_people, "new person", "new people");
                self.put(format!("Checking the LMS for {people}"), None, "{pause}");
            }
            Event::SettleStarted { unknown } => {
                let rows = counted(unknown, "unknown outcome", "unknown outcomes");
                self.put(format!("Checking {rows}"), Some(unknown), DONE);
            }
            Event::SendStarted { changes, .. } => {
                self.put("Sending".to_owned(), Some(changes), DONE);
            }
            Event::VerifyStarted { people } => {
                self.put("Reading back".to_owned(), Some(people), DONE);
            }
            Event::Planned { effects, .. } => {
                self.take();
                if let Some(words) = in_words(&effects) {
                    self.say(&format!("This will {words}."));
                }
            }
            Event::ReadFinished { .. } | Event::Finished => self.take(),
            Event::Paused { .. } | Event::Continued => self.set_pause(),
            Event::ReadProgress { .. }
            | Event::SurveyProgress { .. }
            | Event::SettleProgress { .. }
            | Event::Settled { .. }
            | Event::Called(_)
            | Event::Slowed { .. }
            | Event::FullSpeed
            | Event::Stopping { .. } => {}
        }
        self.draw(now, matches!(event, Event::Stopping { .. }));
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.take();
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use indicatif::TermLike;

    use super::*;
    use crate::model::{Action, ExternalId, Outcome, RowNumber};

    /// A terminal in memory, as far as indicatif uses one.
    #[derive(Clone, Debug, Default)]
    struct Screen(Arc<Mutex<(Vec<String>, usize)>>);

    impl Screen {
        fn with<T>(&self, act: impl FnOnce(&mut Vec<String>, &mut usize) -> T) -> T {
            let mut held = self.0.lock().unwrap();
            let (lines, at) = &mut *held;
            if lines.len() <= *at {
                lines.resize(*at + 1, String::new());
            }
            act(lines, at)
        }

        fn text(&self) -> String {
            self.with(|lines, _| lines.join("\n").trim_end().to_owned())
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            100
        }
        fn move_cursor_up(&self, n: usize) -> io::Result<()> {
            self.with(|_, at| *at = at.saturating_sub(n));
            Ok(())
        }
        fn move_cursor_down(&self, n: usize) -> io::Result<()> {
            self.with(|_, at| *at += n);
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.with(|lines, at| {
                lines[*at].push_str(text);
                *at += 1;
            });
            Ok(())
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.with(|lines, at| lines[*at].push_str(text));
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.with(|lines, at| lines[*at].clear());
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn rig() -> (Bars, Screen) {
        let screen = Screen::default();
        let terminal = screen.clone();
        let target: Target =
            Box::new(move || ProgressDrawTarget::term_like(Box::new(terminal.clone())));
        (Bars::new(Style::piped(), target), screen)
    }

    /// Draws without waiting for the next tick, and returns the text.
    fn drawn(bars: &Bars, screen: &Screen) -> String {
        if let Some(bar) = &bars.bar {
            bar.force_draw();
        }
        screen.text()
    }

    fn settled(bars: &mut Bars, outcome: Outcome) {
        bars.on_event(&Event::Settled {
            row: Some(RowNumber::new(2)),
            external_id: &ExternalId::known("E1"),
            action: Action::Create,
            outcome,
            instead_of: None,
        });
    }

    #[test]
    fn each_stage_has_its_bar_and_nothing_is_left_at_the_end() {
        let (mut bars, screen) = rig();
        bars.on_event(&Event::ReadStarted { bytes: Some(1_000) });
        bars.on_event(&Event::ReadProgress {
            bytes: 500,
            rows: 4,
            rejected: 1,
        });
        let text = drawn(&bars, &screen);
        assert!(
            text.contains("Reading the feed") && text.contains("50 %"),
            "{text}"
        );
        bars.on_event(&Event::ReadFinished {
            rows: 8,
            skipped: 0,
            rejected: 1,
        });
        assert_eq!(drawn(&bars, &screen), "");

        bars.on_event(&Event::SurveyStarted { unknown_people: 1 });
        let text = drawn(&bars, &screen);
        assert!(text.contains("Checking the LMS for 1 new person"), "{text}");

        bars.on_event(&Event::SendStarted {
            run: "12",
            changes: 4_000,
        });
        settled(&mut bars, Outcome::Rejected);
        bars.worded = None;
        settled(&mut bars, Outcome::Created);
        let text = drawn(&bars, &screen);
        assert!(!text.contains("Checking"), "{text}");
        assert!(
            text.contains("2/4,000") && text.contains("1 rejected"),
            "{text}"
        );

        bars.on_event(&Event::Finished);
        assert_eq!(drawn(&bars, &screen), "");
    }

    #[test]
    fn requests_show_that_a_run_moves_before_anybody_is_done() {
        let (mut bars, screen) = rig();
        bars.on_event(&Event::SendStarted {
            run: "12",
            changes: 4_000,
        });
        bars.on_event(&Event::Slowed {
            per_second: 5.0,
            why: "the LMS is overloaded",
        });
        bars.worded = None;
        bars.on_event(&Event::Called(&crate::model::Calls {
            total: 1_234,
            ..crate::model::Calls::default()
        }));
        let text = drawn(&bars, &screen);
        let calls = text.find("1,234 requests");
        assert!(
            calls.is_some() && calls < text.find("slowed down"),
            "{text}"
        );
    }

    #[test]
    fn a_pause_is_shown_with_its_reason_and_the_time_it_still_takes() {
        let (mut bars, screen) = rig();
        bars.on_event(&Event::SendStarted {
            run: "12",
            changes: 4,
        });
        bars.on_event(&Event::Paused {
            why: "the LMS asked hrfeed to slow down",
            wait: Duration::from_hours(2),
        });
        let text = drawn(&bars, &screen);
        assert!(
            text.contains("The LMS asked hrfeed to slow down; retrying in 2 h 00 min"),
            "{text}"
        );
        bars.on_event(&Event::Continued);
        assert!(!drawn(&bars, &screen).contains("retrying"));
    }

    #[test]
    fn a_slower_pace_is_shown_for_as_long_as_it_lasts() {
        let (mut bars, screen) = rig();
        bars.on_event(&Event::SendStarted {
            run: "12",
            changes: 4,
        });
        bars.on_event(&Event::Slowed {
            per_second: 5.0,
            why: "the LMS is overloaded",
        });
        bars.draw(clock::monotonic(), true);
        let text = drawn(&bars, &screen);
        assert!(
            text.contains("slowed down (the LMS is overloaded)"),
            "{text}"
        );
        bars.on_event(&Event::FullSpeed);
        bars.draw(clock::monotonic(), true);
        assert!(!drawn(&bars, &screen).contains("slowed"));
    }

    #[test]
    fn a_run_that_ends_with_an_error_leaves_nothing_behind() {
        let (mut bars, screen) = rig();
        bars.on_event(&Event::SendStarted {
            run: "12",
            changes: 4,
        });
        bars.on_event(&Event::Stopping {
            why: "Ctrl-C",
            in_flight: 1,
        });
        let text = drawn(&bars, &screen);
        assert!(text.contains("stopping (Ctrl-C)"), "{text}");
        drop(bars);
        assert_eq!(screen.text(), "");
    }
}

//! Progress as bars that move: the only file that knows indicatif.
//!
//! One bar at a time. It is removed where its stage ends, when the run is
//! over, and when the listener is dropped, so nothing is ever left behind.
//!
//! Why nothing moves (a pause, a run that waits or stops) is below the bar, on as
//! many lines as it takes: none of it is ever cut off.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::Tally;
use super::plain::{awaiting, stopping};
use super::tally::{Pause, Stage};
use crate::clock;
use crate::event::{Event, Listener};
use crate::report::effects::in_words;
use crate::report::text::{count, counted};
use crate::report::{Style, sanitize};

/// How often a bar is drawn without an event, for the spinner and the rest of a
/// pause.
const TICK: Duration = Duration::from_millis(120);

/// How often the words behind a bar change: nobody reads faster.
const REWORD: Duration = Duration::from_millis(250);

/// The figures of a bar that counts what is done.
const DONE: &str = "{human_pos}/{human_len}";

/// The columns of a bar, and those of a terminal that is too narrow for it.
const WIDE: (usize, usize) = (24, 72);
const NARROW: usize = 10;

/// What is below the bar while nothing moves.
#[derive(Debug, Default)]
struct Below {
    /// The run waits for another one, or is being stopped: in words.
    standing: Option<String>,
    pause: Option<Pause>,
}

impl Below {
    fn text(&self, now: Instant) -> Option<String> {
        let pause = self.pause.as_ref().map(|pause| pause.sentence(now));
        self.standing.clone().or(pause)
    }
}

/// Where a bar is drawn.
type Target = Box<dyn Fn() -> ProgressDrawTarget>;

pub(super) struct Bars {
    style: Style,
    target: Target,
    tally: Tally,
    bar: Option<ProgressBar>,
    worded: Option<Instant>,
    /// The columns before the words behind the bar.
    used: usize,
    /// The one thing that changes without an event: read by the thread that
    /// draws.
    below: Arc<Mutex<Below>>,
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
            used: 0,
            below: Arc::default(),
        }
    }

    /// Puts a bar up; one without a `length` is a spinner.
    fn put(&mut self, title: String, length: Option<u64>, figures: &str) {
        self.take();
        let length_of_bar = length.map_or(0, |_| self.bar_columns() + 1);
        let of_figures = match figures {
            DONE => 2 * count(length.unwrap_or(0)).len() + 1,
            "" => 0,
            _ => "100 %".len(),
        };
        self.used = 2 + title.chars().count() + 1 + length_of_bar + of_figures;
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
        let columns = self.bar_columns();
        let bar = match (has_length, self.style.color) {
            (false, _) => String::new(),
            (true, false) => format!("{{bar:{columns}}} "),
            (true, true) => format!("{{bar:{columns}.cyan/dim}} "),
        };
        let template = format!("{{spinner}} {{prefix}} {bar}{figures}{{wide_msg}}{{below}}");
        let below = Arc::clone(&self.below);
        let style = self.style;
        let show_below = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
            let below = below.lock().unwrap_or_else(PoisonError::into_inner);
            let text = below.text(clock::monotonic()).unwrap_or_default();
            for line in wrapped(&text, style.width) {
                // A bar that cannot be drawn does not stop the run.
                write!(out, "\n{line}").ok();
            }
        };
        ProgressStyle::with_template(&template)
            // The templates are constants; a wrong one would still show a bar.
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━╸─")
            .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
            .with_key("below", show_below)
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
        let mut words = parts.join(Style::DOT);
        // Half a figure would be another one.
        while self.used + 2 + words.chars().count() > self.style.width && parts.pop().is_some() {
            words = parts.join(Style::DOT);
        }
        bar.set_message(format!("  {words}"));
        self.worded = Some(now);
    }

    /// How long a bar is.
    const fn bar_columns(&self) -> usize {
        let (columns, least) = WIDE;
        if self.style.width < least {
            NARROW
        } else {
            columns
        }
    }

    fn set_below(&self, event: &Event<'_>) {
        let mut below = self.below.lock().unwrap_or_else(PoisonError::into_inner);
        below.pause.clone_from(&self.tally.pause);
        match *event {
            Event::LockAwaited { holder } => below.standing = holder.map(|it| sanitize(it).into()),
            Event::Stopping { why, in_flight } => {
                let stopping = stopping(why, in_flight);
                below.standing = Some(format!("{stopping}. Ctrl-C again ends at once"));
            }
            Event::ReadStarted { .. } | Event::Finished => below.standing = None,
            _ => {}
        }
    }
}

impl Listener for Bars {
    fn on_event(&mut self, event: &Event<'_>) {
        let now = clock::monotonic();
        self.tally.on_event(event, now);
        self.set_below(event);
        match *event {
            // Who it is is below.
            Event::LockAwaited { .. } => self.put(awaiting(None), None, ""),
            Event::ReadStarted { bytes } => {
                let figures = bytes.map_or("", |_| "{percent:>3} %");
                self.put("Reading the feed".to_owned(), bytes, figures);
            }
            Event::JoinStarted { file, bytes } => {
                let figures = bytes.map_or("", |_| "{percent:>3} %");
                self.put(format!("Reading {}", sanitize(file)), bytes, figures);
            }
            Event::SurveyStarted { unknown_people: 0 } => {
                self.put("Checking the LMS".to_owned(), None, "");
            }
            Event::SurveyStarted { unknown_people } => {
                let people = counted(unknown_people, "new person", "new people");
                self.put(format!("Checking the LMS for {people}"), None, "");
            }
            Event::EarlierStarted { people } => {
                let people = counted(people, "person", "people");
                self.put(
                    format!("Reading {people} before the changes"),
                    None,
                    "{pause}",
                );
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
            Event::ReadProgress { .. }
            | Event::SurveyProgress { .. }
            | Event::SettleProgress { .. }
            | Event::Settled { .. }
            | Event::Called(_)
            | Event::Slowed { .. }
            | Event::FullSpeed
            | Event::Paused { .. }
            | Event::Continued
            | Event::Stopping { .. } => {}
        }
        self.draw(now, matches!(event, Event::Stopping { .. }));
    }
}

/// A text as lines of at most `width` columns, each behind two blanks.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let room = width.saturating_sub(3).max(1);
    let mut lines = Vec::<String>::new();
    for word in text.split_whitespace() {
        let letters: Vec<_> = word.chars().collect();
        // A word that is wider than the terminal is an address: it goes on in the next line.
        for piece in letters.chunks(room) {
            match lines.last_mut() {
                Some(line) if line.chars().count() + 1 + piece.len() <= room + 2 => {
                    line.push(' ');
                    line.extend(piece);
                }
                _ => lines.push("  ".chars().chain(piece.iter().copied()).collect()),
            }
        }
    }
    lines
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
    struct Screen(Arc<Mutex<(Vec<String>, usize)>>, u16);

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
            self.1
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
        rig_of(120)
    }

    /// A terminal of that many columns.
    fn rig_of(width: u16) -> (Bars, Screen) {
        let screen = Screen(Arc::default(), width);
        let terminal = screen.clone();
        let target: Target =
            Box::new(move || ProgressDrawTarget::term_like(Box::new(terminal.clone())));
        let style = Style {
            width: usize::from(width),
            ..Style::piped()
        };
        (Bars::new(style, target), screen)
    }

    /// The text as a terminal of that width shows it, whose lines become one. A bar fills its
    /// line with blanks, and the next one begins behind them.
    fn read(text: &str, width: u16) -> String {
        let chars: Vec<_> = text.chars().collect();
        let rows = chars.chunks(usize::from(width));
        let rows = rows.map(|row| row.iter().collect::<String>());
        rows.map(|row| row.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
            .join(" ")
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
            down: None,
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
    fn a_pause_and_what_ctrl_c_does_are_whole_on_a_terminal_of_any_width() {
        const WHY: &str = "the LMS does not accept changes (HTTP 503: the certificate of \
                           https://lms.example.com/api/v2/of/a/long/path is being renewed)";
        for width in [120, 80, 60, 40] {
            let (mut bars, screen) = rig_of(width);
            bars.on_event(&Event::SendStarted {
                run: "12",
                changes: 100_000,
            });
            for _ in 0..3 {
                settled(&mut bars, Outcome::Rejected);
            }
            bars.on_event(&Event::Slowed {
                per_second: 5.0,
                why: "the LMS is overloaded",
            });
            bars.on_event(&Event::Paused {
                why: WHY,
                wait: Duration::from_mins(14),
                down: None,
            });
            bars.draw(clock::monotonic(), true);
            let text = read(&drawn(&bars, &screen), width);
            let whole = format!("T{}; retrying in ", WHY.trim_start_matches('t'));
            // An address that is wider than the terminal goes on in the next line.
            let unbroken = |text: &str| text.replace(' ', "");
            assert!(
                unbroken(&text).contains(&unbroken(&whole)),
                "{width}: {text}"
            );
            assert!(
                text.contains("3/100,000") && !text.contains('…'),
                "{width}: {text}"
            );

            bars.on_event(&Event::Stopping {
                why: "asked to stop",
                in_flight: 8,
            });
            let text = read(&drawn(&bars, &screen), width);
            let said = "Stopping (asked to stop): waiting for 8 requests to finish. Ctrl-C again \
                        ends at once";
            assert!(
                text.contains(said) && !text.contains("retrying"),
                "{width}: {text}"
            );
        }
    }

    #[test]
    fn who_is_waited_for_is_whole_on_a_narrow_terminal() {
        let (mut bars, screen) = rig_of(60);
        let holder = "run 12, process 4711 on hr-nightly-2.example.com, since 02:00";
        let event = Event::LockAwaited {
            holder: Some(holder),
        };
        bars.on_event(&event);
        let text = read(&drawn(&bars, &screen), 60);
        assert!(text.contains(holder), "{text}");
        bars.on_event(&Event::ReadStarted { bytes: None });
        assert!(!drawn(&bars, &screen).contains("4711"));
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
        assert!(text.contains("Stopping (Ctrl-C)"), "{text}");
        drop(bars);
        assert_eq!(screen.text(), "");
    }
}

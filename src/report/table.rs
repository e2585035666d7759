//! Columns of text: laid out, wrapped under their column, never cut off.
//!
//! A table of a million rows is written as it comes. The first [`Table::BATCH`]
//! rows decide the widths of the columns; wider text in later rows wraps.

use std::io::{self, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Width};

use super::{Ink, Style};

/// One column: its heading and its layout. A table of columns without a heading
/// has no heading line.
#[derive(Clone, Copy, Debug)]
pub struct Column(pub(super) &'static str, pub(super) Fit);

/// How a column is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// Numbers: to the right, never wrapped.
    Number,
    /// As wide as its text, up to a quarter of the table.
    Text,
    /// Takes what the others leave.
    Rest,
}

/// A table that is written as its rows come in.
#[derive(Debug)]
pub(super) struct Table {
    columns: &'static [Column],
    style: Style,
    widths: Option<Vec<u16>>,
    held: Vec<Vec<String>>,
}

impl Table {
    /// Rows that are held back before they are written.
    const BATCH: usize = 512;
    /// Blanks between columns.
    const GAP: u16 = 2;
    /// The narrowest that a wrapping column gets.
    const MIN_REST: u16 = 10;

    pub(super) const fn new(columns: &'static [Column], style: Style) -> Self {
        Self {
            columns,
            style,
            widths: None,
            held: Vec::new(),
        }
    }

    /// Adds a row; `cells` are safe to show and as many as the columns.
    pub(super) fn push(&mut self, cells: Vec<String>, out: &mut impl Write) -> io::Result<()> {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.held.push(cells);
        if self.held.len() < Self::BATCH {
            return Ok(());
        }
        self.write_held(out)
    }

    /// Writes what is held back. A table without rows writes nothing.
    pub(super) fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        self.write_held(out)
    }

    /// The lines of a table that is all there.
    pub(super) fn lines(
        columns: &'static [Column],
        style: Style,
        rows: Vec<Vec<String>>,
    ) -> Vec<String> {
        let mut table = Self::new(columns, style);
        table.held = rows;
        let mut out = Vec::new();
        if table.finish(&mut out).is_err() {
            // Memory takes everything that is written to it.
            return Vec::new();
        }
        String::from_utf8_lossy(&out)
            .lines()
            .map(str::to_owned)
            .collect()
    }

    fn write_held(&mut self, out: &mut impl Write) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        let first = self.widths.is_none();
        let headed = first && self.columns.iter().any(|column| !column.0.is_empty());

        let mut table = comfy_table::Table::new();
        table
            .load_style(NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::MAX);
        if headed {
            table.set_header(self.columns.iter().map(|column| column.0));
        }
        table.add_rows(held);
        let widths = match self.widths.take() {
            Some(widths) => widths,
            None => self.fit(&table.column_max_content_widths()),
        };
        let last = self.columns.len().saturating_sub(1);
        for ((at, column), width) in self.columns.iter().enumerate().zip(&widths) {
            let gap = if at == last { 0 } else { Self::GAP };
            if let Some(drawn) = table.column_mut(at) {
                drawn
                    .set_padding((0, gap))
                    .set_constraint(ColumnConstraint::Absolute(Width::Fixed(width + gap)));
                if column.1 == Fit::Number {
                    drawn.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        for (at, line) in table.lines().enumerate() {
            let line = line.trim_end();
            if headed && at == 0 {
                writeln!(out, "{}", self.style.paint(Ink::Bold, line))?;
                let rules = widths.iter().map(|&width| "─".repeat(width.into()));
                let rules: Vec<_> = rules.collect();
                writeln!(out, "{}", self.style.paint(Ink::Dim, &rules.join("  ")))?;
            } else {
                writeln!(out, "{line}")?;
            }
        }
        self.widths = Some(widths);
        Ok(())
    }

    /// Gives each column its width; `natural` is what it would like.
    fn fit(&self, natural: &[u16]) -> Vec<u16> {
        let columns = u16::try_from(self.style.columns()).unwrap_or(u16::MAX);
        let gaps = Self::GAP * u16::try_from(self.columns.len().saturating_sub(1)).unwrap_or(0);
        let space = columns.saturating_sub(gaps);
        let mut widths: Vec<u16> = self
            .columns
            .iter()
            .zip(natural)
            .map(|(column, &natural)| match column.1 {
                Fit::Number => natural,
                Fit::Text => natural.min((space / 4).max(12)),
                Fit::Rest => 0,
            })
            .collect();
        let left = space.saturating_sub(widths.iter().sum());
        // What the first rows do not need a later row may: it gets it all,
        // unless nothing follows.
        let rest = left.max(Self::MIN_REST);
        for ((column, width), &natural) in self.columns.iter().zip(&mut widths).zip(natural) {
            if column.1 == Fit::Rest {
                *width = rest.min(natural.max(Self::MIN_REST.max(rest / 2)));
            }
        }
        widths
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COLUMNS: &[Column] = &[
        Column("No", Fit::Number),
        Column("Name", Fit::Text),
        Column("Words", Fit::Rest),
    ];

    fn style(width: usize) -> Style {
        Style {
            width,
            ..Style::piped()
        }
    }

    #[test]
    fn widths_settled_by_the_first_rows_stay() {
        let mut table = Table::new(COLUMNS, style(60));
        let mut out = Vec::new();
        for at in 0..Table::BATCH {
            let row = vec![at.to_string(), "ab".into(), "short".into()];
            table.push(row, &mut out).unwrap();
        }
        let row = vec!["9".into(), "a-far-longer-name".into(), "words ".repeat(20)];
        table.push(row, &mut out).unwrap();
        table.finish(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches("Name").count(), 1);
        let tail: Vec<_> = text.lines().skip(Table::BATCH + 2).collect();
        insta::assert_snapshot!(tail.join("\n"), @"
        9  a-fa  words words words words
           r-lo  words words words words
           nger  words words words words
           -nam  words words words words
           e     words words words words
        ");
    }

    #[test]
    fn a_table_without_rows_writes_nothing() {
        let mut out = Vec::new();
        Table::new(COLUMNS, style(80)).finish(&mut out).unwrap();
        assert!(out.is_empty());
    }

    proptest! {
        #[test]
        fn no_character_is_lost_and_no_line_is_too_wide(
            rows in prop::collection::vec(("[0-9]{1,6}", "[a-zA-Zé漢]{1,60}", "[a-z ,.]{0,200}"), 1..20),
            width in 40usize..140,
        ) {
            let cells = rows.iter().map(|(a, b, c)| vec![a.clone(), b.clone(), c.clone()]).collect();
            let lines = Table::lines(COLUMNS, style(width), cells);
            let letters = |text: &str| {
                let mut all: Vec<char> = text.chars().filter(|char| char.is_alphanumeric()).collect();
                all.sort_unstable();
                all
            };
            let shown = letters(&lines.get(2..).unwrap_or_default().concat());
            let given = letters(&rows.iter().flat_map(|(a, b, c)| [a.as_str(), b, c]).collect::<String>());
            prop_assert_eq!(shown, given);
            for line in &lines {
                let wide = line.chars().map(|char| if char == '漢' { 2 } else { 1 }).sum::<usize>();
                prop_assert!(wide <= width, "{} > {}: {}", wide, width, line);
            }
        }
    }
}

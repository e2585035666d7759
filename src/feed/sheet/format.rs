//! Number formats: what a cell shows of the number in it.
//!
//! An identifier is read as the cell shows it: `01523`, `E1525`, `06 12 34 56 78`. An
//! amount is read as the number that it is: how many digits are shown and how
//! thousands are parted says nothing about its value.

use std::collections::HashMap;
use std::sync::Arc;

use super::text::{self, MAX_EXACT};
use super::xml::Damage;

/// The longest code that is read, in bytes; Excel allows 255 characters.
pub(super) const MAX_CODE: usize = 1 << 10;
/// The most bytes of all codes of a workbook: what is read of them takes several times
/// as much.
pub(super) const MAX_CODES: usize = 8 << 20;
/// The most digits behind the point of a percentage.
const MAX_DECIMALS: usize = 15;
/// A day of our time. What a format shows of it says whether it shows dates.
const SOME_DAY: f64 = 45_000.0;

/// What cells of one style show.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum CellFormat {
    /// The number.
    #[default]
    Plain,
    /// A date, also one with a time.
    Date,
    /// A time of day.
    Time,
    /// How long something takes.
    Duration,
    /// More or less than the number's digits.
    Shown(Arc<Shown>),
}

/// A format of several sections.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    /// Those for numbers, at least one.
    sections: Vec<Section>,
    /// What is in front of a text and behind it.
    around_text: Option<(String, String)>,
}

/// What a format says of some numbers.
#[derive(Clone, Debug, Default, PartialEq)]
struct Section {
    condition: Option<(Comparison, f64)>,
    pieces: Vec<Piece>,
    is_amount: bool,
    has_point: bool,
    /// Digits behind the point.
    decimals: usize,
    is_percentage: bool,
    extent: Extent,
    time: Time,
}

/// How much of a number a section shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Extent {
    #[default]
    Whole,
    /// A comma is behind the last digit so far: if no other follows, it leaves thousands out.
    Comma,
    /// Less than its digits: in thousands, or with an exponent.
    Short,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
}

/// What a section shows of time. What comes later says more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Time {
    #[default]
    None,
    /// A letter for an era, a year or a weekday, or one that should be quoted.
    Letter,
    /// A letter that should be quoted.
    Word,
    /// Months, or minutes.
    M,
    OfDay,
    Elapsed,
    Day,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    /// `0`: a digit or a zero.
    Zero,
    /// `#`: a digit or nothing.
    Digit,
    /// `?`: a digit or a space.
    Space,
    /// `General`: the number.
    Number,
    /// `@`: the text.
    Text,
    Literal(char),
}

/// The format that a workbook names by its number alone.
fn built_in(id: u32) -> CellFormat {
    match id {
        9 => CellFormat::parse("0%"),
        11 | 48 => CellFormat::parse("0.00E+00"),
        10 => CellFormat::parse("0.00%"),
        18..=21 | 32 | 33 | 45 | 47 => CellFormat::Time,
        46 => CellFormat::Duration,
        14..=17 | 22 | 27..=31 | 34..=36 | 50..=58 => CellFormat::Date,
        _ => CellFormat::Plain,
    }
}

/// The format of each style, which names it by its number; `codes` are those of the
/// workbook's own.
///
/// # Errors
/// There are more codes than can be held.
pub(super) fn of_styles(
    codes: &HashMap<u32, String>,
    styles: impl IntoIterator<Item = u32>,
) -> Result<Vec<CellFormat>, Damage> {
    if codes.values().map(String::len).sum::<usize>() > MAX_CODES {
        return Err(Damage::Unexpected("number formats of many megabytes"));
    }
    // Thousands of styles may have one format.
    let mut formats: HashMap<u32, CellFormat> = HashMap::new();
    let format = |id: u32| {
        let format = formats.entry(id).or_insert_with(|| match codes.get(&id) {
            Some(code) => CellFormat::parse(code),
            None => built_in(id),
        });
        format.clone()
    };
    Ok(styles.into_iter().map(format).collect())
}

impl CellFormat {
    /// What a format code means.
    pub(super) fn parse(code: &str) -> Self {
        if code.len() > MAX_CODE {
            return Self::Plain;
        }
        let mut sections: Vec<_> = sections(code).into_iter().map(Section::parse).collect();
        let of_day = section_for(&sections, SOME_DAY).map(|(section, _)| section);
        match of_day.or(sections.first()).map(|section| section.time) {
            Some(Time::Day | Time::M) => return Self::Date,
            Some(Time::OfDay) => return Self::Time,
            Some(Time::Elapsed) => return Self::Duration,
            Some(Time::None | Time::Letter | Time::Word) | None => {}
        }
        // The fourth is for text, and so is the last one that has a place for it.
        let is_for_text = |(index, section): (usize, &Section)| index == 3 || section.has_text();
        let text = sections.iter().enumerate().next_back();
        let around_text = text.and_then(|(_, section)| section.around_text());
        if sections.len() > 1 && text.is_some_and(is_for_text) {
            sections.pop();
        }
        // How an amount is shown does not matter, be it negative or zero.
        let is_amount = sections.first().is_some_and(|first| first.is_amount);
        let is_percentage = sections.first().is_some_and(|first| first.is_percentage);
        let is_plain = (is_amount && !is_percentage) || sections.iter().all(Section::is_plain);
        let shortens = sections.iter().any(Section::shortens);
        if around_text.is_none() && is_plain && !shortens {
            return Self::Plain;
        }
        Self::Shown(Arc::new(Shown {
            sections,
            around_text,
        }))
    }

    /// Appends the number as a cell shows it; nothing, if the cell shows nothing.
    pub(super) fn write(&self, value: f64, text: &mut String) {
        match self {
            Self::Shown(shown) => shown.write(value, text),
            Self::Plain | Self::Date | Self::Time | Self::Duration => text::number(value, text),
        }
    }

    /// Whether a cell shows less than the digits of a number: in thousands, or with an
    /// exponent.
    pub(super) fn shortens(&self, value: f64) -> bool {
        match self {
            Self::Shown(shown) => {
                let section = section_for(&shown.sections, text::rounded(value));
                section.is_some_and(|(section, _)| section.shortens())
            }
            Self::Plain | Self::Date | Self::Time | Self::Duration => false,
        }
    }

    /// What is shown in front of a text and behind it.
    pub(super) fn around_text(&self) -> Option<(&str, &str)> {
        match self {
            Self::Shown(shown) => {
                let (before, behind) = shown.around_text.as_ref()?;
                Some((before, behind))
            }
            Self::Plain | Self::Date | Self::Time | Self::Duration => None,
        }
    }
}

impl Shown {
    fn write(&self, value: f64, text: &mut String) {
        // What a formula works out is 1523.0000000000002 now and then.
        let value = text::rounded(value);
        let Some((section, is_negated)) = section_for(&self.sections, value) else {
            return text::number(value, text);
        };
        let start = text.len();
        if is_negated && value < 0.0 {
            text.push('-');
        }
        if !section.write(value.abs(), text) {
            text.truncate(start);
            return text::number(value, text);
        }
        let shown = text.get(start..).unwrap_or_default().trim().to_owned();
        text.truncate(start);
        // A number that is hidden is still there. A zero is what one hides for nothing.
        if shown.is_empty() && value != 0.0 {
            text::number(value, text);
        } else {
            text.push_str(&shown);
        }
    }
}

/// The section for a number, and whether a sign is shown in front of it.
fn section_for(sections: &[Section], value: f64) -> Option<(&Section, bool)> {
    if sections.iter().any(|section| section.condition.is_some()) {
        let fits = |section: &&Section| {
            section
                .condition
                .is_none_or(|(comparison, than)| comparison.holds(value, than))
        };
        return sections.iter().find(fits).map(|section| (section, true));
    }
    match sections {
        [] => None,
        [_, negative, ..] if value < 0.0 => Some((negative, false)),
        [_, _, zero, ..] if value == 0.0 => Some((zero, false)),
        [first, ..] => Some((first, true)),
    }
}

impl Comparison {
    #[expect(clippy::float_cmp, reason = "a format asks for exactly this number")]
    fn holds(self, value: f64, than: f64) -> bool {
        match self {
            Self::Less => value < than,
            Self::LessOrEqual => value <= than,
            Self::Equal => value == than,
            Self::NotEqual => value != than,
            Self::GreaterOrEqual => value >= than,
            Self::Greater => value > than,
        }
    }
}

/// The sections of a code, divided by semicolons that are not part of a text.
fn sections(code: &str) -> Vec<&str> {
    let (mut found, mut start) = (Vec::new(), 0);
    let (mut is_quoted, mut is_bracketed) = (false, false);
    let mut characters = code.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '\\' | '_' | '*' => drop(characters.next()),
            '[' => is_bracketed = true,
            ']' => is_bracketed = false,
            ';' if !is_bracketed => {
                found.push(code.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(code.get(start..).unwrap_or_default());
    found
}

impl Section {
    fn parse(code: &str) -> Self {
        let mut section = Self::default();
        let mut rest = code;
        while let Some(character) = rest.chars().next() {
            let behind = rest.get(character.len_utf8()..).unwrap_or_default();
            rest = match character {
                '"' => {
                    let (text, behind) = behind.split_once('"').unwrap_or((behind, ""));
                    section.literal(text);
                    behind
                }
                '\\' => section.next_character(behind, true),
                // As wide as the character that follows.
                '_' => {
                    section.pieces.push(Piece::Literal(' '));
                    section.next_character(behind, false)
                }
                // As many of what follows as fill the cell.
                '*' => section.next_character(behind, false),
                '[' => {
                    let (inside, behind) = behind.split_once(']').unwrap_or((behind, ""));
                    section.bracket(inside);
                    behind
                }
                _ if starts_with(rest, "General") => {
                    section.pieces.push(Piece::Number);
                    rest.get("General".len()..).unwrap_or_default()
                }
                // What Excel calls General in China, Japan and Korea.
                'G' if behind.starts_with('/') => {
                    section.pieces.push(Piece::Number);
                    behind.trim_start_matches(|c: char| c == '/' || !c.is_ascii())
                }
                _ if starts_with(rest, "AM/PM") || starts_with(rest, "A/P") => {
                    section.set_time(Time::OfDay);
                    let length = if starts_with(rest, "AM/PM") { 5 } else { 3 };
                    rest.get(length..).unwrap_or_default()
                }
                'E' | 'e' if behind.starts_with(['+', '-']) => {
                    (section.is_amount, section.extent) = (true, Extent::Short);
                    behind
                }
                _ => {
                    section.sign(character);
                    behind
                }
            };
        }
        section.end_of_digits();
        let is_number = |it: &Piece| it.is_digit() || matches!(it, Piece::Number | Piece::Text);
        let has_number = section.pieces.iter().any(is_number);
        match section.time {
            Time::Letter if !has_number => section.time = Time::Day,
            Time::Letter => section.time = Time::None,
            Time::Word => {
                section.time = Time::None;
                // `Text` is not a format: the number is read, and not these letters.
                section.is_amount |= !has_number;
            }
            _ => {}
        }
        section
    }

    /// Takes one character that stands for itself.
    fn sign(&mut self, character: char) {
        match character {
            '0' | '#' | '?' => {
                self.decimals += usize::from(self.has_point);
                if self.extent == Extent::Comma {
                    self.extent = Extent::Whole;
                }
                self.pieces.push(match character {
                    '0' => Piece::Zero,
                    '#' => Piece::Digit,
                    _ => Piece::Space,
                });
            }
            '@' => self.pieces.push(Piece::Text),
            '%' => self.is_percentage = true,
            ',' => {
                self.is_amount = true;
                let has_digits = self.pieces.iter().any(|it| it.is_digit());
                if has_digits && self.extent == Extent::Whole {
                    self.extent = Extent::Comma;
                }
            }
            '.' => {
                (self.is_amount, self.has_point) = (true, true);
                self.end_of_digits();
            }
            // A fraction, unless it parts day and month.
            '/' if self.time <= Time::Word && self.pieces.iter().any(|it| it.is_digit()) => {
                self.is_amount = true;
            }
            'd' | 'y' | 'D' | 'Y' => self.set_time(Time::Day),
            'h' | 's' | 'H' | 'S' => self.set_time(Time::OfDay),
            'm' | 'M' => self.set_time(Time::M),
            letter if letter.is_ascii_alphabetic() => {
                let may_be_day = matches!(letter, 'a' | 'b' | 'e' | 'g');
                self.set_time(if may_be_day { Time::Letter } else { Time::Word });
                self.pieces.push(Piece::Literal(letter));
            }
            other => self.literal(other.encode_utf8(&mut [0; 4])),
        }
    }

    /// No other digit follows, or none before the point.
    fn end_of_digits(&mut self) {
        if self.extent == Extent::Comma {
            self.extent = Extent::Short;
        }
    }

    fn shortens(&self) -> bool {
        self.extent == Extent::Short
    }

    fn set_time(&mut self, time: Time) {
        self.time = self.time.max(time);
    }

    fn literal(&mut self, text: &str) {
        self.is_amount |= text.contains(is_currency);
        self.pieces.extend(text.chars().map(Piece::Literal));
    }

    /// Takes or passes over the next character. Returns what follows.
    fn next_character<'c>(&mut self, code: &'c str, is_shown: bool) -> &'c str {
        let Some(character) = code.chars().next() else {
            return "";
        };
        if is_shown {
            self.literal(character.encode_utf8(&mut [0; 4]));
        }
        code.get(character.len_utf8()..).unwrap_or_default()
    }

    /// A colour, a condition, a language, a currency, or a time beyond a day.
    fn bracket(&mut self, inside: &str) {
        if let Some(symbol) = inside.strip_prefix('$') {
            // `[$-409]` is a language, `[$kr-41D]` a currency.
            self.is_amount |= !symbol.is_empty() && !symbol.starts_with('-');
            return;
        }
        let is_unit = |it: u8| matches!(it.to_ascii_lowercase(), b'h' | b'm' | b's');
        if !inside.is_empty() && inside.bytes().all(is_unit) {
            self.set_time(Time::Elapsed);
            return;
        }
        let comparisons = [
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<>", Comparison::NotEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
            ("=", Comparison::Equal),
        ];
        for (sign, comparison) in comparisons {
            if let Some(than) = inside.strip_prefix(sign) {
                self.condition = than.trim().parse().ok().map(|than| (comparison, than));
                return;
            }
        }
    }

    /// Whether it shows a number's digits and nothing else.
    fn is_plain(&self) -> bool {
        if self.is_percentage {
            return false;
        }
        let zeros = self.pieces.iter().filter(|it| **it == Piece::Zero).count();
        let last = self.pieces.iter().rev().find(|it| it.is_digit());
        let is_simple = |piece: &Piece| match piece {
            // Zeros in front are shown, or nothing for zero.
            Piece::Zero | Piece::Digit => zeros == 1 && last == Some(&Piece::Zero),
            Piece::Number | Piece::Text | Piece::Literal(' ') => true,
            Piece::Space | Piece::Literal(_) => false,
        };
        self.condition.is_none()
            && !self.pieces.is_empty()
            && (self.is_amount || self.pieces.iter().all(is_simple))
    }

    fn has_text(&self) -> bool {
        self.pieces.contains(&Piece::Text)
    }

    /// The literals in front of a text and behind it, if there are any.
    fn around_text(&self) -> Option<(String, String)> {
        let literals = |pieces: &[Piece]| -> String {
            let characters = pieces.iter().map(|piece| match piece {
                Piece::Literal(character) => *character,
                _ => ' ',
            });
            characters.collect()
        };
        let at = self.pieces.iter().position(|it| *it == Piece::Text)?;
        let (before, behind) = self.pieces.split_at(at);
        let (before, behind) = (literals(before), literals(behind.get(1..)?));
        let is_empty = before.trim().is_empty() && behind.trim().is_empty();
        (!is_empty).then_some((before, behind))
    }

    /// Appends a number that is not negative. Returns whether the section can show it.
    fn write(&self, value: f64, text: &mut String) -> bool {
        if self.is_percentage {
            let decimals = self.decimals.min(MAX_DECIMALS);
            let percent = text::rounded_half_up(value * 100.0, decimals);
            let percent = format!("{percent:.decimals$}%");
            text.push_str(&percent);
            return value < MAX_EXACT;
        }
        if self.is_amount || self.time != Time::None {
            return false;
        }
        let n_places = self.pieces.iter().filter(|it| it.is_digit()).count();
        if n_places > 0 && (value.fract() != 0.0 || value >= MAX_EXACT) {
            return false;
        }
        let digits = if value == 0.0 && n_places > 0 {
            String::new()
        } else {
            format!("{value:.0}")
        };
        // Digits that find no place of their own go to the first.
        let mut surplus = digits.len().saturating_sub(n_places);
        let mut missing = n_places.saturating_sub(digits.len());
        let mut digits = digits.chars();
        let mut is_forced = false;
        for piece in &self.pieces {
            match piece {
                Piece::Literal(character) => text.push(*character),
                Piece::Number | Piece::Text => text::number(value, text),
                Piece::Zero | Piece::Digit | Piece::Space => {
                    is_forced |= *piece == Piece::Zero;
                    if missing == 0 {
                        text.extend(digits.by_ref().take(1 + surplus));
                        surplus = 0;
                        continue;
                    }
                    missing -= 1;
                    if is_forced {
                        text.push('0');
                    } else if *piece == Piece::Space {
                        text.push(' ');
                    }
                }
            }
        }
        true
    }
}

impl Piece {
    fn is_digit(self) -> bool {
        matches!(self, Self::Zero | Self::Digit | Self::Space)
    }
}

/// Whether what a cell shows of a number is not its plain digits, and an identifier rather
/// than an amount: zeros in front, or signs that do not part thousands.
///
/// A formula in LibreOffice shows its result as the cells show it that it refers to, whose
/// format is not written again.
pub(super) fn is_identifier(shown: &str, value: f64) -> bool {
    let is_sign = |it: char| it.is_ascii_digit() || matches!(it, ' ' | '-' | '/' | '.');
    if value.fract() != 0.0 || !(1.0..MAX_EXACT).contains(&value) || !shown.chars().all(is_sign) {
        return false;
    }
    let plain = format!("{value:.0}");
    let digits: String = shown.chars().filter(char::is_ascii_digit).collect();
    let mut groups = shown.split(|it: char| !it.is_ascii_digit());
    let first = groups.next().unwrap_or_default();
    let parts_thousands = !first.starts_with('0') && groups.all(|group| group.len() == 3);
    shown != plain && digits.trim_start_matches('0') == plain && !parts_thousands
}

fn starts_with(code: &str, word: &str) -> bool {
    code.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn is_currency(character: char) -> bool {
    matches!(
        character,
        '$' | '\u{a2}'..='\u{a5}' | '\u{192}' | '\u{e3f}' | '\u{20a0}'..='\u{20cf}'
    )
}

#[cfg(test)]
mod tests;

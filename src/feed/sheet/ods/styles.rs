//! The styles of an OpenDocument spreadsheet: what a cell shows of its number, as the code
//! by which Excel would say it.

use std::collections::HashMap;

use quick_xml::events::BytesStart;

use super::super::book::MAX_FORMATS;
use super::super::format::{CellFormat, MAX_CODE, MAX_CODES};
use super::super::package::MAX_HELD;
use super::super::xml::{self, Damage};

/// The most styles of one kind.
const MAX_STYLES: usize = MAX_FORMATS;
/// No number is shown with more digits.
const MAX_DIGITS: usize = 30;
/// How many styles may follow from one another.
const MAX_PARENTS: usize = 32;

/// The styles that were read so far.
#[derive(Default)]
pub(super) struct Styles {
    /// Those of cells.
    cells: HashMap<String, CellStyle>,
    /// Those of numbers.
    numbers: HashMap<String, NumberStyle>,
    /// The one of numbers that is being read, and its name.
    current: Option<(String, NumberStyle)>,
    /// The literals that stand among the digits of its number, each with how many digits
    /// are behind it.
    embedded: Vec<(usize, String)>,
    /// What the text that follows is.
    text: Text,
    /// What a number of the current style shows, until it ends.
    digits: Option<Digits>,
    /// Days are counted from 1904 on.
    pub(super) is_1904: bool,
    /// How many bytes of names are held.
    held: usize,
}

/// What a style of cells says.
#[derive(Default)]
struct CellStyle {
    parent: Option<String>,
    number: Option<String>,
}

/// What a style of numbers says.
#[derive(Default)]
struct NumberStyle {
    code: String,
    /// Which other style holds for some numbers.
    maps: Vec<(String, String)>,
    is_percentage: bool,
}

#[derive(Default, PartialEq, Eq)]
enum Text {
    #[default]
    None,
    Literal,
    Currency,
    /// Among digits, with the number of those behind it.
    Embedded(usize),
}

/// The digits of a number.
#[derive(Clone, Copy)]
struct Digits {
    integer: usize,
    decimals: Option<usize>,
    is_grouped: bool,
}

impl Styles {
    /// Counts bytes that are held.
    pub(super) fn hold(&mut self, bytes: usize) -> Result<(), Damage> {
        self.held += bytes;
        let is_held = (self.held as u64 <= MAX_HELD).then_some(());
        is_held.ok_or(Damage::Unexpected("styles of many megabytes"))
    }

    /// Takes an element that begins.
    pub(super) fn begin(&mut self, element: &BytesStart<'_>) -> Result<(), Damage> {
        let name = xml::local(element.name());
        match name {
            "style" => self.cell_style(element)?,
            "number-style" | "currency-style" | "percentage-style" | "date-style"
            | "time-style" | "boolean-style" | "text-style" => {
                self.number_style(element, name)?;
            }
            "map" => {
                if let Some((_, style)) = &mut self.current {
                    let condition = xml::attribute(element, "condition");
                    let applied = xml::attribute(element, "apply-style-name");
                    if let (Some(condition), Some(applied)) = (condition, applied)
                        && style.maps.len() < 3
                    {
                        self.held += condition.len() + applied.len();
                        style.maps.push((condition, applied));
                    }
                }
            }
            "null-date" => {
                let date = xml::attribute(element, "date-value").unwrap_or_default();
                self.is_1904 = date.starts_with("1904");
            }
            "number" => self.digits = Some(Digits::of(element)),
            "scientific-number" => self.push("0.00E+00"),
            "fraction" => self.push("# ?/?"),
            "text-content" => self.push("@"),
            "boolean" => self.push("General"),
            "text" => self.text = Text::Literal,
            "currency-symbol" => self.text = Text::Currency,
            "embedded-text" => {
                let position = xml::attribute(element, "position");
                let position = position.and_then(|it| it.parse().ok()).unwrap_or(0);
                self.text = Text::Embedded(position);
            }
            _ => {}
        }
        if self.numbers.len() > MAX_STYLES || self.cells.len() > MAX_STYLES {
            return Err(Damage::Unexpected("tens of thousands of styles"));
        }
        Ok(())
    }

    fn cell_style(&mut self, element: &BytesStart<'_>) -> Result<(), Damage> {
        let (mut name, mut is_of_cells) = (None, false);
        let mut style = CellStyle::default();
        xml::attributes(element, |attribute, value| match attribute {
            "name" => name = Some(xml::unescaped(value)),
            "family" => is_of_cells = value == "table-cell",
            "parent-style-name" => style.parent = Some(xml::unescaped(value)),
            "data-style-name" => style.number = Some(xml::unescaped(value)),
            _ => {}
        });
        if let Some(name) = name.filter(|_| is_of_cells) {
            let names = [style.parent.as_ref(), style.number.as_ref()];
            self.hold(name.len() + names.into_iter().flatten().map(String::len).sum::<usize>())?;
            self.cells.insert(name, style);
        }
        Ok(())
    }

    fn number_style(&mut self, element: &BytesStart<'_>, kind: &str) -> Result<(), Damage> {
        let mut style = NumberStyle::default();
        match kind {
            // The cells of such styles hold dates and times as such, so which days and
            // hours are shown does not matter.
            "date-style" => style.code.push_str("yyyy-mm-dd"),
            "time-style" => {
                let truncates = xml::attribute(element, "truncate-on-overflow");
                let is_elapsed = truncates.is_some_and(|it| it == "false");
                style
                    .code
                    .push_str(if is_elapsed { "[h]:mm:ss" } else { "h:mm:ss" });
            }
            "percentage-style" => style.is_percentage = true,
            _ => {}
        }
        let name = xml::attribute(element, "name").unwrap_or_default();
        self.hold(name.len() + MAX_CODE)?;
        self.current = Some((name, style));
        Ok(())
    }

    /// Takes a piece of text.
    pub(super) fn text(&mut self, piece: &str) {
        match &self.text {
            Text::None => {}
            Text::Literal => {
                let literal = quoted(piece);
                self.push(&literal);
            }
            Text::Currency => {
                let symbol = piece.replace([']', ';'], "");
                self.push(&format!("[${symbol}]"));
            }
            Text::Embedded(position) => {
                if self.embedded.len() < MAX_DIGITS && piece.len() < MAX_CODE {
                    self.embedded.push((*position, quoted(piece)));
                }
            }
        }
    }

    /// Takes the end of an element.
    pub(super) fn end(&mut self, name: &str) {
        match name {
            "text" | "currency-symbol" | "embedded-text" => self.text = Text::None,
            "number" => {
                let embedded = std::mem::take(&mut self.embedded);
                if let Some(digits) = self.digits.take() {
                    let code = digits.code(&embedded);
                    self.push(&code);
                }
            }
            "number-style" | "currency-style" | "percentage-style" | "date-style"
            | "time-style" | "boolean-style" | "text-style" => {
                if let Some((name, mut style)) = self.current.take() {
                    if style.is_percentage && !style.code.contains('%') {
                        style.code.push('%');
                    }
                    self.numbers.insert(name, style);
                }
            }
            _ => {}
        }
    }

    /// Appends to the code that is being read; dates and times have theirs.
    fn push(&mut self, piece: &str) {
        if let Some((_, style)) = &mut self.current
            && !style.code.starts_with(['y', 'h', '['])
            && style.code.len() + piece.len() <= MAX_CODE
        {
            style.code.push_str(piece);
        }
    }

    /// What cells of each style show, and the numbers of the styles by their names.
    ///
    /// # Errors
    /// There are more codes than can be held.
    pub(super) fn formats(self) -> Result<(Vec<CellFormat>, HashMap<String, u16>), Damage> {
        let mut codes = 0;
        let mut known: HashMap<&str, u16> = HashMap::new();
        let mut formats = vec![CellFormat::default()];
        let mut names = HashMap::new();
        for name in self.cells.keys() {
            let Some(number) = self.number_of(name) else {
                names.insert(name.clone(), 0);
                continue;
            };
            let index = *known.entry(number).or_insert_with(|| {
                let code = self.code(number);
                codes += code.as_ref().map_or(0, String::len);
                formats.push(code.map_or_else(CellFormat::default, |it| CellFormat::parse(&it)));
                u16::try_from(formats.len() - 1).unwrap_or(0)
            });
            names.insert(name.clone(), index);
            if codes > MAX_CODES {
                return Err(Damage::Unexpected("number formats of many megabytes"));
            }
        }
        Ok((formats, names))
    }

    /// The style of numbers that a style of cells has, or one that it follows from.
    fn number_of(&self, name: &str) -> Option<&str> {
        let mut style = self.cells.get(name)?;
        for _ in 0..MAX_PARENTS {
            if let Some(number) = &style.number {
                return Some(number);
            }
            style = self.cells.get(style.parent.as_ref()?)?;
        }
        None
    }

    /// The code of a style of numbers, with one section for each of its conditions.
    fn code(&self, name: &str) -> Option<String> {
        let style = self.numbers.get(name)?;
        let mut code = String::new();
        let conditions: Vec<_> = style.maps.iter().map(|(it, _)| condition(it)).collect();
        let conditions: Vec<_> = conditions.iter().map(String::as_str).collect();
        // What Excel means without saying it: negative numbers, nothing, text.
        let is_usual = matches!(conditions[..], [">=0"] | [">0", "<0"] | [">0", "<0", "=0"]);
        for ((_, applied), condition) in style.maps.iter().zip(conditions) {
            if !is_usual {
                code.extend(["[", condition, "]"]);
            }
            code.push_str(&self.numbers.get(applied)?.code);
            code.push(';');
        }
        code.push_str(&style.code);
        Some(code)
    }
}

impl Digits {
    fn of(element: &BytesStart<'_>) -> Self {
        let mut digits = Self {
            integer: 0,
            decimals: None,
            is_grouped: false,
        };
        xml::attributes(element, |name, value| match name {
            "min-integer-digits" => digits.integer = value.parse().unwrap_or(0).min(MAX_DIGITS),
            "decimal-places" => {
                digits.decimals = Some(value.parse().unwrap_or(0).min(MAX_DIGITS));
            }
            "grouping" => digits.is_grouped = value == "true",
            _ => {}
        });
        digits
    }

    /// As Excel writes it: `00000`, `00"-"00`, `#,##0.00`.
    fn code(self, embedded: &[(usize, String)]) -> String {
        let decimals = self.decimals.unwrap_or(0);
        if self.decimals.is_none() && self.integer <= 1 && embedded.is_empty() {
            return "General".to_owned();
        }
        let mut code = String::new();
        if self.is_grouped {
            code.push_str("#,##0");
        } else {
            let farthest = embedded.iter().map(|(position, _)| position + 1).max();
            let places = self
                .integer
                .max(farthest.unwrap_or(0).min(MAX_DIGITS))
                .max(1);
            for place in (0..places).rev() {
                code.push(if place < self.integer { '0' } else { '#' });
                let literals = embedded.iter().filter(|(position, _)| *position == place);
                literals.for_each(|(_, literal)| code.push_str(literal));
            }
        }
        if decimals > 0 {
            code.push('.');
            code.push_str(&"0".repeat(decimals));
        }
        code
    }
}

/// A text as a literal of a code.
fn quoted(text: &str) -> String {
    let mut code = String::new();
    for piece in text.split_inclusive('"') {
        let plain = piece.strip_suffix('"');
        let literal = plain.unwrap_or(piece);
        if !literal.is_empty() {
            // A percentage is one by its sign, and not by what kind of style it is.
            if literal.trim() == "%" {
                code.push('%');
            } else {
                code.extend(["\"", literal, "\""]);
            }
        }
        if plain.is_some() {
            code.push_str("\\\"");
        }
    }
    code
}

/// `value()>=0` as Excel writes it.
fn condition(text: &str) -> String {
    let plain = text.replace("value()", "").replace("!=", "<>");
    plain.replace([' ', ']', ';'], "")
}

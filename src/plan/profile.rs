//! What a feed looks like from afar: rows, and of each mapped column how many
//! cells are filled, how many values differ, how long they are. Never a value.
//!
//! [`ProfileTally`] counts on all cores, a tally for each batch; what is kept of
//! a feed is a [`Profile`]: figures and the names of columns.

use xxhash_rust::xxh3::xxh3_64;

use crate::feed::{Cell, FileEnd, Record};
use crate::mapping::{Bound, Person, Slot};
use crate::model::{count, counted};
use crate::schema::FieldKind;

/// The registers of a sketch, as a power of two: the estimate is off by 3% as a
/// rule, and nearly exact for a few hundred values.
const SKETCH_BITS: u32 = 10;
const REGISTERS: usize = 1 << SKETCH_BITS;

/// The first byte of a stored profile of whose end nothing is known; the bytes after it
/// are for the other ends of a file.
const VERSION: u8 = 1;

/// Fewer filled cells than this say nothing about a column.
const WORTH_COMPARING: u64 = 20;

/// What is kept of a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Rows, rejected ones among them.
    pub rows: u64,
    /// The mapped columns, each once.
    pub columns: Vec<ColumnProfile>,
    /// The files that are joined to it.
    pub joined: Vec<JoinedProfile>,
    /// How many files of the feed have rows, where it may be several; 0 where it is one file.
    pub files: u64,
    /// How the file ended.
    pub end: FileEnd,
}

/// What is kept of a file that is joined to the feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JoinedProfile {
    /// The file as a person sees it: `contracts.csv`.
    pub file: String,
    /// Its rows.
    pub rows: u64,
    /// Rows of the feed whose people have a row in it.
    pub people: u64,
    /// How it ended.
    pub end: FileEnd,
    /// Its rows of which nobody can say whose they are. Not kept in the journal.
    pub nobodys: u64,
    /// Whether the mapping clears a field of people without a row there. Not kept in the
    /// journal.
    pub clears: bool,
}

/// What the name of a joined file begins with in a stored profile: no column's does.
const JOINED: char = '\u{1}';

/// The name under which a stored profile has the number of files: no column's.
const FILES: &str = "\u{2}";

/// What is kept of one column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnProfile {
    /// The name of the feed's column, or of a field that no single column fills.
    pub name: String,
    /// Rows in which it is filled.
    pub filled: u64,
    /// About how many different values it has.
    pub distinct: u64,
    /// The characters of all its values together.
    pub chars: u64,
}

impl Profile {
    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&ColumnProfile> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The joined file of that name.
    #[must_use]
    pub fn joined(&self, file: &str) -> Option<&JoinedProfile> {
        self.joined.iter().find(|joined| joined.file == file)
    }

    /// The profile as the journal keeps it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let versions = FileEnd::ALL.into_iter().zip(VERSION..);
        let version = versions.filter(|(end, _)| *end == self.end);
        let mut bytes: Vec<_> = version.map(|(_, version)| version).collect();
        let mut number = |it: u64, name: &str| {
            bytes.extend_from_slice(&it.to_le_bytes());
            bytes.extend_from_slice(name.as_bytes());
        };
        number(self.rows, "");
        let joined: Vec<_> = self.joined.iter().map(JoinedProfile::to_column).collect();
        let files = (self.files > 0).then(|| ColumnProfile {
            name: FILES.to_owned(),
            filled: self.files,
            ..ColumnProfile::default()
        });
        for column in self.columns.iter().chain(&joined).chain(&files) {
            number(column.name.len() as u64, &column.name);
            number(column.filled, "");
            number(column.distinct, "");
            number(column.chars, "");
        }
        bytes
    }

    /// A profile that the journal kept; `None` if it is of another version or
    /// damaged.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&version, rest) = bytes.split_first()?;
        let mut versions = FileEnd::ALL.into_iter().zip(VERSION..);
        let (end, _) = versions.find(|(_, it)| *it == version)?;
        let mut rest = rest;
        let mut profile = Self {
            rows: number(&mut rest)?,
            columns: Vec::new(),
            end,
            ..Self::default()
        };
        while !rest.is_empty() {
            let length = usize::try_from(number(&mut rest)?).ok()?;
            let (name, after) = rest.split_at_checked(length)?;
            rest = after;
            let column = ColumnProfile {
                name: str::from_utf8(name).ok()?.to_owned(),
                filled: number(&mut rest)?,
                distinct: number(&mut rest)?,
                chars: number(&mut rest)?,
            };
            match JoinedProfile::of_column(&column) {
                Some(joined) => profile.joined.push(joined),
                None if column.name == FILES => profile.files = column.filled,
                None => profile.columns.push(column),
            }
        }
        Some(profile)
    }
}

impl JoinedProfile {
    /// The file as a stored profile has it.
    fn to_column(&self) -> ColumnProfile {
        let end = FileEnd::ALL.into_iter().zip(0..);
        ColumnProfile {
            name: format!("{JOINED}{}", self.file),
            filled: self.rows,
            distinct: self.people,
            chars: end
                .filter(|(end, _)| *end == self.end)
                .map(|(_, it)| it)
                .sum(),
        }
    }

    fn of_column(column: &ColumnProfile) -> Option<Self> {
        let end = usize::try_from(column.chars).ok();
        Some(Self {
            file: column.name.strip_prefix(JOINED)?.to_owned(),
            rows: column.filled,
            people: column.distinct,
            end: end
                .and_then(|end| FileEnd::ALL.get(end).copied())
                .unwrap_or_default(),
            nobodys: 0,
            clears: false,
        })
    }
}

/// The next number of a stored profile.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*number))
}

/// Which columns of a feed have a profile, and where their values come from.
#[derive(Clone, Debug, Default)]
pub(super) struct ProfiledColumns {
    names: Vec<String>,
    sources: Vec<Source>,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    /// A cell as the feed has it: what the mapping puts into an empty one is not
    /// the feed's.
    Cell(usize),
    /// A field that no single column fills.
    Field(usize),
}

impl ProfiledColumns {
    /// The columns that a mapping uses for fields of the wanted kinds, each once. Nothing is
    /// counted of passwords.
    pub(super) fn of(
        bound: &Bound<'_>,
        columns: &[String],
        is_wanted: impl Fn(FieldKind) -> bool,
    ) -> Self {
        let mut all = Self::default();
        for (field, rule) in bound.mapping().fields().iter().enumerate() {
            let column = bound.column(field);
            let cell = columns.iter().position(|it| Some(it.as_str()) == column);
            let (name, source) = match (column, cell) {
                _ if rule.field.kind == FieldKind::Password || !is_wanted(rule.field.kind) => {
                    continue;
                }
                (Some(name), Some(index)) => (name, Source::Cell(index)),
                _ => (rule.field.name, Source::Field(field)),
            };
            if !all.names.iter().any(|it| it == name) {
                all.names.push(name.to_owned());
                all.sources.push(source);
            }
        }
        all
    }

    /// A tally of these columns.
    pub(super) fn tally(&self) -> ProfileTally {
        ProfileTally::new(self.sources.len())
    }

    /// Counts a row.
    pub(super) fn add(&self, record: &Record, person: &Person, tally: &mut ProfileTally) {
        for (column, source) in self.sources.iter().enumerate() {
            let text = match *source {
                Source::Cell(index) => record.cell(index).map_or("", Cell::trimmed),
                Source::Field(field) => match person.get(field) {
                    Slot::Text(text) => text,
                    Slot::Absent | Slot::Clear | Slot::Invalid => "",
                },
            };
            if !text.is_empty() {
                tally.add(column, text);
            }
        }
        tally.end_row();
    }

    /// The profile of what was counted.
    pub(super) fn profile(self, tally: &ProfileTally) -> Profile {
        tally.finish(self.names)
    }
}

/// A profile under way.
#[derive(Clone, Debug, Default)]
pub struct ProfileTally {
    rows: u64,
    columns: Vec<ColumnTally>,
}

#[derive(Clone, Debug)]
struct ColumnTally {
    filled: u64,
    chars: u64,
    /// A `HyperLogLog` sketch: for each register the longest run of zeros, plus
    /// one, with which a hash that belongs to it begins.
    registers: Box<[u8; REGISTERS]>,
}

impl ProfileTally {
    /// Nothing yet, of this number of columns.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        let column = ColumnTally {
            filled: 0,
            chars: 0,
            registers: Box::new([0; REGISTERS]),
        };
        Self {
            rows: 0,
            columns: vec![column; columns],
        }
    }

    /// Counts a filled cell of this row.
    #[inline]
    pub fn add(&mut self, column: usize, text: &str) {
        let Some(column) = self.columns.get_mut(column) else {
            return;
        };
        column.filled += 1;
        column.chars += text.chars().count() as u64;
        // Unseeded: it is forgotten with the run, and batches must agree.
        let hash = xxh3_64(text.as_bytes());
        let (register, zeros) = split(hash);
        if let Some(most) = column.registers.get_mut(register) {
            *most = (*most).max(zeros + 1);
        }
    }

    /// Counts the row.
    #[inline]
    pub fn end_row(&mut self) {
        self.rows += 1;
    }

    /// Adds what another tally counted in other rows.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        for (column, other) in self.columns.iter_mut().zip(&other.columns) {
            column.filled += other.filled;
            column.chars += other.chars;
            for (most, other) in column.registers.iter_mut().zip(other.registers.iter()) {
                *most = (*most).max(*other);
            }
        }
    }

    /// The profile, with the names of the columns.
    #[must_use]
    pub fn finish(&self, names: impl IntoIterator<Item = String>) -> Profile {
        let columns = self.columns.iter().zip(names);
        Profile {
            rows: self.rows,
            columns: columns
                .map(|(column, name)| ColumnProfile {
                    name,
                    filled: column.filled,
                    distinct: column.distinct(),
                    chars: column.chars,
                })
                .collect(),
            ..Profile::default()
        }
    }
}

/// The register of a hash, and with how many zeros its other bits begin.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a register has 10 bits, and a hash at most 64 zeros"
)]
const fn split(hash: u64) -> (usize, u8) {
    let register = hash >> (u64::BITS - SKETCH_BITS);
    // The lowest bit ends the zeros of a hash that has nothing else.
    let zeros = (hash << SKETCH_BITS | 1).leading_zeros();
    (register as usize, zeros as u8)
}

impl ColumnTally {
    /// The estimate of the sketch. Few values leave registers empty, and how many
    /// says more than what is in the others.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate, positive and bounded by `filled`"
    )]
    fn distinct(&self) -> u64 {
        let registers = REGISTERS as f64;
        let (mut sum, mut empty) = (0.0, 0_u32);
        for most in self.registers.iter() {
            sum += 0.5_f64.powi(i32::from(*most));
            empty += u32::from(*most == 0);
        }
        let alpha = 0.7213 / (1.0 + 1.079 / registers);
        let raw = alpha * registers * registers / sum;
        let estimate = if raw <= 2.5 * registers && empty > 0 {
            registers * (registers / f64::from(empty)).ln()
        } else {
            raw
        };
        (estimate.round() as u64).min(self.filled)
    }
}

/// The median of some figures; of two in the middle their mean, rounded down.
pub(super) fn median(mut figures: Vec<u64>) -> Option<u64> {
    figures.sort_unstable();
    let upper = *figures.get(figures.len() / 2)?;
    let lower = *figures.get((figures.len() - 1) / 2)?;
    Some(lower + (upper - lower) / 2)
}

/// `part` of `whole`, if the whole were `of`; 0 of nothing.
pub(super) fn scaled(part: u64, whole: u64, of: u64) -> u64 {
    let scaled = u128::from(part) * u128::from(of) / u128::from(whole.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// What is odd about a feed that is not sick, a sentence for each column without
/// its full stop: something for a person to know, and no reason to stop.
#[must_use]
pub fn worth_telling(now: &Profile, before: &[Profile]) -> Vec<String> {
    let columns = now.columns.iter().filter_map(|column| {
        let earlier: Vec<_> = before
            .iter()
            .filter_map(|profile| profile.column(&column.name))
            .filter(|earlier| earlier.filled >= WORTH_COMPARING)
            .collect();
        let is_worth_comparing = column.filled >= WORTH_COMPARING && !earlier.is_empty();
        is_worth_comparing.then_some((column, earlier))
    });
    columns
        .filter_map(|(column, earlier)| {
            other_values(column, &earlier).or_else(|| other_lengths(column, &earlier))
        })
        .collect()
}

/// A column whose values used to differ and are now the same, or the other way
/// round: it was filled down, or another column has its place.
fn other_values(now: &ColumnProfile, before: &[&ColumnProfile]) -> Option<String> {
    let of_thousand = |it: &ColumnProfile| scaled(it.distinct, it.filled, 1_000);
    let (differs, usually) = (
        of_thousand(now),
        median(before.iter().map(|it| of_thousand(it)).collect())?,
    );
    let used_to_have = median(before.iter().map(|it| it.distinct).collect())?;
    let (name, filled) = (&now.name, counted(now.filled, "row", "rows"));
    let differed = usually >= 800;
    let has = match now.distinct {
        0 | 1 if differed || used_to_have >= 5 => {
            format!("now has the same value in all {filled} where it is filled")
        }
        several if differed && differs <= 200 => {
            let several = count(several);
            format!("now has about {several} different values in {filled}")
        }
        _ if differs >= 800 && usually <= 200 => "now differs from row to row".into(),
        _ => return None,
    };
    let had = if differed {
        "it used to differ from row to row".into()
    } else {
        let values = counted(used_to_have, "value", "different values");
        format!("it used to have about {values}")
    };
    Some(format!("`{name}` {has}; {had}"))
}

/// A column whose values became much longer or shorter: it was cut, or another
/// column has its place.
fn other_lengths(now: &ColumnProfile, before: &[&ColumnProfile]) -> Option<String> {
    let of_ten = |it: &ColumnProfile| scaled(it.chars, it.filled, 10);
    let length = of_ten(now);
    let usually = median(before.iter().map(|it| of_ten(it)).collect())?;
    let (short, long) = (length.min(usually), length.max(usually));
    // Two characters: the average of short codes moves by itself.
    if long - short < 20 || long < short.saturating_add(short / 2) {
        return None;
    }
    let name = &now.name;
    let average = |tenths: u64| tenths.saturating_add(5) / 10;
    let length = counted(average(length), "character", "characters");
    let usually = count(average(usually));
    Some(format!(
        "values of `{name}` now have {length} on average; they used to have {usually}"
    ))
}

#[cfg(test)]
#[path = "profile_tests.rs"]
mod tests;

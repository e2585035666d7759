//! What all dates of a column show together: which of day and month comes first, and
//! which form they have if it is not the mapping's.

use std::sync::OnceLock;

use super::DateForm;

/// The forms in which HR systems write dates: day before month, of two that are alike, and
/// one that says more before one that reads the same texts and others.
pub(super) const FORMS: [&str; 28] = [
    "%Y-%m-%d",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%m.%d.%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d%m%Y",
    "%m%d%Y",
    "%d %m %Y",
    "%d. %b %Y",
    "%d de %b de %Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d/%b/%Y",
    "%b %d, %Y",
    "%b %d %Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d-%m-%y",
    "%m-%d-%y",
    "%d.%m.%y",
    "%d-%b-%y",
    "%d %b %y",
    "serial",
];

/// What one cell shows of the form of its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// It has the mapping's form, and says nothing of the order of day and month.
    Fits,
    /// It is a date whichever of day and month comes first.
    Either,
    /// It is a date cell of a spreadsheet, and a date whichever comes first.
    EitherCell,
    /// It is a date cell of a spreadsheet, and no date the other way round.
    OnlyCell,
    /// It is a date as the mapping says, and not the other way round.
    Only,
    /// It is a date only with day and month in each other's place. A bit for each form
    /// that it has.
    Swapped(u32),
    /// It is not a date of the mapping's form in either order. A bit for each form that it
    /// has.
    Other(u32),
}

/// This number of dates is neither a slip nor a chance.
const MANY: u64 = 3;
/// Of this number of dates that tell day and month apart, one may be a slip.
const SLIPS: u64 = 4;

/// How many cells show what.
#[derive(Clone, Debug, Default)]
pub struct DateTally {
    fits: u64,
    either: u64,
    either_cells: u64,
    only: u64,
    only_cells: u64,
    swapped: u64,
    others: u64,
    /// For each form the cells that have it, of those that do not have the mapping's.
    forms: [u64; FORMS.len()],
}

/// What is wrong with the form that the mapping names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every date that tells day and month apart says that they are in each other's
    /// place, so that all others would be read wrongly.
    Swapped,
    /// Many dates that tell day and month apart say one thing, and many the other.
    BothOrders,
    /// The texts are the dates that cannot be read the other way round, and the date cells
    /// are those that can: a spreadsheet took these for dates of another order.
    HalfConverted,
    /// Dates that tell day and month apart are in the other order, but they are few.
    FewSwapped,
    /// Most texts are not dates of the mapping's form, and have one of these.
    Other(Vec<&'static str>),
}

impl DateTally {
    /// Adds a cell.
    pub fn add(&mut self, evidence: Evidence) {
        match evidence {
            Evidence::Fits => self.fits += 1,
            Evidence::Either => self.either += 1,
            Evidence::EitherCell => self.either_cells += 1,
            Evidence::OnlyCell => self.only_cells += 1,
            Evidence::Only => self.only += 1,
            Evidence::Swapped(forms) => {
                self.swapped += 1;
                self.add_forms(forms);
            }
            Evidence::Other(forms) => {
                self.others += 1;
                self.add_forms(forms);
            }
        }
    }

    /// Adds a cell of a column whose form nobody says.
    pub(crate) fn add_text(&mut self, text: &str) {
        self.add(Evidence::Other(forms_of(text)));
    }

    /// Whether there is no cell whose form nobody says.
    pub(crate) const fn is_empty(&self) -> bool {
        self.others == 0
    }

    /// The forms that the most cells have, the likeliest first, if nearly all do.
    pub(crate) fn likely(&self) -> Vec<&'static str> {
        match self.likeliest() {
            (most, forms) if most > 0 && most * 10 >= self.others * 8 => forms,
            _ => Vec::new(),
        }
    }

    fn add_forms(&mut self, forms: u32) {
        for (bit, cells) in self.forms.iter_mut().enumerate() {
            *cells += u64::from(forms >> bit & 1);
        }
    }

    /// Adds the cells of another part of the feed.
    pub fn merge(&mut self, other: &Self) {
        self.fits += other.fits;
        self.either += other.either;
        self.either_cells += other.either_cells;
        self.only += other.only;
        self.only_cells += other.only_cells;
        self.swapped += other.swapped;
        self.others += other.others;
        for (sum, more) in self.forms.iter_mut().zip(other.forms) {
            *sum += more;
        }
    }

    /// What the whole column says.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        // Where no date would be read wrongly, it is a matter of the rows. Of dates in that
        // order more than half tell: one among many is a slip.
        let would_be_wrong = self.only == 0 && self.either > 0;
        if would_be_wrong && self.swapped > 0 && self.swapped * 10 >= self.either {
            return Some(Verdict::Swapped);
        }
        if self.is_half_converted() {
            return Some(Verdict::HalfConverted);
        }
        // Their rows are rejected; which day the dates mean that tell nothing is not certain.
        if self.either > 0 && self.swapped * SLIPS > self.only {
            let are_many = self.swapped >= MANY && self.only > 0;
            return Some(if are_many {
                Verdict::BothOrders
            } else {
                Verdict::FewSwapped
            });
        }
        let refused = self.swapped + self.others;
        let (most, forms) = self.likeliest();
        let read = self.fits + self.either + self.only;
        (refused > read && most * 10 >= refused * 9).then_some(Verdict::Other(forms))
    }

    /// Of dates of any day, four in ten can be read either way. If none of the texts can, and
    /// all of the cells, that has a reason.
    const fn is_half_converted(&self) -> bool {
        let (cells, texts) = (self.either_cells, self.only);
        cells >= MANY && texts >= MANY && self.only_cells == 0 && self.either == 0
    }

    /// The same of texts whose form nobody says, which is found to be `form`.
    pub(crate) fn is_half_converted_from(&self, form: &DateForm) -> bool {
        let with = |text: &str| {
            let mut forms = self.forms.iter().zip(FORMS);
            let found = forms.find(|(_, other)| *other == text);
            found.map_or(0, |(cells, _)| *cells)
        };
        let Some(swapped) = form.swapped() else {
            return false;
        };
        let (cells, texts) = (self.either_cells, with(form.as_str()));
        cells >= MANY && texts >= MANY && self.only_cells == 0 && with(swapped) == 0
    }

    /// The forms that the most of the refused cells have, and how many cells these are.
    fn likeliest(&self) -> (u64, Vec<&'static str>) {
        let most = self.forms.iter().max().copied().unwrap_or_default();
        let forms = self.forms.iter().zip(FORMS);
        let forms = forms.filter(|(cells, _)| **cells == most);
        let mut forms: Vec<_> = forms.map(|(_, form)| form).collect();
        // With the name of a month, all of them mean the same day.
        if forms.first().is_some_and(|form| form.contains("%b")) {
            forms.truncate(1);
        }
        (most, forms)
    }
}

/// The forms, compiled.
fn forms() -> &'static [DateForm] {
    static COMPILED: OnceLock<Vec<DateForm>> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let forms = FORMS.iter().map(|form| DateForm::compile(form));
        forms.filter_map(Result::ok).collect()
    })
}

/// A bit for each form that a text has.
pub(super) fn forms_of(text: &str) -> u32 {
    let forms = forms().iter().enumerate();
    forms.fold(0, |bits, (bit, form)| {
        bits | u32::from(form.fits(text)) << bit
    })
}

/// The forms that the most of these texts have, the likeliest first, if nearly all of
/// them do. A few impossible dates do not matter, and a day above 12 tells day and
/// month apart.
#[must_use]
pub fn likely_forms<'t>(texts: impl IntoIterator<Item = &'t str>) -> Vec<&'static str> {
    let mut tally = DateTally::default();
    for text in texts {
        tally.add_text(text);
    }
    tally.likely()
}

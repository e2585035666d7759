//! In which form the dates of a feed are written.

use super::columns::{Column, Sample};
use crate::headers::Meaning;
use crate::mapping::{likely_forms, means_nothing};

/// What a column's dates look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// The form, unless dates are written as in ISO 8601 or cells are dates.
    pub(super) written: Option<&'static str>,
    /// Another order of day and month fits as well.
    pub(super) is_ambiguous: bool,
    /// Neither the column, which is empty, nor the others show it.
    pub(super) is_unknown: bool,
}

/// The form of a column's dates. One program writes all of a feed in one form, so the
/// other columns of dates decide what this one leaves open.
pub(super) fn form_of(column: &Column, sample: &Sample) -> Form {
    let forms = forms(column);
    let others = sample.columns.iter().filter(|it| is_of_dates(it));
    let mut certain: Vec<_> = others
        .map(self::forms)
        .filter_map(|forms| match forms.as_slice() {
            [form] => Some(*form),
            _ => None,
        })
        .collect();
    certain.sort_unstable();
    certain.dedup();
    let form = |form: &'static str, is_ambiguous| Form {
        written: Some(form).filter(|it| *it != ISO),
        is_ambiguous,
        is_unknown: false,
    };
    match (forms.as_slice(), certain.as_slice()) {
        ([], [one]) if column.filled == 0 => form(one, false),
        ([], _) => Form {
            written: None,
            is_ambiguous: false,
            is_unknown: column.rows > 0 && column.filled == 0,
        },
        ([one], _) => form(one, false),
        ([first, ..], certain) => {
            let mut orders: Vec<_> = certain.iter().map(|it| day_first(it)).collect();
            orders.dedup();
            let settled = match orders.as_slice() {
                [order] => forms.iter().find(|it| day_first(it) == *order),
                _ => None,
            };
            form(settled.unwrap_or(first), settled.is_none())
        }
    }
}

const ISO: &str = "%Y-%m-%d";

/// Whether the day is written before the month.
fn day_first(form: &str) -> bool {
    form.find("%d") < form.find("%m")
}

/// Whether a column is about a day, by its name or by all that is in it.
fn is_of_dates(column: &Column) -> bool {
    let reading = column.readings().into_iter().next();
    let by_name = reading.is_some_and(|it| {
        matches!(
            it.meaning,
            Meaning::BirthDate | Meaning::HireDate | Meaning::EndDate
        )
    });
    by_name && column.filled > 0
}

/// The forms that most samples of a column have, if they are dates. More than one if day
/// and month could be swapped.
fn forms(column: &Column) -> Vec<&'static str> {
    let samples = column.date_samples().iter().map(|it| it.trim());
    let samples: Vec<_> = samples
        .filter(|it| !it.is_empty() && !means_nothing(it))
        .collect();
    let found = likely_forms(samples.iter().copied());
    if !found.is_empty() {
        return found;
    }
    // Numbers among dates are cells that lost their format.
    let is_number = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
    likely_forms(samples.into_iter().filter(|it| !is_number(it)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, samples: &[&str]) -> Column {
        Column {
            name: name.into(),
            rows: 3,
            filled: u32::try_from(samples.len()).unwrap(),
            samples: samples.iter().map(|it| (*it).to_owned()).collect(),
            ..Column::default()
        }
    }

    fn form(samples: &[&str], others: &[(&str, &[&str])]) -> (Option<&'static str>, bool) {
        let mut columns = vec![column("Born", samples)];
        columns.extend(others.iter().map(|(name, it)| column(name, it)));
        let sample = Sample {
            columns,
            ..Sample::default()
        };
        let found = form_of(&sample.columns[0], &sample);
        (found.written, found.is_ambiguous)
    }

    #[test]
    fn one_day_above_twelve_settles_day_and_month() {
        assert_eq!(
            form(&["01/02/2017", "15/10/2017"], &[]),
            (Some("%d/%m/%Y"), false)
        );
        assert_eq!(
            form(&["01/02/2017", "10/15/2017"], &[]),
            (Some("%m/%d/%Y"), false)
        );
        assert_eq!(form(&["01/02/2017"], &[]), (Some("%d/%m/%Y"), true));
        assert_eq!(
            form(&["01/02/17", "15/10/17"], &[]),
            (Some("%d/%m/%y"), false)
        );
        assert_eq!(form(&["01.02.17"], &[]), (Some("%d.%m.%y"), false));
        assert_eq!(form(&["soon"], &[]), (None, false));
        assert_eq!(form(&["2017-02-01"], &[]), (None, false));
    }

    const HIRED: &[(&str, &[&str])] = &[("Hire Date", &["03/25/2017"])];
    const BOTH: &[(&str, &[&str])] = &[
        ("Hire Date", &["03/25/2017"]),
        ("End Date", &["25/03/2017"]),
    ];

    #[test]
    fn the_other_dates_of_a_feed_settle_what_a_column_leaves_open() {
        assert_eq!(form(&["01/02/1990"], HIRED), (Some("%m/%d/%Y"), false));
        assert_eq!(form(&[], HIRED), (Some("%m/%d/%Y"), false));
        assert_eq!(form(&["21.03.1990"], HIRED), (Some("%d.%m.%Y"), false));
        assert_eq!(form(&["01/02/1990"], BOTH), (Some("%d/%m/%Y"), true));
        assert_eq!(form(&[], BOTH), (None, false));
        assert_eq!(form(&[], &[("Hire Date", &["2017-03-25"])]), (None, false));
    }
}

//! By what a person is known: the HR system's ID, and the login.

use super::columns::Column;
use super::recognise::{Origin, Work, by, filled, serves_as_id};
use crate::headers::{Meaning, normalized};
use crate::mapping::likely_forms;
use crate::schema::{Field, FieldKind};

impl Work<'_> {
    /// The HR system's ID for a person.
    pub(super) fn person_id(&mut self) {
        let is_id = |field: &Field| field.kind == FieldKind::ExternalId;
        let mut found = Vec::new();
        let has_email = self.has_email();
        let is_name = |it: &str| {
            it.contains(char::is_alphabetic)
                && it.contains([' ', ','])
                && !it.contains(char::is_numeric)
        };
        for index in self.named(&[Meaning::PersonId, Meaning::WeakId]) {
            let column = self.column(index);
            let strong = self.rank(index, Meaning::PersonId);
            let is_weak = strong.is_none();
            let why = if column.rows > 0 && column.filled == 0 {
                Some("empty".to_owned())
            } else if column.is_mostly_emails() {
                Some("addresses".to_owned())
            } else if !column.samples.is_empty() && column.half(is_name) {
                Some("names".to_owned())
            } else if !column.is_filled(50) {
                Some(filled(column))
            } else if !column.is_distinct(if is_weak { 95 } else { 20 }) {
                Some(format!("a key, but {}", repeats(column)))
            } else if is_weak && has_email && column.is_counter() && self.numbers_rows(index) {
                Some("numbers the rows".to_owned())
            } else {
                None
            };
            if let Some(why) = why {
                if !is_weak || column.filled > 0 {
                    self.not(index, why);
                }
                continue;
            }
            let rank = strong.or_else(|| self.rank(index, Meaning::WeakId));
            found.push((
                (
                    is_weak && column.is_counter(),
                    !column.is_filled(90),
                    is_weak,
                    !column.is_distinct(95),
                    rank,
                ),
                index,
            ));
        }
        found.sort();
        let Some(&(_, best)) = found.first() else {
            self.id_by_content();
            self.prefer_email(None);
            return;
        };
        if self.prefer_email(Some(best)) {
            return;
        }
        for (_, index) in found.iter().skip(1) {
            // A login may be an ID, too.
            if self.rank(*index, Meaning::Login).is_none() {
                self.not(
                    *index,
                    format!("also a key; `{}` is surer", self.name(best)),
                );
            }
        }
        let column = self.column(best);
        let mut why = self.by_name(best);
        let mut check = None;
        if column.rows > 0 && column.repeats == 0 {
            why.push_str(", all different");
        } else if column.repeats > 0 {
            why.push_str(", ");
            why.push_str(&repeats(column));
            let (count, rows) = (count_of_repeats(column), rows_of_repeats(column));
            check = Some(format!("{count} of `{}`{rows}", column.name));
        }
        if self.rank(best, Meaning::PersonId).is_none()
            && self.numbers_rows(best)
            && column.is_counter()
        {
            check = Some(format!("`{}` may only number the rows", column.name));
        }
        self.take(is_id, best, why);
        if let Some(choice) = self.choice(is_id) {
            choice.check = check;
        }
    }

    /// Whether the e-mail address is the better ID, since many people have no other: `best`,
    /// or the best of those that were too empty. It is said why.
    fn prefer_email(&mut self, best: Option<usize>) -> bool {
        let sparse = self.named(&[Meaning::PersonId]).into_iter().find(|index| {
            let column = self.column(*index);
            column.filled > 0 && !column.is_filled(50) && !column.is_mostly_emails()
        });
        let (Some(key), Some(email)) = (best.or(sparse), self.column_of(FieldKind::Email)) else {
            return false;
        };
        let (key_column, column) = (self.column(key), self.column(email));
        let is_better = !key_column.is_filled(90)
            && column.is_filled(100)
            && column.rows > 0
            && serves_as_id(column);
        let is_id = |field: &Field| field.kind == FieldKind::ExternalId;
        let is_open = |work: &mut Self| {
            let choice = work.choice(is_id);
            choice.is_some_and(|it| it.origin == Origin::Nothing)
        };
        if !is_better || !is_open(self) {
            return false;
        }
        let why = format!(
            "`{}` is {} and `{}` {}: the e-mail address is used",
            key_column.name,
            filled(key_column),
            column.name,
            filled(column)
        );
        self.why_not[key] = Some(format!("a key, but {}", filled(key_column)));
        if let Some(choice) = self.choice(is_id) {
            choice.why = why;
        }
        true
    }

    /// Whether a column is called like a number, and not like an ID.
    fn numbers_rows(&self, index: usize) -> bool {
        let name = normalized(self.name(index));
        matches!(
            name.as_str(),
            "nr" | "no" | "number" | "num" | "nummer" | "numero" | "番号" | "编号" | "編號" | ""
        )
    }

    /// The one column of codes that differ in every row, if no name says ID.
    fn id_by_content(&mut self) {
        let is_code = |text: &str| {
            let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
            // A sum is none.
            let is_decimal = text.contains(['.', ',']) && text.parse::<f64>().is_ok();
            let is_phone = text.starts_with('+') || (text.starts_with('0') && text.len() > 8);
            has_digit
                && !is_decimal
                && text.len() <= 40
                && !is_phone
                && !text.contains(char::is_whitespace)
                && !text.contains('@')
        };
        let is_id = |index: &usize| {
            let column = self.column(*index);
            let is_unknown = self.readings[*index]
                .iter()
                .all(|it| it.meaning == Meaning::Other);
            !self.used[*index]
                && is_unknown
                && !column.is_about_others()
                && column.filled >= 3
                && column.is_filled(98)
                && column.is_distinct(99)
                && column.dates == 0
                && !column.is_counter()
                && column.samples.iter().all(|it| is_code(it))
                && likely_forms(column.samples.iter().map(String::as_str))
                    .iter()
                    .all(|it| *it == "serial")
        };
        let found: Vec<_> = (0..self.used.len()).filter(is_id).collect();
        // A name that nobody knows may be that of a number of an authority.
        if !self.has_no_header() {
            for index in found {
                self.not(
                    index,
                    "codes, all different: if it is the ID, name it in that line",
                );
            }
            return;
        }
        if let [index] = found[..] {
            let why = format!(
                "{}, all different",
                by("by content: codes", self.column(index))
            );
            let check = format!("`{}` is taken for the ID by its content", self.name(index));
            let is_id = |field: &Field| field.kind == FieldKind::ExternalId;
            self.take(is_id, index, why);
            if let Some(choice) = self.choice(is_id) {
                choice.check = Some(check);
            }
        }
    }

    /// Whether the columns are called by letters, because no row names them.
    fn has_no_header(&self) -> bool {
        let names = self.sample.columns.iter().map(|it| it.name.as_str());
        let is_letters = |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase());
        self.sample.columns.len() > 1
            && names.take(2).eq(["A", "B"])
            && self.sample.columns.iter().all(|it| is_letters(&it.name))
    }

    fn has_email(&self) -> bool {
        let mut choices = self.choices.iter();
        choices.any(|it| it.field.kind == FieldKind::Email && it.origin != Origin::Nothing)
    }

    /// A column of its own; else the e-mail address, where nobody shares one; else the ID.
    pub(super) fn login(&mut self) {
        let is_login = |field: &Field| field.kind == FieldKind::Login;
        for index in self.named(&[Meaning::Login]) {
            let column = self.column(index);
            let is_name = column.half(|it| it.contains(' ')) && column.filled > 0;
            // People without a login are refused, and the e-mail address serves as well.
            if column.is_distinct(80) && column.is_filled(80) && !is_name {
                let why = self.by_name(index);
                self.take(is_login, index, why);
                return;
            }
            let why = if is_name {
                "names, no logins".to_owned()
            } else if column.is_filled(80) {
                format!("a login, but {}", repeats(column))
            } else {
                filled(column)
            };
            self.not(index, why);
        }
        let email = self.column_of(FieldKind::Email);
        let id = self.column_of(FieldKind::ExternalId);
        let is_own = |index: usize| {
            let column = self.column(index);
            let is_distinct = column.distinct_emails * 100 >= column.emails * 95;
            column.is_filled(90) && (column.rows == 0 || is_distinct)
        };
        let (index, why) = match (email, id) {
            (Some(email), _) if is_own(email) => (
                email,
                "no column of its own: the e-mail address is used".to_owned(),
            ),
            (Some(email), Some(id)) => {
                let column = self.column(email);
                let why = if column.is_filled(90) {
                    format!(
                        "{} addresses on {} rows",
                        column.distinct_emails, column.rows
                    )
                } else {
                    format!("the e-mail is {}", filled(column))
                };
                (
                    id,
                    format!("no column of its own, and {why}: the ID is used"),
                )
            }
            (None, Some(id)) => (id, "no column of its own: the ID is used".to_owned()),
            // Several people sign in with one of them.
            (Some(_) | None, None) => return,
        };
        let was_used = self.used[index];
        self.take(is_login, index, why);
        self.used[index] = was_used;
    }
}

/// `7 values are in several rows (rows 4, 9, 12 …)`.
fn repeats(column: &Column) -> String {
    format!("{}{}", count_of_repeats(column), rows_of_repeats(column))
}

fn count_of_repeats(column: &Column) -> String {
    match column.repeats {
        1 => "one value is in several rows".into(),
        repeats => format!("{repeats} values are in several rows"),
    }
}

fn rows_of_repeats(column: &Column) -> String {
    let named: Vec<_> = column.repeated_in.iter().map(ToString::to_string).collect();
    if named.is_empty() {
        return String::new();
    }
    let is_all = named.len() as u64 >= u64::from(column.rows_with_repeats);
    let more = if is_all { "" } else { " …" };
    format!(" (rows {}{more})", named.join(", "))
}

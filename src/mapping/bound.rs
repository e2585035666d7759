//! A mapping tied to the columns of a feed: from a record to a person.

mod conditions;
mod others;
mod sound;
mod templates;
mod whole;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::columns::{ColumnNames, Columns, Spelling, why_not_found};
use super::person::{Person, Slot};
use super::phone::Region;
use super::template::{Condition, TemplateCells, TemplateRow};
use super::value::{Fault, From, cell_value, finish, flaw, invalid};
use super::way_back::read_exact;
use super::words;
use super::{FieldRule, Lookup, Mapping, MappingError, Origin};
use jiff::civil::Date;

use crate::feed::{Attachments, Cell, CellKind, Feed, Record, column_letters};
use crate::model::{FingerprintKey, Joined, Remark, Remarked, RemarkedFile};
use crate::schema::{FieldKind, Part};

/// A mapping whose columns are found in a feed.
#[derive(Debug)]
pub struct Bound<'m> {
    mapping: &'m Mapping,
    pub(super) columns: Columns,
    for_templates: TemplateCells,
    /// Names of the mapping that the feed spells in another way.
    spellings: Vec<Spelling>,
    /// For each field the column it comes from, if it comes from one; beyond the columns,
    /// that of all rows of the person.
    pub(super) origins: Vec<Option<usize>>,
    /// The fields with phone numbers, each with the column that names their countries.
    phones: Vec<(usize, Option<usize>)>,
    country: Option<usize>,
    state: Option<usize>,
    picture: Option<usize>,
    groups: Option<usize>,
    attachments: Option<Attachments>,
    fingerprint_key: FingerprintKey,
    compares_unkeyed: bool,
    today: Date,
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapped {
    /// A row of the feed.
    Row,
    /// The mapping's filter left it out.
    Skipped,
    /// Another row of the same person counts.
    GaveWay,
    /// It says that the person leaves. The person has an external ID and nothing else
    /// that counts.
    Leaver,
}

impl Mapping {
    /// Ties the mapping to a feed with these columns, which is read on the day `today`:
    /// by that the centuries of dates are known. The names in `duplicates` appear more
    /// than once, so that no field and no template can use them.
    ///
    /// # Errors
    /// A column that the mapping names and the feed does not have, or has
    /// twice.
    pub fn bind(
        &self,
        columns: &[String],
        duplicates: &[String],
        today: Date,
    ) -> Result<Bound<'_>, MappingError> {
        self.bind_columns(Columns::of_feed(columns, duplicates, &[]), today)
    }

    /// The same for a feed, with the columns of the files that are joined to it.
    ///
    /// # Errors
    /// As [`Mapping::bind`].
    pub fn bind_feed(&self, feed: &Feed, today: Date) -> Result<Bound<'_>, MappingError> {
        let duplicates = feed.duplicate_columns().into_iter();
        let duplicates: Vec<_> = duplicates.map(|(name, _)| name.to_owned()).collect();
        let columns = Columns::of_feed(feed.columns(), &duplicates, feed.joined_columns());
        self.bind_columns(columns, today)
    }

    fn bind_columns(&self, columns: Columns, today: Date) -> Result<Bound<'_>, MappingError> {
        let names = ColumnNames::new(&columns);
        let mut spellings = Vec::new();
        let mut origins = Vec::with_capacity(self.fields.len());
        for rule in &self.fields {
            let Origin::Column(name) = &rule.origin else {
                origins.push(None);
                continue;
            };
            let Some(found) = names.find(name) else {
                return Err(self.no_column(rule, name, &columns));
            };
            spellings.extend(found.spelling);
            let offset = if rule.all { columns.names.len() } else { 0 };
            origins.push(Some(offset + found.index));
        }
        let mut phones = Vec::new();
        for (field, rule) in self.fields.iter().enumerate() {
            let Some(phone) = &rule.phone else { continue };
            let column = match &phone.region {
                Region::Column { name, .. } => {
                    let found = names.find(name);
                    let found = found.ok_or_else(|| self.no_column(rule, name, &columns))?;
                    spellings.extend(found.spelling);
                    Some(found.index)
                }
                _ => None,
            };
            phones.push((field, column));
        }
        let for_templates = TemplateCells::of(&self.templates, &names, &mut spellings, today);
        spellings.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        spellings.dedup();
        let bound = Bound {
            mapping: self,
            columns,
            for_templates,
            spellings,
            origins,
            phones,
            country: self.position("country"),
            state: self.position("state"),
            picture: self.position_of(Part::Picture),
            groups: self.position_of(Part::Groups),
            attachments: None,
            // Nothing is compared before a journal gives its own.
            fingerprint_key: FingerprintKey([0; 32]),
            compares_unkeyed: false,
            today,
        };
        bound.probe()?;
        Ok(bound)
    }

    fn no_column(&self, rule: &FieldRule, name: &str, columns: &Columns) -> MappingError {
        let (mut what, mut help) = why_not_found(name, columns);
        if rule.field.kind == FieldKind::Password {
            // The name may be a password and not a column's name.
            what = "the feed has no column of the name given here".into();
            help = format!("a mapping cannot contain a password; {help}");
        } else if words::canonical(rule.field.kind, name).is_some() {
            let example = match rule.field.name.rsplit_once('.') {
                Some((_, key)) => key,
                None => rule.field.name,
            };
            help = format!(
                "to give everyone the same value: {example} = {{ value = \"{name}\" }}; {help}"
            );
        }
        self.error_at(
            rule,
            format!("{what} (field {})", rule.field.name),
            Some(help),
        )
    }
}

impl<'m> Bound<'m> {
    /// The same, with the files in the feed's folder.
    #[must_use]
    pub fn with_files(mut self, attachments: Option<Attachments>) -> Self {
        self.attachments = attachments;
        self
    }

    /// The position of the picture in [`Mapping::fields`], where it is mapped.
    pub fn picture(&self) -> Option<usize> {
        self.picture
    }

    /// The files that a row may name.
    pub fn attachments(&self) -> Option<&Attachments> {
        self.attachments.as_ref()
    }

    /// Makes fingerprints that can be compared with those of the journal with
    /// this key, and with those of releases without a secret if it has such.
    pub fn compare_with(&mut self, key: FingerprintKey, has_unkeyed: bool) {
        self.fingerprint_key = key;
        self.compares_unkeyed = has_unkeyed;
    }

    /// Whether people may be known by fingerprints without a secret.
    pub fn compares_unkeyed(&self) -> bool {
        self.compares_unkeyed
    }

    /// The secret of the fingerprints.
    pub fn fingerprint_key(&self) -> &FingerprintKey {
        &self.fingerprint_key
    }

    /// What is written for people who leave, in the order of the schema.
    pub fn for_leavers(&self) -> Vec<(&'static str, String)> {
        self.mapping.leaver_fields().on(self.today)
    }

    /// Whether what is written for leavers keeps them from signing in at once.
    pub fn closes_leavers(&self) -> bool {
        let active = self.mapping.target.system.spec().active;
        let fields = self.for_leavers();
        (fields.iter()).any(|(name, value)| Some(*name) == active && value == "false")
    }

    /// The day on which the feed is read, as far as the mapping goes by it.
    pub fn today(&self) -> Date {
        self.today
    }

    /// The mapping.
    pub fn mapping(&self) -> &'m Mapping {
        self.mapping
    }

    /// The position of the field that holds the country.
    pub fn country(&self) -> Option<usize> {
        self.country
    }

    /// The position of the field that holds user groups.
    pub fn groups(&self) -> Option<usize> {
        self.groups
    }

    /// The position of a field that says something of the row's group.
    pub fn of_group(&self, name: &str) -> Option<usize> {
        self.mapping.position(name)
    }

    /// The feed's column that a field comes from, if it comes from one.
    pub fn column(&self, field: usize) -> Option<&str> {
        let index = (*self.origins.get(field)?)?;
        let names = &self.columns.names;
        names.get(index % names.len()).map(String::as_str)
    }

    /// The letters of the column that fills a field, as a spreadsheet has them; none of a
    /// joined file, or where no single column does.
    #[must_use]
    pub fn letters(&self, field: usize) -> Option<String> {
        let index = (*self.origins.get(field)?)?;
        (index < self.columns.own).then(|| column_letters(index))
    }

    /// The positions of the columns that the mapping reads; beyond the columns, those of
    /// all rows of a person.
    pub(super) fn used(&self) -> BTreeSet<usize> {
        let of_fields = self.origins.iter().copied().flatten();
        let of_phones = self.phones.iter().filter_map(|(_, column)| *column);
        let of_templates = self.for_templates.columns().iter().copied();
        of_fields.chain(of_phones).chain(of_templates).collect()
    }

    /// Whether a remark on cells of the feed's own columns is about what the mapping reads.
    pub fn heeds(&self, remarked: &Remarked) -> bool {
        let is_of_joined = matches!(remarked.file, Some(RemarkedFile::Joined(_)));
        let Some(column) = (remarked.column.as_deref()).filter(|_| !is_of_joined) else {
            return true;
        };
        let names = &self.columns.names;
        let is_it = |index: usize| names.get(index).is_some_and(|name| name == column);
        let mut used = self.used().into_iter().map(|index| index % names.len());
        used.any(is_it)
            || (self.mapping.columns_of_rows()).any(|name| self.find(name).is_ok_and(is_it))
    }

    /// The position of a column; or why it is not found, and what to do.
    pub(super) fn find(&self, name: &str) -> Result<usize, (String, String)> {
        let found = ColumnNames::new(&self.columns).find(name);
        let index = found.map(|found| found.index);
        index.ok_or_else(|| why_not_found(name, &self.columns))
    }

    /// What the mapping's filter says of a row, or why it cannot.
    pub(super) fn filtered(&self, record: &Record) -> Result<Result<bool, String>, MappingError> {
        if !self.mapping.templates.has(Condition::Filter) {
            return Ok(Ok(true));
        }
        self.answer(Condition::Filter, &self.for_templates.row(record))
    }

    /// What a person should hear of the names of columns, and of `lookup` files.
    pub fn remarks(&self) -> impl Iterator<Item = Remark> {
        let lookups = self
            .mapping
            .fields
            .iter()
            .filter_map(|rule| rule.lookup.as_ref());
        let of_lookups = lookups.flat_map(Lookup::remarks).cloned();
        self.spellings
            .iter()
            .map(Spelling::remark)
            .chain(of_lookups)
    }

    /// Runs each template once over an empty row, to find columns that are not
    /// there before the feed is read. What a branch hides is found by the
    /// first row that takes it.
    fn probe(&self) -> Result<(), MappingError> {
        for (condition, _) in self.mapping.templates.conditions() {
            let row = self.for_templates.empty_row();
            let _answer = self.mapping.templates.is_true(*condition, &row);
            self.check_condition(*condition, &row)?;
        }
        for rule in &self.mapping.fields {
            if matches!(rule.origin, Origin::Template) {
                let row = self.for_templates.empty_row();
                let _text = self.mapping.templates.render(rule.field.name, &row);
                if row.missing().is_some() {
                    return Err(self.missing(rule, &row));
                }
            }
        }
        Ok(())
    }

    /// Complains if a condition asked for a column that is not there.
    fn check_condition(&self, condition: Condition, row: &TemplateRow) -> Result<(), MappingError> {
        let Some(name) = row.missing() else {
            return Ok(());
        };
        let (what, help) = why_not_found(name, &self.columns);
        let message = format!("{what} ({})", condition.title());
        Err(self.condition_error(condition, message, Some(help)))
    }

    fn missing(&self, rule: &FieldRule, row: &TemplateRow) -> MappingError {
        let name = row.missing().unwrap_or_default();
        self.mapping.no_column(rule, name, &self.columns)
    }

    /// Makes a person of a record. `person` and `faults` are cleared first.
    ///
    /// # Errors
    /// A template asks for a column that the feed does not have: the mapping
    /// is wrong, not the row.
    pub fn apply<'r>(
        &self,
        record: &'r Record,
        person: &mut Person<'r>,
        faults: &mut Vec<Fault>,
    ) -> Result<Mapped, MappingError> {
        person.clear();
        faults.clear();
        if let Some(flaw) = record.flaw() {
            self.refuse(record, flaw, person, faults);
            return Ok(Mapped::Row);
        }
        // Built only for mappings with templates, and once a row.
        let mut for_templates: Option<Arc<TemplateRow>> = None;
        let mut template_row =
            || Arc::clone(for_templates.get_or_insert_with(|| self.for_templates.row(record)));

        // A row that cannot be judged is refused, not left out: a person would vanish
        // silently.
        if self.says(Condition::Filter, &mut template_row, faults)? == Some(false) {
            return Ok(Mapped::Skipped);
        }
        // A row that nobody can judge is refused even so.
        if record.gave_way() && faults.is_empty() {
            return Ok(Mapped::GaveWay);
        }
        faults.extend(self.of_whole_row(record));
        for file in record.absent() {
            if let Some(file) = self.columns.joined_file(file) {
                let file = file.into();
                person.remark(None, Remark::Joined(Joined::NoRow { file }));
            }
        }
        person.expect(record.signs());
        for (field, (rule, origin)) in self.mapping.fields.iter().zip(&self.origins).enumerate() {
            let cell = origin.and_then(|column| record.cell(column));
            let is_done =
                cell.is_some_and(|cell| self.take_sound((field, rule), cell, person, faults));
            if !is_done {
                self.take((field, rule), record, &mut template_row, person, faults)?;
            }
        }
        faults.extend(self.of_lost_zeros(record, person));
        self.read_phones(record, person, faults);
        self.read_state(person);
        if let Some(field) = self.picture {
            self.add_digest(field, person, faults);
        }
        if self.is_protected(person, &mut template_row)? {
            person.protect();
        }
        if self.marks_leaver(person, &mut template_row, faults)?
            && self.names_somebody(person, faults)
        {
            return Ok(Mapped::Leaver);
        }
        if let Some(removed) = for_templates.as_ref().and_then(|row| row.removed()) {
            person.remark(None, Remark::Cleaned { removed });
        }
        Ok(Mapped::Row)
    }

    /// Fills a field from where its values come from, which may be a column.
    #[inline(never)]
    fn take(
        &self,
        (field, rule): (usize, &FieldRule),
        record: &Record,
        row: &mut dyn FnMut() -> Arc<TemplateRow>,
        person: &mut Person,
        faults: &mut Vec<Fault>,
    ) -> Result<(), MappingError> {
        let column = self.origins.get(field).copied().flatten();
        let cell = column.and_then(|column| record.cell(column));
        let of_mapping = self.from(CellKind::Text).of_mapping();
        match (&rule.origin, column, cell) {
            (Origin::Column(_), Some(_), _) if rule.is_exact => {
                read_exact(cell.map_or("", |cell| cell.text), person);
            }
            (Origin::Column(_), Some(_), Some(cell)) => {
                self.read_cell((field, rule), cell, person, faults);
            }
            // A row that ends early: its missing cells are empty.
            (Origin::Column(_), Some(_), None) => {
                finish(field, rule, "", of_mapping, person, faults);
            }
            (Origin::Column(_), None, _) => person.push(Slot::Absent),
            (Origin::Template, ..) => {
                self.read_template((field, rule), &row(), person, faults)?;
            }
            (Origin::Constant(text), ..) => {
                finish(field, rule, text, of_mapping, person, faults);
            }
        }
        Ok(())
    }

    /// Whether no run may touch the person.
    fn is_protected(
        &self,
        person: &Person,
        row: &mut dyn FnMut() -> Arc<TemplateRow>,
    ) -> Result<bool, MappingError> {
        let protect = &self.mapping.protect;
        let is_named = person.text(0).is_some_and(|id| protect.has_id(id));
        if is_named || !protect.has_where {
            return Ok(is_named);
        }
        // A row that cannot be judged is protected: nothing happens to somebody whom nobody
        // may touch.
        Ok(self.answer(Condition::Protect, &row())?.unwrap_or(true))
    }

    /// Makes a cell the value of a field.
    pub(super) fn read_cell(
        &self,
        (field, rule): (usize, &FieldRule),
        cell: Cell<'_>,
        person: &mut Person,
        faults: &mut Vec<Fault>,
    ) {
        let text = cell_value(cell, cell.text.is_ascii(), rule.field.kind, |removed| {
            person.remark(Some(field), Remark::Cleaned { removed });
        });
        match flaw(cell) {
            // An error that the mapping translates is none.
            Some(flaw) if cell.text.is_empty() || rule.listed(&text).is_none() => {
                invalid(field, flaw, None, person, faults);
            }
            _ => finish(field, rule, &text, self.from(cell.kind), person, faults),
        }
    }

    /// What a condition says of a row, or why it cannot.
    fn answer(
        &self,
        condition: Condition,
        row: &Arc<TemplateRow>,
    ) -> Result<Result<bool, String>, MappingError> {
        let answer = self.mapping.templates.is_true(condition, row);
        if answer.is_err() {
            self.check_condition(condition, row)?;
        }
        Ok(answer)
    }

    /// What says what a text means that comes from such a cell.
    pub(super) fn from(&self, kind: CellKind) -> From {
        From {
            is_cell: true,
            is_of_feed: true,
            kind,
            today: self.today,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Binds a mapping with these lines to a feed in which `Phone` appears twice.
    #[track_caller]
    fn check(source: &str, first_name: &str, expected: &str) {
        let text = format!(
            "[target]\nsystem = \"kmi\"\nbase_url = \"https://lms.example.com\"\n\
             api_key = {{ env = \"K\" }}\napi_secret = {{ env = \"S\" }}\n\
             [source]\n{source}\n[fields]\nexternalId = \"ID\"\nemail = \"Mail\"\n\
             firstName = {first_name}\nlastName = \"Name\"\nloginName = \"Mail\"\n"
        );
        let mapping = Mapping::parse(Path::new("m.toml"), &text).unwrap();
        let columns = ["ID", "Phone", "Mail", "Name", "Phone"].map(String::from);
        let result = match mapping.bind(&columns, &["Phone".into()], Date::constant(2026, 11, 23)) {
            Ok(_) => "bound".into(),
            Err(error) => error.to_string(),
        };
        assert_eq!(result, expected);
    }

    #[test]
    fn a_name_that_two_columns_have_names_neither() {
        let twice = "column `Phone` appears more than once in the feed's header (columns 2, 5)";
        check(
            "",
            "\"Phone\"",
            &format!("m.toml, line 11, column 13: {twice} (field firstName)"),
        );
        check(
            "",
            "{ template = \"{{ row.Phone }}\" }",
            &format!("m.toml, line 11, column 13: {twice} (field firstName)"),
        );
        check(
            "where = \"row.Phone\"",
            "\"Name\"",
            &format!("m.toml, line 7, column 9: {twice} (`where` in [source])"),
        );
    }

    #[test]
    fn a_feed_may_have_columns_with_one_name_that_nobody_asks_for() {
        check("where = \"row.Name\"", "\"Name\"", "bound");
    }
}

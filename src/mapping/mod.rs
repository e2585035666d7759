//! A row becomes a person: the TOML file, and its fields compiled once.
//!
//! [`Mapping::load`] reads the file and finds every mistake in it that can be
//! found without a feed; [`Mapping::bind`] ties it to a feed's columns;
//! [`Bound::apply`] makes a person of a record.
//!
//! # Invariants
//!
//! - A mapping holds no secret, only where one is found.
//! - An unknown key is an error.
//! - An empty cell is not a value: the field is left alone unless the mapping
//!   says otherwise.

mod ascii;
mod bound;
mod cleaning;
mod codes;
mod columns;
mod corrections;
mod date;
mod fields;
mod file;
mod file_keys;
mod fingerprint;
mod garbled;
mod guards;
mod identity;
mod join;
mod json_schema;
mod keys;
mod leavers;
mod lookup;
mod nothing;
mod notify;
mod openpgp;
mod person;
mod phone;
mod pick_up;
mod remote;
mod set;
mod retention;
mod settings;
mod shape;
mod shifted;
mod spelling;
mod template;
mod title;
mod unique;
mod value;
mod way_back;
mod words;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

pub use self::bound::{Bound, Mapped};
pub use self::codes::{COUNTRIES, Codes, STATES, countries_of_name};
pub use self::date::{DateForm, DateTally, Evidence, Verdict, likely_forms};
pub(crate) use self::file::nearest;
use self::file::{File, Node, Table};
pub use self::fingerprint::{
    FieldFingerprints, FieldSet, FieldTag, derived_key, field_fingerprint, fingerprint,
    identity_fingerprint, packed_identity, unkeyed_fingerprint,
};
pub use self::garbled::garbled;
pub use self::guards::{Allowance, Guards, Limit};
pub use self::identity::{Identity, IdentityField, IdentityKind, Protect, Renumbered};
use self::join::{Join, Merge};
pub use self::join::{JoinError, Watch, attach, key_in_common};
pub use self::json_schema::json_schema;
pub use self::leavers::{Among, Grace, Leavers};
use self::lookup::Lookup;
pub use self::nothing::{is_no_external_id, means_nothing};
pub use self::notify::Notify;
pub use self::openpgp::OpenPgpSettings;
pub use self::person::{IdCells, Person, Slot};
use self::phone::Phone;
pub use self::retention::{Counted, KEEP_DAYS, Retention};
use self::set::SetBounds;
pub use self::set::{LeaverFields, set_fields};
pub use self::settings::{SecretSource, TargetSettings};
use self::spelling::Spelling;
use self::template::{Condition, Templates};
pub use self::value::Fault;
pub use self::way_back::{LEAVES, WAY_BACK, exact_cell, reversible};
use crate::feed::FeedOptions;
use crate::files;
use crate::model::Rule;
use crate::pickup::{Access, PickUpOptions};
use crate::schema::{self, Part};

/// The largest mapping, in bytes: a hundred times what people write. The worst one takes
/// fifty times its size in memory.
const MAX_BYTES: u64 = 2 << 20;

/// A mapping file that makes sense in itself.
#[derive(Debug)]
pub struct Mapping {
    path: PathBuf,
    sha256: [u8; 32],
    /// Which LMS, where, and how fast.
    pub target: TargetSettings,
    /// How to read the feed, where its content does not show it.
    pub source: FeedOptions,
    /// Which file the feed is, and when it is whole.
    pub pick_up: PickUpOptions,
    /// Where the keys are found that feeds which are OpenPGP messages need.
    pub openpgp: Option<OpenPgpSettings>,
    /// How another machine that has the feed lets hrfeed in.
    pub remote: Access<SecretSource>,
    /// The files that are joined to the feed, in the order of the mapping.
    to_join: Vec<Join>,
    /// How rows of one person become one.
    merge: Option<Merge>,
    fields: Vec<FieldRule>,
    templates: Templates,
    /// The values that must be unique.
    pub unique: Unique,
    /// The position in [`Unique::fields`] of what people without an external ID
    /// are known by, if they are to get one.
    pub adopt: Option<usize>,
    /// By what the same human is recognised under another external ID.
    pub identity: Identity,
    /// Whom no run changes or removes.
    pub protect: Protect,
    /// What becomes of groups that a row names.
    pub groups: Groups,
    /// What happens to people who are no longer in the feed.
    pub leavers: Leavers,
    leaver_fields: LeaverFields,
    /// Who can be one of them.
    pub among: Among,
    /// How long somebody who is missing stays even so.
    pub grace: Option<Grace>,
    /// The limits of a run.
    pub guards: Guards,
    /// Whom the feed names.
    pub kind: FeedKind,
    /// Whom the feed names whose rows came back, where the file has such.
    corrections_of: Option<FeedKind>,
    /// The feed is hrfeed's own: what a run changed becomes what it was.
    is_way_back: bool,
    /// What stays in the journal.
    pub retention: Retention,
    /// Who hears how a run ended.
    pub notify: Notify,
}

/// How a feed says who leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamesLeavers {
    /// It no longer names them.
    ByAbsence,
    /// It no longer names them, or their rows say so.
    ByAbsenceOrMark,
    /// Their rows say so.
    ByMark,
    /// They are new with the run that is undone.
    ByWayBack,
    /// It is a list of them.
    ByList,
}

/// Whom a feed names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FeedKind {
    /// Everybody.
    #[default]
    Full,
    /// Those who are new or changed: a person who is missing has not left.
    Delta,
    /// Those who leave.
    Leavers,
}

/// What becomes of groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// A missing group is created.
    pub create: bool,
    /// A group that hrfeed created is deleted once it is empty and no longer in
    /// the feed.
    pub remove_unused: bool,
}

/// Where one field of the target comes from.
#[derive(Debug)]
pub struct FieldRule {
    /// The field.
    pub field: &'static schema::Field,
    origin: Origin,
    spelling: Spelling,
    /// By the folded text, see [`fold`].
    values: HashMap<String, String>,
    /// Translates what `values` does not.
    lookup: Option<Lookup>,
    default: Option<String>,
    date: Option<DateForm>,
    /// The time zone of days that are written with a time in another.
    zone: Option<TimeZone>,
    phone: Option<Phone>,
    /// What divides the values in a cell; nothing if the cell is one value.
    split: Vec<String>,
    /// It has the values of all rows of the person.
    all: bool,
    empty: Empty,
    /// What is to be done to the text of a filled cell.
    work: Work,
    /// The cell says exactly what the field becomes: see [`exact_cell`].
    is_exact: bool,
    line: usize,
    line_column: usize,
}

impl FieldRule {
    /// Whether the field's values are dates in the feed.
    fn is_date(&self) -> bool {
        self.date.is_some() || self.field.kind.is_date()
    }

    /// What `map` or else `lookup` has for a text.
    fn listed(&self, text: &str) -> Option<&str> {
        let of_table = || self.lookup.as_ref()?.value(text);
        found(&self.values, text).or_else(of_table)
    }

    /// What `map` and `lookup` make of a text; `None` if it stays as it is.
    ///
    /// # Errors
    /// The table does not have it, and there is no default.
    fn translated(&self, text: &str) -> Result<Option<&str>, Rule> {
        match (self.listed(text), &self.lookup, &self.default) {
            (None, Some(_), Some(default)) => Ok(Some(default)),
            (None, Some(lookup), None) => Err(lookup.missing()),
            (value, ..) => Ok(value),
        }
    }

    /// The form of its dates, as the mapping spells it.
    fn form(&self) -> &str {
        self.date.as_ref().map_or("%Y-%m-%d", DateForm::as_str)
    }
}

#[derive(Debug)]
enum Origin {
    Column(String),
    /// Its name in [`Templates`] is the field's.
    Template,
    Constant(String),
}

/// What makes a field's value of a filled cell that is ASCII, has nothing around it and is not a
/// word for nothing: nearly each cell of most feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// The text is the value, as that of any filled cell is.
    None,
    /// Its letters become small ones.
    Lower,
    /// Its letters become capitals.
    Upper,
    /// It is the value if it is the code of a country.
    Country,
    /// It is read as a date.
    Date,
    /// Anything else.
    Any,
}

/// What an empty cell means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Empty {
    /// Leave the field on the target alone.
    Keep,
    /// Empty the field on the target.
    Clear,
}

/// The values that must be unique in a feed.
#[derive(Debug)]
pub struct Unique {
    /// Indices into [`Mapping::fields`]; the external ID first.
    pub fields: Vec<usize>,
    /// What becomes of rows that share a value.
    pub duplicates: Duplicates,
    /// Whether values that differ only in case or white space are one.
    pub variants: Variants,
}

/// What becomes of rows that share a value that must be unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// None of them is sent.
    Reject,
    /// The first is sent.
    First,
    /// The last is sent.
    Last,
}

/// Whether `E7` and `e 7` are one external ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variants {
    /// They are one, as a person reads them.
    Same,
    /// They are two: some systems hand out IDs that differ in case only.
    Distinct,
}

/// Why a mapping cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MappingError {
    /// The file cannot be read.
    #[error("cannot read the mapping `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("{}, line {line}, column {column}: {message}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong.
        message: String,
        /// What to do.
        help: Option<String>,
    },
}

impl MappingError {
    /// The same, with another piece of advice.
    #[must_use]
    pub fn with_help(mut self, advice: String) -> Self {
        if let Self::Content { help, .. } = &mut self {
            *help = Some(advice);
        }
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Read { path, source } if source.kind() == std::io::ErrorKind::NotFound => {
                Some(format!(
                    "create one with `hrfeed init FEED --target kmi -o {}` (or `--target anewspring`)",
                    path.display()
                ))
            }
            Self::Read { source, .. } if source.kind() == std::io::ErrorKind::InvalidData => {
                Some("a mapping is a text file: save it as UTF-8".into())
            }
            Self::Read { .. } => None,
            Self::Content { help, .. } => help.clone(),
        }
    }
}

/// Files that the mapping reads beside the feed.
fn not_feeds(fields: &[FieldRule], to_join: &[Join]) -> Vec<PathBuf> {
    let lookups = fields.iter().filter_map(|rule| rule.lookup.as_ref());
    let joined = to_join.iter().map(|join| join.path.as_path());
    let files = lookups.map(Lookup::path).chain(joined);
    files.map(Path::to_path_buf).collect()
}

impl Mapping {
    /// Reads and checks a mapping file.
    ///
    /// # Errors
    /// The file cannot be read, or what is wrong in it, with its place.
    pub fn load(path: &Path) -> Result<Self, MappingError> {
        let (text, _) = files::read_text(path, MAX_BYTES).map_err(|source| MappingError::Read {
            path: path.into(),
            source,
        })?;
        Self::parse(path, &text)
    }

    /// Checks the text of a mapping file; `path` is for messages, and what
    /// relative file names start from.
    ///
    /// # Errors
    /// What is wrong in it, with its place.
    pub fn parse(path: &Path, text: &str) -> Result<Self, MappingError> {
        // Editors on Windows like to put a byte order mark in front.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let file = File { path, text };
        let mut root = Table::root(&file, file.parse()?);

        let target = root.need("target", "[target] says which LMS, and where it is")?;
        let source = root.take("source");
        let to_join = root.take("join");
        let fields = root.need("fields", "[fields] says which column each field comes from")?;
        let unique = root.take("unique");
        let adopt = root.take("adopt");
        let identity = root.take("identity");
        let protect = root.take("protect");
        let groups = root.take("groups");
        let leavers = root.take("leavers");
        let guards = root.take("guards");
        let journal = root.take("journal");
        let notify = root.take("notify");
        root.finish()?;

        let target = settings::target(target.table("[target]", "[target]")?, path)?;
        let source = section(source, "[source]")?;
        let source = source.map(|source| settings::source(source, path));
        let source = source.transpose()?.unwrap_or_default();
        let mut templates = Templates::new();
        if let Some(filter) = &source.filter {
            templates.add_condition(Condition::Filter, filter)?;
        }
        let to_join = to_join.map_or(Ok(Vec::new()), join::read_join_sections)?;
        let system = target.system;
        let kind = source.kind.as_ref();
        let lists_leavers = kind.is_some_and(|(_, kind)| *kind == FeedKind::Leavers);
        let fields = fields.table("[fields]", "[fields]")?;
        let mut fields = fields::read_fields(fields, system, lists_leavers, &mut templates)?;
        let has_several = !to_join.is_empty() || source.merge.is_some();
        join::check_all(&file, &fields, has_several)?;
        let unique = unique::read_unique(section(unique, "[unique]")?, &fields, system)?;
        let adopt = section(adopt, "[adopt]")?
            .map(|adopt| unique::read_adopt(adopt, &fields, &unique, system))
            .transpose()?;
        let identity = section(identity, "[identity]")?;
        let identity = identity::read_identity(identity, &fields, system)?;
        let protect = section(protect, "[protect]")?
            .map(|protect| identity::read_protect(protect, &mut templates))
            .transpose()?
            .unwrap_or_default();
        let groups = section(groups, "[groups]")?
            .map(|groups| fields::read_groups(groups, system, &mut fields, &mut templates))
            .transpose()?
            .unwrap_or_default();
        let bounds = SetBounds {
            system,
            fields: &fields,
            unique: &unique,
            identity: &identity,
        };
        let leaving = section(leavers, "[leavers]")?
            .map(|leavers| leavers::leavers(leavers, bounds, &mut templates))
            .transpose()?
            .unwrap_or_default();
        let guards = section(guards, "[guards]")?;
        let says_min_rows = guards.as_ref().is_some_and(|guards| guards.has("min_rows"));
        let guards = guards.map(guards::guards).transpose()?.unwrap_or_default();
        let mapping = Self {
            path: path.into(),
            sha256: digest_of(text, &fields),
            target,
            source: source.options,
            openpgp: source.openpgp,
            pick_up: PickUpOptions {
                not_feeds: not_feeds(&fields, &to_join),
                ..source.pick_up
            },
            to_join,
            merge: source.merge,
            remote: source.remote,
            fields,
            templates,
            unique,
            adopt,
            identity,
            protect,
            groups,
            leavers: leaving.action,
            leaver_fields: leaving.fields,
            among: leaving.among,
            grace: leaving.grace,
            guards,
            kind: FeedKind::Full,
            corrections_of: None,
            is_way_back: false,
            retention: retention::read_retention(section(journal, "[journal]")?)?,
            notify: notify::read_notify(notify, path)?,
        };
        match &source.kind {
            Some((node, kind)) => leavers::of_kind(mapping, node, *kind, says_min_rows),
            None => Ok(mapping),
        }
    }

    /// Whether every row of the feed is somebody who leaves.
    pub fn lists_leavers(&self) -> bool {
        self.kind == FeedKind::Leavers
    }

    /// How the feed says who leaves.
    pub fn names_leavers(&self) -> NamesLeavers {
        match self.kind {
            _ if self.is_way_back => NamesLeavers::ByWayBack,
            FeedKind::Leavers => NamesLeavers::ByList,
            FeedKind::Delta => NamesLeavers::ByMark,
            FeedKind::Full if self.marks_leavers() => NamesLeavers::ByAbsenceOrMark,
            FeedKind::Full => NamesLeavers::ByAbsence,
        }
    }

    /// Whether rows of the feed can say that their people leave.
    pub fn marks_leavers(&self) -> bool {
        self.templates.has(Condition::Leaver)
    }

    /// The mapping file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The digest of its text and of what its `lookup` files say: a run that is resumed
    /// must find the same.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// The mapped fields, in the order of the target's schema, so that a
    /// mapping whose lines were moved about still maps to the same content.
    pub fn fields(&self) -> &[FieldRule] {
        &self.fields
    }

    /// The number of a field of the mapping's system.
    pub fn tag(&self, name: &str) -> Option<FieldTag> {
        FieldTag::of(self.target.system, name)
    }

    /// The position of a field in [`Mapping::fields`].
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|rule| rule.field.name == name)
    }

    /// The field by which people without an external ID are recognised.
    pub fn adopt_by(&self) -> Option<&'static str> {
        let field = *self.unique.fields.get(self.adopt?)?;
        self.fields.get(field).map(|rule| rule.field.name)
    }

    fn position_of(&self, part: Part) -> Option<usize> {
        self.fields.iter().position(|rule| rule.field.part == part)
    }

    fn error_at(&self, rule: &FieldRule, message: String, help: Option<String>) -> MappingError {
        MappingError::Content {
            path: self.path.clone(),
            line: rule.line,
            column: rule.line_column,
            message,
            help,
        }
    }
}

/// The digest of a mapping with the tables by which it translates.
fn digest_of(text: &str, fields: &[FieldRule]) -> [u8; 32] {
    let mut digest = Sha256::new_with_prefix(text.as_bytes());
    for lookup in fields.iter().filter_map(|rule| rule.lookup.as_ref()) {
        lookup.add_to(&mut digest);
    }
    digest.finalize().into()
}

/// The table of a section, if there is one.
fn section<'a>(node: Option<Node<'a>>, name: &str) -> Result<Option<Table<'a>>, MappingError> {
    node.map(|node| node.table(name, name)).transpose()
}

/// The value of a text among values by their folded texts.
fn found<'v>(values: &'v HashMap<String, String>, text: &str) -> Option<&'v str> {
    if values.is_empty() {
        return None;
    }
    let value = values.get(text).or_else(|| values.get(&fold(text)));
    value.map(String::as_str)
}

/// One spelling for all that a person reads as one: case and white space do
/// not count.
pub(crate) fn fold(text: &str) -> String {
    text.chars()
        .filter(|char| !char.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}

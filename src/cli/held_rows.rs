//! The rows of held people, read from the feed again: the journal holds nobody's
//! data.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::path::Path;

use super::context::{Context, PrintError};
use super::copy::{Copy, CopyColumns, CopyFormat, WriteRow};
use super::exit::Failure;
use super::feed::{of_run, open_source, picked_up};
use super::holds::HoldFormat;
use super::output_file::OutputFile;
use crate::clock::Clock;
use crate::feed::{Batch, Feed, FeedSource};
use crate::journal::{Hold, Journal, JournalError, RowFilter, RunId, RunRef};
use crate::mapping::{Bound, Mapped, Mapping, Person, Slot};
use crate::model::Outcome;
use crate::model::corrections::REASON;
use crate::report::{CopyCell, CopyRow, HeldLine};
use crate::run::bind;
use crate::schema::Part;

/// The feed in which a run found the people of a hold.
pub(super) struct HeldFeed {
    mapping: Mapping,
    feed: Feed,
    /// The names of the fields that change, by external ID.
    changed: HashMap<String, Vec<String>>,
}

/// A row of a held person.
struct Found {
    /// The place of the person among those who are looked for.
    person: usize,
    cells: Vec<CopyCell>,
    values: BTreeMap<String, String>,
}

impl HeldFeed {
    /// The feed that a person named.
    pub(super) fn named(
        context: &Context,
        journal: &Journal,
        hold: &Hold,
        feed: &Path,
    ) -> Result<Self, Failure> {
        let mapping = context.load_mapping(Path::new(&hold.mapping_path))?;
        let source = picked_up(context, feed, &mapping)?;
        Self::open(context, journal, (hold, mapping), &source)
    }

    /// The feed that the run read, where it still is.
    pub(super) fn of_run(
        context: &Context,
        journal: &Journal,
        hold: &Hold,
    ) -> Result<Self, Failure> {
        let run = journal.run(RunRef::Id(hold.last_run))?;
        match run.filter(|run| !run.start.from_stdin) {
            Some(run) => {
                let mapping = context.load_mapping(Path::new(&hold.mapping_path))?;
                let source = of_run(context, &run, &mapping)?;
                Self::open(context, journal, (hold, mapping), &source)
            }
            None => Err(Failure::usage(
                format!(
                    "run {} read its feed from stdin, and hrfeed keeps no copy",
                    hold.last_run
                ),
                "save the same feed and name it with `--as-feed FEED`",
            )),
        }
    }

    fn open(
        context: &Context,
        journal: &Journal,
        (hold, mut mapping): (&Hold, Mapping),
        source: &FeedSource,
    ) -> Result<Self, Failure> {
        let mut feed = open_source(context, source, &mut mapping)?;
        if feed.sha256().is_none() {
            feed.read(|_| (), |(), _| Ok::<_, Failure>(()))?;
        }
        let mut runs = [hold.last_run, hold.since_run].into_iter();
        let digests = runs.try_fold(Vec::new(), |mut digests, run| {
            let run = journal.run(RunRef::Id(run))?;
            digests.extend(run.and_then(|run| Some((run.feed_sha256?, run.joined_sha256))));
            Ok::<_, JournalError>(digests)
        })?;
        if !feed
            .sha256()
            .is_some_and(|digest| digests.contains(&(digest, feed.joined_sha256())))
        {
            return Err(other_feed(journal, hold, &feed));
        }
        Ok(Self {
            changed: changed_fields(journal, hold.last_run)?,
            mapping,
            feed,
        })
    }

    /// Adds what the feed says of each person: of the fields that change, else of
    /// those by which one knows a person.
    pub(super) fn add_values(&mut self, people: &mut [HeldLine]) -> Result<(), Failure> {
        let by_id = by_id(people);
        self.each(&by_id, |found| {
            if let Some(person) = people.get_mut(found.person) {
                person.values = found.values;
            }
            Ok::<_, Failure>(())
        })
    }

    /// Reads the rows of the people, in the order of the feed.
    fn each<E: From<Failure>>(
        &mut self,
        by_id: &HashMap<String, usize>,
        mut take: impl FnMut(Found) -> Result<(), E>,
    ) -> Result<(), E> {
        struct Failed<E>(E);
        impl<E: From<Failure>> From<crate::feed::FeedError> for Failed<E> {
            fn from(error: crate::feed::FeedError) -> Self {
                Self(Failure::from(error).into())
            }
        }
        let bound =
            bind(&self.mapping, &self.feed, Clock::system().today()).map_err(Failure::from)?;
        let (columns, changed) = (CopyColumns::of(&self.feed), &self.changed);
        let read = |records: &mut Batch<'_>| found(&bound, &columns, (by_id, changed), records);
        self.feed
            .read(read, |rows, _| {
                let rows = rows.map_err(|error| Failed(Failure::from(error).into()))?;
                rows.into_iter().try_for_each(&mut take).map_err(Failed)
            })
            .map_err(|Failed(error)| error)
    }

    /// The column from which the external ID comes, if it is one alone.
    fn id_column(&self) -> Option<usize> {
        let bound = bind(&self.mapping, &self.feed, Clock::system().today()).ok()?;
        let name = bound.column(*self.mapping.unique.fields.first()?)?;
        self.feed
            .own_columns()
            .iter()
            .position(|column| column == name)
    }
}

/// The rows of one batch that belong to the people.
fn found(
    bound: &Bound<'_>,
    columns: &CopyColumns,
    (by_id, changed): (&HashMap<String, usize>, &HashMap<String, Vec<String>>),
    records: &mut Batch<'_>,
) -> Result<Vec<Found>, crate::mapping::MappingError> {
    let id_field = bound.mapping().unique.fields.first().copied();
    let mut faults = Vec::new();
    let mut rows = Vec::new();
    while let Some(record) = records.next_record() {
        faults.clear();
        let mut person = Person::default();
        if bound.apply(record, &mut person, &mut faults)? != Mapped::Row {
            continue;
        }
        let Some(id) = id_field.and_then(|field| person.text(field)) else {
            continue;
        };
        let Some(&at) = by_id.get(id) else { continue };
        rows.push(Found {
            person: at,
            cells: columns.cells(record, false),
            values: values(bound, &person, changed.get(id)),
        });
    }
    Ok(rows)
}

/// What the row says of the fields, by their names.
fn values(
    bound: &Bound<'_>,
    person: &Person,
    changed: Option<&Vec<String>>,
) -> BTreeMap<String, String> {
    let spec = bound.mapping().target.system.spec();
    let is_wanted = |name: &str| match changed {
        Some(changed) => changed.iter().any(|it| it == name),
        None => name == spec.login || name == spec.email || spec.names.contains(&name),
    };
    let fields = bound.mapping().fields().iter().zip(person.slots());
    fields
        // An instruction may be a password.
        .filter(|(rule, _)| rule.field.part == Part::Details && is_wanted(rule.field.name))
        .filter_map(|(rule, slot)| match slot {
            Slot::Text(text) => Some((rule.field.name.to_owned(), text.to_owned())),
            Slot::Clear => Some((rule.field.name.to_owned(), String::new())),
            Slot::Absent | Slot::Invalid => None,
        })
        .collect()
}

/// The fields that change, of each row that the run held.
fn changed_fields(
    journal: &Journal,
    run: RunId,
) -> Result<HashMap<String, Vec<String>>, JournalError> {
    let mut changed = HashMap::new();
    let held = RowFilter {
        outcomes: vec![Outcome::Held],
    };
    journal.rows(run, &held, |row| {
        if let (Some(id), Some(fields)) = (row.external_id, row.changed) {
            changed.insert(id, super::run_report::field_names(&fields));
        }
        Ok::<_, JournalError>(ControlFlow::Continue(()))
    })?;
    Ok(changed)
}

fn by_id(people: &[HeldLine]) -> HashMap<String, usize> {
    let people = people.iter().enumerate();
    people
        .map(|(at, person)| (person.external_id.clone(), at))
        .collect()
}

fn other_feed(journal: &Journal, hold: &Hold, feed: &Feed) -> Failure {
    let run = journal.run(RunRef::Id(hold.last_run)).ok().flatten();
    let read = run.map_or_else(String::new, |run| format!(" `{}`", run.start.feed_path));
    Failure::usage(
        format!(
            "the feed `{}` is not the one in which run {} found the people of hold {}",
            feed.path().display(),
            hold.last_run,
            hold.id
        ),
        format!(
            "name the file that the run read{read} as it was then, or import the new one: the \
             import updates what is held"
        ),
    )
}

/// Copies the rows of the people as they are, with the reason beside each.
/// A person who is not in the feed is listed with the external ID and the reason.
pub(super) fn write_copy(
    context: &Context,
    feed: &mut HeldFeed,
    people: &[HeldLine],
    (format, output): (HoldFormat, Option<&OutputFile<'_>>),
) -> Result<(), Failure> {
    let format = match format {
        HoldFormat::Xlsx => CopyFormat::xlsx(&feed.feed, Some("Held")),
        _ => CopyFormat::csv(&feed.feed),
    };
    let columns = CopyColumns::of(&feed.feed);
    let copy = Copy {
        format,
        columns: &columns,
        added: &[REASON],
    };
    copy.write(context, output, |write| copy_rows(feed, people, write))
}

fn copy_rows(
    feed: &mut HeldFeed,
    people: &[HeldLine],
    write: &mut WriteRow<'_>,
) -> Result<(), PrintError> {
    let by_id = by_id(people);
    let mut is_found = vec![false; people.len()];
    let mut row = |cells: &[CopyCell], reason: &str| {
        write(&CopyRow {
            cells,
            notes: &[reason],
            wrong: &[],
        })
    };
    feed.each(&by_id, |found| {
        let of_person = (is_found.get_mut(found.person), people.get(found.person));
        if let (Some(is_found), Some(person)) = of_person {
            *is_found = true;
            row(&found.cells, &reason(person))?;
        }
        Ok::<_, PrintError>(())
    })?;
    let (columns, id_column) = (feed.feed.own_columns().len(), feed.id_column());
    let absent = people.iter().zip(is_found).filter(|(_, found)| !found);
    for (person, _) in absent {
        let mut cells = vec![CopyCell::text(""); columns];
        let mut why = reason(person);
        match id_column.and_then(|at| cells.get_mut(at)) {
            Some(cell) => cell.text.clone_from(&person.external_id),
            None => why = format!("{}: {why}", person.external_id),
        }
        row(&cells, &why)?;
    }
    Ok(())
}

/// Why the person is listed, who it may be, and the values where somebody asked.
fn reason(person: &HeldLine) -> String {
    let reason = person.reason_with_values();
    match &person.known_as {
        Some(id) if !person.reason.contains(id) => format!("{reason} (known as {id})"),
        _ => reason,
    }
}

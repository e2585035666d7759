//! `hrfeed audit`: what stands twice on the target, and whom it lost.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::context::{Context, JOURNAL};
use super::environment;
use super::exit::{Exit, Failure};
use super::output::fail_as_json;
use crate::clock;
use crate::event::{Event, Listener};
use crate::journal::{Journal, JournalError, PersonState, Scope};
use crate::mapping::{Mapping, Variants};
use crate::report::{self, Command};
use crate::run::{connection, scope, seed};
use crate::targets::Remote;
use crate::upload::{Listed, Uploader};
use crate::validate::unique::Comparison;

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// The mapping, a TOML file
    #[arg(short, long, value_name = "MAPPING")]
    mapping: PathBuf,
}

/// What an audit found; its JSON is the object of `--json`.
#[derive(Debug, Serialize)]
struct Audit {
    command: &'static str,
    /// People on the target.
    people: u64,
    /// Of these, people with an external ID of this key.
    with_external_id: u64,
    /// External IDs that stand on more than one person.
    duplicates: Vec<Duplicate>,
    /// External IDs of people whom the journal knows and the target lost.
    lost: Vec<String>,
    /// People whom hrfeed put into a group and who are no longer in it.
    lost_members: Vec<LostMember>,
    /// Whether people were deleted while the target was read, so that somebody
    /// may be missing.
    moved: bool,
    calls: u64,
    elapsed_seconds: f64,
    exit_code: u8,
    message: String,
}

#[derive(Debug, Serialize)]
struct Duplicate {
    external_id: String,
    /// The target's own ids.
    people: Vec<String>,
}

#[derive(Debug, Serialize)]
struct LostMember {
    group: String,
    external_id: String,
}

pub(super) fn run(context: &Context, args: &AuditArgs) -> Result<Exit, Failure> {
    let begun = clock::monotonic();
    audit(context, args, begun)
        .map_err(|failure| fail_as_json(context, Command::Audit, failure, begun))
}

fn audit(context: &Context, args: &AuditArgs, begun: Instant) -> Result<Exit, Failure> {
    let mapping = Mapping::load(&args.mapping)?;
    let credentials = environment::credentials(&mapping.target)?;
    let mut uploader = Uploader::new(
        &connection(&mapping.target),
        &credentials,
        context.stop(),
        seed(),
    )?;
    let scope = scope(&mapping.target, &credentials);
    let path = context.journal_path(JOURNAL)?;
    let mut listener = context.progress();
    listener.on_event(&Event::SurveyStarted { unknown_people: 0 });
    let asked = ask(&path, &scope, &mut uploader, &mut *listener);
    listener.on_event(&Event::Finished);
    let (people, journal, lost_members) = asked?;
    let lost = match journal {
        Some(journal) => find_lost(&path, journal, &scope, &people)?,
        None => Vec::new(),
    };
    let with_external_id = people.by_id.values().map(|seen| u64::from(seen.people));
    let mut audit = Audit {
        command: "audit",
        people: people.people.len() as u64,
        with_external_id: with_external_id.sum(),
        moved: !people.is_complete,
        duplicates: people.duplicates(),
        lost,
        lost_members,
        calls: uploader.calls().total,
        elapsed_seconds: begun.elapsed().as_secs_f64(),
        exit_code: Exit::Done.code(),
        message: String::new(),
    };
    let is_clean = audit.duplicates.is_empty()
        && audit.lost.is_empty()
        && audit.lost_members.is_empty()
        && !audit.moved;
    let exit = if is_clean {
        Exit::Done
    } else {
        Exit::RowsRefused
    };
    audit.exit_code = exit.code();
    audit.message = message(&audit);
    if context.json {
        let json =
            serde_json::to_string(&audit).map_err(|error| Failure::machine(error.to_string()))?;
        context.print(&format!("{json}\n"))?;
    } else {
        context.print(&render(&audit))?;
    }
    Ok(exit)
}

/// Everything that the LMS is asked.
fn ask(
    path: &Path,
    scope: &Scope,
    uploader: &mut Uploader,
    listener: &mut dyn Listener,
) -> Result<(Everybody, Option<Journal>, Vec<LostMember>), Failure> {
    let people = Everybody::read(uploader, listener)?;
    let journal = Journal::open_existing(path)?;
    let lost_members = match &journal {
        Some(journal) => find_lost_members(journal, scope, uploader, listener)?,
        None => Vec::new(),
    };
    Ok((people, journal, lost_members))
}

/// Everybody on the LMS, a few words each.
struct Everybody {
    comparison: Comparison,
    /// Hashes of the LMS's own ids.
    people: HashSet<u64>,
    /// By the hash of the external ID.
    by_id: HashMap<u128, Seen>,
    /// The external IDs of more than one person, with the LMS's own ids.
    twice: HashMap<String, Vec<String>>,
    /// Whether nobody can be missing.
    is_complete: bool,
}

/// What is kept of a person on the target: two words.
struct Seen {
    people: u32,
    first: u64,
}

fn remote_key(id: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(id.as_bytes())
}

impl Everybody {
    fn read(uploader: &mut Uploader, listener: &mut dyn Listener) -> Result<Self, Failure> {
        let mut everybody = Self {
            comparison: Comparison::new(seed(), Variants::Distinct),
            people: HashSet::new(),
            by_id: HashMap::new(),
            twice: HashMap::new(),
            is_complete: false,
        };
        let mut add = |page: &[Remote]| {
            for person in page {
                everybody.add(person);
            }
            Ok(())
        };
        everybody.is_complete = uploader.everybody(None, &mut add, listener)? == Listed::All;
        // The first of several was not yet known to be one of several.
        if !everybody.twice.is_empty() {
            let firsts: HashSet<u64> = everybody
                .twice
                .keys()
                .filter_map(|id| everybody.by_id.get(&everybody.comparison.key(id).hash))
                .map(|seen| seen.first)
                .collect();
            let mut name = |page: &[Remote]| {
                for person in page {
                    if firsts.contains(&remote_key(&person.id))
                        && let Some(id) = &person.external_id
                        && let Some(ids) = everybody.twice.get_mut(id)
                        && !ids.contains(&person.id)
                    {
                        ids.insert(0, person.id.clone());
                    }
                }
                Ok(())
            };
            uploader.everybody(None, &mut name, listener)?;
        }
        Ok(everybody)
    }

    fn add(&mut self, person: &Remote) {
        // Whoever is on two pages is one.
        if !self.people.insert(remote_key(&person.id)) {
            return;
        }
        let Some(external_id) = &person.external_id else {
            return;
        };
        let hash = self.comparison.key(external_id).hash;
        let seen = self.by_id.entry(hash).or_insert_with(|| Seen {
            people: 0,
            first: remote_key(&person.id),
        });
        seen.people += 1;
        if seen.people > 1 {
            let ids = self.twice.entry(external_id.clone()).or_default();
            ids.push(person.id.clone());
        }
    }

    fn has(&self, external_id: &str) -> bool {
        self.by_id
            .contains_key(&self.comparison.key(external_id).hash)
    }

    fn duplicates(self) -> Vec<Duplicate> {
        let mut duplicates: Vec<_> = self
            .twice
            .into_iter()
            .map(|(external_id, people)| Duplicate {
                external_id,
                people,
            })
            .collect();
        duplicates.sort_by(|one, other| one.external_id.cmp(&other.external_id));
        duplicates
    }
}

/// Whom the journal knows and the LMS lost. Whoever had an external ID together
/// with somebody else, and has it alone by now, is noted as such.
fn find_lost(
    path: &Path,
    journal: Journal,
    scope: &Scope,
    people: &Everybody,
) -> Result<Vec<String>, JournalError> {
    let (mut lost, mut single) = (Vec::new(), Vec::new());
    journal.people(scope, |known| {
        let id = known.external_id;
        match (known.state, people.has(id)) {
            (PersonState::Ambiguous, true) if !people.twice.contains_key(id) => {
                single.push(id.to_owned());
            }
            (PersonState::Deleted, _) | (_, true) => {}
            (_, false) => lost.push(id.to_owned()),
        }
        Ok::<_, JournalError>(ControlFlow::Continue(()))
    })?;
    if people.is_complete && !single.is_empty() {
        // Somebody has put it right on the LMS: imports may go on.
        drop(journal);
        let writer = Journal::open(path)?.writer()?;
        writer.single(scope, single).wait_blocking()?;
    }
    Ok(lost)
}

/// Holds who is in which group against whom hrfeed put there: one call a group.
fn find_lost_members(
    journal: &Journal,
    scope: &Scope,
    uploader: &mut Uploader,
    listener: &mut dyn Listener,
) -> Result<Vec<LostMember>, Failure> {
    let mut by_group: BTreeMap<String, Vec<String>> = BTreeMap::new();
    journal.members(scope, |(group, person)| {
        let people = by_group.entry(group.to_owned()).or_default();
        people.push(person.to_owned());
        Ok::<_, JournalError>(ControlFlow::Continue(()))
    })?;
    let mut lost = Vec::new();
    for (group, people) in by_group {
        let members = uploader.group_members(&group, listener)?;
        let members: HashSet<String> = members.into_iter().flatten().collect();
        let gone = people
            .into_iter()
            .filter(|person| !members.contains(person));
        lost.extend(gone.map(|external_id| LostMember {
            group: group.clone(),
            external_id,
        }));
    }
    Ok(lost)
}

fn message(audit: &Audit) -> String {
    let mut parts = Vec::new();
    if !audit.duplicates.is_empty() {
        let number = audit.duplicates.len() as u64;
        parts.push(format!(
            "{} on more than one person",
            report::counted(number, "external ID stands", "external IDs stand")
        ));
    }
    if !audit.lost.is_empty() {
        let number = audit.lost.len() as u64;
        parts.push(format!(
            "{} lost by the LMS",
            report::counted(number, "known person was", "known people were")
        ));
    }
    if !audit.lost_members.is_empty() {
        let number = audit.lost_members.len() as u64;
        parts.push(format!(
            "{} taken out of a group",
            report::counted(number, "person was", "people were")
        ));
    }
    if audit.moved {
        parts.push(
            "people were deleted while the LMS was read: somebody may be missing here".into(),
        );
    }
    if parts.is_empty() {
        "Nothing stands twice and nobody is lost.".into()
    } else {
        format!("{}.", parts.join("; "))
    }
}

fn render(audit: &Audit) -> String {
    let mut text = format!(
        "{}\n\n  people on the LMS          {}\n  with an ID of this key     {}\n",
        audit.message,
        report::count(audit.people),
        report::count(audit.with_external_id)
    );
    if !audit.duplicates.is_empty() {
        text.push_str("\nStands twice (give all but one of them another external ID, or delete them, on the LMS)\n");
        for duplicate in &audit.duplicates {
            let people = duplicate.people.join(", ");
            let _infallible = writeln!(
                text,
                "  {}: people {}",
                report::sanitize(&duplicate.external_id),
                report::sanitize(&people)
            );
        }
    }
    if !audit.lost.is_empty() {
        text.push_str("\nKnown to the journal and gone from the LMS (an import whose feed changes them makes them anew)\n");
        for external_id in &audit.lost {
            let _infallible = writeln!(text, "  {}", report::sanitize(external_id));
        }
    }
    if !audit.lost_members.is_empty() {
        text.push_str("\nTaken out of a group by somebody else (an import takes them for members: put them back on the LMS)\n");
        for lost in &audit.lost_members {
            let _infallible = writeln!(
                text,
                "  {}: group {}",
                report::sanitize(&lost.external_id),
                report::sanitize(&lost.group)
            );
        }
    }
    text
}

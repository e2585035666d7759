//! `hrfeed audit`: duplicate external IDs and missing people in the LMS.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::context::{Context, JOURNAL};
use super::environment;
use super::exit::{Exit, Failure};
use super::output::reported;
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
    /// Read the mapping from this TOML file
    #[arg(short, long, value_name = "MAPPING")]
    mapping: PathBuf,
}

/// The result of an audit; its JSON is the object of `--json`.
#[derive(Debug, Serialize)]
struct Audit {
    command: &'static str,
    /// People in the target.
    people: u64,
    /// People in the target with an external ID of this key.
    with_external_id: u64,
    /// External IDs that more than one person has.
    duplicates: Vec<Duplicate>,
    /// External IDs that the journal knows and the target no longer has.
    lost: Vec<String>,
    /// People whom hrfeed added to a group and who are no longer in it.
    lost_members: Vec<LostMember>,
    /// Whether people were deleted during the audit, so that somebody may be
    /// overlooked.
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
    reported(context, Command::Audit, |begun| audit(context, args, begun))
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
    let problems = problems(&audit);
    let exit = if problems.is_empty() {
        audit.message = "No duplicates. No one is missing.".into();
        Exit::Done
    } else {
        audit.message = format!("{}.", problems.join("; "));
        Exit::RowsRefused
    };
    audit.exit_code = exit.code();
    if context.json {
        let json =
            serde_json::to_string(&audit).map_err(|error| Failure::machine(error.to_string()))?;
        context.print(&format!("{json}\n"))?;
    } else {
        context.print(&render(&audit))?;
    }
    Ok(exit)
}

/// Makes all requests of an audit.
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

/// Everybody in the LMS, a few bytes each.
struct Everybody {
    comparison: Comparison,
    /// Hashes of the LMS's own ids.
    people: HashSet<u64>,
    /// By the hash of the external ID.
    by_id: HashMap<u128, Seen>,
    /// The external IDs of more than one person, with the LMS's own ids.
    twice: HashMap<String, Vec<String>>,
    /// Whether nobody can be overlooked.
    is_complete: bool,
}

/// The people with one external ID: two numbers.
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
        // The first person of each duplicate was not yet known to be one.
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
        // A person may be on two pages.
        if !self.people.insert(remote_key(&person.id)) {
            return;
        }
        let Some(external_id) = &person.external_id else {
            return;
        };
        let hash = self.comparison.key(external_id).hash;
        let first = remote_key(&person.id);
        let seen = self.by_id.entry(hash).or_insert(Seen { people: 0, first });
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

/// The people whom the journal knows and the LMS no longer has. A person who
/// shared an external ID and now has it alone is recorded as such.
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
        // Somebody corrected it in the LMS: imports may continue.
        drop(journal);
        let writer = Journal::open(path)?.writer()?;
        writer.single(scope, single).wait_blocking()?;
    }
    Ok(lost)
}

/// Compares the members of each group with those that hrfeed added: one request
/// per group.
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

/// The problems found, each as a fragment of a sentence.
fn problems(audit: &Audit) -> Vec<String> {
    let found = [
        (
            audit.duplicates.len(),
            "external ID belongs to more than one person",
            "external IDs belong to more than one person",
        ),
        (
            audit.lost.len(),
            "known person is missing from the LMS",
            "known people are missing from the LMS",
        ),
        (
            audit.lost_members.len(),
            "person was removed from a group",
            "people were removed from a group",
        ),
    ];
    let found = found.into_iter().filter(|&(number, ..)| number > 0);
    let found = found.map(|(number, one, many)| report::counted(number as u64, one, many));
    let moved = "people were deleted during the audit, so it may have overlooked someone";
    found.chain(audit.moved.then(|| moved.to_owned())).collect()
}

fn render(audit: &Audit) -> String {
    let mut text = format!(
        "{}\n\n  people in the LMS          {}\n  with an ID of this key     {}\n",
        audit.message,
        report::count(audit.people),
        report::count(audit.with_external_id)
    );
    let mut list = |heading: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let lines = lines.iter().map(|line| report::sanitize(line));
            let lines: Vec<_> = lines.collect();
            text.extend(["\n", heading, "\n  ", &lines.join("\n  "), "\n"]);
        }
    };
    let duplicate = |it: &Duplicate| format!("{}: people {}", it.external_id, it.people.join(", "));
    list(
        "Duplicates (in the LMS, give all but one of them another external ID, or delete them)",
        audit.duplicates.iter().map(duplicate).collect(),
    );
    list(
        "Known to the journal but missing from the LMS (an import that changes them creates them again)",
        audit.lost.clone(),
    );
    let member = |it: &LostMember| format!("{}: group {}", it.external_id, it.group);
    list(
        "Removed from a group by someone else (imports do not notice: add them again in the LMS)",
        audit.lost_members.iter().map(member).collect(),
    );
    text
}

//! `hrfeed audit`: what stands twice on the target, and whom it lost.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::context::{Context, JOURNAL};
use super::environment;
use super::exit::{Exit, Failure};
use super::output::fail_as_json;
use crate::event::{Event, Listener};
use crate::journal::{Journal, JournalError, PersonState, Scope};
use crate::mapping::{Mapping, Variants};
use crate::report::{self, Command};
use crate::run::{connection, scope, seed};
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

/// What is kept of a person on the target: two words.
struct Seen {
    people: u32,
    first: u64,
}

pub(super) fn run(context: &Context, args: &AuditArgs) -> Result<Exit, Failure> {
    let begun = Instant::now();
    audit(context, args, begun)
        .map_err(|failure| fail_as_json(context, Command::Audit, failure, begun))
}

#[expect(clippy::too_many_lines, reason = "one question after the other")]
fn audit(context: &Context, args: &AuditArgs, begun: Instant) -> Result<Exit, Failure> {
    let mapping = Mapping::load(&args.mapping)?;
    let credentials = environment::credentials(&mapping.target)?;
    let mut uploader = Uploader::new(
        &connection(&mapping.target),
        &credentials,
        context.stop(),
        seed(),
    )?;
    let mut listener = context.progress();
    listener.on_event(&Event::SurveyStarted { unknown_people: 0 });

    let comparison = Comparison::new(seed(), Variants::Distinct);
    let remote_key = |id: &str| xxhash_rust::xxh3::xxh3_64(id.as_bytes());
    let mut people: HashSet<u64> = HashSet::new();
    let mut by_id: HashMap<u128, Seen> = HashMap::new();
    let mut twice: HashMap<String, Vec<String>> = HashMap::new();
    let listed = uploader.everybody(
        None,
        &mut |page| {
            for person in page {
                // Whoever stands on two pages is one.
                if !people.insert(remote_key(&person.id)) {
                    continue;
                }
                let Some(external_id) = &person.external_id else {
                    continue;
                };
                let seen = by_id
                    .entry(comparison.key(external_id).hash)
                    .or_insert(Seen {
                        people: 0,
                        first: remote_key(&person.id),
                    });
                seen.people += 1;
                if seen.people > 1 {
                    twice
                        .entry(external_id.clone())
                        .or_default()
                        .push(person.id.clone());
                }
            }
            Ok(())
        },
        &mut *listener,
    );
    let listed = listed.inspect_err(|_| listener.on_event(&Event::Finished))?;
    let listed = listed == Listed::All;
    // The first of several was not yet known to be one of several.
    if !twice.is_empty() {
        let firsts: HashSet<u64> = twice
            .keys()
            .filter_map(|id| by_id.get(&comparison.key(id).hash))
            .map(|seen| seen.first)
            .collect();
        let again = uploader.everybody(
            None,
            &mut |page| {
                for person in page {
                    if firsts.contains(&remote_key(&person.id))
                        && let Some(ids) =
                            person.external_id.as_ref().and_then(|id| twice.get_mut(id))
                        && !ids.contains(&person.id)
                    {
                        ids.insert(0, person.id.clone());
                    }
                }
                Ok(())
            },
            &mut *listener,
        );
        again.inspect_err(|_| listener.on_event(&Event::Finished))?;
    }
    let mut lost = Vec::new();
    let mut lost_members = Vec::new();
    let path = context.journal_path(JOURNAL)?;
    let scope = scope(&mapping.target, &credentials);
    let journal = Journal::open_existing(&path)?;
    if let Some(journal) = &journal {
        let found = find_lost_members(journal, &scope, &mut uploader, &mut *listener);
        lost_members = found.inspect_err(|_| listener.on_event(&Event::Finished))?;
    }
    listener.on_event(&Event::Finished);
    if let Some(journal) = journal {
        let mut single = Vec::new();
        journal.people(&scope, |known| {
            let there = by_id.contains_key(&comparison.key(known.external_id).hash);
            match known.state {
                PersonState::Deleted => {}
                PersonState::Ambiguous if there && !twice.contains_key(known.external_id) => {
                    single.push(known.external_id.to_owned());
                }
                _ if there => {}
                _ => lost.push(known.external_id.to_owned()),
            }
            Ok::<_, JournalError>(ControlFlow::Continue(()))
        })?;
        if listed && !single.is_empty() {
            // Somebody has put it right on the LMS: imports may go on.
            drop(journal);
            let writer = Journal::open(&path)?.writer()?;
            writer.single(&scope, single).wait_blocking()?;
        }
    }
    let mut duplicates: Vec<_> = twice
        .into_iter()
        .map(|(external_id, people)| Duplicate {
            external_id,
            people,
        })
        .collect();
    duplicates.sort_by(|one, other| one.external_id.cmp(&other.external_id));
    let clean = duplicates.is_empty() && lost.is_empty() && lost_members.is_empty() && listed;
    let exit = if clean { Exit::Done } else { Exit::RowsRefused };
    let mut audit = Audit {
        command: "audit",
        people: people.len() as u64,
        with_external_id: by_id.values().map(|seen| u64::from(seen.people)).sum(),
        duplicates,
        lost,
        lost_members,
        moved: !listed,
        calls: uploader.calls().total,
        elapsed_seconds: begun.elapsed().as_secs_f64(),
        exit_code: exit.code(),
        message: String::new(),
    };
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

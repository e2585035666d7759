//! `hrfeed audit`: the LMS held against itself and against the journal.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::context::{Context, JOURNAL};
use super::environment;
use super::exit::{Exit, Failure};
use crate::event::{Event, Listener};
use crate::journal::{Journal, JournalError, PersonState, Scope};
use crate::report;
use crate::run::{Roster, connection, scope, seed};
use crate::targets::Remote;
use crate::upload::{Listed, Uploader};

/// Arguments of `audit`.
#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// Read the mapping from this TOML file
    #[arg(short, long, value_name = "MAPPING")]
    mapping: PathBuf,
}

/// The result of an audit, in the object of `--json`.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Audit {
    /// People in the LMS.
    people: u64,
    /// People in the LMS with an external ID of this key.
    with_external_id: u64,
    /// External IDs that more than one person has.
    duplicates: Vec<Duplicate>,
    /// Logins that more than one person has. The logins themselves are not named.
    duplicate_logins: Vec<DuplicateLogin>,
    /// External IDs that the journal knows and the LMS no longer has.
    lost: Vec<String>,
    /// Known people who are in the LMS under another external ID.
    renumbered: Vec<Renumbered>,
    /// External IDs of people in the LMS whom the journal does not know.
    in_no_feed: Vec<String>,
    /// People whom hrfeed added to a group and who are no longer in it.
    lost_members: Vec<LostMember>,
    /// Whether people were deleted during the audit, so that somebody may be
    /// overlooked.
    moved: bool,
    /// The requests that it took.
    calls: u64,
    /// How long it took.
    elapsed_seconds: f64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Duplicate {
    /// The external ID.
    external_id: String,
    /// The LMS's own IDs of the people.
    people: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct DuplicateLogin {
    /// The external IDs of those of them who have one.
    external_ids: Vec<String>,
    /// The LMS's own IDs of the people.
    people: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Renumbered {
    /// The external ID that the journal knows.
    external_id: String,
    /// The one that the person has now, if any.
    now: Option<String>,
    /// The LMS's own ID of the person.
    person: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct LostMember {
    /// The external ID of the group.
    group: String,
    /// That of the person.
    external_id: String,
}

pub(super) fn run(context: &Context, args: &AuditArgs) -> Result<Exit, Failure> {
    let mapping = context.load_mapping(&args.mapping)?;
    let credentials = environment::credentials(context, &mapping.target)?;
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
    let roster = Roster::new(mapping.target.system, seed());
    let asked = ask(&path, &scope, roster, &mut uploader, &mut *listener);
    listener.on_event(&Event::Finished);
    let Asked {
        mut roster,
        is_complete,
        journal,
        lost_members,
    } = asked?;
    let mut audit = Audit {
        people: roster.people(),
        with_external_id: roster.with_external_id(),
        moved: !is_complete,
        lost_members,
        ..Audit::default()
    };
    for twice in roster.external_ids_twice(true) {
        audit.duplicates.push(Duplicate {
            external_id: twice.external_id.unwrap_or_default(),
            people: twice.people,
        });
    }
    for twice in roster.logins_twice(true) {
        audit.duplicate_logins.push(DuplicateLogin {
            external_ids: twice.external_ids,
            people: twice.people,
        });
    }
    if let Some(journal) = journal {
        let single = compare(&journal, &scope, &mut roster, &mut audit)?;
        if is_complete && !single.is_empty() {
            // Somebody corrected it in the LMS: imports may continue.
            drop(journal);
            let writer = Journal::open(&path)?.writer()?;
            writer.single(&scope, single).wait_blocking()?;
        }
    }
    audit.calls = uploader.calls().total;
    audit.elapsed_seconds = context.elapsed_seconds();
    let problems = problems(&audit);
    let (exit, message) = if problems.is_empty() {
        (Exit::Done, "No duplicates. No one is missing.".to_owned())
    } else {
        (Exit::RowsRefused, format!("{}.", problems.join("; ")))
    };
    if context.json {
        context.print_object(&audit, exit, message)?;
    } else {
        context.print(&render(&audit, &message))?;
    }
    Ok(exit)
}

/// What the LMS answered, and the journal.
struct Asked {
    roster: Roster,
    /// Whether nobody can be overlooked.
    is_complete: bool,
    journal: Option<Journal>,
    lost_members: Vec<LostMember>,
}

/// Makes all requests of an audit.
fn ask(
    path: &Path,
    scope: &Scope,
    mut roster: Roster,
    uploader: &mut Uploader,
    listener: &mut dyn Listener,
) -> Result<Asked, Failure> {
    let mut add = |page: &[Remote]| {
        for person in page {
            roster.add(person);
        }
        Ok(())
    };
    let listed = uploader.everybody(None, &mut add, listener)?;
    roster.seal();
    let journal = Journal::open_existing(path)?;
    let lost_members = match &journal {
        Some(journal) => find_lost_members(journal, scope, uploader, listener)?,
        None => Vec::new(),
    };
    Ok(Asked {
        roster,
        is_complete: listed == Listed::All,
        journal,
        lost_members,
    })
}

/// Holds the people of the journal against those of the LMS. Returns the external
/// IDs that several people shared and one person now has alone.
fn compare(
    journal: &Journal,
    scope: &Scope,
    roster: &mut Roster,
    audit: &mut Audit,
) -> Result<Vec<String>, JournalError> {
    let (mut single, mut knows_anybody) = (Vec::new(), false);
    journal.people(scope, |known| {
        let id = known.external_id;
        knows_anybody = true;
        // Somebody whom hrfeed deleted and who is there is in no feed, either.
        if known.state != PersonState::Deleted {
            let people = roster.ids_of(id).take(2).count();
            let now = known.remote_id.and_then(|it| roster.external_id_of(it));
            match (people, now) {
                (1, _) if known.state == PersonState::Ambiguous => single.push(id.to_owned()),
                (1.., _) => {}
                (0, Some(now)) => audit.renumbered.push(Renumbered {
                    external_id: id.to_owned(),
                    now: Some(now.to_owned()).filter(|now| !now.is_empty()),
                    person: known.remote_id.unwrap_or_default().to_owned(),
                }),
                (0, None) => audit.lost.push(id.to_owned()),
            }
            roster.mark(id);
        }
        Ok::<_, JournalError>(ControlFlow::Continue(()))
    })?;
    // Under another external ID a known person is in a feed all along.
    for renumbered in &audit.renumbered {
        if let Some(now) = &renumbered.now {
            roster.mark(now);
        }
    }
    // A journal that knows nobody cannot say whom no feed names.
    if knows_anybody {
        audit
            .in_no_feed
            .extend(roster.unmarked().map(str::to_owned));
    }
    Ok(single)
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
            audit.duplicate_logins.len(),
            "login belongs to more than one person",
            "logins belong to more than one person",
        ),
        (
            audit.lost.len(),
            "known person is missing from the LMS",
            "known people are missing from the LMS",
        ),
        (
            audit.renumbered.len(),
            "known person has another external ID",
            "known people have another external ID",
        ),
        (
            audit.in_no_feed.len(),
            "person with an external ID is in no feed",
            "people with an external ID are in no feed",
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

fn render(audit: &Audit, message: &str) -> String {
    let mut text = format!(
        "{message}\n\n  people in the LMS          {}\n  with an ID of this key     {}\n",
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
    let login = |it: &DuplicateLogin| {
        let whose = match it.external_ids.as_slice() {
            [] => "no external ID".to_owned(),
            ids => ids.join(", "),
        };
        format!("{whose}: people {}", it.people.join(", "))
    };
    list(
        "Duplicate logins (in the LMS, give all but one of them another login, or delete them)",
        audit.duplicate_logins.iter().map(login).collect(),
    );
    let renumbered = |it: &Renumbered| {
        let now = it.now.as_deref().unwrap_or("no external ID");
        format!("{}: now {now} (person {})", it.external_id, it.person)
    };
    list(
        "Known under another external ID (an import of the old ID can create them again)",
        audit.renumbered.iter().map(renumbered).collect(),
    );
    list(
        "In no feed (hrfeed did not create them, or deleted them before; imports leave them alone, unless [leavers] has among = \"lms\")",
        audit.in_no_feed.clone(),
    );
    list(
        "Known to the journal but missing from the LMS (an import that changes them can create them again)",
        audit.lost.clone(),
    );
    let member = |it: &LostMember| format!("{}: group {}", it.external_id, it.group);
    list(
        "Removed from a group by someone else (imports do not notice: add them again in the LMS)",
        audit.lost_members.iter().map(member).collect(),
    );
    text
}

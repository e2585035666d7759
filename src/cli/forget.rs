//! `hrfeed forget`: one person leaves the journal.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::context::{Context, JOURNAL};
use super::environment;
use super::exit::{Exit, Failure};
use crate::clock::Clock;
use crate::journal::{Journal, JournalError, KnownScope, OfPerson, Pack};
use crate::report::counted;
use crate::run::scope;

/// Arguments of `forget`.
#[derive(Debug, Args)]
pub(super) struct ForgetArgs {
    /// External ID of the person
    #[arg(value_name = "ID")]
    external_id: String,
    /// Forget the person of the LMS and API key of this mapping
    #[arg(short, long, value_name = "MAPPING", conflicts_with = "all")]
    mapping: Option<PathBuf>,
    /// Forget the person of every LMS and API key in the journal
    #[arg(long)]
    all: bool,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
}

/// What was removed, in the object of `--json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Forgotten<'a> {
    /// The external ID.
    external_id: &'a str,
    /// Nothing was removed.
    dry_run: bool,
    /// What each LMS and API key had of the person; empty if there was nothing.
    scopes: Vec<OfScope>,
    /// Older copies of the journal, which were not changed.
    copies: Vec<String>,
}

/// What one LMS and API key had of the person.
#[derive(Debug, Serialize, JsonSchema)]
struct OfScope {
    /// The LMS.
    system: String,
    /// Its address.
    base_url: String,
    /// The external IDs of the person.
    external_ids: Vec<String>,
    /// External IDs of before that somebody else has now.
    of_others: Vec<String>,
    /// Entries of the person that were removed.
    entries: u64,
    /// Rows that were removed.
    rows: u64,
    /// Places in holds that were removed.
    held: u64,
    /// Texts that no longer name the person.
    texts: u64,
}

pub(super) fn run(context: &Context, args: &ForgetArgs) -> Result<Exit, Failure> {
    let existing = context.existing_journal()?;
    let wanted = scopes(context, args, &existing)?;
    if args.dry_run {
        let found = find(&existing, &wanted, &args.external_id)?;
        return print(context, args, &existing, &found);
    }
    drop(existing);
    let journal = Journal::open(&context.journal_path(JOURNAL)?)?;
    let locks = journal.lock_all()?;
    let found = find(&journal, &wanted, &args.external_id)?;
    if found.iter().any(|(_, of)| of.is_unknown) {
        return Err(Failure {
            exit: Exit::Interrupted,
            what: format!(
                "it is not known yet what became of a write for `{}`, so nothing was removed",
                args.external_id
            ),
            help: Some(
                "`hrfeed resume` or the next import finds out; then forget the person".to_owned(),
            ),
        });
    }
    let now = Clock::system().now();
    for (known, of) in &found {
        journal.forget(&known.scope, of, now, &locks)?;
    }
    if !found.is_empty() {
        let packed = journal.pack(Pack::Whole, &locks);
        packed.map_err(|error| not_overwritten(&error))?;
    }
    drop(locks);
    print(context, args, &journal, &found)
}

/// The person is gone, and perhaps in the file still.
fn not_overwritten(error: &JournalError) -> Failure {
    Failure {
        help: Some(
            "make sure that the disk has room for a second copy of the journal and that no other \
             program reads it, then forget the person again"
                .to_owned(),
        ),
        ..Failure::machine(format!(
            "the person is removed, but the journal's file could not be written again without what \
             was removed: {error}"
        ))
    }
}

/// The scopes that the arguments mean.
fn scopes(
    context: &Context,
    args: &ForgetArgs,
    journal: &Journal,
) -> Result<Vec<KnownScope>, Failure> {
    let mut scopes = journal.scopes()?;
    if let Some(mapping) = &args.mapping {
        let mapping = context.load_mapping(mapping)?;
        let credentials = environment::credentials(context, &mapping.target)?;
        let of_mapping = scope(&mapping.target, &credentials);
        scopes.retain(|known| known.scope == of_mapping);
    } else if !args.all && scopes.len() > 1 {
        return Err(Failure::usage(
            format!(
                "the journal has people of {} (an LMS and an API key each)",
                counted(scopes.len() as u64, "scope", "scopes")
            ),
            "say which one with `-m MAPPING`, or all with `--all`",
        ));
    }
    Ok(scopes)
}

/// What there is of the person, where there is anything.
fn find(
    journal: &Journal,
    scopes: &[KnownScope],
    external_id: &str,
) -> Result<Vec<(KnownScope, OfPerson)>, Failure> {
    let mut found = Vec::new();
    for known in scopes {
        let of = journal.of_person(&known.scope, external_id)?;
        if !of.is_nothing() {
            found.push((known.clone(), of));
        }
    }
    Ok(found)
}

fn print(
    context: &Context,
    args: &ForgetArgs,
    journal: &Journal,
    found: &[(KnownScope, OfPerson)],
) -> Result<Exit, Failure> {
    let scopes = found.iter().map(|(known, of)| OfScope {
        system: known.system.clone(),
        base_url: known.base_url.clone(),
        external_ids: of.external_ids.clone(),
        of_others: of.of_others.clone(),
        entries: of.entries,
        rows: of.rows,
        held: of.held,
        texts: of.texts,
    });
    let copies = journal.copies().into_iter();
    let done = Forgotten {
        external_id: &args.external_id,
        dry_run: args.dry_run,
        scopes: scopes.collect(),
        copies: copies.map(|path| path.display().to_string()).collect(),
    };
    let text = done.text();
    if context.json {
        let first = text.lines().next().unwrap_or_default();
        context.print_object(&done, Exit::Done, first)?;
    } else {
        let lines = text.lines().flat_map(|line| context.out.paragraph(line));
        let lines: Vec<_> = lines.collect();
        context.print(&(lines.join("\n") + "\n"))?;
    }
    Ok(Exit::Done)
}

impl Forgotten<'_> {
    /// For people, a fact a line.
    fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |line: String| {
            // Writing into a String cannot fail.
            let _infallible = writeln!(text, "{line}");
        };
        if self.scopes.is_empty() {
            line(format!(
                "The journal has nothing of `{}`.",
                self.external_id
            ));
        }
        let verb = if self.dry_run {
            "Would remove"
        } else {
            "Removed"
        };
        for it in &self.scopes {
            let ids: Vec<_> = it.external_ids.iter().map(|id| format!("`{id}`")).collect();
            line(format!(
                "{verb} {} from the journal ({} {}): {}, the name of {}, {}, the name in {}.",
                ids.join(", "),
                it.system,
                it.base_url,
                counted(it.entries, "entry", "entries"),
                counted(it.rows, "row", "rows"),
                counted(it.held, "place in a hold", "places in holds"),
                counted(it.texts, "text", "texts"),
            ));
            if !it.of_others.is_empty() {
                line(format!(
                    "Somebody who is known has these external IDs now, which were the person's: \
                     {}. They stay.",
                    it.of_others.join(", ")
                ));
            }
        }
        if !self.scopes.is_empty() {
            line(
                "The LMS is as it was. If the feed still names the person, the next import finds \
                 the account by its external ID and creates no second one; if not, no import \
                 removes it any more. Delete the person in the HR system and in the LMS yourself."
                    .to_owned(),
            );
        }
        if !self.copies.is_empty() {
            line(format!(
                "Copies of the journal may still have the person: {}. Delete them.",
                self.copies.join(", ")
            ));
        }
        text
    }
}

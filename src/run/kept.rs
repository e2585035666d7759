//! A plan that is kept: its changes, and whether an import would make exactly these.

use super::prepare::Prepared;
use super::{Planned, RunError, Stages, read_run, resumable};
use crate::feed::Feed;
use crate::journal::{JournalError, STATE_OF_NONE};
use crate::mapping::{Bound, fingerprint};
use crate::model::{FingerprintKey, HoldKind, hex};
use crate::plan::{
    Asked, Binding, Item, PlannedChange, ScanError, Wanted, WorkOf, action_of, digest_of_leaver,
    replay_as,
};
use crate::targets::Group;
use crate::upload::GroupPlan;

/// The command of a run that carries out a plan.
pub const WITH_PLAN: &str = "import --plan";

impl Stages<'_> {
    /// What the journal holds for a plan, before a run settles what others left.
    pub(super) fn journal_digest(&self) -> Result<String, JournalError> {
        let digest = match &self.journal {
            Some(journal) => journal.state_digest(&self.scope)?,
            // A new one is the same as none.
            None => STATE_OF_NONE,
        };
        Ok(hex(digest.to_be_bytes()))
    }

    /// What a plan that is made now is bound to. The feed was read.
    pub(super) fn binding(&self, journal: String) -> Binding {
        Binding {
            hrfeed: env!("CARGO_PKG_VERSION").into(),
            feed: self.feed.sha256().map(hex).unwrap_or_default(),
            joined: self.feed.joined_sha256().map(hex),
            mapping: hex(self.bound.mapping().sha256()),
            scope: self.scope.hex(),
            journal,
        }
    }

    /// Stops a run that carries out a plan which is bound to something else.
    pub(super) fn hold_to_binding(&self, journal: &str) -> Result<(), RunError> {
        let Some(kept) = &self.kept else {
            return Ok(());
        };
        // What the run itself has sent is known.
        let journal = if self.goes_on()? {
            kept.binding.journal.clone()
        } else {
            journal.to_owned()
        };
        let moved = kept.binding.moved(&self.binding(journal));
        if moved.is_empty() {
            return Ok(());
        }
        let moved = moved.into_iter().map(str::to_owned);
        Err(RunError::PlanMoved(moved.chain(self.begun()?).collect()))
    }

    /// The last run that sent anything, where it carries out a plan and was not finished.
    fn begun(&self) -> Result<Option<String>, RunError> {
        let Some(journal) = &self.journal else {
            return Ok(None);
        };
        let Some(last) = journal.last_sending_run(&self.scope)? else {
            return Ok(None);
        };
        let run = read_run(journal, last)?;
        let is_open = run.start.command == WITH_PLAN && resumable(&run).is_ok();
        Ok(is_open.then(|| {
            format!("run {last} has begun to carry out a plan: `hrfeed resume {last} --plan FILE` goes on with it")
        }))
    }

    /// Whether the run has carried out a part of its plan before.
    fn goes_on(&self) -> Result<bool, JournalError> {
        let (Some(run), Some(journal)) = (&self.resumed, &self.journal) else {
            return Ok(false);
        };
        Ok(journal.last_sending_run(&self.scope)? == Some(run.id))
    }

    /// Stops a run that would do something else than the plan which it carries out.
    pub(super) fn hold_to_plan(&mut self, prepared: &Prepared) -> Result<(), RunError> {
        let Some(kept) = self.kept.take() else {
            return Ok(());
        };
        let mut changes = Vec::new();
        let (feed, bound) = (&mut self.feed, &self.bound);
        each_change(feed, bound, prepared, &self.plan_key, |change| {
            changes.push(change.kept());
            Ok::<_, RunError>(())
        })?;
        let moved = if self.goes_on()? {
            kept.beyond(&changes)
        } else {
            kept.moved(&changes, &of_groups(&prepared.groups, &self.plan_key))
        };
        self.kept = Some(kept);
        if moved.is_empty() {
            Ok(())
        } else {
            Err(RunError::PlanMoved(moved))
        }
    }
}

impl Planned<'_> {
    /// Hands out the changes: leavers first, then the rows in the order of the feed.
    ///
    /// # Errors
    /// The feed cannot be read or has changed; or `each` said to stop.
    pub fn each_change<E: From<ScanError>>(
        &mut self,
        each: impl FnMut(PlannedChange) -> Result<(), E>,
    ) -> Result<(), E> {
        each_change(&mut self.feed, &self.bound, &self.prepared, &self.key, each)
    }

    /// The key of the digests of its changes.
    #[must_use]
    pub const fn key(&self) -> FingerprintKey {
        self.key
    }

    /// What would be done with groups, an entry each.
    #[must_use]
    pub fn of_groups(&self) -> Vec<String> {
        of_groups(&self.prepared.groups, &self.key)
    }
}

fn each_change<E: From<ScanError>>(
    feed: &mut Feed,
    bound: &Bound<'_>,
    prepared: &Prepared,
    key: &FingerprintKey,
    mut each: impl FnMut(PlannedChange) -> Result<(), E>,
) -> Result<(), E> {
    let leaving = bound.mapping().leavers;
    if let Some(action) = action_of(HoldKind::Leavers, leaving) {
        let how = (action, digest_of_leaver(bound.mapping()));
        let set = bound.for_leavers();
        for id in &prepared.plan.leavers {
            each(PlannedChange::of_leaver(id.clone(), how, &set, key))?;
        }
    }
    let asked = Asked {
        rows: &prepared.rows,
        wanted: Wanted::Work {
            wave: None,
            of: WorkOf::All,
        },
        these: &[],
    };
    let change = |item| match item {
        Item::Change(change) => Some(PlannedChange::of_row(&change, key)),
        Item::LeftAlone(_) | Item::Rejected { .. } => None,
    };
    replay_as(feed, bound, &asked, change, |changes| {
        changes.into_iter().flatten().try_for_each(&mut each)
    })
}

/// What is to be done with groups: their external IDs, and digests of what is said of them.
fn of_groups(plan: &GroupPlan, key: &FingerprintKey) -> Vec<String> {
    let described = |what: &str, group: &Group| {
        let of = |text: &Option<String>| text.clone().unwrap_or_default();
        let (name, parent) = (of(&group.name), of(&group.parent));
        let said = [
            ("type", group.kind.as_str()),
            ("name", &name),
            ("parent", &parent),
        ];
        let digest = fingerprint(key, said.into_iter());
        format!("{what} {} ({})", group.id, hex(digest.to_be_bytes()))
    };
    let create = plan.create.iter().map(|group| described("create", group));
    let change = plan.change.iter().map(|group| described("change", group));
    let delete = plan.delete.iter().map(|id| format!("delete {id}"));
    create.chain(change).chain(delete).collect()
}

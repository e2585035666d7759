//! `plan --out` and `--plan`: the file of a plan that is kept.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

use clap::Args;

use super::context::{Context, PrintError};
use super::exit::Failure;
use super::output_file::{Kind, OutputFile};
use crate::clock::Clock;
use crate::feed::FeedSource;
use crate::mapping::Mapping;
use crate::plan::{Allow, Allowed, KeptPlan};
use crate::report::{
    PlanHeader, PlanWriter, PlannedFeed, PlannedHold, PlannedTarget, RunReport, read_plan,
};
use crate::run::{Planned, absolute, whole_path};

/// Where a plan is kept.
#[derive(Debug, Default, Args)]
pub(super) struct OutArgs {
    /// Keep the plan in this file, for `import --plan`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace that file, whatever it is
    #[arg(long, requires = "out")]
    force: bool,
}

impl OutArgs {
    /// Whether the plan is kept.
    pub(super) fn is_wanted(&self) -> bool {
        self.out.is_some()
    }

    /// Makes sure that it can be, before the work for it is done.
    pub(super) fn check(&self, feed: &Path, mapping: &Path) -> Result<(), Failure> {
        match &self.out {
            Some(path) => self.file(path, feed, mapping).check(),
            None => Ok(()),
        }
    }

    fn file<'a>(&self, path: &'a Path, feed: &Path, mapping: &Path) -> OutputFile<'a> {
        OutputFile::new(path, Kind::Plan, self.force)
            .but(feed, "the feed")
            .but(mapping, "the mapping")
    }

    /// Keeps the plan, if it is one: of a feed that looks sick, nothing would be sent.
    pub(super) fn write(
        &self,
        context: &Context,
        planned: &mut Planned<'_>,
        (report, allowed, replaces_key): (&RunReport, &Allowed, bool),
    ) -> Result<(), Failure> {
        let Some(path) = &self.out else {
            return Ok(());
        };
        let mapping = planned.bound.mapping();
        let source = planned.feed.source();
        let target = &mapping.target;
        let header = PlanHeader {
            created: Clock::system().now().to_string(),
            day: planned.bound.today().to_string(),
            mapping: absolute(mapping.path()),
            feed: PlannedFeed {
                path: whole_path(source),
                files: source.several().iter().map(whole_path).collect(),
                stdin: matches!(source, FeedSource::Stdin),
                rows: report.feed.rows,
            },
            target: PlannedTarget {
                system: target.system.word().into(),
                base_url: target.base_url.as_str().into(),
            },
            bound_to: planned.binding.clone(),
            allow: allowed.items().map(ToString::to_string).collect(),
            replaces_key,
            counts: report.counts,
            effects: report.effects.unwrap_or_default(),
            holds: (report.holds.iter())
                .map(|hold| PlannedHold {
                    kind: hold.kind.to_string(),
                    people: hold.people,
                })
                .collect(),
            groups: planned.of_groups(),
        };
        let (feed, of_mapping) = (source.place().to_path_buf(), mapping.path().to_path_buf());
        self.file(path, &feed, &of_mapping).write(context, |out| {
            let mut writer = PlanWriter::new(BufWriter::new(out), &header)?;
            planned.each_change(|change| Ok::<_, PrintError>(writer.write(&change)?))?;
            Ok(writer.finish()?)
        })
    }
}

/// A plan that is to be carried out.
pub(super) struct Kept {
    /// What it says.
    pub(super) header: PlanHeader,
    /// What must be the same.
    pub(super) plan: KeptPlan,
    /// What a person let pass when it was made.
    pub(super) allowed: Allowed,
}

impl Kept {
    /// Reads the file of a plan.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let failed = |why: String| {
            Failure::usage(
                format!("cannot read the plan `{}`: {why}", path.display()),
                "make one with `hrfeed plan FEED --mapping MAPPING --out FILE`",
            )
        };
        let file = File::open(path).map_err(|error| failed(error.to_string()))?;
        let read = read_plan(BufReader::new(file));
        let (header, plan) = read.map_err(|error| failed(error.to_string()))?;
        let allowed = header.allow.iter().map(|item| item.parse::<Allow>());
        let allowed = allowed.collect::<Result<_, _>>();
        Ok(Self {
            allowed: allowed.map_err(|error| failed(error.to_string()))?,
            header,
            plan,
        })
    }

    /// The feed of the plan, where it was.
    pub(super) fn feed(&self, context: &Context, mapping: &Mapping) -> Result<FeedSource, Failure> {
        let feed = &self.header.feed;
        if feed.stdin {
            return Err(Failure::usage(
                "the plan was made of a feed from stdin, and hrfeed keeps no copy",
                "give the same feed again: `hrfeed import FEED --plan FILE`",
            ));
        }
        super::feed::of_kept(context, (&feed.path, &feed.files), mapping)
    }
}

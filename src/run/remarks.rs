//! What a person should know of a run that no row says, a sentence each.

use std::collections::HashSet;
use std::ops::ControlFlow;

use jiff::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

use super::known::Compared;
use super::strangers::Strangers;
use super::why::ByMapping;
use super::{RunError, Stages};
use crate::journal::FeedKey;
use crate::mapping::Among;
use crate::model::{Joined, Remark, Remarks, count, counted};
use crate::plan::RowTable;

/// Remarks on people of the journal and of the LMS whom the feed does not name.
pub(super) fn on_people(compared: &Compared, strangers: &Strangers, among: Among) -> Vec<String> {
    let mut remarks = Vec::new();
    if compared.named_elsewhere > 0 {
        let who = counted(compared.named_elsewhere, "person is", "people are");
        remarks.push(format!(
            "{who} missing here, but named by another feed: left alone"
        ));
    }
    if compared.protected_leavers > 0 {
        let who = counted(compared.protected_leavers, "person is", "people are");
        remarks.push(format!(
            "{who} {} and protected ([protect]): left alone",
            compared.why_leavers()
        ));
    }
    if let Some((known, spelling)) = compared.marked_otherwise.first() {
        let people = compared.marked_otherwise.len() as u64;
        let who = counted(people, "person is", "people are");
        let verb = if people == 1 { "stays" } else { "stay" };
        remarks.push(format!(
            "{who} known by another spelling of an external ID that a row marks as a leaver's, such \
             as `{known}` for `{spelling}`, and {verb}: give the row the known spelling if it means \
             that person"
        ));
    }
    let unknown = strangers.with_external_id();
    if compared.known == 0 && unknown > 0 && among == Among::Journal {
        let who = counted(unknown, "person", "people");
        remarks.push(format!(
            "the journal knows nobody yet, and the LMS has {who} with an external ID who are not in \
             the feed: hrfeed cannot know whether they have left (set among = \"lms\" in [leavers] \
             to treat them as leavers)"
        ));
    }
    remarks
}

/// A remark on rows that came back and say that their people leave.
pub(super) fn on_marked(people: u64) -> Option<String> {
    let rows = counted(
        people,
        "row that came back marks",
        "rows that came back mark",
    );
    let who = if people == 1 { "a leaver" } else { "leavers" };
    (people > 0).then(|| format!("{rows} {who}: nobody leaves before a feed says so"))
}

/// A remark on people who stay because rejected rows may mean them.
pub(super) fn on_meant_by_rejected(people: u64) -> Option<String> {
    let (who, verb) = match people {
        0 => return None,
        1 => (
            "1 person".to_owned(),
            "stays: a row that is not sent may be theirs",
        ),
        _ => (
            counted(people, "person", "people"),
            "stay: rows that are not sent may be theirs",
        ),
    };
    let is = if people == 1 { "is" } else { "are" };
    Some(format!("{who} who {is} missing from the feed {verb}"))
}

impl Stages<'_> {
    /// Says whom two mappings overwrite in turn: this one changed them in its last run,
    /// another one has changed them since, and this one is about to change them again.
    /// Mappings with the same content do not: what one of them sent is unchanged for the
    /// other.
    pub(super) fn remark_on_overwriting(&mut self, compared: &Compared) -> Result<(), RunError> {
        let (Some(journal), false) = (&self.journal, compared.changed_elsewhere.is_empty()) else {
            return Ok(());
        };
        let path = self.mapping_path();
        let Some(last) = journal.last_finished_run(&self.scope, &path)? else {
            return Ok(());
        };
        let began = last.start.started;
        let changed_by = |path: &str, since| {
            let mut ids = HashSet::new();
            journal.changed_since(&self.scope, path, since, |id| {
                ids.insert(xxh3_64(id.as_bytes()));
                Ok::<_, RunError>(ControlFlow::Continue(()))
            })?;
            Ok::<_, RunError>(ids)
        };
        let here = changed_by(&path, began)?;
        for other in journal.mappings_since(&self.scope, Timestamp::MIN)? {
            let Some(ids) = (compared.changed_elsewhere).get(&FeedKey::of_mapping(&other)) else {
                continue;
            };
            let since = changed_by(&other, last.ended.unwrap_or(began))?;
            let is_overwritten = |id: &&u64| here.contains(id) && since.contains(id);
            let people = ids.iter().filter(is_overwritten).count() as u64;
            if people > 0 {
                let who = counted(people, "person was", "people were");
                self.remarks.push(format!(
                    "{who} last changed by the mapping `{other}`, and this mapping has other values \
                     for them: each import overwrites what the other wrote (let one mapping name each \
                     person, for instance by `where` in [source])"
                ));
            }
        }
        Ok(())
    }

    /// Says which rows of a list of leavers name nobody whom hrfeed knows.
    pub(super) fn remark_on_listed(&mut self, compared: &Compared, rows: &RowTable) {
        let mut remarks = Remarks::default();
        let remark = Remark::Joined(Joined::LeaverUnknown);
        for row in &compared.listed_unknown {
            remarks.add(rows.number(*row), None, &remark);
        }
        self.remarks
            .extend(remarks.into_iter().map(|it| it.to_string()));
    }

    /// Says what changes because the mapping did, and not the feed.
    pub(super) fn remark_on_mapping(
        &mut self,
        by_mapping: &ByMapping,
        changed: u64,
        gained: &[(&'static str, u64)],
    ) {
        if changed == 0 {
            return;
        }
        let who = |people| counted(people, "person", "people");
        if let ByMapping::All(last) = by_mapping {
            self.remarks.push(format!(
                "the feed is the same as in run {}: {} of the changes come from the mapping, which \
                 has changed",
                last,
                count(changed)
            ));
        }
        for (field, people) in gained {
            let verb = if *people == 1 { "gains" } else { "gain" };
            self.remarks.push(format!(
                "{} {verb} `{field}`: the mapping changed, not the feed",
                who(*people)
            ));
        }
    }
}

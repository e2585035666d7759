//! [leavers]: who is a leaver, and what happens to them.

use std::fmt;

use super::file::{Node, Table};
use super::guards::whole_days;
use super::set::{LeaverFields, SetBounds, read_set};
use super::template::{Condition, Templates};
use super::{Duplicates, FeedKind, Groups, Mapping, MappingError};
use crate::model::counted;

/// What happens to people who are no longer in the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leavers {
    /// They are left alone.
    Ignore,
    /// They cannot sign in any more.
    Deactivate {
        /// They are put into the archive, where the target has one.
        archive: bool,
    },
    /// They are deleted for good.
    Delete,
    /// Fields are written: see [`Mapping::leaver_fields`].
    Set,
}

/// Who can be a leaver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// Whom the LMS acknowledged to hrfeed.
    Journal,
    /// Everybody with an external ID on the LMS.
    Lms,
}

/// How long somebody who is missing from the feed stays even so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grace {
    /// Until that number of good feeds in a row came without the person.
    Feeds(u32),
    /// For that number of days.
    Days(u32),
}

impl fmt::Display for Grace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feeds(feeds) => counted(u64::from(*feeds), "feed", "feeds").fmt(f),
            Self::Days(days) => counted(u64::from(*days), "day", "days").fmt(f),
        }
    }
}

/// What [leavers] says.
#[derive(Debug)]
pub(super) struct Leaving {
    pub(super) action: Leavers,
    pub(super) among: Among,
    pub(super) grace: Option<Grace>,
    pub(super) fields: LeaverFields,
}

impl Default for Leaving {
    fn default() -> Self {
        Self {
            action: Leavers::Ignore,
            among: Among::Journal,
            grace: None,
            fields: LeaverFields::default(),
        }
    }
}

/// The most feeds that `grace` waits for.
pub(super) const MAX_FEEDS: u32 = 366;

/// `"3 feeds"` or `"7 days"`.
fn read_grace(node: &Node<'_>) -> Result<Grace, MappingError> {
    let text = node.as_text().unwrap_or_default().trim();
    let feeds = text.strip_suffix("feeds").or(text.strip_suffix("feed"));
    let grace = match feeds.map(|number| number.trim_end().parse()) {
        Some(Ok(feeds)) => (1..=MAX_FEEDS)
            .contains(&feeds)
            .then_some(Grace::Feeds(feeds)),
        Some(Err(_)) => None,
        None => whole_days(node).map(Grace::Days),
    };
    grace.ok_or_else(|| {
        node.error(
            format!(
                "{} must be a number of feeds or of whole days, at most {MAX_FEEDS}",
                node.name
            ),
            Some("for example grace = \"3 feeds\" or grace = \"7 days\"".into()),
        )
    })
}

/// What `action` says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Ignore,
    Set,
    Deactivate,
    Delete,
}

/// Reads [leavers].
pub(super) fn leavers(
    mut table: Table<'_>,
    bounds: SetBounds<'_>,
    templates: &mut Templates,
) -> Result<Leaving, MappingError> {
    let system = bounds.system;
    let can_deactivate = system.spec().can_deactivate;
    let action_node = table.take("action");
    let how = table.take("deactivate_by");
    let among = table.take("among");
    let (grace, when) = (table.take("grace"), table.take("when"));
    let set = table.take("set");
    table.finish()?;
    let action = match &action_node {
        Some(node)
            if can_deactivate
                && node
                    .as_text()
                    .is_some_and(|text| text.starts_with("archive")) =>
        {
            return Err(node.error(
                format!("{} cannot name the archive", node.name),
                Some("set action = \"deactivate\" and deactivate_by = \"archived\"".into()),
            ));
        }
        Some(node) => node.word(&[
            ("ignore", Action::Ignore),
            ("set", Action::Set),
            ("deactivate", Action::Deactivate),
            ("delete", Action::Delete),
        ])?,
        None => Action::Ignore,
    };
    if let (Action::Deactivate, Some(node), false) = (action, &action_node, can_deactivate) {
        return Err(node.error(
            format!("{system} cannot make people inactive"),
            Some("possible values: \"ignore\", \"set\", \"delete\"".into()),
        ));
    }
    let archive = match &how {
        Some(node) if action != Action::Deactivate => {
            return Err(node.error("`deactivate_by` requires action = \"deactivate\"", None));
        }
        Some(node) => node.word(&[("active", false), ("archived", true)])?,
        None => false,
    };
    let among = match among {
        Some(node) => node.word(&[("journal", Among::Journal), ("lms", Among::Lms)])?,
        None => Among::Journal,
    };
    for node in [&grace, &when].into_iter().flatten() {
        if action == Action::Ignore {
            return Err(node.error(
                format!("{} requires an `action`", node.name),
                Some(format!(
                    "for example action = \"{}\"",
                    example(can_deactivate)
                )),
            ));
        }
    }
    let fields = match (set, &action_node) {
        (Some(node), _) if action != Action::Set => {
            let help = Some("these fields are written instead of a removal".into());
            return Err(node.error("`set` requires action = \"set\"", help));
        }
        (Some(node), _) => read_set(node, bounds)?,
        (None, Some(node)) if action == Action::Set => {
            let help = "add the fields, for example set = { expirationDate = \"today\" }";
            return Err(node.error("action = \"set\" requires `set`", Some(help.into())));
        }
        (None, _) => LeaverFields::default(),
    };
    if let Some(node) = &when {
        templates.add_condition(Condition::Leaver, node)?;
    }
    let action = match action {
        Action::Ignore => Leavers::Ignore,
        Action::Deactivate => Leavers::Deactivate { archive },
        Action::Delete => Leavers::Delete,
        Action::Set => Leavers::Set,
    };
    Ok(Leaving {
        action,
        among,
        grace: grace.as_ref().map(read_grace).transpose()?,
        fields,
    })
}

/// An action that the target has.
const fn example(can_deactivate: bool) -> &'static str {
    if can_deactivate {
        "deactivate"
    } else {
        "delete"
    }
}

/// The mapping of a feed that does not name everybody.
pub(super) fn of_kind(
    mapping: Mapping,
    node: &Node<'_>,
    kind: FeedKind,
    says_min_rows: bool,
) -> Result<Mapping, MappingError> {
    match kind {
        FeedKind::Full => Ok(mapping),
        FeedKind::Delta => delta(mapping, node, says_min_rows),
        FeedKind::Leavers => only_leavers(mapping, node, says_min_rows),
    }
}

/// The mapping of a feed that names those only who are new or changed: nobody is missing from it.
fn delta(
    mut mapping: Mapping,
    node: &Node<'_>,
    says_min_rows: bool,
) -> Result<Mapping, MappingError> {
    let has_when = mapping.templates.has(Condition::Leaver);
    let problem = if mapping.leavers != Leavers::Ignore && !has_when {
        "a delta names nobody who is missing: `action` in [leavers] requires `when`"
    } else if mapping.among == Among::Lms {
        "a delta does not name everybody: among = \"lms\" in [leavers] has no place here"
    } else if mapping.grace.is_some() {
        "nobody is missing from a delta: `grace` in [leavers] has no place here"
    } else {
        if !says_min_rows {
            // On some days nothing changes.
            mapping.guards.min_rows = 0;
        }
        mapping.kind = FeedKind::Delta;
        return Ok(mapping);
    };
    let help = "for example when = \"row['Status'] == 'Terminated'\"";
    let help = (mapping.leavers != Leavers::Ignore && !has_when).then(|| help.to_owned());
    Err(node.error(problem, help))
}

/// The mapping of a list of leavers: of each row only the external ID counts.
fn only_leavers(
    mut mapping: Mapping,
    node: &Node<'_>,
    says_min_rows: bool,
) -> Result<Mapping, MappingError> {
    let problem = match (mapping.leavers, mapping.among) {
        (Leavers::Ignore, _) => {
            "a list of leavers requires `action` in [leavers]: without it, nothing happens to them"
        }
        (_, Among::Lms) => {
            "a list of leavers names who leaves: among = \"lms\" in [leavers] has no place here"
        }
        _ if mapping.grace.is_some() => {
            "a list of leavers names who leaves: `grace` in [leavers] has no place here"
        }
        _ if mapping.templates.has(Condition::Leaver) => {
            "all rows of a list of leavers are leavers: `when` in [leavers] has no place here (set \
             `where` in [source])"
        }
        _ => {
            mapping.fields.truncate(1);
            mapping.unique.fields.truncate(1);
            // Who is named twice leaves once.
            mapping.unique.duplicates = Duplicates::First;
            mapping.identity.by.clear();
            mapping.adopt = None;
            mapping.groups = Groups::default();
            if !says_min_rows {
                // On most days nobody leaves.
                mapping.guards.min_rows = 0;
            }
            mapping.kind = FeedKind::Leavers;
            return Ok(mapping);
        }
    };
    let help = "set action = \"set\", \"deactivate\" or \"delete\" in [leavers]";
    let help = (mapping.leavers == Leavers::Ignore).then(|| help.to_owned());
    Err(node.error(problem, help))
}

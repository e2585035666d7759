//! [leavers]: who is a leaver, and what happens to them.

use super::file::{Node, Table};
use super::{Duplicates, Groups, Mapping, MappingError};
use crate::schema::System;

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
}

/// Who can be a leaver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// Whom the LMS acknowledged to hrfeed.
    Journal,
    /// Everybody with an external ID on the LMS.
    Lms,
}

/// Reads [leavers].
pub(super) fn leavers(
    mut table: Table<'_>,
    system: System,
) -> Result<(Leavers, Among), MappingError> {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Action {
        Ignore,
        Deactivate,
        Delete,
    }
    let can_deactivate = system.spec().can_deactivate;
    let action_node = table.take("action");
    let how = table.take("deactivate_by");
    let among = table.take("among");
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
            ("deactivate", Action::Deactivate),
            ("delete", Action::Delete),
        ])?,
        None => Action::Ignore,
    };
    if let (Action::Deactivate, Some(node), false) = (action, &action_node, can_deactivate) {
        return Err(node.error(
            format!("{system} cannot make people inactive"),
            Some("possible values: \"ignore\", \"delete\"".into()),
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
    let action = match action {
        Action::Ignore => Leavers::Ignore,
        Action::Deactivate => Leavers::Deactivate { archive },
        Action::Delete => Leavers::Delete,
    };
    Ok((action, among))
}

/// The mapping of a list of leavers: of each row only the external ID counts.
pub(super) fn only_leavers(
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
            mapping.lists_leavers = true;
            return Ok(mapping);
        }
    };
    let help = "set action = \"delete\" or action = \"deactivate\" in [leavers]";
    let help = (mapping.leavers == Leavers::Ignore).then(|| help.to_owned());
    Err(node.error(problem, help))
}

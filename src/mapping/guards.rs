//! [leavers] and [guards]: what happens to people who are no longer in the feed,
//! and the limits of a run.

use super::MappingError;
use super::file::{Node, Table};
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

/// How many of something are allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Allowance {
    /// A fixed number.
    Number(u64),
    /// A percentage, rounded down.
    Percent(f64),
    /// A percentage, but at least this number: in a small feed a person sees
    /// each row.
    PercentOrNumber(f64, u64),
}

/// The limits of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guards {
    /// Leavers, as a share of the people who were in the feed before.
    pub max_leavers: Allowance,
    /// People to create, as a share of the feed's rows.
    pub max_creates: Option<Allowance>,
    /// People to change, as a share of the feed's rows.
    pub max_updates: Option<Allowance>,
    /// Rejected rows, as a share of the feed's rows.
    pub max_rejected: Allowance,
    /// The fewest rows of a feed.
    pub min_rows: u64,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            max_leavers: Allowance::PercentOrNumber(5.0, 5),
            max_creates: None,
            max_updates: None,
            max_rejected: Allowance::PercentOrNumber(10.0, 50),
            min_rows: 1,
        }
    }
}

impl Allowance {
    /// Whether `count` of `all` is within it.
    #[must_use]
    pub fn covers(self, count: u64, all: u64) -> bool {
        #[expect(
            clippy::cast_precision_loss,
            reason = "counts of rows are far below 2^52"
        )]
        let share = |percent: f64| count as f64 * 100.0 <= percent * all as f64;
        match self {
            Self::Number(most) => count <= most,
            Self::Percent(percent) => share(percent),
            Self::PercentOrNumber(percent, most) => count <= most || share(percent),
        }
    }
}

impl std::fmt::Display for Allowance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(most) => write!(f, "{most}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::PercentOrNumber(percent, most) => write!(f, "{percent}%, but at least {most}"),
        }
    }
}

pub(super) fn leavers(mut table: Table<'_>, system: System) -> Result<Leavers, MappingError> {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Action {
        Ignore,
        Deactivate,
        Delete,
    }
    let can_deactivate = system.spec().can_deactivate;
    let action_node = table.take("action");
    let how = table.take("deactivate_by");
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
    Ok(match action {
        Action::Ignore => Leavers::Ignore,
        Action::Deactivate => Leavers::Deactivate { archive },
        Action::Delete => Leavers::Delete,
    })
}

pub(super) fn guards(mut table: Table<'_>) -> Result<Guards, MappingError> {
    let max_leavers = table.take("max_leavers");
    let max_creates = table.take("max_creates");
    let max_updates = table.take("max_updates");
    let max_rejected = table.take("max_rejected");
    let min_rows = table.take("min_rows");
    table.finish()?;
    let default = Guards::default();
    let optional = |node: Option<Node<'_>>| node.map(|node| allowance(&node)).transpose();
    Ok(Guards {
        max_leavers: optional(max_leavers)?.unwrap_or(default.max_leavers),
        max_creates: optional(max_creates)?,
        max_updates: optional(max_updates)?,
        max_rejected: optional(max_rejected)?.unwrap_or(default.max_rejected),
        min_rows: match min_rows {
            Some(node) => node.whole(0, u32::MAX)?.into(),
            None => default.min_rows,
        },
    })
}

/// `"5%"` or a whole number.
fn allowance(node: &Node<'_>) -> Result<Allowance, MappingError> {
    const HELP: &str =
        "use a percentage in quotes, such as \"5%\", or a whole number without, such as 20";
    let Some(text) = node.as_text() else {
        return match node.whole(0, u32::MAX) {
            Ok(most) => Ok(Allowance::Number(most.into())),
            Err(_) => Err(node.error(
                format!("{} must be a percentage or a whole number", node.name),
                Some(HELP.into()),
            )),
        };
    };
    let percent = text
        .trim()
        .strip_suffix('%')
        .and_then(|number| number.trim_end().parse::<f64>().ok());
    match percent {
        Some(percent) if (0.0..=100.0).contains(&percent) => Ok(Allowance::Percent(percent)),
        Some(_) => Err(node.error(
            format!("{} cannot be \"{text}\"", node.name),
            Some("a percentage is from \"0%\" to \"100%\"".into()),
        )),
        None => Err(node.error(
            format!("{} cannot be \"{text}\"", node.name),
            Some(HELP.into()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_of_all_and_a_number_of_none() {
        assert!(Allowance::Percent(5.0).covers(5, 100) && !Allowance::Percent(5.0).covers(6, 100));
        assert!(!Allowance::Percent(5.0).covers(1, 19) && Allowance::Percent(0.0).covers(0, 0));
        assert!(Allowance::Number(3).covers(3, 0) && !Allowance::Number(3).covers(4, 1_000));
        let default = Guards::default();
        assert!(default.max_rejected.covers(50, 50) && !default.max_rejected.covers(51, 509));
        assert!(default.max_leavers.covers(5, 5) && !default.max_leavers.covers(6, 119));
    }
}

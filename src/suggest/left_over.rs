//! Columns that no field needs, each with why, and fields that no column fills.

use std::collections::HashSet;
use std::fmt::{self, Write as _};

use super::columns::Sample;
use super::quote::{item, listed, quoted};
use super::recognise::{Choice, Origin, Recognised};
use super::{Draft, Unused};

impl Draft {
    /// What is on one side only.
    pub(super) fn left_over(&mut self, sample: &Sample, found: &Recognised) -> fmt::Result {
        let columns = &sample.columns;
        let used = found.choices.iter().flat_map(Choice::columns);
        let used: HashSet<usize> = used.copied().collect();
        let is_email_id = |index: usize| {
            self.proposals
                .iter()
                .any(|it| it.columns.contains(&columns[index].name))
        };
        let unused = (0..columns.len()).filter(|it| !used.contains(it) && !is_email_id(*it));
        let unused: Vec<_> = unused.collect();
        if !unused.is_empty() {
            writeln!(self.text, "\n# Columns of the feed that are not used:")?;
            for index in unused {
                let column = &columns[index];
                let why = if column.repeated {
                    Some(
                        "appears more than once: to use one, give them different names in the feed"
                            .to_owned(),
                    )
                } else {
                    found.why_not[index].clone()
                };
                let name = quoted(&column.name);
                self.text.push_str(&match &why {
                    Some(why) => item(&format!("{name}: {why}")),
                    None => item(&name),
                });
                self.unused.push(Unused {
                    column: column.name.clone(),
                    why,
                });
            }
        }
        let unmapped: Vec<_> = found
            .choices
            .iter()
            .filter(|it| it.origin == Origin::Nothing && !it.field.required)
            .map(|it| it.field.name)
            .collect();
        if !unmapped.is_empty() {
            writeln!(self.text, "# Fields of the LMS that are not set:")?;
            self.text.push_str(&item(&unmapped.join(", ")));
        }
        let mut repeated: Vec<_> = columns
            .iter()
            .filter(|column| column.repeated)
            .map(|column| column.name.as_str())
            .collect();
        repeated.sort_unstable();
        repeated.dedup();
        if !repeated.is_empty() {
            self.notes.push(format!(
                "column names that appear more than once: {}",
                listed(repeated.into_iter())
            ));
        }
        Ok(())
    }
}

//! [identity] and [protect]: who is the same human beside the external ID, and
//! whom no run touches.

use std::collections::HashSet;

use super::file::{Node, Table, nearest};
use super::template::{Condition, Templates};
use super::{FieldRule, Mapping, MappingError, Origin, Person, Slot, value};
use crate::schema::{FieldKind, Part, System};

/// By what the same human is recognised under another external ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Positions in [`Mapping::fields`].
    pub by: Vec<usize>,
    /// What happens to somebody known who comes under another external ID.
    pub renumbered: Renumbered,
}

/// What happens to somebody known who comes under another external ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renumbered {
    /// It waits for approval.
    Hold,
    /// The same account gets the other ID.
    Rekey,
    /// The row is rejected.
    Reject,
}

/// People whom no run changes or removes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protect {
    /// Their external IDs, trimmed and in NFC.
    pub ids: HashSet<String>,
    /// A condition says of each row whether it is about one of them.
    pub has_where: bool,
}

impl Protect {
    /// Whether `ids` has this external ID.
    #[must_use]
    pub fn has_id(&self, external_id: &str) -> bool {
        self.ids.contains(external_id)
    }
}

/// Something that shows who a person is, independently of the external ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityField {
    /// What it is.
    pub kind: IdentityKind,
    /// Positions in [`Mapping::fields`]. It changes as soon as one of them
    /// does.
    pub positions: Vec<usize>,
}

/// What shows who a person is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityKind {
    /// The login.
    Login,
    /// The e-mail address.
    Email,
    /// The first or the last name.
    Name,
}

impl Mapping {
    /// What shows who a person is: login, e-mail address and name as far as
    /// they are mapped, without fields that come from the external ID or are
    /// the same for everybody. Neither kind changes when the rows of a feed are
    /// shifted against their IDs.
    #[must_use]
    pub fn identity_fields(&self) -> Vec<IdentityField> {
        let spec = self.target.system.spec();
        let of_id = match self.fields.first() {
            Some(rule) => self.columns_of(rule),
            None => Vec::new(),
        };
        let varies = |name: &&str| {
            let position = self.position(name)?;
            let columns = self.columns_of(self.fields.get(position)?);
            let is_independent =
                !columns.is_empty() && !columns.iter().any(|column| of_id.contains(column));
            is_independent.then_some(position)
        };
        let kinds: [(_, &[&str]); 3] = [
            (IdentityKind::Login, &[spec.login]),
            (IdentityKind::Email, &[spec.email]),
            (IdentityKind::Name, spec.names),
        ];
        kinds
            .into_iter()
            .map(|(kind, names)| IdentityField {
                kind,
                positions: names.iter().filter_map(varies).collect(),
            })
            .filter(|field| !field.positions.is_empty())
            .collect()
    }

    /// Whether a row without a readable external ID may be somebody: its external ID is
    /// none, or something shows who the person is. `30 nurses` is nobody's name.
    #[must_use]
    pub fn may_be_person(&self, person: &Person) -> bool {
        let says = |field: usize| !matches!(person.get(field), Slot::Absent | Slot::Clear);
        let is_name = |field: usize| match person.get(field) {
            Slot::Text(text) => !is_no_name(text),
            _ => says(field),
        };
        let identity = self.identity_fields();
        let is_said = |field: &IdentityField| match field.kind {
            IdentityKind::Name => field.positions.iter().any(|it| is_name(*it)),
            IdentityKind::Login | IdentityKind::Email => field.positions.iter().any(|it| says(*it)),
        };
        says(0) || identity.is_empty() || identity.iter().any(is_said)
    }

    /// The columns that a field comes from.
    fn columns_of(&self, rule: &FieldRule) -> Vec<String> {
        match &rule.origin {
            Origin::Column(name) => vec![name.clone()],
            Origin::Template => match self.templates.columns(rule.field.name) {
                Some(columns) => columns.named.iter().cloned().collect(),
                None => Vec::new(),
            },
            Origin::Constant(_) => Vec::new(),
        }
    }
}

/// Whether a text has a number of two digits or more, or explains something: somebody may be
/// `Ann 2`, and nobody `Note: two on leave`.
fn is_no_name(text: &str) -> bool {
    let mut pairs = text.as_bytes().windows(2);
    pairs.any(|pair| pair.iter().all(u8::is_ascii_digit)) || text.contains([':', '='])
}

/// Reads [identity].
pub(super) fn read_identity(
    table: Option<Table<'_>>,
    rules: &[FieldRule],
    system: System,
) -> Result<Identity, MappingError> {
    let spec = system.spec();
    let position = |name: &str| rules.iter().position(|rule| rule.field.name == name);
    let mut identity = Identity {
        by: [spec.login, spec.email]
            .into_iter()
            .filter_map(position)
            .collect(),
        renumbered: Renumbered::Hold,
    };
    let Some(mut table) = table else {
        return Ok(identity);
    };
    let by = table.take("by");
    if let Some(node) = table.take("renumbered") {
        identity.renumbered = node.word(&[
            ("hold", Renumbered::Hold),
            ("rekey", Renumbered::Rekey),
            ("reject", Renumbered::Reject),
        ])?;
    }
    table.finish()?;
    if let Some(node) = by {
        identity.by = recognised_by(node, rules, system)?;
    }
    Ok(identity)
}

/// Reads `by`.
fn recognised_by(
    node: Node<'_>,
    rules: &[FieldRule],
    system: System,
) -> Result<Vec<usize>, MappingError> {
    let spec = system.spec();
    let file = node.file;
    let example = format!("[\"{}\", \"{}\"]", spec.login, spec.email);
    let empty = node.error(
        "`by` in [identity] names no field",
        Some(format!("for example by = {example}")),
    );
    // Not every field can tell people apart.
    let can_identify = |rule: &&FieldRule| {
        rule.field.part == Part::Details && rule.field.kind != FieldKind::ExternalId
    };
    let possible = || {
        rules
            .iter()
            .filter(can_identify)
            .map(|rule| rule.field.name)
    };
    let mut by = Vec::new();
    for (name, span) in node.texts(&example)? {
        let found = rules.iter().position(|rule| rule.field.name == name);
        let problem = match found.and_then(|index| rules.get(index)) {
            None => format!("[identity] names `{name}`, which is not mapped"),
            Some(rule) if rule.field.kind == FieldKind::ExternalId => {
                format!("[identity] names `{name}`, which is the external ID itself")
            }
            Some(rule) if !can_identify(&rule) => {
                format!("[identity] names `{name}`, which cannot tell people apart")
            }
            Some(_) => {
                by.extend(found.filter(|index| !by.contains(index)));
                continue;
            }
        };
        let near = found
            .is_none()
            .then(|| nearest(&name, possible()))
            .flatten();
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "possible fields: {}",
                possible().collect::<Vec<_>>().join(", ")
            ),
        };
        return Err(file.error(span, problem, Some(help)));
    }
    if by.is_empty() { Err(empty) } else { Ok(by) }
}

/// Reads [protect].
pub(super) fn read_protect(
    mut table: Table<'_>,
    templates: &mut Templates,
) -> Result<Protect, MappingError> {
    let ids = table.take("ids");
    let condition = table.take("where");
    let nobody = table.error(
        "[protect] names nobody",
        Some("add ids = [\"E1\"], or where = \"row['Department'] == 'Board'\"".into()),
    );
    table.finish()?;
    if ids.is_none() && condition.is_none() {
        return Err(nobody);
    }
    let mut protect = Protect {
        has_where: condition.is_some(),
        ..Protect::default()
    };
    if let Some(node) = ids {
        let file = node.file;
        for (id, span) in node.texts("[\"E1\", \"E2\"]")? {
            let id = value::clean(&id).into_owned();
            if id.is_empty() {
                let problem = "`ids` in [protect] has an empty external ID";
                return Err(file.error(span, problem, None));
            }
            protect.ids.insert(id);
        }
    }
    if let Some(node) = condition {
        templates.add_condition(Condition::Protect, &node)?;
    }
    Ok(protect)
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;

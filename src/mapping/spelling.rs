//! How the letters of a value are written: `lower`, `upper`, `title`, `ascii`.

use std::borrow::Cow;

use super::MappingError;
use super::ascii::Ascii;
use super::file::{Node, Table};
use super::title::{NamePart, title};
use crate::model::Rule;
use crate::schema::{Field, FieldKind, System};

/// What becomes of capitals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Lower,
    Upper,
    Title(NamePart),
}

/// How the letters of a value are written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spelling {
    pub(super) case: Option<Case>,
    ascii: Option<Ascii>,
}

/// The settings of a field that say it, still as nodes.
pub(super) struct SpellingNodes<'a> {
    lower: Option<Node<'a>>,
    upper: Option<Node<'a>>,
    title: Option<Node<'a>>,
    ascii: Option<Node<'a>>,
    several_cases: MappingError,
}

impl<'a> SpellingNodes<'a> {
    pub(super) fn take(table: &mut Table<'a>, field: &Field) -> Self {
        let [lower, upper, title, ascii] =
            ["lower", "upper", "title", "ascii"].map(|key| table.take(key));
        let several = [&lower, &upper, &title].map(Option::is_some);
        let names = ["`lower`", "`upper`", "`title`"].into_iter().zip(several);
        let names: Vec<_> = names.filter_map(|(name, is)| is.then_some(name)).collect();
        let several_cases = table.error(
            format!("field {} has both {}", field.name, names.join(" and ")),
            Some("keep one of them".into()),
        );
        Self {
            lower,
            upper,
            title,
            ascii,
            several_cases,
        }
    }
}

impl Spelling {
    /// Reads what the settings say.
    ///
    /// # Errors
    /// They contradict each other, or do not suit the field.
    pub(super) fn read(
        nodes: SpellingNodes<'_>,
        field: &Field,
        system: System,
    ) -> Result<Self, MappingError> {
        let flag = |node: &Option<Node<'_>>| node.as_ref().map_or(Ok(false), Node::flag);
        let title = flag(&nodes.title)?;
        let case = match (flag(&nodes.lower)?, flag(&nodes.upper)?, title) {
            (true, false, false) => Some(Case::Lower),
            (false, true, false) => Some(Case::Upper),
            (false, false, true) => Some(Case::Title(NamePart::of(field, system))),
            (false, false, false) => None,
            _ => return Err(nodes.several_cases),
        };
        if let Some(node) = nodes.title.filter(|_| title && !may_have_title(field.kind)) {
            let message = format!("field {} has no names, which `title` is for", field.name);
            return Err(node.error(message, Some("remove `title`".into())));
        }
        let ascii = nodes
            .ascii
            .map(|node| read_ascii(field, &node))
            .transpose()?;
        Ok(Self {
            case,
            ascii: ascii.flatten(),
        })
    }

    /// Whether a value stays as it is.
    pub(super) const fn is_kept(self) -> bool {
        self.case.is_none() && self.ascii.is_none()
    }

    /// A value as the mapping wants it written.
    ///
    /// # Errors
    /// It cannot be written so.
    pub(super) fn of(self, text: &str) -> Result<Cow<'_, str>, Rule> {
        // What `ascii` makes of letters without case may have capitals.
        let text = match self.ascii {
            None => Cow::Borrowed(text),
            Some(ascii) => ascii.of(text).ok_or(Rule::NoAscii)?,
        };
        Ok(match self.case {
            None => text,
            Some(Case::Lower) => Cow::Owned(text.to_lowercase()),
            Some(Case::Upper) => Cow::Owned(text.to_uppercase()),
            Some(Case::Title(part)) => match title(&text, part) {
                Cow::Borrowed(_) => text,
                Cow::Owned(titled) => Cow::Owned(titled),
            },
        })
    }
}

/// Reads `ascii`: `true`, or the language whose habits count.
fn read_ascii(field: &Field, node: &Node<'_>) -> Result<Option<Ascii>, MappingError> {
    let how = match node.as_text() {
        Some(_) => Some(node.word(&[("german", Ascii::German)])?),
        None => node.flag()?.then_some(Ascii::Plain),
    };
    let is_text = matches!(
        field.kind,
        FieldKind::Text
            | FieldKind::Login
            | FieldKind::Email
            | FieldKind::ExternalId
            | FieldKind::Reference
            | FieldKind::State
    );
    if how.is_some() && !is_text {
        let message = format!("field {} has no text that `ascii` could change", field.name);
        return Err(node.error(message, Some("remove `ascii`".into())));
    }
    Ok(how)
}

/// Whether values of a kind may be names.
const fn may_have_title(kind: FieldKind) -> bool {
    matches!(
        kind,
        FieldKind::Text | FieldKind::Reference | FieldKind::State
    )
}

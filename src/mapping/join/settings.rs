//! [join] and what it shares with `merge`: the settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::feed::FeedOptions;
use crate::mapping::date::DateForm;
use crate::mapping::fields::{clean_name, date_form};
use crate::mapping::file::{File, Node, Table};
use crate::mapping::settings::reading;
use crate::mapping::template::{Condition, Templates};
use crate::mapping::{FieldRule, MappingError, Origin, columns};

/// The most files that are joined to a feed.
const MAX_FILES: usize = 16;

/// A file that is joined to the feed.
#[derive(Debug)]
pub(in crate::mapping) struct Join {
    /// Where it is.
    pub(in crate::mapping) path: PathBuf,
    /// As a person sees it: `contracts.csv`.
    pub(super) file: Arc<str>,
    /// What the names of its columns begin with where that is needed.
    pub(super) name: String,
    /// The column of the keys, in the feed and in the file.
    pub(super) on_feed: String,
    pub(super) on_file: String,
    pub(super) pick: Option<Pick>,
    /// Its own condition, if it has one.
    pub(super) templates: Templates,
    pub(super) options: FeedOptions,
    /// Line and column of `on`.
    pub(super) place: (usize, usize),
}

/// Which of several rows of a person counts.
#[derive(Debug)]
pub(in crate::mapping) struct Pick {
    /// By which column, unless the place of the rows decides.
    pub(super) column: Option<String>,
    pub(super) order: Ranking,
    /// The form of dates, if the mapping says it.
    pub(super) date: Option<DateForm>,
    /// Line and column of `pick`.
    pub(super) place: (usize, usize),
}

/// How rows of a person are ordered: the one at the end counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mapping) enum Ranking {
    Latest,
    Earliest,
    Highest,
    Lowest,
    First,
    Last,
}

impl Ranking {
    /// Whether it is one of dates.
    pub(super) const fn is_of_dates(self) -> bool {
        matches!(self, Self::Latest | Self::Earliest)
    }

    /// Whether the place of the rows decides.
    pub(super) const fn is_of_places(self) -> bool {
        matches!(self, Self::First | Self::Last)
    }
}

/// Reads [join] or each of several [[join]].
pub(in crate::mapping) fn read_join_sections(node: Node<'_>) -> Result<Vec<Join>, MappingError> {
    let too_many = node.error(
        format!("more than {MAX_FILES} files are joined"),
        Some("join them to each other before".into()),
    );
    let tables = node.tables("[join]", "[join]")?;
    if tables.len() > MAX_FILES {
        return Err(too_many);
    }
    let mut to_join: Vec<Join> = Vec::new();
    for table in tables {
        let error = |name: &str| {
            table.error(
                format!("two files would be called `{name}`"),
                Some(
                    "give this one another name in [join], for example name = \"contracts\"".into(),
                ),
            )
        };
        let names: Vec<_> = to_join.iter().map(|join| join.name.clone()).collect();
        let errors: Vec<_> = names
            .iter()
            .map(|name| (name.clone(), error(name)))
            .collect();
        let own = error(columns::OWN);
        let join = read_join(table)?;
        if join.name == columns::OWN {
            return Err(own);
        }
        if let Some((_, error)) = errors.into_iter().find(|(name, _)| *name == join.name) {
            return Err(error);
        }
        to_join.push(join);
    }
    Ok(to_join)
}

fn read_join(mut table: Table<'_>) -> Result<Join, MappingError> {
    let file = table.need("file", "file = \"contracts.csv\" names the file to join")?;
    let on = table.need(
        "on",
        "on = \"Person ID\" names the column that both files have",
    )?;
    let name = table.take("name");
    let pick = table.take("pick");
    let filter = table.take("where");
    let options = reading(&mut table, "[join]")?;
    table.finish()?;

    let place = on.place();
    let (on_feed, on_file) = read_on(on)?;
    let named = file.text()?;
    let shown = Path::new(&named).file_name();
    let Some(shown) = shown
        .and_then(|name| name.to_str())
        .filter(|it| !it.is_empty())
    else {
        return Err(file.error(
            "`file` in [join] must name a file",
            Some("for example file = \"contracts.csv\"".into()),
        ));
    };
    let stem = || {
        shown
            .split('.')
            .find(|part| !part.is_empty())
            .unwrap_or(shown)
            .to_owned()
    };
    let name = match &name {
        Some(node) => {
            let text = clean_name(&node.text()?);
            if text.is_empty() || text.contains('.') {
                return Err(node.error(
                    "`name` in [join] must be a word without a full stop",
                    Some("for example name = \"contracts\"".into()),
                ));
            }
            text
        }
        None => stem(),
    };
    let mut templates = Templates::new();
    if let Some(filter) = &filter {
        templates.add_condition(Condition::Joined, filter)?;
    }
    Ok(Join {
        path: file.path()?,
        file: shown.into(),
        name,
        on_feed,
        on_file,
        pick: pick.map(read_pick).transpose()?,
        templates,
        options,
        place,
    })
}

/// The columns of the keys: in the feed and in the file.
fn read_on(node: Node<'_>) -> Result<(String, String), MappingError> {
    const EXAMPLE: &str = "on = \"Person ID\" or on = { feed = \"ID\", file = \"Person ID\" }";
    if let Some(name) = node.as_text() {
        let name = clean_name(name);
        return Ok((name.clone(), name));
    }
    let mut table = node.table("`on` in [join]", EXAMPLE)?;
    let [feed, file] = ["feed", "file"].map(|key| table.need(key, EXAMPLE));
    let (feed, file) = (feed?, file?);
    table.finish()?;
    Ok((clean_name(&feed.text()?), clean_name(&file.text()?)))
}

/// How rows of the feed that are about one person become one.
#[derive(Debug)]
pub(in crate::mapping) struct Merge {
    /// The column that says who it is.
    pub(super) on: String,
    pub(super) pick: Option<Pick>,
    /// Line and column.
    pub(super) place: (usize, usize),
}

impl Merge {
    /// The column that says who it is.
    pub(in crate::mapping) fn column(&self) -> &str {
        &self.on
    }
}

/// Reads `merge` of [source].
pub(in crate::mapping) fn read_merge(node: Node<'_>) -> Result<Merge, MappingError> {
    const EXAMPLE: &str =
        "merge = { on = \"Person ID\", pick = { column = \"Start\", order = \"latest\" } }";
    let place = node.place();
    let mut table = node.table("`merge` in [source]", EXAMPLE)?;
    let on = table.need("on", EXAMPLE)?;
    let pick = table.take("pick");
    table.finish()?;
    Ok(Merge {
        on: clean_name(&on.text()?),
        pick: pick.map(read_pick).transpose()?,
        place,
    })
}

/// Reads `pick`.
fn read_pick(node: Node<'_>) -> Result<Pick, MappingError> {
    const EXAMPLE: &str = "pick = { column = \"Start\", order = \"latest\" }";
    let place = node.place();
    let name = node.name.clone();
    let mut table = node.table(&name, EXAMPLE)?;
    let column = table.take("column");
    let order = table.need("order", EXAMPLE)?;
    let date = table.take("date");
    let no_column = table.error(
        format!("{name} has no `column`"),
        Some(format!("for example {EXAMPLE}, or order = \"first\"")),
    );
    table.finish()?;
    let word = order.word(&[
        ("latest", Ranking::Latest),
        ("earliest", Ranking::Earliest),
        ("highest", Ranking::Highest),
        ("lowest", Ranking::Lowest),
        ("first", Ranking::First),
        ("last", Ranking::Last),
    ])?;
    if let (Some(column), true) = (&column, word.is_of_places()) {
        let message = format!("{name} has `column`, and \"first\" and \"last\" go by the place");
        let help =
            "use \"earliest\" or \"latest\" for dates, \"lowest\" or \"highest\" for numbers";
        return Err(column.error(message, Some(help.into())));
    }
    if column.is_none() && !word.is_of_places() {
        return Err(no_column);
    }
    if let (Some(date), false) = (&date, word.is_of_dates()) {
        let message = format!("{name} has `date`, and its order is not one of dates");
        return Err(date.error(message, Some("use \"latest\" or \"earliest\"".into())));
    }
    Ok(Pick {
        column: column
            .map(|node| Ok::<_, MappingError>(clean_name(&node.text()?)))
            .transpose()?,
        order: word,
        date: date.map(|node| date_form(&node)).transpose()?,
        place,
    })
}

/// Reads `all` of a field.
pub(in crate::mapping) fn of_all_rows(
    rule: &FieldRule,
    node: &Node<'_>,
) -> Result<bool, MappingError> {
    let all = node.flag()?;
    let problem = if !all {
        return Ok(false);
    } else if !rule.field.part.is_set() {
        "has a single value: it cannot have those of all rows"
    } else if !matches!(rule.origin, Origin::Column(_)) {
        "has `all` and no `column`"
    } else {
        return Ok(true);
    };
    Err(node.error(format!("field {} {problem}", rule.field.name), None))
}

/// Refuses `all` where no person can have several rows.
pub(in crate::mapping) fn check_all(
    file: &File<'_>,
    rules: &[FieldRule],
    has_several: bool,
) -> Result<(), MappingError> {
    let all = rules.iter().find(|rule| rule.all && !has_several);
    all.map_or(Ok(()), |rule| {
        Err(MappingError::Content {
            path: file.path.into(),
            line: rule.line,
            column: rule.line_column,
            message: format!(
                "field {} has `all`, and the mapping says nothing of several rows for a person",
                rule.field.name
            ),
            help: Some("add [join], or `merge` in [source]".into()),
        })
    })
}

//! The parts of a workbook that is an archive, and how they refer to one another.

use std::fs::File;
use std::sync::Arc;

use quick_xml::events::{BytesStart, Event};

use super::xml::{self, Damage, Xml};
use crate::feed::zip::{Archive, Part};

/// The most bytes of another part of which much is held: styles and lists of sheets
/// have some kilobytes.
pub(super) const MAX_HELD: u64 = 32 << 20;

/// Where a workbook is read from.
pub(super) struct Package<'a> {
    pub(super) file: &'a File,
    pub(super) archive: &'a Archive,
}

/// What a part refers to: identifier, last word of the type, name of the part.
pub(super) type Relations = Vec<(String, String, String)>;

impl Package<'_> {
    /// The part of this name, from the root of the archive.
    pub(super) fn part(&self, name: &str) -> Option<&Part> {
        // Of two with one name the later one counts.
        let mut parts = self.archive.parts.iter().rev();
        parts.find(|part| part.name.trim_start_matches('/').eq_ignore_ascii_case(name))
    }

    /// Calls `take` with each element that begins.
    pub(super) fn elements(
        &self,
        part: &Part,
        mut take: impl FnMut(&BytesStart<'_>) -> Result<(), Damage>,
    ) -> Result<(), Damage> {
        let mut xml = self.open(part, MAX_HELD)?;
        let mut buffer = Vec::new();
        loop {
            match xml.event(&mut buffer)? {
                Event::Start(element) => take(&element)?,
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    /// Begins to read a part that may have `max` bytes. No more is ever unpacked of it
    /// than the archive says.
    pub(super) fn open(&self, part: &Part, max: u64) -> Result<Xml, Damage> {
        if part.unpacked > max {
            return Err(too_much(part, max));
        }
        xml::open(self.file, part, Arc::default())
    }

    /// The part with the list of sheets, and what it refers to. `default` is its name if
    /// nothing says it, and `end` that of other parts.
    pub(super) fn main(&self, default: &str, end: &str) -> Result<(&Part, Relations), Damage> {
        let root = self.relations("")?;
        let main = root.iter().find(|(_, kind, _)| kind == "officeDocument");
        let main = main.map_or(default, |(_, _, target)| target.as_str());
        let part = self.part(main).ok_or(Damage::Missing("workbook part"))?;
        let mut relations = self.relations(main)?;
        // Some writers do not say where these are, and put them where everybody does.
        let (folder, _) = main.rsplit_once('/').unwrap_or_default();
        for kind in ["styles", "sharedStrings"] {
            let name = resolved(folder, &format!("{kind}{end}"));
            relations.push((String::new(), kind.to_owned(), name));
        }
        Ok((part, relations))
    }

    /// The part that the workbook refers to as this.
    pub(super) fn of_kind(&self, relations: &Relations, wanted: &str) -> Option<&Part> {
        let found = relations.iter().find(|(_, kind, _)| kind == wanted);
        found.and_then(|(_, _, target)| self.part(target))
    }

    fn relations(&self, of: &str) -> Result<Relations, Damage> {
        let (folder, name) = of.rsplit_once('/').unwrap_or(("", of));
        let prefix = if folder.is_empty() { "" } else { "/" };
        let mut found = Vec::new();
        let Some(part) = self.part(&format!("{folder}{prefix}_rels/{name}.rels")) else {
            return Ok(found);
        };
        self.elements(part, |element| {
            if xml::local(element.name()) != "Relationship" {
                return Ok(());
            }
            let (mut id, mut kind, mut target) = (None, None, None);
            xml::attributes(element, |name, value| match name {
                "Id" => id = Some(xml::unescaped(value)),
                // Strict workbooks have other addresses with the same last word.
                "Type" => kind = value.rsplit('/').next().map(str::to_owned),
                "Target" => target = Some(resolved(folder, &xml::unescaped(value))),
                _ => {}
            });
            if let (Some(id), Some(kind), Some(target)) = (id, kind, target) {
                found.push((id, kind, target));
            }
            Ok(())
        })?;
        Ok(found)
    }
}

/// A part's name from the root of the archive.
fn resolved(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut path: Vec<&str> = folder.split('/').filter(|it| !it.is_empty()).collect();
    for step in target.split('/') {
        match step {
            "." | "" => {}
            ".." => drop(path.pop()),
            step => path.push(step),
        }
    }
    path.join("/")
}

pub(super) fn too_much(part: &Part, max: u64) -> Damage {
    Damage::TooMuchHeld {
        part: part.name.clone(),
        max,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_named_from_the_folder_of_the_one_that_refers_to_it() {
        for (folder, target, expected) in [
            ("xl", "worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
            (
                "xl",
                "/xl/worksheets/sheet1.xml",
                "xl/worksheets/sheet1.xml",
            ),
            ("xl", "../other/./sheet.xml", "other/sheet.xml"),
            ("", "xl\\workbook.xml", "xl/workbook.xml"),
            ("", "../../x.xml", "x.xml"),
        ] {
            assert_eq!(resolved(folder, target), expected);
        }
    }
}

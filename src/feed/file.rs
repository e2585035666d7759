//! One file, open: what it is, and its records.

use std::borrow::Cow;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use super::corrections::{self, Corrections};
use super::csv::CsvFile;
use super::encoding::{self, Charset};
use super::kind::{self, FileKind};
use super::openpgp::{self, OpenPgpError, OpenPgpKeys, Signature};
use super::sheet::SheetFile;
use super::spool::{self, Bounds, Opened};
use super::text::Text;
use super::{
    Again, Batch, FeedCopy, FeedError, FeedOptions, FeedSource, Format, Progress, START, Wants,
};
use crate::files;
use crate::model::{Remark, Remarked, Remarks, RowNumber};

/// An open file.
#[derive(Debug)]
pub(super) struct FeedFile {
    pub(super) path: Arc<Path>,
    /// Its number in a feed of several files; 0 in a feed of one.
    pub(super) number: u16,
    pub(super) format: Format,
    /// The mapping says in which encoding the text is.
    encoding_is_named: bool,
    signature: Signature,
    table: Table,
}

#[derive(Debug)]
enum Table {
    Csv(Box<CsvFile>),
    Sheet(Box<SheetFile>),
}

impl FeedFile {
    /// Opens the only file of a feed, or that of this number among several. Stdin is read
    /// to its end.
    ///
    /// # Errors
    /// It cannot be read, or is not a table.
    pub(super) fn open(
        source: &FeedSource,
        number: u16,
        options: &FeedOptions,
    ) -> Result<Self, FeedError> {
        let (path, bounds): (Arc<Path>, _) = (Arc::from(source.place()), options.bounds()?);
        let opened = match source {
            FeedSource::Stdin => spool::spool(&path, io::stdin().lock(), bounds)?,
            FeedSource::Copy(copy) => open_copy(&path, copy, bounds)?,
            FeedSource::Path(_) | FeedSource::Files { .. } => open_file(&path, bounds)?,
        };
        Self::of(path, number, opened, options)
    }

    /// Finds out what a file is.
    fn of(
        path: Arc<Path>,
        number: u16,
        opened: Opened,
        options: &FeedOptions,
    ) -> Result<Self, FeedError> {
        let bounds = options.bounds()?;
        let named = bounds.named;
        let keys = &options.openpgp;
        let (opened, start, kind, signature) = unpacked(&path, opened, bounds, keys)?;
        keys.require(&path, signature)?;
        let gzip = opened.gzip;
        let (format, table) = match kind {
            FileKind::OpenPgp(_) => {
                return Err(FeedError::openpgp(&path, OpenPgpError::Nested));
            }
            FileKind::Packed(_) | FileKind::Compound(_) => {
                return Err(FeedError::not_a_table(&path, "an archive of archives"));
            }
            FileKind::Text => {
                let csv = match csv_of_corrections(&path, &opened, &start, options)? {
                    Some(csv) => csv,
                    None => CsvFile::open(text(&path, opened, &start, named)?, options)?,
                };
                let format = Format::Csv {
                    delimiter: csv.delimiter(),
                    gzip,
                    encoding: csv.encoding(),
                };
                (format, Table::Csv(Box::new(csv)))
            }
            FileKind::Workbook(container) => {
                let sheet = SheetFile::open(&path, opened, &container, options)?;
                let format = Format::Workbook {
                    sheet: sheet.name().to_owned(),
                };
                (format, Table::Sheet(Box::new(sheet)))
            }
        };
        Ok(Self {
            path,
            number,
            format,
            encoding_is_named: named.is_some(),
            signature,
            table,
        })
    }

    /// See [`super::Feed::remarks`].
    pub(super) fn remarks(&self) -> impl Iterator<Item = Remarked> {
        let is_marked = matches!(&self.table, Table::Csv(csv) if csv.has_mark());
        let guessed = self.format.other_encoding();
        let guessed = guessed.filter(|_| !self.encoding_is_named && !is_marked);
        let encoding = guessed.map(|encoding| Remark::Encoding { encoding }.into());
        let (below, of_table) = match &self.table {
            Table::Csv(csv) => {
                let styles = csv.quoting().map(|style| Remark::Quoting { style }.into());
                (&csv.below_header, styles.collect())
            }
            Table::Sheet(sheet) => (&sheet.below_header, sheet.remarks()),
        };
        let mut of_header = Remarks::default();
        for &(row, what) in below {
            of_header.add(row, None, &Remark::NoPerson { what });
        }
        let of_corrections = self.corrections().map(|it| {
            let run = it.run;
            Remark::Corrections { run }.into()
        });
        let is_unchecked = self.signature == Signature::Unchecked;
        let signature = is_unchecked.then(|| Remark::SignatureUnchecked.into());
        let of_file = signature.into_iter().chain(of_corrections).chain(encoding);
        let all = of_file.chain(of_header).chain(of_table);
        all.map(|remarked| self.placed(remarked))
    }

    /// What was said of the file, said of the feed: of several files, with which one.
    fn placed(&self, mut remarked: Remarked) -> Remarked {
        if self.number == 0 {
            return remarked;
        }
        for row in &mut remarked.rows {
            *row = row.in_file(self.number);
        }
        if remarked.rows.is_empty() {
            return remarked.of_file(&self.name());
        }
        remarked
    }

    /// Its name, without its folder.
    fn name(&self) -> Cow<'_, str> {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy()
    }

    /// What it is, if its rows came back.
    pub(super) fn corrections(&self) -> Option<&Arc<Corrections>> {
        match &self.table {
            Table::Csv(csv) => csv.corrections.as_ref(),
            Table::Sheet(sheet) => sheet.corrections.as_ref(),
        }
    }

    /// See [`super::Feed::own_columns`].
    pub(super) fn columns(&self) -> &[String] {
        match &self.table {
            Table::Csv(csv) => &csv.columns,
            Table::Sheet(sheet) => &sheet.columns,
        }
    }

    /// See [`super::Feed::other_names`].
    pub(super) fn other_names(&self) -> &[(RowNumber, Vec<String>)] {
        match &self.table {
            Table::Csv(csv) => &csv.other_names,
            Table::Sheet(sheet) => &sheet.other_names,
        }
    }

    /// See [`super::Feed::header_row`].
    pub(super) fn header_row(&self) -> RowNumber {
        match &self.table {
            Table::Csv(csv) => csv.header_row,
            Table::Sheet(sheet) => sheet.header_row,
        }
    }

    /// See [`super::Feed::other_sheets`].
    pub(super) fn other_sheets(&self) -> &[String] {
        match &self.table {
            Table::Csv(_) => &[],
            Table::Sheet(sheet) => &sheet.others,
        }
    }

    /// What a pass has to read; see [`super::Feed::bytes`].
    pub(super) fn length(&self) -> u64 {
        match &self.table {
            Table::Csv(csv) => csv.length(),
            Table::Sheet(sheet) => sheet.length(),
        }
    }

    /// See [`super::Feed::estimated_rows`].
    pub(super) fn estimated_rows(&self) -> usize {
        match &self.table {
            Table::Csv(csv) => csv.estimated_rows,
            Table::Sheet(sheet) => sheet.estimated_rows,
        }
    }

    /// See [`super::Feed::skip_digest`].
    pub(super) fn skip_digest(&mut self) {
        match &mut self.table {
            Table::Csv(csv) => csv.wants_digest = false,
            Table::Sheet(sheet) => sheet.wants_digest = false,
        }
    }

    /// Whether rows may be shorter than the header by mistake: a sheet has no rows that
    /// end.
    pub(super) fn has_row_ends(&self) -> bool {
        matches!(&self.table, Table::Csv(_))
    }

    /// See [`super::Feed::ends_line`].
    pub(super) fn ends_line(&self) -> Option<bool> {
        match &self.table {
            Table::Csv(csv) => csv.ends_line,
            Table::Sheet(_) => None,
        }
    }

    /// The SHA-256 of the file as it was given: of the compressed bytes of a compressed
    /// file, of what came over stdin. Known at the latest after the first complete pass.
    pub(super) fn sha256(&self) -> Option<[u8; 32]> {
        match &self.table {
            Table::Csv(csv) => csv.sha256(),
            Table::Sheet(sheet) => sheet.sha256,
        }
    }

    /// See [`super::Feed::read_some`].
    pub(super) fn read<T: Send, E: From<FeedError>>(
        &mut self,
        wants: Wants<'_>,
        work: impl Fn(&mut Batch<'_>) -> T + Sync + Send,
        take: impl FnMut(T, Progress, Again<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match &mut self.table {
            Table::Csv(csv) => {
                let read = csv.read(wants, work, take);
                if let Format::Csv { encoding, .. } = &mut self.format {
                    *encoding = csv.encoding();
                }
                read
            }
            Table::Sheet(sheet) => sheet.read(work, take),
        }
    }
}

/// What a file is, with its start; of what is around one file, what that file is. With it,
/// whether it is signed.
fn unpacked(
    path: &Arc<Path>,
    mut opened: Opened,
    bounds: Bounds,
    keys: &OpenPgpKeys,
) -> Result<(Opened, Vec<u8>, FileKind, Signature), FeedError> {
    let find = |opened: &Opened| {
        let start = start_of(&opened.file).map_err(|source| FeedError::CannotOpen {
            path: path.clone(),
            source,
        })?;
        let kind = kind::find(path, opened, &start, bounds)?;
        Ok::<_, FeedError>((start, kind))
    };
    let (mut start, mut kind) = find(&opened)?;
    let mut signature = Signature::None;
    if let FileKind::OpenPgp(form) = kind {
        let plaintext = openpgp::read(path, &opened, form, bounds, keys)?;
        signature = plaintext.signature;
        opened = spool::unzipped(path, plaintext.opened, bounds)?;
        (start, kind) = find(&opened)?;
    }
    if let FileKind::Packed(part) = &kind {
        opened = spool::member(path, &opened, part, bounds)?;
        (start, kind) = find(&opened)?;
    }
    if let FileKind::Compound(name) = kind {
        opened = spool::stream(path, &opened, name, bounds)?;
        (start, kind) = find(&opened)?;
    }
    Ok((opened, start, kind, signature))
}

/// A text file of rows that came back, whatever the mapping says of the feed's layout; `None`
/// if it is no such file.
fn csv_of_corrections(
    path: &Arc<Path>,
    opened: &Opened,
    start: &[u8],
    options: &FeedOptions,
) -> Result<Option<CsvFile>, FeedError> {
    if !corrections::may_be_in(start) {
        return Ok(None);
    }
    let named = options.bounds()?.named;
    let again = || {
        let file = opened.file.try_clone();
        let file = file.map_err(|source| FeedError::CannotOpen {
            path: path.clone(),
            source,
        })?;
        Ok::<_, FeedError>(Opened { file, ..*opened })
    };
    let found = match encoding::of_letters(start) {
        Some(charset) => text(path, again()?, start, Some(charset)),
        None => match text(path, again()?, start, None) {
            Ok(found) if found.is_unicode()? => Ok(found),
            // What a program has not made Unicode is in the feed's encoding, if hrfeed writes
            // that.
            found => match named.filter(|named| named.is_written()) {
                Some(named) => text(path, again()?, start, Some(named)),
                None => found,
            },
        },
    };
    // An error is that of a feed.
    let csv = found.and_then(|text| CsvFile::open(text, &corrections::options(options)));
    Ok(csv.ok().filter(|csv| csv.corrections.is_some()))
}

/// Makes sure that a file may be a table, and finds out its encoding.
fn text(
    path: &Arc<Path>,
    opened: Opened,
    start: &[u8],
    named: Option<Charset>,
) -> Result<Text, FeedError> {
    let text = Text::open(path, opened, start, named)?;
    // What has other bytes for ASCII's letters shows only now what it is.
    if !kind::is_readable(start, named) {
        let mut start = Vec::new();
        let wanted = usize::try_from(START).unwrap_or(usize::MAX);
        text.reader(false)?.read_more(&mut start, wanted)?;
        kind::refuse_other_text(path, &start)?;
    }
    Ok(text)
}

/// Opens a file, or a private copy of it if it cannot be read twice as it is.
fn open_file(path: &Arc<Path>, bounds: Bounds) -> Result<Opened, FeedError> {
    let cannot_open = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => FeedError::NotFound(path.clone()),
        _ => FeedError::CannotOpen {
            path: path.clone(),
            source,
        },
    };
    let refuse_device = |about: &Metadata| {
        if files::is_device(about) {
            return Err(FeedError::Device(path.clone()));
        }
        Ok(())
    };
    // Asked before opening: Windows does not open folders, and opening a device can
    // act on it.
    let about = std::fs::metadata(path).map_err(cannot_open)?;
    if about.is_dir() {
        return Err(FeedError::Directory(path.clone()));
    }
    refuse_device(&about)?;
    let mut file = files::open(path, &about).map_err(cannot_open)?;
    let metadata = file.metadata().map_err(cannot_open)?;
    refuse_device(&metadata)?;
    // A pipe can be read once only, and its start not twice.
    if !metadata.is_file() {
        return spool::spool(path, file, bounds);
    }
    let start = start_of(&file).map_err(cannot_open)?;
    if spool::is_gzip(&start) {
        file.seek(SeekFrom::Start(0)).map_err(cannot_open)?;
        return spool::spool(path, file, bounds);
    }
    Ok(Opened {
        file,
        length: metadata.len(),
        sha256: None,
        gzip: false,
    })
}

/// Opens the private copy of a feed of another machine.
fn open_copy(path: &Arc<Path>, copy: &FeedCopy, bounds: Bounds) -> Result<Opened, FeedError> {
    let cannot_open = |source: io::Error| FeedError::CannotOpen {
        path: path.clone(),
        source,
    };
    let mut file = copy.file.try_clone().map_err(cannot_open)?;
    let start = start_of(&file).map_err(cannot_open)?;
    if spool::is_gzip(&start) {
        file.seek(SeekFrom::Start(0)).map_err(cannot_open)?;
        return spool::spool(path, file, bounds);
    }
    if copy.length > bounds.max {
        return Err(bounds.too_large(path, false));
    }
    Ok(Opened {
        file,
        length: copy.length,
        sha256: Some(copy.sha256),
        gzip: false,
    })
}

fn start_of(mut file: &File) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(START).read_to_end(&mut start)?;
    Ok(start)
}

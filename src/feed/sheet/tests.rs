//! What the reader of XLSX promises.

use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook as Writer};
use sha2::{Digest as _, Sha256};

use crate::feed::{CellKind, Feed, FeedError, FeedOptions};

/// A file to read, gone with the test.
fn saved(writer: &mut Writer) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    writer.save(file.path()).unwrap();
    file
}

fn open(file: &tempfile::NamedTempFile, options: &FeedOptions) -> Result<Feed, FeedError> {
    Feed::open(
        &crate::feed::FeedSource::from_argument(file.path()),
        options,
    )
}

type Cells = Vec<(String, CellKind)>;

fn records(feed: &mut Feed) -> Vec<(u32, Cells)> {
    let mut found = Vec::new();
    feed.read(
        |rows| {
            let mut batch = Vec::new();
            while let Some(record) = rows.next_record() {
                let cells = (0..record.len())
                    .map(|index| record.cell(index).unwrap())
                    .map(|cell| (cell.text.to_owned(), cell.kind))
                    .collect();
                batch.push((record.row().row(), cells));
            }
            batch
        },
        |batch, _| {
            found.extend(batch);
            Ok::<_, FeedError>(())
        },
    )
    .unwrap();
    found
}

fn plain(records: Vec<(u32, Cells)>) -> Vec<(u32, String)> {
    records
        .into_iter()
        .map(|(row, cells)| {
            let texts: Vec<_> = cells.into_iter().map(|(text, _)| text).collect();
            (row, texts.join("/"))
        })
        .collect()
}

#[test]
fn cells_are_the_text_that_a_person_sees() {
    let mut writer = Writer::new();
    let sheet = writer.add_worksheet();
    let padded = Format::new().set_num_format("0000");
    let day = Format::new().set_num_format("dd/mm/yyyy");
    let minute = Format::new().set_num_format("dd/mm/yyyy hh:mm");
    let date = |text: &str| ExcelDateTime::parse_from_str(text).unwrap();
    for (column, name) in "id,pin,share,start,seen,active,error,note"
        .split(',')
        .enumerate()
    {
        sheet
            .write(0, u16::try_from(column).unwrap(), name)
            .unwrap();
    }
    sheet.write(1, 0, 20_200_000_000_001.0).unwrap();
    sheet.write_with_format(1, 1, 597, &padded).unwrap();
    sheet.write(1, 2, 0.1).unwrap();
    sheet
        .write_with_format(1, 3, date("2024-03-01"), &day)
        .unwrap();
    sheet
        .write_with_format(1, 4, date("2024-03-01T08:30:00"), &minute)
        .unwrap();
    sheet.write(1, 5, true).unwrap();
    sheet
        .write_formula(1, 6, Formula::new("=1/0").set_result("#DIV/0!"))
        .unwrap();
    sheet.write(1, 7, " 007 ").unwrap();
    let mut feed = open(&saved(&mut writer), &FeedOptions::default()).unwrap();
    assert_eq!(
        feed.columns().join(","),
        "id,pin,share,start,seen,active,error,note"
    );
    let kinds = [
        ("20200000000001", CellKind::Number),
        ("0597", CellKind::Number),
        ("0.1", CellKind::Number),
        ("2024-03-01", CellKind::Date),
        ("2024-03-01T08:30:00", CellKind::Date),
        ("true", CellKind::Bool),
        ("#DIV/0!", CellKind::Error),
        (" 007 ", CellKind::Text),
    ]
    .map(|(text, kind)| (text.to_owned(), kind));
    assert_eq!(records(&mut feed), [(2, kinds.to_vec())]);
}

#[test]
fn titles_and_blank_rows_are_passed_over_and_rows_keep_their_numbers() {
    let mut writer = Writer::new();
    let sheet = writer.add_worksheet();
    sheet.write(0, 0, "Staff").unwrap();
    for (row, cells) in [
        (3, "id,name,mail"),
        (4, "1,Ann,a@b.c"),
        (9, "2,,b@b.c"),
        (11, "3"),
    ] {
        for (column, cell) in cells.split(',').enumerate() {
            sheet
                .write(row, u16::try_from(column).unwrap(), cell)
                .unwrap();
        }
    }
    sheet.write(6, 0, "  ").unwrap();
    let file = saved(&mut writer);
    let mut feed = open(&file, &FeedOptions::default()).unwrap();
    assert_eq!(feed.header_row().row(), 4);
    let expected =
        [(5, "1/Ann/a@b.c"), (10, "2//b@b.c"), (12, "3")].map(|(row, text)| (row, text.to_owned()));
    assert_eq!(plain(records(&mut feed)), expected);
    // And once more.
    assert_eq!(plain(records(&mut feed)), expected);

    let options = |row| FeedOptions {
        header_row: Some(row),
        ..FeedOptions::default()
    };
    assert_eq!(open(&file, &options(1)).unwrap().columns(), ["Staff"]);
    let error = open(&file, &options(99)).unwrap_err();
    assert!(error.is_usage() && matches!(error, FeedError::HeaderRowNotFound { row: 99, .. }));
}

#[test]
fn the_first_visible_sheet_with_a_table_is_read_and_the_others_are_listed() {
    let mut writer = Writer::new();
    for (name, cells) in [
        ("Hidden", "h,h"),
        ("Read me", "words"),
        ("Staff", "id,name"),
        ("Leavers", "id,end"),
    ] {
        let sheet = writer.add_worksheet().set_name(name).unwrap();
        for (column, cell) in cells.split(',').enumerate() {
            sheet
                .write(0, u16::try_from(column).unwrap(), cell)
                .unwrap();
        }
        if name == "Hidden" {
            sheet.set_hidden(true);
        }
        sheet.set_active(name == "Staff");
    }
    let file = saved(&mut writer);
    let feed = open(&file, &FeedOptions::default()).unwrap();
    assert_eq!(feed.format().to_string(), "sheet `Staff`");
    assert_eq!(feed.other_sheets(), ["Leavers"]);

    let named = |name: &str| FeedOptions {
        sheet: Some(name.to_owned()),
        ..FeedOptions::default()
    };
    let feed = open(&file, &named("leavers ")).unwrap();
    assert_eq!(feed.columns(), ["id", "end"]);
    assert_eq!(open(&file, &named("Hidden")).unwrap().columns(), ["h", "h"]);
    let error = open(&file, &named("Stuff")).unwrap_err();
    assert!(error.is_usage());
    assert!(
        error
            .to_string()
            .ends_with("it has `Staff`, `Hidden`, `Read me`, `Leavers`"),
        "{error}"
    );
}

#[test]
fn a_cell_far_out_costs_its_own_record_only() {
    let mut writer = Writer::new();
    let sheet = writer.add_worksheet();
    for (row, column, text) in [
        (0, 0, "id"),
        (0, 1, "name"),
        (1, 0, "1"),
        (2, 16_383, "far"),
        (1_048_575, 0, "2"),
    ] {
        sheet.write(row, column, text).unwrap();
    }
    let mut feed = open(&saved(&mut writer), &FeedOptions::default()).unwrap();
    assert_eq!(feed.columns().len(), 2);
    assert!(feed.estimated_rows() < 100, "{}", feed.estimated_rows());
    let found = records(&mut feed);
    let widths: Vec<_> = found
        .iter()
        .map(|(row, cells)| (*row, cells.len()))
        .collect();
    assert_eq!(widths, [(2, 1), (3, 16_384), (1_048_576, 1)]);
}

#[test]
fn many_rows_come_in_order_and_progress_reaches_the_end() {
    let mut writer = Writer::new();
    let sheet = writer.add_worksheet_with_constant_memory().unwrap();
    sheet.write(0, 0, "id").unwrap();
    sheet.write(0, 1, "name").unwrap();
    for row in 1..=40_000 {
        sheet.write(row, 0, row).unwrap();
        sheet.write(row, 1, format!("person {row}")).unwrap();
    }
    let file = saved(&mut writer);
    let mut feed = open(&file, &FeedOptions::default()).unwrap();
    let mut progress = 0;
    let mut next = 1;
    feed.read(
        |rows| {
            let mut batch = Vec::new();
            while let Some(record) = rows.next_record() {
                batch.push((record.row().row(), record.cell(0).unwrap().text.to_owned()));
            }
            batch
        },
        |batch, now| {
            for (row, id) in batch {
                assert_eq!((row, id), (next + 1, next.to_string()));
                next += 1;
            }
            assert!(now.bytes >= progress);
            progress = now.bytes;
            Ok::<_, FeedError>(())
        },
    )
    .unwrap();
    assert_eq!(next, 40_001);
    assert_eq!(Some(progress), feed.bytes());
    assert!(
        (40_000..80_000).contains(&feed.estimated_rows()),
        "{}",
        feed.estimated_rows()
    );
}

#[test]
fn a_workbook_that_changed_hands_out_nothing() {
    let write = |name: &str| {
        let mut writer = Writer::new();
        let sheet = writer.add_worksheet();
        sheet.write(0, 0, "id").unwrap();
        sheet.write(0, 1, name).unwrap();
        sheet.write(1, 0, 7).unwrap();
        saved(&mut writer)
    };
    let file = write("name");
    let mut feed = open(&file, &FeedOptions::default()).unwrap();
    assert_eq!(records(&mut feed).len(), 1);
    std::fs::write(file.path(), std::fs::read(write("mail").path()).unwrap()).unwrap();
    let result = feed.read(
        |_| (),
        |(), _| -> Result<(), FeedError> { panic!("nothing to take") },
    );
    assert!(matches!(result, Err(FeedError::Changed(_))), "{result:?}");
}

#[test]
fn the_digest_of_a_workbook_is_known_after_a_pass_if_it_is_wanted() {
    let mut writer = Writer::new();
    let sheet = writer.add_worksheet();
    for (row, cells) in (0..).zip([["id", "name"], ["7", "Ann"]]) {
        for (column, cell) in (0..).zip(cells) {
            sheet.write(row, column, cell).unwrap();
        }
    }
    let file = saved(&mut writer);
    let digest = Sha256::digest(std::fs::read(file.path()).unwrap()).into();
    let mut feed = open(&file, &FeedOptions::default()).unwrap();
    for _ in 0..2 {
        records(&mut feed);
        assert_eq!(feed.sha256(), Some(digest));
    }
    let mut feed = open(&file, &FeedOptions::default()).unwrap();
    feed.skip_digest();
    assert_eq!((records(&mut feed).len(), feed.sha256()), (1, None));
}

#[test]
fn a_row_says_whether_all_of_it_is_ascii() {
    let mut writer = Writer::new();
    let sheet = writer.add_worksheet();
    for (row, name) in (0..).zip(["name", "Ann", "Zoë", "Ben"]) {
        sheet.write(row, 0, row).unwrap();
        sheet.write(row, 1, name).unwrap();
    }
    let mut found = Vec::new();
    let mut feed = open(&saved(&mut writer), &FeedOptions::default()).unwrap();
    feed.read(
        |rows| {
            let mut batch = Vec::new();
            while let Some(record) = rows.next_record() {
                batch.push(record.signs().is_ascii());
            }
            batch
        },
        |batch, _| {
            found.extend(batch);
            Ok::<_, FeedError>(())
        },
    )
    .unwrap();
    assert_eq!(found, [true, false, true]);
}

#[test]
fn a_workbook_cut_short_is_damaged() {
    let mut writer = Writer::new();
    writer.add_worksheet().write(0, 0, "id").unwrap();
    let mut bytes = writer.save_to_buffer().unwrap();
    for length in (5..bytes.len()).rev().step_by(97) {
        bytes.truncate(length);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        let error = open(&file, &FeedOptions::default()).unwrap_err();
        assert!(
            matches!(
                error,
                FeedError::NotATable { .. } | FeedError::Workbook { .. }
            ),
            "{error:?}"
        );
    }
}

#[test]
fn an_empty_workbook_is_empty() {
    let mut writer = Writer::new();
    writer.add_worksheet();
    let error = open(&saved(&mut writer), &FeedOptions::default()).unwrap_err();
    assert!(matches!(error, FeedError::Empty(_)), "{error:?}");
}

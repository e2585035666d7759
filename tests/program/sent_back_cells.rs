//! What the cells of rows are that go to the HR department and come back: the same, in
//! whatever program they were opened and saved.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use flate2::read::DeflateDecoder;
use hrfeed::feed::{Batch, CellKind, Feed as OpenFeed, FeedError, FeedOptions, FeedSource};
use hrfeed::report::{CopyCell, CopyRow, CsvCopy, XlsxCopy, XlsxLayout};
use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};

use crate::sent_back::{ADDED, EMAIL, Table, import, send_back, table, text};
use crate::support::System::Kmi;
use crate::support::{Feed, World};

fn encoded(encoding: &'static Encoding, text: &str) -> Vec<u8> {
    if encoding == encoding_rs::UTF_16LE {
        let units = format!("\u{feff}{text}");
        return units.encode_utf16().flat_map(u16::to_le_bytes).collect();
    }
    // What an encoding does not have, programs write as `?`.
    let text = text.chars().map(|char| {
        let is_wrong = encoding.encode(char.encode_utf8(&mut [0; 4])).2;
        if is_wrong { '?' } else { char }
    });
    encoding.encode(&text.collect::<String>()).0.into_owned()
}

/// A workbook of texts, as a program that opened a text file saves it.
fn workbook(table: &[Vec<String>]) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("back-to-hr").unwrap();
    for (row, cells) in (0..).zip(table) {
        for (column, cell) in (0..).zip(cells) {
            if !cell.is_empty() {
                sheet.write_string(row, column, cell).unwrap();
            }
        }
    }
    book.save_to_buffer().unwrap()
}

/// What is read of a file: each row with the kinds of its cells.
#[track_caller]
fn read(path: &Path) -> (Vec<String>, Vec<Vec<(String, CellKind)>>) {
    let source = FeedSource::from_argument(path);
    let mut feed = OpenFeed::open(&source, &FeedOptions::default()).unwrap();
    let mut found = Vec::new();
    let work = |batch: &mut Batch<'_>| {
        let mut records = Vec::new();
        while let Some(record) = batch.next_record() {
            assert!(record.flaw().is_none(), "{record:?}");
            let cells = (0..record.len()).map(|at| record.cell(at).unwrap());
            let cells = cells.map(|cell| (cell.text.to_owned(), cell.kind));
            records.push(cells.collect::<Vec<_>>());
        }
        records
    };
    let take = |records: Vec<_>, _| {
        found.extend(records);
        Ok::<_, FeedError>(())
    };
    feed.read(work, take).unwrap();
    (feed.own_columns().to_vec(), found)
}

/// A feed of thirty, of whom two have no address.
fn wrong_feed() -> Feed {
    Feed::of(30)
        .change(4, |it| it.email = "nobody".into())
        .change(8, |it| it.email = "at@".into())
}

fn correct(table: &mut Table) {
    for (row, number) in table[1..].iter_mut().zip([5, 9]) {
        row[EMAIL] = format!("Zofie.Quimby{number}@Example.com");
    }
}

const BOM: &str = "\u{feff}";

/// Every program and setting that saves a copy: as a file of the feed's encoding or of
/// another, with another delimiter, or as a workbook.
fn saved(table: &[Vec<String>]) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    vec![
        (
            "Excel, CSV UTF-8",
            "csv",
            format!("{BOM}{}", text(table, b',')).into(),
        ),
        (
            "Excel in Europe, CSV UTF-8",
            "csv",
            format!("{BOM}{}", text(table, b';')).into(),
        ),
        (
            "Excel in Europe, CSV",
            "csv",
            encoded(WINDOWS_1252, &text(table, b';')),
        ),
        (
            "Excel, Unicode text",
            "txt",
            encoded(encoding_rs::UTF_16LE, &text(table, b'\t')),
        ),
        ("LibreOffice", "csv", encoded(UTF_8, &text(table, b','))),
        ("Excel, workbook", "xlsx", workbook(table)),
    ]
}

#[test]
fn a_copy_is_as_its_feed_and_comes_back_however_it_was_saved() {
    let titles = "Staff of ACME;;\r\nas of today;;\r\n";
    let plain = text(
        &table(str::from_utf8(&wrong_feed().csv(Kmi)).unwrap(), b','),
        b';',
    );
    let in_row_3 = "[source]\nheader_row = 3\ndelimiter = \";\"\nencoding = ";
    for (what, source, bytes, delimiter, encoding) in [
        ("plain", String::new(), wrong_feed().csv(Kmi), b',', UTF_8),
        (
            "windows-1252 below titles",
            format!("{in_row_3}\"windows-1252\""),
            encoded(WINDOWS_1252, &format!("{titles}{plain}")),
            b';',
            WINDOWS_1252,
        ),
        (
            "UTF-16 below titles",
            format!("{in_row_3}\"utf-16\""),
            encoded(encoding_rs::UTF_16LE, &format!("{titles}{plain}")),
            b';',
            encoding_rs::UTF_16LE,
        ),
        (
            "a delimiter that few have",
            "[source]\ndelimiter = \"|\"".to_owned(),
            plain.replace(';', "|").into(),
            b'|',
            UTF_8,
        ),
    ] {
        let world = World::new(Kmi).parts(&source);
        world.write("people.csv", &bytes);
        world.import().exits(3);
        send_back(&world, "people.csv", "back.csv");
        let back = fs::read(world.path("back.csv")).unwrap();
        let (decoded, found, is_wrong) = encoding.decode(&back);
        assert!(!is_wrong && found == encoding, "{what}");
        let mut rows = table(&decoded, delimiter);
        assert_eq!(rows.len(), 3, "{what}");
        assert_eq!(rows[0][9..], ADDED, "{what}");
        assert_eq!(rows[1][1], "Žofie5", "{what}");
        correct(&mut rows);
        let mut created = 0;
        for (program, ending, bytes) in saved(&rows) {
            let name = format!("back.{ending}");
            world.write(&name, bytes);
            let ran = import(&world, &name, &[]).exits(0);
            created += ran.count("created");
            assert_eq!(
                ran.count("created") + ran.count("unchanged"),
                2,
                "{what}, {program}"
            );
        }
        assert_eq!(created, 2);
        world.assert_everyone_once(&Feed::of(30));
    }
}

/// A workbook below a title, with numbers and dates as such, a row of which is wrong.
fn staff(is_right: bool) -> Vec<u8> {
    let mut book = Workbook::new();
    let date = Format::new().set_num_format("dd-mm-yyyy");
    let four = Format::new().set_num_format("0000");
    let sheet = book.add_worksheet().set_name("Employees").unwrap();
    sheet.write(0, 0, "Staff of ACME").unwrap();
    let columns = [
        "Employee ID",
        "First name",
        "Last name",
        "Work e-mail",
        "Login",
        "City",
    ];
    let more = [
        "Country", "End date", "Desk", "Since", "Active", "Share", "Hours", "Time", "Short",
        "Minus",
    ];
    for (column, name) in (0..).zip(columns.iter().chain(&more)) {
        sheet.write(2, column, *name).unwrap();
    }
    for row in 3..33_u32 {
        sheet.write_with_format(row, 0, row, &four).unwrap();
        let texts = [
            format!("Žofie{row}"),
            format!("O'Quimby{row}"),
            if row == 7 && !is_right {
                "nobody".into()
            } else {
                format!("q{row}@example.com")
            },
            format!("q{row}"),
            "Zwolle".into(),
            "Netherlands".into(),
        ];
        for (column, text) in (1..).zip(texts) {
            sheet.write(row, column, text).unwrap();
        }
        let end = ExcelDateTime::from_ymd(2030, 12, 31).unwrap();
        sheet.write_with_format(row, 7, end, &date).unwrap();
        sheet.write(row, 8, format!("00{row}")).unwrap();
        let since = ExcelDateTime::from_ymd(2024, 2, 29)
            .unwrap()
            .and_hms(8, 30, 0)
            .unwrap();
        let time = Format::new().set_num_format("dd-mm-yyyy hh:mm");
        sheet.write_with_format(row, 9, since, &time).unwrap();
        sheet.write(row, 10, true).unwrap();
        sheet.write(row, 11, 0.25).unwrap();
        for (column, value, code) in [
            (12, 1.5, "[h]:mm:ss"),
            (13, 0.5, "hh:mm"),
            (14, 1523.0, "0.0E+00"),
            (15, -5.0, "General"),
        ] {
            let format = Format::new().set_num_format(code);
            sheet
                .write_with_format(row, column, value, &format)
                .unwrap();
        }
    }
    sheet
        .merge_range(1, 0, 1, 3, "People", &Format::new())
        .unwrap();
    book.save_to_buffer().unwrap()
}

const SHEET: &str = "[source]\nsheet = \"Employees\"\nheader_row = 3";

#[test]
fn a_workbook_comes_back_as_one_whose_numbers_and_dates_are_what_they_were() {
    let world = World::new(Kmi).parts(SHEET);
    world.write("people.xlsx", staff(false));
    let arguments = ["import", "people.xlsx", "-m", "mapping.toml", "--json"];
    world.run(&arguments).exits(3);
    send_back(&world, "people.xlsx", "back.xlsx");
    let (columns, rows) = read(&world.path("back.xlsx"));
    assert_eq!(columns[16..], ADDED);
    let row = &rows[0];
    let cell = |at: usize| (row[at].0.as_str(), row[at].1);
    assert_eq!(cell(0), ("0007", CellKind::Number));
    assert_eq!(cell(3), ("nobody", CellKind::Text));
    assert_eq!(cell(7), ("2030-12-31", CellKind::Date));
    assert_eq!(cell(8), ("007", CellKind::Text));
    assert_eq!(cell(9), ("2024-02-29T08:30:00", CellKind::Date));
    assert_eq!(cell(10), ("true", CellKind::Bool));
    assert_eq!(cell(11), ("0.25", CellKind::Number));
    assert_eq!(cell(12), ("36:00:00", CellKind::Time));
    assert_eq!(cell(13), ("12:00:00", CellKind::Time));
    assert_eq!(cell(14), ("1523", CellKind::Shortened));
    assert_eq!(cell(15), ("-5", CellKind::Number));
    // The same in a text file, whose dates are texts: it comes back as well.
    send_back(&world, "people.xlsx", "back.csv");
    let text = fs::read_to_string(world.path("back.csv")).unwrap();
    assert!(
        text.contains("2030-12-31") && text.contains("; workbook; letters"),
        "{text}"
    );
    world.write("back.csv", text.replace("nobody", "q7@example.com"));
    assert_eq!(import(&world, "back.csv", &[]).exits(0).count("created"), 1);
    assert_eq!(world.lms.person("0007")["expirationDate"], "2030-12-31");
    world.write("people.xlsx", staff(true));
    assert_eq!(world.run(&arguments).exits(0).count("unchanged"), 30);
}

#[test]
fn the_cell_that_is_wrong_is_marked_and_says_why() {
    let world = World::new(Kmi);
    world.feed(&wrong_feed());
    world.import().exits(3);
    send_back(&world, "people.csv", "back.xlsx");
    let bytes = fs::read(world.path("back.xlsx")).unwrap();
    let comments = part(&bytes, "xl/comments1.xml");
    assert!(
        comments.contains("ref=\"D2\"") && comments.contains("ref=\"D3\""),
        "{comments}"
    );
    assert!(comments.contains("is not an e-mail address"), "{comments}");
    let sheet = part(&bytes, "xl/worksheets/sheet1.xml");
    assert!(sheet.contains("<autoFilter ref=\"A1:L3\"/>"), "{sheet}");
    assert!(sheet.contains("state=\"frozen\""), "{sheet}");
}

/// A part of a workbook, unpacked, as text.
fn part(bytes: &[u8], wanted: &str) -> String {
    let number = |at: usize, width: usize| {
        let bytes = bytes[at..at + width].iter().rev();
        bytes.fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    };
    let starts = (0..bytes.len() - 4).filter(|at| &bytes[*at..at + 4] == b"PK\x01\x02");
    for at in starts {
        let (packed, name, place) = (number(at + 20, 4), number(at + 28, 2), number(at + 42, 4));
        if &bytes[at + 46..at + 46 + name] != wanted.as_bytes() {
            continue;
        }
        let start = place + 30 + number(place + 26, 2) + number(place + 28, 2);
        let mut text = String::new();
        let mut unpacked = DeflateDecoder::new(&bytes[start..start + packed]);
        unpacked.read_to_string(&mut text).unwrap();
        return text;
    }
    panic!("no {wanted}");
}

#[test]
fn what_could_not_be_read_is_rejected_until_somebody_enters_it() {
    let world = World::new(Kmi);
    let feed = String::from_utf8(Feed::of(30).csv(Kmi)).unwrap();
    // Too many cells, a quote that nothing closes in the line, and a piece of a row.
    let mut lines: Vec<_> = feed.lines().map(str::to_owned).collect();
    lines[3] = lines[3].replace("O'Quimby3", "O'Quimby3,Jr");
    lines[5] = lines[5].replace("Žofie5", "\"Žofie5\" x");
    lines[8] = lines[8].split(',').take(4).collect::<Vec<_>>().join(",");
    let mut bytes = (lines.join("\n") + "\n").into_bytes();
    let at = bytes
        .windows(9)
        .position(|it| it == b"O'Quimby1".as_slice())
        .unwrap();
    bytes[at] = 0xff;
    world.write("people.csv", &bytes);
    let ran = world.import().exits(3);
    assert_eq!(ran.count("rejected"), 4, "{ran:#?}");
    for file in ["back.csv", "back.xlsx"] {
        send_back(&world, "people.csv", file);
        let ran = world
            .changes_nothing(|world| import(world, file, &[]))
            .exits(3);
        assert_eq!(ran.count("rejected"), 4, "{file}: {ran:#?}");
        // The run of the feed is the one to send back again.
        world.import().exits(3);
    }
    send_back(&world, "people.csv", "back.csv");
    let mut rows = table(&fs::read_to_string(world.path("back.csv")).unwrap(), b',');
    let to_enter = rows
        .iter()
        .flatten()
        .filter(|it| it.starts_with("hrfeed: enter the value"));
    assert!(to_enter.count() >= 3, "{rows:#?}");
    let right = table(&feed, b',');
    for row in &mut rows[1..] {
        let place = row.iter().find(|it| it.starts_with("run ")).unwrap();
        let line: usize = place.split([' ', ';']).nth(3).unwrap().parse().unwrap();
        let added = row.iter().position(|it| it.starts_with("run ")).unwrap();
        row.truncate(added + 1);
        row[..9].clone_from_slice(&right[line - 1]);
    }
    world.write("back.csv", text(&rows, b','));
    assert_eq!(import(&world, "back.csv", &[]).exits(0).count("created"), 4);
    world.assert_everyone_once(&Feed::of(30));
}

#[test]
fn an_external_id_that_lost_its_zeros_on_the_way_is_refused() {
    let world = World::new(Kmi);
    let mut feed = wrong_feed();
    for (number, person) in feed.people.iter_mut().enumerate() {
        person.id = format!("00{}", 100 + number);
    }
    world.import_feed(&feed).exits(3);
    send_back(&world, "people.csv", "back.csv");
    let mut rows = table(&fs::read_to_string(world.path("back.csv")).unwrap(), b',');
    correct(&mut rows);
    assert_eq!(rows[1][0], "00104");
    rows[1][0] = "104".into();
    world.write("back.csv", text(&rows, b','));
    let ran = import(&world, "back.csv", &[]).exits(3);
    assert_eq!((ran.count("created"), ran.count("rejected")), (1, 1));
    let said = world
        .run(&["rows", "--outcome", "rejected", "--json"])
        .exits(0)
        .stdout;
    assert!(said.contains("has lost its zeros"), "{said}");
    // An ID that was wrong may be another one.
    rows[1][0] = "A104".into();
    world.write("back.csv", text(&rows, b','));
    assert_eq!(import(&world, "back.csv", &[]).exits(0).count("created"), 1);
}

#[test]
fn errors_of_a_workbook_are_entered_and_its_formulas_are_values() {
    let world = World::new(Kmi).parts(SHEET);
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("Employees").unwrap();
    let columns = [
        "Employee ID",
        "First name",
        "Last name",
        "Work e-mail",
        "Login",
        "City",
    ];
    for (column, name) in (0..).zip(columns.iter().chain(&["Country", "End date"])) {
        sheet.write(2, column, *name).unwrap();
    }
    for row in 3..13_u32 {
        for (column, name) in (0..).zip(["E", "F", "L", "", "q"]) {
            sheet.write(row, column, format!("{name}{row}")).unwrap();
        }
        let mail = format!("q{row}@example.com");
        let result = if row == 5 { "#N/A" } else { &mail };
        let formula = Formula::new("=VLOOKUP(A1,B1:C9,2)").set_result(result);
        sheet.write_formula(row, 3, formula).unwrap();
    }
    world.write("people.xlsx", book.save_to_buffer().unwrap());
    let arguments = ["import", "people.xlsx", "-m", "mapping.toml", "--json"];
    world.run(&arguments).exits(3);
    send_back(&world, "people.xlsx", "back.xlsx");
    let ran = import(&world, "back.xlsx", &[]).exits(3);
    assert_eq!(ran.count("rejected"), 1);
    let (_, rows) = read(&world.path("back.xlsx"));
    assert_eq!(rows[0][3].1, CellKind::Undecided);
}

/// The cells as text and workbook, read again.
fn round(columns: &[String], rows: &[Vec<String>], encoding: &'static str, delimiter: u8) {
    let folder = tempfile::tempdir().unwrap();
    let cells: Vec<Vec<_>> = rows
        .iter()
        .map(|row| row.iter().map(CopyCell::text).collect())
        .collect();
    let notes = [
        "1. wrong, so; it \"is\" 2. wrong",
        "Correct it.",
        "run 1, row 2",
    ];
    let row = |cells| CopyRow {
        cells,
        notes: &notes,
        wrong: &[0],
    };
    let mut bytes = Vec::new();
    let mut copy = CsvCopy::new(&mut bytes, encoding, delimiter, (columns, &ADDED)).unwrap();
    for cells in &cells {
        copy.write(&row(cells)).unwrap();
    }
    copy.finish().unwrap();
    fs::write(folder.path().join("back.csv"), bytes).unwrap();
    let layout = XlsxLayout {
        sheet: "Rows",
        is_text: true,
    };
    let mut copy = XlsxCopy::new(layout, columns, &ADDED).unwrap();
    for cells in &cells {
        copy.write(&row(cells)).unwrap();
    }
    fs::write(folder.path().join("back.xlsx"), copy.finish().unwrap()).unwrap();
    for name in ["back.csv", "back.xlsx"] {
        let (found, back) = read(&folder.path().join(name));
        assert_eq!(found[..columns.len()], *columns, "{name}");
        let texts = |row: &Vec<(String, CellKind)>| {
            let cells = row.iter().take(columns.len());
            let mut texts: Vec<_> = cells.map(|(text, _)| text.clone()).collect();
            texts.resize(columns.len(), String::new());
            texts
        };
        let back: Vec<_> = back.iter().map(texts).collect();
        assert_eq!(back, rows, "{name}");
    }
}

proptest! {
    #[test]
    fn any_cells_go_out_and_come_back_the_same(
        rows in prop::collection::vec(
            prop::collection::vec(
                prop_oneof![
                    "[-+=@'\"]{0,4}[a-zA-Z0-9 ,;|']{0,8}",
                    "[ \t]{0,2}[a-z\"'\n,;]{0,12}[ \t]{0,2}",
                    "[0-9]{0,20}",
                    "[0-9.,:/-]{0,12}",
                    "[\\PC]{0,12}",
                    Just("#N/A".to_owned()),
                    Just("_x000D_".to_owned()),
                    Just("TRUE".to_owned()),
                ],
                4,
            ),
            1..6,
        ),
        delimiter in prop::sample::select(b",;\t|".to_vec()),
        encoding in prop::sample::select(vec!["UTF-8", "UTF-16LE", "UTF-16BE"]),
    ) {
        let mut rows = rows;
        // A row of nothing else is no row.
        for (number, row) in rows.iter_mut().enumerate() {
            row.insert(0, format!("E{number}"));
        }
        let columns = ["ID", "=Name", "-", "It's \"so\"", "Notes"].map(str::to_owned);
        round(&columns, &rows, encoding, delimiter);
    }
}

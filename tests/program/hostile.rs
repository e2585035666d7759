//! Files that are meant to do harm, or seem to be: a bound, a sentence, and
//! no more memory than any other file takes.
//!
//! Memory is measured on Linux only, where the system knows its peak.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::process::Stdio;

use flate2::{Compression, Crc, write::DeflateEncoder};

use crate::support::System::Kmi;
use crate::support::archive::{Part, archive, frame};
use crate::support::{Ran, World};

const MIB: usize = 1 << 20;

/// What no file may make the program take, in MiB. It is the least that a
/// feed of a hundred megabytes takes anyway.
const MAX_MEMORY: u64 = 192;

const HEADER: &str = "Employee ID,First name,Last name,Work e-mail,Login,City,Country,End date\n";
const ROW: &str = "E1,Ann,Lee,ann@example.com,alee,Zwolle,Netherlands,31-12-2030\n";

/// Checks the file. Panics if that takes too much memory, or if a request was
/// sent.
#[track_caller]
fn checked(world: &World, name: &str) -> Ran {
    let (ran, peak) = measured(world, &["check", name, "-m", "mapping.toml", "-q"]);
    assert!(peak <= MAX_MEMORY, "{peak} MiB: {ran:#?}");
    assert_eq!(world.lms.stats().requests(), 0);
    ran
}

/// Runs the program and measures the most memory that it takes, in MiB.
#[track_caller]
pub(crate) fn measured(world: &World, arguments: &[&str]) -> (Ran, u64) {
    let mut child = world
        .command(arguments)
        .stdin(Stdio::null())
        .stdout(File::create(world.path("stdout")).unwrap())
        .stderr(File::create(world.path("stderr")).unwrap())
        .spawn()
        .unwrap();
    let mut peak = 0;
    let status = loop {
        peak = peak.max(peak_of(child.id()));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(2));
    };
    let read = |name| std::fs::read_to_string(world.path(name)).unwrap();
    let ran = Ran {
        code: status.code().unwrap_or(-1),
        stdout: read("stdout"),
        stderr: read("stderr"),
    };
    assert!(!ran.stderr.contains("panicked"), "{ran:#?}");
    (ran, peak)
}

/// The most memory that a process took so far, in MiB.
fn peak_of(process: u32) -> u64 {
    if !cfg!(target_os = "linux") {
        return 0;
    }
    // Gone, or a zombie without memory.
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    // Until it has become the program, its memory is that of the test.
    if status.lines().next() != Some("Name:\thrfeed") {
        return 0;
    }
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kilobytes.map_or(0, |kilobytes| kilobytes.parse::<u64>().unwrap() / 1024)
}

/// Checks a file of these bytes, which must be refused as a whole in these
/// words.
#[track_caller]
fn refused(name: &str, bytes: &[u8], words: &str) {
    let world = World::new(Kmi);
    world.write(name, bytes);
    refused_in(&world, name, words);
}

#[track_caller]
fn refused_in(world: &World, name: &str, words: &str) {
    let ran = checked(world, name).exits(1);
    assert!(ran.stderr.contains(words), "{ran:#?}");
    assert!(
        ran.stderr.contains("help: "),
        "no word on what to do: {ran:#?}"
    );
    assert!(
        ran.stderr.len() < 2000,
        "{} bytes are said",
        ran.stderr.len()
    );
}

/// `begin`, a piece that is repeated, `end`: packed, with the checksum and the
/// size that unpacking it gives, without ever holding it unpacked.
struct Packed {
    bytes: Vec<u8>,
    crc: u32,
    unpacked: u64,
}

fn packed(begin: &[u8], piece: &[u8], times: usize, end: &[u8]) -> Packed {
    // A full flush forgets what went before, so what is packed once can be
    // repeated.
    let flushed = |data: &[u8]| {
        let mut encoder = flate2::Compress::new(Compression::best(), false);
        let mut bytes = Vec::with_capacity(data.len() / 64 + 1024);
        encoder
            .compress_vec(data, &mut bytes, flate2::FlushCompress::Full)
            .unwrap();
        assert_eq!(encoder.total_in(), data.len() as u64);
        bytes
    };
    let (first, middle) = (flushed(begin), flushed(piece));
    let mut ended = DeflateEncoder::new(Vec::new(), Compression::best());
    ended.write_all(end).unwrap();
    let mut crc = Crc::new();
    crc.update(begin);
    let mut piece_crc = Crc::new();
    piece_crc.update(piece);
    for _ in 0..times {
        crc.combine(&piece_crc);
    }
    let mut end_crc = Crc::new();
    end_crc.update(end);
    crc.combine(&end_crc);
    Packed {
        bytes: [first, middle.repeat(times), ended.finish().unwrap()].concat(),
        crc: crc.sum(),
        unpacked: (begin.len() + piece.len() * times + end.len()) as u64,
    }
}

/// A workbook with one part more, which claims that size, or says its own.
fn workbook(name: &str, part: &Packed, claimed: Option<u32>) -> Vec<u8> {
    let mut parts = Vec::from(frame());
    parts.push(Part {
        name,
        data: &part.bytes,
        is_deflated: true,
        crc: part.crc,
        claimed: claimed.unwrap_or_else(|| u32::try_from(part.unpacked).unwrap()),
    });
    archive(&parts)
}

const SHEET: &str = "xl/worksheets/sheet1.xml";
const STRINGS: &str = "xl/sharedStrings.xml";
const SHEET_ENDS: &[u8] = b"</sheetData></worksheet>";

/// A sheet up to the end of its header.
fn sheet_begins() -> String {
    let cells: Vec<_> = ('A'..)
        .zip(HEADER.trim_end().split(','))
        .map(|(column, name)| {
            format!("<c r=\"{column}1\" t=\"inlineStr\"><is><t>{name}</t></is></c>")
        })
        .collect();
    let cells = cells.concat();
    format!("<worksheet><sheetData><row r=\"1\">{cells}</row>")
}

#[test]
fn a_workbook_that_says_what_it_unpacks_to_is_judged_by_it() {
    let row = b"<row><c/></row>".repeat(60_000);
    let bomb = packed(sheet_begins().as_bytes(), &row, 1200, SHEET_ENDS);
    refused(
        "bomb.xlsx",
        &workbook(SHEET, &bomb, None),
        "unpacks to far more",
    );
}

#[test]
fn a_workbook_that_lies_about_what_it_unpacks_to_is_followed_no_further() {
    let row = b"<row><c/></row>".repeat(60_000);
    let bomb = packed(sheet_begins().as_bytes(), &row, 1200, SHEET_ENDS);
    for part in [SHEET, STRINGS, "xl/styles.xml"] {
        let bytes = workbook(part, &bomb, Some(1 << 20));
        refused("bomb.xlsx", &bytes, "unpacks to more than the archive says");
    }
}

#[test]
fn a_workbook_that_shows_one_directory_and_hides_another_is_refused() {
    let header = packed(sheet_begins().as_bytes(), b"", 0, SHEET_ENDS);
    let mut shown = workbook(SHEET, &header, None);
    let row = b"<row><c/></row>".repeat(60_000);
    let bomb = packed(sheet_begins().as_bytes(), &row, 1200, SHEET_ENDS);
    shown.extend(workbook(SHEET, &bomb, Some(1 << 20)));
    refused("two.xlsx", &shown, "a damaged ZIP archive");
    // An end that cannot be one, in the comment of the real one.
    let mut bytes = workbook(SHEET, &bomb, Some(1 << 20));
    let comment = [&b"PK\x05\x06"[..], &[0xff; 18]].concat();
    let length = bytes.len();
    bytes[length - 2] = u8::try_from(comment.len()).unwrap();
    bytes.extend(comment);
    refused(
        "comment.xlsx",
        &bytes,
        "unpacks to more than the archive says",
    );
}

#[test]
fn a_cell_of_a_hundred_megabytes_is_refused_in_any_place() {
    let long = packed(
        (sheet_begins() + "<row r=\"2\"><c t=\"inlineStr\"><is><t>").as_bytes(),
        &vec![b'x'; MIB],
        100,
        b"</t></is></c></row></sheetData></worksheet>",
    );
    let words = "a cell of workbook";
    refused("cell.xlsx", &workbook(SHEET, &long, None), words);
    let shared = packed(b"<sst><si><t>", &vec![b'x'; MIB], 100, b"</t></si></sst>");
    refused("cell.xlsx", &workbook(STRINGS, &shared, None), words);
}

#[test]
fn a_cell_of_many_pieces_is_refused() {
    let piece = format!("<r><t>{}</t></r>", "x".repeat(1000)).repeat(1000);
    let begin = sheet_begins() + "<row r=\"2\"><c t=\"inlineStr\"><is>";
    let end = b"</is></c></row></sheetData></worksheet>";
    for times in [20, 150] {
        let cell = packed(begin.as_bytes(), piece.as_bytes(), times, end);
        refused(
            "cell.xlsx",
            &workbook(SHEET, &cell, None),
            "a cell of workbook",
        );
    }
}

#[test]
fn more_shared_strings_than_can_be_held_are_refused() {
    // What it holds does not matter: it is refused by its size.
    let strings = Packed {
        bytes: vec![0; 4 * MIB],
        crc: 0,
        unpacked: 600 << 20,
    };
    refused(
        "strings.xlsx",
        &workbook(STRINGS, &strings, None),
        "xl/sharedStrings.xml unpacks to more than",
    );
}

#[test]
fn no_memory_is_reserved_by_what_a_workbook_says_of_its_strings() {
    for count in ["999999999999999999", "99999999999", "50000000"] {
        let begin = format!("<sst uniqueCount=\"{count}\"><si><t>a</t></si></sst>");
        let strings = packed(begin.as_bytes(), b"", 0, b"");
        refused(
            "strings.xlsx",
            &workbook(STRINGS, &strings, None),
            "is damaged",
        );
    }
}

#[test]
fn a_row_of_a_workbook_with_millions_of_cells_is_refused() {
    let cells = b"<c r=\"A2\"><v>1</v></c>".repeat(50_000);
    let begin = sheet_begins() + "<row r=\"2\">";
    let row = packed(
        begin.as_bytes(),
        &cells,
        100,
        b"</row></sheetData></worksheet>",
    );
    refused("row.xlsx", &workbook(SHEET, &row, None), "row of");
}

#[test]
fn a_comment_of_two_hundred_megabytes_is_not_held() {
    let comment = packed(b"<sst><!--", &b"<x ".repeat(350_000), 220, b"--></sst>");
    refused(
        "comment.xlsx",
        &workbook(STRINGS, &comment, None),
        "a cell of workbook",
    );
}

#[test]
fn thousands_of_styles_with_a_long_format_take_little_memory() {
    let code = "0".repeat(50_000);
    let styles = format!(
        "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"{code}\"/></numFmts><cellXfs>{}</cellXfs></styleSheet>",
        "<xf numFmtId=\"164\"/>".repeat(65_000)
    );
    let sheet = format!(
        "{}<row><c s=\"64999\"><v>7</v></c></row></sheetData></worksheet>",
        sheet_begins()
    );
    let mut parts = Vec::from(frame());
    parts.push(Part::stored(SHEET, sheet.as_bytes()));
    parts.push(Part::stored("xl/styles.xml", styles.as_bytes()));
    let world = World::new(Kmi);
    world.write("styles.xlsx", archive(&parts));
    checked(&world, "styles.xlsx").exits(3);
}

#[test]
fn many_hidden_sheets_are_looked_at_one_after_the_other() {
    let namespace = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let hidden = "<sheet name=\"H\" state=\"hidden\" r:id=\"rId2\"/>".repeat(6);
    let book = format!(
        "<workbook xmlns:r=\"{namespace}\"><sheets>{hidden}<sheet name=\"Staff\" r:id=\"rId1\"/></sheets></workbook>"
    );
    let relation = |id: u8| {
        format!(
            "<Relationship Id=\"rId{id}\" Type=\"x/worksheet\" Target=\"worksheets/sheet{id}.xml\"/>"
        )
    };
    let relations = format!(
        "<Relationships>{}{}</Relationships>",
        relation(1),
        relation(2)
    );
    // As many columns as there can be, of which nearly all are empty.
    let row = "<row><c r=\"A\"><v>1</v></c><c r=\"XFD\"><v>1</v></c></row>";
    let large = format!(
        "<worksheet><sheetData>{}</sheetData></worksheet>",
        row.repeat(128)
    );
    let sheet = format!("{}</sheetData></worksheet>", sheet_begins());
    let mut parts = Vec::from(frame());
    parts.retain(|part| !part.name.contains("workbook"));
    for (name, part) in [
        ("xl/workbook.xml", &book),
        ("xl/_rels/workbook.xml.rels", &relations),
        (SHEET, &sheet),
        ("xl/worksheets/sheet2.xml", &large),
    ] {
        parts.push(Part::stored(name, part.as_bytes()));
    }
    let world = World::new(Kmi);
    world.write("hidden.xlsx", archive(&parts));
    // It has no people.
    checked(&world, "hidden.xlsx").exits(0);
}

#[test]
fn rows_of_a_workbook_that_are_out_of_order_or_appear_twice_are_refused() {
    // A row is known by its number, also to a run that is resumed.
    for again in [1, 2] {
        let rows: String = [2, 3, again]
            .map(|row| format!("<row r=\"{row}\"><c r=\"A{row}\"><v>{row}</v></c></row>"))
            .concat();
        let sheet = packed(sheet_begins().as_bytes(), rows.as_bytes(), 1, SHEET_ENDS);
        refused(
            "order.xlsx",
            &workbook(SHEET, &sheet, None),
            "rows that are out of order",
        );
    }
}

#[test]
fn a_workbook_of_twenty_thousand_sheets_is_refused_at_once() {
    let sheet = |at| format!("<sheet name=\"S{at}\" sheetId=\"{at}\" r:id=\"rId1\"/>");
    let sheets: Vec<_> = (0..20_000).map(sheet).collect();
    let sheets = sheets.concat();
    let namespace = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let list = format!("<workbook xmlns:r=\"{namespace}\"><sheets>{sheets}</sheets></workbook>");
    let sheet = sheet_begins() + "</sheetData></worksheet>";
    let mut parts = Vec::from(frame());
    parts.retain(|part| part.name != "xl/workbook.xml");
    parts.push(Part::stored("xl/workbook.xml", list.as_bytes()));
    parts.push(Part::stored(SHEET, sheet.as_bytes()));
    refused(
        "sheets.xlsx",
        &archive(&parts),
        "has 20000 sheets; the maximum is 1000",
    );
}

/// A CSV file that begins like this and goes on for a gigabyte, which takes no
/// place on the disk.
fn endless(world: &World, name: &str, begin: &str) {
    let mut file = File::create(world.path(name)).unwrap();
    file.write_all(HEADER.as_bytes()).unwrap();
    // What a file is shows at its start, so that comes first.
    file.write_all(ROW.repeat(2000).as_bytes()).unwrap();
    file.write_all(begin.as_bytes()).unwrap();
    file.seek(SeekFrom::Start(1 << 30)).unwrap();
    file.write_all(b"\n").unwrap();
}

#[test]
fn a_field_of_a_gigabyte_is_refused_with_its_line() {
    let world = World::new(Kmi);
    let words = "row in line 2002 of feed `endless.csv` is longer than 16777216 bytes";
    for begin in ["E2,", "E2,\"", "E2,\"\"\"\"\"", "E2,\"\n\n"] {
        endless(&world, "endless.csv", begin);
        refused_in(&world, "endless.csv", words);
    }
}

#[test]
fn a_field_without_an_end_is_refused_over_stdin_too() {
    let world = World::new(Kmi);
    let bytes = [HEADER.as_bytes(), b"E1,", &vec![b'x'; 20 * MIB]].concat();
    let ran = world
        .run_with_stdin(&["check", "-", "-m", "mapping.toml", "-q"], &bytes)
        .exits(1);
    assert!(
        ran.stderr.contains("is longer than 16777216 bytes"),
        "{ran:#?}"
    );
}

#[test]
fn a_million_columns_are_refused() {
    let header = "c,".repeat(1_000_000);
    refused(
        "wide.csv",
        format!("{header}\n{header}\n").as_bytes(),
        "has 1000001 columns; the maximum is 16384",
    );
}

/// Checks a file whose rows are read, of which only some are wrong.
#[track_caller]
fn rows_refused(bytes: &[u8], words: &str) {
    let world = World::new(Kmi);
    world.write("people.csv", bytes);
    let ran = checked(&world, "people.csv").exits(3);
    assert!(ran.said().contains(words), "{ran:#?}");
    assert!(
        ran.said().len() < 20_000,
        "{} bytes are said",
        ran.said().len()
    );
}

#[test]
fn a_row_of_a_million_cells_is_one_wrong_row() {
    let row = "x,".repeat(1_000_000);
    rows_refused(format!("{HEADER}{ROW}{row}\n").as_bytes(), "1000001 cells");
}

#[test]
fn nul_bytes_at_the_start_are_no_table_and_later_on_wrong_rows() {
    refused("nul.csv", b"id,name\n1,\0\0\0\n", "is a binary file");
    // What a file is shows at its start, so that comes first.
    let rows: String = (0..2000)
        .map(|number| {
            ROW.replace("E1", &format!("F{number}"))
                .replace("alee", &format!("l{number}"))
        })
        .collect();
    let wrong = ROW.replace("Lee", "L\0e");
    rows_refused(format!("{HEADER}{rows}{wrong}").as_bytes(), "control");
}

#[test]
fn millions_of_quotes_are_one_cell_or_one_wrong_row() {
    for quotes in [2_000_000, 2_000_001] {
        let quotes = "\"".repeat(quotes);
        let wrong = format!("E2,{quotes}x\",Lee,b@example.com,blee,,,\n");
        let world = World::new(Kmi);
        world.write("people.csv", format!("{HEADER}{ROW}{wrong}"));
        let ran = checked(&world, "people.csv");
        assert!(matches!(ran.code, 1 | 3), "{ran:#?}");
        assert!(
            ran.said().len() < 20_000,
            "{} bytes are said",
            ran.said().len()
        );
    }
}

#[test]
fn a_template_that_could_fill_the_memory_is_an_error_of_the_mapping() {
    for (template, words) in [
        ("{{ 'x' * 1000000000 }}", "multiplies what may be text"),
        (
            "{{ row.City|batch(2000000000)|list }}",
            "the filter `batch`",
        ),
        (
            "{% set n = namespace(a=row.City) %}",
            "no functions and methods",
        ),
        (
            &("{% set a = row.City %}".to_owned() + &"{% set a = a ~ a %}".repeat(60)),
            "too often",
        ),
        (
            &format!("{{{{ {}1 }}}}", "not ".repeat(50_000)),
            "has more than",
        ),
        (&format!("{{{{ {}1 }}}}", "not ".repeat(10_000)), "in a row"),
        (
            &format!("{{{{ {}1{} }}}}", "(".repeat(20_000), ")".repeat(20_000)),
            "recursion",
        ),
    ] {
        let world = World::new(Kmi).fields(&format!("address = {{ template = {template:?} }}"));
        world.write("people.csv", format!("{HEADER}{ROW}"));
        let ran = checked(&world, "people.csv").exits(2);
        let place = "error: mapping.toml, line 20, column 24: `template` in field address ";
        assert!(ran.stderr.starts_with(place), "{ran:#?}");
        assert!(
            ran.stderr.contains(words) && ran.stderr.contains("help: "),
            "{ran:#?}"
        );
        assert!(ran.stderr.len() < 1000, "{ran:#?}");
    }
}

#[test]
fn a_condition_of_twenty_thousand_terms_is_refused_at_once() {
    let terms: Vec<_> = (0..20_000).map(|at| format!("row.City=='C{at}'")).collect();
    let condition = format!("[protect]\nwhere = \"{}\"", terms.join(" or "));
    let world = World::new(Kmi).parts(&condition);
    world.write("people.csv", format!("{HEADER}{ROW}"));
    let ran = checked(&world, "people.csv").exits(2);
    assert!(
        ran.stderr
            .contains("`where` in [protect] has more than 65536 bytes"),
        "{ran:#?}"
    );
}

#[test]
fn a_row_of_which_a_template_would_make_gigabytes_is_rejected() {
    for (cell, template) in [
        (
            MIB,
            "{{ row['First name']|replace('x', row['First name']) }}",
        ),
        (
            20_000,
            "{{ row['First name']|replace('x', row['First name']) }}",
        ),
        (
            20_000,
            "{{ row['First name']|list|join(row['First name']) }}",
        ),
        (1, "{{ '%2000000000d'|format(1) }}"),
        (
            20_000,
            "{% for x in row['First name']|list %}{% for y in row['First name']|list %}{{ x ~ y }}\
             {% endfor %}{% endfor %}",
        ),
    ] {
        let world = World::new(Kmi).fields(&format!("address = {{ template = {template:?} }}"));
        let row = ROW.replace("Ann", &"x".repeat(cell));
        world.write("people.csv", format!("{HEADER}{row}"));
        let ran = checked(&world, "people.csv").exits(3);
        assert!(ran.said().contains("the template failed: "), "{ran:#?}");
        assert!(ran.said().len() < 5_000, "{} bytes", ran.said().len());
    }
}

//! Workbooks that are not of OOXML: what is read of `.xls`, `.xlsb` and `.ods` is what is
//! read of an `.xlsx` with the same people.
//!
//! Those in `tests/books/` were made by other programs.

use std::path::Path;

use hrfeed::feed::{Feed, FeedError, FeedOptions};
use proptest::prelude::*;

use crate::hostile::measured;
use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::archive::{Part, archive};
use crate::support::compound::{compound, compound_of_512};
use crate::support::{World, on_each_system};
use crate::workbooks::{gzip, of, opened, read, remarks, zip};

/// A workbook of `tests/books/`.
fn book(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/books");
    std::fs::read(folder.join(name)).unwrap()
}

/// The formats beside XLSX.
const OTHERS: [&str; 3] = ["people.xls", "people.xlsb", "people.ods"];

fn filled() -> FeedOptions {
    FeedOptions {
        fill_merged: true,
        ..FeedOptions::default()
    }
}

/// A mapping of the people in `tests/books/`, and of a sheet with such columns.
fn world(system: System) -> World {
    let world = World::new(system);
    let url = world.lms.base_url();
    let mapping = match system {
        Kmi => format!(
            "[target]\nsystem = \"kmi\"\nbase_url = \"{url}\"\napi_key = {{ env = \"HRFEED_TEST_KEY\" }}\n\
             api_secret = {{ env = \"HRFEED_TEST_SECRET\" }}\nrequests_per_second = 5000\n[fields]\n\
             externalId = \"ID\"\nloginName = \"ID\"\nfirstName = \"First\"\nlastName = \"Last\"\n\
             email = {{ template = \"{{{{ row['ID'] }}}}@example.com\" }}\naddress = \"Phone\"\n"
        ),
        AnewSpring => format!(
            "[target]\nsystem = \"anewspring\"\nbase_url = \"{url}\"\n\
             api_key = {{ env = \"HRFEED_TEST_KEY\" }}\nrequests_per_second = 5000\n[fields]\n\
             userID = \"ID\"\nlogin = \"ID\"\nfirstName = \"First\"\nlastName = \"Last\"\n\
             email = {{ template = \"{{{{ row['ID'] }}}}@example.com\" }}\n\
             role = {{ value = \"Learner\" }}\ntelephoneNumber = \"Phone\"\n"
        ),
    };
    world.write("m.toml", mapping);
    world
}

#[test]
fn the_same_people_in_every_format_are_the_same_rows() {
    let rows = of(&book("people.xlsx"));
    insta::assert_snapshot!(rows.join("\n"), @r#"
    4: 001523|Zoë|Núñez|Care|Date 2024-03-01|Date 2024-03-01T08:30:00|80.0%|Bool true|06 12 34 56 78|1523.5|E1|Error #DIV/0!|Bo|08:30:00|A  B
    C
    5: 001524|Łukasz|Wójcik||Date 1999-12-31|Date 2024-03-01|12.5%|Bool false|06 12 34 56 79|-3|00123|none|ZeroForNothing 0|36:00:00|<&>"
    6: 000042|李|小龍|Sales|Date 2026-11-26||100.0%|Bool true||1E+15| x |#HR|||hello hello hello hello hello hello hello hello hello hello 
    7: 000043|🙂|Lee|Sales||||||123456789012|7||Bo
    "#);
    for name in OTHERS {
        assert_eq!(of(&book(name)), rows, "{name}");
    }
}

#[test]
fn what_is_hidden_or_merged_is_said_of_every_format() {
    for name in ["people.xlsx", "people.xls", "people.ods"] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(remarks(&book(name), &FeedOptions::default()).join("\n"), @"
            reading sheet `Staff`; other sheets contain tables too: `Codes` (choose one with `sheet` in [source])
            hidden sheets contain tables with the same columns and are not read: `Old` (choose one with `sheet` in [source])
            columns of the sheet are hidden and read even so: `Pay`
            hidden rows of the sheet are read even so (to leave people out, delete their rows or set `where` in [source]) (row 6)
            column `Team`: cells are merged over several rows, and only the first row has the value (to give it to all of them, set `fill_merged = true` in [source]) (row 4)
            ");
        }
    }
    // This one has two sheets, the last of which is hidden.
    insta::assert_snapshot!(remarks(&book("people.xlsb"), &FeedOptions::default()).join("\n"), @"
    hidden sheets contain tables with the same columns and are not read: `Old` (choose one with `sheet` in [source])
    columns of the sheet are hidden and read even so: `Pay`
    hidden rows of the sheet are read even so (to leave people out, delete their rows or set `where` in [source]) (row 6)
    column `Team`: cells are merged over several rows, and only the first row has the value (to give it to all of them, set `fill_merged = true` in [source]) (row 4)
    ");
    for name in OTHERS {
        let rows = read(&book(name), &filled());
        assert!(
            rows[1].starts_with("5: 001524|Łukasz|Wójcik|Care|"),
            "{name}: {rows:#?}"
        );
        let said = remarks(&book(name), &filled());
        assert!(
            !said.iter().any(|it| it.contains("merged")),
            "{name}: {said:#?}"
        );
        let old = FeedOptions {
            sheet: Some("old".to_owned()),
            ..FeedOptions::default()
        };
        assert_eq!(read(&book(name), &old), ["2: 1|A|B"], "{name}");
    }
}

#[test]
fn people_who_come_in_another_format_are_the_people_they_were() {
    on_each_system(|system| {
        let world = world(system);
        world.write("people.xlsx", book("people.xlsx"));
        world
            .run(&["import", "people.xlsx", "-m", "m.toml"])
            .exits(0);
        let people = world.lms.people();
        assert_eq!(people.len(), 4);
        for name in OTHERS {
            world.write(name, book(name));
            let ran = world
                .run(&["import", name, "-m", "m.toml", "--json"])
                .exits(0);
            assert_eq!(ran.json()["counts"]["unchanged"], 4, "{name}: {ran:#?}");
        }
        assert_eq!(world.lms.people(), people);
    });
}

#[test]
fn every_format_is_read_packed_and_from_standard_input() {
    let world = world(Kmi);
    for name in OTHERS {
        let plain = book(name);
        let packed = [
            plain.clone(),
            gzip(&plain),
            zip(&[(name, &plain)]),
            gzip(&zip(&[(name, &plain)])),
        ];
        for (number, feed) in packed.iter().enumerate() {
            // Its name says nothing.
            world.write("people.csv", feed);
            let arguments = |feed| ["check", feed, "-m", "m.toml", "--json"];
            let of_file = world.run(&arguments("people.csv")).exits(0).json();
            let of_stdin = world.run_with_stdin(&arguments("-"), feed).exits(0).json();
            for said in [&of_file, &of_stdin] {
                assert_eq!(said["feed"]["rows"], 4, "{name} {number}: {said:#}");
            }
            let digests = [&of_file, &of_stdin].map(|said| &said["feed"]["sha256"]);
            assert_eq!(digests[0], digests[1], "{name} {number}");
        }
    }
}

#[test]
fn workbooks_of_excel_5_are_read_in_their_code_page() {
    let rows = of(&book("people-5.xls"));
    insta::assert_snapshot!(rows.join("\n"), @r#"
    4: 001523|Zoë|Núñez|Care|Date 2024-03-01|Date 2024-03-01T08:30:00|80.0%|Bool true|06 12 34 56 78|1523.5|E1|Error #DIV/0!|Bo|08:30:00|A  B
    C
    5: 001524|?ukasz|Wójcik||Date 1999-12-31|Date 2024-03-01|12.5%|Bool false|06 12 34 56 79|-3|00123|none|ZeroForNothing 0|36:00:00|<&>"
    6: 000042|?|??|Sales|Date 2026-11-26||100.0%|Bool true||1E+15| x |#HR|||hello hello hello hello hello hello hello hello hello hello 
    7: 000043|?|Lee|Sales||||||123456789012|7||Bo
    "#);
    // In Cyrillic, if they say so.
    let mut bytes = book("people-5.xls");
    let at = memchr::memmem::find(&bytes, b"\x42\x00\x02\x00\xe4\x04").unwrap();
    bytes[at + 4] = 0xe3;
    assert!(of(&bytes)[0].contains("Zoл"), "{:?}", of(&bytes));
}

#[test]
fn a_formula_that_a_writer_of_xls_did_not_work_out_is_a_flaw_of_its_cell() {
    let rows = of(&book("people-xlwt.xls"));
    insta::assert_snapshot!(rows.join("\n"), @r#"
    4: 001523|Zoë|Núñez|Care|Date 2024-03-01|Date 2024-03-01T08:30:00|80.0%|Bool true|06 12 34 56 78|1523.5|E1|Uncalculated|Bo|08:30:00|A  B
    C
    5: 001524|Łukasz|Wójcik||Date 1999-12-31|Date 2024-03-01|12.5%|Bool false|06 12 34 56 79|-3|00123|none||36:00:00|<&>"
    6: 000042|李|小龍|Sales|Date 2026-11-26||100.0%|Bool true||1E+15| x |#HR|||hello hello hello hello hello hello hello hello hello hello 
    7: 000043|🙂|Lee|Sales||||||123456789012|7||Bo
    "#);
}

/// A spreadsheet of OpenDocument with these styles and tables.
fn spreadsheet(styles: &str, tables: &str) -> Vec<u8> {
    document(&format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><office:document-content>\
         <office:automatic-styles>{styles}</office:automatic-styles><office:body>\
         <office:spreadsheet>{tables}<table:named-expressions/></office:spreadsheet>\
         </office:body></office:document-content>"
    ))
}

fn document(content: &str) -> Vec<u8> {
    archive(&[
        Part::stored(
            "mimetype",
            b"application/vnd.oasis.opendocument.spreadsheet",
        ),
        Part::stored("content.xml", content.as_bytes()),
    ])
}

fn table(name: &str, rows: &str) -> String {
    format!("<table:table table:name=\"{name}\">{rows}</table:table>")
}

/// A row of texts, with more about it.
fn row(about: &str, texts: &str) -> String {
    let cells: String = texts
        .split(',')
        .map(|text| cell("office:value-type=\"string\"", text))
        .collect();
    format!("<table:table-row{about}>{cells}</table:table-row>")
}

fn cell(about: &str, shown: &str) -> String {
    format!("<table:table-cell {about}><text:p>{shown}</text:p></table:table-cell>")
}

fn row_of(cells: &[String]) -> String {
    format!("<table:table-row>{}</table:table-row>", cells.concat())
}

fn value(kind: &str, value: &str, about: &str) -> String {
    let attribute = match kind {
        "date" | "time" | "boolean" => kind,
        _ => "",
    };
    let dash = if attribute.is_empty() { "" } else { "-" };
    format!(
        "<table:table-cell office:value-type=\"{kind}\" office:{attribute}{dash}value=\"{value}\" {about}/>"
    )
}

#[test]
fn a_cell_of_opendocument_is_what_a_person_sees_and_its_comment_is_no_part_of_it() {
    let comment =
        "<office:annotation><dc:creator>HR</dc:creator><text:p>ask Bo</text:p></office:annotation>";
    let cells = [
        format!("<table:table-cell office:value-type=\"string\">{comment}<text:p>A<text:s text:c=\"2\"/><text:span>&amp;</text:span><text:tab/></text:p><text:p>B</text:p></table:table-cell>"),
        cell("office:value-type=\"string\" office:string-value=\"\" calcext:value-type=\"error\" table:formula=\"x\"", "Err:508"),
        cell("office:value-type=\"string\" table:formula=\"x\"", "#N/A"),
        "<table:table-cell table:formula=\"of:=[.A1]\"/>".into(),
        "<table:table-cell table:formula=\"of:=[.A1]\" office:value-type=\"float\"/>".into(),
        "<table:table-cell table:formula=\"x\" office:value-type=\"string\" office:string-value=\"\"/>".into(),
        format!("<table:table-cell>{comment}</table:table-cell>"),
        value("date", "2024-03-01T08:29:59.999999999", ""),
        value("date", "1899-12-30", "table:formula=\"x\""),
        value("time", "PT36H00M00S", ""),
        value("boolean", "true", ""),
        value("percentage", "0.07", ""),
        value("currency", "1523", "office:currency=\"EUR\""),
        value("float", "1523", "table:formula=\"x\"").replace("/>", "><text:p>01523</text:p></table:table-cell>"),
        value("float", "1", "table:formula=\"x\"").replace("/>", "><text:p>WAAR</text:p></table:table-cell>"),
        "<table:table-cell><draw:frame><draw:text-box><text:p>drawn</text:p></draw:text-box></draw:frame><text:p>end</text:p></table:table-cell>".into(),
    ];
    let header = "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p";
    let feed = spreadsheet("", &table("Staff", &(row("", header) + &row_of(&cells))));
    insta::assert_snapshot!(of(&feed).join("\n"), @"
    2: A  &	
    B|Error Err:508|Error #N/A|Uncalculated|Uncalculated|||Date 2024-03-01T08:30:00|ZeroForNothing 0|36:00:00|Bool true|7%|1523|01523|Bool true|end
    ");
}

#[test]
fn the_zero_that_a_formula_of_opendocument_works_out_is_the_number() {
    let zero = |formula: &str| value("float", "0", &format!("table:formula=\"{formula}\""));
    let cells = [
        cell("office:value-type=\"string\"", "x"),
        value("float", "2500", ""),
    ];
    let mut rows = vec![row("", "Name,Cost"), row_of(&cells)];
    for formula in [
        "of:=[.D4]*[.E4]",
        "of:=IF([.D4]=&quot;a;b&quot;;0;1500)",
        "of:=[.D4]",
        "of:=[$'Other sheet'.$D$4]",
        "of:=VLOOKUP([.A1];[.B1:.C9];2;0)",
    ] {
        rows.push(row_of(&[cells[0].clone(), zero(formula)]));
    }
    assert_eq!(
        of(&spreadsheet("", &table("Staff", &rows.concat()))),
        [
            "2: x|2500",
            "3: x|0",
            "4: x|0",
            "5: x|ZeroForNothing 0",
            "6: x|ZeroForNothing 0",
            "7: x|ZeroForNothing 0",
        ]
    );
}

#[test]
fn a_number_of_opendocument_is_what_its_style_shows() {
    let number =
        |about: &str, inside: &str| format!("<number:number {about}>{inside}</number:number>");
    let literal = |text: &str| format!("<number:text>{text}</number:text>");
    let zeros = number(
        "number:decimal-places=\"0\" number:min-integer-digits=\"6\"",
        "",
    );
    let parted = number(
        "number:decimal-places=\"0\" number:min-integer-digits=\"6\"",
        "<number:embedded-text number:position=\"2\">-</number:embedded-text>\
         <number:embedded-text number:position=\"4\">-</number:embedded-text>",
    );
    let amount = number(
        "number:decimal-places=\"2\" number:min-integer-digits=\"1\" number:grouping=\"true\"",
        "",
    );
    let general = number("number:min-integer-digits=\"1\"", "");
    let style = |name: &str, content: &str| {
        format!(
            "<number:number-style style:name=\"N{name}\">{content}</number:number-style>\
             <style:style style:name=\"{name}\" style:family=\"table-cell\" style:data-style-name=\"N{name}\"/>"
        )
    };
    let maps = "<style:map style:condition=\"value()&gt;=0\" style:apply-style-name=\"Nzeros\"/>";
    let styles = [
        style("zeros", &zeros),
        style("parted", &parted),
        style("prefix", &(literal("E") + &zeros)),
        style("amount", &amount),
        style("general", &general),
        style("mapped", &(literal("-") + &zeros + maps)),
        "<style:style style:name=\"child\" style:family=\"table-cell\" style:parent-style-name=\"zeros\"/>".into(),
        "<number:percentage-style style:name=\"P\"><number:number number:decimal-places=\"1\" number:min-integer-digits=\"1\"/><number:text>%</number:text></number:percentage-style>\
         <style:style style:name=\"percent\" style:family=\"table-cell\" style:data-style-name=\"P\"/>".into(),
        "<number:text-style style:name=\"T\"><number:text>ID-</number:text><number:text-content/></number:text-style>\
         <style:style style:name=\"text\" style:family=\"table-cell\" style:data-style-name=\"T\"/>".into(),
        "<number:date-style style:name=\"D\"><number:day/><number:text>/</number:text><number:month/></number:date-style>\
         <style:style style:name=\"day\" style:family=\"table-cell\" style:data-style-name=\"D\"/>".into(),
    ];
    let columns = "<table:table-column table:default-cell-style-name=\"zeros\"/>\
                   <table:table-column table:number-columns-repeated=\"11\" table:default-cell-style-name=\"parted\"/>";
    let number_as = |style: &str, number: &str| {
        value("float", number, &format!("table:style-name=\"{style}\""))
    };
    let cells = [
        // As its column says.
        value("float", "1523", ""),
        value("float", "112233", ""),
        number_as("zeros", "1523"),
        number_as("prefix", "1523"),
        number_as("amount", "1523"),
        number_as("general", "1523"),
        number_as("mapped", "1523"),
        number_as("mapped", "-1523"),
        number_as("child", "1523"),
        value("percentage", "0.0825", "table:style-name=\"percent\""),
        cell(
            "office:value-type=\"string\" table:style-name=\"text\"",
            "7",
        ),
        // Some programs write dates so.
        number_as("day", "45352"),
    ];
    let header = row("", "a,b,c,d,e,f,g,h,i,j,k,l");
    let in_row = "<table:table-row table:default-cell-style-name=\"prefix\">".to_owned()
        + &value("float", "7", "")
        + &value("float", "8", "")
        + "</table:table-row>";
    let rows = columns.to_owned() + &header + &row_of(&cells) + &in_row;
    let feed = spreadsheet(&styles.concat(), &table("Staff", &rows));
    insta::assert_snapshot!(of(&feed).join("\n"), @"
    2: 001523|11-22-33|001523|E001523|1523|1523|001523|-001523|001523|8.3%|7|Date 2024-03-01
    3: E000007|E000008
    ");
}

#[test]
fn rows_and_cells_of_opendocument_that_repeat_are_there_so_often() {
    let empty = "<table:table-row table:number-rows-repeated=\"3\"><table:table-cell table:number-columns-repeated=\"1024\"/></table:table-row>";
    let twice = format!(
        "<table:table-row table:number-rows-repeated=\"2\">{}{}</table:table-row>",
        cell(
            "office:value-type=\"string\" table:number-columns-repeated=\"2\"",
            "x"
        ),
        value("float", "7", "")
    );
    let rest = "<table:table-row table:number-rows-repeated=\"1048570\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>";
    let rows = format!(
        "<table:table-header-rows>{}</table:table-header-rows>{empty}<table:table-row-group>{twice}</table:table-row-group>{}{rest}",
        row("", "a,b,c"),
        row("", "p,q,r")
    );
    // Tables in a sheet, and what was changed in it, are none of its rows.
    let inside = "<table:shapes><draw:frame><table:table><table:table-row><table:table-cell><text:p>no</text:p></table:table-cell></table:table-row></table:table></draw:frame></table:shapes>";
    let changes = "<table:tracked-changes><table:table><table:table-row/></table:table></table:tracked-changes>";
    let feed = spreadsheet(
        "",
        &(changes.to_owned() + &table("Staff", &(inside.to_owned() + &rows))),
    );
    assert_eq!(of(&feed), ["5: x|x|7", "6: x|x|7", "7: p|q|r"]);
}

/// A record of an `.xls`.
fn record(kind: u16, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap();
    [&kind.to_le_bytes(), &length.to_le_bytes(), body].concat()
}

/// A workbook of Excel 97 that is not in a container: one sheet with these records, and
/// these in front of all sheets.
fn stream(globals: &[u8], sheet: &[u8]) -> Vec<u8> {
    let begin = |kind: u8| record(0x0809, &[0, 6, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let end = record(0x000a, &[]);
    let bound = |start: u32| {
        record(
            0x0085,
            &[&start.to_le_bytes()[..], b"\0\0\x05\0Staff"].concat(),
        )
    };
    let before = [begin(5), globals.to_vec(), bound(0), end.clone()].concat();
    let start = u32::try_from(before.len()).unwrap();
    [
        begin(5),
        globals.to_vec(),
        bound(start),
        end.clone(),
        begin(0x10),
        sheet.to_vec(),
        end,
    ]
    .concat()
}

/// A cell with a text of its own.
fn label(row: u16, column: u16, text: &str) -> Vec<u8> {
    let mut body: Vec<u8> = [row, column, 0]
        .into_iter()
        .flat_map(u16::to_le_bytes)
        .collect();
    body.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
    body.push(0);
    body.extend(text.as_bytes());
    record(0x0204, &body)
}

#[test]
fn rows_of_an_xls_that_were_written_in_another_order_are_in_their_order() {
    let cells = [
        label(0, 0, "ID"),
        label(1, 0, "7"),
        label(2, 0, "8"),
        label(0, 1, "Name"),
        label(2, 1, "Bo"),
        label(1, 1, "A"),
        label(1, 1, "Ann"),
    ];
    let bytes = stream(&[], &cells.concat());
    assert_eq!(of(&bytes), ["2: 7|Ann", "3: 8|Bo"]);
    assert_eq!(of(&compound("Workbook", &bytes)), ["2: 7|Ann", "3: 8|Bo"]);
    assert_eq!(of(&compound("Book", &bytes)), ["2: 7|Ann", "3: 8|Bo"]);
}

#[test]
fn a_shared_text_of_an_xls_goes_on_in_the_next_record() {
    let wide = |text: &str| {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>()
    };
    let strings = [
        // Two texts, of which the first is divided, and goes on in one byte a letter.
        record(
            0x00fc,
            &[
                &2_u32.to_le_bytes()[..],
                &2_u32.to_le_bytes(),
                b"\x05\0\x01",
                &wide("Zo\u{eb}"),
            ]
            .concat(),
        ),
        record(0x003c, b"\0yx"),
        // The second has runs, and what says how to pronounce it.
        record(0x003c, b"\x02\0\x0c\x01\0\x04\0\0\0Bo\0\0\0\0\x01\x02"),
        record(0x003c, b"\x03\x04"),
    ];
    let shared = |row: u16, column: u16, index: u32| {
        let place = [row, column, 0].into_iter().flat_map(u16::to_le_bytes);
        record(
            0x00fd,
            &place.chain(index.to_le_bytes()).collect::<Vec<_>>(),
        )
    };
    let cells = [
        label(0, 0, "a"),
        label(0, 1, "b"),
        shared(1, 0, 0),
        shared(1, 1, 1),
    ];
    assert_eq!(
        of(&stream(&strings.concat(), &cells.concat())),
        ["2: Zo\u{eb}yx|Bo"]
    );
}

#[test]
fn an_xls_that_counts_its_shared_texts_wrongly_is_read() {
    let shared = |row: u16, column: u16, index: u32| {
        let place = [row, column, 0].into_iter().flat_map(u16::to_le_bytes);
        record(
            0x00fd,
            &place.chain(index.to_le_bytes()).collect::<Vec<_>>(),
        )
    };
    let cells = [
        label(0, 0, "a"),
        label(0, 1, "b"),
        shared(1, 0, 0),
        shared(1, 1, 1),
    ]
    .concat();
    for counted in [0_u32, 1, 2, 9] {
        let texts = b"\x03\0\0Ann\x02\0\0Bo";
        let strings = [&counted.to_le_bytes()[..], &counted.to_le_bytes(), texts].concat();
        let bytes = stream(&record(0x00fc, &strings), &cells);
        assert_eq!(of(&bytes), ["2: Ann|Bo"], "{counted}");
    }
}

#[test]
fn a_workbook_that_opens_with_a_password_only_is_refused_in_every_format() {
    let manifest = b"<manifest:manifest><manifest:file-entry><manifest:encryption-data/></manifest:file-entry></manifest:manifest>";
    let parts = [
        Part::stored(
            "mimetype",
            b"application/vnd.oasis.opendocument.spreadsheet",
        ),
        Part::stored("content.xml", b"\x01\x02\x03"),
        Part::stored("META-INF/manifest.xml", manifest),
    ];
    let pass = record(0x002f, &[1; 54]);
    for bytes in [
        archive(&parts),
        compound("Workbook", &stream(&pass, &[])),
        compound("EncryptedPackage", b"x"),
    ] {
        let error = opened(&bytes, &FeedOptions::default()).unwrap_err();
        assert!(matches!(error, FeedError::Password(_)), "{error:?}");
    }
}

#[test]
fn a_damaged_workbook_of_any_format_is_refused_in_words() {
    let letter = "<office:document-content><office:body><office:text><table:table/></office:text></office:body></office:document-content>";
    let cut =
        "<office:document-content><office:body><office:spreadsheet><table:table><table:table-row>";
    let shared = record(0x00fd, &[0; 10]);
    let whole = compound("Workbook", &stream(&[], &label(0, 0, "ID")));
    for (bytes, words) in [
        (document(letter), "it has no place for sheets"),
        (document(cut), "it has a row without an end"),
        (
            stream(&[], &shared),
            "it has a cell whose text is not among the shared strings",
        ),
        (
            stream(&[], b"\x04\x02\xff\xff"),
            "it has a record that is cut off",
        ),
        (
            stream(&record(0x00fc, b"\x01\0\0\0\x01\0\0\0\x05\0\0x"), &[]),
            "it has a text without an end",
        ),
        (
            whole[..700].to_vec(),
            "is a damaged file of an old Office program",
        ),
        (compound("WordDocument", b"x"), "is an old Office document"),
    ] {
        let error = opened(&bytes, &FeedOptions::default()).unwrap_err();
        let mut said = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            said = format!("{said}: {error}");
            source = error.source();
        }
        assert!(said.contains(words), "{said}");
        assert!(error.help().is_some());
    }
}

#[test]
fn an_xls_that_lists_sectors_behind_its_end_is_read_up_to_its_last_row() {
    let names: Vec<u8> = (1..2000).flat_map(|row| label(row, 0, "Ann")).collect();
    let sheet = [label(0, 0, "Name"), names].concat();
    let mut file = listed_behind(&compound_of_512("Workbook", &stream(&[], &sheet)));
    let read = of(&file);
    assert_eq!(read.len(), 1999);
    assert_eq!(read[1998], "2000: Ann");
    // What is cut off is missed, and not taken for the end.
    file.truncate(file.len() - 4 * 512);
    let refused = opened(&file, &FeedOptions::default()).map(|_| ());
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("is a damaged file of an old Office program"),
        "{refused}"
    );
}

/// The same file whose list of sectors says of all that are not there that they are used.
fn listed_behind(file: &[u8]) -> Vec<u8> {
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    let (sectors, lists) = (file.len() / 512 - 1, word(44));
    let mut changed = file.to_vec();
    for sector in sectors..lists * 128 {
        let at = (word(76 + sector / 128 * 4) + 1) * 512 + sector % 128 * 4;
        assert_eq!(word(at), 0xffff_ffff);
        changed[at..at + 4].copy_from_slice(&0xffff_fffe_u32.to_le_bytes());
    }
    assert_ne!(changed, file);
    changed
}

#[test]
fn the_zero_that_a_formula_of_a_binary_workbook_works_out_is_the_number() {
    let number = |row: u16, value: f64, tokens: Option<&[u8]>| {
        let mut body: Vec<u8> = [row, 1, 0].into_iter().flat_map(u16::to_le_bytes).collect();
        body.extend(value.to_le_bytes());
        let Some(tokens) = tokens else {
            return record(0x0203, &body);
        };
        body.extend([0; 6]);
        body.extend(u16::try_from(tokens.len()).unwrap().to_le_bytes());
        body.extend(tokens);
        record(0x0006, &body)
    };
    let cell = [0x44, 3, 0, 3, 0xc0];
    let product = [&cell[..], &cell, &[0x05]].concat();
    let cells = [
        label(0, 0, "Name"),
        label(0, 1, "Cost"),
        label(1, 0, "x"),
        number(1, 2500.0, None),
        label(2, 0, "x"),
        number(2, 0.0, Some(&product)),
        label(3, 0, "x"),
        number(3, 0.0, Some(&cell)),
    ];
    let by_excel = record(0x01c1, &[0; 8]);
    assert_eq!(
        of(&stream(&by_excel, &cells.concat())),
        ["2: x|2500", "3: x|0", "4: x|ZeroForNothing 0"]
    );
    let number = |tokens: &[u8]| {
        let length = u32::try_from(tokens.len()).unwrap().to_le_bytes();
        let head = [1, 0, 0, 0, 0, 0, 0, 0];
        let body = [&head, &0.0_f64.to_le_bytes()[..], &[0; 2], &length, tokens];
        binary(9, &body.concat())
    };
    let cell = [0x44, 3, 0, 0, 0, 3, 0xc0];
    let product = [&cell[..], &cell, &[0x05]].concat();
    let large = [&[1, 0, 0, 0, 0, 0, 0, 0], &2500_f64.to_le_bytes()[..]].concat();
    let rows = [
        binary_row(0, &["Name", "Cost"]),
        binary_row(1, &["x"]),
        binary(5, &large),
        binary_row(2, &["x"]),
        number(&product),
        binary_row(3, &["x"]),
        number(&cell),
    ];
    assert_eq!(
        of(&of_binary_rows(&rows.concat())),
        ["2: x|2500", "3: x|0", "4: x|ZeroForNothing 0"]
    );
}

/// A record of an `.xlsb`; kinds up to 127 and bodies up to 16,383 bytes.
fn binary(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let low = u8::try_from(length & 0x7f).unwrap();
    let high = u8::try_from(length >> 7).unwrap();
    let head = if high == 0 {
        vec![kind, low]
    } else {
        vec![kind, low | 0x80, high]
    };
    [&head, body].concat()
}

/// An `.xlsb` with one sheet of these records.
fn of_binary_rows(rows: &[u8]) -> Vec<u8> {
    let wide = |text: &str| {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        [
            &u32::try_from(text.len()).unwrap().to_le_bytes()[..],
            &units,
        ]
        .concat()
    };
    let bound = [&[0; 8][..], &wide("rId1"), &wide("Staff")].concat();
    let length = u8::try_from(bound.len()).unwrap();
    let workbook = [&[0x9c, 0x01, length][..], &bound].concat();
    let relations = |kind: &str, target: &str| {
        format!(
            "<Relationships><Relationship Id=\"rId1\" Type=\"x/{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let sheet = [&b"\x81\x01\0\x91\x01\0"[..], rows, b"\x92\x01\0"].concat();
    archive(&[
        Part::stored(
            "_rels/.rels",
            relations("officeDocument", "xl/workbook.bin").as_bytes(),
        ),
        Part::stored("xl/workbook.bin", &workbook),
        Part::stored(
            "xl/_rels/workbook.bin.rels",
            relations("worksheet", "sheet1.bin").as_bytes(),
        ),
        Part::stored("xl/sheet1.bin", &sheet),
    ])
}

/// A row of an `.xlsb` with texts, whose number is counted from 0.
fn binary_row(row: u32, texts: &[&str]) -> Vec<u8> {
    let mut rows = binary(0, &[&row.to_le_bytes()[..], &[0; 13]].concat());
    for (column, text) in (0_u32..).zip(texts) {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let length = u32::try_from(units.len() / 2).unwrap();
        let body = [
            &column.to_le_bytes()[..],
            &[0; 4],
            &length.to_le_bytes(),
            &units,
        ];
        rows.extend(binary(6, &body.concat()));
    }
    rows
}

#[test]
fn a_cell_of_an_xlsb_without_a_column_is_in_the_one_behind_the_last() {
    let style = [0; 4];
    let text = |text: &str| {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let length = u32::try_from(units.len() / 2).unwrap();
        binary(17, &[&style[..], &length.to_le_bytes(), &units].concat())
    };
    let row = |number: u32| binary(0, &[&number.to_le_bytes()[..], &[0; 13]].concat());
    let rows = [
        row(0),
        ["ID", "Rate", "Is", "Gone", "Error", "Name"]
            .map(text)
            .concat(),
        row(1),
        binary(13, &[&style[..], &(7_u32 << 2 | 2).to_le_bytes()].concat()),
        binary(16, &[&style[..], &0.5_f64.to_le_bytes()].concat()),
        binary(15, &[0, 0, 0, 0, 1]),
        binary(12, &style),
        binary(14, &[0, 0, 0, 0, 0x2a]),
        text("Ann"),
        row(2),
        // Behind an empty one that has a column.
        binary(1, &[4, 0, 0, 0, 0, 0, 0, 0]),
        text("Bo"),
    ];
    assert_eq!(
        of(&of_binary_rows(&rows.concat())),
        ["2: 7|0.5|Bool true||Error #N/A|Ann", "3: |||||Bo"]
    );
    // A shared text, in a workbook that has none.
    let shared = [
        row(0),
        text("ID"),
        text("Name"),
        row(1),
        binary(18, &[0; 8]),
    ];
    let error = opened(&of_binary_rows(&shared.concat()), &FeedOptions::default());
    assert!(error.is_err());
}

/// Opens a file and reads all of it. It may be refused, in words.
fn survives(bytes: &[u8]) {
    match opened(bytes, &filled()) {
        Ok((mut feed, _file)) => {
            let take = |(), _| Ok::<_, FeedError>(());
            let work = |batch: &mut hrfeed::feed::Batch<'_>| while batch.next_record().is_some() {};
            if let Err(error) = Feed::read(&mut feed, work, take) {
                assert!(error.help().is_some(), "{error}");
            }
        }
        Err(error) => assert!(error.help().is_some(), "{error}"),
    }
}

/// The parts of an archive that another program made, unpacked.
fn unpacked(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let (mut parts, mut rest) = (Vec::new(), bytes);
    let number =
        |bytes: &[u8], at: usize| usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    let directory = memchr::memmem::find(bytes, b"PK\x01\x02").unwrap();
    let mut entry = &bytes[directory..];
    while entry.starts_with(b"PK\x01\x02") {
        let (name, extra, comment) = (number(entry, 28), number(entry, 30), number(entry, 32));
        let packed = number(entry, 20) + (number(entry, 22) << 16);
        let offset = number(entry, 42) + (number(entry, 44) << 16);
        let path = String::from_utf8(entry[46..46 + name].to_vec()).unwrap();
        rest = &bytes[offset..];
        let start = 30 + number(rest, 26) + number(rest, 28);
        let data = &rest[start..start + packed];
        let mut content = Vec::new();
        if number(entry, 10) == 8 {
            let mut decoder = flate2::read::DeflateDecoder::new(data);
            std::io::Read::read_to_end(&mut decoder, &mut content).unwrap();
        } else {
            content.extend(data);
        }
        parts.push((path, content));
        entry = &entry[46 + name + extra + comment..];
    }
    assert!(!rest.is_empty());
    parts
}

/// The stream in a compound file.
fn stream_of(bytes: &[u8]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::open(std::io::Cursor::new(bytes)).unwrap();
    let mut content = Vec::new();
    std::io::Read::read_to_end(&mut file.open_stream("/Workbook").unwrap(), &mut content).unwrap();
    content
}

#[test]
fn the_stream_of_an_xls_is_read_without_its_container_too() {
    assert_eq!(
        of(&stream_of(&book("people.xls"))),
        of(&book("people.xlsx"))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn wrong_bytes_in_a_workbook_end_in_words(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
        which in any::<prop::sample::Index>(),
    ) {
        let change = |bytes: &mut Vec<u8>| {
            for (at, byte) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
        };
        for name in ["people.xls", "people-5.xls", "people-xlwt.xls"] {
            let mut bytes = book(name);
            change(&mut bytes);
            survives(&bytes);
        }
        let mut bytes = stream_of(&book("people.xls"));
        change(&mut bytes);
        survives(&bytes);
        for name in ["people.xlsb", "people.ods"] {
            // Behind the checksums.
            let mut parts = unpacked(&book(name));
            let part = which.index(parts.len());
            if !parts[part].1.is_empty() {
                change(&mut parts[part].1);
            }
            let parts: Vec<_> = parts.iter().map(|(name, part)| Part::stored(name, part)).collect();
            survives(&archive(&parts));
        }
    }
}

#[test]
fn files_that_say_more_than_they_hold_take_no_more_memory() {
    let many = format!(
        "<table:table-row table:number-rows-repeated=\"1000000\">{}</table:table-row>",
        cell(
            "office:value-type=\"string\" table:number-columns-repeated=\"16384\"",
            "x"
        )
    );
    let long = "<table:table-row><table:table-cell><text:p>".to_owned()
        + &"<text:s text:c=\"4000000000\"/>".repeat(20_000)
        + "</text:p></table:table-cell></table:table-row>";
    let shared = record(0x00fc, b"\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\0x");
    let extra = record(0x00fc, b"\x01\0\0\0\x01\0\0\0\x01\0\x04\xff\xff\xff\xffx");
    // A record of 256 MiB that is not there.
    let claimed = b"\x06\xff\xff\xff\x7f\0\0\0\0";
    let style = |id| format!("<number:number-style style:name=\"{id}\"/>");
    let styles = (0..40_000).map(style).collect::<Vec<_>>().concat();
    let formats = (0..20_000_u16).flat_map(|id| {
        let code = "0".repeat(1_000);
        let begin = [&id.to_le_bytes()[..], &1_000_u16.to_le_bytes(), &[0]].concat();
        record(0x041e, &[&begin, code.as_bytes()].concat())
    });
    let formats: Vec<u8> = formats.collect();
    let world = world(Kmi);
    for (name, bytes, words) in [
        (
            "rows.ods",
            spreadsheet("", &table("Staff", &(row("", "ID,First") + &many))),
            "millions of cells that repeat",
        ),
        (
            "long.ods",
            spreadsheet("", &table("Staff", &(row("", "ID,First") + &long))),
            "longer than",
        ),
        (
            "shared.xls",
            compound("Workbook", &stream(&shared, &[])),
            "is empty",
        ),
        (
            "extra.xls",
            compound("Workbook", &stream(&extra, &[])),
            "is damaged",
        ),
        (
            "styles.ods",
            spreadsheet(&styles, &table("Staff", &row("", "ID,First"))),
            "styles of many megabytes",
        ),
        (
            "formats.xls",
            compound("Workbook", &stream(&formats, &label(0, 0, "ID"))),
            "number formats of many megabytes",
        ),
        (
            "claimed.xlsb",
            of_binary_rows(&[&binary_row(0, &["ID", "First"])[..], claimed].concat()),
            "longer than",
        ),
    ] {
        world.write(name, bytes);
        let (ran, peak) = measured(&world, &["check", name, "-m", "m.toml", "-q"]);
        let ran = ran.exits(1);
        assert!(ran.stderr.contains(words), "{name}: {ran:#?}");
        assert!(ran.stderr.contains("help: "), "{name}: {ran:#?}");
        assert!(peak <= 192, "{name}: {peak} MiB");
    }
}

#[test]
#[ignore = "it takes a minute"]
fn large_workbooks_of_any_format_take_no_more_memory_than_small_ones() {
    const HEADER: &str = "ID,First,Last,Phone,Team,City,Street,Chief,Title,Office,Note,End";
    let texts = |id: u32| {
        format!(
            "e{id},Ann{id},Lee{id},06{id},Care,Zwolle,Road {id},e1,Nurse,A1,Note {id},2030-12-31"
        )
    };
    let of_documents = (1..=100_000).map(|id| row("", &texts(id)));
    let ods = spreadsheet(
        "",
        &table(
            "Staff",
            &(row("", HEADER) + &of_documents.collect::<String>()),
        ),
    );
    let labels = |row: u16, texts: &str| -> Vec<u8> {
        let cells = (0_u16..).zip(texts.split(','));
        cells
            .flat_map(|(column, text)| label(row, column, text))
            .collect()
    };
    // Of an `.xls`, as many rows as it can have.
    let rows = (1..=u16::MAX).flat_map(|row| labels(row, &texts(u32::from(row))));
    let xls = stream(
        &[],
        &labels(0, HEADER)
            .into_iter()
            .chain(rows)
            .collect::<Vec<_>>(),
    );
    let of_binary = |row: u32, texts: &str| binary_row(row, &texts.split(',').collect::<Vec<_>>());
    let rows = (1..=100_000).flat_map(|row| of_binary(row, &texts(row)));
    let xlsb = of_binary_rows(
        &of_binary(0, HEADER)
            .into_iter()
            .chain(rows)
            .collect::<Vec<_>>(),
    );
    let world = world(Kmi);
    for (name, bytes, rows) in [
        ("large.ods", ods, 100_000),
        ("large.xls", compound("Workbook", &xls), 65_535),
        ("large.xlsb", xlsb, 100_000),
    ] {
        world.write(name, bytes);
        let (ran, peak) = measured(&world, &["check", name, "-m", "m.toml", "--json"]);
        let said = ran.json();
        assert_eq!(said["feed"]["rows"], rows, "{name}");
        assert!(peak <= 300, "{name}: {peak} MiB");
    }
}

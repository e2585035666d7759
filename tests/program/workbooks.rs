//! Workbooks of OOXML as programs and people really write them: a cell that cannot be
//! understood is a flaw of that cell, and what a person sees is what is read.

use hrfeed::feed::{CellKind, Feed, FeedError, FeedOptions, FeedSource};
use serde_json::Value;

use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::archive::{Part, archive, frame};
use crate::support::compound::compound;
use crate::support::{Feed as People, Ran, World, on_each_system};

const SHEET: &str = "xl/worksheets/sheet1.xml";

/// A workbook whose sheet has these rows below a header.
fn workbook(header: &str, rows: &str) -> Vec<u8> {
    with_parts(&sheet(header, rows, ""), &[])
}

/// The part of a sheet with what comes behind its rows.
fn sheet(header: &str, rows: &str, behind: &str) -> String {
    let header: String = header.split(',').map(text).collect();
    format!(
        "<worksheet><sheetData><row r=\"1\">{header}</row>{rows}</sheetData>{behind}</worksheet>"
    )
}

fn with_parts(sheet: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut parts = Vec::from(frame());
    parts.push(Part::stored(SHEET, sheet.as_bytes()));
    for (name, part) in more {
        parts.retain(|other| other.name != *name);
        parts.push(Part::stored(name, part.as_bytes()));
    }
    archive(&parts)
}

/// A cell with a text and no reference.
fn text(text: &str) -> String {
    format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

/// Rows of such cells.
fn rows(rows: &[&str]) -> String {
    let row = |row: &&str| {
        let cells: String = row.split(',').map(text).collect();
        format!("<row>{cells}</row>")
    };
    rows.iter().map(row).collect()
}

pub(crate) fn opened(
    bytes: &[u8],
    options: &FeedOptions,
) -> Result<(Feed, tempfile::NamedTempFile), FeedError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    Feed::open(&FeedSource::from_argument(file.path()), options).map(|feed| (feed, file))
}

/// Each row as `3: a|b`; what is not plain text has its kind in front.
pub(crate) fn read(bytes: &[u8], options: &FeedOptions) -> Vec<String> {
    let (mut feed, _file) = opened(bytes, options).unwrap();
    records(&mut feed)
}

fn records(feed: &mut Feed) -> Vec<String> {
    let mut found = Vec::new();
    let work = |batch: &mut hrfeed::feed::Batch<'_>| {
        let mut records = Vec::new();
        while let Some(record) = batch.next_record() {
            let cells = (0..record.len()).map(|index| {
                let cell = record.cell(index).unwrap();
                match cell.kind {
                    CellKind::Text | CellKind::Number | CellKind::Time => cell.text.to_owned(),
                    kind => format!("{kind:?} {}", cell.text).trim_end().to_owned(),
                }
            });
            let cells: Vec<_> = cells.collect();
            records.push(format!("{}: {}", record.row(), cells.join("|")));
        }
        records
    };
    let take = |records: Vec<String>, _| {
        found.extend(records);
        Ok::<_, FeedError>(())
    };
    feed.read(work, take).unwrap();
    found
}

pub(crate) fn of(bytes: &[u8]) -> Vec<String> {
    read(bytes, &FeedOptions::default())
}

/// What is remarked on the workbook after a whole pass.
pub(crate) fn remarks(bytes: &[u8], options: &FeedOptions) -> Vec<String> {
    let (mut feed, _file) = opened(bytes, options).unwrap();
    records(&mut feed);
    feed.remarks().iter().map(ToString::to_string).collect()
}

const HEADER: &str = "ID,First,Last,Mail,Phone,Teams";

/// A mapping of [`HEADER`].
fn world(system: System) -> World {
    let world = World::new(system);
    let url = &world.lms.base_url();
    let mapping = match system {
        Kmi => format!(
            "[target]\nsystem = \"kmi\"\nbase_url = \"{url}\"\napi_key = {{ env = \"HRFEED_TEST_KEY\" }}\n\
             api_secret = {{ env = \"HRFEED_TEST_SECRET\" }}\nrequests_per_second = 5000\n[fields]\n\
             externalId = \"ID\"\nemail = \"Mail\"\nfirstName = \"First\"\nlastName = \"Last\"\n\
             loginName = \"ID\"\naddress = {{ column = \"Phone\", empty = \"clear\" }}\n"
        ),
        AnewSpring => format!(
            "[target]\nsystem = \"anewspring\"\nbase_url = \"{url}\"\n\
             api_key = {{ env = \"HRFEED_TEST_KEY\" }}\nrequests_per_second = 5000\n[fields]\n\
             userID = \"ID\"\nlogin = \"ID\"\nfirstName = \"First\"\nlastName = \"Last\"\n\
             email = \"Mail\"\nrole = {{ value = \"Learner\" }}\n\
             telephoneNumber = {{ column = \"Phone\", empty = \"clear\" }}\n\
             group = {{ column = \"Teams\", split = \";\", empty = \"clear\" }}\n\
             [groups]\ncreate = true\ntype = {{ value = \"Learner\" }}\n"
        ),
    };
    world.write("m.toml", mapping);
    world
}

fn import(world: &World, feed: &[u8]) -> Ran {
    world.write("people.xlsx", feed);
    world.run(&["import", "people.xlsx", "-m", "m.toml", "--json"])
}

/// The findings of a run, as `2 firstName: …`.
fn findings(ran: &Ran) -> Vec<String> {
    let json = ran.json();
    let findings = json["findings"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    findings
        .iter()
        .map(|it| format!("{} {}", it["row"], text(&it["message"])))
        .collect()
}

fn checked(world: &World, feed: &[u8]) -> Ran {
    world.write("people.xlsx", feed);
    world.run(&["check", "people.xlsx", "-m", "m.toml", "--json"])
}

#[test]
fn an_error_of_any_name_is_a_flaw_of_its_cell() {
    let person = |id: &str, phone: &str| {
        let cells: String = [id, "Ann", "Lee", &format!("{id}@example.com")]
            .map(text)
            .concat();
        format!("<row>{cells}{phone}</row>")
    };
    let error = |name: &str| format!("<c t=\"e\"><f>X()</f><v>{name}</v></c>");
    let feed = workbook(
        HEADER,
        &[
            person("e1", &error("#SPILL!")),
            person("e2", &text("06-1")),
            person("e3", &error("Err:508")),
            person("e4", &error("#GETTING_DATA")),
            person("e5", &error("ann@example.com")),
            person("e6", "<c t=\"str\"><f>X()</f><v>#CONNECT!</v></c>"),
            person("e7", &text("#tag")),
        ]
        .concat(),
    );
    on_each_system(|system| {
        let world = world(system);
        import(&world, &feed).exits(3);
        let expected = [
            "#SPILL!",
            "Err:508",
            "#GETTING_DATA",
            "#ERROR!",
            "#CONNECT!",
        ];
        let rows = [2, 4, 5, 6, 7];
        let found = findings(&checked(&world, &feed).exits(3));
        assert_eq!(found.len(), 5, "{found:#?}");
        for ((row, name), finding) in rows.iter().zip(expected).zip(&found) {
            assert!(finding.starts_with(&format!("{row} ")), "{finding}");
            assert!(
                finding.contains(&format!("contains the error {name}:")),
                "{finding}"
            );
        }
        assert_eq!(world.lms.people().len(), 2);
        // A column that is not mapped refuses nobody.
        let mapping = std::fs::read_to_string(world.path("m.toml")).unwrap();
        let other: Vec<_> = mapping
            .lines()
            .filter(|line| !line.contains("Phone"))
            .collect();
        world.write("m.toml", other.join("\n"));
        import(&world, &feed).exits(0);
        assert_eq!(world.lms.people().len(), 7);
    });
}

#[test]
fn a_word_that_begins_like_an_error_is_a_word() {
    let formula = |text: &str| format!("<c t=\"str\"><f>X()</f><v>{text}</v></c>");
    let words = ["#HR", "#ANN", "#N/A", "#FIELD!", "Err:502"].map(formula);
    assert_eq!(
        of(&workbook(
            "A,B,C,D,E",
            &format!("<row>{}</row>", words.concat())
        )),
        ["2: #HR|#ANN|Error #N/A|Error #FIELD!|Error Err:502"]
    );
    // An error without its name is not empty.
    let nameless = "<row><c><v>7</v></c><c t=\"e\"><v/></c></row>";
    assert_eq!(of(&workbook("ID,Name", nameless)), ["2: 7|Error #ERROR!"]);
}

#[test]
fn a_formula_without_its_result_refuses_its_row_and_empties_nothing() {
    let person = |id: &str, more: &str| {
        let cells: String = [id, "Ann", "Lee", &format!("{id}@example.com")]
            .map(text)
            .concat();
        format!("<row>{cells}{more}</row>")
    };
    let full = format!("{}{}", text("06-1"), text("Blue"));
    let night1 = workbook(HEADER, &[person("e1", &full), person("e2", &full)].concat());
    let uncalculated = "<c><f>A1</f><v/></c><c t=\"str\"><f>A1</f></c>";
    let night2 = workbook(
        HEADER,
        &[
            person("e1", uncalculated),
            person("e2", "<c><f>A1</f></c><c t=\"n\"><f>A1</f><v></v></c>"),
            // A row of which nothing is known is not an empty one.
            "<row><c><f>A1</f></c><c><f>A1</f></c></row>".into(),
        ]
        .concat(),
    );
    on_each_system(|system| {
        let world = world(system);
        import(&world, &night1).exits(0);
        let before = world.accounts();
        let ran = import(&world, &night2);
        assert_ne!(ran.code, 0);
        assert_eq!(world.accounts(), before);
        let ran = checked(&world, &night2).exits(3);
        assert_eq!(ran.json()["feed"]["rows"], 3);
        let found = findings(&ran).join("\n");
        for row in [2, 3, 4] {
            assert!(found.contains(&format!("{row} ")), "{found}");
        }
        assert!(found.contains("is a formula without its result"), "{found}");
    });
}

#[test]
fn a_formula_whose_result_is_an_empty_text_is_an_empty_cell() {
    let row = "<row><c><v>7</v></c><c t=\"str\"><f>A1</f><v></v></c><c t=\"str\"><f>A1</f><v>x</v></c></row>";
    assert_eq!(of(&workbook("ID,Phone,Note", row)), ["2: 7||x"]);
}

#[test]
fn the_zero_of_a_formula_is_nothing_in_a_column_of_words_or_identifiers() {
    let zero = "<c><f>VLOOKUP(A1,B:C,2,0)</f><v>0</v></c>";
    let rows = format!(
        "<row><c><v>1</v></c>{zero}{zero}{zero}{zero}</row>\
         <row><c><v>2</v></c>{}<c><v>612345678</v></c><c><f>B1</f><v>1</v></c>{zero}</row>",
        text("Ann")
    );
    let header = "ID,Name,Phone,Active,Never";
    assert_eq!(
        of(&workbook(header, &rows)),
        [
            "2: 1|ZeroForNothing 0|ZeroForNothing 0|0|0",
            "3: 2|Ann|612345678|1|0"
        ]
    );
    // A program that leaves the results to Excel writes 0 for each.
    let book = "<workbook xmlns:r=\"r\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"rId1\"/></sheets>\
                <calcPr fullCalcOnLoad=\"1\"/></workbook>";
    let feed = with_parts(&sheet(header, &rows, ""), &[("xl/workbook.xml", book)]);
    assert_eq!(of(&feed)[1], "3: 2|Ann|612345678|1|Uncalculated");
    // Typed by a person it is the number.
    let rows = format!("<row>{}<c><v>0</v></c></row><row>{0}{0}</row>", text("x"));
    assert_eq!(of(&workbook("ID,Name", &rows)), ["2: x|0", "3: x|x"]);
}

#[test]
fn the_zero_that_a_formula_works_out_is_the_number_in_any_column() {
    let zero = |formula: &str| {
        format!(
            "<row>{}<c><f>{formula}</f><v>0</v></c><c><v>5000</v></c></row>",
            text("x")
        )
    };
    let rows = [
        "D4*E4",
        "IF(D4&gt;0,0,1500)",
        "IF(D4=&quot;a,b&quot;,0,E4)",
        "<![CDATA[SUM(A1:A2)]]>",
        "D4",
        "'Other sheet'!$A$2",
        "IFERROR(VLOOKUP(A1,B:C,2,0),\"\")",
    ]
    .map(zero)
    .concat();
    let large = format!("<row>{}<c><v>2500</v></c><c><v>1</v></c></row>", text("x"));
    let header = "Name,Cost,More";
    let shown = |rows: &str| {
        let read = of(&workbook(header, rows));
        let cost = |row: &String| row.split('|').nth(1).unwrap().to_owned();
        read.iter().map(cost).collect::<Vec<_>>()
    };
    let nothing = "ZeroForNothing 0";
    assert_eq!(
        shown(&(rows.clone() + &large)),
        ["0", "0", "0", "0", nothing, nothing, nothing, "2500"]
    );
    // It says nothing of what others in its column are.
    assert_eq!(
        shown(&(large.clone() + &zero("1-1") + &zero("D4"))),
        ["2500", "0", nothing]
    );
    // Of several cells that share a formula, the first has its text.
    let first = |number: u32, formula: &str| {
        format!(
            "<row><c r=\"B{number}\"><f t=\"shared\" si=\"{number}\" ref=\"B2:B9\">{formula}</f><v>7000</v></c></row>"
        )
    };
    let next =
        |of: u32| format!("<row><c r=\"B9\"><f t=\"shared\" si=\"{of}\"/><v>0</v></c></row>");
    let shared = [
        first(2, "D2*E2"),
        next(2),
        first(4, "D4"),
        next(4),
        next(2),
        next(77),
    ];
    assert_eq!(
        shown(&shared.concat()),
        ["7000", "0", "7000", nothing, "0", nothing]
    );
    // A program that does not work out formulas writes 0 for each.
    let book = "<workbook xmlns:r=\"r\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"rId1\"/></sheets>\
                <calcPr fullCalcOnLoad=\"1\"/></workbook>";
    let part = sheet(header, &(large + &zero("D4*E4") + &zero("D4")), "");
    assert_eq!(
        of(&with_parts(&part, &[("xl/workbook.xml", book)])),
        [
            "2: x|2500|1",
            "3: x|Uncalculated|5000",
            "4: x|ZeroForNothing 0|5000"
        ]
    );
}

/// Rows of people below [`HEADER`], with these cells for their phones.
fn with_phones(cells: &[impl AsRef<str>]) -> String {
    let row = |(id, cell): (u32, &_)| {
        let id = text(&format!("E{id}"));
        format!(
            "<row>{id}{0}{0}{0}{1}</row>",
            text("x"),
            AsRef::as_ref(cell)
        )
    };
    (1..).zip(cells).map(row).collect()
}

/// The notes on a feed in which these words are.
fn notes_with(feed: &[u8], words: &str) -> Vec<String> {
    let checked = checked(&world(AnewSpring), feed).json();
    let notes = checked["notes"].as_array().unwrap().iter();
    let notes = notes.map(Value::to_string);
    notes.filter(|note| note.contains(words)).collect()
}

#[test]
fn the_zero_of_a_formula_among_counts_is_read_and_said() {
    let zero = |formula: &str| format!("<c><f>{formula}</f><v>0</v></c>");
    let count = |count: u32| format!("<c><v>{count}</v></c>");
    let notes = |cells: &[String]| {
        let feed = workbook(HEADER, &with_phones(cells));
        notes_with(&feed, "give 0, as they do if")
    };
    let said = notes(&[count(1), count(3), zero("B7"), zero("B8"), zero("B8*2")]);
    assert_eq!(said.len(), 1);
    assert!(
        said[0].contains("column `Phone`") && said[0].contains("(rows 4, 5)"),
        "{said:?}"
    );
    // Where 0 is a count like others, or one of two answers, it is meant.
    for cells in [
        [count(0), count(3), zero("B7")],
        [count(1), count(1), zero("B7")],
        [count(2), count(3), zero("B7-B8")],
    ] {
        assert_eq!(notes(&cells), [""; 0], "{cells:?}");
    }
}

#[test]
fn a_date_among_rooms_and_grades_is_announced_with_its_rows() {
    let date = "<c s=\"1\"><v>46025</v></c>";
    let styles =
        "<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>";
    let notes = |cells: &[&str]| {
        let sheet = sheet(HEADER, &with_phones(cells), "");
        let feed = with_parts(&sheet, &[("xl/styles.xml", styles)]);
        notes_with(&feed, "takes `3-1` for")
    };
    let (room, floor) = (text("13-20"), "<c><v>12</v></c>");
    for others in [[&*room, &*room], [floor, &*room], [floor, floor]] {
        let said = notes(&[date, others[0], date, others[1]]);
        assert_eq!(said.len(), 1);
        assert!(
            said[0].contains("column `Phone`") && said[0].contains("(rows 2, 4)"),
            "{said:?}"
        );
    }
    // All of them are dates, and some are not known.
    assert_eq!(notes(&[date, date, &text("unknown"), ""]), [""; 0]);
}

#[test]
fn the_zero_of_a_formula_is_no_midnight_where_the_cell_shows_a_day() {
    let styles =
        "<styleSheet><cellXfs><xf numFmtId=\"14\"/><xf numFmtId=\"20\"/></cellXfs></styleSheet>";
    let zero = |style: u8| format!("<c s=\"{style}\"><f>X()</f><v>0</v></c>");
    let row = format!(
        "<row>{}{}{}<c s=\"1\"><v>0</v></c></row>",
        text("e1"),
        zero(0),
        zero(1)
    );
    let part = sheet("ID,End,Shift,Break", &row, "");
    let feed = with_parts(&part, &[("xl/styles.xml", styles)]);
    assert_eq!(of(&feed), ["2: e1|ZeroForNothing 0|00:00:00|00:00:00"]);
    let book = "<workbook><sheets><sheet name=\"S\" r:id=\"rId1\"/></sheets><calcPr fullCalcOnLoad=\"1\"/></workbook>";
    let feed = with_parts(
        &part,
        &[("xl/styles.xml", styles), ("xl/workbook.xml", book)],
    );
    assert_eq!(of(&feed), ["2: e1|Uncalculated|Uncalculated|00:00:00"]);
}

/// A workbook with a name and a shift that formulas gave, and these settings of when they
/// are worked out.
fn with_results(settings: &str) -> Vec<u8> {
    let rows = format!(
        "<row>{}<c t=\"str\"><f>X()</f><v>Lee</v></c><c><f>Y()</f><v>3</v></c></row>\
         <row>{}{}<c><f>Y()</f><v>4</v></c></row>",
        text("e1"),
        text("e2"),
        text("Ann")
    );
    let book = format!(
        "<workbook xmlns:r=\"r\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"rId1\"/></sheets>\
         {settings}</workbook>"
    );
    let book = ("xl/workbook.xml", book.as_str());
    with_parts(&sheet("ID,Last,Shift", &rows, ""), &[book])
}

#[test]
fn results_of_formulas_that_may_be_out_of_date_are_announced_and_read() {
    for settings in [
        "<calcPr fullCalcOnLoad=\"1\"/>",
        "<calcPr calcMode=\"manual\" calcOnSave=\"0\"/>",
        "<calcPr calcCompleted=\"false\"/>",
    ] {
        let feed = with_results(settings);
        assert_eq!(of(&feed), ["2: e1|Lee|3", "3: e2|Ann|4"], "{settings}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(remarks(&feed, &FeedOptions::default()).join("\n"), @"
            column `Last`: results of formulas may be out of date: the workbook says that they are to be worked out again (open it in Excel or LibreOffice with automatic calculation, and save it) (row 2)
            column `Shift`: results of formulas may be out of date: the workbook says that they are to be worked out again (open it in Excel or LibreOffice with automatic calculation, and save it) (rows 2, 3)
            ");
        }
    }
    // Before it saves a workbook, Excel works it out, unless somebody says otherwise.
    for settings in [
        "",
        "<calcPr calcId=\"191029\"/>",
        "<calcPr calcMode=\"manual\"/>",
        "<calcPr calcMode=\"auto\" calcOnSave=\"0\"/>",
        "<calcPr calcMode=\"autoNoTable\" fullCalcOnLoad=\"0\" calcCompleted=\"1\"/>",
    ] {
        let said = remarks(&with_results(settings), &FeedOptions::default());
        assert_eq!(said, [""; 0], "{settings}");
    }
    // No formula, no result.
    let book = "<workbook><sheets><sheet name=\"S\" r:id=\"rId1\"/></sheets><calcPr fullCalcOnLoad=\"1\"/></workbook>";
    let part = sheet("ID,Last", &rows(&["e1,Lee", "e2,Ann"]), "");
    let feed = with_parts(&part, &[("xl/workbook.xml", book)]);
    assert_eq!(remarks(&feed, &FeedOptions::default()), [""; 0]);
}

#[test]
fn only_results_that_the_mapping_reads_are_announced_to_be_out_of_date() {
    let world = World::new(Kmi);
    let url = world.lms.base_url();
    let mapping = |more: &str| {
        format!(
            "[target]\nsystem = \"kmi\"\nbase_url = \"{url}\"\napi_key = {{ env = \"K\" }}\n\
             api_secret = {{ env = \"S\" }}\n[source]\n{more}\n[fields]\nexternalId = \"ID\"\n\
             email = {{ template = \"{{{{ row.ID }}}}@example.com\" }}\nfirstName = \"ID\"\n\
             lastName = \"Last\"\nloginName = \"ID\"\n"
        )
    };
    let feed = with_results("<calcPr fullCalcOnLoad=\"1\"/>");
    let said = |more: &str| {
        world.write("m.toml", mapping(more));
        let ran = checked(&world, &feed).exits(0);
        ["Last", "Shift"].map(|column| {
            let about = format!("column `{column}`: results of formulas may be out of date");
            ran.said().contains(&about)
        })
    };
    assert_eq!(said(""), [true, false]);
    assert_eq!(said("where = \"row['Shift'] != '9'\""), [true, true]);
    let merge = "merge = { on = \"ID\", pick = { column = \"Shift\", order = \"highest\" } }";
    assert_eq!(said(merge), [true, true]);
}

#[test]
fn a_row_that_says_its_number_with_its_cells_only_has_that_number() {
    let cell = |reference: &str| format!("<c r=\"{reference}\"><v>7</v></c>");
    let row = |references: [&str; 2]| format!("<row>{}</row>", references.map(cell).concat());
    let rows = [
        row(["A2", "B2"]),
        row(["A5", "B5"]),
        row(["$A$9", "$B$9"]),
        // No number of a later row.
        row(["A1", "B1"]),
        row(["7", "8"]),
    ];
    assert_eq!(
        of(&workbook("ID,Name", &rows.concat())),
        ["2: 7|7", "5: 7|7", "9: 7|7", "10: 7|7", "11: 7|7"]
    );
}

#[test]
fn what_is_not_well_formed_is_refused_and_not_put_together() {
    let deep = format!("<row>{}</row>", "<x>".repeat(1000));
    for rows in [
        "<row><c><v>1</v><c><v>2</v></c></row>",
        "<row><c><v>1</c></row>",
        "<row><c><v>1</v></c><row><c><v>2</v></c></row>",
        deep.as_str(),
    ] {
        let error = opened(&workbook("ID,Name", rows), &FeedOptions::default()).unwrap_err();
        assert!(matches!(error, FeedError::Workbook { .. }), "{error:?}");
    }
}

#[test]
fn shared_texts_that_are_not_those_of_the_checksum_are_not_read() {
    let texts = "<sst><si><t>ID</t></si><si><t>Ann</t></si></sst>  ";
    let cell = |index: u8| format!("<c t=\"s\"><v>{index}</v></c>");
    let part = format!(
        "<worksheet><sheetData><row>{}</row><row>{}</row></sheetData></worksheet>",
        cell(0),
        cell(1)
    );
    let mut bytes = with_parts(&part, &[("xl/sharedStrings.xml", texts)]);
    assert_eq!(of(&bytes), ["2: Ann"]);
    let at = memchr::memmem::find(&bytes, b"Ann").unwrap();
    bytes[at] = b'E';
    let error = opened(&bytes, &FeedOptions::default()).unwrap_err();
    assert!(matches!(error, FeedError::Workbook { .. }), "{error:?}");
}

#[test]
fn references_that_are_none_count_as_absent() {
    let cell = |reference: &str, content: &str| {
        format!("<c r=\"{reference}\" t=\"inlineStr\"><is><t>{content}</t></is></c>")
    };
    let row = |number: &str, references: [&str; 3]| {
        let cells: String = (references.iter().zip(["7", "Ann", "Lee"]))
            .map(|(reference, content)| cell(reference, content))
            .collect();
        format!("<row r=\"{number}\">{cells}</row>")
    };
    for (number, references) in [
        ("2", ["0", "1", "2"]),
        ("0", ["A0", "B0", "C0"]),
        ("two", ["", "-", "?"]),
        ("2", ["A:1", "B:1", "C:1"]),
        ("2", ["$A$2", "$B$2", "$C$2"]),
        ("2", ["a2", "2", "3"]),
    ] {
        let feed = workbook("ID,First,Last", &row(number, references));
        assert_eq!(of(&feed), ["2: 7|Ann|Lee"], "{references:?}");
    }
    // Beyond the last column that there can be.
    let feed = workbook("ID,First", &row("2", ["A2", "B2", "ZZZZZZ2"]));
    assert_eq!(of(&feed), ["2: 7|Ann"]);
}

#[test]
fn dimensions_that_are_none_do_not_matter() {
    for dimension in ["A:D", "1:3", "", "A1", "A1:XFD1048576", "nonsense", "A0:B0"] {
        let part = sheet("ID,Name", &rows(&["7,Ann"]), "");
        let part = part.replace(
            "<sheetData>",
            &format!("<dimension ref=\"{dimension}\"/><sheetData>"),
        );
        assert_eq!(of(&with_parts(&part, &[])), ["2: 7|Ann"], "{dimension}");
    }
}

#[test]
fn parts_are_read_in_the_encoding_that_they_are_in() {
    let part = sheet("ID,Name", &rows(&["7,Zo\u{eb}"]), "");
    let utf16 = |bom: &[u8], unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
        let declared = format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{part}");
        let units = declared.encode_utf16().flat_map(unit);
        bom.iter().copied().chain(units).collect()
    };
    let latin = format!("<?xml version='1.0' encoding='ISO-8859-1'?>{part}");
    let latin = encoding_rs::WINDOWS_1252.encode(&latin).0.into_owned();
    for bytes in [
        utf16(b"\xff\xfe", u16::to_le_bytes),
        utf16(b"\xfe\xff", u16::to_be_bytes),
        latin,
        [b"\xef\xbb\xbf", part.as_bytes()].concat(),
    ] {
        let mut parts = Vec::from(frame());
        parts.push(Part::stored(SHEET, &bytes));
        assert_eq!(of(&archive(&parts)), ["2: 7|Zo\u{eb}"]);
    }
}

#[test]
fn a_strict_workbook_and_one_with_other_names_of_parts_are_read() {
    let strict = "http://purl.oclc.org/ooxml/officeDocument/relationships";
    let root = format!(
        "<Relationships><Relationship Id=\"a\" Type=\"{strict}/officeDocument\" Target=\"/book/main.xml\"/></Relationships>"
    );
    let relations = format!(
        "<Relationships><Relationship Id=\"r1\" Type=\"{strict}/worksheet\" Target=\"/book/s/one.xml\"/>\
         <Relationship Id=\"r2\" Type=\"{strict}/sharedStrings\" Target=\"words.xml\"/>\
         <Relationship Id=\"r3\" Type=\"{strict}/styles\" Target=\"looks.xml\"/></Relationships>"
    );
    let book = "<x:workbook xmlns:x=\"urn\"><x:sheets><x:sheet x:name=\"Staff\" r:id=\"r1\"/></x:sheets></x:workbook>";
    let words = "<x:sst><x:si><x:t>ID</x:t></x:si><x:si><x:r><x:t xml:space=\"preserve\">Start </x:t></x:r>\
                 <x:r><x:t>day</x:t></x:r><x:rPh><x:t>yomi</x:t></x:rPh></x:si></x:sst>";
    let looks = "<x:styleSheet><x:cellXfs><x:xf numFmtId=\"0\"/><x:xf numFmtId=\"14\"/></x:cellXfs></x:styleSheet>";
    let part = "<x:worksheet><x:sheetData><x:row><x:c t=\"s\"><x:v>0</x:v></x:c><x:c t=\"s\"><x:v>1</x:v></x:c></x:row>\
                <x:row><x:c><x:v>7</x:v></x:c><x:c t=\"d\" s=\"1\"><x:v>2024-03-01T00:00:00</x:v></x:c></x:row>\
                <x:row><x:c><x:v>8</x:v></x:c><x:c s=\"1\"><x:v>45352</x:v></x:c></x:row></x:sheetData></x:worksheet>";
    let parts = [
        ("_rels/.rels", root.as_str()),
        ("book/_rels/main.xml.rels", &relations),
        ("book/main.xml", book),
        ("book/words.xml", words),
        ("book/looks.xml", looks),
        ("book/s/one.xml", part),
        ("xl/unused.xml", ""),
    ];
    let parts: Vec<_> = parts
        .iter()
        .map(|(name, part)| Part::stored(name, part.as_bytes()))
        .collect();
    let (mut feed, _file) = opened(&archive(&parts), &FeedOptions::default()).unwrap();
    assert_eq!(feed.columns(), ["ID", "Start day"]);
    assert_eq!(
        records(&mut feed),
        ["2: 7|Date 2024-03-01", "3: 8|Date 2024-03-01"]
    );
}

#[test]
fn an_id_is_what_its_number_format_shows() {
    let styles = "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"00000_)\"/>\
        <numFmt numFmtId=\"165\" formatCode=\"[$-409]00000\"/><numFmt numFmtId=\"166\" formatCode=\"&quot;E&quot;0\"/>\
        <numFmt numFmtId=\"167\" formatCode=\"0#&quot; &quot;##&quot; &quot;##&quot; &quot;##&quot; &quot;##\"/>\
        <numFmt numFmtId=\"168\" formatCode=\"&quot;E&quot;@\"/></numFmts>\
        <cellStyleXfs><xf numFmtId=\"164\"/></cellStyleXfs><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"164\"/>\
        <xf numFmtId=\"165\"/><xf numFmtId=\"166\"/><xf numFmtId=\"167\"/><xf numFmtId=\"9\"/><xf numFmtId=\"168\"/></cellXfs></styleSheet>";
    let relations = "<Relationships><Relationship Id=\"rId1\" Type=\"x/worksheet\" Target=\"worksheets/sheet1.xml\"/>\
        <Relationship Id=\"rId2\" Type=\"x/styles\" Target=\"styles.xml\"/></Relationships>";
    let row = |style: u8, id: &str| {
        format!(
            "<row><c s=\"{style}\"><v>{id}</v></c><c s=\"4\"><v>612345678</v></c><c s=\"5\"><v>0.8</v></c></row>"
        )
    };
    let mut rows = [
        row(1, "1523"),
        row(2, "1524"),
        row(3, "1525"),
        row(0, "1526"),
    ]
    .concat();
    rows += "<row><c s=\"6\" t=\"str\"><v>1527</v></c></row>";
    let feed = with_parts(
        &sheet("ID,Phone,Share", &rows, ""),
        &[
            ("xl/styles.xml", styles),
            ("xl/_rels/workbook.xml.rels", relations),
        ],
    );
    assert_eq!(
        of(&feed),
        [
            "2: 01523|06 12 34 56 78|80%",
            "3: 01524|06 12 34 56 78|80%",
            "4: E1525|06 12 34 56 78|80%",
            "5: 1526|06 12 34 56 78|80%",
            "6: E1527",
        ]
    );
}

#[test]
fn days_since_1904_are_other_days() {
    let styles = "<styleSheet><cellXfs><xf numFmtId=\"14\"/></cellXfs></styleSheet>";
    let relations = "<Relationships><Relationship Id=\"rId1\" Type=\"x/worksheet\" Target=\"worksheets/sheet1.xml\"/>\
        <Relationship Id=\"rId2\" Type=\"x/styles\" Target=\"styles.xml\"/></Relationships>";
    let book = |since: &str| {
        format!(
            "<workbook><workbookPr date1904=\"{since}\"/><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
        )
    };
    let rows = "<row><c t=\"str\"><v>a</v></c><c><v>31107</v></c></row>";
    for (since, expected) in [
        ("1", "1989-03-02"),
        ("true", "1989-03-02"),
        ("0", "1985-03-01"),
    ] {
        let parts = [
            ("xl/styles.xml", styles),
            ("xl/_rels/workbook.xml.rels", relations),
            ("xl/workbook.xml", &book(since)),
        ];
        let feed = with_parts(&sheet("ID,Born", rows, ""), &parts);
        assert_eq!(of(&feed), [format!("2: a|Date {expected}")]);
    }
}

#[test]
fn hidden_rows_are_read_and_every_command_says_so() {
    let person = |id: &str, about: &str| {
        let cells: String = [id, "Ann", "Lee", &format!("{id}@example.com")]
            .map(text)
            .concat();
        format!("<row{about}>{cells}</row>")
    };
    let people = [
        person("e1", ""),
        person("e2", " hidden=\"1\""),
        person("e3", " hidden=\"0\""),
        "<row hidden=\"true\"><c s=\"0\"/></row>".into(),
    ];
    let feed = workbook(HEADER, &people.concat());
    let said = "hidden rows of the sheet are read even so";
    on_each_system(|system| {
        let world = world(system);
        world.write("people.xlsx", &feed);
        for command in ["check", "plan", "import"] {
            let ran = world
                .run(&[command, "people.xlsx", "-m", "m.toml"])
                .exits(0);
            // Lines are broken where the terminal ends.
            let words: Vec<_> = ran.stdout.split_whitespace().collect();
            let words = format!("{} {}", words.join(" "), ran.stderr);
            assert!(words.contains(said), "{command}: {ran:#?}");
            assert!(words.contains("(row 3)"), "{command}: {ran:#?}");
        }
        assert_eq!(world.lms.people().len(), 3);
        let target = if system == Kmi { "kmi" } else { "anewspring" };
        let ran = world
            .run(&["init", "people.xlsx", "--target", target])
            .exits(0);
        assert!(ran.said().contains(said), "{ran:#?}");
    });
    let shown = workbook(
        HEADER,
        &[person("e1", ""), person("e3", " hidden=\"0\"")].concat(),
    );
    assert_eq!(remarks(&shown, &FeedOptions::default()), [""; 0]);
}

#[test]
fn hidden_columns_and_hidden_sheets_of_the_same_kind_are_named() {
    let book = "<workbook><sheets><sheet name=\"Old\" state=\"hidden\" r:id=\"rId2\"/>\
        <sheet name=\"Lists\" state=\"veryHidden\" r:id=\"rId3\"/><sheet name=\"Staff\" r:id=\"rId1\"/></sheets></workbook>";
    let relation = |id: u8| {
        format!(
            "<Relationship Id=\"rId{id}\" Type=\"x/worksheet\" Target=\"worksheets/sheet{id}.xml\"/>"
        )
    };
    let relations = format!(
        "<Relationships>{}{}{}</Relationships>",
        relation(1),
        relation(2),
        relation(3)
    );
    let columns = "<cols><col min=\"2\" max=\"2\" hidden=\"1\"/><col min=\"3\" max=\"3\"/><col min=\"9\" max=\"16384\" hidden=\"1\"/></cols><sheetData>";
    let staff = sheet("ID,Name,City", &rows(&["7,Ann,Delft"]), "").replace("<sheetData>", columns);
    let parts = [
        ("xl/workbook.xml", book),
        ("xl/_rels/workbook.xml.rels", relations.as_str()),
        (
            "xl/worksheets/sheet2.xml",
            &sheet("ID,Name,City", &rows(&["6,Old,Delft"]), ""),
        ),
        (
            "xl/worksheets/sheet3.xml",
            &sheet("Country,City", &rows(&["NL,Delft"]), ""),
        ),
    ];
    let feed = with_parts(&staff, &parts);
    assert_eq!(of(&feed), ["2: 7|Ann|Delft"]);
    insta::assert_snapshot!(remarks(&feed, &FeedOptions::default()).join("\n"), @r"
    hidden sheets contain tables with the same columns and are not read: `Old` (choose one with `sheet` in [source])
    columns of the sheet are hidden and read even so: `Name`
    ");
    // With nothing else to read, the name must be given.
    let book = book.replace("<sheet name=\"Staff\" r:id=\"rId1\"/>", "");
    let parts: Vec<_> = parts
        .iter()
        .map(|(name, part)| (*name, *part))
        .skip(1)
        .chain([("xl/workbook.xml", book.as_str())])
        .collect();
    let feed = with_parts(&staff, &parts);
    let error = opened(&feed, &FeedOptions::default()).unwrap_err();
    assert!(error.is_usage());
    assert!(
        error
            .to_string()
            .ends_with("has tables in hidden sheets only: `Old`, `Lists`"),
        "{error}"
    );
    let named = FeedOptions {
        sheet: Some("Old".into()),
        ..FeedOptions::default()
    };
    assert_eq!(read(&feed, &named), ["2: 6|Old|Delft"]);
}

#[test]
fn a_merged_group_cell_is_named_and_fill_merged_fills_it() {
    let group = "<row r=\"2\"><c r=\"A2\" t=\"str\"><v>Sales &amp; Care</v></c><c r=\"B2\"><v>1</v></c></row>\
        <row r=\"3\"><c r=\"A3\" s=\"1\"/><c r=\"B3\"><v>2</v></c></row><row r=\"4\"><c r=\"B4\"><v>3</v></c></row>\
        <row r=\"5\"><c r=\"A5\"><v>9</v></c><c r=\"B5\"><v>4</v></c></row><row r=\"6\"><c r=\"B6\"><v>5</v></c></row>\
        <row r=\"7\"><c r=\"B7\"><v>6</v></c></row>";
    let merged = "<mergeCells><mergeCell ref=\"A5:A6\"/><mergeCell ref=\"A2:A4\"/><mergeCell ref=\"B2:C2\"/>\
        <mergeCell ref=\"A90:A99\"/></mergeCells>";
    let feed = with_parts(&sheet("Team,ID", group, merged), &[]);
    let plain = FeedOptions::default();
    assert_eq!(
        of(&feed),
        [
            "2: Sales & Care|1",
            "3: |2",
            "4: |3",
            "5: 9|4",
            "6: |5",
            "7: |6"
        ]
    );
    insta::assert_snapshot!(remarks(&feed, &plain).join("\n"), @"column `Team`: cells are merged over several rows, and only the first row has the value (to give it to all of them, set `fill_merged = true` in [source]) (rows 2, 5)");
    let filled = FeedOptions {
        fill_merged: true,
        ..plain
    };
    assert_eq!(
        read(&feed, &filled),
        [
            "2: Sales & Care|1",
            "3: Sales & Care|2",
            "4: Sales & Care|3",
            "5: 9|4",
            "6: 9|5",
            "7: |6"
        ]
    );
    assert_eq!(remarks(&feed, &filled), [""; 0]);
    // A title over the table is merged in most workbooks.
    let titled = with_parts(
        &sheet(
            "Team,ID",
            &rows(&["a,1"]),
            "<mergeCells><mergeCell ref=\"A1:B1\"/></mergeCells>",
        ),
        &[],
    );
    assert_eq!(remarks(&titled, &FeedOptions::default()), [""; 0]);
}

#[test]
fn fill_merged_is_a_setting_of_the_mapping() {
    let rows = "<row><c t=\"str\"><v>Lee</v></c><c t=\"str\"><v>e1</v></c></row><row><c/><c t=\"str\"><v>e2</v></c></row>";
    let feed = with_parts(
        &sheet(
            "Last,ID",
            rows,
            "<mergeCells><mergeCell ref=\"A2:A3\"/></mergeCells>",
        ),
        &[],
    );
    let world = World::new(Kmi);
    let url = world.lms.base_url();
    for (setting, code) in [("", 3), ("fill_merged = true", 0)] {
        world.write(
            "m.toml",
            format!(
                "[target]\nsystem = \"kmi\"\nbase_url = \"{url}\"\napi_key = {{ env = \"K\" }}\n\
                 api_secret = {{ env = \"S\" }}\n[source]\n{setting}\n[fields]\nexternalId = \"ID\"\n\
                 email = {{ template = \"{{{{ row.ID }}}}@example.com\" }}\nfirstName = \"ID\"\n\
                 lastName = \"Last\"\nloginName = \"ID\"\n"
            ),
        );
        checked(&world, &feed).exits(code);
    }
}

#[test]
fn merged_cells_that_would_fill_the_memory_are_refused() {
    let columns: Vec<String> = (b'A'..=b'T').map(|it| char::from(it).to_string()).collect();
    let texts = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(1 << 20));
    let (mut rows, mut merged) = (String::new(), String::new());
    for (number, column) in (2..).zip(&columns) {
        let cell = format!("<c r=\"{column}{number}\" t=\"s\"><v>0</v></c>");
        rows.extend([format!("<row r=\"{number}\">{cell}</row>")]);
        merged.extend([format!("<mergeCell ref=\"{column}{number}:{column}999\"/>")]);
    }
    let part = sheet(&columns.join(","), &rows, &merged);
    let feed = with_parts(&part, &[("xl/sharedStrings.xml", &texts)]);
    let options = FeedOptions {
        fill_merged: true,
        ..FeedOptions::default()
    };
    let (mut feed, _file) = opened(&feed, &options).unwrap();
    let read = feed.read(|_| (), |(), _| Ok::<_, FeedError>(()));
    assert!(
        matches!(read, Err(FeedError::RecordTooLong { line, .. }) if line.row() == 18),
        "{read:?}"
    );
    // Cells beside the table are nobody's.
    let part = sheet(
        "ID,Name",
        "<row r=\"2\"><c r=\"A2\"><v>7</v></c></row><row r=\"3\"><c r=\"A3\"><v>8</v></c><c r=\"D3\"><v>1</v></c></row>\
         <row r=\"4\"><c r=\"A4\"><v>9</v></c></row>",
        "<mergeCell ref=\"D3:D4\"/>",
    );
    assert_eq!(read_with(&part, &options), ["2: 7", "3: 8|||1", "4: 9"]);
}

fn read_with(part: &str, options: &FeedOptions) -> Vec<String> {
    read(&with_parts(part, &[]), options)
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let parts = files.iter().map(|(name, bytes)| Part::stored(name, bytes));
    archive(&parts.collect::<Vec<_>>())
}

#[test]
fn what_is_packed_once_or_twice_is_read_from_a_file_and_from_standard_input() {
    let sheet = workbook(
        HEADER,
        &rows(&["e1,Ann,Lee,e1@example.com", "e2,Bo,Ray,e2@example.com"]),
    );
    let csv =
        format!("{HEADER}\ne1,Ann,Lee,e1@example.com,,\ne2,Bo,Ray,e2@example.com,,\n").into_bytes();
    let mut feeds = Vec::new();
    for (name, bytes) in [("people.xlsx", &sheet), ("people.csv", &csv)] {
        feeds.push(bytes.clone());
        feeds.push(gzip(bytes));
        feeds.push(zip(&[(name, bytes)]));
        feeds.push(gzip(&zip(&[(name, bytes)])));
        feeds.push(zip(&[("people.gz", &gzip(bytes))]));
        feeds.push(zip(&[
            ("export/", b""),
            ("export/people", bytes),
            ("__MACOSX/export/._people", b"x"),
            ("export/.DS_Store", b"x"),
        ]));
    }
    let world = world(Kmi);
    for (number, feed) in feeds.iter().enumerate() {
        world.write("people", feed);
        let arguments = |feed| ["check", feed, "-m", "m.toml", "--json"];
        let of_file = world.run(&arguments("people")).exits(0).json();
        let of_stdin = world.run_with_stdin(&arguments("-"), feed).exits(0).json();
        for said in [&of_file, &of_stdin] {
            assert_eq!(said["feed"]["rows"], 2, "feed {number}: {said:#}");
            assert_eq!(said["counts"]["rejected"], 0, "feed {number}: {said:#}");
        }
        // It is the digest of what was given, packed.
        assert_eq!(
            of_file["feed"]["sha256"], of_stdin["feed"]["sha256"],
            "feed {number}"
        );
        // Read twice, once to check and once to send.
        let ran = world.run(&["import", "people", "-m", "m.toml", "--json"]);
        assert_eq!(ran.code, 0, "feed {number}: {ran:#?}");
    }
    assert_eq!(world.lms.people().len(), 2);
}

#[test]
fn an_archive_that_is_not_about_one_file_is_refused_in_words() {
    let csv = b"ID,Name\n1,Ann\n";
    let mut encrypted = zip(&[("people.csv", csv)]);
    // The flags of the local header and of the directory.
    let directory = memchr::memmem::find(&encrypted, b"PK\x01\x02").unwrap();
    encrypted[6] |= 1;
    encrypted[directory + 8] |= 1;
    let mut damaged = zip(&[("people.csv", csv)]);
    let content = memchr::memmem::find(&damaged, b"Ann").unwrap();
    damaged[content] = b'E';
    for (bytes, words) in [
        (
            zip(&[("a.csv", csv), ("b.csv", csv)]),
            "does not hold exactly one file",
        ),
        (zip(&[]), "does not hold exactly one file"),
        (
            zip(&[("a.zip", &zip(&[("b.csv", csv)]))]),
            "an archive of archives",
        ),
        (encrypted, "is a ZIP archive protected by a password"),
        (damaged, "a damaged ZIP archive"),
        (zip(&[("a.pdf", b"%PDF-1.7")]), "a PDF document"),
    ] {
        let error = opened(&bytes, &FeedOptions::default()).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.help().is_some());
    }
}

#[test]
fn an_archive_that_is_packed_in_another_way_is_not_called_damaged() {
    let mut bytes = zip(&[("people.csv", b"ID,Name\n1,Ann\n")]);
    let directory = memchr::memmem::find(&bytes, b"PK\x01\x02").unwrap();
    // Windows packs large files so.
    bytes[8] = 9;
    bytes[directory + 10] = 9;
    let error = opened(&bytes, &FeedOptions::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("packed in another way than with DEFLATE"),
        "{error}"
    );
}

#[test]
fn all_parts_of_a_workbook_together_are_no_larger_than_a_feed_may_be() {
    let part = sheet("ID,Name", &rows(&["1,Ann"]), "");
    let feed = with_parts(&part, &[("xl/media/a.png", &"x".repeat(10_000))]);
    let max = |max_feed| FeedOptions {
        max_feed: Some(max_feed),
        ..FeedOptions::default()
    };
    let error = opened(&feed, &max(feed.len() as u64 - 2_000)).unwrap_err();
    assert!(matches!(error, FeedError::TooLarge { .. }), "{error:?}");
    assert_eq!(read(&feed, &max(feed.len() as u64)), ["2: 1|Ann"]);
}

#[test]
fn a_workbook_with_macros_is_read_like_one_without() {
    let people = rows(&["e1,Ann,Lee,e1@example.com", "e2,Bo,Ray,e2@example.com"]);
    let part = sheet(HEADER, &people, "");
    let main = "application/vnd.ms-excel.sheet.macroEnabled.main+xml";
    let types = format!(
        "<Types><Default Extension=\"bin\" ContentType=\"application/vnd.ms-office.vbaProject\"/>\
         <Override PartName=\"/xl/workbook.xml\" ContentType=\"{main}\"/></Types>"
    );
    // Macros are in a container of the kind that old workbooks are.
    let macros = "\u{d0}\u{cf}\u{11}\u{e0} Attribute VB_Name";
    let relations = "<Relationships><Relationship Id=\"rId9\" Type=\"x/vbaProject\" Target=\"vbaProject.bin\"/>\
        <Relationship Id=\"rId1\" Type=\"x/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>";
    let feed = with_parts(
        &part,
        &[
            ("[Content_Types].xml", &types),
            ("xl/vbaProject.bin", macros),
            ("xl/_rels/workbook.xml.rels", relations),
        ],
    );
    on_each_system(|system| {
        let world = world(system);
        world.write("people.xlsm", &feed);
        world
            .run(&["import", "people.xlsm", "-m", "m.toml"])
            .exits(0);
        assert_eq!(world.lms.people().len(), 2);
    });
}

#[test]
fn a_format_that_is_not_read_says_what_it_is_and_where_to_save_it_as_xlsx() {
    let document = |kind: &[u8]| zip(&[("mimetype", kind), ("content.xml", b"<x/>")]);
    let feeds = [
        ("people.xls", b"\x09\x04\x06\0\0\0\x10\0\0\0".to_vec()),
        ("people.xlsx", compound("EncryptedPackage", b"x")),
        (
            "people.odt",
            document(b"application/vnd.oasis.opendocument.text"),
        ),
        (
            "people.numbers",
            zip(&[("Index/Document.iwa", b"x"), ("Metadata/Properties.plist", b"x")]),
        ),
        (
            "people.zip",
            zip(&[("people.numbers/Index.zip", b"x"), ("people.numbers/preview.jpg", b"x")]),
        ),
        (
            "table.xls",
            b"<html><table><tr><td>ID</td></tr></table></html>".to_vec(),
        ),
        (
            "report.xls",
            b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n".to_vec(),
        ),
        (
            "old.xml",
            b"<?xml version=\"1.0\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\">".to_vec(),
        ),
    ];
    let world = world(Kmi);
    let said = feeds.map(|(name, bytes)| {
        world.write(name, bytes);
        let ran = world.run(&["check", name, "-m", "m.toml"]).exits(1);
        ran.stderr.trim().to_owned()
    });
    insta::assert_snapshot!(said.join("\n\n"), @"
    error: feed `people.xls` is a workbook of Excel 4 or older, which is not supported
    help: open it in Excel and save it as `Excel Workbook (.xlsx)`, or let the HR system export XLSX or CSV

    error: feed `people.xlsx` is protected by a password
    help: open it in Excel or LibreOffice, remove the password (in Excel: File, Info, Protect Workbook) or the sensitivity label that encrypts it, and save it

    error: feed `people.odt` is an OpenDocument file without a table, not a CSV or XLSX file
    help: export the people as CSV or XLSX

    error: feed `people.numbers` is an Apple Numbers spreadsheet (.numbers), which is not supported
    help: open it in Numbers and choose File, Export To, Excel, with the format .xlsx

    error: feed `people.zip` is an Apple Numbers spreadsheet (.numbers), which is not supported
    help: open it in Numbers and choose File, Export To, Excel, with the format .xlsx

    error: feed `table.xls` is an HTML page, which is not supported
    help: if Excel shows the people in it, save it there as `Excel Workbook (.xlsx)`, or let the HR system export XLSX or CSV

    error: feed `report.xls` is a web archive (MHTML), which is not supported
    help: if Excel shows the people in it, save it there as `Excel Workbook (.xlsx)`, or let the HR system export XLSX or CSV

    error: feed `old.xml` is an XML spreadsheet of Excel 2003, which is not supported
    help: open it in Excel and save it as `Excel Workbook (.xlsx)`, or let the HR system export XLSX or CSV
    ");
}

#[test]
fn rows_that_are_no_people_are_left_out_of_workbooks_too() {
    let below = [
        "Emp. ID,Login,First name",
        "7,ann,Ann",
        "EMPID,LOGIN,FIRST",
        "8,bo,Bo",
        "Total:,2,",
    ];
    let bytes = workbook("EMPID,LOGIN,FIRST", &rows(&below));
    assert_eq!(of(&bytes), ["3: 7|ann|Ann", "5: 8|bo|Bo"]);
    let said = remarks(&bytes, &FeedOptions::default());
    assert_eq!(said, ["left out: a second header row (row 2)"]);
}

#[test]
fn a_sheet_without_a_header_has_columns_by_letter() {
    let bytes = workbook("7,ann,Ann", &rows(&["8,bo,Bo,Kay"]));
    let options = FeedOptions {
        has_no_header: true,
        ..FeedOptions::default()
    };
    let (feed, _file) = opened(&bytes, &options).unwrap();
    assert_eq!(feed.columns(), ["A", "B", "C", "D"]);
    assert_eq!(read(&bytes, &options), ["1: 7|ann|Ann", "2: 8|bo|Bo|Kay"]);
    assert!(remarks(&bytes, &options).is_empty());
}

#[test]
fn a_problem_is_named_by_its_cell_as_excel_shows_it() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    // A title, and a table that begins in column B of row 3.
    sheet.write(0, 1, "Staff of ACME").unwrap();
    for (column, name) in (1..).zip(["ID", "First", "Last", "Mail", "Login"]) {
        sheet.write(2, column, name).unwrap();
    }
    for (row, mail) in (3..).zip(["ann@acme.example", "bob", "cy@acme.example"]) {
        let cells = [
            &format!("E{row}"),
            "Ann",
            "Lee",
            mail,
            &format!("login{row}"),
        ];
        for (column, cell) in (1..).zip(cells) {
            sheet.write(row, column, cell).unwrap();
        }
    }
    let world = World::new(Kmi);
    world.write("people.xlsx", book.save_to_buffer().unwrap());
    let mapping = world.mapping();
    let (target, _) = mapping.split_once("[fields]").unwrap();
    let fields = "[fields]\nexternalId = \"ID\"\nfirstName = \"First\"\nlastName = \"Last\"\n\
                  email = \"Mail\"\nloginName = { template = \"{{ row['Login'] }}\" }\n";
    world.write("m.toml", format!("{target}{fields}"));
    let check = ["check", "people.xlsx", "-m", "m.toml"];
    let json = world
        .run(&[&check[..], &["--json"]].concat())
        .exits(3)
        .json();
    assert_eq!(json["findings"][0]["cell"], "E5", "{json:#}");
    let ran = world.run(&check).exits(3);
    assert!(ran.stdout.contains("\n  E5  E4 "), "{ran:#?}");
}

/// A workbook with sheets of these names and rows.
fn book_of(sheets: &[(&str, Vec<Vec<String>>)]) -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    for (name, rows) in sheets {
        let sheet = book.add_worksheet();
        sheet.set_name(*name).unwrap();
        for (row, cells) in (0..).zip(rows) {
            for (column, cell) in (0..).zip(cells) {
                sheet.write(row, column, cell).unwrap();
            }
        }
    }
    book.save_to_buffer().unwrap()
}

fn table_of(lines: &[&str]) -> Vec<Vec<String>> {
    let cells = |line: &&str| line.split(',').map(str::to_owned).collect();
    lines.iter().map(cells).collect()
}

#[test]
fn a_cover_sheet_is_not_taken_for_the_people() {
    let world = World::new(Kmi);
    let people = String::from_utf8(People::of(20).csv(Kmi)).unwrap();
    let people: Vec<_> = people.lines().collect();
    let cover = table_of(&["Report,Employees", "Date,27-11-2026", "User,j.smit"]);
    let last_year = people.iter().map(|line| format!("{line},2024"));
    let last_year: Vec<_> = last_year.collect();
    let last_year: Vec<_> = last_year.iter().map(String::as_str).collect();
    let sheets = [
        ("Info", cover),
        ("Data", table_of(&people)),
        ("Last year", table_of(&last_year)),
    ];
    world.write("people.xlsx", book_of(&sheets));
    let import = ["import", "people.xlsx", "-m", "mapping.toml", "--json"];
    let ran = world.run(&import).exits(0);
    assert_eq!(ran.count("created"), 20);
    let note = "`Info`, `Last year`";
    assert!(
        ran.notes()
            .iter()
            .any(|it| it.contains("`Data`") && it.contains(note)),
        "{:#?}",
        ran.notes()
    );
    let init = world.run(&["init", "people.xlsx", "--target", "kmi"]);
    let init = init.exits(0);
    assert!(init.stdout.contains("sheet = \"Data\""), "{init:#?}");
    assert!(
        init.stdout.contains("externalId = \"Employee ID\""),
        "{init:#?}"
    );
}

#[test]
fn the_first_sheet_with_people_stays_the_one_where_another_has_more_of_the_columns() {
    let world = World::new(Kmi);
    let people = String::from_utf8(People::of(20).csv(Kmi)).unwrap();
    let people: Vec<_> = people.lines().collect();
    let without = people[0].replace("Country", "Land");
    let sheets = [
        (
            "Staff",
            table_of(&[&[without.as_str()], &people[1..]].concat()),
        ),
        ("Left", table_of(&people)),
    ];
    world.write("people.xlsx", book_of(&sheets));
    let ran = world.run(&["check", "people.xlsx", "-m", "mapping.toml"]);
    let ran = ran.exits(2);
    assert!(ran.stderr.contains("has no column `Country`"), "{ran:#?}");
}

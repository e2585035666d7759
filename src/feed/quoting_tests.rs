//! Feeds that quote in every way that programs have, with each delimiter and line end:
//! what was read beside what was written. Nothing is ever read wrongly in silence.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use proptest::prelude::*;

use super::{Feed, FeedError, FeedOptions, FeedSource, Record};
use crate::model::{QuotingStyle, Remark};

/// How a program writes cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Manner {
    Needed,
    Always,
    Backslash,
    BackslashNeeded,
    AsIs,
    Spaced,
    Single,
    SingleBackslash,
    SingleAsIs,
    Curly,
    Low,
    Guillemets,
    CurlySingle,
    Lines,
    LinesNeeded,
}

const MANNERS: [Manner; 15] = [
    Manner::Needed,
    Manner::Always,
    Manner::Backslash,
    Manner::BackslashNeeded,
    Manner::AsIs,
    Manner::Spaced,
    Manner::Single,
    Manner::SingleBackslash,
    Manner::SingleAsIs,
    Manner::Curly,
    Manner::Low,
    Manner::Guillemets,
    Manner::CurlySingle,
    Manner::Lines,
    Manner::LinesNeeded,
];
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];
const ENDS: [&[&str]; 4] = [&["\n"], &["\r\n"], &["\r"], &["\n", "\r\n"]];

type Cells = Vec<String>;

impl Manner {
    fn cell(self, text: &str, delimiter: char) -> String {
        let needs = |mark: char| text.contains(['\n', '\r', mark, delimiter]);
        let within = |open, close| format!("{open}{text}{close}");
        match self {
            Self::Needed | Self::LinesNeeded | Self::Lines if !needs('"') => text.to_owned(),
            Self::BackslashNeeded if !needs('"') && !text.contains('\\') => text.to_owned(),
            Self::Needed | Self::Always | Self::Lines | Self::LinesNeeded => {
                format!("\"{}\"", text.replace('"', "\"\""))
            }
            Self::Backslash | Self::BackslashNeeded => {
                format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
            }
            Self::AsIs => within('"', '"'),
            Self::Spaced => format!(" \"{}\"\u{a0} ", text.replace('"', "\"\"")),
            Self::Single => format!("'{}'", text.replace('\'', "''")),
            Self::SingleBackslash => {
                format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
            }
            Self::SingleAsIs => within('\'', '\''),
            Self::Curly => within('\u{201c}', '\u{201d}'),
            Self::Low => within('\u{201e}', '\u{201c}'),
            Self::Guillemets => within('\u{ab}', '\u{bb}'),
            Self::CurlySingle => within('\u{2018}', '\u{2019}'),
        }
    }

    fn row(self, cells: &[String], delimiter: char) -> String {
        let cells: Vec<_> = cells.iter().map(|it| self.cell(it, delimiter)).collect();
        let line = cells.join(&delimiter.to_string());
        let wraps = match self {
            Self::Lines => true,
            Self::LinesNeeded => line.contains('"'),
            _ => false,
        };
        if wraps {
            format!("\"{}\"", line.replace('"', "\"\""))
        } else {
            line
        }
    }

    fn feed(self, rows: &[Cells], delimiter: char, ends: &[&str]) -> String {
        let mut ends = ends.iter().cycle();
        rows.iter()
            .map(|row| self.row(row, delimiter) + ends.next().unwrap())
            .collect()
    }

    /// What somebody's job is called so that the manner shows.
    fn job(self, word: &str) -> String {
        match self {
            Self::Single | Self::SingleBackslash | Self::SingleAsIs => {
                format!("Head of 'Care' {word}")
            }
            Self::Curly | Self::Low | Self::Guillemets => format!("Head of “Care” {word}"),
            Self::CurlySingle => format!("Head of ‘Care’ {word}"),
            _ => format!("Head of \"Care\" {word}"),
        }
    }

    /// What a person hears of it.
    fn styles(self) -> &'static [QuotingStyle] {
        use QuotingStyle::{
            Backslash, CurlyQuotes, InnerQuotes, SingleQuotes, SpacesAround, WholeLines,
        };
        match self {
            Self::Needed | Self::Always => &[],
            Self::Backslash | Self::BackslashNeeded => &[Backslash],
            Self::AsIs => &[InnerQuotes],
            Self::Spaced => &[SpacesAround],
            Self::Single => &[SingleQuotes],
            Self::SingleBackslash => &[SingleQuotes, Backslash],
            Self::SingleAsIs => &[SingleQuotes, InnerQuotes],
            Self::Curly | Self::Low | Self::Guillemets | Self::CurlySingle => &[CurlyQuotes],
            Self::Lines | Self::LinesNeeded => &[WholeLines],
        }
    }
}

/// What a feed was read as.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    columns: Vec<String>,
    rows: Vec<Cells>,
    /// For each refused row its line, the line and letters of the cell, and the last line.
    refused: Vec<(u32, u32, String, u32)>,
    styles: Vec<QuotingStyle>,
}

fn cells(record: &Record) -> Cells {
    let cells = (0..record.len()).map(|index| record.cell(index).unwrap().text.trim());
    cells.map(str::to_owned).collect()
}

fn read(bytes: &[u8]) -> Result<Found, FeedError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let source = FeedSource::from_argument(file.path());
    let mut feed = Feed::open(&source, &FeedOptions::default())?;
    let mut passes = Vec::new();
    for _ in 0..2 {
        let mut found = Found {
            columns: feed.columns().to_vec(),
            ..Found::default()
        };
        let mut spaced = Vec::new();
        feed.read(
            |batch| {
                let (mut rows, mut refused) = (Vec::new(), Vec::new());
                while let Some(record) = batch.next_record() {
                    match record.flaw() {
                        None => rows.push(cells(record)),
                        Some(flaw) => refused.push((
                            record.row().row(),
                            flaw.line.row(),
                            super::column_letters(flaw.cell),
                            flaw.last_line.row(),
                        )),
                    }
                }
                let remarks: Vec<_> = batch.take_remarks().into_iter().collect();
                (rows, refused, remarks)
            },
            |(rows, refused, remarks), _| {
                found.rows.extend(rows);
                found.refused.extend(refused);
                spaced.extend(remarks);
                Ok::<_, FeedError>(())
            },
        )?;
        let remarks = feed.remarks().into_iter().chain(spaced);
        found.styles = remarks
            .filter_map(|it| match it.remark {
                Remark::Quoting { style } => Some(style),
                _ => None,
            })
            .collect();
        passes.push(found);
    }
    assert_eq!(passes[0], passes[1], "another pass, other records");
    Ok(passes.remove(0))
}

/// The people of each language in `tests/encodings`, the header first.
fn languages() -> Vec<(String, Vec<Cells>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/encodings");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let language = name.strip_suffix(".utf-8.txt")?.to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let cells = |line: &str| line.split('\t').map(str::to_owned).collect();
            Some((language, text.lines().take(13).map(cells).collect()))
        })
        .collect();
    found.sort();
    found
}

#[test]
fn feeds_that_quote_in_any_way_are_read_rightly_with_each_delimiter_line_end_and_language() {
    let languages = languages();
    let mut next = languages.iter().cycle();
    let mut tally: BTreeMap<Manner, (usize, Vec<String>)> = BTreeMap::new();
    for manner in MANNERS {
        for delimiter in DELIMITERS {
            for ends in ENDS {
                let (language, people) = next.next().unwrap();
                let mut rows = people.clone();
                for (number, row) in rows.iter_mut().enumerate().skip(1) {
                    let place = &mut row[3];
                    match number % 4 {
                        0 => *place = manner.job(place),
                        1 => *place = format!("{place}{delimiter} annex"),
                        2 if !matches!(manner, Manner::Lines | Manner::LinesNeeded) => {
                            *place = format!("{place}\nannex");
                        }
                        _ => {}
                    }
                }
                let feed = manner.feed(&rows, delimiter, ends);
                let (right, wrong) = tally.entry(manner).or_default();
                let found = read(feed.as_bytes()).unwrap();
                let is_right = found.columns == rows[0] && found.rows == rows[1..];
                let styles: Vec<_> = (found.styles.iter().copied())
                    .filter(|it| manner != Manner::Spaced || *it == QuotingStyle::SpacesAround)
                    .collect();
                if is_right && styles == manner.styles() {
                    *right += 1;
                } else {
                    let refused = found.refused.len();
                    wrong.push(format!(
                        "{language} {delimiter:?} {ends:?}, refused {refused}"
                    ));
                }
            }
        }
    }
    let right: usize = tally.values().map(|(right, _)| right).sum();
    let wrong = tally.values().map(|(_, wrong)| wrong.len()).sum::<usize>();
    assert_eq!((right, wrong), (240, 0), "{tally:#?}");
}

#[track_caller]
fn reads(feed: &str, expected: &[&str]) {
    let found = read(feed.as_bytes()).unwrap();
    let rows: Vec<_> = found.rows.iter().map(|row| row.join("/")).collect();
    assert_eq!(rows, expected, "{feed}");
    assert_eq!((found.refused, found.styles), (vec![], vec![]), "{feed}");
}

#[test]
fn healthy_feeds_with_quotes_apostrophes_and_backslashes_stay_as_they_are() {
    reads(
        "ID,Name,Home\nE1,O'Brien,\"C:\\dir\\\"\nE2,'t Hart,\"C:\\new\\\"\nE3,'s-Graaf,\\\\host\\\n",
        &[
            "E1/O'Brien/C:\\dir\\",
            "E2/'t Hart/C:\\new\\",
            "E3/'s-Graaf/\\\\host\\",
        ],
    );
    reads(
        "\"ID\",\"Path\"\n\"1\",\"C:\\\"\n\"2\",\"D:\\a\\\"\n",
        &["1/C:\\", "2/D:\\a\\"],
    );
    reads(
        "ID,Size\n1,5'9\"\n2,19\" rack\n",
        &["1/5'9\"", "2/19\" rack"],
    );
    reads(
        "ID,Nick\n1,'Bo'\n2,Ann\n3,Cy\n4,Di\n",
        &["1/'Bo'", "2/Ann", "3/Cy", "4/Di"],
    );
    reads(
        "ID,Nick\n1,“Bo”\n2,Ann\n3,Cy\n4,Di\n",
        &["1/“Bo”", "2/Ann", "3/Cy", "4/Di"],
    );
    reads(
        "ID,Nick\n1,\"Bo \"\"B\"\" Lee\"\n2,\"\"\"Cy\"\"\"\n",
        &["1/Bo \"B\" Lee", "2/\"Cy\""],
    );
    reads(
        "ID,Note\n1,\"a\nb\rc\r\nd\"\n2,\n",
        &["1/a\nb\rc\r\nd", "2/"],
    );
    reads("Name\n'Ann'\n\"Bo, Lee\"\n", &["'Ann'", "Bo, Lee"]);
    reads(
        "ID,Names\n1,\"Ann, Bo\"\n2,\"Cy, Di\"\n",
        &["1/Ann, Bo", "2/Cy, Di"],
    );
}

#[track_caller]
fn refuses(feed: &str, rows: &[&str], refused: &[(u32, u32, &str, u32)]) {
    let found = read(feed.as_bytes()).unwrap();
    let is: Vec<_> = found.rows.iter().map(|row| row.join("/")).collect();
    assert_eq!(is, rows, "{feed}");
    let is: Vec<_> = (found.refused.iter())
        .map(|(row, line, cell, last)| (*row, *line, cell.as_str(), *last))
        .collect();
    assert_eq!(is, refused, "{feed}");
}

#[test]
fn a_row_that_is_not_certain_is_refused_with_its_cell_and_takes_no_other_with_it() {
    let head = "\"ID\",\"Name\",\"Job\"\n\"1\",\"A \"\"B\"\" C\",\"x\"\n";
    let of = |rows: &str| format!("{head}{rows}");
    let first = "1/A \"B\" C/x";
    // One inner quote that is not doubled, where others are.
    refuses(
        &of("\"2\",\"Ben \"Bo\" Lee\",\"y\"\n\"3\",\"Cy\",\"z\"\n"),
        &[first, "3/Cy/z"],
        &[(3, 3, "B", 3)],
    );
    refuses(
        &of("\"2\",\"Cy\",\"say \\\"x\\\" y\"\n\"3\",\"Cy\",\"z\"\n"),
        &[first, "3/Cy/z"],
        &[(3, 3, "C", 3)],
    );
    // A quote that nothing closes, with quotes behind it and without.
    refuses(
        &of("2,\"Ann,y\n3,\"Bo\",z\n4,Cy,z\n"),
        &[first, "3/Bo/z", "4/Cy/z"],
        &[(3, 3, "B", 3)],
    );
    refuses(
        &of("2,\"Ann,y\n3,Bo,z\n4,Cy,z\n"),
        &[first, "3/Bo/z", "4/Cy/z"],
        &[(3, 3, "B", 3)],
    );
    refuses(
        &of("2,Ann,\"y\n3,\"Bo\",\"z\"\n4,Cy,z\n"),
        &[first, "3/Bo/z", "4/Cy/z"],
        &[(3, 3, "C", 3)],
    );
    // One that another closes by chance, with a person between them.
    refuses(
        &of("2,\"Ann,y\n3,Bo,5'9\"\n4,Cy,z\n"),
        &[first, "4/Cy/z"],
        &[(3, 3, "B", 4)],
    );
    // Lines of a cell that is not certain are no rows.
    refuses(
        &of("2,\"Main \"2\"\nBox 3\",y\n3,Bo,z\n"),
        &[first, "3/Bo/z"],
        &[(3, 3, "B", 4)],
    );
}

#[test]
fn a_line_in_quotes_as_a_whole_is_the_row_that_it_was() {
    let found = read(b"ID,Name,Job\n1,\"A \"\"B\"\" C\",x\n\"2,Ann,y\"\n3,Bo,z\n").unwrap();
    assert_eq!(found.rows[1], ["2", "Ann", "y"]);
    assert_eq!(found.styles, [QuotingStyle::WholeLines]);
}

#[test]
fn rows_that_do_not_fit_the_manner_of_their_file_are_refused() {
    let people = |job: &str, more: &str| {
        format!("\"ID\",\"Name\",\"Job\"\n\"1\",\"Ann\",\"{job}\"\n{more}\n\"9\",\"Cy\",\"z\"\n")
    };
    // An inner quote before a delimiter.
    refuses(
        &people("Head of \"Care\" team", "\"2\",\"Ben \"Bo\", jr\",\"y\""),
        &["1/Ann/Head of \"Care\" team", "9/Cy/z"],
        &[(3, 3, "B", 3)],
    );
    // Where quotes are doubled, all must be.
    refuses(
        &people("Head of \"Care\" team", "\"2\",\"Ben\",\"say \"\"x\"\" y\""),
        &["2/Ben/say \"x\" y", "9/Cy/z"],
        &[(2, 2, "C", 2)],
    );
    refuses(
        &people(
            "Head of \\\"Care\\\" team",
            "\"2\",\"Ben \"Bo\" Lee\",\"y\"",
        ),
        &["1/Ann/Head of \"Care\" team", "9/Cy/z"],
        &[(3, 3, "B", 3)],
    );
    refuses(
        &people("Head of \\\"Care\\\" team", "\"2\",\"Ben\",\"Ed\"")
            .replace("\"z\"", "\"say \"\"x\"\" y\""),
        &["2/Ben/Ed", "9/Cy/say \"x\" y"],
        &[(2, 2, "C", 2)],
    );
    // Two backslashes in a file in which one means itself.
    refuses(
        &people("\\\"Care\\\" of A\\B", "\"2\",\"A\\\\B\",\"y\""),
        &["1/Ann/\"Care\" of A\\B", "9/Cy/z"],
        &[(3, 3, "B", 3)],
    );
    let head = "ID,Name\n1,'Okafor, PhD'\n2,'Bo'\n3,'Cy'\n4,'Di'\n";
    refuses(
        &format!("{head}5,'t Hart\n6,O'Brien\n"),
        &["1/Okafor, PhD", "2/Bo", "3/Cy", "4/Di"],
        &[(6, 6, "B", 7)],
    );
    refuses(
        &format!("{head}5,'t Hart\n6,Ed\n"),
        &["1/Okafor, PhD", "2/Bo", "3/Cy", "4/Di", "6/Ed"],
        &[(6, 6, "B", 6)],
    );
    // The rest of a value in the next line.
    refuses(
        &people("Head of \"Care\" team", "\"2\",\"Ben\",\"a \"b\"\nc\""),
        &["1/Ann/Head of \"Care\" team", "9/Cy/z"],
        &[(3, 3, "C", 4)],
    );
}

#[test]
fn a_damaged_row_does_not_change_what_backslashes_mean_in_others() {
    let cells = |feed: &str| read(feed.as_bytes()).unwrap().rows;
    // The only row whose backslashes show that they escape is the damaged one: two of them
    // may be one or two.
    for (head, damaged) in [
        ("'ID','Name','Job'", "'1',''Ann','Head of \\'Care\\' team'"),
        (
            "\"ID\",\"Name\",\"Job\"",
            "\"1\",\"Ann\",'\"Head of \\\"Care\\\" team\"",
        ),
    ] {
        let mark = head.chars().next().unwrap();
        let sound = ["2,C:\\\\x,y", "4,Cy,z", "5,Di,z", "3,Bo,z"].map(|row| {
            let cells = row.split(',').map(|cell| format!("{mark}{cell}{mark}"));
            cells.collect::<Vec<_>>().join(",")
        });
        let feed = format!("{head}\n{damaged}\n{}\n", sound.join("\n"));
        let rows = cells(&feed);
        assert_eq!(rows.last().unwrap(), &["3", "Bo", "z"], "{feed}");
        assert!(rows.iter().all(|row| row[0] != "2"), "{feed}");
    }
    // A sound row shows it, and what is wrong with another is no evidence against it.
    let head = "\"ID\",\"Name\",\"Job\"\n\"1\",\"Ann\",\"Head of \\\"Care\\\" team\"\n";
    for damaged in [
        "\"2\",\"Ox\"\",\"C:\\\\x\"\n\"3\",\"a\",\"C:\\\\x\"",
        "\"2\",\"x\n \"C:\\\\x (x) Ox\",\"Ann\"\n\"3\",\"a\",\"C:\\\\x\"",
    ] {
        let mut rows = cells(&format!("{head}{damaged}\n"));
        // Rows that are too short are refused by those who know the others.
        rows.retain(|row| row.len() == 3);
        assert_eq!(rows[0], ["1", "Ann", "Head of \"Care\" team"]);
        assert_eq!(rows.last().unwrap(), &["3", "a", "C:\\x"], "{damaged}");
        assert_eq!(rows.len(), 2, "{damaged}");
    }
}

#[test]
fn what_old_programs_and_glued_files_leave_between_rows_is_no_part_of_them() {
    for feed in [
        "ID,Name\n1,Ann\n2,Bo\n\u{1a}",
        "ID,Name\n1,Ann\n2,Bo\u{1a}",
        "ID,Name\r\n1,Ann\r\n\u{1a}\r\n2,Bo\u{1a}\u{1a}\r\n",
        "ID,Name\n1,Ann\n\u{feff}2,\"Bo\"\n",
        "\u{feff}ID,Name\n1,Ann\n\u{feff}ID,Name\n2,Bo\n",
        "ID,Name\n1,Ann\n\u{1a}\u{feff}\"2\",Bo\n",
        "ID,Name\r1,Ann\n2,Bo\r\n",
        "\"sep=,\"\nID,Name\n1,Ann\n2,\"Bo\"",
    ] {
        reads(feed, &["1/Ann", "2/Bo"]);
    }
}

/// Text that a manner can write so that it is certain how it is read.
fn text(manner: Manner, delimiter: char) -> BoxedStrategy<String> {
    let delimiter = delimiter.to_string();
    let words = ["Ann", "de", "Lee", "O", "7", "é", "山", "C:\\x", "(x)"];
    let own: &[&str] = match manner {
        Manner::AsIs => &["\"Bo\"", "'"],
        Manner::SingleAsIs => &["'Bo'", "\""],
        Manner::Curly | Manner::Low | Manner::Guillemets => &["“Bo”", "\"", "'"],
        Manner::CurlySingle => &["‘Bo’", "\"", "'"],
        _ => &["\"", "'", "\"\"", "\\", "x\"y"],
    };
    let is_without_breaks = matches!(
        manner,
        Manner::Lines
            | Manner::LinesNeeded
            | Manner::AsIs
            | Manner::SingleAsIs
            | Manner::Curly
            | Manner::Low
            | Manner::Guillemets
            | Manner::CurlySingle
    );
    let breaks: &[&str] = if is_without_breaks {
        &[]
    } else {
        &["\n", "\r\n"]
    };
    // What the cells of such files may not have side by side is refused, by other tests.
    let pieces: Vec<String> = words
        .iter()
        .chain(own)
        .chain(breaks)
        .map(|it| (*it).to_owned())
        .collect();
    let pieces: Vec<_> = pieces
        .into_iter()
        .chain([format!("a{delimiter}b")])
        .collect();
    prop::collection::vec(prop::sample::select(pieces), 1..5)
        .prop_map(|pieces| format!("x{}x", pieces.join(" ")))
        .boxed()
}

fn people() -> impl Strategy<Value = (Manner, char, &'static [&'static str], Vec<Cells>)> {
    let manners = prop::sample::select(MANNERS.to_vec());
    let delimiters = prop::sample::select(DELIMITERS.to_vec());
    let ends = prop::sample::select(ENDS.to_vec());
    (manners, delimiters, ends).prop_flat_map(|(manner, delimiter, ends)| {
        let row = prop::collection::vec(text(manner, delimiter), 3);
        let rows = prop::collection::vec(row, 1..8);
        rows.prop_map(move |rows| {
            let names = ["ID", "Name", "Job", "City"].map(str::to_owned).to_vec();
            let shows = [
                "E0".into(),
                "Ann".into(),
                manner.job("team"),
                "Ghent".into(),
            ]
            .to_vec();
            let people = (1..).zip(rows).map(|(number, mut row)| {
                row.insert(0, format!("E{number}"));
                row
            });
            (
                manner,
                delimiter,
                ends,
                [names, shows].into_iter().chain(people).collect(),
            )
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn people_written_in_any_of_these_manners_are_read_back_the_same(
        (manner, delimiter, ends, rows) in people(),
    ) {
        let found = read(manner.feed(&rows, delimiter, ends).as_bytes()).unwrap();
        prop_assert_eq!(&found.rows, &rows[1..]);
        prop_assert_eq!(found.refused, vec![]);
    }

    #[test]
    fn a_character_that_is_lost_or_added_puts_nobody_in_anothers_place(
        (manner, delimiter, ends, rows) in people(),
        at: prop::sample::Index,
        new in prop::sample::select(vec!["", "\"", "'", "\\", "“"]),
    ) {
        let feed = manner.feed(&rows, delimiter, ends);
        let length = feed.chars().count();
        let at = at.index(length);
        let damaged: String = (feed.chars().enumerate())
            .flat_map(|(index, char)| {
                let lost = index == at && (new.is_empty() && "\"'\\“".contains(char));
                let added = if index == at { new } else { "" };
                added.chars().chain((!lost).then_some(char)).collect::<Vec<_>>()
            })
            .collect();
        let Ok(found) = read(damaged.as_bytes()) else { return Ok(()) };
        // No mapping fits other columns.
        prop_assume!(found.columns == rows[0]);
        // The row with the damage may be read with it, and no other. In a file of a few rows
        // it can hide that backslashes stand before quotes: then all of them are text.
        let text = |row: &Cells| row.iter().map(|cell| cell.replace('\\', "")).collect::<Cells>();
        let (columns, whole) = (rows[0].len(), rows.iter().map(text).collect::<Vec<_>>());
        let wrong = found.rows.iter().filter(|row| row.len() == columns);
        let wrong = wrong.filter(|row| !whole.contains(&text(row)));
        prop_assert!(wrong.count() <= 1, "{:?} of {:?}", found.rows, damaged);
    }
}

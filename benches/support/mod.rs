//! Feeds of any size, and what the benches share.
#![allow(dead_code, reason = "each bench uses its part")]
#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot run must say so at once"
)]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use hrfeed::mapping::Mapping;

/// The header of the generated feeds: twelve columns.
pub(crate) const HEADER: [&str; 12] = [
    "Employee ID",
    "First",
    "Last",
    "Work Email",
    "Login",
    "Address",
    "City",
    "State",
    "Zip",
    "Country",
    "End date",
    "Department",
];

/// The cells of one row. Every row is sound and differs from all others.
pub(crate) fn row(number: u64) -> [String; 12] {
    let pick = |from: &[&str], salt: u64| {
        from[((number * 2_654_435_761 + salt * 40_503) >> 7) as usize % from.len()].to_owned()
    };
    let first = pick(
        &[
            "Jane", "Mohammed", "Zoë", "Wei", "Anna", "Luca", "Olga", "Sam",
        ],
        1,
    );
    let last = pick(
        &[
            "Smith", "de Vries", "Müller", "O'Neil", "Garcia", "Kowalska", "Nguyen",
        ],
        2,
    );
    [
        format!("E{number:07}"),
        first,
        last,
        format!("person{number}@example.com"),
        format!("login{number}"),
        format!("{} Main street", number % 997),
        pick(&["Columbus", "Utrecht", "Berlin", "Dublin", "Austin"], 3),
        pick(&["OH", "TX", "CA", "NY"], 4),
        format!("{:05}", number % 99_999),
        pick(&["US", "NL", "DE", "IE"], 5),
        format!(
            "{:02}-{:02}-{}",
            number % 28 + 1,
            number % 12 + 1,
            2026 + number % 10
        ),
        pick(&["Sales", "Finance", "Operations"], 6),
    ]
}

/// A CSV feed of that many rows, written once and kept under `target/bench`.
pub(crate) fn csv(rows: u64) -> PathBuf {
    cached(&format!("people-{rows}.csv"), |path| {
        let mut out = BufWriter::new(File::create(path).unwrap());
        writeln!(out, "{}", HEADER.join(",")).unwrap();
        for number in 0..rows {
            writeln!(out, "{}", row(number).join(",")).unwrap();
        }
        out.flush().unwrap();
    })
}

/// What is unusual about the rows of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Every cell is quoted.
    Quoted,
    /// There are 28 columns more.
    Wide,
    /// Two rows have one external ID.
    OneDuplicate,
    /// Of 1,000 rows, two have a wrong value, and two the external ID of another row, which
    /// is wrong with it.
    Wrong,
}

/// A CSV feed of that many rows in which something is unusual.
pub(crate) fn csv_of(shape: Shape, rows: u64) -> PathBuf {
    const MORE: u64 = 28;
    let line = |mut cells: Vec<String>| {
        if shape == Shape::Quoted {
            for cell in &mut cells {
                *cell = format!("\"{cell}\"");
            }
        }
        cells.join(",")
    };
    cached(&format!("people-{shape:?}-{rows}.csv"), |path| {
        let mut out = BufWriter::new(File::create(path).unwrap());
        let more = (0..MORE).map(|column| format!("Extra {column}"));
        let more: Vec<_> = more.filter(|_| shape == Shape::Wide).collect();
        let header = HEADER.map(str::to_owned).into_iter().chain(more.clone());
        writeln!(out, "{}", line(header.collect())).unwrap();
        for number in 0..rows {
            let mut cells = row(number);
            let id_of = match shape {
                Shape::OneDuplicate => (number == rows / 2).then_some(rows / 4),
                Shape::Wrong if number % 1_000 == 7 => {
                    cells[3] = "nobody".into();
                    None
                }
                Shape::Wrong if number % 1_000 == 13 => {
                    cells[10] = "31-02-2027".into();
                    None
                }
                Shape::Wrong => (number % 500 == 499).then(|| number - 100),
                Shape::Quoted | Shape::Wide => None,
            };
            if let Some(other) = id_of {
                cells[0].clone_from(&row(other)[0]);
            }
            let extra = more.iter().map(|_| format!("x{}", number % 97));
            writeln!(out, "{}", line(cells.into_iter().chain(extra).collect())).unwrap();
        }
        out.flush().unwrap();
    })
}

/// A CSV feed of that many rows, most of them with letters of Japanese or Western names, in
/// an encoding that has them.
pub(crate) fn csv_in(encoding: &str, is_japanese: bool, rows: u64) -> PathBuf {
    let language = if is_japanese { "ja" } else { "de" };
    let (first, last, city) = if is_japanese {
        (["陽子", "大輔", "Ken"], ["高橋", "佐藤", "山田"], "東京")
    } else {
        (
            ["Jörg", "Käthe", "Anja"],
            ["Müller", "Weiß", "Vogel"],
            "Köln",
        )
    };
    cached(
        &format!("people-{language}-{encoding}-{rows}.csv"),
        |path| {
            let mut out = BufWriter::new(File::create(path).unwrap());
            let mut write = |line: &str| out.write_all(&encoded(encoding, line)).unwrap();
            write(&(HEADER.join(";") + "\r\n"));
            for number in 0..rows {
                let mut row = row(number);
                let pick = |from: [&str; 3], by: u64| from[(number / by % 3) as usize].to_owned();
                (row[1], row[2], row[6]) = (pick(first, 1), pick(last, 3), city.to_owned());
                write(&(row.join(";") + "\r\n"));
            }
            out.flush().unwrap();
        },
    )
}

fn encoded(encoding: &str, line: &str) -> Vec<u8> {
    // Of DOS, the letters of these names.
    let in_dos = |char: char| match char {
        'ü' => 0x81,
        'ä' => 0x84,
        'ö' => 0x94,
        'ß' => 0xe1,
        char => u8::try_from(char).unwrap(),
    };
    match encoding {
        "cp850" => line.chars().map(in_dos).collect(),
        "utf-16le" => line.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        label => {
            let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap();
            encoding.encode(line).0.into_owned()
        }
    }
}

/// An XLSX feed of that many rows, written once and kept under `target/bench`.
pub(crate) fn xlsx(rows: u32) -> PathBuf {
    cached(&format!("people-{rows}.xlsx"), |path| {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet_with_constant_memory().unwrap();
        for (column, name) in (0..).zip(HEADER) {
            sheet.write_string(0, column, name).unwrap();
        }
        for number in 0..rows {
            for (column, cell) in (0..).zip(row(u64::from(number))) {
                sheet.write_string(number + 1, column, cell).unwrap();
            }
        }
        workbook.save(path).unwrap();
    })
}

fn cached(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(name);
    if !path.exists() {
        let partial = folder.join(format!("partial-{name}"));
        make(&partial);
        std::fs::rename(&partial, &path).unwrap();
    }
    path
}

/// A mapping of eleven of the twelve columns, with every kind of check.
pub(crate) fn mapping(base_url: &str, requests_per_second: u32, max_in_flight: u32) -> Mapping {
    let text = format!(
        r#"
        [target]
        system = "kmi"
        base_url = "{base_url}"
        api_key = {{ env = "KMI_API_KEY" }}
        api_secret = {{ env = "KMI_API_SECRET" }}
        requests_per_second = {requests_per_second}
        max_in_flight = {max_in_flight}
        [fields]
        externalId = "Employee ID"
        email = {{ column = "Work Email", lower = true }}
        firstName = "First"
        lastName = "Last"
        loginName = "Login"
        address = "Address"
        city = "City"
        state = "State"
        zip = "Zip"
        country = "Country"
        expirationDate = {{ column = "End date", date = "%d-%m-%Y" }}
        "#
    );
    Mapping::parse(Path::new("bench.toml"), &text).unwrap()
}

//! What must hold for the header of any feed, and what newcomers' feeds showed.

use std::path::Path;

use jiff::civil::date;
use proptest::prelude::*;

use super::draft_tests::draft;
use super::*;
use crate::feed::FeedSource;
use crate::headers::{Meaning, names};
use crate::mapping::Mapping;
use crate::schema::FieldKind;

/// The lines of a draft that are not remarks, below [fields].
fn fields(draft: &Draft) -> String {
    let fields = draft.text.split("[fields]\n").nth(1).unwrap_or_default();
    let lines = fields
        .split("\n[unique]")
        .next()
        .unwrap_or_default()
        .lines();
    let lines = lines.filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// What the mapping says of a column that it does not use.
fn unused<'d>(draft: &'d Draft, column: &str) -> &'d str {
    let unused = draft.unused.iter().find(|it| it.column == column);
    unused.and_then(|it| it.why.as_deref()).unwrap_or_default()
}

#[test]
fn names_in_two_columns_are_first_and_last_whatever_each_is_called() {
    for (first, last) in [
        ("Name", "Surname"),
        ("Given", "Family"),
        ("First", "Last"),
        ("Fornavn", "Etternavn"),
        ("Fornavn", "Navn"),
        ("Nome", "Cognome"),
        ("Nome", "Sobrenome"),
        ("Imię", "Nazwisko"),
        ("Förnamn", "Efternamn"),
    ] {
        for (left, right) in [(first, last), (last, first)] {
            let cells = |is_first: &str| if is_first == first { "Ann" } else { "Lee" };
            let feed = format!(
                "ID,{left},{right},Email\nE17,{},{},ann@example.com\n",
                cells(left),
                cells(right)
            );
            let draft = draft(System::Kmi, &feed);
            let fields = fields(&draft);
            for line in [
                format!("firstName = \"{first}\""),
                format!("lastName = \"{last}\""),
            ] {
                assert!(fields.contains(&line), "{left},{right}: {fields}");
            }
        }
    }
}

#[test]
fn a_name_that_has_the_surname_too_is_cut() {
    let feed =
        "ID,Name,Surname,Email\nE17,Ann Lee,Lee,a@example.com\nE18,Bo Kay,Kay,b@example.com\n";
    let fields_of = |feed: &str| fields(&draft(System::Kmi, feed));
    assert!(
        fields_of(feed).contains("firstName = { template = \"{{ row['Name']|split|first }}\" }")
    );
    // Alone, `Nome` is a full name where its cells are.
    let feed = "Matrícula,Nome,E-mail\nM17,Ana Souza,a@example.com\nM18,Rui Lima,b@example.com\n";
    assert!(
        fields_of(feed)
            .contains("lastName = { template = \"{{ (row['Nome']|split)[1:]|join(' ') }}\" }")
    );
}

#[test]
fn a_half_empty_id_beside_a_complete_address_is_not_the_id_and_that_is_said() {
    let rows = |filled: usize| {
        let rows = (1..=10).map(|it| {
            let id = if it <= filled {
                format!("E{it}")
            } else {
                String::new()
            };
            format!("{id},Ann,Lee,ann{it}@example.com\n")
        });
        format!(
            "Employee ID,First name,Last name,Email\n{}",
            rows.collect::<String>()
        )
    };
    for filled in [2, 5, 8] {
        let draft = draft(System::Kmi, &rows(filled));
        let share = filled * 10;
        assert!(fields(&draft).contains("externalId = { column = \"Email\", lower = true }"));
        assert_eq!(
            draft.checks,
            [format!(
                "externalId: `Employee ID` is {share}% filled and `Email` all filled: the e-mail \
                 address is used, so a person whose address changes becomes a new person"
            )]
        );
        assert_eq!(
            unused(&draft, "Employee ID"),
            format!("a key, but {share}% filled")
        );
    }
    let whole = draft(System::Kmi, &rows(9));
    assert!(
        fields(&whole).contains("externalId = \"Employee ID\""),
        "{}",
        whole.text
    );
}

#[test]
fn whoever_is_suspended_in_a_directory_is_left_out() {
    let status = "First Name [Required],Last Name [Required],Email Address [Required],Status [READ ONLY]\n\
                  Ann,Lee,ann@example.com,Active\nBo,Kay,bo@example.com,Suspended\n";
    let flag = "primaryEmail,name.givenName,name.familyName,suspended,orgUnitPath\n\
                ann@example.com,Ann,Lee,False,/\nbo@example.com,Bo,Kay,True,/\n";
    for (feed, filter) in [
        (status, "row['Status [READ ONLY]']|lower != 'suspended'"),
        (flag, "row['suspended']|lower != 'true'"),
    ] {
        let draft = draft(System::Kmi, feed);
        let line = format!("\nwhere = \"{filter}\"\n");
        assert!(draft.text.contains(&line), "{}", draft.text);
    }
    // An employee who is suspended is still one.
    let staff = "ID,First name,Last name,Email,Employment status\n\
                 1,Ann,Lee,ann@example.com,Active\n2,Bo,Kay,bo@example.com,Suspended\n";
    let draft = draft(System::Kmi, staff);
    assert!(
        !draft.text.contains("where = \"row['Empl"),
        "{}",
        draft.text
    );
}

#[test]
fn a_password_is_left_alone_once() {
    let feed = "ID,First name,Last name,Email,Password\n1,Ann,Lee,ann@example.com,Quay-71x\n";
    for system in System::ALL {
        let draft = draft(*system, feed);
        assert_eq!(
            draft.text.matches("\"Password\"").count(),
            1,
            "{}",
            draft.text
        );
        assert_eq!(unused(&draft, "Password"), "a password, left alone");
    }
}

#[test]
fn masked_cells_are_no_values() {
    let feed = "Employee ID,First name,Last name,Email,City,Password\n\
                ****,Ann,Lee,ann@example.com,•••••,****\n****,Bo,Kay,bo@example.com,•••••,****\n";
    let masked = draft(System::Kmi, feed);
    assert!(!masked.text.contains("**"), "{}", masked.text);
    assert!(fields(&masked).contains("externalId = { column = \"Email\", lower = true }"));
    assert!(!fields(&masked).contains("city"), "{}", masked.text);
    for column in ["Employee ID", "City"] {
        assert_eq!(
            unused(&masked, column),
            "masked: its cells hide their values"
        );
    }
    assert_eq!(unused(&masked, "Password"), "a password, left alone");
    let feed =
        "ID,First name,Last name,Email\n1,Ann,Lee,a***@example.com\n2,Bo,Kay,b***@example.com\n";
    assert_eq!(draft(System::Kmi, feed).missing, ["email"]);
    // A mark at an address or a name is none.
    let feed = "Employee ID,First name,Last name,Email\n1*,Ann**,Lee,ann@example.com\n2,Bo,Kay,bo@example.com\n";
    assert!(fields(&draft(System::Kmi, feed)).contains("externalId = \"Employee ID\""));
}

/// What password cells are in the feeds below.
const SECRET: &str = "S3cret";

/// A name as somebody could write it.
fn header() -> impl Strategy<Value = String> {
    let known: Vec<_> = names().map(|(_, name)| name).collect();
    let known = prop::sample::select(known);
    prop_oneof![
        2 => known.clone().prop_map(str::to_owned),
        1 => known.clone().prop_map(str::to_uppercase),
        1 => known.clone().prop_map(|name| format!(" {} * ", name.to_lowercase())),
        1 => (known.clone(), known).prop_map(|(one, other)| format!("{one} - {other}")),
        1 => "\\PC{0,12}",
        1 => "[\\x00-\\x7f]{0,8}",
        1 => Just(String::new()),
        1 => "[a-zé ]{150,200}",
    ]
}

/// A cell, of whatever.
fn cell_of_any_kind() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("****".to_owned()),
        "[a-z]{1,6}@example\\.com",
        "E[0-9]{1,4}",
        "[A-Z][a-z]{1,5} [A-Z][a-z]{1,5}",
        "[A-Z][a-z]{1,5}",
        prop::sample::select(vec![
            "Active",
            "Terminated",
            "yes",
            "no",
            "Mr",
            "NL",
            "Germany"
        ])
        .prop_map(str::to_owned),
        "(19|20)[0-9]{2}-0[1-9]-1[0-9]",
        "[0-3][0-9]/0[1-9]/[0-9]{2}",
        "\\PC{0,8}",
    ]
}

fn csv(rows: &[Vec<String>]) -> String {
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .map(|it| format!("\"{}\"", it.replace('"', "\"\"")));
        cells.collect::<Vec<_>>().join(",") + "\n"
    };
    rows.iter().map(line).collect()
}

/// The first mapping for a feed, if that is one.
fn draft_of_any(system: System, feed: &str) -> Option<(Draft, Feed)> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, feed.as_bytes()).unwrap();
    let source = FeedOptions::default();
    let mut feed = Feed::open(&FeedSource::from_argument(file.path()), &source).ok()?;
    let options = DraftOptions {
        system,
        feed_name: "people.csv".into(),
        source,
        is_newest: false,
    };
    let draft = Draft::of(&mut feed, &options).ok()?;
    Some((draft, feed))
}

fn is_password(column: &str) -> bool {
    let readings = headers::read(column);
    readings
        .first()
        .is_some_and(|it| it.meaning == Meaning::Password)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_header_becomes_a_mapping_that_fits_or_says_what_is_missing(
        header in prop::collection::vec(header(), 1..8),
        cells in prop::collection::vec(prop::collection::vec(cell_of_any_kind(), 8), 0..5),
        is_kmi in any::<bool>(),
    ) {
        let system = if is_kmi { System::Kmi } else { System::ANewSpring };
        let mut rows = vec![header.clone()];
        for cells in cells {
            let cells = header.iter().zip(cells);
            rows.push(cells.map(|(name, cell)| {
                if is_password(name) { SECRET.to_owned() } else { cell }
            }).collect());
        }
        let Some((draft, feed)) = draft_of_any(system, &csv(&rows)) else {
            return Ok(());
        };
        let text = &draft.text;
        // A row below may look more like a header than this one does.
        let is_header = feed.header_row().to_string() == "1";
        prop_assert!(!is_header || !text.contains(SECRET), "{text}");
        if draft.missing.is_empty() {
            let mapping = Mapping::parse(Path::new("m.toml"), text);
            let mapping = mapping.map_err(|it| TestCaseError::fail(format!("{it}\n{text}")))?;
            let bound = mapping.bind_feed(&feed, date(2026, 11, 26));
            prop_assert!(bound.is_ok(), "{:?}\n{text}", bound.err());
        } else {
            prop_assert!(text.parse::<toml::Table>().is_ok(), "{text}");
            for field in &draft.missing {
                prop_assert!(text.contains(&format!("\n# ? {field} = ")), "{field}\n{text}");
            }
        }
        let keys: Vec<_> = system.spec().fields.iter()
            .filter(|it| matches!(it.kind, FieldKind::ExternalId | FieldKind::Login | FieldKind::Email))
            .map(|it| it.name)
            .collect();
        let mut taken: Vec<(&str, &str)> = Vec::new();
        for proposal in draft.proposals.iter().filter(|it| it.setting.is_some()) {
            for column in &proposal.columns {
                prop_assert!(!is_password(column), "{column}\n{text}");
            }
            // A template takes a part of its columns.
            let [column] = &proposal.columns[..] else { continue };
            if proposal.setting.as_ref().is_some_and(|it| it.contains("template")) {
                continue;
            }
            let twice = taken.iter().find(|(_, it)| it == column);
            prop_assert!(
                twice.is_none_or(|(other, _)| keys.contains(other) && keys.contains(&proposal.field)),
                "{column} is {} and {twice:?}\n{text}", proposal.field
            );
            taken.push((proposal.field, column));
        }
    }
}

//! Which column of a feed is which field of the target, by name and content.

use unicode_normalization::UnicodeNormalization as _;

use super::columns::Column;
use super::names::{is_secret, names};
use super::words;
use crate::mapping::{fold, likely_forms};
use crate::schema::{Field, FieldKind, Part};

/// A text without case, accents, white space and punctuation.
fn normalized(text: &str) -> String {
    // What is above and below a letter is a character of its own in NFD.
    text.nfd()
        .filter(|char| char.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// For each detail of a person the column it probably comes from. No column is
/// used twice, but for logins that are e-mail addresses. Roles, groups and
/// passwords are never guessed: see [`suggest_column`].
pub(super) fn recognise(
    fields: &'static [Field],
    columns: &[Column],
) -> Vec<(&'static Field, Option<usize>)> {
    let titles: Vec<_> = (columns.iter().map(|column| normalized(&column.name))).collect();
    let mut used: Vec<_> = columns
        .iter()
        .zip(&titles)
        .map(|(column, title)| column.repeated || is_secret(title))
        .collect();
    let mut found: Vec<(&'static Field, Option<usize>)> = fields
        .iter()
        .filter(|field| field.part == Part::Details)
        .map(|field| (field, None))
        .collect();
    let ranks = found.iter().map(|(field, _)| names(field).count()).max();
    // The surest names of all fields first, so that `userid` goes to the
    // external ID only where no better column is there.
    for rank in 0..ranks.unwrap_or(0) {
        for (field, column) in &mut found {
            if column.is_some() {
                continue;
            }
            let Some(name) = names(field).nth(rank) else {
                continue;
            };
            let hit = (0..columns.len()).find(|index| !used[*index] && titles[*index] == name);
            if let Some(index) = hit.filter(|index| is_plausible(field, &columns[*index])) {
                used[index] = true;
                *column = Some(index);
            }
        }
    }
    let login = found
        .iter()
        .find(|(field, _)| field.kind == FieldKind::Login)
        .and_then(|(_, column)| *column);
    for (field, column) in &mut found {
        if field.kind == FieldKind::Email && column.is_none() {
            let mut free = (0..columns.len()).filter(|index| !used[*index]);
            *column = free
                .find(|index| is_mostly_emails(&columns[*index]))
                .or(login.filter(|index| is_mostly_emails(&columns[*index])));
        }
    }
    found
}

/// The column to suggest for a field where a wrong guess would do harm: roles,
/// groups, passwords.
pub(super) fn suggest_column<'c>(field: &Field, columns: &'c [Column]) -> Option<&'c Column> {
    names(field).find_map(|name| {
        let mut named = (columns.iter()).filter(|column| normalized(&column.name) == name);
        named.next().filter(|column| !column.repeated)
    })
}

/// What a column's words for a gender must be translated to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Genders {
    /// Words and their meaning, which is empty for `unknown`. Empty if hrfeed knows
    /// all words.
    pub(super) map: Vec<(String, &'static str)>,
    /// Words that mean neither.
    pub(super) neither: Vec<String>,
}

impl Genders {
    pub(super) fn of(samples: &[String]) -> Self {
        let mut it = Self::default();
        let mut seen = Vec::new();
        let mut is_needed = false;
        for sample in samples {
            // As a map compares them: case and white space do not count.
            let word = fold(sample);
            if seen.contains(&word) {
                continue;
            }
            match words::gender(&normalized(sample)) {
                Some(meant) => {
                    is_needed |= !words::is_known_gender(&word);
                    it.map.push((sample.clone(), meant));
                }
                None => it.neither.push(sample.clone()),
            }
            seen.push(word);
        }
        it.map
            .sort_unstable_by_key(|(word, meant)| (*meant, word.clone()));
        it.neither.sort_unstable();
        if !is_needed {
            it.map.clear();
        }
        it
    }
}

fn is_mostly_emails(column: &Column) -> bool {
    column.filled > 0 && column.emails * 10 >= column.filled * 8
}

/// Whether a column's content can be the field's.
pub(super) fn is_plausible(field: &Field, column: &Column) -> bool {
    // An ID is different for each person, but for a few mistakes.
    let is_distinct = column.distinct * 10 >= column.filled * 8;
    match field.kind {
        FieldKind::Email => column.filled == 0 || column.emails * 2 >= column.filled,
        FieldKind::ExternalId => is_distinct && column.filled * 2 >= column.rows,
        // People without a login are refused, and the e-mail address serves
        // as well.
        FieldKind::Login => is_distinct && column.filled * 10 >= column.rows * 8,
        _ if field.name == "title" => {
            let titles = column
                .samples
                .iter()
                .filter(|it| words::is_title(&normalized(it)));
            titles.count() * 2 >= column.samples.len()
        }
        _ => true,
    }
}

/// The date form of most samples of a column, if they are dates and not ISO ones,
/// and whether another form fits as well.
pub(super) fn date_form<'s>(
    samples: impl IntoIterator<Item = &'s String>,
) -> Option<(&'static str, bool)> {
    let is_number = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
    let samples = samples.into_iter().map(|sample| sample.trim());
    let samples: Vec<_> = samples.filter(|sample| !sample.is_empty()).collect();
    let forms = likely_forms(samples.iter().copied());
    let forms = if forms.is_empty() {
        // Numbers among dates are cells that lost their format.
        likely_forms(samples.into_iter().filter(|sample| !is_number(sample)))
    } else {
        forms
    };
    match forms.as_slice() {
        [] | ["%Y-%m-%d", ..] => None,
        [form, others @ ..] => Some((form, !others.is_empty())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::System;

    fn columns(names: &[&str]) -> Vec<Column> {
        names
            .iter()
            .map(|name| Column {
                name: (*name).into(),
                ..Column::default()
            })
            .collect()
    }

    fn found(names: &[&str]) -> Vec<(&'static str, String)> {
        found_for(System::Kmi, names)
    }

    fn found_for(system: System, names: &[&str]) -> Vec<(&'static str, String)> {
        let columns = columns(names);
        recognise(system.spec().fields, &columns)
            .into_iter()
            .filter_map(|(field, column)| Some((field.name, columns[column?].name.clone())))
            .collect()
    }

    #[test]
    fn columns_are_recognised_by_the_names_that_hr_systems_give() {
        assert_eq!(
            found(&[
                "Personeelsnummer",
                "Voornaam",
                "Achternaam",
                "E-mail adres",
                "Land"
            ]),
            [
                ("externalId", "Personeelsnummer".to_owned()),
                ("email", "E-mail adres".to_owned()),
                ("firstName", "Voornaam".to_owned()),
                ("lastName", "Achternaam".to_owned()),
                ("country", "Land".to_owned()),
            ]
        );
    }

    /// The fields that these columns become, as `field Column`, in a row.
    fn for_anewspring(names: &[&str]) -> String {
        let found = found_for(System::ANewSpring, names);
        let found: Vec<_> = found
            .iter()
            .map(|(field, column)| format!("{field}: {column}"))
            .collect();
        found.join("\n")
    }

    #[test]
    fn dutch_and_german_columns_are_recognised_for_anewspring() {
        insta::assert_snapshot!(for_anewspring(&[
            "Personeelsnummer", "Aanhef", "Voorletters", "Roepnaam", "Tussenvoegsel", "Achternaam",
            "Geslacht", "Geboortedatum", "E-mailadres zakelijk", "Telefoonnummer", "Mobiel nummer",
            "Straat", "Postcode", "Woonplaats", "Land", "Functie", "Werkgever", "Afdeling",
        ]), @"
        userID: Personeelsnummer
        firstName: Roepnaam
        middleName: Tussenvoegsel
        lastName: Achternaam
        email: E-mailadres zakelijk
        gender: Geslacht
        title: Aanhef
        initials: Voorletters
        function: Functie
        company: Werkgever
        dateOfBirth: Geboortedatum
        telephoneNumber: Telefoonnummer
        cellPhoneNumber: Mobiel nummer
        address: Straat
        zip: Postcode
        residence: Woonplaats
        country: Land
        ");
        insta::assert_snapshot!(for_anewspring(&[
            "Personalnummer", "Anrede", "Vorname", "Nachname", "Geschlecht", "Geburtsdatum",
            "E-Mail", "Telefon", "Handy", "Straße", "PLZ", "Wohnort", "Land", "Stellenbezeichnung",
            "Firma", "Abteilung",
        ]), @"
        userID: Personalnummer
        firstName: Vorname
        lastName: Nachname
        email: E-Mail
        gender: Geschlecht
        title: Anrede
        function: Stellenbezeichnung
        company: Firma
        dateOfBirth: Geburtsdatum
        telephoneNumber: Telefon
        cellPhoneNumber: Handy
        address: Straße
        zip: PLZ
        residence: Wohnort
        country: Land
        ");
    }

    #[test]
    fn the_columns_of_anewspring_s_own_import_are_recognised_with_and_without_star() {
        insta::assert_snapshot!(for_anewspring(&[
            "Gender", "Title", "ExternalID", "FirstName*", "MiddleName", "LastName*", "Login*",
            "Password", "ForcePasswordChange", "Renewable", "Email", "Initials", "Function",
            "Company", "DateOfBirth", "TelephoneNumber", "CellPhoneNumber", "Address", "Zip",
            "Residence", "Country", "Custom1", "Custom2", "Custom3", "Custom4", "Custom5",
        ]), @"
        userID: ExternalID
        login: Login*
        firstName: FirstName*
        middleName: MiddleName
        lastName: LastName*
        email: Email
        gender: Gender
        title: Title
        initials: Initials
        function: Function
        company: Company
        dateOfBirth: DateOfBirth
        telephoneNumber: TelephoneNumber
        cellPhoneNumber: CellPhoneNumber
        address: Address
        zip: Zip
        residence: Residence
        country: Country
        custom1: Custom1
        custom2: Custom2
        custom3: Custom3
        custom4: Custom4
        custom5: Custom5
        renewable: Renewable
        ");
    }

    #[test]
    fn a_title_is_a_form_of_address_or_a_job_as_its_cells_say() {
        let column = |samples: &[&str]| Column {
            samples: samples.iter().map(|it| (*it).to_owned()).collect(),
            ..filled("Title", 10)
        };
        let field_of = |column: Column| {
            let found = recognise(System::ANewSpring.spec().fields, &[column]);
            let field = found.iter().find(|(_, column)| column.is_some());
            field.map(|(field, _)| field.name)
        };
        assert_eq!(
            field_of(column(&["Dr.", "Prof. dr.", "Mevr."])),
            Some("title")
        );
        assert_eq!(
            field_of(column(&["Welder", "Dr.", "Nurse"])),
            Some("function")
        );
    }

    #[test]
    fn words_for_a_gender_are_translated_where_one_is_not_known_anyway() {
        let of = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(|it| (*it).to_owned()).collect();
            let genders = Genders::of(&words);
            let map: Vec<_> = genders
                .map
                .iter()
                .map(|(it, to)| format!("{it}={to}"))
                .collect();
            format!("{} | {}", map.join(" "), genders.neither.join(" "))
        };
        assert_eq!(of(&["M", "V"]), "V=female M=male | ");
        assert_eq!(
            of(&["männlich", "Weiblich", "weiblich", "divers"]),
            "Weiblich=female männlich=male | divers"
        );
        assert_eq!(of(&["Dhr.", "Mevr."]), "Mevr.=female Dhr.=male | ");
        assert_eq!(of(&["Female", "m", "F"]), " | ");
        assert_eq!(of(&["F", "Unknown"]), "Unknown= F=female | ");
        assert_eq!(of(&["1", "2"]), " | 1 2");
    }

    #[test]
    fn a_column_that_could_be_wanted_is_named_only_where_its_name_is_unique() {
        let field = |name| System::ANewSpring.spec().field(name).unwrap();
        let columns = columns(&["Afdeling", "Rol"]);
        assert_eq!(
            suggest_column(field("group"), &columns).map(|it| &*it.name),
            Some("Afdeling")
        );
        let twice = [filled("Role", 3), filled("Role", 3)].map(|column| Column {
            repeated: true,
            ..column
        });
        assert!(suggest_column(field("role"), &twice).is_none());
    }

    #[test]
    fn a_user_id_is_the_login_where_a_worker_id_stands_beside_it() {
        let found = found(&["WorkerID", "UserID"]);
        assert_eq!(
            found,
            [
                ("externalId", "WorkerID".to_owned()),
                ("loginName", "UserID".to_owned())
            ]
        );
    }

    #[test]
    fn the_e_mail_is_known_by_its_content_too() {
        let mut columns = columns(&["sourcedId", "contact"]);
        columns[1] = Column {
            emails: 9,
            ..filled("contact", 10)
        };
        let found = recognise(System::Kmi.spec().fields, &columns);
        assert!(
            found
                .iter()
                .any(|(field, column)| field.name == "email" && *column == Some(1))
        );
    }

    /// A column of ten rows, the first of them filled and no value twice.
    fn filled(name: &str, filled: u32) -> Column {
        Column {
            name: name.into(),
            rows: 10,
            filled,
            distinct: filled,
            ..Column::default()
        }
    }

    /// The name of the column that a field is found in.
    fn column_of<'c>(field: &str, columns: &'c [Column]) -> Option<&'c str> {
        let found = recognise(System::Kmi.spec().fields, columns);
        let (_, column) = found.iter().find(|(it, _)| it.name == field)?;
        Some(&columns[(*column)?].name)
    }

    #[test]
    fn logins_that_are_addresses_serve_as_the_e_mail_too() {
        let columns = [
            filled("sourcedId", 10),
            Column {
                emails: 10,
                ..filled("username", 10)
            },
        ];
        assert_eq!(column_of("email", &columns), Some("username"));
        assert_eq!(column_of("loginName", &columns), Some("username"));
    }

    #[test]
    fn a_password_is_never_taken_for_anything() {
        for name in ["password", "Pass word", "Wachtwoord", "PIN"] {
            let columns = [Column {
                emails: 10,
                ..filled(name, 10)
            }];
            assert_eq!(column_of("email", &columns), None, "{name}");
        }
    }

    #[test]
    fn a_column_that_is_mostly_empty_is_neither_id_nor_login() {
        let columns = [
            filled("Employee ID", 4),
            filled("id", 10),
            filled("login", 7),
        ];
        assert_eq!(column_of("externalId", &columns), Some("id"));
        assert_eq!(column_of("loginName", &columns), None);
    }

    #[test]
    fn of_columns_with_one_name_none_is_used() {
        let columns = [
            Column {
                repeated: true,
                ..filled("id", 10)
            },
            Column {
                repeated: true,
                ..filled("id", 10)
            },
        ];
        assert_eq!(column_of("externalId", &columns), None);
    }

    #[test]
    fn one_day_above_twelve_settles_day_and_month() {
        let form = |samples: &[&str]| {
            date_form(
                &samples
                    .iter()
                    .map(|sample| (*sample).to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(
            form(&["01/02/2017", "15/10/2017"]),
            Some(("%d/%m/%Y", false))
        );
        assert_eq!(
            form(&["01/02/2017", "10/15/2017"]),
            Some(("%m/%d/%Y", false))
        );
        assert_eq!(form(&["01/02/2017"]), Some(("%d/%m/%Y", true)));
        assert_eq!(form(&["01/02/17", "15/10/17"]), Some(("%d/%m/%y", false)));
        assert_eq!(form(&["01.02.17"]), Some(("%d.%m.%y", false)));
        assert_eq!(form(&["soon"]), None);
        assert_eq!(form(&[""]), None);
    }
}

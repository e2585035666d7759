//! Which column of a feed is which field of the target, by name and content.

use crate::mapping::{DateForm, fold};
use crate::schema::{Field, Kind};

/// A column, and what its first cells look like.
#[derive(Debug, Default)]
pub(super) struct Column {
    pub(super) name: String,
    /// Another column has the same name, so that a mapping can name neither.
    pub(super) repeated: bool,
    /// Rows that were looked at.
    pub(super) rows: u32,
    pub(super) filled: u32,
    /// Cells that hold an e-mail address.
    pub(super) emails: u32,
    /// Cells that differ from all before.
    pub(super) distinct: u32,
    /// Some of these.
    pub(super) samples: Vec<String>,
}

/// Names that HR systems give to a field's column, folded (no case, white
/// space or punctuation), the surest first: English, Dutch, German, French,
/// Spanish.
#[expect(clippy::too_many_lines, reason = "a table")]
fn names(field: &str) -> &'static [&'static str] {
    match field {
        "externalId" => &[
            "externalid",
            "employeeid",
            "employeenumber",
            "employeeno",
            "employeenr",
            "personid",
            "personnelnumber",
            "personnelid",
            "personnumber",
            "workerid",
            "staffid",
            "staffnumber",
            "associateid",
            "sourcedid",
            "medewerkernummer",
            "personeelsnummer",
            "personalnummer",
            "mitarbeiternummer",
            "matricule",
            "numeroempleado",
            "badgenumber",
            "payrollnumber",
            "userid",
            "emplid",
            "empid",
            "id",
        ],
        "email" => &[
            "workemail",
            "businessemail",
            "companyemail",
            "email",
            "emailaddress",
            "emailwork",
            "mail",
            "emailadres",
            "emailadresse",
            "adressemail",
            "courriel",
            "correo",
            "correoelectronico",
            "userprincipalname",
            "upn",
        ],
        "firstName" => &[
            "firstname",
            "first",
            "givenname",
            "forename",
            "preferredfirstname",
            "legalfirstname",
            "voornaam",
            "roepnaam",
            "vorname",
            "prenom",
            "nombre",
        ],
        "lastName" => &[
            "lastname",
            "last",
            "familyname",
            "surname",
            "legallastname",
            "achternaam",
            "nachname",
            "nom",
            "apellido",
            "apellidos",
        ],
        "loginName" => &[
            "loginname",
            "login",
            "username",
            "accountname",
            "samaccountname",
            "networkid",
            "userid",
            "gebruikersnaam",
            "benutzername",
            "identifiant",
            "usuario",
        ],
        "address" => &[
            "address",
            "address1",
            "addressline1",
            "street",
            "streetaddress",
            "homeaddress",
            "adres",
            "straat",
            "strasse",
            "straße",
            "adresse",
            "rue",
            "direccion",
        ],
        "address2" => &["address2", "addressline2", "adres2", "adresse2"],
        "city" => &[
            "city",
            "town",
            "residence",
            "plaats",
            "woonplaats",
            "stad",
            "ort",
            "stadt",
            "ville",
            "ciudad",
        ],
        "state" => &[
            "state",
            "stateprovince",
            "stateorprovince",
            "region",
            "province",
        ],
        "zip" => &[
            "zip",
            "zipcode",
            "postalcode",
            "postcode",
            "plz",
            "postleitzahl",
            "codepostal",
            "codigopostal",
        ],
        "country" => &[
            "country",
            "countrycode",
            "countryiso",
            "land",
            "landcode",
            "pays",
            "pais",
        ],
        "expirationDate" => &[
            "expirationdate",
            "enddate",
            "exitdate",
            "terminationdate",
            "contractend",
            "contractenddate",
            "einddatum",
            "datumuitdienst",
            "uitdienstdatum",
            "austrittsdatum",
            "datedefin",
        ],
        _ => &[],
    }
}

/// Names of columns that hold secrets, folded: they are never recognised, also
/// where `p@ssword1.example` looks like an address.
const SECRETS: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "passcode",
    "pin",
    "wachtwoord",
    "passwort",
    "kennwort",
    "motdepasse",
    "contrasena",
    "contraseña",
];

/// A column's name without case, white space and punctuation.
fn bare(name: &str) -> String {
    fold(name)
        .chars()
        .filter(|char| char.is_alphanumeric())
        .collect()
}

/// For each field the column it probably comes from. No column twice, but for
/// logins that are e-mail addresses.
pub(super) fn recognise(
    fields: &'static [Field],
    columns: &[Column],
) -> Vec<(&'static Field, Option<usize>)> {
    let bare: Vec<_> = columns.iter().map(|column| bare(&column.name)).collect();
    let mut taken: Vec<_> = columns
        .iter()
        .zip(&bare)
        .map(|(column, bare)| column.repeated || SECRETS.contains(&bare.as_str()))
        .collect();
    let mut found: Vec<(&'static Field, Option<usize>)> =
        fields.iter().map(|field| (field, None)).collect();
    // The surest names of all fields first, so that `userid` goes to the
    // external ID only where no better column is there.
    for rank in 0..names("externalId").len() {
        for (field, column) in &mut found {
            if column.is_some() {
                continue;
            }
            let Some(name) = names(field.name).get(rank) else {
                continue;
            };
            let hit = (0..columns.len()).find(|index| !taken[*index] && bare[*index] == *name);
            if let Some(index) = hit.filter(|index| suits(field, &columns[*index])) {
                taken[index] = true;
                *column = Some(index);
            }
        }
    }
    let login = found
        .iter()
        .find(|(field, _)| field.kind == Kind::Login)
        .and_then(|(_, column)| *column);
    for (field, column) in &mut found {
        if field.kind == Kind::Email && column.is_none() {
            let mut free = (0..columns.len()).filter(|index| !taken[*index]);
            *column = free
                .find(|index| is_mostly_emails(&columns[*index]))
                .or(login.filter(|index| is_mostly_emails(&columns[*index])));
        }
    }
    found
}

fn is_mostly_emails(column: &Column) -> bool {
    column.filled > 0 && column.emails * 10 >= column.filled * 8
}

/// Whether a column's content does not speak against the field.
pub(super) fn suits(field: &Field, column: &Column) -> bool {
    // An ID on several people is no ID; a few slips are a feed's habit.
    let told_apart = column.distinct * 10 >= column.filled * 8;
    match field.kind {
        Kind::Email => column.filled == 0 || column.emails * 2 >= column.filled,
        Kind::ExternalId => told_apart && column.filled * 2 >= column.rows,
        // People without a login are refused, and the e-mail address serves
        // as well.
        Kind::Login => told_apart && column.filled * 10 >= column.rows * 8,
        _ => true,
    }
}

/// The date form that most samples of a column have, if they are dates and not
/// ISO ones, and whether another fits as well. Day and month in doubt are
/// settled by a day above 12; an impossible date here and there is a feed's
/// habit.
pub(super) fn date_form(samples: &[String]) -> Option<(&'static str, bool)> {
    // Day before month, so that of two forms that fit as well the one of most
    // of the world stands.
    const FORMS: [&str; 14] = [
        "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y%m%d",
        "%d %b %Y", "%d-%b-%Y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y", "%d.%m.%y",
    ];
    let samples: Vec<_> = samples
        .iter()
        .map(|sample| sample.trim())
        .filter(|sample| !sample.is_empty())
        .collect();
    if samples.is_empty() {
        return None;
    }
    let mut fits: Vec<(usize, &'static str)> = FORMS
        .into_iter()
        .filter_map(|text| {
            let form = DateForm::compile(text).ok()?;
            let dates = samples
                .iter()
                .filter(|sample| form.read(sample).is_some())
                .count();
            (dates * 10 >= samples.len() * 8).then_some((dates, text))
        })
        .collect();
    // Stable: of equals the one that stands first.
    fits.sort_by_key(|(dates, _)| std::cmp::Reverse(*dates));
    let (most, form) = *fits.first()?;
    Some((
        form,
        fits.iter().filter(|(dates, _)| *dates == most).count() > 1,
    ))
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
        let columns = columns(names);
        recognise(System::Kmi.fields(), &columns)
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
        let found = recognise(System::Kmi.fields(), &columns);
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
        let found = recognise(System::Kmi.fields(), columns);
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
    fn of_columns_with_one_name_none_is_taken() {
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

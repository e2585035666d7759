//! What is recognised by name and content.

use super::columns::{Column, Sample};
use super::recognise::{Origin, Recognised, recognise, suggest_columns};
use crate::schema::System;

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

fn with_samples(name: &str, samples: &[&str]) -> Column {
    Column {
        samples: samples.iter().map(|it| (*it).to_owned()).collect(),
        ..filled(name, 10)
    }
}

fn with_addresses(name: &str, emails: u32) -> Column {
    Column {
        emails,
        distinct_emails: emails,
        ..filled(name, emails)
    }
}

fn recognised(system: System, columns: Vec<Column>) -> (Recognised, Vec<String>) {
    let names = columns.iter().map(|it| it.name.clone()).collect();
    let sample = Sample {
        columns,
        ..Sample::default()
    };
    (recognise(system, &sample), names)
}

/// The fields that these columns become, as `field: Column`, in a row.
fn fields(system: System, columns: Vec<Column>) -> String {
    let (found, names) = recognised(system, columns);
    let lines = found
        .choices
        .iter()
        .filter_map(|choice| match &choice.origin {
            Origin::Nothing => None,
            Origin::Column(index) => Some(format!("{}: {}", choice.field.name, names[*index])),
            Origin::Template { text, .. } => Some(format!("{}: {text}", choice.field.name)),
        });
    lines.collect::<Vec<_>>().join("\n")
}

fn named(names: &[&str]) -> Vec<Column> {
    let column = |name: &&str| Column {
        name: (*name).into(),
        ..Column::default()
    };
    names.iter().map(column).collect()
}

/// The column of a field for KMI.
fn column_of(field: &str, columns: Vec<Column>) -> Option<String> {
    let (found, names) = recognised(System::Kmi, columns);
    let choice = found.choices.iter().find(|it| it.field.name == field)?;
    let index = choice.columns().first()?;
    Some(names[*index].clone())
}

#[test]
fn columns_are_recognised_by_the_names_that_hr_systems_give() {
    let names = [
        "Personeelsnummer",
        "Voornaam",
        "Achternaam",
        "E-mail adres",
        "Land",
    ];
    insta::assert_snapshot!(fields(System::Kmi, named(&names)), @"
    externalId: Personeelsnummer
    email: E-mail adres
    firstName: Voornaam
    lastName: Achternaam
    loginName: E-mail adres
    country: Land
    ");
}

#[test]
fn dutch_and_german_columns_are_recognised_for_anewspring() {
    insta::assert_snapshot!(fields(System::ANewSpring, named(&[
        "Personeelsnummer", "Aanhef", "Voorletters", "Roepnaam", "Tussenvoegsel", "Achternaam",
        "Geslacht", "Geboortedatum", "E-mailadres zakelijk", "Telefoonnummer", "Mobiel nummer",
        "Straat", "Postcode", "Woonplaats", "Land", "Functie", "Werkgever", "Afdeling",
    ])), @"
    userID: Personeelsnummer
    login: E-mailadres zakelijk
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
    insta::assert_snapshot!(fields(System::ANewSpring, named(&[
        "Personalnummer", "Anrede", "Vorname", "Nachname", "Geschlecht", "Geburtsdatum",
        "E-Mail", "Telefon", "Handy", "Straße", "PLZ", "Wohnort", "Land", "Stellenbezeichnung",
        "Firma", "Abteilung",
    ])), @"
    userID: Personalnummer
    login: E-Mail
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
    insta::assert_snapshot!(fields(System::ANewSpring, named(&[
        "Gender", "Title", "ExternalID", "FirstName*", "MiddleName", "LastName*", "Login*",
        "Password", "ForcePasswordChange", "Renewable", "Email", "Initials", "Function",
        "Company", "DateOfBirth", "TelephoneNumber", "CellPhoneNumber", "Address", "Zip",
        "Residence", "Country", "Custom1", "Custom2", "Custom3", "Custom4", "Custom5",
    ])), @"
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
    let field_of =
        |samples: &[&str]| fields(System::ANewSpring, vec![with_samples("Title", samples)]);
    assert_eq!(field_of(&["Dr.", "Prof. dr.", "Mevr."]), "title: Title");
    assert_eq!(field_of(&["Welder", "Dr.", "Nurse"]), "function: Title");
}

#[test]
fn a_column_that_could_be_wanted_is_named_only_where_its_name_is_unique() {
    let field = |name| System::ANewSpring.spec().field(name).unwrap();
    let columns = named(&["Kostenplaats", "Afdeling", "Rol"]);
    let groups = suggest_columns(field("group"), &columns);
    let groups: Vec<_> = groups.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(groups, ["Afdeling", "Kostenplaats"]);
    let twice = [filled("Role", 3), filled("Role", 3)].map(|column| Column {
        repeated: true,
        ..column
    });
    assert!(suggest_columns(field("role"), &twice).is_empty());
}

#[test]
fn a_user_id_is_the_login_where_a_worker_id_stands_beside_it() {
    let found = fields(System::Kmi, named(&["WorkerID", "UserID"]));
    assert_eq!(found, "externalId: WorkerID\nloginName: UserID");
    let found = fields(System::ANewSpring, named(&["USERID", "USERNAME"]));
    assert_eq!(found, "userID: USERID\nlogin: USERNAME");
}

#[test]
fn of_several_columns_of_addresses_the_best_filled_is_taken_and_never_an_empty_one() {
    let columns = || {
        vec![
            filled("Work Email", 0),
            with_addresses("Private email", 10),
            with_addresses("E-mail 2", 3),
        ]
    };
    assert_eq!(
        column_of("email", columns()).as_deref(),
        Some("Private email")
    );
    let (found, _) = recognised(System::Kmi, columns());
    assert_eq!(found.why_not[0].as_deref(), Some("empty"));
    assert_eq!(
        found.why_not[2].as_deref(),
        Some("also addresses; 30% filled")
    );
    let columns = vec![
        with_addresses("Private email", 10),
        with_addresses("Work Email", 10),
        with_addresses("Manager email", 10),
    ];
    assert_eq!(column_of("email", columns).as_deref(), Some("Work Email"));
    assert_eq!(column_of("email", vec![filled("Email", 0)]), None);
}

#[test]
fn the_e_mail_is_known_by_its_content_too() {
    let columns = vec![filled("sourcedId", 10), with_addresses("contact", 9)];
    assert_eq!(column_of("email", columns).as_deref(), Some("contact"));
}

#[test]
fn logins_that_are_addresses_serve_as_the_e_mail_too() {
    let columns = || vec![filled("sourcedId", 10), with_addresses("username", 10)];
    assert_eq!(column_of("email", columns()).as_deref(), Some("username"));
    assert_eq!(
        column_of("loginName", columns()).as_deref(),
        Some("username")
    );
}

#[test]
fn the_login_is_the_e_mail_where_nobody_shares_one_and_else_the_id() {
    let columns = vec![filled("Employee ID", 10), with_addresses("Email", 10)];
    assert_eq!(column_of("loginName", columns).as_deref(), Some("Email"));
    let shared = Column {
        distinct_emails: 3,
        ..with_addresses("Email", 10)
    };
    let columns = vec![filled("Employee ID", 10), shared];
    let (found, _) = recognised(System::Kmi, columns);
    let login = found
        .choices
        .iter()
        .find(|it| it.field.name == "loginName")
        .unwrap();
    assert_eq!(login.origin, Origin::Column(0));
    assert!(
        login.why.contains("3 addresses on 10 rows"),
        "{}",
        login.why
    );
    let columns = vec![filled("Employee ID", 10), with_addresses("Email", 6)];
    assert_eq!(
        column_of("loginName", columns).as_deref(),
        Some("Employee ID")
    );
}

#[test]
fn a_password_is_never_taken_for_anything() {
    for name in ["password", "Pass word", "Wachtwoord", "PIN", "パスワード"] {
        assert_eq!(
            column_of("email", vec![with_addresses(name, 10)]),
            None,
            "{name}"
        );
    }
}

#[test]
fn a_column_that_is_mostly_empty_is_neither_id_nor_login() {
    let columns = || {
        vec![
            filled("Employee ID", 4),
            filled("id", 10),
            filled("login", 7),
        ]
    };
    assert_eq!(column_of("externalId", columns()).as_deref(), Some("id"));
    assert_eq!(column_of("loginName", columns()).as_deref(), Some("id"));
}

#[test]
fn of_columns_with_one_name_none_is_used() {
    let twice = || Column {
        repeated: true,
        ..filled("id", 10)
    };
    assert_eq!(column_of("externalId", vec![twice(), twice()]), None);
}

#[test]
fn an_id_with_repeats_is_taken_all_the_same_and_the_repeats_are_said() {
    let id = Column {
        distinct: 8,
        repeats: 2,
        ..filled("Personeelsnummer", 10)
    };
    let (found, _) = recognised(System::Kmi, vec![filled("guid", 10), id]);
    let choice = &found.choices[0];
    assert_eq!(choice.origin, Origin::Column(1));
    assert!(
        choice.why.contains("2 values are in several rows"),
        "{}",
        choice.why
    );
    assert!(choice.check.is_some());
}

#[test]
fn a_counter_of_rows_is_no_id_beside_a_better_one_or_an_address() {
    let counter = || Column {
        steps: 10,
        ..filled("Nr", 10)
    };
    let columns = vec![counter(), with_addresses("Email", 10)];
    assert_eq!(column_of("externalId", columns), None);
    let columns = vec![counter(), filled("Code", 10)];
    assert_eq!(column_of("externalId", columns).as_deref(), Some("Code"));
    assert_eq!(
        column_of("externalId", vec![counter()]).as_deref(),
        Some("Nr")
    );
}

#[test]
fn codes_that_differ_in_every_row_are_an_id_where_no_row_names_the_columns() {
    let codes = |name| with_samples(name, &["K17", "K18", "K22"]);
    let names = |name| with_samples(name, &["Ann", "Bo", "Cy"]);
    let id = |columns| column_of("externalId", columns);
    assert_eq!(id(vec![codes("A"), names("B")]).as_deref(), Some("A"));
    assert_eq!(id(vec![codes("A"), codes("B")]), None);
    assert_eq!(id(vec![names("A"), names("B")]), None);
    // A name that nobody knows may be that of anything.
    assert_eq!(id(vec![codes("Zeichen"), names("Rufname")]), None);
}

#[test]
fn a_full_name_is_cut_as_it_is_written() {
    let cut = |name: &str, samples: &[&str]| {
        fields(System::ANewSpring, vec![with_samples(name, samples)])
    };
    insta::assert_snapshot!(cut("Employee Name", &["Lee, Ann M.", "Kay, Bo"]), @"
    firstName: {{ (row['Employee Name']|split(',', 1))[1:]|join|trim }}
    lastName: {{ row['Employee Name']|split(',', 1)|first|trim }}
    ");
    insta::assert_snapshot!(cut("Naam", &["Ann de Boer", "Bo Kay"]), @"
    firstName: {{ row['Naam']|split|first }}
    lastName: {{ (row['Naam']|split)[1:]|join(' ') }}
    ");
    insta::assert_snapshot!(cut("Nom complet", &["LE GOFF Yann", "DUPONT Jean"]), @"
    firstName: {{ row['Nom complet']|split|reject('upper')|join(' ') }}
    lastName: {{ row['Nom complet']|split|select('upper')|join(' ') }}
    ");
    insta::assert_snapshot!(cut("氏名", &["山田 太郎", "鈴木 花子"]), @"
    firstName: {{ (row['氏名']|split)[1:]|join(' ') }}
    lastName: {{ row['氏名']|split|first }}
    ");
    insta::assert_snapshot!(cut("姓名", &["王小明", "李雷"]), @"
    firstName: {{ row['姓名'][1:] }}
    lastName: {{ row['姓名'][:1] }}
    ");
    assert_eq!(cut("Name", &["Ann", "Bo"]), "");
}

#[test]
fn name_beside_a_first_name_is_the_surname_unless_it_is_the_whole_name() {
    let columns = vec![
        with_samples("Vorname", &["Ann"]),
        with_samples("Name", &["Lee"]),
    ];
    let sample = |rows: &[[&str; 2]]| Sample {
        columns: vec![
            with_samples("Vorname", &["Ann"]),
            with_samples("Name", &["Ann Lee"]),
        ],
        rows: rows
            .iter()
            .map(|row| row.iter().map(|it| (*it).to_owned()).collect())
            .collect(),
    };
    assert_eq!(
        fields(System::ANewSpring, columns),
        "firstName: Vorname\nlastName: Name"
    );
    let found = recognise(System::ANewSpring, &sample(&[["Ann", "Ann Lee"]]));
    let last = found
        .choices
        .iter()
        .find(|it| it.field.name == "lastName")
        .unwrap();
    assert!(matches!(last.origin, Origin::Template { .. }), "{last:?}");
    let found = recognise(System::ANewSpring, &sample(&[["Ann", "Lee"]]));
    let last = found
        .choices
        .iter()
        .find(|it| it.field.name == "lastName")
        .unwrap();
    assert_eq!(last.origin, Origin::Column(1));
}

#[test]
fn what_stands_before_a_surname_is_joined_where_the_lms_has_no_field_for_it() {
    let columns = || {
        vec![
            with_samples("Roepnaam", &["Ann"]),
            with_samples("Tussenvoegsel", &["van der", "de"]),
            with_samples("Achternaam", &["Berg", "Boer"]),
        ]
    };
    insta::assert_snapshot!(fields(System::Kmi, columns()), @"
    firstName: Roepnaam
    lastName: {{ row['Tussenvoegsel'] }} {{ row['Achternaam'] }}
    ");
    insta::assert_snapshot!(fields(System::ANewSpring, columns()), @"
    firstName: Roepnaam
    middleName: Tussenvoegsel
    lastName: Achternaam
    ");
    let joined = Sample {
        columns: vec![
            with_samples("Tussenvoegsel", &["van"]),
            with_samples("Achternaam", &["Van Dam"]),
        ],
        rows: vec![vec!["van".into(), "Van Dam".into()]],
    };
    let found = recognise(System::ANewSpring, &joined);
    let is_set = |name| {
        found
            .choices
            .iter()
            .any(|it| it.field.name == name && it.origin != Origin::Nothing)
    };
    assert!(is_set("lastName") && !is_set("middleName"), "{found:?}");
    let titles = vec![
        with_samples("Prefix", &["Mr", "Mrs"]),
        filled("Last name", 10),
    ];
    insta::assert_snapshot!(fields(System::ANewSpring, titles), @"lastName: Last name");
}

#[test]
fn a_house_number_is_joined_to_the_street_unless_it_is_there() {
    let columns = |streets: &[&str]| {
        vec![
            with_samples("Straat", streets),
            with_samples("Huisnummer", &["12", "7"]),
            with_samples("Toevoeging", &["a"]),
        ]
    };
    insta::assert_snapshot!(fields(System::Kmi, columns(&["Kade", "Lange weg"])), @"address: {{ row['Straat'] }} {{ row['Huisnummer'] }} {{ row['Toevoeging'] }}");
    insta::assert_snapshot!(fields(System::Kmi, columns(&["Kade 12", "Lange weg 7"])), @"address: Straat");
}

#[test]
fn phones_of_work_and_mobile_ones_are_told_apart_and_private_ones_left_alone() {
    insta::assert_snapshot!(fields(System::ANewSpring, named(&[
        "Telefoon privé", "Telefoon werk", "Mobiel privé", "Mobiel werk",
    ])), @"
    telephoneNumber: Telefoon werk
    cellPhoneNumber: Mobiel werk
    ");
}

#[test]
fn a_country_or_a_state_that_nobody_knows_is_not_mapped_and_that_is_said() {
    let columns = vec![
        with_samples("Country", &["North", "South"]),
        with_samples("Region", &["Noord-Holland"]),
    ];
    let (found, _) = recognised(System::Kmi, columns);
    assert!(found.choices.iter().all(|it| it.origin == Origin::Nothing));
    let why: Vec<_> = found.why_not.iter().flatten().collect();
    assert_eq!(why, ["no country in it is known", "no state of the USA"]);
}

#[test]
fn a_status_becomes_a_filter_that_is_active_where_it_is_certain() {
    let filter = |name: &str, words: &[&str]| {
        let column = Column {
            counts: words.iter().map(|it| ((*it).to_owned(), 3)).collect(),
            ..with_samples(name, words)
        };
        let (found, _) = recognised(System::Kmi, vec![column]);
        found
            .filter
            .map(|it| format!("{} {}", it.is_certain, it.expression))
    };
    let of = |name, words: &[&str]| filter(name, words).unwrap_or_default();
    insta::assert_snapshot!(of("Status", &["Active", "Terminated", "On Leave"]), @"true row['Status']|lower != 'terminated'");
    insta::assert_snapshot!(of("Status", &["Terminated", "Retired"]), @"false row['Status']|lower not in ['retired', 'terminated']");
    insta::assert_snapshot!(of("Status", &["In dienst", "Uit dienst"]), @"true row['Status']|lower != 'uit dienst'");
    insta::assert_snapshot!(of("Worker Status", &["Active", "Hibernating", "Terminated"]), @"true row['Worker Status']|lower != 'terminated'");
    insta::assert_snapshot!(of("Actief", &["ja", "nee"]), @"true row['Actief']|lower != 'nee'");
    insta::assert_snapshot!(of("Geblokkeerd", &["ja", "nee"]), @"true row['Geblokkeerd']|lower != 'ja'");
    insta::assert_snapshot!(of("状态", &["在职", "离职"]), @"true row['状态']|lower != '离职'");
    insta::assert_snapshot!(of("Status", &["Active", "Contractor"]), @"false row['Status']|lower != 'contractor'");
    assert_eq!(of("Status", &["Active", "On leave"]), "");
    assert_eq!(of("Status", &["Blue", "Green"]), "");
}

#[test]
fn a_number_that_no_name_calls_an_id_is_none_without_a_persons_word() {
    let codes = ["QQ123401C", "QQ123402C", "QQ123403C"];
    for name in [
        "NI Number",
        "PESEL",
        "Codice Fiscale",
        "Aadhaar",
        "Clearance",
    ] {
        let columns = vec![
            filled("Forename", 10),
            filled("Surname", 10),
            with_samples(name, &codes),
        ];
        let found = fields(System::Kmi, columns);
        assert_eq!(found, "firstName: Forename\nlastName: Surname", "{name}");
    }
    let columns = vec![filled("Payroll No", 10), with_samples("NI Number", &codes)];
    let found = fields(System::Kmi, columns);
    assert_eq!(found, "externalId: Payroll No\nloginName: Payroll No");
}

#[test]
fn a_private_address_is_taken_only_where_hardly_anybody_has_another() {
    for (at_work, taken) in [(10, "Work Email"), (6, "Work Email"), (3, "Personal Email")] {
        let columns = vec![
            filled("Emp ID", 10),
            with_addresses("Work Email", at_work),
            with_addresses("Personal Email", 10),
        ];
        let found = fields(System::Kmi, columns);
        assert!(found.contains(&format!("email: {taken}")), "{found}");
    }
}

#[test]
fn an_address_that_several_people_share_is_nobodys_login() {
    let shared = Column {
        emails: 10,
        distinct_emails: 3,
        ..filled("Email", 10)
    };
    assert_eq!(fields(System::Kmi, vec![shared]), "email: Email");
}

#[test]
fn names_in_capitals_can_be_sent_as_people_write_them() {
    let others = |names: &[&str]| {
        let columns = vec![
            filled("Matricule", 10),
            with_samples("Prénom", &["Jade", "Léo"]),
            with_samples("Nom", names),
        ];
        let (found, _) = recognised(System::Kmi, columns);
        let last = found.choices.iter().find(|it| it.field.name == "lastName");
        last.unwrap().others.clone()
    };
    let found = others(&["IMBERT-ROY", "KLEIN", "O'HARA"]);
    assert_eq!(found[0].0, "{ column = \"Nom\", title = true }");
    assert!(others(&["Imbert", "KLEIN", "Roy"]).is_empty());
    assert!(others(&["王", "李"]).is_empty());
}

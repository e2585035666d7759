//! What names of columns are read as.

use std::collections::HashSet;

use super::*;

/// The surest meaning of a name.
fn meaning(name: &str) -> Option<Meaning> {
    read(name).first().map(|it| it.meaning)
}

#[test]
fn each_name_is_in_the_table_once_for_a_meaning() {
    let mut seen = HashSet::new();
    let tables = words::NAMES.iter().chain(further::NAMES);
    for (meaning, words) in tables.chain(russian::NAMES) {
        for word in words.split(',') {
            let plain = normalized(&spelled_out(word));
            assert!(!plain.is_empty(), "{meaning:?}: {word}");
            assert!(
                seen.insert((*meaning, plain)),
                "{meaning:?}: {word} is there twice"
            );
        }
    }
}

#[test]
fn case_accents_signs_and_words_around_a_name_do_not_count() {
    for (name, expected) in [
        ("EMPLOYEE_ID", Meaning::PersonId),
        ("employeeId", Meaning::PersonId),
        ("Employee ID*", Meaning::PersonId),
        ("Emp #", Meaning::PersonId),
        ("Employee #", Meaning::PersonId),
        ("Job Title Description", Meaning::JobTitle),
        ("SAP Personnel #", Meaning::PersonId),
        ("Pers. Nr.", Meaning::PersonId),
        ("Employee ID or Badge", Meaning::PersonId),
        ("Legal Name - First Name", Meaning::FirstName),
        ("Legal Name - Last Name", Meaning::LastName),
        ("Worker's First Name", Meaning::FirstName),
        ("Preferred Name - First Name", Meaning::PreferredName),
        ("Employee[Last Name]", Meaning::LastName),
        ("name.givenName", Meaning::FirstName),
        ("Vorname / First name", Meaning::FirstName),
        ("Primary Work Email (required)", Meaning::Email),
        ("E-MAIL DIENSTLICH", Meaning::Email),
        ("Worker Date of Birth", Meaning::BirthDate),
        ("Prénom du salarié", Meaning::FirstName),
        ("社員番号", Meaning::PersonId),
        ("メールアドレス", Meaning::Email),
        ("员工姓名", Meaning::FullName),
        ("Apellidos", Meaning::LastName),
        ("Apellido 1", Meaning::LastName),
        ("APELLIDO1", Meaning::LastName),
        ("Apellido_2", Meaning::SecondLastName),
        ("Nombre 1", Meaning::FirstName),
        ("Nombre 2", Meaning::MiddleName),
        ("Primary Address - City", Meaning::City),
        ("Ansattnr", Meaning::PersonId),
        ("Fornavn", Meaning::FirstName),
        ("Medarbejder nr.", Meaning::PersonId),
        ("Fødselsdato", Meaning::BirthDate),
        ("Anst.nr", Meaning::PersonId),
        ("E-post arbete", Meaning::Email),
        ("Adres e-mail (służbowy)", Meaning::Email),
        ("Imię", Meaning::FirstName),
        ("Nr pracownika", Meaning::PersonId),
        ("Cognome", Meaning::LastName),
        ("Data di cessazione", Meaning::EndDate),
        ("Nº do funcionário", Meaning::PersonId),
        ("Sobrenome", Meaning::LastName),
        ("Табельный номер", Meaning::PersonId),
        ("ТАБ. №", Meaning::PersonId),
        ("ФИО", Meaning::FullName),
        ("Фамилия сотрудника", Meaning::LastName),
        ("Имя", Meaning::FirstName),
        ("Дата приёма на работу", Meaning::HireDate),
        ("Дата увольнения", Meaning::EndDate),
        ("E-mail (рабочий)", Meaning::Email),
        ("Подразделение", Meaning::Department),
        ("Family", Meaning::LastName),
        ("Status [READ ONLY]", Meaning::Status),
        ("STRASSE", Meaning::Street),
        ("Taetigkeit", Meaning::JobTitle),
        ("Imie", Meaning::FirstName),
        ("Foedselsdato", Meaning::BirthDate),
        ("DateEmbauche", Meaning::HireDate),
        ("date_sortie", Meaning::EndDate),
        ("Huisnr toev", Meaning::HouseAddition),
        ("id_trabajador", Meaning::PersonId),
        ("Mitgliedsnr.", Meaning::PersonId),
        ("Tél. mobile pro", Meaning::Mobile),
        ("Tel. dienstl.", Meaning::WorkPhone),
        ("Tel. privat", Meaning::PrivatePhone),
        ("Adresse mail perso", Meaning::PrivateEmail),
        ("Mail (privé)", Meaning::PrivateEmail),
        ("What is your first name?", Meaning::FirstName),
        (
            "Last name as it should be on the certificate",
            Meaning::LastName,
        ),
        (
            "What is the number of the employee in the administration?",
            Meaning::PersonId,
        ),
    ] {
        assert_eq!(meaning(name), Some(expected), "{name}: {:?}", read(name));
    }
}

#[test]
fn a_column_about_somebody_or_something_else_is_not_the_persons_own() {
    for name in [
        "Manager Email",
        "Supervisor ID",
        "Emergency Contact: First Name",
        "Leidinggevende e-mail",
        "上司の社員番号",
        "Company ID",
        "Department manager",
        "Position Number",
        "Employee Group ID",
        "Spouse First Name",
        "Nærmeste leder e-post",
        "Leders ansattnr",
        "Närmaste chefs e-post",
        "E-mail przełożonego",
        "Email responsabile",
        "Matricola responsabile",
        "E-mail do gestor",
        "MANAGEREMAIL",
        "Mail N+1",
        "ФИО руководителя",
        "Notfallkontakt E-Mail",
        "Vorgesetztenmail",
        "Manager's private email",
        "Mail du responsable",
        "Number of employees",
        "In which department do you work?",
    ] {
        let found = meaning(name);
        assert!(
            matches!(found, None | Some(Meaning::Other)),
            "{name}: {found:?}"
        );
    }
}

#[test]
fn what_is_nobodys_business_is_known_by_one_of_its_words() {
    for (name, expected) in [
        ("Bank Account Number", Private::Bank),
        ("Employee bank account no", Private::Bank),
        ("Annual Salary (EUR)", Private::Pay),
        ("Employee Tax ID", Private::Identity),
        ("BSN", Private::Identity),
        ("Rijksregisternr", Private::Identity),
        ("N° sécu", Private::Identity),
        ("身份证号", Private::Identity),
        ("Sozialversicherungsnummer", Private::Identity),
        ("Disability status", Private::Health),
        ("ИНН сотрудника", Private::Identity),
    ] {
        assert_eq!(meaning(name), Some(Meaning::Never(expected)), "{name}");
    }
}

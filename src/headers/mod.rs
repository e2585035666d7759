//! What a column's name means: the words of HR systems in fourteen languages, each known
//! once.
//!
//! The feed asks whether a cell is the name of a column, `init` what the column is
//! about. Words are in `headers/words.rs`, `headers/further.rs` and `headers/russian.rs`; here
//! is what may be around them.
//!
//! # Invariants
//!
//! - Case, accents, white space, punctuation and a `*` do not count.
//! - A column about somebody else (`Manager email`) is not read as the person's own.

mod further;
mod russian;
mod spelling;
mod words;

use std::collections::HashMap;
use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization as _;

pub use self::spelling::normalized;
use self::spelling::spelled_out;

/// What a column is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// The HR system's key for a person.
    PersonId,
    /// Some key, of whatever.
    WeakId,
    /// What a person signs in with.
    Login,
    /// An e-mail address, at work or unsaid.
    Email,
    /// An e-mail address at home.
    PrivateEmail,
    /// First and last name together.
    FullName,
    /// First names.
    FirstName,
    /// What a person is called by others.
    PreferredName,
    /// Names between first and last name.
    MiddleName,
    /// `van`, `de`, `von`.
    NamePrefix,
    /// The last name.
    LastName,
    /// The second of two last names.
    SecondLastName,
    /// The last name at birth.
    BirthName,
    /// The partner's last name.
    PartnerName,
    /// The prefix of the partner's name.
    PartnerPrefix,
    /// Which of the last names a person uses, and in which order.
    NameOrder,
    /// Initials.
    Initials,
    /// A form of address or an academic title.
    Title,
    /// Gender.
    Gender,
    /// The day of birth.
    BirthDate,
    /// The first day at work.
    HireDate,
    /// The last day at work.
    EndDate,
    /// Whether a person is still there, in words.
    Status,
    /// The same as yes or no.
    Active,
    /// The opposite as yes or no.
    Inactive,
    /// The job.
    JobTitle,
    /// The employer.
    Company,
    /// Department.
    Department,
    /// Team, division and the like.
    Unit,
    /// Cost centre.
    CostCentre,
    /// Where a person works.
    Location,
    /// Telephone at work.
    WorkPhone,
    /// Telephone, unsaid which.
    Phone,
    /// Telephone at home.
    PrivatePhone,
    /// Mobile phone, of work or unsaid.
    Mobile,
    /// Mobile phone of the person.
    PrivateMobile,
    /// Fax.
    Fax,
    /// Street, with house number or not.
    Street,
    /// House number.
    HouseNumber,
    /// What is behind the house number.
    HouseAddition,
    /// The second line of an address.
    Address2,
    /// City.
    City,
    /// State or province.
    State,
    /// Postal code.
    Zip,
    /// Country.
    Country,
    /// Street of an invoice.
    InvoiceAddress,
    /// Postal code of an invoice.
    InvoiceZip,
    /// City of an invoice.
    InvoiceCity,
    /// Country of an invoice.
    InvoiceCountry,
    /// A role on an LMS.
    Role,
    /// A picture.
    Picture,
    /// A password must be changed.
    ForcePassword,
    /// A password.
    Password,
    /// What no LMS should get.
    Never(Private),
    /// Anything else that tables of people have.
    Other,
}

/// What is nobody's business on an LMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Private {
    /// Salaries.
    Pay,
    /// Bank accounts.
    Bank,
    /// Identity cards, social security and tax numbers.
    Identity,
    /// Health, religion and the like.
    Health,
}

/// One way to read a column's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What the column is about.
    pub meaning: Meaning,
    /// How sure that is: 0 is the surest name of the meaning, and names in which
    /// something had to be left out come after all others.
    pub rank: u32,
}

/// How much less sure a name is for each step that was taken to read it.
const STEP: u32 = 1_000;
/// How much less sure a name is in a language that fewer feeds are in.
const FURTHER: u32 = 300;

/// People of an HR system: they may be left out around a name.
const PEOPLE: &str = "worker workers employee employees emp person persons personal personnel staff \
    member associate colleague user users hr hris s medewerker medewerkers werknemer personeel \
    personeels mitarbeiter mitarbeiters ma pers persona empleado empleados trabajador colaborador \
    salarie salaries employe employes collaborateur agent candidate learner student pupil teacher \
    ansatt ansatte ansattes ansat medarbeider medarbejder medarbejders anstalld anstallds medarbetare \
    medarbetarens pracownik pracownika dipendente dipendenti funcionario funcionarios colaboradores \
    trabalhador empregado сотрудник сотрудника работник работника";

/// What else may be left out, unless only a word such as `name` or `number` is behind it.
const QUALIFIERS: &str = "legal official primary current main default business work company \
    corporate office preferred the of for in text value field column export data info information \
    profile basic details core contact name names mailing home display local latin western \
    required mandatory optional verplicht optioneel pflichtfeld obligatoire obligatorio custom \
    zakelijk zakelijke werk dienstlich dienstliche geschaftlich professionnel professionnelle pro \
    laboral corporativo de del du la le el des der die das den van sap workday oracle adp afas ukg \
    bamboohr personio successfactors payroll system attribute urn scim ad ldap azure entra okta \
    description desc label type omschrijving bezeichnung libelle descripcion \
    your uw ihre ihr votre what is wat wie lautet quel quelle est unique please enter \
    jobb jobbet arbeid arbejde arbete tjanste sluzbowy sluzbowa firmowy aziendale lavoro di della \
    profissional trabalho da do dos";

/// What makes an address or a number a private one.
const AT_HOME: &str = "private privat private privata privato prive perso home thuis hjem hem prywatny prywatna casa \
    domicile domicilio pessoal particular";

/// What explains a name that is a sentence, from there on.
const EXPLAINS: &str = "as which that if when in on for at only zoals indien falls comme si como";

/// Words that say little alone.
const GENERIC: &str = "id nr no number num nummer numero key code identifier name naam nom nombre date \
    datum status type title uid guid uuid user reference 1 2 user account \
    navn namn nome numer kod data codice codigo kode";

/// What cells say as often as headers do.
const VALUES: &str = "employee worker medewerker werknemer mitarbeiter salarie employe empleado \
    trabajador enabled ansatt medarbejder medarbetare pracownik dipendente funcionario chef by via \
    family given sluttet slutat zwolniony cessato demitido desligado inativo nieaktywny allergies \
    note regime rg pis cap uf gate vej nib roll leder сотрудник работник пользователь офис \
    филиал управление отдел адрес дом";

/// Somebody else, or something else than the person.
const OTHERS: &str = "manager managers supervisor supervisors boss lead leader leidinggevende \
    leidinggevenden vorgesetzter vorgesetzte vorgesetzten fuhrungskraft superieur hierarchique \
    responsable jefe emergency nood noodcontact notfall urgence emergencia spouse partner \
    kontaktperson contactpersoon contactpersoon1 buddy mentor coach approver created modified \
    creator recruiter parent guardian child children dependent beneficiary previous former old \
    mother father referrer assistant secretary tutor reports reporting approver matrix hrbp bp \
    proxy delegate dotted second alternate kind kinderen ouder echtgenoot ehepartner conyuge \
    conjoint enfant hijo \
    leder leders lederens chefs narmeste naermeste nodkontakt parorende anhorig anhoriga \
    foresatt foresatte vardnadshavare przelozony przelozonego kierownik \
    kierownika responsabile responsabili referente gestor gestora superior chefe chefia supervisore emergenza \
    awaryjny coniuge figlio genitore conjuge filho руководитель руководителя начальник \
    начальника супруг супруга";

/// The same where no white space is between words, and where a sign says it.
const OTHERS_PARTS: [&str; 9] = [
    "上司", "主管", "经理", "上级", "紧急", "緊急", "扶養", "配偶", "N+1",
];

/// The same where a word goes on: `Vorgesetztenmail`, `MANAGEREMAIL`.
const OTHERS_WITHIN: [&str; 11] = [
    "emergency",
    "notfall",
    "manager",
    "supervisor",
    "leidinggevende",
    "vorgesetzte",
    "teamleiter",
    "abteilungsleiter",
    "teamleider",
    "superieur",
    "przelozon",
];

/// What says that a key is a person's.
const KEYS: &str = "id nr no num number nummer numero key code identifier ref kennung matricule";

/// Words of which each makes a column private, whatever is around it.
const PRIVATE: &[(Private, &str)] = &[
    (
        Private::Pay,
        "salary salaries wage wages compensation payrate salaris uurloon loon gehalt lohn entgelt \
         salaire remuneration salario sueldo оклад зарплата",
    ),
    (
        Private::Bank,
        "iban bic bank bankrekening rekeningnummer bankverbindung kontonummer routing rib",
    ),
    (
        Private::Identity,
        "ssn passport passeport paspoort reisepass bsn burgerservicenummer steuer tax \
         sozialversicherung sozialversicherungsnummer nif dni nie curp cuil licence license visa инн снилс паспорт",
    ),
    (
        Private::Health,
        "disability ethnicity race religion illness ziekte verzuim krankheit schwerbehinderung \
         behinderung maladie discapacidad veteran health",
    ),
];

/// Whether the whole text is a name that columns have, and that cells below such a name
/// do not have as often.
pub(crate) fn is_known(text: &str) -> bool {
    let word = normalized(text);
    let readings = dictionary().get(word.as_str());
    let is_name = |it: &Reading| it.meaning != Meaning::Inactive;
    readings.is_some_and(|all| all.iter().any(is_name)) && !is_one_of(VALUES, &word)
}

/// What a column of that name may be about, the surest reading first.
pub(crate) fn read(name: &str) -> Vec<Reading> {
    let name = &spelled_out(name);
    let mut found = whole(name, 0);
    if found.is_empty()
        && let Some(private) = private(name)
    {
        return vec![Reading {
            meaning: Meaning::Never(private),
            rank: 0,
        }];
    }
    if is_about_others(name) {
        found.retain(|it| !matches!(it.meaning, Meaning::WeakId));
        return found;
    }
    if found.is_empty() {
        found = parts(name);
    }
    if found.is_empty() {
        found = without_surroundings(&words_of(name), 3 * STEP);
    }
    if found.is_empty() {
        found = question(name);
    }
    if has_word(&words_of(name), AT_HOME) {
        for it in &mut found {
            it.meaning = match it.meaning {
                Meaning::Email => Meaning::PrivateEmail,
                Meaning::Phone | Meaning::WorkPhone => Meaning::PrivatePhone,
                Meaning::Mobile => Meaning::PrivateMobile,
                meaning => meaning,
            };
        }
    }
    if has_word(&words_of(name), "preferred chosen") {
        for it in &mut found {
            if it.meaning == Meaning::FirstName {
                it.meaning = Meaning::PreferredName;
            }
        }
    }
    found.sort_by_key(|it| it.rank);
    found
}

/// Readings of a name as it is.
fn whole(name: &str, steps: u32) -> Vec<Reading> {
    let known = dictionary().get(normalized(name).as_str());
    let known = known.map_or(&[][..], Vec::as_slice);
    let further = |it: &Reading| Reading {
        rank: it.rank + steps,
        ..*it
    };
    known.iter().map(further).collect()
}

/// Readings of what is before, between and behind the signs of a name:
/// `Legal Name - First Name`, `E-mail (work)`, `Vorname / First name`.
fn parts(name: &str) -> Vec<Reading> {
    let open = |char: char| matches!(char, '(' | '[' | '{' | '（' | '【' | '<');
    let outside = name.split(open).next().unwrap_or_default();
    let found = whole(outside, STEP);
    let is_person = |word: &String| is_one_of(PEOPLE, word);
    // `Employee[Last name]` is not about the person named outside.
    if !found.is_empty() && !words_of(outside).iter().all(is_person) {
        return found;
    }
    // A dot with a space behind it is that of a word cut short: `Tel. mobile`.
    let unsigned = name
        .replace(". ", " ")
        .replace(" - ", "\n")
        .replace(" or ", "\n")
        .replace(" oder ", "\n")
        .replace(" ou ", "\n");
    let is_sign = |char: char| {
        matches!(
            char,
            '/' | '|' | ':' | '.' | '>' | '\n' | '\r' | '\t' | ',' | ';' | ')' | ']' | '}'
        ) || matches!(
            char,
            '）' | '】' | '→' | '›' | '\\' | '$' | '@' | '／' | '：'
        ) || open(char)
    };
    let parts: Vec<_> = unsigned.split(is_sign).map(str::trim).collect();
    let parts = parts.iter().rev().filter(|part| !part.is_empty());
    let all: Vec<_> = parts.collect();
    let each = all.iter().map(|part| whole(part, 2 * STEP));
    let found = each.into_iter().find(|it| is_specific(it));
    found.unwrap_or_else(|| {
        let loosened = all.iter().filter(|_| all.len() > 1);
        let loosened = loosened.map(|part| without_surroundings(&words_of(part), 4 * STEP));
        loosened
            .into_iter()
            .find(|it| is_specific(it))
            .unwrap_or_default()
    })
}

/// Readings of a name that is a sentence, up to where it explains itself: `First name of
/// the employee as it will be on the badge`.
fn question(name: &str) -> Vec<Reading> {
    const LEAST: usize = 5;
    let words: Vec<_> = name.split_whitespace().collect();
    if words.len() < LEAST {
        return Vec::new();
    }
    let is_end = |word: &&str| is_one_of(EXPLAINS, &normalized(word));
    let end = words.iter().position(is_end).unwrap_or(words.len());
    let words = words.get(..end).unwrap_or_default().join(" ");
    without_surroundings(&words_of(&words), 6 * STEP)
}

/// Whether readings say more than that something is a key or a name of any kind.
fn is_specific(readings: &[Reading]) -> bool {
    !readings.is_empty()
        && readings
            .iter()
            .all(|it| !matches!(it.meaning, Meaning::WeakId | Meaning::Other))
}

/// Readings of a name without the words around it.
fn without_surroundings(words: &[String], steps: u32) -> Vec<Reading> {
    let is_person = |word: &String| is_one_of(PEOPLE, word);
    let is_qualifier = |word: &String| is_one_of(QUALIFIERS, word) || is_one_of(AT_HOME, word);
    // `SAP Personnel #`: a key, of a person, and nothing else.
    let is_key = |word: &String| is_one_of(KEYS, word);
    let rest = |word: &&String| !is_person(word) && !is_key(word) && !is_qualifier(word);
    // `id_trabajador` is one, and `number of employees` is not.
    let is_one = |word: &String| is_key(word) || (is_person(word) && !word.ends_with('s'));
    if words.iter().any(is_person)
        && words.iter().any(is_key)
        && words.last().is_some_and(is_one)
        && !words.iter().any(|it| rest(&it))
    {
        return vec![Reading {
            meaning: Meaning::PersonId,
            rank: steps,
        }];
    }
    let without_people: Vec<_> = words.iter().filter(|it| !is_person(it)).cloned().collect();
    if without_people.len() < words.len() {
        let found = whole(&without_people.concat(), steps);
        let is_generic =
            without_people.len() == 1 && without_people.iter().all(|it| is_one_of(GENERIC, it));
        let is_any_key = is_generic && found.iter().any(|it| it.meaning == Meaning::WeakId);
        if !found.is_empty() && !is_any_key {
            return found;
        }
    }
    // From both ends, as few as can be.
    let words = &without_people;
    for left_out in 1..words.len() {
        for from_front in (0..=left_out).rev() {
            let (front, kept) = words.split_at(from_front);
            let (kept, back) = kept.split_at(words.len() - left_out);
            if !front.iter().chain(back).all(is_qualifier) {
                continue;
            }
            if kept.len() == 1 && kept.iter().all(|it| is_one_of(GENERIC, it)) {
                continue;
            }
            let found = whole(&kept.concat(), steps + STEP);
            if !found.is_empty() {
                return found;
            }
        }
    }
    Vec::new()
}

fn private(name: &str) -> Option<Private> {
    let words = words_of(name);
    let row = PRIVATE.iter().find(|(_, known)| has_word(&words, known));
    row.map(|(private, _)| *private)
}

/// Whether a name is about somebody else than the person of the row.
pub(crate) fn is_about_others(name: &str) -> bool {
    let plain = normalized(name);
    has_word(&words_of(name), OTHERS)
        || OTHERS_PARTS.iter().any(|part| name.contains(part))
        || OTHERS_WITHIN.iter().any(|part| plain.contains(part))
}

fn has_word(words: &[String], known: &str) -> bool {
    words.iter().any(|word| is_one_of(known, word))
}

fn is_one_of(known: &str, word: &str) -> bool {
    known.split_ascii_whitespace().any(|it| it == word)
}

/// The words of a name, normalized: `EmpID`, `emp_id` and `Emp. ID` have two.
fn words_of(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut end = |word: &mut String| {
        let plain = normalized(word);
        if !plain.is_empty() {
            words.push(plain);
        }
        word.clear();
    };
    let chars: Vec<char> = name.nfc().collect();
    for (index, &char) in chars.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|it| chars.get(it));
        let after = chars.get(index + 1);
        let begins_word = char.is_uppercase()
            && (before.is_some_and(|it| it.is_lowercase())
                || (before.is_some_and(|it| it.is_uppercase())
                    && after.is_some_and(|it| it.is_lowercase())));
        if begins_word || !(char.is_alphanumeric()) {
            end(&mut word);
        }
        word.push(char);
    }
    end(&mut word);
    words
}

/// The names of all meanings, normalized, and how else they are written.
fn dictionary() -> &'static HashMap<String, Vec<Reading>> {
    static NAMES: OnceLock<HashMap<String, Vec<Reading>>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names = HashMap::new();
        for (reading, name) in readings() {
            add(&mut names, normalized(&name), reading);
        }
        let mut variants = HashMap::new();
        for (reading, name) in readings() {
            // What is a name of its own is only that.
            let all = spelling::variants(&name).into_iter();
            for variant in all.filter(|it| !names.contains_key(it)) {
                add(&mut variants, variant, reading);
            }
        }
        names.extend(variants);
        names
    })
}

fn add(names: &mut HashMap<String, Vec<Reading>>, name: String, reading: Reading) {
    let readings = names.entry(name).or_default();
    if readings.iter().all(|it| it.meaning != reading.meaning) {
        readings.push(reading);
    }
}

/// Each name of the tables with what it means.
fn readings() -> impl Iterator<Item = (Reading, String)> {
    let further = further::NAMES.iter().chain(russian::NAMES);
    let further = further.map(|line| (FURTHER, line));
    let lines = words::NAMES.iter().map(|line| (0, line)).chain(further);
    lines.flat_map(|(first, (meaning, names))| {
        let named = (first..).zip(names.split(','));
        named.map(|(rank, name)| {
            let meaning = *meaning;
            (Reading { meaning, rank }, spelled_out(name))
        })
    })
}

/// Each name with what it means, for tests.
#[cfg(test)]
pub(crate) fn names() -> impl Iterator<Item = (Meaning, &'static str)> {
    let lines = words::NAMES
        .iter()
        .chain(further::NAMES)
        .chain(russian::NAMES);
    lines.flat_map(|(meaning, names)| names.split(',').map(|name| (*meaning, name.trim())))
}

#[cfg(test)]
mod name_tests;

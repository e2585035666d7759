//! Which system exported a feed, by the names of its columns.

use std::collections::HashSet;
use std::iter;

use super::columns::Column;
use crate::headers::normalized;

/// What a system's export looks like.
struct System {
    /// What it is, behind "this looks like".
    title: &'static str,
    /// Columns that it has in any case.
    all: &'static [&'static str],
    /// Of these it has some as well.
    some: &'static [&'static str],
    /// How many of them.
    least: usize,
}

/// What has its contracts in another file.
pub(super) const HELLOID_PERSONS: &str = "a HelloID source file of persons";

/// The surest first. The names are those that the systems' public documentation gives.
const SYSTEMS: &[System] = &[
    System {
        title: "a SuccessFactors user data file",
        all: &["STATUS", "USERID", "FIRSTNAME", "LASTNAME"],
        some: &[
            "USERNAME",
            "MI",
            "MANAGER",
            "HR",
            "DEFAULT_LOCALE",
            "TIMEZONE",
            "CUSTOM01",
            "JOBCODE",
            "DIVISION",
            "HIREDATE",
            "EMPID",
        ],
        least: 4,
    },
    System {
        title: "a SuccessFactors Employee Central import file",
        all: &["person-id-external"],
        some: &[
            "user-id",
            "first-name",
            "last-name",
            "start-date",
            "event-reason",
            "personInfo.person-id-external",
            "email-address",
        ],
        least: 1,
    },
    System {
        title: "a Workday report",
        all: &["Employee ID"],
        some: &[
            "Legal Name - First Name",
            "Legal Name - Last Name",
            "Worker Type",
            "Supervisory Organization",
            "Worker Status",
            "Email - Primary Work",
            "Cost Center - ID",
            "Management Level",
            "Position ID",
            "Business Title",
            "Worker's Manager",
            "Primary Work Email",
            "Preferred Name - First Name",
        ],
        least: 3,
    },
    System {
        title: "an Oracle HCM extract",
        all: &["PersonNumber"],
        some: &[
            "PersonId",
            "AssignmentNumber",
            "AssignmentStatusType",
            "LegalEmployerName",
            "BusinessUnitName",
            "NameType",
            "EffectiveStartDate",
            "WorkerType",
            "DepartmentName",
            "SourceSystemId",
            "UserPersonType",
        ],
        least: 2,
    },
    System {
        title: "an ADP report",
        all: &[],
        some: &[
            "Associate ID",
            "Associate OID",
            "File Number",
            "Payroll Name",
            "Position ID",
            "Home Department Description",
            "Legal First Name",
            "Company Code",
            "Position Status",
            "Worker Category Description",
            "Work Contact: Work Email",
        ],
        least: 3,
    },
    System {
        title: "a UKG report",
        all: &["Employee Number"],
        some: &[
            "Employee Id",
            "Org Level 1 Code",
            "Org Level 1",
            "Company Code",
            "Employment Status Code",
            "Badge Number",
            "Home Labor Category",
            "Primary Job",
            "Date Last Hired",
            "Person Number",
            "Supervisor Number",
            "Email Address (Primary)",
        ],
        least: 2,
    },
    System {
        title: "a BambooHR report",
        all: &["Employee #"],
        some: &[
            "Last name, First name",
            "First Name",
            "Work Email",
            "Job Title",
            "Reporting to",
            "Division",
            "Hire Date",
            "Employment Status",
            "Status",
            "Location",
        ],
        least: 3,
    },
    System {
        title: "a Personio employee list",
        all: &[],
        some: &[
            "Personalnummer",
            "Beschäftigungsart",
            "Wochenarbeitszeit",
            "Einstellungsdatum",
            "Vertragsende",
            "Vorgesetzter",
            "Kostenstellen",
            "Arbeitsplatz",
            "Subcompany",
            "Employment type",
            "Weekly working hours",
            "Supervisor",
            "Termination date",
            "Personio ID",
            "Office",
            "Rechtsträger",
            "Mitarbeiter ID (Personio)",
        ],
        least: 4,
    },
    System {
        title: "a HiBob people report",
        all: &[],
        some: &[
            "Bob ID",
            "Employee ID in company",
            "Reports to",
            "Lifecycle status",
            "Site",
            "Display name",
            "Internal termination - termination date",
            "Work - Employee ID in company",
        ],
        least: 3,
    },
    System {
        title: "an SAP HR list",
        all: &[],
        some: &[
            "PERNR", "VORNA", "NACHN", "GBDAT", "BUKRS", "WERKS", "PERSG", "PERSK", "KOSTL",
            "ORGEH", "PLANS", "USRID",
        ],
        least: 3,
    },
    System {
        title: "an AFAS employee list",
        all: &["Medewerker"],
        some: &[
            "Roepnaam",
            "Geboortenaam",
            "Voorvoegsel geboortenaam",
            "Naamgebruik",
            "Voorletters",
            "Datum in dienst",
            "Datum uit dienst",
            "E-mail werk",
            "Organisatorische eenheid",
            "Werkgever",
            "Functie",
            "Mobiel werk",
        ],
        least: 4,
    },
    System {
        title: "a Visma employee list",
        all: &["Ansattnr"],
        some: &["Fornavn", "Etternavn", "Avdeling", "Stilling"],
        least: 3,
    },
    System {
        title: "a Visma employee list",
        all: &["Anställningsnummer"],
        some: &["Förnamn", "Efternamn", "Avdelning", "Befattning"],
        least: 3,
    },
    System {
        title: "a Nmbrs employee list",
        all: &["Bedrijfsnummer"],
        some: &[
            "Medewerkernummer",
            "Werknemernummer",
            "Bedrijfsnaam",
            "E-mail werk",
            "E-mail prive",
            "Voorvoegsel",
            "Mobiel",
            "Kostenplaats omschrijving",
            "Datum in dienst",
            "Datum uit dienst",
            "In dienst",
            "Uit dienst",
        ],
        least: 5,
    },
    System {
        title: "a DATEV payroll list",
        all: &[],
        some: &[
            "Pers.-Nr.",
            "PNR",
            "Mandantennummer",
            "Beraternummer",
            "Beraternr",
            "Mandantennr",
            "Abrechnungsmonat",
            "Personengruppenschlüssel",
            "Tätigkeitsschlüssel",
            "Eintrittsdatum",
            "Austrittsdatum",
            "Kostenstelle",
        ],
        least: 4,
    },
    System {
        title: HELLOID_PERSONS,
        all: &["ExternalId"],
        some: &[
            "Name.GivenName",
            "Name.NickName",
            "Name.FamilyName",
            "Name.FamilyNamePrefix",
            "Name.FamilyNamePartner",
            "Name.Convention",
            "Contact.Business.Email",
            "Contact.Personal.Email",
            "Contact.Business.Phone.Mobile",
            "Details.BirthDate",
            "Details.Gender",
            "Details.HonorificPrefix",
            "Name.Initials",
            "UserName",
            "UserId",
        ],
        least: 2,
    },
    System {
        title: "a HelloID source file of contracts",
        all: &["PersonId", "ExternalId"],
        some: &[
            "StartDate",
            "EndDate",
            "Type.Code",
            "Type.Description",
            "Details.Fte",
            "Details.HoursPerWeek",
            "Details.Sequence",
            "Department.DisplayName",
            "Department.ExternalId",
            "Title.Name",
            "Location.Name",
            "Employer.Name",
            "CostCenter.Name",
            "Manager.ExternalId",
        ],
        least: 4,
    },
    System {
        title: "Microsoft School Data Sync or OneRoster users",
        all: &["sourcedId"],
        some: &[
            "givenName",
            "familyName",
            "username",
            "orgSourcedIds",
            "enabledUser",
            "dateLastModified",
            "grades",
            "identifier",
            "agentSourcedIds",
            "userIds",
            "role",
            "activeDirectoryMatchId",
            "sms",
        ],
        least: 4,
    },
    System {
        title: "School Data Sync students or teachers",
        all: &["SIS ID", "School SIS ID"],
        some: &["Username", "First Name", "Last Name", "Grade", "Status"],
        least: 1,
    },
    System {
        title: "an export of Active Directory (Get-ADUser)",
        all: &["SamAccountName", "DistinguishedName"],
        some: &[
            "GivenName",
            "Surname",
            "UserPrincipalName",
            "ObjectGUID",
            "SID",
            "Enabled",
            "ObjectClass",
        ],
        least: 3,
    },
    System {
        title: "a Microsoft Entra export of users",
        all: &["userPrincipalName"],
        some: &[
            "displayName",
            "surname",
            "mail",
            "givenName",
            "userType",
            "jobTitle",
            "accountEnabled",
            "usageLocation",
            "id",
            "objectId",
            "directorySynced",
            "creationType",
        ],
        least: 4,
    },
    System {
        title: "a Google Workspace export of users",
        all: &[
            "First Name [Required]",
            "Last Name [Required]",
            "Email Address [Required]",
        ],
        some: &[],
        least: 0,
    },
    System {
        title: "a Google Workspace export of users",
        all: &["primaryEmail", "suspended"],
        some: &[
            "name.givenName",
            "name.familyName",
            "name.fullName",
            "orgUnitPath",
            "archived",
            "isAdmin",
            "lastLoginTime",
            "id",
        ],
        least: 2,
    },
    System {
        title: "an Okta export of users",
        all: &["login"],
        some: &[
            "firstName",
            "lastName",
            "secondEmail",
            "mobilePhone",
            "employeeNumber",
            "honorificPrefix",
            "userType",
            "costCenter",
            "managerId",
        ],
        least: 4,
    },
    System {
        title: "the import file of aNewSpring",
        all: &["ExternalID", "Login", "ForcePasswordChange"],
        some: &[
            "FirstName",
            "MiddleName",
            "LastName",
            "Renewable",
            "Custom1",
            "Residence",
        ],
        least: 3,
    },
    System {
        title: "a file of KMI users",
        all: &["externalId", "loginName"],
        some: &[
            "email",
            "firstName",
            "lastName",
            "expirationDate",
            "address2",
        ],
        least: 3,
    },
];

/// Whether the feed lists accounts of a directory and not people of an HR system.
pub(super) fn are_accounts(columns: &[Column]) -> bool {
    const DIRECTORIES: [&str; 4] = ["Google Workspace", "Okta", "Entra", "Active Directory"];
    let title = of(columns);
    title.is_some_and(|title| DIRECTORIES.iter().any(|it| title.contains(it)))
}

/// What the feed looks like, if its columns are those of a known system.
pub(super) fn of(columns: &[Column]) -> Option<&'static str> {
    // A `*` marks what is required, and does not belong to the name.
    let names = columns
        .iter()
        .flat_map(|it| iter::once(&it.name).chain(&it.label));
    let names: HashSet<_> = names.map(|name| normalized(name)).collect();
    let has = |name: &&&str| names.contains(&normalized(name));
    let is = |system: &&System| {
        system.all.iter().all(|it| has(&it))
            && system.some.iter().filter(has).count() >= system.least
    };
    SYSTEMS.iter().find(is).map(|system| system.title)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(header: &str) -> Option<&'static str> {
        let columns: Vec<_> = header
            .split(';')
            .map(|name| Column {
                name: name.into(),
                ..Column::default()
            })
            .collect();
        of(&columns)
    }

    #[test]
    fn a_system_is_known_by_its_columns() {
        for (header, expected) in [
            (
                "STATUS;USERID;USERNAME;FIRSTNAME;LASTNAME;MI;GENDER;EMAIL;MANAGER;HR;DEPARTMENT;DEFAULT_LOCALE",
                "SuccessFactors user",
            ),
            (
                "Employee ID;Worker Type;Legal Name - First Name;Legal Name - Last Name;Worker Status",
                "Workday",
            ),
            (
                "sourcedId;orgSourcedIds;username;givenName;familyName;role;grades",
                "School Data Sync",
            ),
            (
                "DistinguishedName;Enabled;GivenName;Name;ObjectClass;ObjectGUID;SamAccountName;SID;Surname;UserPrincipalName",
                "Active Directory",
            ),
            (
                "ExternalId;DisplayName;UserName;Name.GivenName;Name.FamilyName",
                "HelloID source file of persons",
            ),
            (
                "ExternalId;Name.GivenName;Name.FamilyName;Contact.Business.Email",
                "HelloID source file of persons",
            ),
            (
                "PersonId;ExternalId;StartDate;EndDate;Department.DisplayName;Title.Name",
                "HelloID source file of contracts",
            ),
            (
                "primaryEmail;name.givenName;name.familyName;suspended;orgUnitPath",
                "Google Workspace",
            ),
        ] {
            let found = system(header);
            assert!(
                found.is_some_and(|it| it.contains(expected)),
                "{header}: {found:?}"
            );
        }
    }

    #[test]
    fn a_plain_list_is_no_systems() {
        for header in [
            "Employee ID;First Name;Last Name;Work Email;Job Title",
            "Personeelsnummer;Voornaam;Achternaam;E-mail;Land",
            "Personalnummer;Vorname;Nachname;E-Mail;Eintrittsdatum",
            "Employee ID;Login;First name;Last name",
            "id;name;email",
        ] {
            assert_eq!(system(header), None, "{header}");
        }
    }
}

//! What HR systems call the columns of a field.
//!
//! All names are normalized: no case, accents, white space or punctuation, so
//! that `E-mail adres` and the `FirstName*` of an import template are found too.

use crate::schema::{Field, FieldKind};

/// Names of a field's column, the surest first.
pub(super) fn names(field: &Field) -> impl Iterator<Item = &'static str> + Clone {
    // What each system has under a name of its own.
    let key = match field.kind {
        FieldKind::ExternalId => "externalId",
        FieldKind::Login => "login",
        FieldKind::Email => "email",
        _ => field.name,
    };
    let row = NAMES.iter().find(|(of, _)| *of == key);
    row.map_or("", |(_, names)| names).split_whitespace()
}

/// Whether a column of that name holds secrets: it is never recognised, also
/// where `p@ssword1.example` looks like an address.
pub(super) fn is_secret(normalized: &str) -> bool {
    SECRETS.split_whitespace().any(|name| name == normalized)
}

const SECRETS: &str =
    "password passwd pwd passcode pin wachtwoord passwort kennwort motdepasse contrasena";

/// English, Dutch, German, French, Spanish.
const NAMES: &[(&str, &str)] = &[
    (
        "externalId",
        "externalid employeeid employeenumber employeeno employeenr personid personnelnumber \
         personnelid personnelno personnumber workerid staffid staffnumber staffno \
         associateid sourcedid medewerkernummer medewerkernr medewerkerid medewerkercode \
         personeelsnummer personeelsnr personeelscode personalnummer personalnr \
         mitarbeiternummer mitarbeiternr matricule numeroempleado badgenumber payrollnumber \
         userid emplid empid id",
    ),
    (
        "email",
        "workemail businessemail companyemail email emailaddress emailwork emailzakelijk \
         emailadreszakelijk zakelijkemailadres emailwerk dienstlicheemail geschaftlicheemail \
         mail emailadres emailadresse adressemail courriel correo correoelectronico \
         userprincipalname upn",
    ),
    (
        "firstName",
        "firstname first givenname forename preferredfirstname legalfirstname voornaam \
         roepnaam vorname prenom nombre",
    ),
    (
        "middleName",
        "middlename infix tussenvoegsel tussenvoegsels voorvoegsel voorvoegsels \
         tussenvoegselachternaam nameprefix namensvorsatz vorsatzwort zweitervorname",
    ),
    (
        "lastName",
        "lastname last familyname surname legallastname achternaam familienaam nachname \
         familienname nom apellido apellidos",
    ),
    (
        "login",
        "loginname login username accountname samaccountname networkid userid gebruikersnaam \
         inlognaam benutzername anmeldename identifiant usuario",
    ),
    ("gender", "gender sex geslacht geschlecht sexe genero"),
    // A job title as often as not: its cells decide.
    (
        "title",
        "title titel academictitle salutation honorific titulatuur aanhef akademischertitel \
         anrede",
    ),
    ("initials", "initials initialen voorletters initiales"),
    (
        "function",
        "function jobtitle jobname job businesstitle positiontitle position functie \
         functienaam functietitel functieomschrijving funktion stellenbezeichnung stelle \
         beruf fonction poste puesto title titel",
    ),
    (
        "company",
        "company companyname legalentity employer organisation organization bedrijf \
         bedrijfsnaam werkgever organisatie firma unternehmen gesellschaft arbeitgeber \
         entreprise empresa",
    ),
    (
        "dateOfBirth",
        "dateofbirth birthdate dob birthday geboortedatum geburtsdatum geburtstag \
         datedenaissance fechadenacimiento",
    ),
    (
        "telephoneNumber",
        "telephonenumber telephone phone phonenumber workphone businessphone officephone \
         telefoon telefoonnummer telefoonzakelijk telefoonwerk vasttelefoonnummer telefon \
         telefonnummer festnetz telefono tel",
    ),
    ("faxNumber", "faxnumber fax faxnummer telefax"),
    (
        "cellPhoneNumber",
        "cellphonenumber cellphone mobile mobilephone mobilenumber mobilephonenumber cell \
         mobiel mobielnummer mobielenummer mobieletelefoon mobieltelefoonnummer \
         telefoonmobiel gsm gsmnummer mobil mobilnummer mobiltelefon handy handynummer \
         portable movil",
    ),
    (
        "address",
        "address address1 addressline1 street streetaddress homeaddress adres straat \
         straathuisnummer strasse straße straßehausnummer anschrift adresse rue direccion",
    ),
    ("address2", "address2 addressline2 adres2 adresse2"),
    (
        "city",
        "city town residence plaats woonplaats stad ort wohnort stadt ville ciudad",
    ),
    (
        "residence",
        "city town residence plaats woonplaats stad ort wohnort stadt ville ciudad",
    ),
    (
        "state",
        "state stateprovince stateorprovince region province",
    ),
    (
        "zip",
        "zip zipcode postalcode postcode plz postleitzahl codepostal codigopostal",
    ),
    (
        "country",
        "country countrycode countryiso countryname land landcode landnaam pays pais",
    ),
    (
        "invoiceAddress",
        "invoiceaddress factuuradres rechnungsadresse",
    ),
    ("invoiceZip", "invoicezip factuurpostcode rechnungsplz"),
    (
        "invoiceResidence",
        "invoiceresidence factuurplaats rechnungsort",
    ),
    ("invoiceCountry", "invoicecountry factuurland rechnungsland"),
    (
        "expirationDate",
        "expirationdate enddate exitdate terminationdate contractend contractenddate \
         einddatum datumuitdienst uitdienstdatum austrittsdatum datedefin",
    ),
    ("custom1", "custom1"),
    ("custom2", "custom2"),
    ("custom3", "custom3"),
    ("custom4", "custom4"),
    ("custom5", "custom5"),
    ("renewable", "renewable"),
    // What follows is never mapped by itself: such columns are only named in the
    // lines that a person may choose.
    ("forcePasswordChange", "forcepasswordchange"),
    ("password", SECRETS),
    ("avatar", "avatar photo picture foto pasfoto bild"),
    (
        "role",
        "role roles learningrole learningroles lmsrole lmsroles userrole rol rollen rolle",
    ),
    (
        "group",
        "departmentcode departmentid afdelingscode afdelingsnummer department departmentname \
         afdeling abteilung team organisationalunit organizationalunit orgunit businessunit \
         departement",
    ),
];

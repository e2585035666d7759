//! What HR systems call their columns, in English, Dutch, German, French, Spanish,
//! Japanese and Chinese.
//!
//! A line is a meaning and its names, the surest first. Case, accents, white space,
//! punctuation and a `*` do not count, so each name is here once: `Pers.-Nr.` also
//! stands for `PersNr`. What comes around a name (`Worker's`, `Legal Name - `) is
//! known to `headers/mod.rs`.

use super::Meaning::{
    self, Active, Address2, BirthDate, BirthName, City, Company, CostCentre, Country, Department,
    Email, EndDate, Fax, FirstName, ForcePassword, FullName, Gender, HireDate, HouseAddition,
    HouseNumber, Inactive, Initials, InvoiceAddress, InvoiceCity, InvoiceCountry, InvoiceZip,
    JobTitle, LastName, Location, Login, MiddleName, Mobile, NameOrder, NamePrefix, Never, Other,
    PartnerName, PartnerPrefix, Password, PersonId, Phone, Picture, PreferredName, PrivateEmail,
    PrivateMobile, PrivatePhone, Role, SecondLastName, State, Status, Street, Title, Unit, WeakId,
    WorkPhone, Zip,
};
use super::Private;

/// The names of each meaning.
pub(super) const NAMES: &[(Meaning, &str)] = &[
    (
        PersonId,
        "external id, employee id, employee number, employee no, employee nr, employee code, \
         employee key, personnel number, personnel id, personnel no, personnel code, person number, \
         person id, person no, person nr, worker id, worker number, worker no, staff id, \
         staff number, staff no, staff code, associate id, associate oid, colleague id, \
         team member id, sourced id, sis id, source id, emplid, emp id, emp no, emp nr, emp number, \
         emp code, assignment number, employee id in company, badge number, badge id, payroll number, \
         payroll no, payroll id, hr id, clock no, \
         hris id, hr number, global id, file number, clock number, external person id, \
         personeelsnummer, personeelsnr, personeelscode, personeels id, medewerkernummer, \
         medewerkernr, medewerker id, medewerkercode, werknemersnummer, werknemernummer, \
         werknemernr, werknemer id, salarisnummer, persoonsnummer, persoon id, stamnummer, \
         extern id, externe id, Personalnummer, Personalnr, Pers.-Nr., Persnummer, Personal-ID, \
         Mitarbeiternummer, Mitarbeiternr, Mitarbeiter-ID, Mitarbeiterkennung, MA-Nr, MA-Nummer, \
         Stammnummer, Personenkennung, Personen-ID, Personennummer, Externe Nummer, matricule, \
         matricule rh, matricule employé, matricule salarié, numéro de matricule, n° matricule, \
         n° employé, n° salarié, numéro employé, numéro d'employé, numéro de salarié, \
         numéro salarié, code salarié, code employé, identifiant employé, identifiant salarié, \
         id salarié, id employé, número de empleado, n° de empleado, n° empleado, num empleado, \
         código de empleado, código empleado, id empleado, id de empleado, número de trabajador, \
         número de personal, número de nómina, legajo, número de legajo, matrícula, \
         clave de empleado, expediente, 社員番号, 従業員番号, 学籍番号, 学号, 社員ID, 社員コード, 従業員コード, \
         従業員ID, 職員番号, 個人コード, 员工编号, 员工号, 工号, 员工ID, 人员编号, 职工号, \
         雇员编号, 員工編號, 員工編号, userid, user sysid, PERNR, person id external, person identifier, \
         user number, student id, student number, pupil number, learner id, member number, \
         membership number, studentnummer, leerlingnummer, stamboeknummer, lidnummer, \
         relatienummer, verenigingsnummer, Mitgliedsnummer, Mitglieds-ID, Schülernummer, \
         Matrikelnummer, Teilnehmernummer, numéro d'adhérent, numéro étudiant, numéro d'agent, \
         número de socio, medewerker, mitarbeiter, employee, worker, staff",
    ),
    (
        WeakId,
        "id, nr, no, number, nummer, numéro, num, key, code, identifier, uid, guid, uuid, \
         object id, record id, unique id, kennung, kenmerk, sleutel, 番号, ID番号, 编号, 編號, \
         immutable id, employee ref, reference",
    ),
    (
        Login,
        "login name, login, login id, user name, user logon name, logon name, logon, \
         sam account name, account name, account, network id, network login, windows login, \
         ad account, ad username, user principal name, upn, sso id, sso username, user code, \
         user, user id, gebruikersnaam, inlognaam, gebruiker, loginnaam, gebruikers id, \
         accountnaam, Benutzername, Anmeldename, Benutzerkennung, Benutzer, Benutzer-ID, \
         Anmeldung, Kennung Benutzer, identifiant, nom d'utilisateur, nom utilisateur, \
         identifiant de connexion, utilisateur, compte, usuario, nombre de usuario, \
         id de usuario, cuenta, ログインID, ユーザー名, ユーザID, ユーザーID, アカウント, 用户名, \
         登录名, 登录账号, 账号, 帐号, 用戶名",
    ),
    (
        Email,
        "work email, work email address, business email, business email address, \
         business email information email address, company email, company email address, \
         corporate email, office email, email work, email, email address, primary email, \
         primary email address, primary work email, email primary work, email id, mail, \
         mail address, e-mail 1, internet address, contact email, official email, \
         primary smtp address, proxy address, e-mail zakelijk, e-mailadres zakelijk, \
         zakelijk e-mailadres, zakelijke e-mail, zakelijk e-mail, werk e-mail, e-mail werk, \
         e-mailadres werk, werkmail, mail werk, mailadres, e-mailadres, E-Mail dienstlich, \
         dienstliche E-Mail, dienstliche E-Mail-Adresse, E-Mail-Adresse dienstlich, \
         geschäftliche E-Mail, E-Mail geschäftlich, E-Mail (Arbeit), E-Mail-Adresse, Mailadresse, \
         Firmen-E-Mail, courriel, adresse courriel, courriel professionnel, adresse e-mail, \
         adresse mail, adresse électronique, e-mail professionnel, email pro, mail professionnel, \
         mél, adresse e-mail professionnelle, correo, correo electrónico, correo corporativo, \
         correo electrónico corporativo, correo de trabajo, correo empresa, correo laboral, \
         e-mail corporativo, dirección de correo, dirección de correo electrónico, メール, \
         メールアドレス, 会社メールアドレス, 社内メール, Eメール, 電子メール, 邮箱, 电子邮箱, \
         电子邮件, 公司邮箱, 工作邮箱, 邮件, 企业邮箱, 邮箱地址, 電子郵件, 電郵",
    ),
    (
        PrivateEmail,
        "private email, personal email, personal email address, home email, home email address, \
         private email address, email home, email private, email personal, other email, \
         secondary email, alternate email, e-mail privé, privé e-mail, e-mailadres privé, \
         privé e-mailadres, mail privé, E-Mail privat, private E-Mail-Adresse, \
         E-Mail-Adresse privat, courriel personnel, e-mail personnel, mail personnel, adresse mail personnelle, \
         adresse e-mail personnelle, \
         correo personal, correo electrónico personal, 個人メール, 個人メールアドレス, 个人邮箱, \
         私人邮箱",
    ),
    (
        FullName,
        "full name, name, employee name, display name, worker name, person name, legal name, \
         employee full name, worker, employee, complete name, formatted name, common name, cn, \
         preferred full name, last name first name, last first name, name last first, \
         first name last name, payroll name, reporting name, associate name, staff name, \
         member name, naam, volledige naam, weergavenaam, naam medewerker, medewerker naam, \
         medewerker, werknemer, naam werknemer, roepnaam achternaam, samengestelde naam, \
         vollständiger Name, Anzeigename, Mitarbeitername, Name Mitarbeiter, Mitarbeiter, \
         Name Vorname, Vor- und Nachname, Nachname Vorname, Vorname Nachname, Gesamtname, \
         ganzer Name, nom complet, nom et prénom, nom prénom, prénom nom, nom affiché, \
         nom de l'employé, nom du salarié, salarié, employé, nombre completo, nombre y apellidos, \
         apellidos y nombre, nombre del empleado, apellidos nombre, apellido y nombre, \
         nombre y apellido, empleado, trabajador, nombre del trabajador, 氏名, 名前, 社員名, \
         従業員名, 氏名漢字, お名前, 姓名, 员工姓名, 名字, 全名, 中文姓名, 姓名(中文), 員工姓名",
    ),
    (
        FirstName,
        "first name, given name, forename, legal first name, first, VORNA, given names, fname, \
         first name legal, christian name, voornaam, voornamen, eerste voornaam, Vorname, \
         Vornamen, prénom, prénoms, prénom usuel, nombre, nombres, primer nombre, nombre 1, \
         nombre de pila, \
         名, 名(漢字), 名 (名前)",
    ),
    (
        PreferredName,
        "preferred first name, preferred name, preferred given name, known as, known as name, \
         chosen name, chosen first name, common first name, call name, nickname, roepnaam, \
         Rufname, prénom d'usage, nombre preferido",
    ),
    (
        MiddleName,
        "middle name, middle names, middle, mi, middle initial, mname, second name, \
         additional name, tweede voornaam, zweiter Vorname, weitere Vornamen, deuxième prénom, \
         segundo nombre, nombre 2, ミドルネーム",
    ),
    (
        NamePrefix,
        "infix, name prefix, last name prefix, surname prefix, family name prefix, \
         birth name prefix, prefix, prefixes, tussenvoegsel, tussenvoegsels, voorvoegsel, \
         voorvoegsels, tussenvoegsel achternaam, voorvoegsel achternaam, \
         voorvoegsel geboortenaam, voorvoegsels geboortenaam, tussenvoegsel geboortenaam, \
         tussenv, tsv, Namensvorsatz, Vorsatzwort, Namenszusatz, Vorsatz, Namenspräfix, \
         Vorsatzwörter, particule",
    ),
    (
        LastName,
        "last name, surname, family name, legal last name, last, lname, sn, second name family, \
         achternaam, familienaam, achternaam medewerker, roepachternaam, Nachname, NACHN, Familienname, \
         Zuname, Name Nachname, nom de famille, nom, nom d'usage, nom usuel, nom patronymique, \
         apellidos, apellido, primer apellido, apellido 1, apellido paterno, 姓, 苗字, 名字 (姓), 姓(漢字), \
         姓氏",
    ),
    (
        SecondLastName,
        "second last name, segundo apellido, apellido materno, apellido 2, last name 2",
    ),
    (
        BirthName,
        "birth name, maiden name, birth last name, last name at birth, geboortenaam, meisjesnaam, \
         achternaam geboortenaam, Geburtsname, Mädchenname, nom de naissance, nom de jeune fille, \
         apellido de soltera, 旧姓",
    ),
    (
        PartnerName,
        "partner name, partner last name, last name partner, spouse last name, name partner, \
         achternaam partner, partnernaam, geslachtsnaam partner, naam partner, Ehename",
    ),
    (
        PartnerPrefix,
        "partner name prefix, last name prefix partner, prefix partner, partner prefix, \
         voorvoegsel partner, voorvoegsels partner, tussenvoegsel partner, \
         voorvoegsel partnernaam, tussenvoegsel partnernaam",
    ),
    (
        NameOrder,
        "name usage, name convention, name order, convention, naamgebruik, naamgebruikcode, \
         code naamgebruik, naamvoorkeur, aanschrijfnaam, gebruik achternaam",
    ),
    (
        Initials,
        "initials, initialen, voorletters, voorletter, Initiale, initiales, iniciales",
    ),
    (
        Title,
        "academic title, salutation, honorific, courtesy title, prefix title, title, titulatuur, \
         aanhef, titel voor, academische titel, akademischer Titel, Anrede, Titel, civilité, \
         titre, tratamiento, título, 敬称, 称谓, name suffix title",
    ),
    (
        Gender,
        "gender, sex, gender code, sex code, legal sex, gender identity, geslacht, geslachtscode, \
         sekse, Geschlecht, Geschlechtsschlüssel, sexe, genre, sexo, género, 性別, 性别",
    ),
    (
        BirthDate,
        "date of birth, birth date, GBDAT, dob, birthday, geboortedatum, geb datum, geboren, \
         Geburtsdatum, Geburtstag, Geb.Dat., geboren am, date de naissance, né le, né(e) le, \
         date naissance, fecha de nacimiento, fecha nacimiento, nacimiento, fec nacimiento, \
         生年月日, 誕生日, 出生日期, 生日, 出生年月",
    ),
    (
        HireDate,
        "hire date, start date, date of hire, original hire date, hired, start, last hire date, \
         employment start date, date started, join date, joining date, date joined, \
         date of joining, seniority date, service date, contract start, contract start date, \
         hired on, entry date, datum in dienst, in dienst, indienstdatum, in dienst sinds, \
         ingangsdatum, startdatum, begindatum, datum indiensttreding, begindatum dienstverband, \
         Eintrittsdatum, Eintritt, Einstellungsdatum, Vertragsbeginn, Beginn, date d'entrée, \
         date entrée, date d'embauche, date de début, date début, date début contrat, \
         fecha de ingreso, fecha de alta, fecha alta, fecha de contratación, fecha de inicio, \
         fecha ingreso, fecha de incorporación, 入社日, 入社年月日, 採用日, 入职日期, 入职时间, \
         入職日期",
    ),
    (
        EndDate,
        "expiration date, end date, exit date, termination date, date of termination, \
         leaving date, leave date, date left, contract end, contract end date, \
         employment end date, last day, last working day, last day of work, separation date, \
         date of leaving, effective end date, account expires, account expiration date, end, \
         expiry date, release date, einddatum, datum uit dienst, uit dienst, uitdienstdatum, \
         uit dienst per, einde dienstverband, einddatum contract, einddatum dienstverband, \
         datum uitdiensttreding, contracteinde, Austrittsdatum, Austritt, Vertragsende, Enddatum, \
         Ende, befristet bis, Beschäftigungsende, date de fin, date de sortie, date sortie, \
         date de départ, date fin, date fin contrat, date de fin de contrat, fecha de baja, \
         fecha baja, fecha de salida, fecha de fin, fecha fin, fecha de terminación, \
         fecha de egreso, fecha fin contrato, 退職日, 退職年月日, 退社日, 离职日期, 离职时间, \
         合同结束日期, 離職日期",
    ),
    (
        Status,
        "status, lifecycle status, worker status, assignment status type, employment status, employee status, person status, user status, \
         staff status, hr status, payroll status, account status, assignment status, \
         employment status code, position status, status code, empl status, work status, \
         state of employment, medewerkerstatus, personeelsstatus, status medewerker, \
         dienstverband status, status dienstverband, Beschäftigungsstatus, Mitarbeiterstatus, \
         Personalstatus, Beschäftigungsverhältnis Status, statut, statut employé, statut salarié, \
         situation, statut du salarié, estado, estatus, situación, estado del empleado, \
         estado laboral, situación laboral, 状態, 在籍状況, 在籍区分, ステータス, 在職区分, \
         雇用状況, 状态, 员工状态, 在职状态, 雇佣状态, 人员状态, 狀態, 在職狀態",
    ),
    (
        Active,
        "active, is active, active status, currently active, actief, is actief, aktiv, ist aktiv, \
         actif, en activité, activo, is enabled, enabled, account enabled, user enabled, \
         in dienst j/n, 有効, 在籍, 启用",
    ),
    (
        Inactive,
        "inactive, blocked, terminated, is terminated, left, disabled, is blocked, \
         account disabled, suspended, archived, deleted, is deleted, geblokkeerd, inactief, \
         gearchiveerd, gesperrt, inaktiv, ausgeschieden, bloqué, inactif, sorti, bloqueado, \
         inactivo, cesado, baja",
    ),
    (
        JobTitle,
        "job title, business title, job, job name, position title, position, position name, \
         function, job profile, role title, designation, job description, job title name, \
         profession, occupation, work title, employee title, title, job position title, functie, \
         functienaam, functietitel, functieomschrijving, functiebenaming, Funktion, \
         Stellenbezeichnung, Stelle, Beruf, Berufsbezeichnung, Tätigkeit, Jobbezeichnung, \
         Positionsbezeichnung, Titel, Stellentitel, Jobtitel, fonction, poste, intitulé du poste, \
         emploi, intitulé de poste, métier, libellé emploi, libellé poste, titre du poste, \
         puesto, cargo, puesto de trabajo, función, ocupación, denominación del puesto, \
         título del puesto, 役職, 職種, 職位, 役職名, 職務, 职位, 岗位, 职务, 岗位名称, 职位名称, \
         職稱",
    ),
    (
        Company,
        "company, company name, legal entity, employer, employer name, organisation, \
         organization, legal employer, legal employer name, legal entity name, organization name, \
         organisation name, school, school name, business entity, bedrijf, bedrijfsnaam, \
         werkgever, organisatie, werkgever naam, naam werkgever, Firma, Unternehmen, \
         Gesellschaft, Rechtsträger, Arbeitgeber, Firmenname, Mandant, Buchungskreis, entreprise, société, \
         employeur, raison sociale, établissement, empresa, compañía, sociedad, razón social, \
         会社, 会社名, 法人名, 公司, 公司名称, 所属公司, 公司名稱",
    ),
    (
        Department,
        "department code, department id, department, department name, department number, dept, \
         dept name, dept id, department description, home department, \
         home department description, afdelingscode, afdelingsnummer, afdeling, afdeling naam, \
         afdelingsnaam, Abteilungsnummer, Abteilung, Abteilungsname, Abteilungsbezeichnung, \
         département, service, nom du service, code service, libellé service, departamento, área, \
         部署, 所属, 部門, 部署名, 所属部署, 所属コード, 部署コード, 部门, 部门名称, 所属部门, \
         部門名稱",
    ),
    (
        Unit,
        "team, team name, organisational unit, organizational unit, organization unit, org unit, \
         business unit, business unit name, division, division name, group, unit, section, \
         org unit name, supervisory organization, org unit code, sub department, groep, \
         organisatorische eenheid, organisatie eenheid, eenheid, divisie, cluster, \
         Organisationseinheit, OrgEinheit, Gruppe, Bereich, Geschäftsbereich, Sachgebiet, équipe, \
         direction, unité, pôle, equipo, unidad, gerencia, grupo, dirección general, 課, チーム, \
         グループ, 事業部, 团队, 小组, 事业部",
    ),
    (
        CostCentre,
        "cost centre, cost center, cost center code, cost centre code, cost center name, \
         costcenter id, kostenplaats, kostenplaatscode, Kostenstelle, Kostenstellennummer, Kst, \
         centre de coût, centre de coûts, section analytique, centro de coste, centro de costos, \
         centro de costo, 原価センタ, コストセンター, 成本中心",
    ),
    (
        Location,
        "location, work location, location name, site, office, office location, building, floor, \
         room, physical delivery office name, workplace, location code, location description, \
         branch, locatie, vestiging, standplaats, werklocatie, werkplek, kantoor, Standort, \
         Arbeitsort, Niederlassung, Betriebsstätte, Dienstort, Werk, Büro, lieu de travail, \
         site de travail, agence, bureau, centro de trabajo, ubicación, sede, oficina, 勤務地, \
         勤務先, 事業所, 拠点, 工作地点, 办公地点, 工作地點",
    ),
    (
        WorkPhone,
        "work phone, business phone, biz phone, office phone, work telephone, business phones, \
         business phone number, work phone number, phone work, telephone work, \
         primary work phone, office telephone, telefoon zakelijk, telefoon werk, \
         zakelijk telefoonnummer, telefoonnummer zakelijk, telefoonnummer werk, \
         zakelijke telefoon, werktelefoon, vast telefoonnummer, Telefon dienstlich, \
         Telefon geschäftlich, dienstliche Telefonnummer, Telefon (Arbeit), Durchwahl, \
         téléphone professionnel, tél professionnel, téléphone bureau, téléphone pro, \
         teléfono del trabajo, teléfono de trabajo, teléfono oficina, teléfono corporativo, \
         会社電話番号, 内線番号, 办公电话, 工作电话",
    ),
    (
        Phone,
        "telephone number, telephone, phone number, phone, telephone no, phone no, tel, tel no, \
         primary phone, contact number, telefoon, telefoonnummer, Telefon, Telefonnummer, \
         Festnetz, Festnetznummer, Tel.-Nr., Rufnummer, numéro de téléphone, teléfono, \
         número de teléfono, teléfono fijo, 電話番号, 電話, 电话, 联系电话, 电话号码, 電話號碼",
    ),
    (
        PrivatePhone,
        "home phone, private phone, personal phone, phone home, home telephone, \
         home phone number, personal phone number, telefoon privé, telefoonnummer privé, \
         privé telefoon, privé telefoonnummer, vast privé, Telefon privat, private Telefonnummer, \
         téléphone personnel, téléphone domicile, téléphone privé, teléfono personal, \
         teléfono particular, 自宅電話番号, 家庭电话",
    ),
    (
        Mobile,
        "mobile, mobile phone, mobile number, mobile phone number, cell phone, cell, \
         cell phone number, work mobile, business mobile, cellular, mobile work, \
         work mobile phone, mobile no, company mobile, primary mobile phone, mobiel, \
         mobiel nummer, mobiele nummer, mobiele telefoon, mobiel telefoonnummer, telefoon mobiel, \
         gsm, gsm-nummer, mobiel werk, mobiel zakelijk, zakelijk mobiel, mobiel zakelijk nummer, \
         mobiele telefoon werk, mobiel telefoonnummer werk, telefoonnummer mobiel, Mobil, \
         Mobilnummer, Mobiltelefon, Handy, Handynummer, Mobil dienstlich, Diensthandy, \
         Mobiltelefon dienstlich, mobile professionnel, portable, portable professionnel, \
         tél portable, téléphone portable, téléphone mobile, móvil, celular, teléfono móvil, \
         teléfono celular, móvil de empresa, 携帯, 携帯電話, 携帯電話番号, 携帯番号, 手机, \
         手机号, 手机号码, 移动电话, 手機號碼",
    ),
    (
        PrivateMobile,
        "personal mobile, private mobile, home mobile, mobile home, mobile private, \
         personal cell phone, personal mobile phone, mobiel privé, privé mobiel, \
         mobiel privé nummer, mobiele telefoon privé, Mobil privat, Handy privat, \
         Mobiltelefon privat, mobile personnel, portable personnel, móvil personal, \
         celular personal",
    ),
    (
        Fax,
        "fax number, fax, facsimile telephone number, faxnummer, Telefax, télécopie",
    ),
    (
        Street,
        "address, address 1, address line 1, street, street address, home address, street name, \
         address street, home address line 1, primary address line 1, adres, straat, straatnaam, \
         straat huisnummer, straat en huisnummer, adres straat, woonadres, Straße, \
         Straße Hausnummer, Straße und Hausnummer, Straße Nr, Anschrift, Adresse, \
         rue, adresse postale, adresse 1, voie, numéro et rue, dirección, calle, domicilio, \
         calle y número, 住所, 現住所, 住所1, 番地, 地址, 家庭住址, 住址, 街道",
    ),
    (
        HouseNumber,
        "house number, house no, street number, building number, huisnummer, straatnummer, Hausnummer, \
         numéro de rue, numéro de voie, n° de rue, n° voie, número de calle, \
         número exterior, 門牌號",
    ),
    (
        HouseAddition,
        "house number addition, house number suffix, house number extension, \
         huisnummer toevoeging, toevoeging, toevoeging huisnummer, huisnr toevoeging, \
         busnummer, bus, boîte, Hausnummernzusatz, Hausnummerzusatz",
    ),
    (
        Address2,
        "address 2, address line 2, street 2, home address line 2, primary address line 2, apartment, suite, adres 2, adresregel 2, \
         adresse 2, Adresszusatz, Adresszeile 2, complément d'adresse, complément adresse, dirección 2, \
         住所2, 建物名",
    ),
    (
        City,
        "city, town, residence, city name, municipality, home city, primary address city, plaats, \
         woonplaats, plaatsnaam, stad, gemeente, Ort, Wohnort, Stadt, ville, commune, localité, \
         ciudad, localidad, población, municipio, 市区町村, 都市, 城市, 市, 所在城市",
    ),
    (
        State,
        "state, state province, state or province, province, region, county, state code, \
         home state, primary address state, provincie, regio, Bundesland, \
         département de résidence, provincia, estado provincia, comunidad autónoma, 都道府県, \
         省份, 省",
    ),
    (
        Zip,
        "zip, zip code, postal code, postcode, zip postal code, home zip, postal, \
         primary address zip postal code, PLZ, Postleitzahl, code postal, cp, código postal, \
         郵便番号, 邮编, 邮政编码, 郵遞區號",
    ),
    (
        Country,
        "country, country code, country iso, country name, country iso code, work country, \
         home country, address country, primary address country, location country, \
         country region, land, landcode, landnaam, woonland, Ländercode, Länderschlüssel, \
         Ländername, Staat, pays, code pays, pays de résidence, país, código de país, \
         país de residencia, 国, 国名, 国家, 国コード, 所在国家",
    ),
    (
        InvoiceAddress,
        "invoice address, billing address, factuuradres, Rechnungsadresse",
    ),
    (
        InvoiceZip,
        "invoice zip, billing zip, factuurpostcode, Rechnungs-PLZ",
    ),
    (
        InvoiceCity,
        "invoice residence, invoice city, billing city, factuurplaats, Rechnungsort",
    ),
    (
        InvoiceCountry,
        "invoice country, billing country, factuurland, Rechnungsland",
    ),
    (
        Role,
        "role, roles, learning role, learning roles, lms role, lms roles, user role, user roles, \
         rol, rollen, Rolle, roles de usuario, 権限, ロール, 角色",
    ),
    (
        Picture,
        "avatar, photo, picture, foto, pasfoto, Bild, image",
    ),
    (
        ForcePassword,
        "force password change, must change password, change password at next login, \
         change password at next sign-in",
    ),
    (
        Password,
        "password, passwd, pwd, passcode, pin, initial password, temporary password, wachtwoord, \
         Passwort, Kennwort, mot de passe, contraseña, clave, パスワード, 密码",
    ),
    (
        Never(Private::Pay),
        "salary, base salary, annual salary, base pay, pay rate, hourly rate, compensation, wage, \
         salaris, brutosalaris, uurloon, loon, Gehalt, Bruttogehalt, Grundgehalt, Lohn, Entgelt, \
         Stundenlohn, salaire, salaire brut, rémunération, salario, sueldo, salario bruto, 給与, \
         基本給, 工资, 薪资, 薪水",
    ),
    (
        Never(Private::Bank),
        "iban, bic, bank account, bank account number, account number, bank, bank name, \
         routing number, bankrekening, bankrekeningnummer, rekeningnummer, Bankverbindung, \
         Kontonummer, BLZ, compte bancaire, rib, cuenta bancaria, 銀行口座, 口座番号, 银行账号, \
         银行卡号, 开户行",
    ),
    (
        Never(Private::Identity),
        "ssn, social security number, national id, national identifier, \
         national insurance number, national insurance no, ni number, nino, \
         aadhaar, aadhaar number, pan, pan number, pesel, codice fiscale, fødselsnummer, \
         personnummer, cpf, tax id, tax number, tin, passport number, passport, \
         id card, id card number, driver license number, identity card number, bsn, \
         burgerservicenummer, sofinummer, paspoortnummer, identiteitsbewijs, rijksregisternummer, \
         Steuernummer, Steuer-ID, Steuer-Identifikationsnummer, Sozialversicherungsnummer, \
         SV-Nummer, Personalausweisnummer, Reisepassnummer, Steuerklasse, Konfession, \
         numéro de sécurité sociale, numéro de sécu, nir, numéro ss, dni, nif, nie, curp, \
         rfc, nss, cuil, cédula, rut, número de seguridad social, dni nie, マイナンバー, \
         个人番号, 身份证号, 身份证号码, 身份证, 护照号, 社保号",
    ),
    (
        Never(Private::Health),
        "disability, disabled status, health, illness, sick leave, ethnicity, race, religion, \
         ziekte, verzuim, arbeidshandicap, Krankheit, Schwerbehinderung, Behinderung, \
         Krankenkasse, handicap, maladie, discapacidad, baja médica, 健康状態, 障害, 民族, \
         健康状况",
    ),
    (
        Other,
        "names, suffix, name suffix, persoon, person, nickname alias, level, grade, type, \
         category, employee type, worker type, worker class, employment type, contract type, \
         language, nationality, start time, manager, manager id, manager email, manager name, \
         supervisor, extension, comments, remarks, notes, description, date, age, function code, \
         job code, position id, job family, fte, hours, schedule, time zone, locale, \
         default locale, hr, company code, region code, enabled user, custom01, leader, rang, \
         niveau, taal, nationaliteit, datum, leidinggevende, opmerkingen, omschrijving, \
         titel functie, contractsoort, dienstverband, uren, Sprache, Staatsangehörigkeit, \
         Nationalität, Vorgesetzter, Führungskraft, Bemerkung, langue, nationalité, responsable, \
         naissance, manager direct, type de contrat, idioma, nacionalidad, jefe, \
         supervisor directo, tipo de contrato, 雇用形態, 役職コード, 国籍, 備考, 上司, フリガナ, \
         氏名カナ, カナ, セイ, メイ, ふりがな, 员工类型, 备注, 直属上级, 主管, 学历, 职级",
    ),
];

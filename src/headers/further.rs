//! What HR systems call their columns in Norwegian, Danish, Swedish, Polish, Italian and
//! Portuguese, as `headers/words.rs` has it for other languages. A name that is the same
//! in one of these is there only.

use super::Meaning::{
    self, Active, Address2, BirthDate, BirthName, City, Company, CostCentre, Country, Department,
    Email, EndDate, FirstName, FullName, Gender, HireDate, HouseAddition, HouseNumber, Inactive,
    Initials, JobTitle, LastName, Location, Login, MiddleName, Mobile, Never, Other, Password,
    PersonId, Phone, PreferredName, PrivateEmail, PrivateMobile, PrivatePhone, Role, State, Status,
    Street, Title, Unit, WorkPhone, Zip,
};
use super::Private;

/// The names of each meaning, the surest of a language first.
pub(super) const NAMES: &[(Meaning, &str)] = &[
    (
        PersonId,
        "ansattnr, ansattnummer, ansatt-ID, medarbeidernummer, medarbeider-ID, \
         lønnsnummer, medarbejdernummer, medarbejdernr, medarbejder-ID, lønnummer, lønnr, \
         tjenestenummer, anställningsnummer, anställningsnr, anställnings-ID, anst.nr, \
         anställd nr, medarbetarnummer, medarbetar-ID, medarbetarnr, numer pracownika, \
         nr pracownika, ID pracownika, identyfikator pracownika, kod pracownika, \
         numer ewidencyjny, nr ewidencyjny, numer kadrowy, nr kadrowy, numer osobowy, nr osobowy, \
         numer służbowy, matricola, codice matricola, numero matricola, matricola dipendente, \
         codice dipendente, ID dipendente, numero dipendente, n° dipendente, codice persona, \
         número do funcionário, nº do funcionário, nº funcionário, número de funcionário, \
         código do funcionário, ID do funcionário, ID funcionário, matrícula do funcionário, \
         número do colaborador, nº do colaborador, nº colaborador, código do colaborador, \
         ID do colaborador, número mecanográfico, nº mecanográfico, registro do funcionário, \
         número do trabalhador, número do empregado, nº empregado, número interno",
    ),
    (
        Login,
        "brukernavn, bruker-ID, påloggingsnavn, brugernavn, bruger-ID, logonnavn, användarnamn, \
         användar-ID, inloggning, inloggningsnamn, användarkonto, nazwa użytkownika, użytkownik, \
         identyfikator użytkownika, nome utente, utente, ID utente, nome account, \
         nome de usuário, nome do usuário, utilizador, nome de utilizador, nome do utilizador",
    ),
    (
        Email,
        "e-post, e-postadresse, e-post jobb, jobb e-post, e-post arbeid, e-postadresse jobb, \
         arbeidsepost, firma-epost, e-mail arbejde, arbejdsmail, arbejds-e-mail, \
         arbejdsmailadresse, firmamail, mailadresse arbejde, e-postadress, e-post arbete, \
         e-post jobbet, jobbmejl, jobbmail, mejl, mejladress, arbetsmejl, tjänste e-post, \
         e-mail służbowy, służbowy e-mail, służbowy adres e-mail, adres e-mail służbowy, \
         adres e-mail, adres mailowy, poczta elektroniczna, mail służbowy, \
         e-mail firmowy, e-mail aziendale, mail aziendale, posta elettronica, \
         posta elettronica aziendale, indirizzo e-mail, indirizzo mail, \
         indirizzo di posta elettronica, indirizzo e-mail aziendale, e-mail lavoro, \
         e-mail di lavoro, e-mail profissional, correio eletrónico, \
         correio electrónico, endereço de e-mail, endereço eletrônico, e-mail da empresa, \
         e-mail de trabalho, e-mail institucional, e-mail do trabalho",
    ),
    (
        PrivateEmail,
        "privat e-post, e-post privat, privat e-postadresse, privat e-mail, privatmail, \
         privat e-postadress, privat mejl, e-mail prywatny, prywatny e-mail, \
         prywatny adres e-mail, e-mail personale, mail personale, e-mail privata, \
         indirizzo e-mail personale, e-mail pessoal, e-mail particular, correio eletrónico pessoal",
    ),
    (
        FullName,
        "fullt navn, navn, ansattnavn, ansatt, visningsnavn, fulde navn, medarbejdernavn, \
         medarbejder, vist navn, fullständigt namn, namn, medarbetarens namn, medarbetare, \
         visningsnamn, för- och efternamn, etternavn fornavn, efternavn fornavn, \
         efternamn förnamn, fornavn etternavn, fornavn efternavn, förnamn efternamn, \
         imię i nazwisko, nazwisko i imię, imiona i nazwisko, pracownik, pełne imię i nazwisko, \
         cognome e nome, cognome nome, nome e cognome, nome cognome, nominativo, \
         nominativo dipendente, dipendente, nome completo, nome do funcionário, \
         nome do colaborador, funcionário, nome e sobrenome, nome e apelido, nome, nombre, navn ansatt",
    ),
    (
        FirstName,
        "fornavn, førenavn, förnamn, imię, imiona, pierwsze imię, nome, nome di battesimo, \
         primeiro nome, nome próprio, nomes próprios, prenome, given, name first",
    ),
    (
        PreferredName,
        "tiltalenavn, kallenavn, kaldenavn, tilltalsnamn, nome preferito, nome social, \
         nome preferido",
    ),
    (
        MiddleName,
        "mellomnavn, mellemnavn, mellannamn, drugie imię, secondo nome, nome do meio, \
         segundo nome",
    ),
    (
        LastName,
        "etternavn, efternavn, efternamn, slektsnavn, nazwisko, cognome, sobrenome, apelido, \
         último nome, nome de família, apelidos, family, name last",
    ),
    (
        BirthName,
        "pikenavn, fødenavn, pigenavn, flicknamn, nazwisko panieńskie, nazwisko rodowe, \
         cognome da nubile, nome de solteira",
    ),
    (Initials, "initialer, inicjały, iniziali, iniciais"),
    (
        Title,
        "tiltale, tilltal, tytuł, titolo, tratamento, forma de tratamento",
    ),
    (Gender, "kjønn, køn, płeć, sesso, genere"),
    (
        BirthDate,
        "fødselsdato, fødselsdag, født, födelsedatum, födelsedag, född, \
         data urodzenia, urodzony, data di nascita, data nascita, nato il, data de nascimento, \
         data nascimento, nascimento",
    ),
    (
        HireDate,
        "ansettelsesdato, ansattdato, ansatt fra, startdato, tiltredelsesdato, \
         tiltrådt, ansættelsesdato, ansat dato, ansat den, tiltrædelsesdato, anställningsdatum, \
         anställd från, anställd sedan, tillträdesdatum, data zatrudnienia, \
         data rozpoczęcia pracy, data przyjęcia, data rozpoczęcia, zatrudniony od, \
         data assunzione, data di assunzione, data inizio, data inizio rapporto, \
         data inizio contratto, data de admissão, data admissão, admissão, data de contratação, \
         data de início, data de entrada, data de ingresso",
    ),
    (
        EndDate,
        "sluttdato, fratredelsesdato, ansatt til, sluttet dato, slutdato, fratrædelsesdato, \
         fratrådt dato, ansat til, slutdatum, anställd till, avgångsdatum, avslutsdatum, \
         sista anställningsdag, data zwolnienia, data rozwiązania umowy, data zakończenia, \
         data zakończenia pracy, data zakończenia umowy, zatrudniony do, data odejścia, \
         data cessazione, data di cessazione, data fine, data fine rapporto, \
         data fine contratto, data uscita, data di uscita, data dimissioni, data de demissão, \
         data demissão, data de desligamento, data de saída, data de rescisão, data rescisão, \
         data de fim, data fim, data de término, data de cessação, data de afastamento",
    ),
    (
        Status,
        "ansattstatus, ansettelsesstatus, stillingsstatus, ansættelsesstatus, \
         medarbejderstatus, anställningsstatus, medarbetarstatus, status pracownika, \
         status zatrudnienia, stan zatrudnienia, stato, stato dipendente, stato rapporto, \
         stato del rapporto, stato lavorativo, situazione, situação, situação do funcionário, \
         situação do colaborador, status do funcionário, status do colaborador, \
         estado do colaborador, situação funcional",
    ),
    (
        Active,
        "er aktiv, är aktiv, aktywny, czy aktywny, attivo, in forza, ativo, está ativo",
    ),
    (
        Inactive,
        "sluttet, fratrådt, slutat, sperret, spärret, spärrad, nieaktywny, zablokowany, zwolniony, cessato, \
         disattivato, bloccato, desligado, demitido, inativo",
    ),
    (
        JobTitle,
        "stilling, stillingstittel, stillingsbetegnelse, stillingsnavn, tittel, yrke, \
         jobbtittel, jobtitel medarbejder, befattning, befattningsbenämning, yrkestitel, tjänst, \
         yrkesroll, stanowisko, nazwa stanowiska, stanowisko pracy, zawód, mansione, qualifica, \
         posizione, profilo professionale, ruolo aziendale, incarico, função, cargo atual, \
         profissão, ocupação, posto de trabalho, posição",
    ),
    (
        Company,
        "selskap, firmanavn, arbeidsgiver, virksomhed, arbejdsgiver, selskab, företag, \
         företagsnamn, arbetsgivare, bolag, spółka, pracodawca, przedsiębiorstwo, nazwa firmy, \
         azienda, società, datore di lavoro, ragione sociale, razão social, empregador, \
         entidade, nome da empresa",
    ),
    (
        Department,
        "avdeling, avdelingsnavn, avdelingsnr, afdelingsnavn, afdelingsnr, avdelning, \
         avdelningsnamn, dział, nazwa działu, wydział, departament, reparto, dipartimento, \
         ufficio, settore, departamento do colaborador, setor, seção, secção",
    ),
    (
        Unit,
        "enhet, enhetsnavn, seksjon, enhed, sektion, grupp, arbetsgrupp, jednostka, \
         jednostka organizacyjna, zespół, komórka organizacyjna, unità organizzativa, unità, \
         divisione, squadra, unidade, unidade organizacional, equipa, divisão",
    ),
    (
        CostCentre,
        "kostnadssted, omkostningssted, kostnadsställe, centrum kosztów, mpk, centro di costo, \
         centro de custo, centro de custos",
    ),
    (
        Location,
        "arbeidssted, lokasjon, kontor, kontorsted, arbejdssted, lokation, arbetsplats, \
         arbetsställe, placeringsort, miejsce pracy, lokalizacja, oddział, zakład, biuro, \
         luogo di lavoro, sede di lavoro, filiale, local de trabalho, filial, escritório, \
         estabelecimento, localização",
    ),
    (
        WorkPhone,
        "telefon arbeid, telefon jobb, jobbtelefon, arbeidstelefon, telefon arbejde, \
         arbejdstelefon, telefon arbete, arbetstelefon, telefon służbowy, służbowy telefon, \
         telefono aziendale, telefono ufficio, telefono lavoro, telefone profissional, \
         telefone comercial, telefone do trabalho, ramal",
    ),
    (
        Phone,
        "telefonnr, tlf, tlf.nr, telefonnummer arbete, numer telefonu, nr telefonu, \
         numero di telefono, recapito telefonico, telefone, número de telefone, telefone fixo",
    ),
    (
        PrivatePhone,
        "privattelefon, telefon hjem, hemtelefon, telefon prywatny, prywatny telefon, \
         telefono personale, telefono casa, telefone pessoal, telefone residencial, \
         telefone de casa",
    ),
    (
        Mobile,
        "mobilnr, mobiltelefonnummer, mobil arbeid, mobil jobb, mobil arbejde, arbejdsmobil, \
         mobil arbete, telefon komórkowy, komórka, numer komórkowy, telefon komórkowy służbowy, \
         służbowy telefon komórkowy, cellulare, telefono cellulare, cellulare aziendale, \
         numero di cellulare, telemóvel, telefone celular, telemóvel profissional, \
         celular corporativo, número de celular, número de telemóvel",
    ),
    (
        PrivateMobile,
        "mobil hjem, privatmobil, prywatny telefon komórkowy, telefon komórkowy prywatny, \
         cellulare personale, cellulare privato, telemóvel pessoal, celular pessoal",
    ),
    (
        Street,
        "gate, gateadresse, gatenavn, gade, vej, vejnavn, gadenavn, bostedsadresse, bopæl, \
         adress, gatuadress, gata, gatunamn, bostadsadress, ulica, ulica i numer, \
         adres zamieszkania, adres pracownika, indirizzo, via, indirizzo di residenza, \
         endereço, morada, rua, logradouro, endereço residencial",
    ),
    (
        HouseNumber,
        "husnummer, husnr, numer domu, nr domu, numero civico, n° civico, civico, \
         número da porta, número da casa, número da residência",
    ),
    (
        HouseAddition,
        "husbokstav, numer mieszkania, nr mieszkania, nr lokalu, numer lokalu",
    ),
    (
        Address2,
        "adresselinje 2, adressrad 2, c/o, adres cd, indirizzo 2, endereço 2, \
         complemento do endereço, complemento",
    ),
    (
        City,
        "poststed, bosted, postort, stad ort, hemort, miasto, miejscowość, città, comune, \
         comune di residenza, località, cidade, localidade, localidade de residência, by, bostadsort",
    ),
    (
        State,
        "fylke, län, landsdel, województwo, provincia di residenza, regione, distrito, uf, \
         estado uf",
    ),
    (
        Zip,
        "postnummer, postnr, kod pocztowy, cap, codice postale, codice avviamento postale, cep, \
         código de endereçamento postal",
    ),
    (
        Country,
        "landkode, landekode, landskod, kraj, kod kraju, państwo, paese, nazione, \
         codice paese, stato estero, código do país",
    ),
    (
        Role,
        "roller, rolle i LMS, roll, ruolo, ruoli, papel, perfil de acesso",
    ),
    (
        Password,
        "passord, adgangskode, kodeord, lösenord, hasło, parola d'ordine, chiave d'accesso, senha, \
         palavra-passe",
    ),
    (
        Never(Private::Pay),
        "lønn, månedslønn, årslønn, løn, månedsløn, månadslön, wynagrodzenie, pensja, \
         płaca, stipendio, retribuzione, salario lordo, salário base, vencimento, \
         remuneração, ordenado",
    ),
    (
        Never(Private::Bank),
        "bankkonto, bankkontonummer, bankkontonr, kontonr, lønnskonto, registreringsnummer, \
         clearingnummer, numer konta, nr konta, numer rachunku, numer rachunku bankowego, \
         rachunek bankowy, conto corrente, conto bancario, coordinate bancarie, \
         conta bancária, número da conta, conta corrente, agência bancária, nib",
    ),
    (
        Never(Private::Identity),
        "fødselsnr, fødselsnummer 11 siffer, personnr, cpr, cpr-nummer, cpr-nr, \
         personbeteckning, samordningsnummer, numer PESEL, nip, numer dowodu, \
         numer dowodu osobistego, dowód osobisty, numer paszportu, partita iva, carta d'identità, \
         numero carta identità, numero passaporto, rg, pis, pis pasep, ctps, niss, nº contribuinte, \
         número de contribuinte, número do bilhete de identidade, cartão de cidadão, \
         número de segurança social, título de eleitor, passaporte",
    ),
    (
        Never(Private::Health),
        "sykefravær, sygefravær, sjukfrånvaro, niepełnosprawność, stopień niepełnosprawności, \
         disabilità, malattia, invalidità, deficiência, atestado médico, religião, raça, \
         allergier, allergie, alergias, allergies",
    ),
    (
        Other,
        "ansettelsesform, stillingsprosent, leder, nærmeste leder, ansættelsesform, \
         nærmeste chef, chef, anställningsform, sysselsättningsgrad, sivilstand, civilstånd, \
         språk, sprog, merknad, bemærkning, anmärkning, forma zatrudnienia, rodzaj umowy, \
         wymiar etatu, przełożony, bezpośredni przełożony, kierownik, obywatelstwo, uwagi, \
         stan cywilny, tipo contratto, tipo di contratto, livello, inquadramento, \
         percentuale part time, cittadinanza, nazionalità, stato civile, note, responsabile, \
         lingua, gestor, gestor direto, chefia, superior imediato, vínculo, \
         tipo de vínculo, regime, carga horária, nacionalidade, estado civil, observações, \
         escolaridade",
    ),
];

//! Invented people, so that a sandbox need not be empty.

use fastrand::Rng;

use super::people::{FIELDS, Values};

/// An invented person. `number` makes the login name and the e-mail address
/// its own.
pub(super) fn invented(number: u32, rng: &mut Rng) -> [String; FIELDS.len()] {
    const FIRST: [&str; 16] = [
        "Amara",
        "Bengt",
        "Chiara",
        "Dmitri",
        "Élodie",
        "Farid",
        "Grace",
        "Hiroshi",
        "Inês",
        "José",
        "Kateřina",
        "Liam",
        "Łucja",
        "Nguyễn",
        "Olumide",
        "Zoë",
    ];
    const LAST: [&str; 16] = [
        "Adeyemi", "Bianchi", "Castillo", "de Vries", "Eriksson", "Ferrer", "García", "Haddad",
        "Ito", "Jansen", "Kowalski", "Lefèvre", "Müller", "Novák", "O'Brien", "Tran",
    ];
    const TOWN: [(&str, &str, &str, &str); 8] = [
        ("Columbus", "OH", "43215", "US"),
        ("San Juan", "PR", "00901", "US"),
        ("Utrecht", "", "3511 AB", "NL"),
        ("München", "", "80331", "DE"),
        ("Łódź", "", "90-001", "PL"),
        ("Lyon", "", "69001", "FR"),
        ("Dublin", "", "D02 X285", "IE"),
        ("Osaka", "", "530-0001", "JP"),
    ];
    let (city, state, zip, country) = TOWN[rng.usize(..TOWN.len())];
    let login = format!("resident.{number}");
    let email = format!("{login}@example.com");
    let street = format!("{} Main street", rng.u32(1..400));
    let texts: Values<'_> = [
        &email,
        FIRST[rng.usize(..FIRST.len())],
        LAST[rng.usize(..LAST.len())],
        &login,
        &street,
        "",
        city,
        state,
        zip,
        country,
        "",
    ];
    texts.map(str::to_owned)
}

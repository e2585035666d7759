//! Invented people, as an administrator creates them by hand: without external
//! IDs.

use fastrand::Rng;

use super::person::{EMAIL, LOGIN, Person, Roles, fields};

/// An invented learner. `number` makes the login, which is the e-mail address
/// too, the person's own.
pub(super) fn invented(number: u32, rng: &mut Rng) -> Person {
    const FIRST: [&str; 8] = [
        "Anouk", "Björn", "Céline", "Daan", "Eşref", "Fleur", "Gijs", "Zoë",
    ];
    const MIDDLE: [&str; 4] = ["", "", "de", "van der"];
    const LAST: [&str; 8] = [
        "Bakker", "Çelik", "Dijkstra", "Groß", "Jansen", "Lefèvre", "Núñez", "O'Brien",
    ];
    const TOWN: [&str; 4] = ["Rotterdam", "'s-Hertogenbosch", "Köln", "Liège"];
    let login = format!("resident.{number}@example.com");
    let mut person = Person::default();
    person.roles = Roles::of("student").unwrap_or_default();
    person.set_text(LOGIN, &login);
    person.set_text(EMAIL, &login);
    let texts = [
        ("firstName", FIRST[rng.usize(..FIRST.len())]),
        ("middleName", MIDDLE[rng.usize(..MIDDLE.len())]),
        ("lastName", LAST[rng.usize(..LAST.len())]),
        ("residence", TOWN[rng.usize(..TOWN.len())]),
    ];
    for (field, name) in fields() {
        if let Some((_, text)) = texts.iter().find(|(other, _)| *other == name) {
            person.set_text(field, text);
        }
    }
    person
}

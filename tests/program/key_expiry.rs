//! An API key that expires soon, as the mapping says.

use hrfeed::clock;
use jiff::{ToSpan as _, tz::TimeZone};

use crate::support::System::Kmi;
use crate::support::{Feed, World, on_each_system};

#[test]
fn a_key_that_expires_soon_is_noted_by_check_plan_and_import() {
    on_each_system(|system| {
        let today = clock::now().to_zoned(TimeZone::system()).date();
        let expires = |days: i64| {
            let date = today.checked_add(days.days()).unwrap();
            format!("api_key_expires = {date}")
        };
        let mut world = World::new(system);
        world.feed(&Feed::of(2));
        let notes = |world: &World| {
            ["check", "plan", "import"].map(|command| {
                let arguments = [command, "people.csv", "-m", "mapping.toml", "--json"];
                world.run(&arguments).exits(0).json()["notes"].to_string()
            })
        };
        world = world.target(&expires(15));
        for notes in notes(&world) {
            assert!(!notes.contains("API key"), "{notes}");
        }
        world = world.target(&expires(9));
        for notes in notes(&world) {
            assert!(notes.contains("the API key expires on "), "{notes}");
            assert!(notes.contains(", in 9 days: renew it"), "{notes}");
        }
        world = world.target(&expires(-1));
        for notes in notes(&world) {
            assert!(notes.contains("the API key expired on "), "{notes}");
        }
    });
}

#[test]
fn a_date_that_is_none_is_a_mistake_in_the_mapping() {
    let world = World::new(Kmi).target("api_key_expires = \"soon\"");
    world.feed(&Feed::of(1));
    world
        .run(&["check", "people.csv", "-m", "mapping.toml"])
        .exits(2);
}

//! People of two feeds: who names whom, and who lets go.

use crate::support::System::{AnewSpring, Kmi};
use crate::support::{Feed, Ran, World, on_each_system};

/// Imports the feed with a mapping of that name, which is a feed of its own.
fn import_as(world: &World, mapping: &str, feed: &Feed) -> Ran {
    world.feed(feed);
    world.write(mapping, world.mapping());
    world.run(&["import", "people.csv", "-m", mapping, "--json"])
}

/// The people from the one place to before the other.
fn part(from: usize, to: usize) -> Feed {
    let mut people = Feed::of(to).people;
    people.drain(..from);
    Feed { people }
}

#[test]
fn whoever_moved_to_another_feed_and_is_renumbered_there_is_not_removed_by_the_first() {
    on_each_system(|system| {
        let world = World::new(system).parts("[leavers]\naction = \"delete\"");
        import_as(&world, "a.toml", &part(0, 40)).exits(0);
        import_as(&world, "b.toml", &part(40, 80)).exits(0);
        let rest = part(1, 40);
        let mut other = part(40, 80);
        other.people.push(part(0, 1).people.remove(0));
        for _ in 0..2 {
            import_as(&world, "b.toml", &other).exits(0);
            let ran = import_as(&world, "a.toml", &rest).exits(0);
            assert_eq!(ran.count("deleted"), 0, "{ran:#?}");
        }
        let account = world.account("E00001");
        other.people[40].id = "N00001".into();
        for _ in 0..2 {
            let ran = import_as(&world, "b.toml", &other).exits(4);
            assert_eq!(ran.held(), [("renumbered".to_owned(), 1)]);
            let ran = import_as(&world, "a.toml", &rest).exits(0);
            assert_eq!(ran.count("deleted"), 0, "{ran:#?}");
            assert_eq!(world.account("E00001"), account);
        }
    });
}

#[test]
fn whom_two_feeds_name_leaves_with_the_last_that_lets_go_whichever_it_is() {
    on_each_system(|system| {
        let names = ["a.toml", "b.toml"];
        for (named_last, lets_go_first) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let world = World::new(system).parts("[leavers]\naction = \"delete\"");
            // E00021 is in both.
            let whole = [part(0, 21), part(20, 41)];
            let without = [part(0, 20), part(21, 41)];
            for feed in [1 - named_last, named_last] {
                import_as(&world, names[feed], &whole[feed]).exits(0);
            }
            let (first, last) = (lets_go_first, 1 - lets_go_first);
            for _ in 0..2 {
                let ran = import_as(&world, names[first], &without[first]).exits(0);
                assert_eq!(ran.count("deleted"), 0, "{ran:#?}");
            }
            let ran = import_as(&world, names[last], &without[last]).exits(0);
            assert_eq!(
                ran.count("deleted"),
                1,
                "{named_last} {lets_go_first} {ran:#?}"
            );
            assert!(world.lms.with_id("E00021").is_empty());
        }
    });
}

#[test]
fn whoever_moves_to_another_feed_under_another_id_is_renumbered_once_the_first_has_let_go() {
    on_each_system(|system| {
        let world = World::new(system);
        import_as(&world, "a.toml", &part(0, 40)).exits(0);
        import_as(&world, "b.toml", &part(40, 80)).exits(0);
        let account = world.account("E00001");
        let mut other = part(40, 80);
        other.people.push(part(0, 1).people.remove(0));
        other.people[40].id = "B00001".into();
        // As far as is known, the first feed names the person.
        let ran = import_as(&world, "b.toml", &other).exits(3);
        assert_eq!((ran.count("rejected"), ran.held()), (1, vec![]));
        import_as(&world, "a.toml", &part(1, 40)).exits(0);
        let ran = import_as(&world, "b.toml", &other).exits(4);
        assert_eq!(ran.held(), [("renumbered".to_owned(), 1)]);
        world.run(&["approve", &ran.hold("renumbered")]).exits(0);
        let ran = import_as(&world, "b.toml", &other).exits(0);
        assert_eq!((ran.count("created"), ran.count("updated")), (0, 1));
        assert_eq!(world.account("B00001"), account);
        // Should the first feed name the person again, it is not its own any more.
        let ran = import_as(&world, "a.toml", &part(0, 40)).exits(3);
        assert_eq!((ran.count("rejected"), ran.count("created")), (1, 0));
    });
}

#[test]
fn who_is_back_in_the_first_feed_is_named_there_again() {
    on_each_system(|system| {
        let world = World::new(system);
        import_as(&world, "a.toml", &part(0, 40)).exits(0);
        import_as(&world, "b.toml", &part(40, 80)).exits(0);
        import_as(&world, "a.toml", &part(1, 40)).exits(0);
        import_as(&world, "a.toml", &part(0, 40)).exits(0);
        let mut other = part(40, 80);
        other.people.push(part(0, 1).people.remove(0));
        other.people[40].id = "B00001".into();
        let ran = import_as(&world, "b.toml", &other).exits(3);
        assert_eq!((ran.count("rejected"), ran.held()), (1, vec![]));
    });
}

/// The mapping with every city in capitals: the same people with other content.
fn in_capitals(world: &World) -> String {
    let column = match world.system {
        Kmi => "city = \"City\"",
        AnewSpring => "residence = \"City\"",
    };
    let capitals = column.replace("\"City\"", "{ column = \"City\", upper = true }");
    let mapping = world.mapping().replace(column, &capitals);
    assert_ne!(mapping, world.mapping());
    mapping
}

/// The notes of a run or plan that are about another mapping.
fn on_others(ran: &Ran) -> Vec<String> {
    let json = ran.json();
    let notes = json["notes"].as_array().unwrap().iter();
    let notes = notes.map(|note| note.as_str().unwrap().to_owned());
    notes.filter(|note| note.contains("last changed")).collect()
}

#[test]
fn two_mappings_that_overwrite_each_others_people_are_named_in_plan_and_import() {
    on_each_system(|system| {
        let world = World::new(system);
        let feed = part(0, 40);
        world.feed(&feed);
        world.write("a.toml", world.mapping());
        world.write("b.toml", in_capitals(&world));
        let run = |command: &str, mapping: &str| {
            world.run(&[command, "people.csv", "-m", mapping, "--json"])
        };
        // Whoever comes to another feed moves there, as far as is known.
        assert_eq!(on_others(&run("import", "a.toml").exits(0)), [""; 0]);
        let ran = run("import", "b.toml").exits(0);
        assert_eq!((ran.count("updated"), on_others(&ran)), (40, vec![]));
        for (mapping, other) in [
            ("a.toml", "b.toml"),
            ("b.toml", "a.toml"),
            ("a.toml", "b.toml"),
        ] {
            let planned = on_others(&run("plan", mapping).exits(0));
            let ran = run("import", mapping).exits(0);
            assert_eq!(
                (ran.count("updated"), on_others(&ran)),
                (40, planned.clone())
            );
            let [note] = planned.as_slice() else {
                panic!("{ran:#?}");
            };
            let named = note.starts_with("40 people were last changed by the mapping `");
            assert!(named && note.contains(other), "{note}");
        }
        // One of them lets go, and that is all.
        world.write("b.toml", world.mapping());
        for mapping in ["b.toml", "a.toml", "b.toml"] {
            let ran = run("import", mapping).exits(0);
            assert_eq!((ran.count("unchanged"), on_others(&ran)), (40, vec![]));
        }
        // The summary for people has it, too.
        world.write("b.toml", in_capitals(&world));
        run("import", "b.toml").exits(0);
        run("import", "a.toml").exits(0);
        let ran = world
            .run(&["import", "people.csv", "-m", "b.toml"])
            .exits(0);
        assert!(
            ran.said().contains("40 people were last changed by"),
            "{ran:#?}"
        );
    });
}

#[test]
fn two_mappings_with_the_same_content_and_people_who_move_are_no_news() {
    on_each_system(|system| {
        let world = World::new(system);
        let mut feed = part(0, 40);
        for night in 0..3 {
            for person in &mut feed.people {
                person.city = format!("City {night}");
            }
            for (mapping, updated) in [("a.toml", 40), ("b.toml", 0)] {
                let ran = import_as(&world, mapping, &feed).exits(0);
                assert_eq!(on_others(&ran), [""; 0], "{night} {mapping}");
                let sent = ran.count("created") + ran.count("updated");
                assert_eq!(sent, updated, "{ran:#?}");
            }
        }
        // Whoever moves to and fro is changed by the mapping that names the person.
        let mut moving = part(0, 1);
        let stays = part(40, 80);
        for (night, mapping) in ["c.toml", "d.toml", "c.toml", "d.toml"].iter().enumerate() {
            moving.people[0].city = format!("Moved {night}");
            for it in ["c.toml", "d.toml"] {
                let mut feed = stays.clone();
                if it == *mapping {
                    feed.people.extend(moving.people.clone());
                }
                let ran = import_as(&world, it, &feed).exits(0);
                assert_eq!(on_others(&ran), [""; 0], "{night} {it}");
            }
        }
    });
}

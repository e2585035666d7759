//! The person behind the key: known people under other external IDs, logins that
//! change hands, and IDs that a spreadsheet damaged.

use serde_json::json;

use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::{Feed, Person, Ran, World, calls, on_each_system};

/// A world that deletes leavers and has this in `[identity]`, to which so many
/// people were imported.
pub(super) fn with(people: usize, system: System, identity: &str) -> (World, Feed) {
    let parts = format!("[leavers]\naction = \"delete\"\n\n[identity]\n{identity}");
    let world = World::new(system).parts(&parts);
    let feed = Feed::of(people);
    world.import_feed(&feed).exits(0);
    (world, feed)
}

pub(super) const HOLD: &str = "renumbered = \"hold\"";
pub(super) const REKEY: &str = "renumbered = \"rekey\"";
const REJECT: &str = "renumbered = \"reject\"";

/// The feed with other external IDs for the people from `begin` on.
pub(super) fn renumbered(feed: &Feed, begin: usize, id: impl Fn(&str) -> String) -> Feed {
    let mut feed = feed.clone();
    for person in &mut feed.people[begin..] {
        person.id = id(&person.id);
    }
    feed
}

/// The one call that gives a known account another external ID.
fn rekey(system: System) -> &'static str {
    match system {
        Kmi => "POST users/{id}/",
        AnewSpring => "POST updateUser/{userID}",
    }
}

#[test]
fn sixty_of_200_people_under_another_id_are_held_and_nobody_is_made_twice() {
    on_each_system(|system| {
        // As the mapping has it unless it says otherwise.
        let (world, feed) = with(200, system, "");
        let feed = renumbered(&feed, 140, |id| format!("N{id}"));
        let ran = world
            .changes_nothing(|world| world.import_feed(&feed))
            .exits(4);
        assert_eq!(ran.held(), [("renumbered".to_owned(), 60)]);
        assert_eq!((ran.count("created"), ran.count("deleted")), (0, 0));
        assert_eq!((ran.count("pending"), ran.count("unchanged")), (60, 140));
        // And the next night, and in a plan.
        let again = world.changes_nothing(World::import).exits(4);
        assert_eq!(again.hold("renumbered"), ran.hold("renumbered"));
        let plan = world.changes_nothing(World::plan).exits(4);
        assert_eq!(plan.held(), [("renumbered".to_owned(), 60)]);
    });
}

#[test]
fn a_hold_of_renumbered_people_names_both_ids_of_each() {
    on_each_system(|system| {
        let (world, feed) = with(20, system, HOLD);
        let feed = renumbered(&feed, 18, |id| format!("N{id}"));
        let hold = world.import_feed(&feed).exits(4).hold("renumbered");
        let shown = world.run(&["hold", &hold]).exits(0).stdout;
        for id in ["E00019", "NE00019", "E00020", "NE00020"] {
            assert!(shown.contains(id), "{id}: {shown}");
        }
        assert!(!shown.to_lowercase().contains("zquimby"), "{shown}");
    });
}

#[test]
fn approved_renumbered_people_keep_their_accounts() {
    on_each_system(|system| {
        let (world, feed) = with(100, system, HOLD);
        let before: Vec<_> = (81..=100)
            .map(|number| world.account(&format!("E{number:05}")))
            .collect();
        let feed = renumbered(&feed, 80, |id| format!("N{id}"));
        let hold = world.import_feed(&feed).exits(4).hold("renumbered");
        world.run(&["approve", &hold]).exits(0);
        world.lms.reset_stats();
        let ran = world.import().exits(0);
        assert_eq!((ran.count("updated"), ran.count("created")), (20, 0));
        assert_eq!((ran.count("deleted"), ran.held()), (0, vec![]));
        let rekeys = world.lms.stats().calls(rekey(system));
        assert_eq!(rekeys, 20, "one update for each: {:?}", world.lms.stats());
        world.assert_everyone_once(&feed);
        let after: Vec<_> = (81..=100)
            .map(|number| world.account(&format!("NE{number:05}")))
            .collect();
        assert_eq!(before, after);
        assert_eq!(world.cost(&feed, 0), calls(&[]));
    });
}

#[test]
fn where_the_mapping_says_so_a_known_person_gets_the_new_id_at_once() {
    on_each_system(|system| {
        let (world, feed) = with(100, system, REKEY);
        let before = world.account("E00100");
        let mut feed = renumbered(&feed, 99, |id| format!("N{id}"));
        // With what else changed, in the same call.
        feed.people[99].city = "Meppel".into();
        let cost = world.cost(&feed, 0);
        assert_eq!(cost.get(rekey(system)), Some(&1), "{cost:#?}");
        let row = world.row(101);
        assert_eq!(
            (&row["action"], &row["outcome"]),
            (&json!("rekey"), &json!("updated"))
        );
        assert_eq!(world.account("NE00100"), before);
        world.assert_everyone_once(&feed);
        // And the old ID is nobody's any more: neither a leaver nor known.
        assert_eq!(world.cost(&feed, 0), calls(&[]));
    });
}

#[test]
fn more_rekeys_than_the_bound_of_changed_identities_wait() {
    on_each_system(|system| {
        // 2 % of 300 people are 6.
        let (world, feed) = with(300, system, REKEY);
        let seven = renumbered(&feed, 293, |id| format!("N{id}"));
        let ran = world
            .changes_nothing(|world| world.import_feed(&seven))
            .exits(4);
        let held: u64 = ran.held().iter().map(|(_, people)| people).sum();
        assert_eq!(held, 7, "{ran:#?}");
        let six = renumbered(&feed, 294, |id| format!("N{id}"));
        let ran = world.import_feed(&six).exits(0);
        assert_eq!((ran.count("updated"), ran.held()), (6, vec![]));
        world.assert_everyone_once(&six);
    });
}

#[test]
fn where_the_mapping_says_so_a_renumbered_person_is_rejected_with_both_ids() {
    on_each_system(|system| {
        let (world, feed) = with(40, system, REJECT);
        let feed = renumbered(&feed, 39, |id| format!("N{id}"));
        let ran = world
            .changes_nothing(|world| world.import_feed(&feed))
            .exits(3);
        assert_eq!((ran.count("rejected"), ran.count("deleted")), (1, 0));
        let message = world.row(41)["message"].to_string();
        assert!(message.contains("E00040"), "{message}");
        world.feed(&feed);
        let plan = world.plan().exits(3);
        assert_eq!(plan.count("rejected"), 1);
    });
}

#[test]
fn a_chain_of_ids_is_done_in_an_order_in_which_none_is_there_twice() {
    on_each_system(|system| {
        let (world, feed) = with(40, system, REKEY);
        let before: Vec<_> = ["E00038", "E00039", "E00040"]
            .map(|id| world.account(id))
            .to_vec();
        // E00038 becomes E00039, E00039 becomes E00040, E00040 becomes E00041.
        let mut feed = feed;
        for (person, number) in feed.people[37..].iter_mut().zip(39..) {
            person.id = format!("E{number:05}");
        }
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.count("updated"), ran.count("created")), (3, 0));
        world.assert_everyone_once(&feed);
        let after: Vec<_> = ["E00039", "E00040", "E00041"]
            .map(|id| world.account(id))
            .to_vec();
        assert_eq!(before, after);
    });
}

#[test]
fn two_people_who_swap_ids_are_swapped_or_wait_together() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system, REKEY);
        let before = (world.account("E00001"), world.account("E00002"));
        feed.people[0].id = "E00002".into();
        feed.people[1].id = "E00001".into();
        let ran = world.import_feed(&feed);
        let after = (world.account("E00002"), world.account("E00001"));
        if ran.code == 0 {
            assert_eq!(before, after);
            world.assert_everyone_once(&feed);
        } else {
            ran.exits(4);
            world.assert_everyone_once(&Feed::of(40));
        }
    });
}

#[test]
fn a_joiner_with_the_login_of_somebody_who_stays_is_rejected_and_not_tried_every_night() {
    on_each_system(|system| {
        // The one who stays is in another feed of the same LMS.
        let (world, feed) = with(40, system, HOLD);
        std::fs::copy(world.path("mapping.toml"), world.path("other.toml")).unwrap();
        let mut joiner = Person::new(77);
        joiner.login.clone_from(&feed.people[4].login);
        let other = Feed {
            people: vec![joiner, Person::new(78)],
        };
        world.feed(&other);
        let plan = ["plan", "people.csv", "-m", "other.toml", "--json"];
        let ran = world.changes_nothing(|world| world.run(&plan)).exits(3);
        assert_eq!((ran.count("rejected"), ran.count("created")), (1, 1));
        let import = ["import", "people.csv", "-m", "other.toml", "--json"];
        let ran = world.run(&import).exits(3);
        assert_eq!((ran.count("rejected"), ran.count("created")), (1, 1));
        let message = world.row(2)["message"].to_string();
        assert!(message.contains("E00005"), "it names who has it: {message}");
        assert!(!message.to_lowercase().contains("zquimby"), "{message}");
        world.lms.reset_stats();
        let ran = world.changes_nothing(|world| world.run(&import)).exits(3);
        assert_eq!(ran.count("rejected"), 1);
        assert_eq!(world.lms.stats().creates(), 0);
    });
}

#[test]
fn a_plan_says_why_rows_are_rejected_that_are_wrong_only_beside_known_people() {
    on_each_system(|system| {
        let (world, feed) = with(40, system, HOLD);
        std::fs::copy(world.path("mapping.toml"), world.path("other.toml")).unwrap();
        let people = [(77, 4), (78, 5)].map(|(number, other): (_, usize)| {
            let mut joiner = Person::new(number);
            joiner.login.clone_from(&feed.people[other].login);
            joiner
        });
        world.feed(&Feed {
            people: people.to_vec(),
        });
        let plan = ["plan", "people.csv", "-m", "other.toml"];
        let ran = world.changes_nothing(|world| world.run(&plan)).exits(3);
        let words: Vec<_> = ran.stdout.split_whitespace().collect();
        let said = words.join(" ");
        let (_, why) = said.split_once("Wrong in the feed 2 ").unwrap();
        assert!(
            why.contains("the login belongs to somebody else and does not become free in this run: nothing was sent (rows 2, 3)"),
            "{why}"
        );
    });
}

#[test]
fn two_rows_of_a_feed_with_one_login_name_each_other() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system, HOLD);
        let mut joiner = Person::new(77);
        joiner.login.clone_from(&feed.people[4].login);
        feed.people.push(joiner);
        let ran = world
            .changes_nothing(|world| world.import_feed(&feed))
            .exits(3);
        assert_eq!(ran.count("rejected"), 2);
        let (one, two) = (
            world.row(6)["message"].to_string(),
            world.row(42)["message"].to_string(),
        );
        assert!(
            one.contains("row 42") && two.contains("row 6"),
            "{one} {two}"
        );
    });
}

#[test]
fn whoever_is_named_for_a_login_that_several_have_is_named_with_the_row() {
    let world = World::new(System::Kmi).parts("[unique]\nfields = [\"externalId\"]");
    world.lms.set_faults(&json!({"shared_logins": true}));
    let mut feed = Feed::of(4);
    let login = feed.people[0].login.clone();
    feed.people[1].login.clone_from(&login);
    // The proof names the two.
    world.import_feed(&feed).exits(3);
    feed.people[3].login = login;
    let ran = world
        .changes_nothing(|world| world.import_feed(&feed))
        .exits(3);
    assert_eq!(ran.count("rejected"), 1);
    let message = world.row(5)["message"].to_string();
    assert!(
        message.contains("E00001") && message.contains("row 2"),
        "{message}"
    );
}

#[test]
fn accounts_created_manually_with_the_logins_of_joiners_are_held_and_not_doubled() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system, HOLD);
        for number in 41..=46 {
            let joiner = Person::new(number);
            world.by_hand(&joiner);
            feed.people.push(joiner);
        }
        let ran = world
            .changes_nothing(|world| world.import_feed(&feed))
            .exits(4);
        assert_eq!(ran.held(), [("renumbered".to_owned(), 6)]);
        world.lms.reset_stats();
        world.changes_nothing(World::import).exits(4);
        assert_eq!(
            world.lms.stats().creates(),
            0,
            "nobody is tried every night"
        );
    });
}

#[test]
fn whoever_takes_over_a_leavers_login_comes_after_the_leaver() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system, HOLD);
        let leaver = feed.people.remove(10);
        let mut joiner = Person::new(77);
        joiner.login.clone_from(&leaver.login);
        feed.people.push(joiner);
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.count("created"), ran.count("deleted")), (1, 1));
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn whoever_takes_over_the_login_of_a_leaver_who_waits_waits_too() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system, HOLD);
        // Six leavers are beyond the bound, and one of them has the login.
        let leaver = feed.people.pop().unwrap();
        feed.people.truncate(34);
        let mut joiner = Person::new(77);
        joiner.login.clone_from(&leaver.login);
        feed.people.push(joiner);
        let ran = world
            .changes_nothing(|world| world.import_feed(&feed))
            .exits(4);
        assert_eq!((ran.count("created"), ran.count("deleted")), (0, 0));
        let hold = ran.hold("leavers");
        world.run(&["approve", &hold]).exits(0);
        world.import().exits(0);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn whoever_needs_the_login_of_a_leaver_who_stays_is_rejected_and_the_leaver_is_named() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system, HOLD);
        let leaver = feed.people.pop().unwrap();
        feed.people.truncate(34);
        let mut joiner = Person::new(77);
        joiner.login.clone_from(&leaver.login);
        feed.people.push(joiner.clone());
        world.feed(&feed);
        let plan = world.plan().exits(4);
        assert_eq!((plan.count("created"), plan.count("rejected")), (0, 1));
        let ran = world.changes_nothing(World::import).exits(4);
        assert_eq!((ran.count("failed"), ran.count("rejected")), (0, 1));
        world.run(&["refuse", &ran.hold("leavers")]).exits(0);
        // Nor is it tried every night once nobody is going to free it.
        let ran = world.changes_nothing(World::import).exits(3);
        assert_eq!((ran.count("failed"), ran.count("rejected")), (0, 1));
        let row = world.row(36);
        assert_eq!(row["external_id"], joiner.id, "{row}");
        let message = row["message"].as_str().unwrap();
        assert!(
            message.contains(&format!("{}, who is not in this feed", leaver.id)),
            "{row}"
        );
    });
}

#[test]
fn two_people_who_swap_logins_are_swapped_or_wait_or_are_rejected_together() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system, HOLD);
        let (one, two) = (feed.people[0].login.clone(), feed.people[1].login.clone());
        feed.people[0].login = two;
        feed.people[1].login = one;
        let ran = world.import_feed(&feed);
        if ran.code == 0 {
            world.assert_everyone_once(&feed);
        } else {
            assert!([3, 4].contains(&ran.code), "{ran:#?}");
            world.assert_everyone_once(&Feed::of(40));
            let outcomes: Vec<_> = [2, 3]
                .map(|line| world.row(line)["outcome"].clone())
                .to_vec();
            assert_eq!(outcomes[0], outcomes[1], "{ran:#?}");
        }
        // Nobody is tried in vain every night.
        world.lms.reset_stats();
        drop(world.import());
        assert_eq!(world.lms.stats().updates(), 0);
    });
}

#[test]
fn a_login_that_moves_on_within_the_feed_is_freed_first() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system, HOLD);
        // In the order of the feed the second would come too early.
        feed.people[0].login = feed.people[1].login.clone();
        feed.people[1].login = "zquimby-married".into();
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!(ran.count("updated"), 2);
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn whoever_is_held_under_another_number_is_the_same_person_with_another_login() {
    on_each_system(|system| {
        for is_approved in [false, true] {
            let (world, mut feed) = with(40, system, HOLD);
            let before = world.account("E00001");
            feed.people[0].id = "N00001".into();
            let hold = world.import_feed(&feed).exits(4).hold("renumbered");
            if is_approved {
                world.run(&["approve", &hold]).exits(0);
            }
            // All addresses get another domain while the person waits.
            feed.people[0].login = "zquimby-new".into();
            feed.people[0].email = "zquimby@new.example.org".into();
            let ran = world.changes_nothing(|world| world.import_feed(&feed));
            let hold = ran.exits(4).hold("renumbered");
            let people = world.held_people(&hold);
            assert_eq!(people[0]["known_as"], "E00001", "{people:#?}");
            world.run(&["approve", &hold]).exits(0);
            let ran = world.import().exits(0);
            assert_eq!((ran.count("updated"), ran.count("deleted")), (1, 0));
            assert_eq!(world.account("N00001"), before);
            world.assert_everyone_once(&feed);
        }
    });
}

#[test]
fn whoever_was_held_under_another_number_stays_while_the_row_is_wrong() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system, HOLD);
        let before = world.account("E00001");
        feed.people[0].id = "N00001".into();
        world.import_feed(&feed).exits(4);
        feed.people[0].login = "zquimby-new".into();
        feed.people[0].email = "not-an-address".into();
        for _night in 0..2 {
            let ran = world.changes_nothing(|world| world.import_feed(&feed));
            assert_eq!(ran.count("rejected"), 1, "{ran:#?}");
        }
        feed.people[0].email = "zquimby@new.example.org".into();
        let ran = world.changes_nothing(|world| world.import_feed(&feed));
        assert_eq!(ran.exits(4).held(), [("renumbered".to_owned(), 1)]);
        assert_eq!(world.account("E00001"), before);
    });
}

#[test]
fn an_approved_rekey_that_the_lms_refuses_is_no_reason_to_create_and_remove() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system, HOLD);
        let before = world.account("E00001");
        feed.people[0].id = "N00001".into();
        world.import_feed(&feed).exits(4);
        // Everything changes while the person waits, and the login is somebody's whom
        // no row names.
        feed.people[0].email = "zquimby@new.example.org".into();
        feed.people[0].login = "by-hand".into();
        world.lms.by_hand("by-hand", "by-hand@example.org");
        let hold = world.import_feed(&feed).exits(4).hold("renumbered");
        world.run(&["approve", &hold]).exits(0);
        let ran = world.import().exits(3);
        assert_eq!(
            (ran.count("created"), ran.count("deleted")),
            (0, 0),
            "{ran:#?}"
        );
        let ran = world.changes_nothing(World::import);
        assert_eq!(ran.exits(4).held(), [("renumbered".to_owned(), 1)]);
        assert_eq!(world.account("E00001"), before);
    });
}

#[test]
fn whoever_may_be_somebody_else_gets_no_account_without_a_persons_word() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system, REKEY);
        // Another first name with the login of somebody who has left.
        feed.people[0].id = "N00001".into();
        feed.people[0].first = "Zquimba".into();
        feed.people[0].email = "zquimba@example.org".into();
        let ran = world.changes_nothing(|world| world.import_feed(&feed));
        assert_eq!(ran.exits(4).held(), [("renumbered".to_owned(), 1)]);
    });
}

#[test]
fn refusals_of_one_person_each_do_not_hold_everybody_who_joins() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system, HOLD);
        for person in 0..7 {
            feed.people[person].id = format!("N{person}");
            let hold = world.import_feed(&feed).exits(4).hold("renumbered");
            world.run(&["refuse", &hold]).exits(0);
        }
        feed.people.push(Person::new(77));
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.count("created"), ran.held()), (1, vec![]), "{ran:#?}");
        let message = "Import finished. 34 people are up to date, and 7 stay as they are.";
        assert_eq!(ran.json()["message"], message);
        let message = "No changes: 34 people are already up to date, and 7 stay as they are.";
        assert_eq!(world.import().exits(0).json()["message"], message);
    });
}

#[test]
fn a_shared_mailbox_is_nobodys_identity() {
    on_each_system(|system| {
        let world = World::new(system);
        let mut feed = Feed::of(40);
        for person in &mut feed.people[..5] {
            person.email = "desk@example.com".into();
        }
        world.import_feed(&feed).exits(0);
        let mut joiner = Person::new(41);
        joiner.email = "desk@example.com".into();
        feed.people.push(joiner);
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.count("created"), ran.held()), (1, vec![]));
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn a_marriage_is_no_change_of_identity() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system, HOLD);
        for person in &mut feed.people[..12] {
            person.last = format!("Married{}", person.last);
            person.email = format!("married.{}", person.email);
        }
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.count("updated"), ran.held()), (12, vec![]));
        world.assert_everyone_once(&feed);
    });
}

/// Sends what becomes of the feed and shows that nobody is touched.
#[track_caller]
fn touches_nobody(system: System, people: usize, damage: impl Fn(&mut Feed)) -> Ran {
    let (world, mut feed) = with(people, system, REKEY);
    damage(&mut feed);
    let ran = world
        .changes_nothing(|world| world.import_feed(&feed))
        .exits(4);
    assert!(!ran.held().is_empty(), "{ran:#?}");
    // And the feed of the next night goes through as if nothing had been.
    let ran_again = world.import_feed(&Feed::of(people)).exits(0);
    assert_eq!(ran_again.held(), [], "{ran_again:#?}");
    world.assert_everyone_once(&Feed::of(people));
    ran
}

#[test]
fn names_and_addresses_and_logins_that_slipped_by_one_row_overwrite_nobody() {
    on_each_system(|system| {
        touches_nobody(system, 200, |feed| {
            let old = feed.people.clone();
            let slipped = old.iter().cycle().skip(1);
            for (person, next) in feed.people.iter_mut().zip(slipped) {
                person.first.clone_from(&next.first);
                person.last.clone_from(&next.last);
                person.email.clone_from(&next.email);
                person.login.clone_from(&next.login);
            }
        });
    });
}

#[test]
fn a_tenth_of_the_people_with_a_neighbours_identity_wait() {
    on_each_system(|system| {
        let ran = touches_nobody(system, 200, |feed| {
            let old = feed.people.clone();
            for (place, next) in (0..20).zip([&old[1..20], &old[..1]].concat()) {
                let person = &mut feed.people[place];
                person.first = next.first;
                person.last = next.last;
                person.email = next.email;
                person.login = next.login;
            }
        });
        assert_eq!(ran.held(), [("identities".to_owned(), 20)]);
    });
}

#[test]
fn one_column_that_was_sorted_alone_overwrites_nobody() {
    on_each_system(|system| {
        let columns: [fn(&mut Person) -> &mut String; 2] =
            [|person| &mut person.last, |person| &mut person.email];
        for column in columns {
            touches_nobody(system, 150, |feed| {
                let mut texts: Vec<_> = feed
                    .people
                    .iter_mut()
                    .map(|it| column(it).clone())
                    .collect();
                texts.reverse();
                for (person, text) in feed.people.iter_mut().zip(texts) {
                    *column(person) = text;
                }
            });
        }
    });
}

#[test]
fn an_id_column_that_was_sorted_apart_overwrites_nobody() {
    on_each_system(|system| {
        touches_nobody(system, 150, |feed| {
            let mut ids: Vec<_> = feed.people.iter().map(|it| it.id.clone()).collect();
            ids.rotate_left(1);
            for (person, id) in feed.people.iter_mut().zip(ids) {
                person.id = id;
            }
        });
    });
}

#[test]
fn another_column_as_the_id_makes_nobody_twice() {
    on_each_system(|system| {
        touches_nobody(system, 150, |feed| {
            for person in &mut feed.people {
                person.id.clone_from(&person.login.clone());
            }
        });
    });
}

#[test]
fn one_e_mail_address_for_everybody_overwrites_nobody() {
    on_each_system(|system| {
        touches_nobody(system, 150, |feed| {
            for person in &mut feed.people {
                person.email = "noreply@example.com".into();
            }
        });
    });
}

/// What becomes of the ID of a person with that number, and how it was before.
type Damage = (&'static str, fn(usize) -> String, fn(usize) -> String);

const CHECK: &[&str] = &["check", "people.csv", "-m", "mapping.toml", "--json"];

const DAMAGES: &[Damage] = &[
    ("leading zeros", |n| format!("{n:06}"), |n| n.to_string()),
    (
        "decimals",
        |n| format!("{}", 1500 + n),
        |n| format!("{}.0", 1500 + n),
    ),
    (
        "apostrophe in front",
        |n| format!("{n:06}"),
        |n| format!("'{n:06}"),
    ),
    (
        "thousands",
        |n| format!("{}", 12_000 + n),
        |n| format!("12,{n:03}"),
    ),
    (
        "full-width",
        |n| format!("{}", 12_000 + n),
        |n| {
            let digits = (12_000 + n).to_string();
            digits
                .chars()
                .map(|digit| char::from_u32(digit as u32 - 0x30 + 0xff10).unwrap())
                .collect()
        },
    ),
    ("case", |n| format!("e{n:05}"), |n| format!("E{n:05}")),
    (
        "cannot be seen",
        |n| format!("E{n:05}"),
        |n| format!("E\u{200b}{n:05}"),
    ),
];

#[test]
fn ids_that_a_spreadsheet_damaged_make_nobody_twice_and_are_called_what_they_are() {
    on_each_system(|system| {
        for (name, before, after) in DAMAGES {
            let world = World::new(system).parts("[leavers]\naction = \"delete\"");
            let mut feed = Feed::of(60);
            for (number, person) in (1..).zip(&mut feed.people) {
                person.id = before(number);
            }
            world.import_feed(&feed).exits(0);
            for (number, person) in (1..).zip(&mut feed.people) {
                person.id = after(number);
            }
            let ran = world.changes_nothing(|world| world.import_feed(&feed));
            let said = match ran.code {
                // What the ID was is certain: a note.
                0 => ran.json()["notes"].to_string(),
                4 if !ran.held().is_empty() => {
                    let hold = ran.hold("renumbered");
                    world.run(&["hold", &hold]).exits(0).stdout
                }
                // No such ID is sent: the feed is mostly wrong.
                4 => world.run(CHECK).exits(3).said(),
                // Another spelling of a known ID is a wrong row.
                _ => {
                    assert_eq!(ran.code, 3, "{name}: {ran:#?}");
                    world.row(2)["message"].to_string()
                }
            };
            assert!(
                said.to_lowercase().contains(name),
                "{name}: {said} {ran:#?}"
            );
        }
    });
}

#[test]
fn an_id_in_another_case_is_recognized_with_and_without_a_journal() {
    on_each_system(|system| {
        for keeps_journal in [true, false] {
            let (world, mut feed) = with(40, system, HOLD);
            if !keeps_journal {
                world.forget();
            }
            feed.people[1].id = "e00002".into();
            world.feed(&feed);
            let mut holds = Vec::new();
            // The first night without a journal sees the person in the list only.
            for _night in 0..2 {
                let ran = world.changes_nothing(World::import).exits(4);
                assert_eq!(ran.held(), [("renumbered".to_owned(), 1)]);
                holds.push(ran.hold("renumbered"));
            }
            assert_eq!(holds[0], holds[1], "the same set keeps its number");
            assert_eq!(world.lms.people().len(), 40);
        }
    });
}

#[test]
fn two_people_under_another_spelling_of_their_ids_are_not_removed() {
    on_each_system(|system| {
        // Few enough to be within every limit, and enough to be asked for in a list.
        let (world, feed) = with(40, system, HOLD);
        let feed = renumbered(&feed, 38, str::to_lowercase);
        let ran = world
            .changes_nothing(|world| world.import_feed(&feed))
            .exits(4);
        assert_eq!(ran.held(), [("renumbered".to_owned(), 2)]);
    });
}

/// Other people under the external IDs of these.
fn strangers(feed: &Feed) -> Feed {
    let people = (501..).zip(&feed.people).map(|(number, person)| Person {
        id: person.id.clone(),
        ..Person::new(number)
    });
    Feed {
        people: people.collect(),
    }
}

#[test]
fn a_joiner_of_a_feed_of_strangers_is_created_by_the_sound_feed_after_it() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system, HOLD);
        feed.people.push(Person::new(41));
        let ran = world
            .changes_nothing(|world| world.import_feed(&strangers(&feed)))
            .exits(4);
        let held = [("creates".to_owned(), 1), ("identities".to_owned(), 40)];
        assert_eq!(ran.held(), held);
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.count("created"), ran.held()), (1, vec![]));
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn whoever_refuses_a_feed_of_strangers_gets_no_joiner_and_loses_no_leaver_by_it() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system, HOLD);
        feed.people[0] = Person::new(41);
        let ran = world
            .changes_nothing(|world| world.import_feed(&strangers(&feed)))
            .exits(4);
        let both = [("leavers".to_owned(), 1), ("creates".to_owned(), 1)];
        assert_eq!(ran.held()[..2], both);
        world.run(&["refuse", &ran.hold("identities")]).exits(0);
        let ran = world.changes_nothing(World::import).exits(4);
        assert_eq!(ran.held(), both);
    });
}

#[test]
fn a_plan_names_the_fields_that_change_and_no_value() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system, HOLD);
        feed.people[3].city = "Meppel".into();
        feed.people[3].last = "Newname".into();
        world.feed(&feed);
        let (city, last) = match system {
            Kmi => ("city", "lastName"),
            AnewSpring => ("residence", "lastName"),
        };
        let mut wanted = vec![city, last];
        wanted.sort_unstable();
        let plan = ["plan", "people.csv", "-m", "mapping.toml"];
        let ran = world
            .run(&[&plan[..], &["--format", "json"]].concat())
            .exits(0);
        let row = &ran.json_lines()[0];
        let mut changed: Vec<String> = serde_json::from_value(row["changed"].clone()).unwrap();
        changed.sort();
        assert_eq!(changed, wanted, "{row:#}");
        let text = world.run(&plan).exits(0);
        assert!(
            text.stdout.contains(city) && text.stdout.contains(last),
            "{text:#?}"
        );
        assert!(!text.said().contains("Meppel"), "{text:#?}");
        let shown = world
            .run(&[&plan[..], &["--show-values"]].concat())
            .exits(0);
        assert!(shown.stdout.contains("Meppel"), "{shown:#?}");
        world.import().exits(0);
        let row = world.row(5);
        let mut changed: Vec<String> = serde_json::from_value(row["changed"].clone()).unwrap();
        changed.sort();
        assert_eq!(changed, wanted, "{row:#}");
        assert!(!world.journal_text().contains("meppel"));
    });
}

#[test]
fn what_a_change_of_the_mapping_alone_does_is_called_that() {
    on_each_system(|system| {
        let field = match system {
            Kmi => "address2",
            AnewSpring => "custom1",
        };
        let world = World::new(system);
        let feed = Feed::of(40);
        world.import_feed(&feed).exits(0);
        let world = world.fields(&format!("{field} = \"Status\""));
        let ran = world.plan();
        let notes = ran.json()["notes"].to_string();
        assert!(
            notes.contains(field) && notes.contains("mapping") && notes.contains("40"),
            "{ran:#?}"
        );
    });
}

#[test]
fn whoever_was_deleted_and_comes_back_under_another_number_is_created() {
    on_each_system(|system| {
        let (world, mut feed) = with(40, system, HOLD);
        let mut returner = feed.people.pop().unwrap();
        world.import_feed(&feed).exits(0);
        returner.id = "N00040".into();
        feed.people.push(returner);
        let ran = world.import_feed(&feed).exits(0);
        assert_eq!((ran.count("created"), ran.held()), (1, vec![]));
        world.assert_everyone_once(&feed);
    });
}

#[test]
fn whoever_was_deactivated_and_comes_back_under_another_number_is_renumbered() {
    let parts = "[leavers]\naction = \"deactivate\"\n\n[identity]\nrenumbered = \"rekey\"";
    let world = World::new(AnewSpring).parts(parts);
    let mut feed = Feed::of(40);
    world.import_feed(&feed).exits(0);
    let before = world.account("E00040");
    let mut returner = feed.people.pop().unwrap();
    world.import_feed(&feed).exits(0);
    returner.id = "N00040".into();
    feed.people.push(returner);
    let ran = world.import_feed(&feed).exits(0);
    assert_eq!((ran.count("created"), ran.count("updated")), (0, 1));
    assert_eq!(world.account("N00040"), before);
    assert_eq!(world.lms.person("N00040")["active"], true);
    world.assert_everyone_once(&feed);
}

#[test]
fn another_key_with_an_empty_journal_makes_nobody_twice() {
    let mut world = World::new(Kmi);
    let feed = Feed::of(120);
    world.import_feed(&feed).exits(0);
    world.forget();
    world.key = "another-key";
    let ran = world.changes_nothing(World::import).exits(4);
    assert_eq!(ran.held(), [("renumbered".to_owned(), 120)]);
    assert_eq!(ran.count("created"), 0);
}

#[test]
fn a_replaced_key_is_asked_for_per_person() {
    let mut world = World::new(Kmi);
    let feed = Feed::of(60);
    world.import_feed(&feed).exits(0);
    world.key = "another-key";
    let ran = world.changes_nothing(World::import).exits(4);
    assert_eq!(people_held(&ran), 60);
    // The new key knows somebody by now, and the others are held all the same.
    let mut more = feed.clone();
    more.people.push(Person::new(61));
    let ran = world.import_feed(&more).exits(4);
    assert_eq!(ran.count("created"), 1, "a joiner is nobody's business");
    assert_eq!(people_held(&ran), 60);
    assert_eq!(world.lms.people().len(), 61);
    let again = world.changes_nothing(World::import).exits(4);
    assert_eq!(people_held(&again), 60);
}

/// How many people are held: as joiners, or as people whose logins the LMS lists.
fn people_held(ran: &Ran) -> u64 {
    ran.held().iter().map(|(_, people)| people).sum()
}

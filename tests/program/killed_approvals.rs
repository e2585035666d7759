//! Runs that are killed while they carry out what a person let pass: what they left
//! unknown is looked up, whatever a guard would hold.

use crate::identity::HOLD;
use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::gate::{Gate, Moment};
use crate::support::{Feed, IMPORT, Person, World, on_each_system, side_by_side};

const MOMENTS: [Moment; 2] = [Moment::BeforeItIsDone, Moment::BeforeItIsAnswered];

/// A kind of change that a guard holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Leavers,
    Creates,
    Updates,
    Renumbered,
    Identities,
    Lost,
}

const KINDS: [Kind; 6] = [
    Kind::Leavers,
    Kind::Creates,
    Kind::Updates,
    Kind::Renumbered,
    Kind::Identities,
    Kind::Lost,
];

impl Kind {
    /// What lets it pass.
    const fn allow(self) -> &'static str {
        match self {
            Self::Leavers => "leavers=89",
            Self::Creates => "creates=60",
            Self::Updates => "updates=70",
            Self::Renumbered => "renumbered=3",
            Self::Identities => "identities=30",
            Self::Lost => "lost=12",
        }
    }

    /// The first feed, changed so that this is held.
    fn change(self, mut feed: Feed) -> Feed {
        match self {
            Self::Leavers => feed.people.truncate(11),
            Self::Creates => feed.people.extend((101..=160).map(Person::new)),
            Self::Updates => {
                for person in &mut feed.people[..70] {
                    person.city = "Meppel".into();
                }
            }
            Self::Renumbered => {
                for person in &mut feed.people[..3] {
                    person.id = format!("N{}", person.id);
                }
            }
            Self::Identities => {
                for (number, person) in (501..).zip(&mut feed.people[..30]) {
                    let other = Person::new(number);
                    let id = std::mem::take(&mut person.id);
                    *person = Person { id, ..other };
                }
            }
            Self::Lost => {
                for person in &mut feed.people[..12] {
                    person.city = "Meppel".into();
                }
            }
        }
        feed
    }

    /// The calls that carry it out.
    fn calls(self, system: System) -> fn(&str) -> bool {
        match (self, system) {
            (Self::Leavers, Kmi) => |it| it.starts_with("DELETE /"),
            (Self::Leavers, AnewSpring) => |it| it.starts_with("POST /api/deleteUser/"),
            (Self::Creates | Self::Lost, Kmi) => |it| it.starts_with("POST /api/v2/users/ "),
            (Self::Creates | Self::Lost, AnewSpring) => |it| {
                it.starts_with("POST /api/addUser/") || it.starts_with("POST /api/addOrUpdateUser/")
            },
            (_, Kmi) => |it| it.starts_with("POST /api/v2/users/"),
            (_, AnewSpring) => |it| it.starts_with("POST /api/updateUser/"),
        }
    }
}

/// A world of a hundred people with a gate in front of its LMS, and the feed of tonight,
/// of which that kind is held.
fn with(system: System, kind: Kind) -> (World, Gate, Feed) {
    let parts = format!(
        "[leavers]\naction = \"delete\"\n\n[identity]\n{HOLD}\n[guards]\nmax_shrink = \"100%\""
    );
    let world = World::new(system).parts(&parts);
    let gate = Gate::of(&world);
    let world = world.at(gate.url());
    let feed = Feed::of(100);
    world.import_feed(&feed).exits(0);
    if kind == Kind::Lost {
        for person in &feed.people[..12] {
            world.lms.delete(world.key, &person.id);
        }
    }
    let feed = kind.change(feed);
    world.feed(&feed);
    (world, gate, feed)
}

/// Kills the import that lets tonight's changes pass, and goes on without the option.
fn ends_as_wanted(system: System, kind: Kind, moment: Moment, go_on: &[&str]) {
    let what = format!("{kind:?}, {moment:?}, {}", go_on[0]);
    let (world, gate, feed) = with(system, kind);
    let import = [IMPORT, &["--allow", kind.allow()]].concat();
    gate.kill(&world, &import, (moment, kind.calls(system)));
    let ran = world.run(go_on).exits(0);
    assert_eq!((ran.count("unknown"), ran.held()), (0, vec![]), "{what}");
    let json = ran.json();
    assert_eq!(json["holds"][0]["state"], "carried_out", "{what}");
    world.assert_everyone_once(&feed);
    // This one sees that nobody came twice.
    world.import().exits(0);
    world.lms.reset_stats();
    assert_eq!(world.import().exits(0).held(), [], "{what}");
    assert_eq!(world.lms.stats().requests(), 0, "{what}");
}

#[test]
fn a_killed_run_that_let_changes_pass_ends_without_the_option_that_let_them() {
    on_each_system(|system| {
        side_by_side(KINDS.map(|kind| {
            move || {
                // Each kind with each moment, and with each way to go on.
                ends_as_wanted(system, kind, MOMENTS[0], IMPORT);
                ends_as_wanted(system, kind, MOMENTS[1], &["resume", "--json"]);
            }
        }));
    });
}

#[test]
fn leavers_whose_removal_is_unknown_are_looked_up_though_nobody_approves_it_any_more() {
    // Taken back, and too old.
    let withdrawals: [fn(&World); 2] = [
        |world| {
            world.run(&["refuse", "1"]).exits(0);
        },
        |world| {
            let week = 8 * 24 * 3_600_000_000_i64;
            world.change_journal(&format!("UPDATE holds SET decided = decided - {week}"));
        },
    ];
    on_each_system(|system| {
        side_by_side([0, 1].map(|which| {
            move || {
                for moment in MOMENTS {
                    let (world, gate, _) = with(system, Kind::Leavers);
                    let import = [IMPORT, &["--allow", "leavers=89"]].concat();
                    gate.kill(&world, &import, (moment, Kind::Leavers.calls(system)));
                    let gone = 100 - world.lms.people().len() as u64;
                    withdrawals[which](&world);
                    // Taken back is no alarm; what lapsed is held again.
                    let code = [0, 4][which];
                    for go_on in [World::resume, World::import] {
                        let ran = world.changes_nothing(go_on).exits(code);
                        let held = [vec![], vec![("leavers".to_owned(), 89 - gone)]];
                        assert_eq!(ran.held(), held[which], "{moment:?}: {ran:#?}");
                    }
                    let shown = world.run(&["show", "2", "--json"]).exits(0);
                    assert_eq!(shown.json()["state"], "finished", "{moment:?}");
                    assert_eq!(shown.count("deleted"), gone, "{moment:?}");
                }
            }
        }));
    });
}

#[test]
fn strangers_whose_removal_is_unknown_are_looked_up_though_no_list_shows_them_any_more() {
    on_each_system(|system| {
        let world = World::new(system).parts("[leavers]\naction = \"delete\"\namong = \"lms\"");
        let gate = Gate::of(&world);
        let world = world.at(gate.url());
        world.import_feed(&Feed::of(100)).exits(0);
        for id in ["X1", "X2", "X3"] {
            world.lms.create(world.key, id, id);
        }
        let calls = Kind::Leavers.calls(system);
        gate.kill(&world, IMPORT, (Moment::BeforeItIsAnswered, calls));
        assert!(world.lms.people().len() < 103);
        let ran = world.resume().exits(0);
        assert_eq!(ran.count("deleted"), 3, "{ran:#?}");
        world.assert_everyone_once(&Feed::of(100));
    });
}

//! A person who is as the feed wants: where hrfeed takes somebody for that, sending would
//! change nothing.

use hrfeed::model::{Content, ExternalId, Step};
use hrfeed::schema;
use hrfeed::targets::{self, Fit, LookUpReply, Reply, Target, WantedState};
use serde_json::Value;

use crate::support::System::{self, AnewSpring, Kmi};
use crate::support::gate::{Gate, Moment, Once};
use crate::support::{Feed, World, on_each_system, side_by_side};

/// The people of the test: each state that somebody can be in, by external ID.
fn people(world: &World, target: &dyn Target) -> Vec<ExternalId> {
    let mut people = Vec::new();
    let is_anewspring = world.system == AnewSpring;
    let many: &[bool] = if is_anewspring {
        &[false, true]
    } else {
        &[false]
    };
    let roles: &[&[&str]] = match world.system {
        Kmi => &[&[]],
        AnewSpring => &[&[], &["student"], &["mentor"], &["mentor", "student"]],
    };
    for has_other_city in [false, true] {
        for (is_inactive, is_archived) in many
            .iter()
            .flat_map(|one| many.iter().map(move |other| (*one, *other)))
        {
            for roles in roles {
                let id = ExternalId::known(&format!("E{}", people.len()));
                let city = if has_other_city { "Meppel" } else { "Zwolle" };
                let content = content(world.system, &id, city);
                let create = Step::Create {
                    again: false,
                    roles: roles.iter().map(|role| (*role).to_owned()).collect(),
                };
                let (status, body) = world.lms.send(world.key, &target.write(&content, &create));
                assert!(matches!(status, 200 | 201), "{status} {body}");
                for (is_wanted, change) in [
                    (is_inactive, "active=false"),
                    (is_archived, "archived=true"),
                ] {
                    if is_wanted {
                        world
                            .lms
                            .call(&format!("updateUser/{}", id.as_str()), change);
                    }
                }
                people.push(id);
            }
        }
    }
    people
}

/// What the feed says of the person.
fn content(system: System, id: &ExternalId, city: &str) -> Content {
    let id_text = id.as_str();
    let (login, city_field, date) = match system {
        Kmi => ("loginName", "city", ("expirationDate", "2030-12-31".into())),
        AnewSpring => ("login", "residence", ("dateOfBirth", "1970-01-01".into())),
    };
    Content {
        fields: vec![
            ("email", format!("{id_text}@example.com")),
            ("firstName", "Zoe".into()),
            ("lastName", "Quimby".into()),
            (login, id_text.to_lowercase()),
            (city_field, city.into()),
            date,
        ],
        ..Content::only(id.clone())
    }
}

/// Everything that can be wanted of somebody, with the writes that would be sent for it.
fn wants(system: System) -> Vec<(Option<Step>, Vec<Step>)> {
    let update = |reactivate| Step::Update {
        details: true,
        picture: false,
        reactivate,
    };
    let roles = || vec!["student".to_owned()];
    let create = |roles| Step::Create { again: true, roles };
    let mut wants = vec![
        (None, vec![update(false)]),
        (Some(create(Vec::new())), vec![update(false)]),
        (Some(update(false)), vec![update(false)]),
    ];
    if system == AnewSpring {
        let add = Step::AddRoles(roles());
        wants.push((Some(create(roles())), vec![update(false), add.clone()]));
        let again = [
            update(true),
            add,
            Step::BringBack,
            Step::Deactivate { archive: false },
            Step::Deactivate { archive: true },
        ];
        wants.extend(again.map(|step| (Some(step.clone()), vec![step])));
    }
    wants.push((Some(Step::Set), vec![Step::Set]));
    wants.push((Some(Step::Delete), vec![Step::Delete]));
    wants
}

#[test]
fn where_a_person_is_as_wanted_sending_changes_nothing() {
    on_each_system(|system| {
        let world = World::new(system);
        let target = targets::of(match system {
            Kmi => schema::System::Kmi,
            AnewSpring => schema::System::ANewSpring,
        });
        let (mut as_wanted, mut differing) = (0, 0);
        for id in people(&world, &*target) {
            let content = |city| content(system, &id, city);
            let (status, body) = world.lms.send(world.key, &target.look_up(&id));
            let reply = Reply {
                status,
                body: body.into_bytes(),
                ..Reply::default()
            };
            let LookUpReply::Found(person) = target.looked_up(&id, &reply) else {
                panic!("{reply:?}");
            };
            let contents = [content("Zwolle"), content("Meppel"), {
                let mut content = content("Zwolle");
                if system == AnewSpring {
                    content.fields.push(("active", "false".into()));
                }
                content
            }];
            for content in contents {
                for (step, writes) in wants(system) {
                    let wanted = match &step {
                        Some(step) => WantedState::after(step, &content),
                        None => WantedState::by_row(&content, &[]),
                    };
                    if wanted.fit(&person) != Fit::AsWanted {
                        differing += 1;
                        continue;
                    }
                    as_wanted += 1;
                    // But for the time at which the LMS was told so.
                    let person_now = || {
                        let mut person: Value = world.lms.person(id.as_str());
                        person.as_object_mut().unwrap().remove("updatedDate");
                        person
                    };
                    let before = person_now();
                    for write in writes {
                        // What is refused changes nothing either.
                        world.lms.send(world.key, &target.write(&content, &write));
                    }
                    assert_eq!(before, person_now(), "{step:?}");
                }
            }
        }
        // It is no rule that nobody is as wanted.
        let least = if system == Kmi { 6 } else { 150 };
        assert!(
            as_wanted >= least && differing >= least,
            "{as_wanted} {differing}"
        );
    });
}

/// What can become of one call.
const TROUBLES: [Once; 6] = [
    Once::Answered(500),
    Once::Answered(503),
    Once::Lost(Moment::BeforeItIsDone),
    Once::Lost(Moment::BeforeItIsAnswered),
    Once::Killed(Moment::BeforeItIsDone),
    Once::Killed(Moment::BeforeItIsAnswered),
];

/// Somebody returns, by calls of which one is in trouble. Says whether there was such
/// a call.
fn returns(deactivate_by: &str, call: usize, once: Once) -> bool {
    let leavers = format!("action = \"deactivate\"\ndeactivate_by = \"{deactivate_by}\"");
    let world = World::new(AnewSpring).parts(&format!("[leavers]\n{leavers}"));
    let gate = Gate::of(&world);
    let world = world.at(gate.url());
    let mut feed = Feed::of(4);
    world.import_feed(&feed).exits(0);
    let last = feed.people.pop().unwrap();
    world.import_feed(&feed).exits(0);
    let is_out = |is: bool| {
        let person = world.lms.person("E00004");
        let state = (&person["archived"], &person["active"]);
        let archived = is && deactivate_by == "archived";
        assert_eq!(
            state,
            (&archived.into(), &(!is || archived).into()),
            "{once:?}"
        );
    };
    is_out(true);
    feed.people.push(last);
    world.feed(&feed);
    let was_in_trouble = gate.import_with(&world, (|it| it.contains("/E00004"), call), once);
    if let Once::Killed(_) = once
        && was_in_trouble
    {
        let go_on = if call.is_multiple_of(2) {
            World::resume
        } else {
            World::import
        };
        go_on(&world).exits(0);
    }
    is_out(false);
    world.assert_everyone_once(&feed);
    world.lms.reset_stats();
    world.import().exits(0);
    assert_eq!(world.lms.stats().requests(), 0, "{call} {once:?}");
    was_in_trouble
}

#[test]
fn whoever_returns_from_the_archive_is_back_whatever_answer_is_lost() {
    // An update that the archive refuses, a look, the way out of it, and the update.
    for (deactivate_by, calls) in [("archived", 4), ("active", 1)] {
        let troubles = TROUBLES.into_iter();
        let troubles = troubles.flat_map(|once| (0..=calls).map(move |call| (once, call)));
        side_by_side(troubles.map(|(once, call)| {
            move || {
                let was_in_trouble = returns(deactivate_by, call, once);
                assert_eq!(was_in_trouble, call < calls, "{call} {once:?}");
            }
        }));
    }
}

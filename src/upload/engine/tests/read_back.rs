//! Changes of people, sent to an LMS that loses requests and answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;

use super::scripted::{Answer, Asked, Rig};
use super::{End, NoAnswer};
use crate::event::Listener;
use crate::mapping::FieldFingerprints;
use crate::model::{Action, Calls, Content, ExternalId, Parts, RowNumber};
use crate::plan::{Change, InDoubt, Why};
use crate::schema::System;
use crate::targets::{self, Body, Method};
use crate::upload::change::ChangeJob;
use crate::upload::doubt::Trust;

/// What becomes of a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    Answered,
    TurnedAway,
    /// It never arrives.
    LostBefore(Loss),
    /// It is carried out, so many milliseconds after the loss shows.
    LostAfter(Loss, u64),
}

/// What is seen of it here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    NotSent,
    Timeout,
    Broken,
    Status,
    Unavailable,
    Page,
}

impl Loss {
    pub(super) fn answer(self) -> Answer {
        match self {
            Self::NotSent => Answer::not_sent(),
            Self::Timeout => Answer::none(NoAnswer::Timeout).after(2_000),
            Self::Broken => Answer::none(NoAnswer::Broken("reset".into())),
            Self::Status => Answer::status(502),
            Self::Unavailable => Answer::wait(503, "1"),
            Self::Page => Answer::body("<html>"),
        }
    }
}

pub(super) fn any_fate() -> impl Strategy<Value = Fate> {
    let loss = prop::sample::select(vec![
        Loss::Timeout,
        Loss::Broken,
        Loss::Status,
        Loss::Unavailable,
        Loss::Page,
    ]);
    prop_oneof![
        3 => Just(Fate::Answered),
        1 => Just(Fate::TurnedAway),
        1 => Just(Fate::LostBefore(Loss::NotSent)),
        2 => loss.clone().prop_map(Fate::LostBefore),
        3 => (loss, 0..59_000_u64).prop_map(|(loss, late)| Fate::LostAfter(loss, late)),
    ]
}

/// A person on the LMS. It creates a twin where a create comes twice.
#[derive(Debug, Default)]
struct Person {
    /// When each create and each update of the person takes effect.
    created: Vec<Duration>,
    updated: Vec<Duration>,
    /// A write was lost, and no read-back was answered since.
    is_unknown: bool,
    /// Writes that were sent nevertheless.
    n_blind_writes: u32,
}

impl Person {
    fn take(&mut self, id: &str, asked: &Asked<'_>, fate: Fate) -> Answer {
        let is_write = asked.call.method == Method::Post;
        let answer = match fate {
            Fate::Answered => None,
            Fate::TurnedAway => Some(Answer::status(429)),
            Fate::LostBefore(loss) | Fate::LostAfter(loss, _) => Some(loss.answer()),
        };
        if is_write {
            self.n_blind_writes += u32::from(self.is_unknown);
            let takes_effect = match (fate, &answer) {
                (Fate::Answered, _) => Some(asked.at),
                (Fate::LostAfter(_, late), Some(answer)) => {
                    Some(asked.at + answer.after + Duration::from_millis(late))
                }
                _ => None,
            };
            let is_create = asked.call.path == "api/v2/users/";
            let effects = if is_create {
                &mut self.created
            } else {
                &mut self.updated
            };
            effects.extend(takes_effect);
            self.is_unknown = matches!(fate, Fate::LostBefore(loss) | Fate::LostAfter(loss, _) if loss != Loss::NotSent);
        } else if answer.is_none() {
            self.is_unknown = false;
        }
        answer.unwrap_or_else(|| self.shown(id, asked.at))
    }

    /// The person as the LMS shows it.
    fn shown(&self, id: &str, at: Duration) -> Answer {
        let is_over = |effects: &[Duration]| effects.iter().any(|effect| *effect <= at);
        let email = match (is_over(&self.created), is_over(&self.updated)) {
            (false, _) => return Answer::status(404),
            (true, false) => "old@example.com",
            (true, true) => "new@example.com",
        };
        Answer::body(&format!(
            r#"{{"id":1,"externalId":"{id}","email":"{email}"}}"#
        ))
    }
}

fn job(id: &str, action: Action) -> ChangeJob {
    let email = match action {
        Action::Create => "old@example.com",
        _ => "new@example.com",
    };
    let change = Change {
        index: 0,
        row: RowNumber::new(1),
        action,
        why: Why::Changed,
        may_have_applied: false,
        doubt: None,
        content: Content {
            fields: vec![("email", email.into())],
            ..Content::only(ExternalId::known(id))
        },
        fingerprint: 0,
        details: 0,
        picture: 0,
        takes_back: false,
        adopt: None,
        adopt_by: "",
        rekey: None,
        hold: None,
        changed: Vec::new(),
        fingerprints: FieldFingerprints::default(),
        before_groups: None,
    };
    ChangeJob::new(
        targets::of(System::Kmi),
        Trust::of_a_minute(),
        Box::new(change),
        Parts::default(),
    )
}

/// Whom a call is about; `None` for a probe.
fn about(asked: &Asked<'_>) -> Option<String> {
    let path = asked.call.path.strip_prefix("api/v2/users/")?;
    match (path.strip_prefix("external_id/"), &asked.call.body) {
        (Some(id), _) => Some(id.trim_end_matches('/').to_owned()),
        (None, Some(Body::Json(body))) => {
            let body: serde_json::Value = serde_json::from_slice(body).unwrap();
            body["externalId"].as_str().map(str::to_owned)
        }
        (None, _) => None,
    }
}

/// Sends one change for each action, and returns the people and the log.
fn send(actions: &[Action], fates: Vec<Fate>) -> (Vec<Person>, String) {
    let ids: Vec<_> = (0..actions.len()).map(|n| format!("E{n}")).collect();
    let people: HashMap<_, _> = ids
        .iter()
        .zip(actions)
        .map(|(id, action)| {
            let mut person = Person::default();
            if *action == Action::Update {
                person.created.push(Duration::ZERO);
            }
            (id.clone(), person)
        })
        .collect();
    let people = Arc::new(Mutex::new(people));
    let jobs = ids.iter().zip(actions).map(|(id, action)| job(id, *action));
    let rig = Rig {
        max_outage: Duration::from_hours(24),
        ..Rig::default()
    };
    let (lms, mut fates) = (Arc::clone(&people), fates.into_iter());
    let ran = rig.run_jobs(
        jobs,
        |_| |_: ChangeJob, _: End, _: &Calls, _: &mut dyn Listener| Ok(()),
        move |asked| match about(&asked) {
            None => Answer::status(200),
            Some(id) => {
                let mut lms = lms.lock().unwrap();
                let person = lms.get_mut(&id).unwrap();
                person.take(&id, &asked, fates.next().unwrap_or(Fate::Answered))
            }
        },
    );
    assert_eq!(ran.halt, None, "{}", ran.lines);
    let mut people = std::mem::take(&mut *people.lock().unwrap());
    let people = ids.iter().filter_map(|id| people.remove(id)).collect();
    (people, ran.lines)
}

/// Asks for `E0`, whom an earlier run may have created, of an LMS that knows `known`:
/// `shows` says who is shown, `E0` among them, after whom else was asked for. Returns
/// how often `E0` was created, what was asked for, and what is said of `E0`.
fn resume(known: &[&str], shows: fn(&str, &[String]) -> bool) -> (usize, String, bool) {
    let trust = Trust::of_a_minute();
    let ids = known.iter().map(|id| ExternalId::known(id));
    trust.controls.set_known(ids.collect());
    let mut job = job("E0", Action::Create);
    job.change.may_have_applied = true;
    job.change.doubt = Some(InDoubt {
        sent: None,
        is_looked_for: false,
    });
    let job = ChangeJob::new(
        targets::of(System::Kmi),
        trust,
        job.change,
        Parts::default(),
    );
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (log, unseen) = (Arc::clone(&asked), Arc::new(Mutex::new(false)));
    let is_unseen = Arc::clone(&unseen);
    let ran = Rig::default().run_jobs(
        [job],
        |_| {
            move |job: ChangeJob, _: End, _: &Calls, _: &mut dyn Listener| {
                *is_unseen.lock().unwrap() = job.missing.is_some();
                Ok(())
            }
        },
        move |asked| {
            let id = about(&asked).unwrap();
            let mut log = log.lock().unwrap();
            let is_write = asked.call.method == Method::Post;
            let answer = if is_write || shows(&id, &log) {
                Answer::body(&format!(
                    r#"{{"id":1,"externalId":"{id}","email":"old@example.com"}}"#
                ))
            } else {
                Answer::status(404)
            };
            log.push(if is_write { "create".to_owned() } else { id });
            answer
        },
    );
    assert_eq!(ran.halt, None, "{}", ran.lines);
    let asked = std::mem::take(&mut *asked.lock().unwrap());
    let creates = asked.iter().filter(|it| *it == "create").count();
    (creates, asked.join(" "), *unseen.lock().unwrap())
}

#[test]
fn a_look_before_somebody_was_shown_creates_nobody() {
    // What look-ups show is refreshed between the two.
    let shows = |id: &str, asked: &[String]| id == "K1" || asked.iter().any(|it| it == "K1");
    let (creates, asked, _) = resume(&["K1"], shows);
    assert_eq!((creates, asked.as_str()), (0, "E0 K1 E0"));
}

#[test]
fn one_person_of_several_who_must_be_there_is_shown_and_that_will_do() {
    let (creates, asked, _) = resume(&["K1", "K2", "K3"], |id, _| id == "K3");
    assert_eq!((creates, asked.as_str()), (1, "E0 K1 K2 K3 E0 create"));
    // All of them are asked for once more before nothing is believed.
    let (creates, asked, is_unseen) = resume(&["K1", "K2"], |_, _| false);
    assert_eq!((creates, asked.as_str()), (0, "E0 K1 K2 K1 K2"));
    assert!(is_unseen);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn nothing_is_written_twice_without_a_read_back_and_nobody_is_created_twice(
        actions in prop::collection::vec(
            prop::sample::select(vec![Action::Create, Action::Update]), 1..4,
        ),
        fates in prop::collection::vec(any_fate(), 0..30),
    ) {
        let (people, lines) = send(&actions, fates);
        for person in people {
            prop_assert_eq!(person.n_blind_writes, 0, "{}", lines);
            prop_assert!(person.created.len() <= 1, "{:?}\n{}", person, lines);
        }
    }
}

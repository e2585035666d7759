//! Every job that writes, on a system where people have many parts, against an
//! LMS that answers anything at all.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;

use super::super::{End, Job, Next};
use super::scripted::{Answer, Rig};
use crate::event::Listener;
use crate::mapping::FieldFingerprints;
use crate::model::{Action, Calls, Content, ExternalId, Parts, RowNumber, SetFields};
use crate::plan::{Change, Rekey, Why};
use crate::retry::NoAnswer;
use crate::schema::{Part, System};
use crate::targets::{self, Call, Group, Method, Reply, Target};
use crate::upload::UploadError;
use crate::upload::change::ChangeJob;
use crate::upload::doubt::Trust;
use crate::upload::group_jobs::{GroupJob, GroupStep};
use crate::upload::leavers::{Leaver, LeaverAction, LeaverJob};
use crate::upload::members::MembersJob;
use crate::upload::memberships::Member;

/// A job that tells when the outcome of its last write is unknown.
struct Watched {
    job: Box<dyn Job>,
    watch: Arc<Mutex<Watch>>,
}

#[derive(Debug, Default)]
struct Watch {
    is_unknown: bool,
    blind_writes: u32,
    writes: u32,
    creates: u32,
}

impl Job for Watched {
    fn call(&mut self) -> Call {
        let is_write = self.job.is_write();
        let call = self.job.call();
        assert_eq!(is_write, call.method != Method::Get, "{call:?}");
        let mut watch = self.watch.lock().unwrap();
        watch.blind_writes += u32::from(is_write && watch.is_unknown);
        watch.writes += u32::from(is_write);
        watch.creates += u32::from(is_write && is_create(&call));
        call
    }

    fn answered(&mut self, reply: &Reply) -> Next {
        let was_write = self.job.is_write();
        let next = self.job.answered(reply);
        let is_usable = !matches!(next, Next::Unclear(_));
        let mut watch = self.watch.lock().unwrap();
        match (was_write, is_usable) {
            (true, false) => watch.is_unknown = true,
            // To be asked once more is not to be answered.
            (false, true) if !matches!(next, Next::Later(_)) => watch.is_unknown = false,
            _ => {}
        }
        next
    }

    fn is_write(&self) -> bool {
        self.job.is_write()
    }

    fn is_one_of_many(&self) -> bool {
        self.job.is_one_of_many()
    }

    fn refused(&mut self, reply: &Reply) -> Option<Next> {
        self.job.refused(reply)
    }

    fn give_up(&mut self, why: &NoAnswer) -> bool {
        self.job.give_up(why)
    }

    fn unanswered(&mut self, may_have_applied: bool) {
        let mut watch = self.watch.lock().unwrap();
        watch.is_unknown |= may_have_applied && self.job.is_write();
        self.job.unanswered(may_have_applied);
    }
}

fn leaver() -> Leaver {
    Leaver {
        external_id: ExternalId::known("E7"),
        hold: None,
    }
}

fn is_create(call: &Call) -> bool {
    ["addUser/", "addOrUpdateUser/"]
        .iter()
        .any(|name| call.name.contains(name))
}

fn change(target: &Arc<dyn Target>, action: Action, is_resumed: bool) -> ChangeJob {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let change = Change {
        index: 0,
        row: RowNumber::new(2),
        action,
        why: Why::Changed,
        may_have_applied: is_resumed,
        doubt: None,
        content: Content {
            fields: vec![("login", "zoe".into())],
            sets: vec![
                (Part::Roles, texts(&["mentor", "student"])),
                (Part::AuthorLibraries, texts(&["L1", "L2", "L3"])),
            ],
            ..Content::only(ExternalId::known("E7"))
        },
        fingerprint: 1,
        details: 2,
        picture: 3,
        takes_back: false,
        adopt: (action == Action::Adopt).then(|| "zoe".into()),
        adopt_by: "login",
        rekey: (action == Action::Rekey).then(|| Rekey {
            from: ExternalId::known("E6"),
            handle: None,
        }),
        hold: None,
        changed: Vec::new(),
        fingerprints: FieldFingerprints::default(),
        before_groups: None,
    };
    let parts = Parts {
        is_inactive: matches!(action, Action::Update | Action::Rekey),
        given: vec![
            (Part::AuthorLibraries, "L8".into()),
            (Part::AuthorLibraries, "L9".into()),
        ],
        ..Parts::default()
    };
    ChangeJob::new(
        Arc::clone(target),
        Trust::of_a_minute(),
        Box::new(change),
        parts,
    )
}

/// How many kinds [`job_of`] knows.
const KINDS: u32 = 15;

fn job_of(kind: u32) -> Box<dyn Job> {
    let target = targets::of(System::ANewSpring);
    let group = || Group {
        id: "G1".into(),
        kind: "student".into(),
        ..Group::default()
    };
    let member = |number: u32| Member {
        row: RowNumber::new(number),
        external_id: ExternalId::known(&format!("E{number}")),
    };
    match kind {
        0 => Box::new(change(&target, Action::Create, false)),
        1 => Box::new(change(&target, Action::Create, true)),
        2 => Box::new(change(&target, Action::Update, false)),
        3 => Box::new(change(&target, Action::Update, true)),
        4 => Box::new(change(&target, Action::Adopt, false)),
        5 => Box::new(LeaverJob::new(
            (&target, &Trust::of_a_minute()),
            leaver(),
            LeaverAction::Deactivate { archive: true },
        )),
        6 => Box::new(LeaverJob::new(
            (&target, &Trust::of_a_minute()),
            leaver(),
            LeaverAction::Delete,
        )),
        14 => Box::new(LeaverJob::new(
            (&target, &Trust::of_a_minute()),
            leaver(),
            LeaverAction::Set {
                fields: [("login", "zoe".to_owned())].into(),
                recorded: SetFields {
                    fields: 2,
                    fingerprint: 1,
                },
            },
        )),
        7 => Box::new(GroupJob::new(&target, GroupStep::Create(group()))),
        8 => Box::new(GroupJob::new(&target, GroupStep::Change(group()))),
        12 => Box::new(change(&target, Action::Rekey, false)),
        13 => Box::new(change(&target, Action::Rekey, true)),
        9 => Box::new(GroupJob::new(&target, GroupStep::Delete("G1".into()))),
        leave => Box::new(MembersJob::new(
            &target,
            "G1".into(),
            leave == 10,
            (5..9).map(member).collect(),
        )),
    }
}

/// What an LMS, a proxy or a broken network may say to anything.
fn any_answer() -> impl Strategy<Value = Answer> {
    let body = prop_oneof![
        Just(r#"{"result":true}"#),
        Just(r#"{"result":false}"#),
        Just(r#"{"id":"E7","uid":"U1","login":"zoe","active":true,"roles":["student"]}"#),
        Just(r#"{"id":"E7","uid":"U1","login":"other","active":false}"#),
        Just(r#"{"id":"E7","uid":"U1","login":"zoe","archived":true}"#),
        Just(r#"{"id":"E6","uid":"U1","login":"zoe","active":false}"#),
        Just(r#"{"id":"E8","uid":"U2"}"#),
        Just(r#"[{"id":"E5"},{"id":"E7"}]"#),
        Just("[]"),
        Just("<html>"),
        Just(""),
        "\\PC{0,20}".prop_map(|text| &*text.leak()),
    ];
    let status = prop::sample::select(vec![
        200_u16, 200, 200, 204, 302, 400, 401, 403, 404, 404, 405, 408, 409, 410, 422, 429, 500,
        502, 503,
    ]);
    let said = (status, body, any::<bool>()).prop_map(|(status, body, waits)| {
        let mut answer = Answer::body(body);
        if let Ok(reply) = &mut answer.result {
            reply.status = status;
            reply.retry_after = waits.then(|| "1".into());
        }
        answer
    });
    prop_oneof![
        6 => said,
        1 => Just(Answer::none(NoAnswer::Timeout)),
        1 => Just(Answer::none(NoAnswer::Broken("reset".into()))),
        1 => Just(Answer::not_sent()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_job_writes_while_the_outcome_of_its_last_write_is_unknown(
        kind in 0..KINDS,
        answers in prop::collection::vec(any_answer(), 1..40),
    ) {
        let job = job_of(kind);
        let watch = Arc::new(Mutex::new(Watch::default()));
        // A resumed run's last write may have been carried out.
        watch.lock().unwrap().is_unknown = matches!(kind, 1 | 3 | 13);
        let rig = Rig { max_outage: Duration::from_hours(1), ..Rig::default() };
        let (mut answers, mut n_calls) = (answers.into_iter().cycle(), 0);
        let watched = Watched { job, watch: Arc::clone(&watch) };
        let ran = rig.run_jobs(
            [watched],
            |_| |_: Watched, _: End, _: &Calls, _: &mut dyn Listener| Ok::<(), UploadError>(()),
            move |asked| {
                n_calls += 1;
                assert!(n_calls < 1_000, "no end in sight");
                if asked.call.path.starts_with("api/v2/") {
                // The rig probes as KMI does.
                Answer::status(200)
            } else {
                answers.next().unwrap_or_else(Answer::not_sent)
            }
            },
        );
        let watch = watch.lock().unwrap();
        prop_assert_eq!(watch.blind_writes, 0, "{}", ran.lines);
        // Only a create, and nothing else that finds nobody.
        prop_assert!(kind < 2 || watch.creates == 0, "{}", ran.lines);
    }
}

#[test]
fn somebody_whom_the_lms_accepted_and_no_longer_shows_is_not_created_again() {
    let target = targets::of(System::ANewSpring);
    let done = Answer::body(r#"{"result":true}"#);
    let mut absent = Answer::body("");
    if let Ok(reply) = &mut absent.result {
        reply.status = 404;
    }
    // The create is acknowledged, the right for the libraries is lost, and nobody
    // is shown.
    let mut answers = [done, Answer::none(NoAnswer::Timeout)].into_iter();
    let (sent, noted) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(None)));
    let (calls, refused) = (Arc::clone(&sent), Arc::clone(&noted));
    Rig::default().run_jobs(
        [change(&target, Action::Create, false)],
        |_| {
            move |job: ChangeJob, _: End, _: &Calls, _: &mut dyn Listener| {
                *refused.lock().unwrap() = job.refused;
                Ok::<(), UploadError>(())
            }
        },
        move |asked| {
            calls.lock().unwrap().push(asked.call.name);
            answers.next().unwrap_or_else(|| absent.clone())
        },
    );
    let creates = sent
        .lock()
        .unwrap()
        .iter()
        .filter(|name| name.contains("addUser"))
        .count();
    assert_eq!(creates, 1, "{sent:?}");
    assert!(noted.lock().unwrap().is_some());
}

#[test]
fn a_resumed_change_that_was_given_up_and_shows_nobody_is_not_complete() {
    let target = targets::of(System::ANewSpring);
    let mut job = change(&target, Action::Update, true);
    // All was acknowledged before the run was killed, as far as it knew.
    let mut change = job.change.clone();
    change.content.sets.clear();
    let parts = Parts {
        details: Some(change.details),
        ..Parts::default()
    };
    job = ChangeJob::new(target, Trust::of_a_minute(), change, parts);
    let _read_back = job.call();
    job.unanswered(true);
    assert!(job.give_up(&NoAnswer::Status(500)));
    let nobody = Reply {
        status: 404,
        ..Reply::default()
    };
    while job.answered(&nobody) != Next::Done {}
    assert!(!job.is_complete(), "it would be recorded as done");
}

#[test]
fn a_lost_write_is_what_the_watch_calls_unknown() {
    // Or the property could not fail.
    let target = targets::of(System::ANewSpring);
    let watch = Arc::new(Mutex::new(Watch::default()));
    let mut job = Watched {
        job: Box::new(change(&target, Action::Create, false)),
        watch: Arc::clone(&watch),
    };
    job.call();
    job.unanswered(true);
    assert!(watch.lock().unwrap().is_unknown);
    job.job = Box::new(change(&target, Action::Create, false));
    job.call();
    assert_eq!(watch.lock().unwrap().blind_writes, 1);
}

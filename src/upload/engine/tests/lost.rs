//! Known people whom the LMS does not find: nobody is created for them, and nobody
//! is looked up one by one.

use std::sync::{Arc, Mutex};

use super::NoAnswer;
use super::scripted::{Answer, Rig};
use crate::event::Listener;
use crate::model::{Action, Calls, Content, ExternalId, Parts, RowNumber};
use crate::plan::{Change, Why};
use crate::schema::{Part, System};
use crate::targets::{self, Method};
use crate::upload::UploadError;
use crate::upload::change::{ChangeJob, Effect};
use crate::upload::doubt::Trust;
use crate::upload::engine::End;

/// A change of somebody known; `sets` are what else there is of the person.
fn update(system: System, sets: Vec<(Part, Vec<String>)>, parts: Parts) -> ChangeJob {
    let change = Change {
        index: 4,
        row: RowNumber::new(6),
        action: Action::Update,
        why: Why::Changed,
        may_have_applied: false,
        doubt: None,
        content: Content {
            fields: vec![("email", "zoe@example.com".into())],
            sets,
            ..Content::only(ExternalId::known("E7"))
        },
        fingerprint: 1,
        details: 2,
        picture: 3,
        takes_back: false,
        adopt: None,
        adopt_by: "",
        rekey: None,
        hold: None,
        changed: Vec::new(),
        fingerprints: crate::mapping::FieldFingerprints::default(),
        before_groups: None,
    };
    ChangeJob::new(
        targets::of(system),
        Trust::of_a_minute(),
        Box::new(change),
        parts,
    )
}

fn inactive() -> Parts {
    Parts {
        is_inactive: true,
        ..Parts::default()
    }
}

/// What the jobs came to, and how many reads and writes it took.
struct Came {
    jobs: Vec<ChangeJob>,
    reads: usize,
    writes: usize,
}

/// Drives the jobs against these answers, and against the last of them for ever.
fn drive(jobs: Vec<ChangeJob>, answers: &[Answer]) -> Came {
    let (answers, mut next) = (answers.to_vec(), 0);
    let calls = Arc::new(Mutex::new([0, 0]));
    let ended = Arc::new(Mutex::new(Vec::new()));
    let (count, keep) = (Arc::clone(&calls), Arc::clone(&ended));
    let ran = Rig::default().run_jobs(
        jobs,
        |_| {
            move |job: ChangeJob, end: End, _: &Calls, _: &mut dyn Listener| {
                assert_eq!(end, End::Done);
                keep.lock().unwrap().push(job);
                Ok::<(), UploadError>(())
            }
        },
        move |asked| {
            count.lock().unwrap()[usize::from(asked.call.method != Method::Get)] += 1;
            next += 1;
            answers
                .get(next - 1)
                .or(answers.last())
                .cloned()
                .unwrap_or_else(Answer::not_sent)
        },
    );
    assert_eq!(ran.halt, None, "{}", ran.lines);
    let [reads, writes] = *calls.lock().unwrap();
    let jobs = std::mem::take(&mut *ended.lock().unwrap());
    Came {
        jobs,
        reads,
        writes,
    }
}

/// The API's own words for nobody, and not a page in between.
fn nobody() -> Answer {
    let mut answer = Answer::status(404);
    if let Ok(reply) = &mut answer.result {
        reply.body = b"{}".to_vec();
    }
    answer
}

fn page() -> Answer {
    let mut answer = Answer::body("<html>");
    if let Ok(reply) = &mut answer.result {
        reply.status = 404;
    }
    answer
}

fn assert_lost(job: &ChangeJob) {
    assert!(job.missing.is_some() && !job.is_complete() && !job.is_unknown());
    assert_eq!((job.effect, &job.refused), (Effect::None, &None));
}

#[test]
fn a_thousand_updates_that_find_nobody_take_a_thousand_calls_and_no_look_up() {
    for (system, parts) in [
        (System::Kmi, Parts::default()),
        (System::ANewSpring, Parts::default()),
        // Somebody who comes back is lost like anybody else.
        (System::ANewSpring, inactive()),
    ] {
        let jobs = (0..1_000).map(|_| update(system, Vec::new(), parts.clone()));
        let came = drive(jobs.collect(), &[nobody()]);
        assert_eq!((came.reads, came.writes), (0, 1_000), "{system:?}");
        came.jobs.iter().for_each(assert_lost);
    }
}

#[test]
fn an_update_whose_answer_was_lost_and_that_shows_nobody_creates_nobody() {
    for system in [System::Kmi, System::ANewSpring] {
        let job = update(system, Vec::new(), Parts::default());
        let came = drive(vec![job], &[Answer::none(NoAnswer::Timeout), nobody()]);
        assert_eq!((came.reads, came.writes), (1, 1), "{system:?}");
        assert_lost(&came.jobs[0]);
    }
}

#[test]
fn a_page_in_between_says_nothing_of_the_person_until_the_lms_does() {
    let record = r#"{"id":1,"externalId":"E7","email":"old@example.com"}"#;
    let done = r#"{"id":1,"externalId":"E7","email":"zoe@example.com"}"#;
    let job = update(System::Kmi, Vec::new(), Parts::default());
    let there = [page(), Answer::body(record), Answer::body(done)];
    let came = drive(vec![job], &there);
    assert!(came.jobs[0].is_complete() && came.jobs[0].missing.is_none());

    let job = update(System::Kmi, Vec::new(), Parts::default());
    let came = drive(vec![job], &[page(), nobody()]);
    // And once more after a while: the LMS may have been away for a moment.
    assert_eq!((came.reads, came.writes), (2, 1));
    assert_lost(&came.jobs[0]);
}

#[test]
fn whether_the_library_is_missing_or_the_person_is_looked_up() {
    let libraries = |count: usize| {
        let names = (0..count).map(|number| format!("L{number}"));
        vec![
            (Part::Roles, vec!["author".to_owned()]),
            (Part::AuthorLibraries, names.collect()),
        ]
    };
    let parts = Parts {
        details: Some(2),
        given: vec![(Part::Roles, "author".into())],
        ..Parts::default()
    };
    let person = r#"{"id":"E7","uid":"U1","roles":["author"]}"#;
    for count in [1, 3] {
        let job = update(System::ANewSpring, libraries(count), parts.clone());
        let came = drive(vec![job], &[nobody()]);
        assert_eq!(came.writes, 1);
        assert_lost(&came.jobs[0]);

        let job = update(System::ANewSpring, libraries(count), parts.clone());
        let came = drive(vec![job], &[nobody(), Answer::body(person), nobody()]);
        assert_eq!(came.reads, 1);
        assert!(came.jobs[0].missing.is_none() && came.jobs[0].refused.is_some());
    }
}

//! Somebody who gets another external ID, on an LMS that loses requests and
//! answers: one account before, the same one account after.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;

use super::End;
use super::read_back::{Fate, Loss, any_fate};
use super::scripted::{Answer, Asked, Rig};
use crate::event::Listener;
use crate::model::{Action, Calls, Content, ExternalId, Parts, RowNumber};
use crate::plan::{Change, Rekey, Why};
use crate::schema::System;
use crate::targets::{self, Method};
use crate::upload::UploadError;
use crate::upload::change::ChangeJob;
use crate::upload::doubt::Trust;

const FORMER: &str = "E6";
const NEW: &str = "E7";
/// The LMS's own id.
const OWN: &str = "17";

/// Who is there besides, and what becomes of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    /// The account is there.
    There,
    /// Somebody else has the new external ID.
    Taken,
    /// The account is not there any more.
    Gone,
}

/// The one account, and what was asked of it.
#[derive(Debug)]
struct Lms {
    system: System,
    case: Case,
    /// When each write took effect.
    rekeyed: Vec<Duration>,
    creates: u32,
    /// A write was lost, and no read-back was answered since.
    is_unknown: bool,
    n_blind_writes: u32,
    writes_to_others: u32,
}

impl Lms {
    fn take(&mut self, asked: &Asked<'_>, fate: Fate) -> Answer {
        let answer = match fate {
            Fate::Answered => None,
            Fate::TurnedAway => Some(Answer::status(429)),
            Fate::LostBefore(loss) | Fate::LostAfter(loss, _) => Some(loss.answer()),
        };
        if asked.call.method == Method::Get {
            self.is_unknown &= answer.is_some();
            return answer.unwrap_or_else(|| self.shown(&asked.call.path, asked.at));
        }
        self.n_blind_writes += u32::from(self.is_unknown);
        let is_lost = matches!(fate, Fate::LostBefore(loss) | Fate::LostAfter(loss, _) if loss != Loss::NotSent);
        self.is_unknown = is_lost;
        let is_create = asked.call.name == "POST users/" || asked.call.name.contains("addUser");
        self.creates += u32::from(is_create);
        let takes_effect = match (fate, &answer) {
            (Fate::Answered, _) => asked.at,
            (Fate::LostAfter(_, late), Some(answer)) => {
                asked.at + answer.after + Duration::from_millis(late)
            }
            _ => return answer.unwrap_or_else(Answer::not_sent),
        };
        let found = self.is_addressed(asked.call.path.as_str(), asked.at);
        if found && self.case == Case::There {
            self.rekeyed.push(takes_effect);
        }
        let conflicts = self.case == Case::Taken && self.system == System::ANewSpring;
        answer.unwrap_or_else(|| match (found, conflicts) {
            (false, _) => nobody(),
            (true, true) => Answer::status(409),
            (true, false) => self.acknowledged(),
        })
    }

    fn is_rekeyed(&self, at: Duration) -> bool {
        self.rekeyed.iter().any(|effect| *effect <= at)
    }

    fn is_addressed(&mut self, path: &str, at: Duration) -> bool {
        let id = if self.is_rekeyed(at) { NEW } else { FORMER };
        let names =
            |id: &str| path.contains(&format!("/{id}/")) || path.contains(&format!("/{id}?"));
        let is_there = self.case != Case::Gone;
        self.writes_to_others += u32::from(self.case == Case::Taken && names(NEW));
        is_there && (names(id) || names(OWN))
    }

    fn record(&self, id: &str, login: &str, own: &str) -> Answer {
        Answer::body(&match self.system {
            System::Kmi => format!(r#"{{"id":{own},"externalId":"{id}","loginName":"{login}"}}"#),
            System::ANewSpring => format!(r#"{{"id":"{id}","uid":"{own}","login":"{login}"}}"#),
        })
    }

    fn acknowledged(&self) -> Answer {
        match self.system {
            System::Kmi => self.record(NEW, "new", OWN),
            System::ANewSpring => Answer::body(""),
        }
    }

    /// Who is there under the external ID that is asked for.
    fn shown(&self, path: &str, at: Duration) -> Answer {
        let names =
            |id: &str| path.contains(&format!("/{id}/")) || path.contains(&format!("/{id}?"));
        match (self.case, self.is_rekeyed(at)) {
            (Case::Taken, _) if names(NEW) => self.record(NEW, "another", "18"),
            (Case::There, true) if names(NEW) => self.record(NEW, "new", OWN),
            (Case::There | Case::Taken, false) if names(FORMER) => self.record(FORMER, "old", OWN),
            _ => nobody(),
        }
    }
}

fn nobody() -> Answer {
    let mut answer = Answer::status(404);
    if let Ok(reply) = &mut answer.result {
        reply.body = b"{}".to_vec();
    }
    answer
}

fn job(system: System, has_handle: bool, may_have_applied: bool) -> ChangeJob {
    let login = match system {
        System::Kmi => "loginName",
        System::ANewSpring => "login",
    };
    let change = Change {
        index: 0,
        row: RowNumber::new(1),
        action: Action::Rekey,
        why: Why::Changed,
        may_have_applied,
        doubt: None,
        content: Content {
            fields: vec![(login, "new".into())],
            ..Content::only(ExternalId::known(NEW))
        },
        fingerprint: 0,
        details: 0,
        picture: 0,
        takes_back: false,
        adopt: None,
        adopt_by: "",
        rekey: Some(Rekey {
            from: ExternalId::known(FORMER),
            handle: has_handle.then(|| OWN.into()),
        }),
        hold: None,
        changed: Vec::new(),
        fingerprints: crate::mapping::FieldFingerprints::default(),
        before_groups: None,
    };
    ChangeJob::new(
        targets::of(system),
        Trust::of_a_minute(),
        Box::new(change),
        Parts::default(),
    )
}

/// Sends one rekey, and returns the LMS, the job and the log.
fn send(case: Case, job: ChangeJob, system: System, fates: Vec<Fate>) -> (Lms, ChangeJob, String) {
    let lms = Arc::new(Mutex::new(Lms {
        system,
        case,
        rekeyed: Vec::new(),
        creates: 0,
        is_unknown: job.is_unknown(),
        n_blind_writes: 0,
        writes_to_others: 0,
    }));
    let rig = Rig {
        max_outage: Duration::from_hours(24),
        ..Rig::default()
    };
    let ended = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&ended);
    let (there, mut fates) = (Arc::clone(&lms), fates.into_iter());
    let ran = rig.run_jobs(
        [job],
        |_| {
            move |job: ChangeJob, _: End, _: &Calls, _: &mut dyn Listener| {
                *keep.lock().unwrap() = Some(job);
                Ok::<(), UploadError>(())
            }
        },
        move |asked| {
            // The rig probes as KMI does.
            if asked.call.path.contains("offset=") {
                return Answer::status(200);
            }
            let fate = fates.next().unwrap_or(Fate::Answered);
            there.lock().unwrap().take(&asked, fate)
        },
    );
    assert_eq!(ran.halt, None, "{}", ran.lines);
    let job = ended.lock().unwrap().take().unwrap();
    let lms = Arc::try_unwrap(lms).unwrap().into_inner().unwrap();
    (lms, job, ran.lines)
}

const SYSTEMS: [System; 2] = [System::Kmi, System::ANewSpring];

#[test]
fn an_account_that_is_there_takes_one_write_and_a_look_for_its_id_where_that_is_needed() {
    for (system, has_handle, calls) in [
        (System::Kmi, true, 1),
        (System::Kmi, false, 2),
        (System::ANewSpring, true, 1),
        (System::ANewSpring, false, 1),
    ] {
        let (lms, job, lines) = send(Case::There, job(system, has_handle, false), system, vec![]);
        assert!(job.is_complete() && job.is_rekeyed, "{lines}");
        assert_eq!((job.attempts, lms.rekeyed.len()), (calls, 1), "{lines}");
    }
}

#[test]
fn whose_account_vanished_is_lost_and_not_created_at_once() {
    for system in SYSTEMS {
        for (has_handle, is_resumed) in [(true, false), (false, false), (false, true)] {
            let job = job(system, has_handle, is_resumed);
            let (lms, job, lines) = send(Case::Gone, job, system, vec![]);
            assert_eq!(
                (job.missing.is_some(), job.is_complete()),
                (true, false),
                "{lines}"
            );
            assert_eq!((lms.creates, job.is_rekeyed), (0, false), "{lines}");
        }
    }
}

#[test]
fn a_resumed_rekey_leaves_somebody_else_who_has_the_new_external_id_alone() {
    for system in SYSTEMS {
        let (lms, job, lines) = send(Case::Taken, job(system, true, true), system, vec![]);
        let message = job.refused.as_ref().unwrap().message();
        assert!(
            message.contains("another account has the new external ID"),
            "{lines}"
        );
        assert_eq!(
            (lms.writes_to_others, job.is_rekeyed),
            (0, false),
            "{lines}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_rekey_never_leads_to_two_people_whatever_is_lost(
        system in prop::sample::select(SYSTEMS.to_vec()),
        has_handle in any::<bool>(),
        is_resumed in any::<bool>(),
        fates in prop::collection::vec(any_fate(), 0..30),
    ) {
        let (lms, job, lines) =
            send(Case::There, job(system, has_handle, is_resumed), system, fates);
        prop_assert_eq!(lms.creates, 0, "{}", lines);
        prop_assert_eq!(lms.n_blind_writes, 0, "{}", lines);
        prop_assert!(job.refused.is_none() && job.missing.is_none(), "{:?}\n{}", job.refused, lines);
        // What was given up may have been carried out, and is said to be unknown or
        // read back.
        prop_assert!(!job.is_rekeyed || !lms.rekeyed.is_empty(), "{}", lines);
        prop_assert_eq!(job.is_complete(), job.is_rekeyed, "{}", lines);
    }
}

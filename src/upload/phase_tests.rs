//! The whole rule as a table, and what holds in it whatever is answered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

const WRITES: [Write; 18] = [
    Write::Create,
    Write::Adopt,
    Write::Update,
    Write::Rekey,
    Write::BringBack,
    Write::AddRoles,
    Write::Link { several: false },
    Write::Link { several: true },
    Write::Unlink { several: false },
    Write::Unlink { several: true },
    Write::Leave,
    Write::CreateGroup,
    Write::ChangeGroup,
    Write::DeleteGroup,
    Write::AddMembers { several: false },
    Write::AddMembers { several: true },
    Write::RemoveMembers { several: false },
    Write::RemoveMembers { several: true },
];

const TO_A_WRITE: [Answer; 10] = [
    Answer::Applied,
    Answer::Refused,
    Answer::Conflict,
    Answer::NotFound { certain: true },
    Answer::NotFound { certain: false },
    Answer::Denied,
    Answer::WrongAddress,
    Answer::Unclear,
    Answer::Lost {
        may_have_applied: true,
    },
    Answer::Lost {
        may_have_applied: false,
    },
];

const TO_A_CONTROL: [Answer; 4] = [
    Answer::Control { is_shown: true },
    Answer::Control { is_shown: false },
    Answer::Unclear,
    Answer::Lost {
        may_have_applied: true,
    },
];

const TO_A_READ_BACK: [Answer; 7] = [
    Answer::Shown,
    Answer::NotShown,
    Answer::Archived,
    Answer::Absent { certain: true },
    Answer::Absent { certain: false },
    Answer::Unclear,
    Answer::Lost {
        may_have_applied: true,
    },
];

/// Whether a job that writes this can meet the answer in this phase.
fn can_meet(write: Write, course: Course, answer: Answer) -> bool {
    let is_about_person = !write.is_about_members()
        && !matches!(
            write,
            Write::CreateGroup | Write::ChangeGroup | Write::DeleteGroup
        );
    match (course.phase, answer) {
        (
            Phase::ReadBack {
                because: Because::Conflict,
                ..
            },
            Answer::Archived,
        ) => is_about_person && write != Write::Leave,
        // Whoever has the former external ID does not show the new one.
        (Phase::FormerId { .. }, Answer::Shown) | (_, Answer::Archived) => false,
        (_, Answer::Absent { certain }) => is_about_person || write.is_about_members() && certain,
        (_, _) => true,
    }
}

fn answers(course: Course) -> &'static [Answer] {
    match course.phase {
        Phase::Write => &TO_A_WRITE,
        Phase::Control { .. } => &TO_A_CONTROL,
        Phase::ReadBack { .. } | Phase::FormerId { .. } => &TO_A_READ_BACK,
    }
}

/// All courses that a job with this write can come to.
fn reachable(write: Write) -> Vec<Course> {
    let is_of_change = !matches!(
        write,
        Write::Leave | Write::CreateGroup | Write::ChangeGroup | Write::DeleteGroup
    ) && !write.is_about_members();
    let mut found = vec![Course::new()];
    found.extend(is_of_change.then(Course::interrupted));
    found.extend((write == Write::Rekey).then(Course::without_handle));
    let mut at = 0;
    while let Some(&course) = found.get(at) {
        at += 1;
        let (mut given_up, mut without_control) = (course, course);
        given_up.give_up();
        without_control.look_again();
        let next = answers(course)
            .iter()
            .filter(|answer| can_meet(write, course, **answer))
            .map(|answer| transition(write, course, *answer).0);
        for next in next.chain([given_up, without_control]) {
            if !found.contains(&next) {
                found.push(next);
            }
        }
    }
    found
}

fn phase(course: Course) -> String {
    let (phase, again) = match course.phase {
        Phase::Write => ("write".to_owned(), false),
        Phase::ReadBack { because, again } => (format!("read back: {because:?}"), again),
        Phase::FormerId {
            because,
            again,
            is_taken,
        } => {
            let taken = if is_taken { ", the new one taken" } else { "" };
            (format!("former ID: {because:?}{taken}"), again)
        }
        Phase::Control { because, again } => {
            (format!("whom the LMS must show: {because:?}"), again)
        }
    };
    let again = if again { ", nobody seen once" } else { "" };
    let given_up = if course.aim == Aim::Know {
        ", given up"
    } else {
        ""
    };
    format!("{phase}{again}{given_up}")
}

/// How a person reads a course, with what is remembered where it matters.
fn words(course: Course) -> String {
    let mut remembered = String::new();
    for (is_so, words) in [
        (
            course.is_write() && course.had_conflict,
            ", after a conflict",
        ),
        (
            course.is_write() && course.presence_checked,
            ", once checked",
        ),
        (course.was_there, ", once there"),
    ] {
        remembered.push_str(if is_so { words } else { "" });
    }
    format!("{}{remembered}", phase(course))
}

/// What an answer changes: the phase, and what is remembered from now on.
fn change(course: Course, next: Course) -> String {
    let mut text = if phase(next) == phase(course) {
        String::new()
    } else {
        format!(" -> {}", phase(next))
    };
    if next.was_there && !course.was_there {
        text.push_str(" (there)");
    }
    text
}

fn name(write: Write) -> String {
    let name = format!("{write:?}");
    let short = name.replace(" { several: false }", "");
    short.replace(" { several: true }", "*")
}

/// Each course in which a job can be, each answer that it can meet there, and
/// what follows: for all writes, or for those that are named.
fn table() -> String {
    type Follows = BTreeMap<String, BTreeSet<String>>;
    let mut table: BTreeMap<(String, usize), Follows> = BTreeMap::new();
    for write in WRITES {
        for course in reachable(write) {
            for (index, answer) in answers(course).iter().enumerate() {
                if can_meet(write, course, *answer) {
                    let (next, then) = transition(write, course, *answer);
                    // That the person was there matters to few answers.
                    let before = Course {
                        was_there: false,
                        ..course
                    };
                    let (next_before, then_before) = transition(write, before, *answer);
                    let is_same = then == then_before && next.phase == next_before.phase;
                    if course.was_there && is_same {
                        continue;
                    }
                    let next = format!("{then:?}{}", change(course, next));
                    let row = table.entry((words(course), index)).or_default();
                    row.entry(next).or_default().insert(name(write));
                }
            }
        }
    }
    let (mut text, mut of) = (String::new(), String::new());
    for ((course, index), follows) in table {
        if course != of {
            writeln!(text, "{course}").unwrap();
            of.clone_from(&course);
        }
        let answer = match course.split(' ').next() {
            Some("write" | "write,") => TO_A_WRITE[index],
            Some("whom") => TO_A_CONTROL[index],
            _ => TO_A_READ_BACK[index],
        };
        let answer = format!("{answer:?}");
        let answer = answer.replace(" { certain: true }", "");
        let answer = answer.replace(" { certain: false }", ", says a page");
        let answer = answer.replace(" { may_have_applied: true }", "");
        let answer = answer.replace("Lost { may_have_applied: false }", "NotSent");
        let mut follows: Vec<_> = follows.into_iter().collect();
        follows.sort_by_key(|(next, writes)| (writes.len(), next.clone()));
        let most = follows.len() - 1;
        for (index, (next, writes)) in follows.into_iter().enumerate() {
            let writes: Vec<_> = writes.into_iter().collect();
            let of = match (index, most) {
                (0, 0) => String::new(),
                (index, most) if index == most && writes.len() > 3 => "else: ".to_owned(),
                _ => format!("{}: ", writes.join(" ")),
            };
            writeln!(text, "  {answer}: {of}{next}").unwrap();
        }
    }
    text
}

#[test]
fn every_answer_in_every_phase_has_one_next_step() {
    insta::assert_snapshot!(table());
}

fn arb_answer(to_a_write: bool) -> impl Strategy<Value = Answer> {
    let answers: Vec<_> = if to_a_write {
        TO_A_WRITE.to_vec()
    } else {
        TO_A_READ_BACK.to_vec()
    };
    prop::sample::select(answers)
}

fn arb_control() -> impl Strategy<Value = Answer> {
    prop::sample::select(TO_A_CONTROL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]
    #[test]
    fn after_an_unknown_outcome_nothing_is_written_before_a_read_back_is_answered(
        write in prop::sample::select(WRITES.to_vec()),
        interrupted in any::<bool>(),
        answers in prop::collection::vec(
            (arb_answer(true), arb_answer(false), arb_control(), any::<bool>()), 1..40,
        ),
    ) {
        let mut course = if interrupted { Course::interrupted() } else { Course::new() };
        let mut is_unknown = interrupted;
        for (to_a_write, to_a_read_back, to_a_control, gives_up) in answers {
            let is_control = matches!(course.phase, Phase::Control { .. });
            let to_a_read_back = if is_control { to_a_control } else { to_a_read_back };
            if course.is_write() {
                prop_assert!(!is_unknown, "written while the outcome was unknown");
                course.follow(write, to_a_write);
                is_unknown = matches!(to_a_write, Answer::Lost { may_have_applied: true });
            } else {
                let then = course.follow(write, to_a_read_back);
                if matches!(then, Then::Stop | Then::Blind) {
                    break;
                }
                // A second question is asked where the first answer says too little.
                let says_nothing = matches!(to_a_read_back, Answer::Unclear | Answer::Lost { .. })
                    || matches!(
                        then,
                        Then::ReadBack
                            | Then::ReadBackLater
                            | Then::AskControl
                            | Then::AskControlLater
                            | Then::Unclear
                    );
                is_unknown &= says_nothing;
                prop_assert!(!(says_nothing && course.is_write()), "an answer that says nothing ended a read-back");
            }
            prop_assert_eq!(course.is_unknown(), is_unknown);
            if gives_up {
                prop_assert!(!course.give_up() || is_unknown);
            }
        }
    }

    #[test]
    fn what_was_given_up_is_never_written_again(
        write in prop::sample::select(WRITES.to_vec()),
        answers in prop::collection::vec(arb_answer(false), 1..20),
    ) {
        let mut course = Course::new();
        course.follow(write, Answer::Lost { may_have_applied: true });
        prop_assert!(course.give_up() && !course.give_up());
        for answer in answers {
            let then = course.follow(write, answer);
            prop_assert!(!matches!(then, Then::Write | Then::StartOver), "{:?}", then);
            if course.is_write() {
                break;
            }
        }
    }

    #[test]
    fn a_rekey_creates_nobody_and_is_sent_again_only_to_whoever_is_there_as_before(
        begins in prop::sample::select(vec![
            Course::new(), Course::interrupted(), Course::without_handle(),
        ]),
        answers in prop::collection::vec((arb_answer(true), arb_answer(false), any::<bool>()), 1..40),
    ) {
        let mut course = begins;
        for (to_a_write, to_a_read_back, gives_up) in answers {
            let was = course.phase;
            let answer = if course.is_write() { to_a_write } else { to_a_read_back };
            let then = course.follow(Write::Rekey, answer);
            prop_assert!(
                !matches!(then, Then::StartOver | Then::Existing | Then::Adopted),
                "{then:?}"
            );
            if then == Then::Lost {
                let is_nowhere = matches!(was, Phase::FormerId { is_taken: false, .. })
                    && matches!(answer, Answer::Absent { .. });
                prop_assert!(is_nowhere, "{was:?}: {answer:?}");
            }
            if then == Then::Write {
                let there = matches!(was, Phase::FormerId { is_taken: false, .. })
                    && !matches!(answer, Answer::Absent { .. });
                prop_assert!(there, "{was:?}: {answer:?}");
            }
            if gives_up {
                course.give_up();
            }
            let ends = [Then::Done, Then::Rekeyed, Then::Lost, Then::Stop];
            if ends.contains(&then) || matches!(then, Then::Refuse(_)) {
                break;
            }
        }
    }

    #[test]
    fn nobody_is_created_for_a_change_of_somebody_known(
        write in prop::sample::select(WRITES.to_vec()),
        interrupted in any::<bool>(),
        answers in prop::collection::vec((arb_answer(true), arb_answer(false), any::<bool>()), 1..40),
    ) {
        prop_assume!(!write.creates_person());
        let mut course = if interrupted { Course::interrupted() } else { Course::new() };
        for (to_a_write, to_a_read_back, gives_up) in answers {
            let answer = if course.is_write() { to_a_write } else { to_a_read_back };
            let was_there = course.was_there;
            let then = course.follow(write, answer);
            prop_assert!(!matches!(then, Then::StartOver | Then::Existing), "{then:?}");
            prop_assert!(then != Then::Lost || !was_there, "accepted a moment ago");
            if gives_up {
                course.give_up();
            }
        }
    }
}

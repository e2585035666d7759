//! What follows a look for somebody who gets another external ID: a person whom
//! the new one does not show may be there under the former one.
//!
//! # Invariants
//!
//! - The write is sent again only when nobody has the new external ID and somebody
//!   has the former one.
//! - Somebody who has the new one while the former one is there is another person.

use super::{Answer, Because, Course, Phase, Refusal, Then};

/// What follows a look for somebody under the external ID that a rekey gives.
pub(super) const fn at_new_id(
    course: Course,
    (because, again): (Because, bool),
    answer: Answer,
) -> (Course, Then) {
    let (is_taken, certain) = match answer {
        Answer::Absent { certain } => (false, certain),
        Answer::Shown => {
            let was_there = true;
            return Course {
                was_there,
                ..course
            }
            .write(Then::Done);
        }
        _ => (true, true),
    };
    if !certain && !again {
        let phase = Phase::ReadBack {
            because,
            again: true,
        };
        return (Course { phase, ..course }, Then::ReadBackLater);
    }
    if matches!(because, Because::Conflict) {
        let found = is_taken;
        return course.write(Then::Refuse(Refusal::Conflict { found }));
    }
    let phase = Phase::FormerId {
        because,
        again,
        is_taken,
    };
    (Course { phase, ..course }, Then::ReadBack)
}

/// What follows a look for somebody under the external ID that a rekey takes
/// away. `is_taken`: somebody has the new one, and not all that goes with it.
pub(super) const fn at_former_id(
    course: Course,
    (because, again): (Because, bool),
    is_taken: bool,
    answer: Answer,
) -> (Course, Then) {
    // It may be this job's write that gave the new one.
    let may_be_own = matches!(because, Because::Unanswered | Because::Interrupted);
    let is_another = Then::Refuse(Refusal::Conflict { found: true });
    match answer {
        Answer::Absent { certain: false } if !again => {
            let phase = Phase::FormerId {
                because,
                again: true,
                is_taken,
            };
            (Course { phase, ..course }, Then::ReadBackLater)
        }
        Answer::Absent { .. } if is_taken && may_be_own => {
            let was_there = true;
            Course {
                was_there,
                ..course
            }
            .write(Then::Rekeyed)
        }
        Answer::Absent { .. } if is_taken => course.write(is_another),
        // What was on its way may have landed between the two looks.
        Answer::Absent { .. } if !again => {
            let phase = Phase::ReadBack {
                because,
                again: true,
            };
            (Course { phase, ..course }, Then::ReadBackLater)
        }
        Answer::Absent { .. } if course.was_there => course.write(Then::Refuse(Refusal::Vanished)),
        Answer::Absent { .. } => course.write(Then::Lost),
        _ if is_taken => course.write(is_another),
        _ => course.write(Then::Write),
    }
}

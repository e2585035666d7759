//! What follows an answer that says that nobody is there.
//!
//! # Invariants
//!
//! - Only a create or an adoption that finds nobody begins again.
//! - What may still land is looked for again once it cannot, beside somebody whom the
//!   LMS must show.

use super::super::doubt::{Belief, Control, Shown, believe};
use super::{Because, Course, Phase, Refusal, Then, Write};

/// What follows a write that does not find what it is about. Not `certain`: the
/// answer may be a proxy's, whose LMS is away for a moment.
pub(super) const fn write_not_found(write: Write, course: Course, certain: bool) -> (Course, Then) {
    let is_final = course.presence_checked;
    match write {
        // Nobody is left to be taken out.
        Write::RemoveMembers { several: false } if is_final => (course, Then::Done),
        Write::AddMembers { .. } | Write::RemoveMembers { .. } if !is_final => {
            course.read_back(Because::Refused)
        }
        Write::AddMembers { several: false } => (course, Then::Refuse(Refusal::Stated)),
        // It may be the person who is not there, or the library.
        Write::Link { .. } | Write::Unlink { .. } if !course.was_there && !is_final => {
            course.read_back(Because::NotFound)
        }
        _ if write.is_about_several() => (course, Then::Split),
        Write::Adopt | Write::Link { .. } | Write::CreateGroup | Write::ChangeGroup => {
            (course, Then::Refuse(Refusal::NotFound))
        }
        // Nothing is left to be taken away.
        Write::Unlink { .. } if is_final => (course, Then::Done),
        Write::DeleteGroup if is_final => (course, Then::Refuse(Refusal::NotFound)),
        _ if is_final => (course, Then::Refuse(Refusal::NotFoundThoughShown)),
        Write::Update | Write::AddRoles if certain && !course.was_there => (course, Then::Lost),
        _ => course.read_back(Because::NotFound),
    }
}

/// What follows a read-back that shows nobody.
pub(super) const fn after_absence(
    write: Write,
    course: Course,
    (because, again): (Because, bool),
    certain: bool,
) -> (Course, Then) {
    match write {
        Write::Leave if certain => return course.write(Then::Gone),
        // A page in between says nothing of a leaver, however often.
        Write::Leave => return (course, Then::Unclear),
        Write::AddMembers { .. } | Write::RemoveMembers { .. } => {
            return course.write(Then::Gone);
        }
        _ => {}
    }
    let may_land = write.creates_person() && course.is_unknown();
    if may_land && !again {
        let again = false;
        let phase = Phase::Control { because, again };
        return (Course { phase, ..course }, Then::AskControl);
    }
    let twice = matches!(because, Because::NotFound);
    if !again && (twice || !certain) {
        let phase = Phase::ReadBack {
            because,
            again: true,
        };
        return (Course { phase, ..course }, Then::ReadBackLater);
    }
    match because {
        Because::Conflict => {
            let found = false;
            course.write(Then::Refuse(Refusal::Conflict { found }))
        }
        // Nobody has asked for the former external ID.
        _ if matches!(write, Write::Rekey) => (course, Then::Stop),
        _ if course.was_there => course.write(Then::Refuse(Refusal::Vanished)),
        _ if write.creates_person() => course.write(Then::StartOver),
        _ => course.write(Then::Lost),
    }
}

/// What follows a look for somebody whom the LMS must show, after one that showed
/// nobody.
pub(super) const fn after_control(
    course: Course,
    (because, again): (Because, bool),
    is_shown: bool,
) -> (Course, Then) {
    let shown = match (is_shown, again) {
        (true, _) => Shown::Person,
        (false, false) => Shown::Nobody,
        (false, true) => Shown::NobodyAgain,
    };
    let again = true;
    match believe(true, Control::Known, shown, false) {
        Belief::Blind => (course, Then::Blind),
        Belief::AskControlLater => {
            let phase = Phase::Control { because, again };
            (Course { phase, ..course }, Then::AskControlLater)
        }
        // Whatever it is, the person is looked for once more before anything is sent.
        _ => {
            let phase = Phase::ReadBack { because, again };
            (Course { phase, ..course }, Then::ReadBack)
        }
    }
}

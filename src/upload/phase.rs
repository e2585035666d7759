//! What follows an answer: the one rule that keeps a write from being sent
//! twice.
//!
//! Every job that writes keeps a [`Course`] and asks it, after each answer,
//! what comes next. [`transition`] is a pure function: a test lists the whole
//! table, and a property holds it against arbitrary answers.
//!
//! # Invariants
//!
//! - A write whose outcome is unknown is followed by read-backs until one of
//!   them is answered, and by the same write only where that answer does not
//!   show it done.
//! - "Nobody there" is believed at once only where nothing may still be on its
//!   way and the API itself says so; of somebody who may have been created, only as
//!   [`believe`](super::doubt::believe) says.
//! - Nobody is created whom the LMS has accepted or shown before in this job,
//!   and nobody for an update or a rekey: somebody known who is not there is lost.
//! - What was given up is read back once more and never written again.

mod absence;
mod rekey;

use self::absence::{after_absence, after_control, write_not_found};
use self::rekey::{at_former_id, at_new_id};
use super::engine::Next;
use super::look_up::SECOND_LOOK;
use crate::retry::Fatal;
use crate::targets::{Reply, Written};

/// A kind of write, as far as the rule tells one from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// Creates a person. Sent twice, it creates two.
    Create,
    /// Gives the external ID to somebody who has none.
    Adopt,
    /// Changes a person's details.
    Update,
    /// Gives somebody known another external ID, and the details with it.
    Rekey,
    /// Takes a person out of the archive.
    BringBack,
    /// Adds roles to a person.
    AddRoles,
    /// Gives a person rights for content libraries.
    Link {
        /// For more than one library.
        several: bool,
    },
    /// Takes such rights away.
    Unlink {
        /// For more than one library.
        several: bool,
    },
    /// Makes a leaver inactive, deletes one, or writes fields for one.
    Leave,
    /// Creates a group.
    CreateGroup,
    /// Changes a group.
    ChangeGroup,
    /// Deletes a group.
    DeleteGroup,
    /// Puts people into a group.
    AddMembers {
        /// More than one.
        several: bool,
    },
    /// Takes people out of a group.
    RemoveMembers {
        /// More than one.
        several: bool,
    },
}

impl Write {
    /// Whether one that is still on its way could do harm where nobody is
    /// there yet.
    const fn creates_person(self) -> bool {
        matches!(self, Self::Create | Self::Adopt)
    }

    const fn is_about_members(self) -> bool {
        matches!(self, Self::AddMembers { .. } | Self::RemoveMembers { .. })
    }

    const fn is_about_several(self) -> bool {
        matches!(
            self,
            Self::Link { several: true }
                | Self::Unlink { several: true }
                | Self::AddMembers { several: true }
                | Self::RemoveMembers { several: true }
        )
    }
}

/// Why the LMS is asked before anything is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Because {
    /// The run that is being resumed may have sent the write.
    Interrupted,
    /// The write got no usable answer: its outcome is unknown.
    Unanswered,
    /// The write does not go with what is there.
    Conflict,
    /// The write did not find the person or group that it is about.
    NotFound,
    /// The write was refused, and the group may be the reason.
    Refused,
    /// The write needs something that the LMS shows of the person, which is not known: its
    /// own id, or values that go with every update.
    Needed,
}

/// Where a job is between two calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The next call writes.
    Write,
    /// The next call reads back; nothing is written before it is answered.
    ReadBack {
        /// What for.
        because: Because,
        /// "Nobody there" was answered once, and not believed.
        again: bool,
    },
    /// The next call looks for the person under the external ID that a rekey takes
    /// away; nothing is written before it is answered.
    FormerId {
        /// What for.
        because: Because,
        /// As in [`Phase::ReadBack`].
        again: bool,
        /// Somebody has the new external ID, and does not show the write.
        is_taken: bool,
    },
    /// Nobody was there: the next call looks for somebody whom the LMS must show.
    /// Nothing is written before that person is shown.
    Control {
        /// What the read-back was for.
        because: Because,
        /// The person was not shown once.
        again: bool,
    },
}

/// The phase of a job, and what the job remembers of earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Course {
    pub(super) phase: Phase,
    /// A conflict was read back before: the next one is final.
    had_conflict: bool,
    /// It was read back before whether what a write is about is there: the next
    /// write that does not find it, or is refused for it, is final.
    presence_checked: bool,
    /// The LMS has acknowledged a write for the person, or shown the person: if
    /// it then shows nobody, that is not believed enough to create somebody.
    was_there: bool,
    aim: Aim,
}

/// What a job is after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aim {
    /// To have everything written.
    Write,
    /// To know what became of the last write: it is given up, and writes no more.
    Know,
}

/// An answer, or the lack of one, as far as the rule tells one from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// To a write: done.
    Applied,
    /// To a write: refused for good.
    Refused,
    /// To a write: it does not go with what is there.
    Conflict,
    /// To a write: the person or group that it is about is not there.
    NotFound {
        /// As in [`Answer::Absent`].
        certain: bool,
    },
    /// To a write: the key may not make the call.
    Denied,
    /// To a write: the address is not this API's.
    WrongAddress,
    /// To a read-back: the write is done.
    Shown,
    /// To a read-back: the person or the group is there, and does not show the
    /// write.
    NotShown,
    /// To a read-back: the person is there, in the archive.
    Archived,
    /// To a read-back: nobody is there.
    Absent {
        /// The API says so itself, and not a page in between.
        certain: bool,
    },
    /// To a look for somebody whom the LMS must show.
    Control {
        /// It does.
        is_shown: bool,
    },
    /// Not what the API answers.
    Unclear,
    /// There was no usable answer.
    Lost {
        /// The request may have been carried out.
        may_have_applied: bool,
    },
}

/// What a job does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The write is done: on to the next one.
    Done,
    /// Send the write.
    Write,
    /// Read back at once.
    ReadBack,
    /// Read back once more, after a while: what is still on its way lands.
    ReadBackLater,
    /// Once nothing that was sent can have an effect any more: look for somebody whom
    /// the LMS must show.
    AskControl,
    /// The same once more, after a while.
    AskControlLater,
    /// The LMS does not show somebody whom it must show: what it says of the person
    /// is not believed.
    Blind,
    /// Try each of several by itself.
    Split,
    /// The person is there after all: work out what is left to write.
    Existing,
    /// The person has the external ID: work out what is left to write.
    Adopted,
    /// The person has the new external ID: what went with it may be missing.
    Rekeyed,
    /// Take the person out of the archive first.
    BringBack,
    /// Nobody is there: begin with the create.
    StartOver,
    /// Somebody known is not there: the whole run decides what becomes of those.
    Lost,
    /// The leaver is gone, or the whole group is.
    Gone,
    /// The LMS refuses the write for good.
    Refuse(Refusal),
    /// Nothing more can be done.
    Stop,
    /// The answer is unusable: it counts as none.
    Unclear,
    /// The key may not make the call: the run ends.
    Forbidden,
    /// The address is not this API's: the run ends.
    WrongAddress,
    /// The engine says when the call of this phase is made.
    Wait,
}

impl Then {
    /// How a job goes on for which nothing more is to be done than this says.
    /// `why` is why the answer is unusable, if it is.
    pub(super) const fn next(self, reply: &Reply, why: &'static str) -> Next {
        match self {
            Self::Done | Self::Gone | Self::Stop | Self::Lost | Self::Blind | Self::Refuse(_) => {
                Next::Done
            }
            Self::ReadBackLater | Self::AskControl | Self::AskControlLater => {
                Next::Later(SECOND_LOOK)
            }
            Self::Unclear => Next::Unclear(why),
            Self::Forbidden => Next::Fatal(Fatal::Forbidden(reply.call)),
            Self::WrongAddress => Next::Fatal(Fatal::WrongAddress),
            Self::Write
            | Self::ReadBack
            | Self::Split
            | Self::Existing
            | Self::Adopted
            | Self::Rekeyed
            | Self::BringBack
            | Self::StartOver
            | Self::Wait => Next::Call,
        }
    }
}

impl From<&Written> for Answer {
    fn from(written: &Written) -> Self {
        match written {
            Written::Applied(_) => Self::Applied,
            Written::Refused { .. } => Self::Refused,
            Written::Conflict { .. } => Self::Conflict,
            Written::NotFound { certain } => Self::NotFound { certain: *certain },
            Written::Denied => Self::Denied,
            Written::WrongAddress => Self::WrongAddress,
            Written::Unclear { .. } => Self::Unclear,
        }
    }
}

/// Why a write is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// For the reason that the LMS states.
    Stated,
    /// It does not go with what is there.
    Conflict {
        /// The person is there.
        found: bool,
    },
    /// What it is about is not there.
    NotFound,
    /// A read-back shows the person, and the write does not find it.
    NotFoundThoughShown,
    /// The LMS accepted or showed the person before, and shows nobody now.
    Vanished,
}

impl Course {
    /// Begins with the write.
    pub(super) const fn new() -> Self {
        Self {
            phase: Phase::Write,
            had_conflict: false,
            presence_checked: false,
            was_there: false,
            aim: Aim::Write,
        }
    }

    /// Begins with a read-back: an interrupted run may have sent the write.
    pub(super) const fn interrupted() -> Self {
        Self {
            phase: Phase::ReadBack {
                because: Because::Interrupted,
                again: false,
            },
            ..Self::new()
        }
    }

    /// Begins where a look has shown nobody, and an earlier run may have sent the write.
    pub(super) const fn looked_for() -> Self {
        Self {
            phase: Phase::Control {
                because: Because::Interrupted,
                again: false,
            },
            ..Self::new()
        }
    }

    /// Begins a rekey with a look for the person, whose id the write goes by.
    pub(super) const fn without_handle() -> Self {
        Self {
            phase: Phase::FormerId {
                because: Because::Needed,
                again: false,
                is_taken: false,
            },
            ..Self::new()
        }
    }

    /// Begins with a look for the person: the write needs something that it shows.
    pub(super) const fn unseen() -> Self {
        Self {
            phase: Phase::ReadBack {
                because: Because::Needed,
                again: false,
            },
            ..Self::new()
        }
    }

    /// Takes an answer in and says what comes next.
    pub(super) fn follow(&mut self, write: Write, answer: Answer) -> Then {
        let then;
        (*self, then) = transition(write, *self, answer);
        then
    }

    /// Whether the next call is the write.
    pub(super) const fn is_write(self) -> bool {
        matches!(self.phase, Phase::Write)
    }

    /// Why something is read back, if it is.
    const fn because(self) -> Option<Because> {
        match self.phase {
            Phase::Write => None,
            Phase::ReadBack { because, .. }
            | Phase::FormerId { because, .. }
            | Phase::Control { because, .. } => Some(because),
        }
    }

    /// Whether a write went out whose outcome is unknown.
    pub(super) const fn is_unknown(self) -> bool {
        matches!(
            self.because(),
            Some(Because::Unanswered | Because::Interrupted)
        )
    }

    /// The job is given up. Returns whether one more read-back is to say what
    /// became of its last write.
    pub(super) const fn give_up(&mut self) -> bool {
        let reads_back = self.is_unknown() && matches!(self.aim, Aim::Write);
        if reads_back {
            self.aim = Aim::Know;
        }
        reads_back
    }

    /// There is nobody whom the LMS must show: one more look decides.
    pub(super) const fn look_again(&mut self) {
        if let Phase::Control { because, .. } = self.phase {
            let again = true;
            self.phase = Phase::ReadBack { because, again };
        }
    }

    /// Reads back. Neither a conflict nor an absence is read back twice, or an LMS
    /// that keeps changing its mind would keep a job for ever.
    const fn read_back(self, because: Because) -> (Self, Then) {
        let phase = Phase::ReadBack {
            because,
            again: false,
        };
        let is_about_presence = matches!(because, Because::NotFound | Because::Refused);
        let course = Self {
            phase,
            had_conflict: self.had_conflict || matches!(because, Because::Conflict),
            presence_checked: self.presence_checked || is_about_presence,
            ..self
        };
        (course, Then::ReadBack)
    }

    const fn write(self, then: Then) -> (Self, Then) {
        let course = Self {
            phase: Phase::Write,
            aim: Aim::Write,
            ..self
        };
        (course, then)
    }
}

/// The rule: what follows an answer.
pub(super) fn transition(write: Write, course: Course, answer: Answer) -> (Course, Then) {
    match follows(write, course, answer) {
        // What was given up is looked for, and never written again.
        (_, Then::Write | Then::StartOver) if course.aim == Aim::Know => (course, Then::Stop),
        other => other,
    }
}

fn follows(write: Write, course: Course, answer: Answer) -> (Course, Then) {
    match (course.phase, answer) {
        (_, Answer::Unclear) => (course, Then::Unclear),
        (Phase::Write, Answer::Lost { may_have_applied }) => {
            let (read_back, _) = course.read_back(Because::Unanswered);
            (
                if may_have_applied { read_back } else { course },
                Then::Wait,
            )
        }
        (_, Answer::Lost { .. }) => (course, Then::Wait),
        (Phase::Write, answer) => after_write(write, course, answer),
        (
            Phase::FormerId {
                because,
                again,
                is_taken,
            },
            answer,
        ) => at_former_id(course, (because, again), is_taken, answer),
        (Phase::Control { because, again }, Answer::Control { is_shown }) => {
            after_control(course, (because, again), is_shown)
        }
        (Phase::Control { .. }, _) | (Phase::ReadBack { .. }, Answer::Control { .. }) => {
            (course, Then::Unclear)
        }
        (Phase::ReadBack { because, again }, answer) if write == Write::Rekey => {
            at_new_id(course, (because, again), answer)
        }
        (Phase::ReadBack { because, again }, Answer::Absent { certain }) => {
            after_absence(write, course, (because, again), certain)
        }
        (Phase::ReadBack { because, .. }, answer) => after_sight(write, course, because, answer),
    }
}

/// What follows the answer to a write.
fn after_write(write: Write, course: Course, answer: Answer) -> (Course, Then) {
    match (answer, write) {
        (Answer::Applied, _) => {
            let presence_checked = course.presence_checked || write.is_about_members();
            (
                Course {
                    presence_checked,
                    was_there: true,
                    ..course
                },
                Then::Done,
            )
        }
        (Answer::Denied, _) => (course, Then::Forbidden),
        (Answer::WrongAddress, _) | (Answer::NotFound { .. }, Write::Create) => {
            (course, Then::WrongAddress)
        }
        (Answer::NotFound { certain }, _) => write_not_found(write, course, certain),
        (
            Answer::Refused | Answer::Conflict,
            Write::AddMembers { .. } | Write::RemoveMembers { .. },
        ) if !course.presence_checked => course.read_back(Because::Refused),
        (Answer::Refused | Answer::Conflict, _) if write.is_about_several() => {
            (course, Then::Split)
        }
        (Answer::Refused, _)
        | (
            Answer::Conflict,
            Write::AddMembers { .. }
            | Write::RemoveMembers { .. }
            | Write::CreateGroup
            | Write::ChangeGroup
            | Write::DeleteGroup,
        ) => (course, Then::Refuse(Refusal::Stated)),
        (Answer::Conflict, Write::Create | Write::Update | Write::Rekey | Write::Leave)
            if !course.had_conflict =>
        {
            course.read_back(Because::Conflict)
        }
        (Answer::Conflict, _) => {
            let found = true;
            (course, Then::Refuse(Refusal::Conflict { found }))
        }
        // No answer to a write.
        (
            Answer::Shown
            | Answer::NotShown
            | Answer::Archived
            | Answer::Absent { .. }
            | Answer::Control { .. }
            | Answer::Unclear
            | Answer::Lost { .. },
            _,
        ) => (course, Then::Unclear),
    }
}

/// What follows a read-back that shows the person or the group.
fn after_sight(write: Write, course: Course, because: Because, answer: Answer) -> (Course, Then) {
    let found = Then::Refuse(Refusal::Conflict { found: true });
    let was_there = true;
    let course = Course {
        was_there,
        ..course
    };
    match (because, write, answer) {
        (_, Write::Create, _) => course.write(Then::Existing),
        (Because::Conflict, Write::Leave, Answer::Shown) => course.write(Then::Done),
        (Because::Conflict, Write::Leave, _) => course.write(found),
        (Because::Conflict, _, Answer::Archived) => course.write(Then::BringBack),
        (Because::Conflict, _, _) => course.write(found),
        (_, Write::Adopt, _) => course.write(Then::Adopted),
        // The person is there, so a library is not.
        (Because::NotFound, Write::Link { several: true }, _) => course.write(Then::Split),
        (Because::NotFound, Write::Link { .. }, _) => course.write(Then::Refuse(Refusal::NotFound)),
        (Because::Refused, _, _) => course.write(Then::Write),
        (_, _, Answer::Shown) => course.write(Then::Done),
        (_, _, _) => course.write(Then::Write),
    }
}

#[cfg(test)]
#[path = "phase_tests.rs"]
mod tests;

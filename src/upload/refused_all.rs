//! Does the LMS refuse everybody? Fifty rows in turn, in the same words, are not at
//! fault themselves: the next thousand would be refused as well.
//!
//! Pure: a row's end in, a reason to stop out.
//!
//! # Invariants
//!
//! - A row that the LMS accepts, or refuses in other words, begins the count again.
//! - A row that ends without a verdict of the LMS counts neither way.

use crate::model::Outcome;

/// Refusals in turn after which nobody else is sent.
const MAX_IN_TURN: u32 = 50;

/// What the LMS said to the rows that it refused since it last accepted one.
#[derive(Debug, Default)]
pub(super) struct RefusedInTurn {
    /// Status and words of the last one.
    said: Option<(Option<u16>, String)>,
    times: u32,
}

impl RefusedInTurn {
    /// Takes in how a row ended. `said` is the status and the words, without the person,
    /// with which the LMS refused the row as a whole; `id` is the person's external ID.
    pub(super) fn note(&mut self, outcome: Outcome, said: Option<(Option<u16>, &str)>, id: &str) {
        match (outcome, said) {
            (Outcome::Created | Outcome::Updated, _) => *self = Self::default(),
            (Outcome::Rejected, Some((status, words))) => {
                let same = (status, alike(words, id));
                if self.said.as_ref() == Some(&same) {
                    self.times += 1;
                } else {
                    (self.said, self.times) = (Some(same), 1);
                }
            }
            _ => {}
        }
    }

    /// Why nobody else is sent, if the last refusals are that alike.
    pub(super) fn stops(&self) -> Option<SameRefusal> {
        let (status, words) = self.said.as_ref()?;
        (self.times >= MAX_IN_TURN).then(|| SameRefusal {
            rows: self.times,
            status: *status,
            words: words.clone(),
            looks: Looks::of(words),
        })
    }
}

/// Words as they are compared: what differs from person to person, as IDs and
/// numbers do, is left out.
fn alike(words: &str, id: &str) -> String {
    let words = if id.is_empty() {
        words.to_owned()
    } else {
        words.replace(id, "<external ID>")
    };
    let mut out = String::with_capacity(words.len());
    for char in words.chars() {
        if !char.is_ascii_digit() {
            out.push(char);
        } else if !out.ends_with('#') {
            out.push('#');
        }
    }
    out
}

/// The same refusal of many rows in turn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the LMS refused {rows} rows in turn with the same words{}: {words}; {}",
    .status.map(|status| format!(" (HTTP {status})")).unwrap_or_default(),
    .looks.in_words()
)]
pub struct SameRefusal {
    /// How many rows.
    pub rows: u32,
    /// The HTTP status.
    pub status: Option<u16>,
    /// What the LMS said, without the people: `#` is a number.
    pub words: String,
    /// What it looks like.
    pub looks: Looks,
}

impl SameRefusal {
    /// What to do about it.
    pub(super) const fn help(&self) -> &'static str {
        match self.looks {
            Looks::Licences => {
                "free or buy licences in the LMS, then continue with `hrfeed resume`: it leaves out \
                 the rows that were refused, which the next import tries again"
            }
            Looks::InUse => {
                "if these people have accounts that this journal does not know, `[adopt]` in the \
                 mapping links them: add it and start a new `hrfeed import`"
            }
            Looks::Other => {
                "correct the cause in the LMS, the mapping or the feed; `hrfeed resume` continues \
                 with the other rows, and the next import tries all of them"
            }
        }
    }
}

/// What it looks like when everybody is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// No more people fit in.
    Licences,
    /// The people are there already.
    InUse,
    /// Nothing that is known.
    Other,
}

impl Looks {
    /// By the words that LMS use for it.
    fn of(words: &str) -> Self {
        const TABLE: [(Looks, &[&str]); 2] = [
            (
                Looks::Licences,
                &[
                    "licen",
                    "seats",
                    "quota",
                    "subscription",
                    "limit reached",
                    "number of users",
                    "too many users",
                ],
            ),
            (
                Looks::InUse,
                &[
                    "in use",
                    "already",
                    "duplicate",
                    "taken",
                    "not unique",
                    "must be unique",
                    "another account has",
                    "another one has",
                ],
            ),
        ];
        let words = words.to_lowercase();
        let holds = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
        let found = TABLE.into_iter().find(|(_, signs)| holds(signs));
        found.map_or(Self::Other, |(looks, _)| looks)
    }

    const fn in_words(self) -> &'static str {
        match self {
            Self::Licences => "it looks as if the licences of the LMS are used up",
            Self::InUse => {
                "it looks as if these people have accounts already, as after a lost journal"
            }
            Self::Other => "nobody else would be accepted",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LICENCES: &str = "licence limit reached";

    fn refused(all: &mut RefusedInTurn, words: &str, id: &str) {
        all.note(Outcome::Rejected, Some((Some(422), words)), id);
    }

    #[test]
    fn each_refusal_of_everybody_says_what_it_looks_like() {
        let table: Vec<_> = [
            LICENCES,
            "Maximum number of users (3000) exceeded",
            "No more seats",
            "another account has this login: login in use",
            "loginName: must be unique",
            "User E7 already exists",
            "email: Enter a valid address.",
        ]
        .map(|words| {
            let mut all = RefusedInTurn::default();
            (0..50).for_each(|_| refused(&mut all, words, "E7"));
            let stops = all.stops().unwrap();
            format!("{stops}\n  {}", stops.help())
        })
        .into();
        insta::assert_snapshot!(table.join("\n"), @"
        the LMS refused 50 rows in turn with the same words (HTTP 422): licence limit reached; it looks as if the licences of the LMS are used up
          free or buy licences in the LMS, then continue with `hrfeed resume`: it leaves out the rows that were refused, which the next import tries again
        the LMS refused 50 rows in turn with the same words (HTTP 422): Maximum number of users (#) exceeded; it looks as if the licences of the LMS are used up
          free or buy licences in the LMS, then continue with `hrfeed resume`: it leaves out the rows that were refused, which the next import tries again
        the LMS refused 50 rows in turn with the same words (HTTP 422): No more seats; it looks as if the licences of the LMS are used up
          free or buy licences in the LMS, then continue with `hrfeed resume`: it leaves out the rows that were refused, which the next import tries again
        the LMS refused 50 rows in turn with the same words (HTTP 422): another account has this login: login in use; it looks as if these people have accounts already, as after a lost journal
          if these people have accounts that this journal does not know, `[adopt]` in the mapping links them: add it and start a new `hrfeed import`
        the LMS refused 50 rows in turn with the same words (HTTP 422): loginName: must be unique; it looks as if these people have accounts already, as after a lost journal
          if these people have accounts that this journal does not know, `[adopt]` in the mapping links them: add it and start a new `hrfeed import`
        the LMS refused 50 rows in turn with the same words (HTTP 422): User <external ID> already exists; it looks as if these people have accounts already, as after a lost journal
          if these people have accounts that this journal does not know, `[adopt]` in the mapping links them: add it and start a new `hrfeed import`
        the LMS refused 50 rows in turn with the same words (HTTP 422): email: Enter a valid address.; nobody else would be accepted
          correct the cause in the LMS, the mapping or the feed; `hrfeed resume` continues with the other rows, and the next import tries all of them
        ");
    }

    #[test]
    fn fifty_in_turn_stop_and_forty_nine_do_not() {
        let mut all = RefusedInTurn::default();
        (0..49).for_each(|row| {
            refused(
                &mut all,
                &format!("E{row} is user {row}"),
                &format!("E{row}"),
            );
        });
        assert_eq!(all.stops(), None);
        // No verdict of the LMS: it counts neither way.
        all.note(Outcome::Failed, None, "E50");
        all.note(Outcome::Unknown, None, "E51");
        all.note(Outcome::Unchanged, None, "E52");
        refused(&mut all, "E53 is user 17", "E53");
        let stops = all.stops().unwrap();
        assert_eq!(stops.words, "<external ID> is user #");
    }

    #[derive(Clone, Debug)]
    enum Row {
        Accepted,
        Refused(u16, &'static str),
        Open,
    }

    fn any_row() -> impl Strategy<Value = Row> {
        prop_oneof![
            1 => Just(Row::Accepted),
            40 => (prop::sample::select(vec![400, 422]), Just(LICENCES))
                .prop_map(|(status, words)| Row::Refused(status, words)),
            400 => Just(Row::Refused(422, LICENCES)),
            1 => Just(Row::Refused(422, "another word")),
            20 => Just(Row::Open),
        ]
    }

    proptest! {
        #[test]
        fn it_stops_exactly_when_the_last_fifty_verdicts_are_the_same_refusal(
            rows in prop::collection::vec(any_row(), 0..300),
        ) {
            let mut all = RefusedInTurn::default();
            let mut verdicts = Vec::new();
            for row in rows {
                match row {
                    Row::Accepted => all.note(Outcome::Created, None, "E1"),
                    Row::Refused(status, words) => {
                        all.note(Outcome::Rejected, Some((Some(status), words)), "E1");
                    }
                    Row::Open => all.note(Outcome::Failed, None, "E1"),
                }
                match row {
                    Row::Accepted => verdicts.push(None),
                    Row::Refused(status, words) => verdicts.push(Some((status, words))),
                    Row::Open => {}
                }
                let last = verdicts.len().checked_sub(50).map(|from| &verdicts[from..]);
                let expected = last.is_some_and(|last| {
                    last[0].is_some() && last.iter().all(|verdict| *verdict == last[0])
                });
                prop_assert_eq!(all.stops().is_some(), expected);
            }
        }
    }
}

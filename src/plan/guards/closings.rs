//! Accounts that rows close: who cannot sign in any more has as good as left.

use super::{Held, Numbers, Whom, limit_of};
use crate::mapping::{Guards, Limit};
use crate::model::{HoldKind, counted};

/// The hold of those whose accounts rows would close, where these are more than `max_leavers`
/// lets leave in one run.
pub(super) fn closings(guards: &Guards, numbers: &Numbers) -> Option<Held> {
    let limit = Limit {
        days: None,
        ..guards.max_leavers
    };
    let most = limit.most(numbers.known, Guards::FLOOR);
    let closed = numbers.changed_closed;
    (closed > most).then(|| Held {
        kind: HoldKind::Updates,
        whom: Whom::Closed,
        people: closed,
        bound: limit.to_string(),
        why: format!(
            "{} would no longer be active; the limit is {}",
            counted(closed, "person", "people"),
            limit_of("max_leavers", limit, most, numbers.known)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_closed_accounts_than_leavers_may_be_are_held() {
        let held = |changed_closed| {
            let numbers = Numbers {
                known: 200,
                present: 200,
                changed: changed_closed + 3,
                changed_closed,
                ..Numbers::default()
            };
            closings(&Guards::default(), &numbers)
        };
        assert_eq!(held(10), None, "exactly the limit passes");
        let beyond = held(11).unwrap();
        assert_eq!((beyond.whom, beyond.people), (Whom::Closed, 11));
        insta::assert_snapshot!(beyond.why, @"11 people would no longer be active; the limit is 10 (`max_leavers` is 5%)");
    }
}

//! `max_mails`: mails cannot be taken back.

use super::{Held, Numbers, Whom, limit_of};
use crate::mapping::Guards;
use crate::model::{HoldKind, counted};

/// The hold of that kind, with the people whom the LMS would mail where these are more than
/// `max_mails`. Who is held for another reason stays so.
pub(super) fn with_mails(
    held: Option<Held>,
    kind: HoldKind,
    guards: &Guards,
    numbers: &Numbers,
) -> Option<Held> {
    let Some(limit) = guards.max_mails else {
        return held;
    };
    let mailed = numbers.new_mailed.saturating_add(numbers.changed_mailed);
    let most = limit.most(numbers.known, Guards::FLOOR);
    if mailed <= most {
        return held;
    }
    let (people, all) = match kind {
        HoldKind::Creates => (numbers.new_mailed, numbers.new),
        _ => (numbers.changed_mailed, numbers.changed),
    };
    let why = format!(
        "{} would be mailed by the LMS; the limit is {}",
        counted(mailed, "person", "people"),
        limit_of("max_mails", limit, most, numbers.known)
    );
    match held {
        Some(held) if held.whom == Whom::All || people == 0 => Some(held),
        Some(held) => Some(Held {
            whom: Whom::All,
            people: all,
            why: format!("{}; {why}", held.why),
            ..held
        }),
        None => (people > 0).then(|| Held {
            kind,
            whom: Whom::Mailed,
            people,
            bound: limit.to_string(),
            why,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{Allowance, Leavers, Limit};
    use crate::plan::guards::{Allowed, judge};

    fn held(new_mailed: u64, changed_mailed: u64, max: u64) -> Vec<Held> {
        let guards = Guards {
            max_mails: Some(Limit {
                bound: Allowance::Number(max),
                days: None,
            }),
            ..Guards::default()
        };
        let numbers = Numbers {
            known: 50,
            present: 50,
            rows: 60,
            new: new_mailed + 2,
            changed: changed_mailed + 3,
            new_mailed,
            changed_mailed,
            ..Numbers::default()
        };
        judge(&guards, &Allowed::default(), Leavers::Ignore, &numbers)
    }

    #[test]
    fn whoever_would_be_mailed_waits_where_there_are_more_than_the_limit() {
        assert!(held(4, 6, 10).is_empty(), "exactly the limit passes");
        let beyond = held(4, 7, 10);
        let lines: Vec<_> = (beyond.iter())
            .map(|it| {
                format!(
                    "{} {:?} {} of {}: {}",
                    it.kind, it.whom, it.people, it.bound, it.why
                )
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        creates Mailed 4 of 10: 11 people would be mailed by the LMS; the limit is 10 (`max_mails`)
        updates Mailed 7 of 10: 11 people would be mailed by the LMS; the limit is 10 (`max_mails`)
        ");
        let of_new: Vec<_> = held(1, 0, 0).iter().map(|it| it.kind).collect();
        assert_eq!(of_new, [HoldKind::Creates]);
    }
}

//! A change becomes steps: only the parts that differ, in the order in which
//! the target can take them.

use super::Change;
use crate::model::{Action, Content, Parts, Step};
use crate::schema::Part;

/// What must be done for one person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remaining {
    /// The person's own writes, in order.
    pub steps: Vec<Step>,
    /// Groups to which the person is added.
    pub groups_to_join: Vec<String>,
    /// Groups from which the person is removed: only those to which hrfeed added the
    /// person.
    pub groups_to_leave: Vec<String>,
    /// Roles that the feed no longer has and that no call removes.
    pub roles_kept: Vec<String>,
}

/// Works out what is left to do, after `parts` were acknowledged.
/// `adopting_updates`: adopting a person also writes the content.
#[must_use]
pub fn steps_for(
    change: &Change,
    action: Action,
    parts: &Parts,
    adopting_updates: bool,
) -> Remaining {
    let content = &change.content;
    let mut remaining = Remaining::default();
    let nothing = Parts::default();
    // Nothing was acknowledged about a person who is new to hrfeed.
    let parts = match action {
        Action::Create | Action::Adopt => &nothing,
        _ => parts,
    };
    let roles = roles(content);
    match (action, &change.adopt, &change.rekey) {
        (Action::Rekey, _, Some(rekey)) => {
            remaining.steps.push(Step::Rekey {
                from: rekey.from.clone(),
                handle: rekey.handle.clone(),
            });
            if parts.is_inactive {
                remaining.steps.push(Step::Update {
                    details: false,
                    picture: false,
                    reactivate: true,
                });
            }
        }
        (Action::Adopt, Some(handle), _) => {
            remaining.steps.push(Step::Adopt {
                by: change.adopt_by,
                handle: handle.clone(),
            });
            if !adopting_updates {
                remaining.steps.push(Step::Update {
                    details: true,
                    picture: content.picture.is_some(),
                    reactivate: false,
                });
            }
        }
        (Action::Create, ..) => remaining.steps.push(Step::Create {
            again: change.may_have_applied,
            roles: roles.clone(),
        }),
        _ => {
            let details = change.takes_back || parts.details != Some(change.details);
            let picture = content.picture.is_some() && parts.picture != Some(change.picture);
            if details || picture || parts.is_inactive {
                remaining.steps.push(Step::Update {
                    details,
                    picture,
                    reactivate: parts.is_inactive,
                });
            }
        }
    }
    if action != Action::Create {
        let missing = without(&roles, parts.of(Part::Roles));
        if !missing.is_empty() {
            remaining.steps.push(Step::AddRoles(missing));
        }
    }
    if content.set(Part::Roles).is_some() {
        remaining.roles_kept = parts
            .of(Part::Roles)
            .filter(|role| !roles.iter().any(|it| it == role))
            .map(str::to_owned)
            .collect();
    }
    for part in [Part::AuthorLibraries, Part::DesignerLibraries] {
        let (link, unlink) = difference(content, part, parts);
        if !link.is_empty() {
            remaining.steps.push(Step::Link(part, link));
        }
        if !unlink.is_empty() {
            remaining.steps.push(Step::Unlink(part, unlink));
        }
    }
    (remaining.groups_to_join, remaining.groups_to_leave) =
        difference(content, Part::Groups, parts);
    remaining
}

/// The roles that the feed names, and those that its rights require.
#[must_use]
pub fn roles(content: &Content) -> Vec<String> {
    let mut roles = content.set(Part::Roles).unwrap_or_default().to_vec();
    for (part, role) in [
        (Part::AuthorLibraries, "author"),
        (Part::DesignerLibraries, "designer"),
    ] {
        let needs = content
            .set(part)
            .is_some_and(|libraries| !libraries.is_empty());
        if needs && !roles.iter().any(|it| it == role) {
            roles.push(role.to_owned());
        }
    }
    roles
}

/// The values of a set to add and to remove. A set that is not in the feed does
/// not change.
fn difference(content: &Content, part: Part, parts: &Parts) -> (Vec<String>, Vec<String>) {
    let Some(wanted) = content.set(part) else {
        return (Vec::new(), Vec::new());
    };
    let gone = parts
        .of(part)
        .filter(|item| !wanted.iter().any(|it| it == item))
        .map(str::to_owned)
        .collect();
    (without(wanted, parts.of(part)), gone)
}

fn without<'a>(wanted: &[String], given: impl Iterator<Item = &'a str>) -> Vec<String> {
    let given: Vec<_> = given.collect();
    wanted
        .iter()
        .filter(|item| !given.contains(&item.as_str()))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ExternalId, RowNumber};
    use crate::plan::Why;

    fn change(sets: &[(Part, &[&str])]) -> Change {
        Change {
            index: 0,
            row: RowNumber::new(2),
            action: Action::Update,
            why: Why::Changed,
            may_have_applied: false,
            doubt: None,
            content: Content {
                fields: vec![("login", "zoe".into())],
                sets: sets
                    .iter()
                    .map(|(part, values)| (*part, values.iter().map(|it| (*it).into()).collect()))
                    .collect(),
                ..Content::only(ExternalId::known("E7"))
            },
            fingerprint: 1,
            details: 2,
            picture: 3,
            takes_back: false,
            adopt: None,
            adopt_by: "login",
            rekey: None,
            hold: None,
            changed: Vec::new(),
            fingerprints: crate::mapping::FieldFingerprints::default(),
            before_groups: None,
        }
    }

    fn parts(given: &[(Part, &str)]) -> Parts {
        Parts {
            details: Some(2),
            given: given
                .iter()
                .map(|(part, item)| (*part, (*item).into()))
                .collect(),
            ..Parts::default()
        }
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|it| (*it).into()).collect()
    }

    #[test]
    fn each_part_that_differs_costs_its_own_call_and_no_other() {
        let wanted = change(&[
            (Part::Roles, &["mentor", "student"]),
            (Part::AuthorLibraries, &["L1", "L2"]),
            (Part::Groups, &["G1", "G2"]),
        ]);
        let all = [
            (Part::Roles, "author"),
            (Part::Roles, "mentor"),
            (Part::Roles, "student"),
            (Part::AuthorLibraries, "L1"),
            (Part::AuthorLibraries, "L2"),
            (Part::Groups, "G1"),
            (Part::Groups, "G2"),
        ];
        let remaining = |parts: &Parts| steps_for(&wanted, Action::Update, parts, false);
        assert_eq!(remaining(&parts(&all)), Remaining::default());
        let lacking = |lacks: &str| {
            let has: Vec<_> = all
                .iter()
                .copied()
                .filter(|(_, item)| *item != lacks)
                .collect();
            remaining(&parts(&has))
        };
        assert_eq!(
            lacking("mentor").steps,
            [Step::AddRoles(strings(&["mentor"]))]
        );
        assert_eq!(
            lacking("L2").steps,
            [Step::Link(Part::AuthorLibraries, strings(&["L2"]))]
        );
        assert_eq!(lacking("G2").groups_to_join, ["G2"]);
        assert_eq!(lacking("G2").steps, []);
        let mut more = all.to_vec();
        more.extend([
            (Part::Roles, "teacher"),
            (Part::AuthorLibraries, "L3"),
            (Part::Groups, "G3"),
        ]);
        let less = remaining(&parts(&more));
        assert_eq!(
            less.steps,
            [Step::Unlink(Part::AuthorLibraries, strings(&["L3"]))]
        );
        assert_eq!(less.groups_to_leave, ["G3"]);
        assert_eq!(less.roles_kept, ["teacher"]);
    }

    #[test]
    fn somebody_new_takes_one_call_for_details_and_roles() {
        let wanted = change(&[
            (Part::Roles, &["student"]),
            (Part::DesignerLibraries, &["L1"]),
            (Part::Groups, &["G1"]),
        ]);
        let remaining = steps_for(
            &wanted,
            Action::Create,
            &parts(&[(Part::Groups, "G1")]),
            false,
        );
        assert_eq!(
            remaining.steps,
            [
                Step::Create {
                    again: false,
                    roles: strings(&["student", "designer"])
                },
                Step::Link(Part::DesignerLibraries, strings(&["L1"])),
            ]
        );
        assert_eq!(remaining.groups_to_join, ["G1"]);
    }

    #[test]
    fn a_set_of_which_the_feed_says_nothing_stays() {
        let given = parts(&[(Part::Groups, "G1"), (Part::Roles, "student")]);
        assert_eq!(
            steps_for(&change(&[]), Action::Update, &given, false),
            Remaining::default()
        );
        let cleared = change(&[(Part::Groups, &[])]);
        assert_eq!(
            steps_for(&cleared, Action::Update, &given, false).groups_to_leave,
            ["G1"]
        );
    }

    #[test]
    fn a_leaver_who_returns_is_made_active_again() {
        let inactive = Parts {
            is_inactive: true,
            ..parts(&[])
        };
        assert_eq!(
            steps_for(&change(&[]), Action::Update, &inactive, false).steps,
            [Step::Update {
                details: false,
                picture: false,
                reactivate: true
            }]
        );
    }
}

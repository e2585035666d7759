//! What a feed is not believed that takes many people for others.

use super::*;

#[test]
fn who_would_come_or_go_by_a_feed_that_takes_many_for_others_waits() {
    let decide = |identities, renumbered, refused_identities, action| {
        let numbers = Numbers {
            known: 1_000,
            present: 999,
            rows: 1_000,
            new: 1,
            leavers: 1,
            identities,
            identity_changes: identities,
            renumbered,
            refused_identities,
            ..Numbers::default()
        };
        in_short(&judge(
            &Guards::default(),
            &Allowed::default(),
            action,
            &numbers,
        ))
    };
    let delete = Leavers::Delete;
    assert_eq!(decide(20, 0, 20, delete), "passes");
    assert_eq!(decide(0, 20, 0, delete), "holds renumbered=20");
    assert_eq!(
        decide(21, 0, 0, delete),
        "holds leavers=1, holds creates=1, holds identities=21"
    );
    assert_eq!(
        decide(0, 21, 0, delete),
        "holds leavers=1, holds creates=1, holds renumbered=21"
    );
    // Also while a person has refused it, and the feed goes on so.
    assert_eq!(decide(0, 0, 21, delete), "holds leavers=1, holds creates=1");
    assert_eq!(decide(0, 0, 21, Leavers::Ignore), "holds creates=1");

    // All who are new, and not only those who wait for another reason.
    let numbers = Numbers {
        known: 1_000,
        present: 1_000,
        rows: 1_003,
        new: 3,
        new_under_other_keys: 1,
        identities: 21,
        identity_changes: 21,
        ..Numbers::default()
    };
    assert_eq!(
        in_short(&judge(
            &Guards::default(),
            &Allowed::default(),
            delete,
            &numbers
        )),
        "holds creates=3, holds identities=21"
    );
}

//! What the guards promise for whatever feed, limit and approval.

use proptest::prelude::*;

use super::super::feed::tests::{departments, facts};
use super::*;
use crate::model::HoldKind;

/// A limit in whole numbers, and how many days it is counted over.
#[derive(Clone, Copy, Debug)]
struct Whole {
    is_share: bool,
    number: u64,
    days: Option<u32>,
}

impl Whole {
    fn limit(self) -> Limit {
        let Self { number, days, .. } = self;
        let bound = if self.is_share {
            format!("{number}%")
        } else {
            number.to_string()
        };
        Limit {
            days,
            ..limit(&bound)
        }
    }

    /// The most that pass, counted without fractions.
    fn most(self, base: u64, floor: u64) -> u64 {
        match (self.is_share, self.number) {
            (false, most) => most,
            (true, 0) => 0,
            (true, percent) => (base * percent / 100).max(floor.min(base / 2)),
        }
    }
}

fn whole() -> impl Strategy<Value = Whole> {
    let days = prop_oneof![Just(None), (1_u32..30).prop_map(Some)];
    (any::<bool>(), 0_u64..=100, days).prop_map(|(is_share, number, days)| Whole {
        is_share,
        number,
        days,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a few thousand"
)]
fn part(share: f64, all: u64) -> u64 {
    (share * all as f64) as u64
}

prop_compose! {
    fn numbers()(
        known in prop_oneof![0_u64..30, 90_u64..110, 0_u64..3_000],
        rows in 0_u64..3_000, unidentified in 0_u64..2, there in prop_oneof![Just(0_u64), 0_u64..3_000],
        [new, changed, leavers] in prop_oneof![[0_u64..60, 0..60, 0..60], [0_u64..900, 0..900, 0..900]],
        [new_under_other_keys, new_of_others] in prop_oneof![Just([0_u64; 2]), [0_u64..9, 0..9]],
        relinked in prop_oneof![Just(0_u64), 0_u64..900],
        (identities, identity_changes) in (0_u64..80, 0_u64..80),
        (renumbered, refused_identities) in (0_u64..9, prop_oneof![Just(0_u64), 0_u64..80]),
        [created, updated, left] in [0_u64..90, 0..90, 0..90],
        waiting in (0_u64..9, 0_u64..9),
        (present, unfinished) in (0.0..=1.0_f64, prop_oneof![Just(0.0_f64), 0.0..=1.0_f64]),
    ) -> Numbers {
        Numbers {
            known,
            present: part(present, known), there,
            unfinished: part(unfinished, known), rows: rows.max(new + changed), unidentified, new, marked: 0, with_time: 0, kind: FeedKind::Full, is_way_back: false,
            new_under_other_keys: new_under_other_keys.min(new),
            new_of_others: new_of_others.min(new.saturating_sub(new_under_other_keys)), relinked,
            changed, new_mailed: new / 2, changed_mailed: changed / 3, changed_closed: 0, leavers: leavers.min(known),
            identities, identity_changes: identity_changes.max(identities), renumbered,
            refused_identities,
            past: Past { created, updated, left },
            waiting: Waiting { people: waiting.0.max(waiting.1), new: waiting.1.min(new) },
        }
    }
}

prop_compose! {
    fn limits()(
        max_leavers in whole(), max_creates in whole(), max_updates in whole(),
        max_identities in whole(), max_lost in whole(),
    ) -> [Whole; 5] {
        [max_leavers, max_creates, max_updates, max_identities, max_lost]
    }
}

fn guards_of(limits: [Whole; 5]) -> Guards {
    let [
        max_leavers,
        max_creates,
        max_updates,
        max_identities,
        max_lost,
    ] = limits.map(Whole::limit);
    Guards {
        max_leavers,
        max_creates,
        max_updates,
        max_lost,
        max_identities,
        ..Guards::default()
    }
}

fn judged(guards: &Guards, numbers: &Numbers) -> Vec<Held> {
    judge(guards, &Allowed::default(), Leavers::Delete, numbers)
}

fn of_kind(held: &[Held], kind: HoldKind) -> Option<&Held> {
    held.iter().find(|held| held.kind == kind)
}

/// One night after another: who leaves, if the guard lets them.
struct Nights {
    guards: Guards,
    known: u64,
    /// How many left and how many joined, by night.
    past: Vec<(u64, u64)>,
}

impl Nights {
    fn window(&self) -> &[(u64, u64)] {
        // Of the days of the limit, one is tonight.
        let days = self
            .guards
            .max_leavers
            .days
            .map_or(0, |days| days as usize - 1);
        &self.past[self.past.len().saturating_sub(days)..]
    }

    fn passes(&self, leavers: u64) -> bool {
        let numbers = Numbers {
            known: self.known,
            rows: self.known - leavers,
            leavers,
            past: Past {
                left: self.window().iter().map(|night| night.0).sum(),
                ..Past::default()
            },
            ..Numbers::default()
        };
        judged(&self.guards, &numbers).is_empty()
    }

    fn end(&mut self, left: u64, joined: u64) {
        self.past.push((left, joined));
        self.known = self.known - left + joined;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exactly_what_is_within_its_limit_passes(limits in limits(), numbers in numbers()) {
        let guards = guards_of(limits);
        let [max_leavers, max_creates, max_updates, max_identities, max_lost] = limits;
        let held = judged(&guards, &numbers);
        let holds = |kind| of_kind(&held, kind).is_some();
        let Numbers { known, new, changed, leavers, identities, past, .. } = numbers;
        let within = |days: Option<u32>, past: u64| days.map_or(0, |_| past);

        let left = within(max_leavers.days, past.left);
        let are_too_many = leavers + left > max_leavers.most(known + left, 5);
        let are_leavers_held = leavers > 0 && (are_too_many || numbers.unidentified > 0);

        let updated = within(max_updates.days, past.updated);
        let are_too_many = changed + updated > max_updates.most(known, 5);
        let knew = known - numbers.unfinished;
        prop_assert_eq!(holds(HoldKind::Updates), changed > 0 && knew >= 100 && are_too_many);

        // Those whose key was replaced are known, too.
        let base = match (known + numbers.relinked).max(numbers.there) {
            0 => numbers.rows,
            people => people,
        };
        let are_too_many = identities > max_identities.most(base, 5);
        prop_assert_eq!(holds(HoldKind::Identities), identities > 0 && are_too_many);
        prop_assert_eq!(holds(HoldKind::Renumbered), numbers.renumbered > 0);
        let mistaken = identities.max(numbers.renumbered).max(numbers.refused_identities);
        let is_in_doubt = mistaken > max_identities.most(base, 5).max(5);
        prop_assert_eq!(
            holds(HoldKind::Leavers),
            are_leavers_held || leavers > 0 && is_in_doubt
        );

        let is_first_load_over = known >= past.created + 100;
        let created = within(max_creates.days, past.created * u64::from(is_first_load_over));
        let created = created.max(numbers.unfinished);
        let are_too_many = new + created > max_creates.most(knew, 50) && knew >= 100;
        let half = known / 2;
        let may_all_be_new = max_creates.is_share && max_creates.number >= 100;
        let is_other_population =
            known > 5 && numbers.present <= half && 2 * new > numbers.rows && new > half.min(50)
                || are_leavers_held && new > half.min(5) && leavers > half.min(5)
                    && 10 * new >= 8 * leavers;
        let are_others = is_other_population && !may_all_be_new
            || numbers.new_under_other_keys + numbers.new_of_others > 0
            || is_in_doubt
            || numbers.waiting.new > 0 && 10 * numbers.waiting.new >= 8 * numbers.waiting.people;
        prop_assert_eq!(holds(HoldKind::Creates), new > 0 && (are_too_many || are_others));

        let expected = changed > max_lost.most(known, 5) && changed > 0;
        prop_assert_eq!(lost(&guards, changed, known).is_some(), expected);
    }

    #[test]
    fn more_changes_of_a_kind_never_lift_its_hold(
        limits in limits(), numbers in numbers(), more in 1_u64..500,
    ) {
        let guards = guards_of(limits);
        let before = judged(&guards, &numbers);
        let more_of = |kind| {
            let mut numbers = numbers;
            match kind {
                HoldKind::Leavers => numbers.leavers += more,
                HoldKind::Creates => {
                    numbers.new += more;
                    // Where nobody is known, a limit is of the rows.
                    if numbers.known.max(numbers.there) > 0 {
                        numbers.rows += more;
                    }
                }
                HoldKind::Updates => numbers.changed += more,
                HoldKind::Renumbered => numbers.renumbered += more,
                HoldKind::Identities => {
                    numbers.identities += more;
                    numbers.identity_changes += more;
                }
                HoldKind::Lost => {}
            }
            numbers
        };
        for held in &before {
            let after = judged(&guards, &more_of(held.kind));
            let again = of_kind(&after, held.kind);
            prop_assert!(again.is_some_and(|again| again.people >= held.people), "{held:?}");
        }
        if let Some(held) = lost(&guards, numbers.new, numbers.known) {
            let more = lost(&guards, held.people + more, numbers.known);
            prop_assert!(more.is_some());
        }
    }

    #[test]
    fn what_a_hold_says_to_type_lets_through_what_it_shows_and_no_more(
        limits in limits(), numbers in numbers(),
    ) {
        let guards = guards_of(limits);
        for held in judged(&guards, &numbers) {
            prop_assert!(held.people > 0 && !held.why.is_empty() && !held.bound.is_empty());
            let typed: Allowed = [held.allow().to_string().parse().unwrap()].into_iter().collect();
            let after = judge(&guards, &typed, Leavers::Delete, &numbers);
            prop_assert_eq!(of_kind(&after, held.kind), None);
            let fewer: Allowed = [Allow::Held(held.kind, held.people - 1)].into_iter().collect();
            let after = judge(&guards, &fewer, Leavers::Delete, &numbers);
            prop_assert_eq!(of_kind(&after, held.kind), Some(&held));
        }
    }

    #[test]
    fn no_sequence_of_nights_lets_more_leave_within_the_days_than_the_limit(
        limit in whole(), days in 1_u32..10, known in 1_u64..400,
        nights in proptest::collection::vec((0.0..1.0_f64, 0_u64..30), 1..40),
    ) {
        let limit = Whole { days: Some(days), ..limit };
        let guards = Guards { max_leavers: limit.limit(), ..Guards::default() };
        let mut world = Nights { guards, known, past: Vec::new() };
        let mut known_by_night = Vec::new();
        for (share, joined) in nights {
            known_by_night.push(world.known);
            // Mostly a few, sometimes many.
            let wanted = part(share.powi(4), world.known);
            let left = if world.passes(wanted) { wanted } else { 0 };
            world.end(left, joined);
            let first = world.past.len().saturating_sub(days as usize);
            let window = &world.past[first..];
            let gone: u64 = window.iter().map(|night| night.0).sum();
            let joiners: u64 = window[..window.len() - 1].iter().map(|night| night.1).sum();
            // Who was there at the start, and who came meanwhile.
            let base = known_by_night[first] + joiners;
            let most = limit.most(base, 5);
            prop_assert!(left == 0 || gone <= most, "{gone} of {base}, at most {most}");
        }
    }

    #[test]
    fn no_organization_is_emptied_by_the_floor_and_none_of_two_is_stopped_by_one(
        known in 1_u64..150, percent in 1_u64..=50, days in prop_oneof![Just(None), Just(Some(7))],
    ) {
        let limit = Whole { is_share: true, number: percent, days };
        let guards = Guards { max_leavers: limit.limit(), ..Guards::default() };
        let mut world = Nights { guards, known, past: Vec::new() };
        prop_assert_eq!(world.passes(1), known > 1);
        for night in 0..60 {
            // As many as may.
            let left = (0..=world.known).rev().find(|leavers| world.passes(*leavers)).unwrap();
            prop_assert!(2 * left <= world.known, "{left} of {} in one night", world.known);
            world.end(left, 0);
            prop_assert!(world.known > 0);
            if days.is_some() && night < 7 {
                prop_assert!(2 * world.known >= known, "{} of {known} in a week", world.known);
            }
        }
    }

    #[test]
    fn a_feed_is_sick_exactly_beyond_its_limits_and_a_worse_one_is_sick_too(
        [max_rejected, max_shrink, max_emptied] in [whole(), whole(), whole()],
        (min_rows, is_written) in (0_u64..30, any::<bool>()),
        (rows, wrong, filled) in (0_u64..400, 0.0..=1.0_f64, 0.0..=1.0_f64),
        before in (0_u64..400, 0.0..=1.0_f64),
    ) {
        let max_emptied = Whole { is_share: true, ..max_emptied };
        let guards = Guards {
            min_rows,
            is_max_rejected_written: is_written,
            max_rejected: Whole { days: None, ..max_rejected }.limit(),
            max_shrink: Whole { days: None, ..max_shrink }.limit(),
            max_emptied: Whole { days: None, ..max_emptied }.limit(),
            ..Guards::default()
        };
        let (rejected, filled) = (part(wrong, rows), part(filled, rows));
        let (rows_before, filled_before) = (before.0, part(before.1, before.0));
        let before = [departments(rows_before, filled_before)];
        let judged = |rows, rejected, filled| {
            let now = departments(rows, filled);
            feed(&guards, &Allowed::default(), &facts(rows, rejected, &now, &before))
        };
        let sick = judged(rows, rejected, filled);
        let is = |needed: Allow| sick.iter().any(|sick| sick.allow == needed);

        prop_assert_eq!(is(Allow::Rows(rows)), rows < min_rows);
        let floor = |limit: Whole, floor| if limit.is_share && limit.number > 0 { floor } else { 0 };
        let most = max_rejected.most(rows, 0).max(floor(max_rejected, 10));
        let is_mostly_wrong = !is_written && rejected > 5 && 2 * rejected > rows;
        prop_assert_eq!(is(Allow::Rejected(rejected)), rejected > most || is_mostly_wrong);
        let missing = rows_before.saturating_sub(rows);
        prop_assert_eq!(is(Allow::Shrink(missing)), missing > max_shrink.most(rows_before, 5));
        let expected = (filled_before * rows).checked_div(rows_before).unwrap_or(0).min(filled_before);
        let most = max_emptied.most(expected, 0).max(floor(max_emptied, (rows / 2).clamp(2, 5)));
        prop_assert_eq!(
            is(Allow::emptied("Department")), expected.saturating_sub(filled) > most
        );

        let is_worse = |worse: Vec<Sick>| {
            let same = |one: &Allow, other: &Allow| {
                std::mem::discriminant(one) == std::mem::discriminant(other)
            };
            sick.iter().all(|sick| worse.iter().any(|worse| same(&worse.allow, &sick.allow)))
        };
        if rejected < rows {
            prop_assert!(is_worse(judged(rows, rejected + 1, filled)));
        }
        if filled > 0 {
            prop_assert!(is_worse(judged(rows, rejected, filled - 1)));
        }

        let typed = sick.iter().map(|sick| sick.allow.to_string().parse().unwrap()).collect();
        let now = departments(rows, filled);
        prop_assert_eq!(feed(&guards, &typed, &facts(rows, rejected, &now, &before)), []);
    }

    #[test]
    fn no_figure_is_too_large(numbers in any::<[u64; 17]>(), known in any::<u64>(), rows in any::<u64>()) {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q] = numbers;
        let numbers = Numbers {
            known, rows, present: c, there: q, unfinished: d, unidentified: a, new: b, marked: 0, with_time: 0, kind: FeedKind::Full, is_way_back: false, new_under_other_keys: c,
            new_of_others: p, relinked: q, changed: d, new_mailed: a, changed_mailed: b, changed_closed: 0, leavers: e,
            identities: f, identity_changes: g, renumbered: h, refused_identities: o,
            past: Past { created: i, updated: j, left: k }, waiting: Waiting { people: l, new: m },
        };
        let guards = Guards { max_creates: limit("25% in 7 days"), ..Guards::default() };
        let _held = judged(&guards, &numbers);
        let _held = lost(&guards, n, known);
        let (now, before) = (departments(rows, a), [departments(b, c), departments(d, e)]);
        let _sick = feed(&guards, &Allowed::default(), &facts(rows, f, &now, &before));
    }
}

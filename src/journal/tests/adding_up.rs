//! Whatever is written, and wherever the log is cut: the counts add up to the
//! rows, and what is there is what had been written up to some moment.

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;

use super::*;

const ROWS: u64 = 40;
const UNCHANGED: u64 = 10;

#[derive(Clone, Debug)]
enum Step {
    Intend(Vec<u32>),
    IntendLeaver(u32),
    Settle(u32, Outcome),
    SettleLeaver(u32, Outcome),
    NotSent(u32),
    NotSentLeaver(u32),
    Flush,
}

/// Row or leaver, and its outcome; none while it is only intended.
type Model = BTreeMap<(bool, u32), Option<Outcome>>;

fn step() -> impl Strategy<Value = Step> {
    let row = 1..=30_u32;
    let outcome = prop::sample::select(vec![
        Outcome::Created,
        Outcome::Updated,
        Outcome::Unchanged,
        Outcome::Rejected,
        Outcome::Failed,
        Outcome::Unknown,
        Outcome::Pending,
        Outcome::Held,
    ]);
    let leaving = prop::sample::select(vec![
        Outcome::Deactivated,
        Outcome::Deleted,
        Outcome::Failed,
        Outcome::Unknown,
        Outcome::Held,
    ]);
    prop_oneof![
        3 => prop::collection::vec(row.clone(), 1..5).prop_map(Step::Intend),
        1 => row.clone().prop_map(Step::IntendLeaver),
        5 => (row.clone(), outcome).prop_map(|(row, it)| Step::Settle(row, it)),
        1 => (row.clone(), leaving).prop_map(|(who, it)| Step::SettleLeaver(who, it)),
        1 => row.clone().prop_map(Step::NotSent),
        1 => row.prop_map(Step::NotSentLeaver),
        2 => Just(Step::Flush),
    ]
}

/// Does a step in the journal and in the model; true if it was waited for.
fn take(world: &World, run: RunId, model: &mut Model, step: &Step) -> bool {
    let take_back = |model: &mut Model, key| {
        if model.get(&key) == Some(&None) {
            model.remove(&key);
        }
    };
    match step {
        Step::Intend(rows) => {
            world.intend(run, rows.iter().copied());
            model.extend(rows.iter().map(|&row| ((false, row), None)));
            return true;
        }
        &Step::IntendLeaver(who) => {
            let commit = world.writer.intend(run, vec![leaver_intent(who)]);
            commit.wait_blocking().unwrap();
            model.insert((true, who), None);
            return true;
        }
        &Step::Settle(row, Outcome::Pending) => {
            world.settle(run, settled(row, Outcome::Pending));
            model.remove(&(false, row));
        }
        &Step::Settle(row, outcome) => {
            let person = created(row).person;
            world.settle(
                run,
                Settled {
                    person: person.filter(|_| outcome == Outcome::Created),
                    ..settled(row, outcome)
                },
            );
            model.insert((false, row), Some(outcome));
        }
        &Step::SettleLeaver(who, outcome) => {
            world.settle(run, leaver(who, outcome));
            model.insert((true, who), Some(outcome));
        }
        &Step::NotSent(row) => {
            let row_number = Some(RowNumber::new(row));
            world.writer.not_sent(run, row_number, &id(row)).unwrap();
            take_back(model, (false, row));
        }
        &Step::NotSentLeaver(who) => {
            world.writer.not_sent(run, None, &id(who)).unwrap();
            take_back(model, (true, who));
        }
        Step::Flush => {
            world.flush();
            return true;
        }
    }
    false
}

/// What a reader sees of a model.
fn shown(model: &Model) -> BTreeMap<(bool, u32), Outcome> {
    let show = |outcome: &Option<Outcome>| outcome.unwrap_or(Outcome::Unknown);
    model.iter().map(|(key, it)| (*key, show(it))).collect()
}

fn number(external_id: &str) -> u32 {
    external_id.trim_start_matches('E').parse().unwrap()
}

fn read(journal: &Journal, run: RunId) -> BTreeMap<(bool, u32), Outcome> {
    rows_of(journal, run)
        .into_iter()
        .map(|it| {
            let who = number(&it.external_id.unwrap());
            ((it.row.is_none(), who), it.outcome)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_cut_at_any_byte_of_the_log_leaves_some_moment_of_the_run(
        steps in prop::collection::vec(step(), 1..60),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 8),
    ) {
        let world = World::new();
        let run = world.start(ROWS);
        let unchanged = RunChange { unchanged: Some(UNCHANGED), ..RunChange::default() };
        world.writer.update_run(run, unchanged).unwrap();
        let log = world.folder.path().join("journal.db-wal");
        let length = || fs::metadata(&log).unwrap().len();

        // The model after each step, and which of them the disk was known to
        // hold at which length of the log.
        let mut models = vec![Model::new()];
        let mut acknowledged = vec![(length(), 0)];
        for step in &steps {
            let mut model = models.last().unwrap().clone();
            let waited = take(&world, run, &mut model, step);
            models.push(model);
            if waited {
                acknowledged.push((length(), models.len() - 1));
            }
        }
        world.flush();
        acknowledged.push((length(), models.len() - 1));

        let shown: Vec<_> = models.iter().map(shown).collect();
        prop_assert_eq!(&read(&world.journal, run), shown.last().unwrap());
        let whole = fs::read(&log).unwrap();
        for cut in cuts.iter().map(|cut| cut.index(whole.len() + 1)) {
            let copy = tempfile::tempdir().unwrap();
            let path = copy.path().join("journal.db");
            fs::copy(world.path(), &path).unwrap();
            fs::write(copy.path().join("journal.db-wal"), &whole[..cut]).unwrap();
            let journal = Journal::open(&path).unwrap();
            let known = acknowledged.iter().filter(|it| it.0 <= cut as u64).map(|it| it.1).max();
            let Some(found) = journal.run(RunRef::Id(run)).unwrap() else {
                prop_assert_eq!(known, None, "the run is gone");
                continue;
            };
            // A moment before the rows were known holds none of them.
            let rows = if known.is_some() { ROWS } else { found.rows.unwrap_or(0) };
            prop_assert_eq!(found.counts.rows(), rows);
            let rows = read(&journal, run);
            let since = &shown[known.unwrap_or(0)..];
            prop_assert!(since.contains(&rows), "no moment of the run: {:?}", rows);
            // Who was created is known.
            let people: Vec<_> = people(&journal).iter().map(|it| number(&it.0)).collect();
            for (&(_, row), _) in rows.iter().filter(|it| *it.1 == Outcome::Created) {
                prop_assert!(people.contains(&row));
            }
        }
    }
}

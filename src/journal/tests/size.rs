//! How large the journal is.

use super::*;
use crate::model::{PersonFingerprints, pack};

/// Random bytes, the same for the same person.
fn random<const N: usize>(seed: u64) -> [u8; N] {
    let mut random = fastrand::Rng::with_seed(seed);
    std::array::from_fn(|_| random.u8(..))
}

/// The fingerprints of twelve fields, two of which identify the person.
fn fingerprints(row: u32) -> PersonFingerprints {
    let seed = |number: u16| u64::from(row) * 100 + u64::from(number);
    let fields: Vec<_> = (0..12)
        .map(|number| (number * 3, random(seed(number))))
        .collect();
    let identity = [2, 5].map(|number| (number, random(seed(number) + 50)));
    PersonFingerprints {
        fields: pack::<8>(&fields),
        identity: pack::<16>(&identity),
    }
}

fn external_id(row: u32) -> String {
    format!("ID10-{row:07}")
}

fn person(row: u32) -> Settled {
    let mut settled = created(row);
    settled.external_id = Some(ExternalId::known(&external_id(row)));
    if let Some(person) = &mut settled.person {
        person.remote_id = Some((1_000_000 + row).to_string());
        person.fingerprint = Some(u128::from_le_bytes(random(u64::from(row))));
        person.fingerprints = Some(fingerprints(row));
    }
    settled
}

/// The bytes of the file for each of so many people, once the writer is done.
fn bytes_for_each(world: World, people: u32) -> u64 {
    let path = world.path();
    let World {
        folder,
        journal,
        writer,
    } = world;
    drop(writer);
    journal
        .conn
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    assert_eq!(super::people(&journal).len(), people as usize);
    drop(journal);
    let size = std::fs::metadata(&path).unwrap().len();
    drop(folder);
    size / u64::from(people)
}

/// A first load, and the first night after an upgrade, in the order of no list.
fn measure(people: u32) -> (u64, u64) {
    let mut order: Vec<u32> = (1..=people).collect();
    fastrand::Rng::with_seed(7).shuffle(&mut order);
    let world = World::new();
    let run = world.start(people.into());
    for &row in &order {
        world.settle(run, person(row));
    }
    let loaded = bytes_for_each(world, people);

    let world = World::new();
    let run = world.start(people.into());
    for &row in &order {
        let mut settled = person(row);
        settled.person.as_mut().unwrap().fingerprints = None;
        world.settle(run, settled);
    }
    // The night after: another writer.
    let World {
        folder,
        journal,
        writer,
    } = world;
    drop(writer);
    let writer = journal.again().unwrap().writer().unwrap();
    for some in order.chunks(1_000) {
        let refreshed = some.iter().map(|&row| Refreshed {
            external_id: external_id(row),
            fingerprint: u128::from_le_bytes(random(u64::from(row) + 1)),
            details: None,
            picture: None,
            fingerprints: fingerprints(row),
        });
        let commit = writer.fingerprints(&scope(), refreshed.collect());
        commit.wait_blocking().unwrap();
    }
    let world = World {
        folder,
        journal,
        writer,
    };
    (loaded, bytes_for_each(world, people))
}

#[test]
fn a_person_of_twelve_fields_takes_at_most_250_bytes() {
    // 250 with 10,000 people, of which the empty tables take a dozen.
    let (loaded, upgraded) = measure(20_000);
    assert!(loaded <= 247 && upgraded <= 247, "{loaded}, {upgraded}");
}

/// Run with `--ignored --nocapture`, it shows the figures.
#[test]
#[ignore = "measures"]
#[expect(clippy::print_stdout, reason = "a person reads the figures")]
fn a_hundred_thousand_people_take_at_most_250_bytes_each() {
    let (loaded, upgraded) = measure(100_000);
    println!("{loaded} bytes after a first load, {upgraded} after an upgrade");
    assert!(loaded <= 250 && upgraded <= 250, "{loaded}, {upgraded}");
}

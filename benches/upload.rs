//! Sending people, journal included, against a plain loop of the same requests
//! at the same number in flight; the server is the sandbox on loopback.
//! `cargo bench --bench upload`.
#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot run must say so at once"
)]

mod support;

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hrfeed::clock::{self, Clock};
use hrfeed::event::NoListener;
use hrfeed::feed::{Feed, FeedOptions, FeedSource};
use hrfeed::run::{RunRequest, execute};
use hrfeed::sandbox::{Sandbox, SandboxOptions};
use hrfeed::upload::{Credentials, Secret, Stop};

const PEOPLE: u64 = 20_000;
const IN_FLIGHT: usize = 32;

/// One whole import into an empty LMS with an empty journal.
fn import() -> Duration {
    let path = support::csv(PEOPLE);
    let sandbox = Sandbox::start(SandboxOptions::default()).unwrap();
    let mapping = support::mapping(
        &sandbox.base_url(),
        100_000,
        u32::try_from(IN_FLIGHT).unwrap(),
    );
    let folder = tempfile::tempdir().unwrap();
    let secret = || Secret::new("bench".into());
    let begun = clock::monotonic();
    let result = execute(RunRequest {
        mapping: &mapping,
        settings: mapping.target.clone(),
        credentials: Credentials {
            key: secret(),
            secret: Some(secret()),
        },
        feed: Feed::open(&FeedSource::Path(path), &FeedOptions::default()).unwrap(),
        journal: folder.path().join("journal.db"),
        resumed: None,
        verify: None,
        replaces_key: false,
        known_as: None,
        kept: None,
        undo_key: None,
        way_back: None,
        by: "bench".into(),
        allowed: hrfeed::plan::Allowed::default(),
        wait: std::time::Duration::ZERO,
        stop: Stop::default(),
        clock: Clock::system(),
        listener: &mut NoListener,
    })
    .unwrap();
    let took = begun.elapsed();
    assert_eq!(result.run.counts.created, PEOPLE);
    took
}

/// The same requests, and nothing else.
fn requests() -> Duration {
    let sandbox = Sandbox::start(SandboxOptions::default()).unwrap();
    let url = format!("{}/api/v2/users/", sandbox.base_url());
    let bodies: Vec<String> = (0..PEOPLE)
        .map(|number| {
            let cells = support::row(number);
            serde_json::json!({
                "externalId": cells[0], "firstName": cells[1], "lastName": cells[2], "email": cells[3],
                "loginName": cells[4], "address": cells[5], "city": cells[6], "state": cells[7], "zip": cells[8],
                "country": cells[9], "expirationDate": "2026-11-21",
            })
            .to_string()
        })
        .collect();
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let begun = clock::monotonic();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut flying = tokio::task::JoinSet::new();
        let mut bodies = bodies.into_iter();
        loop {
            while flying.len() < IN_FLIGHT
                && let Some(body) = bodies.next()
            {
                let request = client
                    .post(&url)
                    .header("x-api-key", "bench")
                    .header("x-api-secret", "bench")
                    .header("content-type", "application/json")
                    .body(body);
                flying.spawn(async move {
                    let reply = request.send().await.unwrap();
                    assert_eq!(reply.status(), 201);
                    reply.bytes().await.unwrap()
                });
            }
            if flying.join_next().await.is_none() {
                break;
            }
        }
    });
    begun.elapsed()
}

fn upload(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(format!("upload {PEOPLE}"));
    group
        .sample_size(10)
        .throughput(Throughput::Elements(PEOPLE));
    group.bench_function("requests alone", |bencher| {
        bencher.iter_custom(|times| (0..times).map(|_| requests()).sum());
    });
    group.bench_function("import", |bencher| {
        bencher.iter_custom(|times| (0..times).map(|_| import()).sum());
    });
    group.finish();
}

criterion_group!(benches, upload);
criterion_main!(benches);

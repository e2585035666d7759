//! A run that is driven as a library: no process, no terminal.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::fs;
use std::path::PathBuf;

use hrfeed::clock::Clock;
use hrfeed::event::{Event, Listener, NoListener};
use hrfeed::feed::{Feed, FeedSource};
use hrfeed::mapping::Mapping;
use hrfeed::model::{Counts, Exit, RunState};
use hrfeed::run::{self, RunEnd, RunError, RunRequest};
use hrfeed::sandbox::{Sandbox, SandboxOptions};
use hrfeed::upload::{Credentials, Secret, Stop};
use tempfile::TempDir;

struct World {
    folder: TempDir,
    sandbox: Sandbox,
}

impl World {
    fn new() -> Self {
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
            sandbox: Sandbox::start(SandboxOptions::default()).unwrap(),
        };
        let mapping = format!(
            r#"[target]
system = "kmi"
base_url = "{}"
api_key = {{ env = "UNUSED" }}
api_secret = {{ env = "UNUSED" }}
requests_per_second = 500

[fields]
externalId = "ID"
email = "Mail"
firstName = "First"
lastName = "Last"
loginName = "Login"

[leavers]
action = "delete"
"#,
            world.sandbox.base_url()
        );
        fs::write(world.path("mapping.toml"), mapping).unwrap();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a feed of these people.
    fn feed(&self, people: &[u32]) {
        let mut csv = vec!["ID,Mail,First,Last,Login".to_owned()];
        csv.extend(
            people
                .iter()
                .map(|number| format!("E{number},p{number}@example.com,Ann,Other,login{number}")),
        );
        fs::write(self.path("people.csv"), csv.join("\n")).unwrap();
    }

    fn mapping(&self) -> Mapping {
        Mapping::load(&self.path("mapping.toml")).unwrap()
    }

    fn request<'a>(&self, mapping: &'a Mapping, listener: &'a mut dyn Listener) -> RunRequest<'a> {
        let source = FeedSource::Path(self.path("people.csv"));
        RunRequest {
            settings: mapping.target.clone(),
            credentials: Credentials {
                key: Secret::new("key".into()),
                secret: Some(Secret::new("secret".into())),
            },
            feed: Feed::open(&source, &mapping.source).unwrap(),
            journal: self.path("journal.db"),
            resumed: None,
            verify: None,
            allowed: hrfeed::plan::Allowed::default(),
            replaces_key: false,
            known_as: None,
            kept: None,
            undo_key: None,
            way_back: None,
            by: "ann@host".into(),
            wait: std::time::Duration::ZERO,
            stop: Stop::default(),
            clock: Clock::system(),
            mapping,
            listener,
        }
    }

    fn import(&self) -> run::RunResult {
        let mapping = self.mapping();
        run::execute(self.request(&mapping, &mut NoListener)).unwrap()
    }

    fn plan(&self) -> Counts {
        let mapping = self.mapping();
        let mut listener = NoListener;
        let planned = run::plan(self.request(&mapping, &mut listener)).unwrap();
        planned.prepared.plan.counts
    }
}

#[test]
fn a_library_user_plans_and_drives_a_whole_run_without_a_process() {
    let world = World::new();
    world.feed(&[1, 2, 3, 4]);
    assert_eq!(world.plan().created, 4);
    assert!(!world.path("journal.db").exists(), "a plan writes nothing");

    let result = world.import();
    assert!(matches!(result.end, RunEnd::Finished { refused: 0 }));
    assert_eq!(
        result.end.state_and_exit(),
        (RunState::Finished, Exit::Done)
    );
    assert_eq!(
        (result.run.state, result.run.counts.created),
        (RunState::Finished, 4)
    );

    world.feed(&[2, 3, 4, 5]);
    let plan = world.plan();
    assert_eq!((plan.created, plan.unchanged, plan.deleted), (1, 3, 1));
    let result = world.import();
    assert_eq!(
        (result.run.counts.created, result.run.counts.unchanged),
        (1, 3)
    );
    assert_eq!(result.run.leavers.deleted, 1);
}

#[test]
fn a_listener_hears_the_stages_in_order_and_can_stop_the_run() {
    /// Asks the run to stop when the first write is about to go out.
    struct Stopper {
        stop: Stop,
        events: Vec<&'static str>,
    }
    impl Listener for Stopper {
        fn on_event(&mut self, event: &Event<'_>) {
            let name = match event {
                Event::ReadStarted { .. } => "read",
                Event::SurveyStarted { .. } => "survey",
                Event::Planned { .. } => "planned",
                Event::SendStarted { .. } => {
                    self.stop.request();
                    "send"
                }
                Event::Finished => "finished",
                _ => return,
            };
            self.events.push(name);
        }
    }

    let world = World::new();
    world.feed(&[1, 2]);
    let mapping = world.mapping();
    let mut stopper = Stopper {
        stop: Stop::default(),
        events: Vec::new(),
    };
    let stop = stopper.stop.clone();
    let mut request = world.request(&mapping, &mut stopper);
    request.stop = stop;
    let result = run::execute(request).unwrap();
    assert!(matches!(
        result.end,
        RunEnd::Interrupted(RunError::Halted(_))
    ));
    assert_eq!(result.run.state, RunState::Interrupted);
    assert_eq!(result.run.counts.pending, 2);
    assert_eq!(
        stopper.events,
        ["read", "survey", "planned", "send", "finished"]
    );

    // And the next one goes on.
    let mut listener = NoListener;
    let mut request = world.request(&mapping, &mut listener);
    request.resumed = Some(result.run);
    let result = run::execute(request).unwrap();
    assert_eq!(result.run.counts.created, 2);
    assert_eq!(result.run.resumed, 1);
}

#[test]
fn a_run_that_cannot_begin_is_an_error_and_leaves_no_run() {
    let world = World::new();
    world.feed(&[1]);
    let result = world.import();
    let mapping = world.mapping();
    let mut listener = NoListener;
    let mut request = world.request(&mapping, &mut listener);
    request.resumed = Some(result.run);
    let error = run::execute(request).unwrap_err();
    assert!(matches!(error, RunError::HasFinished(_)), "{error}");
    assert_eq!(result.journal.runs(10).unwrap().len(), 1);
}

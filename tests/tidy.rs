//! The walls between the modules. Each has a reason; who finds it in the way
//! should know it before taking the wall down. With them: how long functions
//! are, which words are used, and what the pages say.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "tidy/map.rs"]
mod map;
#[path = "tidy/pages.rs"]
mod pages;
#[path = "tidy/sizes.rs"]
mod sizes;
#[path = "tidy/words.rs"]
mod words;
#[path = "tidy/sources.rs"]
mod sources;

use sources::{Source, names, sources};

/// What some files must not name, and why.
struct Wall {
    /// Prefixes of paths below `src`.
    of: &'static [&'static str],
    /// Below these it is allowed.
    but: &'static [&'static str],
    /// Words that must not be there: names, or paths as they are in full.
    never: &'static [&'static str],
    because: &'static str,
}

const WALLS: &[Wall] = &[
    Wall {
        of: &["targets/"],
        but: &[],
        never: &[
            "crate::journal",
            "crate::upload",
            "crate::report",
            "crate::feed",
            "crate::event",
            "crate::clock",
            "reqwest",
            "std::time",
            "tokio",
        ],
        because: "a target translates and nothing else, so that it can be tested with byte strings",
    },
    Wall {
        of: &[
            "feed/",
            "mapping/",
            "validate/",
            "plan/",
            "model/",
            "schema/",
            "suggest/",
            "retry.rs",
        ],
        but: &[],
        never: &[
            "reqwest",
            "rusqlite",
            "indicatif",
            "clap",
            "std::env",
            "tokio",
            "crate::clock",
        ],
        because: "the core must not fail on the outside world",
    },
    Wall {
        of: &["pickup/"],
        but: &[],
        never: &[
            "crate::feed",
            "crate::mapping",
            "crate::cli",
            "crate::journal",
        ],
        because: "which file it is must not depend on what is in it",
    },
    Wall {
        of: &["feed/"],
        but: &[],
        never: &[
            "crate::mapping",
            "crate::validate",
            "crate::plan",
            "crate::upload",
        ],
        because: "reading a file must not depend on what its rows are for",
    },
    Wall {
        of: &["mapping/"],
        but: &[],
        never: &[
            "crate::plan",
            "crate::upload",
            "crate::targets",
            "crate::journal",
        ],
        because: "what a row means must not depend on what is done with it",
    },
    Wall {
        of: &["suggest/"],
        but: &[],
        never: &[
            "crate::cli",
            "crate::plan",
            "crate::upload",
            "crate::targets",
            "crate::journal",
            "crate::event",
            "crate::sandbox",
            "crate::run",
            "std::fs",
            "std::io",
        ],
        because: "a first mapping is a text that follows from a feed, whoever asks for it",
    },
    Wall {
        of: &["validate/", "plan/"],
        but: &[],
        never: &[
            "crate::upload",
            "crate::targets",
            "crate::journal",
            "crate::report",
        ],
        because: "a plan is made of values, so that its rules are tables that a test enumerates",
    },
    Wall {
        of: &["journal/"],
        but: &[],
        never: &[
            "crate::targets",
            "crate::upload",
            "crate::report",
            "crate::feed",
            "reqwest",
        ],
        because: "the record must not depend on who is fed",
    },
    Wall {
        of: &["upload/"],
        but: &[],
        never: &[
            "crate::feed",
            "crate::mapping",
            "crate::validate",
            "crate::suggest",
            "crate::sandbox",
            "crate::run",
            "crate::report",
            "crate::cli",
            "rusqlite",
            "clap",
            "indicatif",
            "console",
            "std::env",
        ],
        because: "sending takes changes, wherever they come from and whoever follows them",
    },
    Wall {
        of: &["run/"],
        but: &[],
        never: &[
            "crate::cli",
            "crate::report",
            "crate::suggest",
            "crate::sandbox",
            "clap",
            "console",
            "indicatif",
            "std::io",
            "std::env",
            "reqwest",
            "rusqlite",
        ],
        because: "a run has no terminal: a library user drives one as a command does",
    },
    Wall {
        of: &["report/"],
        but: &[],
        never: &[
            "crate::journal",
            "crate::targets",
            "crate::upload",
            "rusqlite",
            "reqwest",
        ],
        because: "a sink gets events or rows, never a connection",
    },
    Wall {
        of: &["notify/"],
        but: &[],
        never: &[
            "crate::cli",
            "crate::feed",
            "crate::mapping",
            "crate::plan",
            "crate::upload",
            "crate::targets",
            "crate::journal",
            "crate::run",
            "crate::report",
            "std::env",
        ],
        because: "what other programs hear is a text that is handed in, so that nothing leaks on the way",
    },
    Wall {
        of: &[""],
        but: &["notify/program.rs"],
        never: &["process::Command"],
        because: "one file starts programs: with an end, and without the keys",
    },
    Wall {
        of: &["sandbox/"],
        but: &[],
        never: &[
            "crate::targets",
            "crate::schema",
            "crate::retry",
            "crate::model",
            "crate::upload",
        ],
        because: "what the sandbox shares with a target, they would get wrong together",
    },
    Wall {
        of: &["retry.rs", "schema/", "model/", "event.rs"],
        but: &[],
        never: &["crate::journal", "crate::upload", "tracing", "sleep"],
        because: "judging is not acting",
    },
    Wall {
        of: &[""],
        but: &["targets/"],
        never: &["System::Kmi", "System::ANewSpring"],
        because: "what differs between systems is asked of their specs, so that another is one more file",
    },
    Wall {
        of: &[""],
        but: &["sandbox/", "cli/"],
        never: &["crate::sandbox"],
        because: "only a command may start a sandbox, or the product would lean on it",
    },
    Wall {
        of: &[""],
        but: &["cli/", "main.rs"],
        never: &["crate::cli", "hrfeed::cli"],
        because: "the command line is the edge: nothing depends on it",
    },
    Wall {
        of: &[""],
        but: &[
            "upload/http.rs",
            // A feed of another machine, before a run begins.
            "pickup/remote/",
            // Whoever watches that the job runs: it gets no person and no key.
            "notify/ping.rs",
        ],
        never: &["reqwest", "opendal", "russh", "russh_sftp"],
        because: "one file opens sockets to an LMS, one folder those to whoever has a feed, one file those to a watcher",
    },
    Wall {
        of: &[""],
        but: &["journal/"],
        never: &["rusqlite"],
        because: "one module speaks SQL",
    },
    Wall {
        of: &[""],
        but: &["report/progress/"],
        never: &["indicatif"],
        because: "one module draws bars",
    },
    Wall {
        of: &[""],
        but: &["cli/"],
        never: &["clap::", "use clap", "clap_complete"],
        because: "arguments are the command line's affair",
    },
    Wall {
        of: &[""],
        but: &["cli/environment.rs"],
        never: &["env::var", "env::vars", "env::set_var"],
        because: "one file reads the environment, so that one can see what the program depends on",
    },
    Wall {
        of: &[""],
        but: &[],
        never: &["fs::read", "fs::read_to_string"],
        because: "files.rs reads what is read whole: bounded, and no device, or a file could take all memory",
    },
    Wall {
        of: &[""],
        but: &["clock.rs"],
        never: &[
            "Timestamp::now",
            "SystemTime::now",
            "Zoned::now",
            "SystemTime",
        ],
        because: "one file reads the clock, so that all else can be tested without it",
    },
    Wall {
        of: &[""],
        but: &[
            // `Retry-After` may be a date.
            "upload/engine.rs",
            // The rate that runs share: there is no other clock that all of them read alike.
            "upload/shared_rate.rs",
            // Since when a lock is held, for people.
            "journal/lock.rs",
            // The date of a record that is created without one.
            "sandbox/kmi/user.rs",
            // The date of an answer of an LMS whose clock is wrong.
            "sandbox/server.rs",
        ],
        never: &["clock::now", "clock::age"],
        because: "what is done must not depend on the date, and records get theirs from the run",
    },
    Wall {
        of: &[""],
        but: &["cli/"],
        never: &["Clock::system", "Clock::shifted"],
        because: "the clock is handed in, so that a year of runs can be simulated",
    },
    Wall {
        of: &["run/"],
        but: &[],
        never: &["clock::now"],
        because: "a run goes by the clock that is handed in",
    },
    Wall {
        of: &[""],
        but: &["clock.rs", "upload/"],
        never: &["Instant::now"],
        because: "one file reads the monotonic clock; sending has tokio's",
    },
    Wall {
        of: &["upload/"],
        but: &[],
        never: &["std::time::Instant", "clock::monotonic"],
        because: "sending reads tokio's clock alone, which a test can pause",
    },
    Wall {
        of: &[""],
        but: &[
            // The place: every pause and repetition of a run.
            "upload/engine.rs",
            // How a thread with nothing else to do waits: a request to stop ends it.
            "upload/stop.rs",
            // An LMS that is slow on demand.
            "sandbox/server.rs",
            // The lock of a file has no wait with an end: five looks in a tenth of a second.
            "journal/lock.rs",
            // The rows that a group commit waits for: some milliseconds, ended by anybody who waits.
            "journal/write.rs",
            // A thread of the pool that has nothing to work on looks again after a millisecond.
            "feed/pipeline.rs",
            // A feed that is not whole, before a run begins: it asks for a stop itself.
            "pickup/whole.rs",
            // Another machine that has the feed: every wait has an end, and a stop ends it.
            "pickup/remote/mod.rs",
            // The writer of a pipe, for seconds and before a run begins: a signal ends it.
            "files.rs",
            // Two attempts to ping, once a run is over or while it goes on.
            "notify/ping.rs",
            // The end of a command that hangs, once a run is over.
            "notify/program.rs",
        ],
        never: &[
            "sleep",
            "sleep_until",
            "sleep_ms",
            "park_timeout",
            "park_timeout_ms",
            "Condvar",
            "wait_timeout",
            "wait_timeout_ms",
            "wait_timeout_while",
            "recv_timeout",
            "recv_deadline",
            "send_timeout",
            "send_deadline",
            "select_timeout",
            "blocking_recv_timeout",
            "time::timeout",
            "time::timeout_at",
            "time::interval",
            "time::interval_at",
            "spin_loop",
        ],
        because: "one place waits, so that one place can be asked to stop",
    },
    Wall {
        of: &[""],
        but: &["cli/", "report/progress/"],
        never: &[
            "print!",
            "println!",
            "eprintln!",
            "process::exit",
            "stdout()",
            "stderr()",
        ],
        because: "only the edge talks to the terminal and ends the process",
    },
];

fn starts_with_one_of(name: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| name.starts_with(prefix))
}

#[test]
fn nothing_reaches_over_a_wall() {
    let sources = sources();
    let mut breaches = Vec::new();
    for wall in WALLS {
        let mut n_files = 0;
        for prefix in wall.of.iter().chain(wall.but) {
            assert!(
                sources.iter().any(|it| it.name.starts_with(prefix)),
                "no file is called src/{prefix}…: this wall is around nothing ({})",
                wall.because
            );
        }
        for source in sources {
            let name = &source.name;
            if !starts_with_one_of(name, wall.of)
                || starts_with_one_of(name, wall.but)
                || source.is_of_tests()
            {
                continue;
            }
            n_files += 1;
            for (number, line) in &source.code_lines {
                for word in wall.never.iter().filter(|word| names(line, word)) {
                    breaches.push(format!(
                        "src/{name}:{number}: `{word}`, but {}",
                        wall.because
                    ));
                }
            }
        }
        assert!(n_files > 0, "no file was checked: {}", wall.because);
    }
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn whoever_is_let_over_a_wall_goes_over_it() {
    // Or a permission outlives its reason, and the next one walks through.
    let sources = sources();
    let mut unused = Vec::new();
    for wall in WALLS {
        for but in wall.but {
            let is_used = sources.iter().any(|source| {
                let mut lines = source.code_lines.iter();
                source.name.starts_with(but)
                    && lines.any(|(_, line)| wall.never.iter().any(|word| names(line, word)))
            });
            if !is_used {
                unused.push(format!("src/{but}: {}", wall.because));
            }
        }
    }
    assert!(unused.is_empty(), "\n{}", unused.join("\n"));
}

#[test]
fn the_only_owner_of_a_side_effect_uses_it() {
    // Or the walls around the others would guard a name that nobody uses.
    let sources = sources();
    for (owner, word) in [
        ("upload/http.rs", "reqwest"),
        ("journal/", "rusqlite"),
        ("report/progress/", "indicatif"),
        ("cli/", "clap"),
        ("cli/environment.rs", "env::var"),
        ("clock.rs", "Timestamp::now"),
        ("clock.rs", "Instant::now"),
        ("upload/engine.rs", "time::sleep_until"),
        ("upload/", "tokio::time::Instant"),
    ] {
        assert!(
            sources.iter().any(|source| source.name.starts_with(owner)
                && (source.code_lines.iter()).any(|(_, line)| names(line, word))),
            "`{word}` is not in src/{owner}"
        );
    }
}

#[test]
fn every_system_has_a_target_that_passes_the_suite() {
    let sources = sources();
    let systems = sources.iter().filter_map(|source| {
        let system = source.name.strip_prefix("schema/")?.strip_suffix(".rs")?;
        (system != "mod").then_some(system)
    });
    let mut n_systems = 0;
    for system in systems {
        let files = [
            format!("targets/{system}.rs"),
            format!("targets/{system}/tests.rs"),
        ];
        assert!(
            sources.iter().any(|it| files.contains(&it.name)
                && it
                    .text
                    .lines()
                    .any(|line| line.trim().starts_with("suite!("))),
            "no `suite!` of targets/conformance.rs in src/{}",
            files.join(" or src/")
        );
        n_systems += 1;
    }
    assert!(n_systems >= 2, "only {n_systems} systems are found");
}

#[test]
fn no_file_is_too_long_to_be_about_one_thing() {
    for Source { name, text, .. } in sources() {
        let lines = text.lines().count();
        assert!(lines <= 600, "src/{name} has {lines} lines: split it");
    }
}

//! `hrfeed doctor`: what would be in the way of the next import. It changes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::SignedDuration;

use super::context::{Context, JOURNAL};
use super::environment::{self, FoundSecret};
use super::exit::{Exit, Failure};
use crate::clock::Clock;
use crate::files::{self, OddDisk};
use crate::journal::{Health, Journal, Scope, examine};
use crate::mapping::{Mapping, SecretSource};
use crate::model::Secret;
use crate::notify::Pinger;
use crate::report::{self, Checked, Checkup, TargetReport};
use crate::run::{RunEnd, RunError, absolute, connection, key_expiry, scope};
use crate::upload::{Credentials, Halt, Reach, reach};

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Also check this mapping, its keys, and whether its LMS can be used (one request)
    #[arg(short, long, value_name = "MAPPING")]
    mapping: Option<PathBuf>,
}

/// The least that should be free on a disk, in bytes: below the first, a night may still go
/// well.
const LITTLE_ROOM: u64 = 1 << 30;
const NO_ROOM: u64 = 64 << 20;

/// How far two clocks may differ.
const SKEW: SignedDuration = SignedDuration::from_mins(2);

pub(super) fn run(context: &Context, args: &DoctorArgs) -> Result<Exit, Failure> {
    let path = context.journal_path(JOURNAL)?;
    let (mut checks, health) = of_journal(&path);
    checks.extend(of_disks(&path, health.as_ref()));
    let loaded = args.mapping.as_deref().map(|path| load(context, path));
    let mut calls = 0;
    let mut target = None;
    match &loaded {
        None => checks.push(Checked::skipped(
            "mapping",
            "no mapping is named (`-m MAPPING`), so keys and LMS are not checked",
        )),
        Some(Err(checked)) => checks.push(checked.clone()),
        Some(Ok(mapping)) => {
            target = Some(TargetReport {
                system: mapping.target.system.word().to_owned(),
                base_url: mapping.target.base_url.as_str().to_owned(),
            });
            checks.push(Checked::ok(
                "mapping",
                format!("`{}` has no mistakes", mapping.path().display()),
            ));
            let credentials = of_keys(mapping, &mut checks);
            checks.extend(of_notify(mapping));
            if let Some(credentials) = credentials {
                let scope = scope(&mapping.target, &credentials);
                checks.extend(of_lock(&path, &scope));
                calls = 1;
                checks.extend(of_lms(mapping, &credentials));
            }
        }
    }
    let mut checkup = Checkup::new(absolute(&path), checks);
    checkup.target = target;
    checkup.mapping = args.mapping.as_deref().map(absolute);
    checkup.calls = calls;
    checkup.elapsed_seconds = (context.elapsed_seconds() * 1_000.0).round() / 1_000.0;
    let exit = checkup.exit();
    if context.json {
        context.print_object(&checkup, exit, checkup.message())?;
    } else if context.quiet {
        context.keep_back(&checkup.message());
    } else {
        context.print(&checkup.text(&context.out))?;
    }
    Ok(exit)
}

fn problem(check: &'static str, failure: Failure) -> Checked {
    Checked::problem(check, failure.exit, failure.what, failure.help)
}

/// Whether the journal can be read, is whole, and is its owner's alone.
fn of_journal(path: &Path) -> (Vec<Checked>, Option<Health>) {
    let name = format!("`{}`", path.display());
    let health = match examine(path) {
        Ok(Some(health)) => health,
        Ok(None) => {
            let said = format!("there is none yet at {name}: the first import creates it");
            return (vec![Checked::ok("journal", said), of_access(path)], None);
        }
        Err(error) => return (vec![problem("journal", error.into())], None),
    };
    let size = files::size(health.bytes);
    let mut said = format!("{name} has format {} and {size}", health.format);
    if health.is_older {
        said += ": the next import brings it up to date, and keeps a copy";
    }
    let is_whole = match health.damage.as_slice() {
        [] => Checked::ok("integrity", "every page and index of the journal is whole"),
        damage => {
            let help = "restore the file from a backup; without one, move the file away: the next \
                        run then asks the LMS who exists";
            let damage = format!("the journal is damaged: {}", damage.join("; "));
            Checked::problem("integrity", Exit::Machine, damage, Some(help.into()))
        }
    };
    let checks = vec![
        Checked::ok("journal", said),
        is_whole,
        of_access(path),
        of_mode(path),
    ];
    (checks, Some(health))
}

/// The nearest folder that is there: the first import creates the others.
fn folder_of(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut folders = path.ancestors().skip(1);
    let folder = folders.find(|folder| folder.is_dir());
    folder.unwrap_or(Path::new("/")).to_path_buf()
}

fn of_access(path: &Path) -> Checked {
    let folder = folder_of(path);
    let closed = [path, &folder]
        .into_iter()
        .find(|it| it.exists() && !files::may_write(it));
    match closed {
        None => Checked::ok("access", "the journal and its folder can be written"),
        Some(closed) => Checked::problem(
            "access",
            Exit::Machine,
            format!("`{}` cannot be written by this user", closed.display()),
            Some(
                "choose a path that you can write to with `--journal PATH`, or correct the \
                 permissions of the file and its folder"
                    .into(),
            ),
        ),
    }
}

fn of_mode(path: &Path) -> Checked {
    if !cfg!(unix) {
        return Checked::skipped(
            "permissions",
            "not checked on this system: a file takes the rights of its folder",
        );
    }
    match fs::metadata(path)
        .ok()
        .as_ref()
        .and_then(environment::others_can)
    {
        None => Checked::ok("permissions", "other users cannot read the journal"),
        Some(others) => Checked::warning(
            "permissions",
            format!(
                "the journal can be {others} by other users of this machine; it has external IDs \
                 and the secret of its fingerprints"
            ),
            format!("make it private: `chmod 600 {}`", path.display()),
        ),
    }
}

/// On what disks the journal and temporary files are, and how much is free there.
fn of_disks(path: &Path, health: Option<&Health>) -> Vec<Checked> {
    let folder = folder_of(path);
    let name = format!("`{}`", folder.display());
    let place = match files::odd_disk(&folder) {
        None if !cfg!(target_os = "linux") => Checked::skipped(
            "journal_disk",
            "which kind of disk it is is known on Linux only",
        ),
        None => Checked::ok("journal_disk", format!("{name} is on a local disk")),
        Some(OddDisk::Network(kind)) => Checked::warning(
            "journal_disk",
            format!("{name} may be on another machine ({kind})"),
            "keep the journal on a local disk: on a network disk, locks that keep two runs apart \
             may not hold, and a write may be lost",
        ),
        Some(OddDisk::Passing(kind)) => Checked::warning(
            "journal_disk",
            format!("{name} is in {kind}, and gone with that"),
            "put the journal into a folder that survives, such as a mounted volume",
        ),
    };
    // An upgrade and pruning write a second copy.
    let copy = health.map_or(0, |health| health.bytes);
    vec![
        place,
        of_room("journal_space", &folder, copy),
        of_room("temp_space", &tempfile::env::temp_dir(), copy),
    ]
}

fn of_room(check: &'static str, folder: &Path, copy: u64) -> Checked {
    let name = format!("`{}`", folder.display());
    let free = match files::free(folder) {
        Ok(free) => free,
        Err(error) => {
            let said = format!("the system does not say how much is free in {name}: {error}");
            return Checked::skipped(check, said);
        }
    };
    let said = format!("{} free in {name}", files::size(free));
    if free < NO_ROOM {
        let help = "free some disk space: a run that cannot record what it does stops";
        Checked::problem(check, Exit::Machine, said, Some(help.into()))
    } else if free < LITTLE_ROOM.max(copy) {
        let help = "free some disk space: runs and a second copy of the journal need it";
        Checked::warning(check, said, help)
    } else {
        Checked::ok(check, said)
    }
}

fn load(context: &Context, path: &Path) -> Result<Mapping, Checked> {
    let loaded = context.load_mapping(path);
    loaded.map_err(|failure| problem("mapping", failure))
}

/// Whether each secret that the mapping names is there, and private.
fn of_keys(mapping: &Mapping, checks: &mut Vec<Checked>) -> Option<Credentials> {
    let target = &mapping.target;
    let key = of_secret("api_key", &target.api_key, checks);
    let secret = (target.api_secret.as_ref()).map(|source| of_secret("api_secret", source, checks));
    let clock = Clock::system();
    match key_expiry(target, clock) {
        Some(said) => {
            let help = "ask the administrator of the LMS for a new key, and write its date into \
                        `api_key_expires`";
            checks.push(Checked::warning("key_expiry", said, help));
        }
        None if target.api_key_expires.is_none() => checks.push(Checked::skipped(
            "key_expiry",
            "the mapping does not say when the key expires (`api_key_expires`)",
        )),
        None => checks.push(Checked::ok("key_expiry", "not within two weeks")),
    }
    // Those of another machine that has the feed, and of messages.
    let others = mapping.remote.try_map(|what, source| {
        of_secret(what, source, checks);
        Ok::<_, Failure>(())
    });
    drop(others);
    if let Some(openpgp) = &mapping.openpgp {
        if let Some(key) = &openpgp.key {
            of_found("key", environment::found_key(key), checks);
        }
        if let Some(passphrase) = &openpgp.passphrase {
            of_secret("passphrase", passphrase, checks);
        }
    }
    Some(Credentials {
        key: key?,
        secret: match secret {
            Some(secret) => Some(secret?),
            None => None,
        },
    })
}

fn of_secret(
    what: &'static str,
    source: &SecretSource,
    checks: &mut Vec<Checked>,
) -> Option<Secret> {
    of_found(what, environment::found_secret(what, source), checks)
}

fn of_found(
    what: &'static str,
    found: Result<FoundSecret, Failure>,
    checks: &mut Vec<Checked>,
) -> Option<Secret> {
    match found {
        Err(failure) => {
            checks.push(problem(what, failure));
            None
        }
        Ok(found) => {
            checks.push(match &found.exposed {
                Some(exposed) => of_exposed(what, exposed),
                None => Checked::ok(what, format!("found in {}", found.place)),
            });
            Some(found.into_secret())
        }
    }
}

fn of_exposed(what: &'static str, exposed: &str) -> Checked {
    let (said, help) = exposed.split_once("; ").unwrap_or((exposed, ""));
    Checked::warning(what, said, help)
}

/// Whether those can be reached who are to hear of imports. Nothing is pinged or started.
fn of_notify(mapping: &Mapping) -> Vec<Checked> {
    let mut checks = Vec::new();
    let notify = &mapping.notify;
    if let Some(source) = &notify.url {
        // The run itself would go on.
        let failed = |why: String| {
            let help = "put the address that your watcher shows there: `url` in [notify]";
            Checked::warning("notify_url", why, help)
        };
        checks.push(match environment::found_secret("url", source) {
            Err(failure) => failed(failure.what),
            Ok(found) => {
                let exposed = found.exposed.clone();
                match (exposed, Pinger::new(&found.into_secret())) {
                    (_, Err(error)) => failed(format!("nothing can be pinged: {error}")),
                    (Some(exposed), Ok(_)) => of_exposed("notify_url", &exposed),
                    (None, Ok(_)) => {
                        Checked::ok("notify_url", "is an address; nothing was sent there")
                    }
                }
            }
        });
    }
    if let Some(program) = notify.command.first() {
        let path = Path::new(program);
        let name = path.display();
        checks.push(if path.components().count() < 2 {
            Checked::skipped(
                "notify_command",
                format!("`{name}` is looked up when it is started"),
            )
        } else if path.is_file() {
            Checked::ok("notify_command", format!("`{name}` is there"))
        } else {
            Checked::warning(
                "notify_command",
                format!("there is no program `{name}`"),
                "correct `command` in [notify]: a path starts at the folder of the mapping",
            )
        });
    }
    checks
}

/// Whether a run is under way.
fn of_lock(path: &Path, scope: &Scope) -> Option<Checked> {
    // What is wrong with the journal was said.
    let journal = Journal::open_existing(path).ok()??;
    Some(if journal.is_under_way(scope) {
        Checked::ok(
            "lock",
            "a run is using this LMS and key now; a second one would wait or end with 6",
        )
    } else {
        Checked::ok("lock", "no run is using this LMS and key")
    })
}

/// Whether the LMS answers, and what time it is there: one request.
fn of_lms(mapping: &Mapping, credentials: &Credentials) -> Vec<Checked> {
    let connection = connection(&mapping.target);
    let reached = match reach(&connection, credentials) {
        Ok(reached) => reached,
        Err(error) => return vec![problem("lms", RunEnd::from(RunError::from(error)).into())],
    };
    let now = Clock::system().now();
    let address = mapping.target.base_url.as_str();
    let lms = match &reached.problem {
        None => {
            let took = report::duration(reached.took.as_secs_f64());
            Checked::ok("lms", format!("{address} accepted the key ({took})"))
        }
        Some(halt) => {
            let exit = match halt {
                Halt::Fatal(_) => {
                    RunEnd::from(RunError::from(halt.clone()))
                        .state_and_exit()
                        .1
                }
                _ => Exit::Interrupted,
            };
            Checked::problem("lms", exit, format!("{address}: {halt}"), halt.help())
        }
    };
    vec![lms, of_clock(&reached, now)]
}

fn of_clock(reached: &Reach, now: jiff::Timestamp) -> Checked {
    let Some(date) = reached.date else {
        return Checked::skipped("clock", "the answer of the LMS has no date to compare with");
    };
    let ahead = now.duration_since(date);
    if ahead.abs() <= SKEW {
        return Checked::ok("clock", "this machine and the LMS agree on the time");
    }
    let by = report::duration(ahead.abs().as_secs_f64());
    let how = if ahead.is_negative() {
        "behind"
    } else {
        "ahead of"
    };
    Checked::warning(
        "clock",
        format!("this machine's clock is {by} {how} that of the LMS"),
        "set the clock of this machine, for example with a time service (NTP): certificates and \
         dates such as `today` depend on it",
    )
}

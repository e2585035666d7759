//! The units of systemd, as the package installs them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use crate::authority::authority;
use crate::confined::Confined;
use crate::debian::Installed;
use crate::support::Ran;
use crate::{feed, python, read, succeed, tool, world};

/// An installed package with the units that every system has.
fn system() -> Installed {
    let installed = Installed::new();
    let own = installed.path("usr/lib/systemd/system");
    let of_systemd = ["/usr/lib/systemd/system", "/lib/systemd/system"];
    let of_systemd = of_systemd.iter().find(|path| fs::exists(path).unwrap());
    succeed(
        tool("cp")
            .args(["-an", &format!("{}/.", of_systemd.unwrap())])
            .arg(own),
    );
    installed
}

/// The values of a key of the service, in order.
fn settings(key: &str) -> Vec<String> {
    let unit = read("packaging/systemd/hrfeed@.service");
    let settings = unit
        .lines()
        .filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    settings.map(|value| value.replace("%i", "acme")).collect()
}

/// Exit codes of the program that one of the keys lists.
fn codes(key: &str) -> BTreeSet<u8> {
    let codes = settings(key).join(" ");
    codes
        .split_whitespace()
        .map(|it| it.parse().unwrap())
        .collect()
}

#[test]
fn systemd_takes_the_units_without_a_word() {
    let system = system();
    for unit in ["hrfeed@acme.service", "hrfeed@acme.timer"] {
        let mut verify = tool("systemd-analyze");
        verify.args(["verify", "--recursive-errors=yes", "--root"]);
        verify.arg(system.path("")).arg(unit);
        // The pages are in the root, and `man` looks on this machine.
        verify.arg("--man=no");
        let (stdout, stderr) = succeed(&mut verify);
        assert_eq!(stdout + &stderr, "", "{unit}");
    }
    // The page that the units name.
    let page = system.path("usr/share/man/man1/hrfeed-import.1.gz");
    let (text, _) = succeed(
        tool("man")
            .arg("--local-file")
            .arg(page)
            .env("LC_ALL", "C.UTF-8"),
    );
    assert!(text.contains("--deadline"), "{text}");
}

#[test]
fn the_service_is_confined_as_far_as_an_import_allows() {
    let system = system();
    let mut security = tool("systemd-analyze");
    security.args([
        "security",
        "--no-pager",
        "--offline=yes",
        "--threshold=15",
        "--root",
    ]);
    succeed(security.arg(system.path("")).arg("hrfeed@acme.service"));
}

#[test]
fn only_an_end_that_another_attempt_can_change_is_tried_again() {
    let all: BTreeSet<u8> = (1..=7).collect();
    let done = codes("SuccessExitStatus");
    assert_eq!(done, BTreeSet::from([3]));
    let person = codes("RestartPreventExitStatus");
    let again: Vec<_> = all
        .difference(&done)
        .filter(|it| !person.contains(it))
        .collect();
    assert_eq!(again, [&5]);
    // A Job knows no success but 0.
    let job = python(
        "import json, sys, yaml\n\
         print(json.dumps([it for it in yaml.safe_load_all(open(sys.argv[1])) if it['kind'] == 'CronJob'][0]))",
        "packaging/kubernetes/hrfeed.yaml",
    );
    let rules = &job["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"];
    let failed = rules
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["action"] == "FailJob");
    let failed = failed.unwrap()["onExitCodes"]["values"].as_array().unwrap();
    let failed: BTreeSet<_> = failed.iter().map(|it| it.as_u64().unwrap()).collect();
    let wanted = all.into_iter().filter(|it| *it != 5).map(u64::from);
    assert_eq!(failed, wanted.collect());
}

#[test]
fn the_service_imports_as_its_user_and_its_user_finds_the_journal() {
    let installed = Installed::new();
    let credentials = "/run/credentials/hrfeed@acme.service";
    let names = settings("LoadCredential");
    let names: Vec<_> = names
        .iter()
        .map(|it| it.split(':').next().unwrap())
        .collect();
    assert_eq!(names, ["api_key", "api_secret"]);
    let world = world(
        &format!("{credentials}/api_key"),
        &format!("{credentials}/api_secret"),
    );
    fs::copy(
        world.path("mapping.toml"),
        installed.path("etc/hrfeed/acme.toml"),
    )
    .unwrap();

    let (state, secrets) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for name in names {
        let path = secrets.path().join(name);
        fs::write(&path, "s3cret").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o400)).unwrap();
    }
    // What the package depends on is not in the root.
    let authorities = secrets.path().join("authorities");
    fs::write(&authorities, authority().0).unwrap();
    let home = "/var/lib/hrfeed";
    let confined = Confined::new(installed.path("").as_path(), installed.user())
        .owns(state.path(), home)
        .owns(secrets.path(), credentials)
        .reads(&authorities, "/etc/ssl/certs/ca-certificates.crt")
        .reads(&world.path("people.csv"), "/srv/people.csv")
        .variable("HOME", home)
        .variable("USER", "hrfeed")
        .at(home);
    let words = settings("ExecStart").remove(0);
    let words: Vec<_> = words
        .split(' ')
        .flat_map(|word| match word {
            "${HRFEED_FEED}" => vec!["/srv/people.csv"],
            "$HRFEED_OPTIONS" => vec!["--deadline", "10m"],
            other => vec![other],
        })
        .collect();
    let ran = Ran::of(confined.command(&words).output().unwrap()).exits(0);
    assert_eq!(world.lms.people().len(), feed().people.len(), "{ran:?}");
    assert!(!ran.stderr.contains("note: "), "{ran:?}");
    assert!(state.path().join(".local/state/hrfeed/journal.db").exists());
    // As with `sudo -u hrfeed`.
    let ran = Ran::of(
        confined
            .command(&["/usr/bin/hrfeed", "show", "--json"])
            .output()
            .unwrap(),
    );
    assert_eq!(ran.exits(0).count("created"), 10);
}

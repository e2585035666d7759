//! What Kubernetes, Windows and macOS start: each is read as its scheduler reads it, and what it
//! starts is run with the places of a test. Neither Windows nor macOS is here, so what the
//! scheduler itself does with the file is not shown.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::Ran;
use crate::{feed, program, python, read, succeed, tool, world};

/// Runs what a scheduler starts, with these words in the place of its own, and sees ten people
/// arrive. `words` are those behind the program.
fn imports(words: &[String], feed_of_file: &str) {
    assert_eq!(words[0], "import");
    let there = world("key", "key");
    fs::write(there.path("key"), "s3cret").unwrap();
    let mut command = Command::new(program());
    command.current_dir(there.folder.path());
    command.env("HOME", there.folder.path());
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "--journal" => command.arg(word).arg("journal.db"),
            "--mapping" => command.arg(word).arg("mapping.toml"),
            _ if word.starts_with("--mapping=") => command.arg("--mapping=mapping.toml"),
            _ if word == feed_of_file => command.arg("people.csv"),
            _ => command.arg(word),
        };
        if matches!(word, "--journal" | "--mapping") {
            words.next();
        }
    }
    let ran = Ran::of(command.output().unwrap()).exits(0);
    assert_eq!(there.lms.people().len(), feed().people.len(), "{ran:?}");
}

fn words(list: &Value) -> Vec<String> {
    let words = list.as_array().unwrap().iter();
    words.map(|it| it.as_str().unwrap().to_owned()).collect()
}

/// The texts of the elements with this name in the task of Windows.
fn of_task(name: &str) -> Vec<String> {
    let line = "import json, sys, xml.etree.ElementTree as tree\n\
                space = '{http://schemas.microsoft.com/windows/2004/02/mit/task}'\n\
                found = tree.parse(sys.argv[1]).iter(space + 'NAME')\n\
                print(json.dumps([it.text for it in found]))";
    words(&python(
        &line.replace("NAME", name),
        "packaging/windows/hrfeed-task.xml",
    ))
}

/// Takes a command line of Windows apart as programs do, without backslashes before quotes.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut is_quoted) = (vec![String::new()], false);
    for char in line.chars() {
        match char {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            char => words.last_mut().unwrap().push(char),
        }
    }
    words
}

#[test]
fn kubernetes_takes_the_manifests_as_they_are() {
    for file in ["hrfeed.yaml", "secret.yaml", "command.yaml"] {
        let mut validate = tool("kubernetes-validate");
        // The oldest version that has all that they use.
        validate.args(["--strict", "--kubernetes-version", "1.31"]);
        succeed(validate.arg(format!("packaging/kubernetes/{file}")));
    }
}

#[test]
fn the_cron_job_imports_with_the_mapping_that_is_beside_it() {
    let line = "import json, sys, yaml\n\
                print(json.dumps({it['kind']: it for it in yaml.safe_load_all(open(sys.argv[1]))}))";
    let all = python(line, "packaging/kubernetes/hrfeed.yaml");
    let job = &all["CronJob"]["spec"];
    assert_eq!(job["concurrencyPolicy"], "Forbid");
    let pod = &job["jobTemplate"]["spec"]["template"]["spec"];
    let arguments = words(&pod["containers"][0]["args"]);
    imports(&arguments, &arguments[1]);

    // The mapping is where the command looks, and its columns are those of the sample.
    let mapping = arguments
        .iter()
        .find_map(|it| it.strip_prefix("--mapping="))
        .unwrap();
    let name = mapping.rsplit('/').next().unwrap();
    let text = all["ConfigMap"]["data"][name].as_str().unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    let mut check = Command::new(program());
    check.args([
        "check",
        concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/people.csv"),
        "-m",
        name,
    ]);
    Ran::of(check.current_dir(folder.path()).output().unwrap()).exits(3);

    // What the mapping names is in the secret, and what is mounted is there.
    let secret = python(line, "packaging/kubernetes/secret.yaml")["Secret"].clone();
    let keys: Vec<_> = text
        .split("{ file = \"/secrets/")
        .skip(1)
        .map(|it| it.split('"').next().unwrap())
        .collect();
    let kept: Vec<_> = secret["stringData"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(keys, kept);
    let volumes = pod["volumes"].as_array().unwrap();
    let named = |kind: &str, key: &str| {
        volumes
            .iter()
            .find_map(|it| it[kind][key].as_str())
            .unwrap()
    };
    assert_eq!(named("secret", "secretName"), secret["metadata"]["name"]);
    assert_eq!(
        named("configMap", "name"),
        all["ConfigMap"]["metadata"]["name"]
    );
    let claim = &all["PersistentVolumeClaim"]["metadata"]["name"];
    assert_eq!(named("persistentVolumeClaim", "claimName"), *claim);
}

#[test]
fn the_task_of_windows_imports_and_writes_a_log() {
    assert_eq!(of_task("Command"), ["%SystemRoot%\\System32\\cmd.exe"]);
    let [line] = &of_task("Arguments")[..] else {
        panic!("one action");
    };
    // cmd takes off the first and the last quote, and goes on with what is between them.
    let line = line
        .strip_prefix("/d /c \"")
        .unwrap()
        .strip_suffix('"')
        .unwrap();
    let (line, log) = line.split_once(" >> ").unwrap();
    assert_eq!(log, "\"C:\\ProgramData\\hrfeed\\acme.log\" 2>&1");
    let words = split(line);
    assert_eq!(words[0], "C:\\Program Files\\hrfeed\\hrfeed.exe");
    imports(&words[1..], "C:\\ProgramData\\hrfeed\\acme.csv");
    // LOCAL SERVICE, by the name that it has in every language.
    assert_eq!(of_task("UserId"), ["S-1-5-19"]);
}

#[test]
fn the_installer_of_windows_writes_the_same_command_into_the_task() {
    let script = read("packaging/windows/Install-Hrfeed.ps1");
    let mut line = String::new();
    let mut lines = script
        .lines()
        .skip_while(|it| !it.starts_with("$exec.Arguments = "));
    for _ in 0..2 {
        let (_, text) = lines.next().unwrap().split_once('"').unwrap();
        line += text.rsplit_once('"').unwrap().0;
    }
    let line = line
        .replace("`\"", "\"")
        .replace("$installed", "C:\\Program Files\\hrfeed\\hrfeed.exe")
        .replace("$Feed", "C:\\ProgramData\\hrfeed\\acme.csv")
        .replace("$ownMapping", "C:\\ProgramData\\hrfeed\\acme.toml")
        .replace("$journal", "C:\\ProgramData\\hrfeed\\journal.db")
        .replace("$log", "C:\\ProgramData\\hrfeed\\acme.log");
    assert_eq!([line], of_task("Arguments")[..]);
}

#[test]
fn the_daemon_of_macos_imports() {
    let plist = python(
        "import json, plistlib, sys\nprint(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))",
        "packaging/launchd/io.github.hrfeed.plist",
    );
    let arguments = words(&plist["ProgramArguments"]);
    assert_eq!(arguments[0], "/usr/local/bin/hrfeed");
    imports(&arguments[1..], "/usr/local/var/hrfeed/people.csv");
    assert_eq!(plist["Umask"], 0o077);
    assert_eq!(plist["Label"], "io.github.hrfeed");
}

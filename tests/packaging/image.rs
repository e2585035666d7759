//! The image: what is in it, and what it does as a container does it. It is built but for the
//! first stage, which compiles: the program comes from here.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::authority::authority;
use crate::confined::Confined;
use crate::support::{KEY, Ran, SECRET, wait_until};
use crate::{feed, program, python, succeed, tool, world};

/// An image, unpacked.
struct Image {
    folder: TempDir,
    config: Value,
}

/// buildah with a store of its own in the folder, so that nothing of this machine is used or left.
fn buildah(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = tool("buildah");
    command.args(["--storage-driver", "vfs"]);
    for (option, name) in [("--root", "store"), ("--runroot", "run")] {
        command.arg(option).arg(folder.join(name));
    }
    command.args(arguments);
    command
}

/// The files of an image that was built in the folder.
fn unpacked(folder: &Path, image: &str) -> PathBuf {
    let root = folder.join("root");
    fs::create_dir(&root).unwrap();
    let (container, _) = succeed(&mut buildah(folder, &["from", image]));
    let (mounted, _) = succeed(&mut buildah(folder, &["mount", container.trim()]));
    let all = format!("{}/.", mounted.trim());
    succeed(tool("cp").args(["-a", &all]).arg(&root));
    root
}

impl Image {
    /// Builds the image with these authorities.
    fn build(authorities: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let context = folder.path().join("context");
        let architecture = context.join(match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        });
        fs::create_dir_all(&architecture).unwrap();
        fs::copy(program(), architecture.join("hrfeed")).unwrap();
        fs::write(context.join("ca-certificates.crt"), authorities).unwrap();
        let build = ["build", "--isolation", "chroot", "--tag", "hrfeed"];
        let mut build = buildah(folder.path(), &build);
        build.arg(format!("--build-context=program={}", context.display()));
        succeed(build.args(["--file", "packaging/docker/Dockerfile", "."]));
        let inspect = ["inspect", "--type", "image", "hrfeed"];
        let (json, _) = succeed(&mut buildah(folder.path(), &inspect));
        let image: Value = serde_json::from_str(&json).unwrap();
        let config = image["OCIv1"]["config"].clone();
        unpacked(folder.path(), "hrfeed");
        Self { folder, config }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// What is in it, with the owners of what is not root's.
    fn content(&self) -> Vec<String> {
        use std::os::unix::fs::MetadataExt as _;
        let mut content = Vec::new();
        let mut folders = vec![self.root()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let about = fs::symlink_metadata(&path).unwrap();
                let name = path.strip_prefix(self.root()).unwrap().display();
                match about.uid() {
                    0 => content.push(format!("/{name}")),
                    user => content.push(format!("/{name} {user}")),
                }
                if about.is_dir() {
                    folders.push(path);
                }
            }
        }
        content.sort();
        content
    }

    /// A container with a read-only root and a volume.
    fn container(&self, state: &Path) -> Confined {
        self.without_volume().owns(state, "/state")
    }

    fn without_volume(&self) -> Confined {
        let user = self.config["User"].as_str().unwrap();
        let (user, group) = user.split_once(':').unwrap();
        assert_eq!(user, group);
        let folder = self.config["WorkingDir"].as_str().unwrap();
        let container = Confined::new(&self.root(), user.parse().unwrap()).runs_first();
        let variables = self.config["Env"].as_array().unwrap();
        variables
            .iter()
            .fold(container.at(folder), |container, variable| {
                let (name, value) = variable.as_str().unwrap().split_once('=').unwrap();
                container.variable(name, value)
            })
    }

    /// The image's program with these arguments.
    fn command(&self, container: &Confined, arguments: &[&str]) -> Command {
        let start = self.config["Entrypoint"].as_array().unwrap();
        let start = start.iter().map(|it| it.as_str().unwrap());
        let words: Vec<_> = start.chain(arguments.iter().copied()).collect();
        container.command(&words)
    }

    fn run(&self, container: &Confined, arguments: &[&str]) -> Ran {
        Ran::of(self.command(container, arguments).output().unwrap())
    }
}

#[test]
fn the_dockerfile_is_as_its_linter_wants_it() {
    let said = succeed(tool("hadolint").args([
        "--failure-threshold",
        "style",
        "packaging/docker/Dockerfile",
    ]));
    assert_eq!(said, (String::new(), String::new()));
}

#[test]
fn the_build_gets_what_cargo_needs_and_nothing_else_of_the_folder() {
    let folder = TempDir::new().unwrap();
    let everything = folder.path().join("Dockerfile");
    fs::write(&everything, "FROM scratch\nCOPY . /source\n").unwrap();
    let mut build = buildah(folder.path(), &["build", "--tag", "context", "--file"]);
    succeed(build.arg(everything).arg("."));
    let source = unpacked(folder.path(), "context").join("source");
    let mut names: Vec<_> = fs::read_dir(&source)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let folders = [
        "benches",
        "fixtures",
        "mappings",
        "packaging",
        "src",
        "tests",
    ];
    assert_eq!(
        names,
        [&["Cargo.lock", "Cargo.toml"], &folders[..]].concat()
    );
    // Cargo finds every target that the manifest names.
    let mut metadata = Command::new(env!("CARGO"));
    metadata.args([
        "metadata",
        "--offline",
        "--locked",
        "--no-deps",
        "--format-version=1",
    ]);
    succeed(metadata.current_dir(source));
}

#[test]
fn the_image_has_the_program_the_authorities_and_a_place_for_the_journal_alone() {
    let image = Image::build(&authority().0);
    assert_eq!(
        image.content(),
        [
            "/etc",
            "/etc/passwd",
            "/etc/ssl",
            "/etc/ssl/certs",
            "/etc/ssl/certs/ca-certificates.crt",
            // Only what is its own can be written, and a volume takes its owner from it.
            "/feed 65532",
            "/state 65532",
            "/usr",
            "/usr/bin",
            "/usr/bin/hrfeed",
        ]
    );
    assert_eq!(image.config["User"], "65532:65532");
    assert_eq!(image.config["Volumes"], Value::Null);
    let state = TempDir::new().unwrap();
    let container = image.container(state.path());
    let ran = image.run(&container, &["--version"]).exits(0);
    assert_eq!(
        ran.stdout.trim(),
        concat!("hrfeed ", env!("CARGO_PKG_VERSION"))
    );
    // With nothing to do, it says what it can do.
    let nothing = image.config["Cmd"].as_array().unwrap();
    assert_eq!(nothing[..], ["--help"]);
}

#[test]
fn a_container_with_a_read_only_root_imports_and_remembers() {
    let image = Image::build(&authority().0);
    let world = world("/secrets/api_key", "/secrets/api_secret");
    // As Kubernetes mounts: the file is a link into a folder that each pod calls otherwise.
    let mounted = |time: &str, names: &[&str]| {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join(time)).unwrap();
        symlink(time, folder.path().join("..data")).unwrap();
        for name in names {
            symlink(format!("..data/{name}"), folder.path().join(name)).unwrap();
        }
        folder
    };
    let state = TempDir::new().unwrap();
    for (time, created, calls) in [
        ("..2026_11_27_02_15", 10, true),
        ("..2026_11_28_02_15", 0, false),
    ] {
        let mapping = mounted(time, &["acme.toml"]);
        fs::copy(
            world.path("mapping.toml"),
            mapping.path().join("..data/acme.toml"),
        )
        .unwrap();
        let secrets = mounted(time, &["api_key", "api_secret"]);
        for name in ["api_key", "api_secret"] {
            fs::write(secrets.path().join("..data").join(name), "s3cret").unwrap();
        }
        let container = image
            .container(state.path())
            .reads(mapping.path(), "/etc/hrfeed")
            .reads(secrets.path(), "/secrets")
            .reads(world.folder.path(), "/feed");
        // `defaultMode: 0440` and the `fsGroup` of the pod.
        succeed(tool("chmod").args(["-R", "a+rX"]).arg(mapping.path()));
        succeed(
            tool("chmod")
                .args(["-R", "u=rX,g=rX,o="])
                .arg(secrets.path()),
        );
        succeed(tool("chown").args(["-R", "0:65532"]).arg(secrets.path()));
        world.lms.reset_stats();
        let arguments = [
            "import",
            "people.csv",
            "--mapping=/etc/hrfeed/acme.toml",
            "--json",
        ];
        let ran = image.run(&container, &arguments).exits(0);
        assert_eq!(ran.count("created"), created);
        assert_eq!(world.lms.stats().requests() > 0, calls);
        let ran = image.run(
            &container,
            &["doctor", "--json", "-m", "/etc/hrfeed/acme.toml"],
        );
        let checks = ran.exits(0).json()["checks"].as_array().unwrap().clone();
        for name in ["permissions", "journal_disk", "mapping", "api_key", "lms"] {
            let check = checks.iter().find(|it| it["check"] == name).unwrap();
            assert_eq!(check["health"], "ok", "{check}");
        }
    }
    assert_eq!(world.lms.people().len(), feed().people.len());
    assert!(state.path().join("journal.db").exists());
}

#[test]
fn a_container_without_a_volume_fails_before_it_sends_anything() {
    let image = Image::build(&authority().0);
    let world = world("key", "key");
    fs::write(world.path("key"), "s3cret").unwrap();
    let container = image.without_volume().reads(world.folder.path(), "/feed");
    let ran = image.run(&container, &["import", "people.csv", "-m", "mapping.toml"]);
    let ran = ran.exits(1);
    assert!(ran.stderr.contains("/state"), "{ran:#?}");
    assert_eq!(world.lms.people().len(), 0);
}

#[test]
fn a_container_that_is_stopped_ends_in_time_and_the_next_one_goes_on() {
    let image = Image::build(&authority().0);
    let world = world("key", "key").target("requests_per_second = 4");
    let state = TempDir::new().unwrap();
    let container = image
        .container(state.path())
        .reads(world.folder.path(), "/feed")
        .variable(KEY, "key")
        .variable(SECRET, "secret");
    let arguments = ["import", "people.csv", "-m", "mapping.toml", "--json"];
    let mut first = image.command(&container, &arguments);
    let first = first.stdout(Stdio::piped()).stderr(Stdio::piped());
    let first = first.spawn().unwrap();
    wait_until("somebody arrives", || !world.lms.people().is_empty());
    // The program is the first process of the container, which hears a signal only if it
    // listens to it.
    let children = format!("/proc/{0}/task/{0}/children", first.id());
    let child = fs::read_to_string(children).unwrap();
    succeed(tool("kill").args(["-TERM", child.trim()]));
    let ran = Ran::of(first.wait_with_output().unwrap()).exits(5);
    let people = world.lms.people().len();
    assert!((1..10).contains(&people), "{people}: {ran:#?}");
    let ran = image.run(&container, &arguments).exits(0);
    assert_eq!(world.lms.people().len(), feed().people.len(), "{ran:#?}");
}

#[test]
fn the_image_trusts_the_authorities_that_it_brings_and_no_others() {
    let ((trusted, port), (other, _)) = (authority(), authority());
    let world = world("key", "key").at(&format!("https://localhost:{port}"));
    let hosts = world.write("hosts", "127.0.0.1 localhost\n");
    for (authorities, code) in [(trusted, 5), (other, 7)] {
        let image = Image::build(&authorities);
        let state = TempDir::new().unwrap();
        let container = image
            .container(state.path())
            .reads(world.folder.path(), "/feed")
            .reads(&hosts, "/etc/hosts")
            .variable(KEY, "key")
            .variable(SECRET, "secret");
        let ran = image.run(&container, &["doctor", "-m", "mapping.toml"]);
        assert_eq!(ran.code, code, "{ran:#?}");
        assert_eq!(ran.stdout.contains("certificate"), code == 7, "{ran:#?}");
    }
}

#[test]
fn pods_run_as_the_user_of_the_image_and_can_write_where_it_writes() {
    let image = Image::build(&authority().0);
    let user: u64 = image.config["User"]
        .as_str()
        .unwrap()
        .split(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    for (path, line) in [
        (
            "packaging/kubernetes/hrfeed.yaml",
            "[it['spec']['jobTemplate']['spec']['template']['spec'] for it in all if it['kind'] == 'CronJob']",
        ),
        (
            "packaging/kubernetes/command.yaml",
            "[it['spec'] for it in all]",
        ),
    ] {
        let line = format!(
            "import json, sys, yaml\nall = list(yaml.safe_load_all(open(sys.argv[1])))\nprint(json.dumps({line}))"
        );
        let pods = python(&line, path);
        let [pod] = &pods.as_array().unwrap()[..] else {
            panic!("{path}: {pods}");
        };
        let of_pod = &pod["securityContext"];
        for key in ["runAsUser", "runAsGroup", "fsGroup"] {
            assert_eq!(of_pod[key], user, "{path}: {key}");
        }
        let container = &pod["containers"][0];
        assert_eq!(
            container["securityContext"]["readOnlyRootFilesystem"], true,
            "{path}"
        );
        let places = container["volumeMounts"].as_array().unwrap();
        let writable: Vec<_> = (places.iter())
            .filter(|it| it["readOnly"] != true)
            .map(|it| it["mountPath"].as_str().unwrap())
            .collect();
        assert_eq!(writable, ["/state", "/tmp"], "{path}");
    }
}

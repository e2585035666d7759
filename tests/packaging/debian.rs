//! The package for Debian and Ubuntu, installed into an empty folder and removed again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;

use crate::{program, script, succeed, tool, variable};

/// The package, built once.
fn package() -> &'static Path {
    static PACKAGE: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("hrfeed.deb");
        // Cargo looks for `cargo-deb` there.
        let deb = tool("cargo-deb");
        let tools = Path::new(deb.get_program()).parent().unwrap();
        let mut search = tools.as_os_str().to_owned();
        search.push(":");
        search.push(variable("PATH").unwrap());
        let mut build = script("packaging/debian/build");
        build.arg(program()).arg(&path).arg("--fast");
        succeed(build.env("PATH", search));
        (folder, path)
    });
    &PACKAGE.1
}

/// A folder in which the package is installed.
pub(crate) struct Installed(TempDir);

impl Installed {
    pub(crate) fn new() -> Self {
        let it = Self(TempDir::new().unwrap());
        fs::create_dir_all(it.path("var/lib/dpkg/info")).unwrap();
        fs::create_dir(it.path("var/lib/dpkg/updates")).unwrap();
        fs::create_dir(it.path("etc")).unwrap();
        fs::write(it.path("var/lib/dpkg/status"), "").unwrap();
        succeed(it.dpkg().arg("--install").arg(package()));
        it
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// dpkg for this folder alone: what the package depends on is not in it.
    fn dpkg(&self) -> Command {
        let mut command = tool("dpkg");
        command.arg("--root").arg(self.0.path());
        command.args(["--force-script-chrootless", "--force-depends"]);
        command
    }

    /// The number of the user who runs imports.
    pub(crate) fn user(&self) -> u32 {
        let users = fs::read_to_string(self.path("etc/passwd")).unwrap();
        let user = users.lines().find(|line| line.starts_with("hrfeed:"));
        let user = user.unwrap_or_else(|| panic!("no hrfeed in {users:?}"));
        user.split(':').nth(2).unwrap().parse().unwrap()
    }
}

#[test]
fn the_package_brings_program_pages_completions_and_a_user_who_cannot_log_in() {
    let installed = Installed::new();
    let (version, _) = succeed(Command::new(installed.path("usr/bin/hrfeed")).arg("--version"));
    assert_eq!(
        version.trim(),
        concat!("hrfeed ", env!("CARGO_PKG_VERSION"))
    );
    for path in [
        "usr/share/man/man1/hrfeed-import.1.gz",
        "usr/share/bash-completion/completions/hrfeed",
        "usr/share/zsh/vendor-completions/_hrfeed",
        "usr/share/fish/vendor_completions.d/hrfeed.fish",
        "usr/share/doc/hrfeed/copyright",
        "usr/share/doc/hrfeed/install.md",
        "etc/hrfeed",
    ] {
        assert!(installed.path(path).exists(), "no {path}");
    }
    let users = fs::read_to_string(installed.path("etc/passwd")).unwrap();
    assert!(
        users.contains(":/var/lib/hrfeed:/usr/sbin/nologin\n"),
        "{users}"
    );
    // The first mapping and its feed are a pair that works.
    let examples = installed.path("usr/share/doc/hrfeed/examples");
    let mut check = Command::new(installed.path("usr/bin/hrfeed"));
    check.args(["check", "people.csv", "-m", "kmi.toml"]);
    let checked = check.current_dir(examples).output().unwrap();
    assert_eq!(checked.status.code(), Some(3), "{checked:?}");
}

#[test]
fn the_package_needs_the_certificates_that_connections_need() {
    let mut field = tool("dpkg-deb");
    let (depends, _) = succeed(field.arg("--field").arg(package()).arg("Depends"));
    for name in ["ca-certificates", "systemd"] {
        assert!(depends.contains(name), "{depends}");
    }
}

#[test]
fn mappings_secrets_and_the_journal_outlive_the_package() {
    let installed = Installed::new();
    let of_people = [
        "etc/hrfeed/acme.toml",
        "etc/hrfeed/acme.env",
        "var/lib/hrfeed/.local/state/hrfeed/journal.db",
    ];
    fs::create_dir_all(installed.path("var/lib/hrfeed/.local/state/hrfeed")).unwrap();
    for path in of_people {
        fs::write(installed.path(path), path).unwrap();
    }
    let stays = |when: &str| {
        for path in of_people {
            let text = fs::read_to_string(installed.path(path));
            assert_eq!(text.ok().as_deref(), Some(path), "{when}");
        }
        installed.user();
    };
    // The same version once more is what an upgrade does.
    succeed(installed.dpkg().arg("--install").arg(package()));
    stays("after an upgrade");
    succeed(installed.dpkg().args(["--remove", "hrfeed"]));
    stays("after a removal");
    let (said, _) = succeed(installed.dpkg().args(["--purge", "hrfeed"]));
    stays("after a purge");
    assert!(said.contains("/var/lib/hrfeed with the journal"), "{said}");
    for path in ["usr/bin/hrfeed", "usr/lib/systemd", "usr/share/doc/hrfeed"] {
        assert!(!installed.path(path).exists(), "{path} is left");
    }
}

#[test]
fn the_package_keeps_the_rules_of_debian() {
    // It closes no bug of Debian's, because it is not in Debian. A static program that can be
    // loaded anywhere looks like a library without prerequisites.
    let known = "initial-upload-closes-no-bugs,shared-library-lacks-prerequisites";
    let mut lintian = tool("lintian");
    lintian.args(["--fail-on", "error,warning"]);
    lintian.args(["--suppress-tags", known]);
    let (said, _) = succeed(lintian.arg(package()));
    assert_eq!(said, "");
}

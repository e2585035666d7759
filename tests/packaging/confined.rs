//! Programs that see one folder as the root of the file system, which they cannot change, and
//! run as a user without rights.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{succeed, tool};

/// A root, and what is mounted into it.
pub(crate) struct Confined {
    root: PathBuf,
    user: u32,
    mounts: Vec<(PathBuf, String, bool)>,
    variables: Vec<(String, String)>,
    folder: String,
    is_first: bool,
}

impl Confined {
    pub(crate) fn new(root: &Path, user: u32) -> Self {
        // Whoever runs it has to get into it.
        fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
        Self {
            root: root.to_path_buf(),
            user,
            mounts: Vec::new(),
            variables: Vec::new(),
            folder: "/".into(),
            is_first: false,
        }
    }

    /// Mounts a folder or a file there, to read.
    pub(crate) fn reads(mut self, path: &Path, there: &str) -> Self {
        self.mounts.push((path.to_path_buf(), there.into(), false));
        self
    }

    /// Mounts a folder there that is the user's own, with all that is in it.
    pub(crate) fn owns(mut self, path: &Path, there: &str) -> Self {
        let user = self.user;
        succeed(
            tool("chown")
                .args(["-R", &format!("{user}:{user}")])
                .arg(path),
        );
        self.mounts.push((path.to_path_buf(), there.into(), true));
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    pub(crate) fn at(mut self, folder: &str) -> Self {
        self.folder = folder.into();
        self
    }

    /// Runs the program as the first process, as a container does.
    pub(crate) fn runs_first(mut self) -> Self {
        self.is_first = true;
        self
    }

    /// The command with these words, the first of which is a path below the root.
    pub(crate) fn command(&self, words: &[impl AsRef<str>]) -> Command {
        let program = self.root.join(words[0].as_ref().trim_start_matches('/'));
        let mut mounts = self.mounts.clone();
        if needs_libraries(&program) {
            for folder in ["/lib", "/lib64"]
                .into_iter()
                .filter(|it| Path::new(it).exists())
            {
                mounts.push((folder.into(), folder.into(), false));
            }
        }
        let mut command = tool("setpriv");
        let user = self.user.to_string();
        command.args(["--reuid", &user, "--regid", &user, "--clear-groups"]);
        command.arg(tool("bwrap").get_program());
        command.args([
            "--unshare-all",
            "--share-net",
            "--die-with-parent",
            "--clearenv",
        ]);
        if self.is_first {
            command.arg("--as-pid-1");
        }
        command.arg("--ro-bind").arg(&self.root).arg("/");
        // What every container has.
        for (kind, there) in [("--proc", "/proc"), ("--dev", "/dev"), ("--tmpfs", "/tmp")] {
            self.place(there, true);
            command.args([kind, there]);
        }
        for (path, there, is_own) in &mounts {
            self.place(there, path.is_dir());
            command.arg(if *is_own { "--bind" } else { "--ro-bind" });
            command.arg(path).arg(there);
        }
        for (name, value) in &self.variables {
            command.args(["--setenv", name, value]);
        }
        command.args(["--chdir", &self.folder]);
        command.args(words.iter().map(AsRef::as_ref));
        command
    }

    /// Makes the place of a mount, as whoever mounts does.
    fn place(&self, there: &str, is_folder: bool) {
        let place = self.root.join(there.trim_start_matches('/'));
        if place.exists() {
            return;
        }
        fs::create_dir_all(if is_folder {
            &place
        } else {
            place.parent().unwrap()
        })
        .unwrap();
        if !is_folder {
            fs::write(place, "").unwrap();
        }
    }
}

/// Whether a program is not static, as what is released is: it gets this machine's libraries.
fn needs_libraries(program: &Path) -> bool {
    let (headers, _) = succeed(tool("readelf").arg("--program-headers").arg(program));
    headers.contains("INTERP")
}

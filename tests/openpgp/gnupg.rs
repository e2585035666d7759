//! GnuPG, with a folder of its own: what writes the messages that people send.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A person with a keyring.
pub(crate) struct Gnupg {
    home: TempDir,
}

impl Gnupg {
    pub(crate) fn new() -> Self {
        let home = TempDir::new().unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let private = std::fs::Permissions::from_mode(0o700);
            std::fs::set_permissions(home.path(), private).unwrap();
        }
        Self { home }
    }

    /// Runs `gpg` and hands out what it writes.
    pub(crate) fn run(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let mut gpg = Command::new("gpg");
        gpg.arg("--homedir").arg(self.home.path());
        gpg.args([
            "--batch",
            "--yes",
            "--quiet",
            "--no-tty",
            "--trust-model",
            "always",
        ]);
        gpg.args(["--pinentry-mode", "loopback"]).args(arguments);
        gpg.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut gpg = gpg.spawn().unwrap_or_else(|error| {
            panic!("cannot run gpg ({error}): install it, for example with `apt-get install gnupg`")
        });
        let mut stdin = gpg.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || {
            // A program that has read enough closes it.
            let _closed = stdin.write_all(&input);
        });
        let output = gpg.wait_with_output().unwrap();
        writer.join().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "gpg {arguments:?}: {said}");
        output.stdout
    }

    /// Creates a key of that kind: `rsa2048` or `future-default`.
    pub(crate) fn generate(&self, person: &str, kind: &str, passphrase: &str) {
        let generate = ["--passphrase", passphrase, "--quick-generate-key", person];
        if kind == "future-default" {
            self.run(&[&generate[..], &[kind, "default", "never"]].concat(), b"");
            return;
        }
        self.run(&[&generate[..], &[kind, "sign", "never"]].concat(), b"");
        let key = self.fingerprint(person);
        let add = ["--passphrase", passphrase, "--quick-add-key", &key];
        self.run(&[&add[..], &[kind, "encr", "never"]].concat(), b"");
    }

    /// The IDs of the keys of a person, the primary one first.
    pub(crate) fn ids(&self, person: &str) -> Vec<String> {
        self.listed(person, "pub", 4)
            .into_iter()
            .chain(self.listed(person, "sub", 4))
            .collect()
    }

    pub(crate) fn fingerprint(&self, person: &str) -> String {
        self.listed(person, "fpr", 9).remove(0)
    }

    fn listed(&self, person: &str, kind: &str, column: usize) -> Vec<String> {
        let listed = self.run(&["--with-colons", "--list-keys", person], b"");
        let listed = String::from_utf8(listed).unwrap();
        let of_kind = listed
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>());
        of_kind
            .filter(|cells| cells[0] == kind)
            .map(|cells| cells[column].to_owned())
            .collect()
    }

    pub(crate) fn private_key(&self, person: &str, passphrase: &str, armour: &[&str]) -> Vec<u8> {
        let export = ["--passphrase", passphrase, "--export-secret-keys", person];
        self.run(&[armour, &export[..]].concat(), b"")
    }

    pub(crate) fn certificate(&self, person: &str) -> Vec<u8> {
        self.run(&["--armor", "--export", person], b"")
    }

    /// The revocation that GnuPG wrote when it created the key.
    pub(crate) fn revocation(&self, fingerprint: &str) -> Vec<u8> {
        let path = self
            .home
            .path()
            .join(format!("openpgp-revocs.d/{fingerprint}.rev"));
        let text = std::fs::read_to_string(path).unwrap();
        // So that nobody takes it in by mistake.
        text.replace(":-----BEGIN", "-----BEGIN").into_bytes()
    }

    /// Takes keys of others in.
    pub(crate) fn import(&self, keys: &[u8]) {
        self.run(&["--import"], keys);
    }
}

impl Drop for Gnupg {
    /// Ends the agent that GnuPG started for the folder.
    fn drop(&mut self) {
        let folder: [&OsStr; 2] = ["--homedir".as_ref(), self.home.path().as_ref()];
        let mut end = Command::new("gpgconf");
        // Without it the agent ends when its folder is gone.
        let _ended = end.args(folder).args(["--kill", "all"]).output();
    }
}

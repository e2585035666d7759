//! The servers, each with a port of its own, and lines to them that break.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::thread;

use tempfile::TempDir;

use crate::support::wait_until;

/// A program that ends with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// What `.ci/servers` installs.
fn installed(path: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("target/servers").join(path);
    let missing = format!("{} is missing: run `.ci/servers`", path.display());
    assert!(path.exists(), "{missing}");
    path
}

pub(crate) fn python() -> Command {
    Command::new(installed("python/bin/python"))
}

/// A port that is free, below those that systems hand out by themselves: a server that
/// begins slowly would find one of those taken by another test.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 50).unwrap() * 200;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::SeqCst) % 200;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn start(port: u16, command: &mut Command) -> Server {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let server = Server {
        child: child.unwrap_or_else(|error| panic!("{command:?}: {error}; run `.ci/servers`")),
        port,
    };
    wait_until("the server", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    server
}

/// S3, by Moto.
pub(crate) fn s3() -> Server {
    let port = free_port();
    let mut command = Command::new(installed("python/bin/moto_server"));
    start(
        port,
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]),
    )
}

/// Azure, by Azurite.
pub(crate) fn azure() -> Server {
    let port = free_port();
    let mut command = Command::new(installed("node_modules/.bin/azurite-blob"));
    command.args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()]);
    start(
        port,
        command.args(["--inMemoryPersistence", "--silent", "--skipApiVersionCheck"]),
    )
}

/// Google's storage, by an emulator.
pub(crate) fn google() -> Server {
    let port = free_port();
    let mut command = Command::new(installed("python/bin/gcp-storage-emulator"));
    command.args(["start", "-H", "127.0.0.1", "--port", &port.to_string()]);
    start(
        port,
        command.args(["--default-bucket", "exports", "-M", "-q"]),
    )
}

/// OpenSSH, with a key of its own, a key that lets in, and a folder of files.
pub(crate) struct OpenSsh {
    pub(crate) folder: TempDir,
    pub(crate) port: u16,
    _server: Server,
}

impl OpenSsh {
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name);
        keygen(&path("host"), &["-t", "ed25519", "-N", ""]);
        keygen(&path("user"), &["-t", "ed25519", "-N", ""]);
        keygen(
            &path("locked"),
            &["-t", "rsa", "-b", "2048", "-N", "open sesame"],
        );
        keygen(&path("stranger"), &["-t", "ecdsa", "-N", ""]);
        let keys = ["user.pub", "locked.pub"].map(|name| fs::read_to_string(path(name)).unwrap());
        fs::write(path("authorized"), keys.concat()).unwrap();
        fs::create_dir(path("out")).unwrap();
        let port = free_port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {host}\nAuthorizedKeysFile {keys}\n\
             PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPermitRootLogin yes\nMaxStartups 100\n\
             Subsystem sftp internal-sftp\n",
            host = path("host").display(),
            keys = path("authorized").display(),
        );
        fs::write(path("config"), config).unwrap();
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f"]).arg(path("config"));
        Self {
            port,
            _server: start(port, &mut command),
            folder,
        }
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join("out").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The address of a file, or of its folder.
    pub(crate) fn address(&self, name: &str) -> String {
        self.address_at(self.port, name)
    }

    pub(crate) fn address_at(&self, port: u16, name: &str) -> String {
        let out = self.folder.path().join("out");
        format!("sftp://127.0.0.1:{port}{}/{name}", out.display())
    }

    pub(crate) fn fingerprint(&self) -> String {
        let output = Command::new("ssh-keygen")
            .arg("-lf")
            .arg(self.folder.path().join("host.pub"))
            .output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        text.split(' ').nth(1).unwrap().to_owned()
    }

    /// The line of `known_hosts` for its key.
    pub(crate) fn known_host(&self, port: u16) -> String {
        let key = fs::read_to_string(self.folder.path().join("host.pub")).unwrap();
        let (kind, key) = key.split_once(' ').unwrap();
        format!(
            "[127.0.0.1]:{port} {kind} {}\n",
            key.split(' ').next().unwrap()
        )
    }

    /// The settings for somebody who is let in.
    pub(crate) fn settings(&self) -> String {
        format!(
            "user = \"{}\"\nprivate_key = {{ file = \"{}\" }}\nhost_key = \"{}\"\n",
            user(),
            self.folder.path().join("user").display(),
            self.fingerprint()
        )
    }
}

/// Who runs the tests, and so the server.
pub(crate) fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn keygen(path: &Path, arguments: &[&str]) {
    let mut command = Command::new("ssh-keygen");
    let output = command
        .arg("-q")
        .arg("-f")
        .arg(path)
        .args(arguments)
        .output();
    let output = output.expect("ssh-keygen is missing: run `.ci/servers`");
    assert!(output.status.success(), "{output:?}");
}

/// `AsyncSSH`, which lets `hr` in with the password `correct horse`, by the method
/// `password` or `questions`. Its files are those of `folder`.
pub(crate) fn async_ssh(folder: &Path, method: &str) -> Server {
    keygen(&folder.join("host"), &["-t", "ed25519", "-N", ""]);
    let port = free_port();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/remote/password_server.py");
    let mut command = python();
    start(
        port,
        command
            .arg(script)
            .arg(folder)
            .args([&port.to_string(), method]),
    )
}

/// What becomes of a line to a server after so many bytes from there.
#[derive(Clone, Copy)]
pub(crate) enum Breaks {
    /// Nothing comes any more.
    Silent,
    /// It is cut.
    Cut,
}

/// A line to the server at `port` that breaks; returns its own port, and how often
/// somebody came.
pub(crate) fn line(port: u16, after: usize, breaks: Breaks) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    let came = Arc::new(AtomicUsize::new(0));
    let counter = came.clone();
    thread::spawn(move || {
        for client in listener.incoming() {
            counter.fetch_add(1, Ordering::SeqCst);
            let client = client.unwrap();
            let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
                continue;
            };
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from, &mut to));
            thread::spawn(move || bring(server, client, after, breaks));
        }
    });
    (own, came)
}

fn bring(mut server: TcpStream, mut client: TcpStream, after: usize, breaks: Breaks) {
    let (mut left, mut buffer) = (after, [0; 4096]);
    while let Ok(read @ 1..) = server.read(&mut buffer) {
        let read = read.min(left);
        if client.write_all(&buffer[..read]).is_err() {
            return;
        }
        left -= read;
        if left == 0 {
            break;
        }
    }
    if left == 0 && matches!(breaks, Breaks::Silent) {
        // Until the test ends, or the client goes away.
        let _gone = client.read(&mut buffer);
        let _kept = server.peek(&mut buffer);
        thread::park();
    }
    let _closed = client.shutdown(Shutdown::Both);
}

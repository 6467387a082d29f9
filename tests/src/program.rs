//! Programs as a person or a script meets them: run to their end, or read line by line while they
//! run. For tests alone: what cannot go on panics.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "whatever fails in here fails the test that called it"
)]

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::skip;

/// Nothing in a test takes that long; what waits longer has failed.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// The `dubbo-watcher` of the same profile as the caller, a test or a program, built if it is not; or the one
/// that `DUBBO_WATCHER` names.
pub fn dubbo_watcher() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(named) = std::env::var_os("DUBBO_WATCHER") {
            return named.into();
        }
        let caller = std::env::current_exe().unwrap();
        let folder = profile_folder(&caller);
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([
            "build",
            "--quiet",
            "--package",
            "dubbo-k8s-watcher",
            "--bin",
            "dubbo-watcher",
        ]);
        cargo.arg("--target-dir").arg(folder.parent().unwrap());
        // Cargo's variables about the package of this test would make dependencies build anew each time.
        for (name, _) in std::env::vars() {
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                cargo.env_remove(name);
            }
        }
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().unwrap().success());
        folder.join(format!("dubbo-watcher{}", std::env::consts::EXE_SUFFIX))
    })
}

/// Where cargo puts the programs of the profile that `caller` is of. A test is one folder below.
fn profile_folder(caller: &Path) -> &Path {
    let folder = caller.parent().unwrap();
    if folder.ends_with("deps") { folder.parent().unwrap() } else { folder }
}

/// The kubectl that `cargo xtask test` names as `KUBECTL`, else the one on the PATH. Without it `test` is skipped.
pub fn kubectl(test: &str) -> Option<PathBuf> {
    let named = std::env::var_os("KUBECTL").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path);
    let found = named.or_else(|| {
        folders.find_map(|folder| Some(folder.join("kubectl")).filter(|path| path.is_file()))
    });
    if found.is_none() {
        skip::missing(test, "KUBECTL is not set, and there is no kubectl on the PATH");
    }
    found
}

/// The watcher as a component, and the host that runs it.
pub struct Component {
    wasmtime: PathBuf,
    compiled: PathBuf,
}

impl Component {
    /// What `cargo xtask test` names as `DUBBO_WATCHER_WASM` and `WASMTIME`; compiled once for all
    /// tests, since a host takes longer for that than a test does. Without them `test` is skipped.
    pub fn find(test: &str) -> Option<Self> {
        let find = |name: &str| {
            let path = std::env::var_os(name).map(PathBuf::from);
            if path.is_none() {
                skip::missing(test, &format!("{name} is not set: cargo xtask test sets it"));
            }
            path
        };
        let (wasm, wasmtime) = (find("DUBBO_WATCHER_WASM")?, find("WASMTIME")?);
        let compiled = compiled(&wasmtime, &wasm);
        Some(Self { wasmtime, compiled })
    }

    /// `wasmtime run` of it with HTTP, further options of the host, and then its own arguments.
    pub fn command(&self, host: &[&str], arguments: &[&str]) -> Command {
        let mut command = bare(&self.wasmtime);
        command.args(["run", "--allow-precompiled", "-S", "http", "-S", "inherit-network"]);
        command.args(host).arg(&self.compiled).args(arguments);
        command
    }
}

/// The machine code of a component, beside it; made by whichever process comes first.
fn compiled(wasmtime: &Path, wasm: &Path) -> PathBuf {
    let compiled = wasm.with_extension("cwasm");
    let lock = std::fs::File::create(wasm.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let age = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    if age(&compiled) <= age(wasm) {
        let partial = wasm.with_extension("partial");
        let mut command = bare(wasmtime);
        command.arg("compile").arg("-o").arg(&partial).arg(wasm);
        assert!(command.status().unwrap().success());
        std::fs::rename(partial, &compiled).unwrap();
    }
    compiled
}

/// A command with nothing around it: no environment, and no input.
pub fn bare(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command.env_clear().stdin(Stdio::null());
    command
}

/// Runs it to its end, beside whatever the test runs.
pub async fn run(mut command: Command) -> Ran {
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    Ran::from(output.unwrap())
}

/// What a run said.
#[derive(Debug)]
pub struct Ran {
    /// The exit status; `None` after a signal.
    pub status: Option<i32>,
    /// All of stdout.
    pub stdout: String,
    /// All of stderr.
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Its stdout as one JSON value.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Its first error, after status 1 and nothing on stdout.
    pub fn error(&self) -> &str {
        assert_eq!((self.status, self.stdout.as_str()), (Some(1), ""), "{self:?}");
        self.stderr.strip_prefix("error: ").unwrap_or_else(|| panic!("{}", self.stderr))
    }
}

/// A program that runs until it is ordered to end; dropped, it is killed. Waiting for it needs a
/// runtime with several threads, so that the rest of the test goes on.
pub struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    errors: mpsc::Receiver<String>,
}

impl Running {
    /// Starts it.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = follow(child.stdout.take().unwrap());
        let errors = follow(child.stderr.take().unwrap());
        Self { child, lines, errors }
    }

    /// The next line of stdout.
    pub fn line(&self) -> String {
        receive(&self.lines).unwrap_or_else(|| {
            let errors: Vec<String> = self.errors.try_iter().collect();
            panic!("no line of stdout in time; stderr says:\n{}", errors.join("\n"))
        })
    }

    /// The next line of stdout, if one comes in time.
    pub fn next_line(&self) -> Option<String> {
        receive(&self.lines)
    }

    /// The next line of stderr.
    pub fn error_line(&self) -> String {
        receive(&self.errors).expect("a line of stderr")
    }

    /// Waits for a line of stderr that contains `text`.
    pub fn says(&self, text: &str) {
        while !receive(&self.errors).expect(text).contains(text) {}
    }

    /// The next line of stderr that contains `text`.
    pub fn line_with(&self, text: &str) -> String {
        loop {
            let line = receive(&self.errors).expect(text);
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The next line of stdout, as JSON.
    pub fn event(&self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// Passes over events until one of this name.
    pub fn until(&self, name: &str) -> Value {
        loop {
            let event = self.event();
            if event.get("event").is_some_and(|it| it == name) {
                return event;
            }
        }
    }

    /// Sends a signal (`-TERM`).
    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Sends a signal (`-TERM`) and waits for the end: the status, and what was not read yet.
    pub fn end(self, signal: &str) -> Ran {
        self.signal(signal);
        self.ended()
    }

    /// Waits for the end that it finds by itself: the status, and what was not read yet.
    pub fn ended(mut self) -> Ran {
        let status = tokio::task::block_in_place(|| self.child.wait()).unwrap().code();
        let text = |lines: &mpsc::Receiver<String>| lines.iter().collect::<Vec<_>>().join("\n");
        Ran { status, stdout: text(&self.lines), stderr: text(&self.errors) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a command whose stdout the caller reads at its own pace.
pub fn piped(mut command: Command) -> (Child, ChildStdout) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdout = child.stdout.take().unwrap();
    (child, stdout)
}

fn follow(reader: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

fn receive(lines: &mpsc::Receiver<String>) -> Option<String> {
    tokio::task::block_in_place(|| lines.recv_timeout(TIMEOUT)).ok()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::profile_folder;

    #[test]
    fn a_program_stands_where_programs_are_and_a_test_below() {
        let debug = Path::new("/target/debug");
        for caller in ["mesh_demo", "deps/envoy-0123456789abcdef"] {
            assert_eq!(profile_folder(&debug.join(caller)), debug, "{caller}");
        }
    }
}

//! A server with one Pod, and the real `dubbo-watcher` with nothing else around it.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use dubbo_k8s_codec::{ANNOTATION, Annotation, LABEL, Record, encode};
use dubbo_k8s_tests::apiserver::{Grant, Options, Server, Verb};
use dubbo_k8s_tests::watcher;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Nothing here takes that long; a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Rig {
    pub(crate) server: Server,
    _folder: TempDir,
    pub(crate) kubeconfig: PathBuf,
}

impl Rig {
    /// A server with the Pod `user-0` in the namespace `shop`, which carries nothing.
    pub(crate) async fn start() -> Self {
        let server = Server::start(Options::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        server.write_kubeconfig_to(&kubeconfig, "shop").unwrap();
        server
            .store()
            .create(json!({"metadata": {"namespace": "shop", "name": "user-0",
                "labels": {"app": "user"}, "annotations": {"team": "a"}}}))
            .unwrap();
        Self { server, _folder: folder, kubeconfig }
    }

    /// Leaves the caller of the kubeconfig only these rights in `shop`.
    pub(crate) fn allow_only(&self, verbs: &[Verb]) {
        let access = self.server.access();
        access.revoke_grants(dubbo_k8s_tests::apiserver::ADMIN);
        access.grant(Grant::pods(
            dubbo_k8s_tests::apiserver::ADMIN,
            verbs.iter().copied(),
            ["shop"],
        ));
    }

    pub(crate) fn metadata(&self) -> Value {
        self.server.store().pod("shop", "user-0").unwrap()["metadata"].take()
    }

    /// The keys in the Pod.
    pub(crate) fn keys(&self) -> Vec<String> {
        let metadata = self.metadata();
        let Some(value) = metadata["annotations"][ANNOTATION].as_str() else { return Vec::new() };
        let annotation = Annotation::decode(value).unwrap();
        annotation.records().map(|record| record.key.to_owned()).collect()
    }

    pub(crate) fn label(&self) -> Option<String> {
        self.metadata()["labels"][LABEL].as_str().map(str::to_owned)
    }

    pub(crate) fn set_keys(&self, keys: &[&str]) {
        self.annotate(&encode(keys.iter().map(|key| Record::new(key))));
    }

    pub(crate) fn annotate(&self, value: &str) {
        self.server.store().annotate("shop", "user-0", ANNOTATION, Some(value)).unwrap();
    }

    pub(crate) fn patches(&self) -> usize {
        self.server.requests().count(Verb::Patch)
    }

    /// Runs it to its end, inside of the Pod.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &[("HOSTNAME", "user-0"), ("NAMESPACE", "shop")]).await
    }

    pub(crate) async fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        Ran::from(output)
    }

    /// Starts it inside of the Pod.
    pub(crate) fn start_program(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        command.env("HOSTNAME", "user-0").env("NAMESPACE", "shop");
        Running::new(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(watcher::program().unwrap());
        command
            .args(arguments)
            .env_clear()
            .env("KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::null());
        command
    }
}

/// What a run said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
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

/// A program that runs until it is told to end.
pub(crate) struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    errors: mpsc::Receiver<String>,
}

impl Running {
    fn new(mut child: Child) -> Self {
        let lines = follow(BufReader::new(child.stdout.take().unwrap()));
        let errors = follow(BufReader::new(child.stderr.take().unwrap()));
        Self { child, lines, errors }
    }

    /// Waits for a line of stderr that contains `text`.
    pub(crate) fn says(&self, text: &str) {
        tokio::task::block_in_place(|| {
            while !self.errors.recv_timeout(PATIENCE).expect(text).contains(text) {}
        });
    }

    /// Sends a signal and waits for the end: the status, and what was not read yet.
    pub(crate) fn end(mut self, signal: &str) -> Ran {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let status = tokio::task::block_in_place(|| self.child.wait()).unwrap().code();
        let text = |lines: &mpsc::Receiver<String>| lines.iter().collect::<Vec<_>>().join("\n");
        Ran { status, stdout: text(&self.lines), stderr: text(&self.errors) }
    }

    /// Waits for the end that it finds by itself.
    pub(crate) fn ended(mut self) -> Ran {
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

fn follow(reader: BufReader<impl std::io::Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in reader.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

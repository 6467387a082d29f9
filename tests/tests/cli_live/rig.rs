//! One server, one folder for its kubeconfig, and the binary run with nothing else around it.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use dubbo_k8s_codec::{ANNOTATION, Category, Key, Record, encode};
use dubbo_k8s_tests::apiserver::{Options, Server};
use dubbo_k8s_tests::watcher;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Nothing here takes that long; a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Rig {
    pub(crate) server: Server,
    folder: TempDir,
    kubeconfig: PathBuf,
}

impl Rig {
    /// A server whose kubeconfig names the namespace `shop`.
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        let server = Server::start(options).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        server.write_kubeconfig_to(&kubeconfig, "shop").unwrap();
        Self { server, folder, kubeconfig }
    }

    /// Writes a file beside the kubeconfig.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Changes the kubeconfig.
    pub(crate) fn edit_kubeconfig(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(&self.kubeconfig).unwrap();
        assert!(text.contains(from), "{from} is not in it");
        std::fs::write(&self.kubeconfig, text.replace(from, to)).unwrap();
    }

    /// Adds a Pod that provides `interface` at `address`, in the namespace `shop`.
    pub(crate) fn provide(&self, pod: &str, interface: &str, address: &str) {
        self.create("shop", pod, &[provider(interface, address, "")]);
    }

    pub(crate) fn create(&self, namespace: &str, pod: &str, keys: &[String]) {
        self.server.store().create(pod_object(namespace, pod, &annotation(keys))).unwrap();
    }

    /// Sets the annotation of a Pod in `shop`.
    pub(crate) fn annotate(&self, pod: &str, keys: &[String]) {
        let value = annotation(keys);
        self.server.store().annotate("shop", pod, ANNOTATION, Some(&value)).unwrap();
    }

    /// Runs it to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        Ran::from(output)
    }

    /// Starts `watch`.
    pub(crate) fn watch(&self, arguments: &[&str]) -> Watching {
        let mut command = self.command(&["watch"]);
        let child =
            command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Watching::new(child)
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

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Its first error, and nothing on stdout.
    pub(crate) fn error(&self) -> &str {
        assert_eq!((self.status, self.stdout.as_str()), (Some(1), ""), "{self:?}");
        self.stderr.strip_prefix("error: ").unwrap_or_else(|| panic!("{}", self.stderr))
    }
}

/// A running `watch`.
pub(crate) struct Watching {
    child: Child,
    lines: mpsc::Receiver<String>,
    errors: mpsc::Receiver<String>,
}

impl Watching {
    fn new(mut child: Child) -> Self {
        let lines = follow(BufReader::new(child.stdout.take().unwrap()));
        let errors = follow(BufReader::new(child.stderr.take().unwrap()));
        Self { child, lines, errors }
    }

    /// The next line of stdout.
    pub(crate) fn line(&mut self) -> String {
        receive(&self.lines)
    }

    /// The next line of stderr.
    pub(crate) fn error_line(&mut self) -> String {
        receive(&self.errors)
    }

    /// The next line of stdout, as JSON.
    pub(crate) fn event(&mut self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// Passes over events until one of this name.
    pub(crate) fn until(&mut self, name: &str) -> Value {
        loop {
            let event = self.event();
            if event["event"] == name {
                return event;
            }
        }
    }

    /// Sends a signal, waits for the end: the status, and what was not read yet of both outputs.
    pub(crate) fn end(mut self, signal: &str) -> Ran {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let status = self.child.wait().unwrap().code();
        let text = |lines: &mpsc::Receiver<String>| lines.iter().collect::<Vec<_>>().join("\n");
        Ran { status, stdout: text(&self.lines), stderr: text(&self.errors) }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts `watch` with a pipe for its output that the caller holds.
pub(crate) fn piped(rig: &Rig, arguments: &[&str]) -> (Child, ChildStdout) {
    let mut command = rig.command(&["watch"]);
    let mut child =
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdout = child.stdout.take().unwrap();
    (child, stdout)
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

fn receive(lines: &mpsc::Receiver<String>) -> String {
    tokio::task::block_in_place(|| lines.recv_timeout(PATIENCE)).unwrap()
}

/// The key of a provider; `more` are further parameters, `&name=value`.
pub(crate) fn provider(interface: &str, address: &str, more: &str) -> String {
    let url = format!("dubbo://{address}/{interface}?interface={interface}{more}");
    Key::leaf(interface, Category::Providers, &url).to_string()
}

pub(crate) fn annotation(keys: &[String]) -> String {
    encode(keys.iter().map(|key| Record::new(key)))
}

pub(crate) fn pod_object(namespace: &str, name: &str, annotation: &str) -> Value {
    json!({
        "metadata": {
            "namespace": namespace,
            "name": name,
            "labels": {"dubbo.io/label": "dubbo.io-value"},
            "annotations": {"dubbo.io/annotation": annotation},
        },
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

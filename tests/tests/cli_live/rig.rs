//! One server, one folder for its kubeconfig, and the binary run with nothing else around it.

use std::path::PathBuf;
use std::process::Command;

use dubbo_k8s_codec::{ANNOTATION, Category, Key, Record, encode};
use dubbo_k8s_tests::apiserver::{Grant, Options, Server, Verb};
use dubbo_k8s_tests::pods;
use dubbo_k8s_tests::program::{self, Ran, Running};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Who may read only what [`Rig::reader_of`] names.
const READER: &str = "ada";

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

    /// A token file of a user who may read the Pods of one namespace.
    pub(crate) fn reader_of(&self, namespace: &str) -> String {
        self.server.access().add_token("t0ken", READER);
        self.may_read(namespace);
        self.write("token", "t0ken").to_str().unwrap().to_owned()
    }

    /// Lets [`Rig::reader_of`] read another one.
    pub(crate) fn may_read(&self, namespace: &str) {
        self.server.access().grant(Grant::pods(READER, [Verb::List, Verb::Watch], [namespace]));
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
        let change = |pod: &mut Value| {
            pod["metadata"]["annotations"][ANNOTATION] = json!(value);
            pod["status"] = pods::running(&value);
        };
        self.server.store().update("shop", pod, change).unwrap();
    }

    /// Runs it to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        program::run(self.command(arguments)).await
    }

    /// Starts `watch`.
    pub(crate) fn watch(&self, arguments: &[&str]) -> Running {
        Running::start(self.watch_command(arguments))
    }

    /// `watch`, to be started.
    pub(crate) fn watch_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&["watch"]);
        command.args(arguments);
        command
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program::bare(program::dubbo_watcher());
        command.args(arguments).env("KUBECONFIG", &self.kubeconfig);
        command
    }
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
        "status": pods::running(annotation),
    })
}

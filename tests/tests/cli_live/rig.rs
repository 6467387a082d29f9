//! One server, one folder for its kubeconfig, and the binary run with nothing else around it.

use std::process::Command;

use dubbo_k8s_tests::apiserver::{Grant, Options, Verb};
use dubbo_k8s_tests::cluster::Cluster;
use dubbo_k8s_tests::pods::reannotate;
pub(crate) use dubbo_k8s_tests::pods::{annotation, provider, registered};
use dubbo_k8s_tests::program::Running;

/// Who may read only what [`Rig::reader_of`] names.
const READER: &str = "ada";

dubbo_k8s_tests::cluster_rig!(Rig);

impl Rig {
    /// A server whose kubeconfig names the namespace `shop`.
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        Self(Cluster::start(options, "shop").await.unwrap())
    }

    /// A token file of a user who may read the Pods of one namespace.
    pub(crate) fn reader_of(&self, namespace: &str) -> String {
        self.server.access().add_token("t0ken", READER);
        self.may_read(namespace);
        self.write("token", "t0ken").unwrap().to_str().unwrap().to_owned()
    }

    /// Lets [`Rig::reader_of`] read another one.
    pub(crate) fn may_read(&self, namespace: &str) {
        self.server.access().grant(Grant::pods(READER, [Verb::List, Verb::Watch], [namespace]));
    }

    /// Changes the kubeconfig.
    pub(crate) fn edit_kubeconfig(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.kubeconfig()).unwrap();
        assert!(text.contains(from), "{from} is not in it");
        std::fs::write(self.kubeconfig(), text.replace(from, to)).unwrap();
    }

    /// Adds a Pod that provides `interface` at `address`, in the namespace `shop`.
    pub(crate) fn provide(&self, pod: &str, interface: &str, address: &str) {
        self.create("shop", pod, &[provider(interface, address, "")]);
    }

    pub(crate) fn create(&self, namespace: &str, pod: &str, keys: &[String]) {
        self.server.store().create(registered(namespace, pod, &annotation(keys))).unwrap();
    }

    /// Sets the annotation of a Pod in `shop`.
    pub(crate) fn annotate(&self, pod: &str, keys: &[String]) {
        reannotate(self.server.store(), "shop", pod, &annotation(keys)).unwrap();
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
}

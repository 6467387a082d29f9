//! A server with one Pod, and the real `dubbo-watcher` with nothing else around it.

use dubbo_k8s_codec::{ANNOTATION, Annotation, LABEL, Record, encode};
use dubbo_k8s_tests::apiserver::{Grant, Options, Verb};
use dubbo_k8s_tests::cluster::Cluster;
use dubbo_k8s_tests::program::{self, Ran, Running};
use serde_json::{Value, json};

dubbo_k8s_tests::cluster_rig!(Rig);

impl Rig {
    /// A server with the Pod `user-0` in the namespace `shop`, which carries nothing.
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// The same, over a server that behaves like this.
    pub(crate) async fn start_with(options: Options) -> Self {
        let cluster = Cluster::start(options, "shop").await.unwrap();
        let store = cluster.server.store();
        store
            .create(json!({"metadata": {"namespace": "shop", "name": "user-0",
                "labels": {"app": "user"}, "annotations": {"team": "a"}}}))
            .unwrap();
        Self(cluster)
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
        program::run(command).await
    }

    /// Starts it inside of the Pod.
    pub(crate) fn start_program(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        command.env("HOSTNAME", "user-0").env("NAMESPACE", "shop");
        Running::start(command)
    }
}

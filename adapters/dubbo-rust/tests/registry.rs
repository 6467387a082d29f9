//! The registry as dubbo-rust uses it, on the scripted kube-apiserver: what is written into the Pod, and what comes out of
//! a subscription.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::time::Duration;

use dubbo::Url;
use dubbo::extension::registry_extension::{
    DiscoverStream, Registry, ServiceChange, to_extension_url,
};
use dubbo::extension::{EXTENSIONS, Extension as _};
use dubbo_k8s_codec::{Annotation, query_escape};
use dubbo_k8s_tests::apiserver::{Options, Server};
use dubbo_k8s_tests::pods::{ANNOTATION, Draft};
use dubbo_k8s_tests::registration::annotation;
use dubbo_registry_kubernetes::{Error, KubernetesRegistry, install, leave, registered};
use serde_json::{Value, json};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(30);
const PROVIDER: &str = "tri://0.0.0.0:20000/greet.GreetService?interface=greet.GreetService";
const CONSUMER: &str = "consumer://127.0.0.1:8888/greet.GreetService?interface=greet.GreetService";

/// A server, and where its kubeconfig is.
struct World {
    server: Server,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let server = Server::start(Options::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        server.write_kubeconfig(folder.path()).unwrap();
        Self { server, folder }
    }

    /// The registry's URL, with these parameters more.
    fn url(&self, parameters: &str) -> Url {
        let kubeconfig = self.server.write_kubeconfig(self.folder.path()).unwrap();
        let kubeconfig = query_escape(kubeconfig.to_str().unwrap());
        format!("kubernetes://?kubeconfig={kubeconfig}&namespace=shop{parameters}").parse().unwrap()
    }

    /// Puts a ready Pod that provides at this address; returns its name.
    fn pod(&self, suffix: &str, ip: &str, urls: &[&str]) -> String {
        let key = |url: &&str| format!("/dubbo/greet.GreetService/providers/{}", query_escape(url));
        let annotation = (!urls.is_empty()).then(|| annotation(urls.iter().map(key)));
        let draft = Draft {
            namespace: "shop",
            deployment: "greeter",
            template_hash: "5d4f",
            suffix,
            label: annotation.as_ref().map(|_| "dubbo.io-value"),
            annotation: annotation.as_deref(),
            phase: "Running",
            ready: true,
            ip,
            created: "2026-01-01T00:00:00Z",
        };
        self.server.store().create(draft.pod()).unwrap();
        draft.name()
    }

    fn edit(&self, name: &str, edit: impl FnOnce(&mut Value)) {
        let store = self.server.store();
        store.put(&store.prepare("shop", name, edit).unwrap());
    }

    /// The URLs that a Pod carries.
    fn carried(&self, name: &str) -> Vec<String> {
        let pod = self.server.store().pod("shop", name).unwrap();
        let Some(text) = pod["metadata"]["annotations"][ANNOTATION].as_str() else { return vec![] };
        let annotation = Annotation::decode(text).unwrap();
        let url = |key: &str| dubbo_k8s_codec::Key::parse(key).unwrap().url.unwrap().into_owned();
        annotation.records().map(|record| url(record.key)).collect()
    }
}

/// As dubbo-rust's directory: what it was given, and that nothing comes twice or goes before it came.
struct Directory {
    stream: DiscoverStream,
    urls: BTreeSet<String>,
}

impl Directory {
    async fn of(registry: &impl Registry) -> Self {
        let stream = registry.subscribe(CONSUMER.parse().unwrap()).await.unwrap();
        Self { stream, urls: BTreeSet::new() }
    }

    async fn becomes(&mut self, wanted: &[&str]) {
        let wanted: BTreeSet<String> = wanted.iter().map(|url| (*url).to_owned()).collect();
        while self.urls != wanted {
            let change = tokio::time::timeout(LIMIT, self.stream.recv()).await;
            let change = change.unwrap_or_else(|_| panic!("{:?}, not {wanted:?}", self.urls));
            match change.expect("the stream goes on").expect("no error is in the stream") {
                ServiceChange::Insert(url, ()) => assert!(self.urls.insert(url)),
                ServiceChange::Remove(url) => assert!(self.urls.remove(&url)),
            }
        }
    }
}

fn at(ip: &str) -> String {
    format!("tri://{ip}:20000/greet.GreetService?interface=greet.GreetService&side=provider")
}

fn open(url: Url) -> KubernetesRegistry {
    KubernetesRegistry::open(url).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_is_in_its_pod_from_register_to_unregister() {
    let world = World::new().await;
    let theirs = "tri://10.1.0.1:30000/greet.GreetService?interface=greet.GreetService";
    let pod = world.pod("own", "10.1.0.1", &[theirs]);
    let registry = open(world.url(&format!("&pod=shop/{pod}&host=10.1.0.1")));
    registry.register(PROVIDER.parse().unwrap()).await.unwrap();
    assert_eq!(world.carried(&pod), [theirs, &at("10.1.0.1")]);
    registry.register(PROVIDER.parse().unwrap()).await.unwrap();
    assert_eq!(world.carried(&pod).len(), 2);
    registry.unregister(PROVIDER.parse().unwrap()).await.unwrap();
    assert_eq!(world.carried(&pod), [theirs]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_of_another_pod_is_refused_and_nothing_written() {
    let world = World::new().await;
    let pod = world.pod("own", "10.1.0.1", &[]);
    let registry = open(world.url(&format!("&pod=shop/{pod}&host=10.1.0.2")));
    let refused = registry.register(PROVIDER.parse().unwrap()).await.unwrap_err();
    let refused = refused.downcast_ref::<Error>().unwrap();
    assert!(
        matches!(refused, Error::NotRegistered { url, .. } if *url == at("10.1.0.2")),
        "{refused}"
    );
    assert_eq!(world.carried(&pod), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_holds_the_ready_and_believed_providers_and_no_others() {
    let world = World::new().await;
    let (one, two) = (at("10.1.0.1"), at("10.1.0.2"));
    let first = world.pod("one", "10.1.0.1", &[&one]);
    world.pod("liar", "10.1.0.9", &[&at("10.1.0.8"), "dubbo://10.1.0.9:20880/greet.GreetService"]);
    let other = format!("{}&version=2.0.0", at("10.1.0.7"));
    world.pod("other", "10.1.0.7", &[&other]);
    let registry = open(world.url(""));
    let mut directory = Directory::of(&registry).await;
    directory.becomes(&[&one]).await;

    let second = world.pod("two", "10.1.0.2", &[&two]);
    directory.becomes(&[&one, &two]).await;
    let ready = |status: &'static str| {
        move |pod: &mut Value| {
            let conditions = pod["status"]["conditions"].as_array_mut().unwrap();
            let ready = conditions.iter_mut().find(|condition| condition["type"] == "Ready");
            ready.unwrap()["status"] = json!(status);
        }
    };
    world.edit(&first, ready("False"));
    directory.becomes(&[&two]).await;
    world.edit(&first, ready("True"));
    directory.becomes(&[&one, &two]).await;
    world.server.store().terminate("shop", &second).unwrap();
    directory.becomes(&[&one]).await;
    world.server.store().delete("shop", &first).unwrap();
    directory.becomes(&[]).await;

    let registry = open(world.url("&service-version=2.0.0"));
    let mut versioned = Directory::of(&registry).await;
    versioned.becomes(&[&other]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_anew_gives_the_exact_difference() {
    let mut world = World::new().await;
    let [one, two, three] = [at("10.1.0.1"), at("10.1.0.2"), at("10.1.0.3")];
    let first = world.pod("one", "10.1.0.1", &[&one]);
    world.pod("two", "10.1.0.2", &[&two]);
    let registry = open(world.url(""));
    let mut directory = Directory::of(&registry).await;
    directory.becomes(&[&one, &two]).await;
    world.server.stop().await;
    world.server.store().delete("shop", &first).unwrap();
    world.pod("three", "10.1.0.3", &[&three]);
    world.server.store().compact();
    world.server.resume().await.unwrap();
    directory.becomes(&[&two, &three]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_ends_when_it_is_unsubscribed() {
    let world = World::new().await;
    let one = at("10.1.0.1");
    world.pod("one", "10.1.0.1", &[&one]);
    let registry = open(world.url(""));
    let mut directory = Directory::of(&registry).await;
    directory.becomes(&[&one]).await;
    registry.unsubscribe(CONSUMER.parse().unwrap()).await.unwrap();
    assert!(tokio::time::timeout(LIMIT, directory.stream.recv()).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dubbo_rust_loads_it_by_its_protocol_and_a_process_leaves_with_all_it_registered() {
    let world = World::new().await;
    let pod = world.pod("own", "10.1.0.1", &[]);
    install().await.unwrap();
    let url = world.url(&format!("&pod=shop/{pod}&host=10.1.0.1"));
    let loaded = EXTENSIONS.load_registry(to_extension_url(url.clone())).await.unwrap();
    assert_eq!(loaded.url(), &url);
    let mut directory = Directory::of(&loaded).await;
    loaded.register(PROVIDER.parse().unwrap()).await.unwrap();
    directory.becomes(&[&at("10.1.0.1")]).await;
    assert!(registered().await.contains(&at("10.1.0.1")));
    leave().await.unwrap();
    directory.becomes(&[]).await;
    assert_eq!(world.carried(&pod), [""; 0]);

    let misspelt = world.url("&ready_only=true");
    assert!(EXTENSIONS.load_registry(to_extension_url(misspelt.clone())).await.is_err());
    let error = KubernetesRegistry::create(to_extension_url(misspelt)).await.err().unwrap();
    assert!(error.to_string().contains("ready_only"), "{error}");
}

//! `--auth kubernetes`: a caller that may list Pods in a namespace sees it, and only it.

use std::net::SocketAddr;
use std::sync::Arc;

use dubbo_k8s_engine::{Scopes, Settings};
use dubbo_k8s_registry::kube::Client;
use dubbo_k8s_registry::kube::config::{Config as Connection, Environment, Overrides};
use dubbo_k8s_registry::{Config, Registry};
use dubbo_k8s_tests::apiserver::{ADMIN, Grant, Options as ClusterOptions, Server, Verb};
use dubbo_k8s_watcher::serve::{self, Access, Options, Reviewer, Tls};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::client::{Answer, get, open};
use crate::rig::{annotation, pod, provider, within};

const TOKEN_REVIEWS: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
const ACCESS_REVIEWS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/// A registry of the namespaces `default` and `shop`, and callers: `ann` may list the Pods of `shop`, `bob` those of
/// `other`, `root` everything.
pub(crate) struct Guarded {
    cluster: Server,
    pub(crate) address: SocketAddr,
}

impl Guarded {
    async fn new(scopes: Option<Scopes>, audiences: &[&str]) -> Self {
        Self::with(scopes, audiences, None).await
    }

    async fn with(scopes: Option<Scopes>, audiences: &[&str], tls: Option<Tls>) -> Self {
        let cluster = Server::start(ClusterOptions::default()).await.unwrap();
        for user in ["ann", "bob", "root"] {
            cluster.access().add_token(format!("token-of-{user}"), user);
        }
        cluster.access().grant(Grant::pods("ann", [Verb::List], ["shop"]));
        cluster.access().grant(Grant::pods("bob", [Verb::List], ["other"]));
        cluster.access().grant(Grant::all("root"));
        let both = provider("a.Both", 3);
        for (namespace, own) in [("default", "a.Default"), ("shop", "a.Shop")] {
            let url = "dubbo://u:hunter2@10.0.0.9:1/a.Secret";
            let secret =
                format!("/dubbo/a.Secret/providers/{}", dubbo_k8s_codec::query_escape(url));
            let value = annotation(&[provider(own, 1), both.clone(), secret]);
            let mut pod = pod(&format!("pod-of-{namespace}"), &value);
            pod["metadata"]["namespace"] = namespace.into();
            cluster.store().create(pod).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = Some(cluster.write_kubeconfig(folder.path()).unwrap());
        let overrides = Overrides { kubeconfig, ..Overrides::default() };
        let connection = Connection::load(&overrides, &Environment::empty([])).unwrap();
        let client = Client::new(connection.clone()).unwrap();
        let followed = scopes.as_ref().map(|_| vec!["default".to_owned(), "shop".to_owned()]);
        let settings = Settings::new(scopes.unwrap_or_else(Scopes::all));
        let registry = Registry::connect(Config::new(connection, settings)).unwrap();
        assert!(within(registry.synced()).await);
        let audiences = audiences.iter().map(|name| (*name).to_owned()).collect();
        let reviewer = Arc::new(Reviewer::new(client, audiences, followed));
        let options = Options { access: Access::Kubernetes(reviewer), tls, ..Options::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            serve::run(listener, &registry, options, std::future::pending()).await.unwrap();
        });
        Self { cluster, address }
    }

    /// Of the two namespaces, over TLS.
    pub(crate) async fn over_tls(tls: Tls) -> Self {
        Self::with(Scopes::namespaces(["default", "shop"]), &[], Some(tls)).await
    }

    /// Of the two namespaces.
    async fn of_two() -> Self {
        Self::new(Scopes::namespaces(["default", "shop"]), &[]).await
    }

    async fn get(&self, user: &str, path: &str) -> Answer {
        get(self.address, path, &[("authorization", &format!("Bearer token-of-{user}"))]).await
    }

    fn asked(&self, path: &str) -> usize {
        self.cluster.requests().all().iter().filter(|request| request.target == path).count()
    }
}

/// The interfaces of a snapshot, and the namespaces of all holders.
fn seen(snapshot: &Value) -> (Vec<&str>, Vec<&str>) {
    let services = snapshot["services"].as_array().unwrap();
    let interfaces = services.iter().map(|service| service["interface"].as_str().unwrap());
    let providers = services.iter().flat_map(|service| service["providers"].as_array().unwrap());
    let holders = providers.flat_map(|provider| provider["holders"].as_array().unwrap());
    let mut namespaces: Vec<_> =
        holders.map(|holder| holder["namespace"].as_str().unwrap()).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    (interfaces.collect(), namespaces)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_sees_the_namespaces_in_which_it_may_list_pods() {
    let guarded = Guarded::of_two().await;
    let snapshot = guarded.get("ann", "/v1/snapshot").await.json();
    assert_eq!(seen(&snapshot), (vec!["a.Both", "a.Secret", "a.Shop"], vec!["shop"]));
    assert_eq!((&snapshot["pods"], &snapshot["records"]), (&json!(1), &json!(3)));
    let annotations = guarded.get("ann", "/v1/annotations").await.json();
    let pods = annotations["pods"].as_array().unwrap();
    assert_eq!((pods.len(), &pods[0]["namespace"]), (1, &json!("shop")));
    for path in ["/status", "/v1/snapshot?service=*"] {
        let answer = guarded.get("ann", path).await;
        assert!(answer.text().contains("a.Shop") && !answer.text().contains("a.Default"), "{path}");
    }

    let snapshot = guarded.get("root", "/v1/snapshot").await.json();
    let all = vec!["a.Both", "a.Default", "a.Secret", "a.Shop"];
    assert_eq!(seen(&snapshot), (all, vec!["default", "shop"]));
    assert!(snapshot.to_string().contains("u:hunter2@"), "the caller is known");
    let snapshot = guarded.get("root", "/v1/snapshot?namespace=shop").await.json();
    assert_eq!(seen(&snapshot).1, ["shop"], "as it was asked for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_may_not_list_pods_sees_nothing() {
    let guarded = Guarded::of_two().await;
    let paths = ["/v1/snapshot", "/v1/annotations", "/v1/events", "/status", "/metrics"];
    for path in paths {
        for headers in
            [&[][..], &[("authorization", "Bearer other")], &[("authorization", "Basic x")]]
        {
            let answer = get(guarded.address, path, headers).await;
            assert_eq!(
                (answer.status, answer.header("www-authenticate")),
                (401, "Bearer"),
                "{path}"
            );
        }
        let answer = guarded.get("bob", path).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (403, "application/problem+json")
        );
        assert!(!answer.text().contains("a.Shop"));
    }
    assert_eq!(guarded.get("ann", "/v1/snapshot?namespace=default").await.status, 403);
    assert_eq!(
        guarded.get("ann", "/v1/snapshot?namespace=shop&namespace=default").await.status,
        403
    );
    assert_eq!(guarded.get("ann", "/metrics").await.status, 403, "no right to the path");
    assert_eq!(guarded.get("root", "/metrics").await.status, 200);
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        assert_eq!(get(guarded.address, path, &[]).await.status, 200, "{path} shows no Pod");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_all_namespaces_a_caller_names_the_one_that_it_may_see() {
    let guarded = Guarded::new(None, &[]).await;
    let answer = guarded.get("ann", "/v1/snapshot").await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("?namespace="), "{}", answer.text());
    let snapshot = guarded.get("ann", "/v1/snapshot?namespace=shop").await.json();
    assert_eq!(seen(&snapshot).1, ["shop"]);
    assert_eq!(guarded.get("ann", "/v1/snapshot?namespace=default").await.status, 403);
    let snapshot = guarded.get("root", "/v1/snapshot").await.json();
    assert_eq!(seen(&snapshot).1, ["default", "shop"]);
}

/// The names of the Pods in an answer, and the uids of those that are gone.
fn changes(answer: &Value) -> (Vec<&str>, usize) {
    let pods = answer["pods"].as_array().unwrap();
    let names = pods.iter().map(|pod| pod["name"].as_str().unwrap()).collect();
    (names, answer["gone"].as_array().map_or(0, Vec::len))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_show_a_caller_its_own_namespace_only() {
    let guarded = Guarded::of_two().await;
    let revision = |answer: &Answer| answer.json()["revision"].as_str().unwrap().to_owned();
    let whole = guarded.get("ann", "/v1/annotations").await;
    assert_eq!(whole.header("etag"), format!("W/\"{}\"", revision(&whole)));
    let since = |revision: &str| format!("/v1/annotations?since={revision}&wait=30s");
    let path = since(&revision(&whole));
    // The first request is what the server begins to remember with.
    let none = guarded.get("ann", &path.replace("30s", "0")).await;
    assert_eq!(changes(&none.json()), (vec![], 0));

    let store = guarded.cluster.store();
    let bad = |namespace: &str| {
        let mut pod = pod(&format!("new-of-{namespace}"), "!!");
        pod["metadata"]["namespace"] = namespace.into();
        store.create(pod).unwrap();
    };
    bad("default");
    let mut known = guarded.get("ann", &path).await;
    assert_eq!(changes(&known.json()), (vec![], 0), "{}", known.text());
    bad("shop");
    known = guarded.get("ann", &since(&revision(&known))).await;
    assert_eq!(changes(&known.json()), (vec!["new-of-shop"], 0));
    store.delete("default", "pod-of-default").unwrap();
    known = guarded.get("ann", &since(&revision(&known))).await;
    assert_eq!(changes(&known.json()), (vec![], 0), "{}", known.text());
    store.delete("shop", "pod-of-shop").unwrap();
    known = guarded.get("ann", &since(&revision(&known))).await;
    assert_eq!(changes(&known.json()), (vec![], 1));
    let tag = [("authorization", "Bearer token-of-ann"), ("if-none-match", known.header("etag"))];
    assert_eq!(get(guarded.address, "/v1/annotations", &tag).await.status, 304);

    // A caller that sees more than before does not have what it was not shown.
    guarded.cluster.access().add_token("token-of-eve", "eve");
    guarded.cluster.access().grant(Grant::pods("eve", [Verb::List], ["default"]));
    let other = guarded.get("eve", &since(&revision(&known))).await.json();
    assert_eq!(other.get("since"), None, "{other}");
    assert_eq!(changes(&other), (vec!["new-of-default"], 0));
    let tag = [("authorization", "Bearer token-of-eve"), ("if-none-match", known.header("etag"))];
    assert_eq!(get(guarded.address, "/v1/annotations", &tag).await.status, 200);
    let all = guarded.get("root", &since(&revision(&known))).await.json();
    assert_eq!((all.get("since"), changes(&all).0.len()), (None, 2));
}

/// A caller whose rights have grown names a state that it has not seen all of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_caller_has_seen_is_not_known_to_another_that_sees_more_or_less() {
    let guarded = Guarded::of_two().await;
    let ask = async |name: &str, path: &str, header: &str, known: &str| {
        let token = format!("Bearer token-of-{name}");
        get(guarded.address, path, &[("authorization", &token), (header, known)]).await
    };
    for path in ["/v1/snapshot", "/v1/annotations"] {
        let [ann, root] = [guarded.get("ann", path).await, guarded.get("root", path).await];
        let [ann, root] = [ann.header("etag"), root.header("etag")];
        assert_ne!(ann, root, "{path}");
        for (name, known, status) in
            [("ann", ann, 304), ("ann", root, 200), ("root", root, 304), ("root", ann, 200)]
        {
            let answer = ask(name, path, "if-none-match", known).await;
            assert_eq!(answer.status, status, "{path} of {name} with {known}");
        }
    }
    let headers = [("authorization", "Bearer token-of-ann")];
    let first = open(guarded.address, "/v1/events", &headers).await.next().await.unwrap();
    let headers = [("authorization", "Bearer token-of-root"), ("last-event-id", &*first.id)];
    let other = open(guarded.address, "/v1/events", &headers).await.next().await.unwrap();
    assert_eq!((&*other.name, seen(&other.data).1), ("snapshot", vec!["default", "shop"]));
}

/// The other namespace changes first: nothing of it may come before what the caller may see.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_shows_a_caller_its_own_namespace_only() {
    let guarded = Guarded::of_two().await;
    let headers = [("authorization", "Bearer token-of-ann")];
    let mut stream = open(guarded.address, "/v1/events", &headers).await;
    let first = stream.next().await.unwrap();
    assert_eq!((&*first.name, seen(&first.data).1), ("snapshot", vec!["shop"]));
    let write = |namespace: &str, interface: &str| {
        let value = annotation(&[provider(interface, 7)]);
        let name = format!("pod-of-{namespace}");
        let annotation = dubbo_k8s_codec::ANNOTATION;
        guarded.cluster.store().annotate(namespace, &name, annotation, Some(&value)).unwrap();
    };
    write("default", "a.Other");
    write("shop", "a.Mine");
    loop {
        let event = stream.next().await.unwrap();
        assert!(!event.data.to_string().contains("a.Other"), "{event:?}");
        if event.name == "snapshot" && seen(&event.data).0 == ["a.Mine"] {
            break;
        }
    }
    let all = guarded.get("root", "/v1/snapshot").await.json();
    assert!(seen(&all).0.contains(&"a.Other"), "the other one was written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_of_the_server_are_used_again_for_a_short_time() {
    let guarded = Guarded::of_two().await;
    for _ in 0..20 {
        assert_eq!(guarded.get("ann", "/v1/snapshot").await.status, 200);
        assert_eq!(
            get(guarded.address, "/v1/snapshot", &[("authorization", "Bearer x")]).await.status,
            401
        );
    }
    // Of two tokens one, and for the known user one namespace each.
    assert_eq!((guarded.asked(TOKEN_REVIEWS), guarded.asked(ACCESS_REVIEWS)), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_server_no_new_caller_sees_anything() {
    let mut guarded = Guarded::of_two().await;
    assert_eq!(guarded.get("ann", "/v1/snapshot").await.status, 200);
    guarded.cluster.stop().await;
    let answer = guarded.get("root", "/v1/snapshot").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "5"), "{}", answer.text());
    assert_eq!(guarded.get("ann", "/v1/snapshot").await.status, 200, "known a short time ago");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_for_another_audience_is_no_token() {
    let guarded = Guarded::new(Scopes::namespaces(["default", "shop"]), &["dubbo-watcher"]).await;
    assert_eq!(guarded.get("root", "/v1/snapshot").await.status, 401);
}

/// A server whose own account may not review callers says what is missing, to every caller.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_right_to_review_is_said() {
    let guarded = Guarded::of_two().await;
    guarded.cluster.access().revoke_grants(ADMIN);
    let answer = guarded.get("ann", "/v1/snapshot").await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("system:auth-delegator"), "{}", answer.text());
}

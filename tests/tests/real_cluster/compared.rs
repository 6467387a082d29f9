//! The scripted server beside a real one: both hold the same Pods and are asked the same recorded requests. Status, type,
//! body and the order of events agree, or the request stands in `differences.txt`. It never leaves a request out unless
//! `recorded.rs` says why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use dubbo_k8s_tests::apiserver::{Exchange, Grant, Options, Server, Verb};
use dubbo_k8s_tests::control_plane::ControlPlane;
use dubbo_k8s_tests::pods::LABEL;
use dubbo_k8s_tests::raw::Endpoint;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::answer::Answer;
use crate::cluster::{Cluster, Namespace, soon};
use crate::recorded::{FUTURE, State, is_target, recorded_pods, recordings};
use crate::scenarios::{key, pod};

/// The namespace and the `ServiceAccount` of the recordings.
const NAMESPACE: &str = "capture";
const ACCOUNT: &str = "dubbo";

const DIFFERENCES: &str = include_str!("differences.txt");

/// A server of either kind.
struct Side {
    endpoint: Endpoint,
    /// Of the one that answers plain HTTP on the port of HTTPS.
    plain: Endpoint,
    admin: String,
    account: String,
}

pub(crate) async fn run_all(server: &mut ControlPlane, cluster: &Cluster) {
    let namespace = cluster.named(NAMESPACE).await;
    let account = account(cluster, &namespace).await;
    for pod in recorded_pods() {
        namespace.create_with_status(&pod).await;
    }
    let version = version_of(&namespace.list("limit=1", "application/json").await);
    server.etcdctl(&["compact", &version]);
    // Its cache of what can be watched begins anew as well, not before the version of now.
    server.kill_apiserver();
    server.start_apiserver().await;
    let list = namespace.list("", "application/json").await;
    let version = version_of(&list);
    let scripted = scripted(&list, &account).await;
    let sides = [
        Side {
            endpoint: cluster.anonymous(),
            plain: Endpoint::new(&server.url().replace("https", "http"), None, None, None).unwrap(),
            admin: server.token().to_owned(),
            account: account.clone(),
        },
        Side {
            endpoint: Endpoint::new(&scripted.url(), Some(&scripted.ca_pem()), None, None).unwrap(),
            plain: Endpoint::new(&format!("http://{}", scripted.address()), None, None, None)
                .unwrap(),
            admin: scripted.token().to_owned(),
            account,
        },
    ];
    let patched = list["items"].as_array().unwrap().iter().find(|pod| is_target(pod)).unwrap();
    let state = State { version, patched: patched["metadata"].clone() };
    let release = server_release(cluster).await;
    let compared = compare(&sides, &state).await;
    judge(&release, &compared);
    namespace.remove().await;
}

fn version_of(list: &Value) -> String {
    list["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
}

/// By request: how the answers differ; empty when they agree.
async fn compare(sides: &[Side; 2], state: &State) -> BTreeMap<String, String> {
    let recorded: Vec<Exchange> = recordings().collect();
    let (patches, reads): (Vec<_>, Vec<_>) =
        recorded.into_iter().partition(|it| it.request.0 == "PATCH");
    let (watches, lists): (Vec<_>, Vec<_>) =
        reads.into_iter().partition(|it| it.request.1.contains("watch=true"));
    let mut compared = BTreeMap::new();
    let pairs = lists.iter().map(|recorded| ask(sides, recorded, state, None));
    for (name, answers) in join_all(pairs).await {
        compared.insert(name, difference(&answers));
    }
    compared.extend(watched(sides, &watches, state).await);
    // What server-side apply changed is not there at the scripted server, so that comes last.
    let (applied, patches): (Vec<_>, Vec<_>) =
        patches.into_iter().partition(|it| it.name.contains("apply"));
    for recorded in patches.iter().chain(&applied) {
        let (name, answers) = ask(sides, recorded, state, None).await;
        compared.insert(name, difference(&answers));
    }
    compared
}

/// All watches at once, and changes while they are open.
async fn watched(
    sides: &[Side; 2],
    watches: &[Exchange],
    state: &State,
) -> BTreeMap<String, String> {
    let opened = watch::Sender::new(0);
    let asked = watches.iter().map(|recorded| ask(sides, recorded, state, Some(&opened)));
    // Those from the future are not answered before their time.
    let late = watches.iter().filter(|it| it.request.1.contains(FUTURE)).count();
    let all = 2 * (watches.len() - late);
    let story = async {
        let mut count = opened.subscribe();
        soon("the watches", count.wait_for(|count| *count >= all)).await.unwrap();
        for side in sides {
            change_pods(side).await;
        }
    };
    let (asked, ()) = tokio::join!(join_all(asked), story);
    asked.into_iter().map(|(name, answers)| (name, difference(&answers))).collect()
}

/// The changes that the watches see.
async fn change_pods(side: &Side) {
    let pods = format!("/api/v1/namespaces/{NAMESPACE}/pods");
    let (merge, json) = ("application/merge-patch+json", "application/json");
    let target = format!("{pods}/gateway-6b7f9c5d4f-9rz2m");
    let label = |value: Value| json!({"metadata": {"labels": {LABEL: value}}});
    let annotate = json!({"metadata": {"annotations": {"example.com/seen": "1"}}});
    let steps = [
        ("PATCH", target.clone(), merge, annotate),
        ("PATCH", target.clone(), merge, label(Value::Null)),
        ("PATCH", target.clone(), merge, label(json!("dubbo.io-value"))),
        ("POST", pods.clone(), json, pod("story", Some(&key("story")))),
        ("PATCH", format!("{pods}/story"), merge, label(json!("other"))),
        ("PATCH", format!("{pods}/story"), merge, label(json!("dubbo.io.provider"))),
        ("DELETE", format!("{pods}/story"), json, Value::Null),
        ("DELETE", format!("{pods}/story?gracePeriodSeconds=0"), json, Value::Null),
    ];
    let endpoint = side.endpoint.clone().with_token(&side.admin);
    for (method, target, content_type, body) in steps {
        let headers = [("Content-Type", content_type), ("Accept", "application/json")];
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let mut reply = endpoint.send(method, &target, &headers, &body).await.unwrap();
        let answer = reply.body().await.unwrap();
        let text = String::from_utf8_lossy(&answer);
        assert!(matches!(reply.status, 200 | 201), "{method} {target}: {text}");
    }
}

async fn ask(
    sides: &[Side; 2],
    recorded: &Exchange,
    state: &State,
    opened: Option<&watch::Sender<usize>>,
) -> (String, [Answer; 2]) {
    let [real, scripted] = sides;
    let answers =
        tokio::join!(one(real, recorded, state, opened), one(scripted, recorded, state, opened));
    (recorded.name.clone(), answers.into())
}

async fn one(
    side: &Side,
    recorded: &Exchange,
    state: &State,
    opened: Option<&watch::Sender<usize>>,
) -> Answer {
    let token = match recorded.meta["identity"].as_str().unwrap() {
        "an empty bearer token" => "",
        "a bearer token the server does not know" => "unknown",
        text if text.contains("admin") => &side.admin,
        _ => &side.account,
    };
    let newest =
        if recorded.request.0 == "PATCH" { newest(side, state).await } else { String::new() };
    let request = state.request(recorded, token, &newest);
    let endpoint = if recorded.name.starts_with("18-plain") { &side.plain } else { &side.endpoint };
    let work = async {
        let mut reply = endpoint.send_bytes(&request).await.unwrap();
        if let Some(opened) = opened {
            opened.send_modify(|count| *count += 1);
        }
        Answer::read(&mut reply).await
    };
    soon(&recorded.name, work).await
}

/// The version of the Pod that patches change.
async fn newest(side: &Side, state: &State) -> String {
    let target = format!("/api/v1/namespaces/{NAMESPACE}/pods/{}", state.target());
    let endpoint = side.endpoint.clone().with_token(&side.admin);
    let mut reply = endpoint.get(&target, "application/json").await.unwrap();
    let pod: Value = serde_json::from_slice(&reply.body().await.unwrap()).unwrap();
    pod["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
}

fn difference([real, scripted]: &[Answer; 2]) -> String {
    let mut text = String::new();
    for (what, real, scripted) in real.differences(scripted) {
        let _ = write!(text, "\n    {what}\n      real     {real}\n      scripted {scripted}");
    }
    text
}

/// Fails unless exactly the listed requests differ.
fn judge(release: &str, compared: &BTreeMap<String, String>) {
    let listed: BTreeSet<&str> = listed(release).collect();
    let mut wrong = String::new();
    for (name, difference) in compared {
        match (listed.contains(name.as_str()), difference.is_empty()) {
            (true, true) => {
                let _ = writeln!(wrong, "{name}: stale, both answer the same");
            }
            (false, false) => {
                let _ = writeln!(wrong, "{name}:{difference}");
            }
            _ => {}
        }
    }
    for name in listed.into_iter().filter(|name| !compared.contains_key(*name)) {
        let _ = writeln!(wrong, "{name}: there is no such request");
    }
    assert!(wrong.is_empty(), "{release}:\n{wrong}");
    assert!(compared.len() > 100, "{}", compared.len());
}

/// The requests that differ on a release; `*` stands for all of them.
fn listed(release: &str) -> impl Iterator<Item = &str> {
    let lines = DIFFERENCES.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.filter_map(move |line| {
        let mut words = line.split_whitespace();
        let (name, releases) = (words.next()?, words.next()?);
        ["*", release].contains(&releases).then_some(name)
    })
}

async fn server_release(cluster: &Cluster) -> String {
    let version: Value = serde_json::from_str(&cluster.text("/version").await).unwrap();
    let version = version["gitVersion"].as_str().unwrap();
    version.trim_start_matches('v').splitn(3, '.').take(2).collect::<Vec<_>>().join(".")
}

/// The scripted server in the same state, with the same user.
async fn scripted(list: &Value, token: &str) -> Server {
    let options = Options { resource_version: 1, ..Options::default() };
    let server = Server::start(options).await.unwrap();
    server.store().import(list).unwrap();
    server.store().compact();
    let user = format!("system:serviceaccount:{NAMESPACE}:{ACCOUNT}");
    server.access().add_token(token, &user);
    let verbs = [Verb::Get, Verb::List, Verb::Watch, Verb::Patch];
    server.access().grant(Grant::pods(&user, verbs, [NAMESPACE]));
    server
}

/// A `ServiceAccount` with the rights of the recordings: its token.
async fn account(cluster: &Cluster, namespace: &Namespace<'_>) -> String {
    namespace.account(ACCOUNT, &["get", "list", "watch", "patch"]).await;
    cluster.token(NAMESPACE, ACCOUNT, None).await
}

//! The agent on a real kube-apiserver, by the token of its own Pod: it is killed and started again while an application
//! renews, another one has crashed, and a third ends.

use std::fs;

use dubbo_k8s_codec::{ANNOTATION, Annotation, Key};
use dubbo_k8s_tests::agent::Agent;
use dubbo_k8s_tests::apiserver::kubeconfig;
use dubbo_k8s_tests::control_plane::ControlPlane;
use serde_json::json;

use crate::cluster::{Cluster, Namespace, soon};
use crate::scenarios::pod;

const POD: &str = "agent-0";
const IP: &str = "10.244.3.7";

pub(crate) async fn run_all(server: &ControlPlane, cluster: &Cluster) {
    let namespace = cluster.namespace("agent").await;
    namespace.account("agent", &["get", "list", "watch", "patch"]).await;
    let mut own = pod(POD, None);
    own["spec"]["serviceAccountName"] = json!("agent");
    namespace.run(&own, &[IP]).await;
    let made = namespace.pod(POD).await;
    let bound =
        json!({"apiVersion": "v1", "kind": "Pod", "name": POD, "uid": made["metadata"]["uid"]});
    let token = cluster.token(&namespace.name, "agent", Some(&bound)).await;
    let text = kubeconfig(&server.url(), Some(&server.authority_pem()), &token, &namespace.name);
    let (path, socket) = (server.folder().join("agent"), server.folder().join("agent.sock"));
    fs::write(&path, text).unwrap();
    let start = || Agent::start(&path, [&namespace.name, POD], &socket, &[]);
    soon("the agent", killed_and_started_again(&namespace, start)).await;
    namespace.remove().await;
}

async fn killed_and_started_again(namespace: &Namespace<'_>, start: impl Fn() -> Agent) {
    let agent = start();
    assert_eq!(agent.get("/v1/agent").await.json()["pod"]["ips"], json!([IP]));
    for (id, numbers, seconds) in
        [("lives", &[0, 1][..], 30), ("crashed", &[1, 2], 5), ("ends", &[3], 30)]
    {
        let answer = agent.put_for(id, &urls(numbers), seconds).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_eq!(registered(namespace).await, urls(&[0, 1, 2, 3]));
    let refused =
        agent.put("other", &["dubbo://10.244.3.8:20880/com.example.Service0".to_owned()]).await;
    assert_eq!(refused.problem(), "address-not-pod");
    agent.end("-KILL");

    let agent = start();
    agent.running.says("took over 3 registrations of an earlier agent");
    assert_eq!(registered(namespace).await, urls(&[0, 1, 2, 3]), "nothing is lost");
    let mut events = agent.events("com.example.Service2").await;
    assert_eq!(agent.put("lives", &urls(&[0, 1])).await.status, 200);
    assert_eq!(agent.delete("ends").await.status, 204);
    assert_eq!(events.next().await.0, "removed", "what is not renewed goes within its lease");
    assert_eq!(registered(namespace).await, urls(&[0, 1]), "nothing is left behind");
    agent.end("-TERM");
    assert_eq!(registered(namespace).await, urls(&[]));
    let annotations = namespace.pod(POD).await["metadata"]["annotations"].take();
    assert!(annotations["dubbo.io/agent"].is_null(), "{annotations}");
}

/// The URLs in the Pod, in order.
async fn registered(namespace: &Namespace<'_>) -> Vec<String> {
    let pod = namespace.pod(POD).await;
    let Some(value) = pod["metadata"]["annotations"][ANNOTATION].as_str() else {
        return Vec::new();
    };
    let annotation = Annotation::decode(value).unwrap();
    let url = |key: &str| Key::parse(key).unwrap().url.unwrap().into_owned();
    let mut urls: Vec<_> = annotation.records().map(|record| url(record.key)).collect();
    urls.sort();
    urls
}

fn urls(numbers: &[usize]) -> Vec<String> {
    numbers.iter().map(|number| format!("dubbo://{IP}:20880/com.example.Service{number}")).collect()
}

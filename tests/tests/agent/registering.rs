//! Registering, changing and ending registrations, and subscribing to what comes of it.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::rig::{IP, LEASES, Rig, url, urls};
use dubbo_k8s_tests::agent::{Answer, ask};
use dubbo_k8s_tests::raw::Endpoint;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_agent_says_whose_it_is_to_its_own_user_alone() {
    let rig = Rig::start().await;
    let agent = rig.agent(&[]);
    let about = agent.get("/v1/agent").await;
    assert_eq!((about.status, &about.headers["dubbo-agent-api"]), (200, &"1".parse().unwrap()));
    let about = about.json();
    let uid = rig.cluster.server.store().pod("shop", "user-0").unwrap()["metadata"]["uid"].take();
    assert_eq!(
        (&about["api"], &about["pod"]),
        (&json!(1), &json!({"namespace": "shop", "name": "user-0", "uid": uid, "ips": [IP]}))
    );
    let mode = std::fs::metadata(agent.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let socket = agent.socket().to_owned();
    assert_eq!(agent.end("-TERM").status, Some(0));
    assert!(!socket.exists(), "it takes its socket along");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_is_in_the_pod_when_it_is_answered_and_the_same_again_writes_nothing() {
    let rig = Rig::start().await;
    let agent = rig.agent(&[]);
    let answer = agent.put("app", &urls(0..2)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    assert_eq!((&body["id"], &body["leaseSeconds"]), (&json!("app"), &json!(30)));
    let shown = |body: &Value| -> Vec<(String, String)> {
        let all = body["urls"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        all.map(|one| (text(&one["url"]), text(&one["state"]))).collect()
    };
    let registered: Vec<_> =
        urls(0..2).into_iter().map(|url| (url, "registered".to_owned())).collect();
    assert_eq!(shown(&body), registered);
    assert_eq!((rig.urls(), rig.patches()), (urls(0..2), 1));
    assert_eq!(rig.annotations()["team"], "a", "what others wrote stays");

    assert_eq!(agent.put("app", &urls([1, 0])).await.status, 200);
    assert_eq!(rig.patches(), 1, "the same again renews the lease and writes nothing");

    assert_eq!(agent.put("app", &urls(1..3)).await.status, 200);
    assert_eq!((rig.urls(), rig.patches()), (urls(1..3), 2), "the difference is one request");

    assert_eq!(agent.delete("app").await.status, 204);
    assert_eq!(rig.annotations(), json!({"team": "a"}), "nothing of it is left");
    assert_eq!(agent.delete("app").await.problem(), "unknown-registration");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_of_two_registrations_goes_with_the_last() {
    let rig = Rig::start().await;
    let agent = rig.agent(&[]);
    agent.put("one", &urls([0, 1])).await;
    agent.put("two", &urls([1, 2])).await;
    assert_eq!((agent.ids().await, rig.urls()), (vec!["one".into(), "two".into()], urls(0..3)));
    agent.delete("one").await;
    assert_eq!(rig.urls(), urls(1..3));
    agent.put("two", &urls([2])).await;
    assert_eq!(rig.urls(), urls([2]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_hears_of_its_service_and_of_no_other() {
    let rig = Rig::start().await;
    let agent = rig.agent(&[]);
    let mut events = agent.events("com.example.Service1:1.0.0").await;
    agent.put("app", &urls(0..2)).await;
    let (name, event) = events.next().await;
    assert_eq!((&*name, &event["url"]), ("added", &json!(url(1))));
    agent.put("app", &urls([0])).await;
    let (name, event) = events.next().await;
    assert_eq!((&*name, &event["url"]), ("removed", &json!(url(1))));
    let snapshot = agent.get("/v1/snapshot?service=com.example.Service0:1.0.0").await.json();
    assert_eq!(snapshot["services"][0]["providers"][0]["url"], url(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_owner_of_the_socket_sees_the_tokens_in_urls_and_a_loopback_client_does_not() {
    let rig = Rig::start().await;
    let secret = format!("{}&token=hunter2", url(0));
    let agent = rig.agent(&[]);
    let mut events = agent.events("com.example.Service0:1.0.0").await;
    agent.put("app", std::slice::from_ref(&secret)).await;
    assert_eq!(events.next().await.1["url"], secret);
    let shown = |answer: Answer| answer.json()["urls"][0]["url"].as_str().unwrap().to_owned();
    assert_eq!(shown(agent.get("/v1/registrations/app").await), secret);
    agent.end("-KILL");

    let running = rig.start_on("127.0.0.1:0");
    let address = running.line_with("serving on http://");
    let address = address.rsplit("http://").next().unwrap().trim();
    let endpoint = Endpoint::new(&format!("http://{address}"), None, None, None).unwrap();
    running.says("took over 1 registration");
    for path in ["/v1/registrations", "/v1/snapshot", "/v1/annotations"] {
        let body = endpoint.get(path, "*/*").await.unwrap().body().await.unwrap();
        let text = String::from_utf8(body).unwrap();
        assert!(!text.contains("hunter2"), "{path}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_end_everything_is_unregistered_unless_it_is_to_be_kept() {
    for (arguments, left) in [(&[][..], urls([])), (&["--keep"][..], urls(0..2))] {
        let rig = Rig::start().await;
        let agent = rig.agent(arguments);
        agent.put("one", &urls([0])).await;
        agent.put("two", &urls([1])).await;
        let ran = agent.end("-TERM");
        assert_eq!((ran.status, rig.urls()), (Some(0), left), "{ran:?}");
        assert_eq!(rig.annotations()[LEASES].is_null(), arguments.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_adapter_of_another_version_is_refused_with_what_is_supported() {
    let rig = Rig::start().await;
    let agent = rig.agent(&[]);
    let wants = |version: &'static str| {
        let socket = agent.socket().to_owned();
        async move { ask(&socket, "GET", "/v1/agent", &[("dubbo-agent-api", version)], "").await }
    };
    assert_eq!(wants("1").await.status, 200);
    for other in ["2", "0", "x", ""] {
        let answer = wants(other).await;
        assert_eq!(answer.problem(), "unsupported-api", "{other}");
        assert_eq!((answer.status, &answer.json()["supported"]), (400, &json!([1])));
    }
}

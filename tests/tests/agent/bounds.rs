//! Requests that are wrong, too large, or too many: a clear error each, and nothing of what is registered is lost.

use std::os::unix::net::UnixListener;

use dubbo_k8s_tests::agent::{Agent, Answer};
use serde_json::json;

use crate::rig::{Rig, url, urls};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_registrations_are_refused_at_the_limit_and_none_is_lost() {
    let rig = Rig::start().await;
    let agent = rig.agent(&[]);
    let (numbers, mut refused) = ((0..10_000).collect::<Vec<usize>>(), 0);
    for some in numbers.chunks(250) {
        // The same URL each time: the limit is that of registrations, not of the Pod's annotations.
        let asked = some.iter().map(|number| register(&agent, *number));
        for answer in futures_util::future::join_all(asked).await {
            if answer.status != 200 {
                assert_eq!(answer.problem(), "too-many-registrations");
                assert_eq!(answer.json()["limit"], 1024);
                refused += 1;
            }
        }
    }
    assert_eq!((refused, agent.ids().await.len()), (10_000 - 1024, 1024));
    assert_eq!(rig.urls(), urls([0]));
    assert_eq!(agent.put("app-0", &urls([1])).await.status, 200, "one that is there can change");
    assert_eq!(rig.urls(), urls([0, 1]));
}

async fn register(agent: &Agent, number: usize) -> Answer {
    agent.put_for(&format!("app-{number}"), &urls([0]), 3600).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_of_another_pod_is_refused_unless_it_is_admitted() {
    let other = "dubbo://10.244.0.8:20880/com.example.Service0".to_owned();
    for (arguments, status) in
        [(&[][..], 422), (&["--force"][..], 200), (&["--address", "10.244.0.0/16"][..], 200)]
    {
        let rig = Rig::start().await;
        let agent = rig.agent(arguments);
        agent.put("app", &urls([0])).await;
        let answer = agent.put("app", &[url(1), other.clone()]).await;
        assert_eq!(answer.status, status, "{arguments:?}");
        if status == 422 {
            assert_eq!(answer.problem(), "address-not-pod");
            let problem = answer.json();
            let (key, at) = (problem["key"].as_str().unwrap(), problem["offset"].as_u64().unwrap());
            let at = usize::try_from(at).unwrap();
            assert_eq!((&problem["url"], &key[at..at + 10]), (&json!(other), "10.244.0.8"));
            assert_eq!(rig.urls(), urls([0]), "nothing was changed");
            let listed = agent.get("/v1/registrations/app").await.json();
            assert_eq!(listed["urls"][0]["url"], url(0));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_request_has_a_code() {
    let rig = Rig::start().await;
    let agent = rig.agent(&[]);
    let large = "x".repeat(300 << 10);
    let long = format!("/v1/registrations/{}", "i".repeat(64));
    for (method, path, body, status, code) in [
        ("PUT", "/v1/registrations/app", "{", 400, "bad-body"),
        ("PUT", "/v1/registrations/app", "", 400, "bad-body"),
        ("PUT", "/v1/registrations/app", r#"{"urls":[]}"#, 400, "no-urls"),
        ("PUT", "/v1/registrations/app", r#"{"urls":["dubbo://a"]}"#, 400, "bad-url"),
        ("PUT", "/v1/registrations/app", r#"{"urls":["x"],"leaseSeconds":1}"#, 400, "bad-lease"),
        ("PUT", "/v1/registrations/app", &large, 413, "body-too-large"),
        ("PUT", &long, "{}", 400, "bad-id"),
        ("PUT", "/v1/registrations/a%20b", "{}", 400, "bad-id"),
        ("PUT", "/v1/registrations/app?wait=long", "{}", 400, "bad-request"),
        ("GET", "/v1/registrations/app", "", 404, "unknown-registration"),
        ("DELETE", "/v1/registrations/app", "", 404, "unknown-registration"),
        ("DELETE", "/v1/registrations/app", "{}", 413, "payload-too-large"),
        ("POST", "/v1/registrations/app", "", 405, "method-not-allowed"),
        ("PUT", "/v1/agent", "{}", 405, "method-not-allowed"),
        ("GET", "/v1/other", "", 404, "not-found"),
    ] {
        let answer = agent.ask(method, path, body).await;
        assert_eq!((answer.problem().as_str(), answer.status), (code, status), "{method} {path}");
    }
    assert_eq!(rig.patches(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_the_annotations_of_a_pod_can_hold_is_refused() {
    let rig = Rig::start().await;
    let agent = rig.agent(&[]);
    agent.put("small", &urls([0])).await;
    let long = |number: usize| format!("{}&p={}", url(number), "x".repeat(900));
    let many: Vec<String> = (0..250).map(long).collect();
    let answer = agent.put("large", &many).await;
    assert_eq!((answer.status, &*answer.problem()), (409, "annotations-too-large"));
    assert_eq!(answer.json()["limit"], 262_144);
    let some: Vec<String> = (0..190).map(long).collect();
    let answer = agent.put("large", &some).await;
    assert_eq!((answer.status, &*answer.problem()), (409, "annotations-too-large"));
    assert!(answer.json()["total"].as_u64() > Some(262_144), "as the Pod would have them");
    assert_eq!((rig.urls(), agent.ids().await), (urls([0]), vec!["small".to_owned()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_is_in_use_is_left_and_one_that_was_left_behind_is_replaced() {
    let rig = Rig::start().await;
    let first = rig.agent(&[]);
    let second = rig.start_agent(&[]).ended();
    assert_eq!(second.status, Some(1));
    assert!(second.stderr.contains("another program listens on"), "{second:?}");
    assert_eq!(first.get("/healthz").await.status, 200, "the first one goes on");
    first.end("-KILL");
    assert!(rig.socket().exists());
    let next = rig.agent(&[]);
    assert_eq!(next.get("/healthz").await.status, 200);
    next.end("-TERM");
    std::fs::write(rig.socket(), "no socket").unwrap();
    let refused = rig.start_agent(&[]).ended();
    assert!(refused.status == Some(1) && refused.stderr.contains("is no socket"), "{refused:?}");
    std::fs::remove_file(rig.socket()).unwrap();
    drop(UnixListener::bind(rig.socket()).unwrap());
    assert_eq!(rig.agent(&[]).get("/healthz").await.status, 200);
}

//! Leases that end, agents that are killed, and a server that is away.

use dubbo_k8s_codec::ANNOTATION;
use serde_json::json;

use crate::rig::{LEASES, Rig, url, urls};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_is_not_renewed_ends_the_registration_and_no_other() {
    let rig = Rig::start().await;
    let agent = rig.agent(&[]);
    let mut events = agent.events("com.example.Service0:1.0.0").await;
    agent.put("lives", &urls([1])).await;
    agent.put_for("crashed", &urls([0]), 5).await;
    assert_eq!(events.next().await.0, "added");
    assert_eq!(events.next().await.0, "removed", "after its lease");
    assert_eq!((agent.ids().await, rig.urls()), (vec!["lives".to_owned()], urls([1])));
    agent.running.says("registration crashed ended: it was not renewed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_was_killed_is_taken_over_nothing_lost_and_nothing_left_behind() {
    let rig = Rig::start().await;
    let agent = rig.agent(&[]);
    agent.put("lives", &urls([0, 1])).await;
    agent.put_for("crashed", &urls([2]), 5).await;
    agent.put("changes", &urls([3])).await;
    agent.put("ends", &urls([4])).await;
    assert_eq!(agent.end("-KILL").status, None);
    assert_eq!(rig.urls(), urls(0..5), "a killed agent takes nothing out");
    let patches = rig.patches();

    let agent = rig.agent(&[]);
    agent.running.says("took over 4 registrations of an earlier agent");
    assert_eq!(agent.ids().await, ["changes", "crashed", "ends", "lives"]);
    let mut events = agent.events("com.example.Service2:1.0.0").await;
    assert_eq!(agent.put("lives", &urls([0, 1])).await.status, 200);
    assert_eq!((rig.urls(), rig.patches()), (urls(0..5), patches), "renewing writes nothing");
    assert_eq!(agent.put("changes", &urls([5])).await.status, 200);
    assert_eq!(agent.delete("ends").await.status, 204);
    assert_eq!(events.next().await.0, "removed", "what is not renewed goes within its lease");
    assert_eq!(rig.urls(), urls([0, 1, 5]));
    assert_eq!(agent.ids().await, ["changes", "lives"]);
    agent.end("-TERM");
    assert_eq!(rig.annotations(), json!({"team": "a"}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_is_kept_and_written_when_the_server_is_back() {
    let mut rig = Rig::start().await;
    let agent = rig.agent(&[]);
    assert_eq!(agent.put("early", &urls([0])).await.status, 200);
    rig.cluster.server.stop().await;
    let body = json!({"urls": urls([1])}).to_string();
    let answer = agent.ask("PUT", "/v1/registrations/app?wait=100ms", &body).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(answer.json()["urls"][0]["state"], "pending");
    let answer = agent.ask("DELETE", "/v1/registrations/early?wait=100ms", "").await;
    assert_eq!((answer.status, &answer.json()["urls"][0]["state"]), (202, &json!("ending")));
    rig.cluster.server.resume().await.unwrap();
    let answer = agent.ask("PUT", "/v1/registrations/app?wait=30s", &body).await;
    assert_eq!((answer.status, &answer.json()["urls"][0]["state"]), (200, &json!("registered")));
    assert_eq!(rig.urls(), urls([1]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_writer_overwrites_is_put_back() {
    let rig = Rig::start().await;
    let agent = rig.agent(&[]);
    agent.put("app", &urls([0])).await;
    rig.cluster.server.watches().wait_for(|open| *open == 2).await.unwrap();
    rig.cluster.server.store().annotate("shop", "user-0", ANNOTATION, None).unwrap();
    agent.running.says("put 1 records back");
    assert_eq!(rig.urls(), [url(0)]);
    rig.cluster.server.store().annotate("shop", "user-0", LEASES, None).unwrap();
    agent.end("-KILL");
    let agent = rig.agent(&[]);
    agent.put("next", &urls([1])).await;
    assert_eq!(rig.urls(), urls([0, 1]));
}

//! The API server goes away and comes back.

use std::time::Duration;

use dubbo_k8s_engine::{Scopes, Settings};
use dubbo_k8s_registry::{Config, Registry, Update};
use dubbo_k8s_watcher::serve::Options;
use futures_util::StreamExt as _;

use crate::rig::{Rig, provider, within};

#[tokio::test]
async fn an_outage_keeps_the_last_state_in_service() {
    let options = Options { stale_after: Duration::ZERO, ..Options::default() };
    let mut rig = Rig::with(&[("one", &[provider("a.B", 1)])], options).await;
    assert_eq!(rig.get("/readyz").await.status, 200);
    let mut stream = rig.events("/v1/events", &[]).await;
    stream.next().await.unwrap();
    let before = rig.get("/v1/snapshot").await;
    rig.cluster.stop().await;
    assert_eq!(stream.next().await.unwrap().name, "disconnected");
    let during = rig.get("/v1/snapshot").await;
    assert_eq!(during.json()["services"], before.json()["services"]);
    assert_eq!(during.header("etag"), before.header("etag"));
    assert!(during.json()["ageMs"].as_u64().is_some() && during.json()["synced"] == true);
    let unready = rig.get("/readyz").await;
    assert_eq!((unready.status, unready.header("content-type")), (503, "application/problem+json"));
    assert_eq!(rig.get("/healthz").await.status, 200);
    let metrics = rig.get("/metrics").await;
    assert!(metrics.text().contains("\ndubbo_watcher_connected 0\n"));
    // What happens meanwhile comes as the difference.
    rig.write("one", &[provider("a.B", 2)]);
    rig.cluster.resume().await.unwrap();
    let mut events = Vec::new();
    while events.len() < 2 {
        let event = stream.next().await.unwrap();
        if matches!(&*event.name, "added" | "removed") {
            events.push(event.name);
        }
    }
    events.sort();
    assert_eq!(events, ["added", "removed"]);
    within(async { while rig.get("/readyz").await.status != 200 {} }).await;
}

#[tokio::test]
async fn before_the_first_sync_it_says_so() {
    let mut rig = Rig::new(&[]).await;
    rig.cluster.stop().await;
    let config = Config::new(rig.registry.connection().clone(), Settings::new(Scopes::all()));
    let registry = Registry::connect(config).unwrap();
    let snapshot = registry.snapshot();
    assert_eq!((snapshot.is_synced(), snapshot.age(), snapshot.records()), (false, None, 0));
    let mut updates = registry.subscribe_all();
    assert!(matches!(updates.next().await, Some(Update::Snapshot(_))));
    let update = within(updates.next()).await;
    assert!(matches!(update, Some(Update::Failed { .. })), "{update:?}");
    registry.close().await;
    within(async { while updates.next().await.is_some() {} }).await;
}

//! The event stream: first a snapshot, then every change; where a client left off, and the end.

use crate::rig::{Rig, provider};
use crate::schema::Description;

#[tokio::test]
async fn first_a_snapshot_then_every_change_as_described() {
    let rig = Rig::new(&[("one", &[provider("a.B", 1)])]).await;
    let description = Description(rig.get("/openapi.json").await.json());
    let mut stream = rig.events("/v1/events", &[]).await;
    let first = stream.next().await.unwrap();
    assert_eq!(first.name, "snapshot");
    assert_eq!(first.id, first.data["revision"]);
    description.check("Snapshot", &first.data);
    rig.write("one", &[provider("a.B", 1), provider("a.C", 2)]);
    let added = stream.next().await.unwrap();
    assert_eq!((&*added.name, &added.data["service"]), ("added", &"a.C".into()));
    description.check("Event", &added.data);
    rig.cluster.store().annotate("default", "one", "dubbo.io/annotation", Some("!!")).unwrap();
    let mut names = Vec::new();
    for _ in 0..3 {
        let event = stream.next().await.unwrap();
        description.check("Event", &event.data);
        assert_eq!(event.data["event"], event.name);
        assert_ne!(event.id, added.id);
        names.push(event.name);
    }
    names.sort();
    assert_eq!(names, ["problem", "removed", "removed"]);
}

#[tokio::test]
async fn a_client_goes_on_where_it_left_off() {
    let rig = Rig::new(&[("one", &[provider("a.B", 1)])]).await;
    let mut stream = rig.events("/v1/events", &[]).await;
    let first = stream.next().await.unwrap();
    rig.write("one", &[provider("a.B", 1), provider("a.B", 2)]);
    let seen = stream.next().await.unwrap();
    drop(stream);
    rig.write("one", &[provider("a.B", 2)]);
    rig.holds(1).await;
    // Nothing lost, nothing twice: one change is missing since the last one, two since the first.
    for (known, missed) in [(&seen.id, &["removed"][..]), (&first.id, &["added", "removed"])] {
        let mut resumed = rig.events("/v1/events", &[("last-event-id", known)]).await;
        for name in missed {
            assert_eq!(resumed.next().await.unwrap().name, *name);
        }
    }
    let mut resumed = rig.events("/v1/events", &[("last-event-id", &seen.id)]).await;
    assert_eq!(resumed.next().await.unwrap().name, "removed");
    rig.write("one", &[provider("a.B", 2), provider("a.B", 3)]);
    assert_eq!(resumed.next().await.unwrap().data["key"], provider("a.B", 3));
    for unknown in ["00000000-1", "nonsense", ""] {
        let mut fresh = rig.events("/v1/events", &[("last-event-id", unknown)]).await;
        assert_eq!(fresh.next().await.unwrap().name, "snapshot", "{unknown}");
    }
}

#[tokio::test]
async fn a_narrow_stream_has_nothing_else() {
    let rig = Rig::new(&[("one", &[provider("a.B", 1), provider("a.C", 1)])]).await;
    let mut stream = rig.events("/v1/events?service=a.B", &[]).await;
    let snapshot = stream.next().await.unwrap();
    assert_eq!(snapshot.data["services"].as_array().unwrap().len(), 1);
    rig.write("one", &[provider("a.B", 1), provider("a.C", 2)]);
    rig.write("one", &[provider("a.B", 2), provider("a.C", 2)]);
    for _ in 0..2 {
        assert_eq!(stream.next().await.unwrap().data["service"], "a.B");
    }
}

#[tokio::test]
async fn the_end_of_the_server_is_a_proper_end_of_every_answer() {
    let mut rig = Rig::new(&[("one", &[provider("a.B", 1)])]).await;
    let mut stream = rig.events("/v1/events", &[]).await;
    stream.next().await.unwrap();
    let etag = rig.get("/v1/snapshot").await.header("etag").to_owned();
    let (address, known) = (rig.address, etag.clone());
    let poll = tokio::spawn(async move {
        let headers = [("if-none-match", &*known)];
        crate::client::get(address, "/v1/snapshot?wait=1m", &headers).await
    });
    // The poll has a place only once it waits.
    while !rig.get("/metrics").await.text().contains("subscribers{via=\"poll\"} 1") {}
    rig.stop();
    stream.end().await.expect("a proper end");
    assert_eq!(poll.await.unwrap().status, 304);
    let registry = rig.stopped().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    assert_eq!(registry.snapshot().records(), 1, "the registry goes on");
}

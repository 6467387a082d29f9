//! The live registry without a server: Pods go into a catalog, its changes are published, and
//! readers see it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dubbo_k8s_codec::{Pod, Query, Record, encode, query_escape};
use dubbo_k8s_engine::catalog::{Catalog, ChangeKind, Changes, Liveness, ProblemKind, Scope};
use futures_util::StreamExt as _;
use proptest::prelude::*;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::entry::{Entry, What};
use super::meters::Meters;
use super::publisher::Publisher;
use super::reader::Reader;
use super::{LogLimits, Revision, Snapshot, Subscription, Update};
use crate::contract::Event;
use dubbo_k8s_engine::{Cause, Failure, Notice, ScopeStatus, Status, Verb};

/// A registry whose Pods the test moves.
struct World {
    catalog: Catalog,
    changes: Changes,
    notices: Vec<Notice>,
    publisher: Publisher,
    reader: Reader,
    meters: Arc<Meters>,
    version: u32,
    synced: bool,
}

impl World {
    fn new() -> Self {
        Self::with(LogLimits::default())
    }

    fn with(limits: LogLimits) -> Self {
        let meters = Arc::new(Meters::new());
        let catalog = Catalog::new(Liveness::default());
        let (publisher, reader) = Publisher::new(catalog.content(), limits, Arc::clone(&meters));
        Self {
            catalog,
            changes: Changes::default(),
            notices: Vec::new(),
            publisher,
            reader,
            meters,
            version: 0,
            synced: true,
        }
    }

    fn pod(&mut self, name: &str, uid: &str, annotation: &str) -> Pod<'static> {
        self.version += 1;
        Pod {
            namespace: "shop".into(),
            name: name.to_owned().into(),
            uid: uid.to_owned().into(),
            resource_version: self.version.to_string().into(),
            label: Some("dubbo.io-value".into()),
            annotation: Some(annotation.to_owned().into()),
            // Its own are all that these tests name; who is believed has a test of its own.
            ips: (0..=u8::MAX).map(|last| [10, 0, 0, last].into()).collect(),
            ..Pod::default()
        }
    }

    fn put(&mut self, name: &str, uid: &str, keys: &[String]) {
        let annotation = encode(keys.iter().map(|key| Record::new(key)));
        self.put_raw(name, uid, &annotation);
    }

    fn put_raw(&mut self, name: &str, uid: &str, annotation: &str) {
        let pod = self.pod(name, uid, annotation);
        self.catalog.observe(&pod, &mut self.changes);
    }

    fn remove(&mut self, name: &str, uid: &str) {
        let pod = self.pod(name, uid, "");
        self.catalog.remove(&pod, &mut self.changes);
    }

    /// Publishes all since the last time as one batch.
    fn publish(&mut self) {
        self.publish_since(None);
    }

    fn publish_since(&mut self, silent_since: Option<Instant>) {
        let Changes { changes, problems, pods, .. } = std::mem::take(&mut self.changes);
        let content = changes.into_iter().map(Notice::Change);
        let content = content.chain(problems.into_iter().map(Notice::Problem));
        let mut notices: Vec<_> = content.chain(pods.into_iter().map(Notice::Pod)).collect();
        notices.append(&mut self.notices);
        let scope = ScopeStatus {
            scope: Scope::All,
            synced: self.synced,
            followed: silent_since.is_none(),
            last_contact: None,
            behind: None,
        };
        let status = Status { scopes: vec![scope] };
        self.publisher.publish(&self.catalog, &status, silent_since, &mut notices);
        assert!(notices.is_empty());
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::new(&self.reader.state(), None)
    }

    fn subscribe(&self, query: Option<Query<'static>>) -> Subscription {
        Subscription::new(&self.reader, query, &self.meters)
    }

    fn revision(&self) -> Revision {
        self.snapshot().revision()
    }
}

fn provider(interface: &str, host: u16) -> String {
    let url = format!("dubbo://10.0.0.{host}:20880/{interface}");
    let url = query_escape(&url);
    format!("/dubbo/{}/providers/{url}", query_escape(interface))
}

/// Key -> value and holders.
type Content = BTreeMap<String, (String, Vec<String>)>;

fn content(snapshot: &Snapshot) -> Content {
    let entries = snapshot.iter().map(|(key, value, holders)| {
        let holders = holders.map(|holder| holder.uid.to_string()).collect();
        (key, (value.to_owned(), holders))
    });
    entries.collect()
}

/// The same from the catalog, which is the truth.
fn truth(catalog: &Catalog) -> Content {
    let entries = catalog.entries().map(|(key, value, holders)| {
        let holders = holders.map(|holder| holder.uid.to_string()).collect();
        (key, (value.to_owned(), holders))
    });
    entries.collect()
}

/// What a subscriber knows that only takes updates.
#[derive(Default)]
struct Received {
    records: BTreeMap<String, String>,
    snapshots: usize,
}

impl Received {
    fn take(&mut self, update: Update) {
        match update {
            Update::Snapshot(snapshot) => {
                self.snapshots += 1;
                let entries = snapshot.iter().map(|(key, value, _)| (key, value.into()));
                self.records = entries.collect();
            }
            Update::Change(change) => {
                let (key, value) = (change.key.to_string(), change.value.to_string());
                let before = match change.kind {
                    ChangeKind::Removed => self.records.remove(&key),
                    _ => self.records.insert(key, value),
                };
                assert_eq!(before.is_none(), change.kind == ChangeKind::Added, "nothing twice");
            }
            _ => {}
        }
    }

    /// Takes all that is there already.
    async fn drain(&mut self, updates: &mut Subscription) {
        while let Some(Some(update)) = now(updates).await {
            self.take(update);
        }
    }
}

/// The next update if it is there; the outer `None` if not.
async fn now(updates: &mut Subscription) -> Option<Option<Update>> {
    tokio::select! {
        biased;
        update = updates.next() => Some(update),
        () = std::future::ready(()) => None,
    }
}

fn kinds(content: &Content) -> BTreeMap<String, String> {
    content.iter().map(|(key, (value, _))| (key.clone(), value.clone())).collect()
}

#[tokio::test]
async fn first_a_snapshot_then_every_change() {
    let mut world = World::new();
    world.put("a", "1", &[provider("a.B", 1)]);
    world.publish();
    let mut updates = world.subscribe(None);
    assert_eq!(updates.revision(), None);
    let Some(Update::Snapshot(first)) = updates.next().await else { panic!("no snapshot") };
    assert_eq!(content(&first).len(), 1);
    assert_eq!(updates.revision(), Some(world.revision()));
    world.put("a", "1", &[provider("a.B", 2)]);
    world.publish();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let Some(Update::Change(change)) = updates.next().await else { panic!("no change") };
        seen.push((change.kind, change.key.to_string()));
    }
    seen.sort();
    assert_eq!(
        seen,
        [(ChangeKind::Added, provider("a.B", 2)), (ChangeKind::Removed, provider("a.B", 1))]
    );
    assert!(now(&mut updates).await.is_none());
    assert_eq!(content(&first).len(), 1, "a snapshot never changes");
}

#[tokio::test]
async fn a39_a40_a_replacement_is_one_step_and_includes_the_removals() {
    let mut world = World::new();
    for name in ["a", "b", "c"] {
        world.put(name, name, &[provider("a.B", u16::from(name.as_bytes()[0]))]);
    }
    world.publish();
    let mut updates = world.subscribe(None);
    let mut received = Received::default();
    received.drain(&mut updates).await;
    let mut relist = world.catalog.relist();
    let stays = world.pod("b", "b", &encode([Record::new(&provider("a.B", 98))]));
    relist.observe(&world.catalog, &stays);
    let fresh = world.pod("d", "d", &encode([Record::new(&provider("a.B", 100))]));
    relist.observe(&world.catalog, &fresh);
    world.catalog.commit(&Scope::All, relist, &mut world.changes);
    let before = content(&world.snapshot());
    assert_eq!(before.len(), 3, "nothing of it is seen before it is published");
    world.publish();
    let after = content(&world.snapshot());
    assert_eq!(
        after.keys().cloned().collect::<Vec<_>>(),
        [provider("a.B", 100), provider("a.B", 98)]
    );
    received.drain(&mut updates).await;
    assert_eq!((received.records, received.snapshots), (kinds(&after), 1));
}

#[tokio::test]
async fn a42_a_late_subscriber_gets_all_while_events_flow() {
    let mut world = World::new();
    let mut early = world.subscribe(None);
    let mut received = Received::default();
    for number in 0..50 {
        world.put(&format!("p{number}"), &number.to_string(), &[provider("a.B", number)]);
        world.publish();
        let mut late = Received::default();
        late.drain(&mut world.subscribe(None)).await;
        assert_eq!(late.records.len(), usize::from(number) + 1);
        received.drain(&mut early).await;
    }
    assert_eq!(received.records, kinds(&truth(&world.catalog)));
}

#[tokio::test]
async fn a43_a_subscriber_may_leave_at_any_moment() {
    let mut world = World::new();
    let (mut one, two) = (world.subscribe(None), world.subscribe(None));
    world.put("a", "1", &[provider("a.B", 1)]);
    drop(two);
    world.publish();
    let mut received = Received::default();
    received.drain(&mut one).await;
    assert_eq!(received.records.len(), 1);
}

#[tokio::test]
async fn a44_a_subscriber_that_panics_or_stalls_hurts_no_other() {
    let limits = LogLimits { entries: 4, ..LogLimits::default() };
    let mut world = World::with(limits);
    let mut stalled = world.subscribe(None);
    let mut fine = world.subscribe(None);
    let mut panics = world.subscribe(None);
    let panicked = tokio::spawn(async move {
        panics.next().await;
        panic!("as a subscriber may");
    });
    assert!(panicked.await.is_err());
    let mut received = Received::default();
    for number in 0..20 {
        world.put("a", "1", &[provider("a.B", number)]);
        world.publish();
        received.drain(&mut fine).await;
    }
    assert_eq!((received.snapshots, received.records.len()), (1, 1));
    // One fresh snapshot instead of the gap, and the changes after it.
    let mut late = Received::default();
    late.drain(&mut stalled).await;
    assert_eq!((late.snapshots, &late.records), (2, &received.records));
    world.put("a", "1", &[provider("a.B", 99)]);
    world.publish();
    late.drain(&mut stalled).await;
    assert_eq!((late.snapshots, late.records), (2, kinds(&truth(&world.catalog))));
}

#[tokio::test]
async fn a_few_large_events_are_bounded_too() {
    let limits = LogLimits { entries: 1000, bytes: 12_000 };
    let mut world = World::with(limits);
    let mut updates = world.subscribe(None);
    let mut received = Received::default();
    for number in 0..50 {
        world.put("a", "1", &[provider("a.B", number)]);
        world.publish();
    }
    received.drain(&mut updates).await;
    let kept = world.reader.state().log.from(0).count();
    assert!((2..=12).contains(&kept), "{kept}");
    assert_eq!((received.snapshots, received.records), (2, kinds(&truth(&world.catalog))));
}

/// What subscribers are sent is kept for the next of them, and counts.
#[tokio::test]
async fn what_is_kept_for_subscribers_is_bounded() {
    let long = "x".repeat(600);
    let hard = "\u{1}".repeat(600);
    for parameter in [&long, &hard] {
        let limits = LogLimits { entries: 1000, bytes: 60_000 };
        let mut world = World::with(limits);
        for number in 0..50 {
            let key = format!("{}%3Fp%3D{parameter}", provider("a.B", number));
            world.put("a", "1", &[key]);
            world.publish();
        }
        let state = world.reader.state();
        let render = |entry: &Entry| match &entry.what {
            What::Notice(notice) => serde_json::to_vec(&Event::of(notice).unwrap()).unwrap().into(),
            What::Touched(_) => bytes::Bytes::new(),
        };
        let shown: Vec<_> = state.log.from(0).map(|entry| entry.rendered(render)).collect();
        let again: Vec<_> = state.log.from(0).map(|entry| entry.rendered(render)).collect();
        assert_eq!(shown, again);
        let kept: usize = state.log.from(0).map(|entry| entry.kept()).sum();
        assert!(shown.len() > 10 && kept <= limits.bytes, "{} entries, {kept} bytes", shown.len());
        let sent: usize = shown.iter().map(bytes::Bytes::len).sum();
        assert_eq!(kept > sent, *parameter == long, "only what has its usual size is kept");
    }
}

/// Who reads a snapshot slowly must not keep what has happened before it.
#[tokio::test]
async fn a_snapshot_keeps_nothing_of_the_past() {
    let mut world = World::new();
    let mut updates = world.subscribe(None);
    world.put("a", "1", &[provider("a.B", 1)]);
    world.publish();
    let snapshot = world.snapshot();
    let entries: Vec<_> = world.reader.state().log.from(0).map(Arc::downgrade).collect();
    assert!(!entries.is_empty());
    Received::default().drain(&mut updates).await;
    drop((world, updates));
    assert!(entries.iter().all(|entry| entry.upgrade().is_none()));
    assert_eq!(snapshot.records(), 1);
}

#[tokio::test]
async fn a16_a_hundred_subscribers_see_one_order() {
    let mut world = World::new();
    let mut tasks = JoinSet::new();
    for _ in 0..100 {
        let mut updates = world.subscribe(None);
        updates.next().await;
        tasks.spawn(async move {
            let mut order = Vec::new();
            while let Some(update) = updates.next().await {
                if let Update::Change(change) = update {
                    order.push((change.kind, change.key, change.resource_version));
                }
            }
            order
        });
    }
    for number in 0..200_u16 {
        world.put("a", "1", &[provider("a.B", number), provider("a.C", number / 2)]);
        world.publish();
        if number.is_multiple_of(7) {
            tokio::task::yield_now().await;
        }
    }
    let World { publisher, .. } = world;
    drop(publisher);
    let orders = tasks.join_all().await;
    assert_eq!(orders[0].len(), 200 * 2 - 1 + 100 * 2 - 1);
    assert!(orders.iter().all(|order| *order == orders[0]));
}

#[tokio::test]
async fn a45_all_ends_when_the_writer_ends() {
    let mut world = World::new();
    world.put("a", "1", &[provider("a.B", 1)]);
    world.publish();
    let (mut updates, reader) = (world.subscribe(None), world.reader.clone());
    let meters = Arc::clone(&world.meters);
    drop(world);
    assert!(!reader.is_live());
    assert!(matches!(updates.next().await, Some(Update::Snapshot(_))));
    assert_eq!(Arc::strong_count(&meters), 2, "the subscription counts");
    assert!(updates.next().await.is_none());
    assert_eq!(Arc::strong_count(&meters), 1);
}

#[tokio::test]
async fn a47_a_pod_of_the_same_name_is_another_one() {
    let mut world = World::new();
    world.put("a", "1", &[provider("a.B", 1)]);
    world.publish();
    let mut updates = world.subscribe(None);
    updates.next().await;
    world.put("a", "2", &[provider("a.B", 1)]);
    world.publish();
    let mut notices = Vec::new();
    while let Some(Some(Update::Change(change))) = now(&mut updates).await {
        notices.push((change.kind, change.holder.uid.to_string()));
    }
    let (old, new) = ("1".to_owned(), "2".to_owned());
    assert_eq!(notices, [(ChangeKind::Removed, old), (ChangeKind::Added, new.clone())]);
    assert_eq!(content(&world.snapshot())[&provider("a.B", 1)].1, [new]);
}

#[tokio::test]
async fn a_change_of_holders_moves_the_revision_but_is_no_event() {
    let mut world = World::new();
    world.put("a", "1", &[provider("a.B", 1)]);
    world.publish();
    let mut updates = world.subscribe(None);
    updates.next().await;
    let before = world.revision();
    world.put("b", "2", &[provider("a.B", 1)]);
    world.publish();
    assert_ne!(world.revision(), before);
    assert_eq!(content(&world.snapshot())[&provider("a.B", 1)].1, ["1", "2"]);
    assert!(now(&mut updates).await.is_none());
    // A Pod of which only the version is another one shows nothing new.
    let before = world.revision();
    world.put("b", "2", &[provider("a.B", 1)]);
    world.publish();
    assert_eq!(world.revision(), before);
}

#[tokio::test]
async fn problems_are_reported_and_the_annotation_is_kept_as_it_is() {
    let mut world = World::new();
    world.put_raw("a", "1", "!!");
    world.put("b", "2", &[provider("a.B", 1)]);
    world.publish();
    let snapshot = world.snapshot();
    assert_eq!(snapshot.problems().map(|p| p.holder.pod.to_string()).collect::<Vec<_>>(), ["a"]);
    let mut updates = world.subscribe(Some(Query::interface("x.Y")));
    updates.next().await;
    world.put("a", "1", &[]);
    world.publish();
    let Some(Update::Problem(problem)) = updates.next().await else { panic!("no problem") };
    assert_eq!(problem.kind, ProblemKind::Cleared);
    assert_eq!((world.snapshot().problems().count(), snapshot.problems().count()), (0, 1));
}

/// The registry of a first list, reported at once, with a subscriber from before it.
async fn filled(pods: u16, limits: LogLimits) -> (World, Received) {
    let mut world = World::with(limits);
    let mut updates = world.subscribe(None);
    for pod in 0..pods {
        let keys = ["/dubbo".to_owned(), provider("a.B", pod)];
        world.put(&format!("pod-{pod}"), &format!("{pod:03}"), &keys);
    }
    world.changes = Changes::default();
    world.notices = vec![Notice::FirstList, Notice::Synced { pods: 1, records: 1 }];
    world.publish();
    let mut received = Received::default();
    loop {
        let update = updates.next().await.unwrap();
        let synced = matches!(update, Update::Synced { .. });
        received.take(update);
        if synced {
            return (world, received);
        }
    }
}

/// The end of the first list is reported once, also to a subscriber that gets what came before as a snapshot.
#[tokio::test]
async fn synced_is_emitted_once_also_to_a_subscriber_that_lags() {
    let mut world = World::with(LogLimits { entries: 2, ..LogLimits::default() });
    world.synced = false;
    world.publish();
    let mut updates = world.subscribe(None);
    world.synced = true;
    world.notices = vec![Notice::Synced { pods: 0, records: 0 }];
    world.publish();
    for _ in 0..2 {
        world.put("pod", "1", &(1..9).map(|host| provider("a.B", host)).collect::<Vec<_>>());
        world.publish();
        world.remove("pod", "1");
        world.publish();
    }
    let mut notices = Vec::new();
    while let Some(Some(update)) = now(&mut updates).await {
        notices.push(matches!(update, Update::Synced { pods: 0, records: 0 }));
    }
    assert_eq!(notices, [false, false, true]);
}

#[tokio::test]
async fn a_first_list_is_emitted_key_by_key_or_as_one_snapshot() {
    for (room, snapshots) in [(20, 1), (5, 2)] {
        let limits = LogLimits { entries: room, ..LogLimits::default() };
        let (world, received) = filled(8, limits).await;
        assert_eq!(content(&world.snapshot()), truth(&world.catalog));
        let known: BTreeMap<_, _> =
            truth(&world.catalog).into_iter().map(|(key, (value, _))| (key, value)).collect();
        assert_eq!((received.records, received.snapshots), (known, snapshots));
    }
}

#[tokio::test]
async fn a_query_sees_its_services_and_nothing_else() {
    let mut world = World::new();
    let grouped = provider("a.B", 2) + &query_escape("?group=g&version=1");
    world.put(
        "a",
        "1",
        &["/dubbo".into(), "/dubbo/a.B".into(), provider("a.B", 1), grouped.clone()],
    );
    world.put("b", "2", &[provider("a.BC", 1), provider("a.B$C", 1), provider("a.A", 1)]);
    world.publish();
    let seen = |query: &'static str| {
        let mut services = Vec::new();
        let query = Query::parse(query);
        let mut updates = world.subscribe(Some(query));
        async move {
            let Some(Update::Snapshot(snapshot)) = updates.next().await else { panic!() };
            for service in snapshot.services() {
                services.push((service.service.to_string(), service.providers.len()));
            }
            assert_eq!(snapshot.iter().count(), snapshot.providers().count());
            services
        }
    };
    let one = |name: &str| (name.to_owned(), 1);
    assert_eq!(seen("a.B").await, [one("a.B")]);
    assert_eq!(seen("g/a.B:1").await, [one("g/a.B:1")]);
    assert_eq!(seen("*/a.B:*").await, [one("a.B"), one("g/a.B:1")]);
    assert_eq!(seen("a.B$C").await, [one("a.B$C")]);
    let all = ["a.A", "a.B", "g/a.B:1", "a.B$C", "a.BC"].map(one);
    assert_eq!(seen("*/*:*").await, all);
    assert_eq!(seen("x.Y").await, []);
    let mut updates = world.subscribe(Some(Query::parse("a.B")));
    updates.next().await;
    world.put("b", "2", &[provider("a.BC", 9), provider("a.B", 9), "/dubbo/a.B".into()]);
    world.publish();
    let Some(Some(Update::Change(change))) = now(&mut updates).await else { panic!() };
    assert_eq!(&*change.key, provider("a.B", 9));
    assert!(now(&mut updates).await.is_none());
}

#[tokio::test]
async fn services_are_those_of_the_catalog_in_its_order() {
    let mut world = World::new();
    let other_root = provider("a.B", 7).replacen("/dubbo/", "/other/", 1);
    let consumer = format!("/dubbo/a.B/consumers/{}", query_escape("consumer://10.0.0.9/a.B"));
    world.put("a", "1", &[provider("a.B", 1), other_root, consumer, provider("a.B$C", 1)]);
    world.put("b", "2", &[provider("a.B", 1), provider("a.C", 1), "/dubbo/a.B/providers".into()]);
    world.publish();
    let truth: Vec<_> =
        world.catalog.services().map(|s| serde_json::to_value(s).unwrap()).collect();
    let ours: Vec<_> = world
        .snapshot()
        .services()
        .map(|service| {
            serde_json::json!({
                "service": service.service.to_string(),
                "interface": service.service.interface,
                "group": service.service.group().unwrap_or_default(),
                "version": service.service.version().unwrap_or_default(),
                "providers": service.providers,
                "consumers": service.consumers,
            })
        })
        .collect();
    assert_eq!(ours, truth);
}

#[tokio::test(start_paused = true)]
async fn an_outage_keeps_the_last_state_in_service_and_reports_its_age() {
    let mut world = World::new();
    world.put("a", "1", &[provider("a.B", 1)]);
    world.publish();
    assert_eq!(world.snapshot().age(), Some(Duration::ZERO));
    let before = world.revision();
    let error = Failure { verb: Verb::Watch, scope: Scope::All, cause: Cause::ShortWatch };
    let lost = Notice::Disconnected { scope: Scope::All, error, retry_in: Duration::ZERO };
    world.notices.push(lost);
    let mut updates = world.subscribe(None);
    updates.next().await;
    world.publish_since(Some(Instant::now()));
    assert!(matches!(updates.next().await, Some(Update::Disconnected { .. })));
    tokio::time::advance(Duration::from_secs(90)).await;
    let snapshot = world.snapshot();
    assert_eq!(snapshot.age(), Some(Duration::from_secs(90)));
    assert_eq!((snapshot.revision(), snapshot.records()), (before, 1));
    assert!(world.reader.state().failure().is_some());
    world.notices.push(Notice::Reconnected { scope: Scope::All });
    world.publish();
    assert_eq!(world.snapshot().age(), Some(Duration::ZERO));
    assert!(world.reader.state().failure().is_none());
}

#[tokio::test]
async fn a_place_behind_a_revision_is_found_as_long_as_the_log_has_it() {
    let mut world = World::with(LogLimits { entries: 10, ..LogLimits::default() });
    let mut revisions = vec![world.revision()];
    for number in 0..20 {
        world.put(&number.to_string(), &number.to_string(), &[provider("a.B", number)]);
        world.notices.push(Notice::Reconnected { scope: Scope::All });
        world.publish();
        revisions.push(world.revision());
    }
    let state = world.reader.state();
    let found = |revision: Revision| state.since(revision).map(Iterator::count);
    let newest = *revisions.last().unwrap();
    // Behind the newest change only the event without content is left.
    assert_eq!(found(newest), Some(1));
    assert_eq!(found(revisions[revisions.len() - 2]), Some(3));
    assert_eq!(found(revisions[0]), None, "fallen out");
    assert_eq!(found(newest.next()), None, "not there yet");
    assert_eq!(found(Revision { run: newest.run ^ 1, ..newest }), None, "of another run");
}

#[derive(Clone, Debug)]
enum Step {
    Put { name: u8, uid: u8, keys: Vec<u8> },
    Break { name: u8, uid: u8 },
    Remove { name: u8, uid: u8 },
    Relist { pods: Vec<(u8, u8, Vec<u8>)> },
    Publish,
    Read,
}

fn step() -> impl Strategy<Value = Step> {
    let keys = || prop::collection::vec(0..6_u8, 0..4);
    prop_oneof![
        6 => (0..4_u8, 0..3_u8, keys()).prop_map(|(name, uid, keys)| Step::Put { name, uid, keys }),
        1 => (0..4_u8, 0..3_u8).prop_map(|(name, uid)| Step::Break { name, uid }),
        2 => (0..4_u8, 0..3_u8).prop_map(|(name, uid)| Step::Remove { name, uid }),
        1 => prop::collection::vec((0..4_u8, 0..3_u8, keys()), 0..4)
            .prop_map(|pods| Step::Relist { pods }),
        4 => Just(Step::Publish),
        2 => Just(Step::Read),
    ]
}

/// Key 0 is a directory that many carry.
fn keys(numbers: &[u8]) -> Vec<String> {
    let key = |&number| match number {
        0 => "/dubbo".to_owned(),
        n => provider(["a.A", "a.B"][usize::from(n % 2)], n.into()),
    };
    numbers.iter().map(key).collect()
}

proptest! {
    /// Whatever happens in whatever batches, the published state is the catalog's, its revision
    /// moves exactly when it changes, and subscribers of every speed end up with it.
    #[test]
    fn a46_whatever_happens_readers_see_the_catalog(steps in prop::collection::vec(step(), 1..60), room in 1..20_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut world = World::with(LogLimits { entries: room, ..LogLimits::default() });
            let mut quick = (world.subscribe(None), Received::default());
            let mut slow = (world.subscribe(None), Received::default());
            let mut one = (world.subscribe(Some(Query::interface("a.A"))), Received::default());
            for step in steps {
                match step {
                    Step::Put { name, uid, keys: numbers } => {
                        world.put(&name.to_string(), &format!("{name}-{uid}"), &keys(&numbers));
                    }
                    Step::Break { name, uid } => {
                        world.put_raw(&name.to_string(), &format!("{name}-{uid}"), "!");
                    }
                    Step::Remove { name, uid } => {
                        world.remove(&name.to_string(), &format!("{name}-{uid}"));
                    }
                    Step::Relist { pods } => {
                        let mut relist = world.catalog.relist();
                        for (name, uid, numbers) in pods {
                            let keys = keys(&numbers);
                            let annotation = encode(keys.iter().map(|key| Record::new(key)));
                            let pod = world.pod(&name.to_string(), &format!("{name}-{uid}"), &annotation);
                            relist.observe(&world.catalog, &pod);
                        }
                        world.catalog.commit(&Scope::All, relist, &mut world.changes);
                    }
                    Step::Publish => {
                        let before = (world.revision(), shown(&world));
                        world.publish();
                        let after = (world.revision(), shown(&world));
                        assert_eq!(content(&world.snapshot()), truth(&world.catalog));
                        assert_eq!(world.snapshot().pods(), world.catalog.pods());
                        assert!(before.1 == after.1 || before.0 != after.0, "{before:?} {after:?}");
                        quick.1.drain(&mut quick.0).await;
                    }
                    Step::Read => slow.1.drain(&mut slow.0).await,
                }
            }
            world.publish();
            let truth = kinds(&truth(&world.catalog));
            for (updates, received) in [&mut quick, &mut slow] {
                received.drain(updates).await;
                assert_eq!(&received.records, &truth);
            }
            one.1.drain(&mut one.0).await;
            let wanted = truth.into_iter().filter(|(key, _)| key.starts_with("/dubbo/a.A/"));
            assert_eq!(one.1.records, wanted.collect());
        });
    }
}

/// All that a snapshot shows, and what each Pod carries.
fn shown(world: &World) -> (Content, Vec<String>, Vec<String>) {
    let snapshot = world.snapshot();
    let problems = snapshot.problems().map(|p| format!("{} {}", p.holder.uid, p.error)).collect();
    let state = world.reader.state();
    let (mut pods, mut last) = (Vec::new(), None);
    while let Some(pod) = state.content().pod_after(last.as_deref()) {
        pods.push(format!("{} {:?}", pod.holder().uid, pod.annotation()));
        last = Some(Arc::clone(pod.holder()));
    }
    (content(&snapshot), problems, pods)
}

#[tokio::test]
async fn a_subscriber_is_given_believed_providers_only_and_a_list_shows_the_others() {
    let mut world = World::new();
    let keys = [provider("a.B", 1), provider("a.B", 9)];
    let annotation = encode(keys.iter().map(|key| Record::new(key)));
    let mut pod = world.pod("evil", "u-1", &annotation);
    (pod.ready, pod.ips) = (Some(true), vec!["10.0.0.9".parse().unwrap()]);
    let mut updates = world.subscribe(Some(Query::parse("a.B")));
    let before = world.revision();
    world.catalog.observe(&pod, &mut world.changes);
    world.publish();
    assert!(matches!(updates.next().await, Some(Update::Snapshot(_))));
    let Some(Update::Change(change)) = updates.next().await else { panic!("a change") };
    assert_eq!((change.kind, &*change.key), (ChangeKind::Added, &*keys[1]));
    let Some(Update::Problem(problem)) = updates.next().await else { panic!("a problem") };
    assert_eq!(problem.problem.error.code().as_str(), "address-not-pod");

    let snapshot = world.snapshot();
    let hosts: Vec<_> = snapshot.providers().map(|it| it.url().host().to_owned()).collect();
    assert_eq!(hosts, ["10.0.0.9"]);
    let listed = snapshot.listed_services().flat_map(|service| service.providers);
    let listed: Vec<_> = listed.map(|it| (it.url().host().to_owned(), it.is_trusted())).collect();
    assert_eq!(listed, [("10.0.0.1".to_owned(), false), ("10.0.0.9".to_owned(), true)]);
    assert!(world.revision() != before);

    // It is not believed any more once its address is another one.
    pod.resource_version = "99".into();
    pod.ips = vec!["10.0.0.8".parse().unwrap()];
    world.catalog.observe(&pod, &mut world.changes);
    world.publish();
    let Some(Update::Change(change)) = updates.next().await else { panic!("a change") };
    assert_eq!((change.kind, &*change.key), (ChangeKind::Removed, &*keys[1]));
    assert_eq!(world.snapshot().providers().count(), 0);
}

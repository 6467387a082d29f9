//! What the store promises to servers and watches.

use serde_json::json;

use super::super::object::key;
use super::{Position, Store, Tail, What};

fn store() -> Store {
    Store::new(100, 1000, 7)
}

fn pod(name: &str) -> serde_json::Value {
    json!({"metadata": {"namespace": "n", "name": name}, "status": {"phase": "Running"}})
}

fn names(store: &Store, version: u64) -> Vec<String> {
    let snapshot = store.snapshot_at(version).unwrap();
    snapshot.pods(Some("n"), None).map(|pod| pod.name.to_string()).collect()
}

#[test]
fn one_counter_for_every_change() {
    let store = store();
    assert_eq!(store.create(pod("a")), Ok(101));
    assert_eq!(store.annotate("n", "a", "x", Some("1")), Ok(102));
    assert_eq!(store.annotate("n", "a", "x", Some("1")), Ok(102), "no change, no version");
    assert_eq!(store.delete("n", "a"), Ok(103));
    assert_eq!(store.delete("n", "a").unwrap_err().code, 404);
    assert_eq!(store.resource_version(), 103);
}

#[test]
fn reads_the_past_until_it_is_compacted() {
    let store = store();
    store.create(pod("a")).unwrap();
    store.create(pod("b")).unwrap();
    store.delete("n", "a").unwrap();
    assert_eq!(names(&store, 100), [""; 0]);
    assert_eq!(names(&store, 102), ["a", "b"]);
    assert_eq!(names(&store, 103), ["b"]);
    store.compact_to(102);
    assert!(store.snapshot_at(101).is_none());
    assert_eq!(names(&store, 102), ["a", "b"]);
}

#[test]
fn a_new_pod_of_an_old_name_has_a_new_uid() {
    let store = store();
    store.create(pod("a")).unwrap();
    let first = store.get("n", "a").unwrap().uid.clone();
    store.delete("n", "a").unwrap();
    store.create(pod("a")).unwrap();
    assert_ne!(store.get("n", "a").unwrap().uid, first);
}

#[test]
fn a_rewound_store_never_had_the_later_events() {
    let store = store();
    store.create(pod("a")).unwrap();
    let before = Position { version: 101, epoch: store.bounds().epoch };
    store.delete("n", "a").unwrap();
    store.rewind(101);
    assert_eq!(names(&store, 101), ["a"]);
    assert_eq!(store.resource_version(), 101);
    assert!(matches!(store.tail(before), Tail::Lost), "open watches end");
    assert_eq!(store.create(pod("b")), Ok(102), "versions are used again");
}

#[test]
fn a_full_log_compacts_itself() {
    let store = Store::new(0, 2, 7);
    for name in ["a", "b", "c"] {
        store.create(pod(name)).unwrap();
    }
    assert_eq!(store.bounds().compacted, 1);
    let Tail::Entries(entries, _) = store.tail(Position { version: 1, epoch: 0 }) else {
        panic!("lost")
    };
    assert_eq!(entries.len(), 2);
    assert!(matches!(store.tail(Position { version: 0, epoch: 0 }), Tail::Lost));
}

#[test]
fn what_was_prepared_takes_the_place_and_a_new_version() {
    let store = store();
    store.create(pod("a")).unwrap();
    let prepared =
        store.prepare("n", "a", |pod| pod["metadata"]["annotations"] = json!({"x": "1"})).unwrap();
    assert_eq!((store.put(&prepared), store.put(&prepared)), (102, 103));
    let pod = store.pod("n", "a").unwrap();
    assert_eq!(pod["metadata"]["resourceVersion"], "103");
    assert_eq!(pod["metadata"]["annotations"]["x"], "1");
}

#[test]
fn entries_say_before_and_after() {
    let store = store();
    store.create(pod("a")).unwrap();
    store.label("n", "a", "x", Some("1")).unwrap();
    let Tail::Entries(entries, _) = store.tail(Position { version: 101, epoch: 0 }) else {
        panic!("lost")
    };
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    let What::Pod { old: Some(old), new: Some(new) } = &entry.what else { panic!("{entry:?}") };
    assert!(old.labels.is_empty());
    assert_eq!(new.labels.get("x").map(AsRef::as_ref), Some("1"));
    assert_eq!(new.key(), key("n", "a"));
}

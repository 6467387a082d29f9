//! The Pods, one global resourceVersion, and the log of what happened: etcd and the watch cache
//! in one. Knows nothing of HTTP.
//!
//! Tests use [`Store`] as the other clients of the cluster: every call is one change, seen by
//! watches at once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::clock;
use super::json;
use super::list;
use super::object::{Form, Object, key};
use super::status::Status;

/// The Pods of the scripted cluster. Cheap to clone; all clones are the same store.
#[derive(Clone, Debug)]
pub struct Store {
    state: Arc<Mutex<State>>,
    /// Counts changes, so that a waiting watch wakes up; a resourceVersion may go back, this not.
    changes: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    version: u64,
    /// Versions at or below this can no longer be listed exactly or watched from.
    compacted: u64,
    /// Copied only when it changes while somebody still reads the older one.
    pods: Arc<BTreeMap<String, Arc<Object>>>,
    log: VecDeque<Entry>,
    /// Entries at or below this version are not in the log (any more).
    trimmed: u64,
    /// How many entries the log keeps.
    capacity: usize,
    /// Grows when history was rewritten: open watches of an older epoch end.
    epoch: u64,
    uids: u64,
}

/// A Pod that was printed beforehand, so that putting it in place of another costs next to nothing.
#[derive(Clone, Debug)]
pub struct Prepared(Object);

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) version: u64,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// A Pod before and after.
    Pod { old: Option<Arc<Object>>, new: Option<Arc<Object>> },
    /// Bytes that every open watch gets as they stand.
    Raw(Bytes),
    /// A bookmark for every open watch that asked for them.
    Bookmark,
}

/// A consistent view of all Pods at one version.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) version: u64,
    pub(crate) epoch: u64,
    pods: Arc<BTreeMap<String, Arc<Object>>>,
}

/// What a watch reads next.
#[derive(Debug)]
pub(crate) enum Tail {
    /// The entries, and the version of the store behind them.
    Entries(Vec<Entry>, u64),
    /// The entries that the watch still needs are gone: it was too slow, or history was rewritten.
    Lost,
}

/// How far the store is, and how far back it can be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) version: u64,
    pub(crate) compacted: u64,
    pub(crate) epoch: u64,
}

/// A place in the log; taken before the entries after it are awaited.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    pub(crate) version: u64,
    pub(crate) epoch: u64,
}

impl Default for Store {
    /// An empty store without a server.
    fn default() -> Self {
        Self::new(1000, 0, 1)
    }
}

impl Store {
    /// An empty store at `version`, whose log keeps `capacity` entries. Different seeds give
    /// different uids.
    pub(crate) fn new(version: u64, capacity: usize, seed: u64) -> Self {
        let state = State {
            version,
            compacted: 0,
            pods: Arc::default(),
            log: VecDeque::new(),
            trimmed: 0,
            capacity,
            epoch: 0,
            uids: seed,
        };
        Self { state: Arc::new(Mutex::new(state)), changes: watch::Sender::new(0) }
    }

    /// Creates a Pod. Fills in what a real server does: namespace `default` when there is none,
    /// uid, resourceVersion, creationTimestamp. Returns the new resourceVersion.
    pub fn create(&self, pod: Value) -> Result<u64, Status> {
        let pod = self.change(|state| state.create(pod))?;
        Ok(pod.version)
    }

    /// Creates many Pods, each with its own resourceVersion, and wakes the watches once.
    pub fn create_all(&self, pods: impl IntoIterator<Item = Value>) -> Result<u64, Status> {
        let mut last = self.resource_version();
        for pod in pods {
            last = self.lock().create(pod)?.version;
        }
        self.wake();
        Ok(last)
    }

    /// Changes a Pod; a change that changes nothing keeps the resourceVersion and is no event.
    pub fn update(
        &self,
        namespace: &str,
        name: &str,
        edit: impl FnOnce(&mut Value),
    ) -> Result<u64, Status> {
        let pod = self.change(|state| {
            let old = state.get(namespace, name).ok_or_else(|| Status::not_found(name))?;
            let mut tree = Value::Object(old.tree());
            edit(&mut tree);
            let Value::Object(tree) = tree else { return Ok(old) };
            Ok(state.replace(&old, tree))
        })?;
        Ok(pod.version)
    }

    /// Sets an annotation, or takes it away with `None`.
    pub fn annotate(
        &self,
        namespace: &str,
        name: &str,
        annotation: &str,
        value: Option<&str>,
    ) -> Result<u64, Status> {
        self.update(namespace, name, |pod| set(pod, "annotations", annotation, value))
    }

    /// Sets a label, or takes it away with `None`.
    pub fn label(
        &self,
        namespace: &str,
        name: &str,
        label: &str,
        value: Option<&str>,
    ) -> Result<u64, Status> {
        self.update(namespace, name, |pod| set(pod, "labels", label, value))
    }

    /// Sets `status.phase`.
    pub fn set_phase(&self, namespace: &str, name: &str, phase: &str) -> Result<u64, Status> {
        self.update(namespace, name, |pod| {
            json::object_at(pod, &["status"]).insert("phase".to_owned(), json!(phase));
        })
    }

    /// Begins a graceful deletion: the Pod stays, with a deletionTimestamp, until [`Store::delete`].
    pub fn terminate(&self, namespace: &str, name: &str) -> Result<u64, Status> {
        self.terminate_by(namespace, name, &clock::timestamp_in(30))
    }

    /// As [`Store::terminate`], with the deletionTimestamp given.
    pub fn terminate_by(&self, namespace: &str, name: &str, at: &str) -> Result<u64, Status> {
        self.update(namespace, name, |pod| {
            let metadata = json::object_at(pod, &["metadata"]);
            if !metadata.contains_key("deletionTimestamp") {
                metadata.insert("deletionTimestamp".to_owned(), json!(at));
                metadata.insert("deletionGracePeriodSeconds".to_owned(), json!(30));
            }
        })
    }

    /// Deletes a Pod at once. Returns the resourceVersion of the deletion.
    pub fn delete(&self, namespace: &str, name: &str) -> Result<u64, Status> {
        self.change(|state| state.delete(namespace, name))
    }

    /// Prints a Pod that is there, as `edit` changes it, for [`Store::put`].
    pub fn prepare(
        &self,
        namespace: &str,
        name: &str,
        edit: impl FnOnce(&mut Value),
    ) -> Result<Prepared, Status> {
        let pod = self.get(namespace, name).ok_or_else(|| Status::not_found(name))?;
        let mut tree = Value::Object(pod.tree());
        edit(&mut tree);
        let Value::Object(tree) = tree else {
            return Err(Status::bad_request("a Pod is an object"));
        };
        Ok(Prepared(Object::new(tree, pod.version)))
    }

    /// Puts a Pod that was prepared in the place of the one of its name, whatever that has become.
    /// Returns the new resourceVersion.
    pub fn put(&self, pod: &Prepared) -> u64 {
        let version = self.lock().put(&pod.0);
        self.wake();
        version
    }

    /// Takes over the items of a `List` or `PodList` with the uids and resourceVersions that they
    /// have, and moves the store to the list's resourceVersion. What was before counts as
    /// compacted.
    pub fn import(&self, list: &Value) -> Result<(), Status> {
        let version = json::text_at(list, "/metadata/resourceVersion").parse().ok();
        self.change(|state| {
            for item in json::at(list, "/items").as_array().into_iter().flatten() {
                let Value::Object(pod) = item.clone() else { continue };
                let version = json::text_at(item, "/metadata/resourceVersion");
                let version = version.parse().unwrap_or(state.version);
                let object = Arc::new(Object::new(pod, version));
                Arc::make_mut(&mut state.pods).insert(object.key(), object);
                state.version = state.version.max(version);
            }
            state.version = state.version.max(version.unwrap_or(0));
            state.forget();
            Ok(())
        })
    }

    /// The list of all Pods as the server prints it, in pieces.
    pub fn list(&self, metadata_only: bool) -> impl Iterator<Item = Bytes> {
        list::all(&self.snapshot(), if metadata_only { Form::Metadata } else { Form::Full })
    }

    /// The newest resourceVersion.
    pub fn resource_version(&self) -> u64 {
        self.lock().version
    }

    /// How many Pods there are.
    pub fn pods(&self) -> usize {
        self.lock().pods.len()
    }

    /// A Pod as a tree, with kind and apiVersion.
    pub fn pod(&self, namespace: &str, name: &str) -> Option<Value> {
        self.lock().get(namespace, name).map(|pod| Value::Object(pod.tree()))
    }

    /// Lets the version grow by `by`, as changes of other resources do.
    pub fn bump(&self, by: u64) {
        self.quietly(|state| state.version += by);
    }

    /// Forgets all history: older versions can no longer be watched or listed exactly, and older
    /// continue tokens expire. Watches that are open go on.
    pub fn compact(&self) {
        self.quietly(|state| state.compacted = state.version);
    }

    /// Begins history now: as [`Store::compact`], and gives its memory back. Watches that are open
    /// and have not read everything end.
    pub fn forget(&self) {
        self.quietly(State::forget);
    }

    /// As [`Store::compact`], up to and including `version`.
    pub fn compact_to(&self, version: u64) {
        self.quietly(|state| state.compacted = state.compacted.max(version.min(state.version)));
    }

    /// Goes back to an earlier state, as an etcd restored from a backup: Pods and version are what
    /// they were, later events never happened, open watches end. Versions will be used again.
    pub fn rewind(&self, version: u64) {
        self.quietly(|state| {
            state.pods = state.pods_at(version);
            state.log.retain(|entry| entry.version <= version);
            state.version = version;
            state.compacted = state.compacted.min(version);
            state.epoch += 1;
        });
    }

    /// Loses everything but the ability to give new uids: an empty cluster at version 1.
    pub fn reset(&self) {
        self.quietly(|state| {
            state.pods = Arc::default();
            state.log.clear();
            state.version = 1;
            state.compacted = 0;
            state.trimmed = 0;
            state.epoch += 1;
        });
    }

    /// Sends bytes, as they stand, to every watch that is open now. A line needs its own newline.
    pub fn send_raw(&self, bytes: impl Into<Bytes>) {
        let what = What::Raw(bytes.into());
        self.quietly(|state| {
            state.version += 1;
            state.append(what);
        });
    }

    /// Sends a bookmark with a new version to every open watch that asked for bookmarks.
    pub fn send_bookmark(&self) -> u64 {
        self.quietly(|state| {
            state.version += 1;
            state.append(What::Bookmark);
        });
        self.resource_version()
    }

    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<Arc<Object>> {
        self.lock().get(namespace, name)
    }

    /// Replaces a Pod by what `edit` makes of it, atomically. `edit` sees the stored object.
    pub(crate) fn edit(
        &self,
        namespace: &str,
        name: &str,
        edit: impl FnOnce(&Object) -> Result<Map<String, Value>, Status>,
    ) -> Result<Arc<Object>, Status> {
        self.change(|state| {
            let old = state.get(namespace, name).ok_or_else(|| Status::not_found(name))?;
            let tree = edit(&old)?;
            Ok(state.replace(&old, tree))
        })
    }

    pub(crate) fn create_object(&self, pod: Value) -> Result<Arc<Object>, Status> {
        self.change(|state| state.create(pod))
    }

    pub(crate) fn bounds(&self) -> Bounds {
        let state = self.lock();
        Bounds { version: state.version, compacted: state.compacted, epoch: state.epoch }
    }

    /// The Pods of one namespace, or of all, in the order of their keys.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let state = self.lock();
        Snapshot { version: state.version, epoch: state.epoch, pods: Arc::clone(&state.pods) }
    }

    /// As [`Store::snapshot`], at an earlier version; `None` when that was compacted.
    pub(crate) fn snapshot_at(&self, version: u64) -> Option<Snapshot> {
        let state = self.lock();
        (version >= state.compacted).then(|| Snapshot {
            version,
            epoch: state.epoch,
            pods: state.pods_at(version),
        })
    }

    /// The entries after a position.
    pub(crate) fn tail(&self, position: Position) -> Tail {
        let state = self.lock();
        if state.epoch != position.epoch || position.version < state.trimmed {
            return Tail::Lost;
        }
        let start = state.log.partition_point(|entry| entry.version <= position.version);
        Tail::Entries(state.log.range(start..).cloned().collect(), state.version)
    }

    /// Wakes at every change; take it before looking at the state.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> Result<T, Status>) -> Result<T, Status> {
        let result = change(&mut self.lock());
        self.wake();
        result
    }

    fn quietly(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.wake();
    }

    fn wake(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}

impl Snapshot {
    /// The Pods of `namespace` (or of all) whose key is not before `start`, in order.
    pub(crate) fn pods<'a>(
        &'a self,
        namespace: Option<&'a str>,
        start: Option<&str>,
    ) -> impl Iterator<Item = &'a Arc<Object>> {
        let prefix = namespace.map(|namespace| key(namespace, "")).unwrap_or_default();
        let from = match start {
            Some(start) => format!("{prefix}{start}"),
            None => prefix.clone(),
        };
        self.pods
            .range(from..)
            .take_while(move |(key, _)| key.starts_with(&prefix))
            .map(|(_, pod)| pod)
    }
}

impl State {
    fn get(&self, namespace: &str, name: &str) -> Option<Arc<Object>> {
        self.pods.get(&key(namespace, name)).cloned()
    }

    fn create(&mut self, pod: Value) -> Result<Arc<Object>, Status> {
        let Value::Object(mut pod) = pod else {
            return Err(Status::bad_request("a Pod is an object"));
        };
        let uid = self.next_uid();
        let metadata = pod.entry("metadata").or_insert_with(|| json!({}));
        let Value::Object(metadata) = metadata else {
            return Err(Status::bad_request("metadata is an object"));
        };
        metadata.entry("namespace").or_insert_with(|| json!("default"));
        metadata.entry("uid").or_insert(Value::String(uid));
        metadata.entry("creationTimestamp").or_insert_with(|| json!(clock::timestamp()));
        let object = Arc::new(Object::new(pod, self.version + 1));
        if object.name.is_empty() {
            return Err(Status::bad_request("a Pod needs a name"));
        }
        let key = object.key();
        if self.pods.contains_key(&key) {
            return Err(Status::new(
                409,
                "AlreadyExists",
                format!("pods \"{}\" already exists", object.name),
            ));
        }
        self.version += 1;
        Arc::make_mut(&mut self.pods).insert(key, Arc::clone(&object));
        self.append(What::Pod { old: None, new: Some(Arc::clone(&object)) });
        Ok(object)
    }

    fn replace(&mut self, old: &Arc<Object>, tree: Map<String, Value>) -> Arc<Object> {
        let mut same = tree.clone();
        if let Some(Value::Object(metadata)) = same.get_mut("metadata") {
            metadata.insert("resourceVersion".to_owned(), json!(old.version.to_string()));
        }
        if same == old.tree() {
            return Arc::clone(old);
        }
        self.version += 1;
        let new = Arc::new(Object::new(tree, self.version));
        Arc::make_mut(&mut self.pods).insert(new.key(), Arc::clone(&new));
        self.append(What::Pod { old: Some(Arc::clone(old)), new: Some(Arc::clone(&new)) });
        new
    }

    fn put(&mut self, pod: &Object) -> u64 {
        self.version += 1;
        let new = Arc::new(pod.at(self.version));
        let old = Arc::make_mut(&mut self.pods).insert(new.key(), Arc::clone(&new));
        self.append(What::Pod { old, new: Some(new) });
        self.version
    }

    fn delete(&mut self, namespace: &str, name: &str) -> Result<u64, Status> {
        let old = Arc::make_mut(&mut self.pods)
            .remove(&key(namespace, name))
            .ok_or_else(|| Status::not_found(name))?;
        self.version += 1;
        self.append(What::Pod { old: Some(old), new: None });
        Ok(self.version)
    }

    fn append(&mut self, what: What) {
        self.log.push_back(Entry { version: self.version, what });
        while self.log.len() > self.capacity {
            if let Some(lost) = self.log.pop_front() {
                self.trimmed = self.trimmed.max(lost.version);
                self.compacted = self.compacted.max(lost.version);
            }
        }
    }

    /// Begins history at the present version.
    fn forget(&mut self) {
        self.log.clear();
        self.trimmed = self.version;
        self.compacted = self.version;
    }

    /// The Pods as they were, by undoing what came later.
    fn pods_at(&self, version: u64) -> Arc<BTreeMap<String, Arc<Object>>> {
        let mut shared = Arc::clone(&self.pods);
        for entry in self.log.iter().rev().take_while(|entry| entry.version > version) {
            let What::Pod { old, new } = &entry.what else { continue };
            let pods = Arc::make_mut(&mut shared);
            if let Some(new) = new {
                pods.remove(&new.key());
            }
            if let Some(old) = old {
                pods.insert(old.key(), Arc::clone(old));
            }
        }
        shared
    }

    /// A uid that this store has not given yet: the `SplitMix64` sequence in the form of a `UUIDv4`.
    fn next_uid(&mut self) -> String {
        let (high, low) = (split_mix(&mut self.uids), split_mix(&mut self.uids));
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 48 & 0x3fff),
            low & 0xffff_ffff_ffff
        )
    }
}

/// Steele, Lea and Flood's `SplitMix64`: a full-period sequence, so that no uid comes twice.
pub(crate) fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

fn set(pod: &mut Value, map_name: &str, name: &str, value: Option<&str>) {
    let map = json::object_at(pod, &["metadata", map_name]);
    if let Some(value) = value {
        map.insert(name.to_owned(), json!(value));
    } else {
        map.shift_remove(name);
    }
    if map.is_empty() {
        json::object_at(pod, &["metadata"]).shift_remove(map_name);
    }
}

#[cfg(test)]
mod tests {
    use super::{Store, Tail, What, key};
    use crate::apiserver::store::Position;
    use serde_json::json;

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
        let prepared = store
            .prepare("n", "a", |pod| pod["metadata"]["annotations"] = json!({"x": "1"}))
            .unwrap();
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
}

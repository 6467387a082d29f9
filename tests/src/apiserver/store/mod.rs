//! The Pods, one global resourceVersion, and the log of what happened: etcd and the watch cache
//! in one. Knows nothing of HTTP.
//!
//! Tests use [`Store`] as the other clients of the cluster: every call is one change, seen by
//! watches at once.

mod state;
#[cfg(test)]
mod tests;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::clock;
use super::json;
use super::list;
use super::object::{Form, Object};
use super::status::Status;

use state::State;
pub(crate) use view::{Bounds, Entry, Position, Snapshot, Tail, What};

/// The Pods of the scripted cluster. Cheap to clone; all clones are the same store.
#[derive(Clone, Debug)]
pub struct Store {
    state: Arc<Mutex<State>>,
    /// Counts changes, so that a waiting watch wakes up; a resourceVersion may go back, this not.
    changes: watch::Sender<u64>,
}

/// A Pod that was printed beforehand, so that putting it in place of another costs next to nothing.
#[derive(Clone, Debug)]
pub struct Prepared(Object);

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
        let state = State::new(version, capacity, seed);
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

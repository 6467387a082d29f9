//! What the store is at one moment, and how one change makes it the next. Neither locks nor wakes a task.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use dubbo_k8s_codec::random::Random;
use serde_json::{Map, Value, json};

use super::super::clock;
use super::super::object::{Object, key};
use super::super::status::Status;
use super::{Entry, What};

#[derive(Debug)]
pub(super) struct State {
    pub(super) version: u64,
    /// Versions at or below this can no longer be listed exactly or watched from.
    pub(super) compacted: u64,
    /// Copied only when it changes while a reader still has the older one.
    pub(super) pods: Arc<BTreeMap<String, Arc<Object>>>,
    pub(super) log: VecDeque<Entry>,
    /// Entries at or below this version are not in the log (any more).
    pub(super) trimmed: u64,
    /// How many entries the log keeps.
    capacity: usize,
    /// Grows when history was rewritten: open watches of an older epoch end.
    pub(super) epoch: u64,
    uids: Random,
}

impl State {
    pub(super) fn new(version: u64, capacity: usize, seed: u64) -> Self {
        Self {
            version,
            compacted: 0,
            pods: Arc::default(),
            log: VecDeque::new(),
            trimmed: 0,
            capacity,
            epoch: 0,
            uids: Random::new(seed),
        }
    }

    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<Arc<Object>> {
        self.pods.get(&key(namespace, name)).cloned()
    }

    pub(super) fn create(&mut self, pod: Value) -> Result<Arc<Object>, Status> {
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

    pub(super) fn replace(&mut self, old: &Arc<Object>, tree: Map<String, Value>) -> Arc<Object> {
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

    pub(super) fn put(&mut self, pod: &Object) -> u64 {
        self.version += 1;
        let new = Arc::new(pod.at(self.version));
        let old = Arc::make_mut(&mut self.pods).insert(new.key(), Arc::clone(&new));
        self.append(What::Pod { old, new: Some(new) });
        self.version
    }

    pub(super) fn delete(&mut self, namespace: &str, name: &str) -> Result<u64, Status> {
        let old = Arc::make_mut(&mut self.pods)
            .remove(&key(namespace, name))
            .ok_or_else(|| Status::not_found(name))?;
        self.version += 1;
        self.append(What::Pod { old: Some(old), new: None });
        Ok(self.version)
    }

    pub(super) fn append(&mut self, what: What) {
        self.log.push_back(Entry { version: self.version, what });
        while self.log.len() > self.capacity {
            if let Some(lost) = self.log.pop_front() {
                self.trimmed = self.trimmed.max(lost.version);
                self.compacted = self.compacted.max(lost.version);
            }
        }
    }

    /// Begins history at the present version.
    pub(super) fn forget(&mut self) {
        self.log.clear();
        self.trimmed = self.version;
        self.compacted = self.version;
    }

    /// The Pods as they were, by undoing what came later.
    pub(super) fn pods_at(&self, version: u64) -> Arc<BTreeMap<String, Arc<Object>>> {
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

    /// A uid that this store has not given yet: the seed's numbers, of which none comes twice, in the form of a `UUIDv4`.
    fn next_uid(&mut self) -> String {
        let (high, low) = (self.uids.bits(), self.uids.bits());
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

//! Any bytes as watch events into a catalog: no panic, and what the catalog reports, replayed, is what it holds.

use std::collections::BTreeMap;

use dubbo_k8s_codec::WatchEvent;
use dubbo_k8s_engine::catalog::{Catalog, ChangeKind, Changes, Liveness};

pub(crate) fn check(bytes: &[u8]) {
    let mut catalog = Catalog::new(Liveness { ready_only: false, labelled_only: false });
    let mut held = BTreeMap::new();
    for line in bytes.split(|&byte| byte == b'\n') {
        let mut changes = Changes::default();
        match WatchEvent::parse(line) {
            Ok(WatchEvent::Added(pod) | WatchEvent::Modified(pod)) => {
                catalog.observe(&pod, &mut changes);
            }
            Ok(WatchEvent::Deleted(pod)) => catalog.remove(&pod, &mut changes),
            Ok(_) => {}
            Err(error) => catalog.problem(&error, &mut changes),
        }
        for change in changes.changes {
            match change.kind {
                ChangeKind::Removed => assert_eq!(held.remove(&change.key), Some(change.value)),
                ChangeKind::Added => assert_eq!(held.insert(change.key, change.value), None),
                ChangeKind::Updated => assert!(held.insert(change.key, change.value).is_some()),
            }
        }
    }
    let shown = catalog.entries().map(|(key, value, _)| (key, value));
    assert!(shown.eq(held.iter().map(|(key, value)| (key.to_string(), &**value))));
    let _ = serde_json::to_string(&catalog.services().collect::<Vec<_>>()).unwrap();
}

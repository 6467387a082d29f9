//! What of the store its readers get: the Pods at one version, and what happened since.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::super::object::{Object, key};

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
    pub(super) pods: Arc<BTreeMap<String, Arc<Object>>>,
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

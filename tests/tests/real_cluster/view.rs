//! What one subscriber of the registry sees: it adds up changes, and fails at one that is lost or comes twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dubbo_k8s_engine::catalog::{Change, ChangeKind};
use dubbo_k8s_engine::{Cause, RelistReason, Scopes, Settings};
use dubbo_k8s_registry::{Config, Registry, Subscription, Update, kube};
use futures_util::StreamExt as _;

use crate::cluster::{Namespace, TIMEOUT, any_address};
use crate::scenarios::key;

/// What one subscriber knows, by its snapshots and changes alone.
pub(crate) struct View {
    /// Follows until it is dropped.
    registry: Registry,
    updates: Subscription,
    seen: Seen,
}

/// What a subscriber was notified of.
#[derive(Default)]
pub(crate) struct Seen {
    /// Key and value of what is registered.
    pub(crate) records: BTreeMap<String, String>,
    /// Why the watch had to begin anew, each time.
    pub(crate) relists: Vec<RelistReason>,
    /// The HTTP statuses of refusals.
    pub(crate) refusals: BTreeSet<u16>,
}

impl View {
    /// Of a namespace, as its cluster's own user.
    pub(crate) fn of(namespace: &Namespace<'_>) -> Self {
        Self::by(namespace.cluster.config().clone(), &[&namespace.name])
    }

    /// Of these namespaces, as the user of a configuration.
    pub(crate) fn by(connection: kube::config::Config, namespaces: &[&str]) -> Self {
        let scopes = Scopes::namespaces(namespaces).unwrap();
        let settings = Settings { trust: any_address(), ..Settings::new(scopes) };
        let registry = Registry::connect(Config::new(connection, settings)).unwrap();
        let updates = registry.subscribe_all();
        Self { registry, updates, seen: Seen::default() }
    }

    /// The registry that it subscribes to.
    pub(crate) const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Waits until it holds the keys of these names, and no more.
    pub(crate) async fn becomes(&mut self, names: &[&str]) {
        let wanted: BTreeSet<String> = names.iter().map(|name| key(name)).collect();
        self.until(&format!("{names:?}"), |seen| seen.records.keys().eq(&wanted)).await;
    }

    /// Waits until it has seen what `wanted` asks for; `what` names that in a failure.
    pub(crate) async fn until(&mut self, what: &str, wanted: impl Fn(&Seen) -> bool) {
        let seen = self.sees(TIMEOUT, wanted).await;
        assert!(seen, "never {what}, but {:?}", self.seen.records.keys());
    }

    /// Whether it sees what `wanted` asks for within this time.
    pub(crate) async fn sees(&mut self, time: Duration, wanted: impl Fn(&Seen) -> bool) -> bool {
        let seen = tokio::time::timeout(time, async {
            while !wanted(&self.seen) {
                let update = self.updates.next().await.expect("it never ends by itself");
                self.seen.take(update);
            }
        });
        seen.await.is_ok()
    }
}

impl Seen {
    fn take(&mut self, update: Update) {
        match update {
            Update::Snapshot(snapshot) => {
                let records = snapshot.iter().map(|(key, value, _)| (key, value.to_owned()));
                self.records = records.collect();
            }
            Update::Change(change) => self.change(&change),
            Update::Relisted { reason, .. } => self.relists.push(reason),
            Update::Disconnected { error, .. } | Update::Failed { error, .. } => {
                if let Cause::Refused { status, .. } = error.cause {
                    self.refusals.insert(status);
                }
            }
            _ => {}
        }
    }

    fn change(&mut self, change: &Change) {
        let (key, value) = (change.key.to_string(), change.value.to_string());
        let before = match change.kind {
            ChangeKind::Removed => self.records.remove(&key),
            ChangeKind::Added | ChangeKind::Updated => self.records.insert(key, value),
        };
        let was_there = change.kind != ChangeKind::Added;
        assert_eq!(before.is_some(), was_there, "lost or twice: {change:?}");
    }
}

//! Changes of Pods on a real server, random and seeded, and what the registry must hold because of them.

use std::collections::BTreeMap;

use dubbo_k8s_tests::pods::{ANNOTATION, LABEL};
use dubbo_k8s_tests::registration::annotation;
use serde_json::{Value, json};

use crate::cluster::Namespace;
use crate::scenarios::{key, pod};

/// Random writers of Pods, seeded, and what the server must hold because of them.
pub(crate) struct Churn {
    state: u64,
    /// By Pod: the name of its key while it is labelled.
    pods: BTreeMap<String, Pod>,
    keys: u32,
}

struct Pod {
    key: String,
    labelled: bool,
}

impl Churn {
    /// The same seed makes the same changes.
    pub(crate) const fn new(seed: u64) -> Self {
        Self { state: seed, pods: BTreeMap::new(), keys: 0 }
    }

    /// Makes one change.
    pub(crate) async fn step(&mut self, namespace: &Namespace<'_>) {
        let name = format!("pod-{}", self.random(12));
        let Some(pod_now) = self.pods.get(&name) else {
            let key_name = self.fresh_key();
            namespace.create(&pod(&name, Some(&key(&key_name)))).await;
            self.pods.insert(name, Pod { key: key_name, labelled: true });
            return;
        };
        let (key_now, labelled) = (pod_now.key.clone(), pod_now.labelled);
        match self.random(4) {
            0 => {
                namespace.delete(&name).await;
                self.pods.remove(&name);
            }
            1 => {
                let label = if labelled { Value::Null } else { json!("dubbo.io-value") };
                let patch = json!({"metadata": {"labels": {LABEL: label}}});
                assert_eq!(namespace.patch(&name, &patch).await.0, 200);
                self.pods.insert(name, Pod { key: key_now, labelled: !labelled });
            }
            _ => {
                let fresh = self.fresh_key();
                let patch =
                    json!({"metadata": {"annotations": {ANNOTATION: annotation([key(&fresh)])}}});
                assert_eq!(namespace.patch(&name, &patch).await.0, 200);
                self.pods.insert(name, Pod { key: fresh, labelled });
            }
        }
    }

    /// The names of all keys that are registered.
    pub(crate) fn truth(&self) -> Vec<String> {
        self.pods.values().filter(|pod| pod.labelled).map(|pod| pod.key.clone()).collect()
    }

    fn fresh_key(&mut self) -> String {
        self.keys += 1;
        format!("s{}", self.keys)
    }

    fn random(&mut self, below: u64) -> u64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.state >> 33) % below
    }
}

//! Which of several states of a Pod counts: the last.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::PastedPod;

/// Keeps of the events about one Pod only the last.
pub(super) fn last_of_events(pods: &mut Vec<PastedPod<'_>>) {
    keep_last(pods, |pod| {
        let (uid, namespace, name) = (&*pod.pod.uid, &*pod.pod.namespace, &*pod.pod.name);
        Some(if uid.is_empty() { [namespace, "/", name].concat() } else { String::from(uid) })
    });
}

/// Keeps of documents that show one Pod in several versions, as a watch prints them, only the last.
pub(super) fn last_of_documents(pods: &mut Vec<PastedPod<'_>>) {
    if pods.iter().filter(|pod| pod.alone).count() < 2 {
        return;
    }
    let (mut first, mut several) = (BTreeMap::new(), BTreeMap::new());
    for (at, pod) in (0_u32..).zip(&*pods) {
        if !pod.alone || pod.pod.uid.is_empty() {
            continue;
        }
        let uid = String::from(&*pod.pod.uid);
        let known = pods.get(*first.entry(uid.clone()).or_insert(at) as usize);
        if known.is_some_and(|known| known.pod.resource_version != pod.pod.resource_version) {
            several.insert(uid, at);
        }
    }
    keep_last(pods, |pod| {
        (pod.alone && several.contains_key(&*pod.pod.uid)).then(|| String::from(&*pod.pod.uid))
    });
}

/// Of those with the same identity, keeps the last; those without one all stay.
fn keep_last(pods: &mut Vec<PastedPod<'_>>, identity: impl Fn(&PastedPod<'_>) -> Option<String>) {
    let mut last = BTreeMap::new();
    for (at, pod) in (0_u32..).zip(&*pods) {
        if let Some(identity) = identity(pod) {
            last.insert(identity, at);
        }
    }
    let mut at = 0;
    pods.retain(|pod| {
        at += 1;
        identity(pod).is_none_or(|identity| last.get(&identity) == Some(&(at - 1)))
    });
}

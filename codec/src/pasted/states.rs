//! Which of several states of a Pod counts: the last.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::PastedPod;

/// Keeps of the events about one Pod only the last.
pub(super) fn last_of_events(pods: &mut Vec<PastedPod<'_>>) {
    keep_last(pods, |pod| {
        let Pod { uid, namespace, name } = Pod::of(pod);
        Some(if uid.is_empty() { [namespace, "/", name].concat() } else { String::from(uid) })
    });
}

/// Keeps of documents that show one Pod in several versions, as a watch prints them, only the last.
pub(super) fn last_of_documents(pods: &mut Vec<PastedPod<'_>>) {
    if pods.iter().filter(|pod| pod.alone).count() < 2 {
        return;
    }
    let mut versions = BTreeMap::new();
    for pod in pods.iter().filter(|pod| pod.alone && !pod.pod.uid.is_empty()) {
        let known = versions.entry(String::from(&*pod.pod.uid)).or_insert((String::new(), 0));
        if *known.0 != *pod.pod.resource_version {
            *known = (String::from(&*pod.pod.resource_version), known.1 + 1);
        }
    }
    keep_last(pods, |pod| {
        let (_, count) = versions.get(&*pod.pod.uid).filter(|_| pod.alone)?;
        (*count > 1).then(|| String::from(&*pod.pod.uid))
    });
}

struct Pod<'a> {
    uid: &'a str,
    namespace: &'a str,
    name: &'a str,
}

impl<'a> Pod<'a> {
    fn of(pod: &'a PastedPod<'_>) -> Self {
        let (uid, namespace, name) = (&*pod.pod.uid, &*pod.pod.namespace, &*pod.pod.name);
        Self { uid, namespace, name }
    }
}

/// Of those with the same identity, keeps the last; those without one all stay.
fn keep_last(pods: &mut Vec<PastedPod<'_>>, identity: impl Fn(&PastedPod<'_>) -> Option<String>) {
    let mut last = BTreeMap::new();
    let identities: Vec<Option<String>> = pods.iter().map(identity).collect();
    for (at, identity) in identities.iter().enumerate() {
        if let Some(identity) = identity {
            last.insert(identity.as_str(), at);
        }
    }
    let mut each = identities.iter().enumerate();
    pods.retain(|_| match each.next() {
        Some((at, Some(identity))) => last.get(identity.as_str()) == Some(&at),
        _ => true,
    });
}

//! A change of the registry's records of one Pod: merged with what the Pod carries, and turned
//! into one PATCH that the server takes only if the Pod is still as it was read.
//!
//! It must never touch another label or annotation, lose a record of another writer, or make a
//! request that Kubernetes would refuse for its size.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use dubbo_k8s_codec::patch::MergePatch;
use dubbo_k8s_codec::{Annotation, DecodeError, LEASES, Record, encode};

use super::registration::{AnnotationSizes, OwnPod, PodName};
use super::{Request, Verb, Wire};

/// The value that the label gets where the Pod has none.
pub use dubbo_k8s_codec::kubernetes::LABEL_VALUE;

/// How long reading or changing one Pod may take.
pub(super) const DEADLINE: Duration = Duration::from_secs(15);

/// The records of one Pod, while they are being changed.
#[derive(Debug, Clone)]
pub(super) struct Draft<'a> {
    pod: &'a OwnPod,
    /// What was there, or why that cannot be read.
    records: Result<Vec<Entry>, DecodeError>,
    added: Vec<Arc<str>>,
    changed: bool,
    label: Option<&'a str>,
    /// The annotation with the leases, or that it goes, unless it stays as it is.
    #[expect(clippy::option_option, reason = "not changed, gone, or there")]
    leases: Option<Option<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    key: Arc<str>,
    value: Arc<str>,
}

/// Why a change cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// What is there cannot be read, so it could not be kept.
    Unreadable(DecodeError),
    /// More than Kubernetes takes.
    TooLarge(AnnotationSizes),
}

impl<'a> Draft<'a> {
    pub(super) fn new(pod: &'a OwnPod) -> Self {
        let (added, changed, label, leases) = (Vec::new(), false, None, None);
        Self { pod, records: read(pod), added, changed, label, leases }
    }

    /// Adds a record at the end, unless one with its key is there: whether it was added.
    pub(super) fn add(&mut self, key: &Arc<str>) -> Result<bool, Obstacle> {
        let records = self.records.as_mut().map_err(|error| Obstacle::Unreadable(error.clone()))?;
        if records.iter().any(|record| record.key == *key) {
            return Ok(false);
        }
        records.push(Entry { key: Arc::clone(key), value: Arc::from("") });
        self.added.push(Arc::clone(key));
        self.changed = true;
        Ok(true)
    }

    /// Takes every record with this key out: whether there was one.
    pub(super) fn remove(&mut self, key: &str) -> Result<bool, Obstacle> {
        let records = self.records.as_mut().map_err(|error| Obstacle::Unreadable(error.clone()))?;
        let before = records.len();
        records.retain(|record| *record.key != *key);
        let removed = records.len() < before;
        self.added.retain(|added| **added != *key);
        self.changed |= removed;
        Ok(removed)
    }

    /// Takes everything out, readable or not: how many records that were, as far as can be known.
    pub(super) fn clear(&mut self) -> usize {
        self.changed |= self.pod.annotation().is_some();
        self.added.clear();
        let before = core::mem::replace(&mut self.records, Ok(Vec::new()));
        before.map_or(0, |records| records.len())
    }

    /// Sees to it that the Pod has the label: with the value that is asked for, else with the one
    /// it has, else with [`LABEL_VALUE`]. Whether that changes it.
    pub(super) fn label(&mut self, asked: Option<&'a str>) -> bool {
        let present = self.pod.label.as_deref();
        let wanted = asked.or(present).unwrap_or(LABEL_VALUE);
        self.label = (present != Some(wanted)).then_some(wanted);
        self.label.is_some()
    }

    /// Sees to it that the leases are written down so.
    pub(super) fn lease(&mut self, wanted: Option<String>) {
        self.leases = (self.pod.leases() != wanted.as_deref()).then_some(wanted);
    }

    /// Whether Kubernetes would take it so.
    pub(super) fn check(&self) -> Result<(), Obstacle> {
        if !self.changed && self.leases.is_none() {
            return Ok(());
        }
        let mut others = Cow::Borrowed(&self.pod.annotations);
        match &self.leases {
            None => {}
            Some(None) => drop(others.to_mut().remove(LEASES)),
            Some(Some(value)) => drop(others.to_mut().insert(LEASES.to_owned(), value.clone())),
        }
        let value = if self.changed {
            self.value().map(Cow::Owned)
        } else {
            self.pod.annotation().map(Cow::Borrowed)
        };
        let added = self.added.iter().map(|key| &**key);
        let sizes = AnnotationSizes::of(&others, value.as_deref(), added);
        if sizes.fits() { Ok(()) } else { Err(Obstacle::TooLarge(sizes)) }
    }

    /// The patch that makes it so; none if it is so already.
    pub(super) fn finish(self, name: &PodName) -> Option<Patch> {
        // What was added and taken out again is no change.
        let changed = self.changed && self.records.as_ref().ok() != read(self.pod).as_ref().ok();
        (changed || self.label.is_some() || self.leases.is_some()).then(|| Patch {
            pod: name.clone(),
            uid: self.pod.uid.clone(),
            resource_version: self.pod.resource_version.clone(),
            label: self.label.map(str::to_owned),
            annotation: changed.then(|| self.value()),
            leases: self.leases.clone(),
        })
    }

    /// The annotation; none without a record.
    fn value(&self) -> Option<String> {
        let records = self.records.as_deref().unwrap_or_default();
        let records = records.iter().map(|entry| Record { key: &entry.key, value: &entry.value });
        (records.len() > 0).then(|| encode(records))
    }
}

fn read(pod: &OwnPod) -> Result<Vec<Entry>, DecodeError> {
    let Some(value) = pod.annotation() else { return Ok(Vec::new()) };
    let annotation = Annotation::decode(value)?;
    let entry = |record: Record<'_>| Entry { key: record.key.into(), value: record.value.into() };
    Ok(annotation.records().map(entry).collect())
}

/// One change of one Pod, as data. It names the uid and the resourceVersion that were read: the
/// server answers 409 if the Pod has changed since, and 422 if it is another Pod by now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Patch {
    /// The Pod.
    pub pod: PodName,
    /// Its identity.
    pub uid: String,
    /// The version that this change was made for.
    pub resource_version: String,
    /// The value to set the registry's label to, unless it stays as it is.
    pub label: Option<String>,
    /// The value to set the registry's annotation to, or to remove it, unless it stays as it is.
    pub annotation: Option<Option<String>>,
    /// The value to set the annotation with the leases to, or to remove it, unless it stays as it is.
    pub leases: Option<Option<String>>,
}

impl Patch {
    /// The JSON merge patch (RFC 7396).
    pub fn body(&self) -> Vec<u8> {
        let patch = MergePatch {
            uid: &self.uid,
            resource_version: &self.resource_version,
            label: self.label.as_deref(),
            annotation: self.annotation.as_ref().map(Option::as_deref),
            leases: self.leases.as_ref().map(Option::as_deref),
        };
        patch.to_json().into_bytes()
    }

    /// Whether this is what the Pod has become.
    pub(super) fn is_kept_by(&self, pod: &OwnPod) -> bool {
        let annotation = self.annotation.as_ref();
        let label = self.label.as_deref();
        let leases = self.leases.as_ref();
        annotation.is_none_or(|value| value.as_deref() == pod.annotation())
            && leases.is_none_or(|value| value.as_deref() == pod.leases())
            && label.is_none_or(|value| Some(value) == pod.label.as_deref())
    }

    /// The request. The answer is the Pod as it has become, in the form that is asked for; the body
    /// is JSON whatever that is.
    pub fn request(&self, wire: Wire) -> Request {
        Request {
            verb: Verb::Patch,
            content_type: Some("application/merge-patch+json"),
            body: self.body(),
            ..self.pod.request(wire)
        }
    }
}

impl PodName {
    /// The request that reads the Pod.
    pub(super) fn request(&self, wire: Wire) -> Request {
        Request {
            verb: Verb::Get,
            target: format!("/api/v1/namespaces/{}/pods/{}", self.namespace(), self.name()),
            accept: wire.accept(),
            gzip: false,
            content_type: None,
            body: Vec::new(),
            deadline: DEADLINE,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use dubbo_k8s_codec::ANNOTATION;

    use super::*;

    const A: &str = "/dubbo/a.A/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa.A";
    const B: &str = "/dubbo/b.B/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Fb.B";

    #[test]
    fn a_first_registration_sets_label_and_annotation_under_both_preconditions() {
        let pod = pod(None, None);
        let patch = patch(&pod, |draft| {
            assert!(draft.add(&A.into()).unwrap());
            assert!(draft.label(None));
        })
        .unwrap();
        let annotation = encode([Record::new(A)]);
        assert_eq!(
            String::from_utf8(patch.body()).unwrap(),
            format!(
                r#"{{"metadata":{{"uid":"u-1","resourceVersion":"7","labels":{{"dubbo.io/label":"dubbo.io-value"}},"annotations":{{"dubbo.io/annotation":"{annotation}"}}}}}}"#
            )
        );
        let request = patch.request(Wire::default());
        assert_eq!(request.verb, Verb::Patch);
        assert_eq!(request.target, "/api/v1/namespaces/shop/pods/user-0");
        assert_eq!(request.content_type, Some("application/merge-patch+json"));
    }

    #[test]
    fn records_of_others_keep_their_place_values_and_repetitions() {
        let others =
            [Record::new("/dubbo"), Record { key: "x<y>", value: "v&" }, Record::new("/dubbo")];
        let pod = pod(Some("mine"), Some(&encode(others)));
        let patch = patch(&pod, |draft| {
            draft.add(&A.into()).unwrap();
            assert!(!draft.add(&A.into()).unwrap());
            assert!(!draft.add(&"/dubbo".into()).unwrap());
            assert!(!draft.label(None));
        })
        .unwrap();
        let expected = encode(others.into_iter().chain([Record::new(A)]));
        assert_eq!((patch.label, patch.annotation), (None, Some(Some(expected))));
    }

    #[test]
    fn nothing_new_is_no_request_whatever_the_encoding_of_what_is_there() {
        let unpadded = encode([Record::new(A)]).trim_end_matches('=').to_owned();
        let pod = pod(Some("mine"), Some(&unpadded));
        assert_eq!(patch(&pod, |draft| drop((draft.add(&A.into()), draft.label(None)))), None);
    }

    #[test]
    fn an_empty_annotation_is_added_to_and_white_space_is_kept() {
        let empty = pod(Some("mine"), Some(""));
        let patch = patch(&empty, |draft| assert!(draft.add(&A.into()).unwrap())).unwrap();
        assert_eq!(patch.annotation, Some(Some(encode([Record::new(A)]))));
        for space in [" ", "\n", "\t \r\n"] {
            let pod = pod(Some("mine"), Some(space));
            let refused = Draft::new(&pod).add(&A.into());
            assert!(matches!(refused, Err(Obstacle::Unreadable(_))), "{space:?}");
        }
    }

    #[test]
    fn only_the_label_that_is_asked_for_replaces_one() {
        let pod = pod(Some("dubbo.io.provider"), None);
        assert_eq!(patch(&pod, |draft| assert!(!draft.label(None))), None);
        let patch = patch(&pod, |draft| assert!(draft.label(Some("other")))).unwrap();
        assert_eq!((patch.label.as_deref(), patch.annotation), (Some("other"), None));
    }

    #[test]
    fn taking_out_leaves_the_rest_and_the_last_one_takes_the_annotation_along() {
        let pod = pod(Some("mine"), Some(&encode([A, B, A].map(Record::new))));
        let one = patch(&pod, |draft| assert!(draft.remove(A).unwrap())).unwrap();
        assert_eq!(one.annotation, Some(Some(encode([Record::new(B)]))));
        let both = patch(&pod, |draft| {
            assert!(draft.remove(A).unwrap() && draft.remove(B).unwrap());
            assert!(!draft.remove(B).unwrap());
        })
        .unwrap();
        assert_eq!((both.label.clone(), both.annotation.clone()), (None, Some(None)));
        assert!(
            String::from_utf8(both.body())
                .unwrap()
                .ends_with(r#""annotations":{"dubbo.io/annotation":null}}}"#)
        );
        let all = patch(&pod, |draft| assert_eq!(draft.clear(), 3)).unwrap();
        assert_eq!(all, both);
    }

    #[test]
    fn what_cannot_be_read_is_not_overwritten_but_can_be_thrown_away() {
        let pod = pod(None, Some("not base64!"));
        let mut draft = Draft::new(&pod);
        assert!(matches!(draft.add(&A.into()), Err(Obstacle::Unreadable(_))));
        assert!(matches!(draft.remove(A), Err(Obstacle::Unreadable(_))));
        draft.clear();
        assert_eq!(draft.finish(&name()).unwrap().annotation, Some(None));
    }

    #[test]
    fn the_limit_is_found_before_anything_is_sent() {
        let mut pod = pod(None, None);
        pod.annotations.insert("big".to_owned(), "x".repeat(262_100));
        let mut draft = Draft::new(&pod);
        draft.add(&A.into()).unwrap();
        let Err(Obstacle::TooLarge(sizes)) = draft.check() else { panic!("it fits?") };
        assert_eq!(sizes.parts[0], ("big".to_owned(), 262_103));
        assert_eq!(sizes.added.len(), 1);
        draft.remove(A).unwrap();
        assert_eq!(draft.check(), Ok(()), "without the record it fits");
    }

    fn patch(pod: &OwnPod, edit: impl FnOnce(&mut Draft<'_>)) -> Option<Patch> {
        let mut draft = Draft::new(pod);
        edit(&mut draft);
        draft.check().unwrap();
        draft.finish(&name())
    }

    fn name() -> PodName {
        PodName::new("shop", "user-0").unwrap()
    }

    fn pod(label: Option<&str>, annotation: Option<&str>) -> OwnPod {
        let annotations = annotation.map(|value| (ANNOTATION.to_owned(), value.to_owned()));
        OwnPod {
            uid: "u-1".to_owned(),
            resource_version: "7".to_owned(),
            terminating: false,
            label: label.map(str::to_owned),
            annotations: BTreeMap::from_iter(annotations),
            ips: None,
        }
    }
}

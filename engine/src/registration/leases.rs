//! Leases: the records that one application keeps in its Pod through an agent, under an id of its own, and the annotation
//! by which the agent finds them again after a restart. It must never name a record that the Pod does not carry.

use alloc::borrow::ToOwned as _;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use dubbo_k8s_codec::{Annotation, LEASES};
use serde::{Deserialize, Serialize};

use super::OwnPod;

/// The form of the annotation. Another one is of a program that is not known.
const FORM: u32 = 1;

/// What is kept under one id. The caller decides when a lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Its name.
    pub id: Arc<str>,
    /// How long it lasts when it is not renewed.
    pub seconds: u32,
    /// The keys of its records; without any it is no lease.
    pub keys: Vec<Arc<str>>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    form: u32,
    leases: Vec<WrittenLease>,
}

#[derive(Serialize, Deserialize)]
struct WrittenLease {
    id: String,
    seconds: u32,
    /// A digest of each key: the keys themselves stand in the registry's annotation.
    records: Vec<String>,
}

/// The annotation; none without a lease.
pub(super) fn write(leases: &[Lease]) -> Option<String> {
    let written = |lease: &Lease| WrittenLease {
        id: (*lease.id).to_owned(),
        seconds: lease.seconds,
        records: lease.keys.iter().map(|key| digest(key)).collect(),
    };
    let leases: Vec<_> = leases.iter().map(written).collect();
    if leases.is_empty() {
        return None;
    }
    // Strings and numbers in structs always serialise.
    serde_json::to_string(&Written { form: FORM, leases }).ok()
}

/// The leases of a Pod, as far as their records are still there. An annotation that is not ours has none.
pub(super) fn read(pod: &OwnPod) -> Vec<Lease> {
    let written = pod.annotations.get(LEASES).and_then(|text| serde_json::from_str(text).ok());
    let Some(Written { form: FORM, leases }) = written else { return Vec::new() };
    let Some(Ok(annotation)) = pod.annotation().map(Annotation::decode) else { return Vec::new() };
    let keys: BTreeMap<String, Arc<str>> =
        annotation.records().map(|record| (digest(record.key), record.key.into())).collect();
    let mut found: Vec<Lease> = Vec::new();
    for WrittenLease { id, seconds, records } in leases {
        let kept: Vec<_> = records.iter().filter_map(|digest| keys.get(digest).cloned()).collect();
        if !kept.is_empty() && found.iter().all(|lease| *lease.id != *id) {
            found.push(Lease { id: id.into(), seconds, keys: kept });
        }
    }
    found
}

/// FNV-1a of 64 bits. It is written down in Pods, so it never changes.
fn digest(key: &str) -> String {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    format!("{:016x}", key.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;
    use alloc::vec;

    use dubbo_k8s_codec::{ANNOTATION, Record, encode};

    use super::*;

    fn pod(records: &[&str], leases: Option<String>) -> OwnPod {
        let records = encode(records.iter().map(|key| Record::new(key)));
        let records = (ANNOTATION.to_owned(), records);
        let leases = leases.map(|text| (LEASES.to_owned(), text));
        OwnPod {
            uid: "u-1".to_owned(),
            resource_version: "7".to_owned(),
            terminating: false,
            label: None,
            annotations: [records].into_iter().chain(leases).collect(),
            ips: None,
        }
    }

    fn lease(id: &str, keys: &[&str]) -> Lease {
        Lease { id: id.into(), seconds: 30, keys: keys.iter().map(|key| (*key).into()).collect() }
    }

    #[test]
    fn what_is_written_is_found_again_as_far_as_the_pod_carries_it() {
        let leases = [lease("app", &["/a", "/b"]), lease("job", &["/b"]), lease("old", &["/c"])];
        let written = write(&leases);
        let found = read(&pod(&["/other", "/a", "/b", "/a"], written));
        assert_eq!(found, leases[..2]);
    }

    #[test]
    fn the_form_is_a_contract_with_later_versions() {
        assert_eq!(
            write(&[lease("app", &["a"])]).unwrap(),
            r#"{"form":1,"leases":[{"id":"app","seconds":30,"records":["af63dc4c8601ec8c"]}]}"#
        );
        assert_eq!(write(&[]), None);
    }

    #[test]
    fn an_annotation_that_is_not_ours_has_no_leases() {
        let ours = write(&[lease("app", &["/a"])]).unwrap();
        for other in ["", "{}", "[]", "null", &ours.replace("\"form\":1", "\"form\":2")] {
            assert_eq!(read(&pod(&["/a"], Some(other.to_string()))), vec![], "{other}");
        }
        assert_eq!(read(&pod(&["/a"], None)), vec![]);
        let mut unreadable = pod(&[], Some(ours));
        unreadable.annotations.insert(ANNOTATION.to_owned(), "!".to_owned());
        assert_eq!(read(&unreadable), vec![]);
    }
}

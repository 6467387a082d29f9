//! The Pod that carries a record. It says whose a record is, and nothing of the Pod's state.

use alloc::sync::Arc;

use serde::{Serialize, Serializer, ser::SerializeStruct};

/// Who carries a record: a Pod. Its identity is the uid.
///
/// Serialises as `{"namespace","pod","uid"}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    /// The namespace of the Pod.
    pub namespace: Arc<str>,
    /// Its name; empty for an object that could not be read at all.
    pub pod: Arc<str>,
    /// Its uid.
    pub uid: Arc<str>,
}

impl Holder {
    /// The order in which holders of one key count: by uid, the rest only breaks ties.
    pub(super) fn rank(&self) -> (&str, &str, &str) {
        (&self.uid, &self.namespace, &self.pod)
    }
}

impl Serialize for Holder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Holder", 3)?;
        object.serialize_field("namespace", &*self.namespace)?;
        object.serialize_field("pod", &*self.pod)?;
        object.serialize_field("uid", &*self.uid)?;
        object.end()
    }
}

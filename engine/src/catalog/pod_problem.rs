//! What could not be read of a Pod. It is shown beside what could, and never hides it.

use alloc::sync::Arc;

use dubbo_k8s_codec::DecodeError;
use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::holder::Holder;

/// What could not be read of a Pod, beside the records that could.
///
/// Serialises as `{"namespace","pod","uid","error"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PodProblem {
    /// Whose it is.
    pub holder: Arc<Holder>,
    /// What is wrong. The offsets are those in the annotation, or in the object where no
    /// annotation could be read.
    pub error: DecodeError,
}

impl Serialize for PodProblem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("PodProblem", 4)?;
        object.serialize_field("namespace", &*self.holder.namespace)?;
        object.serialize_field("pod", &*self.holder.pod)?;
        object.serialize_field("uid", &*self.holder.uid)?;
        object.serialize_field("error", &self.error)?;
        object.end()
    }
}

//! Which Pods count: a decision of one Pod alone, without a memory.

use dubbo_k8s_codec::Pod;

/// Which Pods count as live. A Pod that is gone, is being deleted or has ended never does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liveness {
    /// Only Pods that are known to be ready.
    pub ready_only: bool,
    /// Only Pods that have the label `dubbo.io/label`. Off where another selector chooses them.
    pub labelled_only: bool,
}

impl Default for Liveness {
    fn default() -> Self {
        Self { ready_only: false, labelled_only: true }
    }
}

impl Liveness {
    /// Whether the Pod counts.
    pub fn is_live(self, pod: &Pod<'_>) -> bool {
        !pod.deleting
            && !pod.has_ended()
            && (!self.labelled_only || pod.label.is_some())
            && (!self.ready_only || pod.ready == Some(true))
    }
}

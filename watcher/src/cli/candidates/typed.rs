//! What is typed so far of a command line that is to be completed: which server, as whom, and which namespace. It reads
//! nothing itself: the completion keeps it here, for callbacks that are given only the last word.

use std::ffi::OsString;
use std::sync::OnceLock;

use dubbo_k8s_registry::kube::config::Overrides;

static TYPED: OnceLock<Typed> = OnceLock::new();

/// What was typed so far of which Pods to look at.
#[derive(Debug, Default)]
pub(in crate::cli) struct Typed {
    /// The shell that asks; none where it is kubectl.
    pub(in crate::cli) shell: Option<OsString>,
    pub(in crate::cli) overrides: Overrides,
    pub(in crate::cli) namespace: Option<String>,
    pub(in crate::cli) pod: Option<String>,
}

impl Typed {
    /// Keeps it for [`Self::now`].
    pub(in crate::cli) fn keep(self) {
        let _ = TYPED.set(self);
    }

    /// What was kept.
    pub(super) fn now() -> &'static Self {
        TYPED.get_or_init(Self::default)
    }
}

//! Which body: everything that its bytes depend on. It is compared and copied, and holds nothing.

use dubbo_k8s_registry::Revision;
use dubbo_k8s_registry::feed::State;

use super::coding::Coding;

/// Which body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Snapshot,
    Annotations,
}

/// Everything that a body depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) kind: Kind,
    pub(super) coding: Coding,
    pub(super) revision: Revision,
    /// As it is in the body; whole seconds, so that a lost server does not make every body new.
    pub(super) age: Option<u64>,
}

impl Name {
    pub(super) fn of(kind: Kind, coding: Coding, state: &State) -> Self {
        let age = state.age().map(|age| age.as_secs());
        Self { kind, coding, revision: state.revision(), age }
    }
}

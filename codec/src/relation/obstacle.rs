//! Why a consumer does not call a provider. It judges nothing.

use alloc::string::String;

use serde::Serialize;

use crate::named::named;

named! {
    /// Why a consumer does not call a provider. The order is the one in which they are looked for.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
    #[serde(rename_all = "kebab-case")]
    #[non_exhaustive]
    pub enum Obstacle {
        /// Another interface.
        Interface = "interface",
        /// A group that is not asked for.
        Group = "group",
        /// A version that is not asked for.
        Version = "version",
        /// A protocol that the consumer does not speak.
        Protocol = "protocol",
        /// The provider's URL says that it is in another category.
        Category = "category",
        /// A namespace that the consumer does not read.
        Namespace = "namespace",
        /// The provider's Pod has no label that is selected.
        NotSelected = "not-selected",
        /// The provider's annotation or URL is refused.
        Refused = "refused",
        /// The provider's Pod has ended or is gone.
        Ended = "ended",
        /// The provider's Pod is being deleted.
        Terminating = "terminating",
        /// The provider's Pod is not ready.
        NotReady = "not-ready",
        /// The provider names an address that is not its Pod's.
        NotBelieved = "not-believed",
        /// The provider says that it is disabled.
        Disabled = "disabled",
        /// The provider's weight is zero.
        NoWeight = "no-weight",
        /// The provider is reserved for a tag that the consumer does not have, or the consumer has a better one.
        Tag = "tag",
    }
}

/// Why a consumer does not call a provider, with the two values that differ; both are empty where nothing is
/// compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Mismatch {
    /// The reason.
    pub obstacle: Obstacle,
    /// What the consumer asks for.
    pub asked: String,
    /// What the provider has.
    pub found: String,
}

impl Mismatch {
    pub(super) fn new(
        obstacle: Obstacle,
        asked: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self { obstacle, asked: asked.into(), found: found.into() }
    }
}

//! Why a consumer does not call a provider. It judges nothing.

use alloc::string::String;
use core::fmt;

use serde::Serialize;

/// Why a consumer does not call a provider. The order is the one in which they are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Obstacle {
    /// Another interface.
    Interface,
    /// A group that is not asked for.
    Group,
    /// A version that is not asked for.
    Version,
    /// A protocol that the consumer does not speak.
    Protocol,
    /// The provider's URL says that it is in another category.
    Category,
    /// A namespace that the consumer does not read.
    Namespace,
    /// The provider's Pod has no label that is selected.
    NotSelected,
    /// The provider's annotation or URL is refused.
    Refused,
    /// The provider's Pod has ended or is gone.
    Ended,
    /// The provider's Pod is being deleted.
    Terminating,
    /// The provider's Pod is not ready.
    NotReady,
    /// The provider names an address that is not its Pod's.
    NotBelieved,
    /// The provider says that it is disabled.
    Disabled,
    /// The provider's weight is zero.
    NoWeight,
    /// The provider is reserved for a tag that the consumer does not have, or the consumer has a better one.
    Tag,
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

impl Obstacle {
    /// Every one, in order.
    pub const ALL: [Self; 15] = [
        Self::Interface,
        Self::Group,
        Self::Version,
        Self::Protocol,
        Self::Category,
        Self::Namespace,
        Self::NotSelected,
        Self::Refused,
        Self::Ended,
        Self::Terminating,
        Self::NotReady,
        Self::NotBelieved,
        Self::Disabled,
        Self::NoWeight,
        Self::Tag,
    ];

    /// The stable name, in kebab case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interface => "interface",
            Self::Group => "group",
            Self::Version => "version",
            Self::Protocol => "protocol",
            Self::Category => "category",
            Self::Namespace => "namespace",
            Self::NotSelected => "not-selected",
            Self::Refused => "refused",
            Self::Ended => "ended",
            Self::Terminating => "terminating",
            Self::NotReady => "not-ready",
            Self::NotBelieved => "not-believed",
            Self::Disabled => "disabled",
            Self::NoWeight => "no-weight",
            Self::Tag => "tag",
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//! What can be wrong with a registry URL, a registration or a subscription, as data. No credential gets into it.

use std::io;

use dubbo_k8s_registry::RegisterError;
use dubbo_k8s_registry::kube::config::{ConfigError, ThisPodError};

/// Why the registry cannot be opened, or does not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// dubbo-rust's extension URL names no registry.
    #[error("the extension's URL names no registry: it has no parameter `registry`")]
    NoRegistry,
    /// A URL of another registry.
    #[error("this is the registry of kubernetes:// URLs, and the URL is of {protocol}://")]
    Protocol {
        /// The protocol found.
        protocol: String,
    },
    /// A parameter that the registry does not have: one that is misspelt must not be silently without effect.
    #[error("the registry has no parameter {name:?}; it has {}", .known.join(", "))]
    UnknownParameter {
        /// The name found.
        name: String,
        /// The names there are.
        known: &'static [&'static str],
    },
    /// A value that is none of its parameter.
    #[error("the registry's parameter {name}={found:?} is not {expected}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its value.
        found: String,
        /// What it should have been.
        expected: String,
    },
    /// No server to talk to, or not known as whom.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It is not known which Pod this process runs in.
    #[error(transparent)]
    WhichPod(#[from] ThisPodError),
    /// A provider that listens on every address, and the address of this Pod is not known.
    #[error(
        "{url} is registered with the Pod's address, which is not known: set POD_IP (the field status.podIP), or the \
         registry's parameter host: {source}"
    )]
    NoAddress {
        /// The provider's URL as dubbo-rust gave it.
        url: String,
        /// Why the way to the server says nothing.
        source: io::Error,
    },
    /// A URL that the registry cannot keep, or a Pod that cannot be changed.
    #[error("{url} is not registered: {source}")]
    NotRegistered {
        /// The provider's URL as it would have been registered.
        url: String,
        /// Why.
        source: Box<RegisterError>,
    },
    /// The URL is still in the Pod.
    #[error("{url} is still registered: {source}")]
    StillRegistered {
        /// The provider's URL as it is registered.
        url: String,
        /// Why.
        source: Box<RegisterError>,
    },
    /// A consumer's URL without an interface.
    #[error("{url} names no interface to subscribe to")]
    NoInterface {
        /// The consumer's URL.
        url: String,
    },
}

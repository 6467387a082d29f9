//! What to follow, and how.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use dubbo_k8s_codec::trust::Trust;

use crate::Wire;
use crate::catalog::Scope;

/// The label selector of the registry: the value of the article and the two of dubbo-go 1.5.
pub const SELECTOR: &str = "dubbo.io/label in (dubbo.io-value,dubbo.io.provider,dubbo.io.consumer)";

/// What to follow, and how. Start from [`Settings::new`].
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Settings {
    /// Which namespaces.
    pub scopes: Scopes,
    /// The label selector, as kubectl's `-l` takes it; empty for all Pods.
    pub selector: String,
    /// Count only Pods whose Ready condition is true.
    pub ready_only: bool,
    /// In which form to ask for Pods.
    pub wire: Wire,
    /// Ask for lists to be compressed. A server needs more than a CPU-second for 80 MB of protobuf, so it pays on
    /// slow lines only. Watches are compressed wherever a server can (Kubernetes 1.37), which costs it nothing.
    pub gzip_lists: bool,
    /// How many Pods to ask for in one page of a list.
    pub page_limit: u32,
    /// Try a streaming list before a paged one.
    pub streaming_list: bool,
    /// Watch after the list. Without it each scope is listed in one piece, once, and its changes are not followed.
    pub follow: bool,
    /// Report the first list as one [`Notice::FirstList`](super::Notice::FirstList) instead of a change for
    /// each key: for callers that read it from the catalog.
    pub bulk: bool,
    /// The longest line of a watch and the longest item of a list, in bytes.
    pub object_limit: usize,
    /// Which records are believed of which Pods.
    pub trust: Trust,
}

impl Settings {
    /// The settings that fit a registry: [`SELECTOR`], whole Pods as protobuf, pages of
    /// 500 Pods, streaming list, objects up to 16 MiB.
    pub fn new(scopes: Scopes) -> Self {
        Self {
            scopes,
            selector: SELECTOR.to_owned(),
            ready_only: false,
            wire: Wire::default(),
            gzip_lists: false,
            page_limit: 500,
            streaming_list: true,
            follow: true,
            bulk: false,
            object_limit: 16 << 20,
            trust: Trust::default(),
        }
    }
}

/// Which namespaces to follow: all, or at least one by name. Each is listed and watched on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// All namespaces, by one cluster-wide list and watch.
    pub fn all() -> Self {
        Self(vec![Scope::All])
    }

    /// The namespaces of these names, each once, in this order. Empty names are left out (a
    /// trailing comma must never widen a list to the whole cluster); `None` if nothing remains.
    pub fn namespaces<I>(names: I) -> Option<Self>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let mut scopes = Vec::new();
        for name in names {
            let name = name.as_ref().trim();
            let scope = Scope::Namespace(Arc::from(name));
            if !name.is_empty() && !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        (!scopes.is_empty()).then_some(Self(scopes))
    }

    /// The scopes, in order; at least one.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Scope> {
        self.0.iter()
    }
}

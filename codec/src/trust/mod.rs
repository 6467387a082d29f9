//! Who is believed: which of a Pod's records may reach a consumer. An annotation is written by any client that may
//! patch the Pod, so a Pod is believed about itself only. This is the one place that decides it; it reads no Pod, keeps
//! nothing, and must never depend on the order in which Pods are seen.

mod address;
mod owner;
mod quota;
mod weight;

use alloc::vec::Vec;
use core::net::IpAddr;

pub use crate::distrust::{Distrust, Unbelieved};
use crate::{Category, Url};

pub use address::{Admit, BadAdmit};
pub use owner::{BadOwner, Owner};
pub use quota::{BadQuota, Quota, Usage};

/// The largest weight that counts by default: a hundred times Dubbo's default weight.
pub const MAX_WEIGHT: u32 = 100 * crate::DEFAULT_WEIGHT;

/// What is believed. The default is the safe choice; each member relaxes or narrows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Addresses that a provider may have besides those of its own Pod.
    pub admitted: Vec<Admit>,
    /// A larger weight counts as this one.
    pub max_weight: u32,
    /// Which namespaces provide which interfaces; an interface that no rule names may be provided from every namespace.
    pub owners: Vec<Owner>,
    /// What one Pod may register.
    pub pod: Quota,
    /// What all Pods of one namespace may register together.
    pub namespace: Quota,
}

impl Trust {
    /// A Pod's own addresses, [`MAX_WEIGHT`], any owner, the quotas [`Quota::POD`] and [`Quota::NAMESPACE`].
    pub const fn new() -> Self {
        Self {
            admitted: Vec::new(),
            max_weight: MAX_WEIGHT,
            owners: Vec::new(),
            pod: Quota::POD,
            namespace: Quota::NAMESPACE,
        }
    }
}

impl Default for Trust {
    fn default() -> Self {
        Self::new()
    }
}

/// The Pod that carries a record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Registrant<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// Its own addresses (`status.podIPs`; on the host's network they are the host's). `None` is for sources that cannot
    /// know them, such as a pasted annotation without its Pod: then only addresses that no Pod can have are refused. A
    /// server that names none means that there are none.
    pub ips: Option<&'a [IpAddr]>,
}

/// What a record claims: the key's interface and category, and its URL.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The interface in the key's path.
    pub interface: &'a str,
    /// The category in the key's path.
    pub category: Category,
    /// The URL.
    pub url: &'a Url<'a>,
}

impl Trust {
    /// Whether what a record claims is believed of this Pod.
    ///
    /// Of a provider its addresses and its names are judged, of a rule its names, and of a consumer nothing: it
    /// takes no traffic. Weight ([`overweight`](Self::overweight)) and quotas ([`Quota::holds`]) are judged apart.
    ///
    /// # Errors
    ///
    /// Why it is not, and where in the URL.
    pub fn judge(&self, claim: &Claim<'_>, pod: &Registrant<'_>) -> Result<(), Unbelieved> {
        match claim.category {
            Category::Consumers => return Ok(()),
            Category::Providers => address::judge(&self.admitted, claim.url, pod.ips)?,
            Category::Configurators | Category::Routers => {}
        }
        owner::judge(&self.owners, claim.interface, claim.url, pod.namespace)
    }

    /// Where in a provider's URL a weight stands that is larger than what counts, if one does.
    pub fn overweight(&self, url: &Url<'_>) -> Option<Unbelieved> {
        weight::over(url, self.max_weight)
    }

    /// The weight as it counts.
    pub fn weight(&self, weight: u32) -> u32 {
        weight.min(self.max_weight)
    }
}

pub use weight::cap;
pub(crate) use weight::is_over;

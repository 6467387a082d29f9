//! What a provider of the mesh registers, and the Pod that carries it.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::NAMESPACE;
use crate::pods::{self, ANNOTATION, LABEL};
use crate::registration::{Registration, Side, annotation, query_escape};

/// The interface that the mesh is about.
pub const INTERFACE: &str = "com.example.Greeter";

/// Long ago: a provider that registered then has warmed up.
const REGISTERED: u64 = 1_760_000_000;

/// One service at one address.
#[derive(Clone, Copy, Debug)]
pub struct Service<'a> {
    /// The interface.
    pub interface: &'a str,
    /// The group; empty for none.
    pub group: &'a str,
    /// The version; empty for none.
    pub version: &'a str,
    /// Where it is.
    pub address: SocketAddr,
    /// More parameters, such as `weight`.
    pub parameters: &'a [(&'a str, &'a str)],
}

impl<'a> Service<'a> {
    /// [`INTERFACE`] at an address, with the defaults of everything.
    pub fn at(address: SocketAddr) -> Self {
        Self { interface: INTERFACE, group: "", version: "", address, parameters: &[] }
    }

    /// With these parameters.
    #[must_use]
    pub fn with(self, parameters: &'a [(&'a str, &'a str)]) -> Self {
        Self { parameters, ..self }
    }

    /// Of this group and version.
    #[must_use]
    pub fn named(self, group: &'a str, version: &'a str) -> Self {
        Self { group, version, ..self }
    }

    /// The key of the registry.
    pub fn key(&self) -> String {
        let registration = Registration {
            side: Side::Provider,
            protocol: "tri",
            interface: self.interface,
            group: self.group,
            version: self.version,
            ip: &self.address.ip().to_string(),
            port: self.address.port(),
            application: "greeter",
            methods: &["Hello"],
            timestamp: REGISTERED,
            parameters: self.parameters,
        };
        registration.key()
    }

    /// The value of the annotation.
    pub fn annotation(&self) -> String {
        annotation([self.key()])
    }

    /// A Pod that provides it.
    pub fn pod(&self, name: &str) -> Value {
        pod(name, &self.annotation())
    }
}

/// A running Pod of the registry with any value for its annotation.
pub(super) fn pod(name: &str, annotation: &str) -> Value {
    json!({
        "metadata": {
            "namespace": NAMESPACE, "name": name,
            "labels": {LABEL: "dubbo.io.provider"}, "annotations": {ANNOTATION: annotation},
        },
        "status": pods::running(annotation),
    })
}

/// How many services one Pod of a crowd provides.
const PROVIDED: usize = 20;

/// How many interfaces a crowd has.
const INTERFACES: usize = 500;

/// Pods that provide so many services of 500 interfaces, all at addresses without a listener.
pub fn crowd(providers: usize) -> impl Iterator<Item = Value> {
    many("crowd", providers, |provider| {
        (format!("com.example.crowd.Service{:03}", provider % INTERFACES), 100)
    })
}

/// Pods that provide [`INTERFACE`] at so many addresses without a listener, with the least weight.
pub fn of_one_service(providers: usize) -> impl Iterator<Item = Value> {
    many("one", providers, |_| (INTERFACE.to_owned(), 1))
}

/// Pods with an address each, and a port for each service; `what` gives the interface and the weight. The
/// URLs have no more parameters than they need.
fn many(
    name: &'static str,
    providers: usize,
    what: impl Fn(usize) -> (String, u32),
) -> impl Iterator<Item = Value> {
    (0..providers.div_ceil(PROVIDED)).map(move |number| {
        let first = number * PROVIDED;
        let [_, a, b, c] = u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
        let keys = (first..(first + PROVIDED).min(providers)).map(|provider| {
            let (interface, weight) = what(provider);
            let port = 20_000 + provider % PROVIDED;
            let url =
                format!("tri://10.{a}.{b}.{c}:{port}/{interface}?side=provider&weight={weight}");
            format!("/dubbo/{interface}/providers/{}", query_escape(&url))
        });
        pod(&format!("{name}-{number}"), &annotation(keys))
    })
}

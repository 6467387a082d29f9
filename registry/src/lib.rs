//! Dubbo service discovery on plain Kubernetes Pods, for an application: subscribe to services,
//! take snapshots, register. Raw HTTPS to kube-apiserver, no Kubernetes client library.
//!
//! ```no_run
//! use dubbo_k8s_registry::{Config, Query, Registry, Update};
//! use futures_util::StreamExt as _;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::connect(Config::find()?)?;
//! let mut updates = registry.subscribe(Query::interface("com.example.Greeter"));
//! while let Some(update) = updates.next().await {
//!     match update {
//!         Update::Snapshot(snapshot) => {
//!             for provider in snapshot.providers() {
//!                 println!("{}", provider.url());
//!             }
//!         }
//!         Update::Change(change) => println!("{} {}", change.kind.as_str(), change.key),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! - [`Registry`] and what belongs to it: the live registry.
//! - [`kube`]: the transport, with the configuration as kubectl finds it, one HTTPS client, one driver.
//! - [`contract`]: the JSON that programs read.
//! - [`feed`]: published states and the log of changes, for a program that serves the registry on.
//! - [`host`]: what else a driver needs of its host. As a WASI 0.2 component the library has the
//!   transport over `wasi:http` and the contract; the rest is native.
//!
//! What a registry is and how it changes is decided by [`dubbo_k8s_engine`]; this crate moves bytes and
//! time. No credential gets into an error, a Debug output or a log line.

/// The README's example, compiled with the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod contract;
pub mod host;
pub mod kube;
#[cfg(not(target_os = "wasi"))]
mod live;
#[cfg(any(target_os = "wasi", test))]
#[cfg_attr(
    not(target_os = "wasi"),
    allow(unreachable_pub, dead_code, reason = "natively only its own tests use it")
)]
mod wasi;

pub use dubbo_k8s_codec::{Query, Service, trust};
pub use dubbo_k8s_engine::catalog::{Change, Endpoint, Holder, ServiceEntry, Services};

#[cfg(not(target_os = "wasi"))]
pub use self::live::{
    Config, Feed, HoldState, LogLimits, NotARevision, RegisterError, Registration, Registrations,
    Registry, Revision, Snapshot, Subscription, Update,
};

/// Published states and the log of changes, for a program that serves the registry on: an HTTP API,
/// handlers. An application takes [`Subscription`]s instead.
#[cfg(not(target_os = "wasi"))]
pub mod feed {
    pub use crate::live::{
        Cursor, Entry, Family, Freshness, Meters, Reader, Selection, State, Step, Subscriber,
        Touched, What,
    };
}

//! Dubbo service discovery on plain Kubernetes Pods: follows a live registry, raw HTTPS to
//! kube-apiserver, no Kubernetes library.
//!
//! - [`core`] decides everything and awaits nothing: responses and the time in, requests and
//!   changes out. It can be run by any host.
//! - [`kube`] runs it natively: configuration as kubectl finds it, one HTTPS client, one driver.
//! - [`registry`] holds what is known for readers and subscribers.
//! - [`serve`] publishes that over HTTP.
//! - [`contract`] is the JSON that programs read.
//! - [`host`] is what else a driver needs of its host. As a WASI 0.2 component the library has the
//!   core, `kube` over `wasi:http`, and the contract; the rest is native.
//!
//! The binary `dubbo-watcher` is a thin shell over this. Following a registry takes four steps:
//!
//! ```no_run
//! use dubbo_k8s_watcher::{
//!     core::{Engine, Notice, Scopes, Settings},
//!     kube::{Client, Driver, config::{Config, Environment, Overrides}},
//! };
//!
//! # async fn follow() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::load(&Overrides::default(), &Environment::of_process())?;
//! let scopes = Scopes::namespaces([&config.namespace]).ok_or("no namespace")?;
//! let engine = Engine::new(Settings::new(scopes), 42); // a seed of your own, for the jitter
//! let mut driver = Driver::new(Client::new(config)?, engine);
//! let mut notices = Vec::new();
//! loop {
//!     driver.next(&mut notices).await;
//!     for notice in notices.drain(..) {
//!         if let Notice::Change(change) = notice {
//!             println!("{} {}", change.kind.as_str(), change.key);
//!         }
//!     }
//! }
//! # }
//! ```
//!
//! No credential gets into an error, a Debug output or a log line.

pub mod contract;
pub mod core;
#[cfg(feature = "sandbox")]
pub mod handlers;
pub mod host;
pub mod kube;
#[cfg(not(target_os = "wasi"))]
pub mod registry;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(not(target_os = "wasi"))]
pub mod serve;
#[cfg(any(target_os = "wasi", test))]
#[cfg_attr(
    not(target_os = "wasi"),
    allow(unreachable_pub, dead_code, reason = "natively only its own tests use it")
)]
mod wasi;

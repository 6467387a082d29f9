//! The registry of plain Kubernetes Pods for dubbo-rust (crate [`dubbo`] 0.4): its applications register in the
//! annotation of their own Pod and find the providers that other Pods carry. It decides nothing about the registry:
//! which providers are live and believed, and what is written, is [`dubbo_k8s_registry`]'s.
//!
//! ```no_run
//! use dubbo::codegen::{ClientBuilder, TripleClient};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! dubbo_registry_kubernetes::install().await?;
//! let registry = "kubernetes://in-cluster?namespace=shop".parse()?;
//! let client = TripleClient::new(ClientBuilder::new().with_registry(registry));
//! # Ok(())
//! # }
//! ```
//!
//! - [`install`]: makes the protocol name `kubernetes` known to dubbo-rust.
//! - [`KubernetesRegistry`]: the extension that dubbo-rust loads for a registry URL of that name.
//! - [`Parameters`]: what such a URL says.
//! - [`registered`] and [`leave`]: what this process has registered, and taking it out before it stops to answer, for
//!   which dubbo-rust has no call.
//! - [`NotCallable`]: why a provider is not given to dubbo-rust.
//! - [`Error`]: what can be wrong.

#![forbid(unsafe_code)]

/// The README's example, compiled with the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod callable;
mod delivery;
mod discovery;
mod error;
mod held;
mod parameters;
mod provider;
mod registry;

pub use callable::NotCallable;
pub use error::Error;
pub use held::{leave, registered};
pub use parameters::{PROTOCOL, Parameters};
pub use registry::{KubernetesRegistry, install};

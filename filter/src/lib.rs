//! An Envoy filter that routes Dubbo Triple and HTTP requests to the providers that Pods registered.
//!
//! Built for `wasm32-unknown-unknown` this crate is a proxy-wasm plugin; see the README for its
//! configuration. Natively it is a library: [`Registry`] and [`Request`] route without any proxy, and
//! [`Plugin`] is the whole filter over a [`Host`].

/// The README's example, compiled with the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod balance;
mod book;
mod directory;
mod discovery;
mod draft;
mod feed;
#[cfg(any(all(target_arch = "wasm32", feature = "plugin"), test))]
mod filter_state;
mod head;
mod host;
#[cfg(all(target_arch = "wasm32", feature = "plugin"))]
mod hostcalls;
mod loading;
mod metrics;
mod place;
mod plugin;
mod pod;
mod provider;
mod random;
mod registry;
mod request;
mod room;
mod settings;
mod shared_feed;
#[cfg(all(target_arch = "wasm32", feature = "plugin"))]
mod shim;
mod source;
mod throttle;

pub use balance::{ConsistentHash, LeastActive, RoundRobin, WeightedRandom};
pub use directory::{Directory, PickContext, Picked};
pub use draft::Draft;
pub use dubbo_k8s_codec::trust::{Registrant, Trust};
pub use host::{GrpcStatus, Host, Level, MetricKind};
pub use plugin::{Plugin, Verdict};
pub use provider::{Fault, Kind, Provider, Registration, Speaks, read};
pub use random::Random;
pub use registry::{Miss, Registry};
pub use request::Request;
pub use settings::{
    Balance, Bounds, Discovery, Endpoint, ORIGINAL_DST_HEADER, OVERRIDE_HEADER, Otherwise,
    PodAnnotation, Policy, Settings, SettingsError,
};

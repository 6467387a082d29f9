//! What the program `dubbo-watcher` is made of, besides its command line: the HTTP API over a live
//! registry ([`serve`]), registrations with a lease for it ([`agent`]), components that are called for every change ([`handlers`]), and the sandbox that
//! they run in ([`sandbox`]). It must never decide anything about the registry: that is
//! [`dubbo_k8s_registry`] and below.

#[cfg(not(target_os = "wasi"))]
pub mod agent;
#[cfg(feature = "sandbox")]
pub mod handlers;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(not(target_os = "wasi"))]
pub mod serve;

//! The transport: configuration, one HTTP client, and the driver that moves bytes and time between
//! the client and the core. Everything that awaits or reads a clock is in here, or below
//! [`host`](crate::host).
//!
//! The client is that of the host: HTTPS of our own natively, `wasi:http` in a component, where
//! the host makes the connections.

#[cfg(not(target_os = "wasi"))]
mod client;
pub mod config;
mod driver;
mod event;
#[cfg(not(target_os = "wasi"))]
mod exchange;
mod exchanges;
#[cfg(not(target_os = "wasi"))]
mod fault;
pub(crate) mod gunzip;
pub(crate) mod identity;
#[cfg(not(target_os = "wasi"))]
mod plugin;
#[cfg(not(target_os = "wasi"))]
mod pool;
#[cfg(not(target_os = "wasi"))]
mod registrar;
mod rights;
#[cfg(not(target_os = "wasi"))]
mod tls;

#[cfg(not(target_os = "wasi"))]
pub use client::Client;
pub use driver::Driver;
pub use event::Event;
#[cfg(not(target_os = "wasi"))]
pub use exchange::Exchange;
#[cfg(not(target_os = "wasi"))]
pub use registrar::RegistrarDriver;
pub use rights::Rights;
#[cfg(not(target_os = "wasi"))]
pub use tls::system_tls;

#[cfg(target_os = "wasi")]
pub use crate::wasi::{Client, Exchange};

//! The native transport: configuration, one HTTPS client, and the driver that moves bytes and
//! time between the client and the core. Everything that awaits or reads a clock is in here.

mod client;
pub mod config;
mod driver;
mod exchanges;
mod fault;
mod gunzip;
mod identity;
mod plugin;
mod pool;
mod registrar;
mod rights;
mod tls;

pub use client::{Client, Event, Exchange};
pub use driver::Driver;
pub use registrar::RegistrarDriver;
pub use rights::Rights;
#[cfg(feature = "sandbox")]
pub(crate) use tls::system_tls;

use tokio::time::Instant;

async fn sleep_until(when: Option<Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when).await,
        None => std::future::pending().await,
    }
}

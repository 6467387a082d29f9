//! The native transport: configuration, one HTTPS client, and the driver that moves bytes and
//! time between the client and the core. Everything that awaits or reads a clock is in here.

mod client;
pub mod config;
mod driver;
mod fault;
mod gunzip;
mod tls;

pub use client::{Client, Event, Exchange};
pub use driver::Driver;

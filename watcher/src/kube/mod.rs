//! The native transport: configuration, one HTTPS client, and the driver that moves bytes and
//! time between the client and the core. Everything that awaits or reads a clock is in here.

pub mod config;

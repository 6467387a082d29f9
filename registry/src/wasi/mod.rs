//! The transport of a WASI 0.2 component: `wasi:http` for the client, `wasi:io` and `wasi:clocks`
//! for what waits. There are no threads and no sockets: the host makes the connections, checks
//! certificates, and sees every request.
//!
//! Only `bindings` names the host. Natively it is a scripted one, and only tests are built with it.

#[cfg(target_os = "wasi")]
mod bindings;
#[cfg(not(target_os = "wasi"))]
#[path = "bindings/scripted.rs"]
mod bindings;
mod client;
mod clock;
mod exchange;
mod fault;
mod reactor;
mod url;

pub use client::Client;
pub use clock::Instant;
pub use exchange::Exchange;
pub use reactor::{block_on, sleep_until};
#[cfg(target_os = "wasi")]
pub use url::{ParseError, Url};

#[cfg(test)]
mod tests;

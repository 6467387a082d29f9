//! Handlers: components that get every change of the registry, each in confines of its own.
//!
//! A handler is given a snapshot of everything first, then the changes, in order. It may be slow, fail or
//! be malicious: it must never delay the registry nor another handler, nor take more than its confines
//! allow. What is waiting for it is not kept for it: it is a place in the log of the registry, and when
//! that has moved on too far, the handler is given a fresh snapshot.
//!
//! - `delivery` decides what is called next: back-off, quarantine, release. It awaits nothing.
//! - `worker` is the thread of one handler: it takes the changes, and carries out what was decided.
//! - `instance` is the only part that knows WebAssembly, and `wit` the only one that knows the names in
//!   `wit/registry.wit`.

mod convert;
mod delivery;
mod files;
mod instance;
mod meters;
mod operator_log;
mod prepared;
mod spec;
mod standalone;
mod wit;
mod worker;

pub use self::meters::Meters;
pub use self::operator_log::LogMessage;
pub use self::prepared::{Handlers, Options, Prepared, StartError};
pub use self::spec::{BadSpec, Spec};
pub use self::standalone::{CallError, Standalone};
pub use crate::sandbox::AllowedHost;

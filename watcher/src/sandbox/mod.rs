//! Runs WebAssembly components that need no trust. A guest gets what is said here and must never
//! get more: bounded memory and time, its three streams, clocks, random numbers, the arguments and the
//! few variables it is given, and requests to where they may go. It sees no file, no socket, no
//! variable of this process, and no credential: those are added on this side, after a request has
//! left the guest.
//!
//! - [`Sandbox`] runs a command (`wasi:cli/run`) whose requests reach one kube-apiserver and nothing else.
//! - Handlers, which get the changes, run in the same confines.

mod budget;
mod command;
mod compile;
mod configuration;
mod confines;
mod engine;
mod error;
mod guest;
mod http;
mod output;

pub use self::command::{Sandbox, Streams};
pub use self::compile::{Compiler, in_child};
pub use self::confines::Confines;
pub use self::engine::Program;
pub use self::error::{Excess, LoadError, Stopped};
pub use self::http::{AllowedHost, Kubernetes, NotAHost, SERVER, WriteVerb};

pub(crate) use self::configuration::Allocation;
pub(crate) use self::engine::Engine;
pub(crate) use self::error::misfit;
pub(crate) use self::guest::{Confined, Guest};
pub(crate) use self::http::{Hosts, Nowhere, Outgoing, Requests};

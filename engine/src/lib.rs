//! The two machines that a live Dubbo registry on Kubernetes Pods is made of, sans-IO.
//!
//! - [`catalog`]: which records are registered now, which Pods carry them, and every change,
//!   computed once.
//! - The list, watch and patch machines: response heads, bytes and `now` in; requests as data and
//!   notifications out ([`Engine`]), and the machine that registers in one Pod ([`registration`]).
//!
//! It must never await, read a clock, open a socket, make randomness, or name a host (tokio,
//! reqwest, wasi): it is `no_std`, so the compiler sees to most of that. Time is a
//! [`core::time::Duration`] since the driver started; randomness comes from a seed.
//!
//! A driver owns one [`Engine`] and does what its [`Output`]s say:
//!
//! 1. `handle(now, Input::Wake, …)` once at the start, and again whenever [`Engine::next_wake`]
//!    is due. Deadlines are the engine's: it cancels an exchange that ran out of time.
//! 2. For every [`Output::Send`], start the exchange and report its head, its chunks, and exactly
//!    one of [`Input::End`] and [`Input::Failed`]. For every [`Output::Cancel`], drop it; what
//!    still arrives for it is ignored.
//! 3. Outputs are carried out in order. [`Notice::RefreshCredential`] is finished (or has failed)
//!    before the next `Send` is sent.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

/// The README's example, compiled with the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod catalog;

mod backoff;
mod context;
mod engine;
mod exchange;
mod failure;
mod input;
mod lines;
mod output;
mod patch;
mod pods_request;
mod recent;
mod reflector;
mod refusal;
pub mod registration;
mod replica;
mod request;
mod settings;
mod status;
mod version;
mod wire;

pub use engine::Engine;
pub use failure::{Cause, Failure};
pub use input::{Input, TransportError, TransportErrorKind};
pub use output::{Notice, Output, RelistReason};
pub use patch::{LABEL_VALUE, Patch};
pub use request::{Request, StreamId, Verb};
pub use settings::{SELECTOR, Scopes, Settings};
pub use status::{ScopeStatus, Status};
pub use wire::Wire;

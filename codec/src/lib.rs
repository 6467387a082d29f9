//! Dubbo service discovery on plain Kubernetes Pods, without a clock, a socket or a host.
//!
//! Dubbo applications can use the Pod as their registry: each process writes what it provides and
//! consumes into the annotation [`ANNOTATION`] of its own Pod. This crate reads and writes that
//! annotation ([`Annotation`], [`encode`]), the keys and URLs in it ([`Key`], [`Url`],
//! [`Service`]), the Pods that carry it ([`Pod`], [`WatchEvent`], [`ListReader`]), and keeps the
//! [`Catalog`] of what is registered, with the exact list of changes.
//!
//! For those who look into a registry: the stable codes of [`problem`]s with their explanations,
//! [`lint`] over Pods, [`repair`]s of an annotation and the [`patch`] that writes one.
//!
//! It is `no_std` (with `alloc`), holds no unsafe code, never panics on what it reads, and never
//! recurses or grows beyond the bounds that it names.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod annotation;
mod base64url;
pub mod catalog;
mod error;
mod escape;
mod instance;
mod json;
mod lanes;
pub mod lint;
mod list;
pub mod patch;
mod path;
mod pod;
pub mod problem;
mod quirks;
mod record;
pub mod repair;
mod service;
mod skim;
mod status;
mod url;
mod warning;

pub use annotation::*;
pub use catalog::*;
pub use error::*;
pub use escape::query_escape;
pub use instance::*;
pub use list::*;
pub use path::*;
pub use pod::*;
pub use record::*;
pub use service::*;
pub use status::*;
pub use url::*;
pub use warning::{MAX_WARNINGS, Warning, WarningCode};

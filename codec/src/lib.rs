//! Dubbo service discovery on plain Kubernetes Pods, without a clock, a socket or a host.
//!
//! Dubbo applications can use the Pod as their registry: each process writes what it provides and
//! consumes into the annotation [`ANNOTATION`] of its own Pod. This crate reads and writes that
//! annotation ([`Annotation`], [`encode`]), the keys and URLs in it ([`Key`], [`Url`],
//! [`Service`]), and the Pods that carry it ([`Pod`], [`WatchEvent`], [`ListReader`]), in JSON and in
//! Kubernetes' [`protobuf`].
//!
//! For those who look into a registry: the stable codes of [`problem`]s with their explanations,
//! what [`dubbo_go`] refuses or reads in another way, [`lint`] over Pods, [`repair`]s of an annotation
//! and the [`patch`] that writes one. The feature `pasted` brings a reader of whatever people paste and
//! save, and `yaml` that of YAML, which gives events with places, or JSON for the readers of the others.
//!
//! It is `no_std` (with `alloc`), holds no unsafe code, never panics on what it reads, and never
//! recurses or grows beyond the bounds that it names.
//!
//! ```
//! use dubbo_k8s_codec::{Annotation, Category, Key, Record, Url, encode};
//!
//! let url = "tri://10.0.0.1:50051/com.example.Greeter?group=live&version=1.0.0&weight=200";
//! let key = Key::leaf("com.example.Greeter", Category::Providers, url).to_string();
//! let annotation = encode([Record::new(&key)]);
//!
//! let decoded = Annotation::decode(&annotation)?;
//! let record = decoded.records().next().expect("one was written");
//! let key = Key::parse(record.key)?;
//! let url = Url::parse(key.url.expect("a provider's key has a URL"))?;
//! assert_eq!(url.service().to_string(), "live/com.example.Greeter:1.0.0");
//! assert_eq!((url.host(), url.port(), url.weight(None)), ("10.0.0.1", Some(50051), 200));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

/// The README's example, compiled with the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod annotation;
pub mod backoff;
mod base64url;
mod byte_mask;
mod code;
mod compatibility;
mod distrust;
pub mod dubbo_go;
mod error;
mod escape;
mod facts;
mod fault;
mod find;
mod instance;
mod json;
pub mod kubernetes;
pub mod lint;
mod list;
mod named;
mod params;
#[cfg(feature = "pasted")]
pub mod pasted;
pub mod patch;
mod path;
mod phrase;
mod pod;
mod pod_error;
pub mod problem;
pub mod protobuf;
pub mod random;
mod reason;
mod record;
pub mod relation;
pub mod repair;
mod scan;
mod service;
mod status;
pub mod text;
pub mod trust;
mod url;
mod warning;
#[cfg(feature = "yaml")]
pub mod yaml;

pub use annotation::{
    ANNOTATION, Annotation, LABEL, LEASES, MAX_ANNOTATION_BYTES, NULL_ANNOTATION, Records, encode,
    encode_json,
};
pub use error::DecodeError;
pub use escape::query_escape;
pub use facts::DEFAULT_WEIGHT;
pub use fault::{Fault, Found, Stage, Whole};
pub use instance::{Endpoint, Instance, METADATA_ANNOTATION};
pub use list::{CUT_ITEM_BYTES, ListError, ListMeta, ListReader, MAX_ITEM_BYTES};
pub use params::{Param, Params};
pub use path::{Category, Key, KeyError, ROOT};
pub use pod::{Pod, Readiness, WatchEvent};
pub use pod_error::PodError;
pub use record::Record;
pub use service::{Query, Service};
pub use status::{Cause, Status};
pub use url::{Host, Url, UrlError};
pub use warning::{MAX_WARNINGS, Warning, WarningCode};

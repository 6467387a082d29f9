//! What crosses crates: the scripted kube-apiserver that the end-to-end tests and the demo run
//! against, the Pods that fill it, and programs as tests run them. Nothing outside of tests, xtask's
//! demo and benchmarks may depend on it.

#![allow(clippy::missing_errors_doc)] // An error here fails a test, which shows it.

pub mod agent;
pub mod apiserver;
pub mod churn;
pub mod cluster;
pub mod control_plane;
pub mod envoy;
pub mod fleet;
pub mod interop33;
pub mod mesh;
pub mod monitoring;
pub mod pods;
pub mod program;
pub mod proxy;
pub mod raw;
pub mod registration;
pub mod relay;
pub mod simulation;
pub mod skip;
pub mod triple;
pub mod usage;
pub mod watcher;

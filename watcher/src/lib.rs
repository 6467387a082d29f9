//! Dubbo service discovery on plain Kubernetes Pods.

pub mod core;
pub mod kube;
pub mod registry;
pub mod serve;

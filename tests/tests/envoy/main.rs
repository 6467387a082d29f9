//! A real Envoy. Without one (`ENVOY`) these tests say SKIPPED, and with `CI=true` they fail.

#![cfg(test)]

mod clients;
mod deployment;
mod discovery;
mod dubbo_go;
mod failures;
mod harness;
mod rig;
mod routing;

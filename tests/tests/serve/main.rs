//! `serve` over real sockets, following the scripted kube-apiserver over real TLS: what clients of
//! the HTTP API see, in good days and bad ones.

#![cfg(test)]

mod access;
mod answers;
mod bounds;
mod changes;
mod client;
mod envoy;
mod events;
mod outage;
mod peers;
mod promtool;
mod requests;
mod rig;
mod schema;
mod secrets;
mod tls;

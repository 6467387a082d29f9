//! The native program and the WASI component side by side, against the same scripted
//! kube-apiserver: the same arguments, the same output, line for line, in good days and bad ones.
//!
//! The server speaks plain HTTP to both, as `kubectl proxy` does.

#![cfg(test)]

mod alone;
mod failures;
mod list;
mod rig;
mod text;
mod watch;

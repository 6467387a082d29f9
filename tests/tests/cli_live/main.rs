//! The binary against the scripted kube-apiserver over real TLS: what a person or a script sees
//! of `list` and `watch`, in good days and bad ones.

#![cfg(test)]

mod failures;
mod list;
mod rig;
mod trust;
mod watch;
mod why;

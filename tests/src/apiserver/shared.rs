//! What all connections of a server share.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::watch;

use super::access::Access;
use super::compressed::Compressed;
use super::faults::Faults;
use super::log::Requests;
use super::options::Options;
use super::stamps::Stamps;
use super::store::Store;

/// What all connections share.
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) store: Store,
    pub(super) access: Access,
    pub(super) faults: Faults,
    pub(super) requests: Requests,
    pub(super) compressed: Compressed,
    pub(super) connections: watch::Sender<usize>,
    pub(super) watches: watch::Sender<usize>,
    /// Grows when all open watches shall end as if their time was over.
    pub(super) ends: watch::Sender<u64>,
    /// Where it is wanted.
    pub(super) stamps: Option<Arc<Stamps>>,
    /// The version of the last event that was handed to a connection.
    pub(super) sent: AtomicU64,
}

/// Counts one of something while it exists.
pub(super) struct Gauge(watch::Sender<usize>);

impl Gauge {
    pub(super) fn enter(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

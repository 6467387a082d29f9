//! What every request may use: the registry, what was made of it, and the places that clients share. It decides nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::access::Access;
use super::cache::Cache;
use super::changes::Changes;
use super::gate::Hosts;
use super::meters::Meters;
use super::peers::{Peer, Permit};
use super::refusal::Refusal;
use super::workers::Workers;
use dubbo_k8s_registry::feed::{Reader, Subscriber};

/// What every request may use.
#[derive(Debug)]
pub(super) struct App {
    pub(super) reader: Reader,
    pub(super) registry: Arc<dubbo_k8s_registry::feed::Meters>,
    pub(super) meters: Arc<Meters>,
    pub(super) hosts: Hosts,
    pub(super) access: Access,
    pub(super) stale_after: Duration,
    pub(super) heartbeat: Duration,
    pub(super) cache: Cache,
    pub(super) changes: Changes,
    pub(super) workers: Workers,
    #[cfg(feature = "sandbox")]
    pub(super) handlers: Option<crate::handlers::Meters>,
    pub(super) agent: Option<crate::agent::Agent>,
    pub(super) closing: watch::Receiver<bool>,
}

/// A place among the bounded streams, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    #[expect(dead_code, reason = "held, so that the place is taken")]
    permit: Permit,
    pub(super) subscriber: Subscriber,
}

impl App {
    /// Completes when the server is being shut down.
    pub(super) async fn closing(&self) {
        let _ = self.closing.clone().wait_for(|closing| *closing).await;
    }

    /// Takes a place for a stream or a long poll, if there is one.
    pub(super) fn stream(&self, peer: &Peer, via: &'static str) -> Result<Place, Refusal> {
        let permit = peer.stream()?;
        Ok(Place { permit, subscriber: Subscriber::new(&self.registry, via) })
    }
}

//! What clients may take of the server: places, bytes and time. Numbers only; others hold them.

use std::time::Duration;

use super::minimum_rate::MinimumRate;

/// What clients may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at the same time; one too many is answered 503 and closed.
    pub clients: usize,
    /// Of these, those of one peer, which is one client address; one too many is answered 429 and closed.
    pub clients_of_peer: usize,
    /// Of the connections, event streams and long polls: the rest stays free for short requests.
    pub streams: usize,
    /// Of these, those of one peer.
    pub streams_of_peer: usize,
    /// Answers at the same time whose body is made for one client alone: too large to be shared, narrowed, or not
    /// the newest. More of them wait.
    pub bodies: usize,
    /// Of these, those of one peer.
    pub bodies_of_peer: usize,
    /// Bytes of the head of a request; at least 8 KiB.
    pub header_bytes: usize,
    /// Header fields of a request.
    pub headers: usize,
    /// The time for the head of a request to arrive, and for a connection to be idle.
    pub header_time: Duration,
    /// How fast a client must read.
    pub minimum_rate: MinimumRate,
    /// An event stream says something at least this often, so that proxies keep it open and a dead
    /// client is noticed.
    pub heartbeat: Duration,
    /// How long responses may go on after the shutdown was asked for.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            clients: 512,
            clients_of_peer: 128,
            streams: 384,
            streams_of_peer: 96,
            bodies: 64,
            bodies_of_peer: 8,
            header_bytes: 16 << 10,
            headers: 64,
            header_time: Duration::from_secs(30),
            minimum_rate: MinimumRate::default(),
            heartbeat: Duration::from_secs(15),
            grace: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// Probes are few, short and quick: half of the places are out of the reach of any one peer.
    pub(super) fn for_probes(limits: Self) -> Self {
        Self {
            clients: 32,
            clients_of_peer: 16,
            header_time: limits.header_time.min(Duration::from_secs(5)),
            ..limits
        }
    }
}

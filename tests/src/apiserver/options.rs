//! How a server is to behave, and why it did not start.

use std::io;
use std::time::Duration;

/// How the server behaves all the time; what happens once is a [`Fault`](super::Fault).
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes a free one, which a restart keeps.
    pub port: u16,
    /// TLS with the server's own authority; otherwise plain HTTP.
    pub tls: bool,
    /// Whether HTTP/2 is offered; then it is chosen whenever the client offers it too.
    pub http2: bool,
    /// How long a second of `timeoutSeconds` is. Shorter in tests.
    pub second: Duration,
    /// How long a resourceVersion from the future is waited for.
    pub future_wait: Duration,
    /// How often a watch gets a bookmark. Not scaled by `second`.
    pub bookmark_interval: Duration,
    /// Whether streaming lists are known; otherwise they are refused with 422, as by a server
    /// without the feature.
    pub streaming_list: bool,
    /// Whether protobuf is offered; otherwise JSON is all there is, as behind some proxies.
    pub protobuf: bool,
    /// The first resourceVersion.
    pub resource_version: u64,
    /// How many changes can be watched from the past.
    pub history: usize,
    /// Makes the uids.
    pub seed: u64,
    /// Whether it is written down when each event of a watch was written: [`Server::take_stamps`](super::Server::take_stamps).
    pub stamps: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            tls: true,
            http2: true,
            second: Duration::from_secs(1),
            future_wait: Duration::from_secs(3),
            bookmark_interval: Duration::from_mins(1),
            streaming_list: true,
            protobuf: true,
            resource_version: 1000,
            history: 100_000,
            seed: 1,
            stamps: false,
        }
    }
}

impl Options {
    pub(super) fn protocols(&self) -> Vec<Vec<u8>> {
        let http1 = b"http/1.1".to_vec();
        if self.http2 { vec![b"h2".to_vec(), http1] } else { vec![http1] }
    }

    pub(super) fn seconds(&self, count: u32) -> Duration {
        self.second.saturating_mul(count)
    }
}

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The port is taken, or there is no loopback interface.
    #[error("can not listen on 127.0.0.1: {0}")]
    Listen(#[from] io::Error),
    /// The certificate authority failed.
    #[error("can not make certificates: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS set-up was refused.
    #[error("can not set TLS up: {0}")]
    Tls(#[from] rustls::Error),
    /// The server's own key was not read back.
    #[error("can not read the server's own key: {0}")]
    Key(String),
    /// The check of client certificates was refused.
    #[error("can not set up the check of client certificates: {0}")]
    Verifier(String),
}

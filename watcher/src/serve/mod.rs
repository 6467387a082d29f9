//! Serves a live registry over HTTP: the API of `dubbo-watcher serve`.
//!
//! It only reads: the registry goes on without it, and no request can change or slow it. It must
//! never hold more for a client than the limits say, nor answer with anything that the registry's
//! Pods and the registry's own state do not say.
//!
//! HTTP/1.1 only: one request at a time and one socket for each client make every bound exact.

mod annotations;
mod cache;
mod changes;
mod coding;
mod conditional;
mod connection;
mod events;
mod gate;
mod inspector;
mod meters;
mod pace;
mod page;
mod poll;
mod probes;
mod refusal;
mod routes;
mod snapshot;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use self::cache::Cache;
use self::changes::Changes;
use self::gate::Hosts;
use self::meters::Meters;
pub use self::pace::Pace;
use dubbo_k8s_registry::Registry;
use dubbo_k8s_registry::feed::Reader;

/// How to serve. Start from [`Options::default`].
#[derive(Debug, Clone)]
pub struct Options {
    /// Names besides IP addresses and localhost under which the API may be asked (the `Host`
    /// header), without a port.
    pub allowed_hosts: Vec<String>,
    /// Not ready any more when the registry is older than this.
    pub stale_after: Duration,
    /// What clients may take.
    pub limits: Limits,
    /// What handlers count, to be shown with the rest.
    #[cfg(feature = "sandbox")]
    pub handlers: Option<crate::handlers::Meters>,
}

/// What clients may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at the same time; one too many is answered 503 and closed.
    pub clients: usize,
    /// Of these, event streams and long polls: the rest stays free for short requests and probes.
    pub streams: usize,
    /// Bytes of the head of a request; at least 8 KiB.
    pub header_bytes: usize,
    /// Header fields of a request.
    pub headers: usize,
    /// The time for the head of a request to arrive, and for a connection to be idle.
    pub header_time: Duration,
    /// How fast a client must read.
    pub pace: Pace,
    /// An event stream says something at least this often, so that proxies keep it open and a dead
    /// client is noticed.
    pub heartbeat: Duration,
    /// How long responses may go on after the shutdown was asked for.
    pub grace: Duration,
}

impl Default for Options {
    /// No further names, stale after 5 minutes, the default limits.
    fn default() -> Self {
        Self {
            allowed_hosts: Vec::new(),
            stale_after: Duration::from_mins(5),
            limits: Limits::default(),
            #[cfg(feature = "sandbox")]
            handlers: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            clients: 512,
            streams: 384,
            header_bytes: 16 << 10,
            headers: 64,
            header_time: Duration::from_secs(30),
            pace: Pace::default(),
            heartbeat: Duration::from_secs(15),
            grace: Duration::from_secs(10),
        }
    }
}

/// What every request may use.
#[derive(Debug)]
struct App {
    reader: Reader,
    registry: Arc<dubbo_k8s_registry::feed::Meters>,
    meters: Arc<Meters>,
    hosts: Hosts,
    stale_after: Duration,
    heartbeat: Duration,
    streams: Arc<Semaphore>,
    cache: Cache,
    changes: Changes,
    #[cfg(feature = "sandbox")]
    handlers: Option<crate::handlers::Meters>,
    closing: watch::Receiver<bool>,
}

/// Serves the registry on a listener until `shutdown` completes. Then no more clients are let in,
/// event streams and long polls are ended in good order, and what is being sent gets the time of
/// [`Limits::grace`]. The registry is left as it is.
///
/// Dropping the future stops taking clients in; connections that were open end by themselves.
pub async fn run(
    listener: TcpListener,
    registry: &Registry,
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let (closing, is_closing) = watch::channel(false);
    let meters = Arc::new(Meters::new());
    let app = Arc::new(App {
        reader: registry.reader(),
        registry: registry.meters(),
        meters: Arc::clone(&meters),
        hosts: Hosts::new(listener.local_addr()?, &options.allowed_hosts),
        stale_after: options.stale_after,
        heartbeat: options.limits.heartbeat,
        streams: Arc::new(Semaphore::new(options.limits.streams)),
        cache: Cache::default(),
        changes: Changes::default(),
        #[cfg(feature = "sandbox")]
        handlers: options.handlers,
        closing: is_closing,
    });
    let shutdown = async {
        shutdown.await;
        closing.send_replace(true);
    };
    connection::accept(listener, routes::router(app), options.limits, meters, shutdown).await;
    Ok(())
}

impl App {
    /// Completes when the server is being shut down.
    async fn closing(&self) {
        let _ = self.closing.clone().wait_for(|closing| *closing).await;
    }
}

//! Serves a live registry over HTTP: the API of `dubbo-watcher serve`.
//!
//! It only reads, apart from the registrations of an agent's own Pod: the registry goes on without it, and no request can
//! change or slow it. It must
//! never hold more for a client than the limits say, nor answer with anything that the registry's
//! Pods and the registry's own state do not say.
//!
//! HTTP/1.1 only: one request at a time and one socket for each client make every bound exact.

mod access;
mod annotation_pieces;
mod annotations;
mod app;
mod authorize;
mod body_name;
mod cache;
mod changes;
mod coding;
mod conditional;
mod connection;
mod events;
mod gate;
mod inspector;
mod limits;
mod listener;
mod meters;
mod metrics;
mod minimum_rate;
mod page;
mod peers;
mod pieces;
mod poll;
mod probes;
mod refusal;
mod registrations;
mod routes;
mod secrets;
mod snapshot;
mod tls;
mod view;
mod workers;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

pub use self::access::{Access, Reviewer};
use self::app::App;
use self::cache::Cache;
use self::changes::Changes;
use self::connection::Server;
use self::gate::Hosts;
pub use self::inspector::missing_inspector;
pub use self::limits::Limits;
pub use self::listener::Listener;
use self::meters::Meters;
pub use self::minimum_rate::MinimumRate;
use self::peers::Peers;
pub use self::tls::{Tls, TlsError};
use self::workers::Workers;
use dubbo_k8s_registry::Registry;

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
    /// Who may read. Without it every client may.
    pub access: Access,
    /// TLS for the clients of the API; probes are always answered in plain.
    pub tls: Option<Tls>,
    /// What handlers count, to be shown with the rest.
    #[cfg(feature = "sandbox")]
    pub handlers: Option<crate::handlers::Meters>,
    /// Registrations of its own Pod are served as well.
    pub agent: Option<crate::agent::Agent>,
}

impl Default for Options {
    /// No further names, stale after 5 minutes, the default limits, every client may read, no TLS.
    fn default() -> Self {
        Self {
            allowed_hosts: Vec::new(),
            stale_after: Duration::from_mins(5),
            limits: Limits::default(),
            access: Access::default(),
            tls: None,
            #[cfg(feature = "sandbox")]
            handlers: None,
            agent: None,
        }
    }
}

/// Where to serve.
#[derive(Debug)]
pub struct Listeners {
    /// The API.
    pub api: Listener,
    /// `/healthz` and `/readyz` alone, with places that no client of the API can take.
    pub probes: Option<TcpListener>,
}

impl<L: Into<Listener>> From<L> for Listeners {
    fn from(api: L) -> Self {
        Self { api: api.into(), probes: None }
    }
}

/// Serves the registry until `shutdown` completes. Then no more clients are let in, event streams and long polls
/// are ended in good order, and what is being sent gets the time of [`Limits::grace`]. The registry is left as it
/// is.
///
/// Dropping the future stops taking clients in; connections that were open end by themselves.
///
/// # Errors
///
/// When a listener has no address.
pub async fn run(
    listeners: impl Into<Listeners>,
    registry: &Registry,
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let Listeners { api, probes } = listeners.into();
    let (closing, is_closing) = watch::channel(false);
    let meters = Arc::new(Meters::new());
    let workers = Workers::default();
    let app = Arc::new(App {
        reader: registry.reader(),
        registry: registry.meters(),
        meters: Arc::clone(&meters),
        hosts: Hosts::new(api.address()?, &options.allowed_hosts),
        access: options.access,
        stale_after: options.stale_after,
        heartbeat: options.limits.heartbeat,
        cache: Cache::new(workers.clone()),
        changes: Changes::default(),
        workers,
        #[cfg(feature = "sandbox")]
        handlers: options.handlers,
        agent: options.agent,
        closing: is_closing,
    });
    let server = |router, limits, tls| Server {
        router,
        limits,
        tls,
        peers: Peers::new(limits),
        meters: Arc::clone(&meters),
    };
    let for_api = server(routes::router(Arc::clone(&app)), options.limits, options.tls);
    let limits = Limits::for_probes(options.limits);
    let for_probes = server(routes::probes(Arc::clone(&app)), limits, None);
    let shutdown = async {
        shutdown.await;
        closing.send_replace(true);
    };
    let probing = async {
        if let Some(probes) = probes {
            connection::accept(probes.into(), for_probes, app.closing()).await;
        }
    };
    tokio::join!(connection::accept(api, for_api, shutdown), probing);
    Ok(())
}

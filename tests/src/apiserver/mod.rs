//! A scripted kube-apiserver: real list, watch and patch semantics on Pods over real TLS, faults
//! on request, and the answers of a recorded server replayed chunk by chunk.
//!
//! It is a server for tests and demonstrations on the loopback interface, checked against
//! recordings of a real kube-apiserver; it must never be mistaken for one: it runs no admission,
//! keeps nothing, and validates only what the recordings show.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use dubbo_k8s_tests::apiserver::{Act, Fault, Options, Server, Verb};
//! use serde_json::json;
//!
//! let server = Server::start(Options::default()).await?;
//! server.store().create(json!({"metadata": {"namespace": "shop", "name": "a"}}))?;
//! server.faults().add(Fault::on(Verb::Watch, Act::TooManyRequests { retry_after: 1 }).once());
//! // … point a client at server.url(), server.ca_pem(), server.token() …
//! assert_eq!(server.requests().count(Verb::Watch), 0);
//! # Ok(())
//! # }
//! ```

mod accept;
mod access;
mod answer;
mod certificates;
mod clock;
mod compressed;
mod connection;
mod continuation;
mod faults;
mod health;
mod json;
mod list;
mod log;
mod object;
mod patch;
mod replay;
mod request;
mod review;
mod router;
mod selector;
mod status;
mod store;
mod strategic;
mod tamper;
mod validation;
mod watch;
mod wire;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::watch as channel;
use tokio::task::JoinHandle;

pub use access::{Access, Grant};
pub use certificates::{Authority, Identity};
pub(crate) use clock::rfc3339;
pub use faults::{Act, Fault, Faults};
pub use json::compact as compact_json;
pub(crate) use json::object_at;
pub use log::{Requests, Seen};
pub use replay::Exchange;
pub use request::Verb;
pub use status::Status;
pub(crate) use store::split_mix;
pub use store::{Prepared, Store};

use compressed::Compressed;
use connection::{Connection, Order};

/// The user behind [`Server::token`]; may do everything.
pub const ADMIN: &str = "scripted-admin";

/// How the server behaves all the time; what happens once is a [`Fault`].
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
    /// The first resourceVersion.
    pub resource_version: u64,
    /// How many changes can be watched from the past.
    pub history: usize,
    /// Makes the uids.
    pub seed: u64,
    /// Whether it is written down when each event of a watch was sent: [`Server::take_stamps`].
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
            resource_version: 1000,
            history: 100_000,
            seed: 1,
            stamps: false,
        }
    }
}

impl Options {
    fn protocols(&self) -> Vec<Vec<u8>> {
        let http1 = b"http/1.1".to_vec();
        if self.http2 { vec![b"h2".to_vec(), http1] } else { vec![http1] }
    }

    fn seconds(&self, count: u32) -> Duration {
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

/// What all connections share.
struct Shared {
    options: Options,
    store: Store,
    access: Access,
    faults: Faults,
    requests: Requests,
    compressed: Compressed,
    connections: channel::Sender<usize>,
    watches: channel::Sender<usize>,
    /// Grows when all open watches shall end as if their time was over.
    ends: channel::Sender<u64>,
    stamps: Mutex<Vec<Stamp>>,
    /// The version of the last event that was sent to a watch.
    sent: AtomicU64,
}

/// When an event of a watch was handed to its connection, which sends it in the same breath.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stamp {
    /// The resourceVersion of the change.
    pub version: u64,
    /// Nanoseconds since 1970.
    pub nanos: u64,
}

impl Shared {
    fn stamp(&self, version: u64) {
        self.sent.store(version, Ordering::Relaxed);
        if self.options.stamps {
            let stamp = Stamp { version, nanos: clock::nanos() };
            self.stamps.lock().unwrap_or_else(PoisonError::into_inner).push(stamp);
        }
    }
}

/// Counts one of something while it exists.
struct Gauge(channel::Sender<usize>);

impl Gauge {
    fn enter(count: &channel::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// A running server, stopped when dropped.
pub struct Server {
    shared: Arc<Shared>,
    authority: Authority,
    tls: Option<Arc<ServerConfig>>,
    address: SocketAddr,
    token: String,
    listening: Option<Listening>,
}

/// The part that a stop ends.
struct Listening {
    accepting: JoinHandle<()>,
    open: Arc<Mutex<Vec<Connection>>>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.accepting.abort();
        self.order(Order::Close);
    }
}

impl Listening {
    fn order(&self, order: Order) {
        for connection in self.open.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            connection.order(order);
        }
    }
}

impl Server {
    /// Starts a server on the loopback interface, in the runtime of the caller.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let authority = Authority::new()?;
        let tls =
            if options.tls { Some(authority.server_config(options.protocols())?) } else { None };
        let token = "scripted-token-of-the-admin".to_owned();
        let access = Access::default();
        access.add_token(token.as_str(), ADMIN);
        access.grant(Grant::all(ADMIN));
        let shared = Arc::new(Shared {
            store: Store::new(options.resource_version, options.history, options.seed),
            access,
            faults: Faults::default(),
            requests: Requests::new(),
            compressed: Compressed::default(),
            connections: channel::Sender::new(0),
            watches: channel::Sender::new(0),
            ends: channel::Sender::new(0),
            stamps: Mutex::default(),
            sent: AtomicU64::new(0),
            options,
        });
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, shared.options.port));
        let mut server = Self { shared, authority, tls, address, token, listening: None };
        server.resume().await?;
        Ok(server)
    }

    /// The base URL, such as `https://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of the authority that clients have to trust.
    pub fn ca_pem(&self) -> String {
        self.authority.pem()
    }

    /// A bearer token that may do everything.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A TLS client certificate for a user; add a [`Grant`] to give the user rights.
    pub fn client_certificate(&self, user: &str) -> Result<Identity, StartError> {
        let identity = self.authority.client(user)?;
        self.shared.access.add_certificate(&identity.certificate_der, user);
        Ok(identity)
    }

    /// Writes `kubeconfig` into a directory: this server, [`Server::token`], namespace `default`.
    pub fn write_kubeconfig(&self, directory: &Path) -> io::Result<PathBuf> {
        let path = directory.join("kubeconfig");
        self.write_kubeconfig_to(&path, "default")?;
        Ok(path)
    }

    /// Writes a kubeconfig with the given namespace as default to a file.
    pub fn write_kubeconfig_to(&self, path: &Path, namespace: &str) -> io::Result<()> {
        use std::io::Write as _;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)?.write_all(self.kubeconfig(namespace).as_bytes())
    }

    /// The text of a kubeconfig for this server.
    pub fn kubeconfig(&self, namespace: &str) -> String {
        let authority = self.tls.as_ref().map(|_| self.ca_pem());
        kubeconfig(&self.url(), authority.as_deref(), &self.token, namespace)
    }

    /// The Pods.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Misbehaviour on request.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Who may do what.
    pub fn access(&self) -> &Access {
        &self.shared.access
    }

    /// When the events of all watches were sent since this was asked last, in that order.
    pub fn take_stamps(&self) -> Vec<Stamp> {
        std::mem::take(&mut self.shared.stamps.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The resourceVersion of the last event that was sent to any watch; 0 before the first.
    pub fn last_sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// What was asked.
    pub fn requests(&self) -> &Requests {
        &self.shared.requests
    }

    /// How many watches are open; waits for a number with `wait_for`.
    pub fn watches(&self) -> channel::Receiver<usize> {
        self.shared.watches.subscribe()
    }

    /// How many connections are open; waits for a number with `wait_for`.
    pub fn connections(&self) -> channel::Receiver<usize> {
        self.shared.connections.subscribe()
    }

    /// Ends all open watches in good order, as if their timeoutSeconds were over.
    pub fn end_watches(&self) {
        self.shared.ends.send_modify(|count| *count += 1);
    }

    /// Closes all open connections without a word.
    pub fn close_connections(&self) {
        self.order(Order::Close);
    }

    /// Resets all open connections (RST).
    pub fn reset_connections(&self) {
        self.order(Order::Reset);
    }

    /// Tells all open connections to go away: what runs goes on, new requests need a new one.
    pub fn go_away(&self) {
        self.order(Order::GoAway);
    }

    /// Goes back to an earlier state, as after a restore of etcd: see [`Store::rewind`].
    pub fn rewind(&self, version: u64) {
        self.shared.compressed.clear();
        self.shared.store.rewind(version);
    }

    /// Closes the port and all connections; the Pods stay. Connections are refused until
    /// [`Server::resume`].
    pub async fn stop(&mut self) {
        let Some(mut listening) = self.listening.take() else { return };
        // The port is free when the task is gone, not when it has been told to go.
        listening.accepting.abort();
        let _ = (&mut listening.accepting).await;
        drop(listening);
        let mut open = self.connections();
        // The sender lives as long as the server.
        let _ = open.wait_for(|count| *count == 0).await;
    }

    /// Listens again, on the same port. Does nothing when it is listening.
    pub async fn resume(&mut self) -> Result<(), StartError> {
        if self.listening.is_some() {
            return Ok(());
        }
        let listener = TcpListener::bind(self.address).await?;
        self.address = listener.local_addr()?;
        let open = Arc::new(Mutex::new(Vec::new()));
        let accepting = tokio::spawn(accept(
            listener,
            Arc::clone(&self.shared),
            self.tls.clone(),
            open.clone(),
        ));
        self.listening = Some(Listening { accepting, open });
        Ok(())
    }

    /// Stops and starts again on the same port, with the Pods as they were.
    pub async fn restart(&mut self) -> Result<(), StartError> {
        self.stop().await;
        self.resume().await
    }

    /// Stops and starts again on the same port without any Pod, at resourceVersion 1.
    pub async fn restart_empty(&mut self) -> Result<(), StartError> {
        self.stop().await;
        self.shared.compressed.clear();
        self.shared.store.reset();
        self.resume().await
    }

    /// Stops and starts again on the same port, with a certificate of a new authority:
    /// [`Server::ca_pem`] is another from now on.
    pub async fn rotate_authority(&mut self) -> Result<(), StartError> {
        self.stop().await;
        self.authority = Authority::new()?;
        if self.tls.is_some() {
            self.tls = Some(self.authority.server_config(self.shared.options.protocols())?);
        }
        self.resume().await
    }

    /// TLS of the same authority for another server on the loopback interface, without HTTP/2.
    pub(crate) fn other_tls(&self) -> Result<Arc<ServerConfig>, StartError> {
        self.authority.server_config(vec![b"http/1.1".to_vec()])
    }

    fn order(&self, order: Order) {
        if let Some(listening) = &self.listening {
            listening.order(order);
        }
    }
}

/// The text of a kubeconfig for a server that takes a bearer token.
pub fn kubeconfig(url: &str, ca_pem: Option<&str>, token: &str, namespace: &str) -> String {
    let authority = ca_pem.map_or_else(String::new, |pem| {
        format!("\n    certificate-authority-data: {}", STANDARD.encode(pem))
    });
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: scripted\n  cluster:\n    server: {url}{authority}\n\
         users:\n- name: admin\n  user:\n    token: {token}\n\
         contexts:\n- name: scripted\n  context:\n    cluster: scripted\n    user: admin\n    namespace: {namespace}\n\
         current-context: scripted\n"
    )
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    tls: Option<Arc<ServerConfig>>,
    open: Arc<Mutex<Vec<Connection>>>,
) {
    let mut number = 0;
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (connection, orders) = Connection::new(number);
        number += 1;
        let mut connections = open.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(Connection::is_open);
        connections.push(connection.clone());
        drop(connections);
        tokio::spawn(connection::serve(
            Arc::clone(&shared),
            stream,
            tls.clone(),
            connection,
            orders,
        ));
    }
}

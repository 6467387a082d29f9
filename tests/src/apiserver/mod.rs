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
mod listening;
mod log;
mod object;
mod options;
mod patch;
/// One encoder for this server and the tests of the engine.
#[path = "../../../engine/tests/machines/protobuf.rs"]
mod protobuf;
mod query;
mod replay;
mod request;
mod review;
mod router;
mod selector;
mod shared;
mod stamps;
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
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ServerConfig;
use tokio::sync::watch as channel;

pub use access::{Access, Grant};
pub use certificates::{Authority, Identity};
pub(crate) use clock::rfc3339;
pub use faults::{Act, Fault, Faults};
pub use json::compact as compact_json;
pub(crate) use json::object_at;
pub use log::{Requests, Seen};
pub use options::{Options, StartError};
pub use replay::Exchange;
pub use request::Verb;
pub use stamps::Stamp;
pub use status::Status;
pub use store::{Prepared, Store};

use compressed::Compressed;
use connection::Order;
use listening::Listening;
use shared::Shared;

/// The user behind [`Server::token`]; may do everything.
pub const ADMIN: &str = "scripted-admin";

/// A running server, stopped when dropped.
pub struct Server {
    shared: Arc<Shared>,
    authority: Authority,
    tls: Option<Arc<ServerConfig>>,
    address: SocketAddr,
    token: String,
    listening: Option<Listening>,
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
            stamps: options.stamps.then(Arc::default),
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

    /// When the events of all watches were written since this was asked last, in that order. None
    /// without [`Options::stamps`].
    pub fn take_stamps(&self) -> Vec<Stamp> {
        self.shared.stamps.as_ref().map(|stamps| stamps.take()).unwrap_or_default()
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

    /// Orders all open connections to go away: what runs goes on, new requests need a new one.
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
        let Some(listening) = self.listening.take() else { return };
        listening.stop().await;
        let mut open = self.connections();
        // The sender lives as long as the server.
        let _ = open.wait_for(|count| *count == 0).await;
    }

    /// Listens again, on the same port. Does nothing when it is listening.
    pub async fn resume(&mut self) -> Result<(), StartError> {
        if self.listening.is_some() {
            return Ok(());
        }
        let (listening, address) =
            Listening::start(self.address, &self.shared, self.tls.as_ref()).await?;
        (self.listening, self.address) = (Some(listening), address);
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

//! Takes connections in, within bounds, and ends them in good order. It must never let one client
//! hold up another, or the end.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::time::timeout;
use tower_service::Service as _;

use super::limits::Limits;
use super::listener::{Accepted, Listener, Socket};
use super::meters::Meters;
use super::minimum_rate::RateKept;
use super::peers::{Full, Peer, Peers, Permit};
use super::tls::Tls;
use dubbo_k8s_registry::host;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long to leave the listener alone when the process has run out of file descriptors.
const BREATHER: Duration = Duration::from_millis(100);

/// What the clients of one listener get, and may take.
pub(super) struct Server {
    pub(super) router: Router,
    pub(super) limits: Limits,
    pub(super) peers: Arc<Peers>,
    pub(super) tls: Option<Tls>,
    pub(super) meters: Arc<Meters>,
}

/// Serves until `shutdown`, then gives the connections `limits.grace` to finish.
pub(super) async fn accept(listener: Listener, server: Server, shutdown: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((Accepted::Tcp(stream), address)) => admit(stream, address, &server, &graceful),
            #[cfg(unix)]
            Ok((Accepted::Unix(stream), address)) => admit(stream, address, &server, &graceful),
            Err(error) if is_of_one_connection(&error) => {}
            Err(_) => host::sleep(BREATHER).await,
        }
    }
    drop(listener);
    let _ = timeout(server.limits.grace, graceful.shutdown()).await;
}

/// A client that is let in: counted until its connection is gone.
struct Client {
    #[expect(dead_code, reason = "held, so that the place is taken")]
    permit: Permit,
    peer: Arc<Peer>,
    meters: Arc<Meters>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.meters.connections.dec();
    }
}

/// Lets a client in, if there is a place for it.
fn admit(stream: impl Socket, address: IpAddr, server: &Server, graceful: &GracefulShutdown) {
    let peer = server.peers.peer(address);
    match peer.connection() {
        Ok(permit) => {
            let client = Client { permit, peer, meters: Arc::clone(&server.meters) };
            serve(stream, server, client, graceful);
        }
        Err(full) => turn_away(&stream, full, server),
    }
}

fn serve(stream: impl Socket, server: &Server, client: Client, graceful: &GracefulShutdown) {
    client.meters.connections.inc();
    stream.prepare();
    let (router, peer) = (server.router.clone(), Arc::clone(&client.peer));
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(Arc::clone(&peer));
        let mut router = router.clone();
        async move { Ok::<_, Infallible>(call(&mut router, request).await) }
    });
    let limits = &server.limits;
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_headers(limits.headers)
        .max_buf_size(limits.header_bytes);
    let (tls, handshake) = (server.tls.clone(), limits.header_time.min(HANDSHAKE));
    let (stream, watcher) = (RateKept::new(stream, limits.minimum_rate), graceful.watcher());
    tokio::spawn(async move {
        // What goes wrong here is the client's: it went away, was too slow, or spoke no HTTP.
        if let Some(tls) = tls {
            if let Ok(Ok(stream)) = timeout(handshake, tls.acceptor().accept(stream)).await {
                let connection = builder.serve_connection(TokioIo::new(stream), service);
                let _ = watcher.watch(connection).await;
            }
        } else {
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            let _ = watcher.watch(connection).await;
        }
        drop(client);
    });
}

async fn call(router: &mut Router, request: http::Request<Incoming>) -> http::Response<Body> {
    match router.call(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Answers a client too many without a task, a timer or a wait: it fits the socket or is lost.
fn turn_away(stream: &impl Socket, full: Full, server: &Server) {
    server.meters.turned_away.inc();
    // Before a handshake the client could not read it.
    if server.tls.is_some() {
        return;
    }
    let refusal = full.refusal("clients are connected", "connections");
    let _ = stream.write_now(&refusal.to_bytes());
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

//! One connection: TLS, HTTP/1.1 or HTTP/2 by ALPN, and the orders that end it early. Knows
//! nothing of Pods.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::answer::{Body, Cut};
use super::router;
use super::shared::{Gauge, Shared};
use super::stamps::{Stamps, Unwritten};
use super::wire::Wire;

/// An idle connection is closed after this time.
const IDLE: Duration = Duration::from_secs(90);

/// What happens to a connection from outside of it; later orders override earlier ones.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Order {
    Serve,
    /// No new requests; what runs goes on.
    GoAway,
    /// Gone at once.
    Close,
    /// Gone at once, with a TCP reset.
    Reset,
}

/// A handle on one connection, for the requests that it carries.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) number: usize,
    pub(crate) unwritten: Unwritten,
    orders: watch::Sender<Order>,
}

impl Connection {
    /// A handle, and the receiver of its orders, which counts as the open connection.
    pub(crate) fn new(
        number: usize,
        stamps: Option<Arc<Stamps>>,
    ) -> (Self, watch::Receiver<Order>) {
        let (orders, receiver) = watch::channel(Order::Serve);
        (Self { number, unwritten: Unwritten::new(stamps), orders }, receiver)
    }

    pub(crate) fn order(&self, order: Order) {
        self.orders.send_replace(order);
    }

    /// Whether a task still receives orders.
    pub(crate) fn is_open(&self) -> bool {
        self.orders.receiver_count() > 0
    }
}

/// Serves one TCP connection to its end.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    connection: Connection,
    mut orders: watch::Receiver<Order>,
) {
    let _open = Gauge::enter(&shared.connections);
    // An error on a loopback socket only means that the peer is gone, which reading shows too.
    let _ = stream.set_nodelay(true);
    let wire = Wire::new(stream, connection.unwritten.clone());
    let work = async {
        let Some(tls) = tls else {
            let peer = Peer { connection: connection.clone(), certificate: None };
            return plain(shared, wire.clone(), peer).await;
        };
        encrypted(shared, wire.clone(), tls, connection.clone()).await
    };
    tokio::select! {
        // How a connection ended is the client's to judge.
        _ = work => {}
        () = ended(&mut orders, &wire) => {}
    }
}

/// Who is at the other end.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) connection: Connection,
    pub(crate) certificate: Option<Vec<u8>>,
}

async fn encrypted(
    shared: Arc<Shared>,
    wire: Wire,
    tls: Arc<ServerConfig>,
    connection: Connection,
) -> io::Result<()> {
    if wire.first_byte().await? != Some(TLS_HANDSHAKE) {
        return answer_plain_http(wire).await;
    }
    let stream = TlsAcceptor::from(tls).accept(wire).await?;
    let (_, session) = stream.get_ref();
    let http2 = session.alpn_protocol() == Some(b"h2");
    let certificate =
        session.peer_certificates().and_then(|chain| chain.first()).map(|der| der.to_vec());
    let peer = Peer { connection, certificate };
    if http2 {
        http2_connection(shared, stream, peer).await
    } else {
        http1(shared, stream, peer).await
    }
}

/// The first byte of a TLS record with a `ClientHello`.
const TLS_HANDSHAKE: u8 = 0x16;

/// What Go's `net/http` answers a client that forgot the s of https.
async fn answer_plain_http(mut wire: Wire) -> io::Result<()> {
    // A socket closed with unread bytes resets the connection, and the answer may be lost.
    let _ = wire.read(&mut [0; 4096]).await?;
    let answer =
        b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    wire.write_all(answer).await
}

async fn plain(shared: Arc<Shared>, wire: Wire, peer: Peer) -> io::Result<()> {
    if wire.begins_with_http2_preface().await? {
        return http2_connection(shared, wire, peer).await;
    }
    http1(shared, wire, peer).await
}

async fn http1<S>(shared: Arc<Shared>, stream: S, peer: Peer) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut orders = peer.connection.orders.subscribe();
    let service = service_fn(|request| respond(Arc::clone(&shared), peer.clone(), request));
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.title_case_headers(true).timer(TokioTimer::new()).header_read_timeout(IDLE);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    loop {
        tokio::select! {
            result = connection.as_mut() => return result.map_err(io::Error::other),
            () = going_away(&mut orders) => connection.as_mut().graceful_shutdown(),
        }
    }
}

async fn http2_connection<S>(shared: Arc<Shared>, stream: S, peer: Peer) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut orders = peer.connection.orders.subscribe();
    let service = service_fn(|request| respond(Arc::clone(&shared), peer.clone(), request));
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    builder
        .max_concurrent_streams(100)
        .initial_stream_window_size(262_144)
        .initial_connection_window_size(26_214_400)
        .max_frame_size(262_144)
        .max_header_list_size(1_048_896);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    loop {
        tokio::select! {
            result = connection.as_mut() => return result.map_err(io::Error::other),
            () = going_away(&mut orders) => connection.as_mut().graceful_shutdown(),
        }
    }
}

async fn respond(
    shared: Arc<Shared>,
    peer: Peer,
    request: hyper::Request<Incoming>,
) -> Result<Response<Body>, Cut> {
    router::respond(&shared, &peer, request).await
}

/// Ends once, when the connection is ordered to go away.
async fn going_away(orders: &mut watch::Receiver<Order>) {
    loop {
        if orders.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        if *orders.borrow_and_update() == Order::GoAway {
            return;
        }
    }
}

/// Ends when the connection is to end at once.
async fn ended(orders: &mut watch::Receiver<Order>, wire: &Wire) {
    let order = orders.wait_for(|order| matches!(order, Order::Close | Order::Reset)).await;
    if order.is_ok_and(|order| *order == Order::Reset) {
        wire.reset_on_close();
    }
}

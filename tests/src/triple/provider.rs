//! A provider: a real HTTP/2 server that answers every call with the message it got, says who it is, and
//! counts. HTTP/1.1 works too, without trailers.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Request, Response, Version, header};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::PROVIDER;

/// A call as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `/{interface}/{method}`.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
}

/// A running provider on a free port of the loopback interface. When it is dropped its connections end.
#[derive(Debug)]
pub struct Provider {
    shared: Arc<Shared>,
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    name: HeaderValue,
    served: AtomicU64,
    last: Mutex<Option<Seen>>,
    /// While it is true no answer goes out.
    held: watch::Sender<bool>,
    arrived: watch::Sender<u64>,
}

impl Provider {
    /// Starts one. The name has to be fit for a header.
    pub async fn start(name: &str) -> std::io::Result<Self> {
        let name = HeaderValue::from_str(name).map_err(std::io::Error::other)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            name,
            served: AtomicU64::new(0),
            last: Mutex::new(None),
            held: watch::Sender::new(false),
            arrived: watch::Sender::new(0),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { shared, address, accepting })
    }

    /// The name in its answers.
    pub fn name(&self) -> &str {
        self.shared.name.to_str().unwrap_or_default()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many calls it has answered.
    pub fn served(&self) -> u64 {
        self.shared.served.load(Ordering::Relaxed)
    }

    /// The call that came last.
    pub fn last(&self) -> Option<Seen> {
        self.shared.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Holds back every answer, or lets all go.
    pub fn hold(&self, held: bool) {
        self.shared.held.send_replace(held);
    }

    /// How many calls have arrived, answered or not; waits for a number with `wait_for`.
    pub fn arrived(&self) -> watch::Receiver<u64> {
        self.shared.arrived.subscribe()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Ends with all its connections.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        connections.spawn(serve(stream, Arc::clone(&shared)));
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true); // only speed is lost
    let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
    let server = auto::Builder::new(TokioExecutor::new());
    // A client that goes away in the middle is its own affair.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

type Body = StreamBody<stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>>;

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> hyper::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let seen = Seen { path: head.uri.path().to_owned(), headers: head.headers.clone() };
    *shared.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
    shared.arrived.send_modify(|count| *count += 1);
    let message = body.collect().await?.to_bytes();
    // The sender lives as long as this does.
    let _ = shared.held.subscribe().wait_for(|held| !held).await;
    let mut frames = vec![Ok(Frame::data(message))];
    if head.version == Version::HTTP_2 {
        let status =
            (header::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"));
        frames.push(Ok(Frame::trailers(HeaderMap::from_iter([status]))));
    }
    let mut response = Response::new(StreamBody::new(stream::iter(frames)));
    response.headers_mut().insert(PROVIDER, shared.name.clone());
    if let Some(kind) = head.headers.get(header::CONTENT_TYPE) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
    }
    shared.served.fetch_add(1, Ordering::Relaxed);
    Ok(response)
}

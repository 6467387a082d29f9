//! A consumer: calls over one HTTP/2 connection without TLS.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::PROVIDER;

/// An empty message in gRPC's framing: not compressed, no bytes.
const EMPTY: &[u8] = &[0; 5];

/// Why a call got no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No connection.
    #[error("no connection: {0}")]
    Connect(#[from] std::io::Error),
    /// The connection or the stream broke.
    #[error("broken off: {0}")]
    Broken(#[from] hyper::Error),
    /// A path or a header that HTTP does not allow.
    #[error("not a request: {0}")]
    Request(#[from] http::Error),
}

/// What is called, and with which headers.
#[derive(Clone, Debug)]
pub struct Call {
    path: String,
    headers: HeaderMap,
}

impl Call {
    /// `POST /{interface}/{method}` with the headers of gRPC.
    pub fn new(interface: &str, method: &str) -> Self {
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static("application/grpc+proto")),
            (header::TE, HeaderValue::from_static("trailers")),
        ]);
        Self { path: format!("/{interface}/{method}"), headers }
    }

    /// Sets a header; one that HTTP does not allow is left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// As JSON in the form of REST, without gRPC.
    #[must_use]
    pub fn json(mut self) -> Self {
        self.headers.remove(header::TE);
        self.header("content-type", "application/json")
    }
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The trailers; none in an answer that is only headers.
    pub trailers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// Who answered; `None` when it was the proxy.
    pub fn provider(&self) -> Option<&str> {
        self.headers.get(PROVIDER)?.to_str().ok()
    }

    /// The status of gRPC, which stands in the trailers or, without a message, in the headers.
    pub fn grpc_status(&self) -> Option<&str> {
        self.grpc("grpc-status")
    }

    /// The message beside the status of gRPC, percent-encoded as it came.
    pub fn grpc_message(&self) -> Option<&str> {
        self.grpc("grpc-message")
    }

    /// Whether the call did what it should: a provider answered, and well.
    pub fn is_good(&self) -> bool {
        self.status == 200
            && self.provider().is_some()
            && self.grpc_status().is_none_or(|status| status == "0")
    }

    fn grpc(&self, name: &str) -> Option<&str> {
        self.trailers.get(name).or_else(|| self.headers.get(name))?.to_str().ok()
    }
}

/// An open connection. Clones share it.
#[derive(Clone, Debug)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    authority: String,
}

impl Connection {
    /// Connects; the connection ends with the last clone.
    pub async fn open(address: SocketAddr) -> Result<Self, Error> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, authority: address.to_string() })
    }

    /// Makes a call and waits for the end of its answer.
    pub async fn call(&mut self, call: &Call) -> Result<Answer, Error> {
        let uri = Uri::builder().scheme("http").authority(self.authority.as_str());
        let mut request = Request::new(Full::new(Bytes::from_static(EMPTY)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.path_and_query(call.path.as_str()).build()?;
        *request.headers_mut() = call.headers.clone();
        self.sender.ready().await?;
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        let body = body.collect().await?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            trailers,
            body: body.to_bytes(),
        })
    }
}

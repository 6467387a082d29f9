//! Sends a recorded request as it was sent: over HTTP/1.1 byte for byte, over HTTP/2 header for
//! header; and reads the answer with its chunks.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dubbo_k8s_tests::apiserver::{Exchange, Grant, Options, Server};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::world::{ACCOUNT_TOKEN, World, happen};

/// The answer of the scripted server.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The lengths of the chunks, over HTTP/1.1.
    pub(crate) chunks: Vec<usize>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Sends a recorded request to a server of its own, in the given state.
pub(crate) async fn send(recorded: &Exchange, world: &World) -> Answer {
    let options = Options {
        resource_version: 1,
        // Watches end when the story is told, not by the clock.
        second: Duration::from_hours(1),
        future_wait: Duration::from_millis(5),
        ..Options::default()
    };
    let server = Server::start(options).await.unwrap();
    world.fill(&server);
    let exchange = async {
        if recorded.name.starts_with("18-plain-http") {
            let stream = TcpStream::connect(server.address()).await.unwrap();
            return http1(stream, &request_bytes(recorded, &server)).await;
        }
        if recorded.meta["http"] == "2" {
            return http2(recorded, &server).await;
        }
        let stream = connect(recorded, &server, b"http/1.1").await;
        http1(stream, &request_bytes(recorded, &server)).await
    };
    let story = async {
        let mut watches = server.watches();
        watches.wait_for(|count| *count > 0).await.unwrap();
        for event in &world.events {
            happen(&server, event);
        }
        server.end_watches();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        answer = exchange => answer,
        () = story => unreachable!(),
    }
}

async fn connect(recorded: &Exchange, server: &Server, protocol: &[u8]) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(server.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = if recorded.name == "12p-list-client-certificate" {
        let user = "capture-certificate";
        server.access().grant(Grant::all(user));
        let identity = server.client_certificate(user).unwrap();
        let certificate =
            CertificateDer::from_pem_slice(identity.certificate_pem.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).unwrap();
        config.with_client_auth_cert(vec![certificate], key).unwrap()
    } else {
        config.with_no_client_auth()
    };
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let name = ServerName::try_from("kubernetes.default.svc").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

/// The token in the place of the one that the recording hides, by who asked.
fn token<'a>(recorded: &Exchange, server: &'a Server) -> &'a str {
    let identity = recorded.meta["identity"].as_str().unwrap();
    match identity {
        "an empty bearer token" => "",
        "a bearer token the server does not know" => "unknown",
        text if text.contains("admin") => server.token(),
        _ => ACCOUNT_TOKEN,
    }
}

fn request_bytes(recorded: &Exchange, server: &Server) -> Vec<u8> {
    let head = recorded.request_head.replace("REDACTED", token(recorded, server));
    [head.as_bytes(), &request_body(recorded)].concat()
}

/// The body; two of them are too long to be recorded, so they are made as they were.
fn request_body(recorded: &Exchange) -> Vec<u8> {
    let length = recorded.request_headers.iter().find(|(name, _)| name == "Content-Length");
    let length = length.map_or(0, |(_, value)| value.parse::<usize>().unwrap());
    if length == 0 || recorded.request_body.len() == length {
        return recorded.request_body.to_vec();
    }
    let (before, after) = (r#"{"metadata":{"annotations":{"dubbo.io/annotation":""#, r#""}}}"#);
    let filling = "eHh4".repeat(length / 4 + 1);
    let filling = &filling[..length - before.len() - after.len()];
    [before, filling, after].concat().into_bytes()
}

async fn http1(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &[u8]) -> Answer {
    stream.write_all(request).await.unwrap();
    stream.flush().await.unwrap();
    let mut received = Vec::new();
    let head_end = loop {
        if let Some(position) = received.windows(4).position(|end| end == b"\r\n\r\n") {
            break position;
        }
        assert!(more(&mut stream, &mut received).await, "ended in the head");
    };
    let head = String::from_utf8(received[..head_end].to_vec()).unwrap();
    received.drain(..head_end + 4);
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut answer = Answer { status, headers, ..Answer::default() };
    if answer.header("transfer-encoding") == Some("chunked") {
        read_chunks(&mut stream, received, &mut answer).await;
    } else {
        let length = answer.header("content-length").map(|length| length.parse().unwrap());
        while length.is_none_or(|length: usize| received.len() < length)
            && more(&mut stream, &mut received).await
        {}
        answer.body = received;
    }
    answer
}

async fn read_chunks(
    stream: &mut (impl AsyncRead + Unpin),
    mut received: Vec<u8>,
    answer: &mut Answer,
) {
    loop {
        let line = loop {
            if let Some(position) = received.windows(2).position(|end| end == b"\r\n") {
                break position;
            }
            assert!(more(stream, &mut received).await, "ended between chunks");
        };
        let size = std::str::from_utf8(&received[..line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        while received.len() < line + 2 + size + 2 {
            assert!(more(stream, &mut received).await, "ended in a chunk");
        }
        answer.body.extend_from_slice(&received[line + 2..line + 2 + size]);
        received.drain(..line + 2 + size + 2);
        if size == 0 {
            return;
        }
        answer.chunks.push(size);
    }
}

/// Reads some more; whether there was any.
async fn more(stream: &mut (impl AsyncRead + Unpin), received: &mut Vec<u8>) -> bool {
    stream.read_buf(received).await.is_ok_and(|length| length > 0)
}

async fn http2(recorded: &Exchange, server: &Server) -> Answer {
    let stream = TokioIo::new(connect(recorded, server, b"h2").await);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let (method, target) = &recorded.request;
    let mut request = http::Request::builder()
        .method(method.as_str())
        .uri(format!("https://kubernetes.default.svc{target}"));
    for (name, value) in &recorded.request_headers {
        if !name.starts_with(':') {
            request = request.header(name, value.replace("REDACTED", token(recorded, server)));
        }
    }
    let request = request.body(Full::new(Bytes::from(request_body(recorded)))).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned()));
    let headers = headers.collect();
    let body = response.into_body().collect().await.unwrap().to_bytes().to_vec();
    connection.abort();
    Answer { status, headers, body, chunks: Vec::new() }
}

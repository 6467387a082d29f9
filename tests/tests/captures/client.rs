//! Sends a recorded request as it was sent: over HTTP/1.1 byte for byte, over HTTP/2 header for
//! header; and reads the answer with its chunks.

use std::time::Duration;

use bytes::Bytes;
use dubbo_k8s_tests::apiserver::{Exchange, Grant, Options, Server};
use dubbo_k8s_tests::raw::{Endpoint, Reply};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

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
        // Watches end when the transcript is over, not by the clock.
        second: Duration::from_hours(1),
        future_wait: Duration::from_millis(5),
        ..Options::default()
    };
    let server = Server::start(options).await.unwrap();
    world.fill(&server);
    let exchange = async {
        if recorded.meta["http"] == "2" {
            return http2(recorded, &server).await;
        }
        let request = request_bytes(recorded, &server);
        if recorded.name.starts_with("18-plain-http") {
            let stream = TcpStream::connect(server.address()).await.unwrap();
            return http1(Reply::read(Box::new(stream), &request).await.unwrap()).await;
        }
        http1(endpoint(recorded, &server).send_bytes(&request).await.unwrap()).await
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

fn endpoint(recorded: &Exchange, server: &Server) -> Endpoint {
    let identity = (recorded.name == "12p-list-client-certificate").then(|| {
        let user = "capture-certificate";
        server.access().grant(Grant::all(user));
        server.client_certificate(user).unwrap()
    });
    Endpoint::new(
        &server.url(),
        Some(&server.ca_pem()),
        None,
        identity
            .as_ref()
            .map(|identity| (identity.certificate_pem.as_str(), identity.key_pem.as_str())),
    )
    .unwrap()
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
    [head.as_bytes(), &recorded.whole_request_body()].concat()
}

async fn http1(mut reply: Reply) -> Answer {
    let chunks = reply.chunks().await.unwrap();
    let mut answer = Answer { status: reply.status, body: chunks.concat(), ..Answer::default() };
    if reply.is_chunked() {
        answer.chunks = chunks.iter().map(Bytes::len).collect();
    }
    answer.headers = reply.headers;
    answer
}

async fn http2(recorded: &Exchange, server: &Server) -> Answer {
    let stream = TokioIo::new(endpoint(recorded, server).connect(b"h2").await.unwrap());
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
    let request = request.body(Full::new(Bytes::from(recorded.whole_request_body()))).unwrap();
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

//! A plain HTTP/1.1 client: one connection for each request, every header as it is given.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full, combinators::BoxBody};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::rig::within;

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// A connection of another peer: one of the addresses of the loopback interface.
pub(crate) async fn connect_from(host: u8, address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, host], 0).into()).unwrap();
    within(socket.connect(address)).await.unwrap()
}

/// The head of the answer to a request on a connection of one's own, which stays open.
pub(crate) async fn head(socket: &mut TcpStream, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    // One that was turned away may be closed already, and its answer is there.
    let _ = socket.write_all(request.as_bytes()).await;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match within(socket.read_u8()).await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

pub(crate) async fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    ask(address, "GET", path, headers, "").await
}

pub(crate) async fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &'static str,
) -> Answer {
    within(async {
        let (head, body) = send(address, method, path, headers, body).await;
        let body = body.collect().await.expect("a whole body").to_bytes();
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    })
    .await
}

/// An event stream.
pub(crate) struct Stream {
    body: Incoming,
    buffer: Vec<u8>,
}

/// One server-sent event.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) data: Value,
}

pub(crate) async fn open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Stream {
    let (head, body) = within(send(address, "GET", path, headers, "")).await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(head.headers["content-type"], "text/event-stream");
    assert_eq!(head.headers["x-accel-buffering"], "no", "nginx holds nothing back");
    Stream { body, buffer: Vec::new() }
}

impl Stream {
    /// The next event that says something; `None` at a proper end.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            let event = within(self.block()).await?;
            if event.name != "message" || !event.data.is_null() {
                return Some(event);
            }
        }
    }

    /// The next block, comments and empty ones included.
    async fn block(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                return Some(parse(std::str::from_utf8(&block).unwrap()));
            }
            match self.body.frame().await {
                None => return None,
                Some(frame) => {
                    self.buffer.extend_from_slice(frame.expect("no error").data_ref().unwrap());
                }
            }
        }
    }

    /// How the stream ends, events left aside.
    pub(crate) async fn end(mut self) -> Result<(), hyper::Error> {
        loop {
            match within(self.body.frame()).await {
                None => return Ok(()),
                Some(frame) => drop(frame?),
            }
        }
    }
}

fn parse(block: &str) -> Event {
    let mut event = Event { name: "message".into(), id: String::new(), data: Value::Null };
    for line in block.lines().filter(|line| !line.is_empty() && !line.starts_with(':')) {
        let (field, value) = line.split_once(": ").expect("a field");
        match field {
            "event" => value.clone_into(&mut event.name),
            "id" => value.clone_into(&mut event.id),
            "data" => event.data = serde_json::from_str(value).expect("JSON"),
            field => panic!("{field}"),
        }
    }
    event
}

async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &'static str,
) -> (http::response::Parts, Incoming) {
    let socket = TokioIo::new(TcpStream::connect(address).await.expect("a connection"));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(socket).await.unwrap();
    tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", address.to_string());
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body: BoxBody<Bytes, std::convert::Infallible> =
        if body.is_empty() { Empty::new().boxed() } else { Full::from(body).boxed() };
    let response = sender.send_request(request.body(body).unwrap()).await.expect("an answer");
    response.into_parts()
}

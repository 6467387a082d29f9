//! The real `dubbo-watcher agent` as a process of its own, and a plain HTTP/1.1 client of its socket, as an adapter of
//! another language has one. For tests alone: what cannot go on panics.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "whatever fails in here fails the test that called it"
)]

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::program::{Ran, Running, TIMEOUT, bare, dubbo_watcher};

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The head.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The code of the problem that it is.
    pub fn problem(&self) -> String {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        let body = self.json();
        assert_eq!(body["status"], self.status, "{body}");
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
        body["code"].as_str().unwrap().to_owned()
    }
}

/// A running agent; killed when dropped.
pub struct Agent {
    /// The process.
    pub running: Running,
    socket: PathBuf,
}

impl Agent {
    /// Starts one in a Pod, which may end at once.
    pub fn begin(
        kubeconfig: &Path,
        [namespace, pod]: [&str; 2],
        socket: &Path,
        arguments: &[&str],
    ) -> Running {
        let mut command = bare(dubbo_watcher());
        command.args(["agent", "--socket"]).arg(socket).args(arguments);
        command.env("KUBECONFIG", kubeconfig).env("HOSTNAME", pod).env("NAMESPACE", namespace);
        Running::start(command)
    }

    /// Starts one in a Pod, and waits until it listens.
    pub fn start(
        kubeconfig: &Path,
        [namespace, pod]: [&str; 2],
        socket: &Path,
        arguments: &[&str],
    ) -> Self {
        let running = Self::begin(kubeconfig, [namespace, pod], socket, arguments);
        running.says(&format!("registering in Pod {namespace}/{pod}"));
        Self { running, socket: socket.to_owned() }
    }

    /// Sends a request.
    pub async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        ask(&self.socket, method, path, &[], body).await
    }

    /// Asks for something.
    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "").await
    }

    /// Registers URLs under an id.
    pub async fn put(&self, id: &str, urls: &[String]) -> Answer {
        self.put_for(id, urls, 30).await
    }

    /// The same with a lease of so many seconds.
    pub async fn put_for(&self, id: &str, urls: &[String], seconds: u32) -> Answer {
        let body = json!({"urls": urls, "leaseSeconds": seconds}).to_string();
        self.ask("PUT", &format!("/v1/registrations/{id}?wait=30s"), &body).await
    }

    /// Ends a registration.
    pub async fn delete(&self, id: &str) -> Answer {
        self.ask("DELETE", &format!("/v1/registrations/{id}"), "").await
    }

    /// The ids that it lists.
    pub async fn ids(&self) -> Vec<String> {
        let listed = self.get("/v1/registrations").await.json();
        let all = listed["registrations"].as_array().unwrap().iter();
        all.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The changes of a service from now on.
    pub async fn events(&self, service: &str) -> Events {
        Events::open(&self.socket, &format!("/v1/events?service={service}")).await.synced().await
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Ends it with a signal, and waits for the end.
    pub fn end(self, signal: &str) -> Ran {
        self.running.end(signal)
    }
}

/// Sends one request on a connection of its own.
pub async fn ask(
    socket: &Path,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let asked = async {
        let response = send(socket, method, path, headers, body.to_owned()).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    };
    timeout(TIMEOUT, asked).await.expect("an answer in time")
}

async fn send(
    socket: &Path,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: String,
) -> http::Response<Incoming> {
    let stream = TokioIo::new(UnixStream::connect(socket).await.expect("a connection"));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header("host", "agent");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    sender.send_request(request.body(Full::<Bytes>::from(body)).unwrap()).await.expect("an answer")
}

/// An event stream.
#[derive(Debug)]
pub struct Events {
    body: Incoming,
    buffer: Vec<u8>,
}

impl Events {
    /// Opens one.
    pub async fn open(socket: &Path, path: &str) -> Self {
        let response = send(socket, "GET", path, &[], String::new()).await;
        assert_eq!(response.status(), 200);
        Self { body: response.into_body(), buffer: Vec::new() }
    }

    /// Passes over what is there at the start.
    pub async fn synced(mut self) -> Self {
        loop {
            match self.next().await {
                (name, _) if name == "synced" => return self,
                (name, data) if name == "snapshot" && data["synced"] == true => return self,
                _ => {}
            }
        }
    }

    /// The next event with data: its name and its data.
    pub async fn next(&mut self) -> (String, Value) {
        timeout(TIMEOUT, self.event()).await.expect("an event in time")
    }

    async fn event(&mut self) -> (String, Value) {
        loop {
            while let Some(end) = self.buffer.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                let block = String::from_utf8(block).unwrap();
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
                if let (Some(name), Some(data)) = (field("event: "), field("data: ")) {
                    return (name.to_owned(), serde_json::from_str(data).unwrap());
                }
            }
            let frame = self.body.frame().await.expect("more").expect("no error");
            self.buffer.extend_from_slice(frame.data_ref().unwrap());
        }
    }
}

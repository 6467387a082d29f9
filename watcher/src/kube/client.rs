//! One HTTPS client for one kube-apiserver: adds the address and the credential to requests and
//! hands back what arrives, piece by piece. It decides nothing about what the answers mean.
//!
//! Redirects are not followed (they would carry the credential elsewhere), environment proxies are
//! not used, and a watch is never decompressed.

use std::{net::IpAddr, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Response, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};

use super::{
    config::{Config, ConfigError, Credential, read_token},
    fault::{ResolveError, transport_error},
    gunzip::Gunzip,
    tls::TlsMaterial,
};
use crate::core::{Request, TransportError, TransportErrorKind, Verb};

/// How often token, authorities and client certificate are read again, when they are files.
const REREAD: Duration = Duration::from_mins(1);
/// A server that is there answers a SYN and a TLS hello well within this.
const CONNECT: Duration = Duration::from_secs(10);
/// Pings find a dead connection within 45 s, also when nothing is being asked.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_ANSWER: Duration = Duration::from_secs(15);
/// The server closes idle connections after 90 s; let us be first.
const IDLE: Duration = Duration::from_mins(1);
/// What may be under way unread. Larger than the default so that a long list fills the line.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// A client for one server.
pub struct Client {
    config: Config,
    base: Url,
    tls: TlsMaterial,
    http: reqwest::Client,
    headers: HeaderMap,
    read_at: Duration,
}

/// One request and the response to it, as it comes.
pub struct Exchange {
    phase: Phase,
    server: Arc<str>,
}

/// What an [`Exchange`] has to tell.
#[derive(Debug)]
pub enum Event {
    /// The response head.
    Head {
        /// HTTP status.
        status: u16,
        /// `Retry-After`, where it is a number of seconds.
        retry_after: Option<Duration>,
    },
    /// A piece of the body, decoded.
    Chunk(Bytes),
    /// The body has ended as it should.
    End,
    /// It broke. Nothing follows.
    Failed(TransportError),
}

enum Phase {
    Asking(futures_util::future::BoxFuture<'static, reqwest::Result<Response>>),
    Answering(Box<Answer>),
    Over,
}

struct Answer {
    response: Response,
    gunzip: Option<Gunzip>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("server", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// Reads the credential and the TLS material, and is ready; connects to nothing yet.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let tls = TlsMaterial::read(&config)?;
        let base = base_url(&config)?;
        let http = build(&config, &tls)?;
        let headers = identity_headers(&config)?;
        Ok(Self { config, base, tls, http, headers, read_at: Duration::ZERO })
    }

    /// The configuration it was made from.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Starts an exchange; nothing is sent until it is polled. `now` is the driver's time, by
    /// which files are read again.
    pub fn send(&mut self, now: Duration, request: Request) -> Exchange {
        if now.saturating_sub(self.read_at) >= REREAD {
            self.refresh(now);
        }
        let server = server_label(&self.config.server);
        let phase = match self.build_request(request) {
            Ok(request) => Phase::Asking(Box::pin(self.http.execute(request))),
            Err(error) => Phase::Asking(Box::pin(std::future::ready(Err(error)))),
        };
        Exchange { phase, server }
    }

    /// Reads token, authorities and client certificate again. What cannot be read or used leaves
    /// the last good one in place: a file is often half-written while it rotates.
    pub fn refresh(&mut self, now: Duration) {
        self.read_at = now;
        if let Ok(headers) = identity_headers(&self.config) {
            self.headers = headers;
        }
        if let Ok(tls) = TlsMaterial::read(&self.config)
            && tls != self.tls
            && let Ok(http) = build(&self.config, &tls)
        {
            // Exchanges under way keep their connection; new ones use the new material.
            (self.tls, self.http) = (tls, http);
        }
    }

    fn build_request(&self, request: Request) -> reqwest::Result<reqwest::Request> {
        let method = match request.verb {
            Verb::Patch => Method::PATCH,
            Verb::Create => Method::POST,
            Verb::List | Verb::Watch | Verb::Get => Method::GET,
        };
        let url = format!("{}{}", self.base.as_str().trim_end_matches('/'), request.target);
        let encoding = if request.gzip { "gzip" } else { "identity" };
        let mut builder = self
            .http
            .request(method, url)
            .headers(self.headers.clone())
            .header(header::ACCEPT, request.accept)
            .header(header::ACCEPT_ENCODING, encoding);
        if let Some(content_type) = request.content_type {
            builder = builder.header(header::CONTENT_TYPE, content_type);
        }
        if !request.body.is_empty() {
            builder = builder.body(request.body);
        }
        builder.build()
    }
}

impl Exchange {
    /// A header of the answer, between its head and its end.
    pub fn header(&self, name: HeaderName) -> Option<&HeaderValue> {
        match &self.phase {
            Phase::Answering(answer) => answer.response.headers().get(name),
            Phase::Asking(_) | Phase::Over => None,
        }
    }

    /// What comes next; `None` after the end. Cancellation safe: nothing is lost when the future
    /// is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Event> {
        let event = match &mut self.phase {
            Phase::Over => return None,
            Phase::Asking(asking) => match asking.await {
                Ok(response) => {
                    let event = head(&response);
                    let gunzip = is_gzip(&response).then(Gunzip::new);
                    self.phase = Phase::Answering(Box::new(Answer { response, gunzip }));
                    return Some(event);
                }
                Err(error) => Event::Failed(transport_error(&error, &self.server)),
            },
            Phase::Answering(answer) => answer.next(&self.server).await,
        };
        if !matches!(event, Event::Chunk(_)) {
            self.phase = Phase::Over;
        }
        Some(event)
    }
}

fn head(response: &Response) -> Event {
    let retry_after = response.headers().get(header::RETRY_AFTER);
    let seconds = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Event::Head {
        status: response.status().as_u16(),
        retry_after: seconds.map(Duration::from_secs),
    }
}

fn is_gzip(response: &Response) -> bool {
    response
        .headers()
        .get(header::CONTENT_ENCODING)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"gzip"))
}

impl Answer {
    /// The next piece of the body, or how it ended.
    async fn next(&mut self, server: &str) -> Event {
        loop {
            if let Some(gunzip) = &mut self.gunzip {
                match gunzip.piece() {
                    Ok(Some(piece)) => return Event::Chunk(piece),
                    Ok(None) => {}
                    Err(error) => return broken(TransportErrorKind::Protocol, &error.to_string()),
                }
            }
            match (self.response.chunk().await, &mut self.gunzip) {
                (Ok(Some(bytes)), None) => return Event::Chunk(bytes),
                (Ok(Some(bytes)), Some(gunzip)) => gunzip.feed(bytes),
                (Ok(None), Some(gunzip)) if !gunzip.is_complete() => {
                    let text = "the answer ended in the middle";
                    return broken(TransportErrorKind::Interrupted, text);
                }
                (Ok(None), _) => return Event::End,
                (Err(error), _) => return Event::Failed(transport_error(&error, server)),
            }
        }
    }
}

fn broken(kind: TransportErrorKind, text: &str) -> Event {
    Event::Failed(TransportError::new(kind, text))
}

/// The URL that requests go to. Its host is the name in the certificate, so that SNI and
/// verification use that; the resolver leads it to the real host.
fn base_url(config: &Config) -> Result<Url, ConfigError> {
    let mut url = config.server.clone();
    let Some(name) = &config.server_name else { return Ok(url) };
    let bad = |reason: &str| ConfigError::BadField {
        entry: config.origin.clone(),
        field: "tls-server-name",
        reason: reason.to_owned(),
    };
    if name.parse::<IpAddr>().is_ok() {
        return Err(bad("must be a DNS name; put an address into `server` itself"));
    }
    url.set_host(Some(name)).map_err(|_| bad("is not a DNS name"))?;
    Ok(url)
}

fn build(config: &Config, tls: &TlsMaterial) -> Result<reqwest::Client, ConfigError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("dubbo-watcher/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .tcp_keepalive(PING_EVERY)
        .http2_keep_alive_interval(PING_EVERY)
        .http2_keep_alive_timeout(PING_ANSWER)
        .http2_keep_alive_while_idle(true)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .pool_idle_timeout(IDLE)
        .dns_resolver(Arc::new(Resolver::new(config)))
        .tls_backend_preconfigured(tls.client_config(&config.trust)?);
    if config.server.scheme() == "https" {
        builder = builder.https_only(true);
    }
    builder.build().map_err(|error| ConfigError::Tls { reason: error.to_string() })
}

/// Who we are, as headers: credential and impersonation.
fn identity_headers(config: &Config) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    let authorization = match &config.credential {
        Credential::None => None,
        Credential::Token(token) => Some(format!("Bearer {}", token.reveal())),
        Credential::TokenFile(path) => Some(format!("Bearer {}", read_token(path)?.reveal())),
        Credential::Basic { username, password } => {
            Some(format!("Basic {}", BASE64.encode(format!("{username}:{}", password.reveal()))))
        }
    };
    if let Some(text) = authorization {
        headers.insert(header::AUTHORIZATION, header_value(config, "the credential", &text)?);
    }
    let Some(who) = &config.impersonation else { return Ok(headers) };
    let name = HeaderName::from_static;
    headers.insert(name("impersonate-user"), header_value(config, "as", &who.user)?);
    if let Some(uid) = &who.uid {
        headers.insert(name("impersonate-uid"), header_value(config, "as-uid", uid)?);
    }
    for group in &who.groups {
        headers.append(name("impersonate-group"), header_value(config, "as-groups", group)?);
    }
    for (key, value) in &who.extra {
        let key = format!("impersonate-extra-{}", utf8_percent_encode(key, NON_ALPHANUMERIC));
        let value = header_value(config, "as-user-extra", value)?;
        if let Ok(key) = HeaderName::try_from(key) {
            headers.append(key, value);
        }
    }
    Ok(headers)
}

/// Marked sensitive, so that neither hyper's logs nor a Debug output show it.
fn header_value(
    config: &Config,
    field: &'static str,
    text: &str,
) -> Result<HeaderValue, ConfigError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| ConfigError::BadField {
        entry: config.origin.clone(),
        field,
        reason: "holds characters that cannot be sent".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Host and port, for messages.
fn server_label(server: &Url) -> Arc<str> {
    let host = server.host_str().unwrap_or_default();
    let port = server.port_or_known_default().unwrap_or_default();
    format!("{host}:{port}").into()
}

/// Resolves every name to the addresses of the configured server's host.
struct Resolver {
    host: Arc<str>,
}

impl Resolver {
    fn new(config: &Config) -> Self {
        let host = config.server.host_str().unwrap_or_default();
        Self { host: host.trim_start_matches('[').trim_end_matches(']').into() }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, _name: Name) -> Resolving {
        let host = Arc::clone(&self.host);
        Box::pin(async move {
            match tokio::net::lookup_host((&*host, 0)).await {
                Ok(found) => Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as Addrs),
                Err(source) => Err(ResolveError { host: host.to_string(), source }.into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::{Client, Event};
    use crate::{
        core::{Request, TransportErrorKind, Verb},
        kube::config::{Config, Environment, Overrides},
    };

    #[tokio::test]
    async fn a_request_carries_what_it_says_and_the_answer_comes_in_pieces() {
        let (port, asked) =
            server("HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbody");
        let mut client = client(&format!("http://127.0.0.1:{}", port.await.unwrap()));
        let mut exchange = client.send(Duration::ZERO, get("/api/v1/pods?limit=1", false));
        let Some(Event::Head { status, retry_after }) = exchange.next().await else { panic!() };
        assert_eq!((status, retry_after), (429, Some(Duration::from_secs(7))));
        assert!(matches!(exchange.next().await, Some(Event::Chunk(bytes)) if &*bytes == b"body"));
        assert!(matches!(exchange.next().await, Some(Event::End)));
        assert!(exchange.next().await.is_none());

        let asked = asked.await.unwrap();
        assert!(asked.starts_with("GET /api/v1/pods?limit=1 HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("accept: application/json\r\n"), "{asked}");
        assert!(asked.contains("accept-encoding: identity\r\n"), "{asked}");
        assert!(!asked.contains("authorization"), "{asked}");
    }

    #[tokio::test]
    async fn a_body_that_ends_early_is_not_the_end() {
        let (port, _) = server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody");
        let mut client = client(&format!("http://127.0.0.1:{}", port.await.unwrap()));
        let kind = failure(&mut client).await.0;
        assert_eq!(kind, TransportErrorKind::Interrupted);
    }

    #[tokio::test]
    async fn a_refused_connection_names_the_server() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let (kind, text) = failure(&mut client(&format!("http://127.0.0.1:{port}"))).await;
        assert_eq!(kind, TransportErrorKind::Connect);
        assert_eq!(text, format!("127.0.0.1:{port} refused the connection"));
    }

    #[tokio::test]
    async fn a_server_without_tls_is_recognised() {
        let (port, _) = server("HTTP/1.1 400 Bad Request\r\n\r\n");
        let port = port.await.unwrap();
        let overrides = Overrides {
            server: Some(format!("https://127.0.0.1:{port}")),
            insecure_skip_tls_verify: true,
            ..Overrides::default()
        };
        let config = Config::load(&overrides, &Environment::empty([])).unwrap();
        let (kind, text) = failure(&mut Client::new(config).unwrap()).await;
        assert_eq!(kind, TransportErrorKind::Tls);
        assert_eq!(text, format!("127.0.0.1:{port} does not speak TLS; is it a plain http port?"));
    }

    #[test]
    fn a_token_file_is_read_again_every_minute_and_the_last_good_one_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "one\n").unwrap();
        let overrides = Overrides {
            server: Some("https://127.0.0.1:1".to_owned()),
            insecure_skip_tls_verify: true,
            token_file: Some(path.clone()),
            ..Overrides::default()
        };
        let config = Config::load(&overrides, &Environment::empty([])).unwrap();
        let mut client = Client::new(config).unwrap();
        let mut sent_at = |seconds| {
            drop(client.send(Duration::from_secs(seconds), get("/api", false)));
            assert!(!format!("{:?}", client.headers).contains("two"), "marked sensitive");
            client.headers["authorization"].to_str().unwrap().to_owned()
        };
        fs::write(&path, "two\n").unwrap();
        assert_eq!(sent_at(59), "Bearer one");
        assert_eq!(sent_at(60), "Bearer two");
        fs::write(&path, " \n").unwrap();
        assert_eq!(sent_at(120), "Bearer two", "an empty token would be anonymous");
        fs::remove_file(&path).unwrap();
        assert_eq!(sent_at(180), "Bearer two");
        fs::write(&path, "three").unwrap();
        assert_eq!(sent_at(239), "Bearer two");
        assert_eq!(sent_at(240), "Bearer three");
    }

    /// A server for one connection: its port, and the request that it read.
    fn server(
        answer: &'static str,
    ) -> (tokio::sync::oneshot::Receiver<u16>, tokio::task::JoinHandle<String>) {
        let (tell, port) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap().port()).unwrap();
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 64 * 1024];
            let length = socket.read(&mut request).await.unwrap();
            socket.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        (port, task)
    }

    fn client(server: &str) -> Client {
        let overrides = Overrides { server: Some(server.to_owned()), ..Overrides::default() };
        Client::new(Config::load(&overrides, &Environment::empty([])).unwrap()).unwrap()
    }

    async fn failure(client: &mut Client) -> (TransportErrorKind, String) {
        let mut exchange = client.send(Duration::ZERO, get("/api", true));
        loop {
            match exchange.next().await {
                Some(Event::Failed(error)) => return (error.kind, error.text),
                Some(Event::End) | None => panic!("it must fail"),
                Some(_) => {}
            }
        }
    }

    fn get(target: &str, gzip: bool) -> Request {
        Request {
            verb: Verb::Get,
            target: target.to_owned(),
            accept: "application/json",
            gzip,
            content_type: None,
            body: Vec::new(),
            deadline: Duration::from_secs(5),
        }
    }
}

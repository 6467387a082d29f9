//! One client for one kube-apiserver: adds the address and the credential to requests and hands
//! back what arrives, piece by piece. It decides nothing about what the answers mean.
//!
//! A watch is never decompressed. No credential may get into an error or a Debug output.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

#[cfg(feature = "sandbox")]
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use reqwest::{Response, Url};

use super::{
    Event,
    config::{Config, ConfigError, Credential},
    fault::{Peer, transport_error},
    gunzip::Gunzip,
    identity,
    plugin::{Issued, Plugin},
    pool::{self, Pool},
    tls::TlsMaterial,
};
use crate::core::{Request, TransportError, TransportErrorKind, Verb};

/// How often token, authorities and client certificate are read again, when they are files.
const REREAD: Duration = Duration::from_mins(1);

/// A client for one server.
pub struct Client {
    config: Arc<Config>,
    base: Url,
    peer: Arc<Peer>,
    /// What the files hold; a plugin's certificate comes on top.
    files: TlsMaterial,
    headers: HeaderMap,
    pool: Arc<Pool>,
    plugin: Option<Arc<Plugin>>,
    read_at: Duration,
    /// A handshake has failed since the files were read: they are read again at once.
    distrusted: Arc<AtomicBool>,
}

/// One request and the response to it, as it comes.
pub struct Exchange {
    phase: Phase,
    peer: Arc<Peer>,
}

enum Phase {
    Asking(futures_util::future::BoxFuture<'static, Result<Response, TransportError>>),
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
    /// Reads the credential and the TLS material, and is ready; connects to nothing yet, and starts
    /// no plugin.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let config = Arc::new(config);
        let files = TlsMaterial::read(&config)?;
        let plugin = match &config.credential {
            Credential::Exec(entry) => {
                Some(Arc::new(Plugin::new(Arc::clone(&config), (**entry).clone())))
            }
            _ => None,
        };
        Ok(Self {
            base: pool::base_url(&config)?,
            peer: Arc::new(Peer::of(&config)),
            headers: identity::headers(&config)?,
            pool: Arc::new(Pool::new(Arc::clone(&config), files.clone())?),
            files,
            plugin,
            read_at: Duration::ZERO,
            distrusted: Arc::default(),
            config,
        })
    }

    /// The configuration it was made from.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Starts an exchange; nothing is sent until it is polled. `now` is the driver's time, by
    /// which files are read again.
    pub fn send(&mut self, now: Duration, request: Request) -> Exchange {
        let url = self.url(&request.target);
        let sending =
            self.sending(now).send(move |http, headers| build(http, &url, request, headers));
        Exchange { phase: Phase::Asking(Box::pin(sending)), peer: Arc::clone(&self.peer) }
    }

    /// Sends what somebody else has asked for, who must not see how: to this server, with these
    /// fields and ours, and with the body of the answer as it comes. `target` is as in [`Request`].
    #[cfg(feature = "sandbox")]
    pub(crate) fn relay(
        &mut self,
        now: Duration,
        method: Method,
        target: &str,
        theirs: HeaderMap,
        body: Bytes,
    ) -> impl Future<Output = Result<Response, TransportError>> + Send + use<> {
        let url = self.url(target);
        self.sending(now).send(move |http, ours| {
            let request = http.request(method, url).headers(theirs).headers(ours);
            if body.is_empty() { request.build() } else { request.body(body).build() }
        })
    }

    fn url(&self, target: &str) -> String {
        format!("{}{target}", self.base.as_str().trim_end_matches('/'))
    }

    fn sending(&mut self, now: Duration) -> Sending {
        let due = now.saturating_sub(self.read_at) >= REREAD;
        if self.distrusted.swap(false, Ordering::Relaxed) || due {
            self.refresh(now);
        }
        Sending {
            headers: self.headers.clone(),
            files: self.files.clone(),
            pool: Arc::clone(&self.pool),
            plugin: self.plugin.clone(),
            peer: Arc::clone(&self.peer),
            distrusted: Arc::clone(&self.distrusted),
        }
    }

    /// Reads token, authorities and client certificate again. What cannot be read or used leaves
    /// the last good one in place: a file is often half-written while it rotates. A plugin runs
    /// again by itself when its credential has expired or was refused.
    pub fn refresh(&mut self, now: Duration) {
        self.read_at = now;
        if let Ok(headers) = identity::headers(&self.config) {
            self.headers = headers;
        }
        if let Ok(files) = TlsMaterial::read(&self.config)
            && files != self.files
            && self.pool.client(&files).is_ok()
        {
            self.files = files;
        }
    }

    /// Forgets all connections: the next request makes a new one, exchanges under way keep theirs.
    /// For a server that is there by every sign of the connection and does not answer.
    pub fn reconnect(&self) {
        self.pool.renew();
    }
}

/// One request on its way, with all that it needs.
struct Sending {
    headers: HeaderMap,
    files: TlsMaterial,
    pool: Arc<Pool>,
    plugin: Option<Arc<Plugin>>,
    peer: Arc<Peer>,
    distrusted: Arc<AtomicBool>,
}

impl Sending {
    /// `build` makes the request, for these connections and with these fields.
    async fn send(
        mut self,
        build: impl FnOnce(&reqwest::Client, HeaderMap) -> reqwest::Result<reqwest::Request> + Send,
    ) -> Result<Response, TransportError> {
        let issued = match &self.plugin {
            Some(plugin) => Some(plugin.credential().await.map_err(no_credential)?),
            None => None,
        };
        let (http, headers) = self.identify(issued.as_deref())?;
        let answer = match build(&http, headers) {
            Ok(request) => http.execute(request).await,
            Err(error) => Err(error),
        };
        let answer = answer.map_err(|error| transport_error(&error, &self.peer));
        self.judge(issued, &answer);
        answer
    }

    /// Connections and headers with what the plugin issued. A certificate and an `Authorization`
    /// that the configuration has itself win, as in client-go.
    fn identify(
        &mut self,
        issued: Option<&Issued>,
    ) -> Result<(reqwest::Client, HeaderMap), TransportError> {
        let mut headers = std::mem::take(&mut self.headers);
        if let Some(authorization) = issued.and_then(|issued| issued.authorization.as_ref()) {
            headers.entry(header::AUTHORIZATION).or_insert_with(|| authorization.clone());
        }
        if let Some((certificate, key)) = issued.and_then(|issued| issued.identity.as_ref()) {
            self.files.identify(certificate, key);
        }
        let http = self.pool.client(&self.files).map_err(no_credential)?;
        Ok((http, headers))
    }

    /// Remembers what the answer says about the credential and the authorities.
    fn judge(&self, issued: Option<Arc<Issued>>, answer: &Result<Response, TransportError>) {
        let refused = match answer {
            Ok(response) => response.status() == StatusCode::UNAUTHORIZED,
            Err(error) => error.kind == TransportErrorKind::Tls,
        };
        if !refused {
            return;
        }
        if answer.is_err() {
            self.distrusted.store(true, Ordering::Relaxed);
        }
        if let (Some(plugin), Some(issued)) = (&self.plugin, issued) {
            plugin.refused(&issued);
        }
    }
}

fn build(
    http: &reqwest::Client,
    url: &str,
    request: Request,
    headers: HeaderMap,
) -> reqwest::Result<reqwest::Request> {
    let method = match request.verb {
        Verb::Patch => Method::PATCH,
        Verb::Create => Method::POST,
        Verb::List | Verb::Watch | Verb::Get => Method::GET,
    };
    let encoding = if request.gzip { "gzip" } else { "identity" };
    let mut builder = http
        .request(method, url)
        .headers(headers)
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

fn no_credential(error: impl std::fmt::Display) -> TransportError {
    TransportError::new(TransportErrorKind::Credential, error.to_string())
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
                Err(error) => Event::Failed(error),
            },
            Phase::Answering(answer) => answer.next(&self.peer).await,
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
    async fn next(&mut self, peer: &Peer) -> Event {
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
                (Err(error), _) => return Event::Failed(transport_error(&error, peer)),
            }
        }
    }
}

fn broken(kind: TransportErrorKind, text: &str) -> Event {
    Event::Failed(TransportError::new(kind, text))
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

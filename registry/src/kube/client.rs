//! One client for one kube-apiserver: adds the address and the credential to requests. It decides nothing
//! about what the answers mean.
//!
//! No credential may get into an error or a Debug output.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use reqwest::{Response, Url};

use super::{
    config::{Config, ConfigError, Credential},
    exchange::Exchange,
    fault::{Peer, transport_error},
    identity::{self, Field},
    plugin::{Issued, Plugin},
    pool::{self, Pool},
    tls::TlsMaterial,
};
use dubbo_k8s_engine::{Request, TransportError, TransportErrorKind, Verb};

/// How often token, authorities and client certificate are read again, when they are files.
const REREAD: Duration = Duration::from_mins(1);

/// A client for one server.
pub struct Client {
    config: Arc<Config>,
    base: Url,
    peer: Arc<Peer>,
    /// What the files hold; a plugin's certificate comes on top.
    files: TlsMaterial,
    skipped_authorities: usize,
    headers: HeaderMap,
    pool: Arc<Pool>,
    plugin: Option<Arc<Plugin>>,
    read_at: Duration,
    /// A handshake has failed since the files were read: they are read again at once.
    distrusted: Arc<AtomicBool>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("server", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// Reads the credential and the TLS material, and is ready; connects to nothing yet, and starts
    /// no plugin.
    ///
    /// # Errors
    /// [`ConfigError`] for material that cannot be read, or that is no key, certificate or proxy.
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
            headers: headers(&identity::fields(&config)?),
            pool: Arc::new(Pool::new(Arc::clone(&config), files.clone())?),
            skipped_authorities: files.skipped_authorities(),
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

    /// How many certificates of the authorities could not be read when it was made; they are not used.
    pub fn skipped_authorities(&self) -> usize {
        self.skipped_authorities
    }

    /// Starts an exchange; nothing is sent until it is polled. `now` is the driver's time, by
    /// which files are read again.
    pub fn send(&mut self, now: Duration, request: Request) -> Exchange {
        let url = self.url(&request.target);
        let (limit, is_watch) = (self.config.request_timeout, request.verb == Verb::Watch);
        let sending =
            self.sending(now).send(move |http, headers| build(http, &url, request, headers));
        Exchange::new(sending, Arc::clone(&self.peer)).within(limit, is_watch)
    }

    /// Sends the request of a guest, which must not see how: to this server, with these
    /// fields and ours, and with the body of the answer as it comes. `target` is as in [`Request`].
    pub fn relay(
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
        if let Ok(fields) = identity::fields(&self.config) {
            self.headers = headers(&fields);
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

/// Fields as this client sends them; all are marked sensitive, so that hyper does not log them.
fn headers(fields: &[Field]) -> HeaderMap {
    let sendable = fields.iter().filter_map(|field| {
        // What is too long for a name is left out; every value was looked at before.
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        let mut value = HeaderValue::from_bytes(field.value.reveal().as_bytes()).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    });
    let mut headers = HeaderMap::new();
    for (name, value) in sendable {
        headers.append(name, value);
    }
    headers
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

#[cfg(test)]
mod tests;

//! The connections to one server, by way of its proxy if there is one: made anew when the
//! authorities or our certificate have changed. Exchanges under way keep their connection.
//!
//! Redirects are not followed (they would carry the credential elsewhere), and no proxy is used
//! but the one of the configuration.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};

use super::{
    config::{Config, ConfigError},
    fault::ResolveError,
    tls::{TlsMaterial, name_in_url},
};

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

/// One pool of connections, of the newest TLS material.
pub(super) struct Pool {
    config: Arc<Config>,
    current: Mutex<(TlsMaterial, reqwest::Client)>,
}

impl Pool {
    /// A pool without connections. Fails where the material cannot be used.
    pub(super) fn new(config: Arc<Config>, material: TlsMaterial) -> Result<Self, ConfigError> {
        let http = build(&config, &material)?;
        Ok(Self { config, current: Mutex::new((material, http)) })
    }

    /// The connections with this material: those there are, or none yet if it is another than
    /// before. An error leaves those there are.
    pub(super) fn client(&self, material: &TlsMaterial) -> Result<reqwest::Client, ConfigError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 != *material {
            *current = (material.clone(), build(&self.config, material)?);
        }
        Ok(current.1.clone())
    }

    /// Forgets all connections: the next request makes a new one.
    pub(super) fn renew(&self) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(http) = build(&self.config, &current.0) {
            current.1 = http;
        }
    }
}

/// The URL that requests go to. Where its host is the name in the certificate, the resolver leads
/// it to the real host.
pub(super) fn base_url(config: &Config) -> Result<Url, ConfigError> {
    let mut url = config.server.clone();
    let Some(name) = name_in_url(config) else { return Ok(url) };
    url.set_host(Some(name)).map_err(|_| ConfigError::BadField {
        entry: config.origin.clone(),
        field: "tls-server-name",
        reason: "is not a DNS name or an address".to_owned(),
    })?;
    Ok(url)
}

fn build(config: &Config, material: &TlsMaterial) -> Result<reqwest::Client, ConfigError> {
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
        .tls_backend_preconfigured(material.client_config(config)?);
    if let Some(proxy) = &config.proxy {
        // The error might quote the URL, and so the password.
        let proxy = reqwest::Proxy::all(proxy.reveal()).map_err(|_| ConfigError::BadField {
            entry: config.origin.clone(),
            field: proxy.origin(),
            reason: "is not the URL of a proxy".to_owned(),
        })?;
        builder = builder.proxy(proxy);
    }
    if config.server.scheme() == "https" {
        builder = builder.https_only(true);
    }
    builder.build().map_err(|error| ConfigError::Tls { reason: error.to_string() })
}

/// Resolves every name to the addresses of the host that is connected to: the server, or the proxy.
struct Resolver {
    host: Arc<str>,
}

impl Resolver {
    fn new(config: &Config) -> Self {
        let server = config.server.host_str().unwrap_or_default();
        let server = server.trim_start_matches('[').trim_end_matches(']');
        Self { host: config.proxy.as_ref().map_or(server, |proxy| proxy.host()).into() }
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

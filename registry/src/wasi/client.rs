//! The client of one kube-apiserver over `wasi:http`: adds the address and the credential to
//! requests. It makes no connection: the host does, and what only it can do, such as
//! trusting an authority of one's own, is refused here with the way out.
//!
//! It asks for no compression: beside `kubectl proxy` that costs more than it saves.

use std::{sync::Arc, time::Duration};

use super::{
    Exchange,
    bindings::{self, Outgoing},
};
use crate::kube::{
    config::{Config, ConfigError, Credential, Trust, Url},
    identity::{self, Field},
};
use dubbo_k8s_engine::Request;

/// What we call ourselves.
const USER_AGENT: &str = concat!("dubbo-watcher/", env!("CARGO_PKG_VERSION"));
/// How often the token is read again, when it is a file.
const REREAD: Duration = Duration::from_mins(1);
/// A server that is there answers a SYN and a TLS hello well within this.
const CONNECT: Duration = Duration::from_secs(10);

/// A client for one server.
pub struct Client {
    config: Config,
    fields: Vec<Field>,
    read_at: Duration,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let server = self.config.server.as_str();
        f.debug_struct("Client").field("server", &server).finish_non_exhaustive()
    }
}

impl Client {
    /// Reads the credential, and is ready; asks nothing yet. A configuration that needs TLS of our
    /// own is refused.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        check(&config)?;
        let fields = identity::fields(&config)?;
        Ok(Self { config, fields, read_at: Duration::ZERO })
    }

    /// The configuration it was made from.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How many certificates of the authorities could not be read: a component reads none.
    #[expect(clippy::unused_self, reason = "as of the native client")]
    pub fn skipped_authorities(&self) -> usize {
        0
    }

    /// Starts an exchange: the host sends it at once. `now` is the driver's time, by which the
    /// token file is read again.
    #[expect(clippy::needless_pass_by_value, reason = "as of every other client")]
    pub fn send(&mut self, now: Duration, request: Request) -> Exchange {
        if now.saturating_sub(self.read_at) >= REREAD {
            self.refresh(now);
        }
        let server = &self.config.server;
        let label = label(server);
        if !request.body.is_empty() {
            return Exchange::unsupported(label);
        }
        let own = self.fields.iter().map(|field| (&*field.name, field.value.reveal()));
        let of_request = [
            ("accept", request.accept),
            ("accept-encoding", "identity"),
            ("user-agent", USER_AGENT),
        ];
        let asked = bindings::ask(&Outgoing {
            secure: server.scheme() == "https",
            authority: server.authority(),
            target: &format!("{}{}", server.path().trim_end_matches('/'), request.target),
            headers: &own.chain(of_request).collect::<Vec<_>>(),
            connect: CONNECT,
        });
        Exchange::new(asked, label)
    }

    /// Reads the token file again. What cannot be read leaves the last good one in place: a file is
    /// often half-written while it rotates.
    pub fn refresh(&mut self, now: Duration) {
        self.read_at = now;
        if let Ok(fields) = identity::fields(&self.config) {
            self.fields = fields;
        }
    }

    /// Gives up on connections that may be dead: the host makes a new one when it needs it.
    #[expect(clippy::unused_self, reason = "as of the native client")]
    pub fn reconnect(&mut self) {}
}

/// Host and port, for messages.
fn label(server: &Url) -> Arc<str> {
    let host = server.host_str().unwrap_or_default();
    let port = server.port_or_known_default().unwrap_or_default();
    format!("{host}:{port}").into()
}

fn check(config: &Config) -> Result<(), ConfigError> {
    let feature = match &config.trust {
        _ if config.identity.is_some() => "a client certificate",
        _ if config.proxy.is_some() => "a proxy",
        _ if config.request_timeout.is_some() => "--request-timeout",
        _ if matches!(config.credential, Credential::Exec(_)) => "an exec credential plugin",
        _ if config.server.scheme() == "http" => return Ok(()),
        Trust::Authorities(_) => "a certificate authority of its own",
        Trust::Anyone => "insecure-skip-tls-verify",
        Trust::System if config.server_name.is_some() => "tls-server-name",
        Trust::System => return Ok(()),
    };
    Err(ConfigError::NotInAComponent { entry: config.origin.clone(), feature })
}

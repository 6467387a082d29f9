//! The hosts that a handler may call: those of `--allow-host`, by name and port. Redirects are not
//! followed, no proxy is used, and nothing is added to what the handler sends but what HTTP needs.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Uri};
use reqwest::redirect;
use thiserror::Error;

use super::outgoing::{Answer, Outgoing, Refusal, place};
use dubbo_k8s_engine::{TransportError, TransportErrorKind};
use dubbo_k8s_registry::kube::system_tls;

/// A host that is there answers within this.
const CONNECT: Duration = Duration::from_secs(5);

/// A host that may be called, with a port or with the one of the scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHost {
    /// As it stands in URLs, in lower case; an IPv6 address is in brackets.
    host: String,
    port: Option<u16>,
}

/// A text that names no host.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct NotAHost(&'static str);

impl FromStr for AllowedHost {
    type Err = NotAHost;

    /// `HOST`, `HOST:PORT`; an IPv6 address may do without brackets when there is no port.
    fn from_str(text: &str) -> Result<Self, NotAHost> {
        if text.contains("://") || text.contains('/') {
            return Err(NotAHost("a host and a port, as in hooks.example.com:8443, not a URL"));
        }
        if text.contains('*') {
            return Err(NotAHost("wildcards are not known: name each host"));
        }
        let text = match text.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => text.to_ascii_lowercase(),
        };
        let authority: http::uri::Authority =
            text.parse().map_err(|_| NotAHost("not a host: a name or an address, and a port"))?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(NotAHost("not a host: a name or an address, and a port"));
        }
        let port = authority.port_u16();
        if authority.as_str().len() > authority.host().len() && port.is_none() {
            return Err(NotAHost("the port is a number up to 65535"));
        }
        Ok(Self { host: authority.host().to_owned(), port })
    }
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl AllowedHost {
    fn admits(&self, uri: &Uri) -> bool {
        let default = match uri.scheme_str() {
            Some("http") => 80,
            Some("https") => 443,
            _ => return false,
        };
        let Some(authority) = uri.authority() else { return false };
        !authority.as_str().contains('@')
            && authority.host().eq_ignore_ascii_case(&self.host)
            && authority.port_u16().unwrap_or(default) == self.port.unwrap_or(default)
    }
}

/// The hosts that may be called, and the client that calls them.
#[derive(Debug)]
pub(crate) struct Hosts {
    allowed: Vec<AllowedHost>,
    client: reqwest::Client,
}

impl Hosts {
    /// The error says what the system lacks.
    pub(crate) fn new(allowed: Vec<AllowedHost>) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("dubbo-watcher/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT)
            .tls_backend_preconfigured(system_tls().map_err(|error| error.to_string())?)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { allowed, client })
    }
}

impl Outgoing for Hosts {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Answer, Refusal>> {
        let (head, body) = request.into_parts();
        if !self.allowed.iter().any(|host| host.admits(&head.uri)) {
            let why = format!(
                "a request to {} was refused: --allow-host names the hosts that may be called",
                place(&head.uri)
            );
            return Box::pin(std::future::ready(Err(Refusal::Denied(why))));
        }
        let asked = place(&head.uri);
        let sending = self
            .client
            .request(head.method, head.uri.to_string())
            .headers(head.headers)
            .body(body)
            .send();
        Box::pin(async move {
            let sent = sending.await;
            Ok(sent.map_err(|error| Refusal::Failed(broken(&error, &asked)))?.into())
        })
    }
}

/// The innermost cause is the one that says what happened, and names no path or query.
fn broken(error: &reqwest::Error, asked: &str) -> TransportError {
    let kind = match error {
        error if error.is_timeout() => TransportErrorKind::Deadline,
        error if error.is_connect() => TransportErrorKind::Connect,
        _ => TransportErrorKind::Interrupted,
    };
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    TransportError::new(kind, format!("{asked}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(host: &str, url: &str) -> bool {
        host.parse::<AllowedHost>().unwrap().admits(&url.parse().unwrap())
    }

    #[test]
    fn a_host_without_a_port_is_the_scheme_s() {
        assert!(admits("hooks.example", "https://hooks.example/a?b"));
        assert!(admits("Hooks.Example", "http://HOOKS.example:80/"));
        assert!(!admits("hooks.example", "http://hooks.example:443/"));
        assert!(!admits("hooks.example", "https://hooks.example:8443/"));
    }

    #[test]
    fn a_port_is_exact_and_so_is_the_name() {
        assert!(admits("hooks.example:8443", "https://hooks.example:8443/"));
        assert!(admits("::1", "http://[::1]/"));
        assert!(admits("[::1]:80", "http://[::1]/"));
        assert!(!admits("hooks.example:8443", "https://hooks.example/"));
        for url in [
            "http://a.hooks.example/",
            "http://hooks.example.evil/",
            "http://hooks.example@evil/",
            "http://evil@hooks.example/",
            "ftp://hooks.example/",
        ] {
            assert!(!admits("hooks.example", url), "{url}");
        }
    }

    #[test]
    fn what_is_no_host_is_said() {
        for text in ["", "http://a", "a/b", "*.example", "a:b", "a:70000", "u@a", ":80"] {
            assert!(text.parse::<AllowedHost>().is_err(), "{text}");
        }
    }
}

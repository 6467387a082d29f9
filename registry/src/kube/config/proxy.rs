//! The proxy between us and the server: `proxy-url` of the kubeconfig, else `$HTTPS_PROXY` and
//! `$NO_PROXY` with the rules of Go's net/http, which kubectl has.
//!
//! A proxy's URL may hold a password: nothing here shows more of it than scheme, host and port.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;

use super::{ConfigError, Environment, Url};

/// A proxy to go through.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    url: Url,
    origin: &'static str,
}

impl Proxy {
    /// The URL with its user and password, for the connection and nothing else. `socks5` leaves
    /// the server's name to the proxy, as in Go.
    pub fn reveal(&self) -> Url {
        self.url.clone()
    }

    /// Which setting named it.
    pub fn origin(&self) -> &'static str {
        self.origin
    }

    /// Its host, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        bare(self.url.host_str().unwrap_or_default())
    }

    /// That of a cluster entry; an empty text is none. `socks5h`, which Go takes in the environment, is
    /// refused here by client-go.
    pub(super) fn of_cluster(entry: &str, text: &str) -> Result<Option<Self>, ConfigError> {
        if text.is_empty() {
            return Ok(None);
        }
        let parsed = match parse(text, "proxy-url") {
            Ok(_) if is_socks5h(text) => {
                Err("must be http://, https:// or socks5://, which leaves \
                                              names to the proxy too"
                    .to_owned())
            }
            parsed => parsed,
        };
        parsed.map(Some).map_err(|reason| ConfigError::BadField {
            entry: entry.to_owned(),
            field: "proxy-url",
            reason,
        })
    }

    /// That of the environment for this server, if there is one and `$NO_PROXY` does not except it.
    pub(super) fn of_environment(
        server: &Url,
        environment: &Environment,
    ) -> Result<Option<Self>, ConfigError> {
        let names = if server.scheme() == "https" {
            ["HTTPS_PROXY", "https_proxy"]
        } else {
            ["HTTP_PROXY", "http_proxy"]
        };
        let set = names.into_iter().find_map(|name| Some((name, environment.get(name)?)));
        let Some((name, text)) = set else { return Ok(None) };
        let exceptions = environment.get("NO_PROXY").or_else(|| environment.get("no_proxy"));
        if is_direct(server, exceptions.unwrap_or_default()) {
            return Ok(None);
        }
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        parse(&text, name).map(Some).map_err(|reason| ConfigError::BadField {
            entry: "the environment".to_owned(),
            field: name,
            reason,
        })
    }
}

/// Scheme, host and port, and no more.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str().unwrap_or_default();
        write!(f, "{}://{host}", self.url.scheme().trim_end_matches('h'))?;
        match self.url.port_or_known_default() {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self} from {})", self.origin)
    }
}

fn is_socks5h(text: &str) -> bool {
    let scheme = text.trim_start().get(..8);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("socks5h:"))
}

/// Parses a proxy; the reason why not never quotes it.
fn parse(text: &str, origin: &'static str) -> Result<Proxy, String> {
    let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
    let known = matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h");
    if !known {
        return Err("must be http://, https:// or socks5://".to_owned());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("names no host".to_owned());
    }
    let Some(rest) = url.as_str().strip_prefix("socks5") else {
        return Ok(Proxy { url, origin });
    };
    // For Go both words mean that the proxy finds the server's address; reqwest calls that socks5h.
    let mut text = format!("socks5h{}", rest.trim_start_matches('h'));
    if url.port().is_none() {
        text = format!("{}:1080", text.trim_end_matches('/'));
    }
    let url = Url::parse(&text).map_err(|error| format!("is not a URL: {error}"))?;
    Ok(Proxy { url, origin })
}

fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Whether the environment's proxy is not for this server: this machine itself, or what
/// `$NO_PROXY` excepts: `*`, a network, an address, a name with all below it, or (with a dot before
/// it) only what is below it; each of the last three with a port or without.
fn is_direct(server: &Url, exceptions: &str) -> bool {
    let host = bare(server.host_str().unwrap_or_default()).to_ascii_lowercase();
    let host = host.trim_end_matches('.');
    let address = host.parse::<IpAddr>().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    let port = server.port_or_known_default();
    let exceptions = exceptions.split(',').map(|text| text.trim().to_ascii_lowercase());
    exceptions.filter(|text| !text.is_empty()).any(|text| {
        if text == "*" {
            return true;
        }
        if let Ok(network) = text.parse::<IpNet>() {
            return address.is_some_and(|address| network.contains(&address));
        }
        let (name, of_port) = split_port(&text);
        if of_port.is_some() && of_port != port {
            return false;
        }
        match (name.parse::<IpAddr>(), address) {
            (Ok(excepted), address) => address == Some(excepted),
            (Err(_), Some(_)) => false,
            (Err(_), None) => excepts_name(name, host),
        }
    })
}

fn excepts_name(name: &str, host: &str) -> bool {
    let name = name.strip_prefix('*').unwrap_or(name);
    match name.strip_prefix('.') {
        Some(_) => host.ends_with(name),
        None => host == name || host.strip_suffix(name).is_some_and(|left| left.ends_with('.')),
    }
}

/// `host:port`, `[address]:port`, or the whole as a host.
fn split_port(text: &str) -> (&str, Option<u16>) {
    let whole = (bare(text), None);
    let Some((host, port)) = text.rsplit_once(':') else { return whole };
    if host.contains(':') && !host.ends_with(']') {
        return whole;
    }
    port.parse().map_or(whole, |port| (bare(host), Some(port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Go's net/http does (its own table, and what its documentation says).
    #[test]
    fn no_proxy_is_that_of_go() {
        for (server, exceptions, direct) in [
            ("https://kube.example", "", false),
            ("https://kube.example", "*", true),
            ("https://kube.example", "example", true),
            ("https://kube.example", ".example", true),
            ("https://kube.example", "*.example", true),
            ("https://example", ".example", false),
            ("https://example", "*.example", false),
            ("https://kube.example", "kube.example", true),
            ("https://a.kube.example", "kube.example", true),
            ("https://notkube.example", "kube.example", false),
            ("https://KUBE.example.", "other, Kube.Example ", true),
            ("https://kube.example", "kube.example:443", true),
            ("https://kube.example:6443", "kube.example:443", false),
            ("https://10.1.2.3:6443", "10.1.2.3", true),
            ("https://10.1.2.3:6443", "10.1.2.3:443", false),
            ("https://10.1.2.3:6443", "10.0.0.0/8", true),
            ("https://10.1.2.3:6443", "11.0.0.0/8,3", false),
            ("https://[fd00::1]:6443", "fd00::/8", true),
            ("https://[fd00::1]:6443", "fd00::1", true),
            ("https://[fd00::1]:6443", "[fd00::1]:6443", true),
            ("https://[fd00::1]:6443", "[fd00::1]:443", false),
            ("https://127.0.0.1:6443", "", true),
            ("https://[::1]:6443", "", true),
            ("https://localhost:6443", "", true),
        ] {
            let url = Url::parse(server).unwrap();
            assert_eq!(is_direct(&url, exceptions), direct, "{server} with {exceptions:?}");
        }
    }

    #[test]
    fn the_environment_s_proxy_depends_on_the_scheme_and_upper_case_wins() {
        let found = |server: &str, variables: &[(&str, &str)]| {
            let environment = Environment::empty(variables.iter().copied());
            let found = Proxy::of_environment(&Url::parse(server).unwrap(), &environment);
            found.map(|proxy| proxy.map(|proxy| proxy.to_string())).map_err(|e| e.to_string())
        };
        let both = [("HTTPS_PROXY", "http://upper:1"), ("https_proxy", "http://lower:2")];
        assert_eq!(found("https://k", &both), Ok(Some("http://upper:1".to_owned())));
        assert_eq!(found("https://k", &both[1..]), Ok(Some("http://lower:2".to_owned())));
        assert_eq!(found("https://k", &[("HTTP_PROXY", "http://p:1")]), Ok(None));
        assert_eq!(found("https://k", &[("ALL_PROXY", "http://p:1")]), Ok(None));
        let bare = [("HTTPS_PROXY", "p:3128")];
        assert_eq!(found("https://k", &bare), Ok(Some("http://p:3128".to_owned())));
        let excepted = [("HTTPS_PROXY", "p:3128"), ("no_proxy", "k")];
        assert_eq!(found("https://k", &excepted), Ok(None));
        let socks = [("HTTPS_PROXY", "socks5h://p:1")];
        assert_eq!(found("https://k", &socks), Ok(Some("socks5://p:1".to_owned())));
        // What is not for this server need not be right.
        let unasked = [("HTTPS_PROXY", "ftp://p"), ("NO_PROXY", "k")];
        assert_eq!(found("https://k", &unasked), Ok(None));
        let error = found("https://k", &[("HTTPS_PROXY", "ftp://ada:s3cr3t@p")]).unwrap_err();
        assert_eq!(error, "the environment: HTTPS_PROXY must be http://, https:// or socks5://");
    }

    #[test]
    fn socks5h_is_for_the_environment_alone_as_in_client_go() {
        for text in ["socks5h://p:1", " SOCKS5H://ada:s3cr3t@p"] {
            let error = Proxy::of_cluster("k", text).unwrap_err().to_string();
            assert!(
                error.starts_with("k: proxy-url must be http://, https:// or socks5://"),
                "{error}"
            );
            assert!(!error.contains("s3cr3t"), "{error}");
        }
        assert!(Proxy::of_cluster("k", "socks5://p:1").unwrap().is_some());
        assert!(Proxy::of_cluster("k", "").unwrap().is_none());
        assert!(Proxy::of_cluster("k", " ").is_err(), "as client-go");
    }

    #[test]
    fn a_password_is_never_shown() {
        for text in ["http://ada:s3cr3t@p:1", "https://ada:s3cr3t@p:1", "socks5://ada:s3cr3t@p"] {
            let proxy = parse(text, "proxy-url").unwrap();
            let shown = format!("{proxy} {proxy:?}");
            assert!(!shown.contains("s3cr3t") && !shown.contains("ada"), "{shown}");
            assert_eq!(proxy.reveal().password(), Some("s3cr3t"));
        }
        let socks = parse("socks5://p", "proxy-url").unwrap();
        assert_eq!(
            (socks.to_string().as_str(), socks.reveal().as_str()),
            ("socks5://p:1080", "socks5h://p:1080")
        );
        let same = parse("socks5h://p:9", "proxy-url").unwrap();
        assert_eq!(
            (same.to_string().as_str(), same.reveal().as_str()),
            ("socks5://p:9", "socks5h://p:9")
        );
        let error = parse("http://ada:s3cr3t@[p", "proxy-url").err().unwrap();
        assert!(!error.contains("s3cr3t"), "{error}");
    }
}

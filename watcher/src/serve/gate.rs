//! Who may ask at all: the checks that every request passes before it reaches a route. Nothing
//! here looks at the registry.

use std::net::{IpAddr, SocketAddr};

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{HeaderMap, Method, Request, StatusCode};

use super::refusal::{Quoted, Refusal};

/// The names under which the API may be asked.
///
/// A web page that a user opens can make its own DNS name point here and then read the answers
/// (DNS rebinding), so a name is answered only if no stranger can own it: IP addresses, localhost
/// and the names that were allowed; when others can reach the API, also names without a dot and
/// those of a cluster's own services.
#[derive(Debug, Clone)]
pub(super) struct Hosts {
    allowed: Vec<String>,
    in_cluster: bool,
    /// No web page reaches a Unix socket.
    any: bool,
}

impl Hosts {
    pub(super) fn new(bound: Option<SocketAddr>, allowed: &[String]) -> Self {
        let allowed = allowed.iter().map(|name| name.to_ascii_lowercase()).collect();
        let in_cluster = bound.is_some_and(|bound| !bound.ip().is_loopback());
        Self { allowed, in_cluster, any: bound.is_none() }
    }

    fn admit(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        address.unwrap_or(&host).parse::<IpAddr>().is_ok()
            || host == "localhost"
            || ends_in(&host, ".localhost")
            || self.allowed.contains(&host)
            || self.in_cluster && is_of_cluster(&host)
    }
}

fn ends_in(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|name| !name.is_empty())
}

fn is_of_cluster(host: &str) -> bool {
    !host.contains('.') || ends_in(host, ".svc") || ends_in(host, ".cluster.local")
}

/// Refuses what is not a plain request to one of our own names, and read-only unless it `may_change` something.
pub(super) fn check<B>(
    hosts: &Hosts,
    request: &Request<B>,
    may_change: bool,
) -> Result<(), Refusal> {
    check_host(hosts, request)?;
    match *request.method() {
        Method::PUT if may_change => Ok(()),
        Method::DELETE if may_change => check_body(request.headers()),
        _ => {
            check_method(request.method(), may_change)?;
            check_body(request.headers())
        }
    }
}

fn check_host<B>(hosts: &Hosts, request: &Request<B>) -> Result<(), Refusal> {
    if hosts.any {
        return Ok(());
    }
    let mut given = request.headers().get_all(HOST).into_iter();
    let host = match (given.next(), given.next()) {
        (Some(host), None) => host,
        (None, _) => return Err(Refusal::bad_request("The request has no Host header.")),
        _ => return Err(Refusal::bad_request("The request has several Host headers.")),
    };
    let text = String::from_utf8_lossy(host.as_bytes());
    let authority = text.parse::<Authority>();
    let of_target = request.uri().authority();
    let names = authority.iter().chain(of_target).map(Authority::host);
    if authority.is_ok() && names.into_iter().all(|name| hosts.admit(name)) {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::MISDIRECTED_REQUEST,
        format!(
            "The Host header says {}, which is not a name of this server. If it is, start it with \
             --served-as and that name; an IP address and localhost always work.",
            Quoted(&text)
        ),
    ))
}

fn check_method(method: &Method, may_change: bool) -> Result<(), Refusal> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let detail = if may_change {
        "Use GET, HEAD, PUT or DELETE."
    } else {
        "This API only reads: use GET or HEAD."
    };
    Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, detail))
}

fn check_body(headers: &HeaderMap) -> Result<(), Refusal> {
    let empty = headers.get(CONTENT_LENGTH).is_none_or(|length| length == "0");
    if empty && !headers.contains_key(TRANSFER_ENCODING) {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "This request must have no body."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bound: &str, request: &[(&str, &str)], target: &str) -> Option<u16> {
        let bound = Some(bound.parse().unwrap());
        let hosts = Hosts::new(bound, &["Watcher.example".to_owned()]);
        let mut builder = Request::builder().uri(target);
        for (name, value) in request {
            builder = builder.header(*name, *value);
        }
        check(&hosts, &builder.body(()).unwrap(), false)
            .err()
            .map(|refusal| refusal.status.as_u16())
    }

    #[test]
    fn only_names_that_no_stranger_can_own_are_answered() {
        let loopback = |host| refused("127.0.0.1:7777", &[("host", host)], "/");
        for host in [
            "127.0.0.1:7777",
            "127.0.0.1",
            "[::1]:7777",
            "10.1.2.3:7777",
            "localhost:7777",
            "LOCALHOST",
            "demo.localhost",
            "watcher.example:80",
            "watcher.EXAMPLE.",
        ] {
            assert_eq!(loopback(host), None, "{host}");
        }
        for host in [
            "evil.example:7777",
            "127.0.0.1.evil.example",
            "notlocalhost",
            ".localhost",
            "watcher.default.svc",
            "a watcher",
            "",
        ] {
            assert_eq!(loopback(host), Some(421), "{host}");
        }
        assert_eq!(refused("127.0.0.1:7777", &[], "/"), Some(400));
        assert_eq!(refused("[::1]:1", &[("host", "::1"), ("host", "::1")], "/"), Some(400));
    }

    #[test]
    fn an_absolute_target_must_be_ours_too() {
        let host = [("host", "localhost")];
        assert_eq!(refused("127.0.0.1:7777", &host, "http://evil.example/"), Some(421));
        assert_eq!(refused("127.0.0.1:7777", &host, "http://localhost:7777/"), None);
    }

    #[test]
    fn names_of_the_cluster_are_answered_when_it_can_reach_us() {
        let open = |host| refused("0.0.0.0:7777", &[("host", host)], "/");
        assert_eq!(open("watcher"), None);
        assert_eq!(open("watcher.default.svc:7777"), None);
        assert_eq!(open("watcher.default.svc.cluster.local"), None);
        assert_eq!(open("svc.evil.example"), Some(421));
        assert_eq!(open(".svc"), Some(421));
    }

    #[test]
    fn nothing_but_reading_and_no_bodies() {
        let hosts = Hosts::new(Some("127.0.0.1:1".parse().unwrap()), &[]);
        let status = |method: &str, header: (&str, &str)| {
            let request = Request::builder().method(method).header("host", "[::1]");
            let request = request.header(header.0, header.1).body(()).unwrap();
            check(&hosts, &request, false).err().map(|refusal| refusal.status.as_u16())
        };
        assert_eq!(status("HEAD", ("content-length", "0")), None);
        assert_eq!(status("GET", ("content-length", "1")), Some(413));
        assert_eq!(status("GET", ("transfer-encoding", "chunked")), Some(413));
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"] {
            assert_eq!(status(method, ("content-length", "0")), Some(405), "{method}");
        }
    }
}

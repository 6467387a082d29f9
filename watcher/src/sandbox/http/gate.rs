//! Which requests a guest of the sandbox may make to a kube-apiserver: reading, of what is no secret,
//! and the writing that was allowed. A pure decision over method and URL; what is not understood is
//! refused.

use std::fmt;

use http::{Method, Uri, uri::Scheme};
use percent_encoding::percent_decode_str;

/// Where a guest finds its kube-apiserver. The name leads nowhere else: requests to it are taken by the
/// host, which knows the real address.
pub const SERVER: &str = "http://kubernetes.default.svc";
const HOST: &str = "kubernetes.default.svc";

/// Longer targets than any list of Pods needs.
const LONGEST: usize = 8 << 10;

/// What a guest may do besides reading, in the words of Kubernetes' authorization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteVerb {
    /// `POST` of an object.
    Create,
    /// `PUT` of an object.
    Update,
    /// `PATCH` of an object.
    Patch,
    /// `DELETE` of one or many.
    Delete,
}

impl WriteVerb {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Patch, Self::Delete];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    Host,
    Method,
    Verb(WriteVerb),
    Path,
    Secrets,
    Subresource,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => write!(f, "only {SERVER} may be asked"),
            Self::Method => f.write_str("this method is never allowed"),
            Self::Verb(verb) => {
                write!(f, "it may only read; --allow-verb {} lets it", verb.as_str())
            }
            Self::Path => f.write_str("only the paths of the Kubernetes API may be asked"),
            Self::Secrets => f.write_str("secrets are never shown to a component"),
            Self::Subresource => {
                f.write_str("only objects, their status and their scale may be asked for")
            }
        }
    }
}

/// The path and query to send, if the request may be made.
pub(super) fn admit(method: &Method, uri: &Uri, allowed: &[WriteVerb]) -> Result<String, Denied> {
    if !is_server(uri) {
        return Err(Denied::Host);
    }
    if let Some(verb) = verb(method)?.filter(|verb| !allowed.contains(verb)) {
        return Err(Denied::Verb(verb));
    }
    check_path(uri.path())?;
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    if target.len() > LONGEST { Err(Denied::Path) } else { Ok(target.to_owned()) }
}

fn is_server(uri: &Uri) -> bool {
    let default = match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTP => 80,
        Some(scheme) if *scheme == Scheme::HTTPS => 443,
        _ => return false,
    };
    let Some(authority) = uri.authority() else { return false };
    authority.host().eq_ignore_ascii_case(HOST)
        && !authority.as_str().contains('@')
        && authority.port_u16().is_none_or(|port| port == default)
}

/// What writes, as a verb; `None` for what reads.
fn verb(method: &Method) -> Result<Option<WriteVerb>, Denied> {
    Ok(Some(match *method {
        Method::GET | Method::HEAD => return Ok(None),
        Method::POST => WriteVerb::Create,
        Method::PUT => WriteVerb::Update,
        Method::PATCH => WriteVerb::Patch,
        Method::DELETE => WriteVerb::Delete,
        _ => return Err(Denied::Method),
    }))
}

/// Reads a path as kube-apiserver's `RequestInfo` does. A GET is not always reading: of `exec`,
/// `attach`, `portforward` and `proxy` it is a command, so that only known subresources pass.
fn check_path(path: &str) -> Result<(), Denied> {
    let segments = segments(path)?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let rest = match segments.as_slice() {
        ["api" | "apis"] | ["version" | "healthz" | "livez" | "readyz" | "openapi", ..] => {
            return Ok(());
        }
        ["api", _version, rest @ ..] => rest,
        ["apis", _group] => return Ok(()),
        ["apis", _group, _version, rest @ ..] => rest,
        _ => return Err(Denied::Path),
    };
    let rest = match rest {
        ["proxy", ..] => return Err(Denied::Subresource),
        ["watch", rest @ ..] | rest => rest,
    };
    let rest = match rest {
        ["namespaces", _name, "status" | "finalize", ..] => rest,
        ["namespaces", _name, rest @ ..] if !rest.is_empty() => rest,
        rest => rest,
    };
    match rest {
        ["secrets", ..] => Err(Denied::Secrets),
        [] | [_] | [_, _] | [_, _, "status" | "scale"] => Ok(()),
        _ => Err(Denied::Subresource),
    }
}

/// The segments of a path, decoded. What a server could read in two ways is refused.
fn segments(path: &str) -> Result<Vec<String>, Denied> {
    let path = path.strip_prefix('/').ok_or(Denied::Path)?;
    path.split('/')
        .map(|segment| {
            let segment = percent_decode_str(segment).decode_utf8().map_err(|_| Denied::Path)?;
            let odd = |char: char| char.is_control() || matches!(char, '/' | '\\' | '%');
            if matches!(&*segment, "" | "." | "..") || segment.contains(odd) {
                return Err(Denied::Path);
            }
            Ok(segment.into_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ask(method: &Method, url: &str, allowed: &[WriteVerb]) -> Result<String, Denied> {
        admit(method, &url.parse().unwrap(), allowed)
    }

    fn get(target: &str) -> Result<String, Denied> {
        ask(&Method::GET, &format!("{SERVER}{target}"), &[])
    }

    #[test]
    fn reading_objects_passes_unchanged() {
        for target in [
            "/api/v1/pods?watch=1&labelSelector=dubbo.io/label%20in%20(a,b)",
            "/api/v1/namespaces/shop/pods?limit=500&continue=abc%3D",
            "/api/v1/watch/namespaces/shop/pods",
            "/api/v1/namespaces/shop",
            "/api/v1/namespaces/shop/status",
            "/api/v1/namespaces/shop/pods/proxy",
            "/api/v1/namespaces/secrets/pods/exec",
            "/apis/apps/v1/namespaces/shop/deployments/web/scale",
            "/apis",
            "/version",
            "/readyz",
        ] {
            assert_eq!(get(target).as_deref(), Ok(target));
        }
    }

    #[test]
    fn a_get_that_is_not_reading_is_refused() {
        for target in [
            "/api/v1/namespaces/shop/pods/web/exec?command=sh",
            "/api/v1/namespaces/shop/pods/web/%65xec",
            "/api/v1/namespaces/shop/pods/web/attach",
            "/api/v1/namespaces/shop/pods/web/portforward",
            "/api/v1/namespaces/shop/pods/web/proxy/admin",
            "/api/v1/namespaces/shop/services/web/proxy",
            "/api/v1/nodes/one/proxy/exec/a/b/c",
            "/api/v1/proxy/nodes/one",
            "/api/v1/namespaces/shop/serviceaccounts/web/token",
        ] {
            assert_eq!(get(target), Err(Denied::Subresource), "{target}");
        }
    }

    #[test]
    fn secrets_are_refused_however_they_are_spelled() {
        for target in [
            "/api/v1/secrets",
            "/api/v1/namespaces/shop/secrets",
            "/api/v1/namespaces/shop/%73ecrets/token",
            "/api/v1/watch/secrets",
            "/api/v1/watch/namespaces/shop/secrets/token",
        ] {
            assert_eq!(get(target), Err(Denied::Secrets), "{target}");
        }
    }

    #[test]
    fn a_path_that_could_be_read_in_two_ways_is_refused() {
        for target in [
            "/",
            "/metrics",
            "/logs/kube.log",
            "/api/v1//secrets",
            "/api/v1/pods/../secrets",
            "/api/v1/pods/%2e%2e/secrets",
            "/api/v1/namespaces/shop%2Fsecrets",
            "/api/v1/namespaces/shop/pods/",
            "/api/v1/%2573ecrets",
            "/api/v1/pods/%ff",
        ] {
            assert_eq!(get(target), Err(Denied::Path), "{target}");
        }
    }

    #[test]
    fn no_other_host_is_asked() {
        for url in [
            "http://kubernetes.default.svc:8080/api",
            "https://kubernetes.default.svc:80/api",
            "http://kubernetes.default.svc.evil.example/api",
            "http://user@kubernetes.default.svc/api",
            "http://169.254.169.254/latest",
            "http://localhost/api",
            "ftp://kubernetes.default.svc/api",
            "/api",
        ] {
            assert_eq!(ask(&Method::GET, url, &[]), Err(Denied::Host), "{url}");
        }
        for url in
            ["https://KUBERNETES.default.svc:443/api", "http://kubernetes.default.svc:80/api"]
        {
            assert!(ask(&Method::GET, url, &[]).is_ok(), "{url}");
        }
    }

    #[test]
    fn writing_needs_to_be_allowed_verb_by_verb() {
        let url = format!("{SERVER}/api/v1/namespaces/shop/pods/web");
        let methods = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
        for (method, verb) in methods.iter().zip(WriteVerb::ALL) {
            assert_eq!(ask(method, &url, &[]), Err(Denied::Verb(verb)));
            assert!(ask(method, &url, &[verb]).is_ok());
            let token = format!("{SERVER}/api/v1/namespaces/shop/serviceaccounts/web/token");
            assert_eq!(ask(method, &token, &WriteVerb::ALL), Err(Denied::Subresource));
        }
        for method in [Method::CONNECT, Method::TRACE, Method::OPTIONS] {
            assert_eq!(ask(&method, &url, &WriteVerb::ALL), Err(Denied::Method));
        }
    }

    proptest! {
        /// Whatever passes does not name a secret, nor what is below an object, when it is decoded.
        #[test]
        fn nothing_passes_that_names_a_secret(
            parts in prop::collection::vec("(secrets|%73ecrets|namespaces|watch|pods|exec|%65xec|a|\\.\\.|%2f|)", 0..6)
        ) {
            let target = format!("/api/v1/{}", parts.join("/"));
            if get(&target).is_ok() {
                let plain: String = percent_decode_str(&target).decode_utf8_lossy().into_owned();
                let plain = plain.strip_prefix("/api/v1/").unwrap_or(&plain);
                // Once: behind it `watch` is the name of a resource, and there is none.
                let plain = plain.strip_prefix("watch/").unwrap_or(plain);
                let parts: Vec<&str> = plain.split('/').collect();
                let resource = match parts.as_slice() {
                    ["namespaces", _, resource, ..] | [resource, ..] => resource,
                    [] => "",
                };
                prop_assert_ne!(resource, "secrets");
                prop_assert!(parts.len() <= 5);
            }
        }
    }
}

//! What a request asks for: which service, which method, by what is in its head. Pure; it must never look
//! at the registry.

use std::borrow::Cow;

use dubbo_k8s_codec::{Query, Service};

use crate::provider::Kind;

/// What dubbo-rust sends as the version of whatever service it calls.
const DUBBO_RUST: &str = "dubbo-rust/";

/// The version that Java's server falls back to.
const FALLBACK_VERSION: &str = "1.0.0";

/// Any interface: it has been looked up by then.
const ANY: &str = "*";

/// A request, as far as routing goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The path without its method: `[context/]interface`.
    pub path: &'a str,
    /// The interface.
    pub interface: &'a str,
    /// The method.
    pub method: &'a str,
    /// The group, if one is named.
    pub group: Option<&'a str>,
    /// The version, if one is named.
    pub version: Option<&'a str>,
    /// The tag, if one is named.
    pub tag: Option<&'a str>,
    /// Whether no other provider will do than one with the tag.
    pub force_tag: bool,
    /// Whether it is gRPC.
    pub kind: Kind,
}

impl<'a> Request<'a> {
    /// Reads `/{[context/]interface}/{method}` and the headers; none where the path is another.
    pub fn read(path: &'a str, header: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let end = path.find(['?', '#']).unwrap_or(path.len());
        let (path, method) = path.get(1..end)?.rsplit_once('/')?;
        let interface = path.rsplit('/').next().unwrap_or(path);
        if interface.is_empty() || method.is_empty() {
            return None;
        }
        let named = |name: &str| header(name).map(str::trim).filter(|value| !value.is_empty());
        let version = named("tri-service-version").or_else(|| named("rest-service-version"));
        let group = named("tri-service-group").or_else(|| named("rest-service-group"));
        // dubbo-rust names itself, and the same group for every service: it names nothing.
        let names_nothing = version.is_some_and(|version| version.starts_with(DUBBO_RUST));
        let is_grpc =
            header("content-type").is_some_and(|kind| kind.starts_with("application/grpc"));
        Some(Self {
            path,
            interface,
            method,
            group: group.filter(|_| !names_nothing),
            version: version.filter(|_| !names_nothing),
            tag: named("dubbo.tag"),
            force_tag: named("dubbo.force.tag") == Some("true"),
            kind: if is_grpc { Kind::Grpc } else { Kind::Http },
        })
    }

    /// The groups and versions that will do, the best first: what is named, then version 1.0.0 of it, then
    /// none of either. That is the order of Java's server.
    pub fn questions(&self) -> [Query<'a>; 3] {
        [
            Self::query(self.group, self.version),
            Self::query(self.group, Some(FALLBACK_VERSION)),
            Self::query(None, None),
        ]
    }

    fn query(group: Option<&'a str>, version: Option<&'a str>) -> Query<'a> {
        Query::from(Service {
            interface: ANY.into(),
            group: group.map(Into::into),
            version: version.map(Into::into),
        })
    }

    /// The key of the service that is named, as text.
    pub(crate) fn service_key(&self) -> Cow<'a, str> {
        match (self.group, self.version) {
            (None, None) => Cow::Borrowed(self.interface),
            _ => Cow::Owned(self.service().to_string()),
        }
    }

    /// The key of the service that is named.
    pub fn service(&self) -> Service<'a> {
        Service {
            interface: self.interface.into(),
            group: self.group.map(Into::into),
            version: self.version.map(Into::into),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(path: &'a str, headers: &[(&str, &'a str)]) -> Option<Request<'a>> {
        Request::read(path, |name| {
            headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
        })
    }

    #[test]
    fn the_path_names_interface_and_method() {
        let request = read("/a.B/get?x=1/2", &[]).unwrap();
        assert_eq!((request.path, request.interface, request.method), ("a.B", "a.B", "get"));
        let request = read("/ctx/v1/a.B/get", &[]).unwrap();
        assert_eq!((request.path, request.interface), ("ctx/v1/a.B", "a.B"));
        for path in ["", "/", "/a.B", "/a.B/", "//get", "*", "/?a/b", "é/x"] {
            assert_eq!(read(path, &[]), None, "{path}");
        }
    }

    #[test]
    fn headers_name_group_version_and_tag() {
        let request = read(
            "/a.B/get",
            &[
                ("tri-service-version", "1.2"),
                ("tri-service-group", " g "),
                ("dubbo.tag", "gray"),
                ("dubbo.force.tag", "true"),
                ("content-type", "application/grpc+proto"),
            ],
        )
        .unwrap();
        assert_eq!(request.service().to_string(), "g/a.B:1.2");
        assert_eq!((request.tag, request.force_tag), (Some("gray"), true));
        assert_eq!(request.kind, Kind::Grpc);
        let rest = read("/a.B/get", &[("rest-service-version", "2"), ("tri-service-version", "")]);
        assert_eq!(rest.unwrap().service().to_string(), "a.B:2");
        assert_eq!(rest.unwrap().kind, Kind::Http);
    }

    #[test]
    fn what_dubbo_rust_sends_names_nothing() {
        let headers =
            [("tri-service-version", "dubbo-rust/0.1.0"), ("tri-service-group", "cluster")];
        assert_eq!(read("/a.B/get", &headers).unwrap().service().to_string(), "a.B");
    }

    #[test]
    fn the_fallbacks_are_those_of_java() {
        let headers = [("tri-service-version", "2"), ("tri-service-group", "g")];
        let request = read("/a.B/get", &headers).unwrap();
        let keys = request.questions().map(|query| query.service().to_string());
        assert_eq!(keys, ["g/*:2", "g/*:1.0.0", "*"]);
    }
}

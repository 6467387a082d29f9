//! What a service is called, and which services a question means.
//!
//! Names are compared as text; nothing here knows endpoints.

use alloc::borrow::Cow;
use alloc::string::String;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};

/// Stands for any interface, group or version in a [`Query`].
const ANY: &str = "*";

/// The version that dubbo-go writes for none.
const NO_VERSION: &str = "0.0.0";

/// A service: interface, group and version.
///
/// It displays as dubbo-go's service key `[group/]interface[:version]`. dubbo-go leaves the
/// version `0.0.0` out of it and Java keeps it ([`java_key`](Self::java_key)); here `0.0.0` and no
/// version at all are one and the same service, so that consumers and providers of both meet.
#[derive(Clone, Debug, Default)]
pub struct Service<'a> {
    /// The interface name.
    pub interface: Cow<'a, str>,
    /// The group, never empty.
    pub group: Option<Cow<'a, str>>,
    /// The version as written, never empty. See [`version`](Self::version).
    pub version: Option<Cow<'a, str>>,
}

impl<'a> Service<'a> {
    /// A service without group and version.
    pub fn new(interface: impl Into<Cow<'a, str>>) -> Self {
        Self { interface: interface.into(), group: None, version: None }
    }

    /// Reads `[group/]interface[:version]`. The group may hold slashes, the interface does not.
    pub fn parse(key: &'a str) -> Self {
        let (group, rest) = key.rsplit_once('/').map_or((None, key), |(g, rest)| (Some(g), rest));
        let (interface, version) = rest.split_once(':').map_or((rest, ""), |(i, v)| (i, v));
        Self::from_parts(interface, group.unwrap_or_default(), version)
    }

    /// Reads the colon form `interface:[version]:[group]`.
    pub fn parse_colon(key: &'a str) -> Self {
        let mut parts = key.splitn(3, ':');
        let mut part = || parts.next().unwrap_or_default();
        let (interface, version, group) = (part(), part(), part());
        Self::from_parts(interface, group, version)
    }

    fn from_parts(interface: &'a str, group: &'a str, version: &'a str) -> Self {
        let optional = |part: &'a str| (!part.is_empty()).then_some(Cow::Borrowed(part));
        Self { interface: interface.into(), group: optional(group), version: optional(version) }
    }

    /// The version, unless it is none: absent, empty or `0.0.0`.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref().filter(|version| !matches!(*version, "" | NO_VERSION))
    }

    /// The group, unless it is absent or empty.
    pub fn group(&self) -> Option<&str> {
        self.group.as_deref().filter(|group| !group.is_empty())
    }

    /// The service key as Java writes it, which keeps a version of `0.0.0`.
    pub fn java_key(&self) -> String {
        let version = self.version.as_deref().filter(|version| !version.is_empty());
        key(self.group(), &self.interface, version)
    }

    /// The colon form `interface:[version]:[group]`.
    pub fn colon_key(&self) -> String {
        let (version, group) = (self.version().unwrap_or(""), self.group().unwrap_or(""));
        alloc::format!("{}:{version}:{group}", self.interface)
    }

    /// The same service, owning its names.
    pub fn into_owned(self) -> Service<'static> {
        let own = |name: Cow<'_, str>| Cow::Owned(name.into_owned());
        Service {
            interface: own(self.interface),
            group: self.group.map(own),
            version: self.version.map(own),
        }
    }

    fn parts(&self) -> (&str, Option<&str>, Option<&str>) {
        (&self.interface, self.group(), self.version())
    }
}

fn key(group: Option<&str>, interface: &str, version: Option<&str>) -> String {
    let mut key = String::new();
    for part in [group.unwrap_or(""), if group.is_some() { "/" } else { "" }, interface] {
        key.push_str(part);
    }
    if let Some(version) = version {
        key.push(':');
        key.push_str(version);
    }
    key
}

impl fmt::Display for Service<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&key(self.group(), &self.interface, self.version()))
    }
}

impl PartialEq for Service<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Service<'_> {}

impl Ord for Service<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl PartialOrd for Service<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Service<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// Which services a consumer asks for. `*` stands for any interface, group or version; the group
/// may be a comma list. What is not named must be absent in the service, as in Dubbo's own
/// matching; [`Query::interface`] asks for an interface in any group and version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query<'a>(Service<'a>);

impl<'a> Query<'a> {
    /// Asks as `[group/]interface[:version]` says.
    pub fn parse(key: &'a str) -> Self {
        Self(Service::parse(key))
    }

    /// Asks for an interface, in whatever group and version.
    pub fn interface(interface: impl Into<Cow<'a, str>>) -> Self {
        let any = Some(Cow::Borrowed(ANY));
        Self(Service { interface: interface.into(), group: any.clone(), version: any })
    }

    /// What is asked for, wildcards and lists included.
    pub const fn service(&self) -> &Service<'a> {
        &self.0
    }

    /// Whether this service is one that is asked for.
    pub fn matches(&self, service: &Service<'_>) -> bool {
        self.takes_interface(service) && self.takes_group(service) && self.takes_version(service)
    }

    pub(crate) fn takes_interface(&self, service: &Service<'_>) -> bool {
        self.0.interface == ANY || self.0.interface == service.interface
    }

    pub(crate) fn takes_group(&self, service: &Service<'_>) -> bool {
        group_matches(self.0.group(), service.group())
    }

    pub(crate) fn takes_version(&self, service: &Service<'_>) -> bool {
        self.0.version() == Some(ANY) || self.0.version() == service.version()
    }
}

impl<'a> From<Service<'a>> for Query<'a> {
    /// Asks as the URL of a consumer does.
    fn from(service: Service<'a>) -> Self {
        Self(service)
    }
}

fn group_matches(asked: Option<&str>, group: Option<&str>) -> bool {
    match asked {
        None => group.is_none(),
        Some(list) => {
            let mut asked = list.split(',').map(str::trim);
            asked.any(|one| one == ANY || Some(one) == group || one.is_empty() && group.is_none())
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn keys_are_read_and_written() {
        for (text, group, interface, version) in [
            ("a.B", None, "a.B", None),
            ("g/a.B", Some("g"), "a.B", None),
            ("a.B:1.0", None, "a.B", Some("1.0")),
            ("g/1/a.B:1.0", Some("g/1"), "a.B", Some("1.0")),
        ] {
            let service = Service::parse(text);
            assert_eq!(service.parts(), (interface, group, version));
            assert_eq!(service.to_string(), text);
            assert_eq!(Service::parse_colon(&service.colon_key()), service);
        }
        assert_eq!(Service::parse("g/a.B:1").colon_key(), "a.B:1:g");
        assert_eq!(Service::parse_colon("a.B::").to_string(), "a.B");
    }

    #[test]
    fn version_0_0_0_is_none_for_go_and_kept_for_java() {
        let zero = Service::parse("g/a.B:0.0.0");
        assert_eq!(zero, Service::parse("g/a.B"));
        assert_eq!(zero.cmp(&Service::parse("g/a.B")), Ordering::Equal);
        assert_eq!(zero.to_string(), "g/a.B");
        assert_eq!(zero.java_key(), "g/a.B:0.0.0");
    }

    #[test]
    fn questions_know_wildcards_and_group_lists() {
        let asks =
            |query: &str, service: &str| Query::parse(query).matches(&Service::parse(service));
        assert!(asks("a.B", "a.B"));
        assert!(asks("a.B", "a.B:0.0.0"));
        assert!(!asks("a.B", "g/a.B"));
        assert!(!asks("a.B", "a.B:1"));
        assert!(!asks("a.B", "a.C"));
        assert!(asks("*/a.B:*", "g/a.B:1"));
        assert!(asks("*/a.B:*", "a.B"));
        assert!(asks("*/*:*", "x/y.Z:3"));
        assert!(asks("g,h/a.B", "h/a.B"));
        assert!(!asks("g,h/a.B", "i/a.B"));
        assert!(!asks("g,h/a.B", "a.B"));
        assert!(Query::interface("a.B").matches(&Service::parse("g/a.B:2")));
        assert!(!Query::interface("a.B").matches(&Service::parse("g/a.C:2")));
    }
}

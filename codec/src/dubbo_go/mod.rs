//! How dubbo-go 1.5.9 reads the URL of a key (`common.NewURL`), which URLs it refuses, and which
//! providers a consumer of it takes (`URL.URLEqual`).
//!
//! It never decides what this project reads: [`Url`](crate::Url) does, and reads more. A provider
//! that dubbo-go refuses is dropped there without a word; here it can be found.

mod difference;
mod finding;
mod identity;
mod net_url;
mod problems;

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

pub use crate::reason::Reason;
pub use difference::differences;
pub use finding::Finding;
pub use identity::{Identity, Mismatch};
pub(crate) use problems::of_read;
pub use problems::{problems, reads, refusal, takes_none};

use crate::compatibility;
use crate::escape::escaped_offset;
use net_url::{Parts, Plus, unescape};

/// Whether dubbo-go reads a URL, given as [`Key::url`](crate::Key::url): unescaped once.
///
/// # Errors
/// Why it does not, and where in the URL.
pub fn check(url: &str) -> Result<(), Finding> {
    if url.is_empty() { Ok(()) } else { net_url::split(url.as_bytes()).map(|_| ()) }
}

/// A URL as dubbo-go holds it. Its texts are bytes, for a percent escape may stand for any.
///
/// ```
/// use dubbo_k8s_codec::dubbo_go::{GoUrl, Reason};
///
/// let url = GoUrl::parse("TRI://10.0.0.1:50051/a.B?default.version=2.0.0")?;
/// assert_eq!((&*url.protocol(), &*url.ip(), &*url.port()), ("tri", "10.0.0.1", "50051"));
/// assert_eq!(url.service_key(), "a.B:2.0.0");
///
/// let refused = GoUrl::parse("tri://10.0.0.1:50051/a.B?filter=echo;token").unwrap_err();
/// assert_eq!((refused.reason, refused.offset), (Reason::Semicolon, 36));
/// # Ok::<(), dubbo_k8s_codec::dubbo_go::Finding>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct GoUrl {
    protocol: Vec<u8>,
    username: Vec<u8>,
    password: Vec<u8>,
    location: Vec<u8>,
    ip: Vec<u8>,
    port: Vec<u8>,
    path: Vec<u8>,
    params: BTreeMap<Vec<u8>, Vec<Vec<u8>>>,
}

impl GoUrl {
    /// Reads the last name of a key as it stands there, escaped.
    ///
    /// # Errors
    /// Why dubbo-go refuses it, and where in the escaped text.
    pub fn parse_escaped(url: &str) -> Result<Self, Finding> {
        let escaped = url.as_bytes();
        if let Some(at) = net_url::bad_escape(escaped) {
            return Err(Finding::new(Reason::PercentEscape, at));
        }
        Self::parse_bytes(&unescape(escaped, Plus::Space)).map_err(|finding| {
            Finding::new(finding.reason, escaped_offset(escaped, finding.offset))
        })
    }

    /// Reads a URL that has been unescaped once, as [`Key::url`](crate::Key::url) is.
    ///
    /// # Errors
    /// Why dubbo-go refuses it, and where in the URL.
    pub fn parse(url: &str) -> Result<Self, Finding> {
        Self::parse_bytes(url.as_bytes())
    }

    fn parse_bytes(url: &[u8]) -> Result<Self, Finding> {
        if url.is_empty() {
            return Ok(Self::default());
        }
        let parts = net_url::split(url)?;
        let location = net_url::location(parts.host.text).into_owned();
        let (ip, port) = net_url::address(&location)?;
        let (username, password) = parts.user.map_or_else(Default::default, |user| user.cut(b':'));
        Ok(Self {
            protocol: parts.scheme.text.to_ascii_lowercase(),
            username: unescape(username.text, Plus::Kept).into_owned(),
            password: unescape(password.text, Plus::Kept).into_owned(),
            ip: ip.to_vec(),
            port: port.to_vec(),
            location,
            path: unescape(parts.path.text, Plus::Kept).into_owned(),
            params: params(&parts),
        })
    }

    /// The protocol, in lower case.
    pub fn protocol(&self) -> Cow<'_, str> {
        text(&self.protocol)
    }

    /// The user, or nothing.
    pub fn username(&self) -> Cow<'_, str> {
        text(&self.username)
    }

    /// The password, or nothing.
    pub fn password(&self) -> Cow<'_, str> {
        text(&self.password)
    }

    /// Hosts and ports as they stand in the URL, unescaped.
    pub fn location(&self) -> Cow<'_, str> {
        text(&self.location)
    }

    /// The host of the first of several that has a port; nothing if none has.
    pub fn ip(&self) -> Cow<'_, str> {
        text(&self.ip)
    }

    /// Its port as it is written, which need not be a legal one.
    pub fn port(&self) -> Cow<'_, str> {
        text(&self.port)
    }

    /// The path with its leading slash, unescaped.
    pub fn path(&self) -> Cow<'_, str> {
        text(&self.path)
    }

    /// The names and values of all parameters in the order of their names, those included that
    /// dubbo-go adds for a name with the prefix `default.`.
    pub fn params(&self) -> impl Iterator<Item = (Cow<'_, str>, Vec<Cow<'_, str>>)> {
        let params = self.params.iter();
        params.map(|(name, values)| (text(name), values.iter().map(|value| text(value)).collect()))
    }

    /// The first value of a parameter; none also if it is empty.
    pub fn param(&self, name: &str) -> Option<Cow<'_, str>> {
        self.value(name.as_bytes()).map(text)
    }

    fn value(&self, name: &[u8]) -> Option<&[u8]> {
        let first = self.params.get(name)?.first()?;
        Some(first.as_slice()).filter(|value| !value.is_empty())
    }

    /// What dubbo-go knows the URL by (`URL.Key`).
    pub fn key(&self) -> String {
        text(&self.identity().key(&self.ip, &self.port)).into_owned()
    }

    /// The interface: the parameter, else the path without one leading slash.
    pub fn service(&self) -> Cow<'_, str> {
        text(self.interface())
    }

    fn interface(&self) -> &[u8] {
        let path = self.path.strip_prefix(b"/").unwrap_or(&self.path);
        self.value(b"interface").unwrap_or(path)
    }

    /// The service key `[group/]interface[:version]`, without a version of `0.0.0`.
    pub fn service_key(&self) -> String {
        let interface = self.interface();
        if interface.is_empty() {
            return String::new();
        }
        let mut key = Vec::new();
        if let Some(group) = self.value(b"group") {
            key.extend_from_slice(&[group, b"/"].concat());
        }
        key.extend_from_slice(interface);
        if let Some(version) = self.value(b"version").filter(|version| *version != b"0.0.0") {
            key.extend_from_slice(&[b":", version].concat());
        }
        text(&key).into_owned()
    }

    /// What decides which consumers take this provider, and which providers this consumer takes.
    pub fn identity(&self) -> Identity {
        let value = |name: &[u8]| self.value(name).unwrap_or_default().to_vec();
        Identity {
            protocol: self.protocol.clone(),
            username: self.username.clone(),
            password: self.password.clone(),
            interface: self.interface().to_vec(),
            group: value(b"group"),
            version: value(b"version"),
            enabled: value(b"enabled"),
            category: value(b"category"),
        }
    }

    /// Whether this provider is one that dubbo-go's consumer with that URL takes
    /// (`provider.URLEqual(consumer)`).
    pub fn is_taken_by(&self, consumer: &Self) -> bool {
        self.identity().mismatch(&consumer.identity()).is_none()
    }
}

/// Without user and password.
impl fmt::Debug for GoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (protocol, location, path) = (self.protocol(), self.location(), self.path());
        write!(f, "GoUrl({protocol}://{location}{path})")
    }
}

/// The parameters. A name that begins with `default.` also gives the name behind the prefix, unless
/// that has a value. Of `default.default.x`, where dubbo-go's result depends on chance, only
/// `default.x` comes.
fn params(parts: &Parts<'_>) -> BTreeMap<Vec<u8>, Vec<Vec<u8>>> {
    let mut params = BTreeMap::<_, Vec<_>>::new();
    for (name, value) in net_url::params(parts.query) {
        let value = net_url::value(value).into_owned();
        params.entry(name.into_owned()).or_default().push(value);
    }
    let fallback = |(name, values): (&Vec<u8>, &Vec<Vec<u8>>)| {
        Some((name.strip_prefix(b"default.")?.to_vec(), values.first()?.clone()))
    };
    let fallbacks: Vec<_> = params.iter().filter_map(fallback).collect();
    for (name, value) in fallbacks {
        let given = params.get(&name).and_then(|values| values.first());
        if given.is_none_or(Vec::is_empty) {
            params.insert(name, Vec::from([value]));
        }
    }
    params
}

/// As text, where every byte that is not UTF-8 is U+FFFD, as in the JSON that Go writes.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    str::from_utf8(bytes).map_or_else(
        |_| {
            let mut out = Vec::with_capacity(bytes.len() * 3);
            compatibility::push_utf8(bytes, &mut out);
            Cow::Owned(String::from_utf8(out).unwrap_or_default())
        },
        Cow::Borrowed,
    )
}

//! A Dubbo URL: `protocol://[user:password@]host[,host…][:port][/path][?parameters]`.
//!
//! It borrows the text it was read from and never normalises it: what was read and is written
//! unchanged comes out byte for byte the same, and a change leaves all else untouched.
//! Values that came from outside are never trusted to be well escaped.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use core::fmt;
use core::net::Ipv6Addr;

use memchr::{memchr, memchr2};

use crate::escape::query_escape;
use crate::facts::{self, Facts};
use crate::fault::{Fault, Found, Whole};
use crate::params::{Param, Params};
use crate::phrase::Phrase;
use crate::service::Service;

/// The protocols of URLs that have no port: of consumers and of rules.
const PORTLESS: [&str; 8] =
    ["consumer", "override", "absent", "empty", "route", "condition", "script", "tag"];

/// A URL that was read from text, or changed since.
///
/// ```
/// use dubbo_k8s_codec::Url;
///
/// let mut url = Url::parse("dubbo://10.0.0.1:20880/a.B?timeout=3000&weight=50")?;
/// assert_eq!((url.scheme(), url.host(), url.port()), ("dubbo", "10.0.0.1", Some(20880)));
/// assert_eq!(url.weight(None), 50);
/// url.set("weight", "0");
/// assert_eq!(url.to_string(), "dubbo://10.0.0.1:20880/a.B?timeout=3000&weight=0");
/// # Ok::<(), dubbo_k8s_codec::UrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Url<'a> {
    text: Cow<'a, str>,
    scheme_end: usize,
    /// Where the hosts begin, behind the user information.
    hosts: usize,
    path: usize,
    /// Where the path ends: at `?`, `#` or the end.
    path_end: usize,
    /// Where the parameters end: at `#` or the end.
    query_end: usize,
}

impl<'a> Url<'a> {
    /// Takes a URL apart. It needs a protocol and a host; parameters are read only when asked for.
    ///
    /// # Errors
    /// [`UrlError`] with the place, without a protocol or a host.
    pub fn parse(text: impl Into<Cow<'a, str>>) -> Result<Self, UrlError> {
        Self::take_apart(text.into())
    }

    /// The hosts and ports as written, and where they begin.
    pub(crate) fn written_hosts(&self) -> (usize, &str) {
        (self.hosts, self.slice(self.hosts, self.path))
    }

    /// The parameters as written, and where they begin.
    pub(crate) fn written_query(&self) -> (usize, &str) {
        let start = (self.path_end + 1).min(self.query_end);
        (start, self.slice(start, self.query_end))
    }

    /// Where in the text one of its parameters begins.
    pub(crate) fn offset_of(&self, param: &Param<'_>) -> usize {
        let (start, query) = self.written_query();
        // The parameter is a part of the query's text.
        let within = param.raw_name.as_ptr().addr().wrapping_sub(query.as_ptr().addr());
        start + within.min(query.len())
    }

    fn take_apart(text: Cow<'a, str>) -> Result<Self, UrlError> {
        let bytes = text.as_bytes();
        let scheme_end = scheme(bytes)?;
        let authority = scheme_end + 3;
        let path = find(bytes, authority, |byte| matches!(byte, b'/' | b'?' | b'#'));
        let hosts = memchr::memrchr(b'@', bytes.get(authority..path).unwrap_or_default())
            .map_or(authority, |at| authority + at + 1);
        let rest = bytes.get(path..).unwrap_or_default();
        let path_end = memchr2(b'?', b'#', rest).map_or(bytes.len(), |at| path + at);
        let query = bytes.get(path_end..).unwrap_or_default();
        let query_end = memchr(b'#', query).map_or(bytes.len(), |at| path_end + at);
        let url = Self { text, scheme_end, hosts, path, path_end, query_end };
        url.check_hosts()?;
        Ok(url)
    }

    /// The text of the URL.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The protocol: `dubbo`, `tri`, `rest`, `consumer`, `override`, `empty`, …
    pub fn scheme(&self) -> &str {
        self.slice(0, self.scheme_end)
    }

    /// The user information as written, without the `@`. It may hold a password.
    pub fn userinfo(&self) -> Option<&str> {
        let start = self.scheme_end + 3;
        (self.hosts > start).then(|| self.slice(start, self.hosts - 1))
    }

    /// All hosts of the comma list. One without a port of its own takes that of the last.
    ///
    /// An IPv6 address may stand there without brackets, as dubbo-go writes it. Where both an
    /// address and an address with a port can be read, it has a port, unless the URL is of those
    /// that have none: a consumer's or a rule's.
    pub fn hosts(&self) -> impl Iterator<Item = Host<'_>> {
        let hosts = self.slice(self.hosts, self.path);
        let split = |host| split_host(host, || self.has_port()).ok();
        let port = hosts.rsplit(',').next().and_then(split).and_then(|host| host.port);
        hosts.split(',').filter_map(move |host| {
            split(host).map(|host| Host { name: host.name, port: host.port.or(port) })
        })
    }

    /// The first host, an IPv6 address without its brackets and with its zone as written.
    pub fn host(&self) -> &str {
        let first = self.slice(self.hosts, self.path).split(',').next();
        let split = first.and_then(|host| split_host(host, || self.has_port()).ok());
        split.map_or("", |host| host.name)
    }

    /// Whether URLs of this kind have a port: those of providers.
    fn has_port(&self) -> bool {
        let scheme = self.scheme();
        !PORTLESS.iter().any(|portless| portless.eq_ignore_ascii_case(scheme))
            && self.param("side").as_deref() != Some("consumer")
    }

    /// The port of the first host. Consumers have none.
    pub fn port(&self) -> Option<u16> {
        self.hosts().next().and_then(|host| host.port)
    }

    /// The path without its leading slash, as written.
    pub fn path(&self) -> &str {
        let path = self.slice(self.path, self.path_end);
        path.strip_prefix('/').unwrap_or(path)
    }

    /// The parameters in their order. A name may repeat.
    pub fn params(&self) -> Params<'_> {
        Params::new(self.slice(self.path_end + 1, self.query_end))
    }

    /// The value of the first parameter of this name.
    pub fn param(&self, name: &str) -> Option<Cow<'_, str>> {
        self.params().find(|param| param.is(name)).map(|param| param.value())
    }

    /// The value of a parameter, else that of its fallback `default.<name>`.
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.param(name).or_else(|| {
            let fallback = |param: &Param<'_>| param.name().strip_prefix("default.") == Some(name);
            self.params().find(fallback).map(|param| param.value())
        })
    }

    /// The value of a parameter for one method: `methods.<method>.<name>` as Go writes it,
    /// `<method>.<name>` as Java does, else [`get`](Self::get).
    pub fn method_param(&self, method: &str, name: &str) -> Option<Cow<'_, str>> {
        self.go_method_param(method, name)
            .or_else(|| self.java_method_param(method, name))
            .or_else(|| self.get(name))
    }

    fn go_method_param(&self, method: &str, name: &str) -> Option<Cow<'_, str>> {
        self.find(|param| param.strip_prefix("methods.").is_some_and(|p| names(p, method, name)))
    }

    fn java_method_param(&self, method: &str, name: &str) -> Option<Cow<'_, str>> {
        self.find(|param| names(param, method, name))
    }

    fn find(&self, wanted: impl Fn(&str) -> bool) -> Option<Cow<'_, str>> {
        self.params().find(|param| wanted(&param.name())).map(|param| param.value())
    }

    /// The weight of a provider, for one method if named: 100 by default, 0 is drained.
    /// A weight of 0 under `methods.` is Go's way of saying nothing.
    pub fn weight(&self, method: Option<&str>) -> u32 {
        let of_method = method.and_then(|method| {
            let go = self.go_method_param(method, "weight");
            go.filter(|weight| weight != "0").or_else(|| self.java_method_param(method, "weight"))
        });
        match of_method {
            Some(weight) => facts::weight(Some(weight)),
            None => Facts::of(self.params()).weight(),
        }
    }

    /// Whether the URL takes part: neither `disabled=true` nor `enabled=false`.
    pub fn is_enabled(&self) -> bool {
        Facts::of(self.params()).is_enabled()
    }

    /// The time of registration in milliseconds since the epoch; Go's seconds are recognised.
    pub fn timestamp_ms(&self) -> Option<u64> {
        Facts::of(self.params()).timestamp_ms()
    }

    /// The time a provider takes to warm up, in milliseconds: Go counts it in seconds, Java in
    /// milliseconds, and the timestamp beside it shows which of them wrote it.
    pub fn warmup_ms(&self) -> Option<u64> {
        Facts::of(self.params()).warmup_ms()
    }

    /// The service that the URL is about: parameter `interface`, else the path; `group`; `version`.
    pub fn service(&self) -> Service<'_> {
        Facts::of(self.params()).service(self.path())
    }

    /// Sets a parameter in its place; one that is new comes last. Repetitions of it go.
    pub fn set(&mut self, name: &str, value: &str) {
        self.rewrite(name, Some(value));
    }

    /// Removes a parameter, however often it occurs.
    pub fn remove(&mut self, name: &str) {
        if self.params().any(|param| param.is(name)) {
            self.rewrite(name, None);
        }
    }

    fn rewrite(&mut self, name: &str, mut value: Option<&str>) {
        let old = self.slice(self.path_end + 1, self.query_end);
        let (mut query, mut mark) = (String::new(), "");
        let mut push = |parts: [&str; 3]| {
            if !core::mem::replace(&mut mark, "?").is_empty() {
                query.push('&');
            }
            query.extend(parts);
        };
        for segment in old.split('&').filter(|_| !old.is_empty()) {
            let param = Params::new(segment).next().filter(|param| param.is(name));
            match (param, value.take_if(|_| param.is_some())) {
                (None, _) => push([segment, "", ""]),
                (Some(_), None) => {}
                (Some(param), Some(value)) => push([param.raw_name, "=", &query_escape(value)]),
            }
        }
        if let Some(value) = value {
            push([&query_escape(name), "=", &query_escape(value)]);
        }
        let (head, tail) = (self.slice(0, self.path_end), self.slice(self.query_end, usize::MAX));
        let text = format!("{head}{mark}{query}{tail}");
        self.query_end = text.len() - tail.len();
        self.text = Cow::Owned(text);
    }

    fn check_hosts(&self) -> Result<(), UrlError> {
        let mut at = self.hosts;
        for host in self.slice(self.hosts, self.path).split(',') {
            let checked = split_host(host, || true);
            checked.map_err(|(offset, expected)| self.error(at + offset, expected))?;
            at += host.len() + 1;
        }
        Ok(())
    }

    fn error(&self, offset: usize, expected: Phrase) -> UrlError {
        UrlError::of_shape(offset, expected, Found::at(self.text.as_bytes(), offset))
    }

    fn slice(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end.min(self.text.len())).unwrap_or_default()
    }
}

impl fmt::Display for Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Without the user information, which may hold a password.
impl fmt::Debug for Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = if self.userinfo().is_some() { "…@" } else { "" };
        let rest = self.slice(self.hosts, usize::MAX);
        write!(f, "Url({}://{secret}{rest})", self.scheme())
    }
}

/// One host of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Host<'a> {
    /// Name or address; an IPv6 address without its brackets.
    pub name: &'a str,
    /// Its port.
    pub port: Option<u16>,
}

/// Why a text is not a Dubbo URL: the place is one in the URL.
pub type UrlError = Fault<Url<'static>>;

impl Whole for Url<'static> {
    const NAME: Phrase = Phrase::TheUrl;
}

/// The length of the protocol in front of `://`.
fn scheme(bytes: &[u8]) -> Result<usize, UrlError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-');
    let end = find(bytes, 0, |byte| !legal(byte));
    let (offset, expected) = match bytes.get(end..) {
        Some([b':', b'/', b'/', ..]) if end > 0 => return Ok(end),
        _ if end == 0 => (0, Phrase::Protocol),
        _ => (end, Phrase::ProtocolEnd),
    };
    Err(UrlError::of_shape(offset, expected, Found::at(bytes, offset)))
}

/// Splits `host`, `host:port`, `[ipv6]`, `[ipv6]:port`, and an IPv6 address without brackets, which
/// may have a port if `has_port` says so.
fn split_host(text: &str, has_port: impl Fn() -> bool) -> Result<Host<'_>, (usize, Phrase)> {
    let (name, port, at) = if let Some(rest) = text.strip_prefix('[') {
        let Some((name, tail)) = rest.split_once(']') else {
            return Err((text.len(), Phrase::Ipv6End));
        };
        match tail.strip_prefix(':') {
            Some(port) => (name, port, name.len() + 3),
            None if tail.is_empty() => (name, "", text.len()),
            None => return Err((name.len() + 2, Phrase::PortAfterIpv6)),
        }
    } else {
        match text.rsplit_once(':') {
            Some((name, port))
                if name.contains(':')
                    && is_ipv6(text)
                    && !(is_decimal(port) && is_ipv6(name) && has_port()) =>
            {
                (text, "", text.len())
            }
            Some((name, port)) => (name, port, name.len() + 1),
            None => (text, "", text.len()),
        }
    };
    if name.is_empty() {
        return Err((0, Phrase::Host));
    }
    let port = match port {
        "" => None,
        // No sign, which `parse` would take.
        digits if is_decimal(digits) => {
            Some(digits.parse().map_err(|_| (at, Phrase::PortTooLarge))?)
        }
        other => {
            let bad = other.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(0);
            return Err((at + bad, Phrase::PortNumber));
        }
    };
    Ok(Host { name, port })
}

fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a host is an IPv6 address, with a zone (`%eth0`) or without.
pub(crate) fn is_ipv6(host: &str) -> bool {
    let (address, zone) = host.split_once('%').unwrap_or((host, "-"));
    !zone.is_empty() && address.parse::<Ipv6Addr>().is_ok()
}

/// Whether `param` is `<method>.<name>`.
fn names(param: &str, method: &str, name: &str) -> bool {
    let rest = param.strip_prefix(method).and_then(|rest| rest.strip_prefix('.'));
    rest == Some(name)
}

fn find(bytes: &[u8], start: usize, wanted: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    rest.iter().position(|&byte| wanted(byte)).map_or(bytes.len(), |at| start + at)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::escape::query_unescape_lossy;

    fn url(text: &str) -> Url<'_> {
        Url::parse(text).unwrap()
    }

    #[test]
    fn an_ipv6_address_without_brackets_keeps_its_port() {
        for (text, host, port) in [
            ("tri://fd00:10:244::7:50051/a.B", "fd00:10:244::7", Some(50051)),
            ("dubbo://fd00:10:244::7:8080/a.B", "fd00:10:244::7", Some(8080)),
            ("dubbo://fd00::7:1/a.B?side=provider", "fd00::7", Some(1)),
            ("dubbo://::1:443/a.B", "::1", Some(443)),
            ("dubbo://1:2:3:4:5:6:7:8:20880/a.B", "1:2:3:4:5:6:7:8", Some(20880)),
            ("dubbo://1:2:3:4:5:6:7:8/a.B", "1:2:3:4:5:6:7:8", None),
            ("dubbo://::ffff:10.1.2.3:80/a.B", "::ffff:10.1.2.3", Some(80)),
            ("dubbo://fd00::beef/a.B", "fd00::beef", None),
            ("dubbo://fe80::1%eth0:8080/a.B", "fe80::1%eth0", Some(8080)),
            ("dubbo://[fe80::1%25eth0]:8080/a.B", "fe80::1%25eth0", Some(8080)),
            ("consumer://fd00:10:244::7/a.B", "fd00:10:244::7", None),
            ("consumer://fe80::1%eth0/a.B", "fe80::1%eth0", None),
            ("dubbo://fd00::7/a.B?side=consumer", "fd00::7", None),
            ("override://fd00::7/a.B", "fd00::7", None),
            ("consumer://fd00::7:50051/a.B", "fd00::7", Some(50051)),
        ] {
            let read = url(text);
            assert_eq!((read.host(), read.port()), (host, port), "{text}");
            assert_eq!(read.to_string(), text);
        }
    }

    #[test]
    fn the_parts_of_a_url_are_found() {
        let whole = url("dubbo://u%40x:p%3Aw@[2001:db8::1]:20880/ctx/a.B?x=1&y#f?g");
        assert_eq!(whole.scheme(), "dubbo");
        assert_eq!(whole.userinfo(), Some("u%40x:p%3Aw"));
        assert_eq!((whole.host(), whole.port()), ("2001:db8::1", Some(20880)));
        assert_eq!(whole.path(), "ctx/a.B");
        let params: Vec<_> = whole.params().map(|p| (p.raw_name, p.raw_value)).collect();
        assert_eq!(params, [("x", "1"), ("y", "")]);

        let consumer = url("consumer://10.0.0.1/a.B?side=consumer");
        assert_eq!((consumer.port(), consumer.userinfo()), (None, None));
        assert_eq!(url("tri://h").path(), "");
        assert_eq!(url("tri://h?a=b").param("a").unwrap(), "b");
    }

    #[test]
    fn hosts_may_be_a_list() {
        let list = url("dubbo://10.0.0.1,10.0.0.2:20881,[::1]:20880/a");
        let hosts: Vec<_> = list.hosts().map(|h| (h.name, h.port)).collect();
        assert_eq!(
            hosts,
            [("10.0.0.1", Some(20880)), ("10.0.0.2", Some(20881)), ("::1", Some(20880))]
        );
        assert_eq!((list.host(), list.port()), ("10.0.0.1", Some(20880)));
        assert_eq!(url("dubbo://2001:db8::1/a").host(), "2001:db8::1");
    }

    #[test]
    fn what_is_no_url_is_refused_in_its_place() {
        for (text, at) in [
            ("", 0),
            ("10.0.0.1:20880/a", 8),
            ("dubbo:/h/a", 5),
            ("://h", 0),
            ("dubbo://", 8),
            ("dubbo:///a", 8),
            ("dubbo://u@/a", 10),
            ("dubbo://h:99999/a", 10),
            ("dubbo://h:20x80/a", 12),
            ("dubbo://h:+1", 10),
            ("dubbo://[::1/a", 12),
            ("dubbo://[::1]x/a", 13),
            ("dubbo://h1,,h2/a", 11),
            ("du bbo://h", 2),
        ] {
            assert_eq!(Url::parse(text).unwrap_err().offset, at, "{text}");
        }
    }

    #[test]
    fn values_are_unescaped_and_old_ones_twice() {
        let u = url(
            "dubbo://h/a?m=Get%2CList&old=Get%252CList+x&n=100%25&p=a+b%2Bc&q=%ff&bad=%z&k%3D=v",
        );
        assert_eq!(u.param("m").unwrap(), "Get,List");
        assert_eq!(u.param("old").unwrap(), "Get,List x");
        assert_eq!(u.params().nth(1).unwrap().value_once(), "Get%2CList x");
        assert_eq!(u.param("n").unwrap(), "100%");
        assert_eq!(u.param("p").unwrap(), "a b+c");
        assert_eq!(u.param("q").unwrap(), "\u{fffd}");
        assert_eq!(u.param("bad").unwrap(), "%z");
        assert_eq!(u.param("k=").unwrap(), "v");
    }

    #[test]
    fn the_first_of_a_repeated_name_counts_and_default_is_a_fallback() {
        let u = url("dubbo://h/a?x=1&x=2&default.retries=3&default.timeout=9&timeout=5");
        assert_eq!(u.param("x").unwrap(), "1");
        assert_eq!(u.get("retries").unwrap(), "3");
        assert_eq!(u.get("timeout").unwrap(), "5");
        assert_eq!(u.param("retries"), None);
        assert_eq!(u.get("default"), None);
    }

    #[test]
    fn weights_follow_both_spellings() {
        let u = url(
            "dubbo://h/a?weight=7&methods.Get.weight=3&methods.Put.weight=0&del.weight=0&neg.weight=-4&x.weight=y",
        );
        for (method, weight) in [
            (None, 7),
            (Some("Get"), 3),
            (Some("Put"), 7),
            (Some("del"), 0),
            (Some("neg"), 0),
            (Some("x"), 100),
            (Some("Other"), 7),
        ] {
            assert_eq!(u.weight(method), weight, "{method:?}");
        }
        assert_eq!(url("dubbo://h/a").weight(None), crate::DEFAULT_WEIGHT);
        assert_eq!(url("dubbo://h/a?default.weight=20").weight(None), 20);
        assert_eq!(url("dubbo://h/a?weight=0").weight(None), 0);
        assert_eq!(u.method_param("Get", "weight").unwrap(), "3");
    }

    #[test]
    fn time_is_in_milliseconds_from_java_and_from_go() {
        let go = url("dubbo://h/a?timestamp=1628130614&warmup=100");
        assert_eq!((go.timestamp_ms(), go.warmup_ms()), (Some(1_628_130_614_000), Some(100_000)));
        let java = url("dubbo://h/a?timestamp=1628130614000&warmup=600000");
        assert_eq!(
            (java.timestamp_ms(), java.warmup_ms()),
            (Some(1_628_130_614_000), Some(600_000))
        );
        assert_eq!(url("dubbo://h/a?timestamp=x").timestamp_ms(), None);
    }

    #[test]
    fn disabled_is_said_in_two_ways() {
        assert!(url("dubbo://h/a").is_enabled());
        assert!(!url("dubbo://h/a?disabled=true").is_enabled());
        assert!(!url("dubbo://h/a?enabled=false").is_enabled());
        assert!(url("dubbo://h/a?enabled=true&disabled=false").is_enabled());
    }

    #[test]
    fn a_change_leaves_all_else_untouched() {
        let mut u = url("dubbo://u:p@h:1/a?b=%7e&&x=1&c&x=2#f");
        u.set("x", "a b");
        assert_eq!(u.as_str(), "dubbo://u:p@h:1/a?b=%7e&&x=a+b&c#f");
        u.set("new", "é");
        assert_eq!(u.as_str(), "dubbo://u:p@h:1/a?b=%7e&&x=a+b&c&new=%C3%A9#f");
        u.remove("absent");
        u.remove("c");
        assert_eq!(u.as_str(), "dubbo://u:p@h:1/a?b=%7e&&x=a+b&new=%C3%A9#f");
        assert_eq!(u.param("new").unwrap(), "é");

        let mut bare = url("dubbo://h#f");
        bare.set("a", "1");
        assert_eq!(bare.as_str(), "dubbo://h?a=1#f");
        bare.remove("a");
        assert_eq!(bare.as_str(), "dubbo://h#f");
    }

    #[test]
    fn the_service_is_the_interface_or_the_path() {
        let u = url("dubbo://h/ctx/a.B?interface=a.B&group=g%2F1&version=1.0");
        assert_eq!(u.service().to_string(), "g/1/a.B:1.0");
        assert_eq!(url("dubbo://h/a.B?group=&version=0.0.0").service().to_string(), "a.B");
    }

    #[test]
    fn no_password_shows_in_debug_output() {
        let shown = format!("{:?}", url("dubbo://u:secret@h/a?b=c"));
        assert_eq!(shown, "Url(dubbo://…@h/a?b=c)");
    }

    proptest! {
        #[test]
        fn what_is_read_and_written_is_the_same(text in "[a-z]{1,8}://(u:p@)?[a-z0-9.]{1,9}(:[0-9]{1,4})?(/[ -~]{0,20})?([?][ -~]{0,60})?") {
            if let Ok(url) = Url::parse(text.as_str()) {
                prop_assert_eq!(url.to_string(), text);
            }
        }

        #[test]
        fn parameters_are_split_at_any_length(query in "([a-z%+=]{0,4}|[a-z=%]{60,70}|&){0,12}") {
            let plain = query.split('&').filter(|segment| !segment.is_empty());
            let plain: Vec<_> = plain.map(|s| s.split_once('=').unwrap_or((s, ""))).collect();
            let url = format!("dubbo://h?{query}");
            let url = Url::parse(url.as_str()).unwrap();
            let split: Vec<_> = url.params().map(|p| (p.raw_name, p.raw_value)).collect();
            prop_assert_eq!(&split, &plain);
            for param in url.params() {
                prop_assert_eq!(param.name(), query_unescape_lossy(param.raw_name));
                prop_assert_eq!(param.value_once(), query_unescape_lossy(param.raw_value));
            }
        }

        #[test]
        fn no_text_panics(text: String, name: String, value: String) {
            for text in [text.clone(), format!("dubbo://{text}"), format!("dubbo://h?{text}")] {
                let Ok(mut url) = Url::parse(text.as_str()) else { continue };
                let _ = (url.hosts().count(), url.service().to_string(), url.weight(Some(&name)));
                url.set(&name, &value);
                let once = url.params().find(|p| p.is(&name)).map(|p| p.value_once().into_owned());
                prop_assert_eq!(once, Some(value.clone()));
                prop_assert_eq!(&Url::parse(url.as_str()).unwrap(), &url);
                url.remove(&name);
                prop_assert_eq!(url.param(&name), None);
                prop_assert_eq!(&Url::parse(url.as_str()).unwrap(), &url);
            }
        }
    }
}

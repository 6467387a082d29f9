//! A URL taken apart as Go's `net/url` does (`Parse`, then `ParseQuery`), and its address as
//! `net.SplitHostPort` does, with the place of what they refuse. It gives meaning to no part.
//!
//! Source: Go 1.26 with the settings of a module that asks for Go 1.21, as dubbo-go's users do.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::net::Ipv6Addr;

use memchr::{memchr, memchr_iter, memrchr};

use super::finding::Finding;
use crate::escape::escaped_offset;
use crate::find::find;
use crate::reason::Reason;

type Checked<T> = Result<T, Finding>;

/// A part of a URL, and where in it.
#[derive(Clone, Copy, Default)]
pub(super) struct Part<'a> {
    at: usize,
    pub(super) text: &'a [u8],
}

impl Part<'_> {
    /// The parts in front of and behind the first such byte; all of it, and nothing, without one.
    pub(super) fn cut(self, byte: u8) -> (Self, Self) {
        self.around(memchr(byte, self.text), 1)
    }

    fn around(self, at: Option<usize>, length: usize) -> (Self, Self) {
        let at = at.unwrap_or(self.text.len());
        let (before, behind) = self.text.split_at_checked(at).unwrap_or((self.text, &[]));
        let start = (at + length).min(self.text.len());
        let behind = behind.get(length..).unwrap_or_default();
        (Self { at: self.at, text: before }, Self { at: self.at + start, text: behind })
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        self.around(Some(at), 0)
    }

    const fn refused<T>(self, offset: usize, reason: Reason) -> Checked<T> {
        Err(Finding::new(reason, self.at + offset))
    }

    fn check_escapes(self) -> Checked<()> {
        match bad_escape(self.text) {
            Some(at) => self.refused(at, Reason::PercentEscape),
            None => Ok(()),
        }
    }
}

/// What a URL consists of, as written. All of it has been checked.
#[derive(Clone, Copy, Default)]
pub(super) struct Parts<'a> {
    pub(super) scheme: Part<'a>,
    pub(super) user: Option<Part<'a>>,
    /// Hosts and ports; see [`location`].
    pub(super) host: Part<'a>,
    pub(super) path: Part<'a>,
    pub(super) query: Part<'a>,
}

/// Takes apart what is left of a URL once its key has been unescaped.
pub(super) fn split(url: &[u8]) -> Checked<Parts<'_>> {
    let whole = Part { at: 0, text: url };
    if !memchr_iter(b'/', url).any(|at| url.get(at + 1) == Some(&b'/')) {
        return whole.refused(0, Reason::Protocol);
    }
    let (main, fragment) = whole.cut(b'#');
    // Without an early way out, so that the compiler may look at many bytes at once.
    if main.text.iter().fold(false, |any, byte| any | byte.is_ascii_control()) {
        let at = main.text.iter().position(u8::is_ascii_control).unwrap_or_default();
        return main.refused(at, Reason::ControlCharacter);
    }
    let mut parts = Parts::default();
    let rest;
    (parts.scheme, rest) = scheme(main)?;
    let (rest, query) = rest.cut(b'?');
    parts.query = query;
    if rest.text.starts_with(b"/") {
        parts.split_hierarchy(rest)?;
    } else if parts.scheme.text.is_empty() {
        let (segment, _) = rest.cut(b'/');
        if memchr(b':', segment.text).is_some() {
            return whole.refused(0, Reason::Protocol);
        }
        parts.path = rest;
        parts.path.check_escapes()?;
    }
    fragment.check_escapes()?;
    check_query(query)?;
    address(&location(parts.host.text)).map_err(|fault| {
        let offset = parts.host.at + escaped_offset(parts.host.text, fault.offset);
        Finding::new(fault.reason, offset)
    })?;
    Ok(parts)
}

impl<'a> Parts<'a> {
    fn split_hierarchy(&mut self, rest: Part<'a>) -> Checked<()> {
        let has_scheme = !self.scheme.text.is_empty();
        self.path = rest;
        if rest.text.starts_with(b"//") && (has_scheme || !rest.text.starts_with(b"///")) {
            let (_, authority) = rest.split_at(2);
            let (authority, path) = authority.around(memchr(b'/', authority.text), 0);
            self.path = path;
            let (user, host) = match memrchr(b'@', authority.text) {
                Some(at) => {
                    let (user, host) = authority.around(Some(at), 1);
                    (Some(user), host)
                }
                None => (None, authority),
            };
            (self.user, self.host) = (user, host);
            check_host(host)?;
            user.map_or(Ok(()), check_user)?;
        }
        self.path.check_escapes()
    }
}

/// The protocol and what follows its colon; none where a relative URL begins.
fn scheme(url: Part<'_>) -> Checked<(Part<'_>, Part<'_>)> {
    for (at, byte) in url.text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return url.refused(0, Reason::Protocol),
            b':' => return Ok(url.around(Some(at), 1)),
            _ => break,
        }
    }
    Ok((Part::default(), url))
}

fn check_user(user: Part<'_>) -> Checked<()> {
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
    match user.text.iter().position(|byte| !legal(byte)) {
        Some(at) => user.refused(at, Reason::UserInfo),
        None => user.check_escapes(),
    }
}

fn check_host(host: Part<'_>) -> Checked<()> {
    match memrchr(b'[', host.text) {
        Some(0) => return check_brackets(host),
        Some(at) => return host.refused(at, Reason::Host),
        None => {}
    }
    if let Some(colon) = memrchr(b':', host.text) {
        check_port(host.split_at(colon).1)?;
    }
    check_host_bytes(host, |escaped| !escaped.is_ascii())
}

fn check_brackets(host: Part<'_>) -> Checked<()> {
    let Some(end) = memrchr(b']', host.text) else {
        return host.refused(0, Reason::Ipv6);
    };
    let (inside, port) = host.around(Some(end), 1);
    check_port(port)?;
    let (_, inside) = inside.split_at(1);
    let (address, zone) = inside.around(find(inside.text, b"%25"), 0);
    check_host_bytes(address, |escaped| !escaped.is_ascii())?;
    check_host_bytes(zone, |escaped| escaped == b' ' || is_host_byte(escaped))?;
    let unescaped = unescape(inside.text, Plus::Kept);
    if is_ipv6(&unescaped) { Ok(()) } else { inside.refused(0, Reason::Ipv6) }
}

/// A port with its colon; either may be absent.
fn check_port(port: Part<'_>) -> Checked<()> {
    let digits = match port.text {
        [] => return Ok(()),
        [b':', digits @ ..] => digits,
        _ => return port.refused(0, Reason::Port),
    };
    match digits.iter().position(|byte| !byte.is_ascii_digit()) {
        Some(at) => port.refused(at + 1, Reason::Port),
        None => Ok(()),
    }
}

/// Checks the characters of a host, and its escapes, of which `%25` is always legal.
fn check_host_bytes(host: Part<'_>, may_escape: impl Fn(u8) -> bool) -> Checked<()> {
    let mut at = 0;
    while let Some(&byte) = host.text.get(at) {
        if byte == b'%' {
            match escape_at(host.text, at) {
                None => return host.refused(at, Reason::PercentEscape),
                Some(escaped) if escaped != b'%' && !may_escape(escaped) => {
                    return host.refused(at, Reason::HostEscape);
                }
                Some(_) => at += 2,
            }
        } else if byte.is_ascii() && !is_host_byte(byte) {
            return host.refused(at, Reason::Host);
        }
        at += 1;
    }
    Ok(())
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}

/// An IPv6 address as `netip.ParseAddr` reads it, with a zone that is not empty or none.
fn is_ipv6(text: &[u8]) -> bool {
    let zone = memchr(b'%', text);
    let address = text.get(..zone.unwrap_or(text.len())).and_then(|it| str::from_utf8(it).ok());
    zone.is_none_or(|at| at + 1 < text.len())
        && address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

/// What Go says first of several faults: that there is a `;`, else the first bad escape.
fn check_query(query: Part<'_>) -> Checked<()> {
    if let Some(at) = memchr(b';', query.text) {
        return query.refused(at, Reason::Semicolon);
    }
    query.check_escapes()
}

/// The parameters in their order, the names unescaped and the values as written.
pub(super) fn params(query: Part<'_>) -> impl Iterator<Item = (Cow<'_, [u8]>, &[u8])> {
    let mut rest = query;
    let segments = core::iter::from_fn(move || {
        let segment;
        (segment, rest) = if rest.text.is_empty() { return None } else { rest.cut(b'&') };
        Some(segment)
    });
    segments.filter(|segment| !segment.text.is_empty()).map(|segment| {
        let (name, value) = segment.cut(b'=');
        (unescape(name.text, Plus::Space), value.text)
    })
}

/// The value of a parameter.
pub(super) fn value(written: &[u8]) -> Cow<'_, [u8]> {
    unescape(written, Plus::Space)
}

/// Hosts and ports with their escapes undone.
pub(super) fn location(host: &[u8]) -> Cow<'_, [u8]> {
    unescape(host, Plus::Kept)
}

/// Host and port of the first of several that has a colon, as text; nothing if none has.
pub(super) fn address(location: &[u8]) -> Checked<(&[u8], &[u8])> {
    let mut rest = Part { at: 0, text: location };
    while !rest.text.is_empty() {
        let host;
        (host, rest) = rest.cut(b',');
        let spaces = host.text.iter().take_while(|byte| **byte == b' ').count();
        let text = host.text.trim_ascii();
        if memchr(b':', text).is_some() {
            return split_host_port(Part { at: host.at + spaces, text });
        }
    }
    Ok((&[], &[]))
}

fn split_host_port(address: Part<'_>) -> Checked<(&[u8], &[u8])> {
    let (host, port) = address.around(memrchr(b':', address.text), 1);
    if let [b'[', inside @ ..] = address.text {
        let Some(end) = memchr(b']', inside) else { return address.refused(0, Reason::Host) };
        let (host, behind) = address.split_at(1).1.around(Some(end), 1);
        return match behind.text {
            [b':', port @ ..] if memchr(b':', port).is_some() => {
                address.refused(0, Reason::ManyColons)
            }
            [b':', port @ ..] if no_brackets(host.text) && no_brackets(port) => {
                Ok((host.text, port))
            }
            [b':', ..] => address.refused(0, Reason::Host),
            _ => address.refused(0, Reason::MissingPort),
        };
    }
    if memchr(b':', host.text).is_some() {
        return address.refused(0, Reason::ManyColons);
    }
    if no_brackets(address.text) {
        Ok((host.text, port.text))
    } else {
        address.refused(0, Reason::Host)
    }
}

fn no_brackets(text: &[u8]) -> bool {
    memchr::memchr2(b'[', b']', text).is_none()
}

/// Where the first `%` stands that two hexadecimal digits do not follow.
pub(super) fn bad_escape(text: &[u8]) -> Option<usize> {
    memchr_iter(b'%', text).find(|at| escape_at(text, *at).is_none())
}

/// The byte that the escape at this place stands for.
fn escape_at(text: &[u8], at: usize) -> Option<u8> {
    let digit = |at| char::from(*text.get(at)?).to_digit(16);
    u8::try_from(digit(at + 1)? << 4 | digit(at + 2)?).ok()
}

/// What a `+` stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Plus {
    Kept,
    Space,
}

/// Undoes the escapes; one that is none stands for itself.
pub(super) fn unescape(text: &[u8], plus: Plus) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'%', b'+', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let escaped = if byte == b'%' { escape_at(text, at) } else { None };
        out.push(match escaped {
            Some(escaped) => escaped,
            None if byte == b'+' && plus == Plus::Space => b' ',
            None => byte,
        });
        at += if escaped.is_some() { 3 } else { 1 };
    }
    Cow::Owned(out)
}

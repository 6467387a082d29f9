//! A server's URL as the crate `url` reads it, for names in ASCII. The tables with which that crate reads every
//! other name are a tenth of a component; who has such a server writes its name as DNS has it (`xn--…`).
//!
//! It has the surface of `url::Url`, as far as it is used. It must never take for a URL what that does not, nor
//! lead elsewhere: natively the tests compare both.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    ops::Range,
};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What a path cannot hold as it is.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// A URL that was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    text: String,
    scheme: usize,
    user: Option<(String, Option<String>)>,
    authority: Range<usize>,
    host: Range<usize>,
    port: Option<u16>,
    path: Range<usize>,
    query: Option<String>,
    fragment: Option<String>,
}

/// Why a text is no URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// There is no scheme.
    #[error("relative URL without a base")]
    Relative,
    /// There is no host.
    #[error("empty host")]
    EmptyHost,
    /// The port is no number, or one too large.
    #[error("invalid port number")]
    Port,
    /// It ends like an address and is none.
    #[error("invalid IPv4 address")]
    Ipv4,
    /// What stands in brackets is no address.
    #[error("invalid IPv6 address")]
    Ipv6,
    /// A host with something else than letters, digits, dots and hyphens.
    #[error("invalid international domain name")]
    Name,
    /// A host that is not ASCII.
    #[error("a component knows a host only by its ASCII name (xn--…)")]
    NotAscii,
}

impl Url {
    /// Reads an absolute URL.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let text: String =
            text.trim().chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
        let (scheme, rest) = text.split_once("://").ok_or(ParseError::Relative)?;
        let mut letters = scheme.bytes();
        let begins = letters.next().is_some_and(|byte| byte.is_ascii_alphabetic());
        if !begins || !letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
            return Err(ParseError::Relative);
        }
        let rest = rest.trim_start_matches(['/', '\\']);
        let (rest, fragment) = parted(rest, '#');
        let (rest, query) = parted(rest, '?');
        let (authority, path) = rest.split_at(rest.find(['/', '\\']).unwrap_or(rest.len()));
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, authority),
        };
        let (host, port) = host_and_port(place)?;
        let scheme = scheme.to_ascii_lowercase();
        let port = port.filter(|port| known_port(&scheme) != Some(*port));

        let mut url = Self {
            scheme: scheme.len(),
            text: scheme + "://",
            user: user.map(|user| {
                let (name, password) = parted(user, ':');
                (name.to_owned(), password.map(str::to_owned))
            }),
            authority: 0..0,
            host: 0..0,
            port,
            path: 0..0,
            query: query.map(str::to_owned),
            fragment: fragment.map(str::to_owned),
        };
        let authority = url.text.len();
        url.text.extend(user.into_iter().flat_map(|user| [user, "@"]));
        url.host = url.push(&host);
        url.text.extend(port.map(|port| format!(":{port}")));
        url.authority = authority..url.text.len();
        url.path = url.push(&normal_path(path));
        url.text.extend(query.into_iter().flat_map(|query| ["?", query]));
        url.text.extend(fragment.into_iter().flat_map(|fragment| ["#", fragment]));
        Ok(url)
    }

    fn push(&mut self, part: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(part);
        start..self.text.len()
    }

    fn part(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// The whole.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before `://`, in lower case.
    pub fn scheme(&self) -> &str {
        self.part(&(0..self.scheme))
    }

    /// The user's name, or nothing.
    pub fn username(&self) -> &str {
        self.user.as_ref().map_or("", |(name, _)| name)
    }

    /// The user's password.
    pub fn password(&self) -> Option<&str> {
        self.user.as_ref()?.1.as_deref()
    }

    /// The user, the host, and the port if it is not that of the scheme.
    pub fn authority(&self) -> &str {
        self.part(&self.authority)
    }

    /// The host, an IPv6 address in its brackets.
    pub fn host_str(&self) -> Option<&str> {
        self.text.get(self.host.clone())
    }

    /// The port, if it is not that of the scheme.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The port, or that of the scheme.
    pub fn port_or_known_default(&self) -> Option<u16> {
        self.port.or_else(|| known_port(self.scheme()))
    }

    /// The path, from its slash on.
    pub fn path(&self) -> &str {
        self.part(&self.path)
    }

    /// What stands behind `?`.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// What stands behind `#`.
    pub fn fragment(&self) -> Option<&str> {
        self.fragment.as_deref()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Without the user, who may have a password.
impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({}://{}{})", self.scheme(), self.part(&self.host), self.path())
    }
}

fn parted(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn known_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

fn host_and_port(text: &str) -> Result<(String, Option<u16>), ParseError> {
    let (host, port) = if let Some(bracketed) = text.strip_prefix('[') {
        let (address, rest) = bracketed.split_once(']').ok_or(ParseError::Ipv6)?;
        let address: Ipv6Addr = address.parse().map_err(|_| ParseError::Ipv6)?;
        match rest.strip_prefix(':') {
            None if !rest.is_empty() => return Err(ParseError::Port),
            port => (format!("[{address}]"), port),
        }
    } else {
        let (host, port) = parted(text, ':');
        (name(host)?, port)
    };
    let port = port.filter(|port| !port.is_empty());
    if port.is_some_and(|port| !port.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(ParseError::Port);
    }
    Ok((host, port.map(str::parse).transpose().map_err(|_| ParseError::Port)?))
}

/// A DNS name or an IPv4 address, in lower case.
fn name(host: &str) -> Result<String, ParseError> {
    if host.is_empty() {
        return Err(ParseError::EmptyHost);
    }
    if !host.is_ascii() {
        return Err(ParseError::NotAscii);
    }
    if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)) {
        return Err(ParseError::Name);
    }
    let host = host.to_ascii_lowercase();
    let last = host.strip_suffix('.').unwrap_or(&host).rsplit('.').next().unwrap_or_default();
    // `0x7f.1` and `127.1` are addresses to browsers, and mistakes elsewhere.
    let hexadecimal = last
        .strip_prefix("0x")
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    if (number || hexadecimal) && host.parse::<Ipv4Addr>().is_err() {
        return Err(ParseError::Ipv4);
    }
    Ok(host)
}

/// The path with its steps up and in place taken, and encoded.
fn normal_path(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut steps = path.get(1..).unwrap_or_default().split(['/', '\\']).peekable();
    while let Some(step) = steps.next() {
        let is_last = steps.peek().is_none();
        match step.to_ascii_lowercase().replace("%2e", ".").as_str() {
            "." => {}
            ".." => drop(kept.pop()),
            _ => {
                kept.push(step);
                continue;
            }
        }
        // What ends in a step is a folder.
        kept.extend(is_last.then_some(""));
    }
    let encoded = kept.iter().map(|step| utf8_percent_encode(step, PATH).to_string());
    format!("/{}", encoded.collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What both say of it.
    fn both(text: &str) -> (Result<Url, ParseError>, Result<url::Url, url::ParseError>) {
        (Url::parse(text), url::Url::parse(text))
    }

    fn assert_same(text: &str, here: &Url, there: &url::Url) {
        assert_eq!(here.as_str(), there.as_str(), "{text}");
        assert_eq!(here.to_string(), there.to_string(), "{text}");
        assert_eq!(here.scheme(), there.scheme(), "{text}");
        assert_eq!(here.authority(), there.authority(), "{text}");
        assert_eq!(here.host_str(), there.host_str(), "{text}");
        assert_eq!(here.port(), there.port(), "{text}");
        assert_eq!(here.port_or_known_default(), there.port_or_known_default(), "{text}");
        assert_eq!(here.path(), there.path(), "{text}");
        assert_eq!(here.query(), there.query(), "{text}");
        assert_eq!(here.fragment(), there.fragment(), "{text}");
        assert_eq!(
            (here.username(), here.password()),
            (there.username(), there.password()),
            "{text}"
        );
    }

    #[test]
    fn servers_are_read_as_by_the_crate() {
        for text in [
            "http://127.0.0.1:8001",
            "https://kube.example:443",
            "HTTPS://Kube.Example:6443/",
            "https://[fd00::1]:6443/k8s/clusters/c-x",
            "https://[FD00:0:0::0001]",
            "https://h/a/../b/./c/%2e%2E/d/..",
            "https://h/a b\"<用户>`{}^|",
            "https://h\\a\\b",
            "https:///h//a//",
            "https://h:/",
            "https://ada:s3cr3t@h:1/?a=b#c",
            "https://ada@h",
            "https://h.example./",
            "https://a_b-c/",
            " https://h\t/\n",
        ] {
            let (here, there) = both(text);
            assert_same(text, &here.unwrap(), &there.unwrap());
        }
    }

    #[test]
    fn what_is_no_url_is_refused_in_the_same_words() {
        for text in [
            "h",
            "1://h",
            "a b://h",
            "https://",
            "https://:443",
            "https://h:99999",
            "https://h:1a",
            "https://[::1",
            "https://[::g]",
            "https://1.2.3.256",
            "https://a b",
            "https://a%zz",
        ] {
            let (here, there) = both(text);
            assert_eq!(here.unwrap_err().to_string(), there.unwrap_err().to_string(), "{text}");
        }
        // What only a browser takes for an address, and what would need the tables.
        assert_eq!(Url::parse("https://127.1"), Err(ParseError::Ipv4));
        assert_eq!(Url::parse("https://0x7f.0x1"), Err(ParseError::Ipv4));
        assert_eq!(Url::parse("https://用户.example"), Err(ParseError::NotAscii));
    }

    #[test]
    fn a_password_is_not_in_the_debug_output() {
        assert_eq!(
            format!("{:?}", Url::parse("https://ada:s3cr3t@h:1/a").unwrap()),
            "Url(https://h/a)"
        );
    }

    proptest! {
        #[test]
        fn whatever_is_taken_for_a_url_is_the_same_one(
            rest in "([a-c0-2.-]{1,8}|\\[[0-2a:]{2,8}\\])(:[0-9]{0,5})?([/\\\\][a-c./%2e\\\\ ]{0,12})?"
        ) {
            for scheme in ["http://", "https://"] {
                let text = format!("{scheme}{rest}");
                if let (Ok(here), there) = both(&text) {
                    assert_same(&text, &here, &there.unwrap());
                }
            }
        }
    }
}

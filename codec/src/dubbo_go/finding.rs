//! The place of what dubbo-go refuses or reads in another way, and what can stand there instead.
//!
//! Nothing here finds anything.

use alloc::format;
use alloc::string::String;
use core::ops::Range;

use crate::reason::Reason;

/// A reason and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Finding {
    /// Why.
    pub reason: Reason,
    /// Byte offset in the text that was given.
    pub offset: usize,
}

impl Finding {
    pub(super) const fn new(reason: Reason, offset: usize) -> Self {
        Self { reason, offset }
    }

    /// The part of the URL that the finding is about.
    pub fn span(self, url: &str) -> Range<usize> {
        let start = self.offset.min(url.len());
        let rest = url.get(start..).unwrap_or_default();
        let length = match self.reason {
            Reason::ManyColons | Reason::Ipv6 | Reason::MissingPort | Reason::NoPort => {
                rest.find([',', '/', '?', '#']).unwrap_or(rest.len())
            }
            Reason::HostEscape => rest.char_indices().nth(3).map_or(rest.len(), |(at, _)| at),
            Reason::DefaultPrefix | Reason::ZeroVersion => {
                rest.find(['&', '#']).unwrap_or(rest.len())
            }
            _ => rest.chars().next().map_or(0, char::len_utf8),
        };
        start..start + length
    }

    /// What can stand there instead, so that dubbo-go reads the URL as it was meant.
    pub fn instead(self, url: &str) -> Option<String> {
        let found = url.get(self.span(url))?;
        match self.reason {
            Reason::PercentEscape
            | Reason::Semicolon
            | Reason::ControlCharacter
            | Reason::UserInfo
            | Reason::Fragment => {
                let escaped = found.bytes().map(|byte| format!("%{byte:02X}"));
                Some(escaped.collect()).filter(|escaped: &String| !escaped.is_empty())
            }
            Reason::ManyColons => bracketed(found),
            _ => None,
        }
    }
}

/// An IPv6 address with its port, in the brackets that it lacks.
fn bracketed(host: &str) -> Option<String> {
    let (name, port) = host.rsplit_once(':')?;
    let written = |name: &str| ["[", &name.replace("%25", "%").replace('%', "%25"), "]"].concat();
    if crate::url::is_ipv6(name) && !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit()) {
        return Some([&written(name), ":", port].concat());
    }
    crate::url::is_ipv6(host).then(|| written(host))
}

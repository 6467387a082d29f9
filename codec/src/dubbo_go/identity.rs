//! Which providers dubbo-go's consumer takes: `URL.URLEqual`, and what it compares.
//!
//! Source: `common/url.go` of dubbo-go 1.5.9, which `DataChange` of its Kubernetes registry asks for
//! every provider and every URL that a consumer subscribed to.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::net_url::{self, Part, Plus, unescape};
use super::{Finding, text};
use crate::Url;
use crate::facts::{Facts, WithFallback};
use crate::find::find;
use crate::phrase::Phrase;

const ANY: &[u8] = b"*";

/// The parameters that are compared.
const COMPARED: [&[u8]; 5] = [b"interface", b"group", b"version", b"enabled", b"category"];

/// What dubbo-go compares of a provider and a consumer.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    pub(super) protocol: Vec<u8>,
    pub(super) username: Vec<u8>,
    pub(super) password: Vec<u8>,
    pub(super) interface: Vec<u8>,
    pub(super) group: Vec<u8>,
    pub(super) version: Vec<u8>,
    pub(super) enabled: Vec<u8>,
    pub(super) category: Vec<u8>,
}

/// The first thing in which a provider is not what a consumer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Mismatch {
    /// The interface.
    Interface,
    /// The group, which is no list for dubbo-go.
    Group,
    /// The version, where `0.0.0` is not the same as none.
    Version,
    /// The protocol.
    Protocol,
    /// User or password; dubbo-go's consumers have none.
    User,
    /// The consumer is not enabled.
    Enabled,
    /// The category of the provider does not hold that of the consumer.
    Category,
}

impl Mismatch {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interface => "interface",
            Self::Group => "group",
            Self::Version => "version",
            Self::Protocol => "protocol",
            Self::User => "user",
            Self::Enabled => "enabled",
            Self::Category => "category",
        }
    }

    /// The mismatch in words.
    pub const fn phrase(self) -> Phrase {
        match self {
            Self::Interface => Phrase::GoOtherInterface,
            Self::Group => Phrase::GoOtherGroup,
            Self::Version => Phrase::GoOtherVersion,
            Self::Protocol => Phrase::GoOtherProtocol,
            Self::User => Phrase::GoOtherUser,
            Self::Enabled => Phrase::GoNotEnabled,
            Self::Category => Phrase::GoOtherCategory,
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Identity {
    /// What a provider is known by; the same as that of a [`GoUrl`](super::GoUrl), of which nothing else is made.
    ///
    /// # Errors
    /// Why dubbo-go refuses the URL, and where in it.
    pub fn of_provider(url: &str) -> Result<Self, Finding> {
        if url.is_empty() {
            return Ok(Self::default());
        }
        let parts = net_url::split(url.as_bytes())?;
        let (username, password) = parts.user.map_or_else(Default::default, |user| user.cut(b':'));
        let mut identity = Self {
            protocol: parts.scheme.text.to_ascii_lowercase(),
            username: unescape(username.text, Plus::Kept).into_owned(),
            password: unescape(password.text, Plus::Kept).into_owned(),
            ..Self::default()
        };
        identity.read_params(parts.query);
        if identity.interface.is_empty() {
            let path = unescape(parts.path.text, Plus::Kept);
            identity.interface = path.strip_prefix(b"/").unwrap_or(&path).to_vec();
        }
        Ok(identity)
    }

    /// The first parameter of each name counts, and where it has no value the first with the prefix `default.`.
    fn read_params(&mut self, query: Part<'_>) {
        let (mut own, mut fallback) = ([None; 5], [None; 5]);
        for (name, written) in net_url::params(query) {
            let (name, places) = match name.strip_prefix(b"default.") {
                Some(name) => (name, &mut fallback),
                None => (&*name, &mut own),
            };
            let known = COMPARED.iter().position(|known| *known == name);
            if let Some(place) = known.and_then(|at| places.get_mut(at)) {
                place.get_or_insert(written);
            }
        }
        let Self { interface, group, version, enabled, category, .. } = self;
        let values = [interface, group, version, enabled, category];
        for (value, written) in values.into_iter().zip(own.into_iter().zip(fallback)) {
            let written = written.0.filter(|own| !own.is_empty()).or(written.1);
            *value = net_url::value(written.unwrap_or_default()).into_owned();
        }
    }

    /// What a consumer subscribes with, by the record that dubbo-go wrote for it: the protocol
    /// stands in a parameter there, and the category is not the one that is compared. `None` for a
    /// record without that parameter, of a consumer that is no dubbo-go.
    pub fn of_consumer(url: &Url<'_>) -> Option<Self> {
        Self::of_facts(url, &Facts::of(url.params()))
    }

    /// The same by what the parameters of the URL say.
    pub(crate) fn of_facts(url: &Url<'_>, facts: &Facts<'_>) -> Option<Self> {
        let value = |of: &WithFallback<'_>| of.value().unwrap_or_default().as_bytes().to_vec();
        Some(Self {
            protocol: facts.protocol?.value().as_bytes().to_ascii_lowercase(),
            interface: facts.service(url.path()).interface.as_bytes().to_vec(),
            group: value(&facts.group),
            version: value(&facts.version),
            enabled: value(&facts.enabled),
            ..Self::default()
        })
    }

    /// Why the consumer does not take this provider; `None` if it does.
    pub fn mismatch(&self, consumer: &Self) -> Option<Mismatch> {
        let (mut own, mut asked) = (self.key(b"", b""), consumer.key(b"", b""));
        if self.group == ANY {
            own = with_group(&own, &consumer.group);
        } else if consumer.group == ANY {
            asked = with_group(&asked, &self.group);
        }
        if own != asked {
            return Some(self.difference(consumer));
        }
        if !matches!(&*consumer.enabled, b"" | b"true" | ANY) {
            return Some(Mismatch::Enabled);
        }
        (!holds_category(or_providers(&self.category), or_providers(&consumer.category)))
            .then_some(Mismatch::Category)
    }

    fn difference(&self, consumer: &Self) -> Mismatch {
        if self.interface != consumer.interface {
            Mismatch::Interface
        } else if self.version != consumer.version {
            Mismatch::Version
        } else if self.protocol != consumer.protocol {
            Mismatch::Protocol
        } else if (&self.username, &self.password) != (&consumer.username, &consumer.password) {
            Mismatch::User
        } else {
            Mismatch::Group
        }
    }

    /// The value in which the consumer is another one, as text; no user and no password.
    pub fn value(&self, of: Mismatch) -> Cow<'_, str> {
        text(match of {
            Mismatch::Interface => &self.interface,
            Mismatch::Group => &self.group,
            Mismatch::Version => &self.version,
            Mismatch::Protocol => &self.protocol,
            Mismatch::User => b"",
            Mismatch::Enabled => &self.enabled,
            Mismatch::Category => &self.category,
        })
    }

    /// A text that is the same for those of which each takes, and is taken by, the same ones.
    pub fn kind(&self) -> String {
        let Self { enabled, category, .. } = self;
        text(&[&*self.key(b"", b""), b"\0", enabled, b"\0", category].concat()).into_owned()
    }

    pub(super) fn key(&self, ip: &[u8], port: &[u8]) -> Vec<u8> {
        [
            &*self.protocol,
            b"://",
            &self.username,
            b":",
            &self.password,
            b"@",
            ip,
            b":",
            port,
            b"/?interface=",
            &self.interface,
            b"&group=",
            &self.group,
            b"&version=",
            &self.version,
        ]
        .concat()
    }
}

/// Without user and password.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [protocol, interface] = [&self.protocol, &self.interface].map(|it| text(it));
        write!(f, "Identity({protocol} {}/{interface}:{})", text(&self.group), text(&self.version))
    }
}

/// The key with a group in place of the first `*`, wherever `group=*` stands first in it.
fn with_group(key: &[u8], group: &[u8]) -> Vec<u8> {
    let Some(at) = find(key, b"group=*") else { return key.to_vec() };
    let (head, tail) = key.split_at_checked(at + b"group=".len()).unwrap_or((key, &[]));
    [head, group, tail.get(1..).unwrap_or_default()].concat()
}

fn or_providers(category: &[u8]) -> &[u8] {
    if category.is_empty() { b"providers" } else { category }
}

/// Whether the provider's list of categories admits that of the consumer, which is one text here.
fn holds_category(list: &[u8], category: &[u8]) -> bool {
    let holds = |part: &[u8]| find(list, part).is_some();
    if holds(ANY) {
        true
    } else if holds(b"-") {
        !holds(&[b"-", category].concat())
    } else {
        holds(category)
    }
}

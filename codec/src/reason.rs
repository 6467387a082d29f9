//! Why dubbo-go refuses a URL or reads it in another way, as data: a stable name.
//!
//! The words for people are phrases; nothing here finds anything.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::phrase::Phrase;

/// Why dubbo-go refuses a URL, or what it reads otherwise than this crate. The names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// Refused: a `%` without two hexadecimal digits behind it.
    PercentEscape,
    /// Refused: a `;` in the query.
    Semicolon,
    /// Refused: a control character.
    ControlCharacter,
    /// Refused: no `//`, or no protocol in front of it.
    Protocol,
    /// Refused: a character that may not stand in a user or password.
    UserInfo,
    /// Refused: a character or a bracket that may not stand in a host.
    Host,
    /// Refused: an escape of an ASCII character in a host.
    HostEscape,
    /// Refused: no IPv6 address between the brackets.
    Ipv6,
    /// Refused: a port that is no number.
    Port,
    /// Refused: a host with several colons, as an IPv6 address without brackets has.
    ManyColons,
    /// Refused: an IPv6 address in brackets without a port.
    MissingPort,
    /// Read otherwise: `#` ends the query.
    Fragment,
    /// Read otherwise: a parameter that has only its fallback `default.…` counts as given.
    DefaultPrefix,
    /// Read otherwise: version `0.0.0` is another version than none when a consumer is matched.
    ZeroVersion,
    /// Read otherwise: the protocol in lower case.
    ProtocolCase,
    /// Read otherwise: of several hosts the first one that has a port, and no other.
    HostList,
    /// Read otherwise: a provider without a port has no address at all.
    NoPort,
    /// Read otherwise: the interface in the path, where `+` is no space.
    PathInterface,
    /// Kept: the zone of an IPv6 address, which means something only on its own host.
    Ipv6Zone,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 19] = [
        Self::PercentEscape,
        Self::Semicolon,
        Self::ControlCharacter,
        Self::Protocol,
        Self::UserInfo,
        Self::Host,
        Self::HostEscape,
        Self::Ipv6,
        Self::Port,
        Self::ManyColons,
        Self::MissingPort,
        Self::Fragment,
        Self::DefaultPrefix,
        Self::ZeroVersion,
        Self::ProtocolCase,
        Self::HostList,
        Self::NoPort,
        Self::PathInterface,
        Self::Ipv6Zone,
    ];

    /// The stable name, in kebab case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PercentEscape => "percent-escape",
            Self::Semicolon => "semicolon",
            Self::ControlCharacter => "control-character",
            Self::Protocol => "protocol",
            Self::UserInfo => "user-info",
            Self::Host => "host",
            Self::HostEscape => "host-escape",
            Self::Ipv6 => "ipv6",
            Self::Port => "port",
            Self::ManyColons => "many-colons",
            Self::MissingPort => "missing-port",
            Self::Fragment => "fragment",
            Self::DefaultPrefix => "default-prefix",
            Self::ZeroVersion => "zero-version",
            Self::ProtocolCase => "protocol-case",
            Self::HostList => "host-list",
            Self::NoPort => "no-port",
            Self::PathInterface => "path-interface",
            Self::Ipv6Zone => "ipv6-zone",
        }
    }

    /// The reason of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }

    /// The reason in words.
    pub const fn phrase(self) -> Phrase {
        match self {
            Self::PercentEscape => Phrase::GoPercentEscape,
            Self::Semicolon => Phrase::GoSemicolon,
            Self::ControlCharacter => Phrase::GoControlCharacter,
            Self::Protocol => Phrase::GoProtocol,
            Self::UserInfo => Phrase::GoUserInfo,
            Self::Host => Phrase::GoHost,
            Self::HostEscape => Phrase::GoHostEscape,
            Self::Ipv6 => Phrase::GoIpv6,
            Self::Port => Phrase::GoPort,
            Self::ManyColons => Phrase::GoManyColons,
            Self::MissingPort => Phrase::GoMissingPort,
            Self::Fragment => Phrase::GoFragment,
            Self::DefaultPrefix => Phrase::GoDefaultPrefix,
            Self::ZeroVersion => Phrase::GoZeroVersion,
            Self::ProtocolCase => Phrase::GoProtocolCase,
            Self::HostList => Phrase::GoHostList,
            Self::NoPort => Phrase::GoNoPort,
            Self::PathInterface => Phrase::GoPathInterface,
            Self::Ipv6Zone => Phrase::GoIpv6Zone,
        }
    }

    /// Whether it concerns a provider only: dubbo-go writes its consumers without a port, so those
    /// with an IPv6 address never pass its own reader, which never reads them.
    pub const fn is_of_port(self) -> bool {
        matches!(self, Self::ManyColons | Self::MissingPort)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

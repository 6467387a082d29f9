//! Why dubbo-go refuses a URL or reads it in another way, as data: a stable name.
//!
//! The words for people are phrases; nothing here finds anything.

use serde::{Deserialize, Serialize};

use crate::named::named;
use crate::phrase::Phrase;

named! {
    /// Why dubbo-go refuses a URL, or what it reads otherwise than this crate. The names are stable.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    #[non_exhaustive]
    pub enum Reason {
        /// Refused: a `%` without two hexadecimal digits behind it.
        PercentEscape = "percent-escape",
        /// Refused: a `;` in the query.
        Semicolon = "semicolon",
        /// Refused: a control character.
        ControlCharacter = "control-character",
        /// Refused: no `//`, or no protocol in front of it.
        Protocol = "protocol",
        /// Refused: a character that may not stand in a user or password.
        UserInfo = "user-info",
        /// Refused: a character or a bracket that may not stand in a host.
        Host = "host",
        /// Refused: an escape of an ASCII character in a host.
        HostEscape = "host-escape",
        /// Refused: no IPv6 address between the brackets.
        Ipv6 = "ipv6",
        /// Refused: a port that is no number.
        Port = "port",
        /// Refused: a host with several colons, as an IPv6 address without brackets has.
        ManyColons = "many-colons",
        /// Refused: an IPv6 address in brackets without a port.
        MissingPort = "missing-port",
        /// Read otherwise: `#` ends the query.
        Fragment = "fragment",
        /// Read otherwise: a parameter that has only its fallback `default.…` counts as given.
        DefaultPrefix = "default-prefix",
        /// Read otherwise: version `0.0.0` is another version than none when a consumer is matched.
        ZeroVersion = "zero-version",
        /// Read otherwise: the protocol in lower case.
        ProtocolCase = "protocol-case",
        /// Read otherwise: of several hosts the first one that has a port, and no other.
        HostList = "host-list",
        /// Read otherwise: a provider without a port has no address at all.
        NoPort = "no-port",
        /// Read otherwise: the interface in the path, where `+` is no space.
        PathInterface = "path-interface",
        /// Kept: the zone of an IPv6 address, which means something only on its own host.
        Ipv6Zone = "ipv6-zone",
    }
}

impl Reason {
    /// The reason of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == name)
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

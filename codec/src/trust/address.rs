//! Whether a provider's address is one that its Pod may name: its own, or an admitted one. Loopback, unspecified,
//! multicast and link-local addresses, and the metadata services of clouds, are admitted only by a network that names
//! them, in whichever form of IPv6 an IPv4 address is written.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Distrust, Unbelieved};
use crate::Url;
use crate::phrase::Phrase;

/// Addresses that are admitted: a network, or every one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Admit {
    /// Any address and any host name, but none that must be [named](IpNet) by a network.
    Any,
    /// The addresses of this network. One that holds, among others, addresses that must be named does not name them.
    Network(IpNet),
}

/// A text that is neither `any` nor a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadAdmit(String);

impl fmt::Display for BadAdmit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no network such as 10.0.0.0/8 or fd00::/8, no address, and not \"any\"",
            self.0
        )
    }
}

impl core::error::Error for BadAdmit {}

impl FromStr for Admit {
    type Err = BadAdmit;

    /// `any`, a network such as `10.0.0.0/8`, or one address.
    fn from_str(text: &str) -> Result<Self, BadAdmit> {
        if text == "any" {
            return Ok(Self::Any);
        }
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.map(canonical).map(Self::Network).map_err(|_| BadAdmit(text.to_owned()))
    }
}

/// A network of IPv4 addresses that is written as one of IPv6 (`::ffff:10.0.0.0/104`) as what it is.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    let plain = v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96));
    let plain = plain.and_then(|(address, length)| Ipv4Net::new(address, length).ok());
    plain.map_or(network, IpNet::V4)
}

/// Every host of the URL has to be admitted.
pub(super) fn judge(
    admitted: &[Admit],
    url: &Url<'_>,
    own: Option<&[IpAddr]>,
) -> Result<(), Unbelieved> {
    for host in url.hosts() {
        if let Some(found) = refused(admitted, host.name, own) {
            let offset = url.written_hosts().0;
            return Err(Unbelieved { distrust: Distrust::AddressNotPod, offset, found });
        }
    }
    Ok(())
}

/// What is wrong with a host, if it is not admitted.
fn refused(admitted: &[Admit], host: &str, own: Option<&[IpAddr]>) -> Option<Phrase> {
    let any = admitted.contains(&Admit::Any);
    let Ok(address) = host.parse::<IpAddr>() else {
        return (!any || !is_name(host)).then_some(Phrase::HostName);
    };
    let address = address.to_canonical();
    let networks = admitted.iter().filter_map(|admit| match admit {
        Admit::Network(network) if network.contains(&address) => Some(network.prefix_len()),
        _ => None,
    });
    if let Some((what, length)) = special(address) {
        return networks.max().is_none_or(|longest| longest < length).then_some(what);
    }
    let is_own = own.is_none_or(|own| own.iter().any(|own| own.to_canonical() == address));
    (!is_own && !any && networks.count() == 0).then_some(Phrase::AnotherAddress)
}

/// A name that stands for no address by itself: resolvers take `127.1`, `0x7f000001` and `localhost` for loopback.
fn is_name(host: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    let number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("0x"));
    host.bytes().all(legal) && !number && !last.eq_ignore_ascii_case("localhost")
}

const V4: [(Ipv4Addr, u8, Phrase); 8] = [
    (Ipv4Addr::UNSPECIFIED, 8, Phrase::UnspecifiedAddress),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Phrase::LoopbackAddress),
    (Ipv4Addr::new(169, 254, 0, 0), 16, Phrase::LinkLocalAddress),
    (Ipv4Addr::new(224, 0, 0, 0), 4, Phrase::MulticastAddress),
    (Ipv4Addr::BROADCAST, 32, Phrase::MulticastAddress),
    // Alibaba, Azure and Oracle have their metadata services elsewhere than the others.
    (Ipv4Addr::new(100, 100, 100, 200), 32, Phrase::MetadataAddress),
    (Ipv4Addr::new(168, 63, 129, 16), 32, Phrase::MetadataAddress),
    (Ipv4Addr::new(192, 0, 0, 192), 32, Phrase::MetadataAddress),
];

const V6: [(Ipv6Addr, u8, Phrase); 8] = [
    (Ipv6Addr::UNSPECIFIED, 128, Phrase::UnspecifiedAddress),
    (Ipv6Addr::LOCALHOST, 128, Phrase::LoopbackAddress),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, Phrase::LinkLocalAddress),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, Phrase::MulticastAddress),
    // AWS and Google.
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128, Phrase::MetadataAddress),
    (Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128, Phrase::MetadataAddress),
    // The translators of RFC 8215 and of Teredo lead to IPv4 addresses that do not stand there as they are.
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, Phrase::TranslatedAddress),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, Phrase::TranslatedAddress),
];

/// Networks in which an IPv4 address stands behind so many bits: compatible, translated (RFC 2765), NAT64, 6to4.
const EMBEDDING: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::UNSPECIFIED, 96),
    (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96),
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
];

/// What an address is that must be named, and how long the prefix of a network is that names it.
fn special(address: IpAddr) -> Option<(Phrase, u8)> {
    match address {
        IpAddr::V4(v4) => special_v4(v4),
        IpAddr::V6(v6) => {
            let within = |network: Ipv6Addr, length: u8| {
                Ipv6Net::new(network, length).is_ok_and(|network| network.contains(&v6))
            };
            let known = V6.iter().find(|(network, length, _)| within(*network, *length));
            known.map(|(_, length, what)| (*what, *length)).or_else(|| {
                let (_, behind) =
                    EMBEDDING.iter().find(|(start, length)| within(*start, *length))?;
                let (what, length) = special_v4(embedded(v6, *behind))?;
                Some((what, behind + length))
            })
        }
    }
}

fn special_v4(v4: Ipv4Addr) -> Option<(Phrase, u8)> {
    let within = |network: Ipv4Addr, length: u8| {
        Ipv4Net::new(network, length).is_ok_and(|network| network.contains(&v4))
    };
    let known = V4.iter().find(|(network, length, _)| within(*network, *length));
    known.map(|(_, length, what)| (*what, *length))
}

/// The IPv4 address behind so many bits of an IPv6 address.
fn embedded(v6: Ipv6Addr, behind: u8) -> Ipv4Addr {
    let bits = v6.to_bits() >> (96 - u32::from(behind.min(96)));
    Ipv4Addr::from_bits(u32::try_from(bits & u128::from(u32::MAX)).unwrap_or_default())
}

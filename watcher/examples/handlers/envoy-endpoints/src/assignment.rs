//! One service as Envoy's file wants it: a `DiscoveryResponse` with one `ClusterLoadAssignment`.

use std::fmt::Write as _;
use std::net::IpAddr;

use serde_json::json;

/// Where a provider is, and how much it should get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    weight: u32,
}

/// What Dubbo gives a provider that says nothing.
const USUAL_WEIGHT: u32 = 100;

impl Endpoint {
    /// The provider of a URL; `None` without an IP address and a port (EDS knows no names), and for one
    /// that is to get nothing (`weight=0`, `disabled=true`, `enabled=false`).
    pub(crate) fn of_url(url: &str) -> Option<Self> {
        let (_, rest) = url.split_once("://")?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let authority = place.split('/').next()?;
        let authority = authority.rsplit('@').next()?;
        let (host, port) = authority.rsplit_once(':')?;
        let address = host.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
        let parameter = |name: &str| {
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        };
        if parameter("disabled") == Some("true") || parameter("enabled") == Some("false") {
            return None;
        }
        let weight = match parameter("weight") {
            Some(text) => text.parse().unwrap_or(USUAL_WEIGHT),
            None => USUAL_WEIGHT,
        };
        let port = port.parse().ok().filter(|port| *port != 0)?;
        (weight > 0).then_some(Self { address, port, weight })
    }
}

/// The content of a service's file.
pub(crate) fn render(service: &str, endpoints: &[Endpoint]) -> String {
    let endpoints: Vec<_> = endpoints
        .iter()
        .map(|Endpoint { address, port, weight }| {
            json!({
                "endpoint": {"address": {"socket_address": {
                    "address": address.to_string(),
                    "port_value": port,
                }}},
                "load_balancing_weight": weight,
            })
        })
        .collect();
    let file = json!({"resources": [{
        "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": service,
        "endpoints": [{"lb_endpoints": endpoints}],
    }]});
    format!("{file:#}\n")
}

/// The longest name that the host takes.
const LONGEST_NAME: usize = 200;

/// The name of a service's file, which no other service has: letters, digits, `.` and `-` as they are, every other byte
/// as `_` and two hexadecimal digits. None for a name that is too long for a file.
pub(crate) fn file_name(service: &str) -> Option<String> {
    let mut name = String::new();
    for (at, byte) in service.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.' && at > 0;
        if plain {
            name.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(name, "_{byte:02X}");
        }
    }
    name.push_str(".json");
    (name.len() <= LONGEST_NAME).then_some(name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_url_is_an_address_a_port_and_a_weight() {
        let endpoint =
            |url| Endpoint::of_url(url).map(|it| (it.address.to_string(), it.port, it.weight));
        assert_eq!(
            endpoint("dubbo://10.0.0.1:20880/a.B?x=1&weight=7"),
            Some(("10.0.0.1".to_owned(), 20880, 7))
        );
        assert_eq!(endpoint("tri://u:p@[fd00::1]:1"), Some(("fd00::1".to_owned(), 1, 100)));
        for url in [
            "consumer://10.0.0.1/a.B",
            "dubbo://greeter:20880/a.B",
            "dubbo://10.0.0.1:0/a.B",
            "dubbo://10.0.0.1:1/a.B?weight=0",
            "dubbo://10.0.0.1:1/a.B?disabled=true",
            "",
        ] {
            assert_eq!(endpoint(url), None, "{url}");
        }
    }

    #[test]
    fn a_service_has_a_file_that_it_shares_with_no_folder() {
        let name = |service| file_name(service).unwrap();
        assert_eq!(name("com.example.A"), "com.example.A.json");
        assert_eq!(name("shop/com.example.A:1.0.0"), "shop_2Fcom.example.A_3A1.0.0.json");
        assert_eq!(name("../x"), "_2E._2Fx.json");
        assert_eq!(file_name(&"x".repeat(300)), None);
    }

    #[test]
    fn no_two_services_share_a_file() {
        let services = ["a:b", "a_b", "a/b", "a_3Ab", "_a", ".a", "a", "A", "_2Ea", "a.b", "ä"];
        let names: BTreeSet<_> = services.iter().map(|it| file_name(it).unwrap()).collect();
        assert_eq!(names.len(), services.len());
    }
}

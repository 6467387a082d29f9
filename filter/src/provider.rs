//! A provider: what routing needs of a record in the registry. It must never keep the URL, which may hold
//! a password.

use core::fmt;
use core::net::IpAddr;
use std::rc::Rc;

use dubbo_k8s_codec::relation;
use dubbo_k8s_codec::trust::{Claim, Registrant, Trust, Unbelieved};
use dubbo_k8s_codec::{Category, Key, KeyError, Service, Url, UrlError};

/// The time a provider takes to warm up when its URL does not say: Dubbo's own default.
const WARMUP_MS: u64 = 600_000;

/// At most this many methods of a provider have a weight of their own.
const MAX_METHODS: usize = 64;

/// One endpoint of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// `ip:port`, an IPv6 address in brackets.
    pub address: Box<str>,
    /// The weight when warm; 0 takes no requests.
    pub weight: u32,
    /// The methods with a weight of their own.
    pub methods: Box<[(Box<str>, u32)]>,
    /// When it was registered, in milliseconds since the epoch; 0 if unknown.
    pub registered_ms: u64,
    /// The time it takes to warm up, in milliseconds.
    pub warmup_ms: u64,
    /// Its tag (`dubbo.tag`): only requests with the same tag reach it, while there is one.
    pub tag: Option<Box<str>>,
    /// The zone that it is in (`zone`).
    pub zone: Option<Box<str>>,
    /// What it speaks.
    pub speaks: Speaks,
}

/// What a provider speaks of what a proxy can route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// gRPC only.
    Grpc,
    /// Plain HTTP only.
    Http,
    /// Both: Triple.
    Both,
}

impl Speaks {
    fn of(url: &Url<'_>) -> Option<Self> {
        let protocol = |scheme: &str| match scheme {
            "tri" | "triple" => Some(Self::Both),
            "grpc" => Some(Self::Grpc),
            "rest" | "http" | "jsonrpc" => Some(Self::Http),
            _ => None,
        };
        // Java serves more than one protocol on a port, and names the others in a parameter.
        protocol(url.scheme()).or_else(|| {
            let others = url.param("ext.protocol")?;
            others.split(',').find_map(|other| protocol(other.trim()))
        })
    }

    /// Whether it takes a request of this kind.
    pub const fn takes(self, kind: Kind) -> bool {
        matches!(
            (self, kind),
            (Self::Both, _) | (Self::Grpc, Kind::Grpc) | (Self::Http, Kind::Http)
        )
    }
}

/// The kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `application/grpc` of any sort.
    Grpc,
    /// Any other.
    Http,
}

/// One endpoint as it is registered: under a service, and at a path if that differs from the interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The service.
    pub service: Rc<Service<'static>>,
    /// The path of its requests, where it is not the interface.
    pub path: Option<Rc<str>>,
    /// The endpoint.
    pub provider: Rc<Provider>,
}

/// Why a record names no endpoint that can be routed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its key is bad.
    Key(KeyError),
    /// Its URL is bad.
    Url(UrlError),
    /// It is not believed of its Pod.
    Unbelieved(Unbelieved),
    /// Its host is a name.
    Host,
    /// It has no port.
    Port,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(error) => error.fmt(f),
            Self::Url(error) => error.fmt(f),
            // The code alone: its sentences in two languages would be a fifth of the plugin.
            Self::Unbelieved(Unbelieved { distrust, found, .. }) => {
                write!(f, "{distrust}: expected {}, found {found}", distrust.expected())
            }
            Self::Host => f.write_str("the host is no address"),
            Self::Port => f.write_str("the URL has no port"),
        }
    }
}

/// Reads the key of a record of a Pod, and hands out each endpoint in it. A record that is no provider's, or of a
/// protocol that is not routed, or disabled, names none.
///
/// # Errors
///
/// When its key or URL is bad, or it is not believed of the Pod.
pub fn read(
    key: &str,
    trust: &Trust,
    pod: &Registrant<'_>,
    mut found: impl FnMut(Registration),
) -> Result<(), Fault> {
    let key = Key::parse(key).map_err(Fault::Key)?;
    let (Some(category @ Category::Providers), Some(url)) = (key.category, key.url) else {
        return Ok(());
    };
    let url = Url::parse(url).map_err(Fault::Url)?;
    let Some(speaks) = Speaks::of(&url).filter(|_| url.is_enabled()) else { return Ok(()) };
    let claim =
        Claim { interface: key.interface.as_deref().unwrap_or_default(), category, url: &url };
    trust.judge(&claim, pod).map_err(Fault::Unbelieved)?;
    let service = Rc::new(url.service().into_owned());
    let path = url.path();
    let path = (!path.is_empty() && path != service.interface).then(|| Rc::from(path));
    let traits = Traits::of(&url, trust);
    for host in url.hosts() {
        let address: IpAddr = host.name.parse().map_err(|_| Fault::Host)?;
        let port = host.port.filter(|port| *port != 0).ok_or(Fault::Port)?;
        let address = core::net::SocketAddr::new(address, port).to_string().into();
        let provider = Rc::new(traits.clone().at(address, speaks));
        found(Registration { service: Rc::clone(&service), path: path.clone(), provider });
    }
    Ok(())
}

/// What the endpoints of one URL have in common.
#[derive(Clone)]
struct Traits {
    weight: u32,
    methods: Box<[(Box<str>, u32)]>,
    registered_ms: u64,
    warmup_ms: u64,
    tag: Option<Box<str>>,
    zone: Option<Box<str>>,
}

impl Traits {
    fn of(url: &Url<'_>, trust: &Trust) -> Self {
        let text = |name: &str| {
            let text = url.param(name).filter(|text| !text.is_empty())?;
            Some(Box::from(&*text))
        };
        Self {
            weight: trust.weight(url.weight(None)),
            methods: methods(url, trust),
            registered_ms: url.timestamp_ms().unwrap_or(0),
            warmup_ms: url.warmup_ms().unwrap_or(WARMUP_MS),
            tag: text("dubbo.tag"),
            zone: text("zone"),
        }
    }

    fn at(self, address: Box<str>, speaks: Speaks) -> Provider {
        let Self { weight, methods, registered_ms, warmup_ms, tag, zone } = self;
        Provider { address, weight, methods, registered_ms, warmup_ms, tag, zone, speaks }
    }
}

/// The methods whose weight differs from the provider's.
fn methods(url: &Url<'_>, trust: &Trust) -> Box<[(Box<str>, u32)]> {
    let weight = trust.weight(url.weight(None));
    let mut methods: Vec<(Box<str>, u32)> = Vec::new();
    for param in url.params() {
        let name = param.name();
        let Some(method) = name.strip_suffix(".weight") else { continue };
        let method = method.strip_prefix("methods.").unwrap_or(method);
        let known = methods.iter().any(|(known, _)| **known == *method);
        if method == "default" || known || methods.len() == MAX_METHODS {
            continue;
        }
        let own = trust.weight(url.weight(Some(method)));
        if own != weight {
            methods.push((method.into(), own));
        }
    }
    methods.into()
}

impl Provider {
    /// The weight for a method when warm.
    pub fn weight_of(&self, method: &str) -> u32 {
        let own = self.methods.iter().find(|(name, _)| **name == *method);
        own.map_or(self.weight, |(_, weight)| *weight)
    }

    /// What counts of a weight now, in thousandths.
    pub fn effective(&self, weight: u32, now_ms: u64) -> u64 {
        relation::effective(weight, self.registered_ms, self.warmup_ms, now_ms)
    }

    /// When it is warm, in milliseconds since the epoch.
    pub const fn warm_at(&self) -> u64 {
        if self.registered_ms == 0 { 0 } else { self.registered_ms.saturating_add(self.warmup_ms) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(url: &str, allow_loopback: bool) -> Result<Vec<Registration>, Fault> {
        let networks: &[&str] = if allow_loopback { &["127.0.0.0/8", "::1/128"] } else { &[] };
        let admitted = networks.iter().map(|network| network.parse().unwrap()).collect();
        let trust = Trust { admitted, ..Trust::default() };
        believed(url, &trust, &Registrant::default())
    }

    fn believed(
        url: &str,
        trust: &Trust,
        pod: &Registrant<'_>,
    ) -> Result<Vec<Registration>, Fault> {
        let key = Key::leaf("a.B", Category::Providers, url).to_string();
        let mut found = Vec::new();
        read(&key, trust, pod, |registration| found.push(registration)).map(|()| found)
    }

    fn provider(url: &str) -> Provider {
        Provider::clone(&endpoints(url, true).unwrap()[0].provider)
    }

    #[test]
    fn a_url_becomes_one_endpoint_for_each_host() {
        let found = endpoints(
            "tri://10.0.0.1:1,[2001:db8::2]:2/ctx/a.B?interface=a.B&group=g&version=1.0&dubbo.tag=gray",
            false,
        )
        .unwrap();
        let addresses: Vec<&str> = found.iter().map(|one| &*one.provider.address).collect();
        assert_eq!(addresses, ["10.0.0.1:1", "[2001:db8::2]:2"]);
        assert_eq!(found[0].service.to_string(), "g/a.B:1.0");
        assert_eq!(found[0].path.as_deref(), Some("ctx/a.B"));
        assert_eq!(found[0].provider.tag.as_deref(), Some("gray"));
    }

    #[test]
    fn what_cannot_be_routed_names_no_endpoint() {
        for url in [
            "dubbo://10.0.0.1:20880/a.B",
            "tri://10.0.0.1:1/a.B?disabled=true",
            "tri://10.0.0.1:1/a.B?enabled=false",
            "override://0.0.0.0/a.B",
        ] {
            assert!(endpoints(url, false).unwrap().is_empty(), "{url}");
        }
        let shared = "dubbo://10.0.0.1:20880/a.B?ext.protocol=tri";
        assert_eq!(endpoints(shared, false).unwrap()[0].provider.speaks, Speaks::Both);
    }

    #[test]
    fn an_address_that_means_the_proxy_itself_is_refused() {
        for host in [
            "127.0.0.1",
            "0.0.0.0",
            "169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[::ffff:127.0.0.1]",
            "example.com",
        ] {
            let url = format!("tri://{host}:80/a.B");
            assert!(matches!(endpoints(&url, false), Err(Fault::Unbelieved(_))), "{host}");
        }
        assert!(endpoints("tri://127.0.0.1:80/a.B", true).is_ok());
        assert!(matches!(endpoints("tri://0.0.0.0:80/a.B", true), Err(Fault::Unbelieved(_))));
        assert_eq!(endpoints("tri://10.0.0.1/a.B", true).unwrap_err(), Fault::Port);
        assert!(matches!(endpoints("tri:/x", true), Err(Fault::Url(_))));
        let read = read("x", &Trust::default(), &Registrant::default(), |_| {});
        assert!(matches!(read, Err(Fault::Key(_))));
    }

    #[test]
    fn a_provider_at_the_address_of_another_pod_names_no_endpoint() {
        let ips = ["10.0.0.1".parse().unwrap()];
        let pod = Registrant { namespace: "shop", ips: Some(&ips) };
        let of =
            |host: &str| believed(&format!("tri://{host}:80/a.B"), &Trust::default(), &pod).is_ok();
        assert!(of("10.0.0.1") && !of("10.0.0.2") && !of("169.254.169.254"));
    }

    #[test]
    fn a_weight_of_four_billion_counts_as_the_limit() {
        let one = provider("tri://10.0.0.1:1/a.B?weight=4000000000&methods.Get.weight=4000000001");
        assert_eq!((one.weight, one.weight_of("Get")), (10_000, 10_000));
    }

    #[test]
    fn methods_may_have_their_own_weight() {
        let one = provider(
            "tri://10.0.0.1:1/a.B?weight=50&methods.Get.weight=10&methods.Put.weight=0&del.weight=0&default.weight=7",
        );
        assert_eq!(one.weight, 50);
        assert_eq!(one.weight_of("Get"), 10);
        assert_eq!(one.weight_of("Put"), 50);
        assert_eq!(one.weight_of("del"), 0);
        assert_eq!(one.weight_of("other"), 50);
    }

    #[test]
    fn a_weight_grows_while_its_provider_warms_up() {
        let one = provider("tri://10.0.0.1:1/a.B?weight=200&timestamp=1600000000000&warmup=100000");
        let at = |ms: u64| one.effective(200, 1_600_000_000_000 + ms);
        assert_eq!([at(0), at(50_000), at(99_999), at(100_000)], [2000, 100_000, 199_998, 200_000]);
        assert_eq!(one.effective(200, 5), 2000, "registered in the future");
        assert_eq!(one.effective(0, 0), 0);
        assert_eq!(one.warm_at(), 1_600_000_100_000);
        let unknown = provider("tri://10.0.0.1:1/a.B");
        assert_eq!((unknown.effective(100, 0), unknown.warm_at()), (100_000, 0));
        let default = provider("tri://10.0.0.1:1/a.B?timestamp=1600000000");
        assert_eq!(default.warmup_ms, 600_000);
    }
}

//! Who is believed: vectors of addresses, owners and weights, and properties over made-up ones.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dubbo_k8s_codec::trust::{Admit, Claim, Distrust, Owner, Quota, Registrant, Trust, Usage, cap};
use dubbo_k8s_codec::{Category, Key, Url};
use proptest::prelude::*;

fn admitting(admitted: &[&str]) -> Trust {
    let admitted = admitted.iter().map(|text| text.parse().unwrap()).collect();
    Trust { admitted, ..Trust::default() }
}

fn owned(owners: &[&str]) -> Trust {
    let owners = owners.iter().map(|text| text.parse().unwrap()).collect();
    Trust { owners, ..Trust::default() }
}

fn judged(trust: &Trust, url: &str, ips: Option<&[IpAddr]>) -> Result<(), Distrust> {
    let url = Url::parse(url).unwrap();
    let claim = Claim { interface: "a.B", category: Category::Providers, url: &url };
    let pod = Registrant { namespace: "shop", ips };
    trust.judge(&claim, &pod).map_err(|unbelieved| unbelieved.distrust)
}

fn is_believed(trust: &Trust, host: &str, ips: &[&str]) -> bool {
    let ips: Vec<IpAddr> = ips.iter().map(|ip| ip.parse().unwrap()).collect();
    judged(trust, &format!("tri://{host}:80/a.B"), Some(&ips)).is_ok()
}

/// Addresses that no network but one of their own kind admits, with a network that names them.
const SPECIAL: [(&str, &str); 24] = [
    ("127.0.0.1", "127.0.0.0/8"),
    ("127.8.9.10", "127.8.0.0/16"),
    ("0.0.0.0", "0.0.0.0/8"),
    ("0.1.2.3", "0.0.0.0/8"),
    ("169.254.169.254", "169.254.0.0/16"),
    ("169.254.0.1", "169.254.0.1"),
    ("224.0.0.1", "224.0.0.0/4"),
    ("239.255.255.250", "239.0.0.0/8"),
    ("255.255.255.255", "255.255.255.255/32"),
    ("100.100.100.200", "100.100.100.200/32"),
    ("168.63.129.16", "168.63.129.16"),
    ("192.0.0.192", "192.0.0.192"),
    ("[::1]", "::1/128"),
    ("[::]", "::/128"),
    ("[fe80::1]", "fe80::/10"),
    ("[ff02::1]", "ff00::/8"),
    ("[fd00:ec2::254]", "fd00:ec2::254"),
    ("[fd20:ce::254]", "fd20:ce::254"),
    ("[::ffff:127.0.0.1]", "127.0.0.0/8"),
    ("[::ffff:169.254.169.254]", "::ffff:169.254.0.0/112"),
    ("[64:ff9b::a9fe:a9fe]", "64:ff9b::169.254.0.0/112"),
    ("[64:ff9b:1::a9fe:a9fe]", "64:ff9b:1::/48"),
    ("[2002:7f00:1::]", "2002:7f00::/24"),
    ("[::7f00:1]", "::127.0.0.0/104"),
];

#[test]
fn a_provider_at_its_pods_own_address_is_believed() {
    let trust = Trust::default();
    assert!(is_believed(&trust, "10.0.0.1", &["10.0.0.1"]));
    assert!(is_believed(&trust, "[fd00::1]", &["10.0.0.1", "fd00::1"]));
    assert!(is_believed(&trust, "[fd00:0:0::0001]", &["fd00::1"]));
    assert!(is_believed(&trust, "[::ffff:10.0.0.1]", &["10.0.0.1"]));
    assert!(is_believed(&trust, "10.0.0.1", &["::ffff:10.0.0.1"]));
}

#[test]
fn a_provider_at_another_address_is_not_believed() {
    let trust = Trust::default();
    for host in ["10.0.0.2", "8.8.8.8", "[fd00::2]", "example.com", "10.0.0.1%eth0", "010.0.0.1"] {
        assert!(!is_believed(&trust, host, &["10.0.0.1", "fd00::1"]), "{host}");
    }
    assert!(!is_believed(&trust, "10.0.0.1", &[]), "a Pod without an address has none");
    assert!(!is_believed(&trust, "10.0.0.1:80,10.0.0.2", &["10.0.0.1"]), "every host counts");
}

#[test]
fn unknown_addresses_are_refused_only_where_no_pod_can_have_them() {
    let trust = Trust::default();
    assert_eq!(judged(&trust, "tri://10.0.0.2:80/a.B", None), Ok(()));
    for (host, _) in SPECIAL {
        let url = format!("tri://{host}:80/a.B");
        assert_eq!(judged(&trust, &url, None), Err(Distrust::AddressNotPod), "{host}");
    }
    assert!(judged(&trust, "tri://example.com:80/a.B", None).is_err());
}

#[test]
fn a_special_address_is_admitted_only_by_a_network_that_names_it() {
    let wide = admitting(&["any", "0.0.0.0/0", "::/0", "10.0.0.0/8", "64:ff9b::/96", "::/96"]);
    for (host, named) in SPECIAL {
        let bare = host.trim_matches(['[', ']']);
        assert!(!is_believed(&Trust::default(), host, &[bare]), "its own: {host}");
        assert!(!is_believed(&wide, host, &[]), "{host}");
        assert!(is_believed(&admitting(&[named]), host, &[]), "{host} by {named}");
    }
}

#[test]
fn a_network_admits_its_addresses_and_any_admits_names_too() {
    let trust = admitting(&["192.168.0.0/16", "fd00::/8", "10.9.9.9"]);
    for host in ["192.168.3.4", "[fd12::1]", "10.9.9.9"] {
        assert!(is_believed(&trust, host, &["10.0.0.1"]), "{host}");
    }
    for host in ["192.169.0.1", "10.9.9.8", "gateway.shop"] {
        assert!(!is_believed(&trust, host, &["10.0.0.1"]), "{host}");
    }
    let any = admitting(&["any"]);
    for host in ["8.8.8.8", "gateway.shop", "gateway.shop."] {
        assert!(is_believed(&any, host, &["10.0.0.1"]), "{host}");
    }
    // Resolvers take these for addresses.
    for host in
        ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "a.LOCALHOST", "x%31"]
    {
        assert!(!is_believed(&any, host, &["10.0.0.1"]), "{host}");
    }
    for text in ["", "ANY", "10.0.0.0/33", "10.0.0/8", "example.com"] {
        assert!(text.parse::<Admit>().is_err(), "{text}");
    }
}

#[test]
fn consumers_are_always_believed_and_rules_need_no_address() {
    let url = Url::parse("override://0.0.0.0/com.bank.Pay").unwrap();
    let pod = Registrant { namespace: "evil", ips: Some(&[]) };
    let judge = |trust: &Trust, category| {
        let claim = Claim { interface: "com.bank.Pay", category, url: &url };
        trust.judge(&claim, &pod).map_err(|unbelieved| unbelieved.distrust)
    };
    for category in [Category::Consumers, Category::Configurators, Category::Routers] {
        assert_eq!(judge(&Trust::default(), category), Ok(()));
    }
    let trust = owned(&["com.bank.*=payments"]);
    assert_eq!(judge(&trust, Category::Consumers), Ok(()));
    assert_eq!(judge(&trust, Category::Configurators), Err(Distrust::NotOwner));
    assert_eq!(judge(&trust, Category::Routers), Err(Distrust::NotOwner));
}

#[test]
fn an_interface_is_provided_by_its_owners_only() {
    let trust = owned(&[
        "com.bank.*=payments,core",
        "com.bank.audit.*=audit",
        "com.bank.Open=any-1",
        "com.bank.Open=core",
    ]);
    let judge = |namespace: &str, interface: &str, url: &str| {
        let url = Url::parse(url).unwrap();
        let claim = Claim { interface, category: Category::Providers, url: &url };
        let pod = Registrant { namespace, ips: None };
        trust.judge(&claim, &pod).map_err(|unbelieved| unbelieved.distrust)
    };
    let plain = |namespace, interface: &str| {
        judge(namespace, interface, &format!("tri://10.0.0.1:80/{interface}?interface={interface}"))
    };
    for (namespace, interface) in [
        ("payments", "com.bank.Pay"),
        ("core", "com.bank.x.Pay"),
        ("audit", "com.bank.audit.Log"),
        ("evil", "com.shop.Cart"),
        ("evil", "com.bankrupt"),
        ("any-1", "com.bank.Open"),
        ("core", "com.bank.Open"),
    ] {
        assert_eq!(plain(namespace, interface), Ok(()), "{namespace} {interface}");
    }
    for (namespace, interface) in
        [("evil", "com.bank.Pay"), ("core", "com.bank.audit.Log"), ("payments", "com.bank.Open")]
    {
        assert_eq!(plain(namespace, interface), Err(Distrust::NotOwner), "{namespace} {interface}");
    }
    // By whichever name it would be found.
    for (key, url) in [
        ("com.bank.Pay", "tri://10.0.0.1:80/x?interface=x"),
        ("x", "tri://10.0.0.1:80/x?interface=com.bank.Pay"),
        ("x", "tri://10.0.0.1:80/com.bank.Pay?interface=x"),
        ("x", "tri://10.0.0.1:80/ctx/com%2Ebank.Pay?interface=x"),
    ] {
        assert_eq!(judge("evil", key, url), Err(Distrust::NotOwner), "{key} {url}");
    }
    for text in ["", "a", "a=", "=a", "a*b=c", "a=B", "a=b,,c", "a=b, c"] {
        assert!(text.parse::<Owner>().is_err(), "{text}");
    }
}

#[test]
fn a_weight_over_the_limit_is_found_and_capped() {
    let trust = Trust { max_weight: 500, ..Trust::default() };
    for (query, capped) in [
        ("weight=4000000000&x=1", "weight=500&x=1"),
        ("weight=99999999999999999999999", "weight=500"),
        ("default.weight=501", "default.weight=500"),
        ("methods.Get.weight=9000&Put.weight=501", "methods.Get.weight=500&Put.weight=500"),
        ("w%65ight=9000", "w%65ight=500"),
        ("weight=%39000", "weight=500"),
    ] {
        let mut url = Url::parse(format!("tri://10.0.0.1:80/a.B?{query}")).unwrap();
        let unbelieved = trust.overweight(&url).expect(query);
        assert_eq!(unbelieved.distrust, Distrust::WeightOverLimit);
        assert!(
            query.starts_with(&url.as_str()[unbelieved.offset..])
                || query.contains(&url.as_str()[unbelieved.offset..]),
            "{query}"
        );
        cap(&mut url, trust.max_weight);
        assert_eq!(url.as_str(), format!("tri://10.0.0.1:80/a.B?{capped}"));
        assert_eq!(trust.overweight(&url), None);
    }
    for query in ["", "weight=500", "weight=-1", "weight=many", "weight=0000500", "overweight=9999"]
    {
        let url = Url::parse(format!("tri://10.0.0.1:80/a.B?{query}")).unwrap();
        assert_eq!(trust.overweight(&url), None, "{query}");
    }
    assert_eq!((trust.weight(4_000_000_000), trust.weight(7)), (500, 7));
}

#[test]
fn a_quota_bounds_records_and_bytes() {
    let quota: Quota = "2,1Ki".parse().unwrap();
    assert_eq!(quota, Quota { records: 2, bytes: 1024 });
    let mut usage = Usage::default();
    usage.add(&"k".repeat(1000), &"v".repeat(24));
    assert!(quota.holds(&usage));
    usage.add("k", "");
    assert!(!quota.holds(&usage), "bytes");
    usage.minus(&Usage { records: 1, bytes: 1000 });
    assert!(quota.holds(&usage));
    usage.plus(&Usage { records: 2, bytes: 0 });
    assert!(!quota.holds(&usage), "records");
    for text in ["", "1", "1,", ",1", "1,1Gi", "-1,1", "1,1,1"] {
        assert!(text.parse::<Quota>().is_err(), "{text}");
    }
}

fn any_ip() -> impl Strategy<Value = IpAddr> {
    let embedded = (
        any::<u32>(),
        prop::sample::select(vec![0_u128, 0xffff << 32, 0xffff_0000_0000 << 32, 0x64_ff9b << 96]),
    );
    prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
        any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
        embedded.prop_map(|(v4, prefix)| IpAddr::V6(Ipv6Addr::from_bits(prefix | u128::from(v4)))),
    ]
}

/// Special addresses by the standard library: they reach no Pod, or another one than is meant.
fn reaches_the_host_itself(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_loopback()
                || v4.is_unspecified()
                || v4.is_multicast()
                || v4.is_link_local()
                || v4.is_broadcast()
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6.is_unicast_link_local()
        }
    }
}

fn host(ip: IpAddr) -> String {
    if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() }
}

proptest! {
    #[test]
    fn only_own_addresses_are_believed(ip in any_ip(), own in prop::collection::vec(any_ip(), 0..3)) {
        let believed = judged(&Trust::default(), &format!("tri://{}:80/a.B", host(ip)), Some(&own)).is_ok();
        let is_own = own.iter().any(|own| own.to_canonical() == ip.to_canonical());
        prop_assert!(!believed || is_own && !reaches_the_host_itself(ip));
        let mut with_it = own;
        with_it.push(ip);
        let believed = judged(&Trust::default(), &format!("tri://{}:80/a.B", host(ip)), Some(&with_it)).is_ok();
        let unknown = judged(&Trust::default(), &format!("tri://{}:80/a.B", host(ip)), None).is_ok();
        prop_assert_eq!(believed, unknown, "what no Pod can have does not depend on the Pod");
    }

    #[test]
    fn admitting_more_never_refuses_what_was_believed(ip in any_ip(), network in any_ip(), length in 0_u8..=32) {
        let own = [ip];
        let url = format!("tri://{}:80/a.B", host(ip));
        let wider = admitting(&["any", &format!("{network}/{length}")]);
        let before = judged(&Trust::default(), &url, Some(&own)).is_ok();
        prop_assert!(!before || judged(&wider, &url, Some(&own)).is_ok());
    }

    #[test]
    fn no_text_panics_and_what_is_capped_is_within_the_limit(text in "[a-z0-9.%&=+:/?@,\\[\\]-]{0,60}", limit: u32) {
        let _ = (text.parse::<Admit>().is_ok(), text.parse::<Owner>().is_ok(), text.parse::<Quota>().is_ok());
        let trust = Trust { max_weight: limit, ..owned(&["a*=b"]) };
        if let Ok(mut url) = Url::parse(format!("tri://{text}")) {
            let claim = Claim { interface: &text, category: Category::Providers, url: &url };
            let _ = trust.judge(&claim, &Registrant::default());
            cap(&mut url, limit);
            prop_assert_eq!(trust.overweight(&url), None);
            prop_assert!(limit < 100 || url.weight(None) <= limit);
        }
        let _ = Key::parse(&text);
    }
}

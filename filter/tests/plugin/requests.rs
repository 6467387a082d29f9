//! Requests: where they go, what is taken from them, and how they are refused.

use std::collections::BTreeMap;
use std::time::Duration;

use dubbo_k8s_filter::{Level, Plugin, Verdict};

use crate::proxy::{Proxy, inline};

const GRPC: (&str, &str) = ("content-type", "application/grpc+proto");

fn plugin(proxy: &Proxy, urls: &[&str], more: &str) -> Plugin {
    Plugin::configure(inline(urls, more).as_bytes(), proxy).unwrap()
}

/// Where a request goes that has to go somewhere.
fn endpoint(proxy: &Proxy, plugin: &Plugin, path: &str, headers: &[(&str, &str)]) -> String {
    proxy.request(plugin, path, headers).0.unwrap()
}

#[test]
fn a_request_goes_to_a_provider_of_its_service() {
    let proxy = Proxy::default();
    let plugin =
        plugin(&proxy, &["tri://10.0.0.1:1/a.B?group=g&version=2", "tri://10.0.0.2:1/a.C"], "");
    let headers = [GRPC, ("tri-service-version", "2"), ("tri-service-group", "g")];
    let (endpoint, verdict) = proxy.request(&plugin, "/a.B/get", &headers);
    assert_eq!(endpoint.as_deref(), Some("10.0.0.1:1"));
    assert!(matches!(verdict, Verdict::Continue(Some(_))));
    assert_eq!(proxy.cleared.get(), 0, "a proxy chooses its route again by itself");
    assert_eq!(proxy.properties.borrow()["dubbo_service"], "g/a.B:2");
    assert_eq!(proxy.properties.borrow()["dubbo_provider"], "10.0.0.1:1");
    proxy.pass(Duration::from_secs(2));
    plugin.tick(&proxy);
    assert_eq!((proxy.metric("dubbo.picks"), proxy.metric("dubbo.providers")), (1, 2));
}

#[test]
fn a_client_cannot_name_an_endpoint() {
    let proxy = Proxy::default();
    let forged = [
        ("x-envoy-original-dst-host", "169.254.169.254:80"),
        ("x-gateway-destination-endpoint", "169.254.169.254:80"),
        ("x-envoy-original-dst-host", "127.0.0.1:9901"),
    ];
    let passing =
        plugin(&proxy, &["tri://10.0.0.1:1/a.B"], r#","otherwise":"pass","clearRouteCache":true"#);
    for path in ["/other.Service/get", "/", "/a.B"] {
        let (endpoint, verdict) = proxy.request(&passing, path, &forged);
        assert!(matches!(verdict, Verdict::Continue(None)), "{path}");
        assert_eq!(endpoint, None);
        assert_eq!(proxy.endpoint("x-gateway-destination-endpoint"), None);
    }
    assert_eq!(proxy.cleared.get(), 3);
    assert_eq!(endpoint(&proxy, &passing, "/a.B/get", &forged), "10.0.0.1:1");
    assert_eq!(proxy.endpoint("x-gateway-destination-endpoint"), None);
    let overriding = plugin(&proxy, &["tri://10.0.0.1:1/a.B"], r#","endpoint":"overrideHost""#);
    assert_eq!(proxy.request(&overriding, "/a.B/get", &forged).0, None);
    assert_eq!(proxy.endpoint("x-gateway-destination-endpoint").as_deref(), Some("10.0.0.1:1"));
}

#[test]
fn an_endpoint_in_the_filter_state_changes_no_header() {
    let proxy = Proxy::default();
    proxy.has_filter_state.set(true);
    let plugin = plugin(&proxy, &["tri://10.0.0.1:1/a.B"], r#","endpoint":"filterState""#);
    assert_eq!(proxy.request(&plugin, "/a.B/get", &[]).0, None);
    assert_eq!(proxy.endpoint_state.borrow().as_deref(), Some("10.0.0.1:1"));
    assert_eq!(proxy.cleared.get(), 0);
    // A client that names an endpoint loses it all the same.
    let forged = [("x-envoy-original-dst-host", "169.254.169.254:80")];
    assert_eq!(proxy.request(&plugin, "/a.B/get", &forged).0, None);
}

#[test]
fn a_proxy_without_that_filter_state_gets_the_header() {
    let proxy = Proxy::default();
    let more = r#","endpoint":"filterState","clearRouteCache":true"#;
    let plugin = plugin(&proxy, &["tri://10.0.0.1:1/a.B"], more);
    assert_eq!(endpoint(&proxy, &plugin, "/a.B/get", &[]), "10.0.0.1:1");
    assert_eq!(proxy.cleared.get(), 1);
}

#[test]
fn a_request_that_cannot_be_routed_is_answered_with_the_reason_and_no_more() {
    let proxy = Proxy::default();
    let plugin = plugin(&proxy, &["tri://10.0.0.1:1/a.B?version=2", "rest://10.0.0.9:1/a.R"], "");
    let answer = |path: &str, headers: &[(&str, &str)]| {
        let (endpoint, verdict) = proxy.request(&plugin, path, headers);
        assert!(matches!(verdict, Verdict::Answered) && endpoint.is_none(), "{path}");
        proxy.responses.borrow_mut().pop().unwrap()
    };
    let said = |status: &str, text: &str| (status.to_owned(), text.to_owned());
    let headers = [GRPC, ("tri-service-version", "9"), ("tri-service-group", "g")];
    assert_eq!(answer("/x.Y/get", &headers), said("Unavailable", "no provider of g/x.Y:9"));
    assert_eq!(answer("/a.B/get", &headers), said("Unavailable", "no provider of g/a.B:9"));
    assert_eq!(answer("/x.Y/get", &[]), said("503", "no provider of x.Y"));
    // It speaks HTTP, and no gRPC.
    assert_eq!(answer("/a.R/get", &[GRPC]), said("Unavailable", "no provider of a.R"));
    let path = "the path is not /{interface}/{method}";
    assert_eq!(answer("/", &[]), said("404", path));
    assert_eq!(answer("/a.B", &[GRPC]), said("Unimplemented", path));
    let hostile = format!("/{}\u{1b}[31m<b>/get", "x".repeat(500));
    let (_, text) = answer(&hostile, &[]);
    assert!(text.len() < 240 && !text.contains('\u{1b}'), "{text}");
    proxy.pass(Duration::from_secs(2));
    plugin.tick(&proxy);
    assert_eq!(proxy.metric("dubbo.misses"), 7);
}

#[test]
fn the_fallbacks_are_those_of_java() {
    let proxy = Proxy::default();
    let plugin = plugin(
        &proxy,
        &[
            "tri://10.0.0.1:1/a.B?version=1.0.0&group=g",
            "tri://10.0.0.2:1/a.B",
            "tri://10.0.0.3:1/a.B?version=2&group=g",
            "tri://10.0.0.4:1/a.Z?version=0.0.0",
            "tri://10.0.0.5:1/v1/a.C?interface=a.C",
            "tri://10.0.0.6:1/greeter?interface=com.x.Greeter",
        ],
        "",
    );
    for (path, group, version, address) in [
        ("/a.B/get", "g", "2", "10.0.0.3:1"),
        ("/a.B/get", "g", "7", "10.0.0.1:1"),
        ("/a.B/get", "h", "7", "10.0.0.2:1"),
        ("/a.B/get", "cluster", "dubbo-rust/0.1.0", "10.0.0.2:1"),
        ("/a.B/get", "", "", "10.0.0.2:1"),
        ("/a.B/get", "x,g", "2", "10.0.0.3:1"),
        ("/a.Z/get", "", "", "10.0.0.4:1"),
        ("/a.Z/get", "", "0.0.0", "10.0.0.4:1"),
        ("/ctx/a.Z/get", "", "", "10.0.0.4:1"),
        ("/v1/a.C/get", "", "", "10.0.0.5:1"),
        ("/a.C/get", "", "", "10.0.0.5:1"),
        ("/greeter/hello", "", "", "10.0.0.6:1"),
        ("/com.x.Greeter/hello", "", "", "10.0.0.6:1"),
    ] {
        let headers = [("tri-service-group", group), ("tri-service-version", version)];
        assert_eq!(endpoint(&proxy, &plugin, path, &headers), address, "{path} {group} {version}");
    }
    let mut seen: Vec<String> = (0..200)
        .map(|_| {
            let any = [("tri-service-group", "*"), ("tri-service-version", "*")];
            endpoint(&proxy, &plugin, "/a.B/get", &any)
        })
        .collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen, ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"]);
}

/// How often each endpoint is picked.
fn spread(
    proxy: &Proxy,
    plugin: &Plugin,
    picks: u32,
    path: &str,
    headers: &[(&str, &str)],
) -> BTreeMap<String, u32> {
    let mut spread = BTreeMap::new();
    for _ in 0..picks {
        *spread.entry(endpoint(proxy, plugin, path, headers)).or_default() += 1;
    }
    spread
}

#[test]
fn weights_tags_and_methods_decide_who_is_picked() {
    for policy in ["weightedRandom", "weightedRoundRobin"] {
        let proxy = Proxy::default();
        let plugin = plugin(
            &proxy,
            &[
                "tri://10.0.0.1:1/a.B?weight=100",
                "tri://10.0.0.2:1/a.B?weight=300&slow.weight=0",
                "tri://10.0.0.3:1/a.B?weight=0",
                "tri://10.0.0.4:1/a.B?disabled=true",
                "tri://10.0.0.5:1/a.B?dubbo.tag=gray",
            ],
            &format!(r#","balance":"{policy}""#),
        );
        let picks = spread(&proxy, &plugin, 4000, "/a.B/get", &[]);
        assert_eq!(picks.len(), 2, "{picks:?}");
        assert!((900..1100).contains(&picks["10.0.0.1:1"]), "{picks:?}");
        let tagged = |tag| spread(&proxy, &plugin, 50, "/a.B/get", &[("dubbo.tag", tag)]);
        assert_eq!(tagged("gray").into_keys().collect::<Vec<_>>(), ["10.0.0.5:1"]);
        assert_eq!(tagged("blue").len(), 2, "no provider has it: those without");
        let slow = spread(&proxy, &plugin, 50, "/a.B/slow", &[]);
        assert_eq!(slow.into_keys().collect::<Vec<_>>(), ["10.0.0.1:1"]);
        let forced = [("dubbo.tag", "blue"), ("dubbo.force.tag", "true")];
        assert!(matches!(proxy.request(&plugin, "/a.B/get", &forced).1, Verdict::Answered));
    }
}

#[test]
fn providers_of_the_same_zone_are_preferred_while_there_are_any() {
    for balance in
        [r#""weightedRandom""#, r#""leastActive""#, r#"{"consistentHash":{"header":"x"}}"#]
    {
        let proxy = Proxy::default();
        let more = format!(r#","zone":"one","balance":{balance}"#);
        let urls = [
            "tri://10.0.0.1:1/a.B?zone=one",
            "tri://10.0.0.2:1/a.B?zone=two",
            "tri://10.0.0.3:1/a.B",
            "tri://10.0.0.4:1/a.C?zone=two",
            "tri://10.0.0.5:1/a.D?zone=one&weight=0",
            "tri://10.0.0.6:1/a.D",
        ];
        let plugin = plugin(&proxy, &urls, &more);
        for (path, near) in [("/a.B/get", 1), ("/a.C/get", 4), ("/a.D/get", 6)] {
            let spread = spread(&proxy, &plugin, 40, path, &[("x", "user")]);
            assert_eq!(spread.into_keys().collect::<Vec<_>>(), [format!("10.0.0.{near}:1")]);
        }
        // Without a zone of its own it makes no difference.
        let plugin = crate::requests::plugin(&proxy, &urls, "");
        assert_eq!(spread(&proxy, &plugin, 200, "/a.B/get", &[]).len(), 3);
    }
}

#[test]
fn a_provider_that_warms_up_gets_more_and_more() {
    let proxy = Proxy::default();
    // The proxy's time begins at 1700000000.
    let plugin = plugin(
        &proxy,
        &["tri://10.0.0.1:1/a.B", "tri://10.0.0.2:1/a.B?timestamp=1700000000&warmup=100"],
        "",
    );
    let share = || spread(&proxy, &plugin, 3000, "/a.B/get", &[]).remove("10.0.0.2:1").unwrap_or(0);
    assert!(share() < 90);
    proxy.run(&plugin, Duration::from_secs(50));
    assert!((850..1150).contains(&share()), "a third: 50 of 150");
    proxy.run(&plugin, Duration::from_mins(1));
    assert!((1350..1650).contains(&share()));
}

#[test]
fn least_active_counts_requests_until_they_end() {
    let proxy = Proxy::default();
    let plugin = plugin(
        &proxy,
        &["tri://10.0.0.1:1/a.B", "tri://10.0.0.2:1/a.B", "rest://10.0.0.3:1/a.B"],
        r#","balance":"leastActive""#,
    );
    let mut open = BTreeMap::new();
    for _ in 0..6 {
        let (endpoint, verdict) = proxy.request(&plugin, "/a.B/get", &[GRPC]);
        open.entry(endpoint.unwrap()).or_insert_with(Vec::new).push(verdict);
    }
    assert_eq!(open.values().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
    // The third takes no gRPC, and has nothing to do.
    assert_eq!(endpoint(&proxy, &plugin, "/a.B/get", &[]), "10.0.0.3:1");
    open.remove("10.0.0.2:1");
    assert_eq!(endpoint(&proxy, &plugin, "/a.B/get", &[GRPC]), "10.0.0.2:1");
}

#[test]
fn the_same_user_goes_to_the_same_provider() {
    let proxy = Proxy::default();
    let urls: Vec<String> = (1..9).map(|n| format!("tri://10.0.0.{n}:1/a.B")).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let hash = r#","balance":{"consistentHash":{"header":"X-User"}}"#;
    let (before, after) = (plugin(&proxy, &urls, hash), plugin(&proxy, &urls[1..], hash));
    for user in 0..200 {
        let user = format!("user-{user}");
        let headers = [("x-user", user.as_str())];
        let one = endpoint(&proxy, &before, "/a.B/get", &headers);
        assert_eq!(endpoint(&proxy, &before, "/a.B/get", &headers), one);
        let other = endpoint(&proxy, &after, "/a.B/get", &headers);
        assert!(one == other || one == "10.0.0.1:1", "{one} {other}");
    }
    assert_eq!(spread(&proxy, &before, 400, "/a.B/get", &[]).len(), 8, "without the header");
}

#[test]
fn a_configuration_is_refused_with_a_line_in_the_log() {
    let proxy = Proxy::default();
    assert!(Plugin::configure(br#"{"discovery":{"clustr":"w"}}"#, &proxy).is_none());
    let (level, line) = proxy.lines.borrow_mut().pop().unwrap();
    assert_eq!(level, Level::Error);
    assert!(
        line.starts_with("the plugin configuration is refused: unknown field `clustr`"),
        "{line}"
    );
}

#[test]
fn a_bad_annotation_is_counted_and_logged_and_hides_nothing() {
    let proxy = Proxy::default();
    let good = crate::proxy::annotation(&["tri://10.0.0.1:1/a.B", "tri://localhost:1/a.B"]);
    let json = format!(
        r#"{{"annotations":[{{"namespace":"n","name":"bad","annotation":"?"}},
            {{"namespace":"n","name":"mixed","annotation":"{good}"}}]}}"#
    );
    let plugin = Plugin::configure(json.as_bytes(), &proxy).unwrap();
    assert_eq!(endpoint(&proxy, &plugin, "/a.B/get", &[]), "10.0.0.1:1");
    proxy.pass(Duration::from_secs(2));
    plugin.tick(&proxy);
    assert_eq!(proxy.metric("dubbo.decode_errors"), 2);
    let said = proxy.said();
    assert!(said[0].starts_with("the annotation of Pod n/bad: base64: "), "{said:?}");
    assert!(
        said[1].starts_with("the annotation of Pod n/mixed: record 1: address-not-pod: "),
        "{said:?}"
    );
}

//! What the filter does in a proxy, from its configuration to the end of a request.

use dubbo_k8s_codec::{Category, Key, Record, encode};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::host::{Guest, module};

const WATCHER: &str = r#"{"discovery":{"cluster":"watcher","wait":"10s"},"allowLoopback":true}"#;
const GRPC: (&str, &str) = ("content-type", "application/grpc");

/// One test, because to compile the module takes longer than all scenes together.
#[test]
fn the_filter_does_its_work_by_the_rules_of_a_host() {
    let Some(module) = module() else { return };
    let scenes: [fn(Guest); 7] = [
        a_request_is_routed_by_inline_annotations,
        an_endpoint_goes_into_the_filter_state_where_there_is_one,
        headers_of_any_bytes_do_no_harm,
        no_provider_is_answered_with_the_service_alone,
        a_bad_configuration_is_refused_with_a_clear_line,
        the_registry_follows_its_watcher_through_an_outage,
        fifty_thousand_providers_take_a_bounded_memory,
    ];
    for scene in scenes {
        scene(Guest::start(&module));
    }
}

fn annotation(url: &str) -> String {
    encode([Record::new(&Key::leaf("a.B", Category::Providers, url).to_string())])
}

/// What a watcher answers for Pods with these providers, packed.
fn body(urls: impl IntoIterator<Item = String>) -> Vec<u8> {
    let pod = |(number, url): (usize, String)| {
        let annotation = annotation(&url);
        let ip = url.split(['/', ':']).nth(3).unwrap();
        format!(
            r#"{{"namespace":"n","name":"p","uid":"u-{number}","annotation":"{annotation}","ips":["{ip}"]}}"#
        )
    };
    let pods: Vec<String> = urls.into_iter().enumerate().map(pod).collect();
    let json = format!(r#"{{"revision":"r","pods":[{}]}}"#, pods.join(","));
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut packed, json.as_bytes()).unwrap();
    packed.finish().unwrap()
}

fn providers(count: u32) -> impl Iterator<Item = String> {
    (0..count).map(|n| {
        format!("tri://10.{}.{}.{}:50051/a.B?timestamp=1600000000", n >> 16, n >> 8 & 255, n & 255)
    })
}

fn answer_with(guest: &mut Guest, etag: &str, urls: impl IntoIterator<Item = String>) {
    let head = [(":status", "200"), ("etag", etag), ("age", "0"), ("content-encoding", "gzip")];
    guest.answer(&head, body(urls));
}

/// Sends one request through; gives the endpoint.
fn request(guest: &mut Guest, id: i32, headers: &[(&str, &str)]) -> Option<String> {
    let action = guest.begin(id, headers);
    let endpoint = guest.proxy().header("x-envoy-original-dst-host").map(str::to_owned);
    assert_eq!(action == 0, guest.proxy().local.is_empty());
    guest.end(id);
    endpoint
}

fn a_request_is_routed_by_inline_annotations(mut guest: Guest) {
    let annotation = annotation("tri://10.0.0.1:50051/a.B?version=2");
    assert!(guest.configure(&format!(r#"{{"annotations":[{{"annotation":"{annotation}"}}]}}"#)));
    let headers = [
        (":path", "/a.B/get"),
        (":method", "POST"),
        GRPC,
        ("tri-service-version", "2"),
        ("x-envoy-original-dst-host", "127.0.0.1:9901"),
    ];
    assert_eq!(request(&mut guest, 2, &headers).as_deref(), Some("10.0.0.1:50051"));
    let proxy = guest.proxy();
    assert_eq!(proxy.foreign, [], "Envoy chooses its route again by itself");
    assert_eq!(proxy.properties[&b"dubbo_service"[..]], b"a.B:2");
    assert_eq!(proxy.properties[&b"dubbo_provider"[..]], b"10.0.0.1:50051");
    for _ in 0..400 {
        guest.tick();
    }
    assert_eq!(guest.proxy().metric("dubbo.picks"), 1);
    assert_eq!(guest.proxy().metric("dubbo.providers"), 1);
}

fn an_endpoint_goes_into_the_filter_state_where_there_is_one(mut guest: Guest) {
    let annotation = annotation("tri://10.0.0.1:50051/a.B");
    let json =
        format!(r#"{{"annotations":[{{"annotation":"{annotation}"}}],"endpoint":"filterState"}}"#);
    assert!(guest.configure(&json));
    assert_eq!(request(&mut guest, 2, &[(":path", "/a.B/get"), GRPC]), None);
    let (name, arguments) = guest.proxy().foreign.pop().unwrap();
    assert_eq!(name, "set_envoy_filter_state");
    let key = "envoy.network.transport_socket.original_dst_address";
    assert_eq!(arguments, format!("\n\u{33}{key}\u{12}\u{e}10.0.0.1:50051").into_bytes());
    // A proxy that has no such function says so, and gets the header.
    guest.proxy().lacks_functions = true;
    let endpoint = request(&mut guest, 3, &[(":path", "/a.B/get"), GRPC]);
    assert_eq!(endpoint.as_deref(), Some("10.0.0.1:50051"));
}

fn headers_of_any_bytes_do_no_harm(mut guest: Guest) {
    assert!(guest.configure(r#"{"annotations":[],"balance":{"consistentHash":{"header":"x"}}}"#));
    let action = guest.begin(2, &[(":path", "/a.B/get"), ("x", "y")]);
    assert_eq!(action, 1);
    guest.proxy().local.clear();
    guest.end(2);
    for (id, bytes) in (3..).zip([&b"\xff\xfe"[..], b"", b"/\xc3/\xc3", b"/a.B/\xff"]) {
        guest.begin(id, &[]);
        guest.proxy().request =
            vec![(":path".into(), bytes.to_vec()), ("x".into(), bytes.to_vec())];
        guest.end(id);
        let action = guest.begin(id + 100, &[]);
        assert_eq!(action, 1, "answered");
        guest.end(id + 100);
    }
}

fn no_provider_is_answered_with_the_service_alone(mut guest: Guest) {
    assert!(guest.configure(r#"{"annotations":[]}"#));
    assert_eq!(guest.begin(2, &[(":path", "/a.B/get"), GRPC, ("tri-service-group", "g")]), 1);
    guest.end(2);
    assert_eq!(guest.begin(3, &[(":path", "/a.B/get")]), 1);
    guest.end(3);
    let said = |status, grpc, text: &str| (status, grpc, text.to_owned());
    let expected = [said(200, 14, "no provider of g/a.B"), said(503, -1, "no provider of a.B")];
    assert_eq!(guest.proxy().local, expected);
    assert_eq!(guest.proxy().header("x-envoy-original-dst-host"), None);
}

fn a_bad_configuration_is_refused_with_a_clear_line(mut guest: Guest) {
    assert!(!guest.configure(r#"{"anotations":[]}"#));
    let (level, line) = guest.proxy().lines.pop().unwrap();
    assert_eq!(level, 4);
    assert!(line.contains("unknown field `anotations`") && line.contains("line 1"), "{line}");
    // Should the proxy go on with it all the same, requests pass untouched.
    assert_eq!(guest.begin(2, &[(":path", "/a.B/get")]), 0);
    guest.end(2);
}

fn the_registry_follows_its_watcher_through_an_outage(mut guest: Guest) {
    assert!(guest.configure(WATCHER));
    let path = [(":path", "/a.B/get"), GRPC];
    guest.proxy().is_cluster_gone = true;
    guest.tick();
    assert!(guest.proxy().lines.pop().unwrap().1.contains("no such cluster"));
    guest.proxy().is_cluster_gone = false;
    while guest.proxy().sent.is_empty() {
        guest.tick();
    }
    answer_with(&mut guest, "W/\"1\"", ["tri://127.0.0.1:7001/a.B".to_owned()]);
    assert_eq!(request(&mut guest, 2, &path).as_deref(), Some("127.0.0.1:7001"));
    assert_eq!(guest.proxy().sent.len(), 2);
    // It goes away, comes back, and does not know everything yet.
    guest.answer(&[], Vec::new());
    for _ in 0..20 {
        guest.tick();
    }
    guest.answer(&[(":status", "503")], b"no healthy upstream".to_vec());
    for _ in 0..20 {
        guest.tick();
    }
    guest.answer(
        &[(":status", "200"), ("etag", "W/\"9-0\"")],
        b"{\"revision\":\"9-0\",\"pods\":[]}".to_vec(),
    );
    assert_eq!(request(&mut guest, 3, &path).as_deref(), Some("127.0.0.1:7001"));
    for _ in 0..20 {
        guest.tick();
    }
    answer_with(&mut guest, "W/\"9-1\"", ["tri://127.0.0.1:7002/a.B".to_owned()]);
    assert_eq!(request(&mut guest, 4, &path).as_deref(), Some("127.0.0.1:7002"));
    assert!(guest.proxy().lines.iter().all(|(level, _)| *level < 4));
}

fn fifty_thousand_providers_take_a_bounded_memory(mut guest: Guest) {
    assert!(guest.configure(WATCHER));
    guest.tick();
    answer_with(&mut guest, "W/\"1\"", providers(50_000));
    assert!(request(&mut guest, 2, &[(":path", "/a.B/get")]).is_some());
    let first = guest.memory();
    assert!(first < 64 << 20, "{first} bytes");
    for round in 2..4 {
        let left = providers(50_000).skip(round);
        answer_with(&mut guest, &format!("W/\"{round}\""), left);
        for _ in 0..10 {
            guest.tick();
        }
    }
    let last = guest.memory();
    assert!(last < first * 2, "it grows from {first} to {last} bytes");
}

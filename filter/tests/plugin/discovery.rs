//! The conversation with the watcher: what is asked when, what an answer does, and what an outage does not.

use std::time::Duration;

use dubbo_k8s_filter::{Host as _, Plugin};

use crate::proxy::{Proxy, addresses, annotation, body};

const JSON: &[u8] =
    br#"{"discovery":{"cluster":"watcher","authority":"watcher.local","wait":"20s"}}"#;

fn start(proxy: &Proxy) -> Plugin {
    let plugin = Plugin::configure(JSON, proxy).unwrap();
    proxy.run(&plugin, Duration::from_millis(1));
    plugin
}

fn header(proxy: &Proxy, name: &str) -> Option<String> {
    let sent = proxy.sent.borrow();
    let (_, headers, _) = sent.last().unwrap();
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

fn pod(host: u8) -> (&'static str, String) {
    ("p", annotation(&[&format!("tri://10.0.0.{host}:1/a.B")]))
}

fn endpoint(proxy: &Proxy, plugin: &Plugin) -> Option<String> {
    proxy.request(plugin, "/a.B/get", &[]).0
}

#[test]
fn the_registry_is_asked_for_and_then_every_change_of_it() {
    let proxy = Proxy::default();
    let plugin = start(&proxy);
    {
        let sent = proxy.sent.borrow();
        let (cluster, headers, timeout) = &sent[0];
        assert_eq!((&**cluster, *timeout), ("watcher", Duration::from_secs(35)));
        let header =
            |name: &str| headers.iter().find(|(known, _)| known == name).unwrap().1.as_str();
        assert_eq!((header(":method"), header(":path")), ("GET", "/v1/annotations"));
        assert_eq!((header(":authority"), header("accept-encoding")), ("watcher.local", "gzip"));
        assert!(headers.iter().all(|(name, _)| name != "if-none-match"));
    }
    assert_eq!(endpoint(&proxy, &plugin), None);
    assert!(proxy.responses.borrow()[0].1.ends_with("the registry has not been read yet"));

    proxy.answer_with(&plugin, "W/\"1-1\"", &[pod(1)]);
    assert_eq!(endpoint(&proxy, &plugin).as_deref(), Some("10.0.0.1:1"));
    // The next question is out already, and waits for a change.
    assert_eq!(proxy.sent.borrow().len(), 2);
    assert_eq!(header(&proxy, ":path").unwrap(), "/v1/annotations?since=1-1&wait=20000ms");
    assert_eq!(header(&proxy, "if-none-match"), None);

    proxy.pass(Duration::from_secs(3));
    proxy.answer_with(&plugin, "W/\"1-2\"", &[pod(2)]);
    assert_eq!(endpoint(&proxy, &plugin).as_deref(), Some("10.0.0.2:1"));
    assert_eq!(header(&proxy, ":path").unwrap(), "/v1/annotations?since=1-2&wait=20000ms");

    proxy.pass(Duration::from_secs(20));
    proxy.answer(&plugin, &[(":status", "304"), ("age", "7")], b"");
    assert_eq!(endpoint(&proxy, &plugin).as_deref(), Some("10.0.0.2:1"));
    assert_eq!(proxy.sent.borrow().len(), 4);
    proxy.run(&plugin, Duration::from_secs(2));
    assert!((8000..10_000).contains(&proxy.metric("dubbo.registry_age_ms")));
    assert_eq!(proxy.metric("dubbo.loads"), 2);
    assert_eq!(proxy.said(), ["the registry has 1 providers of 1 services"]);
}

/// Answers the last question with changes: Pods by uid, and the uids of those that are gone.
fn change(proxy: &Proxy, plugin: &Plugin, to: &str, pods: &[(&str, &[&str])], gone: &[&str]) {
    let pod = |(uid, urls): &(&str, &[&str])| {
        let annotation = annotation(urls);
        let ips = addresses(&annotation);
        format!(
            r#"{{"namespace":"n","name":"p","uid":"{uid}","annotation":"{annotation}","ips":{ips:?}}}"#
        )
    };
    let pods: Vec<String> = pods.iter().map(pod).collect();
    let body = format!(r#"{{"since":"x","pods":[{}],"gone":{gone:?}}}"#, pods.join(","));
    let etag = format!("W/\"{to}\"");
    proxy.answer(plugin, &[(":status", "200"), ("etag", &etag), ("age", "0")], body.as_bytes());
}

/// The endpoints that calls to a path reach.
fn endpoints(proxy: &Proxy, plugin: &Plugin, path: &str) -> Vec<String> {
    let mut seen: Vec<_> = (0..50).filter_map(|_| proxy.request(plugin, path, &[]).0).collect();
    seen.sort();
    seen.dedup();
    seen
}

#[test]
fn an_answer_of_changes_leaves_everything_else_in_service() {
    let proxy = Proxy::default();
    let plugin = start(&proxy);
    // Their uids are p-0 and p-1.
    proxy.answer_with(&plugin, "W/\"1-1\"", &[pod(1), pod(2)]);
    let both = ["tri://10.0.0.2:1/a.B", "tri://10.0.0.2:1/a.C"];
    let pods: [(&str, &[&str]); 2] = [("new", &["tri://10.0.0.3:1/a.B"]), ("p-1", &both)];
    change(&proxy, &plugin, "1-2", &pods, &[]);
    let seen = endpoints(&proxy, &plugin, "/a.B/get");
    assert_eq!(seen, ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"]);
    assert_eq!(endpoints(&proxy, &plugin, "/a.C/get"), ["10.0.0.2:1"]);

    let later = || proxy.run(&plugin, Duration::from_secs(1));
    later();
    let moved: [(&str, &[&str]); 1] = [("p-1", &["tri://10.0.0.9:1/a.B"])];
    change(&proxy, &plugin, "1-3", &moved, &["p-0", "unknown"]);
    assert_eq!(endpoints(&proxy, &plugin, "/a.B/get"), ["10.0.0.3:1", "10.0.0.9:1"]);
    assert!(endpoints(&proxy, &plugin, "/a.C/get").is_empty());
    later();
    change(&proxy, &plugin, "1-4", &[], &["p-1", "new"]);
    assert!(endpoints(&proxy, &plugin, "/a.B/get").is_empty());
    later();
    later();
    assert_eq!((proxy.metric("dubbo.providers"), proxy.metric("dubbo.services")), (0, 0));
    // A watcher that does not remember answers with everything.
    proxy.answer_with(&plugin, "W/\"2-1\"", &[pod(5)]);
    assert_eq!(endpoints(&proxy, &plugin, "/a.B/get"), ["10.0.0.5:1"]);
}

#[test]
fn an_answer_of_changes_that_is_cut_changes_nothing() {
    let proxy = Proxy::default();
    let plugin = start(&proxy);
    proxy.answer_with(&plugin, "W/\"1-1\"", &[pod(1)]);
    let head = [(":status", "200"), ("etag", "W/\"1-2\""), ("age", "0")];
    proxy.answer(&plugin, &head, br#"{"since":"1-1","gone":["p-0"],"pods":["#);
    assert_eq!(endpoint(&proxy, &plugin).as_deref(), Some("10.0.0.1:1"));
    // What is asked for next is everything.
    proxy.run(&plugin, Duration::from_secs(1));
    assert_eq!(header(&proxy, ":path").unwrap(), "/v1/annotations");
}

#[test]
fn a_watcher_that_refuses_to_answer_with_changes_is_asked_as_before() {
    let proxy = Proxy::default();
    let plugin = start(&proxy);
    proxy.answer_with(&plugin, "W/\"1-1\"", &[pod(1)]);
    proxy.answer(&plugin, &[(":status", "400")], b"{}");
    proxy.run(&plugin, Duration::from_secs(1));
    assert_eq!(header(&proxy, ":path").unwrap(), "/v1/annotations?wait=20000ms");
    assert_eq!(header(&proxy, "if-none-match").unwrap(), "W/\"1-1\"");
    proxy.answer_with(&plugin, "W/\"1-2\"", &[pod(2)]);
    assert_eq!(endpoint(&proxy, &plugin).as_deref(), Some("10.0.0.2:1"));
    assert_eq!(proxy.metric("dubbo.load_failures"), 0);
}

#[test]
fn the_same_trouble_is_logged_once_a_minute() {
    let proxy = Proxy::default();
    let plugin = start(&proxy);
    proxy.answer_with(&plugin, "W/\"1-1\"", &[pod(1)]);
    proxy.said();
    let mut answered = 1;
    for _ in 0..230 {
        let asked = proxy.sent.borrow().len();
        if asked > answered {
            answered = asked;
            match asked % 5 {
                0 => proxy.answer(&plugin, &[(":status", "401")], b""),
                1 => proxy.answer(&plugin, &[(":status", "403")], b""),
                2 => proxy.answer(&plugin, &[(":status", "500")], b""),
                3 => proxy.answer(&plugin, &[(":status", "200"), ("age", "0")], b"<html>"),
                _ => proxy.answer(&plugin, &[(":status", "200"), ("age", "0")], br#"{"pods":["#),
            }
        }
        proxy.run(&plugin, Duration::from_millis(500));
    }
    let said = proxy.said();
    for kind in ["status 401", "status 403", "status 500", "cannot be read"] {
        let lines = said.iter().filter(|line| line.contains(kind)).count();
        assert!((1..=2).contains(&lines), "{kind} in two minutes: {said:?}");
    }
    assert!(answered > 10 && proxy.metric("dubbo.load_failures") > 10);
    assert!(proxy.metric("dubbo.registry_age_ms") > 100_000);
    assert_eq!(endpoint(&proxy, &plugin).as_deref(), Some("10.0.0.1:1"));
}

type Head = &'static [(&'static str, &'static str)];

/// What a watcher may answer that is of no use, and what the log says of it.
fn bad_answers() -> Vec<(Head, Vec<u8>, &'static str)> {
    const OK: Head = &[(":status", "200"), ("etag", "W/\"1-2\""), ("age", "0")];
    const PACKED: Head = &[(":status", "200"), ("age", "0"), ("content-encoding", "gzip")];
    let whole = body(&[pod(2)]);
    let cut = whole.get(..whole.len() - 3).unwrap().to_vec();
    vec![
        (OK, cut, "cannot be read"),
        (OK, Vec::new(), "cannot be read"),
        (OK, b"<html>It works!</html>".to_vec(), "cannot be read"),
        (PACKED, whole, "it is not whole gzip"),
        // Another version: other names, other kinds of values.
        (OK, br#"{"apiVersion":"v2","items":[{"annotation":"W10="}]}"#.to_vec(), "cannot be read"),
        (OK, br#"{"revision":"1-2","pods":{"p-0":"W10="}}"#.to_vec(), "cannot be read"),
        (OK, br#"{"revision":"1-2","pods":[{"value":"W10="}]}"#.to_vec(), "has no annotation"),
        (&[(":status", "404")], b"{}".to_vec(), "status 404"),
        // Of 100 MB no more is asked for than this.
        (OK, vec![b' '; (32 << 20) + 1], "more than 33554432 bytes"),
        (&[(":status", "401")], Vec::new(), "status 401"),
        (&[(":status", "403")], Vec::new(), "status 403"),
        (&[(":status", "500")], b"no".to_vec(), "status 500"),
        (&[], Vec::new(), "it does not answer"),
    ]
}

#[test]
fn each_bad_answer_leaves_the_last_good_state_in_service_with_one_line_a_minute_and_a_metric() {
    for (head, body, reason) in bad_answers() {
        let proxy = Proxy::default();
        let plugin = start(&proxy);
        proxy.answer_with(&plugin, "W/\"1-1\"", &[pod(1)]);
        proxy.said();
        let (mut answered, mut lines) = (1, Vec::new());
        for _ in 0..150 {
            if proxy.sent.borrow().len() > answered {
                answered = proxy.sent.borrow().len();
                proxy.answer(&plugin, head, &body);
            }
            assert_eq!(endpoint(&proxy, &plugin).as_deref(), Some("10.0.0.1:1"), "{reason}");
            proxy.run(&plugin, Duration::from_secs(1));
            let second = proxy.now() / 1_000_000_000;
            lines.extend(proxy.said().into_iter().map(|line| (second, line)));
        }
        assert!(lines.iter().all(|(_, line)| line.contains(reason)), "{reason}: {lines:?}");
        assert!((2..=3).contains(&lines.len()), "{reason}: {lines:?}");
        let between = |pair: &[(u64, String)]| pair[1].0 - pair[0].0;
        assert!(lines.windows(2).all(|pair| between(pair) >= 60), "{reason}: {lines:?}");
        let asked = u64::try_from(answered).unwrap() - 1;
        let failures = proxy.metric("dubbo.load_failures");
        assert!(failures > 10 && (asked - 1..=asked).contains(&failures), "{failures} of {asked}");
        assert!(proxy.metric("dubbo.registry_age_ms") > 148_000, "{reason}");
        assert_eq!((proxy.metric("dubbo.loads"), proxy.metric("dubbo.providers")), (1, 1));
    }
}

#[test]
fn a_watcher_that_does_not_wait_for_changes_is_not_worn_out() {
    let proxy = Proxy::default();
    let plugin = start(&proxy);
    proxy.answer_with(&plugin, "W/\"1-1\"", &[pod(1)]);
    for _ in 0..10 {
        change(&proxy, &plugin, "1-1", &[], &[]);
        proxy.run(&plugin, Duration::from_millis(500));
    }
    assert!(proxy.sent.borrow().len() <= 8);
    assert_eq!(proxy.metric("dubbo.loads"), 1, "nothing was new");
}

#[test]
fn everything_is_asked_for_when_what_was_cut_has_room_again_and_not_before() {
    let json = br#"{"discovery":{"cluster":"w","wait":"20s"},"bounds":{"providers":2}}"#;
    let proxy = Proxy::default();
    let plugin = Plugin::configure(json, &proxy).unwrap();
    proxy.run(&plugin, Duration::from_millis(1));
    proxy.answer_with(&plugin, "W/\"1-1\"", &[pod(1), pod(2), pod(3)]);
    proxy.run(&plugin, Duration::from_secs(1));
    assert_eq!(header(&proxy, ":path").unwrap(), "/v1/annotations?since=1-1&wait=20000ms");
    // Which of them is cut is seen by what is left: one goes that is not.
    let kept = endpoints(&proxy, &plugin, "/a.B/get");
    assert_eq!(kept.len(), 2);
    let gone = format!("p-{}", kept[0].as_bytes()[7] - b'1');
    change(&proxy, &plugin, "1-2", &[], &[&gone]);
    assert_eq!(endpoints(&proxy, &plugin, "/a.B/get"), kept[1..]);
    // It may come and go all the time, so this waits a little; what changes meanwhile is asked for.
    proxy.run(&plugin, Duration::from_secs(1));
    assert_eq!(header(&proxy, ":path").unwrap(), "/v1/annotations?since=1-2&wait=20000ms");
    proxy.run(&plugin, Duration::from_secs(10));
    change(&proxy, &plugin, "1-2", &[], &[]);
    proxy.run(&plugin, Duration::from_secs(1));
    assert_eq!(header(&proxy, ":path").unwrap(), "/v1/annotations", "at once, not when it changes");
    assert_eq!(header(&proxy, "if-none-match"), None);
    proxy.answer_with(&plugin, "W/\"1-4\"", &[pod(2), pod(3)]);
    assert_eq!(endpoints(&proxy, &plugin, "/a.B/get"), ["10.0.0.2:1", "10.0.0.3:1"]);
    proxy.run(&plugin, Duration::from_secs(1));
    assert_eq!(header(&proxy, ":path").unwrap(), "/v1/annotations?since=1-4&wait=20000ms");
}

#[test]
fn what_changes_all_the_time_is_asked_for_in_batches() {
    let proxy = Proxy::default();
    let plugin = start(&proxy);
    proxy.answer_with(&plugin, "W/\"1-0\"", &[pod(1)]);
    proxy.pass(Duration::from_secs(1));
    let before = proxy.sent.borrow().len();
    // There is something new whenever the filter asks.
    let mut answered = before - 1;
    for number in 0..400 {
        if proxy.sent.borrow().len() > answered {
            answered = proxy.sent.borrow().len();
            let url = format!("tri://10.0.0.7:1/a.B?weight={}", number + 1);
            change(&proxy, &plugin, &format!("1-{number}"), &[("p-0", &[&url])], &[]);
        }
        proxy.pass(Duration::from_millis(5));
        plugin.tick(&proxy);
    }
    let asked = proxy.sent.borrow().len() - before;
    assert!((20..100).contains(&asked), "{asked} questions in two seconds");
}

#[test]
fn changes_of_a_rolling_update_are_each_asked_for_at_once() {
    let proxy = Proxy::default();
    let plugin = start(&proxy);
    proxy.answer_with(&plugin, "W/\"1-0\"", &[pod(1)]);
    for number in 1..=15 {
        let asked = proxy.sent.borrow().len();
        proxy.pass(Duration::from_millis(10));
        let url = format!("tri://10.0.1.{number}:1/a.B");
        change(&proxy, &plugin, &format!("1-{number}"), &[("p-0", &[&url])], &[]);
        assert_eq!(proxy.sent.borrow().len(), asked + 1, "change {number}");
    }
}

#[test]
fn an_outage_leaves_the_last_good_state_in_service_and_reports_its_age() {
    let proxy = Proxy::default();
    let plugin = start(&proxy);
    proxy.answer_with(&plugin, "W/\"1-1\"", &[pod(1)]);
    proxy.said();
    proxy.answer(&plugin, &[], b"");
    for _ in 0..100 {
        proxy.run(&plugin, Duration::from_secs(1));
        if proxy.sent.borrow().len() % 2 == 0 {
            proxy.answer(&plugin, &[(":status", "503")], b"no healthy upstream");
        } else {
            proxy.answer(&plugin, &[(":status", "200"), ("age", "0")], b"<html>");
        }
        assert_eq!(endpoint(&proxy, &plugin).as_deref(), Some("10.0.0.1:1"));
    }
    let asked = proxy.sent.borrow().len();
    assert!((10..60).contains(&asked), "{asked} questions in 100 s");
    assert!(proxy.metric("dubbo.registry_age_ms") >= 99_000);
    let said = proxy.said();
    assert!(said.len() < 20, "{said:?}");
    assert_eq!(
        said[0],
        "the watcher (cluster watcher): it does not answer; what was known 0 s ago stays in service"
    );
    assert!(said.iter().any(|line| line.contains("status 503")), "{said:?}");
    assert!(said.iter().any(|line| line.contains("cannot be read")), "{said:?}");

    proxy.run(&plugin, Duration::from_secs(15));
    proxy.answer_with(&plugin, "W/\"9-1\"", &[pod(3)]);
    assert_eq!(endpoint(&proxy, &plugin).as_deref(), Some("10.0.0.3:1"));
    assert!(proxy.said().iter().any(|line| line.contains("is there again")));
    proxy.run(&plugin, Duration::from_secs(1));
    assert!(proxy.metric("dubbo.registry_age_ms") < 2000);
}

#[test]
fn a_watcher_that_has_just_started_takes_nothing_away() {
    let proxy = Proxy::default();
    let plugin = start(&proxy);
    proxy.answer_with(&plugin, "W/\"1-1\"", &[pod(1)]);
    // No age: it has not read the whole registry yet.
    proxy.answer(&plugin, &[(":status", "200"), ("etag", "W/\"2-0\"")], &body(&[]));
    assert_eq!(endpoint(&proxy, &plugin).as_deref(), Some("10.0.0.1:1"));
    proxy.run(&plugin, Duration::from_secs(1));
    assert_eq!(header(&proxy, "if-none-match").unwrap(), "W/\"2-0\"");
    proxy.answer_with(&plugin, "W/\"2-1\"", &[pod(1), pod(2)]);
    proxy.run(&plugin, Duration::from_secs(1));
    assert_eq!(proxy.metric("dubbo.providers"), 2);
}

#[test]
fn a_lost_answer_and_a_missing_cluster_are_asked_for_again() {
    let proxy = Proxy::default();
    proxy.is_cluster_gone.set(true);
    let plugin = start(&proxy);
    assert!(proxy.said()[0].contains("no such cluster"));
    proxy.is_cluster_gone.set(false);
    proxy.run(&plugin, Duration::from_secs(1));
    assert_eq!(proxy.sent.borrow().len(), 1);
    proxy.run(&plugin, Duration::from_mins(1));
    assert_eq!(proxy.sent.borrow().len(), 2);
    // An answer to a request that was not made is none.
    plugin.answer(77, true, &proxy);
}

#[test]
fn an_answer_too_many_is_not_asked_for_at_once() {
    let proxy = Proxy::default();
    let plugin = start(&proxy);
    proxy.answer_with(&plugin, "W/\"1-1\"", &[pod(1)]);
    for _ in 0..10 {
        proxy.answer(&plugin, &[(":status", "304"), ("age", "0")], b"");
        proxy.run(&plugin, Duration::from_millis(500));
    }
    assert!(proxy.sent.borrow().len() <= 8, "a watcher that does not wait is not worn out");
}

#[test]
fn a_large_registry_is_read_in_slices_beside_the_one_in_service() {
    let proxy = Proxy::default();
    let plugin = start(&proxy);
    proxy.answer_with(&plugin, "W/\"1-1\"", &[pod(1)]);
    let slow = proxy.tick.get();
    // A fifth of a millisecond passes with every look at the clock.
    proxy.drift.set(200_000);
    let pods: Vec<(String, String)> = (0..3000_u32)
        .map(|n| {
            let url = format!("tri://10.1.{}.{}:1/a.B", n / 256, n % 256);
            (format!("p{n}"), annotation(&[&url]))
        })
        .collect();
    let pods: Vec<(&str, String)> = pods.iter().map(|(n, a)| (n.as_str(), a.clone())).collect();
    proxy.answer_with(&plugin, "W/\"1-2\"", &pods);
    let mut slices = 0;
    while proxy.tick.get() < slow {
        assert_eq!(endpoint(&proxy, &plugin).as_deref(), Some("10.0.0.1:1"), "the old one serves");
        plugin.tick(&proxy);
        slices += 1;
    }
    assert!(slices > 2, "{slices}");
    assert!(endpoint(&proxy, &plugin).unwrap().starts_with("10.1."));
    proxy.run(&plugin, Duration::from_secs(2));
    assert_eq!(proxy.metric("dubbo.providers"), 3000);
}

#[test]
fn what_is_never_exceeded() {
    let json = br#"{"discovery":{"cluster":"w"},"bounds":{"providers":2,"bodyBytes":1000}}"#;
    let proxy = Proxy::default();
    let plugin = Plugin::configure(json, &proxy).unwrap();
    proxy.run(&plugin, Duration::from_millis(1));
    proxy.answer_with(&plugin, "W/\"1-1\"", &[pod(1), pod(2), pod(3)]);
    proxy.run(&plugin, Duration::from_secs(2));
    assert_eq!(proxy.metric("dubbo.providers"), 2);
    let said = proxy.said();
    assert!(said[0].contains("more than 2 providers (`bounds.providers`)"), "{said:?}");
    let many: Vec<_> = (0..20).map(pod).collect();
    proxy.answer_with(&plugin, "W/\"1-2\"", &many);
    assert!(proxy.said()[0].contains("more than 1000 bytes (`bounds.bodyBytes`)"));
    assert!(endpoint(&proxy, &plugin).is_some());
}

#[test]
fn a_bad_annotation_is_logged_once_as_long_as_it_stays_the_same() {
    let proxy = Proxy::default();
    let plugin = start(&proxy);
    let bad = || ("bad", "?".to_owned());
    proxy.answer_with(&plugin, "W/\"1-1\"", &[bad(), pod(1)]);
    proxy.answer_with(&plugin, "W/\"1-2\"", &[bad(), pod(2)]);
    assert_eq!(endpoint(&proxy, &plugin).as_deref(), Some("10.0.0.2:1"));
    assert_eq!(proxy.said().iter().filter(|line| line.contains("n/bad")).count(), 1);
    proxy.run(&plugin, Duration::from_secs(2));
    assert_eq!(proxy.metric("dubbo.decode_errors"), 1);
}

#[test]
fn a_plugin_in_the_place_of_another_finds_the_registry_read() {
    let proxy = Proxy::default();
    let first = start(&proxy);
    proxy.answer_with(&first, "W/\"1-1\"", &[pod(1)]);
    let second = Plugin::configure(JSON, &proxy).unwrap();
    assert_eq!(endpoint(&proxy, &second).as_deref(), Some("10.0.0.1:1"));
    let asked = proxy.sent.borrow().len();
    second.tick(&proxy);
    assert_eq!(proxy.sent.borrow().len(), asked, "one question at a time");
    // The answer to the first one's question will never come.
    first.leave();
    second.tick(&proxy);
    assert_eq!(proxy.sent.borrow().len(), asked + 1);
    proxy.answer_with(&second, "W/\"1-2\"", &[pod(2)]);
    assert_eq!(endpoint(&proxy, &second).as_deref(), Some("10.0.0.2:1"));
}

/// A Pod as the watcher knows it, with its own address.
fn at(namespace: &str, name: &str, ip: &str, urls: &[&str]) -> String {
    let annotation = annotation(urls);
    format!(
        r#"{{"namespace":"{namespace}","name":"{name}","uid":"{namespace}-{name}","annotation":"{annotation}","ips":["{ip}"]}}"#
    )
}

fn load(plugin: &Plugin, proxy: &Proxy, etag: &str, pods: &[String]) {
    let body = format!(r#"{{"revision":"r","pods":[{}]}}"#, pods.join(","));
    proxy.answer(plugin, &[(":status", "200"), ("etag", etag), ("age", "0")], body.as_bytes());
    proxy.run(plugin, Duration::from_secs(2));
}

#[test]
fn a_provider_at_an_address_that_is_not_its_pods_gets_no_request() {
    let proxy = Proxy::default();
    let plugin = start(&proxy);
    let spoofed = |url: &str| at("evil", "a", "10.0.0.9", &[url]);
    for url in
        ["tri://169.254.169.254:1/a.B", "tri://10.0.0.1:1/a.B", "tri://10.0.0.9:1,10.0.0.1:1/a.B"]
    {
        load(&plugin, &proxy, "W/\"1-1\"", &[spoofed(url)]);
        assert_eq!(endpoint(&proxy, &plugin), None, "{url}");
    }
    let own = at("shop", "b", "10.0.0.1", &["tri://10.0.0.1:1/a.B"]);
    load(&plugin, &proxy, "W/\"1-2\"", &[spoofed("tri://10.0.0.8:1/a.B"), own.clone()]);
    for _ in 0..100 {
        assert_eq!(endpoint(&proxy, &plugin).as_deref(), Some("10.0.0.1:1"));
    }
    // The very same annotation is judged anew where the Pod has another address.
    load(&plugin, &proxy, "W/\"1-3\"", &[own.replace("[\"10.0.0.1\"]", "[\"10.0.0.7\"]")]);
    assert_eq!(endpoint(&proxy, &plugin), None);
}

#[test]
fn a_pod_whose_addresses_the_watcher_does_not_name_gets_no_request() {
    let proxy = Proxy::default();
    let plugin = start(&proxy);
    let named = at("shop", "b", "10.0.0.1", &["tri://10.0.0.1:1/a.B"]);
    for (ips, reached) in [
        (r#","ips":["10.0.0.1"]"#, true),
        (r#","ips":[]"#, false),
        (r#","ips":null"#, false),
        ("", false),
    ] {
        let pod = named.replace(r#","ips":["10.0.0.1"]"#, ips);
        load(&plugin, &proxy, "W/\"1-1\"", &[pod]);
        assert_eq!(endpoint(&proxy, &plugin).is_some(), reached, "{ips}");
    }
}

#[test]
fn a_provider_of_four_billion_gets_no_more_than_its_limit() {
    let proxy = Proxy::default();
    let json = br#"{"discovery":{"cluster":"w4"},"trust":{"maxWeight":100}}"#;
    let plugin = Plugin::configure(json, &proxy).unwrap();
    proxy.run(&plugin, Duration::from_millis(1));
    let heavy = at("evil", "a", "10.0.0.9", &["tri://10.0.0.9:1/a.B?weight=4000000000"]);
    load(
        &plugin,
        &proxy,
        "W/\"1-1\"",
        &[heavy, at("shop", "b", "10.0.0.1", &["tri://10.0.0.1:1/a.B"])],
    );
    let to = |_| endpoint(&proxy, &plugin).unwrap();
    let good = (0..2000).map(to).filter(|endpoint| endpoint == "10.0.0.1:1").count();
    // Half of them; on 2,000 picks this is twenty standard deviations wide.
    assert!((550..1450).contains(&good), "{good} of 2000");
}

#[test]
fn seventeen_pods_with_huge_annotations_never_push_out_another_namespace() {
    let proxy = Proxy::default();
    let json = br#"{"discovery":{"cluster":"w17"},"bounds":{"providers":2000},"trust":{"podQuota":"16000,1Mi"}}"#;
    let plugin = Plugin::configure(json, &proxy).unwrap();
    proxy.run(&plugin, Duration::from_millis(1));
    let huge = |n: u32| {
        let ip = format!("10.1.0.{n}");
        let hosts: Vec<_> = (1..=1000).map(|port| format!("{ip}:{port}")).collect();
        at("evil", &format!("p{n}"), &ip, &[&format!("tri://{}/evil.E", hosts.join(","))])
    };
    let mut pods: Vec<String> = (1..=17).map(huge).collect();
    pods.push(at("shop", "b", "10.0.0.1", &["tri://10.0.0.1:1/a.B"]));
    load(&plugin, &proxy, "W/\"1-1\"", &pods);
    assert_eq!(endpoint(&proxy, &plugin).as_deref(), Some("10.0.0.1:1"));
    assert_eq!(proxy.metric("dubbo.providers"), 2000);
    // Once there is room, what was cut is whole again.
    load(&plugin, &proxy, "W/\"1-2\"", &pods.split_off(16));
    assert_eq!(proxy.metric("dubbo.providers"), 1001);
}

#[test]
fn a_pod_that_changes_to_fill_the_room_takes_none_of_another_namespace() {
    let proxy = Proxy::default();
    let json = br#"{"discovery":{"cluster":"w","wait":"20s"},"bounds":{"providers":20}}"#;
    let plugin = Plugin::configure(json, &proxy).unwrap();
    proxy.run(&plugin, Duration::from_millis(1));
    let hosts = |ports: u16| {
        let hosts: Vec<_> = (1..=ports).map(|port| format!("10.1.0.1:{port}")).collect();
        at("evil", "e", "10.1.0.1", &[&format!("tri://{}/a.B", hosts.join(","))])
    };
    let shop = at("shop", "b", "10.0.0.1", &["tri://10.0.0.1:1/a.C", "tri://10.0.0.1:1/a.B"]);
    load(&plugin, &proxy, "W/\"1-1\"", &[hosts(1), shop]);
    assert_eq!(proxy.metric("dubbo.providers"), 3);
    assert_eq!(header(&proxy, ":path").unwrap(), "/v1/annotations?since=1-1&wait=20000ms");
    let body = format!(r#"{{"since":"1-1","pods":[{}],"gone":[]}}"#, hosts(1000));
    let head = [(":status", "200"), ("etag", "W/\"1-2\""), ("age", "0")];
    proxy.answer(&plugin, &head, body.as_bytes());
    proxy.run(&plugin, Duration::from_secs(2));
    assert_eq!(proxy.metric("dubbo.providers"), 20);
    assert_eq!(endpoints(&proxy, &plugin, "/a.C/get"), ["10.0.0.1:1"]);
    // What changes is enough as long as nothing that was cut has room.
    assert_eq!(header(&proxy, ":path").unwrap(), "/v1/annotations?since=1-2&wait=20000ms");
    let body = format!(r#"{{"since":"1-2","pods":[{}],"gone":[]}}"#, hosts(18));
    let head = [(":status", "200"), ("etag", "W/\"1-3\""), ("age", "0")];
    proxy.answer(&plugin, &head, body.as_bytes());
    proxy.run(&plugin, Duration::from_secs(2));
    assert_eq!(proxy.metric("dubbo.providers"), 20);
    assert_eq!(endpoints(&proxy, &plugin, "/a.C/get"), ["10.0.0.1:1"]);
    assert_eq!(header(&proxy, ":path").unwrap(), "/v1/annotations?since=1-3&wait=20000ms");
}

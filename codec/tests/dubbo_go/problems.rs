//! What dubbo-go refuses or reads otherwise, as problems of a Pod with their places.

use dubbo_k8s_codec::lint::{Entry, Subject, place};
use dubbo_k8s_codec::problem::{Language, Problem};
use dubbo_k8s_codec::{ANNOTATION, Annotation, Category, Key, Record, encode, query_escape};
use serde_json::Value;

const REFUSED: &str = include_str!("../data/cases/go_newurl_refuses.json");
const UNBRACKETED: &str = include_str!("../data/cases/ipv6_unbracketed.json");

/// What dubbo-go makes of a record: code, reason, and the annotation's text from the place on.
fn found(value: &str) -> Vec<(usize, &'static str, &'static str, String)> {
    let annotation = Annotation::decode(value).unwrap();
    let mut problems = Vec::new();
    Subject::default().lint_records(&annotation, &mut problems, |_, _| {});
    place(&mut problems, &annotation, value);
    let keys: Vec<_> = annotation.records().map(|record| record.key.to_owned()).collect();
    let of = |problem: &Problem| {
        let (record, at) = (problem.record?, problem.key_offset?);
        let placed = annotation.place_in_key(value, record, at);
        assert_eq!((problem.offset, problem.decoded_offset), (Some(placed.0), placed.1));
        let rest = keys[record][at..].chars().take(5).collect();
        Some((record, problem.code.as_str(), problem.reason?.as_str(), rest))
    };
    problems.iter().filter_map(of).collect()
}

fn of_pod(pod: &str) -> String {
    let pod: Value = serde_json::from_str(pod).unwrap();
    pod["metadata"]["annotations"][ANNOTATION].as_str().unwrap().to_owned()
}

fn of_url(category: Category, url: &str) -> Vec<(&'static str, &'static str)> {
    let key = Key::leaf("a.B", category, url).to_string();
    let found = found(&encode([Record::new(&key)]));
    found.into_iter().map(|(_, code, reason, _)| (code, reason)).collect()
}

#[test]
fn refused_urls_are_problems_with_reason_and_place() {
    let refused = "dubbo-go-refuses-url";
    let expected = [
        (0, refused, "percent-escape", "%25%2"),
        (1, refused, "semicolon", "%3Bto"),
        (2, refused, "percent-escape", "%25zz"),
        (5, refused, "user-info", "+er%4"),
        (6, refused, "control-character", "%0Ali"),
    ];
    let found = found(&of_pod(REFUSED));
    let found: Vec<_> =
        found.iter().map(|(at, code, why, text)| (*at, *code, *why, &**text)).collect();
    assert_eq!(found, expected);
}

#[test]
fn unbracketed_ipv6_has_host_and_port_and_its_problem() {
    let value = of_pod(UNBRACKETED);
    let annotation = Annotation::decode(&value).unwrap();
    let hosts: Vec<_> = annotation
        .records()
        .map(|record| {
            let url = Entry::read(record).unwrap().unwrap().url;
            (url.host().to_owned(), url.port())
        })
        .collect();
    let ports = [Some(50051), Some(8080), Some(9090), None];
    assert_eq!(hosts, ports.map(|port| ("fd00:10:244::7".to_owned(), port)));
    let expected = [
        (0, "dubbo-go-refuses-url", "many-colons", "fd00%"),
        (1, "dubbo-go-refuses-url", "many-colons", "fd00%"),
        (3, "dubbo-go-reads-otherwise", "many-colons", "fd00%"),
    ];
    let found = found(&value);
    let found: Vec<_> =
        found.iter().map(|(at, code, why, text)| (*at, *code, *why, &**text)).collect();
    assert_eq!(found, expected);
}

#[test]
fn what_is_read_otherwise_is_a_note() {
    let note = |reason| vec![("dubbo-go-reads-otherwise", reason)];
    for (url, reason) in [
        ("tri://10.0.0.1:1/a.B?x=1#y", "fragment"),
        ("tri://10.0.0.1:1/a.B?default.version=1", "default-prefix"),
        ("tri://10.0.0.1:1/a.B?version=0.0.0", "zero-version"),
        ("TRI://10.0.0.1:1/a.B", "protocol-case"),
        ("tri://10.0.0.1:1,10.0.0.2:1/a.B", "host-list"),
        ("tri://10.0.0.1/a.B", "no-port"),
        ("tri://[fe80::1%25eth0]:1/a.B", "ipv6-zone"),
    ] {
        assert_eq!(of_url(Category::Providers, url), note(reason), "{url}");
    }
    let zone = [("dubbo-go-refuses-url", "many-colons"), ("dubbo-go-reads-otherwise", "ipv6-zone")];
    assert_eq!(of_url(Category::Providers, "tri://fe80::1%25eth0:1/a.B"), zone);
    assert!(of_url(Category::Providers, "tri://10.0.0.1:1/a.B?x=1").is_empty());
    assert!(of_url(Category::Consumers, "consumer://[fd00::7]/a.B").is_empty());
    assert!(of_url(Category::Consumers, "consumer://10.0.0.1/a.B").is_empty());
}

#[test]
fn every_url_of_a_provider_that_dubbo_go_refuses_is_a_problem_and_no_other() {
    for answer in super::answers() {
        let Some(url) = answer["newurl"].as_str().filter(|url| !url.is_empty()) else { continue };
        let key = format!("/dubbo/a.B/providers/{url}");
        let found = found(&encode([Record::new(&key)]));
        let refused = found.iter().any(|(_, code, ..)| *code == "dubbo-go-refuses-url");
        assert_eq!(refused, answer["ok"] == false, "{answer}");
    }
}

#[test]
fn the_message_shows_the_escape_that_is_right() {
    let url = "tri://10.0.0.1:1/a.B?filter=echo;token";
    let key = format!("/dubbo/a.B/providers/{}", query_escape(url));
    let value = encode([Record::new(&key)]);
    let annotation = Annotation::decode(&value).unwrap();
    let mut problems = Vec::new();
    Subject::default().lint_records(&annotation, &mut problems, |_, _| {});
    assert_eq!(
        problems[0].message(Language::English),
        "URL that dubbo-go refuses (`;` a semicolon in the query must be escaped, write `%3B`)"
    );
    assert_eq!(
        problems[0].message(Language::Chinese),
        "dubbo-go 拒绝的 URL（`;` 查询中的分号必须转义，应写作 `%3B`）"
    );
}
